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
#include "core/cpu.h"

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

typedef enum X86Vendor { X86_VENDOR_OTHER, X86_VENDOR_INTEL, X86_VENDOR_AMD } X86Vendor;

/* CpuModel.data of this target. */
typedef struct X86Model {
    X86Vendor vendor;
    uint16_t family;
    uint8_t model, stepping;
    uint32_t level, xlevel;      /* highest standard and extended leaf */
    const char *model_id;        /* brand string */
    const uint16_t *features;    /* X86Feature, ends with F__COUNT; NULL: x86_feature_in_max() */
} X86Model;

extern const CpuModel *const x86_models[]; /* NULL terminated */

/* What one vCPU is: constant after init. cpu->target_priv points at an X86Cpu that holds it. */
typedef struct X86CpuConfig {
    X86FeatureSet features;
    X86Vendor vendor;
    uint16_t family;
    uint8_t model, stepping;
    uint32_t level, xlevel;
    char vendor_id[13], model_id[49];
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

/* "model,+feat,-feat,feat=on|off,check,enforce,phys-bits=N,..." into *c; quiet: without warnings. */
bool x86_config_parse(X86CpuConfig *c, const char *text, bool quiet, Error **errp);
void x86_config_finish(X86CpuConfig *c);
/* Does the translator implement f on this host? */
bool x86_feature_supported(X86Feature f);
/* Supported, and part of `-cpu max`. */
bool x86_feature_in_max(X86Feature f);
/* The bits of s that CPUID shows in one register. */
uint32_t x86_feature_word(const X86FeatureSet *s, uint32_t leaf, uint32_t subleaf, int reg);
const char *x86_feature_name(X86Feature f);

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
/* Bytes of an XSAVE area with these components; compact: as XSAVEC writes it. */
uint32_t x86_xsave_size(uint64_t components, bool compact);
/* Size of component n and its offset in the standard format; 0: no such component behind the header. */
void x86_xsave_component(int n, uint32_t *size, uint32_t *offset);

enum { CPUID_EAX, CPUID_EBX, CPUID_ECX, CPUID_EDX };
void x86_cpuid(const X86CpuConfig *c, const X86CpuidLive *live, uint32_t leaf, uint32_t subleaf,
               uint32_t out[4]);

#endif
