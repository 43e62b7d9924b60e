/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmgenid: virtual machine generation ID.
 *
 * Microsoft "Virtual Machine Generation ID", August 2012: an ACPI device whose _CID and _DDN are
 * VM_Gen_Counter, whose method ADDR gives the address of a 128-bit number in a page of guest memory
 * that is not the guest's to use, and which is notified with 80h when the number changed. Files,
 * the place in the page and the event (bit 5 of GPE0) are those of PC emulators ("Virtual Machine
 * Generation ID Device", docs/specs/vmgenid): firmware loads etc/vmgenid_guid into a page of its own,
 * puts its address into the table and tells it in etc/vmgenid_addr.
 *
 * The number changes when a saved state is loaded: this process has its own. It is in guest memory
 * before the machine runs.
 *
 * outputs: 0 = pulse: the number changed.  home: the machine's lock domain.
 */
#include "hw/acpi/vmgenid.h"

#include <inttypes.h>
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "core/machine.h"
#include "hw/acpi/tables.h"
#include "hw/firmware/fw_cfg.h"

#define GUID_OFFSET 40 /* in the page: EDK2 wants room for a table header before it */
#define GUID_SIZE   16

typedef struct VmGenId {
    Device dev;
    char *guid;   /* property; after realize the number itself, not "auto" */
    uint64_t addr; /* of the page in guest memory; 0: not placed */
    Device *fw_cfg;
    bool stale;   /* a state was loaded: memory holds another machine's number */
} VmGenId;

/* As in memory: the first three fields are little-endian. */
static void guid_bytes(const char *text, uint8_t out[GUID_SIZE])
{
    static const uint8_t order[GUID_SIZE] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    int n = 0;

    for (const char *p = text; *p; p += *p == '-' ? 1 : 2) {
        if (*p != '-') {
            out[order[n++]] = g_ascii_xdigit_value(p[0]) << 4 | g_ascii_xdigit_value(p[1]);
        }
    }
}

/* ---- the page ---- */

void vmgenid_page(Device *d, uint8_t *page)
{
    memset(page, 0, VMGENID_PAGE);
    guid_bytes(((VmGenId *)d)->guid, page + GUID_OFFSET);
}

static void publish_addr(VmGenId *s);

void vmgenid_placed(Device *d, hwaddr page)
{
    VmGenId *s = (VmGenId *)d;

    s->addr = page;
    publish_addr(s);
}

static void addr_written(void *opaque, const uint8_t *data, size_t len)
{
    ((VmGenId *)opaque)->addr = ld_le64(data);
}

/* The file shows what is known. */
static void publish_addr(VmGenId *s)
{
    uint8_t bytes[8];

    st_le64(bytes, s->addr);
    fw_cfg_add_file_writable(s->fw_cfg, VMGENID_ADDR_FILE, bytes, sizeof(bytes), addr_written, s, NULL);
}

/* The address is the guest's word: only RAM is written. */
static void write_guid(VmGenId *s)
{
    AddressSpace *as = machine_memory(s->dev.machine);
    uint64_t at = s->addr + GUID_OFFSET, len = GUID_SIZE;
    uint8_t *p = address_space_map(as, at, &len, true);

    if (!p || len < GUID_SIZE) {
        log_mask(LOG_GUEST_ERROR, "vmgenid: no RAM at 0x%" PRIx64 "\n", at);
        return;
    }
    guid_bytes(s->guid, p);
    address_space_written(as, at, GUID_SIZE);
}

/* The machine goes on after a load: all of its memory and devices are there now. */
static void on_run_state(void *opaque, Machine *m, RunState now, bool running)
{
    VmGenId *s = opaque;

    if (!running || !s->stale) {
        return;
    }
    s->stale = false;
    if (s->addr) {
        machine_lock(m);
        write_guid(s);
        irq_pulse(s->dev.out[0]);
        machine_unlock(m);
    }
}

/* ---- table ---- */

/* _STA: there unless firmware did not place the page. */
static void status_method(Aml *a)
{
    aml_method(a, "_STA", 0, false);
    aml_if(a);
    aml_op(a, AML_EQUAL);
    aml_ref(a, "VGIA");
    aml_int(a, 0);
    aml_op(a, AML_RETURN);
    aml_int(a, 0);
    aml_end(a);
    aml_op(a, AML_RETURN);
    aml_int(a, 0x0f);
    aml_end(a);
}

static void store_element(Aml *a, unsigned n)
{
    aml_op(a, AML_INDEX);
    aml_op(a, AML_LOCAL0);
    aml_int(a, n);
    aml_op(a, AML_ZERO);
}

/* ADDR: low and high half of the number's address. */
static void addr_method(Aml *a)
{
    aml_method(a, "ADDR", 0, false);
    aml_op(a, AML_STORE);
    aml_package(a, 2);
    aml_int(a, 0);
    aml_int(a, 0);
    aml_end(a);
    aml_op(a, AML_LOCAL0);
    aml_op(a, AML_ADD);
    aml_ref(a, "VGIA");
    aml_int(a, GUID_OFFSET);
    store_element(a, 0);
    aml_op(a, AML_RETURN);
    aml_op(a, AML_LOCAL0);
    aml_end(a);
}

uint32_t vmgenid_aml(Aml *a, bool gpe)
{
    aml_name(a, "VGIA");
    bytes_int(a->out, 0x0c, 1); /* DWordPrefix: a constant that keeps its length */
    uint32_t at = a->out->len;
    bytes_int(a->out, 0, 4);
    aml_scope(a, "\\_SB");
    aml_device(a, "VGEN");
    aml_name(a, "_HID");
    aml_string(a, "QEMUVGID");
    aml_name(a, "_CID");
    aml_string(a, "VM_Gen_Counter");
    aml_name(a, "_DDN");
    aml_string(a, "VM_Gen_Counter");
    status_method(a);
    addr_method(a);
    aml_end(a);
    aml_end(a);
    if (gpe) {
        aml_scope(a, "\\_GPE");
        aml_method(a, "_E05", 0, false);
        aml_op(a, AML_NOTIFY);
        aml_ref(a, "\\_SB.VGEN");
        aml_int(a, 0x80);
        aml_end(a);
        aml_end(a);
    }
    return at;
}

/* ---- type ---- */

typedef struct Search {
    const DeviceType *type;
    Device *found;
} Search;

static void look(Device *d, void *opaque)
{
    Search *s = opaque;

    if (d->type == s->type && d->realized && !s->found) {
        s->found = d;
    }
}

static Device *find(Machine *m, const DeviceType *type)
{
    Search s = {.type = type};

    device_foreach(m, look, &s);
    return s.found;
}

Device *vmgenid_find(Machine *m)
{
    return find(m, &vmgenid_type);
}

static bool set_guid(VmGenId *s, Error **errp)
{
    if (!s->guid || !strcmp(s->guid, "auto")) {
        g_free(s->guid);
        s->guid = g_uuid_string_random();
    }
    if (!g_uuid_string_is_valid(s->guid)) {
        error_set(errp, ERR_INVALID_PARAMETER, "property 'guid' of 'vmgenid': '%s' is not a UUID",
                  s->guid);
        error_hint(errp, "give 32 hexadecimal digits like 324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87, or auto");
        return false;
    }
    return true;
}

static bool check_machine(VmGenId *s, Error **errp)
{
    s->fw_cfg = find(s->dev.machine, &fw_cfg_type);
    if (!s->fw_cfg) {
        error_set(errp, ERR_GENERIC,
                  "vmgenid needs fw_cfg with DMA, which this machine type does not provide");
        return false;
    }
    if (!fw_cfg_has_file(s->fw_cfg, ACPI_LOADER_FILE)) {
        error_set(errp, ERR_GENERIC, "vmgenid needs ACPI tables, which this machine is without");
        return false;
    }
    if (vmgenid_find(s->dev.machine)) {
        error_set(errp, ERR_GENERIC, "at most one vmgenid device is permitted");
        return false;
    }
    return true;
}

static bool vmgenid_realize(Device *d, Error **errp)
{
    VmGenId *s = (VmGenId *)d;
    uint8_t page[VMGENID_PAGE];

    if (!set_guid(s, errp) || !check_machine(s, errp)) {
        return false;
    }
    device_init_out(d, 1);
    vmgenid_page(d, page);
    if (!fw_cfg_add_file(s->fw_cfg, VMGENID_GUID_FILE, page, sizeof(page), errp)) {
        return false;
    }
    publish_addr(s);
    machine_add_run_state_notifier(d->machine, on_run_state, s);
    return true;
}

static void vmgenid_unrealize(Device *d)
{
    machine_remove_run_state_notifier(d->machine, on_run_state, d);
}

static void vmgenid_reset(Device *d)
{
    publish_addr((VmGenId *)d); /* firmware tells it again */
}

static bool vmgenid_post_load(Device *d, int version, Error **errp)
{
    VmGenId *s = (VmGenId *)d;

    publish_addr(s);
    s->stale = true;
    return true;
}

static void vmgenid_info(Device *d, GString *out)
{
    g_string_append_printf(out, "placed at 0x%" PRIx64 "\n", ((VmGenId *)d)->addr);
}

static const Property vmgenid_props[] = {
    PROP_STR(VmGenId, guid, "guid", "auto", "the number, a UUID; auto: a random one"),
    {0},
};

static const StateField vmgenid_state[] = {
    STATE(VmGenId, STATE_U64, addr, 0),
    HOST_ONLY(VmGenId, fw_cfg),
    HOST_ONLY(VmGenId, stale),
    {0},
};

const DeviceType vmgenid_type = {
    .name = "vmgenid",
    .help = "virtual machine generation ID",
    .bus = "sysbus",
    .size = sizeof(VmGenId),
    .version = 1,
    .user_creatable = true,
    .needs = "a machine with fw_cfg and ACPI tables",
    .props = vmgenid_props,
    .state = vmgenid_state,
    .realize = vmgenid_realize,
    .unrealize = vmgenid_unrealize,
    .reset_hold = vmgenid_reset,
    .post_load = vmgenid_post_load,
    .info = vmgenid_info,
};
DEVICE_TYPE(vmgenid_type);
