/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The generation ID: files for firmware, the page, and another number after a load. */
#include <string.h>

#include "base/bits.h"
#include "harness.h"
#include "hw/acpi/tables.h"
#include "hw/acpi/vmgenid.h"
#include "hw/firmware/fw_cfg.h"

#define GUID_A "324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87"
#define GUID_B "00112233-4455-6677-8899-aabbccddeeff"
#define PAGE   0x3000

/* Section "Virtual Machine Generation ID format": the first three fields little-endian. */
static const uint8_t bytes_a[16] = {0xaf, 0x6e, 0x4e, 0x32, 0xd1, 0xd1, 0xf6, 0x4b,
                                    0xbf, 0x41, 0xb9, 0xbb, 0x6c, 0x91, 0xfb, 0x87};
static const uint8_t bytes_b[16] = {0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66,
                                    0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

typedef struct Bench {
    Machine *m;
    Device *fw_cfg, *d;
    WireProbe event;
} Bench;

static Bench bench(const char *guid)
{
    Bench b = {.m = bench_new(1)};
    g_autofree char *prop = g_strdup_printf("guid=%s", guid);

    b.fw_cfg = bench_device(b.m, NULL, "fw_cfg_io", NULL);
    fw_cfg_add_file(b.fw_cfg, ACPI_LOADER_FILE, "", 0, NULL);
    b.d = bench_device(b.m, NULL, "vmgenid", prop, NULL);
    return b;
}

/* Finds a file in the directory as firmware does; its length. */
static uint32_t find_file(Machine *m, const char *name, uint16_t *key)
{
    uint8_t e[64];

    bench_out(m, 0x510, 2, FW_CFG_FILE_DIR);
    for (int i = 0; i < 4; i++) {
        e[i] = bench_in(m, 0x511, 1);
    }
    for (uint32_t n = ld_be32(e); n; n--) {
        for (int i = 0; i < 64; i++) {
            e[i] = bench_in(m, 0x511, 1);
        }
        if (!strcmp((char *)e + 8, name)) {
            *key = ld_be16(e + 4);
            return ld_be32(e);
        }
    }
    g_error("no file '%s'", name);
}

/* As firmware carries out the command WRITE_POINTER. */
static void tell_address(Machine *m, uint64_t addr)
{
    uint8_t d[16], v[8];
    uint16_t key;

    g_assert_cmpuint(find_file(m, VMGENID_ADDR_FILE, &key), ==, 8);
    st_be32(d, (uint32_t)key << 16 | 0x18);
    st_be32(d + 4, 8);
    st_be64(d + 8, 0x200);
    st_le64(v, addr);
    address_space_poke(machine_memory(m), 0x100, d, sizeof(d));
    address_space_poke(machine_memory(m), 0x200, v, sizeof(v));
    bench_out(m, 0x514, 4, 0);
    bench_out(m, 0x518, 4, bswap32(0x100));
    g_assert_cmphex(bench_load(m, 0x100, 4), ==, 0);
}

static void check_page(Machine *m, const uint8_t guid[16])
{
    uint8_t mem[16];

    address_space_peek(machine_memory(m), PAGE + 40, mem, sizeof(mem));
    g_assert_cmpmem(mem, 16, guid, 16);
}

static void test_page(void)
{
    Bench b = bench(GUID_A);
    uint8_t page[VMGENID_PAGE];
    uint16_t key;

    g_assert_cmpuint(find_file(b.m, VMGENID_GUID_FILE, &key), ==, 4096);
    bench_out(b.m, 0x510, 2, key);
    for (int i = 0; i < VMGENID_PAGE; i++) {
        page[i] = bench_in(b.m, 0x511, 1);
    }
    g_assert_cmpmem(page + 40, 16, bytes_a, 16);
    memset(page + 40, 0, 16);
    for (int i = 0; i < VMGENID_PAGE; i++) {
        g_assert_cmphex(page[i], ==, 0);
    }
    bench_free(b.m);
}

static void test_auto(void)
{
    Bench a = bench("auto"), b = bench("auto");
    g_autofree char *x = device_get(a.d, "guid"), *y = device_get(b.d, "guid");

    g_assert_true(g_uuid_string_is_valid(x) && g_uuid_string_is_valid(y));
    g_assert_cmpstr(x, !=, y);
    bench_free(a.m);
    bench_free(b.m);
}

static uint64_t address(Device *d)
{
    g_autoptr(GString) tree = g_string_new(NULL);

    device_dump_tree(d->machine, tree);
    const char *at = strstr(tree->str, "placed at 0x");
    g_assert_nonnull(at);
    return g_ascii_strtoull(at + 12, NULL, 16);
}

static void test_reset(void)
{
    Bench b = bench(GUID_A);

    tell_address(b.m, PAGE);
    g_assert_cmphex(address(b.d), ==, PAGE);
    machine_reset_devices(b.m);
    g_assert_cmphex(address(b.d), ==, 0); /* firmware runs again, and tells it again */
    bench_free(b.m);
}

/* The machine of another process goes on here. */
static void load_and_run(uint64_t addr, Bench *to)
{
    Bench from = bench(GUID_A);

    *to = bench(GUID_B);
    tell_address(from.m, addr);
    bench_transplant(from.d, to->d);
    bench_free(from.m);
    address_space_poke(machine_memory(to->m), PAGE + 40, bytes_a, 16);
    device_connect(to->d, 0, bench_wire(&to->event));
    g_assert_cmpint(to->event.rises, ==, 0); /* not while other devices may still be loaded */
    machine_start(to->m);
}

static void test_load(void)
{
    Bench b;

    load_and_run(PAGE, &b);
    check_page(b.m, bytes_b);
    g_assert_cmpint(b.event.rises, ==, 1);
    g_assert_cmpint(b.event.level, ==, 0);
    machine_stop(b.m, RUN_STATE_PAUSED);
    machine_cont(b.m, NULL);
    g_assert_cmpint(b.event.rises, ==, 1); /* a pause is no new generation */
    bench_free(b.m);
}

static void test_no_page(void)
{
    static const uint64_t places[] = {0x10000, 0xffd8, ~0ull - 47, ~0ull};
    Bench b;

    load_and_run(0, &b);
    g_assert_cmpint(b.event.rises, ==, 0); /* firmware did not look */
    check_page(b.m, bytes_a);
    bench_free(b.m);
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) { /* a guest that lies */
        load_and_run(places[i], &b);
        check_page(b.m, bytes_a);
        bench_free(b.m);
    }
}

