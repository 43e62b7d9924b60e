/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IDENTIFY DEVICE and IDENTIFY PACKET DEVICE.
 *
 * ATA8-ACS (T13/1699-D) 7.16, 7.17; words 1, 3 and 6 as ATA-5 had them; SATA 2.6 13.2.1 for the
 * words 76 to 79.
 *
 * home: the machine's lock domain.
 */
#include <string.h>

#include "hw/ide/ata.h"

static void put(uint8_t *b, unsigned word, uint16_t v)
{
    st_le16(b + 2 * word, v);
}

/* Text, the bytes of each word swapped, padded with blanks. */
static void put_text(uint8_t *b, unsigned word, unsigned len, const char *text)
{
    size_t n = strlen(text);

    for (unsigned i = 0; i < len; i++) {
        b[2 * word + (i ^ 1)] = i < n ? text[i] : ' ';
    }
}

static void put_names(IdeDrive *d, uint8_t *b, const char *model)
{
    put_text(b, 10, 20, d->lu.serial && *d->lu.serial ? d->lu.serial : d->serial);
    put_text(b, 23, 8, d->lu.ver ? d->lu.ver : "2.5+");
    put_text(b, 27, 40, d->model ? d->model : model);
}

/* Words 62, 63, 88: what there is, and the mode that was chosen. */
static void put_modes(IdeDrive *d, uint8_t *b)
{
    uint8_t kind = d->xfer_mode >> 3, n = d->xfer_mode & 7;

    put(b, 63, 0x07 | (kind == 4 ? 0x100 << n : 0));
    put(b, 64, 0x03);
    for (unsigned w = 65; w <= 68; w++) {
        put(b, w, 120); /* ns */
    }
    put(b, 88, 0x3f | (kind == 8 ? 0x100 << n : 0));
    put(b, 93, 0x6001); /* device 0 passed its diagnostics, 80 wires */
}

static void put_wwn(IdeDrive *d, uint8_t *b)
{
    for (unsigned i = 0; i < 4; i++) {
        put(b, 108 + i, d->lu.wwn >> (48 - 16 * i));
    }
}

static void put_geometry(IdeDrive *d, uint8_t *b)
{
    ScsiLu *lu = &d->lu;
    uint64_t total = ata_sectors(d);
    /* The translation in force reaches this far. */
    uint32_t cyls = MIN(total / ((uint32_t)d->heads * d->secs), 16383);
    uint32_t now = d->heads == lu->heads && d->secs == lu->secs ? lu->cyls : cyls;
    uint32_t reach = now * d->heads * d->secs;

    put(b, 1, lu->cyls);
    put(b, 3, lu->heads);
    put(b, 4, 512 * lu->secs);
    put(b, 5, 512);
    put(b, 6, lu->secs);
    put(b, 54, now);
    put(b, 55, d->heads);
    put(b, 56, d->secs);
    put(b, 57, reach);
    put(b, 58, reach >> 16);
    st_le32(b + 120, MIN(total, 0x0fffffff));
    st_le64(b + 200, total);
}

static void put_commands(IdeDrive *d, uint8_t *b)
{
    bool wwn = d->lu.wwn, ncq = ((IdeBus *)d->dev.bus)->ncq;

    put(b, 82, 1 << 14 | 1 << 5 | 1);                           /* NOP, write cache, SMART */
    put(b, 83, 1 << 14 | 1 << 13 | 1 << 12 | 1 << 10);          /* FLUSH (EXT), 48 bits */
    put(b, 84, 1 << 14 | 1 << 6 | 1 << 5 | (wwn ? 1 << 8 : 0)); /* FUA, logs */
    put(b, 85, 1 << 14 | (d->lu.wce ? 1 << 5 : 0) | (d->smart ? 1 : 0));
    put(b, 86, 1 << 13 | 1 << 12 | 1 << 10);
    put(b, 87, 1 << 14 | 1 << 6 | 1 << 5 | (wwn ? 1 << 8 : 0));
    if (ncq) {
        put(b, 75, 31);
        put(b, 76, 1 << 8 | 1 << 1); /* queues, first generation */
    }
}

static void put_checksum(uint8_t *b)
{
    uint8_t sum = 0;

    b[510] = 0xa5;
    for (unsigned i = 0; i < 511; i++) {
        sum += b[i];
    }
    b[511] = -sum;
}

void ata_identify(IdeDrive *d, uint8_t *b)
{
    ScsiLu *lu = &d->lu;
    unsigned shift = ctz32(lu->physical_block_size / ATA_SECTOR);

    memset(b, 0, ATA_SECTOR);
    put(b, 0, 0x0040);
    put_names(d, b, "QEMU HARDDISK");
    put(b, 20, 3);
    put(b, 21, 512);
    put(b, 22, 4);
    put(b, 47, 0x8000 | 16);
    put(b, 48, 1);
    put(b, 49, 1 << 11 | 1 << 9 | 1 << 8); /* IORDY, LBA, DMA */
    put(b, 50, 1 << 14);
    put(b, 51, 0x200);
    put(b, 52, 0x200);
    put(b, 53, 7);
    put(b, 59, d->multiple ? 0x100 | d->multiple : 0);
    put_geometry(d, b);
    put_modes(d, b);
    put_commands(d, b);
    put(b, 80, 0xf0); /* ATA/ATAPI-4 to 7 */
    put(b, 81, 0x16);
    put(b, 106, 0x6000 | shift);
    put_wwn(d, b);
    if (lu->discard_granularity) {
        put(b, 69, 1 << 14); /* trimmed blocks read the same each time */
        put(b, 105, 1);      /* blocks of ranges for DATA SET MANAGEMENT */
        put(b, 169, 1);
    }
    put(b, 217, lu->rotation_rate);
    put_checksum(b);
}

void ata_identify_packet(IdeDrive *d, uint8_t *b)
{
    memset(b, 0, ATA_SECTOR);
    put(b, 0,
        2 << 14 | 5 << 8 | 1 << 7 | 2 << 5); /* ATAPI, CD, removable, DRQ in 50 us, 12 bytes */
    put_names(d, b, "QEMU DVD-ROM");
    put(b, 20, 3);
    put(b, 21, 512);
    put(b, 22, 4);
    put(b, 48, 1);
    put(b, 49, 1 << 11 | 1 << 9 | 1 << 8);
    put(b, 53, 6);
    put_modes(d, b);
    put(b, 71, 30); /* ns */
    put(b, 72, 30);
    put(b, 80, 0xf0);
    put(b, 82, 1 << 14 | 1 << 9 | 1 << 4); /* NOP, DEVICE RESET, PACKET */
    put(b, 83, 1 << 14);
    put(b, 84, 1 << 14 | (d->lu.wwn ? 1 << 8 : 0));
    put(b, 85, 1 << 14 | 1 << 9 | 1 << 4);
    put(b, 87, 1 << 14 | (d->lu.wwn ? 1 << 8 : 0));
    put_wwn(d, b);
    put_checksum(b);
}
