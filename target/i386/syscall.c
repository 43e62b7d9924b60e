/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fast system calls: SYSCALL, SYSRET (APM vol 3), SYSENTER, SYSEXIT (SDM vol
 * 2), SWAPGS and the FS/GS base instructions. Where Intel and AMD differ, the
 * model's vendor decides.
 */
#include "target/i386/system.h"

/* Flat segments as these instructions set them, without reading descriptors. */
static X86Seg flat_code(uint16_t sel, int dpl, bool long_code)
{
    return (X86Seg){
        .sel = sel,
        .attr = SEG_G | SEG_P | SEG_S | 0xb | dpl << SEG_DPL_SHIFT | (long_code ? SEG_L : SEG_DB),
        .limit = 0xffffffff,
    };
}

static X86Seg flat_stack(uint16_t sel, int dpl)
{
    return (X86Seg){
        .sel = sel,
        .attr = SEG_G | SEG_DB | SEG_P | SEG_S | 3 | dpl << SEG_DPL_SHIFT,
        .limit = 0xffffffff,
    };
}

uint64_t helper_syscall(void *opaque, uint64_t next, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    X86State *s = &env->s;
    uint16_t sel = s->star >> 32 & 0xfffc;

    if (!(s->efer & EFER_SCE) || !x86_protected(env) ||
        (env->config->vendor == X86_VENDOR_INTEL && !x86_code64(env))) {
        x86_ud(env);
    }
    if (x86_long(env)) {
        uint64_t flags = x86_rflags(env);
        s->gpr[R_CX] = next;
        s->gpr[11] = flags & ~(uint64_t)FLAG_RF;
        s->rip = x86_code64(env) ? s->lstar : s->cstar;
        s->seg[S_CS] = flat_code(sel, 0, true);
        s->seg[S_SS] = flat_stack(sel + 8, 0);
        x86_put_rflags(env, flags & ~(s->sfmask | FLAG_RF));
    } else {
        s->gpr[R_CX] = (uint32_t)next;
        s->rip = (uint32_t)s->star;
        s->seg[S_CS] = flat_code(sel, 0, false);
        s->seg[S_SS] = flat_stack(sel + 8, 0);
        x86_put_rflags(env, x86_rflags(env) & ~(uint64_t)(FLAG_IF | FLAG_RF | FLAG_VM));
    }
    x86_update_mode(env);
    return 0;
}

uint64_t helper_sysret(void *opaque, uint64_t wide, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    X86State *s = &env->s;
    bool intel = env->config->vendor == X86_VENDOR_INTEL;
    uint16_t sel = s->star >> 48;
    uint64_t ip = wide ? s->gpr[R_CX] : (uint32_t)s->gpr[R_CX];

    if (!(s->efer & EFER_SCE) || (intel && !x86_code64(env))) {
        x86_ud(env);
    }
    if (!x86_protected(env) || env->cpl != 0) {
        x86_gp(env, 0);
    }
    if (intel && wide && !x86_canonical(env, ip)) {
        x86_gp(env, 0);
    }
    s->rip = ip;
    s->seg[S_CS] = flat_code((wide ? sel + 16 : sel) | 3, 3, wide);
    s->seg[S_SS] = flat_stack((sel + 8) | 3, 3);
    if (x86_long(env)) {
        x86_put_rflags(env, s->gpr[11] & (FLAG_ALL & ~(uint64_t)(FLAG_RF | FLAG_VM)));
    } else {
        x86_put_rflags(env, x86_rflags(env) | FLAG_IF);
    }
    x86_update_mode(env);
    return 0;
}

uint64_t helper_sysenter(void *opaque, uint64_t next, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    X86State *s = &env->s;
    uint16_t sel = s->sysenter_cs & 0xfffc;
    bool wide = x86_long(env);

    if (wide && env->config->vendor == X86_VENDOR_AMD) {
        x86_ud(env);
    }
    if (!x86_protected(env) || sel == 0) {
        x86_gp(env, 0);
    }
    s->rip = wide ? s->sysenter_eip : (uint32_t)s->sysenter_eip;
    s->gpr[R_SP] = wide ? s->sysenter_esp : (uint32_t)s->sysenter_esp;
    s->seg[S_CS] = flat_code(sel, 0, wide);
    s->seg[S_SS] = flat_stack(sel + 8, 0);
    x86_put_rflags(env, x86_rflags(env) & ~(uint64_t)(FLAG_VM | FLAG_IF | FLAG_RF));
    x86_update_mode(env);
    return 0;
}

uint64_t helper_sysexit(void *opaque, uint64_t wide, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    X86State *s = &env->s;
    uint16_t sel = s->sysenter_cs & 0xfffc;

    if (x86_long(env) && env->config->vendor == X86_VENDOR_AMD) {
        x86_ud(env);
    }
    if (!x86_protected(env) || env->cpl != 0 || sel == 0) {
        x86_gp(env, 0);
    }
    if (wide && (!x86_canonical(env, s->gpr[R_DX]) || !x86_canonical(env, s->gpr[R_CX]))) {
        x86_gp(env, 0);
    }
    s->rip = wide ? s->gpr[R_DX] : (uint32_t)s->gpr[R_DX];
    s->gpr[R_SP] = wide ? s->gpr[R_CX] : (uint32_t)s->gpr[R_CX];
    s->seg[S_CS] = flat_code((sel + (wide ? 32 : 16)) | 3, 3, wide);
    s->seg[S_SS] = flat_stack((sel + (wide ? 40 : 24)) | 3, 3);
    x86_update_mode(env);
    return 0;
}

uint64_t helper_swapgs(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    uint64_t base = env->s.seg[S_GS].base;

    if (!x86_code64(env)) {
        x86_ud(env);
    }
    if (env->cpl != 0) {
        x86_gp(env, 0);
    }
    env->s.seg[S_GS].base = env->s.kernel_gs_base;
    env->s.kernel_gs_base = base;
    return 0;
}

static void check_fsgsbase(X86Env *env)
{
    if (!x86_code64(env) || !(env->s.cr4 & CR4_FSGSBASE)) {
        x86_ud(env);
    }
}

uint64_t helper_rdbase(void *opaque, uint64_t seg, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;

    check_fsgsbase(env);
    return env->s.seg[seg].base;
}

uint64_t helper_wrbase(void *opaque, uint64_t seg, uint64_t base, uint64_t c)
{
    X86Env *env = opaque;

    check_fsgsbase(env);
    if (!x86_canonical(env, base)) {
        x86_gp(env, 0);
    }
    env->s.seg[seg].base = base;
    return 0;
}
