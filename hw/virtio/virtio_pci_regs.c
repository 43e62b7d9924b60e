/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio over PCI: registers of the modern interface (virtio 1.2, 4.1.4) and of the legacy one
 * (4.1.4.8), and the window to them in configuration space (4.1.4.9).
 *
 * Doorbells take no lock here; the queue's core takes the one it needs.
 *
 * home: the machine's lock but for doorbells.
 */
#include <string.h>

#include "base/log.h"
#include "hw/virtio/virtio_pci_internal.h"

/* The modern BAR. */
#define COMMON_AT 0x0000
#define ISR_AT    0x1000
#define DEVICE_AT 0x2000
#define NOTIFY_AT 0x3000
#define AREA_SIZE 0x1000

enum { CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR, CAP_DEVICE, CAP_PCI }; /* cfg_type */
/* The capability's bytes */
#define CAP_BAR    4
#define CAP_OFFSET 8
#define CAP_LENGTH 12
#define CAP_DATA   16

/* Common configuration, 4.1.4.3 */
enum {
    DEVICE_FEATURE_SELECT = 0x00,
    DEVICE_FEATURE = 0x04,
    DRIVER_FEATURE_SELECT = 0x08,
    DRIVER_FEATURE = 0x0c,
    CONFIG_VECTOR = 0x10,
    NUM_QUEUES = 0x12,
    DEVICE_STATUS = 0x14,
    CONFIG_GENERATION = 0x15,
    QUEUE_SELECT = 0x16,
    QUEUE_SIZE = 0x18,
    QUEUE_VECTOR = 0x1a,
    QUEUE_ENABLE = 0x1c,
    QUEUE_NOTIFY_OFF = 0x1e,
    QUEUE_DESC = 0x20,
    QUEUE_DRIVER = 0x28,
    QUEUE_DEVICE = 0x30,
    COMMON_SIZE = 0x38,
};

/* Legacy header, 4.1.4.8 */
enum {
    LEGACY_HOST_FEATURES = 0,
    LEGACY_GUEST_FEATURES = 4,
    LEGACY_PFN = 8,
    LEGACY_SIZE = 12,
    LEGACY_SELECT = 14,
    LEGACY_NOTIFY = 16,
    LEGACY_STATUS = 18,
    LEGACY_ISR = 19,
    LEGACY_CONFIG_VECTOR = 20,
    LEGACY_QUEUE_VECTOR = 22,
    LEGACY_ALIGN = 4096,
};

static VirtioDevice *device(VirtioPci *p)
{
    return p->vbus.device;
}

static unsigned notify_stride(const VirtioPci *p)
{
    return p->page_per_vq ? 4096 : 4;
}

/* ---- what both interfaces have ---- */

static uint16_t checked_vector(const VirtioPci *p, uint64_t v)
{
    return v < p->pci.msix_vectors ? v : VIRTIO_NO_VECTOR;
}

static void set_status(VirtioPci *p, uint8_t status, bool modern)
{
    VirtioDevice *v = device(p);

    virtio_set_status(v, status, modern);
    if (!modern && (status & VIRTIO_DRIVER_OK) && !p->pci.bus_master) {
        /* Drivers of that time forgot bus mastering, and no device minded. */
        PciBus *root = pci_bus_root(p->pci.bus);
        pci_config_write(root, pci_bus_number(p->pci.bus), p->pci.devfn, 4, p->pci.config[4] | 4,
                         1);
    }
    if (status == 0) {
        p->device_feature_select = p->driver_feature_select = 0;
        p->queue_select = 0;
    }
}

/* ---- common configuration ---- */

static uint64_t features_half(uint64_t f, uint32_t select)
{
    return select == 0 ? (uint32_t)f : select == 1 ? f >> 32 : 0;
}

