/* x64 arg -smp arg 2 : two processors count on one word with LOCK, pass a token
 * 2000 times, and send each other interrupts. */
        .set COUNTER, 0x300000
        .set TOKEN, 0x300080
        .set READY, 0x3000c0
        .set IPIS, 0x300100
    main:
        put 1
        mov edi, COUNTER
        mov ecx, 128
        xor eax, eax
        rep stosd
        mov dword ptr [IDT + 0x40 * 16], 0      /* vector 40h: count, end of interrupt */
        mov eax, offset ipi
        mov [IDT + 0x40 * 16], ax
        mov word ptr [IDT + 0x40 * 16 + 2], 8
        shr eax, 16
        mov [IDT + 0x40 * 16 + 6], ax
        mov qword ptr [second_entry], offset other
        call start_second
    1:  pause
        cmp dword ptr [READY], 1
        jne 1b
        mov ebx, 5000
    1:  lock inc dword ptr [COUNTER]
        dec ebx
        jnz 1b
        xor ebx, ebx                            /* tokens: even ones are ours */
    1:  cmp [TOKEN], ebx
        je 2f
        pause
        jmp 1b
    2:  inc ebx
        mov [TOKEN], ebx
        inc ebx
        cmp ebx, 2000
        jb 1b
        mov ebx, 100                            /* interrupts, one at a time */
    1:  mov edi, 0xfee00000
        mov dword ptr [rdi + 0x310], 0x1000000
        mov dword ptr [rdi + 0x300], 0x4040
        mov eax, 101
        sub eax, ebx
    2:  pause
        cmp [IPIS], eax
        jne 2b
        dec ebx
        jnz 1b
    1:  pause
        cmp dword ptr [READY], 2
        jne 1b
        mov eax, [COUNTER]
        call hex8
        call space
        mov eax, [TOKEN]
        call hex8
        call space
        mov eax, [IPIS]
        call hex8
        exit 0x10
    ipi:
        push rax
        push rdi
        inc dword ptr [IPIS]
        mov edi, 0xfee00000
        mov dword ptr [rdi + 0xb0], 0
        pop rdi
        pop rax
        iretq
    other:
        mov edi, 0xfee00000
        mov dword ptr [rdi + 0xf0], 0x1ff
        mov esp, STACK - 0x2000
        mov dword ptr [READY], 1
        mov ebx, 5000
    1:  lock inc dword ptr [COUNTER]
        dec ebx
        jnz 1b
        mov ebx, 1
    1:  cmp [TOKEN], ebx
        je 2f
        pause
        jmp 1b
    2:  inc ebx
        mov [TOKEN], ebx
        inc ebx
        cmp ebx, 2000
        jb 1b
    1:  cli
        cmp dword ptr [IPIS], 100
        jae 2f
        sti
        hlt
        jmp 1b
    2:
        mov dword ptr [READY], 2
    1:  hlt
        jmp 1b
