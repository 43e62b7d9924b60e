/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two machines of different architectures in one process: an x86 PC and an Arm virt, both translating at the same time. Each
 * computes a sequence that the host computes too; one is reset, and one is freed, while the other goes on.
 */
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "core/machine.h"

#define SEED     0x12345678u
#define FACTOR   1664525u
#define SUMMAND  1013904223u
#define RAM      (64ull << 20)
#define ROM_SIZE 0x10000
#define ARM_RAM  0x40000000ull

typedef struct Guest {
    const char *arch, *board, *cpu;
    char *image;      /* firmware or kernel */
    bool firmware;
    hwaddr result;    /* four bytes, then one that says that they are there */
    GMainContext *loop;
    Machine *m;
} Guest;

static uint32_t expected(uint32_t rounds)
{
    uint32_t v = SEED;

    while (rounds--) {
        v = v * FACTOR + SUMMAND;
    }
    return v;
}

/* ---- the programs ---- */

static void put(GByteArray *b, const char *bytes, size_t n)
{
    g_byte_array_append(b, (const uint8_t *)bytes, n);
}

static void put32(GByteArray *b, uint32_t v)
{
    uint8_t le[4];

    st_le32(le, v);
    g_byte_array_append(b, le, 4);
}

/* Real mode, from the reset vector, with 32-bit operands. */
static GByteArray *x86_program(uint32_t rounds)
{
    GByteArray *code = g_byte_array_new(), *rom = g_byte_array_new();

    put(code, "\x31\xc0\x8e\xd8", 4);         /* xor ax, ax; mov ds, ax */
    put(code, "\x66\xb8", 2);                 /* mov eax, SEED */
    put32(code, SEED);
    put(code, "\x66\xb9", 2);                 /* mov ecx, rounds */
    put32(code, rounds);
    put(code, "\x66\x69\xc0", 3);             /* 1: imul eax, eax, FACTOR */
    put32(code, FACTOR);
    put(code, "\x66\x05", 2);                 /* add eax, SUMMAND */
    put32(code, SUMMAND);
    put(code, "\x66\x49\x75\xef", 4);         /* dec ecx; jnz 1b */
    put(code, "\x66\xa3\x00\x05", 4);         /* mov [0x500], eax */
    put(code, "\xc6\x06\x04\x05\x01", 5);     /* mov byte [0x504], 1 */
    put(code, "\xf4\xeb\xfd", 3);             /* 2: hlt; jmp 2b */
    g_byte_array_set_size(rom, ROM_SIZE);
    memset(rom->data, 0xf4, ROM_SIZE);
    memcpy(rom->data + 0xff00, code->data, code->len);
    memcpy(rom->data + 0xfff0, "\xe9\x0d\xff", 3); /* jmp 0xff00 */
    g_byte_array_unref(code);
    return rom;
}

static void mov32(GByteArray *b, unsigned rd, uint32_t v)
{
    put32(b, 0x52800000 | (v & 0xffff) << 5 | rd);          /* movz */
    put32(b, 0x72800000 | 1 << 21 | (v >> 16) << 5 | rd);   /* movk */
}

static GByteArray *arm_program(uint32_t rounds)
{
    GByteArray *b = g_byte_array_new();

    mov32(b, 1, SEED);
    mov32(b, 2, rounds);
    mov32(b, 3, FACTOR);
    mov32(b, 4, SUMMAND);
    put32(b, 0x1b000000 | 3 << 16 | 4 << 10 | 1 << 5 | 1);  /* 1: madd w1, w1, w3, w4 */
    put32(b, 0x71000400 | 2 << 5 | 2);                      /* subs w2, w2, #1 */
    put32(b, 0x54000001 | (0x7fffe << 5));                  /* b.ne 1b */
    put32(b, 0xd2a00000 | 0x4000 << 5 | 5);                 /* movz x5, #0x4000, lsl 16 */
    put32(b, 0x91400400 | 5 << 5 | 5);                      /* add x5, x5, #1, lsl 12 */
    put32(b, 0xb9000000 | 5 << 5 | 1);                      /* str w1, [x5] */
    mov32(b, 6, 1);
    put32(b, 0x39000000 | 4 << 10 | 5 << 5 | 6);            /* strb w6, [x5, #4] */
    put32(b, 0xd503207f);                                   /* 2: wfi */
    put32(b, 0x17ffffff);                                   /* b 2b */
    return b;
}

