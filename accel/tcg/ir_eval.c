/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Meaning of the IR's arithmetic. Flags after Intel SDM vol. 1, 3.4.3 and the
 * instructions' pages in vol. 2; undefined ones as measured on Intel hosts:
 * shifts and rotates by more than one set O as the shift by one would, A is 0
 * after logic, shifts and multiplication, S and P follow the (low) result.
 */
#include "accel/tcg/ir_eval.h"

enum {
    EF_C = 1 << 0,
    EF_P = 1 << 2,
    EF_A = 1 << 4,
    EF_Z = 1 << 6,
    EF_S = 1 << 7,
    EF_O = 1 << 11,
};

static inline unsigned top_bit(uint64_t v, unsigned w)
{
    return v >> ((8u << w) - 1) & 1;
}

/* S, Z and P of a result already reduced to the width. */
static inline uint64_t result_flags(uint64_t r, unsigned w)
{
    return (r == 0 ? EF_Z : 0) | (top_bit(r, w) ? EF_S : 0) |
           (__builtin_parity(r & 0xff) ? 0 : EF_P);
}

bool ir_cond_holds(IrCond cc, uint64_t f)
{
    bool s_ne_o = !(f & EF_S) != !(f & EF_O);
    bool r;
    switch (cc >> 1) {
    case CC_O >> 1:
        r = f & EF_O;
        break;
    case CC_B >> 1:
        r = f & EF_C;
        break;
    case CC_E >> 1:
        r = f & EF_Z;
        break;
    case CC_BE >> 1:
        r = f & (EF_C | EF_Z);
        break;
    case CC_S >> 1:
        r = f & EF_S;
        break;
    case CC_P >> 1:
        r = f & EF_P;
        break;
    case CC_L >> 1:
        r = s_ne_o;
        break;
    default:
        r = (f & EF_Z) || s_ne_o;
        break;
    }
    return r != (cc & 1);
}

static uint64_t eval_add(unsigned w, uint64_t a, uint64_t b, unsigned carry, uint64_t *f)
{
    uint64_t r = (a + b + carry) & ir_mask(w);
    uint64_t carries = (a & b) | ((a | b) & ~r); /* carry out of each bit */
    *f = result_flags(r, w) | top_bit(carries, w) * EF_C | (carries >> 3 & 1) * EF_A |
         top_bit((a ^ r) & (b ^ r), w) * EF_O;
    return r;
}

static uint64_t eval_sub(unsigned w, uint64_t a, uint64_t b, unsigned borrow, uint64_t *f)
{
    uint64_t r = (a - b - borrow) & ir_mask(w);
    uint64_t borrows = (~a & b) | (~(a ^ b) & r);
    *f = result_flags(r, w) | top_bit(borrows, w) * EF_C | (borrows >> 3 & 1) * EF_A |
         top_bit((a ^ b) & (a ^ r), w) * EF_O;
    return r;
}

static uint64_t eval_logic(unsigned w, uint64_t r, uint64_t *f)
{
    *f = result_flags(r, w);
    return r;
}

/* n is the masked count, not 0; it may exceed a W8/W16 width. */
static uint64_t eval_shift(unsigned op, unsigned w, uint64_t a, unsigned n, uint64_t *f)
{
    unsigned bits = 8u << w;
    uint64_t r, c, o;
    if (op == OP_shl) {
        r = n < bits ? (a << n) & ir_mask(w) : 0;
        c = n <= bits ? a >> (bits - n) & 1 : 0;
        o = top_bit(a ^ a << 1, w);
    } else if (op == OP_shr) {
        r = n < bits ? a >> n : 0;
        c = n <= bits ? a >> (n - 1) & 1 : 0;
        o = top_bit(a, w);
    } else {
        int64_t s = ir_sign_extend(a, w);
        r = (uint64_t)(s >> n) & ir_mask(w);
        c = (uint64_t)(s >> (n - 1)) & 1;
        o = 0;
    }
    *f = result_flags(r, w) | c * EF_C | o * EF_O;
    return r;
}

static uint64_t set_co(uint64_t *f, uint64_t r, unsigned c, unsigned o)
{
    *f = (*f & ~(uint64_t)(EF_C | EF_O)) | c * EF_C | o * EF_O;
    return r;
}

/* n is the masked count, not 0. */
static uint64_t eval_rotate(unsigned op, unsigned w, uint64_t a, unsigned n, uint64_t *f)
{
    unsigned bits = 8u << w;
    unsigned k = n & (bits - 1);
    if (op == OP_ror) {
        k = (bits - k) & (bits - 1);
    }
    uint64_t r = k ? ((a << k) | a >> (bits - k)) & ir_mask(w) : a;
    if (op == OP_rol) {
        return set_co(f, r, r & 1, top_bit(a ^ a << 1, w));
    }
    return set_co(f, r, top_bit(r, w), (a & 1) ^ top_bit(a, w));
}

