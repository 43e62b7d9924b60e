/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * -explain: what was decided, as the options that say the same.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/units.h"
#include "main/config.h"

void config_explain(const Config *c)
{
    g_autofree char *ram = format_size(c->ram);

    fprintf(stderr, "%s: -machine %s%s\n", c->program, c->board, c->board_opts->str);
    fprintf(stderr, "%s: -accel %s\n", c->program, (char *)c->accels->pdata[0]);
    if (c->cpu) {
        fprintf(stderr, "%s: -cpu %s\n", c->program, c->cpu);
    } else {
        fprintf(stderr, "%s: the machine's default processor\n", c->program);
    }
    fprintf(stderr,
            "%s: -smp %" PRId64 ",sockets=%" PRId64 ",cores=%" PRId64 ",threads=%" PRId64 "\n",
            c->program, c->cpus, c->sockets, c->cores, c->threads);
    fprintf(stderr, "%s: -m size=%" PRIu64 "B (%s)\n", c->program, c->ram, ram);
    fprintf(stderr, "%s: %s\n", c->program, c->nographic ? "-nographic" : "-display none");
}
