/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A debugger's breakpoints, watchpoints and steps on x86 (debug.h).
 *
 * gdb's ordinary breakpoints are int3 in the guest's memory, written when the machine begins to run and taken out when it
 * stops: so nobody who looks at a stopped machine (gdb, a saved state, another accelerator) sees them. The others, and
 * all where the kernel does not report int3, take one of four debug registers of KVM's, which the guest does not
 * see. Steps are the kernel's, or the translator's where the kernel has none.
 *
 * home: the main loop with all vCPUs parked, but for kvm_debug_begin() and _exit(): the vCPU's thread.
 */
#include "accel/kvm/debug.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "target/i386/state.h"

#ifndef KVM_GUESTDBG_BLOCKIRQ
#define KVM_GUESTDBG_BLOCKIRQ 0x00100000
#endif
#define INT3 0xcc
#define DR6_BS (1u << 14)
#define EXC_DB 1
#define EXC_BP 3
#define DEBUG_REGISTERS 4

typedef struct Patch {
    DebugPoint point;
    hwaddr pa;
    uint8_t old;
} Patch;

struct KvmDebug {
    bool tried;
    unsigned reports; /* KVM_REPORTS_* */
    bool blocks_irqs; /* KVM_GUESTDBG_BLOCKIRQ */
    GArray *patches;  /* Patch */
    bool patched;     /* they are in memory */
    DebugPoint hw[DEBUG_REGISTERS];
    unsigned n_hw;
    uint64_t dr7;
    uint64_t serial;  /* counts changes: vCPUs tell the kernel when they see another one */
};

static uint64_t linear_pc(const X86State *s)
{
    const X86Seg *cs = &s->seg[S_CS];

    return cs->attr & SEG_L ? s->rip : (uint32_t)(s->rip + cs->base);
}

/* ---- int3 in memory ---- */

/* Does a processor make its step from there? It goes past a breakpoint. */
static bool stepped_over(KvmMachine *km, uint64_t va)
{
    for (int i = 0; i < machine_cpu_count(km->machine); i++) {
        Cpu *cpu = machine_cpu(km->machine, i);
        if (cpu->debug->action == DEBUG_STEP) {
            cpu_sync(cpu);
            if (linear_pc(cpu->state) == va) {
                return true;
            }
        }
    }
    return false;
}

static void patch_in(KvmMachine *km)
{
    struct KvmDebug *d = km->debug;
    const uint8_t int3 = INT3;

    for (guint i = 0; i < d->patches->len && !d->patched; i++) {
        Patch *p = &g_array_index(d->patches, Patch, i);
        address_space_peek(machine_memory(km->machine), p->pa, &p->old, 1);
        if (!stepped_over(km, p->point.addr)) {
            address_space_poke(machine_memory(km->machine), p->pa, &int3, 1);
        }
    }
    d->patched = true;
}

/* In reverse: two may be at the same place. A byte that the guest changed stays. */
static void patch_out(KvmMachine *km)
{
    struct KvmDebug *d = km->debug;

    for (guint i = d->patches->len; i-- && d->patched;) {
        const Patch *p = &g_array_index(d->patches, Patch, i);
        uint8_t now = 0;
        if (address_space_peek(machine_memory(km->machine), p->pa, &now, 1) && now == INT3) {
            address_space_poke(machine_memory(km->machine), p->pa, &p->old, 1);
        }
    }
    d->patched = false;
}

static void on_run_state(void *opaque, Machine *m, RunState now, bool running)
{
    (running ? patch_in : patch_out)(opaque);
}

/* Kernels and ROMs are in memory again as they came. */
static void on_reset(void *opaque, Machine *m)
{
    KvmMachine *km = opaque;

    if (km->debug->patched) {
        patch_out(km);
        patch_in(km);
    }
}

void kvm_debug_init(KvmMachine *km)
{
    km->debug = g_new0(struct KvmDebug, 1);
    km->debug->patches = g_array_new(FALSE, FALSE, sizeof(Patch));
    machine_add_run_state_notifier(km->machine, on_run_state, km);
    machine_add_reset_notifier(km->machine, on_reset, km);
}

