/* x64: the opcode of the last x87 instruction (APM vol 1, 6.2.5: of any but control instructions), and offsets in the
 * forms of FXSAVE. noqemu: it has no opcodes. expect 0x21 "\x01 0006 01e0 01e0 05f3 051d 0006 0000" */
        .macro show
        fxsave64 [saved]
        movzx eax, word ptr [saved + 6]
        call space
        call hex4
        .endm
        .macro same a, b
        mov rax, \a
        cmp rax, \b
        je 1f
        put '!'
    1:
        .endm
        .balign 64
    saved:
        .space 512
    one:
        .quad 0x3ff0000000000000
    main:
        put 1
        fninit
        lea rsi, [one]
    0:  fadd dword ptr [rsi]                    /* d8 06 */
        show
        mov eax, offset 0b
        same [saved + 8], rax
        same [saved + 16], rsi
        fninit
        fldz
    2:  fchs                                    /* d9 e0 */
        fnstsw ax
        fldcw [control]
        show
        mov eax, offset 2b
        same [saved + 8], rax
        fnclex
        show
        fucomi st, st(3)    
        fst st(3)
        mov word ptr [saved + 6], 0x5f3
        fxrstor64 [saved]
        show                                    /* what is loaded stays */
        fstp qword ptr [rip + scratch]          /* dd 1d */
        fxsave [saved]
        movzx eax, word ptr [saved + 6]
        call space
        call hex4
        mov eax, offset scratch
        same [saved + 16], rax                  /* the selector above is 0 */
        fadd dword ptr [rsi]
        fnsave [saved]
        movzx eax, word ptr [saved + 18]
        call space
        call hex4
        show
        exit 0x10
    control:
        .word 0x37f
        .balign 8
    scratch:
        .quad 0
