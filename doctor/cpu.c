/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The processor: does it have virtualization, and does firmware let us use it?
 *
 * Sources: Intel SDM Vol. 3C 24.7 and Vol. 4 (IA32_FEATURE_CONTROL, MSR 0x3a), AMD APM Vol. 2 15.4
 * and 15.30.1 (VM_CR, MSR 0xc0010114), Arm ARM D1 (EL2); Linux' Documentation/admin-guide.
 */
#include <string.h>

#include "base/os/hostcpu.h"
#include "doctor/checks.h"

#define MSR_FEATURE_CONTROL 0x3au
#define FEATURE_LOCKED      (1u << 0)
#define FEATURE_VMX         (1u << 2) /* VMX outside SMX operation */
#define MSR_VM_CR           0xc0010114u
#define VM_CR_SVMDIS        (1u << 4)

static const char *extension(const Host *h)
{
    switch (h->vendor) {
    case VENDOR_INTEL:
        return "VT-x";
    case VENDOR_AMD:
        return "AMD-V";
    default:
        return "VT-x or AMD-V";
    }
}

static bool has_flag(const Host *h)
{
    return host_cpu_flag(h, "vmx") || host_cpu_flag(h, "svm");
}

/* CPUID, which no kernel filters: by the instruction, or from the file that another root has. */
static bool cpuid(const Host *h, uint32_t leaf, uint32_t out[4])
{
    return host_is_real(h) ? os_host_cpuid(leaf, 0, out)
                           : host_read_at(h, "/dev/cpu/0/cpuid", leaf, out, 4 * sizeof(out[0]));
}

/* Does the processor itself say that it has the extension, whatever the kernel shows? */
static bool processor_has(const Host *h)
{
    uint32_t r[4];

    if (h->vendor == VENDOR_AMD) {
        return cpuid(h, 0x80000001u, r) && (r[2] & 1u << 2);
    }
    return h->vendor == VENDOR_INTEL && cpuid(h, 1, r) && (r[2] & 1u << 5);
}

/* How many processors have the flag of the first one, and how many there are. */
static void count_cpus(const Host *h, const char *flag, int *with, int *all)
{
    g_auto(GStrv) lines = g_strsplit_set(h->cpuinfo, "\n", -1);

    *with = *all = 0;
    for (char **l = lines; *l; l++) {
        if (g_str_has_prefix(*l, "flags")) {
            ++*all;
            *with += text_has_word(*l, flag);
        }
    }
}

static void check_paging(Doctor *d, const char *module, const char *param, bool shown)
{
    if (module_switch(d->host, module, param) == 'N') {
        report_add(d->report, FINDING_WARNING, "cpu-paging",
                   "module %s has %s switched off, so guests' page tables are shadowed, which is slow", module, param);
        report_fix(d->report, "%smodprobe -r %s && %smodprobe %s %s=1", host_sudo(d->host), module,
                   host_sudo(d->host), module, param);
    } else if (!shown) {
        report_add(d->report, FINDING_WARNING, "cpu-paging",
                   "the processor has no nested page tables (%s), so guests' page tables are shadowed, which is slow",
                   param);
    }
}

static void describe_x86(Doctor *d)
{
    const Host *h = d->host;
    const char *flag = host_cpu_flag(h, "vmx") ? "vmx" : "svm";
    g_autofree char *model = text_field(h->cpuinfo, "model name");
    g_autofree char *vmx_flags = text_field(h->cpuinfo, "vmx flags"); /* since Linux 5.9 */
    int with, all;

    count_cpus(h, flag, &with, &all);
    if (with < all) {
        report_add(d->report, FINDING_WARNING, "cpu", "only %d of %d processors show %s", with, all, flag);
        report_fix(d->report, "update the firmware: it must set up all processors alike");
    } else {
        report_add(d->report, FINDING_OK, "cpu", "%s has %s", model ? model : "the processor", extension(h));
    }
    if (!strcmp(flag, "svm")) {
        check_paging(d, "kvm_amd", "npt", host_cpu_flag(h, "npt"));
        return;
    }
    check_paging(d, "kvm_intel", "ept", !vmx_flags || text_has_word(vmx_flags, "ept"));
    if (module_switch(h, "kvm_intel", "unrestricted_guest") == 'N') {
        report_add(d->report, FINDING_WARNING, "cpu-real-mode",
                   "real mode of guests is emulated by the kernel (unrestricted_guest is off)");
    }
}

