/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI core against PCI Local Bus 3.0 and PCI-to-PCI Bridge 1.2: a toy function with each kind of
 * BAR, a pin, MSI and MSI-X on the bench's root bus.
 */
#include <string.h>

#include "base/bits.h"
#include "pci.h"

typedef struct Toy {
    PciDevice pci;
    uint32_t reg;
    uint8_t line;
    uint32_t changes; /* of MSI-X vectors, as told */
} Toy;

#define TOY_VECTORS 70

static uint64_t toy_read(void *opaque, hwaddr offset, unsigned size)
{
    Toy *t = opaque;

    return offset == 0 ? t->reg : offset == 4 ? t->line : 0;
}

static void toy_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    Toy *t = opaque;

    if (offset == 0) {
        t->reg = value;
    } else if (offset == 4) {
        t->line = value & 1;
    }
}

static const IoOps toy_ops = {toy_read, toy_write, .min_size = 4, .max_size = 4};

static void toy_outputs(Device *d)
{
    pci_set_irq((PciDevice *)d, ((Toy *)d)->line);
}

static void toy_changed(PciDevice *d, unsigned vector, bool masked)
{
    ((Toy *)d)->changes++;
}

static bool toy_realize(Device *d, Error **errp)
{
    Toy *t = (Toy *)d;
    static const PciIdent ident = {.vendor = 0x1234, .device = 0x5678, .class_code = 0xff0000,
                                   .revision = 3, .pin = 1, .express = true, .flr = true};

    if (!pci_setup(&t->pci, &ident, errp)) {
        return false;
    }
    pci_bar(&t->pci, 0, device_io_region(d, "toy-mem", &toy_ops, 0x1000), false, false, false);
    pci_bar(&t->pci, 1, device_io_region(d, "toy-io", &toy_ops, 0x20), true, false, false);
    pci_bar(&t->pci, 2, device_io_region(d, "toy-wide", &toy_ops, 0x100000), false, true, true);
    pci_add_msix(&t->pci, TOY_VECTORS, 4, 0, 0x800, 0);
    pci_add_msi(&t->pci, 4, true, true, 0);
    t->pci.msix_changed = toy_changed;
    return pci_add_rom(&t->pci, NULL, errp);
}

static void toy_unrealize(Device *d)
{
    pci_teardown((PciDevice *)d);
}

static void toy_reset(Device *d)
{
    pci_reset((PciDevice *)d);
}

static bool toy_post_load(Device *d, int version, Error **errp)
{
    pci_loaded((PciDevice *)d);
    return true;
}

static const Property toy_props[] = {
    PCI_PROPS(Toy),
    {0},
};

static const StateField toy_state[] = {
    PCI_STATE(Toy),
    STATE(Toy, STATE_U32, reg, 0),
    STATE(Toy, STATE_U8, line, 0),
    HOST_ONLY(Toy, changes),
    {0},
};

static const DeviceType toy_type = {
    .name = "toy-pci",
    .help = "toy",
    .bus = "pci",
    .size = sizeof(Toy),
    .version = 1,
    .user_creatable = true,
    .props = toy_props,
    .state = toy_state,
    .realize = toy_realize,
    .unrealize = toy_unrealize,
    .reset_hold = toy_reset,
    .outputs = toy_outputs,
    .post_load = toy_post_load,
};
DEVICE_TYPE(toy_type);

/* ---- 6.1: header ---- */

