/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AML encoder. ACPI specification 6.4: 20.2.2 name objects, 20.2.3 data objects,
 * 20.2.4 package length, 20.2.5 term objects; 6.4.2 small resource items.
 */
#include "hw/acpi/aml.h"

#include <string.h>
#include "base/bits.h"

enum {
    OP_ZERO = 0x00,
    OP_ONE = 0x01,
    OP_NAME = 0x08,
    OP_BYTE = 0x0a,
    OP_WORD = 0x0b,
    OP_DWORD = 0x0c,
    OP_STRING = 0x0d,
    OP_QWORD = 0x0e,
    OP_SCOPE = 0x10,
    OP_BUFFER = 0x11,
    OP_PACKAGE = 0x12,
    OP_METHOD = 0x14,
    OP_IF = 0xa0,
    OP_ELSE = 0xa1,
    OP_WHILE = 0xa2,
    OP_EXT = 0x5b,
    EXT_MUTEX = 0x01,
    EXT_REGION = 0x80,
    EXT_FIELD = 0x81,
    EXT_DEVICE = 0x82,
};

void bytes_int(GByteArray *b, uint64_t v, unsigned size)
{
    uint8_t buf[8];

    st_le64(buf, v);
    g_byte_array_append(b, buf, size);
}

void bytes_text(GByteArray *b, const char *s, unsigned size)
{
    size_t len = MIN(strlen(s), size);

    g_byte_array_append(b, (const uint8_t *)s, len);
    for (; len < size; len++) {
        bytes_int(b, 0, 1);
    }
}

static void segment(Aml *a, const char *name, size_t len)
{
    char seg[4] = {'_', '_', '_', '_'};

    g_assert(len <= 4);
    memcpy(seg, name, len);
    g_byte_array_append(a->out, (uint8_t *)seg, 4);
}

/* "\\_SB.PCI0": root and parent prefixes, then one, two or more segments (20.2.2). */
static void name_string(Aml *a, const char *name)
{
    while (*name == '\\' || *name == '^') {
        bytes_int(a->out, *name++, 1);
    }
    g_auto(GStrv) seg = g_strsplit(name, ".", -1);
    unsigned n = g_strv_length(seg);
    if (n == 0) {
        bytes_int(a->out, 0, 1); /* the root itself */
    } else if (n == 2) {
        bytes_int(a->out, 0x2e, 1);
    } else if (n > 2) {
        bytes_int(a->out, 0x2f | n << 8, 2);
    }
    for (unsigned i = 0; i < n; i++) {
        segment(a, seg[i], strlen(seg[i]));
    }
}

void aml_op(Aml *a, AmlOp op)
{
    if (op > 0xff) {
        bytes_int(a->out, op >> 8, 1);
    }
    bytes_int(a->out, op & 0xff, 1);
}

void aml_ref(Aml *a, const char *path)
{
    name_string(a, path);
}

static void open_package(Aml *a)
{
    g_assert(a->depth < (int)ARRAY_LEN(a->open));
    a->open[a->depth++] = a->out->len;
}

/* 20.2.4: a length that counts itself if it stands for what follows; the number of bytes. */
static unsigned encode_length(uint8_t enc[4], uint32_t body, bool counts_itself)
{
    uint32_t self = counts_itself;
    unsigned n = body + self < 0x40              ? 1
                 : body + 2 * self < 0x1000      ? 2
                 : body + 3 * self < 0x100000    ? 3
                                                 : 4;
    uint32_t len = body + n * self;

    enc[0] = n == 1 ? len : (n - 1) << 6 | (len & 15);
    for (unsigned i = 1; i < n; i++) {
        enc[i] = len >> (8 * i - 4);
    }
    return n;
}

/* Inserts the package length where the package was opened. */
void aml_end(Aml *a)
{
    uint32_t at = a->open[--a->depth];
    uint32_t body = a->out->len - at;
    uint8_t enc[4];
    unsigned n = encode_length(enc, body, true);

    g_byte_array_set_size(a->out, a->out->len + n);
    memmove(a->out->data + at + n, a->out->data + at, body);
    memcpy(a->out->data + at, enc, n);
}

