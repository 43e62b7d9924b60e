/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVM on Arm hosts: options, the life of a virtual machine, its time.
 *
 * The GIC is always the kernel's (kernel-irqchip=on), as the timers' interrupts and GICv3's registers need it there.
 *
 * home: main loop, but for what kvm.h says of its functions.
 */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "accel/kvm/kvm_arm.h"
#include "core/semihost.h"

const KvmNeed kvm_arm_needs[] = {
    {KVM_CAP_USER_MEMORY, "USER_MEMORY"},       {KVM_CAP_DESTROY_MEMORY_REGION_WORKS, "DESTROY_MEMORY_REGION_WORKS"},
    {KVM_CAP_ONE_REG, "ONE_REG"},               {KVM_CAP_MP_STATE, "MP_STATE"},
    {KVM_CAP_ARM_PSCI_0_2, "ARM_PSCI_0_2"},     {KVM_CAP_DEVICE_CTRL, "DEVICE_CTRL"},
    {KVM_CAP_VCPU_EVENTS, "VCPU_EVENTS"},       {KVM_CAP_IMMEDIATE_EXIT, "IMMEDIATE_EXIT"},
    {0},
};

static bool probe(const TargetOps *t, Error **errp)
{
    return kvm_runs_target(t, "aarch64", kvm_arm_needs, errp);
}

/* ---- options: -accel kvm,dirty-ring-size=N,halt-poll-ns=N,kernel-irqchip=on ---- */

static bool parse_option(KvmMachine *km, const char *opt, Error **errp)
{
    if (g_str_has_prefix(opt, "dirty-ring-size=")) {
        return kvm_ring_parse(km, strchr(opt, '=') + 1, errp);
    }
    if (g_str_has_prefix(opt, "halt-poll-ns=")) {
        return kvm_poll_parse(km, strchr(opt, '=') + 1, errp);
    }
    if (!strcmp(opt, "kernel-irqchip=on") || !strcmp(opt, "rescue=off")) {
        return true;
    }
    if (g_str_has_prefix(opt, "kernel-irqchip=")) {
        error_set(errp, ERR_UNSUPPORTED, "-accel kvm,%s: on Arm hosts the interrupt controller is always the kernel's", opt);
        error_hint(errp, "kernel-irqchip=on is the default");
    } else if (!strcmp(opt, "rescue=on")) {
        error_set(errp, ERR_UNSUPPORTED, "-accel kvm,rescue=on: on Arm hosts the translator does not help KVM");
    } else {
        error_set(errp, ERR_INVALID_PARAMETER, "-accel kvm: option '%s' is not known", opt);
        error_hint(errp, "possible: dirty-ring-size=N, halt-poll-ns=N, kernel-irqchip=on, rescue=off");
    }
    return false;
}

static bool parse_options(KvmMachine *km, const char *spec, Error **errp)
{
    g_auto(GStrv) part = g_strsplit(spec ? spec : "kvm", ",", -1);

    km->halt_poll_ns = POLL_DEFAULT;
    for (int i = 1; part[0] && part[i]; i++) {
        if (*part[i] && !parse_option(km, part[i], errp)) {
            return false;
        }
    }
    return true;
}

const char *kvm_irqchip_name(const KvmMachine *km)
{
    return "on";
}

/* ---- time: the guest's counter stands still while the machine is stopped ---- */

static bool counter(KvmArm *a, bool write)
{
    return kvm_arm_reg(kvm_vcpu(machine_cpu(a->km.machine, 0))->fd, KVM_REG_ARM_TIMER_CNT, &a->count, write);
}

static void on_run_state(void *opaque, Machine *m, RunState now, bool running)
{
    KvmArm *a = opaque;

    if (a->away || running == a->km.was_running || !machine_cpu_count(m)) {
        return;
    }
    a->km.was_running = running;
    if (!running) {
        a->count_saved = counter(a, false);
    } else if (a->count_saved && !counter(a, true)) {
        warn_report("KVM does not set the guest's counter: time passed while the machine was stopped");
    }
}

/* ---- moving to another accelerator and back: the GIC and the counters are ours to bring along ---- */

static void leave(Machine *m)
{
    KvmArm *a = kvm_arm_of(m);
    uint64_t phys;

    for (int i = 0; i < machine_cpu_count(m); i++) {
        cpu_sync(machine_cpu(m, i));
    }
    if ((!a->count_saved || a->km.was_running) && !counter(a, false)) {
        warn_report("KVM does not tell the guest's counter: it jumps");
    }
    if (!kvm_arm_reg(kvm_vcpu(machine_cpu(m, 0))->fd, KVM_REG_ARM_PTIMER_CNT, &phys, false)) {
        phys = a->count; /* Linux before 4.16 */
    }
    arm_cpus_from_host(m, phys, a->count);
    a->gic.hand_over(a->gic.gic, NULL);
    a->away = true;
}

