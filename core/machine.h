/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Machine: owner of everything guest. No globals: two machines can live in
 * one process.
 */
#ifndef CORE_MACHINE_H
#define CORE_MACHINE_H

#include <glib.h>
#include "base/error.h"
#include "base/registry.h"
#include "core/accel.h"
#include "core/clock.h"
#include "core/cpu.h"
#include "core/device.h"
#include "core/memory.h"
#include "core/numa.h"

typedef enum RunState { /* QMP RunState names */
    RUN_STATE_PRELAUNCH,
    RUN_STATE_RUNNING,
    RUN_STATE_PAUSED,
    RUN_STATE_SHUTDOWN,
    RUN_STATE_GUEST_PANICKED,
    RUN_STATE_INTERNAL_ERROR,
    RUN_STATE_IO_ERROR,
    RUN_STATE_SAVE_VM,
    RUN_STATE_RESTORE_VM,
    RUN_STATE_SUSPENDED,
    RUN_STATE_DEBUG,
    RUN_STATE_WATCHDOG,
    RUN_STATE__COUNT,
} RunState;
const char *run_state_name(RunState s); /* "prelaunch", "running", "paused", ... */

typedef enum ShutdownCause { /* QMP ShutdownCause names, event arguments */
    SHUTDOWN_HOST_QMP_QUIT,
    SHUTDOWN_HOST_QMP_RESET,
    SHUTDOWN_HOST_SIGNAL,
    SHUTDOWN_HOST_UI,
    SHUTDOWN_GUEST_SHUTDOWN,
    SHUTDOWN_GUEST_RESET,
    SHUTDOWN_GUEST_PANIC,
} ShutdownCause;

typedef struct CharPort CharPort; /* chardev/char.h */
typedef struct BlockPort BlockPort; /* block/block.h */
typedef struct BlockSet BlockSet;   /* block/blockdev.h */

/* A disk that the command line left to the board (-hda, -cdrom, -fda, -pflash, -drive if=). */
typedef enum MachineDriveKind { /* as block/blockdev.h's DriveIface */
    MACHINE_DRIVE_DEFAULT, MACHINE_DRIVE_NONE, MACHINE_DRIVE_IDE, MACHINE_DRIVE_SCSI,
    MACHINE_DRIVE_FLOPPY, MACHINE_DRIVE_PFLASH, MACHINE_DRIVE_MTD, MACHINE_DRIVE_SD,
    MACHINE_DRIVE_VIRTIO,
} MachineDriveKind;
typedef struct MachineDrive {
    const char *id;
    MachineDriveKind kind;
    int bus, unit;      /* never -1 here: main/ numbered those that had none */
    bool cdrom;
    BlockPort *port;
    bool claimed;       /* the board made a device of it; main complains of what is left */
} MachineDrive;

/* -action watchdog=: what a watchdog does that nobody fed (QMP names). */
typedef enum WatchdogAction {
    WATCHDOG_RESET, WATCHDOG_SHUTDOWN, WATCHDOG_POWEROFF, WATCHDOG_PAUSE, WATCHDOG_DEBUG, WATCHDOG_NONE,
} WatchdogAction;
const char *watchdog_action_name(WatchdogAction a); /* NULL past the last */

/* -action panic=: what is done when a guest says that it panicked. */
typedef enum PanicAction { PANIC_SHUTDOWN, PANIC_PAUSE, PANIC_EXIT_FAILURE, PANIC_NONE } PanicAction;

/* What the command line asked of the board; filled by main/, read by boards. */
/* -fw_cfg: contents that the user hands to the firmware; one of file and string is there. */
typedef struct FwCfgFile {
    const char *name, *file, *string;
} FwCfgFile;

/* -rtc clock=: what CLOCK_HOST follows. */
typedef enum RtcSource { RTC_HOST, RTC_VM, RTC_RT } RtcSource;

