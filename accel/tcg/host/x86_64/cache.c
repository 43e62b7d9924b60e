/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The code cache: making and resetting it, entering it, and patching jumps
 * between blocks while other threads run them. Written through one mapping,
 * executed through another: no page is ever both.
 */
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <asm/prctl.h>
#include <cpuid.h>

#include "accel/tcg/host/x86_64/emit.h"

#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE (1 << 1)
#endif

unsigned tcg_host_vec(void)
{
    unsigned a, b, c, d;
    /* "avx" says that the system keeps the registers, too. */
    if (!__builtin_cpu_supports("avx") || !__get_cpuid(1, &a, &b, &c, &d)) {
        return 0;
    }
    /* The bits themselves: not every compiler's builtin knows all of these names. */
    return TCG_VEC_AVX | (c & bit_FMA ? TCG_VEC_FMA : 0) | (__builtin_cpu_supports("avx2") ? TCG_VEC_AVX2 : 0) |
           (c & bit_F16C ? TCG_VEC_F16C : 0) | (c & bit_AES ? TCG_VEC_AES : 0) | (c & bit_PCLMUL ? TCG_VEC_CLMUL : 0);
}

/* Intel SDM 3A 9.1.1: "unaligned 16-, 32-, and 64-bit accesses to cached memory that fit within a cache line". */
static bool accesses_lines_whole(void)
{
    unsigned a, b = 0, c = 0, d = 0;
    return __get_cpuid(0, &a, &b, &c, &d) && b == signature_INTEL_ebx && c == signature_INTEL_ecx &&
           d == signature_INTEL_edx;
}

static void find_features(HostCode *hc)
{
    unsigned a, b, c, d;
    hc->line_atomic = accesses_lines_whole();
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        hc->bmi1 = b & bit_BMI;
        hc->bmi2 = b & bit_BMI2;
    }
    hc->ymm = hc->target->ymmh_offset && __builtin_cpu_supports("avx");
    hc->vec = hc->target->vec_offset && (tcg_host_vec() & TCG_VEC_AVX);
    hc->x87_notes = hc->target->fpu_offset && !host_keeps_x87_pointers();
    hc->fsgsbase = getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE;
}

/* The target's wishes, less what the emitter needs for itself. */
static void assign_registers(HostCode *hc, const TcgTarget *t)
{
    unsigned usable = 0xffff & ~(1u << RSP);
    memset(hc->greg, -1, sizeof(hc->greg));
    memset(hc->pin, -1, sizeof(hc->pin));
    for (int g = 0; g < t->n_globals; g++) {
        hc->goff[g] = t->globals[g].offset;
    }
    for (int r = 0; r < 16; r++) {
        int g = t->x86_64_pin ? t->x86_64_pin[r] : -1;
        if (g < 0 || r == RSP || __builtin_popcount(usable & ~hc->pinned) <= 3) {
            continue;
        }
        hc->pin[r] = (int8_t)g;
        hc->greg[g] = (int8_t)r;
        hc->pinned |= 1u << r;
    }
    hc->scratch = usable & ~hc->pinned;
}

static void assign_vector_registers(HostCode *hc, const TcgTarget *t)
{
    memset(hc->vreg, -1, sizeof(hc->vreg));
    memset(hc->vpin, -1, sizeof(hc->vpin));
    if (!hc->vec || !t->x86_64_pin_xmm) {
        return;
    }
    int count = __builtin_cpu_supports("avx512vl") ? XMM_COUNT : XMM_SCRATCH;
    for (int r = 0; r < count; r++) {
        int n = t->x86_64_pin_xmm[r];
        if (n >= 0 && (r < XMM_SCRATCH || r >= XMM_FAR)) {
            hc->vpin[r] = (int8_t)n;
            hc->vreg[n] = (int8_t)r;
        }
    }
}

