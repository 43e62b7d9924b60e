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

static bool same(const void *a, const void *b)
{
    const KvmEvent *j = a, *k = b;

    return j->port == k->port && j->e.offset == k->e.offset && j->e.size == k->e.size && j->e.match == k->e.match &&
           j->e.value == k->e.value && j->e.event == k->e.event;
}

static bool set_event(KvmMachine *km, void *event, bool on)
{
    KvmEvent *k = event;

    k->fd = on ? io_event_fd(k->e.event) : k->fd;
    struct kvm_ioeventfd req = {
        .datamatch = k->e.value,
        .addr = k->e.offset,
        .len = k->e.size,
        .fd = k->fd,
        .flags = (k->e.match ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0) | (k->port ? KVM_IOEVENTFD_FLAG_PIO : 0) |
                 (on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN),
    };
    return k->fd >= 0 && kvm_ioctl(km->fd, KVM_IOEVENTFD, &req) == 0;
}

static void want(const MemEvent *e, void *opaque)
{
    Wanted *w = opaque;
    KvmEvent k = {.e = *e, .fd = -1, .port = w->port};

    g_array_append_val(w->events, k);
}

/* Under event_lock. */
static void apply(KvmMachine *km, const GArray *wanted)
{
    km->events_refused = kvm_list_become(km, km->events, wanted, same, set_event);
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
