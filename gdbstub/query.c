/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Queries (gdb's manual, E.4), and those that QEMU adds (its system emulation guide, "GDB usage").
 */
#include <string.h>

#include "gdbstub/internal.h"

/* The text behind a prefix, or NULL. */
static const char *after(const char *p, const char *prefix)
{
    return g_str_has_prefix(p, prefix) ? p + strlen(prefix) : NULL;
}

static void supported(GdbStub *g, const char *theirs)
{
    g_autofree char *text =
        g_strdup_printf("PacketSize=%x;qXfer:features:read+;vContSupported+;QStartNoAckMode+;swbreak+;hwbreak+", GDB_PACKET_MAX);

    g->says_why = strstr(theirs, "swbreak+") != NULL && strstr(theirs, "hwbreak+") != NULL;
    gdb_puts(g, text);
}

/* Some threads of the list, from g->listed on. */
static void thread_list(GdbStub *g)
{
    g_autoptr(GString) out = g_string_new("m");

    if (g->listed >= machine_cpu_count(g->m)) {
        gdb_puts(g, "l");
        return;
    }
    while (g->listed < machine_cpu_count(g->m) && out->len < GDB_PACKET_MAX / 2) {
        g_string_append_printf(out, "%s%02x", out->len > 1 ? "," : "", ++g->listed);
    }
    gdb_puts(g, out->str);
}

static void thread_extra(GdbStub *g, const char *p)
{
    uint64_t id;
    Cpu *cpu = gdb_number_to(&p, 0, &id) ? gdb_thread(g, id) : NULL;

    if (!cpu) {
        gdb_error(g, 22);
        return;
    }
    g_autofree char *text = g_strdup_printf("CPU#%d [%s]", cpu->index, cpu->power_off ? "off" : "on");
    g_autoptr(GString) out = g_string_new(NULL);
    gdb_hex(out, (const uint8_t *)text, strlen(text));
    gdb_puts(g, out->str);
}

/* qXfer:features:read:target.xml:OFFSET,LENGTH */
static void description(GdbStub *g, const char *p)
{
    uint64_t offset, len;

    if (!gdb_number_to(&p, ',', &offset) || !gdb_number_to(&p, 0, &len)) {
        gdb_error(g, 22);
        return;
    }
    if (!g->xml) {
        g->xml = gdb_description(g);
    }
    if (offset > g->xml->len) {
        gdb_error(g, 22);
        return;
    }
    size_t left = g->xml->len - (size_t)offset, n = MIN(MIN(left, len), GDB_PACKET_MAX / 2 - 1); /* all might be escaped */
    g_autoptr(GString) out = g_string_new(n < left ? "m" : "l");
    g_string_append_len(out, g->xml->str + offset, (gssize)n);
    gdb_put(g, out->str, out->len);
}

/* A command of the human monitor; its output in pieces (E.3, `O`). */
static void remote_command(GdbStub *g, const char *hex)
{
    size_t n = strlen(hex) / 2;
    g_autofree char *line = g_malloc0(n + 1);

    if (!gdb_unhex(hex, strlen(hex), (uint8_t *)line, n) || strlen(line) != n) {
        gdb_error(g, 22);
        return;
    }
    g_autoptr(GString) out = g->monitor(g->monitor_opaque, &g->monitor_cpu, line);
    for (size_t at = 0; at < out->len;) {
        size_t piece = MIN(out->len - at, GDB_PACKET_MAX / 2 - 1);
        g_autoptr(GString) packet = g_string_new("O");
        gdb_hex(packet, (const uint8_t *)out->str + at, piece);
        gdb_puts(g, packet->str);
        at += piece;
    }
    gdb_ok(g);
}

static void put_number(GdbStub *g, const char *format, unsigned n)
{
    g_autofree char *text = g_strdup_printf(format, n);

    gdb_puts(g, text);
}

bool gdb_query(GdbStub *g, char *p, size_t len)
{
    const char *arg;

    if ((arg = after(p, "qSupported"))) {
        supported(g, arg);
    } else if (!strcmp(p, "qC")) {
        put_number(g, "QC%02x", (unsigned)gdb_thread_id(g->general));
    } else if (!strcmp(p, "qfThreadInfo")) {
        g->listed = 0;
        thread_list(g);
    } else if (!strcmp(p, "qsThreadInfo")) {
        thread_list(g);
    } else if ((arg = after(p, "qThreadExtraInfo,"))) {
        thread_extra(g, arg);
    } else if (!strcmp(p, "qAttached") || after(p, "qAttached:")) {
        gdb_puts(g, "1");
    } else if ((arg = after(p, "qXfer:features:read:target.xml:"))) {
        description(g, arg);
    } else if (after(p, "qXfer:features:read:")) {
        gdb_puts(g, "E00"); /* there is no such annex */
    } else if ((arg = after(p, "qRcmd,"))) {
        remote_command(g, arg);
    } else if (!strcmp(p, "qqemu.sstepbits")) {
        gdb_puts(g, "ENABLE=1,NOIRQ=2,NOTIMER=4");
    } else if (!strcmp(p, "qqemu.sstep")) {
        put_number(g, "0x%x", g->steps);
    } else if ((arg = after(p, "qqemu.sstep="))) {
        return gdb_set(g, p);
    } else if (!strcmp(p, "qqemu.PhyMemMode")) {
        put_number(g, "%u", g->physical);
    } else {
        return false;
    }
    return true;
}

bool gdb_set(GdbStub *g, const char *p)
{
    const char *arg;
    uint64_t v;

    if (!strcmp(p, "QStartNoAckMode")) {
        gdb_ok(g);
        g->no_ack = true;
    } else if ((arg = after(p + 1, "qemu.sstep="))) {
        if (g_str_has_prefix(arg, "0x")) {
            arg += 2;
        }
        if (!gdb_number_to(&arg, 0, &v) || v > GDB_STEP_ALL) {
            gdb_error(g, 22);
            return true;
        }
        g->steps = (uint8_t)v;
        gdb_ok(g);
    } else if ((arg = after(p, "Qqemu.PhyMemMode:"))) {
        if (!gdb_number_to(&arg, 0, &v) || v > 1) {
            gdb_error(g, 22);
            return true;
        }
        g->physical = v;
        gdb_ok(g);
    } else {
        return false;
    }
    return true;
}
