/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vector registers as translators see them. See "Vector code" in README.md.
 */
#ifndef TARGET_ARM_TRANSLATE_VEC_H
#define TARGET_ARM_TRANSLATE_VEC_H

#include "target/arm/fp.h"
#include "target/arm/translate.h"

/* Bits above 127 of Z<n> become zero, as after every write of V<n>. */
void vec_clear_high(ArmTr *s, unsigned n);
/* A scalar: element 0 of V<n>, zero-extended; written, the rest of the register becomes zero. */
IrVal vec_scalar(ArmTr *s, FpFmt f, unsigned n);
void vec_set_scalar(ArmTr *s, unsigned d, IrVal v); /* v: zero-extended to 64 bits */

#endif
