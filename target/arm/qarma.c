/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QARMA5-64 as pointer authentication uses it. A state is 16 cells of 4 bits; here cell 0 is the lowest, each in a byte,
 * so that permutations and substitutions of cells are byte shuffles on hosts that have them.
 */
#include "target/arm/qarma.h"
#include <string.h>
#ifdef __x86_64__
#include <tmmintrin.h>
#endif

#define ALPHA 0xc0ac29b7c97c50ddull
static const uint64_t round_constant[5] = {
    0, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89, 0x452821e638d01377,
};
/* Cell i of the result is cell table[i] of the argument. */
static const uint8_t shuffle[16] = {13, 6, 11, 0, 7, 12, 1, 10, 8, 3, 14, 5, 2, 9, 4, 15};
static const uint8_t unshuffle[16] = {3, 6, 12, 9, 14, 11, 1, 4, 8, 13, 7, 2, 5, 0, 10, 15};
static const uint8_t tweak_shuffle[16] = {4, 5, 6, 7, 11, 2, 3, 8, 12, 13, 14, 15, 0, 1, 10, 9};
/* Cells that the tweak's shift register works on, after the shuffle. */
static const uint8_t tweak_shifted[16] = {0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 1, 0, 1, 1};
static const uint8_t sub[16] = {11, 6, 8, 15, 12, 0, 9, 14, 3, 7, 4, 5, 13, 2, 1, 10};
static const uint8_t unsub[16] = {5, 14, 13, 8, 10, 11, 1, 9, 2, 6, 15, 0, 4, 12, 7, 3};
static const uint8_t rotate1[16] = {0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15};
static const uint8_t rotate2[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
static const uint8_t shift_register[16] = {0, 8, 9, 1, 2, 10, 11, 3, 4, 12, 13, 5, 6, 14, 15, 7};

static uint64_t whitening(uint64_t key)
{
    return key << 63 | (key >> 2 & ~0ull >> 2) << 1 | ((key >> 63) ^ (key >> 1 & 1));
}

/* ---- cells one by one ---- */

typedef struct Cells {
    uint8_t c[16];
} Cells;

static Cells split(uint64_t v)
{
    Cells x;
    for (int i = 0; i < 16; i++) {
        x.c[i] = v >> 4 * i & 15;
    }
    return x;
}

static uint64_t joined(Cells x)
{
    uint64_t v = 0;
    for (int i = 0; i < 16; i++) {
        v |= (uint64_t)x.c[i] << 4 * i;
    }
    return v;
}

static uint64_t permute(uint64_t v, const uint8_t table[16])
{
    Cells x = split(v), r;
    for (int i = 0; i < 16; i++) {
        r.c[i] = x.c[table[i]];
    }
    return joined(r);
}

static uint64_t substitute(uint64_t v, const uint8_t table[16])
{
    Cells x = split(v);
    for (int i = 0; i < 16; i++) {
        x.c[i] = table[x.c[i]];
    }
    return joined(x);
}

/* The matrix circ(0, rho, rho^2, rho) on the four rows of cells. */
static uint64_t multiply(uint64_t v)
{
    uint64_t sides = (v << 16 | v >> 48) ^ (v >> 16 | v << 48), across = v << 32 | v >> 32;
    return substitute(sides, rotate1) ^ substitute(across, rotate2);
}

static uint64_t next_tweak(uint64_t v)
{
    Cells x = split(permute(v, tweak_shuffle));
    for (int i = 0; i < 16; i++) {
        x.c[i] = tweak_shifted[i] ? shift_register[x.c[i]] : x.c[i];
    }
    return joined(x);
}

uint64_t arm_qarma5_portable(uint64_t data, uint64_t tweak, uint64_t key_hi, uint64_t key_lo)
{
    uint64_t t[6] = {tweak}, w = key_hi, w1 = whitening(key_hi), v = data ^ w;
    for (int i = 0; i < 5; i++) {
        v ^= key_lo ^ t[i] ^ round_constant[i];
        if (i > 0) {
            v = multiply(permute(v, shuffle));
        }
        v = substitute(v, sub);
        t[i + 1] = next_tweak(t[i]);
    }
    v = substitute(multiply(permute(v ^ w1 ^ t[5], shuffle)), sub);
    v = multiply(permute(v, shuffle)) ^ key_lo;
    v = permute(multiply(substitute(permute(v, unshuffle), unsub)), unshuffle) ^ w ^ t[5];
    for (int i = 4; i >= 0; i--) {
        v = substitute(v, unsub);
        if (i > 0) {
            v = permute(multiply(v), unshuffle);
        }
        v ^= round_constant[i] ^ key_lo ^ t[i] ^ ALPHA;
    }
    return v ^ w1;
}

/* ---- all cells at once ---- */

#ifdef __x86_64__
#define FAST __attribute__((target("ssse3")))

static inline FAST __m128i spread(uint64_t v)
{
    __m128i x = _mm_cvtsi64_si128((long long)v), low = _mm_set1_epi8(15);
    return _mm_unpacklo_epi8(_mm_and_si128(x, low), _mm_and_si128(_mm_srli_epi16(x, 4), low));
}

static inline FAST uint64_t gathered(__m128i x)
{
    x = _mm_maddubs_epi16(x, _mm_set1_epi16(0x1001));
    return (uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16(x, x));
}

static inline FAST __m128i table(const uint8_t t[16])
{
    return _mm_loadu_si128((const __m128i *)(const void *)t);
}

static inline FAST __m128i multiply_fast(__m128i x)
{
    __m128i sides = _mm_xor_si128(_mm_shuffle_epi32(x, 0x39), _mm_shuffle_epi32(x, 0x93));
    __m128i across = _mm_shuffle_epi32(x, 0x4e);
    return _mm_xor_si128(_mm_shuffle_epi8(table(rotate1), sides), _mm_shuffle_epi8(table(rotate2), across));
}

static inline FAST __m128i next_tweak_fast(__m128i t)
{
    static const uint8_t mask[16] = {0, 0, 255, 0, 255, 0, 0, 255, 0, 0, 0, 255, 255, 0, 255, 255};
    t = _mm_shuffle_epi8(t, table(tweak_shuffle));
    __m128i m = table(mask), s = _mm_shuffle_epi8(table(shift_register), t);
    return _mm_or_si128(_mm_and_si128(m, s), _mm_andnot_si128(m, t));
}

static FAST uint64_t qarma5_fast(uint64_t data, uint64_t tweak, uint64_t key_hi, uint64_t key_lo)
{
    const __m128i key = spread(key_lo), w1 = spread(whitening(key_hi));
    __m128i t[6], v = spread(data ^ key_hi);
    t[0] = spread(tweak);
    for (int i = 0; i < 5; i++) {
        v = _mm_xor_si128(_mm_xor_si128(v, key), _mm_xor_si128(t[i], spread(round_constant[i])));
        if (i > 0) {
            v = multiply_fast(_mm_shuffle_epi8(v, table(shuffle)));
        }
        v = _mm_shuffle_epi8(table(sub), v);
        t[i + 1] = next_tweak_fast(t[i]);
    }
    v = _mm_shuffle_epi8(_mm_xor_si128(_mm_xor_si128(v, w1), t[5]), table(shuffle));
    v = _mm_shuffle_epi8(_mm_shuffle_epi8(table(sub), multiply_fast(v)), table(shuffle));
    v = _mm_shuffle_epi8(_mm_xor_si128(multiply_fast(v), key), table(unshuffle));
    v = _mm_shuffle_epi8(multiply_fast(_mm_shuffle_epi8(table(unsub), v)), table(unshuffle));
    v = _mm_xor_si128(_mm_xor_si128(v, spread(key_hi)), t[5]);
    for (int i = 4; i >= 0; i--) {
        v = _mm_shuffle_epi8(table(unsub), v);
        if (i > 0) {
            v = _mm_shuffle_epi8(multiply_fast(v), table(unshuffle));
        }
        v = _mm_xor_si128(_mm_xor_si128(v, key), _mm_xor_si128(t[i], spread(round_constant[i] ^ ALPHA)));
    }
    return gathered(_mm_xor_si128(v, w1));
}
#endif

uint64_t arm_qarma5(uint64_t data, uint64_t tweak, uint64_t key_hi, uint64_t key_lo)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("ssse3")) {
        return qarma5_fast(data, tweak, key_hi, key_lo);
    }
#endif
    return arm_qarma5_portable(data, tweak, key_hi, key_lo);
}

uint64_t arm_pac_impdef(uint64_t data, uint64_t tweak, uint64_t key_hi, uint64_t key_lo)
{
    uint64_t v = data ^ key_hi;
    v = (v ^ v >> 32) * 0xd6e8feb86659fd93;
    v ^= (tweak ^ key_lo) * 0x9e3779b97f4a7c15;
    v = (v ^ v >> 29) * 0xbf58476d1ce4e5b9;
    return v ^ v >> 32;
}
