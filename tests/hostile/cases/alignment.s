/* x64: alignment checks at CPL 3 (SDM 3A 6.15, interrupt 17): what is checked, and what is not;
 * intel: the order of answers is that of a current processor of theirs; AMD's check MOVUPS, too.
 * noqemu: it has none.
 * expect 0x21 "\x01E06:0000 E11:0000 E06:0000 E11:0000 E11:0000 E06:0000 E11:0000 E11:0000 E06:0000 E06:0000 E11:0000 E06:0000 E11:0000 E11:0000 E11:0000 E0d:0000 E11:0000 E06:0000 E11:0000 sE11:0000 kE06:0000 " */
    main:
        put 1
        mov rax, cr0
        or eax, 0x40000         /* AM */
        mov cr0, rax
        .macro user
        try 8f
        push 0x23
        push 0x8f000
        push 0x40002            /* AC */
        push 0x2b
        lea rax, [9f]
        push rax
        mov ebx, 0x80000
        iretq
    9:
        .endm
        .macro leave
        ud2
    8:
        .endm
        .macro check insn:vararg
        user
        \insn
        leave
        .endm
        check mov al, [rbx + 1]
        check mov ax, [rbx + 1]
        check mov ax, [rbx + 2]
        check mov eax, [rbx + 2]
        check mov rax, [rbx + 4]
        check mov rax, [rbx + 8]
        check mov [rbx + 4], rax
        check push qword ptr [rbx + 4]
        check movups xmm0, [rbx + 8]
        check movups xmm0, [rbx + 16]
        check movsd xmm0, [rbx + 4]
        check fld tbyte ptr [rbx + 8]
        check fld tbyte ptr [rbx + 4]
        check lock xadd [rbx + 2], ecx
        check mov ax, [rbx + 0xfff]
        check movdqa xmm0, [rbx + 8]
        check fnstenv [rbx + 2]
        check fnstenv [rbx + 4]
        check bt dword ptr [rbx + 2], 1
        put 's'                 /* strings element by element */
        user
        mov edi, 0x80001
        mov ecx, 4
        rep stosb
        mov ecx, 1
        rep stosd
        leave
        put 'k'                 /* not in ring 0, nor without AC */
        pushfq
        or qword ptr [rsp], 0x40000
        popfq
        mov ebx, 0x80000
        mov rax, [rbx + 1]
        user
        pushfq
        and dword ptr [rsp], ~0x40000
        popfq
        mov rax, [rbx + 1]
        leave
        exit 0x10
