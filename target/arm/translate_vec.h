/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vector registers as translators see them, and vector code by instructions of an x86 host. See "Vector code" in
 * README.md.
 */
#ifndef TARGET_ARM_TRANSLATE_VEC_H
#define TARGET_ARM_TRANSLATE_VEC_H

#include "target/arm/fp.h"
#include "target/arm/translate.h"

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
enum { VEC_T0 = 32, VEC_T1, VEC_T2, VEC_T3 };

/* May host instructions with these features (TCG_VEC_*) be used? fp: for arithmetic that obeys FPCR. */
bool vec_host(const ArmTr *s, unsigned features);
bool vec_host_fp(const ArmTr *s, unsigned features);

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
