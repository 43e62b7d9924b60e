/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fw_cfg on I/O ports: selector 510h, data 511h, DMA address 514h; or in memory: data at 0, selector at 8, DMA address
 * at 16.
 *
 * The published interface description ("QEMU Firmware Configuration (fw_cfg)
 * Device", docs/specs/fw_cfg): selector and data register, revision and feature
 * bitmap, file directory, DMA interface. The selector port is little endian, the selector in memory,
 * the DMA register, the DMA descriptor and the directory are big endian. The data register in memory
 * has eight bytes, which come in the order of addresses.
 *
 * Files are sorted by name, so selectors do not depend on the order in which a
 * board adds them. A transfer may run past the end of its item (zeros) by at
 * most 16 MiB, so that one port write cannot keep the machine busy. Left out:
 * writing through the data port (since interface 2.4 ignored by everybody).
 * Contents of writable files are not saved yet.
 *
 * home: the machine's lock domain.
 */
#include <inttypes.h>
#include "hw/firmware/fw_cfg.h"
#include "base/bits.h"
#include "base/log.h"
#include "base/trace.h"
#include "core/machine.h"

#define NAME_LEN      56
#define MAX_FILES     256
#define MAX_OVERRUN   (16u << 20)
#define DMA_SIGNATURE 0x51454d5520434647ull /* "QEMU CFG" */
#define KEY_MASK      0xbfff                /* without the write-channel bit */

#define DMA_ERROR  0x01
#define DMA_READ   0x02
#define DMA_SKIP   0x04
#define DMA_SELECT 0x08
#define DMA_WRITE  0x10

typedef struct FwItem {
    uint16_t key;
    char *name; /* NULL: numbered item */
    uint8_t *data;
    size_t len;
    FwCfgWritten *written;
    FwCfgSelected *selected;
    void *opaque;
    bool writable;
} FwItem;

typedef struct FwCfg {
    Device dev;
    GPtrArray *items;  /* FwItem *; the files in the order of their names */
    GByteArray *dir;   /* contents of FW_CFG_FILE_DIR */
    uint16_t key;      /* selected */
    uint64_t offset;   /* in the selected item; may lie behind its end */
    uint32_t dma_high; /* upper half of the DMA register */
    uint64_t base;     /* property of the one in memory */
} FwCfg;

/* ---- items ---- */

static void item_free(gpointer p)
{
    FwItem *it = p;

    g_free(it->name);
    g_free(it->data);
    g_free(it);
}

static GPtrArray *items_of(FwCfg *s)
{
    if (!s->items) {
        s->items = g_ptr_array_new_with_free_func(item_free);
    }
    return s->items;
}

static FwItem *item_by_key(FwCfg *s, uint16_t key)
{
    for (guint i = 0; s->items && i < s->items->len; i++) {
        FwItem *it = s->items->pdata[i];
        if (it->key == key) {
            return it;
        }
    }
    return NULL;
}

static FwItem *item_by_name(FwCfg *s, const char *name)
{
    for (guint i = 0; s->items && i < s->items->len; i++) {
        FwItem *it = s->items->pdata[i];
        if (it->name && strcmp(it->name, name) == 0) {
            return it;
        }
    }
    return NULL;
}

static void item_set(FwItem *it, const void *data, size_t len)
{
    g_free(it->data);
    it->data = g_memdup2(data, len);
    it->len = len;
}

void fw_cfg_add_item(Device *d, uint16_t key, const void *data, size_t len)
{
    FwCfg *s = (FwCfg *)d;
    FwItem *it = item_by_key(s, key);

    if (!it) {
        it = g_new0(FwItem, 1);
        it->key = key;
        g_ptr_array_add(items_of(s), it);
    }
    item_set(it, data, len);
}

void fw_cfg_add_number(Device *d, uint16_t key, uint64_t value, unsigned size)
{
    uint8_t buf[8];

    st_le64(buf, value);
    fw_cfg_add_item(d, key, buf, size);
}

/* Selectors and directory follow the order of the names. */
static void number_files(FwCfg *s)
{
    uint16_t key = FW_CFG_FILE_FIRST;
    uint8_t head[4];

    if (!s->dir) {
        s->dir = g_byte_array_new();
    }
    g_byte_array_set_size(s->dir, 0);
    g_byte_array_append(s->dir, head, sizeof(head));
    for (guint i = 0; i < s->items->len; i++) {
        FwItem *it = s->items->pdata[i];
        uint8_t entry[64] = {0};

        if (it->name) {
            it->key = key++;
            st_be32(entry, it->len);
            st_be16(entry + 4, it->key);
            memcpy(entry + 8, it->name, strlen(it->name));
            g_byte_array_append(s->dir, entry, sizeof(entry));
        }
    }
    st_be32(s->dir->data, key - FW_CFG_FILE_FIRST);
    fw_cfg_add_item(&s->dev, FW_CFG_FILE_DIR, s->dir->data, s->dir->len);
}

static FwItem *file_new(FwCfg *s, const char *name)
{
    FwItem *it = g_new0(FwItem, 1);
    guint at = 0;

    it->name = g_strdup(name);
    it->key = 0xffff; /* until numbered */
    for (; at < items_of(s)->len; at++) {
        FwItem *other = s->items->pdata[at];
        if (other->name && strcmp(name, other->name) < 0) {
            break;
        }
    }
    g_ptr_array_insert(s->items, at, it);
    return it;
}

static FwItem *add_file(FwCfg *s, const char *name, const void *data, size_t len, Error **errp)
{
    FwItem *it = item_by_name(s, name);

    if (strlen(name) >= NAME_LEN || !*name) {
        error_set(errp, ERR_INVALID_PARAMETER, "fw_cfg file name '%s' must have 1 to %d characters",
                  name, NAME_LEN - 1);
        return NULL;
    }
    if (len > UINT32_MAX) {
        error_set(errp, ERR_INVALID_PARAMETER, "fw_cfg file '%s' is larger than 4 GiB", name);
        return NULL;
    }
    if (!it && s->dir && s->dir->len >= 4 + 64 * MAX_FILES) {
        error_set(errp, ERR_INVALID_PARAMETER, "fw_cfg holds no more than %d files", MAX_FILES);
        return NULL;
    }
    if (!it) {
        it = file_new(s, name);
    }
    item_set(it, data, len);
    number_files(s);
    return it;
}

bool fw_cfg_add_file(Device *d, const char *name, const void *data, size_t len, Error **errp)
{
    return add_file((FwCfg *)d, name, data, len, errp) != NULL;
}

bool fw_cfg_has_file(Device *d, const char *name)
{
    return item_by_name((FwCfg *)d, name) != NULL;
}

bool fw_cfg_add_file_writable(Device *d, const char *name, const void *data, size_t len,
                              FwCfgWritten *written, void *opaque, Error **errp)
{
    FwItem *it = add_file((FwCfg *)d, name, data, len, errp);

    if (it) {
        it->writable = true;
        it->written = written;
        it->opaque = opaque;
    }
    return it != NULL;
}

bool fw_cfg_add_file_callback(Device *d, const char *name, const void *data, size_t len,
                              FwCfgSelected *selected, void *opaque, Error **errp)
{
    FwItem *it = add_file((FwCfg *)d, name, data, len, errp);

    if (it) {
        it->selected = selected;
        it->opaque = opaque;
    }
    return it != NULL;
}

/* ---- selector and data ---- */

static void select_key(FwCfg *s, uint16_t key)
{
    s->key = key & KEY_MASK;
    s->offset = 0;
    FwItem *it = item_by_key(s, s->key);
    if (it && it->selected) {
        it->selected(it->opaque, &s->dev);
    }
}

static size_t rest_of(const FwItem *it, uint64_t offset)
{
    return it && offset < it->len ? it->len - offset : 0;
}

static uint8_t read_byte(FwCfg *s)
{
    FwItem *it = item_by_key(s, s->key);
    uint8_t v = rest_of(it, s->offset) ? it->data[s->offset] : 0;

    s->offset += s->offset != UINT64_MAX;
    return v;
}

static uint64_t fw_cfg_read(void *opaque, hwaddr offset, unsigned size)
{
    return offset == 1 && size == 1 ? read_byte(opaque) : 0;
}

static void fw_cfg_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    if (offset == 0 && size == 2) {
        select_key(opaque, v);
    }
}

