/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Features by number, and what one processor of a machine is made of.
 */
#ifndef TARGET_ARM_FEATURE_H
#define TARGET_ARM_FEATURE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"

typedef enum ArmFeature {
#define F(name, help) ARM_FEAT_##name,
#include "target/arm/features.def"
#undef F
    ARM_FEAT__COUNT
} ArmFeature;

typedef enum ArmIdReg {
#define I(name, op0, op1, crn, crm, op2) ARM_ID_##name,
#include "target/arm/idregs.def"
#undef I
    ARM_ID__COUNT
} ArmIdReg;

/* How PSCI calls come in: trapped at SMC or HVC, or not at all (firmware does it). */
typedef enum ArmPsciConduit { ARM_PSCI_NONE, ARM_PSCI_SMC, ARM_PSCI_HVC } ArmPsciConduit;

/* A processor as configured: by model, properties and board. Constant once the machine is built. */
typedef struct ArmCpuConfig {
    uint64_t features[(ARM_FEAT__COUNT + 63) / 64];
    uint64_t midr, mpidr;
    uint64_t id[ARM_ID__COUNT];        /* ID registers by ArmIdReg (idregs.def) */
    const char *compatible;   /* in a device tree */
    uint32_t reset_sctlr;     /* AArch32's SCTLR at reset */
    uint32_t reset_fpsid;     /* FPSID */
    uint8_t pa_bits;          /* physical address size: 32..52 */
    uint8_t sve_vq_max;       /* longest vector in quadwords, 0 without SVE */
    uint16_t sve_vq_map;      /* bit n: length of n + 1 quadwords is supported */
    uint64_t reset_pc;        /* rvbar */
    uint32_t cnt_freq;        /* CNTFRQ_EL0, Hz */
    ArmPsciConduit psci;
    const struct ArmSysRegSet *sysregs; /* the system registers that it has (sysreg.c) */
    bool aarch64;             /* highest level starts in AArch64 */
    bool start_powered_off;
    bool host;                /* -cpu host */
    bool host_pauth;          /* -cpu host: guests have the host's pointer authentication, of whatever algorithm */
    bool semihosting, semihosting_user; /* the host may be called; from EL0, too */
} ArmCpuConfig;

static inline bool arm_has(const ArmCpuConfig *c, ArmFeature f)
{
    return c->features[f / 64] >> (f % 64) & 1;
}

/*
 * Text of -cpu to a configuration, features and ID registers; mpidr's affinity is the caller's (but for mp-affinity).
 * c is zero before, but for that. cpu_text.c.
 */
bool arm_config_parse(ArmCpuConfig *c, const char *model, Error **errp);
const char *arm_config_compatible(const ArmCpuConfig *c);
/* What a board takes away of it (ArmBoardCpu). */
void arm_config_board(ArmCpuConfig *c, bool el2, bool el3, bool mte);

/* By name, as features.def has it; -1: there is none. */
int arm_feature_by_name(const char *name);
const char *arm_feature_name(ArmFeature f);
/* Does this program implement it? */
bool arm_feature_implemented(ArmFeature f);
void arm_feature_put(ArmCpuConfig *c, ArmFeature f, bool on);
/* Features out of the ID registers in c->id (beside those that c has already). */
void arm_features_from_ids(ArmCpuConfig *c);
/* Takes away what is not implemented and what lacks something it needs. */
void arm_features_settle(ArmCpuConfig *c);
/* The fields of the ID registers in c->id that are features' made to say what c has. */
void arm_ids_from_features(ArmCpuConfig *c);

#endif
