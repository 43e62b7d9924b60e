/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Far jumps, calls and returns in all modes (SDM vol 2: JMP, CALL, RET; vol 3,
 * 5.8). IRET is in iret.c. Registers change only after the last memory access.
 */
#include "target/i386/transfer.h"

/* Operand c of far_jmp/far_call: the next instruction, sign-extended from bit 61, and the width. */
static uint64_t next_of(uint64_t c)
{
    return (uint64_t)((int64_t)(c << 2) >> 2);
}

void x86_check_target_ip(X86Env *env, const X86Desc *cs, uint64_t ip)
{
    bool long_code = x86_long(env) && (cs->hi & DESC_L);

    if (long_code ? !x86_canonical(env, ip) : ip > desc_limit(cs)) {
        x86_gp(env, 0);
    }
}

void x86_enter_code(X86Env *env, X86Desc *cs, uint16_t sel, int cpl, uint64_t ip)
{
    desc_to_seg(cs, (sel & ~3u) | cpl, &env->s.seg[S_CS]);
    env->s.rip = ip;
}

void x86_real_jump(X86Env *env, uint16_t sel, uint64_t ip)
{
    if (ip > (x86_v86(env) ? 0xffff : env->s.seg[S_CS].limit)) {
        x86_gp(env, 0);
    }
    x86_load_seg_real(env, S_CS, sel);
    env->s.rip = ip;
    x86_update_mode(env);
}

static uint64_t ip_of_width(uint64_t off, unsigned w)
{
    return off & width_mask(2u << w);
}

/* Rights of a direct transfer to the code segment *cs. */
static void check_direct_code(X86Env *env, uint16_t sel, const X86Desc *cs)
{
    bool ok = cs->hi & DESC_C ? desc_dpl(cs) <= env->cpl
                              : (sel & 3) <= env->cpl && desc_dpl(cs) == env->cpl;

    if (!ok) {
        x86_gp(env, sel & ~3u);
    }
    if (!(cs->hi & DESC_P)) {
        x86_raise_err(env, EXC_NP, sel & ~3u);
    }
    if (x86_long(env) && (cs->hi & DESC_L) && (cs->hi & DESC_B)) {
        x86_gp(env, sel & ~3u);
    }
}

/* A gate or TSS reached by CALL or JMP: privilege and presence. */
static void check_system_target(X86Env *env, uint16_t sel, const X86Desc *d)
{
    if (desc_dpl(d) < env->cpl || (sel & 3) > desc_dpl(d)) {
        x86_gp(env, sel & ~3u);
    }
    if (!(d->hi & DESC_P)) {
        x86_raise_err(env, EXC_NP, sel & ~3u);
    }
}

/* TSS or task gate: switch. */
static void far_task(X86Env *env, uint16_t sel, X86Desc *d, X86TaskSwitch how, uint64_t next)
{
    check_system_target(env, sel, d);
    if (desc_type(d) == 5) {
        sel = d->lo >> 16;
        if ((sel & 4) || sel_null(sel) || !x86_read_desc(env, sel, d) || (d->hi & DESC_S) ||
            (desc_type(d) != 1 && desc_type(d) != 9)) {
            x86_gp(env, sel & ~3u);
        }
        if (!(d->hi & DESC_P)) {
            x86_raise_err(env, EXC_NP, sel & ~3u);
        }
    }
    x86_task_switch(env, sel, d, how, next);
    x86_update_mode(env);
}

/* What a call gate leads to. */
typedef struct GateTarget {
    X86Desc cs;
    uint16_t sel;
    uint64_t ip;
    unsigned size;   /* of pushes */
    unsigned params;
    bool inner;
} GateTarget;

