/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SCSI primary commands: what disks and CD drives share.
 *
 * SPC-4: 6.4 INQUIRY, 7.8 vital product data, 6.9-6.12 MODE SELECT and SENSE, 6.33 REPORT LUNS,
 * 6.39 REQUEST SENSE, 6.47 TEST UNIT READY. SBC-3: 6.4.3 caching page, 6.5 pages B0 to B2.
 *
 * Left out: saved mode pages, log pages, persistent reservations. RESERVE and RELEASE succeed:
 * a unit has one initiator.
 *
 * home: the machine's lock domain.
 */
#include <string.h>

#include "hw/scsi/lu.h"

static void put_text(uint8_t *at, size_t size, const char *text)
{
    size_t n = MIN(strlen(text), size);

    memset(at, ' ', size);
    memcpy(at, text, n);
}

/* ---- INQUIRY ---- */

static unsigned vpd_serial(ScsiLu *lu, uint8_t *p)
{
    size_t n = MIN(strlen(lu->serial), 36);

    memcpy(p, lu->serial, n);
    return n;
}

static const char *device_id(const ScsiLu *lu)
{
    if (lu->device_id && *lu->device_id) {
        return lu->device_id;
    }
    if (lu->serial && *lu->serial) {
        return lu->serial;
    }
    return lu->port ? block_port_name(lu->port) : NULL;
}

static unsigned naa(uint8_t *p, uint8_t protocol, uint8_t type, uint64_t wwn)
{
    p[0] = protocol;
    p[1] = type;
    p[3] = 8;
    st_be64(p + 4, wwn);
    return 12;
}

static unsigned vpd_identification(ScsiLu *lu, uint8_t *p)
{
    const char *id = device_id(lu);
    unsigned n = 0;

    if (id && *id) {
        size_t len = MIN(strlen(id), lu->serial && id == lu->serial ? 20 : 200);
        p[0] = 2; /* ASCII, vendor specific */
        p[3] = len;
        memcpy(p + 4, id, len);
        n = 4 + len;
    }
    if (lu->wwn) {
        n += naa(p + n, 0x01, 0x03, lu->wwn);
    }
    if (lu->port_wwn) { /* of the SAS target port */
        n += naa(p + n, 0x61, 0x93, lu->port_wwn);
    }
    if (lu->port_index) { /* relative target port */
        p[n] = 0x61;
        p[n + 1] = 0x94;
        p[n + 3] = 4;
        st_be16(p + n + 6, lu->port_index);
        n += 8;
    }
    return n;
}

static uint32_t in_blocks(const ScsiLu *lu, uint64_t bytes)
{
    return MIN(bytes / lu_block_size(lu), UINT32_MAX);
}

static unsigned vpd_block_limits(ScsiLu *lu, uint8_t *p)
{
    p[0] = 1; /* WSNZ: WRITE SAME of 0 blocks is refused */
    st_be16(p + 2, MIN(in_blocks(lu, lu->min_io_size), UINT16_MAX));
    st_be32(p + 4, in_blocks(lu, lu->max_io_size));
    st_be32(p + 8, in_blocks(lu, lu->opt_io_size));
    if (lu_can_discard(lu)) {
        st_be32(p + 16, in_blocks(lu, lu->max_unmap_size));
        st_be32(p + 20, 255);
        st_be32(p + 24, in_blocks(lu, lu->discard_granularity));
    }
    st_be64(p + 32, in_blocks(lu, lu->max_io_size));
    return 60;
}

static unsigned vpd_characteristics(ScsiLu *lu, uint8_t *p)
{
    st_be16(p, lu->rotation_rate);
    return 60;
}

static unsigned vpd_provisioning(ScsiLu *lu, uint8_t *p)
{
    p[1] = lu_can_discard(lu) ? 0xe0 : 0; /* UNMAP, WRITE SAME 16 and 10 with unmap */
    p[2] = lu_can_discard(lu) ? 2 : 1;    /* thin, or provisioned in full */
    return 4;
}

typedef struct VpdPage {
    uint8_t code;
    uint8_t flags;                            /* OP_DISK, OP_CD */
    unsigned (*fill)(ScsiLu *lu, uint8_t *p); /* bytes behind the header; NULL: the list */
} VpdPage;
static const VpdPage vpd_pages[] = {
    {0x00, OP_ANY, NULL},
    {0x80, OP_ANY, vpd_serial},
    {0x83, OP_ANY, vpd_identification},
    {0xb0, OP_DISK, vpd_block_limits},
    {0xb1, OP_DISK, vpd_characteristics},
    {0xb2, OP_DISK, vpd_provisioning},
};

static bool has_vpd(const ScsiLu *lu, const VpdPage *v)
{
    unsigned mine = lu->type == SCSI_TYPE_ROM ? OP_CD : OP_DISK;

    return (v->flags & mine) && (v->code != 0x80 || lu->serial);
}

