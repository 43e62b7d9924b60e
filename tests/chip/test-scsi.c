/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SCSI units against SPC-4, SBC-3 and MMC-6, through an adapter that is nothing but a bus: the
 * test hands it commands and buffers in pieces.
 */
#include <string.h>

#include "disk_bench.h"
#include "hw/scsi/scsi.h"

#define DISK  (4u << 20)
#define CDROM (2048u * 400)

typedef struct Hba {
    Device dev;
    ScsiBus bus;
} Hba;

static const ScsiBusOps hba_ops = {.max_target = 7, .max_lun = 300, .hotplug = true};

static bool hba_realize(Device *d, Error **errp)
{
    scsi_bus_init(&((Hba *)d)->bus, &hba_ops, d, "scsi.0");
    return true;
}

static void hba_unrealize(Device *d)
{
    scsi_bus_fini(&((Hba *)d)->bus);
}

static const StateField hba_state[] = {HOST_ONLY(Hba, bus), {0}};

static const DeviceType hba_type = {
    .name = "test-hba",
    .help = "a SCSI bus and nothing else",
    .bus = "sysbus",
    .size = sizeof(Hba),
    .version = 1,
    .internal = true,
    .state = hba_state,
    .realize = hba_realize,
    .unrealize = hba_unrealize,
};
DEVICE_TYPE(hba_type);

typedef struct Bench {
    DiskBench d;
    Hba *hba;
    ScsiDevice *unit;
} Bench;

typedef struct Run {
    ScsiTask t; /* first */
    uint8_t *data;
    size_t room, at;
    size_t piece;
    struct iovec iov[2];
    bool done;
} Run;

static void begin_with(Bench *b, const char *device, const char *fault)
{
    bool cd = strstr(device, "scsi-cd") != NULL;

    memset(b, 0, sizeof(*b));
    disk_bench_begin(&b->d);
    disk_bench_add(&b->d, "d", cd ? CDROM : DISK, fault, cd, NULL);
    b->hba = (Hba *)bench_device(b->d.m, NULL, "test-hba", NULL);
    b->unit = (ScsiDevice *)disk_bench_device(&b->d, device);
    b->unit->lu.ua = 0;
}

static void begin(Bench *b)
{
    begin_with(b, "scsi-hd,drive=d,serial=4711,wwn=0x5000c50015ea71aa,product=DISK,vendor=RHEA",
               NULL);
}

static void end(Bench *b)
{
    disk_bench_end(&b->d);
}

static void next_piece(Run *r)
{
    size_t n = MIN(r->piece, r->room - r->at), half = n / 2;

    if (!n) {
        scsi_task_finish(&r->t);
        return;
    }
    r->iov[0] = (struct iovec){r->data + r->at, half};
    r->iov[1] = (struct iovec){r->data + r->at + half, n - half};
    r->at += n;
    scsi_task_move(&r->t, r->iov, 2);
}

static void on_moved(ScsiTask *t)
{
    next_piece((Run *)t);
}

static void on_done(ScsiTask *t)
{
    ((Run *)t)->done = true;
}

/* Carries out a command; data both ways stands in data. Returns the sense, 0 if GOOD. */
static uint32_t run_on(Bench *b, ScsiDevice *d, unsigned lun, const uint8_t *cdb, void *data,
                       size_t room, size_t piece, uint64_t *moved)
{
    Run r = {.data = data, .room = room, .piece = piece};

    memcpy(r.t.cdb, cdb, 16);
    r.t.on_done = on_done;
    r.t.on_moved = on_moved;
    machine_lock(b->d.m);
    if (scsi_bus_start(d, lun, &r.t)) {
        next_piece(&r);
    }
    machine_unlock(b->d.m);
    for (int i = 0; i < 10000 && !r.done; i++) {
        disk_bench_settle(&b->d);
    }
    g_assert_true(r.done);
    if (moved) {
        *moved = r.t.moved;
    }
    scsi_task_clear(&r.t);
    return r.t.status == SCSI_GOOD ? 0 : r.t.sense;
}

