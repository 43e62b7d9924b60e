/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PDEP and PEXT (SDM vol 2), a bit at a time over the mask's set bits.
 */
#include "target/i386/helper.h"

uint64_t helper_pdep(void *env, uint64_t v, uint64_t mask, uint64_t c)
{
    uint64_t out = 0;

    for (; mask; mask &= mask - 1, v >>= 1) {
        out |= v & 1 ? mask & -mask : 0;
    }
    return out;
}

uint64_t helper_pext(void *env, uint64_t v, uint64_t mask, uint64_t c)
{
    uint64_t out = 0;

    for (unsigned n = 0; mask; mask &= mask - 1, n++) {
        out |= v & mask & -mask ? 1ull << n : 0;
    }
    return out;
}