static void read_call_gate(X86Env *env, uint16_t sel, X86Desc *gate, bool call, GateTarget *t)
{
    unsigned type = desc_type(gate);
    uint32_t top;
    bool ok;

    check_system_target(env, sel, gate);
    t->sel = gate->lo >> 16;
    t->ip = (gate->lo & 0xffff) | (type == 0xc ? gate->hi & 0xffff0000 : 0);
    t->size = type == 0xc ? 4 : 2;
    t->params = gate->hi & 31;
    if (x86_long(env)) {
        if (!x86_read_desc_high(env, sel, gate, &top) || (top & 0x1f00)) {
            x86_gp(env, sel & ~3u);
        }
        t->ip |= (uint64_t)gate->base_high << 32;
        t->size = 8;
        t->params = 0;
    }
    if (sel_null(t->sel)) {
        x86_gp(env, 0);
    }
    ok = x86_read_desc(env, t->sel, &t->cs) && desc_is_code(&t->cs) && desc_dpl(&t->cs) <= env->cpl;
    if (ok && !call && !(t->cs.hi & DESC_C)) {
        ok = desc_dpl(&t->cs) == env->cpl;
    }
    if (ok && x86_long(env)) {
        ok = (t->cs.hi & (DESC_L | DESC_B)) == DESC_L;
    }
    if (!ok) {
        x86_gp(env, t->sel & ~3u);
    }
    if (!(t->cs.hi & DESC_P)) {
        x86_raise_err(env, EXC_NP, t->sel & ~3u);
    }
    t->inner = call && !(t->cs.hi & DESC_C) && desc_dpl(&t->cs) < env->cpl;
}

static bool is_task_type(unsigned type)
{
    return type == 1 || type == 9 || type == 5;
}

static bool is_call_gate(const X86Env *env, unsigned type)
{
    return type == 0xc || (type == 4 && !x86_long(env));
}

/* ---- JMP FAR ---- */

uint64_t helper_far_jmp(void *opaque, uint64_t a, uint64_t off, uint64_t c)
{
    X86Env *env = opaque;
    uint16_t sel = (uint16_t)a;
    uint64_t ip = ip_of_width(off, c >> 62);
    GateTarget t;
    X86Desc d;

    if (!x86_protected(env) || x86_v86(env)) {
        x86_real_jump(env, sel, ip);
        return 0;
    }
    if (sel_null(sel)) {
        x86_gp(env, 0);
    }
    if (!x86_read_desc(env, sel, &d)) {
        x86_gp(env, sel & ~3u);
    }
    if (desc_is_code(&d)) {
        check_direct_code(env, sel, &d);
        x86_check_target_ip(env, &d, ip);
        x86_mark_accessed(env, &d);
        x86_enter_code(env, &d, sel, env->cpl, ip);
    } else if (!(d.hi & DESC_S) && is_call_gate(env, desc_type(&d))) {
        read_call_gate(env, sel, &d, false, &t);
        x86_check_target_ip(env, &t.cs, t.ip);
        x86_mark_accessed(env, &t.cs);
        x86_enter_code(env, &t.cs, t.sel, env->cpl, t.ip);
    } else if (!(d.hi & DESC_S) && is_task_type(desc_type(&d)) && !x86_long(env)) {
        far_task(env, sel, &d, TASK_JMP, next_of(c));
    } else {
        x86_gp(env, sel & ~3u);
    }
    x86_update_mode(env);
    return 0;
}

/* ---- CALL FAR ---- */

static void call_same(X86Env *env, X86Desc *cs, uint16_t sel, uint64_t ip, uint64_t next,
                      unsigned size)
{
    X86Stack st;

    stack_init_current(env, &st);
    stack_push(&st, env->s.seg[S_CS].sel, size);
    stack_push(&st, next, size);
    x86_check_target_ip(env, cs, ip);
    x86_mark_accessed(env, cs);
    env->s.gpr[R_SP] = stack_merge(&st, env->s.gpr[R_SP]);
    x86_enter_code(env, cs, sel, env->cpl, ip);
}

static void call_inner_long(X86Env *env, GateTarget *t, uint64_t next)
{
    int dpl = desc_dpl(&t->cs);
    X86Stack st;

    stack_init(env, &st, &env->s.seg[S_SS], x86_tss_rsp(env, 4 + dpl * 8), dpl, true);
    stack_push(&st, env->s.seg[S_SS].sel, 8);
    stack_push(&st, env->s.gpr[R_SP], 8);
    stack_push(&st, env->s.seg[S_CS].sel, 8);
    stack_push(&st, next, 8);
    x86_check_target_ip(env, &t->cs, t->ip);
    x86_mark_accessed(env, &t->cs);
    env->s.gpr[R_SP] = st.sp;
    env->s.seg[S_SS] = (X86Seg){.sel = dpl, .attr = SEG_UNUSABLE | dpl << SEG_DPL_SHIFT};
    x86_enter_code(env, &t->cs, t->sel, dpl, t->ip);
}

