/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Helpers of the A64 base instructions: bits, flags, CRC, atomics that the IR has no operation for, structures.
 */
#include <string.h>
#include <sys/random.h>
#include "target/arm/system.h"
#include "target/arm/vec.h"

/* ---- bits and flags ---- */

uint64_t helper_rbit(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    a = (a >> 1 & 0x5555555555555555) | (a & 0x5555555555555555) << 1;
    a = (a >> 2 & 0x3333333333333333) | (a & 0x3333333333333333) << 2;
    a = (a >> 4 & 0x0f0f0f0f0f0f0f0f) | (a & 0x0f0f0f0f0f0f0f0f) << 4;
    return __builtin_bswap64(a);
}

/* C6.2.425: what x87 and SSE say of a comparison, in N, Z, C, V. */
uint64_t helper_xaflag(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    bool z = a & PSTATE_Z, cf = a & PSTATE_C;
    return (!cf && !z ? PSTATE_N : 0) | (z && cf ? PSTATE_Z : 0) | (cf || z ? PSTATE_C : 0) | (!cf && z ? PSTATE_V : 0);
}

uint64_t helper_axflag(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    bool z = a & PSTATE_Z, cf = a & PSTATE_C, v = a & PSTATE_V;
    return (z || v ? PSTATE_Z : 0) | (cf && !v ? PSTATE_C : 0);
}

uint64_t helper_rmif(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    unsigned shift = c >> 4 & 63;
    uint64_t v = (b >> shift | b << (-shift & 63)) & 15, mask = (c & 15) << 28;
    return (a & ~mask) | (v << 28 & mask);
}

uint64_t helper_setf(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t v = b & ((1ull << c) - 1);
    bool n = v >> (c - 1) & 1, over = (b >> c & 1) != n;
    return (a & PSTATE_C) | (n ? PSTATE_N : 0) | (v == 0 ? PSTATE_Z : 0) | (over ? PSTATE_V : 0);
}

/* ---- CRC, bit-reversed polynomials, half a byte at a time ---- */

static uint32_t crc(const uint32_t table[16], uint32_t sum, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < 2 * bytes; i++, v >>= 4) {
        sum = table[(sum ^ v) & 15] ^ sum >> 4;
    }
    return sum;
}

/* x^32 + x^26 + x^23 + x^22 + x^16 + x^12 + x^11 + x^10 + x^8 + x^7 + x^5 + x^4 + x^2 + x + 1 */
uint64_t helper_crc32(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    return crc(table, (uint32_t)a, b, (unsigned)c);
}

/* Castagnoli's 0x1edc6f41 */
uint64_t helper_crc32c(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
        0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    return crc(table, (uint32_t)a, b, (unsigned)c);
}

/* ---- random numbers (FEAT_RNG): the host's generator, which is never exhausted once it is seeded ---- */

uint64_t helper_random(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    bool none = getrandom(&env->scratch[0], sizeof(env->scratch[0]), GRND_NONBLOCK) != sizeof(env->scratch[0]);

    if (none) {
        env->scratch[0] = 0;
    }
    return none;
}

/* ---- faults ---- */

uint64_t helper_sp_alignment(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    arm_raise(opaque, ARM_FAULT_SYNC, arm_syndrome(EC_SP_ALIGN, 0), 0, 0);
}

/* ---- atomics ---- */

static uint64_t swapped(uint64_t v, unsigned size, bool be)
{
    return be ? __builtin_bswap64(v) >> (64 - (8u << size)) : v;
}

static uint64_t operate(unsigned op, unsigned size, uint64_t old, uint64_t v)
{
    unsigned shift = 64 - (8u << size);
    int64_t so = (int64_t)(old << shift), sv = (int64_t)(v << shift);
    uint64_t uo = old << shift, uv = v << shift;
    switch (op) {
    case 0:
        return old + v;
    case 1:
        return old & ~v;
    case 2:
        return old ^ v;
    case 3:
        return old | v;
    case 4:
        return so > sv ? old : v;
    case 5:
        return so < sv ? old : v;
    case 6:
        return uo > uv ? old : v;
    default:
        return uo < uv ? old : v;
    }
}

/* A device register that moves by itself: after so many tries a load and a store. */
#define DEVICE_CAS_TRIES 64

