/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GICv3 (IHI 0069H): distributor, redistributors, CPU interface, virtual CPU interface; named after the chapters. */
#include <string.h>

#include "harness.h"
#include "hw/intc/gic.h"
#include "hw/intc/gicv3_sysreg.h"

#define DIST 0x08000000ull
#define REDIST 0x080a0000ull
#define REDIST1 0x4000000000ull
#define SGI_BASE 0x10000
#define SECURE 0x10000000ull /* in the tests: what Secure accesses see, moved up */
#define CPUS 8

enum { IRQ = 1, FIQ = 2, VIRQ = 4, VFIQ = 8 };
#define HCR_FMO 8
#define HCR_IMO 16

/* How the interface sees processors; by index, of the one bench there is. */
static ArmIntcView views[CPUS];

static void view(Cpu *cpu, ArmIntcView *out)
{
    *out = views[cpu->index];
}

typedef struct Bench {
    Machine *m;
    Device *gic;
    WireProbe pin[CPUS][4];
} Bench;

static void begin_with(Bench *b, int cpus, bool secure, const int *windows)
{
    *b = (Bench){.m = bench_new(cpus)};
    b->gic = device_new(b->m, &arm_gicv3_type, NULL, NULL);
    device_set_u64(b->gic, "num-cpu", cpus);
    device_set_u64(b->gic, "num-irq", 32 + 256);
    device_set_u64(b->gic, "has-security-extensions", secure);
    device_set_u64(b->gic, "has-virtualization-extensions", true);
    device_set_u64(b->gic, "has-lpi", true);
    if (windows) {
        device_set_u64(b->gic, "redist-region-count[0]", windows[0]);
        device_set_u64(b->gic, "redist-region-count[1]", windows[1]);
    }
    g_assert_true(device_realize(b->gic, NULL));
    MemoryRegion *root = machine_memory_root(b->m);
    region_add(root, DIST, gic_region(b->gic, GIC_REGION_DIST, false), 0);
    region_add(root, REDIST, gic_region(b->gic, GIC_REGION_REDIST0, false), 0);
    if (windows) {
        region_add(root, REDIST1, gic_region(b->gic, GIC_REGION_REDIST1, false), 0);
    }
    g_assert_true((gic_region(b->gic, GIC_REGION_DIST, true) != NULL) == secure);
    if (secure) {
        region_add(root, DIST + SECURE, gic_region(b->gic, GIC_REGION_DIST, true), 0);
        region_add(root, REDIST + SECURE, gic_region(b->gic, GIC_REGION_REDIST0, true), 0);
    }
    for (int i = 0; i < cpus; i++) {
        for (int p = 0; p < 4; p++) {
            device_connect(b->gic, gic_out(i, p), bench_wire(&b->pin[i][p]));
        }
    }
    gic_set_cpu_view(b->gic, view);
    for (int i = 0; i < CPUS; i++) {
        views[i] = (ArmIntcView){.el = 1, .scr = 1};
    }
    machine_reset_devices(b->m);
}

static void begin(Bench *b, int cpus)
{
    begin_with(b, cpus, false, NULL);
}

