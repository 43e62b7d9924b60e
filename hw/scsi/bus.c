/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SCSI bus: addresses, the units on it, and LUNs that are not there.
 *
 * SAM-5 4.7 logical unit numbers; SPC-4 6.4.2 and 6.33: what an incorrect LUN answers.
 *
 * home: topology on the main loop; the list is changed and read with the machine locked.
 */
#include <string.h>

#include "hw/scsi/lu.h"

char *disk_bus_name(Device *owner, const char *kind, unsigned n)
{
    /* A virtio device's id stands at the PCI function that carries it. */
    for (Device *d = owner; d && d->parent; d = d->parent) {
        if (d->id) {
            return g_strdup_printf("%s.%u", d->id, n);
        }
        if (!d->bus || strcmp(d->bus->ops->kind, "virtio")) {
            break;
        }
    }
    for (unsigned i = 0;; i++) {
        char *name = g_strdup_printf("%s.%u", kind, i);
        if (!bus_find(owner->machine, name)) {
            return name;
        }
        g_free(name);
    }
}

static unsigned address(const ScsiDevice *d)
{
    return d->channel << 24 | d->id << 16 | d->lun;
}

ScsiDevice *scsi_bus_find(ScsiBus *b, unsigned channel, unsigned id, unsigned lun)
{
    for (guint i = 0; i < b->devices->len; i++) {
        ScsiDevice *d = b->devices->pdata[i];
        if (d->channel == channel && d->id == id && d->lun == lun) {
            return d;
        }
    }
    return NULL;
}

ScsiDevice *scsi_bus_find_target(ScsiBus *b, unsigned channel, unsigned id)
{
    for (guint i = 0; i < b->devices->len; i++) {
        ScsiDevice *d = b->devices->pdata[i];
        if (d->channel == channel && d->id == id) {
            return d;
        }
    }
    return NULL;
}

/* ---- joining and leaving ---- */

static bool choose_address(ScsiBus *b, ScsiDevice *d, Error **errp)
{
    bool any_id = d->id == UINT32_MAX;
    uint32_t want = d->lun == UINT32_MAX ? 0 : d->lun;

    for (uint32_t id = 0; any_id && id <= b->ops->max_target; id++) {
        if (!scsi_bus_find(b, d->channel, id, want)) {
            d->id = id;
            d->lun = want;
            return true;
        }
    }
    for (uint32_t lun = 0; !any_id && d->lun == UINT32_MAX && lun <= b->ops->max_lun; lun++) {
        if (!scsi_bus_find(b, d->channel, d->id, lun)) {
            d->lun = lun;
            return true;
        }
    }
    if (any_id || d->lun == UINT32_MAX) {
        error_set(errp, ERR_GENERIC, "no free %s", any_id ? "target" : "lun");
        return false;
    }
    if (scsi_bus_find(b, d->channel, d->id, d->lun)) {
        error_set(errp, ERR_GENERIC, "lun already used by another device");
        return false;
    }
    return true;
}

static bool check_limit(const char *what, uint32_t have, unsigned max, Error **errp)
{
    if (have != UINT32_MAX && have > max) {
        error_set(errp, ERR_INVALID_PARAMETER, "bad scsi %s: %u (at most %u)", what, have, max);
        return false;
    }
    return true;
}

static bool attach(Bus *bus, Device *dev, Error **errp)
{
    ScsiBus *b = (ScsiBus *)bus;
    ScsiDevice *d = (ScsiDevice *)dev;

    if (!check_limit("channel id", d->channel, b->ops->max_channel, errp) ||
        !check_limit("device id", d->id, b->ops->max_target, errp) ||
        !check_limit("device lun", d->lun, b->ops->max_lun, errp)) {
        return false;
    }
    machine_lock(dev->machine);
    bool ok = choose_address(b, d, errp);
    guint at = 0;
    while (at < b->devices->len && address(b->devices->pdata[at]) < address(d)) {
        at++;
    }
    if (ok) {
        g_ptr_array_insert(b->devices, at, d);
    }
    machine_unlock(dev->machine);
    return ok;
}

