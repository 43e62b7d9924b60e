/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system instructions of A64 behind SYS (Arm ARM C5.3, C5.4, C5.5): TLBI, AT, DC, IC, prediction restriction;
 * barriers that wait.
 *
 * Caches are coherent here and code is watched, so maintenance has its checks only.
 *
 * Thread: the vCPU's own.
 */
#include <sched.h>
#include "target/arm/exception.h"
#include "target/arm/sysreg_rows.h"
#include "target/arm/sysreg_set.h"

/* Fields of a key. */
static unsigned k_op1(uint32_t key)
{
    return key >> 11 & 7;
}
static unsigned k_crn(uint32_t key)
{
    return key >> 7 & 15;
}
static unsigned k_crm(uint32_t key)
{
    return key >> 3 & 15;
}
static unsigned k_op2(uint32_t key)
{
    return key & 7;
}

/* One system instruction's access: 0 granted, else as ArmSysRegDef.trap. */
typedef struct Sys {
    ArmEnv *env;
    uint32_t key;
    unsigned el;
} Sys;

static bool has(const Sys *s, ArmFeature f)
{
    return arm_has(s->env->config, f);
}

/* ---- TLBI ---- */

/* Bits of op2 that are allocated, by CRm, for op1 = 0, 4, 6 (C5.5). */
static const uint8_t tlbi_el1[8] = {[1] = 0xaf, [2] = 0xaa, [3] = 0xaf, [5] = 0xaa, [6] = 0xaa, [7] = 0xaf};
static const uint8_t tlbi_el2[8] = {[0] = 0x66, [1] = 0x73, [2] = 0x22, [3] = 0x73, [4] = 0xff, [5] = 0x22,
                                    [6] = 0x22, [7] = 0x73};
static const uint8_t tlbi_el3[8] = {[1] = 0x23, [2] = 0x22, [3] = 0x23, [5] = 0x22, [6] = 0x22, [7] = 0x23};

static bool tlbi_is_range(unsigned op1, unsigned crm, unsigned op2)
{
    if (op1 == 4 && (crm == 0 || crm == 4)) {
        return crm == 0 ? op2 == 2 || op2 == 6 : op2 == 2 || op2 == 3 || op2 == 6 || op2 == 7;
    }
    return crm == 2 || crm == 5 || crm == 6;
}

static bool tlbi_is_outer(unsigned op1, unsigned crm, unsigned op2)
{
    if (op1 == 4 && crm == 4) {
        return op2 == 0 || op2 == 3 || op2 == 4 || op2 == 7;
    }
    return crm == 1 || crm == 5;
}

static bool tlbi_is_inner(unsigned op1, unsigned crm)
{
    return crm == 2 || crm == 3 || (op1 == 4 && crm == 0);
}

static int tlbi_access(const Sys *s)
{
    unsigned op1 = k_op1(s->key), crm = k_crm(s->key), op2 = k_op2(s->key);
    const uint8_t *there = op1 == 0 ? tlbi_el1 : op1 == 4 ? tlbi_el2 : op1 == 6 ? tlbi_el3 : NULL;
    unsigned min = op1 == 0 ? 1 : op1 == 4 ? 2 : 3;

    if (!there || crm > 7 || !(there[crm] >> op2 & 1) || s->el < min) {
        return -1;
    }
    if (tlbi_is_range(op1, crm, op2) && !has(s, ARM_FEAT_TLBIRANGE)) {
        return -1;
    }
    if (tlbi_is_outer(op1, crm, op2) && !has(s, ARM_FEAT_TLBIOS)) {
        return -1;
    }
    if ((op1 == 4 && !has(s, ARM_FEAT_EL2)) || (op1 == 6 && !has(s, ARM_FEAT_EL3))) {
        return -1;
    }
    if (k_crn(s->key) == 9 && !has(s, ARM_FEAT_XS)) {
        return -1;
    }
    if (op1 == 0 && s->el == 1) {
        uint64_t bits = HCR_TTLB | (tlbi_is_outer(op1, crm, op2) ? HCR_TTLBOS : tlbi_is_inner(op1, crm) ? HCR_TTLBIS : 0);
        return arm_trap_hcr(s->env, bits, 0);
    }
    return 0;
}

