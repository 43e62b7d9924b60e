/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors, segment registers and stacks (SDM vol 3, chapters 3 and 5), and
 * the instructions that load or inspect them.
 */
#include "target/i386/decode.h"
#include "target/i386/system.h"

uint32_t desc_limit(const X86Desc *d)
{
    uint32_t limit = (d->lo & 0xffff) | (d->hi & 0xf0000);

    return d->hi & DESC_G ? limit << 12 | 0xfff : limit;
}

uint64_t desc_base(const X86Desc *d)
{
    return d->lo >> 16 | (d->hi & 0xff) << 16 | (d->hi & 0xff000000u) | (uint64_t)d->base_high << 32;
}

void desc_to_seg(const X86Desc *d, uint16_t sel, X86Seg *seg)
{
    *seg = (X86Seg){
        .sel = sel,
        .attr = d->hi >> 8 & 0xf0ff,
        .limit = desc_limit(d),
        .base = desc_base(d),
    };
}

bool x86_read_desc(X86Env *env, uint16_t sel, X86Desc *d)
{
    uint64_t base = env->s.gdt_base, v;
    uint32_t limit = env->s.gdt_limit;

    if (sel & 4) {
        if (env->s.ldt.attr & SEG_UNUSABLE) {
            return false;
        }
        base = env->s.ldt.base;
        limit = env->s.ldt.limit;
    }
    if ((sel | 7u) > limit) {
        return false;
    }
    d->addr = base + (sel & ~7u);
    if (!x86_long(env)) {
        d->addr = (uint32_t)d->addr;
    }
    v = tcg_load(env, d->addr, 8, x86_sys_mmu(env));
    d->lo = (uint32_t)v;
    d->hi = v >> 32;
    d->base_high = 0;
    return true;
}

bool x86_read_desc_high(X86Env *env, uint16_t sel, X86Desc *d, uint32_t *top_word)
{
    uint32_t limit = sel & 4 ? env->s.ldt.limit : env->s.gdt_limit;
    uint64_t v;

    if ((sel & ~7u) + 15u > limit) {
        return false;
    }
    v = tcg_load(env, d->addr + 8, 8, x86_sys_mmu(env));
    d->base_high = (uint32_t)v;
    *top_word = v >> 32;
    return true;
}

void x86_mark_accessed(X86Env *env, X86Desc *d)
{
    uint32_t old = d->hi, now = d->hi | DESC_A;

    if (old != now) {
        tcg_cmpxchg(env, d->addr + 4, 4, &old, &now, x86_sys_mmu(env));
        d->hi = now;
    }
}

void x86_load_seg_real(X86Env *env, int reg, uint16_t sel)
{
    X86Seg *seg = &env->s.seg[reg];

    seg->sel = sel;
    seg->base = (uint32_t)sel << 4;
    if (x86_v86(env)) {
        seg->limit = 0xffff;
        seg->attr = SEG_P | SEG_S | 3 << SEG_DPL_SHIFT | 3;
    } else {
        seg->attr &= ~SEG_UNUSABLE; /* a null selector of protected mode becomes addressable */
        seg->attr |= SEG_P | SEG_S | 3;
    }
}

void x86_null_seg(X86Env *env, int reg, uint16_t sel)
{
    env->s.seg[reg] = (X86Seg){.sel = sel, .attr = SEG_UNUSABLE};
}

static void load_ss(X86Env *env, uint16_t sel)
{
    X86Desc d;

    if (sel_null(sel)) {
        if (!x86_code64(env) || env->cpl == 3 || (sel & 3) != env->cpl) {
            x86_gp(env, 0);
        }
        x86_null_seg(env, S_SS, sel);
        env->s.seg[S_SS].attr |= env->cpl << SEG_DPL_SHIFT;
        return;
    }
    if (!x86_read_desc(env, sel, &d) || (sel & 3) != env->cpl || desc_dpl(&d) != env->cpl ||
        !desc_is_writable_data(&d)) {
        x86_gp(env, sel & ~3u);
    }
    if (!(d.hi & DESC_P)) {
        x86_raise_err(env, EXC_SS, sel & ~3u);
    }
    x86_mark_accessed(env, &d);
    desc_to_seg(&d, sel, &env->s.seg[S_SS]);
}

