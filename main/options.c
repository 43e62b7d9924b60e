/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What each command-line option means: one function each, named after its entry in
 * schema/options.toml. They only write to the Config.
 */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/trace.h"
#include "base/units.h"
#include "main/config.h"
#include "schema/commands.h"
#include "schema/opts.h"

typedef struct OptValue {
    const char *text; /* as written */
    json_t *obj;      /* OPTION_KEYS and OPTION_OPEN */
    const void *args; /* OPTION_KEYS: the generated struct */
} OptValue;

typedef bool OptFn(Config *c, const OptValue *v, Error **errp);

static bool set_help(Config *c, const char *topic, const char *arg)
{
    if (!c->help_topic) {
        c->help_topic = topic;
        c->help_arg = arg;
    }
    return true;
}

static bool is_help(const char *s)
{
    return s && (!strcmp(s, "help") || !strcmp(s, "?"));
}

static bool opt_help(Config *c, const OptValue *v, Error **errp)
{
    return set_help(c, "help", "");
}

static bool opt_version(Config *c, const OptValue *v, Error **errp)
{
    return set_help(c, "version", "");
}

static void add_accel_list(Config *c, const char *list)
{
    g_auto(GStrv) names = g_strsplit(list, ":", -1);

    for (char **n = names; *n; n++) {
        g_ptr_array_add(c->accels, g_strdup(*n));
    }
}

/* Text of a key=value list again: ",key=value" appended, commas doubled. */
static void append_key(GString *out, const char *key, const char *value)
{
    g_auto(GStrv) parts = g_strsplit(value, ",", -1);
    g_autofree char *escaped = g_strjoinv(",,", parts);

    g_string_append_printf(out, ",%s=%s", key, escaped);
}

static bool opt_machine(Config *c, const OptValue *v, Error **errp)
{
    const char *type = opts_get(v->obj, "type");

    if (is_help(type)) {
        return set_help(c, "machine", "");
    }
    if (type) {
        c->board = type;
    }
    g_autoptr(json_t) rest = json_copy(v->obj);
    json_object_del(rest, "type");
    g_autofree char *accel = opts_take(rest, "accel");
    if (accel) {
        add_accel_list(c, accel);
    }
    const char *backend = opts_get(v->obj, "memory-backend");
    if (backend) {
        c->memory_backend = backend;
        json_object_del(rest, "memory-backend");
    }
    const char *key;
    json_t *val;
    void *next;
    json_object_foreach_safe(rest, next, key, val)
    {
        g_autofree char *k = g_strdup(key);
        g_autofree char *text = opts_take(rest, key);
        append_key(c->board_opts, k, text);
    }
    return true;
}

static bool opt_cpu(Config *c, const OptValue *v, Error **errp)
{
    c->cpu = v->text;
    return is_help(v->text) ? set_help(c, "cpu", "") : true;
}

static bool opt_accel(Config *c, const OptValue *v, Error **errp)
{
    if (is_help(opts_get(v->obj, "accel"))) {
        return set_help(c, "accel", "");
    }
    g_autoptr(json_t) rest = json_copy(v->obj);
    g_autofree char *name = opts_take(rest, "accel");
    if (!name) {
        error_set(errp, ERR_INVALID_PARAMETER, "the name of an accelerator is missing");
        error_hint(errp, "'-accel help' lists them");
        return false;
    }
    GString *text = g_string_new(name);
    const char *key;
    json_t *val;
    void *next;
    json_object_foreach_safe(rest, next, key, val)
    {
        g_autofree char *k = g_strdup(key);
        g_autofree char *value = opts_take(rest, key);
        append_key(text, k, value);
    }
    g_ptr_array_add(c->accels, g_string_free(text, FALSE));
    return true;
}

static bool smp_field(const char *name, bool has, int64_t value, int64_t *field, Error **errp)
{
    if (!has) {
        return true;
    }
    if (value < 1 || value > 4096) {
        error_set(errp, ERR_INVALID_PARAMETER, "%s must be between 1 and 4096, not %" PRId64, name,
                  value);
        return false;
    }
    *field = value;
    return true;
}

