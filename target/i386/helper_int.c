/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Integer instructions that are rare or too odd for the IR (SDM vol 2).
 */
#include <sys/random.h>
#include "target/i386/system.h"

static uint64_t szp_flags(uint64_t r, unsigned size)
{
    uint64_t f = 0;

    r &= width_mask(size);
    f |= r ? 0 : FLAG_ZF;
    f |= r >> (size * 8 - 1) & 1 ? FLAG_SF : 0;
    f |= __builtin_parity((unsigned)r & 0xff) ? 0 : FLAG_PF;
    return f;
}

/* DAA, DAS: add or subtract the decimal correction. */
static void decimal_adjust(X86Env *env, bool sub)
{
    uint8_t al = env->s.gpr[R_AX], old = al;
    bool cf = env->cc & FLAG_CF, af = (al & 15) > 9 || (env->cc & FLAG_AF), carry = false;

    if (af) {
        carry = cf || (sub ? old < 6 : old > 0xf9);
        al += sub ? -6 : 6;
    }
    if (old > 0x99 || cf) {
        al += sub ? -0x60 : 0x60;
        carry = true;
    }
    env->s.gpr[R_AX] = x86_merge(env->s.gpr[R_AX], al, 1);
    env->cc = szp_flags(al, 1) | (carry ? FLAG_CF : 0) | (af ? FLAG_AF : 0);
}

/* AAA, AAS. */
static void ascii_adjust(X86Env *env, bool sub)
{
    uint16_t ax = env->s.gpr[R_AX];
    bool adjust = (ax & 15) > 9 || (env->cc & FLAG_AF);

    if (adjust) {
        ax = sub ? ax - 0x106 : ax + 0x106;
    }
    env->s.gpr[R_AX] = x86_merge(env->s.gpr[R_AX], ax & 0xff0f, 2);
    env->cc = szp_flags(ax & 15, 1) | (adjust ? FLAG_CF | FLAG_AF : 0);
}

uint64_t helper_daa(void *opaque, uint64_t kind, uint64_t b, uint64_t c)
{
    if (kind < 2) {
        decimal_adjust(opaque, kind & 1);
    } else {
        ascii_adjust(opaque, kind & 1);
    }
    return 0;
}

uint64_t helper_aam(void *opaque, uint64_t base, uint64_t aad, uint64_t c)
{
    X86Env *env = opaque;
    uint8_t al = env->s.gpr[R_AX], ah = env->s.gpr[R_AX] >> 8;
    uint16_t ax;

    base &= 0xff;
    if (aad) {
        ax = (uint8_t)(al + ah * base);
    } else {
        if (base == 0) {
            x86_raise(env, EXC_DE);
        }
        ax = (al / base) << 8 | al % base;
    }
    env->s.gpr[R_AX] = x86_merge(env->s.gpr[R_AX], ax, 2);
    env->cc = szp_flags(ax, 1);
    return 0;
}

uint64_t helper_bound(void *opaque, uint64_t index, uint64_t va, uint64_t w)
{
    X86Env *env = opaque;
    unsigned size = 1u << w;
    int mmu = x86_data_mmu(env);
    int64_t i = sign_extend64(index, size * 8);

    if (i < sign_extend64(tcg_load(env, va, size, mmu), size * 8)) {
        x86_raise(env, EXC_BR); /* the upper bound is not read then, as processors do it */
    }
    if (i > sign_extend64(tcg_load(env, va + size, size, mmu), size * 8)) {
        x86_raise(env, EXC_BR);
    }
    return 0;
}

uint64_t helper_enter(void *opaque, uint64_t alloc, uint64_t level, uint64_t w)
{
    X86Env *env = opaque;
    unsigned size = 1u << w;
    uint64_t bp = env->s.gpr[R_BP], frame;
    X86Stack st, up;

    level &= 31;
    stack_init_current(env, &st);
    stack_push(&st, bp, size);
    frame = st.sp & st.mask;
    if (level > 0) {
        up = st;
        up.sp = bp;
        for (uint64_t i = 1; i < level; i++) {
            X86Stack at;
            up.sp = (up.sp & ~up.mask) | ((up.sp - size) & up.mask);
            at = up;
            stack_push(&st, stack_pop(&at, size), size);
        }
        stack_push(&st, frame, size);
    }
    st.sp = (st.sp & ~st.mask) | ((st.sp - (alloc & 0xffff)) & st.mask);
    if (st.wide || (st.sp & st.mask) <= st.limit) {
        tcg_probe(env, (st.wide ? 0 : st.base) + (st.sp & st.mask), 1, MMU_WRITE, st.mmu);
    }
    env->s.gpr[R_SP] = stack_merge(&st, env->s.gpr[R_SP]);
    env->s.gpr[R_BP] = x86_merge(bp, frame, size);
    return 0;
}

uint64_t helper_cmpxchg8b(void *opaque, uint64_t va, uint64_t log2, uint64_t c)
{
    X86Env *env = opaque;
    X86State *s = &env->s;
    uint64_t old[2], now[2];
    unsigned size = 1u << log2;
    bool ok;

    if (size == 16) {
        if (va & 15) {
            x86_gp(env, 0);
        }
        old[0] = s->gpr[R_AX];
        old[1] = s->gpr[R_DX];
        now[0] = s->gpr[R_BX];
        now[1] = s->gpr[R_CX];
    } else {
        old[0] = (uint32_t)s->gpr[R_AX] | s->gpr[R_DX] << 32;
        now[0] = (uint32_t)s->gpr[R_BX] | s->gpr[R_CX] << 32;
    }
    ok = tcg_cmpxchg(env, va, size, old, now, x86_data_mmu(env));
    if (!ok && size == 16) {
        s->gpr[R_AX] = old[0];
        s->gpr[R_DX] = old[1];
    } else if (!ok) {
        s->gpr[R_AX] = (uint32_t)old[0];
        s->gpr[R_DX] = old[0] >> 32;
    }
    env->cc = (env->cc & ~(uint64_t)FLAG_ZF) | (ok ? FLAG_ZF : 0);
    return 0;
}

uint64_t helper_rdrand(void *opaque, uint64_t w, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    uint64_t v = 0;
    bool ok = getrandom(&v, sizeof(v), GRND_NONBLOCK) == sizeof(v);

    env->cc = ok ? FLAG_CF : 0;
    return ok ? v & width_mask(1u << w) : 0;
}

uint64_t helper_crc32_acc(void *opaque, uint64_t crc, uint64_t data, uint64_t w)
{
    uint32_t r = (uint32_t)crc;

    for (unsigned i = 0; i < 8u << w; i++) {
        uint32_t bit = (r ^ (uint32_t)(data >> i)) & 1;
        r = r >> 1 ^ (bit ? 0x82f63b78u : 0); /* Castagnoli, reflected */
    }
    return r;
}
