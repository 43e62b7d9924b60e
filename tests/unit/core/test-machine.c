/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Life cycle of machines: states, requests, events, exit status; two machines at once.
 */
#include <string.h>

#include "toy.h"

static bool has_ended(void *opaque)
{
    return machine_ended(opaque, NULL);
}

static bool is_running(void *opaque)
{
    return machine_run_state(opaque) == RUN_STATE_RUNNING;
}

static bool is_not_running(void *opaque)
{
    return !is_running(opaque);
}

static void expect_events(GString *events, const char *want)
{
    g_assert_cmpstr(events->str, ==, want);
    g_string_truncate(events, 0);
}

static void count_reset_seen(void *opaque, Machine *m, const char *event, const char *json)
{
    *(int *)opaque += strcmp(event, "RESET") == 0;
}

static void test_life(void)
{
    g_autoptr(GString) ev = g_string_new(NULL);
    Machine *m = toy_machine((MachineConfig){.cpus = 2}, ev);
    int status = -1;

    g_assert_cmpstr(run_state_name(machine_run_state(m)), ==, "prelaunch");
    g_assert_cmpint(machine_cpu_count(m), ==, 2);
    g_assert_cmpint(toy_state(machine_cpu(m, 1))->resets, ==, 2); /* creation and power-on */
    machine_start(m);
    expect_events(ev, "RESUME");
    machine_stop(m, RUN_STATE_PAUSED);
    machine_stop(m, RUN_STATE_PAUSED);
    expect_events(ev, "STOP");
    g_assert_true(machine_cpu(m, 0)->parked && machine_cpu(m, 1)->parked);
    g_assert_true(machine_cont(m, NULL));
    expect_events(ev, "RESUME");
    machine_request_powerdown(m);
    machine_request_reset(m, SHUTDOWN_HOST_QMP_RESET);
    int resets = 0;
    machine_add_event_listener(m, count_reset_seen, &resets);
    while (!resets) {
        g_main_context_iteration(machine_loop(m), TRUE);
    }
    expect_events(ev, "RESET{\"guest\": false, \"reason\": \"host-qmp-system-reset\"} POWERDOWN");
    g_assert_true(is_running(m));
    g_assert_false(machine_ended(m, NULL));
    machine_request_shutdown(m, SHUTDOWN_GUEST_SHUTDOWN);
    toy_loop_until(m, has_ended, m);
    expect_events(ev, "SHUTDOWN{\"guest\": true, \"reason\": \"guest-shutdown\"}");
    g_assert_true(machine_ended(m, &status));
    g_assert_cmpint(status, ==, 0);
    machine_free(m);
}

static void test_no_shutdown(void)
{
    g_autoptr(GString) ev = g_string_new(NULL);
    Machine *m = toy_machine((MachineConfig){.no_shutdown = true}, ev);
    Error *err = NULL;

    machine_start(m);
    machine_request_shutdown(m, SHUTDOWN_GUEST_SHUTDOWN);
    toy_loop_until(m, is_not_running, m);
    g_assert_cmpint(machine_run_state(m), ==, RUN_STATE_SHUTDOWN);
    g_assert_false(machine_ended(m, NULL));
    g_assert_false(machine_cont(m, &err));
    g_assert_nonnull(strstr(error_hint_text(err), "system_reset"));
    error_free(err);
    machine_reset(m, SHUTDOWN_HOST_QMP_RESET);
    g_assert_cmpint(machine_run_state(m), ==, RUN_STATE_PRELAUNCH);
    g_assert_true(machine_cont(m, NULL));
    machine_request_shutdown(m, SHUTDOWN_HOST_QMP_QUIT); /* the host's word counts */
    toy_loop_until(m, has_ended, m);
    machine_free(m);
}

