/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accelerator without instructions: vCPUs exist, take requests, park and reset, but execute
 * nothing. For device tests, and the smallest example of the verbs in core/accel.h.
 *
 * home: run() on the vCPU thread; kick() from any thread.
 */
#include "core/accel.h"
#include "core/machine.h"

/* Latched by kick(); run() sleeps until there is one. */
typedef struct NullVcpu {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool kicked;
} NullVcpu;

static bool null_probe(const TargetOps *t, Error **errp)
{
    return true;
}

static bool null_vcpu_open(Cpu *cpu, Error **errp)
{
    NullVcpu *v = g_new0(NullVcpu, 1);

    pthread_mutex_init(&v->lock, NULL);
    pthread_cond_init(&v->cond, NULL);
    cpu->accel_priv[ACCEL_SLOT_NULL] = v;
    return true;
}

static void null_vcpu_close(Cpu *cpu)
{
    NullVcpu *v = cpu->accel_priv[ACCEL_SLOT_NULL];

    pthread_cond_destroy(&v->cond);
    pthread_mutex_destroy(&v->lock);
    g_free(v);
    cpu->accel_priv[ACCEL_SLOT_NULL] = NULL;
}

static void wait_for_kick(NullVcpu *v)
{
    pthread_mutex_lock(&v->lock);
    while (!v->kicked) {
        pthread_cond_wait(&v->cond, &v->lock);
    }
    v->kicked = false;
    pthread_mutex_unlock(&v->lock);
}

static Exit null_run(Cpu *cpu)
{
    NullVcpu *v = cpu->accel_priv[ACCEL_SLOT_NULL];
    const uint32_t loops = CPU_REQ_STOP | CPU_REQ_WORK | CPU_REQ_EXIT | CPU_REQ_RESET;

    while (!(cpu_requests(cpu) & loops)) {
        if (cpu_requests(cpu) & CPU_REQ_TLB) {
            cpu_unrequest(cpu, CPU_REQ_TLB);
            mem_quiesce(cpu->machine);
        }
        wait_for_kick(v);
    }
    return EXIT_REQUEST;
}

static void null_kick(Cpu *cpu)
{
    NullVcpu *v = cpu->accel_priv[ACCEL_SLOT_NULL];

    pthread_mutex_lock(&v->lock);
    v->kicked = true;
    pthread_cond_signal(&v->cond);
    pthread_mutex_unlock(&v->lock);
}

static const AccelOps null_accel = {
    .name = "null",
    .help = "executes no instructions: for tests of devices",
    .probe = null_probe,
    .vcpu_open = null_vcpu_open,
    .vcpu_close = null_vcpu_close,
    .run = null_run,
    .kick = null_kick,
};
ACCEL(null_accel);
