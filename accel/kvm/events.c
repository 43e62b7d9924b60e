/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Doorbells that the kernel raises by itself (the API, KVM_IOEVENTFD): those of both address spaces' views.
 *
 * They come and go while vCPUs run. A store before that or after it comes out of the guest and reaches the device, so
 * there is no moment at which it would be lost. What the kernel refuses (there is room for some hundreds) stays that way.
 *
 * home: any thread.
 */
#include <string.h>

#include "accel/kvm/kvm.h"
#include "core/ioevent.h"

/* One that the kernel has. */
typedef struct KvmEvent {
    MemEvent e; /* offset: the address */
    int fd;
    bool port;
} KvmEvent;

typedef struct Wanted {
    GArray *events; /* KvmEvent without descriptors */
    bool port;
} Wanted;

void kvm_events_init(KvmMachine *km)
{
    pthread_mutex_init(&km->event_lock, NULL);
    km->events = g_array_new(FALSE, FALSE, sizeof(KvmEvent));
    km->ioeventfd = kvm_has(km->fd, KVM_CAP_IOEVENTFD);
}

void kvm_events_fini(KvmMachine *km)
{
    if (km->events) {
        g_array_free(km->events, TRUE); /* the kernel's end with the virtual machine */
        pthread_mutex_destroy(&km->event_lock);
    }
}

static bool assign(KvmMachine *km, const KvmEvent *k, bool on)
{
    struct kvm_ioeventfd req = {
        .datamatch = k->e.value,
        .addr = k->e.offset,
        .len = k->e.size,
        .fd = k->fd,
        .flags = (k->e.match ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0) | (k->port ? KVM_IOEVENTFD_FLAG_PIO : 0) |
                 (on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN),
    };

    return kvm_ioctl(km->fd, KVM_IOEVENTFD, &req) == 0;
}

static bool same(const KvmEvent *a, const KvmEvent *b)
{
    return a->port == b->port && a->e.offset == b->e.offset && a->e.size == b->e.size && a->e.match == b->e.match &&
           a->e.value == b->e.value && a->e.event == b->e.event;
}

static bool contains(const GArray *list, const KvmEvent *k)
{
    for (guint i = 0; i < list->len; i++) {
        if (same(&g_array_index(list, KvmEvent, i), k)) {
            return true;
        }
    }
    return false;
}

static void want(const MemEvent *e, void *opaque)
{
    Wanted *w = opaque;
    KvmEvent k = {.e = *e, .fd = -1, .port = w->port};

    g_array_append_val(w->events, k);
}

/* Under event_lock. What goes first makes room for what comes to its place. */
static void apply(KvmMachine *km, const GArray *wanted)
{
    for (guint i = km->events->len; i-- > 0;) {
        KvmEvent *k = &g_array_index(km->events, KvmEvent, i);
        if (!contains(wanted, k)) {
            assign(km, k, false);
            g_array_remove_index_fast(km->events, i);
        }
    }
    km->events_refused = 0;
    for (guint i = 0; i < wanted->len; i++) {
        KvmEvent k = g_array_index(wanted, KvmEvent, i);
        if (contains(km->events, &k)) {
            continue;
        }
        k.fd = io_event_fd(k.e.event);
        if (k.fd >= 0 && assign(km, &k, true)) {
            g_array_append_val(km->events, k);
        } else {
            km->events_refused++;
        }
    }
}

void kvm_events_update(KvmMachine *km)
{
    Wanted w = {.events = g_array_new(FALSE, FALSE, sizeof(KvmEvent))};

    if (km->ioeventfd) {
        pthread_mutex_lock(&km->event_lock);
        address_space_foreach_event(machine_memory(km->machine), want, &w);
        w.port = true;
        address_space_foreach_event(machine_ports(km->machine), want, &w);
        apply(km, w.events);
        pthread_mutex_unlock(&km->event_lock);
    }
    g_array_free(w.events, TRUE);
}

void kvm_events_withdraw(KvmMachine *km)
{
    g_autoptr(GArray) none = g_array_new(FALSE, FALSE, sizeof(KvmEvent));

    pthread_mutex_lock(&km->event_lock);
    apply(km, none);
    pthread_mutex_unlock(&km->event_lock);
}

void kvm_events_info(KvmMachine *km, GString *out)
{
    pthread_mutex_lock(&km->event_lock);
    g_string_append_printf(out, "doorbells: %u by the kernel, %u refused\n", km->events->len, km->events_refused);
    pthread_mutex_unlock(&km->event_lock);
}
