/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why KVM_RUN came back (the API, 5: the kvm_run structure): ports, device memory, halts, and what the kernel could not do.
 *
 * home: the vCPU's thread.
 */
#include <inttypes.h>
#include <string.h>

#include "accel/kvm/kvm.h"
#include "base/bits.h"
#include "base/log.h"
#include "target/i386/state.h"

/* ---- ports ---- */

/* One IN, OUT, or as much of INS or OUTS as fits into the shared page. */
static void port_io(KvmVcpu *v)
{
    struct kvm_run *run = v->run;
    uint8_t *data = (uint8_t *)run + run->io.data_offset;
    unsigned size = run->io.size;

    for (uint32_t i = 0; i < run->io.count; i++, data += size) {
        uint64_t val = UINT64_MAX;
        if (run->io.direction == KVM_EXIT_IO_OUT) {
            address_space_store(v->cpu->ports, run->io.port, kvm_attrs(v), size, ld_le_n(data, size));
        } else {
            if (address_space_load(v->cpu->ports, run->io.port, kvm_attrs(v), size, &val) == MEM_DECODE_ERROR) {
                val = UINT64_MAX;
            }
            st_le_n(data, size, val);
        }
    }
    v->io_pending = true;
}

/* ---- MSRs ---- */

static void msr_exit(KvmVcpu *v, bool write)
{
    struct kvm_run *run = v->run;
    uint64_t val = 0;
    bool ok = write ? kvm_msr_write(v, run->msr.index, run->msr.data) : kvm_msr_read(v, run->msr.index, &val);

    if (!ok) {
        log_mask(LOG_UNIMP, "%s of %08x: #GP\n", write ? "wrmsr" : "rdmsr", run->msr.index);
    }
    if (!write) {
        run->msr.data = val;
    }
    run->msr.error = !ok;
    v->io_pending = true;
}

/* ---- what the kernel could not do ---- */

static void log_failure(KvmVcpu *v, uint64_t pc)
{
    const struct kvm_run *run = v->run;
    g_autoptr(GString) bytes = g_string_new(NULL);

    if (run->emulation_failure.ndata >= 3 &&
        (run->emulation_failure.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES)) {
        for (unsigned i = 0; i < MIN(run->emulation_failure.insn_size, 15); i++) {
            g_string_append_printf(bytes, " %02x", run->emulation_failure.insn_bytes[i]);
        }
    }
    log_mask(LOG_UNIMP, "KVM does not emulate the instruction at 0x%" PRIx64 "%s%s of CPU %d\n", pc,
             bytes->len ? ":" : "", bytes->str, v->cpu->index);
}

static int internal_error(KvmVcpu *v)
{
    bool emulation = v->run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION;
    uint64_t pc = kvm_pc(v);

    if (emulation && v->km->rescue) {
        if (log_on(LOG_UNIMP)) {
            log_failure(v, pc);
        }
        v->rescues++;
        v->last_rescue_rip = pc;
        return kvm_assist(v, true);
    }
    error_report_text("KVM internal error. Suberror: %u", v->run->internal.suberror);
    if (emulation) {
        error_report_text("emulation failure of processor %d at 0x%" PRIx64 "; rescue=on would let the translator do it",
                     v->cpu->index, pc);
    }
    for (uint32_t i = 0; i < MIN(v->run->internal.ndata, 16) && !emulation; i++) {
        error_report_text("extra data[%u]: 0x%016" PRIx64 "", i, (uint64_t)v->run->internal.data[i]);
    }
    return EXIT_ERROR + 1;
}

static int failed_entry(KvmVcpu *v)
{
    error_report_text("KVM: entry failed, hardware error 0x%" PRIx64 "",
                 (uint64_t)v->run->fail_entry.hardware_entry_failure_reason);
    if (v->run->fail_entry.hardware_entry_failure_reason == 0x80000021) {
        error_report_text("the processor refuses the guest's state; a kvm_intel without unrestricted guests does so in "
                     "real mode");
    }
    return EXIT_ERROR + 1;
}

/* Hyper-V's registers that tell of a crash (hv-crash; Hypervisor Top Level Functional Specification, appendix of MSRs). */
static void crashed(KvmVcpu *v)
{
    kvm_pull(v->cpu);
    g_autofree char *info = x86_hyperv_crash(v->cpu);

    log_mask(LOG_GUEST_ERROR, "the guest crashed: %s\n", info);
    machine_guest_panicked(v->cpu->machine, info);
}

/* Hyper-V's register that resets the machine (hv-reset), or tells that the guest crashed. */
static int system_event(KvmVcpu *v)
{
    if (v->run->system_event.type == KVM_SYSTEM_EVENT_CRASH) {
        crashed(v);
        return 0;
    }
    if (v->run->system_event.type != KVM_SYSTEM_EVENT_RESET) {
        error_report_text("KVM: system event %u of processor %d is not known", v->run->system_event.type, v->cpu->index);
        return EXIT_ERROR + 1;
    }
    machine_request_reset(v->cpu->machine, SHUTDOWN_GUEST_RESET);
    return 0;
}

/*
 * The guest turned synthetic interrupts on or off, which is the kernel's matter (hv-synic); or it sends a message or event
 * over a connection, of which there are none (Hypervisor Top Level Functional Specification, 11.11).
 */
static void hyperv(KvmVcpu *v)
{
    enum { INVALID_CONNECTION_ID = 0x12 };

    if (v->run->hyperv.type == KVM_EXIT_HYPERV_HCALL) {
        v->run->hyperv.u.hcall.result = INVALID_CONNECTION_ID;
        v->io_pending = true;
    }
}

static int unknown_exit(KvmVcpu *v)
{
    error_report_text("KVM: unhandled exit %u of processor %d at 0x%" PRIx64 "", v->run->exit_reason, v->cpu->index,
                 kvm_pc(v));
    return EXIT_ERROR + 1;
}

int kvm_handle_exit(KvmVcpu *v)
{
    kvm_smm_view(v);
    switch (v->run->exit_reason) {
    case KVM_EXIT_IO:
        port_io(v);
        return 0;
    case KVM_EXIT_MMIO:
        kvm_memory_io(v);
        return 0;
    case KVM_EXIT_HLT:
        kvm_publish_halt(v);
        return 0; /* the loop looks whether there is a reason to go on */
    case KVM_EXIT_IRQ_WINDOW_OPEN:
    case KVM_EXIT_INTR:
    case KVM_EXIT_SET_TPR:
        return 0;
    case KVM_EXIT_IOAPIC_EOI:
        kvm_eoi(v);
        return 0;
    case KVM_EXIT_X86_RDMSR:
        msr_exit(v, false);
        return 0;
    case KVM_EXIT_X86_WRMSR:
        msr_exit(v, true);
        return 0;
    case KVM_EXIT_HYPERV:
        hyperv(v);
        return 0;
    case KVM_EXIT_SYSTEM_EVENT:
        return system_event(v);
    case KVM_EXIT_DEBUG:
        return kvm_debug_exit(v);
    case KVM_EXIT_DIRTY_RING_FULL:
        return kvm_ring_full(v);
    case KVM_EXIT_SHUTDOWN:
        return EXIT_SHUTDOWN + 1;
    case KVM_EXIT_INTERNAL_ERROR:
        return internal_error(v);
    case KVM_EXIT_FAIL_ENTRY:
        return failed_entry(v);
    default:
        return unknown_exit(v);
    }
}
