/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The translator's help: an instruction that KVM does not emulate, and what this use of KVM does not know (INIT,
 * start-up IPIs, system management mode). It works on cpu->state, one instruction a time, and is opened when it is
 * first needed.
 *
 * Its accesses to memory are those of the host's processor, so locked instructions of other vCPUs and its own agree.
 *
 * home: the vCPU's thread; opened under assist_lock.
 */
#include "accel/kvm/kvm.h"

static void close_on(Machine *m, const AccelOps *a, int n)
{
    while (n-- > 0) {
        a->vcpu_close(machine_cpu(m, n));
    }
    a->vm_close(m);
}

static const AccelOps *open_assist(KvmMachine *km, Error **errp)
{
    Machine *m = km->machine;
    const AccelOps *a = accel_find("tcg", errp);

    if (!a || !a->probe(machine_target(m), errp) || !a->vm_open(m, errp)) {
        return NULL;
    }
    for (int i = 0; i < machine_cpu_count(m); i++) {
        if (!a->vcpu_open(machine_cpu(m, i), errp)) {
            close_on(m, a, i);
            return NULL;
        }
    }
    return a;
}

static const AccelOps *assistant(KvmMachine *km, Error **errp)
{
    const AccelOps *a = __atomic_load_n(&km->assist, __ATOMIC_ACQUIRE);

    if (!a) {
        pthread_mutex_lock(&km->assist_lock);
        a = km->assist ? km->assist : open_assist(km, errp);
        __atomic_store_n(&km->assist, a, __ATOMIC_RELEASE);
        pthread_mutex_unlock(&km->assist_lock);
    }
    return a;
}

/* The vCPUs' parts went with the vCPUs. */
void kvm_assist_close(KvmMachine *km)
{
    if (km->assist) {
        km->assist->vm_close(km->machine);
        km->assist = NULL;
    }
}

int kvm_assist(KvmVcpu *v, bool failed)
{
    Error *err = NULL;
    const AccelOps *a = assistant(v->km, &err);

    if (!a) {
        error_prepend(&err, "the translator cannot help KVM: ");
        error_report(err);
        error_free(err);
        return EXIT_ERROR + 1;
    }
    kvm_pull(v->cpu);
    if (failed && !v->km->all_failures) {
        kvm_drop_exception(v);
    }
    Exit e;
    do {
        e = a->step(v->cpu);
    } while (e == EXIT_REQUEST && kvm_needs_assist(v) && !(cpu_requests(v->cpu) & KVM_LOOP_REQUESTS));
    kvm_push(v->cpu);
    return e == EXIT_REQUEST || e == EXIT_HALT ? 0 : e + 1; /* the loop sees a halt by itself */
}
