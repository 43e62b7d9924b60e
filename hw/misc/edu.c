/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * edu: the card on which driver writing is learnt. Interrupts by pin or MSI, a factorial that takes
 * its time, DMA to and from a buffer of 4 KiB.
 *
 * QEMU's docs/specs/edu.txt. DMA reaches the buffer at 0x40000 only, and memory below dma_mask.
 *
 * home: the machine's lock domain.
 */
#include <inttypes.h>

#include "base/log.h"
#include "hw/pci/pci.h"

#define BAR_SIZE   (1u << 20)
#define IDENTITY   0x010000edu
#define WIDE_FROM  0x80 /* registers from here on may be accessed with 64 bits */
#define BUFFER_AT  0x40000
#define BUFFER_LEN 4096
#define FACT_TIME  (10 * NS_PER_US)
#define DMA_TIME   NS_PER_MS

enum { REG_ID = 0, REG_LIVE = 4, REG_FACT = 8, REG_STATUS = 0x20, REG_IRQ = 0x24, REG_RAISE = 0x60,
       REG_ACK = 0x64, REG_SRC = 0x80, REG_DST = 0x88, REG_COUNT = 0x90, REG_CMD = 0x98 };
enum { STATUS_BUSY = 1, STATUS_IRQ = 0x80 };
enum { CMD_RUN = 1, CMD_TO_RAM = 2, CMD_IRQ = 4, CMD_ALL = 7 };
enum { IRQ_FACT = 1, IRQ_DMA = 0x100 };

typedef struct Edu {
    PciDevice pci;
    uint64_t dma_mask;
    uint32_t live, fact, status, irq;
    uint64_t src, dst, count, cmd;
    uint8_t buffer[BUFFER_LEN];
    Timer fact_timer, dma_timer;
} Edu;

static void raise_irq(Edu *e, uint32_t bits)
{
    e->irq |= bits;
    if (e->irq) {
        pci_msi_notify(&e->pci, 0);
    }
    device_update(&e->pci.dev);
}

static void edu_outputs(Device *d)
{
    Edu *e = (Edu *)d;

    pci_set_irq(&e->pci, e->irq != 0);
}

/* ---- factorial ---- */

static void fact_done(void *opaque)
{
    Edu *e = opaque;
    uint32_t n = e->fact, product = 1;

    if (n > 33) {
        product = 0; /* there are 32 factors of two in it */
    }
    for (; product && n > 1; n--) {
        product *= n;
    }
    e->fact = product;
    e->status &= ~STATUS_BUSY;
    if (e->status & STATUS_IRQ) {
        raise_irq(e, IRQ_FACT);
    }
}

/* ---- DMA ---- */

static uint64_t bus_address(Edu *e, uint64_t addr)
{
    if (addr & ~e->dma_mask) {
        log_mask(LOG_GUEST_ERROR, "edu: DMA address 0x%" PRIx64 " is beyond dma_mask\n", addr);
    }
    return addr & e->dma_mask;
}

static void dma_done(void *opaque)
{
    Edu *e = opaque;
    bool to_ram = e->cmd & CMD_TO_RAM;
    uint64_t at = (to_ram ? e->src : e->dst) - BUFFER_AT;

    if (at > BUFFER_LEN || e->count > BUFFER_LEN - at) {
        log_mask(LOG_GUEST_ERROR, "edu: DMA outside of the buffer\n");
    } else if (to_ram) {
        pci_dma_write(&e->pci, bus_address(e, e->dst), e->buffer + at, e->count);
    } else {
        pci_dma_read(&e->pci, bus_address(e, e->src), e->buffer + at, e->count);
    }
    e->cmd &= ~(uint64_t)CMD_RUN;
    if (e->cmd & CMD_IRQ) {
        raise_irq(e, IRQ_DMA);
    }
}

/* ---- registers ---- */

static uint64_t edu_read(void *opaque, hwaddr offset, unsigned size)
{
    Edu *e = opaque;

    if (size == 8 && offset < WIDE_FROM) {
        return UINT64_MAX;
    }
    switch (offset) {
    case REG_ID:
        return IDENTITY;
    case REG_LIVE:
        return e->live;
    case REG_FACT:
        return e->fact;
    case REG_STATUS:
        return e->status;
    case REG_IRQ:
        return e->irq;
    case REG_SRC:
        return e->src;
    case REG_DST:
        return e->dst;
    case REG_COUNT:
        return e->count;
    case REG_CMD:
        return e->cmd;
    default:
        return UINT64_MAX;
    }
}

