/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NVMe under load: four queues of random writes, zeroes and flushes with many requests in flight, then
 * an end: a shutdown notice, or none, with requests still under way. A write whose completion stands in
 * the queue is in the file at once, for whoever reads it; after the end every block has what was
 * acknowledged last, or something that was under way.
 *
 * NVM Express 1.4, sections 4.1 (queues), 7.6.2 (shutdown).
 */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "block/blockdev.h"
#include "pci.h"

#define BAR     0x10000000ull
#define RAM     0x20000000ull
#define DISK    (8u << 20)
#define BLOCK   4096u
#define BLOCKS  (DISK / BLOCK)
#define QUEUES  4u
#define DEPTH   32u
#define MAXIMUM 4u /* blocks of a request */

typedef struct Pending {
    bool busy, flush;
    unsigned first, n;
    uint32_t version;
} Pending;

typedef struct Queue {
    uint64_t sq, cq, data;
    unsigned tail, head, phase, busy;
    Pending req[DEPTH]; /* by command id */
} Queue;

typedef struct Bench {
    Machine *m;
    PciDevice *dev;
    BlockSet *disks;
    char *dir, *path;
    const char *format;
    int fd; /* raw: the same file, as others see it */
    Queue q[QUEUES + 1];
    uint32_t version, now[BLOCKS], next[BLOCKS]; /* next: under way */
    uint64_t done;
} Bench;

static BlockPort *find_drive(void *opaque, const char *name, Error **errp)
{
    return blockset_claim(opaque, name, errp);
}

static void put(Bench *b, hwaddr at, const void *data, size_t len)
{
    g_assert_cmpint(address_space_write(machine_memory(b->m), at, MEM_ATTRS_NONE, data, len), ==, MEM_OK);
}

static void set_reg(Bench *b, unsigned r, uint32_t v)
{
    bench_store(b->m, BAR + r, 4, v);
}

static void fill(uint8_t *p, unsigned block, uint32_t version)
{
    uint64_t v = version ? (uint64_t)version << 32 | block : 0;

    for (unsigned i = 0; i < BLOCK; i += 8) {
        st_le64(p + i, v);
    }
}

/* ---- queues ---- */

static bool reap(Bench *b, unsigned qid)
{
    Queue *q = &b->q[qid];
    uint8_t e[16], got[MAXIMUM * BLOCK], want[BLOCK];

    address_space_read(machine_memory(b->m), q->cq + q->head * 16, MEM_ATTRS_NONE, e, 16);
    if ((ld_le16(e + 14) & 1) != q->phase) {
        return false;
    }
    g_assert_cmphex(ld_le16(e + 14) >> 1, ==, 0);
    Pending *p = &q->req[ld_le16(e + 12)];
    g_assert_true(p->busy);
    p->busy = false;
    q->busy--;
    b->done++;
    if (!p->flush && b->fd >= 0) {
        g_assert_cmpint(pread(b->fd, got, p->n * BLOCK, (off_t)p->first * BLOCK), ==, p->n * BLOCK);
    }
    for (unsigned i = 0; i < p->n && !p->flush; i++) {
        unsigned block = p->first + i;
        b->now[block] = p->version;
        b->next[block] = UINT32_MAX;
        fill(want, block, p->version);
        g_assert_true(b->fd < 0 || !memcmp(got + i * BLOCK, want, BLOCK));
    }
    if (++q->head == DEPTH) {
        q->head = 0;
        q->phase ^= 1;
    }
    set_reg(b, 0x1004 + 8 * qid, q->head);
    return true;
}

static void send(Bench *b, unsigned qid, const uint8_t *sqe)
{
    Queue *q = &b->q[qid];

    put(b, q->sq + q->tail * 64, sqe, 64);
    q->tail = (q->tail + 1) % DEPTH;
}

static void admin(Bench *b, uint8_t op, uint64_t prp, uint32_t dw10, uint32_t dw11)
{
    uint8_t sqe[64] = {op};

    st_le64(sqe + 24, prp);
    st_le32(sqe + 40, dw10);
    st_le32(sqe + 44, dw11);
    b->q[0].req[0] = (Pending){.busy = true, .flush = true};
    b->q[0].busy++;
    send(b, 0, sqe);
    set_reg(b, 0x1000, b->q[0].tail);
    g_assert_true(reap(b, 0));
}

