/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vector operations of Advanced SIMD (A64, A32) and SVE, as translators ask for them and helpers do them.
 *
 * One operation is: prepare n and m (as they are; an element of m everywhere; halves or every second element
 * extended to twice the width; adjacent pairs), do the lanes, write d (as it is, or packed to half the width). So a
 * kernel of vec_ops.def serves all the instructions that differ in these respects only.
 */
#ifndef TARGET_ARM_VEC_H
#define TARGET_ARM_VEC_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "target/arm/env.h"

typedef enum VecOp {
#define S(name, expr) VEC_##name,
#define U(name, expr) VEC_##name,
#define F(name, expr) VEC_##name,
#define X(name, fn) VEC_##name,
#include "target/arm/vec_ops.def"
#undef S
#undef U
#undef F
#undef X
    VEC__COUNT
} VecOp;

/* Extension of an operand to the operation's width: bit 0 set; which elements; signed or not. */
enum {
    SEL_NONE = 0, SEL_EXT = 1, SEL_SIGNED = 2,
    SEL_SWAP = 2, /* without SEL_EXT, of n: n and m change places */
    SEL_LO = 0 << 2, SEL_HI = 1 << 2, SEL_EVEN = 2 << 2, SEL_ODD = 3 << 2, SEL_WHICH = 3 << 2,
};
/* What is done with the result. OUT_HI keeps the low half of d; OUT_BOTTOM and OUT_TOP are SVE2's. */
enum { OUT_SAME, OUT_LO, OUT_HI, OUT_BOTTOM, OUT_TOP };
/* Pairs: of n:m one after the other (Advanced SIMD); of n and of m by turns (SVE2); down to one element. */
enum { PAIR_NONE, PAIR_CONCAT, PAIR_TURNS, PAIR_REDUCE };
/* The second operand: register, its element everywhere, zero, the immediate. */
enum { MSRC_REG, MSRC_ELEM, MSRC_ZERO, MSRC_IMM };

/* Permutations of helper_simd_permute(). */
enum { VEC_PERM_UZP, VEC_PERM_ZIP, VEC_PERM_TRN, VEC_PERM_EXT, VEC_PERM_TBL };

/* An operation in one word, constant at translation. */
typedef union VecDesc {
    struct {
        uint64_t op : 9;    /* VecOp */
        uint64_t esz : 3;   /* log2 of the bytes of a lane of the operation */
        uint64_t d : 5, n : 5, m : 5, a : 5; /* registers; a: third source (d, unless SVE says otherwise) */
        uint64_t len : 9;   /* bytes of the operation's result before it is packed */
        uint64_t nsel : 4, msel : 4;
        uint64_t msrc : 2, pair : 2, out : 3;
        uint64_t index : 4; /* of MSRC_ELEM, in every 16 bytes */
        uint64_t iesz : 3;  /* size of that element */
        uint64_t a32 : 1;   /* AArch32: registers are numbers of D registers, nothing above a result is cleared, FP is done
                             * with the "standard FPSCR value" (E1.3.5) */
    };
    uint64_t word;
} VecDesc;
_Static_assert(sizeof(VecDesc) == 8, "one argument of a helper");

/* What a kernel gets. d may be the same as n, m or a where lanes stand alone. */
typedef struct VecK {
    uint8_t *d;
    const uint8_t *n, *m, *a;
    unsigned len, esz;
    int64_t imm;
    const uint8_t *pg; /* SVE: governing predicate, inactive lanes are not computed (FP); NULL: all are */
    ArmEnv *env;
    bool a32;          /* as VecDesc.a32 */
    bool qc;           /* saturated */
} VecK;
typedef void VecFn(VecK *k);
extern VecFn *const vec_fn[VEC__COUNT][4];

/*
 * The arg of table rows: VecOp, and how the row uses it. PAIR: of adjacent lanes; HI: upper half of the sources;
 * SIGNED, LONG: extended sources; WIDE: n is not extended; NARROW: no source is, the result is packed; ZERO: the second
 * source is zero; LEFT: a shift to the left; REV: sources exchanged; UNARY: the second operand is the source, the first
 * the accumulator; IMM: the immediate (8 bits); ESZ: log2 of a lane's bytes.
 */
