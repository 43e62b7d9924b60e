/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The architectural state as a list of fields (state.def): reset, saving,
 * comparing. Accelerators and migration use these, not the struct's layout.
 */
#ifndef TARGET_I386_STATE_H
#define TARGET_I386_STATE_H

#include <glib.h>
#include "base/error.h"
#include "target/i386/env.h"

typedef enum X86FieldKind { X86_FIELD_INT, X86_FIELD_SEG, X86_FIELD_FX } X86FieldKind;
typedef struct X86StateField {
    const char *name, *gdb, *help;
    uint8_t kind;
    uint8_t width;    /* bytes of an element in memory */
    uint16_t count;   /* elements, at least 1 */
    uint16_t since;
    uint32_t offset;
    uint64_t reset;
} X86StateField;

extern const X86StateField x86_state_fields[];
int x86_state_field_count(void);

/* Power-on values of all fields; what depends on the processor is x86_cpu_reset()'s. */
void x86_state_reset(X86State *s);
/* INIT: only what SDM vol 3, table 10-1 says INIT changes. */
void x86_state_init(X86State *s);
/* Named fields, little endian, self-delimiting. */
void x86_state_save(const X86State *s, GByteArray *out);
/* Fields that the image lacks keep their reset values; unknown ones are an error. */
bool x86_state_load(X86State *s, const uint8_t *p, size_t len, Error **errp);
/* Equal? Otherwise, if why, one line per differing field is appended. */
bool x86_state_equal(const X86State *a, const X86State *b, GString *why);

/* ---- for accelerators that are not the translator ---- */
const X86CpuConfig *x86_cpu_config(const Cpu *cpu);
/* Before the vCPU runs: the frequency of its time stamp counter. */
void x86_cpu_set_tsc_hz(Cpu *cpu, uint64_t hz);
/*
 * Around a step of the translator for another accelerator (beyond.c): false, and why, if the instruction is of AVX-512 or
 * AMX, which it has not; then, what it wrote of ZMM registers is completed.
 */
typedef struct X86Step {
    uint16_t zmm;  /* registers that the instruction writes */
    uint64_t next; /* the instruction after it */
} X86Step;
bool x86_step_begin(Cpu *cpu, X86Step *step, Error **errp);
void x86_step_end(Cpu *cpu, const X86Step *step);
/* cpu->state has another tsc_offset, by which timers find the moment of a TSC value. */
void x86_cpu_tsc_moved(Cpu *cpu);
/* What the guest told of its crash by Hyper-V's registers, as QMP has it (GuestPanicInformation); g_free. */
char *x86_hyperv_crash(Cpu *cpu);

#endif
