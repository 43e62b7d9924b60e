/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control and debug registers, TLB instructions, CPUID, time stamp (SDM vol 3,
 * 2.5, 4.10 and 17.2). Breakpoints of DR0..3 are stored but never hit: only
 * single-stepping and general detect raise #DB.
 */
#include "core/clock.h"
#include "target/i386/svm.h"

#define CR0_WRITABLE                                                                               \
    (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)
#define CR3_NOFLUSH (1ull << 63)
#define CR3_PCID 0xfffull

static void need_cpl0(X86Env *env)
{
    if (env->cpl != 0) {
        x86_gp(env, 0);
    }
}

/* ---- CR0 ---- */

static void check_cr0(X86Env *env, uint64_t v)
{
    const X86State *s = &env->s;
    bool pg_on = (v & CR0_PG) && !(s->cr0 & CR0_PG), pg_off = !(v & CR0_PG) && (s->cr0 & CR0_PG);

    if (v >> 32 || ((v & CR0_PG) && !(v & CR0_PE)) || ((v & CR0_NW) && !(v & CR0_CD))) {
        x86_gp(env, 0);
    }
    if (pg_on && (s->efer & EFER_LME) &&
        (!(s->cr4 & CR4_PAE) || (s->seg[S_CS].attr & SEG_L))) {
        x86_gp(env, 0);
    }
    if (pg_off && (x86_code64(env) || (s->cr4 & CR4_PCIDE))) {
        x86_gp(env, 0);
    }
}

void x86_set_cr0(X86Env *env, uint64_t v)
{
    X86State *s = &env->s;
    uint64_t old = s->cr0;

    v = (v & CR0_WRITABLE) | CR0_ET;
    if ((old ^ v) & (CR0_PG | CR0_CD | CR0_NW)) {
        x86_load_pdptes(env, v, s->cr4, s->cr3);
    }
    s->cr0 = v;
    if (s->efer & EFER_LME) {
        s->efer = v & CR0_PG ? s->efer | EFER_LMA : s->efer & ~(uint64_t)EFER_LMA;
    }
    if ((old ^ v) & (CR0_PG | CR0_WP | CR0_PE)) {
        tcg_tlb_flush(env);
    }
    x86_update_mode(env);
}

uint64_t helper_clts(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;

    need_cpl0(env);
    env->s.cr0 &= ~(uint64_t)CR0_TS;
    x86_update_mode(env);
    return 0;
}

uint64_t helper_lmsw(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    uint64_t sticky = env->s.cr0 & CR0_PE;

    need_cpl0(env);
    x86_set_cr0(env, (env->s.cr0 & ~0xfull) | (a & 0xf) | sticky);
    return 0;
}

/* ---- CR3, CR4 ---- */

/* PCIDs are contexts of the TLB (SDM vol 3, 4.10.4.1), but an SVM guest's entries have no tag but its ASID. */
void x86_set_cr3(X86Env *env, uint64_t v, bool no_flush)
{
    x86_load_pdptes(env, env->s.cr0, env->s.cr4, v);
    env->s.cr3 = v;
    if ((env->s.cr4 & CR4_PCIDE) && !(env->mode & MODE_GUEST)) {
        tcg_tlb_context(env, X86_SPACE_HOST, v & CR3_PCID, no_flush);
    } else {
        tcg_tlb_flush_nonglobal(env);
    }
}

/* The value that goes to CR3. */
static uint64_t check_cr3(X86Env *env, uint64_t v)
{
    if (!x86_long(env)) {
        return (uint32_t)v;
    }
    if (env->s.cr4 & CR4_PCIDE) {
        v &= ~CR3_NOFLUSH;
    }
    if (v >> env->config->phys_bits) {
        x86_gp(env, 0);
    }
    return v;
}

static void check_cr4(X86Env *env, uint64_t v)
{
    const X86State *s = &env->s;
    uint64_t change = s->cr4 ^ v;

    if (v & ~env->config->cr4_valid) {
        x86_gp(env, 0);
    }
    if (x86_long(env) && ((change & CR4_LA57) || !(v & CR4_PAE))) {
        x86_gp(env, 0);
    }
    if ((change & v & CR4_PCIDE) && (!x86_long(env) || (s->cr3 & 0xfff))) {
        x86_gp(env, 0);
    }
}

