/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: which function an option has, values in their forms, mistakes; the Config's
 * beginning and end. See options.h.
 */
#include "main/options.h"

#include <string.h>

#include "schema/commands.h"

static bool opt_help(Config *c, const OptValue *v, Error **errp)
{
    return set_help(c, "help", "");
}

static bool opt_version(Config *c, const OptValue *v, Error **errp)
{
    return set_help(c, "version", "");
}

static bool opt_msg(Config *c, const OptValue *v, Error **errp)
{
    c->msg_timestamp = ((const OptMsgArgs *)v->args)->timestamp;
    return true;
}

static OptFn *const handlers[OPT__COUNT] = {
    [OPT_help] = opt_help,
    [OPT_version] = opt_version,
    [OPT_machine] = opt_machine,
    [OPT_cpu] = opt_cpu,
    [OPT_accel] = opt_accel,
    [OPT_enable_kvm] = opt_enable_kvm,
    [OPT_smp] = opt_smp,
    [OPT_numa] = opt_numa,
    [OPT_m] = opt_m,
    [OPT_mem_path] = opt_mem_path,
    [OPT_mem_prealloc] = opt_mem_prealloc,
    [OPT_overcommit] = opt_overcommit,
    [OPT_name] = opt_name,
    [OPT_nodefaults] = opt_nodefaults,
    [OPT_no_user_config] = opt_no_user_config,
    [OPT_explain] = opt_explain,
    [OPT_kernel] = opt_kernel,
    [OPT_initrd] = opt_initrd,
    [OPT_dtb] = opt_dtb,
    [OPT_append] = opt_append,
    [OPT_bios] = opt_bios,
    [OPT_boot] = opt_boot,
    [OPT_uuid] = opt_uuid,
    [OPT_smbios] = opt_smbios,
    [OPT_L] = opt_L,
    [OPT_fw_cfg] = opt_fw_cfg,
    [OPT_semihosting] = opt_semihosting,
    [OPT_semihosting_config] = opt_semihosting_config,
    [OPT_drive] = opt_drive,
    [OPT_blockdev] = opt_blockdev,
    [OPT_hda] = opt_hda,
    [OPT_hdb] = opt_hdb,
    [OPT_hdc] = opt_hdc,
    [OPT_hdd] = opt_hdd,
    [OPT_cdrom] = opt_cdrom,
    [OPT_fda] = opt_fda,
    [OPT_fdb] = opt_fdb,
    [OPT_pflash] = opt_pflash,
    [OPT_snapshot] = opt_snapshot,
    [OPT_device] = opt_device,
    [OPT_object] = opt_object,
    [OPT_global] = opt_global,
    [OPT_rtc] = opt_rtc,
    [OPT_nic] = opt_nic,
    [OPT_net] = opt_net,
    [OPT_display] = opt_display,
    [OPT_vga] = opt_vga,
    [OPT_nographic] = opt_nographic,
    [OPT_serial] = opt_serial,
    [OPT_parallel] = opt_parallel,
    [OPT_debugcon] = opt_debugcon,
    [OPT_chardev] = opt_chardev,
    [OPT_monitor] = opt_monitor,
    [OPT_qmp] = opt_qmp,
    [OPT_qmp_pretty] = opt_qmp_pretty,
    [OPT_mon] = opt_mon,
    [OPT_echr] = opt_echr,
    [OPT_S] = opt_S,
    [OPT_gdb] = opt_gdb,
    [OPT_s] = opt_s,
    [OPT_no_reboot] = opt_no_reboot,
    [OPT_no_shutdown] = opt_no_shutdown,
    [OPT_action] = opt_action,
    [OPT_pidfile] = opt_pidfile,
    [OPT_d] = opt_d,
    [OPT_D] = opt_D,
    [OPT_trace] = opt_trace,
    [OPT_msg] = opt_msg,
};

/* Applies one option with its value. */
static bool apply(Config *c, const SchemaOption *o, const char *text, Error **errp)
{
    OptValue v = {.text = text};
    g_autofree void *args = g_malloc0(o->args_size + 1);
    OptFn *fn = handlers[o - schema_options];

    g_assert(fn); /* every entry of options.toml has its function here */
    if (o->kind == OPTION_KEYS || o->kind == OPTION_OPEN) {
        v.obj = opts_parse(text, o->implied, errp);
        if (!v.obj) {
            return false;
        }
        g_ptr_array_add(c->keep, v.obj);
    }
    if (o->kind == OPTION_KEYS) {
        if (!schema_args_parse(o->args, o->args_size, v.obj, true, args, errp)) {
            return false;
        }
        v.args = args;
    }
    return fn(c, &v, errp);
}

