/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of a processor under KVM on an Arm host: what we say is what the guest finds, and what the guest does is what
 * we find. SVE with all lengths that this host has, and without it; pointer authentication.
 */
#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "core/machine.h"
#include "target/arm/state.h"

#define RAM_SIZE (1u << 20)
#define OUT 0x10000u      /* what the guest stores: sections of the size that the longest vectors need */
#define OUT_P (32 * 256u)
#define OUT_FFR (OUT_P + 16 * 32u)
#define OUT_VL (OUT_FFR + 32u)
#define OUT_DONE (OUT_VL + 8u)
#define FP_ON (3ull << 20)
#define SVE_ON (3ull << 16)
#define FFR 16
#define PATIENCE_S 20

/* The guest stores all of its vector registers, changes them, says so, and turns in a circle. X0: where to. */
extern const char guest_code[];
extern const uint64_t guest_size, guest_circle; /* the circle's place in it */
__asm__(".section .rodata\n.balign 8\n.arch armv8.2-a+sve\n.global guest_code, guest_size, guest_circle\n"
        "guest_code:\n"
        "mov x2, x0\n"
        ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "str z\\n, [x2]\nadd x2, x2, #256\nadd z\\n\\().b, z\\n\\().b, #1\n"
        ".endr\n"
        "mov x3, x2\n"
        ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "str p\\n, [x2]\nadd x2, x2, #32\n"
        ".endr\n"
        "rdffr p0.b\nstr p0, [x2]\nadd x2, x2, #32\nsetffr\n"
        ".irp n, 15,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14\n" /* each gets what its follower had */
        "ldr p\\n, [x3]\nadd x3, x3, #32\n"
        ".endr\n"
        "rdvl x4, #1\nstr x4, [x2]\nmov w4, #1\ndsb sy\nstr w4, [x2, #8]\n"
        "1: b 1b\n"
        "2: .balign 8\nguest_size: .quad 2b - guest_code\nguest_circle: .quad 1b - guest_code\n.text\n");

static bool build(Machine *m, Device *board, Error **errp)
{
    MemoryRegion *ram = region_new_ram(m, "ram", RAM_SIZE, errp);

    if (!ram) {
        return false;
    }
    region_add(machine_memory_root(m), 0, ram, -1);
    region_unref(ram);
    return cpu_create(m, 0, 0, machine_config(m)->cpu_model, errp);
}

static const BoardType board = {.name = "one-cpu", .help = "a processor and memory", .arch = "aarch64", .max_cpus = 1, .build = build};
BOARD(board);

/* ---- machine ---- */

/* Stopped; NULL: it cannot be made. */
static Machine *machine(const char *model, Error **errp)
{
    g_autoptr(GMainContext) loop = g_main_context_new();
    const MachineConfig cfg = {.board = "one-cpu", .accel = "kvm", .cpu_model = model, .ram_size = RAM_SIZE, .cpus = 1,
                               .start_paused = true};
    Machine *m = machine_new(&cfg, loop);

    if (!machine_build(m, "aarch64", errp)) {
        machine_free(m);
        return NULL;
    }
    machine_start(m);
    return m;
}

static Machine *must(const char *model)
{
    Error *err = NULL;
    Machine *m = machine(model, &err);

    if (!m) {
        g_error("-cpu %s: %s", model, error_message(err));
    }
    return m;
}

static ArmState *state(Machine *m)
{
    cpu_sync(machine_cpu(m, 0));
    return machine_cpu(m, 0)->state;
}

static unsigned longest(Machine *m)
{
    return arm_cpu_config(machine_cpu(m, 0))->sve_vq_max;
}

static void give_up(Machine *m)
{
    g_autoptr(GString) text = g_string_new("the guest does not come to its end");

    machine_stop(m, RUN_STATE_PAUSED);
    g_string_append_printf(text, ", syndrome %" G_GINT64_MODIFIER "x of %" G_GINT64_MODIFIER "x\n",
                           (guint64)state(m)->sr[ARM_SR_ESR_EL1], (guint64)state(m)->elr[1]);
    machine_target(m)->dump(machine_cpu(m, 0), text);
    g_error("%s", text->str);
}

/* It runs until it said that it is done. */
static void run(Machine *m)
{
    gint64 end = g_get_monotonic_time() + PATIENCE_S * G_USEC_PER_SEC;
    uint32_t done = 0;

    g_assert_true(machine_cont(m, NULL));
    while (!done) {
        if (g_get_monotonic_time() >= end) {
            give_up(m);
        }
        g_usleep(1000);
        address_space_read(machine_memory(m), OUT + OUT_DONE, MEM_ATTRS_NONE, &done, sizeof(done));
    }
    machine_stop(m, RUN_STATE_PAUSED);
}

