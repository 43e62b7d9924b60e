/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Option ROM that boots a Linux kernel under a PC BIOS. The BIOS sees a boot
 * device (PnP header with a bootstrap entry vector, BIOS Boot Specification
 * 1.01, 3.3); the vector fetches setup code, kernel, command line and initrd
 * from fw_cfg by DMA and enters the setup code in real mode, as any loader does
 * (Linux, Documentation/arch/x86/boot.rst, "Running the kernel").
 *
 * fw_cfg items: for each part the address, size and data, by the numbers that
 * firmware for virtual machines knows. Numbers are little endian, the DMA
 * descriptor big endian. linuxrom.c fills the items; the BIOS has set up A20.
 */
        .code16
        .intel_syntax noprefix
        .globl start

        .set FW_CTL, 0x510
        .set FW_DATA, 0x511
        .set FW_DMA, 0x514
        .set DMA_ERROR, 0x01
        .set DESC, 0x7e00               /* control, length, address high, low */
        .set SETUP_SEG, 0x1000          /* BOOT_INFO >> 4 */
        .set STACK, 0xe000

start:
        .byte 0x55, 0xaa, 2             /* 1 KiB */
        mov ax, 0x20                    /* initialisation: here is an IPL device */
        lretw
        .org 0x1a
        .word pnp
        .balign 16
pnp:
        .ascii "$PnP"
        .byte 1, 2                      /* revision, length in paragraphs */
        .word 0
        .byte 0, 0
        .long 0
        .word 0, product
        .byte 2, 0, 0, 0x14             /* mass storage; read cacheable, IPL device */
        .word 0, 0, boot, 0, 0
product:
        .asciz "Linux kernel (-kernel)"

boot:
        cli
        cld
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 0x7c00
        mov si, offset parts
part:   mov al, cs:[si]                 /* item numbers: address, size, data */
        test al, al
        jz go
        call number
        mov edi, eax
        mov al, cs:[si + 1]
        call number
        mov ecx, eax
        mov al, cs:[si + 2]
        call fetch
        add si, 3
        jmp part

go:     mov ax, SETUP_SEG
        mov ds, ax
        mov es, ax
        mov fs, ax
        mov gs, ax
        mov ss, ax
        mov sp, STACK
        jmp SETUP_SEG + 0x20, 0

/* eax = the 32-bit item al */
number:
        mov dx, FW_CTL
        xor ah, ah
        out dx, ax
        mov dx, FW_DATA
        mov cx, 4
1:      in al, dx
        ror eax, 8
        loop 1b
        ret

/* item al: ecx bytes to edi */
fetch:
        jecxz 9f
        movzx eax, al
        shl eax, 16
        or al, 0x0a                     /* select, read */
        bswap eax
        mov [DESC], eax
        bswap ecx
        mov [DESC + 4], ecx
        mov dword ptr [DESC + 8], 0
        bswap edi
        mov [DESC + 12], edi
        mov dx, FW_DMA + 4              /* writing the low half starts it */
        mov eax, DESC
        bswap eax
        out dx, eax
1:      mov eax, [DESC]
        bswap eax
        test al, DMA_ERROR
        jnz fail
        test eax, eax
        jnz 1b
9:      ret

fail:   mov si, offset text
1:      mov al, cs:[si]
        inc si
        test al, al
        jz 2f
        mov ah, 0x0e
        mov bx, 7
        int 0x10
        jmp 1b
2:      hlt
        jmp 2b
text:   .asciz "Reading the kernel from fw_cfg failed.\r\n"

parts:
        .byte 0x16, 0x17, 0x18          /* setup code */
        .byte 0x13, 0x14, 0x15          /* command line */
        .byte 0x07, 0x08, 0x11          /* kernel */
        .byte 0x0a, 0x0b, 0x12          /* initrd */
        .byte 0
        .org 0x3ff
        .byte 0                         /* checksum, filled in when it is built */
