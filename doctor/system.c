/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The kernel around KVM: its version, IOMMU, defences, clock, other hypervisors.
 */
#include <stdio.h>
#include <string.h>

#include "doctor/checks.h"

/* Signals and exits without races (KVM_CAP_IMMEDIATE_EXIT) came with 4.13; 5.10 is the oldest with care. */
#define KERNEL_LEAST     (4u << 16 | 13)
#define KERNEL_SUPPORTED (5u << 16 | 10)

void check_build(Doctor *d)
{
    if (d->host->have_accel) {
        report_add(d->report, FINDING_OK, "build", "this program has the accelerator kvm");
    } else {
        report_add(d->report, FINDING_ERROR, "build", "this program was built without the accelerator kvm");
        report_fix(d->report, "use a version and a host architecture that have it ('rhea -accel help')");
    }
}

void check_kernel(Doctor *d)
{
    unsigned major, minor;
    const char *release = d->host->release;

    if (sscanf(release, "%u.%u", &major, &minor) != 2 || major > 1000 || minor > 0xffff) {
        report_add(d->report, FINDING_WARNING, "kernel", "the kernel's version is not known ('%s')", release);
        return;
    }
    unsigned version = major << 16 | minor;
    if (version < KERNEL_LEAST) {
        report_add(d->report, FINDING_ERROR, "kernel", "Linux %s is too old: KVM is used from 4.13 on", release);
        report_fix(d->report, "start a newer kernel");
    } else if (version < KERNEL_SUPPORTED) {
        report_add(d->report, FINDING_WARNING, "kernel", "Linux %s is older than 5.10, which is the oldest still cared for",
                   release);
        report_fix(d->report, "start a newer kernel");
    } else {
        report_add(d->report, FINDING_OK, "kernel", "Linux %s", release);
    }
}

static unsigned count_list(const Host *h, const char *dir)
{
    g_auto(GStrv) names = host_list(h, "%s", dir);

    return g_strv_length(names);
}

void check_iommu(Doctor *d)
{
    const Host *h = d->host;
    unsigned groups = count_list(h, "/sys/kernel/iommu_groups");
    bool intel = host_exists(h, "/sys/firmware/acpi/tables/DMAR");
    bool amd = host_exists(h, "/sys/firmware/acpi/tables/IVRS");
    bool arm = host_exists(h, "/sys/firmware/acpi/tables/IORT");

    if (groups) {
        report_add(d->report, FINDING_OK, "iommu", "an IOMMU isolates devices in %u groups", groups);
    } else if (intel || amd || arm) {
        report_add(d->report, FINDING_OK, "iommu", "there is an IOMMU, but it is not in use (only needed to give guests devices)");
        report_fix(d->report, "add %s to the kernel's command line and reboot", intel ? "intel_iommu=on"
                                                                               : amd ? "amd_iommu=on"
                                                                                     : "iommu.passthrough=0");
    } else {
        report_add(d->report, FINDING_OK, "iommu", "no IOMMU is visible (only needed to give guests devices)");
    }
}

/* ---- defences against speculation ---- */

/* What matters to who runs guests, with the reason. */
static const struct {
    const char *file, *risk;
} leaks[] = {
    {"l1tf", "guests can read the first-level cache of others"},
    {"mds", "guests can read buffers of others"},
    {"mmio_stale_data", "guests can read buffers of others"},
    {"tsx_async_abort", "guests can read buffers of others"},
    {"itlb_multihit", "a guest can stop the host"},
    {"spectre_v2", "guests can steer speculation of others"},
    {"retbleed", "guests can read memory of the host"},
    {"srso", "guests can read memory of the host"},
    {"gather_data_sampling", "guests can read vector registers of others"},
    {"reg_file_data_sampling", "guests can read registers of others"},
    {"vmscape", "guests can read memory of the emulator"},
};

void check_mitigations(Doctor *d)
{
    const Host *h = d->host;
    GString *open = g_string_new(NULL);
    int known = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(leaks); i++) {
        g_autofree char *v = host_read_line(h, "/sys/devices/system/cpu/vulnerabilities/%s", leaks[i].file);
        known += v != NULL;
        /* "Vulnerable", "KVM: Vulnerable", "Mitigation: ...; BHI: Vulnerable": the last is not the leak itself. */
        if (v && (g_str_has_prefix(v, "Vulnerable") || g_str_has_prefix(v, "KVM: Vulnerable"))) {
            g_string_append_printf(open, "%s%s (%s)", open->len ? ", " : "", leaks[i].file, leaks[i].risk);
        } else if (v && !strcmp(leaks[i].file, "l1tf") && strstr(v, "SMT vulnerable")) {
            g_string_append_printf(open, "%sl1tf between threads of a core", open->len ? ", " : "");
        }
    }
    g_autofree char *switched_off = cmdline_value(h, "mitigations");
    if (open->len) {
        report_add(d->report, FINDING_WARNING, "mitigations", "the host is open to %s", open->str);
        report_fix(d->report, g_strcmp0(switched_off, "off") == 0
                                  ? "take mitigations=off out of the kernel's command line and reboot"
                                  : "update microcode and kernel; with guests that one does not trust, also "
                                    "mitigations=auto,nosmt on the kernel's command line");
    } else if (known) {
        report_add(d->report, FINDING_OK, "mitigations", "the kernel defends against the leaks that it knows of");
    } else {
        report_add(d->report, FINDING_OK, "mitigations", "the kernel says nothing of leaks by speculation");
    }
    g_string_free(open, TRUE);
}

/* ---- clock ---- */

void check_clock(Doctor *d)
{
    const Host *h = d->host;
    const char *dir = "/sys/devices/system/clocksource/clocksource0";
    g_autofree char *now = host_read_line(h, "%s/current_clocksource", dir);
    g_autofree char *all = host_read_line(h, "%s/available_clocksource", dir);
    static const char *const quick[] = {"tsc", "arch_sys_counter", "kvm-clock", "hyperv_clocksource_tsc_page"};

    if (!now) {
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(quick); i++) {
        if (!strcmp(now, quick[i])) {
            report_add(d->report, FINDING_OK, "clock", "the host's clock is %s, which is read without a system call", now);
            return;
        }
    }
    report_add(d->report, FINDING_WARNING, "clock", "the host's clock is %s, which is slow to read and keeps kvmclock from guests",
               now);
    if (all && text_has_word(all, "tsc")) {
        g_autofree char *path = g_strconcat(dir, "/current_clocksource", NULL);
        report_fix(d->report, "echo tsc | %stee %s", host_sudo(h), path);
    } else {
        report_fix(d->report, "%sdmesg | grep -i tsc (says why the kernel does not trust it)", host_sudo(h));
    }
}

/* ---- others ---- */

void check_rivals(Doctor *d)
{
    static const struct {
        const char *module, *name;
    } rivals[] = {{"vboxdrv", "VirtualBox"}, {"vmmon", "VMware"}};

    for (size_t i = 0; i < G_N_ELEMENTS(rivals); i++) {
        if (module_present(d->host, rivals[i].module)) {
            report_add(d->report, FINDING_WARNING, "rivals",
                       "%s's driver is loaded; while its machines run, KVM may not be able to", rivals[i].name);
            report_fix(d->report, "%smodprobe -r %s", host_sudo(d->host), rivals[i].module);
        }
    }
}
