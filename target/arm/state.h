/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The architectural state as a list of fields (state.def, sysreg.def): reset, saving, comparing. Accelerators and
 * migration use these, not the struct's layout.
 */
#ifndef TARGET_ARM_STATE_H
#define TARGET_ARM_STATE_H

#include <glib.h>
#include "base/error.h"
#include "target/arm/env.h"

typedef enum ArmFieldKind { ARM_FIELD_INT, ARM_FIELD_BYTES } ArmFieldKind;
typedef struct ArmStateField {
    const char *name, *help; /* a system register's name is that of the manual */
    uint8_t kind;
    uint16_t width;   /* bytes of an element */
    uint16_t count;   /* elements, at least 1 */
    uint16_t since;
    uint32_t offset;  /* in ArmState */
    uint64_t reset;
} ArmStateField;

extern const ArmStateField arm_state_fields[];
int arm_state_field_count(void);

/* Power-on values of all fields; what depends on the processor is arm_cpu_reset()'s (cpu.c). */
void arm_state_reset(ArmState *s);
/* Named fields, little endian, self-delimiting. */
void arm_state_save(const ArmState *s, GByteArray *out);
/* Fields that the image lacks keep their reset values; unknown ones are an error. */
bool arm_state_load(ArmState *s, const uint8_t *p, size_t len, Error **errp);
/* Equal? Otherwise, if why, one line per differing field is appended. */
bool arm_state_equal(const ArmState *a, const ArmState *b, GString *why);

/* How that processor is configured: for accelerators, which set up the host's in its likeness. */
const ArmCpuConfig *arm_cpu_config(const Cpu *cpu);

/*
 * For accelerators that keep the counters, and which processors are off, by other means. All parked. The state has just
 * come from there, where the counters are at phys and virt; the state is about to go there: what the virtual counter is.
 */
void arm_cpus_from_host(Machine *m, uint64_t phys, uint64_t virt);
uint64_t arm_cpus_to_host(Machine *m);

#endif
