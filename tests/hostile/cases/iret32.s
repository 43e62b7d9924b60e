/* x32: IRET to all kinds of places, and many of them. */
    main:
        put 1
        mov ebp, 100000
    1:  pushfd
        push 8
        push offset 2f
        iretd
    2:  dec ebp
        jnz 1b
        put 'd'
        .macro back cs, eflags
        try 9f
        push 0x23
        push 0x8f000
        push \eflags
        push \cs
        push offset user
        iretd
    9:
        .endm
        back 0, 2
        back 0x10, 2
        back 0x1000, 2
        back 4, 2
        back 0x28, 2
        back 0x1b, 2                            /* to user mode, which does int3: DPL 0 gate, #GP */
        back 0x1b, 0x3002                       /* with IOPL 3 */
        back 0x19, 2
        back 8, 0x4002                          /* NT is loaded: the next IRET is a task return */
        pushfd
        and dword ptr [esp], ~0x4000
        popfd
        mov eax, 0x20002                        /* virtual 8086 mode: int3 goes through the TSS's stack */
        try 1f
        push 0
        push 0
        push 0
        push 0
        push 0
        push 0x1000
        push eax
        push 0x8000
        push 0
        mov word ptr [0x80000], 0xccf4
        iretd
    1:  try 1f
        mov word ptr [0x80000], 0x80cd
        or byte ptr [IDT + 0x80 * 8 + 5], 0x60
        push 0
        push 0
        push 0
        push 0
        push 0
        push 0x1000
        push 0x23002
        push 0x8000
        push 0
        iretd
    1:  pushfd
        or dword ptr [esp], 0x4000
        popfd
        try 1f
        iretd                                   /* NT: back link 0 */
    1:  exit 0x10
        .balign 16
    user:
        mov eax, esp
        int3
