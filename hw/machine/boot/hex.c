/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel HEX files: Intel "Hexadecimal Object File Format Specification", revision A, 1988. Lines
 * ":LLAAAATTDD...CC": length, address, type, data, checksum (all bytes of a line add up to 0).
 */
#include "hw/machine/boot/internal.h"

#include <string.h>
#include "base/bits.h"

enum { REC_DATA, REC_END, REC_SEGMENT, REC_START_SEGMENT, REC_LINEAR, REC_START_LINEAR };
#define MAX_RECORD (255 + 5)

typedef struct HexReader {
    const BootFile *f;
    BootPlan *plan;
    uint64_t at;   /* in the file */
    unsigned line;
    uint64_t base; /* of the addresses that follow */
    GByteArray *run; /* bytes that follow each other in memory, from run_at */
    uint64_t run_at;
    bool ended;
} HexReader;

bool boot_hex_is(const BootFile *f)
{
    return f->len >= 11 && f->data[0] == ':';
}

static bool bad(const HexReader *r, Error **errp, const char *why)
{
    error_set(errp, ERR_INVALID_PARAMETER, "the Intel HEX file '%s' is damaged at line %u: %s",
              r->f->path, r->line, why);
    error_hint(errp, "with force-raw=on it is loaded as it is");
    return false;
}

static int digit(const HexReader *r)
{
    return r->at < r->f->len ? g_ascii_xdigit_value(r->f->data[r->at]) : -1;
}

/* The bytes of one line; -1 with *errp. */
static int read_record(HexReader *r, uint8_t rec[MAX_RECORD], Error **errp)
{
    uint8_t sum = 0;
    int n = 0;

    r->at++; /* the colon */
    for (; digit(r) >= 0; n++) {
        int high = digit(r);
        r->at++;
        if (n == MAX_RECORD || digit(r) < 0) {
            bad(r, errp, "not pairs of hexadecimal digits, 260 at most");
            return -1;
        }
        rec[n] = high << 4 | digit(r);
        sum += rec[n];
        r->at++;
    }
    if (n < 5 || n != rec[0] + 5) {
        bad(r, errp, "its length is not what it says");
        return -1;
    }
    if (sum) {
        bad(r, errp, "its checksum does not match");
        return -1;
    }
    return n;
}

static void flush(HexReader *r)
{
    if (r->run->len) {
        boot_add_copy(r->plan, r->run_at, r->run->data, r->run->len);
        g_byte_array_set_size(r->run, 0);
    }
}

static void put_data(HexReader *r, uint64_t addr, const uint8_t *data, unsigned len)
{
    if (addr != r->run_at + r->run->len) {
        flush(r);
        r->run_at = addr;
    }
    g_byte_array_append(r->run, data, len);
}

static bool carry_out(HexReader *r, const uint8_t *rec, uint64_t *entry, Error **errp)
{
    static const uint8_t lengths[] = {[REC_SEGMENT] = 2, [REC_START_SEGMENT] = 4, [REC_LINEAR] = 2,
                                      [REC_START_LINEAR] = 4};
    unsigned type = rec[3];

    if (type > REC_START_LINEAR) {
        return bad(r, errp, "unknown type");
    }
    if (type != REC_DATA && rec[0] != lengths[type]) {
        return bad(r, errp, "a wrong length for its type");
    }
    switch (type) {
    case REC_DATA:
        put_data(r, r->base + ld_be16(rec + 1), rec + 4, rec[0]);
        break;
    case REC_END:
        r->ended = true;
        break;
    case REC_SEGMENT:
        r->base = (uint64_t)ld_be16(rec + 4) << 4;
        break;
    case REC_LINEAR:
        r->base = (uint64_t)ld_be16(rec + 4) << 16;
        break;
    case REC_START_SEGMENT:
        *entry = ((uint64_t)ld_be16(rec + 4) << 4) + ld_be16(rec + 6);
        break;
    case REC_START_LINEAR:
        *entry = ld_be32(rec + 4);
        break;
    }
    return true;
}

static bool read_line(HexReader *r, uint64_t *entry, Error **errp)
{
    uint8_t rec[MAX_RECORD];

    r->line++;
    if (r->f->data[r->at] == ':' &&
        (read_record(r, rec, errp) < 0 || !carry_out(r, rec, entry, errp))) {
        return false;
    }
    while (r->at < r->f->len && strchr("\r \t", r->f->data[r->at]) && r->f->data[r->at]) {
        r->at++;
    }
    if (r->at < r->f->len && r->f->data[r->at++] != '\n') {
        return bad(r, errp, "something that is no record");
    }
    return true;
}

bool boot_hex_load(const BootFile *f, BootPlan *plan, uint64_t *entry, Error **errp)
{
    g_autoptr(GByteArray) run = g_byte_array_new();
    HexReader r = {.f = f, .plan = plan, .run = run};

    while (r.at < f->len && !r.ended) {
        if (!read_line(&r, entry, errp)) {
            return false;
        }
    }
    if (!r.ended) {
        return bad(&r, errp, "the end record is missing");
    }
    flush(&r);
    return true;
}
