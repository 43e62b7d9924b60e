/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The x86 side of the translator's port: TcgTarget.
 */
#include "target/i386/fpu.h"
#include "target/i386/system.h"
#include "target/i386/translate.h"

static const TcgHelper helpers[] = {
#define H(name, flags, help) [HELPER_##name] = {#name, helper_##name, flags},
#include "target/i386/helper.def"
#undef H
};

#define GPR(n, text) [n] = {text, offsetof(X86Env, s.gpr[n])}
static const IrGlobalDesc globals[16] = {
    GPR(0, "rax"), GPR(1, "rcx"), GPR(2, "rdx"), GPR(3, "rbx"), GPR(4, "rsp"), GPR(5, "rbp"),
    GPR(6, "rsi"), GPR(7, "rdi"), GPR(8, "r8"), GPR(9, "r9"), GPR(10, "r10"), GPR(11, "r11"),
    GPR(12, "r12"), GPR(13, "r13"), GPR(14, "r14"), GPR(15, "r15"),
};

/* Guest registers keep their numbers; RSP lives in host R12; R13..R15 are left for temporaries. */
static const int8_t x86_64_pin[16] = {0, 1, 2, 3, -1, 5, 6, 7, 8, 9, 10, 11, 4, -1, -1, -1};

static void push(Cpu *cpu, void *opaque)
{
    X86Env *env = opaque;
    X86Cpu *p = x86_cpu(cpu);

    memcpy(&env->s, cpu->state, sizeof(env->s));
    env->cc = env->s.rflags & CC_EFLAGS_MASK;
    env->cpu = cpu;
    env->priv = p;
    env->config = &p->config;
    env->delivering = -1;
    /* Who changed the state, another accelerator or a debugger, knows of the image alone. */
    x86_x87_set_pointers(env, env->s.fx.fop, env->s.fx.fip, env->s.x87_cs, env->s.fx.fdp, env->s.x87_ds);
    env->exit_noted = false;
    env->svm_inject = 0;
    x86_publish_tsc(cpu, &env->s);
    x86_select_memory(env);
    x86_update_mode(env);
}

static void pull(Cpu *cpu, void *opaque)
{
    X86Env *env = opaque;
    X86State *s = cpu->state;

    tcg_fpu_settle(env);
    memcpy(s, &env->s, sizeof(*s));
    s->rflags = x86_rflags(env);
}

static uint64_t mode(void *opaque)
{
    const X86Env *env = opaque;

    return env->s.int_shadow ? env->mode | MODE_SHADOW : env->mode;
}

static int code_mmu(void *opaque)
{
    const X86Env *env = opaque;

    return x86_mode_mmu(env->mode);
}

static uint32_t mmu_space(void *opaque)
{
    const X86Env *env = opaque;

    return env->mode & MODE_GUEST ? X86_SPACE_GUEST : X86_SPACE_HOST;
}

static uint64_t code_va(uint64_t m, uint64_t pc)
{
    return m & MODE_CS64 ? pc : (uint32_t)(pc + (m >> MODE_CSBASE_SHIFT));
}

static void note_divide(void *env)
{
    x86_note(env, EXC_DE, false, 0, 0);
}

static void note_simd_fp(void *opaque)
{
    X86Env *env = opaque;

    x86_note(env, env->s.cr4 & CR4_OSXMMEXCPT ? EXC_XM : EXC_UD, false, 0, 0);
}

/* x86_deliver() looks at CR0.NE. */
static void note_x87_fp(void *env)
{
    x86_note(env, EXC_MF, false, 0, 0);
}

static void note_align(void *env, uint64_t va)
{
    x86_note(env, EXC_GP, true, 0, 0);
}

/* x86 has no bus errors: the access reads as all ones. Noted as what it is closest to. */
static void note_bus_error(void *env, uint64_t va, hwaddr pa, int access)
{
    x86_note(env, EXC_MC, false, 0, 0);
}

static bool noted(void *opaque)
{
    const X86Env *env = opaque;

    return env->s.exc_pending;
}

const TcgTarget x86_tcg_target = {
    .name = "x86_64",
    .env_size = sizeof(X86Env),
    .cc_offset = offsetof(X86Env, cc),
    .pc_offset = offsetof(X86Env, s.rip),
    .fpu_offset = offsetof(X86Env, s.fx),
    .ymmh_offset = offsetof(X86Env, s.ymmh),
    .globals = globals,
    .n_globals = ARRAY_LEN(globals),
    .helpers = helpers,
    .n_helpers = ARRAY_LEN(helpers),
    .n_mmu = 2 * X86_MMU_KINDS,
    .x86_64_pin = x86_64_pin,
    .push = push,
    .pull = pull,
    .mode = mode,
    .code_mmu = code_mmu,
    .mmu_space = mmu_space,
    .code_va = code_va,
    .translate = x86_translate,
    .mmu_walk = x86_mmu_walk,
    .deliver = x86_deliver,
    .interrupt = x86_interrupt,
    .note_divide = note_divide,
    .note_simd_fp = note_simd_fp,
    .note_x87_fp = note_x87_fp,
    .x87_ran = x86_x87_ran,
    .note_align = note_align,
    .note_bus_error = note_bus_error,
    .watches = x86_watches,
    .accessed = x86_accessed,
    .halted = x86_halted,
    .noted = noted,
};
