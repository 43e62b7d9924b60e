/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * /dev/kvm: may it be opened, does it make machines, what can it do?
 *
 * Source: Linux' Documentation/virt/kvm/api.rst.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "doctor/checks.h"

#define MISC_MAJOR        10
#define KVM_MINOR         232
#define NOBODY            65534u /* what a user namespace shows of groups that it does not map */
#define API_VERSION       12     /* the only one since Linux 2.6.22 */

/* linux/kvm.h names these on x86 hosts only; the table has them on all. */
#ifndef KVM_CAP_XSAVE
#define KVM_CAP_DEBUGREGS 50
#define KVM_CAP_XSAVE     55
#define KVM_CAP_XCRS      56
#endif

/* ---- the probe ---- */

static int open_errno_by_mode(const Host *h, const struct stat *st)
{
    unsigned bits = st->st_mode & 7;

    if (!h->uid) {
        return 0;
    }
    for (guint i = 0; i < h->gids->len; i++) {
        if (g_array_index(h->gids, gid_t, i) == st->st_gid) {
            bits = st->st_mode >> 3 & 7;
        }
    }
    if (st->st_uid == h->uid) {
        bits = st->st_mode >> 6 & 7;
    }
    return (bits & 6) == 6 ? 0 : EACCES;
}

/* Below another root a plain file stands for the device, since only root can make nodes. */
static bool is_node(const Host *h, const struct stat *st)
{
    return S_ISCHR(st->st_mode) || (!host_is_real(h) && S_ISREG(st->st_mode));
}

/* The type of machine to make: on Arm 0 is one of 40 address bits, and some hosts have fewer. */
static unsigned long machine_type(const Host *h, int kvm)
{
    int bits = h->arch == HOST_ARM64 ? ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE) : 0;

    return bits > 0 && bits < 40 ? (unsigned long)bits : 0;
}

static void probe_opened(const Host *h, KvmProbe *p, int kvm)
{
    int vm;

    p->api = ioctl(kvm, KVM_GET_API_VERSION, 0);
    do {
        vm = ioctl(kvm, KVM_CREATE_VM, machine_type(h, kvm));
    } while (vm < 0 && errno == EINTR);
    p->create_errno = vm < 0 ? errno : 0;
    p->stage = vm < 0 || p->api != API_VERSION ? KVM_NO_VM : KVM_WORKS;
    for (size_t i = 0; kvm_caps[i].name && i < KVM_CAPS_MAX; i++) {
        p->caps[i] = ioctl(vm < 0 ? kvm : vm, KVM_CHECK_EXTENSION, kvm_caps[i].number);
    }
    if (vm >= 0) {
        close(vm);
    }
}

void kvm_probe(const Host *h, KvmProbe *p)
{
    g_autofree char *path = host_path(h, "/dev/kvm");
    struct stat st;

    *p = (KvmProbe){.stage = KVM_NO_NODE};
    if (stat(path, &st) || !is_node(h, &st)) {
        return;
    }
    if (!host_is_real(h)) {
        unsigned minor;
        p->open_errno = open_errno_by_mode(h, &st);
        p->open_errno = !p->open_errno && !kvm_registered(h, &minor) ? ENODEV : p->open_errno;
        p->stage = p->open_errno ? KVM_NO_OPEN : KVM_UNPROBED;
        return;
    }
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        p->open_errno = errno;
        p->stage = KVM_NO_OPEN;
        return;
    }
    probe_opened(h, p, fd);
    close(fd);
}

bool kvm_seems_usable(const Doctor *d)
{
    return d->kvm.stage == KVM_WORKS || d->kvm.stage == KVM_UNPROBED;
}

/* ---- the device ---- */

