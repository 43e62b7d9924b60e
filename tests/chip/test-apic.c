/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Local APIC (Intel SDM vol. 3, chapter 11) and I/O APIC (82093AA); named after the sections. */
#include <string.h>

#include "harness.h"
#include "hw/intc/apic.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"

#define BASE APIC_DEFAULT_BASE
enum {
    ID = 0x20,
    VERSION = 0x30,
    TPR = 0x80,
    PPR = 0xa0,
    EOI = 0xb0,
    LDR = 0xd0,
    DFR = 0xe0,
    SVR = 0xf0,
    ISR = 0x100,
    TMR = 0x180,
    IRR = 0x200,
    ESR = 0x280,
    ICR = 0x300,
    ICR_HIGH = 0x310,
    LVT_TIMER = 0x320,
    LVT_LINT0 = 0x350,
    LVT_LINT1 = 0x360,
    LVT_ERROR = 0x370,
    INITIAL = 0x380,
    CURRENT = 0x390,
    DIVIDE = 0x3e0,
};

typedef struct Bench {
    Machine *m;
    Device *bus, *pic, *ioapic;
    Device *apic[4];
    int n;
} Bench;

static int64_t tsc_is_ns(Cpu *cpu, uint64_t tsc)
{
    return tsc;
}

static void begin(Bench *b, int n)
{
    *b = (Bench){.m = bench_new(n), .n = n};
    b->bus = bench_device(b->m, NULL, "apic-bus", NULL);
    apic_bus_set_tsc(b->bus, tsc_is_ns);
    for (int i = 0; i < n; i++) {
        b->apic[i] = device_new(b->m, &apic_type, NULL, NULL);
        device_set_u64(b->apic[i], "cpu-index", i);
        device_set_ptr(b->apic[i], "bus", b->bus);
        g_assert_true(device_realize(b->apic[i], NULL));
    }
    b->pic = bench_device(b->m, NULL, "i8259", NULL);
    device_connect(b->pic, 0, apic_bus_lint0(b->bus));
    apic_bus_set_pic(b->bus, i8259_acknowledge, b->pic);
    b->ioapic = device_new(b->m, &ioapic_type, NULL, NULL);
    device_set_ptr(b->ioapic, "bus", b->bus);
    g_assert_true(device_realize(b->ioapic, NULL));
    machine_reset_devices(b->m);
}

/* The page shows the boot processor's registers to the test; the others have theirs by MSR. */
static uint32_t get(Bench *b, uint32_t reg)
{
    return bench_load(b->m, BASE + reg, 4);
}

static void set(Bench *b, uint32_t reg, uint32_t v)
{
    bench_store(b->m, BASE + reg, 4, v);
}

static bool wrmsr(Bench *b, int cpu, uint32_t msr, uint64_t v)
{
    Cpu *c = machine_cpu(b->m, cpu);
    return c->intc->sysreg_write(c->intc_opaque, msr, v);
}

static uint64_t rdmsr(Bench *b, int cpu, uint32_t msr)
{
    Cpu *c = machine_cpu(b->m, cpu);
    uint64_t v = 0xdead;
    return c->intc->sysreg_read(c->intc_opaque, msr, &v) ? v : 0xdead;
}

static bool intr(Bench *b, int cpu)
{
    return cpu_requests(machine_cpu(b->m, cpu)) & CPU_REQ_INTR;
}

static int ack(Bench *b, int cpu)
{
    Cpu *c = machine_cpu(b->m, cpu);
    return c->intc->acknowledge(c->intc_opaque);
}

static void to_x2apic(Bench *b)
{
    for (int i = 0; i < b->n; i++) {
        g_assert_true(wrmsr(b, i, 0x1b, BASE | 0xc00 | (i ? 0 : 0x100)));
        g_assert_true(wrmsr(b, i, 0x80f, 0x1ff));
    }
}

static void self_ipi(Bench *b, uint8_t vector)
{
    set(b, ICR, 0x40000 | vector);
}

static void test_reset_state(void)
{
    Bench b;

    begin(&b, 2);
    g_assert_cmphex(get(&b, ID), ==, 0);
    g_assert_cmphex(get(&b, VERSION), ==, 0x00050014);
    g_assert_cmphex(get(&b, SVR), ==, 0xff);
    g_assert_cmphex(get(&b, DFR), ==, 0xffffffff);
    g_assert_cmphex(get(&b, LVT_TIMER), ==, 0x10000);
    g_assert_cmphex(get(&b, LVT_ERROR), ==, 0x10000);
    g_assert_cmphex(rdmsr(&b, 0, 0x1b), ==, BASE | 0x900);
    g_assert_cmphex(rdmsr(&b, 1, 0x1b), ==, BASE | 0x800);
    bench_free(b.m);
}