static bool opt_smp(Config *c, const OptValue *v, Error **errp)
{
    const OptSmpArgs *a = v->args;

    return smp_field("cpus", a->has_cpus, a->cpus, &c->cpus, errp) &&
           smp_field("maxcpus", a->has_maxcpus, a->maxcpus, &c->maxcpus, errp) &&
           smp_field("sockets", a->has_sockets, a->sockets, &c->sockets, errp) &&
           smp_field("dies", a->has_dies, a->dies, &c->dies, errp) &&
           smp_field("cores", a->has_cores, a->cores, &c->cores, errp) &&
           smp_field("threads", a->has_threads, a->threads, &c->threads, errp);
}

/* cpus= may stand more than once: its values are joined by colons. */
static void join_cpus(json_t *obj, const char *text)
{
    g_auto(GStrv) items = g_strsplit(text, ",", -1);
    g_autoptr(GString) all = g_string_new(NULL);

    for (char **i = items; *text != '{' && *i; i++) {
        if (g_str_has_prefix(*i, "cpus=")) {
            g_string_append_printf(all, "%s%s", all->len ? ":" : "", *i + strlen("cpus="));
        }
    }
    if (all->len) {
        json_object_set_new(obj, "cpus", json_string(all->str));
    }
}

static bool opt_numa(Config *c, const OptValue *v, Error **errp)
{
    join_cpus(v->obj, v->text);
    g_ptr_array_add(c->numa_opts, v->obj);
    return true;
}

static bool opt_m(Config *c, const OptValue *v, Error **errp)
{
    const OptMArgs *a = v->args;

    if (a->size > UINT64_MAX - 8191) {
        error_set(errp, ERR_INVALID_PARAMETER, "no machine has that much memory");
        return false;
    }
    c->ram = (a->size + 8191) & ~(uint64_t)8191; /* QEMU rounds up the same way */
    return true;
}

static bool opt_name(Config *c, const OptValue *v, Error **errp)
{
    const OptNameArgs *a = v->args;

    c->name = a->guest ? a->guest : c->name;
    c->process_name = a->process ? a->process : c->process_name;
    return true;
}

static bool opt_nodefaults(Config *c, const OptValue *v, Error **errp)
{
    c->nodefaults = true;
    c->default_serial = c->default_monitor = c->default_parallel = false;
    c->default_cdrom = c->default_floppy = false;
    return true;
}

static bool opt_no_user_config(Config *c, const OptValue *v, Error **errp)
{
    return true;
}

static bool opt_explain(Config *c, const OptValue *v, Error **errp)
{
    c->explain = true;
    return true;
}

static bool opt_kernel(Config *c, const OptValue *v, Error **errp)
{
    c->kernel = v->text;
    return true;
}

static bool opt_initrd(Config *c, const OptValue *v, Error **errp)
{
    c->initrd = v->text;
    return true;
}

static bool opt_append(Config *c, const OptValue *v, Error **errp)
{
    c->append = v->text;
    return true;
}

static bool opt_bios(Config *c, const OptValue *v, Error **errp)
{
    c->bios = v->text;
    return true;
}

static bool opt_L(Config *c, const OptValue *v, Error **errp)
{
    if (is_help(v->text)) {
        return set_help(c, "L", "");
    }
    g_ptr_array_add(c->firmware_dirs, g_strdup(v->text));
    return true;
}

static bool opt_fw_cfg(Config *c, const OptValue *v, Error **errp)
{
    const OptFwCfgArgs *a = v->args;
    const FwCfgFile f = {a->name, a->file, a->string};

    if (!f.file == !f.string) {
        error_set(errp, ERR_INVALID_PARAMETER, "%s", f.file ? "both file= and string= are given"
                                                           : "the contents are missing");
        error_hint(errp, "give one of file=path and string=text");
        return false;
    }
    g_array_append_val(c->fw_cfg, f);
    return true;
}

