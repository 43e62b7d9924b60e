/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Arm target as core sees it: TargetOps aarch64, which runs the 32-bit models too; and what boards ask (boot.h).
 */
#include "config-host.h"
#ifdef CONFIG_CAPSTONE
#include <capstone/capstone.h>
#endif
#include "core/machine.h"
#include "target/arm/boot.h"
#include "target/arm/cpu.h"
#include "target/arm/cpu_text.h"
#include "target/arm/pmu.h"
#include "target/arm/start.h"
#include "core/semihost.h"
#include "target/arm/sysreg_set.h"
#include "target/arm/timer.h"

extern const TcgTarget arm_tcg_target;

static void cpu_reset_state(Cpu *cpu)
{
    ArmCpu *p = arm_cpu(cpu);

    arm_config_reset(&p->config, cpu->state);
    arm_set_power(cpu, !p->config.start_powered_off);
    arm_timers_changed(cpu, cpu->state);
}

static bool cpu_init(Cpu *cpu, const char *model, Error **errp)
{
    ArmCpu *p = g_new0(ArmCpu, 1);

    p->config.mpidr = cpu->arch_id;
    p->config.reset_pc = 0;
    if (!arm_config_parse_under(&p->config, model, cpu->machine ? machine_accel(cpu->machine) : NULL, errp)) {
        g_free(p);
        return false;
    }
    p->config.sysregs = arm_sysreg_set_new(&p->config);
    cpu->target_priv = p;
    if (cpu->machine) {
        p->timers = arm_timers_new(cpu);
        p->pmu = arm_pmu_new(cpu);
        const Semihost *host = machine_semihost(cpu->machine);
        p->config.semihosting = host != NULL;
        p->config.semihosting_user = host && semihost_userspace(host);
    }
    return true;
}

const ArmCpuConfig *arm_cpu_config(const Cpu *cpu)
{
    return &((const ArmCpu *)cpu->target_priv)->config;
}

void arm_cpu_configured(Cpu *cpu)
{
    ArmCpu *p = arm_cpu(cpu);

    arm_sysreg_set_free((struct ArmSysRegSet *)p->config.sysregs);
    p->config.sysregs = arm_sysreg_set_new(&p->config);
    cpu_reset_state(cpu);
    cpu_state_changed(cpu);
}

static void cpu_fini(Cpu *cpu)
{
    ArmCpu *p = arm_cpu(cpu);

    arm_timers_free(p->timers);
    arm_pmu_free(p->pmu);
    arm_sysreg_set_free((struct ArmSysRegSet *)p->config.sysregs);
    g_free(p);
    cpu->target_priv = NULL;
}

static uint64_t cpu_get_pc(Cpu *cpu)
{
    const ArmState *s = cpu->state;

    return s->pc;
}

static void cpu_set_pc(Cpu *cpu, uint64_t pc)
{
    ArmState *s = cpu->state;

    s->pc = pc;
}

static bool cpu_start_at(Cpu *cpu, uint64_t addr, Error **errp)
{
    ArmState *s = cpu->state;

    cpu_reset_state(cpu);
    if (cpu->power_off) {
        error_set(errp, ERR_UNSUPPORTED, "processor %d waits for PSCI's CPU_ON, which says where it begins", cpu->index);
        error_hint(errp, "processor 0 can begin anywhere");
        return false;
    }
    s->pc = addr;
    cpu_state_changed(cpu);
    return true;
}

#ifdef CONFIG_CAPSTONE
static void cpu_disas(Cpu *cpu, uint64_t pc, const uint8_t *bytes, size_t len, GString *out)
{
    const ArmState *s = cpu->state;
    bool a32 = s->pstate & PSTATE_NRW, thumb = a32 && (s->pstate & CPSR_T);
    csh h;
    cs_insn *insn;
    size_t n;

    if (cs_open(a32 ? CS_ARCH_ARM : CS_ARCH_ARM64, thumb ? CS_MODE_THUMB | CS_MODE_V8 : a32 ? CS_MODE_V8 : 0, &h) !=
        CS_ERR_OK) {
        return;
    }
    n = cs_disasm(h, bytes, len, pc, 0, &insn);
    for (size_t i = 0; i < n; i++) {
        g_string_append_printf(out, "0x%08" G_GINT64_MODIFIER "x:  ", (guint64)insn[i].address);
        for (int b = insn[i].size - 1; b >= 0; b--) {
            g_string_append_printf(out, "%02x", insn[i].bytes[b]);
        }
        g_string_append_printf(out, "  %s %s\n", insn[i].mnemonic, insn[i].op_str);
    }
    if (n) {
        cs_free(insn, n);
    } else if (len >= 4) { /* one that it does not know */
        g_string_append_printf(out, "0x%08" G_GINT64_MODIFIER "x:  %08x\n", (guint64)pc, ld_le32(bytes));
    }
    cs_close(&h);
}
#else
static void cpu_disas(Cpu *cpu, uint64_t pc, const uint8_t *bytes, size_t len, GString *out)
{
    for (size_t i = 0; i + 4 <= len; i += 4) {
        g_string_append_printf(out, "0x%08" G_GINT64_MODIFIER "x: %08x\n", (guint64)(pc + i), ld_le32(bytes + i));
    }
}
#endif

/* ---- for boards (boot.h) ---- */

void arm_cpu_boot_info(Cpu *cpu, ArmBootInfo *out)
{
    const ArmCpuConfig *c = &arm_cpu(cpu)->config;

    *out = (ArmBootInfo){.aarch64 = c->aarch64, .has_el2 = arm_has(c, ARM_FEAT_EL2), .has_el3 = arm_has(c, ARM_FEAT_EL3),
                         .has_pmu = arm_has(c, ARM_FEAT_PMUv3), .pa_bits = c->pa_bits,
                         .compatible = arm_config_compatible(c), .mpidr = c->mpidr & 0xff00ffffffull};
}

void arm_cpu_intc_view(Cpu *cpu, ArmIntcView *out)
{
    const ArmEnv *env = arm_cpu(cpu)->env;

    *out = (ArmIntcView){0};
    if (env) {
        *out = (ArmIntcView){.el = arm_el(env), .secure = arm_secure(env), .a32 = arm_is_a32(env), .hcr = arm_hcr(env),
                             .scr = env->s.sr[ARM_SR_SCR_EL3]};
    }
}

const TargetOps arm_target = {
    .name = "aarch64",
    .state_size = sizeof(ArmState),
    .list_models = arm_list_models,
    .check_model = arm_check_model,
    .model_definitions = arm_model_definitions,
    .expand_model = arm_expand_model,
    .default_model = "max",
    .init = cpu_init,
    .fini = cpu_fini,
    .reset = cpu_reset_state,
    .dump = arm_dump,
    .get_pc = cpu_get_pc,
    .set_pc = cpu_set_pc,
    .start_at = cpu_start_at,
    .translate = arm_debug_translate,
    .has_work = arm_has_work,
    .disas = cpu_disas,
    .fits = arm_cpu_fits,
    .gdb = &arm_gdb,
    .tcg = &arm_tcg_target,
};
TARGET(arm_target);
