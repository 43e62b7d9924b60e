/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Is what the command line asks for possible? Everything a user can get wrong is found here,
 * before the first file is created or socket opened. Also fills in the defaults.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/suggest.h"
#include "base/units.h"
#include "config-host.h"
#include "core/machine.h"
#include "main/config.h"
#include "schema/opts.h"

/* Defaults of the name "rhea", where QEMU's are those of the last century. */
#define SANE_RAM (2 * GiB)

static bool check_file(const char *option, const char *path, Error **errp)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) {
        error_set_errno(errp, errno, "%s '%s'", option, path);
        error_hint(errp, "give the path of a readable file");
        return false;
    }
    int r = fstat(fd, &st);
    close(fd);
    if (r == 0 && S_ISDIR(st.st_mode)) {
        error_set(errp, ERR_INVALID_PARAMETER, "%s '%s' is a directory", option, path);
        error_hint(errp, "give the path of a file");
        return false;
    }
    if (r == 0 && S_ISREG(st.st_mode) && st.st_size == 0) {
        error_set(errp, ERR_INVALID_PARAMETER, "%s '%s' is empty", option, path);
        return false;
    }
    return true;
}

/* A file that will be written: its directory must be there, and it must not be one itself. */
static bool check_output(const char *option, const char *path, Error **errp)
{
    g_autofree char *dir = g_path_get_dirname(path);

    if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
        error_set(errp, ERR_INVALID_PARAMETER, "%s '%s' is a directory", option, path);
        return false;
    }
    if (access(dir, W_OK) < 0 && access(path, W_OK) < 0) {
        error_set_errno(errp, errno, "%s '%s'", option, path);
        error_hint(errp, "the directory '%s' must exist and be writable", dir);
        return false;
    }
    return true;
}

char *config_firmware_path(const Config *c)
{
    static const char *const builtin[] = {RHEA_DATADIR, "/usr/share/seabios", "/usr/share/qemu", "/usr/share/qemu-efi-aarch64"};
    GString *path = g_string_new(NULL);

    for (guint i = 0; i < c->firmware_dirs->len; i++) {
        g_string_append_printf(path, "%s:", (char *)c->firmware_dirs->pdata[i]);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(builtin); i++) {
        g_string_append_printf(path, "%s%s", i ? ":" : "", builtin[i]);
    }
    return g_string_free(path, FALSE);
}

static bool check_bios(const Config *c, Error **errp)
{
    if (!c->bios || strchr(c->bios, '/') || g_file_test(c->bios, G_FILE_TEST_EXISTS)) {
        return !c->bios || check_file("-bios", c->bios, errp);
    }
    g_autofree char *path = config_firmware_path(c);
    g_auto(GStrv) dirs = g_strsplit(path, ":", -1);
    for (char **d = dirs; *d; d++) {
        g_autofree char *full = g_build_filename(*d, c->bios, NULL);
        if (g_file_test(full, G_FILE_TEST_IS_REGULAR)) {
            return true;
        }
    }
    error_set(errp, ERR_INVALID_PARAMETER, "-bios '%s' is not in the firmware directories",
              c->bios);
    error_hint(errp, "'-L help' lists them");
    return false;
}

/*
 * -initrd is one file, or for a multiboot kernel its modules: "file arguments,file2 arguments".
 * Which it is, the board knows; here every file named must be there.
 */
static bool check_initrd(const char *spec, Error **errp)
{
    if (access(spec, F_OK) == 0 || !strpbrk(spec, ", ")) {
        return check_file("-initrd", spec, errp);
    }
    g_auto(GStrv) module = g_strsplit(spec, ",", -1);
    for (int i = 0; module[i]; i++) {
        module[i][strcspn(module[i], " ")] = '\0';
        if (!check_file("-initrd", module[i], errp)) {
            return false;
        }
    }
    return true;
}

static bool check_files(const Config *c, Error **errp)
{
    if (!c->kernel && (c->initrd || c->append)) {
        const char *opt = c->initrd ? "-initrd" : "-append";
        error_set(errp, ERR_INVALID_PARAMETER, "%s only makes sense with -kernel", opt);
        error_hint(errp, "add -kernel file, or leave %s out", opt);
        return false;
    }
    for (guint i = 0; i < c->trace_files->len; i++) {
        if (!check_file("-trace events", c->trace_files->pdata[i], errp)) {
            return false;
        }
    }
    return (!c->kernel || check_file("-kernel", c->kernel, errp)) &&
           (!c->initrd || check_initrd(c->initrd, errp)) && check_bios(c, errp) &&
           (!c->log_file || check_output("-D", c->log_file, errp)) &&
           (!c->pidfile || check_output("-pidfile", c->pidfile, errp));
}

