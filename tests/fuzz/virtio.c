/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See virtio.h. Virtio 1.2, sections 4.1.4 (capabilities) and 2.7 (split rings). */
#include "base/bits.h"
#include "virtio.h"

typedef struct Window {
    unsigned bar;
    uint32_t offset, multiplier;
} Window;

/* The structure of a type: common 1, notify 2, ISR 3, device 4. */
static Window find_window(FuzzBench *b, unsigned type)
{
    Window w = {0};

    for (unsigned at = cfg_read(b->dev, 0x34, 1), n = 0; at && n < 48; n++) {
        if (cfg_read(b->dev, at, 1) == 9 && cfg_read(b->dev, at + 3, 1) == type) {
            w.bar = cfg_read(b->dev, at + 4, 1);
            w.offset = cfg_read(b->dev, at + 8, 4);
            w.multiplier = type == 2 ? cfg_read(b->dev, at + 16, 4) : 0;
            return w;
        }
        at = cfg_read(b->dev, at + 1, 1);
    }
    g_error("no virtio structure of type %u", type);
}

static void put(FuzzBench *b, const Window *w, unsigned reg, unsigned size, uint64_t v)
{
    fuzz_bar_write(b, w->bar, w->offset + reg, size, v);
}

static void set_up_queue(FuzzBench *b, const Window *w, unsigned q)
{
    put(b, w, 0x16, 2, q);
    put(b, w, 0x18, 2, VQ_SIZE);
    put(b, w, 0x20, 4, VQ_DESC(q));
    put(b, w, 0x24, 4, 0);
    put(b, w, 0x28, 4, VQ_AVAIL(q));
    put(b, w, 0x2c, 4, 0);
    put(b, w, 0x30, 4, VQ_USED(q));
    put(b, w, 0x34, 4, 0);
    put(b, w, 0x1c, 2, 1);
}

void fuzz_virtio_start(FuzzBench *b, uint64_t features, unsigned queues)
{
    Window w = find_window(b, 1);
    uint8_t zero[0xb000] = {0};

    fuzz_ram(b, 0x1000, zero, 0xa000);
    put(b, &w, 0x14, 1, 0);
    put(b, &w, 0x14, 1, 3);
    for (unsigned half = 0; half < 2; half++) {
        put(b, &w, 0x00, 4, half);
        uint64_t offered = fuzz_bar_read(b, w.bar, w.offset + 4, 4);
        put(b, &w, 0x08, 4, half);
        put(b, &w, 0x0c, 4, offered & (uint32_t)(features >> 32 * half));
    }
    put(b, &w, 0x14, 1, 11);
    for (unsigned q = 0; q < queues; q++) {
        set_up_queue(b, &w, q);
    }
    put(b, &w, 0x14, 1, 15);
}

void fuzz_virtio_desc(FuzzBench *b, unsigned q, unsigned i, uint64_t addr, uint32_t len,
                      uint16_t flags, uint16_t next)
{
    uint8_t d[16];

    st_le64(d, addr);
    st_le32(d + 8, len);
    st_le16(d + 12, flags);
    st_le16(d + 14, next);
    fuzz_ram(b, VQ_DESC(q) + 16 * (i % VQ_SIZE), d, 16);
}

void fuzz_virtio_notify(FuzzBench *b, unsigned q)
{
    Window c = find_window(b, 1), n = find_window(b, 2);

    put(b, &c, 0x16, 2, q);
    uint32_t off = (uint32_t)fuzz_bar_read(b, c.bar, c.offset + 0x1e, 2);
    put(b, &n, off * n.multiplier, 2, q);
}

void fuzz_virtio_offer(FuzzBench *b, unsigned q, unsigned head)
{
    uint16_t idx = (uint16_t)bench_load(b->m, VQ_AVAIL(q) + 2, 2);

    bench_store(b->m, VQ_AVAIL(q) + 4 + 2 * (idx % VQ_SIZE), 2, head);
    bench_store(b->m, VQ_AVAIL(q) + 2, 2, (uint16_t)(idx + 1));
    fuzz_virtio_notify(b, q);
}
