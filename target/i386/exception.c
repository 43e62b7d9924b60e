/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions and the entry of all events into the guest: IVT of real mode, IDT
 * of protected and 64-bit mode (SDM vol 3, chapter 6), double and triple
 * faults.
 *
 * An exception is noted in the state (exc_*), the engine then calls
 * x86_deliver(). A fault while an event is being delivered arrives there too:
 * env->delivering tells which event was under way. Registers change only when
 * every memory access of the delivery has succeeded.
 */
#include "target/i386/fpu.h"
#include "target/i386/svm.h"

void x86_note(X86Env *env, int vector, bool has_err, uint32_t err, uint64_t addr)
{
    if (env->delivering >= 0 && env->delivering_kind != EVENT_SOFTWARE && vector >= EXC_TS && vector <= EXC_GP) {
        err |= 1;
    }
    env->exit_noted = false;
    env->s.exc_pending = 1;
    env->s.exc_vector = vector;
    env->s.exc_has_err = has_err;
    env->s.exc_soft = 0;
    env->s.exc_err = err;
    env->s.exc_addr = addr;
}

void x86_raise(X86Env *env, int vector)
{
    x86_note(env, vector, vector == EXC_DF || vector == EXC_AC, 0, 0);
    tcg_raise(env);
}

void x86_raise_err(X86Env *env, int vector, uint32_t err)
{
    x86_note(env, vector, true, err, 0);
    tcg_raise(env);
}

/* ---- helpers of translated code ---- */

uint64_t helper_raise(void *opaque, uint64_t vector, uint64_t err, uint64_t has_err)
{
    X86Env *env = opaque;

    x86_note(env, (int)vector, has_err, (uint32_t)err, 0);
    tcg_raise(env);
}

uint64_t helper_raise_int(void *opaque, uint64_t vector, uint64_t next, uint64_t kind)
{
    X86Env *env = opaque;

    x86_note(env, (int)vector, false, 0, 0);
    env->s.exc_soft = kind == 0 ? 1 : kind == 3 ? 3 : 2;
    env->s.exc_next_ip = next;
    tcg_raise(env);
}

/* ---- real-address mode and the v86 redirection ---- */

static void enter_ivt(X86Env *env, const X86Event *ev, uint64_t flags, uint64_t table, int mmu)
{
    X86Stack st;
    uint64_t entry;

    entry = tcg_load(env, table + ev->vector * 4, 4, mmu);
    stack_init_current(env, &st);
    stack_push(&st, flags & 0xffff, 2);
    stack_push(&st, env->s.seg[S_CS].sel, 2);
    stack_push(&st, ev->ret_ip, 2);
    env->s.gpr[R_SP] = stack_merge(&st, env->s.gpr[R_SP]);
    x86_load_seg_real(env, S_CS, entry >> 16);
    env->s.rip = entry & 0xffff;
}

static void deliver_real(X86Env *env, const X86Event *ev)
{
    if (env->s.idt_limit < ev->vector * 4u + 3) {
        x86_gp(env, ev->vector * 8 + 2);
    }
    enter_ivt(env, ev, x86_rflags(env), env->s.idt_base, x86_sys_mmu(env));
    x86_put_rflags(env, x86_rflags(env) & ~(uint64_t)(FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF));
    x86_update_mode(env);
}

/*
 * INT n in v86 mode (SDM vol 3, 21.3): through the task's own IVT if the redirection bitmap of
 * the TSS says so. True: done.
 */
static bool deliver_v86_soft(X86Env *env, const X86Event *ev)
{
    uint64_t flags = x86_rflags(env);
    int iopl = x86_iopl(env);
    uint16_t map;
    unsigned byte;

    if (!(env->s.cr4 & CR4_VME)) {
        if (iopl < 3) {
            x86_gp(env, 0);
        }
        return false;
    }
    map = env->s.tr.limit >= 103 ? tcg_load(env, env->s.tr.base + 102, 2, x86_sys_mmu(env)) : 0;
    byte = map >= 32 ? map - 32u + ev->vector / 8 : 0xffffffff;
    if (byte > env->s.tr.limit ||
        (tcg_load(env, env->s.tr.base + byte, 1, x86_sys_mmu(env)) >> (ev->vector & 7) & 1)) {
        if (iopl < 3) {
            x86_gp(env, 0);
        }
        return false;
    }
    if (iopl < 3) {
        flags = (flags & ~(uint64_t)FLAG_IF) | FLAG_IOPL;
        flags |= env->s.rflags & FLAG_VIF ? FLAG_IF : 0;
    }
    enter_ivt(env, ev, flags, 0, X86_MMU_USER);
    flags = x86_rflags(env) & ~(uint64_t)(FLAG_TF | (iopl < 3 ? FLAG_VIF : FLAG_IF));
    x86_put_rflags(env, flags);
    x86_update_mode(env);
    return true;
}