/* In the circle. */
static void run_a_while(Machine *m)
{
    g_assert_true(machine_cont(m, NULL));
    g_usleep(20000);
    machine_stop(m, RUN_STATE_PAUSED);
}

/* ---- state ---- */

static void fill(void *p, size_t used, size_t size)
{
    uint8_t *b = p;

    for (size_t i = 0; i < size; i++) {
        b[i] = i < used ? (uint8_t)g_test_rand_int() : 0;
    }
}

/* Vectors of vq quadwords (0: no SVE); FFR as software may have it: ones, then zeros (DDI 0487, WRFFR). */
static void fill_vectors(ArmState *s, unsigned vq)
{
    uint8_t *ffr = s->p[FFR].b;
    unsigned ones = vq ? (unsigned)g_test_rand_int_range(1, 16 * (gint32)vq) : 0;

    for (int i = 0; i < 32; i++) {
        fill(s->z[i].b, vq ? 16 * vq : 16, sizeof(s->z[i].b));
    }
    for (int i = 0; i < FFR; i++) {
        fill(s->p[i].b, 2 * vq, sizeof(s->p[i].b));
    }
    memset(ffr, 0, sizeof(s->p[FFR].b));
    for (unsigned i = 0; i < ones; i++) {
        ffr[i / 8] |= (uint8_t)(1 << i % 8);
    }
}

static void begin(Machine *m)
{
    ArmState *s = state(m);

    address_space_write(machine_memory(m), 0, MEM_ATTRS_NONE, guest_code, guest_size);
    fill_vectors(s, longest(m));
    s->sr[ARM_SR_CPACR_EL1] = FP_ON | SVE_ON;
    s->sr[ARM_SR_ZCR_EL1] = 15;
    s->pc = 0;
    s->x[0] = OUT;
    cpu_state_changed(machine_cpu(m, 0));
}

static void assert_same_vectors(const ArmState *got, const ArmState *want)
{
    for (int i = 0; i < 32; i++) {
        g_assert_cmpmem(got->z[i].b, sizeof(got->z[i].b), want->z[i].b, sizeof(want->z[i].b));
    }
    for (int i = 0; i < 17; i++) {
        g_assert_cmpmem(got->p[i].b, sizeof(got->p[i].b), want->p[i].b, sizeof(want->p[i].b));
    }
}

/* What the guest has stored is what it was begun with. */
static void assert_found(Machine *m, const ArmState *want, unsigned vq)
{
    g_autofree uint8_t *out = g_malloc0(OUT_DONE);
    uint64_t vl;

    address_space_read(machine_memory(m), OUT, MEM_ATTRS_NONE, out, OUT_DONE);
    memcpy(&vl, out + OUT_VL, sizeof(vl));
    g_assert_cmpuint(vl, ==, 16 * vq);
    for (int i = 0; i < 32; i++) {
        g_assert_cmpmem(out + 256 * i, 16 * vq, want->z[i].b, 16 * vq);
    }
    for (int i = 0; i < 17; i++) {
        g_assert_cmpmem(out + OUT_P + 32 * i, 2 * vq, want->p[i].b, 2 * vq);
    }
}

/* What the guest makes of its registers. */
static void change(ArmState *s, unsigned vq)
{
    ArmPred first = s->p[0];

    for (int i = 0; i < 32; i++) {
        for (unsigned b = 0; b < 16 * vq; b++) {
            s->z[i].b[b]++;
        }
    }
    memmove(&s->p[0], &s->p[1], 15 * sizeof(s->p[0]));
    s->p[15] = first;
    memset(s->p[FFR].b, 0xff, 2 * vq);
}

/* ---- tests ---- */

static bool no_kvm(void)
{
    if (access("/dev/kvm", R_OK | W_OK) == 0) {
        return false;
    }
    g_test_skip("no /dev/kvm");
    return true;
}

static void with_length(unsigned vq)
{
    g_autofree char *model = g_strdup_printf("host,sve%u=on", 128 * vq);
    g_autofree ArmState *want = g_new(ArmState, 1);
    Machine *m = must(model);

    g_assert_cmpuint(longest(m), ==, vq);
    begin(m);
    *want = *state(m);
    run(m);
    assert_found(m, want, vq);
    change(want, vq);
    assert_same_vectors(state(m), want);

    fill_vectors(state(m), vq);
    cpu_state_changed(machine_cpu(m, 0));
    *want = *state(m);
    run_a_while(m);
    assert_same_vectors(state(m), want);
    g_assert_cmphex(state(m)->pc, ==, guest_circle);

    machine_reset(m, SHUTDOWN_HOST_QMP_RESET);
    memset(want->z, 0, sizeof(want->z));
    memset(want->p, 0, sizeof(want->p));
    assert_same_vectors(state(m), want);
    machine_free(m);
}

