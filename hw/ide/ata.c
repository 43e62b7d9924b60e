/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ATA and ATAPI device: commands, whatever interface brings them.
 *
 * ATA8-ACS (T13/1699-D) 7: commands, 9: normal and error outputs; CHS as in ATA-5 6.2;
 * PACKET: ATA/ATAPI-7 volume 1, 6.24.
 *
 * Left out: security, host protected area (the native size is the size), power-up in standby,
 * streaming, automatic acoustic and advanced power management (none of them is advertised),
 * sectors of other than 512 bytes.
 *
 * home: the machine's lock domain.
 */
#include <errno.h>
#include <string.h>

#include "base/trace.h"
#include "hw/ide/ata.h"

TRACE_EVENT(ata_start, "drive %p command 0x%02x lba %llu count %u");
TRACE_EVENT(ata_done, "drive %p command 0x%02x status 0x%02x error 0x%02x");

#define MULTIPLE_MAX 16
#define XFER_DEFAULT 0x45 /* UDMA 5 */

enum { /* AtaCommand.flags */
       HD = 1 << 0,
       CD = 1 << 1,
       ANY = HD | CD,
       EXT = 1 << 2,  /* 48 bits */
       MULT = 1 << 3, /* DRQ blocks as SET MULTIPLE MODE says */
       WRITE = 1 << 4,
       FUA = 1 << 5,
};
typedef struct AtaCommand {
    uint8_t first, last; /* opcodes */
    uint8_t flags;
    uint8_t proto;
    bool (*run)(AtaTask *t, unsigned flags);
} AtaCommand;

uint64_t ata_sectors(const IdeDrive *d)
{
    return MIN(scsi_lu_blocks(&d->lu), (1ull << 48) - 1);
}

/* ---- results ---- */

static bool done(AtaTask *t, uint8_t status, uint8_t error)
{
    t->regs.status = status;
    t->regs.error = error;
    trace(ata_done, (void *)t->drive, t->regs.command, status, error);
    t->on_done(t);
    return false;
}

bool ata_abort(AtaTask *t, uint8_t error)
{
    return done(t, ATA_DRDY | ATA_DSC | ATA_ERR, error);
}

static bool ok(AtaTask *t)
{
    return done(t, ATA_DRDY | ATA_DSC, 0);
}

static void put_lba(AtaTask *t, uint64_t lba)
{
    IdeDrive *d = t->drive;
    AtaRegs *r = &t->regs;

    if (!t->lba48 && !(r->device & ATA_LBA) && t->proto != ATA_NCQ) {
        uint32_t head = lba / d->secs % d->heads, cyl = lba / d->secs / d->heads;
        r->lbal[0] = lba % d->secs + 1;
        r->lbam[0] = cyl;
        r->lbah[0] = cyl >> 8;
        r->device = (r->device & 0xf0) | (head & 0x0f);
        return;
    }
    r->lbal[0] = lba;
    r->lbam[0] = lba >> 8;
    r->lbah[0] = lba >> 16;
    if (t->lba48 || t->proto == ATA_NCQ) {
        r->lbal[1] = lba >> 24;
        r->lbam[1] = lba >> 32;
        r->lbah[1] = lba >> 40;
    } else {
        r->device = (r->device & 0xf0) | (lba >> 24 & 0x0f);
    }
}

static void packet_done(AtaTask *t)
{
    uint8_t key = t->s.sense >> 16;
    bool good = t->s.status == SCSI_GOOD;

    t->regs.count[0] = 3; /* I/O, C/D */
    done(t, ATA_DRDY | ATA_DSC | (good ? 0 : ATA_ERR),
         good ? 0 : key << 4 | (key == 5 || key == 11 ? ATA_ABRT : 0));
}

