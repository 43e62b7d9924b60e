/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parallel NOR flash with the Intel command set.
 *
 * JEDEC JESD68.01 "Common Flash Interface" (query structure), JEP137 (command set 0001h: Intel
 * extended); Intel 28F128J3 data sheet (order 290667), 4 "device commands", 4.5 status register.
 *
 * The array is ROM that processors read directly; a store reaches the command state machine, which
 * puts registers over the array until it is told to show the array again. What was programmed is
 * written behind to the disk by one request at a time; the rest when the machine ends.
 *
 * Left out: suspend, block locking (accepted, without effect), protection registers, big-endian
 * buses. Chips side by side on a wider bus ("device-width" below "width") get the same commands and
 * are always in the same state.
 *
 * home: the machine's lock domain.
 */
#include "hw/block/pflash.h"

#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "block/block.h"
#include "core/machine.h"

#define BUFFER      256      /* bytes of the write buffer */
#define MAX_SIZE    (64u << 20)
#define CHUNK       4096     /* unit of writing behind */
#define MAX_WRITE   (64u * CHUNK)
#define QUERY_SIZE  0x40

enum { /* commands; the one in force decides what reads give */
    READ_ARRAY = 0xff, PROGRAM = 0x40, PROGRAM_ALT = 0x10, ERASE = 0x20, ERASE_ALT = 0x28,
    CLEAR_STATUS = 0x50, LOCK = 0x60, READ_STATUS = 0x70, READ_ID = 0x90, QUERY = 0x98,
    BUFFERED = 0xe8, CONFIRM = 0xd0, LOCK_SET = 0x01,
};
#define STATUS_READY   0x80
#define STATUS_ERASE   0x20 /* error in erase, or with the next one in the command sequence */
#define STATUS_PROGRAM 0x10

enum { FIRST = 0, SECOND = 1, DATA = 2, COMMIT = 3 }; /* step of a command */

typedef struct Pflash {
    Device dev;
    BlockPort *drive;      /* properties */
    uint32_t blocks;
    uint64_t sector;
    uint8_t width, device_width;
    bool blank;
    uint16_t id0, id1, id2, id3;
    char *name;
    /* saved; none of it is changed by a reset of the machine but through reset_hold */
    uint8_t command, step, status;
    uint16_t left;         /* bytes of the buffer still to come */
    uint32_t buffer_at;    /* its block of BUFFER bytes */
    uint8_t buffer[BUFFER];
    uint8_t touched[BUFFER / 8];
    /* host-only */
    uint64_t size;
    uint8_t query[QUERY_SIZE];
    MemoryRegion *region, *array, *registers;
    bool attached, writing, complained;
    struct iovec iov;      /* of the request in flight */
    uint64_t writing_at;
    uint8_t *dirty;        /* a byte per CHUNK */
    uint8_t *bounce;
} Pflash;

static uint8_t *storage(Pflash *s)
{
    return region_ram(s->array)->host;
}

/* Is the array what reads give? Then processors read it without us. */
static void show(Pflash *s)
{
    region_set_enabled(s->registers, s->command != READ_ARRAY);
}

static void read_array(Pflash *s)
{
    s->command = READ_ARRAY;
    s->step = FIRST;
    show(s);
}

/* ---- writing behind ---- */

static void write_behind(Pflash *s);

static void written(void *opaque, int ret)
{
    Pflash *s = opaque;

    s->writing = false;
    if (ret == 0) {
        write_behind(s);
        return;
    }
    /* With the next change, and once more at the end. */
    memset(s->dirty + s->writing_at / CHUNK, 1, s->iov.iov_len / CHUNK);
    if (!s->complained) {
        log_printf("flash: the image cannot be written: %s\n", g_strerror(-ret));
        s->complained = true;
    }
}

/* The next dirty run; false when there is none. */
static bool take_dirty(Pflash *s, uint64_t *at, uint64_t *len)
{
    uint64_t n = s->size / CHUNK, i = 0;

    while (i < n && !s->dirty[i]) {
        i++;
    }
    *at = i * CHUNK;
    for (*len = 0; i < n && s->dirty[i] && *len < MAX_WRITE; i++, *len += CHUNK) {
        s->dirty[i] = 0;
    }
    return *len != 0;
}