static uint16_t lengths(void)
{
    Machine *m = must("host");
    uint16_t map = arm_cpu_config(machine_cpu(m, 0))->sve_vq_map;

    machine_free(m);
    return map;
}

static void test_sve(void)
{
    uint16_t map;

    if (no_kvm()) {
        return;
    }
    map = lengths();
    for (unsigned vq = 1; vq <= ARM_MAX_VQ; vq++) {
        if (map >> (vq - 1) & 1) {
            with_length(vq);
            g_test_message("vectors of %u bits", 128 * vq);
        }
    }
    if (!map) {
        g_test_skip("this host has no SVE");
    }
}

/* V registers alone; an instruction of SVE is not there. */
static void test_without(void)
{
    g_autofree ArmState *want = g_new(ArmState, 1);
    Machine *m;

    if (no_kvm()) {
        return;
    }
    m = must("host,sve=off");
    g_assert_cmpuint(longest(m), ==, 0);
    begin(m);
    state(m)->sr[ARM_SR_VBAR_EL1] = 0x8000;
    state(m)->pc = guest_circle;
    *want = *state(m);
    run_a_while(m);
    assert_same_vectors(state(m), want);

    const uint32_t circle = 0x14000000; /* b . */
    address_space_write(machine_memory(m), 0x8200, MEM_ATTRS_NONE, &circle, sizeof(circle));
    state(m)->pc = 4; /* the first that is SVE's: str z0 */
    cpu_state_changed(machine_cpu(m, 0));
    for (int i = 0; i < 500 && state(m)->pc == 4; i++) { /* it may take a while until it begins */
        run_a_while(m);
    }
    g_assert_cmphex(state(m)->pc, ==, 0x8200);
    g_assert_cmphex(state(m)->sr[ARM_SR_ESR_EL1] >> 26, ==, 0); /* unknown reason */
    machine_free(m);
}

#define POINTER_AUTHENTICATION 0xff0u /* ID_AA64ISAR1_EL1.APA, API: with which algorithm */

/* What the guest reads of ID_AA64ISAR1_EL1. */
static uint64_t isar1(Machine *m)
{
    const uint32_t code[] = {0xd5380621 /* mrs x1, id_aa64isar1_el1 */, 0x14000000 /* b . */};

    address_space_write(machine_memory(m), 0, MEM_ATTRS_NONE, code, sizeof(code));
    state(m)->pc = 0;
    cpu_state_changed(machine_cpu(m, 0));
    for (int i = 0; i < 500 && !state(m)->pc; i++) {
        run_a_while(m);
    }
    g_assert_cmphex(state(m)->pc, ==, 4);
    return state(m)->x[1];
}

static void test_pauth(void)
{
    Machine *m;

    if (no_kvm()) {
        return;
    }
    m = must("host");
    bool there = arm_cpu_config(machine_cpu(m, 0))->host_pauth;
    g_assert_cmpint((isar1(m) & POINTER_AUTHENTICATION) != 0, ==, there);
    machine_free(m);
    m = must("host,pauth=off");
    g_assert_cmphex(isar1(m) & POINTER_AUTHENTICATION, ==, 0);
    machine_free(m);
    g_test_message("pointer authentication: %s", there ? "yes" : "no");
}

static void test_refused(void)
{
    Error *err = NULL;
    uint16_t map;

    if (no_kvm()) {
        return;
    }
    map = lengths();
    g_assert_null(machine("host,sve128=off", &err));
    g_assert_cmpstr(error_message(err), ==, "cannot disable sve128");
    error_free(err);
    for (unsigned vq = 1; vq <= ARM_MAX_VQ; vq++) {
        g_autofree char *model = g_strdup_printf("host,sve%u=on", 128 * vq), *text = g_strdup_printf("cannot enable sve%u", 128 * vq);
        if (map >> (vq - 1) & 1) {
            continue;
        }
        err = NULL;
        g_assert_null(machine(model, &err));
        g_assert_cmpstr(error_message(err), ==, text);
        error_free(err);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kvm/arm/sve", test_sve);
    g_test_add_func("/kvm/arm/without-sve", test_without);
    g_test_add_func("/kvm/arm/pauth", test_pauth);
    g_test_add_func("/kvm/arm/refused", test_refused);
    return g_test_run();
}
