/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio over MMIO: one slot of 512 bytes with an interrupt line. Virtio 1.2, 4.2 (version 2) and
 * 4.2.4 (legacy, version 1; force-legacy, which is the default as QEMU's).
 *
 * Left out: shared memory regions, notification data.
 *
 * outputs: 0 = interrupt, level.  home: the machine's lock; doorbells: any thread.
 */
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "hw/virtio/bus.h"
#include "hw/virtio/core.h"
#include "hw/virtio/virtio_mmio.h"

#define MAGIC  0x74726976 /* "virt" */
#define VENDOR 0x554d4551 /* QEMU's: drivers show it */

enum { /* registers, 4.2.2 and 4.2.4 */
       R_MAGIC = 0x000,
       R_VERSION = 0x004,
       R_DEVICE_ID = 0x008,
       R_VENDOR_ID = 0x00c,
       R_DEVICE_FEATURES = 0x010,
       R_DEVICE_FEATURES_SEL = 0x014,
       R_DRIVER_FEATURES = 0x020,
       R_DRIVER_FEATURES_SEL = 0x024,
       R_GUEST_PAGE_SIZE = 0x028,
       R_QUEUE_SEL = 0x030,
       R_QUEUE_NUM_MAX = 0x034,
       R_QUEUE_NUM = 0x038,
       R_QUEUE_ALIGN = 0x03c,
       R_QUEUE_PFN = 0x040,
       R_QUEUE_READY = 0x044,
       R_QUEUE_NOTIFY = 0x050,
       R_INTERRUPT_STATUS = 0x060,
       R_INTERRUPT_ACK = 0x064,
       R_STATUS = 0x070,
       R_QUEUE_DESC = 0x080,
       R_QUEUE_DRIVER = 0x090,
       R_QUEUE_DEVICE = 0x0a0,
       R_SHM_LENGTH = 0x0b0,
       R_SHM_BASE = 0x0b8,
       R_GENERATION = 0x0fc,
       R_CONFIG = 0x100,
};

typedef struct VirtioMmio {
    Device dev;
    /* properties */
    bool force_legacy, ioeventfd;
    uint64_t base;
    uint32_t number;
    /* saved */
    uint32_t device_features_sel, driver_features_sel, queue_sel, page_size;
    /* host */
    VirtioBus vbus;
    MemoryRegion *doorbell;
    GSource *irq; /* main loop: look at the line */
    char *name;
} VirtioMmio;

static VirtioDevice *device(VirtioMmio *s)
{
    return virtio_bus_device(&s->vbus);
}

/* ---- the transport ---- */

static void mmio_notify(void *opaque, unsigned vector)
{
    VirtioMmio *s = opaque;

    if (machine_locked(s->dev.machine)) {
        device_update(&s->dev);
    } else {
        loop_timer_arm(s->irq, 0);
    }
}

static void irq_later(void *opaque)
{
    VirtioMmio *s = opaque;

    machine_lock(s->dev.machine);
    device_update(&s->dev);
    machine_unlock(s->dev.machine);
}

static AddressSpace *mmio_dma(void *opaque)
{
    return machine_memory(((VirtioMmio *)opaque)->dev.machine);
}

static bool mmio_dma_enabled(void *opaque)
{
    return true;
}

static bool mmio_modern(void *opaque)
{
    return !((VirtioMmio *)opaque)->force_legacy;
}

static bool mmio_legacy(void *opaque)
{
    return ((VirtioMmio *)opaque)->force_legacy;
}

static bool kicks_threads(void *opaque)
{
    return ((VirtioMmio *)opaque)->ioeventfd;
}

static void doorbell(void *opaque, unsigned queue, IoEvent *e, bool on)
{
    VirtioMmio *s = opaque;
    MemEvent kick = {.size = 4, .match = true, .value = queue, .event = e};

    (on ? region_add_event : region_remove_event)(s->doorbell, &kick);
}

static const VirtioTransportOps transport = {
    .kicks_threads = kicks_threads,
    .doorbell = doorbell,
    .notify = mmio_notify,
    .config_changed = mmio_notify,
    .dma = mmio_dma,
    .dma_enabled = mmio_dma_enabled,
    .has_modern = mmio_modern,
    .has_legacy = mmio_legacy,
};

static void mmio_outputs(Device *d)
{
    VirtioMmio *s = (VirtioMmio *)d;
    VirtioDevice *v = device(s);

    if (d->n_out) {
        irq_set(d->out[0], v && __atomic_load_n(&v->core->isr, __ATOMIC_SEQ_CST));
    }
}

/* ---- reads ---- */

static uint32_t features_half(const VirtioMmio *s, VirtioDevice *v)
{
    uint64_t f = virtio_host_features(v);

    if (s->force_legacy) {
        return s->device_features_sel ? 0 : (uint32_t)f;
    }
    return s->device_features_sel == 0 ? (uint32_t)f : s->device_features_sel == 1 ? f >> 32 : 0;
}

static uint32_t modern_only(VirtioMmio *s, VirtioDevice *v, VirtQueue *vq, unsigned reg)
{
    if (s->force_legacy) {
        return 0;
    }
    switch (reg) {
    case R_QUEUE_READY:
        return vq && vq->enabled;
    case R_GENERATION:
        return __atomic_load_n(&v->core->generation, __ATOMIC_SEQ_CST);
    case R_SHM_LENGTH: /* no such region: -1 */
    case R_SHM_LENGTH + 4:
    case R_SHM_BASE:
    case R_SHM_BASE + 4:
        return UINT32_MAX;
    default:
        return 0;
    }
}

static uint32_t register_read(VirtioMmio *s, VirtioDevice *v, unsigned reg)
{
    VirtQueue *vq = virtio_queue(v, s->queue_sel);

    switch (reg) {
    case R_DEVICE_FEATURES:
        return features_half(s, v);
    case R_QUEUE_NUM_MAX:
        return vq ? vq->max_size : 0;
    case R_QUEUE_PFN:
        return s->force_legacy && vq && s->page_size ? vq->addr[AREA_DESC] / s->page_size : 0;
    case R_INTERRUPT_STATUS:
        return __atomic_load_n(&v->core->isr, __ATOMIC_SEQ_CST);
    case R_STATUS:
        return virtio_status(v);
    default:
        return modern_only(s, v, vq, reg);
    }
}

static uint64_t mmio_read(void *opaque, hwaddr offset, unsigned size)
{
    VirtioMmio *s = opaque;
    VirtioDevice *v = device(s);

    if (offset >= R_CONFIG) {
        return v ? virtio_config_read(v, offset - R_CONFIG, size) : 0;
    }
    if (size != 4 || (offset & 3)) {
        log_mask(LOG_GUEST_ERROR, "virtio-mmio: a read of %u bytes at 0x%x\n", size, (int)offset);
        return 0;
    }
    switch (offset) {
    case R_MAGIC:
        return MAGIC;
    case R_VERSION:
        return s->force_legacy ? 1 : 2;
    case R_VENDOR_ID:
        return VENDOR;
    case R_DEVICE_ID:
        return v ? v->cls->id : 0; /* 0: nothing in this slot */
    default:
        return v ? register_read(s, v, offset) : 0;
    }
}

/* ---- writes ---- */

static void driver_features(VirtioMmio *s, VirtioDevice *v, uint32_t value)
{
    uint64_t f = v->core->guest_features;

    if (s->force_legacy) {
        if (s->driver_features_sel == 0) {
            virtio_set_guest_features(v, value, false);
        }
        return;
    }
    if (s->driver_features_sel == 0) {
        f = (f & ~(uint64_t)UINT32_MAX) | value;
    } else if (s->driver_features_sel == 1) {
        f = (f & UINT32_MAX) | (uint64_t)value << 32;
    }
    virtio_set_guest_features(v, f, true);
}

static void reset(VirtioMmio *s, VirtioDevice *v)
{
    virtio_reset(v);
    /* Not the page size: drivers write it before they reset the device (Linux does). */
    s->device_features_sel = s->driver_features_sel = s->queue_sel = 0;
}

static void legacy_queue_write(VirtioMmio *s, VirtioDevice *v, VirtQueue *vq, unsigned reg,
                               uint32_t value)
{
    if (reg == R_QUEUE_ALIGN) {
        if (is_pow2(value) && value >= 4) {
            vq->align = value;
        }
    } else if (value == 0) {
        reset(s, v);
    } else if (s->page_size) {
        virtq_set_legacy(vq, (hwaddr)value * s->page_size, vq->align ? vq->align : 4096);
    }
}

static void modern_queue_write(VirtQueue *vq, unsigned reg, uint32_t value)
{
    if (reg == R_QUEUE_READY) {
        if (value & 1) {
            virtq_enable(vq);
        } else {
            virtq_disable(vq);
        }
        return;
    }
    if (reg < R_QUEUE_DESC || reg > R_QUEUE_DEVICE + 4 || (reg & 8) || vq->enabled) {
        return;
    }
    hwaddr *a = &vq->addr[(reg - R_QUEUE_DESC) / 16];
    *a = reg & 4 ? (*a & UINT32_MAX) | (hwaddr)value << 32 : (*a & ~(hwaddr)UINT32_MAX) | value;
}

static void queue_write(VirtioMmio *s, VirtioDevice *v, unsigned reg, uint32_t value)
{
    VirtQueue *vq = virtio_queue(v, s->queue_sel);

    if (!vq) {
        return;
    }
    if (reg == R_QUEUE_NUM) {
        if (!vq->enabled) {
            vq->size = MIN(value, UINT16_MAX);
        }
    } else if (reg == R_QUEUE_ALIGN || reg == R_QUEUE_PFN) {
        if (s->force_legacy) {
            legacy_queue_write(s, v, vq, reg, value);
        }
    } else if (!s->force_legacy) {
        modern_queue_write(vq, reg, value);
    }
}

static void register_write(VirtioMmio *s, VirtioDevice *v, unsigned reg, uint32_t value)
{
    switch (reg) {
    case R_DEVICE_FEATURES_SEL:
        s->device_features_sel = value;
        break;
    case R_DRIVER_FEATURES_SEL:
        s->driver_features_sel = value;
        break;
    case R_DRIVER_FEATURES:
        driver_features(s, v, value);
        break;
    case R_GUEST_PAGE_SIZE:
        s->page_size = s->force_legacy && is_pow2(value) ? value : 0;
        break;
    case R_QUEUE_SEL:
        s->queue_sel = value;
        break;
    case R_INTERRUPT_ACK:
        __atomic_fetch_and(&v->core->isr, ~value, __ATOMIC_SEQ_CST);
        break;
    case R_STATUS:
        if (value & 0xff) {
            virtio_set_status(v, value, !s->force_legacy);
        } else {
            reset(s, v);
        }
        break;
    default:
        queue_write(s, v, reg, value);
    }
}

static void mmio_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    VirtioMmio *s = opaque;
    VirtioDevice *v = device(s);

    if (!v) {
        return;
    }
    if (offset >= R_CONFIG) {
        virtio_config_write(v, offset - R_CONFIG, value, size);
    } else if (size == 4 && !(offset & 3)) {
        register_write(s, v, offset, value);
    } else {
        log_mask(LOG_GUEST_ERROR, "virtio-mmio: a write of %u bytes at 0x%x\n", size, (int)offset);
    }
}