/* A free command of the queue becomes a request for blocks that nobody is changing. */
static void one_request(Bench *b, unsigned qid)
{
    Queue *q = &b->q[qid];
    unsigned id = 0, n = (unsigned)g_test_rand_int_range(1, MAXIMUM + 1);
    unsigned first = (unsigned)g_test_rand_int_range(0, BLOCKS - MAXIMUM);
    int what = g_test_rand_int_range(0, 30);
    uint8_t sqe[64] = {what == 0 ? 0 : what < 3 ? 8 : 1}, block[BLOCK];

    for (unsigned i = 0; i < n; i++) {
        if (b->next[first + i] != UINT32_MAX) {
            return;
        }
    }
    while (q->req[id].busy) {
        id++;
    }
    Pending *p = &q->req[id];
    *p = (Pending){true, what == 0, first, n, what == 1 || what == 2 ? 0 : ++b->version};
    q->busy++;
    uint64_t data = q->data + id * (MAXIMUM + 1) * BLOCK, list = data + MAXIMUM * BLOCK;
    for (unsigned i = 0; i < n && !p->flush; i++) {
        uint8_t prp[8];
        b->next[first + i] = p->version;
        fill(block, first + i, p->version);
        put(b, data + i * BLOCK, block, BLOCK);
        st_le64(prp, data + (i + 1) * BLOCK);
        put(b, list + i * 8, prp, 8);
    }
    st_le16(sqe + 2, (uint16_t)id);
    st_le32(sqe + 4, 1);
    st_le64(sqe + 24, data);
    st_le64(sqe + 32, n > 2 ? list : data + BLOCK);
    st_le64(sqe + 40, first * (BLOCK / 512));
    st_le32(sqe + 48, n * (BLOCK / 512) - 1);
    send(b, qid, sqe);
}

static void run_load(Bench *b, uint64_t requests)
{
    while (b->done < requests) {
        unsigned qid = 1 + (unsigned)g_test_rand_int_range(0, QUEUES);
        Queue *q = &b->q[qid];
        unsigned burst = (unsigned)g_test_rand_int_range(1, 12);
        for (unsigned i = 0; i < burst && q->busy < DEPTH - 1; i++) {
            one_request(b, qid);
        }
        set_reg(b, 0x1000 + 8 * qid, q->tail);
        while (g_main_context_iteration(machine_loop(b->m), false)) {
        }
        bool any = false;
        for (qid = 1; qid <= QUEUES; qid++) {
            while (b->q[qid].busy && reap(b, qid)) {
                any = true;
            }
        }
        if (!any) {
            g_usleep(20);
        }
    }
}

/* ---- life ---- */

static void start_controller(Bench *b)
{
    for (unsigned i = 0; i <= QUEUES; i++) {
        Queue *q = &b->q[i];
        q->sq = RAM + i * 0x100000ull;
        q->cq = q->sq + 0x1000;
        q->data = q->sq + 0x2000;
        q->phase = 1;
    }
    set_reg(b, 0x24, (DEPTH - 1) << 16 | (DEPTH - 1));
    bench_store(b->m, BAR + 0x28, 8, b->q[0].sq);
    bench_store(b->m, BAR + 0x30, 8, b->q[0].cq);
    set_reg(b, 0x14, 0x00460001);
    g_assert_cmphex(bench_load(b->m, BAR + 0x1c, 4), ==, 1);
    for (unsigned i = 1; i <= QUEUES; i++) {
        admin(b, 5, b->q[i].cq, (DEPTH - 1) << 16 | i, 1);
        admin(b, 1, b->q[i].sq, (DEPTH - 1) << 16 | i, i << 16 | 1);
    }
}

static void make_image(Bench *b)
{
    BlockSet *set = blockset_new(NULL);
    Error *err = NULL;
    g_autoptr(json_t) o = json_pack("{s:i, s:i}", "cluster_size", 16384, "size", DISK);

    b->dir = g_dir_make_tmp("rhea-nvme-XXXXXX", NULL);
    b->path = g_build_filename(b->dir, "disk", NULL);
    b->fd = open(b->path, O_RDWR | O_CREAT, 0600);
    g_assert_true(b->fd >= 0 && ftruncate(b->fd, strcmp(b->format, "raw") ? 0 : DISK) == 0);
    if (strcmp(b->format, "raw")) {
        close(b->fd);
        b->fd = -1;
        const BlockDriver *drv = block_driver_find(b->format, NULL);
        BlockNode *file = node_open_file(set, b->path, "file", BLOCK_RDWR, NULL, &err);
        g_assert_true(file && drv->create(set, file, b->path, o, &err));
        node_unref(file);
    }
    blockset_free(set);
}