static void test_no_reboot(void)
{
    g_autoptr(GString) ev = g_string_new(NULL);
    Machine *m = toy_machine((MachineConfig){.no_reboot = true}, ev);

    machine_start(m);
    machine_request_reset(m, SHUTDOWN_GUEST_RESET);
    toy_loop_until(m, has_ended, m);
    expect_events(ev, "RESUME SHUTDOWN{\"guest\": true, \"reason\": \"guest-reset\"}");
    machine_free(m);
}

static void test_exit_status(void)
{
    Machine *m = toy_machine((MachineConfig){.no_shutdown = true}, NULL);
    int status = 0;

    machine_start(m);
    machine_request_exit(m, 33);
    machine_request_exit(m, 34);
    toy_loop_until(m, has_ended, m);
    g_assert_true(machine_ended(m, &status));
    g_assert_cmpint(status, ==, 33);
    machine_free(m);
}

static void test_start_paused(void)
{
    Machine *m = toy_machine((MachineConfig){.start_paused = true, .cpus = 2}, NULL);

    machine_start(m);
    g_assert_cmpint(machine_run_state(m), ==, RUN_STATE_PRELAUNCH);
    g_assert_true(machine_cont(m, NULL));
    machine_stop(m, RUN_STATE_SAVE_VM);
    g_assert_cmpint(machine_run_state(m), ==, RUN_STATE_SAVE_VM);
    machine_free(m);
}

/* ---- what guests ask for, from their own threads ---- */

static Exit triple_fault(Cpu *cpu)
{
    ToyState *s = toy_state(cpu);

    return s->resets < 5 ? EXIT_SHUTDOWN : EXIT_REQUEST;
}

static bool reset5(void *opaque)
{
    return toy_state(opaque)->resets == 5;
}

static void test_triple_fault(void)
{
    Machine *m = toy_machine((MachineConfig){.cpus = 1, .accel = "toy"}, NULL);
    Cpu *cpu = machine_cpu(m, 0);

    toy_state(cpu)->step = triple_fault;
    machine_start(m);
    toy_loop_until(m, reset5, cpu);
    machine_free(m);
}

static Exit give_up(Cpu *cpu)
{
    return EXIT_ERROR;
}

static Exit breakpoint(Cpu *cpu)
{
    return EXIT_DEBUG;
}

static void test_exits(void)
{
    Machine *m = toy_machine((MachineConfig){.cpus = 2, .accel = "toy"}, NULL);

    toy_state(machine_cpu(m, 0))->step = breakpoint;
    machine_start(m);
    toy_loop_until(m, is_not_running, m);
    g_assert_cmpint(machine_run_state(m), ==, RUN_STATE_DEBUG);
    toy_state(machine_cpu(m, 0))->step = give_up;
    g_assert_true(machine_cont(m, NULL));
    toy_loop_until(m, is_not_running, m);
    g_assert_cmpint(machine_run_state(m), ==, RUN_STATE_INTERNAL_ERROR);
    g_assert_false(machine_cont(m, NULL));
    machine_free(m);
}

/* ---- errors ---- */

static void build_fails(MachineConfig cfg, const char *arch, const char *part)
{
    g_autoptr(GMainContext) loop = g_main_context_new();
    Machine *m = machine_new(&cfg, loop);
    Error *err = NULL;

    g_assert_false(machine_build(m, arch, &err));
    g_autofree char *text = error_describe(err);
    g_test_message("%s", text);
    g_assert_nonnull(strstr(text, part));
    error_free(err);
    machine_free(m);
}

static void test_build_errors(void)
{
    build_fails((MachineConfig){.board = "toyborad"}, "toy", "did you mean 'toyboard'");
    build_fails((MachineConfig){.board = "toy"}, "toi", "did you mean 'toy'");
    build_fails((MachineConfig){.board = "toy", .accel = "nul"}, "toy", "did you mean 'null'");
    build_fails((MachineConfig){.board = "toy", .accel = "null", .cpus = 9}, "toy", "room for 8");
    build_fails((MachineConfig){.board = "toy", .accel = "null", .cpu_model = "bad"}, "toy", "'bad'");
    build_fails((MachineConfig){.board = "toy,colour=red", .accel = "null"}, "toy", "'colour'");
    build_fails((MachineConfig){.board = "toy", .accel = "null", .ram_size = 1ull << 60}, "toy", "ram");
}

