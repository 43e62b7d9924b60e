/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random instructions from the rows of insns.tbl.
 */
#ifndef TESTS_INSN_GEN_H
#define TESTS_INSN_GEN_H

#include <glib.h>
#include "target/i386/decode.h"

typedef struct GenOpts {
    int bits;
    bool clean_bases; /* memory operands go through RDI or R15 with small displacements */
    bool odd_vex;     /* some VEX prefixes say what the row does not allow: the bytes may be #UD or another row's */
} GenOpts;

/* Bytes of a random instruction of this row: length, 0 if the row has none in this mode. */
unsigned gen_insn(GRand *r, const X86Row *row, const GenOpts *o, uint8_t *out);
/* A random row: map and opcode first, so that x87 does not crowd out the rest. */
const X86Row *gen_row(GRand *r);

#endif
