/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-scsi with a disk and a CD-ROM: kicks send commands of every group. */
#include "base/bits.h"
#include "virtio.h"

static void prepare(FuzzBench *b)
{
    fuzz_virtio_start(b, ~0ull, 3);
}

static void kick(FuzzBench *b, unsigned n)
{
    static const uint8_t ops[] = {0x00, 0x03, 0x12, 0x1a, 0x25, 0x28, 0x2a, 0x35, 0x41, 0x42, 0x43,
                                  0x46, 0x4a, 0x51, 0x55, 0x5a, 0x88, 0x8a, 0x93, 0x9e, 0xa0, 0xa8,
                                  0xaa, 0xac, 0xad, 0xb9, 0xbd, 0xbe, 0x1b, 0x1e, 0x04, 0x15};
    uint8_t req[51] = {1, (uint8_t)(n >> 5 & 1), 0x40, 0};
    bool out = n & 0x40;

    if (n == 0xff) {
        fuzz_virtio_notify(b, 0);
        fuzz_virtio_notify(b, 2);
        return;
    }
    req[19] = ops[n & 31];
    req[19 + 4] = 0xff; /* lengths of short commands, */
    req[19 + 8] = 2;    /* and of longer ones */
    req[19 + 13] = 2;
    fuzz_ram(b, VQ_DATA, req, sizeof(req));
    fuzz_virtio_desc(b, 2, 0, VQ_DATA, sizeof(req), 1, 1);
    if (out) {
        fuzz_virtio_desc(b, 2, 1, VQ_DATA + 0x400, 1024, 1, 2);
        fuzz_virtio_desc(b, 2, 2, VQ_DATA + 0x100, 108, 2, 0);
    } else {
        fuzz_virtio_desc(b, 2, 1, VQ_DATA + 0x100, 108, 3, 2);
        fuzz_virtio_desc(b, 2, 2, VQ_DATA + 0x400, 1024, 2, 0);
    }
    fuzz_virtio_offer(b, 2, 0);
}

static const char *const devices[] = {
    "virtio-scsi-pci,id=s", "scsi-hd,bus=s.0,scsi-id=0,drive=disk0",
    "scsi-cd,bus=s.0,scsi-id=1,drive=cd0", NULL};

const FuzzDevice fuzz_device = {.devices = devices, .prepare = prepare, .kick = kick};
