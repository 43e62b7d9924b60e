/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMRUN: from the host into a guest (APM vol 2, 15.5). The way back is svm_exit.c.
 *
 * The host's state goes to the host save area, in the layout of a VMCB, so that VMSAVE and VMLOAD
 * may use the same page. TLB entries of host and guest live under different mmu indexes (env.h): a
 * world switch flushes nothing, unless the guest's ASID changes or the VMCB asks for it. Only one
 * ASID's entries are kept.
 */
#include "target/i386/svm.h"

/* ---- segments: base and limit as they are, attributes as bits 55:52 and 47:40 of a descriptor ---- */

void svm_load_seg(const Vmcb *v, unsigned field, X86Seg *seg)
{
    uint32_t a = vmcb_get(v, field + 2, 2);

    seg->sel = vmcb_get(v, field, 2);
    seg->attr = (a & 0xff) | (a & 0xf00) << 4 | (a & SEG_P ? 0 : SEG_UNUSABLE);
    seg->limit = vmcb_get(v, field + 4, 4);
    seg->base = sign_extend64(vmcb_get(v, field + 8, 8), v->env->s.cr4 & CR4_LA57 ? 57 : 48);
}

void svm_save_seg(const Vmcb *v, unsigned field, const X86Seg *seg)
{
    uint32_t a = seg->attr & SEG_UNUSABLE ? seg->attr & ~SEG_P : seg->attr;

    vmcb_put(v, field, 2, seg->sel);
    vmcb_put(v, field + 2, 2, (a & 0xff) | (a >> 4 & 0xf00));
    vmcb_put(v, field + 4, 4, seg->limit);
    vmcb_put(v, field + 8, 8, seg->base);
}

void svm_load_paging(X86State *s, uint64_t cr0, uint64_t cr3, uint64_t cr4, uint64_t efer)
{
    s->cr0 = cr0 | CR0_ET;
    s->cr3 = cr3;
    s->cr4 = cr4;
    s->efer = efer & ~(uint64_t)EFER_LMA;
    if ((efer & EFER_LME) && (cr0 & CR0_PG)) {
        s->efer |= EFER_LMA;
    }
}

/* ---- what is saved of a world that is left ---- */

void svm_save_world(X86Env *env, const Vmcb *v, uint64_t rip)
{
    const X86State *s = &env->s;

    svm_save_seg(v, VMCB_ES, &s->seg[S_ES]);
    svm_save_seg(v, VMCB_CS, &s->seg[S_CS]);
    svm_save_seg(v, VMCB_SS, &s->seg[S_SS]);
    svm_save_seg(v, VMCB_DS, &s->seg[S_DS]);
    vmcb_put(v, VMCB_GDTR + 4, 4, s->gdt_limit);
    vmcb_put(v, VMCB_GDTR + 8, 8, s->gdt_base);
    vmcb_put(v, VMCB_IDTR + 4, 4, s->idt_limit);
    vmcb_put(v, VMCB_IDTR + 8, 8, s->idt_base);
    vmcb_put(v, VMCB_EFER, 8, s->efer);
    vmcb_put(v, VMCB_CR0, 8, s->cr0);
    vmcb_put(v, VMCB_CR3, 8, s->cr3);
    vmcb_put(v, VMCB_CR4, 8, s->cr4);
    vmcb_put(v, VMCB_RFLAGS, 8, x86_rflags(env));
    vmcb_put(v, VMCB_RIP, 8, rip);
    vmcb_put(v, VMCB_RSP, 8, s->gpr[R_SP]);
    vmcb_put(v, VMCB_RAX, 8, s->gpr[R_AX]);
}

static void save_host(X86Env *env, uint64_t next)
{
    Vmcb page = vmcb_open(env, env->s.vm_hsave, true);

    svm_save_world(env, &page, next);
    vmcb_written(&page);
}

/* ---- the control area ---- */