static void end(Bench *b)
{
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

static hwaddr sgi_base(int cpu)
{
    return REDIST + cpu * 0x20000 + SGI_BASE;
}

static int pins(Bench *b, int cpu)
{
    int v = 0;
    for (int p = 0; p < 4; p++) {
        v |= (b->pin[cpu][p].level != 0) << p;
    }
    return v;
}

static uint64_t mrs(Bench *b, int cpu, uint32_t reg)
{
    Cpu *c = machine_cpu(b->m, cpu);
    uint64_t v = 0;

    g_assert_true(c->intc->sysreg_read(c->intc_opaque, reg, &v));
    return v;
}

static void msr(Bench *b, int cpu, uint32_t reg, uint64_t v)
{
    Cpu *c = machine_cpu(b->m, cpu);
    g_assert_true(c->intc->sysreg_write(c->intc_opaque, reg, v));
}

static bool exists(Bench *b, uint32_t reg)
{
    Cpu *c = machine_cpu(b->m, 0);
    uint64_t v;
    return c->intc->sysreg_read(c->intc_opaque, reg, &v);
}

static int trap(Bench *b, uint32_t reg)
{
    Cpu *c = machine_cpu(b->m, 0);
    return c->intc->sysreg_trap(c->intc_opaque, reg, false);
}

static void move_to(Bench *b, int cpu, ArmIntcView v)
{
    Cpu *c = machine_cpu(b->m, cpu);
    views[cpu] = v;
    c->intc->state_changed(c->intc_opaque);
}

static void priority(Bench *b, unsigned irq, uint8_t prio)
{
    bench_store(b->m, (irq < 32 ? sgi_base(0) : DIST) + 0x400 + irq, 1, prio);
}

static void spi(Bench *b, int intid, int level)
{
    irq_set(gic_spi(b->gic, intid - 32), level);
}

/* Everything on, all of Group 1, as Linux has it. */
static void go(Bench *b, int cpus)
{
    set(b, DIST, 0x53);
    for (int i = 1; i < 9; i++) {
        set(b, DIST + 0x80 + 4 * i, 0xffffffff);
        set(b, DIST + 0x100 + 4 * i, 0xffffffff);
    }
    for (int c = 0; c < cpus; c++) {
        set(b, sgi_base(c) + 0x80, 0xffffffff);
        set(b, sgi_base(c) + 0x100, 0xffffffff);
        msr(b, c, ICC_PMR, 0xf0);
        msr(b, c, ICC_IGRPEN1, 1);
    }
}

static void test_reset(void)
{
    Bench b;

    begin(&b, 2);
    g_assert_cmphex(get(&b, DIST), ==, 0x50);
    g_assert_cmphex(get(&b, DIST + 4), ==, 0x037a0008); /* 288 interrupts */
    g_assert_cmphex(get(&b, DIST + 8), ==, 0x43b);
    g_assert_cmphex(get(&b, DIST + 0xffe0), ==, 0x92);
    g_assert_cmphex(get(&b, DIST + 0xffe8), ==, 0x3b);
    g_assert_cmphex(get(&b, REDIST), ==, 2);
    g_assert_cmphex(bench_load(b.m, REDIST + 8, 8), ==, 0x01000001);
    g_assert_cmphex(bench_load(b.m, REDIST + 0x20008, 8), ==, 0x101000111);
    g_assert_cmphex(get(&b, REDIST + 0x14), ==, 6);
    g_assert_cmphex(get(&b, REDIST + 0xffe0), ==, 0x93);
    g_assert_cmphex(get(&b, sgi_base(0) + 0xc00), ==, 0xaaaaaaaa);
    g_assert_cmphex(mrs(&b, 0, ICC_CTLR_EL1), ==, 0x8c00);
    g_assert_cmphex(mrs(&b, 0, ICC_SRE_EL1), ==, 7);
    g_assert_cmphex(mrs(&b, 0, ICC_BPR0), ==, 2);
    g_assert_cmphex(mrs(&b, 0, ICC_BPR1), ==, 3);
    g_assert_cmphex(mrs(&b, 0, ICC_RPR), ==, 0xff);
    g_assert_cmphex(mrs(&b, 0, ICC_IAR1), ==, 1023);
    g_assert_cmphex(mrs(&b, 0, ICH_VTR), ==, 0x90b80003);
    g_assert_cmphex(mrs(&b, 0, ICH_VMCR), ==, 0x4c0008);
    g_assert_false(exists(&b, ICC_AP1R0 + 1));
    g_assert_false(exists(&b, ICH_LR0 + 4));
    g_assert_false(exists(&b, GIC_SYSREG(0, 1, 0, 0)));
    /* What can be written. */
    set(&b, DIST, ~0u);
    g_assert_cmphex(get(&b, DIST), ==, 0x53);
    set(&b, DIST + 0x80, ~0u);
    g_assert_cmphex(get(&b, DIST + 0x80), ==, 0); /* at the redistributors */
    set(&b, REDIST + 0x14, 0);
    g_assert_cmphex(get(&b, REDIST + 0x14), ==, 0);
    bench_store(b.m, DIST + 0x6100, 8, ~0ull);
    g_assert_cmphex(bench_load(b.m, DIST + 0x6100, 8), ==, 0xff00ffffffull);
    set(&b, DIST + 0x6100, 1);
    g_assert_cmphex(bench_load(b.m, DIST + 0x6100, 8), ==, 0xff00000001ull);
    msr(&b, 0, ICC_PMR, 0xff);
    g_assert_cmphex(mrs(&b, 0, ICC_PMR), ==, 0xf8);
    msr(&b, 0, ICC_BPR1, 0);
    g_assert_cmphex(mrs(&b, 0, ICC_BPR1), ==, 3);
    msr(&b, 0, ICC_CTLR_EL1, ~0ull);
    g_assert_cmphex(mrs(&b, 0, ICC_CTLR_EL1), ==, 0x8c03);
    msr(&b, 0, ICH_VMCR, ~0ull);
    g_assert_cmphex(mrs(&b, 0, ICH_VMCR), ==, 0xf8fc021b);
    end(&b);
}

static void test_level_and_edge(void)
{
    Bench b;

    begin(&b, 1);
    go(&b, 1);
    spi(&b, 40, 1);
    g_assert_cmphex(pins(&b, 0), ==, IRQ);
    g_assert_cmphex(get(&b, DIST + 0x204), ==, 1 << 8);
    g_assert_cmpuint(mrs(&b, 0, ICC_HPPIR1), ==, 40);
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR0), ==, 1023);
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR1), ==, 40);
    g_assert_cmphex(pins(&b, 0), ==, 0);
    g_assert_cmphex(get(&b, DIST + 0x304), ==, 1 << 8);
    msr(&b, 0, ICC_EOIR1, 40);
    g_assert_cmphex(pins(&b, 0), ==, IRQ);
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR1), ==, 40);
    spi(&b, 40, 0);
    msr(&b, 0, ICC_EOIR1, 40);
    g_assert_cmphex(pins(&b, 0), ==, 0);
    set(&b, DIST + 0xc08, 2 << 16);
    spi(&b, 40, 1);
    spi(&b, 40, 0);
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR1), ==, 40);
    spi(&b, 40, 1);
    msr(&b, 0, ICC_EOIR1, 40);
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR1), ==, 40);
    msr(&b, 0, ICC_EOIR1, 40);
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR1), ==, 1023);
    /* Masked at each place. */
    set(&b, DIST + 0x204, 1 << 8);
    g_assert_cmphex(pins(&b, 0), ==, IRQ);
    set(&b, DIST + 0x184, 1 << 8);
    g_assert_cmphex(pins(&b, 0), ==, 0);
    set(&b, DIST + 0x104, 1 << 8);
    msr(&b, 0, ICC_IGRPEN1, 0);
    g_assert_cmphex(pins(&b, 0), ==, 0);
    msr(&b, 0, ICC_IGRPEN1, 1);
    g_assert_cmphex(pins(&b, 0), ==, IRQ);
    msr(&b, 0, ICC_PMR, 0);
    g_assert_cmphex(pins(&b, 0), ==, 0);
    msr(&b, 0, ICC_PMR, 8);
    g_assert_cmphex(pins(&b, 0), ==, IRQ);
    set(&b, DIST, 0x51);
    g_assert_cmphex(pins(&b, 0), ==, 0);
    set(&b, DIST, 0x53);
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
    priority(&b, 42, 0x41);
    priority(&b, 27, 0xf0);
    g_assert_cmphex(bench_load(b.m, DIST + 0x42a, 1), ==, 0x40); /* five bits */
    irq_set(gic_ppi(b.gic, 0, 27), 1);
    g_assert_cmphex(pins(&b, 0), ==, 0); /* not above ICC_PMR */
    spi(&b, 41, 1);
    spi(&b, 40, 1);
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR1), ==, 40);
    g_assert_cmphex(pins(&b, 0), ==, 0);
    spi(&b, 42, 1);
    g_assert_cmphex(pins(&b, 0), ==, IRQ);
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR1), ==, 42);
    g_assert_cmphex(mrs(&b, 0, ICC_RPR), ==, 0x40);
    g_assert_cmphex(mrs(&b, 0, ICC_AP1R0), ==, 1 << 16 | 1 << 8);
    spi(&b, 42, 0);
    msr(&b, 0, ICC_EOIR1, 42);
    g_assert_cmphex(mrs(&b, 0, ICC_RPR), ==, 0x80);
    msr(&b, 0, ICC_EOIR0, 40); /* the wrong register */
    g_assert_cmphex(mrs(&b, 0, ICC_RPR), ==, 0x80);
    msr(&b, 0, ICC_BPR1, 7); /* 0x40 and 0x80 differ in the bit that still counts */
    spi(&b, 42, 1);
    g_assert_cmphex(pins(&b, 0), ==, IRQ);
    priority(&b, 42, 0x88);
    g_assert_cmphex(pins(&b, 0), ==, 0);
    msr(&b, 0, ICC_CTLR_EL1, 1); /* CBPR: BPR0 has finer groups */
    priority(&b, 42, 0x78);
    g_assert_cmphex(pins(&b, 0), ==, IRQ);
    g_assert_cmphex(mrs(&b, 0, ICC_BPR1), ==, 3);
    end(&b);
}

