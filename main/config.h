/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The command line as a plain struct: what was asked, before anything is made of it.
 *
 * home: main(); strings belong to the Config.
 */
#ifndef MAIN_CONFIG_H
#define MAIN_CONFIG_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "core/machine.h"

typedef struct MonitorSpec {
    const char *where; /* as -serial; NULL: chardev is an id */
    const char *chardev;
    bool control; /* QMP */
    bool pretty;
} MonitorSpec;

typedef struct ConfigDrive {
    char *option; /* as written, for messages */
    json_t *opts;
} ConfigDrive;

typedef struct Config {
    const char *program; /* last part of argv[0] */
    const char *arch;    /* "x86_64" */
    bool qemu_defaults;  /* called as rhea-system-*: exactly QEMU's defaults */
    bool explain;

    const char *board;   /* name; NULL: default */
    GString *board_opts; /* ",prop=value..." */
    GPtrArray *accels;   /* "tcg,thread=multi", tried in order */
    char *other_accel;   /* x-accel= of the one that is used */
    const char *cpu;
    uint64_t ram;                                         /* bytes; 0: default */
    int64_t cpus, maxcpus, sockets, dies, cores, threads; /* 0: not given */
    const char *name;
    const char *process_name;

    const char *kernel, *initrd, *append, *bios;
    GPtrArray *firmware_dirs;
    GArray *fw_cfg; /* FwCfgFile */
    bool semihosting, semihosting_userspace;
    const char *semihosting_chardev; /* id */
    GString *semihosting_args;       /* joined by blanks; NULL: none given */
    GPtrArray *devices; /* json_t objects with "driver" */
    GPtrArray *objects; /* json_t objects with "qom-type" */
    GPtrArray *numa_opts;       /* json_t objects with "type" */
    NumaConfig *numa;           /* what config_check_numa() made of them; NULL: none */
    const char *memory_backend; /* -machine memory-backend= */
    char *kernel_irqchip;       /* -machine kernel-irqchip= */
    const char *mem_path;       /* -mem-path */
    bool mem_prealloc, mem_lock, cpu_pm;
    GPtrArray *globals; /* "driver.property=value" */
    const char *rtc_base;
    RtcSource rtc_clock;
    const char *boot_order, *boot_once, *boot_splash;
    bool boot_menu, boot_strict;
    int64_t boot_splash_time, boot_reboot_timeout; /* -1: not given */
    const char *uuid;  /* text, checked */
    GPtrArray *smbios; /* json_t objects */
    WatchdogAction watchdog;
    PanicAction panic;

    GPtrArray *drives;    /* ConfigDrive: -drive and its short forms */
    GPtrArray *blockdevs; /* json_t objects */
    bool flash;           /* one of the drives is flash, or the board was given a node for it */
    bool snapshot;        /* -snapshot: nothing is written to the images */
    bool default_cdrom, default_floppy;
    bool default_vga, default_nic;

    bool nographic, display_none, nodefaults;
    GPtrArray *serials; /* strings */
    const char *debugcon;
    GPtrArray *chardevs; /* strings */
    GPtrArray *monitors; /* MonitorSpec */
    bool default_serial, default_monitor, default_parallel;
    uint8_t escape; /* 0x01: Ctrl-A */

    bool paused, no_reboot, no_shutdown;
    const char *gdb; /* -gdb; NULL: not given */
    const char *pidfile;

    const char *log_items, *log_file;
    GPtrArray *traces;      /* patterns */
    GPtrArray *trace_files; /* files of patterns */
    bool msg_timestamp;

    /* "-machine help" and the like: print this and end. "" as argument: the list. */
    const char *help_topic, *help_arg;

    GPtrArray *keep; /* json_t that the strings above live in */
} Config;

/* main/options.c: argv to @c, without any effect on the host. */
bool config_parse(Config *c, int argc, char **argv, Error **errp);
void config_init(Config *c, const char *argv0);
void config_fini(Config *c);

/* main/check.c: is what was asked possible; fills in defaults. Opens files for reading only. */
bool config_check(Config *c, Error **errp);
/* main/numa.c: -numa, after the topology is known. */
bool config_check_numa(Config *c, Error **errp);
/* -mem-path and -mem-prealloc become backends, once the nodes are known. */
bool config_check_memory(Config *c, Error **errp);
/* The firmware directories in search order, as a colon-separated list; g_free. */
char *config_firmware_path(const Config *c);

/* main/lists.c: prints what help_topic asks for. */
bool config_print_help(const Config *c, Error **errp);

/* main/explain.c: prints the decisions that the command line left open. */
void config_explain(const Config *c);

#endif
