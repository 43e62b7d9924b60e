/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupt controllers in the kernel. kernel-irqchip=split: the local APICs are there while vCPUs run, the 8259s and I/O
 * APICs are our devices (the API, KVM_CAP_SPLIT_IRQCHIP). kernel-irqchip=on: those are there, too (chips.c).
 *
 * Messages are sent with KVM_SIGNAL_MSI. The kernel tells of the end of level-triggered interrupts (KVM_EXIT_IOAPIC_EOI)
 * by the routes of the I/O APICs' pins, which are kept for that alone. Halts, INIT and start-up IPIs are the kernel's
 * (KVM_GET_MP_STATE), so a vCPU sleeps in KVM_RUN.
 *
 * home: as kvm.h and core/apics.h say of each.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "accel/kvm/kvm.h"
#include "base/bits.h"
#include "core/pcchips.h"
#include "target/i386/state.h"

#define REG_TPR 8
#define REG_LVT_TIMER 0x32
#define LVT_DEADLINE(lvt) (((lvt) >> 17 & 3) == 2)
#define MSR_TSC_DEADLINE 0x6e0u
#define FLUSH_TRIES 64

/* ---- which ---- */

static const char *const names[] = {[KVM_IRQCHIP_AUTO] = "auto", [KVM_IRQCHIP_OFF] = "off", [KVM_IRQCHIP_SPLIT] = "split",
                                    [KVM_IRQCHIP_ON] = "on"};

const char *kvm_irqchip_name(const KvmMachine *km)
{
    return names[km->irqchip];
}

bool kvm_irqchip_parse(KvmMachine *km, const char *value, Error **errp)
{
    for (KvmIrqchip i = KVM_IRQCHIP_OFF; i <= KVM_IRQCHIP_ON; i++) {
        if (!strcmp(value, names[i])) {
            km->irqchip = i;
            return true;
        }
    }
    error_set(errp, ERR_INVALID_PARAMETER, "-accel kvm: kernel-irqchip cannot be '%s'", value);
    error_hint(errp, "possible: on, split, off");
    return false;
}

