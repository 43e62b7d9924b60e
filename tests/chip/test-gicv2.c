/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GICv2 (IHI 0048B) with its virtualization extensions, and the v2m frame; named after the sections. */
#include <string.h>

#include "core/internal.h"
#include "harness.h"
#include "hw/intc/gic.h"

#define DIST 0x08000000ull
#define CPU  0x08010000ull
#define V2M  0x08020000ull
#define HYP  0x08030000ull
#define VCPU 0x08040000ull
#define SECURE 0x10000000ull /* in the tests: what Secure accesses see, moved up */

enum { IRQ = 1, FIQ = 2, VIRQ = 4, VFIQ = 8 };
enum {
    CTLR = 0, PMR = 4, BPR = 8, IAR = 0xc, EOIR = 0x10, RPR = 0x14, HPPIR = 0x18, ABPR = 0x1c, AIAR = 0x20, AEOIR = 0x24,
    AHPPIR = 0x28, APR = 0xd0, NSAPR = 0xe0, IIDR = 0xfc, DIR_ = 0x1000,
};

typedef struct Bench {
    Machine *m;
    Device *gic, *v2m;
    WireProbe pin[8][4];
} Bench;

static void begin_with(Bench *b, int cpus, bool secure, bool virt)
{
    static const struct { GicRegion which; hwaddr at; } map[] = {
        {GIC_REGION_DIST, DIST}, {GIC_REGION_CPU, CPU}, {GIC_REGION_HYP, HYP}, {GIC_REGION_VCPU, VCPU},
    };

    *b = (Bench){.m = bench_new(cpus)};
    b->gic = device_new(b->m, &arm_gic_type, NULL, NULL);
    device_set_u64(b->gic, "num-cpu", cpus);
    device_set_u64(b->gic, "num-irq", 32 + 256);
    device_set_u64(b->gic, "has-security-extensions", secure);
    device_set_u64(b->gic, "has-virtualization-extensions", virt);
    g_assert_true(device_realize(b->gic, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(map); i++) {
        MemoryRegion *ns = gic_region(b->gic, map[i].which, false), *s = gic_region(b->gic, map[i].which, true);
        g_assert_true((ns != NULL) == (i < 2 || virt));
        g_assert_true((s != NULL) == (ns && secure));
        if (ns) {
            region_add(machine_memory_root(b->m), map[i].at, ns, 0);
        }
        if (s) {
            region_add(machine_memory_root(b->m), map[i].at + SECURE, s, 0);
        }
    }
    for (int i = 0; i < cpus; i++) {
        for (int p = 0; p < 4; p++) {
            device_connect(b->gic, gic_out(i, p), bench_wire(&b->pin[i][p]));
        }
    }
    b->v2m = bench_device(b->m, NULL, "arm-gicv2m", "base=0x08020000", "base-spi=48", "num-spi=64", NULL);
    for (int i = 0; i < 64; i++) {
        device_connect(b->v2m, i, gic_spi(b->gic, 48 + i));
    }
    machine_reset_devices(b->m);
}

static void begin(Bench *b, int cpus)
{
    begin_with(b, cpus, false, true);
}

/* Accesses from now on are that processor's. */
static void as(Bench *b, int cpu)
{
    cpu_set_current(machine_cpu(b->m, cpu));
}

static void end(Bench *b)
{
    cpu_set_current(NULL);
    bench_free(b->m);
}

static uint32_t get(Bench *b, hwaddr a)
{
    return bench_load(b->m, a, 4);
}

static void set(Bench *b, hwaddr a, uint32_t v)
{
    bench_store(b->m, a, 4, v);
}

static int pins(Bench *b, int cpu)
{
    int v = 0;
    for (int p = 0; p < 4; p++) {
        v |= (b->pin[cpu][p].level != 0) << p;
    }
    return v;
}

static void priority(Bench *b, unsigned irq, uint8_t prio)
{
    bench_store(b->m, DIST + 0x400 + irq, 1, prio);
}

/* Everything on, interrupt 32.. enabled and sent to processor 0. */
static void go(Bench *b, int cpus)
{
    set(b, DIST, 3);
    for (int i = 0; i < 8; i++) {
        set(b, DIST + 0x104 + 4 * i, 0xffffffff);
    }
    for (int irq = 32; irq < 288; irq += 4) {
        set(b, DIST + 0x800 + irq, 0x01010101);
    }
    for (int c = 0; c < cpus; c++) {
        as(b, c);
        set(b, DIST + 0x100, 0xffffffff);
        set(b, CPU + CTLR, 3);
        set(b, CPU + PMR, 0xf0);
    }
    as(b, 0);
}

static void spi(Bench *b, int intid, int level)
{
    irq_set(gic_spi(b->gic, intid - 32), level);
}

static void test_reset(void)
{
    Bench b;

    begin(&b, 1);
    g_assert_cmphex(get(&b, DIST + 4), ==, 0x8);
    g_assert_cmphex(get(&b, DIST + 8), ==, 0x43b);
    g_assert_cmphex(get(&b, DIST + 0x100), ==, 0xffff);
    g_assert_cmphex(get(&b, DIST + 0xc00), ==, 0xaaaaaaaa);
    g_assert_cmphex(get(&b, DIST + 0xfe8), ==, 0x2b);
    g_assert_cmphex(get(&b, CPU + IAR), ==, 1023);
    g_assert_cmphex(get(&b, CPU + RPR), ==, 0xff);
    g_assert_cmphex(get(&b, CPU + HPPIR), ==, 1023);
    g_assert_cmphex(get(&b, CPU + ABPR), ==, 1);
    g_assert_cmphex(get(&b, CPU + IIDR), ==, 0x2043b);
    g_assert_cmphex(get(&b, HYP + 4), ==, 0x90000003);
    g_assert_cmphex(get(&b, HYP + 8), ==, 0x4c0000);
    g_assert_cmphex(get(&b, HYP + 0x30), ==, 0xf);
    g_assert_cmphex(get(&b, VCPU + BPR), ==, 2);
    g_assert_cmphex(get(&b, VCPU + ABPR), ==, 3);
    g_assert_cmphex(get(&b, VCPU + IAR), ==, 1023);
    /* Which bits are there. */
    set(&b, CPU + CTLR, ~0u);
    g_assert_cmphex(get(&b, CPU + CTLR), ==, 0x21f);
    set(&b, CPU + BPR, ~0u);
    g_assert_cmphex(get(&b, CPU + BPR), ==, 7);
    set(&b, DIST, ~0u);
    g_assert_cmphex(get(&b, DIST), ==, 3);
    set(&b, DIST + 0x820, ~0u); /* one processor has no targets */
    g_assert_cmphex(get(&b, DIST + 0x820), ==, 0);
    set(&b, DIST + 0x180, ~0u);
    g_assert_cmphex(get(&b, DIST + 0x180), ==, 0xffff);
    set(&b, HYP, ~0u);
    g_assert_cmphex(get(&b, HYP), ==, 0xf80000ff);
    set(&b, HYP + 8, ~0u);
    g_assert_cmphex(get(&b, HYP + 8), ==, 0xf8fc021f);
    set(&b, HYP + 0x100, ~0u);
    g_assert_cmphex(get(&b, HYP + 0x100), ==, 0xff8fffff);
    g_assert_cmphex(get(&b, DIST + 0xffc), ==, 0xb1);
    g_assert_cmphex(get(&b, DIST + 0x3fc), ==, 0); /* interrupts that are not there */
    end(&b);
}

static void test_level(void)
{
    Bench b;

    begin(&b, 1);
    go(&b, 1);
    spi(&b, 40, 1);
    g_assert_cmphex(pins(&b, 0), ==, IRQ);
    g_assert_cmphex(get(&b, DIST + 0x204), ==, 1 << 8);
    g_assert_cmpuint(get(&b, CPU + HPPIR), ==, 40);
    g_assert_cmpuint(get(&b, CPU + IAR), ==, 40);
    g_assert_cmphex(pins(&b, 0), ==, 0);
    g_assert_cmphex(get(&b, DIST + 0x304), ==, 1 << 8);
    g_assert_cmphex(get(&b, CPU + RPR), ==, 0);
    g_assert_cmpuint(get(&b, CPU + IAR), ==, 1023);
    set(&b, CPU + EOIR, 40);
    g_assert_cmphex(pins(&b, 0), ==, IRQ); /* still there */
    g_assert_cmpuint(get(&b, CPU + IAR), ==, 40);
    spi(&b, 40, 0);
    set(&b, CPU + EOIR, 40);
    g_assert_cmphex(pins(&b, 0), ==, 0);
    g_assert_cmphex(get(&b, DIST + 0x304), ==, 0);
    g_assert_cmphex(get(&b, CPU + RPR), ==, 0xff);
    end(&b);
}

static void test_edge(void)
{
    Bench b;

    begin(&b, 1);
    go(&b, 1);
    set(&b, DIST + 0xc08, 2 << 16); /* 40 */
    spi(&b, 40, 1);
    spi(&b, 40, 0);
    g_assert_cmphex(pins(&b, 0), ==, IRQ);
    g_assert_cmpuint(get(&b, CPU + IAR), ==, 40);
    spi(&b, 40, 1); /* again while it is active */
    g_assert_cmphex(pins(&b, 0), ==, 0);
    set(&b, CPU + EOIR, 40);
    g_assert_cmpuint(get(&b, CPU + IAR), ==, 40);
    set(&b, CPU + EOIR, 40);
    g_assert_cmpuint(get(&b, CPU + IAR), ==, 1023);
    set(&b, DIST + 0x204, 1 << 8); /* by software */
    g_assert_cmphex(pins(&b, 0), ==, IRQ);
    set(&b, DIST + 0x284, 1 << 8);
    g_assert_cmphex(pins(&b, 0), ==, 0);
    end(&b);
}

static void test_priorities(void)
{
    Bench b;

    begin(&b, 1);
    go(&b, 1);
    priority(&b, 40, 0x80);
    priority(&b, 41, 0x80);
    priority(&b, 42, 0x40);
    priority(&b, 43, 0xf0);
    spi(&b, 43, 1);
    g_assert_cmphex(pins(&b, 0), ==, 0); /* masked: not above GICC_PMR */
    spi(&b, 41, 1);
    spi(&b, 40, 1);
    g_assert_cmpuint(get(&b, CPU + IAR), ==, 40); /* the lower number of equals */
    g_assert_cmphex(pins(&b, 0), ==, 0);
    spi(&b, 42, 1);
    g_assert_cmphex(pins(&b, 0), ==, IRQ); /* preempts */
    g_assert_cmpuint(get(&b, CPU + IAR), ==, 42);
    g_assert_cmphex(get(&b, CPU + RPR), ==, 0x40);
    g_assert_cmphex(get(&b, CPU + APR + 4), ==, 1); /* level 32 of 128 */
    g_assert_cmphex(get(&b, CPU + APR + 8), ==, 1);
    spi(&b, 42, 0);
    set(&b, CPU + EOIR, 42);
    g_assert_cmphex(get(&b, CPU + RPR), ==, 0x80);
    /* The binary point: 0x40 and 0x80 are of one group. */
    set(&b, CPU + BPR, 7);
    spi(&b, 42, 1);
    g_assert_cmphex(pins(&b, 0), ==, 0);
    set(&b, CPU + BPR, 6);
    g_assert_cmphex(pins(&b, 0), ==, IRQ);
    end(&b);
}

static void test_eoi_mode(void)
{
    Bench b;

    begin(&b, 1);
    go(&b, 1);
    set(&b, CPU + CTLR, 0x203);
    spi(&b, 40, 1);
    g_assert_cmpuint(get(&b, CPU + IAR), ==, 40);
    set(&b, CPU + EOIR, 40);
    g_assert_cmphex(get(&b, CPU + RPR), ==, 0xff);
    g_assert_cmphex(get(&b, DIST + 0x304), ==, 1 << 8);
    g_assert_cmphex(pins(&b, 0), ==, 0);
    set(&b, CPU + DIR_, 40);
    g_assert_cmphex(get(&b, DIST + 0x304), ==, 0);
    g_assert_cmphex(pins(&b, 0), ==, IRQ);
    end(&b);
}

static void test_sgi(void)
{
    Bench b;

    begin(&b, 4);
    go(&b, 4);
    as(&b, 2);
    set(&b, DIST + 0xf00, 0x000b0003); /* from 2 to 0, 1 and 3 */
    g_assert_cmphex(pins(&b, 0), ==, IRQ);
    g_assert_cmphex(pins(&b, 1), ==, IRQ);
    g_assert_cmphex(pins(&b, 2), ==, 0);
    as(&b, 1);
    set(&b, DIST + 0xf00, 0x01000003); /* from 1 to the others */
    as(&b, 0);
    g_assert_cmphex(get(&b, DIST + 0xf20), ==, 0x06000000);
    g_assert_cmphex(get(&b, CPU + IAR), ==, 1 << 10 | 3);
    set(&b, CPU + EOIR, 1 << 10 | 3);
    g_assert_cmphex(get(&b, CPU + HPPIR), ==, 2 << 10 | 3);
    g_assert_cmphex(get(&b, CPU + IAR), ==, 2 << 10 | 3);
    set(&b, CPU + EOIR, 2 << 10 | 3);
    g_assert_cmphex(pins(&b, 0), ==, 0);
    set(&b, DIST + 0xf00, 0x02000005); /* to itself */
    g_assert_cmphex(get(&b, CPU + IAR), ==, 5);
    set(&b, CPU + EOIR, 5);
    as(&b, 2);
    g_assert_cmphex(get(&b, CPU + IAR), ==, 1 << 10 | 3);
    as(&b, 3);
    set(&b, DIST + 0xf10, 0x06000000); /* taken back */
    g_assert_cmphex(pins(&b, 3), ==, 0);
    set(&b, DIST + 0xf24, 0x00000100); /* sent by the register */
    g_assert_cmphex(get(&b, CPU + IAR), ==, 5);
    end(&b);
}

static void test_targets(void)
{
    Bench b;

    begin(&b, 4);
    go(&b, 4);
    irq_set(gic_ppi(b.gic, 3, 27), 1);
    g_assert_cmphex(pins(&b, 3), ==, IRQ);
    g_assert_cmphex(pins(&b, 0), ==, 0);
    as(&b, 3);
    g_assert_cmphex(get(&b, DIST + 0x200), ==, 1u << 27);
    g_assert_cmphex(get(&b, DIST + 0x800), ==, 0x08080808);
    g_assert_cmpuint(get(&b, CPU + IAR), ==, 27);
    as(&b, 0);
    g_assert_cmphex(get(&b, DIST + 0x200), ==, 0);
    bench_store(b.m, DIST + 0x828, 1, 0xff);
    g_assert_cmphex(bench_load(b.m, DIST + 0x828, 1), ==, 0x0f);
    spi(&b, 40, 1);
    for (int i = 0; i < 3; i++) {
        g_assert_cmphex(pins(&b, i), ==, IRQ);
    }
    as(&b, 1);
    g_assert_cmpuint(get(&b, CPU + IAR), ==, 40); /* the first one has it */
    for (int i = 0; i < 4; i++) {
        g_assert_cmphex(pins(&b, i), ==, 0);
    }
    as(&b, 2);
    g_assert_cmpuint(get(&b, CPU + IAR), ==, 1023);
    end(&b);
}

static void test_groups(void)
{
    Bench b;

    begin(&b, 1);
    go(&b, 1);
    set(&b, DIST + 0x84, 1 << 8); /* 40 is Group 1 */
    set(&b, CPU + CTLR, 0xb); /* FIQEn */
    spi(&b, 40, 1);
    g_assert_cmphex(pins(&b, 0), ==, IRQ);
    g_assert_cmpuint(get(&b, CPU + IAR), ==, 1022);
    g_assert_cmpuint(get(&b, CPU + HPPIR), ==, 1022);
    g_assert_cmpuint(get(&b, CPU + AHPPIR), ==, 40);
    spi(&b, 41, 1);
    priority(&b, 40, 0x20);
    g_assert_cmphex(pins(&b, 0), ==, FIQ);
    g_assert_cmpuint(get(&b, CPU + AIAR), ==, 1023); /* Group 0 is before it */
    g_assert_cmpuint(get(&b, CPU + IAR), ==, 41);
    spi(&b, 41, 0);
    set(&b, CPU + EOIR, 41);
    g_assert_cmpuint(get(&b, CPU + AIAR), ==, 40);
    g_assert_cmphex(get(&b, CPU + NSAPR), ==, 1 << 16);
    spi(&b, 40, 0);
    set(&b, CPU + AEOIR, 40);
    g_assert_cmphex(get(&b, CPU + RPR), ==, 0xff);
    spi(&b, 40, 1);
    set(&b, CPU + CTLR, 0xf); /* AckCtl */
    g_assert_cmpuint(get(&b, CPU + IAR), ==, 40);
    set(&b, CPU + EOIR, 40);
    set(&b, CPU + CTLR, 1);
    g_assert_cmphex(pins(&b, 0), ==, 0);
    set(&b, CPU + CTLR, 3);
    g_assert_cmphex(pins(&b, 0), ==, IRQ);
    set(&b, DIST, 1);
    g_assert_cmphex(pins(&b, 0), ==, 0);
    end(&b);
}

/* 4.2: Non-secure software sees Group 1 only, and the lower half of the priorities. */
static void test_security(void)
{
    Bench b;

    begin_with(&b, 1, true, false);
    g_assert_cmphex(get(&b, DIST + 4), ==, 0x408);
    set(&b, DIST + SECURE, 3);
    g_assert_cmphex(get(&b, DIST), ==, 1);
    set(&b, DIST + SECURE + 0x84, 1 << 8);
    g_assert_cmphex(get(&b, DIST + 0x84), ==, 0);
    set(&b, DIST + 0x104, 0xffffffff);
    g_assert_cmphex(get(&b, DIST + 0x104), ==, 1 << 8);
    g_assert_cmphex(get(&b, DIST + SECURE + 0x104), ==, 1 << 8);
    set(&b, DIST + 0x428, 0x40404040);
    g_assert_cmphex(get(&b, DIST + 0x428), ==, 0x40);
    g_assert_cmphex(get(&b, DIST + SECURE + 0x428), ==, 0xa0);
    /* CPU interface */
    set(&b, CPU + PMR, 0xff);
    g_assert_cmphex(get(&b, CPU + SECURE + PMR), ==, 0); /* Secure software masks it all */
    set(&b, CPU + SECURE + PMR, 0xff);
    set(&b, CPU + PMR, 0x80);
    g_assert_cmphex(get(&b, CPU + SECURE + PMR), ==, 0xc0);
    g_assert_cmphex(get(&b, CPU + PMR), ==, 0x80);
    set(&b, CPU + CTLR, 0x201);
    g_assert_cmphex(get(&b, CPU + SECURE + CTLR), ==, 0x402);
    g_assert_cmphex(get(&b, CPU + CTLR), ==, 0x201);
    set(&b, CPU + SECURE + CTLR, 0xb);
    set(&b, CPU + BPR, 0);
    g_assert_cmphex(get(&b, CPU + BPR), ==, 1);
    g_assert_cmphex(get(&b, CPU + SECURE + ABPR), ==, 1);
    set(&b, DIST + SECURE + 0x104, 0xffffffff);
    spi(&b, 40, 1);
    g_assert_cmphex(pins(&b, 0), ==, IRQ);
    g_assert_cmpuint(get(&b, CPU + SECURE + IAR), ==, 1022);
    g_assert_cmpuint(get(&b, CPU + IAR), ==, 40);
    g_assert_cmphex(get(&b, CPU + RPR), ==, 0x40);
    g_assert_cmphex(get(&b, CPU + SECURE + RPR), ==, 0xa0);
    spi(&b, 41, 1); /* Group 0 */
    g_assert_cmphex(pins(&b, 0), ==, FIQ);
    g_assert_cmpuint(get(&b, CPU + IAR), ==, 1023);
    g_assert_cmpuint(get(&b, CPU + SECURE + IAR), ==, 41);
    g_assert_cmphex(get(&b, CPU + RPR), ==, 0);
    set(&b, CPU + EOIR, 41); /* not theirs */
    g_assert_cmphex(get(&b, CPU + SECURE + RPR), ==, 0);
    set(&b, CPU + SECURE + EOIR, 41);
    spi(&b, 40, 0);
    set(&b, CPU + EOIR, 40);
    g_assert_cmphex(get(&b, CPU + SECURE + RPR), ==, 0xff);
    /* SGIs: NSATT chooses among the groups */
    set(&b, DIST + SECURE + 0x80, 1 << 4);
    set(&b, DIST + 0xf00, 0x02000003);
    g_assert_cmphex(get(&b, DIST + SECURE + 0x200), ==, 0);
    set(&b, DIST + SECURE + 0xf00, 0x02008003);
    g_assert_cmphex(get(&b, DIST + SECURE + 0x200), ==, 0);
    set(&b, DIST + SECURE + 0xf00, 0x02000003);
    set(&b, DIST + 0xf00, 0x02000004);
    g_assert_cmphex(get(&b, DIST + SECURE + 0x200), ==, 0x18);
    end(&b);
}

/* 5.2: list registers, acknowledge and end by the virtual machine, maintenance. */
static void test_virtual(void)
{
    Bench b;

    begin(&b, 2);
    go(&b, 2);
    as(&b, 1);
    set(&b, VCPU + CTLR, 1);
    set(&b, VCPU + PMR, 0xf8);
    set(&b, HYP + 0x100, 0x10000000 | 16u << 23 | 27 << 10 | 27 | 1u << 31); /* hardware, group 0 */
    g_assert_cmphex(pins(&b, 1), ==, 0);
    set(&b, HYP, 1);
    g_assert_cmphex(pins(&b, 1), ==, VIRQ);
    g_assert_cmphex(pins(&b, 0), ==, 0);
    irq_set(gic_ppi(b.gic, 1, 27), 1);
    set(&b, CPU + CTLR, 0x203);
    g_assert_cmpuint(get(&b, CPU + IAR), ==, 27);
    set(&b, CPU + EOIR, 27);
    g_assert_cmphex(get(&b, DIST + 0x300), ==, 1u << 27);
    g_assert_cmpuint(get(&b, VCPU + HPPIR), ==, 27);
    g_assert_cmpuint(get(&b, VCPU + IAR), ==, 27);
    g_assert_cmphex(pins(&b, 1), ==, 0);
    g_assert_cmphex(get(&b, HYP + 0x100) >> 28, ==, 0xa);
    g_assert_cmphex(get(&b, VCPU + RPR), ==, 0x80);
    g_assert_cmphex(get(&b, HYP + 0xf0), ==, 1 << 16);
    /* A more urgent one preempts, the same priority does not. */
    set(&b, HYP + 0x104, 0x10000000 | 16u << 23 | 5);
    g_assert_cmphex(pins(&b, 1), ==, 0);
    set(&b, HYP + 0x104, 0x10000000 | 8u << 23 | 1 << 19 | 40); /* wants maintenance at its end */
    g_assert_cmphex(pins(&b, 1), ==, VIRQ);
    g_assert_cmphex(get(&b, HYP + 0x30), ==, 0xc);
    g_assert_cmpuint(get(&b, VCPU + IAR), ==, 40);
    set(&b, VCPU + EOIR, 40);
    g_assert_cmphex(get(&b, HYP + 0x20), ==, 2);
    g_assert_cmphex(get(&b, HYP + 0x10), ==, 1);
    g_assert_cmphex(pins(&b, 1), ==, IRQ); /* PPI 25 */
    g_assert_cmpuint(get(&b, CPU + IAR), ==, GIC_MAINTENANCE_INTID);
    set(&b, HYP + 0x104, 0);
    set(&b, CPU + EOIR, GIC_MAINTENANCE_INTID);
    set(&b, CPU + DIR_, GIC_MAINTENANCE_INTID);
    g_assert_cmphex(pins(&b, 1), ==, 0);
    irq_set(gic_ppi(b.gic, 1, 27), 0);
    set(&b, VCPU + EOIR, 27); /* ends the physical one, too */
    g_assert_cmphex(get(&b, DIST + 0x300), ==, 0);
    g_assert_cmphex(get(&b, HYP + 0x100) >> 28, ==, 0x8);
    g_assert_cmphex(get(&b, VCPU + RPR), ==, 0xff);
    /* No list register: counted. Underflow and "no pending" ask for maintenance. */
    set(&b, HYP + 0xf0, 1);
    set(&b, VCPU + EOIR, 99);
    g_assert_cmphex(get(&b, HYP), ==, 1 << 27 | 1);
    set(&b, HYP, 0xf);
    g_assert_cmphex(get(&b, HYP + 0x10), ==, 0xa);
    set(&b, HYP, 1 << 27 | 5);
    g_assert_cmphex(get(&b, HYP + 0x10), ==, 4);
    set(&b, HYP, 0x90 | 0x20 | 1); /* group 0 enabled, 1 disabled */
    g_assert_cmphex(get(&b, HYP + 0x10), ==, 0x90);
    set(&b, HYP, 0);
    /* FIQ, and a SGI's source */
    set(&b, VCPU + CTLR, 9);
    set(&b, HYP + 0x100, 0x10000000 | 3 << 10 | 7);
    set(&b, HYP, 1);
    g_assert_cmphex(pins(&b, 1), ==, VFIQ);
    g_assert_cmphex(get(&b, VCPU + IAR), ==, 3 << 10 | 7);
    set(&b, VCPU + EOIR, 7);
    set(&b, HYP + 0x100, 0x50000000 | 33);
    set(&b, VCPU + CTLR, 3);
    g_assert_cmpuint(get(&b, VCPU + IAR), ==, 1022);
    g_assert_cmpuint(get(&b, VCPU + AIAR), ==, 33);
    end(&b);
}

static void test_v2m(void)
{
    Bench b;

    begin(&b, 1);
    go(&b, 1);
    g_assert_cmphex(get(&b, V2M + 8), ==, 0x00500040);
    g_assert_cmphex(get(&b, V2M + 0xfcc), ==, 0x05100000);
    set(&b, DIST + 0xc14, 0xaaaaaaaa);
    gicv2m_message(b.v2m, 0, V2M + 0x40, 80);
    g_assert_cmpuint(get(&b, CPU + IAR), ==, 80);
    set(&b, CPU + EOIR, 80);
    set(&b, V2M + 0x40, 81);
    g_assert_cmpuint(get(&b, CPU + IAR), ==, 81);
    set(&b, CPU + EOIR, 81);
    gicv2m_message(b.v2m, 0, V2M + 0x44, 82);
    gicv2m_message(b.v2m, 0, V2M + 0x40, 79);
    gicv2m_message(b.v2m, 0, V2M + 0x40, 144);
    g_assert_cmpuint(get(&b, CPU + IAR), ==, 1023);
    end(&b);
}

/* A kernel is started without Secure firmware. */
static void test_nonsecure_start(void)
{
    Machine *m = bench_new(1);
    Device *d = device_new(m, &arm_gic_type, NULL, NULL);

    device_set_u64(d, "num-irq", 64);
    device_set_u64(d, "has-security-extensions", true);
    device_set_u64(d, "irq-reset-nonsecure", true);
    g_assert_true(device_realize(d, NULL));
    region_add(machine_memory_root(m), DIST, gic_region(d, GIC_REGION_DIST, false), 0);
    region_add(machine_memory_root(m), CPU, gic_region(d, GIC_REGION_CPU, false), 0);
    machine_reset_devices(m);
    Bench b = {.m = m, .gic = d};
    set(&b, DIST + 0x104, ~0u);
    g_assert_cmphex(get(&b, DIST + 0x104), ==, ~0u);
    g_assert_cmphex(get(&b, DIST + 0x420), ==, 0);
    set(&b, CPU + PMR, 0xf0);
    g_assert_cmphex(get(&b, CPU + PMR), ==, 0xf0);
    end(&b);
}

static void test_state(void)
{
    Bench a, b;

    begin(&a, 2);
    begin(&b, 2);
    go(&a, 2);
    priority(&a, 40, 0x80);
    spi(&a, 40, 1);
    g_assert_cmpuint(get(&a, CPU + IAR), ==, 40);
    spi(&a, 41, 1);
    as(&a, 1);
    set(&a, HYP, 1);
    set(&a, VCPU + CTLR, 1);
    set(&a, VCPU + PMR, 0xf8);
    set(&a, HYP + 0x100, 0x10000000 | 3);
    bench_transplant(a.gic, b.gic);
    g_assert_true(bench_same_state(a.gic, b.gic));
    g_assert_cmphex(pins(&b, 0), ==, IRQ);
    g_assert_cmphex(pins(&b, 1), ==, VIRQ);
    as(&b, 0);
    g_assert_cmphex(get(&b, CPU + RPR), ==, 0x80);
    g_assert_cmpuint(get(&b, CPU + IAR), ==, 41);
    machine_reset_devices(b.m);
    g_assert_cmphex(pins(&b, 0) | pins(&b, 1), ==, 0);
    g_assert_cmphex(get(&b, CPU + RPR), ==, 0xff);
    end(&a);
    end(&b);
}

/* A configuration that cannot be. */
static void test_refusals(void)
{
    static const struct { int cpus, irqs; } no[] = {{0, 64}, {2, 64}, {1, 0}, {1, 33}, {1, 1024}, {1, 1020}};
    Machine *m = bench_new(1);

    for (size_t i = 0; i < G_N_ELEMENTS(no); i++) {
        Device *d = device_new(m, &arm_gic_type, NULL, NULL);
        Error *err = NULL;
        device_set_u64(d, "num-cpu", no[i].cpus);
        device_set_u64(d, "num-irq", no[i].irqs);
        g_assert_false(device_realize(d, &err));
        g_assert_nonnull(err);
        error_free(err);
        device_free(d);
    }
    bench_free(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gicv2/4.1.2-reset", test_reset);
    g_test_add_func("/gicv2/3.2.4-level", test_level);
    g_test_add_func("/gicv2/3.2.4-edge", test_edge);
    g_test_add_func("/gicv2/3.3-priorities", test_priorities);
    g_test_add_func("/gicv2/3.2.1-eoi-mode", test_eoi_mode);
    g_test_add_func("/gicv2/4.3.15-sgi", test_sgi);
    g_test_add_func("/gicv2/4.3.12-targets", test_targets);
    g_test_add_func("/gicv2/3.4-groups", test_groups);
    g_test_add_func("/gicv2/4.2-security", test_security);
    g_test_add_func("/gicv2/5-virtual", test_virtual);
    g_test_add_func("/gicv2/v2m", test_v2m);
    g_test_add_func("/gicv2/nonsecure-start", test_nonsecure_start);
    g_test_add_func("/gicv2/state", test_state);
    g_test_add_func("/gicv2/refusals", test_refusals);
    return g_test_run();
}
