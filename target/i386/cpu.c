/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The x86 target as core sees it: TargetOps x86_64.
 */
#include "config-host.h"
#ifdef CONFIG_CAPSTONE
#include <capstone/capstone.h>
#endif
#include "core/machine.h"
#include "target/i386/boot.h"
#include "target/i386/dump.h"
#include "target/i386/state.h"
#include "target/i386/system.h"

extern const TcgTarget x86_tcg_target;

/* RDX after reset and INIT: family, model, stepping. */
static uint64_t reset_rdx(const X86CpuConfig *c)
{
    X86CpuidLive live = {0};
    uint32_t out[4];

    x86_cpuid(c, &live, 1, 0, out);
    return out[CPUID_EAX];
}

static void cpu_reset_state(Cpu *cpu)
{
    X86State *s = cpu->state;

    x86_state_reset(s);
    s->gpr[R_DX] = reset_rdx(&x86_cpu(cpu)->config);
    /*
     * All TSCs are the machine's clock, so that they agree to the tick. They are zero at power-on; a
     * later RESET, which would zero them one processor after the other, leaves them running.
     */
    s->tsc_offset = 0;
    x86_publish_tsc(cpu, s);
    s->wait_sipi = cpu->index != 0;
    cpu->power_off = s->wait_sipi;
}

void x86_init_reset(X86Env *env)
{
    x86_state_init(&env->s);
    env->s.gpr[R_DX] = reset_rdx(env->config);
    env->cc = 0;
    env->delivering = -1;
    x86_update_mode(env);
    tcg_tlb_flush(env);
}

static bool cpu_init(Cpu *cpu, const char *model, Error **errp)
{
    const MachineConfig *cfg = cpu->machine ? machine_config(cpu->machine) : NULL;
    X86Cpu *p = g_new0(X86Cpu, 1);

    p->config.apic_id = cpu->arch_id;
    if (cfg) {
        p->config.sockets = cfg->sockets;
        p->config.dies = cfg->dies;
        p->config.cores = cfg->cores;
        p->config.threads = cfg->threads;
    }
    /* One warning for all of them, and none for a board's default, which nobody asked for. */
    bool quiet = cpu->index != 0 || (cfg && model == machine_board(cpu->machine)->default_cpu);
    const AccelOps *accel = cpu->machine ? machine_accel(cpu->machine) : NULL;
    g_autofree AccelX86 *caps = NULL;
    if ((accel && accel->x86_caps && !(caps = accel->x86_caps(cpu->machine, errp))) ||
        !x86_config_parse(&p->config, model, caps, quiet, errp)) {
        g_free(p);
        return false;
    }
    cpu->target_priv = p;
    return true;
}

static void cpu_fini(Cpu *cpu)
{
    g_free(cpu->target_priv);
    cpu->target_priv = NULL;
}

static uint64_t cpu_get_pc(Cpu *cpu)
{
    const X86State *s = cpu->state;

    return s->efer & EFER_LMA && s->seg[S_CS].attr & SEG_L
               ? s->rip
               : (uint32_t)(s->rip + s->seg[S_CS].base);
}

static void cpu_set_pc(Cpu *cpu, uint64_t pc)
{
    X86State *s = cpu->state;

    s->rip = s->efer & EFER_LMA && s->seg[S_CS].attr & SEG_L
                 ? pc
                 : (uint32_t)(pc - s->seg[S_CS].base);
}

/*
 * In real mode, as at the reset vector: the base is the address without its low 16 bits, which for
 * an address below 1 MiB is what the selector says.
 */
static bool cpu_start_at(Cpu *cpu, uint64_t addr, Error **errp)
{
    X86State *s = cpu->state;

    cpu_reset_state(cpu);
    if (cpu->power_off) {
        error_set(errp, ERR_UNSUPPORTED,
                  "processor %d waits for a start-up IPI, which says where it begins", cpu->index);
        error_hint(errp, "processor 0 can begin anywhere below 4 GiB");
        return false;
    }
    if (addr > UINT32_MAX) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "an x86 processor cannot begin at 0x%llx, which is above 4 GiB",
                  (unsigned long long)addr);
        return false;
    }
    s->seg[S_CS].base = addr & 0xffff0000;
    s->seg[S_CS].sel = addr >> 4 & 0xf000;
    s->rip = addr & 0xffff;
    cpu_state_changed(cpu);
    return true;
}

