/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU features, models and what CPUID answers. Features are the rows of
 * features.def; a model is a set of them with a vendor and numbers.
 */
#ifndef TARGET_I386_CPUID_H
#define TARGET_I386_CPUID_H

#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"
#include "base/json.h"
#include "core/accel.h"
#include "core/cpu.h"

/* Subleaf of a feature that is a bit of an MSR; its leaf is the MSR's number. */
#define FEATURE_MSR 0xffffffffu

typedef enum X86Feature {
#define FEATURE(name, leaf, subleaf, reg, bit, flag) F_##name,
#include "target/i386/features.def"
#undef FEATURE
    F__COUNT
} X86Feature;
#define F_WORDS ((F__COUNT + 63) / 64)

typedef struct X86FeatureSet {
    uint64_t w[F_WORDS];
} X86FeatureSet;

static inline bool x86_set_has(const X86FeatureSet *s, X86Feature f)
{
    return s->w[f / 64] >> (f % 64) & 1;
}
static inline void x86_set_put(X86FeatureSet *s, X86Feature f, bool on)
{
    uint64_t bit = 1ull << (f % 64);
    s->w[f / 64] = on ? s->w[f / 64] | bit : s->w[f / 64] & ~bit;
}

/* What decides rules that differ by maker; Hygon and inventions of the user are OTHER. */
typedef enum X86Vendor { X86_VENDOR_OTHER, X86_VENDOR_INTEL, X86_VENDOR_AMD } X86Vendor;

typedef struct X86Caches X86Caches; /* models.h */

/* What one vCPU is: constant after init. cpu->target_priv points at an X86Cpu that holds it. */
typedef struct X86CpuConfig {
    X86FeatureSet features;
    X86Vendor vendor;
    uint16_t family;
    uint8_t model, stepping;
    uint32_t level, xlevel, level_func7;
    char vendor_id[13], model_id[49];
    const X86Caches *caches;   /* NULL: the old ones */
    bool l3_cache;             /* leaves tell of a third level */
    bool host_caches;          /* leaves 2, 4, 0x80000005, 6 and 1d are the host's */
    bool topology_leaf;        /* 0xb is there */
    bool tcg_leaf;             /* 0x40000000 names the translator */
    bool kvm_leaf;             /* 0x40000000 is KVM's, with KVM's own features in the next one */
    bool hyperv;               /* the hypervisor is Hyper-V, and KVM's leaves are at 0x40000100 */
    bool hv_enforce;           /* the kernel refuses what CPUID does not show of it */
    uint32_t hv_spinlocks;     /* tries before the hypervisor is told, HYPERV_NO_SPINLOCKS: never */
    char hv_vendor[13];
    uint64_t tsc_hz;           /* of the time stamp counter; 0: the accelerator will say (x86_cpu_set_tsc_hz) */
    uint32_t mwait[4];         /* leaf 5 of the host, where guests may wait in its processor; 0: as the translator has it */
    uint32_t xstate_offset[19]; /* of XSAVE's components in the standard format, where the host says; 0: as usual */
    uint64_t ucode_rev;
    uint8_t phys_bits, virt_bits;
    uint32_t apic_id;
    int sockets, dies, cores, threads;
    /* derived from the features by x86_config_finish() */
    uint64_t pa_reserved;      /* bits MAXPHYADDR..51 of a page-table entry */
    uint64_t cr4_valid, efer_valid, xcr0_valid;
    uint32_t mxcsr_mask;
    uint64_t arch_capabilities;
} X86CpuConfig;

static inline bool x86_has(const X86CpuConfig *c, X86Feature f)
{
    return x86_set_has(&c->features, f);
}

/*
 * cpu_text.c: "model,+feat,-feat,feat=on|off,check,enforce,phys-bits=N,..." into *c. The features
 * asked for but not implemented are taken away, with QEMU's warnings unless quiet. caps: what an accelerator on the
 * host's own processor offers; NULL: what the translator does.
 */