static uint32_t run(Bench *b, const uint8_t *cdb, void *data, size_t room)
{
    return run_on(b, b->unit, b->unit->lun, cdb, data, room, SIZE_MAX, NULL);
}

#define CDB(...) ((const uint8_t[16]){__VA_ARGS__})

/* SPC-4 6.4, 7.8; SBC-3 6.5. */
static void test_inquiry(void)
{
    Bench b;
    uint8_t p[256];
    uint64_t n;

    begin(&b);
    g_assert_cmphex(run_on(&b, b.unit, 0, CDB(0x12, [4] = 255), p, 255, 255, &n), ==, 0);
    g_assert_cmpuint(n, ==, 36);
    g_assert_true(!memcmp(p, "\0\0\5\x12\x1f\0\0\2RHEA    DISK            2.5+", 36));
    g_assert_cmphex(run(&b, CDB(0x12, 1, [4] = 255), p, 255), ==, 0);
    g_assert_true(!memcmp(p, "\0\0\0\6\0\x80\x83\xb0\xb1\xb2", 10));
    g_assert_cmphex(run(&b, CDB(0x12, 1, 0x80, [4] = 255), p, 255), ==, 0);
    g_assert_true(!memcmp(p, "\0\x80\0\0044711", 8));
    g_assert_cmphex(run(&b, CDB(0x12, 1, 0x83, [4] = 255), p, 255), ==, 0);
    g_assert_true(
        !memcmp(p, "\0\x83\0\x14\2\0\0\0044711\1\3\0\x8\x50\0\xc5\0\x15\xea\x71\xaa", 24));
    g_assert_cmphex(run(&b, CDB(0x12, 1, 0xb0, [4] = 255), p, 255), ==, 0);
    g_assert_cmpuint(ld_be32(p + 20), ==, (1u << 30) / 512);
    g_assert_cmpuint(ld_be32(p + 28), ==, 8);
    g_assert_cmphex(run(&b, CDB(0x12, 1, 0xb2, [4] = 255), p, 255), ==, 0);
    g_assert_cmphex(p[5] << 8 | p[6], ==, 0xe002);
    g_assert_cmphex(run(&b, CDB(0x12, 1, 0xc0, [4] = 255), p, 255), ==, 0x052400);
    g_assert_cmphex(run(&b, CDB(0x12, 0, 0x80, [4] = 255), p, 255), ==, 0x052400);
    /* SPC-4 6.4.2: a LUN that is not there. */
    g_assert_cmphex(run_on(&b, b.unit, 5, CDB(0x12, [4] = 36), p, 36, 36, NULL), ==, 0);
    g_assert_cmphex(p[0], ==, 0x7f);
    g_assert_cmphex(run_on(&b, b.unit, 5, CDB(0), p, 36, 36, NULL), ==, 0x052500);
    end(&b);
}

static unsigned make_rw(uint8_t *cdb, unsigned form, bool write, uint32_t lba, uint32_t n)
{
    static const uint8_t op[2][4] = {{0x08, 0x28, 0xa8, 0x88}, {0x0a, 0x2a, 0xaa, 0x8a}};

    memset(cdb, 0, 16);
    cdb[0] = op[write][form];
    switch (form) {
    case 0:
        cdb[1] = lba >> 16;
        st_be16(cdb + 2, lba);
        cdb[4] = n;
        break;
    case 1:
        st_be32(cdb + 2, lba);
        st_be16(cdb + 7, n);
        break;
    case 2:
        st_be32(cdb + 2, lba);
        st_be32(cdb + 6, n);
        break;
    default:
        st_be64(cdb + 2, lba);
        st_be32(cdb + 10, n);
        break;
    }
    return n * 512;
}