static void test_eoi_mode(void)
{
    Bench b;

    begin(&b, 1);
    go(&b, 1);
    msr(&b, 0, ICC_CTLR_EL1, 2);
    spi(&b, 40, 1);
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR1), ==, 40);
    msr(&b, 0, ICC_EOIR1, 40);
    g_assert_cmphex(mrs(&b, 0, ICC_RPR), ==, 0xff);
    g_assert_cmphex(get(&b, DIST + 0x304), ==, 1 << 8);
    msr(&b, 0, ICC_DIR, 40);
    g_assert_cmphex(get(&b, DIST + 0x304), ==, 0);
    g_assert_cmphex(pins(&b, 0), ==, IRQ);
    end(&b);
}

static void test_routing(void)
{
    Bench b;

    begin(&b, 4);
    go(&b, 4);
    bench_store(b.m, DIST + 0x6000 + 8 * 40, 8, 2);
    spi(&b, 40, 1);
    g_assert_cmphex(pins(&b, 0), ==, 0);
    g_assert_cmphex(pins(&b, 2), ==, IRQ);
    bench_store(b.m, DIST + 0x6000 + 8 * 40, 8, 3); /* moves while it is pending */
    g_assert_cmphex(pins(&b, 2), ==, 0);
    g_assert_cmphex(pins(&b, 3), ==, IRQ);
    bench_store(b.m, DIST + 0x6000 + 8 * 40, 8, 0x10000); /* nobody's affinity */
    g_assert_cmphex(pins(&b, 3), ==, 0);
    irq_set(gic_ppi(b.gic, 1, 30), 1);
    g_assert_cmphex(pins(&b, 1), ==, IRQ);
    g_assert_cmphex(get(&b, sgi_base(1) + 0x200), ==, 1u << 30);
    g_assert_cmpuint(mrs(&b, 1, ICC_IAR1), ==, 30);
    g_assert_cmphex(get(&b, sgi_base(1) + 0x300), ==, 1u << 30);
    end(&b);
}

