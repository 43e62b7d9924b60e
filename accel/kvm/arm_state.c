/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of an Arm vCPU, to and from the kernel: registers by number (the API, KVM_GET_ONE_REG), power, SErrors.
 *
 * What the kernel has and ArmState does not, stays in the kernel. What a pull brought is remembered, and a push sends only
 * what differs from it.
 *
 * home: the vCPU's thread, or any while it is parked.
 */
#include <errno.h>
#include <string.h>

#include "accel/kvm/kvm_arm.h"
#include "base/bits.h"
#include "base/log.h"
#include "target/arm/sysreg.h"

#define KEY_MASK 0xffffull
#define TIMER_CTL 3u /* enable, mask; the status is computed */
#define CORE(member) (KVM_REG_ARM64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(member))
#define CORE64(member) (CORE(member) | KVM_REG_SIZE_U64)
#define CORE32(member) (CORE(member) | KVM_REG_SIZE_U32)
#define CORE128(member) (CORE(member) | KVM_REG_SIZE_U128)

bool kvm_arm_reg(int vcpu, uint64_t id, void *val, bool write)
{
    struct kvm_one_reg r = {.id = id, .addr = (uintptr_t)val};

    return kvm_ioctl(vcpu, write ? KVM_SET_ONE_REG : KVM_GET_ONE_REG, &r) == 0;
}

/* One way of the whole state. */
typedef struct Way {
    KvmArmVcpu *a;
    ArmState *s;
    bool push, all; /* all: the kernel's values are not known */
} Way;

static bool is_known(const Way *w, const void *field, size_t size)
{
    size_t at = (size_t)((const char *)field - (const char *)w->s);

    return !w->all && !memcmp((const char *)&w->a->known + at, field, size);
}

static void move(Way *w, uint64_t id, void *field, void *val, size_t size)
{
    if (w->push && is_known(w, field, size)) {
        return;
    }
    if (!kvm_arm_reg(w->a->v.fd, id, val, w->push)) {
        log_mask(LOG_UNIMP, "KVM does not %s register %016" G_GINT64_MODIFIER "x of CPU %d: %s\n", w->push ? "take" : "give",
                 (guint64)id, w->a->v.cpu->index, g_strerror(errno));
    }
}

/* A register that is as wide as its field. */
static void whole(Way *w, uint64_t id, void *field, size_t size)
{
    move(w, id, field, field, size);
}

/* 64 bits of the kernel in a field of 32. */
static void narrow(Way *w, uint64_t id, uint32_t *field)
{
    uint64_t val = *field;

    move(w, id, field, &val, sizeof(*field));
    *field = (uint32_t)val;
}

/* ---- general and vector registers ---- */

static void general(Way *w)
{
    static const struct {
        uint64_t id;
        int bank;
    } spsr[] = {{CORE64(spsr[KVM_SPSR_ABT]), ARM_SPSR_ABT}, {CORE64(spsr[KVM_SPSR_UND]), ARM_SPSR_UND},
                {CORE64(spsr[KVM_SPSR_IRQ]), ARM_SPSR_IRQ}, {CORE64(spsr[KVM_SPSR_FIQ]), ARM_SPSR_FIQ}};
    ArmState *s = w->s;

    for (int i = 0; i < 31; i++) {
        whole(w, CORE64(regs.regs[i]), &s->x[i], 8);
    }
    whole(w, CORE64(regs.sp), &s->sp_el[0], 8);
    whole(w, CORE64(sp_el1), &s->sp_el[1], 8);
    whole(w, CORE64(regs.pc), &s->pc, 8);
    narrow(w, CORE64(regs.pstate), &s->pstate);
    whole(w, CORE64(elr_el1), &s->elr[1], 8);
    whole(w, CORE64(spsr[KVM_SPSR_EL1]), &s->spsr[1], 8);
    for (size_t i = 0; i < ARRAY_LEN(spsr); i++) {
        narrow(w, spsr[i].id, &s->spsr_bank[spsr[i].bank]);
    }
}

/* Z, P and FFR of the longest vectors that there can be: ours are as long, and 0 beyond this processor's. */
static void scalable(Way *w)
{
    ArmState *s = w->s;

    for (int i = 0; i < KVM_ARM64_SVE_NUM_ZREGS; i++) {
        whole(w, KVM_REG_ARM64_SVE_ZREG(i, 0), s->z[i].b, sizeof(s->z[i].b));
    }
    for (int i = 0; i < KVM_ARM64_SVE_NUM_PREGS; i++) {
        whole(w, KVM_REG_ARM64_SVE_PREG(i, 0), s->p[i].b, sizeof(s->p[i].b));
    }
    whole(w, KVM_REG_ARM64_SVE_FFR(0), s->p[KVM_ARM64_SVE_NUM_PREGS].b, sizeof(s->p[0].b));
}

static void vectors(Way *w)
{
    if (w->a->sve) {
        scalable(w);
    } else {
        for (int i = 0; i < 32; i++) {
            whole(w, CORE128(fp_regs.vregs[i]), w->s->z[i].b, 16);
        }
    }
    whole(w, CORE32(fp_regs.fpsr), &w->s->fpsr, 4);
    whole(w, CORE32(fp_regs.fpcr), &w->s->fpcr, 4);
}

