/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CD and DVD drives: multi-media commands, for scsi-cd and (behind ATAPI) ide-cd.
 *
 * MMC-6: 6.5 GET CONFIGURATION, 6.6 GET EVENT STATUS NOTIFICATION, 6.9 MECHANISM STATUS,
 * 6.15-6.19 READ, READ CD, READ DISC INFORMATION, 6.22 READ DISC STRUCTURE, 6.25 READ TOC,
 * 6.40 SET CD SPEED. MMC-3 Annex: mode page 2Ah. ECMA-130: the raw frames of READ CD.
 *
 * A medium is one data track in mode 1. Left out: audio, writing, sessions, EDC and ECC of raw
 * frames (zero), region codes.
 *
 * home: the machine's lock domain.
 */
#include <string.h>

#include "base/iov.h"
#include "hw/scsi/lu.h"

#define SECTOR          2048
#define RAW_SECTOR      2352
#define CD_MAX_SECTORS  (80 * 60 * 75) /* more than this is a DVD */
#define RAW_CHUNK       16             /* sectors */
#define PROFILE_CD_ROM  0x0008
#define PROFILE_DVD_ROM 0x0010

static uint32_t sectors(const ScsiLu *lu)
{
    return MIN(block_port_size(lu->port) / SECTOR, UINT32_MAX);
}

static bool is_dvd(const ScsiLu *lu)
{
    return scsi_lu_has_medium(lu) && sectors(lu) > CD_MAX_SECTORS;
}

/* The lead-in ends two seconds before block 0. */
static void put_msf(uint8_t *p, uint32_t lba)
{
    uint32_t frame = lba + 150;

    p[0] = frame / 75 / 60;
    p[1] = frame / 75 % 60;
    p[2] = frame % 75;
}

/* ---- reading ---- */

static bool check_range(ScsiTask *t, uint32_t lba, uint32_t count)
{
    uint32_t n = sectors(t->lu);

    if (lba > n || count > n - lba) {
        block_account_invalid(t->lu->port, false);
        scsi_task_fail_at(t, SENSE_LBA_RANGE, lba);
        return false;
    }
    return true;
}

static bool read_sectors(ScsiTask *t)
{
    const uint8_t *c = t->cdb;
    uint32_t lba = ld_be32(c + 2);
    uint32_t count = c[0] == 0x28 ? ld_be16(c + 7) : ld_be32(c + 6);

    return check_range(t, lba, count) &&
           scsi_task_media(t, SCSI_IN, (uint64_t)lba * SECTOR, (uint64_t)count * SECTOR, false);
}

static uint8_t bcd(uint8_t v)
{
    return v / 10 << 4 | v % 10;
}

/* ECMA-130 14: sync, header, user data; the rest is zero. */
static void make_raw(uint8_t *raw, const uint8_t *user, uint32_t lba)
{
    memset(raw, 0, RAW_SECTOR);
    memset(raw + 1, 0xff, 10);
    put_msf(raw + 12, lba);
    for (int i = 12; i < 15; i++) {
        raw[i] = bcd(raw[i]);
    }
    raw[15] = 1;
    memcpy(raw + 16, user, SECTOR);
}

static void raw_read(void *opaque, int ret)
{
    ScsiTask *t = opaque;
    uint8_t raw[RAW_SECTOR];

    if (ret < 0) {
        scsi_task_errno(t, ret, false);
        return;
    }
    uint64_t pos = t->moved + t->piece_done, first = pos / RAW_SECTOR;
    uint64_t stop = MIN(t->moved + t->piece, (first + t->slice->iov_len / SECTOR) * RAW_SECTOR);
    while (pos < stop) {
        uint64_t n = pos / RAW_SECTOR, skip = pos % RAW_SECTOR;
        uint64_t part = MIN(RAW_SECTOR - skip, stop - pos);
        make_raw(raw, t->buf + (n - first) * SECTOR, t->offset / SECTOR + n);
        iov_from_buf(t->iov, t->niov, pos - t->moved, raw + skip, part);
        pos += part;
    }
    t->piece_done = pos - t->moved;
    task_step(t);
}

void mmc_raw_step(ScsiTask *t)
{
    uint64_t first = (t->moved + t->piece_done) / RAW_SECTOR;
    uint64_t last = (t->moved + t->piece - 1) / RAW_SECTOR;
    uint64_t count = MIN(last - first + 1, RAW_CHUNK);

    t->at = first * SECTOR;
    if (!t->slice) {
        t->slice = g_new(struct iovec, 1);
    }
    *t->slice = (struct iovec){t->buf, count * SECTOR};
    block_read(t->lu->port, t->offset + t->at, t->slice, 1, 0, raw_read, t);
}

