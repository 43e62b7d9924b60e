/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AArch32's views of the system registers: coprocessors 14 and 15 (Arm ARM G8).
 *
 * Thread: the vCPU's own.
 */
#include "target/arm/sysreg_rows.h"
#include "target/arm/sysreg_set.h"

uint64_t arm_a32_sysreg_read(ArmEnv *env, uint32_t key, uint32_t where)
{
    arm_raise_undef(env);
}

void arm_a32_sysreg_write(ArmEnv *env, uint32_t key, uint64_t v, uint32_t where)
{
    arm_raise_undef(env);
}
