/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IDE bus, and ide-hd and ide-cd on it. The commands are in ata.c and hw/scsi.
 *
 * home: the machine's lock domain; topology on the main loop.
 */
#include <string.h>

#include "hw/ide/ata.h"

/* ---- the bus ---- */

static bool attach(Bus *bus, Device *dev, Error **errp)
{
    IdeBus *b = (IdeBus *)bus;
    IdeDrive *d = (IdeDrive *)dev;
    unsigned unit = d->unit;

    for (unsigned i = 0; unit == UINT32_MAX && i < b->units; i++) {
        unit = b->drive[i] ? unit : i;
    }
    if (unit >= b->units) {
        if (unit == UINT32_MAX) {
            error_set(errp, ERR_GENERIC, "bus '%s' is full", bus->name);
        } else {
            error_set(errp, ERR_INVALID_PARAMETER,
                      "Can't create IDE unit %u, bus supports only %u units", unit, b->units);
        }
        return false;
    }
    if (b->drive[unit]) {
        error_set(errp, ERR_GENERIC, "IDE unit %u is in use", unit);
        return false;
    }
    d->unit = unit;
    return true;
}

static void detach(Bus *bus, Device *dev)
{
    IdeBus *b = (IdeBus *)bus;
    unsigned unit = ((IdeDrive *)dev)->unit;

    if (unit < 2 && b->drive[unit] == (IdeDrive *)dev) {
        machine_lock(dev->machine);
        b->drive[unit] = NULL;
        machine_unlock(dev->machine);
    }
}

static bool full(Bus *bus)
{
    IdeBus *b = (IdeBus *)bus;

    return b->drive[0] && (b->units < 2 || b->drive[1]);
}

static void fw_path(Bus *bus, Device *dev, GString *out)
{
    g_string_append_printf(out, "drive@%x/disk@%x", ((IdeBus *)bus)->index,
                           ((IdeDrive *)dev)->unit);
}

static const BusOps ide_ops = {
    .kind = "ide",
    .attach = attach,
    .detach = detach,
    .full = full,
    .fw_path = fw_path,
};

void ide_bus_init(IdeBus *b, Device *owner, unsigned index, unsigned units, bool ncq)
{
    g_autofree char *name = disk_bus_name(owner, "ide", index);

    b->index = index;
    b->units = units;
    b->ncq = ncq;
    bus_init(&b->bus, &ide_ops, owner, name);
}

void ide_bus_fini(IdeBus *b)
{
    bus_fini(&b->bus);
}

/* ---- the board's side ---- */

Bus *ide_bus_nth(Device *controller, unsigned n)
{
    Bus *b;

    for (unsigned i = 0; (b = bus_nth(controller->machine, i)); i++) {
        if (b->owner == controller && !strcmp(b->ops->kind, "ide") && n-- == 0) {
            return b;
        }
    }
    return NULL;
}

Device *ide_bus_unit(Bus *bus, int unit)
{
    IdeDrive *d = unit >= 0 && unit < 2 ? ((IdeBus *)bus)->drive[unit] : NULL;

    return d ? &d->dev : NULL;
}

bool ide_drive_geometry(Device *drive, uint32_t *cylinders, uint32_t *heads, uint32_t *sectors,
                        int *translation)
{
    IdeDrive *d = (IdeDrive *)drive;

    if (d->cd) {
        return false;
    }
    *cylinders = d->lu.cyls;
    *heads = d->lu.heads;
    *sectors = d->lu.secs;
    if (d->chs_trans) {
        *translation = d->chs_trans - 1;
    } else { /* what fits the BIOS is not translated */
        *translation = d->lu.cyls <= 1024 && d->lu.heads <= 16 && d->lu.secs <= 63 ? 0 : 1;
    }
    return true;
}

/* ---- the drives ---- */

static bool check_text(IdeDrive *d, Error **errp)
{
    if ((d->lu.serial && strlen(d->lu.serial) > 20) || (d->model && strlen(d->model) > 40) ||
        (d->lu.ver && strlen(d->lu.ver) > 8)) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "serial, model and ver have at most 20, 40 and 8 characters");
        return false;
    }
    return true;
}

