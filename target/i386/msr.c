/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model-specific registers (SDM vol 4; APM vol 2, appendix A). A register that
 * is not here, or not enabled by the model's features, is #GP(0). The local
 * APIC's registers belong to the interrupt controller of the vCPU.
 */
#include "target/i386/svm.h"

enum {
    MSR_TSC = 0x10, MSR_PLATFORM_ID = 0x17, MSR_EBL_CR_POWERON = 0x2a, MSR_SMI_COUNT = 0x34,
    MSR_TSC_ADJUST = 0x3b, MSR_SPEC_CTRL = 0x48, MSR_PRED_CMD = 0x49, MSR_UCODE_WRITE = 0x79,
    MSR_UCODE_REV = 0x8b, MSR_MTRRCAP = 0xfe, MSR_ARCH_CAPABILITIES = 0x10a, MSR_FLUSH_CMD = 0x10b,
    MSR_SYSENTER_CS = 0x174, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP, MSR_MCG_CAP = 0x179,
    MSR_MCG_STATUS, MSR_MCG_CTL, MSR_PERF_STATUS = 0x198, MSR_MISC_ENABLE = 0x1a0,
    MSR_DEBUGCTL = 0x1d9, MSR_MTRR_PHYSBASE0 = 0x200, MSR_MTRR_FIX64K = 0x250,
    MSR_MTRR_FIX16K = 0x258, MSR_MTRR_FIX4K = 0x268, MSR_PAT = 0x277, MSR_MTRR_DEF_TYPE = 0x2ff,
    MSR_MC0_CTL = 0x400, MSR_TSC_DEADLINE = 0x6e0, MSR_X2APIC_FIRST = 0x800,
    MSR_X2APIC_LAST = 0x8ff, MSR_XSS = 0xda0,
};
#define MSR_EFER 0xc0000080u
#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define MSR_CSTAR 0xc0000083u
#define MSR_SFMASK 0xc0000084u
#define MSR_FS_BASE 0xc0000100u
#define MSR_GS_BASE 0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define MSR_TSC_AUX 0xc0000103u
#define MSR_KVM_WALL_CLOCK 0x4b564d00u
#define MSR_KVM_SYSTEM_TIME 0x4b564d01u
#define MSR_KVM_STEAL_TIME 0x4b564d03u
#define MSR_KVM_PV_EOI 0x4b564d04u
#define MSR_KVM_POLL_CONTROL 0x4b564d05u
/* Machine checks: QEMU's banks. Nothing is ever reported in them. */
#define MC_BANKS 10u
#define MCG_CTL_P (1u << 8)
#define MCG_SER_P (1u << 24)

/* AMD registers that systems program at boot and that do nothing here. */
static bool amd_ignored(const X86Env *env, uint32_t msr)
{
    if (env->config->vendor != X86_VENDOR_AMD) {
        return false;
    }
    switch (msr) {
    case 0xc0010000 ... 0xc0010007: /* PERF_CTL0..3, PERF_CTR0..3: nothing is counted */
    case 0xc0010010: /* SYSCFG */
    case 0xc0010015: /* HWCR */
    case 0xc001001a: /* TOP_MEM */
    case 0xc001001d: /* TOP_MEM2 */
    case 0xc001001f: /* NB_CFG */
    case 0xc0010055: /* INTERRUPT_PENDING */
    case 0xc0010112: /* SMM_ADDR */
    case 0xc0010113: /* SMM_MASK */
    case 0xc0011020: /* LS_CFG */
    case 0xc0011022: /* DC_CFG */
    case 0xc0011023: /* BU_CFG */
    case 0xc0011029: /* DE_CFG */
    case 0xc001102a: /* BU_CFG2 */
        return true;
    default:
        return false;
    }
}

/* ---- plain 64-bit fields ---- */

enum { ANY, CANONICAL };
typedef struct PlainMsr {
    uint32_t msr;
    uint16_t offset; /* in X86State */
    uint8_t check;
    uint16_t feature; /* F__COUNT: always there */
} PlainMsr;
#define PLAIN(m, field, check, feature) {m, offsetof(X86State, field), check, feature}

