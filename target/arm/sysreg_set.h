/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system registers of a processor as a set, and access to them without checks.
 */
#ifndef TARGET_ARM_SYSREG_SET_H
#define TARGET_ARM_SYSREG_SET_H

#include "target/arm/system.h"

/* Made once the features are known; ArmCpuConfig.sysregs. */
struct ArmSysRegSet *arm_sysreg_set_new(const ArmCpuConfig *c);
void arm_sysreg_set_free(struct ArmSysRegSet *set);
const ArmSysRegDef *arm_sysreg_def(const ArmCpuConfig *c, uint32_t key); /* NULL: there is none */
/* Access that has been granted. */
uint64_t arm_sysreg_get(ArmEnv *env, const ArmSysRegDef *r);
void arm_sysreg_put(ArmEnv *env, const ArmSysRegDef *r, uint64_t v);
/* Syndrome of a trapped access, and the trap: to target (-1: UNDEFINED). */
uint32_t arm_sysreg_iss(uint32_t key, bool read, unsigned rt);
void arm_sysreg_trap(ArmEnv *env, uint32_t key, bool read, unsigned rt, int target, ArmEc ec) G_GNUC_NORETURN;

/* CCSIDR of the cache that a CSSELR value selects. */
uint64_t arm_ccsidr(const ArmCpuConfig *c, uint64_t csselr);

/* AArch32's views by A32_SYSREG key, with all checks (sysreg_a32.c); where as helper_sys.def's c says. */
uint64_t arm_a32_sysreg_read(ArmEnv *env, uint32_t key, uint32_t where);
void arm_a32_sysreg_write(ArmEnv *env, uint32_t key, uint64_t v, uint32_t where);

#endif
