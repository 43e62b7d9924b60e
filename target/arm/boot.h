/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What boards need of Arm processors: wires, entry state of directly loaded kernels.
 */
#ifndef TARGET_ARM_BOOT_H
#define TARGET_ARM_BOOT_H

#include "base/error.h"
#include "core/cpu.h"
#include "core/irq.h"
#include "target/arm/feature.h"

/*
 * Input pins: what an interrupt controller drives. Any thread. CPU_REQ_INTR and CPU_REQ_NMI (FIQ) are set by these, the
 * virtual ones by CPU_REQ_VIRQ and CPU_REQ_VFIQ.
 */
enum { ARM_PIN_IRQ, ARM_PIN_FIQ, ARM_PIN_VIRQ, ARM_PIN_VFIQ };
Irq arm_cpu_pin(Cpu *cpu, int pin);

/* Generic timer outputs, level, to be wired to the board's PPIs; driven with the machine locked. */
enum { ARM_TIMER_PHYS, ARM_TIMER_VIRT, ARM_TIMER_HYP, ARM_TIMER_SEC, ARM_TIMER_HYPVIRT, ARM_TIMER__COUNT };
void arm_cpu_connect_timer(Cpu *cpu, int timer, Irq to);
void arm_cpu_connect_pmu(Cpu *cpu, Irq to);
/* GIC maintenance interrupt is the GIC's own. */

/* What a board decides of its processors, over their models. */
typedef struct ArmBoardCpu {
    bool el2, el3;          /* false: the model's level is left out; true: it stays if the model has it */
    bool mte;               /* there is memory for allocation tags: FEAT_MTE stays; false: it is left out */
    ArmPsciConduit psci;    /* PSCI calls that come in this way are answered; the others go to the guest's own */
    bool start_powered_off; /* after reset it waits for PSCI's CPU_ON */
} ArmBoardCpu;
/*
 * After cpu_create() and before arm_cpu_boot_info(): the processor's features and ID registers become what is left.
 * An error: mte, and the model has no such extension. home: main loop, machine being built.
 */
bool arm_cpu_configure(Cpu *cpu, const ArmBoardCpu *board, Error **errp);

typedef struct ArmBootInfo {
    bool aarch64;
    bool has_el2, has_el3, has_pmu;
    uint8_t pa_bits;        /* physical address size */
    const char *compatible; /* device tree "arm,cortex-a72" */
    uint64_t mpidr;         /* affinity fields */
} ArmBootInfo;
void arm_cpu_boot_info(Cpu *cpu, ArmBootInfo *out);

/*
 * Power-on state for a kernel loaded directly (Linux Documentation/arch/arm64/booting.rst, arm/booting.rst): at the
 * highest Non-secure level, MMU off, x0..x3 (r0..r3) = args. The other processors wait for PSCI.
 */
void arm_cpu_boot_kernel(Cpu *cpu, uint64_t entry, const uint64_t args[4]);

/*
 * Interrupt controllers: CpuIntcOps.sysreg_read/write get the A64_SYSREG encodings of ICC_*, ICV_* and ICH_* registers
 * (A32 accesses are mapped to the same before). State of the processor that they need:
 */
typedef struct ArmIntcView {
    unsigned el;
    bool secure, a32;
    uint64_t hcr, scr; /* as in effect */
} ArmIntcView;
void arm_cpu_intc_view(Cpu *cpu, ArmIntcView *out); /* on its thread */

#endif
