/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host emitter of hosts that have none: host_code_new() says so by giving
 * NULL, and everything runs in the interpreter. Nothing else here is reached.
 */
#include "accel/tcg/tcg.h"

HostCode *host_code_new(const TcgTarget *t, size_t size, Error **err)
{
    return NULL;
}

unsigned tcg_host_vec(void)
{
    return 0;
}

void host_code_single_vcpu(HostCode *hc)
{
}

void host_code_only_aligned(HostCode *hc)
{
}

void host_code_free(HostCode *hc)
{
}

void host_code_reset(HostCode *hc)
{
}

size_t host_code_used(HostCode *hc)
{
    return 0;
}

bool host_emit_block(HostCode *hc, const IrBlock *ir, TcgBlock *tb)
{
    return false;
}

void host_enter(HostCode *hc, TcgVcpu *v, uint32_t entry)
{
    g_assert_not_reached();
}

void *host_code_ptr(HostCode *hc, uint32_t off)
{
    return NULL;
}

void host_link_edge(HostCode *hc, TcgEdge *e, TcgBlock *to)
{
}

void host_unlink_edge(HostCode *hc, TcgEdge *e)
{
}

void host_kill_block(HostCode *hc, TcgBlock *tb)
{
}

bool host_code_contains(HostCode *hc, uintptr_t host_pc, uint32_t *off)
{
    return false;
}

bool host_trap(HostCode *hc, TcgVcpu *v, void *siginfo, void *ucontext)
{
    return false;
}

void host_fpu_save(TcgVcpu *v)
{
}

void host_fpu_settle(TcgVcpu *v)
{
}

HostRun host_run_insn(HostCode *hc, TcgVcpu *v, const IrHostInsn *hi, uint64_t *dst, uint64_t rm,
                   void *mem, uint64_t *flags)
{
    return HOST_RUN_TRAP;
}

uint32_t host_insn_mask(TcgVcpu *v, const IrHostInsn *hi)
{
    return 0;
}

void host_dump_block(HostCode *hc, const TcgBlock *tb, GString *out)
{
}
