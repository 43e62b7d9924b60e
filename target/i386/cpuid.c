/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What CPUID answers (SDM vol 2, CPUID; APM vol 3, appendix E).
 */
#include <string.h>
#include "core/machine.h"
#include "target/i386/boot.h"
#include "target/i386/models.h"
#include "target/i386/svm.h"

#define HYPERVISOR_LEAF 0x40000000u

/* Bits that an index of 0..n-1 needs. */
static int index_bits(int n)
{
    int bits = 0;

    while (1 << bits < n) {
        bits++;
    }
    return bits;
}

static uint32_t signature(const X86CpuConfig *c)
{
    uint32_t family = c->family, ext = 0;

    if (family > 15) {
        ext = family - 15;
        family = 15;
    }
    return c->stepping | (c->model & 15) << 4 | family << 8 | (c->model >> 4) << 16 | ext << 20;
}

static int package_threads(const X86CpuConfig *c)
{
    return c->dies * c->cores * c->threads;
}

/* Bits of an APIC id below the number of the die, and below that of the package. */
static int die_bits(const X86CpuConfig *c)
{
    return index_bits(c->threads) + index_bits(c->cores);
}

static int package_bits(const X86CpuConfig *c)
{
    return die_bits(c) + index_bits(c->dies);
}

/* Of this processor in its die. */
static int core_index(const X86CpuConfig *c)
{
    return c->apic_id >> index_bits(c->threads) & ((1 << index_bits(c->cores)) - 1);
}

uint32_t x86_apic_id(const MachineConfig *cfg, int index)
{
    int threads = MAX(cfg->threads, 1), cores = MAX(cfg->cores, 1), dies = MAX(cfg->dies, 1);
    int thread = index % threads, core = index / threads % cores, die = index / threads / cores % dies;
    int package = index / threads / cores / dies;
    int core_at = index_bits(threads), die_at = core_at + index_bits(cores);

    return thread | core << core_at | die << die_at | package << (die_at + index_bits(dies));
}

static uint32_t word(const X86CpuConfig *c, uint32_t leaf, uint32_t subleaf, int reg)
{
    return x86_feature_word(&c->features, leaf, subleaf, reg);
}

static void words(const X86CpuConfig *c, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    for (int r = 0; r < 4 && subleaf != FEATURE_MSR; r++) {
        out[r] |= word(c, leaf, subleaf, r);
    }
}

static void put_string(uint32_t out[4], const char *s, const uint8_t order[], int n)
{
    for (int i = 0; i < n; i++) {
        memcpy(&out[order[i]], s + i * 4, 4);
    }
}

static void vendor_leaf(const X86CpuConfig *c, uint32_t top, uint32_t out[4])
{
    static const uint8_t order[] = {CPUID_EBX, CPUID_EDX, CPUID_ECX};

    out[CPUID_EAX] = top;
    put_string(out, c->vendor_id, order, 3);
}

static void leaf_1(const X86CpuConfig *c, const X86CpuidLive *live, uint32_t out[4])
{
    int n = package_threads(c);

    words(c, 1, 0, out);
    out[CPUID_EAX] = signature(c);
    out[CPUID_EBX] = (c->apic_id & 0xff) << 24 | 8 << 8;
    out[CPUID_EDX] &= ~(1u << 28);
    if (n > 1) {
        out[CPUID_EBX] |= (n & 0xff) << 16;
        out[CPUID_EDX] |= 1u << 28;
    }
    if (!live->apic_enabled) {
        out[CPUID_EDX] &= ~(1u << 9);
    }
    out[CPUID_ECX] &= ~(1u << 27);
    if ((live->cr4 & CR4_OSXSAVE) && x86_has(c, F_XSAVE)) {
        out[CPUID_ECX] |= 1u << 27;
    }
}

/* Levels of leaf 0x1f: 1 threads, 2 cores, 5 dies; leaf 0xb has no dies. */
static void topology_level(const X86CpuConfig *c, int kind, int below, int count, uint32_t out[4])
{
    out[CPUID_EAX] = below;
    out[CPUID_EBX] = count;
    out[CPUID_ECX] |= kind << 8;
}

static void topology_leaf(const X86CpuConfig *c, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    bool dies = leaf == 0x1f;

    out[CPUID_ECX] = subleaf & 0xff;
    out[CPUID_EDX] = c->apic_id;
    if (subleaf == 0) {
        topology_level(c, 1, index_bits(c->threads), c->threads, out);
    } else if (subleaf == 1) {
        topology_level(c, 2, dies ? die_bits(c) : package_bits(c),
                       dies ? c->cores * c->threads : package_threads(c), out);
    } else if (subleaf == 2 && dies) {
        topology_level(c, 5, package_bits(c), package_threads(c), out);
    }
}

