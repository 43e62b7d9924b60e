/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Region trees, flat views, bus accesses, watches.
 */
#include <string.h>

#include "toy.h"

#define SIZE 0x10000

/* A device that records its last accesses; reads answer with offset-coded bytes. */
typedef struct Probe {
    int reads, writes;
    hwaddr offset[16];
    unsigned size[16];
    uint64_t value[16];
    Machine *m;
    MemResult inner; /* what its own access inside a callback came to */
    hwaddr reach;
} Probe;

static uint64_t probe_read(void *opaque, hwaddr offset, unsigned size)
{
    Probe *p = opaque;
    uint64_t v = 0;

    g_assert_true(machine_locked(p->m));
    p->offset[p->reads % 16] = offset;
    p->size[p->reads++ % 16] = size;
    for (unsigned i = 0; i < size; i++) {
        v |= (uint64_t)(uint8_t)(offset + i) << (8 * i);
    }
    return v;
}

static void probe_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    Probe *p = opaque;

    p->offset[p->writes % 16] = offset;
    p->size[p->writes % 16] = size;
    p->value[p->writes++ % 16] = value;
    if (p->reach) {
        p->inner = address_space_store(machine_memory(p->m), p->reach, (MemAttrs){.dma = true}, 4, 7);
    }
}

static const IoOps probe_ops = {.read = probe_read, .write = probe_write};
static const IoOps probe32_ops = {.read = probe_read, .write = probe_write, .min_size = 4, .max_size = 4};
static const IoOps probe8_ops = {.read = probe_read, .write = probe_write, .max_size = 1};
static const IoOps probe_unaligned_ops = {.read = probe_read, .write = probe_write, .unaligned = true};

static Machine *new_machine(void)
{
    return toy_machine((MachineConfig){.ram_size = SIZE, .cpus = 1}, NULL);
}

static void add_io(Machine *m, Probe *p, const IoOps *ops, hwaddr at, uint64_t size)
{
    MemoryRegion *r = region_new_io("probe", ops, p, size);

    p->m = m;
    region_add(machine_memory_root(m), at, r, 1);
    region_unref(r);
}

static uint64_t load(Machine *m, hwaddr addr, unsigned size)
{
    uint64_t v = 0;

    address_space_load(machine_memory(m), addr, MEM_ATTRS_NONE, size, &v);
    return v;
}

static MemResult store(Machine *m, hwaddr addr, unsigned size, uint64_t v)
{
    return address_space_store(machine_memory(m), addr, MEM_ATTRS_NONE, size, v);
}

static void test_ram(void)
{
    Machine *m = new_machine();
    uint8_t buf[32];

    g_assert_cmpint(store(m, 0x100, 8, 0x1122334455667788), ==, MEM_OK);
    g_assert_cmphex(load(m, 0x100, 8), ==, 0x1122334455667788);
    g_assert_cmphex(load(m, 0x101, 2), ==, 0x6677);
    g_assert_cmphex(load(m, 0x103, 4), ==, 0x22334455);
    memset(buf, 0xa5, sizeof(buf));
    g_assert_cmpint(address_space_write(machine_memory(m), SIZE - 16, MEM_ATTRS_NONE, buf, 32), ==,
                    MEM_DECODE_ERROR);
    memset(buf, 0, sizeof(buf));
    g_assert_cmpint(address_space_read(machine_memory(m), SIZE - 16, MEM_ATTRS_NONE, buf, 32), ==,
                    MEM_DECODE_ERROR);
    g_assert_cmphex(buf[15], ==, 0xa5);
    g_assert_cmphex(buf[16], ==, 0xff);
    g_assert_cmphex(buf[31], ==, 0xff);
    g_assert_cmphex(load(m, SIZE - 2, 4), ==, 0xffffa5a5);
    machine_free(m);
}

static void test_top_of_space(void)
{
    Machine *m = new_machine();
    uint8_t buf[64];

    memset(buf, 0, sizeof(buf));
    g_assert_cmpint(address_space_read(machine_memory(m), UINT64_MAX - 3, MEM_ATTRS_NONE, buf, 64), ==,
                    MEM_DECODE_ERROR);
    g_assert_cmphex(buf[63], ==, 0xff); /* not what stands at address 0 */
    g_assert_cmphex(load(m, UINT64_MAX - 3, 8), ==, UINT64_MAX);
    g_assert_cmpint(address_space_write(machine_memory(m), UINT64_MAX, MEM_ATTRS_NONE, buf, 64), ==,
                    MEM_DECODE_ERROR);
    uint64_t len = UINT64_MAX;
    g_assert_nonnull(address_space_map(machine_memory(m), 0x1000, &len, true));
    g_assert_cmphex(len, ==, SIZE - 0x1000);
    machine_free(m);
}

