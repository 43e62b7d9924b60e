/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reading the host's files: see host.h. Single-threaded.
 */
#include "doctor/host.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_MAX (4u << 20)
#define LIST_MAX 4096

bool host_is_real(const Host *h)
{
    return !*h->root;
}

static char *path_v(const Host *h, const char *fmt, va_list ap)
{
    g_autofree char *path = g_strdup_vprintf(fmt, ap);

    return g_strconcat(h->root, path, NULL);
}

#define WITH_PATH(path)                              \
    va_list ap_;                                     \
    va_start(ap_, fmt);                              \
    g_autofree char *path = path_v(h, fmt, ap_);     \
    va_end(ap_)

char *host_path(const Host *h, const char *fmt, ...)
{
    WITH_PATH(path);
    return g_steal_pointer(&path);
}

/* Appends what can be read without waiting. A record device such as /dev/kmsg gives a record a read. */
static GString *read_all(const char *path)
{
    struct stat st;
    char buf[16384];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0) {
        return NULL;
    }
    if (fstat(fd, &st) || !(S_ISREG(st.st_mode) || S_ISCHR(st.st_mode))) {
        close(fd);
        return NULL;
    }
    GString *out = g_string_new(NULL);
    ssize_t n = 0;
    /* EPIPE: the ring buffer overran our place in it; the next read goes on behind the gap. */
    while (out->len < READ_MAX && ((n = read(fd, buf, sizeof(buf))) > 0 || (n < 0 && (errno == EINTR || errno == EPIPE)))) {
        g_string_append_len(out, buf, n > 0 ? n : 0);
    }
    bool failed = n < 0 && errno != EAGAIN && !out->len;
    close(fd);
    if (failed) {
        g_string_free(out, TRUE);
        return NULL;
    }
    return out;
}

static char *read_text(const char *path)
{
    GString *raw = read_all(path);

    if (!raw) {
        return NULL;
    }
    for (size_t i = 0; i < raw->len; i++) {
        raw->str[i] = raw->str[i] ? raw->str[i] : '\n';
    }
    char *text = g_utf8_make_valid(raw->str, (gssize)raw->len);
    g_string_free(raw, TRUE);
    return text;
}

char *host_read(const Host *h, const char *fmt, ...)
{
    WITH_PATH(path);
    return read_text(path);
}

static char *first_line(char *text)
{
    if (text) {
        text[strcspn(text, "\n")] = 0;
        g_strstrip(text);
        if (!*text) {
            g_free(text);
            return NULL;
        }
    }
    return text;
}

char *host_read_line(const Host *h, const char *fmt, ...)
{
    WITH_PATH(path);
    return first_line(read_text(path));
}

uint64_t host_read_number(const Host *h, uint64_t missing, const char *fmt, ...)
{
    WITH_PATH(path);
    g_autofree char *line = first_line(read_text(path));

    return line && isdigit((unsigned char)*line) ? g_ascii_strtoull(line, NULL, 10) : missing;
}

bool host_read_at(const Host *h, const char *path, uint64_t offset, void *buf, size_t len)
{
    g_autofree char *full = g_strconcat(h->root, path, NULL);
    struct stat st;
    int fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0) {
        return false;
    }
    bool ok = !fstat(fd, &st) && (S_ISREG(st.st_mode) || S_ISCHR(st.st_mode)) &&
              pread(fd, buf, len, (off_t)offset) == (ssize_t)len;
    close(fd);
    return ok;
}

