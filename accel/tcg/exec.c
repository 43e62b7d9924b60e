/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The execution loop: finds or makes the block at the guest's pc, runs it by
 * generated code or the interpreter, and deals with whatever ended it:
 * exceptions, interrupts, requests of other threads.
 *
 * C code below the loop leaves it by tcg_raise()/tcg_exit*() (a jump to
 * guarded()), so that helpers deep in segment loads need no error returns.
 *
 * home: one vCPU thread each. What crosses threads: vcpu->poll (kick), the
 * running/epoch pair (exclusive sections), tm->lock (cache.c).
 */
#include <inttypes.h>
#include <sched.h>
#include <string.h>

#include "accel/tcg/tlb.h"
#include "base/log.h"
#include "core/debug.h"

/* ---- in and out of guest code, seen by other threads ---- */

static void excl_notify(TcgMachine *tm)
{
    pthread_mutex_lock(&tm->excl_lock);
    pthread_cond_broadcast(&tm->excl_cond);
    pthread_mutex_unlock(&tm->excl_lock);
}

static void running_end(TcgVcpu *v)
{
    __atomic_store_n(&v->loop->epoch, v->loop->epoch + 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&v->loop->running, 0, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&v->tm->excl_pending, __ATOMIC_SEQ_CST)) {
        excl_notify(v->tm);
    }
}

static void running_begin(TcgVcpu *v)
{
    TcgMachine *tm = v->tm;
    for (;;) {
        __atomic_store_n(&v->loop->running, 1, __ATOMIC_SEQ_CST);
        if (G_LIKELY(!__atomic_load_n(&tm->excl_pending, __ATOMIC_SEQ_CST))) {
            return;
        }
        running_end(v);
        pthread_mutex_lock(&tm->excl_lock);
        while (tm->excl_pending) {
            pthread_cond_wait(&tm->excl_cond, &tm->excl_lock);
        }
        pthread_mutex_unlock(&tm->excl_lock);
    }
}

static void set_poll(TcgVcpu *v)
{
    __atomic_store_n(&v->poll, 1, __ATOMIC_SEQ_CST);
}

static bool others_running(TcgMachine *tm, TcgVcpu *v)
{
    for (int i = 0; i < tm->n_vcpus; i++) {
        if (tm->vcpus[i] != v && __atomic_load_n(&tm->vcpus[i]->loop->running, __ATOMIC_SEQ_CST)) {
            return true;
        }
    }
    return false;
}

void exec_exclusive_begin(TcgVcpu *v)
{
    TcgMachine *tm = v->tm;
    pthread_mutex_lock(&tm->excl_lock);
    while (tm->excl_pending) {
        pthread_cond_wait(&tm->excl_cond, &tm->excl_lock);
    }
    __atomic_store_n(&tm->excl_pending, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < tm->n_vcpus; i++) {
        if (tm->vcpus[i] != v) {
            set_poll(tm->vcpus[i]);
        }
    }
    while (others_running(tm, v)) {
        pthread_cond_wait(&tm->excl_cond, &tm->excl_lock);
    }
    pthread_mutex_unlock(&tm->excl_lock);
}

void exec_exclusive_end(TcgVcpu *v)
{
    TcgMachine *tm = v->tm;
    pthread_mutex_lock(&tm->excl_lock);
    __atomic_store_n(&tm->excl_pending, 0, __ATOMIC_SEQ_CST);
    pthread_cond_broadcast(&tm->excl_cond);
    pthread_mutex_unlock(&tm->excl_lock);
}

void exec_sync_others(TcgMachine *tm, TcgVcpu *v)
{
    for (int i = 0; i < tm->n_vcpus; i++) {
        TcgVcpu *u = tm->vcpus[i];
        uint32_t epoch = __atomic_load_n(&u->loop->epoch, __ATOMIC_SEQ_CST);
        if (u == v || !__atomic_load_n(&u->loop->running, __ATOMIC_SEQ_CST)) {
            continue;
        }
        set_poll(u);
        while (__atomic_load_n(&u->loop->running, __ATOMIC_SEQ_CST) &&
               __atomic_load_n(&u->loop->epoch, __ATOMIC_SEQ_CST) == epoch) {
            sched_yield();
        }
    }
}

