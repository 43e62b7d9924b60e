/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a PC board needs of the x86 processor beyond the neutral Cpu: the state
 * in which a boot protocol enters its kernel, and the time scale of the TSC.
 * Implemented by target/i386, called by hw/machine.
 */
#ifndef TARGET_I386_BOOT_H
#define TARGET_I386_BOOT_H

#include "core/cpu.h"
#include "core/machine.h"

/*
 * The APIC id of processor index (from 0) in the topology of cfg: thread, core, die and package in
 * fields as wide as their number needs, as SDM vol 3, 9.9 has it and QEMU computes it.
 */
uint32_t x86_apic_id(const MachineConfig *cfg, int index);

/*
 * The hand-over of a directly loaded kernel. Everything that is not named here
 * has its power-on value; IF is clear, RFLAGS = 2.
 *
 * protected32: CR0.PE, no paging; flat 4 GiB code (32-bit) and data segments.
 * long_mode: CR0.PE|PG, CR4.PAE, EFER.LME|LMA, CR3 as given; 64-bit code
 * segment. Exactly one of the two is set.
 *
 * The segment caches are filled as the descriptors of such segments would fill
 * them (base 0, limit 0xffffffff, present, DPL 0, accessed; CS execute/read,
 * the others read/write); GDTR points at the guest copy that the loader wrote.
 */
typedef struct X86BootState {
    bool long_mode;
    bool protected32;
    uint64_t rip, rsi, rbx, rax, rsp, cr3;
    uint64_t gdt_base;
    uint16_t gdt_limit;
    uint16_t cs_sel;  /* CS */
    uint16_t ds_sel;  /* DS, ES, SS, FS, GS */
} X86BootState;

/* While the vCPU is parked (board reset, before it runs). Also clears cpu->power_off. */
void x86_cpu_set_boot_state(Cpu *cpu, const X86BootState *s);

/* CLOCK_VIRTUAL time at which this CPU's time stamp counter reads tsc; any time in the past if it
 * already did. On the vCPU's thread or while it is parked. */
int64_t x86_cpu_tsc_to_ns(Cpu *cpu, uint64_t tsc);

/* EAX and EDX of CPUID leaf 1: what SMBIOS says of the processor. */
void x86_cpu_identity(Cpu *cpu, uint32_t *eax, uint32_t *edx);

#endif
