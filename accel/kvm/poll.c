/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Halt polling: how long the kernel looks for something to do before the thread of a vCPU that waits sleeps (Linux,
 * Documentation/virt/kvm/halt-polling.rst; the API, KVM_CAP_HALT_POLL). Longer costs the host's time, shorter the guest's.
 *
 * home: main loop.
 */
#include <errno.h>
#include <inttypes.h>

#include "accel/kvm/kvm.h"

#define KERNELS_OWN "/sys/module/kvm/parameters/halt_poll_ns"

bool kvm_poll_parse(KvmMachine *km, const char *value, Error **errp)
{
    char *end;
    guint64 n = g_ascii_strtoull(value, &end, 10);

    if (!g_ascii_isdigit(*value) || *end || n > UINT32_MAX) {
        error_set(errp, ERR_INVALID_PARAMETER, "-accel kvm: halt-poll-ns=%s is no number of nanoseconds up to %u", value,
                  UINT32_MAX);
        error_hint(errp, "0: a processor that waits sleeps at once");
        return false;
    }
    km->halt_poll_ns = (int64_t)n;
    return true;
}

bool kvm_poll_init(KvmMachine *km, Error **errp)
{
    struct kvm_enable_cap cap = {.cap = KVM_CAP_HALT_POLL, .args = {(uint64_t)km->halt_poll_ns}};

    if (km->halt_poll_ns == POLL_DEFAULT) {
        return true;
    }
    if (!kvm_has(km->fd, KVM_CAP_HALT_POLL)) {
        error_set(errp, ERR_UNSUPPORTED, "-accel kvm: halt-poll-ns: the kernel's KVM lacks KVM_CAP_HALT_POLL");
        error_hint(errp, "Linux has it since 5.9; %s is for all machines", KERNELS_OWN);
        return false;
    }
    if (kvm_ioctl(km->fd, KVM_ENABLE_CAP, &cap) < 0) {
        error_set_errno(errp, errno, "KVM_CAP_HALT_POLL");
        return false;
    }
    return true;
}

void kvm_poll_info(const KvmMachine *km, GString *out)
{
    g_autofree char *own = NULL;

    if (km->halt_poll_ns != POLL_DEFAULT) {
        g_string_append_printf(out, "halt polling: up to %" PRId64 " ns\n", km->halt_poll_ns);
    } else if (g_file_get_contents(KERNELS_OWN, &own, NULL, NULL)) {
        g_string_append_printf(out, "halt polling: up to %s ns, as the kernel does\n", g_strstrip(own));
    } else {
        g_string_append(out, "halt polling: as the kernel does\n");
    }
}
