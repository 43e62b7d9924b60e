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
#include <unistd.h>

#include "accel/kvm/kvm.h"
#include "target/i386/state.h"

#define MAX_ENTRIES 4096
#define MSR_ARCH_CAPABILITIES 0x10au
#define SUBLEAVES 64
#define TSC_DEADLINE_BIT (1u << 24)
#define KVM_CPUID_FEATURES 0x40000001u
#define KVM_FEATURE_PV_EOI 6

typedef struct kvm_cpuid2 Cpuid2;

static Cpuid2 *cpuid_new(unsigned n)
{
    Cpuid2 *c = g_malloc0(sizeof(*c) + n * sizeof(c->entries[0]));

    c->nent = n;
    return c;
}

/* ---- what the kernel can give ---- */

static Cpuid2 *supported(int fd)
{
    for (unsigned n = 128; n <= MAX_ENTRIES; n *= 2) {
        Cpuid2 *c = cpuid_new(n);
        if (kvm_ioctl(fd, KVM_GET_SUPPORTED_CPUID, c) == 0) {
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
            c->reg[CPUID_EAX] &= ~(1u << KVM_FEATURE_PV_EOI);
        }
    }
}

AccelX86 *kvm_x86_caps(Machine *m, Error **errp)
{
    int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    g_autofree Cpuid2 *c = fd < 0 ? NULL : supported(fd);

    if (!c) {
        error_set_errno(errp, errno, "KVM does not say what processors it supports");
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    AccelX86 *caps = g_malloc0(sizeof(*caps) + (c->nent + 1) * sizeof(caps->cpuid[0]));
    for (unsigned i = 0; i < c->nent; i++) {
        const struct kvm_cpuid_entry2 *e = &c->entries[i];
        caps->cpuid[caps->n++] = (AccelCpuid){
            .leaf = e->function,
            .subleaf = e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX ? e->index : 0,
            .reg = {e->eax, e->ebx, e->ecx, e->edx},
        };
    }
    caps->cpuid[caps->n++] = (AccelCpuid){.leaf = MSR_ARCH_CAPABILITIES, .subleaf = ACCEL_CPUID_MSR,
                                          .reg = {feature_msr(fd, MSR_ARCH_CAPABILITIES)}};
    const KvmMachine *km = m ? kvm_of(m) : NULL;
    apic_features(caps, km ? km->irqchip != KVM_IRQCHIP_OFF : kvm_irqchip_default(fd),
                  kvm_has(fd, KVM_CAP_TSC_DEADLINE_TIMER));
    close(fd);
    return caps;
}

/* ---- what the guest is told ---- */

typedef struct Builder {
    const X86CpuConfig *config;
    Cpuid2 *out;
} Builder;

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
    for (uint32_t leaf = 0x40000000; b.config->kvm_leaf && leaf <= 0x40000001; leaf++) {
        add_leaf(&b, leaf);
    }
    for (uint32_t leaf = 0x80000000; leaf <= MIN(b.config->xlevel, 0x800000ff); leaf++) {
        add_leaf(&b, leaf);
    }
    if (kvm_ioctl(v->fd, KVM_SET_CPUID2, c) < 0) {
        error_set_errno(errp, errno, "KVM does not take the CPUID answers of processor %d", v->cpu->index);
        return false;
    }
    return true;
}
