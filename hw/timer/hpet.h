/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_TIMER_HPET_H
#define HW_TIMER_HPET_H

#include "core/device.h"

#define HPET_BASE  0xfed00000ull
#define HPET_LINES 24 /* outputs: inputs of the I/O APIC that a timer may be routed to */
/* A further output: legacy replacement is on. */
enum { HPET_OUT_LEGACY = HPET_LINES, HPET_OUTS };

extern const DeviceType hpet_type;

/* In legacy replacement mode these do not get through: outputs 0 and 8 are timers 0 and 1. */
enum { HPET_LEGACY_PIT, HPET_LEGACY_RTC };
Irq hpet_legacy_input(Device *hpet, int n);

/* Where messages of timers with FSB_EN go; any thread. */
void hpet_set_msi(Device *hpet, void (*send)(Device *bus, uint64_t addr, uint32_t data), Device *bus);

#endif
