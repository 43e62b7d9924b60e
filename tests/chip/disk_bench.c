/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See disk_bench.h. */
#include "disk_bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static BlockPort *find_drive(void *opaque, const char *name, Error **errp)
{
    return blockset_claim(opaque, name, errp);
}

static void on_error(void *opaque, const char *data, bool stop)
{
}

void disk_bench_begin(DiskBench *b)
{
    *b = (DiskBench){.m = bench_new(1)};
    b->pci = bench_pci(b->m, false);
    b->isa = bench_device(b->m, NULL, "isa-bus", NULL);
    b->disks = blockset_new(machine_loop(b->m));
    blockset_on_error(b->disks, on_error, NULL);
    machine_set_drive_lookup(b->m, find_drive, b->disks);
}

void disk_bench_end(DiskBench *b)
{
    disk_bench_settle(b);
    bench_free(b->m);
    blockset_free(b->disks);
    if (b->disk) {
        munmap(b->disk, b->size);
    }
}

void disk_bench_add(DiskBench *b, const char *name, uint64_t size, const char *fault, bool readonly,
                    const void *contents)
{
    int fd = memfd_create("disk", 0);
    g_autofree char *path = g_strdup_printf("/proc/%d/fd/%d", getpid(), fd);
    Error *err = NULL;

    g_assert_true(fd >= 0 && ftruncate(fd, size) == 0);
    b->disk = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    b->size = size;
    if (contents) {
        memcpy(b->disk, contents, size);
    } else {
        for (uint64_t i = 0; i < size; i += 4) {
            st_le32(b->disk + i, (uint32_t)(i * 2654435761u ^ i >> 9));
        }
    }
    json_t *file = json_pack("{s:s, s:s}", "driver", "file", "filename", path);
    json_t *o = json_pack("{s:s, s:s, s:b, s:o}", "node-name", name, "driver",
                          fault ? "fault" : "raw", "read-only", readonly, "file", file);
    json_object_set_new(o, "discard", json_string("unmap"));
    json_object_set_new(file, "discard", json_string("unmap"));
    json_object_set_new(file, "read-only", json_boolean(readonly));
    if (fault) {
        g_auto(GStrv) f = g_strsplit(fault, ":", 3);
        json_object_set_new(o, "kind", json_string(f[0]));
        json_object_set_new(o, "nth", json_integer(atoi(f[1])));
        json_object_set_new(o, "errno", json_string(f[2]));
    }
    if (!blockset_add_node(b->disks, o, &err)) {
        g_error("%s", error_message(err));
    }
    json_decref(o);
    close(fd);
}

void disk_bench_settle(DiskBench *b)
{
    blockset_quiesce(b->disks, false);
    while (g_main_context_iteration(machine_loop(b->m), FALSE)) {
    }
}

Device *disk_bench_device(DiskBench *b, const char *text)
{
    return &bench_pci_device(b->m, text)->dev;
}

void disk_put(DiskBench *b, hwaddr at, const void *data, size_t len)
{
    address_space_write(machine_memory(b->m), at, MEM_ATTRS_NONE, data, len);
}

void disk_get(DiskBench *b, hwaddr at, void *data, size_t len)
{
    address_space_read(machine_memory(b->m), at, MEM_ATTRS_NONE, data, len);
}

/* ---- moving ---- */

static void collect(Device *d, void *opaque)
{
    g_ptr_array_add(opaque, d);
}

void disk_bench_move(DiskBench *from, DiskBench *to)
{
    g_autoptr(GPtrArray) a = g_ptr_array_new(), b = g_ptr_array_new();
    uint8_t ram[4096];

    for (hwaddr at = 0; at < BENCH_RAM; at += sizeof(ram)) {
        disk_get(from, at, ram, sizeof(ram));
        disk_put(to, at, ram, sizeof(ram));
    }
    device_foreach(from->m, collect, a);
    device_foreach(to->m, collect, b);
    g_assert_cmpuint(a->len, ==, b->len);
    for (guint i = 0; i < a->len; i++) {
        Device *x = a->pdata[i], *y = b->pdata[i];
        g_assert_cmpstr(x->type->name, ==, y->type->name);
        if (x->realized && y->realized && x->type->state && strcmp(x->type->name, "pci-bus")) {
            bench_transplant(x, y);
        }
    }
}
