/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Arm side of the translator's port: TcgTarget.
 */
#include "target/arm/pmu.h"
#include "target/arm/start.h"
#include "target/arm/system.h"
#include "target/arm/timer.h"
#include "target/arm/translate.h"
#include "target/arm/translate_vec.h"

static const TcgHelper helpers[] = {
#define H(name, flags, help) [HELPER_##name] = {#name, helper_##name, flags},
#include "target/arm/helpers.def"
#undef H
};

#define X(n) [n] = {"x" #n, offsetof(ArmEnv, s.x[n])}
static const IrGlobalDesc globals[32] = {
    X(0), X(1), X(2), X(3), X(4), X(5), X(6), X(7), X(8), X(9), X(10), X(11), X(12), X(13), X(14), X(15), X(16), X(17),
    X(18), X(19), X(20), X(21), X(22), X(23), X(24), X(25), X(26), X(27), X(28), X(29), X(30),
    [31] = {"sp", offsetof(ArmEnv, s.sp)},
};

/*
 * Thirteen of them in host registers, r13..r15 are left for temporaries: x0..x5, which arguments and most short-lived
 * values use, x8 and x9, x19..x21, which compilers take first for what lives across calls, x29 and sp. The rest are
 * memory operands.
 */
static const int8_t x86_64_pin[16] = {0, 1, 2, 3, 31, 4, 5, 8, 9, 19, 20, 21, 29, -1, -1, -1};

/* Those that hold arguments and results, and the first that code without calls takes; two temporaries. */
static const int8_t x86_64_pin_xmm[32] = {
    0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, VEC_T0, VEC_T1, -1, -1, -1,
    8, 9, 10, 11, 12, 13, 14, 15, 19, 20, 21, 22, 23, 24, VEC_T2, VEC_T3};

static void push(Cpu *cpu, void *opaque)
{
    ArmEnv *env = opaque;
    ArmCpu *p = arm_cpu(cpu);

    memcpy(&env->s, cpu->state, sizeof(env->s));
    env->cc = arm_cc_from_nzcv(env->s.pstate);
    env->cpu = cpu;
    env->priv = p;
    p->env = env;
    env->config = &p->config;
    env->fault.kind = ARM_FAULT_NONE;
    arm_fp_constants(env);
    arm_fp_enter(env);
    arm_update_mode(env);
    arm_debug_changed(env);
    arm_timers_changed(cpu, &env->s);
    arm_security_changed(env);
    arm_pmu_after(env);
    tcg_poll(env);
}

static void pull(Cpu *cpu, void *opaque)
{
    ArmEnv *env = opaque;
    ArmState *s = cpu->state;

    arm_fp_leave(env);
    memcpy(s, &env->s, sizeof(*s));
    s->pstate = arm_pstate(env);
}

static uint64_t mode(void *opaque)
{
    const ArmEnv *env = opaque;

    return env->mode;
}

static int code_mmu(void *opaque)
{
    const ArmEnv *env = opaque;

    return arm_mode_mmu(env->mode);
}

static uint32_t mmu_space(void *opaque)
{
    static const uint8_t space[] = {
        [ARM_MMU_E10_0] = ARM_SPACE_E10, [ARM_MMU_E10_1] = ARM_SPACE_E10, [ARM_MMU_E10_1_PAN] = ARM_SPACE_E10,
        [ARM_MMU_E20_0] = ARM_SPACE_E20, [ARM_MMU_E20_2] = ARM_SPACE_E20, [ARM_MMU_E20_2_PAN] = ARM_SPACE_E20,
        [ARM_MMU_E2] = ARM_SPACE_E2, [ARM_MMU_E3] = ARM_SPACE_E3,
    };
    const ArmEnv *env = opaque;

    return space[arm_mode_mmu(env->mode)];
}

/* Arm's divisions do not trap, so the translators never let the IR's one fault. */
static void note_divide(void *env)
{
    arm_note(env, ARM_FAULT_UNDEF, arm_syndrome(EC_UNKNOWN, 0), 0, 0);
}

static void note_simd_fp(void *env)
{
    arm_note(env, ARM_FAULT_FPX, 0, 0, 0);
}

const TcgTarget arm_tcg_target = {
    .name = "aarch64",
    .env_size = sizeof(ArmEnv),
    .cc_offset = offsetof(ArmEnv, cc),
    .pc_offset = offsetof(ArmEnv, s.pc),
    .globals = globals,
    .n_globals = ARRAY_LEN(globals),
    .helpers = helpers,
    .n_helpers = ARRAY_LEN(helpers),
    .n_mmu = ARM_MMU__COUNT,
    .x86_64_pin = x86_64_pin,
    .vec_offset = offsetof(ArmEnv, s.z),
    .vec_stride = sizeof(ArmVec),
    .n_vec = 32,
    .vtmp_offset = offsetof(ArmEnv, vtmp),
    .vtmp_stride = sizeof(ArmVec),
    .n_vtmp = ARM_N_VTMP,
    .mxcsr_offset = offsetof(ArmEnv, mxcsr),
    .x86_64_pin_xmm = x86_64_pin_xmm,
    .push = push,
    .pull = pull,
    .mode = mode,
    .code_mmu = code_mmu,
    .mmu_space = mmu_space,
    .translate = arm_translate,
    .mmu_walk = arm_mmu_walk,
    .deliver = arm_deliver,
    .interrupt = arm_interrupt,
    .note_divide = note_divide,
    .note_simd_fp = note_simd_fp,
    .note_x87_fp = note_divide,
    .note_align = arm_note_align,
    .note_bus_error = arm_note_bus_error,
    .absent_faults = true,
    .watches = arm_watches,
    .accessed = arm_accessed,
    .halted = arm_halted,
};