static uint64_t kick_read(void *opaque, hwaddr offset, unsigned size)
{
    return 0;
}

static void kick_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    VirtioMmio *s = opaque;
    VirtioDevice *v = device(s);

    if (v && size == 4) {
        virtio_notify_queue(v, value);
    }
}

static const IoOps mmio_ops = {mmio_read, mmio_write, .min_size = 1, .max_size = 4};
static const IoOps kick_ops = {kick_read, kick_write, .min_size = 1, .max_size = 4,
                               .lockless = true};

/* ---- setting up ---- */

static bool mmio_realize(Device *d, Error **errp)
{
    VirtioMmio *s = (VirtioMmio *)d;

    s->name = g_strdup_printf("virtio-mmio-bus.%u", s->number);
    virtio_bus_init(&s->vbus, d, s->name, &transport);
    s->irq = loop_timer_new(machine_loop(d->machine), irq_later, s);
    MemoryRegion *r = device_io_region(d, "virtio-mmio", &mmio_ops, VIRTIO_MMIO_SIZE);
    s->doorbell = device_io_region(d, "virtio-mmio-kick", &kick_ops, 4);
    region_add(r, R_QUEUE_NOTIFY, s->doorbell, 1);
    region_add(machine_memory_root(d->machine), s->base, r, 0);
    return true;
}

