/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Performance monitors: what the rest of the processor has to tell them.
 */
#ifndef TARGET_ARM_PMU_H
#define TARGET_ARM_PMU_H

#include "target/arm/system.h"

struct ArmPmu *arm_pmu_new(Cpu *cpu);
void arm_pmu_free(struct ArmPmu *p);
/* Event counters of that processor. */
unsigned arm_pmu_events(const ArmCpuConfig *c);
/* Around a change of the Exception level or Security state, while arm_pmu_active(). */
void arm_pmu_before(ArmEnv *env);
void arm_pmu_after(ArmEnv *env);
static inline bool arm_pmu_active(const ArmEnv *env)
{
    return env->s.sr[ARM_SR_PMCNTENSET_EL0] != 0;
}

#endif