#define VEC_ARG_OP(arg) ((unsigned)(arg) & 0x1ff)
#define VEC_ARG_PAIR (1 << 9)
#define VEC_ARG_HI (1 << 10)
#define VEC_ARG_SIGNED (1 << 11)
#define VEC_ARG_WIDE (1 << 12)
#define VEC_ARG_NARROW (1 << 13)
#define VEC_ARG_ZERO (1 << 14)
#define VEC_ARG_LEFT (1 << 15)
#define VEC_ARG_LONG (1 << 16)
#define VEC_ARG_REV (1 << 17)
#define VEC_ARG_UNARY (1 << 18)
#define VEC_ARG_IMM(x) ((x) << 20)
#define VEC_ARG_ESZ(x) ((x) << 28)
#define VEC_RM_FPCR 7 /* rounding as FPCR says */

/* ---- lanes ---- */
static inline uint64_t vec_get(const uint8_t *v, unsigned esz, unsigned i)
{
    switch (esz) {
    case 0: return v[i];
    case 1: return ((const uint16_t *)v)[i];
    case 2: return ((const uint32_t *)v)[i];
    default: return ((const uint64_t *)v)[i];
    }
}
static inline int64_t vec_get_signed(const uint8_t *v, unsigned esz, unsigned i)
{
    unsigned up = 64 - (8u << esz);
    return (int64_t)(vec_get(v, esz, i) << up) >> up;
}
static inline void vec_set(uint8_t *v, unsigned esz, unsigned i, uint64_t x)
{
    switch (esz) {
    case 0: v[i] = (uint8_t)x; break;
    case 1: ((uint16_t *)v)[i] = (uint16_t)x; break;
    case 2: ((uint32_t *)v)[i] = (uint32_t)x; break;
    default: ((uint64_t *)v)[i] = x; break;
    }
}
/* Is the lane at byte at of a predicate active? */
static inline bool vec_active(const uint8_t *pg, unsigned at)
{
    return !pg || (pg[at / 8] >> (at % 8) & 1);
}

/* Register n of an operation: V<n>, in AArch32 D<n>, which is a half of V<n / 2> and begins Q<n / 2> if even. */
static inline uint8_t *vec_reg(ArmEnv *env, bool a32, unsigned n)
{
    return a32 ? env->s.z[n / 2].b + 8 * (n & 1) : env->s.z[n].b;
}

/*
 * Bytes of a vector register that a write defines: 16, or the vector length where SVE is enabled at the current level
 * (below that the upper part may keep its value: Arm ARM, V[] and SVE_ZEROUPPER).
 */
static inline unsigned vec_mode_bytes(uint64_t mode)
{
    return mode >> MODE_SVE_EL_SHIFT & 3 ? 16 : 16 * (unsigned)((mode >> MODE_VQ_SHIFT & 15) + 1);
}
/* The first bytes of V<d> were written: the rest of it becomes zero. */
static inline void vec_written(ArmEnv *env, unsigned d, unsigned bytes)
{
    unsigned all = vec_mode_bytes(env->mode);
    if (bytes < all) {
        memset(env->s.z[d].b + bytes, 0, all - bytes);
    }
}

/* ---- moving lanes (vec_move.c); out is none of the sources ---- */
void vec_extend(uint8_t *out, const uint8_t *in, unsigned len, unsigned esz, unsigned sel);
void vec_dup(uint8_t *out, uint64_t x, unsigned esz, unsigned len);
void vec_dup_segment(uint8_t *out, const uint8_t *in, unsigned index, unsigned esz, unsigned len);
void vec_unzip(uint8_t *out, const uint8_t *n, const uint8_t *m, unsigned len, unsigned esz, unsigned part);
void vec_zip(uint8_t *out, const uint8_t *n, const uint8_t *m, unsigned len, unsigned esz, unsigned part);
void vec_transpose(uint8_t *out, const uint8_t *n, const uint8_t *m, unsigned len, unsigned esz, unsigned part);
/* Low halves of the lanes of in (width esz), to out from byte 0 (step 1) or to every second place from at. */
void vec_pack(uint8_t *out, const uint8_t *in, unsigned len, unsigned esz);
void vec_pack_every_second(uint8_t *out, const uint8_t *in, unsigned len, unsigned esz, unsigned at);

/* Does what x says but writing: the result (x.len bytes) is in out. */
void vec_compute(ArmEnv *env, VecDesc x, int64_t imm, const uint8_t *pg, uint8_t *out, bool *qc);

#endif