static void test_priorities(void)
{
    Bench b;

    begin(&b, 1);
    set(&b, SVR, 0x1ff);
    self_ipi(&b, 0x51);
    g_assert_true(intr(&b, 0));
    set(&b, TPR, 0x50);
    g_assert_false(intr(&b, 0));
    g_assert_cmphex(get(&b, PPR), ==, 0x50);
    g_assert_cmphex(rdmsr(&b, 0, X86_INTC_CR8), ==, 5);
    wrmsr(&b, 0, X86_INTC_CR8, 4);
    g_assert_true(intr(&b, 0));
    g_assert_cmphex(get(&b, IRR + 0x20), ==, 1u << 17);
    g_assert_cmpint(ack(&b, 0), ==, 0x51);
    g_assert_cmphex(get(&b, ISR + 0x20), ==, 1u << 17);
    g_assert_cmphex(get(&b, PPR), ==, 0x50);
    self_ipi(&b, 0x5f); /* the same class waits */
    g_assert_false(intr(&b, 0));
    self_ipi(&b, 0x60);
    g_assert_true(intr(&b, 0));
    g_assert_cmpint(ack(&b, 0), ==, 0x60);
    set(&b, EOI, 0);
    g_assert_false(intr(&b, 0));
    set(&b, EOI, 0);
    g_assert_cmpint(ack(&b, 0), ==, 0x5f);
    g_assert_cmpint(ack(&b, 0), ==, -1);
    bench_free(b.m);
}

static void test_software_disable(void)
{
    Bench b;

    begin(&b, 1);
    self_ipi(&b, 0x40);
    g_assert_false(intr(&b, 0));
    set(&b, SVR, 0x1ff);
    set(&b, LVT_ERROR, 0xfe);
    g_assert_cmphex(get(&b, LVT_ERROR), ==, 0xfe);
    set(&b, SVR, 0xff);
    g_assert_cmphex(get(&b, LVT_ERROR), ==, 0x100fe);
    set(&b, LVT_ERROR, 0xfe);
    g_assert_cmphex(get(&b, LVT_ERROR), ==, 0x100fe);
    bench_free(b.m);
}

static void test_error_register(void)
{
    Bench b;

    begin(&b, 1);
    set(&b, SVR, 0x1ff);
    set(&b, LVT_ERROR, 0xfe);
    self_ipi(&b, 5);
    g_assert_cmpint(ack(&b, 0), ==, 0xfe);
    g_assert_cmphex(get(&b, ESR), ==, 0);
    set(&b, ESR, 0);
    g_assert_cmphex(get(&b, ESR), ==, 0x20);
    set(&b, ESR, 0);
    g_assert_cmphex(get(&b, ESR), ==, 0);
    bench_free(b.m);
}

static void test_timer(void)
{
    Bench b;

    begin(&b, 1);
    set(&b, SVR, 0x1ff);
    set(&b, DIVIDE, 3); /* by 16 */
    set(&b, LVT_TIMER, 0x30);
    set(&b, INITIAL, 1000);
    bench_step(b.m, 8000);
    g_assert_cmpuint(get(&b, CURRENT), ==, 500);
    g_assert_false(intr(&b, 0));
    bench_step(b.m, 8000);
    g_assert_cmpint(ack(&b, 0), ==, 0x30);
    g_assert_cmpuint(get(&b, CURRENT), ==, 0);
    set(&b, EOI, 0);
    bench_step(b.m, NS_PER_MS);
    g_assert_false(intr(&b, 0));
    set(&b, LVT_TIMER, 0x20031); /* periodic */
    set(&b, INITIAL, 62500);     /* 1 ms */
    for (int i = 0; i < 20; i++) {
        bench_step(b.m, NS_PER_MS);
        g_assert_cmpint(ack(&b, 0), ==, 0x31);
        set(&b, EOI, 0);
        g_assert_false(intr(&b, 0));
    }
    set(&b, DIVIDE, 0xb); /* one tick: at once, not never */
    set(&b, LVT_TIMER, 0x32);
    set(&b, INITIAL, 1);
    bench_step(b.m, 10);
    g_assert_cmpint(ack(&b, 0), ==, 0x32);
    bench_free(b.m);
}