/* ---- leaving from deep inside ---- */

void tcg_leave(TcgVcpu *v, Leave why)
{
    v->loop->leave = why;
    v->loop->in_slow = false;
    v->in_code = 0;
    __builtin_longjmp(v->jmp, 1);
}

void tcg_raise(void *env)
{
    TcgVcpu *v = tcg_vcpu(env);
    mem_note_pc(v);
    v->loop->deliver = true;
    tcg_leave(v, LEAVE_EXCEPTION);
}

void tcg_exit_loop(void *env)
{
    tcg_leave(tcg_vcpu(env), LEAVE_LOOP);
}

void tcg_exit(void *env, Exit why)
{
    tcg_vcpu(env)->run_exit = why;
    tcg_leave(tcg_vcpu(env), LEAVE_EXIT);
}

void tcg_fpu_settle(void *env)
{
    host_fpu_settle(tcg_vcpu(env));
}

Cpu *tcg_cpu(void *env)
{
    return tcg_vcpu(env)->cpu;
}

void tcg_poll(void *env)
{
    tcg_vcpu(env)->loop->look = true;
    set_poll(tcg_vcpu(env));
}

bool tcg_polled(void *env)
{
    return __atomic_load_n(&tcg_vcpu(env)->poll, __ATOMIC_RELAXED);
}

void tcg_mode_changed(void *env)
{
    TcgVcpu *v = tcg_vcpu(env);
    jc_set_mode(v, v->target->mode(env));
}

/* ---- blocks ---- */

/* The block at pc under the current mode, NULL if there is none yet; faults raise or give NULL. */
static TcgBlock *find_block(TcgVcpu *v, uint64_t pc, bool raise)
{
    uint64_t mode = v->loop->mode, va = tcg_code_va(v, mode, pc);
    const ItlbEntry *i = tlb_fetch(v, va, v->target->code_mmu(tcg_env(v)), raise);
    v->stats.lookups++;
    if (!i || i->phys == ~0ull) {
        return NULL;
    }
    bool global = i->global;
    TcgBlock *tb = cache_find(v, i->phys | (va & (MEM_PAGE_SIZE - 1)), pc, mode);
    if (tb && !tb->ir && !log_on(LOG_EXEC)) {
        jc_insert(v, tb, global);
    }
    return tb;
}

void *tcg_slow_lookup(TcgVcpu *v, uint64_t pc)
{
    v->stats.jc_miss++;
    TcgBlock *tb = log_on(LOG_EXEC) ? NULL : find_block(v, pc, false);
    return tb ? host_code_ptr(v->tm->code, tb->entry_poll) : NULL;
}

/* tb: the block that ir is of, NULL if ir was made for this one time. */
static void interp(TcgVcpu *v, const IrBlock *ir, const TcgBlock *tb)
{
    v->stats.interp_insns += ir->n_insns;
    v->interp_tb = tb && tb->n_insns > 1 ? tb : NULL;
    interp_block(v, ir);
}

/* One instruction, exactly. */
static void interp_one(TcgVcpu *v)
{
    cache_translate_ir(v, tcg_pc(v), v->loop->mode, 1);
    interp(v, &v->ir, NULL);
}

/*
 * The poll was at the entry of a block that overwrites all flags: whoever
 * jumped there need not have left them in env. Execute up to the point where
 * they are defined, which by the nature of such a block can not fault.
 */
static void settle_flags(TcgVcpu *v, const TcgBlock *tb)
{
    if (tb && tb->flags_dead_in && tcg_pc(v) == tb->pc && tb->mode == v->loop->mode) {
        int n = tb->flags_insns ? tb->flags_insns : 1;
        cache_translate_ir(v, tb->pc, tb->mode, n);
        interp(v, &v->ir, NULL);
    }
}

static void run_code(TcgVcpu *v, TcgBlock *tb)
{
    host_enter(v->tm->code, v, tb->entry);
    v->stats.exits[v->exit_reason]++;
    if (v->exit_reason == TCG_EXIT_INTERP) {
        v->loop->leave = LEAVE_INTERP;
    } else if (v->exit_reason == TCG_EXIT_POLL) {
        settle_flags(v, v->exit_block);
    }
}

