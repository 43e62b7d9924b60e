/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The kernel modules of KVM: loaded, built in, loadable, or why not.
 */
#include <ctype.h>
#include <string.h>
#include <zlib.h>

#include "doctor/checks.h"

const char *vendor_module(const Host *h)
{
    if (h->arch != HOST_X86) {
        return NULL; /* Arm's KVM is one piece, built into the kernel */
    }
    if (h->vendor == VENDOR_UNKNOWN) {
        return host_cpu_flag(h, "svm") ? "kvm_amd" : host_cpu_flag(h, "vmx") ? "kvm_intel" : NULL;
    }
    return h->vendor == VENDOR_AMD ? "kvm_amd" : "kvm_intel";
}

bool module_present(const Host *h, const char *name)
{
    return host_exists(h, "/sys/module/%s", name);
}

char module_switch(const Host *h, const char *module, const char *name)
{
    g_autofree char *v = host_read_line(h, "/sys/module/%s/parameters/%s", module, name);

    if (!v) {
        return 0;
    }
    return !strcmp(v, "Y") || !strcmp(v, "1") ? 'Y' : !strcmp(v, "N") || !strcmp(v, "0") ? 'N' : 0;
}

/* /proc/misc: lines of "232 kvm". */
bool kvm_registered(const Host *h, unsigned *minor)
{
    g_autofree char *text = host_read(h, "/proc/misc");
    g_auto(GStrv) lines = g_strsplit_set(text ? text : "", "\n", -1);
    char name[16];

    for (char **l = lines; *l; l++) {
        if (sscanf(*l, "%u %15s", minor, name) == 2 && !strcmp(name, "kvm")) {
            return true;
        }
    }
    return false;
}

/* Does a list of module files have kvm-intel.ko (or .ko.xz ...)? Names use - and _ alike. */
static bool list_has_module(const char *text, const char *name)
{
    g_autofree char *file = g_strconcat("/", name, ".ko", NULL);
    g_autofree char *same = g_strdelimit(g_strdup(text ? text : ""), "-", '_');
    size_t len = strlen(file);

    /* The dash of a path before the name does not matter: only the file's own name is compared. */
    for (const char *p = same; (p = strstr(p, file)); p += len) {
        if (p[len] == 0 || strchr(".:\n", p[len])) {
            return true;
        }
    }
    return false;
}

static bool in_module_list(const Host *h, const char *list, const char *name)
{
    g_autofree char *text = host_read(h, "/lib/modules/%s/%s", h->release, list);

    return list_has_module(text, name);
}

/* Plain or compressed text: zlib reads both. NULL: not there. */
static char *read_config_file(const char *path)
{
    enum { MAX = 4 << 20 };
    GString *out = g_string_new(NULL);
    char buf[8192];
    int n = 0;
    gzFile f = g_file_test(path, G_FILE_TEST_IS_REGULAR) ? gzopen(path, "re") : NULL;

    while (f && out->len < MAX && (n = gzread(f, buf, sizeof(buf))) > 0) {
        g_string_append_len(out, buf, n);
    }
    if (f) {
        gzclose(f);
    }
    return g_string_free(out, !f || n < 0 || !out->len);
}

/* 'y', 'm', 'n', or 0 where the kernel's configuration cannot be read. */
static char config_value(const Host *h, const char *name)
{
    static const char *const places[] = {"/proc/config.gz", "/boot/config-%", "/lib/modules/%/config"};
    g_autofree char *line = g_strdup_printf("\n%s=", name);

    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        g_auto(GStrv) parts = g_strsplit(places[i], "%", 2);
        g_autofree char *file = g_strjoinv(h->release, parts);
        g_autofree char *path = host_path(h, "%s", file);
        g_autofree char *text = read_config_file(path);
        const char *at = text ? strstr(text, line) : NULL;
        if (text) {
            return at ? at[strlen(line)] : 'n';
        }
    }
    return 0;
}

/* Is the module kept from being loaded: "blacklist kvm_intel", "install kvm_intel /bin/false"? The file's name. */
static char *forbidden_by(const Host *h, const char *name)
{
    static const char *const dirs[] = {"/etc/modprobe.d", "/run/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d"};

    for (size_t i = 0; i < G_N_ELEMENTS(dirs); i++) {
        g_auto(GStrv) files = host_list(h, "%s", dirs[i]);
        for (char **f = files; *f; f++) {
            g_autofree char *text = g_str_has_suffix(*f, ".conf") ? host_read(h, "%s/%s", dirs[i], *f) : NULL;
            g_auto(GStrv) lines = g_strsplit_set(text ? text : "", "\n", -1);
            for (char **l = lines; *l; l++) {
                char verb[16], what[64];
                if (sscanf(*l, "%15s %63s", verb, what) == 2 && !strcmp(g_strdelimit(what, "-", '_'), name) &&
                    (!strcmp(verb, "blacklist") || (!strcmp(verb, "install") && !strstr(*l, "modprobe")))) {
                    return g_strdup_printf("%s/%s", dirs[i], *f);
                }
            }
        }
    }
    return NULL;
}

