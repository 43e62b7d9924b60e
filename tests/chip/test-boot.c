/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Direct kernel boot: what each protocol puts where, what is said about files that are no kernels,
 * and damaged images. Images are made here; real kernels boot in tests/guest.
 */
#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "harness.h"
#include "hw/machine/boot/boot.h"

#define MIB (1u << 20)

static const BootLayout layout = {
    .below_4g = 64 * MIB,
    .acpi = 63 * MIB,
    .acpi_size = MIB,
    .rsdp = 0xf5a40,
};
static char *dir; /* of the test's files */

static char *put(const char *name, const void *data, size_t len)
{
    char *path = g_build_filename(dir, name, NULL);

    unlink(path); /* a file that is truncated and written again is flushed by some file systems */
    FILE *f = fopen(path, "w");
    g_assert_nonnull(f);
    g_assert_cmpuint(fwrite(data, 1, len, f), ==, len);
    fclose(f);
    return path;
}

static BootPlan *plan_for(const char *kernel, const char *initrd, const char *append, Error **errp)
{
    MachineConfig cfg = {.kernel = kernel, .initrd = initrd, .append = append};

    return boot_plan(&cfg, &layout, errp);
}

/* What the plan leaves at an address. */
static const uint8_t *at(const BootPlan *p, hwaddr addr, uint64_t len)
{
    for (guint i = 0; i < p->pieces->len; i++) {
        const BootPiece *b = &g_array_index(p->pieces, BootPiece, i);
        if (addr >= b->addr && addr - b->addr + len <= b->len) {
            return b->data + (addr - b->addr);
        }
    }
    g_error("nothing at 0x%llx", (unsigned long long)addr);
}

static void refused(const char *path, const char *message, const char *hint)
{
    Error *err = NULL;

    g_assert_null(plan_for(path, NULL, NULL, &err));
    g_autofree char *text = error_describe(err);
    if (!strstr(text, message) || !strstr(text, hint) || strchr(text, '\n')) {
        g_error("'%s' should say '%s' and '%s'", text, message, hint);
    }
    error_free(err);
}

/* ---- images ---- */

#define BZ_SIZE (5 * 512 + 8192)

static void make_bzimage(uint8_t *d)
{
    memset(d, 0, BZ_SIZE);
    d[0x1f1] = 4;
    st_le16(d + 0x1fe, 0xaa55);
    d[0x200] = 0xeb;
    d[0x201] = 0x66;
    st_le32(d + 0x1f4, 8192 / 16);
    memcpy(d + 0x202, "HdrS", 4);
    st_le16(d + 0x206, 0x20f);
    d[0x211] = 1;
    st_le32(d + 0x22c, 0x7fffffff);
    st_le32(d + 0x230, 2 * MIB);
    d[0x234] = 1;
    st_le16(d + 0x236, 1);
    st_le32(d + 0x238, 2047);
    st_le64(d + 0x258, 16 * MIB);
    st_le32(d + 0x260, 4 * MIB);
    memcpy(d + 5 * 512, "PROTECTED", 9);
}

#define ELF_SIZE 512

/* A 32-bit kernel at 1 MiB with 64 KiB of BSS; PVH note and multiboot header on request. */
static void make_elf(uint8_t *d, bool pvh, bool multiboot)
{
    Elf32_Ehdr *e = (Elf32_Ehdr *)d;
    Elf32_Phdr *p = (Elf32_Phdr *)(d + sizeof(*e));

    memset(d, 0, ELF_SIZE);
    memcpy(e->e_ident, ELFMAG "\1\1\1", 7);
    e->e_type = ET_EXEC;
    e->e_machine = EM_386;
    e->e_entry = 0xc0100010;
    e->e_phoff = sizeof(*e);
    e->e_phentsize = sizeof(*p);
    e->e_phnum = 2;
    p[0] = (Elf32_Phdr){PT_LOAD, 256, 0xc0100000, MIB, 256, 0x10000, 7, 4096};
    p[1] = (Elf32_Phdr){pvh ? PT_NOTE : PT_NULL, 200, 0, 0, 20, 20, 4, 4};
    uint32_t note[5] = {4, 4, 18, 0, MIB + 0x20};
    memcpy(&note[3], "Xen", 4);
    memcpy(d + 200, note, sizeof(note));
    memcpy(d + 256, "CODE", 4);
    if (multiboot) {
        st_le32(d + 300, 0x1badb002);
        st_le32(d + 304, 3);
        st_le32(d + 308, -(0x1badb002 + 3));
    }
}

