/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Self-hosted debug (Arm ARM D2, G2): breakpoints, watchpoints, software step, and the debug registers. There is no
 * external debugger, so the communication channel is idle.
 *
 * Thread: the vCPU's own.
 */
#include "target/arm/exception.h"
#include "target/arm/sysreg_rows.h"

#define N_BRP 6
#define N_WRP 4
#define OSLSR_OSLK 2
/* DBGBCR, DBGWCR. */
#define BCR_E 1
#define BCR_BT(v) ((v) >> 20 & 15)
#define BCR_LBN(v) ((v) >> 16 & 15)
#define BCR_BAS(v) ((v) >> 5 & 15)
#define WCR_E 1
#define WCR_LSC(v) ((v) >> 3 & 3)
#define WCR_BAS(v) ((v) >> 5 & 0xff)
#define WCR_WT 0x100000
#define WCR_MASK(v) ((v) >> 24 & 31)
#define DFSC_DEBUG 0x22

/* ---- who may be debugged (D2.3) ---- */

static unsigned debug_target(const ArmEnv *env)
{
    bool el2 = arm_el2_enabled(env) &&
               ((arm_hcr(env) & HCR_TGE) || (env->s.sr[ARM_SR_MDCR_EL2] & MDCR_TDE));

    return el2 ? 2 : 1;
}

/* Are debug exceptions generated at el with that mask bit? */
static bool enabled_from(const ArmEnv *env, unsigned el, bool masked)
{
    unsigned target = debug_target(env);

    if ((env->s.sr[ARM_SR_OSLSR_EL1] & OSLSR_OSLK) || (env->s.sr[ARM_SR_OSDLR_EL1] & 1) || el == 3) {
        return false;
    }
    if (arm_secure(env) && env->config->aarch64 && (env->s.sr[ARM_SR_MDCR_EL3] & MDCR3_SDD)) {
        return false;
    }
    if (target != el) {
        return target > el;
    }
    return (env->s.sr[ARM_SR_MDSCR_EL1] & MDSCR_KDE) && !masked;
}

static bool enabled_now(const ArmEnv *env)
{
    /* AArch32's PL1 has no mask bit: breakpoints hit there if it is the target too (G2.3). */
    bool a32 = arm_is_a32(env);

    if (a32 && arm_el(env) == 1 && arm_el_is_a32(env, 1)) {
        return !(env->s.sr[ARM_SR_OSLSR_EL1] & OSLSR_OSLK) && debug_target(env) == 1;
    }
    return enabled_from(env, arm_el(env), !a32 && (env->s.pstate & PSTATE_D));
}

static bool stepping(const ArmEnv *env)
{
    return (env->s.sr[ARM_SR_MDSCR_EL1] & MDSCR_SS) && !arm_el_is_a32(env, debug_target(env)) && enabled_now(env);
}

bool arm_step_kept(const ArmEnv *env, uint32_t spsr)
{
    unsigned el = arm_pstate_el(env, spsr);
    bool a32 = spsr & PSTATE_NRW;

    if (!(env->s.sr[ARM_SR_MDSCR_EL1] & MDSCR_SS) || arm_el_is_a32(env, debug_target(env)) || enabled_now(env)) {
        return false;
    }
    return enabled_from(env, el, !a32 && (spsr & PSTATE_D));
}

static bool any_breakpoint(const ArmEnv *env)
{
    for (int i = 0; i < N_BRP; i++) {
        if (env->s.sr[ARM_SR_DBGBCR0_EL1 + i] & BCR_E) {
            return true;
        }
    }
    return false;
}

uint64_t arm_debug_mode(const ArmEnv *env)
{
    uint64_t mdscr = env->s.sr[ARM_SR_MDSCR_EL1], m = 0;

    if ((mdscr & MDSCR_SS) && stepping(env)) {
        m |= MODE_SS;
    }
    if ((mdscr & MDSCR_MDE) && any_breakpoint(env) && enabled_now(env)) {
        m |= MODE_DEBUG;
    }
    return m;
}

/* ---- matching ---- */

/* Level and Security state as SSC, HMC, PxC say (AArch64.StateMatch). user: an unprivileged access. */
static bool state_matches(const ArmEnv *env, uint64_t cr, bool user)
{
    unsigned ssc = cr >> 14 & 3, hmc = cr >> 13 & 1, pxc = cr >> 1 & 3;
    bool secure = arm_secure(env), ok;

    switch (user ? 0 : arm_el(env)) {
    case 0:
        ok = pxc & 2;
        break;
    case 1:
        ok = pxc & 1;
        break;
    case 2:
        ok = (hmc && !(ssc == 2 && pxc == 0)) || ssc == 3;
        break;
    default:
        ok = hmc && !(ssc & 1);
    }
    if (ssc == 1 && secure) {
        return false;
    }
    return ok && !(ssc == 2 && !secure);
}

