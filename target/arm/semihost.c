/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Semihosting (Arm's specification, version 2.0): not offered, so its instruction is an UNDEFINED one.
 *
 * Thread: the vCPU's own.
 */
#include "target/arm/system.h"

uint64_t helper_semihost(void *opaque, uint64_t next, uint64_t b, uint64_t c)
{
    arm_raise_undef(opaque);
}
