/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exact floating point: unpacking, rounding, NaNs, arithmetic and comparison. See fp.h. Sections are of the Arm ARM's
 * shared pseudocode (J1.3.3).
 */
#include "target/arm/fp_parts.h"

const FpFormat fp_format[4] = {
    [FP_BF] = {8, 7}, [FP_H] = {5, 10}, [FP_S] = {8, 23}, [FP_D] = {11, 52}};

/* ---- control and status ---- */

FpStatus fp_begin(uint32_t fpcr)
{
    return (FpStatus){
        .rm = (uint8_t)(fpcr >> FPCR_RMODE_SHIFT & 3),
        .fz = fpcr & FPCR_FZ,
        .fz16 = fpcr & FPCR_FZ16,
        .dn = fpcr & FPCR_DN,
        .ahp = fpcr & FPCR_AHP,
    };
}

FpStatus fp_begin_standard(uint32_t fpscr)
{
    return (FpStatus){
        .rm = FP_RN, .fz = true, .fz16 = fpscr & FPCR_FZ16, .dn = true, .ahp = fpscr & FPCR_AHP};
}

/* ---- unpacking ---- */

static uint64_t fraction_mask(FpFmt f)
{
    return (1ull << fp_format[f].fbits) - 1;
}

uint64_t fp_default_nan(FpFmt f)
{
    return fp_exp_field(f) | 1ull << (fp_format[f].fbits - 1);
}

bool fp_is_nan(FpFmt f, uint64_t a)
{
    return fp_abs(f, a) > fp_exp_field(f);
}

bool fp_is_snan(FpFmt f, uint64_t a)
{
    return fp_is_nan(f, a) && !(a >> (fp_format[f].fbits - 1) & 1);
}

static bool flushes(const FpStatus *st, FpFmt f)
{
    return f == FP_H ? st->fz16 : st->fz;
}

static FpNum unpack(FpStatus *st, FpFmt f, uint64_t a, bool top_is_number)
{
    unsigned fbits = fp_format[f].fbits;
    uint64_t frac = a & fraction_mask(f);
    int e = (int)((a & fp_exp_field(f)) >> fbits);
    FpNum n = {.sign = a & fp_sign_bit(f)};
    if (e == 0) {
        if (frac == 0 || flushes(st, f)) {
            if (frac && f != FP_H) {
                st->flags |= FPSR_IDC;
            }
            n.cls = CLASS_ZERO;
            return n;
        }
        int shift = __builtin_clzll(frac);
        n.cls = CLASS_NUMBER;
        n.frac = frac << shift;
        n.exp = 1 - fp_bias(f) + 63 - shift - (int)fbits;
        return n;
    }
    if (e == (1 << fp_format[f].ebits) - 1 && !top_is_number) {
        n.cls = frac == 0 ? CLASS_INF : frac >> (fbits - 1) ? CLASS_QNAN : CLASS_SNAN;
        return n;
    }
    n.cls = CLASS_NUMBER;
    n.frac = (frac | 1ull << fbits) << (63 - fbits);
    n.exp = e - fp_bias(f);
    return n;
}

FpNum fp_unpack(FpStatus *st, FpFmt f, uint64_t a)
{
    return unpack(st, f, a, false);
}

FpNum fp_unpack_cv(FpStatus *st, FpFmt f, uint64_t a)
{
    return unpack(st, f, a, f == FP_H && st->ahp);
}

/* ---- rounding ---- */

static int leading_zeros(FpWide x)
{
    uint64_t hi = (uint64_t)(x >> 64);
    return hi ? __builtin_clzll(hi) : 64 + __builtin_clzll((uint64_t)x);
}

/* What is shifted out is kept as a one in the lowest bit. */
static FpWide shift_right_jam(FpWide x, unsigned n)
{
    if (n == 0) {
        return x;
    }
    if (n > 127) {
        return x != 0;
    }
    return x >> n | ((x & (((FpWide)1 << n) - 1)) != 0);
}

