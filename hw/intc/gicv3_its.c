/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GICv3 interrupt translation service: registers and the command queue. IHI 0069H, 12.19 and 5.3.
 *
 * Physical LPIs only. A queue is worked on when GITS_CWRITER moves; a long one in portions, the rest by a timer, so that
 * no guest keeps the GIC's lock.
 *
 * home: any thread, the GIC's lock; the timer on the main loop.
 */
#include "hw/intc/gicv3_its.h"

#include "base/log.h"
#include "core/machine.h"

#include <inttypes.h>

enum {
    I_CTLR = 0x0000, I_IIDR = 0x0004, I_TYPER = 0x0008, I_CBASER = 0x0080, I_CWRITER = 0x0088, I_CREADR = 0x0090,
    I_BASER = 0x0100, I_BASER_END = 0x0140, I_ID = 0xffd0, I_TRANSLATER = 0x10040, I_SIZE = 0x20000,
};
#define CTLR_ENABLED   1u
#define CTLR_QUIESCENT (1u << 31)
#define STALLED 1ull /* GITS_CREADR: the next command cannot be read */
#define VALID (1ull << 63)
#define QUEUE_ADDR 0x000ffffffffff000ull
#define OFFSET_MASK 0xfffe0ull
#define PORTION 1024           /* cost of commands that are done at once */
#define PAUSE (100 * NS_PER_US) /* until the next portion */
#define TYPER_VALUE \
    (1ull << 36 /* CIL */ | (ITS_COLLECTION_BITS - 1ull) << 32 | (ITS_DEVICE_BITS - 1) << 13 | (ITS_EVENT_BITS - 1) << 8 | \
     (ITS_ENTRY_SIZE - 1) << 4 | 1)
/* GITS_BASER<n>: type 58:56, entry size 52:48 and page size 9:8 are fixed; collections have one level. */
#define BASER_FIXED (7ull << 56 | 0x1full << 48 | 3u << 8)
#define BASER_INDIRECT (1ull << 62)
#define PAGES_OF_64K (2u << 8)
static const uint64_t baser_fixed[ITS_BASERS] = {
    [ITS_DEVICES] = 1ull << 56 | (ITS_ENTRY_SIZE - 1ull) << 48 | PAGES_OF_64K,
    [ITS_COLLECTIONS] = 4ull << 56 | (ITS_ENTRY_SIZE - 1ull) << 48 | PAGES_OF_64K,
};

static void set_baser(Its *s, unsigned n, uint64_t v)
{
    uint64_t fixed = BASER_FIXED | (n == ITS_COLLECTIONS ? BASER_INDIRECT : 0);

    s->baser[n] = baser_fixed[n] ? (v & ~fixed) | baser_fixed[n] : 0;
}

/* ---- command queue ---- */

static uint64_t queue_size(const Its *s)
{
    return ((s->cbaser & 0xff) + 1) * 4096;
}

static bool running(const Its *s)
{
    return !s->gic->lent && (s->ctlr & CTLR_ENABLED) && (s->cbaser & VALID) && !(s->creadr & STALLED) &&
           s->creadr != s->cwriter && s->cwriter < queue_size(s);
}

static void run_queue(Its *s)
{
    for (unsigned cost = 0; running(s);) {
        uint64_t dw[4];
        if (cost >= PORTION) {
            timer_arm(&s->more, clock_ns(s->dev.machine, CLOCK_VIRTUAL) + PAUSE);
            return;
        }
        if (!v3_ram_read(s->gic, (s->cbaser & QUEUE_ADDR) + s->creadr, dw, sizeof(dw))) {
            s->creadr |= STALLED;
            log_mask(LOG_GUEST_ERROR, "arm-gicv3-its: the command queue at 0x%" PRIx64 " is no RAM\n",
                     (uint64_t)(s->cbaser & QUEUE_ADDR));
            return;
        }
        for (int i = 0; i < 4; i++) {
            dw[i] = BITS_LE(64, dw[i]);
        }
        cost += its_command(s, dw);
        s->creadr = (s->creadr + ITS_COMMAND_SIZE) % queue_size(s);
    }
}

