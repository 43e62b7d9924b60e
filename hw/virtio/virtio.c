/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtio device whatever its transport: status, features, configuration, kicks and turns,
 * reset, stop and resume. Virtio 1.2, chapters 2 and 3; the legacy interface as its sections say.
 *
 * Left out: RING_RESET, IN_ORDER, notification data, shared memory regions (none is offered).
 *
 * Locks: the control side (registers of the transport, reset, save) holds the machine's lock and
 * takes the device's own inside it, if there is one. The data side (kicks, completions) holds the
 * device's lock only.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/trace.h"
#include "hw/virtio/core.h"

#define TURN 128 /* requests of one queue before others are looked at */

/* ---- locks ---- */

void virtio_lock(VirtioDevice *v)
{
    if (v->core->iothread) {
        pthread_mutex_lock(&v->core->lock);
    } else {
        g_assert(machine_locked(v->dev.machine));
    }
}

void virtio_unlock(VirtioDevice *v)
{
    if (v->core->iothread) {
        pthread_mutex_unlock(&v->core->lock);
    }
}

void virtio_lock_hook(void *device)
{
    VirtioDevice *v = device;

    if (v->core->iothread) {
        pthread_mutex_lock(&v->core->lock);
    } else {
        machine_lock(v->dev.machine);
    }
}

void virtio_unlock_hook(void *device)
{
    VirtioDevice *v = device;

    if (v->core->iothread) {
        pthread_mutex_unlock(&v->core->lock);
    } else {
        machine_unlock(v->dev.machine);
    }
}

/* ---- what is known of it ---- */

VirtQueue *virtio_queue(VirtioDevice *v, unsigned n)
{
    return n < v->core->n_queues ? v->core->queue[n] : NULL;
}

unsigned virtio_queue_count(const VirtioDevice *v)
{
    return v->core->n_queues;
}

unsigned virtio_auto_queues(const VirtioDevice *v)
{
    unsigned n = v->transport->auto_queues ? v->transport->auto_queues(v->transport_opaque) : 1;

    return MIN(n, VIRTIO_MAX_QUEUES - 8);
}

bool virtio_has_feature(const VirtioDevice *v, unsigned bit)
{
    return v->core->guest_features & virtio_bit(bit);
}

bool virtio_is_modern(const VirtioDevice *v)
{
    return virtio_has_feature(v, VIRTIO_F_VERSION_1);
}

bool virtio_driver_ok(const VirtioDevice *v)
{
    return v->core->started && !v->core->broken;
}

bool virtio_broken(const VirtioDevice *v)
{
    return v->core->broken;
}

bool virtio_dma_enabled(const VirtioDevice *v)
{
    return v->transport->dma_enabled(v->transport_opaque);
}

const VirtqLayout *virtq_layout_of(const VirtioDevice *v)
{
    return virtio_has_feature(v, VIRTIO_F_RING_PACKED) ? &virtq_packed : &virtq_split;
}

static bool speaks(const VirtioDevice *v, bool always, bool (*asks)(void *))
{
    return asks ? asks(v->transport_opaque) : always;
}

uint64_t virtio_host_features(const VirtioDevice *v)
{
    const VirtioTransportOps *t = v->transport;
    bool modern = speaks(v, t->modern, t->has_modern), legacy = speaks(v, t->legacy, t->has_legacy);
    uint64_t f = v->cls->features ? v->cls->features((VirtioDevice *)v) : 0;

    f |= v->event_idx ? virtio_bit(VIRTIO_F_EVENT_IDX) : 0;
    f |= v->indirect_desc ? virtio_bit(VIRTIO_F_INDIRECT_DESC) : 0;
    if (modern) {
        f |= virtio_bit(VIRTIO_F_VERSION_1);
        f |= v->packed ? virtio_bit(VIRTIO_F_RING_PACKED) : 0;
        f |= v->iommu_platform ? virtio_bit(VIRTIO_F_ACCESS_PLATFORM) : 0;
    }
    if (legacy) {
        f |= v->any_layout ? virtio_bit(VIRTIO_F_ANY_LAYOUT) : 0;
        f |= v->notify_on_empty ? virtio_bit(VIRTIO_F_NOTIFY_ON_EMPTY) : 0;
    }
    return f;
}

/* ---- errors ---- */

void virtio_error(VirtioDevice *v, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    if (v->core->broken) {
        return;
    }
    log_mask(LOG_GUEST_ERROR, "%s: %s; it waits for a reset\n", v->dev.type->name, text);
    v->core->broken = true;
    if (virtio_is_modern(v)) {
        v->core->status |= VIRTIO_NEEDS_RESET;
        virtio_config_changed(v);
    }
}

