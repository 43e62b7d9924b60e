/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which means of debugging a kernel has, found by a virtual machine of one page that uses each: a KVM that emulates what
 * others let the processor do may take the flags of KVM_SET_GUEST_DEBUG and yet report nothing.
 *
 * home: the main loop.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "accel/kvm/debug.h"

#define RAM 0x4000u
#define CODE 0x1000u
#define DATA 0x2000u
#define HALT 0x500u /* where vectors of real mode lead */

typedef struct Try {
    unsigned reports;
    uint32_t control;
    uint64_t dr0, dr7; /* SDM vol 3, 18.2.4 */
    uint8_t code[8];   /* of real mode */
} Try;

static const Try tries[] = {
    {KVM_REPORTS_INT3, KVM_GUESTDBG_USE_SW_BP, 0, 0, {0xcc, 0xf4}},               /* int3; hlt */
    {KVM_REPORTS_STEP, KVM_GUESTDBG_SINGLESTEP, 0, 0, {0x90, 0x90, 0xf4}},        /* nop; nop; hlt */
    {KVM_REPORTS_EXEC, KVM_GUESTDBG_USE_HW_BP, CODE + 1, 0x402, {0x90, 0x90, 0xf4}},
    {KVM_REPORTS_DATA, KVM_GUESTDBG_USE_HW_BP, DATA, 0x402 | 0x5 << 16, {0xa3, DATA & 0xff, DATA >> 8, 0xf4}}, /* mov [DATA], ax */
};

typedef struct Trial {
    int vm, vcpu;
    uint8_t *ram;
    struct kvm_run *run;
    size_t run_size;
} Trial;

static bool begin(Trial *t, int dev_fd)
{
    t->vcpu = -1;
    t->ram = MAP_FAILED;
    t->run = MAP_FAILED;
    t->run_size = (size_t)ioctl(dev_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
    t->vm = kvm_ioctl(dev_fd, KVM_CREATE_VM, NULL);
    if (t->vm < 0) {
        return false;
    }
    t->ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct kvm_userspace_memory_region slot = {.memory_size = RAM, .userspace_addr = (uintptr_t)t->ram};
    if (t->ram == MAP_FAILED || kvm_ioctl(t->vm, KVM_SET_USER_MEMORY_REGION, &slot) < 0) {
        return false;
    }
    t->vcpu = kvm_ioctl(t->vm, KVM_CREATE_VCPU, NULL);
    if (t->vcpu >= 0) {
        t->run = mmap(NULL, t->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, t->vcpu, 0);
    }
    return t->run != MAP_FAILED;
}

static void end(Trial *t)
{
    if (t->run != MAP_FAILED) {
        munmap(t->run, t->run_size);
    }
    if (t->vcpu >= 0) {
        close(t->vcpu);
    }
    if (t->vm >= 0) {
        close(t->vm);
    }
    if (t->ram != MAP_FAILED) {
        munmap(t->ram, RAM);
    }
}

static bool reports(Trial *t, const Try *y)
{
    static const uint8_t vector[4] = {HALT & 0xff, HALT >> 8, 0, 0};
    struct kvm_guest_debug d = {.control = KVM_GUESTDBG_ENABLE | y->control};
    struct kvm_regs regs = {.rip = CODE, .rflags = 2};
    struct kvm_sregs s;

    d.arch.debugreg[0] = y->dr0;
    d.arch.debugreg[7] = y->dr7;
    memcpy(t->ram + CODE, y->code, sizeof(y->code));
    memcpy(t->ram + 4 * 1, vector, sizeof(vector));
    memcpy(t->ram + 4 * 3, vector, sizeof(vector));
    t->ram[HALT] = 0xf4;
    if (kvm_ioctl(t->vcpu, KVM_GET_SREGS, &s) < 0) {
        return false;
    }
    s.cs.base = s.cs.selector = 0;
    if (kvm_ioctl(t->vcpu, KVM_SET_SREGS, &s) < 0 || kvm_ioctl(t->vcpu, KVM_SET_REGS, &regs) < 0 ||
        kvm_ioctl(t->vcpu, KVM_SET_GUEST_DEBUG, &d) < 0) {
        return false;
    }
    return kvm_ioctl(t->vcpu, KVM_RUN, NULL) == 0 && t->run->exit_reason == KVM_EXIT_DEBUG;
}

unsigned kvm_debug_trial(int dev_fd)
{
    unsigned found = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(tries); i++) {
        Trial t;
        if (begin(&t, dev_fd) && reports(&t, &tries[i])) {
            found |= tries[i].reports;
        }
        end(&t);
    }
    return found;
}
