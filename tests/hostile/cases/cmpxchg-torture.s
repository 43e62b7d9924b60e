/* x64 pc: two processors: locked counters, split locks, a lock made of XCHG, and one
 * that rewrites what the other one runs.
 * arg -smp arg 2 */
    main:
        put 1
        mov edi, 0xfee00000
        mov dword ptr [rdi + 0xf0], 0x1ff
        lea rsi, [rip + trampoline]
        mov edi, 0x8000
        mov ecx, trampoline_end - trampoline
        rep movsb
        mov edi, 0xfee00000
        mov dword ptr [rdi + 0x310], 0x1000000
        mov dword ptr [rdi + 0x300], 0x4500     /* INIT */
        mov dword ptr [rdi + 0x310], 0x1000000
        mov dword ptr [rdi + 0x300], 0x4608     /* start at 8000h */
    1:  pause
        cmp dword ptr [rip + started], 1
        jne 1b
        call work
    1:  pause
        cmp dword ptr [rip + finished], 2
        jne 1b
        mov eax, [rip + counter]
        call hex8
        call space
        mov rax, 0x300ffc
        mov eax, [rax]
        call hex8
        call space
        mov eax, [rip + guarded]
        call hex8
        call space
        mov eax, [rip + sixteen]
        call hex8
        call space
        mov eax, [rip + wrong]
        call hex8
        exit 0x10
    work:
        mov ecx, 20000
    1:  lock inc dword ptr [rip + counter]
        lock add qword ptr [0x300ffc], 1        /* across a page edge */
    2:  mov eax, 1                              /* a spin lock */
        xchg eax, [rip + spin]
        test eax, eax
        jz 3f
        pause
        jmp 2b
    3:  inc dword ptr [rip + guarded]
        mov dword ptr [rip + spin], 0
        push rcx
    4:  mov rax, [rip + sixteen]                /* 128 bits at once */
        mov rdx, [rip + sixteen + 8]
        mov rbx, rax
        mov rcx, rdx
        inc rbx
        dec rcx
        lock cmpxchg16b [rip + sixteen]
        jnz 4b
        mov rax, rdx
        add rax, rbx
        pop rcx
        test cl, 0x3f
        jnz 5f
        mov [rip + victim + 1], ecx             /* what the other may be running */
    5:  call victim
        cmp eax, 20001
        jb 6f
        lock inc dword ptr [rip + wrong]
    6:  dec ecx
        jnz 1b
        lock inc dword ptr [rip + finished]
        ret
        .balign 64
        .fill 3, 1, 0x90
    victim:
        mov eax, 0
        ret
        .balign 64
    counter:
        .long 0
    spin:
        .long 0
    guarded:
        .long 0
    started:
        .long 0
    finished:
        .long 0
    wrong:
        .long 0
        .balign 16
    sixteen:
        .quad 0, 0

        .code16
    trampoline:
        cli
        xor ax, ax
        mov ds, ax
        lgdt [0x8000 + tramp_gdt - trampoline]
        mov eax, 0x6a0
        mov cr4, eax
        mov eax, PML4
        mov cr3, eax
        mov ecx, 0xc0000080
        rdmsr
        or eax, 0x900
        wrmsr
        mov eax, 0x80010033
        mov cr0, eax
        .byte 0x66, 0xea
        .long ap64
        .word 8
    tramp_gdt:
        .word gdt_end - gdt - 1
        .long gdt
    trampoline_end:
        .code64
    ap64:
        mov eax, 16
        mov ds, eax
        mov es, eax
        mov ss, eax
        lidt [idt_ptr]
        mov esp, STACK - 0x10000
        mov dword ptr [rip + started], 1
        call work
    1:  cli
        hlt
        jmp 1b
