/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCO watchdog of ICH chips, embedded in the LPC bridge: 32 I/O ports at PMBASE + 60h.
 *
 * home: the machine's lock domain.
 */
#ifndef HW_CHIPSET_TCO_H
#define HW_CHIPSET_TCO_H

#include "core/device.h"

typedef struct Tco {
    Device *owner;
    uint16_t reload; /* ticks left, when it was last loaded or halted */
    uint16_t timer_init, status1, status2, control1, control2;
    uint8_t data_in, data_out, message1, message2, wdcnt, irqgen;
    uint8_t timeouts;    /* in a row */
    Timer timer;
    bool (*may_reboot)(Device *owner); /* GCS.NO_REBOOT is clear, and not strapped */
    void (*smi)(Device *owner);        /* it would like an SMI; NULL: there are none */
} Tco;

#define TCO_STATE(T, t)                                                                            \
    HOST_ONLY(T, t.owner), STATE(T, STATE_U16, t.reload, 0), STATE(T, STATE_U16, t.timer_init, 4), \
    STATE(T, STATE_U16, t.status1, 0), STATE_KEEP(T, STATE_U16, t.status2, 1),                         \
    STATE(T, STATE_U16, t.control1, 0), STATE(T, STATE_U16, t.control2, 8),                        \
    STATE(T, STATE_U8, t.data_in, 0), STATE(T, STATE_U8, t.data_out, 0),                           \
    STATE(T, STATE_U8, t.message1, 0), STATE(T, STATE_U8, t.message2, 0),                          \
    STATE(T, STATE_U8, t.wdcnt, 0), STATE(T, STATE_U8, t.irqgen, 3),                               \
    STATE(T, STATE_U8, t.timeouts, 0), STATE(T, STATE_TIMER, t.timer, 0),                          \
    HOST_ONLY(T, t.may_reboot), HOST_ONLY(T, t.smi)

void tco_init(Tco *t, Device *owner, MemoryRegion *window, uint16_t at,
              bool (*may_reboot)(Device *), void (*smi)(Device *));
void tco_fini(Tco *t);

#endif
