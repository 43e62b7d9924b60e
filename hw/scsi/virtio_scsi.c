/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio SCSI host device: requests, task management, events.
 *
 * Virtio 1.2, 5.6 SCSI host device.
 *
 * Tasks belong to units (lu.c); a request here is the ring's element around a ScsiTask. What was
 * popped and not answered is saved by the virtio core and executed again after a load.
 *
 * Left out: bidirectional commands, T10 protection, asynchronous notifications (the query answers
 * that there are none).
 *
 * home: the machine's lock domain.
 */
#include <string.h>

#include "base/iov.h"
#include "base/log.h"
#include "base/trace.h"
#include "hw/scsi/lu.h"
#include "hw/virtio/virtio.h"
#include "hw/virtio/virtio_pci.h"

TRACE_EVENT(virtio_scsi_request, "target %u lun %u op 0x%02x tag %llu");
TRACE_EVENT(virtio_scsi_tmf, "subtype %u target %u lun %u response %u");

enum { F_HOTPLUG = 1, F_CHANGE = 2 };
enum { CONTROL, EVENTS, REQUESTS }; /* queues */
enum {                              /* responses */
       OK = 0,
       OVERRUN = 1,
       ABORTED = 2,
       BAD_TARGET = 3,
       RESET = 4,
       FAILURE = 9,
       TMF_COMPLETE = 0,
       TMF_SUCCEEDED = 10,
       TMF_REJECTED = 11,
       INCORRECT_LUN = 12,
};
enum { /* TMF subtypes */
       ABORT_TASK,
       ABORT_TASK_SET,
       CLEAR_ACA,
       CLEAR_TASK_SET,
       I_T_NEXUS_RESET,
       LOGICAL_UNIT_RESET,
       QUERY_TASK,
       QUERY_TASK_SET,
};
#define EVENT_TRANSPORT_RESET 1u
#define EVENT_PARAM_CHANGE    3u
#define EVENTS_MISSED         0x80000000u
#define RESET_RESCAN          1u
#define RESET_REMOVED         2u

#define REQ_HEADER    19 /* before the CDB */
#define RESP_HEADER   12 /* before the sense data */
#define CDB_DEFAULT   32
#define SENSE_DEFAULT 96
#define SIZE_LIMIT    4096 /* that a driver may choose for either */
#define CONFIG_SIZE   36
#define MAX_TARGET    255
#define MAX_LUN       16383

typedef struct Request Request;
typedef struct VirtioScsi {
    VirtioDevice virtio;
    /* properties */
    uint32_t num_queues, queue_size, seg_max, max_sectors, cmd_per_lun;
    bool hotplug, param_change, seg_max_adjust;
    /* state */
    uint32_t sense_size, cdb_size;
    uint8_t events_missed;
    /* host */
    ScsiBus bus;
    GQueue *requests; /* under way */
} VirtioScsi;

struct Request {
    ScsiTask t; /* first: the callbacks' cast */
    VirtioScsi *s;
    VirtqElem *e;
    ScsiDevice *d;
    uint64_t tag;
    unsigned lun;
    uint32_t resp_len; /* header and room for sense */
    struct iovec *data;
    int n_data;
    size_t data_len;
    VirtqElem *tmf; /* an ABORT TASK waits for the end */
    GList link;
};

/* ---- requests ---- */

static void free_request(Request *r)
{
    g_queue_unlink(r->s->requests, &r->link);
    scsi_task_clear(&r->t);
    g_free(r->data);
    g_free(r);
}

static void answer_control(VirtioScsi *s, VirtqElem *e, const void *resp, size_t len)
{
    VirtQueue *vq = e->vq;

    virtq_push(vq, e, iov_from_buf(e->in, e->n_in, 0, resp, len));
    virtq_notify(vq);
}

