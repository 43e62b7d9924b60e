/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vCPU thread: run guest code, serve requests, park, sleep while halted.
 *
 * A sleeper and its wakers follow one rule: the waker changes what the sleeper looks at and then
 * looks whether it sleeps; the sleeper says that it sleeps and then looks again. Both with
 * sequentially consistent atomics, so that one of them sees the other.
 *
 * Parking is decided under cpu_lock by both sides: the machine sets CPU_REQ_STOP and reads
 * `parked` there, the thread takes `parked` back there only if CPU_REQ_STOP is clear. A vCPU stops
 * itself (cpu_stop_self) before it posts what it waits for, so resuming cannot come too early.
 *
 * INIT, SIPI and interrupts are the target's; here they only wake.
 *
 * home: each vCPU's own thread; guarded by: Machine.cpu_lock (parked, exited, work).
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/os/thread.h"
#include "base/trace.h"
#include "core/internal.h"

/* What makes the loop leave whatever it sleeps in. */
#define REQ_LOOP (CPU_REQ_STOP | CPU_REQ_WORK | CPU_REQ_EXIT | CPU_REQ_RESET)
#define VCPU_STACK (8u << 20)

struct CpuThread {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    uint32_t wakes;    /* atomic */
    uint32_t sleeping; /* atomic */
};

typedef struct Work {
    void (*fn)(Cpu *, void *);
    void *opaque;
    bool wait; /* the caller owns it and waits for done */
    bool done; /* guarded by: cpu_lock */
} Work;

void cpu_host_init(Cpu *cpu)
{
    cpu->host = g_new0(struct CpuThread, 1);
    pthread_mutex_init(&cpu->host->lock, NULL);
    pthread_cond_init(&cpu->host->cond, NULL);
}

void cpu_host_fini(Cpu *cpu)
{
    g_queue_clear_full(&cpu->work, g_free);
    pthread_cond_destroy(&cpu->host->cond);
    pthread_mutex_destroy(&cpu->host->lock);
    g_clear_pointer(&cpu->host, g_free);
}

/* ---- sleeping and waking ---- */

static void cpu_wake(Cpu *cpu)
{
    struct CpuThread *h = cpu->host;

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&h->sleeping, __ATOMIC_SEQ_CST)) {
        pthread_mutex_lock(&h->lock);
        __atomic_add_fetch(&h->wakes, 1, __ATOMIC_SEQ_CST);
        pthread_cond_signal(&h->cond);
        pthread_mutex_unlock(&h->lock);
    }
}

/* Sleep until ready() or a wake-up; the caller looks again. */
static void cpu_sleep(Cpu *cpu, bool (*ready)(Cpu *))
{
    struct CpuThread *h = cpu->host;
    uint32_t seen = __atomic_load_n(&h->wakes, __ATOMIC_SEQ_CST);

    __atomic_store_n(&h->sleeping, 1, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!ready(cpu)) {
        mem_offline(cpu);
        pthread_mutex_lock(&h->lock);
        while (__atomic_load_n(&h->wakes, __ATOMIC_SEQ_CST) == seen) {
            pthread_cond_wait(&h->cond, &h->lock);
        }
        pthread_mutex_unlock(&h->lock);
        mem_quiesce(cpu->machine);
    }
    __atomic_store_n(&h->sleeping, 0, __ATOMIC_SEQ_CST);
}

bool cpu_asleep(const Cpu *cpu)
{
    return __atomic_load_n(&cpu->host->sleeping, __ATOMIC_SEQ_CST);
}

void cpu_kick(Cpu *cpu)
{
    const AccelOps *accel = machine_accel(cpu->machine);

    cpu_wake(cpu);
    if (accel->kick) {
        accel->kick(cpu);
    }
}

TRACE_EVENT(cpu_request, "CPU %d requests 0x%x");

void cpu_request(Cpu *cpu, uint32_t bits)
{
    uint32_t old = __atomic_fetch_or(&cpu->requests, bits, __ATOMIC_SEQ_CST);

    if ((old & bits) != bits) {
        trace(cpu_request, cpu->index, bits);
        cpu_kick(cpu);
    } else {
        cpu_wake(cpu);
    }
}

void cpu_unrequest(Cpu *cpu, uint32_t bits)
{
    __atomic_fetch_and(&cpu->requests, ~bits, __ATOMIC_SEQ_CST);
}

void cpu_stop_self(Cpu *cpu)
{
    cpu_request(cpu, CPU_REQ_STOP);
}

/* ---- work ---- */

static void run_work(Cpu *cpu)
{
    Machine *m = cpu->machine;
    Work *w;

    cpu_unrequest(cpu, CPU_REQ_WORK); /* before looking: who queues later sets it again */
    pthread_mutex_lock(&m->cpu_lock);
    while ((w = g_queue_pop_head(&cpu->work))) {
        pthread_mutex_unlock(&m->cpu_lock);
        bool wait = w->wait;
        w->fn(cpu, w->opaque);
        pthread_mutex_lock(&m->cpu_lock);
        if (wait) {
            w->done = true;
            pthread_cond_broadcast(&m->cpu_cond);
        } else {
            g_free(w);
        }
    }
    pthread_mutex_unlock(&m->cpu_lock);
}

