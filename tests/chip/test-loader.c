/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The generic loader: numbers and files in memory at every reset, where a processor begins. */
#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "harness.h"

static char *dir; /* of the test's files */

static char *put(const char *name, const void *data, size_t len)
{
    char *path = g_build_filename(dir, name, NULL);

    g_assert_true(g_file_set_contents(path, data, len, NULL));
    return path;
}

static char *file_prop(const char *name, const void *data, size_t len)
{
    g_autofree char *path = put(name, data, len);

    return g_strdup_printf("file=%s", path);
}

static void check_memory(Machine *m, hwaddr addr, const void *want, size_t len)
{
    uint8_t mem[64];

    g_assert_cmpuint(len, <=, sizeof(mem));
    g_assert_true(address_space_peek(machine_memory(m), addr, mem, len));
    g_assert_cmpmem(mem, len, want, len);
}

static void fill(Machine *m, hwaddr addr, size_t len)
{
    g_autofree uint8_t *ff = g_malloc(len);

    memset(ff, 0xff, len);
    address_space_poke(machine_memory(m), addr, ff, len);
}

/* ---- numbers ---- */

static void test_data(void)
{
    Machine *m = bench_new(1);

    fill(m, 0x1000, 64);
    bench_device(m, NULL, "loader", "addr=0x1000", "data=0x1122334455667788", "data-len=4", NULL);
    bench_device(m, NULL, "loader", "addr=0x1010", "data=0x112233", "data-len=8", NULL);
    bench_device(m, NULL, "loader", "addr=0x1020", "data=0x112233", "data-len=4", "data-be=on", NULL);
    bench_device(m, NULL, "loader", "addr=0x1030", "data=0x112233", "data-len=3", "data-be=on",
                 "cpu-num=0", NULL);
    check_memory(m, 0x1000, "\x88\x77\x66\x55\xff", 5);
    check_memory(m, 0x1010, "\x33\x22\x11\0\0\0\0\0\xff", 9);
    check_memory(m, 0x1020, "\0\x11\x22\x33\xff", 5);
    check_memory(m, 0x1030, "\x11\x22\x33\xff", 4);
    g_assert_cmphex(bench_started_at(m, 0), ==, 0); /* a processor's memory, not its beginning */
    bench_free(m);
}

static void test_reset(void)
{
    g_autofree char *file = file_prop("raw", "raw bytes", 9);
    Machine *m = bench_new(1);

    bench_device(m, NULL, "loader", "addr=0x1000", "data=0x55", "data-len=1", NULL);
    bench_device(m, NULL, "loader", file, "addr=0x2000", "cpu-num=0", NULL);
    for (int i = 0; i < 2; i++) {
        check_memory(m, 0x1000, "\x55", 1);
        check_memory(m, 0x2000, "raw bytes", 9);
        g_assert_cmphex(bench_started_at(m, 0), ==, 0x2000);
        fill(m, 0x1000, 64);
        fill(m, 0x2000, 64);
        machine_reset(m, SHUTDOWN_HOST_QMP_RESET);
    }
    bench_free(m);
}

static void test_pc(void)
{
    Machine *m = bench_new(2);

    bench_device(m, NULL, "loader", "addr=0x4321", "cpu-num=1", NULL);
    g_assert_cmphex(bench_started_at(m, 0), ==, 0);
    g_assert_cmphex(bench_started_at(m, 1), ==, 0x4321);
    bench_free(m);
}

/* ---- ELF ---- */

#define ELF_SIZE 0x200

/* "text" at 0x3000 with 8 zeroes after it; begins at `entry`, linked `high` higher. */
#define MAKE_ELF(bits, machine, entry, high)                                                                      \
    static void make_elf##bits(uint8_t *d)                                                                        \
    {                                                                                                             \
        Elf##bits##_Ehdr h = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS##bits, ELFDATA2LSB, 1}, .e_type = ET_EXEC, \
                              .e_machine = machine, .e_entry = (entry) + (high), .e_phoff = sizeof(h),            \
                              .e_phentsize = sizeof(Elf##bits##_Phdr), .e_phnum = 1};                             \
        Elf##bits##_Phdr p = {.p_type = PT_LOAD, .p_offset = 0x100, .p_vaddr = 0x3000 + (high),                   \
                              .p_paddr = 0x3000, .p_filesz = 4, .p_memsz = 12};                                   \
                                                                                                                  \
        memset(d, 0, ELF_SIZE);                                                                                   \
        memcpy(d, &h, sizeof(h));                                                                                 \
        memcpy(d + sizeof(h), &p, sizeof(p));                                                                     \
        memcpy(d + 0x100, "text", 4);                                                                             \
    }
