/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IRET in all modes (SDM vol 2, IRET; vol 3, 21.3 for v86 with VME).
 */
#include "target/i386/transfer.h"

/* Flags that an image can change at all; IF, IOPL, VIF and VIP by privilege. */
#define IRET_FLAGS                                                                                 \
    (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_TF | FLAG_DF | FLAG_OF | FLAG_NT |     \
     FLAG_RF | FLAG_AC | FLAG_ID)

static uint64_t merge_flags(X86Env *env, uint64_t image, uint64_t mask, unsigned size)
{
    mask &= width_mask(size);
    return (x86_rflags(env) & ~mask) | (image & mask);
}

/* NMIs may come again. */
static void unblock_nmi(X86Env *env)
{
    env->s.nmi_masked = 0;
    if (env->s.nmi_pending) {
        env->s.nmi_pending = 0;
        cpu_request(env->cpu, CPU_REQ_NMI);
        tcg_poll(env);
    }
}

static void iret_real(X86Env *env, unsigned size)
{
    uint64_t ip, sel, image, mask = IRET_FLAGS | FLAG_IF | FLAG_IOPL;
    X86Stack st;

    stack_init_current(env, &st);
    ip = stack_pop(&st, size);
    sel = stack_pop(&st, size);
    image = stack_pop(&st, size);
    if (x86_v86(env)) {
        mask &= ~(uint64_t)FLAG_IOPL;
    }
    if (ip > (x86_v86(env) ? 0xffff : env->s.seg[S_CS].limit)) {
        x86_gp(env, 0);
    }
    env->s.gpr[R_SP] = stack_merge(&st, env->s.gpr[R_SP]);
    x86_put_rflags(env, merge_flags(env, image, mask, size));
    x86_real_jump(env, (uint16_t)sel, ip);
}

/* v86 below IOPL 3: only the 16-bit form, with the virtual IF. */
static void iret_vme(X86Env *env, unsigned size)
{
    uint64_t ip, sel, image, flags;
    X86Stack st;

    if (!(env->s.cr4 & CR4_VME) || size != 2) {
        x86_gp(env, 0);
    }
    stack_init_current(env, &st);
    ip = stack_pop(&st, 2);
    sel = stack_pop(&st, 2);
    image = stack_pop(&st, 2);
    if ((image & FLAG_TF) || ((image & FLAG_IF) && (env->s.rflags & FLAG_VIP))) {
        x86_gp(env, 0);
    }
    flags = merge_flags(env, image, IRET_FLAGS, 2);
    flags = image & FLAG_IF ? flags | FLAG_VIF : flags & ~(uint64_t)FLAG_VIF;
    env->s.gpr[R_SP] = stack_merge(&st, env->s.gpr[R_SP]);
    x86_put_rflags(env, flags);
    x86_real_jump(env, (uint16_t)sel, ip);
}

static void iret_to_v86(X86Env *env, X86Stack *st, uint64_t ip, uint16_t cs, uint64_t image)
{
    static const uint8_t order[] = {S_SS, S_ES, S_DS, S_FS, S_GS};
    uint64_t esp = stack_pop(st, 4);
    uint16_t sel[ARRAY_LEN(order)];

    for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
        sel[i] = (uint16_t)stack_pop(st, 4);
    }
    if (ip > 0xffff) {
        x86_gp(env, 0);
    }
    env->cc = image & CC_EFLAGS_MASK;
    env->s.rflags = (image & FLAG_ALL) | 2;
    x86_load_seg_real(env, S_CS, cs);
    for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
        x86_load_seg_real(env, order[i], sel[i]);
    }
    env->s.gpr[R_SP] = (uint32_t)esp;
    env->s.rip = ip;
    x86_update_mode(env);
    x86_poll_interrupts(env);
}

static void iret_task(X86Env *env)
{
    uint16_t link;
    X86Desc d;

    if (x86_long(env)) {
        x86_gp(env, 0);
    }
    link = tcg_load(env, env->s.tr.base, 2, x86_sys_mmu(env));
    if ((link & 4) || sel_null(link) || !x86_read_desc(env, link, &d) || (d.hi & DESC_S) ||
        (desc_type(&d) != 3 && desc_type(&d) != 0xb)) {
        x86_raise_err(env, EXC_TS, link & ~3u);
    }
    if (!(d.hi & DESC_P)) {
        x86_raise_err(env, EXC_NP, link & ~3u);
    }
    x86_task_switch(env, link, &d, TASK_IRET, env->s.rip);
    x86_update_mode(env);
}

static uint64_t privileged_mask(const X86Env *env)
{
    uint64_t mask = IRET_FLAGS;

    if (env->cpl <= x86_iopl(env)) {
        mask |= FLAG_IF;
    }
    if (env->cpl == 0) {
        mask |= FLAG_IOPL | FLAG_VIF | FLAG_VIP;
    }
    return mask;
}

static void iret_protected(X86Env *env, unsigned size)
{
    uint64_t ip, image, flags, rsp = 0;
    uint16_t sel;
    bool outer;
    X86Desc cs;
    X86Seg ss;
    X86Stack st;

    stack_init_current(env, &st);
    ip = stack_pop(&st, size);
    sel = (uint16_t)stack_pop(&st, size);
    image = stack_pop(&st, size);
    if ((image & FLAG_VM) && size == 4 && env->cpl == 0 && !x86_long(env)) {
        iret_to_v86(env, &st, ip, sel, image);
        return;
    }
    x86_return_code(env, sel, &cs);
    outer = (sel & 3) > env->cpl || x86_code64(env);
    if (outer) {
        uint16_t ss_sel;
        rsp = stack_pop(&st, size);
        ss_sel = (uint16_t)stack_pop(&st, size);
        x86_return_stack(env, ss_sel, sel & 3, &cs, &ss);
    }
    x86_check_target_ip(env, &cs, ip);
    x86_mark_accessed(env, &cs);
    flags = merge_flags(env, image, privileged_mask(env), size);
    if (outer) {
        x86_outer_rsp(env, &cs, &ss, rsp);
        env->s.seg[S_SS] = ss;
    } else {
        env->s.gpr[R_SP] = stack_merge(&st, env->s.gpr[R_SP]);
    }
    x86_enter_code(env, &cs, sel, sel & 3, ip);
    if ((sel & 3) > env->cpl) {
        x86_drop_inner_segments(env);
    }
    x86_put_rflags(env, flags);
    x86_update_mode(env);
}

uint64_t helper_iret(void *opaque, uint64_t w, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    unsigned size = 1u << w;

    if (!x86_protected(env)) {
        iret_real(env, size);
    } else if (x86_v86(env)) {
        if (x86_iopl(env) == 3) {
            iret_real(env, size);
        } else {
            iret_vme(env, size);
        }
    } else if (env->s.rflags & FLAG_NT) {
        iret_task(env);
    } else {
        iret_protected(env, size);
    }
    unblock_nmi(env);
    return 0;
}
