/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Power State Coordination Interface 1.1 (Arm DEN 0022), for boards without firmware that has it: processors on and
 * off, the machine off and reset.
 *
 * Thread: the calling vCPU's.
 */
#include "core/machine.h"
#include "target/arm/cpu.h"
#include "target/arm/exception.h"
#include "target/arm/start.h"

enum {
    PSCI_VERSION = 0x84000000u,
    PSCI_CPU_SUSPEND = 0x84000001u,
    PSCI_CPU_OFF = 0x84000002u,
    PSCI_CPU_ON = 0x84000003u,
    PSCI_AFFINITY_INFO = 0x84000004u,
    PSCI_MIGRATE_INFO_TYPE = 0x84000006u,
    PSCI_SYSTEM_OFF = 0x84000008u,
    PSCI_SYSTEM_RESET = 0x84000009u,
    PSCI_FEATURES = 0x8400000au,
    PSCI_64BIT = 0x40000000u, /* SMC64 forms */
};
enum {
    PSCI_SUCCESS = 0, PSCI_NOT_SUPPORTED = -1, PSCI_INVALID_PARAMETERS = -2, PSCI_ALREADY_ON = -4, PSCI_ON_PENDING = -5,
};
#define PSCI_1_1 0x10001
#define TOS_NOT_PRESENT 2 /* MIGRATE_INFO_TYPE: nothing to migrate */
#define MPIDR_AFFINITY 0xff00ffffffull

static Cpu *cpu_by_affinity(Machine *m, uint64_t mpidr)
{
    for (int i = 0; i < machine_cpu_count(m); i++) {
        Cpu *cpu = machine_cpu(m, i);
        if ((arm_cpu(cpu)->config.mpidr & MPIDR_AFFINITY) == mpidr) {
            return cpu;
        }
    }
    return NULL;
}

static int64_t cpu_on(ArmEnv *env, uint64_t target, uint64_t entry, uint64_t context)
{
    Cpu *cpu = cpu_by_affinity(env->cpu->machine, target);
    bool a32 = arm_is_a32(env);
    uint32_t off = ARM_START_OFF;

    if (!cpu || (!a32 && (entry & 3))) {
        return PSCI_INVALID_PARAMETERS;
    }
    ArmStart *start = &arm_cpu(cpu)->start;
    if (!__atomic_compare_exchange_n(&start->state, &off, ARM_START_FILLING, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        return off == ARM_START_ON ? PSCI_ALREADY_ON : PSCI_ON_PENDING;
    }
    /* DEN 0022, 6.4: at the highest Non-secure level, in the caller's state and byte order. */
    start->el = arm_highest_ns_el(env->config);
    start->a32 = a32;
    start->thumb = a32 && (entry & 1);
    start->big_endian = a32 && (env->s.pstate & CPSR_E);
    start->pc = a32 ? (uint32_t)entry & ~1u : entry;
    start->context = context;
    __atomic_store_n(&start->state, ARM_START_PENDING, __ATOMIC_RELEASE);
    cpu_request(cpu, CPU_REQ_SIPI);
    return PSCI_SUCCESS;
}

static int64_t affinity_info(ArmEnv *env, uint64_t target, uint64_t level)
{
    Cpu *cpu = level == 0 ? cpu_by_affinity(env->cpu->machine, target) : NULL;

    if (level != 0) {
        return level <= 3 ? 0 : PSCI_INVALID_PARAMETERS; /* the caller's own cluster: on */
    }
    if (!cpu) {
        return PSCI_INVALID_PARAMETERS;
    }
    switch (__atomic_load_n(&arm_cpu(cpu)->start.state, __ATOMIC_ACQUIRE)) {
    case ARM_START_ON:
        return 0;
    case ARM_START_OFF:
        return 1;
    default:
        return 2; /* ON_PENDING */
    }
}

static void G_GNUC_NORETURN cpu_off(ArmEnv *env)
{
    env->s.powered_off = 1;
    arm_publish_wait(env);
    arm_set_power(env->cpu, false);
    tcg_exit(env, EXIT_HALT);
}

static void G_GNUC_NORETURN system_end(ArmEnv *env, bool reset)
{
    Machine *m = env->cpu->machine;

    if (reset) {
        machine_request_reset(m, SHUTDOWN_GUEST_RESET);
    } else {
        machine_request_shutdown(m, SHUTDOWN_GUEST_SHUTDOWN);
    }
    env->s.powered_off = 1; /* the call does not return */
    arm_publish_wait(env);
    arm_set_power(env->cpu, false);
    tcg_exit(env, EXIT_HALT);
}

static int64_t features(uint32_t fn)
{
    switch (fn & ~PSCI_64BIT) {
    case PSCI_CPU_SUSPEND:
    case PSCI_CPU_ON:
    case PSCI_AFFINITY_INFO:
        return PSCI_SUCCESS;
    default:
        break;
    }
    switch (fn) {
    case PSCI_VERSION:
    case PSCI_CPU_OFF:
    case PSCI_MIGRATE_INFO_TYPE:
    case PSCI_SYSTEM_OFF:
    case PSCI_SYSTEM_RESET:
    case PSCI_FEATURES:
        return PSCI_SUCCESS;
    default:
        return PSCI_NOT_SUPPORTED;
    }
}

/* A standby state, whatever depth was asked for, which DEN 0022 5.4.2 allows: wait for an interrupt, then return. */
static int64_t cpu_suspend(ArmEnv *env)
{
    if (!arm_wakes(env)) {
        env->s.x[0] = PSCI_SUCCESS;
        env->s.halted = 1;
        arm_publish_wait(env);
        tcg_exit(env, EXIT_HALT);
    }
    return PSCI_SUCCESS;
}

bool arm_psci_call(ArmEnv *env, uint64_t return_pc)
{
    uint64_t *x = env->s.x;
    bool a32 = arm_is_a32(env);
    uint32_t fn = (uint32_t)x[0];
    int64_t ret = PSCI_NOT_SUPPORTED;
    bool wide = !a32 && (fn & PSCI_64BIT);
    uint64_t a = wide ? x[1] : (uint32_t)x[1], b = wide ? x[2] : (uint32_t)x[2], c = wide ? x[3] : (uint32_t)x[3];

    env->s.pc = return_pc;
    if (a32 && (fn & PSCI_64BIT)) {
        fn = 0; /* SMC64 calls are not for AArch32 */
    }
    switch (fn) {
    case PSCI_VERSION:
        ret = PSCI_1_1;
        break;
    case PSCI_CPU_SUSPEND:
    case PSCI_CPU_SUSPEND | PSCI_64BIT:
        ret = cpu_suspend(env);
        break;
    case PSCI_CPU_OFF:
        cpu_off(env);
    case PSCI_CPU_ON:
    case PSCI_CPU_ON | PSCI_64BIT:
        ret = cpu_on(env, a, b, c);
        break;
    case PSCI_AFFINITY_INFO:
    case PSCI_AFFINITY_INFO | PSCI_64BIT:
        ret = affinity_info(env, a, b);
        break;
    case PSCI_MIGRATE_INFO_TYPE:
        ret = TOS_NOT_PRESENT;
        break;
    case PSCI_SYSTEM_OFF:
    case PSCI_SYSTEM_RESET:
        system_end(env, fn == PSCI_SYSTEM_RESET);
    case PSCI_FEATURES:
        ret = features((uint32_t)a);
        break;
    default:
        break;
    }
    x[0] = a32 ? (uint32_t)ret : (uint64_t)ret;
    return true;
}
