/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a board changes of its processors' configuration (cpu_text.c makes it).
 *
 * home: main loop, machine being built.
 */
#include "target/arm/boot.h"
#include "target/arm/cpu.h"
#include "target/arm/sysreg_set.h"

bool arm_cpu_configure(Cpu *cpu, const ArmBoardCpu *board, Error **errp)
{
    ArmCpu *p = arm_cpu(cpu);
    ArmCpuConfig *c = &p->config;

    if (board->mte && !arm_has(c, ARM_FEAT_MTE2)) {
        error_set(errp, ERR_UNSUPPORTED, "MTE requested, but not supported by the guest CPU");
        return false;
    }
    c->psci = board->psci;
    c->start_powered_off = board->start_powered_off;
    arm_config_board(c, board->el2, board->el3, board->mte);
    arm_cpu_configured(cpu);
    return true;
}

uint32_t arm_a32_sctlr_reset(const ArmCpuConfig *c)
{
    return c->reset_sctlr;
}
