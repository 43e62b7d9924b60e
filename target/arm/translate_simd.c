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
    if ((x.a32 ? vec_a32_fast : vec_fast)(s, x, imm)) {
        return;
    }
    tr_call_void(s, HELPER_simd, tr_const(s, (int64_t)x.word), tr_const(s, imm), IR_NONE);
}

uint64_t vec_expand_imm(unsigned op, unsigned cmode, uint64_t imm8)
{
    const uint64_t words = 0x0000000100000001ull, halfwords = 0x0001000100010001ull, bytes = 0x0101010101010101ull;
    uint64_t r = 0;
    if (cmode < 8) {
        return (imm8 << 8 * (cmode >> 1)) * words;
    }
    if (cmode < 12) {
        return (imm8 << 8 * (cmode >> 1 & 1)) * halfwords;
    }
    if (cmode < 14) {
        return (cmode & 1 ? imm8 << 16 | 0xffff : imm8 << 8 | 0xff) * words;
    }
    if (cmode == 15) {
        return op ? fp_expand_imm(FP_D, (uint8_t)imm8) : fp_expand_imm(FP_S, (uint8_t)imm8) * words;
    }
    if (!op) {
        return imm8 * bytes;
    }
    for (unsigned i = 0; i < 8; i++) {
        r |= imm8 >> i & 1 ? 0xffull << 8 * i : 0;
    }
    return r;
}

IrVal vec_replicate(ArmTr *s, IrVal v, unsigned esz)
{
    static const uint64_t ones[4] = {0x0101010101010101ull, 0x0001000100010001ull, 0x0000000100000001ull, 1};
    IrVal r = tr_temp(s);
    if (esz == 3) {
        return v;
    }
    ir_alu(s->b, OP_imul, W64, r, v, tr_const(s, (int64_t)ones[esz]), 0);
    return r;
}
