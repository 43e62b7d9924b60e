/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -semihosting: the machine's configuration of it, and its console on a character device.
 *
 * home: main loop.
 */
#ifndef MAIN_SEMIHOSTING_H
#define MAIN_SEMIHOSTING_H

#include "chardev/char.h"
#include "main/config.h"

typedef struct Semihosting Semihosting;
/* Fills in mc->semihost; port: the console, or NULL. NULL: it is off. */
Semihosting *semihosting_new(const Config *c, CharPort *port, MachineConfig *mc);
/* The machine is built: the console's input goes to it. */
void semihosting_connect(Semihosting *s, Machine *m);
/* Before the machine is freed, the first; after it, the second. NULL is fine. */
void semihosting_disconnect(Semihosting *s);
void semihosting_free(Semihosting *s);

#endif
