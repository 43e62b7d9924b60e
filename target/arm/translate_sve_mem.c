/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SVE: loads, stores, gathers, scatters. All by helper_sve_mem(), told by SveMem.
 */
#include "target/arm/translate_sve.h"

static SveMem mem_desc(ArmTr *s, unsigned t, unsigned g, unsigned esz, unsigned msz, unsigned regs, bool write)
{
    SveMem x = {.word = 0};
    x.t = t & 31;
    x.g = g & 15;
    x.esz = esz & 7;
    x.msz = msz & 7;
    x.regs = regs & 7;
    x.write = write;
    x.be = (s->mode & MODE_BE) != 0;
    x.align = (s->mode & MODE_ALIGN) != 0;
    x.len = sve_vl(s) & 0x1ff;
    x.mmu = (unsigned)s->mmu & 15;
    x.tags = (s->mode & MODE_MTE) != 0;
    return x;
}

/* Base plus an immediate number of bytes, or plus a register shifted. */
static IrVal base_imm(ArmTr *s, unsigned rn, int64_t imm)
{
    IrVal v = tr_temp(s);
    ir_lea(s->b, W64, v, a64_base(s, rn), IR_NONE, 0, imm);
    return v;
}
static IrVal base_reg(ArmTr *s, unsigned rn, unsigned rm, unsigned shift)
{
    IrVal v = tr_temp(s);
    ir_lea(s->b, W64, v, a64_base(s, rn), tr_x(s, rm), (int)shift, 0);
    return v;
}

/* Forms with SP and an immediate are not tag checked. */
static SveMem at_imm(SveMem x, unsigned rn)
{
    x.tags = x.tags && rn != 31;
    return x;
}

static void access_mem(ArmTr *s, IrVal addr, SveMem x, IrVal scalar)
{
    tr_call_void(s, HELPER_sve_mem, addr, tr_const(s, (int64_t)x.word), scalar);
}

/* dtype: sizes in memory and register; false: none such. Signed ones are written downwards. */
static SveMem dtype_desc(ArmTr *s, unsigned dtype, unsigned t, unsigned g, int kind)
{
    static const uint8_t msz[16] = {0, 0, 0, 0, 2, 1, 1, 1, 1, 1, 2, 2, 0, 0, 0, 3};
    static const uint8_t esz[16] = {0, 1, 2, 3, 3, 1, 2, 3, 3, 2, 2, 3, 3, 2, 1, 3};
    SveMem x = mem_desc(s, t, g, esz[dtype], msz[dtype], 1, false);
    x.is_signed = dtype == 4 || dtype == 8 || dtype == 9 || (dtype >= 12 && dtype <= 14);
    x.ff = (kind & SVE_MEM_FF) != 0;
    x.nf = (kind & SVE_MEM_NF) != 0;
    return x;
}

/* ---- whole registers ---- */

static void whole(ArmTr *s, unsigned rn, unsigned imm9, unsigned bytes, unsigned what)
{
    if (tr_sve_access(s)) {
        IrVal addr = base_imm(s, rn, a64_signed(imm9, 9) * bytes);
        if (rn != 31) {
            tr_check_tags(s, addr, bytes, what & 0x100, s->mmu);
        }
        tr_call_void(s, HELPER_sve_whole, addr, tr_const(s, what), tr_const(s, s->mmu));
    }
}

void trans_a64_sve_ldr(ArmTr *s, const a64_sve_ldr *a)
{
    whole(s, a->rn, a->imm, sve_vl(s), a->zt);
}
void trans_a64_sve_str(ArmTr *s, const a64_sve_str *a)
{
    whole(s, a->rn, a->imm, sve_vl(s), a->zt | 0x100);
}
void trans_a64_sve_ldr_p(ArmTr *s, const a64_sve_ldr_p *a)
{
    whole(s, a->rn, a->imm, sve_vl(s) / 8, a->pt | 0x200);
}
void trans_a64_sve_str_p(ArmTr *s, const a64_sve_str_p *a)
{
    whole(s, a->rn, a->imm, sve_vl(s) / 8, a->pt | 0x300);
}

/* ---- contiguous ---- */

static unsigned mem_bytes(SveMem x)
{
    return x.len >> (x.esz - x.msz);
}

