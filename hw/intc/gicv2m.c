/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GICv2m: a frame whose register makes shared peripheral interrupts of messages.
 *
 * Arm Server Base System Architecture (DEN 0029), appendix "GICv2m architecture": MSI_TYPER, MSI_SETSPI_NS, MSI_IIDR.
 *
 * outputs: n of num-spi, pulsed. home: any thread; it has no state.
 */
#include "base/bits.h"
#include "base/log.h"
#include "core/machine.h"
#include "hw/intc/gic.h"

#include <inttypes.h>

enum { M_TYPER = 0x008, M_SETSPI = 0x040, M_IIDR = 0xfcc, M_ID = 0xfd0, M_SIZE = 0x1000 };
#define IIDR_VALUE 0x05100000u /* as QEMU's */

typedef struct Gicv2m {
    Device dev;
    uint64_t base; /* properties */
    uint32_t base_spi, num_spi;
} Gicv2m;

static void set_spi(Gicv2m *s, uint32_t intid)
{
    uint32_t n = (intid & 0x3ff) - (s->base_spi + 32);

    if (n < s->num_spi) {
        irq_pulse(s->dev.out[n]); /* driven through to a distributor that latches it as an edge */
    }
}

void gicv2m_message(void *opaque, uint16_t requester, uint64_t addr, uint32_t data)
{
    Gicv2m *s = opaque;

    if (addr != s->base + M_SETSPI) {
        log_mask(LOG_GUEST_ERROR, "arm-gicv2m: a message to 0x%" PRIx64 " is nobody's\n", addr);
        return;
    }
    set_spi(s, data);
}

static uint64_t v2m_read(void *opaque, hwaddr offset, unsigned size)
{
    Gicv2m *s = opaque;

    switch (offset) {
    case M_TYPER:
        return (s->base_spi + 32) << 16 | s->num_spi;
    case M_IIDR:
        return IIDR_VALUE;
    default:
        return 0;
    }
}

static void v2m_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    if (offset == M_SETSPI) {
        set_spi(opaque, v);
    }
}

static const IoOps v2m_ops = {v2m_read, v2m_write, .min_size = 4, .max_size = 4, .lockless = true};

static bool v2m_realize(Device *d, Error **errp)
{
    Gicv2m *s = (Gicv2m *)d;

    if (!s->num_spi || s->num_spi > GIC_MAX_IRQ - 32 || s->base_spi > GIC_MAX_IRQ - 32 - s->num_spi) {
        error_set(errp, ERR_INVALID_PARAMETER, "arm-gicv2m: there are no SPIs %u to %u", s->base_spi,
                  s->base_spi + s->num_spi - 1);
        return false;
    }
    device_init_out(d, s->num_spi);
    device_map_memory(d, s->base, M_SIZE, &v2m_ops, "gicv2m");
    return true;
}

static const Property v2m_props[] = {
    PROP(Gicv2m, PROP_U64, base, "base", 0x08020000, "guest-physical address"),
    PROP(Gicv2m, PROP_U32, base_spi, "base-spi", 48, "the first SPI that messages make"),
    PROP(Gicv2m, PROP_U32, num_spi, "num-spi", 64, "how many"),
    {0},
};

const DeviceType arm_gicv2m_type = {
    .name = "arm-gicv2m",
    .help = "GICv2m frame: SPIs by PCI messages",
    .bus = "sysbus",
    .size = sizeof(Gicv2m),
    .version = 1,
    .internal = true,
    .props = v2m_props,
    .realize = v2m_realize,
};
DEVICE_TYPE(arm_gicv2m_type);
