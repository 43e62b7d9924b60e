/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of the instruction tables, made by rows.py.
 */
#ifndef TESTS_INSN_ARM_ROWS_H
#define TESTS_INSN_ARM_ROWS_H

#include <stdint.h>

typedef struct ArmRow {
    const char *mnemonic, *trans, *features, *table;
    uint32_t mask, value;
} ArmRow;
extern const ArmRow arm_rows[];
extern const unsigned arm_n_rows;

#endif
