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
    OP_EXT = 0x5b,
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

/* One name segment, padded with '_'; a leading backslash stays outside of the four. */
static void name_string(Aml *a, const char *name)
{
    char seg[4] = {'_', '_', '_', '_'};

    if (*name == '\\') {
        bytes_int(a->out, *name++, 1);
    }
    g_assert(strlen(name) <= 4);
    memcpy(seg, name, strlen(name));
    g_byte_array_append(a->out, (uint8_t *)seg, 4);
}

static void open_package(Aml *a)
{
    g_assert(a->depth < (int)ARRAY_LEN(a->open));
    a->open[a->depth++] = a->out->len;
}

/* Inserts the package length, which counts itself, where the package was opened. */
void aml_end(Aml *a)
{
    uint32_t at = a->open[--a->depth];
    uint32_t body = a->out->len - at;
    unsigned n = body + 1 < 0x40 ? 1 : body + 2 < 0x1000 ? 2 : body + 3 < 0x100000 ? 3 : 4;
    uint32_t len = body + n;
    uint8_t enc[4];

    enc[0] = n == 1 ? len : (n - 1) << 6 | (len & 15);
    for (unsigned i = 1; i < n; i++) {
        enc[i] = len >> (8 * i - 4);
    }
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

/* The buffer's size is patched when the template is complete; it is always a word. */
void aml_crs_begin(Aml *a)
{
    aml_name(a, "_CRS");
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
