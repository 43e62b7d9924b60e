/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The translator's help: an instruction that KVM does not emulate, and what this use of KVM does not know (INIT,
 * start-up IPIs, system management mode). It works on cpu->state, one instruction a time, and is opened when it is
 * first needed.
 *
 * Its accesses to memory are those of the host's processor, so locked instructions of other vCPUs and its own agree.
 *
 * home: the vCPU's thread.
 */
#include "accel/kvm/debug.h"
#include "target/i386/state.h"

/* The translator, opened; NULL: an error is set. */
static const AccelOps *helper_accel(KvmMachine *km, Error **errp)
{
    const AccelOps *a = __atomic_load_n(&km->assist, __ATOMIC_ACQUIRE);

    if (!a) {
        a = accel_find("tcg", errp);
        if (!a || !machine_join_accel(km->machine, a, errp)) {
            return NULL;
        }
        __atomic_store_n(&km->assist, a, __ATOMIC_RELEASE);
    }
    return a;
}

int kvm_assist(KvmVcpu *v, bool failed)
{
    Error *err = NULL;
    const AccelOps *a = helper_accel(v->km, &err);

    if (!a) {
        error_prepend(&err, "the translator cannot help KVM: ");
        error_report(err);
        error_free(err);
        return EXIT_ERROR + 1;
    }
    kvm_late_drain(v); /* what others stored since this vCPU came out, which may be several steps ago */
    kvm_pull(v->cpu);
    if (failed && !v->km->all_failures) {
        kvm_drop_exception(v);
    }
    bool once = v->cpu->debug->action == DEBUG_STEP;
    Exit e;
    do {
        X86Step step;
        const DebugPoint *p = kvm_debug_break_here(v);
        if (p) {
            cpu_debug_note(v->cpu, p, 0);
            e = EXIT_DEBUG;
            break;
        }
        if (!x86_step_begin(v->cpu, &step, &err)) {
            error_report(err);
            error_free(err);
            return EXIT_ERROR + 1;
        }
        e = a->step(v->cpu);
        x86_step_end(v->cpu, &step);
    } while (e == EXIT_REQUEST && !once && kvm_needs_assist(v) && !(cpu_requests(v->cpu) & KVM_LOOP_REQUESTS));
    if (v->km->lent) {
        v->cpu->power_off = false; /* it waits in the kernel */
    }
    kvm_push(v->cpu);
    if (once && (e == EXIT_REQUEST || e == EXIT_HALT)) {
        return kvm_debug_stepped(v);
    }
    return e == EXIT_REQUEST || e == EXIT_HALT ? 0 : e + 1; /* the loop sees a halt by itself */
}