/* ---- AT ---- */

static int at_access(const Sys *s)
{
    unsigned op1 = k_op1(s->key), crm = k_crm(s->key), op2 = k_op2(s->key);

    if (op1 == 0 && crm == 8 && op2 < 4) {
        return s->el < 1 ? -1 : s->el == 1 ? arm_trap_hcr(s->env, HCR_AT, 0) : 0;
    }
    if (op1 == 0 && crm == 9 && op2 < 2 && has(s, ARM_FEAT_PAN2)) {
        return s->el < 1 ? -1 : s->el == 1 ? arm_trap_hcr(s->env, HCR_AT, 0) : 0;
    }
    if (op1 == 4 && crm == 8 && (op2 < 2 || op2 >= 4)) {
        return s->el < 2 || !has(s, ARM_FEAT_EL2) ? -1 : 0;
    }
    return op1 == 6 && crm == 8 && op2 < 2 && s->el == 3 ? 0 : -1;
}

/* ---- caches ---- */

/* What SCTLR.UCI opens to EL0, and HCR traps. */
static int user_access(const Sys *s, uint64_t hcr_bits)
{
    if (s->el == 0 && !(arm_sctlr(s->env, 0) & SCTLR_UCI)) {
        return (int)arm_sync_target(s->env);
    }
    return arm_trap_hcr(s->env, hcr_bits, 0);
}

static bool has_tags(const Sys *s)
{
    return has(s, ARM_FEAT_MTE2);
}

/* DC by set and way, and invalidation: op1 = 0. IC by all. */
static int privileged_cache(const Sys *s)
{
    unsigned crm = k_crm(s->key), op2 = k_op2(s->key);

    if (s->el == 0) {
        return -1;
    }
    if (op2 == 0 && (crm == 1 || crm == 5)) { /* IC IALLUIS, IALLU */
        return s->el > 1 ? 0 : arm_trap_hcr(s->env, HCR_TPU | (crm == 1 ? HCR_TICAB : HCR_TOCU), 0);
    }
    if (crm == 6 && (op2 == 1 || ((op2 == 3 || op2 == 5) && has_tags(s)))) { /* DC IVAC, IGVAC, IGDVAC */
        return s->el > 1 ? 0 : arm_trap_hcr(s->env, HCR_TPCP, 0);
    }
    if ((crm == 6 || crm == 10 || crm == 14) && (op2 == 2 || ((op2 == 4 || op2 == 6) && has_tags(s)))) {
        return s->el > 1 ? 0 : arm_trap_hcr(s->env, HCR_TSW, 0);
    }
    return -1;
}

/* op1 = 3: by address. *zva: it writes, and is one of the DC ZVA family. */
static int user_cache(const Sys *s, bool *zva)
{
    unsigned crm = k_crm(s->key), op2 = k_op2(s->key);
    bool tag_form = (op2 == 3 || op2 == 5) && has_tags(s);

    *zva = crm == 4;
    switch (crm) {
    case 3: /* CFP, DVP, CPP RCTX */
        if (!has(s, ARM_FEAT_SPECRES) || (op2 != 4 && op2 != 5 && op2 != 7)) {
            return -1;
        }
        return s->el == 0 && !(arm_sctlr(s->env, 0) & SCTLR_EnRCTX) ? (int)arm_sync_target(s->env) : 0;
    case 4: /* DC ZVA, GVA, GZVA */
        if (op2 != 1 && !((op2 == 3 || op2 == 4) && has_tags(s))) {
            return -1;
        }
        if (s->el == 0 && !(arm_sctlr(s->env, 0) & SCTLR_DZE)) {
            return (int)arm_sync_target(s->env);
        }
        return arm_trap_hcr(s->env, HCR_TDZ, 0);
    case 5: /* IC IVAU */
        return op2 == 1 ? user_access(s, HCR_TPU | HCR_TOCU) : -1;
    case 10: /* DC CVAC */
    case 14: /* DC CIVAC */
        return op2 == 1 || tag_form ? user_access(s, HCR_TPCP) : -1;
    case 11: /* DC CVAU */
        return op2 == 1 ? user_access(s, HCR_TPU | HCR_TOCU) : -1;
    case 12: /* DC CVAP */
        return has(s, ARM_FEAT_DPB) && (op2 == 1 || tag_form) ? user_access(s, HCR_TPCP) : -1;
    case 13: /* DC CVADP */
        return has(s, ARM_FEAT_DPB2) && (op2 == 1 || tag_form) ? user_access(s, HCR_TPCP) : -1;
    default:
        return -1;
    }
}