static const char *where(const Host *h)
{
    return h->container ? "on the host of this container: " : "";
}

static void not_loaded(Doctor *d, const char *name)
{
    const Host *h = d->host;
    g_autofree char *file = forbidden_by(h, name);

    if (file) {
        report_add(d->report, FINDING_ERROR, "module", "module %s is not loaded, because %s forbids it", name, file);
        report_fix(d->report, "%stake its line out of %s, then %smodprobe %s", where(h), file, host_sudo(h), name);
    } else if (host_read_number(h, 0, "/proc/sys/kernel/modules_disabled")) {
        report_add(d->report, FINDING_ERROR, "module",
                   "module %s is not loaded, and this kernel takes no more modules until it is started again", name);
        report_fix(d->report, "%secho %s | %stee /etc/modules-load.d/kvm.conf, then reboot", where(h), name, host_sudo(h));
    } else {
        report_add(d->report, FINDING_ERROR, "module", "module %s is there, but not loaded", name);
        report_fix(d->report, "%s%smodprobe %s", where(h), host_sudo(h), name);
    }
}

static void not_there(Doctor *d, const char *name, const char *config)
{
    const Host *h = d->host;
    char built = config_value(h, config);
    bool dir = *h->release && host_exists(h, "/lib/modules/%s", h->release);

    if (built == 'n') {
        report_add(d->report, FINDING_ERROR, "module", "kernel %s was built without KVM (%s is not set)", h->release,
                   config);
        report_fix(d->report, "start a kernel with %s, such as the distribution's", config);
    } else if (!dir && h->container) {
        report_add(d->report, FINDING_ERROR, "module", "module %s is not loaded on the host of this container", name);
        report_fix(d->report, "%s%smodprobe %s", where(h), host_sudo(h), name);
    } else if (!dir) {
        report_add(d->report, FINDING_ERROR, "module",
                   "module %s is not loaded, and the modules of the running kernel (%s) are not installed", name,
                   *h->release ? h->release : "unknown");
        report_fix(d->report, "reboot, if the kernel was updated; otherwise install its modules");
    } else {
        report_add(d->report, FINDING_ERROR, "module", "the modules of kernel %s do not have %s", h->release, name);
        report_fix(d->report, "install the package with all modules of this kernel (Ubuntu: linux-modules-extra-%s), or "
                   "another kernel", h->release);
    }
}

/* The modules named kvm*, for the reader. */
static char *kvm_modules(const Host *h)
{
    g_auto(GStrv) names = host_list(h, "/sys/module");
    GString *out = g_string_new(NULL);

    for (char **n = names; *n; n++) {
        if (!strcmp(*n, "kvm") || g_str_has_prefix(*n, "kvm_")) {
            g_string_append_printf(out, "%s%s", out->len ? ", " : "", *n);
        }
    }
    return g_string_free(out, FALSE);
}

static void check_module_arm(Doctor *d)
{
    unsigned minor;

    if (kvm_registered(d->host, &minor) || d->kvm.stage >= KVM_NO_VM) {
        report_add(d->report, FINDING_OK, "module", "the kernel has KVM built in");
    } else if (config_value(d->host, "CONFIG_KVM") == 'n') {
        not_there(d, "kvm", "CONFIG_KVM");
    } else if (config_value(d->host, "CONFIG_KVM")) {
        report_add(d->report, FINDING_OK, "module", "the kernel has KVM built in, but it did not start");
    }
}

void check_module(Doctor *d)
{
    const Host *h = d->host;
    const char *name = vendor_module(h);
    bool amd = name && !strcmp(name, "kvm_amd");
    unsigned minor;

    if (h->arch == HOST_ARM64) {
        check_module_arm(d);
        return;
    }
    if (h->arch != HOST_X86) {
        return;
    }
    if (d->kvm.stage >= KVM_NO_VM || kvm_registered(h, &minor)) {
        g_autofree char *names = kvm_modules(h);
        report_add(d->report, FINDING_OK, "module", "KVM is in the kernel%s%s", *names ? ": " : "", names);
    } else if (!name) {
        report_add(d->report, FINDING_ERROR, "module", "no KVM driver runs");
    } else if (module_present(h, name) || in_module_list(h, "modules.builtin", name)) {
        report_add(d->report, FINDING_ERROR, "module", "%s is in the kernel, but found nothing that it can drive", name);
        report_fix(d->report, "%sdmesg | grep -i kvm (says why)", host_sudo(h));
    } else if (in_module_list(h, "modules.dep", name)) {
        not_loaded(d, name);
    } else {
        not_there(d, name, amd ? "CONFIG_KVM_AMD" : "CONFIG_KVM_INTEL");
    }
}
