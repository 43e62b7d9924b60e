/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SVM's other instructions and registers (APM vol 2, 15.5.2, 15.16 to 15.18, 15.30; vol 3), and the
 * intercepts that look something up: ports, MSRs, PAUSE.
 */
#include "target/i386/svm.h"

/* ---- privilege and operands ---- */

void x86_svm_privilege(X86Env *env)
{
    if (!(env->s.efer & EFER_SVME) || !x86_protected(env) || x86_v86(env)) {
        x86_ud(env);
    }
    if (env->cpl != 0) {
        x86_gp(env, 0);
    }
}

hwaddr x86_svm_operand(X86Env *env, unsigned w)
{
    uint64_t pa = env->s.gpr[R_AX] & width_mask(1u << w);

    if ((pa & 0xfff) || pa >> env->config->phys_bits) {
        x86_gp(env, 0);
    }
    return pa;
}

/* VMLOAD and VMSAVE in a guest that has them without an intercept mean its own physical memory. */
static hwaddr vmload_operand(X86Env *env, unsigned w, int access)
{
    hwaddr pa = x86_svm_operand(env, w);

    return env->s.svm_guest && env->s.svm_virt_vmload ? x86_guest_physical(env, pa, access) : pa;
}

/* ---- VMLOAD, VMSAVE ---- */

#define MSR_FIELDS(X)                                                                              \
    X(VMCB_KERNEL_GS, kernel_gs_base) X(VMCB_STAR, star) X(VMCB_LSTAR, lstar) X(VMCB_CSTAR, cstar) \
    X(VMCB_SFMASK, sfmask) X(VMCB_SYSENTER_CS, sysenter_cs) X(VMCB_SYSENTER_ESP, sysenter_esp)     \
    X(VMCB_SYSENTER_EIP, sysenter_eip)

uint64_t helper_vmload(void *opaque, uint64_t w, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    X86State *s = &env->s;
    Vmcb page, *v = &page;

    x86_svm_privilege(env);
    svm_check_insn(env, SVM_EXIT_VMLOAD, 0);
    page = vmcb_open(env, vmload_operand(env, w, MMU_READ), false);
    svm_load_seg(v, VMCB_FS, &s->seg[S_FS]);
    svm_load_seg(v, VMCB_GS, &s->seg[S_GS]);
    svm_load_seg(v, VMCB_TR, &s->tr);
    svm_load_seg(v, VMCB_LDTR, &s->ldt);
#define LOAD(field, name) s->name = vmcb_get(v, field, 8);
    MSR_FIELDS(LOAD)
#undef LOAD
    x86_update_mode(env);
    return 0;
}

uint64_t helper_vmsave(void *opaque, uint64_t w, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    const X86State *s = &env->s;
    Vmcb page, *v = &page;

    x86_svm_privilege(env);
    svm_check_insn(env, SVM_EXIT_VMSAVE, 0);
    page = vmcb_open(env, vmload_operand(env, w, MMU_WRITE), true);
    svm_save_seg(v, VMCB_FS, &s->seg[S_FS]);
    svm_save_seg(v, VMCB_GS, &s->seg[S_GS]);
    svm_save_seg(v, VMCB_TR, &s->tr);
    svm_save_seg(v, VMCB_LDTR, &s->ldt);
#define SAVE(field, name) vmcb_put(v, field, 8, s->name);
    MSR_FIELDS(SAVE)
#undef SAVE
    vmcb_written(v);
    return 0;
}

/* ---- GIF ---- */

/* A guest with a virtual GIF changes that one. */
static void set_gif(X86Env *env, bool on)
{
    X86State *s = &env->s;

    if (s->svm_int_ctl & V_GIF_ENABLE) {
        s->svm_int_ctl = on ? s->svm_int_ctl | V_GIF : s->svm_int_ctl & ~V_GIF;
    } else {
        s->gif = on;
        x86_debug_changed(env);
    }
    if (on) {
        tcg_poll(env);
    }
}

uint64_t helper_stgi(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    x86_svm_privilege(opaque);
    svm_check_insn(opaque, SVM_EXIT_STGI, 0);
    set_gif(opaque, true);
    return 0;
}

uint64_t helper_clgi(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    x86_svm_privilege(opaque);
    svm_check_insn(opaque, SVM_EXIT_CLGI, 0);
    set_gif(opaque, false);
    return 0;
}

/* ---- VMMCALL, INVLPGA ---- */

uint64_t helper_vmmcall(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    x86_ud(opaque); /* in a guest too, where it is not intercepted */
}

