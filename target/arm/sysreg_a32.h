/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of AArch32 views: which part of what.
 */
#ifndef TARGET_ARM_SYSREG_A32_H
#define TARGET_ARM_SYSREG_A32_H

#include "target/arm/sysreg_rows.h"
#include "target/arm/sysreg_set.h"

/*
 * What of a 64-bit register a view shows: the low word, the high one, all. LO_OF_64: a write keeps the high word (else
 * it zeroes it). MODE, REGIME: what a write changes.
 */
enum { A32_LO = 0, A32_HI = 1, A32_FULL = 2, A32_LO_OF_64 = 4, A32_MODE = 8, A32_REGIME = 16 };

/*
 * View of a slot. ArmSysRegDef.mask of these: bits 11:0 Secure slot + 1, 0 none; 23:16 what of it; 63:32 bits that
 * writes keep.
 */
uint64_t arm_a32_slot_read(ArmEnv *env, const ArmSysRegDef *r);
void arm_a32_slot_write(ArmEnv *env, const ArmSysRegDef *r, uint64_t v);
/* View of an A64 register, with its traps. mask: bits 15:0 its key; 23:16 what of it. */
uint64_t arm_a32_real_read(ArmEnv *env, const ArmSysRegDef *r);
void arm_a32_real_write(ArmEnv *env, const ArmSysRegDef *r, uint64_t v);
int arm_a32_real_trap(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec);

/* Are the Secure copies the ones that count? */
bool arm_a32_banked_secure(const ArmEnv *env);

#define CP15(opc1, crn, crm, opc2) A32_SYSREG(15, 0u, opc1, crn, crm, opc2)
#define CP15_64(opc1, crm) A32_SYSREG(15, 1u, opc1, 0u, crm, 0u)
#define CP14(opc1, crn, crm, opc2) A32_SYSREG(14, 0u, opc1, crn, crm, opc2)
#define CP14_64(opc1, crm) A32_SYSREG(14, 1u, opc1, 0u, crm, 0u)

extern const ArmSysRegDef arm_a32_regs[], arm_a32_op_regs[], arm_a32_old_regs[];
extern const unsigned arm_a32_n_regs, arm_a32_op_n_regs, arm_a32_old_n_regs;

#endif
