/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtio core and its PCI transport against virtio 1.2, by a driver of our own and a device
 * that answers what it was told, inverted.
 */
#include <string.h>

#include "base/bits.h"
#include "base/iov.h"
#include "hw/virtio/core.h"
#include "hw/virtio/virtio_mmio.h"
#include "hw/virtio/virtio_pci.h"
#include "virtio_driver.h"

/* ---- the device ---- */

typedef struct Toy {
    VirtioDevice virtio;
    bool hold;            /* keeps requests until toy_release() */
    IoThread *iothread;
    VirtqElem *held[VD_SIZE];
    unsigned n_held, resets, oks;
} Toy;

static void toy_answer(VirtqElem *e)
{
    g_autofree uint8_t *buf = g_malloc(MAX(e->out_len, 1));
    size_t n = iov_to_buf(e->out, e->n_out, 0, buf, e->out_len);

    for (size_t i = 0; i < n; i++) {
        buf[i] = ~buf[i];
    }
    virtq_push(e->vq, e, iov_from_buf(e->in, e->n_in, 0, buf, MIN(n, e->in_len)));
}

static void toy_kick(VirtioDevice *v, VirtQueue *vq)
{
    Toy *t = (Toy *)v;
    VirtqElem *e;

    do {
        virtq_disable_kicks(vq);
        while ((e = virtq_pop(vq))) {
            if (t->hold) {
                g_assert_cmpuint(t->n_held, <, VD_SIZE);
                t->held[t->n_held++] = e;
            } else {
                toy_answer(e);
            }
        }
    } while (virtq_enable_kicks(vq));
    virtq_notify(vq);
}

static void toy_reset(VirtioDevice *v)
{
    Toy *t = (Toy *)v;

    for (unsigned i = 0; i < t->n_held; i++) {
        virtq_discard(t->held[i]->vq, t->held[i]);
    }
    t->n_held = 0;
    t->resets++;
}

static void toy_driver_ok(VirtioDevice *v)
{
    ((Toy *)v)->oks++;
}

static void toy_config(VirtioDevice *v, uint8_t *c)
{
    st_le32(c, 0x11223344);
    st_le32(c + 4, 0x55667788);
}

static const VirtioClass toy_class = {
    .id = 4, /* as far as identities go */
    .config_size = 8,
    .get_config = toy_config,
    .driver_ok = toy_driver_ok,
    .reset = toy_reset,
    .kick = toy_kick,
};

static bool toy_realize(Device *d, Error **errp)
{
    Toy *t = (Toy *)d;

    if (!virtio_setup(&t->virtio, &toy_class, errp)) {
        return false;
    }
    if (!virtio_set_iothread(&t->virtio, t->iothread, errp)) {
        virtio_teardown(&t->virtio);
        return false;
    }
    virtio_add_queue(&t->virtio, VD_SIZE);
    virtio_add_queue(&t->virtio, VD_SIZE);
    return true;
}

static void toy_unrealize(Device *d)
{
    virtio_teardown(&((Toy *)d)->virtio);
}

static const Property toy_props[] = {
    VIRTIO_PROPS(Toy),
    PROP(Toy, PROP_BOOL, hold, "hold", false, "answer later"),
    {.name = "iothread", .kind = PROP_OBJECT, .offset = offsetof(Toy, iothread),
     .link_type = "iothread", .help = "where"},
    {0},
};
static const StateField toy_state[] = {
    VIRTIO_STATE(Toy),      HOST_ONLY(Toy, held), HOST_ONLY(Toy, n_held),
    HOST_ONLY(Toy, resets), HOST_ONLY(Toy, oks),  {0},
};
static const DeviceType toy_type = {
    .name = "virtio-toy-device",
    .help = "inverts",
    .bus = "virtio",
    .size = sizeof(Toy),
    .version = 1,
    .user_creatable = true,
    .needs = "a virtio bus",
    .props = toy_props,
    .state = toy_state,
    .realize = toy_realize,
    .unrealize = toy_unrealize,
    .reset_hold = virtio_reset_hold,
    .pre_save = virtio_pre_save,
    .post_load = virtio_post_load,
};
DEVICE_TYPE(toy_type);
VIRTIO_PCI_TYPES(virtio_toy, "virtio-toy", "inverts", &toy_type);

