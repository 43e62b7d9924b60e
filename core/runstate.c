/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run states, requests from any thread, and what the main loop does about them: stop, continue,
 * reset, shut down, power button; with the events and exit status that QMP clients and scripts
 * expect.
 *
 * home: main loop; guarded by: Machine.req_lock (requests).
 */
#include "base/log.h"
#include "base/trace.h"
#include "core/internal.h"

/* ---- states ---- */

static const char *const state_names[RUN_STATE__COUNT] = {
    [RUN_STATE_PRELAUNCH] = "prelaunch",
    [RUN_STATE_RUNNING] = "running",
    [RUN_STATE_PAUSED] = "paused",
    [RUN_STATE_SHUTDOWN] = "shutdown",
    [RUN_STATE_GUEST_PANICKED] = "guest-panicked",
    [RUN_STATE_INTERNAL_ERROR] = "internal-error",
    [RUN_STATE_IO_ERROR] = "io-error",
    [RUN_STATE_SAVE_VM] = "save-vm",
    [RUN_STATE_RESTORE_VM] = "restore-vm",
    [RUN_STATE_SUSPENDED] = "suspended",
    [RUN_STATE_DEBUG] = "debug",
    [RUN_STATE_WATCHDOG] = "watchdog",
};

const char *run_state_name(RunState s)
{
    return state_names[s];
}

#define S(x) (1u << RUN_STATE_##x)
#define ANY ((1u << RUN_STATE__COUNT) - 1)
#define MAY_RUN (S(RUNNING) | S(PAUSED) | S(PRELAUNCH) | S(SHUTDOWN) | S(SAVE_VM) | S(RESTORE_VM))

/* What may follow. Shutdown and internal error lead back to running only through a reset. */
static const uint32_t next_states[RUN_STATE__COUNT] = {
    [RUN_STATE_PRELAUNCH] = ANY & ~(S(SUSPENDED) | S(DEBUG) | S(WATCHDOG)),
    [RUN_STATE_RUNNING] = ANY & ~S(PRELAUNCH),
    [RUN_STATE_PAUSED] = MAY_RUN | S(INTERNAL_ERROR) | S(IO_ERROR),
    [RUN_STATE_SHUTDOWN] = S(PRELAUNCH) | S(SAVE_VM) | S(RESTORE_VM),
    [RUN_STATE_GUEST_PANICKED] = MAY_RUN,
    [RUN_STATE_INTERNAL_ERROR] = S(PRELAUNCH) | S(SHUTDOWN) | S(RESTORE_VM),
    [RUN_STATE_IO_ERROR] = MAY_RUN,
    [RUN_STATE_SAVE_VM] = ANY & ~S(RESTORE_VM),
    [RUN_STATE_RESTORE_VM] = ANY & ~S(SAVE_VM),
    [RUN_STATE_SUSPENDED] = MAY_RUN,
    [RUN_STATE_DEBUG] = MAY_RUN,
    [RUN_STATE_WATCHDOG] = MAY_RUN,
};

bool run_state_legal(RunState from, RunState to)
{
    return from != to && (next_states[from] >> to & 1);
}

bool run_state_needs_reset(RunState s)
{
    return s == RUN_STATE_SHUTDOWN || s == RUN_STATE_INTERNAL_ERROR;
}

RunState machine_run_state(Machine *m)
{
    return __atomic_load_n(&m->state, __ATOMIC_ACQUIRE);
}

void run_state_set(Machine *m, RunState s)
{
    if (m->state == s) {
        return;
    }
    g_assert(run_state_legal(m->state, s));
    __atomic_store_n(&m->state, s, __ATOMIC_RELEASE);
    for (guint i = 0; i < m->state_listeners->len; i++) {
        Listener l = g_array_index(m->state_listeners, Listener, i);
        l.run_state(l.opaque, m, s, s == RUN_STATE_RUNNING);
    }
}

