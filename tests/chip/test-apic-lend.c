/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Local APICs that an accelerator has for a while (core/apics.h); the accelerator is a table of images here. */
#include <string.h>

#include "core/apics.h"
#include "harness.h"
#include "hw/intc/apic.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"

#define BASE APIC_DEFAULT_BASE
/* Numbers of registers: offsets in the page / 16. */
enum { TPR = 0x08, EOI = 0x0b, LDR = 0x0d, SVR = 0x0f, ISR = 0x10, TMR = 0x18, IRR = 0x20, ICR = 0x30, LVT_TIMER = 0x32,
       LVT_LINT0 = 0x35, INITIAL = 0x38, CURRENT = 0x39, DIVIDE = 0x3e };

typedef struct Host {
    ApicImage image[2];
    ApicPin pins[APIC_PINS_MAX];
    int stores, messages, told;
    uint64_t addr;
    uint32_t data;
} Host;
static Host host;

static void load(Cpu *cpu, ApicImage *out)
{
    *out = host.image[cpu->index];
}

static void store(Cpu *cpu, const ApicImage *in)
{
    host.image[cpu->index] = *in;
    host.stores++;
}

static void message(Machine *m, uint64_t addr, uint32_t data)
{
    host.messages++;
    host.addr = addr;
    host.data = data;
}

static void pins(Machine *m, const ApicPin *p)
{
    memcpy(host.pins, p, sizeof(host.pins));
    host.told++;
}

static void nothing(Machine *m)
{
}

static const ApicHostOps ops = {load, store, message, pins, nothing, nothing};

typedef struct Bench {
    Machine *m;
    Device *bus, *pic, *ioapic;
    const ApicOps *apics;
    void *opaque;
} Bench;

static void begin(Bench *b)
{
    memset(&host, 0, sizeof(host));
    *b = (Bench){.m = bench_new(2)};
    b->bus = bench_device(b->m, NULL, "apic-bus", NULL);
    for (int i = 0; i < 2; i++) {
        Device *d = device_new(b->m, &apic_type, NULL, NULL);
        device_set_u64(d, "cpu-index", i);
        device_set_ptr(d, "bus", b->bus);
        g_assert_true(device_realize(d, NULL));
    }
    b->pic = bench_device(b->m, NULL, "i8259", NULL);
    device_connect(b->pic, 0, apic_bus_lint0(b->bus));
    apic_bus_set_pic(b->bus, i8259_acknowledge, b->pic);
    b->ioapic = device_new(b->m, &ioapic_type, NULL, NULL);
    device_set_ptr(b->ioapic, "bus", b->bus);
    g_assert_true(device_realize(b->ioapic, NULL));
    machine_reset_devices(b->m);
    b->apics = machine_apics(b->m, &b->opaque);
    g_assert_nonnull(b->apics);
    bench_store(b->m, BASE + SVR * 16, 4, 0x1ff);
}

static uint32_t get(Bench *b, uint32_t reg)
{
    return bench_load(b->m, BASE + reg * 16, 4);
}

static void set(Bench *b, uint32_t reg, uint32_t v)
{
    bench_store(b->m, BASE + reg * 16, 4, v);
}

static void set_entry(Bench *b, int pin, uint64_t e)
{
    for (int half = 0; half < 2; half++) {
        bench_store(b->m, IOAPIC_BASE, 4, 0x10 + 2 * pin + half);
        bench_store(b->m, IOAPIC_BASE + 0x10, 4, e >> (half ? 32 : 0));
    }
}

static uint32_t entry(Bench *b, int pin)
{
    bench_store(b->m, IOAPIC_BASE, 4, 0x10 + 2 * pin);
    return bench_load(b->m, IOAPIC_BASE + 0x10, 4);
}

static bool intr(Bench *b, int cpu)
{
    return cpu_requests(machine_cpu(b->m, cpu)) & CPU_REQ_INTR;
}