/* Rotation of width + 1 bits with C on top. n is the masked count, not 0. */
static uint64_t eval_rotate_carry(unsigned op, unsigned w, uint64_t a, unsigned n, uint64_t *f)
{
    unsigned bits = 8u << w;
    unsigned cin = *f & EF_C;
    unsigned o = op == OP_rcl ? top_bit(a ^ a << 1, w) : top_bit(a, w) ^ cin;
    unsigned k = n % (bits + 1);
    if (k == 0) {
        return a; /* all the way round: flags stay, too */
    }
    if (op == OP_rcr) {
        k = bits + 1 - k;
    }
    /* left by k of C:a, in two halves as the whole may have 65 bits; 1 <= k <= bits */
    uint64_t hi = k < bits ? a << k : 0;
    uint64_t lo = k > 1 ? a >> (bits + 1 - k) : 0;
    uint64_t r = (hi | (uint64_t)cin << (k - 1) | lo) & ir_mask(w);
    return set_co(f, r, a >> (bits - k) & 1, o);
}

/* n is the masked count, not 0. W16 beyond 16 takes bits of a again, as hardware does. */
static uint64_t eval_double_shift(unsigned op, unsigned w, uint64_t a, uint64_t b, unsigned n,
                                  uint64_t *f)
{
    unsigned bits = 8u << w;
    uint64_t r, c;
    if (w == W16) {
        uint64_t aba = a << 32 | b << 16 | a;
        r = (op == OP_shld ? aba >> (32 - n) : aba >> n) & 0xffff;
        c = (op == OP_shld ? aba >> (48 - n) : aba >> (n - 1)) & 1;
    } else if (op == OP_shld) {
        r = ((a << n) | b >> (bits - n)) & ir_mask(w);
        c = a >> (bits - n) & 1;
    } else {
        r = (a >> n | b << (bits - n)) & ir_mask(w);
        c = a >> (n - 1) & 1;
    }
    unsigned o = op == OP_shld ? top_bit(a ^ a << 1, w) : (b & 1) ^ top_bit(a, w);
    *f = result_flags(r, w) | c * EF_C | o * EF_O;
    return r;
}

static uint64_t eval_shifts(unsigned op, unsigned w, uint64_t a, uint64_t b, uint64_t c,
                            uint64_t *f)
{
    bool dbl = op == OP_shld || op == OP_shrd;
    unsigned n = (dbl ? c : b) & (w == W64 ? 0x3f : 0x1f);
    if (n == 0) {
        return a;
    }
    switch (op) {
    case OP_shl:
    case OP_shr:
    case OP_sar:
        return eval_shift(op, w, a, n, f);
    case OP_rol:
    case OP_ror:
        return eval_rotate(op, w, a, n, f);
    case OP_rcl:
    case OP_rcr:
        return eval_rotate_carry(op, w, a, n, f);
    default:
        return eval_double_shift(op, w, a, b, n, f);
    }
}

static uint64_t eval_bit(unsigned op, unsigned w, uint64_t a, uint64_t b, uint64_t *f)
{
    uint64_t bit = 1ull << (b & ((8u << w) - 1));
    *f = (*f & ~(uint64_t)EF_C) | ((a & bit) ? EF_C : 0);
    switch (op) {
    case OP_bts:
        return a | bit;
    case OP_btr:
        return a & ~bit;
    case OP_btc:
        return a ^ bit;
    default:
        return a;
    }
}

/* bsf, bsr, tzcnt, lzcnt, popcnt; a64 is the whole of a. */
static uint64_t eval_count(unsigned op, unsigned w, uint64_t a64, uint64_t b, uint64_t *f)
{
    uint64_t v = op == OP_bsf || op == OP_bsr ? b : a64 & ir_mask(w);
    uint64_t r;
    switch (op) {
    case OP_bsf:
    case OP_bsr:
        if (v == 0) {
            *f = EF_Z | EF_P;
            return a64;
        }
        r = op == OP_bsf ? __builtin_ctzll(v) : 63 - __builtin_clzll(v);
        *f = result_flags(r, W64) & EF_P;
        return r;
    case OP_popcnt:
        *f = v == 0 ? EF_Z : 0;
        return __builtin_popcountll(v);
    default:
        if (v == 0) {
            r = 8u << w;
        } else if (op == OP_tzcnt) {
            r = __builtin_ctzll(v);
        } else {
            r = __builtin_clzll(v) - (64 - (8u << w));
        }
        *f = (v == 0 ? EF_C : 0) | (r == 0 ? EF_Z : 0);
        return r;
    }
}

static uint64_t eval_imul(unsigned w, uint64_t a, uint64_t b, uint64_t *f)
{
    __int128 p = (__int128)ir_sign_extend(a, w) * ir_sign_extend(b, w);
    uint64_t r = (uint64_t)p & ir_mask(w);
    bool over = p != ir_sign_extend(r, w);
    *f = (result_flags(r, w) & ~(uint64_t)EF_Z) | (over ? EF_C | EF_O : 0);
    return r;
}

