/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-balloon: memory that the guest gives back to the host and takes again, its statistics, and
 * reports of free pages. Virtio 1.2, 5.5.
 *
 * Pages that were given back read as zeros. Left out: free page hints, page poisoning (not
 * offered).
 *
 * home: the machine's lock.
 */
#include <inttypes.h>

#include "base/bits.h"
#include "base/iov.h"
#include "base/log.h"
#include "base/loop.h"
#include "hw/virtio/virtio.h"
#include "hw/virtio/virtio_pci.h"

#define PFN_SHIFT 12
#define PFNS_MAX  16384 /* of one request; drivers send 256 */
#define STATS_MAX 16
#define EVENT_INTERVAL NS_PER_SEC /* the driver reports every 256 pages */

enum { F_STATS = 1, F_DEFLATE_ON_OOM = 2, F_REPORTING = 5 };
enum { Q_INFLATE, Q_DEFLATE, Q_STATS, Q_REPORTING };

static const char *const stat_names[] = {
    "mem_swapped_in", "mem_swapped_out", "major_page_faults", "minor_page_faults", "free_mem",
    "total_mem",      "max_mem",         "disk_caches",       "hugetlb_alloc",     "hugetlb_fail",
};

typedef struct VirtioBalloon {
    VirtioDevice virtio;
    /* properties */
    bool deflate_on_oom, reporting;
    uint32_t poll_interval;
    /* saved */
    uint32_t num_pages, actual;
    uint64_t stats[STATS_MAX];
    uint16_t stats_known; /* bit per number */
    Timer poll;
    /* host */
    VirtqElem *stats_elem; /* waits until we want news */
    GSource *event;
    int64_t told; /* host time of the last event */
    bool registered;
} VirtioBalloon;

static uint64_t ram_size(VirtioBalloon *s)
{
    return machine_config(s->virtio.dev.machine)->ram_size;
}

static void discard(VirtioBalloon *s, hwaddr addr, uint64_t len)
{
    VirtioDevice *v = &s->virtio;
    RamWindow w;

    while (len && address_space_window(v->transport->dma(v->transport_opaque), addr, &w)) {
        uint64_t part = MIN(len, w.size - (addr - w.base));
        if (!w.readonly) {
            ram_discard(w.ram, w.ram_offset + (addr - w.base), part);
        }
        addr += part;
        len -= part;
        if (!addr) {
            break;
        }
    }
}

/* A list of page numbers; neighbours go together. */
static void inflate(VirtioBalloon *s, VirtqElem *e)
{
    uint64_t first = 0, n = 0;

    for (unsigned i = 0; i < PFNS_MAX; i++) {
        uint8_t b[4];
        if (iov_to_buf(e->out, e->n_out, 4 * i, b, 4) != 4) {
            break;
        }
        uint64_t pfn = ld_le32(b);
        if (n && pfn == first + n) {
            n++;
            continue;
        }
        if (n) {
            discard(s, first << PFN_SHIFT, n << PFN_SHIFT);
        }
        first = pfn;
        n = 1;
    }
    if (n) {
        discard(s, first << PFN_SHIFT, n << PFN_SHIFT);
    }
}

static void take_stats(VirtioBalloon *s, VirtqElem *e)
{
    for (unsigned i = 0; i < 2 * STATS_MAX; i++) {
        uint8_t b[10];
        if (iov_to_buf(e->out, e->n_out, 10 * i, b, 10) != 10) {
            break;
        }
        unsigned tag = ld_le16(b);
        if (tag < STATS_MAX) {
            s->stats[tag] = ld_le64(b + 2);
            s->stats_known |= 1u << tag;
        }
    }
}

static void ask_again(VirtioBalloon *s)
{
    if (s->poll_interval && !timer_armed(&s->poll)) {
        timer_arm(&s->poll,
                  clock_ns(s->virtio.dev.machine, CLOCK_VIRTUAL) + s->poll_interval * NS_PER_SEC);
    }
}

