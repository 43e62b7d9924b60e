/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets by their first letters (gdb's manual, E.2), and the life of a stub.
 */
#include <string.h>

#include "base/log.h"
#include "gdbstub/internal.h"

/* ---- helpers ---- */

bool gdb_number(const char **p, uint64_t *v)
{
    int digits = 0;

    for (*v = 0; g_ascii_isxdigit(**p) && digits < 16; digits++) {
        *v = *v << 4 | (uint64_t)g_ascii_xdigit_value(*(*p)++);
    }
    return digits && !g_ascii_isxdigit(**p);
}

bool gdb_number_to(const char **p, char end, uint64_t *v)
{
    if (!gdb_number(p, v) || **p != end) {
        return false;
    }
    *p += end != 0;
    return true;
}

Cpu *gdb_thread(GdbStub *g, uint64_t id)
{
    return id && id <= (uint64_t)machine_cpu_count(g->m) ? machine_cpu(g->m, (int)id - 1) : NULL;
}

int gdb_thread_id(const Cpu *cpu)
{
    return cpu->index + 1;
}

/* ---- commands ---- */

static void select_thread(GdbStub *g, const char *p)
{
    char what = *p;
    uint64_t id;

    if ((what != 'g' && what != 'c') || !p[1]) {
        gdb_error(g, 22);
        return;
    }
    p++;
    if (!strcmp(p, "-1") || !strcmp(p, "0")) { /* all, any: the one that it is */
        gdb_ok(g);
        return;
    }
    Cpu *cpu = gdb_number_to(&p, 0, &id) ? gdb_thread(g, id) : NULL;
    if (!cpu) {
        gdb_error(g, 22);
        return;
    }
    *(what == 'g' ? &g->general : &g->running) = cpu;
    gdb_ok(g);
}

static void thread_alive(GdbStub *g, const char *p)
{
    uint64_t id;

    if (gdb_number_to(&p, 0, &id) && gdb_thread(g, id)) {
        gdb_ok(g);
    } else {
        gdb_error(g, 22);
    }
}

/* The first question of a debugger that just came: what another one left goes. */
static void last_stop(GdbStub *g)
{
    machine_debug_remove_all(g->m);
    g_string_printf(g->last_stop, "T05thread:%02x;", gdb_thread_id(g->running));
    gdb_put(g, g->last_stop->str, g->last_stop->len);
}

static void detach(GdbStub *g)
{
    Error *err = NULL;

    gdb_forget(g);
    gdb_ok(g);
    if (!machine_cont(g->m, &err)) {
        error_report(err);
        error_free(err);
    }
}

static void kill_machine(GdbStub *g)
{
    error_report_text("the debugger ends the machine");
    machine_request_shutdown(g->m, SHUTDOWN_HOST_QMP_QUIT);
}

/* "C05", "S05;addr": the signal is only read. */
static void resume_with_signal(GdbStub *g, char action, const char *p)
{
    uint64_t sig;

    if (!gdb_number(&p, &sig) || (*p && *p++ != ';')) {
        gdb_error(g, 22);
        return;
    }
    gdb_resume(g, action, p);
}

static bool letter_v(GdbStub *g, const char *p)
{
    if (g_str_has_prefix(p, "vCont")) {
        gdb_vcont(g, p + strlen("vCont"));
    } else if (!strcmp(p, "vKill") || g_str_has_prefix(p, "vKill;")) {
        gdb_ok(g);
        kill_machine(g);
    } else {
        return false;
    }
    return true;
}

static bool known(GdbStub *g, char *p, size_t len)
{
    switch (*p) {
    case '?':
        last_stop(g);
        return true;
    case 'c':
    case 's':
        gdb_resume(g, *p, p + 1);
        return true;
    case 'C':
    case 'S':
        resume_with_signal(g, g_ascii_tolower(*p), p + 1);
        return true;
    case 'D':
        detach(g);
        return true;
    case 'g':
        gdb_read_registers(g);
        return true;
    case 'G':
        gdb_write_registers(g, p + 1);
        return true;
    case 'p':
        gdb_read_register(g, p + 1);
        return true;
    case 'P':
        gdb_write_register(g, p + 1);
        return true;
    case 'H':
        select_thread(g, p + 1);
        return true;
    case 'k':
        kill_machine(g);
        return true;
    case 'm':
        gdb_read_memory(g, p + 1);
        return true;
    case 'M':
    case 'X':
        gdb_write_memory(g, p + 1, len - 1, *p == 'X');
        return true;
    case 'T':
        thread_alive(g, p + 1);
        return true;
    case 'Z':
    case 'z':
        gdb_breakpoint(g, p + 1, *p == 'Z');
        return true;
    case 'q':
        return gdb_query(g, p, len);
    case 'Q':
        return gdb_set(g, p);
    case 'v':
        return letter_v(g, p);
    default:
        return false;
    }
}

void gdb_command(GdbStub *g, char *p, size_t len)
{
    if (!known(g, p, len)) {
        gdb_puts(g, ""); /* E.1: not supported */
    }
}

/* ---- the port ---- */

static size_t can_receive(void *opaque)
{
    GdbStub *g = opaque;

    if (char_pending(g->port) <= GDB_PENDING_MAX) {
        return GDB_PACKET_MAX;
    }
    char_want_writable(g->port);
    return 0;
}

static void receive(void *opaque, const uint8_t *buf, size_t len)
{
    gdb_receive(opaque, buf, len);
}

static void writable(void *opaque)
{
    char_accept_input(((GdbStub *)opaque)->port);
}

static void event(void *opaque, CharEvent ev)
{
    GdbStub *g = opaque;

    if (ev == CHAR_EVENT_OPENED) {
        gdb_packet_reset(g);
        g->owed = false;
        g->connected = true;
        g->general = g->running = machine_cpu(g->m, 0);
        gdb_interrupt(g);
    } else if (ev == CHAR_EVENT_CLOSED) {
        g->owed = g->connected = false;
        gdb_forget(g);
    }
}

static void gone(void *opaque)
{
    ((GdbStub *)opaque)->port = NULL;
}

static const CharFrontOps front = {can_receive, receive, event, gone};

GdbStub *gdbstub_new(Machine *m, CharPort *port, GdbMonitorFn *monitor, void *opaque, Error **errp)
{
    if (!machine_target(m) || !machine_target(m)->gdb || !machine_cpu_count(m)) {
        error_set(errp, ERR_UNSUPPORTED, "gdb: meaningless to attach gdb to a machine without any CPU.");
        return NULL;
    }
    GdbStub *g = g_new0(GdbStub, 1);
    g->m = m;
    g->port = port;
    g->monitor = monitor;
    g->monitor_opaque = opaque;
    g->steps = GDB_STEP_ALL;
    g->general = g->running = machine_cpu(m, 0);
    g->last_stop = g_string_new(NULL);
    gdb_packet_init(g);
    machine_add_run_state_notifier(m, gdb_run_state, g);
    char_on_writable(port, writable, g);
    char_attach(port, &front, g);
    return g;
}

bool gdbstub_busy(const GdbStub *g)
{
    return g->busy > 0;
}

void gdbstub_free(GdbStub *g, int status)
{
    char text[4];

    if (!g) {
        return;
    }
    if (g->connected) {
        g_snprintf(text, sizeof(text), "W%02x", status & 0xff);
        gdb_puts(g, text);
    }
    gdb_forget(g);
    machine_remove_run_state_notifier(g->m, gdb_run_state, g);
    if (g->port) {
        char_on_writable(g->port, NULL, NULL);
        char_detach(g->port);
    }
    gdb_packet_fini(g);
    if (g->xml) {
        g_string_free(g->xml, TRUE);
    }
    g_string_free(g->last_stop, TRUE);
    g_free(g);
}
