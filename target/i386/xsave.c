/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XSAVE, XSAVEOPT, XSAVEC, XSAVES and their returns (SDM vol 1, chapter 13).
 *
 * Components: x87 (0) and SSE (1) in the legacy region; upper halves of YMM (2)
 * and PKRU (9) behind the header; AVX-512's (5, 6, 7) and AMX's (17, 18) only of
 * processors that came from KVM. Those may have other offsets, too. There are no supervisor components: IA32_XSS
 * is always 0. XSAVEOPT and XSAVES leave out what is in its initial state, not
 * what has not been modified.
 */
#include "target/i386/fpu.h"
#include "target/i386/system.h"

#define XSAVE_HEADER 512
#define XSAVE_EXTENDED 576
#define XCOMP_COMPACT (1ull << 63)

enum { XSAVE_PLAIN, XSAVE_OPT, XSAVE_C, XSAVE_S }; /* helper_xsave()'s kind */

/* Components behind the header, by number; offset: in the standard format. */
typedef struct Component {
    uint8_t bit;
    uint16_t offset, size;
} Component;
static const Component extended[] = {{2, 576, 256}, {5, 1088, 64}, {6, 1152, 512}, {7, 1664, 1024},
                                     {9, 2688, 8}, {17, 2752, 64}, {18, 2816, 8192}};
#define ALIGNED 18 /* in the compact format on 64 bytes */
#define EXTENDED_BYTES 10120

void x86_xsave_component(int n, uint32_t *size, uint32_t *offset)
{
    *size = *offset = 0;
    for (size_t i = 0; i < ARRAY_LEN(extended); i++) {
        if (extended[i].bit == n) {
            *size = extended[i].size;
            *offset = extended[i].offset;
        }
    }
}

uint32_t x86_xsave_size(uint64_t components, bool compact)
{
    uint32_t size = XSAVE_EXTENDED;

    for (size_t i = 0; i < ARRAY_LEN(extended); i++) {
        if (components >> extended[i].bit & 1) {
            if (compact && extended[i].bit == ALIGNED) {
                size = (size + 63) & ~63u;
            }
            size = compact ? size + extended[i].size : extended[i].offset + extended[i].size;
        }
    }
    return size;
}

/* Where a component is, in an area compacted to the components of comp (0: the standard format). */
static uint64_t component_at(const X86Env *env, uint64_t comp, const Component *c)
{
    uint32_t host = env->config->xstate_offset[c->bit];

    if (comp) {
        return x86_xsave_size(comp & ((2ull << c->bit) - 1), true) - c->size;
    }
    return host ? host : c->offset;
}

static bool all_zero(const void *p, size_t n)
{
    const uint8_t *b = p;

    return n == 0 || (b[0] == 0 && memcmp(b, b + 1, n - 1) == 0);
}

/* The bytes of a component in env: YMM only what the mode has. */
static void *component_data(X86Env *env, const Component *c, unsigned *size)
{
    if (c->bit == 9) {
        *size = sizeof(env->s.pkru); /* the other half is reserved, and 0 */
        return &env->s.pkru;
    }
    unsigned regs = x86_xmm_count(env);
    switch (c->bit) {
    case 5:
        *size = sizeof(env->s.opmask);
        return env->s.opmask;
    case 6:
        *size = regs * 32;
        return env->s.zmmh;
    case 7:
        *size = regs > 8 ? sizeof(env->s.zmm16) : 0;
        return env->s.zmm16;
    case 17:
        *size = sizeof(env->s.tilecfg);
        return env->s.tilecfg;
    case 18:
        *size = sizeof(env->s.tiledata);
        return env->s.tiledata;
    default:
        *size = regs * 16;
        return env->s.ymmh;
    }
}

uint64_t x86_xinuse(const X86Env *env)
{
    const X86State *s = &env->s;
    const X86Fxsave *fx = &s->fx;
    unsigned n = x86_xmm_count(env) * 16; /* registers that the mode does not have do not count */
    uint64_t v = 0;

    if (fx->fcw != 0x37f || fx->fsw || fx->ftw || fx->fop || fx->fip || fx->fdp ||
        !all_zero(fx->st, sizeof(fx->st))) {
        v |= XSTATE_X87;
    }
    if (!all_zero(fx->xmm, n)) {
        v |= XSTATE_SSE;
    }
    if (!all_zero(s->ymmh, n)) {
        v |= XSTATE_YMM;
    }
    if (s->pkru) {
        v |= XSTATE_PKRU;
    }
    for (size_t i = 0; i < ARRAY_LEN(extended) && (env->config->xcr0_valid & (XSTATE_AVX512 | XSTATE_AMX)); i++) {
        unsigned size;
        const void *p = component_data((X86Env *)env, &extended[i], &size);
        v |= (uint64_t)!all_zero(p, size) << extended[i].bit;
    }
    return v;
}

/* What the saving instructions go by: a changed MXCSR counts as SSE state (13.6). */
static uint64_t in_use(const X86Env *env)
{
    return x86_xinuse(env) | (env->s.fx.mxcsr != 0x1f80 ? XSTATE_SSE : 0);
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
    x86_need_aligned(env, va, 64);
}

static void save_legacy(X86Env *env, uint64_t va, bool rexw, uint64_t save, bool mxcsr, int mmu)
{
    uint8_t b[160];

    if (save & XSTATE_X87) {
        x86_pack_x87(env, b, rexw);
        tcg_write(env, va, b, 24, mmu);
        tcg_write(env, va + 32, b + 32, 128, mmu);
    }
    if (mxcsr) {
        tcg_store(env, va + 24, env->s.fx.mxcsr, 4, mmu);
        tcg_store(env, va + 28, env->config->mxcsr_mask, 4, mmu);
    }
    if (save & XSTATE_SSE) {
        tcg_write(env, va + 160, env->s.fx.xmm, x86_xmm_count(env) * 16, mmu);
    }
}

