/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Memory and limits of the host: huge pages, merging, overcommit, limits of the process and of
 * its control group.
 *
 * Sources: Linux' Documentation/admin-guide/mm and cgroup-v1, cgroup-v2; proc(5).
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "doctor/checks.h"

#define NO_NUMBER  UINT64_MAX
#define NOFILE_LOW 4096      /* sockets, disks, irqfds and doorbells of a large machine */
#define FREE_LOW   (512 * MiB)

/* A value such as "always [madvise] never": the word in brackets. NULL: not of this form. */
static char *chosen(const char *line)
{
    const char *from = line ? strchr(line, '[') : NULL;
    const char *to = from ? strchr(from, ']') : NULL;

    return to ? g_strndup(from + 1, (size_t)(to - from - 1)) : NULL;
}

void check_hugepages(Doctor *d)
{
    const Host *h = d->host;
    const char *dir = "/sys/kernel/mm/hugepages";
    g_auto(GStrv) pools = host_list(h, "%s", dir);
    g_autoptr(GString) text = g_string_new(NULL);
    const char *smallest = NULL;

    for (char **p = pools; *p; p++) {
        uint64_t kib;
        if (sscanf(*p, "hugepages-%" G_GUINT64_FORMAT "kB", &kib) != 1) {
            continue;
        }
        uint64_t all = host_read_number(h, 0, "%s/%s/nr_hugepages", dir, *p);
        uint64_t left = host_read_number(h, 0, "%s/%s/free_hugepages", dir, *p);
        smallest = smallest ? smallest : *p;
        if (all) {
            g_autofree char *size = format_size(kib > UINT64_MAX / KiB ? UINT64_MAX : kib * KiB);
            g_string_append_printf(text, "%s%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " pages of %s free",
                                   text->len ? ", " : "", left, all, size);
        }
    }
    if (text->len) {
        report_add(d->report, FINDING_OK, "hugepages", "reserved huge pages: %s", text->str);
    } else if (smallest) {
        report_add(d->report, FINDING_OK, "hugepages", "no huge pages are reserved (only needed for hugetlb=on)");
        report_fix(d->report, "%ssysctl vm.nr_hugepages=N (N pages of 2 MiB: half of the guest's MiB)", host_sudo(h));
    } else {
        report_add(d->report, FINDING_OK, "hugepages", "the kernel has no reserved huge pages");
    }
}

/* Guest memory is shared memory (memfd), so shmem's switch decides, not the one of anonymous memory. */
void check_thp(Doctor *d)
{
    const Host *h = d->host;
    const char *dir = "/sys/kernel/mm/transparent_hugepage";
    g_autofree char *line = host_read_line(h, "%s/shmem_enabled", dir);
    g_autofree char *value = chosen(line);

    if (!value) {
        report_add(d->report, FINDING_OK, "thp", "the kernel has no transparent huge pages for shared memory");
    } else if (!strcmp(value, "never") || !strcmp(value, "deny")) {
        report_add(d->report, FINDING_WARNING, "thp",
                   "guest memory gets no transparent huge pages (shmem_enabled is %s)", value);
        report_fix(d->report, "echo always | %stee %s/shmem_enabled", host_sudo(h), dir);
    } else {
        report_add(d->report, FINDING_OK, "thp", "transparent huge pages for guest memory: %s", value);
    }
}

void check_ksm(Doctor *d)
{
    const Host *h = d->host;
    uint64_t run = host_read_number(h, NO_NUMBER, "/sys/kernel/mm/ksm/run");

    if (run == NO_NUMBER) {
        report_add(d->report, FINDING_OK, "ksm", "the kernel cannot merge equal pages (merge=on has no effect)");
    } else if (run == 1) {
        uint64_t sharing = host_read_number(h, 0, "/sys/kernel/mm/ksm/pages_sharing");
        report_add(d->report, FINDING_OK, "ksm", "equal pages are merged; %" G_GUINT64_FORMAT " are saved now", sharing);
    } else {
        report_add(d->report, FINDING_OK, "ksm", "equal pages are not merged (merge=on has no effect)");
        report_fix(d->report, "echo 1 | %stee /sys/kernel/mm/ksm/run", host_sudo(h));
    }
}

/* A line of /proc/meminfo in bytes. */
static uint64_t meminfo(const char *text, const char *key)
{
    g_autofree char *v = text_field(text, key);
    uint64_t kib = v && isdigit((unsigned char)*v) ? g_ascii_strtoull(v, NULL, 10) : NO_NUMBER;

    return kib > NO_NUMBER / KiB ? NO_NUMBER : kib * KiB;
}

void check_memory(Doctor *d)
{
    const Host *h = d->host;
    g_autofree char *text = host_read(h, "/proc/meminfo");
    uint64_t total = meminfo(text, "MemTotal"), left = meminfo(text, "MemAvailable");

    if (total != NO_NUMBER && left != NO_NUMBER) {
        g_autofree char *all = format_size(total), *some = format_size(left);
        report_add(d->report, left < FREE_LOW ? FINDING_WARNING : FINDING_OK, "memory", "%s of %s are available", some, all);
        if (left < FREE_LOW) {
            report_fix(d->report, "end programs that need much memory, or give guests less (-m)");
        }
    }
    if (host_read_number(h, 0, "/proc/sys/vm/overcommit_memory") == 2) {
        report_add(d->report, FINDING_WARNING, "overcommit",
                   "the kernel promises no more memory than there is, so that a guest's memory must be there at the start");
        report_fix(d->report, "%ssysctl vm.overcommit_memory=0", host_sudo(h));
    }
}