#ifdef CONFIG_CAPSTONE
static cs_mode disas_mode(const X86State *s)
{
    if (s->efer & EFER_LMA && s->seg[S_CS].attr & SEG_L) {
        return CS_MODE_64;
    }
    return s->seg[S_CS].attr & SEG_DB ? CS_MODE_32 : CS_MODE_16;
}

static void cpu_disas(Cpu *cpu, uint64_t pc, const uint8_t *bytes, size_t len, GString *out)
{
    csh h;
    cs_insn *insn;
    size_t n;

    if (cs_open(CS_ARCH_X86, disas_mode(cpu->state), &h) != CS_ERR_OK) {
        return;
    }
    n = cs_disasm(h, bytes, len, pc, 0, &insn);
    for (size_t i = 0; i < n; i++) {
        g_string_append_printf(out, "0x%08" G_GINT64_MODIFIER "x:  ", (guint64)insn[i].address);
        for (int b = 0; b < insn[i].size; b++) {
            g_string_append_printf(out, "%02x ", insn[i].bytes[b]);
        }
        g_string_append_printf(out, "%*s%s %s\n", MAX(1, 25 - insn[i].size * 3), "",
                               insn[i].mnemonic, insn[i].op_str);
    }
    if (n) {
        cs_free(insn, n);
    }
    cs_close(&h);
}
#else
static void cpu_disas(Cpu *cpu, uint64_t pc, const uint8_t *bytes, size_t len, GString *out)
{
    g_string_append_printf(out, "0x%08" G_GINT64_MODIFIER "x: ", (guint64)pc);
    for (size_t i = 0; i < len; i++) {
        g_string_append_printf(out, " %02x", bytes[i]);
    }
    g_string_append_c(out, '\n');
}
#endif

/* ---- for accelerators (state.h) ---- */

const X86CpuConfig *x86_cpu_config(const Cpu *cpu)
{
    return &x86_cpu(cpu)->config;
}

void x86_cpu_set_tsc_hz(Cpu *cpu, uint64_t hz)
{
    x86_cpu(cpu)->config.tsc_hz = hz;
}

/* ---- for boards (boot.h) ---- */

void x86_cpu_tsc_moved(Cpu *cpu)
{
    x86_publish_tsc(cpu, cpu->state);
}

int64_t x86_cpu_tsc_to_ns(Cpu *cpu, uint64_t tsc)
{
    uint64_t ticks = tsc - (uint64_t)__atomic_load_n(&x86_cpu(cpu)->tsc_offset, __ATOMIC_RELAXED);
    uint64_t hz = x86_cpu(cpu)->config.tsc_hz;

    return hz == X86_TSC_HZ || !hz ? (int64_t)ticks
                                   : (int64_t)((__int128)(int64_t)ticks * NS_PER_SEC / (int64_t)hz);
}

const TargetOps x86_target = {
    .name = "x86_64",
    .state_size = sizeof(X86State),
    .list_models = x86_list_models,
    .check_model = x86_check_model,
    .fits = x86_cpu_fits,
    .model_definitions = x86_model_definitions,
    .expand_model = x86_expand_model,
    .default_model = "qemu64",
    .init = cpu_init,
    .fini = cpu_fini,
    .reset = cpu_reset_state,
    .dump = x86_dump,
    .get_pc = cpu_get_pc,
    .set_pc = cpu_set_pc,
    .start_at = cpu_start_at,
    .translate = x86_debug_translate,
    .has_work = x86_has_work,
    .disas = cpu_disas,
    .gdb = &x86_gdb,
    .tcg = &x86_tcg_target,
};
TARGET(x86_target);
