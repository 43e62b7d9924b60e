/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Integer vector operations (vec.h) by instructions of the host. n' and m', the sources as the operation wants them, are
 * V registers or the temporaries T2 and T1.
 */
#include "target/arm/translate_vec_fast.h"
#include "target/arm/vec.h"

/* ---- sources ---- */

bool vec_broadcast_element(ArmTr *s, VecDesc x, unsigned t)
{
    switch (x.iesz) {
    case 1:
        if (!vec_host(s, TCG_VEC_AVX2)) {
            return false;
        }
        vec_bytes_right(s, 16, t, x.m, 2u * x.index);
        vec_op2(s, X38(0x79), 16, t, t); /* vpbroadcastw */
        return true;
    case 2:
        vec_op2_imm(s, PSHUFD, 16, t, x.m, (uint8_t)(0x55 * x.index));
        return true;
    case 3:
        vec_op2_imm(s, PSHUFD, 16, t, x.m, x.index ? 0xee : 0x44);
        return true;
    default:
        return false;
    }
}

/* The half or every second lane of r, extended to lanes of 1 << esz bytes. */
static bool extended(ArmTr *s, unsigned esz, unsigned sel, unsigned r, unsigned t)
{
    bool is_signed = sel & SEL_SIGNED;
    unsigned bits = 4u << esz;
    switch (sel & SEL_WHICH) {
    case SEL_LO:
    case SEL_HI: {
        static const uint8_t opcode[4] = {0, 0x20, 0x23, 0x25}; /* vpmovsx; 0x10 more: zx */
        if ((sel & SEL_WHICH) == SEL_HI) {
            vec_bytes_right(s, 16, t, r, 8);
            r = t;
        }
        vec_op2(s, X38(opcode[esz] + (is_signed ? 0u : 0x10u)), 16, t, r);
        return true;
    }
    case SEL_EVEN:
        vec_lane_left(s, esz, 16, t, r, bits);
        r = t;
        break;
    default:
        break;
    }
    if (is_signed && esz == 3) {
        return false;
    }
    vec_shift_imm(s, X66(0x70 + esz), is_signed ? 4 : 2, 16, t, r, (uint8_t)bits);
    return true;
}

/* The same for bytes and halfwords in 8 bytes, for halfwords in 16: packed twice. */
static void paired_short(ArmTr *s, VecDesc x)
{
    unsigned bits = 8u << x.esz, wide = x.esz + 1, pack = x.esz ? X38(0x2b) : X66(0x67), n = x.n, m = x.m;
    if (x.len == 8) {
        vec_op3(s, PUNPCKLQDQ, 16, VEC_T3, n, m);
        n = m = VEC_T3;
    }
    vec_lane_left(s, wide, 16, VEC_T0, m, bits);
    vec_lane_right(s, wide, 16, VEC_T0, VEC_T0, bits);
    vec_lane_left(s, wide, 16, VEC_T2, n, bits);
    vec_lane_right(s, wide, 16, VEC_T2, VEC_T2, bits);
    vec_op3(s, pack, 16, VEC_T2, VEC_T2, VEC_T0);
    vec_lane_right(s, wide, 16, VEC_T0, m, bits);
    vec_lane_right(s, wide, 16, VEC_T1, n, bits);
    vec_op3(s, pack, 16, VEC_T1, VEC_T1, VEC_T0);
}