static void dma_register(Edu *e, uint64_t *reg, uint64_t value)
{
    if (!(e->cmd & CMD_RUN)) {
        *reg = value;
    }
}

static void write_cmd(Edu *e, uint64_t value)
{
    if (!(e->cmd & CMD_RUN) && (value & CMD_RUN)) {
        e->cmd = value & CMD_ALL;
        timer_arm(&e->dma_timer, clock_ns(e->pci.dev.machine, CLOCK_VIRTUAL) + DMA_TIME);
    }
}

static void write_fact(Edu *e, uint32_t value)
{
    if (!(e->status & STATUS_BUSY)) {
        e->fact = value;
        e->status |= STATUS_BUSY;
        timer_arm(&e->fact_timer, clock_ns(e->pci.dev.machine, CLOCK_VIRTUAL) + FACT_TIME);
    }
}

static void edu_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    Edu *e = opaque;

    if (size == 8 && offset < WIDE_FROM) {
        return;
    }
    switch (offset) {
    case REG_LIVE:
        e->live = ~value;
        break;
    case REG_FACT:
        write_fact(e, value);
        break;
    case REG_STATUS:
        e->status = (e->status & ~STATUS_IRQ) | (value & STATUS_IRQ);
        break;
    case REG_RAISE:
        raise_irq(e, value);
        break;
    case REG_ACK:
        e->irq &= ~value;
        break;
    case REG_SRC:
        dma_register(e, &e->src, value);
        break;
    case REG_DST:
        dma_register(e, &e->dst, value);
        break;
    case REG_COUNT:
        dma_register(e, &e->count, value);
        break;
    case REG_CMD:
        write_cmd(e, value);
        break;
    }
}

static const IoOps edu_ops = {edu_read, edu_write, .min_size = 4, .max_size = 8};

/* ---- life ---- */

static bool edu_realize(Device *d, Error **errp)
{
    Edu *e = (Edu *)d;
    static const PciIdent ident = {.vendor = 0x1234, .device = 0x11e8, .revision = 0x10,
                                   .class_code = 0x00ff00, .pin = 1};

    if (!pci_setup(&e->pci, &ident, errp)) {
        return false;
    }
    pci_add_msi(&e->pci, 1, true, false, 0);
    pci_bar(&e->pci, 0, device_io_region(d, "edu-mmio", &edu_ops, BAR_SIZE), false, false, false);
    timer_init(&e->fact_timer, d->machine, CLOCK_VIRTUAL, fact_done, e);
    timer_init(&e->dma_timer, d->machine, CLOCK_VIRTUAL, dma_done, e);
    return pci_add_rom(&e->pci, NULL, errp);
}

static void edu_unrealize(Device *d)
{
    pci_teardown((PciDevice *)d);
}

static void edu_reset(Device *d)
{
    pci_reset((PciDevice *)d);
}

static bool edu_post_load(Device *d, int version, Error **errp)
{
    pci_loaded((PciDevice *)d);
    return true;
}

static const Property edu_props[] = {
    PCI_PROPS(Edu),
    PROP(Edu, PROP_U64, dma_mask, "dma_mask", (1u << 28) - 1, "addresses that DMA can reach"),
    {0},
};

static const StateField edu_state[] = {
    PCI_STATE(Edu),
    STATE(Edu, STATE_U32, live, 0),
    STATE(Edu, STATE_U32, fact, 0),
    STATE(Edu, STATE_U32, status, 0),
    STATE(Edu, STATE_U32, irq, 0),
    STATE(Edu, STATE_U64, src, 0),
    STATE(Edu, STATE_U64, dst, 0),
    STATE(Edu, STATE_U64, count, 0),
    STATE(Edu, STATE_U64, cmd, 0),
    STATE_RAW(Edu, buffer),
    STATE(Edu, STATE_TIMER, fact_timer, 0),
    STATE(Edu, STATE_TIMER, dma_timer, 0),
    {0},
};

static const DeviceType edu_type = {
    .name = "edu",
    .help = "educational PCI card: interrupts, DMA, factorials",
    .bus = "pci",
    .size = sizeof(Edu),
    .version = 1,
    .user_creatable = true,
    .props = edu_props,
    .state = edu_state,
    .realize = edu_realize,
    .unrealize = edu_unrealize,
    .reset_hold = edu_reset,
    .outputs = edu_outputs,
    .post_load = edu_post_load,
};
DEVICE_TYPE(edu_type);