static void test_none(void)
{
    MachineConfig cfg = {.board = "none", .accel = "null", .ram_size = 0x3000};
    Machine *m = machine_new(&cfg, NULL);
    uint64_t v;

    g_assert_true(machine_build(m, "", NULL));
    g_assert_null(machine_target(m));
    machine_start(m);
    g_assert_true(is_running(m));
    g_assert_cmpint(address_space_load(machine_memory(m), 0x2ff8, MEM_ATTRS_NONE, 8, &v), ==, MEM_OK);
    g_assert_cmpint(address_space_load(machine_ports(m), 0x80, MEM_ATTRS_NONE, 1, &v), ==,
                    MEM_DECODE_ERROR);
    machine_free(m);
}

/* An accelerator that does not say how to leave it keeps its machines. */
static void test_no_switch(void)
{
    MachineConfig cfg = {.board = "none", .accel = "null", .ram_size = 0x3000};
    Machine *m = machine_new(&cfg, NULL);
    const AccelOps *before;
    Error *err = NULL;

    g_assert_true(machine_build(m, "", NULL));
    machine_start(m);
    before = machine_accel(m);
    g_assert_true(machine_switch_accel(m, "null", NULL)); /* where it is */
    g_assert_false(machine_switch_accel(m, "tcg", &err));
    g_assert_nonnull(strstr(error_message(err), "cannot move from 'null' to 'tcg'"));
    g_clear_pointer(&err, error_free);
    g_assert_false(machine_switch_accel(m, "nul", &err));
    g_assert_nonnull(strstr(error_hint_text(err), "null"));
    error_free(err);
    g_assert_true(machine_accel(m) == before && is_running(m));
    machine_free(m);
}

static void test_two(void)
{
    g_autoptr(GString) ea = g_string_new(NULL), eb = g_string_new(NULL);
    Machine *a = toy_machine((MachineConfig){.cpus = 2}, ea);
    Machine *b = toy_machine((MachineConfig){.cpus = 2, .accel = "toy"}, eb);
    uint64_t v;

    machine_start(a);
    machine_start(b);
    address_space_store(machine_memory(a), 0x100, MEM_ATTRS_NONE, 4, 1);
    address_space_store(machine_memory(b), 0x100, MEM_ATTRS_NONE, 4, 2);
    address_space_load(machine_memory(a), 0x100, MEM_ATTRS_NONE, 4, &v);
    g_assert_cmpint(v, ==, 1);
    machine_lock(a);
    machine_lock(b); /* separate domains */
    machine_unlock(a);
    machine_unlock(b);
    machine_stop(a, RUN_STATE_PAUSED);
    g_assert_true(is_running(b));
    machine_free(a);
    machine_request_shutdown(b, SHUTDOWN_HOST_SIGNAL);
    toy_loop_until(b, has_ended, b);
    expect_events(ea, "RESUME STOP");
    expect_events(eb, "RESUME SHUTDOWN{\"guest\": false, \"reason\": \"host-signal\"}");
    machine_free(b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/core/machine/life", test_life);
    g_test_add_func("/core/machine/no-shutdown", test_no_shutdown);
    g_test_add_func("/core/machine/no-reboot", test_no_reboot);
    g_test_add_func("/core/machine/exit-status", test_exit_status);
    g_test_add_func("/core/machine/start-paused", test_start_paused);
    g_test_add_func("/core/machine/triple-fault", test_triple_fault);
    g_test_add_func("/core/machine/exits", test_exits);
    g_test_add_func("/core/machine/build-errors", test_build_errors);
    g_test_add_func("/core/machine/none", test_none);
    g_test_add_func("/core/machine/no-switch", test_no_switch);
    g_test_add_func("/core/machine/two", test_two);
    return g_test_run();
}