static bool read_cd(ScsiTask *t)
{
    const uint8_t *c = t->cdb;
    uint32_t lba = ld_be32(c + 2), count = be24(c + 6);
    unsigned type = c[1] >> 2 & 7;

    if (c[0] == 0xb9) { /* READ CD MSF: start and end */
        uint32_t from = (c[3] * 60 + c[4]) * 75 + c[5], to = (c[6] * 60 + c[7]) * 75 + c[8];
        if (from < 150 || to < from) {
            return scsi_task_fail(t, SENSE_INVALID_FIELD);
        }
        lba = from - 150;
        count = to - from;
    }
    if (!check_range(t, lba, count)) {
        return false;
    }
    if (type != 0 && type != 2) { /* any or mode 1, but no audio and no mode 2 */
        return scsi_task_fail(t, SENSE_ILLEGAL_TRACK_MODE);
    }
    if (!count || !(c[9] & 0xf8)) {
        return scsi_task_good(t);
    }
    switch (c[9] & 0xf8) {
    case 0x10: /* user data */
        return scsi_task_media(t, SCSI_IN, (uint64_t)lba * SECTOR, (uint64_t)count * SECTOR, false);
    case 0xf8: /* all of the frame */
        scsi_task_buffer(t, RAW_CHUNK * SECTOR);
        t->kind = TASK_RAW_CD;
        t->dir = SCSI_IN;
        t->offset = (uint64_t)lba * SECTOR;
        t->len = (uint64_t)count * RAW_SECTOR;
        return true;
    default:
        return scsi_task_fail(t, SENSE_INVALID_FIELD);
    }
}

static bool read_capacity(ScsiTask *t)
{
    uint8_t *b = scsi_task_buffer(t, 8);

    st_be32(b, MAX(sectors(t->lu), 1) - 1);
    st_be32(b + 4, SECTOR);
    return scsi_task_reply(t, 8, 8);
}

/* ---- table of contents ---- */

static void put_address(uint8_t *p, uint32_t lba, bool msf)
{
    if (msf) {
        p[0] = 0;
        put_msf(p + 1, lba);
    } else {
        st_be32(p, lba);
    }
}

static unsigned put_track(uint8_t *p, uint8_t number, uint32_t lba, bool msf)
{
    p[1] = 0x14; /* data track, position in Q */
    p[2] = number;
    put_address(p + 4, lba, msf);
    return 8;
}

static unsigned toc_tracks(ScsiTask *t, uint8_t *b, bool msf)
{
    uint8_t start = t->cdb[6];
    unsigned n = 4;

    b[2] = b[3] = 1;
    if (start <= 1) {
        n += put_track(b + n, 1, 0, msf);
    }
    return n + put_track(b + n, 0xaa, sectors(t->lu), msf);
}

static unsigned toc_sessions(uint8_t *b, bool msf)
{
    b[2] = b[3] = 1;
    return 4 + put_track(b + 4, 1, 0, msf);
}

/* The raw table: points A0, A1, A2 and the track. */
static unsigned toc_full(ScsiTask *t, uint8_t *b, bool msf)
{
    static const uint8_t point[4] = {0xa0, 0xa1, 0xa2, 1};
    unsigned n = 4;

    b[2] = b[3] = 1;
    for (int i = 0; i < 4; i++, n += 11) {
        b[n] = 1;
        b[n + 1] = 0x14;
        b[n + 3] = point[i];
        if (i < 2) {
            b[n + 8] = 1; /* first and last track */
        } else {
            uint32_t lba = i == 2 ? sectors(t->lu) : 0;
            if (msf) {
                put_msf(b + n + 8, lba);
            } else {
                b[n + 8] = lba >> 16;
                st_be16(b + n + 9, lba);
            }
        }
    }
    return n;
}

static bool read_toc(ScsiTask *t)
{
    const uint8_t *c = t->cdb;
    /* ATAPI of old put the format into the control byte. */
    unsigned format = c[2] & 0xf ? c[2] & 0xf : c[9] >> 6;
    bool msf = c[1] & 2;
    uint8_t *b = scsi_task_buffer(t, 64);
    unsigned n;

    switch (format) {
    case 0:
        if (c[6] > 1 && c[6] != 0xaa) {
            return scsi_task_fail(t, SENSE_INVALID_FIELD);
        }
        n = toc_tracks(t, b, msf);
        break;
    case 1:
        n = toc_sessions(b, msf);
        break;
    case 2:
        n = toc_full(t, b, msf);
        break;
    default:
        return scsi_task_fail(t, SENSE_INVALID_FIELD);
    }
    st_be16(b, n - 2);
    return scsi_task_reply(t, n, ld_be16(c + 7));
}

/* ---- what the drive and the disc are ---- */