static const PlainMsr plain[] = {
    PLAIN(MSR_STAR, star, ANY, F_SYSCALL),
    PLAIN(MSR_LSTAR, lstar, CANONICAL, F_LM),
    PLAIN(MSR_CSTAR, cstar, CANONICAL, F_LM),
    PLAIN(MSR_SFMASK, sfmask, ANY, F_LM),
    PLAIN(MSR_FS_BASE, seg[S_FS].base, CANONICAL, F_LM),
    PLAIN(MSR_GS_BASE, seg[S_GS].base, CANONICAL, F_LM),
    PLAIN(MSR_KERNEL_GS_BASE, kernel_gs_base, CANONICAL, F_LM),
    PLAIN(MSR_SYSENTER_CS, sysenter_cs, ANY, F_SEP),
    PLAIN(MSR_SYSENTER_ESP, sysenter_esp, CANONICAL, F_SEP),
    PLAIN(MSR_SYSENTER_EIP, sysenter_eip, CANONICAL, F_SEP),
    PLAIN(MSR_MISC_ENABLE, misc_enable, ANY, F__COUNT),
    PLAIN(MSR_MTRR_DEF_TYPE, mtrr_def_type, ANY, F_MTRR),
    PLAIN(MSR_MCG_STATUS, mcg_status, ANY, F_MCA),
    PLAIN(MSR_MCG_CTL, mcg_ctl, ANY, F_MCA),
};

static uint64_t *plain_field(X86Env *env, uint32_t msr, bool *canonical)
{
    for (unsigned i = 0; i < ARRAY_LEN(plain); i++) {
        if (plain[i].msr == msr) {
            if (plain[i].feature != F__COUNT && !x86_has(env->config, plain[i].feature)) {
                return NULL;
            }
            *canonical = plain[i].check == CANONICAL;
            return (uint64_t *)((char *)&env->s + plain[i].offset);
        }
    }
    return NULL;
}

/* ---- ranges ---- */

static uint64_t *mtrr_field(X86Env *env, uint32_t msr)
{
    X86State *s = &env->s;

    if (!x86_has(env->config, F_MTRR)) {
        return NULL;
    }
    if (msr >= MSR_MTRR_PHYSBASE0 && msr < MSR_MTRR_PHYSBASE0 + 16) {
        unsigned n = (msr - MSR_MTRR_PHYSBASE0) / 2;
        return msr & 1 ? &s->mtrr_mask[n] : &s->mtrr_base[n];
    }
    if (msr == MSR_MTRR_FIX64K) {
        return &s->mtrr_fixed[0];
    }
    if (msr == MSR_MTRR_FIX16K || msr == MSR_MTRR_FIX16K + 1) {
        return &s->mtrr_fixed[1 + msr - MSR_MTRR_FIX16K];
    }
    if (msr >= MSR_MTRR_FIX4K && msr < MSR_MTRR_FIX4K + 8) {
        return &s->mtrr_fixed[3 + msr - MSR_MTRR_FIX4K];
    }
    return NULL;
}

static uint64_t *mc_field(X86Env *env, uint32_t msr)
{
    if (!x86_has(env->config, F_MCA) || msr < MSR_MC0_CTL || msr >= MSR_MC0_CTL + MC_BANKS * 4) {
        return NULL;
    }
    return &env->s.mc_bank[msr - MSR_MC0_CTL];
}

/*
 * Of a machine that came from KVM: its clock, whose shared page goes by the TSC and stays right; and the word by which
 * an interrupt could be ended, which says that it cannot unless the kernel injects one.
 */
static uint64_t *kvm_field(X86Env *env, uint32_t msr)
{
    if (!env->config->kvm_leaf) {
        return NULL;
    }
    return msr == MSR_KVM_WALL_CLOCK    ? &env->s.kvm_wall_clock
           : msr == MSR_KVM_SYSTEM_TIME ? &env->s.kvm_system_time
           : msr == MSR_KVM_PV_EOI      ? &env->s.kvm_pv_eoi
           : msr == MSR_KVM_STEAL_TIME  ? &env->s.kvm_steal_time
           : msr == MSR_KVM_POLL_CONTROL ? &env->s.kvm_poll_control
                                        : NULL;
}

static uint64_t *range_field(X86Env *env, uint32_t msr)
{
    uint64_t *p = mtrr_field(env, msr);

    p = p ? p : kvm_field(env, msr);

    return p ? p : mc_field(env, msr);
}

static bool intc_owns(uint32_t msr)
{
    return msr == X86_INTC_APICBASE || (msr >= MSR_X2APIC_FIRST && msr <= MSR_X2APIC_LAST);
}

static bool has_spec_ctrl(const X86CpuConfig *c)
{
    return x86_has(c, F_SPEC_CTRL) || x86_has(c, F_STIBP) || x86_has(c, F_SSBD) ||
           x86_has(c, F_IBRS) || x86_has(c, F_AMD_STIBP) || x86_has(c, F_AMD_SSBD);
}

/* ---- read ---- */

