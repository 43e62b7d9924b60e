/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Performance monitors (Arm ARM D13).
 *
 * Thread: the vCPU's own.
 */
#include "target/arm/boot.h"
#include "target/arm/sysreg_rows.h"

const ArmSysRegDef arm_pmu_regs[1];
const unsigned arm_pmu_n_regs = 0;

void arm_cpu_connect_pmu(Cpu *cpu, Irq to)
{
    arm_cpu(cpu)->pmu_irq = to;
}
