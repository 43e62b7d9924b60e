/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU models: the rows of models_a64.c and models_a32.c, and how they are found.
 */
#ifndef TARGET_ARM_MODELS_H
#define TARGET_ARM_MODELS_H

#include "base/error.h"
#include "target/arm/feature.h"

typedef struct ArmIdValue {
    uint16_t reg; /* ArmIdReg */
    uint64_t value;
} ArmIdValue;

typedef struct ArmModel {
    const char *name;
    const char *compatible;     /* in a device tree */
    bool aarch64;
    bool max;                   /* everything that is implemented, over the values given */
    bool host;                  /* the host's processor (cpu_host.c) */
    uint32_t midr;
    uint32_t reset_sctlr;       /* AArch32's */
    uint32_t fpsid;
    uint16_t sve_vq_map;        /* bit n: vectors of n + 1 quadwords */
    const ArmIdValue *ids;      /* ends with ARM_ID__COUNT */
    const uint16_t *features;   /* that no ID register shows; ends with ARM_FEAT__COUNT; NULL: Armv8's */
} ArmModel;

/* Each ends with a row without a name. */
extern const ArmModel arm_models_a64[], arm_models_a32[];

/* All that can be had, in the order of the files; NULL past the last. i counts from 0. */
const ArmModel *arm_model_at(int i);
/* By name; an error with a hint if there is none, or if what it needs is not implemented. */
const ArmModel *arm_model_find(const char *name, Error **errp);

#endif
