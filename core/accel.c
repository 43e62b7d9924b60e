/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accelerators of a machine: the one it runs under, those that help it, and moving a machine from one to another.
 *
 * An accelerator that was opened stays open until the machine ends. So whoever calls one from another thread (a kick, a
 * store that is told) while the machine moves on finds it there; what such a call does to an accelerator that does not
 * run the machine any more, does no harm.
 *
 * home: main loop, but for machine_join_accel().
 */
#include "core/internal.h"

static void leave(Machine *m, const AccelOps *a, guint n_cpus)
{
    for (guint i = 0; i < n_cpus; i++) {
        a->vcpu_close(m->cpus->pdata[i]);
    }
    if (a->vm_close) {
        a->vm_close(m);
    }
}

/* Under accel_lock. */
static bool join(Machine *m, const AccelOps *a, Error **errp)
{
    if ((a->probe && !a->probe(m->target, errp)) || (a->vm_open && !a->vm_open(m, errp))) {
        return false;
    }
    for (guint i = 0; i < m->cpus->len; i++) {
        if (!a->vcpu_open(m->cpus->pdata[i], errp)) {
            leave(m, a, i);
            return false;
        }
    }
    g_ptr_array_add(m->accels, (void *)a);
    return true;
}

bool machine_join_accel(Machine *m, const AccelOps *a, Error **errp)
{
    pthread_mutex_lock(&m->accel_lock);
    bool ok = g_ptr_array_find(m->accels, a, NULL) || join(m, a, errp);
    pthread_mutex_unlock(&m->accel_lock);
    return ok;
}

void accels_close_cpu(Cpu *cpu)
{
    for (guint i = 0; i < cpu->machine->accels->len; i++) {
        ((const AccelOps *)cpu->machine->accels->pdata[i])->vcpu_close(cpu);
    }
}

void accels_close(Machine *m)
{
    while (m->accels->len) {
        leave(m, g_ptr_array_remove_index(m->accels, m->accels->len - 1), 0);
    }
}

/* ---- moving ---- */

static bool can_move(Machine *m, const AccelOps *to, Error **errp)
{
    if (!m->accel->leave || !to->leave) {
        error_set(errp, ERR_UNSUPPORTED, "a machine cannot move from '%s' to '%s'", m->accel->name, to->name);
        error_hint(errp, "'kvm' and 'tcg' take machines over from each other");
        return false;
    }
    for (guint i = 0; i < m->cpus->len; i++) {
        if (m->target->fits && !m->target->fits(m->cpus->pdata[i], to, errp)) {
            return false;
        }
    }
    return true;
}

bool machine_prepare_accel(Machine *m, const char *name, Error **errp)
{
    const AccelOps *to = accel_find(name, errp);

    if (to == m->accel) {
        error_set(errp, ERR_INVALID_PARAMETER, "x-accel=%s: that is what the machine begins under", name);
        return false;
    }
    return to && can_move(m, to, errp) && machine_join_accel(m, to, errp);
}

/* All vCPUs are parked. Between debug_suspend() and debug_restore(). */
static void move(Machine *m, const AccelOps *to)
{
    ram_dirty_log(m, false);
    m->accel->leave(m);
    for (guint i = 0; i < m->cpus->len; i++) {
        cpu_sync(m->cpus->pdata[i]);
    }
    __atomic_store_n(&m->accel, to, __ATOMIC_SEQ_CST);
    for (guint i = 0; i < m->cpus->len; i++) {
        cpu_state_changed(m->cpus->pdata[i]);
        cpu_name_thread(m->cpus->pdata[i]);
    }
    if (to->enter) {
        to->enter(m);
    }
    if (to->ram_changed) {
        to->ram_changed(m);
    }
    mem_events_told(m);
    ram_dirty_log(m, true);
}

bool machine_switch_accel(Machine *m, const char *name, Error **errp)
{
    const AccelOps *to = accel_find(name, errp);
    bool running = m->state == RUN_STATE_RUNNING;

    if (!to || to == m->accel) {
        return to != NULL;
    }
    if (!can_move(m, to, errp)) {
        return false;
    }
    if (running) {
        cpus_pause(m);
    }
    bool ok = machine_join_accel(m, to, errp);
    if (ok) {
        const AccelOps *from = m->accel;
        GArray *points = debug_suspend(m);
        move(m, to);
        ok = debug_restore(m, points, errp);
        if (!ok) {
            points = debug_suspend(m);
            move(m, from);
            debug_restore(m, points, NULL);
        }
    }
    if (running) {
        cpus_resume(m);
    }
    return ok;
}
