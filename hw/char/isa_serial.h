/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_CHAR_ISA_SERIAL_H
#define HW_CHAR_ISA_SERIAL_H

#include "core/device.h"

extern const DeviceType isa_serial_type;

#endif
