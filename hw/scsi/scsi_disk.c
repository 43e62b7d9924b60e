/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scsi-hd and scsi-cd: a logical unit as a device on a SCSI bus. The commands are in spc.c, sbc.c
 * and mmc.c.
 *
 * home: the machine's lock domain.
 */
#include <string.h>

#include "hw/scsi/lu.h"

static ScsiDevice *of_lu(ScsiLu *lu)
{
    return (ScsiDevice *)lu->dev;
}

/* All units of the target; LUN 0 is always reported. */
static unsigned report_luns(ScsiLu *lu, uint8_t *buf, unsigned max)
{
    ScsiDevice *self = of_lu(lu);
    ScsiBus *b = (ScsiBus *)self->dev.bus;
    unsigned n = 1;

    for (guint i = 0; i < b->devices->len && n < max; i++) {
        ScsiDevice *d = b->devices->pdata[i];
        if (d->channel != self->channel || d->id != self->id || !d->lun) {
            continue;
        }
        if (d->lun < 256) {
            buf[n * 8 + 1] = d->lun;
        } else { /* flat addressing */
            st_be16(buf + n * 8, 0x4000 | d->lun);
        }
        n++;
    }
    return n;
}

static void on_resized(ScsiLu *lu)
{
    ScsiBus *b = (ScsiBus *)lu->dev->bus;

    if (b->ops->changed) {
        b->ops->changed(b, of_lu(lu), SENSE(6, 0x2a, 0x09));
    }
}

static void on_media(ScsiLu *lu)
{
    ScsiBus *b = (ScsiBus *)lu->dev->bus;

    if (b->ops->changed) {
        b->ops->changed(b, of_lu(lu), SENSE(6, 0x28, 0x00));
    }
}

static bool check_text(ScsiLu *lu, Error **errp)
{
    if (lu->serial && strlen(lu->serial) > 36) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "the serial number can't be longer than 36 characters");
        return false;
    }
    return true;
}

static bool realize(Device *dev, uint8_t type, Error **errp)
{
    ScsiDevice *d = (ScsiDevice *)dev;
    ScsiLu *lu = &d->lu;
    bool writable = type == SCSI_TYPE_DISK && lu->port && !block_port_readonly(lu->port);

    if (!check_text(lu, errp) || !scsi_lu_init(lu, dev, type, writable, errp)) {
        return false;
    }
    if (type == SCSI_TYPE_DISK) {
        uint32_t c = lu->cyls, h = lu->heads, s = lu->secs;
        if (!c && !h && !s) {
            block_guess_geometry(lu->port, &c, &h, &s);
        }
        lu->cyls = c;
        lu->heads = h;
        lu->secs = s;
    }
    lu->report_luns = report_luns;
    lu->on_resized = on_resized;
    lu->on_media = on_media;
    return true;
}

static bool hd_realize(Device *dev, Error **errp)
{
    return realize(dev, SCSI_TYPE_DISK, errp);
}

static bool cd_realize(Device *dev, Error **errp)
{
    return realize(dev, SCSI_TYPE_ROM, errp);
}

static void unrealize(Device *dev)
{
    scsi_lu_fini(&((ScsiDevice *)dev)->lu);
}

static void reset_hold(Device *dev)
{
    scsi_lu_reset(&((ScsiDevice *)dev)->lu);
}

static bool post_load(Device *dev, int version, Error **errp)
{
    return scsi_lu_loaded(&((ScsiDevice *)dev)->lu, errp);
}

#define COMMON_PROPS                                                                               \
    PROP(ScsiDevice, PROP_U32, channel, "channel", 0, "channel of the adapter"),                   \
        PROP(ScsiDevice, PROP_U32, id, "scsi-id", UINT32_MAX, "target; chosen when not given"),    \
        PROP(ScsiDevice, PROP_U32, lun, "lun", UINT32_MAX, "logical unit; chosen when not given"), \
        SCSI_LU_PROPS(ScsiDevice, lu),                                                             \
        PROP_STR(ScsiDevice, lu.vendor, "vendor", NULL, "vendor of INQUIRY"),                      \
        PROP_STR(ScsiDevice, lu.product, "product", NULL, "product of INQUIRY"),                   \
        PROP_STR(ScsiDevice, lu.device_id, "device_id", NULL, "identifier of VPD page 83h"),       \
        PROP(ScsiDevice, PROP_U64, lu.port_wwn, "port_wwn", 0,                                     \
             "name of the target port; 0: none"),                                                  \
        PROP(ScsiDevice, PROP_U16, lu.port_index, "port_index", 0, "number of the target port"),   \
        PROP(ScsiDevice, PROP_I32, lu.scsi_version, "scsi_version", 5, "SPC version of INQUIRY"),  \
        PROP(ScsiDevice, PROP_U64, lu.max_io_size, "max_io_size", INT32_MAX, "bytes of a request")

static const Property hd_props[] = {
    COMMON_PROPS,
    PROP(ScsiDevice, PROP_BOOL, lu.removable, "removable", false, "the medium can be changed"),
    PROP(ScsiDevice, PROP_BOOL, lu.dpofua, "dpofua", false, "offer forced unit access"),
    PROP(ScsiDevice, PROP_U16, lu.rotation_rate, "rotation_rate", 0,
         "1/min; 1: no rotating medium, 0: not told"),
    PROP(ScsiDevice, PROP_U64, lu.max_unmap_size, "max_unmap_size", 1u << 30, "bytes of UNMAP"),
    PROP(ScsiDevice, PROP_U32, lu.cyls, "cyls", 0, "cylinders; 0: guessed"),
    PROP(ScsiDevice, PROP_U32, lu.heads, "heads", 0, "heads; 0: guessed"),
    PROP(ScsiDevice, PROP_U32, lu.secs, "secs", 0, "sectors of a track; 0: guessed"),
    {0},
};

static const Property cd_props[] = {COMMON_PROPS, {0}};

static const StateField scsi_disk_state[] = {SCSI_LU_STATE(ScsiDevice, lu), {0}};

static const DeviceType scsi_hd_type = {
    .name = "scsi-hd",
    .help = "virtual SCSI disk",
    .bus = "scsi",
    .size = sizeof(ScsiDevice),
    .version = 1,
    .user_creatable = true,
    .needs = "a SCSI bus and a drive",
    .props = hd_props,
    .state = scsi_disk_state,
    .realize = hd_realize,
    .unrealize = unrealize,
    .reset_hold = reset_hold,
    .post_load = post_load,
};
DEVICE_TYPE(scsi_hd_type);

static const DeviceType scsi_cd_type = {
    .name = "scsi-cd",
    .help = "virtual SCSI CD-ROM",
    .bus = "scsi",
    .size = sizeof(ScsiDevice),
    .version = 1,
    .user_creatable = true,
    .needs = "a SCSI bus",
    .props = cd_props,
    .state = scsi_disk_state,
    .realize = cd_realize,
    .unrealize = unrealize,
    .reset_hold = reset_hold,
    .post_load = post_load,
};
DEVICE_TYPE(scsi_cd_type);