static bool inquiry_vpd(ScsiTask *t, uint8_t code, uint32_t allocation)
{
    ScsiLu *lu = t->lu;

    for (unsigned i = 0; i < ARRAY_LEN(vpd_pages); i++) {
        const VpdPage *v = &vpd_pages[i];
        if (v->code != code || !has_vpd(lu, v)) {
            continue;
        }
        uint8_t *b = scsi_task_buffer(t, 512);
        unsigned n = 0;
        if (v->fill) {
            n = v->fill(lu, b + 4);
        } else {
            for (unsigned k = 0; k < ARRAY_LEN(vpd_pages); k++) {
                if (has_vpd(lu, &vpd_pages[k])) {
                    b[4 + n++] = vpd_pages[k].code;
                }
            }
        }
        b[0] = lu->type;
        b[1] = code;
        st_be16(b + 2, n);
        return scsi_task_reply(t, 4 + n, allocation);
    }
    return scsi_task_fail(t, SENSE_INVALID_FIELD);
}

static bool inquiry(ScsiTask *t)
{
    ScsiLu *lu = t->lu;
    uint32_t allocation = ld_be16(t->cdb + 3);

    if (t->cdb[1] & 2) { /* CMDDT is obsolete */
        return scsi_task_fail(t, SENSE_INVALID_FIELD);
    }
    if (t->cdb[1] & 1) {
        return inquiry_vpd(t, t->cdb[2], allocation);
    }
    if (t->cdb[2]) {
        return scsi_task_fail(t, SENSE_INVALID_FIELD);
    }
    bool rom = lu->type == SCSI_TYPE_ROM;
    uint8_t *b = scsi_task_buffer(t, 36);
    b[0] = lu->type;
    b[1] = rom || lu->removable ? 0x80 : 0;
    /* MMC over ATAPI: the version is 0, and the format is ATAPI's. */
    b[2] = lu->keep_sense ? 0 : lu->scsi_version;
    b[3] = lu->keep_sense ? 0x21 : 0x12;
    b[4] = 36 - 5;
    b[7] = lu->keep_sense ? 0 : 0x02; /* commands are queued */
    put_text(b + 8, 8, lu->vendor ? lu->vendor : "QEMU");
    put_text(b + 16, 16, lu->product ? lu->product : rom ? "QEMU CD-ROM" : "QEMU HARDDISK");
    put_text(b + 32, 4, lu->ver ? lu->ver : "2.5+");
    return scsi_task_reply(t, 36, allocation);
}

/* ---- small ones ---- */

static bool test_unit_ready(ScsiTask *t)
{
    return scsi_task_good(t);
}

static bool request_sense(ScsiTask *t)
{
    ScsiLu *lu = t->lu;
    uint32_t sense = lu->keep_sense ? lu->sense : SENSE_NONE;

    lu->sense = SENSE_NONE;
    if (!sense) {
        sense = lu_take_attention(lu);
    }
    uint8_t *b = scsi_task_buffer(t, SCSI_SENSE_LEN);
    if (t->cdb[1] & 1) { /* descriptor format */
        b[0] = 0x72;
        b[1] = sense >> 16;
        b[2] = sense >> 8;
        b[3] = sense;
        return scsi_task_reply(t, 8, t->cdb[4]);
    }
    scsi_sense_bytes(sense, false, 0, b);
    return scsi_task_reply(t, SCSI_SENSE_LEN, t->cdb[4]);
}

#define LUNS_MAX 512

static bool report_luns(ScsiTask *t)
{
    uint32_t allocation = ld_be32(t->cdb + 6);

    if (t->cdb[2] > 2) {
        return scsi_task_fail(t, SENSE_INVALID_FIELD);
    }
    if (allocation < 16) {
        return scsi_task_fail(t, SENSE_INVALID_FIELD);
    }
    uint8_t *b = scsi_task_buffer(t, 8 + LUNS_MAX * 8);
    unsigned n = t->cdb[2] == 1 ? 0 : 1; /* no well-known ones; of an unknown bus: LUN 0 */
    if (n && t->lu->report_luns) {
        n = t->lu->report_luns(t->lu, b + 8, LUNS_MAX);
    }
    t->lu->ua &= ~SCSI_UA_LUNS;
    st_be32(b, n * 8);
    return scsi_task_reply(t, 8 + n * 8, allocation);
}

static bool reserve_release(ScsiTask *t)
{
    return t->cdb[1] & 1 ? scsi_task_fail(t, SENSE_INVALID_FIELD) : scsi_task_good(t);
}

static bool send_diagnostic(ScsiTask *t)
{
    bool default_test = (t->cdb[1] & ~0x03) == 0x04 && !ld_be16(t->cdb + 3);

    return default_test ? scsi_task_good(t) : scsi_task_fail(t, SENSE_INVALID_FIELD);
}

