/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files translate_a32_neon*.c share: Advanced SIMD of A32 and T32 (rows of a32_neon.tbl). Registers are numbers of
 * D registers; those of Q registers are even.
 */
#ifndef TARGET_ARM_TRANSLATE_A32_NEON_H
#define TARGET_ARM_TRANSLATE_A32_NEON_H

#include "target/arm/translate_a32.h"
#include "target/arm/translate_vec.h"

/* The number out of the four bits and the one of its own. */
#define NEON_D(a) ((a)->D << 4 | (a)->Vd)
#define NEON_N(a) ((a)->N << 4 | (a)->Vn)
#define NEON_M(a) ((a)->M << 4 | (a)->Vm)

/* As simd_desc(), on D registers. */
static inline VecDesc neon_desc(int arg, unsigned esz, unsigned len, unsigned d, unsigned n, unsigned m)
{
    VecDesc x = simd_desc(arg, esz, len, d, n, m);
    x.a32 = 1;
    return x;
}

static inline int64_t neon_env(unsigned d)
{
    return ENV_VD(d / 2, d & 1);
}

/* UNDEFINED unless yes: gives yes. */
static inline bool neon_need(ArmTr *s, bool yes)
{
    if (!yes) {
        tr_undef(s);
    }
    return yes;
}

/* All of the numbers or-ed into `regs` are those of Q registers, as far as q says. */
static inline bool neon_even(ArmTr *s, bool q, unsigned regs)
{
    return neon_need(s, !q || !(regs & 1));
}

/* Lanes of floating point: half precision is there? */
static inline bool neon_format(ArmTr *s, unsigned esz)
{
    return neon_need(s, esz != 1 || arm_has(s->config, ARM_FEAT_FP16));
}

/* Makes it unless access traps. */
static inline void neon_op(ArmTr *s, VecDesc x, int64_t imm)
{
    if (aa32_simd_enabled(s)) {
        tr_vec_op(s, x, imm);
    }
}

/* x.m is a scalar: element of 1 << esz bytes of a D register. */
static inline void neon_element(VecDesc *x, unsigned esz, unsigned d, unsigned index)
{
    x->msrc = MSRC_ELEM;
    x->iesz = esz & 7;
    x->m = d & 31;
    x->index = index & 15;
}

#endif
