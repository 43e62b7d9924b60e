/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of address translation share: one walk, its stages, registers' bits.
 */
#ifndef TARGET_ARM_MMU_H
#define TARGET_ARM_MMU_H

#include "target/arm/regs.h"
#include "target/arm/system.h"

/* Armv6's SCTLR */
#define SCTLR_V6_XP BIT64(23) /* extended (v6) descriptors */
#define SCTLR_V6_S BIT64(8)
#define SCTLR_V6_R BIT64(9)

/* Fault status codes (ISS encoding of aborts), to which the level is added. */
enum {
    FSC_ADDRESS_SIZE = 0x00, FSC_TRANSLATION = 0x04, FSC_ACCESS_FLAG = 0x08, FSC_PERMISSION = 0x0c,
    FSC_EXTERNAL = 0x10, FSC_EXTERNAL_WALK = 0x14, FSC_ALIGNMENT = 0x21, FSC_ATOMIC_UPDATE = 0x31,
    FSC_DOMAIN = 0x3c, /* + level; AArch32 short descriptors */
};

typedef enum ArmRegime { REGIME_E10, REGIME_E20, REGIME_E2, REGIME_E3 } ArmRegime;

typedef struct ArmWalk {
    ArmEnv *env;
    bool peek;          /* the debugger: memory is peeked at */
    bool update;        /* access flag and dirty state may be written */
    bool s1_only;       /* AT S1*: no stage 2 for the final address */
    uint64_t va;        /* as the program has it */
    int access;         /* MMU_READ, MMU_WRITE, MMU_EXEC */
    ArmRegime regime;
    bool user, pan;
    unsigned el;        /* that controls the regime */
    bool a32;           /* which uses AArch32 */
    bool secure;
    bool two_stage;     /* stage 2 is on */
    uint64_t sctlr, tcr, hcr;
    /* why it failed */
    uint8_t fsc;
    bool s2;            /* at stage 2; s1ptw: while reading tables of stage 1 */
    bool s1ptw;
    bool ns_ipa;
    uint8_t domain;     /* AArch32 short descriptors */
    uint64_t ipa;
    /* what it found */
    uint8_t attr, sh;   /* as MAIR has attributes; shareability */
    bool ns, guarded;
    bool ap1;           /* EL0 has access (AArch32 PAN) */
    uint8_t flush_bits; /* of the stage 1 mapping that is dropped as a whole; 12: tlbi.c knows the granule */
} ArmWalk;

/* One set of tables of 64-bit descriptors. */
typedef struct ArmTables {
    uint64_t in;        /* address translated */
    hwaddr base;
    int level;          /* in: first one; out: of the leaf */
    uint8_t grain;      /* log2 of the granule */
    uint8_t in_bits, out_bits;
    bool wide64;        /* 64K granule with 52-bit addresses: bits 15:12 are 51:48 */
    bool ds;            /* TCR.DS: bits 9:8 are 51:50 */
    bool be, stage2, hpd;
    /* out */
    uint64_t desc;
    hwaddr desc_pa, desc_ipa; /* where it lies; the same, before stage 2 */
    uint64_t inherited; /* bits 63:59 of the tables above */
    uint8_t block_bits;
    hwaddr out;         /* of the block */
} ArmTables;

void arm_walk_init(ArmWalk *w, ArmEnv *env, uint64_t va, int access, int mmu);
/* False: the fault is in w. */
bool arm_walk(ArmWalk *w, MmuResult *res);
/* Notes a failed walk's fault for deliver(). */
void arm_walk_note(ArmWalk *w);
uint32_t arm_walk_fsr(const ArmWalk *w); /* DFSR or IFSR in the regime's own format */

bool arm_walk_fault(ArmWalk *w, unsigned fsc, int level); /* returns false */
/* Attributes (MAIR) of memory with allocation tags. */
#define ARM_ATTR_TAGGED 0xf0
static inline bool arm_attr_tagged(const ArmCpuConfig *c, uint8_t attr)
{
    return attr == ARM_ATTR_TAGGED && arm_has(c, ARM_FEAT_MTE2);
}

bool arm_pa_fits(hwaddr pa, unsigned bits);

/* mmu_table.c */
bool arm_table_read(ArmWalk *w, hwaddr pa, unsigned size, bool be, int level, uint64_t *val);
bool arm_table_update(ArmWalk *w, hwaddr pa, unsigned size, bool be, uint64_t *desc, uint64_t want);
bool arm_tables(ArmWalk *w, ArmTables *t);
unsigned arm_ps_bits(const ArmCpuConfig *c, unsigned ps);

/* mmu_s2.c: *ipa becomes the physical address; access as the stage 1 access; walk: it reads tables of stage 1. */
bool arm_stage2(ArmWalk *w, hwaddr *ipa, bool walk, int access, MmuResult *res);

/* mmu_a32.c */
bool arm_walk_short(ArmWalk *w, MmuResult *res);
bool arm_walk_lpae(ArmWalk *w, MmuResult *res);
bool arm_a32_uses_lpae(const ArmWalk *w);

/* mmu.c: permissions of 64-bit descriptors of stage 1, AF and dirty state seen to. */
bool arm_stage1_leaf(ArmWalk *w, ArmTables *t, bool ha, bool hd, MmuResult *res);

#endif