static bool unknown_option(const char *arg, const char *name, Error **errp)
{
    const char *near = schema_option_suggest(name);

    error_set(errp, ERR_INVALID_PARAMETER, "unknown option '%s'", arg);
    if (near) {
        error_hint(errp, "did you mean '-%s'?", near);
    } else {
        error_hint(errp, "'-help' lists the options");
    }
    return false;
}

bool config_parse(Config *c, int argc, char **argv, Error **errp)
{
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i], *text = NULL;
        if (arg[0] != '-') { /* an image, as -hda */
            opt_hda(c, &(OptValue){.text = arg}, errp);
            continue;
        }
        if (!arg[1]) {
            error_set(errp, ERR_INVALID_PARAMETER, "'-' is not an option");
            return false;
        }
        const char *name = arg + (arg[1] == '-' ? 2 : 1);
        const SchemaOption *o = schema_option_find(name);
        if (!o) {
            return unknown_option(arg, name, errp);
        }
        if (o->kind != OPTION_FLAG) {
            text = argv[++i];
            if (!text) {
                error_set(errp, ERR_INVALID_PARAMETER, "%s needs a value", arg);
                error_hint(errp, "write %s %s", arg, o->usage);
                return false;
            }
        }
        if (!apply(c, o, text, errp)) {
            error_prepend(errp, "%s%s%s: ", arg, text ? " " : "", text ? text : "");
            return false;
        }
    }
    return true;
}

void config_init(Config *c, const char *argv0)
{
    const char *slash = strrchr(argv0, '/');

    *c = (Config){
        .program = slash ? slash + 1 : argv0,
        .arch = "x86_64",
        .board_opts = g_string_new(NULL),
        .accels = g_ptr_array_new_with_free_func(g_free),
        .firmware_dirs = g_ptr_array_new_with_free_func(g_free),
        .fw_cfg = g_array_new(false, false, sizeof(FwCfgFile)),
        .devices = g_ptr_array_new(),
        .objects = g_ptr_array_new(),
        .globals = g_ptr_array_new_with_free_func(g_free),
        .rtc_base = "utc",
        .boot_splash_time = -1,
        .boot_reboot_timeout = -1,
        .smbios = g_ptr_array_new(),
        .numa_opts = g_ptr_array_new(),
        .drives = g_ptr_array_new_with_free_func(config_drive_free),
        .blockdevs = g_ptr_array_new(),
        .default_cdrom = true,
        .default_vga = true,
        .default_nic = true,
        .default_floppy = true,
        .serials = g_ptr_array_new_with_free_func(g_free),
        .chardevs = g_ptr_array_new_with_free_func(g_free),
        .monitors = g_ptr_array_new_with_free_func(g_free),
        .default_serial = true,
        .default_monitor = true,
        .default_parallel = true,
        .escape = 1,
        .traces = g_ptr_array_new_with_free_func(g_free),
        .trace_files = g_ptr_array_new_with_free_func(g_free),
        .keep = g_ptr_array_new_with_free_func((GDestroyNotify)json_decref),
    };
    const char *const prefix = "rhea-system-";
    if (g_str_has_prefix(c->program, prefix)) {
        c->qemu_defaults = true;
        c->arch = c->program + strlen(prefix);
    }
}

void config_fini(Config *c)
{
    GPtrArray *const arrays[] = {
        c->smbios,   c->numa_opts,
        c->accels,   c->firmware_dirs, c->devices, c->objects, c->globals,     c->serials,
        c->chardevs, c->monitors,      c->traces,  c->trace_files, c->drives,
        c->blockdevs, c->keep,
    };

    for (size_t i = 0; i < G_N_ELEMENTS(arrays); i++) {
        g_ptr_array_unref(arrays[i]);
    }
    if (c->numa) {
        g_free(c->numa->cpu_node);
        g_free(c->numa);
    }
    g_array_unref(c->fw_cfg);
    g_free(c->kernel_irqchip);
    g_free(c->other_accel);
    g_string_free(c->board_opts, TRUE);
    if (c->semihosting_args) {
        g_string_free(c->semihosting_args, TRUE);
    }
}