static void poll_now(void *opaque)
{
    VirtioBalloon *s = opaque;
    VirtqElem *e = s->stats_elem;

    s->stats_elem = NULL;
    if (e) { /* its return is the question */
        VirtQueue *vq = e->vq;
        virtq_push(vq, e, 0);
        virtq_notify(vq);
    }
    ask_again(s);
}

/* The driver keeps one buffer with us, filled. */
static void stats_kick(VirtioBalloon *s, VirtQueue *vq)
{
    VirtqElem *e;

    while ((e = virtq_pop(vq))) {
        if (s->stats_elem) { /* more than one: give the older one back */
            virtq_push(vq, s->stats_elem, 0);
        }
        s->stats_elem = e;
        take_stats(s, e);
    }
    ask_again(s);
}

static void balloon_kick(VirtioDevice *v, VirtQueue *vq)
{
    VirtioBalloon *s = (VirtioBalloon *)v;
    unsigned q = virtq_index(vq);
    VirtqElem *e;

    if (q == Q_STATS) {
        stats_kick(s, vq);
        return;
    }
    while ((e = virtq_pop(vq))) {
        if (q == Q_INFLATE) {
            inflate(s, e);
        } else if (q == Q_REPORTING) {
            for (unsigned i = 0; i < e->n_in; i++) {
                discard(s, e->in_addr[i], e->in[i].iov_len);
            }
        } /* deflating: the pages come back by being touched */
        virtq_push(vq, e, 0);
    }
    virtq_notify(vq);
}

static void balloon_reset(VirtioDevice *v)
{
    VirtioBalloon *s = (VirtioBalloon *)v;

    if (s->stats_elem) {
        virtq_discard(s->stats_elem->vq, s->stats_elem);
        s->stats_elem = NULL;
    }
}

/* ---- configuration ---- */

static uint64_t balloon_features(VirtioDevice *v)
{
    VirtioBalloon *s = (VirtioBalloon *)v;

    return 1ull << F_STATS | (s->deflate_on_oom ? 1ull << F_DEFLATE_ON_OOM : 0) |
           (s->reporting ? 1ull << F_REPORTING : 0);
}

static void balloon_get_config(VirtioDevice *v, uint8_t *c)
{
    VirtioBalloon *s = (VirtioBalloon *)v;

    st_le32(c, s->num_pages);
    st_le32(c + 4, s->actual);
}

static void balloon_set_config(VirtioDevice *v, const uint8_t *c)
{
    VirtioBalloon *s = (VirtioBalloon *)v;
    uint32_t actual = ld_le32(c + 4);

    if (actual != s->actual) {
        s->actual = actual;
        loop_timer_arm(s->event, s->told + EVENT_INTERVAL);
    }
}

static const VirtioClass balloon_class = {
    .id = 5,
    .config_size = 8,
    .features = balloon_features,
    .get_config = balloon_get_config,
    .set_config = balloon_set_config,
    .reset = balloon_reset,
    .kick = balloon_kick,
};

/* ---- the commands ---- */

static uint64_t balloon_actual(void *opaque)
{
    VirtioBalloon *s = opaque;
    uint64_t given = (uint64_t)s->actual << PFN_SHIFT;

    return ram_size(s) - MIN(given, ram_size(s));
}

static void balloon_target(void *opaque, uint64_t bytes)
{
    VirtioBalloon *s = opaque;
    uint64_t size = ram_size(s);

    s->num_pages = (size - MIN(bytes, size)) >> PFN_SHIFT;
    virtio_config_changed(&s->virtio);
}

static void balloon_info(void *opaque, GString *out)
{
    VirtioBalloon *s = opaque;

    for (unsigned i = 0; i < G_N_ELEMENTS(stat_names); i++) {
        if (s->stats_known & (1u << i)) {
            g_string_append_printf(out, " %s=%" PRIu64, stat_names[i], s->stats[i]);
        }
    }
}