/* fd: /dev/kvm or a virtual machine. NULL, or what the kernel lacks for local APICs of its own. */
static const char *lacks(int fd)
{
    static const struct {
        int cap;
        const char *name;
    } needed[] = {
        {KVM_CAP_SPLIT_IRQCHIP, "SPLIT_IRQCHIP"}, {KVM_CAP_IRQ_ROUTING, "IRQ_ROUTING"},
        {KVM_CAP_SIGNAL_MSI, "SIGNAL_MSI"},       {KVM_CAP_ENABLE_CAP_VM, "ENABLE_CAP_VM"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(needed); i++) {
        if (!kvm_has(fd, needed[i].cap)) {
            return needed[i].name;
        }
    }
    return NULL;
}

bool kvm_irqchip_default(int fd)
{
    return !lacks(fd);
}

bool kvm_irqchip_create(KvmMachine *km, Error **errp)
{
    struct kvm_enable_cap cap = {.cap = KVM_CAP_SPLIT_IRQCHIP, .args = {APIC_PINS_MAX}};
    const char *missing = lacks(km->fd);

    if (km->irqchip == KVM_IRQCHIP_AUTO) { /* a machine that has SMM already, under the translator, keeps all of it */
        bool lost_smi = !km->smm && kvm_smm_memory(km->machine) != machine_memory(km->machine);
        km->irqchip = missing || lost_smi ? KVM_IRQCHIP_OFF : KVM_IRQCHIP_SPLIT;
    }
    if (km->irqchip == KVM_IRQCHIP_OFF) {
        return true;
    }
    if (missing) {
        error_set(errp, ERR_UNSUPPORTED, "-accel kvm,kernel-irqchip=%s: the kernel's KVM lacks KVM_CAP_%s",
                  names[km->irqchip], missing);
        error_hint(errp, "kernel-irqchip=off needs nothing of it");
        return false;
    }
    if (km->irqchip == KVM_IRQCHIP_ON) {
        return kvm_chips_create(km, errp);
    }
    if (kvm_ioctl(km->fd, KVM_ENABLE_CAP, &cap) < 0) {
        error_set_errno(errp, errno, "KVM cannot have local APICs (KVM_CAP_SPLIT_IRQCHIP)");
        return false;
    }
    return true;
}

/* ---- one local APIC ---- */

typedef struct ApicMsrs {
    struct kvm_msrs head;
    struct kvm_msr_entry entry[2];
} ApicMsrs;

static ApicMsrs apic_msrs(uint64_t base, uint64_t deadline)
{
    return (ApicMsrs){.head = {.nmsrs = 2},
                      .entry = {{.index = X86_INTC_APICBASE, .data = base}, {.index = MSR_TSC_DEADLINE, .data = deadline}}};
}

static void load_apic(Cpu *cpu, ApicImage *out)
{
    KvmVcpu *v = kvm_vcpu(cpu);
    ApicMsrs m = apic_msrs(v->apic_base, 0);
    struct kvm_lapic_state s;

    memset(out, 0, sizeof(*out));
    if (kvm_ioctl(v->fd, KVM_GET_LAPIC, &s) < 0) {
        warn_report("KVM_GET_LAPIC of processor %d: %s", cpu->index, g_strerror(errno));
        return;
    }
    for (int i = 0; i < APIC_REGS; i++) {
        out->reg[i] = ld_le32((const uint8_t *)s.regs + i * 16);
    }
    kvm_ioctl(v->fd, KVM_GET_MSRS, &m); /* without a deadline timer: the first of the two */
    out->base = v->apic_base = m.entry[0].data;
    out->tsc_deadline = m.entry[1].data;
}

/* The base first: it says of what kind the registers are. The deadline last: the entry of the timer has to want one. */
static void store_apic(Cpu *cpu, const ApicImage *in)
{
    KvmVcpu *v = kvm_vcpu(cpu);
    ApicMsrs m = apic_msrs(in->base, in->tsc_deadline);
    struct kvm_lapic_state s;

    memset(&s, 0, sizeof(s));
    for (int i = 0; i < APIC_REGS; i++) {
        st_le32((uint8_t *)s.regs + i * 16, in->reg[i]);
    }
    m.head.nmsrs = 1;
    if (kvm_ioctl(v->fd, KVM_SET_MSRS, &m) != 1 || kvm_ioctl(v->fd, KVM_SET_LAPIC, &s) < 0) {
        warn_report("KVM does not take the local APIC of processor %d: %s", cpu->index, g_strerror(errno));
    }
    v->apic_base = in->base;
    v->cr8 = in->reg[REG_TPR] >> 4 & 15;
    if (LVT_DEADLINE(in->reg[REG_LVT_TIMER])) {
        m.entry[0] = m.entry[1];
        if (kvm_ioctl(v->fd, KVM_SET_MSRS, &m) != 1) {
            warn_report("KVM does not take the TSC deadline of processor %d", cpu->index);
        }
    }
}

/* ---- messages, pins ---- */

static void send_message(Machine *m, uint64_t addr, uint32_t data)
{
    struct kvm_msi msi = {.address_lo = (uint32_t)addr, .address_hi = addr >> 32, .data = data};

    kvm_ioctl(kvm_of(m)->fd, KVM_SIGNAL_MSI, &msi); /* to nobody, or to one that takes none: as on the bus */
}

static void set_routes(Machine *m, const ApicPin *pins)
{
    kvm_routes_set_pins(kvm_of(m), pins);
}

static void hold(Machine *m)
{
    kvm_hold(kvm_of(m));
}

static void release(Machine *m)
{
    kvm_release(kvm_of(m));
}

static const ApicHostOps apic_host = {
    .load = load_apic, .store = store_apic, .message = send_message, .pins = set_routes, .hold = hold, .release = release,
};

/* ---- vCPUs go on, and stop ---- */

void kvm_lend_apics(KvmMachine *km)
{
    void *opaque;
    const ApicOps *apics = machine_apics(km->machine, &opaque);

    if (km->irqchip == KVM_IRQCHIP_OFF || !apics) {
        return;
    }
    for (int i = 0; i < machine_cpu_count(km->machine); i++) {
        machine_cpu(km->machine, i)->power_off = false; /* it waits in the kernel */
    }
    km->lent = true;
    apics->lend(opaque, &apic_host);
    if (km->irqchip == KVM_IRQCHIP_ON) {
        machine_lend_chips(km->machine); /* what waits there goes to the local APICs */
    }
    kvm_routes_listen(km, true);
}

void kvm_take_apics(KvmMachine *km)
{
    void *opaque;
    const ApicOps *apics = machine_apics(km->machine, &opaque);

    if (!km->lent || !apics) {
        return;
    }
    kvm_routes_listen(km, false);
    for (int i = 0; i < machine_cpu_count(km->machine); i++) {
        Cpu *cpu = machine_cpu(km->machine, i);
        if (cpu->state_dirty) { /* a start-up IPI that the kernel holds is for the new state */
            cpu->state_dirty = false;
            kvm_push(cpu);
            kvm_vcpu(cpu)->known_valid = false;
        }
        kvm_pull(cpu);
        kvm_settle_apic(kvm_vcpu(cpu));
        cpu->power_off = ((const X86State *)cpu->state)->wait_sipi;
    }
    if (km->irqchip == KVM_IRQCHIP_ON) {
        machine_take_chips(km->machine);
    }
    apics->take_back(opaque);
    km->lent = false;
}

void kvm_apics_reset(void *opaque, Machine *m)
{
    KvmMachine *km = opaque;

    for (int i = 0; i < machine_cpu_count(m); i++) {
        kvm_smm_reset(kvm_vcpu(machine_cpu(m, i)));
    }
    if (!km->lent) {
        return;
    }
    for (int i = 0; i < machine_cpu_count(m); i++) {
        KvmVcpu *v = kvm_vcpu(machine_cpu(m, i));
        struct kvm_mp_state mp;
        kvm_ioctl(v->fd, KVM_GET_MP_STATE, &mp); /* INIT and start-up IPIs from before the reset end here */
        v->known_valid = false;
    }
    kvm_lend_apics(km);
}

/* ---- on a vCPU's thread ---- */

void kvm_settle_apic(KvmVcpu *v)
{
    void *opaque;
    const ApicOps *apics = machine_apics(v->cpu->machine, &opaque);

    apics->settle(v->cpu);
}

int kvm_acknowledge_extint(KvmVcpu *v)
{
    void *opaque;
    const ApicOps *apics = machine_apics(v->cpu->machine, &opaque);

    return apics->extint(opaque);
}

void kvm_eoi(KvmVcpu *v)
{
    void *opaque;
    const ApicOps *apics = machine_apics(v->cpu->machine, &opaque);

    if (apics) {
        apics->eoi(opaque, v->run->eoi.vector);
    }
}

/* KVM_RUN with a signal waiting comes to the guest's door, where events are injected, but not in. */
static void run_to_door(KvmVcpu *v, int *passes)
{
    if (!kvm_may_enter(v)) {
        return;
    }
    __atomic_store_n(&v->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
    v->run->exit_reason = KVM_EXIT_UNKNOWN;
    v->run->kvm_valid_regs = 0;
    v->known_valid = v->synced = false;
    int r = ioctl(v->fd, KVM_RUN, 0);
    kvm_left(v);
    v->io_pending = false;
    if (r == 0) {
        kvm_handle_exit(v);
    } else if (v->run->exit_reason == KVM_EXIT_INTR) { /* otherwise a kick came before */
        ++*passes;
    }
}

/*
 * A vector that was handed to the kernel in place of its 8259's is not part of any state until it is injected. Two
 * passes: one wakes a processor that halted.
 */
void kvm_flush_extint(KvmVcpu *v)
{
    struct {
        struct kvm_signal_mask head;
        uint8_t set[8];
    } mask = {.head = {.len = sizeof(mask.set)}};
    sigset_t kick, before;
    int passes = 0;

    if (!v->extint) {
        return;
    }
    v->extint = false;
    sigemptyset(&kick);
    sigaddset(&kick, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &kick, &before);
    memcpy((uint8_t *)&mask + sizeof(mask.head), &before, sizeof(mask.set)); /* the kernel's set is the first word of libc's */
    syscall(SYS_tgkill, getpid(), v->cpu->host_tid, SIGUSR1);
    if (kvm_ioctl(v->fd, KVM_SET_SIGNAL_MASK, &mask) == 0) {
        for (int i = 0; passes < 2 && i < FLUSH_TRIES; i++) {
            run_to_door(v, &passes);
        }
        kvm_ioctl(v->fd, KVM_SET_SIGNAL_MASK, NULL);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (passes < 2) {
        warn_report("an 8259's interrupt for processor %d may be lost", v->cpu->index);
    }
}