typedef struct MachineConfig {
    const char *board;         /* "pc", "none" */
    const char *accel;         /* "tcg", "tcg,thread=multi", "null" */
    const char *other_accel;   /* x-accel= of that: one that the machine must be able to move to; NULL: none */
    const char *cpu_model;     /* "qemu64,+x"; NULL = board default */
    uint64_t ram_size;
    int cpus, max_cpus, sockets, dies, cores, threads;
    const char *firmware;      /* -bios; NULL = board default */
    const char *firmware_dirs; /* colon-separated -L and built-in search path */
    bool flash;                /* -drive if=pflash, or the board's pflash0=: its firmware */
    const char *kernel, *initrd, *append;
    const FwCfgFile *fw_cfg;   /* fw_cfg_count of them */
    size_t fw_cfg_count;
    const NumaConfig *numa;    /* -numa; NULL: none */
    const char *memory_backend; /* -machine memory-backend=, id of an object; or NULL */
    bool no_reboot, no_shutdown, start_paused, nodefaults, nographic;
    bool default_serial, default_parallel; /* board may create its default devices */
    CharPort *serial[4];       /* host ends of -serial 0..3, NULL = none */
    CharPort *debugcon;        /* -debugcon (port 0xe9, or board's iobase property) */
    int64_t rtc_base_ns;       /* -rtc base=: ns offset to add to host time */
    bool rtc_localtime;
    RtcSource rtc_clock;
    bool has_uuid;
    uint8_t uuid[16];          /* -uuid, big endian */
    json_t *const *smbios;     /* -smbios: smbios_count objects {"type": ..., field: value} */
    size_t smbios_count;
    const char *name;          /* -name */
    WatchdogAction watchdog;   /* -action watchdog= */
    PanicAction panic;         /* -action panic= */
    bool cpu_pm;               /* -overcommit cpu-pm=on: accelerators on the host's processor let guests wait in it */
    MachineDrive *drives;      /* drive_count of them */
    size_t drive_count;
    BlockSet *block_set;       /* all disks: for the monitor's commands */
    bool default_floppy, default_cdrom; /* board may add its empty drives */
    bool default_vga, default_nic; /* the cards that QEMU would add: PCI boards keep their slots */
    const struct SemihostConfig *semihost; /* core/semihost.h; NULL: off */
    const char *boot_order, *boot_once; /* -boot: letters, or NULL */
    bool boot_menu, boot_strict;
    const char *boot_splash;   /* file, or NULL */
    int64_t boot_splash_time, boot_reboot_timeout; /* ms, -1 not given */
    /* -global: "driver.property=value", NULL-terminated; each new device of that type gets it. */
    const char *const *globals;
} MachineConfig;

/* A board: memory-map table and build(). */
typedef struct BoardType {
    const char *name;      /* -M name */
    const char *alias;     /* other accepted name, or NULL */
    const char *help;
    const char *arch;      /* TargetOps name; "" = any/none */
    const char *default_cpu;
    MachineDriveKind default_drive; /* of -hda, -drive without if= */
    int drives_per_bus;    /* of that kind: 2 on IDE, 0: no limit */
    bool no_floppy, no_cdrom; /* never makes empty ones */
    uint64_t default_ram;  /* bytes */
    int max_cpus;
    bool fw_cfg;           /* takes MachineConfig.fw_cfg */
    const Property *props; /* -M name,prop=value, offsets into the board's own struct */
    size_t size;           /* of the board struct whose first member is Device */
    /*
     * Optional: could a machine be built of this? Reads files (kernel, firmware), leaves no trace;
     * main asks before it opens anything on the host.
     */
    bool (*check)(const MachineConfig *cfg, Error **errp);
    bool (*build)(Machine *m, Device *board, Error **errp);
    /* Both on the main loop with the machine locked and, for reset, all vCPUs parked. */
    void (*system_powerdown)(Machine *m); /* press the power button; NULL = no button */
    void (*reset)(Machine *m);            /* after all devices and CPUs are reset: direct kernel boot */
} BoardType;
#define BOARD(sym) REGISTER(BoardType, sym)
#define TARGET(sym) REGISTER(TargetOps, sym)
const BoardType *board_find(const char *name, const char *arch, Error **errp);
const TargetOps *target_find(const char *arch, Error **errp);