/* Queue for the thread; false when there is none (any more) and the caller may act itself. */
static bool queue_work(Cpu *cpu, Work *w)
{
    Machine *m = cpu->machine;

    pthread_mutex_lock(&m->cpu_lock);
    bool threaded = cpu->created && !cpu->exited;
    if (threaded) {
        g_queue_push_tail(&cpu->work, w);
    }
    pthread_mutex_unlock(&m->cpu_lock);
    if (threaded) {
        cpu_request(cpu, CPU_REQ_WORK);
    }
    return threaded;
}

void cpu_run_on(Cpu *cpu, void (*fn)(Cpu *, void *), void *opaque)
{
    Machine *m = cpu->machine;
    Work w = {.fn = fn, .opaque = opaque, .wait = true};

    if (cpu_current() == cpu) {
        fn(cpu, opaque);
        return;
    }
    g_assert(!cpu_current() && !machine_locked(m));
    if (!queue_work(cpu, &w)) {
        fn(cpu, opaque);
        return;
    }
    pthread_mutex_lock(&m->cpu_lock);
    while (!w.done) {
        pthread_cond_wait(&m->cpu_cond, &m->cpu_lock);
    }
    pthread_mutex_unlock(&m->cpu_lock);
}

typedef struct SyncedWork {
    void (*fn)(Cpu *cpu, void *opaque);
    void *opaque;
} SyncedWork;

static void run_synced(Cpu *cpu, void *opaque)
{
    SyncedWork *w = opaque;

    cpu_sync(cpu);
    w->fn(cpu, w->opaque);
}

void cpu_run_synced(Cpu *cpu, void (*fn)(Cpu *, void *), void *opaque)
{
    SyncedWork w = {fn, opaque};

    cpu_run_on(cpu, run_synced, &w);
}

void cpu_run_on_async(Cpu *cpu, void (*fn)(Cpu *, void *), void *opaque)
{
    Work *w = g_new0(Work, 1);

    w->fn = fn;
    w->opaque = opaque;
    if (!queue_work(cpu, w)) {
        g_free(w);
        fn(cpu, opaque);
    }
}

/* ---- parking ---- */

static bool park_over(Cpu *cpu)
{
    uint32_t req = cpu_requests(cpu);
    return !(req & CPU_REQ_STOP) || (req & (CPU_REQ_WORK | CPU_REQ_EXIT));
}

/* Under cpu_lock: stay parked or go. */
static bool unpark(Cpu *cpu)
{
    Machine *m = cpu->machine;

    pthread_mutex_lock(&m->cpu_lock);
    bool go = !(cpu_requests(cpu) & CPU_REQ_STOP) || (cpu_requests(cpu) & CPU_REQ_EXIT);
    if (go) {
        cpu->parked = false;
    }
    pthread_mutex_unlock(&m->cpu_lock);
    return go;
}

static void park(Cpu *cpu)
{
    Machine *m = cpu->machine;

    pthread_mutex_lock(&m->cpu_lock);
    cpu->parked = true;
    pthread_cond_broadcast(&m->cpu_cond);
    pthread_mutex_unlock(&m->cpu_lock);
    do {
        cpu_sleep(cpu, park_over);
        if (cpu_requests(cpu) & CPU_REQ_WORK) {
            run_work(cpu);
        }
    } while (!unpark(cpu));
}

/* ---- the loop ---- */

/* Requests that are the loop's; false: the thread shall end. */
static bool serve(Cpu *cpu)
{
    uint32_t req;

    while ((req = cpu_requests(cpu)) & REQ_LOOP) {
        if (req & CPU_REQ_EXIT) {
            return false;
        }
        if (req & CPU_REQ_WORK) {
            run_work(cpu);
        } else if (req & CPU_REQ_RESET) {
            cpu_reset_now(cpu);
        } else {
            park(cpu);
        }
    }
    return true;
}

static bool has_work(Cpu *cpu)
{
    if (cpu_requests(cpu) & REQ_LOOP) { /* CPU_REQ_TLB waits: a sleeper caches nothing it uses */
        return true;
    }
    return cpu->target->has_work && cpu->target->has_work(cpu);
}

static void handle_exit(Cpu *cpu, Exit e)
{
    Machine *m = cpu->machine;

    switch (e) {
    case EXIT_REQUEST:
        break;
    case EXIT_HALT:
        cpu_sleep(cpu, has_work);
        break;
    case EXIT_SHUTDOWN:
        log_mask(LOG_CPU_RESET | LOG_GUEST_ERROR, "CPU %d shut down\n", cpu->index);
        machine_request_reset(m, SHUTDOWN_GUEST_RESET);
        break;
    case EXIT_DEBUG:
        machine_request_stop(m, RUN_STATE_DEBUG);
        break;
    case EXIT_ERROR:
        machine_request_stop(m, RUN_STATE_INTERNAL_ERROR);
        break;
    }
}

