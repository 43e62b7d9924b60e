/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hyper-V's enlightenments, which KVM has: CPUID leaves 0x40000000 to 0x40000005 (Hypervisor Top Level Functional
 * Specification, 2.4), and what depends on what. What they do is in the kernel; MSRs: accel/kvm/x86_msr.c.
 *
 * home: main loop.
 */
#include <inttypes.h>
#include <string.h>

#include "base/bits.h"
#include "target/i386/cpuid.h"
#include "target/i386/state.h"

/* What a guest reads as the version: Windows Server 2016's, as under QEMU. */
#define BUILD 0x3839
#define VERSION (10u << 16)
#define MAX_PROCESSORS 64
/* Leaf 3, EAX; EBX; EDX */
#define ACCESS_HYPERCALLS (1u << 5)
#define ACCESS_REFERENCE_TSC (1u << 9)
#define POST_MESSAGES (1u << 4)
#define SIGNAL_EVENTS (1u << 5)
#define PROCESSORS_COME_AND_GO (1u << 3)
#define FREQUENCY_MSRS (1u << 8)
/* Leaf 4, EAX: hypercalls take sets of more than 64 processors. */
#define EX_PROCESSOR_MASKS (1u << 11)

static void vendor(const X86CpuConfig *c, uint32_t out[4])
{
    const char *name = *c->hv_vendor ? c->hv_vendor : "Microsoft Hv";
    uint8_t text[12] = {0};

    memcpy(text, name, strnlen(name, sizeof(text)));
    out[CPUID_EAX] = HYPERV_LAST_LEAF;
    for (int i = 0; i < 3; i++) {
        out[CPUID_EBX + i] = ld_le32(text + 4 * i);
    }
}

void x86_hyperv_leaf(const X86CpuConfig *c, uint32_t leaf, uint32_t out[4])
{
    const X86FeatureSet *f = &c->features;

    switch (leaf) {
    case 0x40000000:
        vendor(c, out);
        break;
    case 0x40000001:
        out[CPUID_EAX] = 0x31237648; /* "Hv#1": the interface */
        break;
    case 0x40000002:
        out[CPUID_EAX] = BUILD;
        out[CPUID_EBX] = VERSION;
        break;
    case HYPERV_FEATURES:
        out[CPUID_EAX] = x86_feature_word(f, leaf, 0, CPUID_EAX) | ACCESS_HYPERCALLS |
                         (x86_has(c, F_HV_TIME) ? ACCESS_REFERENCE_TSC : 0);
        out[CPUID_EBX] = x86_has(c, F_HV_SYNIC) ? POST_MESSAGES | SIGNAL_EVENTS : 0;
        out[CPUID_EDX] = x86_feature_word(f, leaf, 0, CPUID_EDX) | PROCESSORS_COME_AND_GO | (x86_has(c, F_HV_FREQUENCIES) ? FREQUENCY_MSRS : 0);
        break;
    case HYPERV_ADVICE:
        out[CPUID_EAX] = x86_feature_word(f, leaf, 0, CPUID_EAX) |
                         (x86_has(c, F_HV_TLBFLUSH) || x86_has(c, F_HV_IPI) ? EX_PROCESSOR_MASKS : 0);
        out[CPUID_EBX] = c->hv_spinlocks;
        break;
    case 0x40000005:
        out[CPUID_EAX] = MAX_PROCESSORS;
        break;
    }
}

/* What means nothing without another one; each behind what it needs. */
static const struct {
    uint16_t feature, needs;
} needs[] = {
    {F_HV_TLBFLUSH, F_HV_VPINDEX}, {F_HV_IPI, F_HV_VPINDEX}, {F_HV_SYNIC, F_HV_VPINDEX}, {F_HV_STIMER, F_HV_SYNIC},
    {F_HV_STIMER, F_HV_TIME}, {F_HV_STIMER_DIRECT, F_HV_STIMER},
};

void x86_hyperv_all(X86CpuConfig *c, const AccelX86 *caps, const X86FeatureSet *named, char vendor[13], uint64_t *spinlocks)
{
    const AccelCpuid *name = x86_caps_leaf(caps, 0x40000000, ACCEL_CPUID_HYPERV), *advice = x86_caps_leaf(caps, HYPERV_ADVICE, 0);

    for (int f = 0; f < F__COUNT; f++) {
        if (x86_feature_of_hyperv(f) && x86_feature_in_caps(f, caps) && !x86_set_has(named, f)) {
            x86_set_put(&c->features, f, true);
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(needs); i++) {
        if (!x86_has(c, needs[i].needs) && !x86_set_has(named, needs[i].feature)) {
            x86_set_put(&c->features, needs[i].feature, false);
        }
    }
    if (name && !*vendor) {
        for (int i = 0; i < 3; i++) {
            st_le32((uint8_t *)vendor + 4 * i, name->reg[CPUID_EBX + i]);
        }
    }
    if (advice && *spinlocks == HYPERV_NO_SPINLOCKS) {
        *spinlocks = advice->reg[CPUID_EBX];
    }
}

char *x86_hyperv_crash(Cpu *cpu)
{
    const uint64_t *p = ((const X86State *)cpu->state)->hv_crash;

    return g_strdup_printf("{\"type\": \"hyper-v\", \"arg1\": %" PRIu64 ", \"arg2\": %" PRIu64 ", \"arg3\": %" PRIu64
                           ", \"arg4\": %" PRIu64 ", \"arg5\": %" PRIu64 "}", p[0], p[1], p[2], p[3], p[4]);
}

bool x86_hyperv_check(const X86CpuConfig *c, const X86FeatureSet *lacking, const AccelX86 *caps, Error **errp)
{
    g_autoptr(GString) names = g_string_new(NULL);

    for (int f = 0; f < F__COUNT; f++) {
        if (x86_feature_of_hyperv(f) && x86_set_has(lacking, f)) {
            g_string_append_printf(names, "%s%s", names->len ? ", " : "", x86_feature_name(f));
        }
    }
    if (c->hyperv && !names->len && !x86_caps_leaf(caps, HYPERV_FEATURES, 0)) {
        g_string_append(names, "enlightenments");
    }
    if (names->len) {
        error_set(errp, ERR_UNSUPPORTED, "Hyper-V's %s: the kernel's KVM does not have that", names->str);
        error_hint(errp, x86_caps_leaf(caps, HYPERV_FEATURES, 0) ? "some need kernel-irqchip=split or on"
                                                                 : "it was built without Hyper-V (KVM_CAP_HYPERV)");
        return false;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(needs); i++) {
        if (x86_has(c, needs[i].feature) && !x86_has(c, needs[i].needs)) {
            error_set(errp, ERR_INVALID_PARAMETER, "Hyper-V's %s needs %s", x86_feature_name(needs[i].feature),
                      x86_feature_name(needs[i].needs));
            return false;
        }
    }
    return true;
}
