/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vector registers, for the translators of all instruction sets: writes of parts, operations by descriptor.
 */
#include "target/arm/translate_vec_fast.h"

void tr_vec_zero_above(ArmTr *s, unsigned rd, unsigned bytes)
{
    if (bytes <= 8) {
        tr_stenv(s, W64, ENV_VD(rd, 1), tr_const(s, 0));
    }
    vec_clear_high(s, rd);
}

void tr_vec_op(ArmTr *s, VecDesc x, int64_t imm)
{
    if (vec_fast(s, x, imm)) {
        return;
    }
    tr_call_void(s, HELPER_simd, tr_const(s, (int64_t)x.word), tr_const(s, imm), IR_NONE);
}
