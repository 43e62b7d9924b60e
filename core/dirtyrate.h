/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast a machine writes its memory: measured over some seconds by comparing some pages, or by counting those that were
 * written.
 *
 * home: main loop, machine not locked.
 */
#ifndef CORE_DIRTYRATE_H
#define CORE_DIRTYRATE_H

#include "core/machine.h"

typedef enum DirtyRateMode { DIRTY_RATE_SAMPLING, DIRTY_RATE_RING, DIRTY_RATE_BITMAP } DirtyRateMode;
typedef enum DirtyRateStatus { DIRTY_RATE_UNSTARTED, DIRTY_RATE_MEASURING, DIRTY_RATE_MEASURED } DirtyRateStatus;

typedef struct DirtyRate {
    DirtyRateMode mode;
    DirtyRateStatus status;
    int64_t start_time;    /* seconds of the host's monotonic clock */
    unsigned seconds;
    unsigned sample_pages; /* of each GiB; 0: not of this mode */
    uint64_t rate;         /* MiB/s, once it is measured */
    unsigned n_cpus;       /* rings: how many follow */
    uint64_t *cpu_rate;    /* MiB/s */
} DirtyRate;

/* What there is of the last one. */
const DirtyRate *machine_dirty_rate(Machine *m);
/* seconds: 1 to 60. sample_pages: 128 to 16384, 0: 512; not with rings. An error while another one goes on. */
bool machine_measure_dirty_rate(Machine *m, DirtyRateMode mode, int64_t seconds, int64_t sample_pages, Error **errp);
/* core's: it ends unfinished. */
void dirty_rate_free(Machine *m);

#endif
