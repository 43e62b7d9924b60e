/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sits on the PCI buses: query-pci, and QEMU's layout of `info pci`, which prints the same.
 */
#include <inttypes.h>

#include "base/bits.h"
#include "hw/pci/pci.h"
#include "monitor/session.h"
#include "schema/commands.h"

/* Registers of the header, PCI 3.0 section 6.1 and PCI-to-PCI Bridge 1.2 section 3.2. */
enum { CFG_CLASS = 0x0a, CFG_SUB_VENDOR = 0x2c, CFG_LINE = 0x3c, BRIDGE_PRIMARY = 0x18,
       BRIDGE_IO = 0x1c, BRIDGE_MEMORY = 0x20, BRIDGE_PREFETCH = 0x24, BRIDGE_PREFETCH_HIGH = 0x28 };

static json_t *range(uint64_t base, uint64_t limit)
{
    return json_pack("{s:I, s:I}", "base", (json_int_t)base, "limit", (json_int_t)limit);
}

static json_t *io_range(const uint8_t *c)
{
    return range((uint64_t)(c[BRIDGE_IO] & 0xf0) << 8, (uint64_t)(c[BRIDGE_IO + 1] & 0xf0) << 8 | 0xfff);
}

static json_t *memory_range(const uint8_t *c, unsigned at, bool wide)
{
    uint64_t base = (uint64_t)(ld_le16(c + at) & 0xfff0) << 16;
    uint64_t limit = (uint64_t)(ld_le16(c + at + 2) & 0xfff0) << 16 | 0xfffff;

    if (wide) {
        base |= (uint64_t)ld_le32(c + BRIDGE_PREFETCH_HIGH) << 32;
        limit |= (uint64_t)ld_le32(c + BRIDGE_PREFETCH_HIGH + 4) << 32;
    }
    return range(base, limit);
}

static json_t *list_bus(PciBus *b);

static json_t *describe_bridge(PciDevice *d)
{
    const uint8_t *c = d->config;
    json_t *bus = json_pack("{s:i, s:i, s:i, s:o, s:o, s:o}", "number", c[BRIDGE_PRIMARY], "secondary",
                            c[BRIDGE_PRIMARY + 1], "subordinate", c[BRIDGE_PRIMARY + 2], "io_range",
                            io_range(c), "memory_range", memory_range(c, BRIDGE_MEMORY, false),
                            "prefetchable_range", memory_range(c, BRIDGE_PREFETCH, true));
    json_t *bridge = json_pack("{s:o}", "bus", bus);

    if (c[BRIDGE_PRIMARY + 1]) {
        json_object_set_new(bridge, "devices", list_bus(d->secondary));
    }
    return bridge;
}

static json_t *describe_regions(PciDevice *d)
{
    json_t *list = json_array();

    for (int n = 0; n < PCI_BARS; n++) {
        const PciBar *b = &d->bar[n];
        if (!b->region) {
            continue;
        }
        json_t *r = json_pack("{s:i, s:s, s:I, s:I}", "bar", n, "type", b->io ? "io" : "memory",
                              "address", (json_int_t)b->addr, "size", (json_int_t)b->size);
        if (!b->io) {
            json_object_set_new(r, "prefetch", json_boolean(b->prefetch));
            json_object_set_new(r, "mem_type_64", json_boolean(b->wide));
        }
        json_array_append_new(list, r);
    }
    return list;
}

static json_t *describe(PciDevice *d)
{
    const uint8_t *c = d->config;
    uint16_t class = ld_le16(c + CFG_CLASS);
    json_t *kind = json_pack("{s:i}", "class", class);
    json_t *id = json_pack("{s:i, s:i}", "device", ld_le16(c + 2), "vendor", ld_le16(c));
    const char *desc = pci_class_desc(class);

    if (desc) {
        json_object_set_new(kind, "desc", json_string(desc));
    }
    if (!d->secondary) {
        json_object_set_new(id, "subsystem", json_integer(ld_le16(c + CFG_SUB_VENDOR + 2)));
        json_object_set_new(id, "subsystem-vendor", json_integer(ld_le16(c + CFG_SUB_VENDOR)));
    }
    json_t *f = json_pack("{s:i, s:i, s:i, s:o, s:o, s:i, s:s, s:o}", "bus", pci_bus_number(d->bus),
                          "slot", d->devfn >> 3, "function", d->devfn & 7, "class_info", kind, "id",
                          id, "irq_pin", c[CFG_LINE + 1], "qdev_id", d->dev.id ? d->dev.id : "",
                          "regions", describe_regions(d));
    if (c[CFG_LINE + 1]) {
        json_object_set_new(f, "irq", json_integer(c[CFG_LINE]));
    }
    if (d->secondary) {
        json_object_set_new(f, "pci_bridge", describe_bridge(d));
    }
    return f;
}