void kvm_debug_fini(KvmMachine *km)
{
    if (km->debug) {
        machine_remove_run_state_notifier(km->machine, on_run_state, km);
        machine_remove_reset_notifier(km->machine, on_reset, km);
        g_array_unref(km->debug->patches);
        g_clear_pointer(&km->debug, g_free);
    }
}

void kvm_debug_info(KvmMachine *km, GString *out)
{
    static const char *const names[] = {"int3", "steps", "breakpoint registers", "watchpoint registers"};

    for (unsigned i = 0; km->debug && km->debug->tried && i < G_N_ELEMENTS(names); i++) {
        g_string_append_printf(out, "debugging: %s: %s\n", names[i], km->debug->reports >> i & 1 ? "yes" : "no");
    }
}

/* ---- where each point goes ---- */

static void try_once(KvmMachine *km)
{
    struct KvmDebug *d = km->debug;

    if (!d->tried) {
        d->tried = true;
        d->reports = kvm_has(km->fd, KVM_CAP_SET_GUEST_DEBUG) ? kvm_debug_trial(km->dev_fd) : 0;
        d->blocks_irqs = kvm_has(km->fd, KVM_CAP_SET_GUEST_DEBUG2) & KVM_GUESTDBG_BLOCKIRQ;
    }
}

static bool to_memory(KvmMachine *km, const DebugPoint *point, Error **errp)
{
    Cpu *cpu = machine_cpu(km->machine, 0);
    Patch p = {.point = *point};

    cpu_sync(cpu);
    if (!cpu->target->translate(cpu, point->addr, &p.pa) ||
        !address_space_peek(machine_memory(km->machine), p.pa, &p.old, 1)) {
        error_set(errp, ERR_GENERIC, "there is no memory at 0x%" PRIx64 " yet", point->addr);
        error_hint(errp, "a hardware breakpoint (hbreak) may be anywhere");
        return false;
    }
    g_array_append_val(km->debug->patches, p);
    return true;
}

/* The kind and length bits of DR7 (SDM vol 3, figure 18-1); -1: there are none. */
static int dr7_bits(const DebugPoint *p)
{
    static const int8_t len_code[9] = {-1, 0, 1, -1, 3, -1, -1, -1, 2};
    static const uint8_t kind[DEBUG_KINDS] = {[DEBUG_WRITE] = 1, [DEBUG_ACCESS] = 3};

    if (!debug_is_watch(p)) {
        return 0;
    }
    if (p->kind == DEBUG_READ || p->len > 8 || len_code[p->len] < 0 || p->addr % p->len) {
        return -1;
    }
    return kind[p->kind] | len_code[p->len] << 2;
}

static bool to_register(KvmMachine *km, const DebugPoint *p, Error **errp)
{
    struct KvmDebug *d = km->debug;
    int bits = dr7_bits(p);

    if (!(d->reports & (debug_is_watch(p) ? KVM_REPORTS_DATA : KVM_REPORTS_EXEC))) {
        error_set(errp, ERR_UNSUPPORTED, "this host's KVM does not report %s", debug_is_watch(p) ? "watchpoints" : "breakpoints");
        error_hint(errp, "the translator does: accel_switch tcg");
        return false;
    }
    if (bits < 0) {
        error_set(errp, ERR_UNSUPPORTED, "watchpoints of x86 processors are for writes or all accesses of 1, 2, 4 or 8 bytes, aligned");
        return false;
    }
    if (d->n_hw == DEBUG_REGISTERS) {
        error_set(errp, ERR_UNSUPPORTED, "x86 processors have %d debug registers", DEBUG_REGISTERS);
        return false;
    }
    d->dr7 |= (uint64_t)2 << 2 * d->n_hw | (uint64_t)bits << (16 + 4 * d->n_hw);
    d->hw[d->n_hw++] = *p;
    return true;
}

static bool place(KvmMachine *km, Error **errp)
{
    for (unsigned i = 0; i < machine_debug_count(km->machine); i++) {
        const DebugPoint *p = machine_debug_point(km->machine, i);
        bool memory = p->kind == DEBUG_SW_BREAK && (km->debug->reports & KVM_REPORTS_INT3);
        if (!(memory ? to_memory(km, p, errp) : to_register(km, p, errp))) {
            return false;
        }
    }
    return true;
}