bool x86_config_parse(X86CpuConfig *c, const char *text, const AccelX86 *caps, bool quiet, Error **errp);
/* models.c: what follows from the features. */
void x86_config_finish(X86CpuConfig *c);
/* Does the translator implement f on this host? */
bool x86_feature_supported(X86Feature f);
/* Supported, and part of `-cpu max`. */
bool x86_feature_in_max(X86Feature f);
/* Is it one of KVM's own, in the leaf 40000001h? */
bool x86_feature_of_kvm(X86Feature f);
/* Those that guests on KVM can have, and have unless told otherwise. */
#define X86_KVM_DEFAULTS 5
extern const uint16_t x86_kvm_defaults[X86_KVM_DEFAULTS];
/* One of KVM's own that only KVM can do: for those who ask for it, and then the machine does not move. */
bool x86_feature_of_kvm_alone(X86Feature f);
/* Hyper-V's leaves with features of f's kind (hyperv.c). */
#define HYPERV_FEATURES 0x40000003u
#define HYPERV_ADVICE 0x40000004u
#define HYPERV_NO_SPINLOCKS UINT32_MAX
bool x86_feature_of_hyperv(X86Feature f);
/* Can guests on the host's own processor have f, and is its state saved? */
bool x86_feature_in_caps(X86Feature f, const AccelX86 *caps);
/* The answer of a leaf in caps, NULL if there is none. */
const AccelCpuid *x86_caps_leaf(const AccelX86 *caps, uint32_t leaf, uint32_t subleaf);
/* The bits of s that CPUID shows in one register. */
uint32_t x86_feature_word(const X86FeatureSet *s, uint32_t leaf, uint32_t subleaf, int reg);
const char *x86_feature_name(X86Feature f);
/* By any of QEMU's spellings; -1: there is none of that name. */
int x86_feature_by_name(const char *name);
/* "CPUID.07H:EBX.smep [bit 7]", "MSR(10AH).mds-no [bit 5]"; g_free. */
char *x86_feature_describe(X86Feature f);
/* Highest leaf that a feature of s needs, among standard and among extended leaves. */
void x86_feature_levels(const X86FeatureSet *s, uint32_t *level, uint32_t *xlevel);
/* Is it gone when AVX-512's or AMX's first feature is switched off? */
bool x86_feature_needs_other(X86Feature f);
/* Take away features that mean nothing without another one that s lacks. */
void x86_feature_drop_orphans(X86FeatureSet *s);

/* cpu_info.c: of TargetOps */
void x86_list_models(GString *out);
bool x86_cpu_fits(Cpu *cpu, const AccelOps *accel, Error **errp);
bool x86_check_model(const char *text, const AccelOps *accel, Error **errp);
json_t *x86_model_definitions(void);
json_t *x86_expand_model(const char *name, json_t *props, Error **errp);

/* What the running vCPU adds to CPUID. */
typedef struct X86CpuidLive {
    uint64_t cr4, xcr0;
    bool apic_enabled;
} X86CpuidLive;
/* State components, bits of XCR0. */
#define XSTATE_X87 (1ull << 0)
#define XSTATE_SSE (1ull << 1)
#define XSTATE_YMM (1ull << 2)
#define XSTATE_PKRU (1ull << 9)
#define XSTATE_AVX512 (7ull << 5) /* opmask, upper halves of ZMM0..15, ZMM16..31 */
#define XSTATE_AMX (3ull << 17)   /* TILECFG, TILEDATA */
/* Bytes of an XSAVE area with these components; compact: as XSAVEC writes it. */
uint32_t x86_xsave_size(uint64_t components, bool compact);
/* Size of component n and its offset in the standard format; 0: no such component behind the header. */
void x86_xsave_component(int n, uint32_t *size, uint32_t *offset);

enum { CPUID_EAX, CPUID_EBX, CPUID_ECX, CPUID_EDX };
/* hyperv.c: a leaf from 0x40000000 of a guest that finds Hyper-V. */
#define HYPERV_FIRST_LEAF 0x40000000u
#define HYPERV_LAST_LEAF 0x40000005u
void x86_hyperv_leaf(const X86CpuConfig *c, uint32_t leaf, uint32_t out[4]);
/*
 * hv-passthrough: all features that caps have, but for those of named, which the user decided; the name and the tries that
 * the kernel has, where vendor is empty and spinlocks HYPERV_NO_SPINLOCKS.
 */
void x86_hyperv_all(X86CpuConfig *c, const AccelX86 *caps, const X86FeatureSet *named, char vendor[13], uint64_t *spinlocks);
/* Is what was asked for there, and what it needs? caps: not NULL. */
bool x86_hyperv_check(const X86CpuConfig *c, const X86FeatureSet *lacking, const AccelX86 *caps, Error **errp);
void x86_cpuid(const X86CpuConfig *c, const X86CpuidLive *live, uint32_t leaf, uint32_t subleaf,
               uint32_t out[4]);

#endif
