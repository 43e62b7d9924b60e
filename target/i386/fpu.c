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

    memcpy(b, fx, 32);
    memset(b + 6, 0, 18); /* FOP, FIP, FDP: the host's, which are not the guest's to know */
    memcpy(b + 32, fx->st, 128);
}

unsigned x86_xmm_count(const X86Env *env)
{
    return x86_code64(env) ? 16 : 8;
}

void x86_unpack_x87(X86Env *env, const uint8_t *b, bool rexw)
{
    X86Fxsave *fx = &env->s.fx;
    uint32_t mxcsr = fx->mxcsr;

    memcpy(fx, b, 24);
    fx->rsvd0 = 0;
    if (!rexw) {
        fx->fip = (uint32_t)fx->fip;
        fx->fdp = (uint32_t)fx->fdp;
    }
    fx->mxcsr = mxcsr;
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

uint64_t helper_fpu_check(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;

    if (env->s.fx.fsw & 0x80) {
        if (env->s.cr0 & CR0_NE) {
            x86_raise(env, EXC_MF);
        }
        log_mask(LOG_UNIMP, "x87 error with CR0.NE clear: FERR# is not wired\n");
    }
    return 0;
}