/* Answers the driver and forgets the request. */
static void finish(Request *r, uint8_t response)
{
    VirtioScsi *s = r->s;
    VirtqElem *e = r->e;
    VirtQueue *vq = e->vq;
    g_autofree uint8_t *resp = g_malloc0(r->resp_len);
    bool in = r->e->in_len > r->resp_len;

    resp[11] = response;
    if (response == OK) {
        resp[10] = r->t.status;
        st_le32(resp + 4, r->data_len - MIN(r->t.moved, r->data_len));
        if (r->t.status == SCSI_CHECK_CONDITION) {
            uint8_t sense[SCSI_SENSE_LEN];
            uint32_t n = MIN(r->resp_len - RESP_HEADER, SCSI_SENSE_LEN);
            scsi_task_sense(&r->t, sense);
            memcpy(resp + RESP_HEADER, sense, n);
            st_le32(resp, n);
        }
    }
    iov_from_buf(e->in, e->n_in, 0, resp, r->resp_len);
    virtq_push(vq, e, r->resp_len + (in && response == OK ? r->t.moved : 0));
    virtq_notify(vq);
    if (r->tmf) {
        answer_control(s, r->tmf, &(uint8_t){TMF_COMPLETE}, 1);
    }
    free_request(r);
}

static void on_done(ScsiTask *t)
{
    Request *r = (Request *)t;

    finish(r, r->tmf ? ABORTED : OK);
}

/* All of the buffers is used, the command had more: checked before, so never. */
static void on_moved(ScsiTask *t)
{
    scsi_task_finish(t);
}

static uint16_t lun_of(const uint8_t *lun)
{
    return ld_be16(lun + 2) & 0x3fff;
}

static ScsiDevice *find_unit(VirtioScsi *s, const uint8_t *lun)
{
    if (lun[0] != 1 || (lun[2] != 0 && !(lun[2] >= 0x40 && lun[2] < 0x80))) {
        return NULL;
    }
    ScsiDevice *d = scsi_bus_find(&s->bus, 0, lun[1], lun_of(lun));
    return d ? d : scsi_bus_find_target(&s->bus, 0, lun[1]);
}

/* The data buffers are what follows the headers. */
static void find_data(Request *r)
{
    VirtqElem *e = r->e;
    size_t head = REQ_HEADER + r->s->cdb_size;
    bool out = e->out_len > head;
    const struct iovec *iov = out ? e->out : e->in;
    int n = out ? e->n_out : e->n_in;
    size_t skip = out ? head : r->resp_len;

    if (!out && e->in_len <= r->resp_len) {
        return;
    }
    r->data_len = (out ? e->out_len : e->in_len) - skip;
    r->data = g_new(struct iovec, n);
    r->n_data = iov_slice(iov, n, skip, r->data_len, r->data, n);
}

static void start(Request *r)
{
    VirtqElem *e = r->e;
    bool out = e->out_len > REQ_HEADER + r->s->cdb_size;

    if (out && e->in_len > r->resp_len) { /* both ways: not offered */
        finish(r, FAILURE);
        return;
    }
    find_data(r);
    if (!scsi_bus_start(r->d, r->lun, &r->t)) {
        return;
    }
    if (r->t.len > r->data_len || (r->t.dir == SCSI_OUT) != out) {
        finish(r, OVERRUN);
        return;
    }
    scsi_task_move(&r->t, r->data, r->n_data);
}

static bool take_request(VirtioScsi *s, VirtqElem *e)
{
    uint8_t head[REQ_HEADER + SCSI_CDB_MAX] = {0};
    uint32_t cdb = s->cdb_size;

    if (e->out_len < REQ_HEADER + cdb || e->in_len < RESP_HEADER + s->sense_size) {
        return false;
    }
    iov_to_buf(e->out, e->n_out, 0, head, REQ_HEADER + MIN(cdb, SCSI_CDB_MAX));
    Request *r = g_new0(Request, 1);
    r->s = s;
    r->e = e;
    r->resp_len = RESP_HEADER + s->sense_size;
    r->tag = ld_le64(head + 8);
    r->lun = lun_of(head);
    r->d = find_unit(s, head);
    r->link.data = r;
    g_queue_push_tail_link(s->requests, &r->link);
    memcpy(r->t.cdb, head + REQ_HEADER, SCSI_CDB_MAX);
    r->t.on_done = on_done;
    r->t.on_moved = on_moved;
    trace(virtio_scsi_request, head[1], r->lun, r->t.cdb[0], (unsigned long long)r->tag);
    if (r->d) {
        start(r);
    } else {
        finish(r, BAD_TARGET);
    }
    return true;
}