/* ---- protected mode ---- */

/* The common checks of a gate; e is the error code that names it. */
static void check_gate(X86Env *env, const X86Event *ev, const X86Desc *gate, uint32_t e)
{
    if ((ev->soft == 1 || ev->soft == 2) && desc_dpl(gate) < env->cpl) {
        x86_gp(env, e);
    }
    if (!(gate->hi & DESC_P)) {
        x86_raise_err(env, EXC_NP, e);
    }
}

/* The handler's code segment out of the gate's selector. */
static void handler_code(X86Env *env, uint16_t sel, X86Desc *cs)
{
    if (sel_null(sel)) {
        x86_gp(env, 0);
    }
    if (!x86_read_desc(env, sel, cs) || !desc_is_code(cs) || desc_dpl(cs) > env->cpl) {
        x86_gp(env, sel & ~3u);
    }
    if (!(cs->hi & DESC_P)) {
        x86_raise_err(env, EXC_NP, sel & ~3u);
    }
}

static uint64_t pushed_flags(X86Env *env, const X86Event *ev)
{
    uint64_t f = x86_rflags(env);

    return ev->set_rf ? f | FLAG_RF : f;
}

static void deliver_task_gate(X86Env *env, const X86Event *ev, const X86Desc *gate)
{
    uint16_t sel = gate->lo >> 16;
    X86Desc d;
    X86Stack st;

    if ((sel & 4) || sel_null(sel) || !x86_read_desc(env, sel, &d) || (d.hi & DESC_S) ||
        (desc_type(&d) != 1 && desc_type(&d) != 9)) {
        x86_gp(env, sel & ~3u);
    }
    if (!(d.hi & DESC_P)) {
        x86_raise_err(env, EXC_NP, sel & ~3u);
    }
    x86_task_switch(env, sel, &d, TASK_CALL, ev->ret_ip);
    if (ev->has_err) {
        stack_init_current(env, &st);
        stack_push(&st, ev->err, desc_type(&d) & 8 ? 4 : 2);
        env->s.gpr[R_SP] = stack_merge(&st, env->s.gpr[R_SP]);
    }
    x86_update_mode(env);
}

static void push_v86_segments(X86Env *env, X86Stack *st, unsigned size)
{
    stack_push(st, env->s.seg[S_GS].sel, size);
    stack_push(st, env->s.seg[S_FS].sel, size);
    stack_push(st, env->s.seg[S_DS].sel, size);
    stack_push(st, env->s.seg[S_ES].sel, size);
}

static void push_frame(X86Env *env, X86Stack *st, const X86Event *ev, unsigned size)
{
    stack_push(st, pushed_flags(env, ev), size);
    stack_push(st, env->s.seg[S_CS].sel, size);
    stack_push(st, ev->ret_ip, size);
    if (ev->has_err) {
        stack_push(st, ev->err, size);
    }
}

static uint64_t handler_flags(X86Env *env, bool interrupt_gate)
{
    uint64_t f = x86_rflags(env) & ~(uint64_t)(FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM);

    return interrupt_gate ? f & ~(uint64_t)FLAG_IF : f;
}

/* Enter the handler: all memory accesses are done. */
static void enter_handler(X86Env *env, X86Desc *cs, uint16_t cs_sel, int cpl, uint64_t ip,
                          bool interrupt_gate)
{
    bool from_v86 = x86_v86(env);

    desc_to_seg(cs, (cs_sel & ~3u) | cpl, &env->s.seg[S_CS]);
    if (from_v86) {
        x86_null_seg(env, S_GS, 0);
        x86_null_seg(env, S_FS, 0);
        x86_null_seg(env, S_DS, 0);
        x86_null_seg(env, S_ES, 0);
    }
    env->s.rip = ip;
    x86_put_rflags(env, handler_flags(env, interrupt_gate));
    x86_update_mode(env);
}

