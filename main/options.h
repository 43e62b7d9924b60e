/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each command-line option means: one function each, named after its entry in
 * schema/options.toml, and a row in options.c. They only write to the Config.
 */
#ifndef MAIN_OPTIONS_H
#define MAIN_OPTIONS_H

#include <string.h>

#include "main/config.h"
#include "schema/opts.h"

typedef struct OptValue {
    const char *text; /* as written */
    json_t *obj;      /* OPTION_KEYS and OPTION_OPEN */
    const void *args; /* OPTION_KEYS: the generated struct */
} OptValue;

typedef bool OptFn(Config *c, const OptValue *v, Error **errp);

/* A list is asked for instead of a machine; the first such option counts. True. */
static inline bool set_help(Config *c, const char *topic, const char *arg)
{
    if (!c->help_topic) {
        c->help_topic = topic;
        c->help_arg = arg;
    }
    return true;
}

static inline bool is_help(const char *s)
{
    return s && (!strcmp(s, "help") || !strcmp(s, "?"));
}

void config_drive_free(gpointer drive);

OptFn opt_machine, opt_cpu, opt_accel, opt_enable_kvm, opt_smp, opt_numa, opt_m, opt_mem_path, opt_mem_prealloc,
    opt_overcommit, opt_name, opt_nodefaults,
    opt_no_user_config, opt_explain, opt_kernel, opt_initrd, opt_dtb, opt_append, opt_bios, opt_L,
    opt_fw_cfg, opt_device, opt_object, opt_global, opt_rtc, opt_boot, opt_uuid, opt_smbios,
    opt_drive, opt_blockdev, opt_hda, opt_hdb, opt_hdc, opt_hdd, opt_cdrom, opt_fda, opt_fdb,
    opt_pflash, opt_snapshot, opt_nic, opt_net, opt_display, opt_vga, opt_nographic, opt_serial,
    opt_parallel, opt_debugcon, opt_chardev, opt_monitor, opt_qmp, opt_qmp_pretty, opt_mon,
    opt_echr, opt_S, opt_s, opt_gdb, opt_no_reboot, opt_no_shutdown, opt_action, opt_pidfile, opt_d, opt_D,
    opt_trace, opt_semihosting, opt_semihosting_config;

#endif
