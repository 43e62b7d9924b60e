/* x64 arg -smp arg 2 : system management mode of two processors at once. Each moves its SMBASE into SMRAM, and then asks its
 * handler for a count by port B2h and the other processor's for an answer by an IPI, ROUNDS times; last one that sleeps.
 * With LATCH: the second one gets an INIT while its handler waits for the power button, without end. */
        .ifndef ROUNDS
        .set ROUNDS, 50
        .set DELAY, 100
        .endif
        .set REQUEST, 0x300000                  /* + 64 * processor: the last IPI that was sent to it */
        .set ANSWER, 0x300004                   /* the last one that its handler saw */
        .set MOVED, 0x300008                    /* its SMBASE is in SMRAM */
        .set STATE, 0x30000c                    /* of its program: 1: begins, 2: is through */
        .set ROUND, 0x300010
        .set HELD, 0x300080                     /* 1: the handler waits, 2: with an INIT, 3: it goes back */
        .set PM, 0x600                          /* the 82371AB's power management */
        .set BUTTON, 0x100
        .set COUNT, 0x7f00                      /* in SMRAM, from SMBASE: how often the port was written */
        .set ASKED, 0x51c0de
        .set SAVED_SMBASE, 0x100
        .set SAVED_BX, 0x1e0
        .set SAVED_AX, 0x1f8
    .macro config reg, port                     /* a configuration register to the data ports */
        mov dx, 0xcf8
        mov eax, \reg
        out dx, eax
        mov dx, \port
    .endm
    .macro smi_to apic
        mov eax, \apic
        shl eax, 24
        mov edi, 0xfee00000
        mov [rdi + 0x310], eax
        mov dword ptr [rdi + 0x300], 0x4200
    .endm
    .macro copy from, to, end
        mov esi, offset \from
        mov edi, \to
        mov ecx, offset \end - \from
        rep movsb
    .endm
    main:
        put 1
        mov edi, REQUEST
        mov ecx, 64
        xor eax, eax
        rep stosd
        copy mover, 0x38000, mover_end
        config 0x80000070, 0xcfe
        mov al, 0x4a                            /* SMRAM of the 82441FX: open */
        out dx, al
        copy handler, 0xa8000, handler_end
        copy handler, 0xac000, handler_end
        mov dword ptr [0xa7f00], 0
        mov dword ptr [0xabf00], 0
        config 0x80000070, 0xcfe
        mov al, 0x0a                            /* only for processors in the mode */
        out dx, al
        config 0x80000b58, 0xcfc                /* writes of port B2h make SMIs (82371AB, DEVACTB) */
        in eax, dx
        or eax, 1 << 25
        out dx, eax
        mov edi, 0xfee00000
        mov dword ptr [rdi + 0xf0], 0x1ff
        smi_to 0
    1:  pause
        cmp dword ptr [MOVED], 1
        jne 1b
        mov qword ptr [second_entry], offset other
        call start_second
    1:  pause
        cmp dword ptr [STATE + 64], 1
        jne 1b
        smi_to 1
    1:  pause
        cmp dword ptr [MOVED + 64], 1
        jne 1b
        .ifdef LATCH
        jmp latch
        .endif
        mov eax, [0xa7f00]                      /* nobody is there */
        call hex8
        call space
        xor r15d, r15d
        call rounds
    1:  pause
        cmp dword ptr [STATE + 64], 2
        jne 1b
        mov ebx, 10
        mov r15d, 0
    1:  call ask_other                          /* it sleeps */
        dec ebx
        jnz 1b
        .irp word, ROUND, ROUND + 64, ANSWER, ANSWER + 64
        mov eax, [\word]
        call hex8
        call space
        .endr
        exit 0x10

    other:
        mov esp, STACK - 0x2000
        mov edi, 0xfee00000
        .ifdef LATCH                            /* as INIT leaves it, and then otherwise: SVR, TPR, LINT1's entry, ICR */
        .irp pair, 0x0f0000ff, 0x08000000, 0x36010000, 0x30000000
        mov ecx, \pair & 0xffffff
        mov eax, [rdi + (\pair >> 24) * 16]
        cmp eax, ecx
        jne bad
        .endr
        mov dword ptr [rdi + 0x80], 0x20
        mov dword ptr [rdi + 0x360], 0x400
        mov dword ptr [rdi + 0x310], 0
        mov dword ptr [rdi + 0x300], 0x8500     /* INIT level de-assert: does nothing */
        .endif
        mov dword ptr [rdi + 0xf0], 0x1ff
        mov dword ptr [STATE + 64], 1
    1:  pause
        cmp dword ptr [MOVED + 64], 1
        jne 1b
        .ifdef LATCH
        inc dword ptr [ROUND + 64]
    1:  pause
        jmp 1b
        .endif
        mov r15d, 1
        call rounds
        mov dword ptr [STATE + 64], 2
    1:  hlt
        jmp 1b

    latch:
        mov dx, PM + 2
        mov ax, BUTTON
        out dx, ax
        mov ebx, 1
    1:  pause
        cmp [ROUND + 64], ebx
        jne 1b
        mov dword ptr [HELD], 0
        smi_to 1
    2:  pause
        cmp dword ptr [HELD], 1
        jne 2b
        mov dword ptr [rdi + 0x300], 0x4500     /* INIT */
        mov dword ptr [HELD], 2
    3:  pause
        cmp dword ptr [HELD], 3
        jne 3b
    4:  mov dword ptr [rdi + 0x300], 0x4608     /* one that comes before the INIT is executed may be lost */
        mov ecx, 1000
    5:  pause
        dec ecx
        jnz 5b
        cmp [ROUND + 64], ebx
        je 4b
        inc ebx
        jmp 1b

    rounds:                                     /* of processor r15 */
        mov r14d, r15d
        shl r14d, 6
        mov r8, 0x123456789abcdef0
        mov r13, 0x8877665544332211
        movq xmm3, r13
    1:  mov eax, [ROUND + r14]
        inc eax
        mov ecx, eax
        mov ebx, ASKED                          /* whichever SMI sees that answers, and takes it away */
        out 0xb2, al
        cmp eax, ecx
        jne bad
        test ebx, ebx
        jnz bad
        mov [ROUND + r14], eax
        call ask_other
        movq rax, xmm3
        cmp rax, r13
        jne bad
        mov rax, 0x123456789abcdef0
        cmp rax, r8
        jne bad
        cmp dword ptr [ROUND + r14], ROUNDS
        jb 1b
        ret
    bad:
        call hex8
        call space
        mov eax, ecx
        call hex8
        exit 0x22

    ask_other:
        mov r9d, r15d
        xor r9d, 1
        mov r10d, r9d
        shl r10d, 6
        inc dword ptr [REQUEST + r10]
        smi_to r9d
    1:  pause
        mov eax, [ANSWER + r10]
        cmp eax, [REQUEST + r10]
        jne 1b
        ret

        .code16
    .macro processor reg                        /* in reg: 64 * its number */
        mov ecx, 0xfee00020
        addr32 mov \reg, [ecx]
        shr \reg, 18
    .endm
    mover:                                      /* at 38000h */
        processor eax
        mov edx, eax
        shl eax, 8
        add eax, 0xa0000
        mov bx, 0xfe00
        mov cs:[bx + SAVED_SMBASE], eax
        addr32 inc dword ptr [edx + MOVED]
        rsm
    mover_end:
    handler:                                    /* at SMBASE + 8000h */
        .ifdef LATCH
        mov ecx, HELD
        addr32 mov dword ptr [ecx], 1
        mov dx, PM
    1:  in ax, dx
        test ax, BUTTON
        jz 1b
        mov ax, BUTTON
        out dx, ax
        addr32 mov dword ptr [ecx], 3
        rsm
        .endif
        processor edx
        addr32 mov eax, [edx + REQUEST]
        addr32 mov [edx + ANSWER], eax
        mov ecx, 0xfec00010
        addr32 mov eax, [ecx]                   /* a device's */
        mov ecx, DELAY
    1:  dec ecx
        jnz 1b
        mov bx, 0xfe00
        mov di, COUNT
        cmp dword ptr cs:[bx + SAVED_BX], ASKED
        jne 2f
        mov dword ptr cs:[bx + SAVED_BX], 0
        inc dword ptr cs:[di]
        mov eax, cs:[di]
        mov cs:[bx + SAVED_AX], eax
    2:  rsm
    handler_end:
        .code64
