/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the last x87 instruction was, what it was and where its operand (SDM vol 1, 8.1.8 to 8.1.10).
 *
 * Generated code keeps the host's registers of this: its instruction pointer tells which guest instruction it was when
 * somebody looks. Only the operand's address is written down each time, after the instruction, so that one that faults
 * leaves the one before.
 */
#include "target/i386/cpuid.h"
#include "target/i386/fpu.h"
#include "target/i386/system.h"

void x86_x87_ran(void *opaque, uint64_t pc, unsigned fop, bool raised)
{
    X86Env *env = opaque;
    X86State *s = &env->s;

    if (raised || env->config->vendor == X86_VENDOR_AMD) {
        s->x87_fop = fop & HF_OPCODE;
    }
    if (!x86_has(env->config, F_FDP_EXCPTN_ONLY) || (raised && (fop & HF_MEMORY))) {
        s->x87_fdp = s->x87_ea;
    }
    s->fx.fip = pc;
    s->fx.fop = s->x87_fop;
    s->fx.fdp = s->x87_fdp;
}

void x86_x87_set_pointers(X86Env *env, unsigned fop, uint64_t ip, unsigned cs, uint64_t dp, unsigned ds)
{
    X86State *s = &env->s;

    tcg_fpu_settle(env); /* not later */
    s->fx.fop = s->x87_fop = fop & HF_OPCODE;
    s->fx.fip = ip;
    s->fx.fdp = s->x87_fdp = s->x87_ea = dp;
    s->x87_cs = (uint16_t)cs;
    s->x87_ds = (uint16_t)ds;
}

uint16_t x86_x87_cs(const X86Env *env)
{
    return x86_has(env->config, F_ZERO_FCS_FDS) ? 0 : env->s.x87_cs;
}

uint16_t x86_x87_ds(const X86Env *env)
{
    return x86_has(env->config, F_ZERO_FCS_FDS) ? 0 : env->s.x87_ds;
}

/* Does FNSTENV have offsets and selectors? Else it has linear addresses, their upper parts in bits 12 and up. */
static bool has_selectors(const X86Env *env)
{
    return x86_protected(env) && !x86_v86(env);
}

void x86_x87_env_pointers(const X86Env *env, uint32_t out[4])
{
    const X86Fxsave *fx = &env->s.fx;
    uint32_t opcode = fx->fop & HF_OPCODE, cs = x86_x87_cs(env), ds = x86_x87_ds(env);
    uint32_t ip = (uint32_t)fx->fip, dp = (uint32_t)fx->fdp;

    if (has_selectors(env)) {
        out[0] = ip;
        out[1] = opcode << 16 | cs;
        out[2] = dp;
        out[3] = 0xffff0000 | ds;
        return;
    }
    ip += cs << 4;
    dp += ds << 4;
    out[0] = ip & 0xffff;
    out[1] = (ip >> 16) << 12 | opcode;
    out[2] = dp & 0xffff;
    out[3] = (dp >> 16) << 12;
}

uint64_t helper_x87_loaded(void *opaque, uint64_t a, uint64_t b, uint64_t wide)
{
    X86Env *env = opaque;
    uint32_t w[4] = {(uint32_t)a, (uint32_t)(a >> 32), (uint32_t)b, (uint32_t)(b >> 32)};

    if (!wide) {
        for (int i = 0; i < 4; i++) {
            w[i] = (uint16_t)(a >> 16 * i);
        }
    }
    if (has_selectors(env)) { /* the short form has no opcode */
        x86_x87_set_pointers(env, w[1] >> 16, w[0], w[1] & 0xffff, w[2], w[3] & 0xffff);
    } else {
        x86_x87_set_pointers(env, w[1], (w[0] & 0xffff) | w[1] >> 12 << 16, 0, (w[2] & 0xffff) | w[3] >> 12 << 16, 0);
    }
    return 0;
}

uint64_t helper_x87_settle(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    tcg_fpu_settle(opaque);
    return 0;
}
