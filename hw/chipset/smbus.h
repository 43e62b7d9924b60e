/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMBus host controller of PIIX4 and ICH, embedded in the chip. Nothing is on its wires: each
 * transaction ends with "no acknowledge".
 *
 * home: the machine's lock domain.
 */
#ifndef HW_CHIPSET_SMBUS_H
#define HW_CHIPSET_SMBUS_H

#include "core/device.h"

typedef struct Smbus {
    uint8_t status, control, command, address, data0, data1, aux;
    uint8_t index; /* in block[] */
    uint8_t block[32];
    Device *owner;
} Smbus;

#define SMBUS_STATE(T, s)                                                                          \
    STATE(T, STATE_U8, s.status, 0), STATE(T, STATE_U8, s.control, 0),                             \
    STATE(T, STATE_U8, s.command, 0), STATE(T, STATE_U8, s.address, 0),                            \
    STATE(T, STATE_U8, s.data0, 0), STATE(T, STATE_U8, s.data1, 0), STATE(T, STATE_U8, s.aux, 0),  \
    STATE(T, STATE_U8, s.index, 0), STATE_RAW(T, s.block), HOST_ONLY(T, s.owner)

/* Registers at the window's beginning, size of them. */
void smbus_init(Smbus *s, Device *owner, MemoryRegion *window, unsigned size);
/* Is the interrupt enabled and something to report? */
bool smbus_irq(const Smbus *s);

#endif
