/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-blk with packed rings: programs write descriptors, kicks only notify or add a chain. */
#include "base/bits.h"
#include "virtio.h"

static void prepare(FuzzBench *b)
{
    fuzz_virtio_start(b, ~0ull, 2);
}

/* Descriptors of the first round: available is bit 7 set, used bit 15 clear. */
static void kick(FuzzBench *b, unsigned n)
{
    unsigned q = n >> 3 & 1, at = n >> 4 & 7;
    uint8_t d[16] = {0}, header[16] = {0};

    if (n < 0xc0) {
        st_le32(header, n & 7);
        fuzz_ram(b, VQ_DATA, header, 16);
        for (unsigned i = 0; i < 3; i++) {
            st_le64(d, VQ_DATA + i * 0x200);
            st_le32(d + 8, i == 0 ? 16 : i == 1 ? 512 : 1);
            st_le16(d + 12, (uint16_t)(at + i));
            st_le16(d + 14, (uint16_t)((i < 2 ? 1 : 0) | (i == 2 || (i == 1 && !(n & 1)) ? 2 : 0) |
                                       (n & 4 ? 0x80 : 0x8000)));
            fuzz_ram(b, VQ_DESC(q) + 16 * ((at + i) % VQ_SIZE), d, 16);
        }
    }
    fuzz_virtio_notify(b, q);
}

static const char *const devices[] = {"virtio-blk-pci,drive=disk0,num-queues=2,packed=on", NULL};

const FuzzDevice fuzz_device = {.devices = devices, .prepare = prepare, .kick = kick};