static void test_sizes(void)
{
    Machine *m = new_machine();
    Probe p = {0}, p32 = {0}, p8 = {0}, pu = {0};

    add_io(m, &p, &probe_ops, 0x100000, 0x100);
    add_io(m, &p32, &probe32_ops, 0x200000, 0x100);
    add_io(m, &p8, &probe8_ops, 0x300000, 0x100);
    add_io(m, &pu, &probe_unaligned_ops, 0x400000, 0x100);

    g_assert_cmphex(load(m, 0x100010, 8), ==, 0x1716151413121110);
    g_assert_cmpint(p.reads, ==, 1);
    g_assert_cmphex(load(m, 0x100013, 4), ==, 0x16151413);
    g_assert_cmpint(p.reads, ==, 4); /* 1 + 2 + 1 */
    g_assert_cmphex(load(m, 0x400013, 4), ==, 0x16151413);
    g_assert_cmpint(pu.reads, ==, 1);

    g_assert_cmphex(load(m, 0x200012, 2), ==, 0x1312); /* widened */
    g_assert_cmpint(p32.reads, ==, 1);
    g_assert_cmphex(p32.offset[0], ==, 0x10);
    g_assert_cmpint(p32.size[0], ==, 4);
    g_assert_cmphex(load(m, 0x200010, 8), ==, 0x1716151413121110);
    g_assert_cmpint(p32.reads, ==, 3);
    store(m, 0x200021, 1, 0xab);
    g_assert_cmphex(p32.value[0], ==, 0xab00);
    g_assert_cmphex(p32.offset[0], ==, 0x20);

    g_assert_cmphex(load(m, 0x300010, 4), ==, 0x13121110);
    g_assert_cmpint(p8.reads, ==, 4);
    store(m, 0x300010, 2, 0x1234);
    g_assert_cmphex(p8.value[0], ==, 0x34);
    g_assert_cmphex(p8.value[1], ==, 0x12);
    /* over its end, and a block copy */
    g_assert_cmphex(load(m, 0x1000fe, 4), ==, 0xfffffffeull);
    uint8_t buf[16];
    g_assert_cmpint(address_space_read(machine_memory(m), 0x100021, MEM_ATTRS_NONE, buf, 9), ==, MEM_OK);
    for (int i = 0; i < 9; i++) {
        g_assert_cmphex(buf[i], ==, 0x21 + i);
    }
    machine_free(m);
}

static void test_priorities(void)
{
    Machine *m = new_machine();
    MemoryRegion *root = machine_memory_root(m);
    Error *err = NULL;
    MemoryRegion *rom = region_new_rom(m, "rom", 0x1000, &err);
    MemoryRegion *ram = region_new_ram(m, "shadow", 0x1000, &err);

    region_ram(rom)->host[0] = 0x55;
    region_ram(ram)->host[0] = 0x66;
    region_add(root, 0x4000, rom, 1);
    region_add(root, 0x4000, ram, 2);
    g_assert_cmphex(load(m, 0x4000, 1), ==, 0x66);
    region_set_enabled(ram, false);
    g_assert_cmphex(load(m, 0x4000, 1), ==, 0x55);
    g_assert_cmpint(store(m, 0x4000, 1, 9), ==, MEM_OK);
    g_assert_cmphex(load(m, 0x4000, 1), ==, 0x55);
    region_set_enabled(ram, true);
    region_set_readonly(ram, true);
    store(m, 0x4000, 1, 9);
    g_assert_cmphex(load(m, 0x4000, 1), ==, 0x66);
    uint8_t nine = 9;
    g_assert_true(address_space_poke(machine_memory(m), 0x4000, &nine, 1));
    g_assert_cmphex(load(m, 0x4000, 1), ==, 9);
    region_remove(root, ram);
    g_assert_cmphex(load(m, 0x4000, 1), ==, 0x55);
    region_remove(root, rom);
    g_assert_cmphex(load(m, 0x4000, 1), ==, 0);
    region_unref(rom);
    region_unref(ram);
    machine_free(m);
}

static void test_aliases(void)
{
    Machine *m = new_machine();
    MemoryRegion *root = machine_memory_root(m);
    MemoryRegion *pci = region_new_container("pci", 0x100000000ull);
    MemoryRegion *window = region_new_alias("window", pci, 0x80000000, 0x10000);
    Probe p = {.m = m};

    region_add(root, 0x90000000, window, 0);
    MemoryRegion *bar = region_new_io("bar", &probe_ops, &p, 0x1000);
    region_add(pci, 0x80002000, bar, 0); /* added to an alias's target afterwards */
    g_assert_cmphex(load(m, 0x90002004, 1), ==, 0x04);
    region_set_alias_offset(window, 0x80002000);
    g_assert_cmphex(load(m, 0x90000008, 1), ==, 0x08);
    g_assert_cmphex(load(m, 0x90002008, 1), ==, 0xff);
    region_set_alias_offset(window, 0x80001ff0); /* starts before the window's base + target */
    g_assert_cmphex(load(m, 0x90000012, 1), ==, 0x02);
    region_unref(bar);
    region_unref(window);
    region_unref(pci);
    machine_free(m);
}

