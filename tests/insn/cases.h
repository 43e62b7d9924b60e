/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cases that build-cases.py makes of the files in cases/. */
#ifndef TESTS_INSN_CASES_H
#define TESTS_INSN_CASES_H

#include <stdint.h>

enum { SET_END, SET_GPR, SET_FLAGS, SET_FAULT, SET_MEM, SET_XMM, SET_ST };
typedef struct CaseSet {
    int kind, index;
    uint64_t v, w;
} CaseSet;
typedef struct InsnCase {
    const char *name;
    int bits;
    const uint8_t *code;
    unsigned len;
    int n;
    const CaseSet *in, *out;
} InsnCase;
extern const InsnCase insn_cases[];

#endif