static void mmio_unrealize(Device *d)
{
    VirtioMmio *s = (VirtioMmio *)d;

    if (s->vbus.device) {
        virtio_shut(s->vbus.device);
    }
    loop_remove(s->irq);
    s->irq = NULL;
    virtio_bus_fini(&s->vbus);
    g_clear_pointer(&s->name, g_free);
}

static bool mmio_post_load(Device *d, int version, Error **errp)
{
    VirtioMmio *s = (VirtioMmio *)d;

    if (s->page_size && !is_pow2(s->page_size)) {
        error_set(errp, ERR_GENERIC, "virtio-mmio: a page size in the saved state makes no sense");
        return false;
    }
    return true;
}

static const Property mmio_props[] = {
    PROP(VirtioMmio, PROP_BOOL, force_legacy, "force-legacy", true,
         "the legacy interface (version 1) instead of the current one"),
    PROP(VirtioMmio, PROP_BOOL, ioeventfd, "ioeventfd", true,
         "kicks are served on the device's I/O thread or the main loop; iothread= needs it"),
    PROP(VirtioMmio, PROP_U64, base, "base", 0, "guest-physical address; the board's choice"),
    PROP(VirtioMmio, PROP_U32, number, "number", 0, "of its bus, in the name"),
    {0},
};