static void missing_node(Doctor *d)
{
    const Host *h = d->host;
    unsigned minor = KVM_MINOR;
    bool driver = kvm_registered(h, &minor);
    bool other = host_exists(h, "/dev/kvm");

    if (h->container) {
        report_add(d->report, FINDING_ERROR, "device", "this container (%s) was not given /dev/kvm", h->container);
        report_fix(d->report, !strcmp(h->container, "lxc") ? "on the host: lxc config device add NAME kvm unix-char path=/dev/kvm"
                              : !strcmp(h->container, "systemd-nspawn")
                                  ? "start the container with --bind=/dev/kvm and --property=DeviceAllow='/dev/kvm rw'"
                              : !strcmp(h->container, "kubernetes")
                                  ? "ask for the device in the pod, for example devices.kubevirt.io/kvm: 1"
                                  : "start the container with --device /dev/kvm");
        return;
    }
    report_add(d->report, FINDING_ERROR, "device", other ? "/dev/kvm is not a character device"
                                                   : driver ? "the KVM driver runs, but there is no /dev/kvm"
                                                            : "there is no /dev/kvm, since no KVM driver runs");
    if (driver || other) {
        report_fix(d->report, "%s%smknod -m 660 /dev/kvm c %d %u%s", other ? host_sudo(h) : "", other ? "rm /dev/kvm && " : host_sudo(h),
                   MISC_MAJOR, minor, other ? "" : " (udevd makes it where it runs)");
    }
}

static const char *member_fix(const Host *h, const char *group_line)
{
    g_auto(GStrv) f = g_strsplit(group_line, ":", 4);

    return g_strv_length(f) == 4 && text_has_word(f[3], h->user) ? "log out and in again, or: newgrp kvm" : NULL;
}

static void no_permission(Doctor *d, const struct stat *st)
{
    const Host *h = d->host;
    g_autofree char *owner = host_id_name(h, "/etc/passwd", st->st_uid);
    g_autofree char *group = host_id_name(h, "/etc/group", st->st_gid);
    g_autofree char *kvm = host_group_line(h, "kvm");
    bool of_kvm = kvm && !strcmp(group, "kvm") && (st->st_mode & 060) == 060;
    const char *relogin = of_kvm ? member_fix(h, kvm) : NULL;

    report_add(d->report, FINDING_ERROR, "device", "user %s may not open /dev/kvm (owner %s:%s, mode %04o)", h->user, owner,
               group, (unsigned)st->st_mode & 07777);
    if (relogin) {
        report_fix(d->report, "%s (%s is in group kvm, but this session began before)", relogin, h->user);
    } else if (of_kvm) {
        report_fix(d->report, "sudo usermod -aG kvm %s, then log out and in again", h->user);
    } else if (st->st_gid == NOBODY && st->st_uid == NOBODY) {
        report_fix(d->report, "the container's user namespace does not map its group: start it with "
                              "--device /dev/kvm --group-add keep-groups (podman), or mode 0666 on the host");
    } else if (kvm) {
        report_fix(d->report, "sudo chown root:kvm /dev/kvm && sudo chmod 660 /dev/kvm && sudo usermod -aG kvm %s, then log "
                   "in again; to keep it: KERNEL==\"kvm\", GROUP=\"kvm\", MODE=\"0660\" in /etc/udev/rules.d/65-kvm.rules",
                   h->user);
    } else {
        report_fix(d->report, "sudo setfacl -m u:%s:rw /dev/kvm (until the next start), or sudo groupadd --system kvm and a "
                   "udev rule: KERNEL==\"kvm\", GROUP=\"kvm\", MODE=\"0660\"", h->user);
    }
}

static void explain_open(Doctor *d, const struct stat *st)
{
    const Host *h = d->host;
    const char *module = vendor_module(h);
    int err = d->kvm.open_errno;

    if (err == EACCES && h->uid) {
        no_permission(d, st);
    } else if (err == EPERM || err == EACCES) {
        report_add(d->report, FINDING_ERROR, "device", "the device rules of this container or service forbid /dev/kvm");
        report_fix(d->report, "containers: --device /dev/kvm; systemd services: DeviceAllow=/dev/kvm rw");
    } else if (err == ENODEV || err == ENXIO) {
        report_add(d->report, FINDING_ERROR, "device", "/dev/kvm is there, but no driver is behind it");
        if (module) {
            report_fix(d->report, "%smodprobe %s", host_sudo(h), module);
        }
    } else {
        report_add(d->report, FINDING_ERROR, "device", "/dev/kvm cannot be opened: %s", g_strerror(err));
    }
}

