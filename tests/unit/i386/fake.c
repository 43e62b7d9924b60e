/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tcg_* port for tests (fake.h). These definitions take the place of the
 * translator's in the test programs.
 */
#include <stdlib.h>
#include <glib.h>
#include "core/machine.h"
#include "tests/unit/i386/fake.h"

static Fake *fake(void *env)
{
    return env;
}

/* ---- the port ---- */

Cpu *tcg_cpu(void *env)
{
    return &fake(env)->cpu;
}

void tcg_raise(void *env)
{
    longjmp(fake(env)->jmp, 1);
}

void tcg_exit_loop(void *env)
{
    longjmp(fake(env)->jmp, 2);
}

void tcg_exit(void *env, Exit why)
{
    longjmp(fake(env)->jmp, why == EXIT_SHUTDOWN ? 3 : 2);
}

void tcg_tlb_flush(void *env)
{
    fake(env)->flushes++;
}

void tcg_tlb_flush_nonglobal(void *env)
{
    fake(env)->flushes++;
}

void tcg_tlb_context(void *env, uint32_t space, uint64_t id, bool keep)
{
    fake(env)->flushes += !keep;
}

void tcg_tlb_flush_context(void *env, uint32_t space, uint64_t id)
{
    fake(env)->flushes++;
}

void tcg_watch(void *env, bool on)
{
}

void tcg_tlb_flush_page(void *env, uint64_t va)
{
    fake(env)->flushes++;
}

void tcg_tlb_flush_space(void *env, uint32_t space)
{
    fake(env)->flushes++;
    fake(env)->space_flushed |= space;
}

void tcg_tlb_flush_space_nonglobal(void *env, uint32_t space)
{
    tcg_tlb_flush_space(env, space);
}

void tcg_tlb_flush_space_page(void *env, uint32_t space, uint64_t va)
{
    tcg_tlb_flush_space(env, space);
}

void tcg_mode_changed(void *env)
{
}

void tcg_fpu_settle(void *env)
{
}

bool tcg_polled(void *env)
{
    return false;
}

void tcg_poll(void *env)
{
    fake(env)->polls++;
}

uint64_t tcg_phys_load(void *env, hwaddr pa, unsigned size)
{
    return pa <= FAKE_RAM - 8 ? ld_le_n(fake(env)->ram + pa, size) : width_mask(size);
}

void tcg_phys_store(void *env, hwaddr pa, uint64_t val, unsigned size)
{
    Fake *f = fake(env);

    g_assert_false(pa < f->forbid_end && pa + size > f->forbid);
    f->stores++;
    if (pa <= FAKE_RAM - 8) {
        st_le_n(f->ram + pa, size, val);
    }
}

uint8_t *tcg_phys_page(void *env, hwaddr pa, bool write)
{
    return pa <= FAKE_RAM - 4096 && !fake(env)->no_host ? fake(env)->ram + pa : NULL;
}

void tcg_phys_written(void *env, hwaddr pa, unsigned len)
{
    Fake *f = fake(env);

    g_assert_false(pa < f->forbid_end && pa + len > f->forbid);
    f->stores++;
}

bool tcg_phys_cmpxchg(void *env, hwaddr pa, unsigned size, uint64_t old, uint64_t val)
{
    if (tcg_phys_load(env, pa, size) != old) {
        return false;
    }
    tcg_phys_store(env, pa, val, size);
    return true;
}

static hwaddr translate(void *env, uint64_t va, int access, int mmu)
{
    MmuResult r;

    if (!x86_mmu_walk(env, va, access, mmu, &r)) {
        tcg_raise(env);
    }
    g_assert_true(access == MMU_READ ? r.r : access == MMU_WRITE ? r.w : r.x);
    return r.paddr | (va & 0xfff);
}

void tcg_read(void *env, uint64_t va, void *buf, size_t len, int mmu)
{
    for (size_t i = 0; i < len; i++) {
        ((uint8_t *)buf)[i] = tcg_phys_load(env, translate(env, va + i, MMU_READ, mmu), 1);
    }
}