/* Breakpoint n compares contexts (types 3, 9, 11): is this its context? Also types 2, 8, 10 by themselves. */
static bool context_matches(const ArmEnv *env, unsigned n)
{
    uint64_t bcr = env->s.sr[ARM_SR_DBGBCR0_EL1 + n], bvr = env->s.sr[ARM_SR_DBGBVR0_EL1 + n];
    unsigned type = BCR_BT(bcr) & ~1u;
    bool host = arm_el(env) == 2 || arm_host_el0(env);
    uint64_t id = env->s.sr[host && (arm_hcr(env) & HCR_E2H) ? ARM_SR_CONTEXTIDR_EL2 : ARM_SR_CONTEXTIDR_EL1];
    uint64_t vmid = env->s.sr[ARM_SR_VTTBR_EL2] >> 48 & 0xff;
    bool id_ok = (uint32_t)id == (uint32_t)bvr, vm_ok = arm_el(env) < 2 && arm_el2_enabled(env) && vmid == (bvr >> 32 & 0xff);

    switch (type) {
    case 2:
        return id_ok;
    case 8:
        return vm_ok;
    case 10:
        return id_ok && vm_ok;
    default:
        return false;
    }
}

static bool linked_matches(const ArmEnv *env, uint64_t cr)
{
    unsigned n = BCR_LBN(cr);
    uint64_t bcr = n < N_BRP ? env->s.sr[ARM_SR_DBGBCR0_EL1 + n] : 0;

    return (bcr & BCR_E) && (BCR_BT(bcr) & 1) && context_matches(env, n);
}

static bool breakpoint_hits(const ArmEnv *env, unsigned n, uint64_t pc)
{
    uint64_t bcr = env->s.sr[ARM_SR_DBGBCR0_EL1 + n], bvr = env->s.sr[ARM_SR_DBGBVR0_EL1 + n];
    unsigned type = BCR_BT(bcr);

    if (!(bcr & BCR_E) || !state_matches(env, bcr, false)) {
        return false;
    }
    if (type == 2 || type == 8 || type == 10) {
        return context_matches(env, n);
    }
    if (type > 1 || (type == 1 && !linked_matches(env, bcr))) {
        return false;
    }
    bool top = arm_is_a32(env) ? (uint32_t)bvr >> 2 == (uint32_t)pc >> 2 : ((bvr ^ pc) & MASK64(2, 51)) == 0;
    /* BAS: 0b1111 for A64 and A32; T32 instructions are at the lower or the upper half. */
    return top && (!arm_is_a32(env) || (BCR_BAS(bcr) >> (pc & 2) & 3));
}

static void G_GNUC_NORETURN debug_exception(ArmEnv *env, ArmFaultKind kind, ArmEc ec, uint32_t iss, uint64_t far)
{
    unsigned target = debug_target(env);

    arm_note(env, kind, arm_syndrome(ec, iss), target, far);
    env->fault.fsr = env->s.sr[ARM_SR_TCR_EL1] >> 31 & 1 ? 1u << 9 | DFSC_DEBUG : 2; /* G2.10 */
    tcg_raise(env);
}

uint64_t helper_check_step(void *opaque, uint64_t pc, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;

    if ((env->mode & MODE_SS) && !(env->s.pstate & PSTATE_SS)) {
        /* Active, pending. ISV = 0: whether the stepped instruction was a load exclusive is not told. */
        debug_exception(env, ARM_FAULT_SYNC, EC_STEP, DFSC_DEBUG, 0);
    }
    for (unsigned n = 0; (env->mode & MODE_DEBUG) && n < N_BRP; n++) {
        if (breakpoint_hits(env, n, pc)) {
            debug_exception(env, ARM_FAULT_PREFETCH, EC_BKPT, DFSC_DEBUG, pc);
        }
    }
    return 0;
}

/* ---- watchpoints (D2.10) ---- */

static bool any_watchpoint(const ArmEnv *env)
{
    if (!(env->s.sr[ARM_SR_MDSCR_EL1] & MDSCR_MDE)) {
        return false;
    }
    for (int i = 0; i < N_WRP; i++) {
        if (env->s.sr[ARM_SR_DBGWCR0_EL1 + i] & WCR_E) {
            return true;
        }
    }
    return false;
}

void arm_debug_changed(ArmEnv *env)
{
    bool on = any_watchpoint(env);

    if (on || env->watching) {
        env->watching = on;
        tcg_watch(env, on);
    }
    arm_update_mode(env);
}

