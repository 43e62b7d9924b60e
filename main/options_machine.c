/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the options of the machine mean: see options.h.
 */
#include "main/options.h"

#include <inttypes.h>
#include <string.h>

#include "core/object.h"
#include "schema/commands.h"

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

/* -machine kernel-irqchip=, which is -accel kvm's and means nothing to others. */
static bool take_irqchip(Config *c, json_t *rest, Error **errp)
{
    static const char *const keys[] = {"kernel-irqchip", "kernel_irqchip"};

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        char *value = opts_take(rest, keys[i]);
        if (value) {
            g_free(c->kernel_irqchip);
            c->kernel_irqchip = value;
        }
    }
    if (c->kernel_irqchip && strcmp(c->kernel_irqchip, "on") && strcmp(c->kernel_irqchip, "off") &&
        strcmp(c->kernel_irqchip, "split")) {
        error_set(errp, ERR_INVALID_PARAMETER, "-machine kernel-irqchip cannot be '%s'", c->kernel_irqchip);
        error_hint(errp, "possible: on, off, split");
        return false;
    }
    return true;
}

bool opt_machine(Config *c, const OptValue *v, Error **errp)
{
    const char *type = opts_get(v->obj, "type");

    if (is_help(type)) {
        return set_help(c, "machine", "");
    }
    if (type && json_object_get(v->obj, "help")) {
        return set_help(c, "machine", type);
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
    if (!take_irqchip(c, rest, errp)) {
        return false;
    }
    const char *backend = opts_get(v->obj, "memory-backend");
    if (backend) {
        c->memory_backend = backend;
        json_object_del(rest, "memory-backend");
    }
    c->flash |= json_object_get(rest, "pflash0") != NULL;
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

bool opt_cpu(Config *c, const OptValue *v, Error **errp)
{
    c->cpu = v->text;
    return is_help(v->text) ? set_help(c, "cpu", "") : true;
}

bool opt_enable_kvm(Config *c, const OptValue *v, Error **errp)
{
    g_ptr_array_add(c->accels, g_strdup("kvm"));
    return true;
}

bool opt_accel(Config *c, const OptValue *v, Error **errp)
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

bool opt_smp(Config *c, const OptValue *v, Error **errp)
{
    const OptSmpArgs *a = v->args;

    return smp_field("cpus", a->has_cpus, a->cpus, &c->cpus, errp) &&
           smp_field("maxcpus", a->has_maxcpus, a->maxcpus, &c->maxcpus, errp) &&
           smp_field("sockets", a->has_sockets, a->sockets, &c->sockets, errp) &&
           smp_field("dies", a->has_dies, a->dies, &c->dies, errp) &&
           smp_field("cores", a->has_cores, a->cores, &c->cores, errp) &&
           smp_field("threads", a->has_threads, a->threads, &c->threads, errp);
}

bool opt_numa(Config *c, const OptValue *v, Error **errp)
{
    opts_join(v->obj, v->text, "cpus"); /* may stand more than once */
    g_ptr_array_add(c->numa_opts, v->obj);
    return true;
}

bool opt_m(Config *c, const OptValue *v, Error **errp)
{
    const OptMArgs *a = v->args;

    if (a->size > UINT64_MAX - 8191) {
        error_set(errp, ERR_INVALID_PARAMETER, "no machine has that much memory");
        return false;
    }
    c->ram = (a->size + 8191) & ~(uint64_t)8191; /* QEMU rounds up the same way */
    return true;
}

bool opt_mem_path(Config *c, const OptValue *v, Error **errp)
{
    c->mem_path = v->text;
    return true;
}

bool opt_mem_prealloc(Config *c, const OptValue *v, Error **errp)
{
    c->mem_prealloc = true;
    return true;
}

bool opt_overcommit(Config *c, const OptValue *v, Error **errp)
{
    const OptOvercommitArgs *a = v->args;

    c->cpu_pm = a->cpu_pm;
    c->mem_lock = a->mem_lock;
    return true;
}

bool opt_name(Config *c, const OptValue *v, Error **errp)
{
    const OptNameArgs *a = v->args;

    c->name = a->guest ? a->guest : c->name;
    c->process_name = a->process ? a->process : c->process_name;
    return true;
}

bool opt_nodefaults(Config *c, const OptValue *v, Error **errp)
{
    c->nodefaults = true;
    c->default_serial = c->default_monitor = c->default_parallel = false;
    c->default_cdrom = c->default_floppy = false;
    c->default_vga = c->default_nic = false;
    return true;
}

bool opt_no_user_config(Config *c, const OptValue *v, Error **errp)
{
    return true;
}

bool opt_explain(Config *c, const OptValue *v, Error **errp)
{
    c->explain = true;
    return true;
}

bool opt_kernel(Config *c, const OptValue *v, Error **errp)
{
    c->kernel = v->text;
    return true;
}

/* A property of those machines that have device trees. */
bool opt_dtb(Config *c, const OptValue *v, Error **errp)
{
    append_key(c->board_opts, "dtb", v->text);
    return true;
}

bool opt_initrd(Config *c, const OptValue *v, Error **errp)
{
    c->initrd = v->text;
    return true;
}

bool opt_append(Config *c, const OptValue *v, Error **errp)
{
    c->append = v->text;
    return true;
}

bool opt_bios(Config *c, const OptValue *v, Error **errp)
{
    c->bios = v->text;
    return true;
}

bool opt_L(Config *c, const OptValue *v, Error **errp)
{
    if (is_help(v->text)) {
        return set_help(c, "L", "");
    }
    g_ptr_array_add(c->firmware_dirs, g_strdup(v->text));
    return true;
}

bool opt_fw_cfg(Config *c, const OptValue *v, Error **errp)
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

bool opt_device(Config *c, const OptValue *v, Error **errp)
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

bool opt_object(Config *c, const OptValue *v, Error **errp)
{
    const char *type = opts_get(v->obj, "qom-type");

    if (type && is_help(type)) {
        return set_help(c, "object", "");
    }
    if (type && json_object_get(v->obj, "help")) {
        return set_help(c, "object", type);
    }
    object_join_lists(v->obj, v->text);
    g_ptr_array_add(c->objects, v->obj);
    return true;
}

bool opt_global(Config *c, const OptValue *v, Error **errp)
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

bool opt_rtc(Config *c, const OptValue *v, Error **errp)
{
    const OptRtcArgs *a = v->args;
    static const RtcSource sources[] = {[SCHEMA_RTC_CLOCK_HOST] = RTC_HOST,
                                        [SCHEMA_RTC_CLOCK_VM] = RTC_VM,
                                        [SCHEMA_RTC_CLOCK_RT] = RTC_RT};

    c->rtc_base = a->base;
    c->rtc_clock = sources[a->clock];
    return true;
}

bool opt_boot(Config *c, const OptValue *v, Error **errp)
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

bool opt_uuid(Config *c, const OptValue *v, Error **errp)
{
    if (!g_uuid_string_is_valid(v->text)) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' is not a UUID", v->text);
        error_hint(errp, "write it as 550e8400-e29b-41d4-a716-446655440000");
        return false;
    }
    c->uuid = v->text;
    return true;
}

bool opt_smbios(Config *c, const OptValue *v, Error **errp)
{
    g_ptr_array_add(c->smbios, v->obj);
    return true;
}
