/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vector operations of AArch32 by instructions of the host: a Q register is a V register, a D register one of its halves. An
 * upper half is brought to a temporary first; a result of 8 bytes is made in one and put into its half of the register.
 */
#include "target/arm/translate_vec_fast.h"

#define SHUFPD X66(0xc6)

/* D<n>, of which 8 bytes count, or Q<n / 2>. */
static unsigned source(ArmTr *s, unsigned n, unsigned temporary)
{
    if (!(n & 1)) {
        return n / 2;
    }
    vec_bytes_right(s, 16, temporary, n / 2, 8);
    return temporary;
}

void vec_a32_put_half(ArmTr *s, unsigned d, unsigned t)
{
    if (d & 1) {
        vec_op3(s, PUNPCKLQDQ, 16, d / 2, d / 2, t);
    } else {
        vec_op3_imm(s, SHUFPD, 16, d / 2, t, d / 2, 2);
    }
}

static bool reads_destination(VecDesc x)
{
    switch (x.op) {
    case VEC_MLA: case VEC_MLS: case VEC_ADDA: case VEC_BSL: case VEC_BIT: case VEC_BIF: case VEC_SABA: case VEC_UABA:
    case VEC_SLI: case VEC_SRI: case VEC_SSRA: case VEC_USRA: case VEC_SRSRA: case VEC_URSRA:
    case VEC_AESE: case VEC_AESD: case VEC_FMLA: case VEC_FMLS: case VEC_MULADD2: case VEC_MULSUB2:
        return true;
    default:
        return false;
    }
}

static bool arithmetic(VecDesc x)
{
    return x.op >= VEC_FADD && x.op <= VEC_BFMMLA && x.op != VEC_FABS && x.op != VEC_FNEG;
}

/* x with V registers for its sources. */
static VecDesc with_sources(ArmTr *s, VecDesc x)
{
    unsigned n = x.n;
    x.n = source(s, n, VEC_A32_N) & 31;
    if (x.msrc == MSRC_ELEM) {
        x.index = (x.index + (x.m & 1) * (8u >> x.iesz)) & 15;
        x.m = x.m / 2;
    } else {
        x.m = (x.m == n ? x.n : source(s, x.m, VEC_A32_M)) & 31;
    }
    x.a = (reads_destination(x) ? source(s, x.a, VEC_A32_A) : x.a / 2) & 31;
    x.a32 = 0;
    return x;
}

static bool give_up(ArmTr *s, int n_ops, int n_host)
{
    s->b->n_ops = n_ops;
    s->b->n_host = n_host;
    return false;
}

bool vec_a32_fast(ArmTr *s, VecDesc x, int64_t imm)
{
    int n_ops = s->b->n_ops, n_host = s->b->n_host;
    unsigned d = x.d, bytes = x.out == OUT_SAME ? x.len : x.len / 2;
    bool fp = arithmetic(x);
    if (!vec_host(s, 0) || (fp && s->fpx)) {
        return false;
    }
    x = with_sources(s, x);
    x.d = (bytes == 16 ? d / 2 : VEC_A32_D) & 31;
    if (!(fp ? vec_fast_fp_standard : vec_fast)(s, x, imm)) {
        return give_up(s, n_ops, n_host);
    }
    if (bytes != 16) {
        vec_a32_put_half(s, d, VEC_A32_D);
    }
    return true;
}

/* ---- permutations ---- */

/* The temporary = D<n> and (both) D<n + 1>, else zero. */
static void table_pair(ArmTr *s, unsigned n, bool both, unsigned temporary)
{
    if (both && !(n & 1)) {
        vec_move(s, 16, temporary, n / 2);
    } else if (both) {
        vec_op3_imm(s, SHUFPD, 16, temporary, n / 2, n / 2 + 1, 1);
    } else if (n & 1) {
        vec_bytes_right(s, 16, temporary, n / 2, 8);
    } else {
        vec_move(s, 8, temporary, n / 2);
    }
}

/* VTBL by the A64 form for one or two V registers, which are neighbours: VEC_A32_N and VEC_A32_M. */
static bool table(ArmTr *s, VecDesc x, unsigned registers)
{
    VecDesc y = x;
    y.a32 = 0;
    y.d = VEC_A32_D;
    y.m = source(s, x.m, VEC_A32_A) & 31;
    y.n = VEC_A32_N;
    table_pair(s, x.n, registers > 1, VEC_A32_N);
    if (registers > 2) {
        table_pair(s, x.n + 2u, registers > 3, VEC_A32_M);
    }
    bool done = vec_fast_permute(s, y, VEC_PERM_TBL | (unsigned)(registers > 2) << 8);
    if (done) {
        vec_a32_put_half(s, x.d, VEC_A32_D);
    }
    return done;
}

static bool extract(ArmTr *s, VecDesc x, unsigned what)
{
    unsigned d = x.d;
    x = with_sources(s, x);
    x.d = (x.len == 16 ? d / 2 : VEC_A32_D) & 31;
    bool done = vec_fast_permute(s, x, what);
    if (done && x.len != 16) {
        vec_a32_put_half(s, d, VEC_A32_D);
    }
    return done;
}

bool vec_a32_permute(ArmTr *s, VecDesc x, unsigned what)
{
    int n_ops = s->b->n_ops, n_host = s->b->n_host;
    unsigned imm = what >> 8;
    if (!vec_host(s, 0)) {
        return false;
    }
    bool done = (what & 0xff) == VEC_PERM_EXT ? extract(s, x, what) : imm < 4 && table(s, x, imm + 1); /* no VTBX */
    return done || give_up(s, n_ops, n_host);
}

bool vec_a32_permute2(ArmTr *s, VecDesc x, unsigned what)
{
    int n_ops = s->b->n_ops, n_host = s->b->n_host;
    if (!vec_host(s, 0)) {
        return false;
    }
    VecDesc y = with_sources(s, x);
    y.d = VEC_A32_D;
    bool done = vec_fast_permute(s, y, what);
    y.d = VEC_A32_A;
    if (!done || !vec_fast_permute(s, y, what | 1 << 8)) {
        return give_up(s, n_ops, n_host);
    }
    if (x.len == 16) {
        vec_move(s, 16, x.n / 2, VEC_A32_D);
        vec_move(s, 16, x.m / 2, VEC_A32_A);
    } else {
        vec_a32_put_half(s, x.n, VEC_A32_D);
        vec_a32_put_half(s, x.m, VEC_A32_A);
    }
    return true;
}