/* The data phase or the unit's command has ended: sense becomes status and error. */
static void scsi_done(ScsiTask *s)
{
    AtaTask *t = (AtaTask *)s;

    if (t->proto == ATA_PACKET) {
        packet_done(t);
        return;
    }
    if (s->status == SCSI_GOOD) {
        if (t->count) {
            t->regs.count[0] = t->regs.count[1] = 0;
            put_lba(t, t->lba + t->count - 1);
        }
        ok(t);
        return;
    }
    if (s->sense_info_valid && t->count) {
        put_lba(t, s->sense_info);
    }
    switch (s->sense >> 8) {
    case 0x0311: /* read error */
        ata_abort(t, ATA_UNC);
        break;
    case 0x0521: /* beyond the end */
        ata_abort(t, ATA_IDNF);
        break;
    default:
        ata_abort(t, ATA_ABRT);
        break;
    }
}

static void scsi_moved(ScsiTask *s)
{
    ((AtaTask *)s)->on_moved((AtaTask *)s);
}

void ata_task_init(AtaTask *t, IdeDrive *d, const AtaRegs *regs)
{
    memset(t, 0, sizeof(*t));
    t->drive = d;
    t->regs = *regs;
    t->s.lu = &d->lu;
    t->s.on_done = scsi_done;
    t->s.on_moved = scsi_moved;
}

/* ---- reset ---- */

void ata_reset(IdeDrive *d, bool hard)
{
    d->multiple = MULTIPLE_MAX;
    d->standby = 0;
    if (hard) {
        d->xfer_mode = XFER_DEFAULT;
        d->smart = 1;
        d->heads = d->lu.heads;
        d->secs = d->lu.secs;
        memset(d->log_error, 0, sizeof(d->log_error));
        d->log_error[0] = 0x80;
    }
}

void ata_signature(IdeDrive *d, AtaRegs *r)
{
    memset(r, 0, sizeof(*r));
    r->count[0] = r->lbal[0] = 1;
    r->error = 1; /* diagnostics passed */
    if (d->cd) {
        r->lbam[0] = 0x14;
        r->lbah[0] = 0xeb;
    } else {
        r->status = ATA_DRDY | ATA_DSC;
    }
}

/* ---- reading and writing ---- */

static bool decode_range(AtaTask *t, unsigned flags)
{
    const AtaRegs *r = &t->regs;
    IdeDrive *d = t->drive;

    t->lba48 = flags & EXT;
    t->lba = r->lbal[0] | r->lbam[0] << 8 | r->lbah[0] << 16;
    if (t->proto == ATA_NCQ || t->lba48) {
        t->lba |=
            (uint64_t)r->lbal[1] << 24 | (uint64_t)r->lbam[1] << 32 | (uint64_t)r->lbah[1] << 40;
        const uint8_t *n = t->proto == ATA_NCQ ? r->feature : r->count;
        t->count = n[0] | n[1] << 8;
        t->count = t->count ? t->count : 65536;
    } else {
        t->count = r->count[0] ? r->count[0] : 256;
        if (r->device & ATA_LBA) {
            t->lba |= (r->device & 0x0full) << 24;
        } else {
            uint32_t cyl = r->lbam[0] | r->lbah[0] << 8, head = r->device & 0x0f;
            if (!r->lbal[0] || !d->secs || head >= d->heads || r->lbal[0] > d->secs) {
                return false;
            }
            t->lba = ((uint64_t)cyl * d->heads + head) * d->secs + r->lbal[0] - 1;
        }
    }
    uint64_t total = ata_sectors(d);
    return t->lba < total && t->count <= total - t->lba;
}

static bool bad_range(AtaTask *t, bool write)
{
    block_account_invalid(t->drive->lu.port, write);
    return ata_abort(t, ATA_IDNF);
}

static bool transfer(AtaTask *t, unsigned flags)
{
    bool write = flags & WRITE;

    if (!decode_range(t, flags)) {
        return bad_range(t, write);
    }
    if ((flags & MULT) && !t->drive->multiple) {
        return ata_abort(t, ATA_ABRT);
    }
    t->drive->standby = 0;
    t->drq = ATA_SECTOR * (flags & MULT ? t->drive->multiple : 1);
    bool fua = write && ((flags & FUA) || (t->proto == ATA_NCQ && (t->regs.device & 0x80)));
    return scsi_task_media(&t->s, write ? SCSI_OUT : SCSI_IN, t->lba * ATA_SECTOR,
                           (uint64_t)t->count * ATA_SECTOR, fua);
}

