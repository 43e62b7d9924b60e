/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMART, and logs by READ LOG EXT.
 *
 * ATA8-ACS (T13/1699-D) 7.52 SMART, 7.33 READ LOG EXT, Annex A: log 00h directory, 01h and 06h
 * (empty), 10h NCQ command error. The attributes' format is SFF-8035i's.
 *
 * Left out: SMART WRITE LOG, selective self-tests.
 *
 * home: the machine's lock domain.
 */
#include <string.h>

#include "hw/ide/ata.h"

typedef struct Attribute {
    uint8_t id;
    uint16_t flags;
    uint8_t value, threshold;
} Attribute;
static const Attribute attributes[] = {
    {1, 0x0003, 100, 6},  /* read errors */
    {5, 0x0003, 100, 36}, /* reallocated sectors */
    {9, 0x0012, 100, 0},  /* hours of operation */
    {12, 0x0032, 100, 0}, /* power cycles */
};

static void put_checksum(uint8_t *b)
{
    uint8_t sum = 0;

    for (unsigned i = 0; i < 511; i++) {
        sum += b[i];
    }
    b[511] = -sum;
}

static bool read_data(AtaTask *t)
{
    uint8_t *b = scsi_task_buffer(&t->s, ATA_SECTOR);

    st_le16(b, 1);
    for (unsigned i = 0; i < ARRAY_LEN(attributes); i++) {
        const Attribute *a = &attributes[i];
        uint8_t *p = b + 2 + 12 * i;
        p[0] = a->id;
        st_le16(p + 1, a->flags);
        p[3] = p[4] = a->value;
        if (a->id == 9) {
            st_le32(p + 5, clock_ns(t->drive->dev.machine, CLOCK_VIRTUAL) / NS_PER_SEC / 3600);
        } else if (a->id == 12) {
            p[5] = 1;
        }
    }
    b[367] = 0x19;       /* off-line tests: immediately, self-tests */
    st_le16(b + 368, 3); /* saves attributes */
    b[370] = 1;          /* has error logs */
    b[372] = b[373] = 1; /* minutes of self-tests */
    put_checksum(b);
    return ata_reply_sectors(t, ATA_SECTOR);
}

static bool read_thresholds(AtaTask *t)
{
    uint8_t *b = scsi_task_buffer(&t->s, ATA_SECTOR);

    st_le16(b, 1);
    for (unsigned i = 0; i < ARRAY_LEN(attributes); i++) {
        b[2 + 12 * i] = attributes[i].id;
        b[3 + 12 * i] = attributes[i].threshold;
    }
    put_checksum(b);
    return ata_reply_sectors(t, ATA_SECTOR);
}

static bool read_smart_log(AtaTask *t)
{
    uint8_t *b = scsi_task_buffer(&t->s, ATA_SECTOR);

    if (t->regs.count[0] != 1) {
        return ata_abort(t, ATA_ABRT);
    }
    switch (t->regs.lbal[0]) {
    case 0x00:
        st_le16(b, 1);
        b[2 * 0x01] = 1;
        b[2 * 0x06] = 1;
        return ata_reply_sectors(t, ATA_SECTOR);
    case 0x01: /* summary of errors: none */
    case 0x06: /* self-tests: none */
        b[0] = 1;
        put_checksum(b);
        return ata_reply_sectors(t, ATA_SECTOR);
    default:
        return ata_abort(t, ATA_ABRT);
    }
}

/* Without data: ends well. */
static bool end(AtaTask *t)
{
    t->proto = ATA_NON_DATA;
    return scsi_task_good(&t->s);
}

bool ata_smart(AtaTask *t)
{
    AtaRegs *r = &t->regs;

    if (r->lbam[0] != 0x4f || r->lbah[0] != 0xc2 || (!t->drive->smart && r->feature[0] != 0xd8)) {
        return ata_abort(t, ATA_ABRT);
    }
    switch (r->feature[0]) {
    case 0xd0:
        return read_data(t);
    case 0xd1:
        return read_thresholds(t);
    case 0xd5:
        return read_smart_log(t);
    case 0xd2: /* autosave on or off */
        return r->count[0] == 0 || r->count[0] == 0xf1 ? end(t) : ata_abort(t, ATA_ABRT);
    case 0xd4: /* tests, which end at once */
        return r->lbal[0] <= 2 || r->lbal[0] == 0x7f || r->lbal[0] == 0x81 || r->lbal[0] == 0x82
                   ? end(t)
                   : ata_abort(t, ATA_ABRT);
    case 0xd8:
    case 0xd9:
        t->drive->smart = r->feature[0] == 0xd8;
        return end(t);
    case 0xda: /* no threshold exceeded: the registers stay */
        return end(t);
    default:
        return ata_abort(t, ATA_ABRT);
    }
}

/* ---- READ LOG EXT ---- */

void ata_log_ncq_error(IdeDrive *d, unsigned tag, const AtaRegs *r)
{
    uint8_t *p = d->log_error;

    memset(p, 0, sizeof(d->log_error));
    p[0] = tag;
    p[2] = r->status;
    p[3] = r->error;
    p[4] = r->lbal[0];
    p[5] = r->lbam[0];
    p[6] = r->lbah[0];
    p[7] = r->device;
    p[8] = r->lbal[1];
    p[9] = r->lbam[1];
    p[10] = r->lbah[1];
    p[12] = r->count[0];
    p[13] = r->count[1];
}

bool ata_read_log(AtaTask *t)
{
    const AtaRegs *r = &t->regs;
    uint8_t *b = scsi_task_buffer(&t->s, ATA_SECTOR);

    if (r->count[0] != 1 || r->count[1] || r->lbam[0] || r->lbam[1]) { /* the first page alone */
        return ata_abort(t, ATA_ABRT);
    }
    switch (r->lbal[0]) {
    case 0x00:
        st_le16(b, 1);
        st_le16(b + 2 * 0x10, 1);
        return ata_reply_sectors(t, ATA_SECTOR);
    case 0x10:
        memcpy(b, t->drive->log_error, sizeof(t->drive->log_error));
        memset(t->drive->log_error, 0, sizeof(t->drive->log_error));
        t->drive->log_error[0] = 0x80;
        put_checksum(b);
        return ata_reply_sectors(t, ATA_SECTOR);
    default:
        return ata_abort(t, ATA_ABRT);
    }
}
