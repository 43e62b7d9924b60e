/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What boards ask of a GIC of either version: see gic.h.
 *
 * home: main loop, while the machine is built.
 */
#include "hw/intc/gic.h"

#include "hw/intc/gicv2.h"
#include "hw/intc/gicv3.h"

static bool is_v2(const Device *gic)
{
    g_assert(gic->type == &arm_gic_type || gic->type == &arm_gicv3_type);
    return gic->type == &arm_gic_type;
}

MemoryRegion *gic_region(Device *gic, GicRegion which, bool secure)
{
    return is_v2(gic) ? gicv2_region((Gicv2 *)gic, which, secure) : gicv3_region((Gicv3 *)gic, which, secure);
}

Irq gic_spi(Device *gic, unsigned n)
{
    g_assert(n + 32 < (is_v2(gic) ? ((Gicv2 *)gic)->num_irq : ((Gicv3 *)gic)->num_irq));
    return (Irq){is_v2(gic) ? gicv2_set_spi : gicv3_set_spi, gic, n};
}

Irq gic_ppi(Device *gic, unsigned cpu, unsigned intid)
{
    g_assert(intid >= 16 && intid < 32 && cpu < (is_v2(gic) ? ((Gicv2 *)gic)->num_cpu : ((Gicv3 *)gic)->num_cpu));
    return (Irq){is_v2(gic) ? gicv2_set_ppi : gicv3_set_ppi, gic, cpu * 32 + intid};
}

void gic_set_cpu_view(Device *gic, void (*view)(Cpu *cpu, ArmIntcView *out))
{
    if (!is_v2(gic)) {
        ((Gicv3 *)gic)->view = view;
    }
}