/* ---- limits of the process ---- */

/* The soft limit of a line of /proc/self/limits; NO_NUMBER: unlimited or not there. */
static uint64_t soft_limit(const char *text, const char *name)
{
    const char *at = text ? strstr(text, name) : NULL;

    at = at ? at + strlen(name) : NULL;
    at = at ? at + strspn(at, " ") : NULL;
    return at && isdigit((unsigned char)*at) ? g_ascii_strtoull(at, NULL, 10) : NO_NUMBER;
}

void check_limits(Doctor *d)
{
    g_autofree char *text = host_read(d->host, "/proc/self/limits");

    if (!text) {
        return;
    }
    uint64_t files = soft_limit(text, "Max open files"), locked = soft_limit(text, "Max locked memory");
    uint64_t space = soft_limit(text, "Max address space");
    if (files < NOFILE_LOW) {
        report_add(d->report, FINDING_WARNING, "nofile", "a process may have %" G_GUINT64_FORMAT " open files, few for a machine with many disks",
                   files);
        report_fix(d->report, "ulimit -n 65536 (services: LimitNOFILE=65536)");
    } else {
        report_add(d->report, FINDING_OK, "nofile", "a process may have enough open files");
    }
    if (locked != NO_NUMBER && d->host->uid) {
        g_autofree char *size = format_size(locked);
        report_add(d->report, FINDING_OK, "memlock", "%s of memory may be locked (only needed for -overcommit mem-lock=on)", size);
        report_fix(d->report, "ulimit -l unlimited, after %s - memlock unlimited in /etc/security/limits.d/kvm.conf (services: LimitMEMLOCK=infinity)",
                   d->host->user);
    } else {
        report_add(d->report, FINDING_OK, "memlock", "any amount of memory may be locked");
    }
    if (space != NO_NUMBER) {
        g_autofree char *size = format_size(space);
        report_add(d->report, FINDING_WARNING, "address-space", "a process may map %s only, and a machine maps more than its memory", size);
        report_fix(d->report, "ulimit -v unlimited");
    }
}

/* ---- control groups ---- */

/* The path of this process in the hierarchy that has @controller; v2 has one, with an empty list. NULL: none. */
static char *cgroup_path(const Host *h, const char *controller)
{
    g_autofree char *text = host_read(h, "/proc/self/cgroup");
    g_auto(GStrv) lines = g_strsplit_set(text ? text : "", "\n", -1);

    for (char **l = lines; *l; l++) {
        g_auto(GStrv) f = g_strsplit(*l, ":", 3);
        if (g_strv_length(f) == 3 && (*controller ? text_has_word(f[1], controller) : !*f[1]) && !strstr(f[2], "..")) {
            return g_strdup(f[2]);
        }
    }
    return NULL;
}

/*
 * The smallest value of @file from the group @path up to the root of the hierarchy at @top. A file
 * that says "max", or is not there, is no limit.
 */
static uint64_t smallest_up(const Host *h, const char *top, const char *path, const char *file)
{
    g_autofree char *p = g_strdup(path);
    uint64_t least = NO_NUMBER;

    for (;;) {
        least = MIN(least, host_read_number(h, NO_NUMBER, "%s%s/%s", top, p, file));
        char *slash = strrchr(p, '/');
        if (!slash) {
            return least;
        }
        *slash = 0;
    }
}

/* Processors' worth of time in a line "quota period" of cpu.max, or 0: no limit. */
static double cpu_quota(const Host *h)
{
    g_autofree char *v2 = cgroup_path(h, ""), *v1 = cgroup_path(h, "cpu");
    g_autofree char *line = v2 ? host_read_line(h, "/sys/fs/cgroup%s/cpu.max", v2) : NULL;
    uint64_t quota, period;

    if (line && sscanf(line, "%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, &quota, &period) == 2 && period) {
        return (double)quota / (double)period;
    }
    if (v1) {
        quota = host_read_number(h, 0, "/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us", v1);
        period = host_read_number(h, 0, "/sys/fs/cgroup/cpu%s/cpu.cfs_period_us", v1);
        return quota && period ? (double)quota / (double)period : 0;
    }
    return 0;
}

void check_cgroup(Doctor *d)
{
    const Host *h = d->host;
    g_autofree char *v2 = cgroup_path(h, ""), *v1 = cgroup_path(h, "memory"), *info = host_read(h, "/proc/meminfo");
    uint64_t total = meminfo(info, "MemTotal"), limit = NO_NUMBER;
    double cpus = cpu_quota(h);

    if (v2) {
        limit = smallest_up(h, "/sys/fs/cgroup", v2, "memory.max");
    }
    if (v1) {
        limit = MIN(limit, smallest_up(h, "/sys/fs/cgroup/memory", v1, "memory.limit_in_bytes"));
    }
    if (limit < total) {
        g_autofree char *size = format_size(limit);
        report_add(d->report, FINDING_WARNING, "cgroup-memory", "the control group allows %s of memory, guests included", size);
        report_fix(d->report, h->container ? "start the container with more (--memory)" : "systemd: MemoryMax= of the service or slice");
    }
    if (cpus > 0) {
        report_add(d->report, FINDING_WARNING, "cgroup-cpu", "the control group allows the time of %.1f processors", cpus);
        report_fix(d->report, h->container ? "start the container with more (--cpus)" : "systemd: CPUQuota= of the service or slice");
    }
}