/* The guest's TLB entries are those of the last ASID that ran. */
static void control_tlb(X86Env *env, const Vmcb *v)
{
    uint32_t asid = vmcb_get(v, VMCB_ASID, 4);

    switch (vmcb_get(v, VMCB_TLB_CONTROL, 1)) {
    case 1:
        tcg_tlb_flush_space(env, X86_SPACE_HOST | X86_SPACE_GUEST);
        break;
    case 3:
        tcg_tlb_flush_space(env, X86_SPACE_GUEST);
        break;
    case 7:
        tcg_tlb_flush_space_nonglobal(env, X86_SPACE_GUEST);
        break;
    }
    if (asid != env->s.svm_asid) {
        tcg_tlb_flush_space(env, X86_SPACE_GUEST);
        env->s.svm_asid = asid;
    }
}

static void load_control(X86Env *env, const Vmcb *v)
{
    X86State *s = &env->s;

    for (int i = 0; i < 6; i++) {
        s->svm_icpt[i] = vmcb_get(v, VMCB_INTERCEPTS + i * 4, 4);
    }
    s->svm_iopm = vmcb_get(v, VMCB_IOPM, 8) & ~0xfffull;
    s->svm_msrpm = vmcb_get(v, VMCB_MSRPM, 8) & ~0xfffull;
    s->svm_tsc_offset = vmcb_get(v, VMCB_TSC_OFFSET, 8);
    s->svm_int_ctl = vmcb_get(v, VMCB_INT_CTL, 4);
    if (!x86_has(env->config, F_VGIF)) {
        s->svm_int_ctl &= ~V_GIF_ENABLE;
    }
    s->svm_int_vector = vmcb_get(v, VMCB_INT_VECTOR, 1);
    s->svm_hif = (s->rflags & FLAG_IF) != 0;
    s->svm_virt_vmload = x86_has(env->config, F_V_VMSAVE_VMLOAD) &&
                         (vmcb_get(v, VMCB_VIRT_EXT, 8) & VIRT_VMLOAD);
    s->svm_pause_filter = s->svm_pause_threshold = 0;
    if (x86_has(env->config, F_PAUSE_FILTER)) {
        s->svm_pause_filter = vmcb_get(v, VMCB_PAUSE_COUNT, 2);
    }
    if (x86_has(env->config, F_PFTHRESHOLD)) {
        s->svm_pause_threshold = vmcb_get(v, VMCB_PAUSE_THRESHOLD, 2);
    }
    s->svm_pause_left = s->svm_pause_filter;
    s->svm_npt = x86_has(env->config, F_NPT) &&
                 (vmcb_get(v, VMCB_NESTED_CTL, 8) & NESTED_NP);
    if (s->svm_npt) {
        s->svm_ncr3 = vmcb_get(v, VMCB_NCR3, 8);
        s->svm_hcr4 = s->cr4;
        s->svm_hefer = s->efer;
        s->svm_hpat = s->pat;
    }
}

/* ---- the guest's state ---- */

static void load_guest(X86Env *env, const Vmcb *v)
{
    X86State *s = &env->s;
    uint64_t flags = vmcb_get(v, VMCB_RFLAGS, 8);
    int cpl = vmcb_get(v, VMCB_CPL, 1) & 3;

    svm_load_paging(s, vmcb_get(v, VMCB_CR0, 8), vmcb_get(v, VMCB_CR3, 8),
                    vmcb_get(v, VMCB_CR4, 8), vmcb_get(v, VMCB_EFER, 8));
    svm_load_seg(v, VMCB_ES, &s->seg[S_ES]);
    svm_load_seg(v, VMCB_CS, &s->seg[S_CS]);
    svm_load_seg(v, VMCB_SS, &s->seg[S_SS]);
    svm_load_seg(v, VMCB_DS, &s->seg[S_DS]);
    s->seg[S_SS].attr = (s->seg[S_SS].attr & ~(3u << SEG_DPL_SHIFT)) | (uint32_t)cpl << SEG_DPL_SHIFT;
    s->gdt_limit = vmcb_get(v, VMCB_GDTR + 4, 4);
    s->gdt_base = vmcb_get(v, VMCB_GDTR + 8, 8);
    s->idt_limit = vmcb_get(v, VMCB_IDTR + 4, 4);
    s->idt_base = vmcb_get(v, VMCB_IDTR + 8, 8);
    s->cr2 = vmcb_get(v, VMCB_CR2, 8);
    s->dr[6] = (vmcb_get(v, VMCB_DR6, 8) & 0xe00f) | DR6_RESET;
    s->dr[7] = (vmcb_get(v, VMCB_DR7, 8) & 0xffff23ff) | DR7_RESET;
    s->gpr[R_AX] = vmcb_get(v, VMCB_RAX, 8);
    s->gpr[R_SP] = vmcb_get(v, VMCB_RSP, 8);
    s->rip = vmcb_get(v, VMCB_RIP, 8);
    s->int_shadow = vmcb_get(v, VMCB_INT_STATE, 4) & INT_STATE_SHADOW ? SHADOW_STI : 0;
    if (s->svm_npt && x86_has(env->config, F_PAT)) {
        s->pat = vmcb_get(v, VMCB_G_PAT, 8);
    }
    if ((s->efer & EFER_LMA) || !(s->cr0 & CR0_PE)) {
        flags &= ~(uint64_t)FLAG_VM; /* neither mode has it */
    }
    x86_put_rflags(env, flags);
}