static bool check_fw_cfg(const Config *c, const BoardType *board, Error **errp)
{
    if (c->fw_cfg->len && !board->fw_cfg) {
        error_set(errp, ERR_INVALID_PARAMETER, "-fw_cfg: machine '%s' has no firmware configuration",
                  board->name);
        return false;
    }
    for (guint i = 0; i < c->fw_cfg->len; i++) {
        const FwCfgFile *f = &g_array_index(c->fw_cfg, FwCfgFile, i);
        if (f->file && !check_file("-fw_cfg", f->file, errp)) {
            return false;
        }
        if (!g_str_has_prefix(f->name, "opt/")) {
            warn_report("-fw_cfg %s: names outside opt/ are the firmware's own", f->name);
        }
    }
    return true;
}

/* QEMU's rule: what is missing is computed, cores first. */
static void complete_topology(Config *c)
{
    int64_t max = c->maxcpus ? c->maxcpus : c->cpus;

    c->dies = c->dies ? c->dies : 1;
    if (!max) {
        c->sockets = c->sockets ? c->sockets : 1;
        c->cores = c->cores ? c->cores : 1;
        c->threads = c->threads ? c->threads : 1;
    } else if (!c->cores) {
        c->sockets = c->sockets ? c->sockets : 1;
        c->threads = c->threads ? c->threads : 1;
        c->cores = max / (c->sockets * c->dies * c->threads);
    } else if (!c->sockets) {
        c->threads = c->threads ? c->threads : 1;
        c->sockets = max / (c->dies * c->cores * c->threads);
    } else if (!c->threads) {
        c->threads = max / (c->sockets * c->dies * c->cores);
    }
    int64_t product = c->sockets * c->dies * c->cores * c->threads;
    c->maxcpus = c->maxcpus ? c->maxcpus : max ? max : product;
    c->cpus = c->cpus ? c->cpus : c->maxcpus;
}

static bool check_smp(Config *c, const BoardType *board, Error **errp)
{
    complete_topology(c);
    int64_t product = c->sockets * c->dies * c->cores * c->threads;
    if (product != c->maxcpus) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "-smp: sockets (%" PRId64 ") * dies (%" PRId64 ") * cores (%" PRId64
                  ") * threads (%" PRId64 ") is not the number of processors, %" PRId64,
                  c->sockets, c->dies, c->cores, c->threads, c->maxcpus);
        error_hint(errp, "leave one of them out, and it is computed");
        return false;
    }
    if (c->cpus > c->maxcpus) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "-smp: cpus=%" PRId64 " is more than maxcpus=%" PRId64, c->cpus, c->maxcpus);
        return false;
    }
    if (c->maxcpus > board->max_cpus) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "-smp: machine '%s' has at most %d processors, not %" PRId64, board->name,
                  board->max_cpus, c->maxcpus);
        return false;
    }
    return true;
}

/* -machine kernel-irqchip= is for those that do not say it themselves. */
static void add_irqchip(Config *c)
{
    for (guint i = 0; c->kernel_irqchip && i < c->accels->len; i++) {
        char *text = c->accels->pdata[i];
        if ((!strcmp(text, "kvm") || g_str_has_prefix(text, "kvm,")) && !strstr(text, ",kernel-irqchip=")) {
            c->accels->pdata[i] = g_strdup_printf("%s,kernel-irqchip=%s", text, c->kernel_irqchip);
            g_free(text);
        }
    }
}

/* Is it there, and, if there is another one to take its place, does it really work? */
static bool usable(const AccelOps *a, const TargetOps *target, bool last, Error **errp)
{
    return (!a->probe || a->probe(target, errp)) && (last || !a->trial || a->trial(errp));
}