void machine_add_run_state_notifier(Machine *m, RunStateFn *fn, void *opaque)
{
    Listener l = {.run_state = fn, .opaque = opaque};

    g_array_append_val(m->state_listeners, l);
}

void machine_remove_run_state_notifier(Machine *m, RunStateFn *fn, void *opaque)
{
    for (guint i = 0; i < m->state_listeners->len; i++) {
        Listener *l = &g_array_index(m->state_listeners, Listener, i);
        if (l->run_state == fn && l->opaque == opaque) {
            g_array_remove_index(m->state_listeners, i);
            return;
        }
    }
}

void machine_add_reset_notifier(Machine *m, ResetFn *fn, void *opaque)
{
    Listener l = {.reset = fn, .opaque = opaque};

    g_array_append_val(m->reset_listeners, l);
}

void machine_remove_reset_notifier(Machine *m, ResetFn *fn, void *opaque)
{
    for (guint i = 0; i < m->reset_listeners->len; i++) {
        Listener *l = &g_array_index(m->reset_listeners, Listener, i);
        if (l->reset == fn && l->opaque == opaque) {
            g_array_remove_index(m->reset_listeners, i);
            return;
        }
    }
}

/* ---- events ---- */

void machine_add_event_listener(Machine *m, EventFn *fn, void *opaque)
{
    Listener l = {.event = fn, .opaque = opaque};

    g_array_append_val(m->event_listeners, l);
}

void machine_remove_event_listener(Machine *m, EventFn *fn, void *opaque)
{
    for (guint i = 0; i < m->event_listeners->len; i++) {
        Listener *l = &g_array_index(m->event_listeners, Listener, i);
        if (l->event == fn && l->opaque == opaque) {
            g_array_remove_index(m->event_listeners, i);
            return;
        }
    }
}

TRACE_EVENT(machine_event, "%s %s");

void machine_emit_event(Machine *m, const char *qmp_event, const char *json_data)
{
    trace(machine_event, qmp_event, json_data ? json_data : "");
    for (guint i = 0; i < m->event_listeners->len; i++) {
        Listener l = g_array_index(m->event_listeners, Listener, i);
        l.event(l.opaque, m, qmp_event, json_data);
    }
}

static const char *const cause_names[] = {
    [SHUTDOWN_HOST_QMP_QUIT] = "host-qmp-quit",
    [SHUTDOWN_HOST_QMP_RESET] = "host-qmp-system-reset",
    [SHUTDOWN_HOST_SIGNAL] = "host-signal",
    [SHUTDOWN_HOST_UI] = "host-ui",
    [SHUTDOWN_GUEST_SHUTDOWN] = "guest-shutdown",
    [SHUTDOWN_GUEST_RESET] = "guest-reset",
    [SHUTDOWN_GUEST_PANIC] = "guest-panic",
};

static void emit_with_cause(Machine *m, const char *event, ShutdownCause cause)
{
    g_autofree char *json =
        g_strdup_printf("{\"guest\": %s, \"reason\": \"%s\"}",
                        cause >= SHUTDOWN_GUEST_SHUTDOWN ? "true" : "false", cause_names[cause]);

    machine_emit_event(m, event, json);
}

/* ---- verbs ---- */

static void quiesce(Machine *m)
{
    if (m->quiesce) {
        m->quiesce(m->quiesce_opaque);
    }
}

void machine_stop(Machine *m, RunState why)
{
    if (m->state == RUN_STATE_RUNNING) {
        cpus_pause(m);
        clock_run(m, false);
        debug_stopped(m);
        run_state_set(m, why);
        quiesce(m);
        machine_emit_event(m, "STOP", NULL);
    } else if (why != RUN_STATE_PAUSED && why != RUN_STATE_DEBUG && run_state_legal(m->state, why)) {
        run_state_set(m, why);
    }
}