static void test_header(void)
{
    Machine *m = bench_new(0);
    bench_pci(m, true);
    PciDevice *d = bench_pci_device(m, "toy-pci,addr=3");

    g_assert_cmphex(bench_cfg_read(m, 0, 0x18, 0, 4), ==, 0x56781234);
    g_assert_cmphex(cfg_read(d, 8, 4), ==, 0xff000003);
    g_assert_cmphex(cfg_read(d, 0x0e, 1), ==, 0);
    g_assert_cmphex(cfg_read(d, 0x2c, 4), ==, 0x11001af4);
    g_assert_cmphex(cfg_read(d, 0x3d, 1), ==, 1);
    g_assert_cmphex(cfg_read(d, 6, 2), ==, 0x10);
    for (unsigned devfn = 0; devfn < 256; devfn++) {
        g_assert_cmphex(bench_cfg_read(m, 0, devfn, 0, 4), ==, devfn == 0x18 ? 0x56781234 : ~0u);
    }
    g_assert_cmphex(bench_cfg_read(m, 1, 0x18, 0, 4), ==, ~0u);
    /* What is read only stays; reserved command bits read as zero. */
    for (unsigned reg = 0; reg < 0x40; reg += 4) {
        cfg_write(d, reg, 4, ~0u);
    }
    g_assert_cmphex(cfg_read(d, 0, 4), ==, 0x56781234);
    g_assert_cmphex(cfg_read(d, 4, 2), ==, 0x0547);
    g_assert_cmphex(cfg_read(d, 8, 4), ==, 0xff000003);
    g_assert_cmphex(cfg_read(d, 0x34, 4), ==, cfg_read(d, 0x34, 1));
    g_assert_cmphex(cfg_read(d, 0x3c, 2), ==, 0x01ff);
    /* Accesses of parts of a register. */
    cfg_write(d, 0x3c, 1, 0x0b);
    g_assert_cmphex(cfg_read(d, 0x3c, 4), ==, 0x0000010b);
    g_assert_cmphex(bench_load(m, BENCH_ECAM + 0x18000 + 1, 2), ==, 0x7812);
    device_reset(&d->dev);
    g_assert_cmphex(cfg_read(d, 4, 2), ==, 0);
    g_assert_cmphex(cfg_read(d, 0x3c, 1), ==, 0);
    bench_free(m);
}

/* 6.7: every capability is found, none twice, none outside. */
static unsigned find_cap(PciDevice *d, uint8_t id)
{
    unsigned at = cfg_read(d, 0x34, 1), found = 0, n = 0;

    for (; at; at = cfg_read(d, at + 1, 1)) {
        g_assert_cmpuint(at & 3, ==, 0);
        g_assert_cmpuint(at, >=, 0x40);
        g_assert_cmpuint(++n, <, 48);
        if (cfg_read(d, at, 1) == id) {
            g_assert_cmpuint(found, ==, 0);
            found = at;
        }
    }
    return found;
}

static void test_capabilities(void)
{
    for (int express = 0; express < 2; express++) {
        Machine *m = bench_new(0);
        bench_pci(m, express);
        PciDevice *d = bench_pci_device(m, "toy-pci");

        g_assert_cmpuint(find_cap(d, PCI_CAP_ID_MSI), !=, 0);
        g_assert_cmpuint(find_cap(d, PCI_CAP_ID_MSIX), !=, 0);
        g_assert_cmpuint(find_cap(d, PCI_CAP_ID_EXP) != 0, ==, express);
        g_assert_cmpuint(find_cap(d, PCI_CAP_ID_PM) != 0, ==, express);
        g_assert_cmphex(cfg_read(d, 0x100, 4), ==, express ? 0 : ~0u);
        bench_free(m);
    }
}

/* ---- 6.2.5: base address registers ---- */

static uint64_t toy_at(Machine *m, uint64_t addr)
{
    bench_store(m, addr, 4, 0x11223344);
    return bench_load(m, addr, 4) == 0x11223344 && bench_load(m, addr + 4, 4) <= 1;
}

static void test_sizing(void)
{
    Machine *m = bench_new(0);
    bench_pci(m, true);
    PciDevice *d = bench_pci_device(m, "toy-pci");
    static const uint32_t want[] = {0xfffff000, 0xffffffe1, 0xfff0000c, 0xffffffff, 0xfffff000, 0};

    for (int enabled = 0; enabled < 2; enabled++) { /* with decoding on, nothing moves wrongly */
        cfg_write(d, 4, 2, enabled ? 3 : 0);
        for (int i = 0; i < 6; i++) {
            uint32_t old = cfg_read(d, 0x10 + 4 * i, 4);
            cfg_write(d, 0x10 + 4 * i, 4, ~0u);
            g_assert_cmphex(cfg_read(d, 0x10 + 4 * i, 4), ==, want[i]);
            g_assert_cmphex(bench_load(m, 0xfffff000, 4), ==, ~0u);
            cfg_write(d, 0x10 + 4 * i, 4, old);
            g_assert_cmphex(cfg_read(d, 0x10 + 4 * i, 4), ==, old);
        }
    }
    g_assert_cmphex(bench_load(m, 0, 4), ==, 0); /* RAM, or nothing; not BAR 0 at address 0 */
    bench_free(m);
}

