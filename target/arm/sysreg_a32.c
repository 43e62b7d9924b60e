/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AArch32's views of the system registers: access to coprocessors 14 and 15 with all checks (Arm ARM G8, G1.20). Which
 * register is a view of what is in sysreg_a32_rows.c.
 *
 * Where EL3 uses AArch32, Secure state has copies of its own (slots *_S and those of EL3).
 *
 * Thread: the vCPU's own.
 */
#include <inttypes.h>
#include "base/log.h"
#include "target/arm/exception.h"
#include "target/arm/sysreg_a32.h"

/* Fields of a key. */
static unsigned k_cp(uint32_t key)
{
    return key >> 16 & 15;
}
static bool k_wide(uint32_t key)
{
    return key >> 30 & 1;
}
static unsigned k_opc1(uint32_t key)
{
    return key >> 3 & 15;
}
static unsigned k_crn(uint32_t key)
{
    return key >> 11 & 15;
}
static unsigned k_crm(uint32_t key)
{
    return key >> 7 & 15;
}

bool arm_a32_banked_secure(const ArmEnv *env)
{
    return !env->config->aarch64 && arm_secure_below_el3(env);
}

/* ---- views of slots ---- */

static unsigned slot_of(const ArmEnv *env, const ArmSysRegDef *r)
{
    unsigned secure = r->mask & 0xfff;

    return secure && arm_a32_banked_secure(env) ? secure - 1 : (unsigned)r->slot;
}

static uint64_t part(uint64_t v, unsigned how)
{
    return how & A32_HI ? v >> 32 : how & A32_FULL ? v : (uint32_t)v;
}

static uint64_t with_part(uint64_t old, uint64_t v, unsigned how)
{
    return how & A32_HI ? deposit64(old, 32, 32, v) : how & A32_FULL ? v : deposit64(old, 0, 32, v);
}

uint64_t arm_a32_slot_read(ArmEnv *env, const ArmSysRegDef *r)
{
    return part(env->s.sr[slot_of(env, r)], r->mask >> 16 & 0xff);
}

/* The A64 key that tells the TLB what has changed; Secure copies without one count as "anything". */
static uint32_t key_of_slot(unsigned slot)
{
    static const uint32_t keys[ARM_SR__COUNT] = {
#define R(name, op0, op1, crn, crm, op2, reset, help) [ARM_SR_##name] = A64_SYSREG(op0, op1, crn, crm, op2),
#include "target/arm/sysreg.def"
#undef R
    };

    return keys[slot];
}

void arm_a32_slot_write(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    unsigned slot = slot_of(env, r), how = r->mask >> 16 & 0xff;
    uint64_t keep = r->mask >> 32, old = env->s.sr[slot];

    v = (v & ~keep) | (part(old, how) & keep);
    env->s.sr[slot] = with_part(old, v, how);
    if (how & A32_MODE) {
        arm_update_mode(env);
    }
    if (how & A32_REGIME) {
        arm_regime_changed(env, key_of_slot(slot), old, env->s.sr[slot]);
    }
}

/* ---- views of registers that do more than keep a value ---- */

static const ArmSysRegDef *real(const ArmEnv *env, const ArmSysRegDef *r)
{
    return arm_sysreg_def(env->config, (uint32_t)(r->mask & 0xffff));
}

uint64_t arm_a32_real_read(ArmEnv *env, const ArmSysRegDef *r)
{
    const ArmSysRegDef *d = real(env, r);

    return d ? part(arm_sysreg_get(env, d), r->mask >> 16 & 0xff) : 0;
}

void arm_a32_real_write(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    const ArmSysRegDef *d = real(env, r);
    unsigned how = r->mask >> 16 & 0xff;

    if (!d) {
        return;
    }
    if (how & A32_HI || (how & A32_LO_OF_64)) {
        v = with_part(arm_sysreg_get(env, d), v, how);
    }
    arm_sysreg_put(env, d, v);
}