bool kvm_debug(Machine *m, Error **errp)
{
    KvmMachine *km = kvm_of(m);
    struct KvmDebug *d = km->debug;

    patch_out(km);
    g_array_set_size(d->patches, 0);
    d->n_hw = 0;
    d->dr7 = 0x400;
    d->serial++;
    try_once(km);
    if (!place(km, errp)) {
        return false;
    }
    if (machine_run_state(m) == RUN_STATE_RUNNING) {
        patch_in(km);
    }
    return true;
}

/* ---- a vCPU ---- */

static bool steps(const KvmVcpu *v)
{
    return v->cpu->debug->action == DEBUG_STEP;
}

bool kvm_debug_quiet(const KvmVcpu *v)
{
    return steps(v) && !v->cpu->debug->interrupts;
}

int kvm_debug_stepped(KvmVcpu *v)
{
    cpu_debug_note(v->cpu, NULL, 0);
    return EXIT_DEBUG + 1;
}

/* also: KVM_GUESTDBG_INJECT_*, which act once. */
static void tell_kernel(KvmVcpu *v, uint32_t also)
{
    const struct KvmDebug *d = v->km->debug;
    struct kvm_guest_debug g = {.control = also};

    if (d->patches->len) {
        g.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP;
    }
    if (d->n_hw) {
        g.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP;
        g.arch.debugreg[7] = d->dr7;
        for (unsigned i = 0; i < d->n_hw; i++) {
            g.arch.debugreg[i] = d->hw[i].addr;
        }
    }
    if (steps(v)) { /* past a breakpoint that is there */
        g.control = (g.control & ~KVM_GUESTDBG_USE_HW_BP) | KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP |
                    (d->blocks_irqs && kvm_debug_quiet(v) ? KVM_GUESTDBG_BLOCKIRQ : 0);
    }
    if (kvm_ioctl(v->fd, KVM_SET_GUEST_DEBUG, &g) < 0) {
        warn_report("KVM_SET_GUEST_DEBUG of processor %d: %s", v->cpu->index, g_strerror(errno));
    }
}

int kvm_debug_begin(KvmVcpu *v)
{
    const X86State *s = v->cpu->state;

    v->debug_serial = v->km->debug->serial;
    if (!steps(v)) {
        tell_kernel(v, 0);
        return 0;
    }
    kvm_pull(v->cpu);
    if ((s->halted || s->wait_sipi) && kvm_debug_quiet(v)) {
        return kvm_debug_stepped(v);
    }
    if (!(v->km->debug->reports & KVM_REPORTS_STEP)) {
        return kvm_assist(v, false);
    }
    kvm_flush_regs(v); /* the kernel remembers where a step begins */
    tell_kernel(v, 0);
    return 0;
}

bool kvm_debug_changed(const KvmVcpu *v)
{
    return v->debug_serial != v->km->debug->serial;
}

const DebugPoint *kvm_debug_break_here(KvmVcpu *v)
{
    if (!machine_debug_count(v->km->machine) || steps(v)) {
        return NULL;
    }
    return debug_breakpoint_at(v->km->machine, linear_pc(v->cpu->state));
}

static const DebugPoint *patch_at(KvmVcpu *v, uint64_t va)
{
    const GArray *patches = v->km->debug->patches;

    for (guint i = 0; i < patches->len; i++) {
        const Patch *p = &g_array_index(patches, Patch, i);
        if (p->point.addr == va) {
            return &p->point;
        }
    }
    return NULL;
}

int kvm_debug_exit(KvmVcpu *v)
{
    const struct kvm_debug_exit_arch *a = &v->run->debug.arch;
    const struct KvmDebug *d = v->km->debug;
    unsigned hit = a->dr6 & 15 ? (unsigned)__builtin_ctz(a->dr6 & 15) : DEBUG_REGISTERS;
    const DebugPoint *p = a->exception == EXC_BP ? patch_at(v, a->pc) : hit < d->n_hw && !steps(v) ? &d->hw[hit] : NULL;

    if (p) {
        cpu_debug_note(v->cpu, p, p->addr);
        return EXIT_DEBUG + 1;
    }
    if (a->exception == EXC_DB && steps(v)) {
        return kvm_debug_stepped(v);
    }
    tell_kernel(v, a->exception == EXC_BP ? KVM_GUESTDBG_INJECT_BP : KVM_GUESTDBG_INJECT_DB); /* the guest's own */
    return 0;
}
