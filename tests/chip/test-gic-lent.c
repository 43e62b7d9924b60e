/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GICs whose state goes to the host's kernel and comes back, wires and messages that go there. The kernel is a table of
 * registers here, with the rules of Linux' vgic devices: set and clear registers are two sides of one.
 */
#include <string.h>

#include "harness.h"
#include "hw/intc/gic.h"

#define CPUS 3
#define IRQS (32 + 64)
#define FRAME 0x10000u

static struct {
    GHashTable *regs; /* kind, cpu, register -> value */
    AccelArmGic opened;
    bool refuse;
    int its_resets, level[IRQS];
} host;

static void *key_of(AccelGicRegs kind, unsigned cpu, uint32_t reg)
{
    return (void *)((uintptr_t)kind << 56 | (uintptr_t)(cpu + 1) << 40 | reg);
}

static uint64_t get(AccelGicRegs kind, unsigned cpu, uint32_t reg)
{
    return (uint64_t)(uintptr_t)g_hash_table_lookup(host.regs, key_of(kind, cpu, reg));
}

static void put(AccelGicRegs kind, unsigned cpu, uint32_t reg, uint64_t val)
{
    g_hash_table_insert(host.regs, key_of(kind, cpu, reg), (void *)(uintptr_t)val);
}

static bool gic_open(Machine *m, const AccelArmGic *g, Error **errp)
{
    host.opened = *g;
    if (host.refuse) {
        error_set(errp, ERR_UNSUPPORTED, "no");
    }
    return !host.refuse;
}

static void gic_line(Machine *m, unsigned intid, bool level)
{
    g_assert_cmpuint(intid, >=, 32);
    g_assert_cmpuint(intid, <, IRQS);
    host.level[intid] = level;
}

/* ISENABLER, ISPENDR and ISACTIVER set bits; the register 80h further clears them. */
static bool gic_access(Machine *m, AccelGicRegs kind, unsigned cpu, uint32_t reg, uint64_t *val, bool write)
{
    uint32_t at = reg % FRAME;
    bool pair = kind != ACCEL_GIC_CPU && at >= 0x100 && at < 0x400, clear = pair && (at & 0x80);
    uint64_t now = get(kind, cpu, clear ? reg - 0x80 : reg);

    if (!write) {
        *val = now;
    } else {
        put(kind, cpu, clear ? reg - 0x80 : reg, clear ? now & ~*val : pair ? now | *val : *val);
    }
    return true;
}

static void its_reset(Machine *m)
{
    host.its_resets++;
}

static bool lpis_to_memory(Machine *m)
{
    g_assert_not_reached(); /* these GICs have no LPIs; test-gicv3-its.c */
}

static const AccelArmOps ops = {
    .gic_open = gic_open, .gic_line = gic_line, .gic_access = gic_access, .its_reset = its_reset,
    .lpis_to_memory = lpis_to_memory,
};

/* ---- a bench ---- */

static Device *begin(Machine **m, const DeviceType *type)
{
    memset(&host, 0, sizeof(host));
    host.regs = g_hash_table_new(NULL, NULL);
    *m = bench_new(CPUS);
    Device *d = device_new(*m, type, NULL, NULL);
    device_set_u64(d, "num-cpu", CPUS);
    device_set_u64(d, "num-irq", IRQS);
    g_assert_true(device_realize(d, NULL));
    return d;
}

static void lend(Device *d, int version)
{
    const AccelArmGic where = {.version = version, .irqs = IRQS, .dist = 0x8000000, .its = UINT64_MAX};

    g_assert_true(gic_lend(d, &ops, &where, NULL));
    g_assert_cmpuint(host.opened.irqs, ==, IRQS);
    machine_reset_devices(d->machine);
}

static void end(Machine *m)
{
    bench_free(m);
    g_hash_table_destroy(host.regs);
}

static uint32_t rnd(void)
{
    return (uint32_t)g_test_rand_int();
}

/* ---- state ---- */

/* Random bits of 32 interrupts in the kernel. */
static void fill_word(AccelGicRegs kind, unsigned cpu, uint32_t base, unsigned n)
{
    static const uint32_t maps[] = {0x80, 0x100, 0x200, 0x300}; /* group, enabled, pending, active */

    for (size_t i = 0; i < G_N_ELEMENTS(maps); i++) {
        put(kind, cpu, base + maps[i] + 4 * n, rnd());
    }
    for (unsigned i = 0; i < 8; i++) {
        put(kind, cpu, base + 0x400 + 32 * n + 4 * i, rnd() & 0xf8f8f8f8);
    }
    put(kind, cpu, base + 0xc00 + 8 * n, rnd() & 0xaaaaaaaa);
    put(kind, cpu, base + 0xc04 + 8 * n, rnd() & 0xaaaaaaaa);
}

