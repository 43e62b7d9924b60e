/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Device engine: a device is one const DeviceType with tables for its
 * properties, state and registers. Help, introspection, reset, save/restore,
 * tracing and census tests are derived from them.
 *
 * home: all callbacks run with the device's lock domain held (by default the
 * machine's), on the main loop or on a vCPU thread that made the access. Except
 * realize and unrealize: main loop, machine not locked, nobody can reach the
 * device's regions yet or any more.
 */
#ifndef CORE_DEVICE_H
#define CORE_DEVICE_H

#include <glib.h>
#include <stddef.h>
#include "base/error.h"
#include "base/json.h"
#include "base/registry.h"
#include "core/clock.h"
#include "core/irq.h"
#include "core/memory.h"

typedef struct Device Device;
typedef struct DeviceType DeviceType;

/* ---- properties: set before realize, QEMU's names ---- */
typedef enum PropKind {
    PROP_END = 0,
    PROP_BOOL,    /* bool */
    PROP_U8, PROP_U16, PROP_U32, PROP_U64, PROP_I32,
    PROP_SIZE,    /* uint64_t, "64M" */
    PROP_STRING,  /* char *, owned */
    PROP_ENUM,    /* int, names in .enum_names */
    PROP_CHARDEV, /* CharPort *: id of a -chardev */
    PROP_DRIVE,   /* BlockPort *: id of a -drive, or node name of a -blockdev */
    PROP_LINK,    /* Device *: id or path of another device; .link_type */
    PROP_OBJECT,  /* Object *: id of an -object; .link_type: its type begins so */
} PropKind;

typedef struct Property {
    const char *name;
    PropKind kind;
    size_t offset;      /* in the device struct */
    uint64_t def;       /* default for numbers, bools, enums */
    const char *def_str;
    const char *const *enum_names; /* NULL terminated */
    const char *link_type;
    const char *help;   /* one line, always there (a test checks) */
} Property;
#define PROP(type, kind_, field, name_, def_, help_) \
    { .name = (name_), .kind = (kind_), .offset = offsetof(type, field), .def = (def_), .help = (help_) }
#define PROP_STR(type, field, name_, def_, help_) \
    { .name = (name_), .kind = PROP_STRING, .offset = offsetof(type, field), .def_str = (def_), .help = (help_) }

/* ---- state: everything architectural, and nothing else ---- */
typedef enum StateKind {
    STATE_END = 0,
    STATE_BOOL, STATE_U8, STATE_U16, STATE_U32, STATE_U64, STATE_I64,
    STATE_BYTES,  /* count raw bytes */
    STATE_BLOB,   /* GByteArray *: of any length; the device fills it in pre_save, reads it in post_load */
    STATE_TIMER,  /* Timer: its deadline, relative to its clock */
    STATE_HOST,   /* host-only member: listed so that the struct is covered, not saved */
} StateKind;

