/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What boards ask of a GIC of either version: see gic.h.
 *
 * home: main loop, while the machine is built.
 */
#include "hw/intc/gic.h"

#include "hw/intc/gicv2.h"

static Gicv2 *v2(Device *gic)
{
    g_assert(gic->type == &arm_gic_type);
    return (Gicv2 *)gic;
}

MemoryRegion *gic_region(Device *gic, GicRegion which, bool secure)
{
    return gicv2_region(v2(gic), which, secure);
}

Irq gic_spi(Device *gic, unsigned n)
{
    g_assert(n + 32 < v2(gic)->num_irq);
    return (Irq){gicv2_set_spi, gic, n};
}

Irq gic_ppi(Device *gic, unsigned cpu, unsigned intid)
{
    g_assert(intid >= 16 && intid < 32 && cpu < v2(gic)->num_cpu);
    return (Irq){gicv2_set_ppi, gic, cpu * 32 + intid};
}

void gic_set_cpu_view(Device *gic, void (*view)(Cpu *cpu, ArmIntcView *out))
{
    (void)v2(gic); /* it has no system registers */
}
