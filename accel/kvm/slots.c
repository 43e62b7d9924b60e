/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory slots: the RAM and ROM of the machine's flat view, as the kernel maps them (the API,
 * KVM_SET_USER_MEMORY_REGION).
 *
 * A slot cannot be changed, only deleted and made anew, and meanwhile the guest would find nothing at its addresses. So
 * all vCPUs are kept out of the guest during a change. Only whole pages can be mapped; the rest of a section that is not
 * on page boundaries is reached by exits. Stores into read-only slots come as exits, too, and are the section's matter.
 *
 * Where the kernel has system management mode, it has a second set of slots for what processors see there.
 *
 * home: any thread; see the locks in kvm.h.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "accel/kvm/kvm.h"
#include "base/bits.h"

void kvm_slots_init(KvmMachine *km)
{
    pthread_mutex_init(&km->slot_lock, NULL);
    pthread_mutex_init(&km->hold_lock, NULL);
    pthread_cond_init(&km->hold_cond, NULL);
    km->slots = g_array_new(FALSE, FALSE, sizeof(KvmSlot));
}

void kvm_slots_fini(KvmMachine *km)
{
    g_array_free(km->slots, TRUE);
    pthread_cond_destroy(&km->hold_cond);
    pthread_mutex_destroy(&km->hold_lock);
    pthread_mutex_destroy(&km->slot_lock);
}

/* ---- keeping vCPUs out ---- */

/* Both sides set their own flag and then look at the other's, in one order (sequentially consistent). */

static bool inside(KvmMachine *km)
{
    for (int i = 0; i < machine_cpu_count(km->machine); i++) {
        KvmVcpu *v = kvm_vcpu(machine_cpu(km->machine, i));
        if (v && __atomic_load_n(&v->in_run, __ATOMIC_SEQ_CST)) {
            return true;
        }
    }
    return false;
}

void kvm_hold(KvmMachine *km)
{
    pthread_mutex_lock(&km->hold_lock);
    __atomic_add_fetch(&km->holders, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < machine_cpu_count(km->machine); i++) {
        kvm_kick(machine_cpu(km->machine, i));
    }
    while (inside(km)) {
        pthread_cond_wait(&km->hold_cond, &km->hold_lock);
    }
    pthread_mutex_unlock(&km->hold_lock);
}

void kvm_release(KvmMachine *km)
{
    pthread_mutex_lock(&km->hold_lock);
    __atomic_sub_fetch(&km->holders, 1, __ATOMIC_SEQ_CST);
    pthread_cond_broadcast(&km->hold_cond);
    pthread_mutex_unlock(&km->hold_lock);
}

bool kvm_may_enter(KvmVcpu *v)
{
    KvmMachine *km = v->km;

    __atomic_store_n(&v->in_run, 1, __ATOMIC_SEQ_CST);
    if (G_LIKELY(!__atomic_load_n(&km->holders, __ATOMIC_SEQ_CST))) {
        return true;
    }
    kvm_left(v);
    pthread_mutex_lock(&km->hold_lock);
    while (km->holders) {
        pthread_cond_wait(&km->hold_cond, &km->hold_lock);
    }
    pthread_mutex_unlock(&km->hold_lock);
    return false;
}

void kvm_left(KvmVcpu *v)
{
    KvmMachine *km = v->km;

    __atomic_store_n(&v->in_run, 0, __ATOMIC_SEQ_CST);
    if (G_UNLIKELY(__atomic_load_n(&km->holders, __ATOMIC_SEQ_CST))) {
        pthread_mutex_lock(&km->hold_lock);
        pthread_cond_broadcast(&km->hold_cond);
        pthread_mutex_unlock(&km->hold_lock);
    }
    kvm_late_drain(v); /* who holds may have the machine's lock: it was told first */
}

/* ---- the view as slots ---- */

typedef struct Wanted {
    KvmMachine *km;
    GArray *slots; /* KvmSlot without ids */
    uint32_t space;
} Wanted;

