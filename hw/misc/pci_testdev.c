/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pci-testdev: counts writes, for programs that measure what one costs; and, as membar=, a BAR of
 * any size with nothing behind it.
 *
 * QEMU's docs/specs/pci-testdev.txt. Each BAR has test 0, a write of one byte; those that need
 * eventfds are answered as unsupported.
 *
 * home: the machine's lock domain.
 */
#include <string.h>

#include "base/bits.h"
#include "hw/pci/pci.h"

#define MEM_SIZE 4096
#define IO_SIZE  256
#define DATA     0xfa
#define NONE     0xff

/* The header at the start of a BAR; little endian. */
enum { HDR_TEST = 0, HDR_WIDTH = 1, HDR_OFFSET = 4, HDR_DATA = 8, HDR_COUNT = 12, HDR_NAME = 16,
       HDR_SIZE = 36 };

typedef struct TestDev {
    PciDevice pci;
    uint64_t membar;
    uint8_t test[2];   /* running in BAR n: 0, or none */
    uint32_t count[2];
} TestDev;

static const char *const names[2] = {"mmio-no-eventfd", "portio-no-eventfd"};

static uint32_t target(int bar)
{
    return (bar ? IO_SIZE : MEM_SIZE) / 2;
}

static uint64_t bar_read(TestDev *t, int bar, hwaddr offset, unsigned size)
{
    uint8_t header[HDR_SIZE + 8] = {0};

    if (t->test[bar] == NONE || offset >= HDR_SIZE) {
        return 0;
    }
    header[HDR_WIDTH] = 1;
    st_le32(header + HDR_OFFSET, target(bar));
    st_le32(header + HDR_DATA, DATA);
    st_le32(header + HDR_COUNT, t->count[bar]);
    memcpy(header + HDR_NAME, names[bar], strlen(names[bar]));
    return ld_le_n(header + offset, size);
}

static void bar_write(TestDev *t, int bar, hwaddr offset, uint64_t value, unsigned size)
{
    if (offset == HDR_TEST) {
        t->test[bar] = (value & 0xff) == 0 ? 0 : NONE;
        t->count[bar] = 0;
    } else if (t->test[bar] == 0 && offset == target(bar) && size == 1 && value == DATA) {
        t->count[bar]++;
    }
}

static uint64_t mem_read(void *opaque, hwaddr offset, unsigned size)
{
    return bar_read(opaque, 0, offset, size);
}

static void mem_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    bar_write(opaque, 0, offset, value, size);
}

static uint64_t io_read(void *opaque, hwaddr offset, unsigned size)
{
    return bar_read(opaque, 1, offset, size);
}

static void io_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    bar_write(opaque, 1, offset, value, size);
}

static const IoOps mem_ops = {mem_read, mem_write, .min_size = 1, .max_size = 4};
static const IoOps io_ops = {io_read, io_write, .min_size = 1, .max_size = 4};
static const IoOps empty_ops = {.min_size = 1, .max_size = 8};

static bool testdev_realize(Device *d, Error **errp)
{
    TestDev *t = (TestDev *)d;
    static const PciIdent ident = {.vendor = 0x1b36, .device = 5, .class_code = 0x00ff00};

    if (t->membar && (!is_pow2(t->membar) || t->membar < 16)) {
        error_set(errp, ERR_INVALID_PARAMETER, "membar= must be a power of two, 16 at least");
        return false;
    }
    if (!pci_setup(&t->pci, &ident, errp)) {
        return false;
    }
    pci_bar(&t->pci, 0, device_io_region(d, "pci-testdev-mmio", &mem_ops, MEM_SIZE), false, false,
            false);
    pci_bar(&t->pci, 1, device_io_region(d, "pci-testdev-portio", &io_ops, IO_SIZE), true, false,
            false);
    if (t->membar) {
        pci_bar(&t->pci, 2, device_io_region(d, "pci-testdev-membar", &empty_ops, t->membar), false,
                true, true);
    }
    return pci_add_rom(&t->pci, NULL, errp);
}

static void testdev_unrealize(Device *d)
{
    pci_teardown((PciDevice *)d);
}

static void testdev_reset(Device *d)
{
    pci_reset((PciDevice *)d);
}

static bool testdev_post_load(Device *d, int version, Error **errp)
{
    pci_loaded((PciDevice *)d);
    return true;
}

static const Property testdev_props[] = {
    PCI_PROPS(TestDev),
    PROP(TestDev, PROP_SIZE, membar, "membar", 0, "bytes of a third, empty BAR"),
    {0},
};

static const StateField testdev_state[] = {
    PCI_STATE(TestDev),
    STATE_ARRAY(TestDev, STATE_U8, test, 2, NONE),
    STATE_ARRAY(TestDev, STATE_U32, count, 2, 0),
    {0},
};

static const DeviceType testdev_type = {
    .name = "pci-testdev",
    .help = "PCI test device: counts writes",
    .bus = "pci",
    .size = sizeof(TestDev),
    .version = 1,
    .user_creatable = true,
    .props = testdev_props,
    .state = testdev_state,
    .realize = testdev_realize,
    .unrealize = testdev_unrealize,
    .reset_hold = testdev_reset,
    .post_load = testdev_post_load,
};
DEVICE_TYPE(testdev_type);