static void test_moving(void)
{
    Machine *m = bench_new(1); /* with RAM at 0 */
    bench_pci(m, true);
    PciDevice *d = bench_pci_device(m, "toy-pci");

    cfg_write(d, 0x10, 4, 0xd0000000);
    cfg_write(d, 0x14, 4, 0xc000);
    cfg_write(d, 0x18, 4, 0x00100000);
    cfg_write(d, 0x1c, 4, 0x00000080);
    g_assert_false(toy_at(m, 0xd0000000));
    cfg_write(d, 4, 2, 2);
    g_assert_true(toy_at(m, 0xd0000000));
    g_assert_true(toy_at(m, 0x8000100000));
    g_assert_cmphex(bench_in(m, 0xc000, 4), ==, ~0u);
    cfg_write(d, 4, 2, 1);
    g_assert_false(toy_at(m, 0xd0000000));
    g_assert_cmphex(bench_in(m, 0xc000, 4), ==, 0x11223344);
    cfg_write(d, 4, 2, 3);
    cfg_write(d, 0x10, 4, 0xd0008000);
    g_assert_false(toy_at(m, 0xd0000000));
    g_assert_true(toy_at(m, 0xd0008000));
    /* On top of RAM: RAM wins. At 0, or past the ports: nothing. */
    cfg_write(d, 0x10, 4, 0x1000);
    bench_store(m, 0x1000, 4, 0xcafe);
    g_assert_cmphex(bench_load(m, 0x1008, 4), ==, 0);
    g_assert_cmphex(cfg_read(d, 0x10, 4), ==, 0x1000);
    cfg_write(d, 0x14, 4, 0x10000 + 0xc000);
    g_assert_cmphex(bench_in(m, 0xc000, 4), ==, ~0u);
    /* Two BARs on one place do no harm. */
    cfg_write(d, 0x10, 4, 0xd0000000);
    cfg_write(d, 0x20, 4, 0xd0000000);
    bench_store(m, 0xd0000000, 4, 5);
    g_assert_cmphex(bench_load(m, 0xd0000000, 4), ==, 5);
    device_reset(&d->dev);
    g_assert_cmphex(bench_load(m, 0xd0000000, 4), ==, ~0u);
    bench_free(m);
}

/* PM 1.2: in D3hot only configuration space is there; back in D0 all is as before. */
static void test_d3(void)
{
    Machine *m = bench_new(0);
    PciBench *b = bench_pci(m, true);
    PciDevice *d = bench_pci_device(m, "toy-pci");
    unsigned pm = find_cap(d, PCI_CAP_ID_PM);
    uint32_t word;

    bench_pci_configure(m);
    uint64_t at = d->bar[0].addr;
    g_assert_true(toy_at(m, at));
    g_assert_true(d->bus_master);
    for (int s = 1; s < 3; s++) {
        cfg_write(d, pm + 4, 2, s);
        g_assert_cmphex(cfg_read(d, pm + 4, 2) & 3, ==, 0);
    }
    cfg_write(d, pm + 4, 2, 3);
    g_assert_false(toy_at(m, at));
    g_assert_cmpint(pci_dma_read(d, 0, &word, 4), ==, MEM_DECODE_ERROR);
    cfg_write(d, pm + 4, 2, 1);
    g_assert_cmphex(cfg_read(d, pm + 4, 2) & 3, ==, 3);
    cfg_write(d, pm + 4, 2, 0);
    g_assert_true(toy_at(m, at));
    g_assert_true(d->bus_master);
    g_assert_cmpuint(b->messages, ==, 0);
    bench_free(m);
}

/* ---- 2.2.6: pins ---- */

static void toy_line(PciDevice *d, int level)
{
    bench_store(d->dev.machine, d->bar[0].addr + 4, 4, level);
}

