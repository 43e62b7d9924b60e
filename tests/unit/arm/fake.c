/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tcg_* port for tests (fake.h). These definitions take the place of the translator's in the test programs.
 */
#include <stdlib.h>
#include <string.h>
#include <glib.h>
#include "core/machine.h"
#include "target/arm/state.h"
#include "tests/unit/arm/fake.h"

static Fake *fake(void *env)
{
    return env;
}

Cpu *tcg_cpu(void *env)
{
    return &fake(env)->cpu;
}

void tcg_raise(void *env)
{
    longjmp(fake(env)->jmp, 1);
}

void tcg_tlb_flush_space(void *env, uint32_t space)
{
    fake(env)->flushed |= space;
}

void tcg_tlb_flush_space_nonglobal(void *env, uint32_t space)
{
    fake(env)->flushed_nonglobal |= space;
}

void tcg_tlb_flush_space_page(void *env, uint32_t space, uint64_t va)
{
    Fake *f = fake(env);

    f->first_page = f->pages++ ? f->first_page : va;
    f->last_page = va;
}

void tcg_tlb_context(void *env, uint32_t space, uint64_t id, bool keep)
{
    Fake *f = fake(env);

    f->context_space = space;
    f->context = id;
    f->context_kept = keep;
}

void tcg_tlb_flush_context(void *env, uint32_t space, uint64_t id)
{
    fake(env)->dropped = id;
}

void tcg_tlb_forget_contexts(void *env, uint32_t space)
{
    fake(env)->forgotten = true;
}

void tcg_tlb_others(void *env, TcgTlbFn *fn, uint64_t a, uint64_t b)
{
    fake(env)->others = fn;
    fake(env)->others_a = a;
    fake(env)->others_b = b;
}

bool tcg_tlb_others_done(void *env)
{
    return !fake(env)->others;
}

void tcg_poll(void *env)
{
    fake(env)->polls++;
}

void tcg_mode_changed(void *env)
{
}

uint64_t tcg_phys_load(void *env, hwaddr pa, unsigned size)
{
    return pa <= FAKE_RAM - 8 ? ld_le_n(fake(env)->ram + pa, size) : ~0ull;
}

void tcg_phys_store(void *env, hwaddr pa, uint64_t val, unsigned size)
{
    if (pa <= FAKE_RAM - 8) {
        st_le_n(fake(env)->ram + pa, size, val);
    }
}

uint8_t *tcg_phys_page(void *env, hwaddr pa, bool write)
{
    return pa <= FAKE_RAM - 4096 ? fake(env)->ram + pa : NULL;
}

bool tcg_phys_cmpxchg(void *env, hwaddr pa, unsigned size, uint64_t old, uint64_t val)
{
    Fake *f = fake(env);

    if (tcg_phys_load(env, pa, size) != old) {
        return false;
    }
    if (f->fight) {
        f->fight--;
        tcg_phys_store(env, pa, old ^ 1ull << 55, size); /* a bit for software */
        return false;
    }
    tcg_phys_store(env, pa, val, size);
    return true;
}

MemResult address_space_load(AddressSpace *as, hwaddr addr, MemAttrs attrs, unsigned size, uint64_t *v)
{
    return MEM_DECODE_ERROR;
}

bool address_space_peek(AddressSpace *as, hwaddr addr, void *buf, uint64_t len)
{
    const Fake *f = (const void *)as;

    if (addr > FAKE_RAM - len) {
        return false;
    }
    memcpy(buf, f->ram + addr, len);
    return true;
}

/* ---- the processor ---- */

void fake_feature(Fake *f, ArmFeature feature, bool on)
{
    uint64_t bit = 1ull << feature % 64;
    uint64_t *word = &f->priv.config.features[feature / 64];

    *word = on ? *word | bit : *word & ~bit;
}

void fake_reset(Fake *f)
{
    memset(f->ram, 0, FAKE_RAM);
    memset(f->priv.config.features, 0xff, sizeof(f->priv.config.features));
    f->priv.config.aarch64 = true;
    f->priv.config.pa_bits = 48;
    f->priv.config.sve_vq_max = 1;
    f->priv.config.sve_vq_map = 1;
    memset(&f->env.fault, 0, sizeof(f->env.fault));
    arm_state_reset(&f->env.s);
    f->env.s.sr[ARM_SR_SCR_EL3] = SCR_NS | SCR_RW;
    f->env.s.sr[ARM_SR_HCR_EL2] = HCR_RW;
    f->env.tlb_tagged = false;
    f->fight = 0;
    fake_el(f, 1);
    fake_forget(f);
}

void fake_forget(Fake *f)
{
    f->flushed = f->flushed_nonglobal = 0;
    f->pages = 0;
    f->others = NULL;
    f->context = f->dropped = ~0ull;
    f->context_space = 0;
    f->forgotten = false;
}

void fake_el(Fake *f, unsigned el)
{
    f->env.s.pstate = el << PSTATE_EL_SHIFT | (el ? PSTATE_SPSEL : 0);
    arm_update_mode(&f->env);
}

void fake_a32(Fake *f)
{
    f->priv.config.aarch64 = false;
    f->env.s.pstate = PSTATE_NRW | ARM_MODE_SVC;
    arm_update_mode(&f->env);
}

Fake *fake_new(void)
{
    Fake *f = aligned_alloc(64, (sizeof(Fake) + 63) & ~63u);

    memset(f, 0, sizeof(*f));
    f->ram = g_malloc0(FAKE_RAM);
    f->cpu.target_priv = &f->priv;
    f->cpu.mem = f->cpu.plain_mem = (AddressSpace *)f;
    f->cpu.state = &f->env.s;
    f->cpu.machine = (Machine *)f;
    f->env.cpu = &f->cpu;
    f->env.priv = &f->priv;
    f->env.config = &f->priv.config;
    fake_reset(f);
    return f;
}

void fake_free(Fake *f)
{
    g_free(f->ram);
    free(f);
}

bool fake_raises(Fake *f, void (*fn)(Fake *f))
{
    if (setjmp(f->jmp) == 0) {
        fn(f);
        return false;
    }
    return true;
}

/* ---- what else a processor needs of its machine: a clock, a lock, itself ---- */

int64_t clock_ns(Machine *m, ClockId id)
{
    return ((Fake *)m)->now;
}

void machine_lock(Machine *m)
{
}

void machine_unlock(Machine *m)
{
}

bool machine_locked(Machine *m)
{
    return true;
}

int machine_cpu_count(Machine *m)
{
    return 1;
}

Cpu *machine_cpu(Machine *m, int index)
{
    return index == 0 ? &((Fake *)m)->cpu : NULL;
}

void machine_request_shutdown(Machine *m, ShutdownCause cause)
{
    ((Fake *)m)->ended = 1;
}

void machine_request_reset(Machine *m, ShutdownCause cause)
{
    ((Fake *)m)->ended = 2;
}

void timer_init(Timer *t, Machine *m, ClockId clock, void (*fn)(void *), void *opaque)
{
    *t = (Timer){.machine = m, .fn = fn, .opaque = opaque, .deadline = TIMER_NEVER};
}

void timer_fini(Timer *t)
{
}

void timer_arm(Timer *t, int64_t deadline_ns)
{
    t->deadline = deadline_ns;
}

void timer_disarm(Timer *t)
{
    t->deadline = TIMER_NEVER;
}

void tcg_watch(void *env, bool on)
{
    fake(env)->watched = on;
}

void tcg_exit(void *env, Exit why)
{
    longjmp(fake(env)->jmp, 2);
}

void cpu_request(Cpu *cpu, uint32_t bits)
{
    cpu->requests |= bits;
}