static void xsave_leaf(const X86CpuConfig *c, const X86CpuidLive *live, uint32_t subleaf,
                       uint32_t out[4])
{
    if (!x86_has(c, F_XSAVE)) {
        return;
    }
    switch (subleaf) {
    case 0:
        out[CPUID_EAX] = (uint32_t)c->xcr0_valid;
        out[CPUID_EBX] = x86_xsave_size(live->xcr0, false);
        out[CPUID_ECX] = x86_xsave_size(c->xcr0_valid, false);
        out[CPUID_EDX] = c->xcr0_valid >> 32;
        break;
    case 1:
        words(c, 0xd, 1, out);
        out[CPUID_EBX] = x86_xsave_size(live->xcr0, true);
        break;
    default:
        if (subleaf < 63 && (c->xcr0_valid >> subleaf & 1)) {
            x86_xsave_component((int)subleaf, &out[CPUID_EAX], &out[CPUID_EBX]);
            out[CPUID_ECX] = subleaf == 18 ? 2 : 0; /* TILEDATA: aligned in the compact format */
        }
        break;
    }
}

/* What AMX is, in all processors that have it: palette 1, and TMUL (SDM vol 2, CPUID leaves 1DH and 1EH). */
static void amx_leaf(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    if (leaf == 0x1d && subleaf == 0) {
        out[CPUID_EAX] = 1; /* palettes */
    } else if (leaf == 0x1d && subleaf == 1) {
        out[CPUID_EAX] = 8192 | 1024 << 16; /* bytes, and of a tile */
        out[CPUID_EBX] = 64 | 8 << 16;      /* bytes of a row, tiles */
        out[CPUID_ECX] = 16;                /* rows */
    } else if (leaf == 0x1e && subleaf == 0) {
        out[CPUID_EBX] = 16 | 64 << 8;
    }
}

static void basic_leaf(const X86CpuConfig *c, const X86CpuidLive *live, uint32_t leaf,
                       uint32_t subleaf, uint32_t out[4])
{
    switch (leaf) {
    case 0:
        vendor_leaf(c, c->level, out);
        break;
    case 1:
        leaf_1(c, live, out);
        break;
    case 2:
        if (c->vendor != X86_VENDOR_AMD) {
            x86_cpuid_cache_descriptors(c, out);
        }
        break;
    case 4:
        if (c->vendor != X86_VENDOR_AMD) {
            x86_cpuid_cache(c, leaf, subleaf, out);
        }
        break;
    case 5:
        out[CPUID_ECX] = 3; /* MWAIT takes extensions, and interrupts while IF is clear */
        if (x86_has(c, F_MONITOR) && c->mwait[CPUID_EAX]) {
            out[CPUID_EAX] = c->mwait[CPUID_EAX];
            out[CPUID_EBX] = c->mwait[CPUID_EBX];
            out[CPUID_ECX] |= c->mwait[CPUID_ECX];
            out[CPUID_EDX] = c->mwait[CPUID_EDX];
        } else if (x86_has(c, F_MONITOR)) {
            out[CPUID_EAX] = out[CPUID_EBX] = 64;
        }
        break;
    case 7:
        words(c, 7, subleaf, out);
        if (subleaf == 0) {
            out[CPUID_EAX] = c->level_func7;
            out[CPUID_ECX] &= ~(1u << 4);
            out[CPUID_ECX] |= (live->cr4 & CR4_PKE) && x86_has(c, F_PKU) ? 1u << 4 : 0; /* OSPKE */
        }
        break;
    case 0xb:
        if (c->topology_leaf) {
            topology_leaf(c, leaf, subleaf, out);
        }
        break;
    case 0x1f:
        if (c->dies > 1) {
            topology_leaf(c, leaf, subleaf, out);
        }
        break;
    case 0xd:
        xsave_leaf(c, live, subleaf, out);
        break;
    case 0x1d:
    case 0x1e:
        if (x86_has(c, F_AMX_TILE)) {
            amx_leaf(leaf, subleaf, out);
        }
        break;
    case 0x15: /* TSC = crystal * EBX / EAX; the APIC timer runs from the same crystal */
        out[CPUID_EAX] = out[CPUID_EBX] = 1;
        out[CPUID_ECX] = X86_TSC_HZ;
        if (c->tsc_hz && c->tsc_hz != X86_TSC_HZ) {
            out[CPUID_EAX] = X86_TSC_HZ / 1000;
            out[CPUID_EBX] = c->tsc_hz / 1000;
        }
        break;
    case 0x16:
        out[CPUID_EAX] = out[CPUID_EBX] = (c->tsc_hz ? c->tsc_hz : X86_TSC_HZ) / 1000000;
        out[CPUID_ECX] = 100;
        break;
    default:
        words(c, leaf, subleaf, out);
        break;
    }
}