int arm_a32_real_trap(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    const ArmSysRegDef *d = real(env, r);

    if (!d) {
        return -1;
    }
    return d->trap ? d->trap(env, d, write, ec) : 0;
}

/* ---- access ---- */

/* ISS of a trapped MCR, MRC, MCRR, MRRC (G8.2.70, D17.2.37). */
static uint32_t a32_iss(uint32_t key, bool read, uint32_t where)
{
    uint32_t cond = where >> 16 & 15, rt = where & 15, rt2 = where >> 8 & 15, iss;

    iss = 1u << 24 | (where >> 16 ? cond : 14u) << 20 | rt << 5 | k_crm(key) << 1 | read;
    if (k_wide(key)) {
        return iss | k_opc1(key) << 16 | rt2 << 10;
    }
    return iss | (key & 7) << 17 | k_opc1(key) << 14 | k_crn(key) << 10;
}

static void G_GNUC_NORETURN a32_trap(ArmEnv *env, uint32_t key, bool read, uint32_t where, int target, ArmEc ec)
{
    bool cp14 = k_cp(key) == 14;

    if (target <= 0) {
        arm_raise_undef(env);
    }
    if (arm_el_is_a32(env, (unsigned)target) && target != 2) {
        arm_raise_undef(env);
    }
    if (ec == EC_MSR) {
        ec = k_wide(key) ? (cp14 ? EC_CP14_RR : EC_CP15_RR) : cp14 ? EC_CP14 : EC_CP15;
    }
    arm_raise(env, ARM_FAULT_SYNC, arm_syndrome(ec, a32_iss(key, read, where)), (unsigned)target, 0);
}

/* Traps to Hyp by CRn: HSTR, and HCR.TIDCP's implementation defined space (G8.2.58, G8.2.60). */
static bool trapped_by_number(const ArmEnv *env, uint32_t key)
{
    unsigned n = k_wide(key) ? k_crm(key) : k_crn(key), m = k_crm(key);

    if (arm_el(env) >= 2 || !arm_el2_enabled(env) || k_cp(key) != 15) {
        return false;
    }
    if (n != 4 && n != 14 && (env->s.sr[ARM_SR_HSTR_EL2] >> n & 1) && !arm_host_el0(env)) {
        return true;
    }
    if (k_wide(key) || !(arm_hcr(env) & HCR_TIDCP)) {
        return false;
    }
    return (n == 9 && (m <= 2 || (m >= 5 && m <= 8))) || (n == 10 && (m <= 1 || m == 4 || m == 8)) ||
           (n == 11 && (m <= 8 || m == 15));
}

static const ArmSysRegDef *checked(ArmEnv *env, uint32_t key, bool read, uint32_t where)
{
    const ArmSysRegDef *r = arm_sysreg_def(env->config, key);
    unsigned el = arm_el(env);
    ArmEc ec = EC_MSR;

    if (trapped_by_number(env, key)) {
        a32_trap(env, key, read, where, 2, EC_MSR);
    }
    if (!r || el < (read ? r->reg.min_el_r : r->reg.min_el_w)) {
        log_mask(LOG_GUEST_ERROR, "%s of p%u, %u, c%u, c%u, %u at EL%u, pc 0x%" PRIx64 "\n", read ? "read" : "write",
                 k_cp(key), k_opc1(key), k_crn(key), k_crm(key), key & 7, el, env->s.pc);
        arm_raise_undef(env);
    }
    int target = r->trap ? r->trap(env, r, !read, &ec) : 0;
    if (target) {
        a32_trap(env, key, read, where, target, ec);
    }
    return r;
}

uint64_t arm_a32_sysreg_read(ArmEnv *env, uint32_t key, uint32_t where)
{
    return arm_sysreg_get(env, checked(env, key, true, where));
}

void arm_a32_sysreg_write(ArmEnv *env, uint32_t key, uint64_t v, uint32_t where)
{
    arm_sysreg_put(env, checked(env, key, false, where), k_wide(key) ? v : (uint32_t)v);
}
