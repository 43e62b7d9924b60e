/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files translate*.c share: the translator's state for one block, operand access, ends of
 * blocks. A trans function (one a row of the tables) writes the IR of one instruction; it must leave no fault behind
 * a write to a global or the flags (ir.h).
 */
#ifndef TARGET_ARM_TRANSLATE_H
#define TARGET_ARM_TRANSLATE_H

#include <stddef.h>
#include "accel/tcg/target.h"
#include "target/arm/env.h"
#include "target/arm/fp_ops.h"
#include "target/arm/helper.h"
#include "target/arm/sve.h"
#include "target/arm/vec.h"

typedef struct ArmTr {
    TcgTranslate *t;
    IrBlock *b;
    const ArmCpuConfig *config;
    uint64_t mode;
    uint64_t pc;        /* of this instruction */
    uint64_t next;      /* of the following one */
    uint32_t insn;      /* its word (T32: first halfword in the upper half) */
    int mmu;            /* of ordinary data accesses */
    bool wide;          /* it has 32 bits */
    bool ended;         /* the instruction left the block */
    bool last;          /* the block ends after this instruction (it goes on at s->next) */
    bool to_loop;       /* every end must go through the loop: software step */
    bool fpx;           /* FP arithmetic by exact helpers (MODE_FPX, MODE_FPX_ONCE) */
    bool sp_checked;    /* A64: SP is known to be a multiple of 16 */
    bool fp_checked;    /* A32: see translate_a32.c */
    uint8_t it;         /* T32: ITSTATE of this instruction */
    uint8_t it_next;    /* ... after it, if it does not branch */
    uint8_t it_stored;  /* ... that PSTATE has at this point of the block */
    int skip;           /* A32: label behind a conditional instruction, -1: none */
} ArmTr;

typedef struct ArmInsnRow {
    const char *mnemonic;
    uint32_t mask, value;
    bool (*run)(ArmTr *s, uint32_t insn); /* false: constraints do not hold, try the next row */
} ArmInsnRow;
extern const ArmInsnRow arm_a64_rows[], arm_a32_rows[], arm_t32_rows[], arm_t16_rows[];
extern const unsigned arm_a64_n_rows, arm_a32_n_rows, arm_t32_n_rows, arm_t16_n_rows;
void arm_a64_decode(ArmTr *s, uint32_t insn);
void arm_a32_decode(ArmTr *s, uint32_t insn);
void arm_t32_decode(ArmTr *s, uint32_t insn);
void arm_t16_decode(ArmTr *s, uint32_t insn);

void arm_translate(TcgTranslate *t);

/* ---- ends and exceptions (translate.c) ---- */
void tr_undef(ArmTr *s);                         /* UNDEFINED: EC 0 */
void tr_exception(ArmTr *s, uint32_t syndrome);  /* synchronous, to the level that the current one's exceptions go to;
                                                  * syndrome as ESR_ELx, preferred return address s->pc */
void tr_exception_el(ArmTr *s, uint32_t syndrome, int target_el, uint64_t return_pc);
bool tr_fp_access(ArmTr *s);                     /* FP and SIMD usable? else the trap is made and false returned */
void tr_end_jmp(ArmTr *s, uint64_t target);      /* leave to a known pc */
void tr_end_jcc(ArmTr *s, IrCond cc, uint64_t target); /* if cc (of env's flags) to target, else to s->next */
void tr_end_at(ArmTr *s, IrVal pc);               /* leave to the loop at a pc in the current mode word's terms */
void tr_end_ind(ArmTr *s, IrVal target, int kind); /* kind: 0 plain, 1 call, 2 return */
void tr_end_loop(ArmTr *s);                      /* leave to the loop; a helper has set pc and the mode */
void tr_end_by_mode(ArmTr *s, IrVal pc);         /* leave to pc after a helper changed the mode (tcg_mode_changed()) */
void tr_end_next(ArmTr *s);                      /* leave to the loop at s->next */

/* ---- registers; W: writes zero-extend ---- */
static inline IrVal tr_temp(ArmTr *s)
{
    return ir_temp_new(s->b);
}
static inline IrVal tr_const(ArmTr *s, int64_t imm)
{
    IrVal v = tr_temp(s);
    ir_movi(s->b, W64, v, imm);
    return v;
}
#define ARM_G_SP 31 /* number of the global sp */
/* X<n> as a source, zero for 31. */
static inline IrVal tr_x(ArmTr *s, unsigned n)
{
    return n == 31 ? tr_const(s, 0) : IR_G(n);
}
/* X<n> or SP. */
static inline IrVal tr_xsp(unsigned n)
{
    return n == 31 ? IR_G(ARM_G_SP) : IR_G(n);
}
/* X<n> as a destination: 31 is a temp that nobody reads. */
static inline IrVal tr_xd(ArmTr *s, unsigned n)
{
    return n == 31 ? tr_temp(s) : IR_G(n);
}
/* The IR's condition of an A64 or A32 condition code below 14 (the IR's C is inverted, see ARM_FL). */
static inline IrCond tr_cond(unsigned cond)
{
    static const uint8_t map[14] = {CC_E, CC_NE, CC_AE, CC_B, CC_S, CC_NS, CC_O, CC_NO,
                                    CC_A, CC_BE, CC_GE, CC_L, CC_G, CC_LE};
    return (IrCond)map[cond];
}

