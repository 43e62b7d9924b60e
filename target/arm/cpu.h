/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processors as a whole: configuration, reset, power.
 */
#ifndef TARGET_ARM_CPU_H
#define TARGET_ARM_CPU_H

#include "target/arm/state.h"
#include "target/arm/system.h"

/* Power-on state of a processor of that configuration. */
void arm_config_reset(const ArmCpuConfig *c, ArmState *s);
/* SCTLR of AArch32 at reset. */
uint32_t arm_a32_sctlr_reset(const ArmCpuConfig *c);
/* On, or waiting to be started (PSCI). On its thread or while it is stopped. */
void arm_set_power(Cpu *cpu, bool on);
/* After a change of the features: what is made of them is made again, and the state reset. */
void arm_cpu_configured(Cpu *cpu);
/* `info registers` (dump.c). */
void arm_dump(Cpu *cpu, GString *out);

#endif