/* Devices that stand in for a default one, as in QEMU. */
static void device_replaces_default(Config *c, const char *driver)
{
    if (!strcmp(driver, "isa-serial")) {
        c->default_serial = false;
    } else if (!strcmp(driver, "isa-parallel")) {
        c->default_parallel = false;
    } else if (!strcmp(driver, "isa-fdc") || !strcmp(driver, "floppy")) {
        c->default_floppy = false;
    } else if (!strcmp(driver, "ide-cd") || !strcmp(driver, "ide-hd") ||
               !strcmp(driver, "scsi-cd") || !strcmp(driver, "scsi-hd")) {
        c->default_cdrom = false;
    }
}

/* ---- disks ---- */

static void config_drive_free(gpointer p)
{
    ConfigDrive *d = p;

    g_free(d->option);
    json_decref(d->opts);
    g_free(d);
}

/* Takes opts. */
static bool add_drive(Config *c, const char *option, const char *text, json_t *opts)
{
    ConfigDrive *d = g_new(ConfigDrive, 1);

    *d = (ConfigDrive){g_strdup_printf("%s %s", option, text), opts};
    g_ptr_array_add(c->drives, d);
    return true;
}

static bool opt_drive(Config *c, const OptValue *v, Error **errp)
{
    if (is_help(opts_get(v->obj, "format"))) {
        return set_help(c, "drive", "");
    }
    return add_drive(c, "-drive", v->text, json_incref(v->obj));
}

static bool opt_blockdev(Config *c, const OptValue *v, Error **errp)
{
    if (is_help(opts_get(v->obj, "driver"))) {
        return set_help(c, "blockdev", "");
    }
    g_ptr_array_add(c->blockdevs, v->obj);
    return true;
}

/* index -1: the next free one. */
static bool add_image(Config *c, const char *option, const char *file, const char *iface, int index,
                      bool cdrom)
{
    json_t *opts = json_pack("{s:s, s:s}", "file", file, "media", cdrom ? "cdrom" : "disk");

    if (!opts) { /* not UTF-8 */
        opts = json_pack("{s:s}", "file", "");
    }
    if (iface) {
        json_object_set_new(opts, "if", json_string(iface));
    }
    if (index >= 0) {
        json_object_set_new(opts, "index", json_integer(index));
    }
    return add_drive(c, option, file, opts);
}

static bool opt_hda(Config *c, const OptValue *v, Error **errp)
{
    return add_image(c, "-hda", v->text, NULL, 0, false);
}

static bool opt_hdb(Config *c, const OptValue *v, Error **errp)
{
    return add_image(c, "-hdb", v->text, NULL, 1, false);
}

static bool opt_hdc(Config *c, const OptValue *v, Error **errp)
{
    return add_image(c, "-hdc", v->text, NULL, 2, false);
}

static bool opt_hdd(Config *c, const OptValue *v, Error **errp)
{
    return add_image(c, "-hdd", v->text, NULL, 3, false);
}

static bool opt_cdrom(Config *c, const OptValue *v, Error **errp)
{
    return add_image(c, "-cdrom", v->text, NULL, 2, true);
}

static bool opt_fda(Config *c, const OptValue *v, Error **errp)
{
    return add_image(c, "-fda", v->text, "floppy", 0, false);
}

static bool opt_fdb(Config *c, const OptValue *v, Error **errp)
{
    return add_image(c, "-fdb", v->text, "floppy", 1, false);
}

static bool opt_pflash(Config *c, const OptValue *v, Error **errp)
{
    return add_image(c, "-pflash", v->text, "pflash", -1, false);
}

static bool opt_snapshot(Config *c, const OptValue *v, Error **errp)
{
    c->snapshot = true;
    return true;
}

