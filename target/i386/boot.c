/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entry state of directly loaded kernels (boot.h).
 */
#include "target/i386/boot.h"
#include "target/i386/state.h"
#include "target/i386/system.h"

static X86Seg flat(uint16_t sel, unsigned type, unsigned size_bits)
{
    return (X86Seg){
        .sel = sel,
        .attr = SEG_G | SEG_P | SEG_S | type | size_bits,
        .limit = 0xffffffff,
    };
}

void x86_cpu_set_boot_state(Cpu *cpu, const X86BootState *b)
{
    X86State *s = cpu->state;

    g_assert(b->long_mode != b->protected32);
    cpu->target->reset(cpu);
    s->cr0 = CR0_PE | CR0_ET;
    if (b->long_mode) {
        s->cr0 |= CR0_PG;
        s->cr3 = b->cr3;
        s->cr4 = CR4_PAE;
        s->efer = EFER_LME | EFER_LMA;
    }
    s->seg[S_CS] = flat(b->cs_sel, 0xb, b->long_mode ? SEG_L : SEG_DB);
    for (int i = 0; i < S_COUNT; i++) {
        if (i != S_CS) {
            s->seg[i] = flat(b->ds_sel, 3, SEG_DB);
        }
    }
    s->gdt_base = b->gdt_base;
    s->gdt_limit = b->gdt_limit;
    s->rip = b->rip;
    s->gpr[R_SI] = b->rsi;
    s->gpr[R_BX] = b->rbx;
    s->gpr[R_AX] = b->rax;
    s->gpr[R_SP] = b->rsp;
    s->wait_sipi = 0;
    cpu->power_off = false;
    cpu_state_changed(cpu);
}

void x86_cpu_identity(Cpu *cpu, uint32_t *eax, uint32_t *edx)
{
    X86CpuidLive live = {.apic_enabled = true};
    uint32_t out[4];

    x86_cpuid(&x86_cpu(cpu)->config, &live, 1, 0, out);
    *eax = out[CPUID_EAX];
    *edx = out[CPUID_EDX];
}
