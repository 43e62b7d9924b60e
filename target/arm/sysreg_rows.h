/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the files that define system registers: how rows are written, the groups, traps that many share.
 */
#ifndef TARGET_ARM_SYSREG_ROWS_H
#define TARGET_ARM_SYSREG_ROWS_H

#include "target/arm/system.h"
#include "target/arm/regs.h"

#define ALWAYS (-1)
/* A register with a slot: name as in sysreg.def, lowest level that reads, writes (4: none), SR_ flags. */
#define SLOT(n, r, w, fl)                                                                                              \
    .reg = {#n, ARM_KEY_##n, r, w, fl, offsetof(ArmEnv, s.sr[ARM_SR_##n])}, .slot = ARM_SR_##n
/* One that lives elsewhere or nowhere, by encoding (op0 = 3; 2). */
#define SR3(n, op1, crn, crm, op2, r, w, fl) .reg = {n, A64_SYSREG(3, op1, crn, crm, op2), r, w, fl, 0}
#define SR2(n, op1, crn, crm, op2, r, w, fl) .reg = {n, A64_SYSREG(2, op1, crn, crm, op2), r, w, fl, 0}
/* In a field of ArmState. */
#define FIELD(n, op1, crn, crm, op2, r, w, fl, field)                                                                  \
    .reg = {n, A64_SYSREG(3, op1, crn, crm, op2), r, w, fl, offsetof(ArmEnv, s.field)}, .slot = -1

/* Groups of registers. */
extern const ArmSysRegDef arm_pstate_regs[], arm_el1_regs[], arm_el2_regs[], arm_el3_regs[], arm_id_regs[],
    arm_timer_regs[], arm_debug_regs[], arm_pmu_regs[], arm_gic_regs[];
extern const unsigned arm_pstate_n_regs, arm_el1_n_regs, arm_el2_n_regs, arm_el3_n_regs, arm_id_n_regs,
    arm_timer_n_regs, arm_debug_n_regs, arm_pmu_n_regs, arm_gic_n_regs;

/* Plain storage by the row's mask. */
void arm_sysreg_store(ArmEnv *env, const ArmSysRegDef *r, uint64_t v);
/* The same for what translation or the mode word depends on. */
void arm_sysreg_store_regime(ArmEnv *env, const ArmSysRegDef *r, uint64_t v);
void arm_sysreg_store_mode(ArmEnv *env, const ArmSysRegDef *r, uint64_t v);
/* Reads as zero, writes are ignored. */
uint64_t arm_sysreg_zero(ArmEnv *env, const ArmSysRegDef *r);
void arm_sysreg_ignore(ArmEnv *env, const ArmSysRegDef *r, uint64_t v);

/* HCR_EL2 (and SCR_EL3) bits that trap EL1's (EL0's) accesses to EL2 (EL3). */
int arm_trap_hcr(const ArmEnv *env, uint64_t hcr_bits, uint64_t scr_bits);
/* Traps of a level below el by bits that must be set in both HCR_EL2 and SCR_EL3 (API, ATA, EnSCXT). */
int arm_trap_unless(const ArmEnv *env, uint64_t hcr_bits, uint64_t scr_bits);

#endif
