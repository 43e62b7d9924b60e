/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers of the system registers that are storage (ArmState.sr).
 */
#ifndef TARGET_ARM_SYSREG_IDS_H
#define TARGET_ARM_SYSREG_IDS_H

typedef enum ArmSr {
#define R(name, op0, op1, crn, crm, op2, reset, help) ARM_SR_##name,
#include "target/arm/sysreg.def"
#undef R
    ARM_SR__COUNT
} ArmSr;

#endif
