/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GICv3 LPIs and ITS (IHI 0069H, chapter 5): commands, tables, messages; and guests that get it all wrong. */
#include <string.h>

#include "base/bits.h"
#include "harness.h"
#include "hw/intc/gic.h"
#include "hw/intc/gicv3_sysreg.h"

#define DIST 0x08000000ull
#define ITS 0x08080000ull
#define REDIST 0x080a0000ull
#define TRANSLATER (ITS + 0x10040)
#define RAM 0x40000000ull
#define PENDING (RAM)             /* 64 KiB for each processor */
#define CONFIG (RAM + 0x100000)
#define QUEUE (RAM + 0x120000)
#define DEVICES (RAM + 0x130000)
#define COLLECTIONS (RAM + 0x140000)
#define ITT (RAM + 0x150000)
#define LEVEL1 (RAM + 0x160000)
#define RAM_SIZE 0x200000
#define VALID (1ull << 63)
#define CPUS 4

enum { CTLR = 0, TYPER = 8, CBASER = 0x80, CWRITER = 0x88, CREADR = 0x90, BASER0 = 0x100, BASER1 = 0x108 };
enum { MOVI = 1, INT = 3, CLEAR = 4, SYNC = 5, MAPD = 8, MAPC = 9, MAPTI = 10, MAPI = 11, INV = 12, INVALL = 13, MOVALL = 14,
       DISCARD = 15 };

typedef struct Bench {
    Machine *m;
    Device *gic, *its;
    WireProbe irq[CPUS];
} Bench;

static void store(Bench *b, hwaddr a, uint64_t v)
{
    bench_store(b->m, a, 8, v);
}

static uint64_t load(Bench *b, hwaddr a)
{
    return bench_load(b->m, a, 8);
}

static void redist_on(Bench *b, int cpu)
{
    hwaddr r = REDIST + cpu * 0x20000;

    store(b, r + 0x70, CONFIG | 15);
    store(b, r + 0x78, PENDING + cpu * 0x10000);
    bench_store(b->m, r, 4, 1);
}