static void detach(Bus *bus, Device *dev)
{
    machine_lock(dev->machine);
    g_ptr_array_remove(((ScsiBus *)bus)->devices, dev);
    machine_unlock(dev->machine);
}

static void tell_targets_neighbours(ScsiBus *b, ScsiDevice *d)
{
    for (guint i = 0; i < b->devices->len; i++) {
        ScsiDevice *x = b->devices->pdata[i];
        if (x != d && x->channel == d->channel && x->id == d->id) {
            scsi_lu_attention(&x->lu, SCSI_UA_LUNS);
        }
    }
}

static bool plugged(Bus *bus, Device *dev, Error **errp)
{
    ScsiBus *b = (ScsiBus *)bus;

    if (!b->ops->hotplug) {
        error_set(errp, ERR_GENERIC, "bus '%s' does not support hot-plugging", bus->name);
        return false;
    }
    machine_lock(dev->machine);
    tell_targets_neighbours(b, (ScsiDevice *)dev);
    if (b->ops->plugged) {
        b->ops->plugged(b, (ScsiDevice *)dev);
    }
    machine_unlock(dev->machine);
    return true;
}

/* The guest is told and not asked: the unit answers nothing any more. */
static bool unplug(Bus *bus, Device *dev, Error **errp)
{
    ScsiBus *b = (ScsiBus *)bus;

    if (!b->ops->hotplug) {
        error_set(errp, ERR_GENERIC, "bus '%s' does not support hot-plugging", bus->name);
        return false;
    }
    machine_lock(dev->machine);
    tell_targets_neighbours(b, (ScsiDevice *)dev);
    if (b->ops->unplugged) {
        b->ops->unplugged(b, (ScsiDevice *)dev);
    }
    g_ptr_array_remove(b->devices, dev);
    machine_unlock(dev->machine);
    device_unplugged(dev);
    return true;
}

static void fw_path(Bus *bus, Device *dev, GString *out)
{
    ScsiDevice *d = (ScsiDevice *)dev;

    g_string_append_printf(out, "channel@%x/disk@%x,%x", d->channel, d->id, d->lun);
}

static const BusOps scsi_ops = {
    .kind = "scsi",
    .attach = attach,
    .detach = detach,
    .plugged = plugged,
    .unplug = unplug,
    .fw_path = fw_path,
};

void scsi_bus_init(ScsiBus *b, const ScsiBusOps *ops, Device *owner, const char *name)
{
    g_autofree char *made = name ? NULL : disk_bus_name(owner, "scsi", 0);

    b->ops = ops;
    b->devices = g_ptr_array_new();
    bus_init(&b->bus, &scsi_ops, owner, name ? name : made);
}

void scsi_bus_fini(ScsiBus *b)
{
    bus_fini(&b->bus);
    g_clear_pointer(&b->devices, g_ptr_array_unref);
}

/* ---- LUNs that are not there ---- */

static bool absent_inquiry(ScsiTask *t)
{
    uint8_t *b = scsi_task_buffer(t, 36);

    if (t->cdb[1] & 3 || t->cdb[2]) {
        return scsi_task_fail(t, SENSE_INVALID_FIELD);
    }
    b[0] = 0x7f; /* no device can be here */
    b[2] = 5;
    b[3] = 0x12;
    b[4] = 36 - 5;
    b[7] = 0x02;
    return scsi_task_reply(t, 36, ld_be16(t->cdb + 3));
}

static bool absent_request_sense(ScsiTask *t)
{
    scsi_sense_bytes(SENSE_LUN_NOT_SUPPORTED, false, 0, scsi_task_buffer(t, SCSI_SENSE_LEN));
    return scsi_task_reply(t, SCSI_SENSE_LEN, t->cdb[4]);
}

bool scsi_bus_start(ScsiDevice *d, unsigned lun, ScsiTask *t)
{
    t->lu = &d->lu;
    if (d->lun == lun || (t->cdb[0] == 0xa0 && lun == 0)) {
        return scsi_task_start(t);
    }
    switch (t->cdb[0]) {
    case 0x12:
        return absent_inquiry(t);
    case 0x03:
        return absent_request_sense(t);
    default:
        return scsi_task_fail(t, SENSE_LUN_NOT_SUPPORTED);
    }
}
