/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Machine's insides, shared by the files of core/ and nobody else.
 */
#ifndef CORE_INTERNAL_H
#define CORE_INTERNAL_H

#include <pthread.h>
#include "core/apics.h"
#include "core/pcchips.h"
#include "core/debug.h"
#include "core/machine.h"
#include "core/object.h"

/* ---- memory ---- */

typedef struct FlatView {
    uint32_t n;
    MemSection sections[];
} FlatView;

struct AddressSpace {
    Machine *machine;
    char *name;
    MemoryRegion *root;
    FlatView *view;      /* atomic; replaced under the region lock */
    uint64_t generation; /* atomic */
};

struct MemoryRegion {
    char *name;
    uint64_t size;
    MemKind kind;
    int refs; /* atomic */
    Machine *machine;    /* known once attached below an address space */
    bool enabled, readonly;
    bool gone;           /* its device is unrealized: answers nothing. guarded by: machine lock */
    /* tree; guarded by: region lock */
    MemoryRegion *parent;
    hwaddr addr;         /* in the parent */
    int priority;
    GPtrArray *children; /* by priority, highest first; newest first among equals */
    RamBlock *ram;       /* MEM_RAM */
    const IoOps *ops;    /* MEM_IO */
    void *opaque;
    void (*after_write)(void *opaque); /* device engine: outputs() */
    void *after_write_opaque;
    GArray *events;       /* MEM_IO: MemEvent, or NULL; guarded by: region lock */
    MemoryRegion *target; /* MEM_ALIAS */
    hwaddr target_offset;
};

typedef struct MemState {
    pthread_mutex_t lock; /* recursive: the region lock. Taken after the machine lock. */
    int depth;
    bool dirty;           /* an edit happened since the outermost begin */
    unsigned n_events;    /* doorbells of all regions */
    bool events_dirty;    /* one came or went since the outermost begin */
    GPtrArray *spaces;    /* AddressSpace * */
    GPtrArray *blocks;    /* RamBlock *, by ram_addr */
    uint64_t next_ram_addr;
    uint8_t dirty_clients; /* RAM_WATCH_DIRTY: those that are there. home: main loop */
    /* old views waiting for their readers */
    uint64_t epoch;       /* atomic */
    uint32_t phase;       /* atomic */
    uint32_t visitors[2]; /* atomic: readers that are not vCPUs, by phase on entry */
    uint64_t flips;
    GSList *garbage;      /* struct Retired * */
    GSource *reaper;
} MemState;

/* The machine's accelerator begins, or ends, to log for those clients that there are. */
void ram_dirty_log(Machine *m, bool on);
void mem_init(Machine *m);
void mem_fini(Machine *m);
/* Frees what no reader can hold any more; true when nothing is left. */
bool mem_reap(Machine *m);
/* Bracket around reading views by threads that are not vCPUs of m; no-op on those. */
int mem_enter(Machine *m);
void mem_leave(Machine *m, int token);
/* The tree below r, and what it aliases, shows in m from now on. */
void region_attach(MemoryRegion *r, Machine *m);
FlatView *flatview_render(MemoryRegion *root);
void flatview_free(FlatView *v);
bool flatview_equal(const FlatView *a, const FlatView *b);
const MemSection *flatview_find(const FlatView *v, hwaddr addr);
/* Replace the view of a space when the tree gives another one; true if it changed. */
bool address_space_update(AddressSpace *as);
RamBlock *ram_block_new(Machine *m, const char *name, uint64_t size, bool readonly, Error **errp);
/* Takes from->fd. */
RamBlock *ram_block_new_from(Machine *m, const char *name, uint64_t size, const RamSource *from, Error **errp);
void ram_block_free(RamBlock *b);
/* The accelerator is to look at the doorbells again. */
void mem_events_told(Machine *m);
/* Device callbacks on this thread's stack. */
void mem_callback_enter(void);
void mem_callback_leave(void);

/* ---- clock ---- */

typedef struct ClockState {
    pthread_mutex_t lock;    /* heaps and setting the clock */
    GPtrArray *heap[CLOCK__COUNT];
    uint32_t seq;            /* atomic seqlock of the four below */
    bool running, manual;
    int64_t base;            /* virtual time at `since` */
    int64_t since;           /* monotonic host time */
    int64_t host_offset;
    int64_t born_wall, born_monotonic;
    GSource *source;
    int timer_fd;
    int64_t programmed;      /* monotonic ns the fd is set to, TIMER_NEVER = off */
} ClockState;

bool clock_init(Machine *m, Error **errp);
void clock_fini(Machine *m);
void clock_run(Machine *m, bool running);

/* ---- machine ---- */

enum {
    REQ_SHUTDOWN = 1 << 0,
    REQ_RESET = 1 << 1,
    REQ_STOP = 1 << 2,
    REQ_POWERDOWN = 1 << 3,
    REQ_SUSPEND = 1 << 4,
    REQ_WAKEUP = 1 << 5,
    REQ_WATCHDOG = 1 << 6,
    REQ_PANIC = 1 << 7,
    REQ_CRASHLOADED = 1 << 8,
};

typedef struct Listener {
    union {
        RunStateFn *run_state;
        EventFn *event;
        ResetFn *reset;
    };
    void *opaque;
} Listener;

