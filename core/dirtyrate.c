/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Measuring how fast a machine writes its memory (dirtyrate.h).
 *
 * Sampling copies some pages at random and looks afterwards how many differ: it costs the guest nothing, and does not see
 * what was written again as it was. The others count each page once that somebody wrote, devices included; with rings there
 * is also what each processor wrote.
 *
 * home: main loop.
 */
#include <string.h>

#include "base/loop.h"
#include "core/dirtyrate.h"
#include "core/internal.h"

#define SECONDS_MAX 60
#define SAMPLES_MIN 128
#define SAMPLES_MAX 16384
#define SAMPLES     512
#define GIB         (1ull << 30)

typedef struct Sample {
    uint64_t ram_addr;
    uint8_t page[MEM_PAGE_SIZE];
} Sample;

typedef struct DirtyRateState {
    DirtyRate told; /* first: machine_dirty_rate() */
    Machine *machine;
    GSource *timer;
    int64_t began;      /* loop_now_ns() */
    GArray *samples;    /* Sample */
    uint64_t ram_bytes; /* of what was sampled */
    uint64_t *cpu_before;
} DirtyRateState;

/* pages of MEM_PAGE_SIZE in that time, as MiB/s */
static uint64_t mib_per_s(double pages, int64_t ns)
{
    return (uint64_t)(pages * MEM_PAGE_SIZE / (1 << 20) * NS_PER_SEC / MAX(ns, 1));
}

/* ---- samples ---- */

static void take_samples(RamBlock *b, void *opaque)
{
    DirtyRateState *s = opaque;
    uint64_t pages = b->size >> MEM_PAGE_BITS, n = b->size * s->told.sample_pages / GIB;

    if (b->readonly) {
        return;
    }
    s->ram_bytes += b->size;
    for (uint64_t i = 0; i < MAX(n, 1); i++) {
        uint64_t at = (((uint64_t)g_random_int() << 32 | g_random_int()) % pages) << MEM_PAGE_BITS;
        Sample one = {.ram_addr = b->ram_addr + at};
        memcpy(one.page, b->host + at, MEM_PAGE_SIZE);
        g_array_append_val(s->samples, one);
    }
}

static double changed_pages(DirtyRateState *s)
{
    uint64_t changed = 0, there = 0;

    for (guint i = 0; i < s->samples->len; i++) {
        const Sample *one = &g_array_index(s->samples, Sample, i);
        const RamBlock *b = machine_ram_block_at(s->machine, one->ram_addr);
        if (b) { /* it was not unplugged */
            there++;
            changed += memcmp(one->page, b->host + (one->ram_addr - b->ram_addr), MEM_PAGE_SIZE) != 0;
        }
    }
    return there ? (double)changed / there * (s->ram_bytes >> MEM_PAGE_BITS) : 0;
}

/* ---- rings ---- */

static void read_cpus(DirtyRateState *s, uint64_t *pages)
{
    for (unsigned i = 0; i < s->told.n_cpus; i++) {
        pages[i] = s->machine->accel->dirty_pages(machine_cpu(s->machine, i));
    }
}

static void rate_cpus(DirtyRateState *s, int64_t ns)
{
    g_autofree uint64_t *now = g_new0(uint64_t, s->told.n_cpus);

    if (!s->machine->accel->dirty_pages) {
        s->told.n_cpus = 0; /* the machine moved to another accelerator */
    }
    read_cpus(s, now);
    for (unsigned i = 0; i < s->told.n_cpus; i++) {
        s->told.cpu_rate[i] = mib_per_s(now[i] - s->cpu_before[i], ns);
    }
}

/* ---- a measurement ---- */

static void finish(void *opaque)
{
    DirtyRateState *s = opaque;
    int64_t ns = loop_now_ns() - s->began;
    double pages;

    if (s->told.mode == DIRTY_RATE_SAMPLING) {
        pages = changed_pages(s);
        g_array_set_size(s->samples, 0);
    } else {
        pages = ram_dirty_count(s->machine, RAM_WATCH_RATE);
        rate_cpus(s, ns);
        ram_dirty_stop(s->machine, RAM_WATCH_RATE);
    }
    s->told.rate = mib_per_s(pages, ns);
    s->told.status = DIRTY_RATE_MEASURED;
}

