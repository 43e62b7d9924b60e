/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See device.h. The machine lives for the whole run and is reset before each input; disks are
 * files in memory of one megabyte.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bits.h"
#include "block/blockdev.h"
#include "device.h"

#define DISK_SIZE (1u << 20)
#define MAX_STEPS 400

static FuzzBench bench;
static BlockSet *disks;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the machine ---- */

static void add_disk(const char *id, bool cdrom)
{
    int fd = memfd_create(id, 0);
    g_autofree char *path = g_strdup_printf("/proc/%d/fd/%d", getpid(), fd);
    Error *err = NULL;

    g_assert(fd >= 0 && ftruncate(fd, DISK_SIZE) == 0);
    json_t *opts = json_pack("{s:s, s:s, s:s, s:s, s:s}", "file", path, "format", "raw", "if",
                             "none", "id", id, "media", cdrom ? "cdrom" : "disk");
    if (!blockset_add_drive(disks, opts, false, &err)) {
        g_error("%s: %s", id, error_message(err));
    }
    json_decref(opts);
}

static BlockPort *find_drive(void *opaque, const char *name, Error **errp)
{
    return blockset_claim(disks, name, errp);
}

static void add_device(FuzzBench *b, const char *text)
{
    Error *err = NULL;
    json_t *opts = json_object();
    g_auto(GStrv) words = g_strsplit(text, ",", -1);

    const DeviceType *type = device_type_find(words[0], &err);
    if (type && !type->user_creatable) { /* a part of boards */
        Device *part = device_new(b->m, type, NULL, NULL);
        if (!device_realize(part, &err)) {
            g_error("%s: %s", text, error_message(err));
        }
        json_decref(opts);
        return;
    }
    json_object_set_new(opts, "driver", json_string(words[0]));
    for (int i = 1; words[i]; i++) {
        g_auto(GStrv) kv = g_strsplit(words[i], "=", 2);
        json_object_set_new(opts, kv[0], json_string(kv[1]));
    }
    Device *d = device_add(b->m, opts, &err);
    if (!d) {
        g_error("%s: %s", text, error_message(err));
    }
    if (!b->dev && d->bus && !strcmp(d->bus->ops->kind, "pci")) {
        b->dev = (PciDevice *)d;
    }
    json_decref(opts);
}

static void start(void)
{
    FuzzBench *b = &bench;

    setenv("G_SLICE", "always-malloc", 1);
    b->m = bench_new(1);
    b->pci = bench_pci(b->m, true);
    disks = blockset_new(machine_loop(b->m));
    add_disk("disk0", false);
    add_disk("disk1", false);
    add_disk("cd0", true);
    machine_set_drive_lookup(b->m, find_drive, NULL);
    for (const char *const *d = fuzz_device.devices; *d; d++) {
        add_device(b, *d);
    }
}

/* BARs at their places, everything enabled, as firmware leaves it. */
static void map_bars(FuzzBench *b)
{
    for (unsigned i = 0; b->dev && i < 6; i++) {
        const PciBar *bar = &b->dev->bar[i];
        if (bar->size) {
            cfg_write(b->dev, 0x10 + 4 * i, 4,
                      (uint32_t)(bar->io ? FUZZ_BAR_IO * (i + 1) : FUZZ_BAR_MEM * (i + 1)));
            i += bar->wide;
        }
    }
    if (b->dev) {
        cfg_write(b->dev, 4, 2, 7);
    }
}

static void settle(FuzzBench *b)
{
    blockset_quiesce(disks, false);
    while (g_main_context_iteration(machine_loop(b->m), FALSE)) {
    }
}

/* ---- accesses ---- */

void fuzz_bar_write(FuzzBench *b, unsigned bar, uint64_t offset, unsigned size, uint64_t v)
{
    const PciBar *p = &b->dev->bar[bar];

    if (!p->size || p->addr == UINT64_MAX) {
        return;
    }
    offset %= p->size;
    if (p->io) {
        bench_out(b->m, (uint16_t)(p->addr + offset), size, v);
    } else {
        bench_store(b->m, p->addr + offset, size, v);
    }
}

uint64_t fuzz_bar_read(FuzzBench *b, unsigned bar, uint64_t offset, unsigned size)
{
    const PciBar *p = &b->dev->bar[bar];

    if (!p->size || p->addr == UINT64_MAX) {
        return 0;
    }
    offset %= p->size;
    return p->io ? bench_in(b->m, (uint16_t)(p->addr + offset), size)
                 : bench_load(b->m, p->addr + offset, size);
}