/* ---- machines ---- */

static void begin(Guest *g, const char *accel, GByteArray *program)
{
    MachineConfig cfg = {.board = g->board, .accel = accel, .cpu_model = g->cpu, .ram_size = RAM, .cpus = 1, .max_cpus = 1,
                         .boot_splash_time = -1, .boot_reboot_timeout = -1};
    Error *err = NULL;
    int fd = g_file_open_tmp("rhea-two-XXXXXX", &g->image, NULL);

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    g_assert_true(g_file_set_contents(g->image, (char *)program->data, program->len, NULL));
    g_byte_array_unref(program);
    cfg.firmware = g->firmware ? g->image : NULL;
    cfg.kernel = g->firmware ? NULL : g->image;
    g->loop = g_main_context_new();
    g->m = machine_new(&cfg, g->loop);
    if (!machine_build(g->m, g->arch, &err)) {
        g_error("%s: %s", g->arch, error_message(err));
    }
    machine_start(g->m);
}

static void end(Guest *g)
{
    machine_free(g->m);
    g_main_context_unref(g->loop);
    unlink(g->image);
    g_clear_pointer(&g->image, g_free);
}

static bool done(Guest *g)
{
    uint64_t v = 0;

    address_space_load(machine_memory(g->m), g->result + 4, MEM_ATTRS_NONE, 1, &v);
    return v == 1;
}

static void clear(Guest *g)
{
    address_space_store(machine_memory(g->m), g->result, MEM_ATTRS_NONE, 8, 0);
}

/* Serves both loops until the guest has its result, which is the right one. */
static void finish(Guest *g, Guest *other, uint32_t want)
{
    uint64_t v = 0;

    for (int i = 0; i < 60000 && !done(g); i++) {
        g_main_context_iteration(g->loop, FALSE);
        if (other->m) {
            g_main_context_iteration(other->loop, FALSE);
        }
        g_usleep(1000);
    }
    g_assert_true(done(g));
    g_assert_cmpint(machine_run_state(g->m), ==, RUN_STATE_RUNNING);
    address_space_load(machine_memory(g->m), g->result, MEM_ATTRS_NONE, 4, &v);
    g_assert_cmphex(v, ==, want);
}

static void test_two(const void *opaque)
{
    const char *accel = opaque;
    uint32_t rounds = strstr(accel, "interp") ? 200000 : 100000000, want = expected(rounds);
    Guest x86 = {.arch = "x86_64", .board = "pc", .firmware = true, .result = 0x500};
    Guest arm = {.arch = "aarch64", .board = "virt", .cpu = "max", .result = ARM_RAM + 0x1000};

    begin(&x86, accel, x86_program(rounds));
    begin(&arm, accel, arm_program(rounds));
    finish(&x86, &arm, want);
    finish(&arm, &x86, want);

    clear(&x86); /* again, from the reset, both at once */
    clear(&arm);
    machine_reset(x86.m, SHUTDOWN_HOST_QMP_RESET);
    machine_reset(arm.m, SHUTDOWN_HOST_QMP_RESET);
    finish(&arm, &x86, want);
    finish(&x86, &arm, want);

    clear(&arm); /* one goes while the other one is in the middle of it */
    machine_reset(arm.m, SHUTDOWN_HOST_QMP_RESET);
    end(&x86);
    x86.m = NULL;
    finish(&arm, &x86, want);
    end(&arm);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/core/two-targets/translated", "tcg", test_two);
    g_test_add_data_func("/core/two-targets/interpreted", "tcg,engine=interp", test_two);
    return g_test_run();
}
