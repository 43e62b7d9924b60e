/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI machine language, as much of it as a fixed machine needs: names, devices,
 * packages, methods that return a constant, resource templates.
 *
 * ACPI specification 6.4, chapter 20 (AML), 6.4 (resource data types), 5.2.6
 * (table header).
 */
#ifndef HW_ACPI_AML_H
#define HW_ACPI_AML_H

#include <glib.h>
#include <stdint.h>

typedef struct Aml {
    GByteArray *out;
    uint32_t open[8]; /* where the package lengths of unclosed packages go */
    int depth;
} Aml;

/* Each of these opens a package that aml_end() closes. */
void aml_scope(Aml *a, const char *name);
void aml_device(Aml *a, const char *name);
void aml_package(Aml *a, uint8_t elements);
void aml_end(Aml *a);

/* A named object; its value must follow. */
void aml_name(Aml *a, const char *name);
void aml_int(Aml *a, uint64_t v);
void aml_string(Aml *a, const char *s);
void aml_eisa_id(Aml *a, const char *id); /* "PNP0501" */

/* _CRS: between begin and end, resources. */
void aml_crs_begin(Aml *a);
void aml_crs_end(Aml *a);
void aml_io(Aml *a, uint16_t base, uint8_t len);
void aml_irq(Aml *a, int irq); /* edge, active high, exclusive */

/* Little-endian numbers and fixed-size text, for the tables around AML. */
void bytes_int(GByteArray *b, uint64_t v, unsigned size);
void bytes_text(GByteArray *b, const char *s, unsigned size); /* zero padded */

#endif