static const BalloonOps balloon_ops = {balloon_actual, balloon_target, balloon_info};

static void tell(void *opaque)
{
    VirtioBalloon *s = opaque;
    Machine *m = s->virtio.dev.machine;

    machine_lock(m);
    uint64_t actual = balloon_actual(s);
    s->told = loop_now_ns();
    machine_unlock(m);
    g_autofree char *json = g_strdup_printf("{\"actual\": %" PRIu64 "}", actual);
    machine_emit_event(m, "BALLOON_CHANGE", json);
}

/* ---- setting up ---- */

static bool balloon_realize(Device *d, Error **errp)
{
    VirtioBalloon *s = (VirtioBalloon *)d;

    if (!virtio_setup(&s->virtio, &balloon_class, errp)) {
        return false;
    }
    if (!machine_set_balloon(d->machine, &balloon_ops, s)) {
        error_set(errp, ERR_GENERIC, "Only one balloon device is supported");
        virtio_teardown(&s->virtio);
        return false;
    }
    s->registered = true;
    timer_init(&s->poll, d->machine, CLOCK_VIRTUAL, poll_now, s);
    s->event = loop_timer_new(machine_loop(d->machine), tell, s);
    for (unsigned i = 0; i <= Q_STATS; i++) {
        virtio_add_queue(&s->virtio, 128);
    }
    if (s->reporting) {
        virtio_add_queue(&s->virtio, 32);
    }
    return true;
}

static void balloon_unrealize(Device *d)
{
    VirtioBalloon *s = (VirtioBalloon *)d;

    virtio_shut(&s->virtio);
    if (s->registered) {
        machine_set_balloon(d->machine, NULL, NULL);
    }
    loop_remove(s->event);
    s->event = NULL;
    virtio_teardown(&s->virtio);
}

static const Property balloon_props[] = {
    VIRTIO_PROPS(VirtioBalloon),
    PROP(VirtioBalloon, PROP_BOOL, deflate_on_oom, "deflate-on-oom", false,
         "the guest may take memory back when it runs out"),
    PROP(VirtioBalloon, PROP_BOOL, reporting, "free-page-reporting", false,
         "the guest tells which memory it does not use"),
    PROP(VirtioBalloon, PROP_U32, poll_interval, "guest-stats-polling-interval", 0,
         "seconds between looks at the guest's statistics; 0: only once"),
    {0},
};

static const StateField balloon_state[] = {
    VIRTIO_STATE(VirtioBalloon),
    STATE_KEEP(VirtioBalloon, STATE_U32, num_pages, 1), /* a new start does not end the wish */
    STATE(VirtioBalloon, STATE_U32, actual, 0),
    STATE_ARRAY(VirtioBalloon, STATE_U64, stats, STATS_MAX, 0),
    STATE(VirtioBalloon, STATE_U16, stats_known, 0),
    STATE(VirtioBalloon, STATE_TIMER, poll, 0),
    HOST_ONLY(VirtioBalloon, stats_elem),
    HOST_ONLY(VirtioBalloon, event),
    HOST_ONLY(VirtioBalloon, told),
    HOST_ONLY(VirtioBalloon, registered),
    {0},
};

static const DeviceType balloon_type = {
    .name = "virtio-balloon-device",
    .help = "virtio memory balloon",
    .bus = "virtio",
    .size = sizeof(VirtioBalloon),
    .version = 1,
    .user_creatable = true,
    .needs = "a virtio bus",
    .props = balloon_props,
    .state = balloon_state,
    .realize = balloon_realize,
    .unrealize = balloon_unrealize,
    .reset_hold = virtio_reset_hold,
    .pre_save = virtio_pre_save,
    .post_load = virtio_post_load,
};
DEVICE_TYPE(balloon_type);
VIRTIO_PCI_TYPES(virtio_balloon, "virtio-balloon", "virtio memory balloon", &balloon_type);
