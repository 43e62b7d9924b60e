/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers, and the description that tells gdb of them (gdb's manual, appendix G): both out of the target's tables. A
 * register's number is its place in the description.
 */
#include <string.h>

#include "gdbstub/internal.h"

static const GdbTarget *target_of(GdbStub *g)
{
    return machine_target(g->m)->gdb;
}

/* ---- the description ---- */

static bool present(const GdbFeature *f, Cpu *cpu)
{
    return f->count(cpu) || (f->present && f->present(cpu));
}

static void describe_register(GString *x, GdbReg r)
{
    g_string_append_printf(x, "<reg name=\"%s\" bitsize=\"%u\"", r.name, r.bits);
    if (r.type) {
        g_string_append_printf(x, " type=\"%s\"", r.type);
    }
    if (r.group) {
        g_string_append_printf(x, " group=\"%s\"", r.group);
    }
    g_string_append(x, "/>\n");
}

GString *gdb_description(GdbStub *g)
{
    Cpu *cpu = machine_cpu(g->m, 0);
    const GdbTarget *t = target_of(g);
    GString *x = g_string_new("<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target>\n");

    g_string_append_printf(x, "<architecture>%s</architecture>\n", t->architecture(cpu));
    for (const GdbFeature *const *f = t->features; *f; f++) {
        if (!present(*f, cpu)) {
            continue;
        }
        g_string_append_printf(x, "<feature name=\"%s\">\n%s\n", (*f)->name, (*f)->types ? (*f)->types : "");
        for (unsigned n = 0; n < (*f)->count(cpu); n++) {
            describe_register(x, (*f)->reg(cpu, n));
        }
        g_string_append(x, "</feature>\n");
    }
    g_string_append(x, "</target>\n");
    return x;
}

/* ---- values ---- */

/* The feature that has register number *n, which becomes its number there; NULL: none. */
static const GdbFeature *find(GdbStub *g, uint64_t *n)
{
    for (const GdbFeature *const *f = target_of(g)->features; *f; f++) {
        unsigned count = (*f)->count(g->general);
        if (*n < count) {
            return *f;
        }
        *n -= count;
    }
    return NULL;
}

/* The one of the g packet. */
static const GdbFeature *core(GdbStub *g)
{
    uint64_t n = 0;

    return find(g, &n);
}

typedef struct Access {
    const GdbFeature *f;
    unsigned first, count;
    GString *out;    /* reading */
    uint8_t *values; /* writing: all of them, one behind the other */
    bool ok;
} Access;

static void read_on(Cpu *cpu, void *opaque)
{
    Access *a = opaque;

    for (unsigned n = a->first; n < a->first + a->count; n++) {
        uint8_t buf[GDB_REG_BYTES] = {0};
        a->f->get(cpu, n, buf);
        gdb_hex(a->out, buf, a->f->reg(cpu, n).bits / 8);
    }
}

static void write_on(Cpu *cpu, void *opaque)
{
    Access *a = opaque;
    uint8_t *v = a->values;

    for (unsigned n = a->first; n < a->first + a->count; n++) {
        a->ok &= a->f->set(cpu, n, v);
        v += a->f->reg(cpu, n).bits / 8;
    }
    cpu_state_changed(cpu);
}

static void read_some(GdbStub *g, Access *a)
{
    g_autoptr(GString) out = g_string_new(NULL);

    a->out = out;
    cpu_run_synced(g->general, read_on, a);
    gdb_put(g, out->str, out->len);
}

static void write_some(GdbStub *g, Access *a, const char *hex)
{
    uint8_t values[GDB_PACKET_MAX / 2];
    size_t bytes = 0;

    for (unsigned n = a->first; n < a->first + a->count; n++) {
        bytes += a->f->reg(g->general, n).bits / 8;
    }
    if (bytes > sizeof(values) || !gdb_unhex(hex, strlen(hex), values, bytes)) {
        gdb_error(g, 22);
        return;
    }
    a->values = values;
    a->ok = true;
    cpu_run_synced(g->general, write_on, a);
    if (a->ok) {
        gdb_ok(g);
    } else {
        gdb_error(g, 22);
    }
}

void gdb_read_registers(GdbStub *g)
{
    const GdbFeature *f = core(g);

    read_some(g, &(Access){.f = f, .count = f->count(g->general)});
}

void gdb_write_registers(GdbStub *g, const char *hex)
{
    const GdbFeature *f = core(g);

    write_some(g, &(Access){.f = f, .count = f->count(g->general)}, hex);
}

void gdb_read_register(GdbStub *g, const char *p)
{
    uint64_t n;
    const GdbFeature *f = gdb_number_to(&p, 0, &n) ? find(g, &n) : NULL;

    if (f) {
        read_some(g, &(Access){.f = f, .first = (unsigned)n, .count = 1});
    } else {
        gdb_error(g, 22);
    }
}

void gdb_write_register(GdbStub *g, const char *p)
{
    uint64_t n;
    const GdbFeature *f = gdb_number_to(&p, '=', &n) ? find(g, &n) : NULL;

    if (f) {
        write_some(g, &(Access){.f = f, .first = (unsigned)n, .count = 1}, p);
    } else {
        gdb_error(g, 22);
    }
}
