/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What SVE's translators tell its helpers, in words that are constant at translation.
 */
#ifndef TARGET_ARM_SVE_H
#define TARGET_ARM_SVE_H

#include <stdint.h>

/* helper_sve(): the third argument: governing predicate and what becomes of the result. */
#define SVE_PG_MASK 15
#define SVE_PREDICATED 0x10 /* inactive lanes keep what d holds */
#define SVE_ZEROING 0x20    /* they become zero */
#define SVE_TO_PRED 0x40    /* the lanes are masks: to predicate d, flags as PTEST sets them (returned) */
#define SVE_WIDE 0x80       /* m has 64-bit lanes; n is extended to that, by SIGNED with its sign */
#define SVE_SIGNED 0x100

enum {
    SVE_PERM_ZIP, SVE_PERM_UZP, SVE_PERM_TRN, SVE_PERM_EXT, SVE_PERM_TBL, SVE_PERM_TBL2, SVE_PERM_TBX, SVE_PERM_REV,
    SVE_PERM_UNPK, SVE_PERM_COMPACT, SVE_PERM_SPLICE, SVE_PERM_CLAST, SVE_PERM_SEL, SVE_PERM_DUP_ELEM,
};
enum {
    SVE_PRED_AND, SVE_PRED_BIC, SVE_PRED_EOR, SVE_PRED_ORR, SVE_PRED_ORN, SVE_PRED_NOR, SVE_PRED_NAND, SVE_PRED_SEL,
    SVE_PRED_ZIP, SVE_PRED_UZP, SVE_PRED_TRN, SVE_PRED_REV, SVE_PRED_UNPK, SVE_PRED_BRKP, SVE_PRED_BRK, SVE_PRED_BRKN,
    SVE_PRED_TEST, SVE_PRED_FIRST, SVE_PRED_NEXT, SVE_PRED_RDFFR,
};

/* Operation on predicates in one word; 16 as a register is FFR. */
typedef union SvePred {
    struct {
        uint64_t op : 8, esz : 2, imm : 3, d : 5, g : 5, n : 5, m : 5, len : 9; /* len: bytes of a vector */
    };
    uint64_t word;
} SvePred;

/* Memory. For table rows: kind of access; for helper_sve_mem(): SveMem. */
#define SVE_MEM_FF 0x10     /* first-fault */
#define SVE_MEM_NF 0x20     /* no-fault */
#define SVE_MEM_SCALED 0x40 /* offsets count elements */
#define SVE_MEM_64 0x80     /* offsets are 64 bits */
typedef union SveMem {
    struct {
        uint64_t t : 5, g : 4, esz : 3, msz : 3, is_signed : 1, regs : 3; /* esz: lane in the register, msz: in memory */
        uint64_t ff : 1, nf : 1, write : 1, be : 1, align : 1;
        uint64_t len : 9; /* bytes of a vector */
        uint64_t mmu : 4;
        /* gathers and scatters: the lanes of z (esz wide, bits of each lane used) are offsets to the base */
        uint64_t vector : 1, z : 5, bits64 : 1, offset_signed : 1, scale : 2;
        uint64_t tags : 1; /* checked */
    };
    uint64_t word;
} SveMem;

#endif