uint64_t ir_eval(unsigned op, unsigned w, uint64_t a64, uint64_t b, uint64_t c, uint64_t *f)
{
    uint64_t m = ir_mask(w);
    uint64_t a = a64 & m;
    b &= m;
    switch (op) {
    case OP_add:
        return eval_add(w, a, b, 0, f);
    case OP_adc:
        return eval_add(w, a, b, *f & EF_C, f);
    case OP_sub:
    case OP_cmp:
        return eval_sub(w, a, b, 0, f);
    case OP_sbb:
        return eval_sub(w, a, b, *f & EF_C, f);
    case OP_neg:
        return eval_sub(w, 0, a, 0, f);
    case OP_and:
    case OP_test:
        return eval_logic(w, a & b, f);
    case OP_or:
        return eval_logic(w, a | b, f);
    case OP_xor:
        return eval_logic(w, a ^ b, f);
    case OP_andn:
        a = eval_logic(w, ~a & b, f);
        *f &= ~(uint64_t)EF_P;
        return a;
    case OP_not:
        return ~a & m;
    case OP_inc:
    case OP_dec: {
        uint64_t keep = *f & EF_C;
        a = op == OP_inc ? eval_add(w, a, 1, 0, f) : eval_sub(w, a, 1, 0, f);
        *f = (*f & ~(uint64_t)EF_C) | keep;
        return a;
    }
    case OP_imul:
        return eval_imul(w, a, b, f);
    case OP_bt:
    case OP_bts:
    case OP_btr:
    case OP_btc:
        return eval_bit(op, w, a, b, f);
    case OP_bsf:
    case OP_bsr:
    case OP_tzcnt:
    case OP_lzcnt:
    case OP_popcnt:
        return eval_count(op, w, a64, b, f);
    default:
        return eval_shifts(op, w, a, b, c, f);
    }
}

uint64_t ir_eval_mul2(bool is_signed, unsigned w, uint64_t a, uint64_t b, uint64_t *hi,
                      uint64_t *f)
{
    uint64_t m = ir_mask(w);
    unsigned bits = 8u << w;
    unsigned __int128 p;
    bool over;
    if (is_signed) {
        p = (unsigned __int128)((__int128)ir_sign_extend(a, w) * ir_sign_extend(b, w));
        over = (__int128)p != ir_sign_extend((uint64_t)p, w);
    } else {
        p = (unsigned __int128)(a & m) * (b & m);
        over = p >> bits != 0;
    }
    *f = (result_flags((uint64_t)p & m, w) & ~(uint64_t)EF_Z) | (over ? EF_C | EF_O : 0);
    if (w == W8) {
        *hi = 0;
        return (uint64_t)p & 0xffff;
    }
    *hi = (uint64_t)(p >> bits) & m;
    return (uint64_t)p & m;
}

static bool div_unsigned(unsigned bits, unsigned __int128 n, uint64_t d, uint64_t *q, uint64_t *r)
{
    if (d == 0 || n / d >> bits != 0) {
        return false;
    }
    *q = (uint64_t)(n / d);
    *r = (uint64_t)(n % d);
    return true;
}

/* By magnitudes: the most negative dividend of all has one, too. */
static bool div_signed(unsigned bits, __int128 n, int64_t d, uint64_t *q, uint64_t *r)
{
    unsigned __int128 un = n < 0 ? -(unsigned __int128)n : (unsigned __int128)n;
    uint64_t ud = d < 0 ? -(uint64_t)d : (uint64_t)d;
    if (ud == 0) {
        return false;
    }
    unsigned __int128 uq = un / ud;
    bool neg = (n < 0) != (d < 0);
    if (uq > ((unsigned __int128)1 << (bits - 1)) - !neg) {
        return false;
    }
    *q = neg ? -(uint64_t)uq : (uint64_t)uq;
    *r = n < 0 ? -(uint64_t)(un % ud) : (uint64_t)(un % ud);
    return true;
}

bool ir_eval_div(bool is_signed, unsigned w, uint64_t *lo, uint64_t *hi, uint64_t d)
{
    uint64_t m = ir_mask(w), q = 0, r = 0;
    unsigned bits = 8u << w;
    unsigned __int128 n = w == W8 ? (*lo & 0xffff)
                                  : (unsigned __int128)(*hi & m) << bits | (*lo & m);
    bool ok;
    if (is_signed) {
        unsigned up = 128 - 2 * bits;
        __int128 s = (__int128)(n << up) >> up;
        ok = div_signed(bits, s, ir_sign_extend(d, w), &q, &r);
    } else {
        ok = div_unsigned(bits, n, d & m, &q, &r);
    }
    if (!ok) {
        return false;
    }
    if (w == W8) {
        *lo = (q & 0xff) | (r & 0xff) << 8;
    } else {
        *lo = q & m;
        *hi = r & m;
    }
    return true;
}
