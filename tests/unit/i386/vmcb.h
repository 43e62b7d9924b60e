/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host of SVM with a guest ready to run, for tests: both in 64-bit mode on the ready-made world.
 */
#ifndef TESTS_UNIT_I386_VMCB_H
#define TESTS_UNIT_I386_VMCB_H

#include "target/i386/svm.h"
#include "tests/unit/i386/fake.h"

#define HSAVE 0x70000u
#define VMCB 0x80000u
#define IOPM 0x84000u
#define MSRPM 0x88000u
#define GUEST_RIP 0x30000u
#define HOST_NEXT 0x10003u
/* Nested tables: identity; the first 2 MiB in 4 KiB pages, whose entries are at NPT. */
#define NPML4 0x180000u
#define NPT 0x183000u

/* SVM is on, VMCB holds the host's own state with rIP GUEST_RIP, IF set, and no intercept but VMRUN's. */
void vmcb_host(Fake *f);
/* Turn nested paging on in the VMCB, by tables made anew. */
void vmcb_nested(Fake *f);
void vmcb_seg(Fake *f, unsigned field, const X86Seg *seg);
/* VMRUN; what it ends in, with an injected event delivered. */
Outcome vmcb_run(Fake *f);
static inline void vmcb_intercept(Fake *f, unsigned code)
{
    f->ram[VMCB + code / 8] |= 1 << (code & 7);
}

#define assert_exit(f, code, info1, info2)                                                         \
    do {                                                                                           \
        g_assert_false((f)->env.s.svm_guest);                                                      \
        g_assert_cmphex(peek64(f, VMCB + VMCB_EXITCODE), ==, (uint64_t)(code));                    \
        g_assert_cmphex(peek64(f, VMCB + VMCB_EXITINFO1), ==, (uint64_t)(info1));                  \
        g_assert_cmphex(peek64(f, VMCB + VMCB_EXITINFO2), ==, (uint64_t)(info2));                  \
    } while (0)
/* No exit yet: still in the guest. */
#define assert_inside(f) g_assert_true((f)->env.s.svm_guest)

#endif
