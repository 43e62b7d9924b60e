/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IDE function of PIIX3 and PIIX4: two channels at the ports of the PC/AT, and a bus master.
 *
 * Intel 82371SB (290550) 2.6 IDE configuration registers, 2.9 bus master registers; 82371AB
 * (290562) 4. Programming Interface for Bus Master IDE Controller 1.0: descriptors and status.
 *
 * Left out: timings (IDETIM and the like keep what is written), disabling a channel by IDETIM.
 *
 * outputs: 0, 1 = IRQ 14, IRQ 15.  home: the machine's lock domain.
 */
#include <string.h>

#include "base/trace.h"
#include "hw/ide/channel.h"
#include "hw/ide/ide.h"
#include "hw/isa/isa.h"
#include "hw/pci/pci.h"

TRACE_EVENT(piix_ide_dma, "channel %u %s %llu bytes at table 0x%08x");

#define BM_START   0x01
#define BM_TO_RAM  0x08
#define BM_ACTIVE  0x01
#define BM_ERROR   0x02
#define BM_INTR    0x04
#define BM_CAPABLE 0x60
#define PRD_MAX    8192 /* 64 KiB of descriptors */

typedef struct PiixIde PiixIde;
typedef struct PiixChannel {
    IdeChannel ide; /* first: the callbacks' cast */
    PiixIde *piix;
    uint8_t bm_command, bm_status;
    uint32_t bm_table;
    IdeSg sg;    /* of the transfer under way */
    bool longer; /* the table has more than the drive wants */
    Irq line;
} PiixChannel;

struct PiixIde {
    PciDevice pci;
    PiixChannel ch[2];
    Timer restart; /* after a load, as soon as the machine runs */
};

/* ---- bus master ---- */

/* Walks the table for up to want bytes. False: a descriptor does not point to RAM. */
static bool gather(PiixChannel *ch, uint64_t want, bool to_ram)
{
    PciDevice *pci = &ch->piix->pci;
    uint32_t at = ch->bm_table & ~3u;

    ide_sg_init(&ch->sg, to_ram);
    ch->longer = false;
    for (unsigned i = 0; i < PRD_MAX; i++, at += 8) {
        uint8_t prd[8];
        if (pci_dma_read(pci, at, prd, sizeof(prd)) != MEM_OK) {
            return false;
        }
        uint32_t len = ld_le16(prd + 4) & ~1u;
        len = len ? len : 0x10000;
        uint64_t take = MIN(len, want - ch->sg.bytes);
        if (!ide_sg_add(&ch->sg, pci, ld_le32(prd) & ~1u, take)) {
            return false;
        }
        bool last = prd[7] & 0x80;
        if (ch->sg.bytes == want) {
            ch->longer = take < len || !last;
            return true;
        }
        if (last) {
            return true;
        }
    }
    return true;
}

static void dma_error(PiixChannel *ch)
{
    ide_sg_fini(&ch->sg);
    ch->bm_status = (ch->bm_status & ~BM_ACTIVE) | BM_ERROR;
    ide_channel_dma_abort(&ch->ide, true);
}

static void dma_ready(IdeChannel *c)
{
    PiixChannel *ch = (PiixChannel *)c;
    AtaTask *t = ide_channel_dma_task(c);

    if (!t || !(ch->bm_command & BM_START) || !(ch->bm_status & BM_ACTIVE) || ch->sg.iov) {
        return;
    }
    bool to_ram = t->s.dir == SCSI_IN;
    trace(piix_ide_dma, (unsigned)(ch - ch->piix->ch), to_ram ? "in" : "out",
          (unsigned long long)t->s.len, ch->bm_table);
    if (to_ram != !!(ch->bm_command & BM_TO_RAM) || !gather(ch, t->s.len, to_ram)) {
        dma_error(ch);
        return;
    }
    ide_channel_dma(c, (struct iovec *)ch->sg.iov->data, ch->sg.iov->len);
}

static void dma_end(IdeChannel *c, uint64_t moved, bool more)
{
    PiixChannel *ch = (PiixChannel *)c;

    ide_sg_done(&ch->sg, &ch->piix->pci, moved);
    if (more || !ch->longer) {
        ch->bm_status &= ~BM_ACTIVE;
    }
}

static void intrq(IdeChannel *c)
{
    ((PiixChannel *)c)->bm_status |= BM_INTR;
}

static const IdeChannelOps channel_ops = {intrq, dma_ready, dma_end};

static void bm_stop(PiixChannel *ch)
{
    if (ch->sg.iov) {
        ide_channel_dma_abort(&ch->ide, false);
        ide_sg_fini(&ch->sg);
    }
    ch->bm_status &= ~BM_ACTIVE;
}

static uint64_t bm_read(void *opaque, hwaddr offset, unsigned size)
{
    PiixIde *s = opaque;
    PiixChannel *ch = &s->ch[offset >> 3 & 1];
    unsigned reg = offset & 7;

    switch (reg) {
    case 0:
        return ch->bm_command;
    case 2:
        return ch->bm_status;
    case 1:
    case 3:
        return 0;
    default:
        return ch->bm_table >> (8 * (reg - 4)) & 0xff;
    }
}