static uint32_t common_queue_read(VirtioPci *p, unsigned reg)
{
    VirtQueue *vq = virtio_queue(device(p), p->queue_select);

    if (!vq) {
        return reg == QUEUE_VECTOR ? VIRTIO_NO_VECTOR : 0;
    }
    switch (reg) {
    case QUEUE_SIZE:
        return vq->size;
    case QUEUE_VECTOR:
        return vq->vector;
    case QUEUE_ENABLE:
        return vq->enabled;
    case QUEUE_NOTIFY_OFF:
        return vq->index;
    default: /* addresses, in halves */
        return vq->addr[(reg - QUEUE_DESC) / 8] >> (reg & 4 ? 32 : 0);
    }
}

static uint32_t common_register(VirtioPci *p, unsigned reg)
{
    VirtioDevice *v = device(p);

    switch (reg) {
    case DEVICE_FEATURE_SELECT:
        return p->device_feature_select;
    case DEVICE_FEATURE:
        return features_half(virtio_host_features(v) & ~(virtio_bit(VIRTIO_F_NOTIFY_ON_EMPTY) |
                                                         virtio_bit(VIRTIO_F_ANY_LAYOUT)),
                             p->device_feature_select);
    case DRIVER_FEATURE_SELECT:
        return p->driver_feature_select;
    case DRIVER_FEATURE:
        return features_half(v->core->guest_features, p->driver_feature_select);
    case CONFIG_VECTOR:
        return v->core->config_vector;
    case NUM_QUEUES:
        return virtio_queue_count(v);
    case DEVICE_STATUS:
        return virtio_status(v);
    case CONFIG_GENERATION:
        return __atomic_load_n(&v->core->generation, __ATOMIC_SEQ_CST) & 0xff;
    case QUEUE_SELECT:
        return p->queue_select;
    default:
        return common_queue_read(p, reg);
    }
}

/* The register an offset belongs to, and its bytes. */
static unsigned common_at(unsigned offset, unsigned *size)
{
    if (offset < CONFIG_VECTOR || offset >= QUEUE_DESC) {
        *size = 4;
        return offset & ~3u;
    }
    if (offset == DEVICE_STATUS || offset == CONFIG_GENERATION) {
        *size = 1;
        return offset;
    }
    *size = 2;
    return offset & ~1u;
}

static uint64_t common_read(void *opaque, hwaddr offset, unsigned size)
{
    VirtioPci *p = opaque;
    uint64_t value = 0;

    for (unsigned i = 0; i < size;) {
        unsigned width;
        unsigned reg = common_at(offset + i, &width), lane = offset + i - reg;
        uint64_t v = offset + i < COMMON_SIZE ? common_register(p, reg) >> (8 * lane) : 0;
        unsigned n = MIN(width - lane, size - i);
        value |= (v & ((1ull << (8 * n)) - 1)) << (8 * i);
        i += n;
    }
    return value;
}

static void write_features(VirtioPci *p, uint32_t value)
{
    VirtioDevice *v = device(p);
    uint64_t f = v->core->guest_features;

    if (p->driver_feature_select == 0) {
        f = (f & ~(uint64_t)UINT32_MAX) | value;
    } else if (p->driver_feature_select == 1) {
        f = (f & UINT32_MAX) | (uint64_t)value << 32;
    }
    virtio_set_guest_features(v, f, true);
}

static void common_queue_write(VirtioPci *p, unsigned reg, uint32_t value)
{
    VirtQueue *vq = virtio_queue(device(p), p->queue_select);

    if (!vq) {
        return;
    }
    if (reg == QUEUE_VECTOR) {
        vq->vector = checked_vector(p, value);
        return;
    }
    if (vq->enabled) {
        log_mask(LOG_GUEST_ERROR, "%s: queue %u is in use\n", p->pci.dev.type->name, vq->index);
        return;
    }
    if (reg == QUEUE_SIZE) {
        vq->size = value;
    } else if (reg == QUEUE_ENABLE) {
        if (value == 1) {
            virtq_enable(vq);
        }
    } else if (reg >= QUEUE_DESC) {
        hwaddr *a = &vq->addr[(reg - QUEUE_DESC) / 8];
        *a = reg & 4 ? (*a & UINT32_MAX) | (hwaddr)value << 32 : (*a & ~(hwaddr)UINT32_MAX) | value;
    }
}

