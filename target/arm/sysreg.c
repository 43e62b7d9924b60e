/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System registers: which there are, access to them by MRS and MSR with all checks (Arm ARM D1.3.5, D13.1), and the
 * traps' syndromes. What each one does is in sysreg_*.c, timer.c, debug.c and pmu.c.
 *
 * Thread: the vCPU's own; sets are built on the main loop.
 */
#include <inttypes.h>
#include "base/log.h"
#include "target/arm/sysreg_a32.h"

/* ---- the set of one processor: a hash table of the rows whose feature it has ---- */

#define SET_BITS 11
struct ArmSysRegSet {
    const ArmSysRegDef *at[1 << SET_BITS];
};

static unsigned hash(uint32_t key)
{
    return (key * 2654435761u) >> (32 - SET_BITS);
}

static void add(struct ArmSysRegSet *set, const ArmSysRegDef *r)
{
    unsigned i = hash(r->reg.key);

    while (set->at[i]) {
        if (set->at[i]->reg.key == r->reg.key) {
            return; /* an earlier row of another feature has it */
        }
        i = (i + 1) & ((1 << SET_BITS) - 1);
    }
    set->at[i] = r;
}

static void add_group(struct ArmSysRegSet *set, const ArmCpuConfig *c, const ArmSysRegDef *rows, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (rows[i].feature < 0 || arm_has(c, (ArmFeature)rows[i].feature)) {
            add(set, &rows[i]);
        }
    }
}

struct ArmSysRegSet *arm_sysreg_set_new(const ArmCpuConfig *c)
{
    struct ArmSysRegSet *set = g_new0(struct ArmSysRegSet, 1);

    add_group(set, c, arm_pstate_regs, arm_pstate_n_regs);
    add_group(set, c, arm_el1_regs, arm_el1_n_regs);
    add_group(set, c, arm_el2_regs, arm_el2_n_regs);
    add_group(set, c, arm_el3_regs, arm_el3_n_regs);
    add_group(set, c, arm_id_regs, arm_id_n_regs);
    add_group(set, c, arm_timer_regs, arm_timer_n_regs);
    add_group(set, c, arm_debug_regs, arm_debug_n_regs);
    add_group(set, c, arm_pmu_regs, arm_pmu_n_regs);
    add_group(set, c, arm_gic_regs, arm_gic_n_regs);
    if (arm_has(c, ARM_FEAT_AA32) || !c->aarch64) {
        add_group(set, c, arm_a32_regs, arm_a32_n_regs);
        add_group(set, c, arm_a32_op_regs, arm_a32_op_n_regs);
    }
    if (!arm_has(c, ARM_FEAT_V8)) {
        add_group(set, c, arm_a32_old_regs, arm_a32_old_n_regs);
    }
    return set;
}

void arm_sysreg_set_free(struct ArmSysRegSet *set)
{
    g_free(set);
}

const ArmSysRegDef *arm_sysreg_def(const ArmCpuConfig *c, uint32_t key)
{
    const struct ArmSysRegSet *set = c->sysregs;

    for (unsigned i = hash(key); set && set->at[i]; i = (i + 1) & ((1 << SET_BITS) - 1)) {
        if (set->at[i]->reg.key == key) {
            return set->at[i];
        }
    }
    return NULL;
}

const ArmSysReg *arm_sysreg_find(const ArmCpuConfig *c, uint32_t key)
{
    const ArmSysRegDef *r = arm_sysreg_def(c, key);

    return r ? &r->reg : NULL;
}

/* ---- HCR_EL2.E2H ---- */

static unsigned key_op1(uint32_t key)
{
    return key >> 11 & 7;
}

static uint32_t with_op1(uint32_t key, unsigned op1)
{
    return (key & ~(7u << 11)) | op1 << 11;
}

static bool is_timer_key(uint32_t key)
{
    return (key >> 7 & 15) == 14 && ((key >> 3 & 15) == 2 || (key >> 3 & 15) == 3);
}

