/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x87, MMX, SSE and AVX: one generic translation. The row says which fields of
 * ModRM name vector registers, general registers or memory; the instruction
 * itself is passed to the host, which computes the guest's answer under the
 * guest's own MXCSR and x87 control word. Unmasked exceptions arrive from the
 * host (TcgTarget.note_simd_fp); pending x87 exceptions are the host's too,
 * as waiting instructions are waiting there.
 */
#include "target/i386/translate.h"

static const uint8_t prefix_byte[4] = {0, 0x66, 0xf3, 0xf2};

static bool is_vector(unsigned am)
{
    return am == AM_V || am == AM_P;
}

/* Bytes of the memory operand: x87 environments have a 16-bit form. */
static unsigned memory_bytes(const X86Tr *s, const X86OpSpec *o)
{
    unsigned n = x86_operand_bytes(&s->i, o);
    if ((s->i.row->bits & ROW_ENV) && s->i.osz == W16) {
        n = n == 28 ? 14 : 94;
    }
    return n;
}

static void memory_operand(X86Tr *s, IrHostInsn *h, const X86OpSpec *o)
{
    uint32_t f = s->i.row->bits;
    h->mem = (f & ROW_MR ? 1 : 0) | (f & ROW_MW ? 2 : 0);
    h->size = (uint16_t)memory_bytes(s, o);
    h->align = s->i.row->align == ROW_ALIGN_X ? (uint8_t)h->size : s->i.row->align;
    h->mask = s->i.row->mask;
}

/* ModRM.rm as a register. */
static IrVal register_operand(X86Tr *s, IrHostInsn *h, const X86OpSpec *o, int n, IrVal *dst)
{
    switch (o->am) {
    case AM_W:
    case AM_U:
        h->rm_kind = HR_XMM;
        h->rm = s->i.rm;
        return IR_NONE;
    case AM_Q:
    case AM_N:
        h->rm_kind = HR_MMX;
        h->rm = s->i.rm & 7;
        return IR_NONE;
    case AM_T:
        h->rm_kind = HR_X87;
        h->rm = s->i.modrm & 7;
        return IR_NONE;
    default: /* E, R: written when it comes first and the row says so */
        h->rm_kind = HR_GPR;
        if (n == 0 && (s->i.row->bits & ROW_MW)) {
            *dst = IR_G(s->i.rm);
            h->dst_w = (uint8_t)tr_width(s, n);
            return IR_NONE;
        }
        return IR_G(s->i.rm);
    }
}

static void reg_operand(X86Tr *s, IrHostInsn *h, const X86OpSpec *o, int n, IrVal *dst)
{
    if (o->am == AM_V) {
        h->reg_kind = HR_XMM;
        h->reg = s->i.reg;
    } else if (o->am == AM_P) {
        h->reg_kind = HR_MMX;
        h->reg = s->i.reg & 7;
    } else {
        h->reg_kind = HR_GPR;
        *dst = IR_G(s->i.reg);
        h->dst_w = (uint8_t)tr_width(s, n);
        h->dst_rw = s->i.row->r != 0; /* ADCX, ADOX */
    }
}

static void encoding(X86Tr *s, IrHostInsn *h)
{
    const X86Row *r = s->i.row;
    h->prefix = r->prefixes == 15 ? 0 : prefix_byte[s->i.mand];
    if ((r->bits & ROW_ENV) && s->i.osz == W16) {
        h->prefix = 0x66;
    }
    h->map = r->bits & ROW_VEX ? r->map - 3 : r->map;
    h->opcode = s->i.opcode;
    h->has_imm = r->imm == IMM_B;
    h->imm8 = (uint8_t)s->i.imm;
    h->reg = s->i.modrm >> 3 & 7;
    h->fpu = r->bits & ROW_AVX                                       ? IR_FPU_AVX
             : r->bits & (ROW_SSE | ROW_MMX | ROW_X87 | ROW_X87NW) ? IR_FPU_SSE
                                                                   : IR_FPU_NONE;
    h->fw = ir_flags_from_eflags(r->w | r->u);
    h->fr = ir_flags_from_eflags(r->r);
    h->imp = r->imp;
    bool wide = (r->imp & 4) != 0; /* PCMPESTRx: REX.W makes the lengths RAX and RDX */
    for (int n = 0; n < r->n_ops; n++) {
        wide |= r->op[n].sz == SZ_Y;
    }
    h->rexw = wide && s->i.osz == W64;
    if (r->bits & ROW_AVX) {
        h->vex = r->vl < 0 ? 1 : 1 + s->i.vex_l;
        h->vvvv = s->i.vvvv;
        h->rexw |= r->vw == 1;
    }
}