bool machine_cont(Machine *m, Error **errp)
{
    if (m->state == RUN_STATE_RUNNING || m->state == RUN_STATE_SUSPENDED) {
        return true; /* only waking ends a sleep */
    }
    if (m->ended || run_state_needs_reset(m->state)) {
        error_set(errp, ERR_STATE, "the machine is in state '%s'", run_state_name(m->state));
        error_hint(errp, "it can run again after system_reset");
        return false;
    }
    if (!m->started) {
        error_set(errp, ERR_STATE, "the machine is not started");
        return false;
    }
    clock_run(m, !debug_stills_clock(m));
    run_state_set(m, RUN_STATE_RUNNING);
    machine_emit_event(m, "RESUME", NULL);
    if (m->state == RUN_STATE_RUNNING) { /* a listener may have stopped it */
        cpus_resume(m);
    }
    return true;
}

static void reset_all(Machine *m)
{
    machine_lock(m);
    machine_reset_devices(m);
    for (guint i = 0; i < m->cpus->len; i++) {
        cpu_reset_now(m->cpus->pdata[i]);
    }
    if (m->board->reset) {
        m->board->reset(m);
    }
    for (guint i = 0; i < m->reset_listeners->len; i++) {
        Listener l = g_array_index(m->reset_listeners, Listener, i);
        l.reset(l.opaque, m);
    }
    machine_unlock(m);
}

void machine_power_on_reset(Machine *m)
{
    reset_all(m);
}

void machine_reset(Machine *m, ShutdownCause cause)
{
    if (m->ended) {
        return;
    }
    cpus_pause(m);
    reset_all(m);
    emit_with_cause(m, "RESET", cause);
    if (m->state == RUN_STATE_RUNNING) {
        cpus_resume(m);
    } else {
        run_state_set(m, RUN_STATE_PRELAUNCH);
    }
}

static void do_suspend(Machine *m)
{
    if (m->state == RUN_STATE_RUNNING) {
        cpus_pause(m);
        run_state_set(m, RUN_STATE_SUSPENDED);
        machine_emit_event(m, "SUSPEND", NULL);
    }
}

static void do_wakeup(Machine *m)
{
    if (m->state != RUN_STATE_SUSPENDED) {
        return;
    }
    m->waking = true;
    reset_all(m);
    m->waking = false;
    run_state_set(m, RUN_STATE_RUNNING);
    machine_emit_event(m, "WAKEUP", NULL);
    if (m->state == RUN_STATE_RUNNING) {
        cpus_resume(m);
    }
}

const char *watchdog_action_name(WatchdogAction a)
{
    static const char *const names[] = {"reset", "shutdown", "poweroff", "pause", "debug", "none"};

    return a < G_N_ELEMENTS(names) ? names[a] : NULL;
}

static void do_watchdog(Machine *m)
{
    WatchdogAction a = m->cfg.watchdog;
    g_autofree char *json = g_strdup_printf("{\"action\": \"%s\"}", watchdog_action_name(a));

    machine_emit_event(m, "WATCHDOG", json);
    switch (a) {
    case WATCHDOG_RESET:
        machine_request_reset(m, SHUTDOWN_GUEST_RESET);
        break;
    case WATCHDOG_SHUTDOWN:
        machine_request_powerdown(m);
        break;
    case WATCHDOG_POWEROFF:
        machine_request_shutdown(m, SHUTDOWN_HOST_QMP_QUIT);
        break;
    case WATCHDOG_PAUSE:
        machine_stop(m, RUN_STATE_WATCHDOG);
        break;
    case WATCHDOG_DEBUG:
        log_printf("watchdog: time is up\n");
        break;
    case WATCHDOG_NONE:
        break;
    }
}

bool machine_waking(Machine *m)
{
    return m->waking;
}

/* Over: nothing runs any more, main's loop sees machine_ended(). */
static void end(Machine *m, int status)
{
    cpus_pause(m);
    clock_run(m, false);
    quiesce(m);
    m->status = status;
    __atomic_store_n(&m->ended, true, __ATOMIC_RELEASE); /* before listeners look: this is more than a stop */
    if (run_state_legal(m->state, RUN_STATE_SHUTDOWN)) {
        run_state_set(m, RUN_STATE_SHUTDOWN);
    }
}

