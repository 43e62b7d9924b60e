/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLB maintenance that one vCPU asks of the others.
 *
 * Each vCPU has a short queue, served by its own thread between two blocks. Who asks does not wait in there: it goes
 * on, serves its own queue whenever it looks whether the others are done, and leaves to the loop in between. So two
 * that ask each other can not lock up, nor can one that is stopped meanwhile. A vCPU that sleeps serves its queue
 * before it executes anything, so nobody waits for it, nor wakes it.
 *
 * home: the vCPU threads; guarded by: TcgLoop.ask_lock (ask, n_ask); ask_oldest is atomic.
 */
#include <sched.h>
#include <string.h>

#include "accel/tcg/tlb.h"

void tlb_ask_init(TcgVcpu *v)
{
    pthread_mutex_init(&v->loop->ask_lock, NULL);
}

void tlb_ask_fini(TcgVcpu *v)
{
    pthread_mutex_destroy(&v->loop->ask_lock);
}

void tlb_ask_serve(TcgVcpu *v)
{
    TcgLoop *l = v->loop;

    if (G_LIKELY(!__atomic_load_n(&l->ask_oldest, __ATOMIC_SEQ_CST))) {
        return;
    }
    pthread_mutex_lock(&l->ask_lock);
    if (l->n_ask > TLB_ASKS) {
        tlb_flush_all(v);
    } else {
        for (unsigned i = 0; i < l->n_ask; i++) {
            l->ask[i].fn(tcg_env(v), l->ask[i].a, l->ask[i].b);
        }
    }
    l->n_ask = 0;
    __atomic_store_n(&l->ask_oldest, 0, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&l->ask_lock);
}

static void ask(TcgVcpu *u, uint64_t number, TcgTlbFn *fn, uint64_t a, uint64_t b)
{
    TcgLoop *l = u->loop;

    pthread_mutex_lock(&l->ask_lock);
    if (l->n_ask < TLB_ASKS) {
        l->ask[l->n_ask] = (TlbAsk){fn, a, b};
    }
    l->n_ask = MIN(l->n_ask + 1, TLB_ASKS + 1);
    if (!l->ask_oldest) {
        __atomic_store_n(&l->ask_oldest, number, __ATOMIC_SEQ_CST);
    }
    pthread_mutex_unlock(&l->ask_lock);
    __atomic_store_n(&u->poll, 1, __ATOMIC_SEQ_CST);
}

void tcg_tlb_others(void *env, TcgTlbFn *fn, uint64_t a, uint64_t b)
{
    TcgVcpu *v = tcg_vcpu(env);
    TcgMachine *tm = v->tm;

    if (tm->n_vcpus == 1) {
        return;
    }
    v->loop->asked = __atomic_add_fetch(&tm->tlb_asks, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < tm->n_vcpus; i++) {
        if (tm->vcpus[i] != v) {
            ask(tm->vcpus[i], v->loop->asked, fn, a, b);
        }
    }
}

bool tcg_tlb_others_done(void *env)
{
    TcgVcpu *v = tcg_vcpu(env);
    TcgMachine *tm = v->tm;

    if (!v->loop->asked) {
        return true;
    }
    tlb_ask_serve(v);
    for (int i = 0; i < tm->n_vcpus; i++) {
        uint64_t oldest = __atomic_load_n(&tm->vcpus[i]->loop->ask_oldest, __ATOMIC_SEQ_CST);
        if (oldest && oldest <= v->loop->asked && !cpu_asleep(tm->vcpus[i]->cpu)) {
            sched_yield();
            return false;
        }
    }
    v->loop->asked = 0;
    return true;
}
