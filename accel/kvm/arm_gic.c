/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The GIC and its ITS in the kernel (Linux, Documentation/virt/kvm/devices/arm-vgic.rst, arm-vgic-v3.rst, arm-vgic-its.rst).
 * Their state's meaning is hw/intc's matter; here registers are moved.
 *
 * home: main loop; lines and messages: any thread.
 */
#include <errno.h>
#include <unistd.h>

#include "accel/kvm/kvm_arm.h"
#include "base/log.h"

#define REDIST_COUNT_SHIFT 52 /* of KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION: processors, address, number */

static int create_device(int vm, uint32_t type, uint32_t flags)
{
    struct kvm_create_device d = {.type = type, .flags = flags};

    return kvm_ioctl(vm, KVM_CREATE_DEVICE, &d) < 0 ? -1 : flags ? 0 : (int)d.fd;
}

static bool device_attr(int fd, uint32_t group, uint64_t attr, void *val, bool write)
{
    struct kvm_device_attr a = {.group = group, .attr = attr, .addr = (uintptr_t)val};

    return kvm_ioctl(fd, write ? KVM_SET_DEVICE_ATTR : KVM_GET_DEVICE_ATTR, &a) == 0;
}

unsigned kvm_arm_gic_versions(Machine *m)
{
    int vm = kvm_of(m)->fd;

    return (create_device(vm, KVM_DEV_TYPE_ARM_VGIC_V2, KVM_CREATE_DEVICE_TEST) == 0 ? 1u << 2 : 0) |
           (create_device(vm, KVM_DEV_TYPE_ARM_VGIC_V3, KVM_CREATE_DEVICE_TEST) == 0 ? 1u << 3 : 0);
}

/* ---- making them ---- */

static bool place(int fd, uint64_t type, uint64_t addr)
{
    return device_attr(fd, KVM_DEV_ARM_VGIC_GRP_ADDR, type, &addr, true);
}

static bool place_v3(int fd, const AccelArmGic *g)
{
    bool ok = place(fd, KVM_VGIC_V3_ADDR_TYPE_DIST, g->dist);

    for (uint64_t i = 0; i < 2 && ok; i++) {
        if (g->redist[i].count) {
            ok = place(fd, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION,
                       (uint64_t)g->redist[i].count << REDIST_COUNT_SHIFT | g->redist[i].base | i);
        }
    }
    return ok;
}

static bool place_v2(int fd, const AccelArmGic *g)
{
    return place(fd, KVM_VGIC_V2_ADDR_TYPE_DIST, g->dist) && place(fd, KVM_VGIC_V2_ADDR_TYPE_CPU, g->cpu);
}

static bool begin(int fd)
{
    return device_attr(fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL, true);
}

static bool open_its(KvmArm *a, uint64_t base, Error **errp)
{
    a->its_fd = create_device(a->km.fd, KVM_DEV_TYPE_ARM_VGIC_ITS, 0);
    if (a->its_fd < 0 || !place(a->its_fd, KVM_VGIC_ITS_ADDR_TYPE, base) || !begin(a->its_fd)) {
        error_set_errno(errp, errno, "KVM cannot make an interrupt translation service");
        error_hint(errp, "-M virt,its=off does without");
        return false;
    }
    return true;
}

bool kvm_arm_gic_open(Machine *m, const AccelArmGic *g, Error **errp)
{
    KvmArm *a = kvm_arm_of(m);
    uint32_t irqs = g->irqs;
    bool v3 = g->version == 3;

    a->gic = *g;
    a->gic_fd = create_device(a->km.fd, v3 ? KVM_DEV_TYPE_ARM_VGIC_V3 : KVM_DEV_TYPE_ARM_VGIC_V2, 0);
    if (a->gic_fd < 0 || !device_attr(a->gic_fd, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &irqs, true) ||
        !(v3 ? place_v3 : place_v2)(a->gic_fd, g) || !begin(a->gic_fd)) {
        error_set_errno(errp, errno, "KVM cannot make a GICv%d", g->version);
        return false;
    }
    return g->its == UINT64_MAX || open_its(a, g->its, errp);
}

/* ---- using them ---- */

void kvm_arm_gic_line(Machine *m, unsigned intid, bool level)
{
    struct kvm_irq_level line = {.irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | intid, .level = level};

    if (kvm_ioctl(kvm_of(m)->fd, KVM_IRQ_LINE, &line) < 0) {
        warn_report("KVM_IRQ_LINE of interrupt %u: %s", intid, g_strerror(errno));
    }
}

bool kvm_arm_gic_access(Machine *m, AccelGicRegs kind, unsigned cpu, uint32_t reg, uint64_t *val, bool write)
{
    static const uint32_t v3_group[] = {KVM_DEV_ARM_VGIC_GRP_DIST_REGS, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
                                        KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS};
    const KvmArm *a = kvm_arm_of(m);
    bool v3 = a->gic.version == 3;
    uint64_t who = v3 ? machine_cpu(m, (int)cpu)->arch_id & 0xffffff : cpu;
    uint32_t group = v3 ? v3_group[kind] : kind == ACCEL_GIC_CPU ? KVM_DEV_ARM_VGIC_GRP_CPU_REGS
                                                                 : KVM_DEV_ARM_VGIC_GRP_DIST_REGS;
    uint32_t word = (uint32_t)*val;
    bool wide = group == KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS;
    bool ok = device_attr(a->gic_fd, group, who << KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT | reg, wide ? (void *)val : &word, write);

    *val = wide ? *val : word;
    return ok;
}

void kvm_arm_its_reset(Machine *m)
{
    const KvmArm *a = kvm_arm_of(m);

    if (a->its_fd >= 0 && !device_attr(a->its_fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_CTRL_RESET, NULL, true)) {
        warn_report("KVM does not reset the interrupt translation service: %s", g_strerror(errno));
    }
}

bool kvm_arm_its_access(Machine *m, uint32_t reg, uint64_t *val, bool write)
{
    return device_attr(kvm_arm_of(m)->its_fd, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, reg, val, write);
}

bool kvm_arm_its_tables(Machine *m, bool restore)
{
    return device_attr(kvm_arm_of(m)->its_fd, KVM_DEV_ARM_VGIC_GRP_CTRL,
                       restore ? KVM_DEV_ARM_ITS_RESTORE_TABLES : KVM_DEV_ARM_ITS_SAVE_TABLES, NULL, true);
}

bool kvm_arm_lpis_to_memory(Machine *m)
{
    return device_attr(kvm_arm_of(m)->gic_fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES, NULL, true);
}

void kvm_arm_its_message(Machine *m, uint16_t requester, uint64_t addr, uint32_t data)
{
    struct kvm_msi msi = {.address_lo = (uint32_t)addr, .address_hi = (uint32_t)(addr >> 32), .data = data,
                          .flags = KVM_MSI_VALID_DEVID, .devid = requester};

    if (kvm_ioctl(kvm_of(m)->fd, KVM_SIGNAL_MSI, &msi) < 0) {
        log_mask(LOG_GUEST_ERROR, "a PCI message of %04x to %016" G_GINT64_MODIFIER "x reaches no ITS\n", requester,
                 (guint64)addr);
    }
}