MAKE_ELF(64, EM_X86_64, 0x3002, 0xc0000000)
MAKE_ELF(32, EM_386, 0x3001, 0)

static void test_elf(gconstpointer data)
{
    bool is64 = data != NULL;
    uint8_t d[ELF_SIZE];
    Machine *m = bench_new(1);

    is64 ? make_elf64(d) : make_elf32(d);
    g_autofree char *file = file_prop("elf", d, sizeof(d));
    fill(m, 0x3000, 64);
    bench_device(m, NULL, "loader", file, "addr=0x5000", "cpu-num=0", NULL);
    check_memory(m, 0x3000, "text\0\0\0\0\0\0\0\0\xff", 13);
    g_assert_cmphex(bench_started_at(m, 0), ==, is64 ? 0x3002 : 0x3001);
    fill(m, 0x3000, 64);
    machine_reset(m, SHUTDOWN_HOST_QMP_RESET);
    check_memory(m, 0x3000, "text\0\0\0\0\0\0\0\0\xff", 13);
    bench_device(m, NULL, "loader", file, "addr=0x5000", "force-raw=on", NULL);
    check_memory(m, 0x5000, d, 64);
    bench_free(m);
}

/* ---- Intel HEX ---- */

static const char hex[] = ":0300300002337A1E\r\n" /* the specification's example, at 0x30 */
                          ":020000020100FB\n"     /* segment 0x100: from 0x1000 on */
                          ":0400000061626364" "72\n"
                          ":0200040065662F\n"     /* right behind */
                          ":020000040000FA\n"     /* linear 0 */
                          ":01200000" "5A" "85\n"
                          ":0400000500001002E5\n" /* begins at 0x1002 */
                          ":00000001FF\n";

static void test_hex(void)
{
    g_autofree char *file = file_prop("hex", hex, strlen(hex));
    Machine *m = bench_new(1);

    bench_device(m, NULL, "loader", file, "cpu-num=0", NULL);
    check_memory(m, 0x30, "\x02\x33\x7a", 3);
    check_memory(m, 0x1000, "abcdef\0", 7);
    check_memory(m, 0x2000, "Z\0", 2);
    g_assert_cmphex(bench_started_at(m, 0), ==, 0x1002);
    bench_free(m);
}

/* ---- refusals ---- */

/* Options separated by blanks. */
static void refused(Machine *m, const char *options, const char *message)
{
    Device *d = device_new(m, device_type_find("loader", NULL), NULL, NULL);
    g_auto(GStrv) opts = g_strsplit(options, " ", -1);
    Error *err = NULL;

    for (int i = 0; opts[i]; i++) {
        g_auto(GStrv) kv = g_strsplit(opts[i], "=", 2);
        g_assert_true(!kv[0] || device_set(d, kv[0], kv[1], &err));
    }
    if (device_realize(d, &err)) {
        g_error("'%s' is taken", options);
    }
    g_autofree char *text = error_describe(err);
    if (!strstr(text, message)) {
        g_error("'%s' gives '%s', not '%s'", options, text, message);
    }
    error_free(err);
    device_free(d);
}

static void test_options(void)
{
    static const char *const cases[][2] = {
        {"addr=0", "nothing to do"},
        {"addr=0x100", "cpu-num= says"},
        {"cpu-num=0", "nothing to do"},
        {"addr=0x100 cpu-num=1", "cpu-num=1: there is no such processor"},
        {"addr=0x100 cpu-num=0x80000000", "no such processor"},
        {"data=1", "both data= and data-len="},
        {"data-be=on", "both data= and data-len="},
        {"data=1 data-len=9", "greater than 8"},
        {"data=1 data-len=4 file=x", "cannot be given together"},
        {"force-raw=on addr=4 cpu-num=0", "force-raw= is about a file"},
        {"file=/nonexistent", "cannot open the file '/nonexistent'"},
        {"file=/", "is a directory"},
        {"data=1 data-len=4 addr=0x10000", "are not all memory"},
        {"data=1 data-len=4 addr=0xfffd", "are not all memory"},
        {"data=1 data-len=4 addr=0xfffffffffffffffe", "are not all memory"},
    };
    Machine *m = bench_new(1);

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        refused(m, cases[i][0], cases[i][1]);
    }
    bench_free(m);
}