void aml_scope(Aml *a, const char *name)
{
    bytes_int(a->out, OP_SCOPE, 1);
    open_package(a);
    name_string(a, name);
}

void aml_device(Aml *a, const char *name)
{
    bytes_int(a->out, OP_EXT | EXT_DEVICE << 8, 2);
    open_package(a);
    name_string(a, name);
}

void aml_method(Aml *a, const char *name, unsigned args, bool serialized)
{
    bytes_int(a->out, OP_METHOD, 1);
    open_package(a);
    name_string(a, name);
    bytes_int(a->out, args | serialized << 3, 1);
}

void aml_if(Aml *a)
{
    bytes_int(a->out, OP_IF, 1);
    open_package(a);
}

void aml_else(Aml *a)
{
    bytes_int(a->out, OP_ELSE, 1);
    open_package(a);
}

void aml_while(Aml *a)
{
    bytes_int(a->out, OP_WHILE, 1);
    open_package(a);
}

void aml_field_rule(Aml *a, const char *region, unsigned access, unsigned rule)
{
    bytes_int(a->out, OP_EXT | EXT_FIELD << 8, 2);
    open_package(a);
    name_string(a, region);
    bytes_int(a->out, access | rule, 1);
}

void aml_field(Aml *a, const char *region, unsigned access)
{
    aml_field_rule(a, region, access, 0);
}

static void field_length(Aml *a, unsigned bits)
{
    uint8_t enc[4];

    g_byte_array_append(a->out, enc, encode_length(enc, bits, false));
}

void aml_field_unit(Aml *a, const char *name, unsigned bits)
{
    segment(a, name, strlen(name));
    field_length(a, bits);
}

void aml_field_skip(Aml *a, unsigned bits)
{
    bytes_int(a->out, 0, 1);
    field_length(a, bits);
}

void aml_mutex(Aml *a, const char *name)
{
    bytes_int(a->out, OP_EXT | EXT_MUTEX << 8, 2);
    name_string(a, name);
    bytes_int(a->out, 0, 1);
}

void aml_region(Aml *a, const char *name, unsigned space, uint64_t offset, uint64_t len)
{
    bytes_int(a->out, OP_EXT | EXT_REGION << 8, 2);
    name_string(a, name);
    bytes_int(a->out, space, 1);
    aml_int(a, offset);
    aml_int(a, len);
}

void aml_package(Aml *a, uint8_t elements)
{
    bytes_int(a->out, OP_PACKAGE, 1);
    open_package(a);
    bytes_int(a->out, elements, 1);
}

void aml_name(Aml *a, const char *name)
{
    bytes_int(a->out, OP_NAME, 1);
    name_string(a, name);
}

void aml_int(Aml *a, uint64_t v)
{
    if (v <= 1) {
        bytes_int(a->out, v ? OP_ONE : OP_ZERO, 1);
        return;
    }
    unsigned size = v <= 0xff ? 1 : v <= 0xffff ? 2 : v <= 0xffffffff ? 4 : 8;
    bytes_int(a->out,
              size == 1   ? OP_BYTE
              : size == 2 ? OP_WORD
              : size == 4 ? OP_DWORD
                          : OP_QWORD,
              1);
    bytes_int(a->out, v, size);
}

void aml_string(Aml *a, const char *s)
{
    bytes_int(a->out, OP_STRING, 1);
    bytes_text(a->out, s, strlen(s) + 1);
}

/* Three letters in five bits each, four hexadecimal digits, big endian. */
void aml_eisa_id(Aml *a, const char *id)
{
    uint32_t v = (id[0] - 0x40) << 26 | (id[1] - 0x40) << 21 | (id[2] - 0x40) << 16;

    v |= strtoul(id + 3, NULL, 16);
    bytes_int(a->out, OP_DWORD, 1);
    bytes_int(a->out, bswap32(v), 4);
}

void aml_buffer(Aml *a, const void *data, unsigned len)
{
    bytes_int(a->out, OP_BUFFER, 1);
    open_package(a);
    aml_int(a, len);
    g_byte_array_append(a->out, data, len);
    aml_end(a);
}

