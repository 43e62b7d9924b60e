/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers of a target as gdb knows them: what its target descriptions are made of (gdb's manual, appendix G). The
 * names of features and of the registers in them are gdb's.
 */
#ifndef CORE_GDB_H
#define CORE_GDB_H

#include "core/cpu.h"

typedef struct GdbReg {
    const char *name;
    uint16_t bits;     /* a multiple of 8, up to GDB_REG_BYTES */
    const char *type;  /* one of gdb's or of GdbFeature.types; NULL: an integer */
    const char *group; /* for `info registers GROUP`; NULL: gdb's choice */
} GdbReg;
#define GDB_REG_BYTES 16

typedef struct GdbFeature {
    const char *name;
    const char *types; /* XML elements that define types; NULL: none */
    /* How many registers this vCPU has of it, 0: the feature is not there. */
    unsigned (*count)(Cpu *cpu);
    GdbReg (*reg)(Cpu *cpu, unsigned n);
    /* The n-th in the guest's byte order, on the vCPU's thread with cpu->state current. */
    void (*get)(Cpu *cpu, unsigned n, uint8_t *buf);
    /* false: it cannot be set (to that). The caller tells the accelerator (cpu_state_changed). */
    bool (*set)(Cpu *cpu, unsigned n, const uint8_t *buf);
    bool (*present)(Cpu *cpu); /* for a feature without registers: is it there? */
} GdbFeature;

typedef struct GdbTarget {
    const char *(*architecture)(Cpu *cpu); /* gdb's name, "i386:x86-64" */
    const GdbFeature *const *features;     /* up to NULL; the first that is there is what the `g` packet has */
} GdbTarget;

#endif