static void file_refused(const void *data, size_t len, const char *message)
{
    Machine *m = bench_new(1);
    g_autofree char *file = file_prop("bad", data, len);

    refused(m, file, message);
    bench_free(m);
}

static void test_files(void)
{
    uint8_t d[ELF_SIZE], image[64] = {0x27, 0x05, 0x19, 0x56};

    make_elf64(d);
    st_le16(d + 18, EM_AARCH64);
    file_refused(d, sizeof(d), "is for 64-bit Arm");
    make_elf64(d);
    file_refused(d, 0x102, "truncated");
    st_le64(d + 64 + 24, 0x20000); /* p_paddr */
    file_refused(d, sizeof(d), "are not all memory");
    st_le64(d + 64 + 24, ~0ull - 4);
    file_refused(d, sizeof(d), "around the end");
    make_elf32(d);
    st_le32(d + 52 + 12, 0xfff8); /* the zeroes do not fit */
    file_refused(d, sizeof(d), "are not all memory");
    file_refused(image, sizeof(image), "U-Boot image");
    file_refused(":0300300002337A1F\n:00000001FF\n", 30, "line 1: its checksum");
    file_refused(":0300300002337A1E\n", 18, "the end record is missing");
    file_refused(":0300300002337A1E\n:0400300002337A1D\n", 36, "line 2: its length");
    file_refused(":0300300002337A1E\nwhat is this\n", 31, "line 2: something that is no record");
    file_refused(":0300300002337A1\n:00000001FF\n", 29, "not pairs");
    file_refused(":00000006FA\n", 12, "unknown type");
    file_refused(":0100000400FB\n", 14, "a wrong length");
}

/* Damaged files end in memory that is there, or in an error. */
static void test_damaged(void)
{
    uint8_t good[ELF_SIZE], d[ELF_SIZE];

    make_elf64(good);
    for (int i = 0; i < 1000; i++) {
        Machine *m = bench_new(1);
        bool text = i & 1;
        size_t len = text ? strlen(hex) : sizeof(good);
        memcpy(d, text ? (const void *)hex : good, len);
        for (int n = g_test_rand_int_range(1, 4); n; n--) {
            d[g_test_rand_int_range(0, text ? (int)len : 128)] =
                text ? ":0123456789ABCDEF\n"[g_test_rand_int_range(0, 18)] : g_test_rand_int();
        }
        g_autofree char *path = put("damaged", d, g_test_rand_int_range(1, (int)len + 1));
        Device *dev = device_new(m, device_type_find("loader", NULL), NULL, NULL);
        Error *err = NULL;
        device_set(dev, "file", path, NULL);
        if (!device_realize(dev, &err)) {
            g_assert_nonnull(err);
            error_free(err);
        }
        machine_reset(m, SHUTDOWN_HOST_QMP_RESET);
        bench_free(m);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    dir = g_dir_make_tmp("rhea-loader-XXXXXX", NULL);
    g_test_add_func("/loader/data", test_data);
    g_test_add_func("/loader/reset", test_reset);
    g_test_add_func("/loader/pc", test_pc);
    g_test_add_data_func("/loader/elf32", NULL, test_elf);
    g_test_add_data_func("/loader/elf64", "64", test_elf);
    g_test_add_func("/loader/hex", test_hex);
    g_test_add_func("/loader/options", test_options);
    g_test_add_func("/loader/files", test_files);
    g_test_add_func("/loader/damaged", test_damaged);
    int status = g_test_run();
    static const char *const names[] = {"raw", "elf", "hex", "bad", "damaged"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(dir, names[i], NULL);
        unlink(path);
    }
    rmdir(dir);
    g_free(dir);
    return status;
}
