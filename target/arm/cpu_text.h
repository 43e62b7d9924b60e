/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of -cpu: "model,property=value,...", and the way from there to a configuration.
 */
#ifndef TARGET_ARM_CPU_TEXT_H
#define TARGET_ARM_CPU_TEXT_H

#include <glib.h>
#include "core/accel.h"
#include "base/json.h"
#include "target/arm/models.h"

typedef struct ArmCpuRequest {
    ArmCpuConfig *c;
    const ArmModel *m;
    const AccelArmHost *host;   /* the accelerator runs guests on this processor, and no other one; NULL: any model */
    ArmModel host_model;
    ArmIdValue host_ids[ARM_ID__COUNT + 1];
    /* What was asked for; -1: nothing was said. */
    int aarch64, el2, el3, pmu, neon, vfp, sve, pauth, pauth_impdef, lpa2, cfgend;
    uint32_t sve_on, sve_off;   /* bit n: length of n + 1 quadwords */
    uint64_t sve_max_vq;        /* 0: not said */
    uint64_t rvbar, midr, mp_affinity, cntfrq, reset_cbar;
    bool has_midr, has_affinity, has_cbar;
} ArmCpuRequest;

/* items[0] is the model, the others "name=value"; up to a NULL. Error texts are QEMU's. */
bool arm_request_parse(ArmCpuRequest *r, char **items, Error **errp);
/* The same to a configuration, for processors under that accelerator (NULL: the translator). */
bool arm_config_parse_under(ArmCpuConfig *c, const char *model, const AccelOps *accel, Error **errp);
/* The properties that query-cpu-model-expansion tells, as they came out. */
void arm_request_to_json(const ArmCpuRequest *r, json_t *props);
/* Is name a property that the expansion tells, for this model? */
bool arm_property_told(const ArmModel *m, const char *name);

/* The model of r->host, in r; what guests of it do not have whatever its ID registers say (cpu_host.c). */
const ArmModel *arm_host_model(ArmCpuRequest *r);
void arm_without_host_levels(ArmCpuConfig *c);
/* Why that property cannot be on with that host; NULL: it can. g_free. */
char *arm_host_lacks(const AccelArmHost *host, const char *property);

/* An identification register by its encoding, ARM_ID_*; -1: none that we know (cpu_host.c). */
int arm_id_by_key(uint32_t key);

/* "sve128", "sve256" ...: the bit of that length; -1: it is none (cpu_sve.c). */
int arm_sve_length(const char *name);
/* What was asked for of vector lengths, to r->c. */
bool arm_settle_sve(ArmCpuRequest *r, Error **errp);

/* TargetOps (cpu_info.c) */
void arm_list_models(GString *out);
bool arm_check_model(const char *text, const AccelOps *accel, Error **errp);
json_t *arm_model_definitions(void);
bool arm_cpu_fits(Cpu *cpu, const AccelOps *to, Error **errp); /* cpu_fits.c */
/* Has the translator what guests of processor n, which is the host's, found there? */
bool arm_fits_translator(const ArmCpuConfig *c, int n, const AccelArmHost *host, Error **errp);
json_t *arm_expand_model(const char *name, json_t *props, Error **errp);

#endif