static bool set_geometry(IdeDrive *d, Error **errp)
{
    ScsiLu *lu = &d->lu;

    if (!lu->cyls && !lu->heads && !lu->secs) {
        block_guess_geometry(lu->port, &lu->cyls, &lu->heads, &lu->secs);
    }
    lu->cyls = MIN(lu->cyls, 65535);
    if (!lu->cyls || !lu->heads || lu->heads > 16 || !lu->secs || lu->secs > 255) {
        error_set(
            errp, ERR_INVALID_PARAMETER,
            "cyls must be between 1 and 65535, heads between 1 and 16, secs between 1 and 255");
        return false;
    }
    return true;
}

static bool drive_realize(IdeDrive *d, bool cd, Error **errp)
{
    IdeBus *b = (IdeBus *)d->dev.bus;
    ScsiLu *lu = &d->lu;

    d->cd = cd;
    lu->scsi_version = 5;
    lu->keep_sense = cd;
    lu->max_io_size = INT32_MAX;
    if (!check_text(d, errp)) {
        return false;
    }
    if (!cd && lu->logical_block_size && lu->logical_block_size != 512) {
        error_set(errp, ERR_INVALID_PARAMETER, "logical_block_size must be 512 for IDE");
        return false;
    }
    if (!scsi_lu_init(lu, &d->dev, cd ? SCSI_TYPE_ROM : SCSI_TYPE_DISK, !cd, errp)) {
        return false;
    }
    if (!cd && !set_geometry(d, errp)) {
        scsi_lu_fini(lu);
        return false;
    }
    if (cd && !lu->product) {
        lu->product = g_strdup("QEMU DVD-ROM");
    }
    g_snprintf(d->serial, sizeof(d->serial), "QM%05u", b->index * 2 + d->unit + 1);
    machine_lock(d->dev.machine);
    ata_reset(d, true);
    ata_signature(d, &d->regs);
    b->drive[d->unit] = d;
    if (b->attached) {
        b->attached(b);
    }
    machine_unlock(d->dev.machine);
    return true;
}

static bool hd_realize(Device *dev, Error **errp)
{
    return drive_realize((IdeDrive *)dev, false, errp);
}

static bool cd_realize(Device *dev, Error **errp)
{
    return drive_realize((IdeDrive *)dev, true, errp);
}

/* The controller, which is realized before and unrealized after, lets go of its task. */
static void free_task(IdeDrive *d)
{
    if (d->task) {
        scsi_task_clear(&d->task->s);
        g_clear_pointer(&d->task, g_free);
    }
}

static void drive_unrealize(Device *dev)
{
    IdeDrive *d = (IdeDrive *)dev;

    scsi_lu_fini(&d->lu);
    free_task(d);
    if (d->cd) {
        g_clear_pointer(&d->lu.product, g_free);
    }
}

/* The controller's hook ran before this one and forgot its tasks. */
static void drive_reset(Device *dev)
{
    IdeDrive *d = (IdeDrive *)dev;

    scsi_lu_reset(&d->lu);
    free_task(d);
    ata_reset(d, true);
    ata_signature(d, &d->regs);
}

static bool drive_post_load(Device *dev, int version, Error **errp)
{
    IdeDrive *d = (IdeDrive *)dev;

    if (d->phase >= IDE__PHASES || d->pio_pos > d->pio_len || d->pio_len > IDE_PIO_MAX ||
        d->done > d->len || d->len > 1ull << 40 || !d->secs || !d->heads || d->heads > 16 ||
        (d->multiple && (!is_pow2(d->multiple) || d->multiple > 16)) ||
        ((d->phase == IDE_PIO_IN || d->phase == IDE_PIO_OUT || d->phase == IDE_STORE) &&
         d->pio_len > d->len - d->done) ||
        ((d->phase == IDE_FETCH || d->phase == IDE_DMA || d->phase == IDE_DMA_WAIT) &&
         d->done >= d->len)) {
        error_set(errp, ERR_GENERIC, "%s: the saved state makes no sense", dev->type->name);
        return false;
    }
    if (!scsi_lu_loaded(&d->lu, errp)) {
        return false;
    }
    free_task(d);
    return true;
}

