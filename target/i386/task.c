/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hardware task switches between 32-bit and 16-bit TSSs (SDM vol 3, chapter 7).
 *
 * Everything that can fault before the point of no return (reading the new TSS,
 * writing the old one) happens first. Faults of segment loads are raised in
 * the context of the new task, as the processor does.
 */
#include "target/i386/svm.h"

typedef struct TaskImage {
    uint32_t cr3, eip, eflags, gpr[8];
    uint16_t seg[6], ldt;
    uint16_t trap;
} TaskImage;

#define TSS32_SIZE 104
#define TSS16_SIZE 44

static void tss32_unpack(const uint8_t *b, TaskImage *t)
{
    t->cr3 = ld_le32(b + 28);
    t->eip = ld_le32(b + 32);
    t->eflags = ld_le32(b + 36);
    for (int i = 0; i < 8; i++) {
        t->gpr[i] = ld_le32(b + 40 + i * 4);
    }
    for (int i = 0; i < 6; i++) {
        t->seg[i] = ld_le16(b + 72 + i * 4);
    }
    t->ldt = ld_le16(b + 96);
    t->trap = ld_le16(b + 100) & 1;
}

static void tss16_unpack(const uint8_t *b, TaskImage *t)
{
    *t = (TaskImage){.eip = ld_le16(b + 14), .eflags = ld_le16(b + 16)};
    for (int i = 0; i < 8; i++) {
        t->gpr[i] = ld_le16(b + 18 + i * 2);
    }
    for (int i = 0; i < 4; i++) {
        t->seg[i] = ld_le16(b + 34 + i * 2);
    }
    t->ldt = ld_le16(b + 42);
}

/* The dynamic part of the outgoing task. */
static void save_old(X86Env *env, bool tss32, uint64_t flags, uint64_t next_ip)
{
    uint8_t b[64];
    int mmu = x86_sys_mmu(env);
    uint64_t base = env->s.tr.base;

    if (tss32) {
        st_le32(b, (uint32_t)next_ip);
        st_le32(b + 4, (uint32_t)flags);
        for (int i = 0; i < 8; i++) {
            st_le32(b + 8 + i * 4, (uint32_t)env->s.gpr[i]);
        }
        tcg_write(env, base + 32, b, 40, mmu);
        for (int i = 0; i < 6; i++) {
            tcg_store(env, base + 72 + i * 4, env->s.seg[i].sel, 2, mmu);
        }
        return;
    }
    st_le16(b, (uint16_t)next_ip);
    st_le16(b + 2, (uint16_t)flags);
    for (int i = 0; i < 8; i++) {
        st_le16(b + 4 + i * 2, (uint16_t)env->s.gpr[i]);
    }
    for (int i = 0; i < 4; i++) {
        st_le16(b + 20 + i * 2, env->s.seg[i].sel);
    }
    tcg_write(env, base + 14, b, 28, mmu);
}

static void set_busy(X86Env *env, uint64_t addr, bool busy)
{
    uint32_t hi = tcg_load(env, addr + 4, 4, x86_sys_mmu(env));

    hi = busy ? hi | 1u << 9 : hi & ~(1u << 9);
    tcg_store(env, addr + 4, hi, 4, x86_sys_mmu(env));
}

/* ---- loading the new task's segments; errors are #TS in the new task ---- */

static void ts_load_ldt(X86Env *env, uint16_t sel)
{
    X86Desc d;

    env->s.ldt = (X86Seg){.sel = sel, .attr = SEG_UNUSABLE};
    if (sel_null(sel)) {
        return;
    }
    if ((sel & 4) || !x86_read_desc(env, sel, &d) || (d.hi & DESC_S) || desc_type(&d) != 2 ||
        !(d.hi & DESC_P)) {
        x86_raise_err(env, EXC_TS, sel & ~3u);
    }
    desc_to_seg(&d, sel, &env->s.ldt);
}

static void ts_load_cs(X86Env *env, uint16_t sel)
{
    int rpl = sel & 3;
    X86Desc d;

    if (sel_null(sel) || !x86_read_desc(env, sel, &d) || !desc_is_code(&d) ||
        (d.hi & DESC_C ? desc_dpl(&d) > rpl : desc_dpl(&d) != rpl)) {
        x86_raise_err(env, EXC_TS, sel & ~3u);
    }
    if (!(d.hi & DESC_P)) {
        x86_raise_err(env, EXC_NP, sel & ~3u);
    }
    x86_mark_accessed(env, &d);
    desc_to_seg(&d, sel, &env->s.seg[S_CS]);
}

static void ts_load_ss(X86Env *env, uint16_t sel, int cpl)
{
    X86Desc d;

    if (sel_null(sel) || !x86_read_desc(env, sel, &d) || !desc_is_writable_data(&d) ||
        desc_dpl(&d) != cpl || (sel & 3) != cpl) {
        x86_raise_err(env, EXC_TS, sel & ~3u);
    }
    if (!(d.hi & DESC_P)) {
        x86_raise_err(env, EXC_SS, sel & ~3u);
    }
    x86_mark_accessed(env, &d);
    desc_to_seg(&d, sel, &env->s.seg[S_SS]);
}

