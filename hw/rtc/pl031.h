/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PrimeCell real-time clock (PL031) as boards see it. */
#ifndef HW_RTC_PL031_H
#define HW_RTC_PL031_H

#include "core/device.h"

extern const DeviceType pl031_type;

#endif
