/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compare and exchange in guest memory by the host's instructions. Guests of x86 may lock operands at any address; x86
 * hosts do so, too, while others fault at operands that are not aligned (Arm ARM, B2.5: single-copy atomicity).
 */
#ifndef ACCEL_TCG_CAS_H
#define ACCEL_TCG_CAS_H

#include <stdbool.h>
#include <stdint.h>

/* Can this host do it at that address: atomically against everything else? */
static inline bool cas_possible(const void *h, unsigned size)
{
#ifdef __x86_64__
    return true;
#else
    return ((uintptr_t)h & 15) + size <= 16;
#endif
}

/*
 * If the size bytes at h (1, 2, 4, 8 or 16; cas_possible()) are those at old, they become those at val. Puts what was there
 * into old; true: it was changed.
 */
bool cas_host(void *h, unsigned size, void *old, const void *val);
/* The same where the operand lies anywhere within 16 aligned bytes: they are exchanged as a whole. */
bool cas_in_16(void *h, unsigned size, void *old, const void *val);

#endif