/* ---- DMA ---- */

static bool dma_zero(FwCfg *s, hwaddr addr, uint64_t len)
{
    static const uint8_t zeros[4096];
    AddressSpace *as = machine_memory(s->dev.machine);
    MemAttrs attrs = {.dma = true};

    while (len) {
        uint64_t n = MIN(len, sizeof(zeros));
        if (address_space_write(as, addr, attrs, zeros, n) != MEM_OK) {
            return false;
        }
        addr += n;
        len -= n;
    }
    return true;
}

static bool dma_read(FwCfg *s, FwItem *it, hwaddr addr, uint32_t len)
{
    AddressSpace *as = machine_memory(s->dev.machine);
    MemAttrs attrs = {.dma = true};
    size_t n = MIN(rest_of(it, s->offset), len);

    if (len - n > MAX_OVERRUN) {
        return false;
    }
    if (n && address_space_write(as, addr, attrs, it->data + s->offset, n) != MEM_OK) {
        return false;
    }
    return dma_zero(s, addr + n, len - n);
}

static bool dma_write(FwCfg *s, FwItem *it, hwaddr addr, uint32_t len)
{
    AddressSpace *as = machine_memory(s->dev.machine);
    MemAttrs attrs = {.dma = true};

    if (!it || !it->writable || len > rest_of(it, s->offset)) {
        return false;
    }
    if (address_space_read(as, addr, attrs, it->data + s->offset, len) != MEM_OK) {
        return false;
    }
    if (it->written) {
        it->written(it->opaque, it->data, it->len);
    }
    return true;
}