static void do_shutdown(Machine *m, ShutdownCause cause, bool exit_set, int exit_status)
{
    bool insists = exit_set || cause == SHUTDOWN_HOST_QMP_QUIT || cause == SHUTDOWN_HOST_SIGNAL;

    emit_with_cause(m, "SHUTDOWN", cause);
    if (m->cfg.no_shutdown && !insists) {
        machine_stop(m, RUN_STATE_SHUTDOWN);
    } else {
        end(m, exit_set ? exit_status : cause == SHUTDOWN_GUEST_PANIC && m->cfg.panic == PANIC_EXIT_FAILURE);
    }
}

static void emit_panic(Machine *m, const char *action)
{
    pthread_mutex_lock(&m->req_lock);
    g_autofree char *info = g_steal_pointer(&m->panic_info);
    pthread_mutex_unlock(&m->req_lock);
    g_autofree char *json = g_strdup_printf("{\"action\": \"%s\"%s%s}", action, info ? ", \"info\": " : "", info ? info : "");

    machine_emit_event(m, "GUEST_PANICKED", json);
}

/* Where a shutdown only stops the machine, it is stopped where it panicked. */
static void do_panic(Machine *m)
{
    PanicAction a = m->cfg.panic == PANIC_SHUTDOWN && m->cfg.no_shutdown ? PANIC_PAUSE : m->cfg.panic;

    switch (a) {
    case PANIC_SHUTDOWN:
    case PANIC_EXIT_FAILURE:
        emit_panic(m, "poweroff");
        do_shutdown(m, SHUTDOWN_GUEST_PANIC, false, 0);
        break;
    case PANIC_PAUSE:
        emit_panic(m, "pause");
        machine_stop(m, RUN_STATE_GUEST_PANICKED);
        break;
    case PANIC_NONE:
        emit_panic(m, "run");
        break;
    }
}

static void do_powerdown(Machine *m)
{
    if (m->board->system_powerdown) {
        machine_lock(m);
        m->board->system_powerdown(m);
        machine_unlock(m);
    }
    machine_emit_event(m, "POWERDOWN", NULL);
}

bool machine_ended(Machine *m, int *status)
{
    bool ended = __atomic_load_n(&m->ended, __ATOMIC_ACQUIRE);

    if (ended && status) {
        *status = m->status;
    }
    return ended;
}

/* ---- requests ---- */

static void carry_out(Machine *m)
{
    pthread_mutex_lock(&m->req_lock);
    uint32_t req = m->requests;
    ShutdownCause shutdown = m->shutdown_cause, reset = m->reset_cause;
    RunState why = m->stop_why;
    bool exit_set = m->exit_status_set;
    int exit_status = m->exit_status;
    m->requests = 0;
    pthread_mutex_unlock(&m->req_lock);

    if (m->ended || !m->built) {
        return;
    }
    if (req & REQ_STOP) {
        machine_stop(m, why);
    }
    if (req & REQ_SHUTDOWN) {
        do_shutdown(m, shutdown, exit_set, exit_status);
    }
    if ((req & REQ_RESET) && !m->ended) {
        if (m->cfg.no_reboot) {
            do_shutdown(m, reset, false, 0);
        } else {
            machine_reset(m, reset);
        }
    }
    if ((req & REQ_POWERDOWN) && !m->ended) {
        do_powerdown(m);
    }
    if ((req & REQ_SUSPEND) && !m->ended) {
        do_suspend(m);
    }
    if ((req & REQ_WAKEUP) && !m->ended) {
        do_wakeup(m);
    }
    if ((req & REQ_WATCHDOG) && !m->ended) {
        do_watchdog(m);
    }
    if ((req & REQ_CRASHLOADED) && !m->ended) {
        machine_emit_event(m, "GUEST_CRASHLOADED", "{\"action\": \"run\"}");
    }
    if ((req & REQ_PANIC) && !m->ended) {
        do_panic(m);
    }
}

