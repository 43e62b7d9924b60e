/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory: RAM blocks in memfd mappings, a tree of regions, and address
 * spaces that are read through immutable snapshots ("flat views").
 *
 * home: the region tree is edited by the main loop only (or before the machine
 * runs).  Flat views are read by any thread: a reader takes the current view
 * pointer, and old views are freed only after every vCPU has passed a safe
 * point (mem_quiesce()).  Page flags are lock-free atomics.
 */
#ifndef CORE_MEMORY_H
#define CORE_MEMORY_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"

typedef struct Machine Machine;
typedef uint64_t hwaddr; /* guest-physical, port or bus address: always 64 bits */

#define MEM_PAGE_BITS 12
#define MEM_PAGE_SIZE (1u << MEM_PAGE_BITS)

/* What a bus access came to. Target code turns it into #MC, data abort, ~0... */
typedef enum MemResult {
    MEM_OK = 0,
    MEM_DECODE_ERROR = 1, /* nothing answers at this address */
    MEM_DEVICE_ERROR = 2, /* the device refused */
} MemResult;

/* Who makes an access. */
typedef struct MemAttrs {
    uint16_t requester; /* PCI requester id, or vCPU index */
    bool secure;        /* Arm: secure physical address space */
    bool dma;           /* made by a device, not a processor */
} MemAttrs;
#define MEM_ATTRS_NONE ((MemAttrs){0})

/*
 * Register access of a device. The core splits or widens what the guest does
 * to sizes in [min_size, max_size] and little-endian values; size is 1, 2, 4
 * or 8 bytes and offset is relative to the region.
 */
typedef struct IoOps {
    uint64_t (*read)(void *opaque, hwaddr offset, unsigned size);
    void (*write)(void *opaque, hwaddr offset, uint64_t value, unsigned size);
    /*
     * 0 means 1 and 8. A wider access becomes several of max_size, low address first; a narrower
     * one becomes one of min_size at the aligned offset below, of which the guest's bytes are
     * picked (read) or the others are zero (write).
     */
    uint8_t min_size, max_size;
    bool unaligned;             /* accepts offsets not aligned to size */
    bool lockless;              /* needs no lock domain (thread-safe callbacks) */
    /*
     * Stores that lie wholly in these bytes of the region may come late: an accelerator brings them in their order, before
     * the next access of any processor that reaches any device, before all vCPUs are parked, and when it is asked
     * (machine_settle_stores()). For registers whose contents mean nothing until another one is accessed (indices).
     * size 0: none.
     */
    struct {
        uint8_t offset, size;
    } late;
} IoOps;

/*
 * One RAM or ROM backing: a memfd (or file), mapped shared into this process.
 * page_flags has one byte per page; bits are "watches": a CPU may store
 * directly only into a page whose watch byte is 0, otherwise it stores through
 * ram_written(). A watch bit that is set means: tell this client about the
 * next write (so set = clean for dirty clients).
 */
enum {
    RAM_WATCH_CODE = 1 << 0,      /* holds translated code (accelerator) */
    RAM_WATCH_MIGRATION = 1 << 1, /* clean since the last migration/checkpoint round */
    RAM_WATCH_DISPLAY = 1 << 2,   /* clean since the last display refresh */
    RAM_WATCH_RATE = 1 << 3,      /* clean since calc-dirty-rate */
    RAM_WATCH_DIRTY = RAM_WATCH_MIGRATION | RAM_WATCH_DISPLAY | RAM_WATCH_RATE, /* all clients that ask what was written */
};
typedef struct RamBlock {
    char *name;
    int fd;           /* memfd; -1 only in unit tests */
    uint8_t *host;    /* shared mapping of the whole block */
    uint64_t size;    /* bytes, multiple of MEM_PAGE_SIZE */
    uint64_t ram_addr; /* position in the machine-wide RAM numbering, page aligned:
                        * ram_addr >> 12 is a unique physical page number used by
                        * block caches and dirty bitmaps */
    bool readonly;    /* ROM: guest stores are dropped */
    uint8_t *page_flags; /* size >> 12 bytes, atomic */
    struct RamBlock *tags; /* Arm allocation tags: of each 32 bytes one byte, the lower half's tag in its low bits. A block of
                            * its own, mapped nowhere; NULL: none. See ram_add_tags() */
    Machine *machine;
} RamBlock;

typedef enum MemKind { MEM_CONTAINER, MEM_RAM, MEM_IO, MEM_ALIAS } MemKind;

typedef struct MemoryRegion MemoryRegion;

/*
 * Regions. Reference counted by their parent; region_unref() the creator's
 * reference when it is added. Names appear in `info mtree`.
 */
