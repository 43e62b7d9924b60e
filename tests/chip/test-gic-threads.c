/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GICs under threads, as processors and devices use them: each processor's thread sends SGIs, acknowledges and ends, others
 * pulse SPIs, move them, send messages. In the end nothing may be left over, and nothing may have come that was not sent.
 */
#include <string.h>

#include "base/bits.h"
#include "core/internal.h"
#include "harness.h"
#include "hw/intc/gic.h"
#include "hw/intc/gicv3_sysreg.h"

#define DIST 0x08000000ull
#define CPU 0x08010000ull
#define ITS 0x08080000ull
#define REDIST 0x080a0000ull
#define RAM 0x40000000ull
#define CONFIG (RAM + 0x40000)
#define QUEUE (RAM + 0x50000)
#define DEVICES (RAM + 0x60000)
#define COLLECTIONS (RAM + 0x70000)
#define ITT (RAM + 0x80000)
#define VALID (1ull << 63)
#define CPUS 4
#define ROUNDS 20000 /* of a processor */
#define EDGES 20000  /* of a device */
#define PATIENCE 10 /* seconds till an interrupt counts as lost */
#define SPIS 32
#define LPIS 8

typedef struct Bench {
    Machine *m;
    Device *gic, *its;
    bool v3, done;         /* atomic */
    WireProbe pin[CPUS][4];
    uint32_t sent[SPIS], got[SPIS]; /* atomic: edges of SPIs, acknowledges */
    uint32_t strange;      /* atomic: interrupts that nobody sends */
} Bench;
typedef struct Worker {
    Bench *b;
    int cpu;
    GThread *thread;
} Worker;

static void store(Bench *b, hwaddr a, unsigned size, uint64_t v)
{
    bench_store(b->m, a, size, v);
}

static uint64_t acknowledge(Bench *b, int cpu)
{
    Cpu *c = machine_cpu(b->m, cpu);
    uint64_t v = bench_load(b->m, CPU + 0xc, 4);

    if (b->v3) {
        g_assert_true(c->intc->sysreg_read(c->intc_opaque, ICC_IAR1, &v));
    }
    return v;
}

static void write_reg(Bench *b, int cpu, uint32_t sysreg, hwaddr v2, uint64_t v)
{
    Cpu *c = machine_cpu(b->m, cpu);

    if (b->v3) {
        g_assert_true(c->intc->sysreg_write(c->intc_opaque, sysreg, v));
    } else {
        store(b, v2, 4, v);
    }
}

static void note(Bench *b, uint32_t intid)
{
    if (intid >= 32 && intid < 32 + SPIS) {
        __atomic_fetch_add(&b->got[intid - 32], 1, __ATOMIC_SEQ_CST);
    } else if (intid >= 4 && (intid < 8192 || intid >= 8192 + LPIS)) {
        __atomic_fetch_add(&b->strange, 1, __ATOMIC_SEQ_CST);
    }
}

static bool serve(Bench *b, int cpu)
{
    uint64_t v = acknowledge(b, cpu);
    uint32_t intid = b->v3 ? v : v & 0x3ff;

    if (intid >= 1020 && intid < 1024) {
        return false;
    }
    note(b, intid);
    write_reg(b, cpu, ICC_EOIR1, CPU + 0x10, v);
    return true;
}

static gpointer processor(gpointer opaque)
{
    Worker *w = opaque;
    Bench *b = w->b;
    g_autoptr(GRand) r = g_rand_new_with_seed(w->cpu + 1);

    cpu_set_current(machine_cpu(b->m, w->cpu));
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t to = g_rand_int(r) & 15, n = g_rand_int(r) & 3;
        if (i % 3 == 0) {
            write_reg(b, w->cpu, ICC_SGI1R, DIST + 0xf00, b->v3 ? (uint64_t)n << 24 | to : to << 16 | n);
        }
        if (i % 64 == 0) { /* masked for a while */
            write_reg(b, w->cpu, ICC_PMR, CPU + 4, 0);
            write_reg(b, w->cpu, ICC_PMR, CPU + 4, 0xf0);
        }
        serve(b, w->cpu);
    }
    while (!__atomic_load_n(&b->done, __ATOMIC_SEQ_CST)) {
        if (!serve(b, w->cpu)) {
            g_thread_yield();
        }
    }
    cpu_set_current(NULL);
    return NULL;
}