static bool queued(AtaTask *t, unsigned flags)
{
    if (!((IdeBus *)t->drive->dev.bus)->ncq) {
        return ata_abort(t, ATA_ABRT);
    }
    return transfer(t, flags);
}

static bool read_verify(AtaTask *t, unsigned flags)
{
    if (!decode_range(t, flags)) {
        return bad_range(t, false);
    }
    t->s.cdb[0] = 0x8f;
    st_be64(t->s.cdb + 2, t->lba);
    st_be32(t->s.cdb + 10, t->count);
    return scsi_task_start(&t->s);
}

static bool flush(AtaTask *t, unsigned flags)
{
    t->s.cdb[0] = 0x91;
    return scsi_task_start(&t->s);
}

/* ---- DATA SET MANAGEMENT ---- */

static void trim_loop(AtaTask *t);

static void trimmed(void *opaque, int ret)
{
    AtaTask *t = opaque;

    if (ret < 0 && ret != -ENOTSUP) {
        scsi_task_errno(&t->s, ret, true);
        return;
    }
    t->s.step++;
    trim_loop(t);
}

/* An entry of eight bytes: 48 bits of LBA, 16 of count. */
static void trim_loop(AtaTask *t)
{
    ScsiTask *s = &t->s;

    for (; s->step < s->buf_size / 8; s->step++) {
        uint64_t entry = ld_le64(s->buf + 8 * s->step);
        uint64_t lba = entry & MASK64(0, 48), count = entry >> 48;
        if (count) {
            block_discard(s->lu->port, lba * ATA_SECTOR, count * ATA_SECTOR, 0, trimmed, t);
            return;
        }
    }
    scsi_task_good(s);
}

static void trim_exec(ScsiTask *s)
{
    AtaTask *t = (AtaTask *)s;
    uint64_t total = ata_sectors(t->drive);

    for (unsigned i = 0; i < s->buf_size / 8; i++) {
        uint64_t entry = ld_le64(s->buf + 8 * i);
        uint64_t lba = entry & MASK64(0, 48), count = entry >> 48;
        if (count && (lba > total || count > total - lba)) {
            block_account_invalid(s->lu->port, true);
            scsi_task_fail(s, SENSE(5, 0x21, 0));
            return;
        }
    }
    s->step = 0;
    trim_loop(t);
}

static bool data_set_management(AtaTask *t, unsigned flags)
{
    uint32_t blocks = t->regs.count[0] | t->regs.count[1] << 8;

    if (t->regs.feature[0] != 1 || !t->drive->lu.discard_granularity || !blocks || blocks > 128) {
        return ata_abort(t, ATA_ABRT);
    }
    return scsi_task_collect(&t->s, blocks * ATA_SECTOR, trim_exec);
}

/* ---- identity, geometry, modes ---- */

bool ata_reply_sectors(AtaTask *t, uint32_t len)
{
    t->drq = ATA_SECTOR;
    return scsi_task_reply(&t->s, len, len);
}

static bool signature_abort(AtaTask *t)
{
    AtaRegs sig;

    ata_signature(t->drive, &sig);
    memcpy(t->regs.count, sig.count, 8); /* count to lbah */
    return ata_abort(t, ATA_ABRT);
}

static bool identify(AtaTask *t, unsigned flags)
{
    if (t->drive->cd) {
        return signature_abort(t);
    }
    ata_identify(t->drive, scsi_task_buffer(&t->s, ATA_SECTOR));
    return ata_reply_sectors(t, ATA_SECTOR);
}

static bool identify_packet(AtaTask *t, unsigned flags)
{
    ata_identify_packet(t->drive, scsi_task_buffer(&t->s, ATA_SECTOR));
    return ata_reply_sectors(t, ATA_SECTOR);
}

static bool read_of_cd(AtaTask *t, unsigned flags)
{
    return signature_abort(t);
}

static bool initialize_parameters(AtaTask *t, unsigned flags)
{
    if (!t->regs.count[0]) {
        return ata_abort(t, ATA_ABRT);
    }
    t->drive->secs = t->regs.count[0];
    t->drive->heads = (t->regs.device & 0x0f) + 1;
    return ok(t);
}