void x86_set_cr4(X86Env *env, uint64_t v)
{
    X86State *s = &env->s;
    uint64_t change = s->cr4 ^ v;

    if (change & (CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP)) {
        x86_load_pdptes(env, s->cr0, v, s->cr3);
    }
    s->cr4 = v;
    if (change & (CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP | CR4_SMAP | CR4_PCIDE | CR4_LA57 | CR4_PKE)) {
        tcg_tlb_flush(env);
    }
    x86_update_mode(env);
}

/* ---- MOV CRn ---- */

static uint64_t read_cr8(X86Env *env)
{
    const CpuIntcOps *intc = env->cpu->intc;
    uint64_t v = 0;

    if (env->s.svm_int_ctl & V_INTR_MASKING) {
        return env->s.svm_int_ctl & V_TPR;
    }
    if (intc && intc->sysreg_read) {
        intc->sysreg_read(env->cpu->intc_opaque, X86_INTC_CR8, &v);
    }
    return v;
}

static void write_cr8(X86Env *env, uint64_t v)
{
    const CpuIntcOps *intc = env->cpu->intc;

    if (env->s.svm_guest) {
        env->s.svm_int_ctl = (env->s.svm_int_ctl & ~V_TPR) | (uint32_t)v;
    }
    if (intc && intc->sysreg_write && !(env->s.svm_int_ctl & V_INTR_MASKING)) {
        intc->sysreg_write(env->cpu->intc_opaque, X86_INTC_CR8, v);
    }
    tcg_poll(env);
}

uint64_t helper_read_cr(void *opaque, uint64_t n, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;

    need_cpl0(env);
    switch (n) {
    case 0:
        return env->s.cr0;
    case 2:
        return env->s.cr2;
    case 3:
        return env->s.cr3;
    case 4:
        return env->s.cr4;
    case 8:
        return read_cr8(env);
    default:
        x86_ud(env);
    }
}

/* What can be said against v, and the value to write. */
static uint64_t check_cr(X86Env *env, uint64_t n, uint64_t v)
{
    switch (n) {
    case 0:
        check_cr0(env, v);
        return v;
    case 2:
        return v;
    case 3:
        return check_cr3(env, v);
    case 4:
        check_cr4(env, v);
        return v;
    case 8:
        if (v & ~15ull) {
            x86_gp(env, 0);
        }
        return v;
    default:
        x86_ud(env);
    }
}

static void check_cr_intercept(X86Env *env, uint64_t n, uint64_t v, unsigned gpr, uint64_t next)
{
    const X86State *s = &env->s;
    uint64_t info = 1ull << 63 | gpr;

    if (svm_intercepts(s, SVM_EXIT_WRITE_CR0 + n)) {
        svm_exit(env, SVM_EXIT_WRITE_CR0 + n, info, 0, next);
    }
    if (n == 0 && ((s->cr0 ^ v) & ~(uint64_t)(CR0_TS | CR0_MP | CR0_ET)) &&
        svm_intercepts(s, SVM_EXIT_CR0_SEL_WRITE)) {
        svm_exit(env, SVM_EXIT_CR0_SEL_WRITE, info, 0, next);
    }
}

uint64_t helper_write_cr(void *opaque, uint64_t which, uint64_t v, uint64_t next)
{
    X86Env *env = opaque;
    unsigned n = which & 0xff;

    need_cpl0(env);
    bool no_flush = v & CR3_NOFLUSH;
    v = check_cr(env, n, x86_code64(env) ? v : (uint32_t)v);
    if (env->s.svm_guest) {
        check_cr_intercept(env, n, v, which >> 8, next);
    }
    switch (n) {
    case 0:
        x86_set_cr0(env, v);
        break;
    case 2:
        env->s.cr2 = v;
        break;
    case 3:
        x86_set_cr3(env, v, no_flush);
        break;
    case 4:
        x86_set_cr4(env, v);
        break;
    default:
        write_cr8(env, v);
        break;
    }
    env->s.rip = next;
    return 0;
}