/* Constants and computed values. */
static bool read_special(X86Env *env, uint32_t msr, uint64_t *v)
{
    const X86CpuConfig *c = env->config;

    switch (msr) {
    case MSR_TSC:
        *v = x86_read_tsc(env);
        return true;
    case MSR_PLATFORM_ID:
    case MSR_EBL_CR_POWERON:
    case MSR_SMI_COUNT:
    case MSR_PERF_STATUS:
    case MSR_DEBUGCTL:
        *v = 0;
        return true;
    case MSR_UCODE_REV:
        *v = c->ucode_rev;
        return true;
    case MSR_MTRRCAP:
        *v = 8 | 1 << 8 | 1 << 10;
        return x86_has(c, F_MTRR);
    case MSR_MCG_CAP:
        *v = MC_BANKS | MCG_CTL_P | MCG_SER_P;
        return x86_has(c, F_MCA);
    case MSR_ARCH_CAPABILITIES:
        *v = c->arch_capabilities;
        return x86_has(c, F_ARCH_CAPABILITIES);
    case MSR_XSS:
        *v = 0;
        return x86_has(c, F_XSAVES);
    default:
        *v = 0;
        return amd_ignored(env, msr);
    }
}

bool x86_msr_read(X86Env *env, uint32_t msr, uint64_t *v)
{
    const CpuIntcOps *intc = env->cpu->intc;
    const X86State *s = &env->s;
    bool canonical;
    uint64_t *p = plain_field(env, msr, &canonical);

    p = p ? p : range_field(env, msr);
    if (p) {
        *v = *p;
        return true;
    }
    if (intc_owns(msr)) {
        return intc && intc->sysreg_read && intc->sysreg_read(env->cpu->intc_opaque, msr, v);
    }
    switch (msr) {
    case MSR_EFER:
        *v = s->efer;
        return true;
    case MSR_PAT:
        *v = s->pat;
        return x86_has(env->config, F_PAT);
    case MSR_TSC_ADJUST:
        *v = s->tsc_adjust;
        return x86_has(env->config, F_TSC_ADJUST);
    case MSR_TSC_AUX:
        *v = s->tsc_aux;
        return x86_has(env->config, F_RDTSCP) || x86_has(env->config, F_RDPID);
    case MSR_TSC_DEADLINE:
        *v = s->tsc_deadline;
        if (intc && intc->sysreg_read) {
            intc->sysreg_read(env->cpu->intc_opaque, msr, v); /* 0 once the timer has fired */
        }
        return x86_has(env->config, F_TSC_DEADLINE);
    case MSR_TSC_RATIO:
        *v = s->tsc_ratio;
        return x86_has(env->config, F_TSC_SCALE);
    case MSR_VM_CR:
        *v = s->vm_cr;
        return x86_has(env->config, F_SVM);
    case MSR_VM_HSAVE_PA:
        *v = s->vm_hsave;
        return x86_has(env->config, F_SVM);
    case MSR_SPEC_CTRL:
        *v = s->spec_ctrl;
        return has_spec_ctrl(env->config);
    default:
        return read_special(env, msr, v);
    }
}

/* ---- write ---- */

static bool write_efer(X86Env *env, uint64_t v)
{
    uint64_t old = env->s.efer;

    v &= ~(uint64_t)EFER_LMA;
    if ((v & EFER_SVME) && (env->s.vm_cr & VM_CR_SVMDIS)) {
        return false;
    }
    if ((v & ~env->config->efer_valid) || (((old ^ v) & EFER_LME) && (env->s.cr0 & CR0_PG))) {
        return false;
    }
    env->s.efer = v | (old & EFER_LMA);
    if ((old ^ v) & EFER_NXE) {
        tcg_tlb_flush(env);
    }
    x86_update_mode(env);
    return true;
}

bool x86_pat_valid(uint64_t pat)
{
    for (int i = 0; i < 8; i++) {
        uint8_t type = pat >> i * 8;
        if (type > 7 || type == 2 || type == 3) {
            return false;
        }
    }
    return true;
}

static bool write_pat(X86Env *env, uint64_t v)
{
    if (!x86_pat_valid(v)) {
        return false;
    }
    env->s.pat = v;
    return true;
}

static void write_tsc(X86Env *env, uint64_t v)
{
    uint64_t delta = v - x86_tsc(env->cpu, &env->s);

    env->s.tsc_offset += (int64_t)delta;
    env->s.tsc_adjust += delta;
    x86_publish_tsc(env->cpu, &env->s);
}

static bool write_deadline(X86Env *env, uint64_t v)
{
    const CpuIntcOps *intc = env->cpu->intc;

    if (!x86_has(env->config, F_TSC_DEADLINE)) {
        return false;
    }
    env->s.tsc_deadline = v;
    if (intc && intc->sysreg_write) {
        intc->sysreg_write(env->cpu->intc_opaque, MSR_TSC_DEADLINE, v);
    }
    return true;
}

