/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Direct boot of a kernel on an Arm board: Linux Image (also compressed with gzip), zImage, ELF, or a plain binary.
 *
 * As with hw/machine/boot/boot.h a file is read and checked once; the plan is carried out at every reset.
 * home: main loop.
 */
#ifndef HW_MACHINE_BOOT_ARM_H
#define HW_MACHINE_BOOT_ARM_H

#include "hw/machine/boot/boot.h"

/* A kernel and where everything goes. */
typedef struct ArmKernel {
    BootPlan *plan;        /* kernel and initrd; its x86 state is not used */
    bool is_linux;           /* entered by Linux's protocol, else just at entry as after a reset */
    bool aarch64;
    uint64_t entry;
    uint64_t initrd, initrd_size;
    uint64_t dtb;          /* where the device tree goes; UINT64_MAX: no room for one */
    const char *append;    /* of the configuration; or NULL */
} ArmKernel;

/*
 * -kernel and -initrd on a board whose RAM is [base, base + size) and whose first processor starts in AArch64 or not. false
 * with *errp: one line that says what is wrong with the file and what to do.
 */
bool arm_kernel_plan(const MachineConfig *cfg, uint64_t base, uint64_t size, bool aarch64, ArmKernel *k, Error **errp);
void arm_kernel_clear(ArmKernel *k);
/* At reset: memory; then, with the tree in place, the first processor's registers. */
void arm_kernel_start(const ArmKernel *k, Machine *m);

#endif
