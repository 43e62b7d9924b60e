/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DMTF SMBIOS reference specification 2.8 (DSP0134): 5.2.1 entry point, 6.1 structures, 7.1 to
 * 7.5, 7.12, 7.17, 7.18, 7.20, 7.33, 7.45.
 *
 * Structures: 0 when asked for (firmware has its own), 1, 2 when asked for, 3, 4 for each socket,
 * 11 when asked for, 16, 17 for each 16 GiB, 19, 32, 127. Left out: raw structures from files.
 */
#include "hw/firmware/smbios.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/suggest.h"

#define GIB       (1ull << 30)
#define DIMM_SIZE (16 * GIB)
#define MAKER     "QEMU" /* what guests know this platform by */

/* ---- options ---- */

static const struct {
    int type;
    const char *fields[12];
} known[] = {
    {0, {"vendor", "version", "date", "release", "uefi"}},
    {1, {"manufacturer", "product", "version", "serial", "uuid", "sku", "family"}},
    {2, {"manufacturer", "product", "version", "serial", "asset", "location"}},
    {3, {"manufacturer", "version", "serial", "asset", "sku"}},
    {4, {"sock_pfx", "manufacturer", "version", "serial", "asset", "part", "max-speed",
         "current-speed"}},
    {11, {"value"}},
    {17, {"loc_pfx", "bank", "manufacturer", "serial", "asset", "part", "speed"}},
};

static const char *text_of(json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static bool check_field(int type, const char *const *fields, const char *key, const char *value,
                        Error **errp)
{
    unsigned major, minor;
    char *end;

    for (int i = 0; fields[i]; i++) {
        if (strcmp(fields[i], key)) {
            continue;
        }
        if (!strcmp(key, "uuid") && !g_uuid_string_is_valid(value)) {
            error_set(errp, ERR_INVALID_PARAMETER, "-smbios: '%s' is not a UUID", value);
            return false;
        }
        if (!strcmp(key, "release") && sscanf(value, "%u.%u", &major, &minor) != 2) {
            error_set(errp, ERR_INVALID_PARAMETER, "-smbios: release=%s is not of the form 1.2", value);
            return false;
        }
        if (g_str_has_suffix(key, "speed") && (strtoul(value, &end, 10) > 0xffff || *end)) {
            error_set(errp, ERR_INVALID_PARAMETER, "-smbios: %s=%s is not a number up to 65535", key,
                      value);
            return false;
        }
        return true;
    }
    const char *near = suggest_name(key, fields);
    error_set(errp, ERR_INVALID_PARAMETER, "-smbios: type %d has no field '%s'", type, key);
    if (near) {
        error_hint(errp, "did you mean '%s'?", near);
    }
    return false;
}

static bool check_one(json_t *o, Error **errp)
{
    const char *text = text_of(o, "type"), *key;
    int type = text && g_ascii_isdigit(*text) ? atoi(text) : -1;
    json_t *v;

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (known[i].type != type) {
            continue;
        }
        json_object_foreach(o, key, v)
        {
            if (strcmp(key, "type") &&
                !check_field(type, known[i].fields, key, json_string_value(v), errp)) {
                return false;
            }
        }
        return true;
    }
    error_set(errp, ERR_INVALID_PARAMETER, text ? "-smbios: no structure of type %s can be set"
                                                : "-smbios: the type is missing",
              text);
    error_hint(errp, "give type=0, 1, 2, 3, 4, 11 or 17");
    return false;
}

bool smbios_check(const MachineConfig *cfg, Error **errp)
{
    for (size_t i = 0; i < cfg->smbios_count; i++) {
        if (!check_one(cfg->smbios[i], errp)) {
            return false;
        }
    }
    return true;
}

/* The last value given for a field, or def. */
static const char *field(const SmbiosConfig *c, int type, const char *key, const char *def)
{
    for (size_t i = c->machine->smbios_count; i-- > 0;) {
        json_t *o = c->machine->smbios[i];
        const char *v = text_of(o, key);
        if (atoi(text_of(o, "type")) == type && v) {
            return v;
        }
    }
    return def;
}

static bool asked(const SmbiosConfig *c, int type)
{
    for (size_t i = 0; i < c->machine->smbios_count; i++) {
        if (atoi(text_of(c->machine->smbios[i], "type")) == type) {
            return true;
        }
    }
    return false;
}

/* ---- structures ---- */

typedef struct Builder {
    GByteArray *out;
    GByteArray *strings; /* of the open structure */
    uint8_t n_strings;
    guint start;
    uint16_t count, largest;
} Builder;