/* Commands and registers whose writes have no effect here. */
static bool write_special(X86Env *env, uint32_t msr, uint64_t v)
{
    const X86CpuConfig *c = env->config;

    switch (msr) {
    case MSR_PRED_CMD:
        return !(v & ~1ull) && (x86_has(c, F_SPEC_CTRL) || x86_has(c, F_IBPB));
    case MSR_FLUSH_CMD:
        return !(v & ~1ull) && x86_has(c, F_FLUSH_L1D);
    case MSR_UCODE_WRITE:
    case MSR_UCODE_REV:
    case MSR_EBL_CR_POWERON:
    case MSR_DEBUGCTL:
        return true;
    case MSR_XSS:
        return v == 0 && x86_has(c, F_XSAVES);
    default:
        return amd_ignored(env, msr);
    }
}

static bool write_fields(X86Env *env, uint32_t msr, uint64_t v, bool *known)
{
    bool canonical = false;
    uint64_t *p = plain_field(env, msr, &canonical);

    p = p ? p : range_field(env, msr);
    *known = p != NULL;
    if (!p) {
        return false;
    }
    if (canonical && !x86_canonical(env, v)) {
        return false;
    }
    if (msr == MSR_MCG_CTL || (mc_field(env, msr) && !(msr & 3))) {
        if (v != 0 && v != UINT64_MAX) {
            return true; /* SDM vol 3, 16.3.1.3, 16.3.2.1: what else there is to write is not defined, and ignored */
        }
    } else if (mc_field(env, msr) && v) {
        return false; /* status, address and more of it may only be cleared (16.3.2.2 to 16.3.2.4) */
    }
    *p = v;
    return true;
}

bool x86_msr_write(X86Env *env, uint32_t msr, uint64_t v)
{
    const CpuIntcOps *intc = env->cpu->intc;
    const X86CpuConfig *c = env->config;
    bool known, ok = write_fields(env, msr, v, &known);

    if (known) {
        return ok;
    }
    if (intc_owns(msr)) {
        ok = intc && intc->sysreg_write && intc->sysreg_write(env->cpu->intc_opaque, msr, v);
        tcg_poll(env);
        return ok;
    }
    switch (msr) {
    case MSR_EFER:
        return write_efer(env, v);
    case MSR_PAT:
        return x86_has(c, F_PAT) && write_pat(env, v);
    case MSR_TSC:
        write_tsc(env, v);
        return true;
    case MSR_TSC_ADJUST:
        if (!x86_has(c, F_TSC_ADJUST)) {
            return false;
        }
        env->s.tsc_offset += (int64_t)(v - env->s.tsc_adjust);
        x86_publish_tsc(env->cpu, &env->s);
        env->s.tsc_adjust = v;
        return true;
    case MSR_TSC_AUX:
        if (v >> 32 || !(x86_has(c, F_RDTSCP) || x86_has(c, F_RDPID))) {
            return false;
        }
        env->s.tsc_aux = v;
        return true;
    case MSR_TSC_DEADLINE:
        return write_deadline(env, v);
    case MSR_TSC_RATIO:
        if (v >> 40 || !x86_has(c, F_TSC_SCALE)) {
            return false;
        }
        env->s.tsc_ratio = v;
        return true;
    case MSR_VM_CR:
        return x86_has(c, F_SVM) && svm_write_vm_cr(env, v);
    case MSR_VM_HSAVE_PA:
        return x86_has(c, F_SVM) && svm_write_hsave(env, v);
    case MSR_SPEC_CTRL:
        if ((v & ~7ull) || !has_spec_ctrl(c)) {
            return false;
        }
        env->s.spec_ctrl = v;
        return true;
    default:
        return write_special(env, msr, v);
    }
}

/* ---- instructions ---- */

uint64_t helper_rdmsr(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    uint32_t msr = (uint32_t)env->s.gpr[R_CX];
    uint64_t v = 0;

    if (env->cpl != 0) {
        x86_gp(env, 0);
    }
    if (!x86_msr_read(env, msr, &v)) {
        log_mask(LOG_UNIMP, "rdmsr of %08x: #GP\n", msr);
        x86_gp(env, 0);
    }
    env->s.gpr[R_AX] = (uint32_t)v;
    env->s.gpr[R_DX] = v >> 32;
    return 0;
}

uint64_t helper_wrmsr(void *opaque, uint64_t next, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    uint32_t msr = (uint32_t)env->s.gpr[R_CX];
    uint64_t v = (uint32_t)env->s.gpr[R_AX] | env->s.gpr[R_DX] << 32;

    if (env->cpl != 0) {
        x86_gp(env, 0);
    }
    if (!x86_msr_write(env, msr, v)) {
        log_mask(LOG_UNIMP, "wrmsr of %08x = %016" G_GINT64_MODIFIER "x: #GP\n", msr, (guint64)v);
        x86_gp(env, 0);
    }
    env->s.rip = next;
    return 0;
}