static void load_data_seg(X86Env *env, int reg, uint16_t sel)
{
    bool conforming;
    X86Desc d;

    if (sel_null(sel)) {
        x86_null_seg(env, reg, sel);
        return;
    }
    if (!x86_read_desc(env, sel, &d) || !(d.hi & DESC_S) ||
        (d.hi & (DESC_CODE | DESC_W)) == DESC_CODE) {
        x86_gp(env, sel & ~3u);
    }
    conforming = (d.hi & (DESC_CODE | DESC_C)) == (DESC_CODE | DESC_C);
    if (!conforming && ((sel & 3) > desc_dpl(&d) || env->cpl > desc_dpl(&d))) {
        x86_gp(env, sel & ~3u);
    }
    if (!(d.hi & DESC_P)) {
        x86_raise_err(env, EXC_NP, sel & ~3u);
    }
    x86_mark_accessed(env, &d);
    desc_to_seg(&d, sel, &env->s.seg[reg]);
}

void x86_load_seg(X86Env *env, int reg, uint16_t sel)
{
    if (!x86_protected(env) || x86_v86(env)) {
        x86_load_seg_real(env, reg, sel);
    } else if (reg == S_SS) {
        load_ss(env, sel);
    } else {
        load_data_seg(env, reg, sel);
    }
    if (reg != S_FS && reg != S_GS) {
        x86_update_mode(env);
    }
}

uint64_t helper_load_seg(void *opaque, uint64_t reg, uint64_t sel, uint64_t shadow)
{
    X86Env *env = opaque;

    if (reg == S_CS || reg >= S_COUNT) {
        x86_ud(env);
    }
    x86_load_seg(env, (int)reg, (uint16_t)sel);
    if (reg == S_SS && shadow) {
        env->s.int_shadow = SHADOW_MOV_SS;
    }
    return 0;
}

/* ---- stacks ---- */

void stack_init(X86Env *env, X86Stack *st, const X86Seg *ss, uint64_t sp, int cpl, bool wide)
{
    *st = (X86Stack){
        .env = env,
        .base = wide ? 0 : ss->base,
        .sp = sp,
        .mask = wide ? ~0ull : ss->attr & SEG_DB ? 0xffffffff : 0xffff,
        .limit = ss->limit,
        .attr = ss->attr,
        .mmu = x86_cpl_mmu(env, cpl),
        .wide = wide,
    };
}

void stack_init_current(X86Env *env, X86Stack *st)
{
    stack_init(env, st, &env->s.seg[S_SS], env->s.gpr[R_SP], env->cpl, x86_code64(env));
}

static uint64_t stack_linear(X86Stack *st, uint64_t off, unsigned size)
{
    X86Env *env = st->env;
    uint64_t last = off + size - 1;
    bool bad;

    if (st->wide) {
        bad = !x86_canonical(env, off) || !x86_canonical(env, last);
    } else if ((st->attr & 0xc) == 4) { /* expand-down data */
        bad = off <= st->limit || last > st->mask;
    } else {
        bad = last > st->limit;
    }
    if (bad) {
        x86_raise_err(env, EXC_SS, st->fault_err);
    }
    return st->wide ? off : (uint32_t)(st->base + off);
}

void stack_push(X86Stack *st, uint64_t v, unsigned size)
{
    uint64_t sp = (st->sp & ~st->mask) | ((st->sp - size) & st->mask);

    tcg_store(st->env, stack_linear(st, sp & st->mask, size), v, size, st->mmu);
    st->sp = sp;
}

uint64_t stack_pop(X86Stack *st, unsigned size)
{
    uint64_t v = tcg_load(st->env, stack_linear(st, st->sp & st->mask, size), size, st->mmu);

    st->sp = (st->sp & ~st->mask) | ((st->sp + size) & st->mask);
    return v;
}

/*
 * SDM vol 1, 3.7.4: the stack segment is that of RSP and RBP as base registers, whatever prefix is there but FS and GS;
 * and of what pushes and pops by itself, which is near RSP (LEAVE and ENTER: RBP).
 */
