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

uint64_t os_host_xcr0(void)
{
    uint32_t out[4], lo, hi;

    if (!os_host_cpuid(1, 0, out) || !(out[2] & bit_OSXSAVE)) {
        return 0;
    }
    __asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}
#else
bool os_host_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    return false;
}

uint64_t os_host_xcr0(void)
{
    return 0;
}
#endif