void trans_a64_sve_ld1_i(ArmTr *s, const a64_sve_ld1_i *a)
{
    if (tr_sve_access(s)) {
        SveMem x = dtype_desc(s, a->dtype, a->zt, a->pg, a->arg);
        access_mem(s, base_imm(s, a->rn, a64_signed(a->imm4, 4) * mem_bytes(x)), at_imm(x, a->rn), IR_NONE);
    }
}

void trans_a64_sve_ld1_r(ArmTr *s, const a64_sve_ld1_r *a)
{
    if (tr_sve_access(s)) {
        SveMem x = dtype_desc(s, a->dtype, a->zt, a->pg, a->arg);
        access_mem(s, base_reg(s, a->rn, a->rm, x.msz), x, IR_NONE);
    }
}

/* One element, only if a lane is active: as a load of offsets that are all zero would be; the helper reads it once. */
void trans_a64_sve_ld1r(ArmTr *s, const a64_sve_ld1r *a)
{
    if (tr_sve_access(s)) {
        SveMem x = dtype_desc(s, a->dtype, a->zt, a->pg, 0);
        x.regs = 0;
        access_mem(s, base_imm(s, a->rn, (int64_t)a->imm6 << x.msz), at_imm(x, a->rn), IR_NONE);
    }
}

void trans_a64_sve_ldn_i(ArmTr *s, const a64_sve_ldn_i *a)
{
    if (tr_sve_access(s)) {
        SveMem x = mem_desc(s, a->zt, a->pg, a->msz, a->msz, a->num + 1, false);
        access_mem(s, base_imm(s, a->rn, a64_signed(a->imm4, 4) * x.len * x.regs), at_imm(x, a->rn), IR_NONE);
    }
}

void trans_a64_sve_ldn_r(ArmTr *s, const a64_sve_ldn_r *a)
{
    if (tr_sve_access(s)) {
        SveMem x = mem_desc(s, a->zt, a->pg, a->msz, a->msz, a->num + 1, false);
        access_mem(s, base_reg(s, a->rn, a->rm, a->msz), x, IR_NONE);
    }
}

static void replicate(ArmTr *s, IrVal addr, bool on_sp, unsigned msz, unsigned zt, unsigned g, unsigned bytes)
{
    SveMem x = mem_desc(s, zt, g, msz, msz, 1, false);
    x.tags = x.tags && !on_sp;
    tr_call_void(s, HELPER_sve_ld1rq, addr, tr_const(s, (int64_t)x.word), tr_const(s, bytes));
}

void trans_a64_sve_ld1rq_i(ArmTr *s, const a64_sve_ld1rq_i *a)
{
    if (sve_vl(s) < (unsigned)a->arg) {
        tr_undef(s);
    } else if (tr_sve_access(s)) {
        replicate(s, base_imm(s, a->rn, a64_signed(a->imm4, 4) * a->arg), a->rn == 31, a->msz, a->zt, a->pg, (unsigned)a->arg);
    }
}

void trans_a64_sve_ld1rq_r(ArmTr *s, const a64_sve_ld1rq_r *a)
{
    if (sve_vl(s) < (unsigned)a->arg) {
        tr_undef(s);
    } else if (tr_sve_access(s)) {
        replicate(s, base_reg(s, a->rn, a->rm, a->msz), false, a->msz, a->zt, a->pg, (unsigned)a->arg);
    }
}

void trans_a64_sve_st1_i(ArmTr *s, const a64_sve_st1_i *a)
{
    if (a->size < a->msz) {
        tr_undef(s);
    } else if (tr_sve_access(s)) {
        SveMem x = mem_desc(s, a->zt, a->pg, a->size, a->msz, 1, true);
        access_mem(s, base_imm(s, a->rn, a64_signed(a->imm4, 4) * mem_bytes(x)), at_imm(x, a->rn), IR_NONE);
    }
}

void trans_a64_sve_st1_r(ArmTr *s, const a64_sve_st1_r *a)
{
    if (a->size < a->msz) {
        tr_undef(s);
    } else if (tr_sve_access(s)) {
        access_mem(s, base_reg(s, a->rn, a->rm, a->msz), mem_desc(s, a->zt, a->pg, a->size, a->msz, 1, true), IR_NONE);
    }
}

