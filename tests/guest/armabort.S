/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads, stores and fetches where nothing is, at EL1: syndromes and addresses by the serial port. And where a window of PCI
 * has no device: all ones. armvirt.py compares with another emulator.
 */
        .globl  _start
_start: ldr     x0, =0x40180000
        mov     sp, x0
        adr     x0, vectors
        msr     vbar_el1, x0
        ldr     x20, =0x09000000
        ldr     x9, =0x0d000000
        bl      try
        ldr     x9, =0x20000000
        ldr     x0, [x9]
        bl      hex
        ldr     x9, =0x3eff8000
        ldr     w0, [x9]
        bl      hex
        ldr     x9, =0x0c001000
        bl      try
        ldr     x9, =0x7f000000000
        bl      try
        ldr     w0, =0x84000008
        hvc     #0
try:    mov     x28, x30
        ldr     x1, [x9]
        mov     x0, x1
        bl      hex
        str     w1, [x9]
        ldrb    w1, [x9]
        adr     x27, 1f
        blr     x9
1:      ret     x28

        .balign 2048
vectors:
        .rept   16
        .balign 128
        b       sync
        .endr
/* The instruction behind; after a fetch, X27. The register loaded becomes 0x77. */
sync:   mov     x26, x30
        mrs     x0, esr_el1
        bl      hex
        mrs     x0, far_el1
        bl      hex
        mov     x30, x26
        mrs     x0, elr_el1
        mrs     x1, esr_el1
        lsr     x1, x1, #26
        cmp     x1, #0x21
        add     x0, x0, #4
        csel    x0, x27, x0, eq
        msr     elr_el1, x0
        mov     x1, #0x77
        eret

hex:    mov     x2, #60
1:      lsr     x3, x0, x2
        and     x3, x3, #15
        add     x4, x3, #'0'
        add     x5, x3, #'a' - 10
        cmp     x3, #10
        csel    x4, x4, x5, lo
        strb    w4, [x20]
        subs    x2, x2, #4
        b.ge    1b
        mov     w4, #10
        strb    w4, [x20]
        ret