static void common_store(VirtioPci *p, unsigned reg, uint32_t value)
{
    VirtioDevice *v = device(p);

    switch (reg) {
    case DEVICE_FEATURE_SELECT:
        p->device_feature_select = value;
        break;
    case DRIVER_FEATURE_SELECT:
        p->driver_feature_select = value;
        break;
    case DRIVER_FEATURE:
        write_features(p, value);
        break;
    case CONFIG_VECTOR:
        v->core->config_vector = checked_vector(p, value);
        break;
    case DEVICE_STATUS:
        set_status(p, value, true);
        break;
    case QUEUE_SELECT:
        p->queue_select = value;
        break;
    case DEVICE_FEATURE:
    case NUM_QUEUES:
    case CONFIG_GENERATION:
    case QUEUE_NOTIFY_OFF:
        break;
    default:
        common_queue_write(p, reg, value);
    }
}

/* Writes have the register's size (4.1.3.1); what is wider is several of them. */
static void common_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size;) {
        unsigned width;
        unsigned reg = common_at(offset + i, &width);
        if (offset + i >= COMMON_SIZE || reg != offset + i || width > size - i) {
            log_mask(LOG_GUEST_ERROR, "virtio-pci: a write of %u bytes at 0x%x\n", size,
                     (int)offset);
            return;
        }
        common_store(opaque, reg, value >> (8 * i));
        i += width;
    }
}

/* ---- the other areas ---- */

static uint64_t isr_read(void *opaque, hwaddr offset, unsigned size)
{
    VirtioPci *p = opaque;

    if (offset) {
        return 0;
    }
    uint8_t isr = virtio_isr_take(device(p));
    device_update(&p->pci.dev);
    return isr;
}

static uint64_t device_read(void *opaque, hwaddr offset, unsigned size)
{
    return virtio_config_read(device(opaque), offset, size);
}

static void device_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    virtio_config_write(device(opaque), offset, value, size);
}

static uint64_t nothing_read(void *opaque, hwaddr offset, unsigned size)
{
    return 0;
}

static void nothing_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
}

static void notify_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    VirtioPci *p = opaque;

    virtio_notify_queue(device(p), offset / notify_stride(p));
}

static const IoOps common_ops = {common_read, common_write, .min_size = 1, .max_size = 4};
static const IoOps isr_ops = {isr_read, nothing_write, .min_size = 1, .max_size = 4};
static const IoOps device_ops = {device_read, device_write, .min_size = 1, .max_size = 4};
static const IoOps notify_ops = {nothing_read, notify_write, .min_size = 1, .max_size = 4,
                                 .lockless = true};

/* ---- legacy ---- */

static unsigned legacy_config_at(VirtioPci *p)
{
    return pci_msix_enabled(&p->pci) ? 24 : 20;
}

static uint32_t legacy_register(VirtioPci *p, unsigned reg)
{
    VirtioDevice *v = device(p);
    VirtQueue *vq = virtio_queue(v, p->queue_select);

    switch (reg) {
    case LEGACY_HOST_FEATURES:
        return (uint32_t)virtio_host_features(v);
    case LEGACY_GUEST_FEATURES:
        return (uint32_t)v->core->guest_features;
    case LEGACY_PFN:
        return vq ? vq->addr[AREA_DESC] / LEGACY_ALIGN : 0;
    case LEGACY_SIZE:
        return vq ? vq->size : 0;
    case LEGACY_SELECT:
        return p->queue_select;
    case LEGACY_STATUS:
        return virtio_status(v);
    case LEGACY_ISR: {
        uint8_t isr = virtio_isr_take(v);
        device_update(&p->pci.dev);
        return isr;
    }
    case LEGACY_CONFIG_VECTOR:
        return v->core->config_vector;
    case LEGACY_QUEUE_VECTOR:
        return vq ? vq->vector : VIRTIO_NO_VECTOR;
    default:
        return 0;
    }
}

static unsigned legacy_width(unsigned reg)
{
    return reg < LEGACY_SIZE ? 4 : reg == LEGACY_STATUS || reg == LEGACY_ISR ? 1 : 2;
}

