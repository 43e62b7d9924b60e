/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two ISA DMA controllers of a PC and their page registers.
 *
 * Intel 8237A data sheet; PC/AT technical reference, "DMA" (second controller
 * word-wide at 0xc0, page registers at 0x80). Left out: memory-to-memory and
 * cascade transfers by software, compressed timing, verify beyond counting: no
 * PC device uses them. A transfer moves whole blocks when the device has them.
 *
 * home: the machine's lock domain.
 */
#include <string.h>

#include "base/log.h"
#include "core/machine.h"
#include "hw/isa/isa.h"

enum { MODE_AUTO = 1 << 4, MODE_DOWN = 1 << 5 };
enum { COMMAND_DISABLE = 1 << 2 };

typedef struct I8257 I8257;

typedef struct Channel {
    uint16_t base, base_count, now, now_count;
    uint8_t mode, page;
    uint16_t pad;
} Channel;

struct I8257 {
    Device dev;
    Channel ch[8];
    uint8_t mask[2], status[2], command[2], flipflop[2];
    uint8_t page_ram[16];
    IsaDmaReady *ready[8];
    void *ready_opaque[8];
};

/* The page register of each channel is at 0x80 + this. */
static const uint8_t page_port[8] = {0x7, 0x3, 0x1, 0x2, 0xf, 0xb, 0x9, 0xa};

static bool channel_open(const I8257 *s, int n)
{
    return !(s->mask[n >> 2] >> (n & 3) & 1) && !(s->command[n >> 2] & COMMAND_DISABLE);
}

/* A device that waits for its channel is told when the channel opens. */
static void tell_ready(I8257 *s, int ctrl)
{
    for (int n = ctrl * 4; n < ctrl * 4 + 4; n++) {
        if (s->ready[n] && channel_open(s, n)) {
            s->ready[n](s->ready_opaque[n]);
        }
    }
}

/* ---- registers of one controller; offset 0..15 in units of its spacing ---- */

static uint8_t *half(I8257 *s, int ctrl, uint16_t *reg)
{
    uint8_t *p = (uint8_t *)reg + (s->flipflop[ctrl] ? 1 : 0);

    s->flipflop[ctrl] ^= 1;
    return p;
}

static uint8_t ctrl_read(I8257 *s, int ctrl, unsigned reg)
{
    if (reg < 8) {
        Channel *c = &s->ch[ctrl * 4 + reg / 2];
        return *half(s, ctrl, reg & 1 ? &c->now_count : &c->now);
    }
    if (reg == 8) {
        uint8_t v = s->status[ctrl];
        s->status[ctrl] &= 0xf0; /* reading clears the terminal counts */
        return v;
    }
    return reg == 15 ? s->mask[ctrl] : 0xff;
}

static void master_clear(I8257 *s, int ctrl)
{
    s->flipflop[ctrl] = 0;
    s->status[ctrl] = 0;
    s->command[ctrl] = 0;
    s->mask[ctrl] = 0xf;
}

static void ctrl_write(I8257 *s, int ctrl, unsigned reg, uint8_t v)
{
    uint8_t bit = (uint8_t)(1u << (v & 3));

    switch (reg) {
    case 0 ... 7: {
        Channel *c = &s->ch[ctrl * 4 + reg / 2];
        uint16_t *base = reg & 1 ? &c->base_count : &c->base;
        *half(s, ctrl, base) = v;
        *(reg & 1 ? &c->now_count : &c->now) = *base;
        return;
    }
    case 8:
        s->command[ctrl] = v;
        break;
    case 10:
        s->mask[ctrl] = v & 4 ? s->mask[ctrl] | bit : s->mask[ctrl] & ~bit;
        break;
    case 11:
        s->ch[ctrl * 4 + (v & 3)].mode = v;
        return;
    case 12:
        s->flipflop[ctrl] = 0;
        return;
    case 13:
        master_clear(s, ctrl);
        return;
    case 14:
        s->mask[ctrl] = 0;
        break;
    case 15:
        s->mask[ctrl] = v & 0xf;
        break;
    default: /* 9: software requests move nothing without a device */
        return;
    }
    tell_ready(s, ctrl);
}

static uint64_t dma8_read(void *opaque, hwaddr offset, unsigned size)
{
    return ctrl_read(opaque, 0, (unsigned)offset);
}

static void dma8_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    ctrl_write(opaque, 0, (unsigned)offset, (uint8_t)v);
}

static uint64_t dma16_read(void *opaque, hwaddr offset, unsigned size)
{
    return ctrl_read(opaque, 1, (unsigned)offset / 2);
}

static void dma16_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    ctrl_write(opaque, 1, (unsigned)offset / 2, (uint8_t)v);
}

static int channel_of_page(hwaddr offset)
{
    for (int n = 0; n < 8; n++) {
        if (page_port[n] == offset) {
            return n;
        }
    }
    return -1;
}

static uint64_t page_read(void *opaque, hwaddr offset, unsigned size)
{
    I8257 *s = opaque;
    int n = channel_of_page(offset + 1);

    return n >= 0 ? s->ch[n].page : s->page_ram[offset + 1];
}

