/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scalar floating point by the host's instructions (translate_a64_fp_fast.c). Each function makes the code and gives
 * true, or false, and then the exact helper is called. FP access has been checked.
 */
#ifndef TARGET_ARM_TRANSLATE_A64_FP_H
#define TARGET_ARM_TRANSLATE_A64_FP_H

#include "target/arm/fp_ops.h"
#include "target/arm/translate_vec.h"

bool fast_fp1(ArmTr *s, FpFmt f, FpOp1 op, unsigned d, unsigned n);
bool fast_fp2(ArmTr *s, FpFmt f, FpOp2 op, unsigned d, unsigned n, unsigned m);
/* negate: bit 0 the product, bit 1 the addend a. */
bool fast_fp3(ArmTr *s, FpFmt f, int negate, unsigned d, unsigned a, unsigned n, unsigned m);
bool fast_abs(ArmTr *s, FpFmt f, unsigned d, unsigned n);
bool fast_neg(ArmTr *s, FpFmt f, unsigned d, unsigned n);
bool fast_compare(ArmTr *s, FpFmt f, unsigned n, int m, bool signal_all); /* m < 0: with zero */
bool fast_convert(ArmTr *s, FpFmt to, FpFmt from, unsigned d, unsigned n);
bool fast_to_int(ArmTr *s, FpIntConversion k, IrVal dst, unsigned n, IrVal bits); /* bits: unsigned: what is in n */
bool fast_from_int(ArmTr *s, FpIntConversion k, unsigned d, IrVal v);

#endif