static void test_read_write(void)
{
    Bench b;
    g_autofree uint8_t *model = NULL, *data = g_malloc(64 * 512);
    uint8_t cdb[16];

    begin(&b);
    model = g_memdup2(b.d.disk, DISK);
    for (int i = 0; i < 400; i++) {
        uint32_t n = g_test_rand_int_range(1, 64), lba = g_test_rand_int_range(0, DISK / 512 - n);
        bool write = g_test_rand_bit();
        unsigned len = make_rw(cdb, g_test_rand_int_range(0, 4), write, lba, n);
        size_t piece = g_test_rand_int_range(1, 20000);
        if (cdb[0] >= 0x20 && g_test_rand_bit()) {
            cdb[1] |= 8; /* FUA */
        }
        for (unsigned k = 0; k < len && write; k++) {
            data[k] = model[lba * 512 + k] = g_test_rand_int();
        }
        g_assert_cmphex(run_on(&b, b.unit, 0, cdb, data, len, piece, NULL), ==, 0);
        g_assert_true(!memcmp(data, model + lba * 512, len));
    }
    g_assert_true(!memcmp(model, b.d.disk, DISK));
    make_rw(cdb, 3, false, DISK / 512 - 1, 2);
    g_assert_cmphex(run(&b, cdb, data, 1024), ==, 0x052100);
    make_rw(cdb, 1, false, 0, 1);
    cdb[1] = 0x20; /* protection */
    g_assert_cmphex(run(&b, cdb, data, 512), ==, 0x052400);
    end(&b);
}

/* SBC-3 5.22 to 5.24, 5.43. */
static void test_other_media(void)
{
    Bench b;
    static uint8_t data[8 * 512];

    begin(&b);
    memcpy(data, b.d.disk + 100 * 512, sizeof(data));
    g_assert_cmphex(run(&b, CDB(0x2f, 2, [5] = 100, [8] = 8), data, sizeof(data)), ==, 0);
    data[4000]++;
    g_assert_cmphex(run(&b, CDB(0x2f, 2, [5] = 100, [8] = 8), data, sizeof(data)), ==, 0x0e1d00);
    g_assert_cmphex(run(&b, CDB(0x2f, 0, [5] = 100, [8] = 200), NULL, 0), ==, 0);
    /* A pattern over 1000 blocks, zeroes over 10, a hole of 8. */
    memset(data, 0x5a, 512);
    g_assert_cmphex(run(&b, CDB(0x41, 0, [5] = 200, [7] = 3, [8] = 0xe8), data, 512), ==, 0);
    for (unsigned i = 0; i < 1000 * 512; i++) {
        g_assert_cmphex(b.d.disk[200 * 512 + i], ==, 0x5a);
    }
    g_assert_cmphex(run(&b, CDB(0x93, 8 | 1, [9] = 210, [13] = 10), NULL, 0), ==, 0);
    memset(data, 0, 24);
    st_be16(data, 22);
    st_be16(data + 2, 16);
    st_be64(data + 8, 300);
    st_be32(data + 16, 8);
    g_assert_cmphex(run(&b, CDB(0x42, [8] = 24), data, 24), ==, 0);
    for (unsigned i = 200; i < 1200; i++) {
        bool zero = (i >= 210 && i < 220) || (i >= 300 && i < 308);
        g_assert_cmphex(b.d.disk[i * 512 + 77], ==, zero ? 0 : 0x5a);
    }
    st_be64(data + 8, DISK / 512);
    g_assert_cmphex(run(&b, CDB(0x42, [8] = 24), data, 24), ==, 0x052100);
    g_assert_cmphex(run(&b, CDB(0x42, [8] = 5), data, 5), ==, 0x051a00);
    g_assert_cmphex(run(&b, CDB(0x35), NULL, 0), ==, 0);
    g_assert_cmphex(run(&b, CDB(0x9e, 0x10, [13] = 32), data, 32), ==, 0);
    g_assert_cmpuint(ld_be64(data), ==, DISK / 512 - 1);
    g_assert_cmphex(data[14], ==, 0x80);
    end(&b);
}