void check_device(Doctor *d)
{
    const Host *h = d->host;
    g_autofree char *path = host_path(h, "/dev/kvm");
    struct stat st = {0};

    if (d->kvm.stage == KVM_NO_NODE || stat(path, &st)) {
        missing_node(d);
    } else if (d->kvm.stage == KVM_NO_OPEN) {
        explain_open(d, &st);
    } else if (S_ISCHR(st.st_mode) && major(st.st_rdev) != MISC_MAJOR) {
        report_add(d->report, FINDING_ERROR, "device", "/dev/kvm has the device number %u:%u, which is not KVM's",
                   major(st.st_rdev), minor(st.st_rdev));
        report_fix(d->report, "%srm /dev/kvm && %smknod -m 660 /dev/kvm c %d %d", host_sudo(h), host_sudo(h), MISC_MAJOR,
                   KVM_MINOR);
    } else {
        report_add(d->report, FINDING_OK, "device", "user %s may open /dev/kvm", h->user);
    }
}

/* ---- the interface ---- */

void check_api(Doctor *d)
{
    const KvmProbe *p = &d->kvm;

    if (p->stage < KVM_NO_VM) {
        return;
    }
    if (p->api != API_VERSION) {
        report_add(d->report, FINDING_ERROR, "api", "KVM's API version is %d, and only %d is understood", p->api, API_VERSION);
        report_fix(d->report, "%sls -l /dev/kvm (this is not KVM's device)", host_sudo(d->host));
    } else if (p->create_errno == EBUSY) {
        report_add(d->report, FINDING_ERROR, "api", "another hypervisor uses the processor's virtualization");
        report_fix(d->report, "end its machines (VirtualBox, VMware), or %smodprobe -r vboxdrv vmmon", host_sudo(d->host));
    } else if (p->create_errno) {
        report_add(d->report, FINDING_ERROR, "api", "KVM does not make a virtual machine: %s", g_strerror(p->create_errno));
        report_fix(d->report, "%sdmesg | grep -i kvm (says why)", host_sudo(d->host));
    } else {
        report_add(d->report, FINDING_OK, "api", "KVM has API version %d and makes virtual machines", p->api);
    }
}

/* Of x86, whose numbers the kernel's headers for others leave out (linux/kvm.h). */
#ifndef KVM_CAP_PIT2
#define KVM_CAP_PIT2 33
#define KVM_CAP_PIT_STATE2 35
#endif
#ifndef KVM_CAP_SET_GUEST_DEBUG
#define KVM_CAP_SET_GUEST_DEBUG 23
#endif

#define X86 .x86 = true
#define ARM .arm = true
#define BOTH X86, ARM
#define MUST .required = true
#define CAP(cap) .number = KVM_CAP_##cap, .name = "KVM_CAP_" #cap

