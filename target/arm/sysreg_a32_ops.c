/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cp15's operations, encoded as writes to registers: TLB and cache maintenance, address translation, barriers (Arm ARM
 * G4.4, G5.9, G8.2), and what only processors before Armv7 have (Arm1136, Arm1176, Arm926 manuals).
 *
 * Caches are coherent here and code is watched, so maintenance has its checks only.
 */
#include "target/arm/start.h"
#include "target/arm/sysreg_a32.h"

/* ---- TLB ---- */

static void write_tlbi(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    arm_tlbi(env, r->reg.key, v);
}

static int trap_tlb(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    bool shared = (r->reg.key >> 7 & 15) == 3;

    return arm_el(env) == 1 ? arm_trap_hcr(env, HCR_TTLB | (shared ? HCR_TTLBIS : 0), 0) : 0;
}

/* Hyp mode's: also from Monitor mode with SCR.NS. */
static int trap_hyp(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_el(env) == 3 && arm_a32_banked_secure(env) ? -1 : 0;
}

/* ---- address translation: the result is in the PAR of the current Security state ---- */

static void write_at(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    uint64_t par = env->s.sr[ARM_SR_PAR_EL1];

    arm_at(env, r->reg.key, v);
    if (arm_a32_banked_secure(env)) {
        env->s.sr[ARM_SR_PAR_S] = env->s.sr[ARM_SR_PAR_EL1];
        env->s.sr[ARM_SR_PAR_EL1] = par;
    }
}

/* ATS12NSO*: from Secure PL1 and Hyp mode only. */
static int trap_ats12(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_el(env) == 1 ? -1 : 0;
}

/* ---- caches ---- */

static int trap_unify(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_el(env) == 1 ? arm_trap_hcr(env, HCR_TPU, 0) : 0;
}

static int trap_coherency(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_el(env) == 1 ? arm_trap_hcr(env, HCR_TPCP, 0) : 0;
}

static int trap_setway(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_el(env) == 1 ? arm_trap_hcr(env, HCR_TSW, 0) : 0;
}

/* ---- barriers (deprecated since v7): SCTLR.CP15BEN allows them ---- */

static int trap_barrier(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    bool may = !arm_has(env->config, ARM_FEAT_V8) || (arm_sctlr(env, arm_el(env)) & SCTLR_CP15BEN);

    return may ? 0 : -1;
}

