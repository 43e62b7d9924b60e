/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Floppy controller with its DMA controller: programs write registers and DMA set-up. */
#include "device.h"

static void prepare(FuzzBench *b)
{
    static const uint8_t specify[] = {3, 0xdf, 2};

    bench_out(b->m, 0x3f2, 1, 0x1c);
    for (size_t i = 0; i < sizeof(specify); i++) {
        bench_out(b->m, 0x3f5, 1, specify[i]);
    }
}

/* A whole command, so that programs need not find the number of its bytes. */
static void kick(FuzzBench *b, unsigned n)
{
    static const uint8_t ops[] = {0xe6, 0xc5, 0x4d, 0x42, 0x16, 0xcc, 0x07, 0x0f};
    uint8_t cmd[9] = {ops[n & 7], (uint8_t)(n >> 3 & 5), (uint8_t)(n >> 6), 0, 1, 2, 18, 27, 255};

    bench_out(b->m, 0x0b, 1, n & 1 ? 0x4a : 0x46);
    bench_out(b->m, 0x05, 1, 0xff);
    bench_out(b->m, 0x05, 1, 0x03);
    bench_out(b->m, 0x0a, 1, 2);
    for (size_t i = 0; i < sizeof(cmd); i++) {
        bench_out(b->m, 0x3f5, 1, cmd[i]);
    }
}

static const char *const devices[] = {
    "isa-bus", "i8257", "isa-fdc,id=f", "floppy,drive=disk0", "floppy,drive=disk1", NULL};
static const uint16_t ports[] = {0x3f0, 6, 0x3f7, 1, 0, 16, 0x81, 15, 0, 0};

const FuzzDevice fuzz_device = {
    .devices = devices, .ports = ports, .prepare = prepare, .kick = kick};