/* PAE paging without nested tables has its pointers in registers. False: they are not valid. */
static bool load_pdptes(X86Env *env)
{
    return env->s.svm_npt || x86_try_load_pdptes(env, env->s.cr0, env->s.cr4, env->s.cr3);
}

/* ---- event injection (APM vol 2, 15.20) ---- */

void svm_injected_event(X86Env *env, X86Event *ev)
{
    uint64_t inj = env->svm_inject;
    unsigned type = inj >> EVENT_TYPE_SHIFT & 7;
    uint8_t vector = inj & 0xff;

    env->svm_inject = 0;
    *ev = (X86Event){
        .vector = type == EVENT_TYPE_NMI ? EXC_NMI : vector,
        .kind = type == EVENT_TYPE_INTR   ? EVENT_INTERRUPT
                : type == EVENT_TYPE_NMI  ? EVENT_NMI
                : type == EVENT_TYPE_SOFT ? EVENT_SOFTWARE
                                          : EVENT_EXCEPTION,
        .has_err = inj & EVENT_EV,
        .err = inj & EVENT_EV ? inj >> 32 : 0,
        .ret_ip = env->s.rip,
    };
    if (type == EVENT_TYPE_SOFT) {
        ev->soft = 1;
    } else if (type == EVENT_TYPE_EXCEPTION && (vector == EXC_BP || vector == EXC_OF)) {
        ev->soft = 2;
        ev->kind = EVENT_SOFTWARE;
    } else {
        ev->set_rf = type == EVENT_TYPE_EXCEPTION && x86_exception_is_fault(vector);
    }
    if (ev->soft && x86_has(env->config, F_NRIP_SAVE)) {
        ev->ret_ip = tcg_phys_load(env, env->s.svm_vmcb + VMCB_NRIP, 8);
    }
}

static void enter_guest(X86Env *env, const Vmcb *v)
{
    uint64_t inject = vmcb_get(v, VMCB_EVENTINJ, 8);

    env->s.svm_guest = 1;
    env->s.gif = 1;
    x86_debug_changed(env);
    tcg_poll(env); /* what was held pending, or is injected as a virtual interrupt */
    if (inject & EVENT_VALID) {
        env->svm_inject = inject;
        tcg_raise(env);
    }
}

uint64_t helper_vmrun(void *opaque, uint64_t wide, uint64_t next, uint64_t c)
{
    X86Env *env = opaque;
    Vmcb vmcb;
    bool valid;

    x86_svm_privilege(env);
    svm_check_insn(env, SVM_EXIT_VMRUN, 0);
    env->s.svm_vmcb = x86_svm_operand(env, wide);
    save_host(env, next);
    vmcb = vmcb_open(env, env->s.svm_vmcb, false);
    /* A state that can not be run leaves with the host's own: nothing of the guest was loaded. */
    valid = svm_vmcb_valid(env, &vmcb);
    if (valid) {
        load_control(env, &vmcb);
        load_guest(env, &vmcb);
        valid = load_pdptes(env);
    }
    if (!valid) {
        env->s.svm_guest = 1;
        svm_exit(env, SVM_EXIT_INVALID, 0, 0, 0);
    }
    control_tlb(env, &vmcb);
    enter_guest(env, &vmcb);
    return 0;
}
