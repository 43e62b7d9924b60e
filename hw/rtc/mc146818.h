/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_RTC_MC146818_H
#define HW_RTC_MC146818_H

#include "core/device.h"

extern const DeviceType mc146818_type;

/* Board: a byte of battery RAM (14..127), as firmware expects to find it. */
void mc146818_set_ram(Device *rtc, unsigned index, uint8_t value);

#endif