bool x86_is_stack_reference(X86Env *env, uint64_t va)
{
    uint8_t code[16];
    size_t n = x86_peek_code(env, code, 15);
    X86Insn i;

    if (!x86_code64(env) || x86_decode(&i, code, n, 64) != X86_OK) {
        return false;
    }
    bool pushes = (i.row->bits & (ROW_D64 | ROW_F64)) && i.row->trans != X86T_jmp_ind;
    if (!(i.row->bits & ROW_MODRM) || i.mod == 3) {
        return pushes;
    }
    bool base = (i.base == R_SP || i.base == R_BP) && i.seg != S_FS && i.seg != S_GS;
    return base || (pushes && va - (env->s.gpr[R_SP] - 8) < 16);
}

/* ---- stacks of inner levels ---- */

void x86_tss_stack(X86Env *env, int dpl, uint16_t *ss, uint32_t *esp)
{
    bool tss32 = env->s.tr.attr & 8;
    uint64_t base = env->s.tr.base;
    unsigned at = tss32 ? 4 + dpl * 8 : 2 + dpl * 4;
    int mmu = x86_sys_mmu(env);

    if (at + (tss32 ? 5 : 3) > env->s.tr.limit || (env->s.tr.attr & SEG_UNUSABLE)) {
        x86_raise_err(env, EXC_TS, env->s.tr.sel & ~3u);
    }
    *esp = tcg_load(env, base + at, tss32 ? 4 : 2, mmu);
    *ss = tcg_load(env, base + at + (tss32 ? 4 : 2), 2, mmu);
}

uint64_t x86_tss_rsp(X86Env *env, unsigned offset)
{
    if (offset + 7 > env->s.tr.limit || (env->s.tr.attr & SEG_UNUSABLE)) {
        x86_raise_err(env, EXC_TS, env->s.tr.sel & ~3u);
    }
    return tcg_load(env, env->s.tr.base + offset, 8, x86_sys_mmu(env));
}

void x86_check_inner_ss(X86Env *env, uint16_t sel, int dpl, X86Desc *d)
{
    if (sel_null(sel)) {
        x86_raise_err(env, EXC_TS, 0);
    }
    if (!x86_read_desc(env, sel, d) || (sel & 3) != dpl || desc_dpl(d) != dpl ||
        !desc_is_writable_data(d)) {
        x86_raise_err(env, EXC_TS, sel & ~3u);
    }
    if (!(d->hi & DESC_P)) {
        x86_raise_err(env, EXC_SS, sel & ~3u);
    }
}

/* ---- checks of non-flat accesses ---- */

static void G_GNUC_NORETURN seg_fault(X86Env *env, int reg)
{
    x86_raise_err(env, reg == S_SS ? EXC_SS : EXC_GP, 0);
}

uint64_t helper_seg_check(void *opaque, uint64_t reg, uint64_t off, uint64_t how)
{
    X86Env *env = opaque;
    const X86Seg *seg = &env->s.seg[reg];
    uint64_t last;
    bool write = how >> 8 & 1;
    unsigned size = how & 0xff;

    if (x86_code64(env)) {
        uint64_t va = off + (reg == S_FS || reg == S_GS ? seg->base : 0);
        if (!x86_canonical(env, va)) {
            seg_fault(env, (int)reg);
        }
        return va;
    }
    off = (uint32_t)off;
    last = off + (size ? size : 1) - 1;
    if (seg->attr & SEG_UNUSABLE) {
        seg_fault(env, (int)reg);
    }
    if ((env->s.cr0 & CR0_PE) && !x86_v86(env)) {
        bool code = seg->attr & 8, rw = seg->attr & 2;
        if (write ? code || !rw : code && !rw) {
            seg_fault(env, (int)reg);
        }
    }
    if ((seg->attr & 0xc) == 4) {
        if (off <= seg->limit || last > (seg->attr & SEG_DB ? 0xffffffffull : 0xffff)) {
            seg_fault(env, (int)reg);
        }
    } else if (last > seg->limit) {
        seg_fault(env, (int)reg);
    }
    return (uint32_t)(seg->base + off);
}

uint64_t helper_code_check(void *opaque, uint64_t ip, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;

    if (x86_code64(env) ? !x86_canonical(env, ip) : ip > env->s.seg[S_CS].limit) {
        x86_gp(env, 0);
    }
    return 0;
}
