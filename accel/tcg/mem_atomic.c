/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accesses of guest memory that are atomic where the host's own are not: 16 bytes that are aligned, and up to 8 that are not
 * but lie in one multiple of 16. Both are done on those 16 bytes by the host's compare and exchange, so they are atomic
 * against each other, against what generated code does with one access, and on every host. RAM of guests is always mapped
 * writable here; what a guest can not store to (ROM) nobody changes.
 *
 * home: the vCPU's thread.
 */
#include "accel/tcg/tlb.h"
#include "base/bits.h"

typedef unsigned __int128 Quad;

static Quad quad_load(Quad *at)
{
    return __sync_val_compare_and_swap(at, 0, 0);
}

/* The bits of val that mask selects go to *at. */
static void quad_store(Quad *at, Quad val, Quad mask)
{
    Quad seen = quad_load(at), old;
    do {
        old = seen;
        seen = __sync_val_compare_and_swap(at, old, (old & ~mask) | (val & mask));
    } while (seen != old);
}

/* The multiple of 16 bytes that va lies in. */
static Quad *quad_at(const TlbPage *p, uint64_t va)
{
    return (Quad *)(void *)(p->ram->host + p->offset + (va & ~PAGE_MASK & ~(uint64_t)15));
}

/* Is it within 16 bytes, and not within 8, which one access of any host does? */
static bool straddles(uint64_t va, unsigned size)
{
    return (va & 7) + size > 8 && (va & 15) + size <= 16;
}

/* Do `size` bytes at va lie in plain RAM? Raises what the access would. */
static bool in_ram(TcgVcpu *v, uint64_t va, unsigned size, int access, int mmu, TlbPage *p)
{
    page_or_raise(v, va, access, mmu, p);
    tell_access(v, va, size, access, mmu);
    tlb_refill(v, va, mmu, access, p);
    return p->kind == PAGE_RAM;
}

uint64_t tcg_load_whole(void *env, uint64_t va, unsigned size, int mmu)
{
    TlbPage p;
    if (!straddles(va, size) || !in_ram(tcg_vcpu(env), va, size, MMU_READ, mmu, &p)) {
        return tcg_load(env, va, size, mmu);
    }
    uint64_t val = (uint64_t)(quad_load(quad_at(&p, va)) >> (va & 15) * 8);
    return size == 8 ? val : val & ((1ull << size * 8) - 1);
}

void tcg_store_whole(void *env, uint64_t va, uint64_t val, unsigned size, int mmu)
{
    TcgVcpu *v = tcg_vcpu(env);
    TlbPage p;
    if (!straddles(va, size) || !in_ram(v, va, size, MMU_WRITE, mmu, &p)) {
        tcg_store(env, va, val, size, mmu);
        return;
    }
    Quad mask = ((Quad)1 << size * 8) - 1;
    quad_store(quad_at(&p, va), (Quad)val << (va & 15) * 8, mask << (va & 15) * 8);
    ram_written(p.ram, p.offset + (va & ~PAGE_MASK), size);
}

void tcg_load_pair(void *env, uint64_t va, uint64_t out[2], int mmu)
{
    TlbPage p;
    if ((va & 15) || !in_ram(tcg_vcpu(env), va, 16, MMU_READ, mmu, &p)) {
        out[0] = tcg_load_whole(env, va, 8, mmu);
        out[1] = tcg_load_whole(env, va + 8, 8, mmu);
        return;
    }
    Quad q = quad_load(quad_at(&p, va));
    out[0] = (uint64_t)q;
    out[1] = (uint64_t)(q >> 64);
}

void tcg_store_pair(void *env, uint64_t va, const uint64_t val[2], int mmu)
{
    TlbPage p;
    if ((va & 15) || !in_ram(tcg_vcpu(env), va, 16, MMU_WRITE, mmu, &p)) {
        tcg_probe(env, va, 16, MMU_WRITE, mmu);
        tcg_store_whole(env, va, val[0], 8, mmu);
        tcg_store_whole(env, va + 8, val[1], 8, mmu);
        return;
    }
    quad_store(quad_at(&p, va), val[0] | (Quad)val[1] << 64, ~(Quad)0);
    ram_written(p.ram, p.offset + (va & ~PAGE_MASK), 16);
}
