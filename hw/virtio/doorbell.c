/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kicks that need no vCPU: each queue that a driver has set up has an event (core/ioevent.h), which the transport attaches
 * to the place where drivers ring for it (ioeventfd=on). An accelerator may then raise the event without leaving the
 * guest; the queue is served where the device is at home, its I/O thread or the main loop.
 *
 * Why no kick is lost: the event has its reader from its first moment until the device ends, whoever may ring; where it
 * is not attached, the store reaches the transport as ever. A kick that is found while the queue is not to be served
 * (machine stopped, bus mastering off) is made up for by virtio_kick_all() afterwards.
 *
 * home: the machine's lock; events on their loop.
 */
#include "base/trace.h"
#include "hw/virtio/core.h"

TRACE_EVENT(virtio_event, "%s queue %u");

static void event_came(void *opaque)
{
    VirtQueue *vq = opaque;
    VirtioDevice *v = vq->v;

    trace(virtio_event, v->dev.type->name, vq->index);
    virtio_lock_hook(v);
    virtio_run_queue(vq);
    if (!v->core->iothread) {
        device_update(&v->dev);
    }
    virtio_unlock_hook(v);
}

static void attach(VirtQueue *vq, bool on)
{
    VirtioDevice *v = vq->v;

    if (on && !vq->event) {
        vq->event = io_event_new(v->dev.machine, v->core->iothread, event_came, vq);
    }
    v->transport->doorbell(v->transport_opaque, vq->index, vq->event, on);
    vq->attached = on;
}

void virtio_doorbells_update(VirtioDevice *v)
{
    VirtioCore *core = v->core;
    bool live = core->started && !core->shut && v->transport->kicks_threads(v->transport_opaque);

    if (!v->transport->doorbell) {
        return;
    }
    mem_transaction_begin(v->dev.machine);
    for (unsigned i = 0; i < core->n_queues; i++) {
        VirtQueue *vq = core->queue[i];
        bool on = live && vq->enabled;
        if (on != vq->attached) {
            attach(vq, on);
        }
    }
    mem_transaction_commit(v->dev.machine);
}

void virtio_doorbells_free(VirtioDevice *v)
{
    for (unsigned i = 0; i < v->core->n_queues; i++) {
        VirtQueue *vq = v->core->queue[i];
        io_event_free(vq->event);
        vq->event = NULL;
    }
}
