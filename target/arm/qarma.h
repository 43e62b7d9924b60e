/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block ciphers behind pointer authentication.
 */
#ifndef TARGET_ARM_QARMA_H
#define TARGET_ARM_QARMA_H

#include <stdint.h>

/* QARMA5-64-sigma2 (Arm ARM, ComputePAC(); Avanzi 2016): 64 bits of data under a tweak and a 128-bit key. */
uint64_t arm_qarma5(uint64_t data, uint64_t tweak, uint64_t key_hi, uint64_t key_lo);
/* The same without the host's byte shuffles, to compare with. */
uint64_t arm_qarma5_portable(uint64_t data, uint64_t tweak, uint64_t key_hi, uint64_t key_lo);
/* An IMPLEMENTATION DEFINED function of the same form: cheap, mixing, no cipher. */
uint64_t arm_pac_impdef(uint64_t data, uint64_t tweak, uint64_t key_hi, uint64_t key_lo);

#endif
