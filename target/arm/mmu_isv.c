/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a data abort tells of the instruction (Arm ARM D17.2.37 "ISS encoding for an exception from a Data Abort"). Of
 * stage 2 to EL2, so that a hypervisor can do the access in its place: size, register, sign extension (ISV = 1), only for
 * loads and stores of one general-purpose register without write-back. Of atomic instructions, which both read and write:
 * WnR is 0 when a read would have failed, too.
 */
#include "target/arm/mmu.h"

#define ISV BIT32(24)
#define WNR BIT32(6)
#define ISS_STAGE1_WALK BIT32(7)

typedef struct Access {
    unsigned size, rt;
    bool sign, sf, ordered, valid;
} Access;

/* size, opc of the "load/store register" classes (C4.1.94). */
static Access by_opc(unsigned size, unsigned opc, unsigned rt)
{
    Access a = {.size = size, .rt = rt, .valid = true};

    a.sign = opc & 2;
    a.sf = opc < 2 ? size == 3 : opc == 2;
    a.valid = !(size == 3 && opc >= 2) && !(size == 2 && opc == 3); /* a prefetch; not allocated */
    return a;
}

static Access decode_a64(uint32_t insn)
{
    unsigned size = insn >> 30, opc = insn >> 22 & 3, rt = insn & 31, low = insn >> 10 & 3;
    Access none = {0}, a;

    if ((insn & 0x3f000000) == 0x39000000) { /* unsigned immediate */
        return by_opc(size, opc, rt);
    }
    if ((insn & 0x3f200000) == 0x38000000) { /* unscaled, unprivileged; the others write back */
        return low == 0 || low == 2 ? by_opc(size, opc, rt) : none;
    }
    if ((insn & 0x3f200c00) == 0x38200800) { /* register offset */
        return by_opc(size, opc, rt);
    }
    if ((insn & 0x3ffffc00) == 0x38bfc000) { /* LDAPR */
        a = by_opc(size, 1, rt);
        a.ordered = true;
        return a;
    }
    if ((insn & 0x3f200c00) == 0x19000000) { /* LDAPUR, STLUR */
        a = by_opc(size, opc, rt);
        a.ordered = true;
        return a;
    }
    if ((insn & 0x3fa00000) == 0x08800000) { /* LDAR, STLR; LDLAR, STLLR */
        a = by_opc(size, insn >> 22 & 1, rt);
        a.ordered = insn >> 15 & 1;
        return a;
    }
    if ((insn & 0x3f000000) == 0x18000000) { /* literal */
        return size == 3 ? none : size == 2 ? by_opc(2, 2, rt) : by_opc(2 + size, 1, rt);
    }
    return none;
}

/* The instruction at pc; false: it can not be fetched (any more). */
static bool fetch(ArmEnv *env, uint32_t *insn)
{
    MmuResult res;
    ArmWalk w;

    arm_walk_init(&w, env, env->s.pc, MMU_EXEC, arm_mode_mmu(env->mode));
    w.update = false;
    if ((env->s.pc & 3) || !arm_walk(&w, &res)) {
        return false;
    }
    *insn = (uint32_t)tcg_phys_load(env, res.paddr | (env->s.pc & 0xfff), 4);
    return true;
}

/* LDADD and its kind, SWP; CAS; CASP (C4.1.94). */
static bool reads_and_writes(uint32_t insn)
{
    return (insn & 0x3f200c00) == 0x38200000 || (insn & 0x3fa07c00) == 0x08a07c00 || (insn & 0xbfa07c00) == 0x08207c00;
}

static void describe_atomic(ArmEnv *env, ArmFault *f)
{
    ArmWalk w;
    MmuResult res;
    uint32_t insn;

    if (!(f->esr & WNR) || (f->esr & 0x3f) >= FSC_EXTERNAL || arm_is_a32(env) || !fetch(env, &insn) ||
        !reads_and_writes(insn)) {
        return;
    }
    arm_walk_init(&w, env, f->far, MMU_READ, arm_mode_mmu(env->mode));
    w.update = false;
    if (!arm_walk(&w, &res)) {
        f->esr &= ~(uint64_t)WNR;
    }
}

void arm_fault_describe(ArmEnv *env)
{
    ArmFault *f = &env->fault;
    uint32_t insn;

    if (f->kind == ARM_FAULT_DATA) {
        describe_atomic(env, f);
    }
    if (f->kind != ARM_FAULT_DATA || f->target_el != 2 || arm_el(env) >= 2 || arm_is_a32(env) ||
        (f->esr & (ISV | ISS_STAGE1_WALK)) || !f->is_stage2 || !fetch(env, &insn)) {
        return;
    }
    Access a = decode_a64(insn);
    if (a.valid) {
        f->esr |= ISV | a.size << 22 | (uint32_t)a.sign << 21 | a.rt << 16 | (uint32_t)a.sf << 15 |
                  (uint32_t)a.ordered << 14;
    }
}
