/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Firmware: found by name along the search path. A PC's is mapped as ROM at the top of the first
 * 4 GiB.
 */
#include "hw/machine/firmware.h"
#include "hw/firmware/fw_cfg.h"

#include <string.h>
#include <unistd.h>

#define MAX_BIOS (16u << 20)

/* Where Debian and others put SeaBIOS and UEFI, after -L and the built-in path. */
static const char *const usual_dirs[] = {"/usr/share/seabios", "/usr/share/qemu", "/usr/share/qemu-efi-aarch64", NULL};

static char *in_dir(const char *dir, const char *name)
{
    char *path = g_build_filename(dir, name, NULL);

    if (access(path, R_OK) == 0) {
        return path;
    }
    g_free(path);
    return NULL;
}

/* A path as given, or a name in one of the directories. */
static char *find_bios(const MachineConfig *cfg, const char *name)
{
    g_auto(GStrv) dirs = g_strsplit(cfg->firmware_dirs ? cfg->firmware_dirs : "", ":", -1);
    char *path = NULL;

    if (access(name, R_OK) == 0) {
        return g_strdup(name);
    }
    if (strchr(name, '/')) {
        return NULL;
    }
    for (int i = 0; dirs[i] && !path; i++) {
        path = *dirs[i] ? in_dir(dirs[i], name) : NULL;
    }
    for (int i = 0; usual_dirs[i] && !path; i++) {
        path = in_dir(usual_dirs[i], name);
    }
    return path;
}

/* NULL with *errp: not found, not readable. install: what to do when the default is missing. */
static char *read_file(const MachineConfig *cfg, const char *name, const char *install, size_t *len, Error **errp)
{
    g_autofree char *path = find_bios(cfg, name);
    g_autofree char *data = NULL;
    g_autoptr(GError) gerr = NULL;

    if (!path) {
        error_set(errp, ERR_IO, "cannot find the firmware '%s'", name);
        error_hint(errp, "%s", cfg->firmware ? "-bios takes a file, or a name in a -L directory" : install);
        return NULL;
    }
    if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
        error_set(errp, ERR_INVALID_PARAMETER, "the firmware '%s' is a directory", path);
        return NULL;
    }
    if (!g_file_get_contents(path, &data, len, &gerr)) {
        error_set(errp, ERR_IO, "cannot read the firmware: %s", gerr->message);
        return NULL;
    }
    return g_steal_pointer(&data);
}

/* NULL with *errp: not found, not readable, not a BIOS. */
static char *read_bios(const MachineConfig *cfg, const char *default_name, size_t *len, Error **errp)
{
    const char *name = cfg->firmware ? cfg->firmware : default_name;
    g_autofree char *data = read_file(cfg, name, "install the package seabios, or give -L its directory", len, errp);

    if (!data) {
        return NULL;
    }
    if (*len == 0 || *len % 65536 || *len > MAX_BIOS) {
        error_set(errp, ERR_INVALID_PARAMETER, "the firmware '%s' has %zu bytes", name, *len);
        error_hint(errp, "a PC BIOS has a multiple of 64 KiB, at most 16 MiB");
        return NULL;
    }
    return g_steal_pointer(&data);
}

char *firmware_read(const MachineConfig *cfg, uint64_t max, size_t *len, Error **errp)
{
    g_autofree char *data = read_file(cfg, cfg->firmware, "", len, errp);

    if (data && (*len == 0 || *len > max)) {
        error_set(errp, ERR_INVALID_PARAMETER, "the firmware '%s' has %zu bytes", cfg->firmware, *len);
        error_hint(errp, "there is room for %llu MiB", (unsigned long long)(max >> 20));
        return NULL;
    }
    return g_steal_pointer(&data);
}

bool bios_check(const MachineConfig *cfg, const char *default_name, Error **errp)
{
    size_t len;
    g_autofree char *data = read_bios(cfg, default_name, &len, errp);

    return data != NULL;
}

MemoryRegion *bios_map(Machine *m, const char *default_name, Error **errp)
{
    size_t len;
    g_autofree char *data = read_bios(machine_config(m), default_name, &len, errp);
    MemoryRegion *rom = data ? region_new_rom(m, "pc.bios", len, errp) : NULL;

    if (rom) {
        memcpy(region_ram(rom)->host, data, len);
        region_add(machine_memory_root(m), (1ull << 32) - len, rom, 1);
        region_unref(rom); /* the tree keeps it */
    }
    return rom;
}

static bool add_file(const FwCfgFile *f, Device *fw_cfg, Error **errp)
{
    g_autofree char *data = NULL;
    g_autoptr(GError) gerr = NULL;
    gsize len;

    if (fw_cfg_has_file(fw_cfg, f->name)) {
        error_set(errp, ERR_INVALID_PARAMETER, "-fw_cfg %s: there is a file of this name already",
                  f->name);
        return false;
    }
    if (f->string) {
        return fw_cfg_add_file(fw_cfg, f->name, f->string, strlen(f->string), errp);
    }
    if (!g_file_get_contents(f->file, &data, &len, &gerr)) {
        error_set(errp, ERR_IO, "-fw_cfg %s: %s", f->name, gerr->message);
        return false;
    }
    return fw_cfg_add_file(fw_cfg, f->name, data, len, errp);
}

bool firmware_add_files(Machine *m, Device *fw_cfg, Error **errp)
{
    const MachineConfig *cfg = machine_config(m);

    for (size_t i = 0; i < cfg->fw_cfg_count; i++) {
        if (!add_file(&cfg->fw_cfg[i], fw_cfg, errp)) {
            return false;
        }
    }
    return true;
}
