/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Both processors of main.c's program: stack, translation, vectors. The second one comes by PSCI. */
        .globl _start, second
_start:
        ldr     x0, =0x40080000
        mov     sp, x0
        bl      tables
        bl      on
        bl      main
        ldr     w0, =0x84000008 /* SYSTEM_OFF */
        hvc     #0
1:      wfi
        b       1b

second: ldr     x0, =0x40090000
        mov     sp, x0
        bl      on
        bl      work
1:      wfi
        b       1b

/* 39 bits of addresses in pages of 4 KiB; attribute 0 is memory, 1 a device. */
on:     ldr     x0, =0x00ff
        msr     mair_el1, x0
        ldr     x0, =0x3519 /* T0SZ 25, write-back, inner shareable */
        movk    x0, #0x80, lsl #16 /* no TTBR1 */
        movk    x0, #0x2, lsl #32 /* 40 bits */
        msr     tcr_el1, x0
        ldr     x0, =level1
        msr     ttbr0_el1, x0
        adr     x0, vectors
        msr     vbar_el1, x0
        mov     x0, #3 << 20
        msr     cpacr_el1, x0
        tlbi    vmalle1
        dsb     sy
        isb
        mrs     x0, sctlr_el1
        orr     x0, x0, #1
        orr     x0, x0, #4
        bic     x0, x0, #2
        msr     sctlr_el1, x0
        isb
        ret

        .balign 2048
vectors:
        .rept   16
        .balign 128
        mrs     x0, esr_el1
        mrs     x1, elr_el1
        b       fault
        .endr
