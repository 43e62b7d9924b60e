/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the host's processor is.
 */
#ifndef BASE_OS_HOSTCPU_H
#define BASE_OS_HOSTCPU_H

#include <stdbool.h>
#include <stdint.h>

/* CPUID on an x86 host: eax, ebx, ecx, edx. False: no such leaf, or another architecture. */
bool os_host_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4]);
/* State components that the host's system has enabled (XCR0); 0: none, or another architecture. */
uint64_t os_host_xcr0(void);

#endif
