/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Base address registers and the expansion ROM: where a function's regions appear on its bus.
 *
 * PCI 3.0 sections 6.2.5. A function decodes what its command register enables, in D0 only. A BAR
 * at 0, at the very top of 4 GiB (which is how its size is asked for) or beyond the port space decodes
 * nothing: no program means those.
 *
 * home: the machine's lock domain.
 */
#include "hw/pci/internal.h"

#include <string.h>
#include <unistd.h>

#define NOWHERE    UINT64_MAX
#define BAR_IO     1
#define BAR_WIDE   4
#define BAR_PREF   8
#define ROM_ENABLE 1
#define ROM_MAX    (16u << 20)
#define ROM_PAGE   4096
#define PRIORITY   1

static unsigned bar_register(const PciDevice *d, unsigned n)
{
    return n != PCI_ROM_BAR ? CFG_BAR0 + 4 * n : d->ident.bridge ? BRIDGE_ROM : CFG_ROM;
}

void pci_bar(PciDevice *d, unsigned n, MemoryRegion *r, bool io, bool wide, bool prefetch)
{
    uint64_t size = region_size(r);
    unsigned at = bar_register(d, n);
    PciBar *b = &d->bar[n];

    g_assert(n < PCI_BARS && !b->region && is_pow2(size) && size >= (io ? 4 : 16));
    g_assert(!(wide && (io || n >= 5)) && (wide || size <= 1u << 31));
    *b = (PciBar){.region = r, .size = size, .addr = NOWHERE, .io = io, .wide = wide,
                  .prefetch = prefetch};
    b->window = region_new_container(region_name(r), size);
    region_add(b->window, 0, r, 0);
    if (n == PCI_ROM_BAR) {
        st_le32(d->wmask + at, (uint32_t)-size | ROM_ENABLE);
        return;
    }
    st_le32(cfg(d, at), io ? BAR_IO : (wide ? BAR_WIDE : 0) | (prefetch ? BAR_PREF : 0));
    st_le32(d->wmask + at, (uint32_t)-size & (io ? ~3u : ~15u));
    if (wide) {
        st_le32(d->wmask + at + 4, -size >> 32);
    }
}

/* Where BAR n is to be seen now. */
static uint64_t decoded(PciDevice *d, unsigned n)
{
    const PciBar *b = &d->bar[n];
    uint16_t command = ld_le16(cfg(d, CFG_COMMAND));
    const uint8_t *reg = cfg(d, bar_register(d, n));
    uint64_t addr = ld_le32(reg);

    if (!b->region || !(command & (b->io ? CMD_IO : CMD_MEM)) || pci_in_d3(d) ||
        (n == PCI_ROM_BAR && !(addr & ROM_ENABLE))) {
        return NOWHERE;
    }
    if (b->wide) {
        addr |= (uint64_t)ld_le32(reg + 4) << 32;
    }
    addr &= -b->size;
    uint64_t last = addr + (b->size - 1);
    uint64_t top = b->io ? 0xffff : b->wide ? UINT64_MAX - 1 : UINT32_MAX - 1;
    bool sizing = !b->io && last == UINT32_MAX; /* of a wide one: its lower half */
    bool null = addr == 0 && !pci_bus_root(d->bus)->zero_address;
    return null || last > top || sizing ? NOWHERE : addr;
}

static void move(PciDevice *d, PciBar *b, uint64_t to)
{
    MemoryRegion *space = b->io ? d->bus->io : d->bus->mem;

    mem_transaction_begin(d->dev.machine);
    if (b->addr != NOWHERE) {
        region_remove(space, b->window);
    }
    if (to != NOWHERE) {
        region_add(space, to, b->window, PRIORITY);
    }
    b->addr = to;
    mem_transaction_commit(d->dev.machine);
}

void pci_bars_update(PciDevice *d)
{
    for (unsigned n = 0; n < PCI_BARS; n++) {
        PciBar *b = &d->bar[n];
        uint64_t to = b->region ? decoded(d, n) : NOWHERE;
        if (b->region && to != b->addr) {
            move(d, b, to);
        }
    }
}