static void write_behind(Pflash *s)
{
    uint64_t at, len;

    if (s->writing || !s->attached || block_port_readonly(s->drive) || !take_dirty(s, &at, &len)) {
        return;
    }
    s->writing = true;
    memcpy(s->bounce, storage(s) + at, len);
    s->writing_at = at;
    s->iov = (struct iovec){s->bounce, len};
    block_write(s->drive, at, &s->iov, 1, 0, written, s);
}

static void changed(Pflash *s, uint64_t at, uint64_t len)
{
    ram_written(region_ram(s->array), at, len);
    if (s->dirty) {
        memset(s->dirty + at / CHUNK, 1, (at + len - 1) / CHUNK - at / CHUNK + 1);
        write_behind(s);
    }
}

/* ---- commands ---- */

static bool may_write(Pflash *s, uint8_t error)
{
    if (s->attached && block_port_readonly(s->drive)) {
        s->status |= STATUS_READY | error;
        return false;
    }
    return true;
}

/* Programming clears bits and sets none. */
static void program(Pflash *s, uint64_t at, uint64_t v, unsigned size)
{
    if (may_write(s, STATUS_PROGRAM)) {
        uint8_t *p = storage(s) + at;
        st_le_n(p, size, ld_le_n(p, size) & v);
        changed(s, at, size);
        s->status |= STATUS_READY;
    }
    s->step = FIRST;
}

static void erase(Pflash *s, uint64_t at)
{
    at -= at % s->sector;
    if (may_write(s, STATUS_ERASE)) {
        memset(storage(s) + at, 0xff, s->sector);
        changed(s, at, s->sector);
        s->status |= STATUS_READY;
    }
    s->step = FIRST;
}

static void buffer_byte(Pflash *s, uint64_t at, uint8_t v)
{
    if (at / BUFFER != s->buffer_at) {
        s->status |= STATUS_READY | STATUS_PROGRAM; /* outside of the block it began with */
        return;
    }
    s->buffer[at % BUFFER] = v;
    s->touched[at % BUFFER / 8] |= 1 << at % 8;
}

static void buffer_data(Pflash *s, uint64_t at, uint64_t v, unsigned size)
{
    if (s->buffer_at == UINT32_MAX) {
        s->buffer_at = at / BUFFER;
    }
    for (unsigned i = 0; i < size && s->left; i++, s->left--) {
        buffer_byte(s, at + i, v >> 8 * i);
    }
    if (!s->left) {
        s->step = COMMIT;
    }
}

static void buffer_commit(Pflash *s)
{
    uint64_t at = (uint64_t)s->buffer_at * BUFFER;

    if (s->buffer_at < s->size / BUFFER && may_write(s, STATUS_PROGRAM)) {
        for (int i = 0; i < BUFFER; i++) {
            if (s->touched[i / 8] >> i % 8 & 1) {
                storage(s)[at + i] &= s->buffer[i];
            }
        }
        changed(s, at, BUFFER);
        s->status |= STATUS_READY;
    }
    s->step = FIRST;
}

/* A sequence that is none: both error bits, as 4.5 says. */
static void sequence_error(Pflash *s, uint64_t v)
{
    log_mask(LOG_GUEST_ERROR, "flash: 0x%02x does not follow 0x%02x\n", (unsigned)v, s->command);
    s->status |= STATUS_READY | STATUS_ERASE | STATUS_PROGRAM;
    read_array(s);
}

static void first_cycle(Pflash *s, uint8_t v)
{
    s->command = v;
    switch (v) {
    case PROGRAM:
    case PROGRAM_ALT:
    case ERASE:
    case ERASE_ALT:
    case LOCK:
        s->step = SECOND;
        break;
    case BUFFERED:
        s->status |= STATUS_READY;
        s->step = SECOND;
        break;
    case CLEAR_STATUS:
        s->status = 0;
        s->command = READ_ARRAY;
        break;
    case READ_STATUS:
    case READ_ID:
    case QUERY:
        break;
    default: /* also 0x00, and 0xf0 of another command set */
        s->command = READ_ARRAY;
    }
    show(s);
}

