/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory images of the floating-point state: FXSAVE, XSAVE and their returns
 * (SDM vol 1, 10.5 and chapter 13). The translator keeps the state itself in
 * FXSAVE64 form (env->s.fx) whenever one of these helpers runs.
 *
 * Components: x87 (0), SSE (1), upper halves of YMM (2). Left out: the modified
 * optimisation of XSAVEOPT (it saves what XSAVE would), supervisor components.
 */
#include "target/i386/system.h"

#define XSTATE_X87 1ull
#define XSTATE_SSE 2ull
#define XSTATE_YMM 4ull
#define XSAVE_HEADER 512
#define XSAVE_YMM 576
#define XCOMP_COMPACT (1ull << 63)

enum { XSAVE_PLAIN, XSAVE_OPT, XSAVE_C, XSAVE_S };

static void need_fpu(X86Env *env)
{
    if (env->s.cr0 & (CR0_TS | CR0_EM)) {
        x86_raise(env, EXC_NM);
    }
}

static void need_aligned(X86Env *env, uint64_t va, unsigned align)
{
    if (va & (align - 1)) {
        x86_gp(env, 0);
    }
}

/* The legacy region up to the XMM registers, in the form that the operand size asks for. */
static void pack_x87(X86Env *env, uint8_t *b, bool rexw)
{
    const X86Fxsave *fx = &env->s.fx;

    memcpy(b, fx, 32);
    memset(b + 6, 0, 18); /* FOP, FIP, FDP: the host's, which are not the guest's to know */
    memcpy(b + 32, fx->st, 128);
}

static unsigned xmm_count(const X86Env *env)
{
    return x86_code64(env) ? 16 : 8;
}

static void unpack_x87(X86Env *env, const uint8_t *b, bool rexw)
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

static void check_mxcsr(X86Env *env, uint32_t mxcsr)
{
    if (mxcsr & ~env->config->mxcsr_mask) {
        x86_gp(env, 0);
    }
}

uint64_t helper_fxsave(void *opaque, uint64_t va, uint64_t rexw, uint64_t c)
{
    X86Env *env = opaque;
    uint8_t b[416];
    unsigned n = xmm_count(env);

    need_fpu(env);
    need_aligned(env, va, 16);
    pack_x87(env, b, rexw);
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
    unsigned n = xmm_count(env);

    need_fpu(env);
    need_aligned(env, va, 16);
    tcg_read(env, va, b, 160 + n * 16, x86_data_mmu(env));
    check_mxcsr(env, ld_le32(b + 24));
    unpack_x87(env, b, rexw);
    env->s.fx.mxcsr = ld_le32(b + 24);
    memcpy(env->s.fx.xmm, b + 160, n * 16);
    return 0;
}

/* ---- XSAVE ---- */

static bool all_zero(const void *p, size_t n)
{
    const uint8_t *b = p;

    return n == 0 || (b[0] == 0 && memcmp(b, b + 1, n - 1) == 0);
}

static void init_x87(X86Env *env)
{
    X86Fxsave *fx = &env->s.fx;

    fx->fcw = 0x37f;
    fx->fsw = 0;
    fx->ftw = 0;
    fx->fop = 0;
    fx->fip = fx->fdp = 0;
    memset(fx->st, 0, sizeof(fx->st));
}

/* Components that are not in their initial state. */
static uint64_t xinuse(const X86Env *env)
{
    const X86Fxsave *fx = &env->s.fx;
    uint64_t v = 0;

    if (fx->fcw != 0x37f || fx->fsw || fx->ftw || fx->fop || fx->fip || fx->fdp ||
        !all_zero(fx->st, sizeof(fx->st))) {
        v |= XSTATE_X87;
    }
    if (!all_zero(fx->xmm, sizeof(fx->xmm)) || fx->mxcsr != 0x1f80) {
        v |= XSTATE_SSE;
    }
    if (!all_zero(env->s.ymmh, sizeof(env->s.ymmh))) {
        v |= XSTATE_YMM;
    }
    return v;
}

static uint64_t requested(X86Env *env)
{
    uint64_t mask = (uint32_t)env->s.gpr[R_AX] | env->s.gpr[R_DX] << 32;

    return mask & env->s.xcr0;
}

static void xsave_checks(X86Env *env, uint64_t va)
{
    if (!(env->s.cr4 & CR4_OSXSAVE)) {
        x86_ud(env);
    }
    if (env->s.cr0 & CR0_TS) {
        x86_raise(env, EXC_NM);
    }
    need_aligned(env, va, 64);
}

