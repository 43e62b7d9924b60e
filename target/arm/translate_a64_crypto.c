/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A64 cryptographic instructions (Arm ARM C4.1, "Cryptographic ..."): kernels of 16 bytes, d being the state.
 */
#include "target/arm/translate_a64_simd.h"

void trans_a64_crypto2(ArmTr *s, const a64_crypto2 *a)
{
    simd_op(s, simd_desc(a->arg, 3, 16, a->rd, a->rn, a->rn), 0);
}

void trans_a64_crypto3(ArmTr *s, const a64_crypto3 *a)
{
    simd_op(s, simd_desc(a->arg, 3, 16, a->rd, a->rn, a->rm), 0);
}

void trans_a64_crypto4(ArmTr *s, const a64_crypto4 *a)
{
    VecDesc x = simd_desc(a->arg, 3, 16, a->rd, a->rn, a->rm);
    x.a = a->ra & 31;
    simd_op(s, x, 0);
}

void trans_a64_pmull64(ArmTr *s, const a64_pmull64 *a)
{
    simd_op(s, simd_desc(VEC_PMULL64, 3, 16, a->rd, a->rn, a->rm), a->Q ? 3 : 0);
}

void trans_a64_sha1h(ArmTr *s, const a64_sha1h *a)
{
    simd_op(s, simd_desc(VEC_SHA1H, 2, 4, a->rd, a->rn, a->rn), 0);
}

void trans_a64_xar(ArmTr *s, const a64_xar *a)
{
    simd_op(s, simd_desc(VEC_XAR, 3, 16, a->rd, a->rn, a->rm), a->imm6);
}

void trans_a64_sm3tt(ArmTr *s, const a64_sm3tt *a)
{
    simd_op(s, simd_desc(a->arg, 3, 16, a->rd, a->rn, a->rm), a->imm2);
}