/* Adjacent lanes: the even ones of n:m to T2, the odd ones to T1. */
static bool paired(ArmTr *s, VecDesc x)
{
    if (x.esz == 3 && x.len == 16) {
        vec_op3(s, PUNPCKLQDQ, 16, VEC_T2, x.n, x.m);
        vec_op3(s, PUNPCKHQDQ, 16, VEC_T1, x.n, x.m);
    } else if (x.esz == 2 && x.len == 16) {
        vec_op3_imm(s, SHUFPS, 16, VEC_T2, x.n, x.m, 0x88);
        vec_op3_imm(s, SHUFPS, 16, VEC_T1, x.n, x.m, 0xdd);
    } else if (x.esz == 2 && x.len == 8) {
        vec_op3(s, PUNPCKLQDQ, 16, VEC_T1, x.n, x.m);
        vec_op2_imm(s, PSHUFD, 16, VEC_T2, VEC_T1, 0x88);
        vec_op2_imm(s, PSHUFD, 16, VEC_T1, VEC_T1, 0xdd);
    } else if (x.esz == 0 && x.len == 16) {
        vec_constant(s, VEC_T0, 1, 0xff);
        vec_op3(s, PAND, 16, VEC_T1, x.m, VEC_T0);
        vec_op3(s, PAND, 16, VEC_T2, x.n, VEC_T0);
        vec_op3(s, X66(0x67), 16, VEC_T2, VEC_T2, VEC_T1); /* vpackuswb */
        vec_lane_right(s, 1, 16, VEC_T1, x.m, 8);
        vec_lane_right(s, 1, 16, VEC_T0, x.n, 8);
        vec_op3(s, X66(0x67), 16, VEC_T1, VEC_T0, VEC_T1);
    } else if (x.esz == 3) { /* the scalar form */
        vec_move(s, 16, VEC_T2, x.n);
        vec_bytes_right(s, 16, VEC_T1, x.n, 8);
    } else {
        paired_short(s, x);
    }
    return true;
}

static bool sources(ArmTr *s, VecDesc x, unsigned *n, unsigned *m)
{
    *n = x.n;
    *m = x.m;
    if (x.pair == PAIR_CONCAT) {
        *n = VEC_T2;
        *m = VEC_T1;
        return paired(s, x);
    }
    if (x.nsel & SEL_EXT) {
        if (!extended(s, x.esz, x.nsel, x.n, VEC_T2)) {
            return false;
        }
        *n = VEC_T2;
    }
    if (x.msrc == MSRC_ZERO) {
        vec_constant(s, VEC_T1, 0, 0);
        *m = VEC_T1;
    } else if (x.msrc == MSRC_ELEM) {
        if ((x.msel & SEL_EXT ? x.esz - 1u : x.esz) != x.iesz || !vec_broadcast_element(s, x, VEC_T1)) {
            return false;
        }
        *m = VEC_T1;
    }
    if (x.msel & SEL_EXT) {
        if (!extended(s, x.esz, x.msel, *m, VEC_T1)) {
            return false;
        }
        *m = VEC_T1;
    }
    return true;
}

/* ---- what a table says: one instruction of two sources ---- */

static const uint32_t simple[VEC__COUNT][4] = {
    [VEC_ADD] = {X66(0xfc), X66(0xfd), X66(0xfe), X66(0xd4)},
    [VEC_SUB] = {X66(0xf8), X66(0xf9), X66(0xfa), X66(0xfb)},
    [VEC_MUL] = {0, X66(0xd5), X38(0x40), 0},
    [VEC_AND] = {PAND, PAND, PAND, PAND},
    [VEC_ORR] = {POR, POR, POR, POR},
    [VEC_EOR] = {PXOR, PXOR, PXOR, PXOR},
    [VEC_CMEQ] = {X66(0x74), X66(0x75), X66(0x76), X38(0x29)},
    [VEC_CMGT] = {X66(0x64), X66(0x65), X66(0x66), X38(0x37)},
    [VEC_SMAX] = {X38(0x3c), X66(0xee), X38(0x3d), 0},
    [VEC_SMIN] = {X38(0x38), X66(0xea), X38(0x39), 0},
    [VEC_UMAX] = {X66(0xde), X38(0x3e), X38(0x3f), 0},
    [VEC_UMIN] = {X66(0xda), X38(0x3a), X38(0x3b), 0},
    [VEC_URHADD] = {X66(0xe0), X66(0xe3), 0, 0},
};

static void invert(ArmTr *s, unsigned bytes, unsigned d, unsigned t)
{
    vec_constant(s, VEC_T1, 0, 0xff);
    vec_op3(s, PXOR, bytes, d, t, VEC_T1);
}