static void make(Bench *b)
{
    *b = (Bench){.m = bench_new(CPUS)};
    MemoryRegion *ram = region_new_ram(b->m, "more", RAM_SIZE, NULL);
    region_add(machine_memory_root(b->m), RAM, ram, 0);
    region_unref(ram);
    b->gic = device_new(b->m, &arm_gicv3_type, NULL, NULL);
    device_set_u64(b->gic, "num-cpu", CPUS);
    device_set_u64(b->gic, "num-irq", 64);
    device_set_u64(b->gic, "has-lpi", true);
    g_assert_true(device_realize(b->gic, NULL));
    region_add(machine_memory_root(b->m), DIST, gic_region(b->gic, GIC_REGION_DIST, false), 0);
    region_add(machine_memory_root(b->m), REDIST, gic_region(b->gic, GIC_REGION_REDIST0, false), 0);
    b->its = device_new(b->m, &arm_gicv3_its_type, NULL, NULL);
    device_set_u64(b->its, "base", ITS);
    device_set_ptr(b->its, "parent-gicv3", b->gic);
    g_assert_true(device_realize(b->its, NULL));
    for (int i = 0; i < CPUS; i++) {
        device_connect(b->gic, gic_out(i, ARM_PIN_IRQ), bench_wire(&b->irq[i]));
    }
    machine_reset_devices(b->m);
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

/* Everything on, tables of one 64 KiB page, all LPIs enabled with priority A0h. */
static void begin(Bench *b)
{
    make(b);
    bench_store(b->m, DIST, 4, 0x53);
    for (hwaddr a = CONFIG; a < CONFIG + 0xe000; a += 8) {
        store(b, a, 0xa1a1a1a1a1a1a1a1);
    }
    for (int i = 0; i < CPUS; i++) {
        msr(b, i, ICC_PMR, 0xf0);
        msr(b, i, ICC_IGRPEN1, 1);
        redist_on(b, i);
    }
    store(b, ITS + BASER0, VALID | DEVICES | 2 << 8);
    store(b, ITS + BASER1, VALID | COLLECTIONS | 2 << 8);
    store(b, ITS + CBASER, VALID | QUEUE | 15);
    store(b, ITS + CWRITER, 0);
    bench_store(b->m, ITS + CTLR, 4, 1);
}

static void end(Bench *b)
{
    bench_free(b->m);
}

static void command(Bench *b, uint64_t d0, uint64_t d1, uint64_t d2, uint64_t d3)
{
    uint64_t at = load(b, ITS + CWRITER), next = (at + 32) % 0x10000;

    store(b, QUEUE + at, d0);
    store(b, QUEUE + at + 8, d1);
    store(b, QUEUE + at + 16, d2);
    store(b, QUEUE + at + 24, d3);
    store(b, ITS + CWRITER, next);
    g_assert_cmphex(load(b, ITS + CREADR), ==, next);
}

static void mapd(Bench *b, uint32_t device, hwaddr itt, unsigned bits)
{
    command(b, (uint64_t)device << 32 | MAPD, bits - 1, VALID | itt, 0);
}

static void mapc(Bench *b, uint16_t collection, uint64_t cpu)
{
    command(b, MAPC, 0, VALID | cpu << 16 | collection, 0);
}

static void mapti(Bench *b, uint32_t device, uint32_t event, uint32_t intid, uint16_t collection)
{
    command(b, (uint64_t)device << 32 | MAPTI, (uint64_t)intid << 32 | event, collection, 0);
}

static void on_event(Bench *b, int cmd, uint32_t device, uint32_t event, uint16_t collection)
{
    command(b, (uint64_t)device << 32 | cmd, event, collection, 0);
}

static void message(Bench *b, uint16_t device, uint32_t event)
{
    gicv3_its_message(b->its, device, TRANSLATER, event);
}

/* Device 8 with events 0..3 = LPIs 8192.., collection 1 on processor 1, 2 on 2. */
static void map(Bench *b)
{
    mapd(b, 8, ITT, 2);
    mapc(b, 1, 1);
    mapc(b, 2, 2);
    for (int i = 0; i < 4; i++) {
        mapti(b, 8, i, 8192 + i, 1);
    }
}

static uint32_t take(Bench *b, int cpu)
{
    uint32_t intid = mrs(b, cpu, ICC_IAR1);

    if (intid != 1023) {
        msr(b, cpu, ICC_EOIR1, intid);
    }
    return intid;
}

static void test_reset(void)
{
    Bench b;

    make(&b);
    g_assert_cmphex(load(&b, ITS + CTLR), ==, 0x43b80000000);
    g_assert_cmphex(load(&b, ITS + TYPER), ==, 0x1f0001ef71);
    g_assert_cmphex(load(&b, ITS + BASER0), ==, 0x0107000000000200);
    g_assert_cmphex(load(&b, ITS + BASER1), ==, 0x0407000000000200);
    g_assert_cmphex(load(&b, ITS + BASER1 + 8), ==, 0);
    g_assert_cmphex(bench_load(b.m, ITS + 0xffe0, 4), ==, 0x94);
    g_assert_cmphex(bench_load(b.m, ITS + 0xffe8, 4), ==, 0x3b);
    store(&b, ITS + BASER0, ~0ull);
    g_assert_cmphex(load(&b, ITS + BASER0), ==, 0xf9e7fffffffffeff); /* pages of 64 KiB alone */
    store(&b, ITS + BASER1, ~0ull);
    g_assert_cmphex(load(&b, ITS + BASER1), ==, 0xbce7fffffffffeff); /* one level */
    store(&b, ITS + BASER1 + 8, ~0ull);
    g_assert_cmphex(load(&b, ITS + BASER1 + 8), ==, 0);
    bench_store(b.m, ITS + CTLR, 4, ~0u);
    g_assert_cmphex(bench_load(b.m, ITS + CTLR, 4), ==, 0x80000001);
    store(&b, ITS + BASER0, 0);
    g_assert_cmphex(load(&b, ITS + BASER0), ==, 0xf9e7fffffffffeff); /* fixed while it is enabled */
    store(&b, REDIST + 0x70, ~0ull);
    g_assert_cmphex(load(&b, REDIST + 0x70), ==, 0x070fffffffffff9f);
    store(&b, REDIST + 0x78, ~0ull);
    g_assert_cmphex(load(&b, REDIST + 0x78), ==, 0x070fffffffff0f80);
    end(&b);
}

static void test_message(void)
{
    Bench b;

    begin(&b);
    map(&b);
    message(&b, 8, 2);
    g_assert_cmpint(b.irq[1].level, ==, 1);
    g_assert_cmpint(b.irq[0].level, ==, 0);
    g_assert_cmpuint(mrs(&b, 1, ICC_IAR1), ==, 8194);
    g_assert_cmphex(mrs(&b, 1, ICC_RPR), ==, 0xa0);
    g_assert_cmpint(b.irq[1].level, ==, 0);
    message(&b, 8, 2); /* again before its end: no active state */
    msr(&b, 1, ICC_EOIR1, 8194);
    g_assert_cmpuint(take(&b, 1), ==, 8194);
    g_assert_cmpuint(take(&b, 1), ==, 1023);
    /* Nobody's. */
    message(&b, 8, 4);
    message(&b, 9, 0);
    gicv3_its_message(b.its, 8, TRANSLATER + 4, 0);
    bench_store(b.m, TRANSLATER, 4, 0);
    bench_store(b.m, ITS + CTLR, 4, 0);
    message(&b, 8, 0);
    bench_store(b.m, ITS + CTLR, 4, 1);
    g_assert_cmpuint(take(&b, 1), ==, 1023);
    end(&b);
}

/* 5.1.1: priorities and enables are in memory, and may be cached till INV. */
static void test_configuration(void)
{
    Bench b;

    begin(&b);
    map(&b);
    bench_store(b.m, CONFIG + 1, 1, 0x41);
    bench_store(b.m, CONFIG + 2, 1, 0xa0); /* disabled */
    bench_store(b.m, CONFIG + 3, 1, 0xf9); /* masked by ICC_PMR */
    for (int i = 3; i >= 0; i--) {
        message(&b, 8, i);
    }
    g_assert_cmpuint(take(&b, 1), ==, 8193);
    g_assert_cmpuint(take(&b, 1), ==, 8192);
    g_assert_cmpuint(take(&b, 1), ==, 1023);
    bench_store(b.m, CONFIG + 2, 1, 0xa1);
    on_event(&b, INV, 8, 2, 0);
    g_assert_cmpuint(take(&b, 1), ==, 8194);
    bench_store(b.m, CONFIG + 3, 1, 0xe1);
    command(&b, INVALL, 0, 1, 0);
    g_assert_cmpuint(take(&b, 1), ==, 8195);
    end(&b);
}

static void test_commands(void)
{
    Bench b;

    begin(&b);
    map(&b);
    on_event(&b, INT, 8, 0, 0);
    g_assert_cmpint(b.irq[1].level, ==, 1);
    on_event(&b, CLEAR, 8, 0, 0);
    g_assert_cmpint(b.irq[1].level, ==, 0);
    /* MOVI takes what is pending along. */
    on_event(&b, INT, 8, 0, 0);
    on_event(&b, MOVI, 8, 0, 2);
    g_assert_cmpint(b.irq[1].level, ==, 0);
    g_assert_cmpuint(take(&b, 2), ==, 8192);
    message(&b, 8, 0);
    g_assert_cmpuint(take(&b, 2), ==, 8192);
    /* MOVALL moves what is pending, MAPC what comes. */
    message(&b, 8, 1);
    message(&b, 8, 2);
    command(&b, MOVALL, 0, 1ull << 16, 3ull << 16);
    mapc(&b, 1, 3);
    g_assert_cmpint(b.irq[1].level, ==, 0);
    g_assert_cmpuint(take(&b, 3), ==, 8193);
    g_assert_cmpuint(take(&b, 3), ==, 8194);
    message(&b, 8, 1);
    g_assert_cmpuint(take(&b, 3), ==, 8193);
    /* DISCARD forgets the event and what is pending of it. */
    message(&b, 8, 1);
    on_event(&b, DISCARD, 8, 1, 0);
    g_assert_cmpuint(take(&b, 3), ==, 1023);
    message(&b, 8, 1);
    g_assert_cmpuint(take(&b, 3), ==, 1023);
    command(&b, 8ull << 32 | MAPI, 2, 1, 0); /* EventID 2 is no LPI: refused */
    message(&b, 8, 2);
    g_assert_cmpuint(take(&b, 3), ==, 8194);
    command(&b, SYNC, 0, 3ull << 16, 0);
    /* MAPI: a device with many events. */
    mapd(&b, 9, ITT + 0x100, 16);
    command(&b, 9ull << 32 | MAPI, 8200, 2, 0);
    message(&b, 9, 8200);
    g_assert_cmpuint(take(&b, 2), ==, 8200);
    /* Unmapped again. */
    command(&b, MAPC, 0, 2, 0);
    message(&b, 9, 8200);
    mapc(&b, 2, 2);
    g_assert_cmpuint(take(&b, 2), ==, 1023);
    command(&b, 9ull << 32 | MAPD, 0, 0, 0);
    message(&b, 9, 8200);
    g_assert_cmpuint(take(&b, 2), ==, 1023);
    end(&b);
}

static void test_indirect(void)
{
    Bench b;

    begin(&b);
    bench_store(b.m, ITS + CTLR, 4, 0);
    store(&b, ITS + BASER0, VALID | 1ull << 62 | LEVEL1); /* 8192 devices a page */
    bench_store(b.m, ITS + CTLR, 4, 1);
    store(&b, LEVEL1 + 8, VALID | DEVICES);
    mapc(&b, 1, 1);
    mapd(&b, 0x2008, ITT, 2);
    mapti(&b, 0x2008, 0, 8192, 1);
    message(&b, 0x2008, 0);
    g_assert_cmpuint(take(&b, 1), ==, 8192);
    g_assert_cmphex(load(&b, DEVICES + 8 * 8), !=, 0);
    mapd(&b, 0x8, ITT, 2); /* no second level there */
    mapti(&b, 0x8, 0, 8193, 1);
    message(&b, 0x8, 0);
    g_assert_cmpuint(take(&b, 1), ==, 1023);
    end(&b);
}

/* 5.1.2: the pending table is read and written when LPIs are switched on and off. */
static void test_pending_table(void)
{
    Bench b;

    begin(&b);
    map(&b);
    message(&b, 8, 1);
    message(&b, 8, 3);
    bench_store(b.m, REDIST + 0x20000, 4, 0);
    g_assert_cmpint(b.irq[1].level, ==, 0);
    g_assert_cmphex(bench_load(b.m, PENDING + 0x10000 + 1024, 1), ==, 0x0a);
    message(&b, 8, 2); /* lost */
    bench_store(b.m, PENDING + 0x10000 + 1025, 1, 0x80);
    bench_store(b.m, REDIST + 0x20000, 4, 1);
    g_assert_cmpuint(take(&b, 1), ==, 8193);
    g_assert_cmpuint(take(&b, 1), ==, 8195);
    g_assert_cmpuint(take(&b, 1), ==, 8207);
    g_assert_cmpuint(take(&b, 1), ==, 1023);
    bench_store(b.m, REDIST + 0x20000, 4, 0);
    bench_store(b.m, PENDING + 0x10000 + 1024, 1, 0xff);
    store(&b, REDIST + 0x20078, (PENDING + 0x10000) | 1ull << 62); /* "all zero": not read */
    bench_store(b.m, REDIST + 0x20000, 4, 1);
    g_assert_cmpuint(take(&b, 1), ==, 1023);
    /* Fixed while enabled. */
    store(&b, REDIST + 0x20070, 0);
    g_assert_cmphex(load(&b, REDIST + 0x20070), ==, CONFIG | 15);
    end(&b);
}

static void test_state(void)
{
    Bench a, b;

    begin(&a);
    map(&a);
    message(&a, 8, 3);
    begin(&b);
    g_autofree uint8_t *ram = g_malloc(RAM_SIZE);
    address_space_peek(machine_memory(a.m), RAM, ram, RAM_SIZE);
    address_space_poke(machine_memory(b.m), RAM, ram, RAM_SIZE);
    bench_transplant(a.gic, b.gic);
    bench_transplant(a.its, b.its);
    g_assert_true(bench_same_state(a.gic, b.gic));
    g_assert_cmpint(b.irq[1].level, ==, 1);
    g_assert_cmpuint(take(&b, 1), ==, 8195);
    message(&b, 8, 0);
    g_assert_cmpuint(take(&b, 1), ==, 8192);
    g_assert_cmphex(load(&b, ITS + CREADR), ==, load(&a, ITS + CREADR));
    end(&a);
    end(&b);
}

/* A long queue is worked on in portions. */
static void test_budget(void)
{
    Bench b;

    begin(&b);
    map(&b);
    uint64_t at = load(&b, ITS + CWRITER), last = (at + 0x10000 - 32) % 0x10000;
    for (uint64_t i = 0; i < 0x10000; i += 32) {
        store(&b, QUEUE + i, INVALL);
        store(&b, QUEUE + i + 16, 1);
    }
    store(&b, ITS + CWRITER, last);
    g_assert_cmphex(load(&b, ITS + CREADR), !=, last);
    g_assert_cmphex(bench_load(b.m, ITS + CTLR, 4), ==, 1); /* not quiescent */
    for (int i = 0; i < 100; i++) {
        bench_step(b.m, NS_PER_MS);
    }
    g_assert_cmphex(load(&b, ITS + CREADR), ==, last);
    g_assert_cmphex(bench_load(b.m, ITS + CTLR, 4), ==, 0x80000001);
    end(&b);
}

static void test_stall(void)
{
    Bench b;

    begin(&b);
    bench_store(b.m, ITS + CTLR, 4, 0);
    store(&b, ITS + CBASER, VALID | DIST); /* no RAM */
    bench_store(b.m, ITS + CTLR, 4, 1);
    store(&b, ITS + CWRITER, 32);
    g_assert_cmphex(load(&b, ITS + CREADR), ==, 1);
    store(&b, ITS + CWRITER, 32 | 1);
    g_assert_cmphex(load(&b, ITS + CREADR), ==, 1);
    store(&b, ITS + CWRITER, 0x2000); /* outside of the queue: nothing happens */
    g_assert_cmphex(load(&b, ITS + CREADR), ==, 1);
    end(&b);
}

/* ---- an ITS in the host's kernel: tables as Linux has them, arm-vgic-its.rst ---- */

static struct {
    GHashTable *regs; /* kind, cpu, register -> value; the ITS's: kind 7 */
    AccelArmGic opened;
    Bench *b;
    int restored, saved, messages;
} host;

static uint64_t *host_reg(unsigned kind, unsigned cpu, uint32_t reg)
{
    void *key = (void *)((uintptr_t)kind << 56 | (uintptr_t)cpu << 40 | reg);
    uint64_t *v = g_hash_table_lookup(host.regs, key);

    if (!v) {
        v = g_new0(uint64_t, 1);
        g_hash_table_insert(host.regs, key, v);
    }
    return v;
}

static bool host_access(unsigned kind, unsigned cpu, uint32_t reg, uint64_t *val, bool write)
{
    uint64_t *v = host_reg(kind, cpu, reg);

    if (write) {
        *v = *val;
    }
    *val = *v;
    return true;
}

static bool host_open(Machine *m, const AccelArmGic *g, Error **errp)
{
    host.opened = *g;
    return true;
}

static bool host_gic(Machine *m, AccelGicRegs kind, unsigned cpu, uint32_t reg, uint64_t *val, bool write)
{
    return host_access(kind, cpu, reg, val, write);
}

static bool host_its(Machine *m, uint32_t reg, uint64_t *val, bool write)
{
    return host_access(7, 0, reg, val, write);
}

static void host_line(Machine *m, unsigned intid, bool level)
{
}

static void host_its_reset(Machine *m)
{
}

/* Saved: the collections come in another order, and interrupt 8192 became pending on processor 1. */
static bool host_tables(Machine *m, bool restore)
{
    if (restore) {
        g_assert_cmphex(*host_reg(7, 0, CTLR), ==, 0); /* before it is switched on */
        host.restored++;
    } else {
        store(host.b, COLLECTIONS, VALID | 2 << 16 | 2);
        store(host.b, COLLECTIONS + 8, VALID | 1 << 16 | 1);
        host.saved++;
    }
    return true;
}

static bool host_lpis(Machine *m)
{
    bench_store(m, PENDING + 0x10000 + 1024, 1, bench_load(m, PENDING + 0x10000 + 1024, 1) | 1);
    return true;
}

static void host_message(Machine *m, uint16_t requester, uint64_t addr, uint32_t data)
{
    g_assert_cmphex(addr, ==, TRANSLATER);
    host.messages += requester + data;
}

static const AccelArmOps host_ops = {
    .gic_open = host_open, .gic_line = host_line, .gic_access = host_gic, .its_reset = host_its_reset,
    .its_access = host_its, .its_tables = host_tables, .lpis_to_memory = host_lpis, .its_message = host_message,
};

static void check_tables(Bench *b)
{
    g_assert_cmphex(load(b, DEVICES + 8 * 8), ==, VALID | 0x28ull << 49 | ITT >> 3 | 1);
    g_assert_cmphex(load(b, DEVICES + 8 * 0x30), ==, VALID | (ITT + 0x100) >> 3 | 3);
    for (uint64_t i = 0; i < 4; i++) {
        g_assert_cmphex(load(b, ITT + 8 * i), ==, (i < 3 ? 1ull << 48 : 0) | (8192 + i) << 16 | 1);
    }
    g_assert_cmphex(load(b, ITT + 0x100 + 8 * 5), ==, 7ull << 48 | 8200 << 16 | 2);
    g_assert_cmphex(load(b, ITT + 0x100 + 8 * 12), ==, 8201 << 16 | 2);
    g_assert_cmphex(load(b, COLLECTIONS), ==, VALID | 1 << 16 | 1);
    g_assert_cmphex(load(b, COLLECTIONS + 8), ==, VALID | 2 << 16 | 2);
    g_assert_cmphex(load(b, COLLECTIONS + 16), ==, 0);
    g_assert_cmphex(bench_load(b->m, PENDING + 0x10000 + 1024, 1), ==, 1 << 3);
}

static void test_moves(void)
{
    const AccelArmGic where = {.version = 3, .irqs = 64, .its = ITS};
    Bench b;

    begin(&b);
    host.regs = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    host.b = &b;
    map(&b);
    mapd(&b, 0x30, ITT + 0x100, 4);
    mapti(&b, 0x30, 5, 8200, 2);
    mapti(&b, 0x30, 12, 8201, 2);
    message(&b, 8, 3);
    g_assert_true(gic_lend(b.gic, &host_ops, &where, NULL));
    host.opened.hand_over(host.opened.gic, &host_ops);
    g_assert_cmpint(b.irq[1].level, ==, 0);
    g_assert_cmpint(host.restored, ==, 1);
    g_assert_cmphex(*host_reg(7, 0, CTLR), ==, 1);
    g_assert_cmphex(*host_reg(7, 0, BASER0), ==, load(&b, ITS + BASER0));
    g_assert_cmphex(*host_reg(7, 0, CWRITER), ==, load(&b, ITS + CREADR));
    check_tables(&b);
    message(&b, 8, 2);
    g_assert_cmpint(host.messages, ==, 10);
    host.opened.hand_over(host.opened.gic, NULL);
    g_assert_cmpint(host.saved, ==, 1);
    g_assert_cmpuint(take(&b, 1), ==, 8192);
    g_assert_cmpuint(take(&b, 1), ==, 8195);
    g_assert_cmpuint(take(&b, 1), ==, 1023);
    message(&b, 8, 2);
    g_assert_cmpuint(take(&b, 1), ==, 8194);
    message(&b, 0x30, 12);
    g_assert_cmpuint(take(&b, 2), ==, 8201);
    g_assert_cmpint(host.messages, ==, 10);
    end(&b);
    g_hash_table_destroy(host.regs);
}

static uint64_t random64(void)
{
    return (uint64_t)(uint32_t)g_test_rand_int() << 32 | (uint32_t)g_test_rand_int();
}

/* Tables, commands and messages at random, also where there are chips or nothing. */
static void test_hostile(void)
{
    static const uint64_t addresses[] = {0, RAM, ITT, DEVICES, DIST, REDIST, ITS, 0xfffffffff000, RAM + RAM_SIZE - 8};
    Bench b;

    begin(&b);
    for (int i = 0; i < 20000; i++) {
        uint64_t d[4];
        for (int k = 0; k < 4; k++) {
            d[k] = random64() & (g_test_rand_bit() ? 0xffff : ~0ull);
        }
        d[0] = (d[0] & 0xfffffff00ull << 32) | (uint64_t)(g_test_rand_int_range(0, 16)) << 32 | g_test_rand_int_range(0, 17);
        d[1] = g_test_rand_bit() ? (8192ull + (d[1] & 0x1f)) << 32 | (d[1] & 7) : d[1];
        d[2] = g_test_rand_bit() ? VALID | addresses[g_test_rand_int_range(0, 9)] : d[2];
        command(&b, d[0], d[1], d[2], d[3]);
        message(&b, g_test_rand_int_range(0, 16), g_test_rand_int_range(0, 16));
        if (i % 500 == 0) { /* tables elsewhere, rubbish in them */
            bench_store(b.m, ITS + CTLR, 4, 0);
            store(&b, ITS + BASER0, (random64() & (1ull << 62 | 0x3ff)) | VALID | addresses[g_test_rand_int_range(0, 9)]);
            store(&b, ITS + BASER1, (random64() & (1ull << 62 | 0x3ff)) | VALID | addresses[g_test_rand_int_range(0, 9)]);
            bench_store(b.m, ITS + CTLR, 4, 1);
            for (int cpu = 0; cpu < CPUS; cpu++) {
                hwaddr r = REDIST + cpu * 0x20000;
                bench_store(b.m, r, 4, 0);
                store(&b, r + 0x70, addresses[g_test_rand_int_range(0, 9)] | (random64() & 0x1f));
                store(&b, r + 0x78, addresses[g_test_rand_int_range(0, 9)]);
                bench_store(b.m, r, 4, 1);
            }
        }
        store(&b, RAM + (random64() % (QUEUE - RAM) & ~7ull), random64());
        for (int cpu = 0; cpu < CPUS; cpu++) {
            take(&b, cpu);
        }
    }
    end(&b);
}

/* Saved states with a few bytes changed: refused, or worked with. The census cannot make an ITS alone. */
static void test_random_state(void)
{
    Bench b;
    int accepted = 0;

    begin(&b);
    map(&b);
    message(&b, 8, 1);
    for (int i = 0; i < 1000; i++) {
        Device *d = i & 1 ? b.its : b.gic;
        g_autoptr(GByteArray) saved = g_byte_array_new();
        device_save(d, saved);
        for (int k = g_test_rand_int_range(1, 5); k > 0; k--) {
            saved->data[g_test_rand_int_range(0, MIN(saved->len, i & 2 ? 256 : saved->len))] = g_test_rand_int();
        }
        accepted += device_load(d, saved->data, saved->len, NULL);
        store(&b, ITS + CWRITER, g_test_rand_int_range(0, 0x800) * 32);
        bench_store(b.m, ITS + CTLR, 4, 1);
        message(&b, 8, g_test_rand_int_range(0, 4));
        take(&b, 1);
        bench_step(b.m, NS_PER_MS);
    }
    g_assert_cmpint(accepted, >, 50);
    end(&b);
}

static void test_refusals(void)
{
    Machine *m = bench_new(1);
    Device *gic = bench_device(m, NULL, "arm-gicv3", NULL), *its = device_new(m, &arm_gicv3_its_type, NULL, NULL);
    Error *err = NULL;

    g_assert_false(device_realize(its, &err));
    g_assert_nonnull(err);
    g_clear_pointer(&err, error_free);
    device_set_ptr(its, "parent-gicv3", gic); /* it has no LPIs */
    g_assert_false(device_realize(its, &err));
    g_assert_nonnull(err);
    error_free(err);
    device_free(its);
    bench_free(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gicv3-its/12.19-reset", test_reset);
    g_test_add_func("/gicv3-its/5.2-message", test_message);
    g_test_add_func("/gicv3-its/5.1.1-configuration", test_configuration);
    g_test_add_func("/gicv3-its/5.3-commands", test_commands);
    g_test_add_func("/gicv3-its/5.2.1-indirect", test_indirect);
    g_test_add_func("/gicv3-its/5.1.2-pending-table", test_pending_table);
    g_test_add_func("/gicv3-its/state", test_state);
    g_test_add_func("/gicv3-its/5.3-budget", test_budget);
    g_test_add_func("/gicv3-its/5.3-stall", test_stall);
    g_test_add_func("/gicv3-its/moves", test_moves);
    g_test_add_func("/gicv3-its/hostile", test_hostile);
    g_test_add_func("/gicv3-its/random-state", test_random_state);
    g_test_add_func("/gicv3-its/refusals", test_refusals);
    return g_test_run();
}
