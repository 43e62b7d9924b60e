/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `info kvm`: what the kernel has, and what the vCPUs did.
 */
#include <inttypes.h>
#include <string.h>

#include "accel/kvm/kvm.h"

static const struct {
    int cap;
    const char *name;
} caps[] = {
    {KVM_CAP_READONLY_MEM, "read-only memory slots"}, {KVM_CAP_IMMEDIATE_EXIT, "immediate exit"},
    {KVM_CAP_SYNC_REGS, "registers in the shared page"}, {KVM_CAP_SREGS2, "sregs2"}, {KVM_CAP_XSAVE2, "xsave2"},
    {KVM_CAP_VCPU_ATTRIBUTES, "vCPU attributes"}, {KVM_CAP_X86_SMM, "system management mode"},
    {KVM_CAP_X86_USER_SPACE_MSR, "MSRs in user space"}, {KVM_CAP_X86_MSR_FILTER, "MSR filter"},
    {KVM_CAP_TSC_CONTROL, "TSC scaling"}, {KVM_CAP_ADJUST_CLOCK, "clock"}, {KVM_CAP_IRQCHIP, "interrupt controllers"},
#ifdef KVM_CAP_PIT2 /* of x86 */
    {KVM_CAP_PIT2, "8254"},
#endif
    {KVM_CAP_SPLIT_IRQCHIP, "split interrupt controllers"}, {KVM_CAP_IRQFD, "irqfd"}, {KVM_CAP_IOEVENTFD, "ioeventfd"},
    {KVM_CAP_COALESCED_MMIO, "coalesced device memory"}, {KVM_CAP_COALESCED_PIO, "coalesced ports"},
    {KVM_CAP_DIRTY_LOG_RING, "dirty ring"},
    {KVM_CAP_NESTED_STATE, "nested state"}, {KVM_CAP_EXIT_ON_EMULATION_FAILURE, "exit on emulation failure"},
};

static const char *const exit_names[KVM_EXIT_KINDS] = {
    [KVM_EXIT_IO] = "port", [KVM_EXIT_HLT] = "halt", [KVM_EXIT_MMIO] = "device memory",
    [KVM_EXIT_IRQ_WINDOW_OPEN] = "interrupt window", [KVM_EXIT_SHUTDOWN] = "shutdown", [KVM_EXIT_INTR] = "signal",
    [KVM_EXIT_SET_TPR] = "task priority", [KVM_EXIT_DEBUG] = "debug", [KVM_EXIT_IOAPIC_EOI] = "end of interrupt",
    [KVM_EXIT_INTERNAL_ERROR] = "not emulated",
    [KVM_EXIT_HYPERV] = "Hyper-V", [KVM_EXIT_X86_RDMSR] = "rdmsr", [KVM_EXIT_X86_WRMSR] = "wrmsr",
    [KVM_EXIT_SYSTEM_EVENT] = "system event", [KVM_EXIT_DIRTY_RING_FULL] = "dirty ring full",
};

static void sum_up(Machine *m, KvmVcpu *sum)
{
    for (int i = 0; i < machine_cpu_count(m); i++) {
        const KvmVcpu *v = kvm_vcpu(machine_cpu(m, i));
        for (int k = 0; k < KVM_EXIT_KINDS; k++) {
            sum->exits[k] += v->exits[k];
        }
        sum->runs += v->runs;
        sum->interrupts += v->interrupts;
        sum->rescues += v->rescues;
        sum->assists += v->assists;
        sum->last_rescue_rip = v->rescues ? v->last_rescue_rip : sum->last_rescue_rip;
    }
}

static void info_counters(const KvmVcpu *sum, GString *out)
{
    g_string_append_printf(out, "entries: %" PRIu64 "\n", sum->runs);
    for (int k = 0; k < KVM_EXIT_KINDS; k++) {
        if (sum->exits[k]) {
            g_autofree char *number = g_strdup_printf("%d", k);
            g_string_append_printf(out, "exits: %s: %" PRIu64 "\n", exit_names[k] ? exit_names[k] : number,
                                   sum->exits[k]);
        }
    }
    g_string_append_printf(out, "interrupts injected: %" PRIu64 "\n", sum->interrupts);
    g_string_append_printf(out, "rescued instructions: %" PRIu64, sum->rescues);
    if (sum->rescues) {
        g_string_append_printf(out, ", the last at 0x%" PRIx64, sum->last_rescue_rip);
    }
    g_string_append_printf(out, "\nother steps of the translator: %" PRIu64 "\n", sum->assists);
}

static uint64_t overflows(Machine *m)
{
    uint64_t n = 0;

    for (int i = 0; i < machine_cpu_count(m); i++) {
        n += kvm_vcpu(machine_cpu(m, i))->ring_overflows;
    }
    return n;
}

void kvm_info(Machine *m, GString *out)
{
    KvmMachine *km = kvm_of(m);
    KvmVcpu sum = {0};

    g_string_append_printf(out, "kernel-irqchip: %s\nrescue: %s\n", kvm_irqchip_name(km),
                           km->rescue ? "on" : "off");
    for (size_t i = 0; i < G_N_ELEMENTS(caps); i++) {
        int n = kvm_has(km->fd, caps[i].cap);
        g_string_append_printf(out, "capability: %s: %s\n", caps[i].name, n ? "yes" : "no");
    }
    pthread_mutex_lock(&km->slot_lock);
    g_string_append_printf(out, "memory slots: %u, changed %" PRIu64 " times\n", km->slots->len, km->slot_changes);
    pthread_mutex_unlock(&km->slot_lock);
    if (km->ring_entries) {
        g_string_append_printf(out, "dirty log: rings of %u entries, %" PRIu64 " overflows\n", km->ring_entries,
                               overflows(m));
    } else {
        g_string_append_printf(out, "dirty log: bitmaps%s\n", km->dirty_manual ? ", cleared in pieces" : "");
    }
    kvm_poll_info(km, out);
    kvm_events_info(km, out);
#ifdef __x86_64__
    bool smm = kvm_smm_memory(m) != machine_memory(m);
    g_string_append_printf(out, "system management mode: %s\n", !smm     ? "none"
                                                                : km->smm ? "executed by the kernel"
                                                                          : "executed by the translator");
#endif
    kvm_late_info(km, out);
    if (km->routes) {
        g_string_append_printf(out, "message routes: %u, used %" PRIu64 " times\n", km->routes->len,
                               __atomic_load_n(&km->routed, __ATOMIC_RELAXED));
    }
    sum_up(m, &sum);
    info_counters(&sum, out);
}

void kvm_reset_stats(Machine *m)
{
    for (int i = 0; i < machine_cpu_count(m); i++) {
        KvmVcpu *v = kvm_vcpu(machine_cpu(m, i));
        memset(v->exits, 0, sizeof(v->exits));
        v->runs = v->interrupts = v->rescues = v->assists = 0;
    }
}