static void test_intx(void)
{
    Machine *m = bench_new(0);
    PciBench *b = bench_pci(m, true);
    PciDevice *x = bench_pci_device(m, "toy-pci,addr=1");
    PciDevice *y = bench_pci_device(m, "toy-pci,addr=5"); /* the same wire: 1 */
    PciDevice *z = bench_pci_device(m, "toy-pci,addr=2");

    bench_pci_configure(m);
    toy_line(x, 1);
    g_assert_cmpint(b->wire[1].level, ==, 1);
    g_assert_cmphex(cfg_read(x, 6, 2) & 8, ==, 8);
    toy_line(y, 1);
    toy_line(y, 1);
    toy_line(x, 0);
    g_assert_cmpint(b->wire[1].level, ==, 1);
    g_assert_cmpint(b->wire[1].falls, ==, 0);
    toy_line(y, 0);
    g_assert_cmpint(b->wire[1].level, ==, 0);
    g_assert_cmphex(cfg_read(y, 6, 2) & 8, ==, 0);
    /* The disable bit hides the pin, not the status. */
    toy_line(z, 1);
    g_assert_cmpint(b->wire[2].level, ==, 1);
    cfg_write(z, 4, 2, 0x0506);
    g_assert_cmpint(b->wire[2].level, ==, 0);
    g_assert_cmphex(cfg_read(z, 6, 2) & 8, ==, 8);
    cfg_write(z, 4, 2, 0x0106);
    g_assert_cmpint(b->wire[2].level, ==, 1);
    device_reset(&z->dev);
    g_assert_cmpint(b->wire[2].level, ==, 0);
    /* What leaves lets go of its wire. */
    bench_pci_configure(m);
    toy_line(x, 1);
    device_free(&x->dev);
    g_assert_cmpint(b->wire[1].level, ==, 0);
    bench_free(m);
}

/* ---- 6.8.1: MSI ---- */

static void test_msi(void)
{
    Machine *m = bench_new(0);
    PciBench *b = bench_pci(m, true);
    PciDevice *d = bench_pci_device(m, "toy-pci");
    unsigned c = find_cap(d, PCI_CAP_ID_MSI);

    g_assert_cmphex(cfg_read(d, c + 2, 2), ==, 0x0184); /* 64 bits, maskable, four */
    bench_pci_configure(m);
    pci_msi_notify(d, 0);
    g_assert_cmpuint(b->messages, ==, 0);
    cfg_write(d, c + 4, 4, 0xfee01003);
    cfg_write(d, c + 8, 4, 0x1);
    cfg_write(d, c + 12, 2, 0x4143);
    cfg_write(d, c + 2, 2, 0x71); /* asks for 128, gets four */
    pci_msi_notify(d, 2);
    g_assert_cmpuint(b->messages, ==, 1);
    g_assert_cmphex(b->msg_addr[0], ==, 0x1fee01000);
    g_assert_cmphex(b->msg_data[0], ==, 0x4142);
    g_assert_cmphex(b->msg_requester[0], ==, d->devfn);
    /* One vector: all are that one. */
    cfg_write(d, c + 2, 2, 1);
    pci_msi_notify(d, 3);
    g_assert_cmphex(b->msg_data[1], ==, 0x4143);
    /* Masked: pending, once; unmasked: sent. */
    cfg_write(d, c + 2, 2, 0x21);
    cfg_write(d, c + 16, 4, ~0u);
    g_assert_cmphex(cfg_read(d, c + 16, 4), ==, 0xf);
    pci_msi_notify(d, 1);
    pci_msi_notify(d, 1);
    g_assert_cmphex(cfg_read(d, c + 20, 4), ==, 2);
    cfg_write(d, c + 20, 4, 0);
    g_assert_cmphex(cfg_read(d, c + 20, 4), ==, 2);
    g_assert_cmpuint(b->messages, ==, 2);
    cfg_write(d, c + 16, 4, 0xc);
    g_assert_cmpuint(b->messages, ==, 3);
    g_assert_cmphex(b->msg_data[2], ==, 0x4141);
    g_assert_cmphex(cfg_read(d, c + 20, 4), ==, 0);
    /* A message is a write: not without bus mastering. */
    cfg_write(d, 4, 2, 3);
    pci_msi_notify(d, 0);
    g_assert_cmpuint(b->messages, ==, 3);
    /* The pin is not used any more. */
    toy_line(d, 1);
    g_assert_cmpint(b->wire[0].level, ==, 0);
    cfg_write(d, c + 2, 2, 0);
    g_assert_cmpint(b->wire[0].level, ==, 1);
    bench_free(m);
}