/* ---- environment and helpers ---- */
#define ENV(field) ((int64_t)offsetof(ArmEnv, field))
static inline IrVal tr_ldenv(ArmTr *s, IrWidth w, int64_t offset)
{
    IrVal v = tr_temp(s);
    ir_emit(s->b, OP_ldenv, w, v, IR_NONE, IR_NONE)->imm = offset;
    return v;
}
static inline void tr_stenv(ArmTr *s, IrWidth w, int64_t offset, IrVal v)
{
    ir_emit(s->b, OP_stenv, w, IR_NONE, v, IR_NONE)->imm = offset;
}
static inline IrVal tr_call(ArmTr *s, int helper, IrVal a, IrVal b, IrVal c)
{
    IrVal v = tr_temp(s);
    ir_call(s->b, helper, v, a, b, c);
    return v;
}
static inline void tr_call_void(ArmTr *s, int helper, IrVal a, IrVal b, IrVal c)
{
    ir_call(s->b, helper, IR_NONE, a, b, c);
}

/* ---- memory (translate_mem.c): addresses as the program has them; tags, alignment, byte order and MTE are seen to ---- */
/*
 * Whether an access must be aligned when SCTLR.A does not ask for it (AArch64.UnalignedAccessFaults(),
 * AArch32.UnalignedAccessFaults()): no; yes, exclusive or atomic ones of A64 with FEAT_LSE2 only within 16 bytes;
 * so do A64's acquire and release, unless SCTLR_ELx.nAA.
 */
typedef enum ArmAlign { ALIGN_ANY, ALIGN_ATOMIC, ALIGN_ORDERED } ArmAlign;
/*
 * The address an access of `size` bytes uses, checked (alignment; MTE unless mte_unchecked: forms with SP and an immediate
 * are). Faults before anything is written.
 */
IrVal tr_address(ArmTr *s, IrVal addr, unsigned size, bool write, ArmAlign align, bool mte_unchecked);
/* Tag check of an access that is not one of tr_address()'s size at s->mmu. */
void tr_check_tags(ArmTr *s, IrVal addr, unsigned bytes, bool write, int mmu);
/* IrOp.aux2 of the accesses that FEAT_LSE2 makes atomic (B2.2.1.1). */
static inline uint8_t tr_atomic(const ArmTr *s)
{
    return !(s->mode & MODE_A32) && arm_has(s->config, ARM_FEAT_LSE2) ? IR_ATOMIC : 0;
}
/* The 64 bits at addr and those at addr + 8, as one access where FEAT_LSE2 says so; in the program's byte order. */
void tr_load_pair(ArmTr *s, IrVal first, IrVal second, IrVal addr, int mmu);
void tr_store_pair(ArmTr *s, IrVal addr, IrVal first, IrVal second, int mmu);
/* After tr_address(). Loads zero-extend; ext: sign-extend to that width. */
IrVal tr_load(ArmTr *s, IrWidth w, IrVal addr, int mmu);
IrVal tr_load_signed(ArmTr *s, IrWidth w, IrWidth to, IrVal addr, int mmu);
void tr_load_to(ArmTr *s, IrWidth w, IrVal dst, IrVal addr, int mmu); /* dst(64) = zero-extended */
void tr_load_signed_to(ArmTr *s, IrWidth w, IrWidth to, IrVal dst, IrVal addr, int mmu);
void tr_store(ArmTr *s, IrWidth w, IrVal addr, IrVal val, int mmu);
void tr_store_zero(ArmTr *s, IrWidth w, IrVal addr, int mmu);

/* May the current level call the host? */
static inline bool tr_semihosting(const ArmTr *s)
{
    return s->config->semihosting && (arm_mode_el(s->mode) > 0 || s->config->semihosting_user);
}

/* ---- vector registers in env ---- */
/* After stores to the low 8 or 16 bytes of V<rd>: the rest of the register becomes zero. */
void tr_vec_zero_above(ArmTr *s, unsigned rd, unsigned bytes);
/* The operation x (vec.h) with an immediate, on V registers; FP access has been checked. */
void tr_vec_op(ArmTr *s, VecDesc x, int64_t imm);
#define ENV_V(n) ENV(s.z[n])                          /* offset of V<n>: 16 bytes */
#define ENV_VD(n, i) (ENV_V(n) + 8 * (int64_t)(i))    /* of its 64-bit element i */

#endif