/*
 * Look up, translate if needed, run; until something wants the outer loop. At
 * least one block is run: an interrupt held off by a shadow asks for another
 * look after the next instruction by setting poll.
 */
static void execute(TcgVcpu *v)
{
    void *env = tcg_env(v);
    v->loop->leave = 0;
    do {
        jc_set_mode(v, v->target->mode(env));
        uint64_t pc = tcg_pc(v);
        TcgEdge *edge = v->exit_reason == TCG_EXIT_EDGE ? v->exit_edge : NULL;
        v->exit_reason = TCG_EXIT_LOOKUP;

        TcgBlock *tb = find_block(v, pc, true);
        if (!tb) {
            debug_check_break(v, pc); /* there are no blocks where breakpoints are */
            uint64_t flushes = v->tm->full_flushes;
            tb = cache_translate(v, pc, v->loop->mode);
            edge = flushes == v->tm->full_flushes ? edge : NULL;
        }
        log_mask(LOG_EXEC, "exec: CPU %d 0x%" PRIx64 " mode 0x%" PRIx64 "\n", v->cpu->index, pc, v->loop->mode);
        uint64_t flushes = v->tm->full_flushes;
        running_begin(v);
        if (G_UNLIKELY(flushes != v->tm->full_flushes)) {
            v->exit_edge = NULL; /* blocks were recycled while we waited */
        } else if (!tb) {
            interp(v, &v->ir, NULL);
        } else if (tb->ir) {
            interp(v, tb->ir, tb);
        } else {
            if (edge && edge->pc == pc) {
                cache_link(v->tm, edge, tb);
                v->stats.links++;
            }
            run_code(v, tb);
        }
        running_end(v);
    } while (!v->loop->leave && !__atomic_load_n(&v->poll, __ATOMIC_RELAXED) &&
             !v->target->halted(env));
}

/* Run fn; a tcg_leave() inside comes back here. */
static __attribute__((noinline)) Leave guarded(TcgVcpu *v, void (*fn)(TcgVcpu *))
{
    v->loop->leave = 0;
    v->loop->watch_leaves = fn == execute;
    if (__builtin_setjmp(v->jmp) == 0) {
        fn(v);
    }
    host_fpu_save(v);
    if (v->loop->running) {
        running_end(v);
    }
    return v->loop->leave;
}

static void do_interp_one(TcgVcpu *v)
{
    v->exit_reason = TCG_EXIT_LOOKUP;
    running_begin(v);
    interp_one(v);
    running_end(v);
}

static void do_deliver(TcgVcpu *v)
{
    running_begin(v);
    v->loop->deliver = false;
    v->stats.exceptions++;
    if (!v->target->deliver(tcg_env(v))) {
        tcg_exit(tcg_env(v), EXIT_SHUTDOWN);
    }
    running_end(v);
}

static void do_interrupt(TcgVcpu *v)
{
    running_begin(v);
    if (v->target->interrupt(tcg_env(v))) {
        v->stats.interrupts++;
    }
    running_end(v);
}

#define LOOP_REQUESTS (CPU_REQ_STOP | CPU_REQ_WORK | CPU_REQ_EXIT | CPU_REQ_RESET)

static void absorb_requests(TcgVcpu *v)
{
    Cpu *cpu = v->cpu;
    if (cpu_requests(cpu) & CPU_REQ_TLB) {
        cpu_unrequest(cpu, CPU_REQ_TLB);
        tlb_flush_all(v);
    }
    tlb_ask_serve(v);
    mem_quiesce(cpu->machine);
    v->tlb2->section = NULL;
}