static void test_modes(void)
{
    Bench b;
    uint8_t p[256];

    begin(&b);
    g_assert_cmphex(run(&b, CDB(0x1a, 0, 0x3f, [4] = 255), p, 255), ==, 0);
    g_assert_cmpuint(p[3], ==, 8);
    g_assert_cmphex(run(&b, CDB(0x1a, 8, 0x08, [4] = 255), p, 255), ==, 0);
    g_assert_cmpuint(p[0], ==, 23);
    g_assert_cmphex(p[6] & 4, ==, 4);
    p[6] &= ~4;
    p[0] = 0;
    g_assert_cmphex(run(&b, CDB(0x15, 0x10, [4] = 24), p, 24), ==, 0);
    g_assert_false(block_port_write_cache(b.unit->lu.port));
    g_assert_cmphex(run(&b, CDB(0x1a, 8, 0x08, [4] = 255), p, 255), ==, 0);
    g_assert_cmphex(p[6] & 4, ==, 0);
    p[0] = 0;
    p[7] = 9; /* not changeable */
    g_assert_cmphex(run(&b, CDB(0x15, 0x10, [4] = 24), p, 24), ==, 0x052600);
    g_assert_cmphex(run(&b, CDB(0x1a, 0, 0x48, [4] = 255), p, 255), ==, 0);
    g_assert_cmphex(p[14], ==, 4);
    g_assert_cmphex(run(&b, CDB(0x1a, 0, 0xff, [4] = 255), p, 255), ==, 0x053900);
    g_assert_cmphex(run(&b, CDB(0x5a, 0, 0x2a, [8] = 255), p, 255), ==, 0x052400);
    end(&b);
}

/* SAM-5 5.14 unit attentions; the medium's errors with the block's number. */
static void test_sense(void)
{
    Bench b;
    uint8_t data[512], cdb[16];
    Run r = {.data = data, .room = 512, .piece = 512};

    begin_with(&b, "scsi-hd,drive=d,scsi-id=3,lun=2", "read:1:EIO");
    machine_reset_devices(b.d.m);
    g_assert_cmphex(run(&b, CDB(0x12, [4] = 36), data, 36), ==, 0);
    g_assert_cmphex(run(&b, CDB(0), NULL, 0), ==, 0x062901);
    g_assert_cmphex(run(&b, CDB(0), NULL, 0), ==, 0);
    make_rw(r.t.cdb, 1, false, 1234, 1);
    r.t.lu = &b.unit->lu;
    r.t.on_done = on_done;
    r.t.on_moved = on_moved;
    machine_lock(b.d.m);
    g_assert_true(scsi_task_start(&r.t));
    next_piece(&r);
    machine_unlock(b.d.m);
    disk_bench_settle(&b.d);
    g_assert_true(r.done && r.t.status == SCSI_CHECK_CONDITION);
    scsi_task_sense(&r.t, data);
    g_assert_true(!memcmp(data, "\xf0\0\3\0\0\4\xd2\xa\0\0\0\0\x11\0\0\0\0\0", 18));
    scsi_task_clear(&r.t);
    make_rw(cdb, 1, false, 1234, 1);
    g_assert_cmphex(run(&b, cdb, data, 512), ==, 0);
    /* Sizes of the medium. */
    machine_lock(b.d.m);
    scsi_lu_attention(&b.unit->lu, SCSI_UA_CAPACITY);
    machine_unlock(b.d.m);
    g_assert_cmphex(run(&b, CDB(0), NULL, 0), ==, 0x062a09);
    g_assert_cmphex(run(&b, CDB(0xff), NULL, 0), ==, 0x052000);
    g_assert_cmphex(run_on(&b, b.unit, 0, CDB(0xa0, [9] = 64), data, 64, 64, NULL), ==, 0);
    g_assert_true(!memcmp(data, "\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\2", 18));
    end(&b);
}

