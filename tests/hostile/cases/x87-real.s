/* bios: in real mode the pointers to the last x87 instruction are linear addresses, whatever segment CS is when they are
 * looked at (SDM vol 1, 8.1.10). noqemu: it has offsets and selectors there. expect 0x21 "abcdefghi" */
        .macro is at, value, letter
        mov ax, ss:[\at]
        mov dx, \value
        cmp ax, dx
        mov al, \letter
        je 1f
        mov al, '!'
    1:  mov dx, 0x402
        out dx, al
        .endm
        xor ax, ax
        mov ss, ax
        mov sp, 0x7000
        mov ax, 0x1230
        mov ds, ax
        fninit
        fld1
    2:  fst dword ptr [0x45]                    /* 12345h; d9 16 */
        .byte 0xea                              /* the same code by CS = f001h */
        .word 3f - 0x10, 0xf001
    3:  fnstenv ss:[0x1000]
        is 0x1006, "offset 2b", 'a'
        is 0x1008, 0xf116, 'b'
        is 0x100a, 0x2345, 'c'
        is 0x100c, 0x1000, 'd'
        mov word ptr ss:[0x1006], 0x4321
        fldenv ss:[0x1000]
        .byte 0x66
        fnstenv ss:[0x1000]
        is 0x100c, 0x4321, 'e'
        is 0x1010, 0xf116, 'f'
        is 0x1012, 0, 'g'
        is 0x1014, 0x2345, 'h'
        is 0x1018, 0x1000, 'i'
        mov dx, 0xf4
        mov al, 0x10
        out dx, al
