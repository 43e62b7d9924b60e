/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compare and exchange in guest memory: see cas.h.
 *
 * home: any thread.
 */
#include "accel/tcg/cas.h"

#include <string.h>

bool cas_in_16(void *h, unsigned size, void *old, const void *val)
{
    unsigned at = (uintptr_t)h & 15;
    unsigned __int128 *block = (void *)((uintptr_t)h & ~(uintptr_t)15), now, next, seen;

    memcpy(&seen, block, sizeof(seen)); /* maybe torn: then the exchange fails, and tells what is there */
    do {
        now = next = seen;
        if (!memcmp((uint8_t *)&now + at, old, size)) {
            memcpy((uint8_t *)&next + at, val, size);
        }
        seen = __sync_val_compare_and_swap(block, now, next);
    } while (seen != now);
    bool same = !memcmp((uint8_t *)&now + at, old, size);
    memcpy(old, (uint8_t *)&now + at, size);
    return same;
}

__attribute__((no_sanitize("alignment"))) /* x86 only, see below */
static bool cas_plain(void *h, unsigned size, void *old, const void *val)
{
    unsigned __int128 o = 0, n = 0, seen;

    memcpy(&o, old, size);
    memcpy(&n, val, size);
    switch (size) {
    case 1:
        seen = __sync_val_compare_and_swap((uint8_t *)h, (uint8_t)o, (uint8_t)n);
        break;
    case 2:
        seen = __sync_val_compare_and_swap((uint16_t *)h, (uint16_t)o, (uint16_t)n);
        break;
    case 4:
        seen = __sync_val_compare_and_swap((uint32_t *)h, (uint32_t)o, (uint32_t)n);
        break;
    case 8:
        seen = __sync_val_compare_and_swap((uint64_t *)h, (uint64_t)o, (uint64_t)n);
        break;
    default:
        seen = __sync_val_compare_and_swap((unsigned __int128 *)h, o, n);
        break;
    }
    bool same = !memcmp(&seen, old, size);
    memcpy(old, &seen, size);
    return same;
}

bool cas_host(void *h, unsigned size, void *old, const void *val)
{
#ifndef __x86_64__
    if ((uintptr_t)h & (size - 1)) {
        return cas_in_16(h, size, old, val);
    }
#endif
    return cas_plain(h, size, old, val);
}