/* n >= m as max(n, m) == n; strictly: not m >= n. */
static bool unsigned_order(ArmTr *s, VecDesc x, unsigned n, unsigned m, bool strict)
{
    unsigned first = strict ? m : n;
    if (x.esz == 3) {
        return false;
    }
    vec_op3(s, simple[VEC_UMAX][x.esz], 16, VEC_T0, n, m);
    vec_op3(s, simple[VEC_CMEQ][x.esz], strict ? 16 : x.len, strict ? VEC_T0 : x.d, VEC_T0, first);
    if (strict) {
        invert(s, x.len, x.d, VEC_T0);
    }
    return true;
}

static bool compare(ArmTr *s, VecDesc x, unsigned n, unsigned m)
{
    const uint32_t *greater = simple[VEC_CMGT];
    switch (x.op) {
    case VEC_CMGE:
        vec_op3(s, greater[x.esz], 16, VEC_T0, m, n);
        break;
    case VEC_CMLE:
        vec_op3(s, greater[x.esz], 16, VEC_T0, n, m);
        break;
    case VEC_CMLT:
        vec_op3(s, greater[x.esz], x.len, x.d, m, n);
        return true;
    case VEC_CMHI:
    case VEC_CMHS:
        return unsigned_order(s, x, n, m, x.op == VEC_CMHI);
    default: /* CMTST */
        vec_op3(s, PAND, 16, VEC_T0, n, m);
        vec_constant(s, VEC_T1, 0, 0);
        vec_op3(s, simple[VEC_CMEQ][x.esz], 16, VEC_T0, VEC_T0, VEC_T1);
        break;
    }
    invert(s, x.len, x.d, VEC_T0);
    return true;
}

static bool bit_select(ArmTr *s, VecDesc x, unsigned n, unsigned m)
{
    unsigned mask = x.op == VEC_BSL ? x.a : m, to = x.op == VEC_BSL ? m : x.a;
    vec_op3(s, PXOR, 16, VEC_T0, n, to);
    vec_op3(s, x.op == VEC_BIF ? PANDN : PAND, 16, VEC_T0, x.op == VEC_BIF ? mask : VEC_T0,
            x.op == VEC_BIF ? VEC_T0 : mask);
    vec_op3(s, PXOR, x.len, x.d, VEC_T0, to);
    return true;
}

/* Difference of maximum and minimum; accumulated. */
static bool difference(ArmTr *s, VecDesc x, unsigned n, unsigned m)
{
    bool is_signed = x.op == VEC_SABD || x.op == VEC_SABA, add = x.op == VEC_SABA || x.op == VEC_UABA;
    unsigned max = simple[is_signed ? VEC_SMAX : VEC_UMAX][x.esz], min = simple[is_signed ? VEC_SMIN : VEC_UMIN][x.esz];
    if (!max) {
        return false;
    }
    vec_op3(s, max, 16, VEC_T0, n, m);
    vec_op3(s, min, 16, VEC_T1, n, m);
    vec_op3(s, simple[VEC_SUB][x.esz], add ? 16 : x.len, add ? VEC_T0 : x.d, VEC_T0, VEC_T1);
    if (add) {
        vec_op3(s, simple[VEC_ADD][x.esz], x.len, x.d, VEC_T0, x.a);
    }
    return true;
}

/* T0 = n * m; uses T2. Doublewords: words that were extended. */
static bool product(ArmTr *s, VecDesc x, unsigned n, unsigned m)
{
    unsigned op = simple[VEC_MUL][x.esz];
    if (x.esz == 0) { /* odd bytes, even bytes */
        vec_lane_right(s, 1, 16, VEC_T0, n, 8);
        vec_lane_right(s, 1, 16, VEC_T2, m, 8);
        vec_op3(s, simple[VEC_MUL][1], 16, VEC_T0, VEC_T0, VEC_T2);
        vec_lane_left(s, 1, 16, VEC_T0, VEC_T0, 8);
        vec_op3(s, simple[VEC_MUL][1], 16, VEC_T2, n, m);
        vec_lane_left(s, 1, 16, VEC_T2, VEC_T2, 8);
        vec_lane_right(s, 1, 16, VEC_T2, VEC_T2, 8);
        vec_op3(s, POR, 16, VEC_T0, VEC_T0, VEC_T2);
        return true;
    }
    if (x.esz == 3 && (x.nsel & SEL_EXT) && (x.msel & SEL_EXT)) {
        op = x.nsel & SEL_SIGNED ? X38(0x28) : X66(0xf4); /* vpmuldq, vpmuludq */
    }
    if (op) {
        vec_op3(s, op, 16, VEC_T0, n, m);
    }
    return op;
}