/* All that a guest can set goes there and comes back; what is pending and in service, too. */
static void test_registers(void)
{
    static const struct {
        uint32_t reg, val;
    } some[] = {{TPR, 0x20}, {LDR, 0x4000000}, {LVT_LINT0, 0x8700}, {0x36, 0x400}, {0x37, 0xfe}, {DIVIDE, 0xb}};
    Bench b;

    begin(&b);
    for (size_t i = 0; i < G_N_ELEMENTS(some); i++) {
        set(&b, some[i].reg, some[i].val);
    }
    set(&b, ICR, 0x40000 | 0x51);
    set(&b, ICR, 0x40000 | 0x62);
    Cpu *c = machine_cpu(b.m, 0);
    g_assert_cmpint(c->intc->acknowledge(c->intc_opaque), ==, 0x62);
    b.apics->lend(b.opaque, &ops);
    for (size_t i = 0; i < G_N_ELEMENTS(some); i++) {
        g_assert_cmphex(host.image[0].reg[some[i].reg], ==, some[i].val);
    }
    g_assert_cmphex(host.image[0].base, ==, BASE | 0x900);
    g_assert_cmphex(host.image[1].base, ==, BASE | 0x800);
    g_assert_cmphex(host.image[1].reg[2], ==, machine_cpu(b.m, 1)->arch_id << 24);
    g_assert_cmphex(host.image[0].reg[IRR + 2], ==, 1u << 17);
    g_assert_cmphex(host.image[0].reg[ISR + 3], ==, 1u << 2);
    host.image[0].reg[IRR + 2] |= 1u << 5; /* the guest went on there */
    host.image[0].reg[ISR + 3] = 0;
    host.image[0].reg[TPR] = 0x30;
    b.apics->take_back(b.opaque);
    g_assert_cmphex(get(&b, TPR), ==, 0x30);
    g_assert_true(intr(&b, 0));
    g_assert_cmpint(c->intc->acknowledge(c->intc_opaque), ==, 0x51);
    g_assert_cmphex(get(&b, IRR + 2), ==, 1u << 5);
    bench_free(b.m);
}

/* A timer that runs goes on with what was left; one that is over does not end again. */
static void test_timer(void)
{
    Bench b;

    begin(&b);
    set(&b, DIVIDE, 0xb); /* by 1: a nanosecond */
    set(&b, LVT_TIMER, 0x40);
    set(&b, INITIAL, 1000000);
    bench_step(b.m, 400000);
    b.apics->lend(b.opaque, &ops);
    g_assert_cmpuint(host.image[0].reg[INITIAL], ==, 1000000);
    g_assert_cmpuint(host.image[0].reg[CURRENT], ==, 600000);
    bench_step(b.m, 2000000); /* nothing ends here meanwhile */
    g_assert_cmphex(get(&b, IRR + 2), ==, 0);
    host.image[0].reg[CURRENT] = 250000;
    b.apics->take_back(b.opaque);
    g_assert_cmpuint(get(&b, CURRENT), ==, 250000);
    bench_step(b.m, 249999);
    g_assert_cmphex(get(&b, IRR + 2), ==, 0);
    bench_step(b.m, 1);
    g_assert_cmphex(get(&b, IRR + 2), ==, 1);
    b.apics->lend(b.opaque, &ops);
    g_assert_cmpuint(host.image[0].reg[INITIAL], ==, 0);
    b.apics->take_back(b.opaque);
    bench_free(b.m);
}

