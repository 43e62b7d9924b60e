/* x64: the status, address and misc registers of a machine check bank may only be cleared (SDM vol 3, 16.3.2).
 * noqemu: it takes anything. expect 0x21 "\x01E0d:0000 E0d:0000 E0d:0000 E0d:0000 00000000 " */
    main:
        put 1
        .irp n, 0x401, 0x402, 0x403, 0x425
        try 1f
        mov ecx, \n
        mov edx, -1
        mov eax, edx
        wrmsr
    1:
        .endr
        mov ecx, 0x401
        rdmsr
        or eax, edx
        call hex8
        call space
        exit 0x10