static void second_cycle(Pflash *s, uint64_t at, uint64_t v, unsigned size)
{
    switch (s->command) {
    case PROGRAM:
    case PROGRAM_ALT:
        program(s, at, v, size);
        break;
    case ERASE:
    case ERASE_ALT:
        if ((v & 0xff) == CONFIRM) {
            erase(s, at);
        } else {
            sequence_error(s, v);
        }
        break;
    case LOCK:
        s->step = FIRST;
        s->status |= STATUS_READY;
        if ((v & 0xff) != CONFIRM && (v & 0xff) != LOCK_SET) {
            read_array(s);
        }
        break;
    case BUFFERED: { /* the number of words less one */
        uint64_t bytes = ((v & 0xffff) + 1) * s->width;
        if (bytes > BUFFER) {
            sequence_error(s, v);
            break;
        }
        s->left = bytes;
        s->buffer_at = UINT32_MAX;
        memset(s->touched, 0, sizeof(s->touched));
        s->step = DATA;
        break;
    }
    }
}

static void flash_write(void *opaque, hwaddr at, uint64_t v, unsigned size)
{
    Pflash *s = opaque;

    if (at >= s->size || size > s->size - at) {
        return;
    }
    switch (s->step) {
    case FIRST:
        first_cycle(s, v);
        break;
    case SECOND:
        second_cycle(s, at, v, size);
        break;
    case DATA:
        buffer_data(s, at, v, size);
        break;
    default:
        if ((v & 0xff) == CONFIRM) {
            buffer_commit(s);
        } else {
            sequence_error(s, v);
        }
    }
}

/* ---- reads while a register is shown ---- */

/* Of each chip, what it puts on its part of the bus. A chip that is alone has its status on each byte lane. */
static uint64_t spread(const Pflash *s, uint64_t v, unsigned size)
{
    unsigned lane = s->device_width ? s->device_width : 1;
    uint64_t all = 0;

    for (unsigned at = 0; at < size; at += lane) {
        all |= v << 8 * at;
    }
    return all & (size < 8 ? (1ull << 8 * size) - 1 : ~0ull);
}

static uint64_t id_word(const Pflash *s, unsigned word)
{
    return word == 0 ? s->id0 << 8 | s->id1 : word == 1 ? s->id2 << 8 | s->id3 : 0;
}

static uint64_t flash_read(void *opaque, hwaddr at, unsigned size)
{
    Pflash *s = opaque;
    unsigned word = at / s->width & 0xff;
    uint64_t v;

    switch (s->command) {
    case READ_ID:
        v = id_word(s, word);
        return s->device_width ? spread(s, v, size) : v;
    case QUERY:
        v = word < QUERY_SIZE ? s->query[word] : 0;
        return s->device_width ? spread(s, v, size) : v;
    case READ_ARRAY: /* we were put out of the way meanwhile */
        return at < s->size && size <= s->size - at ? ld_le_n(storage(s) + at, size) : ~0ull;
    default:
        return spread(s, s->status, size);
    }
}

static const IoOps flash_ops = {flash_read, flash_write, .max_size = 4};

/* ---- type ---- */

static unsigned log2_of(uint64_t v)
{
    return 63 - __builtin_clzll(v);
}

