/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-scsi (virtio 1.2, 5.6): requests that wait for the machine to resume are carried out where
 * the state is loaded, on disks and CD-ROMs, and none stays behind where one is loaded over them.
 */
#include <string.h>

#include "disk_bench.h"
#include "virtio_driver.h"

#define DISK  (1u << 20)
#define LEN   4096u
#define N     3 /* requests */
#define HEAD  (19 + 32)
#define REPLY (12 + 96)
#define FIRST_REQUEST_QUEUE 2

typedef struct Case {
    const char *name, *unit, *fault;
    unsigned mode;
    uint8_t op;
} Case;

static bool reads(const Case *c)
{
    return c->op == 0x28;
}

static bool writes(const Case *c)
{
    return c->op == 0x2a;
}

static void begin(DiskBench *b, VirtioDriver *d, const Case *c, const char *fault, const void *contents)
{
    bool cd = !strcmp(c->unit, "scsi-cd");

    disk_bench_begin(b);
    disk_bench_add(b, "d", DISK, fault, cd, contents);
    g_autofree char *text = g_strdup_printf("virtio-scsi-pci,addr=3.0,virtqueue_size=%d,packed=%s", VD_SIZE,
                                            c->mode & VD_PACKED ? "on" : "off");
    Device *dev = disk_bench_device(b, text);
    g_autofree char *unit = g_strdup_printf("%s,drive=d,rerror=stop,werror=stop", c->unit);
    disk_bench_device(b, unit);
    bench_pci_configure(b->m);
    *d = (VirtioDriver){.m = b->m};
    vd_init(d, (PciDevice *)dev, c->mode);
    d->queue = FIRST_REQUEST_QUEUE;
}

static hwaddr at(unsigned r)
{
    return 0x6000 + r * 0x2000;
}

static uint32_t block(unsigned r)
{
    return 16 + 16 * r;
}

static unsigned block_size(const Case *c)
{
    return strcmp(c->unit, "scsi-cd") ? 512 : 2048;
}

static void submit_one(DiskBench *b, VirtioDriver *d, const Case *c, unsigned r, const uint8_t *cdb)
{
    uint8_t head[HEAD] = {1}, data[LEN], reply[REPLY];
    bool moves = cdb[0] == 0x28 || cdb[0] == 0x2a;

    head[8] = (uint8_t)(r + 1); /* tag; target 0, LUN 0 */
    memcpy(head + 19, cdb, 10);
    memset(data, 0x30 + (int)r, LEN);
    memset(reply, 0xee, sizeof(reply));
    disk_put(b, at(r), head, sizeof(head));
    disk_put(b, at(r) + 0x100, reply, sizeof(reply));
    disk_put(b, at(r) + 0x1000, data, LEN);
    const VdBuf in[3] = {{at(r), HEAD, false}, {at(r) + 0x100, REPLY, true}, {at(r) + 0x1000, LEN, true}};
    const VdBuf out[3] = {{at(r), HEAD, false}, {at(r) + 0x1000, LEN, false}, {at(r) + 0x100, REPLY, true}};
    vd_add(d, r, cdb[0] == 0x2a ? out : in, moves ? 3 : 2);
    vd_kick(d);
}

static void submit(DiskBench *b, VirtioDriver *d, const Case *c)
{
    for (unsigned r = 0; r < N; r++) {
        uint8_t cdb[10] = {c->op};
        if (reads(c) || writes(c)) {
            st_be32(cdb + 2, block(r));
            st_be16(cdb + 7, LEN / block_size(c));
        }
        submit_one(b, d, c, r, cdb);
    }
}

static uint8_t scsi_status(DiskBench *b, unsigned r)
{
    uint8_t reply[REPLY];

    disk_get(b, at(r) + 0x100, reply, sizeof(reply));
    g_assert_cmphex(reply[11], ==, 0); /* the transport's */
    return reply[10];
}

static void check(DiskBench *b, const Case *c, unsigned r)
{
    uint8_t data[LEN];

    g_assert_cmphex(scsi_status(b, r), ==, 0);
    disk_get(b, at(r) + 0x1000, data, LEN);
    if (reads(c) || writes(c)) {
        g_assert_cmpmem(data, LEN, b->disk + block(r) * block_size(c), LEN);
    }
    if (writes(c)) {
        g_assert_cmphex(data[5], ==, 0x30 + r);
    }
}