static void test_tsc_deadline(void)
{
    Bench b;

    begin(&b, 1);
    set(&b, SVR, 0x1ff);
    wrmsr(&b, 0, 0x6e0, 5000);
    g_assert_cmphex(rdmsr(&b, 0, 0x6e0), ==, 0); /* ignored in other modes */
    set(&b, LVT_TIMER, 0x40033);
    wrmsr(&b, 0, 0x6e0, clock_ns(b.m, CLOCK_VIRTUAL) + 5000);
    bench_step(b.m, 4999);
    g_assert_false(intr(&b, 0));
    bench_step(b.m, 2);
    g_assert_cmpint(ack(&b, 0), ==, 0x33);
    g_assert_cmphex(rdmsr(&b, 0, 0x6e0), ==, 0);
    wrmsr(&b, 0, 0x6e0, 1); /* in the past */
    set(&b, EOI, 0);
    bench_step(b.m, 1);
    g_assert_cmpint(ack(&b, 0), ==, 0x33);
    bench_free(b.m);
}

static void test_shorthands(void)
{
    Bench b;

    begin(&b, 3);
    to_x2apic(&b);
    g_assert_true(wrmsr(&b, 1, 0x830, 0x80000 | 0x50)); /* all including self */
    for (int i = 0; i < 3; i++) {
        g_assert_cmpint(ack(&b, i), ==, 0x50);
        wrmsr(&b, i, 0x80b, 0);
    }
    wrmsr(&b, 1, 0x830, 0xc0000 | 0x51);
    g_assert_true(intr(&b, 0));
    g_assert_false(intr(&b, 1));
    g_assert_true(intr(&b, 2));
    wrmsr(&b, 1, 0x83f, 0x52);
    g_assert_cmpint(ack(&b, 1), ==, 0x52);
    bench_free(b.m);
}

static void test_destinations(void)
{
    Bench b;

    begin(&b, 4);
    set(&b, SVR, 0x1ff);
    to_x2apic(&b);
    wrmsr(&b, 0, 0x830, 2ull << 32 | 0x60); /* physical */
    g_assert_false(intr(&b, 1));
    g_assert_cmpint(ack(&b, 2), ==, 0x60);
    wrmsr(&b, 2, 0x80b, 0);
    g_assert_cmphex(rdmsr(&b, 3, 0x80d), ==, 8);
    wrmsr(&b, 0, 0x830, 0xaull << 32 | 0x800 | 0x61); /* logical: 1 and 3 */
    g_assert_cmpint(ack(&b, 1), ==, 0x61);
    g_assert_false(intr(&b, 2));
    g_assert_cmpint(ack(&b, 3), ==, 0x61);
    wrmsr(&b, 1, 0x808, 0x20);
    wrmsr(&b, 1, 0x80b, 0);
    wrmsr(&b, 3, 0x80b, 0);
    wrmsr(&b, 0, 0x830, 0xaull << 32 | 0x900 | 0x62); /* lowest priority of 1 and 3 */
    g_assert_false(intr(&b, 1));
    g_assert_cmpint(ack(&b, 3), ==, 0x62);
    bench_free(b.m);
}

static void test_logical_flat_and_cluster(void)
{
    Bench b;
    ApicMessage msg = {.logical = true, .vector = 0x70, .dest = 0x02};

    begin(&b, 1);
    set(&b, SVR, 0x1ff);
    set(&b, LDR, 0x02000000);
    apic_bus_send(b.bus, &msg);
    g_assert_cmpint(ack(&b, 0), ==, 0x70);
    set(&b, EOI, 0);
    set(&b, DFR, 0x0fffffff);
    set(&b, LDR, 0x32000000);
    apic_bus_send(b.bus, &msg);
    g_assert_false(intr(&b, 0));
    msg.dest = 0x33;
    apic_bus_send(b.bus, &msg);
    g_assert_cmpint(ack(&b, 0), ==, 0x70);
    set(&b, EOI, 0);
    msg = (ApicMessage){.dest = 0xff, .vector = 0x71}; /* broadcast */
    apic_bus_send(b.bus, &msg);
    g_assert_cmpint(ack(&b, 0), ==, 0x71);
    bench_free(b.m);
}

