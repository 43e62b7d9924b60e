/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_TIMER_I8254_H
#define HW_TIMER_I8254_H

#include "core/device.h"

extern const DeviceType i8254_type;

/* High: somebody else drives the line of counter 0 (the HPET's legacy replacement). */
Irq i8254_overridden(Device *pit);

#endif
