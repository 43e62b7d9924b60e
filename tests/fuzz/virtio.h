/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver's first steps on a modern virtio PCI function, for fuzz targets: queues of eight
 * entries in the 64 KiB of RAM, device running.
 */
#ifndef TESTS_FUZZ_VIRTIO_H
#define TESTS_FUZZ_VIRTIO_H

#include "device.h"

#define VQ_SIZE     8
#define VQ_DESC(q)  (0x1000u + (q) * 0x3000u)
#define VQ_AVAIL(q) (VQ_DESC(q) + 0x1000u)
#define VQ_USED(q)  (VQ_DESC(q) + 0x2000u)
#define VQ_DATA     0xb000u

/* Negotiates features (of those offered), sets up queues 0..queues-1, DRIVER_OK. */
void fuzz_virtio_start(FuzzBench *b, uint64_t features, unsigned queues);
/* Split ring: descriptor i of queue q; then offers chain head and notifies. */
void fuzz_virtio_desc(FuzzBench *b, unsigned q, unsigned i, uint64_t addr, uint32_t len,
                      uint16_t flags, uint16_t next);
void fuzz_virtio_offer(FuzzBench *b, unsigned q, unsigned head);
void fuzz_virtio_notify(FuzzBench *b, unsigned q);

#endif
