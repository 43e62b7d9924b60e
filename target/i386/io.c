/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Port I/O and its permission check (SDM vol 1, chapter 19).
 */
#include "target/i386/system.h"

void x86_check_port(X86Env *env, uint16_t port, unsigned size)
{
    uint64_t base = env->s.tr.base;
    unsigned map, byte, bits;
    int mmu = x86_sys_mmu(env);

    if (env->mode & MODE_DEBUG) {
        x86_debug_port(env, port, size);
    }
    if (!x86_protected(env) || (!x86_v86(env) && env->cpl <= x86_iopl(env))) {
        return;
    }
    /* The bitmap of a present 32-bit (or 64-bit) TSS; two bytes of it are always looked at. */
    if ((env->s.tr.attr & (SEG_UNUSABLE | SEG_P | 8)) != (SEG_P | 8) || env->s.tr.limit < 103) {
        x86_gp(env, 0);
    }
    map = tcg_load(env, base + 102, 2, mmu);
    byte = map + port / 8;
    if (byte + 1 > env->s.tr.limit) {
        x86_gp(env, 0);
    }
    bits = tcg_load(env, base + byte, 2, mmu) >> (port & 7);
    if (bits & ((1u << size) - 1)) {
        x86_gp(env, 0);
    }
}

uint64_t x86_port_in(X86Env *env, uint16_t port, unsigned size)
{
    Cpu *cpu = env->cpu;
    uint64_t v = 0;

    if (!cpu->ports || address_space_load(cpu->ports, port, (MemAttrs){.requester = cpu->index},
                                          size, &v) == MEM_DECODE_ERROR) {
        return width_mask(size);
    }
    return v & width_mask(size);
}

void x86_port_out(X86Env *env, uint16_t port, uint64_t v, unsigned size)
{
    Cpu *cpu = env->cpu;

    if (cpu->ports) {
        address_space_store(cpu->ports, port, (MemAttrs){.requester = cpu->index}, size,
                            v & width_mask(size));
    }
}

uint64_t helper_in(void *opaque, uint64_t port, uint64_t w, uint64_t c)
{
    X86Env *env = opaque;

    x86_check_port(env, (uint16_t)port, 1u << w);
    return x86_port_in(env, (uint16_t)port, 1u << w);
}

uint64_t helper_out(void *opaque, uint64_t port, uint64_t v, uint64_t next)
{
    X86Env *env = opaque;
    unsigned size = 1u << (v >> 32 & 3);

    x86_check_port(env, (uint16_t)port, size);
    x86_port_out(env, (uint16_t)port, (uint32_t)v, size);
    /* An SMI that a port causes is taken before the next instruction: code counts on it. */
    if ((cpu_requests(env->cpu) & CPU_REQ_SMI) && !(env->mode & (MODE_TF | MODE_DEBUG))) {
        env->s.rip = next;
        tcg_exit_loop(env);
    }
    return 0;
}
