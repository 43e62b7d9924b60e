/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files translate_a64_simd*.c share.
 */
#ifndef TARGET_ARM_TRANSLATE_A64_SIMD_H
#define TARGET_ARM_TRANSLATE_A64_SIMD_H

#include "target/arm/a64_insns.h"
#include "target/arm/translate_vec.h"

/* Makes it unless FP access traps. */
static inline void simd_op(ArmTr *s, VecDesc x, int64_t imm)
{
    if (tr_fp_access(s)) {
        tr_vec_op(s, x, imm);
    }
}

#endif
