/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files translate_a64_simd*.c share.
 */
#ifndef TARGET_ARM_TRANSLATE_A64_SIMD_H
#define TARGET_ARM_TRANSLATE_A64_SIMD_H

#include "target/arm/a64_insns.h"
#include "target/arm/translate_vec.h"

/* A row's operation on lanes of 1 << esz bytes, result of len bytes, d accumulating. */
static inline VecDesc simd_desc(int arg, unsigned esz, unsigned len, unsigned rd, unsigned rn, unsigned rm)
{
    VecDesc x = {.word = 0};
    x.op = VEC_ARG_OP(arg) & 0x1ff;
    x.esz = esz & 7;
    x.len = len & 0x1ff;
    x.d = x.a = rd & 31;
    x.n = rn & 31;
    x.m = rm & 31;
    x.msrc = arg & VEC_ARG_ZERO ? MSRC_ZERO : MSRC_REG;
    x.pair = arg & VEC_ARG_PAIR ? PAIR_CONCAT : PAIR_NONE;
    return x;
}
static inline int simd_imm(int arg)
{
    return arg >> 20 & 0xff;
}
/* Bytes of a vector with Q. */
static inline unsigned simd_len(unsigned q)
{
    return q ? 16 : 8;
}
/* The extension of a source of a widening instruction: lower half, or (Q) the upper. */
static inline unsigned simd_half(bool is_signed, bool upper)
{
    return SEL_EXT | (is_signed ? SEL_SIGNED : 0) | (upper ? SEL_HI : SEL_LO);
}
/* Makes it unless FP access traps. */
static inline void simd_op(ArmTr *s, VecDesc x, int64_t imm)
{
    if (tr_fp_access(s)) {
        tr_vec_op(s, x, imm);
    }
}

#endif