static void num(Builder *b, uint64_t v, unsigned size)
{
    uint8_t buf[8];

    st_le64(buf, v);
    g_byte_array_append(b->out, buf, size);
}

static void begin(Builder *b, uint8_t type, uint16_t handle)
{
    b->start = b->out->len;
    b->n_strings = 0;
    g_byte_array_set_size(b->strings, 0);
    num(b, type, 1);
    num(b, 0, 1); /* length: end() */
    num(b, handle, 2);
}

/* A string's number; 0 means none. */
static void str(Builder *b, const char *s)
{
    if (s && *s && b->n_strings < 255) {
        g_byte_array_append(b->strings, (const uint8_t *)s, strlen(s) + 1);
        num(b, ++b->n_strings, 1);
    } else {
        num(b, 0, 1);
    }
}

static void end(Builder *b)
{
    b->out->data[b->start + 1] = b->out->len - b->start;
    g_byte_array_append(b->out, b->strings->data, b->strings->len);
    num(b, 0, b->strings->len ? 1 : 2);
    b->largest = MAX(b->largest, b->out->len - b->start);
    b->count++;
}

static void bios(Builder *b, const SmbiosConfig *c)
{
    unsigned major = 0, minor = 0;
    const char *uefi = field(c, 0, "uefi", "off");

    sscanf(field(c, 0, "release", "0.0"), "%u.%u", &major, &minor);
    begin(b, 0, 0x0000);
    str(b, field(c, 0, "vendor", MAKER));
    str(b, field(c, 0, "version", "0"));
    num(b, 0xe800, 2); /* segment */
    str(b, field(c, 0, "date", "01/01/2011"));
    num(b, 0, 1);      /* ROM size: 64 KiB */
    num(b, 0x08, 8);   /* characteristics are not supported */
    num(b, 0, 1);
    num(b, 0x14 | (!strcmp(uefi, "on") ? 0x08 : 0), 1); /* virtual machine, targeted content */
    num(b, major, 1);
    num(b, minor, 1);
    num(b, 0xffff, 2); /* embedded controller: none */
    end(b);
}

/* As GUIDs: the first three groups little endian. */
static void uuid(Builder *b, const SmbiosConfig *c)
{
    static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    const char *text = field(c, 1, "uuid", NULL);
    uint8_t raw[16], out[16];
    int n = 0;

    memcpy(raw, c->machine->uuid, sizeof(raw));
    for (const char *p = text; p && *p && n < 16; p += *p == '-' ? 1 : 2) {
        if (*p != '-') {
            raw[n++] = g_ascii_xdigit_value(p[0]) << 4 | g_ascii_xdigit_value(p[1]);
        }
    }
    for (n = 0; n < 16; n++) {
        out[n] = raw[order[n]];
    }
    g_byte_array_append(b->out, out, sizeof(out));
}

static void machine_info(Builder *b, const SmbiosConfig *c)
{
    begin(b, 1, 0x0100);
    str(b, field(c, 1, "manufacturer", MAKER));
    str(b, field(c, 1, "product", c->product));
    str(b, field(c, 1, "version", c->version));
    str(b, field(c, 1, "serial", NULL));
    uuid(b, c);
    num(b, 6, 1); /* woken by the power switch */
    str(b, field(c, 1, "sku", NULL));
    str(b, field(c, 1, "family", NULL));
    end(b);
}

static void baseboard(Builder *b, const SmbiosConfig *c)
{
    begin(b, 2, 0x0200);
    str(b, field(c, 2, "manufacturer", MAKER));
    str(b, field(c, 2, "product", c->product));
    str(b, field(c, 2, "version", c->version));
    str(b, field(c, 2, "serial", NULL));
    str(b, field(c, 2, "asset", NULL));
    num(b, 0x01, 1); /* hosting board */
    str(b, field(c, 2, "location", NULL));
    num(b, 0x0300, 2); /* chassis */
    num(b, 0x0a, 1);   /* motherboard */
    num(b, 0, 1);
    end(b);
}

static void chassis(Builder *b, const SmbiosConfig *c)
{
    begin(b, 3, 0x0300);
    str(b, field(c, 3, "manufacturer", MAKER));
    num(b, 1, 1); /* other */
    str(b, field(c, 3, "version", c->version));
    str(b, field(c, 3, "serial", NULL));
    str(b, field(c, 3, "asset", NULL));
    num(b, 3, 1); /* states: safe */
    num(b, 3, 1);
    num(b, 3, 1);
    num(b, 2, 1); /* security: unknown */
    num(b, 0, 4);
    num(b, 0, 4); /* height, power cords, contained elements */
    str(b, field(c, 3, "sku", NULL));
    end(b);
}

