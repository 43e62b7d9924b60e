/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <glib-unix.h>
#include <signal.h>
#include <string.h>

#include "base/loop.h"
#include "chardev/chardev.h"
#include "core/machine.h"
#include "base/os/memory.h"
#include "core/object.h"
#include "main/disks.h"
#include "main/emulator.h"
#include "main/gdb.h"
#include "main/semihosting.h"
#include "monitor/monitor.h"
#include "schema/opts.h"

struct Emulator {
    const Config *config;
    GMainContext *loop;
    MachineConfig mc;
    CharSet *chars;
    Disks *disks;
    Machine *machine;
    GPtrArray *hmp_ports; /* CharPort of monitors that share a serial device */
    GPtrArray *signals;   /* GSource */
    Semihosting *semihosting; /* NULL: off */
    GdbServer *gdb;
    int status;           /* of the process, once the machine ended */
};

/* ---- the host side of the wires ---- */

static bool open_port(Emulator *e, const char *option, const char *label, const char *spec,
                      CharPort **port, bool may_share, Error **errp)
{
    CharPort *mon = NULL;

    if (!chardev_open_legacy(e->chars, label, spec, port, may_share ? &mon : NULL, errp)) {
        error_prepend(errp, "%s %s: ", option, spec);
        return false;
    }
    if (mon) {
        g_ptr_array_add(e->hmp_ports, mon);
    }
    return true;
}

/* The first serial port when none was asked for. */
static const char *default_serial(const Config *c)
{
    if (!c->nographic) {
        return "null"; /* QEMU shows it in the display, and there is none */
    }
    return c->default_monitor ? "mon:stdio" : "stdio";
}

static bool open_serials(Emulator *e, Error **errp)
{
    const Config *c = e->config;

    if (c->default_serial) {
        return open_port(e, "-serial", "serial0", default_serial(c), &e->mc.serial[0], true, errp);
    }
    if (c->serials->len > G_N_ELEMENTS(e->mc.serial)) {
        error_set(errp, ERR_INVALID_PARAMETER, "-serial: a machine has at most %zu serial ports",
                  G_N_ELEMENTS(e->mc.serial));
        return false;
    }
    for (guint i = 0; i < c->serials->len; i++) {
        g_autofree char *label = g_strdup_printf("serial%u", i);
        if (!open_port(e, "-serial", label, c->serials->pdata[i], &e->mc.serial[i], true, errp)) {
            return false;
        }
    }
    return true;
}

static bool open_chardevs(Emulator *e, Error **errp)
{
    const Config *c = e->config;

    charset_set_escape(e->chars, c->escape);
    for (guint i = 0; i < c->chardevs->len; i++) {
        if (!chardev_new_from_opts(e->chars, c->chardevs->pdata[i], errp)) {
            error_prepend(errp, "-chardev %s: ", (char *)c->chardevs->pdata[i]);
            return false;
        }
    }
    return open_serials(e, errp) &&
           (!c->debugcon ||
            open_port(e, "-debugcon", "debugcon", c->debugcon, &e->mc.debugcon, false, errp));
}

static CharPort *lookup_chardev(void *opaque, const char *id, Error **errp)
{
    Emulator *e = opaque;
    Chardev *d = charset_find(e->chars, id);

    if (!d) {
        error_set(errp, ERR_DEVICE_NOT_FOUND, "there is no -chardev with id '%s'", id);
        return NULL;
    }
    return chardev_claim(d, id, errp);
}

/* ---- the machine ---- */

static void fill_rtc(MachineConfig *mc, const char *base)
{
    mc->rtc_localtime = !strcmp(base, "localtime");
    if (mc->rtc_localtime || !strcmp(base, "utc")) {
        return;
    }
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autofree char *midnight = g_strconcat(base, "T00:00:00", NULL);
    g_autoptr(GDateTime) t = g_date_time_new_from_iso8601(base, utc);
    if (!t) {
        t = g_date_time_new_from_iso8601(midnight, utc);
    }
    mc->rtc_base_ns = (g_date_time_to_unix(t) * G_USEC_PER_SEC - g_get_real_time()) * 1000;
}