static void test_transactions(void)
{
    Machine *m = new_machine();
    MemoryRegion *root = machine_memory_root(m);
    uint64_t gen = address_space_generation(machine_memory(m));
    MemoryRegion *c = region_new_container("c", 0x1000);
    Probe p = {.m = m};
    MemoryRegion *io = region_new_io("io", &probe_ops, &p, 0x1000);

    mem_transaction_begin(m);
    region_add(root, 0x80000, c, 0);
    mem_transaction_begin(m);
    region_add(c, 0, io, 0);
    mem_transaction_commit(m);
    g_assert_cmpuint(address_space_generation(machine_memory(m)), ==, gen);
    mem_transaction_commit(m);
    g_assert_cmpuint(address_space_generation(machine_memory(m)), ==, gen + 1);
    region_set_enabled(c, false);
    region_set_enabled(c, true);
    g_assert_cmpuint(address_space_generation(machine_memory(m)), ==, gen + 3);
    mem_transaction_begin(m);
    region_set_enabled(c, false);
    region_set_enabled(c, true);
    mem_transaction_commit(m); /* nothing changed in the end */
    g_assert_cmpuint(address_space_generation(machine_memory(m)), ==, gen + 3);
    region_unref(c);
    region_unref(io);

    g_autoptr(GString) text = g_string_new(NULL);
    mem_dump_tree(m, text, false);
    mem_dump_tree(m, text, true);
    g_assert_nonnull(strstr(text->str, "(prio 0, i/o): io"));
    g_assert_nonnull(strstr(text->str, "(ram): ram"));
    machine_free(m);
}

static void test_reentry(void)
{
    Machine *m = new_machine();
    Probe a = {0}, b = {0};

    add_io(m, &a, &probe_ops, 0x100000, 0x100);
    add_io(m, &b, &probe_ops, 0x200000, 0x100);
    a.reach = 0x200000;
    g_assert_cmpint(store(m, 0x100000, 4, 1), ==, MEM_OK);
    g_assert_cmpint(a.inner, ==, MEM_DEVICE_ERROR);
    g_assert_cmpint(b.writes, ==, 0);
    a.reach = 0x2000; /* RAM is fine */
    store(m, 0x100000, 4, 1);
    g_assert_cmpint(a.inner, ==, MEM_OK);
    g_assert_cmphex(load(m, 0x2000, 4), ==, 7);
    a.reach = 0x100000; /* itself */
    store(m, 0x100000, 4, 1);
    g_assert_cmpint(a.inner, ==, MEM_DEVICE_ERROR);
    g_assert_cmpint(a.writes, ==, 3);
    machine_free(m);
}

static void test_watches(void)
{
    Machine *m = new_machine();
    const MemSection *s = address_space_find(machine_memory(m), 0);
    RamBlock *b = s->ram;
    unsigned long map[1];

    g_assert_true(machine_ram_block_at(m, b->ram_addr + SIZE - 1) == b);
    g_assert_null(machine_ram_block_at(m, b->ram_addr + SIZE));
    ram_dirty_collect(b, RAM_WATCH_DISPLAY, map);
    g_assert_cmphex(map[0], ==, 0xffff); /* never collected: all dirty */
    ram_dirty_collect(b, RAM_WATCH_DISPLAY, map);
    g_assert_cmphex(map[0], ==, 0);
    ram_dirty_collect(b, RAM_WATCH_MIGRATION, map);
    store(m, 0x2ffe, 4, 0xffffffff);
    uint8_t buf[0x1001] = {0};
    address_space_write(machine_memory(m), 0x5fff, MEM_ATTRS_NONE, buf, sizeof(buf));
    ram_dirty_collect(b, RAM_WATCH_DISPLAY, map);
    g_assert_cmphex(map[0], ==, 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6);
    ram_dirty_collect(b, RAM_WATCH_MIGRATION, map);
    g_assert_cmphex(map[0], ==, 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6);
    ram_watch_clear(b, 0, UINT64_MAX, 0xff);
    g_assert_cmphex(ram_page_watch(b, SIZE - 1), ==, 0);
    ram_watch_set(b, SIZE - 1, UINT64_MAX, RAM_WATCH_CODE);
    g_assert_cmphex(ram_page_watch(b, SIZE - 1), ==, RAM_WATCH_CODE);
    ram_written(b, UINT64_MAX - 1, 5);
    machine_free(m);
}