static void run_once(Cpu *cpu)
{
    const AccelOps *accel = cpu->machine->accel;

    if (cpu->state_dirty) {
        cpu->state_dirty = false;
        if (accel->push) {
            accel->push(cpu);
        }
    }
    Exit e = accel->run(cpu);
    mem_quiesce(cpu->machine);
    __atomic_store_n(&cpu->exits[e], cpu->exits[e] + 1, __ATOMIC_RELAXED);
    handle_exit(cpu, e);
}

static void name_thread(Cpu *cpu, void *opaque)
{
    char accel[8], name[16];

    g_strlcpy(accel, cpu->machine->accel->name, sizeof(accel));
    for (char *p = accel; *p; p++) {
        *p = g_ascii_toupper(*p);
    }
    snprintf(name, sizeof(name), "CPU %d/%s", cpu->index, accel);
    os_thread_set_name(name);
}

void cpu_name_thread(Cpu *cpu)
{
    if (cpu->created && !cpu->exited) {
        cpu_run_on_async(cpu, name_thread, NULL);
    }
}

static void *vcpu_thread(void *opaque)
{
    Cpu *cpu = opaque;
    Machine *m = cpu->machine;

    cpu_set_current(cpu);
    name_thread(cpu, NULL);
    pthread_mutex_lock(&m->cpu_lock);
    cpu->host_tid = gettid();
    pthread_cond_broadcast(&m->cpu_cond);
    pthread_mutex_unlock(&m->cpu_lock);
    mem_quiesce(m);
    if (m->accel->vcpu_thread_start) {
        m->accel->vcpu_thread_start(cpu);
    }
    while (serve(cpu)) {
        if (cpu->power_off && !cpu->machine->accel->waits_inside && !has_work(cpu)) {
            cpu_sleep(cpu, has_work);
            continue;
        }
        run_once(cpu);
    }
    mem_offline(cpu);
    pthread_mutex_lock(&m->cpu_lock);
    cpu->exited = true;
    cpu->parked = true;
    pthread_mutex_unlock(&m->cpu_lock);
    run_work(cpu); /* nobody waits for ever */
    pthread_mutex_lock(&m->cpu_lock);
    pthread_cond_broadcast(&m->cpu_cond);
    pthread_mutex_unlock(&m->cpu_lock);
    return NULL;
}

bool cpu_thread_start(Cpu *cpu, Error **errp)
{
    pthread_attr_t attr;

    cpu_request(cpu, CPU_REQ_STOP);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, VCPU_STACK);
    cpu->created = true;
    int err = pthread_create(&cpu->thread, &attr, vcpu_thread, cpu);
    pthread_attr_destroy(&attr);
    if (err) {
        cpu->created = false;
        error_set_errno(errp, err, "cannot start the thread of CPU %d", cpu->index);
        return false;
    }
    /* Monitors tell its id, which whoever pins or renices the thread asks for first. */
    pthread_mutex_lock(&cpu->machine->cpu_lock);
    while (!cpu->host_tid) {
        pthread_cond_wait(&cpu->machine->cpu_cond, &cpu->machine->cpu_lock);
    }
    pthread_mutex_unlock(&cpu->machine->cpu_lock);
    return true;
}

void cpu_thread_end(Cpu *cpu)
{
    if (cpu->created) {
        cpu_request(cpu, CPU_REQ_EXIT);
        pthread_join(cpu->thread, NULL);
    }
}

void cpus_pause(Machine *m)
{
    g_assert(!machine_locked(m) && !(cpu_current() && cpu_current()->machine == m));
    pthread_mutex_lock(&m->cpu_lock);
    for (guint i = 0; i < m->cpus->len; i++) {
        cpu_request(m->cpus->pdata[i], CPU_REQ_STOP);
    }
    for (guint i = 0; i < m->cpus->len; i++) {
        Cpu *cpu = m->cpus->pdata[i];
        while (cpu->created && !cpu->parked) {
            pthread_cond_wait(&m->cpu_cond, &m->cpu_lock);
        }
    }
    pthread_mutex_unlock(&m->cpu_lock);
}

void cpus_resume(Machine *m)
{
    pthread_mutex_lock(&m->cpu_lock);
    for (guint i = 0; i < m->cpus->len; i++) {
        Cpu *cpu = m->cpus->pdata[i];
        if (cpu->debug->action != DEBUG_HOLD) {
            cpu_unrequest(cpu, CPU_REQ_STOP);
        }
    }
    pthread_mutex_unlock(&m->cpu_lock);
    for (guint i = 0; i < m->cpus->len; i++) {
        cpu_wake(m->cpus->pdata[i]);
    }
}