/* Carries out one descriptor: be32 control, be32 length, be64 address. */
static bool dma_command(FwCfg *s, const uint8_t desc[16])
{
    uint32_t control = ld_be32(desc), len = ld_be32(desc + 4);
    uint64_t addr = ld_be64(desc + 8);
    bool ok = true;

    if (control & DMA_SELECT) {
        select_key(s, control >> 16);
    }
    FwItem *it = item_by_key(s, s->key);
    if (control & DMA_READ) {
        ok = dma_read(s, it, addr, len);
    } else if (control & DMA_WRITE) {
        ok = dma_write(s, it, addr, len);
    } else if (!(control & DMA_SKIP)) {
        return true;
    }
    s->offset += len;
    return ok;
}

TRACE_EVENT(fw_cfg_dma, "descriptor at 0x%" PRIx64 ": control 0x%x length %u address 0x%" PRIx64);

static void dma_start(FwCfg *s, hwaddr at)
{
    AddressSpace *as = machine_memory(s->dev.machine);
    MemAttrs attrs = {.dma = true};
    uint8_t desc[16], result[4];

    if (address_space_read(as, at, attrs, desc, sizeof(desc)) != MEM_OK) {
        log_mask(LOG_GUEST_ERROR, "fw_cfg: no DMA descriptor at 0x%llx\n", (unsigned long long)at);
        st_be32(result, DMA_ERROR);
    } else {
        trace(fw_cfg_dma, at, ld_be32(desc), ld_be32(desc + 4), ld_be64(desc + 8));
        st_be32(result, dma_command(s, desc) ? 0 : DMA_ERROR);
    }
    address_space_write(as, at, attrs, result, sizeof(result));
}

/* Port accesses bring at most 32 bits: high half at 514h, low half at 518h starts. */
static uint64_t dma_reg_read(void *opaque, hwaddr offset, unsigned size)
{
    uint8_t sig[8];

    st_be64(sig, DMA_SIGNATURE);
    return ld_le_n(sig + offset, size);
}

