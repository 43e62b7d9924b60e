/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model-specific registers: which the kernel keeps and X86State saves, and which come to us as exits (the API,
 * KVM_GET_MSRS, KVM_X86_SET_MSR_FILTER, KVM_CAP_X86_USER_SPACE_MSR; numbers: SDM vol 4, and the kernel's
 * Documentation/virt/kvm/x86/msr.rst for KVM's own).
 *
 * home: the vCPU's thread, or any while it is parked.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "accel/kvm/kvm.h"
#include "base/log.h"
#include "target/i386/state.h"

#define X2APIC_FIRST 0x800u
#define X2APIC_LAST 0x8ffu

/* count registers in a row, in a field of so many elements. */
typedef struct MsrRow {
    uint32_t first, count;
    uint32_t offset;
} MsrRow;
#define ONE(n, field) {n, 1, offsetof(X86State, field)}

static const MsrRow rows[] = {
    ONE(0xc0000081, star), ONE(0xc0000082, lstar), ONE(0xc0000083, cstar), ONE(0xc0000084, sfmask),
    ONE(0xc0000102, kernel_gs_base), ONE(0xc0000103, tsc_aux), ONE(0x174, sysenter_cs), ONE(0x175, sysenter_esp),
    ONE(0x176, sysenter_eip), ONE(0x277, pat), ONE(0x1a0, misc_enable), ONE(0x48, spec_ctrl),
    ONE(0x2ff, mtrr_def_type), ONE(0x250, mtrr_fixed[0]), {0x258, 2, offsetof(X86State, mtrr_fixed[1])},
    {0x268, 8, offsetof(X86State, mtrr_fixed[3])}, ONE(0x17a, mcg_status), ONE(0x17b, mcg_ctl),
    {0x400, 40, offsetof(X86State, mc_bank)}, ONE(0x4b564d00, kvm_wall_clock), ONE(0x4b564d01, kvm_system_time),
    ONE(0x4b564d04, kvm_pv_eoi),
};

static uint64_t *field(X86State *s, const KvmMsr *m)
{
    return (uint64_t *)((char *)s + m->offset);
}

typedef struct MsrBuffer {
    struct kvm_msrs head;
    struct kvm_msr_entry entry[KVM_MAX_MSRS];
} MsrBuffer;

/* ---- which there are ---- */

static void try_msr(KvmVcpu *v, uint32_t index, uint32_t offset)
{
    MsrBuffer b = {.head = {.nmsrs = 1}, .entry = {{.index = index}}};

    if (v->n_msrs < KVM_MAX_MSRS && kvm_ioctl(v->fd, KVM_GET_MSRS, &b) == 1) {
        v->msrs[v->n_msrs++] = (KvmMsr){.index = index, .offset = offset};
    }
}

void kvm_msrs_init(KvmVcpu *v)
{
    uint64_t mce_cap = 10 | 1u << 8; /* the banks that X86State has, and MCG_CTL */

    kvm_ioctl(v->fd, KVM_X86_SETUP_MCE, &mce_cap); /* without: the registers are not there, and not saved */
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (uint32_t n = 0; n < rows[i].count; n++) {
            try_msr(v, rows[i].first + n, rows[i].offset + n * sizeof(uint64_t));
        }
    }
    for (unsigned n = 0; n < 8; n++) {
        try_msr(v, 0x200 + 2 * n, offsetof(X86State, mtrr_base) + n * sizeof(uint64_t));
        try_msr(v, 0x201 + 2 * n, offsetof(X86State, mtrr_mask) + n * sizeof(uint64_t));
    }
}

/* ---- to and fro ---- */

void kvm_pull_msrs(KvmVcpu *v, X86State *s)
{
    MsrBuffer b = {.head = {.nmsrs = v->n_msrs}};

    for (unsigned i = 0; i < v->n_msrs; i++) {
        b.entry[i].index = v->msrs[i].index;
    }
    int n = kvm_ioctl(v->fd, KVM_GET_MSRS, &b);
    for (int i = 0; i < n; i++) {
        *field(s, &v->msrs[i]) = b.entry[i].data;
    }
}

static void set_some(KvmVcpu *v, MsrBuffer *b)
{
    struct kvm_msr_entry *e = b->entry;

    while (b->head.nmsrs) {
        int n = kvm_ioctl(v->fd, KVM_SET_MSRS, b);
        if (n < 0 || n >= (int)b->head.nmsrs) {
            return;
        }
        log_mask(LOG_UNIMP, "KVM does not take %016" G_GINT64_MODIFIER "x for MSR %08x\n", (guint64)e[n].data, e[n].index);
        b->head.nmsrs -= n + 1;
        memmove(e, e + n + 1, b->head.nmsrs * sizeof(*e));
    }
}

void kvm_push_msrs(KvmVcpu *v, X86State *s)
{
    MsrBuffer b = {.head = {.nmsrs = 0}};

    for (unsigned i = 0; i < v->n_msrs; i++) {
        uint64_t val = *field(s, &v->msrs[i]);
        if (!v->known_valid || val != *field(v->known, &v->msrs[i])) {
            b.entry[b.head.nmsrs++] = (struct kvm_msr_entry){.index = v->msrs[i].index, .data = val};
        }
    }
    set_some(v, &b);
}

/* ---- those that are ours ---- */

bool kvm_msr_filter(KvmMachine *km, Error **errp)
{
    static const uint8_t deny[1] = {0};
    struct kvm_enable_cap cap = {
        .cap = KVM_CAP_X86_USER_SPACE_MSR,
        .args = {KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_FILTER},
    };
    if (km->irqchip != KVM_IRQCHIP_OFF) { /* the kernel's are right; who it refuses what, the log tells */
        cap.args[0] = KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN;
        kvm_ioctl(km->fd, KVM_ENABLE_CAP, &cap);
        return true;
    }
    struct kvm_msr_filter filter = {
        .flags = KVM_MSR_FILTER_DEFAULT_ALLOW,
        .ranges = {{.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE, .nmsrs = 1, .base = X86_INTC_APICBASE,
                    .bitmap = (uint8_t *)deny}},
    };

    if (kvm_ioctl(km->fd, KVM_ENABLE_CAP, &cap) < 0 || kvm_ioctl(km->fd, KVM_X86_SET_MSR_FILTER, &filter) < 0) {
        error_set(errp, ERR_UNSUPPORTED, "the kernel's KVM cannot leave MSRs to us, which interrupt controllers outside "
                  "of it need");
        error_hint(errp, "Linux 5.10 and later can");
        return false;
    }
    return true;
}

static bool controllers(const KvmVcpu *v, uint32_t msr)
{
    if (v->km->irqchip != KVM_IRQCHIP_OFF) {
        return false;
    }
    return msr == X86_INTC_APICBASE || (msr >= X2APIC_FIRST && msr <= X2APIC_LAST);
}

bool kvm_msr_read(KvmVcpu *v, uint32_t msr, uint64_t *val)
{
    Cpu *cpu = v->cpu;

    return controllers(v, msr) && cpu->intc && cpu->intc->sysreg_read && cpu->intc->sysreg_read(cpu->intc_opaque, msr, val);
}

bool kvm_msr_write(KvmVcpu *v, uint32_t msr, uint64_t val)
{
    Cpu *cpu = v->cpu;

    if (!controllers(v, msr) || !cpu->intc || !cpu->intc->sysreg_write ||
        !cpu->intc->sysreg_write(cpu->intc_opaque, msr, val)) {
        return false;
    }
    if (msr == X86_INTC_APICBASE) {
        kvm_push_apic_base(v); /* CPUID shows its enable bit */
    }
    return true;
}
