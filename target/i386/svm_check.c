/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which states VMRUN and #VMEXIT accept (APM vol 2, 15.5.1, 15.20, 15.25.4).
 */
#include "target/i386/svm.h"

static bool long_mode_valid(const X86CpuConfig *c, const SvmPaging *p)
{
    bool lma = (p->efer & EFER_LME) && (p->cr0 & CR0_PG);

    if (!x86_has(c, F_LM)) {
        return !(p->efer & (EFER_LME | EFER_LMA));
    }
    if (!lma) {
        return true;
    }
    return (p->cr4 & CR4_PAE) && (p->cr0 & CR0_PE) && (p->cs.attr & (SEG_L | SEG_DB)) != (SEG_L | SEG_DB);
}

bool svm_paging_valid(const X86CpuConfig *c, const SvmPaging *p, bool may_be_paged_real)
{
    bool lma = (p->efer & EFER_LME) && (p->cr0 & CR0_PG);

    if (p->cr0 >> 32 || ((p->cr0 & CR0_NW) && !(p->cr0 & CR0_CD))) {
        return false;
    }
    if ((p->cr0 & CR0_PG) && !(p->cr0 & CR0_PE) && !may_be_paged_real) {
        return false;
    }
    if (lma && p->cr3 >> c->phys_bits) {
        return false;
    }
    if ((p->cr4 & ~c->cr4_valid) || (p->efer & ~(c->efer_valid | EFER_LMA)) ||
        !(p->efer & EFER_SVME)) {
        return false;
    }
    return long_mode_valid(c, p);
}

/* A permission map of n bytes lies below the end of physical memory. */
static bool map_valid(const X86CpuConfig *c, uint64_t pa, unsigned n)
{
    pa &= ~0xfffull;
    return pa <= MASK64(0, c->phys_bits) && pa + n - 1 <= MASK64(0, c->phys_bits);
}

static bool event_valid(uint64_t event, bool lma)
{
    uint8_t vector = event & 0xff;

    if (!(event & EVENT_VALID)) {
        return true;
    }
    switch (event >> EVENT_TYPE_SHIFT & 7) {
    case EVENT_TYPE_INTR:
    case EVENT_TYPE_NMI:
    case EVENT_TYPE_SOFT:
        return true;
    case EVENT_TYPE_EXCEPTION:
        return vector < 32 && vector != EXC_NMI && !(lma && vector == EXC_BR);
    default:
        return false;
    }
}

static bool control_valid(X86Env *env, const Vmcb *v)
{
    const X86CpuConfig *c = env->config;
    bool msr = vmcb_get(v, VMCB_INTERCEPTS + 12, 4) >> (SVM_EXIT_MSR & 31) & 1;
    bool io = vmcb_get(v, VMCB_INTERCEPTS + 12, 4) >> (SVM_EXIT_IOIO & 31) & 1;

    if (!(vmcb_get(v, VMCB_INTERCEPTS + 16, 4) & 1) || !vmcb_get(v, VMCB_ASID, 4)) {
        return false;
    }
    return (!msr || map_valid(c, vmcb_get(v, VMCB_MSRPM, 8), 0x2000)) &&
           (!io || map_valid(c, vmcb_get(v, VMCB_IOPM, 8), 0x3000));
}

static bool nested_valid(X86Env *env, const Vmcb *v)
{
    const X86State *host = &env->s;

    if (!x86_has(env->config, F_NPT) || !(vmcb_get(v, VMCB_NESTED_CTL, 8) & NESTED_NP)) {
        return true;
    }
    return (host->cr0 & CR0_PG) &&
           !(vmcb_get(v, VMCB_NCR3, 8) >> (host->efer & EFER_LMA ? env->config->phys_bits : 32)) &&
           x86_pat_valid(vmcb_get(v, VMCB_G_PAT, 8));
}

bool svm_vmcb_valid(X86Env *env, const Vmcb *v)
{
    SvmPaging p = {
        .cr0 = vmcb_get(v, VMCB_CR0, 8),
        .cr3 = vmcb_get(v, VMCB_CR3, 8),
        .cr4 = vmcb_get(v, VMCB_CR4, 8),
        .efer = vmcb_get(v, VMCB_EFER, 8),
    };

    svm_load_seg(v, VMCB_CS, &p.cs);
    return control_valid(env, v) && nested_valid(env, v) &&
           svm_paging_valid(env->config, &p, true) &&
           !(vmcb_get(v, VMCB_DR6, 8) >> 32) && !(vmcb_get(v, VMCB_DR7, 8) >> 32) &&
           event_valid(vmcb_get(v, VMCB_EVENTINJ, 8),
                       (p.efer & EFER_LME) && (p.cr0 & CR0_PG) && (p.cs.attr & SEG_L));
}