uint64_t helper_ldop(void *opaque, uint64_t addr, uint64_t v, uint64_t desc)
{
    unsigned op = desc & 7, size = desc >> 4 & 3, bytes = 1u << size;
    int mmu = desc >> 12 & 15;
    bool be = desc >> 8 & 1;
    uint64_t mask = ~0ull >> (64 - 8 * bytes);

    tcg_probe(opaque, addr, bytes, MMU_WRITE, mmu);
    uint64_t old = tcg_load(opaque, addr, bytes, mmu);
    for (int tries = 0;; tries++) {
        uint64_t result = swapped(operate(op, size, swapped(old, size, be), v) & mask, size, be);
        if (bytes < 4 || tries >= DEVICE_CAS_TRIES) {
            /* tcg_cmpxchg() has 4, 8 and 16 bytes: narrow ones change their word */
            size_t len = bytes;
            if (tries >= DEVICE_CAS_TRIES || tcg_host(opaque, addr & ~3ull, &len, MMU_WRITE, mmu) == NULL) {
                tcg_store(opaque, addr, result, bytes, mmu);
                return swapped(old, size, be);
            }
            unsigned shift = 8 * (addr & 3);
            uint32_t word = (uint32_t)tcg_load(opaque, addr & ~3ull, 4, mmu);
            if ((word >> shift & mask) == old) {
                uint32_t next = (word & ~(uint32_t)(mask << shift)) | (uint32_t)(result << shift);
                if (tcg_cmpxchg(opaque, addr & ~3ull, 4, &word, &next, mmu)) {
                    return swapped(old, size, be);
                }
            }
            old = word >> shift & mask;
        } else if (tcg_cmpxchg(opaque, addr, bytes, &old, &result, mmu)) {
            return swapped(old, size, be);
        }
    }
}

/* 16 bytes as two registers have them in memory. */
static void pair_to_memory(const ArmEnv *env, uint64_t out[2], uint64_t first, uint64_t second)
{
    bool be = env->mode & MODE_BE;
    out[0] = be ? __builtin_bswap64(first) : first;
    out[1] = be ? __builtin_bswap64(second) : second;
}

uint64_t helper_stxp(void *opaque, uint64_t a, uint64_t b, uint64_t mmu)
{
    ArmEnv *env = opaque;
    uint64_t old[2], val[2];
    pair_to_memory(env, old, env->s.excl_val[0], env->s.excl_val[1]);
    pair_to_memory(env, val, a, b);
    return !tcg_cmpxchg(env, env->scratch[0], 16, old, val, (int)mmu);
}

uint64_t helper_casp(void *opaque, uint64_t addr, uint64_t mmu, uint64_t c)
{
    ArmEnv *env = opaque;
    uint64_t old[2], val[2];
    pair_to_memory(env, old, env->scratch[0], env->scratch[1]);
    pair_to_memory(env, val, env->scratch[2], env->scratch[3]);
    tcg_cmpxchg(env, addr, 16, old, val, (int)mmu);
    pair_to_memory(env, val, old[0], old[1]);
    env->scratch[0] = val[0];
    env->scratch[1] = val[1];
    return 0;
}

/* ---- structures in memory ---- */

typedef struct Structs {
    unsigned rt, regs, selem, esize, elements;
    unsigned step; /* from register to register of a structure */
    bool be, a32;
} Structs;

static Structs structs_of(uint64_t desc)
{
    Structs x = {.rt = desc & 31, .regs = desc >> 5 & 7, .selem = desc >> 8 & 7, .esize = 1u << (desc >> 12 & 3)};
    x.elements = (desc >> 14 & 1 ? 16 : 8) / x.esize;
    x.be = desc >> 15 & 1;
    x.a32 = desc >> 16 & 1;
    x.step = x.a32 ? desc >> 17 & 3 : 1;
    return x;
}

/* The elements of the registers in memory order: memory to or from buf. */
static void each_element(ArmEnv *env, const Structs *x, uint8_t *buf, bool load)
{
    unsigned rpt = x->regs / x->selem;
    for (unsigned r = 0; r < rpt; r++) {
        for (unsigned e = 0; e < x->elements; e++) {
            for (unsigned k = 0; k < x->selem; k++, buf += x->esize) {
                uint8_t *reg = vec_reg(env, x->a32, (x->rt + r + k * x->step) % 32) + e * x->esize;
                for (unsigned i = 0; i < x->esize; i++) {
                    uint8_t *m = buf + (x->be ? x->esize - 1 - i : i);
                    *(load ? &reg[i] : m) = *(load ? m : &reg[i]);
                }
            }
        }
    }
}

uint64_t helper_ld_struct(void *opaque, uint64_t addr, uint64_t desc, uint64_t mmu)
{
    ArmEnv *env = opaque;
    Structs x = structs_of(desc);
    uint8_t buf[64];
    tcg_read(env, addr, buf, (size_t)x.regs * x.elements * x.esize, (int)mmu);
    each_element(env, &x, buf, true);
    for (unsigned i = 0; !x.a32 && x.elements * x.esize == 8 && i < x.regs; i++) {
        memset(env->s.z[(x.rt + i) % 32].b + 8, 0, 8);
    }
    return 0;
}

uint64_t helper_st_struct(void *opaque, uint64_t addr, uint64_t desc, uint64_t mmu)
{
    ArmEnv *env = opaque;
    Structs x = structs_of(desc);
    uint8_t buf[64];
    each_element(env, &x, buf, false);
    tcg_write(env, addr, buf, (size_t)x.regs * x.elements * x.esize, (int)mmu);
    return 0;
}