uint64_t helper_xsave(void *opaque, uint64_t va, uint64_t rexw, uint64_t kind)
{
    X86Env *env = opaque;
    int mmu = x86_data_mmu(env);
    bool compact = kind >= XSAVE_C;
    uint64_t rfbm, use, save, comp;
    uint8_t header[16];

    xsave_checks(env, va);
    rfbm = requested(env);
    use = rfbm & in_use(env);
    save = kind == XSAVE_PLAIN ? rfbm : use;
    comp = compact ? rfbm | XCOMP_COMPACT : 0;
    tcg_probe(env, va, x86_xsave_size(rfbm, compact), MMU_WRITE, mmu);
    st_le64(header, compact ? use : (tcg_load(env, va + XSAVE_HEADER, 8, mmu) & ~rfbm) | use);
    st_le64(header + 8, comp);
    save_legacy(env, va, rexw, save,
                compact ? save & XSTATE_SSE : rfbm & (XSTATE_SSE | XSTATE_YMM), mmu);
    for (size_t i = 0; i < ARRAY_LEN(extended); i++) {
        const Component *c = &extended[i];
        if (save >> c->bit & 1) {
            unsigned n;
            const void *data = component_data(env, c, &n);
            if (c->bit == 9) {
                tcg_store(env, va + component_at(env, comp, c), env->s.pkru, 8, mmu);
            } else {
                tcg_write(env, va + component_at(env, comp, c), data, n, mmu);
            }
        }
    }
    tcg_write(env, va + XSAVE_HEADER, header, compact ? 16 : 8, mmu);
    return 0;
}

/* The header decides (13.8.1, 13.12). comp: 0 for the standard format. */
static void xrstor_header(X86Env *env, uint64_t va, uint64_t kind, int mmu, uint64_t *bv, uint64_t *comp)
{
    uint8_t h[64];

    tcg_read(env, va + XSAVE_HEADER, h, sizeof(h), mmu);
    *bv = ld_le64(h);
    *comp = ld_le64(h + 8);
    if (*comp & XCOMP_COMPACT) {
        if (!x86_has(env->config, F_XSAVEC) || (*comp & ~XCOMP_COMPACT & ~env->s.xcr0) ||
            (*bv & ~*comp) || !all_zero(h + 16, 48)) {
            x86_gp(env, 0);
        }
    } else if (kind == XSAVE_S || *comp || (*bv & ~env->s.xcr0) || !all_zero(h + 16, 8)) {
        x86_gp(env, 0);
    }
}

/* A restored area, read before anything changes. */
typedef struct Image {
    uint64_t rfbm, bv, comp;
    uint8_t legacy[416];
    uint8_t ext[EXTENDED_BYTES]; /* one component after the other, each of its full size */
} Image;

static void read_image(X86Env *env, uint64_t va, int mmu, Image *im)
{
    unsigned xmm = x86_xmm_count(env) * 16, n;
    uint8_t *to = im->ext;

    tcg_read(env, va, im->legacy, 160 + xmm, mmu);
    for (size_t i = 0; i < ARRAY_LEN(extended); i++) {
        const Component *c = &extended[i];
        component_data(env, c, &n);
        if ((im->rfbm & im->bv) >> c->bit & 1 && n) {
            tcg_read(env, va + component_at(env, im->comp, c), to, n, mmu);
        } else if (im->rfbm >> c->bit & 1) {
            memset(to, 0, n); /* not in the area: the initial state */
        }
        to += c->size;
    }
}

/* MXCSR belongs to SSE in the compact format; in the standard one it comes with SSE or YMM, in use or not. */
static void restore_mxcsr(X86Env *env, const Image *im)
{
    bool load = im->comp ? im->rfbm & im->bv & XSTATE_SSE : im->rfbm & (XSTATE_SSE | XSTATE_YMM);

    if (load) {
        x86_check_mxcsr(env, ld_le32(im->legacy + 24));
        env->s.fx.mxcsr = ld_le32(im->legacy + 24);
    } else if (im->rfbm & XSTATE_SSE) {
        env->s.fx.mxcsr = 0x1f80;
    }
}

uint64_t helper_xrstor(void *opaque, uint64_t va, uint64_t rexw, uint64_t kind)
{
    X86Env *env = opaque;
    int mmu = x86_data_mmu(env);
    uint32_t pkru = env->s.pkru;
    Image im;
    const uint8_t *from = im.ext;

    xsave_checks(env, va);
    im.rfbm = requested(env);
    xrstor_header(env, va, kind, mmu, &im.bv, &im.comp);
    read_image(env, va, mmu, &im);
    restore_mxcsr(env, &im);
    if (im.rfbm & im.bv & XSTATE_X87) {
        x86_unpack_x87(env, im.legacy, rexw);
    } else if (im.rfbm & XSTATE_X87) {
        x86_init_x87(env);
        memset(env->s.fx.st, 0, sizeof(env->s.fx.st));
    }
    if (im.rfbm & XSTATE_SSE) {
        unsigned n = x86_xmm_count(env) * 16;
        memset(env->s.fx.xmm, 0, n);
        if (im.bv & XSTATE_SSE) {
            memcpy(env->s.fx.xmm, im.legacy + 160, n);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(extended); from += extended[i++].size) {
        if (im.rfbm >> extended[i].bit & 1) {
            unsigned n;
            void *data = component_data(env, &extended[i], &n);
            memcpy(data, from, n);
        }
    }
    if (env->s.pkru != pkru) {
        tcg_tlb_flush(env);
    }
    return 0;
}