void pci_bars_fini(PciDevice *d)
{
    for (unsigned n = 0; n < PCI_BARS; n++) {
        PciBar *b = &d->bar[n];
        if (b->region) {
            move(d, b, NOWHERE);
            region_unref(b->window);
            *b = (PciBar){0};
        }
    }
}

/* ---- expansion ROM ---- */

/* As the firmware's files are found: by path, by -L, and where distributions put them. */
static char *find_rom(const MachineConfig *cfg, const char *name)
{
    static const char *const usual[] = {"/usr/share/qemu", "/usr/share/seabios",
                                        "/usr/lib/ipxe/qemu", "/usr/share/ipxe", NULL};
    g_auto(GStrv) dirs = g_strsplit(cfg->firmware_dirs ? cfg->firmware_dirs : "", ":", -1);

    if (strchr(name, '/') || access(name, R_OK) == 0) {
        return access(name, R_OK) == 0 ? g_strdup(name) : NULL;
    }
    for (int list = 0; list < 2; list++) {
        for (const char *const *dir = list ? usual : (const char *const *)dirs; *dir; dir++) {
            g_autofree char *path = g_build_filename(*dir, name, NULL);
            if (**dir && access(path, R_OK) == 0) {
                return g_steal_pointer(&path);
            }
        }
    }
    return NULL;
}

/*
 * The image's PCI data structure names a device; where it is another one of ours the firmware
 * would not run it, so it gets our numbers and a new checksum.
 */
static void patch_ids(const PciDevice *d, uint8_t *rom, size_t len)
{
    unsigned at = len >= 0x1a ? ld_le16(rom + 0x18) : 0;

    if (!at || ld_le16(rom) != 0xaa55 || at + 8 > len || memcmp(rom + at, "PCIR", 4) != 0) {
        return;
    }
    uint8_t before = 0, after = 0;
    for (int i = 4; i < 8; i++) {
        before += rom[at + i];
    }
    if (ld_le16(rom + at + 4) == d->ident.vendor && ld_le16(rom + at + 6) == d->ident.device) {
        return;
    }
    st_le16(rom + at + 4, d->ident.vendor);
    st_le16(rom + at + 6, d->ident.device);
    for (int i = 4; i < 8; i++) {
        after += rom[at + i];
    }
    rom[6] += before - after; /* a byte that exists to make the sum right */
}

static bool map_rom(PciDevice *d, uint8_t *data, size_t len, const char *path, Error **errp)
{
    uint64_t size = ROM_PAGE;

    if (len == 0 || len > ROM_MAX) {
        error_set(errp, ERR_INVALID_PARAMETER, "the expansion ROM '%s' has %zu bytes", path, len);
        error_hint(errp, "it may have 1 byte to 16 MiB");
        return false;
    }
    while (size < len) {
        size *= 2;
    }
    g_autofree char *name = g_strdup_printf("%s.rom", d->dev.type->name);
    MemoryRegion *r = region_new_rom(d->dev.machine, name, size, errp);
    if (!r) {
        return false;
    }
    patch_ids(d, data, len);
    memcpy(region_ram(r)->host, data, len);
    pci_bar(d, PCI_ROM_BAR, r, false, false, false);
    region_unref(r); /* its window keeps it */
    return true;
}

bool pci_add_rom(PciDevice *d, const char *default_file, Error **errp)
{
    const char *name = d->romfile ? d->romfile : default_file;
    g_autofree char *data = NULL;
    g_autoptr(GError) gerr = NULL;
    gsize len;

    if (!name || !*name || !d->rombar) {
        return true;
    }
    g_autofree char *path = find_rom(machine_config(d->dev.machine), name);
    if (!path) {
        if (!d->romfile) {
            return true; /* the card works without what it would boot from */
        }
        error_set(errp, ERR_IO, "cannot find the expansion ROM '%s'", name);
        return false;
    }
    if (!g_file_get_contents(path, &data, &len, &gerr)) {
        error_set(errp, ERR_IO, "cannot read the expansion ROM: %s", gerr->message);
        return false;
    }
    return map_rom(d, (uint8_t *)data, len, path, errp);
}