static void call_inner(X86Env *env, GateTarget *t, uint64_t next)
{
    int dpl = desc_dpl(&t->cs);
    uint64_t params[31];
    uint16_t ss_sel;
    uint32_t esp;
    X86Desc ssd;
    X86Seg ss;
    X86Stack st, old;

    x86_tss_stack(env, dpl, &ss_sel, &esp);
    x86_check_inner_ss(env, ss_sel, dpl, &ssd);
    stack_init_current(env, &old);
    for (unsigned i = 0; i < t->params; i++) {
        params[i] = stack_pop(&old, t->size);
    }
    x86_mark_accessed(env, &ssd);
    desc_to_seg(&ssd, (ss_sel & ~3u) | dpl, &ss);
    stack_init(env, &st, &ss, esp, dpl, false);
    st.fault_err = ss_sel & ~3u;
    stack_push(&st, env->s.seg[S_SS].sel, t->size);
    stack_push(&st, env->s.gpr[R_SP], t->size);
    for (unsigned i = t->params; i-- > 0;) {
        stack_push(&st, params[i], t->size);
    }
    stack_push(&st, env->s.seg[S_CS].sel, t->size);
    stack_push(&st, next, t->size);
    x86_check_target_ip(env, &t->cs, t->ip);
    x86_mark_accessed(env, &t->cs);
    env->s.seg[S_SS] = ss;
    env->s.gpr[R_SP] = stack_merge(&st, env->s.gpr[R_SP]);
    x86_enter_code(env, &t->cs, t->sel, dpl, t->ip);
}

static void call_gate(X86Env *env, uint16_t sel, X86Desc *gate, uint64_t next)
{
    GateTarget t;

    read_call_gate(env, sel, gate, true, &t);
    if (!t.inner) {
        call_same(env, &t.cs, t.sel, t.ip, next, t.size);
    } else if (x86_long(env)) {
        call_inner_long(env, &t, next);
    } else {
        call_inner(env, &t, next);
    }
}

static void call_real(X86Env *env, uint16_t sel, uint64_t ip, uint64_t next, unsigned size)
{
    uint64_t limit = x86_v86(env) ? 0xffff : env->s.seg[S_CS].limit;
    X86Stack st;

    if (ip > limit) {
        x86_gp(env, 0);
    }
    stack_init_current(env, &st);
    stack_push(&st, env->s.seg[S_CS].sel, size);
    stack_push(&st, next, size);
    env->s.gpr[R_SP] = stack_merge(&st, env->s.gpr[R_SP]);
    x86_real_jump(env, sel, ip);
}

uint64_t helper_far_call(void *opaque, uint64_t a, uint64_t off, uint64_t c)
{
    X86Env *env = opaque;
    uint16_t sel = (uint16_t)a;
    unsigned w = c >> 62;
    uint64_t ip = ip_of_width(off, w), next = next_of(c);
    X86Desc d;

    if (!x86_protected(env) || x86_v86(env)) {
        call_real(env, sel, ip, next, 2u << w);
        return 0;
    }
    if (sel_null(sel)) {
        x86_gp(env, 0);
    }
    if (!x86_read_desc(env, sel, &d)) {
        x86_gp(env, sel & ~3u);
    }
    if (desc_is_code(&d)) {
        check_direct_code(env, sel, &d);
        call_same(env, &d, sel, ip, next, 2u << w);
    } else if (!(d.hi & DESC_S) && is_call_gate(env, desc_type(&d))) {
        call_gate(env, sel, &d, next);
    } else if (!(d.hi & DESC_S) && is_task_type(desc_type(&d)) && !x86_long(env)) {
        far_task(env, sel, &d, TASK_CALL, next);
    } else {
        x86_gp(env, sel & ~3u);
    }
    x86_update_mode(env);
    return 0;
}

/* ---- returns ---- */

void x86_return_code(X86Env *env, uint16_t sel, X86Desc *cs)
{
    int rpl = sel & 3;

    if (sel_null(sel)) {
        x86_gp(env, 0);
    }
    if (!x86_read_desc(env, sel, cs) || !desc_is_code(cs) || rpl < env->cpl ||
        (cs->hi & DESC_C ? desc_dpl(cs) > rpl : desc_dpl(cs) != rpl) ||
        (x86_long(env) && (cs->hi & DESC_L) && (cs->hi & DESC_B))) {
        x86_gp(env, sel & ~3u);
    }
    if (!(cs->hi & DESC_P)) {
        x86_raise_err(env, EXC_NP, sel & ~3u);
    }
}

