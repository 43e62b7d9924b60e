/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accesses that must be whole, for harnesses with memory of their own and one thread: nothing to be atomic against. */
#include "accel/tcg/target.h"

uint64_t tcg_load_whole(void *env, uint64_t va, unsigned size, int mmu)
{
    return tcg_load(env, va, size, mmu);
}

void tcg_store_whole(void *env, uint64_t va, uint64_t val, unsigned size, int mmu)
{
    tcg_store(env, va, val, size, mmu);
}

void tcg_load_pair(void *env, uint64_t va, uint64_t out[2], int mmu)
{
    tcg_read(env, va, out, 16, mmu);
}

void tcg_store_pair(void *env, uint64_t va, const uint64_t val[2], int mmu)
{
    tcg_write(env, va, val, 16, mmu);
}