static bool multiply(ArmTr *s, VecDesc x, unsigned n, unsigned m)
{
    if (!product(s, x, n, m)) {
        return false;
    }
    if (x.op == VEC_MUL) {
        vec_move(s, x.len, x.d, VEC_T0);
    } else {
        vec_op3(s, simple[x.op == VEC_MLA ? VEC_ADD : VEC_SUB][x.esz], x.len, x.d, x.a, VEC_T0);
    }
    return true;
}

/* ---- one source ---- */

/* pshufb's selector that reverses lanes in groups: by the shortest lane and the group's size, byte by byte. */
static void selector(ArmTr *s, unsigned t, uint64_t low, uint64_t high)
{
    vec_constant_pair(s, t, low, high);
}

static bool reverse(ArmTr *s, VecDesc x, unsigned n, unsigned unit)
{
    uint64_t half[2] = {0, 0};
    unsigned group = 1u << x.esz, lane = 1u << unit;
    for (unsigned i = 0; i < 16; i++) {
        unsigned in = i % group, from = i - in + (group / lane - 1 - in / lane) * lane + in % lane;
        half[i / 8] |= (uint64_t)from << 8 * (i % 8);
    }
    selector(s, VEC_T1, half[0], half[1]);
    vec_op3(s, PSHUFB, x.len, x.d, n, VEC_T1);
    return true;
}

/* Bits of both nibbles by a table. */
static bool population(ArmTr *s, VecDesc x, unsigned n)
{
    vec_constant(s, VEC_T1, 0, 0x0f);
    vec_op3(s, PAND, 16, VEC_T2, n, VEC_T1);
    vec_lane_right(s, 1, 16, VEC_T0, n, 4);
    vec_op3(s, PAND, 16, VEC_T0, VEC_T0, VEC_T1);
    selector(s, VEC_T1, 0x0302020102010100, 0x0403030203020201);
    vec_op3(s, PSHUFB, 16, VEC_T0, VEC_T1, VEC_T0);
    vec_op3(s, PSHUFB, 16, VEC_T1, VEC_T1, VEC_T2);
    vec_op3(s, simple[VEC_ADD][0], x.len, x.d, VEC_T0, VEC_T1);
    return true;
}

static bool one_source(ArmTr *s, VecDesc x, unsigned n, int64_t imm)
{
    switch (x.op) {
    case VEC_ABS:
        if (x.esz < 3) {
            vec_op2(s, X38(0x1c + x.esz), x.len, x.d, n);
        }
        return x.esz < 3;
    case VEC_NEG:
        vec_constant(s, VEC_T0, 0, 0);
        vec_op3(s, simple[VEC_SUB][x.esz], x.len, x.d, VEC_T0, n);
        return true;
    case VEC_NOT:
        invert(s, x.len, x.d, n);
        return true;
    case VEC_CNT:
        return x.esz == 0 && population(s, x, n);
    case VEC_REV:
        return reverse(s, x, n, (unsigned)imm);
    default: /* MOV */
        vec_move(s, x.len, x.d, n);
        return true;
    }
}

/* ---- narrowing ---- */