static void test_messages(void)
{
    Bench b;

    begin(&b);
    b.apics->lend(b.opaque, &ops);
    apic_bus_send_msi(b.bus, 0xfee01000, 0x55);
    g_assert_cmphex(host.addr, ==, 0xfee01000);
    g_assert_cmphex(host.data, ==, 0x55);
    g_assert_cmpint(host.told, ==, 1);
    set_entry(&b, 7, 1ull << 56 | 0x8061); /* level, to processor 1 */
    g_assert_true(host.pins[7].level);
    g_assert_cmphex(host.pins[7].addr, ==, 0xfee01000);
    g_assert_cmphex(host.pins[7].data, ==, 0xc061);
    g_assert_false(host.pins[6].level);
    irq_raise(ioapic_input(b.ioapic, 7));
    g_assert_cmphex(host.addr, ==, 0xfee01000);
    g_assert_cmphex(host.data, ==, 0xc061);
    g_assert_cmphex(entry(&b, 7) & 0x4000, ==, 0x4000);
    int before = host.messages;
    b.apics->eoi(b.opaque, 0x61); /* the wire is still up */
    g_assert_cmpint(host.messages, ==, before + 1);
    irq_lower(ioapic_input(b.ioapic, 7));
    /* It ended the interrupt, and did not come to tell. */
    b.apics->take_back(b.opaque);
    g_assert_cmphex(entry(&b, 7) & 0x4000, ==, 0);
    apic_bus_send_msi(b.bus, 0xfee00000, 0x4055);
    g_assert_cmpint(host.messages, ==, before + 1);
    g_assert_cmphex(get(&b, IRR + 2), ==, 1u << 21);
    bench_free(b.m);
}

/* Still in service there: the I/O APIC goes on waiting. */
static void test_in_service(void)
{
    Bench b;

    begin(&b);
    b.apics->lend(b.opaque, &ops);
    set_entry(&b, 7, 0x8061);
    irq_raise(ioapic_input(b.ioapic, 7));
    host.image[0].reg[ISR + 3] = host.image[0].reg[TMR + 3] = 1u << 1;
    b.apics->take_back(b.opaque);
    g_assert_cmphex(entry(&b, 7) & 0x4000, ==, 0x4000);
    irq_lower(ioapic_input(b.ioapic, 7));
    set(&b, EOI, 0);
    g_assert_cmphex(entry(&b, 7) & 0x4000, ==, 0);
    bench_free(b.m);
}

/* The 8259's wire is told as it is; who takes it, the accelerator knows. */
static void test_extint(void)
{
    static const uint8_t init[] = {0x11, 0x20, 4, 1, 0};
    Bench b;

    begin(&b);
    for (size_t i = 0; i < sizeof(init); i++) {
        bench_out(b.m, i ? 0x21 : 0x20, 1, init[i]);
    }
    set(&b, LVT_LINT0, 0x10700);
    b.apics->lend(b.opaque, &ops);
    g_assert_false(intr(&b, 0));
    irq_raise(i8259_input(b.pic, 3));
    g_assert_true(intr(&b, 0));
    Cpu *c = machine_cpu(b.m, 0);
    g_assert_cmpint(c->intc->acknowledge(c->intc_opaque), ==, -1);
    g_assert_cmpint(b.apics->extint(b.opaque), ==, 0x23);
    g_assert_false(intr(&b, 0));
    irq_lower(i8259_input(b.pic, 3));
    irq_raise(i8259_input(b.pic, 1));
    g_assert_true(intr(&b, 0));
    b.apics->take_back(b.opaque); /* masked here */
    g_assert_false(intr(&b, 0));
    bench_free(b.m);
}

/* A reset while it is lent: the same again, as after power-on. */
static void test_reset(void)
{
    Bench b;

    begin(&b);
    set(&b, TPR, 0x40);
    b.apics->lend(b.opaque, &ops);
    machine_reset_devices(b.m);
    b.apics->lend(b.opaque, &ops);
    g_assert_cmpint(host.stores, ==, 4);
    g_assert_cmphex(host.image[0].reg[TPR], ==, 0);
    g_assert_cmphex(host.image[0].reg[LVT_LINT0], ==, 0x700);
    g_assert_cmphex(host.image[1].reg[LVT_LINT0], ==, 0x10000);
    b.apics->take_back(b.opaque);
    bench_free(b.m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/apic-lend/registers", test_registers);
    g_test_add_func("/apic-lend/timer", test_timer);
    g_test_add_func("/apic-lend/messages", test_messages);
    g_test_add_func("/apic-lend/in-service", test_in_service);
    g_test_add_func("/apic-lend/extint", test_extint);
    g_test_add_func("/apic-lend/reset", test_reset);
    return g_test_run();
}
