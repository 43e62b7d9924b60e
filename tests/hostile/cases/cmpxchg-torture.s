/* x64 pc: two processors: locked counters, split locks, a lock made of XCHG, and one
 * that rewrites what the other one runs.
 * arg -smp arg 2 */
    main:
        put 1
        mov qword ptr [second_entry], offset second
        call start_second
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

    second:
        mov esp, STACK - 0x10000
        mov dword ptr [rip + started], 1
        call work
    1:  cli
        hlt
        jmp 1b
