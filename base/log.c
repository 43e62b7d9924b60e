/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/log.h"
#include "base/suggest.h"
#include "base/trace.h"

unsigned log_active;
/* NULL is stderr, whose FILE is not a constant. */
static FILE *log_file;

const LogItem log_items[] = {
    {LOG_OUT_ASM, "out_asm", "host code generated for each translated block"},
    {LOG_IN_ASM, "in_asm", "guest code of each translated block"},
    {LOG_OP, "op", "intermediate code of each translated block"},
    {LOG_INT, "int", "interrupts and exceptions"},
    {LOG_EXEC, "exec", "each block that is entered (a lot)"},
    {LOG_MMU, "mmu", "page walks and changes of the memory mapping"},
    {LOG_CPU_RESET, "cpu_reset", "processor state before each reset"},
    {LOG_UNIMP, "unimp", "what guests use and Rhea does not have"},
    {LOG_GUEST_ERROR, "guest_errors", "what guests do that no real hardware would accept"},
    {LOG_PAGE, "page", "changes of the memory map"},
    {0, NULL, NULL},
};

void log_printf(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    FILE *f = log_begin();
    vfprintf(f, fmt, ap);
    log_end(f);
    va_end(ap);
}

FILE *log_begin(void)
{
    FILE *f = __atomic_load_n(&log_file, __ATOMIC_ACQUIRE);

    f = f ? f : stderr;
    flockfile(f);
    return f;
}

void log_end(FILE *f)
{
    fflush(f);
    funlockfile(f);
}

static const LogItem *find_item(const char *name)
{
    for (const LogItem *it = log_items; it->name; it++) {
        if (!strcmp(it->name, name)) {
            return it;
        }
    }
    return NULL;
}

static void unknown_item(const char *name, Error **errp)
{
    const char *names[ARRAY_LEN(log_items) + 1] = {"all"};

    for (int i = 0; log_items[i].name; i++) {
        names[i + 1] = log_items[i].name;
    }
    const char *near = suggest_name(name, names);
    error_set(errp, ERR_INVALID_PARAMETER, "unknown log item '%s'", name);
    if (near) {
        error_hint(errp, "did you mean '%s'?", near);
    } else {
        error_hint(errp, "-d help lists them");
    }
}

bool log_parse_items(const char *list, unsigned *mask, Error **errp)
{
    g_auto(GStrv) words = g_strsplit(list, ",", -1);
    unsigned result = 0;

    for (char **w = words; *w; w++) {
        const LogItem *it = find_item(*w);
        if (it) {
            result |= it->mask;
        } else if (!strcmp(*w, "all")) {
            result = ~0u;
        } else if (g_str_has_prefix(*w, "trace:")) {
            if (mask) {
                trace_enable(*w + strlen("trace:"));
            }
        } else {
            unknown_item(*w, errp);
            return false;
        }
    }
    if (mask) {
        *mask = result;
    }
    return true;
}

void log_set_mask(unsigned mask)
{
    __atomic_store_n(&log_active, mask, __ATOMIC_RELAXED);
}

bool log_set_file(const char *path, Error **errp)
{
    g_autoptr(GString) name = g_string_new(path);
    char pid[16];

    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    g_string_replace(name, "%d", pid, 1);
    FILE *f = fopen(name->str, "we");
    if (!f) {
        error_set_errno(errp, errno, "cannot write the log file '%s'", name->str);
        return false;
    }
    /* The old file stays open on purpose: another thread may hold its lock. */
    __atomic_store_n(&log_file, f, __ATOMIC_RELEASE);
    return true;
}

void log_print_help(FILE *f)
{
    fprintf(f, "Log items (comma separated):\n");
    for (const LogItem *it = log_items; it->name; it++) {
        fprintf(f, "  %-16s %s\n", it->name, it->help);
    }
    fprintf(f, "  %-16s %s\n", "trace:PATTERN", "trace points, as with -trace PATTERN");
    fprintf(f, "  %-16s %s\n", "all", "every item, without trace points");
}
