/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See gdb.h.
 */
#include "main/gdb.h"

#include <string.h>

#include "gdbstub/gdbstub.h"
#include "monitor/monitor.h"

#define LABEL "gdb" /* of the character device */

struct GdbServer {
    Machine *machine;
    CharSet *chars;
    GdbStub *stub;  /* NULL: none */
    CharPort *port; /* its, or of one that could not be made */
};

static GString *run_monitor(void *opaque, int *cpu, const char *line)
{
    GdbServer *s = opaque;

    return monitor_run_hmp(s->machine, NULL, cpu, line);
}

/* What QEMU makes of a TCP address: it listens, the machine does not wait, small packets go at once. */
static char *full_spec(const char *device)
{
    return g_str_has_prefix(device, "tcp:") ? g_strconcat(device, ",wait=off,nodelay=on,server=on", NULL) : g_strdup(device);
}

static void close_stub(GdbServer *s, int status)
{
    if (s->stub) {
        gdbstub_free(s->stub, status);
        s->stub = NULL;
    }
    if (s->port) {
        chardev_release(s->port);
        s->port = NULL;
    }
    Chardev *d = charset_find(s->chars, LABEL); /* none for "chardev:ID", which stays its owner's */
    if (d) {
        chardev_remove(d, NULL);
    }
}

bool gdb_server_open(GdbServer *s, const char *device, Error **errp)
{
    if (s->stub && gdbstub_busy(s->stub)) {
        error_set(errp, ERR_STATE, "the debugger that asks would lose its own connection");
        return false;
    }
    close_stub(s, 0);
    g_autofree char *spec = full_spec(device);
    if (!chardev_open_legacy(s->chars, LABEL, spec, &s->port, NULL, errp)) {
        return false;
    }
    if (!s->port) {
        return true; /* "none" */
    }
    s->stub = gdbstub_new(s->machine, s->port, run_monitor, s, errp);
    if (!s->stub) {
        close_stub(s, 0);
    }
    return s->stub != NULL;
}

static bool open_for_monitor(void *opaque, const char *device, Error **errp)
{
    return gdb_server_open(opaque, device, errp);
}

GdbServer *gdb_server_new(Machine *m, CharSet *chars)
{
    GdbServer *s = g_new0(GdbServer, 1);

    s->machine = m;
    s->chars = chars;
    machine_set_gdb_server(m, open_for_monitor, s);
    return s;
}

void gdb_server_free(GdbServer *s, int status)
{
    if (s) {
        machine_set_gdb_server(s->machine, NULL, NULL);
        close_stub(s, status);
        g_free(s);
    }
}