static void fill_v3(void)
{
    put(ACCEL_GIC_DIST, 0, 0, 0x52);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        fill_word(ACCEL_GIC_REDIST, cpu, FRAME, 0);
        put(ACCEL_GIC_REDIST, cpu, 0, 1);
        put(ACCEL_GIC_REDIST, cpu, 0x70, 0x40001000u + cpu);
        put(ACCEL_GIC_REDIST, cpu, 0x7c, 1);
        put(ACCEL_GIC_CPU, cpu, 0xc230, 0xf0);           /* ICC_PMR_EL1: 3, 0, 4, 6, 0 */
        put(ACCEL_GIC_CPU, cpu, 0xc663, 3);              /* ICC_BPR1_EL1: 3, 0, 12, 12, 3 */
        put(ACCEL_GIC_CPU, cpu, 0xc667, 1);              /* ICC_IGRPEN1_EL1 */
        put(ACCEL_GIC_CPU, cpu, 0xc648, 1u << (cpu + 4)); /* ICC_AP1R0_EL1: 3, 0, 12, 9, 0 */
        put(ACCEL_GIC_CPU, cpu, 0xc664, 0x402);          /* ICC_CTLR_EL1: EOImode, and what the host has */
    }
    for (unsigned n = 1; n < IRQS / 32; n++) {
        fill_word(ACCEL_GIC_DIST, 0, 0, n);
    }
    for (unsigned i = 32; i < IRQS; i++) {
        put(ACCEL_GIC_DIST, 0, 0x6000 + 8 * i, i % CPUS);
    }
}

static void fill_v2(void)
{
    put(ACCEL_GIC_DIST, 0, 0, 1);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        fill_word(ACCEL_GIC_DIST, cpu, 0, 0);
        put(ACCEL_GIC_DIST, cpu, 0xf24, 0x05000000); /* interrupt 7 of processors 0 and 2 */
        put(ACCEL_GIC_CPU, cpu, 0, 0x201);
        put(ACCEL_GIC_CPU, cpu, 4, 0x1e); /* priority mask: 5 bits */
        put(ACCEL_GIC_CPU, cpu, 8, 3);
        put(ACCEL_GIC_CPU, cpu, 0x1c, 4);
        put(ACCEL_GIC_CPU, cpu, 0xd0, 1u << (cpu + 4) | 1u << 31);
    }
    for (unsigned n = 1; n < IRQS / 32; n++) {
        fill_word(ACCEL_GIC_DIST, 0, 0, n);
        for (unsigned i = 0; i < 8; i++) {
            put(ACCEL_GIC_DIST, 0, 0x800 + 32 * n + 4 * i, rnd() & 0x07070707);
        }
    }
}

/* From the kernel into a saved state, and from there into an empty kernel: it has the same again. */
static void round_trip(int version, const DeviceType *type, void (*fill)(void))
{
    g_autoptr(GByteArray) saved = g_byte_array_new();
    Machine *m;
    Device *d = begin(&m, type);
    GHashTableIter it;
    void *key, *val;

    lend(d, version);
    fill();
    device_save(d, saved);
    GHashTable *before = host.regs;
    host.regs = g_hash_table_new(NULL, NULL);
    g_assert_true(device_load(d, saved->data, saved->len, NULL));
    device_update(d);
    g_hash_table_iter_init(&it, before);
    while (g_hash_table_iter_next(&it, &key, &val)) {
        if (g_hash_table_lookup(host.regs, key) != val && ((uintptr_t)key & 0xffff) != 0xc664) {
            g_error("register %lx: %lx, not %lx", (long)key, (long)g_hash_table_lookup(host.regs, key), (long)val);
        }
    }
    g_hash_table_destroy(before);
    end(m);
}

static void test_v3(void)
{
    round_trip(3, &arm_gicv3_type, fill_v3);
}

static void test_v2(void)
{
    round_trip(2, &arm_gic_type, fill_v2);
}

/* What a guest left in the kernel is gone. */
static void test_reset(void)
{
    Machine *m;
    Device *d = begin(&m, &arm_gicv3_type);

    lend(d, 3);
    fill_v3();
    host.its_resets = 0;
    machine_reset_devices(m);
    g_assert_cmpint(host.its_resets, ==, 1);
    g_assert_cmphex(get(ACCEL_GIC_DIST, 0, 0), ==, 0x50);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        g_assert_cmphex(get(ACCEL_GIC_REDIST, cpu, 0), ==, 0);
        g_assert_cmphex(get(ACCEL_GIC_REDIST, cpu, FRAME + 0x100), ==, 0);
        g_assert_cmphex(get(ACCEL_GIC_CPU, cpu, 0xc230), ==, 0);
        g_assert_cmphex(get(ACCEL_GIC_CPU, cpu, 0xc664), ==, 0x400);
    }
    g_assert_cmphex(get(ACCEL_GIC_DIST, 0, 0x104), ==, 0);
    g_assert_cmphex(get(ACCEL_GIC_DIST, 0, 0x308), ==, 0);
    end(m);
}