static void run_a_while(DiskBench *b)
{
    for (int i = 0; i < 200; i++) {
        g_main_context_iteration(machine_loop(b->m), FALSE);
        g_usleep(100);
    }
}

/* The unit's attention condition after power on is asked for. */
static void clear_attention(DiskBench *b, VirtioDriver *d, const Case *c)
{
    const uint8_t request_sense[10] = {0x00};
    unsigned r;
    uint32_t len;

    submit_one(b, d, c, 0, request_sense);
    disk_bench_settle(b);
    g_assert_true(vd_used(d, &r, &len));
    g_assert_cmphex(scsi_status(b, 0), ==, 2);
    if (c->mode & VD_PACKED) {
        d->used += 2;
    }
}

/* The other machine's driver goes on where this one was. */
static void move(DiskBench *from, VirtioDriver *df, DiskBench *to, VirtioDriver *dt)
{
    Machine *m = dt->m;
    PciDevice *pci = dt->pci;

    disk_bench_move(from, to);
    *dt = *df;
    dt->m = m;
    dt->pci = pci;
}

static void test_moves_stopped(gconstpointer data)
{
    const Case *c = data;
    DiskBench a, b;
    VirtioDriver da, db;
    unsigned r, seen = 0;
    uint32_t len;

    begin(&a, &da, c, c->fault, NULL);
    g_assert_true(vd_start(&da));
    clear_attention(&a, &da, c);
    submit(&a, &da, c);
    run_a_while(&a);
    begin(&b, &db, c, NULL, a.disk);
    move(&a, &da, &b, &db);
    vd_kick(&db); /* as the device does itself when the machine goes on, which this one never began to */
    for (int i = 0; i < 5; i++) {
        bench_step(b.m, 1000000);
        disk_bench_settle(&b);
    }
    while (vd_used(&db, &r, &len)) {
        g_assert_cmpuint(r, <, N);
        g_assert_false(seen & 1u << r);
        seen |= 1u << r;
        check(&b, c, r);
        if (c->mode & VD_PACKED) {
            db.used += reads(c) || writes(c) ? 3 : 2; /* a chain's descriptors; they do not wrap here */
        }
    }
    g_assert_cmphex(seen, ==, (1u << N) - 1);
    disk_bench_end(&a);
    disk_bench_end(&b);
}

static void test_load_over_request(void)
{
    static const Case c = {"over", "scsi-hd", "write:1:EIO", 0, 0x2a};
    DiskBench a, b;
    VirtioDriver da, db;
    unsigned r;
    uint32_t len;

    begin(&a, &da, &c, NULL, NULL);
    g_assert_true(vd_start(&da));
    clear_attention(&a, &da, &c);
    begin(&b, &db, &c, c.fault, NULL);
    g_assert_true(vd_start(&db));
    clear_attention(&b, &db, &c);
    submit(&b, &db, &c);
    run_a_while(&b);
    g_assert_cmpuint(block_in_flight(blockset_port_nth(b.disks, 0)), >, 0);
    move(&a, &da, &b, &db);
    g_assert_cmpuint(block_in_flight(blockset_port_nth(b.disks, 0)), ==, 0);
    disk_bench_settle(&b);
    g_assert_false(vd_used(&db, &r, &len));
    submit(&b, &db, &c);
    disk_bench_settle(&b);
    for (unsigned i = 0; i < N; i++) {
        g_assert_true(vd_used(&db, &r, &len));
        check(&b, &c, r);
    }
    disk_bench_end(&a);
    disk_bench_end(&b);
}

int main(int argc, char **argv)
{
    static const Case cases[] = {
        {"read", "scsi-hd", "read:1:EIO", 0, 0x28},
        {"read-packed", "scsi-hd", "read:2:EIO", VD_PACKED, 0x28},
        {"write", "scsi-hd", "write:1:ENOSPC", 0, 0x2a},
        {"write-packed", "scsi-hd", "write:3:EIO", VD_PACKED, 0x2a},
        {"write-legacy", "scsi-hd", "write:2:EIO", VD_LEGACY, 0x2a},
        {"flush", "scsi-hd", "flush:1:EIO", 0, 0x35},
        {"read-cd", "scsi-cd", "read:1:EIO", 0, 0x28},
    };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/virtio-scsi/moves-stopped/%s", cases[i].name);
        g_test_add_data_func(path, &cases[i], test_moves_stopped);
    }
    g_test_add_func("/virtio-scsi/load-over-request", test_load_over_request);
    return g_test_run();
}