/* Each edge is acknowledged once, whoever else changes the words that it stands in. */
static void pulse(Bench *b, int n)
{
    uint32_t sent = __atomic_add_fetch(&b->sent[n], 1, __ATOMIC_SEQ_CST);
    gint64 until = g_get_monotonic_time() + PATIENCE * G_TIME_SPAN_SECOND;

    irq_pulse(gic_spi(b->gic, n));
    while (__atomic_load_n(&b->got[n], __ATOMIC_SEQ_CST) != sent) {
        if (g_get_monotonic_time() > until) {
            g_error("SPI %d: %u of %u edges came", n, b->got[n], sent);
        }
        g_thread_yield();
    }
}

static gpointer device(gpointer opaque)
{
    Worker *w = opaque;
    Bench *b = w->b;
    g_autoptr(GRand) r = g_rand_new_with_seed(w->cpu + 100);

    for (int i = 0; i < EDGES; i++) {
        int n = g_rand_int_range(r, 0, SPIS / 2) * 2 + w->cpu % 2; /* two threads, each with wires of its own */
        pulse(b, n);
        if (i % 16 == 0) {
            int to = g_rand_int_range(r, 0, CPUS);
            if (b->v3) {
                store(b, DIST + 0x6000 + 8 * (32 + n), 8, to);
            } else {
                store(b, DIST + 0x820 + n, 1, 1u << to);
            }
        }
        if (b->its) {
            gicv3_its_message(b->its, 8, ITS + 0x10040, g_rand_int_range(r, 0, LPIS));
        }
    }
    return NULL;
}

static void make_v3(Bench *b)
{
    b->gic = device_new(b->m, &arm_gicv3_type, NULL, NULL);
    device_set_u64(b->gic, "num-cpu", CPUS);
    device_set_u64(b->gic, "num-irq", 32 + SPIS);
    device_set_u64(b->gic, "has-lpi", true);
    g_assert_true(device_realize(b->gic, NULL));
    region_add(machine_memory_root(b->m), DIST, gic_region(b->gic, GIC_REGION_DIST, false), 0);
    region_add(machine_memory_root(b->m), REDIST, gic_region(b->gic, GIC_REGION_REDIST0, false), 0);
    b->its = device_new(b->m, &arm_gicv3_its_type, NULL, NULL);
    device_set_u64(b->its, "base", ITS);
    device_set_ptr(b->its, "parent-gicv3", b->gic);
    g_assert_true(device_realize(b->its, NULL));
}

static void command(Bench *b, uint64_t d0, uint64_t d1, uint64_t d2)
{
    uint64_t at = bench_load(b->m, ITS + 0x88, 8);

    store(b, QUEUE + at, 8, d0);
    store(b, QUEUE + at + 8, 8, d1);
    store(b, QUEUE + at + 16, 8, d2);
    store(b, ITS + 0x88, 8, at + 32);
}

/* LPIs of device 8, one after the other for each processor. */
static void set_up_lpis(Bench *b)
{
    for (hwaddr a = CONFIG; a < CONFIG + LPIS; a++) {
        store(b, a, 1, 0xa1);
    }
    for (int i = 0; i < CPUS; i++) {
        store(b, REDIST + i * 0x20000 + 0x70, 8, CONFIG | 15);
        store(b, REDIST + i * 0x20000 + 0x78, 8, RAM + i * 0x10000);
        store(b, REDIST + i * 0x20000, 4, 1);
    }
    store(b, ITS + 0x100, 8, VALID | DEVICES | 2 << 8);
    store(b, ITS + 0x108, 8, VALID | COLLECTIONS | 2 << 8);
    store(b, ITS + 0x80, 8, VALID | QUEUE | 15);
    store(b, ITS, 4, 1);
    command(b, 8ull << 32 | 8, 3, VALID | ITT);
    for (uint64_t i = 0; i < CPUS; i++) {
        command(b, 9, 0, VALID | i << 16 | i);
    }
    for (uint64_t i = 0; i < LPIS; i++) {
        command(b, 8ull << 32 | 10, (8192 + i) << 32 | i, i % CPUS);
    }
}

