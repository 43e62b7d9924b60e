/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The doctor's checks: each looks at one thing and adds its findings.
 */
#ifndef DOCTOR_CHECKS_H
#define DOCTOR_CHECKS_H

#include "doctor/host.h"
#include "doctor/report.h"

/* How far one gets with /dev/kvm. */
typedef enum KvmStage {
    KVM_NO_NODE,  /* there is no /dev/kvm, or something else has that name */
    KVM_NO_OPEN,  /* it cannot be opened: open_errno */
    KVM_UNPROBED, /* it may be opened, but it is another root's and was not */
    KVM_NO_VM,    /* opened, but a virtual machine cannot be made: create_errno */
    KVM_WORKS,
} KvmStage;

enum { KVM_CAPS_MAX = 64 };

typedef struct KvmProbe {
    KvmStage stage;
    int open_errno, create_errno;
    int api;                /* KVM_GET_API_VERSION */
    int caps[KVM_CAPS_MAX]; /* KVM_CHECK_EXTENSION of each row of kvm_caps */
} KvmProbe;

typedef struct KvmCap {
    int number;      /* KVM_CAP_* */
    const char *name;
    bool x86, arm;   /* hosts on which it is used */
    bool required;   /* without it KVM is not used; else a thing is slower or refused */
    const char *use; /* what it is for */
} KvmCap;

/* What the accelerator asks of KVM; ends with a row without name. */
extern const KvmCap kvm_caps[];

/* Opens /dev/kvm and makes a machine for a moment; below another root only looks at permissions. */
void kvm_probe(const Host *h, KvmProbe *p);

typedef struct Doctor {
    const Host *host;
    Report *report;
    KvmProbe kvm;
} Doctor;

typedef void CheckFn(Doctor *d);

CheckFn check_build, check_cpu, check_firmware, check_module, check_device, check_api, check_capabilities,
    check_nested, check_virtual;
CheckFn check_kernel, check_iommu, check_mitigations, check_clock, check_rivals;
CheckFn check_hugepages, check_thp, check_ksm, check_memory, check_limits, check_cgroup;

/* Can a guest be run by KVM, as far as could be seen? */
bool kvm_seems_usable(const Doctor *d);
/* The kernel module that serves this processor: "kvm_intel", "kvm_amd", or NULL where there is none of its own. */
const char *vendor_module(const Host *h);
/* Is it in the kernel, built in or loaded? */
bool module_present(const Host *h, const char *name);
/* A switch of a module such as "nested": 'Y', 'N', or 0 where it cannot be read. */
char module_switch(const Host *h, const char *module, const char *name);
/* Did the KVM driver start, so that the kernel lists its device? *@minor is its number. */
bool kvm_registered(const Host *h, unsigned *minor);

#endif
