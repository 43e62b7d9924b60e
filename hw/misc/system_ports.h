/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_MISC_SYSTEM_PORTS_H
#define HW_MISC_SYSTEM_PORTS_H

#include "core/device.h"

extern const DeviceType system_ports_type;

/* The input that takes FERR# of the first processor; with the machine locked. */
Irq system_ports_ferr(Device *d);

#endif