/* One round. False: leave run() with v->run_exit. */
static bool round_of(TcgVcpu *v, Leave *last)
{
    void (*fn)(TcgVcpu *) = execute;

    __atomic_store_n(&v->poll, 0, __ATOMIC_SEQ_CST);
    absorb_requests(v);
    if (v->loop->deliver) {
        fn = do_deliver; /* before anything else: the state is mid-instruction until then */
    } else if (G_UNLIKELY(v->loop->watch_hit)) {
        v->loop->watch_hit = false;
        v->run_exit = EXIT_DEBUG;
        return false;
    } else if (*last == LEAVE_INTERP) {
        fn = do_interp_one;
    } else if (cpu_requests(v->cpu) & LOOP_REQUESTS) {
        v->run_exit = EXIT_REQUEST;
        return false;
    } else {
        bool look = v->loop->look || cpu_requests(v->cpu);
        v->loop->look = false;
        *last = look ? guarded(v, do_interrupt) : 0;
        if (*last == LEAVE_EXIT) {
            return false;
        }
        if (*last == LEAVE_EXCEPTION) {
            return true;
        }
        if (v->target->halted(tcg_env(v))) {
            v->run_exit = EXIT_HALT;
            return false;
        }
    }
    *last = guarded(v, fn);
    return *last != LEAVE_EXIT;
}

static Exit debug_step(TcgVcpu *v);

Exit tcg_run(Cpu *cpu)
{
    TcgVcpu *v = cpu->accel_priv[ACCEL_SLOT_TCG];
    Leave last = 0;
    if (G_UNLIKELY(cpu->debug->action == DEBUG_STEP)) {
        return debug_step(v);
    }
    v->exit_reason = TCG_EXIT_LOOKUP;
    while (round_of(v, &last)) {
    }
    return v->run_exit;
}

/* ---- single instructions, for a debugger or another accelerator ---- */

static void do_one(TcgVcpu *v)
{
    jc_set_mode(v, v->target->mode(tcg_env(v))); /* an event may have changed it */
    do_interp_one(v);
}

/* fn, and delivery of what it raised. False: run() would end, with v->run_exit. */
static bool settle(TcgVcpu *v, void (*fn)(TcgVcpu *))
{
    Leave last = fn ? guarded(v, fn) : 0;

    while (last != LEAVE_EXIT && v->loop->deliver) {
        last = guarded(v, do_deliver);
    }
    return last != LEAVE_EXIT;
}

Exit tcg_execute_one(TcgVcpu *v)
{
    __atomic_store_n(&v->poll, 0, __ATOMIC_SEQ_CST);
    absorb_requests(v);
    if (!settle(v, NULL) || !settle(v, do_interrupt)) {
        return v->run_exit;
    }
    if (v->target->halted(tcg_env(v))) {
        return EXIT_HALT;
    }
    /* Once more for debug traps, which would be due before the next instruction. */
    if (!settle(v, do_one) || !settle(v, do_interrupt)) {
        return v->run_exit;
    }
    return EXIT_REQUEST;
}

static uint64_t events(const TcgVcpu *v)
{
    return v->stats.interrupts + v->stats.exceptions;
}

/* The instruction, or an event in its place or after it. False: run() ends with v->run_exit. */
static bool step_once(TcgVcpu *v)
{
    void *env = tcg_env(v);
    uint64_t before = events(v), pc = tcg_pc(v), mode = v->target->mode(env);

    if (!settle(v, NULL)) {
        return false;
    }
    if (v->cpu->debug->interrupts && !settle(v, do_interrupt)) {
        return false;
    }
    if (events(v) != before) {
        return true;
    }
    if (v->target->halted(env)) {
        v->run_exit = EXIT_REQUEST; /* not the end of a step: it waits for an interrupt */
        return !v->cpu->debug->interrupts;
    }
    bool ok = settle(v, do_one);
    /* Some blocks only prepare for the instruction, by another mode word (Arm: BTYPE). */
    if (ok && events(v) == before && tcg_pc(v) == pc && v->target->mode(env) != mode) {
        ok = settle(v, do_one);
    }
    return ok;
}

static Exit debug_step(TcgVcpu *v)
{
    __atomic_store_n(&v->poll, 0, __ATOMIC_SEQ_CST);
    absorb_requests(v);
    if (!v->loop->deliver && (cpu_requests(v->cpu) & LOOP_REQUESTS)) {
        return EXIT_REQUEST;
    }
    if (!step_once(v) && v->run_exit != EXIT_HALT) {
        return v->run_exit == EXIT_REQUEST ? EXIT_HALT : v->run_exit;
    }
    v->loop->watch_hit = false;
    cpu_debug_note(v->cpu, NULL, 0);
    return EXIT_DEBUG;
}
