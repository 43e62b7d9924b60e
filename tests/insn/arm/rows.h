/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of the instruction tables, made by rows.py.
 */
#ifndef TESTS_INSN_ARM_ROWS_H
#define TESTS_INSN_ARM_ROWS_H

#include <stdbool.h>
#include <stdint.h>

/* A field in one piece. */
typedef struct ArmField {
    const char *name;
    uint8_t at, bits;
} ArmField;
typedef struct ArmRow {
    const char *mnemonic, *trans, *features, *table;
    uint32_t mask, value;
    uint32_t should_mask, should_value; /* bits that are not decoded, but should be so */
    bool (*holds)(uint32_t insn); /* its constraints */
    ArmField fields[16];          /* until one without a name */
} ArmRow;
/* One set's tables each: more specific rows first. */
extern const ArmRow arm_rows[], a32_rows[], t32_rows[], t16_rows[];
extern const unsigned arm_n_rows, a32_n_rows, t32_n_rows, t16_n_rows;

#endif