/* Clients that come and go; what devices and processors write, and what an accelerator tells. */
static void test_dirty_clients(void)
{
    Machine *m = new_machine();
    RamBlock *b = address_space_find(machine_memory(m), 0)->ram;

    store(m, 0x1000, 4, 1);
    ram_dirty_start(m, RAM_WATCH_RATE);
    g_assert_cmpuint(ram_dirty_count(m, RAM_WATCH_RATE), ==, 0);
    store(m, 0x1000, 4, 1);
    uint8_t buf[0x1001] = {0};
    address_space_write(machine_memory(m), 0x5fff, (MemAttrs){.dma = true}, buf, sizeof(buf));
    ram_dirty_start(m, RAM_WATCH_MIGRATION);
    g_assert_cmpuint(ram_dirty_count(m, RAM_WATCH_RATE), ==, 3);
    g_assert_cmpuint(ram_dirty_count(m, RAM_WATCH_RATE), ==, 0);
    g_assert_cmpuint(ram_dirty_count(m, RAM_WATCH_MIGRATION), ==, 0);
    g_assert_true(ram_dirty_told(b, 0x8000, 0x2000));
    g_assert_false(ram_dirty_told(b, 0x9000, 1));
    g_assert_cmpuint(ram_dirty_count(m, RAM_WATCH_RATE), ==, 2);
    ram_dirty_stop(m, RAM_WATCH_RATE);
    g_assert_cmphex(ram_page_watch(b, 0x3000), ==, RAM_WATCH_MIGRATION);
    g_assert_cmpuint(ram_dirty_count(m, RAM_WATCH_MIGRATION), ==, 2);
    ram_dirty_stop(m, RAM_WATCH_MIGRATION);
    g_assert_cmphex(ram_page_watch(b, 0x3000), ==, 0);
    machine_free(m);
}

/* ---- views replaced while others read ---- */

typedef struct Hammer {
    Machine *m;
    GThread *thread;
    int stop;
    uint64_t count;
} Hammer;

static gpointer hammer_run(gpointer opaque)
{
    Hammer *h = opaque;

    while (!g_atomic_int_get(&h->stop)) {
        uint64_t v = load(h->m, 0x8000, 4);
        g_assert_true(v == 0x11111111 || v == 0x22222222);
        h->count++;
    }
    return NULL;
}

static Exit hammer_step(Cpu *cpu)
{
    Hammer *h = toy_state(cpu)->opaque;
    uint64_t v;

    address_space_load(cpu->mem, 0x8000, MEM_ATTRS_NONE, 4, &v);
    g_assert_true(v == 0x11111111 || v == 0x22222222);
    h->count++;
    return EXIT_REQUEST;
}

static void test_concurrent(void)
{
    Machine *m = toy_machine((MachineConfig){.ram_size = SIZE, .cpus = 2, .accel = "toy"}, NULL);
    Hammer h[4] = {{.m = m}, {.m = m}, {.m = m}, {.m = m}};
    MemoryRegion *ram = region_new_ram(m, "other", 0x1000, NULL);

    store(m, 0x8000, 4, 0x11111111);
    memset(region_ram(ram)->host, 0x22, 0x1000);
    for (int i = 0; i < 2; i++) {
        toy_state(machine_cpu(m, i))->step = hammer_step;
        toy_state(machine_cpu(m, i))->opaque = &h[i];
        h[2 + i].thread = g_thread_new("hammer", hammer_run, &h[2 + i]);
    }
    machine_start(m);
    for (int i = 0; i < 300; i++) {
        region_add(machine_memory_root(m), 0x8000, ram, 1);
        region_remove(machine_memory_root(m), ram);
        g_main_context_iteration(machine_loop(m), FALSE);
    }
    region_unref(ram);
    toy_loop_for(m, 20); /* the reaper gets everything */
    for (int i = 2; i < 4; i++) {
        g_atomic_int_set(&h[i].stop, 1);
        g_thread_join(h[i].thread);
    }
    machine_stop(m, RUN_STATE_PAUSED);
    g_assert_cmpuint(h[0].count + h[1].count, >, 0);
    machine_free(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/core/memory/ram", test_ram);
    g_test_add_func("/core/memory/top-of-space", test_top_of_space);
    g_test_add_func("/core/memory/access-sizes", test_sizes);
    g_test_add_func("/core/memory/priorities", test_priorities);
    g_test_add_func("/core/memory/aliases", test_aliases);
    g_test_add_func("/core/memory/transactions", test_transactions);
    g_test_add_func("/core/memory/reentry", test_reentry);
    g_test_add_func("/core/memory/watches", test_watches);
    g_test_add_func("/core/memory/dirty-clients", test_dirty_clients);
    g_test_add_func("/core/memory/concurrent", test_concurrent);
    return g_test_run();
}