static DirtyRateState *state(Machine *m)
{
    if (!m->dirty_rate) {
        DirtyRateState *s = g_new0(DirtyRateState, 1);
        s->machine = m;
        s->timer = loop_timer_new(m->loop, finish, s);
        s->samples = g_array_new(FALSE, FALSE, sizeof(Sample));
        m->dirty_rate = s;
    }
    return m->dirty_rate;
}

const DirtyRate *machine_dirty_rate(Machine *m)
{
    return &state(m)->told;
}

static bool check(Machine *m, DirtyRateMode mode, int64_t seconds, int64_t sample_pages, Error **errp)
{
    bool rings = m->accel->dirty_rings && m->accel->dirty_rings(m);
    const char *wrong = mode == DIRTY_RATE_RING && !rings   ? "dirty-ring"
                        : mode == DIRTY_RATE_BITMAP && rings ? "dirty-bitmap"
                                                             : NULL;

    if (seconds < 1 || seconds > SECONDS_MAX) {
        error_set(errp, ERR_GENERIC, "calc-time is out of range[%d, %d].", 1, SECONDS_MAX);
    } else if (sample_pages && mode == DIRTY_RATE_RING) {
        error_set(errp, ERR_GENERIC, "either sample-pages or dirty-ring can be specified.");
    } else if (sample_pages && (sample_pages < SAMPLES_MIN || sample_pages > SAMPLES_MAX)) {
        error_set(errp, ERR_GENERIC, "sample-pages is out of range[%d, %d].", SAMPLES_MIN, SAMPLES_MAX);
    } else if (wrong) {
        error_set(errp, ERR_GENERIC, "mode %s is not enabled, use other method instead.", wrong);
        error_hint(errp, rings ? "-accel kvm without dirty-ring-size has bitmaps"
                               : "-accel kvm,dirty-ring-size= has rings");
    } else if (state(m)->told.status == DIRTY_RATE_MEASURING) {
        error_set(errp, ERR_GENERIC, "the last measurement goes on still");
        error_hint(errp, "query-dirty-rate tells when it ends");
    } else {
        return true;
    }
    return false;
}

bool machine_measure_dirty_rate(Machine *m, DirtyRateMode mode, int64_t seconds, int64_t sample_pages, Error **errp)
{
    if (!check(m, mode, seconds, sample_pages, errp)) {
        return false;
    }
    DirtyRateState *s = state(m);
    g_free(s->told.cpu_rate);
    g_free(s->cpu_before);
    s->told = (DirtyRate){
        .mode = mode,
        .status = DIRTY_RATE_MEASURING,
        .seconds = seconds,
        .sample_pages = mode == DIRTY_RATE_SAMPLING ? (sample_pages ? sample_pages : SAMPLES) : 0,
        .n_cpus = mode == DIRTY_RATE_RING ? machine_cpu_count(m) : 0,
    };
    s->told.cpu_rate = g_new0(uint64_t, s->told.n_cpus);
    s->cpu_before = g_new0(uint64_t, s->told.n_cpus);
    s->ram_bytes = 0;
    if (mode == DIRTY_RATE_SAMPLING) {
        machine_ram_foreach(m, take_samples, s);
    } else {
        ram_dirty_start(m, RAM_WATCH_RATE);
        read_cpus(s, s->cpu_before);
    }
    s->began = loop_now_ns();
    s->told.start_time = s->began / NS_PER_SEC;
    loop_timer_arm(s->timer, s->began + seconds * NS_PER_SEC);
    return true;
}

void dirty_rate_free(Machine *m)
{
    DirtyRateState *s = m->dirty_rate;

    if (s) {
        loop_remove(s->timer);
        g_array_free(s->samples, TRUE);
        g_free(s->told.cpu_rate);
        g_free(s->cpu_before);
        g_free(s);
        m->dirty_rate = NULL;
    }
}
