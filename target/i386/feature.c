/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which features the translator has: those whose instruction rows (insns.tbl)
 * are all implemented, and those of the system side listed here. What is passed
 * through to the host's own instructions needs the host to have it too.
 */
#include <string.h>
#include "base/bits.h"
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
    F_WBNOINVD, F_XSAVEERPTR, F_IBPB, F_IBRS, F_AMD_STIBP, F_AMD_SSBD, F_AMD_NO_SSB, F_ARAT, F_TOPOEXT,
    F_NPT, F_NRIP_SAVE, F_VMCB_CLEAN, F_FLUSHBYASID, F_DECODEASSISTS, F_PAUSE_FILTER, F_PFTHRESHOLD,
    F_TSC_SCALE, F_V_VMSAVE_VMLOAD, F_VGIF, F_SVME_ADDR_CHK,
    F_FDP_EXCPTN_ONLY, F_ZERO_FCS_FDS, F_OSXSAVE, F_OSPKE, F_LZCNT, F_LFENCE_RDTSC, F_NULL_SEL, F_AUTOIBRS, F_SS,
    /* What no translated code can leak. */
    F_RDCTL_NO, F_IBRS_ALL, F_SKIP_L1DFL_VMENTRY, F_SSB_NO, F_MDS_NO, F_PSCHANGE_MC_NO, F_TAA_NO,
    F_SBDR_SSDP_NO, F_FBSDP_NO, F_PSDP_NO, F_BHI_NO, F_PBRSB_NO, F_GDS_NO, F_RFDS_NO,
};