static bool opt_device(Config *c, const OptValue *v, Error **errp)
{
    const char *driver = opts_get(v->obj, "driver");

    if (!driver) {
        error_set(errp, ERR_INVALID_PARAMETER, "the driver is missing");
        error_hint(errp, "'-device help' lists the drivers");
        return false;
    }
    if (is_help(driver)) {
        return set_help(c, "device", "");
    }
    if (json_object_get(v->obj, "help")) {
        return set_help(c, "device", driver);
    }
    device_replaces_default(c, driver);
    g_ptr_array_add(c->devices, v->obj);
    return true;
}

static bool opt_object(Config *c, const OptValue *v, Error **errp)
{
    const char *type = opts_get(v->obj, "qom-type");

    if (type && is_help(type)) {
        return set_help(c, "object", "");
    }
    if (type && json_object_get(v->obj, "help")) {
        return set_help(c, "object", type);
    }
    g_ptr_array_add(c->objects, v->obj);
    return true;
}

static bool opt_global(Config *c, const OptValue *v, Error **errp)
{
    const char *driver = opts_get(v->obj, "driver"), *prop = opts_get(v->obj, "property");
    const char *value = opts_get(v->obj, "value");

    if (driver && prop && value) {
        g_ptr_array_add(c->globals, g_strdup_printf("%s.%s=%s", driver, prop, value));
        return true;
    }
    const char *dot = strchr(v->text, '.'), *eq = strchr(v->text, '=');
    if (!dot || !eq || dot > eq || dot == v->text || eq == dot + 1) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' is not of the form driver.property=value",
                  v->text);
        error_hint(errp, "for example isa-debugcon.iobase=0x402");
        return false;
    }
    g_ptr_array_add(c->globals, g_strdup(v->text));
    return true;
}

static bool opt_rtc(Config *c, const OptValue *v, Error **errp)
{
    const OptRtcArgs *a = v->args;
    static const RtcSource sources[] = {[SCHEMA_RTC_CLOCK_HOST] = RTC_HOST,
                                        [SCHEMA_RTC_CLOCK_VM] = RTC_VM,
                                        [SCHEMA_RTC_CLOCK_RT] = RTC_RT};

    c->rtc_base = a->base;
    c->rtc_clock = sources[a->clock];
    return true;
}

static bool opt_boot(Config *c, const OptValue *v, Error **errp)
{
    const OptBootArgs *a = v->args;

    if (a->has_splash_time && (a->splash_time < 0 || a->splash_time > 0xffff)) {
        error_set(errp, ERR_INVALID_PARAMETER, "splash-time must be between 0 and 65535");
        return false;
    }
    if (a->has_reboot_timeout && (a->reboot_timeout < -1 || a->reboot_timeout > 0xffff)) {
        error_set(errp, ERR_INVALID_PARAMETER, "reboot-timeout must be between -1 and 65535");
        return false;
    }
    c->boot_order = a->order ? a->order : c->boot_order;
    c->boot_once = a->once ? a->once : c->boot_once;
    c->boot_menu = a->has_menu ? a->menu : c->boot_menu;
    c->boot_strict = a->has_strict ? a->strict : c->boot_strict;
    c->boot_splash = a->splash ? a->splash : c->boot_splash;
    c->boot_splash_time = a->has_splash_time ? a->splash_time : c->boot_splash_time;
    c->boot_reboot_timeout = a->has_reboot_timeout ? a->reboot_timeout : c->boot_reboot_timeout;
    return true;
}

static bool opt_uuid(Config *c, const OptValue *v, Error **errp)
{
    if (!g_uuid_string_is_valid(v->text)) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' is not a UUID", v->text);
        error_hint(errp, "write it as 550e8400-e29b-41d4-a716-446655440000");
        return false;
    }
    c->uuid = v->text;
    return true;
}

static bool opt_smbios(Config *c, const OptValue *v, Error **errp)
{
    g_ptr_array_add(c->smbios, v->obj);
    return true;
}