/* Does the fraction `rest`, of which `half` is one half, round the magnitude up? */
static bool rounds_up(FpRound rm, bool sign, bool odd, FpWide rest, FpWide half)
{
    switch (rm) {
    case FP_RN:
        return rest > half || (rest == half && odd);
    case FP_RA:
        return rest >= half;
    case FP_RP:
        return rest && !sign;
    case FP_RM:
        return rest && sign;
    default:
        return false;
    }
}

static uint64_t overflowed(FpStatus *st, FpFmt f, FpRound rm, bool sign)
{
    st->flags |= FPSR_OFC | FPSR_IXC;
    bool to_inf = rm == FP_RN || rm == FP_RA || (rm == FP_RP && !sign) || (rm == FP_RM && sign);
    return to_inf ? fp_inf(f, sign) : fp_max_normal(f, sign);
}

uint64_t fp_round(FpStatus *st, FpFmt f, FpRound rm, bool sign, int exp, FpWide frac, bool ahp)
{
    unsigned fbits = fp_format[f].fbits, shift = 127 - fbits;
    int zeros = leading_zeros(frac), lowest = 1 - fp_bias(f);
    frac <<= zeros;
    exp -= zeros;
    bool tiny = exp < lowest; /* before rounding, as Arm has it */
    if (tiny) {
        if (flushes(st, f)) {
            st->flags |= FPSR_UFC;
            return fp_zero(f, sign);
        }
        frac = shift_right_jam(frac, (unsigned)(lowest - exp));
        exp = lowest;
    }
    FpWide rest = frac & (((FpWide)1 << shift) - 1);
    uint64_t mant = (uint64_t)(frac >> shift);
    mant += rounds_up(rm, sign, mant & 1, rest, (FpWide)1 << (shift - 1));
    if (rm == FP_RO && rest) {
        mant |= 1;
    }
    if (exp > 4 * fp_bias(f)) { /* so that the sum below can not wrap */
        exp = 4 * fp_bias(f);
    }
    /* The highest bit of mant, if it is there, counts the exponent up from 0. */
    FpWide bits = ((FpWide)(unsigned)(exp - lowest) << fbits) + mant;
    if (ahp && bits >> fbits >= 1u << fp_format[f].ebits) {
        st->flags |= FPSR_IOC;
        return fp_sign_bit(f) * sign | (fp_sign_bit(f) - 1);
    }
    if (!ahp && bits >= fp_exp_field(f)) {
        return overflowed(st, f, rm, sign);
    }
    if (rest) {
        st->flags |= FPSR_IXC | (tiny ? FPSR_UFC : 0);
    }
    return fp_zero(f, sign) | (uint64_t)bits;
}

/* ---- NaNs ---- */

uint64_t fp_invalid(FpStatus *st, FpFmt f)
{
    st->flags |= FPSR_IOC;
    return fp_default_nan(f);
}

uint64_t fp_nan(FpStatus *st, FpFmt f, const FpNum *n, uint64_t a)
{
    if (n->cls == CLASS_SNAN) {
        st->flags |= FPSR_IOC;
    }
    if (st->dn) {
        return fp_default_nan(f);
    }
    return (a & (fp_sign_bit(f) * 2 - 1)) | 1ull << (fp_format[f].fbits - 1);
}

bool fp_nans(FpStatus *st, FpFmt f, const FpNum *x, uint64_t a, const FpNum *y, uint64_t b, uint64_t *r)
{
    if (!num_is_nan(x) && !num_is_nan(y)) {
        return false;
    }
    bool first = x->cls == CLASS_SNAN || (y->cls != CLASS_SNAN && x->cls == CLASS_QNAN);
    *r = first ? fp_nan(st, f, x, a) : fp_nan(st, f, y, b);
    return true;
}

/* ---- sums and products ---- */

FpSum fp_product(const FpNum *x, const FpNum *y)
{
    /* At most 106 significant bits: the lowest bit of the 128 is 0. */
    FpSum p = {x->sign ^ y->sign, x->exp + y->exp, (FpWide)x->frac * y->frac};
    if (x->cls == CLASS_ZERO || y->cls == CLASS_ZERO) {
        p.frac = 0;
    } else if (p.frac >> 127) {
        p.frac >>= 1;
        p.exp++;
    }
    return p;
}