static void test_sgi(void)
{
    Bench b;

    begin(&b, 4);
    go(&b, 4);
    msr(&b, 1, ICC_SGI1R, 5ull << 24 | 0xd);
    for (int i = 0; i < 4; i++) {
        g_assert_cmphex(pins(&b, i), ==, i == 1 ? 0 : IRQ);
    }
    g_assert_cmpuint(mrs(&b, 2, ICC_IAR1), ==, 5);
    msr(&b, 2, ICC_EOIR1, 5);
    g_assert_cmphex(pins(&b, 2), ==, 0);
    set(&b, sgi_base(3) + 0x280, 1 << 5);
    g_assert_cmphex(pins(&b, 3), ==, 0);
    msr(&b, 2, ICC_SGI1R, 1ull << 40 | 6ull << 24); /* all others */
    g_assert_cmpuint(mrs(&b, 1, ICC_IAR1), ==, 6);
    g_assert_cmphex(pins(&b, 2), ==, 0);
    msr(&b, 2, ICC_SGI1R, 1ull << 16 | 7ull << 24 | 0xf); /* another cluster */
    msr(&b, 2, ICC_SGI1R, 1ull << 44 | 7ull << 24 | 0xf); /* processors 16..19 */
    msr(&b, 2, ICC_SGI0R, 7ull << 24 | 0xf); /* it is of Group 1 */
    g_assert_cmphex(get(&b, sgi_base(2) + 0x200), ==, 0);
    end(&b);
}

static void test_groups(void)
{
    Bench b;

    begin(&b, 1);
    go(&b, 1);
    set(&b, DIST + 0x84, ~(1u << 8)); /* 40 is Group 0 */
    spi(&b, 40, 1);
    g_assert_cmphex(pins(&b, 0), ==, 0);
    msr(&b, 0, ICC_IGRPEN0, 1);
    g_assert_cmphex(pins(&b, 0), ==, FIQ);
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR1), ==, 1023);
    g_assert_cmpuint(mrs(&b, 0, ICC_HPPIR0), ==, 40);
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR0), ==, 40);
    g_assert_cmphex(mrs(&b, 0, ICC_AP0R0), ==, 1);
    msr(&b, 0, ICC_EOIR1, 40);
    g_assert_cmphex(mrs(&b, 0, ICC_RPR), ==, 0);
    msr(&b, 0, ICC_EOIR0, 40);
    g_assert_cmphex(mrs(&b, 0, ICC_RPR), ==, 0xff);
    end(&b);
}