static void its_more(void *opaque)
{
    Its *s = opaque;

    g_mutex_lock(&s->gic->lock);
    run_queue(s);
    g_mutex_unlock(&s->gic->lock);
}

/* ---- registers ---- */

static uint32_t read_word(const Its *s, hwaddr offset)
{
    unsigned shift = offset & 4 ? 32 : 0;

    switch (offset) {
    case I_CTLR:
        return s->ctlr | (running(s) ? 0 : CTLR_QUIESCENT);
    case I_IIDR:
        return V3_IIDR;
    case I_TYPER:
    case I_TYPER + 4:
        return TYPER_VALUE >> shift;
    case I_CBASER:
    case I_CBASER + 4:
        return s->cbaser >> shift;
    case I_CWRITER:
    case I_CWRITER + 4:
        return s->cwriter >> shift;
    case I_CREADR:
    case I_CREADR + 4:
        return s->creadr >> shift;
    case I_BASER ... I_BASER_END - 1:
        return s->baser[(offset - I_BASER) / 8] >> shift;
    case I_ID ... I_ID + 0x2f:
        return v3_id_register(offset, 0x94);
    default:
        return 0;
    }
}

static uint64_t merge(uint64_t old, unsigned shift, uint32_t v, uint32_t mask)
{
    return (old & ~((uint64_t)mask << shift)) | (uint64_t)(v & mask) << shift;
}

static void write_cwriter(Its *s, unsigned shift, uint32_t v, uint32_t mask)
{
    s->cwriter = merge(s->cwriter, shift, v, mask) & OFFSET_MASK;
    if (v & mask & 1 && shift == 0) { /* Retry */
        s->creadr &= ~STALLED;
    }
    run_queue(s);
}

static void write_baser(Its *s, unsigned n, unsigned shift, uint32_t v, uint32_t mask)
{
    if (!(s->ctlr & CTLR_ENABLED)) {
        set_baser(s, n, merge(s->baser[n], shift, v, mask));
    }
}

static void write_word(Its *s, hwaddr offset, uint32_t v, uint32_t mask)
{
    unsigned shift = offset & 4 ? 32 : 0;

    switch (offset) {
    case I_CTLR:
        if (mask & CTLR_ENABLED) {
            s->ctlr = v & CTLR_ENABLED;
            run_queue(s);
        }
        break;
    case I_CBASER:
    case I_CBASER + 4:
        if (!(s->ctlr & CTLR_ENABLED)) {
            s->cbaser = merge(s->cbaser, shift, v, mask);
            s->creadr = 0; /* 12.19.2 */
        }
        break;
    case I_CWRITER:
    case I_CWRITER + 4:
        write_cwriter(s, shift, v, mask);
        break;
    case I_BASER ... I_BASER_END - 1:
        write_baser(s, (offset - I_BASER) / 8, shift, v, mask);
        break;
    case I_TRANSLATER:
        log_mask(LOG_GUEST_ERROR, "arm-gicv3-its: GITS_TRANSLATER written by no device\n");
        break;
    }
}

static uint64_t its_read(void *opaque, hwaddr offset, unsigned size)
{
    Its *s = opaque;

    g_mutex_lock(&s->gic->lock);
    uint64_t v = read_word(s, offset & ~(hwaddr)3);
    if (size == 8) {
        v |= (uint64_t)read_word(s, offset + 4) << 32;
    }
    g_mutex_unlock(&s->gic->lock);
    return extract64(v, (offset & 3) * 8, size * 8);
}

static void its_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    Its *s = opaque;
    unsigned shift = (offset & 3) * 8;
    uint64_t mask = MASK64(0, size * 8) << shift;

    value = value << shift & mask;
    g_mutex_lock(&s->gic->lock);
    if (size == 8) { /* the high half first: the low one of GITS_CWRITER sets off */
        write_word(s, offset + 4, value >> 32, mask >> 32);
    }
    write_word(s, offset & ~(hwaddr)3, value, mask);
    g_mutex_unlock(&s->gic->lock);
}

static const IoOps its_ops = {its_read, its_write, .min_size = 1, .max_size = 8, .lockless = true};

/* ---- messages ---- */

