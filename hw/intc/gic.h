/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm generic interrupt controllers: GICv2 (IHI 0048B) and GICv3 (IHI 0069), their MSI frame and ITS, as boards see them.
 *
 * A board makes its processors, then one "arm_gic" or "arm-gicv3" (properties below), realizes it, adds its regions to the
 * memory map, connects its outputs to the processors' pins, tells it how to look at a processor, and connects devices to
 * its inputs:
 *
 *   Device *gic = device_new(m, &arm_gicv3_type, NULL, NULL);
 *   device_set_u64(gic, "num-cpu", n);          // processors 0..n-1 of the machine, there already; Cpu.arch_id: affinity
 *   device_set_u64(gic, "num-irq", 256 + 32);   // SGIs, PPIs and SPIs, a multiple of 32
 *   device_set_u64(gic, "has-security-extensions", secure);
 *   device_set_u64(gic, "has-virtualization-extensions", el2);
 *   device_set_u64(gic, "irq-reset-nonsecure", direct);      // a kernel is started without the Secure firmware: as that
 *                                                            // would have left it, all interrupts in Group 1 Non-secure
 *   device_set_u64(gic, "has-lpi", its);                     // GICv3
 *   device_set_u64(gic, "redist-region-count[0]", n0);       // GICv3, processors of each window; not set: one for all
 *   device_set_u64(gic, "redist-region-count[1]", n1);
 *   device_realize(gic, errp);
 *   region_add(root, 0x08000000, gic_region(gic, GIC_REGION_DIST, false), 0);
 *   region_add(secure_root, 0x08000000, gic_region(gic, GIC_REGION_DIST, true), 1); // with the security extension only
 *   for each cpu, pin: device_connect(gic, gic_out(cpu, pin), arm_cpu_pin(cpu, pin));
 *   gic_set_cpu_view(gic, arm_cpu_intc_view);
 *
 * The maintenance interrupt of the virtualization extensions arrives as PPI GIC_MAINTENANCE_INTID by itself.
 *
 * home: inputs from any thread; messages from any thread; the rest is the main loop's, while the machine is built. Lock
 * order: the machine's lock, then the GIC's, then the processors' leaf locks.
 */
#ifndef HW_INTC_GIC_H
#define HW_INTC_GIC_H

#include "core/accel.h"
#include "core/device.h"
#include "target/arm/boot.h"

extern const DeviceType arm_gic_type;        /* "arm_gic": GICv2, up to 8 processors */
extern const DeviceType arm_gicv3_type;      /* "arm-gicv3" */
extern const DeviceType arm_gicv2m_type;     /* "arm-gicv2m": makes SPIs of PCI messages */
extern const DeviceType arm_gicv3_its_type;  /* "arm-gicv3-its": makes LPIs of PCI messages */

#define GIC_MAX_IRQ 1020
#define GICV2_MAX_CPUS 8
#define GICV3_MAX_CPUS 512
#define GIC_MAINTENANCE_INTID 25 /* PPI of the virtualization extensions */

/* What software sees of a GIC in memory. Sizes: region_size(). */
typedef enum GicRegion {
    GIC_REGION_DIST,      /* both: distributor, GICD_* */
    GIC_REGION_CPU,       /* v2: GICC_* */
    GIC_REGION_HYP,       /* v2: GICH_*, with has-virtualization-extensions */
    GIC_REGION_VCPU,      /* v2: GICV_*, likewise */
    GIC_REGION_REDIST0,   /* v3: GICR_*, 128 KiB a processor; further windows follow: GIC_REGION_REDIST0 + n */
    GIC_REGION_REDIST1,
    GIC_REGION_REDIST2,
    GIC_REGION_REDIST3,
    GIC_REGION__COUNT,
} GicRegion;
/*
 * The region, to be added to the memory map by the board; it stays the device's. NULL: this GIC has no such one. secure: as
 * Secure accesses see it, which is another region when the GIC has the security extension, else NULL.
 */
MemoryRegion *gic_region(Device *gic, GicRegion which, bool secure);

/* Number of the output wire to a pin (ARM_PIN_*) of a processor. */
static inline int gic_out(int cpu, int pin)
{
    return cpu * 4 + pin;
}
/* Shared peripheral interrupt n (INTID 32 + n). The wire's level is latched; edge or level is up to GICD_ICFGR. */
Irq gic_spi(Device *gic, unsigned n);
/* Private peripheral interrupt of a processor by its INTID, 16..31. */
Irq gic_ppi(Device *gic, unsigned cpu, unsigned intid);
/* How the system register interface looks at a processor: arm_cpu_intc_view(); tests have their own. */
void gic_set_cpu_view(Device *gic, void (*view)(Cpu *cpu, ArmIntcView *out));

/*
 * The accelerator has its own GIC, and with it an ITS if that has a place (AccelArmOps): after gic_set_cpu_view(), with all
 * processors there. From then on inputs and messages go there; the state comes from there before it is saved or told, and
 * goes there at reset and when it was loaded. The members of where that are for moving machines are set here.
 */
bool gic_lend(Device *gic, const AccelArmOps *to, const AccelArmGic *where, Error **errp);

/*
 * PCI messages: both are a PciMsiFn. opaque is the "arm-gicv2m" or "arm-gicv3-its" device, which maps its registers itself
 * at its property "base". Messages to an address that is not its doorbell are dropped with a note to the log.
 *
 * arm-gicv2m: properties "base", "base-spi" (n of gic_spi), "num-spi"; connect its outputs 0..num-spi-1 to gic_spi()s.
 * arm-gicv3-its: properties "base", "parent-gicv3" (link: an arm-gicv3 with has-lpi).
 */
void gicv2m_message(void *opaque, uint16_t requester, uint64_t addr, uint32_t data);
void gicv3_its_message(void *opaque, uint16_t requester, uint64_t addr, uint32_t data);

#endif
