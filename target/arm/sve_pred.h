/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Predicates: a bit a byte of a vector; of a lane the lowest one counts.
 */
#ifndef TARGET_ARM_SVE_PRED_H
#define TARGET_ARM_SVE_PRED_H

#include "target/arm/vec.h"

/* PredTest(): flags as the IR has them (EFLAGS: S = N, Z, C = not Arm's C, O = 0). */
uint64_t sve_pred_test(const uint8_t *mask, const uint8_t *result, unsigned esz, unsigned len);

static inline void sve_pred_set(uint8_t *p, unsigned at, bool on)
{
    uint8_t bit = (uint8_t)(1u << (at % 8));
    p[at / 8] = (uint8_t)(on ? p[at / 8] | bit : p[at / 8] & ~bit);
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