void x86_return_stack(X86Env *env, uint16_t sel, int rpl, const X86Desc *cs, X86Seg *ss)
{
    bool to64 = x86_long(env) && (cs->hi & DESC_L);
    X86Desc d;

    if (sel_null(sel)) {
        if (!to64 || rpl == 3 || (sel & 3) != rpl) {
            x86_gp(env, 0);
        }
        *ss = (X86Seg){.sel = sel, .attr = SEG_UNUSABLE | rpl << SEG_DPL_SHIFT};
        return;
    }
    if (!x86_read_desc(env, sel, &d) || (sel & 3) != rpl || !desc_is_writable_data(&d) ||
        desc_dpl(&d) != rpl) {
        x86_gp(env, sel & ~3u);
    }
    if (!(d.hi & DESC_P)) {
        x86_raise_err(env, EXC_SS, sel & ~3u);
    }
    x86_mark_accessed(env, &d);
    desc_to_seg(&d, sel, ss);
}

void x86_drop_inner_segments(X86Env *env)
{
    static const uint8_t regs[] = {S_ES, S_DS, S_FS, S_GS};
    int cpl = x86_state_cpl(&env->s);

    for (unsigned i = 0; i < ARRAY_LEN(regs); i++) {
        X86Seg *seg = &env->s.seg[regs[i]];
        bool conforming = (seg->attr & 0xc) == 0xc;
        int dpl = seg->attr >> SEG_DPL_SHIFT & 3;

        if (!(seg->attr & SEG_UNUSABLE) && !conforming && dpl < cpl) {
            x86_null_seg(env, regs[i], 0);
        }
    }
}

/* RSP after a return to an outer level, in the width of the new stack segment. */
void x86_outer_rsp(X86Env *env, const X86Desc *cs, const X86Seg *ss, uint64_t rsp)
{
    if (x86_long(env) && (cs->hi & DESC_L)) {
        env->s.gpr[R_SP] = rsp;
    } else if (ss->attr & SEG_DB) {
        env->s.gpr[R_SP] = (uint32_t)rsp;
    } else {
        env->s.gpr[R_SP] = x86_merge(env->s.gpr[R_SP], rsp, 2);
    }
}

static void ret_real(X86Env *env, uint64_t imm, unsigned size)
{
    X86Stack st;
    uint64_t ip, sel;

    stack_init_current(env, &st);
    ip = stack_pop(&st, size);
    sel = stack_pop(&st, size);
    if (ip > (x86_v86(env) ? 0xffff : env->s.seg[S_CS].limit)) {
        x86_gp(env, 0);
    }
    st.sp += imm;
    env->s.gpr[R_SP] = stack_merge(&st, env->s.gpr[R_SP]);
    x86_real_jump(env, (uint16_t)sel, ip);
}

uint64_t helper_far_ret(void *opaque, uint64_t imm, uint64_t w, uint64_t c)
{
    X86Env *env = opaque;
    unsigned size = 1u << w;
    uint64_t ip, rsp;
    uint16_t sel, ss_sel;
    X86Desc cs;
    X86Seg ss;
    X86Stack st;

    if (!x86_protected(env) || x86_v86(env)) {
        ret_real(env, imm, size);
        return 0;
    }
    stack_init_current(env, &st);
    ip = stack_pop(&st, size);
    sel = (uint16_t)stack_pop(&st, size);
    x86_return_code(env, sel, &cs);
    st.sp += imm;
    if ((sel & 3) == env->cpl) {
        x86_check_target_ip(env, &cs, ip);
        x86_mark_accessed(env, &cs);
        env->s.gpr[R_SP] = stack_merge(&st, env->s.gpr[R_SP]);
        x86_enter_code(env, &cs, sel, env->cpl, ip);
    } else {
        rsp = stack_pop(&st, size);
        ss_sel = (uint16_t)stack_pop(&st, size);
        x86_return_stack(env, ss_sel, sel & 3, &cs, &ss);
        x86_check_target_ip(env, &cs, ip);
        x86_mark_accessed(env, &cs);
        x86_outer_rsp(env, &cs, &ss, rsp + imm);
        env->s.seg[S_SS] = ss;
        x86_enter_code(env, &cs, sel, sel & 3, ip);
        x86_drop_inner_segments(env);
    }
    x86_update_mode(env);
    return 0;
}
