/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SIMD instructions that are no single instruction of the host: gathers, whose
 * elements lie at guest addresses (SDM vol 2, VGATHERDPD and VPGATHERDD). SIMD
 * registers are in env while a helper runs.
 */
#include "target/i386/system.h"

static uint8_t *lane(X86Env *env, unsigned reg, unsigned at)
{
    return at < 16 ? env->s.fx.xmm[reg] + at : (uint8_t *)&env->s.ymmh[2 * reg] + (at - 16);
}

static void clear_upper(X86Env *env, unsigned reg)
{
    memset(&env->s.ymmh[2 * reg], 0, 16);
}

static uint64_t element_address(X86Env *env, const GatherOp *op, uint64_t base, unsigned n)
{
    unsigned bytes = op->elem64 ? 8 : 4;
    const uint8_t *p = lane(env, op->index, n * (op->index64 ? 8 : 4));
    uint64_t index = op->index64 ? ld_le64(p) : (uint64_t)(int64_t)(int32_t)ld_le32(p);
    uint64_t off = base + (index << op->scale);

    if (op->asz != W64) {
        off = (uint32_t)off;
    }
    if (x86_code64(env)) {
        return op->seg >= S_FS ? off + env->s.seg[op->seg].base : off;
    }
    return helper_seg_check(env, op->seg, off, bytes);
}

/*
 * A fault leaves with the elements before it loaded and their mask elements
 * cleared: env is the guest's state, and what is done stays done.
 */
uint64_t helper_gather(void *opaque, uint64_t base, uint64_t word, uint64_t c)
{
    X86Env *env = opaque;
    GatherOp op;
    memcpy(&op, &word, sizeof(op));
    unsigned bytes = op.elem64 ? 8 : 4;
    unsigned n = (op.l256 ? 32 : 16) / (op.elem64 || op.index64 ? 8 : 4);

    for (unsigned at = 0; at < (op.l256 ? 32 : 16); at += bytes) { /* mask elements become their signs */
        uint8_t *m = lane(env, op.mask, at);
        memset(m, m[bytes - 1] & 0x80 ? 0xff : 0, bytes);
    }
    if (!op.l256) {
        clear_upper(env, op.mask);
    }
    for (unsigned i = 0; i < n; i++) {
        uint8_t *m = lane(env, op.mask, i * bytes);
        if (*m) {
            uint64_t va = element_address(env, &op, base, i);
            uint64_t v = tcg_load(env, va, bytes, x86_data_mmu(env));
            memcpy(lane(env, op.dst, i * bytes), &v, bytes);
            memset(m, 0, bytes);
            if (!op.l256) {
                clear_upper(env, op.dst);
            }
        }
    }
    memset(env->s.fx.xmm[op.mask], 0, 16);
    clear_upper(env, op.mask);
    if (n * bytes < 32) {
        clear_upper(env, op.dst);
    }
    if (n * bytes == 8) {
        memset(env->s.fx.xmm[op.dst] + 8, 0, 8);
    }
    return 0;
}
