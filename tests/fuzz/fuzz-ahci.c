/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AHCI with a disk on port 0 and a CD-ROM on port 1: kicks build a command table and issue it. */
#include "base/bits.h"
#include "device.h"

#define LIST(p)  (0x1000u + (p) * 0x4000u)
#define FIS(p)   (LIST(p) + 0x800u)
#define TABLE(p) (LIST(p) + 0x1000u)
#define DATA     0xa000u

static void port(FuzzBench *b, unsigned p, unsigned reg, uint32_t v)
{
    fuzz_bar_write(b, 5, 0x100 + 0x80 * p + reg, 4, v);
}

static void prepare(FuzzBench *b)
{
    fuzz_bar_write(b, 5, 4, 4, 0x80000002);
    for (unsigned p = 0; p < 2; p++) {
        port(b, p, 0x00, LIST(p));
        port(b, p, 0x04, 0);
        port(b, p, 0x08, FIS(p));
        port(b, p, 0x0c, 0);
        port(b, p, 0x30, 0xffffffff);
        port(b, p, 0x14, 0xffffffff);
        port(b, p, 0x18, 0x16);
        port(b, p, 0x18, 0x17);
    }
}

static void kick(FuzzBench *b, unsigned n)
{
    static const uint8_t ops[] = {0xec, 0xc8, 0xca, 0x25, 0x35, 0x60, 0x61, 0xa0,
                                  0xea, 0x06, 0xef, 0x2f, 0xa1, 0x20, 0x30, 0xb0};
    unsigned p = n >> 4 & 1, slot = n >> 5 & 3;
    uint8_t head[32] = {0}, fis[64] = {0x27, 0x80, ops[n & 15], 0};

    if (n >= 0xf0) {
        port(b, p, 0x38, n & 15);
        return;
    }
    st_le16(head, (uint16_t)(5 | ((n & 3) == 2 ? 0x40 : 0) | (ops[n & 15] == 0xa0 ? 0x20 : 0)));
    st_le16(head + 2, 2);
    st_le32(head + 8, TABLE(p) + slot * 0x200);
    fis[7] = 0x40;
    fis[12] = (uint8_t)(n & 0xe0 ? 4 : 1);
    fis[3] = 1;
    fuzz_ram(b, LIST(p) + slot * 32, head, 32);
    fuzz_ram(b, TABLE(p) + slot * 0x200, fis, 20);
    uint8_t prd[32] = {0};
    st_le32(prd, DATA);
    st_le32(prd + 12, 0x3ff);
    st_le32(prd + 16, DATA + 0x1000);
    st_le32(prd + 28, 0x3ff);
    fuzz_ram(b, TABLE(p) + slot * 0x200 + 0x80, prd, 32);
    if (ops[n & 15] == 0x60 || ops[n & 15] == 0x61) {
        port(b, p, 0x34, 1u << slot);
    }
    port(b, p, 0x38, 1u << slot);
}

static const char *const devices[] = {
    "ich9-ahci,id=a", "ide-hd,bus=a.0,drive=disk0", "ide-cd,bus=a.1,drive=cd0", NULL};

const FuzzDevice fuzz_device = {.devices = devices, .prepare = prepare, .kick = kick};
