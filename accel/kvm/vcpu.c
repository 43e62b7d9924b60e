/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU of an x86 machine under KVM: its life, entering the guest, interrupts.
 *
 * What makes being called out safe stands in enter.c.
 *
 * home: the vCPU's thread; open and close on the main loop.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "accel/kvm/kvm.h"
#include "base/log.h"
#include "target/i386/state.h"

/*
 * What the translator takes; with local APICs in the kernel that is what came before they were there. SMIs are the kernel's
 * where it knows them.
 */
static uint32_t assist_requests(const KvmVcpu *v)
{
    return CPU_REQ_INIT | CPU_REQ_SIPI | (v->km->smm ? 0 : CPU_REQ_SMI);
}

/* ---- life ---- */

void kvm_vcpu_close(Cpu *cpu)
{
    KvmVcpu *v = kvm_vcpu(cpu);

    if (!v) {
        return;
    }
    kvm_vcpu_destroy(v);
    g_free(v->known);
    g_free(v->xsave);
    g_free(v);
    cpu->accel_priv[ACCEL_SLOT_KVM] = NULL;
}

static bool open_parts(KvmVcpu *v, Error **errp)
{
    KvmMachine *km = v->km;

    if (!kvm_vcpu_create(v, v->cpu->arch_id, errp)) {
        return false;
    }
    /* AMX was allowed since the virtual machine was made (kvm_x86_caps). */
    km->xsave_size = MAX(kvm_has(km->fd, KVM_CAP_XSAVE2), (int)sizeof(struct kvm_xsave));
    v->xsave = g_malloc0(km->xsave_size);
    v->state_bytes = kvm_state_bytes(x86_cpu_config(v->cpu));
    v->known = g_malloc0(v->cpu->target->state_size);
    if (!kvm_tsc_open(v, errp) || !kvm_set_cpuid(v, errp)) {
        return false;
    }
    kvm_msrs_init(v);
    return true;
}

bool kvm_vcpu_open(Cpu *cpu, Error **errp)
{
    KvmVcpu *v = g_new0(KvmVcpu, 1);

    v->cpu = cpu;
    v->km = kvm_of(cpu->machine);
    v->fd = -1;
    cpu->accel_priv[ACCEL_SLOT_KVM] = v;
    if (!open_parts(v, errp)) {
        kvm_vcpu_close(cpu);
        return false;
    }
    return true;
}

/* ---- interrupts ---- */

/* What there is to look at: a debugger's step may keep interrupts away. */
static uint32_t requests(const KvmVcpu *v)
{
    return cpu_requests(v->cpu) & ~(kvm_debug_quiet(v) ? CPU_REQ_INTR | CPU_REQ_NMI : 0u);
}

/* The kernel's state is no more what was pulled or pushed: should the guest not be entered, the event is pulled again. */
static void state_moved_on(KvmVcpu *v)
{
    v->known_valid = v->synced = false;
}

static int acknowledge(KvmVcpu *v)
{
    Cpu *cpu = v->cpu;

    if (v->km->lent) {
        return kvm_acknowledge_extint(v);
    }
    return cpu->intc ? cpu->intc->acknowledge(cpu->intc_opaque) : -1;
}

static void inject_interrupt(KvmVcpu *v)
{
    Cpu *cpu = v->cpu;
    int vector = acknowledge(v);

    if (vector < 0) {
        return;
    }
    struct kvm_interrupt irq = {.irq = (uint32_t)vector};
    if (kvm_ioctl(v->fd, KVM_INTERRUPT, &irq) < 0) {
        warn_report("KVM_INTERRUPT: %s", g_strerror(errno)); /* it is lost */
    }
    state_moved_on(v);
    v->extint = v->km->lent;
    v->run->ready_for_interrupt_injection = 0;
    v->interrupts++;
    log_mask(LOG_INT, "interrupt v=%02x of CPU %d\n", vector, cpu->index);
}