FpSum fp_addend(const FpNum *x)
{
    return (FpSum){x->sign, x->exp, x->cls == CLASS_ZERO ? 0 : (FpWide)x->frac << 63};
}

uint64_t fp_round_sum(FpStatus *st, FpFmt f, const FpSum *x, const FpSum *y, int scale)
{
    if (x->frac == 0 || (y->frac && y->exp > x->exp)) {
        const FpSum *t = x;
        x = y;
        y = t;
    }
    FpSum s = *x;
    if (y->frac) {
        /* Bits are lost below only when the exponents are far apart; then at most one leading bit cancels. */
        FpWide small = shift_right_jam(y->frac, (unsigned)(x->exp - y->exp));
        if (x->sign == y->sign) {
            s.frac += small;
        } else if (s.frac >= small) {
            s.frac -= small;
        } else {
            s.frac = small - s.frac;
            s.sign = y->sign;
        }
    }
    if (s.frac == 0) {
        return fp_zero(f, st->rm == FP_RM);
    }
    return fp_round(st, f, st->rm, s.sign, s.exp + 1 + scale, s.frac, false);
}

static uint64_t add(FpStatus *st, FpFmt f, uint64_t a, uint64_t b, bool subtract)
{
    FpNum x = fp_unpack(st, f, a), y = fp_unpack(st, f, b);
    uint64_t r;
    if (fp_nans(st, f, &x, a, &y, b, &r)) {
        return r;
    }
    y.sign ^= subtract;
    if (x.cls == CLASS_INF && y.cls == CLASS_INF && x.sign != y.sign) {
        return fp_invalid(st, f);
    }
    if (x.cls == CLASS_INF || y.cls == CLASS_INF) {
        return fp_inf(f, x.cls == CLASS_INF ? x.sign : y.sign);
    }
    if (x.cls == CLASS_ZERO && y.cls == CLASS_ZERO && x.sign == y.sign) {
        return fp_zero(f, x.sign);
    }
    FpSum p = fp_addend(&x), q = fp_addend(&y);
    return fp_round_sum(st, f, &p, &q, 0);
}

uint64_t fp_add(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    return add(st, f, a, b, false);
}

uint64_t fp_sub(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    return add(st, f, a, b, true);
}

static bool inf_times_zero(const FpNum *x, const FpNum *y)
{
    return (x->cls == CLASS_INF && y->cls == CLASS_ZERO) || (x->cls == CLASS_ZERO && y->cls == CLASS_INF);
}

static uint64_t multiply(FpStatus *st, FpFmt f, uint64_t a, uint64_t b, bool extended)
{
    FpNum x = fp_unpack(st, f, a), y = fp_unpack(st, f, b);
    bool sign = x.sign ^ y.sign;
    uint64_t r;
    if (fp_nans(st, f, &x, a, &y, b, &r)) {
        return r;
    }
    if (inf_times_zero(&x, &y)) {
        return extended ? fp_zero(f, sign) | (uint64_t)(fp_bias(f) + 1) << fp_format[f].fbits : fp_invalid(st, f);
    }
    if (x.cls == CLASS_INF || y.cls == CLASS_INF) {
        return fp_inf(f, sign);
    }
    if (x.cls == CLASS_ZERO || y.cls == CLASS_ZERO) {
        return fp_zero(f, sign);
    }
    return fp_round(st, f, st->rm, sign, x.exp + y.exp + 1, (FpWide)x.frac * y.frac, false);
}

uint64_t fp_mul(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    return multiply(st, f, a, b, false);
}

uint64_t fp_mulx(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    return multiply(st, f, a, b, true);
}

