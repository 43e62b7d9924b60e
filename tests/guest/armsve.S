/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Vector registers, predicates and FFR with contents that differ, for `info registers`; then it turns in a circle. */
        .arch armv8.2-a+sve
        .global _start
_start: mov x0, #0x330000       // CPACR_EL1: FPEN, ZEN
        msr cpacr_el1, x0
        mov x0, #15
        msr s3_0_c1_c2_0, x0    // ZCR_EL1
        isb
        .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        mov w1, #(\n * 8 + 1)
        index z\n\().b, w1, #7
        .endr
        ptrue p0.b
        .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
        mov w1, #(\n * 16)
        dup z\n\().b, w1
        cmphs p\n\().b, p0/z, z\n\().b, z31.b
        .endr
        ptrue p0.h
        ptrue p0.b, vl16
        wrffr p0.b
        ptrue p0.s
circle: b circle
