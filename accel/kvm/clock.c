/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time stamp counters and kvmclock.
 *
 * A guest's TSC is the host's plus an offset that the kernel keeps (the API, KVM_VCPU_TSC_OFFSET). In the state it is the
 * machine's clock plus another one, which holds under any accelerator. Both are joined by `tsc_origin`, what the host's
 * TSC would have read when the machine's clock was 0. It is measured anew when the machine stops and when it goes on:
 * meanwhile its clock and the guests' TSCs stand still together, and the two host clocks, which drift against each other,
 * never make a guest's TSC jump.
 *
 * home: the vCPU's thread or, while it is parked, the main loop.
 */
#include <errno.h>
#include <string.h>

#include "accel/kvm/kvm.h"
#include "target/i386/state.h"

#define MSR_TSC 0x10u

static uint64_t now_ticks(const KvmMachine *km)
{
    return muldiv64((uint64_t)clock_ns(km->machine, CLOCK_VIRTUAL), km->tsc_hz, NS_PER_SEC);
}

static void measure_origin(KvmMachine *km)
{
    km->tsc_origin = __builtin_ia32_rdtsc() - now_ticks(km);
}

/* ---- one vCPU ---- */

static bool tsc_offset_attr(KvmVcpu *v, unsigned long request, uint64_t *offset)
{
    struct kvm_device_attr attr = {.group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET, .addr = (uintptr_t)offset};

    return v->km->tsc_attr && kvm_ioctl(v->fd, request, &attr) == 0;
}

void kvm_pull_tsc(KvmVcpu *v, X86State *s)
{
    uint64_t offset;

    if (tsc_offset_attr(v, KVM_GET_DEVICE_ATTR, &offset)) {
        s->tsc_offset = (int64_t)(v->km->tsc_origin + offset);
    }
}

void kvm_push_tsc(KvmVcpu *v, const X86State *s)
{
    uint64_t offset = (uint64_t)s->tsc_offset - v->km->tsc_origin;
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entry;
    } m = {.head = {.nmsrs = 1}, .entry = {.index = MSR_TSC, .data = now_ticks(v->km) + (uint64_t)s->tsc_offset}};

    if (!tsc_offset_attr(v, KVM_SET_DEVICE_ATTR, &offset) && kvm_ioctl(v->fd, KVM_SET_MSRS, &m) != 1) {
        warn_report("KVM does not set the TSC of processor %d", v->cpu->index);
    }
}

bool kvm_tsc_open(KvmVcpu *v, Error **errp)
{
    int khz = kvm_ioctl(v->fd, KVM_GET_TSC_KHZ, NULL);
    uint64_t hz = khz > 0 ? khz * 1000ull : 0, asked = x86_cpu_config(v->cpu)->tsc_hz;

    if (!hz) {
        error_set(errp, ERR_UNSUPPORTED, "KVM does not know the frequency of the host's time stamp counter");
        return false;
    }
    if (asked && asked / 1000 != hz / 1000) {
        error_set(errp, ERR_UNSUPPORTED, "-cpu tsc-frequency=%" G_GUINT64_FORMAT ": the host's time stamp counter runs at %"
                  G_GUINT64_FORMAT " Hz", (guint64)asked, (guint64)hz);
        return false;
    }
    x86_cpu_set_tsc_hz(v->cpu, hz);
    v->km->tsc_hz = hz;
    return true;
}

/* ---- the machine stops and goes on ---- */

static void save_clock(KvmMachine *km)
{
    memset(&km->clock, 0, sizeof(km->clock));
    km->clock_saved = kvm_ioctl(km->fd, KVM_GET_CLOCK, &km->clock) == 0;
    km->clock_at = clock_ns(km->machine, CLOCK_VIRTUAL);
}

/* kvmclock goes on by what the machine's clock went on since it was saved. */
static void restore_clock(KvmMachine *km)
{
    if (km->clock_saved) {
        km->clock.flags = 0;
        km->clock.clock += clock_ns(km->machine, CLOCK_VIRTUAL) - km->clock_at;
        if (kvm_ioctl(km->fd, KVM_SET_CLOCK, &km->clock) < 0) {
            warn_report("KVM_SET_CLOCK: %s", g_strerror(errno));
        }
        km->clock_saved = false;
    }
}

static void stopped(KvmMachine *km)
{
    measure_origin(km);
    for (int i = 0; i < machine_cpu_count(km->machine); i++) {
        Cpu *cpu = machine_cpu(km->machine, i);
        KvmVcpu *v = kvm_vcpu(cpu);
        if (!cpu->state_dirty) {
            kvm_pull_tsc(v, cpu->state);
            v->known->tsc_offset = ((X86State *)cpu->state)->tsc_offset;
            x86_cpu_tsc_moved(cpu);
        }
    }
    kvm_take_apics(km);
    for (int i = 0; i < machine_cpu_count(km->machine); i++) {
        kvm_smm_take(kvm_vcpu(machine_cpu(km->machine, i)));
    }
    save_clock(km);
}

static void goes_on(KvmMachine *km)
{
    measure_origin(km);
    for (int i = 0; i < machine_cpu_count(km->machine); i++) {
        Cpu *cpu = machine_cpu(km->machine, i);
        kvm_push_tsc(kvm_vcpu(cpu), cpu->state); /* before the APICs' timers, which go by it */
        kvm_vcpu(cpu)->tsc_stale = cpu->state_dirty;
    }
    kvm_lend_apics(km);
    for (int i = 0; i < machine_cpu_count(km->machine); i++) {
        kvm_smm_give(kvm_vcpu(machine_cpu(km->machine, i)));
    }
    restore_clock(km);
}

static void on_run_state(void *opaque, Machine *m, RunState now, bool running)
{
    KvmMachine *km = opaque;

    if (running != km->was_running) {
        km->was_running = running;
        if (km->active) {
            (running ? goes_on : stopped)(km);
        }
    }
}

/* ---- the machine moves to another accelerator and back; a stopped one has done the half of it ---- */

void kvm_leave(Machine *m)
{
    KvmMachine *km = kvm_of(m);

    if (km->was_running) {
        stopped(km);
    }
    km->active = false;
    kvm_events_withdraw(km);
}

void kvm_enter(Machine *m)
{
    KvmMachine *km = kvm_of(m);

    km->active = true;
    for (int i = 0; i < machine_cpu_count(m); i++) {
        kvm_vcpu(machine_cpu(m, i))->known_valid = false;
    }
    if (km->was_running) {
        goes_on(km);
    }
}

void kvm_clock_init(KvmMachine *km)
{
    km->active = machine_accel(km->machine) && !strcmp(machine_accel(km->machine)->name, "kvm");
    km->was_running = machine_run_state(km->machine) == RUN_STATE_RUNNING;
    machine_add_run_state_notifier(km->machine, on_run_state, km);
    machine_add_reset_notifier(km->machine, kvm_apics_reset, km);
}

void kvm_clock_fini(KvmMachine *km)
{
    machine_remove_run_state_notifier(km->machine, on_run_state, km);
    machine_remove_reset_notifier(km->machine, kvm_apics_reset, km);
}
