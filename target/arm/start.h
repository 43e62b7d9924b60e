/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting and stopping processors, for PSCI and boards; sleeping.
 */
#ifndef TARGET_ARM_START_H
#define TARGET_ARM_START_H

#include "target/arm/system.h"

/* Own thread: begin as told, if somebody did. */
bool arm_take_start(ArmEnv *env);
/* The same for a parked processor, in cpu->state. */
void arm_start_parked(Cpu *cpu);
/* State of a program loaded directly: that level, that pc, MMU off, levels above set up as firmware would. */
void arm_enter_direct(const ArmCpuConfig *c, ArmState *s, unsigned el, bool a32, uint64_t pc);
/* Highest Non-secure level there is. */
unsigned arm_highest_ns_el(const ArmCpuConfig *c);

/* WFI and PSCI: what arm_has_work() looks at while the thread sleeps. */
void arm_publish_wait(ArmEnv *env);
bool arm_wakes(const ArmEnv *env);
uint64_t arm_isr(const ArmEnv *env);

#endif
