/* x32: tasks of 16 bits (SDM vol 3, 7.6): JMP, CALL and IRET between a 32-bit task and two 16-bit ones, what their
 * segments keep of registers, busy bits and back links; a TSS of 16 bits that is one byte too short. The upper halves of
 * registers are anything afterwards. */
        .set GDT, 0x300000
        .set TSS32, 0x302000
        .set TSSA, 0x303000
        .set TSSB, 0x304000
        .macro descriptor sel, low, high
        mov dword ptr [GDT + \sel], \low
        mov dword ptr [GDT + \sel + 4], \high
        .endm
        .macro tss16 at, ip             /* IP, FLAGS, AX ... DI from 14, ES, CS, SS, DS, LDT */
        mov eax, offset \ip - 0x100000
        mov [\at + 14], ax
        mov word ptr [\at + 16], 2
        .irp n, 18, 20, 22, 24, 28, 30, 32
        mov word ptr [\at + \n], 0x1000 + \n
        .endr
        mov word ptr [\at + 26], 0x8000
        .irp n, 34, 40
        mov word ptr [\at + \n], 16
        .endr
        mov word ptr [\at + 38], 0x88
        mov word ptr [\at + 36], 0x60
        mov word ptr [\at + 42], 0
        .endm
        .macro state                    /* busy bits and back links */
        push eax
        .irp sel, 0x68, 0x70, 0x78
        mov al, [GDT + \sel + 5]
        call hex2
        .endr
        .irp tss, TSS32, TSSA, TSSB
        put ','
        mov ax, [\tss]
        call hex4
        .endr
        call space
        pop eax
        .endm
        .macro regs
        .irp r, eax, ecx, ebx, esp, ebp, esi, edi
        push eax
        mov eax, \r
        call hex4
        put ','
        pop eax
        .endr
        pushfd
        pop eax
        call hex4
        call space
        .endm
    main:
        put 1
        sgdt [table]
        mov esi, [table + 2]
        mov edi, GDT
        movzx ecx, word ptr [table]
        inc ecx
        rep movsb
        descriptor 0x60, 0x0000ffff, 0x00cf9b10                 /* code at 1 MiB */
        descriptor 0x68, 0x20000067, 0x00008930
        descriptor 0x70, 0x3000002b, 0x00008130
        descriptor 0x78, 0x4000002b, 0x00008130
        descriptor 0x88, 0x0000ffff, 0x00009309                 /* a stack at 90000h, of 16 bits */
        descriptor 0x80, 0x5000002a, 0x00008130
        mov word ptr [table], 0x1ff
        mov dword ptr [table + 2], GDT
        lgdt [table]
        mov dword ptr [TSS32 + 4], STACK - 0x1000
        mov dword ptr [TSS32 + 8], 16
        mov eax, 0x68
        ltr ax
        tss16 TSSA, a1
        tss16 TSSB, b1
        mov eax, 0x11111111
        mov ecx, 0x22222222
        mov ebx, 0x33333333
        mov ebp, 0x55555555
        mov esi, 0x66666666
        mov edi, 0x77777777
        ljmp 0x70, 0                    /* to A */
    back1:
        regs
        state
        lcall 0x70, 0                   /* again, nested */
        regs
        state
        try 1f
        ljmp 0x80, 0
    1:  state
        try 2f
        ljmp 0x68, 0                    /* busy: itself */
    2:  exit 0x10
    a1: call 5f
    5:  regs
        state
        mov eax, 0xaaaaaaaa
        mov ecx, 0xcccccccc
        lcall 0x78, 0                   /* B, nested */
        regs
        state
        mov ebx, 0xbbbbbbbb
        ljmp 0x68, 0                    /* the 32-bit task goes on */
        regs                            /* called: NT */
        state
        iretd
        jmp a1
    b1: call 5f
    5:  regs
        state
        iretd                           /* to A */
        regs
        iretd
        .balign 8
    table:
        .quad 0