static void deliver_inner(X86Env *env, const X86Event *ev, X86Desc *cs, uint16_t sel, uint64_t ip,
                          unsigned size, bool int_gate)
{
    int dpl = desc_dpl(cs);
    uint16_t ss_sel;
    uint32_t esp;
    X86Desc ssd;
    X86Seg ss;
    X86Stack st;

    x86_tss_stack(env, dpl, &ss_sel, &esp);
    x86_check_inner_ss(env, ss_sel, dpl, &ssd);
    x86_mark_accessed(env, &ssd);
    desc_to_seg(&ssd, (ss_sel & ~3u) | dpl, &ss);
    stack_init(env, &st, &ss, esp, dpl, false);
    st.fault_err = ss_sel & ~3u;
    if (x86_v86(env)) {
        push_v86_segments(env, &st, size);
    }
    stack_push(&st, env->s.seg[S_SS].sel, size);
    stack_push(&st, env->s.gpr[R_SP], size);
    push_frame(env, &st, ev, size);
    x86_mark_accessed(env, cs);
    env->s.seg[S_SS] = ss;
    env->s.gpr[R_SP] = stack_merge(&st, env->s.gpr[R_SP]);
    enter_handler(env, cs, sel, dpl, ip, int_gate);
}

static void deliver_same(X86Env *env, const X86Event *ev, X86Desc *cs, uint16_t sel, uint64_t ip,
                         unsigned size, bool int_gate)
{
    X86Stack st;

    stack_init_current(env, &st);
    push_frame(env, &st, ev, size);
    x86_mark_accessed(env, cs);
    env->s.gpr[R_SP] = stack_merge(&st, env->s.gpr[R_SP]);
    enter_handler(env, cs, sel, env->cpl, ip, int_gate);
}

static void deliver_protected(X86Env *env, const X86Event *ev)
{
    uint32_t e = ev->vector * 8 + 2;
    X86Desc gate, cs;
    unsigned type, size;
    uint64_t ip;
    uint16_t sel;

    if (env->s.idt_limit < ev->vector * 8u + 7) {
        x86_gp(env, e);
    }
    gate.lo = tcg_load(env, env->s.idt_base + ev->vector * 8, 4, x86_sys_mmu(env));
    gate.hi = tcg_load(env, env->s.idt_base + ev->vector * 8 + 4, 4, x86_sys_mmu(env));
    type = desc_type(&gate);
    if ((gate.hi & DESC_S) || (type != 5 && (type & 6) != 6)) {
        x86_gp(env, e);
    }
    check_gate(env, ev, &gate, e);
    if (type == 5) {
        deliver_task_gate(env, ev, &gate);
        return;
    }
    sel = gate.lo >> 16;
    handler_code(env, sel, &cs);
    size = type & 8 ? 4 : 2;
    ip = (gate.lo & 0xffff) | (type & 8 ? gate.hi & 0xffff0000 : 0);
    if (x86_v86(env) && ((cs.hi & DESC_C) || desc_dpl(&cs) != 0)) {
        x86_gp(env, sel & ~3u);
    }
    if (!(cs.hi & DESC_C) && desc_dpl(&cs) < env->cpl) {
        deliver_inner(env, ev, &cs, sel, ip, size, !(type & 1));
    } else {
        deliver_same(env, ev, &cs, sel, ip, size, !(type & 1));
    }
}

/* ---- 64-bit mode (SDM vol 3, 6.14) ---- */

