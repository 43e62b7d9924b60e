/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expressions of the monitor: addresses and values as a person types them.
 *
 * Registers are looked up by name in the text of the target's dump, so every
 * register that `info registers` shows can be used, on any architecture.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "monitor/session.h"

#define DEPTH_MAX 100

typedef struct Expr {
    const char *p;
    Cpu *cpu;
    int depth;
    Error **errp;
} Expr;

static bool expr_logic(Expr *e, int64_t *v);

static void skip(Expr *e)
{
    while (isspace((unsigned char)*e->p)) {
        e->p++;
    }
}

static bool take(Expr *e, char c)
{
    skip(e);
    if (*e->p != c) {
        return false;
    }
    e->p++;
    return true;
}

/* "NAME=0123", or "NAME =0123" as short names are padded, at the start of a word. */
static bool find_in_dump(const char *dump, const char *name, int64_t *v)
{
    size_t n = strlen(name);

    for (const char *p = dump; *p; p++) {
        if ((p == dump || isspace((unsigned char)p[-1])) && !g_ascii_strncasecmp(p, name, n)) {
            const char *eq = p + n + strspn(p + n, " ");
            if (*eq == '=' && g_ascii_isxdigit(eq[1])) {
                *v = (int64_t)g_ascii_strtoull(eq + 1, NULL, 16);
                return true;
            }
        }
    }
    return false;
}

typedef struct RegRead {
    const char *name;
    int64_t value;
    bool found;
} RegRead;

static void read_register(Cpu *cpu, void *opaque)
{
    RegRead *r = opaque;
    const TargetOps *t = cpu->target;

    if (!g_ascii_strcasecmp(r->name, "pc") && t->get_pc) {
        r->value = (int64_t)t->get_pc(cpu);
        r->found = true;
    } else if (t->dump) {
        g_autoptr(GString) dump = g_string_new(NULL);
        t->dump(cpu, dump);
        r->found = find_in_dump(dump->str, r->name, &r->value);
        /* rax of a processor that shows EAX, and eflags. */
        if (!r->found && (r->name[0] == 'r' || r->name[0] == 'R')) {
            g_autofree char *e = g_strdup_printf("e%s", r->name + 1);
            r->found = find_in_dump(dump->str, e, &r->value);
        } else if (!r->found && (r->name[0] == 'e' || r->name[0] == 'E')) {
            g_autofree char *wide = g_strdup_printf("r%s", r->name + 1);
            r->found =
                find_in_dump(dump->str, wide, &r->value) ||
                (g_str_has_prefix(r->name, "efl") && find_in_dump(dump->str, "rfl", &r->value));
            r->value &= UINT32_MAX;
        }
    }
}

static bool expr_register(Expr *e, int64_t *v)
{
    g_autofree char *name = NULL;
    size_t n = 0;

    while (isalnum((unsigned char)e->p[n]) || e->p[n] == '_' || e->p[n] == '.') {
        n++;
    }
    name = g_strndup(e->p, n);
    e->p += n;
    if (!e->cpu) {
        error_set(e->errp, ERR_GENERIC, "this machine has no processor, so there is no $%s", name);
        return false;
    }
    RegRead r = {.name = name};
    if (n) {
        cpu_run_synced(e->cpu, read_register, &r);
    }
    if (!r.found) {
        error_set(e->errp, ERR_INVALID_PARAMETER, "unknown register '$%s'", name);
        error_hint(e->errp, "'info registers' shows them");
        return false;
    }
    *v = r.value;
    return true;
}

static bool expr_number(Expr *e, int64_t *v)
{
    char *end;

    if (*e->p == '\'' && e->p[1] && e->p[2] == '\'') {
        *v = (uint8_t)e->p[1];
        e->p += 3;
        return true;
    }
    if (!isdigit((unsigned char)*e->p)) {
        error_set(e->errp, ERR_INVALID_PARAMETER,
                  *e->p ? "'%s' is no number" : "the expression ends too early", e->p);
        error_hint(e->errp, "write for example 0x1000, $pc or $pc + 16");
        return false;
    }
    errno = 0;
    *v = (int64_t)strtoull(e->p, &end, 0);
    if (errno == ERANGE) {
        error_set(e->errp, ERR_INVALID_PARAMETER, "the number '%s' has more than 64 bits", e->p);
        return false;
    }
    e->p = end;
    return true;
}

static bool expr_unary(Expr *e, int64_t *v)
{
    bool ok;

    if (++e->depth > DEPTH_MAX) {
        error_set(e->errp, ERR_INVALID_PARAMETER, "the expression is nested too deeply");
        return false;
    }
    if (take(e, '-')) {
        ok = expr_unary(e, v);
        *v = ok ? (int64_t)(0 - (uint64_t)*v) : 0;
    } else if (take(e, '+')) {
        ok = expr_unary(e, v);
    } else if (take(e, '~')) {
        ok = expr_unary(e, v);
        *v = ok ? ~*v : 0;
    } else if (take(e, '(')) {
        ok = expr_logic(e, v);
        if (ok && !take(e, ')')) {
            error_set(e->errp, ERR_INVALID_PARAMETER, "a ')' is missing");
            ok = false;
        }
    } else if (take(e, '$')) {
        ok = expr_register(e, v);
    } else {
        ok = expr_number(e, v);
    }
    e->depth--;
    return ok;
}

static bool divide(Expr *e, char op, int64_t *v, int64_t w)
{
    if (!w) {
        error_set(e->errp, ERR_INVALID_PARAMETER, "division by zero");
        return false;
    }
    if (w == -1) {
        *v = op == '/' ? (int64_t)(0 - (uint64_t)*v) : 0;
    } else {
        *v = op == '/' ? *v / w : *v % w;
    }
    return true;
}

static bool expr_product(Expr *e, int64_t *v)
{
    int64_t w = 0;

    if (!expr_unary(e, v)) {
        return false;
    }
    for (skip(e); *e->p && strchr("*/%", *e->p); skip(e)) {
        char op = *e->p++;
        if (!expr_unary(e, &w) || (op != '*' && !divide(e, op, v, w))) {
            return false;
        }
        *v = op == '*' ? (int64_t)((uint64_t)*v * (uint64_t)w) : *v;
    }
    return true;
}

static bool expr_sum(Expr *e, int64_t *v)
{
    int64_t w = 0;

    if (!expr_product(e, v)) {
        return false;
    }
    for (skip(e); *e->p == '+' || *e->p == '-'; skip(e)) {
        char op = *e->p++;
        if (!expr_product(e, &w)) {
            return false;
        }
        *v = (int64_t)(op == '+' ? (uint64_t)*v + (uint64_t)w : (uint64_t)*v - (uint64_t)w);
    }
    return true;
}

static bool expr_logic(Expr *e, int64_t *v)
{
    int64_t w = 0;

    if (!expr_sum(e, v)) {
        return false;
    }
    for (skip(e); *e->p && strchr("&|^", *e->p); skip(e)) {
        char op = *e->p++;
        if (!expr_sum(e, &w)) {
            return false;
        }
        *v = op == '&' ? *v & w : op == '|' ? *v | w : *v ^ w;
    }
    return true;
}

bool monitor_expr(Cpu *cpu, const char *text, int64_t *value, Error **errp)
{
    Expr e = {.p = text, .cpu = cpu, .errp = errp};

    if (!expr_logic(&e, value)) {
        return false;
    }
    skip(&e);
    if (*e.p) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' is left over after the expression", e.p);
        return false;
    }
    return true;
}