uint64_t helper_xsave(void *opaque, uint64_t va, uint64_t rexw, uint64_t kind)
{
    X86Env *env = opaque;
    uint64_t rfbm, bv, save;
    uint8_t b[416], header[16];
    int mmu = x86_data_mmu(env);
    unsigned n = xmm_count(env);

    xsave_checks(env, va);
    rfbm = requested(env);
    save = kind == XSAVE_PLAIN ? rfbm : rfbm & xinuse(env);
    tcg_probe(env, va, XSAVE_HEADER + 64, MMU_WRITE, mmu);
    bv = kind >= XSAVE_C ? 0 : tcg_load(env, va + XSAVE_HEADER, 8, mmu);
    bv = (bv & ~rfbm) | (rfbm & xinuse(env));
    pack_x87(env, b, rexw);
    memcpy(b + 160, env->s.fx.xmm, n * 16);
    if (save & XSTATE_X87) {
        tcg_write(env, va, b, 24, mmu);
        tcg_write(env, va + 32, b + 32, 128, mmu);
    }
    if (rfbm & (XSTATE_SSE | XSTATE_YMM)) {
        tcg_store(env, va + 24, env->s.fx.mxcsr, 4, mmu);
        tcg_store(env, va + 28, env->config->mxcsr_mask, 4, mmu);
    }
    if (save & XSTATE_SSE) {
        tcg_write(env, va + 160, b + 160, n * 16, mmu);
    }
    if (save & XSTATE_YMM) {
        tcg_write(env, va + XSAVE_YMM, env->s.ymmh, n * 16, mmu);
    }
    st_le64(header, bv);
    st_le64(header + 8, kind >= XSAVE_C ? rfbm | XCOMP_COMPACT : 0);
    tcg_write(env, va + XSAVE_HEADER, header, kind >= XSAVE_C ? 16 : 8, mmu);
    return 0;
}

/* The header decides; everything is read before anything changes. */
static void xrstor_header(X86Env *env, uint64_t va, int mmu, uint64_t *bv, bool *compact)
{
    uint8_t h[64];
    uint64_t comp;

    tcg_read(env, va + XSAVE_HEADER, h, sizeof(h), mmu);
    *bv = ld_le64(h);
    comp = ld_le64(h + 8);
    *compact = comp & XCOMP_COMPACT;
    if (*compact && !x86_has(env->config, F_XSAVEC)) {
        x86_gp(env, 0);
    }
    if ((*bv & ~env->s.xcr0) || !all_zero(h + 16, *compact ? 48 : 8) ||
        (*compact ? (comp & ~XCOMP_COMPACT & ~env->s.xcr0) || (*bv & ~comp) : comp != 0)) {
        x86_gp(env, 0);
    }
}

uint64_t helper_xrstor(void *opaque, uint64_t va, uint64_t rexw, uint64_t kind)
{
    X86Env *env = opaque;
    uint64_t rfbm, bv;
    uint8_t b[416], ymm[256];
    int mmu = x86_data_mmu(env);
    unsigned n = xmm_count(env);
    bool compact;

    xsave_checks(env, va);
    rfbm = requested(env);
    xrstor_header(env, va, mmu, &bv, &compact);
    tcg_read(env, va, b, 160 + n * 16, mmu);
    if (rfbm & bv & XSTATE_YMM) {
        tcg_read(env, va + XSAVE_YMM, ymm, n * 16, mmu);
    }
    if (compact ? rfbm & bv & XSTATE_SSE : rfbm & (XSTATE_SSE | XSTATE_YMM)) {
        check_mxcsr(env, ld_le32(b + 24));
        env->s.fx.mxcsr = ld_le32(b + 24);
    } else if (compact && (rfbm & XSTATE_SSE)) {
        env->s.fx.mxcsr = 0x1f80;
    }
    if (rfbm & XSTATE_X87) {
        if (bv & XSTATE_X87) {
            unpack_x87(env, b, rexw);
        } else {
            init_x87(env);
        }
    }
    if (rfbm & XSTATE_SSE) {
        memset(env->s.fx.xmm, 0, n * 16);
        if (bv & XSTATE_SSE) {
            memcpy(env->s.fx.xmm, b + 160, n * 16);
        }
    }
    if (rfbm & XSTATE_YMM) {
        memset(env->s.ymmh, 0, n * 16);
        if (bv & XSTATE_YMM) {
            memcpy(env->s.ymmh, ymm, n * 16);
        }
    }
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
