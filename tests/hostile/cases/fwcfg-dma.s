/* x32: fw_cfg DMA with descriptors that point everywhere. Each prints the control word that is left.
 * noqemu: it calls a transfer into ROM a success. expect 0x21 "\x0100000000 554d4551 00000000 01000000 00000000 00000000 01000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000e" */
        .macro dma at
        mov edx, 0x514
        xor eax, eax
        out dx, eax
        mov eax, \at
        bswap eax
        mov edx, 0x518
        out dx, eax
        .endm
        .macro desc control, length, high, low
        mov dword ptr [0x300000], ((\control) >> 24 & 0xff) | ((\control) >> 8 & 0xff00) | ((\control) << 8 & 0xff0000) | ((\control) << 24 & 0xff000000)
        mov eax, \length
        bswap eax
        mov [0x300004], eax
        mov eax, \high
        bswap eax
        mov [0x300008], eax
        mov eax, \low
        bswap eax
        mov [0x30000c], eax
        dma 0x300000
        mov eax, [0x300000]
        call hex8
        call space
        .endm
    main:
        put 1
        desc 0x0000000a, 4, 0, 0x300100         /* select signature, read */
        mov eax, [0x300100]
        call hex8
        call space
        desc 0x0000000a, 4, 0, 0x300000         /* over the descriptor: its control word first */
        desc 0x0000000a, 4, 0, 0xfffffff0       /* into ROM */
        desc 0x0019000a, 0x100000, 0, 0x400000  /* far more than the item has: zeros */
        mov eax, [0x4ffffc]
        call hex8
        call space
        desc 0x00000018, 4, 0, 0x300100         /* write to what is read-only */
        desc 0x00000008, 0, 0, 0                /* select only */
        desc 0x00000004, 0xffffffff, 0, 0       /* skip everything */
        desc 0x00000002, 0, 0, 0                /* nothing */
        desc 0x00000000, 8, 0, 0x300100         /* neither */
        desc 0xfff80008, 4, 0, 0x300100         /* no such item */
        desc 0xfff8000a, 4, 0, 0x300100
        mov eax, [0x300100]
        call hex8
        dma 0xfffff000                          /* a descriptor in ROM, beyond RAM, at the very end */
        dma 0xc0000000
        dma 0xfffffffc
        dma 0xfee00000
        dma 0x300001
        put 'e'
        exit 0x10