void vec_narrow(ArmTr *s, unsigned esz, bool upper, unsigned d, unsigned t)
{
    static const uint32_t pack[4] = {0, X66(0x67), X38(0x2b), 0}; /* vpackuswb, vpackusdw */
    if (esz == 3) {
        vec_op2_imm(s, PSHUFD, 16, VEC_T0, t, 0x08);
    } else { /* so that nothing saturates */
        vec_lane_left(s, esz, 16, VEC_T0, t, 4u << esz);
        vec_lane_right(s, esz, 16, VEC_T0, VEC_T0, 4u << esz);
        vec_op3(s, pack[esz], 16, VEC_T0, VEC_T0, VEC_T0);
    }
    if (upper) {
        vec_op3(s, PUNPCKLQDQ, 16, d, d, VEC_T0);
    } else {
        vec_move(s, 8, d, VEC_T0);
    }
}

/* XTN, SHRN, RSHRN, ADDHN, SUBHN. */
static bool narrowing(ArmTr *s, VecDesc x, unsigned n, unsigned m, int64_t imm)
{
    unsigned t = VEC_T0;
    if (x.len != 16) {
        return false;
    }
    switch (x.op) {
    case VEC_MOV:
        t = n;
        break;
    case VEC_SHRN:
        vec_lane_right(s, x.esz, 16, VEC_T0, n, (unsigned)imm);
        break;
    case VEC_RSHRN: /* plus the last bit that goes */
        vec_lane_left(s, x.esz, 16, VEC_T1, n, (8u << x.esz) - (unsigned)imm);
        vec_lane_right(s, x.esz, 16, VEC_T1, VEC_T1, (8u << x.esz) - 1);
        vec_lane_right(s, x.esz, 16, VEC_T0, n, (unsigned)imm);
        vec_op3(s, simple[VEC_ADD][x.esz], 16, VEC_T0, VEC_T0, VEC_T1);
        break;
    case VEC_ADDHN:
    case VEC_SUBHN:
        vec_op3(s, simple[x.op == VEC_ADDHN ? VEC_ADD : VEC_SUB][x.esz], 16, VEC_T0, n, m);
        vec_lane_right(s, x.esz, 16, VEC_T0, VEC_T0, 4u << x.esz);
        break;
    default:
        return false;
    }
    vec_narrow(s, x.esz, x.out == OUT_HI, x.d, t);
    return true;
}

/* ---- across lanes ---- */

/* Bytes by the sum of absolute differences from zero. */
static void sum_bytes(ArmTr *s, VecDesc x)
{
    vec_constant(s, VEC_T1, 0, 0);
    if (x.len == 8) {
        vec_move(s, 8, VEC_T0, x.n);
        vec_op3(s, X66(0xf6), 16, VEC_T0, VEC_T0, VEC_T1);
        return;
    }
    vec_op3(s, X66(0xf6), 16, VEC_T0, x.n, VEC_T1);
    vec_op2_imm(s, PSHUFD, 16, VEC_T1, VEC_T0, 0xee);
    vec_op3(s, simple[VEC_ADD][3], 16, VEC_T0, VEC_T0, VEC_T1);
}

static bool across(ArmTr *s, VecDesc x)
{
    if (x.op == VEC_ADD && x.esz == 1 && x.nsel == (SEL_EXT | SEL_LO)) { /* UADDLV of bytes */
        x.len = x.len / 2;
        sum_bytes(s, x);
        vec_move(s, 8, x.d, VEC_T0);
        return true;
    }
    unsigned op = simple[x.op][x.esz];
    bool bytes = x.op == VEC_ADD && x.esz == 0;
    if (!op || x.nsel || x.esz == 3) {
        return false;
    }
    if (bytes) {
        sum_bytes(s, x);
    } else {
        unsigned from = x.n;
        for (unsigned len = x.len; len > 1u << x.esz; len /= 2) {
            vec_bytes_right(s, 16, VEC_T1, from, len / 2);
            vec_op3(s, op, 16, VEC_T0, from, VEC_T1);
            from = VEC_T0;
        }
    }
    if (x.esz == 2) {
        vec_move(s, 4, x.d, VEC_T0);
    } else {
        vec_set_scalar(s, x.d, tr_ldenv(s, (IrWidth)x.esz, ENV(vtmp[0])));
    }
    return true;
}

/* ---- the operation ---- */

