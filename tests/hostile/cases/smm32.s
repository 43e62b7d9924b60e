/* x32: the same with the 32-bit save area of processors without long mode.
 * noqemu: firmware there has moved SMBASE away.
 * arg -cpu arg qemu64,-lm
 * expect 0x21 "\x01Srb3011223345 Srb4011223346 E06:0000 " */
    main:
        put 1
        mov esi, offset handler
        mov edi, 0x48000
        mov ecx, offset handler_end - handler
        rep movsb
        mov esi, offset handler
        mov edi, 0x38000
        mov ecx, offset handler_end - handler
        rep movsb
        mov ebp, 0xfee00000
        mov dword ptr [ebp + 0xf0], 0x1ff
        .macro smi
        mov dword ptr [ebp + 0x310], 0
        mov dword ptr [ebp + 0x300], 0x4200     /* SMI to APIC 0 */
        .endm
        mov eax, 0x11223344
        smi
        nop
        call hex8                               /* the handler has added 1 in the save area */
        call space
        smi                                     /* SMBASE is 40000h now: ours again */
        nop
        call hex8
        call space
        try 1f
        rsm                                     /* outside: #UD */
    1:  exit 0x10

    handler:
        .code16
        .macro out16 c
        mov al, \c
        mov dx, 0x402
        out dx, al
        .endm
        out16 'S'
        mov ebx, 0xfe00
        mov eax, cr0
        test eax, 0x80000001
        jnz 9f
        out16 'r'                               /* real mode, and data segments of 4 GiB */
        mov ecx, 0xfee00030
        addr32 cmp byte ptr [ecx], 0x14
        jne 9f
        out16 'b'
        mov ax, cs                              /* 3000 */
        mov dx, 0x402
        xchg al, ah
        shr al, 4
        add al, 48
        out dx, al
        inc dword ptr cs:[bx + 0x1d0]
        add dword ptr cs:[bx + 0xf8], 0x10000
        mov al, cs:[bx + 0xfc]
        add al, 48
        mov dx, 0x402
        out dx, al
    9:  rsm
        .code32
    handler_end:
