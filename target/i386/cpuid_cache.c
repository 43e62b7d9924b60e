/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What CPUID tells of caches: leaves 2 and 4 (SDM vol 2, CPUID), 0x80000005, 0x80000006 and
 * 0x8000001d (APM vol 3, appendix E). Models without caches of their own have those that QEMU gave
 * its first ones, which differ from leaf to leaf.
 */
#include <string.h>
#include "base/bits.h"
#include "base/os/hostcpu.h"
#include "target/i386/models.h"

/* As leaf 4 has it; as leaf 2 has it; as AMD's leaves have it. */
static const X86Caches legacy = {
    .l1d = {32, 8, true, 1}, .l1i = {32, 8, true, 1}, .l2 = {4096, 16, true, 1},
    .l3 = {16384, 16, true, 6},
};
static const X86Caches legacy_leaf2 = {
    .l1d = {32, 8, true, 1}, .l1i = {32, 8, true, 1}, .l2 = {2048, 8, true, 1},
    .l3 = {16384, 16, true, 6},
};
static const X86Caches legacy_amd = {
    .l1d = {64, 2, true, 1}, .l1i = {64, 2, true, 1}, .l2 = {512, 16, false, 0},
    .l3 = {16384, 16, true, 6},
};

/* ---- leaves 4 and 0x8000001d ---- */

static void deterministic(const X86Cache *k, int type, int level, int shared, uint32_t out[4])
{
    out[CPUID_EAX] = type | level << 5 | k->self_init << 8 | (shared - 1) << 14;
    out[CPUID_EBX] = 63 | (uint32_t)(k->ways - 1) << 22;
    out[CPUID_ECX] = k->kib * 1024 / 64 / k->ways - 1;
    out[CPUID_EDX] = k->edx;
}

/* The next power of two: leaf 4 counts APIC ids. */
static int id_space(int n)
{
    int v = 1;

    while (v < n) {
        v <<= 1;
    }
    return v;
}

static void host_cache(const X86CpuConfig *c, uint32_t leaf, uint32_t subleaf, int die_threads,
                       uint32_t out[4])
{
    if (os_host_cpuid(leaf, subleaf, out) && (out[CPUID_EAX] & 31)) {
        int level = out[CPUID_EAX] >> 5 & 7;
        out[CPUID_EAX] &= 0x3fff;
        out[CPUID_EAX] |= (uint32_t)((level < 3 ? c->threads : die_threads) - 1) << 14;
    }
}

void x86_cpuid_cache(const X86CpuConfig *c, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    bool intel = leaf == 4;
    const X86Caches *k = c->caches ? c->caches : intel ? &legacy : &legacy_amd;
    int die_threads = intel ? id_space(c->threads) * id_space(c->cores) : c->threads * c->cores;

    if (c->host_caches) {
        host_cache(c, leaf, subleaf, die_threads, out);
    } else if (subleaf == 0) {
        deterministic(&k->l1d, 1, 1, c->threads, out);
    } else if (subleaf == 1) {
        deterministic(&k->l1i, 2, 1, c->threads, out);
    } else if (subleaf == 2) {
        deterministic(&k->l2, 3, 2, c->threads, out);
    } else if (subleaf == 3 && c->l3_cache) {
        deterministic(&k->l3, 3, 3, die_threads, out);
    }
    if (intel && (out[CPUID_EAX] & 31)) {
        out[CPUID_EAX] |= (uint32_t)(c->cores - 1) << 26;
    }
}

/* ---- leaf 2 ---- */

/* Rows of the table of descriptors that match a cache of a model; 0xff: see leaf 4. */
static uint8_t descriptor(const X86Cache *k, int type, int level)
{
    static const struct {
        uint8_t code, type, level, ways;
        uint16_t kib;
    } rows[] = {
        {0x2c, 1, 1, 8, 32}, {0x30, 2, 1, 8, 32}, {0x7d, 3, 2, 8, 2048},
        {0x80, 3, 2, 8, 512}, {0x4d, 3, 3, 16, 16384}, {0x4b, 3, 3, 16, 8192},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].type == type && rows[i].level == level && rows[i].ways == k->ways &&
            rows[i].kib == k->kib) {
            return rows[i].code;
        }
    }
    return 0xff;
}

void x86_cpuid_cache_descriptors(const X86CpuConfig *c, uint32_t out[4])
{
    const X86Caches *k = c->caches ? c->caches : &legacy_leaf2;

    if (c->host_caches) {
        os_host_cpuid(2, 0, out);
        return;
    }
    out[CPUID_EAX] = 1;
    out[CPUID_ECX] = c->l3_cache ? descriptor(&k->l3, 3, 3) : 0;
    out[CPUID_EDX] = (uint32_t)descriptor(&k->l1d, 1, 1) << 16 | descriptor(&k->l1i, 2, 1) << 8 |
                     descriptor(&k->l2, 3, 2);
}

/* ---- AMD's ---- */

static uint32_t ways_code(int ways)
{
    static const uint8_t codes[] = {[1] = 1, [2] = 2, [4] = 4, [8] = 6, [16] = 8};

    return codes[ways];
}

void x86_cpuid_amd_caches(const X86CpuConfig *c, uint32_t leaf, uint32_t out[4])
{
    const X86Caches *k = c->caches ? c->caches : &legacy_amd;

    if (c->host_caches) {
        os_host_cpuid(leaf, 0, out);
    } else if (leaf == 0x80000005) { /* TLBs of 255 entries; lines of 64 bytes with a tag each */
        out[CPUID_EAX] = out[CPUID_EBX] = 0x01ff01ff;
        out[CPUID_ECX] = (uint32_t)k->l1d.kib << 24 | k->l1d.ways << 16 | 1 << 8 | 64;
        out[CPUID_EDX] = (uint32_t)k->l1i.kib << 24 | k->l1i.ways << 16 | 1 << 8 | 64;
    } else { /* TLBs of 512 entries, 4 ways */
        out[CPUID_EBX] = 0x42004200;
        out[CPUID_ECX] = (uint32_t)k->l2.kib << 16 | ways_code(k->l2.ways) << 12 | 1 << 8 | 64;
        out[CPUID_EDX] = !c->l3_cache ? 0
                                      : (uint32_t)(k->l3.kib / 512) << 18 |
                                            ways_code(k->l3.ways) << 12 | 1 << 8 | 64;
    }
}