/* A reset in the middle: nothing moves after it, and no callback comes. */
static void test_cancel(void)
{
    Bench b;
    static uint8_t data[65536], same[65536];

    begin(&b);
    for (int i = 0; i < 100; i++) {
        Run r = {.data = data, .room = sizeof(data), .piece = sizeof(data)};
        memset(data, 0xee, sizeof(data));
        make_rw(r.t.cdb, 1, false, i * 64, 128);
        r.t.lu = &b.unit->lu;
        r.t.on_done = on_done;
        r.t.on_moved = on_moved;
        machine_lock(b.d.m);
        g_assert_true(scsi_task_start(&r.t));
        next_piece(&r);
        if (i & 1) {
            machine_unlock(b.d.m);
            g_usleep(50);
            machine_lock(b.d.m);
        }
        scsi_lu_cancel(&b.unit->lu);
        memcpy(same, data, sizeof(data));
        machine_unlock(b.d.m);
        disk_bench_settle(&b.d);
        g_assert_false(r.done);
        g_assert_true(!memcmp(same, data, sizeof(data)));
        scsi_task_clear(&r.t);
    }
    end(&b);
}

static void test_cd(void)
{
    Bench b;
    static uint8_t data[32 * 2352];
    uint64_t n;

    begin_with(&b, "scsi-cd,drive=d", NULL);
    g_assert_cmphex(run(&b, CDB(0x25), data, 8), ==, 0);
    g_assert_true(!memcmp(data, "\0\0\1\x8f\0\0\x8\0", 8));
    g_assert_cmphex(run(&b, CDB(0x43, 0, 0, [8] = 64), data, 64), ==, 0);
    g_assert_true(!memcmp(data, "\0\x12\1\1\0\x14\1\0\0\0\0\0\0\x14\xaa\0\0\0\1\x90", 20));
    g_assert_cmphex(run(&b, CDB(0x43, 2, 1, [8] = 64), data, 64), ==, 0);
    g_assert_true(!memcmp(data, "\0\x0a\1\1\0\x14\1\0\0\0\2\0", 12));
    g_assert_cmphex(run(&b, CDB(0x46, [8] = 128), data, 128), ==, 0);
    g_assert_cmphex(ld_be16(data + 6), ==, 8); /* CD-ROM */
    g_assert_cmphex(run(&b, CDB(0x4a, 0, 0, 0, 0x10, [8] = 8), data, 8), ==, 0x052400);
    g_assert_cmphex(run(&b, CDB(0x51, [8] = 34), data, 34), ==, 0);
    g_assert_cmphex(run(&b, CDB(0x5a, 0, 0x2a, [8] = 64), data, 64), ==, 0);
    g_assert_cmphex(data[8], ==, 0x2a);
    g_assert_cmphex(run(&b, CDB(0xad, 0, [9] = 64), data, 64), ==, 0x053002);
    g_assert_cmphex(run_on(&b, b.unit, 0, CDB(0xbe, 8, [5] = 40, [8] = 32, [9] = 0xf8), data,
                           sizeof(data), 1000, &n),
                    ==, 0);
    g_assert_cmpuint(n, ==, sizeof(data));
    for (int i = 0; i < 32; i++) {
        static const uint8_t sync[12] = {0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0};
        uint8_t *f = data + i * 2352;
        g_assert_true(!memcmp(f, sync, 12));
        g_assert_cmphex(f[13] * 0x100 + f[14], ==, 0x200 + (40 + i) / 10 * 16 + (40 + i) % 10);
        g_assert_true(!memcmp(f + 16, b.d.disk + (40 + i) * 2048, 2048));
    }
    g_assert_cmphex(run(&b, CDB(0x2a, [8] = 1), data, 2048), ==, 0x052000);
    end(&b);
    begin_with(&b, "scsi-cd", NULL); /* empty, for ever */
    g_assert_cmphex(run(&b, CDB(0), NULL, 0), ==, 0x023a00);
    g_assert_cmphex(run(&b, CDB(0x46, [8] = 128), data, 128), ==, 0);
    g_assert_cmphex(ld_be16(data + 6), ==, 0);
    g_assert_cmphex(run(&b, CDB(0x1b, [4] = 2), data, 0), ==, 0);
    end(&b);
}

