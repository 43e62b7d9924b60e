/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between gic_lent.c and the GICs: the state of one that is in the host's kernel.
 */
#ifndef HW_INTC_GIC_LENT_H
#define HW_INTC_GIC_LENT_H

#include "core/accel.h"

typedef struct Gicv2 Gicv2;
typedef struct Gicv3 Gicv3;

/* All of the state to the host's kernel, or from there, with the ITS's. All vCPUs parked; the GIC's lock is held. */
void gicv2_exchange(Gicv2 *g, bool to_host);
void gicv3_exchange(Gicv3 *g, bool to_host);
/* Of a GIC that is lent, before it is told of, with its lock: false: its state is there while the machine runs. */
bool gic_lent_look(Machine *m, GString *out);

#endif