static void processor(Builder *b, const SmbiosConfig *c, unsigned n)
{
    const MachineConfig *m = c->machine;
    unsigned cores = MAX(m->cores, 1) * MAX(m->dies, 1), threads = cores * MAX(m->threads, 1);
    g_autofree char *socket = g_strdup_printf("%s %u", field(c, 4, "sock_pfx", "CPU"), n);

    begin(b, 4, 0x0400 + n);
    str(b, socket);
    num(b, 3, 1);    /* central processor */
    num(b, 0x01, 1); /* family: other */
    str(b, field(c, 4, "manufacturer", MAKER));
    num(b, c->cpuid_eax, 4);
    num(b, c->cpuid_edx, 4);
    str(b, field(c, 4, "version", c->version));
    num(b, 0, 1); /* voltage, external clock: unknown */
    num(b, 0, 2);
    num(b, atoi(field(c, 4, "max-speed", "2000")), 2);
    num(b, atoi(field(c, 4, "current-speed", "2000")), 2);
    num(b, 0x41, 1); /* populated, enabled */
    num(b, 0x01, 1); /* upgrade: other */
    num(b, 0xffff, 2); /* no cache structures */
    num(b, 0xffff, 2);
    num(b, 0xffff, 2);
    str(b, field(c, 4, "serial", NULL));
    str(b, field(c, 4, "asset", NULL));
    str(b, field(c, 4, "part", NULL));
    num(b, MIN(cores, 255), 1);
    num(b, MIN(cores, 255), 1);
    num(b, MIN(threads, 255), 1);
    num(b, 0x02, 2); /* characteristics: unknown */
    num(b, 0x01, 2);
    num(b, cores, 2);
    num(b, cores, 2);
    num(b, threads, 2);
    end(b);
}

static void oem_strings(Builder *b, const SmbiosConfig *c)
{
    begin(b, 11, 0x0e00);
    num(b, 0, 1);
    for (size_t i = 0; i < c->machine->smbios_count; i++) {
        json_t *o = c->machine->smbios[i];
        const char *v = text_of(o, "value");
        if (atoi(text_of(o, "type")) == 11 && v && *v && b->n_strings < 255) {
            g_byte_array_append(b->strings, (const uint8_t *)v, strlen(v) + 1);
            b->n_strings++;
        }
    }
    b->out->data[b->out->len - 1] = b->n_strings;
    end(b);
}

static void memory_array(Builder *b, const SmbiosConfig *c, unsigned dimms)
{
    uint64_t kib = c->machine->ram_size >> 10;

    begin(b, 16, 0x1000);
    num(b, 1, 1); /* other */
    num(b, 3, 1); /* system memory */
    num(b, 6, 1); /* multi-bit ECC */
    num(b, kib < 0x80000000 ? kib : 0x80000000, 4);
    num(b, 0xfffe, 2); /* no error information */
    num(b, dimms, 2);
    num(b, kib < 0x80000000 ? 0 : c->machine->ram_size, 8);
    end(b);
}

static void dimm(Builder *b, const SmbiosConfig *c, unsigned n, uint64_t size)
{
    g_autofree char *where = g_strdup_printf("%s %u", field(c, 17, "loc_pfx", "DIMM"), n);
    uint64_t mib = (size + (1 << 20) - 1) >> 20;

    begin(b, 17, 0x1100 + n);
    num(b, 0x1000, 2);
    num(b, 0xfffe, 2); /* no error information */
    num(b, 0xffff, 2); /* widths: unknown */
    num(b, 0xffff, 2);
    num(b, mib < 0x7fff ? mib : 0x7fff, 2);
    num(b, 0x09, 1); /* DIMM */
    num(b, 0, 1);
    str(b, where);
    str(b, field(c, 17, "bank", NULL));
    num(b, 0x07, 1); /* RAM */
    num(b, 0x02, 2); /* other */
    num(b, atoi(field(c, 17, "speed", "0")), 2);
    str(b, field(c, 17, "manufacturer", MAKER));
    str(b, field(c, 17, "serial", NULL));
    str(b, field(c, 17, "asset", NULL));
    str(b, field(c, 17, "part", NULL));
    num(b, 0, 1); /* rank */
    num(b, mib < 0x7fff ? 0 : mib, 4);
    num(b, atoi(field(c, 17, "speed", "0")), 2);
    num(b, 0, 2); /* voltages: unknown */
    num(b, 0, 2);
    num(b, 0, 2);
    end(b);
}