static bool integer(ArmTr *s, VecDesc x, unsigned n, unsigned m, int64_t imm)
{
    unsigned op = simple[x.op][x.esz];
    switch (x.op) {
    case VEC_BIC:
        vec_op3(s, PANDN, x.len, x.d, m, n);
        return true;
    case VEC_ORN:
        invert(s, 16, VEC_T0, m);
        vec_op3(s, POR, x.len, x.d, VEC_T0, n);
        return true;
    case VEC_BSL: case VEC_BIT: case VEC_BIF:
        return bit_select(s, x, n, m);
    case VEC_MUL: case VEC_MLA: case VEC_MLS:
        return multiply(s, x, n, m);
    case VEC_ADDA:
        vec_op3(s, simple[VEC_ADD][x.esz], 16, VEC_T0, n, m);
        vec_op3(s, simple[VEC_ADD][x.esz], x.len, x.d, x.a, VEC_T0);
        return true;
    case VEC_CMGE: case VEC_CMLE: case VEC_CMLT: case VEC_CMHI: case VEC_CMHS: case VEC_CMTST:
        return compare(s, x, n, m);
    case VEC_SABD: case VEC_UABD: case VEC_SABA: case VEC_UABA:
        return difference(s, x, n, m);
    case VEC_ABS: case VEC_NEG: case VEC_NOT: case VEC_CNT: case VEC_REV: case VEC_MOV:
        return one_source(s, x, n, imm);
    case VEC_SHL: case VEC_SLI: case VEC_SRI: case VEC_USHR: case VEC_SSHR: case VEC_USRA: case VEC_SSRA:
    case VEC_SRSHR: case VEC_URSHR: case VEC_SRSRA: case VEC_URSRA:
        return vec_fast_shift(s, x, n, imm);
    default:
        if (op) {
            vec_op3(s, op, x.len, x.d, n, m);
        }
        return op || vec_fast_crypto(s, x, n, m, imm);
    }
}

/* Ops that were emitted before it showed that the helper must do it; they changed temporaries only. */
static void take_back(ArmTr *s, int n_ops, int n_host)
{
    s->b->n_ops = n_ops;
    s->b->n_host = n_host;
}

bool vec_fast(ArmTr *s, VecDesc x, int64_t imm)
{
    int n_ops = s->b->n_ops, n_host = s->b->n_host;
    unsigned n, m;
    bool done = false;
    if (!vec_host(s, 0) || x.pair == PAIR_TURNS || x.out > OUT_HI || x.msrc == MSRC_IMM || x.nsel == SEL_SWAP) {
        return false;
    }
    if (x.op >= VEC_FADD && x.op <= VEC_BFMMLA) {
        done = vec_fast_fp(s, x, imm);
    } else if (x.len != 8 && x.len != 16) {
        return false;
    } else if (x.pair == PAIR_REDUCE) {
        done = across(s, x);
    } else if (sources(s, x, &n, &m)) {
        done = x.out == OUT_SAME ? integer(s, x, n, m, imm) : narrowing(s, x, n, m, imm);
    }
    if (!done) {
        take_back(s, n_ops, n_host);
    }
    return done;
}

/* ---- underflow ---- */

void vec_trap_smallest(ArmTr *s, FpFmt f, unsigned r, bool scalar, bool nan)
{
    bool d = f == FP_D;
    unsigned compare = scalar ? (d ? VX_F2 : VX_F3) : d ? VX_66 : 0;
    vec_op3(s, X66(d ? 0xd4 : 0xfe), 16, VEC_T1, r, r); /* vpaddq, vpaddd */
    vec_op3(s, d ? X38(0x29) : X66(0x76), 16, VEC_T1, VEC_T1, d ? VEC_SMALLEST_D : VEC_SMALLEST_S); /* vpcmpeqq: to a NaN */
    if (nan) {
        vec_op3(s, POR, 16, VEC_T1, VEC_T1, r);
    }
    vec_op3_imm(s, compare | VX_0F(0xc2) | VX_TRAP, 16, VEC_T1, VEC_T1, VEC_T1, 1); /* vcmpltps */
}