static void dma_reg_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    FwCfg *s = opaque;

    if (size != 4) {
        return;
    }
    if (offset == 0) {
        s->dma_high = bswap32(v);
    } else if (offset == 4) {
        uint64_t at = (uint64_t)s->dma_high << 32 | bswap32(v);
        s->dma_high = 0;
        dma_start(s, at);
    }
}

static const IoOps fw_cfg_ops = {fw_cfg_read, fw_cfg_write, .max_size = 2};
static const IoOps dma_ops = {dma_reg_read, dma_reg_write, .max_size = 4};

/* ---- type ---- */

static uint64_t mem_data_read(void *opaque, hwaddr offset, unsigned size)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < size; i++) {
        v |= (uint64_t)read_byte(opaque) << (8 * i);
    }
    return v;
}

static void mem_data_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
}

static uint64_t mem_selector_read(void *opaque, hwaddr offset, unsigned size)
{
    return 0;
}

static void mem_selector_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    if (offset == 0 && size == 2) {
        select_key(opaque, bswap16(v));
    }
}

static const IoOps mem_data_ops = {mem_data_read, mem_data_write, .max_size = 8};
static const IoOps mem_selector_ops = {mem_selector_read, mem_selector_write, .max_size = 2};

static void add_fixed_items(FwCfg *s)
{
    Device *d = &s->dev;

    fw_cfg_add_item(d, FW_CFG_SIGNATURE, "QEMU", 4);
    fw_cfg_add_number(d, FW_CFG_ID, 3, 4); /* traditional and DMA interface */
    number_files(s);
}

static bool fw_cfg_realize(Device *d, Error **errp)
{
    add_fixed_items((FwCfg *)d);
    device_map_ports(d, 0x510, 2, &fw_cfg_ops, "fw-cfg");
    device_map_ports(d, 0x514, 8, &dma_ops, "fw-cfg-dma");
    return true;
}

static bool fw_cfg_mem_realize(Device *d, Error **errp)
{
    FwCfg *s = (FwCfg *)d;

    add_fixed_items(s);
    device_map_memory(d, s->base, 8, &mem_data_ops, "fw-cfg-data");
    device_map_memory(d, s->base + 8, 2, &mem_selector_ops, "fw-cfg-selector");
    device_map_memory(d, s->base + 16, 8, &dma_ops, "fw-cfg-dma");
    return true;
}

static void fw_cfg_unrealize(Device *d)
{
    FwCfg *s = (FwCfg *)d;

    g_clear_pointer(&s->items, g_ptr_array_unref);
    g_clear_pointer(&s->dir, g_byte_array_unref);
}

static const StateField fw_cfg_state[] = {
    HOST_ONLY(FwCfg, items),
    HOST_ONLY(FwCfg, dir),
    HOST_ONLY(FwCfg, base),
    STATE(FwCfg, STATE_U16, key, 0),
    STATE(FwCfg, STATE_U64, offset, 0),
    STATE(FwCfg, STATE_U32, dma_high, 0),
    {0},
};

const DeviceType fw_cfg_type = {
    .name = "fw_cfg_io",
    .help = "configuration items for guest firmware",
    .bus = "sysbus",
    .size = sizeof(FwCfg),
    .version = 1,
    .internal = true,
    .state = fw_cfg_state,
    .realize = fw_cfg_realize,
    .unrealize = fw_cfg_unrealize,
};
DEVICE_TYPE(fw_cfg_type);

static const Property fw_cfg_mem_props[] = {
    PROP(FwCfg, PROP_U64, base, "base", 0x09020000, "guest-physical address"),
    {0},
};

const DeviceType fw_cfg_mem_type = {
    .name = "fw_cfg_mem",
    .help = "configuration items for guest firmware, in memory space",
    .bus = "sysbus",
    .size = sizeof(FwCfg),
    .version = 1,
    .internal = true,
    .props = fw_cfg_mem_props,
    .state = fw_cfg_state,
    .realize = fw_cfg_mem_realize,
    .unrealize = fw_cfg_unrealize,
};
DEVICE_TYPE(fw_cfg_mem_type);