/* x-accel= of the accelerator that is used is the machine's matter. */
static void take_other_accel(Config *c)
{
    g_auto(GStrv) part = g_strsplit(c->accels->pdata[0], ",", -1);
    g_autoptr(GPtrArray) rest = g_ptr_array_new();

    for (int i = 0; part[i]; i++) {
        if (g_str_has_prefix(part[i], "x-accel=")) {
            g_free(c->other_accel);
            c->other_accel = g_strdup(strchr(part[i], '=') + 1);
        } else {
            g_ptr_array_add(rest, part[i]);
        }
    }
    g_ptr_array_add(rest, NULL);
    g_free(c->accels->pdata[0]);
    c->accels->pdata[0] = g_strjoinv(",", (char **)rest->pdata);
}

/* Picks the first accelerator of the list that works here; it becomes the only one. */
static bool check_accel(Config *c, const TargetOps *target, const AccelOps **chosen, Error **errp)
{
    if (!c->accels->len) {
        g_ptr_array_add(c->accels, g_strdup("tcg"));
    }
    add_irqchip(c);
    guint n = c->accels->len;
    for (guint i = 0; i < n; i++) {
        g_autoptr(Error) why = NULL;
        g_autoptr(json_t) opts = opts_parse(c->accels->pdata[i], "accel", &why);
        const AccelOps *a = opts ? accel_find(opts_get(opts, "accel"), &why) : NULL;
        if (a && usable(a, target, i + 1 == n, &why)) {
            if (i) {
                g_ptr_array_remove_range(c->accels, 0, i);
            }
            take_other_accel(c);
            *chosen = a;
            return true;
        }
        error_prepend(&why, "-accel %s: ", (char *)c->accels->pdata[i]);
        if (i + 1 == n) {
            error_propagate(errp, g_steal_pointer(&why));
            return false;
        }
        warn_report("%s; trying %s", error_message(why), (char *)c->accels->pdata[i + 1]);
    }
    g_assert_not_reached();
}

static bool check_cpu(const Config *c, const TargetOps *target, const AccelOps *accel, Error **errp)
{
    if (!c->cpu || !target->check_model || target->check_model(c->cpu, accel, errp)) {
        return true;
    }
    error_prepend(errp, "-cpu %s: ", c->cpu);
    return false;
}

static void fill_defaults(Config *c, const BoardType *board, const TargetOps *target, const AccelOps *accel)
{
    if (!c->ram) {
        c->ram = c->qemu_defaults || !board->default_ram ? board->default_ram
                                                         : MAX(board->default_ram, SANE_RAM);
    }
    if (!c->cpu && !c->qemu_defaults && target && target->check_model && target->check_model("max", accel, NULL)) {
        c->cpu = "max";
    }
    /* Without displays the terminal is what a user of "rhea" can look at. */
    if (!c->qemu_defaults && !c->display_none && !c->nodefaults) {
        c->nographic = true;
    }
}

static bool check_devices(const Config *c, Error **errp)
{
    for (guint i = 0; i < c->devices->len; i++) {
        const char *driver = opts_get(c->devices->pdata[i], "driver");
        const DeviceType *t = device_type_find(driver, errp);
        if (!t) {
            error_prepend(errp, "-device %s: ", driver);
            return false;
        }
        if (!t->user_creatable) {
            error_set(errp, ERR_INVALID_PARAMETER,
                      "-device %s: the machine brings this device, "
                      "it cannot be added",
                      driver);
            error_hint(errp, "'-device help' lists those that can");
            return false;
        }
    }
    return true;
}

static const Property *find_property(const DeviceType *t, const char *name)
{
    for (const Property *p = t->props; p && p->name; p++) {
        if (!strcmp(p->name, name)) {
            return p;
        }
    }
    return t->inner ? find_property(t->inner, name) : NULL;
}

static bool check_globals(Config *c, Error **errp)
{
    for (guint i = 0; i < c->globals->len; i++) {
        const char *g = c->globals->pdata[i], *dot = strchr(g, '.');
        g_autofree char *driver = g_strndup(g, dot - g);
        g_autofree char *prop = g_strndup(dot + 1, strcspn(dot + 1, "="));
        const DeviceType *t = device_type_find(driver, errp);
        if (!t) {
            error_prepend(errp, "-global %s: ", g);
            return false;
        }
        if (!find_property(t, prop)) {
            error_set(errp, ERR_INVALID_PARAMETER, "-global %s: '%s' has no property '%s'", g,
                      driver, prop);
            error_hint(errp, "'-device %s,help' lists them", driver);
            return false;
        }
    }
    g_ptr_array_add(c->globals, NULL);
    return true;
}

