/* x64: the PIT at its fastest and HLT between the ticks; the count of interrupts is what it is.
 * noqemu: it does nothing else any more. expect 0x21 "\x01t" */
    main:
        put 1
        lea rax, [rip + tick]
        mov [IDT + 0x20 * 16], ax
        shr eax, 16
        mov [IDT + 0x20 * 16 + 6], ax
        mov al, 0x11
        out 0x20, al
        mov al, 0x20
        out 0x21, al
        mov al, 4
        out 0x21, al
        mov al, 1
        out 0x21, al
        mov al, 0xfe
        out 0x21, al
        mov al, 0x34
        out 0x43, al
        mov al, 2                               /* 600 kHz, if it can */
        out 0x40, al
        mov al, 0
        out 0x40, al
        xor ebp, ebp
        sti
    1:  hlt
        cmp ebp, 500
        jb 1b
    2:  cmp ebp, 1000                           /* and without */
        jb 2b
        mov ecx, 1000
    3:  sti
        nop
        cli
        loop 3b
        put 't'
        exit 0x10
    tick:
        push rax
        inc ebp
        mov al, 0x20
        out 0x20, al
        pop rax
        iretq