/* JESD68.01, 2: identification, system interface, geometry; 0x31: JEP137's table. */
static void fill_query(Pflash *s)
{
    static const uint8_t head[] = {'Q', 'R', 'Y', 0x01, 0x00, 0x31, 0x00, 0, 0, 0, 0,
                                   0x45, 0x55, 0, 0, /* 4.5 V to 5.5 V */
                                   0x07, 0x07, 0x0a, 0x00, 0x04, 0x04, 0x04, 0x00};
    unsigned chips = s->device_width ? s->width / s->device_width : 1;
    uint8_t *q = s->query;

    memcpy(q + 0x10, head, sizeof(head));
    q[0x27] = log2_of(s->size / chips);
    q[0x28] = 0x02; /* 8 and 16 bits wide */
    q[0x2a] = log2_of(BUFFER / chips);
    q[0x2c] = 1; /* erase regions */
    st_le16(q + 0x2d, s->blocks - 1);
    st_le16(q + 0x2f, s->sector / chips >> 8);
    memcpy(q + 0x31, "PRI10", 5);
    q[0x3f] = 0x01;
}

static bool check_shape(Pflash *s, Error **errp)
{
    if (!s->blocks || s->blocks > 0x10000 || s->sector < CHUNK || !is_pow2(s->sector) ||
        s->sector > 0x1000000 || s->sector * s->blocks > MAX_SIZE) {
        error_set(errp, ERR_INVALID_PARAMETER, "cfi.pflash01: %u blocks of %llu bytes are no flash chip",
                  s->blocks, (unsigned long long)s->sector);
        error_hint(errp, "num-blocks up to 65536, sector-length a power of two from 4 KiB, 64 MiB in all");
        return false;
    }
    if (s->width != 1 && s->width != 2 && s->width != 4) {
        error_set(errp, ERR_INVALID_PARAMETER, "cfi.pflash01: a chip is 1, 2 or 4 bytes wide");
        return false;
    }
    if (s->device_width && (!is_pow2(s->device_width) || s->device_width > s->width)) {
        error_set(errp, ERR_INVALID_PARAMETER, "cfi.pflash01: chips of %u bytes do not share a bus of %u",
                  s->device_width, s->width);
        return false;
    }
    return true;
}

static bool open_image(Pflash *s, Error **errp)
{
    const BlockFrontend front = {.name = s->dev.id ? s->dev.id : s->dev.type->name,
                                 .opaque = s,
                                 .writable = !block_port_readonly(s->drive),
                                 DEVICE_LOCK_HOOKS};

    if (!block_attach(s->drive, &front, errp)) {
        return false;
    }
    s->attached = true;
    if (block_port_size(s->drive) < s->size) {
        error_set(errp, ERR_INVALID_PARAMETER, "cfi.pflash01: the image '%s' is smaller than the chip",
                  block_port_name(s->drive));
        return false;
    }
    int r = block_read_sync(s->drive, 0, storage(s), s->size);
    if (r < 0) {
        error_set(errp, ERR_IO, "cfi.pflash01: '%s' cannot be read: %s", block_port_name(s->drive),
                  g_strerror(-r));
        return false;
    }
    s->dirty = g_malloc0(s->size / CHUNK);
    s->bounce = g_malloc(MAX_WRITE);
    return true;
}

static void close_image(Pflash *s)
{
    uint64_t at, len;

    if (s->attached) {
        if (s->writing) { /* dropped below; the whole of it is written again */
            memset(s->dirty, 1, s->size / CHUNK);
        }
        block_cancel_all(s->drive);
        while (s->dirty && !block_port_readonly(s->drive) && take_dirty(s, &at, &len)) {
            block_write_sync(s->drive, at, storage(s) + at, len);
        }
        block_detach(s->drive);
    }
    s->attached = s->writing = false;
    g_clear_pointer(&s->dirty, g_free);
    g_clear_pointer(&s->bounce, g_free);
}

static bool pflash_realize(Device *d, Error **errp)
{
    Pflash *s = (Pflash *)d;

    if (!check_shape(s, errp)) {
        return false;
    }
    s->size = s->sector * s->blocks;
    s->array = region_new_rom(d->machine, s->name ? s->name : "flash", s->size, errp);
    if (!s->array) {
        return false;
    }
    g_ptr_array_add(d->regions, s->array);
    if (!s->drive && s->blank) {
        memset(storage(s), 0xff, s->size);
    }
    region_set_rom_ops(s->array, &flash_ops, s);
    s->registers = device_io_region(d, "flash-registers", &flash_ops, s->size);
    s->region = region_new_container("flash-chip", s->size);
    g_ptr_array_add(d->regions, s->region);
    region_add(s->region, 0, s->array, 0);
    region_set_enabled(s->registers, false);
    region_add(s->region, 0, s->registers, 1);
    fill_query(s);
    if (s->drive && !open_image(s, errp)) {
        close_image(s);
        return false;
    }
    return true;
}

