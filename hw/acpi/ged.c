/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generic event device of hardware-reduced ACPI: which event happened, sleep and reset registers.
 *
 * ACPI specification 6.4, 5.6.9 "interrupt-signaled ACPI events", 4.8.3.7 "sleep control and status
 * registers", 4.8.3.6 "reset register". The event register and the places of all are those of PC
 * emulators; hw/acpi/dsdt.c describes them.
 *
 * outputs: 0 = event, level: something was not read yet.  home: the machine's lock domain.
 */
#include "hw/acpi/ged.h"
#include "core/machine.h"

enum { SELECT = 0, SLEEP_CONTROL = 0, SLEEP_STATUS = 1, RESET = 2, REGS = 0x200 };

#define SLP_EN       0x20
#define S5_TYPE      5
#define RESET_VALUE  0x42

typedef struct Ged {
    Device dev;
    uint64_t base; /* property */
    uint32_t select;
    uint8_t sleep_status;
} Ged;

static void ged_outputs(Device *d)
{
    irq_set(d->out[0], ((Ged *)d)->select != 0);
}

void ged_event(Device *ged, uint32_t events)
{
    ((Ged *)ged)->select |= events;
    device_update(ged);
}

static uint64_t select_read(void *opaque, hwaddr offset, unsigned size)
{
    Ged *s = opaque;
    uint32_t v = s->select;

    s->select = 0;
    device_update(&s->dev);
    return v;
}

static void select_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
}

static uint64_t regs_read(void *opaque, hwaddr offset, unsigned size)
{
    return offset == SLEEP_STATUS ? ((Ged *)opaque)->sleep_status : 0;
}

static void regs_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    Ged *s = opaque;

    if (offset == SLEEP_CONTROL && (v & SLP_EN) && (v >> 2 & 7) == S5_TYPE) {
        machine_request_shutdown(s->dev.machine, SHUTDOWN_GUEST_SHUTDOWN);
    } else if (offset == SLEEP_STATUS) {
        s->sleep_status &= ~v;
    } else if (offset == RESET && v == RESET_VALUE) {
        machine_request_reset(s->dev.machine, SHUTDOWN_GUEST_RESET);
    }
}

static const IoOps select_ops = {select_read, select_write, .min_size = 4, .max_size = 4};
static const IoOps regs_ops = {regs_read, regs_write, .max_size = 1};

static bool ged_realize(Device *d, Error **errp)
{
    Ged *s = (Ged *)d;

    device_init_out(d, 1);
    device_map_memory(d, s->base, 4, &select_ops, "ged-event");
    device_map_memory(d, s->base + REGS, 4, &regs_ops, "ged-regs");
    return true;
}

static const Property ged_props[] = {
    PROP(Ged, PROP_U64, base, "base", 0xfea00000, "guest-physical address"),
    {0},
};

static const StateField ged_state[] = {
    STATE(Ged, STATE_U32, select, 0),
    STATE(Ged, STATE_U8, sleep_status, 0),
    {0},
};

const DeviceType ged_type = {
    .name = "acpi-ged",
    .help = "ACPI events of a machine without ACPI hardware",
    .bus = "sysbus",
    .size = sizeof(Ged),
    .version = 1,
    .internal = true,
    .props = ged_props,
    .state = ged_state,
    .realize = ged_realize,
    .outputs = ged_outputs,
};
DEVICE_TYPE(ged_type);
