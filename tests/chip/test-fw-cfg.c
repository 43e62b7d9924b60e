/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fw_cfg against its interface description, and the ACPI files that go through it. */
#include <string.h>

#include "base/bits.h"
#include "harness.h"
#include "hw/acpi/tables.h"
#include "hw/firmware/fw_cfg.h"

static void begin(Machine **m, Device **d)
{
    *m = bench_new(1);
    *d = bench_device(*m, NULL, "fw_cfg_io", NULL);
    device_reset(*d);
}

static void read_item(Machine *m, uint16_t key, uint8_t *buf, unsigned n)
{
    bench_out(m, 0x510, 2, key);
    for (unsigned i = 0; i < n; i++) {
        buf[i] = bench_in(m, 0x511, 1);
    }
}

static uint32_t dma(Machine *m, uint32_t control, uint32_t len, uint64_t addr)
{
    uint8_t d[16];

    st_be32(d, control);
    st_be32(d + 4, len);
    st_be64(d + 8, addr);
    address_space_poke(machine_memory(m), 0x100, d, sizeof(d));
    bench_out(m, 0x514, 4, 0);
    bench_out(m, 0x518, 4, bswap32(0x100));
    address_space_peek(machine_memory(m), 0x100, d, 4);
    return ld_be32(d);
}

static void test_signature(void)
{
    Machine *m;
    Device *d;
    uint8_t buf[8];

    begin(&m, &d);
    read_item(m, 0, buf, 4);
    g_assert_cmpint(memcmp(buf, "QEMU", 4), ==, 0);
    read_item(m, 1, buf, 6);
    g_assert_cmphex(ld_le32(buf), ==, 3);
    g_assert_cmphex(buf[4], ==, 0); /* behind the end */
    g_assert_cmphex(bench_in(m, 0x514, 4), ==, bswap32(0x51454d55));
    g_assert_cmphex(bench_in(m, 0x518, 4), ==, bswap32(0x20434647));
    bench_free(m);
}

static void test_directory(void)
{
    static const char *const names[] = {"opt/z", "etc/b", "bootorder", "etc/a"};
    static const char *const sorted[] = {"bootorder", "etc/a", "etc/b", "opt/z"};
    Machine *m;
    Device *d;
    uint8_t dir[4 + 4 * 64], v[8];

    begin(&m, &d);
    for (int i = 0; i < 4; i++) {
        g_assert_true(fw_cfg_add_file(d, names[i], names[i], strlen(names[i]), NULL));
    }
    read_item(m, FW_CFG_FILE_DIR, dir, sizeof(dir));
    g_assert_cmpint(ld_be32(dir), ==, 4);
    for (int i = 0; i < 4; i++) {
        const uint8_t *e = dir + 4 + 64 * i;
        g_assert_cmpstr((const char *)e + 8, ==, sorted[i]);
        g_assert_cmpint(ld_be32(e), ==, strlen(sorted[i]));
        g_assert_cmpint(ld_be16(e + 4), ==, 0x20 + i);
        read_item(m, 0x20 + i, v, 5);
        g_assert_cmpint(memcmp(v, sorted[i], 5), ==, 0);
    }
    g_autofree char *longest = g_strnfill(56, 'x');
    Error *err = NULL;
    g_assert_false(fw_cfg_add_file(d, longest, "", 0, &err));
    error_free(err);
    bench_free(m);
}

static void test_dma_read(void)
{
    Machine *m;
    Device *d;

    begin(&m, &d);
    fw_cfg_add_file(d, "etc/a", "hello world", 11, NULL);
    bench_store(m, 0x2008, 8, ~0ull);
    g_assert_cmphex(dma(m, 0x20 << 16 | 0x0a, 5, 0x2000), ==, 0);
    g_assert_cmphex(dma(m, 0x04, 1, 0), ==, 0); /* skip the blank */
    g_assert_cmphex(dma(m, 0x02, 20, 0x2005), ==, 0);
    char buf[32];
    address_space_peek(machine_memory(m), 0x2000, buf, sizeof(buf));
    g_assert_cmpstr(buf, ==, "helloworld"); /* zeros behind the end */
    g_assert_cmpint(buf[24], ==, 0);
    bench_free(m);
}

static void count_writes(void *opaque, const uint8_t *data, size_t len)
{
    int *n = opaque;

    *n += data[0] == 'N';
}

static void test_dma_write(void)
{
    Machine *m;
    Device *d;
    int written = 0;

    begin(&m, &d);
    fw_cfg_add_file(d, "etc/ro", "readonly", 8, NULL);
    fw_cfg_add_file_writable(d, "etc/rw", "old", 3, count_writes, &written, NULL);
    address_space_poke(machine_memory(m), 0x2000, "NEWDATA", 7);
    g_assert_cmphex(dma(m, 0x20 << 16 | 0x18, 3, 0x2000), ==, 1); /* etc/ro */
    g_assert_cmphex(dma(m, 0x21 << 16 | 0x18, 4, 0x2000), ==, 1); /* too long */
    g_assert_cmpint(written, ==, 0);
    g_assert_cmphex(dma(m, 0x21 << 16 | 0x18, 3, 0x2000), ==, 0);
    g_assert_cmpint(written, ==, 1);
    bench_free(m);
}