/* ---- the bench ---- */

typedef struct Bench {
    Machine *m;
    PciBench *host;
    PciDevice *pci;
    Toy *toy;
    VirtioDriver d;
} Bench;

static void bench_start(Bench *b, unsigned mode, const char *more)
{
    g_autofree char *text = g_strdup_printf("virtio-toy-pci%s%s", mode & VD_PACKED ? ",packed=on" : "",
                                            more ? more : "");
    b->m = bench_new(0);
    b->host = bench_pci(b->m, false);
    b->pci = bench_pci_device(b->m, text);
    b->toy = (Toy *)b->pci->dev.inner;
    bench_pci_configure(b->m);
    vd_init(&b->d, b->pci, mode);
}

static void bench_end(Bench *b)
{
    bench_free(b->m);
}

/* One request of each shape; the answer must be the inverse. */
static void exchange(Bench *b, unsigned r, unsigned seed)
{
    VirtioDriver *d = &b->d;
    hwaddr at = VD_DATA + r * 0x400;
    unsigned n_out = 1 + seed % 2, n_in = 1 + seed / 2 % 2;
    VdBuf buf[4];

    for (unsigned i = 0; i < 64; i++) {
        bench_store(b->m, at + i, 1, seed + i);
        bench_store(b->m, at + 0x200 + i, 1, 0);
    }
    for (unsigned i = 0; i < n_out; i++) {
        buf[i] = (VdBuf){at + i * 64 / n_out, 64 / n_out, false};
    }
    for (unsigned i = 0; i < n_in; i++) {
        buf[n_out + i] = (VdBuf){at + 0x200 + i * 64 / n_in, 64 / n_in, true};
    }
    vd_add(d, r, buf, n_out + n_in);
    d->messages = n_out + n_in; /* of this request, for packed rings */
}

static void advance_used(Bench *b, unsigned n_desc)
{
    VirtioDriver *d = &b->d;

    if (d->mode & VD_PACKED) {
        d->used += d->mode & VD_INDIRECT ? 1 : n_desc;
        if (d->used >= VD_SIZE) {
            d->used -= VD_SIZE;
            d->used_wrap = !d->used_wrap;
        }
    }
}

static void check_answer(Bench *b, unsigned r, unsigned seed)
{
    unsigned got;
    uint32_t len;

    g_assert_true(vd_used(&b->d, &got, &len));
    g_assert_cmpuint(got, ==, r);
    g_assert_cmpuint(len, ==, 64);
    for (unsigned i = 0; i < 64; i++) {
        g_assert_cmpuint(bench_load(b->m, VD_DATA + r * 0x400 + 0x200 + i, 1), ==, (uint8_t) ~(seed + i));
    }
    advance_used(b, 2 + seed % 2 + seed / 2 % 2);
}

static const struct {
    const char *name;
    unsigned mode;
} modes[] = {
    {"split", 0},
    {"split-indirect", VD_INDIRECT},
    {"split-event", VD_EVENT},
    {"split-indirect-event", VD_INDIRECT | VD_EVENT},
    {"legacy", VD_LEGACY},
    {"legacy-indirect-event", VD_LEGACY | VD_INDIRECT | VD_EVENT},
    {"packed", VD_PACKED},
    {"packed-indirect", VD_PACKED | VD_INDIRECT},
    {"packed-event", VD_PACKED | VD_EVENT},
    {"packed-indirect-event", VD_PACKED | VD_INDIRECT | VD_EVENT},
};

