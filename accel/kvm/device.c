/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /dev/kvm: opening it, asking what it has; what vCPUs of all architectures need of the process.
 *
 * home: main loop, but for kvm_ioctl() and kvm_has().
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "accel/kvm/kvm.h"

#define KVM_DEVICE "/dev/kvm"
#ifdef __x86_64__
#define NO_DEVICE_HINT "modprobe kvm_intel or kvm_amd, if the processor's virtualization is switched on"
#else
#define NO_DEVICE_HINT "the host's kernel has KVM where it was started at EL2"
#endif

int kvm_ioctl(int fd, unsigned long request, void *arg)
{
    int r;

    do {
        r = ioctl(fd, request, arg);
    } while (r < 0 && errno == EINTR);
    return r;
}

int kvm_has(int fd, int cap)
{
    int r = ioctl(fd, KVM_CHECK_EXTENSION, (void *)(long)cap);

    return MAX(r, 0);
}

static int open_device(Error **errp)
{
    int fd = open(KVM_DEVICE, O_RDWR | O_CLOEXEC);

    if (fd >= 0) {
        return fd;
    }
    if (errno == EACCES || errno == EPERM) {
        error_set(errp, ERR_UNSUPPORTED, "no permission to use " KVM_DEVICE);
        error_hint(errp, "its group may: usermod -a -G kvm USER, and log in again");
    } else if (errno == ENOENT || errno == ENODEV || errno == ENXIO) {
        error_set(errp, ERR_UNSUPPORTED, "this system has no KVM (" KVM_DEVICE " does not exist)");
        error_hint(errp, NO_DEVICE_HINT);
    } else {
        error_set_errno(errp, errno, "cannot open " KVM_DEVICE);
    }
    return -1;
}

static bool check_kernel(int fd, const KvmNeed *needed, Error **errp)
{
    int version = ioctl(fd, KVM_GET_API_VERSION, 0);

    if (version != KVM_API_VERSION) {
        error_set(errp, ERR_UNSUPPORTED, KVM_DEVICE " has version %d of its interface, not %d", version,
                  KVM_API_VERSION);
        return false;
    }
    for (; needed->name; needed++) {
        if (!kvm_has(fd, needed->cap)) {
            error_set(errp, ERR_UNSUPPORTED, "the kernel's KVM lacks KVM_CAP_%s", needed->name);
            return false;
        }
    }
    return true;
}

int kvm_open_device(const KvmNeed *needed, Error **errp)
{
    int fd = open_device(errp);

    if (fd >= 0 && !check_kernel(fd, needed, errp)) {
        close(fd);
        return -1;
    }
    return fd;
}

bool kvm_runs_target(const TargetOps *t, const char *arch, const KvmNeed *needed, Error **errp)
{
    if (!t || strcmp(t->name, arch)) {
        error_set(errp, ERR_UNSUPPORTED, "KVM runs %s guests on this host, not %s ones", arch, t ? t->name : "nameless");
        return false;
    }
    int fd = kvm_open_device(needed, errp);
    if (fd < 0) {
        return false;
    }
    close(fd);
    return true;
}

int kvm_create_vm(int fd, unsigned long type, Error **errp)
{
    int vm = kvm_ioctl(fd, KVM_CREATE_VM, (void *)type);

    if (vm < 0) {
        error_set_errno(errp, errno, "KVM cannot make a virtual machine");
        if (errno == EBUSY) {
            error_hint(errp, "another hypervisor uses the processor's virtualization");
        }
    }
    return vm;
}

/* kvm_kick() interrupts KVM_RUN with it; nothing is to be done in the handler. */
static void on_kick(int sig)
{
}

void kvm_catch_kicks(void)
{
    struct sigaction sa = {.sa_handler = on_kick, .sa_flags = SA_RESTART};

    sigemptyset(&sa.sa_mask);
    sigaction(SIGUSR1, &sa, NULL);
}