static void deliver_long(X86Env *env, const X86Event *ev)
{
    uint32_t e = ev->vector * 8 + 2;
    uint64_t at = env->s.idt_base + ev->vector * 16, ip, rsp;
    int mmu = x86_sys_mmu(env), cpl = env->cpl;
    X86Desc gate, cs;
    X86Stack st;
    uint16_t sel;
    bool inner;

    if (env->s.idt_limit < ev->vector * 16u + 15) {
        x86_gp(env, e);
    }
    gate.lo = tcg_load(env, at, 4, mmu);
    gate.hi = tcg_load(env, at + 4, 4, mmu);
    if ((gate.hi & DESC_S) || (desc_type(&gate) & 14) != 14) {
        x86_gp(env, e);
    }
    check_gate(env, ev, &gate, e);
    ip = (gate.lo & 0xffff) | (gate.hi & 0xffff0000) | tcg_load(env, at + 8, 4, mmu) << 32;
    sel = gate.lo >> 16;
    handler_code(env, sel, &cs);
    if ((cs.hi & (DESC_L | DESC_B)) != DESC_L) {
        x86_gp(env, sel & ~3u);
    }
    inner = !(cs.hi & DESC_C) && desc_dpl(&cs) < cpl;
    cpl = inner ? desc_dpl(&cs) : cpl;
    if (gate.hi & 7) {
        rsp = x86_tss_rsp(env, 0x24 + ((gate.hi & 7) - 1) * 8);
    } else {
        rsp = inner ? x86_tss_rsp(env, 4 + cpl * 8) : env->s.gpr[R_SP];
    }
    stack_init(env, &st, &env->s.seg[S_SS], rsp & ~15ull, cpl, true);
    stack_push(&st, env->s.seg[S_SS].sel, 8);
    stack_push(&st, env->s.gpr[R_SP], 8);
    push_frame(env, &st, ev, 8);
    x86_mark_accessed(env, &cs);
    if (inner) {
        env->s.seg[S_SS] = (X86Seg){.sel = cpl, .attr = SEG_UNUSABLE | cpl << SEG_DPL_SHIFT};
    }
    env->s.gpr[R_SP] = st.sp;
    enter_handler(env, &cs, sel, cpl, ip, !(gate.hi & DESC_A));
}

/* The event as EXITINTINFO has it (APM vol 2, 15.7.2): of instructions, only INT n is not an exception. */
static uint64_t event_info(const X86Event *ev)
{
    unsigned type = ev->kind == EVENT_INTERRUPT ? EVENT_TYPE_INTR
                    : ev->kind == EVENT_NMI     ? EVENT_TYPE_NMI
                    : ev->soft == 1             ? EVENT_TYPE_SOFT
                                                : EVENT_TYPE_EXCEPTION;

    return EVENT_VALID | ev->vector | type << EVENT_TYPE_SHIFT |
           (ev->has_err ? EVENT_EV | (uint64_t)ev->err << 32 : 0);
}

void x86_deliver_event(X86Env *env, const X86Event *ev)
{
    x86_fpu_show_error(env);
    env->delivering = ev->vector;
    env->delivering_kind = ev->kind;
    env->delivering_info = event_info(ev);
    if (!x86_protected(env)) {
        deliver_real(env, ev);
    } else if (x86_v86(env) && ev->soft == 1 && deliver_v86_soft(env, ev)) {
        /* done */
    } else if (x86_long(env)) {
        deliver_long(env, ev);
    } else {
        deliver_protected(env, ev);
    }
    env->delivering = -1;
    env->s.int_shadow = 0;
}

/* ---- what happens to a noted exception ---- */

enum { CLASS_BENIGN, CLASS_CONTRIBUTORY, CLASS_PAGE_FAULT };

static int exception_class(int vector)
{
    switch (vector) {
    case EXC_DE:
    case EXC_TS:
    case EXC_NP:
    case EXC_SS:
    case EXC_GP:
        return CLASS_CONTRIBUTORY;
    case EXC_PF:
        return CLASS_PAGE_FAULT;
    default:
        return CLASS_BENIGN;
    }
}

bool x86_exception_is_fault(int vector)
{
    switch (vector) {
    case EXC_DB:
    case EXC_NMI:
    case EXC_BP:
    case EXC_OF:
    case EXC_DF:
    case EXC_MC:
        return false;
    default:
        return true;
    }
}

/* A second exception while `first` was being delivered (SDM vol 3, table 6-5). False: shutdown. */
static bool combine_faults(X86Env *env, int first, bool first_hw)
{
    int c1 = first_hw ? exception_class(first) : CLASS_BENIGN;
    int c2 = exception_class(env->s.exc_vector);

    if (env->s.exc_vector == EXC_PF) {
        env->s.cr2 = env->s.exc_addr;
    }
    if (first_hw && first == EXC_DF) {
        return c2 == CLASS_BENIGN;
    }
    if ((c1 == CLASS_CONTRIBUTORY && c2 == CLASS_CONTRIBUTORY) ||
        (c1 == CLASS_PAGE_FAULT && c2 != CLASS_BENIGN)) {
        env->s.exc_vector = EXC_DF;
        env->s.exc_has_err = 1;
        env->s.exc_err = 0;
        env->s.exc_soft = 0;
    }
    return true;
}

