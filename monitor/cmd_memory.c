/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x, xp, i, o, print and gva2gpa. The layout of dumps is QEMU's, since scripts read it:
 * 16 bytes a line (8 when bytes are shown), columns padded by format and size,
 * and the format and size of the last command are the next one's defaults.
 */
#include <string.h>
#include "base/bits.h"
#include "monitor/session.h"
#include "schema/commands.h"

#define DUMP_MAX   (1u << 20) /* bytes of one command */
#define STRING_MAX 1024
#define INSN_MAX   16

typedef struct Format {
    uint32_t count;
    char kind;     /* x d u o c i s */
    unsigned size; /* 1 2 4 8 */
} Format;

/* "8xw": count, then kind and size in any order. */
static bool format_parse(const char *text, MonitorSession *s, Format *f, Error **errp)
{
    const char *p = text ? text : "";
    char *end;

    *f = (Format){.count = 1, .kind = s ? s->mem_format : 'x', .size = s ? s->mem_size : 4};
    if (g_ascii_isdigit(*p)) {
        guint64 n = g_ascii_strtoull(p, &end, 10);
        f->count = MIN(n, DUMP_MAX);
        p = end;
    }
    for (; *p; p++) {
        const char *sizes = "bhwg", *size = strchr(sizes, *p);
        if (size) {
            f->size = 1u << (size - sizes);
        } else if (strchr("xduocis", *p)) {
            f->kind = *p;
        } else {
            error_set(errp, ERR_INVALID_PARAMETER, "invalid char in format: '%c'", *p);
            error_hint(errp, "a count, then one of x d u o c i s, then one of b h w g");
            return false;
        }
    }
    if ((uint64_t)f->count * f->size > DUMP_MAX) {
        error_set(errp, ERR_INVALID_PARAMETER, "%u units are too much for one command", f->count);
        error_hint(errp, "at most 1 MiB");
        return false;
    }
    if (s) {
        s->mem_format = f->kind;
        s->mem_size = f->size;
    }
    return true;
}

static void put_char(GString *out, uint8_t c)
{
    if (c == '\'' || c == '\\') {
        g_string_append_printf(out, "'\\%c'", c);
    } else if (c == '\n' || c == '\r') {
        g_string_append(out, c == '\n' ? "'\\n'" : "'\\r'");
    } else if (c < 0x20 || c > 0x7e) {
        g_string_append_printf(out, "'\\x%02x'", c);
    } else {
        g_string_append_printf(out, "'%c'", c);
    }
}

static void put_value(GString *out, char kind, unsigned size, uint64_t v)
{
    int bits = size * 8;

    switch (kind) {
    case 'd':
        g_string_append_printf(out, "%*lld", (bits * 10 + 32) / 33,
                               (long long)sign_extend64(v, bits));
        break;
    case 'u':
        g_string_append_printf(out, "%*llu", (bits * 10 + 32) / 33, (unsigned long long)v);
        break;
    case 'o':
        g_string_append_printf(out, "%#*llo", (bits + 2) / 3, (unsigned long long)v);
        break;
    case 'c':
        put_char(out, v);
        break;
    default:
        g_string_append_printf(out, "0x%0*llx", bits / 4, (unsigned long long)v);
        break;
    }
}

/* ---- reading ---- */

typedef struct Dump {
    Machine *machine;
    Cpu *cpu; /* NULL: physical */
    Format f;
    uint64_t addr;
    GString *out;
} Dump;

/* unit: width for devices, which are read at physical addresses only. */
static bool dump_read(Dump *d, uint64_t addr, uint8_t *buf, size_t len, unsigned unit)
{
    AddressSpace *as = machine_memory(d->machine);

    if (d->cpu) {
        return cpu_peek(d->cpu, addr, buf, len);
    }
    if (address_space_peek(as, addr, buf, len)) {
        return true;
    }
    machine_settle_stores(d->machine);
    for (size_t i = 0; i < len; i += unit) {
        uint64_t v;
        if (address_space_load(as, addr + i, MEM_ATTRS_NONE, unit, &v) != MEM_OK) {
            return false;
        }
        st_le_n(buf + i, unit, v);
    }
    return true;
}

static bool dump_fail(Dump *d)
{
    g_string_append(d->out, "Cannot access memory\n");
    return false;
}