/* 4.6, 4.8: two Security states. */
static void test_security(void)
{
    const ArmIntcView el3 = {.el = 3, .secure = true, .scr = 6}, el3_ns = {.el = 3, .secure = true, .scr = 7};
    const ArmIntcView s_el1 = {.el = 1, .secure = true, .scr = 0}, ns_el1 = {.el = 1, .scr = 5};
    Bench b;

    begin_with(&b, 1, true, NULL);
    g_assert_cmphex(get(&b, DIST), ==, 0x10);
    g_assert_cmphex(get(&b, DIST + SECURE), ==, 0x30);
    g_assert_cmphex(get(&b, DIST + 4) & 0x400, ==, 0x400);
    g_assert_cmphex(get(&b, REDIST + 0x14), ==, 0);
    g_assert_cmphex(get(&b, REDIST + SECURE + 0x14), ==, 6);
    set(&b, DIST + SECURE, 7);
    set(&b, DIST, 0);
    g_assert_cmphex(get(&b, DIST + SECURE), ==, 0x35);
    set(&b, DIST, 2);
    set(&b, DIST + SECURE + 0x84, 1 << 8);             /* 40: Group 1 Non-secure */
    set(&b, DIST + SECURE + 0xd04, 1 << 9);            /* 41: Group 1 Secure, 42: Group 0 */
    set(&b, DIST + SECURE + 0x104, 7 << 8);
    g_assert_cmphex(get(&b, DIST + 0x104), ==, 1 << 8);
    g_assert_cmphex(get(&b, DIST + 0x84), ==, 0);
    set(&b, DIST + 0x428, 0x40404040);
    g_assert_cmphex(get(&b, DIST + SECURE + 0x428), ==, 0xa0);
    g_assert_cmphex(get(&b, DIST + 0x428), ==, 0x40);
    set(&b, DIST + 0x204, ~0u); /* NSACR lets them not */
    g_assert_cmphex(get(&b, DIST + SECURE + 0x204), ==, 1 << 8);
    set(&b, DIST + 0x284, ~0u);
    set(&b, DIST + SECURE + 0xe08, 1u << 20); /* 42: now they may */
    set(&b, DIST + 0x204, 7 << 8);
    g_assert_cmphex(get(&b, DIST + SECURE + 0x204), ==, 5 << 8);
    set(&b, DIST + SECURE + 0x284, ~0u);
    move_to(&b, 0, el3);
    msr(&b, 0, ICC_PMR, 0xff);
    msr(&b, 0, ICC_IGRPEN0, 1);
    msr(&b, 0, ICC_IGRPEN1_EL3, 3);
    g_assert_cmphex(mrs(&b, 0, ICC_CTLR_EL3), ==, 0x28c00);
    g_assert_cmphex(mrs(&b, 0, ICC_BPR1), ==, 2);
    move_to(&b, 0, el3_ns);
    g_assert_cmphex(mrs(&b, 0, ICC_BPR1), ==, 3);
    /* Which wire: FIQ for the other state's. */
    move_to(&b, 0, ns_el1);
    spi(&b, 40, 1);
    g_assert_cmphex(pins(&b, 0), ==, IRQ);
    move_to(&b, 0, s_el1);
    g_assert_cmphex(pins(&b, 0), ==, FIQ);
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR1), ==, 1023);
    move_to(&b, 0, el3);
    g_assert_cmphex(pins(&b, 0), ==, FIQ);
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR0), ==, 1021);
    spi(&b, 41, 1);
    g_assert_cmpuint(mrs(&b, 0, ICC_HPPIR0), ==, 1020);
    g_assert_cmphex(pins(&b, 0), ==, FIQ);
    move_to(&b, 0, ns_el1);
    g_assert_cmphex(pins(&b, 0), ==, FIQ);
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR1), ==, 1023);
    move_to(&b, 0, s_el1);
    g_assert_cmphex(pins(&b, 0), ==, IRQ);
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR1), ==, 41);
    spi(&b, 41, 0);
    move_to(&b, 0, ns_el1);
    msr(&b, 0, ICC_EOIR1, 41); /* not theirs */
    g_assert_cmphex(mrs(&b, 0, ICC_RPR), ==, 0);
    move_to(&b, 0, s_el1);
    msr(&b, 0, ICC_EOIR1, 41);
    g_assert_cmphex(mrs(&b, 0, ICC_RPR), ==, 0xff);
    /* Non-secure priorities. */
    move_to(&b, 0, ns_el1);
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR1), ==, 40);
    g_assert_cmphex(mrs(&b, 0, ICC_RPR), ==, 0x40);
    g_assert_cmphex(mrs(&b, 0, ICC_PMR), ==, 0xf0);
    msr(&b, 0, ICC_PMR, 0x80);
    move_to(&b, 0, el3);
    g_assert_cmphex(mrs(&b, 0, ICC_PMR), ==, 0xc0);
    g_assert_cmphex(mrs(&b, 0, ICC_RPR), ==, 0xa0);
    /* SGIs of groups */
    set(&b, REDIST + SECURE + SGI_BASE + 0x80, 1 << 1);   /* 1: NS; 2: Secure Group 1; 3: Group 0 */
    set(&b, REDIST + SECURE + SGI_BASE + 0xd00, 1 << 2);
    move_to(&b, 0, ns_el1);
    for (uint64_t n = 1; n < 4; n++) {
        msr(&b, 0, ICC_SGI1R, n << 24 | 1);
        msr(&b, 0, ICC_SGI0R, n << 24 | 1);
    }
    g_assert_cmphex(get(&b, REDIST + SECURE + SGI_BASE + 0x200), ==, 2);
    move_to(&b, 0, s_el1);
    for (uint64_t n = 1; n < 4; n++) {
        msr(&b, 0, ICC_SGI1R, n << 24 | 1);
    }
    g_assert_cmphex(get(&b, REDIST + SECURE + SGI_BASE + 0x200), ==, 0xe);
    set(&b, REDIST + SECURE + SGI_BASE + 0x280, ~0u);
    msr(&b, 0, ICC_ASGI1R, 1ull << 24 | 1);
    g_assert_cmphex(get(&b, REDIST + SECURE + SGI_BASE + 0x200), ==, 2);
    /* Registers of EL3 are EL3's; routed groups trap there. */
    g_assert_cmpint(trap(&b, ICC_CTLR_EL3), ==, -1);
    move_to(&b, 0, (ArmIntcView){.el = 1, .scr = 7});
    g_assert_cmpint(trap(&b, ICC_IAR0), ==, 3);
    g_assert_cmpint(trap(&b, ICC_PMR), ==, 3);
    move_to(&b, 0, ns_el1);
    g_assert_cmpint(trap(&b, ICC_PMR), ==, 0);
    g_assert_cmpint(trap(&b, ICC_IAR0), ==, 3);
    move_to(&b, 0, el3);
    g_assert_cmpint(trap(&b, ICC_CTLR_EL3), ==, 0);
    end(&b);
}

