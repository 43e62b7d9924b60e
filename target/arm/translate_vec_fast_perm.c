/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Permutations of vectors by instructions of the host.
 */
#include "target/arm/translate_vec_fast.h"
#include "target/arm/vec.h"

static void zip(ArmTr *s, VecDesc x, bool upper)
{
    static const uint8_t low[4] = {0x60, 0x61, 0x62, 0x6c}, high[4] = {0x68, 0x69, 0x6a, 0x6d};
    if (x.len == 16) {
        vec_op3(s, X66(upper ? high[x.esz] : low[x.esz]), 16, x.d, x.n, x.m);
    } else if (!upper) {
        vec_op3(s, X66(low[x.esz]), 8, x.d, x.n, x.m);
    } else {
        vec_op3(s, X66(low[x.esz]), 16, VEC_T0, x.n, x.m);
        vec_bytes_right(s, 16, x.d, VEC_T0, 8);
    }
}

/* Every second lane of n:m, to lanes of twice the size, packed. */
static void unzip(ArmTr *s, VecDesc x, bool odd)
{
    static const uint32_t pack[2] = {X66(0x67), X38(0x2b)};
    unsigned n = x.n, m = x.m, bits = 8u << x.esz;
    if (x.len == 8) {
        vec_op3(s, PUNPCKLQDQ, 16, VEC_T0, n, m);
        n = m = VEC_T0;
    }
    if (x.esz == 3) {
        vec_op3(s, odd ? PUNPCKHQDQ : PUNPCKLQDQ, 16, x.d, n, m);
        return;
    }
    if (x.esz == 2) {
        vec_op3_imm(s, SHUFPS, x.len, x.d, n, m, odd ? 0xdd : 0x88);
        return;
    }
    if (!odd) {
        vec_lane_left(s, x.esz + 1, 16, VEC_T1, m, bits);
        vec_lane_left(s, x.esz + 1, 16, VEC_T0, n, bits);
        n = VEC_T0;
        m = VEC_T1;
    }
    vec_lane_right(s, x.esz + 1, 16, VEC_T1, m, bits);
    vec_lane_right(s, x.esz + 1, 16, VEC_T0, n, bits);
    vec_op3(s, pack[x.esz], x.len, x.d, VEC_T0, VEC_T1);
}

static void transpose(ArmTr *s, VecDesc x, bool odd)
{
    unsigned bits = 8u << x.esz;
    if (x.esz == 3) {
        zip(s, x, odd);
        return;
    }
    if (odd) {
        vec_lane_right(s, x.esz + 1, 16, VEC_T0, x.n, bits);
        vec_lane_right(s, x.esz + 1, 16, VEC_T1, x.m, bits);
        vec_lane_left(s, x.esz + 1, 16, VEC_T1, VEC_T1, bits);
    } else {
        vec_lane_left(s, x.esz + 1, 16, VEC_T0, x.n, bits);
        vec_lane_right(s, x.esz + 1, 16, VEC_T0, VEC_T0, bits);
        vec_lane_left(s, x.esz + 1, 16, VEC_T1, x.m, bits);
    }
    vec_op3(s, POR, x.len, x.d, VEC_T0, VEC_T1);
}

static void extract(ArmTr *s, VecDesc x, unsigned at)
{
    if (x.len == 16) {
        vec_op3_imm(s, VX_66 | VX_0F3A(0x0f), 16, x.d, x.m, x.n, (uint8_t)at); /* vpalignr */
    } else {
        vec_op3(s, PUNPCKLQDQ, 16, VEC_T0, x.n, x.m);
        vec_bytes_right(s, 8, x.d, VEC_T0, at);
    }
}

void vec_broadcast(ArmTr *s, unsigned bytes, unsigned d, unsigned n, unsigned esz, unsigned index)
{
    switch (esz) {
    case 0:
        vec_constant(s, VEC_T1, 0, index);
        vec_op3(s, PSHUFB, bytes, d, n, VEC_T1);
        break;
    case 1: /* vpshuflw, vpshufhw: in one half, which is doubled */
        vec_op2_imm(s, (index < 4 ? VX_F2 : VX_F3) | VX_0F(0x70), 16, VEC_T1, n, (uint8_t)((index & 3) * 0x55));
        vec_op3(s, index < 4 ? PUNPCKLQDQ : PUNPCKHQDQ, bytes, d, VEC_T1, VEC_T1);
        break;
    case 2:
        vec_op2_imm(s, PSHUFD, bytes, d, n, (uint8_t)(index * 0x55));
        break;
    default:
        vec_op3(s, index ? PUNPCKHQDQ : PUNPCKLQDQ, bytes, d, n, n);
        break;
    }
}

/*
 * TBL of one or two registers. An index with bit 7 gives zero, which those too large get by saturation; those of the
 * first register wrap round when 16 is taken from them.
 */
static bool table(ArmTr *s, VecDesc x, unsigned regs)
{
    vec_constant(s, VEC_T1, 0, 0x70);
    vec_op3(s, X66(0xdc), 16, VEC_T0, x.m, VEC_T1); /* vpaddusb */
    if (regs == 1) {
        vec_op3(s, PSHUFB, x.len, x.d, x.n, VEC_T0);
        return true;
    }
    vec_op3(s, PSHUFB, 16, VEC_T0, x.n, VEC_T0);
    vec_constant(s, VEC_T2, 0, 16);
    vec_op3(s, X66(0xf8), 16, VEC_T2, x.m, VEC_T2);
    vec_op3(s, X66(0xdc), 16, VEC_T2, VEC_T2, VEC_T1);
    vec_op3(s, PSHUFB, 16, VEC_T2, (x.n + 1) % 32, VEC_T2);
    vec_op3(s, POR, x.len, x.d, VEC_T0, VEC_T2);
    return true;
}

bool vec_fast_permute(ArmTr *s, VecDesc x, unsigned what)
{
    unsigned imm = what >> 8;
    if (!vec_host(s, 0)) {
        return false;
    }
    switch (what & 0xff) {
    case VEC_PERM_UZP:
        unzip(s, x, imm);
        return true;
    case VEC_PERM_ZIP:
        zip(s, x, imm);
        return true;
    case VEC_PERM_TRN:
        transpose(s, x, imm);
        return true;
    case VEC_PERM_EXT:
        extract(s, x, imm);
        return true;
    default:
        return imm <= 1 && table(s, x, imm + 1); /* no TBX */
    }
}
