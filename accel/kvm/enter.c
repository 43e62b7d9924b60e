/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU's file and shared page, and being called out of the guest: the same for all architectures.
 *
 * kick() and the loop follow one rule: the kicker latches its request, then sets kvm_run.immediate_exit, then looks
 * whether the vCPU is on its way in (in_run) and if so sends a signal. The vCPU says in_run, clears immediate_exit, and
 * then looks at the requests. So either it sees the request, or KVM_RUN sees immediate_exit or the signal
 * (the API, kvm_run.immediate_exit). A signal that comes late interrupts nothing: it is restartable.
 *
 * home: the vCPU's thread; create and destroy on the main loop, kick from any thread.
 */
#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "accel/kvm/kvm.h"

/* ---- life ---- */

bool kvm_vcpu_create(KvmVcpu *v, unsigned long id, Error **errp)
{
    KvmMachine *km = v->km;

    v->fd = kvm_ioctl(km->fd, KVM_CREATE_VCPU, (void *)(uintptr_t)id);
    if (v->fd < 0) {
        error_set_errno(errp, errno, "KVM cannot make processor %d", v->cpu->index);
        return false;
    }
    void *p = mmap(NULL, km->mmap_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
    if (p == MAP_FAILED) {
        error_set_errno(errp, errno, "cannot map KVM's page of processor %d", v->cpu->index);
        return false;
    }
    v->run = p;
    return kvm_ring_map(v, errp);
}

void kvm_vcpu_destroy(KvmVcpu *v)
{
    kvm_ring_unmap(v);
    if (v->run) {
        munmap(v->run, v->km->mmap_size);
    }
    if (v->fd >= 0) {
        close(v->fd);
    }
}

/* ---- being called out ---- */

void kvm_kick(Cpu *cpu)
{
    KvmVcpu *v = kvm_vcpu(cpu);

    if (!v) {
        return;
    }
    __atomic_store_n(&v->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&v->in_run, __ATOMIC_SEQ_CST) && cpu_current() != cpu) {
        syscall(SYS_tgkill, getpid(), cpu->host_tid, SIGUSR1); /* by number: the thread may just have ended */
    }
}

int kvm_touch(KvmVcpu *v)
{
    if (!kvm_may_enter(v)) {
        return 1;
    }
    __atomic_store_n(&v->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    v->known_valid = v->synced = false;
    v->run->kvm_valid_regs = 0;
    int r = ioctl(v->fd, KVM_RUN, 0);
    kvm_left(v);
    v->io_pending = v->door_stale = false;
    return r;
}

void kvm_finish_io(KvmVcpu *v)
{
    while (v->io_pending) {
        int r = kvm_touch(v);
        /* A string of I/O goes on with its next piece, an access in two halves with the second. */
        if (r == 0 && (v->run->exit_reason == KVM_EXIT_IO || v->run->exit_reason == KVM_EXIT_MMIO)) {
            kvm_handle_exit(v);
        }
    }
}

int kvm_run_failed(KvmVcpu *v, int err)
{
    error_report_text("KVM_RUN of processor %d failed: %s", v->cpu->index, g_strerror(err));
    return EXIT_ERROR + 1;
}
