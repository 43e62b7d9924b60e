/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The command line of the doctor, and the order of its checks.
 */
#include "doctor/doctor.h"

#include <string.h>

#include "base/error.h"
#include "doctor/checks.h"

/* In the order in which they are told: from what decides to what only helps. */
static CheckFn *const checks[] = {
    check_build,  check_cpu,    check_firmware, check_module,     check_device, check_api,     check_capabilities,
    check_nested, check_virtual, check_rivals,  check_kernel,     check_iommu,  check_mitigations, check_clock,
    check_hugepages, check_thp, check_ksm,      check_memory,     check_limits, check_cgroup,
};

typedef struct Options {
    const char *root;
    bool json, quiet, strict, help;
} Options;

static void print_help(void)
{
    printf("Usage: rhea doctor [--json] [--quiet] [--strict] [--root DIR]\n\n"
           "Tells whether hardware acceleration (-accel kvm) works on this host, why it does not, and\n"
           "the command that mends it. Needs no privileges and changes nothing.\n\n"
           "  --json      one JSON object instead of text\n"
           "  -q, --quiet only warnings and errors\n"
           "  --strict    exit status 3 where there are warnings\n"
           "  --root DIR  looks at DIR/proc, DIR/sys, DIR/dev ... and opens no device\n"
           "  -h, --help  this text\n\n"
           "Exit status: 0 KVM works, 1 it does not, 2 wrong usage, 3 warnings (with --strict).\n");
}

static bool parse(Options *o, int argc, char **argv, Error **errp)
{
    for (int i = 0; i < argc; i++) {
        const char *a = argv[i];
        if (!strcmp(a, "--json")) {
            o->json = true;
        } else if (!strcmp(a, "-q") || !strcmp(a, "--quiet")) {
            o->quiet = true;
        } else if (!strcmp(a, "--strict")) {
            o->strict = true;
        } else if (!strcmp(a, "-h") || !strcmp(a, "--help")) {
            o->help = true;
        } else if (!strcmp(a, "--root") && i + 1 < argc) {
            o->root = argv[++i];
        } else if (g_str_has_prefix(a, "--root=")) {
            o->root = a + strlen("--root=");
        } else if (!strcmp(a, "--root")) {
            error_set(errp, ERR_INVALID_PARAMETER, "doctor: --root needs a directory");
            return false;
        } else {
            error_set(errp, ERR_INVALID_PARAMETER, "doctor: unknown argument '%s'", a);
            error_hint(errp, "'rhea doctor --help' lists what there is");
            return false;
        }
    }
    if (o->root && !g_file_test(o->root, G_FILE_TEST_IS_DIR)) {
        error_set(errp, ERR_INVALID_PARAMETER, "doctor: --root '%s' is not a directory", o->root);
        return false;
    }
    return true;
}

static DoctorStatus examine(const Options *o, bool have_accel)
{
    g_autoptr(Host) host = host_new(o->root, have_accel);
    g_autoptr(Report) report = report_new();
    Doctor d = {.host = host, .report = report};

    kvm_probe(host, &d.kvm);
    for (size_t i = 0; i < G_N_ELEMENTS(checks); i++) {
        checks[i](&d);
    }
    if (o->json) {
        report_print_json(report, stdout);
    } else {
        report_print_text(report, stdout, o->quiet);
    }
    if (fflush(stdout) || ferror(stdout)) {
        error_report_text("doctor: cannot write to standard output");
        return DOCTOR_USAGE;
    }
    return !report_usable(report)                                       ? DOCTOR_UNUSABLE
           : o->strict && report_count(report, FINDING_WARNING) ? DOCTOR_WARNINGS
                                                                        : DOCTOR_USABLE;
}

DoctorStatus doctor_main(int argc, char **argv, bool have_accel)
{
    g_autoptr(Error) err = NULL;
    Options o = {0};

    if (!parse(&o, argc, argv, &err)) {
        error_report(err);
        return DOCTOR_USAGE;
    }
    if (o.help) {
        print_help();
        return DOCTOR_USABLE;
    }
    return examine(&o, have_accel);
}