/* DC ZVA (tag checked), GVA, GZVA: zeros and tags of the block that va is in. */
static void zero_block(ArmEnv *env, uint64_t va, bool data, bool tags)
{
    static const uint8_t zero[64];
    uint64_t size = 4ull << (env->config->id[ARM_ID_DCZID_EL0] & 15);
    uint64_t at = va & ~(size - 1);
    int mmu = arm_mode_mmu(env->mode);

    if (!tags && (env->mode & MODE_MTE) && !(env->mode & MODE_A32)) {
        arm_mte_check(env, at, size, true, mmu);
    }
    tcg_probe(env, at, size, MMU_WRITE, mmu);
    for (uint64_t i = 0; data && i < size; i += sizeof(zero)) {
        tcg_write(env, at + i, zero, MIN(size - i, sizeof(zero)), mmu);
    }
    if (tags) {
        arm_mte_set(env, at, size, va >> 56 & 15);
    }
}

/* ---- SYS ---- */

static void cache_insn(Sys *s, uint64_t va, unsigned rt)
{
    bool zva = false;
    int to = k_op1(s->key) == 3 ? user_cache(s, &zva) : k_op1(s->key) == 0 ? privileged_cache(s) : -1;

    if (to) {
        arm_sysreg_trap(s->env, s->key, false, rt, to, EC_MSR);
    }
    if (zva) {
        zero_block(s->env, va, k_op2(s->key) != 3, k_op2(s->key) != 1);
    }
}

uint64_t helper_sys_insn(void *opaque, uint64_t key, uint64_t v, uint64_t where)
{
    ArmEnv *env = opaque;
    Sys s = {.env = env, .key = (uint32_t)key, .el = arm_el(env)};
    unsigned crn = k_crn(s.key), crm = k_crm(s.key), rt = where & 31;
    bool read = where >> 8 & 1;
    int to = -1;

    if (read) {
        arm_raise_undef(env); /* no SYSL instruction is allocated to what there is here */
    }
    if (crn == 7 && (crm == 8 || crm == 9)) {
        to = at_access(&s);
        if (!to) {
            arm_at(env, s.key, v);
        }
    } else if (crn == 7) {
        cache_insn(&s, v, rt);
        return 0;
    } else if (crn == 8 || crn == 9) {
        to = tlbi_access(&s);
        if (!to) {
            arm_tlbi(env, s.key, v);
        }
    } else if ((crn == 11 || crn == 15) && s.el < 2 && (arm_hcr(env) & HCR_TIDCP)) {
        to = 2;
    }
    if (to) {
        arm_sysreg_trap(env, s.key, false, rt, to, EC_MSR);
    }
    return 0;
}

/* ---- DC ZVA ---- */

uint64_t helper_dc_zva(void *opaque, uint64_t va, uint64_t b, uint64_t c)
{
    zero_block(opaque, va, true, false);
    return 0;
}

/* ---- barriers ---- */

uint64_t helper_dsb(void *opaque, uint64_t next, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;

    if (arm_tlbi_pending(env)) {
        sched_yield(); /* once more, by way of the loop: another processor may be waiting for us */
        return 0;
    }
    arm_done(env, next);
    return 0;
}

/* System register writes take effect at once here, so there is nothing left to do. */
uint64_t helper_isb(void *opaque, uint64_t next, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;

    arm_done(env, next);
    arm_poll_interrupts(env);
    return 0;
}