MemoryRegion *region_new_container(const char *name, uint64_t size);
/* RAM of size bytes in a new memfd; NULL and *errp on failure. */
MemoryRegion *region_new_ram(Machine *m, const char *name, uint64_t size, Error **errp);
/* Where the memory of RAM comes from. */
typedef struct RamSource {
    int fd;         /* a file, which is taken (closed also on failure); -1: a new memfd */
    bool share;     /* stores reach the file */
    bool reserve;   /* the host keeps huge pages or swap for all of it now, or fails */
    uint64_t align; /* of the mapping's address, a power of 2; 0: as it is good */
} RamSource;
MemoryRegion *region_new_ram_from(Machine *m, const char *name, uint64_t size, const RamSource *from,
                                  Error **errp);
/* ROM: as RAM, guest stores ignored; contents written through region_ram()->host. */
MemoryRegion *region_new_rom(Machine *m, const char *name, uint64_t size, Error **errp);
MemoryRegion *region_new_io(const char *name, const IoOps *ops, void *opaque, uint64_t size);
MemoryRegion *region_new_alias(const char *name, MemoryRegion *target, hwaddr offset, uint64_t size);
void region_ref(MemoryRegion *r);
void region_unref(MemoryRegion *r);
/* Put child at offset in parent; higher priority hides lower where they overlap. */
void region_add(MemoryRegion *parent, hwaddr offset, MemoryRegion *child, int priority);
void region_remove(MemoryRegion *parent, MemoryRegion *child);
void region_set_enabled(MemoryRegion *r, bool enabled);
/* For aliases (PAM, windows): move the window, or make the view read-only. */
void region_set_alias_offset(MemoryRegion *r, hwaddr offset);
void region_set_readonly(MemoryRegion *r, bool readonly);
/* Stores into this ROM reach the device instead of being dropped (flash). Before it is mapped. */
void region_set_rom_ops(MemoryRegion *rom, const IoOps *ops, void *opaque);
/*
 * A doorbell: that a store of exactly these bytes into a device's region means no more than that the event is to be raised.
 * An accelerator that can raise it without the device does so; under others, and wherever the store has another size, the
 * device's own write() gets it, which has to come to the same. Also while the region moves, comes and goes, each store is
 * one or the other.
 */
typedef struct IoEvent IoEvent; /* core/ioevent.h */
typedef struct MemEvent {
    hwaddr offset;  /* in the region; for a MemEventFn: the address */
    unsigned size;  /* of the store: 1, 2, 4, 8 */
    bool match;     /* only of this value; otherwise of any */
    uint64_t value;
    IoEvent *event;
} MemEvent;
void region_add_event(MemoryRegion *r, const MemEvent *e);
/* On return no accelerator raises it for this store any more. The one that was added. */
void region_remove_event(MemoryRegion *r, const MemEvent *e);
RamBlock *region_ram(MemoryRegion *r); /* NULL unless RAM/ROM */
const char *region_name(const MemoryRegion *r);
uint64_t region_size(const MemoryRegion *r);
/*
 * Edits may also come from a device callback on a vCPU thread (PCI BARs, PAM): the region lock
 * serialises them. The new view is in place when the outermost edit or commit returns; other
 * vCPUs notice it at their next safe point.
 * Batch several edits into one new flat view. Nestable; nothing but region calls in between.
 */
void mem_transaction_begin(Machine *m);
void mem_transaction_commit(Machine *m);

/* ---- flat views ---- */
typedef struct MemSection {
    hwaddr base;       /* first address */
    uint64_t size;     /* bytes; 0 size never occurs */
    MemKind kind;      /* MEM_RAM or MEM_IO */
    RamBlock *ram;     /* MEM_RAM */
    uint64_t ram_offset; /* offset of base in ram */
    bool readonly;     /* MEM_RAM: stores are dropped (ROM) */
    const IoOps *ops;  /* MEM_IO; ROM: NULL, or who gets the stores */
    void *opaque;
    hwaddr io_offset;  /* offset of base inside the device's region */
    MemoryRegion *region;
} MemSection;

typedef struct AddressSpace AddressSpace;
AddressSpace *address_space_new(Machine *m, const char *name, MemoryRegion *root);
void address_space_free(AddressSpace *as);
const char *address_space_name(const AddressSpace *as);
/*
 * The section holding addr, or NULL when nothing answers. Valid until the
 * calling thread's next safe point. Lock-free, O(log sections).
 */
const MemSection *address_space_find(AddressSpace *as, hwaddr addr);
/* fn for each section in order of address; s is good during the call. Any thread. */
void address_space_foreach(AddressSpace *as, void (*fn)(const MemSection *s, void *opaque), void *opaque);
/* fn for each doorbell that shows, with its address, in order of sections. Any thread; fn holds the region lock. */
typedef void MemEventFn(const MemEvent *e, void *opaque);
void address_space_foreach_event(AddressSpace *as, MemEventFn *fn, void *opaque);
/* Counts up each time the flat view changes: caches compare it. */
uint64_t address_space_generation(AddressSpace *as);

/*
 * Bus accesses of any length, from any thread. They cross sections, split for
 * devices, take the lock domain of a device when it needs one, honour ROM and
 * call ram_written(). Bytes that nothing answers read as 0xff.
 */