static void inject(KvmVcpu *v)
{
    Cpu *cpu = v->cpu;
    uint32_t req = requests(v);

    if ((req & CPU_REQ_SMI) && v->km->smm) {
        kvm_smm_inject(v);
        state_moved_on(v);
    }
    if (req & CPU_REQ_NMI) {
        cpu_unrequest(cpu, CPU_REQ_NMI);
        kvm_ioctl(v->fd, KVM_NMI, NULL);
        state_moved_on(v);
    }
    while ((req & CPU_REQ_INTR) && v->door_stale && kvm_touch(v) == 1) {
        /* a halted processor would not come out of the kernel for the 8259 by itself */
    }
    if ((req & CPU_REQ_INTR) && v->run->ready_for_interrupt_injection) {
        inject_interrupt(v);
    }
    v->run->request_interrupt_window = (requests(v) & CPU_REQ_INTR) != 0;
    if (!v->km->lent && cpu->intc && cpu->intc->sysreg_read) {
        uint64_t cr8 = 0;
        cpu->intc->sysreg_read(cpu->intc_opaque, X86_INTC_CR8, &cr8);
        v->run->cr8 = cr8;
    }
}

static void task_priority(KvmVcpu *v, uint64_t before)
{
    Cpu *cpu = v->cpu;

    if (!v->km->lent && v->run->cr8 != before && cpu->intc && cpu->intc->sysreg_write) {
        cpu->intc->sysreg_write(cpu->intc_opaque, X86_INTC_CR8, v->run->cr8);
    }
}

/* ---- the loop ---- */

/* Is there a request that the round so far did not deal with? */
static bool news(const KvmVcpu *v)
{
    uint32_t req = requests(v);

    return (req & (KVM_LOOP_REQUESTS | assist_requests(v) | CPU_REQ_TLB | CPU_REQ_NMI | CPU_REQ_SMI)) ||
           ((req & CPU_REQ_INTR) && !v->run->request_interrupt_window);
}

static int enter(KvmVcpu *v)
{
    if (!kvm_may_enter(v)) {
        return 0; /* somebody changed the map: look again */
    }
    __atomic_store_n(&v->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (news(v) || __atomic_load_n(&v->km->holders, __ATOMIC_SEQ_CST)) {
        kvm_left(v);
        return 0;
    }
    uint64_t cr8 = v->run->cr8;
    v->runs++;
    v->known_valid = v->synced = false;
    /* Where rescues happen they come often: the registers at once are cheaper than asked for later. */
    v->run->kvm_valid_regs = v->km->sync_regs && v->rescues ? KVM_SYNC_X86_VALID_FIELDS : 0;
    mem_offline(v->cpu); /* it may sleep in there */
    int r = ioctl(v->fd, KVM_RUN, 0), err = errno;
    mem_quiesce(v->cpu->machine);
    v->synced = v->run->kvm_valid_regs;
    kvm_left(v);
    v->io_pending = v->door_stale = false;
    v->extint &= !v->run->ready_for_interrupt_injection;
    task_priority(v, cr8);
    if (r < 0) {
        return err == EINTR || err == EAGAIN ? 0 : kvm_run_failed(v, err);
    }
    if (v->run->exit_reason < KVM_EXIT_KINDS) {
        v->exits[v->run->exit_reason]++;
    }
    return kvm_handle_exit(v);
}

/* Is the processor asleep, and to stay so? (If the kernel does not see to that.) */
static bool asleep(KvmVcpu *v)
{
    if (v->km->lent || !kvm_halted(v)) {
        return false;
    }
    if (!v->cpu->target->has_work(v->cpu)) {
        return true;
    }
    if (!(cpu_requests(v->cpu) & assist_requests(v))) {
        kvm_wake(v);
    }
    return false;
}

static int round_of(KvmVcpu *v)
{
    uint32_t req = cpu_requests(v->cpu);

    if (req & CPU_REQ_TLB) {
        cpu_unrequest(v->cpu, CPU_REQ_TLB); /* the slots are up to date */
    }
    mem_quiesce(v->cpu->machine);
    if (v->km->lent) {
        kvm_settle_apic(v);
    }
    if (req & KVM_LOOP_REQUESTS) {
        kvm_finish_io(v);
        kvm_flush_extint(v);
        return EXIT_REQUEST + 1;
    }
    if (asleep(v)) {
        return EXIT_HALT + 1;
    }
    if ((req & assist_requests(v)) || kvm_needs_assist(v)) {
        kvm_finish_io(v);
        kvm_flush_extint(v);
        v->assists++;
        return kvm_assist(v, false);
    }
    inject(v);
    return enter(v);
}

Exit kvm_run(Cpu *cpu)
{
    KvmVcpu *v = kvm_vcpu(cpu);
    int e;

    if (G_UNLIKELY(kvm_debug_changed(v)) && (e = kvm_debug_begin(v))) {
        return (Exit)(e - 1);
    }
    while ((e = round_of(v)) == 0) {
    }
    return (Exit)(e - 1);
}
