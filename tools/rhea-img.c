/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rhea-img: disk images offline, with the commands, options, output and exit status of qemu-img.
 *
 * Here: the command line before the command's name, and the help. Each command is a file.
 */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/suggest.h"
#include "base/trace.h"
#include "config-host.h"
#include "tools/rhea-img.h"

static int by_name(const void *a, const void *b)
{
    const ImgCommand *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static GPtrArray *commands(void)
{
    GPtrArray *all = g_ptr_array_new();

    REGISTRY_FOREACH (ImgCommand, it) {
        g_ptr_array_add(all, (void *)*it);
    }
    qsort(all->pdata, all->len, sizeof(void *), by_name);
    return all;
}

static void print_formats(void)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    REGISTRY_FOREACH (BlockDriver, it) {
        g_ptr_array_add(names, (char *)(*it)->name);
    }
    qsort(names->pdata, names->len, sizeof(void *), by_text);
    printf("Supported formats:");
    for (guint i = 0; i < names->len; i++) {
        printf(" %s", (char *)names->pdata[i]);
    }
    printf("\n");
}

static int print_help(void)
{
    g_autoptr(GPtrArray) all = commands();

    printf("usage: rhea-img [-T TRACE] COMMAND [OPTION...] [OPERAND...]\n"
           "Works on disk images; takes what qemu-img takes.\n\n"
           "  -h, --help           this text; after a command: its options\n"
           "  -V, --version        print the version\n"
           "  -T, --trace PATTERN  switch on trace points, or events=FILE, file=FILE\n\n"
           "Commands:\n");
    for (guint i = 0; i < all->len; i++) {
        const ImgCommand *c = all->pdata[i];
        printf("  %-9s %s\n", c->name, c->help);
    }
    printf("\nSizes are bytes, or have a suffix k, M, G, T, P or E (powers of 1024).\n"
           "An existing image is only overwritten with --force.\n\n");
    print_formats();
    return 0;
}

static bool enable_trace(const char *spec, Error **errp)
{
    g_auto(GStrv) parts = g_strsplit(spec, ",", -1);

    for (char **p = parts; *p; p++) {
        if (g_str_has_prefix(*p, "file=")) {
            if (!log_set_file(*p + strlen("file="), errp)) {
                return false;
            }
        } else if (g_str_has_prefix(*p, "events=")) {
            if (!trace_enable_file(*p + strlen("events="), errp)) {
                return false;
            }
        } else {
            const char *pattern = g_str_has_prefix(*p, "enable=") ? *p + strlen("enable=") : *p;
            if (!trace_enable(pattern)) {
                error_set(errp, ERR_INVALID_PARAMETER, "no trace event matches '%s'", pattern);
                return false;
            }
        }
    }
    return true;
}

static const ImgCommand *find_command(const char *name)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    REGISTRY_FOREACH (ImgCommand, it) {
        if (!strcmp((*it)->name, name)) {
            return *it;
        }
        g_ptr_array_add(names, (char *)(*it)->name);
    }
    g_ptr_array_add(names, NULL);
    const char *near = suggest_name(name, (const char *const *)names->pdata);
    if (!strcmp(name, "bitmap")) {
        error_report_text("bitmap: dirty bitmaps are not supported");
    } else if (near) {
        error_report_text("Command not found: %s; did you mean '%s'?", name, near);
    } else {
        error_report_text("Command not found: %s; 'rhea-img --help' lists the commands", name);
    }
    return NULL;
}

static int run_command(const ImgCommand *c, int argc, char **argv)
{
    ImgArgs a = {.cmd = c};
    int status;

    if (img_parse(&a, argc, argv, &status)) {
        a.set = blockset_new(NULL);
        status = c->run(&a);
        blockset_free(a.set);
    }
    g_array_unref(a.seen);
    g_ptr_array_unref(a.files);
    if (fflush(stdout) || ferror(stdout)) {
        error_report_text("cannot write to standard output");
        status = status ? status : 1;
    }
    return status;
}

int main(int argc, char **argv)
{
    int i = 1;

    setlocale(LC_CTYPE, "");
    g_set_prgname("rhea-img");
    signal(SIGPIPE, SIG_IGN);
    for (; i < argc && argv[i][0] == '-'; i++) {
        const char *o = argv[i];
        g_autoptr(Error) err = NULL;
        if (!strcmp(o, "-h") || !strcmp(o, "--help")) {
            return print_help();
        } else if (!strcmp(o, "-V") || !strcmp(o, "--version")) {
            printf("rhea-img version %s\n", RHEA_VERSION);
            return 0;
        } else if ((!strcmp(o, "-T") || !strcmp(o, "--trace")) && i + 1 < argc) {
            if (!enable_trace(argv[++i], &err)) {
                error_report(err);
                return 1;
            }
        } else {
            return img_fail(1, "unrecognized option '%s'; try 'rhea-img --help'", o);
        }
    }
    if (i >= argc) {
        return img_fail(1, "Not enough arguments; try 'rhea-img --help'");
    }
    if (!strcmp(argv[i], "help")) {
        return print_help();
    }
    const ImgCommand *c = find_command(argv[i]);
    return c ? run_command(c, argc - i - 1, argv + i + 1) : 1;
}