static void mapped(Builder *b, unsigned n, uint64_t base, uint64_t size)
{
    uint64_t first = base >> 10, last = (base + size - 1) >> 10;
    bool small = last < 0xffffffff;

    begin(b, 19, 0x1300 + n);
    num(b, small ? first : 0xffffffff, 4);
    num(b, small ? last : 0xffffffff, 4);
    num(b, 0x1000, 2);
    num(b, 1, 1); /* partition width */
    num(b, small ? 0 : base, 8);
    num(b, small ? 0 : base + size - 1, 8);
    end(b);
}

static void memory(Builder *b, const SmbiosConfig *c)
{
    uint64_t ram = c->machine->ram_size;
    unsigned dimms = MIN((ram + DIMM_SIZE - 1) / DIMM_SIZE, 0xff);

    memory_array(b, c, dimms);
    for (unsigned i = 0; i < dimms; i++) {
        dimm(b, c, i, i + 1 < dimms ? DIMM_SIZE : ram - i * DIMM_SIZE);
    }
    mapped(b, 0, c->ram_base, c->below_4g);
    if (c->above_4g) {
        mapped(b, 1, 4 * GIB, c->above_4g);
    }
}

static void all(Builder *b, const SmbiosConfig *c)
{
    unsigned sockets = MAX(c->machine->sockets, 1);

    if (asked(c, 0)) {
        bios(b, c);
    }
    machine_info(b, c);
    if (asked(c, 2)) {
        baseboard(b, c);
    }
    chassis(b, c);
    for (unsigned i = 0; i < sockets; i++) {
        processor(b, c, i);
    }
    if (asked(c, 11)) {
        oem_strings(b, c);
    }
    memory(b, c);
    begin(b, 32, 0x2000);
    num(b, 0, 6);
    num(b, 0, 1); /* no errors detected at boot */
    end(b);
    begin(b, 127, 0x7f00);
    end(b);
}

/* ---- entry point ---- */

static uint8_t sum(const uint8_t *p, size_t n)
{
    uint8_t s = 0;

    while (n--) {
        s += *p++;
    }
    return s;
}

static void seal(uint8_t *ep, uint32_t tables_at)
{
    st_le32(ep + 24, tables_at);
    ep[4] = ep[21] = 0;
    ep[21] = -sum(ep + 16, 15);
    ep[4] = -sum(ep, 31);
}

static GByteArray *entry_point(const Builder *b)
{
    uint8_t ep[31] = {'_', 'S', 'M', '_', 0, 31, 2, 8};

    st_le16(ep + 8, b->largest);
    memcpy(ep + 16, "_DMI_", 5);
    st_le16(ep + 22, MIN(b->out->len, 0xffff));
    st_le16(ep + 28, b->count);
    ep[30] = 0x28;
    seal(ep, 0);
    GByteArray *a = g_byte_array_new();
    return g_byte_array_append(a, ep, sizeof(ep));
}

/* 5.2.2; the address and the checksum are the firmware's to fill in. */
static GByteArray *entry_point64(const Builder *b)
{
    uint8_t ep[24] = {'_', 'S', 'M', '3', '_', 0, 24, 3, 0, 0, 1};

    st_le32(ep + 12, b->out->len);
    ep[5] = -sum(ep, sizeof(ep));
    return g_byte_array_append(g_byte_array_new(), ep, sizeof(ep));
}

Smbios *smbios_build(const SmbiosConfig *cfg)
{
    Builder b = {.out = g_byte_array_new(), .strings = g_byte_array_new()};
    Smbios *s = g_new0(Smbios, 1);

    all(&b, cfg);
    s->tables = b.out;
    s->anchor = cfg->entry64 ? entry_point64(&b) : entry_point(&b);
    g_byte_array_unref(b.strings);
    return s;
}

void smbios_free(Smbios *s)
{
    if (s) {
        g_byte_array_unref(s->tables);
        g_byte_array_unref(s->anchor);
        g_free(s);
    }
}

void smbios_place(const Smbios *s, AddressSpace *as, hwaddr anchor_at, hwaddr tables_at)
{
    uint8_t ep[31];

    memcpy(ep, s->anchor->data, sizeof(ep));
    seal(ep, tables_at);
    address_space_poke(as, tables_at, s->tables->data, s->tables->len);
    address_space_poke(as, anchor_at, ep, sizeof(ep));
}
