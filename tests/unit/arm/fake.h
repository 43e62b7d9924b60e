/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An Arm processor without a translator: the tcg_* port on flat memory, so that address translation can be tested call
 * by call.
 */
#ifndef TESTS_UNIT_ARM_FAKE_H
#define TESTS_UNIT_ARM_FAKE_H

#include <setjmp.h>
#include "target/arm/mmu.h"

#define FAKE_RAM (4u << 20)

typedef struct Fake {
    ArmEnv env; /* first: env pointers are Fake pointers */
    Cpu cpu;
    ArmCpu priv;
    jmp_buf jmp;
    uint8_t *ram;
    /* What was flushed since fake_forget(), by mmu indexes. */
    uint32_t flushed, flushed_nonglobal;
    /* Contexts, as tcg_tlb_context() and its like were told. */
    uint32_t context_space;
    uint64_t context, dropped; /* ~0: none */
    bool context_kept, forgotten;
    unsigned pages;          /* flushed by address */
    uint64_t first_page, last_page;
    /* What other processors were asked. */
    TcgTlbFn *others;
    uint64_t others_a, others_b;
    int64_t now;             /* of the machine's clock, ns */
    int ended;               /* 1: shutdown asked for, 2: reset */
    unsigned polls;
    bool watched;
    int fight;               /* so many updates of memory find that another processor was faster */
} Fake;

/* With every feature of translation, AArch64, at EL1 (Non-secure), translation off. */
Fake *fake_new(void);
void fake_free(Fake *f);
void fake_reset(Fake *f);
void fake_feature(Fake *f, ArmFeature feature, bool on);
/* AArch64 state at el. */
void fake_el(Fake *f, unsigned el);
/* The highest level uses AArch32: SVC mode. */
void fake_a32(Fake *f);
void fake_forget(Fake *f);
/* True: fn left by an exception, which is in f->env.fault. */
bool fake_raises(Fake *f, void (*fn)(Fake *f));

static inline uint32_t peek32(Fake *f, uint64_t pa)
{
    return ld_le32(f->ram + pa);
}
static inline uint64_t peek64(Fake *f, uint64_t pa)
{
    return ld_le64(f->ram + pa);
}
static inline void poke32(Fake *f, uint64_t pa, uint32_t v)
{
    st_le32(f->ram + pa, v);
}
static inline void poke64(Fake *f, uint64_t pa, uint64_t v)
{
    st_le64(f->ram + pa, v);
}

#endif