/* Bytes [*from, *to] that watchpoint n covers: a power of two by MASK, or by BAS in a doubleword or word. */
static void watched_range(const ArmEnv *env, unsigned n, uint64_t *from, uint64_t *to)
{
    uint64_t wcr = env->s.sr[ARM_SR_DBGWCR0_EL1 + n];
    uint64_t wvr = (uint64_t)sextract64(env->s.sr[ARM_SR_DBGWVR0_EL1 + n], 0, 53) & ~3ull;
    unsigned bas = WCR_BAS(wcr), mask = WCR_MASK(wcr);

    if (mask >= 3) {
        *from = wvr & ~MASK64(0, mask);
        *to = *from | MASK64(0, mask);
        return;
    }
    bas = wvr & 4 ? bas & 15 : bas;
    if (!bas) {
        *from = 1;
        *to = 0; /* nothing */
        return;
    }
    *from = wvr + (unsigned)__builtin_ctz(bas);
    *to = wvr + 31 - (unsigned)__builtin_clz(bas);
}

bool arm_watches(void *opaque, uint64_t va, int mmu)
{
    const ArmEnv *env = opaque;

    for (unsigned n = 0; n < N_WRP; n++) {
        uint64_t from, to;
        if (!(env->s.sr[ARM_SR_DBGWCR0_EL1 + n] & WCR_E)) {
            continue;
        }
        watched_range(env, n, &from, &to);
        if (from <= to && (from & ~0xfffull) <= (va | 0xfff) && (to | 0xfff) >= (va & ~0xfffull)) {
            return true;
        }
    }
    return false;
}

static bool watchpoint_hits(const ArmEnv *env, unsigned n, uint64_t va, size_t len, bool write, bool user)
{
    uint64_t wcr = env->s.sr[ARM_SR_DBGWCR0_EL1 + n], from, to;

    if (!(wcr & WCR_E) || !(WCR_LSC(wcr) & (write ? 2 : 1)) || !state_matches(env, wcr, user)) {
        return false;
    }
    watched_range(env, n, &from, &to);
    if (from > to || va > to || va + len - 1 < from) {
        return false;
    }
    return !(wcr & WCR_WT) || linked_matches(env, wcr);
}

void arm_accessed(void *opaque, uint64_t va, size_t len, int access, int mmu)
{
    ArmEnv *env = opaque;
    bool write = access == MMU_WRITE, user = mmu == ARM_MMU_E10_0 || mmu == ARM_MMU_E20_0;

    if (!any_watchpoint(env) || !enabled_now(env)) {
        return;
    }
    for (unsigned n = 0; n < N_WRP; n++) {
        if (watchpoint_hits(env, n, va, len, write, user)) {
            debug_exception(env, ARM_FAULT_DATA, EC_WATCH, DFSC_DEBUG | (write ? 1u << 6 : 0), va);
        }
    }
}

/* ---- registers ---- */

static int trap_by(const ArmEnv *env, uint64_t el2_bits, uint64_t el3_bits)
{
    bool tde = arm_hcr(env) & HCR_TGE;

    if (arm_el(env) < 2 && arm_el2_enabled(env) && (tde || (env->s.sr[ARM_SR_MDCR_EL2] & el2_bits))) {
        return 2;
    }
    return arm_el(env) < 3 && arm_has(env->config, ARM_FEAT_EL3) && (env->s.sr[ARM_SR_MDCR_EL3] & el3_bits) ? 3 : 0;
}

static int trap_da(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return trap_by(env, MDCR_TDE | MDCR_TDA, MDCR_TDA);
}

static int trap_dosa(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return trap_by(env, MDCR_TDE | MDCR_TDOSA, MDCR_TDOSA);
}

static int trap_dra(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return trap_by(env, MDCR_TDE | MDCR_TDRA, MDCR_TDA);
}

static int trap_dcc(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    if (arm_el(env) == 0 && (env->s.sr[ARM_SR_MDSCR_EL1] & MDSCR_TDCC)) {
        return (int)arm_sync_target(env);
    }
    return trap_da(env, r, write, ec);
}

static void write_debug(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    arm_sysreg_store(env, r, v);
    arm_debug_changed(env);
}

static void write_oslar(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    env->s.sr[ARM_SR_OSLSR_EL1] = v & 1 ? env->s.sr[ARM_SR_OSLSR_EL1] | OSLSR_OSLK
                                        : env->s.sr[ARM_SR_OSLSR_EL1] & ~(uint64_t)OSLSR_OSLK;
    arm_debug_changed(env);
}

/* Claim tags: SET reads as ones, the tags there are; CLR reads the tags and clears them. */
static uint64_t read_claimset(ArmEnv *env, const ArmSysRegDef *r)
{
    return 0xff;
}

static void write_claimset(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    env->s.sr[ARM_SR_DBGCLAIM_EL1] |= v & 0xff;
}

static void write_claimclr(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    env->s.sr[ARM_SR_DBGCLAIM_EL1] &= ~(v & 0xff);
}