static void test_init_sipi_nmi(void)
{
    Bench b;

    begin(&b, 2);
    set(&b, ICR_HIGH, 1 << 24);
    set(&b, ICR, 0x4500);
    g_assert_true(cpu_requests(machine_cpu(b.m, 1)) & CPU_REQ_INIT);
    cpu_unrequest(machine_cpu(b.m, 1), CPU_REQ_INIT);
    set(&b, ICR, 0x8500); /* INIT level de-assert does nothing */
    g_assert_false(cpu_requests(machine_cpu(b.m, 1)) & CPU_REQ_INIT);
    set(&b, ICR, 0x4600 | 0x9a);
    g_assert_true(cpu_requests(machine_cpu(b.m, 1)) & CPU_REQ_SIPI);
    set(&b, ICR, 0x4600 | 0x9b); /* comes late */
    g_assert_cmphex(machine_cpu(b.m, 1)->sipi_vector, ==, 0x9a);
    set(&b, ICR, 0x4500); /* all anew */
    g_assert_false(cpu_requests(machine_cpu(b.m, 1)) & CPU_REQ_SIPI);
    set(&b, ICR, 0x4600 | 0x9c);
    g_assert_cmphex(machine_cpu(b.m, 1)->sipi_vector, ==, 0x9c);
    set(&b, ICR, 0x4400);
    g_assert_true(cpu_requests(machine_cpu(b.m, 1)) & CPU_REQ_NMI);
    g_assert_cmphex(get(&b, ICR) & 0x1000, ==, 0); /* delivered */
    bench_free(b.m);
}

/* 11.4.7.3: the processor executes an INIT, which may wait, and only then the APIC is as after power-on; but ID and base. */
static void test_init_state(void)
{
    Bench b;

    begin(&b, 2);
    to_x2apic(&b);
    Cpu *c = machine_cpu(b.m, 1);
    wrmsr(&b, 1, 0x80f, 0x1ff);
    wrmsr(&b, 1, 0x808, 0x20);
    wrmsr(&b, 1, 0x836, 0x400);
    wrmsr(&b, 0, 0x830, (uint64_t)c->arch_id << 32 | 0x62);
    g_assert_true(intr(&b, 1));
    wrmsr(&b, 0, 0x830, (uint64_t)c->arch_id << 32 | 0x4500);
    g_assert_true(cpu_requests(c) & CPU_REQ_INIT);
    g_assert_true(intr(&b, 1));
    g_assert_cmphex(rdmsr(&b, 1, 0x80f), ==, 0x1ff);
    g_assert_cmphex(rdmsr(&b, 1, 0x808), ==, 0x20);
    g_assert_cmphex(rdmsr(&b, 1, 0x836), ==, 0x400);
    c->intc->init(c->intc_opaque);
    g_assert_false(intr(&b, 1));
    g_assert_cmphex(rdmsr(&b, 1, 0x80f), ==, 0xff);
    g_assert_cmphex(rdmsr(&b, 1, 0x808), ==, 0);
    g_assert_cmphex(rdmsr(&b, 1, 0x836), ==, 0x10000);
    g_assert_cmphex(rdmsr(&b, 1, 0x823), ==, 0); /* IRR of 60h to 7fh */
    g_assert_cmphex(rdmsr(&b, 1, 0x802), ==, c->arch_id);
    g_assert_cmphex(rdmsr(&b, 1, 0x1b), ==, BASE | 0xc00);
    bench_free(b.m);
}

static void test_base_msr(void)
{
    Bench b;

    begin(&b, 1);
    g_assert_false(wrmsr(&b, 0, 0x1b, BASE | 0x901)); /* reserved bit */
    g_assert_false(wrmsr(&b, 0, 0x1b, BASE | 0x500)); /* x2APIC without enable */
    g_assert_true(wrmsr(&b, 0, 0x1b, 0xd0000000 | 0x900));
    g_assert_cmphex(bench_load(b.m, 0xd0000000 + VERSION, 4), ==, 0x00050014);
    g_assert_cmphex(get(&b, VERSION), ==, 0xffffffff);
    g_assert_true(wrmsr(&b, 0, 0x1b, 0xd0000000 | 0xd00));
    g_assert_cmphex(bench_load(b.m, 0xd0000000 + VERSION, 4), ==, 0xffffffff);
    g_assert_cmphex(rdmsr(&b, 0, 0x803), ==, 0x00050014);
    g_assert_false(wrmsr(&b, 0, 0x1b, BASE | 0x900)); /* x2APIC to xAPIC */
    g_assert_false(wrmsr(&b, 0, 0x80b, 1));           /* EOI takes zero only */
    g_assert_cmphex(rdmsr(&b, 0, 0x80e), ==, 0xdead); /* no DFR */
    g_assert_true(wrmsr(&b, 0, 0x1b, BASE | 0x100));  /* off */
    g_assert_cmphex(rdmsr(&b, 0, 0x803), ==, 0xdead);
    bench_free(b.m);
}

