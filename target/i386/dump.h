/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers as text.
 */
#ifndef TARGET_I386_DUMP_H
#define TARGET_I386_DUMP_H

#include "core/cpu.h"

/* TargetOps.dump: `info registers` in QEMU's layout. */
void x86_dump(Cpu *cpu, GString *out);

#endif