/*
 * Life: machine_new -> machine_build -> machine_start -> ... -> machine_free.
 * home: main loop.
 */
/* The board's opinion of a configuration, before there is a machine. */
bool machine_config_check(const MachineConfig *cfg, const char *arch, Error **errp);
Machine *machine_new(const MachineConfig *cfg, GMainContext *loop);
/*
 * Board, devices, CPUs, accelerator, power-on reset. cfg->board and cfg->accel may carry options:
 * "pc,prop=value". On failure nothing runs and machine_free() cleans up.
 */
bool machine_build(Machine *m, const char *arch, Error **errp);
void machine_start(Machine *m);   /* create vCPU threads; run unless -S */
bool machine_started(Machine *m); /* what is added from now on is plugged in hot */
void machine_stop(Machine *m, RunState why);  /* all vCPUs parked on return (not from a vCPU thread) */
bool machine_cont(Machine *m, Error **errp);      /* false: state needs a reset first */
void machine_reset(Machine *m, ShutdownCause cause); /* now; the vCPUs are stopped meanwhile */
void machine_free(Machine *m);

const MachineConfig *machine_config(Machine *m);
const BoardType *machine_board(Machine *m);
Device *machine_board_device(Machine *m);
const TargetOps *machine_target(Machine *m);
const AccelOps *machine_accel(Machine *m);
/*
 * Open a in the machine beside the one that it runs under, as its helper (AccelOps.step). Any thread; once it is open,
 * nothing more happens.
 */
bool machine_join_accel(Machine *m, const AccelOps *a, Error **errp);
/* The machine can move to that accelerator, which is open from now on; or the reason why it cannot. Before it runs. */
bool machine_prepare_accel(Machine *m, const char *name, Error **errp);
/*
 * The machine goes on under another accelerator, from the state that it has. Main loop, not locked; it may run. On
 * failure all stays as it was.
 */
bool machine_switch_accel(Machine *m, const char *name, Error **errp);
void **machine_accel_priv(Machine *m, AccelSlot slot); /* an accelerator's per-machine pointer */
AddressSpace *machine_memory(Machine *m);
MemoryRegion *machine_memory_root(Machine *m);
AddressSpace *machine_ports(Machine *m);     /* 64 KiB port space; always exists */
MemoryRegion *machine_ports_root(Machine *m);
GMainContext *machine_loop(Machine *m);

RunState machine_run_state(Machine *m);
/*
 * Asynchronous requests, from any thread; carried out on the main loop. A vCPU that makes one
 * (other than powerdown) finishes its instruction and waits for it.
 */
void machine_request_shutdown(Machine *m, ShutdownCause cause);
void machine_request_reset(Machine *m, ShutdownCause cause);
void machine_request_stop(Machine *m, RunState why);
void machine_request_powerdown(Machine *m);
/*
 * Sleep with memory kept (ACPI S3): the vCPUs stand still, time goes on. Waking is a reset of
 * devices and processors during which machine_waking() is true; ignored unless suspended.
 */