static unsigned feature(uint8_t *p, uint16_t code, uint8_t flags, uint8_t len)
{
    st_be16(p, code);
    p[2] = flags;
    p[3] = len;
    return 4 + len;
}

static bool get_configuration(ScsiTask *t)
{
    ScsiLu *lu = t->lu;
    uint16_t first = ld_be16(t->cdb + 2);
    unsigned rt = t->cdb[1] & 3, n = 8;
    uint16_t current = !scsi_lu_has_medium(lu) ? 0 : is_dvd(lu) ? PROFILE_DVD_ROM : PROFILE_CD_ROM;
    uint8_t *b = scsi_task_buffer(t, 128);

    if (rt == 3) {
        return scsi_task_fail(t, SENSE_INVALID_FIELD);
    }
    st_be16(b + 6, current);
    struct {
        uint16_t code;
        bool now;
    } have[] = {
        {0x0000, true},
        {0x0001, true},
        {0x0003, true},
        {0x0010, current != 0},
        {0x001e, current == PROFILE_CD_ROM},
        {0x001f, current == PROFILE_DVD_ROM},
    };
    for (unsigned i = 0; i < ARRAY_LEN(have); i++) {
        uint8_t *p = b + n,
                flags = (have[i].code == 1 ? 2 << 2 : 0) | (have[i].code < 4 ? 2 : 0) | have[i].now;
        if ((rt == 2 && have[i].code != first) || (rt < 2 && have[i].code < first) ||
            (rt == 1 && !have[i].now)) {
            continue;
        }
        switch (have[i].code) {
        case 0x0000: /* profiles */
            n += feature(p, 0, 0x03, 8);
            st_be16(p + 4, PROFILE_DVD_ROM);
            p[6] = current == PROFILE_DVD_ROM;
            st_be16(p + 8, PROFILE_CD_ROM);
            p[10] = current == PROFILE_CD_ROM;
            break;
        case 0x0001: /* core: the physical interface, INQUIRY and DBE */
            n += feature(p, 1, flags, 8);
            st_be32(p + 4, lu->keep_sense ? 2 : 1);
            p[8] = 1;
            break;
        case 0x0003: /* removable: a tray, ejects, locks */
            n += feature(p, 3, 0x03, 4);
            p[4] = 0x39;
            break;
        case 0x0010: /* random readable */
            n += feature(p, 0x10, flags, 8);
            st_be32(p + 4, SECTOR);
            st_be16(p + 8, 1);
            break;
        case 0x001e: /* CD read */
            n += feature(p, 0x1e, 2 << 2 | have[i].now, 4);
            break;
        default: /* DVD read */
            n += feature(p, 0x1f, have[i].now, 0);
            break;
        }
    }
    st_be32(b, n - 4);
    return scsi_task_reply(t, n, ld_be16(t->cdb + 7));
}

static bool get_event_status(ScsiTask *t)
{
    ScsiLu *lu = t->lu;
    uint8_t *b = scsi_task_buffer(t, 8);
    unsigned n = 4;

    if (!(t->cdb[1] & 1)) { /* only polling */
        return scsi_task_fail(t, SENSE_INVALID_FIELD);
    }
    b[3] = 0x10; /* media events are what there is */
    if (t->cdb[4] & 0x10) {
        bool present = lu->port && block_port_inserted(lu->port);
        b[2] = 4;
        b[4] = lu->eject_request ? 1 : lu->media_event;
        b[5] = (present && !lu->tray_open ? 2 : 0) | (lu->tray_open ? 1 : 0);
        if (ld_be16(t->cdb + 7) > 4) {
            if (lu->eject_request) {
                lu->eject_request = 0;
            } else {
                lu->media_event = 0;
            }
        }
        n = 8;
    } else {
        b[2] = 0x80; /* no event class of those asked for */
    }
    st_be16(b, n == 8 ? 6 : 2);
    return scsi_task_reply(t, n, ld_be16(t->cdb + 7));
}

static bool read_disc_information(ScsiTask *t)
{
    uint8_t *b = scsi_task_buffer(t, 34);

    if (t->cdb[1] & 7) {
        return scsi_task_fail(t, SENSE_INVALID_FIELD);
    }
    st_be16(b, 32);
    b[2] = 0x0e; /* last session complete, disc finalized */
    b[3] = 1;
    b[4] = 1;
    b[5] = 1;
    b[6] = 1;
    b[7] = 0x20;             /* unrestricted use */
    memset(b + 16, 0xff, 8); /* no further session */
    return scsi_task_reply(t, 34, ld_be16(t->cdb + 7));
}

