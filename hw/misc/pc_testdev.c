/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pc-testdev: what kernel test suites (kvm-unit-tests and others) poke at on a PC.
 *
 * Ports E0h-E3h: a word that keeps what is written; E8h-EBh the same word, byte by byte. E4h:
 * pulls a page of guest memory away from the accelerator for a moment, which shows nothing. 2000h
 * and up: a byte per ISA interrupt line, its level. Memory FF000000h: 64 KiB that answer like
 * a device instead of RAM.
 *
 * outputs: the ISA lines, all but 2.  home: the machine's lock domain.
 */
#include <string.h>

#include "base/bits.h"
#include "core/machine.h"
#include "hw/isa/isa.h"

#define IO_WORD   0xe0
#define IO_FLUSH  0xe4
#define IO_BYTES  0xe8
#define IO_LINES  0x2000
#define MEM_BASE  0xff000000ull
#define MEM_SIZE  0x10000
#define LINES     24 /* ports; those past the sixteenth do nothing */
#define CASCADE   2

typedef struct PcTestDev {
    Device dev;
    uint32_t word;
    uint16_t lines;  /* levels */
    uint8_t mem[MEM_SIZE];
    Irq isa[ISA_IRQS];
} PcTestDev;

static uint64_t word_read(void *opaque, hwaddr offset, unsigned size)
{
    return extract64(((PcTestDev *)opaque)->word, offset * 8, size * 8);
}

static void word_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    PcTestDev *s = opaque;

    s->word = deposit32(s->word, offset * 8, size * 8, v);
}

static uint64_t nothing_read(void *opaque, hwaddr offset, unsigned size)
{
    return 0;
}

static void nothing_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
}

static void line_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    PcTestDev *s = opaque;

    if (offset < ISA_IRQS) {
        s->lines = deposit32(s->lines, offset, 1, v != 0);
        device_update(&s->dev);
    }
}

static uint64_t mem_read(void *opaque, hwaddr offset, unsigned size)
{
    return ld_le_n(((PcTestDev *)opaque)->mem + offset, size);
}

static void mem_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    st_le_n(((PcTestDev *)opaque)->mem + offset, size, v);
}

static const IoOps word_ops = {word_read, word_write, .max_size = 4};
static const IoOps bytes_ops = {word_read, word_write, .max_size = 1};
static const IoOps flush_ops = {nothing_read, nothing_write, .min_size = 4, .max_size = 4};
static const IoOps line_ops = {nothing_read, line_write, .max_size = 1};
static const IoOps mem_ops = {mem_read, mem_write, .max_size = 8};

static void testdev_outputs(Device *d)
{
    PcTestDev *s = (PcTestDev *)d;

    for (int n = 0; n < ISA_IRQS; n++) {
        irq_set(s->isa[n], s->lines >> n & 1);
    }
}

static bool testdev_realize(Device *d, Error **errp)
{
    PcTestDev *s = (PcTestDev *)d;

    for (int n = 0; n < ISA_IRQS; n++) {
        if (n != CASCADE && !isa_irq_claim(d, n, &s->isa[n], errp)) {
            while (n--) {
                isa_irq_release(s->isa[n]);
            }
            return false;
        }
    }
    device_map_ports(d, IO_WORD, 4, &word_ops, "pc-testdev-ioport");
    device_map_ports(d, IO_FLUSH, 4, &flush_ops, "pc-testdev-flush-page");
    device_map_ports(d, IO_BYTES, 4, &bytes_ops, "pc-testdev-ioport-byte");
    device_map_ports(d, IO_LINES, LINES, &line_ops, "pc-testdev-irq-line");
    device_map_memory(d, MEM_BASE, MEM_SIZE, &mem_ops, "pc-testdev-iomem");
    return true;
}

static void testdev_unrealize(Device *d)
{
    for (int n = 0; n < ISA_IRQS; n++) {
        isa_irq_release(((PcTestDev *)d)->isa[n]);
    }
}

static const StateField testdev_state[] = {
    STATE(PcTestDev, STATE_U32, word, 0),
    STATE(PcTestDev, STATE_U16, lines, 0),
    STATE_RAW(PcTestDev, mem),
    HOST_ONLY(PcTestDev, isa),
    {0},
};

static const DeviceType testdev_type = {
    .name = "pc-testdev",
    .help = "ports and memory for kernel test suites",
    .bus = "isa",
    .size = sizeof(PcTestDev),
    .version = 1,
    .user_creatable = true,
    .needs = "an ISA bus",
    .state = testdev_state,
    .realize = testdev_realize,
    .unrealize = testdev_unrealize,
    .outputs = testdev_outputs,
};
DEVICE_TYPE(testdev_type);