/* A vCPU that asked for it does not run on meanwhile. Stops itself first: see cpu_loop.c. */
static void request_begin(Machine *m, bool stops)
{
    Cpu *cpu = cpu_current();

    if (stops && cpu && cpu->machine == m) {
        cpu_stop_self(cpu);
    }
    pthread_mutex_lock(&m->req_lock);
}

static void request_end(Machine *m, uint32_t req)
{
    m->requests |= req;
    pthread_mutex_unlock(&m->req_lock);
    g_source_set_ready_time(m->req_source, 0);
}

void machine_request_shutdown(Machine *m, ShutdownCause cause)
{
    request_begin(m, true);
    if (!(m->requests & REQ_SHUTDOWN)) {
        m->shutdown_cause = cause;
    }
    request_end(m, REQ_SHUTDOWN);
}

void machine_request_exit(Machine *m, int status)
{
    request_begin(m, true);
    if (!(m->requests & REQ_SHUTDOWN)) {
        m->shutdown_cause = SHUTDOWN_GUEST_SHUTDOWN;
    }
    if (!m->exit_status_set) {
        m->exit_status_set = true;
        m->exit_status = status;
    }
    request_end(m, REQ_SHUTDOWN);
}

void machine_request_reset(Machine *m, ShutdownCause cause)
{
    request_begin(m, true);
    if (!(m->requests & REQ_RESET)) {
        m->reset_cause = cause;
    }
    request_end(m, REQ_RESET);
}

void machine_request_stop(Machine *m, RunState why)
{
    request_begin(m, true);
    if (!(m->requests & REQ_STOP) || why == RUN_STATE_INTERNAL_ERROR) {
        m->stop_why = why;
    }
    request_end(m, REQ_STOP);
}

void machine_request_powerdown(Machine *m)
{
    request_begin(m, false);
    request_end(m, REQ_POWERDOWN);
}

void machine_request_suspend(Machine *m)
{
    request_begin(m, true);
    request_end(m, REQ_SUSPEND);
}

void machine_request_wakeup(Machine *m)
{
    request_begin(m, false);
    request_end(m, REQ_WAKEUP);
}

void machine_watchdog_fired(Machine *m)
{
    request_begin(m, false);
    request_end(m, REQ_WATCHDOG);
}

void machine_guest_panicked(Machine *m, const char *info)
{
    request_begin(m, m->cfg.panic != PANIC_NONE);
    g_free(m->panic_info);
    m->panic_info = g_strdup(info);
    request_end(m, REQ_PANIC);
}

void machine_guest_crashloaded(Machine *m)
{
    request_begin(m, false);
    request_end(m, REQ_CRASHLOADED);
}

static gboolean requests_dispatch(GSource *source, GSourceFunc fn, gpointer opaque)
{
    g_source_set_ready_time(source, -1);
    carry_out(opaque);
    return G_SOURCE_CONTINUE;
}

static const GSourceFuncs requests_funcs = {.dispatch = requests_dispatch};

static gboolean requests_call(gpointer opaque)
{
    return G_SOURCE_CONTINUE;
}

void requests_init(Machine *m)
{
    pthread_mutex_init(&m->req_lock, NULL);
    m->req_source = g_source_new((GSourceFuncs *)&requests_funcs, sizeof(GSource));
    g_source_set_callback(m->req_source, requests_call, m, NULL);
    g_source_set_priority(m->req_source, G_PRIORITY_HIGH);
    g_source_attach(m->req_source, m->loop);
}

void requests_fini(Machine *m)
{
    g_source_destroy(m->req_source);
    g_source_unref(m->req_source);
    pthread_mutex_destroy(&m->req_lock);
}
