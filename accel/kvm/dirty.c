/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which pages the guest wrote, as the kernel logs it (the API, KVM_MEM_LOG_DIRTY_PAGES): by a bitmap for each slot, or, with
 * -accel kvm,dirty-ring-size=, by a ring for each vCPU. Either is brought to the pages' watches (core/memory.h), where
 * devices' writes are, too.
 *
 * Bitmap: read, and then cleared in pieces (KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2), so that the kernel protects pages again for
 * short times only; a kernel without that clears all when it is read.
 * Ring: a vCPU whose ring is full comes out of the guest. Otherwise rings are read when somebody asks, with no vCPU in the
 * guest, as some processors tell what they wrote only when they leave it.
 *
 * guarded by: slot_lock.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "accel/kvm/kvm.h"
#include "base/bits.h"

#define CLEAR_PAGES (1u << 18) /* at once; a multiple of 64 */

static uint64_t page_size(void)
{
    return sysconf(_SC_PAGESIZE);
}

/* True: it was news to some client. */
static bool told(const KvmSlot *s, uint64_t page, uint64_t n)
{
    uint64_t size = page_size();

    return ram_dirty_told(s->ram, s->ram_offset + page * size, n * size);
}

/* ---- bitmap ---- */

/* Which pages there are is known; the kernel is to tell of them again. */
static bool clear(KvmMachine *km, const KvmSlot *s, uint64_t *bits, uint64_t pages)
{
    bool ok = true;

    for (uint64_t first = 0; first < pages; first += CLEAR_PAGES) {
        uint64_t n = MIN(pages - first, CLEAR_PAGES), *piece = bits + first / 64, any = 0;
        for (uint64_t i = 0; i < (n + 63) / 64; i++) {
            any |= piece[i];
        }
        struct kvm_clear_dirty_log req = {
            .slot = s->id, .num_pages = n, .first_page = first, .dirty_bitmap = piece,
        };
        ok &= !any || kvm_ioctl(km->fd, KVM_CLEAR_DIRTY_LOG, &req) == 0;
    }
    return ok;
}

static void read_bitmap(KvmMachine *km, const KvmSlot *s)
{
    uint64_t pages = s->size / page_size(), words = (pages + 63) / 64;
    g_autofree uint64_t *bits = g_new0(uint64_t, words);
    struct kvm_dirty_log req = {.slot = s->id, .dirty_bitmap = bits};

    if (kvm_ioctl(km->fd, KVM_GET_DIRTY_LOG, &req) < 0 || (km->dirty_manual && !clear(km, s, bits, pages))) {
        warn_report("KVM does not tell what was written at 0x%" G_GINT64_MODIFIER "x: %s", (guint64)s->base,
                    g_strerror(errno));
        told(s, 0, pages); /* all of it, for all we know */
        return;
    }
    for (uint64_t i = 0; i < words; i++) {
        for (uint64_t w = bits[i]; w; w &= w - 1) {
            told(s, i * 64 + __builtin_ctzll(w), 1);
        }
    }
}

/* ---- rings ---- */

bool kvm_ring_map(KvmVcpu *v, Error **errp)
{
    uint64_t bytes = v->km->ring_entries * sizeof(struct kvm_dirty_gfn);

    if (!bytes) {
        return true;
    }
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, KVM_DIRTY_LOG_PAGE_OFFSET * page_size());
    if (p == MAP_FAILED) {
        error_set_errno(errp, errno, "cannot map KVM's dirty ring of processor %d", v->cpu->index);
        return false;
    }
    v->ring = p;
    return true;
}

void kvm_ring_unmap(KvmVcpu *v)
{
    if (v->ring) {
        munmap(v->ring, v->km->ring_entries * sizeof(struct kvm_dirty_gfn));
        v->ring = NULL;
    }
}

static const KvmSlot *slot_of(const KvmMachine *km, uint32_t id)
{
    for (guint i = 0; i < km->slots->len; i++) {
        const KvmSlot *s = &g_array_index(km->slots, KvmSlot, i);
        if (s->id == id) {
            return s;
        }
    }
    return NULL;
}