/* ---- MOV DRn ---- */

static unsigned debug_register(X86Env *env, unsigned n)
{
    need_cpl0(env);
    if (n > 7 || ((n == 4 || n == 5) && (env->s.cr4 & CR4_DE))) {
        x86_ud(env);
    }
    if (env->s.dr[7] & DR7_GD) {
        x86_note(env, EXC_DB, false, 0, DR6_BD);
        tcg_raise(env);
    }
    return n == 4 || n == 5 ? n + 2 : n;
}

uint64_t helper_read_dr(void *opaque, uint64_t which, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    unsigned n = which & 0xff, r = debug_register(env, n);

    svm_check_insn(env, SVM_EXIT_READ_DR0 + n, which >> 8);
    return env->s.dr[r];
}

uint64_t helper_write_dr(void *opaque, uint64_t which, uint64_t v, uint64_t next)
{
    X86Env *env = opaque;
    unsigned n = which & 0xff, r = debug_register(env, n);

    if (!x86_code64(env)) {
        v = (uint32_t)v;
    }
    if (r >= 6 && v >> 32) {
        x86_gp(env, 0);
    }
    svm_check_insn(env, SVM_EXIT_WRITE_DR0 + n, which >> 8);
    if (r == 6) {
        v = (v & 0xe00f) | DR6_RESET;
    } else if (r == 7) {
        v = (v & 0xffff23ff) | DR7_RESET;
    }
    env->s.dr[r] = v;
    x86_debug_changed(env);
    env->s.rip = next;
    return 0;
}

/* ---- TLB and caches ---- */

uint64_t helper_invlpg(void *opaque, uint64_t va, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;

    need_cpl0(env);
    if (!x86_long(env)) {
        va = (uint32_t)va;
    }
    tcg_tlb_flush_page(env, va);
    return 0;
}

uint64_t helper_invpcid(void *opaque, uint64_t type, uint64_t va, uint64_t c)
{
    X86Env *env = opaque;
    int mmu = x86_data_mmu(env);
    uint64_t pcid, addr;

    need_cpl0(env);
    pcid = tcg_load(env, va, 8, mmu);
    addr = tcg_load(env, va + 8, 8, mmu);
    if (type > 3 || (type <= 1 && (pcid >> 12 || (pcid && !(env->s.cr4 & CR4_PCIDE)))) ||
        (type == 0 && !x86_canonical(env, addr))) {
        x86_gp(env, 0);
    }
    bool pcide = env->s.cr4 & CR4_PCIDE, current = !pcide || (env->s.cr3 & CR3_PCID) == pcid;
    if (type == 2) {
        tcg_tlb_flush(env);
    } else if (type == 3 || (env->mode & MODE_GUEST)) {
        tcg_tlb_flush_nonglobal(env);
    } else if (!current) {
        tcg_tlb_flush_context(env, X86_SPACE_HOST, pcid);
    } else if (type == 0) {
        tcg_tlb_flush_page(env, addr);
    } else if (pcide) {
        tcg_tlb_context(env, X86_SPACE_HOST, pcid, false);
    } else {
        tcg_tlb_flush_nonglobal(env);
    }
    return 0;
}

uint64_t helper_wbinvd(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    need_cpl0(opaque);
    return 0;
}

/* ---- XCR0 ---- */

uint64_t helper_xgetbv(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    uint32_t n = (uint32_t)env->s.gpr[R_CX];
    uint64_t v;

    if (!(env->s.cr4 & CR4_OSXSAVE)) {
        x86_ud(env);
    }
    if (n != 0 && !(n == 1 && x86_has(env->config, F_XGETBV1))) {
        x86_gp(env, 0);
    }
    v = n == 1 ? env->s.xcr0 & x86_xinuse(env) : env->s.xcr0;
    env->s.gpr[R_AX] = (uint32_t)v;
    env->s.gpr[R_DX] = v >> 32;
    return 0;
}