/* Around the ring many times, one and several requests at once. */
static void test_exchange(gconstpointer data)
{
    unsigned mode = GPOINTER_TO_UINT(data);
    Bench b;

    bench_start(&b, mode, NULL);
    g_assert_true(vd_start(&b.d));
    g_assert_cmpuint(b.toy->oks, ==, 1);
    for (unsigned i = 0; i < 200; i++) {
        unsigned n = 1 + i % 4;
        for (unsigned r = 0; r < n; r++) {
            exchange(&b, r, i + r);
        }
        g_assert_true(vd_kick_wanted(&b.d, n * 4));
        vd_kick(&b.d);
        for (unsigned r = 0; r < n; r++) {
            check_answer(&b, r, i + r);
        }
        unsigned x;
        uint32_t len;
        g_assert_false(vd_used(&b.d, &x, &len));
    }
    g_assert_cmpuint(vd_config(&b.d, 0, 4), ==, 0x11223344);
    g_assert_cmpuint(vd_config(&b.d, 6, 2), ==, 0x5566);
    bench_end(&b);
}

/* Requests in flight move to another machine and are answered there, in order. */
static void test_moves(gconstpointer data)
{
    unsigned mode = GPOINTER_TO_UINT(data);
    Bench a, b;

    bench_start(&a, mode, ",hold=on");
    bench_start(&b, mode, NULL);
    g_assert_true(vd_start(&a.d));
    for (unsigned r = 0; r < 3; r++) {
        exchange(&a, r, 7 * r);
    }
    vd_kick(&a.d);
    g_assert_cmpuint(a.toy->n_held, ==, 3);
    /* The second one is answered already: of a packed ring that takes the first one's slot. */
    VirtqElem *e = a.toy->held[1];
    a.toy->held[1] = a.toy->held[2];
    a.toy->n_held = 2;
    toy_answer(e);
    check_answer(&a, 1, 7);
    for (hwaddr at = 0; at < 0x10000; at += 8) {
        bench_store(b.m, at, 8, bench_load(a.m, at, 8));
    }
    bench_transplant(&a.pci->dev, &b.pci->dev);
    bench_transplant(&a.toy->virtio.dev, &b.toy->virtio.dev);
    g_assert_true(bench_same_state(&a.toy->virtio.dev, &b.toy->virtio.dev));
    VirtioDriver here = b.d;
    b.d = a.d;
    b.d.m = b.m;
    b.d.pci = b.pci;
    (void)here;
    vd_kick(&b.d);
    check_answer(&b, 0, 0);
    check_answer(&b, 2, 14);
    g_assert_cmpuint(vd_status(&b.d) & 0x40, ==, 0);
    bench_end(&a);
    bench_end(&b);
}

/* ---- rules ---- */

static void test_negotiation(void)
{
    Bench b;

    bench_start(&b, 0, NULL);
    g_assert_cmphex(vd_host_features(&b.d), ==, 1ull << 32 | 1ull << 29 | 1ull << 28);
    b.d.more_features = 1ull << 5; /* not offered */
    g_assert_false(vd_start(&b.d));
    b.d.more_features = 0;
    vd_reset(&b.d);
    vd_write(&b.d, 0x14, 1, 3);
    vd_write(&b.d, 0x14, 1, 11); /* without VERSION_1 */
    g_assert_cmpuint(vd_status(&b.d), ==, 11); /* no feature was written: a driver may still be old */
    g_assert_true(vd_start(&b.d));
    g_assert_cmpuint(vd_read(&b.d, 0x12, 2), ==, 2);
    g_assert_cmpuint(b.pci->config[2] | b.pci->config[3] << 8, ==, 0x1005);
    bench_end(&b);
}

/* Interrupts: pin and status without MSI-X; suppression by flag. */
static void test_interrupts(void)
{
    Bench b;

    bench_start(&b, 0, ",vectors=0");
    g_assert_true(vd_start(&b.d));
    unsigned rises = 0;
    for (int i = 0; i < 4; i++) {
        rises += b.host->wire[i].rises;
    }
    exchange(&b, 0, 1);
    vd_kick(&b.d);
    unsigned after = 0;
    for (int i = 0; i < 4; i++) {
        after += b.host->wire[i].rises;
    }
    g_assert_cmpuint(after, ==, rises + 1);
    g_assert_cmpuint(bench_load(b.m, b.d.isr, 1), ==, 1);
    g_assert_cmpuint(bench_load(b.m, b.d.isr, 1), ==, 0);
    bench_store(b.m, VD_AVAIL, 2, 1); /* no interrupts, please */
    exchange(&b, 1, 1);
    vd_kick(&b.d);
    g_assert_cmpuint(bench_load(b.m, b.d.isr, 1), ==, 0);
    bench_end(&b);
}

