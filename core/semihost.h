/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's side of semihosting: what a guest may ask of the host's files, clock and console by special instructions
 * (Arm's specification, version 2.0; RISC-V's is the same). Targets bring the arguments; there is one for a machine, and
 * none unless the user asked for it, since it gives the guest the user's files.
 *
 * home: any vCPU thread; the console's input comes on the main loop. Errors are the host's errno.
 */
#ifndef CORE_SEMIHOST_H
#define CORE_SEMIHOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Machine Machine;

/* MachineConfig.semihost; NULL there: off. */
typedef struct SemihostConfig {
    bool userspace;         /* from the least privileged level, too */
    /* The console; write == NULL: output to stderr, no input. Any thread. */
    void (*write)(void *opaque, const void *buf, size_t len);
    void (*taken)(void *opaque); /* there is room for input again */
    void *opaque;
    const char *cmdline;    /* what SYS_GET_CMDLINE tells */
} SemihostConfig;

typedef struct Semihost Semihost;
Semihost *semihost_new(const SemihostConfig *cfg);
void semihost_free(Semihost *s);
Semihost *machine_semihost(Machine *m); /* NULL: off */

bool semihost_userspace(const Semihost *s);
const char *semihost_cmdline(const Semihost *s);
int64_t semihost_elapsed_ns(const Semihost *s); /* since the machine was made */

/* Host's answers: not negative, or -errno. */
/* mode: 0 to 11, as fopen()'s "r", "rb", "r+", "r+b", "w" ...; a handle, at least 1. ":tt" is the console. */
int64_t semihost_open(Semihost *s, const char *name, unsigned mode);
int64_t semihost_close(Semihost *s, int64_t handle);
int64_t semihost_write(Semihost *s, int64_t handle, const void *buf, size_t len);
/* -EAGAIN: the console has nothing yet. */
int64_t semihost_read(Semihost *s, int64_t handle, void *buf, size_t len);
int64_t semihost_is_tty(Semihost *s, int64_t handle);
int64_t semihost_seek(Semihost *s, int64_t handle, uint64_t position);
int64_t semihost_length(Semihost *s, int64_t handle);
void semihost_console_write(Semihost *s, const void *buf, size_t len);
/* The console's input, on the main loop: how much it takes now, and some that is not more. */
size_t semihost_input_room(Semihost *s);
void semihost_input(Semihost *s, const uint8_t *buf, size_t len);
int64_t semihost_console_read(Semihost *s, uint8_t *byte); /* 1, 0: none will come, -EAGAIN */

#endif
