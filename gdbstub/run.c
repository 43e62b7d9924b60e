/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running and stopping, all processors together (gdb's "all-stop"). A packet that lets the machine run is answered when it
 * stops, whatever stops it: a breakpoint, the debugger, the monitor, an error of a disk.
 */
#include <string.h>

#include "gdbstub/internal.h"

enum { SIG_INT = 2, SIG_QUIT = 3, SIG_TRAP = 5, SIG_ABRT = 6, SIG_ALRM = 14, SIG_IO = 23, SIG_UNKNOWN = 143 }; /* gdb's */

/* ---- stopped ---- */

/* What a state is as a signal, as QEMU tells it; 0: nothing that the debugger hears of. */
static int signal_of(RunState s)
{
    switch (s) {
    case RUN_STATE_DEBUG:
        return SIG_TRAP;
    case RUN_STATE_PAUSED:
        return SIG_INT;
    case RUN_STATE_SHUTDOWN:
        return SIG_QUIT;
    case RUN_STATE_IO_ERROR:
        return SIG_IO;
    case RUN_STATE_WATCHDOG:
        return SIG_ALRM;
    case RUN_STATE_INTERNAL_ERROR:
        return SIG_ABRT;
    case RUN_STATE_SAVE_VM:
    case RUN_STATE_RESTORE_VM:
    case RUN_STATE_RUNNING:
    case RUN_STATE_SUSPENDED: /* it goes on by itself */
        return 0;
    default:
        return SIG_UNKNOWN;
    }
}

/* The processor that stopped the machine, if one did; what others did at the same moment they do again. */
static Cpu *take_stop(GdbStub *g, DebugStop *why)
{
    Cpu *found = NULL;
    int n = machine_cpu_count(g->m), first = g->running->index;

    *why = (DebugStop){0};
    for (int i = 0; i < n; i++) {
        Cpu *cpu = machine_cpu(g->m, (first + i) % n);
        DebugStop s = cpu_debug_take_stop(cpu);
        if (s.valid && !found) {
            found = cpu;
            *why = s;
        }
    }
    return found;
}

static void say_why(GdbStub *g, GString *out, const DebugStop *why)
{
    static const char *const names[DEBUG_KINDS] = {"swbreak", "hwbreak", "watch", "rwatch", "awatch"};

    if (!why->at_point) {
        return;
    }
    if (debug_is_watch(&why->point)) {
        g_string_append_printf(out, "%s:%" G_GINT64_MODIFIER "x;", names[why->point.kind], (guint64)why->addr);
    } else if (g->says_why) {
        g_string_append_printf(out, "%s:;", names[why->point.kind]);
    }
}

void gdb_run_state(void *opaque, Machine *m, RunState now, bool running)
{
    GdbStub *g = opaque;
    int sig = signal_of(now);
    DebugStop why;

    if (!sig || machine_ended(m, NULL)) { /* gdbstub_free() says that */
        return;
    }
    Cpu *cpu = take_stop(g, &why);
    if (cpu) {
        g->running = g->general = cpu;
    }
    g_string_printf(g->last_stop, "T%02xthread:%02x;", sig, gdb_thread_id(g->running));
    say_why(g, g->last_stop, &why);
    if (g->owed) {
        g->owed = false;
        gdb_put(g, g->last_stop->str, g->last_stop->len);
    }
}

void gdb_interrupt(GdbStub *g)
{
    machine_stop(g->m, RUN_STATE_PAUSED);
    if (g->owed) { /* it sleeps, and stands still by itself */
        g->owed = false;
        g_string_printf(g->last_stop, "T%02xthread:%02x;", SIG_INT, gdb_thread_id(g->running));
        gdb_put(g, g->last_stop->str, g->last_stop->len);
    }
}

void gdb_forget(GdbStub *g)
{
    if (machine_run_state(g->m) == RUN_STATE_RUNNING) {
        /* Breakpoints change while nothing runs; nobody is told of this stop. */
        bool owed = g->owed;
        g->owed = false;
        if (machine_debug_count(g->m)) {
            machine_stop(g->m, RUN_STATE_PAUSED);
            machine_debug_remove_all(g->m);
            machine_cont(g->m, NULL);
        }
        g->owed = owed;
    } else {
        machine_debug_remove_all(g->m);
    }
    g->physical = g->says_why = false;
    g->steps = GDB_STEP_ALL;
}

/* ---- on ---- */

static void go(GdbStub *g)
{
    Error *err = NULL;

    machine_debug_set_steps(g->m, !(g->steps & GDB_STEP_NOIRQ), !(g->steps & GDB_STEP_NOTIMER));
    g->owed = true;
    if (!machine_cont(g->m, &err)) {
        g->owed = false;
        gdb_error_text(g, err);
    }
}

static bool set_action(GdbStub *g, Cpu *cpu, DebugAction a)
{
    Error *err = NULL;

    if (a == DEBUG_STEP && !(g->steps & GDB_STEP_ENABLE)) {
        a = DEBUG_RUN;
    }
    if (cpu_debug_set_action(cpu, a, &err)) {
        return true;
    }
    gdb_error_text(g, err);
    return false;
}

static void set_pc_on(Cpu *cpu, void *opaque)
{
    cpu->target->set_pc(cpu, *(uint64_t *)opaque);
    cpu_state_changed(cpu);
}

static void all_run(GdbStub *g)
{
    for (int i = 0; i < machine_cpu_count(g->m); i++) {
        cpu_debug_set_action(machine_cpu(g->m, i), DEBUG_RUN, NULL);
    }
}

void gdb_resume(GdbStub *g, char action, const char *addr)
{
    uint64_t pc;

    if (*addr) {
        if (!gdb_number_to(&addr, 0, &pc)) {
            gdb_error(g, 22);
            return;
        }
        cpu_run_synced(g->running, set_pc_on, &pc);
    }
    all_run(g);
    if (action == 'c' || set_action(g, g->running, DEBUG_STEP)) {
        go(g);
    }
}

/* ";s:1;c" behind vCont: the first action that is for a processor counts, those without any stay. */
typedef struct Plan {
    GdbStub *g;
    uint8_t *actions; /* DebugAction by processor; PLAN_NONE: not yet */
} Plan;
enum { PLAN_NONE = 0xff };

static bool plan_for(Plan *plan, DebugAction a, const char *thread)
{
    int n = machine_cpu_count(plan->g->m), first = 0, last = n - 1;
    uint64_t id;

    if (*thread && strcmp(thread, "-1")) {
        if (!gdb_number_to(&thread, 0, &id)) {
            return false;
        }
        Cpu *cpu = id ? gdb_thread(plan->g, id) : plan->g->running;
        if (!cpu) {
            return false;
        }
        first = last = cpu->index;
    }
    for (int i = first; i <= last; i++) {
        if (plan->actions[i] == PLAN_NONE) {
            plan->actions[i] = (uint8_t)a;
        }
    }
    return true;
}

/* One action, "s", "C05:2" ... */
static bool plan_action(Plan *plan, const char *text)
{
    const char *p = text + 1;
    uint64_t sig;

    if (g_ascii_isupper(*text) && !gdb_number(&p, &sig)) {
        return false; /* there are no signals: it is only read */
    }
    if (*p && *p++ != ':') {
        return false;
    }
    return plan_for(plan, g_ascii_tolower(*text) == 's' ? DEBUG_STEP : DEBUG_RUN, p);
}

static bool carry_out(GdbStub *g, const uint8_t *actions)
{
    for (int i = 0; i < machine_cpu_count(g->m); i++) {
        DebugAction a = actions[i] == PLAN_NONE ? DEBUG_HOLD : (DebugAction)actions[i];
        if (!set_action(g, machine_cpu(g->m, i), a)) {
            all_run(g);
            return false;
        }
    }
    return true;
}

void gdb_vcont(GdbStub *g, const char *p)
{
    int n = machine_cpu_count(g->m);
    g_autofree uint8_t *actions = g_malloc((gsize)n);
    Plan plan = {g, actions};

    if (!strcmp(p, "?")) {
        gdb_puts(g, "vCont;c;C;s;S");
        return;
    }
    memset(actions, PLAN_NONE, (size_t)n);
    g_auto(GStrv) parts = g_strsplit(*p == ';' ? p + 1 : "", ";", -1);
    bool ok = parts[0] != NULL;
    for (char **a = parts; ok && *a; a++) {
        if (!**a || !strchr("cCsS", **a)) {
            gdb_puts(g, ""); /* not one of those that we told */
            return;
        }
        ok = plan_action(&plan, *a);
    }
    if (!ok) {
        gdb_error(g, 22);
    } else if (carry_out(g, actions)) {
        go(g);
    }
}