static bool read_track_information(ScsiTask *t)
{
    uint32_t what = ld_be32(t->cdb + 2);
    unsigned type = t->cdb[1] & 3;
    uint8_t *b = scsi_task_buffer(t, 36);

    if ((type == 0 && what >= sectors(t->lu)) || (type == 1 && what != 1) ||
        (type == 2 && what != 1) || type == 3) {
        return scsi_task_fail(t, SENSE_INVALID_FIELD);
    }
    st_be16(b, 34);
    b[2] = b[3] = 1;
    b[5] = 4;    /* data track */
    b[6] = 0x01; /* mode 1 */
    st_be32(b + 24, sectors(t->lu));
    return scsi_task_reply(t, 36, ld_be16(t->cdb + 7));
}

static bool mechanism_status(ScsiTask *t)
{
    uint8_t *b = scsi_task_buffer(t, 8);

    b[1] = t->lu->tray_open ? 0x10 : 0;
    b[5] = 1; /* slots */
    return scsi_task_reply(t, 8, ld_be16(t->cdb + 8));
}

/* Physical format (0), copyright (1), manufacturer (4). */
static bool read_disc_structure(ScsiTask *t)
{
    const uint8_t *c = t->cdb;
    uint32_t total = sectors(t->lu);
    unsigned format = c[7], n;
    uint8_t *b = scsi_task_buffer(t, 2048 + 4);

    if (!is_dvd(t->lu)) {
        return scsi_task_fail(t, SENSE_INCOMPATIBLE_FORMAT);
    }
    if ((c[1] & 0xf) || c[6]) { /* a DVD, its first layer */
        return scsi_task_fail(t, SENSE_INVALID_FIELD);
    }
    switch (format) {
    case 0x00:
        b[4] = 1;    /* DVD-ROM, version 1 */
        b[5] = 0x0f; /* 120 mm, no maximum rate */
        b[6] = 1;    /* one layer, embossed */
        st_be32(b + 8, 0x30000);
        st_be32(b + 12, 0x30000 + total - 1);
        st_be32(b + 16, 0x30000 + total - 1);
        n = 4 + 2048;
        break;
    case 0x01:
        n = 4 + 4;
        break;
    case 0x04:
        n = 4 + 2048;
        break;
    case 0xff: /* which there are */
        b[4] = 0x00;
        b[8] = 0x01;
        b[12] = 0x04;
        b[5] = b[9] = b[13] = 0x40;
        st_be16(b + 6, 2048 + 4);
        st_be16(b + 10, 4 + 4);
        st_be16(b + 14, 2048 + 4);
        n = 4 + 12;
        break;
    default:
        return scsi_task_fail(t, SENSE_INVALID_FIELD);
    }
    st_be16(b, n - 2);
    return scsi_task_reply(t, n, ld_be16(c + 8));
}

unsigned mmc_capabilities_page(ScsiLu *lu, uint8_t *p)
{
    p[0] = 0x3b;                        /* reads CD-R, CD-RW, DVD-ROM, DVD-R, method 2 */
    p[4] = 0x29 | (lu->locked ? 2 : 0); /* tray; locks, ejects */
    st_be16(p + 6, 4 * 176);            /* kB/s: the maximum */
    st_be16(p + 10, 512);               /* KiB of buffer */
    st_be16(p + 12, 4 * 176);
    return 20;
}

/* ---- the mechanism ---- */

static bool start_stop(ScsiTask *t)
{
    if (!(t->cdb[4] >> 4) && !sbc_start_stop_tray(t)) {
        return false;
    }
    return scsi_task_good(t);
}

static bool nothing(ScsiTask *t)
{
    return scsi_task_good(t);
}

static bool seek(ScsiTask *t)
{
    return check_range(t, ld_be32(t->cdb + 2), 1) && scsi_task_good(t);
}

const ScsiOp mmc_ops[] = {
    {0x1b, OP_CD, start_stop},
    {0x25, OP_CD | OP_MEDIUM, read_capacity},
    {0x28, OP_CD | OP_MEDIUM, read_sectors},
    {0x2b, OP_CD | OP_MEDIUM, seek},
    {0x35, OP_CD, nothing}, /* SYNCHRONIZE CACHE */
    {0x43, OP_CD | OP_MEDIUM, read_toc},
    {0x46, OP_CD | OP_NO_UA, get_configuration},
    {0x4a, OP_CD | OP_NO_UA, get_event_status},
    {0x51, OP_CD | OP_MEDIUM, read_disc_information},
    {0x52, OP_CD | OP_MEDIUM, read_track_information},
    {0xa8, OP_CD | OP_MEDIUM, read_sectors},
    {0xad, OP_CD | OP_MEDIUM, read_disc_structure},
    {0xb9, OP_CD | OP_MEDIUM, read_cd},
    {0xbb, OP_CD, nothing}, /* SET CD SPEED: as fast as it can */
    {0xbd, OP_CD, mechanism_status},
    {0xbe, OP_CD | OP_MEDIUM, read_cd},
    {0},
};
