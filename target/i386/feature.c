/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which features the translator has: those whose instruction rows (insns.tbl)
 * are all implemented, and those of the system side listed here. What is passed
 * through to the host's own instructions needs the host to have it too.
 */
#include "base/os/hostcpu.h"
#include "target/i386/cpuid.h"
#include "target/i386/decode.h"

typedef struct FeatureBit {
    uint32_t leaf, subleaf;
    uint8_t reg, bit;
    const char *name;
} FeatureBit;

static const FeatureBit bits[F__COUNT] = {
#define FEATURE(name, leaf, subleaf, reg, bit, flag) [F_##name] = {leaf, subleaf, CPUID_##reg, bit, flag},
#include "target/i386/features.def"
#undef FEATURE
};

/* Features without instructions of their own, or whose instructions have rows for every model. */
static const uint16_t system_features[] = {
    F_FPU, F_VME, F_DE, F_PSE, F_PAE, F_MCE, F_APIC, F_MTRR, F_PGE, F_MCA, F_PAT, F_PSE36, F_HT,
    F_CX16, F_PCID, F_X2APIC, F_TSC_DEADLINE, F_HYPERVISOR, F_TSC_ADJUST, F_SMEP, F_ERMS, F_UMIP,
    F_LA57, F_FSRM, F_MD_CLEAR, F_SPEC_CTRL, F_STIBP, F_FLUSH_L1D, F_ARCH_CAPABILITIES, F_SSBD,
    F_XGETBV1, F_NX, F_PDPE1GB, F_LM, F_LAHF64, F_CMP_LEGACY, F_CR8LEGACY, F_PREFETCHW, F_INVTSC,
    F_WBNOINVD, F_IBPB, F_IBRS, F_AMD_STIBP, F_AMD_SSBD, F_AMD_NO_SSB, F_ARAT, F_TOPOEXT,
    F_OSXSAVE, F_OSPKE, F_LZCNT, F_LFENCE_RDTSC, F_NULL_SEL, F_AUTOIBRS,
};

/* Implemented, but no gain for a guest of the translator: only when asked for by name. */
static const uint16_t on_request[] = {
    F_MONITOR, F_PCID, F_INVPCID, F_LA57, F_CMP_LEGACY, F_TOPOEXT, F_OSXSAVE, F_OSPKE, F_SPEC_CTRL, F_STIBP, F_SSBD, F_IBRS, F_AMD_STIBP, F_AMD_SSBD, F_HT,
    F_MD_CLEAR, F_FLUSH_L1D, F_IBPB,
};

static bool listed(const uint16_t *list, size_t n, X86Feature f)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i] == f) {
            return true;
        }
    }
    return false;
}

/* The same bit of the host's CPUID. */
static bool host_has(X86Feature f)
{
    const FeatureBit *b = &bits[f];
    uint32_t out[4];

    return os_host_cpuid(b->leaf, b->subleaf, out) && (out[b->reg] >> b->bit & 1);
}

/* Does the host's system keep YMM registers? */
static bool host_has_ymm(void)
{
    return (os_host_xcr0() & 6) == 6;
}

static bool rows_implement(X86Feature f)
{
    bool any = false, host = false, ymm = true;

    for (size_t i = 0; i < X86_N_ROWS; i++) {
        const X86Row *r = &x86_rows[i];
        if (r->feature == f + 1) {
            if (r->trans == X86T_none) {
                return false;
            }
            any = true;
            host |= r->trans == X86T_host;
            ymm &= (r->bits & ROW_AVX) != 0;
        }
    }
    return any && (!host || (host_has(f) && (!ymm || host_has_ymm())));
}

bool x86_feature_supported(X86Feature f)
{
    return listed(system_features, G_N_ELEMENTS(system_features), f) || rows_implement(f);
}

bool x86_feature_in_max(X86Feature f)
{
    return x86_feature_supported(f) && !listed(on_request, G_N_ELEMENTS(on_request), f);
}

const char *x86_feature_name(X86Feature f)
{
    return bits[f].name;
}

uint32_t x86_feature_word(const X86FeatureSet *s, uint32_t leaf, uint32_t subleaf, int reg)
{
    uint32_t v = 0;

    for (int f = 0; f < F__COUNT; f++) {
        const FeatureBit *b = &bits[f];
        if (b->leaf == leaf && b->subleaf == subleaf && b->reg == reg && x86_set_has(s, f)) {
            v |= 1u << b->bit;
        }
    }
    return v;
}