static void expect_broken(Bench *b, const char *what)
{
    vd_kick(&b->d);
    if (!(vd_status(&b->d) & 0x40)) {
        g_error("%s: the device did not mind", what);
    }
    g_assert_true(vd_start(&b->d)); /* and a reset heals it */
    exchange(b, 0, 3);
    vd_kick(&b->d);
    check_answer(b, 0, 3);
    vd_start(&b->d);
}

static void desc(Bench *b, unsigned i, uint64_t addr, uint32_t len, uint16_t third, uint16_t fourth)
{
    bench_store(b->m, VD_DESC + 16 * i, 8, addr);
    bench_store(b->m, VD_DESC + 16 * i + 8, 4, len);
    bench_store(b->m, VD_DESC + 16 * i + 12, 2, third);
    bench_store(b->m, VD_DESC + 16 * i + 14, 2, fourth);
}

static void offer(Bench *b, uint16_t head, uint16_t idx)
{
    bench_store(b->m, VD_AVAIL + 4, 2, head);
    bench_store(b->m, VD_AVAIL + 2, 2, idx);
}

static void test_hostile_split(void)
{
    Bench b;

    bench_start(&b, VD_INDIRECT, NULL);
    g_assert_true(vd_start(&b.d));
    desc(&b, 0, VD_DATA, 64, 1, 1);
    desc(&b, 1, VD_DATA, 64, 1, 0);
    offer(&b, 0, 1);
    expect_broken(&b, "a loop");
    offer(&b, 99, 1);
    expect_broken(&b, "a head out of range");
    offer(&b, 0, 1000);
    expect_broken(&b, "an index too far");
    desc(&b, 0, VD_DATA, 64, 1, 77);
    offer(&b, 0, 1);
    expect_broken(&b, "a next out of range");
    desc(&b, 0, 0x1234567800ull, 64, 0, 0);
    offer(&b, 0, 1);
    expect_broken(&b, "a buffer in nothing");
    desc(&b, 0, UINT64_MAX - 8, UINT32_MAX, 2, 0);
    offer(&b, 0, 1);
    expect_broken(&b, "a buffer past the end");
    desc(&b, 0, b.d.common, 16, 2, 0);
    offer(&b, 0, 1);
    expect_broken(&b, "a buffer in registers");
    desc(&b, 0, VD_DATA, 0x20000, 0, 0);
    offer(&b, 0, 1);
    expect_broken(&b, "a buffer longer than RAM");
    desc(&b, 0, VD_DATA, 16, 3, 1);
    desc(&b, 1, VD_DATA, 16, 0, 0);
    offer(&b, 0, 1);
    expect_broken(&b, "read after write");
    desc(&b, 0, VD_TABLES, 24, 4, 0);
    offer(&b, 0, 1);
    expect_broken(&b, "half an entry of a table");
    desc(&b, 0, VD_TABLES, 0, 4, 0);
    offer(&b, 0, 1);
    expect_broken(&b, "an empty table");
    desc(&b, 0, VD_DESC, 256, 4, 0);
    desc(&b, 1, VD_DATA, 16, 0, 0);
    offer(&b, 0, 1);
    expect_broken(&b, "a table in itself");
    desc(&b, 0, VD_TABLES, 0xfffffff0, 4, 0);
    offer(&b, 0, 1);
    expect_broken(&b, "a table longer than RAM");
    bench_end(&b);
}

static void test_hostile_packed(void)
{
    Bench b;

    bench_start(&b, VD_PACKED | VD_INDIRECT, NULL);
    g_assert_true(vd_start(&b.d));
    for (unsigned i = 0; i < VD_SIZE; i++) {
        desc(&b, i, VD_DATA, 16, 0, 0x81);
    }
    expect_broken(&b, "a chain without an end");
    desc(&b, 0, VD_DATA + (1ull << 40), 16, 0, 0x80);
    expect_broken(&b, "a buffer in nothing");
    desc(&b, 0, VD_TABLES, 32, 0, 0x85);
    expect_broken(&b, "a table that goes on");
    desc(&b, 0, VD_DESC, 32, 0, 0x84);
    expect_broken(&b, "a table in itself");
    desc(&b, 0, VD_TABLES, 7, 0, 0x84);
    expect_broken(&b, "a crooked table");
    bench_end(&b);
}

