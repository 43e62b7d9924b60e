/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The translator as an accelerator: options, life of its per-machine and
 * per-vCPU data, state transfer, and the host signals that stand for guest
 * faults.
 *
 * home: main loop, except run/kick (exec.c) and the signal handler (the vCPU
 * thread that trapped).
 */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "accel/tcg/tlb.h"
#include "base/log.h"
#include "base/units.h"

static TcgMachine *tm_of(Machine *m)
{
    return *machine_accel_priv(m, ACCEL_SLOT_TCG);
}

/* ---- options: -accel tcg,engine=jit|interp,tb-size=MiB,thread=multi ---- */

typedef struct Options {
    bool interp;
    uint64_t mib;
} Options;

static bool parse_option(const char *opt, Options *o, Error **errp)
{
    const char *val = strchr(opt, '=');
    if (val && g_str_has_prefix(opt, "engine=") && (!strcmp(val, "=jit") || !strcmp(val, "=interp"))) {
        o->interp = !strcmp(val, "=interp");
        return true;
    }
    if (val && g_str_has_prefix(opt, "tb-size=")) {
        char *end;
        o->mib = g_ascii_strtoull(val + 1, &end, 10);
        if (!*end && o->mib >= 1 && o->mib <= 1024) {
            return true;
        }
        error_set(errp, ERR_INVALID_PARAMETER, "-accel tcg: tb-size=%s is not a size in MiB from 1 to 1024",
                  val + 1);
        return false;
    }
    if (!strcmp(opt, "thread=multi")) {
        return true;
    }
    error_set(errp, ERR_INVALID_PARAMETER, "-accel tcg: option '%s' is not known", opt);
    error_hint(errp, "possible: engine=jit|interp, tb-size=MiB, thread=multi");
    return false;
}

static bool parse_options(const char *spec, Options *o, Error **errp)
{
    g_auto(GStrv) part = g_strsplit(spec ? spec : "tcg", ",", -1);
    *o = (Options){ .mib = DEFAULT_CACHE_MIB };
    if (strcmp(part[0] ? part[0] : "tcg", "tcg")) {
        return true; /* the options are those of the one that the machine began under */
    }
    for (int i = 1; part[0] && part[i]; i++) {
        if (*part[i] && !parse_option(part[i], o, errp)) {
            return false;
        }
    }
    return true;
}

/* ---- traps of generated code ---- */

/*
 * A division fault or an unmasked SSE exception in generated code arrives as
 * SIGFPE on the vCPU's thread; the emitter turns it into an exit. Anything else
 * is a bug of ours and takes its default course.
 */
static void on_sigfpe(int sig, siginfo_t *info, void *uc)
{
    Cpu *cpu = cpu_current();
    TcgVcpu *v = cpu ? cpu->accel_priv[ACCEL_SLOT_TCG] : NULL;
    if (v && host_trap(v->tm->code, v, info, uc)) {
        return;
    }
    signal(sig, SIG_DFL);
    raise(sig);
}

static void install_trap_handler(void)
{
    struct sigaction sa = { .sa_sigaction = on_sigfpe, .sa_flags = SA_SIGINFO | SA_NODEFER };
    sigemptyset(&sa.sa_mask);
    sigaction(SIGFPE, &sa, NULL);
}

/* ---- machine ---- */

static bool probe(const TargetOps *t, Error **errp)
{
    if (!t->tcg) {
        error_set(errp, ERR_UNSUPPORTED, "the translator does not know %s guests", t->name);
        return false;
    }
    return true;
}

static void vm_close(Machine *m)
{
    TcgMachine *tm = tm_of(m);
    if (!tm) {
        return;
    }
    cache_fini(tm);
    pthread_cond_destroy(&tm->excl_cond);
    pthread_mutex_destroy(&tm->excl_lock);
    g_free(tm->vcpus);
    g_free(tm);
    *machine_accel_priv(m, ACCEL_SLOT_TCG) = NULL;
}

static bool vm_open(Machine *m, Error **errp)
{
    Options o;
    if (!parse_options(machine_config(m)->accel, &o, errp)) {
        return false;
    }
    TcgMachine *tm = g_new0(TcgMachine, 1);
    tm->machine = m;
    tm->target = machine_target(m)->tcg;
    tm->interp = o.interp;
    pthread_mutex_init(&tm->excl_lock, NULL);
    pthread_cond_init(&tm->excl_cond, NULL);
    *machine_accel_priv(m, ACCEL_SLOT_TCG) = tm;
    if (!cache_init(tm, o.mib, errp)) {
        vm_close(m);
        return false;
    }
    install_trap_handler();
    return true;
}

/* ---- vCPU ---- */

static size_t vcpu_bytes(const TcgTarget *t)
{
    return TCG_ENV_OFFSET + ((t->env_size + 4095) & ~(size_t)4095);
}