uint64_t helper_xsetbv(void *opaque, uint64_t next, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    uint64_t v = (uint32_t)env->s.gpr[R_AX] | env->s.gpr[R_DX] << 32;

    if (!(env->s.cr4 & CR4_OSXSAVE)) {
        x86_ud(env);
    }
    need_cpl0(env);
    if ((uint32_t)env->s.gpr[R_CX] != 0 || !(v & 1) || (v & ~env->config->xcr0_valid) ||
        ((v & 4) && !(v & 2)) || ((v & XSTATE_AVX512) && (~v & (XSTATE_AVX512 | 6))) ||
        ((v & XSTATE_AMX) && (~v & XSTATE_AMX))) {
        x86_gp(env, 0);
    }
    env->s.xcr0 = v;
    env->s.rip = next;
    x86_update_mode(env);
    return 0;
}

/* ---- PKRU ---- */

/* #UD without CR4.PKE, #GP for a nonzero ECX. */
static void need_pkru(X86Env *env)
{
    if (!(env->s.cr4 & CR4_PKE)) {
        x86_ud(env);
    }
    if ((uint32_t)env->s.gpr[R_CX]) {
        x86_gp(env, 0);
    }
}

uint64_t helper_rdpkru(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;

    need_pkru(env);
    env->s.gpr[R_AX] = env->s.pkru;
    env->s.gpr[R_DX] = 0;
    return 0;
}

uint64_t helper_wrpkru(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;

    need_pkru(env);
    if ((uint32_t)env->s.gpr[R_DX]) {
        x86_gp(env, 0);
    }
    if (env->s.pkru != (uint32_t)env->s.gpr[R_AX]) {
        env->s.pkru = (uint32_t)env->s.gpr[R_AX];
        tcg_tlb_flush(env);
    }
    return 0;
}

/* ---- identification and time ---- */

uint64_t helper_cpuid(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    const CpuIntcOps *intc = env->cpu->intc;
    X86CpuidLive live = {.cr4 = env->s.cr4, .xcr0 = env->s.xcr0, .apic_enabled = intc != NULL};
    uint64_t base;
    uint32_t out[4];

    if (intc && intc->sysreg_read &&
        intc->sysreg_read(env->cpu->intc_opaque, X86_INTC_APICBASE, &base)) {
        live.apic_enabled = base >> 11 & 1;
    }
    x86_cpuid(env->config, &live, (uint32_t)env->s.gpr[R_AX], (uint32_t)env->s.gpr[R_CX], out);
    env->s.gpr[R_AX] = out[CPUID_EAX];
    env->s.gpr[R_BX] = out[CPUID_EBX];
    env->s.gpr[R_CX] = out[CPUID_ECX];
    env->s.gpr[R_DX] = out[CPUID_EDX];
    return 0;
}

uint64_t x86_tsc(Cpu *cpu, const X86State *s)
{
    uint64_t ns = (uint64_t)clock_ns(cpu->machine, CLOCK_VIRTUAL), hz = x86_cpu(cpu)->config.tsc_hz;

    return (hz == X86_TSC_HZ || !hz ? ns : muldiv64(ns, hz, NS_PER_SEC)) + (uint64_t)s->tsc_offset;
}

uint64_t x86_read_tsc(const X86Env *env)
{
    const X86State *s = &env->s;
    uint64_t t = x86_tsc(env->cpu, s);

    if (s->svm_guest) {
        t = (uint64_t)((unsigned __int128)t * s->tsc_ratio >> 32) + s->svm_tsc_offset;
    }
    return t;
}

uint64_t helper_rdtsc(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    return x86_read_tsc(opaque);
}

uint64_t helper_rdpmc(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;

    if (env->cpl == 0 || (env->s.cr4 & CR4_PCE)) {
        svm_check_insn(env, SVM_EXIT_RDPMC, 0); /* a host may have counters for its guest */
    }
    x86_gp(env, 0); /* no counters */
}
