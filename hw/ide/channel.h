/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A channel of the classic interface: two drives behind one taskfile. See channel.c.
 * home: the machine's lock domain.
 */
#ifndef HW_IDE_CHANNEL_H
#define HW_IDE_CHANNEL_H

#include "hw/ide/ata.h"

typedef struct IdeChannel IdeChannel;
typedef struct IdeChannelOps {
    /* The selected drive raised INTRQ. */
    void (*intrq)(IdeChannel *c);
    /* The selected drive waits for the bus master; call ide_channel_dma() now or later. */
    void (*dma_ready)(IdeChannel *c);
    /* The transfer of ide_channel_dma() has ended. more: the drive wanted more than it got. */
    void (*dma_end)(IdeChannel *c, uint64_t moved, bool more);
} IdeChannelOps;

struct IdeChannel {
    IdeBus bus;
    uint8_t select, control; /* state: the DEV bit, the device control register */
    const IdeChannelOps *ops;
    Device *owner;
};

/* Host bytes of the command block (0 is the data port) and the control block. */
uint32_t ide_channel_read(IdeChannel *c, unsigned reg, unsigned size);
void ide_channel_write(IdeChannel *c, unsigned reg, uint32_t v, unsigned size);
uint8_t ide_channel_alt_status(IdeChannel *c);
void ide_channel_control(IdeChannel *c, uint8_t v);
/* What the interrupt line shows. */
bool ide_channel_irq(const IdeChannel *c);
/* Is the drive waiting for the bus master, and for how much in which direction? */
AtaTask *ide_channel_dma_task(IdeChannel *c);
/* Moves data between the waiting drive and these buffers. */
void ide_channel_dma(IdeChannel *c, const struct iovec *iov, int niov);
/* The bus master was stopped, or met an error: forgets the transfer. */
void ide_channel_dma_abort(IdeChannel *c, bool error);
/* Forgets what is under way on both drives. Reset of the controller. */
void ide_channel_cancel(IdeChannel *c);
/* The machine runs again after a load: carries on with what was under way. */
void ide_channel_restart(IdeChannel *c);

#endif