static json_t *list_bus(PciBus *b)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < G_N_ELEMENTS(b->slot); i++) {
        if (b->slot[i] && b->slot[i]->dev.realized && !b->slot[i]->ejected) {
            json_array_append_new(list, describe(b->slot[i]));
        }
    }
    return list;
}

json_t *cmd_query_pci(CmdContext *ctx, Error **errp)
{
    json_t *list = json_array();
    Bus *bus;

    machine_lock(ctx->machine);
    for (unsigned n = 0; (bus = bus_nth(ctx->machine, n)); n++) {
        PciBus *b = pci_bus_of(bus);
        if (b && !b->bridge) {
            json_array_append_new(list, json_pack("{s:i, s:o}", "bus", pci_bus_number(b), "devices",
                                                  list_bus(b)));
        }
    }
    machine_unlock(ctx->machine);
    return list;
}

/* ---- as text ---- */

static int64_t number(json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static void print_range(json_t *bus, const char *key, const char *name, int digits, GString *out)
{
    json_t *r = json_object_get(bus, key);

    g_string_append_printf(out, "      %s range [0x%0*" PRIx64 ", 0x%0*" PRIx64 "]\n", name, digits,
                           number(r, "base"), digits, number(r, "limit"));
}

static void print_bridge(json_t *bridge, GString *out)
{
    json_t *bus = json_object_get(bridge, "bus");

    g_string_append_printf(out, "      BUS %" PRId64 ".\n", number(bus, "number"));
    g_string_append_printf(out, "      secondary bus %" PRId64 ".\n", number(bus, "secondary"));
    g_string_append_printf(out, "      subordinate bus %" PRId64 ".\n", number(bus, "subordinate"));
    print_range(bus, "io_range", "IO", 4, out);
    print_range(bus, "memory_range", "memory", 8, out);
    print_range(bus, "prefetchable_range", "prefetchable memory", 8, out);
}

static void print_regions(json_t *list, GString *out)
{
    size_t i;
    json_t *r;

    json_array_foreach(list, i, r)
    {
        uint64_t addr = number(r, "address"), last = addr + number(r, "size") - 1;
        bool io = !g_strcmp0(json_string_value(json_object_get(r, "type")), "io");
        g_string_append_printf(out, "      BAR%" PRId64 ": ", number(r, "bar"));
        if (io) {
            g_string_append_printf(out, "I/O at 0x%04" PRIx64 " [0x%04" PRIx64 "].\n", addr, last);
        } else {
            g_string_append_printf(out, "%d bit%s memory at 0x%08" PRIx64 " [0x%08" PRIx64 "].\n",
                                   json_is_true(json_object_get(r, "mem_type_64")) ? 64 : 32,
                                   json_is_true(json_object_get(r, "prefetch")) ? " prefetchable" : "",
                                   addr, last);
        }
    }
}

static void print_functions(json_t *list, GString *out);

static void print_function(json_t *f, GString *out)
{
    json_t *kind = json_object_get(f, "class_info"), *id = json_object_get(f, "id");
    json_t *bridge = json_object_get(f, "pci_bridge");
    const char *desc = json_string_value(json_object_get(kind, "desc"));

    g_string_append_printf(out, "  Bus %2" PRId64 ", device %3" PRId64 ", function %" PRId64 ":\n    ",
                           number(f, "bus"), number(f, "slot"), number(f, "function"));
    if (desc) {
        g_string_append(out, desc);
    } else {
        g_string_append_printf(out, "Class %04" PRId64, number(kind, "class"));
    }
    g_string_append_printf(out, ": PCI device %04" PRIx64 ":%04" PRIx64 "\n", number(id, "vendor"),
                           number(id, "device"));
    if (json_object_get(id, "subsystem")) {
        g_string_append_printf(out, "      PCI subsystem %04" PRIx64 ":%04" PRIx64 "\n",
                               number(id, "subsystem-vendor"), number(id, "subsystem"));
    }
    if (json_object_get(f, "irq")) {
        g_string_append_printf(out, "      IRQ %" PRId64 ", pin %c\n", number(f, "irq"),
                               (char)('A' + number(f, "irq_pin") - 1));
    }
    if (bridge) {
        print_bridge(bridge, out);
    }
    print_regions(json_object_get(f, "regions"), out);
    g_string_append_printf(out, "      id \"%s\"\n", json_string_value(json_object_get(f, "qdev_id")));
    print_functions(json_object_get(bridge, "devices"), out);
}

static void print_functions(json_t *list, GString *out)
{
    size_t i;
    json_t *f;

    json_array_foreach(list, i, f)
    {
        print_function(f, out);
    }
}

bool hmp_info_pci(CmdContext *ctx, GString *out, Error **errp)
{
    g_autoptr(json_t) buses = cmd_query_pci(ctx, errp);
    size_t i;
    json_t *b;

    if (!json_array_size(buses)) {
        g_string_append(out, "PCI not supported\n");
    }
    json_array_foreach(buses, i, b)
    {
        print_functions(json_object_get(b, "devices"), out);
    }
    return true;
}