static void requests_kick(VirtioScsi *s, VirtQueue *vq)
{
    VirtqElem *e;

    while ((e = virtq_pop(vq))) {
        if (!take_request(s, e)) {
            virtq_discard(vq, e);
            virtio_error(&s->virtio, "virtio-scsi: headers of a wrong size");
            return;
        }
    }
}

/* ---- task management ---- */

static bool concerns(const Request *r, const ScsiDevice *d, bool target)
{
    return target ? r->d && r->d->id == d->id : r->d == d && r->lun == d->lun;
}

/* Ends the tasks of a unit, or of its target. */
static void end_tasks(VirtioScsi *s, ScsiDevice *d, bool target, uint8_t response)
{
    for (guint i = 0; i < s->bus.devices->len; i++) {
        ScsiDevice *x = s->bus.devices->pdata[i];
        if (x == d || (target && x->id == d->id)) {
            scsi_lu_cancel(&x->lu);
        }
    }
    for (GList *l = s->requests->head, *next; l; l = next) {
        next = l->next;
        if (concerns(l->data, d, target)) {
            finish(l->data, response);
        }
    }
}

static void reset_units(VirtioScsi *s, ScsiDevice *d, bool target)
{
    end_tasks(s, d, target, RESET);
    for (guint i = 0; i < s->bus.devices->len; i++) {
        ScsiDevice *x = s->bus.devices->pdata[i];
        if (x == d || (target && x->id == d->id)) {
            device_reset(&x->dev);
            x->lu.ua = SCSI_UA_RESET;
        }
    }
}

static Request *find_tag(VirtioScsi *s, const ScsiDevice *d, uint64_t tag)
{
    for (GList *l = s->requests->head; l; l = l->next) {
        Request *r = l->data;
        if (r->tag == tag && concerns(r, d, false)) {
            return r;
        }
    }
    return NULL;
}

static bool any_task(VirtioScsi *s, const ScsiDevice *d)
{
    for (GList *l = s->requests->head; l; l = l->next) {
        if (concerns(l->data, d, false)) {
            return true;
        }
    }
    return false;
}

/* The response, or -1: the element waits for a task to end. */
static int manage(VirtioScsi *s, VirtqElem *e, const uint8_t *req)
{
    ScsiDevice *d = find_unit(s, req + 8);
    uint32_t subtype = ld_le32(req + 4);
    Request *r;

    if (!d) {
        return BAD_TARGET;
    }
    if (subtype != I_T_NEXUS_RESET && d->lun != lun_of(req + 8)) {
        return INCORRECT_LUN;
    }
    switch (subtype) {
    case ABORT_TASK:
        r = find_tag(s, d, ld_le64(req + 16));
        if (!r || r->tmf) {
            return TMF_COMPLETE;
        }
        r->tmf = e;
        return -1;
    case QUERY_TASK:
        return find_tag(s, d, ld_le64(req + 16)) ? TMF_SUCCEEDED : TMF_COMPLETE;
    case QUERY_TASK_SET:
        return any_task(s, d) ? TMF_SUCCEEDED : TMF_COMPLETE;
    case ABORT_TASK_SET:
    case CLEAR_TASK_SET:
        end_tasks(s, d, false, ABORTED);
        return TMF_COMPLETE;
    case LOGICAL_UNIT_RESET:
        reset_units(s, d, false);
        return TMF_COMPLETE;
    case I_T_NEXUS_RESET:
        reset_units(s, d, true);
        return TMF_COMPLETE;
    default: /* CLEAR ACA among them: there is no ACA */
        return TMF_REJECTED;
    }
}

