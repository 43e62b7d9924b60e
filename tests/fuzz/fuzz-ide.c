/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PIIX3 IDE with bus-master DMA: a disk on the first channel, a CD-ROM on the second. */
#include "base/bits.h"
#include "device.h"

#define PRD  0x1000u
#define DATA 0x4000u

static void prepare(FuzzBench *b)
{
    uint8_t prd[16] = {0};

    cfg_write(b->dev, 0x40, 4, 0x80008000); /* both channels decode */
    st_le32(prd, DATA);
    st_le32(prd + 4, 0x800);
    st_le32(prd + 8, DATA + 0x1000);
    st_le32(prd + 12, 0x80000800);
    fuzz_ram(b, PRD, prd, 16);
    fuzz_bar_write(b, 4, 4, 4, PRD);
    fuzz_bar_write(b, 4, 12, 4, PRD);
}

static void kick(FuzzBench *b, unsigned n)
{
    static const uint8_t ops[] = {0xec, 0x20, 0x30, 0xc8, 0xca, 0xc4, 0xc5, 0xa0,
                                  0xa1, 0xef, 0x25, 0x35, 0xe7, 0x06, 0x24, 0x29};
    uint16_t base = n & 16 ? 0x170 : 0x1f0;
    unsigned bm = n & 16 ? 8 : 0;

    bench_out(b->m, (uint16_t)(base + 6), 1, 0xe0);
    bench_out(b->m, (uint16_t)(base + 1), 1, n & 32);
    bench_out(b->m, (uint16_t)(base + 2), 1, n >> 6);
    bench_out(b->m, (uint16_t)(base + 3), 1, n >> 4);
    bench_out(b->m, (uint16_t)(base + 4), 1, 0);
    bench_out(b->m, (uint16_t)(base + 5), 1, n & 1 ? 8 : 0);
    bench_out(b->m, (uint16_t)(base + 7), 1, ops[n & 15]);
    if (n & 0x80) {
        fuzz_bar_write(b, 4, bm, 1, (n & 1) | 8u * !(n & 4) | 1);
    }
}

static const char *const devices[] = {
    "isa-bus", "piix3-ide,id=i", "ide-hd,bus=i.0,drive=disk0", "ide-cd,bus=i.1,drive=cd0", NULL};
static const uint16_t ports[] = {0x1f0, 8, 0x3f6, 1, 0x170, 8, 0x376, 1, 0, 0};

const FuzzDevice fuzz_device = {
    .devices = devices, .ports = ports, .prepare = prepare, .kick = kick};