/* ---- protocols ---- */

static void test_linux(void)
{
    uint8_t image[BZ_SIZE];

    make_bzimage(image);
    g_autofree char *k = put("bz", image, sizeof(image));
    g_autofree char *i = put("initrd", "INITRD", 6);
    Error *err = NULL;
    BootPlan *p = plan_for(k, i, "console=ttyS0", &err);
    g_assert_nonnull(p);
    g_assert_true(p->state.long_mode);
    g_assert_cmphex(p->state.rip, ==, 16 * MIB + 0x200);
    const uint8_t *zp = at(p, p->state.rsi, 4096);
    g_assert_cmpint(zp[0x210], ==, 0xff);
    g_assert_cmphex(ld_le64(zp + 0x70), ==, 0xf5a40);
    g_assert_cmpstr((const char *)at(p, ld_le32(zp + 0x228), 14), ==, "console=ttyS0");
    uint32_t initrd = ld_le32(zp + 0x218);
    g_assert_cmphex(initrd, ==, 63 * MIB - 4096);
    g_assert_cmpint(ld_le32(zp + 0x21c), ==, 6);
    g_assert_cmpint(memcmp(at(p, initrd, 6), "INITRD", 6), ==, 0);
    g_assert_cmpint(memcmp(at(p, 16 * MIB, 9), "PROTECTED", 9), ==, 0);
    g_assert_cmpint(zp[0x1e8], ==, 6);
    g_assert_cmphex(ld_le64(zp + 0x2d0 + 60 + 8), ==, 62 * MIB); /* RAM above 1 MiB */
    /* the page tables map 16 MiB to itself */
    const uint8_t *pml4 = at(p, p->state.cr3, 4096);
    const uint8_t *pdpt = at(p, ld_le64(pml4) & ~0xfffull, 4096);
    const uint8_t *pd = at(p, ld_le64(pdpt) & ~0xfffull, 4096);
    g_assert_cmphex(ld_le64(pd + 8 * 8), ==, 16 * MIB | 0x83);
    boot_plan_free(p);
}

static void test_linux_variants(void)
{
    uint8_t image[BZ_SIZE];

    make_bzimage(image);
    st_le16(image + 0x236, 0); /* no 64-bit entry */
    g_autofree char *k = put("bz32", image, sizeof(image));
    BootPlan *p = plan_for(k, NULL, NULL, NULL);
    g_assert_true(p->state.protected32);
    g_assert_cmphex(p->state.rip, ==, 16 * MIB);
    boot_plan_free(p);
    st_le64(image + 0x258, 128 * MIB); /* does not fit there: relocated */
    g_autofree char *r = put("bzreloc", image, sizeof(image));
    p = plan_for(r, NULL, NULL, NULL);
    g_assert_cmphex(p->state.rip, ==, 2 * MIB);
    boot_plan_free(p);
    image[0x234] = 0;
    g_autofree char *f = put("bzfixed", image, sizeof(image));
    refused(f, "does not fit in memory", "-m 133M or above");
    make_bzimage(image);
    image[0x211] = 0;
    g_autofree char *z = put("zimage", image, sizeof(image));
    refused(z, "zImage", "bzImage");
    make_bzimage(image);
    g_autofree char *t = put("bzcut", image, sizeof(image) - 4096);
    refused(t, "truncated", "copy the file again");
}

static void test_linux_limits(void)
{
    uint8_t image[BZ_SIZE];
    g_autofree char *append = g_strnfill(2048, 'a');
    Error *err = NULL;

    make_bzimage(image);
    g_autofree char *k = put("bz", image, sizeof(image));
    g_assert_null(plan_for(k, NULL, append, &err));
    g_assert_nonnull(strstr(error_message(err), "2047"));
    g_clear_pointer(&err, error_free);
    g_autofree uint8_t *big = g_malloc0(60 * MIB);
    g_autofree char *i = put("big", big, 60 * MIB);
    g_assert_null(plan_for(k, i, NULL, &err));
    g_assert_nonnull(strstr(error_message(err), "does not fit"));
    error_free(err);
}

