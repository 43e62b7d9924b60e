/* x64: #PF with an IDT or a stack that cannot be reached; on the last there is no way out.
 * noqemu: it does not set P for a reserved bit. expect 0 "\x01E08:0000 E08:0000 E0e:0002:fffffff8 E0e:0002:80000000 E0e:0003:01000000 E0e:0011:01000000 E0e:0009:01000000 " */
    main:
        put 1
        mov byte ptr [IDT + 8 * 16 + 4], 1      /* #DF on its own stack (IST 1) */
        try 1f
        mov rsp, 0xffffffff00000000             /* not mapped: #PF, and #PF pushing its frame */
        push rax
    1:  try 1f
        mov rsp, 0x8000000000000000             /* not canonical: #SS, and again for its frame */
        push rax
    1:  mov byte ptr [IDT + 14 * 16 + 4], 1
        try 1f
        mov rsp, 0xffffffff00000000
        push rax
    1:  mov rbx, 0xffffffff80000000             /* reserved bits, protection, NX */
        try 1f
        mov [rbx], al
    1:  mov dword ptr [PD + 8 * 8], 0x01000085  /* user, read-only */
        invlpg [0x1000000]
        try 1f
        mov byte ptr [0x1000000], 1
    1:  mov dword ptr [PD + 8 * 8 + 4], 0x80000000
        invlpg [0x1000000]
        try 1f
        mov ebx, 0x1000000
        jmp rbx
    1:  mov dword ptr [PD + 8 * 8 + 4], 0x00080000  /* address bit 51 */
        invlpg [0x1000000]
        try 1f
        mov al, [0x1000000]
    1:  lea rax, [rip + gone]
        mov [tss + 36], rax
        mov qword ptr [tss + 36], 0             /* IST 1 at 0, growing down from 4 GiB's like */
        mov rax, 0xffffffff00000000
        mov [tss + 36], rax
        mov rsp, rax
        push rax                                /* no stack for #PF, none for #DF: reset */
    gone:
        exit 0x10