void gicv3_its_message(void *opaque, uint16_t requester, uint64_t addr, uint32_t data)
{
    Its *s = opaque;

    if (addr != s->base + I_TRANSLATER) {
        log_mask(LOG_GUEST_ERROR, "arm-gicv3-its: a message to 0x%" PRIx64 " is nobody's\n", addr);
        return;
    }
    g_mutex_lock(&s->gic->lock);
    if (s->gic->lent) {
        s->gic->lent->its_message(s->dev.machine, requester, addr, data);
    } else if (s->ctlr & CTLR_ENABLED) {
        its_event(s, requester, data);
    }
    g_mutex_unlock(&s->gic->lock);
}

/* ---- type ---- */

static bool its_realize(Device *d, Error **errp)
{
    Its *s = (Its *)d;

    if (!s->parent || !((Gicv3 *)s->parent)->has_lpi) {
        error_set(errp, ERR_INVALID_PARAMETER, "arm-gicv3-its: parent-gicv3 is no arm-gicv3 with LPIs");
        return false;
    }
    s->gic = (Gicv3 *)s->parent;
    s->gic->its = s;
    timer_init(&s->more, d->machine, CLOCK_VIRTUAL, its_more, s);
    device_map_memory(d, s->base, I_SIZE, &its_ops, "gicv3_its");
    return true;
}

static void its_unrealize(Device *d)
{
    Its *s = (Its *)d;

    s->gic->its = NULL;
    timer_fini(&s->more);
}

static void its_reset_hold(Device *d)
{
    Its *s = (Its *)d;

    for (unsigned i = 0; i < ITS_BASERS; i++) {
        set_baser(s, i, 0);
    }
}

static bool its_post_load(Device *d, int version, Error **errp)
{
    Its *s = (Its *)d;

    s->ctlr &= CTLR_ENABLED;
    s->cwriter &= OFFSET_MASK;
    s->creadr &= OFFSET_MASK | STALLED;
    for (unsigned i = 0; i < ITS_BASERS; i++) {
        set_baser(s, i, s->baser[i]);
    }
    return true;
}

static void its_info(Device *d, GString *out)
{
    Its *s = (Its *)d;
    const AccelArmOps *lent;

    g_mutex_lock(&s->gic->lock);
    lent = s->gic->lent;
    if (lent && !gic_lent_look(d->machine, out)) {
        g_mutex_unlock(&s->gic->lock);
        return;
    }
    if (lent) {
        its_exchange(s, false);
    }
    g_string_append_printf(out, "ctlr %x queue %" PRIx64 " read %" PRIx64 " written %" PRIx64 " devices %" PRIx64
                           " collections %" PRIx64 "\n", s->ctlr, s->cbaser, s->creadr, s->cwriter,
                           s->baser[ITS_DEVICES], s->baser[ITS_COLLECTIONS]);
    g_mutex_unlock(&s->gic->lock);
}

static const Property its_props[] = {
    PROP(Its, PROP_U64, base, "base", 0x08080000, "guest-physical address"),
    {.name = "parent-gicv3",
     .kind = PROP_LINK,
     .offset = offsetof(Its, parent),
     .link_type = "arm-gicv3",
     .help = "the GIC whose LPIs it makes"},
    {0},
};

static const StateField its_state[] = {
    STATE(Its, STATE_U32, ctlr, 0),
    STATE(Its, STATE_U64, cbaser, 0),
    STATE(Its, STATE_U64, cwriter, 0),
    STATE(Its, STATE_U64, creadr, 0),
    STATE_ARRAY(Its, STATE_U64, baser, ITS_BASERS, 0),
    STATE(Its, STATE_TIMER, more, 0),
    HOST_ONLY(Its, gic),
    {0},
};

const DeviceType arm_gicv3_its_type = {
    .name = "arm-gicv3-its",
    .help = "Arm GICv3 interrupt translation service",
    .bus = "sysbus",
    .size = sizeof(Its),
    .version = 1,
    .internal = true,
    .needs = "an arm-gicv3 with LPIs",
    .props = its_props,
    .state = its_state,
    .realize = its_realize,
    .unrealize = its_unrealize,
    .reset_hold = its_reset_hold,
    .post_load = its_post_load,
    .info = its_info,
};
DEVICE_TYPE(arm_gicv3_its_type);