static bool set_multiple(AtaTask *t, unsigned flags)
{
    uint8_t n = t->regs.count[0];

    if (n && (n > MULTIPLE_MAX || !is_pow2(n))) {
        return ata_abort(t, ATA_ABRT);
    }
    t->drive->multiple = n;
    return ok(t);
}

static bool set_transfer_mode(AtaTask *t)
{
    uint8_t n = t->regs.count[0];
    bool good = n <= 1 || (n >> 3 == 1 && (n & 7) <= 4) || (n >> 3 == 4 && (n & 7) <= 2) ||
                (n >> 3 == 8 && (n & 7) <= 5);

    if (!good) {
        return ata_abort(t, ATA_ABRT);
    }
    if (n >> 3 >= 4) {
        t->drive->xfer_mode = n;
    }
    return ok(t);
}

static bool set_features(AtaTask *t, unsigned flags)
{
    ScsiLu *lu = &t->drive->lu;

    switch (t->regs.feature[0]) {
    case 0x02:
    case 0x82:
        if (t->drive->cd) {
            return ata_abort(t, ATA_ABRT);
        }
        lu->wce = t->regs.feature[0] == 0x02;
        block_port_set_write_cache(lu->port, lu->wce);
        return flush(t, 0);
    case 0x03:
        return set_transfer_mode(t);
    case 0x55: /* read look-ahead is the host's matter */
    case 0xaa:
    case 0x66: /* what a reset reverts */
    case 0xcc:
        return ok(t);
    default:
        return ata_abort(t, ATA_ABRT);
    }
}

static bool read_native_max(AtaTask *t, unsigned flags)
{
    uint64_t last = ata_sectors(t->drive) - 1;

    t->lba48 = flags & EXT;
    if (!t->lba48) {
        last = MIN(last, 0x0fffffff);
        t->regs.device |= ATA_LBA;
    }
    put_lba(t, last);
    return ok(t);
}

/* ---- the rest ---- */

static bool nop(AtaTask *t, unsigned flags)
{
    return ata_abort(t, ATA_ABRT);
}

static bool nothing(AtaTask *t, unsigned flags)
{
    return ok(t);
}

static bool standby(AtaTask *t, unsigned flags)
{
    t->drive->standby = 1;
    return t->drive->cd ? ok(t) : flush(t, flags);
}

static bool idle(AtaTask *t, unsigned flags)
{
    t->drive->standby = 0;
    return ok(t);
}

static bool check_power(AtaTask *t, unsigned flags)
{
    t->regs.count[0] = t->drive->standby ? 0x00 : 0xff;
    return ok(t);
}

/* EXECUTE DEVICE DIAGNOSTIC, DEVICE RESET: the controller knows more. */
static bool diagnostic(AtaTask *t, unsigned flags)
{
    uint8_t command = t->regs.command, device = t->regs.device;

    ata_signature(t->drive, &t->regs);
    t->regs.command = command;
    t->regs.device = device & ATA_DEV;
    return done(t, t->regs.status, 1);
}

static bool packet(AtaTask *t, unsigned flags)
{
    t->packet_dma = t->regs.feature[0] & 1;
    return t->regs.feature[0] & 2 ? ata_abort(t, ATA_ABRT) : true; /* no overlap */
}

static bool smart(AtaTask *t, unsigned flags)
{
    return ata_smart(t);
}

static bool read_log(AtaTask *t, unsigned flags)
{
    return ata_read_log(t);
}