static void dump_units(Dump *d)
{
    size_t left = (size_t)d->f.count * d->f.size, line = d->f.size == 1 ? 8 : 16;
    unsigned unit = d->f.kind == 'c' ? 1 : d->f.size;
    uint8_t buf[16];

    while (left) {
        size_t n = MIN(line, left);
        g_string_append_printf(d->out, "%016llx:", (unsigned long long)d->addr);
        if (!dump_read(d, d->addr, buf, n, unit)) {
            g_string_append_c(d->out, ' ');
            dump_fail(d);
            return;
        }
        for (size_t i = 0; i < n; i += unit) {
            g_string_append_c(d->out, ' ');
            put_value(d->out, d->f.kind, unit, ld_le_n(buf + i, unit));
        }
        g_string_append_c(d->out, '\n');
        d->addr += n;
        left -= n;
    }
}

static void dump_strings(Dump *d)
{
    for (uint32_t i = 0; i < d->f.count; i++) {
        uint8_t c = 0;
        g_string_append_printf(d->out, "%016llx: \"", (unsigned long long)d->addr);
        for (int n = 0; n < STRING_MAX; n++) {
            if (!dump_read(d, d->addr++, &c, 1, 1)) {
                g_string_append(d->out, "\" ");
                dump_fail(d);
                return;
            }
            if (!c) {
                break;
            }
            if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') {
                g_string_append_printf(d->out, "\\x%02x", c);
            } else {
                g_string_append_c(d->out, c);
            }
        }
        g_string_append(d->out, c ? "\"...\n" : "\"\n");
    }
}

/* The target disassembles a stretch of bytes, a line each instruction; we show the first lines. */
static void dump_insns(Dump *d, Cpu *cpu)
{
    size_t want = (size_t)d->f.count * INSN_MAX, have = 0;
    g_autofree uint8_t *buf = g_malloc(want);
    g_autoptr(GString) text = g_string_new(NULL);

    while (have < want && dump_read(d, d->addr + have, buf + have, 1, 1)) {
        have++;
    }
    if (!have) {
        g_string_append_printf(d->out, "0x%08llx: ", (unsigned long long)d->addr);
        dump_fail(d);
        return;
    }
    cpu->target->disas(cpu, d->addr, buf, have, text);
    const char *p = text->str;
    for (uint32_t i = 0; i < d->f.count && *p; i++) {
        const char *nl = strchr(p, '\n');
        size_t n = nl ? (size_t)(nl + 1 - p) : strlen(p);
        g_string_append_len(d->out, p, n);
        p += n;
    }
    if (d->out->len && d->out->str[d->out->len - 1] != '\n') {
        g_string_append_c(d->out, '\n');
    }
}

static void dump_on_cpu(Cpu *cpu, void *opaque)
{
    Dump *d = opaque;

    if (d->f.kind == 'i') {
        dump_insns(d, cpu);
    } else if (d->f.kind == 's') {
        dump_strings(d);
    } else {
        dump_units(d);
    }
}

static bool dump(CmdContext *ctx, const char *format, const char *address, bool virtual,
                 GString *out, Error **errp)
{
    Dump d = {.machine = ctx->machine, .out = out};
    Cpu *cpu = session_cpu(ctx, virtual ? errp : NULL);
    int64_t addr;

    if ((virtual && !cpu) || !format_parse(format, ctx->session, &d.f, errp) ||
        !monitor_expr(cpu, address, &addr, errp)) {
        return false;
    }
    if (d.f.kind == 'i' && (!cpu || !cpu->target->disas)) {
        error_set(errp, ERR_UNSUPPORTED, "there is no disassembler for this machine's processor");
        return false;
    }
    if (d.f.kind == 'i' && d.f.count > 4096) {
        d.f.count = 4096;
    }
    d.addr = (uint64_t)addr;
    d.cpu = virtual ? cpu : NULL;
    if (virtual || d.f.kind == 'i') {
        cpu_run_synced(cpu, dump_on_cpu, &d);
    } else {
        dump_on_cpu(NULL, &d);
    }
    return true;
}

bool hmp_x(CmdContext *ctx, const HmpXArgs *args, GString *out, Error **errp)
{
    return dump(ctx, args->format, args->address, true, out, errp);
}

bool hmp_xp(CmdContext *ctx, const HmpXpArgs *args, GString *out, Error **errp)
{
    return dump(ctx, args->format, args->address, false, out, errp);
}

/* ---- ports ---- */

#define PORTS_MASK 0xffffu

/* Of the last size, too; there are no accesses of 8 bytes. */
static bool port_size(CmdContext *ctx, const char *format, unsigned *size, Error **errp)
{
    Format f;

    if (!format_parse(format, ctx->session, &f, errp)) {
        return false;
    }
    *size = f.size > 4 ? 1 : f.size;
    return true;
}