static void log_event(X86Env *env, const X86Event *ev, const char *what)
{
    log_mask(LOG_INT, "%s v=%02x e=%04x i=%d cpl=%d IP=%04x:%016" G_GINT64_MODIFIER "x SP=%04x:%016"
             G_GINT64_MODIFIER "x CR2=%016" G_GINT64_MODIFIER "x\n", what, ev->vector, ev->err,
             ev->soft, env->cpl, env->s.seg[S_CS].sel, (guint64)env->s.rip, env->s.seg[S_SS].sel,
             (guint64)env->s.gpr[R_SP], (guint64)env->s.cr2);
}

void x86_exception_registers(X86Env *env)
{
    if (env->s.exc_vector == EXC_PF) {
        env->s.cr2 = env->s.exc_addr;
    } else if (env->s.exc_vector == EXC_DB && env->s.exc_soft == 0) {
        env->s.dr[6] |= env->s.exc_addr & 0xe00f;
        env->s.dr[7] &= ~(uint64_t)DR7_GD;
    }
}

/* Put a fault in a delivery together with the event that was under way. False: shutdown. */
static bool combine_pending(X86Env *env)
{
    int first = env->delivering;
    X86Event ev = {.vector = env->s.exc_vector, .err = env->s.exc_err};

    if (combine_faults(env, first, env->delivering_kind == EVENT_EXCEPTION)) {
        if (env->s.exc_vector == EXC_DF && svm_exception_exits(env)) {
            return true; /* EXITINTINFO is the first event */
        }
        env->delivering = -1;
        return true;
    }
    if (svm_intercepts(&env->s, SVM_EXIT_SHUTDOWN)) {
        svm_note_exit(env, SVM_EXIT_SHUTDOWN, 0, 0, 0);
        return true;
    }
    log_event(env, &ev, "triple fault");
    env->s.exc_pending = 0;
    env->delivering = -1;
    return false;
}

/* A reference to a non-canonical address was noted as #GP: #SS if it was one to the stack. */
static void settle_noncanonical(X86Env *env)
{
    if (env->delivering < 0 && x86_is_stack_reference(env, env->s.exc_addr)) {
        env->s.exc_vector = EXC_SS;
    }
    env->s.exc_addr = 0;
}

static void deliver_exception(X86Env *env)
{
    X86Event ev = {
        .vector = env->s.exc_vector,
        .soft = env->s.exc_soft,
        .kind = env->s.exc_soft == 0 || env->s.exc_soft == 3 ? EVENT_EXCEPTION : EVENT_SOFTWARE,
        .has_err = env->s.exc_has_err,
        .err = env->s.exc_err,
        .ret_ip = env->s.exc_soft ? env->s.exc_next_ip : env->s.rip,
        .set_rf = !env->s.exc_soft && x86_exception_is_fault(env->s.exc_vector),
    };
    if (ev.set_rf) {
        env->s.trap_pending = 0; /* of an instruction that did not complete */
    }
    x86_exception_registers(env);
    log_event(env, &ev, "exception");
    env->s.exc_pending = 0;
    x86_deliver_event(env, &ev);
}

bool x86_deliver(void *opaque)
{
    X86Env *env = opaque;
    X86Event ev;

    if (env->s.exc_pending && env->s.exc_vector == EXC_MF && !env->s.exc_soft && !(env->s.cr0 & CR0_NE)) {
        x86_fpu_error(env);
        return true;
    }
    if (env->s.exc_pending && env->s.exc_vector == EXC_GP && env->s.exc_addr) {
        settle_noncanonical(env);
    }
    if (env->svm_inject && !env->exit_noted) {
        svm_injected_event(env, &ev);
        log_event(env, &ev, "injected");
        x86_deliver_event(env, &ev);
        return true;
    }
    /* A guest's exceptions are looked at before they are combined with earlier ones. */
    if (!env->exit_noted && !(env->s.exc_pending && svm_exception_exits(env)) &&
        env->delivering >= 0 && !combine_pending(env)) {
        return false;
    }
    if (env->exit_noted) {
        svm_vmexit(env);
    } else if (env->s.exc_pending) {
        deliver_exception(env);
    }
    return true;
}
