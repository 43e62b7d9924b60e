/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Helpers by number (HELPER_x, for ir_call) and their prototypes, out of the helper lists: one a part of the
 * instruction sets.
 */
#ifndef TARGET_ARM_HELPER_H
#define TARGET_ARM_HELPER_H

#include <stdint.h>

enum {
#define H(name, flags, help) HELPER_##name,
#include "target/arm/helpers.def"
#undef H
    HELPER__COUNT
};

#define H(name, flags, help) uint64_t helper_##name(void *opaque, uint64_t a, uint64_t b, uint64_t c);
#include "target/arm/helpers.def"
#undef H

#endif