void trans_a64_sve_stn_i(ArmTr *s, const a64_sve_stn_i *a)
{
    if (tr_sve_access(s)) {
        SveMem x = mem_desc(s, a->zt, a->pg, a->msz, a->msz, a->num + 1, true);
        access_mem(s, base_imm(s, a->rn, a64_signed(a->imm4, 4) * x.len * x.regs), at_imm(x, a->rn), IR_NONE);
    }
}

void trans_a64_sve_stn_r(ArmTr *s, const a64_sve_stn_r *a)
{
    if (tr_sve_access(s)) {
        SveMem x = mem_desc(s, a->zt, a->pg, a->msz, a->msz, a->num + 1, true);
        access_mem(s, base_reg(s, a->rn, a->rm, a->msz), x, IR_NONE);
    }
}

/* ---- gather, scatter ---- */

/* Scalar plus vector: arg: lane's size | SVE_MEM_SCALED | SVE_MEM_64. */
static SveMem offsets(SveMem x, int arg, unsigned zm, unsigned xs)
{
    x.vector = 1;
    x.z = zm & 31;
    x.bits64 = (arg & SVE_MEM_64) != 0;
    x.offset_signed = xs & 1;
    x.scale = arg & SVE_MEM_SCALED ? x.msz & 3 : 0;
    return x;
}

void trans_a64_sve_gather_v(ArmTr *s, const a64_sve_gather_v *a)
{
    unsigned esz = (unsigned)a->arg & 3;
    SveMem x = mem_desc(s, a->zt, a->pg, esz, a->msz, 1, false);
    if (!a->u && a->msz == esz) {
        tr_undef(s);
    } else if (tr_sve_access(s)) {
        x.is_signed = !a->u;
        x.ff = a->ff & 1;
        access_mem(s, a64_base(s, a->rn), offsets(x, a->arg, a->zm, a->xs), IR_NONE);
    }
}

/* Vector plus scalar or immediate: the lanes are the addresses. */
static void by_addresses(ArmTr *s, SveMem x, unsigned zn, IrVal add)
{
    x.vector = 1;
    x.z = zn & 31;
    x.bits64 = x.esz == 3;
    access_mem(s, add, x, IR_NONE);
}

void trans_a64_sve_gather_i(ArmTr *s, const a64_sve_gather_i *a)
{
    SveMem x = mem_desc(s, a->zt, a->pg, (unsigned)a->arg, a->msz, 1, false);
    if (!a->u && a->msz == (unsigned)a->arg) {
        tr_undef(s);
    } else if (tr_sve_access(s)) {
        x.is_signed = !a->u;
        x.ff = a->ff & 1;
        by_addresses(s, x, a->zn, tr_const(s, (int64_t)a->imm5 << a->msz));
    }
}

void trans_a64_sve_gather_nt(ArmTr *s, const a64_sve_gather_nt *a)
{
    SveMem x = mem_desc(s, a->zt, a->pg, (unsigned)a->arg, a->msz, 1, false);
    if (!a->u && a->msz == (unsigned)a->arg) {
        tr_undef(s);
    } else if (tr_sve_access(s)) {
        x.is_signed = !a->u;
        by_addresses(s, x, a->zn, tr_x(s, a->rm));
    }
}

void trans_a64_sve_scatter_v(ArmTr *s, const a64_sve_scatter_v *a)
{
    if (tr_sve_access(s)) {
        SveMem x = mem_desc(s, a->zt, a->pg, (unsigned)a->arg & 3, a->msz, 1, true);
        access_mem(s, a64_base(s, a->rn), offsets(x, a->arg, a->zm, a->xs), IR_NONE);
    }
}

void trans_a64_sve_scatter_i(ArmTr *s, const a64_sve_scatter_i *a)
{
    if (tr_sve_access(s)) {
        by_addresses(s, mem_desc(s, a->zt, a->pg, (unsigned)a->arg, a->msz, 1, true), a->zn,
                     tr_const(s, (int64_t)a->imm5 << a->msz));
    }
}

void trans_a64_sve_scatter_nt(ArmTr *s, const a64_sve_scatter_nt *a)
{
    if (tr_sve_access(s)) {
        by_addresses(s, mem_desc(s, a->zt, a->pg, (unsigned)a->arg, a->msz, 1, true), a->zn, tr_x(s, a->rm));
    }
}

/* Prefetches do nothing but be allowed. */
void trans_a64_sve_prf(ArmTr *s, const a64_sve_prf *a)
{
    (void)a;
    tr_sve_access(s);
}