static uint64_t port_access(Machine *m, uint64_t port, unsigned size, const uint64_t *value)
{
    uint64_t v = 0;

    machine_settle_stores(m);
    if (value) {
        address_space_store(machine_ports(m), port & PORTS_MASK, MEM_ATTRS_NONE, size, *value);
    } else {
        address_space_load(machine_ports(m), port & PORTS_MASK, MEM_ATTRS_NONE, size, &v);
    }
    return v;
}

bool hmp_i(CmdContext *ctx, const HmpIArgs *args, GString *out, Error **errp)
{
    g_auto(GStrv) part = g_strsplit(args->port, ".", 2); /* port, index */
    Cpu *cpu = session_cpu(ctx, NULL);
    int64_t port, index = 0;
    unsigned size;

    if (!port_size(ctx, args->format, &size, errp) || !monitor_expr(cpu, part[0] ? part[0] : "", &port, errp) ||
        (part[0] && part[1] && !monitor_expr(cpu, part[1], &index, errp))) {
        return false;
    }
    if (part[0] && part[1]) {
        uint64_t v = (uint8_t)index;
        port_access(ctx->machine, (uint64_t)port++, 1, &v);
    }
    g_string_append_printf(out, "port%c[0x%04x] = 0x%0*llx\n", size == 1 ? 'b' : size == 2 ? 'w' : 'l',
                           (unsigned)port & PORTS_MASK, (int)size * 2,
                           (unsigned long long)port_access(ctx->machine, (uint64_t)port, size, NULL));
    return true;
}

bool hmp_o(CmdContext *ctx, const HmpOArgs *args, GString *out, Error **errp)
{
    Cpu *cpu = session_cpu(ctx, NULL);
    int64_t port, value;
    unsigned size;

    if (!port_size(ctx, args->format, &size, errp) || !monitor_expr(cpu, args->port, &port, errp) ||
        !monitor_expr(cpu, args->value, &value, errp)) {
        return false;
    }
    uint64_t v = (uint64_t)value & (UINT64_MAX >> (64 - 8 * size));
    port_access(ctx->machine, (uint64_t)port, size, &v);
    return true;
}

/* ---- print, gva2gpa ---- */

bool hmp_print(CmdContext *ctx, const HmpPrintArgs *args, GString *out, Error **errp)
{
    Cpu *cpu = session_cpu(ctx, NULL);
    char kind = args->format && *args->format ? args->format[strlen(args->format) - 1] : 'd';
    int64_t v;

    if (!strchr("xduoc", kind)) {
        error_set(errp, ERR_INVALID_PARAMETER, "invalid char in format: '%c'", kind);
        error_hint(errp, "print knows /x /d /u /o and /c");
        return false;
    }
    if (!monitor_expr(cpu, args->expression, &v, errp)) {
        return false;
    }
    switch (kind) {
    case 'x':
        g_string_append_printf(out, "%#llx\n", (unsigned long long)v);
        break;
    case 'u':
        g_string_append_printf(out, "%llu\n", (unsigned long long)v);
        break;
    case 'o':
        g_string_append_printf(out, "%#llo\n", (unsigned long long)v);
        break;
    case 'c':
        put_char(out, (uint8_t)v);
        g_string_append_c(out, '\n');
        break;
    default:
        g_string_append_printf(out, "%lld\n", (long long)v);
        break;
    }
    return true;
}

typedef struct Translate {
    uint64_t vaddr;
    hwaddr paddr;
    bool ok;
} Translate;

static void translate(Cpu *cpu, void *opaque)
{
    Translate *t = opaque;

    t->ok = cpu->target->translate && cpu->target->translate(cpu, t->vaddr, &t->paddr);
}

bool hmp_gva2gpa(CmdContext *ctx, const HmpGva2gpaArgs *args, GString *out, Error **errp)
{
    Cpu *cpu = session_cpu(ctx, errp);
    Translate t = {0};
    int64_t v;

    if (!cpu || !monitor_expr(cpu, args->address, &v, errp)) {
        return false;
    }
    t.vaddr = (uint64_t)v;
    cpu_run_synced(cpu, translate, &t);
    if (t.ok) {
        g_string_append_printf(out, "gpa: %#llx\n", (unsigned long long)t.paddr);
    } else {
        g_string_append(out, "Unmapped\n");
    }
    return true;
}