/* Any bytes at all as commands and as parameter lists. */
static void random_commands(const char *device)
{
    Bench b;
    static uint8_t data[70000];

    begin_with(&b, device, NULL);
    for (int i = 0; i < 6000; i++) {
        static const uint8_t known[] = {0x00, 0x03, 0x12, 0x15, 0x1a, 0x1b, 0x1e, 0x25, 0x28,
                                        0x2a, 0x2e, 0x2f, 0x35, 0x41, 0x42, 0x43, 0x46, 0x4a,
                                        0x51, 0x52, 0x55, 0x5a, 0x88, 0x8a, 0x8f, 0x93, 0x9e,
                                        0xa0, 0xa8, 0xad, 0xb9, 0xbd, 0xbe};
        uint8_t cdb[16];
        for (int k = 0; k < 16; k++) {
            cdb[k] = g_test_rand_int_range(0, 3) ? 0 : g_test_rand_int();
        }
        cdb[0] = i % 4 ? known[g_test_rand_int_range(0, sizeof(known))] : g_test_rand_int();
        if (cdb[0] == 0x2f || cdb[0] == 0x8f || cdb[0] == 0xaf || cdb[0] == 0x41 ||
            cdb[0] == 0x93) {
            cdb[7] = cdb[10] = cdb[11] = cdb[12] = 0; /* not the whole disk each time */
        }
        for (int k = 0; k < 64; k++) {
            data[k] = g_test_rand_int_range(0, 2) ? 0 : g_test_rand_int();
        }
        uint64_t n;
        run_on(&b, b.unit, g_test_rand_int_range(0, 8) ? 0 : 1, cdb, data,
               g_test_rand_int_range(0, sizeof(data)), g_test_rand_int_range(1, 70000), &n);
        g_assert_cmpuint(n, <=, sizeof(data));
    }
    end(&b);
}

static void test_random(void)
{
    random_commands("scsi-hd,drive=d");
    random_commands("scsi-cd,drive=d");
    random_commands("scsi-cd");
}

/* Addresses: chosen, given, taken. */
static void test_bus(void)
{
    Bench b;
    Error *err = NULL;

    begin(&b);
    g_assert_cmpuint(b.unit->id, ==, 0);
    g_assert_cmpuint(b.unit->lun, ==, 0);
    ScsiDevice *cd = (ScsiDevice *)disk_bench_device(&b.d, "scsi-cd");
    g_assert_cmpuint(cd->id, ==, 1);
    ScsiDevice *second = (ScsiDevice *)disk_bench_device(&b.d, "scsi-cd,scsi-id=0");
    g_assert_cmpuint(second->lun, ==, 1);
    g_assert_null(bench_pci_add(b.d.m, "scsi-cd,scsi-id=0,lun=1", &err));
    error_free(g_steal_pointer(&err));
    g_assert_null(bench_pci_add(b.d.m, "scsi-cd,scsi-id=8", &err));
    error_free(g_steal_pointer(&err));
    g_assert_true(scsi_bus_find(&b.hba->bus, 0, 0, 1) == second);
    uint8_t p[32];
    g_assert_cmphex(run(&b, CDB(0xa0, [9] = 32), p, 32), ==, 0);
    g_assert_cmpuint(ld_be32(p), ==, 16);
    end(&b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/scsi/bus", test_bus);
    g_test_add_func("/scsi/inquiry", test_inquiry);
    g_test_add_func("/scsi/read-write", test_read_write);
    g_test_add_func("/scsi/other-media", test_other_media);
    g_test_add_func("/scsi/modes", test_modes);
    g_test_add_func("/scsi/sense", test_sense);
    g_test_add_func("/scsi/cancel", test_cancel);
    g_test_add_func("/scsi/cd", test_cd);
    g_test_add_func("/scsi/random", test_random);
    return g_test_run();
}
