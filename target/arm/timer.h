/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The generic timers' host side.
 */
#ifndef TARGET_ARM_TIMER_H
#define TARGET_ARM_TIMER_H

#include "target/arm/boot.h"
#include "target/arm/system.h"

struct ArmTimers *arm_timers_new(Cpu *cpu);
void arm_timers_free(struct ArmTimers *t);
/* The timers follow these registers from now on: after a write, a reset, a load. On the vCPU's thread or while it is
 * stopped; takes the machine's lock if it is not held. */
void arm_timers_changed(Cpu *cpu, const ArmState *s);

#endif