static void page_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    I8257 *s = opaque;
    int n = channel_of_page(offset + 1);

    s->page_ram[offset + 1] = (uint8_t)v;
    if (n >= 0) {
        s->ch[n].page = (uint8_t)v;
    }
}

/* ---- transfers ---- */

static void find_dma(Device *d, void *opaque)
{
    if (d->type == &i8257_type) {
        *(Device **)opaque = d;
    }
}

static I8257 *dma_of(Device *d)
{
    Device *found = NULL;

    device_foreach(d->machine, find_dma, &found);
    return (I8257 *)found;
}

bool isa_dma_claim(Device *d, unsigned channel, IsaDmaReady *ready, void *opaque, Error **errp)
{
    I8257 *s = dma_of(d);

    if (!s || channel > 7 || channel == 4 || s->ready[channel]) {
        error_set(errp, ERR_INVALID_PARAMETER, s ? "%s: DMA channel %u is not there or taken"
                                                 : "%s: this machine has no ISA DMA (channel %u)",
                  d->type->name, channel);
        return false;
    }
    s->ready[channel] = ready;
    s->ready_opaque[channel] = opaque;
    return true;
}

void isa_dma_release(Device *d, unsigned channel)
{
    I8257 *s = dma_of(d);

    if (s && channel < 8) {
        s->ready[channel] = NULL;
    }
}

bool isa_dma_open(Device *d, unsigned channel)
{
    I8257 *s = dma_of(d);

    return s && channel < 8 && channel_open(s, (int)channel);
}

static void move(I8257 *s, hwaddr at, uint8_t *buf, size_t len, bool to_memory)
{
    AddressSpace *as = machine_memory(s->dev.machine);
    const MemAttrs dma = {.dma = true};

    if (to_memory) {
        address_space_write(as, at, dma, buf, len);
    } else if (address_space_read(as, at, dma, buf, len) != MEM_OK) {
        log_mask(LOG_GUEST_ERROR, "i8257: DMA from 0x%llx: no memory\n", (unsigned long long)at);
    }
}

size_t isa_dma_move(Device *d, unsigned channel, void *buf, size_t len, bool to_memory, bool *tc)
{
    I8257 *s = dma_of(d);
    Channel *c = &s->ch[channel];
    unsigned wide = channel >= 4; /* words: addresses and counts are shifted by one */
    size_t units = len >> wide, left = (size_t)c->now_count + 1, done = 0;
    unsigned type = c->mode >> 2 & 3; /* 0 verify, 1 to memory, 2 from memory */

    *tc = false;
    units = MIN(units, left);
    while (done < units) {
        /* The 16-bit address wraps inside the page. */
        size_t run = c->mode & MODE_DOWN ? 1 : MIN(units - done, 0x10000u - c->now);
        hwaddr at = wide ? (hwaddr)(c->page & 0xfe) << 16 | (hwaddr)c->now << 1
                         : (hwaddr)c->page << 16 | c->now;
        if (type == (to_memory ? 1u : 2u)) {
            move(s, at, (uint8_t *)buf + (done << wide), run << wide, to_memory);
        }
        c->now = (uint16_t)(c->mode & MODE_DOWN ? c->now - run : c->now + run);
        done += run;
    }
    c->now_count = (uint16_t)(c->now_count - done);
    if (done == left) {
        *tc = true;
        s->status[channel >> 2] |= (uint8_t)(1u << (channel & 3));
        if (c->mode & MODE_AUTO) {
            c->now = c->base;
            c->now_count = c->base_count;
        } else {
            s->mask[channel >> 2] |= (uint8_t)(1u << (channel & 3));
        }
    }
    return done << wide;
}

/* ---- life ---- */

static const IoOps dma8_ops = {dma8_read, dma8_write, .max_size = 1};
static const IoOps dma16_ops = {dma16_read, dma16_write, .max_size = 1};
static const IoOps page_ops = {page_read, page_write, .max_size = 1};

static bool i8257_realize(Device *d, Error **errp)
{
    device_map_ports(d, 0x00, 16, &dma8_ops, "dma-8bit");
    device_map_ports(d, 0xc0, 32, &dma16_ops, "dma-16bit");
    device_map_ports(d, 0x81, 15, &page_ops, "dma-page");
    return true;
}

static void i8257_reset(Device *d)
{
    master_clear((I8257 *)d, 0);
    master_clear((I8257 *)d, 1);
}

static const StateField i8257_state[] = {
    STATE_RAW(I8257, ch),
    STATE_ARRAY(I8257, STATE_U8, mask, 2, 0xf),
    STATE_ARRAY(I8257, STATE_U8, status, 2, 0),
    STATE_ARRAY(I8257, STATE_U8, command, 2, 0),
    STATE_ARRAY(I8257, STATE_U8, flipflop, 2, 0),
    STATE_ARRAY(I8257, STATE_U8, page_ram, 16, 0),
    HOST_ONLY(I8257, ready),
    HOST_ONLY(I8257, ready_opaque),
    {0},
};

const DeviceType i8257_type = {
    .name = "i8257",
    .help = "ISA DMA controllers",
    .bus = "isa",
    .size = sizeof(I8257),
    .version = 1,
    .internal = true,
    .state = i8257_state,
    .realize = i8257_realize,
    .reset_hold = i8257_reset,
};
DEVICE_TYPE(i8257_type);