static bool vcpu_open(Cpu *cpu, Error **errp)
{
    TcgMachine *tm = tm_of(cpu->machine);
    TcgVcpu *v = mmap(NULL, vcpu_bytes(tm->target), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                      -1, 0);
    if (v == MAP_FAILED) {
        error_set(errp, ERR_NO_MEMORY, "no memory for the translator's state of vCPU %d", cpu->index);
        return false;
    }
    v->self = v;
    v->cpu = cpu;
    v->target = tm->target;
    v->tm = tm;
    v->hc = tm->code;
    v->interp = tm->interp;
    v->loop = g_new0(TcgLoop, 1);
    tlb_ask_init(v);
    v->as_generation = 0;
    ir_block_init(&v->ir, tm->target);
    memset(v->jc, 0xff, sizeof(v->jc));
    tlb_vcpu_init(v);
    cpu->accel_priv[ACCEL_SLOT_TCG] = v;
    tm->vcpus = g_renew(TcgVcpu *, tm->vcpus, tm->n_vcpus + 1);
    tm->vcpus[tm->n_vcpus++] = v;
    return true;
}

static void vcpu_close(Cpu *cpu)
{
    TcgMachine *tm = tm_of(cpu->machine);
    TcgVcpu *v = cpu->accel_priv[ACCEL_SLOT_TCG];
    if (!v) {
        return;
    }
    for (int i = 0; i < tm->n_vcpus; i++) {
        if (tm->vcpus[i] == v) {
            tm->vcpus[i] = tm->vcpus[--tm->n_vcpus];
            break;
        }
    }
    tlb_vcpu_fini(v);
    ir_block_fini(&v->ir);
    tlb_ask_fini(v);
    g_free(v->loop);
    cpu->accel_priv[ACCEL_SLOT_TCG] = NULL;
    munmap(v, vcpu_bytes(tm->target));
}

static void kick(Cpu *cpu)
{
    TcgVcpu *v = cpu->accel_priv[ACCEL_SLOT_TCG];
    if (v) {
        __atomic_store_n(&v->poll, 1, __ATOMIC_SEQ_CST);
    }
}

static void pull(Cpu *cpu)
{
    TcgVcpu *v = cpu->accel_priv[ACCEL_SLOT_TCG];
    v->target->pull(cpu, tcg_env(v));
}

static void push(Cpu *cpu)
{
    TcgVcpu *v = cpu->accel_priv[ACCEL_SLOT_TCG];
    v->target->push(cpu, tcg_env(v));
    v->loop->deliver = v->target->noted && v->target->noted(tcg_env(v));
    v->loop->look = true;
    tlb_flush_all(v);
    jc_set_mode(v, v->target->mode(tcg_env(v)));
}

static Exit step(Cpu *cpu)
{
    push(cpu);
    Exit e = tcg_execute_one(cpu->accel_priv[ACCEL_SLOT_TCG]);
    pull(cpu);
    return e;
}

/* Stores of another accelerator are not told: no translation outlives its time. */
static void leave(Machine *m)
{
    TcgMachine *tm = tm_of(m);

    if (tm->n_vcpus) {
        cache_flush_all(tm->vcpus[0]);
    }
}

static void ram_changed(Machine *m)
{
    TcgMachine *tm = tm_of(m);
    Cpu *self = cpu_current();
    for (int i = 0; tm && i < tm->n_vcpus; i++) {
        TcgVcpu *v = tm->vcpus[i];
        if (v->cpu == self) {
            tlb_flush_all(v); /* its very next access must see the change */
        } else {
            cpu_request(v->cpu, CPU_REQ_TLB);
        }
    }
}

static void code_written(Machine *m, RamBlock *b, uint64_t offset, uint64_t len)
{
    if (tm_of(m)) {
        cache_code_written(tm_of(m), b, offset, len);
    }
}

static void watch_armed(Machine *m, RamBlock *b, uint64_t offset, uint64_t len)
{
    TcgMachine *tm = tm_of(m);
    for (int i = 0; tm && i < tm->n_vcpus; i++) {
        for (uint64_t o = offset; o < offset + len; o += MEM_PAGE_SIZE) {
            tlb_evict_store(tm->vcpus[i], b->host + o);
        }
    }
    if (tm) {
        exec_sync_others(tm, NULL);
    }
}

static const AccelOps tcg_accel = {
    .name = "tcg",
    .help = "dynamic binary translation (works everywhere, any guest)",
    .probe = probe,
    .vm_open = vm_open,
    .vm_close = vm_close,
    .vcpu_open = vcpu_open,
    .vcpu_close = vcpu_close,
    .run = tcg_run,
    .kick = kick,
    .pull = pull,
    .push = push,
    .step = step,
    .leave = leave,
    .ram_changed = ram_changed,
    .code_written = code_written,
    .watch_armed = watch_armed,
    .debug = tcg_debug,
    .info = tcg_info,
    .reset_stats = tcg_reset_stats,
};
ACCEL(tcg_accel);
