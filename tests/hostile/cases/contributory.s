/* x64: faults while delivering faults, and what they become (SDM 3A 6.15, table 6-5).
 * noqemu: its error codes count gates of 16 bytes, and do not say that an exception was the cause.
 * expect 0x21 "\x01E0b:0033 E08:0000 E0d:fff8 E0d:0000 E0d:0010 E0d:0040 E0d:0022 E0d:0022 E0d:0000 E0d:0102 E0d:07fa E08:0000 " */
    main:
        put 1
        /* #UD's gate not present: #NP with the gate as error code */
        and byte ptr [IDT + 6 * 16 + 5], 0x7f
        try 1f
        ud2
    1:  /* #NP's too: contributory on contributory is a double fault */
        and byte ptr [IDT + 11 * 16 + 5], 0x7f
        try 1f
        ud2
    1:  /* a gate with a selector beyond the GDT */
        mov word ptr [IDT + 3 * 16 + 2], 0xfff8
        try 1f
        int3
    1:  mov word ptr [IDT + 3 * 16 + 2], 0      /* a null selector */
        try 1f
        int3
    1:  mov word ptr [IDT + 3 * 16 + 2], 16     /* a data segment */
        try 1f
        int3
    1:  mov word ptr [IDT + 3 * 16 + 2], 0x40   /* a 32-bit code segment */
        try 1f
        int3
    1:  mov byte ptr [IDT + 4 * 16 + 5], 0x85   /* a task gate in long mode */
        try 1f
        int 4
    1:  mov byte ptr [IDT + 4 * 16 + 5], 0x00   /* no type at all */
        try 1f
        int 4
    1:  mov rax, 0x0000000080000000             /* a handler that is not canonical */
        mov byte ptr [IDT + 4 * 16 + 5], 0x8e
        mov [IDT + 4 * 16 + 8], rax
        try 1f
        int 4
    1:  mov word ptr [idt_ptr], 0x1ff           /* beyond the limit of the IDT */
        lidt [idt_ptr]
        try 1f
        int 0x20
    1:  try 1f
        int 0xff
    1:  mov word ptr [idt_ptr], 0xcf            /* #GP's gate is outside: #DF, seen by its gate */
        lidt [idt_ptr]
        try 1f
        int 0x20
    1:  exit 0x10