void fuzz_ram(FuzzBench *b, uint64_t addr, const void *data, size_t len)
{
    address_space_write(machine_memory(b->m), addr, MEM_ATTRS_NONE, data, len);
}

void fuzz_ram64(FuzzBench *b, uint64_t addr, uint64_t v)
{
    uint8_t raw[8];

    st_le64(raw, v);
    fuzz_ram(b, addr, raw, 8);
}

/* ---- programs ---- */

typedef struct Input {
    const uint8_t *p;
    size_t left;
} Input;

static uint64_t take(Input *in, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes && in->left; i++, in->left--) {
        v |= (uint64_t)*in->p++ << 8 * i;
    }
    return v;
}

static void port_step(FuzzBench *b, Input *in, bool write)
{
    const uint16_t *p = fuzz_device.ports;
    unsigned n = 0, total = 0, pick = (unsigned)take(in, 1), size = 1u << take(in, 1) % 3;

    for (; p && p[n * 2 + 1]; n++) {
        total += p[n * 2 + 1];
    }
    if (!total) {
        return;
    }
    pick %= total;
    while (pick >= p[1]) {
        pick -= p[1];
        p += 2;
    }
    if (write) {
        bench_out(b->m, (uint16_t)(p[0] + pick), size, take(in, size));
    } else {
        bench_in(b->m, (uint16_t)(p[0] + pick), size);
    }
}

static void ram_step(FuzzBench *b, Input *in)
{
    uint64_t addr = take(in, 2);
    size_t len = take(in, 1) % 64 + 1;

    len = MIN(len, in->left);
    fuzz_ram(b, addr, in->p, len);
    in->p += len;
    in->left -= len;
}

static void bar_step(FuzzBench *b, Input *in, bool write)
{
    unsigned bar = (unsigned)take(in, 1), size = 1u << (bar >> 4 & 3);
    uint64_t offset = take(in, 2);

    if (!b->dev) {
        port_step(b, in, write);
    } else if (write) {
        fuzz_bar_write(b, bar % 6, offset, size, take(in, size));
    } else {
        fuzz_bar_read(b, bar % 6, offset, size);
    }
}

static void config_step(FuzzBench *b, Input *in, bool write)
{
    unsigned reg = (unsigned)take(in, 2), size = 1u << (reg >> 14 & 1);

    if (!b->dev) {
        return;
    }
    reg = reg & 0x2000 ? reg & 0xfff : reg & 0xff;
    reg &= ~(size - 1);
    if (write) {
        cfg_write(b->dev, reg, size, (uint32_t)take(in, size));
    } else {
        cfg_read(b->dev, reg, size);
    }
}

static void save_step(FuzzBench *b)
{
    if (!b->dev) {
        return;
    }
    settle(b);
    g_autoptr(GByteArray) saved = g_byte_array_new();
    machine_lock(b->m);
    device_save(&b->dev->dev, saved);
    bool ok = device_load(&b->dev->dev, saved->data, saved->len, NULL);
    machine_unlock(b->m);
    g_assert_true(ok); /* what a device saves of itself it must take back */
}

static void step(FuzzBench *b, Input *in)
{
    uint8_t op = (uint8_t)take(in, 1);

    switch (op & 15) {
    case 0 ... 2:
        bar_step(b, in, true);
        break;
    case 3:
        bar_step(b, in, false);
        break;
    case 4 ... 5:
        port_step(b, in, true);
        break;
    case 6:
        port_step(b, in, false);
        break;
    case 7:
        config_step(b, in, op & 0x10);
        break;
    case 8 ... 10:
        ram_step(b, in);
        break;
    case 11:
        clock_advance(b->m, (int64_t)take(in, 2) * 1000);
        break;
    case 12:
        settle(b);
        break;
    case 13:
        op & 0x10 ? save_step(b) : settle(b);
        break;
    default:
        if (fuzz_device.kick) {
            fuzz_device.kick(b, (unsigned)take(in, 1));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzBench *b = &bench;
    Input in = {data, size};

    if (!b->m) {
        start();
    }
    machine_lock(b->m);
    machine_reset_devices(b->m);
    machine_unlock(b->m);
    map_bars(b);
    if (fuzz_device.prepare) {
        fuzz_device.prepare(b);
    }
    for (int i = 0; i < MAX_STEPS && in.left; i++) {
        step(b, &in);
    }
    settle(b);
    return 0;
}