/* ---- 6.8.2: MSI-X ---- */

static void test_msix(void)
{
    Machine *m = bench_new(0);
    PciBench *b = bench_pci(m, true);
    PciDevice *d = bench_pci_device(m, "toy-pci");
    unsigned c = find_cap(d, PCI_CAP_ID_MSIX);

    bench_pci_configure(m);
    uint64_t table = d->bar[4].addr, pba = table + 0x800;
    g_assert_cmphex(cfg_read(d, c + 2, 2), ==, TOY_VECTORS - 1);
    g_assert_cmphex(cfg_read(d, c + 4, 4), ==, 4);
    g_assert_cmphex(cfg_read(d, c + 8, 4), ==, 0x804);
    g_assert_cmphex(bench_load(m, table + 69 * 16 + 12, 4), ==, 1);
    for (int v = 0; v < TOY_VECTORS; v++) {
        bench_store(m, table + v * 16, 8, 0xfee00000 + v * 4);
        bench_store(m, table + v * 16 + 8, 8, 0x4000 + v); /* unmasked with it */
    }
    pci_msix_notify(d, 7);
    g_assert_cmpuint(b->messages, ==, 0);
    g_assert_false(pci_msix_enabled(d));
    cfg_write(d, c + 2, 2, 0x8000);
    g_assert_true(pci_msix_enabled(d));
    pci_msix_notify(d, 7);
    g_assert_cmpuint(b->messages, ==, 1);
    g_assert_cmphex(b->msg_addr[0], ==, 0xfee0001c);
    g_assert_cmphex(b->msg_data[0], ==, 0x4007);
    pci_msix_notify(d, TOY_VECTORS);
    /* A masked vector. */
    bench_store(m, table + 69 * 16 + 12, 4, 1);
    g_assert_true(pci_msix_masked(d, 69));
    pci_msix_notify(d, 69);
    pci_msix_notify(d, 69);
    g_assert_cmpuint(b->messages, ==, 1);
    g_assert_cmphex(bench_load(m, pba + 8, 8), ==, 1ull << 5);
    bench_store(m, pba + 8, 8, 0);
    g_assert_cmphex(bench_load(m, pba + 8, 4), ==, 1u << 5);
    bench_store(m, table + 69 * 16 + 8, 4, 0x4999);
    bench_store(m, table + 69 * 16 + 12, 4, 0);
    g_assert_cmpuint(b->messages, ==, 2);
    g_assert_cmphex(b->msg_data[1], ==, 0x4999);
    g_assert_cmphex(bench_load(m, pba + 8, 8), ==, 0);
    /* The function mask. */
    cfg_write(d, c + 2, 2, 0xc000);
    pci_msix_notify(d, 1);
    pci_msix_notify(d, 68);
    bench_store(m, table + 12, 4, 1);
    g_assert_cmpuint(b->messages, ==, 2);
    cfg_write(d, c + 2, 2, 0x8000);
    g_assert_cmpuint(b->messages, ==, 4);
    g_assert_cmphex(b->msg_data[2], ==, 0x4001);
    g_assert_cmphex(b->msg_data[3], ==, 0x4044);
    g_assert_cmpuint(((Toy *)d)->changes, >=, 4);
    device_reset(&d->dev);
    g_assert_true(pci_msix_masked(d, 0));
    bench_free(m);
}

/* Many senders while a vCPU masks and unmasks: each masked period sends at most once after it. */
typedef struct Race {
    PciDevice *d;
    int stop;
    unsigned sent;
} Race;

static gpointer sender(gpointer opaque)
{
    Race *r = opaque;

    while (!__atomic_load_n(&r->stop, __ATOMIC_SEQ_CST)) {
        pci_msix_notify(r->d, 3);
        r->sent++;
    }
    return NULL;
}

