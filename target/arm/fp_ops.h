/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How translators tell the exact FP helpers (helper_fp.def) what to do: numbers of operations, descriptor words.
 */
#ifndef TARGET_ARM_FP_OPS_H
#define TARGET_ARM_FP_OPS_H

#include "target/arm/fp.h"

/* helper_fp1(a, word), helper_fp2(a, b, word): word is the operation with its format. */
typedef enum FpOp1 {
    FP1_SQRT, FP1_RECPE, FP1_RSQRTE, FP1_RECPX,
    FP1_RINTN, FP1_RINTP, FP1_RINTM, FP1_RINTZ, FP1_RINTA, FP1_RINTX, FP1_RINTI,
    FP1_RINT32Z, FP1_RINT32X, FP1_RINT64Z, FP1_RINT64X,
    FP1__COUNT
} FpOp1;
typedef enum FpOp2 {
    FP2_ADD, FP2_SUB, FP2_MUL, FP2_NMUL, FP2_DIV, FP2_MAX, FP2_MIN, FP2_MAXNM, FP2_MINNM,
    FP2_MULX, FP2_ABD, FP2_RECPS, FP2_RSQRTS,
    FP2_CMEQ, FP2_CMGE, FP2_CMGT, FP2_ACGE, FP2_ACGT, /* all ones or zero */
    FP2__COUNT
} FpOp2;
static inline int64_t fp_op_word(unsigned op, FpFmt f)
{
    return op << 8 | f;
}

#define FP_TO_UNSIGNED 0x100 /* with an FpRound */

/* helper_fp_to_int(a, word), helper_fp_from_int(a, word). */
typedef union FpIntConversion {
    struct {
        uint64_t fmt : 2, rm : 3, is_unsigned : 1, fbits : 7, bits : 7;
    };
    uint64_t word;
} FpIntConversion;

#endif