static void pflash_unrealize(Device *d)
{
    close_image((Pflash *)d);
}

static void pflash_reset(Device *d)
{
    Pflash *s = (Pflash *)d;

    s->status = STATUS_READY;
    s->buffer_at = UINT32_MAX;
    read_array(s);
}

static bool pflash_post_load(Device *d, int version, Error **errp)
{
    Pflash *s = (Pflash *)d;

    if (s->step > COMMIT || s->left > BUFFER) {
        error_set(errp, ERR_GENERIC, "cfi.pflash01: the saved state has no such step");
        return false;
    }
    show(s);
    return true;
}

MemoryRegion *pflash_region(Device *d)
{
    return ((Pflash *)d)->region;
}

MemoryRegion *pflash_array(Device *d)
{
    return ((Pflash *)d)->array;
}

static const Property pflash_props[] = {
    PROP(Pflash, PROP_DRIVE, drive, "drive", 0, "image of the contents; none: erased"),
    PROP(Pflash, PROP_U32, blocks, "num-blocks", 64, "number of erase blocks"),
    PROP(Pflash, PROP_U64, sector, "sector-length", 4096, "bytes of an erase block"),
    PROP(Pflash, PROP_U8, width, "width", 1, "bytes of the data bus"),
    PROP(Pflash, PROP_U8, device_width, "device-width", 0,
         "bytes of the bus that each of several chips has; 0: one chip"),
    PROP(Pflash, PROP_BOOL, blank, "blank", true, "without an image: ones, as erased; else zeroes"),
    PROP(Pflash, PROP_U16, id0, "id0", 0, "manufacturer, high byte of the first ID word"),
    PROP(Pflash, PROP_U16, id1, "id1", 0, "low byte of the first ID word"),
    PROP(Pflash, PROP_U16, id2, "id2", 0, "high byte of the second ID word"),
    PROP(Pflash, PROP_U16, id3, "id3", 0, "low byte of the second ID word"),
    PROP_STR(Pflash, name, "name", NULL, "of the memory region"),
    {0},
};

static const StateField pflash_state[] = {
    STATE(Pflash, STATE_U8, command, READ_ARRAY),
    STATE(Pflash, STATE_U8, step, 0),
    STATE(Pflash, STATE_U8, status, STATUS_READY),
    STATE(Pflash, STATE_U16, left, 0),
    STATE(Pflash, STATE_U32, buffer_at, 0),
    STATE_RAW(Pflash, buffer),
    STATE_RAW(Pflash, touched),
    HOST_ONLY(Pflash, size),
    HOST_ONLY(Pflash, query),
    HOST_ONLY(Pflash, region),
    HOST_ONLY(Pflash, array),
    HOST_ONLY(Pflash, registers),
    HOST_ONLY(Pflash, attached),
    HOST_ONLY(Pflash, writing),
    HOST_ONLY(Pflash, complained),
    HOST_ONLY(Pflash, iov),
    HOST_ONLY(Pflash, writing_at),
    HOST_ONLY(Pflash, dirty),
    HOST_ONLY(Pflash, bounce),
    {0},
};

const DeviceType pflash_cfi01_type = {
    .name = "cfi.pflash01",
    .help = "parallel flash with the Intel command set",
    .bus = "sysbus",
    .size = sizeof(Pflash),
    .version = 1,
    .internal = true,
    .props = pflash_props,
    .state = pflash_state,
    .realize = pflash_realize,
    .unrealize = pflash_unrealize,
    .reset_hold = pflash_reset,
    .post_load = pflash_post_load,
};
DEVICE_TYPE(pflash_cfi01_type);