/* EL1 registers whose names mean EL2's at EL2 with E2H (D8.1.3, table D8-... of VHE). */
static bool is_redirected(uint32_t key)
{
    switch (key) {
    case ARM_KEY_SCTLR_EL1: case ARM_KEY_TTBR0_EL1: case ARM_KEY_TTBR1_EL1: case ARM_KEY_TCR_EL1:
    case ARM_KEY_AFSR0_EL1: case ARM_KEY_AFSR1_EL1: case ARM_KEY_ESR_EL1: case ARM_KEY_FAR_EL1:
    case ARM_KEY_MAIR_EL1: case ARM_KEY_AMAIR_EL1: case ARM_KEY_VBAR_EL1: case ARM_KEY_CONTEXTIDR_EL1:
    case ARM_KEY_ZCR_EL1: case ARM_KEY_SCXTNUM_EL1: case ARM_KEY_TFSR_EL1:
    case A64_SYSREG(3, 0, 4, 0, 0): /* SPSR_EL1 */
    case A64_SYSREG(3, 0, 4, 0, 1): /* ELR_EL1 */
        return true;
    default:
        return false;
    }
}

/* _EL12 and _EL02 names. */
static uint32_t from_el12(uint64_t mode, uint32_t key)
{
    uint32_t el1 = with_op1(key, is_timer_key(key) ? 3 : 0);
    bool there = is_timer_key(key) || is_redirected(el1) || el1 == ARM_KEY_CPACR_EL1 || el1 == ARM_KEY_CNTKCTL_EL1;

    return (mode & MODE_E2H) && there ? el1 : 0;
}

uint32_t arm_sysreg_redirect(uint64_t mode, uint32_t key)
{
    if (key >> 14 != 3) {
        return key;
    }
    if (key_op1(key) == 5) {
        return from_el12(mode, key);
    }
    if (!(mode & MODE_E2H)) {
        return key;
    }
    if (is_redirected(key)) {
        return with_op1(key, 4);
    }
    if (key_op1(key) == 3 && is_timer_key(key)) {
        return with_op1(key, 4); /* CNTP_ to CNTHP_, CNTV_ to CNTHV_ */
    }
    return key == ARM_KEY_CPACR_EL1 ? ARM_KEY_CPTR_EL2 : key == ARM_KEY_CNTKCTL_EL1 ? ARM_KEY_CNTHCTL_EL2 : key;
}

/* ---- traps ---- */

int arm_trap_hcr(const ArmEnv *env, uint64_t hcr_bits, uint64_t scr_bits)
{
    unsigned el = arm_el(env);

    if (el < 2 && (arm_hcr(env) & hcr_bits)) {
        return 2;
    }
    return el < 3 && arm_has(env->config, ARM_FEAT_EL3) && (env->s.sr[ARM_SR_SCR_EL3] & scr_bits) ? 3 : 0;
}

int arm_trap_unless(const ArmEnv *env, uint64_t hcr_bits, uint64_t scr_bits)
{
    unsigned el = arm_el(env);

    if (el < 2 && arm_el2_enabled(env) && !arm_host_el0(env) && (arm_hcr(env) & hcr_bits) != hcr_bits) {
        return 2;
    }
    return el < 3 && arm_has(env->config, ARM_FEAT_EL3) && (env->s.sr[ARM_SR_SCR_EL3] & scr_bits) != scr_bits ? 3 : 0;
}

/* ISS of a trapped MRS, MSR or system instruction (D17.2.37, EC 0x18). */
uint32_t arm_sysreg_iss(uint32_t key, bool read, unsigned rt)
{
    return (key >> 14 & 3) << 20 | (key & 7) << 17 | (key >> 11 & 7) << 14 | (key >> 7 & 15) << 10 | (rt & 31) << 5 |
           (key >> 3 & 15) << 1 | read;
}

void arm_sysreg_trap(ArmEnv *env, uint32_t key, bool read, unsigned rt, int target, ArmEc ec)
{
    uint32_t iss = arm_sysreg_iss(key, read, rt);

    if (target < 0) {
        arm_raise_undef(env);
    }
    if (ec == EC_FP) {
        iss = 1u << 24 | 0xeu << 20;
    } else if (ec == EC_SVE) {
        iss = 0;
    }
    arm_raise(env, ARM_FAULT_SYNC, arm_syndrome(ec, iss), (unsigned)target, 0);
}

