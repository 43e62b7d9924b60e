/* x64: the local APIC's timer at its fastest, self-IPIs within handlers, all priorities.
 * noqemu: it does nothing else any more. expect 0x21 "\x01a00000000" */
    main:
        put 1
        mov al, 0xff
        out 0x21, al
        out 0xa1, al
        lea rax, [rip + tick]
        mov edi, IDT + 0x30 * 16
    1:  mov [rdi], ax
        mov ecx, eax
        shr ecx, 16
        mov [rdi + 6], cx
        add edi, 16
        cmp edi, IDT + 0x1000
        jb 1b
        mov edi, 0xfee00000
        mov dword ptr [rdi + 0xf0], 0x1ff
        mov dword ptr [rdi + 0x80], 0
        mov dword ptr [rdi + 0x3e0], 0xb
        mov dword ptr [rdi + 0x320], 0x20031    /* periodic, vector 31h */
        mov dword ptr [rdi + 0x380], 1
        xor ebp, ebp
        xor ebx, ebx
        sti
    1:  hlt
        cmp ebp, 500
        jb 1b
        mov dword ptr [rdi + 0x320], 0x10031
        mov ecx, 500
    2:  mov eax, ecx
        and eax, 0x7f
        or eax, 0x40080                         /* self, vectors 80h..ffh */
        mov [rdi + 0x300], eax
        loop 2b
        put 'a'
        mov eax, [rdi + 0x100]                  /* nothing in service */
        or eax, [rdi + 0x140]
        or eax, [rdi + 0x170]
        or eax, [rdi + 0x270]
        call hex8
        exit 0x10
    tick:
        push rax
        inc ebp
        sti
        test ebp, 7
        jnz 1f
        mov dword ptr [rdi + 0x300], 0x400f5
    1:  cli
        mov dword ptr [rdi + 0xb0], 0
        pop rax
        iretq
