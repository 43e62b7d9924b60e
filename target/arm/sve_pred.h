/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Predicates: a bit a byte of a vector; of a lane the lowest one counts.
 */
#ifndef TARGET_ARM_SVE_PRED_H
#define TARGET_ARM_SVE_PRED_H

#include "base/bits.h"
#include "target/arm/vec.h"

/* PredTest(): flags as the IR has them (EFLAGS: S = N, Z, C = not Arm's C, O = 0). */
uint64_t sve_pred_test(const uint8_t *mask, const uint8_t *result, unsigned esz, unsigned len);

static inline void sve_pred_set(uint8_t *p, unsigned at, bool on)
{
    uint8_t bit = (uint8_t)(1u << (at % 8));
    p[at / 8] = (uint8_t)(on ? p[at / 8] | bit : p[at / 8] & ~bit);
}
/* A bit for each lane. */
static inline uint64_t sve_pred_lanes(unsigned esz)
{
    static const uint64_t lanes[4] = {~0ull, 0x5555555555555555, 0x1111111111111111, 0x0101010101010101};
    return lanes[esz];
}
/* Bits at..at + 63 of a predicate (at: a multiple of 64): what counts of them; set. */
static inline uint64_t sve_pred_word(const uint8_t *p, unsigned esz, unsigned len, unsigned at)
{
    uint64_t w = ld_le64(p + at / 8) & sve_pred_lanes(esz);
    return len >= at + 64 ? w : w & MASK64(0, len - at);
}
static inline void sve_pred_put(uint8_t *p, unsigned at, uint64_t w)
{
    st_le64(p + at / 8, w);
}
/* Byte of the last active lane, -1: none. */
static inline int sve_pred_last(const uint8_t *p, unsigned esz, unsigned len)
{
    for (int at = (int)len - (1 << esz); at >= 0; at -= 1 << esz) {
        if (vec_active(p, (unsigned)at)) {
            return at;
        }
    }
    return -1;
}

#endif