/* ---- configuration ---- */

void virtio_config_changed(VirtioDevice *v)
{
    VirtioCore *core = v->core;

    __atomic_fetch_add(&core->generation, 1, __ATOMIC_SEQ_CST);
    if (core->status & VIRTIO_DRIVER_OK) {
        __atomic_fetch_or(&core->isr, VIRTIO_ISR_CONFIG, __ATOMIC_SEQ_CST);
        v->transport->config_changed(v->transport_opaque, core->config_vector);
    }
}

unsigned virtio_config_len(VirtioDevice *v)
{
    unsigned n = v->cls->config_len ? v->cls->config_len(v) : v->cls->config_size;

    return MIN(n, v->cls->config_size);
}

static void fetch_config(VirtioDevice *v)
{
    if (v->cls->get_config) {
        memset(v->core->config, 0, v->cls->config_size);
        v->cls->get_config(v, v->core->config);
    }
}

uint64_t virtio_config_read(VirtioDevice *v, uint32_t offset, unsigned size)
{
    uint64_t value = 0;

    virtio_lock(v);
    unsigned len = virtio_config_len(v);
    fetch_config(v);
    for (unsigned i = 0; i < size; i++) {
        uint64_t at = (uint64_t)offset + i;
        value |= (uint64_t)(at < len ? v->core->config[at] : 0) << (8 * i);
    }
    virtio_unlock(v);
    return value;
}

void virtio_config_write(VirtioDevice *v, uint32_t offset, uint64_t value, unsigned size)
{
    if (!v->cls->set_config) {
        return;
    }
    virtio_lock(v);
    unsigned len = virtio_config_len(v);
    fetch_config(v);
    if ((uint64_t)offset + size <= len) {
        for (unsigned i = 0; i < size; i++) {
            v->core->config[offset + i] = value >> (8 * i);
        }
        v->cls->set_config(v, v->core->config);
    }
    virtio_unlock(v);
}

uint8_t virtio_isr_take(VirtioDevice *v)
{
    return __atomic_exchange_n(&v->core->isr, 0, __ATOMIC_SEQ_CST);
}

/* ---- kicks ---- */

/* The device's lock is held. */
void virtio_run_queue(VirtQueue *vq)
{
    VirtioDevice *v = vq->v;

    __atomic_store_n(&vq->pending, 0, __ATOMIC_SEQ_CST);
    if (!virtq_ready(vq) || v->core->shut || v->core->stopped || !virtio_dma_enabled(v)) {
        return;
    }
    vq->more = false;
    vq->budget = TURN;
    v->cls->kick(v, vq);
    vq->budget = UINT_MAX;
}

static void run_pending(VirtioDevice *v)
{
    VirtioCore *core = v->core;

    __atomic_store_n(&core->any_pending, 0, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < core->n_queues; i++) {
        if (__atomic_load_n(&core->queue[i]->pending, __ATOMIC_SEQ_CST)) {
            virtio_run_queue(core->queue[i]);
        }
    }
}

static void bell_rang(void *opaque)
{
    VirtioDevice *v = opaque;

    virtio_lock(v);
    run_pending(v);
    virtio_unlock(v);
}

static void later_came(void *opaque)
{
    VirtioDevice *v = opaque;

    machine_lock(v->dev.machine);
    run_pending(v);
    device_update(&v->dev);
    machine_unlock(v->dev.machine);
}

void virtio_kick_later(VirtQueue *vq)
{
    VirtioCore *core = vq->v->core;

    __atomic_store_n(&vq->pending, 1, __ATOMIC_SEQ_CST);
    if (core->iothread) {
        iothread_kick(core->bell);
    } else if (!__atomic_exchange_n(&core->any_pending, 1, __ATOMIC_SEQ_CST)) {
        loop_timer_arm(core->later, 0);
    }
}

static void start(VirtioDevice *v);

TRACE_EVENT(virtio_kick, "%s queue %u");

void virtio_notify_queue(VirtioDevice *v, unsigned n)
{
    VirtQueue *vq = virtio_queue(v, n);
    Machine *m = v->dev.machine;

    if (!vq) {
        return;
    }
    trace(virtio_kick, v->dev.type->name, n);
    if (v->core->iothread && __atomic_load_n(&v->core->started, __ATOMIC_ACQUIRE)) {
        virtio_kick_later(vq);
        return;
    }
    bool lock = !machine_locked(m);
    if (lock) {
        machine_lock(m);
    }
    virtio_lock(v);
    /* Old drivers kick before they say DRIVER_OK (3.1.2). */
    bool early = !v->core->started && !virtio_is_modern(v) && (v->core->status & VIRTIO_DRIVER);
    if (early) {
        start(v);
    }
    virtio_run_queue(vq);
    virtio_unlock(v);
    if (early) {
        virtio_doorbells_update(v);
    }
    if (lock) {
        machine_unlock(m);
    }
}

