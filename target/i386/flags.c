/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RFLAGS, the mode word, and the instructions that handle the flag register
 * (SDM vol 1, 3.4.3; vol 3, 21.3 for virtual-8086 mode extensions).
 */
#include "target/i386/system.h"

int x86_state_cpl(const X86State *s)
{
    if (!(s->cr0 & CR0_PE)) {
        return 0;
    }
    if (s->rflags & FLAG_VM) {
        return 3;
    }
    return s->seg[S_SS].attr >> SEG_DPL_SHIFT & 3;
}

/* A data segment through which any 32-bit address may be read and written. */
static bool seg_flat_data(const X86Seg *seg)
{
    return seg->base == 0 && seg->limit == 0xffffffff &&
           (seg->attr & (SEG_UNUSABLE | SEG_P | SEG_S | 0xe)) == (SEG_P | SEG_S | 0x2);
}

static uint64_t mode_of_segments(const X86State *s)
{
    const X86Seg *cs = &s->seg[S_CS], *ss = &s->seg[S_SS];
    uint64_t mode = 0;

    if ((s->efer & EFER_LMA) && (cs->attr & SEG_L)) {
        return MODE_CS64 | MODE_CS32 | MODE_SS32 | MODE_FLATDATA | MODE_FLATCODE;
    }
    mode |= cs->attr & SEG_DB ? MODE_CS32 : 0;
    mode |= ss->attr & SEG_DB ? MODE_SS32 : 0;
    mode |= cs->limit == 0xffffffff ? MODE_FLATCODE : 0;
    if (seg_flat_data(ss) && seg_flat_data(&s->seg[S_DS]) && seg_flat_data(&s->seg[S_ES])) {
        mode |= MODE_FLATDATA;
    }
    return mode | (uint64_t)(uint32_t)cs->base << MODE_CSBASE_SHIFT;
}

static uint64_t mode_of_registers(const X86State *s, int cpl)
{
    uint64_t mode = 0, cr0 = s->cr0, cr4 = s->cr4;
    bool ac = s->rflags & FLAG_AC;

    mode |= cr0 & CR0_PE ? MODE_PE : 0;
    mode |= cr0 & CR0_PG ? MODE_PG : 0;
    mode |= cr0 & CR0_TS ? MODE_TS : 0;
    mode |= cr0 & CR0_EM ? MODE_EM : 0;
    mode |= cr0 & CR0_MP ? MODE_MP : 0;
    mode |= cr0 & CR0_AM ? MODE_AM : 0;
    mode |= cr4 & CR4_OSFXSR ? MODE_OSFXSR : 0;
    mode |= cr4 & CR4_OSXSAVE ? MODE_OSXSAVE : 0;
    mode |= (cr4 & CR4_OSXSAVE) && (s->xcr0 & 6) == 6 ? MODE_AVX : 0;
    mode |= cr4 & CR4_UMIP ? MODE_UMIP : 0;
    mode |= cr4 & CR4_FSGSBASE ? MODE_FSGSBASE : 0;
    mode |= cr4 & CR4_TSD ? MODE_TSD : 0;
    mode |= cr4 & CR4_VME ? MODE_VME : 0;
    mode |= cr4 & CR4_SMAP ? MODE_SMAP : 0;
    mode |= s->efer & EFER_LMA ? MODE_LMA : 0;
    if (ac && (cpl == 3 ? (cr0 & CR0_AM) != 0 : (cr4 & CR4_SMAP) != 0)) {
        mode |= MODE_AC;
    }
    return mode;
}

uint64_t x86_compute_mode(const X86State *s, const X86CpuConfig *c)
{
    int cpl = x86_state_cpl(s);
    uint64_t mode = (uint64_t)cpl << MODE_CPL_SHIFT;

    mode |= mode_of_segments(s) | mode_of_registers(s, cpl);
    mode |= s->rflags & FLAG_VM ? MODE_VM86 : 0;
    mode |= s->rflags & FLAG_TF ? MODE_TF : 0;
    mode |= x86_breakpoints(s) ? MODE_DEBUG : 0;
    mode |= (s->rflags >> FLAG_IOPL_SHIFT & 3) << MODE_IOPL_SHIFT;
    mode |= s->smm ? MODE_SMM : 0;
    mode |= s->ferr ? MODE_FERR : 0;
    mode |= s->svm_guest ? MODE_GUEST : 0;
    return mode;
}

void x86_update_mode(X86Env *env)
{
    uint64_t mode = x86_compute_mode(&env->s, env->config);

    env->cpl = mode & 3;
    env->df8 = env->s.rflags & FLAG_DF ? 0xff : 1;
    if (mode != env->mode) {
        env->mode = mode;
        tcg_mode_changed(env);
        if (x86_wants_watch(mode) != env->watching) {
            env->watching = !env->watching;
            tcg_watch(env, env->watching);
        }
    }
}

void x86_poll_interrupts(X86Env *env)
{
    if (x86_can_interrupt(env)) {
        tcg_poll(env);
    }
}

void x86_put_rflags(X86Env *env, uint64_t v)
{
    uint64_t old = env->s.rflags;

    v = (v & FLAG_ALL) | 2;
    env->cc = v & CC_EFLAGS_MASK;
    env->s.rflags = v;
    if (v & ~old & FLAG_IF) {
        x86_poll_interrupts(env);
    }
}

