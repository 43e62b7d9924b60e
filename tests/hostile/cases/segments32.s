/* x32: garbage in LDT, TSS, task gates and segment registers.
 * noqemu: it runs beyond the limit of the garbage that makes a code segment.
 * expect 0x21 "\x01E0d:0028 E0d:0010 E0d:0010 E0d:1000 E0d:1000 E0d:0004 E0d:0004 E0d:0004 - E0d:0000 E0d:0018 E0d:0008 E0d:0010 E06:0000 E0d:0010 E0d:0000 E0d:0018 E0d:1000 E0d:0010 E0d:0028 E0d:0004 E0d:0004 E0d:0004 - - E0d:000c E0d:0014 E0d:0014 E0d:0014 E0d:001c E0d:001c E0d:001c E0b:0024 E0d:0024 E0d:0024 E0d:002c E0d:002c E0d:002c E0b:0034 E0d:0034 E0d:0034 E0d:003c E0d:003c E0d:0000 E0d:0044 E0d:0044 E0d:0044 E0d:0010 E0d:0000 E0d:0028 E0a:0048 E0a:0048 " */
    main:
        put 1
        .macro attempt text:vararg
        mov eax, ebp
        try 9f
        \text
        put '-'
        put ' '
    9:
        .endm
        xor eax, eax
        lldt ax
        mov ebp, 0x28
        attempt ltr ax                          /* busy */
        mov ebp, 0x10
        attempt ltr ax                          /* data */
        attempt lldt ax
        mov ebp, 0x1000
        attempt ltr ax                          /* beyond the GDT */
        attempt lldt ax
        mov ebp, 4
        attempt ltr ax                          /* in an LDT that is not there */
        attempt mov ds, ax
        attempt mov ss, ax
        xor ebp, ebp
        attempt lldt ax
        attempt mov ss, ax
        mov ebp, 0x18
        attempt mov ss, ax
        mov ebp, 8
        attempt mov ss, ax
        mov ebp, 0x13
        attempt mov ss, ax
        attempt mov cs, ax
        attempt ljmp 0x10, 0
        attempt ljmp 0, 0
        attempt ljmp 0x18, 0
        attempt ljmp 0x1000, 0
        attempt lcall 0x10, 0
        attempt ljmp 0x28, 0                  /* the task that runs */
        /* an LDT made of garbage */
        mov dword ptr [gdt + 0x40], 0x0000003f
        mov dword ptr [gdt + 0x44], 0x00008230
        mov eax, 0x40
        lldt ax
        mov edi, 0x300000
        mov ebx, 12345
        mov ecx, 16
    1:  imul ebx, ebx, 1103515245
        add ebx, 12345
        mov [edi], ebx
        add edi, 4
        loop 1b
        mov ebp, 4
    1:  attempt mov fs, ax
        attempt mov ss, ax
        mov eax, 16
        mov ss, eax
        mov esp, STACK
        push ebp
        push offset main
        attempt retf
        add ebp, 8
        cmp ebp, 0x4c
        jb 1b
        mov eax, 16
        mov fs, eax
        /* task gates: to data, to nothing, to the busy TSS, to garbage */
        mov dword ptr [IDT + 0x30 * 8 + 4], 0x8500
        mov dword ptr [IDT + 0x30 * 8], 0x100000
        attempt int 0x30
        mov dword ptr [IDT + 0x30 * 8], 0
        attempt int 0x30
        mov dword ptr [IDT + 0x30 * 8], 0x280000
        attempt int 0x30
        mov dword ptr [gdt + 0x48], 0x00000040  /* a TSS that is too short */
        mov dword ptr [gdt + 0x4c], 0x00008930
        mov dword ptr [IDT + 0x30 * 8], 0x480000
        attempt int 0x30
        attempt ljmp 0x48, 0
        exit 0x10
