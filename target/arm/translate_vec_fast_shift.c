/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shifts of vectors by immediates, by instructions of the host.
 */
#include "target/arm/translate_vec_fast.h"
#include "target/arm/vec.h"

static const uint32_t add[4] = {X66(0xfc), X66(0xfd), X66(0xfe), X66(0xd4)};
static const uint32_t sub[4] = {X66(0xf8), X66(0xf9), X66(0xfa), X66(0xfb)};

/*
 * T0 = n shifted by 0 to the lane's width; uses T1. Bytes are shifted in halfwords and what came from the neighbour
 * is masked; where there is no arithmetic shift the sign is extended by an exclusive OR and a subtraction.
 */
static void shifted(ArmTr *s, unsigned esz, bool left, bool is_signed, unsigned n, unsigned count)
{
    unsigned bits = 8u << esz;
    bool made_up = is_signed && (esz == 0 || esz == 3);
    if (is_signed && count >= bits) {
        count = bits - 1;
    }
    vec_shift_imm(s, X66(esz ? 0x70 + esz : 0x71), left ? 6 : is_signed && !made_up ? 4 : 2, 16, VEC_T0, n,
                  (uint8_t)count);
    if (esz == 0) {
        vec_constant(s, VEC_T1, 0, left ? 0xffu << count & 0xff : 0xffu >> count);
        vec_op3(s, PAND, 16, VEC_T0, VEC_T0, VEC_T1);
    }
    if (made_up) {
        vec_constant(s, VEC_T1, esz, 1ull << (bits - 1 - count));
        vec_op3(s, PXOR, 16, VEC_T0, VEC_T0, VEC_T1);
        vec_op3(s, sub[esz], 16, VEC_T0, VEC_T0, VEC_T1);
    }
}

/* SLI, SRI: some bits of d are kept. */
static void insert(ArmTr *s, VecDesc x, unsigned n, int64_t imm)
{
    bool left = x.op == VEC_SLI;
    unsigned bits = 8u << x.esz;
    uint64_t ones = ~0ull >> (64 - bits);
    uint64_t keep = left ? ones & ((1ull << imm) - 1) : imm == bits ? ones : ones & ~(ones >> imm);
    shifted(s, x.esz, left, false, n, (unsigned)imm);
    vec_constant(s, VEC_T1, x.esz, keep);
    vec_op3(s, PAND, 16, VEC_T1, VEC_T1, x.a);
    vec_op3(s, POR, x.len, x.d, VEC_T0, VEC_T1);
}

/* T0: shifted right, plus the last bit that went; uses T1 and T3. */
static void rounded(ArmTr *s, unsigned esz, bool is_signed, unsigned n, unsigned count)
{
    unsigned bits = 8u << esz;
    if (is_signed && count == bits) { /* nothing but sign is left, and rounding makes it zero */
        vec_constant(s, VEC_T0, 0, 0);
        return;
    }
    if (esz == 0) { /* the bit comes to the lowest place */
        vec_shift_imm(s, X66(0x71), 2, 16, VEC_T3, n, (uint8_t)(count - 1));
        vec_constant(s, VEC_T1, 0, 1);
        vec_op3(s, PAND, 16, VEC_T3, VEC_T3, VEC_T1);
    } else {
        vec_lane_left(s, esz, 16, VEC_T3, n, bits - count);
        vec_lane_right(s, esz, 16, VEC_T3, VEC_T3, bits - 1);
    }
    shifted(s, esz, false, is_signed, n, count);
    vec_op3(s, add[esz], 16, VEC_T0, VEC_T0, VEC_T3);
}

bool vec_fast_shift(ArmTr *s, VecDesc x, unsigned n, int64_t imm)
{
    unsigned count = (unsigned)imm;
    bool is_signed = x.op == VEC_SSHR || x.op == VEC_SSRA || x.op == VEC_SRSHR || x.op == VEC_SRSRA;
    switch (x.op) {
    case VEC_SLI:
    case VEC_SRI:
        insert(s, x, n, imm);
        return true;
    case VEC_SRSHR: case VEC_URSHR: case VEC_SRSRA: case VEC_URSRA:
        rounded(s, x.esz, is_signed, n, count);
        break;
    default:
        if (x.op == VEC_SHL && count == 0) { /* UXTL, SXTL */
            vec_move(s, x.len, x.d, n);
            return true;
        }
        shifted(s, x.esz, x.op == VEC_SHL, is_signed, n, count);
        break;
    }
    if (x.op == VEC_SSRA || x.op == VEC_USRA || x.op == VEC_SRSRA || x.op == VEC_URSRA) {
        vec_op3(s, add[x.esz], x.len, x.d, VEC_T0, x.a);
    } else {
        vec_move(s, x.len, x.d, VEC_T0);
    }
    return true;
}
