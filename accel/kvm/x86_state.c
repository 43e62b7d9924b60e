/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of an x86 vCPU, to and from the kernel (the API: KVM_GET_REGS, KVM_GET_SREGS2, KVM_GET_VCPU_EVENTS,
 * KVM_GET_DEBUGREGS, KVM_GET_XCRS and their counterparts).
 *
 * X86State is the truth for what the kernel does not keep: halts and waiting for a start-up IPI, unless the local APICs are
 * there; system management mode, unless the kernel has it (smm.c).
 * What a pull brought is remembered, and a push sends only what differs from it: after one instruction of the translator
 * that is little, and some registers (kvmclock's) act when they are written.
 *
 * home: the vCPU's thread, or any while it is parked.
 */
#include <errno.h>
#include <string.h>

#include "accel/kvm/kvm.h"
#include "base/log.h"
#include "target/i386/state.h"

#define FLAG_IF (1u << 9)
#define CR0_PG (1u << 31)
#define CR4_PAE (1u << 5)
#define EFER_LMA (1u << 10)
#define VECTOR_UD 6
#define VECTOR_PF 14

/* A failure here is the kernel refusing our state: said once a call, and the guest goes on with what was taken. */
static bool vcpu_ioctl(KvmVcpu *v, unsigned long request, void *arg, const char *name)
{
    if (kvm_ioctl(v->fd, request, arg) < 0) {
        warn_report("%s of processor %d: %s", name, v->cpu->index, g_strerror(errno));
        return false;
    }
    return true;
}
#define VCPU(v, request, arg) vcpu_ioctl(v, request, arg, #request)

/* ---- general registers ---- */

/* Are the registers of the shared page the vCPU's: after KVM_RUN, or waiting for it to take them? */
static bool regs_in_page(const KvmVcpu *v)
{
    return v->synced || (v->run->kvm_dirty_regs & KVM_SYNC_X86_REGS);
}

/* kvm_regs names them; its order is not the instruction set's. */
static void each_register(struct kvm_regs *r, uint64_t *gpr, bool to_kvm)
{
    __u64 *in_order[16] = {&r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp, &r->rsi, &r->rdi,
                           &r->r8,  &r->r9,  &r->r10, &r->r11, &r->r12, &r->r13, &r->r14, &r->r15};

    for (int i = 0; i < 16; i++) {
        if (to_kvm) {
            *in_order[i] = gpr[i];
        } else {
            gpr[i] = *in_order[i];
        }
    }
}

static void pull_regs(KvmVcpu *v, X86State *s)
{
    struct kvm_regs r = v->run->s.regs.regs;

    if (regs_in_page(v) || VCPU(v, KVM_GET_REGS, &r)) {
        each_register(&r, s->gpr, false);
        s->rip = r.rip;
        s->rflags = r.rflags;
    }
}

static void push_regs(KvmVcpu *v, X86State *s)
{
    struct kvm_regs r = {.rip = s->rip, .rflags = s->rflags | 2};

    each_register(&r, s->gpr, true);
    if (v->km->sync_regs) { /* the next KVM_RUN takes them along */
        v->run->s.regs.regs = r;
        v->run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
    } else {
        VCPU(v, KVM_SET_REGS, &r);
    }
}

void kvm_flush_regs(KvmVcpu *v)
{
    if (v->run->kvm_dirty_regs & KVM_SYNC_X86_REGS) {
        v->run->kvm_dirty_regs &= ~(uint64_t)KVM_SYNC_X86_REGS;
        VCPU(v, KVM_SET_REGS, &v->run->s.regs.regs);
    }
}

/* ---- segments, control registers ---- */

static struct kvm_segment to_segment(const X86Seg *s)
{
    return (struct kvm_segment){
        .base = s->base,
        .limit = s->limit,
        .selector = s->sel,
        .type = s->attr & SEG_TYPE,
        .s = (s->attr & SEG_S) != 0,
        .dpl = s->attr >> SEG_DPL_SHIFT & 3,
        .present = (s->attr & SEG_P) != 0,
        .avl = s->attr >> 12 & 1,
        .l = (s->attr & SEG_L) != 0,
        .db = (s->attr & SEG_DB) != 0,
        .g = (s->attr & SEG_G) != 0,
        .unusable = (s->attr & SEG_UNUSABLE) || !(s->attr & SEG_P),
    };
}

static X86Seg from_segment(const struct kvm_segment *k)
{
    return (X86Seg){
        .sel = k->selector,
        .base = k->base,
        .limit = k->limit,
        .attr = (k->type & SEG_TYPE) | (k->s ? SEG_S : 0) | (k->dpl & 3u) << SEG_DPL_SHIFT |
                (k->present ? SEG_P : 0) | (k->avl & 1u) << 12 | (k->l ? SEG_L : 0) | (k->db ? SEG_DB : 0) |
                (k->g ? SEG_G : 0) | (k->unusable ? SEG_UNUSABLE : 0),
    };
}

static bool pae_paging(const X86State *s)
{
    return (s->cr0 & CR0_PG) && (s->cr4 & CR4_PAE) && !(s->efer & EFER_LMA);
}

/* kvm_sregs2 begins as kvm_sregs does, up to apic_base. */
G_STATIC_ASSERT(offsetof(struct kvm_sregs, apic_base) == offsetof(struct kvm_sregs2, apic_base));

static bool get_sregs(KvmVcpu *v, struct kvm_sregs2 *r)
{
    struct kvm_sregs old;

    memset(r, 0, sizeof(*r));
    if (v->synced) {
        const struct kvm_sregs *got = &v->run->s.regs.sregs;
        memcpy(r, got, offsetof(struct kvm_sregs, interrupt_bitmap));
        if (!(got->cr0 & CR0_PG) || !(got->cr4 & CR4_PAE) || (got->efer & EFER_LMA)) {
            return true;
        } /* the pointers of PAE paging are not among them */
    }
    if (v->km->sregs2) {
        return VCPU(v, KVM_GET_SREGS2, r);
    }
    bool ok = VCPU(v, KVM_GET_SREGS, &old);
    memcpy(r, &old, offsetof(struct kvm_sregs, interrupt_bitmap));
    return ok;
}

static void set_sregs(KvmVcpu *v, struct kvm_sregs2 *r)
{
    struct kvm_sregs old = {0};

    if (v->km->sregs2) {
        VCPU(v, KVM_SET_SREGS2, r);
    } else { /* events that are being delivered come with KVM_SET_VCPU_EVENTS */
        memcpy(&old, r, offsetof(struct kvm_sregs, interrupt_bitmap));
        VCPU(v, KVM_SET_SREGS, &old);
    }
}

static const uint8_t segment_order[S_COUNT] = {S_CS, S_DS, S_ES, S_FS, S_GS, S_SS};

static void pull_sregs(KvmVcpu *v, X86State *s)
{
    struct kvm_sregs2 r;

    if (!get_sregs(v, &r)) {
        return;
    }
    const struct kvm_segment *seg = &r.cs; /* cs, ds, es, fs, gs, ss, tr, ldt */
    for (int i = 0; i < S_COUNT; i++) {
        s->seg[segment_order[i]] = from_segment(&seg[i]);
    }
    s->tr = from_segment(&r.tr);
    s->ldt = from_segment(&r.ldt);
    s->gdt_base = r.gdt.base;
    s->gdt_limit = r.gdt.limit;
    s->idt_base = r.idt.base;
    s->idt_limit = r.idt.limit;
    s->cr0 = r.cr0;
    s->cr2 = r.cr2;
    s->cr3 = r.cr3;
    s->cr4 = r.cr4;
    s->efer = r.efer;
    v->cr8 = r.cr8;
    v->apic_base = r.apic_base;
    if (r.flags & KVM_SREGS2_FLAGS_PDPTRS_VALID) {
        memcpy(s->pdpte, r.pdptrs, sizeof(s->pdpte));
    }
}

static uint64_t controller_register(const Cpu *cpu, uint32_t reg)
{
    uint64_t val = 0;

    if (cpu->intc && cpu->intc->sysreg_read) {
        cpu->intc->sysreg_read(cpu->intc_opaque, reg, &val);
    }
    return val;
}

static void push_sregs(KvmVcpu *v, const X86State *s)
{
    bool lent = v->km->lent;
    struct kvm_sregs2 r = {
        .tr = to_segment(&s->tr), .ldt = to_segment(&s->ldt),
        .gdt = {.base = s->gdt_base, .limit = s->gdt_limit}, .idt = {.base = s->idt_base, .limit = s->idt_limit},
        .cr0 = s->cr0, .cr2 = s->cr2, .cr3 = s->cr3, .cr4 = s->cr4, .efer = s->efer,
        .cr8 = lent ? v->cr8 : controller_register(v->cpu, X86_INTC_CR8),
        .apic_base = lent ? v->apic_base : controller_register(v->cpu, X86_INTC_APICBASE),
    };
    struct kvm_segment *seg = &r.cs;

    for (int i = 0; i < S_COUNT; i++) {
        seg[i] = to_segment(&s->seg[segment_order[i]]);
    }
    if (pae_paging(s)) {
        r.flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
        memcpy(r.pdptrs, s->pdpte, sizeof(s->pdpte));
    }
    set_sregs(v, &r);
}

void kvm_push_apic_base(KvmVcpu *v)
{
    struct kvm_sregs2 r;

    if (get_sregs(v, &r)) {
        r.apic_base = controller_register(v->cpu, X86_INTC_APICBASE);
        set_sregs(v, &r);
    }
}

/* ---- events ---- */

/*
 * INT3 and INTO that were being delivered are executed again instead: their address is still the instruction pointer.
 */
static void pull_exception(const struct kvm_vcpu_events *ev, X86State *s)
{
    bool soft = ev->exception.nr == 3 || ev->exception.nr == 4;

    s->exc_pending = (ev->exception.injected || ev->exception.pending) && !soft;
    s->exc_vector = s->exc_pending ? ev->exception.nr : 0;
    s->exc_has_err = s->exc_pending && ev->exception.has_error_code;
    s->exc_err = s->exc_has_err ? ev->exception.error_code : 0;
    s->exc_soft = 0;
    s->exc_addr = s->exc_pending && s->exc_vector == VECTOR_PF ? s->cr2 : 0;
    s->exc_next_ip = 0;
}

static void pull_events(KvmVcpu *v, X86State *s)
{
    struct kvm_vcpu_events ev = v->run->s.regs.events;

    if (!v->synced && !VCPU(v, KVM_GET_VCPU_EVENTS, &ev)) {
        return;
    }
    pull_exception(&ev, s);
    s->int_injected = ev.interrupt.injected && !ev.interrupt.soft;
    s->int_vector = s->int_injected ? ev.interrupt.nr : 0;
    s->int_shadow = ev.interrupt.shadow & KVM_X86_SHADOW_INT_MOV_SS ? 2
                    : ev.interrupt.shadow & KVM_X86_SHADOW_INT_STI  ? 1
                                                                    : 0;
    s->nmi_masked = ev.nmi.masked;
    s->nmi_pending = ev.nmi.pending || ev.nmi.injected;
    kvm_pull_smm(v, &ev, s);
}

static void push_events(KvmVcpu *v, const X86State *s)
{
    struct kvm_vcpu_events ev = {
        /* Not asked for by KVM_CAP_INTR_SHADOW: kernels that take the shadow do not tell of it there. */
        .flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW,
        .exception = {.injected = s->exc_pending, .nr = s->exc_vector, .has_error_code = s->exc_has_err,
                      .error_code = s->exc_err},
        .interrupt = {.injected = s->int_injected, .nr = s->int_vector,
                      .shadow = s->int_shadow == 2   ? KVM_X86_SHADOW_INT_MOV_SS
                                : s->int_shadow == 1 ? KVM_X86_SHADOW_INT_STI
                                                     : 0},
        .nmi = {.masked = s->nmi_masked, .pending = s->nmi_pending},
    };

    bool moves = v->km->smm && (!v->known_valid || s->smm != v->known->smm);
    if (moves) { /* what waits in the kernel goes back as it was, and nobody sends more meanwhile */
        kvm_hold(v->km);
        kvm_push_smm(v, s, &ev);
    }
    VCPU(v, KVM_SET_VCPU_EVENTS, &ev);
    if (moves) {
        kvm_release(v->km);
    }
}

/* ---- halts, waiting for a start-up IPI ---- */

/* First of all: the kernel does now what INIT and a start-up IPI that wait there do. */
static void pull_wait(KvmVcpu *v, X86State *s)
{
    struct kvm_mp_state mp = {.mp_state = KVM_MP_STATE_RUNNABLE};

    if (v->km->irqchip == KVM_IRQCHIP_OFF) {
        return;
    }
    if (!v->synced || v->run->exit_reason != KVM_EXIT_INTERNAL_ERROR) { /* where it failed, it ran */
        VCPU(v, KVM_GET_MP_STATE, &mp);
        v->synced = false;
    }
    s->halted = mp.mp_state == KVM_MP_STATE_HALTED;
    s->wait_sipi = mp.mp_state == KVM_MP_STATE_UNINITIALIZED || mp.mp_state == KVM_MP_STATE_INIT_RECEIVED;
    if (s->wait_sipi) {
        v->run->kvm_dirty_regs = 0;
    }
}

static void push_wait(KvmVcpu *v, const X86State *s, const X86State *k)
{
    struct kvm_mp_state mp = {.mp_state = s->wait_sipi ? KVM_MP_STATE_INIT_RECEIVED
                                          : s->halted  ? KVM_MP_STATE_HALTED
                                                       : KVM_MP_STATE_RUNNABLE};

    if (v->km->irqchip != KVM_IRQCHIP_OFF &&
        (!v->known_valid || s->halted != k->halted || s->wait_sipi != k->wait_sipi)) {
        VCPU(v, KVM_SET_MP_STATE, &mp);
    }
}

/* ---- debug registers, XCR0 ---- */

static void pull_rest(KvmVcpu *v, X86State *s)
{
    struct kvm_debugregs d;
    struct kvm_xcrs x;

    if (VCPU(v, KVM_GET_DEBUGREGS, &d)) {
        memcpy(s->dr, d.db, sizeof(d.db));
        s->dr[6] = d.dr6;
        s->dr[7] = d.dr7;
    }
    if (VCPU(v, KVM_GET_XCRS, &x)) {
        for (uint32_t i = 0; i < x.nr_xcrs; i++) {
            s->xcr0 = x.xcrs[i].xcr == 0 ? x.xcrs[i].value : s->xcr0;
        }
    }
}

static void push_debug(KvmVcpu *v, const X86State *s)
{
    struct kvm_debugregs d = {.dr6 = s->dr[6], .dr7 = s->dr[7]};

    memcpy(d.db, s->dr, sizeof(d.db));
    VCPU(v, KVM_SET_DEBUGREGS, &d);
}

static void push_xcr0(KvmVcpu *v, const X86State *s)
{
    struct kvm_xcrs x = {.nr_xcrs = 1, .xcrs = {{.xcr = 0, .value = s->xcr0}}};

    VCPU(v, KVM_SET_XCRS, &x);
}

/* ---- the whole ---- */

#define DIFFERS(from, to)                                                                                       \
    (!v->known_valid || memcmp((const char *)s + offsetof(X86State, from), (const char *)k + offsetof(X86State, from), \
                               offsetof(X86State, to) - offsetof(X86State, from)))

void kvm_pull(Cpu *cpu)
{
    KvmVcpu *v = kvm_vcpu(cpu);
    X86State *s = cpu->state;

    kvm_finish_io(v);
    if (v->known_valid) {
        return; /* it did not run since: cpu->state is as it was pulled or pushed */
    }
    pull_wait(v, s);
    pull_regs(v, s);
    pull_sregs(v, s);
    pull_events(v, s);
    pull_rest(v, s);
    kvm_pull_fpu(v, s);
    kvm_pull_msrs(v, s);
    kvm_pull_tsc(v, s);
    memcpy(v->known, s, v->state_bytes);
    v->known_valid = true;
    v->synced = false;
}

/* An interrupt can be injected at once if that is so of the state that was pushed. An APIC in the kernel has a say in it. */
static void guess_ready(KvmVcpu *v, const X86State *s)
{
    v->run->if_flag = (s->rflags & FLAG_IF) != 0;
    v->door_stale = v->km->lent;
    v->run->ready_for_interrupt_injection =
        (s->rflags & FLAG_IF) && !s->int_shadow && !s->exc_pending && !s->int_injected;
}

void kvm_push(Cpu *cpu)
{
    KvmVcpu *v = kvm_vcpu(cpu);
    X86State *s = cpu->state, *k = v->known;

    v->io_pending = v->synced = false;
    if (DIFFERS(xcr0, dr)) {
        push_xcr0(v, s);
    }
    if (DIFFERS(seg, xcr0) || DIFFERS(efer, star)) {
        push_sregs(v, s);
    }
    kvm_push_msrs(v, s);
    if (!v->known_valid || memcmp(&s->fx, &k->fx, v->state_bytes - offsetof(X86State, fx)) || s->pkru != k->pkru) {
        kvm_push_fpu(v, s);
    }
    if (DIFFERS(dr, efer)) {
        push_debug(v, s);
    }
    push_regs(v, s);
    if (s->smm) {
        push_wait(v, s, k); /* the kernel knows no such mode in a processor that waits for a start-up IPI, nor the other way */
    }
    if (DIFFERS(int_shadow, ferr)) { /* smm is among them */
        push_events(v, s);
    }
    if (!v->known_valid || v->tsc_stale || s->tsc_offset != k->tsc_offset) {
        v->tsc_stale = false;
        kvm_push_tsc(v, s);
    }
    if (!s->smm) {
        push_wait(v, s, k);
    }
    memcpy(k, s, v->state_bytes);
    v->known_valid = true;
    guess_ready(v, s);
}

/* ---- what the loop asks ---- */

void kvm_publish_halt(KvmVcpu *v)
{
    X86State *s = v->cpu->state;

    pull_events(v, s);
    s->rflags = (s->rflags & ~(uint64_t)FLAG_IF) | (v->run->if_flag ? FLAG_IF : 0);
    s->halted = 1;
}

bool kvm_halted(const KvmVcpu *v)
{
    const X86State *s = v->cpu->state;

    return s->halted || s->wait_sipi;
}

void kvm_wake(KvmVcpu *v)
{
    X86State *s = v->cpu->state;

    s->halted = 0;
}

void kvm_drop_exception(KvmVcpu *v)
{
    X86State *s = v->cpu->state;

    if (s->exc_pending && s->exc_vector == VECTOR_UD) {
        s->exc_pending = 0; /* the push sees the difference */
    }
}

bool kvm_needs_assist(const KvmVcpu *v)
{
    const X86State *s = v->cpu->state;

    /* An INIT that waits for the end of SMM is the translator's, and with it what is in between. */
    bool smm = s->smm && (!v->km->smm || (cpu_requests(v->cpu) & CPU_REQ_INIT));

    return smm || s->svm_guest || !s->gif;
}

uint64_t kvm_pc(KvmVcpu *v)
{
    struct kvm_regs r = v->run->s.regs.regs;

    return regs_in_page(v) || VCPU(v, KVM_GET_REGS, &r) ? r.rip : 0;
}
