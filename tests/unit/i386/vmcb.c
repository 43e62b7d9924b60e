/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/i386/vmcb.h"

void vmcb_seg(Fake *f, unsigned field, const X86Seg *seg)
{
    Vmcb v = vmcb_open(&f->env, VMCB, true);

    svm_save_seg(&v, field, seg);
}

void vmcb_host(Fake *f)
{
    X86State *s = &f->env.s;

    fake_long(f);
    s->efer |= EFER_SVME;
    s->vm_hsave = HSAVE;
    s->rip = 0x10000;
    s->gpr[R_AX] = VMCB;
    vmcb_seg(f, VMCB_ES, &s->seg[S_ES]);
    vmcb_seg(f, VMCB_CS, &s->seg[S_CS]);
    vmcb_seg(f, VMCB_SS, &s->seg[S_SS]);
    vmcb_seg(f, VMCB_DS, &s->seg[S_DS]);
    poke32(f, VMCB + VMCB_GDTR + 4, s->gdt_limit);
    poke64(f, VMCB + VMCB_GDTR + 8, s->gdt_base);
    poke32(f, VMCB + VMCB_IDTR + 4, s->idt_limit);
    poke64(f, VMCB + VMCB_IDTR + 8, s->idt_base);
    poke64(f, VMCB + VMCB_EFER, s->efer);
    poke64(f, VMCB + VMCB_CR0, s->cr0);
    poke64(f, VMCB + VMCB_CR3, s->cr3);
    poke64(f, VMCB + VMCB_CR4, s->cr4);
    poke64(f, VMCB + VMCB_DR6, DR6_RESET);
    poke64(f, VMCB + VMCB_DR7, DR7_RESET);
    poke64(f, VMCB + VMCB_RFLAGS, FLAG_IF | 2);
    poke64(f, VMCB + VMCB_RIP, GUEST_RIP);
    poke64(f, VMCB + VMCB_RSP, 0x7800);
    poke64(f, VMCB + VMCB_RAX, 0x1234);
    poke64(f, VMCB + VMCB_G_PAT, 0x0007040600070406);
    poke32(f, VMCB + VMCB_ASID, 1);
    poke64(f, VMCB + VMCB_IOPM, IOPM);
    poke64(f, VMCB + VMCB_MSRPM, MSRPM);
    vmcb_intercept(f, SVM_EXIT_VMRUN);
}

void vmcb_nested(Fake *f)
{
    poke64(f, NPML4, (NPML4 + 0x1000) | 7);
    poke64(f, NPML4 + 0x1000, (NPML4 + 0x2000) | 7);
    poke64(f, NPML4 + 0x2000, NPT | 7);
    poke64(f, NPML4 + 0x2008, 0x200000 | 0x87);
    for (unsigned i = 0; i < 512; i++) {
        poke64(f, NPT + i * 8, i << 12 | 7);
    }
    poke64(f, VMCB + VMCB_NESTED_CTL, NESTED_NP);
    poke64(f, VMCB + VMCB_NCR3, NPML4);
}

Outcome vmcb_run(Fake *f)
{
    return fake_run(f, helper_vmrun, W64, HOST_NEXT, 0);
}