static const AtaCommand commands[] = {
    {0x00, 0x00, ANY, ATA_NON_DATA, nop},
    {0x06, 0x06, HD, ATA_DMA, data_set_management},
    {0x08, 0x08, CD, ATA_RESET, diagnostic},
    {0x10, 0x1f, HD, ATA_NON_DATA, nothing}, /* RECALIBRATE */
    {0x20, 0x21, HD, ATA_PIO_IN, transfer},
    {0x20, 0x20, CD, ATA_NON_DATA, read_of_cd},
    {0x24, 0x24, HD | EXT, ATA_PIO_IN, transfer},
    {0x25, 0x25, HD | EXT, ATA_DMA, transfer},
    {0x27, 0x27, HD | EXT, ATA_NON_DATA, read_native_max},
    {0x29, 0x29, HD | EXT | MULT, ATA_PIO_IN, transfer},
    {0x2f, 0x2f, HD, ATA_PIO_IN, read_log},
    {0x30, 0x31, HD | WRITE, ATA_PIO_OUT, transfer},
    {0x34, 0x34, HD | WRITE | EXT, ATA_PIO_OUT, transfer},
    {0x35, 0x35, HD | WRITE | EXT, ATA_DMA, transfer},
    {0x39, 0x39, HD | WRITE | EXT | MULT, ATA_PIO_OUT, transfer},
    {0x3d, 0x3d, HD | WRITE | EXT | FUA, ATA_DMA, transfer},
    {0x40, 0x41, HD, ATA_NON_DATA, read_verify},
    {0x42, 0x42, HD | EXT, ATA_NON_DATA, read_verify},
    {0x60, 0x60, HD | EXT, ATA_NCQ, queued},
    {0x61, 0x61, HD | EXT | WRITE, ATA_NCQ, queued},
    {0x70, 0x7f, HD, ATA_NON_DATA, nothing}, /* SEEK */
    {0x90, 0x90, ANY, ATA_DIAGNOSTIC, diagnostic},
    {0x91, 0x91, HD, ATA_NON_DATA, initialize_parameters},
    {0xa0, 0xa0, CD, ATA_PACKET, packet},
    {0xa1, 0xa1, CD, ATA_PIO_IN, identify_packet},
    {0xb0, 0xb0, HD, ATA_PIO_IN, smart},
    {0xc4, 0xc4, HD | MULT, ATA_PIO_IN, transfer},
    {0xc5, 0xc5, HD | WRITE | MULT, ATA_PIO_OUT, transfer},
    {0xc6, 0xc6, HD, ATA_NON_DATA, set_multiple},
    {0xc8, 0xc9, HD, ATA_DMA, transfer},
    {0xca, 0xcb, HD | WRITE, ATA_DMA, transfer},
    {0xce, 0xce, HD | WRITE | EXT | MULT | FUA, ATA_PIO_OUT, transfer},
    {0xe0, 0xe0, ANY, ATA_NON_DATA, standby},
    {0xe1, 0xe1, ANY, ATA_NON_DATA, idle},
    {0xe2, 0xe2, HD, ATA_NON_DATA, standby},
    {0xe3, 0xe3, HD, ATA_NON_DATA, idle},
    {0xe5, 0xe5, ANY, ATA_NON_DATA, check_power},
    {0xe6, 0xe6, ANY, ATA_NON_DATA, standby},
    {0xe7, 0xe7, HD, ATA_NON_DATA, flush},
    {0xea, 0xea, HD, ATA_NON_DATA, flush},
    {0xec, 0xec, ANY, ATA_PIO_IN, identify},
    {0xef, 0xef, ANY, ATA_NON_DATA, set_features},
    {0xf8, 0xf8, HD, ATA_NON_DATA, read_native_max},
};

bool ata_start(AtaTask *t)
{
    IdeDrive *d = t->drive;
    uint8_t op = t->regs.command;

    if (!d->cd) {
        d->lu.ua = 0; /* SCSI's */
    }
    for (unsigned i = 0; i < ARRAY_LEN(commands); i++) {
        const AtaCommand *c = &commands[i];
        if (op >= c->first && op <= c->last && (c->flags & (d->cd ? CD : HD))) {
            t->proto = c->proto;
            bool data = c->run(t, c->flags);
            if (data) {
                trace(ata_start, (void *)d, op, (unsigned long long)t->lba, t->count);
            }
            return data;
        }
    }
    return ata_abort(t, ATA_ABRT);
}

bool ata_packet(AtaTask *t, const uint8_t *cdb)
{
    memset(t->s.cdb, 0, sizeof(t->s.cdb));
    memcpy(t->s.cdb, cdb, ATAPI_CDB);
    return scsi_task_start(&t->s);
}