static void test_bad_queue(void)
{
    Bench b;

    bench_start(&b, 0, NULL);
    g_assert_true(vd_start(&b.d));
    vd_write(&b.d, 0x16, 2, 1);
    vd_write(&b.d, 0x18, 2, 7);
    vd_write(&b.d, 0x1c, 2, 1);
    g_assert_cmpuint(vd_status(&b.d) & 0x40, ==, 0x40);
    vd_start(&b.d);
    vd_setup_queue(&b.d, 1, 0x5001); /* not aligned; found when it is used */
    bench_store(b.m, b.d.notify + 4, 2, 1);
    g_assert_cmpuint(vd_status(&b.d) & 0x40, ==, 0x40);
    vd_start(&b.d);
    vd_setup_queue(&b.d, 1, 0x100000000ull - 0x100);
    bench_store(b.m, b.d.notify + 4, 2, 1);
    g_assert_cmpuint(vd_status(&b.d) & 0x40, ==, 0x40);
    bench_store(b.m, b.d.notify + 4 * 900, 2, 900); /* no such queue */
    bench_end(&b);
}

/* Rings of noise, in all modes: nothing but an answer or NEEDS_RESET may come of it. */
static void test_noise(gconstpointer data)
{
    unsigned mode = GPOINTER_TO_UINT(data);
    Bench b;

    bench_start(&b, mode, NULL);
    for (unsigned i = 0; i < 300; i++) {
        g_assert_true(vd_start(&b.d));
        for (unsigned k = 0; k < 60; k++) {
            hwaddr at = VD_DESC + g_test_rand_int_range(0, g_test_rand_bit() ? 0x140 : 0x2800);
            bench_store(b.m, at, 1, g_test_rand_bit() ? g_test_rand_int_range(0, 8) : g_test_rand_int());
        }
        for (unsigned k = 0; k < 16 && g_test_rand_bit(); k++) { /* plausible addresses */
            bench_store(b.m, VD_DESC + 16 * k, 8, g_test_rand_int_range(0, 0x11000));
        }
        for (unsigned k = 0; k < 4; k++) {
            vd_kick(&b.d);
            bench_step(b.m, 1000);
        }
    }
    bench_end(&b);
}

/* A driver that offers 65535 requests again and again does not keep us: turns end. */
static void test_turns(void)
{
    Bench b;

    bench_start(&b, 0, NULL);
    g_assert_true(vd_start(&b.d));
    desc(&b, 0, VD_USED + 2, 2, 2, 0); /* the answer overwrites nothing that matters */
    for (unsigned i = 0; i < 2000; i++) {
        for (unsigned k = 0; k < VD_SIZE; k++) {
            bench_store(b.m, VD_AVAIL + 4 + 2 * k, 2, 0);
        }
        bench_store(b.m, VD_AVAIL + 2, 2, b.d.avail += VD_SIZE);
        vd_kick(&b.d);
    }
    bench_step(b.m, 1000);
    g_assert_cmpuint(vd_status(&b.d) & 0x40, ==, 0);
    bench_end(&b);
}

/* Through the window in configuration space: the status register. */
static void test_window(void)
{
    Bench b;
    unsigned cap = 0;

    bench_start(&b, 0, NULL);
    for (unsigned at = b.pci->config[0x34]; at; at = b.pci->config[at + 1]) {
        cap = b.pci->config[at] == PCI_CAP_ID_VENDOR && b.pci->config[at + 3] == 5 ? at : cap;
    }
    g_assert_cmpuint(cap, !=, 0);
    cfg_write(b.pci, cap + 4, 1, 4);
    cfg_write(b.pci, cap + 8, 4, 0x14);
    cfg_write(b.pci, cap + 12, 4, 1);
    cfg_write(b.pci, cap + 16, 1, 3);
    g_assert_cmpuint(vd_status(&b.d), ==, 3);
    g_assert_cmpuint(cfg_read(b.pci, cap + 16, 1), ==, 3);
    cfg_write(b.pci, cap + 8, 4, 0xfffffffc);
    cfg_read(b.pci, cap + 16, 4);
    cfg_write(b.pci, cap + 16, 4, 1);
    bench_end(&b);
}