static void ts_load_data(X86Env *env, int reg, uint16_t sel, int cpl)
{
    X86Desc d;

    if (sel_null(sel)) {
        return;
    }
    if (!x86_read_desc(env, sel, &d) || !(d.hi & DESC_S) ||
        (d.hi & (DESC_CODE | DESC_W)) == DESC_CODE ||
        ((d.hi & (DESC_CODE | DESC_C)) != (DESC_CODE | DESC_C) &&
         (desc_dpl(&d) < cpl || desc_dpl(&d) < (sel & 3)))) {
        x86_raise_err(env, EXC_TS, sel & ~3u);
    }
    if (!(d.hi & DESC_P)) {
        x86_raise_err(env, EXC_NP, sel & ~3u);
    }
    x86_mark_accessed(env, &d);
    desc_to_seg(&d, sel, &env->s.seg[reg]);
}

static void load_segments(X86Env *env, const TaskImage *t)
{
    int cpl = t->seg[S_CS] & 3;

    if (env->s.rflags & FLAG_VM) {
        for (int i = 0; i < S_COUNT; i++) {
            x86_load_seg_real(env, i, t->seg[i]);
        }
        x86_update_mode(env);
        ts_load_ldt(env, t->ldt);
        return;
    }
    /* Until they are loaded, all are unusable with their selectors; the level is that of CS. */
    for (int i = 0; i < S_COUNT; i++) {
        x86_null_seg(env, i, t->seg[i]);
        env->s.seg[i].attr |= cpl << SEG_DPL_SHIFT;
    }
    x86_update_mode(env);
    ts_load_ldt(env, t->ldt);
    ts_load_cs(env, t->seg[S_CS]);
    ts_load_ss(env, t->seg[S_SS], cpl);
    x86_update_mode(env);
    ts_load_data(env, S_ES, t->seg[S_ES], cpl);
    ts_load_data(env, S_DS, t->seg[S_DS], cpl);
    ts_load_data(env, S_FS, t->seg[S_FS], cpl);
    ts_load_data(env, S_GS, t->seg[S_GS], cpl);
    x86_update_mode(env);
}

static void load_registers(X86Env *env, const TaskImage *t, bool tss32, X86TaskSwitch how)
{
    env->s.cr0 |= CR0_TS;
    for (int i = 0; i < 8; i++) {
        env->s.gpr[i] = tss32 ? t->gpr[i] : t->gpr[i] | 0xffff0000u;
    }
    env->s.rip = t->eip;
    x86_put_rflags(env, t->eflags | (how == TASK_CALL ? FLAG_NT : 0));
}

/* Read the new TSS; #TS unless it is long enough. */
static void read_new(X86Env *env, uint16_t sel, const X86Desc *d, bool tss32, TaskImage *t)
{
    unsigned size = tss32 ? TSS32_SIZE : TSS16_SIZE;
    uint8_t image[TSS32_SIZE];

    if (desc_limit(d) < size - 1) {
        x86_raise_err(env, EXC_TS, sel & ~3u);
    }
    tcg_read(env, desc_base(d), image, size, x86_sys_mmu(env));
    if (tss32) {
        tss32_unpack(image, t);
    } else {
        tss16_unpack(image, t);
    }
}

/* An SVM host may do the switch itself (APM vol 2, 15.14.1). */
static void check_intercept(X86Env *env, uint16_t sel, X86TaskSwitch how, uint64_t next_ip)
{
    bool event = env->delivering >= 0, has_err = event && (env->delivering_info & EVENT_EV);
    uint64_t info2 = has_err ? env->delivering_info >> 32 | 1ull << 44 : 0;

    if (!svm_intercepts(&env->s, SVM_EXIT_TASK_SWITCH)) {
        return;
    }
    info2 |= how == TASK_IRET ? 1ull << 36 : how == TASK_JMP ? 1ull << 38 : 0;
    info2 |= env->s.rflags & FLAG_RF ? 1ull << 48 : 0;
    svm_exit(env, SVM_EXIT_TASK_SWITCH, sel, info2,
             event ? 0 : how == TASK_IRET ? svm_next_rip(env) : next_ip);
}

void x86_task_switch(X86Env *env, uint16_t sel, const X86Desc *d, X86TaskSwitch how,
                     uint64_t next_ip)
{
    bool tss32 = desc_type(d) & 8, old32 = env->s.tr.attr & 8;
    uint64_t old_desc = env->s.gdt_base + (env->s.tr.sel & ~7u), flags = x86_rflags(env);
    uint16_t old_tr = env->s.tr.sel;
    TaskImage t;

    read_new(env, sel, d, tss32, &t);
    if (env->s.tr.limit < (old32 ? TSS32_SIZE : TSS16_SIZE) - 1) {
        x86_raise_err(env, EXC_TS, old_tr & ~3u);
    }
    check_intercept(env, sel, how, next_ip);
    if (how != TASK_CALL && !sel_null(old_tr)) {
        set_busy(env, old_desc, false);
    }
    save_old(env, old32, how == TASK_IRET ? flags & ~(uint64_t)FLAG_NT : flags, next_ip);
    if (how == TASK_CALL) {
        tcg_store(env, desc_base(d), old_tr, 2, x86_sys_mmu(env));
    }
    if (how != TASK_IRET) {
        set_busy(env, d->addr, true);
    }
    /* From here on it is the new task. */
    desc_to_seg(d, sel, &env->s.tr);
    env->s.tr.attr |= 2;
    if (tss32 && (env->s.cr0 & CR0_PG)) {
        x86_set_cr3(env, t.cr3, false);
    }
    load_registers(env, &t, tss32, how);
    env->s.dr[7] &= ~0x155ull; /* local breakpoints */
    x86_debug_changed(env);
    load_segments(env, &t);
    if (env->s.rip > env->s.seg[S_CS].limit) {
        x86_gp(env, 0);
    }
    if (t.trap) {
        x86_note(env, EXC_DB, false, 0, DR6_BT);
        tcg_raise(env);
    }
}
