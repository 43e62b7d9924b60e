/* x64: DR0..DR3 on instructions, data and ports; what DR6 says, where the handler is entered (SDM 3B 18.2).
 */
    /* The handler prints the distance of RIP from [from], DR6's low 16 bits, RF, and clears DR6. */
    db_handler:
        push rax
        push rcx
        put '@'
        mov rax, [rsp + 16]
        sub rax, [from]
        call hex2
        put ':'
        mov rax, dr6
        and eax, 0xe00f
        call hex4
        put ':'
        mov eax, [rsp + 32]
        shr eax, 16
        and eax, 1
        call hex1
        call space
        mov eax, 0xffff0ff0
        mov dr6, rax
        mov rax, [rsp + 32]     /* single steps end here; instruction breakpoints are passed over */
        and eax, ~0x100
        or eax, 0x10000
        mov [rsp + 32], rax
        pop rcx
        pop rax
        iretq
        .balign 8
    from:
        .quad 0
    var:
        .quad 0, 0, 0, 0, 0, 0, 0, 0

        .macro arm n, addr, dr7
        lea rax, \addr
        mov dr\n, rax
        mov eax, \dr7
        mov dr7, rax
        .endm
        .macro watch what           /* runs it, RIP counted from its start */
        lea rax, [9f]
        mov [from], rax
    9:  \what
        nop
        nop
        .endm

    main:
        put 1
        mov eax, offset db_handler
        mov [IDT + 16], ax
        shr eax, 16
        mov [IDT + 16 + 6], ax

        arm 0, [1f], 0x402                      /* an instruction, twice */
        lea rax, [1f]
        mov [from], rax
        mov ecx, 2
    1:  inc edx
        loop 1b
        put 'w'
        arm 0, [var], 0x10402                   /* stores of a byte */
        watch "mov byte ptr [var], 1"
        watch "mov byte ptr [var + 1], 1"
        watch "mov al, [var]"
        watch "mov qword ptr [var - 7], 1"
        watch "inc dword ptr [var - 2]"
        watch "lock inc dword ptr [var - 2]"
        watch "movups [var - 8], xmm0"
        watch "push qword ptr [from]"
        put 'r'
        arm 1, [var + 8], 0xf00408              /* any access to 4 bytes */
        watch "mov al, [var + 11]"
        watch "mov al, [var + 12]"
        watch "mov rax, [var + 4]"
        watch "add dword ptr [var + 8], 1"
        watch "cmp dword ptr [var + 8], 1"
        watch "movups xmm0, [var]"
        watch "fld qword ptr [var + 8]"
        put 'p'                                 /* ports, with CR4.DE only */
        arm 0, [0xe8], 0x60402          /* two ports */
        watch "nop"
        mov rax, cr4
        or eax, 8
        mov cr4, rax
        mov edx, 0xe7
        watch "out dx, ax"
        watch "out dx, al"
        exit 0x10