static const StateField mmio_state[] = {
    STATE(VirtioMmio, STATE_U32, device_features_sel, 0),
    STATE(VirtioMmio, STATE_U32, driver_features_sel, 0),
    STATE(VirtioMmio, STATE_U32, queue_sel, 0),
    STATE(VirtioMmio, STATE_U32, page_size, 0),
    HOST_ONLY(VirtioMmio, vbus),
    HOST_ONLY(VirtioMmio, doorbell),
    HOST_ONLY(VirtioMmio, irq),
    HOST_ONLY(VirtioMmio, name),
    {0},
};

static const DeviceType mmio_type = {
    .name = "virtio-mmio",
    .help = "slot for a virtio device in memory space",
    .bus = "sysbus",
    .size = sizeof(VirtioMmio),
    .version = 1,
    .props = mmio_props,
    .state = mmio_state,
    .realize = mmio_realize,
    .unrealize = mmio_unrealize,
    .outputs = mmio_outputs,
    .post_load = mmio_post_load,
};
DEVICE_TYPE(mmio_type);

Device *virtio_mmio_new(Machine *m, hwaddr base, unsigned number, bool legacy, Irq irq, Error **errp)
{
    Device *d = device_new(m, &mmio_type, NULL, NULL);

    device_set_u64(d, "base", base);
    device_set_u64(d, "number", number);
    device_set_u64(d, "force-legacy", legacy);
    device_connect(d, 0, irq);
    if (!device_realize(d, errp)) {
        device_free(d);
        return NULL;
    }
    return d;
}

bool virtio_mmio_base(Device *d, hwaddr *base)
{
    if (d->type != &mmio_type) {
        return false;
    }
    *base = ((VirtioMmio *)d)->base;
    return true;
}