HostCode *host_code_new(const TcgTarget *t, size_t size, Error **err)
{
    HostCode *hc = g_new0(HostCode, 1);
    if (size < (256u << 10)) {
        size = 256u << 10;
    }
    if (!os_dual_map_init(&hc->map, size, NULL, err)) {
        g_free(hc);
        return NULL;
    }
    hc->target = t;
    find_features(hc);
    assign_registers(hc, t);
    assign_vector_registers(hc, t);
    g_mutex_init(&hc->thunk_lock);
    hc->emit = g_new0(Emit, 1);
    hc->emit->hc = hc;
    hc->emit->scratch = hc->scratch;
    hc->first = g_new0(uint32_t, (hc->map.size >> 16) + 1);

    Asm a = {hc->map.rw};
    stubs_emit(hc, &a);
    hc->thunk_start = hc->thunk_used = (hc_off(hc, a.p) + 63) & ~63u;
    hc->start = hc->used = hc->thunk_start + THUNK_SPACE;
    return hc;
}

void host_code_single_vcpu(HostCode *hc)
{
    hc->single_vcpu = true;
}

void host_code_only_aligned(HostCode *hc)
{
    hc->line_atomic = false;
}

void host_code_free(HostCode *hc)
{
    if (hc) {
        os_dual_map_fini(&hc->map);
        g_mutex_clear(&hc->thunk_lock);
        g_free(hc->emit->slow);
        g_free(hc->emit->fix);
        g_free(hc->emit);
        g_free(hc->first);
        g_free(hc);
    }
}

void host_code_reset(HostCode *hc)
{
    hc->used = hc->start;
    memset(hc->first, 0, sizeof(*hc->first) * ((hc->map.size >> 16) + 1));
}

size_t host_code_used(HostCode *hc)
{
    return hc->used;
}

void *host_code_ptr(HostCode *hc, uint32_t off)
{
    return hc->map.rx + off;
}

bool host_code_contains(HostCode *hc, uintptr_t pc, uint32_t *off)
{
    uintptr_t d = pc - (uintptr_t)hc->map.rx;
    if (d >= hc->map.size) {
        return false;
    }
    *off = (uint32_t)d;
    return true;
}

/* ---- running ---- */

/* gs is nobody else's on this thread, but the thread may run several vCPUs in turn. */
static void point_gs_at(const HostCode *hc, TcgVcpu *v)
{
    if (hc->fsgsbase) {
        void *now;
        __asm__ volatile("rdgsbase %0" : "=r"(now));
        if (now != v) {
            __asm__ volatile("wrgsbase %0" : : "r"(v) : "memory");
        }
    } else {
        syscall(SYS_arch_prctl, ARCH_SET_GS, v);
    }
}

void host_enter(HostCode *hc, TcgVcpu *v, uint32_t entry)
{
    if (v->fpu_live) {
        host_fpu_save(v);
    }
    point_gs_at(hc, v);
    v->in_code = 1;
    ((void (*)(void *))host_code_ptr(hc, hc->stub[STUB_ENTER]))(host_code_ptr(hc, entry));
    v->in_code = 0;
}

/* ---- patching ---- */

static void set_rel32(HostCode *hc, uint32_t field, uint32_t target)
{
    int32_t d = (int32_t)(target - (field + 4));
    __atomic_store_n((int32_t *)(void *)hc_rw(hc, field), d, __ATOMIC_RELEASE);
}

void host_link_edge(HostCode *hc, TcgEdge *e, TcgBlock *to)
{
    uint32_t entry = e->backward ? to->entry_poll : to->entry;
    set_rel32(hc, to->flags_dead_in || !e->flags_in_host ? e->jump : e->stub_jump, entry);
}

void host_unlink_edge(HostCode *hc, TcgEdge *e)
{
    set_rel32(hc, e->jump, e->stub);
    set_rel32(hc, e->stub_jump, e->stub_jump + 4);
}

/* A two-byte jump over the first instruction, which is never shorter. */
static void jump_to_kill(HostCode *hc, const TcgBlock *tb, uint32_t at)
{
    int d = (int)(tb->entry_poll + HEADER_KILL_AT) - (int)(at + 2);
    uint16_t insn = (uint16_t)(0xeb | (uint8_t)d << 8);
    __atomic_store_n((uint16_t *)(void *)hc_rw(hc, at), insn, __ATOMIC_RELEASE);
}

void host_kill_block(HostCode *hc, TcgBlock *tb)
{
    jump_to_kill(hc, tb, tb->entry);
    jump_to_kill(hc, tb, tb->entry_poll);
}
