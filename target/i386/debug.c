/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Breakpoints of DR0..DR3 (SDM vol 3, 18.2; APM vol 2, 13.1) and alignment checks (SDM vol 3,
 * 6.15, interrupt 17).
 *
 * While any breakpoint is enabled the mode word has MODE_DEBUG: blocks of one instruction, which
 * begin with check_breakpoint and end with check_traps. Data accesses that concern us come one by
 * one to x86_accessed(), because their pages stay out of the translator's fast path.
 */
#include "target/i386/system.h"

enum { BP_EXEC = 0, BP_WRITE = 1, BP_IO = 2, BP_ACCESS = 3 };
#define TRAP_HIT(n) (0x10u << (n)) /* in s.trap_pending; TRAP_STEP is the single step */

static bool enabled(uint64_t dr7, int n)
{
    return dr7 >> 2 * n & 3;
}

static int kind_of(const X86State *s, int n)
{
    int kind = s->dr[7] >> (16 + 4 * n) & 3;

    /* Without CR4.DE the encoding of I/O is undefined; processors match nothing. */
    return kind == BP_IO && !(s->cr4 & CR4_DE) ? -1 : kind;
}

static unsigned length_of(uint64_t dr7, int n)
{
    static const uint8_t bytes[4] = {1, 2, 8, 4};

    return bytes[dr7 >> (18 + 4 * n) & 3];
}

/* Do [a, a + alen) and breakpoint n, whose address is taken as aligned to its length, overlap? */
static bool overlaps(const X86State *s, int n, uint64_t a, size_t alen)
{
    unsigned len = length_of(s->dr[7], n);
    uint64_t b = s->dr[n] & ~(uint64_t)(len - 1);

    return b - a < alen || a - b < len;
}

bool x86_breakpoints(const X86State *s)
{
    return (s->dr[7] & 0xff) && s->gif; /* APM vol 2, table 15-10 */
}

/* DR0..DR3 or DR7 changed. */
void x86_debug_changed(X86Env *env)
{
    x86_update_mode(env);
    if (env->watching) {
        tcg_watch(env, true);
    }
}

/* ---- data and ports ---- */

static bool checks_alignment(uint64_t mode, int mmu)
{
    return mmu % X86_MMU_KINDS == X86_MMU_USER && (mode & (MODE_AC | 3)) == (MODE_AC | 3);
}

bool x86_wants_watch(uint64_t mode)
{
    return (mode & MODE_DEBUG) || checks_alignment(mode, X86_MMU_USER);
}

bool x86_watches(void *opaque, uint64_t va, int mmu)
{
    const X86Env *env = opaque;

    if (checks_alignment(env->mode, mmu)) {
        return true;
    }
    for (int n = 0; n < 4; n++) {
        if (enabled(env->s.dr[7], n) && (kind_of(&env->s, n) & 1) && overlaps(&env->s, n, va, 4096)) {
            return true;
        }
    }
    return false;
}

/*
 * By operand size, as processors do (measured): numbers naturally, x87 environments by their
 * fields; 16 bytes and more have checks of their own, or none.
 */
static bool misaligned(uint64_t va, size_t len)
{
    switch (len) {
    case 2:
    case 4:
    case 8:
        return va & (len - 1);
    case 10: /* an 80-bit number */
        return va & 7;
    case 14:
    case 94:
        return va & 1;
    case 28:
    case 108:
        return va & 3;
    default:
        return false;
    }
}

void x86_accessed(void *opaque, uint64_t va, size_t len, int access, int mmu)
{
    X86Env *env = opaque;

    if (checks_alignment(env->mode, mmu) && misaligned(va, len)) {
        x86_note(env, EXC_AC, true, 0, 0);
        tcg_raise(env);
    }
    for (int n = 0; n < 4; n++) {
        int kind = enabled(env->s.dr[7], n) ? kind_of(&env->s, n) : -1;
        if ((kind == BP_ACCESS || (kind == BP_WRITE && access == MMU_WRITE)) &&
            overlaps(&env->s, n, va, len)) {
            env->s.trap_pending |= TRAP_HIT(n);
        }
    }
}

void x86_debug_port(X86Env *env, uint16_t port, unsigned size)
{
    for (int n = 0; n < 4; n++) {
        if (enabled(env->s.dr[7], n) && kind_of(&env->s, n) == BP_IO && overlaps(&env->s, n, port, size)) {
            env->s.trap_pending |= TRAP_HIT(n);
        }
    }
}

/* ---- instructions ---- */

uint64_t helper_check_breakpoint(void *opaque, uint64_t va, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    uint64_t hit = 0;

    if (env->s.rflags & FLAG_RF) { /* the handler asked to go past it */
        env->s.rflags &= ~(uint64_t)FLAG_RF;
        return 0;
    }
    if (env->s.int_shadow == SHADOW_MOV_SS) {
        return 0;
    }
    for (int n = 0; n < 4; n++) {
        if (enabled(env->s.dr[7], n) && kind_of(&env->s, n) == BP_EXEC && env->s.dr[n] == va) {
            hit |= 1u << n;
        }
    }
    if (hit) {
        x86_note(env, EXC_DB, false, 0, hit);
        tcg_raise(env);
    }
    return 0;
}

/* ---- traps after an instruction ---- */

uint64_t x86_take_traps(X86Env *env)
{
    uint8_t t = env->s.trap_pending;

    env->s.trap_pending = 0;
    return (t & TRAP_STEP ? DR6_BS : 0) | t >> 4;
}

uint64_t helper_check_traps(void *opaque, uint64_t next, uint64_t stepping, uint64_t c)
{
    X86Env *env = opaque;
    uint64_t bits;

    if (env->s.int_shadow == SHADOW_MOV_SS) {
        return 0; /* with the traps of the following instruction */
    }
    bits = x86_take_traps(env) | (stepping ? DR6_BS : 0);
    if (bits) {
        env->s.rip = next;
        x86_note(env, EXC_DB, false, 0, bits);
        tcg_raise(env);
    }
    return 0;
}

uint64_t helper_trap_later(void *opaque, uint64_t stepping, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;

    if (stepping && env->s.int_shadow != SHADOW_MOV_SS) {
        env->s.trap_pending |= TRAP_STEP;
    }
    if (env->s.trap_pending) {
        tcg_poll(env);
    }
    return 0;
}