MemResult address_space_read(AddressSpace *as, hwaddr addr, MemAttrs attrs, void *buf, uint64_t len);
MemResult address_space_write(AddressSpace *as, hwaddr addr, MemAttrs attrs, const void *buf, uint64_t len);
/* One naturally sized access (1, 2, 4, 8), value little endian in the low bits. */
MemResult address_space_load(AddressSpace *as, hwaddr addr, MemAttrs attrs, unsigned size, uint64_t *val);
MemResult address_space_store(AddressSpace *as, hwaddr addr, MemAttrs attrs, unsigned size, uint64_t val);
/* The same on a section already found (accelerators' MMIO path); takes the device's lock. */
MemResult mem_section_load(Machine *m, const MemSection *s, hwaddr addr, unsigned size, uint64_t *val);
MemResult mem_section_store(Machine *m, const MemSection *s, hwaddr addr, unsigned size, uint64_t val);
/* As a debugger or loader: writes ROM too, never touches devices; false if not all is RAM/ROM. */
bool address_space_peek(AddressSpace *as, hwaddr addr, void *buf, uint64_t len);
bool address_space_poke(AddressSpace *as, hwaddr addr, const void *buf, uint64_t len);
/*
 * A direct host pointer to [addr, addr+*len) when it is RAM; *len is shortened
 * to the contiguous part. NULL when not RAM, or not writable for write. After
 * writing through it call address_space_written() (or ram_written()).
 */
void address_space_written(AddressSpace *as, hwaddr addr, uint64_t len);
void *address_space_map(AddressSpace *as, hwaddr addr, uint64_t *len, bool write);

/*
 * The stretch of RAM around addr, to be used again and again: good as long as
 * address_space_generation() is the window's. false when there is none.
 */
typedef struct RamWindow {
    uint64_t generation;
    hwaddr base;       /* first address, and bytes from there */
    uint64_t size;
    uint8_t *host;     /* of base */
    RamBlock *ram;     /* for ram_written() after storing: base is at ram_offset */
    uint64_t ram_offset;
    bool readonly;
} RamWindow;
bool address_space_window(AddressSpace *as, hwaddr addr, RamWindow *w);

/* ---- watches and dirty tracking ---- */
static inline uint8_t ram_page_watch(const RamBlock *b, uint64_t offset)
{
    return __atomic_load_n(&b->page_flags[offset >> MEM_PAGE_BITS], __ATOMIC_RELAXED);
}
void ram_watch_set(RamBlock *b, uint64_t offset, uint64_t len, uint8_t bits);
void ram_watch_clear(RamBlock *b, uint64_t offset, uint64_t len, uint8_t bits);
/*
 * Bytes [offset, offset+len) were stored to, or are about to be: marks dirty
 * clients and, where RAM_WATCH_CODE is set, calls the accelerator's
 * code_written(). Cheap when no page is watched.
 */
void ram_written(RamBlock *b, uint64_t offset, uint64_t len);
/* Give it memory for allocation tags, all 0; while the machine is being built. */
bool ram_add_tags(RamBlock *b, const char *name, Error **errp);
/* The whole pages in the range go back to the host and read as zeros from now on. Any thread. */
void ram_discard(RamBlock *b, uint64_t offset, uint64_t len);
/*
 * A client of dirty pages, one bit of RAM_WATCH_DIRTY: between start and stop every write is told, whoever made it. Main loop,
 * machine not locked. All pages are clean at first. sync: what was written before is in the watches on return.
 */
void ram_dirty_start(Machine *m, uint8_t bit);
void ram_dirty_stop(Machine *m, uint8_t bit);
void ram_dirty_sync(Machine *m);
/* Sync and collect of all blocks; how many pages it were. */
uint64_t ram_dirty_count(Machine *m, uint8_t bit);
/* By the accelerator: these bytes were written, for all clients. True: some of them did not know yet. Any thread. */
bool ram_dirty_told(RamBlock *b, uint64_t offset, uint64_t len);
/* Collect and re-arm one client, after ram_dirty_sync(): bit per page into bitmap (1 = written since). */
void ram_dirty_collect(RamBlock *b, uint8_t watch_bit, unsigned long *bitmap);
RamBlock *machine_ram_block_at(Machine *m, uint64_t ram_addr); /* NULL if none */
void machine_ram_foreach(Machine *m, void (*fn)(RamBlock *, void *), void *opaque);

/* Text of the region tree and flat views: `info mtree` (-f form with flat=true). */
void mem_dump_tree(Machine *m, GString *out, bool flat);

/*
 * A device callback that reaches another device's registers on the same stack gets
 * MEM_DEVICE_ERROR: no chip is ever entered while another one is half way through a change. Timer
 * callbacks count as device callbacks. RAM is always reachable. Message-signalled interrupts
 * travel as wires, not as bus writes.
 */

/* Called by an accelerator when the calling vCPU thread holds no flat view pointer. */
void mem_quiesce(Machine *m);

#endif
