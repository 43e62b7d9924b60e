/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See harness.h.
 */
#include <stdarg.h>
#include <string.h>

#include "harness.h"

/* ---- CPUs that execute nothing ---- */

static bool bench_cpu_init(Cpu *cpu, const char *model, Error **errp)
{
    return true;
}

static bool bench_cpu_start_at(Cpu *cpu, uint64_t addr, Error **errp)
{
    memcpy(cpu->state, &addr, sizeof(addr));
    return true;
}

uint64_t bench_started_at(Machine *m, int cpu)
{
    uint64_t addr;

    memcpy(&addr, machine_cpu(m, cpu)->state, sizeof(addr));
    return addr;
}

static void bench_cpu_reset(Cpu *cpu)
{
    memset(cpu->state, 0, sizeof(uint64_t));
}


static const TargetOps bench_target = {
    .name = "bench",
    .state_size = 64,
    .init = bench_cpu_init,
    .reset = bench_cpu_reset,
    .start_at = bench_cpu_start_at,
};
TARGET(bench_target);

static bool bench_build(Machine *m, Device *board, Error **errp)
{
    const MachineConfig *c = machine_config(m);
    MemoryRegion *ram = region_new_ram(m, "ram", c->ram_size, errp);

    if (!ram) {
        return false;
    }
    region_add(machine_memory_root(m), 0, ram, -1);
    region_unref(ram);
    for (int i = 0; i < c->cpus; i++) {
        if (!cpu_create(m, i, i, NULL, errp)) {
            return false;
        }
    }
    return true;
}

static const BoardType bench_board = {
    .name = "bench",
    .help = "CPUs that execute nothing, for tests of chips",
    .arch = "bench",
    .build = bench_build,
};
BOARD(bench_board);

/* ---- machine ---- */

Machine *bench_new(int cpus)
{
    g_autoptr(GMainContext) loop = g_main_context_new();
    MachineConfig cfg = {
        .board = cpus ? "bench" : "none",
        .accel = "null",
        .ram_size = 0x10000,
        .cpus = cpus,
    };
    Machine *m = machine_new(&cfg, loop);
    Error *err = NULL;

    clock_set_manual(m);
    if (!machine_build(m, cpus ? "bench" : "", &err)) {
        g_error("%s", error_message(err));
    }
    return m;
}

void bench_free(Machine *m)
{
    machine_free(m);
}

Device *bench_device(Machine *m, Device *parent, const char *type, ...)
{
    Error *err = NULL;
    const DeviceType *t = device_type_find(type, &err);
    va_list ap;

    g_assert_nonnull(t);
    Device *d = device_new(m, t, parent, NULL);
    va_start(ap, type);
    for (const char *p = va_arg(ap, const char *); p && !err; p = va_arg(ap, const char *)) {
        g_auto(GStrv) kv = g_strsplit(p, "=", 2);
        device_set(d, kv[0], kv[1], &err);
    }
    va_end(ap);
    if (err || !device_realize(d, &err)) {
        g_error("%s: %s", type, error_message(err));
    }
    return d;
}

void bench_step(Machine *m, int64_t ns)
{
    clock_advance(m, ns);
    g_main_context_iteration(machine_loop(m), FALSE);
}

void bench_oversleep(Machine *m, int64_t ns)
{
    clock_oversleep(m, ns);
    g_main_context_iteration(machine_loop(m), FALSE);
}

/* ---- accesses ---- */

uint64_t bench_in(Machine *m, uint16_t port, unsigned size)
{
    uint64_t v = 0;

    address_space_load(machine_ports(m), port, MEM_ATTRS_NONE, size, &v);
    return v;
}

void bench_out(Machine *m, uint16_t port, unsigned size, uint64_t value)
{
    address_space_store(machine_ports(m), port, MEM_ATTRS_NONE, size, value);
}

uint64_t bench_load(Machine *m, hwaddr addr, unsigned size)
{
    uint64_t v = 0;

    address_space_load(machine_memory(m), addr, MEM_ATTRS_NONE, size, &v);
    return v;
}

void bench_store(Machine *m, hwaddr addr, unsigned size, uint64_t value)
{
    address_space_store(machine_memory(m), addr, MEM_ATTRS_NONE, size, value);
}

/* ---- wires and state ---- */

static void probe_level(void *opaque, int n, int level)
{
    WireProbe *p = opaque;

    p->calls++;
    p->rises += level && !p->level;
    p->falls += !level && p->level;
    p->level = level;
}

Irq bench_wire(WireProbe *p)
{
    return (Irq){probe_level, p, 0};
}

void bench_transplant(Device *from, Device *to)
{
    g_autoptr(GByteArray) b = g_byte_array_new();
    Error *err = NULL;

    device_save(from, b);
    if (!device_load(to, b->data, b->len, &err)) {
        g_error("%s", error_message(err));
    }
}

bool bench_same_state(Device *a, Device *b)
{
    g_autoptr(GByteArray) x = g_byte_array_new(), y = g_byte_array_new();

    device_save(a, x);
    device_save(b, y);
    return x->len == y->len && memcmp(x->data, y->data, x->len) == 0;
}
