/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the A32 and T32 translators share. R0..R14 of the current mode are X0..X14, zero-extended. The functions
 * aa32_* write the IR of an operation that both instruction sets have; trans_a32_*, trans_t32_* and trans_t16_* bring the
 * operands.
 */
#ifndef TARGET_ARM_TRANSLATE_A32_H
#define TARGET_ARM_TRANSLATE_A32_H

#include "target/arm/a32_insns.h"
#include "target/arm/t16_insns.h"
#include "target/arm/t32_insns.h"
#include "target/arm/translate.h"

static inline bool aa32_thumb(const ArmTr *s)
{
    return s->mode & MODE_T32;
}
static inline int32_t aa32_signed(uint32_t v, unsigned bits)
{
    return (int32_t)(v << (32 - bits)) >> (32 - bits);
}
/* What R15 reads as. */
static inline uint32_t aa32_pc(const ArmTr *s)
{
    return (uint32_t)s->pc + (aa32_thumb(s) ? 4 : 8);
}
/* R<n> as a source. */
static inline IrVal aa32_r(ArmTr *s, unsigned n)
{
    return n == 15 ? tr_const(s, aa32_pc(s)) : IR_G(n);
}
/* A copy of R<n> that may be changed. */
IrVal aa32_copy(ArmTr *s, unsigned n);
/* R<n> = v (32 bits). R15: as data-processing instructions branch (ALUWritePC). */
void aa32_set_r(ArmTr *s, unsigned n, IrVal v);

/* ---- one instruction (translate_a32.c) ---- */
/* Decode s->insn under its condition or IT block. */
void aa32_one_insn(ArmTr *s);
/* Before the block is left at the end of this instruction: true: only by the loop (ITSTATE is part of the mode). */
bool aa32_before_end(ArmTr *s);
/* The same for instructions that leave by tr_end_loop() after a helper, before that helper. */
void aa32_before_helper_end(ArmTr *s);
/* Condition of this instruction, 14 always. */
unsigned aa32_condition(const ArmTr *s);
static inline bool aa32_in_it(const ArmTr *s)
{
    return s->it & 15;
}
/* Flags that a 16-bit data-processing instruction sets: outside IT blocks. */
static inline bool aa32_t16_s(const ArmTr *s)
{
    return !aa32_in_it(s);
}

/* ---- branches ---- */
void aa32_bx(ArmTr *s, IrVal target, int kind); /* BXWritePC: bit 0 chooses the instruction set */
void aa32_b(ArmTr *s, uint32_t target);         /* in the current instruction set */

/* ---- shifts ---- */
/* v shifted by an immediate as DecodeImmShift says. *carry: the carry out, 0 or 1, when wanted (else NULL). */
IrVal aa32_shift_imm(ArmTr *s, IrVal v, unsigned type, unsigned imm5, IrVal *carry);
/* v shifted by the low byte of `by`. */
IrVal aa32_shift_reg(ArmTr *s, IrVal v, unsigned type, IrVal by, IrVal *carry);
/* The carry flag as 0 or 1. */
IrVal aa32_carry(ArmTr *s);

/* ---- data processing; operation numbers are those of A32's opc ---- */
enum {
    DP_AND, DP_EOR, DP_SUB, DP_RSB, DP_ADD, DP_ADC, DP_SBC, DP_RSC, DP_TST, DP_TEQ, DP_CMP, DP_CMN, DP_ORR, DP_MOV,
    DP_BIC, DP_MVN, DP_ORN,
};
static inline bool aa32_dp_logical(int op)
{
    return op == DP_AND || op == DP_EOR || op == DP_TST || op == DP_TEQ || op >= DP_ORR;
}
/*
 * Rd = Rn op v. v may be IR_IMM (imm). carry: the shifter's, IR_NONE when it leaves the flag as it is. Compares write no
 * register. With set_flags and Rd = 15 (A32): exception return.
 */
void aa32_dp(ArmTr *s, int op, bool set_flags, unsigned rd, unsigned rn, IrVal v, uint32_t imm, IrVal carry);
/* NZ of v, C = carry (0 or 1; IR_NONE: kept), V kept. */
void aa32_flags_nz(ArmTr *s, IrVal v, IrVal carry);
/* MOVS PC, LR and its like: CPSR = SPSR, pc = target. */
void aa32_exception_return(ArmTr *s, IrVal target);

/* ---- loads and stores ---- */
typedef enum A32Size { A32_B, A32_H, A32_W, A32_SB, A32_SH, A32_D } A32Size;
typedef struct A32Access {
    A32Size size;
    bool load, unpriv;
    bool index, add, writeback; /* P, U, and whether the base is written (W or !P) */
    unsigned rt, rt2, rn;
} A32Access;
/* offset: value, or IR_IMM with imm. */
void aa32_ldst(ArmTr *s, const A32Access *m, IrVal offset, uint32_t imm);
/* LDM/STM: mode bits as in A32; `user`: the S bit. */
void aa32_ldm(ArmTr *s, bool load, bool before, bool up, bool writeback, bool user, unsigned rn, uint32_t list);
void aa32_ldrex(ArmTr *s, IrWidth w, unsigned rt, unsigned rt2, unsigned rn, uint32_t imm);
void aa32_strex(ArmTr *s, IrWidth w, unsigned rd, unsigned rt, unsigned rt2, unsigned rn, uint32_t imm);
void aa32_lda(ArmTr *s, IrWidth w, unsigned rt, unsigned rn);
void aa32_stl(ArmTr *s, IrWidth w, unsigned rt, unsigned rn);
void aa32_srs(ArmTr *s, bool before, bool up, bool writeback, unsigned mode);
void aa32_rfe(ArmTr *s, bool before, bool up, bool writeback, unsigned rn);

