/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vector registers as translators see them, and vector code by instructions of an x86 host. See "Vector code" in
 * README.md.
 */
#ifndef TARGET_ARM_TRANSLATE_VEC_H
#define TARGET_ARM_TRANSLATE_VEC_H

#include "target/arm/fp.h"
#include "target/arm/translate.h"
#include "target/arm/vec.h"

/* ---- operations by rows of tables ---- */
/* A row's operation on lanes of 1 << esz bytes, result of len bytes, d accumulating. */
static inline VecDesc simd_desc(int arg, unsigned esz, unsigned len, unsigned rd, unsigned rn, unsigned rm)
{
    VecDesc x = {.word = 0};
    x.op = VEC_ARG_OP(arg) & 0x1ff;
    x.esz = esz & 7;
    x.len = len & 0x1ff;
    x.d = x.a = rd & 31;
    x.n = rn & 31;
    x.m = rm & 31;
    x.msrc = arg & VEC_ARG_ZERO ? MSRC_ZERO : MSRC_REG;
    x.pair = arg & VEC_ARG_PAIR ? PAIR_CONCAT : PAIR_NONE;
    return x;
}
static inline int simd_imm(int arg)
{
    return arg >> 20 & 0xff;
}
/* Bytes of a vector with Q. */
static inline unsigned simd_len(unsigned q)
{
    return q ? 16 : 8;
}
/* The extension of a source of a widening instruction: lower half, or (Q) the upper. */
static inline unsigned simd_half(bool is_signed, bool upper)
{
    return SEL_EXT | (is_signed ? SEL_SIGNED : 0) | (upper ? SEL_HI : SEL_LO);
}
/* Shifts by immediates: log2 of the lane's bytes by the field immh, which is not 0. */
static inline unsigned simd_shift_esz(unsigned immh)
{
    return 31 - (unsigned)__builtin_clz(immh);
}
/* immh:immb is 2 * lane's bits - count to the right, lane's bits + count to the left. */
static inline int simd_shift_count(unsigned immh, unsigned immb, bool left)
{
    int bits = 8 << simd_shift_esz(immh), imm = (int)(immh << 3 | immb);
    return left ? imm - bits : 2 * bits - imm;
}
/* A value of 1 << esz bytes, zero-extended, everywhere in 64 bits. */
IrVal vec_replicate(ArmTr *s, IrVal v, unsigned esz);
/* The constant of a modified immediate (AdvSIMDExpandImm). */
uint64_t vec_expand_imm(unsigned op, unsigned cmode, uint64_t imm8);

/* ---- by any host ---- */
/* Bits above 127 of Z<n> become zero, as after every write of V<n>. */
void vec_clear_high(ArmTr *s, unsigned n);
/* A scalar: element 0 of V<n>, zero-extended; written, the rest of the register becomes zero. */
IrVal vec_scalar(ArmTr *s, FpFmt f, unsigned n);
void vec_set_scalar(ArmTr *s, unsigned d, IrVal v); /* v: zero-extended to 64 bits */

/* ---- by instructions of the host ---- */
/*
 * Registers of the functions below: V0..V31 by number, and temporaries for one instruction of the guest. T0 and T1 are
 * cheap. What may trap or fault goes before the first write of a V register: the instruction is done again then.
 */
enum { VEC_T0 = 32, VEC_T1, VEC_T2, VEC_T3, VEC_S0 };
/* Constants, not to be written (ArmEnv.vconst): the smallest normal numbers shifted left by a bit. */
enum { VEC_SMALLEST_S = VEC_S0 + 4, VEC_SMALLEST_D };
/*
 * In AArch32, which has no V16 and above, numbers 16..19 of a VecDesc are temporaries, too (VEC_S0 and following), where
 * D registers are that are the upper half of a V register (translate_vec_a32.c).
 */
enum { VEC_A32_N = 16, VEC_A32_M, VEC_A32_A, VEC_A32_D };

/* May host instructions with these features (TCG_VEC_*) be used? fp: for arithmetic that obeys FPCR. */
bool vec_host(const ArmTr *s, unsigned features);
bool vec_host_fp(const ArmTr *s, unsigned features);
/*
 * Traps if a lane of r may have been rounded up to the smallest normal number: Arm looks for underflow before rounding, the
 * host after it (fpcr.c). nan: for a NaN, too. scalar: in the lowest lane alone. Changes T1.
 */
void vec_trap_smallest(ArmTr *s, FpFmt f, unsigned r, bool scalar, bool nan);

/* An instruction: VX_0F(opcode) and so on, with a mandatory prefix and what is special about it. */
#define VX_0F(op) (0x100u | (op))
#define VX_0F38(op) (0x200u | (op))
#define VX_0F3A(op) (0x300u | (op))
enum {
    VX_66 = 0x1000, VX_F2 = 0x2000, VX_F3 = 0x4000,
    VX_W = 0x8000,       /* VEX.W */
    VX_TRAP = 0x10000,   /* floating point: may trap */
    VX_READS_D = 0x20000, /* the destination is a source, too */
    VX_RM_REG = 0x40000, /* the form with m in memory is another instruction */
};
/* d = n op m, of which `bytes` (4, 8, 16) are kept: what is above becomes zero. d may be any of n and m. */
void vec_op3(ArmTr *s, unsigned op, unsigned bytes, unsigned d, unsigned n, unsigned m);
void vec_op3_imm(ArmTr *s, unsigned op, unsigned bytes, unsigned d, unsigned n, unsigned m, uint8_t imm);
/* d = op m (the encoding's second source is unused). */
void vec_op2(ArmTr *s, unsigned op, unsigned bytes, unsigned d, unsigned m);
void vec_op2_imm(ArmTr *s, unsigned op, unsigned bytes, unsigned d, unsigned m, uint8_t imm);
/* Shifts by an immediate: group opcode VX_0F(0x71..0x73) | VX_66 and its digit. */
void vec_shift_imm(ArmTr *s, unsigned op, unsigned digit, unsigned bytes, unsigned d, unsigned m, uint8_t imm);
/* d = the low bytes of m. */
void vec_move(ArmTr *s, unsigned bytes, unsigned d, unsigned m);
/* All elements of 1 << esz bytes are that constant. */
void vec_constant(ArmTr *s, unsigned d, unsigned esz, uint64_t value);
void vec_constant_pair(ArmTr *s, unsigned d, uint64_t low, uint64_t high);
/* Guest memory at an address from tr_address(): 4, 8 or 16 bytes, not big endian. */
void vec_load(ArmTr *s, unsigned bytes, unsigned d, IrVal addr, int mmu);
void vec_store(ArmTr *s, unsigned bytes, unsigned n, IrVal addr, int mmu);
/* May accesses of so many bytes be made by these? */
bool vec_host_access(const ArmTr *s, unsigned bytes);
/* Instructions with a general register: dst or source of width w in the place of rm (or of reg: reg_dst). */
void vec_from_general(ArmTr *s, unsigned op, unsigned d, unsigned n, IrVal v); /* d = n op v: VCVTSI2SD ... */
void vec_to_general(ArmTr *s, unsigned op, IrWidth w, IrVal dst, unsigned m);  /* dst = op m: VCVTTSD2SI ... */
/* Flags of a comparison of n and m (VCOMISD ...), in x86's form: fw is what is wanted of them. */
void vec_compare(ArmTr *s, unsigned op, unsigned n, unsigned m, uint8_t fw);

#endif
