/* x32: x87 errors with CR0.NE clear: IRQ 13 in front of the next waiting instruction, port F0h and IGNNE#, which lasts
 * until the error is cleared (SDM vol 1, 8.7.2 and appendix D.2; ICH9: COPROC_ERR).
 * noqemu: it reaches an assertion. expect 0x21 "\x01wIb084 ib084 1b084 E0d:0000 b084 aIa084 bIb084 c000000d" */
    main:
        put 1
        mov eax, offset irq13_entry
        mov [IDT + 0x2d * 8], ax
        shr eax, 16
        mov [IDT + 0x2d * 8 + 6], ax
        .irp pic, 0x20, 0xa0
        mov al, 0x11
        out \pic, al
        mov al, 0x20 + (\pic >> 7) * 8
        out \pic + 1, al
        mov al, 4 >> (\pic >> 7)
        out \pic + 1, al
        mov al, 1
        out \pic + 1, al
        .endr
        mov al, 0xfb
        out 0x21, al
        mov al, 0xdf
        out 0xa1, al
        mov eax, cr0
        and eax, ~0x2c                          /* NE, EM, TS */
        or eax, 2                               /* MP */
        mov cr0, eax
        fninit
        fldcw [control]
        sti
        jmp test
    error:                                      /* 1 / 0, which stays in front of the next waiting instruction */
        fld1
        fldz
        fdivp
        ret
    irq13_entry:
        push eax
        push edx
        jmp irq13
    eoi:
        mov al, 0x20
        out 0xa0, al
        out 0x20, al
        pop edx
        pop eax
        iretd
        .balign 4
    control:
        .word 0x37b

    test:
        call error
        put 'w'                                 /* not waited for yet */
        fwait
        put 'a'
        mov dword ptr [handler], offset again
        call error                              /* IGNNE# is over: the same again */
        paddb mm0, mm0
        put 'b'
        emms
        call error
        fldpi
        put 'c'

        mov eax, offset tick                    /* IRQ 13 closed: other interrupts are waited for as well */
        mov [IDT + 0x20 * 8], ax
        shr eax, 16
        mov [IDT + 0x20 * 8 + 6], ax
        mov al, 0xff
        out 0xa1, al
        cli
        mov al, 0xfe
        out 0x21, al
        mov al, 0x34
        out 0x43, al
        mov al, 0
        out 0x40, al
        mov al, 0x10
        out 0x40, al
        call error
        sti
        nop
    waits:
        fwait
        cli
        put 'd'
        exit 0x10

    irq13:
        put 'I'
        call status
        jmp [handler]
    status:
        fnstsw ax
        call hex4
        jmp space
        .balign 4
    handler:
        .long first

    first:
        out 0xf0, al
        fwait                                   /* IGNNE# */
        put 'i'
        call status                             /* the error is still there */
        fld1
        fstp dword ptr [scratch]
        mov al, [scratch + 3]                   /* 3f800000 */
        sub al, 0x3f - '1'
        call c8
        call status
        xor eax, eax
        mov fs, ax
        try 1f
        fld dword ptr fs:[scratch]              /* faults while the error is held back */
    1:  mov esp, STACK - 20                     /* as it was; #GP's handler begins anew */
        call status
        fnclex                                  /* ends FERR#, and with it IGNNE# */
        jmp eoi
    again:
        fnclex
        out 0xf0, al                            /* no FERR#, no IGNNE# */
        jmp eoi

    tick:                                       /* comes back to the instruction that waits, the third time without error */
        push eax
        push edx
        mov eax, [esp + 8]
        sub eax, offset waits
        call hex2
        dec byte ptr [ticks]
        jnz 1f
        fnclex
    1:  mov al, 0x20
        out 0x20, al
        pop edx
        pop eax
        iretd
    ticks:
        .byte 3
        .balign 4
    scratch:
        .long 0