static bool take_control(VirtioScsi *s, VirtqElem *e)
{
    uint8_t req[24] = {0}, resp[5] = {0};
    size_t n = iov_to_buf(e->out, e->n_out, 0, req, sizeof(req));

    if (n < 4) {
        return false;
    }
    switch (ld_le32(req)) {
    case 0: { /* task management */
        if (n < 24 || e->in_len < 1) {
            return false;
        }
        int response = manage(s, e, req);
        trace(virtio_scsi_tmf, ld_le32(req + 4), req[9], lun_of(req + 8), (unsigned)response);
        if (response >= 0) {
            resp[0] = response;
            answer_control(s, e, resp, 1);
        }
        return true;
    }
    case 1: /* asynchronous notifications: query, subscribe. There are none. */
    case 2:
        if (n < 16 || e->in_len < 5) {
            return false;
        }
        answer_control(s, e, resp, 5);
        return true;
    default:
        resp[0] = FAILURE;
        answer_control(s, e, resp, 1);
        return true;
    }
}

static void control_kick(VirtioScsi *s, VirtQueue *vq)
{
    VirtqElem *e;

    while ((e = virtq_pop(vq))) {
        if (!take_control(s, e)) {
            virtq_discard(vq, e);
            virtio_error(&s->virtio, "virtio-scsi: a control request of a wrong size");
            return;
        }
    }
}

/* ---- events ---- */

static void send_event(VirtioScsi *s, const ScsiDevice *d, uint32_t event, uint32_t reason)
{
    VirtQueue *vq = virtio_queue(&s->virtio, EVENTS);
    uint8_t ev[16] = {0};

    if (!virtio_driver_ok(&s->virtio)) {
        return;
    }
    VirtqElem *e = virtq_pop(vq);
    if (!e) {
        s->events_missed = 1;
        return;
    }
    if (e->in_len < sizeof(ev)) {
        virtq_discard(vq, e);
        virtio_error(&s->virtio, "virtio-scsi: an event buffer is too small");
        return;
    }
    st_le32(ev, event | (s->events_missed ? EVENTS_MISSED : 0));
    s->events_missed = 0;
    if (d) {
        ev[4] = 1;
        ev[5] = d->id;
        st_be16(ev + 6, d->lun | (d->lun >= 256 ? 0x4000 : 0));
    }
    st_le32(ev + 12, reason);
    virtq_push(vq, e, iov_from_buf(e->in, e->n_in, 0, ev, sizeof(ev)));
    virtq_notify(vq);
}

static VirtioScsi *of_bus(ScsiBus *b)
{
    return (VirtioScsi *)b->bus.owner;
}

static void plugged(ScsiBus *b, ScsiDevice *d)
{
    VirtioScsi *s = of_bus(b);

    if (virtio_has_feature(&s->virtio, F_HOTPLUG)) {
        send_event(s, d, EVENT_TRANSPORT_RESET, RESET_RESCAN);
    }
}

static void unplugged(ScsiBus *b, ScsiDevice *d)
{
    VirtioScsi *s = of_bus(b);

    end_tasks(s, d, false, BAD_TARGET);
    for (GList *l = s->requests->head, *next; l; l = next) {
        next = l->next;
        if (((Request *)l->data)->d == d) { /* to a LUN that is not there */
            finish(l->data, BAD_TARGET);
        }
    }
    if (virtio_has_feature(&s->virtio, F_HOTPLUG)) {
        send_event(s, d, EVENT_TRANSPORT_RESET, RESET_REMOVED);
    }
}

static void changed(ScsiBus *b, ScsiDevice *d, uint32_t sense)
{
    VirtioScsi *s = of_bus(b);

    if (virtio_has_feature(&s->virtio, F_CHANGE) && d->lu.type != SCSI_TYPE_ROM) {
        send_event(s, d, EVENT_PARAM_CHANGE, (sense >> 8 & 0xff) | (sense & 0xff) << 8);
    }
}

static const ScsiBusOps bus_ops = {
    .max_target = MAX_TARGET,
    .max_lun = MAX_LUN,
    .hotplug = true,
    .plugged = plugged,
    .unplugged = unplugged,
    .changed = changed,
};
static const ScsiBusOps fixed_bus_ops = {
    .max_target = MAX_TARGET,
    .max_lun = MAX_LUN,
    .changed = changed,
};

