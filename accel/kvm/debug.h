/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A debugger's breakpoints, watchpoints and steps under KVM (core/debug.h; the API, KVM_SET_GUEST_DEBUG).
 */
#ifndef ACCEL_KVM_DEBUG_H
#define ACCEL_KVM_DEBUG_H

#include "accel/kvm/kvm.h"
#include "core/debug.h"

/* What a kernel reports of a processor, found by trying: debug_trial.c. */
enum { KVM_REPORTS_INT3 = 1, KVM_REPORTS_STEP = 2, KVM_REPORTS_EXEC = 4, KVM_REPORTS_DATA = 8 };
unsigned kvm_debug_trial(int dev_fd);

#endif