void x86_set_rflags(X86Env *env, uint64_t v)
{
    uint64_t old = env->s.rflags;

    x86_put_rflags(env, v);
    if ((old ^ v) & (FLAG_TF | FLAG_DF | FLAG_IOPL | FLAG_VM | FLAG_AC)) {
        x86_update_mode(env);
    }
}

/* ---- CLI, STI ---- */

/* May the current code change IF itself, or VIF in its place, or neither? */
typedef enum IfAccess { IF_DENIED, IF_REAL, IF_VIRTUAL } IfAccess;

static IfAccess if_access(const X86Env *env)
{
    if (!x86_protected(env)) {
        return IF_REAL;
    }
    if (x86_v86(env)) {
        return x86_iopl(env) == 3 ? IF_REAL : env->s.cr4 & CR4_VME ? IF_VIRTUAL : IF_DENIED;
    }
    if (env->cpl <= x86_iopl(env)) {
        return IF_REAL;
    }
    return env->cpl == 3 && (env->s.cr4 & CR4_PVI) ? IF_VIRTUAL : IF_DENIED;
}

uint64_t helper_cli(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;

    switch (if_access(env)) {
    case IF_REAL:
        env->s.rflags &= ~(uint64_t)FLAG_IF;
        break;
    case IF_VIRTUAL:
        env->s.rflags &= ~(uint64_t)FLAG_VIF;
        break;
    case IF_DENIED:
        x86_gp(env, 0);
    }
    return 0;
}

/* Interrupts are let through after the next instruction: look if there is any, a guest's virtual one too. */
static void poll_pending(X86Env *env)
{
    if (cpu_requests(env->cpu) || env->s.svm_guest) {
        tcg_poll(env);
    }
}

uint64_t helper_sti(void *opaque, uint64_t next, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;

    switch (if_access(env)) {
    case IF_REAL:
        if (!(env->s.rflags & FLAG_IF)) {
            env->s.int_shadow = SHADOW_STI;
        }
        env->s.rflags |= FLAG_IF;
        poll_pending(env);
        break;
    case IF_VIRTUAL:
        if (env->s.rflags & FLAG_VIP) {
            x86_gp(env, 0);
        }
        env->s.rflags |= FLAG_VIF;
        break;
    case IF_DENIED:
        x86_gp(env, 0);
    }
    env->s.rip = next;
    return 0;
}

/* ---- PUSHF, POPF ---- */

uint64_t helper_sti_now(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;

    env->s.rflags |= FLAG_IF;
    poll_pending(env);
    return 0;
}

uint64_t helper_pushf(void *opaque, uint64_t w, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    uint64_t image = x86_rflags(env) & ~(uint64_t)(FLAG_VM | FLAG_RF);

    if (x86_v86(env) && x86_iopl(env) < 3) {
        if (!(env->s.cr4 & CR4_VME) || w != W16) {
            x86_gp(env, 0);
        }
        image = (image & ~(uint64_t)FLAG_IF) | FLAG_IOPL;
        image |= env->s.rflags & FLAG_VIF ? FLAG_IF : 0;
    }
    return image & width_mask(1u << w);
}

/* POPF in v86 mode below IOPL 3 with VME: the image's IF is VIF. */
static uint64_t popf_vme(X86Env *env, uint64_t old, uint64_t image, unsigned w)
{
    uint64_t mask = 0xffff & ~(uint64_t)(FLAG_IF | FLAG_IOPL);
    uint64_t v;

    if (!(env->s.cr4 & CR4_VME) || w != W16) {
        x86_gp(env, 0);
    }
    if ((image & FLAG_TF) || ((image & FLAG_IF) && (old & FLAG_VIP))) {
        x86_gp(env, 0);
    }
    v = (old & ~mask) | (image & mask);
    return image & FLAG_IF ? v | FLAG_VIF : v & ~(uint64_t)FLAG_VIF;
}

uint64_t helper_popf(void *opaque, uint64_t image, uint64_t w, uint64_t next)
{
    X86Env *env = opaque;
    uint64_t old = x86_rflags(env);
    uint64_t mask = FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_TF | FLAG_DF | FLAG_OF |
                    FLAG_NT | FLAG_AC | FLAG_ID;
    uint64_t v;

    if (x86_v86(env) && x86_iopl(env) < 3) {
        v = popf_vme(env, old, image, w);
    } else {
        if (env->cpl == 0) {
            mask |= FLAG_IOPL;
        }
        if (env->cpl <= x86_iopl(env) || !x86_protected(env)) {
            mask |= FLAG_IF; /* PVI does not extend to POPF (SDM vol 3, 21.4) */
        }
        mask &= width_mask(1u << w);
        v = (old & ~mask) | (image & mask);
    }
    env->s.rip = next;
    x86_set_rflags(env, v & ~(uint64_t)FLAG_RF);
    return 0;
}

uint64_t helper_setac(void *opaque, uint64_t on, uint64_t next, uint64_t c)
{
    X86Env *env = opaque;

    if (env->cpl != 0 || !x86_has(env->config, F_SMAP)) {
        x86_ud(env);
    }
    env->s.rip = next;
    if (on) {
        env->s.rflags |= FLAG_AC;
    } else {
        env->s.rflags &= ~(uint64_t)FLAG_AC;
    }
    x86_update_mode(env);
    return 0;
}

uint64_t helper_setdf(void *opaque, uint64_t on, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;

    env->s.rflags = (env->s.rflags & ~(uint64_t)FLAG_DF) | (on ? FLAG_DF : 0);
    env->df8 = on ? 0xff : 1;
    return 0;
}