/* The stack pointer in use is one of the two (state.def). */
static uint64_t *current_sp(ArmState *s)
{
    return &s->sp_el[(s->pstate & PSTATE_NRW) || !(s->pstate & PSTATE_SPSEL) ? 0 : 1];
}

/* ---- system registers ---- */

static const struct {
    uint16_t key, slot;
} slots[] = {
#define R(name, op0, op1, crn, crm, op2, reset, help) {ARM_KEY_##name, ARM_SR_##name},
#include "target/arm/sysreg.def"
#undef R
};

/* The field that keeps it; NULL: none, or it is the running counter. */
static uint64_t *sysreg_field(ArmState *s, uint64_t id)
{
    uint64_t fixed = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG;

    if (id == KVM_REG_ARM_TIMER_CVAL) { /* these two are numbered the wrong way round (asm/kvm.h) */
        return &s->sr[ARM_SR_CNTV_CVAL_EL0];
    }
    if ((id & ~KEY_MASK) != fixed || id == KVM_REG_ARM_TIMER_CNT || !(id & KEY_MASK)) {
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(slots); i++) {
        if (slots[i].key == (id & KEY_MASK)) {
            return &s->sr[slots[i].slot];
        }
    }
    return NULL;
}

static void sysregs(Way *w)
{
    for (uint64_t i = 0; i < w->a->list->n; i++) {
        uint64_t *field = sysreg_field(w->s, w->a->list->reg[i]);
        if (field) {
            whole(w, w->a->list->reg[i], field, 8);
        }
    }
    w->s->sr[ARM_SR_CNTV_CTL_EL0] &= TIMER_CTL;
    w->s->sr[ARM_SR_CNTP_CTL_EL0] &= TIMER_CTL;
}

/* ---- power, events ---- */

static void pull_rest(KvmArmVcpu *a, ArmState *s)
{
    struct kvm_mp_state mp = {0};
    struct kvm_vcpu_events ev = {0};

    if (kvm_ioctl(a->v.fd, KVM_GET_MP_STATE, &mp) == 0) {
        s->powered_off = mp.mp_state == KVM_MP_STATE_STOPPED;
        a->v.cpu->power_off = s->powered_off;
    }
    if (kvm_ioctl(a->v.fd, KVM_GET_VCPU_EVENTS, &ev) == 0) {
        s->serror_pending = ev.exception.serror_pending;
        s->serror_esr = ev.exception.serror_has_esr ? ev.exception.serror_esr : 0;
    }
    s->halted = 0; /* WFI is the kernel's, and begins again */
    s->excl_valid = 0;
}

static void push_rest(Way *w)
{
    ArmState *s = w->s;
    struct kvm_mp_state mp = {.mp_state = s->powered_off ? KVM_MP_STATE_STOPPED : KVM_MP_STATE_RUNNABLE};
    struct kvm_vcpu_events ev = {.exception = {.serror_pending = s->serror_pending,
                                               .serror_has_esr = s->serror_pending && s->serror_esr,
                                               .serror_esr = s->serror_esr}};

    if (!is_known(w, &s->powered_off, sizeof(s->powered_off)) && kvm_ioctl(w->a->v.fd, KVM_SET_MP_STATE, &mp) < 0) {
        warn_report("KVM_SET_MP_STATE of processor %d: %s", w->a->v.cpu->index, g_strerror(errno));
    }
    if (!is_known(w, &s->serror_pending, sizeof(s->serror_pending)) &&
        kvm_ioctl(w->a->v.fd, KVM_SET_VCPU_EVENTS, &ev) < 0) {
        warn_report("KVM_SET_VCPU_EVENTS of processor %d: %s", w->a->v.cpu->index, g_strerror(errno));
    }
}

/* ---- the whole ---- */

static void remember(KvmArmVcpu *a, const ArmState *s)
{
    a->known = *s;
    a->v.known_valid = true;
}

void kvm_arm_pull(Cpu *cpu)
{
    KvmArmVcpu *a = kvm_arm_vcpu(cpu);
    Way w = {.a = a, .s = cpu->state};

    kvm_finish_io(&a->v);
    if (a->v.known_valid) {
        return; /* it did not run since */
    }
    general(&w);
    vectors(&w);
    sysregs(&w);
    pull_rest(a, w.s);
    w.s->sp = *current_sp(w.s);
    remember(a, w.s);
}

void kvm_arm_push(Cpu *cpu)
{
    KvmArmVcpu *a = kvm_arm_vcpu(cpu);
    Way w = {.a = a, .s = cpu->state, .push = true, .all = !a->v.known_valid};

    a->v.io_pending = false;
    *current_sp(w.s) = w.s->sp;
    sysregs(&w);
    vectors(&w);
    general(&w);
    push_rest(&w);
    remember(a, w.s);
}

void kvm_arm_reset(Cpu *cpu)
{
    KvmArmVcpu *a = kvm_arm_vcpu(cpu);
    Way w = {.a = a, .s = cpu->state};

    a->v.io_pending = false;
    if (kvm_ioctl(a->v.fd, KVM_ARM_VCPU_INIT, &a->init) < 0) {
        warn_report("KVM_ARM_VCPU_INIT of processor %d: %s", cpu->index, g_strerror(errno));
    }
    sysregs(&w);
    a->v.known_valid = false;
}

uint64_t kvm_arm_pc(KvmVcpu *v)
{
    uint64_t pc = 0;

    kvm_arm_reg(v->fd, CORE64(regs.pc), &pc, false);
    return pc;
}
