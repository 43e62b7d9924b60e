/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Breakpoints, watchpoints and steps of a machine (debug.h).
 */
#include "core/debug.h"

#include "core/internal.h"

bool machine_debug_possible(Machine *m, Error **errp)
{
    if (!m->accel || !m->accel->debug) {
        error_set(errp, ERR_UNSUPPORTED, "the accelerator '%s' has no breakpoints", m->accel ? m->accel->name : "none");
        return false;
    }
    return true;
}

uint64_t machine_debug_serial(Machine *m)
{
    return m->debug_serial;
}

unsigned machine_debug_count(Machine *m)
{
    return m->debug_points->len;
}

const DebugPoint *machine_debug_point(Machine *m, unsigned n)
{
    return &g_array_index(m->debug_points, DebugPoint, n);
}

/* -1: none. Breakpoints are the same whatever the debugger says of their length. */
static int find(Machine *m, const DebugPoint *p)
{
    for (unsigned i = 0; i < machine_debug_count(m); i++) {
        const DebugPoint *q = machine_debug_point(m, i);
        if (q->kind == p->kind && q->addr == p->addr && (!debug_is_watch(p) || q->len == p->len)) {
            return (int)i;
        }
    }
    return -1;
}

bool machine_debug_insert(Machine *m, const DebugPoint *p, Error **errp)
{
    if (!machine_debug_possible(m, errp)) {
        return false;
    }
    if (find(m, p) >= 0) {
        return true;
    }
    if (machine_debug_count(m) >= DEBUG_MAX_POINTS) {
        error_set(errp, ERR_GENERIC, "a machine has at most %d breakpoints", DEBUG_MAX_POINTS);
        return false;
    }
    if (debug_is_watch(p) && (!p->len || p->addr + p->len - 1 < p->addr)) {
        error_set(errp, ERR_INVALID_PARAMETER, "a watchpoint has a length, and does not wrap around");
        return false;
    }
    g_array_append_vals(m->debug_points, p, 1);
    m->debug_serial++;
    if (!m->accel->debug(m, errp)) {
        g_array_set_size(m->debug_points, machine_debug_count(m) - 1);
        m->accel->debug(m, NULL);
        return false;
    }
    return true;
}

bool machine_debug_remove(Machine *m, const DebugPoint *p, Error **errp)
{
    int n = find(m, p);

    if (n < 0) {
        error_set(errp, ERR_GENERIC, "there is no such breakpoint");
        return false;
    }
    g_array_remove_index(m->debug_points, (guint)n);
    return m->accel->debug(m, errp);
}

void machine_debug_remove_all(Machine *m)
{
    if (machine_debug_count(m)) {
        g_array_set_size(m->debug_points, 0);
        m->accel->debug(m, NULL);
    }
}

GArray *debug_suspend(Machine *m)
{
    GArray *points = m->debug_points;

    m->debug_points = g_array_new(FALSE, FALSE, sizeof(DebugPoint));
    if (points->len) {
        m->accel->debug(m, NULL);
    }
    return points;
}

bool debug_restore(Machine *m, GArray *points, Error **errp)
{
    g_array_unref(m->debug_points);
    m->debug_points = points;
    m->debug_serial++;
    if (!m->accel->debug) {
        return !points->len || machine_debug_possible(m, errp);
    }
    return m->accel->debug(m, errp);
}

/* ---- steps ---- */

bool cpu_debug_set_action(Cpu *cpu, DebugAction a, Error **errp)
{
    Machine *m = cpu->machine;
    DebugAction old = cpu->debug->action;

    if (a == DEBUG_STEP && !machine_debug_possible(m, errp)) {
        return false;
    }
    cpu->debug->action = a;
    if (a != DEBUG_STEP && old != DEBUG_STEP) {
        return true;
    }
    if (!m->accel->debug(m, errp)) {
        cpu->debug->action = old;
        return false;
    }
    return true;
}

void machine_debug_set_steps(Machine *m, bool interrupts, bool clock)
{
    m->debug_clock = clock;
    for (guint i = 0; i < m->cpus->len; i++) {
        machine_cpu(m, (int)i)->debug->interrupts = interrupts;
    }
}

bool debug_stills_clock(Machine *m)
{
    for (guint i = 0; i < m->cpus->len && !m->debug_clock; i++) {
        if (machine_cpu(m, (int)i)->debug->action == DEBUG_STEP) {
            return true;
        }
    }
    return false;
}

void debug_stopped(Machine *m)
{
    bool changed = false;

    for (guint i = 0; i < m->cpus->len; i++) {
        Cpu *cpu = machine_cpu(m, (int)i);
        changed |= cpu->debug->action == DEBUG_STEP;
        cpu->debug->action = DEBUG_RUN;
    }
    if (changed) {
        m->accel->debug(m, NULL);
    }
}

DebugStop cpu_debug_take_stop(Cpu *cpu)
{
    DebugStop s = cpu->debug->stop;

    cpu->debug->stop.valid = false;
    return s;
}

/* ---- the monitor's command ---- */

void machine_set_gdb_server(Machine *m, GdbServerFn *fn, void *opaque)
{
    m->gdb_server = fn;
    m->gdb_server_opaque = opaque;
}

bool machine_gdb_server(Machine *m, const char *device, Error **errp)
{
    if (!m->gdb_server) {
        error_set(errp, ERR_UNSUPPORTED, "this machine has no gdb server");
        return false;
    }
    return m->gdb_server(m->gdb_server_opaque, device, errp);
}

/* ---- for accelerators ---- */

void cpu_debug_note(Cpu *cpu, const DebugPoint *p, uint64_t addr)
{
    if (!cpu->debug->stop.valid) {
        cpu->debug->stop = (DebugStop){.valid = true, .at_point = p != NULL, .addr = addr};
        if (p) {
            cpu->debug->stop.point = *p;
        }
    }
}

const DebugPoint *debug_breakpoint_at(Machine *m, uint64_t va)
{
    for (unsigned i = 0; i < machine_debug_count(m); i++) {
        const DebugPoint *p = machine_debug_point(m, i);
        if (p->addr == va && !debug_is_watch(p)) {
            return p;
        }
    }
    return NULL;
}

const DebugPoint *debug_watchpoint_hit(Machine *m, uint64_t va, uint64_t len, bool write)
{
    for (unsigned i = 0; i < machine_debug_count(m); i++) {
        const DebugPoint *p = machine_debug_point(m, i);
        if (debug_is_watch(p) && p->kind != (write ? DEBUG_READ : DEBUG_WRITE) &&
            (va - p->addr < p->len || p->addr - va < len)) {
            return p;
        }
    }
    return NULL;
}
