/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NVMe: admin queues at 0x1000 and 0x2000, one I/O pair; programs fill the queues and ring. */
#include "base/bits.h"
#include "device.h"

#define ASQ 0x1000
#define ACQ 0x2000
#define SQ1 0x3000
#define CQ1 0x4000

static void admin(FuzzBench *b, unsigned n, uint8_t op, uint64_t prp, uint32_t dw10, uint32_t dw11)
{
    uint8_t sqe[64] = {op, 0, (uint8_t)n};

    st_le64(sqe + 24, prp);
    st_le32(sqe + 40, dw10);
    st_le32(sqe + 44, dw11);
    fuzz_ram(b, ASQ + n * 64, sqe, 64);
    fuzz_bar_write(b, 0, 0x1000, 4, n + 1);
}

static void prepare(FuzzBench *b)
{
    fuzz_bar_write(b, 0, 0x24, 4, 0x000f000f);
    fuzz_bar_write(b, 0, 0x28, 4, ASQ);
    fuzz_bar_write(b, 0, 0x30, 4, ACQ);
    fuzz_bar_write(b, 0, 0x14, 4, 0x00460001);
    admin(b, 0, 5, CQ1, 0x000f0001, 3);
    admin(b, 1, 1, SQ1, 0x000f0001, 0x00010001);
}

static void kick(FuzzBench *b, unsigned n)
{
    unsigned queue = n & 1;

    if (n & 2) { /* make room in the completion queue */
        fuzz_bar_write(b, 0, 0x1004 + 8 * queue, 4, n >> 4);
    }
    fuzz_bar_write(b, 0, 0x1000 + 8 * queue, 4, n >> 4);
}

static const char *const devices[] = {
    "nvme,id=n0,serial=fuzz,drive=disk0", "nvme-ns,bus=n0,drive=disk1", NULL};

const FuzzDevice fuzz_device = {.devices = devices, .prepare = prepare, .kick = kick};