static const char *const trans_names[] = {"auto", "none", "lba", "large", "rechs", NULL};

#define COMMON_PROPS                                    \
    PROP(IdeDrive, PROP_U32, unit, "unit", UINT32_MAX,  \
         "0: master, 1: slave; chosen when not given"), \
        PROP_STR(IdeDrive, model, "model", NULL, "model name"), SCSI_LU_PROPS(IdeDrive, lu)

static const Property hd_props[] = {
    COMMON_PROPS,
    PROP(IdeDrive, PROP_U16, lu.rotation_rate, "rotation_rate", 0,
         "1/min; 1: no rotating medium, 0: not told"),
    PROP(IdeDrive, PROP_U32, lu.cyls, "cyls", 0, "cylinders; 0: guessed"),
    PROP(IdeDrive, PROP_U32, lu.heads, "heads", 0, "heads; 0: guessed"),
    PROP(IdeDrive, PROP_U32, lu.secs, "secs", 0, "sectors of a track; 0: guessed"),
    {.name = "bios-chs-trans",
     .kind = PROP_ENUM,
     .offset = offsetof(IdeDrive, chs_trans),
     .enum_names = trans_names,
     .help = "how the BIOS shall translate the geometry"},
    {0},
};
static const Property cd_props[] = {COMMON_PROPS, {0}};

static const StateField drive_state[] = {
    SCSI_LU_STATE(IdeDrive, lu),
    STATE(IdeDrive, STATE_U8, multiple, 16),
    STATE(IdeDrive, STATE_U8, xfer_mode, 0x45),
    STATE(IdeDrive, STATE_U8, heads, 16),
    STATE(IdeDrive, STATE_U8, secs, 63),
    STATE(IdeDrive, STATE_U8, smart, 1),
    STATE(IdeDrive, STATE_U8, standby, 0),
    STATE_RAW(IdeDrive, log_error),
    STATE_RAW(IdeDrive, regs),
    STATE_RAW(IdeDrive, cmd),
    STATE_RAW(IdeDrive, cdb),
    STATE(IdeDrive, STATE_U8, phase, IDE_IDLE),
    STATE(IdeDrive, STATE_U8, intrq, 0),
    STATE(IdeDrive, STATE_U8, finished, 0),
    STATE(IdeDrive, STATE_U8, end_status, 0),
    STATE(IdeDrive, STATE_U8, end_error, 0),
    STATE(IdeDrive, STATE_U64, done, 0),
    STATE(IdeDrive, STATE_U64, len, 0),
    STATE(IdeDrive, STATE_U32, pio_pos, 0),
    STATE(IdeDrive, STATE_U32, pio_len, 0),
    STATE_RAW(IdeDrive, pio),
    HOST_ONLY(IdeDrive, model),
    HOST_ONLY(IdeDrive, chs_trans),
    HOST_ONLY(IdeDrive, cd),
    HOST_ONLY(IdeDrive, task),
    HOST_ONLY(IdeDrive, pio_iov),
    HOST_ONLY(IdeDrive, serial),
    {0},
};

#define DRIVE_TYPE(sym, name_, help_, props_, realize_) \
    static const DeviceType sym = {                     \
        .name = name_,                                  \
        .help = help_,                                  \
        .bus = "ide",                                   \
        .size = sizeof(IdeDrive),                       \
        .version = 1,                                   \
        .user_creatable = true,                         \
        .needs = "an IDE bus and a drive",              \
        .props = props_,                                \
        .state = drive_state,                           \
        .realize = realize_,                            \
        .unrealize = drive_unrealize,                   \
        .reset_hold = drive_reset,                      \
        .post_load = drive_post_load,                   \
    };                                                  \
    DEVICE_TYPE(sym)
DRIVE_TYPE(ide_hd_type, "ide-hd", "virtual IDE disk", hd_props, hd_realize);
DRIVE_TYPE(ide_cd_type, "ide-cd", "virtual IDE CD-ROM", cd_props, cd_realize);