static void implicit_operands(X86Tr *s, IrHostInsn *h, IrVal *dst, IrVal *a, IrVal *b)
{
    if (h->imp & 1) {
        *dst = IR_G(R_AX);
        h->dst_w = W16;
    } else if (h->imp & 2) {
        *dst = IR_G(R_CX);
        h->dst_w = W32;
    }
    if (h->imp & 4) {
        *a = IR_G(R_AX);
        *b = IR_G(R_DX);
    }
}

/* After an x87 instruction, for the pointers to it (fpu_pointers.c): where its operand was, and the selectors. */
static void note_x87(X86Tr *s, IrVal offset)
{
    bool selectors = s->bits != 64 && !tr_has(s, F_ZERO_FCS_FDS);
    if (offset != IR_NONE) {
        tr_stenv(s, W64, ENV(s.x87_ea), offset);
    }
    if (selectors) {
        tr_stenv(s, W16, ENV(s.x87_cs), tr_ldenv(s, W16, ENV_SEG(S_CS, sel)));
    }
    if (selectors && offset != IR_NONE) {
        tr_stenv(s, W16, ENV(s.x87_ds), tr_ldenv(s, W16, ENV_SEG(tr_seg(s), sel)));
    }
}

/* Does it leave its address in the FP state? Control instructions do not (SDM vol 1, 8.1.8). */
static bool leaves_pointers(const X86Row *r)
{
    return (r->bits & ROW_X87) && !(r->bits & ROW_X87C);
}

static void pass_through(X86Tr *s)
{
    const X86Row *r = s->i.row;
    IrHostInsn h = {0};
    IrVal dst = IR_NONE, a = IR_NONE, b = IR_NONE, offset = IR_NONE;
    encoding(s, &h);
    for (int n = 0; n < r->n_ops; n++) {
        const X86OpSpec *o = &r->op[n];
        if (o->am == AM_L && s->bits != 64) {
            h.imm8 &= 0x7f; /* there are eight registers, whatever bit 7 says */
        }
        if (o->am == AM_I || o->am == AM_FIX || o->am == AM_H || o->am == AM_L) {
            continue;
        }
        if (is_vector(o->am) || o->am == AM_G) {
            reg_operand(s, &h, o, n, &dst);
        } else if (tr_is_mem(s, n)) {
            memory_operand(s, &h, o);
            offset = tr_offset(s);
            a = tr_linear(s, tr_seg(s), offset, h.size, h.mem & 2);
        } else {
            b = register_operand(s, &h, o, n, &dst);
        }
    }
    if ((r->bits & (ROW_X87 | ROW_X87NW)) && s->i.mod == 3 && (r->bits & ROW_MODRM)) {
        h.rm_kind = HR_X87;
        h.rm = s->i.modrm & 7;
    }
    implicit_operands(s, &h, &dst, &a, &b);
    if (leaves_pointers(r)) {
        h.fop = (uint16_t)(HF_POINTERS | (h.mem ? HF_MEMORY : 0) | (s->i.opcode & 7) << 8 | s->i.modrm);
    }
    *ir_hostop(s->b, dst, a, b) = h;
    s->b->ops[s->b->n_ops - 1].aux = (uint8_t)s->mmu;
    s->b->uses_fpu = MAX(s->b->uses_fpu, h.fpu);
    if (leaves_pointers(r)) {
        note_x87(s, offset);
    }
}

/* ---- pieces made of several host instructions ---- */

/* Lane n (64 bits) of an XMM register, or all of an MMX one, as a value. */
static IrVal read_lane(X86Tr *s, IrHostReg kind, unsigned reg, unsigned n)
{
    IrVal v = tr_temp(s);
    bool mmx = kind == HR_MMX;
    *ir_hostop(s->b, v, IR_NONE, IR_NONE) = (IrHostInsn){
        .prefix = mmx ? 0 : 0x66, .map = mmx ? 1 : 3, .opcode = mmx ? 0x7e : 0x16, .rexw = 1,
        .has_imm = !mmx, .imm8 = (uint8_t)n, .reg_kind = (uint8_t)kind, .reg = (uint8_t)reg,
        .rm_kind = HR_GPR, .dst_w = W64, .fpu = 1,
    };
    return v;
}

/* PINSRQ */
static void write_lane(X86Tr *s, unsigned reg, unsigned n, IrVal v)
{
    *ir_hostop(s->b, IR_NONE, IR_NONE, v) = (IrHostInsn){
        .prefix = 0x66, .map = 3, .opcode = 0x22, .rexw = 1, .has_imm = 1, .imm8 = (uint8_t)n,
        .reg_kind = HR_XMM, .reg = (uint8_t)reg, .rm_kind = HR_GPR, .fpu = 1,
    };
}

