/* x64: what there is to see of machine checks: CPUID, CR4.MCE, the registers after reset and what they take. */
        .macro rd n
        put 'R'
        try 1f
        mov ecx, \n
        rdmsr
        push rax
        mov eax, edx
        call hex8
        pop rax
        call hex8
        call space
    1:
        .endm
        .macro wr n, v
        put 'W'
        try 1f
        mov ecx, \n
        mov edx, \v
        mov eax, \v
        wrmsr
    1:
        .endm
    main:
        put 1
        mov eax, 1
        cpuid
        mov eax, edx
        and eax, 0x4080                         /* MCE, MCA */
        call hex8
        mov rax, cr4
        or eax, 0x40
        mov cr4, rax
        mov rax, cr4
        call hex8
        call space
        .irp n, 0x179, 0x17a, 0x17b, 0x400, 0x401, 0x402, 0x403, 0x424, 0x425, 0x427
        rd \n
        .endr
        .irp n, 0x17a, 0x17b, 0x400, 0x424
        .irp v, 0, -1, 0x12345678
        wr \n, \v
        rd \n
        .endr
        .endr
        .irp n, 0x401, 0x402, 0x403
        wr \n, 0
        .endr
        exit 0x10
