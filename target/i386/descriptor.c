/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instructions that load the descriptor-table registers or ask about
 * descriptors: LGDT ... STR, LAR, LSL, VERR, VERW, ARPL.
 */
#include "target/i386/system.h"

static void need_protected(X86Env *env)
{
    if (!x86_protected(env) || x86_v86(env)) {
        x86_ud(env);
    }
}

static void need_cpl0(X86Env *env)
{
    if (env->cpl != 0) {
        x86_gp(env, 0);
    }
}

uint64_t helper_lgdt(void *opaque, uint64_t base, uint64_t limit, uint64_t c)
{
    X86Env *env = opaque;

    need_cpl0(env);
    if (x86_code64(env) && !x86_canonical(env, base)) {
        x86_gp(env, 0);
    }
    env->s.gdt_base = base;
    env->s.gdt_limit = (uint16_t)limit;
    return 0;
}

uint64_t helper_lidt(void *opaque, uint64_t base, uint64_t limit, uint64_t c)
{
    X86Env *env = opaque;

    need_cpl0(env);
    if (x86_code64(env) && !x86_canonical(env, base)) {
        x86_gp(env, 0);
    }
    env->s.idt_base = base;
    env->s.idt_limit = (uint16_t)limit;
    return 0;
}

/* The descriptor of an LDT or TSS; in long mode its 16-byte form. */
static void system_desc(X86Env *env, uint16_t sel, unsigned type_mask, X86Desc *d)
{
    uint32_t top = 0;

    if ((sel & 4) || !x86_read_desc(env, sel, d) || (d->hi & DESC_S) ||
        !(type_mask >> desc_type(d) & 1)) {
        x86_gp(env, sel & ~3u);
    }
    if (!(d->hi & DESC_P)) {
        x86_raise_err(env, EXC_NP, sel & ~3u);
    }
    if (x86_long(env)) {
        if (!x86_read_desc_high(env, sel, d, &top) || (top & 0x1f00) ||
            !x86_canonical(env, desc_base(d))) {
            x86_gp(env, sel & ~3u);
        }
    }
}

uint64_t helper_lldt(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    uint16_t sel = (uint16_t)a;
    X86Desc d;

    need_protected(env);
    need_cpl0(env);
    if (sel_null(sel)) {
        env->s.ldt = (X86Seg){.sel = sel, .attr = SEG_UNUSABLE};
        return 0;
    }
    system_desc(env, sel, 1 << 2, &d);
    desc_to_seg(&d, sel, &env->s.ldt);
    return 0;
}

uint64_t helper_ltr(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    uint16_t sel = (uint16_t)a;
    uint32_t busy;
    X86Desc d;

    need_protected(env);
    need_cpl0(env);
    if (sel_null(sel)) {
        x86_gp(env, 0);
    }
    system_desc(env, sel, x86_long(env) ? 1 << 9 : 1 << 1 | 1 << 9, &d);
    busy = d.hi | 1u << 9;
    tcg_store(env, d.addr + 4, busy, 4, x86_sys_mmu(env));
    d.hi = busy;
    desc_to_seg(&d, sel, &env->s.tr);
    return 0;
}

static void set_zf(X86Env *env, bool z)
{
    env->cc = (env->cc & ~(uint64_t)FLAG_ZF) | (z ? FLAG_ZF : 0);
}

/* Is the descriptor visible at max(CPL, RPL)? system: types that the instruction accepts. */
static bool visible(X86Env *env, uint16_t sel, unsigned system_types, X86Desc *d)
{
    if (sel_null(sel) || !x86_read_desc(env, sel, d)) {
        return false;
    }
    if (!(d->hi & DESC_S)) {
        if (!(system_types >> desc_type(d) & 1)) {
            return false;
        }
    } else if ((d->hi & (DESC_CODE | DESC_C)) == (DESC_CODE | DESC_C)) {
        return true;
    }
    return desc_dpl(d) >= env->cpl && desc_dpl(d) >= (sel & 3);
}

uint64_t helper_lar(void *opaque, uint64_t sel, uint64_t old, uint64_t c)
{
    X86Env *env = opaque;
    unsigned types = x86_long(env) ? 0x1a04 : 0x1a3e; /* 2 9 b c, and 1 3 4 5 outside long mode */
    X86Desc d;
    bool ok;

    need_protected(env);
    ok = visible(env, (uint16_t)sel, types, &d);
    set_zf(env, ok);
    return ok ? d.hi & 0x00f0ff00 : old;
}

uint64_t helper_lsl(void *opaque, uint64_t sel, uint64_t old, uint64_t c)
{
    X86Env *env = opaque;
    unsigned types = x86_long(env) ? 0x0a04 : 0x0a0e; /* 2 9 b, and 1 3 outside long mode */
    X86Desc d;
    bool ok;

    need_protected(env);
    ok = visible(env, (uint16_t)sel, types, &d);
    set_zf(env, ok);
    return ok ? desc_limit(&d) : old;
}

uint64_t helper_verr(void *opaque, uint64_t sel, uint64_t write, uint64_t c)
{
    X86Env *env = opaque;
    X86Desc d;
    bool ok;

    need_protected(env);
    ok = visible(env, (uint16_t)sel, 0, &d);
    if (ok && write) {
        ok = desc_is_writable_data(&d);
    } else if (ok) {
        ok = !desc_is_code(&d) || (d.hi & DESC_W); /* code: readable */
    }
    set_zf(env, ok);
    return 0;
}

uint64_t helper_arpl(void *opaque, uint64_t dst, uint64_t src, uint64_t c)
{
    X86Env *env = opaque;
    bool low;

    need_protected(env);
    low = (dst & 3) < (src & 3);
    set_zf(env, low);
    return low ? (dst & ~3ull) | (src & 3) : dst;
}

static void check_umip(X86Env *env)
{
    if ((env->s.cr4 & CR4_UMIP) && env->cpl > 0 && x86_protected(env)) {
        x86_gp(env, 0);
    }
}

uint64_t helper_smsw(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;

    check_umip(env);
    return env->s.cr0;
}

uint64_t helper_store_dt(void *opaque, uint64_t what, uint64_t va, uint64_t w)
{
    X86Env *env = opaque;
    uint8_t image[10];
    uint64_t base = what == 0 ? env->s.gdt_base : env->s.idt_base;

    check_umip(env);
    if (what >= 2) {
        need_protected(env);
        return what == 2 ? env->s.ldt.sel : env->s.tr.sel;
    }
    st_le16(image, (uint16_t)(what == 0 ? env->s.gdt_limit : env->s.idt_limit));
    st_le64(image + 2, base);
    tcg_write(env, va, image, w == W64 ? 10 : 6, x86_data_mmu(env));
    return 0;
}