/* Chapter 6. */
static void test_virtual(void)
{
    Bench b;

    begin(&b, 1);
    go(&b, 1);
    views[0].el = 2;
    msr(&b, 0, ICC_CTLR_EL1, 2);
    msr(&b, 0, ICH_LR0, 1ull << 62 | 1ull << 61 | 1ull << 60 | 0x80ull << 48 | 27ull << 32 | 27);
    msr(&b, 0, ICH_VMCR, 0xf0000002);
    g_assert_cmphex(pins(&b, 0), ==, 0);
    msr(&b, 0, ICH_HCR, 1);
    g_assert_cmphex(pins(&b, 0), ==, VIRQ);
    irq_set(gic_ppi(b.gic, 0, 27), 1);
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR1), ==, 27);
    msr(&b, 0, ICC_EOIR1, 27);
    views[0] = (ArmIntcView){.el = 1, .scr = 1, .hcr = HCR_IMO | HCR_FMO};
    g_assert_cmphex(mrs(&b, 0, ICC_PMR), ==, 0xf0);
    g_assert_cmphex(mrs(&b, 0, ICC_CTLR_EL1), ==, 0x8c00);
    g_assert_cmphex(mrs(&b, 0, ICC_IGRPEN1), ==, 1);
    g_assert_cmpuint(mrs(&b, 0, ICC_HPPIR1), ==, 27);
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR0), ==, 1023);
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR1), ==, 27);
    g_assert_cmphex(pins(&b, 0), ==, 0);
    g_assert_cmphex(mrs(&b, 0, ICC_RPR), ==, 0x80);
    irq_set(gic_ppi(b.gic, 0, 27), 0);
    g_assert_cmphex(get(&b, sgi_base(0) + 0x300), ==, 1u << 27);
    msr(&b, 0, ICC_EOIR1, 27);
    g_assert_cmphex(get(&b, sgi_base(0) + 0x300), ==, 0);
    g_assert_cmphex(mrs(&b, 0, ICC_RPR), ==, 0xff);
    /* An LPI has no active state; Group 0 is a virtual FIQ. */
    views[0].el = 2;
    msr(&b, 0, ICH_LR0, 1ull << 62 | 1ull << 60 | 0x80ull << 48 | 8200);
    msr(&b, 0, ICH_LR0 + 1, 1ull << 62 | 0x40ull << 48 | 50);
    msr(&b, 0, ICH_VMCR, 0xf0000003);
    g_assert_cmphex(pins(&b, 0), ==, VFIQ);
    views[0].el = 1;
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR0), ==, 50);
    msr(&b, 0, ICC_EOIR1, 50); /* the wrong one: the priority is dropped, the interrupt stays active */
    g_assert_cmphex(mrs(&b, 0, ICC_RPR), ==, 0xff);
    views[0].el = 2;
    g_assert_cmphex(mrs(&b, 0, ICH_LR0 + 1) >> 62, ==, 2);
    msr(&b, 0, ICH_AP0R0, 1 << 8);
    views[0].el = 1;
    msr(&b, 0, ICC_EOIR0, 50);
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR1), ==, 8200);
    msr(&b, 0, ICC_EOIR1, 8200);
    views[0].el = 2;
    g_assert_cmphex(mrs(&b, 0, ICH_LR0) >> 62, ==, 0);
    g_assert_cmphex(mrs(&b, 0, ICH_ELRSR), ==, 0xf);
    g_assert_cmphex(mrs(&b, 0, ICH_HCR), ==, 1);
    /* EOImode, and a deactivation without a list register: counted. */
    msr(&b, 0, ICH_VMCR, 0xf0000202);
    msr(&b, 0, ICH_LR0, 1ull << 62 | 1ull << 60 | 60);
    views[0].el = 1;
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR1), ==, 60);
    msr(&b, 0, ICC_EOIR1, 60);
    views[0].el = 2;
    g_assert_cmphex(mrs(&b, 0, ICH_LR0) >> 62, ==, 2);
    views[0].el = 1;
    msr(&b, 0, ICC_DIR, 60);
    msr(&b, 0, ICC_DIR, 61);
    views[0].el = 2;
    g_assert_cmphex(mrs(&b, 0, ICH_LR0) >> 62, ==, 0);
    g_assert_cmphex(mrs(&b, 0, ICH_HCR), ==, 1 << 27 | 1);
    /* Maintenance by underflow is a PPI. */
    msr(&b, 0, ICH_HCR, 3);
    g_assert_cmphex(mrs(&b, 0, ICH_MISR), ==, 2);
    g_assert_cmphex(pins(&b, 0), ==, IRQ);
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR1), ==, GIC_MAINTENANCE_INTID);
    msr(&b, 0, ICH_HCR, 0);
    end(&b);
}

