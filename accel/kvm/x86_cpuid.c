/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUID: what the kernel can give (KVM_GET_SUPPORTED_CPUID), and what the guest is told (KVM_SET_CPUID2): the answers of
 * the model, which target/i386 computes.
 *
 * home: main loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "accel/kvm/kvm.h"
#include "base/os/hostcpu.h"
#include "target/i386/state.h"

#define MAX_ENTRIES 4096
#define MSR_ARCH_CAPABILITIES 0x10au
#define SUBLEAVES 64
#define TSC_DEADLINE_BIT (1u << 24)
#define MONITOR_BIT (1u << 3)
#define KVM_CPUID_FEATURES 0x40000001u
/* KVM_FEATURE_ASYNC_PF, PV_EOI, PV_UNHALT, PV_SEND_IPI, PV_SCHED_YIELD, ASYNC_PF_INT. */
#define NEED_APICS (1u << 4 | 1u << 6 | 1u << 7 | 1u << 11 | 1u << 13 | 1u << 14)
#define HV_SYNIC (1u << 2)
#define HV_STIMER (1u << 3)
#define HV_VAPIC (1u << 4)
#define HV_IPI (1u << 10)
#define ARCH_REQ_XCOMP_GUEST_PERM 0x1025 /* Linux, Documentation/arch/x86/xstate.rst */
#define TILEDATA 18

typedef struct kvm_cpuid2 Cpuid2;

static Cpuid2 *cpuid_new(unsigned n)
{
    Cpuid2 *c = g_malloc0(sizeof(*c) + n * sizeof(c->entries[0]));

    c->nent = n;
    return c;
}

/* ---- what the kernel can give ---- */

static Cpuid2 *ask(int fd, unsigned long request)
{
    for (unsigned n = 128; n <= MAX_ENTRIES; n *= 2) {
        Cpuid2 *c = cpuid_new(n);
        if (kvm_ioctl(fd, request, c) == 0) {
            return c;
        }
        g_free(c);
        if (errno != E2BIG) {
            break;
        }
    }
    return NULL;
}

/* The low half of a feature MSR; 0: the kernel has none of it. */
static uint32_t feature_msr(int fd, uint32_t index)
{
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entry;
    } m = {.head = {.nmsrs = 1}, .entry = {.index = index}};

    return kvm_has(fd, KVM_CAP_GET_MSR_FEATURES) && kvm_ioctl(fd, KVM_GET_MSRS, &m) == 1 ? (uint32_t)m.entry.data : 0;
}

/* What comes with local APICs in the kernel: the TSC-deadline timer, and ends of interrupts in shared memory. */
static void apic_features(AccelX86 *caps, bool there, bool deadline)
{
    for (unsigned i = 0; i < caps->n; i++) {
        AccelCpuid *c = &caps->cpuid[i];
        if (c->leaf == 1) {
            c->reg[CPUID_ECX] &= ~TSC_DEADLINE_BIT;
            c->reg[CPUID_ECX] |= there && deadline ? TSC_DEADLINE_BIT : 0;
        } else if (c->leaf == KVM_CPUID_FEATURES && !there) {
            c->reg[CPUID_EAX] &= ~NEED_APICS;
        } else if (c->leaf == HYPERV_FEATURES && !there) {
            c->reg[CPUID_EAX] &= ~(HV_VAPIC | HV_SYNIC | HV_STIMER);
        } else if (c->leaf == HYPERV_ADVICE && !there) {
            c->reg[CPUID_EAX] &= ~HV_IPI;
        }
    }
}

/*
 * MONITOR and MWAIT are for guests whose waiting stays in them, and then as the host has them: leaf 5 is the host's, for
 * which there is room behind the others.
 */
static void waiting_features(AccelX86 *caps, bool there)
{
    AccelCpuid *five = NULL;

    for (unsigned i = 0; i < caps->n; i++) {
        AccelCpuid *c = &caps->cpuid[i];
        if (c->leaf == 1) {
            c->reg[CPUID_ECX] = (c->reg[CPUID_ECX] & ~MONITOR_BIT) | (there ? MONITOR_BIT : 0);
        }
        five = c->leaf == 5 ? c : five;
    }
    five = five ? five : &caps->cpuid[caps->n++];
    *five = (AccelCpuid){.leaf = 5};
    if (there) {
        os_host_cpuid(5, 0, five->reg);
    }
}