static void init_pic(Bench *b)
{
    static const uint8_t icw[] = {0x11, 0x08, 0x04, 0x01};

    for (int i = 0; i < 4; i++) {
        bench_out(b->m, i ? 0x21 : 0x20, 1, icw[i]);
    }
}

static void test_extint(void)
{
    Bench b;

    begin(&b, 2);
    init_pic(&b);
    irq_pulse(i8259_input(b.pic, 1));
    g_assert_true(intr(&b, 0)); /* virtual wire, from reset */
    g_assert_false(intr(&b, 1));
    g_assert_cmpint(ack(&b, 0), ==, 0x09);
    g_assert_false(intr(&b, 0));
    bench_out(b.m, 0x20, 1, 0x20);
    set(&b, SVR, 0x1ff);
    set(&b, LVT_LINT0, 0x10700);
    irq_pulse(i8259_input(b.pic, 1));
    g_assert_false(intr(&b, 0));
    set(&b, LVT_LINT0, 0x00700);
    g_assert_true(intr(&b, 0));
    g_assert_cmpint(ack(&b, 0), ==, 0x09);
    bench_out(b.m, 0x20, 1, 0x20);
    wrmsr(&b, 0, 0x1b, BASE | 0x100); /* APIC off: LINT0 is INTR */
    irq_pulse(i8259_input(b.pic, 1));
    g_assert_cmpint(ack(&b, 0), ==, 0x09);
    bench_free(b.m);
}

static void route(Bench *b, int pin, uint64_t entry)
{
    bench_store(b->m, IOAPIC_BASE, 4, 0x10 + 2 * pin);
    bench_store(b->m, IOAPIC_BASE + 0x10, 4, (uint32_t)entry);
    bench_store(b->m, IOAPIC_BASE, 4, 0x11 + 2 * pin);
    bench_store(b->m, IOAPIC_BASE + 0x10, 4, entry >> 32);
}

static uint32_t route_low(Bench *b, int pin)
{
    bench_store(b->m, IOAPIC_BASE, 4, 0x10 + 2 * pin);
    return bench_load(b->m, IOAPIC_BASE + 0x10, 4);
}

static void test_ioapic_registers(void)
{
    Bench b;

    begin(&b, 1);
    bench_store(b.m, IOAPIC_BASE, 4, 1);
    g_assert_cmphex(bench_load(b.m, IOAPIC_BASE + 0x10, 4), ==, 0x00170020);
    bench_store(b.m, IOAPIC_BASE, 4, 0);
    bench_store(b.m, IOAPIC_BASE + 0x10, 4, 0x05000000);
    g_assert_cmphex(bench_load(b.m, IOAPIC_BASE + 0x10, 4), ==, 0x05000000);
    g_assert_cmphex(route_low(&b, 7), ==, 0x10000);
    route(&b, 7, ~0ull);
    g_assert_cmphex(route_low(&b, 7), ==, 0x1afff);
    bench_free(b.m);
}

static void test_ioapic_edge(void)
{
    Bench b;

    begin(&b, 1);
    set(&b, SVR, 0x1ff);
    irq_pulse(ioapic_input(b.ioapic, 4)); /* masked: lost */
    route(&b, 4, 0x44);
    g_assert_false(intr(&b, 0));
    irq_raise(ioapic_input(b.ioapic, 4));
    g_assert_cmpint(ack(&b, 0), ==, 0x44);
    set(&b, EOI, 0);
    g_assert_false(intr(&b, 0));
    bench_free(b.m);
}

static void test_ioapic_level(void)
{
    Bench b;

    begin(&b, 1);
    set(&b, SVR, 0x1ff);
    irq_raise(ioapic_input(b.ioapic, 9));
    route(&b, 9, 0x8049); /* a level is not lost */
    g_assert_cmphex(route_low(&b, 9) & 0x4000, ==, 0x4000);
    g_assert_cmpint(ack(&b, 0), ==, 0x49);
    g_assert_cmphex(get(&b, TMR + 0x20), ==, 1u << 9);
    g_assert_false(intr(&b, 0));
    set(&b, EOI, 0); /* still high: again */
    g_assert_cmpint(ack(&b, 0), ==, 0x49);
    irq_lower(ioapic_input(b.ioapic, 9));
    set(&b, EOI, 0);
    g_assert_false(intr(&b, 0));
    g_assert_cmphex(route_low(&b, 9) & 0x4000, ==, 0);
    irq_raise(ioapic_input(b.ioapic, 9));
    bench_store(b.m, IOAPIC_BASE + 0x40, 4, 0x49); /* directed EOI */
    g_assert_cmphex(route_low(&b, 9) & 0x4000, ==, 0x4000);
    bench_free(b.m);
}

