/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System registers by encoding, for the translators of A64 (MRS, MSR) and A32 (MRC, MCR, MRRC, MCRR).
 */
#ifndef TARGET_ARM_SYSREG_H
#define TARGET_ARM_SYSREG_H

#include <stdbool.h>
#include <stdint.h>
#include "target/arm/env.h"

/* A64: op0 op1 CRn CRm op2 in 16 bits, as in the instruction's bits 20:5 (op0 is 2 or 3). */
#define A64_SYSREG(op0, op1, crn, crm, op2) \
    ((uint32_t)((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2)))
/* A32: coprocessor 14 or 15, 32-bit or (is64) 64-bit access. */
#define A32_SYSREG(cp, is64, opc1, crn, crm, opc2) \
    ((uint32_t)(1u << 31 | (is64) << 30 | (cp) << 16 | (crn) << 11 | (crm) << 7 | (opc1) << 3 | (opc2)))

/* Keys of the registers of sysreg.def: ARM_KEY_<name>; AArch32-only ones have none. */
enum {
#define R(name, op0, op1, crn, crm, op2, reset, help) ARM_KEY_##name = A64_SYSREG(op0, op1, crn, crm, op2),
#include "target/arm/sysreg.def"
#undef R
};

/* The same of the identification registers (idregs.def). */
enum {
#define I(name, op0, op1, crn, crm, op2) ARM_IDKEY_##name = A64_SYSREG(op0, op1, crn, crm, op2),
#include "target/arm/idregs.def"
#undef I
};

enum {
    SR_RO = 1, SR_WO = 2,
    SR_INLINE_R = 4,  /* reading is a load of `offset` in env, with no check but the level's (any trap: MODE_FGT) */
    SR_INLINE_W = 8,  /* so is writing */
    SR_END = 16,      /* a write may change the mode word or mappings: the block ends after it */
    SR_IO = 32,       /* time or interrupt controller: end the block after it too */
    SR_NOP = 64,      /* accepted and without effect once the level is right */
};
typedef struct ArmSysReg {
    const char *name;
    uint32_t key;       /* A64_SYSREG or A32_SYSREG */
    uint8_t min_el_r, min_el_w; /* lowest Exception level that may; 4: none */
    uint16_t flags;     /* SR_ */
    uint32_t offset;    /* in ArmEnv, of an inline one */
} ArmSysReg;

/*
 * With HCR_EL2.E2H some encodings mean other registers (Arm ARM D8.1.3, D13.1.2): the key that an access from the level
 * and mode of a mode word is about; 0: UNDEFINED there. To be asked before arm_sysreg_find().
 */
uint32_t arm_sysreg_redirect(uint64_t mode, uint32_t key);
/* The register of that encoding on a processor of this configuration; NULL: UNDEFINED. */
const ArmSysReg *arm_sysreg_find(const ArmCpuConfig *config, uint32_t key);

#endif
