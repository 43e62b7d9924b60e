/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Start and vectors of the program of main.c, at EL1. Synchronous exceptions are noted and their instruction is skipped. */
        .globl _start
_start:
        ldr     x0, =0x40180000
        mov     sp, x0
        adr     x0, vectors
        msr     vbar_el1, x0
        ldr     x0, =0x330000   /* CPACR_EL1: FP, SVE */
        msr     cpacr_el1, x0
        isb
        bl      main
        ldr     w0, =0x84000008
        hvc     #0
1:      wfi
        b       1b

/* The stack may be what is being tested: scratch registers only. */
        .balign 2048
vectors:
        .rept   16
        .balign 128
        msr     tpidr_el0, x0
        msr     tpidrro_el0, x1
        b       sync
        .endr

sync:   ldr     x0, =note
        mrs     x1, esr_el1
        str     x1, [x0]
        mrs     x1, far_el1
        str     x1, [x0, #8]
        mrs     x1, elr_el1
        add     x1, x1, #4
        msr     elr_el1, x1
        mrs     x0, tpidr_el0
        mrs     x1, tpidrro_el0
        eret
