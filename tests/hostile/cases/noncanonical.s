/* x64: non-canonical addresses: #SS for what goes by the stack segment, #GP for the rest (SDM vol 1, 3.7.4). The list was
 * run on an Intel processor in user mode, where Linux has a signal for either.
 * arg -cpu arg max
 * noqemu: it has #GP for all. expect 0x21 "\x01pccccccccc mccddddcdcd bdccddc icccccccd !" */
        .macro bad what, more=nop                /* the vector's last digit */
        lea rcx, [1f]
        mov [resume], rcx
        mov rax, 1 << 63
        xor ebx, ebx
        \what
        \more
    1:
        .endm

    main:
        put 1
        .irp vector, 12, 13                     /* on a stack of their own: RSP may be bad */
        mov byte ptr [IDT + \vector * 16 + 4], 1
        mov eax, offset got_\vector
        mov [IDT + \vector * 16], ax
        shr eax, 16
        mov [IDT + \vector * 16 + 6], ax
        .endr

        put 'p'
        .irp insn, "push rbx", "pop rbx", "call next", "ret", "pushf", "popf", "enter 8, 0", "push fs"
        bad "mov rsp, rax", "\insn"
        .endr
        bad "mov rbp, rax", "leave"
        call space

        put 'm'
        bad "mov rbp, rax", "mov rbx, [rbp]"
        bad "mov rsp, rax", "mov rbx, [rsp]"
        bad "mov rbx, [rax]"
        bad "mov r12, rax", "mov rbx, [r12]"
        bad "mov r13, rax", "mov rbx, [r13]"
        bad "mov rbp, rax", "mov rbx, fs:[rbp]"
        bad "mov rbp, rax", "mov rbx, ds:[rbp]"
        bad "mov rbx, ss:[rax]"
        bad "xor ebp, ebp", "mov rbx, [rbp + rax]"
        bad "xor ebp, ebp", "mov rbx, [rax + rbp]"
        call space

        put 'b'                                 /* both an operand and the stack */
        bad "push [rax]"
        bad "mov rbp, rax", "push [rbp]"
        bad "lea rsp, [rax + 8]", "push [word]"
        bad "pop [rax]"
        bad "call [rax]"
        bad "mov rsp, rax", "pop [word]"
        call space

        put 'i'
        bad "mov rbp, rax", "lock add dword ptr [rbp], 1"
        bad "mov rbp, rax", "movups xmm0, [rbp]"
        bad "mov rbp, rax", "fld tbyte ptr [rbp]"
        bad "mov rbp, rax", "fxsave [rbp]"
        bad "mov rbp, rax", "cmpxchg16b [rbp]"
        bad "xor ebp, ebp", "bt [rbp], rax"
        bad "mov rsp, rax", "iretq"
        bad "mov rsi, rax", "movsb"
        call space
        put 33
        exit 0x10

    got_12:
        put 'c'
        jmp 1f
    got_13:
        put 'd'
    1:  mov esp, STACK
        jmp [resume]
    next:
        .balign 8
    word:
        .quad 0