/* ---- wires ---- */

static void wires(int version, const DeviceType *type)
{
    Machine *m;
    Device *d = begin(&m, type);
    WireProbe pin = {0};

    device_connect(d, gic_out(0, ARM_PIN_IRQ), bench_wire(&pin));
    lend(d, version);
    pin.rises = 0;
    irq_set(gic_spi(d, 5), 1);
    g_assert_cmpint(host.level[37], ==, 1);
    irq_set(gic_ppi(d, 0, 27), 1); /* the timers are the kernel's: gic_line() would not like it */
    host.level[37] = 0;
    machine_reset_devices(m); /* wires stay as they are */
    g_assert_cmpint(host.level[37], ==, 1);
    irq_set(gic_spi(d, 5), 0);
    g_assert_cmpint(host.level[37], ==, 0);
    g_assert_cmpint(pin.rises, ==, 0);
    end(m);
}

static void test_wires(void)
{
    wires(2, &arm_gic_type);
    wires(3, &arm_gicv3_type);
}

/* The machine moves: the wires work here, and are somebody else's when it has moved back. */
static void moves(int version, const DeviceType *type)
{
    Machine *m;
    Device *d = begin(&m, type);
    WireProbe pin = {0};

    device_connect(d, gic_out(0, ARM_PIN_IRQ), bench_wire(&pin));
    lend(d, version);
    put(ACCEL_GIC_DIST, 0, 0, version == 2 ? 1 : 0x52);
    put(ACCEL_GIC_DIST, 0, 0x84, version == 2 ? 0 : 0x20); /* interrupt 37: group, */
    put(ACCEL_GIC_DIST, 0, 0x104, 0x20);                   /* enabled, */
    put(ACCEL_GIC_DIST, 0, 0x824, 0x00000100);             /* to processor 0 */
    put(ACCEL_GIC_CPU, 0, version == 2 ? 0 : 0xc667, 1);
    put(ACCEL_GIC_CPU, 0, version == 2 ? 4 : 0xc230, version == 2 ? 0x1e : 0xf0);
    host.opened.hand_over(host.opened.gic, NULL);
    g_assert_cmpint(pin.level, ==, 0);
    irq_set(gic_spi(d, 5), 1);
    g_assert_cmpint(pin.level, ==, 1);
    g_assert_cmpint(host.level[37], ==, 0);
    irq_set(gic_ppi(d, 0, 27), 1);
    host.opened.hand_over(host.opened.gic, &ops);
    g_assert_cmpint(pin.level, ==, 0);
    g_assert_cmpint(host.level[37], ==, 1);
    g_assert_cmphex(get(ACCEL_GIC_DIST, 0, 0x104), ==, 0x20);
    irq_set(gic_spi(d, 5), 0);
    g_assert_cmpint(host.level[37], ==, 0);
    host.opened.hand_over(host.opened.gic, NULL); /* the timer's wire is low until our timer says otherwise */
    g_assert_cmpint(pin.level, ==, 0);
    end(m);
}

static void test_moves(void)
{
    moves(2, &arm_gic_type);
    moves(3, &arm_gicv3_type);
}

static void test_refused(void)
{
    const AccelArmGic where = {.version = 3, .irqs = IRQS};
    Error *err = NULL;
    WireProbe pin = {0};
    Machine *m;
    Device *d = begin(&m, &arm_gicv3_type);

    device_connect(d, gic_out(0, ARM_PIN_IRQ), bench_wire(&pin));
    host.refuse = true;
    g_assert_false(gic_lend(d, &ops, &where, &err));
    g_assert_cmpstr(error_message(err), ==, "no");
    error_free(err);
    machine_reset_devices(m);
    irq_set(gic_spi(d, 5), 1);
    g_assert_cmpint(host.level[37], ==, 0);
    end(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gic-lent/v3", test_v3);
    g_test_add_func("/gic-lent/v2", test_v2);
    g_test_add_func("/gic-lent/reset", test_reset);
    g_test_add_func("/gic-lent/wires", test_wires);
    g_test_add_func("/gic-lent/moves", test_moves);
    g_test_add_func("/gic-lent/refused", test_refused);
    return g_test_run();
}
