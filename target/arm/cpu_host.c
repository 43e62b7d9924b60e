/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -cpu host: a model of what the accelerator says of the host's processor. ID registers show what guests find, since the
 * accelerator has the last word on those; of them we take what this program knows of.
 */
#include <string.h>

#include "base/bits.h"
#include "target/arm/cpu_text.h"
#include "target/arm/sysreg.h"

#define MIDR_KEY A64_SYSREG(3, 0, 0, 0, 0)

int arm_id_by_key(uint32_t key)
{
    static const uint16_t keys[] = {
#define I(name, op0, op1, crn, crm, op2) [ARM_ID_##name] = A64_SYSREG(op0, op1, crn, crm, op2),
#include "target/arm/idregs.def"
#undef I
    };

    for (int i = 0; i < ARM_ID__COUNT && key; i++) {
        if (keys[i] == key) {
            return i;
        }
    }
    return -1;
}

const ArmModel *arm_host_model(ArmCpuRequest *r)
{
    ArmModel *m = &r->host_model;
    int n = 0;

    *m = (ArmModel){.name = "host", .compatible = "arm,armv8", .aarch64 = true, .host = true,
                     .sve_vq_map = r->host->sve_vq_map, .ids = r->host_ids};
    for (unsigned i = 0; i < r->host->n; i++) {
        const AccelArmReg *reg = &r->host->id[i];
        int id = arm_id_by_key(reg->key);
        if (reg->key == MIDR_KEY) {
            m->midr = (uint32_t)reg->value;
        } else if (id >= 0 && n < ARM_ID__COUNT) {
            r->host_ids[n++] = (ArmIdValue){(uint16_t)id, reg->value};
        }
    }
    r->host_ids[n].reg = ARM_ID__COUNT;
    return m;
}

void arm_without_host_levels(ArmCpuConfig *c)
{
    static const uint16_t not[] = {ARM_FEAT_EL2, ARM_FEAT_EL3, ARM_FEAT_AA32_EL1, ARM_FEAT_PMUv3, ARM_FEAT_MTE};

    for (size_t i = 0; i < ARRAY_LEN(not); i++) {
        arm_feature_put(c, (ArmFeature)not[i], false);
    }
}

char *arm_host_lacks(const AccelArmHost *host, const char *property)
{
    bool there = (strcmp(property, "sve") || host->sve_vq_map) && (strcmp(property, "pauth") || host->pauth);

    return there ? NULL : g_strdup_printf("'%s' feature not supported by KVM on this host", property);
}
