/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Start of the program of main.c. What is refused ends in the vectors: a line, and the machine ends by PSCI. */
        .globl _start
#ifdef __aarch64__
_start: ldr     x0, =0x41000000
        mov     sp, x0
        adr     x0, vectors
        msr     vbar_el1, x0
        bl      main
off:    ldr     w0, =0x84000008
        hvc     #0
1:      b       1b
        .balign 2048
vectors: .rept  16
        .balign 128
        ldr     x1, =0x09000000
        mov     w0, #'U'
        str     w0, [x1]
        mov     w0, #'\n'
        str     w0, [x1]
        b       off
        .endr
#else
        .arm
        .arch   armv7ve
_start: ldr     sp, =0x41000000
        adr     r0, vectors
        mcr     p15, 0, r0, c12, c0, 0
        bl      main
off:    ldr     r0, =0x84000008
        hvc     #0
1:      b       1b
        .balign 32
vectors: .rept  8
        b       undef
        .endr
undef:  ldr     r1, =0x09000000
        mov     r0, #'U'
        str     r0, [r1]
        mov     r0, #'\n'
        str     r0, [r1]
        b       off
#endif