/* The first three groups are little endian (19.6.142 ToUUID). */
void aml_uuid(Aml *a, const char *text)
{
    static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    uint8_t out[16];
    int n = 0;

    for (const char *p = text; *p && n < 16; p += *p == '-' ? 1 : 2) {
        if (*p != '-') {
            out[order[n++]] = g_ascii_xdigit_value(p[0]) << 4 | g_ascii_xdigit_value(p[1]);
        }
    }
    aml_buffer(a, out, sizeof(out));
}

void aml_crs_begin(Aml *a)
{
    aml_resources_begin(a, "_CRS");
}

void aml_resources_begin(Aml *a, const char *name)
{
    aml_name(a, name);
    aml_template_begin(a);
}

/* The buffer's size is patched when the template is complete; it is always a word. */
void aml_template_begin(Aml *a)
{
    bytes_int(a->out, OP_BUFFER, 1);
    open_package(a);
    bytes_int(a->out, OP_WORD, 1);
    bytes_int(a->out, 0, 2);
}

void aml_crs_end(Aml *a)
{
    uint32_t at = a->open[a->depth - 1];

    bytes_int(a->out, 0x79, 1); /* end tag */
    bytes_int(a->out, 0, 1);    /* checksum 0 = not used */
    st_le16(a->out->data + at + 1, a->out->len - at - 3);
    aml_end(a);
}

void aml_io(Aml *a, uint16_t base, uint8_t len)
{
    bytes_int(a->out, 0x47, 1);
    bytes_int(a->out, 1, 1); /* decodes 16 bits */
    bytes_int(a->out, base, 2);
    bytes_int(a->out, base, 2);
    bytes_int(a->out, 1, 1); /* alignment */
    bytes_int(a->out, len, 1);
}

void aml_irq(Aml *a, int irq)
{
    bytes_int(a->out, 0x22, 1);
    bytes_int(a->out, 1u << irq, 2);
}

/* 6.4.3.6: resource consumer, level, active high, shared. */
void aml_interrupts(Aml *a, const uint32_t *gsi, uint8_t count)
{
    bytes_int(a->out, 0x89, 1);
    bytes_int(a->out, 2 + 4 * count, 2);
    bytes_int(a->out, 0x09, 1);
    bytes_int(a->out, count, 1);
    for (unsigned i = 0; i < count; i++) {
        bytes_int(a->out, gsi[i], 4);
    }
}

/* 6.4.3.4 */
void aml_memory32(Aml *a, uint32_t base, uint32_t len, bool writable)
{
    bytes_int(a->out, 0x86, 1);
    bytes_int(a->out, 9, 2);
    bytes_int(a->out, writable, 1);
    bytes_int(a->out, base, 4);
    bytes_int(a->out, len, 4);
}

/* 6.4.3.5 address space descriptors: produced, positive decode, both ends fixed. */
static void window(Aml *a, unsigned tag, unsigned size, unsigned type, unsigned flags,
                   uint64_t first, uint64_t last, uint64_t translation)
{
    bytes_int(a->out, tag, 1);
    bytes_int(a->out, 3 + 5 * size, 2);
    bytes_int(a->out, type, 1);
    bytes_int(a->out, 0x0c, 1);
    bytes_int(a->out, flags, 1);
    bytes_int(a->out, 0, size); /* granularity */
    bytes_int(a->out, first, size);
    bytes_int(a->out, last, size);
    bytes_int(a->out, translation, size);
    bytes_int(a->out, last - first + 1, size);
}

void aml_bus_numbers(Aml *a, uint16_t first, uint16_t last)
{
    window(a, 0x88, 2, 2, 0, first, last, 0);
}

void aml_io_window(Aml *a, uint16_t first, uint16_t last)
{
    window(a, 0x88, 2, 1, 3 /* all of ISA and not */, first, last, 0);
}

void aml_io_window_at(Aml *a, uint32_t first, uint32_t last, uint32_t base)
{
    window(a, 0x87, 4, 1, 3, first, last, base);
}

void aml_memory_window32(Aml *a, uint32_t first, uint32_t last, bool cacheable)
{
    window(a, 0x87, 4, 0, 1 | cacheable << 1, first, last, 0);
}

void aml_memory_window64(Aml *a, uint64_t first, uint64_t last)
{
    window(a, 0x8a, 8, 0, 1 | 1 << 1, first, last, 0);
}
