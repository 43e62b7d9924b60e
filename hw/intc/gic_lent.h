/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between gic_lent.c and the GICs: the state of one that is in the host's kernel.
 */
#ifndef HW_INTC_GIC_LENT_H
#define HW_INTC_GIC_LENT_H

#include <stdbool.h>

typedef struct Gicv2 Gicv2;
typedef struct Gicv3 Gicv3;

/* All of the state to the host's kernel, or from there. All vCPUs parked. */
void gicv2_exchange(Gicv2 *g, bool to_host);
void gicv3_exchange(Gicv3 *g, bool to_host);

#endif
