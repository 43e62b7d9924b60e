/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A machine with its host side, made of a checked Config.
 *
 * home: main thread.
 */
#ifndef MAIN_EMULATOR_H
#define MAIN_EMULATOR_H

#include "main/config.h"

typedef struct Emulator Emulator;

/* Asks the board whether it could be built; nothing on the host changes. */
bool emulator_check(const Config *c, Error **errp);
/* Opens the disks, which leaves no trace; most mistakes are found here. NULL with an error. */
Emulator *emulator_new(const Config *c, Error **errp);
/* Opens character devices, builds the machine and its monitors. */
bool emulator_build(Emulator *e, Error **errp);
/* Runs it to its end; the exit status of the process. */
int emulator_run(Emulator *e);
void emulator_free(Emulator *e);

#endif
