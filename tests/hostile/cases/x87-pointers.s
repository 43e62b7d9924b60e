/* x32: where the last x87 instruction and its operand were (SDM vol 1, 8.1.8): instructions with and without an operand,
 * control instructions, segments with a base, ones that fault, images that are loaded, FXSAVE, FNINIT; 16-bit forms.
 * noqemu: control instructions count there, FXSAVE and FLDENV leave the pointers out, neither #GP nor #MF comes.
 * expect 0x21 "\x01abcdefghE0d:0000 iE10:0000 jklmnop" */
        .macro is at, value
        mov eax, \value
        cmp [\at], eax
        je 1f
        mov eax, [\at]
        call hex8
        put '!'
    1:
        .endm
        .macro show letter, ip, cs, dp, ds
        fnstenv [saved]
        put \letter
        and word ptr [saved + 18], 0
        is "saved + 12", "\ip"
        is "saved + 16", "\cs"
        is "saved + 20", "\dp"
        is "saved + 24", "0xffff0000 + \ds"
        .endm
        .balign 64
    saved:
        .space 512
    control:
        .word 0x37f
        .word 0x37b                             /* division by zero unmasked */
        .balign 8
    one:
        .long 0x3f800000
    zero:
        .long 0
    based:                                      /* a data segment at 1000h */
        .quad 0x00cf92001000ffff

    main:
        put 1
        mov eax, cr0
        and eax, ~0xc
        or eax, 0x22                            /* NE, MP */
        mov cr0, eax
        fninit
        show 'a', 0, 0, 0, 0
    2:  fld dword ptr [one]
        show 'b', "offset 2b", 8, "offset one", 16
        fld dword ptr [zero]
    2:  fchs
        show 'c', "offset 2b", 8, "offset zero", 16
        fldcw [control]
        fnstcw [control + 8]
        fnstsw ax
        fnclex
        fwait
        show 'd', "offset 2b", 8, "offset zero", 16
        mov ebp, offset one - 8
    2:  fadd dword ptr [ebp + 8]
        show 'e', "offset 2b", 8, "offset one", 16
        sgdt [gdtr]                             /* one more descriptor behind the others */
        mov edi, [gdtr + 2]
        movzx esi, word ptr [gdtr]
        inc esi
        mov eax, [based]
        mov [edi + esi], eax
        mov eax, [based + 4]
        mov [edi + esi + 4], eax
        add word ptr [gdtr], 8
        lgdt [gdtr]
        mov fs, esi
    2:  fild word ptr fs:[one - 0x1000]
        movzx ebx, si
        fnstenv [saved]
        put 'f'
        is "saved + 12", "offset 2b"
        is "saved + 20", "offset one - 0x1000"
        and word ptr [saved + 26], 0
        is "saved + 24", ebx
    2:  fstp dword ptr gs:[scratch]
        show 'g', "offset 2b", 8, "offset scratch", 16
        fxsave [saved]
        put 'h'
        is "saved + 8", "offset 2b"
        is "saved + 12", 8
        is "saved + 16", "offset scratch"
        is "saved + 20", 16

        xor eax, eax
        mov gs, eax
    2:  fldpi
        try 1f
        fld dword ptr gs:[one]                  /* #GP: not executed */
    1:  show 'i', "offset 2b", 8, "offset scratch", 16

        fninit                                  /* an error, seen by the one behind it */
        fldcw [control + 2]
        fld1
    2:  fdiv dword ptr [zero]
        try 1f
        fld dword ptr [one]
    1:  show 'j', "offset 2b", 8, "offset zero", 16
        fnclex
    2:  fld1
        show 'k', "offset 2b", 8, "offset zero", 16

        mov dword ptr [saved + 12], 0x11223344
        mov dword ptr [saved + 16], 0x05667788
        mov dword ptr [saved + 20], 0x99aabbcc
        mov dword ptr [saved + 24], 0xddee
        fldenv [saved]
        show 'l', 0x11223344, 0x7788, 0x99aabbcc, 0xddee
    2:  fld1
        show 'm', "offset 2b", 8, "offset 0x99aabbcc", 0xddee
        .byte 0x66
        fnsave [saved]                          /* 16 bits */
        put 'n'
        movzx eax, word ptr [saved + 6]
        movzx ecx, word ptr [saved + 8]
        mov [scratch], eax
        mov [scratch + 4], ecx
        is scratch, "offset 2b - 0x100000"
        is "scratch + 4", 8
        is "saved + 10", 0xddeebbcc
        .byte 0x66
        frstor [saved]
        show 'o', "offset 2b - 0x100000", 8, 0xbbcc, 0xddee
        fninit
        show 'p', 0, 0, 0, 0
        exit 0x10
        .balign 8
    gdtr:
        .quad 0
    scratch:
        .quad 0
