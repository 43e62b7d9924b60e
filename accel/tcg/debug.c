/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Breakpoints and watchpoints of a debugger (core/debug.h) under translation.
 *
 * Where a breakpoint is, no block begins, and blocks before it end there: so execution comes to the loop, which looks
 * before it would translate. Code without breakpoints pays nothing.
 *
 * Pages with watchpoints stay out of the first-level TLB, as for the guest's own debug registers. An access that hits
 * one is not made: the instruction is left, interpreted alone, and then the machine stops. Accesses of exceptions and
 * interrupts are only noted.
 *
 * home: tcg_debug() on the main loop with all vCPUs parked; the rest on the vCPU's thread.
 */
#include "core/debug.h"

#include "accel/tcg/tlb.h"

/* ---- breakpoints ---- */

void debug_check_break(TcgVcpu *v, uint64_t pc)
{
    const DebugPoint *p = debug_breakpoint_at(v->cpu->machine, tcg_code_va(v, v->loop->mode, pc));

    if (G_UNLIKELY(p)) {
        cpu_debug_note(v->cpu, p, 0);
        tcg_exit(tcg_env(v), EXIT_DEBUG);
    }
}

bool debug_breaks_within(Machine *m, uint64_t va, uint64_t len)
{
    for (unsigned i = 0; i < machine_debug_count(m); i++) {
        const DebugPoint *p = machine_debug_point(m, i);
        if (!debug_is_watch(p) && p->addr - va < len) {
            return true;
        }
    }
    return false;
}

int debug_cut(TcgVcpu *v, const IrBlock *ir)
{
    uint64_t last = ir->pc;
    int n = 1;

    if (G_LIKELY(!machine_debug_count(v->cpu->machine)) ||
        !debug_breaks_within(v->cpu->machine, tcg_code_va(v, ir->mode, ir->pc), ir->guest_bytes)) {
        return 0;
    }
    for (int i = 0; i < ir->n_ops; i++) {
        uint64_t pc = (uint64_t)ir->ops[i].imm;
        if (ir->ops[i].op != OP_insn || pc == last) {
            continue; /* an instruction may begin again after its branches */
        }
        if (debug_breakpoint_at(v->cpu->machine, tcg_code_va(v, ir->mode, pc))) {
            return n;
        }
        last = pc;
        n++;
    }
    return 0;
}

/* ---- watchpoints ---- */

static bool debugger_watches(TcgVcpu *v, uint64_t va, size_t len, int access)
{
    return debug_watchpoint_hit(v->cpu->machine, va, len, access == MMU_WRITE);
}

bool watch_wanted(TcgVcpu *v, uint64_t page, int mmu)
{
    uint8_t who = tlb2(v)->watching;

    return ((who & TLB_WATCH_TARGET) && v->target->watches(tcg_env(v), page, mmu)) ||
           ((who & TLB_WATCH_DEBUGGER) && (debugger_watches(v, page, MEM_PAGE_SIZE, MMU_READ) ||
                                           debugger_watches(v, page, MEM_PAGE_SIZE, MMU_WRITE)));
}

bool watch_debugger_hit(TcgVcpu *v, uint64_t va, size_t len, int access)
{
    return (tlb2(v)->watching & TLB_WATCH_DEBUGGER) && debugger_watches(v, va, len, access);
}

void watch_tell(TcgVcpu *v, uint64_t va, size_t len, int access, int mmu)
{
    if (tlb2(v)->watching & TLB_WATCH_TARGET) {
        v->target->accessed(tcg_env(v), va, len, access, mmu);
    }
    if (!watch_debugger_hit(v, va, len, access)) {
        return;
    }
    if (tcg_loop(v)->watch_leaves) {
        mem_note_pc(v);
        tcg_leave(v, LEAVE_INTERP);
    }
    const DebugPoint *p = debug_watchpoint_hit(v->cpu->machine, va, len, access == MMU_WRITE);
    cpu_debug_note(v->cpu, p, MAX(va, p->addr));
    tcg_loop(v)->watch_hit = true;
}

/* ---- changes ---- */

bool tcg_debug(Machine *m, Error **errp)
{
    TcgMachine *tm = *machine_accel_priv(m, ACCEL_SLOT_TCG);
    bool breaks = false, watches = false;

    for (unsigned i = 0; i < machine_debug_count(m); i++) {
        bool watch = debug_is_watch(machine_debug_point(m, i));
        watches |= watch;
        breaks |= !watch;
    }
    if (breaks && tm->debug_serial != machine_debug_serial(m)) {
        cache_drop_breakpoints(tm);
    }
    tm->debug_serial = machine_debug_serial(m);
    for (int i = 0; i < tm->n_vcpus; i++) {
        TcgVcpu *v = tm->vcpus[i];
        if (watches || (tlb2(v)->watching & TLB_WATCH_DEBUGGER)) {
            tlb_watch(v, TLB_WATCH_DEBUGGER, watches);
        }
    }
    return true;
}
