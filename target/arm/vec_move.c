/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lanes moved: extended, packed, repeated, interleaved.
 */
#include "target/arm/vec.h"

/* len bytes of lanes 2 << esz wide, out of lanes of 1 << esz bytes. */
void vec_extend(uint8_t *out, const uint8_t *in, unsigned len, unsigned esz, unsigned sel)
{
    unsigned count = len >> (esz + 1), which = sel & SEL_WHICH;
    unsigned step = which == SEL_EVEN || which == SEL_ODD ? 2 : 1;
    unsigned start = which == SEL_HI ? count : which == SEL_ODD;
    for (unsigned i = 0; i < count; i++) {
        unsigned from = start + step * i;
        vec_set(out, esz + 1, i, sel & SEL_SIGNED ? (uint64_t)vec_get_signed(in, esz, from) : vec_get(in, esz, from));
    }
}

void vec_dup(uint8_t *out, uint64_t x, unsigned esz, unsigned len)
{
    for (unsigned i = 0; i < len >> esz; i++) {
        vec_set(out, esz, i, x);
    }
}

/* In every 16 bytes: the element `index` of them. */
void vec_dup_segment(uint8_t *out, const uint8_t *in, unsigned index, unsigned esz, unsigned len)
{
    for (unsigned at = 0; at < len; at += 16) {
        vec_dup(out + at, vec_get(in + at, esz, index), esz, 16);
    }
}

/* UZP1, UZP2: the even or odd lanes of n, then of m. */
void vec_unzip(uint8_t *out, const uint8_t *n, const uint8_t *m, unsigned len, unsigned esz, unsigned part)
{
    unsigned half = len >> esz >> 1;
    for (unsigned i = 0; i < half; i++) {
        vec_set(out, esz, i, vec_get(n, esz, 2 * i + part));
        vec_set(out, esz, half + i, vec_get(m, esz, 2 * i + part));
    }
}

/* ZIP1, ZIP2: by turns from the lower or upper half of n and m. */
void vec_zip(uint8_t *out, const uint8_t *n, const uint8_t *m, unsigned len, unsigned esz, unsigned part)
{
    unsigned half = len >> esz >> 1;
    for (unsigned i = 0; i < half; i++) {
        vec_set(out, esz, 2 * i, vec_get(n, esz, part * half + i));
        vec_set(out, esz, 2 * i + 1, vec_get(m, esz, part * half + i));
    }
}

/* TRN1, TRN2. */
void vec_transpose(uint8_t *out, const uint8_t *n, const uint8_t *m, unsigned len, unsigned esz, unsigned part)
{
    for (unsigned i = 0; i + 1 < len >> esz; i += 2) {
        vec_set(out, esz, i, vec_get(n, esz, i + part));
        vec_set(out, esz, i + 1, vec_get(m, esz, i + part));
    }
}

void vec_pack(uint8_t *out, const uint8_t *in, unsigned len, unsigned esz)
{
    for (unsigned i = 0; i < len >> esz; i++) {
        vec_set(out, esz - 1, i, vec_get(in, esz, i));
    }
}

void vec_pack_every_second(uint8_t *out, const uint8_t *in, unsigned len, unsigned esz, unsigned at)
{
    for (unsigned i = 0; i < len >> esz; i++) {
        vec_set(out, esz - 1, 2 * i + at, vec_get(in, esz, i));
    }
}
