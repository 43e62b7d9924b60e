/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x86: the kernel's table of routes (the API, KVM_SET_GSI_ROUTING): pins of I/O APICs, whose ends of interrupts it tells, and
 * messages that a write to an eventfd sends (KVM_IRQFD).
 *
 * The eventfds are the kernel's while it has the local APICs. The lock makes a message go to one place: who sends holds it
 * for reading, and who takes the eventfds back for writing; KVM_IRQFD gives one back when all that was written is delivered.
 *
 * home: as core/accel.h says of AccelMsiOps.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "accel/kvm/kvm.h"

#define MSI_WINDOW 0xfeeull /* bits 63:20 of the addresses that local APICs take (SDM vol 3, 11.11.1) */

struct AccelMsi {
    KvmMachine *km;
    int fd;
    uint32_t gsi;
    uint64_t addr;
    uint32_t data;
    bool set;      /* has a message */
    bool assigned; /* the kernel listens */
};

void kvm_routes_init(KvmMachine *km)
{
    pthread_rwlock_init(&km->route_lock, NULL);
    km->routes = g_ptr_array_new();
}

void kvm_routes_fini(KvmMachine *km)
{
    g_assert(!km->routes->len);
    g_ptr_array_free(km->routes, TRUE);
    pthread_rwlock_destroy(&km->route_lock);
}

static void add_entry(GArray *table, uint32_t gsi, uint64_t addr, uint32_t data)
{
    struct kvm_irq_routing_entry e = {
        .gsi = gsi,
        .type = KVM_IRQ_ROUTING_MSI,
        .u.msi = {.address_lo = (uint32_t)addr, .address_hi = addr >> 32, .data = data},
    };

    g_array_append_val(table, e);
}

/* Under route_lock, for writing. */
static bool commit(KvmMachine *km)
{
    g_autoptr(GArray) table = g_array_new(FALSE, FALSE, sizeof(struct kvm_irq_routing_entry));

    g_array_set_size(table, 1); /* the table's head is smaller than an entry: it takes the end of this one's place */
    if (km->irqchip == KVM_IRQCHIP_ON) {
        struct kvm_irq_routing_entry chips[KVM_CHIP_ROUTES];
        g_array_append_vals(table, chips, kvm_chip_routes(chips));
    }
    for (unsigned n = 0; n < APIC_PINS_MAX && km->irqchip != KVM_IRQCHIP_ON; n++) {
        if (km->pins[n].level) {
            add_entry(table, n, km->pins[n].addr, km->pins[n].data);
        }
    }
    for (guint i = 0; i < km->routes->len; i++) {
        const AccelMsi *r = km->routes->pdata[i];
        if (r->set) {
            add_entry(table, r->gsi, r->addr, r->data);
        }
    }
    struct kvm_irq_routing *head =
        (void *)(table->data + sizeof(struct kvm_irq_routing_entry) - sizeof(struct kvm_irq_routing));
    *head = (struct kvm_irq_routing){.nr = table->len - 1};
    if (kvm_ioctl(km->fd, KVM_SET_GSI_ROUTING, head) < 0) {
        warn_report("KVM_SET_GSI_ROUTING: %s", g_strerror(errno));
        return false;
    }
    return true;
}

void kvm_routes_set_pins(KvmMachine *km, const ApicPin *pins)
{
    pthread_rwlock_wrlock(&km->route_lock);
    memcpy(km->pins, pins, sizeof(km->pins));
    commit(km);
    pthread_rwlock_unlock(&km->route_lock);
}

/* ---- messages ---- */

/* Under route_lock, for writing. */
static void listen_to(AccelMsi *r, bool on)
{
    struct kvm_irqfd req = {.fd = r->fd, .gsi = r->gsi, .flags = on ? 0 : KVM_IRQFD_FLAG_DEASSIGN};

    if (r->assigned != on && (r->set || !on)) {
        r->assigned = kvm_ioctl(r->km->fd, KVM_IRQFD, &req) == 0 ? on : false;
    }
}

void kvm_routes_listen(KvmMachine *km, bool on)
{
    pthread_rwlock_wrlock(&km->route_lock);
    km->routes_live = on;
    for (guint i = 0; i < km->routes->len; i++) {
        listen_to(km->routes->pdata[i], on);
    }
    pthread_rwlock_unlock(&km->route_lock);
}

static bool gsi_used(const KvmMachine *km, uint32_t gsi)
{
    for (guint i = 0; i < km->routes->len; i++) {
        if (((const AccelMsi *)km->routes->pdata[i])->gsi == gsi) {
            return true;
        }
    }
    return false;
}

static AccelMsi *msi_open(Machine *m)
{
    KvmMachine *km = kvm_of(m);
    uint32_t gsi = APIC_PINS_MAX, end = kvm_has(km->fd, KVM_CAP_IRQ_ROUTING);

    if (km->irqchip == KVM_IRQCHIP_OFF || !kvm_has(km->fd, KVM_CAP_IRQFD)) {
        return NULL;
    }
    while (gsi < end && gsi_used(km, gsi)) { /* changes with the machine locked */
        gsi++;
    }
    int fd = gsi < end ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
    if (fd < 0) {
        return NULL;
    }
    AccelMsi *r = g_new0(AccelMsi, 1);
    r->km = km;
    r->fd = fd;
    r->gsi = gsi;
    pthread_rwlock_wrlock(&km->route_lock);
    g_ptr_array_add(km->routes, r);
    pthread_rwlock_unlock(&km->route_lock);
    return r;
}

static bool msi_set(AccelMsi *r, uint64_t addr, uint32_t data)
{
    KvmMachine *km = r->km;
    bool ok = addr >> 20 == MSI_WINDOW;

    pthread_rwlock_wrlock(&km->route_lock);
    if (ok && (!r->set || r->addr != addr || r->data != data)) {
        r->addr = addr;
        r->data = data;
        r->set = true;
        ok = commit(km);
    }
    if (ok && km->routes_live) {
        listen_to(r, true);
    }
    pthread_rwlock_unlock(&km->route_lock);
    return ok;
}

static bool msi_send(AccelMsi *r)
{
    pthread_rwlock_rdlock(&r->km->route_lock);
    bool ok = r->assigned && eventfd_write(r->fd, 1) == 0;
    pthread_rwlock_unlock(&r->km->route_lock);
    if (ok) {
        __atomic_fetch_add(&r->km->routed, 1, __ATOMIC_RELAXED);
    }
    return ok;
}

static void msi_close(AccelMsi *r)
{
    KvmMachine *km = r->km;

    pthread_rwlock_wrlock(&km->route_lock);
    listen_to(r, false);
    g_ptr_array_remove(km->routes, r);
    commit(km);
    pthread_rwlock_unlock(&km->route_lock);
    close(r->fd);
    g_free(r);
}

const AccelMsiOps kvm_msi = {.open = msi_open, .set = msi_set, .send = msi_send, .close = msi_close};