/* ---- life: status and features ---- */

void virtio_set_guest_features(VirtioDevice *v, uint64_t features, bool modern)
{
    VirtioCore *core = v->core;

    if (core->status & (VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK)) {
        log_mask(LOG_GUEST_ERROR, "%s: features are settled already\n", v->dev.type->name);
        return;
    }
    core->guest_features = features;
    core->features_modern = modern;
    if (!modern) { /* nothing will check them later */
        core->guest_features &= virtio_host_features(v) & UINT32_MAX;
    }
}

/* Would FEATURES_OK be true? */
bool virtio_features_ok(const VirtioDevice *v)
{
    uint64_t f = v->core->guest_features;

    if (f & ~virtio_host_features(v)) {
        return false;
    }
    return !v->core->features_modern || (f & virtio_bit(VIRTIO_F_VERSION_1));
}

void virtio_kick_all(VirtioDevice *v)
{
    for (unsigned i = 0; i < v->core->n_queues; i++) {
        if (v->core->queue[i]->enabled) {
            virtio_kick_later(v->core->queue[i]);
        }
    }
}

static void start(VirtioDevice *v)
{
    __atomic_store_n(&v->core->started, true, __ATOMIC_RELEASE);
    if (v->cls->driver_ok) {
        v->cls->driver_ok(v);
    }
    virtio_kick_all(v); /* some were kicked too early */
}

uint8_t virtio_status(const VirtioDevice *v)
{
    return v->core->status;
}

TRACE_EVENT(virtio_status, "%s 0x%02x");

void virtio_set_status(VirtioDevice *v, uint8_t status, bool modern)
{
    VirtioCore *core = v->core;

    trace(virtio_status, v->dev.type->name, status);
    if (!status) {
        virtio_reset(v);
        return;
    }
    virtio_lock(v);
    uint8_t news = status & ~core->status;
    if ((news & VIRTIO_FEATURES_OK) && modern && !virtio_features_ok(v)) {
        log_mask(LOG_GUEST_ERROR, "%s: features 0x%" PRIx64 " are not acceptable\n",
                 v->dev.type->name, core->guest_features);
        status &= ~VIRTIO_FEATURES_OK;
    }
    core->status = status | (core->status & VIRTIO_NEEDS_RESET);
    if ((core->status & VIRTIO_DRIVER_OK) && !core->started) {
        if (modern && !(core->status & VIRTIO_FEATURES_OK)) {
            core->status &= ~VIRTIO_DRIVER_OK;
        } else {
            start(v);
        }
    }
    virtio_unlock(v);
    virtio_doorbells_update(v);
}

static void wipe(VirtioDevice *v)
{
    VirtioCore *core = v->core;

    v->cls->reset(v);
    for (unsigned i = 0; i < core->n_queues; i++) {
        virtq_wipe(core->queue[i]);
    }
    core->status = 0;
    __atomic_store_n(&core->isr, 0, __ATOMIC_SEQ_CST);
    core->guest_features = 0;
    core->config_vector = VIRTIO_NO_VECTOR;
    core->broken = core->features_modern = false;
    __atomic_store_n(&core->started, false, __ATOMIC_RELEASE);
}

void virtio_reset(VirtioDevice *v)
{
    virtio_lock(v);
    wipe(v);
    virtio_unlock(v);
    virtio_doorbells_update(v);
}

void virtio_reset_hold(Device *d)
{
    VirtioDevice *v = (VirtioDevice *)d;

    if (v->core && v->transport) {
        virtio_reset(v);
        __atomic_store_n(&v->core->generation, 0, __ATOMIC_SEQ_CST);
    }
}

/* ---- queues' registers ---- */

static bool size_ok(const VirtQueue *vq)
{
    return vq->size && vq->size <= vq->max_size &&
           (vq->layout == &virtq_packed || is_pow2(vq->size));
}

void virtq_enable(VirtQueue *vq)
{
    VirtioDevice *v = vq->v;

    virtio_lock(v);
    vq->layout = virtq_layout_of(v);
    if (!vq->enabled && size_ok(vq)) {
        vq->enabled = true;
        vq->mapped = false;
    } else if (!vq->enabled) {
        virtio_error(v, "queue %u: it cannot have %u entries", vq->index, vq->size);
    }
    virtio_unlock(v);
    virtio_doorbells_update(v);
}