const KvmCap kvm_caps[] = {
    {CAP(USER_MEMORY), BOTH, MUST, .use = "guest memory"},
    {CAP(DESTROY_MEMORY_REGION_WORKS), BOTH, MUST, .use = "changing guest memory"},
    {CAP(IMMEDIATE_EXIT), BOTH, MUST, .use = "stopping processors without races"},
    {CAP(MP_STATE), BOTH, MUST, .use = "several processors"},
    {CAP(VCPU_EVENTS), BOTH, MUST, .use = "saving and moving a machine"},
    {CAP(SET_TSS_ADDR), X86, MUST, .use = "real mode"},
    {CAP(EXT_CPUID), X86, MUST, .use = "processor models"},
    {CAP(USER_NMI), X86, MUST, .use = "NMIs"},
    {CAP(XSAVE), X86, MUST, .use = "saving vector registers"},
    {CAP(XCRS), X86, MUST, .use = "saving vector registers"},
    {CAP(DEBUGREGS), X86, MUST, .use = "saving debug registers"},
    {CAP(ONE_REG), ARM, MUST, .use = "processor state"},
    {CAP(DEVICE_CTRL), ARM, MUST, .use = "the GIC in the kernel"},
    {CAP(ARM_PSCI_0_2), ARM, MUST, .use = "starting processors"},
    {CAP(SPLIT_IRQCHIP), X86, .use = "kernel-irqchip=split"},
    {CAP(IRQ_ROUTING), X86, .use = "kernel-irqchip=split"},
    {CAP(ENABLE_CAP_VM), X86, .use = "kernel-irqchip=split"},
    {CAP(IRQCHIP), X86, .use = "kernel-irqchip=on"},
    {CAP(PIT2), X86, .use = "kernel-irqchip=on"},
    {CAP(PIT_STATE2), X86, .use = "kernel-irqchip=on"},
    {CAP(X86_SMM), X86, .use = "system management mode in the kernel"},
    {CAP(SIGNAL_MSI), BOTH, .use = "message-signalled interrupts"},
    {CAP(IRQFD), X86, .use = "interrupts of devices on I/O threads"},
    {CAP(IOEVENTFD), BOTH, .use = "doorbells that stop no processor"},
    {CAP(COALESCED_MMIO), X86, .use = "stores that stop no processor"},
    {CAP(COALESCED_PIO), X86, .use = "stores that stop no processor"},
    {CAP(READONLY_MEM), BOTH, .use = "running code in ROM and flash"},
    {CAP(SET_IDENTITY_MAP_ADDR), X86, .use = "real mode"},
    {CAP(SYNC_REGS), X86, .use = "registers without a system call"},
    {CAP(SREGS2), X86, .use = "saving page directory pointers"},
    {CAP(GET_TSC_KHZ), X86, .use = "the guest's TSC frequency"},
    {CAP(VCPU_ATTRIBUTES), X86, .use = "saving time stamp counters exactly"},
    {CAP(TSC_DEADLINE_TIMER), X86, .use = "the guest's best timer"},
    {CAP(XSAVE2), X86, .use = "registers of AMX"},
    {CAP(SYS_ATTRIBUTES), X86, .use = "registers of AMX"},
    {CAP(GET_MSR_FEATURES), X86, .use = "processor features that model-specific registers tell"},
    {CAP(X86_USER_SPACE_MSR), X86, .use = "model-specific registers that KVM does not know"},
    {CAP(EXIT_ON_EMULATION_FAILURE), X86, .use = "going on after instructions that KVM cannot emulate"},
    {CAP(MANUAL_DIRTY_LOG_PROTECT2), BOTH, .use = "finding the pages that a guest writes at less cost"},
    {CAP(DIRTY_LOG_RING), X86, .use = "dirty-ring-size"},
    {CAP(DIRTY_LOG_RING_ACQ_REL), ARM, .use = "dirty-ring-size"},
    {CAP(SET_GUEST_DEBUG), X86, .use = "a debugger's breakpoints"},
    {CAP(SET_GUEST_DEBUG2), X86, .use = "a debugger's steps without interrupts"},
    {CAP(HALT_POLL), BOTH, .use = "halt-poll-ns"},
    {CAP(X86_DISABLE_EXITS), X86, .use = "-overcommit cpu-pm=on"},
    {CAP(SYS_HYPERV_CPUID), X86, .use = "Hyper-V's enlightenments"},
    {CAP(HYPERV_SYNIC2), X86, .use = "-cpu hv-synic"},
    {CAP(HYPERV_ENFORCE_CPUID), X86, .use = "-cpu hv-enforce-cpuid"},
    {CAP(ARM_PTRAUTH_ADDRESS), ARM, .use = "pointer authentication"},
    {CAP(ARM_PTRAUTH_GENERIC), ARM, .use = "pointer authentication"},
    {CAP(ARM_VM_IPA_SIZE), ARM, .use = "machines with other than 40 address bits"},
    {0},
};
G_STATIC_ASSERT(G_N_ELEMENTS(kvm_caps) <= KVM_CAPS_MAX);

/* Names of the rows that this host lacks, and what for. NULL: none. */
static char *missing_caps(const Doctor *d, bool required)
{
    GString *out = g_string_new(NULL);

    for (size_t i = 0; kvm_caps[i].name; i++) {
        const KvmCap *c = &kvm_caps[i];
        if (c->required == required && (d->host->arch == HOST_ARM64 ? c->arm : c->x86) && d->kvm.caps[i] <= 0) {
            g_string_append_printf(out, "%s%s (%s)", out->len ? ", " : "", c->name + strlen("KVM_CAP_"), c->use);
        }
    }
    return g_string_free(out, !out->len);
}

void check_capabilities(Doctor *d)
{
    if (d->kvm.stage != KVM_WORKS) {
        return;
    }
    g_autofree char *required = missing_caps(d, true);
    g_autofree char *wanted = missing_caps(d, false);
    if (required) {
        report_add(d->report, FINDING_ERROR, "capabilities", "this KVM lacks what is needed: %s", required);
        report_fix(d->report, "start a newer kernel");
    }
    if (wanted) {
        report_add(d->report, FINDING_WARNING, "capabilities", "this KVM lacks %s", wanted);
    }
    if (!required && !wanted) {
        report_add(d->report, FINDING_OK, "capabilities", "KVM has all capabilities that are used");
    }
}