bool host_exists(const Host *h, const char *fmt, ...)
{
    WITH_PATH(path);
    return !access(path, F_OK);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **host_list(const Host *h, const char *fmt, ...)
{
    WITH_PATH(path);
    GPtrArray *names = g_ptr_array_new();
    DIR *dir = opendir(path);

    for (struct dirent *e; dir && names->len < LIST_MAX && (e = readdir(dir));) {
        if (e->d_name[0] != '.') {
            g_ptr_array_add(names, g_utf8_make_valid(e->d_name, -1));
        }
    }
    if (dir) {
        closedir(dir);
    }
    g_ptr_array_sort(names, by_text);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

/* ---- words ---- */

char *text_field(const char *text, const char *key)
{
    size_t len = strlen(key);

    for (const char *line = text; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        if (strncmp(line, key, len)) {
            continue;
        }
        const char *p = line + len + strspn(line + len, " \t");
        if (*p == ':') {
            return g_strstrip(g_strndup(p + 1, strcspn(p + 1, "\n")));
        }
    }
    return NULL;
}

bool text_has_word(const char *list, const char *word)
{
    static const char apart[] = " \t\n,";
    size_t len = strlen(word);

    for (const char *p = list; p && *p;) {
        p += strspn(p, apart);
        size_t n = strcspn(p, apart);
        if (n == len && n && !strncmp(p, word, n)) {
            return true;
        }
        p += n;
    }
    return false;
}

char *cmdline_value(const Host *h, const char *key)
{
    g_auto(GStrv) words = g_strsplit_set(h->cmdline, " \t\n", -1);
    const char *value = NULL;
    size_t len = strlen(key);

    for (char **w = words; *w; w++) {
        if (!strncmp(*w, key, len) && (*w)[len] == '=') {
            value = *w + len + 1;
        }
    }
    return g_strdup(value);
}

bool host_cpu_flag(const Host *h, const char *flag)
{
    g_autofree char *flags = text_field(h->cpuinfo, h->arch == HOST_ARM64 ? "Features" : "flags");

    return flags && text_has_word(flags, flag);
}

/* ---- users and groups: name:x:number:... ---- */

char *host_id_name(const Host *h, const char *file, unsigned id)
{
    g_autofree char *text = host_read(h, "%s", file);
    g_auto(GStrv) lines = g_strsplit_set(text ? text : "", "\n", -1);

    for (char **l = lines; *l; l++) {
        g_auto(GStrv) f = g_strsplit(*l, ":", 4);
        if (g_strv_length(f) >= 3 && isdigit((unsigned char)f[2][0]) && strtoull(f[2], NULL, 10) == id && *f[0]) {
            return g_strdup(f[0]);
        }
    }
    return g_strdup_printf("%u", id);
}

char *host_group_line(const Host *h, const char *name)
{
    g_autofree char *text = host_read(h, "/etc/group");
    g_autofree char *start = g_strconcat(name, ":", NULL);
    g_auto(GStrv) lines = g_strsplit_set(text ? text : "", "\n", -1);

    for (char **l = lines; *l; l++) {
        if (g_str_has_prefix(*l, start)) {
            return g_strdup(*l);
        }
    }
    return NULL;
}

const char *host_sudo(const Host *h)
{
    return h->uid ? "sudo " : "";
}

/* ---- the facts ---- */

static HostArch find_arch(const Host *h)
{
    g_autofree char *arch = host_read_line(h, "/proc/sys/kernel/arch");
    g_autofree char *flags = text_field(h->cpuinfo, "flags");
    g_autofree char *features = text_field(h->cpuinfo, "Features");
    g_autofree char *arm = text_field(h->cpuinfo, "CPU architecture");

    if (arch) {
        return !strcmp(arch, "x86_64") || !strcmp(arch, "i686") ? HOST_X86
               : !strcmp(arch, "aarch64")                      ? HOST_ARM64
                                                               : HOST_OTHER;
    }
    return flags ? HOST_X86 : features && g_strcmp0(arm, "8") == 0 ? HOST_ARM64 : HOST_OTHER;
}

static HostVendor find_vendor(const Host *h)
{
    g_autofree char *id = text_field(h->cpuinfo, "vendor_id");

    if (!id) {
        return VENDOR_UNKNOWN;
    }
    /* Zhaoxin's processors have VT-x, Hygon's AMD-V. */
    if (!strcmp(id, "GenuineIntel") || !strcmp(id, "CentaurHauls") || strstr(id, "Shanghai")) {
        return VENDOR_INTEL;
    }
    return !strcmp(id, "AuthenticAMD") || !strcmp(id, "HygonGenuine") ? VENDOR_AMD : VENDOR_UNKNOWN;
}

static char *find_container(const Host *h)
{
    g_autofree char *told = host_read_line(h, "/run/systemd/container");
    g_autofree char *cgroup = host_read(h, "/proc/self/cgroup");
    static const char *const words[] = {"docker", "lxc", "kubepods", "libpod", "machine.slice/systemd-nspawn"};
    static const char *const kinds[] = {"docker", "lxc", "kubernetes", "podman", "systemd-nspawn"};

    if (told) {
        return g_steal_pointer(&told);
    }
    if (host_exists(h, "/run/.containerenv")) {
        return g_strdup("podman");
    }
    if (host_exists(h, "/.dockerenv")) {
        return g_strdup("docker");
    }
    for (size_t i = 0; cgroup && i < G_N_ELEMENTS(words); i++) {
        if (strstr(cgroup, words[i])) {
            return g_strdup(kinds[i]);
        }
    }
    return NULL;
}

/* Effective user and groups of this process, from its status file: "Uid: real effective saved fs". */
static void find_user(Host *h)
{
    g_autofree char *status = host_read(h, "/proc/self/status");
    g_autofree char *uid = text_field(status, "Uid");
    g_autofree char *gid = text_field(status, "Gid");
    g_autofree char *groups = text_field(status, "Groups");
    g_autofree char *all = g_strdup_printf("%s %s", gid ? gid : "", groups ? groups : "");
    g_auto(GStrv) words = g_strsplit_set(all, " \t", -1);
    unsigned real, effective;

    h->uid = uid && sscanf(uid, "%u %u", &real, &effective) == 2 ? effective : geteuid();
    h->gids = g_array_new(false, false, sizeof(gid_t));
    for (char **w = words; *w; w++) {
        if (isdigit((unsigned char)**w)) {
            gid_t id = (gid_t)strtoul(*w, NULL, 10);
            g_array_append_val(h->gids, id);
        }
    }
    h->user = host_id_name(h, "/etc/passwd", h->uid);
}

/* The ring buffer where it may be read, otherwise what a system log left. */
static char *find_log(const Host *h)
{
    static const char *const files[] = {"/dev/kmsg", "/var/log/dmesg", "/var/log/kern.log"};

    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        char *text = host_read(h, "%s", files[i]);
        if (text && *text) {
            return text;
        }
        g_free(text);
    }
    return g_strdup("");
}

static char *or_empty(char *text)
{
    return text ? text : g_strdup("");
}

static bool find_virtual_machine(const Host *h)
{
    g_autofree char *type = host_read_line(h, "/sys/hypervisor/type");
    g_autofree char *vendor = host_read_line(h, "/sys/class/dmi/id/sys_vendor");

    return host_cpu_flag(h, "hypervisor") || type ||
           (vendor && h->arch == HOST_ARM64 && (strstr(vendor, "QEMU") || strstr(vendor, "Amazon EC2")));
}

Host *host_new(const char *root, bool have_accel)
{
    Host *h = g_new0(Host, 1);

    h->root = root ? root : "";
    h->have_accel = have_accel;
    h->cpuinfo = or_empty(host_read(h, "/proc/cpuinfo"));
    h->cmdline = or_empty(host_read_line(h, "/proc/cmdline"));
    h->release = or_empty(host_read_line(h, "/proc/sys/kernel/osrelease"));
    h->log = find_log(h);
    h->arch = find_arch(h);
    h->vendor = find_vendor(h);
    h->container = find_container(h);
    h->virtual_machine = find_virtual_machine(h);
    find_user(h);
    return h;
}

void host_free(Host *h)
{
    g_free(h->cpuinfo);
    g_free(h->cmdline);
    g_free(h->release);
    g_free(h->log);
    g_free(h->container);
    g_free(h->user);
    g_array_unref(h->gids);
    g_free(h);
}
