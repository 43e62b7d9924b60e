/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_CHAR_ISA_DEBUGCON_H
#define HW_CHAR_ISA_DEBUGCON_H

#include "core/device.h"

extern const DeviceType isa_debugcon_type;

#endif
