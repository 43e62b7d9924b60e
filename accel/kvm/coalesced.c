/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stores that do not bring a vCPU out of the guest (the API, KVM_REGISTER_COALESCED_MMIO): the kernel puts them on a ring,
 * one for all vCPUs of the virtual machine, in the order in which they were made.
 *
 * They may only be such whose effect no processor can see before some vCPU comes out (IoOps.late): whoever comes out brings
 * all of them to their devices before anything else, so what it came out for finds the devices as they should be, and
 * when all vCPUs are parked nothing waits. Others who access devices ask for it. A full ring lets stores come out as always.
 *
 * The kernel's zones match every store that lies in them, of whatever size: single registers in the middle cannot be
 * left out. That is why PCI's address port CF8h, which has the reset register CF9h in it, is none.
 *
 * home: any thread.
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "accel/kvm/kvm.h"

typedef struct kvm_coalesced_mmio_ring Ring;
typedef struct kvm_coalesced_mmio_zone Zone;

typedef struct Wanted {
    GArray *zones; /* Zone */
    bool port;
} Wanted;

/* ---- which stores ---- */

void kvm_late_init(KvmMachine *km)
{
    uint64_t page = sysconf(_SC_PAGESIZE);
    int at = kvm_has(km->fd, KVM_CAP_COALESCED_MMIO); /* of the ring in a vCPU's mapping, in pages */

    pthread_mutex_init(&km->late_lock, NULL);
    km->late_zones = g_array_new(FALSE, FALSE, sizeof(Zone));
    km->late_offset = at > 0 && (at + 1) * page <= (uint64_t)km->mmap_size ? at * page : 0;
    km->late_ports = kvm_has(km->fd, KVM_CAP_COALESCED_PIO);
}

void kvm_late_fini(KvmMachine *km)
{
    if (km->late_zones) {
        g_array_free(km->late_zones, TRUE); /* the kernel's end with the virtual machine */
        pthread_mutex_destroy(&km->late_lock);
    }
}

static void add_section(const MemSection *s, void *opaque)
{
    Wanted *w = opaque;

    if (s->kind != MEM_IO || !s->ops->late.size || s->ops->late.offset < s->io_offset ||
        s->ops->late.offset - s->io_offset + s->ops->late.size > s->size) {
        return;
    }
    Zone z = {.addr = s->base + s->ops->late.offset - s->io_offset, .size = s->ops->late.size, .pio = w->port};
    g_array_append_val(w->zones, z);
}

static bool same(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(Zone)) == 0; /* there is nothing between its members */
}

static bool set_zone(KvmMachine *km, void *zone, bool on)
{
    return kvm_ioctl(km->fd, on ? KVM_REGISTER_COALESCED_MMIO : KVM_UNREGISTER_COALESCED_MMIO, zone) == 0;
}

void kvm_late_update(KvmMachine *km)
{
    Wanted w = {.zones = g_array_new(FALSE, FALSE, sizeof(Zone))};

    if (km->late_offset) {
        pthread_mutex_lock(&km->late_lock);
        address_space_foreach(machine_memory(km->machine), add_section, &w);
        w.port = true;
        if (km->late_ports) {
            address_space_foreach(machine_ports(km->machine), add_section, &w);
        }
        kvm_list_become(km, km->late_zones, w.zones, same, set_zone);
        pthread_mutex_unlock(&km->late_lock);
    }
    g_array_free(w.zones, TRUE);
}

/* ---- the ring ---- */

/* The machine's lock keeps two drains apart. What comes meanwhile is for those who come out after that. v: any vCPU. */
static void drain(KvmVcpu *v, Ring *ring, unsigned room)
{
    Machine *m = v->cpu->machine;

    machine_lock(m);
    uint32_t last = __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE), at = ring->first;
    while (at != last) {
        const struct kvm_coalesced_mmio *e = &ring->coalesced_mmio[at];
        kvm_store(v, e->pio ? machine_ports(m) : machine_memory(m), e->phys_addr, e->data, MIN(e->len, sizeof(e->data)));
        at = (at + 1) % room;
        __atomic_store_n(&ring->first, at, __ATOMIC_RELEASE);
        __atomic_add_fetch(&v->km->late_stores, 1, __ATOMIC_RELAXED);
    }
    machine_unlock(m);
}

void kvm_late_drain(KvmVcpu *v)
{
    if (!v->km->late_offset) {
        return;
    }
    Ring *ring = (Ring *)((char *)v->run + v->km->late_offset);
    uint32_t last = __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE);
    if (G_UNLIKELY(__atomic_load_n(&ring->first, __ATOMIC_ACQUIRE) != last)) {
        drain(v, ring, (sysconf(_SC_PAGESIZE) - sizeof(*ring)) / sizeof(ring->coalesced_mmio[0]));
    }
}

void kvm_late_settle(Machine *m)
{
    if (machine_cpu_count(m)) {
        kvm_late_drain(kvm_vcpu(machine_cpu(m, 0)));
    }
}

void kvm_late_info(KvmMachine *km, GString *out)
{
    if (!km->late_offset) {
        return;
    }
    pthread_mutex_lock(&km->late_lock);
    unsigned zones = km->late_zones->len;
    pthread_mutex_unlock(&km->late_lock);
    g_string_append_printf(out, "coalesced stores: %" PRIu64 ", to %u places\n",
                           __atomic_load_n(&km->late_stores, __ATOMIC_RELAXED), zones);
}
