/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-blk: requests that wait for the machine to resume are carried out where it is loaded. */
#include <string.h>

#include "disk_bench.h"
#include "virtio_driver.h"

#define DISK (1u << 20)
#define LEN  1024u
#define N    3 /* requests */

enum { T_IN, T_OUT, T_FLUSH = 4 };

typedef struct Case {
    unsigned mode, type;
    const char *fault;
} Case;

static void begin(DiskBench *b, VirtioDriver *d, unsigned mode, const char *fault, const void *contents)
{
    disk_bench_begin(b);
    disk_bench_add(b, "d", DISK, fault, false, contents);
    g_autofree char *text = g_strdup_printf("virtio-blk-pci,addr=3.0,drive=d,rerror=stop,werror=stop,"
                                            "queue-size=%d,packed=%s", VD_SIZE, mode & VD_PACKED ? "on" : "off");
    Device *dev = disk_bench_device(b, text);
    bench_pci_configure(b->m);
    *d = (VirtioDriver){.m = b->m};
    vd_init(d, (PciDevice *)dev, mode);
}

static hwaddr at(unsigned r)
{
    return 0x8000 + r * 0x1000;
}

static void submit(DiskBench *b, VirtioDriver *d, unsigned type)
{
    for (unsigned r = 0; r < N; r++) {
        uint8_t head[16] = {0}, data[LEN];
        st_le32(head, type);
        st_le64(head + 8, type == T_FLUSH ? 0 : 10 + 4 * r);
        memset(data, 0x30 + (int)r, LEN);
        disk_put(b, at(r), head, sizeof(head));
        disk_put(b, at(r) + 16, data, LEN);
        VdBuf buf[3] = {{at(r), 16, false}, {at(r) + 16, LEN, type == T_IN}, {at(r) + 0x800, 1, true}};
        if (type == T_FLUSH) {
            buf[1] = buf[2];
        }
        disk_put(b, at(r) + 0x800, "\xff", 1);
        vd_add(d, r, buf, type == T_FLUSH ? 2 : 3);
    }
    vd_kick(d);
}

static void check(DiskBench *b, unsigned r, unsigned type)
{
    uint8_t data[LEN], status;

    disk_get(b, at(r) + 0x800, &status, 1);
    disk_get(b, at(r) + 16, data, LEN);
    g_assert_cmphex(status, ==, 0);
    if (type != T_FLUSH) {
        g_assert_cmpint(memcmp(data, b->disk + (10 + 4 * r) * 512, LEN), ==, 0);
    }
    if (type == T_OUT) {
        g_assert_cmphex(data[5], ==, 0x30 + r);
    }
}

static void test_moves_stopped(gconstpointer data)
{
    const Case *c = data;
    DiskBench a, b;
    VirtioDriver da, db;
    unsigned r, seen = 0;
    uint32_t len;

    begin(&a, &da, c->mode, c->fault, NULL);
    g_assert_true(vd_start(&da));
    submit(&a, &da, c->type);
    for (int i = 0; i < 200; i++) {
        g_main_context_iteration(machine_loop(a.m), FALSE);
        g_usleep(100);
    }
    begin(&b, &db, c->mode, NULL, a.disk);
    const Machine *m = db.m;
    PciDevice *pci = db.pci;
    disk_bench_move(&a, &b);
    db = da;
    db.m = (Machine *)m;
    db.pci = pci;
    vd_kick(&db); /* as the device does itself when the machine goes on, which this one never began to */
    for (int i = 0; i < 5; i++) {
        bench_step(b.m, 1000000);
        disk_bench_settle(&b);
    }
    while (vd_used(&db, &r, &len)) {
        g_assert_cmpuint(r, <, N);
        g_assert_false(seen & 1u << r);
        seen |= 1u << r;
        check(&b, r, c->type);
        if (c->mode & VD_PACKED) {
            db.used += c->type == T_FLUSH ? 2 : 3; /* a chain's descriptors; they do not wrap here */
        }
    }
    g_assert_cmphex(seen, ==, (1u << N) - 1);
    disk_bench_end(&a);
    disk_bench_end(&b);
}

int main(int argc, char **argv)
{
    static const Case cases[] = {
        {0, T_IN, "read:1:EIO"},      {0, T_OUT, "write:1:ENOSPC"},         {0, T_FLUSH, "flush:1:EIO"},
        {0, T_OUT, "write:2:ENOSPC"}, {VD_PACKED, T_IN, "read:2:EIO"},      {VD_PACKED, T_OUT, "write:1:EIO"},
        {VD_PACKED, T_FLUSH, "flush:3:EIO"}, {VD_LEGACY, T_OUT, "write:3:EIO"},
    };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/virtio-blk/moves-stopped/%s%s", cases[i].fault,
                                                cases[i].mode & VD_PACKED ? "/packed"
                                                : cases[i].mode           ? "/legacy"
                                                                          : "");
        g_test_add_data_func(path, &cases[i], test_moves_stopped);
    }
    return g_test_run();
}
