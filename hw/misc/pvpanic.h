/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the machine's pvpanic port is, for the ACPI tables. */
#ifndef HW_MISC_PVPANIC_H
#define HW_MISC_PVPANIC_H

#include "core/device.h"

/* The port of the (first) ISA pvpanic; 0: there is none. */
uint16_t pvpanic_port(Machine *m);

#endif
