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

/* count registers in a row, in a field of so many elements; feature: F_ + 1, without which guests do not have it; 0: all. */
typedef struct MsrRow {
    uint32_t first, count;
    uint32_t offset;
    uint16_t feature;
} MsrRow;
#define ONE(n, field) {n, 1, offsetof(X86State, field), 0}
#define OF(n, field, feature) {n, 1, offsetof(X86State, field), F_##feature + 1}

#define OF_HYPERV UINT16_MAX /* any of its features */
#define OF_SMM (UINT16_MAX - 1) /* the kernel has system management mode */

static const MsrRow rows[] = {
    ONE(0xc0000081, star), ONE(0xc0000082, lstar), ONE(0xc0000083, cstar), ONE(0xc0000084, sfmask),
    ONE(0xc0000102, kernel_gs_base), ONE(0xc0000103, tsc_aux), ONE(0x174, sysenter_cs), ONE(0x175, sysenter_esp),
    ONE(0x176, sysenter_eip), ONE(0x277, pat), ONE(0x1a0, misc_enable), ONE(0x48, spec_ctrl),
    ONE(0x2ff, mtrr_def_type), ONE(0x250, mtrr_fixed[0]), {0x258, 2, offsetof(X86State, mtrr_fixed[1])},
    {0x268, 8, offsetof(X86State, mtrr_fixed[3])}, ONE(0x17a, mcg_status), ONE(0x17b, mcg_ctl),
    {0x400, 40, offsetof(X86State, mc_bank)}, ONE(0x4b564d00, kvm_wall_clock), ONE(0x4b564d01, kvm_system_time),
    OF(0x4b564d03, kvm_steal_time, KVM_STEAL_TIME), ONE(0x4b564d04, kvm_pv_eoi),
    OF(0x4b564d05, kvm_poll_control, KVM_POLL_CONTROL), OF(0x4b564d06, kvm_async_pf_int, KVM_ASYNCPF_INT),
    OF(0x4b564d02, kvm_async_pf_en, KVM_ASYNCPF), OF(0x3b, tsc_adjust, TSC_ADJUST), ONE(0x1d9, debugctl),
    ONE(0x140, misc_features), ONE(0x1fc, power_ctl), ONE(0xc0010015, hwcr), OF(0xc001011f, virt_spec_ctrl, VIRT_SSBD),
    OF(0x122, tsx_ctrl, TSX_CTRL), OF(0xe1, umwait_control, WAITPKG), OF(0xda0, xss, XSAVES), OF(0x1c4, xfd, XFD),
    OF(0x1c5, xfd_err, XFD), {0x9e, 1, offsetof(X86State, smbase), OF_SMM},
    /* The guest's name first: without it the kernel takes no page for hypercalls. */
    {0x40000000, 1, offsetof(X86State, hv_guest_os_id), OF_HYPERV},
    {0x40000001, 1, offsetof(X86State, hv_hypercall), OF_HYPERV}, OF(0x40000010, hv_runtime, HV_RUNTIME),
    OF(0x40000021, hv_reference_tsc, HV_TIME), OF(0x40000073, hv_vp_assist_page, HV_VAPIC),
    OF(0x40000080, hv_scontrol, HV_SYNIC), OF(0x40000082, hv_siefp, HV_SYNIC), OF(0x40000083, hv_simp, HV_SYNIC),
    {0x40000090, 16, offsetof(X86State, hv_sint), F_HV_SYNIC + 1},
    {0x400000b0, 8, offsetof(X86State, hv_stimer), F_HV_STIMER + 1},
    {0x40000100, 5, offsetof(X86State, hv_crash), F_HV_CRASH + 1}, OF(0x40000105, hv_crash_ctl, HV_CRASH),
    OF(0x40000106, hv_reenlightenment, HV_REENLIGHTENMENT),
    OF(0x40000107, hv_tsc_emulation_control, HV_REENLIGHTENMENT),
    OF(0x40000108, hv_tsc_emulation_status, HV_REENLIGHTENMENT),
};
#define MTRR_FIRST 0x200u
#define MTRR_LAST 0x20fu