static bool prevent_allow(ScsiTask *t)
{
    t->lu->locked = t->cdb[4] & 1;
    return scsi_task_good(t);
}

/* ---- mode pages ---- */

#define PC_CURRENT    0
#define PC_CHANGEABLE 1
#define PC_SAVED      3
#define WCE           0x04

static void page_geometry(ScsiLu *lu, uint8_t *p)
{
    uint32_t c = lu->cyls;

    p[0] = c >> 16;
    st_be16(p + 1, c);
    p[3] = lu->heads;
    p[4] = c >> 16; /* no write precompensation, no reduced write current */
    st_be16(p + 5, c);
    p[7] = c >> 16;
    st_be16(p + 8, c);
    st_be16(p + 10, 200);    /* step rate */
    memset(p + 12, 0xff, 3); /* landing zone */
    st_be16(p + 18, 5400);
}

static void page_flexible(ScsiLu *lu, uint8_t *p)
{
    uint16_t c = MIN(lu->cyls, UINT16_MAX);

    st_be16(p, 5000); /* kbit/s */
    p[2] = lu->heads;
    p[3] = lu->secs;
    st_be16(p + 4, lu_block_size(lu));
    st_be16(p + 6, c);
    st_be16(p + 8, c);
    st_be16(p + 10, c);
    st_be16(p + 12, 1); /* step rate, pulse */
    p[14] = 1;
    st_be16(p + 15, 1); /* head settle delay */
    p[17] = 1;          /* motor on and off delays */
    p[18] = 1;
    p[19] = 0x40; /* MO */
    p[20] = 0;
    st_be16(p + 26, 5400);
}

static void page_caching(ScsiLu *lu, uint8_t *p)
{
    p[0] = lu->wce ? WCE : 0;
}

static void page_error(ScsiLu *lu, uint8_t *p)
{
    p[0] = 0x80;                                 /* AWRE */
    p[1] = lu->type == SCSI_TYPE_ROM ? 0x20 : 0; /* retries */
}

static void page_audio(ScsiLu *lu, uint8_t *p)
{
    p[0] = 4; /* immediate */
}

static void page_capabilities(ScsiLu *lu, uint8_t *p)
{
    mmc_capabilities_page(lu, p);
}

typedef struct ModePage {
    uint8_t code, len; /* without the two bytes of header */
    uint8_t flags;
    void (*fill)(ScsiLu *lu, uint8_t *p);
} ModePage;
static const ModePage mode_pages[] = {
    {0x01, 10, OP_ANY, page_error},     {0x04, 22, OP_DISK, page_geometry},
    {0x05, 30, OP_DISK, page_flexible}, {0x08, 18, OP_ANY, page_caching},
    {0x0e, 14, OP_CD, page_audio},      {0x2a, 20, OP_CD, page_capabilities},
};

static bool has_page(const ScsiLu *lu, const ModePage *m)
{
    return m->flags & (lu->type == SCSI_TYPE_ROM ? OP_CD : OP_DISK);
}

static unsigned put_page(ScsiLu *lu, const ModePage *m, unsigned control, uint8_t *b)
{
    memset(b, 0, 2 + m->len);
    b[0] = m->code;
    b[1] = m->len;
    if (control != PC_CHANGEABLE) {
        m->fill(lu, b + 2);
    } else if (m->code == 0x08 && lu->port && !lu_readonly(lu)) {
        b[2] = WCE;
    }
    return 2 + m->len;
}

/* The parameter header and a block descriptor. */
static unsigned put_mode_header(ScsiTask *t, uint8_t *b)
{
    ScsiLu *lu = t->lu;
    bool long_form = t->cdb[0] == 0x5a;
    bool rom = lu->type == SCSI_TYPE_ROM;
    unsigned n = long_form ? 8 : 4;
    uint8_t flags = rom ? 0 : (lu_readonly(lu) ? 0x80 : 0) | (lu->dpofua ? 0x10 : 0);

    b[long_form ? 3 : 2] = flags;
    if (rom && lu->keep_sense) { /* ATAPI's medium type */
        b[long_form ? 2 : 1] = scsi_lu_has_medium(lu) ? 0x01 : 0x70;
    }
    if (!rom && !(t->cdb[1] & 8)) {
        uint64_t blocks = scsi_lu_blocks(lu);
        b[long_form ? 7 : 3] = 8;
        st_be32(b + n, blocks > 0xffffff ? 0 : blocks);
        st_be32(b + n + 4, lu_block_size(lu));
        n += 8;
    }
    return n;
}