static void amd_sizes_leaf(const X86CpuConfig *c, uint32_t out[4])
{
    int n = package_threads(c);

    words(c, 0x80000008, 0, out);
    out[CPUID_EAX] = c->phys_bits;
    if (x86_has(c, F_LM)) {
        out[CPUID_EAX] |= (uint32_t)(x86_has(c, F_LA57) ? 57 : 48) << 8;
    }
    if (n > 1) {
        out[CPUID_ECX] = (n - 1) | package_bits(c) << 12;
    }
}

static void extended_leaf(const X86CpuConfig *c, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    static const uint8_t order[] = {CPUID_EAX, CPUID_EBX, CPUID_ECX, CPUID_EDX};

    switch (leaf) {
    case 0x80000000:
        vendor_leaf(c, c->xlevel, out);
        break;
    case 0x80000001:
        words(c, leaf, 0, out);
        out[CPUID_EAX] = signature(c);
        if (c->vendor == X86_VENDOR_AMD) {
            out[CPUID_EDX] |= word(c, 1, 0, CPUID_EDX) & 0x0183f3ff;
        }
        if (c->vendor != X86_VENDOR_INTEL && package_threads(c) > 1) {
            out[CPUID_ECX] |= 2; /* Linux discards threads under Intel's name if it is set */
        }
        break;
    case 0x80000002:
    case 0x80000003:
    case 0x80000004:
        put_string(out, c->model_id + (leaf - 0x80000002) * 16, order, 4);
        break;
    case 0x80000005:
    case 0x80000006:
        x86_cpuid_amd_caches(c, leaf, out);
        break;
    case 0x80000008:
        amd_sizes_leaf(c, out);
        break;
    case 0x8000000a:
        if (x86_has(c, F_SVM)) {
            words(c, leaf, 0, out);
            out[CPUID_EAX] = 1;
            out[CPUID_EBX] = SVM_ASIDS;
        }
        break;
    case 0x8000001d:
        if (x86_has(c, F_TOPOEXT)) {
            x86_cpuid_cache(c, leaf, subleaf, out);
        }
        break;
    case 0x8000001e:
        if (x86_has(c, F_TOPOEXT)) {
            out[CPUID_EAX] = c->apic_id;
            out[CPUID_EBX] = core_index(c) | (c->threads - 1) << 8;
            out[CPUID_ECX] = (c->dies - 1) << 8 | (c->apic_id >> die_bits(c) & 0xff);
        }
        break;
    default:
        words(c, leaf, subleaf, out);
        break;
    }
}

#define KVMCLOCK_OLD (1u << 0) /* with the MSRs' first numbers; QEMU's "kvmclock" is both */

static void hypervisor_leaf(const X86CpuConfig *c, uint32_t leaf, uint32_t out[4])
{
    static const uint8_t order[] = {CPUID_EBX, CPUID_ECX, CPUID_EDX};

    if (leaf == HYPERVISOR_LEAF) {
        out[CPUID_EAX] = HYPERVISOR_LEAF + 1;
        put_string(out, c->kvm_leaf ? "KVMKVMKVM\0\0\0" : "TCGTCGTCGTCG", order, 3);
    } else if (leaf == HYPERVISOR_LEAF + 1 && c->kvm_leaf) {
        out[CPUID_EAX] = x86_feature_word(&c->features, leaf, 0, CPUID_EAX) | (x86_has(c, F_KVMCLOCK) ? KVMCLOCK_OLD : 0);
    }
}

void x86_cpuid(const X86CpuConfig *c, const X86CpuidLive *live, uint32_t leaf, uint32_t subleaf,
               uint32_t out[4])
{
    memset(out, 0, 16);
    if (leaf >= HYPERVISOR_LEAF && leaf < HYPERVISOR_LEAF + 0x200) {
        bool moved = leaf >= HYPERVISOR_LEAF + 0x100; /* KVM's, where Hyper-V's come first */
        if (c->hyperv && !moved) {
            x86_hyperv_leaf(c, leaf, out);
        } else if ((c->tcg_leaf || c->kvm_leaf) && c->hyperv == moved) {
            hypervisor_leaf(c, moved ? leaf - 0x100 : leaf, out);
            out[CPUID_EAX] += moved && leaf == HYPERVISOR_LEAF + 0x100 ? 0x100 : 0;
        }
    } else if (leaf >= 0x80000000u && leaf <= c->xlevel) {
        extended_leaf(c, leaf, subleaf, out);
    } else if (leaf <= c->level) {
        basic_leaf(c, live, leaf, subleaf, out);
    } else if (c->vendor == X86_VENDOR_INTEL) {
        basic_leaf(c, live, c->level, subleaf, out); /* beyond the last leaf: as the last basic one */
    }
}