static void bm_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    PiixIde *s = opaque;
    PiixChannel *ch = &s->ch[offset >> 3 & 1];
    unsigned reg = offset & 7;

    switch (reg) {
    case 0:
        v &= BM_START | BM_TO_RAM;
        if ((ch->bm_command ^ v) & BM_START) {
            ch->bm_command = v;
            if (v & BM_START) {
                ch->bm_status |= BM_ACTIVE;
                dma_ready(&ch->ide);
            } else {
                bm_stop(ch);
            }
        }
        ch->bm_command = v;
        break;
    case 2:
        ch->bm_status &= ~(v & (BM_INTR | BM_ERROR));
        ch->bm_status = (ch->bm_status & ~BM_CAPABLE) | (v & BM_CAPABLE);
        break;
    case 4:
    case 5:
    case 6:
    case 7:
        ch->bm_table = deposit32(ch->bm_table, 8 * (reg - 4), 8, v) & ~3u;
        break;
    }
}

static const IoOps bm_ops = {.read = bm_read, .write = bm_write, .min_size = 1, .max_size = 1};

/* ---- the ports ---- */

#define CHANNEL_PORTS(n)                                                            \
    static uint64_t command_read##n(void *s, hwaddr offset, unsigned size)          \
    {                                                                               \
        return ide_channel_read(&((PiixIde *)s)->ch[n].ide, offset, size);          \
    }                                                                               \
    static void command_write##n(void *s, hwaddr offset, uint64_t v, unsigned size) \
    {                                                                               \
        ide_channel_write(&((PiixIde *)s)->ch[n].ide, offset, v, size);             \
    }                                                                               \
    static uint64_t control_read##n(void *s, hwaddr offset, unsigned size)          \
    {                                                                               \
        return ide_channel_alt_status(&((PiixIde *)s)->ch[n].ide);                  \
    }                                                                               \
    static void control_write##n(void *s, hwaddr offset, uint64_t v, unsigned size) \
    {                                                                               \
        ide_channel_control(&((PiixIde *)s)->ch[n].ide, v);                         \
    }                                                                               \
    static const IoOps command_ops##n = {.read = command_read##n,                   \
                                         .write = command_write##n,                 \
                                         .min_size = 1,                             \
                                         .max_size = 4,                             \
                                         .unaligned = true};                        \
    static const IoOps control_ops##n = {                                           \
        .read = control_read##n, .write = control_write##n, .min_size = 1, .max_size = 1}
CHANNEL_PORTS(0);
CHANNEL_PORTS(1);

/* ---- life ---- */

static void restart(void *opaque)
{
    PiixIde *s = opaque;

    for (int i = 0; i < 2; i++) {
        ide_channel_restart(&s->ch[i].ide);
    }
    device_update(&s->pci.dev);
}

static void piix_outputs(Device *d)
{
    PiixIde *s = (PiixIde *)d;

    for (int i = 0; i < 2; i++) {
        irq_set(d->out[i], ide_channel_irq(&s->ch[i].ide));
    }
}

/* Lines that the board did not wire are ISA's. */
static bool claim_irqs(PiixIde *s, Error **errp)
{
    Device *d = &s->pci.dev;

    device_init_out(d, 2);
    for (int i = 0; i < 2; i++) {
        if (!irq_connected(d->out[i])) {
            if (!isa_irq_claim(d, 14 + i, &s->ch[i].line, errp)) {
                return false;
            }
            device_connect(d, i, s->ch[i].line);
        }
    }
    return true;
}

static void release_irqs(PiixIde *s)
{
    for (int i = 0; i < 2; i++) {
        if (irq_connected(s->ch[i].line)) {
            isa_irq_release(s->ch[i].line);
            s->ch[i].line = (Irq){0};
        }
    }
}

static void map(PiixIde *s)
{
    Device *d = &s->pci.dev;

    pci_bar(&s->pci, 4, device_io_region(d, "piix-bmdma", &bm_ops, 16), true, false, false);
    device_map_ports(d, 0x1f0, 8, &command_ops0, "ide");
    device_map_ports(d, 0x3f6, 1, &control_ops0, "ide");
    device_map_ports(d, 0x170, 8, &command_ops1, "ide");
    device_map_ports(d, 0x376, 1, &control_ops1, "ide");
}