static void test_msix_race(void)
{
    Machine *m = bench_new(0);
    PciBench *b = bench_pci(m, true);
    PciDevice *d = bench_pci_device(m, "toy-pci");

    bench_pci_configure(m);
    uint64_t entry = d->bar[4].addr + 3 * 16;
    bench_store(m, entry, 8, 0xfee00000);
    bench_store(m, entry + 8, 8, 0);
    cfg_write(d, find_cap(d, PCI_CAP_ID_MSIX) + 2, 2, 0x8000);
    Race r = {.d = d};
    GThread *t = g_thread_new("sender", sender, &r);
    for (unsigned i = 1; i <= 20000; i++) {
        bench_store(m, entry + 12, 4, 1);
        bench_store(m, entry, 4, 0xfee00000 + (i & 0xff) * 4096);
        bench_store(m, entry + 8, 4, i & 0xff);
        bench_store(m, entry + 12, 4, 0);
    }
    __atomic_store_n(&r.stop, 1, __ATOMIC_SEQ_CST);
    g_thread_join(t);
    /* No message was torn. (Both threads count; the ring's entries are whole pairs but for races.) */
    bench_store(m, entry + 12, 4, 1);
    bench_store(m, entry + 12, 4, 0);
    g_assert_cmphex(bench_load(m, d->bar[4].addr + 0x800, 8), ==, 0);
    g_assert_cmpuint(b->messages, >, 0);
    bench_free(m);
}

/* ---- addresses ---- */

static void refused(Machine *m, const char *text, const char *why)
{
    Error *err = NULL;

    g_assert_null(bench_pci_add(m, text, &err));
    g_assert_nonnull(strstr(error_message(err), why));
    error_free(err);
}

static void test_addresses(void)
{
    Machine *m = bench_new(0);
    PciBench *b = bench_pci(m, true);

    g_assert_cmpuint(bench_pci_device(m, "toy-pci")->devfn, ==, 0);
    g_assert_cmpuint(bench_pci_device(m, "toy-pci,addr=0x1f")->devfn, ==, 0xf8);
    g_assert_cmpuint(bench_pci_device(m, "toy-pci,addr=03.1,bus=pcie.0")->devfn, ==, 0x19);
    g_assert_cmpuint(bench_pci_device(m, "toy-pci,addr=3.7")->devfn, ==, 0x1f);
    refused(m, "toy-pci,addr=20", "no PCI slot");
    refused(m, "toy-pci,addr=3.8", "no PCI slot");
    refused(m, "toy-pci,addr=x", "no PCI slot");
    refused(m, "toy-pci,addr=3.", "no PCI slot");
    refused(m, "toy-pci,addr=1f", "slot 31 function 0 not available for toy-pci, in use by toy-pci");
    refused(m, "toy-pci,addr=1f.1", "single function device can't be populated in function 1f.1");
    refused(m, "toy-pci,addr=3", "3.0 indicates single function, but 3.1 is already populated");
    PciDevice *d = bench_pci_device(m, "toy-pci,addr=3,multifunction=on");
    g_assert_cmphex(cfg_read(d, 0x0e, 1), ==, 0x80);
    g_autofree char *addr = device_get(&d->dev, "addr");
    g_assert_cmpstr(addr, ==, "03.0");
    refused(m, "toy-pci,bus=pci.7", "no bus");
    b->bus.reserved_slots = 1u << 1;
    g_assert_cmpuint(bench_pci_device(m, "toy-pci")->devfn, ==, 0x10);
    for (int i = 4; i < 31; i++) {
        g_assert_cmpuint(bench_pci_device(m, "toy-pci")->devfn, ==, i << 3);
    }
    refused(m, "toy-pci", "no slot/function available for toy-pci, all in use or reserved");
    bench_pci_device(m, "toy-pci,addr=1");
    /* An address that was left can be taken again. */
    device_free(&d->dev);
    bench_pci_device(m, "toy-pci,addr=3.0,multifunction=on");
    bench_free(m);
}

/* ---- function level reset, saved state ---- */