static void test_hostile_dma(void)
{
    Machine *m;
    Device *d;

    begin(&m, &d);
    fw_cfg_add_file(d, "etc/a", "hello", 5, NULL);
    g_assert_cmphex(dma(m, 0x20 << 16 | 0x0a, 0xffffffff, 0x2000), ==, 1);
    g_assert_cmphex(dma(m, 0x20 << 16 | 0x0a, 5, ~0ull - 2), ==, 1);
    g_assert_cmphex(dma(m, 0x20 << 16 | 0x0a, 5, 1ull << 40), ==, 1);
    g_assert_cmphex(dma(m, 0x3fff << 16 | 0x1e, 0x7fffffff, 0x2000), ==, 1);
    bench_out(m, 0x514, 4, 0xffffffff);
    bench_out(m, 0x518, 4, 0xffffffff);
    g_assert_cmphex(dma(m, 0x20 << 16 | 0x0c, 0xffffffff, 0), ==, 0);
    g_assert_cmphex(bench_in(m, 0x511, 1), ==, 0);
    bench_free(m);
}

/* ---- ACPI ---- */

static uint8_t sum(const uint8_t *p, uint32_t len)
{
    uint8_t s = 0;

    while (len--) {
        s += *p++;
    }
    return s;
}

static void test_acpi_links(void)
{
    static const uint32_t ids[2] = {0, 1};
    AcpiConfig cfg = {.cpus = 2, .apic_ids = ids, .com = {0x3f8}, .com_irq = {4}, .i8042 = true,
                      .chipset = ACPI_PIIX, .pm_base = 0x600};
    AcpiTables *t = acpi_tables_build(&cfg);
    Machine *m = bench_new(1);
    uint8_t ram[0x8000];
    MemoryRegion *more = region_new_ram(m, "more", 0x40000, NULL); /* the tables have room to grow */

    region_add(machine_memory_root(m), 0x10000, more, 0);
    region_unref(more);
    g_assert_cmpuint(t->loader->len % ACPI_LOADER_ENTRY, ==, 0);
    g_assert_true(acpi_tables_place(t, machine_memory(m), 0x4000, 0x1000, 0));
    address_space_peek(machine_memory(m), 0, ram, sizeof(ram));
    g_assert_cmpint(memcmp(ram + 0x1000, "RSD PTR ", 8), ==, 0);
    g_assert_cmphex(sum(ram + 0x1000, 20), ==, 0);
    g_assert_cmphex(sum(ram + 0x1000, 36), ==, 0);
    uint32_t xsdt = ld_le64(ram + 0x1000 + 24), n = (ld_le32(ram + xsdt + 4) - 36) / 8;
    g_assert_cmphex(sum(ram + xsdt, ld_le32(ram + xsdt + 4)), ==, 0);
    g_assert_cmpuint(n, ==, 3); /* FADT, MADT, WAET */
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = ld_le64(ram + xsdt + 36 + 8 * i);
        g_assert_cmphex(at, >=, 0x4000);
        g_assert_cmphex(sum(ram + at, ld_le32(ram + at + 4)), ==, 0);
        if (memcmp(ram + at, "FACP", 4) == 0) {
            uint32_t facs = ld_le32(ram + at + 36), dsdt = ld_le32(ram + at + 40);
            g_assert_cmpint(memcmp(ram + facs, "FACS", 4), ==, 0);
            g_assert_cmphex(facs % 64, ==, 0);
            g_assert_cmpint(memcmp(ram + dsdt, "DSDT", 4), ==, 0);
            g_assert_cmphex(ld_le64(ram + at + 140), ==, dsdt);
            g_assert_cmphex(ram[at + 108], ==, 0x32); /* CENTURY */
            g_assert_cmphex(ld_le32(ram + at + 76), ==, 0x608);
        }
    }
    acpi_tables_free(t);
    bench_free(m);
}

#define MEM 0x09020000ull

/* The one in memory: data in the order of addresses whatever the width, selector and DMA address big endian. */
static void test_memory(void)
{
    Machine *m = bench_new(1);
    Device *d = bench_device(m, NULL, "fw_cfg_mem", NULL);
    uint8_t desc[16], buf[8];

    g_assert_true(fw_cfg_add_file(d, "opt/x", "ABCDEFGHIJ", 10, NULL));
    device_reset(d);
    bench_store(m, MEM + 8, 2, 0x0000);
    g_assert_cmphex(bench_load(m, MEM, 4), ==, 0x554d4551); /* "QEMU" */
    bench_store(m, MEM + 8, 2, bswap16(FW_CFG_FILE_FIRST));
    g_assert_cmphex(bench_load(m, MEM, 8), ==, 0x4847464544434241);
    g_assert_cmphex(bench_load(m, MEM, 1), ==, 'I');
    g_assert_cmphex(bench_load(m, MEM, 2), ==, 'J'); /* behind the end zeros */
    g_assert_cmphex(bench_load(m, MEM + 16, 8), ==, bswap64(0x51454d5520434647));
    st_be32(desc, FW_CFG_FILE_FIRST << 16 | 0x08 | 0x02);
    st_be32(desc + 4, 4);
    st_be64(desc + 8, 0x200);
    address_space_poke(machine_memory(m), 0x100, desc, sizeof(desc));
    bench_store(m, MEM + 16, 8, bswap64(0x100));
    address_space_peek(machine_memory(m), 0x200, buf, 4);
    g_assert_cmpint(memcmp(buf, "ABCD", 4), ==, 0);
    address_space_peek(machine_memory(m), 0x100, buf, 4);
    g_assert_cmphex(ld_be32(buf), ==, 0);
    bench_free(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fw-cfg/signature", test_signature);
    g_test_add_func("/fw-cfg/file-directory", test_directory);
    g_test_add_func("/fw-cfg/memory", test_memory);
    g_test_add_func("/fw-cfg/dma/read", test_dma_read);
    g_test_add_func("/fw-cfg/dma/write", test_dma_write);
    g_test_add_func("/fw-cfg/dma/hostile", test_hostile_dma);
    g_test_add_func("/acpi/5.2-links-and-checksums", test_acpi_links);
    return g_test_run();
}