static bool mode_sense(ScsiTask *t)
{
    ScsiLu *lu = t->lu;
    bool long_form = t->cdb[0] == 0x5a, any = false;
    uint8_t page = t->cdb[2] & 0x3f, control = t->cdb[2] >> 6;
    uint8_t *b = scsi_task_buffer(t, 512);
    unsigned n = put_mode_header(t, b);

    if (control == PC_SAVED) {
        return scsi_task_fail(t, SENSE_SAVING_PARAMS);
    }
    for (unsigned i = 0; i < ARRAY_LEN(mode_pages); i++) {
        const ModePage *m = &mode_pages[i];
        if (has_page(lu, m) && (page == 0x3f || page == m->code)) {
            n += put_page(lu, m, control, b + n);
            any = true;
        }
    }
    /* Page 0 alone: the header is all there is. */
    if (!any && page != 0) {
        return scsi_task_fail(t, SENSE_INVALID_FIELD);
    }
    if (long_form) {
        st_be16(b, n - 2);
    } else {
        b[0] = n - 1;
    }
    return scsi_task_reply(t, n, long_form ? ld_be16(t->cdb + 7) : t->cdb[4]);
}

/* One page of a parameter list: may only change what is changeable. */
static bool check_page(ScsiLu *lu, const uint8_t *p, unsigned len, bool *wce)
{
    for (unsigned i = 0; i < ARRAY_LEN(mode_pages); i++) {
        const ModePage *m = &mode_pages[i];
        uint8_t now[64], mask[64];
        if (m->code != (p[0] & 0x7f) || !has_page(lu, m)) {
            continue;
        }
        if (p[1] != m->len || len < 2u + m->len) {
            return false;
        }
        put_page(lu, m, PC_CURRENT, now);
        put_page(lu, m, PC_CHANGEABLE, mask);
        for (unsigned k = 2; k < 2u + m->len; k++) {
            if ((now[k] ^ p[k]) & ~mask[k]) {
                return false;
            }
        }
        if (m->code == 0x08) {
            *wce = p[2] & WCE;
        }
        return true;
    }
    return false;
}

static void mode_select_done(void *opaque, int ret)
{
    ScsiTask *t = opaque;

    if (ret < 0) {
        scsi_task_errno(t, ret, true);
    } else {
        scsi_task_good(t);
    }
}

static void mode_select_exec(ScsiTask *t)
{
    ScsiLu *lu = t->lu;
    bool long_form = t->cdb[0] == 0x55, wce = lu->wce;
    const uint8_t *p = t->buf;
    unsigned len = t->buf_size, header = long_form ? 8 : 4;

    if (!len) {
        scsi_task_good(t);
        return;
    }
    unsigned desc = len < header ? 0 : long_form ? ld_be16(p + 6) : p[3];
    if (len < header || len - header < desc) {
        scsi_task_fail(t, SENSE_PARAM_LENGTH);
        return;
    }
    if ((desc && desc != 8) || (desc && be24(p + header + 5) != lu_block_size(lu))) {
        scsi_task_fail(t, SENSE_INVALID_PARAM);
        return;
    }
    for (p += header + desc, len -= header + desc; len;) {
        if (len < 2 || len < 2u + p[1]) {
            scsi_task_fail(t, SENSE_PARAM_LENGTH);
            return;
        }
        if (!check_page(lu, p, len, &wce)) {
            scsi_task_fail(t, SENSE_INVALID_PARAM);
            return;
        }
        len -= 2 + p[1];
        p += 2 + p[1];
    }
    if (wce == lu->wce) {
        scsi_task_good(t);
        return;
    }
    lu->wce = wce;
    block_port_set_write_cache(lu->port, wce);
    block_flush(lu->port, 0, mode_select_done, t);
}

static bool mode_select(ScsiTask *t)
{
    bool long_form = t->cdb[0] == 0x55;

    if ((t->cdb[1] & 0x11) != 0x10) { /* page format, nothing saved */
        return scsi_task_fail(t, SENSE_INVALID_FIELD);
    }
    return scsi_task_collect(t, long_form ? ld_be16(t->cdb + 7) : t->cdb[4], mode_select_exec);
}

const ScsiOp spc_ops[] = {
    {0x00, OP_ANY | OP_MEDIUM, test_unit_ready},
    {0x03, OP_ANY | OP_NO_UA, request_sense},
    {0x12, OP_ANY | OP_NO_UA, inquiry},
    {0x15, OP_ANY, mode_select},
    {0x16, OP_ANY, reserve_release},
    {0x17, OP_ANY, reserve_release},
    {0x1a, OP_ANY, mode_sense},
    {0x1d, OP_ANY, send_diagnostic},
    {0x1e, OP_ANY, prevent_allow},
    {0x55, OP_ANY, mode_select},
    {0x56, OP_ANY, reserve_release},
    {0x57, OP_ANY, reserve_release},
    {0x5a, OP_ANY, mode_sense},
    {0xa0, OP_ANY | OP_NO_UA, report_luns},
    {0},
};
