/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the host's processor is.
 */
#include "base/os/hostcpu.h"

#if defined(__x86_64__)
#include <cpuid.h>

bool os_host_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    return __get_cpuid_count(leaf, subleaf, &out[0], &out[1], &out[2], &out[3]);
}
#else
bool os_host_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    return false;
}
#endif