void tcg_write(void *env, uint64_t va, const void *buf, size_t len, int mmu)
{
    tcg_probe(env, va, len, MMU_WRITE, mmu);
    for (size_t i = 0; i < len; i++) {
        tcg_phys_store(env, translate(env, va + i, MMU_WRITE, mmu), ((const uint8_t *)buf)[i], 1);
    }
}

uint64_t tcg_load(void *env, uint64_t va, unsigned size, int mmu)
{
    uint8_t b[8];

    tcg_read(env, va, b, size, mmu);
    return ld_le_n(b, size);
}

void tcg_store(void *env, uint64_t va, uint64_t val, unsigned size, int mmu)
{
    uint8_t b[8];

    st_le_n(b, size, val);
    tcg_write(env, va, b, size, mmu);
}

void tcg_probe(void *env, uint64_t va, size_t len, int access, int mmu)
{
    for (size_t i = 0; i < len; i++) {
        translate(env, va + i, access, mmu);
    }
}

void *tcg_host(void *env, uint64_t va, size_t *len, int access, int mmu)
{
    Fake *f = fake(env);
    hwaddr pa = translate(env, va, access, mmu);

    *len = MIN(*len, 4096 - (va & 4095));
    if (f->no_host || pa + *len > FAKE_RAM) {
        return NULL;
    }
    f->host_calls++;
    return f->ram + pa;
}

bool tcg_cmpxchg(void *env, uint64_t va, unsigned size, void *old, const void *val, int mmu)
{
    uint8_t now[16];
    bool same;

    tcg_probe(env, va, size, MMU_WRITE, mmu);
    tcg_read(env, va, now, size, mmu);
    same = !memcmp(now, old, size);
    if (same) {
        tcg_write(env, va, val, size, mmu);
    }
    memcpy(old, now, size);
    return same;
}

/* ---- parts of core that need a machine ---- */

void cpu_request(Cpu *cpu, uint32_t bits)
{
    cpu->requests |= bits;
}

void cpu_unrequest(Cpu *cpu, uint32_t bits)
{
    cpu->requests &= ~bits;
}

int64_t clock_ns(Machine *m, ClockId id)
{
    return 1000;
}

int machine_cpu_count(Machine *m)
{
    return 1;
}

MemResult address_space_load(AddressSpace *as, hwaddr addr, MemAttrs attrs, unsigned size, uint64_t *v)
{
    *v = 0x1122334455667788ull ^ addr;
    return MEM_OK;
}

