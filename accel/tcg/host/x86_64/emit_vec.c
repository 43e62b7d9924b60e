/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Passed-through instructions on the target's vector registers (IrHostInsn.vec). A register lives in a host register
 * for good (HostCode.vreg), or in env: then it is a memory operand where that will do, else it is brought to a scratch
 * register and, when written, back. So is one that lives in XMM16-XMM31, which VEX cannot name: a move that costs next to
 * nothing, where the way through memory takes five cycles.
 */
#include "accel/tcg/host/x86_64/emit.h"

enum { SCRATCH_REG = XMM_SCRATCH, SCRATCH_VVVV, SCRATCH_RM };

/* ---- registers as fields of env ---- */

/* The host register that holds the field, -1: none does. *at: its place there, in bytes. */
static int field_register(const HostCode *hc, const IrOp *op, unsigned *at)
{
    const TcgTarget *t = hc->target;
    uint64_t off = (uint64_t)op->imm - t->vec_offset;
    unsigned n = (unsigned)(off / t->vec_stride);
    *at = (unsigned)(off % t->vec_stride);
    if (off >= (uint64_t)t->n_vec * t->vec_stride) {
        off = (uint64_t)op->imm - t->vtmp_offset;
        if (off >= (uint64_t)t->n_vtmp * t->vtmp_stride) {
            return -1;
        }
        n = t->n_vec + (unsigned)(off / t->vtmp_stride);
        *at = (unsigned)(off % t->vtmp_stride);
    }
    if (*at >= 16 || hc->vreg[n] < 0) {
        return -1;
    }
    g_assert((*at & ((1u << op->w) - 1)) == 0);
    return hc->vreg[n];
}

bool vec_field_pinned(const HostCode *hc, const IrOp *op)
{
    unsigned at;
    return field_register(hc, op, &at) >= 0;
}

bool vec_ldenv(Emit *e, const IrOp *op)
{
    static const unsigned extract[4] = {O_66 | O_0F3A | 0x14, O_66 | O_0F3A | 0x15, O_66 | O_0F3A | 0x16,
                                        O_66 | O_0F3A | 0x16};
    unsigned at;
    int x = field_register(e->hc, op, &at);
    if (x < 0) {
        return false;
    }
    int r = val_in_mem(e, op->dst) ? reg_alloc(e) : dst_reg(e, op->dst, false);
    if (x >= XMM_FAR) {
        xmm_move(&e->a, true, SCRATCH_REG, rm_r(x));
        x = SCRATCH_REG;
    }
    if (at == 0 && op->w >= W32) { /* vmovd, vmovq */
        ins_vex(&e->a, O_66 | O_0F | 0x7e, op->w == W64, false, (unsigned)x, 0, rm_r(r));
    } else {
        ins_vex(&e->a, extract[op->w], op->w == W64, false, (unsigned)x, 0, rm_r(r));
        e8(&e->a, at >> op->w);
    }
    dst_done(e, op->dst, r, W64);
    return true;
}

bool vec_stenv(Emit *e, const IrOp *op)
{
    static const unsigned insert[4] = {O_66 | O_0F3A | 0x20, O_66 | O_0F | 0xc4, O_66 | O_0F3A | 0x22,
                                       O_66 | O_0F3A | 0x22};
    unsigned at;
    int x = field_register(e->hc, op, &at);
    if (x < 0) {
        return false;
    }
    int r = val_reg(e, op->a), work = x;
    if (x >= XMM_FAR) {
        work = SCRATCH_REG;
        xmm_move(&e->a, true, SCRATCH_REG, rm_r(x));
    }
    ins_vex(&e->a, insert[op->w], op->w == W64, false, (unsigned)work, (unsigned)work, rm_r(r));
    e8(&e->a, at >> op->w);
    if (x >= XMM_FAR) {
        xmm_move(&e->a, true, (unsigned)x, rm_r(SCRATCH_REG));
    }
    return true;
}

/* ---- the instruction ---- */

/* Where register n is to be for a field of the encoding. */
static unsigned place(Emit *e, unsigned n, unsigned scratch, bool read)
{
    int x = e->hc->vreg[n];
    if (x >= 0 && x < XMM_FAR) {
        return (unsigned)x;
    }
    if (read) {
        xmm_move(&e->a, true, scratch, x >= 0 ? rm_r(x) : vec_home(e->hc, n));
    }
    return scratch;
}

static void put_back(Emit *e, unsigned n, unsigned where)
{
    int x = e->hc->vreg[n];
    if (x >= XMM_FAR) {
        xmm_move(&e->a, true, (unsigned)x, rm_r((int)where));
    } else if (x < 0) {
        xmm_move(&e->a, false, where, vec_home(e->hc, n));
    }
}

static Rm rm_operand(Emit *e, const IrOp *op, const IrHostInsn *hi)
{
    if (hi->rm_kind == HR_GPR) {
        return op->b != IR_NONE ? rm_r(val_reg(e, op->b)) : rm_r(-1); /* else dst, see below */
    }
    if (e->hc->vreg[hi->rm] < 0 && !(hi->vec & HV_RM_REG)) {
        return vec_home(e->hc, hi->rm);
    }
    return rm_r((int)place(e, hi->rm, SCRATCH_RM, true));
}

void emit_vecop(Emit *e, const IrOp *op)
{
    const IrHostInsn *hi = &e->ir->host[op->imm];
    IrHostInsn h = *hi;
    Slow *slow = NULL;
    if (!e->fpu_ok) {
        emit_fpu_check(e, IR_FPU_SSE);
    }
    /* Guest memory first: on its way out of line scratch registers are lost. */
    Rm rm = hi->mem ? memory_operand(e, op, hi, &slow) : rm_operand(e, op, hi);
    int d = dst_operand(e, op, hi);
    unsigned reg = hi->reg_kind == HR_GPR ? (unsigned)d : hi->reg;
    if (d >= 0 && hi->reg_kind != HR_GPR) {
        rm = rm_r(d);
    }
    if (hi->reg_kind == HR_XMM) {
        reg = place(e, hi->reg, SCRATCH_REG, hi->vec & HV_REG_R);
    }
    if (hi->vec & (HV_VVVV_R | HV_VVVV_W)) {
        h.vvvv = (uint8_t)place(e, hi->vvvv, SCRATCH_VVVV, hi->vec & HV_VVVV_R);
    }
    encode_at_site(e, op, &h, reg, rm);
    if (hi->vec & HV_REG_W) {
        put_back(e, hi->reg, reg);
    }
    if (hi->vec & HV_VVVV_W) {
        put_back(e, hi->vvvv, h.vvvv);
    }
    if (slow) {
        slow->done = e->a.p;
    }
    if (d >= 0 && op->dst != IR_NONE) {
        dst_done(e, op->dst, d, (IrWidth)hi->dst_w);
    }
    regs_return(e);
}

void vec_bounce_store(Emit *e, const IrHostInsn *hi, int at)
{
    unsigned reg = place(e, hi->reg, SCRATCH_REG, true);
    encode_host_insn(&e->a, hi, reg, rm_m(at, -1, 0, 0));
}