static void test_pvh(void)
{
    uint8_t image[ELF_SIZE];

    make_elf(image, true, false);
    g_autofree char *k = put("pvh", image, sizeof(image));
    g_autofree char *i = put("initrd", "INITRD", 6);
    BootPlan *p = plan_for(k, i, "hello", NULL);
    g_assert_nonnull(p);
    g_assert_true(p->state.protected32);
    g_assert_cmphex(p->state.rip, ==, MIB + 0x20);
    const uint8_t *si = at(p, p->state.rbx, 4096);
    g_assert_cmphex(ld_le32(si), ==, 0x336ec578);
    g_assert_cmpstr((const char *)at(p, ld_le64(si + 24), 6), ==, "hello");
    g_assert_cmphex(ld_le64(si + 32), ==, 0xf5a40);
    g_assert_cmpint(ld_le32(si + 12), ==, 1);
    const uint8_t *mod = at(p, ld_le64(si + 16), 32);
    g_assert_cmpint(memcmp(at(p, ld_le64(mod), 6), "INITRD", 6), ==, 0);
    g_assert_cmpint(ld_le32(si + 48), ==, 6);
    boot_plan_free(p);
    make_elf(image, false, false);
    g_autofree char *n = put("nonote", image, sizeof(image));
    refused(n, "no PVH entry", "CONFIG_PVH");
}

static void test_multiboot_elf(void)
{
    uint8_t image[ELF_SIZE];

    make_elf(image, false, true);
    g_autofree char *k = put("mb", image, sizeof(image));
    g_autofree char *a = put("moda", "AAAA", 4);
    g_autofree char *b = put("modb", "BB", 2);
    g_autofree char *mods = g_strdup_printf("%s one,,two,%s", a, b);
    BootPlan *p = plan_for(k, mods, "args", NULL);
    g_assert_nonnull(p);
    g_assert_cmphex(p->state.rax, ==, 0x2badb002);
    g_assert_cmphex(p->state.rip, ==, MIB + 0x10); /* the virtual entry in its segment */
    const uint8_t *info = at(p, p->state.rbx, 1024);
    g_assert_cmphex(ld_le32(info) & 0x4d, ==, 0x4d);
    g_assert_true(g_str_has_suffix((const char *)at(p, ld_le32(info + 16), 1), "mb args"));
    g_assert_cmpint(ld_le32(info + 20), ==, 2);
    const uint8_t *mod = at(p, ld_le32(info + 24), 32);
    g_assert_cmpint(memcmp(at(p, ld_le32(mod), 4), "AAAA", 4), ==, 0);
    g_assert_true(g_str_has_suffix((const char *)at(p, ld_le32(mod + 8), 1), "moda one,two"));
    g_assert_cmpint(ld_le32(mod + 20) - ld_le32(mod + 16), ==, 2);
    g_assert_cmphex(ld_le32(mod) % 4096, ==, 0);
    boot_plan_free(p);
}

/* A kernel may go to real mode and ask the BIOS that is not there. */
static void test_bios_remains(void)
{
    uint8_t image[ELF_SIZE];

    make_elf(image, false, true);
    g_autofree char *k = put("mb", image, sizeof(image));
    BootPlan *p = plan_for(k, NULL, NULL, NULL);
    hwaddr ebda = (hwaddr)ld_le16(at(p, 0x40e, 2)) << 4;
    g_assert_cmphex(ebda, ==, 0x9fc00);
    g_assert_cmpuint(ld_le16(at(p, 0x413, 2)), ==, 639);
    g_assert_cmpuint(*at(p, ebda, 1), ==, 1);
    for (int i = 0; i < 256; i++) {
        const uint8_t *v = at(p, 4 * i, 4);
        const uint8_t *code = at(p, ((hwaddr)ld_le16(v + 2) << 4) + ld_le16(v), 4);
        if (i == 0x12) {
            g_assert_cmphex(code[0], ==, 0xb8); /* mov ax, 639; iret */
            g_assert_cmpuint(ld_le16(code + 1), ==, 639);
            g_assert_cmphex(code[3], ==, 0xcf);
        } else {
            g_assert_cmphex(code[0], ==, 0x55);
        }
    }
    boot_plan_free(p);
}

static void test_multiboot_addresses(void)
{
    uint8_t d[256] = {0};

    st_le32(d + 16, 0x1badb002);
    st_le32(d + 20, 0x10000);
    st_le32(d + 24, -(0x1badb002 + 0x10000));
    st_le32(d + 28, 2 * MIB + 16); /* header_addr */
    st_le32(d + 32, 2 * MIB);      /* load_addr */
    st_le32(d + 36, 2 * MIB + 200);
    st_le32(d + 40, 3 * MIB);
    st_le32(d + 44, 2 * MIB + 64);
    g_autofree char *k = put("kludge", d, sizeof(d));
    BootPlan *p = plan_for(k, NULL, NULL, NULL);
    g_assert_nonnull(p);
    g_assert_cmphex(p->state.rip, ==, 2 * MIB + 64);
    g_assert_cmpint(memcmp(at(p, 2 * MIB, 200), d, 200), ==, 0);
    boot_plan_free(p);
    st_le32(d + 36, 2 * MIB + 2000);
    g_autofree char *t = put("kludgecut", d, sizeof(d));
    refused(t, "truncated", "");
}

