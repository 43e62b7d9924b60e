/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AArch32 floating point by instructions of the host (translate_a32_vfp_fast.c), on numbers of S or D registers. Each
 * function makes the code and gives true, or nothing and false, and then the exact helper is called. FP access has been
 * checked.
 */
#ifndef TARGET_ARM_TRANSLATE_A32_VFP_H
#define TARGET_ARM_TRANSLATE_A32_VFP_H

#include "target/arm/fp_ops.h"
#include "target/arm/translate_vec.h"

/* Where S<n>, D<n> is. */
static inline int64_t vfp_env(FpFmt f, unsigned n)
{
    return f == FP_D ? ENV_VD(n / 2, n & 1) : ENV_V(n / 4) + 4 * (n & 3);
}

bool vfp_fast1(ArmTr *s, FpFmt f, FpOp1 op, unsigned d, unsigned m);
bool vfp_fast2(ArmTr *s, FpFmt f, FpOp2 op, unsigned d, unsigned n, unsigned m);
/* d or -d, plus or minus the product of n and m, rounded twice; fma: once. */
bool vfp_fast_mla(ArmTr *s, FpFmt f, bool negate_d, bool negate_product, unsigned d, unsigned n, unsigned m);
bool vfp_fast_fma(ArmTr *s, FpFmt f, bool negate_d, bool negate_product, unsigned d, unsigned n, unsigned m);
bool vfp_fast_convert(ArmTr *s, FpFmt to, FpFmt from, unsigned d, unsigned m);
bool vfp_fast_from_int(ArmTr *s, FpIntConversion k, unsigned d, unsigned m); /* m: an S register */
bool vfp_fast_to_int(ArmTr *s, FpIntConversion k, IrVal dst, unsigned m);
bool vfp_fast_compare(ArmTr *s, FpFmt f, unsigned d, int m, bool signal_all); /* to FPSCR; m < 0: with zero */

#endif
