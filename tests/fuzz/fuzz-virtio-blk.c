/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-blk, modern PCI; the first byte of a kick chooses the request, RAM writes spoil it. */
#include "base/bits.h"
#include "virtio.h"

static void prepare(FuzzBench *b)
{
    fuzz_virtio_start(b, ~0ull & ~(1ull << 34 /* packed */), 2);
}

static void kick(FuzzBench *b, unsigned n)
{
    static const uint32_t types[] = {0, 1, 4, 8, 11, 13, 0, 1};
    unsigned q = n >> 3 & 1, base = n >> 4 & 4;
    uint8_t header[16] = {0};

    if (n >= 0xc0) { /* whatever is in the rings */
        fuzz_virtio_notify(b, q);
        return;
    }
    st_le32(header, types[n & 7]);
    st_le64(header + 8, n >> 4);
    fuzz_ram(b, VQ_DATA, header, 16);
    fuzz_virtio_desc(b, q, base, VQ_DATA, 16, 1, (uint16_t)(base + 1));
    fuzz_virtio_desc(b, q, base + 1, VQ_DATA + 0x200, 512 << (n & 3), n & 1 ? 1 : 3,
                     (uint16_t)(base + 2));
    fuzz_virtio_desc(b, q, base + 2, VQ_DATA + 0x1f0, 1, 2, 0);
    fuzz_virtio_offer(b, q, base);
}

static const char *const devices[] = {"virtio-blk-pci,drive=disk0,num-queues=2", NULL};

const FuzzDevice fuzz_device = {.devices = devices, .prepare = prepare, .kick = kick};