/* Ends with machine_config_clear(). */
static void fill_machine_config(MachineConfig *mc, const Config *c)
{
    int n = 0;

    *mc = (MachineConfig){
        .board = g_strconcat(c->board, c->board_opts->str, NULL),
        .accel = c->accels->pdata[0],
        .other_accel = c->other_accel,
        .cpu_model = c->cpu,
        .ram_size = c->ram,
        .cpus = (int)c->cpus,
        .max_cpus = (int)c->maxcpus,
        .sockets = (int)c->sockets,
        .dies = (int)c->dies,
        .cores = (int)c->cores,
        .threads = (int)c->threads,
        .numa = c->numa,
        .memory_backend = c->memory_backend,
        .firmware = c->bios,
        .firmware_dirs = config_firmware_path(c),
        .flash = c->flash,
        .kernel = c->kernel,
        .initrd = c->initrd,
        .append = c->append,
        .fw_cfg = (const FwCfgFile *)c->fw_cfg->data,
        .fw_cfg_count = c->fw_cfg->len,
        .cpu_pm = c->cpu_pm,
        .no_reboot = c->no_reboot,
        .no_shutdown = c->no_shutdown,
        .start_paused = c->paused,
        .nodefaults = c->nodefaults,
        .nographic = c->nographic,
        .default_serial = c->default_serial,
        .default_parallel = c->default_parallel,
        .default_vga = c->default_vga,
        .default_nic = c->default_nic,
        .name = c->name,
        .rtc_clock = c->rtc_clock,
        .boot_order = c->boot_order,
        .boot_once = c->boot_once,
        .boot_menu = c->boot_menu,
        .boot_strict = c->boot_strict,
        .boot_splash = c->boot_splash,
        .boot_splash_time = c->boot_splash_time,
        .boot_reboot_timeout = c->boot_reboot_timeout,
        .has_uuid = c->uuid != NULL,
        .smbios = (json_t *const *)c->smbios->pdata,
        .smbios_count = c->smbios->len,
        .watchdog = c->watchdog,
        .panic = c->panic,
        .globals = (const char *const *)c->globals->pdata,
    };
    fill_rtc(mc, c->rtc_base);
    for (const char *p = c->uuid; p && *p; p += *p == '-' ? 1 : 2) {
        if (*p != '-') {
            mc->uuid[n++] = g_ascii_xdigit_value(p[0]) << 4 | g_ascii_xdigit_value(p[1]);
        }
    }
}

static void machine_config_clear(MachineConfig *mc)
{
    g_free((char *)mc->board);
    g_free((char *)mc->firmware_dirs);
}

bool emulator_check(const Config *c, Error **errp)
{
    MachineConfig mc;

    fill_machine_config(&mc, c);
    bool ok = machine_config_check(&mc, c->arch, errp);
    machine_config_clear(&mc);
    return ok;
}

static bool add_objects_of(Emulator *e, bool contexts, Error **errp)
{
    const GPtrArray *objects = e->config->objects;

    for (guint i = 0; i < objects->len; i++) {
        const char *type = json_string_value(json_object_get(objects->pdata[i], "qom-type"));
        if (contexts == (g_strcmp0(type, "thread-context") == 0) && !object_add(e->machine, objects->pdata[i], errp)) {
            error_prepend(errp, "-object: ");
            return false;
        }
    }
    return true;
}

/* Before the board: its devices may name them. Thread contexts first, as in QEMU: memory may name them. */
static bool add_objects(Emulator *e, Error **errp)
{
    return add_objects_of(e, true, errp) && add_objects_of(e, false, errp);
}

static bool add_devices(Emulator *e, Error **errp)
{
    const GPtrArray *devices = e->config->devices;
    bool ok = true;

    for (guint i = 0; ok && i < devices->len; i++) {
        ok = device_add(e->machine, devices->pdata[i], errp) != NULL;
        if (!ok) {
            error_prepend(errp, "-device %s: ", opts_get(devices->pdata[i], "driver"));
        }
    }
    return ok;
}

/* ---- monitors ---- */

static bool open_monitor(Emulator *e, const MonitorSpec *s, unsigned n, Error **errp)
{
    const char *option = s->chardev ? "-mon" : s->control ? "-qmp" : "-monitor";
    g_autofree char *label = g_strdup_printf("compat_monitor%u", n);
    CharPort *port = NULL;

    if (s->chardev) {
        port = lookup_chardev(e, s->chardev, errp);
    } else if (!open_port(e, option, label, s->where, &port, false, errp)) {
        return false;
    }
    if (!port) {
        error_prepend(errp, "%s: ", option);
        return false;
    }
    return s->control ? monitor_new_qmp(e->machine, port, s->pretty, errp)
                      : monitor_new_hmp(e->machine, port, errp);
}

