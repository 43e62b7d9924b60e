/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU of an Arm machine under KVM: its life, and the guest. Interrupts, WFI and PSCI are the kernel's; it comes out for
 * device memory, the end of the machine, and when it is called. What makes being called out safe stands in enter.c.
 *
 * home: the vCPU's thread; open and close on the main loop.
 */
#include <errno.h>
#include <inttypes.h>
#include <sys/ioctl.h>

#include "accel/kvm/kvm_arm.h"

/* ---- life ---- */

void kvm_arm_vcpu_close(Cpu *cpu)
{
    KvmArmVcpu *a = kvm_arm_vcpu(cpu);

    if (!a) {
        return;
    }
    kvm_vcpu_destroy(&a->v);
    g_free(a->list);
    free(a);
    cpu->accel_priv[ACCEL_SLOT_KVM] = NULL;
}

static bool open_parts(KvmArmVcpu *a, Error **errp)
{
    if (!kvm_vcpu_create(&a->v, a->v.cpu->index, errp)) {
        return false;
    }
    a->init = ((KvmArm *)a->v.km)->init;
    a->sve = arm_cpu_config(a->v.cpu)->sve_vq_map;
    if (!kvm_arm_vcpu_init(a->v.fd, arm_cpu_config(a->v.cpu), &a->init, errp)) {
        return false;
    }
    a->list = kvm_arm_reg_list(a->v.fd, errp);
    return a->list != NULL;
}

bool kvm_arm_vcpu_open(Cpu *cpu, Error **errp)
{
    KvmArmVcpu *a = aligned_alloc(_Alignof(KvmArmVcpu), sizeof(*a));

    if (!a) {
        error_set(errp, ERR_NO_MEMORY, "no memory for KVM's state of processor %d", cpu->index);
        return false;
    }
    memset(a, 0, sizeof(*a));
    a->v.cpu = cpu;
    a->v.km = kvm_of(cpu->machine);
    a->v.fd = -1;
    cpu->accel_priv[ACCEL_SLOT_KVM] = a;
    if (!open_parts(a, errp)) {
        kvm_arm_vcpu_close(cpu);
        return false;
    }
    return true;
}

/* ---- why it came out ---- */

static int system_event(KvmVcpu *v)
{
    Machine *m = v->cpu->machine;

    switch (v->run->system_event.type) {
    case KVM_SYSTEM_EVENT_SHUTDOWN:
        machine_request_shutdown(m, SHUTDOWN_GUEST_SHUTDOWN);
        return 0; /* the kernel has switched the processors off */
    case KVM_SYSTEM_EVENT_RESET:
        machine_request_reset(m, SHUTDOWN_GUEST_RESET);
        return 0;
    case KVM_SYSTEM_EVENT_CRASH:
        error_report_text("KVM: the guest crashed, as processor %d says", v->cpu->index);
        return EXIT_ERROR + 1;
    default:
        error_report_text("KVM: unknown system event %u", v->run->system_event.type);
        return EXIT_ERROR + 1;
    }
}

int kvm_handle_exit(KvmVcpu *v)
{
    switch (v->run->exit_reason) {
    case KVM_EXIT_MMIO:
        kvm_memory_io(v);
        return 0;
    case KVM_EXIT_DIRTY_RING_FULL:
        return kvm_ring_full(v);
    case KVM_EXIT_INTR:
        return 0;
    case KVM_EXIT_SYSTEM_EVENT:
        return system_event(v);
    default:
        error_report_text("KVM: unhandled exit %u of processor %d at 0x%" PRIx64, v->run->exit_reason, v->cpu->index,
                          kvm_arm_pc(v));
        return EXIT_ERROR + 1;
    }
}

/* ENOSYS: the guest accessed device memory by an instruction of which the hardware tells too little (DDI 0487, ISV). */
static int failed(KvmVcpu *v, int err)
{
    if (err == EINTR || err == EAGAIN) {
        return 0;
    }
    if (err == ENOSYS) {
        error_report_text("KVM does not emulate the instruction at 0x%" PRIx64 " of processor %d, which accesses device memory",
                          kvm_arm_pc(v), v->cpu->index);
    }
    return kvm_run_failed(v, err);
}

/* ---- the loop ---- */

static int enter(KvmVcpu *v)
{
    if (!kvm_may_enter(v)) {
        return 0; /* somebody changed the map: look again */
    }
    __atomic_store_n(&v->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if ((cpu_requests(v->cpu) & (KVM_LOOP_REQUESTS | CPU_REQ_TLB)) || __atomic_load_n(&v->km->holders, __ATOMIC_SEQ_CST)) {
        kvm_left(v);
        return 0;
    }
    v->runs++;
    v->known_valid = false;
    mem_offline(v->cpu); /* it may sleep in there */
    int r = ioctl(v->fd, KVM_RUN, 0), err = errno;
    mem_quiesce(v->cpu->machine);
    kvm_left(v);
    v->io_pending = false;
    if (r < 0) {
        return failed(v, err);
    }
    if (v->run->exit_reason < KVM_EXIT_KINDS) {
        v->exits[v->run->exit_reason]++;
    }
    return kvm_handle_exit(v);
}

static int round_of(KvmVcpu *v)
{
    uint32_t req = cpu_requests(v->cpu);

    if (req & CPU_REQ_TLB) {
        cpu_unrequest(v->cpu, CPU_REQ_TLB); /* the slots are up to date */
    }
    mem_quiesce(v->cpu->machine);
    if (req & KVM_LOOP_REQUESTS) {
        kvm_finish_io(v);
        return EXIT_REQUEST + 1;
    }
    return enter(v);
}

Exit kvm_arm_run(Cpu *cpu)
{
    KvmVcpu *v = kvm_vcpu(cpu);
    int e;

    while ((e = round_of(v)) == 0) {
    }
    return (Exit)(e - 1);
}