/*
 * PCMPESTRx on memory has one operand more than the IR's host instruction can
 * name: the memory operand goes through an XMM register that is put back.
 */
static void compare_strings_in_memory(X86Tr *s)
{
    unsigned x = s->i.reg == 1 ? 2 : 1; /* not XMM0: PCMPESTRM's result */
    IrVal addr = tr_ea(s, 16, false);
    IrVal lo = read_lane(s, HR_XMM, x, 0), hi = read_lane(s, HR_XMM, x, 1);
    *ir_hostop(s->b, IR_NONE, addr, IR_NONE) = (IrHostInsn){
        .prefix = 0xf3, .map = 1, .opcode = 0x6f, .reg_kind = HR_XMM, .reg = (uint8_t)x,
        .mem = 1, .size = 16, .align = 1, .fpu = 1,
    };
    s->b->ops[s->b->n_ops - 1].aux = (uint8_t)s->mmu;
    s->i.mod = 3;
    s->i.rm = (uint8_t)x;
    pass_through(s);
    ir_insn(s->b, s->i.pc); /* what follows can not fault; the IR's rule needs a new start */
    write_lane(s, x, 0, lo);
    write_lane(s, x, 1, hi);
}

void trans_host(X86Tr *s)
{
    if ((s->i.row->imp & 4) && s->i.mod != 3) {
        compare_strings_in_memory(s);
        return;
    }
    pass_through(s);
}

void trans_fwait(X86Tr *s)
{
    pass_through(s);
}

/* FNSTENV, FNSAVE (arg): a host's own image has host addresses in it. */
void trans_fstenv(X86Tr *s)
{
    IrVal addr = tr_ea(s, memory_bytes(s, &s->i.row->op[0]), true);
    tr_call_void(s, HELPER_fstenv, addr, tr_const(s, s->i.osz != W16), tr_const(s, s->i.row->arg));
}

/* FLDENV, FRSTOR: the host takes the pointers for those of 64-bit mode. */
void trans_fldenv(X86Tr *s)
{
    bool wide = s->i.osz != W16;
    pass_through(s);
    ir_insn(s->b, s->i.pc); /* what follows faults only if the operand has just gone: then all of it is done again */
    IrVal addr = tr_ea(s, memory_bytes(s, &s->i.row->op[0]), false), at = tr_temp(s), b = IR_NONE;
    ir_lea(s->b, W64, at, addr, IR_NONE, 0, wide ? 12 : 6);
    IrVal a = tr_read(s, W64, at);
    if (wide) {
        IrVal next = tr_temp(s);
        ir_lea(s->b, W64, next, addr, IR_NONE, 0, 20);
        b = tr_read(s, W64, next);
    }
    tr_call_void(s, HELPER_x87_loaded, a, b, tr_const(s, wide));
}

void trans_fninit(X86Tr *s)
{
    IrVal zero = tr_const(s, 0);
    pass_through(s);
    tr_call_void(s, HELPER_x87_loaded, zero, zero, tr_const(s, true)); /* pointers, as if FLDENV had loaded zeros */
}

/* An error that is cleared before anybody looked still counts for the opcode and operand pointers. */
void trans_fnclex(X86Tr *s)
{
    IrVal fsw = tr_const(s, 0);
    int none = ir_label_new(s->b);
    *ir_hostop(s->b, fsw, IR_NONE, IR_NONE) = (IrHostInsn){ /* FNSTSW AX */
        .opcode = 0xdf, .reg = 4, .rm_kind = HR_X87, .rm = 0, .imp = 1, .dst_w = W16, .fpu = IR_FPU_SSE,
    };
    tr_alu(s, OP_and, W32, fsw, fsw, (Src){IR_IMM, 0x80}, 0);
    ir_branch(s->b, OP_brz, W32, fsw, none);
    tr_call_void(s, HELPER_x87_settle, IR_NONE, IR_NONE, IR_NONE);
    ir_label(s->b, none);
    pass_through(s);
}

/* FENI, FDISI, FSETPM: no effect since the 80387. */
void trans_nop_x87(X86Tr *s)
{
    (void)s;
}

/* Reserved bits of the new MXCSR fault. */
void trans_ldmxcsr(X86Tr *s)
{
    uint32_t mask = s->config ? s->config->mxcsr_mask : 0xffff;
    IrVal v = tr_read(s, W32, tr_ea(s, 4, false)), x = tr_zext(s, W32, v);
    tr_alu(s, OP_and, W32, x, x, (Src){IR_IMM, (int32_t)~mask}, 0);
    int l = ir_label_new(s->b);
    ir_branch(s->b, OP_brz, W32, x, l);
    tr_call_void(s, HELPER_raise, tr_const(s, 13), tr_const(s, 0), tr_const(s, 1));
    ir_label(s->b, l);
    pass_through(s);
}

