/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vCPU threads: parking, sleeping, work, and all their races, many times over.
 */
#include "toy.h"

#define ROUNDS (g_test_thorough() ? 4000 : 200)

static Machine *new_machine(const char *accel, int cpus)
{
    return toy_machine((MachineConfig){.cpus = cpus, .accel = accel}, NULL);
}

static void add_one(Cpu *cpu, void *opaque)
{
    g_assert_true(cpu_current() == cpu);
    ++*(int *)opaque;
}

static void add_one_inline(Cpu *cpu, void *opaque)
{
    ++*(int *)opaque;
}

static void test_work(gconstpointer accel)
{
    Machine *m = new_machine(accel, 3);
    int n = 0, async = 0;

    cpu_run_on(machine_cpu(m, 0), add_one_inline, &n); /* no thread yet */
    machine_start(m);
    for (int i = 0; i < ROUNDS; i++) {
        cpu_run_on(machine_cpu(m, i % 3), add_one, &n);
        cpu_run_on_async(machine_cpu(m, 0), add_one, &async);
    }
    machine_stop(m, RUN_STATE_PAUSED);
    for (int i = 0; i < ROUNDS; i++) { /* while parked */
        cpu_run_on(machine_cpu(m, i % 3), add_one, &n);
        g_assert_true(machine_cpu(m, i % 3)->parked);
    }
    cpu_run_on(machine_cpu(m, 0), add_one, &async);
    g_assert_cmpint(n, ==, 2 * ROUNDS + 1);
    g_assert_cmpint(async, ==, ROUNDS + 1);
    machine_free(m);
}

static Exit count(Cpu *cpu)
{
    __atomic_fetch_add((uint64_t *)toy_state(cpu)->opaque, 1, __ATOMIC_RELAXED);
    return EXIT_REQUEST;
}

static void test_stop_cont(gconstpointer accel)
{
    Machine *m = new_machine(accel, 3);
    uint64_t counter[3] = {0};

    for (int i = 0; i < 3; i++) {
        toy_state(machine_cpu(m, i))->step = count;
        toy_state(machine_cpu(m, i))->opaque = &counter[i];
    }
    machine_start(m);
    for (int i = 0; i < ROUNDS; i++) {
        machine_stop(m, RUN_STATE_PAUSED);
        uint64_t before = counter[0] + counter[1] + counter[2];
        for (int k = 0; k < 3; k++) {
            g_assert_true(machine_cpu(m, k)->parked);
        }
        if (i % 16 == 0) {
            g_usleep(100);
        }
        g_assert_cmpuint(before, ==, counter[0] + counter[1] + counter[2]);
        g_assert_true(machine_cont(m, NULL));
        if (i % 3 == 0) {
            g_usleep(i % 50);
        }
        if (i % 7 == 0) {
            machine_reset(m, SHUTDOWN_HOST_QMP_RESET);
        }
    }
    machine_free(m);
}

static bool halted_asleep(Cpu *cpu)
{
    return __atomic_load_n(&cpu->exits[EXIT_HALT], __ATOMIC_ACQUIRE) > 0;
}

static void read_wakeups(Cpu *cpu, void *opaque)
{
    *(uint32_t *)opaque = toy_state(cpu)->wakeups;
}

static void set_halted(Cpu *cpu, void *opaque)
{
    toy_state(cpu)->halted = true;
}

/* Each interrupt wakes exactly the halted CPU, none is lost. */
static void test_halt(void)
{
    Machine *m = new_machine("toy", 2);
    Cpu *cpu = machine_cpu(m, 1);
    uint32_t woken = 0;

    toy_state(cpu)->halted = true;
    machine_start(m);
    while (!halted_asleep(cpu)) {
        g_usleep(10);
    }
    for (int i = 1; i <= ROUNDS; i++) {
        cpu_request(cpu, CPU_REQ_INTR);
        while (woken != i) {
            cpu_run_on(cpu, read_wakeups, &woken);
        }
        cpu_unrequest(cpu, CPU_REQ_INTR);
        cpu_run_on(cpu, set_halted, NULL);
        if (i % 4 == 0) {
            g_usleep(i % 64);
        }
        if (i % 32 == 0) {
            machine_stop(m, RUN_STATE_PAUSED);
            machine_cont(m, NULL);
        }
    }
    g_assert_true(halted_asleep(cpu));
    machine_free(m);
}