/* ---- the virtio device ---- */

static uint64_t features(VirtioDevice *v)
{
    VirtioScsi *s = (VirtioScsi *)v;

    return (s->hotplug ? BIT64(F_HOTPLUG) : 0) | (s->param_change ? BIT64(F_CHANGE) : 0);
}

static void get_config(VirtioDevice *v, uint8_t *c)
{
    VirtioScsi *s = (VirtioScsi *)v;

    st_le32(c, s->num_queues);
    st_le32(c + 4, s->seg_max);
    st_le32(c + 8, s->max_sectors);
    st_le32(c + 12, s->cmd_per_lun);
    st_le32(c + 16, 16); /* bytes of an event */
    st_le32(c + 20, s->sense_size);
    st_le32(c + 24, s->cdb_size);
    st_le16(c + 28, 0);
    st_le16(c + 30, MAX_TARGET);
    st_le32(c + 32, MAX_LUN);
}

static void set_config(VirtioDevice *v, const uint8_t *c)
{
    VirtioScsi *s = (VirtioScsi *)v;
    uint32_t sense = ld_le32(c + 20), cdb = ld_le32(c + 24);

    if (sense > SIZE_LIMIT || cdb > SIZE_LIMIT) {
        virtio_error(v, "virtio-scsi: bad sizes of sense data or CDB");
        return;
    }
    s->sense_size = sense;
    s->cdb_size = cdb;
}

/* Units forget their tasks, and the rings' elements go unanswered. */
static void forget_requests(VirtioScsi *s)
{
    GList *l;

    if (!s->requests) {
        return; /* not realized */
    }
    for (guint i = 0; i < s->bus.devices->len; i++) {
        scsi_lu_cancel(&((ScsiDevice *)s->bus.devices->pdata[i])->lu);
    }
    while ((l = s->requests->head)) {
        Request *r = l->data;
        if (r->tmf) {
            virtq_discard(r->tmf->vq, r->tmf);
        }
        virtq_discard(r->e->vq, r->e);
        free_request(r);
    }
}

static void reset(VirtioDevice *v)
{
    VirtioScsi *s = (VirtioScsi *)v;

    forget_requests(s);
    s->sense_size = SENSE_DEFAULT;
    s->cdb_size = CDB_DEFAULT;
    s->events_missed = 0;
}

static void kick(VirtioDevice *v, VirtQueue *vq)
{
    VirtioScsi *s = (VirtioScsi *)v;

    switch (virtq_index(vq)) {
    case CONTROL:
        control_kick(s, vq);
        break;
    case EVENTS: /* there is room again */
        if (s->events_missed) {
            send_event(s, NULL, 0, 0);
        }
        break;
    default:
        requests_kick(s, vq);
        break;
    }
}

static const VirtioClass scsi_class = {
    .id = 8,
    .config_size = CONFIG_SIZE,
    .features = features,
    .get_config = get_config,
    .set_config = set_config,
    .reset = reset,
    .kick = kick,
};

static bool check_props(VirtioScsi *s, Error **errp)
{
    if (s->num_queues == UINT32_MAX) {
        s->num_queues = virtio_auto_queues(&s->virtio);
    }
    if (!s->num_queues || s->num_queues > VIRTIO_MAX_QUEUES - REQUESTS) {
        error_set(errp, ERR_INVALID_PARAMETER, "num_queues must be from 1 to %d",
                  VIRTIO_MAX_QUEUES - REQUESTS);
        return false;
    }
    if (s->queue_size < 3 || s->queue_size > VIRTQ_MAX_SIZE || !is_pow2(s->queue_size)) {
        error_set(errp, ERR_INVALID_PARAMETER, "virtqueue_size must be a power of two from 4 to %d",
                  VIRTQ_MAX_SIZE);
        return false;
    }
    /* Headers take two descriptors of a request. */
    s->seg_max = s->seg_max_adjust ? s->queue_size - 2 : 128 - 2;
    return true;
}

