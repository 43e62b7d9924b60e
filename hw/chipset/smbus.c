/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel 82371AB data sheet, 7.3 "SMBus I/O space registers"; ICH9 data sheet (order 316972), 20.2.
 *
 * Left out: the host controller as slave, block transfers' byte-done handshake (no transfer gets
 * that far).
 */
#include "hw/chipset/smbus.h"
#include "core/machine.h"

enum { STATUS = 0, CONTROL = 2, COMMAND = 3, ADDRESS = 4, DATA0 = 5, DATA1 = 6, BLOCK = 7, AUX = 13 };

#define STS_INTR    0x02
#define STS_DEV_ERR 0x04 /* no acknowledge */
#define STS_W1C     0xfe
#define CTL_INTREN  0x01
#define CTL_START   0x40 /* reads as zero */

static uint64_t smbus_read(void *opaque, hwaddr offset, unsigned size)
{
    Smbus *s = opaque;

    switch (offset) {
    case STATUS:
        return s->status;
    case CONTROL:
        s->index = 0;
        return s->control;
    case COMMAND:
        return s->command;
    case ADDRESS:
        return s->address;
    case DATA0:
        return s->data0;
    case DATA1:
        return s->data1;
    case BLOCK: {
        uint8_t v = s->block[s->index % sizeof(s->block)];
        s->index = (s->index + 1) % sizeof(s->block);
        return v;
    }
    case AUX:
        return s->aux;
    default:
        return 0;
    }
}

static void smbus_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    Smbus *s = opaque;

    switch (offset) {
    case STATUS:
        s->status &= ~(v & STS_W1C);
        break;
    case CONTROL:
        s->control = v & ~CTL_START;
        if (v & CTL_START) {
            s->status |= STS_DEV_ERR;
        }
        break;
    case COMMAND:
        s->command = v;
        break;
    case ADDRESS:
        s->address = v;
        break;
    case DATA0:
        s->data0 = v;
        break;
    case DATA1:
        s->data1 = v;
        break;
    case BLOCK:
        s->block[s->index % sizeof(s->block)] = v;
        s->index = (s->index + 1) % sizeof(s->block);
        break;
    case AUX:
        s->aux = v & 3;
        break;
    }
    device_update(s->owner);
}

bool smbus_irq(const Smbus *s)
{
    return (s->control & CTL_INTREN) && (s->status & (STS_INTR | STS_DEV_ERR));
}

static const IoOps smbus_ops = {smbus_read, smbus_write, .max_size = 1};

void smbus_init(Smbus *s, Device *owner, MemoryRegion *window, unsigned size)
{
    MemoryRegion *r = region_new_io("smbus", &smbus_ops, s, size);

    s->owner = owner;
    region_add(window, 0, r, 0);
    g_ptr_array_add(owner->regions, r);
}