static void test_msi(void)
{
    Bench b;

    begin(&b, 2);
    set(&b, SVR, 0x1ff);
    apic_bus_send_msi(b.bus, 0xfee00000, 0x55);
    g_assert_cmpint(ack(&b, 0), ==, 0x55);
    apic_bus_send_msi(b.bus, 0xfee01000, 0x400);
    g_assert_true(cpu_requests(machine_cpu(b.m, 1)) & CPU_REQ_NMI);
    bench_free(b.m);
}

/* ---- IPIs from several threads at once: none may get lost ---- */

typedef struct Storm {
    Bench *b;
    int cpu;
    int taken;
    bool stop;
} Storm;

static gpointer storm_sender(gpointer p)
{
    Storm *s = p;

    for (int i = 0; i < 20000; i++) {
        wrmsr(s->b, s->cpu, 0x830, (uint64_t)(s->cpu ^ 1) << 32 | 0x40 | (i & 7) << 4);
    }
    return NULL;
}

static gpointer storm_taker(gpointer p)
{
    Storm *s = p;

    while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE) || intr(s->b, s->cpu)) {
        if (intr(s->b, s->cpu) && ack(s->b, s->cpu) >= 0) {
            s->taken++;
            wrmsr(s->b, s->cpu, 0x80b, 0);
        }
    }
    return NULL;
}

static void test_ipi_storm(void)
{
    Bench b;
    Storm s[2];
    GThread *send[2], *take[2];

    begin(&b, 2);
    to_x2apic(&b);
    for (int i = 0; i < 2; i++) {
        s[i] = (Storm){.b = &b, .cpu = i};
        take[i] = g_thread_new("take", storm_taker, &s[i]);
        send[i] = g_thread_new("send", storm_sender, &s[i]);
    }
    for (int i = 0; i < 2; i++) {
        g_thread_join(send[i]);
    }
    for (int i = 0; i < 2; i++) {
        __atomic_store_n(&s[i].stop, true, __ATOMIC_RELEASE);
        g_thread_join(take[i]);
        g_assert_cmpint(s[i].taken, >, 0);
        for (int w = 0; w < 8; w++) { /* nothing pending, nothing in service */
            g_assert_cmphex(rdmsr(&b, i, 0x820 + w), ==, 0);
            g_assert_cmphex(rdmsr(&b, i, 0x810 + w), ==, 0);
        }
        g_assert_false(intr(&b, i));
    }
    bench_free(b.m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/apic/11.4.7-state", test_reset_state);
    g_test_add_func("/apic/11.4.7.3-init", test_init_state);
    g_test_add_func("/apic/11.4.4-base-msr", test_base_msr);
    g_test_add_func("/apic/11.4.7.2-software-disable", test_software_disable);
    g_test_add_func("/apic/11.5.1-extint", test_extint);
    g_test_add_func("/apic/11.5.3-error", test_error_register);
    g_test_add_func("/apic/11.5.4-timer", test_timer);
    g_test_add_func("/apic/11.5.4.1-tsc-deadline", test_tsc_deadline);
    g_test_add_func("/apic/11.6.1-shorthands", test_shorthands);
    g_test_add_func("/apic/11.6.1-init-sipi-nmi", test_init_sipi_nmi);
    g_test_add_func("/apic/11.6.2-destinations", test_destinations);
    g_test_add_func("/apic/11.6.2.2-logical", test_logical_flat_and_cluster);
    g_test_add_func("/apic/11.8.3-priorities", test_priorities);
    g_test_add_func("/apic/11.11-msi", test_msi);
    g_test_add_func("/apic/ipi-storm", test_ipi_storm);
    g_test_add_func("/ioapic/3.2-registers", test_ioapic_registers);
    g_test_add_func("/ioapic/edge", test_ioapic_edge);
    g_test_add_func("/ioapic/level", test_ioapic_level);
    return g_test_run();
}
