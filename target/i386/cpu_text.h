/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be said of a processor beside its features: the options of -cpu, and the way from a
 * model and a list of items to a configuration.
 */
#ifndef TARGET_I386_CPU_TEXT_H
#define TARGET_I386_CPU_TEXT_H

#include "target/i386/models.h"

/* The values of the options; numbers and booleans alike are 64 bits wide, see the table. */
typedef struct X86CpuOptions {
    uint64_t check, enforce, force;
    uint64_t family, model, stepping;
    uint64_t level, xlevel;          /* X86_AUTO: what the model and the features need */
    uint64_t min_level, min_xlevel;  /* the model's own */
    uint64_t level_func7;            /* X86_AUTO: 1 if a feature needs it */
    uint64_t auto_level;
    uint64_t phys_bits;              /* 0: the model's */
    uint64_t host_phys_bits, host_phys_bits_limit;
    uint64_t l3_cache, legacy_cache, host_cache_info;
    uint64_t cpuid_0xb, tcg_cpuid;
    uint64_t ucode_rev;              /* 0: the vendor's first */
    uint64_t tsc_frequency;          /* 0: not asked */
    uint64_t kvm, pmu, migratable;
    uint64_t hv_spinlocks, hv_enforce, hv_passthrough;
    char hv_vendor[13];
    char vendor[13], model_id[49];
} X86CpuOptions;
#define X86_AUTO 0xffffffffu

typedef struct X86CpuRequest {
    X86CpuConfig *c;
    X86CpuOptions o;
    const X86Model *m;
    const AccelX86 *caps;       /* the accelerator's; NULL: the translator's */
    const char *name;           /* the model as written */
    X86FeatureSet user;         /* features mentioned by name */
    X86FeatureSet lacking;      /* asked for, and not implemented */
} X86CpuRequest;

/*
 * items[0] is the model, the others "+feat", "-feat", "name", "name=value"; up to a NULL. Fills *r
 * and r->c but for the filter; error texts are QEMU's.
 */
bool x86_request_parse(X86CpuRequest *r, char **items, Error **errp);
/* Take away what is not implemented, into r->lacking; warns unless quiet, refuses under enforce. */
bool x86_request_filter(X86CpuRequest *r, bool quiet, Error **errp);
/* "name": value for each option into props. */
void x86_options_to_json(const X86CpuRequest *r, json_t *props);
/* Is name an option, and a boolean one? */
bool x86_option_exists(const char *name, bool *is_bool);

#endif