/* Why others that a kernel lists (KVM_GET_MSR_INDEX_LIST) are not here. */
static const struct {
    uint32_t first, last;
} elsewhere[] = {
    {0x10, 0x10}, {0x11, 0x12}, {0x6e0, 0x6e0}, /* clock.c; kvmclock by its old numbers; the local APIC's */
    {0x34, 0x34}, {0x8b, 0x8b}, {0xce, 0xce}, {0x10a, 0x10a}, {0x345, 0x345}, /* say what the processor is */
    {0x3a, 0x3a}, {0x480, 0x493}, {0xc0010117, 0xc0010117}, {0xc0000104, 0xc0000104}, /* virtual machines in the guest */
    {0xc1, 0xc8}, {0x186, 0x18d}, {0x309, 0x30c}, {0x329, 0x329}, {0x38d, 0x390}, {0x3f1, 0x3f2}, {0x4c1, 0x4c8}, {0x600, 0x600},
    {0xc0010000, 0xc0010007}, {0xc0010200, 0xc001020b}, {0xc0000300, 0xc0000303}, /* PMU: guests have none */
    {0x560, 0x561}, {0x570, 0x572}, {0x580, 0x587}, {0x14ce, 0x14cf}, /* trace, branch records: the same */
    {0x1db, 0x1de}, /* of the last branch: the next one writes it */
    {0xd90, 0xd90}, {0x6a0, 0x6a8}, {0x8c, 0x8f}, {0x1c8, 0x1c9}, /* MPX, CET, SGX, LBR: not given */
    {0x4b564d07, 0x4b564d08}, /* an acknowledgement; migration of encrypted guests */
    {0x40000002, 0x4000000f}, {0x40000011, 0x40000020}, {0x40000022, 0x40000072}, /* of Hyper-V: constants, clocks, the APIC */
    {0x40000081, 0x40000081}, {0x40000084, 0x40000084}, /* the version, the end of a message */
    {0x400000f1, 0x400000ff}, {0x40000109, 0x400001ff}, /* of Hyper-V: debugging is not given */
    {0xc0000080, 0xc0000080}, {0xc0000100, 0xc0000101}, {0x1b, 0x1b}, /* with segments and control registers */
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

static bool row_given(const KvmVcpu *v, const X86CpuConfig *c, const MsrRow *row)
{
    switch (row->feature) {
    case 0:
        return true;
    case OF_HYPERV:
        return c->hyperv;
    case OF_SMM:
        return v->km->smm;
    default:
        return x86_has(c, row->feature - 1);
    }
}

void kvm_msrs_init(KvmVcpu *v)
{
    uint64_t mce_cap = 10 | 1u << 8; /* the banks that X86State has, and MCG_CTL */

    const X86CpuConfig *c = x86_cpu_config(v->cpu);

    kvm_ioctl(v->fd, KVM_X86_SETUP_MCE, &mce_cap); /* without: the registers are not there, and not saved */
    if (x86_has(c, F_ARCH_CAPABILITIES)) { /* otherwise it is the host's, whatever the model is */
        MsrBuffer b = {.head = {.nmsrs = 1}, .entry = {{.index = 0x10a, .data = c->arch_capabilities}}};
        kvm_ioctl(v->fd, KVM_SET_MSRS, &b);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (uint32_t n = 0; row_given(v, c, &rows[i]) && n < rows[i].count; n++) {
            try_msr(v, rows[i].first + n, rows[i].offset + n * sizeof(uint64_t));
        }
    }
    for (unsigned n = 0; n < 8; n++) {
        try_msr(v, 0x200 + 2 * n, offsetof(X86State, mtrr_base) + n * sizeof(uint64_t));
        try_msr(v, 0x201 + 2 * n, offsetof(X86State, mtrr_mask) + n * sizeof(uint64_t));
    }
}

static bool known(uint32_t index)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (index - rows[i].first < rows[i].count) {
            return true;
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(elsewhere); i++) {
        if (index >= elsewhere[i].first && index <= elsewhere[i].last) {
            return true;
        }
    }
    return index >= MTRR_FIRST && index <= MTRR_LAST;
}

void kvm_msrs_unsaved(const KvmMachine *km, GString *out)
{
    enum { MOST = 1024 };
    g_autofree struct kvm_msr_list *l = g_malloc0(sizeof(*l) + MOST * sizeof(l->indices[0]));

    l->nmsrs = MOST;
    if (kvm_ioctl(km->dev_fd, KVM_GET_MSR_INDEX_LIST, l) < 0) {
        return;
    }
    for (uint32_t i = 0; i < l->nmsrs; i++) {
        if (!known(l->indices[i])) {
            g_string_append_printf(out, " %x", l->indices[i]);
        }
    }
}

/* ---- to and fro ---- */

/* The kernel's values, in the order of v->msrs; how many there are. */
static int get_all(KvmVcpu *v, MsrBuffer *b)
{
    b->head.nmsrs = v->n_msrs;
    for (unsigned i = 0; i < v->n_msrs; i++) {
        b->entry[i].index = v->msrs[i].index;
    }
    return kvm_ioctl(v->fd, KVM_GET_MSRS, b);
}

void kvm_pull_msrs(KvmVcpu *v, X86State *s)
{
    MsrBuffer b = {.head = {0}};
    int n = get_all(v, &b);

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

/* Some act when they are written, and kernels complain of some: what has its value already is left alone. */
void kvm_push_msrs(KvmVcpu *v, X86State *s)
{
    MsrBuffer b = {.head = {0}}, now = {.head = {0}};
    int n = v->known_valid ? 0 : get_all(v, &now);

    for (unsigned i = 0; i < v->n_msrs; i++) {
        uint64_t val = *field(s, &v->msrs[i]);
        bool same = v->known_valid ? val == *field(v->known, &v->msrs[i]) : (int)i < n && val == now.entry[i].data;
        if (!same) {
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
