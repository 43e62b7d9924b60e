/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Parse, check, build, run. Until everything is checked nothing on the host is touched, and a
 * failure is one line on stderr and exit status 1.
 */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/os/terminal.h"
#include "base/os/thread.h"
#include "base/trace.h"
#include "core/accel.h"
#include "doctor/doctor.h"
#include "main/config.h"
#include "main/emulator.h"

static bool setup_logging(const Config *c, Error **errp)
{
    unsigned mask = 0;

    if (c->log_file && !log_set_file(c->log_file, errp)) {
        return false;
    }
    if (c->log_items && !log_parse_items(c->log_items, &mask, errp)) {
        return false;
    }
    log_set_mask(mask);
    for (guint i = 0; i < c->traces->len; i++) {
        trace_enable(c->traces->pdata[i]);
    }
    for (guint i = 0; i < c->trace_files->len; i++) {
        if (!trace_enable_file(c->trace_files->pdata[i], errp)) {
            return false;
        }
    }
    return true;
}

static bool write_pidfile(const char *path, Error **errp)
{
    g_autofree char *text = g_strdup_printf("%d\n", (int)getpid());
    g_autoptr(GError) gerr = NULL;

    if (!g_file_set_contents(path, text, -1, &gerr)) {
        error_set(errp, ERR_IO, "-pidfile: %s", gerr->message);
        return false;
    }
    return true;
}

static int build_and_run(const Config *c, Error **errp)
{
    os_terminal_guard();
    Emulator *e = emulator_new(c, errp);
    if (!e) {
        return 1;
    }
    int status = 1;
    if (setup_logging(c, errp) && emulator_build(e, errp) &&
        (!c->pidfile || write_pidfile(c->pidfile, errp))) {
        status = emulator_run(e);
        if (c->pidfile) {
            unlink(c->pidfile);
        }
    }
    emulator_free(e);
    return status;
}

static int run(Config *c, int argc, char **argv, Error **errp)
{
    if (!config_parse(c, argc, argv, errp)) {
        return 1;
    }
    error_report_timestamps(c->msg_timestamp);
    if (c->help_topic) {
        return config_print_help(c, errp) ? 0 : 1;
    }
    if (!config_check(c, errp) || !emulator_check(c, errp)) {
        return 1;
    }
    if (c->explain) {
        config_explain(c);
    }
    os_thread_set_name(c->process_name ? c->process_name : c->program);
    return build_and_run(c, errp);
}

int main(int argc, char **argv)
{
    g_autoptr(Error) err = NULL;
    Config config;

    setlocale(LC_CTYPE, "");
    /* A peer that hangs up is an error of its write(), not our end. */
    signal(SIGPIPE, SIG_IGN);
    config_init(&config, argv[0] ? argv[0] : "rhea");
    g_set_prgname(config.program);
    if (!config.qemu_defaults && argc > 1 && !strcmp(argv[1], "doctor")) {
        config_fini(&config);
        return doctor_main(argc - 2, argv + 2, accel_find("kvm", NULL));
    }
    int status = run(&config, argc, argv, &err);
    os_terminal_restore();
    if (err) {
        error_report(err);
    }
    config_fini(&config);
    return status;
}