uint64_t fp_div(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    FpNum x = fp_unpack(st, f, a), y = fp_unpack(st, f, b);
    bool sign = x.sign ^ y.sign;
    uint64_t r;
    if (fp_nans(st, f, &x, a, &y, b, &r)) {
        return r;
    }
    if (x.cls == y.cls && x.cls != CLASS_NUMBER) {
        return fp_invalid(st, f);
    }
    if (x.cls == CLASS_INF || y.cls == CLASS_ZERO) {
        st->flags |= x.cls == CLASS_INF ? 0 : FPSR_DZC;
        return fp_inf(f, sign);
    }
    if (x.cls == CLASS_ZERO || y.cls == CLASS_INF) {
        return fp_zero(f, sign);
    }
    FpWide n = (FpWide)x.frac << 63;
    FpWide q = n / y.frac;
    return fp_round(st, f, st->rm, sign, x.exp - y.exp, q << 64 | (n % y.frac != 0), false);
}

static uint64_t square_root(FpWide n, bool *exact)
{
    uint64_t r = 0;
    FpWide rest = n;
    /* (r + 2^k)^2 - r^2 = 2^k (2 r + 2^k) */
    for (int k = 63; k >= 0; k--) {
        FpWide step = (FpWide)r << (k + 1);
        FpWide more = step + ((FpWide)1 << (2 * k));
        if (rest >= more) {
            rest -= more;
            r |= 1ull << k;
        }
    }
    *exact = rest == 0;
    return r;
}

uint64_t fp_sqrt(FpStatus *st, FpFmt f, uint64_t a)
{
    FpNum x = fp_unpack(st, f, a);
    if (num_is_nan(&x)) {
        return fp_nan(st, f, &x, a);
    }
    if (x.cls == CLASS_ZERO) {
        return fp_zero(f, x.sign);
    }
    if (x.sign) {
        return fp_invalid(st, f);
    }
    if (x.cls == CLASS_INF) {
        return fp_inf(f, false);
    }
    bool exact, odd = x.exp & 1;
    uint64_t r = square_root((FpWide)x.frac << (odd ? 64 : 63), &exact);
    return fp_round(st, f, st->rm, false, (x.exp - odd) / 2, (FpWide)r << 64 | !exact, false);
}

/* ---- fused multiply and add ---- */

/* The arithmetic behind the NaNs. */
static uint64_t muladd(FpStatus *st, FpFmt f, const FpNum *c, const FpNum *x, const FpNum *y)
{
    bool sign = x->sign ^ y->sign, inf = x->cls == CLASS_INF || y->cls == CLASS_INF;
    if (inf_times_zero(x, y) || (c->cls == CLASS_INF && inf && c->sign != sign)) {
        return fp_invalid(st, f);
    }
    if (c->cls == CLASS_INF || inf) {
        return fp_inf(f, inf ? sign : c->sign);
    }
    FpSum p = fp_product(x, y), q = fp_addend(c);
    if (p.frac == 0 && q.frac == 0 && c->sign == sign) {
        return fp_zero(f, sign);
    }
    return fp_round_sum(st, f, &p, &q, 0);
}

uint64_t fp_muladd(FpStatus *st, FpFmt f, uint64_t addend, uint64_t a, uint64_t b)
{
    FpNum c = fp_unpack(st, f, addend), x = fp_unpack(st, f, a), y = fp_unpack(st, f, b);
    if (c.cls == CLASS_QNAN && inf_times_zero(&x, &y)) {
        return fp_invalid(st, f);
    }
    /* FPProcessNaNs3: signalling ones first, then in the order addend, a, b. */
    uint64_t r;
    if (c.cls == CLASS_SNAN || (c.cls == CLASS_QNAN && x.cls != CLASS_SNAN && y.cls != CLASS_SNAN)) {
        return fp_nan(st, f, &c, addend);
    }
    if (fp_nans(st, f, &x, a, &y, b, &r)) {
        return r;
    }
    return muladd(st, f, &c, &x, &y);
}

/* A half as the single of the same value, NaNs of the same payload and kind; flushed by FZ16. */
static uint64_t widen_half(const FpStatus *st, uint64_t a)
{
    FpStatus exact = {.fz16 = st->fz16};
    FpNum n = fp_unpack(&exact, FP_H, a);
    if (num_is_nan(&n)) {
        return fp_inf(FP_S, n.sign) | (a & fraction_mask(FP_H)) << 13;
    }
    if (n.cls != CLASS_NUMBER) {
        return n.cls == CLASS_INF ? fp_inf(FP_S, n.sign) : fp_zero(FP_S, n.sign);
    }
    return fp_round(&exact, FP_S, FP_RN, n.sign, n.exp, (FpWide)n.frac << 64, false);
}

