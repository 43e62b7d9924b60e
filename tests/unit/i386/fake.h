/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A processor without a translator: the tcg_* port on flat memory, so that the
 * system side of target/i386 can be tested call by call.
 */
#ifndef TESTS_UNIT_I386_FAKE_H
#define TESTS_UNIT_I386_FAKE_H

#include <setjmp.h>
#include "target/i386/state.h"
#include "target/i386/system.h"

#define FAKE_RAM (4u << 20)

typedef struct Fake {
    X86Env env; /* first: env pointers are Fake pointers */
    Cpu cpu;
    X86State state;
    jmp_buf jmp;
    uint8_t *ram;
    bool no_host;        /* tcg_host() grants nothing */
    unsigned host_calls, flushes, polls, stores;
    uint32_t space_flushed; /* mmu indexes that were named in a flush */
    uint64_t forbid, forbid_end; /* physical stores there fail the test: nothing may write */
    int intr_vector;     /* answer of acknowledge(), -1 none */
    int intc_inits;      /* how often the interrupt controller was told of an INIT */
} Fake;

/* How a call ended. */
typedef enum Outcome { DONE, RAISED, EXITED, SHUTDOWN } Outcome;

Fake *fake_new(const char *model);
void fake_free(Fake *f);
/* Power-on state again, memory cleared. */
void fake_reset(Fake *f);
/* Call a helper; a fault leaves the exception noted (RAISED). */
Outcome fake_call(Fake *f, uint64_t (*fn)(void *, uint64_t, uint64_t, uint64_t), uint64_t a,
                  uint64_t b, uint64_t c, uint64_t *result);
/* Deliver what is noted, with all that follows: DONE or SHUTDOWN. */
Outcome fake_deliver(Fake *f);
/* fake_call(), and fake_deliver() if it raised; *vector as it was first noted. */
Outcome fake_run(Fake *f, uint64_t (*fn)(void *, uint64_t, uint64_t, uint64_t), uint64_t a,
                 uint64_t b, uint64_t c);
Outcome fake_interrupt(Fake *f);

/* Ready-made worlds; descriptor table at FAKE_GDT, IDT at FAKE_IDT, TSS at FAKE_TSS. */
#define FAKE_GDT 0x1000
#define FAKE_IDT 0x2000
#define FAKE_TSS 0x4000
#define FAKE_LDT 0x5000
#define FAKE_STACK0 0x9000
#define FAKE_HANDLER 0x20000
enum { /* selectors of the ready-made GDT */
    SEL_CODE0 = 0x08, SEL_DATA0 = 0x10, SEL_CODE3 = 0x1b, SEL_DATA3 = 0x23, SEL_TSS = 0x28,
    SEL_CODE0_64 = 0x38, SEL_DATA0_64 = 0x40, SEL_CODE3_64 = 0x4b, SEL_FREE = 0x50,
};
void fake_protected(Fake *f); /* 32-bit, flat, CPL 0 */
void fake_long(Fake *f);      /* 64-bit, identity-mapped 4 MiB by 2 MiB pages, CPL 0 */
void fake_set_cpl(Fake *f, int cpl);
void fake_desc(Fake *f, unsigned sel, uint32_t base, uint32_t limit, unsigned access, unsigned flags);
void fake_gate(Fake *f, unsigned vector, uint16_t sel, uint32_t off, unsigned type, int dpl);
void fake_gate64(Fake *f, unsigned vector, uint16_t sel, uint64_t off, unsigned type, int dpl, int ist);

static inline uint32_t peek32(Fake *f, uint64_t pa)
{
    return ld_le32(f->ram + pa);
}
static inline uint64_t peek64(Fake *f, uint64_t pa)
{
    return ld_le64(f->ram + pa);
}
static inline void poke16(Fake *f, uint64_t pa, uint16_t v)
{
    st_le16(f->ram + pa, v);
}
static inline void poke32(Fake *f, uint64_t pa, uint32_t v)
{
    st_le32(f->ram + pa, v);
}
static inline void poke64(Fake *f, uint64_t pa, uint64_t v)
{
    st_le64(f->ram + pa, v);
}

#define assert_raised(f, vec, error)                                                               \
    do {                                                                                           \
        g_assert_true((f)->env.s.exc_pending);                                                     \
        g_assert_cmpint((f)->env.s.exc_vector, ==, (vec));                                         \
        g_assert_cmphex((f)->env.s.exc_err, ==, (uint32_t)(error));                                \
        (f)->env.s.exc_pending = 0;                                                                \
    } while (0)

#endif
