/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU models: the rows of models_intel.c, models_amd.c and models_qemu.c, and how they are found.
 */
#ifndef TARGET_I386_MODELS_H
#define TARGET_I386_MODELS_H

#include "target/i386/cpuid.h"

/* One cache with lines of 64 bytes, as leaf 4 describes it (SDM vol 2, CPUID). */
typedef struct X86Cache {
    uint16_t kib;
    uint8_t ways;
    bool self_init;  /* EAX[8] */
    uint8_t edx;     /* WBINVD does not reach sharers, inclusive, complex indexing */
} X86Cache;

struct X86Caches {
    X86Cache l1d, l1i, l2, l3;
};

/* One version of a model. Lists of features end with F__COUNT. */
typedef struct X86Model {
    const char *name;
    uint8_t version;             /* "name-v2"; "name" means the first. 0: no versions */
    const char *alias;           /* other name of this version, or NULL */
    const char *note;            /* what is new in it, for help; or NULL */
    const char *help;            /* instead of the brand string; or NULL */
    const char *vendor;          /* 12 characters of leaf 0 */
    uint16_t family;
    uint8_t model, stepping;
    uint32_t level, xlevel;      /* highest standard and extended leaf */
    const char *model_id;        /* brand string; NULL: empty */
    const X86Caches *caches;     /* NULL: QEMU's old ones, see cpuid.c */
    bool host;                   /* the host's own processor: only under an accelerator that runs on it */
    bool max;                    /* everything in x86_feature_in_max() instead of a list */
    const uint16_t *features;
    const uint16_t *plus, *minus; /* this version against features; or NULL */
} X86Model;
#define LIST(...) (const uint16_t[]){__VA_ARGS__, F__COUNT}

/* Each ends with a row without a name. */
extern const X86Model x86_models_qemu[], x86_models_intel[], x86_models_amd[];

/* All rows in the order of the files; NULL past the last. i counts from 0. */
const X86Model *x86_model_at(int i);
/* By "name", "name-vN" or alias; an error with a hint if there is none. */
const X86Model *x86_model_find(const char *name, Error **errp);
/* Its features, without what is derived from others. caps as of x86_config_parse(). */
void x86_model_features(const X86Model *m, const AccelX86 *caps, X86FeatureSet *out);
/* "name-vN", or "name" without versions; g_free. */
char *x86_model_full_name(const X86Model *m);

/* cpuid_cache.c: leaves 4 and 0x8000001d; 2; 0x80000005 and 0x80000006. out is zero before. */
void x86_cpuid_cache(const X86CpuConfig *c, uint32_t leaf, uint32_t subleaf, uint32_t out[4]);
void x86_cpuid_cache_descriptors(const X86CpuConfig *c, uint32_t out[4]);
void x86_cpuid_amd_caches(const X86CpuConfig *c, uint32_t leaf, uint32_t out[4]);

#endif