static uint64_t legacy_read(void *opaque, hwaddr offset, unsigned size)
{
    VirtioPci *p = opaque;
    unsigned config = legacy_config_at(p);

    if (offset >= config) {
        return virtio_config_read(device(p), offset - config, size);
    }
    unsigned width = legacy_width(offset), reg = offset & ~(width - 1);
    return legacy_register(p, reg) >> (8 * (offset - reg));
}

static void legacy_pfn(VirtioPci *p, uint32_t pfn)
{
    VirtQueue *vq = virtio_queue(device(p), p->queue_select);

    if (pfn == 0) {
        set_status(p, 0, false);
    } else if (vq) {
        virtq_set_legacy(vq, (hwaddr)pfn * LEGACY_ALIGN, LEGACY_ALIGN);
    }
}

static void legacy_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    VirtioPci *p = opaque;
    VirtioDevice *v = device(p);
    VirtQueue *vq = virtio_queue(v, p->queue_select);
    unsigned config = legacy_config_at(p);

    if (offset >= config) {
        virtio_config_write(v, offset - config, value, size);
        return;
    }
    switch (offset) {
    case LEGACY_GUEST_FEATURES:
        virtio_set_guest_features(v, (uint32_t)value, false);
        break;
    case LEGACY_PFN:
        legacy_pfn(p, value);
        break;
    case LEGACY_SELECT:
        p->queue_select = value;
        break;
    case LEGACY_STATUS:
        set_status(p, value, false);
        break;
    case LEGACY_CONFIG_VECTOR:
        v->core->config_vector = checked_vector(p, value);
        break;
    case LEGACY_QUEUE_VECTOR:
        if (vq) {
            vq->vector = checked_vector(p, value);
        }
        break;
    }
}

static void legacy_notify(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    virtio_notify_queue(device(opaque), value & 0xffff);
}

static const IoOps legacy_ops = {legacy_read, legacy_write, .min_size = 1, .max_size = 4};
static const IoOps legacy_notify_ops = {nothing_read, legacy_notify, .min_size = 2, .max_size = 2,
                                        .lockless = true};

/* ---- doorbells ---- */

/* Two bytes are what drivers write (4.1.5.2); a store of another size is a kick, too, and comes to notify_write(). */
void virtio_pci_doorbell(void *opaque, unsigned queue, IoEvent *e, bool on)
{
    VirtioPci *p = opaque;
    MemEvent modern = {.offset = (hwaddr)queue * notify_stride(p), .size = 2, .event = e};
    MemEvent legacy = {.size = 2, .match = true, .value = queue, .event = e};
    void (*edit)(MemoryRegion *, const MemEvent *) = on ? region_add_event : region_remove_event;

    if (p->doorbells) {
        edit(p->doorbells, &modern);
    }
    if (p->legacy_doorbell) {
        edit(p->legacy_doorbell, &legacy);
    }
}

/* ---- the window in configuration space ---- */

typedef struct Access {
    const IoOps *ops;
    uint32_t offset;
    unsigned size;
} Access;

/* What the window shows; false: nothing. */
static bool window_target(VirtioPci *p, Access *a)
{
    const uint8_t *cap = p->pci.config + p->cfg_cap;
    uint32_t offset = ld_le32(cap + CAP_OFFSET), size = ld_le32(cap + CAP_LENGTH);

    if (cap[CAP_BAR] != 4 || (size != 1 && size != 2 && size != 4) || (offset & (size - 1)) ||
        !virtio_bus_device(&p->vbus)) {
        return false;
    }
    a->size = size;
    if (offset >= NOTIFY_AT) {
        a->ops = &notify_ops;
        a->offset = offset - NOTIFY_AT;
        return a->offset < notify_stride(p) * VIRTIO_MAX_QUEUES;
    }
    static const IoOps *const areas[] = {&common_ops, &isr_ops, &device_ops};
    a->ops = areas[offset / AREA_SIZE];
    a->offset = offset % AREA_SIZE;
    return true;
}