/* Identification registers from EL0 (FEAT_IDST): a trap that says which, for emulation; UNDEFINED before it. */
static bool is_id_space(uint32_t key)
{
    return key >> 14 == 3 && (key >> 7 & 15) == 0 && (key_op1(key) == 0 || key_op1(key) == 1);
}

static const ArmSysRegDef *checked(ArmEnv *env, uint32_t key, bool read, unsigned rt)
{
    uint32_t real = arm_sysreg_redirect(env->mode, key);
    const ArmSysRegDef *r = arm_sysreg_def(env->config, real);
    unsigned el = arm_el(env);
    ArmEc ec = EC_MSR;

    if (el == 0 && read && is_id_space(key) && arm_has(env->config, ARM_FEAT_IDST)) {
        arm_sysreg_trap(env, key, read, rt, (int)arm_sync_target(env), EC_MSR);
    }
    if (!r || el < (read ? r->reg.min_el_r : r->reg.min_el_w)) {
        bool impdef = (key >> 14 & 3) >= 1 && ((key >> 7 & 15) == 11 || (key >> 7 & 15) == 15);
        if (impdef && el < 2 && (arm_hcr(env) & HCR_TIDCP)) {
            arm_sysreg_trap(env, key, read, rt, 2, EC_MSR);
        }
        log_mask(LOG_GUEST_ERROR, "%s of system register S%u_%u_C%u_C%u_%u at EL%u, pc 0x%" PRIx64 "\n",
                 read ? "read" : "write", key >> 14, key_op1(key), key >> 7 & 15, key >> 3 & 15, key & 7, el, env->s.pc);
        arm_raise_undef(env);
    }
    int target = r->trap ? r->trap(env, r, !read, &ec) : 0;
    if (target) {
        arm_sysreg_trap(env, key, read, rt, target, ec);
    }
    return r;
}

/* ---- values ---- */

static uint64_t *storage(ArmEnv *env, const ArmSysRegDef *r)
{
    if (r->slot >= 0) {
        return &env->s.sr[r->slot];
    }
    return r->reg.offset ? (uint64_t *)((char *)env + r->reg.offset) : NULL;
}

void arm_sysreg_store(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    uint64_t *p = storage(env, r);

    *p = (*p & ~r->mask) | (v & r->mask);
}

void arm_sysreg_store_mode(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    arm_sysreg_store(env, r, v);
    arm_update_mode(env);
}

void arm_sysreg_store_regime(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    uint64_t old = *storage(env, r);

    arm_sysreg_store(env, r, v);
    arm_update_mode(env);
    arm_regime_changed(env, r->reg.key, old, *storage(env, r));
}

uint64_t arm_sysreg_zero(ArmEnv *env, const ArmSysRegDef *r)
{
    return 0;
}

void arm_sysreg_ignore(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
}

uint64_t arm_sysreg_get(ArmEnv *env, const ArmSysRegDef *r)
{
    const uint64_t *p = r->read ? NULL : storage(env, r);

    return r->read ? r->read(env, r) : p ? *p : 0;
}

void arm_sysreg_put(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    if (r->write) {
        r->write(env, r, v);
    } else if (storage(env, r)) {
        arm_sysreg_store(env, r, v);
    }
}

uint64_t helper_sysreg_read(void *opaque, uint64_t key, uint64_t b, uint64_t rt)
{
    ArmEnv *env = opaque;

    if (key >> 31) {
        return arm_a32_sysreg_read(env, (uint32_t)key, (uint32_t)rt);
    }
    return arm_sysreg_get(env, checked(env, (uint32_t)key, true, (unsigned)rt));
}

uint64_t helper_sysreg_write(void *opaque, uint64_t key, uint64_t v, uint64_t rt)
{
    ArmEnv *env = opaque;

    if (key >> 31) {
        arm_a32_sysreg_write(env, (uint32_t)key, v, (uint32_t)rt);
    } else {
        arm_sysreg_put(env, checked(env, (uint32_t)key, false, (unsigned)rt), v);
    }
    return 0;
}