static void test_iothread(void)
{
    Bench b = {.m = bench_new(0)};
    g_autoptr(json_t) o = json_pack("{s:s, s:s}", "qom-type", "iothread", "id", "io");
    Error *err = NULL;

    g_assert_nonnull(object_add(b.m, o, &err));
    b.host = bench_pci(b.m, false);
    g_assert_null(bench_pci_add(b.m, "virtio-toy-pci,iothread=io,ioeventfd=off", &err));
    g_assert_nonnull(strstr(error_message(err), "ioeventfd"));
    g_clear_pointer(&err, error_free);
    b.pci = bench_pci_device(b.m, "virtio-toy-pci,iothread=io");
    b.toy = (Toy *)b.pci->dev.inner;
    bench_pci_configure(b.m);
    vd_init(&b.d, b.pci, VD_EVENT);
    g_assert_false(object_del(b.m, "io", NULL)); /* in use */
    for (unsigned round = 0; round < 50; round++) {
        g_assert_true(vd_start(&b.d));
        for (unsigned i = 0; i < 20; i++) {
            exchange(&b, 0, i);
            vd_kick(&b.d);
            while ((uint16_t)bench_load(b.m, VD_USED + 2, 2) == b.d.used) {
                g_thread_yield();
            }
            check_answer(&b, 0, i);
        }
        exchange(&b, 1, 1);
        vd_kick(&b.d); /* and the next reset comes in the middle */
    }
    device_free(&b.pci->dev);
    g_assert_true(object_del(b.m, "io", NULL));
    bench_end(&b);
}

/* A damaged state is refused, and the device is as before. */
static void test_bad_state(void)
{
    Bench b;

    bench_start(&b, VD_PACKED, ",hold=on");
    g_assert_true(vd_start(&b.d));
    exchange(&b, 0, 1);
    vd_kick(&b.d);
    g_assert_cmpuint(b.toy->n_held, ==, 1);
    g_autoptr(GByteArray) good = g_byte_array_new();
    device_save(&b.toy->virtio.dev, good);
    /* A damaged state that is taken may let the device write anywhere in the guest's memory. */
    g_autofree uint8_t *ram = g_malloc(0x10000);
    address_space_peek(machine_memory(b.m), 0, ram, 0x10000);
    unsigned taken = 0;
    for (unsigned i = 0; i < 4000; i++) {
        g_autoptr(GByteArray) bad = g_byte_array_new();
        g_byte_array_append(bad, good->data, good->len);
        for (int k = g_test_rand_int_range(1, 4); k; k--) {
            bad->data[g_test_rand_int_range(30, bad->len)] = g_test_rand_int();
        }
        Error *err = NULL;
        if (device_load(&b.toy->virtio.dev, bad->data, bad->len, &err)) {
            taken++;
            vd_kick(&b.d);
            bench_step(b.m, 1000);
            address_space_poke(machine_memory(b.m), 0, ram, 0x10000);
            g_assert_true(device_load(&b.toy->virtio.dev, good->data, good->len, NULL));
            vd_kick(&b.d);
            g_assert_cmpuint(b.toy->n_held, ==, 1);
        } else {
            g_assert_cmpuint(b.toy->n_held, ==, 1);
            error_free(err);
        }
    }
    g_test_message("%u of 4000 damaged states were taken", taken);
    toy_answer(b.toy->held[0]);
    b.toy->n_held = 0;
    check_answer(&b, 0, 1);
    bench_end(&b);
}

/* ---- MMIO ---- */

static void mmio(Machine *m, hwaddr base, unsigned reg, uint32_t v)
{
    bench_store(m, base + reg, 4, v);
}