static bool check_rtc(const char *base, Error **errp)
{
    if (!strcmp(base, "utc") || !strcmp(base, "localtime")) {
        return true;
    }
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autoptr(GDateTime) t = g_date_time_new_from_iso8601(base, utc);
    g_autofree char *midnight = g_strconcat(base, "T00:00:00", NULL);
    g_autoptr(GDateTime) day = t ? NULL : g_date_time_new_from_iso8601(midnight, utc);
    if (t || day) {
        return true;
    }
    error_set(errp, ERR_INVALID_PARAMETER, "-rtc: '%s' is not a time", base);
    error_hint(errp, "write utc, localtime, 2006-06-17T16:01:21 or 2006-06-17");
    return false;
}

/* ---- which architecture and machine, if nobody said ---- */

/* The one architecture that has a board of this name; NULL: none, or several. */
static const char *arch_of_board(const char *name)
{
    const char *arch = NULL;

    REGISTRY_FOREACH (BoardType, it) {
        const BoardType *b = *it;
        if (strcmp(b->name, name) == 0 || g_strcmp0(b->alias, name) == 0) {
            if (!*b->arch || arch) {
                return NULL;
            }
            arch = b->arch;
        }
    }
    return arch;
}

/* Is the kernel one for Arm? a32: for its 32-bit processors. */
static bool arm_kernel(const char *path, bool *a32)
{
    uint8_t head[64] = {0};
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1; /* no waiting for a FIFO */
    bool whole = fd >= 0 && read(fd, head, sizeof(head)) == sizeof(head);

    if (fd >= 0) {
        close(fd);
    }
    bool elf = whole && memcmp(head, "\x7f" "ELF", 4) == 0, elf32 = elf && head[4] == 1;
    *a32 = whole && (ld_le32(head + 0x24) == 0x016f2818 || (elf32 && ld_le16(head + 18) == EM_ARM));
    return *a32 || (whole && memcmp(head + 56, "ARM\x64", 4) == 0) || (elf && ld_le16(head + 18) == EM_AARCH64);
}

/* "rhea" looks at the machine's name and at the kernel; called by QEMU's name there is nothing to choose. */
static void choose_arch(Config *c)
{
    const char *arch = c->board ? arch_of_board(c->board) : NULL;
    bool a32 = false;

    if (c->qemu_defaults) {
        return;
    }
    if (!c->board && arm_kernel(c->kernel, &a32)) {
        arch = "aarch64";
    }
    if (arch && target_find(arch, NULL)) {
        c->arch = arch;
        c->cpu = a32 && !c->cpu ? "cortex-a15" : c->cpu;
    }
}

static bool choose_board(Config *c, Error **errp)
{
    bool x86 = !strcmp(c->arch, "x86_64");

    if (!c->board && c->qemu_defaults && !x86) {
        error_set(errp, ERR_INVALID_PARAMETER, "No machine specified, and there is no default");
        error_hint(errp, "Use -machine help to list supported machines");
        return false;
    }
    if (!c->board) {
        c->board = x86 ? "pc" : "virt";
    }
    return true;
}

bool config_check(Config *c, Error **errp)
{
    choose_arch(c);
    const TargetOps *target = target_find(c->arch, NULL);

    if (!target) {
        error_set(errp, ERR_UNSUPPORTED, "this version has no %s guests", c->arch);
        error_hint(errp, "rhea-system-x86_64 runs x86 guests");
        return false;
    }
    if (!choose_board(c, errp)) {
        return false;
    }
    const BoardType *board = board_find(c->board, c->arch, errp);
    if (!board) {
        error_prepend(errp, "-machine %s: ", c->board);
        return false;
    }
    const AccelOps *accel;
    if (!check_accel(c, target, &accel, errp)) {
        return false;
    }
    fill_defaults(c, board, target, accel);
    return check_cpu(c, target, accel, errp) && check_files(c, errp) && check_smp(c, board, errp) &&
           config_check_numa(c, errp) && config_check_memory(c, errp) &&
           check_fw_cfg(c, board, errp) &&
           check_devices(c, errp) && check_globals(c, errp) &&
           check_rtc(c->rtc_base, errp);
}