/* Guests may use AMX's registers, which are large, only if the process asked for it. */
static void ask_for_tiles(int fd)
{
#ifdef KVM_X86_XCOMP_GUEST_SUPP
    uint64_t components = 0;
    struct kvm_device_attr attr = {.attr = KVM_X86_XCOMP_GUEST_SUPP, .addr = (uintptr_t)&components};

    if (kvm_has(fd, KVM_CAP_SYS_ATTRIBUTES) && kvm_ioctl(fd, KVM_GET_DEVICE_ATTR, &attr) == 0 &&
        (components >> TILEDATA & 1)) {
        syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_GUEST_PERM, TILEDATA); /* refused: CPUID does not list them */
    }
#endif
}

AccelX86 *kvm_x86_caps(Machine *m, Error **errp)
{
    int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

    if (fd >= 0) {
        ask_for_tiles(fd);
    }
    g_autofree Cpuid2 *c = fd < 0 ? NULL : ask(fd, KVM_GET_SUPPORTED_CPUID);
    g_autofree Cpuid2 *hv = fd < 0 || !kvm_has(fd, KVM_CAP_SYS_HYPERV_CPUID) ? NULL : ask(fd, KVM_GET_SUPPORTED_HV_CPUID);

    if (!c) {
        error_set_errno(errp, errno, "KVM does not say what processors it supports");
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    AccelX86 *caps = g_malloc0(sizeof(*caps) + (c->nent + 2 + (hv ? hv->nent : 0)) * sizeof(caps->cpuid[0]));
    for (unsigned i = 0; i < c->nent; i++) {
        const struct kvm_cpuid_entry2 *e = &c->entries[i];
        caps->cpuid[caps->n++] = (AccelCpuid){
            .leaf = e->function,
            .subleaf = e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX ? e->index : 0,
            .reg = {e->eax, e->ebx, e->ecx, e->edx},
        };
    }
    for (unsigned i = 0; hv && i < hv->nent; i++) {
        const struct kvm_cpuid_entry2 *e = &hv->entries[i];
        if (e->function == HYPERV_FEATURES || e->function == HYPERV_ADVICE || e->function == HYPERV_FIRST_LEAF) {
            caps->cpuid[caps->n++] = (AccelCpuid){.leaf = e->function, .reg = {e->eax, e->ebx, e->ecx, e->edx},
                                                  .subleaf = e->function == HYPERV_FIRST_LEAF ? ACCEL_CPUID_HYPERV : 0};
        }
    }
    caps->cpuid[caps->n++] = (AccelCpuid){.leaf = MSR_ARCH_CAPABILITIES, .subleaf = ACCEL_CPUID_MSR,
                                          .reg = {feature_msr(fd, MSR_ARCH_CAPABILITIES)}};
    const KvmMachine *km = m ? kvm_of(m) : NULL;
    apic_features(caps, km ? km->irqchip != KVM_IRQCHIP_OFF : kvm_irqchip_default(fd),
                  kvm_has(fd, KVM_CAP_TSC_DEADLINE_TIMER));
    waiting_features(caps, km && (km->waits & KVM_X86_DISABLE_EXITS_MWAIT));
    close(fd);
    return caps;
}

/* ---- what the guest is told ---- */

typedef struct Builder {
    const X86CpuConfig *config;
    Cpuid2 *out;
} Builder;

/* Bytes of an XSAVE area with all components where the host has them. */
static uint32_t standard_size(const X86CpuConfig *c)
{
    uint32_t end = x86_xsave_size(XSTATE_X87, false);

    for (unsigned n = 2; n < G_N_ELEMENTS(c->xstate_offset); n++) {
        uint32_t size, at;
        x86_xsave_component((int)n, &size, &at);
        at = c->xstate_offset[n] ? c->xstate_offset[n] : at;
        end = c->xcr0_valid >> n & 1 ? MAX(end, at + size) : end;
    }
    return end;
}

static void add(Builder *b, uint32_t leaf, uint32_t subleaf, bool indexed)
{
    X86CpuidLive live = {.xcr0 = XSTATE_X87, .apic_enabled = true}; /* the kernel keeps what changes up to date */
    uint32_t r[4];

    if (b->out->nent >= MAX_ENTRIES) {
        return;
    }
    x86_cpuid(b->config, &live, leaf, subleaf, r);
    if (leaf == 0xd && subleaf >= 2 && subleaf < G_N_ELEMENTS(b->config->xstate_offset) && r[CPUID_EAX]) {
        r[CPUID_EBX] = b->config->xstate_offset[subleaf];
    }
    if (leaf == 0xd && subleaf == 0) {
        r[CPUID_ECX] = standard_size(b->config);
    }
    b->out->entries[b->out->nent++] = (struct kvm_cpuid_entry2){
        .function = leaf, .index = subleaf, .flags = indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
        .eax = r[CPUID_EAX], .ebx = r[CPUID_EBX], .ecx = r[CPUID_ECX], .edx = r[CPUID_EDX],
    };
}

/* Subleaves until one that says there are no more. */
static void add_list(Builder *b, uint32_t leaf, int reg, uint32_t mask)
{
    for (uint32_t i = 0; i < SUBLEAVES; i++) {
        add(b, leaf, i, true);
        const struct kvm_cpuid_entry2 *e = &b->out->entries[b->out->nent - 1];
        const uint32_t r[4] = {e->eax, e->ebx, e->ecx, e->edx};
        if (!(r[reg] & mask)) {
            return;
        }
    }
}

static void add_leaf(Builder *b, uint32_t leaf)
{
    switch (leaf) {
    case 4:
    case 0x8000001d:
        add_list(b, leaf, CPUID_EAX, 31);
        break;
    case 0xb:
    case 0x1f:
        add_list(b, leaf, CPUID_ECX, 0xff00);
        break;
    case 0x1d:
        add(b, leaf, 0, true);
        add(b, leaf, 1, true);
        break;
    case 7:
        for (uint32_t i = 0; i <= b->config->level_func7 && i < SUBLEAVES; i++) {
            add(b, leaf, i, true);
        }
        break;
    case 0xd:
        for (uint32_t i = 0; i < SUBLEAVES; i++) {
            if (i < 2 || (b->config->xcr0_valid >> i & 1)) {
                add(b, leaf, i, true);
            }
        }
        break;
    default:
        add(b, leaf, 0, false);
        break;
    }
}

bool kvm_set_cpuid(KvmVcpu *v, Error **errp)
{
    g_autofree Cpuid2 *c = cpuid_new(MAX_ENTRIES);
    Builder b = {.config = x86_cpu_config(v->cpu), .out = c};

    c->nent = 0;
    for (uint32_t leaf = 0; leaf <= MIN(b.config->level, 0xff); leaf++) {
        add_leaf(&b, leaf);
    }
    for (uint32_t leaf = HYPERV_FIRST_LEAF; b.config->hyperv && leaf <= HYPERV_LAST_LEAF; leaf++) {
        add_leaf(&b, leaf);
    }
    uint32_t ours = b.config->hyperv ? 0x40000100 : 0x40000000;
    for (uint32_t leaf = ours; b.config->kvm_leaf && leaf <= ours + 1; leaf++) {
        add_leaf(&b, leaf);
    }
    for (uint32_t leaf = 0x80000000; leaf <= MIN(b.config->xlevel, 0x800000ff); leaf++) {
        add_leaf(&b, leaf);
    }
    if (kvm_ioctl(v->fd, KVM_SET_CPUID2, c) < 0) {
        error_set_errno(errp, errno, "KVM does not take the CPUID answers of processor %d", v->cpu->index);
        return false;
    }
    struct kvm_enable_cap synic = {.cap = KVM_CAP_HYPERV_SYNIC2};
    if (x86_has(b.config, F_HV_SYNIC) && kvm_ioctl(v->fd, KVM_ENABLE_CAP, &synic) < 0) {
        error_set_errno(errp, errno, "-cpu hv-synic: the kernel's KVM cannot (KVM_CAP_HYPERV_SYNIC2)");
        return false;
    }
    struct kvm_enable_cap enforce = {.cap = KVM_CAP_HYPERV_ENFORCE_CPUID, .args = {1}};
    if (b.config->hyperv && b.config->hv_enforce && kvm_ioctl(v->fd, KVM_ENABLE_CAP, &enforce) < 0) {
        error_set_errno(errp, errno, "-cpu hv-enforce-cpuid: the kernel's KVM cannot (KVM_CAP_HYPERV_ENFORCE_CPUID)");
        return false;
    }
    return true;
}