static void enter(Machine *m)
{
    KvmArm *a = kvm_arm_of(m);

    a->away = false;
    a->km.was_running = machine_run_state(m) == RUN_STATE_RUNNING;
    a->count = arm_cpus_to_host(m);
    a->count_saved = counter(a, true);
    if (!a->count_saved) {
        warn_report("KVM does not set the guest's counter: it jumps");
    }
    a->gic.hand_over(a->gic.gic, machine_accel(m)->arm);
}

/* ---- the virtual machine ---- */

static void vm_close(Machine *m)
{
    KvmArm *a = kvm_arm_of(m);
    int fds[] = {a ? a->its_fd : -1, a ? a->gic_fd : -1, a ? a->km.fd : -1, a ? a->km.dev_fd : -1};

    if (!a) {
        return;
    }
    machine_remove_run_state_notifier(m, on_run_state, a);
    kvm_slots_fini(&a->km);
    kvm_events_fini(&a->km);
    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    g_free(a);
    *machine_accel_priv(m, ACCEL_SLOT_KVM) = NULL;
}

static bool create(KvmArm *a, Error **errp)
{
    KvmMachine *km = &a->km;
    unsigned pa_bits;

    km->dev_fd = kvm_open_device(kvm_arm_needs, errp);
    if (km->dev_fd < 0) {
        return false;
    }
    km->fd = kvm_arm_create_vm(km->dev_fd, &pa_bits, errp);
    if (km->fd < 0) {
        return false;
    }
    km->readonly_slots = kvm_has(km->fd, KVM_CAP_READONLY_MEM);
    km->mmap_size = ioctl(km->dev_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (km->mmap_size < (int)sizeof(struct kvm_run)) {
        error_set(errp, ERR_UNSUPPORTED, "KVM's shared page of a vCPU is too small");
        return false;
    }
    return kvm_dirty_init(km, errp) && kvm_poll_init(km, errp) && kvm_arm_preferred(km->fd, &a->init, errp);
}

static bool vm_open(Machine *m, Error **errp)
{
    KvmArm *a = g_new0(KvmArm, 1);

    a->km.machine = m;
    a->km.fd = a->km.dev_fd = a->gic_fd = a->its_fd = -1;
    *machine_accel_priv(m, ACCEL_SLOT_KVM) = a;
    kvm_slots_init(&a->km);
    machine_add_run_state_notifier(m, on_run_state, a);
    if (machine_semihost(m)) {
        error_set(errp, ERR_UNSUPPORTED, "-semihosting: the host's processor takes no such calls");
        vm_close(m);
        return false;
    }
    if (!parse_options(&a->km, machine_config(m)->accel, errp) || !create(a, errp)) {
        vm_close(m);
        return false;
    }
    kvm_catch_kicks();
    kvm_events_init(&a->km);
    return true;
}

static void ram_changed(Machine *m)
{
    kvm_slots_update(kvm_of(m));
}

static void events_changed(Machine *m)
{
    kvm_events_update(kvm_of(m));
}

static const AccelArmOps arm_ops = {
    .host = kvm_arm_host,
    .gic_versions = kvm_arm_gic_versions,
    .gic_open = kvm_arm_gic_open,
    .gic_line = kvm_arm_gic_line,
    .gic_access = kvm_arm_gic_access,
    .its_reset = kvm_arm_its_reset,
    .its_access = kvm_arm_its_access,
    .its_tables = kvm_arm_its_tables,
    .lpis_to_memory = kvm_arm_lpis_to_memory,
    .its_message = kvm_arm_its_message,
};

static const AccelOps kvm_accel = {
    .name = "kvm",
    .help = "the host's processor, through Linux' KVM",
    .probe = probe,
    .vm_open = vm_open,
    .vm_close = vm_close,
    .vcpu_open = kvm_arm_vcpu_open,
    .vcpu_close = kvm_arm_vcpu_close,
    .vcpu_reset = kvm_arm_reset,
    .waits_inside = true,
    .run = kvm_arm_run,
    .kick = kvm_kick,
    .pull = kvm_arm_pull,
    .push = kvm_arm_push,
    .leave = leave,
    .enter = enter,
    .ram_changed = ram_changed,
    .events_changed = events_changed,
    .dirty_log = kvm_dirty_log,
    .dirty_sync = kvm_dirty_sync,
    .dirty_rings = kvm_dirty_rings,
    .dirty_pages = kvm_dirty_pages,
    .arm = &arm_ops,
    .info = kvm_info,
    .reset_stats = kvm_reset_stats,
};
ACCEL(kvm_accel);
