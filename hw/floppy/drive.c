/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floppy drives: their bus, their media and how those are laid out.
 *
 * A medium is its sectors in the order of cylinder, head, sector; its size tells the format, as the
 * data rate and the sensed hole would. Left out: formats with sectors of another size than 512.
 *
 * home: the machine's lock domain; media change on the main loop.
 */
#include "hw/floppy/fdc_internal.h"

/* ---- media ---- */

/* Of the PC's drives (CMOS register 0x10). */
enum { DRIVE_NONE = 0, DRIVE_1200K = 2, DRIVE_1440K = 4, DRIVE_2880K = 5 };

enum { RATE_500K, RATE_300K, RATE_250K, RATE_1M };

/* 3.5 inch drives read 720 KB too; those of 1.2 MB, which turn faster, also disks of 40 tracks. */
static const Geometry geometries[] = {
    {2880, 80, 2, 18, RATE_500K, DRIVE_1440K}, {5760, 80, 2, 36, RATE_1M, DRIVE_2880K},
    {1440, 80, 2, 9, RATE_250K, DRIVE_1440K},  {2400, 80, 2, 15, RATE_500K, DRIVE_1200K},
    {720, 40, 2, 9, RATE_300K, DRIVE_1200K},   {3360, 80, 2, 21, RATE_500K, DRIVE_1440K},
    {3444, 82, 2, 21, RATE_500K, DRIVE_1440K}, {640, 40, 2, 8, RATE_300K, DRIVE_1200K},
    {360, 40, 1, 9, RATE_300K, DRIVE_1200K},   {320, 40, 1, 8, RATE_300K, DRIVE_1200K},
    {3200, 80, 2, 20, RATE_500K, DRIVE_1440K}, {3040, 80, 2, 19, RATE_500K, DRIVE_1440K},
    {1600, 80, 2, 10, RATE_250K, DRIVE_1440K}, {1640, 82, 2, 10, RATE_250K, DRIVE_1440K},
    {800, 40, 2, 10, RATE_300K, DRIVE_1200K},
};

/* A size that is no floppy's is read as far as 1.44 or 2.88 MB go. */
const Geometry *fdc_medium(const FloppyDrive *f)
{
    if (!f || !f->port || !block_port_inserted(f->port)) {
        return NULL;
    }
    uint64_t sectors = block_port_size(f->port) / FDC_SECTOR;
    for (size_t i = 0; i < ARRAY_LEN(geometries); i++) {
        if (geometries[i].sectors == sectors) {
            return &geometries[i];
        }
    }
    return &geometries[sectors > 2880 ? 1 : 0];
}

FloppyDrive *fdc_selected(Fdc *s)
{
    return s->drive_no < FDC_DRIVES ? s->drive[s->drive_no] : NULL;
}

const Geometry *fdc_readable(Fdc *s)
{
    const Geometry *g = fdc_medium(fdc_selected(s));

    return g && s->unit[s->drive_no].track < g->cylinders && (s->dsr & 3) == g->rate ? g : NULL;
}

bool fdc_sector_offset(Fdc *s, uint64_t *offset)
{
    const Geometry *g = fdc_medium(fdc_selected(s));

    if (!g || s->cyl >= g->cylinders || s->head >= g->heads || !s->sector ||
        s->sector > g->per_track) {
        return false;
    }
    *offset = (((uint64_t)s->cyl * g->heads + s->head) * g->per_track + s->sector - 1) * FDC_SECTOR;
    return *offset + FDC_SECTOR <= block_port_size(fdc_selected(s)->port);
}

/* ---- the bus ---- */

static Fdc *fdc_of(Bus *b)
{
    return (Fdc *)b->owner;
}

static bool floppy_bus_attach(Bus *b, Device *d, Error **errp)
{
    Fdc *s = fdc_of(b);
    FloppyDrive *f = (FloppyDrive *)d;

    if (f->unit < 0) {
        f->unit = s->drive[0] ? 1 : 0;
    }
    if (f->unit >= FDC_DRIVES || s->drive[f->unit]) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  f->unit >= FDC_DRIVES ? "can't create floppy unit %d, bus supports only %d units"
                                        : "floppy unit %d is in use",
                  f->unit, FDC_DRIVES);
        return false;
    }
    s->drive[f->unit] = f;
    s->unit[f->unit].changed = 1;
    return true;
}

static void floppy_bus_detach(Bus *b, Device *d)
{
    Fdc *s = fdc_of(b);

    for (int i = 0; i < FDC_DRIVES; i++) {
        if (s->drive[i] == (FloppyDrive *)d) {
            s->drive[i] = NULL;
        }
    }
}

static bool floppy_bus_full(Bus *b)
{
    return fdc_of(b)->drive[0] && fdc_of(b)->drive[1];
}

static void floppy_fw_path(Bus *b, Device *d, GString *out)
{
    g_string_append_printf(out, "floppy@%x", ((FloppyDrive *)d)->unit);
}

const BusOps fdc_bus_ops = {
    .kind = "floppy-bus",
    .attach = floppy_bus_attach,
    .detach = floppy_bus_detach,
    .full = floppy_bus_full,
    .fw_path = floppy_fw_path,
};

uint16_t fdc_port(Device *fdc)
{
    return ((Fdc *)fdc)->iobase;
}

Bus *fdc_bus(Device *fdc)
{
    return &((Fdc *)fdc)->bus;
}

uint8_t fdc_drive_type(Device *fdc, unsigned n)
{
    FloppyDrive *f = ((Fdc *)fdc)->drive[n];
    const Geometry *g = fdc_medium(f);

    if (!f) {
        return DRIVE_NONE;
    }
    return g ? g->drive_type : DRIVE_2880K;
}

/* ---- the drive ---- */

static void floppy_media_changed(void *opaque, bool loaded)
{
    FloppyDrive *f = opaque;

    if (f->dev.bus) {
        fdc_of(f->dev.bus)->unit[f->unit].changed = 1;
    }
}

static const BlockFrontOps floppy_front_ops = {.media_changed = floppy_media_changed};

static bool floppy_realize(Device *d, Error **errp)
{
    FloppyDrive *f = (FloppyDrive *)d;
    const BlockFrontend front = {
        .name = d->id ? d->id : "floppy",
        .ops = &floppy_front_ops,
        .opaque = f,
        .removable = true,
        .writable = true,
        DEVICE_LOCK_HOOKS,
    };

    if (!f->port) {
        return true; /* a drive that never has a medium */
    }
    return block_attach(f->port, &front, errp);
}

static void floppy_unrealize(Device *d)
{
    FloppyDrive *f = (FloppyDrive *)d;

    if (f->port) {
        block_detach(f->port);
    }
}

static const Property floppy_props[] = {
    PROP(FloppyDrive, PROP_I32, unit, "unit", (uint64_t)-1, "0 is A, 1 is B; -1: the first free"),
    PROP(FloppyDrive, PROP_DRIVE, port, "drive", 0, "disk in the drive"),
    {0},
};

static const StateField floppy_state[] = {
    {0},
};

const DeviceType floppy_type = {
    .name = "floppy",
    .help = "floppy disk drive",
    .bus = "floppy-bus",
    .size = sizeof(FloppyDrive),
    .version = 1,
    .user_creatable = true,
    .needs = "a floppy controller",
    .props = floppy_props,
    .state = floppy_state,
    .realize = floppy_realize,
    .unrealize = floppy_unrealize,
};
DEVICE_TYPE(floppy_type);