static void refused(Machine *m, const char *guid, const char *message)
{
    Device *d = device_new(m, &vmgenid_type, NULL, NULL);
    Error *err = NULL;

    g_assert_true(device_set(d, "guid", guid, NULL));
    g_assert_false(device_realize(d, &err));
    g_assert_nonnull(strstr(error_message(err), message));
    error_free(err);
    device_free(d);
}

static void test_refusals(void)
{
    Machine *m = bench_new(1);

    refused(m, "auto", "needs fw_cfg with DMA");
    Device *fw_cfg = bench_device(m, NULL, "fw_cfg_io", NULL);
    refused(m, "auto", "needs ACPI tables");
    fw_cfg_add_file(fw_cfg, ACPI_LOADER_FILE, "", 0, NULL);
    refused(m, "12345", "'12345' is not a UUID");
    refused(m, "", "is not a UUID");
    bench_device(m, NULL, "vmgenid", NULL);
    refused(m, "auto", "at most one");
    bench_free(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vmgenid/page", test_page);
    g_test_add_func("/vmgenid/auto", test_auto);
    g_test_add_func("/vmgenid/reset", test_reset);
    g_test_add_func("/vmgenid/load", test_load);
    g_test_add_func("/vmgenid/no-page", test_no_page);
    g_test_add_func("/vmgenid/refusals", test_refusals);
    return g_test_run();
}