static void test_flr(void)
{
    Machine *m = bench_new(0);
    PciBench *b = bench_pci(m, true);
    PciDevice *d = bench_pci_device(m, "toy-pci");
    unsigned c = find_cap(d, PCI_CAP_ID_EXP);

    g_assert_cmphex(cfg_read(d, c + 2, 2), ==, 0x92); /* integrated endpoint, version 2 */
    bench_pci_configure(m);
    toy_line(d, 1);
    g_assert_cmpint(b->wire[0].level, ==, 1);
    cfg_write(d, c + 8, 2, 0xa810);
    g_assert_cmpint(b->wire[0].level, ==, 0);
    g_assert_cmphex(cfg_read(d, c + 8, 2), ==, 0x2810);
    g_assert_cmphex(cfg_read(d, 4, 2), ==, 0);
    g_assert_cmphex(cfg_read(d, 0x10, 4), ==, 0);
    bench_free(m);
}

static void test_moves_between_machines(void)
{
    Machine *x = bench_new(0), *y = bench_new(0);
    PciBench *b = bench_pci(y, true);
    bench_pci(x, true);
    PciDevice *from = bench_pci_device(x, "toy-pci"), *to = bench_pci_device(y, "toy-pci");

    bench_pci_configure(x);
    toy_line(from, 1);
    bench_store(x, from->bar[4].addr, 8, 0xfee00000);
    bench_store(x, from->bar[4].addr + 8, 8, 0x55);
    bench_transplant(&from->dev, &to->dev);
    g_assert_true(toy_at(y, from->bar[0].addr));
    g_assert_cmpint(b->wire[0].level, ==, 1);
    cfg_write(to, find_cap(to, PCI_CAP_ID_MSIX) + 2, 2, 0x8000);
    g_assert_cmpint(b->wire[0].level, ==, 0);
    pci_msix_notify(to, 0);
    g_assert_cmphex(b->msg_data[0], ==, 0x55);
    /* Identity and kinds of BARs are not the stream's to say. */
    memset(from->config, 0xff, sizeof(from->config));
    bench_transplant(&from->dev, &to->dev);
    g_assert_cmphex(cfg_read(to, 0, 4), ==, 0x56781234);
    g_assert_cmphex(cfg_read(to, 0x10, 4), ==, 0xfffff000);
    g_assert_cmphex(cfg_read(to, 0x24, 4), ==, 0);
    bench_free(x);
    bench_free(y);
}

static void test_random_config(void)
{
    Machine *m = bench_new(1);
    bench_pci(m, true);
    PciDevice *d[3] = {bench_pci_device(m, "toy-pci"), bench_pci_device(m, "toy-pci"),
                       bench_pci_device(m, "toy-pci")};

    for (int i = 0; i < 30000; i++) {
        PciDevice *x = d[g_test_rand_int_range(0, 3)];
        unsigned size = 1u << g_test_rand_int_range(0, 3);
        unsigned reg = g_test_rand_int_range(0, i & 1 ? 0x100 : 0x40) & -size;
        uint32_t v = g_test_rand_int();
        cfg_write(x, reg, size, i & 2 ? v : v & 0xf000ffff);
        if (i % 8 == 0) {
            pci_msix_notify(x, v % 128);
            pci_msi_notify(x, v % 32);
            bench_store(m, v, 4, v);
        }
        g_assert_cmphex(cfg_read(x, 0, 4), ==, 0x56781234);
    }
    bench_free(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pci/header", test_header);
    g_test_add_func("/pci/capabilities", test_capabilities);
    g_test_add_func("/pci/sizing", test_sizing);
    g_test_add_func("/pci/moving", test_moving);
    g_test_add_func("/pci/d3", test_d3);
    g_test_add_func("/pci/intx", test_intx);
    g_test_add_func("/pci/msi", test_msi);
    g_test_add_func("/pci/msix", test_msix);
    g_test_add_func("/pci/msix-race", test_msix_race);
    g_test_add_func("/pci/addresses", test_addresses);
    g_test_add_func("/pci/flr", test_flr);
    g_test_add_func("/pci/moves", test_moves_between_machines);
    g_test_add_func("/pci/random-config", test_random_config);
    return g_test_run();
}
