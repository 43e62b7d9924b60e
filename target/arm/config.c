/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration of a processor: the model "max", and what the board changes of it.
 *
 * home: main loop, machine being built.
 */
#include <string.h>
#include "target/arm/boot.h"
#include "target/arm/cpu.h"
#include "target/arm/regs.h"
#include "target/arm/sysreg_set.h"

static void add_feature(ArmCpuConfig *c, ArmFeature f)
{
    c->features[f / 64] |= 1ull << (f % 64);
}

static void drop_feature(ArmCpuConfig *c, ArmFeature f)
{
    c->features[f / 64] &= ~(1ull << (f % 64));
}

/* ID registers out of the features. */
static void fill_id(ArmCpuConfig *c)
{
    uint64_t *id = c->id;

    id[ARM_ID_ID_AA64PFR0_EL1] = 0x11 | (arm_has(c, ARM_FEAT_EL2) ? 1 << 8 : 0) | (arm_has(c, ARM_FEAT_EL3) ? 1 << 12 : 0);
    id[ARM_ID_ID_AA64DFR0_EL1] = 6 | 5 << 12 | 3 << 20 | 1 << 28;
    id[ARM_ID_ID_AA64ISAR0_EL1] = 1 << 16 | 2 << 20;
    id[ARM_ID_ID_AA64MMFR0_EL1] = 5 | 2 << 4 | 1 << 20;
    id[ARM_ID_ID_AA64MMFR1_EL1] = 2 | (arm_has(c, ARM_FEAT_VHE) ? 1 << 8 : 0) | 1 << 12 | 1 << 20;
    id[ARM_ID_CTR_EL0] = 1u << 31 | 4 << 24 | 4 << 20 | 4 << 16 | 3 << 14 | 4;
    id[ARM_ID_DCZID_EL0] = 4;
    id[ARM_ID_CLIDR_EL1] = 0x0a200023;
    id[ARM_ID_CCSIDR_L1D] = 0x701fe00a;
    id[ARM_ID_CCSIDR_L1I] = 0x201fe012;
    id[ARM_ID_CCSIDR_L2] = 0x70ffe07a;
}

bool arm_config_parse(ArmCpuConfig *c, const char *model, Error **errp)
{
    static const ArmFeature features[] = {
        ARM_FEAT_AA64, ARM_FEAT_V8, ARM_FEAT_EL2, ARM_FEAT_EL3, ARM_FEAT_FP, ARM_FEAT_ASIMD, ARM_FEAT_CRC32, ARM_FEAT_LSE,
        ARM_FEAT_PAN, ARM_FEAT_VHE, ARM_FEAT_HPDS, ARM_FEAT_VMID16, ARM_FEAT_GRAN4K, ARM_FEAT_GRAN16K, ARM_FEAT_GRAN64K,
        ARM_FEAT_GICv3_SR, ARM_FEAT_GTIMER, ARM_FEAT_LPAE,
    };

    if (strcmp(model, "max")) {
        error_set(errp, ERR_INVALID_PARAMETER, "unknown processor model '%s'", model);
        error_hint(errp, "there is 'max'");
        return false;
    }
    for (unsigned i = 0; i < ARRAY_LEN(features); i++) {
        add_feature(c, features[i]);
    }
    c->midr = 0x000f0510;
    c->mpidr |= 1u << 31;
    c->pa_bits = 48;
    c->cnt_freq = 62500000;
    c->aarch64 = true;
    fill_id(c);
    return true;
}

bool arm_cpu_configure(Cpu *cpu, const ArmBoardCpu *board, Error **errp)
{
    ArmCpu *p = arm_cpu(cpu);
    ArmCpuConfig *c = &p->config;

    if (!board->el2) {
        drop_feature(c, ARM_FEAT_EL2);
        drop_feature(c, ARM_FEAT_VHE);
    }
    if (!board->el3) {
        drop_feature(c, ARM_FEAT_EL3);
    }
    if (board->mte && !arm_has(c, ARM_FEAT_MTE)) {
        error_set(errp, ERR_UNSUPPORTED, "this processor model has no memory tagging extension");
        return false;
    }
    c->psci = board->psci;
    c->start_powered_off = board->start_powered_off;
    fill_id(c);
    arm_cpu_configured(cpu);
    return true;
}

const char *arm_config_compatible(const ArmCpuConfig *c)
{
    return "arm,arm-v8";
}

uint32_t arm_a32_sctlr_reset(const ArmCpuConfig *c)
{
    return 0x00c50078;
}