/* The API, KVM_CAP_DIRTY_LOG_RING: an entry goes from dirty to reset here, and from reset to empty in the kernel. */
static unsigned read_entries(KvmMachine *km, KvmVcpu *v)
{
    unsigned n = 0;

    for (; n < km->ring_entries; n++, v->ring_next++) {
        struct kvm_dirty_gfn *e = &v->ring[v->ring_next % km->ring_entries];
        if (!(__atomic_load_n(&e->flags, __ATOMIC_ACQUIRE) & KVM_DIRTY_GFN_F_DIRTY)) {
            break;
        }
        const KvmSlot *s = slot_of(km, e->slot);
        if (s && e->offset < s->size / page_size()) {
            v->dirty_pages += told(s, e->offset, 1);
        }
        __atomic_store_n(&e->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
    }
    return n;
}

/*
 * A kernel that emulates many instructions before it looks may write more than there is room for, and over what was there.
 * It does not say so; that no place is free shows it, as the kernel keeps some. Then all may have been written.
 */
static void overflowed(KvmMachine *km, KvmVcpu *v)
{
    v->ring_overflows++;
    for (guint i = 0; i < km->slots->len; i++) {
        const KvmSlot *s = &g_array_index(km->slots, KvmSlot, i);
        if (!s->readonly) {
            told(s, 0, s->size / page_size());
        }
    }
}

static unsigned read_ring(KvmMachine *km, KvmVcpu *v)
{
    unsigned n = read_entries(km, v);

    if (n == km->ring_entries) {
        overflowed(km, v);
    }
    return n;
}

static void reset_rings(KvmMachine *km)
{
    kvm_ioctl(km->fd, KVM_RESET_DIRTY_RINGS, NULL);
}

static void read_rings(KvmMachine *km)
{
    for (int i = 0; i < machine_cpu_count(km->machine); i++) {
        KvmVcpu *v = kvm_vcpu(machine_cpu(km->machine, i));
        if (v && v->ring) {
            read_ring(km, v);
        }
    }
    reset_rings(km);
}

/*
 * Full, and nothing in it: it overflowed. The kernel counts more entries than there are, at least those that make it full;
 * that many it is to take as read.
 */
static void catch_up(KvmMachine *km, KvmVcpu *v)
{
    for (unsigned n = 0; n < km->ring_entries / 4; n++, v->ring_next++) {
        __atomic_store_n(&v->ring[v->ring_next % km->ring_entries].flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
    }
    overflowed(km, v);
}

int kvm_ring_full(KvmVcpu *v)
{
    KvmMachine *km = v->km;

    pthread_mutex_lock(&km->slot_lock);
    if (!read_ring(km, v)) {
        catch_up(km, v);
    }
    reset_rings(km);
    pthread_mutex_unlock(&km->slot_lock);
    return 0;
}

/* ---- both ---- */

void kvm_dirty_read_slot(KvmMachine *km, const KvmSlot *s)
{
    if (!km->dirty_logging || s->readonly) {
        return;
    }
    if (km->ring_entries) {
        read_rings(km);
    } else {
        read_bitmap(km, s);
    }
}

void kvm_dirty_sync(Machine *m)
{
    KvmMachine *km = kvm_of(m);

    pthread_mutex_lock(&km->slot_lock);
    if (km->dirty_logging && km->ring_entries) {
        kvm_hold(km);
        read_rings(km);
        kvm_release(km);
    }
    for (guint i = 0; i < km->slots->len && !km->ring_entries; i++) {
        kvm_dirty_read_slot(km, &g_array_index(km->slots, KvmSlot, i));
    }
    pthread_mutex_unlock(&km->slot_lock);
}

void kvm_dirty_log(Machine *m, bool on)
{
    KvmMachine *km = kvm_of(m);

    pthread_mutex_lock(&km->slot_lock);
    km->dirty_logging = on;
    for (guint i = 0; i < km->slots->len; i++) {
        const KvmSlot *s = &g_array_index(km->slots, KvmSlot, i);
        if (!s->readonly) {
            kvm_slot_set(km, s, s->size);
        }
    }
    pthread_mutex_unlock(&km->slot_lock);
}

bool kvm_dirty_rings(Machine *m)
{
    return kvm_of(m)->ring_entries;
}

uint64_t kvm_dirty_pages(Cpu *cpu)
{
    return kvm_vcpu(cpu)->dirty_pages;
}

/* ---- options and capabilities ---- */

bool kvm_ring_parse(KvmMachine *km, const char *value, Error **errp)
{
    char *end;
    guint64 n = g_ascii_strtoull(value, &end, 10);

    if (!*value || *end || n > UINT32_MAX || (n && !is_pow2(n))) {
        error_set(errp, ERR_INVALID_PARAMETER, "-accel kvm: dirty-ring-size must be a power of two");
        error_hint(errp, "entries of each processor's ring; 0: bitmaps instead");
        return false;
    }
    km->ring_entries = n;
    return true;
}

static bool enable_ring(KvmMachine *km, Error **errp)
{
    struct kvm_enable_cap cap = {.cap = KVM_CAP_DIRTY_LOG_RING_ACQ_REL,
                                 .args = {km->ring_entries * sizeof(struct kvm_dirty_gfn)}};
    uint64_t most = kvm_has(km->fd, cap.cap);

#ifdef __x86_64__ /* stores are seen in order there, which is all that the newer one promises */
    if (!most) {
        cap.cap = KVM_CAP_DIRTY_LOG_RING;
        most = kvm_has(km->fd, cap.cap);
    }
#endif
    if (!most) {
        error_set(errp, ERR_UNSUPPORTED, "-accel kvm,dirty-ring-size: the kernel's KVM lacks KVM_CAP_DIRTY_LOG_RING");
        error_hint(errp, "without the option bitmaps are used");
        return false;
    }
    if (cap.args[0] > most || kvm_ioctl(km->fd, KVM_ENABLE_CAP, &cap) < 0) {
        error_set(errp, ERR_INVALID_PARAMETER, "-accel kvm: the kernel has no dirty rings of %u entries", km->ring_entries);
        error_hint(errp, "the largest have %u, the smallest some hundred", (unsigned)(most / sizeof(struct kvm_dirty_gfn)));
        return false;
    }
    return true;
}

bool kvm_dirty_init(KvmMachine *km, Error **errp)
{
    struct kvm_enable_cap cap = {.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args = {KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE}};

    if (km->ring_entries) {
        return enable_ring(km, errp);
    }
    km->dirty_manual = (kvm_has(km->fd, cap.cap) & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE) &&
                       kvm_ioctl(km->fd, KVM_ENABLE_CAP, &cap) == 0;
    return true;
}