void machine_request_suspend(Machine *m);
void machine_request_wakeup(Machine *m);
/* A watchdog device's time is up: does what -action watchdog= says, with the event. */
void machine_watchdog_fired(Machine *m);
/* The guest's kernel panicked: does what -action panic= says, with the event. info: a JSON object of its, what it told; or NULL. */
void machine_guest_panicked(Machine *m, const char *info);
/* It panicked, but a crash kernel takes over: an event. */
void machine_guest_crashloaded(Machine *m);
/* In BoardType.reset: memory is to be left as it is. */
bool machine_waking(Machine *m);
/* End with this process exit status (isa-debug-exit); implies shutdown. */
void machine_request_exit(Machine *m, int status);
/* Has it ended, and how: main's loop condition. */
bool machine_ended(Machine *m, int *status);
/* Observers (QMP events): called on the main loop. */
typedef void RunStateFn(void *opaque, Machine *m, RunState now, bool running);
void machine_add_run_state_notifier(Machine *m, RunStateFn *fn, void *opaque);
void machine_remove_run_state_notifier(Machine *m, RunStateFn *fn, void *opaque);
/* At the end of each reset, all devices, processors and the board done, machine locked. */
typedef void ResetFn(void *opaque, Machine *m);
void machine_add_reset_notifier(Machine *m, ResetFn *fn, void *opaque);
void machine_remove_reset_notifier(Machine *m, ResetFn *fn, void *opaque);
typedef void EventFn(void *opaque, Machine *m, const char *qmp_event, const char *json_data);
void machine_add_event_listener(Machine *m, EventFn *fn, void *opaque);
void machine_remove_event_listener(Machine *m, EventFn *fn, void *opaque);
void machine_emit_event(Machine *m, const char *qmp_event, const char *json_data);

/* PROP_CHARDEV by id: main/ tells how to find a -chardev (core knows none). */
typedef CharPort *CharLookupFn(void *opaque, const char *id, Error **errp);
void machine_set_char_lookup(Machine *m, CharLookupFn *fn, void *opaque);
/* PROP_DRIVE by name, the same way; release when the device is freed. */
typedef BlockPort *DriveLookupFn(void *opaque, const char *name, Error **errp);
void machine_set_drive_lookup(Machine *m, DriveLookupFn *fn, void *opaque);
/* A drive or node that the board itself was given the name of. */
BlockPort *machine_find_drive(Machine *m, const char *name, Error **errp);
/*
 * Called by machine_stop() and at the end, all vCPUs parked, machine not locked: finish what is in
 * flight towards the host (main/: the disks).
 */
typedef void QuiesceFn(void *opaque);
void machine_set_quiesce(Machine *m, QuiesceFn *fn, void *opaque);
/*
 * The one device that gives guest memory back to the host, for the balloon commands. NULL: none.
 * All with the machine locked.
 */
typedef struct BalloonOps {
    uint64_t (*actual)(void *opaque);              /* bytes that the guest has now */
    void (*target)(void *opaque, uint64_t bytes);  /* asks the guest */
    void (*info)(void *opaque, GString *out);      /* what else the guest told */
} BalloonOps;
bool machine_set_balloon(Machine *m, const BalloonOps *ops, void *opaque); /* false: there is one */
const BalloonOps *machine_balloon(Machine *m, void **opaque);
/* The monitor's gdbserver: main/ opens character devices and stubs. device "none": no stub any more. */
typedef bool GdbServerFn(void *opaque, const char *device, Error **errp);
void machine_set_gdb_server(Machine *m, GdbServerFn *fn, void *opaque);
bool machine_gdb_server(Machine *m, const char *device, Error **errp);
/* Where -s and gdbserver listen: on this host alone, as whoever connects owns the machine. */
#define GDB_SERVER_DEFAULT "tcp:127.0.0.1:1234"
/* The drive of that place, or NULL. */
MachineDrive *machine_drive(Machine *m, MachineDriveKind kind, int bus, int unit);

/*
 * The machine's shared lock domain: recursive-free mutex, held around device
 * callbacks. Taken by the memory core for MMIO/PIO; by timers and fd callbacks.
 * machine_stop/reset/free and cpu_run_on() wait for vCPUs: never call them with the lock held.
 */
void machine_lock(Machine *m);
void machine_unlock(Machine *m);
bool machine_locked(Machine *m); /* by this thread */
/*
 * Stores of vCPUs that the accelerator holds back (IoOps.late) reach their devices: before an access to a device that no
 * vCPU makes, such as the monitor's. Any thread, not locked.
 */
void machine_settle_stores(Machine *m);

#endif