typedef struct StateField {
    const char *name;
    StateKind kind;
    size_t offset;
    uint32_t count;   /* array length, 1 for scalars */
    uint64_t reset;   /* value after reset; for arrays: of every element */
    bool keep;        /* survives reset (battery RAM, wiring-like state) */
    uint8_t since;    /* version that added the field */
    size_t size;      /* STATE_HOST, STATE_BYTES: bytes covered */
} StateField;
#define STATE(type, kind_, field, reset_) \
    { .name = #field, .kind = (kind_), .offset = offsetof(type, field), .count = 1, .reset = (reset_) }
#define STATE_ARRAY(type, kind_, field, n_, reset_) \
    { .name = #field, .kind = (kind_), .offset = offsetof(type, field), .count = (n_), .reset = (reset_) }
#define STATE_KEEP(type, kind_, field, n_) \
    { .name = #field, .kind = (kind_), .offset = offsetof(type, field), .count = (n_), .keep = true }
#define STATE_RAW(type, field) \
    { .name = #field, .kind = STATE_BYTES, .offset = offsetof(type, field), .count = 1, \
      .size = sizeof(((type *)0)->field) }
#define STATE_RAW_KEEP(type, field) \
    { .name = #field, .kind = STATE_BYTES, .offset = offsetof(type, field), .count = 1, .keep = true, \
      .size = sizeof(((type *)0)->field) }
#define STATE_BLOB(type, field) \
    { .name = #field, .kind = STATE_BLOB, .offset = offsetof(type, field), .count = 1, .keep = true }
#define HOST_ONLY(type, field) \
    { .name = #field, .kind = STATE_HOST, .offset = offsetof(type, field), .count = 1, \
      .size = sizeof(((type *)0)->field) }

/* ---- registers: for chips that are a plain register file ---- */
typedef enum RegAccess { REG_RO = 1, REG_WO = 2, REG_RW = 3, REG_W1C = 4 } RegAccess;
typedef struct Register {
    uint64_t offset;
    const char *name;
    uint8_t size;       /* bytes */
    uint8_t access;     /* RegAccess */
    size_t field;       /* offsetof the backing state field, SIZE_MAX if hooks only */
    uint64_t write_mask; /* bits the guest can change; 0 = none, ~0 = all */
    uint64_t (*read)(Device *d, const struct Register *r);           /* optional hook */
    void (*write)(Device *d, const struct Register *r, uint64_t val); /* optional hook, after masking */
} Register; /* table ends with name == NULL */

/*
 * A bus: what devices of one kind sit on. Embedded in the device that provides it. home: main loop.
 */
typedef struct Bus Bus;
typedef struct BusOps {
    const char *kind;  /* DeviceType.bus of the devices on it: "pci", "scsi", "ide", "virtio" ... */
    /* d is about to be realized: check or choose its address by its properties, and reserve it. */
    bool (*attach)(Bus *b, Device *d, Error **errp);
    /* d was unrealized, or its realize failed. */
    void (*detach)(Bus *b, Device *d);
    bool (*full)(Bus *b); /* optional: no free address, look for another bus */
    /*
     * Hot plug, both optional; without them the bus has none. plugged: d was realized while the
     * machine is up, tell the guest (or refuse). unplug: ask the guest for d; when it agrees the
     * bus calls device_unplugged().
     */
    bool (*plugged)(Bus *b, Device *d, Error **errp);
    bool (*unplug)(Bus *b, Device *d, Error **errp);
    /* Optional: d was realized by device_add() before the machine is up. */
    void (*cold_plugged)(Bus *b, Device *d);
    /* OpenFirmware path component of a child ("ide@1,1"), for the boot order. Optional. */
    void (*fw_path)(Bus *b, Device *d, GString *out);
    /* `info qtree`: what the bus knows of a child, like "addr = 03.0". Optional. */
    void (*info)(Bus *b, Device *d, GString *out);
} BusOps;
struct Bus {
    const BusOps *ops;
    char *name;        /* "pci.0" */
    Device *owner;
};

struct DeviceType {
    const char *name;  /* QEMU's -device name */
    const char *alias; /* another name of it (-device, -global), or NULL */
    const char *help;  /* one line */
    const char *bus;   /* "isa", "sysbus", "pci", ... */
    size_t size;       /* of the device struct, whose first member is Device */
    uint16_t version;  /* of the saved state */
    bool user_creatable; /* may be given to -device */
    bool internal;     /* board part, not shown by -device help */
    /*
     * Optional: a device of this type comes with one of that type inside (Device.inner), whose
     * properties are its own too; it realizes that one in its realize. (A transport and its device.)
     */
    const DeviceType *inner;
    const Property *props;
    const StateField *state;
    const Register *regs; /* optional; region made by device_register_region() */
    /* Census tests: why it cannot be realized alone (needs wiring, a bus, a backend); NULL = it can. */
    const char *needs;
    /*
     * Map regions, init timers; may fail, having undone what the engine does not know of. The
     * engine removes regions and ends the timers of the state table, here and after unrealize.
     */
    bool (*realize)(Device *d, Error **errp);
    void (*unrealize)(Device *d);
    void (*reset_hold)(Device *d);  /* after the state table's reset values are in */
    void (*outputs)(Device *d);     /* drive all output wires purely from state */
    bool (*pre_save)(Device *d, Error **errp);
    bool (*post_load)(Device *d, int version, Error **errp);
    void (*info)(Device *d, GString *out); /* extra lines of `info qtree` */
    /*
     * Optional, of interrupt controllers: `info pic`, in QEMU's form, of the one with that index among those of its type; and
     * how often each of its n inputs rose since the machine was built, for `info irq`.
     */
    void (*pic_info)(Device *d, int index, GString *out);
    const uint64_t *(*irq_counts)(Device *d, unsigned *n);
};
#define DEVICE_TYPE(sym) REGISTER(DeviceType, sym)

/* Base of every device; first member of its struct. */
struct Device {
    const DeviceType *type;
    Machine *machine;
    char *id;        /* -device id=, or NULL */
    Device *parent;  /* the device whose bus it sits on; NULL for the board itself */
    Bus *bus;        /* NULL: it sits on none ("sysbus", "isa") */
    GPtrArray *children;
    Device *inner;   /* one of the children: see DeviceType.inner */
    bool realized;
    unsigned order;  /* core's: of realizing; undone the other way round */
    /* wiring, all set by the board between device_new() and device_realize() */
    Irq *out;        /* output wires, n_out of them */
    int n_out;
    GPtrArray *regions; /* MemoryRegion* the device mapped, removed at unrealize */
    GPtrArray *reg_maps;   /* core's: indices of device_register_region() */
    GHashTable *prop_text; /* core's: what device_set() was given, by property name */
    Error *global_error;   /* core's: a -global that does not fit; realize fails with it */
};

/* Find a type by name, NULL with a "did you mean" error. */
const DeviceType *device_type_find(const char *name, Error **errp);
/* A new unrealized device with default properties; parent NULL = board. */
Device *device_new(Machine *m, const DeviceType *type, Device *parent, const char *id);
/* The same on a certain bus. A device without one finds the first bus of its kind at realize. */
Device *device_new_on(Bus *bus, const DeviceType *type, const char *id);
/* In the provider's realize and unrealize. The name is "<id>.<n>" or as given. */
void bus_init(Bus *b, const BusOps *ops, Device *owner, const char *name);
void bus_fini(Bus *b);
Bus *bus_find(Machine *m, const char *name);      /* NULL if none */
Bus *bus_nth(Machine *m, unsigned n);             /* in order of creation; NULL past the end */
/* The OpenFirmware path of a device, from its buses; NULL if one of them has none. g_free. */
char *device_fw_path(Device *d);
/*
 * -device and device_add: {"driver": ..., "id": ..., "bus": ..., property: value ...}, values
 * strings or JSON. Main loop, machine not locked. Plugs into a running machine too.
 */
Device *device_add(Machine *m, json_t *opts, Error **errp);
/* device_del: asks the guest, or (not realized on a hot-plug bus) refuses. */
bool device_del(Machine *m, const char *id, Error **errp);
/* The guest let go of d: it is freed soon on the main loop, with DEVICE_DELETED. Any thread. */
void device_unplugged(Device *d);
bool device_set(Device *d, const char *prop, const char *value, Error **errp);
void device_set_u64(Device *d, const char *prop, uint64_t v); /* by the board: asserts the name */
void device_set_ptr(Device *d, const char *prop, void *v);    /* PROP_CHARDEV, _DRIVE, _LINK */
char *device_get(Device *d, const char *prop); /* text form; caller frees */
bool device_realize(Device *d, Error **errp);
/* First unrealizes it and all below it, last realized first; then frees them. */
void device_free(Device *d);
/*
 * Number and connect output wires: the board may connect before or after realize, which calls
 * device_init_out(); connecting a wire that does not exist yet makes room for it.
 */
void device_init_out(Device *d, int n_out);
void device_connect(Device *d, int n, Irq to);
/*
 * Map an IO region on the machine's port or memory space, remembered for unrealize; ops get the
 * Device as opaque. outputs() is called after each write unless the ops are lockless.
 */
MemoryRegion *device_map_ports(Device *d, uint16_t port, uint16_t len, const IoOps *ops, const char *name);
MemoryRegion *device_map_memory(Device *d, hwaddr addr, uint64_t size, const IoOps *ops, const char *name);
/*
 * Any other IO region of the device (a PCI BAR, a window placed by the bus): the creator's
 * reference stays with the device, which takes the region out of its parent at unrealize.
 */
MemoryRegion *device_io_region(Device *d, const char *name, const IoOps *ops, uint64_t size);
/* The same with an opaque of its own, for a device that has many windows of one kind. */
MemoryRegion *device_io_region_of(Device *d, const char *name, const IoOps *ops, void *opaque, uint64_t size);
/*
 * Register-table dispatch as an IO region (read/write through type->regs, outputs() after writes);
 * owned by the device as above, the caller adds it where it belongs. Any access size and offset:
 * bytes of a register that the guest did not write keep their value (write-one-to-clear: stay).
 * A write hook runs after the field has its new value and gets the guest's value: merged and
 * masked, or for REG_W1C the bits to clear. No backing field and write_mask 0: hook gets all bits.
 */
MemoryRegion *device_register_region(Device *d, const char *name, uint64_t size);
/* Call after any state change outside table dispatch that may move output wires. */
static inline void device_update(Device *d)
{
    if (d->type->outputs && d->realized) {
        d->type->outputs(d);
    }
}
/*
 * The machine's lock for who calls back on the device's behalf (block/block.h): opaque is the
 * Device, or a struct that begins with it.
 */
void device_lock_hook(void *device);
void device_unlock_hook(void *device);
#define DEVICE_LOCK_HOOKS .lock = device_lock_hook, .unlock = device_unlock_hook
/* Three-phase reset of one device or all of a machine (enter: state table; hold: hook; exit: outputs). */
void device_reset(Device *d);
void machine_reset_devices(Machine *m);
/*
 * Save/restore by state table; the buffer is self-describing (names, versions). Loading checks
 * everything before it touches the device, and a device that refuses (post_load) is as before.
 */
void device_save(Device *d, GByteArray *out);
bool device_try_save(Device *d, GByteArray *out, Error **errp); /* pre_save may refuse */
bool device_load(Device *d, const uint8_t *buf, size_t len, Error **errp);
void device_foreach(Machine *m, void (*fn)(Device *, void *), void *opaque);
Device *device_find(Machine *m, const char *id_or_path);
void device_dump_tree(Machine *m, GString *out); /* info qtree */

#endif