static void explain_missing_x86(Doctor *d)
{
    const Host *h = d->host;
    g_autofree char *model = text_field(h->cpuinfo, "model name");

    if (module_present(h, "kvm_pvm")) {
        report_add(d->report, FINDING_OK, "cpu", "no %s is visible; the module kvm_pvm does without", extension(h));
    } else if (kvm_seems_usable(d) && d->kvm.stage == KVM_WORKS) {
        report_add(d->report, FINDING_OK, "cpu", "no %s is visible, but KVM works", extension(h));
    } else if (processor_has(h)) {
        report_add(d->report, FINDING_ERROR, "cpu", "the processor has %s, but the kernel may not use it",
                   extension(h));
    } else if (h->virtual_machine) {
        report_add(d->report, FINDING_ERROR, "cpu",
                   "this is a virtual machine, and its hypervisor does not show it %s", extension(h));
        report_fix(d->report, "on the machine that runs it, switch on nested virtualization (KVM: modprobe %s nested=1, "
                   "and -cpu host for this machine)", h->vendor == VENDOR_AMD ? "kvm_amd" : "kvm_intel");
    } else {
        report_add(d->report, FINDING_ERROR, "cpu", "%s shows no %s: it lacks it, or firmware switched it off",
                   model ? model : "the processor", extension(h));
        report_fix(d->report, "look in the firmware's setup for %s and switch it on",
                   h->vendor == VENDOR_AMD ? "SVM Mode" : "Intel Virtualization Technology (VT-x)");
    }
}

static void check_cpu_arm(Doctor *d)
{
    const Host *h = d->host;
    g_autofree char *mode = cmdline_value(h, "kvm-arm.mode");
    unsigned minor;

    if (g_strcmp0(mode, "none") == 0) {
        report_add(d->report, FINDING_ERROR, "cpu", "the kernel was told not to use EL2 (kvm-arm.mode=none)");
        report_fix(d->report, "take kvm-arm.mode=none out of the kernel's command line and reboot");
    } else if (kvm_registered(h, &minor) || d->kvm.stage >= KVM_UNPROBED) {
        report_add(d->report, FINDING_OK, "cpu", "the kernel runs guests from EL2%s",
                   strstr(h->log, "VHE mode initialized") ? ", with VHE" : "");
        if (g_strcmp0(mode, "protected") == 0) {
            report_add(d->report, FINDING_WARNING, "cpu-mode",
                       "kvm-arm.mode=protected: the kernel keeps some features of KVM from its users");
            report_fix(d->report, "take kvm-arm.mode=protected out of the kernel's command line and reboot");
        }
    } else if (h->virtual_machine) {
        report_add(d->report, FINDING_ERROR, "cpu", "this is a virtual machine without EL2 of its own");
        report_fix(d->report, "on the machine that runs it, give it EL2 (QEMU: -machine virt,virtualization=on)");
    } else {
        bool known = strstr(h->log, "HYP mode not available") || strstr(h->log, "started at EL1");
        report_add(d->report, FINDING_ERROR, "cpu", known ? "firmware started the kernel at EL1, so it has no EL2"
                                                          : "KVM did not start: the kernel was built without it, or "
                                                            "firmware did not start it at EL2");
        report_fix(d->report, "use firmware or a boot loader that starts the kernel at EL2 (%sdmesg | grep -i -e kvm "
                   "-e 'started at EL' says more)", host_sudo(h));
    }
}

void check_cpu(Doctor *d)
{
    const Host *h = d->host;

    if (h->arch == HOST_ARM64) {
        check_cpu_arm(d);
    } else if (h->arch == HOST_OTHER) {
        report_add(d->report, FINDING_ERROR, "cpu", "%s",
                   *h->cpuinfo ? "neither an x86 nor a 64-bit Arm processor; there is no accelerator for others"
                               : "/proc/cpuinfo cannot be read, so the processor is not known");
        if (!*h->cpuinfo) {
            report_fix(d->report, "%smount -t proc proc /proc", host_sudo(h));
        }
    } else if (has_flag(h)) {
        describe_x86(d);
    } else {
        explain_missing_x86(d);
    }
}

/* ---- firmware ---- */

typedef enum Tri { TRI_UNKNOWN, TRI_YES, TRI_NO } Tri;