uint64_t fp_muladd_h(FpStatus *st, uint64_t addend, uint64_t a, uint64_t b)
{
    return fp_muladd(st, FP_S, addend, widen_half(st, a), widen_half(st, b));
}

uint32_t fp_bfmuladd(FpStatus *st, uint32_t addend, uint16_t a, uint16_t b)
{
    return (uint32_t)fp_muladd(st, FP_S, addend, (uint64_t)a << 16, (uint64_t)b << 16);
}

/* ---- comparison ---- */

/* -1, 0, 1; neither is a NaN. */
static int order(const FpNum *x, const FpNum *y)
{
    if (x->cls == CLASS_ZERO && y->cls == CLASS_ZERO) {
        return 0;
    }
    if (x->cls == CLASS_ZERO || y->cls == CLASS_ZERO || x->sign != y->sign) {
        return (x->cls == CLASS_ZERO ? !y->sign : x->sign) ? -1 : 1;
    }
    int way = x->sign ? -1 : 1;
    if (x->cls == CLASS_INF || y->cls == CLASS_INF) {
        return way * ((x->cls == CLASS_INF) - (y->cls == CLASS_INF));
    }
    if (x->exp != y->exp) {
        return x->exp > y->exp ? way : -way;
    }
    return x->frac == y->frac ? 0 : x->frac > y->frac ? way : -way;
}

int fp_compare(FpStatus *st, FpFmt f, uint64_t a, uint64_t b, bool signal_all)
{
    FpNum x = fp_unpack(st, f, a), y = fp_unpack(st, f, b);
    if (num_is_nan(&x) || num_is_nan(&y)) {
        if (signal_all || x.cls == CLASS_SNAN || y.cls == CLASS_SNAN) {
            st->flags |= FPSR_IOC;
        }
        return FP_UNORDERED;
    }
    int o = order(&x, &y);
    return o < 0 ? FP_LESS : o ? FP_GREATER : FP_EQUAL;
}

bool fp_eq(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    return fp_compare(st, f, a, b, false) == FP_EQUAL;
}

bool fp_ge(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    int r = fp_compare(st, f, a, b, true);
    return r == FP_EQUAL || r == FP_GREATER;
}

bool fp_gt(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    return fp_compare(st, f, a, b, true) == FP_GREATER;
}

/* ---- minimum and maximum ---- */

static uint64_t extreme(FpStatus *st, FpFmt f, uint64_t a, uint64_t b, bool max)
{
    FpNum x = fp_unpack(st, f, a), y = fp_unpack(st, f, b);
    uint64_t r;
    if (fp_nans(st, f, &x, a, &y, b, &r)) {
        return r;
    }
    bool first = (order(&x, &y) > 0) == max;
    const FpNum *n = first ? &x : &y;
    if (n->cls == CLASS_ZERO) {
        return fp_zero(f, max ? x.sign && y.sign : x.sign || y.sign);
    }
    return (first ? a : b) & (fp_sign_bit(f) * 2 - 1);
}

uint64_t fp_max(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    return extreme(st, f, a, b, true);
}

uint64_t fp_min(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    return extreme(st, f, a, b, false);
}

/* A quiet NaN against a number becomes the infinity that loses. */
static uint64_t extreme_number(FpStatus *st, FpFmt f, uint64_t a, uint64_t b, bool max)
{
    bool qa = fp_is_nan(f, a) && !fp_is_snan(f, a), qb = fp_is_nan(f, b) && !fp_is_snan(f, b);
    if (qa != qb) {
        *(qa ? &a : &b) = fp_inf(f, max);
    }
    return extreme(st, f, a, b, max);
}

uint64_t fp_maxnm(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    return extreme_number(st, f, a, b, true);
}

uint64_t fp_minnm(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    return extreme_number(st, f, a, b, false);
}