static bool only_none(const char *value, const char *what, Error **errp)
{
    if (g_strcmp0(value, "none") == 0) {
        return true;
    }
    error_set(errp, ERR_UNSUPPORTED, "%s '%s' is not supported", what, value ? value : "");
    error_hint(errp, "only 'none' is");
    return false;
}

static bool opt_nic(Config *c, const OptValue *v, Error **errp)
{
    return only_none(opts_get(v->obj, "type"), "network card", errp);
}

static bool opt_net(Config *c, const OptValue *v, Error **errp)
{
    return only_none(opts_get(v->obj, "type"), "network", errp);
}

static bool opt_display(Config *c, const OptValue *v, Error **errp)
{
    const char *type = opts_get(v->obj, "type");

    if (is_help(type)) {
        return set_help(c, "display", "");
    }
    c->display_none = true;
    return only_none(type, "display", errp);
}

static bool opt_vga(Config *c, const OptValue *v, Error **errp)
{
    return only_none(v->text, "graphics card", errp);
}

static bool opt_nographic(Config *c, const OptValue *v, Error **errp)
{
    c->nographic = true;
    return true;
}

static bool opt_serial(Config *c, const OptValue *v, Error **errp)
{
    g_ptr_array_add(c->serials, g_strdup(v->text));
    c->default_serial = false;
    if (g_str_has_prefix(v->text, "mon:")) {
        c->default_monitor = false;
    }
    return true;
}

static bool opt_parallel(Config *c, const OptValue *v, Error **errp)
{
    c->default_parallel = false;
    return only_none(v->text, "parallel port", errp);
}

static bool opt_debugcon(Config *c, const OptValue *v, Error **errp)
{
    if (c->debugcon) {
        error_set(errp, ERR_INVALID_PARAMETER, "there is one debug port, and it was given twice");
        return false;
    }
    c->debugcon = v->text;
    return true;
}

static bool opt_chardev(Config *c, const OptValue *v, Error **errp)
{
    if (is_help(v->text)) {
        return set_help(c, "chardev", "");
    }
    g_ptr_array_add(c->chardevs, g_strdup(v->text));
    return true;
}

static void add_monitor(Config *c, const char *where, const char *chardev, bool control,
                        bool pretty)
{
    MonitorSpec *m = g_new(MonitorSpec, 1);

    *m = (MonitorSpec){where, chardev, control, pretty};
    g_ptr_array_add(c->monitors, m);
    c->default_monitor = false;
}

static bool opt_monitor(Config *c, const OptValue *v, Error **errp)
{
    c->default_monitor = false;
    if (strcmp(v->text, "none")) {
        add_monitor(c, v->text, NULL, false, false);
    }
    return true;
}

static bool opt_qmp(Config *c, const OptValue *v, Error **errp)
{
    add_monitor(c, v->text, NULL, true, false);
    return true;
}

static bool opt_qmp_pretty(Config *c, const OptValue *v, Error **errp)
{
    add_monitor(c, v->text, NULL, true, true);
    return true;
}

static bool opt_mon(Config *c, const OptValue *v, Error **errp)
{
    const OptMonArgs *a = v->args;

    add_monitor(c, NULL, a->chardev, a->mode == SCHEMA_MONITOR_MODE_CONTROL, a->pretty);
    return true;
}

static bool opt_echr(Config *c, const OptValue *v, Error **errp)
{
    uint64_t code;

    if (!parse_u64(v->text, &code, errp)) {
        return false;
    }
    if (code > 255) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' is not the code of a character", v->text);
        error_hint(errp, "1 is Ctrl-A, 2 is Ctrl-B");
        return false;
    }
    c->escape = (uint8_t)code;
    return true;
}

static bool opt_S(Config *c, const OptValue *v, Error **errp)
{
    c->paused = true;
    return true;
}

static bool opt_no_reboot(Config *c, const OptValue *v, Error **errp)
{
    c->no_reboot = true;
    return true;
}

static bool opt_no_shutdown(Config *c, const OptValue *v, Error **errp)
{
    c->no_shutdown = true;
    return true;
}

