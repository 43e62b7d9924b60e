/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See toy.h.
 */
#include <sched.h>
#include <string.h>

#include "toy.h"

/* ---- target ---- */

static bool toy_init(Cpu *cpu, const char *model, Error **errp)
{
    if (model && strcmp(model, "bad") == 0) {
        error_set(errp, ERR_INVALID_PARAMETER, "there is no CPU model 'bad'");
        return false;
    }
    return true;
}

static void toy_reset(Cpu *cpu)
{
    ToyState *s = toy_state(cpu);

    s->pc = 0x1000;
    s->halted = false;
    s->resets++;
}

static bool toy_has_work(Cpu *cpu)
{
    return cpu_requests(cpu) & (CPU_REQ_INTR | CPU_REQ_SIPI);
}


static const TargetOps toy_target = {
    .name = "toy",
    .state_size = sizeof(ToyState),
    .default_model = "toy",
    .init = toy_init,
    .reset = toy_reset,
    .has_work = toy_has_work,
};
TARGET(toy_target);

/* ---- board ---- */

static bool toy_build(Machine *m, Device *board, Error **errp)
{
    const MachineConfig *c = machine_config(m);
    MemoryRegion *ram = region_new_ram(m, "ram", c->ram_size, errp);

    if (!ram) {
        return false;
    }
    region_add(machine_memory_root(m), 0, ram, 0);
    region_unref(ram);
    for (int i = 0; i < c->cpus; i++) {
        if (!cpu_create(m, i, i, c->cpu_model, errp)) {
            return false;
        }
    }
    return true;
}

static const BoardType toy_board = {
    .name = "toyboard",
    .alias = "toy",
    .help = "CPUs and memory",
    .arch = "toy",
    .default_cpu = "toy",
    .default_ram = 1 << 20,
    .max_cpus = 8,
    .build = toy_build,
};
BOARD(toy_board);

/* ---- accelerator ---- */

static bool toy_vcpu_open(Cpu *cpu, Error **errp)
{
    return true;
}

static void toy_vcpu_close(Cpu *cpu)
{
}

static Exit toy_run(Cpu *cpu)
{
    ToyState *s = toy_state(cpu);

    for (;;) {
        uint32_t req = cpu_requests(cpu);
        if (req & CPU_REQ_SIPI) {
            cpu_unrequest(cpu, CPU_REQ_SIPI);
            cpu->power_off = false;
        }
        if (req & CPU_REQ_TLB) {
            cpu_unrequest(cpu, CPU_REQ_TLB);
            mem_quiesce(cpu->machine);
        }
        if (req & (CPU_REQ_STOP | CPU_REQ_WORK | CPU_REQ_EXIT | CPU_REQ_RESET)) {
            return EXIT_REQUEST;
        }
        if (s->halted) {
            if (!(req & CPU_REQ_INTR)) {
                return EXIT_HALT;
            }
            s->halted = false;
            s->wakeups++;
        }
        sched_yield();
        Exit e = s->step ? s->step(cpu) : EXIT_REQUEST;
        if (e != EXIT_REQUEST) {
            return e;
        }
    }
}

static void count_events(Machine *m)
{
    (*(uintptr_t *)machine_accel_priv(m, ACCEL_SLOT_NULL))++;
}

unsigned toy_events_told(Machine *m)
{
    return (uintptr_t)*machine_accel_priv(m, ACCEL_SLOT_NULL);
}

static const AccelOps toy_accel = {
    .name = "toy",
    .help = "spins",
    .vcpu_open = toy_vcpu_open,
    .vcpu_close = toy_vcpu_close,
    .run = toy_run,
    .events_changed = count_events,
};
ACCEL(toy_accel);

/* ---- helpers ---- */

static void note_event(void *opaque, Machine *m, const char *event, const char *json)
{
    GString *s = opaque;

    g_string_append_printf(s, "%s%s%s", s->len ? " " : "", event, json ? json : "");
}

Machine *toy_machine(MachineConfig cfg, GString *events)
{
    g_autoptr(GMainContext) loop = g_main_context_new();
    Error *err = NULL;

    cfg.board = cfg.board ? cfg.board : "toy";
    cfg.accel = cfg.accel ? cfg.accel : "null";
    Machine *m = machine_new(&cfg, loop);
    if (events) {
        machine_add_event_listener(m, note_event, events);
    }
    bool ok = machine_build(m, "toy", &err);
    if (!ok) {
        g_error("%s", error_message(err));
    }
    return m;
}

typedef struct Timeout {
    bool late;
} Timeout;

static gboolean on_late(gpointer opaque)
{
    ((Timeout *)opaque)->late = true;
    return G_SOURCE_CONTINUE;
}

static GSource *start_timeout(Machine *m, int ms, Timeout *t)
{
    GSource *s = g_timeout_source_new(ms);

    g_source_set_callback(s, on_late, t, NULL);
    g_source_attach(s, machine_loop(m));
    return s;
}

void toy_loop_until(Machine *m, bool (*cond)(void *), void *opaque)
{
    Timeout t = {false};
    GSource *s = start_timeout(m, 20000, &t);

    while (!cond(opaque)) {
        g_main_context_iteration(machine_loop(m), TRUE);
        g_assert_false(t.late);
    }
    g_source_destroy(s);
    g_source_unref(s);
}

void toy_loop_for(Machine *m, int ms)
{
    Timeout t = {false};
    GSource *s = start_timeout(m, ms, &t);

    while (!t.late) {
        g_main_context_iteration(machine_loop(m), TRUE);
    }
    g_source_destroy(s);
    g_source_unref(s);
}