static void add_section(const MemSection *s, void *opaque)
{
    Wanted *w = opaque;
    uint64_t page = sysconf(_SC_PAGESIZE);

    if (s->kind != MEM_RAM || (s->readonly && !w->km->readonly_slots)) {
        return;
    }
    uint64_t skip = round_up(s->base, page) - s->base;
    if (skip >= s->size || (s->ram_offset + skip) % page) {
        return; /* no whole page, or pages of host and guest do not fit */
    }
    KvmSlot slot = {
        .space = w->space,
        .base = s->base + skip,
        .size = (s->size - skip) / page * page,
        .host = s->ram->host + s->ram_offset + skip,
        .ram = s->ram,
        .ram_offset = s->ram_offset + skip,
        .readonly = s->readonly,
    };
    if (slot.size) {
        g_array_append_val(w->slots, slot);
    }
}

static bool same(const KvmSlot *a, const KvmSlot *b)
{
    return a->space == b->space && a->base == b->base && a->size == b->size && a->host == b->host && a->readonly == b->readonly;
}

static bool contains(const GArray *list, const KvmSlot *s)
{
    for (guint i = 0; i < list->len; i++) {
        if (same(&g_array_index(list, KvmSlot, i), s)) {
            return true;
        }
    }
    return false;
}

/* size 0: delete. A failure leaves the addresses to exits, where all works, but slowly. */
bool kvm_slot_set(KvmMachine *km, const KvmSlot *s, uint64_t size)
{
    struct kvm_userspace_memory_region r = {
        .slot = s->id,
        .flags = s->readonly ? KVM_MEM_READONLY : km->dirty_logging && size ? KVM_MEM_LOG_DIRTY_PAGES : 0,
        .guest_phys_addr = s->base,
        .memory_size = size,
        .userspace_addr = (uintptr_t)s->host,
    };

    if (kvm_ioctl(km->fd, KVM_SET_USER_MEMORY_REGION, &r) < 0) {
        warn_report("KVM does not map guest memory at 0x%" G_GINT64_MODIFIER "x, %" G_GINT64_MODIFIER "u bytes: %s",
                    (guint64)s->base, (guint64)size, g_strerror(errno));
        return false;
    }
    return true;
}

static bool id_used(const GArray *list, uint32_t id)
{
    for (guint i = 0; i < list->len; i++) {
        if (g_array_index(list, KvmSlot, i).id == id) {
            return true;
        }
    }
    return false;
}

/* The upper half says of which address space it is (the API, KVM_CAP_MULTI_ADDRESS_SPACE). */
static uint32_t free_id(const GArray *list, uint32_t space)
{
    uint32_t id = space << 16;

    while (id_used(list, id)) {
        id++;
    }
    return id;
}

static bool changes(const KvmMachine *km, const GArray *wanted)
{
    bool differ = km->slots->len != wanted->len;

    for (guint i = 0; i < wanted->len && !differ; i++) {
        differ = !contains(km->slots, &g_array_index(wanted, KvmSlot, i));
    }
    return differ;
}

/* Deletions first, so that what comes finds its addresses free. */
static void apply(KvmMachine *km, const GArray *wanted)
{
    for (guint i = km->slots->len; i-- > 0;) {
        KvmSlot *s = &g_array_index(km->slots, KvmSlot, i);
        if (!contains(wanted, s)) {
            kvm_dirty_read_slot(km, s);
            kvm_slot_set(km, s, 0);
            g_array_remove_index_fast(km->slots, i);
        }
    }
    for (guint i = 0; i < wanted->len; i++) {
        KvmSlot s = g_array_index(wanted, KvmSlot, i);
        if (!contains(km->slots, &s)) {
            s.id = free_id(km->slots, s.space);
            if (kvm_slot_set(km, &s, s.size)) {
                g_array_append_val(km->slots, s);
            }
        }
    }
    km->slot_changes++;
}

void kvm_slots_update(KvmMachine *km)
{
    Wanted w = {.km = km, .slots = g_array_new(FALSE, FALSE, sizeof(KvmSlot))};

    pthread_mutex_lock(&km->slot_lock);
    address_space_foreach(machine_memory(km->machine), add_section, &w);
    if (km->smm) {
        w.space = KVM_SPACE_SMM;
        address_space_foreach(kvm_smm_memory(km->machine), add_section, &w);
    }
    if (changes(km, w.slots)) {
        kvm_hold(km);
        apply(km, w.slots);
        kvm_release(km);
    }
    pthread_mutex_unlock(&km->slot_lock);
    g_array_free(w.slots, TRUE);
}
