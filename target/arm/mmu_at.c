/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address translation instructions: AT of A64 (Arm ARM C5.4), ATS* of AArch32's c7 (G8.2). The result goes to PAR_EL1;
 * what EL2 has to hear of (a fault of stage 2 on the way through the tables of stage 1) is an exception instead.
 */
#include "target/arm/mmu.h"

#define PAR_F BIT64(0)

typedef struct At {
    int mmu;
    int access;
    bool both;  /* stages 1 and 2 */
    bool short_par; /* AArch32 PAR in the format of short descriptors, if the regime uses them */
} At;

static int el1_index(const ArmEnv *env, bool user, bool pan, bool vm)
{
    if (!vm && arm_host_el0(env)) {
        return user ? ARM_MMU_E20_0 : pan ? ARM_MMU_E20_2_PAN : ARM_MMU_E20_2;
    }
    return user ? ARM_MMU_E10_0 : pan ? ARM_MMU_E10_1_PAN : ARM_MMU_E10_1;
}

static At decode_a64(const ArmEnv *env, uint32_t key)
{
    unsigned op1 = key >> 11 & 7, crm = key >> 3 & 15, op2 = key & 7;
    bool pan = crm == 9 && (env->s.pstate & PSTATE_PAN);
    At a = {.access = op2 & 1 ? MMU_WRITE : MMU_READ};

    if (op1 == 0) { /* S1E1R, S1E1W, S1E0R, S1E0W; S1E1RP, S1E1WP */
        a.mmu = el1_index(env, op2 & 2, pan, false);
    } else if (op1 == 4 && op2 < 4) { /* S1E2 */
        a.mmu = arm_hcr(env) & HCR_E2H ? ARM_MMU_E20_2 : ARM_MMU_E2;
    } else if (op1 == 4) { /* S12E1, S12E0: without a stage 2 they are of the host */
        a.mmu = el1_index(env, op2 & 2, false, false);
        a.both = true;
    } else {
        a.mmu = ARM_MMU_E3;
    }
    return a;
}

static At decode_a32(const ArmEnv *env, uint32_t key)
{
    unsigned opc1 = key >> 3 & 15, crm = key >> 7 & 15, op2 = key & 7;
    bool pan = crm == 9 && (env->s.pstate & CPSR_PAN), secure = arm_el(env) == 3;
    At a = {.access = op2 & 1 ? MMU_WRITE : MMU_READ, .short_par = true};

    if (opc1 == 4) { /* ATS1HR, ATS1HW */
        a.mmu = ARM_MMU_E2;
    } else if (op2 < 4) { /* ATS1C*: the current Security state's */
        a.mmu = secure && !(op2 & 2) ? ARM_MMU_E3 : el1_index(env, op2 & 2, pan, true);
    } else { /* ATS12NSO* */
        a.mmu = el1_index(env, op2 & 2, false, true);
        a.both = true;
    }
    return a;
}

static uint64_t par_long(const ArmWalk *w, const MmuResult *res, hwaddr low)
{
    return (uint64_t)w->attr << 56 | ((res->paddr | low) & 0xffffffffff000ull) | BIT64(11) |
           (uint64_t)w->ns << 9 | (uint64_t)w->sh << 7;
}

static uint64_t par_short(const ArmWalk *w, const MmuResult *res)
{
    static const uint8_t inner[16] = {[0x0] = 1, [0x4] = 0, [0xf] = 5, [0xa] = 6, [0xe] = 7};
    unsigned outer = w->attr >> 4, o = outer == 0xf ? 1 : outer == 0xa ? 2 : outer == 0xe ? 3 : 0;
    unsigned i = w->attr == 0x04 ? 3 : outer ? inner[w->attr & 15] : 1;

    return (res->paddr & 0xfffff000) | (uint64_t)w->ns << 9 | (uint64_t)(w->sh != 0) << 7 | i << 4 | o << 2;
}

/* A fault of stage 2 that the level below is not to see (D8.2.12). */
static bool goes_to_el2(const ArmEnv *env, const ArmWalk *w)
{
    return (w->s2 || w->s1ptw) && arm_el(env) < 2;
}

void arm_at(ArmEnv *env, uint32_t key, uint64_t va)
{
    bool a32 = key >> 31;
    At a = a32 ? decode_a32(env, key) : decode_a64(env, key);
    MmuResult res;
    ArmWalk w;

    arm_walk_init(&w, env, va, a.access, a.mmu);
    w.update = false;
    w.s1_only = !a.both;
    bool ok = arm_walk(&w, &res);
    bool shorter = a.short_par && w.a32 && !arm_a32_uses_lpae(&w) && !w.two_stage;
    if (!ok && goes_to_el2(env, &w)) {
        arm_walk_note(&w);
        tcg_raise(env);
    }
    if (ok) {
        env->s.sr[ARM_SR_PAR_EL1] = shorter ? par_short(&w, &res) : par_long(&w, &res, 0);
    } else if (shorter) {
        uint32_t fsr = arm_walk_fsr(&w);
        env->s.sr[ARM_SR_PAR_EL1] = PAR_F | (fsr & 15) << 1 | (fsr >> 10 & 1) << 5 | (fsr >> 12 & 1) << 6;
    } else {
        env->s.sr[ARM_SR_PAR_EL1] =
            PAR_F | (uint64_t)w.fsc << 1 | (uint64_t)w.s1ptw << 8 | (uint64_t)(w.s2 || w.s1ptw) << 9 | BIT64(11);
    }
}
