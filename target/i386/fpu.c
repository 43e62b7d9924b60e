/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FXSAVE and FXRSTOR (SDM vol 1, 10.5), and what XSAVE shares with them. The
 * translator keeps the state itself in FXSAVE64 form (env->s.fx) whenever one of
 * these helpers runs.
 */
#include "target/i386/fpu.h"
#include "target/i386/system.h"

static void need_fpu(X86Env *env)
{
    if (env->s.cr0 & (CR0_TS | CR0_EM)) {
        x86_raise(env, EXC_NM);
    }
}

void x86_need_aligned(X86Env *env, uint64_t va, unsigned align)
{
    if (va & (align - 1)) {
        x86_gp(env, 0);
    }
}

/* The legacy region up to the XMM registers, in the form that the operand size asks for. */
void x86_pack_x87(X86Env *env, uint8_t *b, bool rexw)
{
    const X86Fxsave *fx = &env->s.fx;

    tcg_fpu_settle(env);
    memcpy(b, fx, 32);
    if (!rexw) { /* selectors behind 32-bit offsets */
        st_le32(b + 12, x86_x87_cs(env));
        st_le32(b + 20, x86_x87_ds(env));
    }
    memcpy(b + 32, fx->st, 128);
}

unsigned x86_xmm_count(const X86Env *env)
{
    return x86_code64(env) ? 16 : 8;
}

void x86_unpack_x87(X86Env *env, const uint8_t *b, bool rexw)
{
    X86Fxsave *fx = &env->s.fx;

    memcpy(fx, b, 8);
    fx->rsvd0 = 0;
    if (rexw) {
        x86_x87_set_pointers(env, fx->fop, ld_le64(b + 8), 0, ld_le64(b + 16), 0);
    } else {
        x86_x87_set_pointers(env, fx->fop, ld_le32(b + 8), ld_le16(b + 12), ld_le32(b + 16), ld_le16(b + 20));
    }
    for (int i = 0; i < 8; i++) {
        memcpy(fx->st[i], b + 32 + i * 16, 10);
        memset(fx->st[i] + 10, 0, 6);
    }
}

void x86_check_mxcsr(X86Env *env, uint32_t mxcsr)
{
    if (mxcsr & ~env->config->mxcsr_mask) {
        x86_gp(env, 0);
    }
}

uint64_t helper_fxsave(void *opaque, uint64_t va, uint64_t rexw, uint64_t c)
{
    X86Env *env = opaque;
    uint8_t b[416];
    unsigned n = x86_xmm_count(env);

    need_fpu(env);
    x86_need_aligned(env, va, 16);
    x86_pack_x87(env, b, rexw);
    st_le32(b + 24, env->s.fx.mxcsr);
    st_le32(b + 28, env->config->mxcsr_mask);
    memcpy(b + 160, env->s.fx.xmm, n * 16);
    tcg_write(env, va, b, 160 + n * 16, x86_data_mmu(env));
    return 0;
}

uint64_t helper_fxrstor(void *opaque, uint64_t va, uint64_t rexw, uint64_t c)
{
    X86Env *env = opaque;
    uint8_t b[416];
    unsigned n = x86_xmm_count(env);

    need_fpu(env);
    x86_need_aligned(env, va, 16);
    tcg_read(env, va, b, 160 + n * 16, x86_data_mmu(env));
    x86_check_mxcsr(env, ld_le32(b + 24));
    x86_unpack_x87(env, b, rexw);
    env->s.fx.mxcsr = ld_le32(b + 24);
    memcpy(env->s.fx.xmm, b + 160, n * 16);
    return 0;
}

void x86_init_x87(X86Env *env)
{
    X86Fxsave *fx = &env->s.fx;

    fx->fcw = 0x37f;
    fx->fsw = 0;
    fx->ftw = 0;
    x86_x87_set_pointers(env, 0, 0, 0, 0, 0);
}

/* ---- FNSTENV, FNSAVE ---- */

/* Two tag bits of physical register i (SDM vol 1, 8.1.7) from the abridged tag and the contents. */
static unsigned full_tag(const X86Fxsave *fx, int i)
{
    const uint8_t *st = fx->st[(i - (fx->fsw >> 11)) & 7];
    uint64_t man = ld_le64(st);
    unsigned exp = ld_le16(st + 8) & 0x7fff;

    if (!(fx->ftw >> i & 1)) {
        return 3;
    }
    if (exp == 0 && man == 0) {
        return 1;
    }
    return exp == 0 || exp == 0x7fff || !(man >> 63) ? 2 : 0;
}

static unsigned env_image(X86Env *env, uint8_t *b, bool wide)
{
    const X86Fxsave *fx = &env->s.fx;
    uint32_t p[4];
    unsigned tags = 0;

    tcg_fpu_settle(env);
    for (int i = 0; i < 8; i++) {
        tags |= full_tag(fx, i) << 2 * i;
    }
    x86_x87_env_pointers(env, p);
    if (wide) {
        const uint32_t words[7] = {0xffff0000u | fx->fcw, 0xffff0000u | fx->fsw, 0xffff0000u | tags,
                                   p[0], p[1], p[2], p[3]};
        for (int i = 0; i < 7; i++) {
            st_le32(b + 4 * i, words[i]);
        }
        return 28;
    }
    const uint16_t words[7] = {fx->fcw, fx->fsw, (uint16_t)tags, (uint16_t)p[0], (uint16_t)p[1], (uint16_t)p[2],
                               (uint16_t)p[3]};
    for (int i = 0; i < 7; i++) {
        st_le16(b + 2 * i, words[i]);
    }
    return 14;
}

uint64_t helper_fstenv(void *opaque, uint64_t va, uint64_t wide, uint64_t save)
{
    X86Env *env = opaque;
    X86Fxsave *fx = &env->s.fx;
    uint8_t b[108];
    unsigned n = env_image(env, b, wide);

    for (int i = 0; save && i < 8; i++, n += 10) {
        memcpy(b + n, fx->st[i], 10);
    }
    tcg_write(env, va, b, n, x86_data_mmu(env));
    if (save) {
        x86_init_x87(env);
    } else {
        fx->fcw |= 0x3f;
        fx->fsw &= 0x7f7f; /* no exception is unmasked now: ES and B */
    }
    return 0;
}
