/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI configuration: a root port with edu behind it, a bridge with a test device, by ECAM. */
#include "device.h"

static void prepare(FuzzBench *b)
{
    cfg_write(b->dev, 0x18, 4, 0x00010100);        /* bus 1 behind the port */
    cfg_write(b->dev, 0x20, 4, 0x2ff02000);        /* and a window */
    bench_cfg_write(b->m, 1, 0, 0x10, 4, 0x20000000);
    bench_cfg_write(b->m, 1, 0, 4, 2, 6);
}

/* Random writes to any function that is there; in between the device behind is used. */
static void kick(FuzzBench *b, unsigned n)
{
    static const uint8_t regs[] = {0x04, 0x10, 0x18, 0x19, 0x1a, 0x1c, 0x20, 0x22, 0x24, 0x26, 0x28,
                                   0x30, 0x3e, 0x06, 0x14, 0x0c};
    unsigned reg = regs[n & 15];
    uint32_t v = (n >> 4) * 0x11223344u;

    switch (n >> 6) {
    case 0:
        cfg_write(b->dev, reg, 1, v);
        break;
    case 1:
        bench_cfg_write(b->m, 1, 0, reg & ~3u, 4, v);
        break;
    case 2:
        bench_cfg_write(b->m, 0, n & 0x3f, reg, 1, v);
        break;
    default:
        bench_store(b->m, 0x20000000 + (n & 15) * 8, 4, v);
        bench_load(b->m, 0x20000000 + (n & 15) * 8, 4);
    }
}

static const char *const devices[] = {
    "pcie-root-port,id=rp,chassis=1", "edu,bus=rp", "i82801b11-bridge,id=br",
    "pci-testdev,bus=br,addr=1", NULL};

const FuzzDevice fuzz_device = {.devices = devices, .prepare = prepare, .kick = kick};