static bool scsi_realize(Device *d, Error **errp)
{
    VirtioScsi *s = (VirtioScsi *)d;

    if (!virtio_setup(&s->virtio, &scsi_class, errp)) {
        return false;
    }
    if (!check_props(s, errp)) {
        virtio_teardown(&s->virtio);
        return false;
    }
    s->requests = g_queue_new();
    scsi_bus_init(&s->bus, s->hotplug ? &bus_ops : &fixed_bus_ops, d, NULL);
    for (unsigned i = 0; i < REQUESTS + s->num_queues; i++) {
        virtio_add_queue(&s->virtio, s->queue_size);
    }
    return true;
}

static void scsi_unrealize(Device *d)
{
    VirtioScsi *s = (VirtioScsi *)d;

    virtio_shut(&s->virtio);
    virtio_teardown(&s->virtio);
    scsi_bus_fini(&s->bus);
    g_clear_pointer(&s->requests, g_queue_free);
}

static bool scsi_post_load(Device *d, int version, Error **errp)
{
    VirtioScsi *s = (VirtioScsi *)d;
    uint32_t sense = s->sense_size, cdb = s->cdb_size;
    uint8_t missed = s->events_missed;

    if (s->sense_size > SIZE_LIMIT || s->cdb_size > SIZE_LIMIT || s->events_missed > 1) {
        error_set(errp, ERR_GENERIC, "virtio-scsi: the saved state makes no sense");
        return false;
    }
    if (!virtio_post_load(d, version, errp)) { /* resets what was here before */
        return false;
    }
    s->sense_size = sense;
    s->cdb_size = cdb;
    s->events_missed = missed;
    return true;
}

static const Property scsi_props[] = {
    VIRTIO_PROPS(VirtioScsi),
    PROP(VirtioScsi, PROP_U32, num_queues, "num_queues", UINT32_MAX,
         "request queues; chosen when not given"),
    PROP(VirtioScsi, PROP_U32, queue_size, "virtqueue_size", 256, "entries of a queue"),
    PROP(VirtioScsi, PROP_BOOL, seg_max_adjust, "seg_max_adjust", true,
         "segments of a request as the queue has entries, else 126"),
    PROP(VirtioScsi, PROP_U32, max_sectors, "max_sectors", 0xffff, "sectors of a request"),
    PROP(VirtioScsi, PROP_U32, cmd_per_lun, "cmd_per_lun", 128, "requests to a unit at a time"),
    PROP(VirtioScsi, PROP_BOOL, hotplug, "hotplug", true,
         "units come and go while the machine runs"),
    PROP(VirtioScsi, PROP_BOOL, param_change, "param_change", true, "tell of changed sizes"),
    {0},
};

static const StateField scsi_state[] = {
    VIRTIO_STATE(VirtioScsi),
    STATE(VirtioScsi, STATE_U32, sense_size, SENSE_DEFAULT),
    STATE(VirtioScsi, STATE_U32, cdb_size, CDB_DEFAULT),
    STATE(VirtioScsi, STATE_U8, events_missed, 0),
    HOST_ONLY(VirtioScsi, seg_max),
    HOST_ONLY(VirtioScsi, bus),
    HOST_ONLY(VirtioScsi, requests),
    {0},
};

static const DeviceType virtio_scsi_type = {
    .name = "virtio-scsi-device",
    .help = "virtio SCSI host adapter",
    .bus = "virtio",
    .size = sizeof(VirtioScsi),
    .version = 1,
    .user_creatable = true,
    .needs = "a virtio transport",
    .props = scsi_props,
    .state = scsi_state,
    .realize = scsi_realize,
    .unrealize = scsi_unrealize,
    .reset_hold = virtio_reset_hold,
    .pre_save = virtio_pre_save,
    .post_load = scsi_post_load,
};
DEVICE_TYPE(virtio_scsi_type);
VIRTIO_PCI_TYPES(virtio_scsi, "virtio-scsi", "virtio SCSI host adapter", &virtio_scsi_type);
