/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AES, polynomials and three-way logic by instructions of the host.
 */
#include "target/arm/translate_vec_fast.h"
#include "target/arm/vec.h"

/* The host's rounds do the steps in another order, with the key last: a key of zero leaves the steps alone. */
static bool aes(ArmTr *s, VecDesc x, unsigned n)
{
    if (!vec_host(s, TCG_VEC_AES)) {
        return false;
    }
    vec_constant(s, VEC_T1, 0, 0);
    switch (x.op) {
    case VEC_AESE:
    case VEC_AESD:
        vec_op3(s, PXOR, 16, VEC_T0, n, x.a);
        vec_op3(s, X38(x.op == VEC_AESE ? 0xdd : 0xdf), 16, x.d, VEC_T0, VEC_T1);
        return true;
    case VEC_AESMC: /* the inverse of the first two steps, then a whole round */
        vec_op3(s, X38(0xdf), 16, VEC_T0, n, VEC_T1);
        vec_op3(s, X38(0xdc), 16, x.d, VEC_T0, VEC_T1);
        return true;
    default: /* AESIMC */
        vec_op2(s, X38(0xdb), 16, x.d, n);
        return true;
    }
}

bool vec_fast_crypto(ArmTr *s, VecDesc x, unsigned n, unsigned m, int64_t imm)
{
    switch (x.op) {
    case VEC_AESE: case VEC_AESD: case VEC_AESMC: case VEC_AESIMC:
        return aes(s, x, n);
    case VEC_PMULL64:
        if (vec_host(s, TCG_VEC_CLMUL)) {
            vec_op3_imm(s, VX_66 | VX_0F3A(0x44), 16, x.d, n, m, imm ? 0x11 : 0);
        }
        return vec_host(s, TCG_VEC_CLMUL);
    case VEC_EOR3:
        vec_op3(s, PXOR, 16, VEC_T0, n, m);
        vec_op3(s, PXOR, x.len, x.d, VEC_T0, x.a);
        return true;
    case VEC_BCAX:
        vec_op3(s, PANDN, 16, VEC_T0, x.a, m);
        vec_op3(s, PXOR, x.len, x.d, VEC_T0, n);
        return true;
    default:
        return false;
    }
}
