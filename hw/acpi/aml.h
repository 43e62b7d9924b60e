/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI machine language, written front to back: AML is a prefix notation, so the calls stand in
 * the order of the ASL source.
 *
 * ACPI specification 6.4, chapter 20 (AML), 6.4 (resource data types), 5.2.6
 * (table header).
 */
#ifndef HW_ACPI_AML_H
#define HW_ACPI_AML_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Aml {
    GByteArray *out;
    uint32_t open[16]; /* where the package lengths of unclosed packages go */
    int depth;
} Aml;

/* Operators, written before their operands. */
typedef enum AmlOp {
    AML_ZERO = 0x00, AML_ONE = 0x01, AML_ONES = 0xff,
    AML_STORE = 0x70,  /* source, target */
    AML_ADD = 0x72, AML_SHL = 0x79, AML_SHR = 0x7a, AML_AND = 0x7b, AML_OR = 0x7d, /* a, b, target */
    AML_XOR = 0x7f, AML_SUB = 0x74,
    AML_INCREMENT = 0x75,
    AML_INDEX = 0x88,  /* object, index, target */
    AML_DEREF = 0x83,
    AML_NOTIFY = 0x86, /* object, value */
    AML_DWORD_FIELD = 0x8a, AML_WORD_FIELD = 0x8b, AML_BYTE_FIELD = 0x8c, /* buffer, index, name */
    AML_QWORD_FIELD = 0x8f,
    AML_LAND = 0x90, AML_LOR = 0x91, AML_LNOT = 0x92, AML_EQUAL = 0x93, AML_GREATER = 0x94,
    AML_LESS = 0x95,
    AML_RETURN = 0xa4,
    AML_LOCAL0 = 0x60, AML_ARG0 = 0x68, /* and the following */
    AML_ACQUIRE = 0x5b23, /* mutex, then the timeout as a raw word */
    AML_RELEASE = 0x5b27,
} AmlOp;
void aml_op(Aml *a, AmlOp op);
/* A path used as a value or target. */
void aml_ref(Aml *a, const char *path);

/* Each of these opens a package that aml_end() closes. */
void aml_scope(Aml *a, const char *name);
void aml_device(Aml *a, const char *name);
void aml_method(Aml *a, const char *name, unsigned args, bool serialized);
void aml_if(Aml *a);   /* its condition follows */
void aml_else(Aml *a); /* right after the end of an if */
void aml_while(Aml *a);
void aml_package(Aml *a, uint8_t elements);
/* Fields of a region; access: 1 byte, 2 word, 3 dword; bits not written are kept. */
void aml_field(Aml *a, const char *region, unsigned access);
/* The same, where bits not written become ones (2) or zeroes (4): rule = 1 << 5 or 2 << 5. */
void aml_field_rule(Aml *a, const char *region, unsigned access, unsigned rule);
void aml_end(Aml *a);

/* Inside a field list. */
void aml_field_unit(Aml *a, const char *name, unsigned bits);
void aml_field_skip(Aml *a, unsigned bits);

/* A named object; its value must follow. */
void aml_name(Aml *a, const char *name);
void aml_mutex(Aml *a, const char *name);
enum { AML_MEMORY = 0, AML_IO = 1, AML_PCI_CONFIG = 2 };
void aml_region(Aml *a, const char *name, unsigned space, uint64_t offset, uint64_t len);
void aml_int(Aml *a, uint64_t v);
void aml_string(Aml *a, const char *s);
void aml_eisa_id(Aml *a, const char *id); /* "PNP0501" */
void aml_buffer(Aml *a, const void *data, unsigned len);
void aml_uuid(Aml *a, const char *text);  /* the 16-byte buffer of ToUUID() */

/* _CRS or another name (_PRS): between begin and end, resources. */
void aml_resources_begin(Aml *a, const char *name);
void aml_crs_begin(Aml *a);
/* The template as a value, without a name. */
void aml_template_begin(Aml *a);
void aml_crs_end(Aml *a);
void aml_io(Aml *a, uint16_t base, uint8_t len);
void aml_irq(Aml *a, int irq); /* edge, active high, exclusive */
/* Level-triggered, active high, shared interrupts of a link device. */
void aml_interrupts(Aml *a, const uint32_t *gsi, uint8_t count);
void aml_memory32(Aml *a, uint32_t base, uint32_t len, bool writable);
void aml_bus_numbers(Aml *a, uint16_t first, uint16_t last);
/* Windows of a host bridge, [first, last]. */
void aml_io_window(Aml *a, uint16_t first, uint16_t last);
/* Ports that show in memory from base on. */
void aml_io_window_at(Aml *a, uint32_t first, uint32_t last, uint32_t base);
void aml_memory_window32(Aml *a, uint32_t first, uint32_t last, bool cacheable);
void aml_memory_window64(Aml *a, uint64_t first, uint64_t last);

/* Little-endian numbers and fixed-size text, for the tables around AML. */
void bytes_int(GByteArray *b, uint64_t v, unsigned size);
void bytes_text(GByteArray *b, const char *s, unsigned size); /* zero padded */

#endif
