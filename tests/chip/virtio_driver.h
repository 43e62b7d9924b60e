/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtio driver for tests: one queue of 16 entries of a PCI function (0, or what is set before
 * vd_start()), four requests of up to four buffers at a time. Rings lie at VD_RING, indirect tables at
 * VD_TABLES; tests use RAM from VD_DATA.
 */
#ifndef TESTS_VIRTIO_DRIVER_H
#define TESTS_VIRTIO_DRIVER_H

#include "pci.h"

enum { VD_DESC = 0x1000, VD_AVAIL = 0x1100, VD_USED = 0x2000, VD_TABLES = 0x3000, VD_DATA = 0x4000 };
enum { VD_SIZE = 16 };
enum { VD_LEGACY = 1, VD_PACKED = 2, VD_INDIRECT = 4, VD_EVENT = 8 };

typedef struct VirtioDriver {
    Machine *m;
    PciDevice *pci;
    unsigned mode, queue;
    unsigned notify_step;      /* bytes between the queues' notify registers */
    uint64_t features;         /* negotiated */
    uint64_t more_features;    /* wanted beside the ring's own; set before vd_start() */
    hwaddr common, isr, config, notify; /* modern */
    unsigned io;               /* legacy */
    uint16_t avail, used;
    bool avail_wrap, used_wrap;
    unsigned messages;         /* queue interrupts seen by vd_interrupts() */
} VirtioDriver;

typedef struct VdBuf {
    hwaddr addr;
    uint32_t len;
    bool in;
} VdBuf;

/* Finds the registers; the function has its BARs. */
void vd_init(VirtioDriver *d, PciDevice *pci, unsigned mode);
/* From reset to DRIVER_OK with queue 0; false: the device refused the features. */
bool vd_start(VirtioDriver *d);
void vd_setup_queue(VirtioDriver *d, unsigned queue, hwaddr at);
void vd_reset(VirtioDriver *d);
uint8_t vd_status(VirtioDriver *d);
uint64_t vd_host_features(VirtioDriver *d);
uint64_t vd_config(VirtioDriver *d, unsigned offset, unsigned size);
/* Request number r (0..3); then a kick by hand. */
void vd_add(VirtioDriver *d, unsigned r, const VdBuf *b, unsigned n);
void vd_kick(VirtioDriver *d);
/* Would a driver have to kick? */
bool vd_kick_wanted(VirtioDriver *d, unsigned added);
/* The next answered request. */
bool vd_used(VirtioDriver *d, unsigned *r, uint32_t *len);
/* A common-configuration register. */
void vd_write(VirtioDriver *d, unsigned reg, unsigned size, uint64_t v);
uint64_t vd_read(VirtioDriver *d, unsigned reg, unsigned size);

#endif
