/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vector operations (vec.h) by instructions of the host: what the files translate_vec_fast*.c share. Each function that
 * gives a bool made the code, or made nothing and the helper is called. FP access has been checked.
 */
#ifndef TARGET_ARM_TRANSLATE_VEC_FAST_H
#define TARGET_ARM_TRANSLATE_VEC_FAST_H

#include "target/arm/translate_vec.h"

bool vec_fast(ArmTr *s, VecDesc x, int64_t imm);
bool vec_fast_fp(ArmTr *s, VecDesc x, int64_t imm);
/* The same with the standard FPSCR value; what was made is not taken back. */
bool vec_fast_fp_standard(ArmTr *s, VecDesc x, int64_t imm);
/* The same of operations with VecDesc.a32 (translate_vec_a32.c). */
bool vec_a32_fast(ArmTr *s, VecDesc x, int64_t imm);
bool vec_a32_permute(ArmTr *s, VecDesc x, unsigned what);  /* VEXT, VTBL: as helper_simd_permute() */
bool vec_a32_permute2(ArmTr *s, VecDesc x, unsigned what); /* as helper_simd_permute2() */
/* D<d> = the lower half of t. */
void vec_a32_put_half(ArmTr *s, unsigned d, unsigned t);
/* Parts of vec_fast(): n is the source, prepared (it may be T2). */
bool vec_fast_shift(ArmTr *s, VecDesc x, unsigned n, int64_t imm);
bool vec_fast_crypto(ArmTr *s, VecDesc x, unsigned n, unsigned m, int64_t imm);
bool vec_fast_permute(ArmTr *s, VecDesc x, unsigned what); /* as helper_simd_permute() */

/* Instructions by size of lane; 0: there is none. */
#define X66(op) (VX_66 | VX_0F(op))
#define X38(op) (VX_66 | VX_0F38(op))
#define PXOR X66(0xef)
#define PAND X66(0xdb)
#define PANDN X66(0xdf) /* ~n & m */
#define POR X66(0xeb)
#define PSHUFB X38(0x00)
#define PSHUFD X66(0x70)
#define PUNPCKLQDQ X66(0x6c)
#define PUNPCKHQDQ X66(0x6d)
#define SHUFPS VX_0F(0xc6)

/* Shifts of whole registers by bytes, and of lanes; esz 1..3. */
static inline void vec_bytes_right(ArmTr *s, unsigned bytes, unsigned d, unsigned m, unsigned n)
{
    vec_shift_imm(s, X66(0x73), 3, bytes, d, m, (uint8_t)n);
}
static inline void vec_lane_left(ArmTr *s, unsigned esz, unsigned bytes, unsigned d, unsigned m, unsigned n)
{
    vec_shift_imm(s, X66(0x70 + esz), 6, bytes, d, m, (uint8_t)n);
}
static inline void vec_lane_right(ArmTr *s, unsigned esz, unsigned bytes, unsigned d, unsigned m, unsigned n)
{
    vec_shift_imm(s, X66(0x70 + esz), 2, bytes, d, m, (uint8_t)n);
}
/* d = all lanes of 1 << esz bytes are the one of n with that index; bytes: 8 or 16. */
void vec_broadcast(ArmTr *s, unsigned bytes, unsigned d, unsigned n, unsigned esz, unsigned index);
/* t = the element of m that x names, in all lanes. */
bool vec_broadcast_element(ArmTr *s, VecDesc x, unsigned t);
/* d = lanes of 1 << esz bytes of the temporary t cut to half, to the lower half or (upper) behind d's lower half. */
void vec_narrow(ArmTr *s, unsigned esz, bool upper, unsigned d, unsigned t);

#endif