static bool open_monitors(Emulator *e, Error **errp)
{
    const Config *c = e->config;

    for (guint i = 0; i < e->hmp_ports->len; i++) {
        if (!monitor_new_hmp(e->machine, e->hmp_ports->pdata[i], errp)) {
            return false;
        }
    }
    for (guint i = 0; i < c->monitors->len; i++) {
        if (!open_monitor(e, c->monitors->pdata[i], i, errp)) {
            return false;
        }
    }
    if (c->default_monitor && !c->default_serial && c->nographic) {
        const MonitorSpec stdio = {.where = "stdio"};
        return open_monitor(e, &stdio, c->monitors->len, errp);
    }
    return true;
}

/* ---- gdb ---- */

static bool open_gdb(Emulator *e, Error **errp)
{
    const char *device = e->config->gdb;

    e->gdb = gdb_server_new(e->machine, e->chars);
    if (!device || gdb_server_open(e->gdb, device, errp)) {
        return true;
    }
    error_prepend(errp, "-gdb %s: ", device);
    return false;
}

/* ---- life ---- */

static gboolean on_signal(gpointer opaque)
{
    Emulator *e = opaque;

    machine_request_shutdown(e->machine, SHUTDOWN_HOST_SIGNAL);
    return G_SOURCE_CONTINUE;
}

static void watch_signals(Emulator *e)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
        GSource *s = g_unix_signal_source_new(signals[i]);
        g_source_set_callback(s, on_signal, e, NULL);
        g_source_attach(s, e->loop);
        g_ptr_array_add(e->signals, s);
    }
}

/* Ctrl-A x. */
static void on_quit(void *opaque)
{
    Emulator *e = opaque;
    machine_request_shutdown(e->machine, SHUTDOWN_HOST_QMP_QUIT);
}

static bool build(Emulator *e, Error **errp)
{
    CharPort *semihosting_port = NULL;
    const char *id = e->config->semihosting ? e->config->semihosting_chardev : NULL;

    if (e->config->mem_lock && !os_mem_lock_all(errp)) {
        return false;
    }
    if (!open_chardevs(e, errp) || (id && !(semihosting_port = lookup_chardev(e, id, errp)))) {
        return false;
    }
    e->semihosting = semihosting_new(e->config, semihosting_port, &e->mc);
    e->machine = machine_new(&e->mc, e->loop);
    machine_set_char_lookup(e->machine, lookup_chardev, e);
    disks_connect(e->disks, e->machine);
    if (!add_objects(e, errp) || !machine_build(e->machine, e->config->arch, errp)) {
        return false;
    }
    semihosting_connect(e->semihosting, e->machine);
    charset_on_quit(e->chars, on_quit, e);
    /* In this order, which is QEMU's: it decides who gets which PCI slot. */
    return add_devices(e, errp) && disks_add_devices(e->disks, errp) &&
           disks_check_unused(e->disks, errp) && open_monitors(e, errp) && open_gdb(e, errp);
}

Emulator *emulator_new(const Config *c, Error **errp)
{
    const BoardType *board = board_find(c->board, c->arch, errp);
    Emulator *e = g_new0(Emulator, 1);

    e->config = c;
    e->loop = g_main_context_default();
    e->chars = charset_new(e->loop);
    e->hmp_ports = g_ptr_array_new();
    e->signals = g_ptr_array_new_with_free_func((GDestroyNotify)loop_remove);
    fill_machine_config(&e->mc, c);
    e->disks = board ? disks_open(c, board, e->loop, &e->mc, errp) : NULL;
    if (!e->disks) {
        emulator_free(e);
        return NULL;
    }
    return e;
}

bool emulator_build(Emulator *e, Error **errp)
{
    if (!build(e, errp)) {
        return false;
    }
    watch_signals(e); /* before the pid file tells others whom to signal */
    return true;
}

int emulator_run(Emulator *e)
{
    machine_start(e->machine);
    while (!machine_ended(e->machine, &e->status)) {
        g_main_context_iteration(e->loop, TRUE);
    }
    return e->status;
}

void emulator_free(Emulator *e)
{
    gdb_server_free(e->gdb, e->status);
    if (e->machine) {
        disks_disconnect(e->disks);
        semihosting_disconnect(e->semihosting);
        machine_free(e->machine);
    }
    semihosting_free(e->semihosting);
    disks_free(e->disks);
    charset_free(e->chars);
    /* Last: without them SIGTERM would end us with the terminal raw. */
    g_ptr_array_unref(e->signals);
    g_ptr_array_unref(e->hmp_ports);
    machine_config_clear(&e->mc);
    g_free(e);
}