/* Store, or only probe, the bytes of data whose mask byte is negative at addr + from. */
static void store_masked(X86Tr *s, IrVal addr, unsigned from, IrVal data, IrVal mask, bool store)
{
    for (unsigned n = 0; n < 8; n++) {
        IrVal bit = tr_zext(s, W64, mask), byte = tr_zext(s, W64, data), at = tr_temp(s);
        int skip = ir_label_new(s->b);
        tr_alu(s, OP_shr, W64, bit, bit, (Src){IR_IMM, 8 * n + 7}, 0);
        tr_alu(s, OP_and, W64, bit, bit, (Src){IR_IMM, 1}, 0);
        ir_branch(s->b, OP_brz, W64, bit, skip);
        ir_lea(s->b, W64, at, addr, IR_NONE, 0, from + n);
        if (store) {
            tr_alu(s, OP_shr, W64, byte, byte, (Src){IR_IMM, 8 * n}, 0);
            ir_st(s->b, W8, at, byte, s->mmu);
        } else {
            ir_emit(s->b, OP_probe, W8, IR_NONE, at, IR_NONE)->aux = (uint8_t)s->mmu;
        }
        ir_label(s->b, skip);
    }
}

/* MASKMOVQ, MASKMOVDQU: byte stores at (R|E)DI */
void trans_maskmov(X86Tr *s)
{
    bool xmm = s->i.row->op[0].am == AM_V;
    IrHostReg kind = xmm ? HR_XMM : HR_MMX;
    unsigned reg = xmm ? s->i.reg : s->i.reg & 7, rm = xmm ? s->i.rm : s->i.rm & 7;
    IrVal off = s->i.asz == W64 ? IR_G(R_DI) : tr_zext(s, s->i.asz, IR_G(R_DI));
    IrVal addr = tr_linear(s, s->i.seg >= 0 ? s->i.seg : S_DS, off, xmm ? 16 : 8, true);
    IrVal data[2], mask[2];
    for (unsigned n = 0; n < (xmm ? 2 : 1); n++) {
        data[n] = read_lane(s, kind, reg, n);
        mask[n] = read_lane(s, kind, rm, n);
        store_masked(s, addr, 8 * n, data[n], mask[n], false);
    }
    for (unsigned n = 0; n < (xmm ? 2 : 1); n++) {
        store_masked(s, addr, 8 * n, data[n], mask[n], true);
    }
    s->b->uses_fpu = MAX(s->b->uses_fpu, IR_FPU_SSE);
}

/* ---- AVX ---- */

/*
 * VZEROUPPER, VZEROALL (arg). In 64-bit mode as the host has it; elsewhere registers 8 to 15 keep their
 * contents, so the others are cleared one at a time: VMOVDQA x, x or VPXOR x, x, x.
 */
void trans_vzero(X86Tr *s)
{
    if (s->bits == 64) {
        pass_through(s);
        return;
    }
    bool all = s->i.row->arg;
    for (uint8_t n = 0; n < 8; n++) {
        *ir_hostop(s->b, IR_NONE, IR_NONE, IR_NONE) = (IrHostInsn){
            .prefix = 0x66, .map = 1, .opcode = all ? 0xef : 0x6f, .vex = 1, .vvvv = all ? n : 0,
            .reg_kind = HR_XMM, .reg = n, .rm_kind = HR_XMM, .rm = n, .fpu = IR_FPU_AVX,
        };
    }
    s->b->uses_fpu = IR_FPU_AVX;
}

/* VGATHERxx, VPGATHERxx; arg: indexes of 64 bits. The three registers must differ (SDM vol 2). */
void trans_gather(X86Tr *s)
{
    const X86Insn *i = &s->i;
    if (i->reg == i->index || i->reg == i->vvvv || i->index == i->vvvv) {
        tr_raise(s, 6);
        return;
    }
    IrVal base = i->base == X86_REG_NONE ? tr_const(s, i->disp) : tr_temp(s);
    if (i->base != X86_REG_NONE) {
        ir_lea(s->b, W64, base, IR_G(i->base), IR_NONE, 0, i->disp);
    }
    GatherOp op = {
        .dst = i->reg, .index = i->index, .mask = i->vvvv, .scale = i->scale, .elem64 = i->vex_w,
        .index64 = i->row->arg != 0, .l256 = i->vex_l, .asz = i->asz, .seg = (uint8_t)tr_seg(s),
    };
    uint64_t word;
    memcpy(&word, &op, sizeof(word));
    tr_call_void(s, HELPER_gather, base, tr_const(s, (int64_t)word), IR_NONE);
}