static void set_up(Bench *b)
{
    store(b, DIST, 4, 0x53);
    store(b, DIST + 0x104, 4, ~0u);
    store(b, DIST + 0xc08, 4, 0xaaaaaaaa);
    store(b, DIST + 0xc0c, 4, 0xaaaaaaaa);
    if (b->v3) {
        store(b, DIST + 0x84, 4, ~0u);
        set_up_lpis(b);
    }
    for (int n = 0; n < SPIS; n++) {
        store(b, DIST + 0x820 + n, 1, 1u << n % CPUS);
    }
    for (int i = 0; i < CPUS; i++) {
        cpu_set_current(machine_cpu(b->m, i));
        if (b->v3) {
            store(b, REDIST + i * 0x20000 + 0x10080, 4, ~0u);
            store(b, REDIST + i * 0x20000 + 0x10100, 4, ~0u);
        }
        write_reg(b, i, ICC_PMR, CPU + 4, 0xf0);
        write_reg(b, i, ICC_IGRPEN1, CPU, 1);
    }
    cpu_set_current(NULL);
}

static void begin(Bench *b, bool v3)
{
    *b = (Bench){.m = bench_new(CPUS), .v3 = v3};
    MemoryRegion *ram = region_new_ram(b->m, "more", 0x100000, NULL);
    region_add(machine_memory_root(b->m), RAM, ram, 0);
    region_unref(ram);
    if (v3) {
        make_v3(b);
    } else {
        b->gic = device_new(b->m, &arm_gic_type, NULL, NULL);
        device_set_u64(b->gic, "num-cpu", CPUS);
        device_set_u64(b->gic, "num-irq", 32 + SPIS);
        g_assert_true(device_realize(b->gic, NULL));
        region_add(machine_memory_root(b->m), DIST, gic_region(b->gic, GIC_REGION_DIST, false), 0);
        region_add(machine_memory_root(b->m), CPU, gic_region(b->gic, GIC_REGION_CPU, false), 0);
    }
    for (int i = 0; i < CPUS * 4; i++) {
        device_connect(b->gic, i, bench_wire(&b->pin[i / 4][i % 4]));
    }
    machine_reset_devices(b->m);
    set_up(b);
}

static void check_rest(Bench *b)
{
    uint64_t v;

    for (int i = 0; i < CPUS; i++) {
        Cpu *c = machine_cpu(b->m, i);
        cpu_set_current(c);
        while (serve(b, i)) {
        }
        v = bench_load(b->m, CPU + 0x14, 4);
        if (b->v3) {
            g_assert_true(c->intc->sysreg_read(c->intc_opaque, ICC_RPR, &v));
        }
        g_assert_cmphex(v, ==, 0xff);
        hwaddr own = b->v3 ? REDIST + i * 0x20000 + 0x10000 : DIST;
        g_assert_cmphex(bench_load(b->m, own + 0x200, 4) | bench_load(b->m, own + 0x300, 4), ==, 0);
    }
    cpu_set_current(NULL);
    for (int i = 0; i < CPUS; i++) {
        g_assert_cmpint(b->pin[i][ARM_PIN_IRQ].level, ==, 0);
        g_assert_cmpint(b->pin[i][ARM_PIN_IRQ].rises, >, 0);
    }
    g_assert_cmphex(bench_load(b->m, DIST + 0x204, 4) | bench_load(b->m, DIST + 0x304, 4), ==, 0);
    for (int n = 0; n < SPIS; n++) {
        g_assert_cmpuint(b->got[n], >, 0);
        g_assert_cmpuint(b->got[n], ==, b->sent[n]);
    }
    g_assert_cmpuint(b->strange, ==, 0);
}

static void test_threads(gconstpointer v3)
{
    Bench b;
    Worker cpus[CPUS], devices[2];

    begin(&b, v3 != NULL);
    for (int i = 0; i < CPUS; i++) {
        cpus[i] = (Worker){&b, i, NULL};
        cpus[i].thread = g_thread_new("cpu", processor, &cpus[i]);
    }
    for (int i = 0; i < 2; i++) {
        devices[i] = (Worker){&b, i, NULL};
        devices[i].thread = g_thread_new("device", device, &devices[i]);
    }
    for (int i = 0; i < 2; i++) {
        g_thread_join(devices[i].thread);
    }
    __atomic_store_n(&b.done, true, __ATOMIC_SEQ_CST);
    for (int i = 0; i < CPUS; i++) {
        g_thread_join(cpus[i].thread);
    }
    check_rest(&b);
    bench_free(b.m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/gic-threads/v2", NULL, test_threads);
    g_test_add_data_func("/gic-threads/v3", "v3", test_threads);
    return g_test_run();
}