static void test_traps(void)
{
    Bench b;

    begin(&b, 1);
    views[0].el = 0;
    g_assert_cmpint(trap(&b, ICC_IAR1), ==, -1);
    views[0].el = 1;
    g_assert_cmpint(trap(&b, ICC_IAR1), ==, 0);
    g_assert_cmpint(trap(&b, ICH_HCR), ==, -1);
    g_assert_cmpint(trap(&b, ICC_SRE_EL2), ==, -1);
    views[0].el = 2;
    g_assert_cmpint(trap(&b, ICH_HCR), ==, 0);
    static const struct { uint64_t hcr_bit; int iar0, iar1, pmr, dir, sgi; } rows[] = {
        {1 << 10, 0, 0, 2, 2, 2}, {1 << 11, 2, 0, 0, 0, 0}, {1 << 12, 0, 2, 0, 0, 0}, {1 << 14, 0, 0, 0, 2, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        views[0].el = 2;
        msr(&b, 0, ICH_HCR, rows[i].hcr_bit);
        g_assert_cmpint(trap(&b, ICC_IAR0), ==, 0);
        views[0].el = 1;
        g_assert_cmpint(trap(&b, ICC_IAR0), ==, rows[i].iar0);
        g_assert_cmpint(trap(&b, ICC_IAR1), ==, rows[i].iar1);
        g_assert_cmpint(trap(&b, ICC_PMR), ==, rows[i].pmr);
        g_assert_cmpint(trap(&b, ICC_DIR), ==, rows[i].dir);
        g_assert_cmpint(trap(&b, ICC_SGI1R), ==, rows[i].sgi);
    }
    views[0].el = 2;
    msr(&b, 0, ICH_HCR, 0);
    views[0] = (ArmIntcView){.el = 1, .scr = 1, .hcr = HCR_IMO};
    g_assert_cmpint(trap(&b, ICC_SGI1R), ==, 2); /* a virtual machine has no SGIs of its own */
    end(&b);
}

/* Two windows of redistributors, the last of each says so. */
static void test_windows(void)
{
    Bench b;

    begin_with(&b, 4, false, (const int[]){3, 5});
    g_assert_cmpuint(region_size(gic_region(b.gic, GIC_REGION_REDIST0, false)), ==, 3 * 0x20000);
    g_assert_cmphex(bench_load(b.m, REDIST + 0x20008, 8), ==, 0x101000101);
    g_assert_cmphex(bench_load(b.m, REDIST + 0x40008, 8), ==, 0x201000211);
    g_assert_cmphex(bench_load(b.m, REDIST1 + 8, 8), ==, 0x301000311);
    go(&b, 1);
    set(&b, REDIST1 + SGI_BASE + 0x80, ~0u);
    set(&b, REDIST1 + SGI_BASE + 0x100, ~0u);
    msr(&b, 3, ICC_PMR, 0xf0);
    msr(&b, 3, ICC_IGRPEN1, 1);
    msr(&b, 0, ICC_SGI1R, 1ull << 24 | 8);
    g_assert_cmphex(pins(&b, 3), ==, IRQ);
    end(&b);
}

static void test_many(void)
{
    static WireProbe pin;
    Machine *m = bench_new(80);
    Device *d = device_new(m, &arm_gicv3_type, NULL, NULL);

    pin = (WireProbe){0};
    device_set_u64(d, "num-cpu", 80);
    device_set_u64(d, "num-irq", 64);
    g_assert_true(device_realize(d, NULL));
    region_add(machine_memory_root(m), DIST, gic_region(d, GIC_REGION_DIST, false), 0);
    region_add(machine_memory_root(m), REDIST, gic_region(d, GIC_REGION_REDIST0, false), 0);
    device_connect(d, gic_out(70, ARM_PIN_IRQ), bench_wire(&pin));
    gic_set_cpu_view(d, NULL);
    machine_reset_devices(m);
    Bench b = {.m = m, .gic = d};
    set(&b, DIST, 0x53);
    set(&b, sgi_base(70) + 0x80, ~0u);
    set(&b, sgi_base(70) + 0x100, ~0u);
    msr(&b, 70, ICC_PMR, 0xf0);
    msr(&b, 70, ICC_IGRPEN1, 1);
    msr(&b, 0, ICC_SGI1R, 4ull << 44 | 9ull << 24 | 1 << 6); /* range 4: 64.. */
    g_assert_cmpint(pin.level, ==, 1);
    g_assert_cmpuint(mrs(&b, 70, ICC_IAR1), ==, 9);
    bench_free(m);
}

/* A kernel is started without Secure firmware. */
static void test_nonsecure_start(void)
{
    Machine *m = bench_new(1);
    Device *d = device_new(m, &arm_gicv3_type, NULL, NULL);

    device_set_u64(d, "num-irq", 64);
    device_set_u64(d, "has-security-extensions", true);
    device_set_u64(d, "irq-reset-nonsecure", true);
    g_assert_true(device_realize(d, NULL));
    region_add(machine_memory_root(m), DIST, gic_region(d, GIC_REGION_DIST, false), 0);
    region_add(machine_memory_root(m), REDIST, gic_region(d, GIC_REGION_REDIST0, false), 0);
    machine_reset_devices(m);
    Bench b = {.m = m, .gic = d};
    set(&b, DIST + 0x104, ~0u);
    g_assert_cmphex(get(&b, DIST + 0x104), ==, ~0u);
    set(&b, sgi_base(0) + 0x100, ~0u);
    g_assert_cmphex(get(&b, sgi_base(0) + 0x100), ==, ~0u);
    g_assert_cmphex(get(&b, DIST + 0x420), ==, 0);
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
    g_assert_cmpuint(mrs(&a, 0, ICC_IAR1), ==, 40);
    spi(&a, 41, 1);
    bench_store(a.m, DIST + 0x6000 + 8 * 42, 8, 1);
    spi(&a, 42, 1);
    views[1].el = 2;
    msr(&a, 1, ICH_LR0, 1ull << 62 | 3);
    msr(&a, 1, ICH_VMCR, 0xf0000001);
    msr(&a, 1, ICH_HCR, 1);
    bench_transplant(a.gic, b.gic);
    g_assert_true(bench_same_state(a.gic, b.gic));
    g_assert_cmphex(pins(&b, 0), ==, IRQ);
    g_assert_cmphex(pins(&b, 1), ==, IRQ | VFIQ);
    g_assert_cmphex(mrs(&b, 0, ICC_RPR), ==, 0x80);
    g_assert_cmpuint(mrs(&b, 0, ICC_IAR1), ==, 41);
    g_assert_cmpuint(mrs(&b, 1, ICC_IAR1), ==, 42);
    machine_reset_devices(b.m);
    g_assert_cmphex(pins(&b, 0) | pins(&b, 1), ==, 0);
    end(&a);
    end(&b);
}

static void test_refusals(void)
{
    static const struct { int cpus, irqs, window; } no[] = {
        {0, 64, 0}, {3, 64, 0}, {1, 0, 0}, {1, 33, 0}, {1, 1024, 0}, {2, 64, 1},
    };
    Machine *m = bench_new(2);

    for (size_t i = 0; i < G_N_ELEMENTS(no); i++) {
        Device *d = device_new(m, &arm_gicv3_type, NULL, NULL);
        Error *err = NULL;
        device_set_u64(d, "num-cpu", no[i].cpus);
        device_set_u64(d, "num-irq", no[i].irqs);
        device_set_u64(d, "redist-region-count[0]", no[i].window);
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
    g_test_add_func("/gicv3/12-reset", test_reset);
    g_test_add_func("/gicv3/4.1-level-and-edge", test_level_and_edge);
    g_test_add_func("/gicv3/4.8-priorities", test_priorities);
    g_test_add_func("/gicv3/4.1-eoi-mode", test_eoi_mode);
    g_test_add_func("/gicv3/3.1-routing", test_routing);
    g_test_add_func("/gicv3/4.4-sgi", test_sgi);
    g_test_add_func("/gicv3/4.6-groups", test_groups);
    g_test_add_func("/gicv3/4.6-security", test_security);
    g_test_add_func("/gicv3/6-virtual", test_virtual);
    g_test_add_func("/gicv3/12-traps", test_traps);
    g_test_add_func("/gicv3/12.10-windows", test_windows);
    g_test_add_func("/gicv3/many-processors", test_many);
    g_test_add_func("/gicv3/nonsecure-start", test_nonsecure_start);
    g_test_add_func("/gicv3/state", test_state);
    g_test_add_func("/gicv3/refusals", test_refusals);
    return g_test_run();
}