/* Implemented, but no gain for a guest of the translator: only when asked for by name. */
static const uint16_t on_request[] = {
    F_MONITOR, F_LA57, F_CMP_LEGACY, F_TOPOEXT, F_OSXSAVE, F_OSPKE, F_SPEC_CTRL,
    F_STIBP, F_SSBD, F_IBRS, F_AMD_STIBP, F_AMD_SSBD, F_HT, F_MD_CLEAR, F_FLUSH_L1D, F_IBPB,
    F_IBRS_ALL, F_SS, F_FDP_EXCPTN_ONLY, F_ZERO_FCS_FDS,
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

    if (b->subleaf == FEATURE_MSR) {
        return false;
    }
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

const AccelCpuid *x86_caps_leaf(const AccelX86 *caps, uint32_t leaf, uint32_t subleaf)
{
    for (unsigned i = 0; i < caps->n; i++) {
        if (caps->cpuid[i].leaf == leaf && caps->cpuid[i].subleaf == subleaf) {
            return &caps->cpuid[i];
        }
    }
    return NULL;
}

/* The clock in shared memory, ports that need no delay, stolen time and ends of interrupts in shared memory. */
const uint16_t x86_kvm_defaults[X86_KVM_DEFAULTS] = {F_KVM_NOPIODELAY, F_KVMCLOCK, F_KVM_STEAL_TIME, F_KVM_PV_EOI,
                                                     F_KVMCLOCK_STABLE_BIT};

/* Hypercalls; pages that are announced when they come; TLBs that are flushed when a processor goes on. */
bool x86_feature_of_kvm_alone(X86Feature f)
{
    static const uint16_t alone[] = {F_KVM_ASYNCPF, F_KVM_ASYNCPF_INT, F_KVM_PV_UNHALT, F_KVM_PV_TLB_FLUSH, F_KVM_PV_IPI,
                                     F_KVM_PV_SCHED_YIELD};

    return listed(alone, G_N_ELEMENTS(alone), f) || x86_feature_of_hyperv(f);
}

bool x86_feature_of_hyperv(X86Feature f)
{
    return bits[f].leaf == HYPERV_FEATURES || bits[f].leaf == HYPERV_ADVICE;
}

bool x86_feature_of_kvm(X86Feature f)
{
    return bits[f].leaf == 0x40000001;
}

/*
 * What needs state that X86State has no room for (MPX, virtual machines in the guest), or parts of the processor that our interrupt controllers do not have.
 */
static bool never_on_host(X86Feature f)
{
    static const uint16_t names[] = {F_SVM, F_VMX, F_MPX, F_SGX, F_INTEL_PT, F_PDCM};

    if (x86_feature_of_kvm(f)) {
        return !listed(x86_kvm_defaults, X86_KVM_DEFAULTS, f) && f != F_KVM_POLL_CONTROL && !x86_feature_of_kvm_alone(f);
    }
    return listed(names, G_N_ELEMENTS(names), f);
}

static bool of_avx512(X86Feature f)
{
    return g_str_has_prefix(bits[f].name, "avx512");
}

static bool of_amx(X86Feature f)
{
    return g_str_has_prefix(bits[f].name, "amx-") || f == F_XFD;
}

/* The components of XSAVE that f is nothing without. */
static uint64_t components_of(X86Feature f)
{
    return of_avx512(f) ? XSTATE_AVX512 : of_amx(f) ? XSTATE_AMX : 0;
}

bool x86_feature_in_caps(X86Feature f, const AccelX86 *caps)
{
    static const uint16_t ours[] = {F_HYPERVISOR, F_X2APIC, F_HT, F_CMP_LEGACY, F_TOPOEXT};
    const FeatureBit *b = &bits[f];

    if (never_on_host(f)) {
        return false;
    }
    const AccelCpuid *c = x86_caps_leaf(caps, b->leaf, b->subleaf), *xsave = x86_caps_leaf(caps, 0xd, 0);
    if (components_of(f) & ~(xsave ? (uint64_t)xsave->reg[CPUID_EAX] : 0)) {
        return false;
    }
    return (c && (c->reg[b->reg] >> b->bit & 1)) || listed(ours, G_N_ELEMENTS(ours), f);
}

bool x86_feature_in_max(X86Feature f)
{
    return x86_feature_supported(f) && !listed(on_request, G_N_ELEMENTS(on_request), f);
}

const char *x86_feature_name(X86Feature f)
{
    return bits[f].name;
}

/* Spellings with '_' are the old ones; the others are synonyms. */
int x86_feature_by_name(const char *name)
{
    static const char *const synonym[][2] = {
        {"sse3", "pni"}, {"lzcnt", "abm"}, {"i64", "lm"}, {"xd", "nx"}, {"ffxsr", "fxsr-opt"},
        {"sse4-1", "sse4.1"}, {"sse4-2", "sse4.2"}, {"pclmuldq", "pclmulqdq"},
    };
    g_autofree char *key = g_strdelimit(g_ascii_strdown(name, -1), "_", '-');

    for (size_t i = 0; i < ARRAY_LEN(synonym); i++) {
        if (!strcmp(key, synonym[i][0])) {
            return x86_feature_by_name(synonym[i][1]);
        }
    }
    for (int f = 0; f < F__COUNT; f++) {
        if (!strcmp(key, bits[f].name)) {
            return f;
        }
    }
    return -1;
}

char *x86_feature_describe(X86Feature f)
{
    static const char *const regs[] = {"EAX", "EBX", "ECX", "EDX"};
    const FeatureBit *b = &bits[f];

    return b->subleaf == FEATURE_MSR
               ? g_strdup_printf("MSR(%02XH).%s [bit %d]", b->leaf, b->name, b->bit)
               : g_strdup_printf("CPUID.%02XH:%s.%s [bit %d]", b->leaf, regs[b->reg], b->name,
                                 b->bit);
}

void x86_feature_levels(const X86FeatureSet *s, uint32_t *level, uint32_t *xlevel)
{
    for (int f = 0; f < F__COUNT; f++) {
        uint32_t leaf = bits[f].leaf;

        if (!x86_set_has(s, f) || bits[f].subleaf == FEATURE_MSR) {
            continue;
        }
        if (leaf < 0x40000000) {
            *level = MAX(*level, leaf);
        } else if (leaf >= 0x80000000 && leaf < 0xc0000000) {
            *xlevel = MAX(*xlevel, leaf);
        }
    }
}

/* Features that describe another one: of this leaf all, or of this MSR. */
static const struct {
    uint16_t parent;
    uint32_t leaf, subleaf;
} families[] = {
    {F_ARCH_CAPABILITIES, 0x10a, FEATURE_MSR}, {F_CORE_CAPABILITY, 0xcf, FEATURE_MSR},
    {F_PDCM, 0x345, FEATURE_MSR}, {F_XSAVE, 0xd, 1}, {F_SVM, 0x8000000a, 0},
    {F_INTEL_PT, 0x14, 0}, {F_SGX, 0x12, 0}, {F_SGX, 0x12, 1},
};

bool x86_feature_needs_other(X86Feature f)
{
    return (of_avx512(f) && f != F_AVX512F) || (of_amx(f) && f != F_AMX_TILE);
}

void x86_feature_drop_orphans(X86FeatureSet *s)
{
    bool avx512 = x86_set_has(s, F_AVX512F), amx = x86_set_has(s, F_AMX_TILE);

    for (int f = 0; f < F__COUNT; f++) {
        if (x86_feature_needs_other(f) && !(of_avx512(f) ? avx512 : amx)) {
            x86_set_put(s, f, false);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        for (int f = 0; f < F__COUNT && !x86_set_has(s, families[i].parent); f++) {
            if (bits[f].leaf == families[i].leaf && bits[f].subleaf == families[i].subleaf) {
                x86_set_put(s, f, false);
            }
        }
    }
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
