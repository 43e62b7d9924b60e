/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files translate_sve*.c share.
 */
#ifndef TARGET_ARM_TRANSLATE_SVE_H
#define TARGET_ARM_TRANSLATE_SVE_H

#include "target/arm/translate_a64.h"
#include "target/arm/translate_a64_simd.h"

/* SVE usable? else the trap is made (CheckSVEEnabled). */
bool tr_sve_access(ArmTr *s);
/* Bytes of a vector. */
static inline unsigned sve_vl(ArmTr *s)
{
    return 16 * (unsigned)((s->mode >> MODE_VQ_SHIFT & 15) + 1);
}
/* A row's operation on whole vectors. */
static inline VecDesc z_desc(ArmTr *s, int arg, unsigned esz, unsigned d, unsigned n, unsigned m)
{
    VecDesc x = simd_desc(arg, esz, sve_vl(s), d, n, m);
    x.pair = arg & VEC_ARG_PAIR ? PAIR_TURNS : PAIR_NONE;
    return x;
}
static inline int sve_esz(int arg)
{
    return arg >> 28 & 3;
}
/* helper_sve(); ctl: SVE_PREDICATED and so on. */
void z_op(ArmTr *s, VecDesc x, int64_t imm, unsigned ctl);
/* The same, with the flags that it returns. */
void z_op_flags(ArmTr *s, VecDesc x, int64_t imm, unsigned ctl);
void sve_set_flags(ArmTr *s, IrVal flags);
/* Elements that a predicate constraint names (DecodePredCount). */
unsigned sve_pattern(ArmTr *s, unsigned pattern, unsigned esz);

#endif