static bool realize(PiixIde *s, uint16_t device, Error **errp)
{
    Device *d = &s->pci.dev;
    PciIdent id = {.vendor = 0x8086, .device = device, .class_code = 0x010180};

    if (!pci_setup(&s->pci, &id, errp)) {
        return false;
    }
    if (!claim_irqs(s, errp)) {
        release_irqs(s);
        pci_teardown(&s->pci);
        return false;
    }
    memset(s->pci.wmask + 0x40, 0xff, 5); /* IDETIM, SIDETIM */
    if (device == 0x7111) {
        s->pci.wmask[0x48] = 0x0f; /* UDMA */
        memset(s->pci.wmask + 0x4a, 0x33, 2);
    }
    for (int i = 0; i < 2; i++) {
        PiixChannel *ch = &s->ch[i];
        ch->piix = s;
        ch->ide.owner = d;
        ch->ide.ops = &channel_ops;
        ide_bus_init(&ch->ide.bus, d, i, 2, false);
    }
    map(s);
    timer_init(&s->restart, d->machine, CLOCK_VIRTUAL, restart, s);
    return true;
}

static bool piix3_realize(Device *d, Error **errp)
{
    return realize((PiixIde *)d, 0x7010, errp);
}

static bool piix4_realize(Device *d, Error **errp)
{
    return realize((PiixIde *)d, 0x7111, errp);
}

static void piix_unrealize(Device *d)
{
    PiixIde *s = (PiixIde *)d;

    timer_fini(&s->restart);
    for (int i = 0; i < 2; i++) {
        ide_sg_fini(&s->ch[i].sg);
        ide_bus_fini(&s->ch[i].ide.bus);
    }
    release_irqs(s);
    pci_teardown(&s->pci);
}

static void forget(PiixIde *s)
{
    timer_disarm(&s->restart);
    for (int i = 0; i < 2; i++) {
        ide_channel_cancel(&s->ch[i].ide);
        ide_sg_fini(&s->ch[i].sg);
    }
}

static void piix_reset(Device *d)
{
    PiixIde *s = (PiixIde *)d;

    forget(s);
    pci_reset(&s->pci);
}

/* The channels answer either way; but Linux leaves one alone whose IDETIM does not say so. */
void piix_ide_preset(Device *controller)
{
    PiixIde *s = (PiixIde *)controller;

    for (int i = 0; i < 2; i++) {
        st_le16(s->pci.config + 0x40 + 2 * i, 0x8000);
    }
}

/* The drives are loaded after us: the timer finds them. */
static bool piix_post_load(Device *d, int version, Error **errp)
{
    PiixIde *s = (PiixIde *)d;

    forget(s);
    for (int i = 0; i < 2; i++) {
        PiixChannel *ch = &s->ch[i];
        ch->ide.select &= ATA_DEV;
        ch->ide.control &= ATA_NIEN | ATA_SRST | ATA_HOB;
        ch->bm_command &= BM_START | BM_TO_RAM;
        ch->bm_status &= BM_CAPABLE | BM_INTR | BM_ERROR | BM_ACTIVE;
        ch->bm_table &= ~3u;
    }
    pci_loaded(&s->pci);
    timer_arm(&s->restart, clock_ns(d->machine, CLOCK_VIRTUAL));
    return true;
}

#define CHANNEL_STATE(n)                                                                           \
    STATE(PiixIde, STATE_U8, ch[n].ide.select, 0), STATE(PiixIde, STATE_U8, ch[n].ide.control, 0), \
        STATE(PiixIde, STATE_U8, ch[n].bm_command, 0),                                             \
        STATE(PiixIde, STATE_U8, ch[n].bm_status, 0),                                              \
        STATE(PiixIde, STATE_U32, ch[n].bm_table, 0), HOST_ONLY(PiixIde, ch[n].ide.bus),           \
        HOST_ONLY(PiixIde, ch[n].ide.ops), HOST_ONLY(PiixIde, ch[n].ide.owner),                    \
        HOST_ONLY(PiixIde, ch[n].piix), HOST_ONLY(PiixIde, ch[n].sg),                              \
        HOST_ONLY(PiixIde, ch[n].longer), HOST_ONLY(PiixIde, ch[n].line)

static const StateField piix_state[] = {
    PCI_STATE(PiixIde), CHANNEL_STATE(0), CHANNEL_STATE(1), HOST_ONLY(PiixIde, restart), {0},
};
static const Property piix_props[] = {PCI_PROPS(PiixIde), {0}};

#define PIIX_TYPE(sym, name_, help_, realize_) \
    static const DeviceType sym = {            \
        .name = name_,                         \
        .help = help_,                         \
        .bus = "pci",                          \
        .size = sizeof(PiixIde),               \
        .version = 1,                          \
        .user_creatable = true,                \
        .needs = "an ISA bus",                 \
        .props = piix_props,                   \
        .state = piix_state,                   \
        .realize = realize_,                   \
        .unrealize = piix_unrealize,           \
        .reset_hold = piix_reset,              \
        .outputs = piix_outputs,               \
        .post_load = piix_post_load,           \
    };                                         \
    DEVICE_TYPE(sym)
PIIX_TYPE(piix3_ide_type, "piix3-ide", "IDE function of the PIIX3", piix3_realize);
PIIX_TYPE(piix4_ide_type, "piix4-ide", "IDE function of the PIIX4", piix4_realize);