static Tri enabled_by_msr(const Host *h)
{
    uint64_t v;
    uint32_t msr = h->vendor == VENDOR_AMD ? MSR_VM_CR : MSR_FEATURE_CONTROL;

    if (h->vendor == VENDOR_UNKNOWN || !host_read_at(h, "/dev/cpu/0/msr", msr, &v, sizeof(v))) {
        return TRI_UNKNOWN;
    }
    if (h->vendor == VENDOR_AMD) {
        return v & VM_CR_SVMDIS ? TRI_NO : TRI_YES;
    }
    return (v & FEATURE_LOCKED) && !(v & FEATURE_VMX) ? TRI_NO : TRI_YES;
}

/* "kvm: disabled by bios", "x86/cpu: VMX (outside TXT) disabled by BIOS", "SVM disabled (by BIOS) in MSR_VM_CR" */
static bool log_says_disabled(const Host *h)
{
    g_autofree char *lower = g_ascii_strdown(h->log, -1);
    g_auto(GStrv) lines = g_strsplit_set(lower, "\n", -1);

    for (char **l = lines; *l; l++) {
        if (strstr(*l, "disabled") && strstr(*l, "bios") &&
            (strstr(*l, "kvm") || strstr(*l, "vmx") || strstr(*l, "svm"))) {
            return true;
        }
    }
    return false;
}

void check_firmware(Doctor *d)
{
    const Host *h = d->host;
    const char *module = vendor_module(h);

    if (h->arch != HOST_X86 || (!has_flag(h) && !processor_has(h) && !log_says_disabled(h))) {
        return; /* there is nothing that firmware could have switched off, as far as one sees */
    }
    Tri on = enabled_by_msr(h);
    if (on == TRI_UNKNOWN && (d->kvm.stage == KVM_WORKS || (module && module_present(h, module)))) {
        on = TRI_YES; /* the module does not start otherwise */
    }
    if (on == TRI_UNKNOWN && (log_says_disabled(h) || !has_flag(h))) {
        on = TRI_NO;
    }
    if (on == TRI_NO) {
        report_add(d->report, FINDING_ERROR, "firmware", "firmware switched %s off", extension(h));
        report_fix(d->report, "switch on %s in the firmware's setup, then power the machine off and on",
                   h->vendor == VENDOR_AMD ? "SVM Mode" : "Intel Virtualization Technology (VT-x)");
    } else if (on == TRI_YES || h->vendor == VENDOR_INTEL) {
        /* Intel: since 5.6 the kernel hides the flag when firmware locked it away. */
        report_add(d->report, FINDING_OK, "firmware", "firmware lets the kernel use %s", extension(h));
    } else {
        report_add(d->report, FINDING_WARNING, "firmware",
                   "whether firmware switched %s off cannot be told without privileges", extension(h));
        report_fix(d->report, "sudo modprobe msr && sudo rhea doctor");
    }
}

void check_nested(Doctor *d)
{
    const char *module = vendor_module(d->host);
    char on = module ? module_switch(d->host, module, "nested") : 0;

    if (on == 'Y') {
        report_add(d->report, FINDING_OK, "nested", "guests can be hypervisors themselves (%s nested=1)", module);
    } else if (on == 'N') {
        report_add(d->report, FINDING_OK, "nested", "guests cannot be hypervisors themselves (%s nested=0)", module);
        report_fix(d->report, "%smodprobe -r %s && %smodprobe %s nested=1", host_sudo(d->host), module,
                   host_sudo(d->host), module);
    }
}

void check_virtual(Doctor *d)
{
    g_autofree char *vendor = host_read_line(d->host, "/sys/class/dmi/id/sys_vendor");
    g_autofree char *product = host_read_line(d->host, "/sys/class/dmi/id/product_name");

    if (!d->host->virtual_machine) {
        return;
    }
    if (kvm_seems_usable(d)) {
        report_add(d->report, FINDING_WARNING, "virtual", "this host is a virtual machine (%s%s%s), so guests' exits are slow",
                   vendor ? vendor : "of unknown make", product ? ", " : "", product ? product : "");
    } else {
        report_add(d->report, FINDING_OK, "virtual", "this host is a virtual machine (%s%s%s)",
                   vendor ? vendor : "of unknown make", product ? ", " : "", product ? product : "");
    }
}