static void begin(Bench *b, const char *format, const char *aio, const char *cache)
{
    Error *err = NULL;

    *b = (Bench){.format = format};
    memset(b->next, 0xff, sizeof(b->next));
    make_image(b);
    b->m = bench_new(1);
    MemoryRegion *ram = region_new_ram(b->m, "more", 0x100000 * (QUEUES + 1), &err);
    region_add(machine_memory_root(b->m), RAM, ram, 0);
    region_unref(ram);
    bench_pci(b->m, true);
    b->disks = blockset_new(machine_loop(b->m));
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "file", b->path, "format", format, "if", "none", "id",
                          "d", "aio", aio, "cache", cache);
    if (!blockset_add_drive(b->disks, o, false, &err)) {
        g_error("%s", error_message(err));
    }
    json_decref(o);
    machine_set_drive_lookup(b->m, find_drive, b->disks);
    b->dev = bench_pci_device(b->m, "nvme,serial=test,drive=d");
    cfg_write(b->dev, 0x10, 4, (uint32_t)BAR);
    cfg_write(b->dev, 4, 2, 6);
    start_controller(b);
}

static void compare(Bench *b)
{
    BlockSet *set = blockset_new(NULL);
    BlockNode *n = node_open_file(set, b->path, b->format, 0, NULL, NULL);
    g_autofree uint8_t *got = g_malloc(DISK);
    uint8_t want[BLOCK];

    g_assert_cmpint(node_pread(n, 0, got, DISK), ==, 0);
    for (unsigned i = 0; i < BLOCKS; i++) {
        fill(want, i, b->now[i]);
        bool same = !memcmp(got + i * BLOCK, want, BLOCK);
        if (!same && b->next[i] != UINT32_MAX) {
            fill(want, i, b->next[i]);
            same = !memcmp(got + i * BLOCK, want, BLOCK);
        }
        if (!same) {
            g_error("block %u has version %" PRIu64 ", not %u or %d", i, ld_le64(got + i * BLOCK) >> 32, b->now[i],
                    (int)b->next[i]);
        }
    }
    node_unref(n);
    blockset_free(set);
}

/* With a notice (the guest waits for its end), or the machine just ends. */
static void end(Bench *b, bool notice)
{
    if (notice) {
        set_reg(b, 0x14, 0x00464001);
        while ((bench_load(b->m, BAR + 0x1c, 4) & 0xc) != 8) {
            g_main_context_iteration(machine_loop(b->m), false);
        }
        for (unsigned q = 1; q <= QUEUES; q++) {
            while (b->q[q].busy && reap(b, q)) {
            }
        }
    }
    bench_free(b->m);
    blockset_free(b->disks);
    compare(b);
    if (b->fd >= 0) {
        close(b->fd);
    }
    unlink(b->path);
    rmdir(b->dir);
    g_free(b->path);
    g_free(b->dir);
}

static void stress(const char *format, const char *cache)
{
    const char *count = g_getenv("NVME_REQUESTS");
    uint64_t requests = count ? g_ascii_strtoull(count, NULL, 10) : 1500;
    static const char *const aio[] = {"threads", "io_uring"};
    static Bench b;

    for (unsigned i = 0; i < 4; i++) {
        begin(&b, format, aio[i & 1], cache);
        run_load(&b, requests);
        end(&b, i & 2);
    }
}

static void test_raw(void)
{
    stress("raw", "writeback");
}

static void test_raw_through(void)
{
    stress("raw", "writethrough");
}

static void test_qcow2(void)
{
    stress("qcow2", "writeback");
}

static void test_qcow2_unsafe(void)
{
    stress("qcow2", "unsafe");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nvme-stress/raw", test_raw);
    g_test_add_func("/nvme-stress/raw-writethrough", test_raw_through);
    g_test_add_func("/nvme-stress/qcow2", test_qcow2);
    g_test_add_func("/nvme-stress/qcow2-unsafe", test_qcow2_unsafe);
    return g_test_run();
}