/* Debug is always enabled, for invasive and non-invasive use (D17.3.9). */
static uint64_t read_authstatus(ArmEnv *env, const ArmSysRegDef *r)
{
    return arm_has(env->config, ARM_FEAT_EL3) ? 0xff : 0x0f;
}

#define BRP(i)                                                                                                         \
    {SLOT(DBGBVR##i##_EL1, 1, 1, SR_END), .feature = ALWAYS, .mask = ~3ull, .write = write_debug, .trap = trap_da},   \
    {SLOT(DBGBCR##i##_EL1, 1, 1, SR_END), .feature = ALWAYS, .mask = 0xffe1e7, .write = write_debug, .trap = trap_da}
#define WRP(i)                                                                                                         \
    {SLOT(DBGWVR##i##_EL1, 1, 1, SR_END), .feature = ALWAYS, .mask = ~3ull, .write = write_debug, .trap = trap_da},   \
    {SLOT(DBGWCR##i##_EL1, 1, 1, SR_END), .feature = ALWAYS, .mask = 0x1f1fffff, .write = write_debug,                \
     .trap = trap_da}

const ArmSysRegDef arm_debug_regs[] = {
    {SLOT(MDSCR_EL1, 1, 1, SR_INLINE_R | SR_END), .feature = ALWAYS, .mask = 0x6c0ff001 | 1u << 26 | 1u << 30,
     .write = write_debug, .trap = trap_da},
    {SLOT(MDCCINT_EL1, 1, 1, 0), .feature = ALWAYS, .mask = 0x60000000, .trap = trap_da},
    {SLOT(OSDTRRX_EL1, 1, 1, 0), .feature = ALWAYS, .mask = UINT32_MAX, .trap = trap_da},
    {SLOT(OSDTRTX_EL1, 1, 1, 0), .feature = ALWAYS, .mask = UINT32_MAX, .trap = trap_da},
    {SLOT(OSECCR_EL1, 1, 1, 0), .feature = ALWAYS, .mask = 0, .trap = trap_da},
    BRP(0), BRP(1), BRP(2), BRP(3), BRP(4), BRP(5),
    WRP(0), WRP(1), WRP(2), WRP(3),
    {SR2("MDCCSR_EL0", 3, 0, 1, 0, 0, 4, SR_RO), .feature = ALWAYS, .slot = -1, .read = arm_sysreg_zero,
     .trap = trap_dcc},
    {SR2("DBGDTR_EL0", 3, 0, 4, 0, 0, 0, 0), .feature = ALWAYS, .slot = -1, .read = arm_sysreg_zero,
     .write = arm_sysreg_ignore, .trap = trap_dcc},
    {SR2("DBGDTRRX_EL0", 3, 0, 5, 0, 0, 0, 0), .feature = ALWAYS, .slot = -1, .read = arm_sysreg_zero,
     .write = arm_sysreg_ignore, .trap = trap_dcc},
    {SR2("MDRAR_EL1", 0, 1, 0, 0, 1, 4, SR_RO), .feature = ALWAYS, .slot = -1, .read = arm_sysreg_zero,
     .trap = trap_dra},
    {SR2("OSLAR_EL1", 0, 1, 0, 4, 4, 1, SR_END), .feature = ALWAYS, .slot = -1, .write = write_oslar,
     .trap = trap_dosa},
    {SLOT(OSLSR_EL1, 1, 4, SR_RO), .feature = ALWAYS, .trap = trap_dosa},
    {SLOT(OSDLR_EL1, 1, 1, SR_END), .feature = ARM_FEAT_DoubleLock, .mask = 1, .write = write_debug,
     .trap = trap_dosa},
    {SR2("OSDLR_EL1", 0, 1, 3, 4, 1, 1, 0), .feature = ALWAYS, .slot = -1, .read = arm_sysreg_zero,
     .write = arm_sysreg_ignore, .trap = trap_dosa},
    {SLOT(DBGPRCR_EL1, 1, 1, 0), .feature = ALWAYS, .mask = 1, .trap = trap_dosa},
    {SR2("DBGCLAIMSET_EL1", 0, 7, 8, 6, 1, 1, 0), .feature = ALWAYS, .slot = -1, .read = read_claimset,
     .write = write_claimset, .trap = trap_da},
    {SLOT(DBGCLAIM_EL1, 1, 1, 0), .feature = ALWAYS, .write = write_claimclr, .trap = trap_da},
    {SR2("DBGAUTHSTATUS_EL1", 0, 7, 14, 6, 1, 4, SR_RO), .feature = ALWAYS, .slot = -1, .read = read_authstatus,
     .trap = trap_da},
    {SLOT(DBGVCR32_EL2, 2, 2, 0), .feature = ARM_FEAT_AA32_EL1, .mask = 0xd0d0d0de},
};
const unsigned arm_debug_n_regs = ARRAY_LEN(arm_debug_regs);