static bool touches_data(const VirtioPci *p, unsigned offset, unsigned size)
{
    unsigned data = p->cfg_cap + CAP_DATA;

    return p->cfg_cap && offset < data + 4 && offset + size > data;
}

void virtio_pci_window_written(VirtioPci *p, unsigned offset, unsigned size)
{
    Access a;

    if (touches_data(p, offset, size) && window_target(p, &a)) {
        a.ops->write(p, a.offset, ld_le_n(p->pci.config + p->cfg_cap + CAP_DATA, a.size), a.size);
        device_update(&p->pci.dev);
    }
}

void virtio_pci_window_read(VirtioPci *p, unsigned offset, unsigned size)
{
    Access a;

    if (touches_data(p, offset, size) && window_target(p, &a)) {
        st_le_n(p->pci.config + p->cfg_cap + CAP_DATA, a.size, a.ops->read(p, a.offset, a.size));
    }
}

/* ---- mapping ---- */

static unsigned add_cap(VirtioPci *p, unsigned type, uint32_t at, uint32_t length, unsigned more)
{
    unsigned size = 16 + more, cap = pci_add_cap(&p->pci, PCI_CAP_ID_VENDOR, size, 0);
    uint8_t *c = p->pci.config + cap;

    c[2] = size;
    c[3] = type;
    c[CAP_BAR] = type == CAP_PCI ? 0 : 4;
    st_le32(c + CAP_OFFSET, at);
    st_le32(c + CAP_LENGTH, length);
    return cap;
}

static void map_modern(VirtioPci *p, VirtioDevice *v)
{
    uint32_t notify = notify_stride(p) * VIRTIO_MAX_QUEUES;
    uint64_t size = p->page_per_vq ? 8u << 20 : 16u << 10;
    MemoryRegion *bar = region_new_container("virtio-pci", size);
    Device *d = &p->pci.dev;

    region_add(bar, COMMON_AT, device_io_region(d, "virtio-pci-common", &common_ops, AREA_SIZE), 0);
    region_add(bar, ISR_AT, device_io_region(d, "virtio-pci-isr", &isr_ops, AREA_SIZE), 0);
    region_add(bar, DEVICE_AT, device_io_region(d, "virtio-pci-device", &device_ops, AREA_SIZE), 0);
    p->doorbells = device_io_region(d, "virtio-pci-notify", &notify_ops, notify);
    region_add(bar, NOTIFY_AT, p->doorbells, 0);
    pci_bar(&p->pci, 4, bar, false, true, true);
    region_unref(bar);
    add_cap(p, CAP_COMMON, COMMON_AT, AREA_SIZE, 0);
    add_cap(p, CAP_ISR, ISR_AT, AREA_SIZE, 0);
    add_cap(p, CAP_DEVICE, DEVICE_AT, AREA_SIZE, 0);
    unsigned cap = add_cap(p, CAP_NOTIFY, NOTIFY_AT, notify, 4);
    st_le32(p->pci.config + cap + 16, notify_stride(p));
    p->cfg_cap = add_cap(p, CAP_PCI, 0, 0, 4);
    p->pci.wmask[p->cfg_cap + CAP_BAR] = 0xff;
    memset(p->pci.wmask + p->cfg_cap + CAP_OFFSET, 0xff, 12);
}

static void map_legacy(VirtioPci *p, VirtioDevice *v)
{
    uint64_t size = 32;
    Device *d = &p->pci.dev;

    while (size < 24 + v->cls->config_size) {
        size <<= 1;
    }
    MemoryRegion *r = device_io_region(d, "virtio-pci", &legacy_ops, size);
    p->legacy_doorbell = device_io_region(d, "virtio-pci-kick", &legacy_notify_ops, 2);
    region_add(r, LEGACY_NOTIFY, p->legacy_doorbell, 1);
    pci_bar(&p->pci, 0, r, true, false, false);
}

void virtio_pci_map(VirtioPci *p, VirtioDevice *v)
{
    if (p->legacy) {
        map_legacy(p, v);
    }
    if (p->modern) {
        map_modern(p, v);
    }
}