/* The page at rAX of the address space ECX; the host's is 0. */
uint64_t helper_invlpga(void *opaque, uint64_t w, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    uint64_t va = env->s.gpr[R_AX] & width_mask(1u << w);
    uint32_t asid = env->s.gpr[R_CX];

    x86_svm_privilege(env);
    svm_check_insn(env, SVM_EXIT_INVLPGA, 0);
    if (asid == 0) {
        tcg_tlb_flush_space_page(env, X86_SPACE_HOST, va);
    } else if (asid == env->s.svm_asid) {
        tcg_tlb_flush_space_page(env, X86_SPACE_GUEST, va);
    }
    return 0;
}

/* ---- MSRs ---- */

bool svm_write_vm_cr(X86Env *env, uint64_t v)
{
    uint64_t sticky = env->s.vm_cr & VM_CR_LOCK ? VM_CR_LOCK | VM_CR_SVMDIS : 0;

    if ((v & ~0x1full) || ((v & VM_CR_SVMDIS & ~sticky) && (env->s.efer & EFER_SVME))) {
        return false;
    }
    env->s.vm_cr = (v & ~sticky) | (env->s.vm_cr & sticky);
    return true;
}

bool svm_write_hsave(X86Env *env, uint64_t v)
{
    if ((v & 0xfff) || v >> env->config->phys_bits) {
        return false;
    }
    env->s.vm_hsave = v;
    return true;
}

/* ---- intercepts with maps ---- */

/* IN, OUT, INS, OUTS. port, info: the rest of EXITINFO1. */
uint64_t helper_svm_io(void *opaque, uint64_t port, uint64_t info, uint64_t next)
{
    X86Env *env = opaque;
    const X86State *s = &env->s;
    unsigned size = info >> SVM_IO_SIZE_SHIFT & 7, asize = 2 * (info >> SVM_IO_ASIZE_SHIFT & 7);
    uint32_t bits;

    if ((info & SVM_IO_REP) && !(s->gpr[R_CX] & width_mask(asize))) {
        return 0;
    }
    x86_check_port(env, (uint16_t)port, size);
    if (!svm_intercepts(s, SVM_EXIT_IOIO)) {
        return 0;
    }
    bits = tcg_phys_load(env, s->svm_iopm + (port >> 3), 2) >> (port & 7);
    if (bits & ((1u << size) - 1)) {
        svm_exit(env, SVM_EXIT_IOIO, info | port << SVM_IO_PORT_SHIFT, next, next);
    }
    return 0;
}

static bool msr_intercepted(X86Env *env, uint32_t msr, bool write)
{
    uint32_t range = msr >> 13, bit = (msr & 0x1fff) * 2 + write, at;

    if (range == 0) {
        at = 0;
    } else if (range == 0xc0000000u >> 13) {
        at = 0x800;
    } else if (range == 0xc0010000u >> 13) {
        at = 0x1000;
    } else {
        return true;
    }
    return tcg_phys_load(env, env->s.svm_msrpm + at + bit / 8, 1) >> (bit & 7) & 1;
}

/* RDMSR and WRMSR at CPL 0. */
uint64_t helper_svm_msr(void *opaque, uint64_t write, uint64_t next, uint64_t c)
{
    X86Env *env = opaque;

    if (svm_intercepts(&env->s, SVM_EXIT_MSR) &&
        msr_intercepted(env, (uint32_t)env->s.gpr[R_CX], write)) {
        svm_exit(env, SVM_EXIT_MSR, write, 0, next);
    }
    return 0;
}

/* ---- PAUSE with its filter (15.14.4) ---- */

uint64_t helper_svm_pause(void *opaque, uint64_t next, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    X86State *s = &env->s;
    uint64_t now;

    if (!svm_intercepts(s, SVM_EXIT_PAUSE)) {
        return 0;
    }
    if (s->svm_pause_threshold) {
        now = x86_tsc(env->cpu, s);
        if (now - s->svm_pause_tsc > s->svm_pause_threshold) {
            s->svm_pause_left = s->svm_pause_filter;
        }
        s->svm_pause_tsc = now;
    }
    if (s->svm_pause_left == 0) {
        svm_exit(env, SVM_EXIT_PAUSE, 0, 0, next);
    }
    s->svm_pause_left--;
    return 0;
}

/* What the translator found intercepted. */
uint64_t helper_svm_exit(void *opaque, uint64_t code, uint64_t info1, uint64_t next)
{
    svm_exit(opaque, code, info1, 0, next);
}