struct Machine {
    MachineConfig cfg;
    GPtrArray *strings; /* owned copies of the config's */
    char **globals;     /* the same for cfg.globals */
    GMainContext *loop;
    const BoardType *board;
    DeviceType *board_type; /* made from the board */
    Device *board_dev;
    unsigned realize_count;
    const TargetOps *target;
    const AccelOps *accel;
    void *accel_priv[ACCEL_SLOTS];
    GPtrArray *accels;  /* const AccelOps *, those that are open; guarded by: accel_lock once vCPUs run */
    pthread_mutex_t accel_lock;
    bool accel_open, built, started;
    struct Semihost *semihost;
    struct DirtyRateState *dirty_rate; /* dirtyrate.c; NULL: never asked for */
    Error *birth_error; /* machine_new() cannot fail; machine_build() reports it */
    CharLookupFn *char_lookup;
    void *char_lookup_opaque;
    DriveLookupFn *drive_lookup;
    void *drive_lookup_opaque;
    QuiesceFn *quiesce;
    void *quiesce_opaque;
    const BalloonOps *balloon;
    void *balloon_opaque;
    const ApicOps *apics;
    void *apics_opaque;
    const PcChipHost *chip_host;
    GPtrArray *lent_chips; /* LentChip, in the devices */
    GPtrArray *objects; /* Object *, in order of creation */
    GPtrArray *buses; /* Bus *, in order of creation */
    GPtrArray *unplugged; /* Device *, to be freed; guarded by: machine lock */
    GSource *unplug_source;

    MemState mem;
    MemoryRegion *mem_root, *port_root;
    AddressSpace *memory, *ports;
    ClockState clock;

    /* the shared lock domain */
    pthread_mutex_t lock;
    pthread_t lock_owner; /* atomic; meaningful while lock_held */
    bool lock_held;       /* atomic */

    /* vCPUs. The array is complete before the threads start. */
    GPtrArray *cpus;
    pthread_mutex_t cpu_lock; /* parked, exited, created, work queues */
    pthread_cond_t cpu_cond;  /* any of them changed */

    /* run state. home: main loop, state readable from any thread */
    RunState state; /* atomic */
    GArray *state_listeners, *event_listeners, *reset_listeners;
    bool ended;     /* atomic */
    bool waking;
    int status;

    /* requests; guarded by req_lock */
    pthread_mutex_t req_lock;
    uint32_t requests;
    ShutdownCause shutdown_cause, reset_cause;
    RunState stop_why;
    char *panic_info;       /* JSON, or NULL */
    bool exit_status_set;
    int exit_status;
    GSource *req_source;

    GArray *debug_points; /* DebugPoint; changes while all vCPUs are parked */
    uint64_t debug_serial; /* counts those that came */
    bool debug_clock;     /* it runs while vCPUs step */
    GdbServerFn *gdb_server;
    void *gdb_server_opaque;
};

/* ---- run state (runstate.c) ---- */
bool run_state_legal(RunState from, RunState to);
bool run_state_needs_reset(RunState s);
void run_state_set(Machine *m, RunState s);
void machine_power_on_reset(Machine *m);
void requests_init(Machine *m);
void requests_fini(Machine *m);

/* ---- debug.c ---- */
/* Does the clock stand still while the machine runs? */
bool debug_stills_clock(Machine *m);
/* The accelerator knows of no breakpoint between the two, and may be another one afterwards. False: that one cannot. */
GArray *debug_suspend(Machine *m);
bool debug_restore(Machine *m, GArray *points, Error **errp);
/* The machine stopped: steps and holds are over. */
void debug_stopped(Machine *m);

/* ---- vCPUs (cpu.c, cpu_loop.c) ---- */
void cpu_host_init(Cpu *cpu);
void cpu_host_fini(Cpu *cpu);
void cpu_free(Cpu *cpu);
void cpu_reset_now(Cpu *cpu); /* vCPU parked or its own thread */
bool cpu_thread_start(Cpu *cpu, Error **errp);
void cpu_thread_end(Cpu *cpu); /* asks and joins */
void cpu_set_current(Cpu *cpu);
/* Its thread's name says what it runs under; soon, on that thread. */
void cpu_name_thread(Cpu *cpu);
/* All accelerators that are open in the machine (accel.c). */
void accels_close_cpu(Cpu *cpu);
void accels_close(Machine *m);
/* All vCPUs of the machine; pause returns with all of them parked. */
void cpus_pause(Machine *m);
void cpus_resume(Machine *m);

/* ---- devices ---- */
/* The board's device; its type was made from BoardType. */
Device *device_new_board(Machine *m, const DeviceType *type);
/* Properties of anything with a table: devices, objects. */
const Property *props_find(const Property *table, const char *name);
void props_unknown(const char *type, const Property *table, const Property *inner, const char *name,
                   Error **errp);
void props_init(void *obj, const Property *table);
void props_free(void *obj, const Property *table);
bool prop_set(Machine *m, void *obj, const Property *p, const char *value, Error **errp);
char *prop_get(void *obj, const Property *p);
void device_props_init(Device *d);
/* Finds and joins the bus of an unrealized device; leaves it. */
bool device_bus_attach(Device *d, Error **errp);
void device_bus_detach(Device *d);
void device_props_set_globals(Device *d);
/* "a=b,c=d" */
bool device_props_set_list(Device *d, const char *list, Error **errp);
void device_props_free(Device *d);
void device_state_reset(Device *d);
void device_blobs_free(Device *d);
void device_timers_fini(Device *d);
/* All regions off the map; on return no other thread is in a callback through them. */
void device_regions_detach(Device *d);
void device_regions_free(Device *d);
/* One element of a state field, in bytes; 0 for STATE_HOST. */
size_t state_elem_size(const StateField *f);
/* Waits until every reader has dropped the views that were replaced so far. Main, not locked. */
void mem_synchronize(Machine *m);

#endif
