/* x32: call gates with parameters (SDM vol 3, 5.8.5): from CPL 3 to 0 with 0, 1, 5 and 31 of them, 32 and 16 bits, the
 * new stack's contents and the way back by RET n; a gate above its DPL, one that is not
 * present, one to data, one with a null selector, one beyond the table. */
        .set GATES, 0x300000            /* a GDT of our own: the prelude's, and behind it ... */
        .set C3, 0x60 | 3
        .set D3, 0x68 | 3
        .set BASED, 0x70                /* code at 1 MiB, where 16 bits reach */
        .set GATE, 0x80
        .macro descriptor sel, low, high
        mov dword ptr [GATES + \sel], \low
        mov dword ptr [GATES + \sel + 4], \high
        .endm
        .macro gate n, sel, target, type, count
        mov eax, offset \target
        mov ecx, eax
        and eax, 0xffff
        or eax, \sel << 16
        and ecx, 0xffff0000
        or ecx, \type << 8 | \count
        mov [GATES + GATE + \n * 8], eax
        mov [GATES + GATE + \n * 8 + 4], ecx
        .endm
        .macro through n                /* at CPL 3, parameters 0x11111111, 0x22222222 and so on above ESP */
        mov dword ptr [resume], offset 1f
        mov ebx, GATE + \n * 8 + 3
        call ring3
    1:  call space
        .endm
    ring3:                              /* EBX: the gate */
        pop dword ptr [back]
        mov [far_pointer + 4], bx
        mov ecx, 31
        mov edi, 0x310000 - 31 * 4
        mov eax, 0x11111111
    1:  mov [edi], eax
        add edi, 4
        add eax, 0x11111111
        loop 1b
        push D3
        push 0x310000 - 31 * 4
        push 2
        push C3
        push offset user
        mov eax, D3
        mov ds, ax
        mov es, ax
        iretd
    user:
        .byte 0xff, 0x1d                /* call far [far_pointer] */
        .long far_pointer
        mov ecx, esp
        int 0x80
    after:                              /* back at CPL 0 by INT 80h: ESP of CPL 3 in ECX */
        mov eax, 16
        mov ds, ax
        mov es, ax
        mov esp, STACK
        put '='
        mov eax, ecx
        call hex8
        mov dword ptr [resume], 0
        jmp [back]
    inside32:
        mov ebp, esp
        mov eax, cs
        call hex2
        mov eax, ss
        call hex2
        mov eax, esp
        call hex8
        .irp n, 4, 8, 12, 16, 24, 28, 32, 132, 136
        put ','
        mov eax, [ebp + \n]
        call hex8
        .endr
        movzx eax, bx                   /* as many as the gate says */
        and eax, 0xf8
        movzx eax, byte ptr [GATES + eax + 4]
        and eax, 31
        cmp eax, 0
        je 1f
        cmp eax, 1
        je 2f
        cmp eax, 5
        je 3f
        retf 31 * 4
    1:  retf
    2:  retf 4
    3:  retf 20
    inside16:
        mov ebp, esp
        mov eax, esp
        call hex8
        .irp n, 0, 2, 4, 6, 8, 10, 12
        put ','
        movzx eax, word ptr [ebp + \n]
        call hex4
        .endr
        mov ecx, ebp
        ljmp 8, offset after
    main:
        put 1
        sgdt [table]
        mov esi, [table + 2]
        mov edi, GATES
        movzx ecx, word ptr [table]
        inc ecx
        rep movsb
        descriptor 0x60, 0x0000ffff, 0x00cffb00
        descriptor 0x68, 0x0000ffff, 0x00cff300
        descriptor BASED, 0x0000ffff, 0x00cf9b10
        descriptor 0x78, (GATES + 0x1000) << 16 | 0x67, 0x00008900 | (GATES >> 16)
        mov word ptr [table], 0x1ff
        mov dword ptr [table + 2], GATES
        lgdt [table]
        mov dword ptr [GATES + 0x1004], 0x320000
        mov dword ptr [GATES + 0x1008], 16
        mov eax, 0x78
        ltr ax
        mov eax, offset after
        mov [IDT + 0x80 * 8], ax
        shr eax, 16
        mov [IDT + 0x80 * 8 + 6], ax
        mov byte ptr [IDT + 0x80 * 8 + 5], 0xee
        gate 0, 8, inside32, 0xec, 0
        gate 1, 8, inside32, 0xec, 1
        gate 2, 8, inside32, 0xec, 5
        gate 3, 8, inside32, 0xec, 31
        gate 4, BASED, "inside16 - 0x100000", 0xe4, 3
        gate 5, 8, inside32, 0x8c, 0
        gate 6, 8, inside32, 0x6c, 0
        gate 7, 16, inside32, 0xec, 0
        gate 8, 0, inside32, 0xec, 0
        gate 9, 0x1f8, inside32, 0xec, 0
        mov word ptr [GATES + GATE + 4 * 8 + 6], 0
        .irp n, 0, 1, 2, 3, 4
        through \n
        .endr
        .irp n, 5, 6, 7, 8, 9
        through \n
        .endr
        exit 0x10
        .balign 8
    table:
        .quad 0
    far_pointer:
        .long 0, 0
    back:
        .long 0