static void test_power_off(void)
{
    Machine *m = new_machine("toy", 2);
    Cpu *cpu = machine_cpu(m, 1);
    uint64_t ran = 0;

    toy_state(cpu)->step = count;
    toy_state(cpu)->opaque = &ran;
    cpu->power_off = true;
    machine_start(m);
    machine_stop(m, RUN_STATE_PAUSED);
    machine_cont(m, NULL);
    cpu_request(cpu, CPU_REQ_TLB);
    g_usleep(1000);
    g_assert_cmpuint(__atomic_load_n(&ran, __ATOMIC_RELAXED), ==, 0);
    cpu_request(cpu, CPU_REQ_SIPI);
    while (!__atomic_load_n(&ran, __ATOMIC_RELAXED)) {
        g_usleep(10);
    }
    machine_stop(m, RUN_STATE_PAUSED);
    g_assert_false(cpu->power_off);
    machine_free(m);
}

static void test_cpu_reset(void)
{
    Machine *m = new_machine("null", 1);
    Cpu *cpu = machine_cpu(m, 0);
    uint32_t before = toy_state(cpu)->resets;

    machine_start(m);
    cpu_request(cpu, CPU_REQ_RESET);
    while (cpu_requests(cpu) & CPU_REQ_RESET) {
        g_usleep(10);
    }
    machine_stop(m, RUN_STATE_PAUSED);
    g_assert_cmpuint(toy_state(cpu)->resets, ==, before + 1);
    machine_free(m);
}

/* ---- other threads ask while the loop works ---- */

typedef struct Nag {
    Machine *m;
    int stop;
} Nag;

static gpointer nag(gpointer opaque)
{
    Nag *n = opaque;

    for (int i = 0; !g_atomic_int_get(&n->stop); i++) {
        switch (i % 4) {
        case 0:
            machine_request_reset(n->m, SHUTDOWN_HOST_QMP_RESET);
            break;
        case 1:
            machine_request_stop(n->m, RUN_STATE_PAUSED);
            break;
        case 2:
            cpu_request(machine_cpu(n->m, i % 3), CPU_REQ_INTR | CPU_REQ_TLB);
            break;
        default:
            cpu_unrequest(machine_cpu(n->m, i % 3), CPU_REQ_INTR);
            machine_request_powerdown(n->m);
        }
        g_usleep(50);
    }
    return NULL;
}

static Exit ask(Cpu *cpu)
{
    uint64_t *n = toy_state(cpu)->opaque;

    if (++*n % 1000 == 0) {
        machine_request_reset(cpu->machine, SHUTDOWN_GUEST_RESET);
    } else if (*n % 700 == 0) {
        toy_state(cpu)->halted = true;
    }
    return EXIT_REQUEST;
}

static void test_races(gconstpointer accel)
{
    Machine *m = new_machine(accel, 3);
    uint64_t counter[3] = {0};
    Nag n = {.m = m};
    int work = 0;

    for (int i = 0; i < 3; i++) {
        toy_state(machine_cpu(m, i))->step = ask;
        toy_state(machine_cpu(m, i))->opaque = &counter[i];
    }
    machine_start(m);
    GThread *t = g_thread_new("nag", nag, &n);
    for (int i = 0; i < ROUNDS; i++) {
        g_main_context_iteration(machine_loop(m), FALSE);
        machine_cont(m, NULL);
        if (i % 5 == 0) {
            cpu_run_on(machine_cpu(m, i % 3), add_one, &work);
        }
        if (i % 11 == 0) {
            machine_stop(m, RUN_STATE_PAUSED);
        }
    }
    g_atomic_int_set(&n.stop, 1);
    g_thread_join(t);
    machine_free(m);
}

/* Freed at any moment of its life. */
static void test_free_early(gconstpointer accel)
{
    for (int i = 0; i < ROUNDS / 5; i++) {
        Machine *m = new_machine(accel, 2);
        if (i % 5) {
            machine_start(m);
        }
        if (i % 3 == 0) {
            g_usleep(i % 100);
        }
        if (i % 4 == 0) {
            machine_stop(m, RUN_STATE_PAUSED);
        }
        if (i % 7 == 0) {
            machine_request_reset(m, SHUTDOWN_HOST_UI);
        }
        machine_free(m);
    }
}

static void both(const char *name, void (*fn)(gconstpointer))
{
    g_autofree char *null = g_strdup_printf("/core/vcpu/%s/null", name);
    g_autofree char *toy = g_strdup_printf("/core/vcpu/%s/toy", name);

    g_test_add_data_func(null, "null", fn);
    g_test_add_data_func(toy, "toy", fn);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    both("work", test_work);
    both("stop-cont", test_stop_cont);
    g_test_add_func("/core/vcpu/halt", test_halt);
    g_test_add_func("/core/vcpu/power-off", test_power_off);
    g_test_add_func("/core/vcpu/reset", test_cpu_reset);
    both("races", test_races);
    both("free-early", test_free_early);
    return g_test_run();
}