static void test_mmio(gconstpointer data)
{
    bool legacy = GPOINTER_TO_UINT(data);
    Bench b = {.m = bench_new(0)};
    WireProbe wire = {0};
    const hwaddr base = 0xd0000000;
    Error *err = NULL;

    g_assert_nonnull(virtio_mmio_new(b.m, base, 0, legacy, bench_wire(&wire), &err));
    g_assert_cmpuint(bench_load(b.m, base + 8, 4), ==, 0);
    Device *d = device_new(b.m, &toy_type, NULL, NULL);
    g_assert_true(device_realize(d, &err));
    device_reset(d);
    b.toy = (Toy *)d;
    b.d = (VirtioDriver){.m = b.m};
    g_assert_cmphex(bench_load(b.m, base, 4), ==, 0x74726976);
    g_assert_cmpuint(bench_load(b.m, base + 4, 4), ==, legacy ? 1 : 2);
    g_assert_cmpuint(bench_load(b.m, base + 8, 4), ==, 4);
    g_assert_cmphex(bench_load(b.m, base + 0x102, 2), ==, 0x1122);
    mmio(b.m, base, 0x70, 1);
    mmio(b.m, base, 0x70, 3);
    mmio(b.m, base, 0x24, legacy ? 0 : 1);
    mmio(b.m, base, 0x20, legacy ? 0 : 1);
    mmio(b.m, base, 0x70, 11);
    g_assert_cmpuint(bench_load(b.m, base + 0x70, 4), ==, 11);
    mmio(b.m, base, 0x30, 0);
    g_assert_cmpuint(bench_load(b.m, base + 0x34, 4), ==, VD_SIZE);
    mmio(b.m, base, 0x38, VD_SIZE);
    if (legacy) {
        mmio(b.m, base, 0x28, 4096);
        mmio(b.m, base, 0x3c, 4096);
        mmio(b.m, base, 0x40, VD_DESC / 4096);
    } else {
        mmio(b.m, base, 0x80, VD_DESC);
        mmio(b.m, base, 0x90, VD_AVAIL);
        mmio(b.m, base, 0xa0, VD_USED);
        mmio(b.m, base, 0x44, 1);
    }
    mmio(b.m, base, 0x70, 15);
    for (unsigned i = 0; i < 40; i++) {
        exchange(&b, 0, i);
        mmio(b.m, base, 0x50, 0);
        g_assert_true(wire.level);
        g_assert_cmpuint(bench_load(b.m, base + 0x60, 4), ==, 1);
        mmio(b.m, base, 0x64, 1);
        g_assert_false(wire.level);
        check_answer(&b, 0, i);
    }
    mmio(b.m, base, 0x70, 0);
    g_assert_cmpuint(bench_load(b.m, base + 0x70, 4), ==, 0);
    bench_end(&b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        gconstpointer mode = GUINT_TO_POINTER(modes[i].mode);
        g_autofree char *x = g_strdup_printf("/virtio/exchange/%s", modes[i].name);
        g_autofree char *y = g_strdup_printf("/virtio/moves/%s", modes[i].name);
        g_autofree char *z = g_strdup_printf("/virtio/noise/%s", modes[i].name);
        g_test_add_data_func(x, mode, test_exchange);
        g_test_add_data_func(y, mode, test_moves);
        g_test_add_data_func(z, mode, test_noise);
    }
    g_test_add_func("/virtio/negotiation", test_negotiation);
    g_test_add_func("/virtio/interrupts", test_interrupts);
    g_test_add_func("/virtio/hostile-split", test_hostile_split);
    g_test_add_func("/virtio/hostile-packed", test_hostile_packed);
    g_test_add_func("/virtio/bad-queue", test_bad_queue);
    g_test_add_func("/virtio/turns", test_turns);
    g_test_add_func("/virtio/window", test_window);
    g_test_add_func("/virtio/iothread", test_iothread);
    g_test_add_func("/virtio/bad-state", test_bad_state);
    g_test_add_data_func("/virtio/mmio-legacy", GUINT_TO_POINTER(1), test_mmio);
    g_test_add_data_func("/virtio/mmio", GUINT_TO_POINTER(0), test_mmio);
    return g_test_run();
}