MemResult address_space_store(AddressSpace *as, hwaddr addr, MemAttrs attrs, unsigned size, uint64_t v)
{
    return MEM_OK;
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

MemResult address_space_read(AddressSpace *as, hwaddr addr, MemAttrs attrs, void *buf, uint64_t len)
{
    return address_space_peek(as, addr, buf, len) ? MEM_OK : MEM_DECODE_ERROR;
}

MemResult address_space_write(AddressSpace *as, hwaddr addr, MemAttrs attrs, const void *buf, uint64_t len)
{
    Fake *f = (void *)as;

    if (addr > FAKE_RAM - len) {
        return MEM_DECODE_ERROR;
    }
    memcpy(f->ram + addr, buf, len);
    return MEM_OK;
}

/* ---- the processor ---- */

static int acknowledge(void *opaque)
{
    Fake *f = opaque;

    f->cpu.requests &= ~CPU_REQ_INTR;
    return f->intr_vector;
}

static bool intc_read(void *opaque, uint32_t reg, uint64_t *val)
{
    *val = reg == X86_INTC_APICBASE ? 0xfee00900 : 0;
    return true;
}

static bool intc_write(void *opaque, uint32_t reg, uint64_t val)
{
    return true;
}

static void intc_init(void *opaque)
{
    ((Fake *)opaque)->intc_inits++;
}

static const CpuIntcOps intc = {.acknowledge = acknowledge, .sysreg_read = intc_read, .sysreg_write = intc_write, .init = intc_init};
extern const TargetOps x86_target;
extern const TcgTarget x86_tcg_target;

Fake *fake_new(const char *model)
{
    Fake *f = aligned_alloc(64, (sizeof(Fake) + 63) & ~63u);
    Error *err = NULL;

    memset(f, 0, sizeof(*f));
    f->ram = g_malloc0(FAKE_RAM);
    f->cpu.state = &f->state;
    f->cpu.target = &x86_target;
    f->cpu.intc = &intc;
    f->cpu.intc_opaque = f;
    f->cpu.mem = f->cpu.plain_mem = (AddressSpace *)f;
    f->cpu.ports = (AddressSpace *)f;
    if (!x86_target.init(&f->cpu, model, &err)) {
        g_error("%s", error_message(err));
    }
    fake_reset(f);
    return f;
}

void fake_reset(Fake *f)
{
    memset(f->ram, 0, FAKE_RAM);
    x86_target.reset(&f->cpu);
    x86_tcg_target.push(&f->cpu, &f->env);
    f->space_flushed = 0;
    f->flushes = f->polls = f->stores = f->host_calls = 0;
    f->no_host = false;
    f->forbid = f->forbid_end = 0;
    f->cpu.requests = 0;
    f->intr_vector = -1;
    f->intc_inits = 0;
}

void fake_free(Fake *f)
{
    x86_target.fini(&f->cpu);
    g_free(f->ram);
    free(f);
}

Outcome fake_call(Fake *f, uint64_t (*fn)(void *, uint64_t, uint64_t, uint64_t), uint64_t a,
                  uint64_t b, uint64_t c, uint64_t *result)
{
    uint64_t r;

    switch (setjmp(f->jmp)) {
    case 0:
        r = fn(&f->env, a, b, c);
        if (result) {
            *result = r;
        }
        return DONE;
    case 1:
        g_assert_true(f->env.s.exc_pending || f->env.exit_noted || f->env.svm_inject);
        return RAISED;
    case 3:
        return SHUTDOWN;
    default:
        return EXITED;
    }
}

Outcome fake_deliver(Fake *f)
{
    volatile int rounds = 0;

    for (;;) {
        g_assert_cmpint(++rounds, <, 8); /* at most: first, second, double fault, shutdown */
        switch (setjmp(f->jmp)) {
        case 0:
            return x86_deliver(&f->env) ? DONE : SHUTDOWN;
        case 3:
            return SHUTDOWN;
        }
    }
}

Outcome fake_run(Fake *f, uint64_t (*fn)(void *, uint64_t, uint64_t, uint64_t), uint64_t a,
                 uint64_t b, uint64_t c)
{
    Outcome o = fake_call(f, fn, a, b, c, NULL);

    return o == RAISED ? fake_deliver(f) : o;
}

Outcome fake_interrupt(Fake *f)
{
    switch (setjmp(f->jmp)) {
    case 0:
        return x86_interrupt(&f->env) ? DONE : EXITED;
    case 3:
        return SHUTDOWN;
    default:
        return fake_deliver(f);
    }
}

/* ---- worlds ---- */

void fake_desc(Fake *f, unsigned sel, uint32_t base, uint32_t limit, unsigned access, unsigned flags)
{
    uint64_t at = FAKE_GDT + (sel & ~7u);

    poke32(f, at, (limit & 0xffff) | base << 16);
    poke32(f, at + 4, (base >> 16 & 0xff) | access << 8 | (limit & 0xf0000) | flags << 20 |
                          (base & 0xff000000));
}

void fake_gate(Fake *f, unsigned vector, uint16_t sel, uint32_t off, unsigned type, int dpl)
{
    poke32(f, FAKE_IDT + vector * 8, (off & 0xffff) | (uint32_t)sel << 16);
    poke32(f, FAKE_IDT + vector * 8 + 4, (off & 0xffff0000) | 0x8000 | dpl << 13 | type << 8);
}

void fake_gate64(Fake *f, unsigned vector, uint16_t sel, uint64_t off, unsigned type, int dpl, int ist)
{
    uint64_t at = FAKE_IDT + vector * 16;

    poke32(f, at, (off & 0xffff) | (uint32_t)sel << 16);
    poke32(f, at + 4, (off & 0xffff0000) | 0x8000 | dpl << 13 | type << 8 | ist);
    poke32(f, at + 8, off >> 32);
    poke32(f, at + 12, 0);
}

static void standard_gdt(Fake *f)
{
    fake_desc(f, SEL_CODE0, 0, 0xfffff, 0x9b, 0xc);
    fake_desc(f, SEL_DATA0, 0, 0xfffff, 0x93, 0xc);
    fake_desc(f, SEL_CODE3, 0, 0xfffff, 0xfb, 0xc);
    fake_desc(f, SEL_DATA3, 0, 0xfffff, 0xf3, 0xc);
    fake_desc(f, SEL_TSS, FAKE_TSS, 0x67, 0x8b, 0);
    fake_desc(f, SEL_CODE0_64, 0, 0xfffff, 0x9b, 0xa);
    fake_desc(f, SEL_DATA0_64, 0, 0xfffff, 0x93, 0xc);
    fake_desc(f, SEL_CODE3_64, 0, 0xfffff, 0xfb, 0xa);
}

static X86Seg flat(uint16_t sel, unsigned type, unsigned bits)
{
    return (X86Seg){.sel = sel, .limit = 0xffffffff,
                    .attr = SEG_P | SEG_S | SEG_G | type | bits | (sel & 3) << SEG_DPL_SHIFT};
}

static void common(Fake *f, uint16_t cs, unsigned cs_bits)
{
    X86State *s = &f->env.s;

    standard_gdt(f);
    s->gdt_base = FAKE_GDT;
    s->gdt_limit = 0xfff;
    s->idt_base = FAKE_IDT;
    s->idt_limit = 0xfff;
    s->tr = (X86Seg){.sel = SEL_TSS, .base = FAKE_TSS, .limit = 0x67, .attr = SEG_P | 0xb};
    s->ldt = (X86Seg){.attr = SEG_UNUSABLE};
    for (int i = 0; i < S_COUNT; i++) {
        s->seg[i] = i == S_CS ? flat(cs, 0xb, cs_bits) : flat(SEL_DATA0, 3, SEG_DB);
    }
    s->cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_WP;
    s->rflags = 2;
    f->env.cc = 0;
    s->rip = 0x10000;
    s->gpr[R_SP] = 0x8000;
}

void fake_protected(Fake *f)
{
    fake_reset(f);
    common(f, SEL_CODE0, SEG_DB);
    poke32(f, FAKE_TSS + 4, FAKE_STACK0);
    poke32(f, FAKE_TSS + 8, SEL_DATA0);
    x86_update_mode(&f->env);
}

void fake_long(Fake *f)
{
    X86State *s = &f->env.s;

    fake_reset(f);
    common(f, SEL_CODE0_64, SEG_L);
    poke64(f, FAKE_TSS + 4, FAKE_STACK0);
    poke64(f, 0x100000, 0x101000 | 7);
    poke64(f, 0x101000, 0x102000 | 7);
    poke64(f, 0x102000, 0x000000 | 0x87);
    poke64(f, 0x102008, 0x200000 | 0x87);
    s->cr3 = 0x100000;
    s->cr0 |= CR0_PG;
    s->cr4 = CR4_PAE;
    s->efer = EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE;
    x86_update_mode(&f->env);
}

void fake_set_cpl(Fake *f, int cpl)
{
    X86State *s = &f->env.s;
    bool wide = s->efer & EFER_LMA;

    if (cpl == 3) {
        s->seg[S_CS] = flat(wide ? SEL_CODE3_64 : SEL_CODE3, 0xb, wide ? SEG_L : SEG_DB);
        for (int i = 0; i < S_COUNT; i++) {
            if (i != S_CS) {
                s->seg[i] = flat(SEL_DATA3, 3, SEG_DB);
            }
        }
    }
    x86_update_mode(&f->env);
}