static bool opt_action(Config *c, const OptValue *v, Error **errp)
{
    const OptActionArgs *a = v->args;

    if (a->has_reboot) {
        c->no_reboot = a->reboot == SCHEMA_REBOOT_ACTION_SHUTDOWN;
    }
    if (a->has_shutdown) {
        c->no_shutdown = a->shutdown == SCHEMA_SHUTDOWN_ACTION_PAUSE;
    }
    if (a->has_panic) {
        static const PanicAction actions[] = {
            [SCHEMA_PANIC_ACTION_SHUTDOWN] = PANIC_SHUTDOWN,
            [SCHEMA_PANIC_ACTION_PAUSE] = PANIC_PAUSE,
            [SCHEMA_PANIC_ACTION_EXIT_FAILURE] = PANIC_EXIT_FAILURE,
            [SCHEMA_PANIC_ACTION_NONE] = PANIC_NONE,
        };
        c->panic = actions[a->panic];
    }
    if (a->has_watchdog) {
        static const WatchdogAction actions[] = {
            [SCHEMA_WATCHDOG_ACTION_NAME_RESET] = WATCHDOG_RESET,
            [SCHEMA_WATCHDOG_ACTION_NAME_SHUTDOWN] = WATCHDOG_SHUTDOWN,
            [SCHEMA_WATCHDOG_ACTION_NAME_POWEROFF] = WATCHDOG_POWEROFF,
            [SCHEMA_WATCHDOG_ACTION_NAME_PAUSE] = WATCHDOG_PAUSE,
            [SCHEMA_WATCHDOG_ACTION_NAME_DEBUG] = WATCHDOG_DEBUG,
            [SCHEMA_WATCHDOG_ACTION_NAME_NONE] = WATCHDOG_NONE,
        };
        c->watchdog = actions[a->watchdog];
    }
    return true;
}

static bool opt_pidfile(Config *c, const OptValue *v, Error **errp)
{
    c->pidfile = v->text;
    return true;
}

static bool opt_d(Config *c, const OptValue *v, Error **errp)
{
    if (is_help(v->text)) {
        return set_help(c, "d", "");
    }
    c->log_items = v->text;
    return log_parse_items(v->text, NULL, errp);
}

static bool opt_D(Config *c, const OptValue *v, Error **errp)
{
    c->log_file = v->text;
    return true;
}

static bool opt_trace(Config *c, const OptValue *v, Error **errp)
{
    const OptTraceArgs *a = v->args;

    if (is_help(a->enable)) {
        return set_help(c, "trace", "");
    }
    if (a->enable) {
        if (!trace_match(a->enable)) {
            error_set(errp, ERR_INVALID_PARAMETER, "no trace point matches '%s'", a->enable);
            error_hint(errp, "'-trace help' lists them");
            return false;
        }
        g_ptr_array_add(c->traces, g_strdup(a->enable));
    }
    if (a->events) {
        g_ptr_array_add(c->trace_files, g_strdup(a->events));
    }
    c->log_file = a->file ? a->file : c->log_file;
    return true;
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
    [OPT_smp] = opt_smp,
    [OPT_numa] = opt_numa,
    [OPT_m] = opt_m,
    [OPT_name] = opt_name,
    [OPT_nodefaults] = opt_nodefaults,
    [OPT_no_user_config] = opt_no_user_config,
    [OPT_explain] = opt_explain,
    [OPT_kernel] = opt_kernel,
    [OPT_initrd] = opt_initrd,
    [OPT_append] = opt_append,
    [OPT_bios] = opt_bios,
    [OPT_boot] = opt_boot,
    [OPT_uuid] = opt_uuid,
    [OPT_smbios] = opt_smbios,
    [OPT_L] = opt_L,
    [OPT_fw_cfg] = opt_fw_cfg,
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
            add_image(c, "-hda", arg, NULL, 0, false);
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
    g_string_free(c->board_opts, TRUE);
}