static void write_barrier(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* ---- before Armv7 ---- */

static void write_wfi(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    helper_wfi(env, env->s.pc + 4, 0, 0);
}

/* "Test and clean": nothing is dirty, which the Z flag says (Arm926EJ-S TRM 2.3.8). */
static uint64_t read_test_clean(ArmEnv *env, const ArmSysRegDef *r)
{
    return PSTATE_Z;
}

#define OP(n, key, min, f, feat, fn, trapfn)                                                                           \
    {.reg = {n, key, 4, min, f, 0}, .feature = feat, .slot = -1, .write = fn, .trap = trapfn}
#define TLBI(n, opc1, crm, opc2, min, feat, trapfn) OP(n, CP15(opc1, 8, crm, opc2), min, SR_END, feat, write_tlbi, trapfn)
#define NOP(n, crm, opc2, feat, trapfn) OP(n, CP15(0, 7, crm, opc2), 1, 0, feat, arm_sysreg_ignore, trapfn)
#define AT(n, opc1, crm, opc2, min, feat, trapfn) OP(n, CP15(opc1, 7, crm, opc2), min, 0, feat, write_at, trapfn)
#define RANGE(n, crm) OP(n, CP15_64(0, crm), 1, 0, ARM_FEAT_V6, arm_sysreg_ignore, NULL)
#define IMPDEF(n, crn, crm, opc2, opc1, feat)                                                                          \
    {.reg = {n, CP15(opc1, crn, crm, opc2), 1, 1, 0, 0}, .feature = feat, .slot = -1, .read = arm_sysreg_zero,        \
     .write = arm_sysreg_ignore}

const ArmSysRegDef arm_a32_op_regs[] = {
    TLBI("TLBIALLIS", 0, 3, 0, 1, ARM_FEAT_V7, trap_tlb), TLBI("TLBIMVAIS", 0, 3, 1, 1, ARM_FEAT_V7, trap_tlb),
    TLBI("TLBIASIDIS", 0, 3, 2, 1, ARM_FEAT_V7, trap_tlb), TLBI("TLBIMVAAIS", 0, 3, 3, 1, ARM_FEAT_V7, trap_tlb),
    TLBI("TLBIMVALIS", 0, 3, 5, 1, ARM_FEAT_V8, trap_tlb), TLBI("TLBIMVAALIS", 0, 3, 7, 1, ARM_FEAT_V8, trap_tlb),
    TLBI("ITLBIALL", 0, 5, 0, 1, ALWAYS, trap_tlb), TLBI("ITLBIMVA", 0, 5, 1, 1, ALWAYS, trap_tlb),
    TLBI("ITLBIASID", 0, 5, 2, 1, ALWAYS, trap_tlb), TLBI("DTLBIALL", 0, 6, 0, 1, ALWAYS, trap_tlb),
    TLBI("DTLBIMVA", 0, 6, 1, 1, ALWAYS, trap_tlb), TLBI("DTLBIASID", 0, 6, 2, 1, ALWAYS, trap_tlb),
    TLBI("TLBIALL", 0, 7, 0, 1, ALWAYS, trap_tlb), TLBI("TLBIMVA", 0, 7, 1, 1, ALWAYS, trap_tlb),
    TLBI("TLBIASID", 0, 7, 2, 1, ALWAYS, trap_tlb), TLBI("TLBIMVAA", 0, 7, 3, 1, ARM_FEAT_V7, trap_tlb),
    TLBI("TLBIMVAL", 0, 7, 5, 1, ARM_FEAT_V8, trap_tlb), TLBI("TLBIMVAAL", 0, 7, 7, 1, ARM_FEAT_V8, trap_tlb),
    TLBI("TLBIIPAS2IS", 4, 0, 1, 2, ARM_FEAT_EL2, trap_hyp), TLBI("TLBIIPAS2LIS", 4, 0, 5, 2, ARM_FEAT_EL2, trap_hyp),
    TLBI("TLBIALLHIS", 4, 3, 0, 2, ARM_FEAT_EL2, trap_hyp), TLBI("TLBIMVAHIS", 4, 3, 1, 2, ARM_FEAT_EL2, trap_hyp),
    TLBI("TLBIALLNSNHIS", 4, 3, 4, 2, ARM_FEAT_EL2, trap_hyp), TLBI("TLBIMVALHIS", 4, 3, 5, 2, ARM_FEAT_EL2, trap_hyp),
    TLBI("TLBIIPAS2", 4, 4, 1, 2, ARM_FEAT_EL2, trap_hyp), TLBI("TLBIIPAS2L", 4, 4, 5, 2, ARM_FEAT_EL2, trap_hyp),
    TLBI("TLBIALLH", 4, 7, 0, 2, ARM_FEAT_EL2, trap_hyp), TLBI("TLBIMVAH", 4, 7, 1, 2, ARM_FEAT_EL2, trap_hyp),
    TLBI("TLBIALLNSNH", 4, 7, 4, 2, ARM_FEAT_EL2, trap_hyp), TLBI("TLBIMVALH", 4, 7, 5, 2, ARM_FEAT_EL2, trap_hyp),
    AT("ATS1CPR", 0, 8, 0, 1, ARM_FEAT_V7, NULL), AT("ATS1CPW", 0, 8, 1, 1, ARM_FEAT_V7, NULL),
    AT("ATS1CUR", 0, 8, 2, 1, ARM_FEAT_V7, NULL), AT("ATS1CUW", 0, 8, 3, 1, ARM_FEAT_V7, NULL),
    AT("ATS12NSOPR", 0, 8, 4, 1, ARM_FEAT_V7, trap_ats12), AT("ATS12NSOPW", 0, 8, 5, 1, ARM_FEAT_V7, trap_ats12),
    AT("ATS12NSOUR", 0, 8, 6, 1, ARM_FEAT_V7, trap_ats12), AT("ATS12NSOUW", 0, 8, 7, 1, ARM_FEAT_V7, trap_ats12),
    AT("ATS1CPRP", 0, 9, 0, 1, ARM_FEAT_PAN2, NULL), AT("ATS1CPWP", 0, 9, 1, 1, ARM_FEAT_PAN2, NULL),
    AT("ATS1HR", 4, 8, 0, 2, ARM_FEAT_EL2, trap_hyp), AT("ATS1HW", 4, 8, 1, 2, ARM_FEAT_EL2, trap_hyp),
    NOP("ICIALLUIS", 1, 0, ARM_FEAT_V7, trap_unify), NOP("BPIALLIS", 1, 6, ARM_FEAT_V7, NULL),
    NOP("ICIALLU", 5, 0, ALWAYS, trap_unify), NOP("ICIMVAU", 5, 1, ALWAYS, trap_unify),
    NOP("BPIALL", 5, 6, ALWAYS, NULL), NOP("BPIMVA", 5, 7, ALWAYS, NULL),
    NOP("DCIMVAC", 6, 1, ALWAYS, trap_coherency), NOP("DCISW", 6, 2, ALWAYS, trap_setway),
    NOP("DCCMVAC", 10, 1, ALWAYS, trap_coherency), NOP("DCCSW", 10, 2, ALWAYS, trap_setway),
    NOP("DCCMVAU", 11, 1, ALWAYS, trap_unify), NOP("DCCIMVAC", 14, 1, ALWAYS, trap_coherency),
    NOP("DCCISW", 14, 2, ALWAYS, trap_setway),
    OP("CP15ISB", CP15(0, 7, 5, 4), 0, SR_END, ALWAYS, write_barrier, trap_barrier),
    OP("CP15DSB", CP15(0, 7, 10, 4), 0, SR_END, ALWAYS, write_barrier, trap_barrier),
    OP("CP15DMB", CP15(0, 7, 10, 5), 0, 0, ALWAYS, write_barrier, trap_barrier),
};
const unsigned arm_a32_op_n_regs = ARRAY_LEN(arm_a32_op_regs);

/* Of processors whose caches and TLBs are not Armv7's; absent in v8. */
const ArmSysRegDef arm_a32_old_regs[] = {
    OP("WFI", CP15(0, 7, 0, 4), 1, SR_END, ALWAYS, write_wfi, NULL),
    NOP("ICISW", 5, 2, ALWAYS, NULL), NOP("DCIALL", 6, 0, ALWAYS, NULL), NOP("CIALL", 7, 0, ALWAYS, NULL),
    NOP("CIMVA", 7, 1, ALWAYS, NULL), NOP("DCCALL", 10, 0, ALWAYS, NULL), NOP("DCCIALL", 14, 0, ALWAYS, NULL),
    NOP("ICPREFETCH", 13, 1, ALWAYS, NULL), NOP("UCCALL", 11, 0, ALWAYS, NULL), NOP("UCCIALL", 15, 0, ALWAYS, NULL),
    NOP("UCCIMVA", 15, 1, ALWAYS, NULL),
    {.reg = {"DCTESTCLEAN", CP15(0, 7, 10, 3), 1, 4, SR_RO, 0}, .feature = ALWAYS, .slot = -1, .read = read_test_clean},
    {.reg = {"DCTESTCLEANINV", CP15(0, 7, 14, 3), 1, 4, SR_RO, 0}, .feature = ALWAYS, .slot = -1,
     .read = read_test_clean},
    IMPDEF("CDSR", 7, 10, 6, 0, ARM_FEAT_V6), /* cache dirty status: clean */
    RANGE("ICIRANGE", 5), RANGE("DCIRANGE", 6), RANGE("DCCRANGE", 12), RANGE("DCCIRANGE", 14),
    IMPDEF("DCLOCKDOWN", 9, 0, 0, 0, ALWAYS), IMPDEF("ICLOCKDOWN", 9, 0, 1, 0, ALWAYS),
    IMPDEF("DTCMR", 9, 1, 0, 0, ALWAYS), IMPDEF("ITCMR", 9, 1, 1, 0, ALWAYS), IMPDEF("TLBLOCKDOWN", 10, 0, 0, 0, ALWAYS),
    IMPDEF("IMPDEF", 15, 0, 0, 0, ALWAYS), IMPDEF("IMPDEF", 15, 0, 1, 0, ALWAYS), IMPDEF("IMPDEF", 15, 0, 2, 0, ALWAYS),
    IMPDEF("IMPDEF", 15, 1, 0, 0, ALWAYS), IMPDEF("IMPDEF", 15, 2, 4, 0, ALWAYS), IMPDEF("IMPDEF", 15, 12, 0, 0, ALWAYS),
    IMPDEF("IMPDEF", 15, 12, 1, 0, ALWAYS),
    IMPDEF("CBAR", 15, 0, 0, 4, ALWAYS), /* private peripherals: the board virt says where in its device tree */
};
const unsigned arm_a32_old_n_regs = ARRAY_LEN(arm_a32_old_regs);