/* ---- multiplication, media ---- */
void aa32_mla(ArmTr *s, bool set_flags, bool subtract, unsigned rd, unsigned rn, unsigned rm, int ra); /* ra -1: none */
enum { MULL_UMULL, MULL_UMLAL, MULL_SMULL, MULL_SMLAL };
void aa32_mull(ArmTr *s, int op, bool set_flags, unsigned hi, unsigned lo, unsigned rn, unsigned rm);
void aa32_umaal(ArmTr *s, unsigned hi, unsigned lo, unsigned rn, unsigned rm);
void aa32_smlaxy(ArmTr *s, unsigned rd, unsigned rn, unsigned rm, int ra, bool x, bool y);
void aa32_smlaw(ArmTr *s, unsigned rd, unsigned rn, unsigned rm, int ra, bool y);
void aa32_smlalxy(ArmTr *s, unsigned hi, unsigned lo, unsigned rn, unsigned rm, bool x, bool y);
void aa32_smlad(ArmTr *s, unsigned rd, unsigned rn, unsigned rm, int ra, bool cross, bool sub);
void aa32_smlald(ArmTr *s, unsigned hi, unsigned lo, unsigned rn, unsigned rm, bool cross, bool sub);
void aa32_smmla(ArmTr *s, unsigned rd, unsigned rn, unsigned rm, int ra, bool round, bool sub);
void aa32_div(ArmTr *s, bool sign, unsigned rd, unsigned rn, unsigned rm);
void aa32_usada8(ArmTr *s, unsigned rd, unsigned rn, unsigned rm, int ra);
void aa32_qadd(ArmTr *s, unsigned rd, unsigned rn, unsigned rm, unsigned op);
void aa32_parallel(ArmTr *s, unsigned rd, unsigned rn, unsigned rm, unsigned kind, unsigned op); /* A32's op1, op2 */
void aa32_pkh(ArmTr *s, unsigned rd, unsigned rn, unsigned rm, bool tb, unsigned imm5);
void aa32_sel(ArmTr *s, unsigned rd, unsigned rn, unsigned rm);
void aa32_sat(ArmTr *s, bool is_unsigned, unsigned rd, unsigned rn, unsigned sat, bool asr, unsigned imm5);
void aa32_sat16(ArmTr *s, bool is_unsigned, unsigned rd, unsigned rn, unsigned sat);
void aa32_extend(ArmTr *s, bool is_unsigned, unsigned op, unsigned rd, int rn, unsigned rm, unsigned rot); /* op 0 B16 2 B 3 H */
void aa32_rev(ArmTr *s, unsigned kind, unsigned rd, unsigned rm); /* 0 REV, 1 REV16, 2 RBIT, 3 REVSH */
void aa32_bfx(ArmTr *s, bool is_signed, unsigned rd, unsigned rn, unsigned lsb, unsigned widthm1);
void aa32_bfi(ArmTr *s, unsigned rd, unsigned rn, unsigned lsb, unsigned msb);
void aa32_clz(ArmTr *s, unsigned rd, unsigned rm);
void aa32_crc32(ArmTr *s, bool c, unsigned sz, unsigned rd, unsigned rn, unsigned rm);

/* ---- floating point ---- */
/* FP and Advanced SIMD usable? Else the exception is made. */
bool aa32_fp_enabled(ArmTr *s);
/* The same of Advanced SIMD alone (AArch32.CheckAdvSIMDOrFPEnabled with advsimd). */
bool aa32_simd_enabled(ArmTr *s);

/* ---- system ---- */
/* NZCV from bits 31:28 of v. */
void aa32_flags_from(ArmTr *s, IrVal v);
void aa32_mrs(ArmTr *s, bool spsr, unsigned rd);
void aa32_msr(ArmTr *s, bool spsr, unsigned mask, IrVal v);
void aa32_mrs_banked(ArmTr *s, bool r, unsigned sysm, unsigned rd);
void aa32_msr_banked(ArmTr *s, bool r, unsigned sysm, unsigned rn);
void aa32_cps(ArmTr *s, unsigned imod, bool m, unsigned aif, unsigned mode);
void aa32_hint(ArmTr *s, unsigned op);
void aa32_barrier(ArmTr *s, unsigned op, unsigned opt); /* 1 CLREX, 4 DSB, 5 DMB, 6 ISB, 7 SB */
void aa32_svc(ArmTr *s, uint32_t imm);
void aa32_bkpt(ArmTr *s, uint32_t imm);
void aa32_hvc(ArmTr *s, uint32_t imm);
void aa32_smc(ArmTr *s, uint32_t imm);
void aa32_eret(ArmTr *s);
void aa32_mcr(ArmTr *s, bool read, unsigned cp, unsigned opc1, unsigned crn, unsigned crm, unsigned opc2, unsigned rt);
void aa32_mcrr(ArmTr *s, bool read, unsigned cp, unsigned opc1, unsigned crm, unsigned rt, unsigned rt2);
void aa32_setend(ArmTr *s, bool big);
void aa32_setpan(ArmTr *s, bool pan);
/* User mode (or System) now? */
static inline unsigned aa32_mode(const ArmTr *s)
{
    return (unsigned)(s->mode >> MODE_M_SHIFT) & 0x1f;
}

#endif