void virtq_set_legacy(VirtQueue *vq, hwaddr addr, uint32_t align)
{
    VirtioDevice *v = vq->v;

    virtio_lock(v);
    vq->layout = &virtq_split;
    vq->addr[AREA_DESC] = addr;
    vq->addr[AREA_DRIVER] = addr + 16ull * vq->size;
    vq->addr[AREA_DEVICE] =
        (vq->addr[AREA_DRIVER] + 6 + 2ull * vq->size + align - 1) & -(hwaddr)align;
    vq->align = align;
    vq->mapped = false;
    vq->enabled = addr && size_ok(vq);
    virtio_unlock(v);
    virtio_doorbells_update(v);
}

void virtq_disable(VirtQueue *vq)
{
    virtio_lock(vq->v);
    vq->enabled = false;
    virtio_unlock(vq->v);
    virtio_doorbells_update(vq->v);
}

/* ---- the machine stops and runs ---- */

static void run_state_changed(void *opaque, Machine *m, RunState now, bool running)
{
    VirtioDevice *v = opaque;

    machine_lock(m);
    virtio_lock(v);
    v->core->stopped = !running;
    if (running && v->core->started) {
        virtio_kick_all(v);
    }
    virtio_unlock(v);
    machine_unlock(m);
}

/* ---- setting up ---- */

bool virtio_setup(VirtioDevice *v, const VirtioClass *cls, Error **errp)
{
    if (!v->transport) {
        error_set(errp, ERR_GENERIC, "'%s' needs a virtio transport", v->dev.type->name);
        return false;
    }
    v->cls = cls;
    v->core = g_new0(VirtioCore, 1);
    v->core->config = g_malloc0(cls->config_size + 1);
    v->core->config_vector = VIRTIO_NO_VECTOR;
    pthread_mutex_init(&v->core->lock, NULL);
    v->core->later = loop_timer_new(machine_loop(v->dev.machine), later_came, v);
    machine_add_run_state_notifier(v->dev.machine, run_state_changed, v);
    return true;
}

VirtQueue *virtio_add_queue(VirtioDevice *v, unsigned size)
{
    VirtioCore *core = v->core;
    VirtQueue *vq = g_new0(VirtQueue, 1);

    g_assert(core->n_queues < VIRTIO_MAX_QUEUES && is_pow2(size) && size <= VIRTQ_MAX_SIZE);
    vq->v = v;
    vq->index = core->n_queues;
    vq->max_size = size;
    g_queue_init(&vq->replay);
    virtq_wipe(vq);
    core->queue[core->n_queues++] = vq;
    return vq;
}

bool virtio_set_iothread(VirtioDevice *v, IoThread *t, Error **errp)
{
    g_assert(!v->dev.realized && !v->core->iothread);
    if (!t) {
        return true;
    }
    if (!v->transport->kicks_threads(v->transport_opaque)) {
        error_set(errp, ERR_INVALID_PARAMETER, "iothread= needs ioeventfd=on");
        error_hint(errp, "with ioeventfd=off a kick is served on the vCPU that makes it");
        return false;
    }
    v->core->bell = iothread_doorbell_new(t, bell_rang, v);
    v->core->iothread = t;
    object_ref((Object *)t);
    return true;
}

void virtio_shut(VirtioDevice *v)
{
    Machine *m = v->dev.machine;

    if (!v->core || v->core->shut) {
        return;
    }
    machine_lock(m);
    virtio_lock(v);
    v->core->shut = true;
    wipe(v);
    virtio_unlock(v);
    virtio_doorbells_update(v);
    machine_unlock(m);
    virtio_doorbells_free(v);
    machine_remove_run_state_notifier(m, run_state_changed, v);
    loop_remove(v->core->later);
    iothread_doorbell_free(v->core->bell);
    v->core->later = NULL;
    v->core->bell = NULL;
}

void virtio_teardown(VirtioDevice *v)
{
    VirtioCore *core = v->core;

    if (!core) {
        return;
    }
    virtio_shut(v);
    for (unsigned i = 0; i < core->n_queues; i++) {
        g_free(core->queue[i]);
    }
    if (core->iothread) {
        object_unref((Object *)core->iothread);
    }
    pthread_mutex_destroy(&core->lock);
    g_free(core->config);
    g_clear_pointer(&v->core, g_free);
}