/* ---- files that are no kernels ---- */

static void test_wrong_files(void)
{
    uint8_t d[1024] = {0};

    refused("/nonexistent/vmlinuz", "cannot open the kernel '/nonexistent/vmlinuz'",
            "No such file");
    refused(dir, "is a directory", "the file itself");
    g_autofree char *e = put("empty", "", 0);
    refused(e, "is empty", "");
    g_autofree char *text = put("text", "hello", 5);
    refused(text, "no kernel that this machine can boot", "bzImage");
    st_le32(d + 0x24, 0x016f2818);
    g_autofree char *arm = put("zImage", d, sizeof(d));
    refused(arm, "a 32-bit Arm zImage", "x86 kernel");
    memset(d, 0, sizeof(d));
    memcpy(d + 0x38, "ARM\x64", 4);
    g_autofree char *arm64 = put("Image", d, sizeof(d));
    refused(arm64, "a 64-bit Arm Image", "x86 kernel");
    make_elf(d, true, false);
    st_le16(d + 18, EM_AARCH64);
    g_autofree char *elf = put("elf64", d, ELF_SIZE);
    refused(elf, "is for 64-bit Arm", "x86 kernel");
    g_autofree char *gz = put("vmlinux.gz", "\x1f\x8b\x08\0\0\0\0", 7);
    refused(gz, "gzip", "gunzip");
    g_autofree char *fifo = g_build_filename(dir, "fifo", NULL);
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    refused(fifo, "not a regular file", "");
    unlink(fifo);
}

/* Random damage to headers: a plan or an error, never a piece outside of RAM, never a crash. */
static void test_damaged(void)
{
    uint8_t image[BZ_SIZE];
    int good = 0;

    for (int n = 0; n < 3000; n++) {
        size_t len = n % 3 == 0 ? BZ_SIZE : ELF_SIZE;
        if (n % 3 == 0) {
            make_bzimage(image);
        } else {
            make_elf(image, n % 3 == 1, n % 3 == 2);
        }
        for (int i = g_test_rand_int_range(0, 6); i >= 0; i--) {
            size_t where =
                n % 3 == 0 ? g_test_rand_int_range(0x1f0, 0x268) : g_test_rand_int_range(0, 330);
            image[where] = g_test_rand_bit() ? g_test_rand_int() : 0xff;
        }
        if (g_test_rand_int_range(0, 4) == 0) {
            len = g_test_rand_int_range(1, len);
        }
        g_autofree char *k = put("damaged", image, len);
        Error *err = NULL;
        BootPlan *p = plan_for(k, NULL, "x", &err);
        if (!p) {
            g_assert_nonnull(err);
            error_free(err);
            continue;
        }
        good++;
        for (guint i = 0; i < p->pieces->len; i++) {
            const BootPiece *b = &g_array_index(p->pieces, BootPiece, i);
            g_assert_cmphex(b->size, >=, b->len);
            g_assert_cmphex(b->addr, <=, layout.acpi);
            g_assert_cmphex(b->size, <=, layout.acpi - b->addr);
        }
        boot_plan_free(p);
    }
    g_assert_cmpint(good, >, 100);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    dir = g_dir_make_tmp("rhea-boot-XXXXXX", NULL);
    g_test_add_func("/boot/linux", test_linux);
    g_test_add_func("/boot/linux/variants", test_linux_variants);
    g_test_add_func("/boot/linux/limits", test_linux_limits);
    g_test_add_func("/boot/pvh", test_pvh);
    g_test_add_func("/boot/bios-remains", test_bios_remains);
    g_test_add_func("/boot/multiboot/elf", test_multiboot_elf);
    g_test_add_func("/boot/multiboot/addresses", test_multiboot_addresses);
    g_test_add_func("/boot/wrong-files", test_wrong_files);
    g_test_add_func("/boot/damaged", test_damaged);
    int r = g_test_run();
    g_autofree char *cmd = g_strdup_printf("rm -rf '%s'", dir);
    r |= system(cmd) != 0;
    g_free(dir);
    return r;
}
