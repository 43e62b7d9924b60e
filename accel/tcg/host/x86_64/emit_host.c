/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host instructions passed through: the same opcode with the memory operand
 * turned into a host address and general registers renamed. Also the thunks that
 * run one such instruction for the interpreter.
 */
#include "accel/tcg/host/x86_64/emit.h"

static bool has_modrm(const IrHostInsn *hi)
{
    if (hi->map == 0) {
        return hi->opcode != 0x9b; /* fwait */
    }
    return hi->map != 1 || hi->opcode != 0x77; /* emms, vzeroupper */
}

static void encode_plain(Asm *a, const IrHostInsn *hi)
{
    if (hi->vex) {
        e8(a, 0xc5);
        e8(a, 0xf8 | (hi->vex == 2) << 2);
    } else if (hi->map == 1) {
        e8(a, 0x0f);
    }
    e8(a, hi->opcode);
}

void encode_host_insn(Asm *a, const IrHostInsn *hi, unsigned reg, Rm rm)
{
    unsigned opc = hi->opcode | (unsigned)hi->map << 8;
    opc |= hi->prefix == 0x66 ? O_66 : hi->prefix == 0xf2 ? O_F2 : hi->prefix == 0xf3 ? O_F3 : 0;
    if (!has_modrm(hi)) {
        encode_plain(a, hi);
        return;
    }
    if (hi->vex) {
        ins_vex(a, opc, hi->rexw, hi->vex == 2, reg, hi->vvvv, rm);
    } else {
        bool byte_rm = hi->map == 2 && hi->opcode == 0xf0; /* CRC32 r, r/m8 */
        ins(a, opc | (byte_rm ? O_RM8 : 0), hi->rexw ? W64 : W32, reg, rm);
    }
    if (hi->has_imm) {
        e8(a, hi->imm8);
    }
}

void emit_fpu_check(Emit *e, unsigned fpu)
{
    flags_clobber(e, FL_ALL);
    ins(&e->a, 0x80, W8, 7, rm_gs(fpu == IR_FPU_AVX ? V_OFF(ymm_live) : V_OFF(fpu_live)));
    e8(&e->a, 0);
    Slow *s = slow_new(e, SLOW_FPU, a_jcc(&e->a, CC_E));
    s->w = (uint8_t)fpu;
    s->back = e->a.p;
    e->fpu_ok = (uint8_t)fpu;
}

/*
 * May the operand go through a buffer when it is not in one page of RAM? Reads may; stores when the instruction is a
 * plain one, that can not trap: it is made again out of line.
 */
static bool may_bounce(const IrHostInsn *hi)
{
    bool converts = hi->map == 3 && hi->opcode == 0x1d; /* VCVTPS2PH */
    return !hi->mask && (hi->mem == 1 || (hi->mem == 2 && hi->reg_kind == HR_XMM && !converts));
}

Rm memory_operand(Emit *e, const IrOp *op, const IrHostInsn *hi, Slow **slow)
{
    SlowKind miss = hi->mask ? SLOW_INTERP : SLOW_OPERAND; /* what is masked out must not fault */
    unsigned align = only_aligned(e, op) ? MAX(hi->align, hi->size) : hi->align;
    Probe p = emit_probe(e, op, miss, hi->size, hi->mem & 2, align);
    *slow = p.slow;
    if (p.slow->kind == SLOW_OPERAND && may_bounce(hi)) {
        p.slow->hi = hi;
        p.slow->hit = e->a.p;
    }
    Rm m = rm_m(probe_pointer(e, &p), -1, 0, 0);
    e->lock &= ~(1u << p.s2);
    return m;
}

/* Operands that no field names: AX or CX written, AX and DX read. */
static void implicit_in(Emit *e, const IrOp *op, const IrHostInsn *hi)
{
    if (hi->imp & 4) {
        reg_borrow(e, RDX);
    }
    if (hi->imp & 5) {
        reg_borrow(e, RAX);
    }
    if (hi->imp & 2) {
        reg_borrow(e, RCX);
    }
    if (hi->imp & 4) {
        a_mov(&e->a, W64, RAX, val_rm(e, op->a));
        a_mov(&e->a, W64, RDX, val_rm(e, op->b));
    } else if (hi->imp & 1) {
        a_mov(&e->a, W64, RAX, val_rm(e, op->dst));
    }
}

static bool dst_in_rm(const IrOp *op, const IrHostInsn *hi)
{
    return !hi->mem && hi->rm_kind == HR_GPR && op->b == IR_NONE;
}

/* The general register that dst is in, loaded when the instruction reads it; -1: none takes part.
 */
int dst_operand(Emit *e, const IrOp *op, const IrHostInsn *hi)
{
    bool keep = hi->dst_rw || hi->dst_w < W32 || (hi->mem & 2); /* a stored one is read */
    if (hi->reg_kind != HR_GPR && !dst_in_rm(op, hi)) {
        return -1;
    }
    if (op->dst == IR_NONE) {
        return val_reg(e, op->b);
    }
    if (!val_in_mem(e, op->dst)) {
        return dst_reg(e, op->dst, keep);
    }
    int r = reg_alloc(e);
    if (keep) {
        a_mov(&e->a, W64, (unsigned)r, val_rm(e, op->dst));
    }
    return r;
}

/* What follows is the last x87 instruction, and its offset the site's. */
static void note_x87(Emit *e)
{
    uint32_t off;

    if (e->H != FL_ALL) {
        flags_save(e, FL_ALL); /* now: it must not come between */
    }
    a_storei(&e->a, W32, rm_gs(V_OFF(x87_last)), INT32_MAX);
    off = hc_off(e->hc, e->a.p);
    memcpy(e->a.p - sizeof(off), &off, sizeof(off));
}

void encode_at_site(Emit *e, const IrOp *op, const IrHostInsn *hi, unsigned reg, Rm rm)
{
    IrOp o = *op;
    o.fw = hi->fw;
    flags_load(e, hi->fr);
    flags_begin(e, &o, hi->fw);
    if (hi->fop && e->hc->x87_notes) {
        note_x87(e);
    }
    if (hi->fpu && (!hi->vec || (hi->vec & HV_TRAP))) {
        if (e->H != FL_ALL) {
            flags_save(e, FL_ALL);
        }
        site_add(e, e->M != FL_ALL ? SITE_FLAGS_HOST : 0);
        e->tb->sites[e->tb->n_sites - 1].fop = hi->fop;
    }
    encode_host_insn(&e->a, hi, reg, rm);
    flags_end(e, &o, hi->fw);
}

void emit_hostop(Emit *e, const IrOp *op)
{
    const IrHostInsn *hi = &e->ir->host[op->imm];
    if (hi->vec) {
        emit_vecop(e, op);
        return;
    }
    if (hi->fpu > e->fpu_ok) {
        emit_fpu_check(e, hi->fpu);
    }
    Slow *slow = NULL;
    Rm rm = hi->mem ? memory_operand(e, op, hi, &slow) : rm_r(hi->rm);
    implicit_in(e, op, hi);
    if (!hi->mem && hi->rm_kind == HR_GPR && op->b != IR_NONE && !(hi->imp & 4)) {
        rm = rm_r(val_reg(e, op->b));
    }
    int d = dst_operand(e, op, hi);
    if (d >= 0 && hi->reg_kind != HR_GPR) {
        rm = rm_r(d);
    }
    encode_at_site(e, op, hi, hi->reg_kind == HR_GPR ? (unsigned)d : hi->reg, rm);
    if (slow) {
        slow->done = e->a.p;
    }
    if (hi->imp & 3) { /* AX or CX holds a result; with only bit 2 there are inputs and no result */
        dst_set(e, op->dst, hi->imp & 2 ? RCX : RAX, (IrWidth)hi->dst_w);
    } else if (d >= 0 && op->dst != IR_NONE) {
        dst_done(e, op->dst, d, (IrWidth)hi->dst_w);
    }
    regs_return(e);
}

/* ---- one instruction for the interpreter ---- */

typedef struct ThunkCall {
    uint64_t ax, cx, dx, flags;
    void *mem;
    void *image;
    uint32_t mxcsr, fault;
    uint64_t fpu; /* IR_FPU_* */
    void *ymmh;
} ThunkCall;
#define TC(field) rm_m(RBX, -1, 0, (int32_t)offsetof(ThunkCall, field))

/* void thunk(ThunkCall *): up to the instruction. The rest is shared: STUB_RUN_OK. */
static void thunk_emit(HostCode *hc, Asm *a, const IrHostInsn *hi)
{
    e8(a, 0x53); /* push rbx */
    a_movrr(a, W64, RBX, RDI);
    if (hi->fpu) {
        ins(a, O_0F | 0xae, W32, 3, TC(mxcsr)); /* stmxcsr */
        a_mov(a, W64, RAX, TC(image));
        ins(a, O_0F | 0xae, W64, 1, rm_m(RAX, -1, 0, 0)); /* fxrstor64 */
    }
    if (hi->fpu == IR_FPU_AVX) {
        a_mov(a, W64, RAX, TC(ymmh));
        a_call_to(a, hc_stub(hc, STUB_RUN_YMM));
    }
    a_mov(a, W64, RAX, TC(ax));
    a_mov(a, W64, RCX, TC(cx));
    a_mov(a, W64, RDX, TC(dx));
    a_mov(a, W64, RSI, TC(mem));
    ins(a, 0xff, W32, 6, TC(flags)); /* push */
    e8(a, 0x9d);                     /* popfq */
    Rm rm = hi->mem ? rm_m(RSI, -1, 0, 0) : hi->rm_kind == HR_GPR ? rm_r(RDX) : rm_r(hi->rm);
    encode_host_insn(a, hi, hi->reg_kind == HR_GPR ? RAX : hi->reg, rm);
    a_jmp_to(a, hc_stub(hc, STUB_RUN_OK));
}

void thunk_ends(Asm *a, uint8_t **ok, uint8_t **fault)
{
    *fault = a->p;
    a_storei(a, W32, TC(fault), 1);
    uint8_t *skip = a_jmp(a);
    *ok = a->p;
    e8(a, 0x9c);
    ins(a, 0x8f, W32, 0, TC(flags));
    a_patch(skip, a->p);
    a_store(a, W64, TC(ax), RAX);
    a_store(a, W64, TC(cx), RCX);
    a_store(a, W64, TC(dx), RDX);
    a_alu_i(a, 7, W64, TC(fpu), IR_FPU_SSE, 0);
    uint8_t *no_fpu = a_jcc(a, CC_B), *no_ymm = a_jcc(a, CC_E);
    a_mov(a, W64, RAX, TC(ymmh));
    ymm_uppers(a, false, rm_m(RAX, -1, 0, 0));
    a_patch(no_ymm, a->p);
    a_mov(a, W64, RAX, TC(image));
    ins(a, O_0F | 0xae, W64, 0, rm_m(RAX, -1, 0, 0)); /* fxsave64 */
    e8(a, 0xdb);
    e8(a, 0xe3);                            /* fninit */
    ins(a, O_0F | 0xae, W32, 2, TC(mxcsr)); /* ldmxcsr */
    a_patch(no_fpu, a->p);
    e8(a, 0x5b);
    e8(a, 0xc3);
}

static uint32_t thunk_for(HostCode *hc, const IrHostInsn *hi)
{
    IrHostInsn key = *hi;
    key.fop = 0; /* the guest's, no matter here */
    for (int i = 0; i < hc->n_thunks; i++) {
        if (memcmp(&hc->thunks[i].key, &key, sizeof(key)) == 0) {
            return hc->thunks[i].code;
        }
    }
    if (hc->n_thunks == G_N_ELEMENTS(hc->thunks) ||
        hc->thunk_used + 128 > hc->thunk_start + THUNK_SPACE) {
        hc->n_thunks = 0;
        hc->thunk_used = hc->thunk_start;
    }
    Asm a = {hc_rw(hc, hc->thunk_used)};
    Thunk *t = &hc->thunks[hc->n_thunks++];
    t->key = key;
    t->code = hc->thunk_used;
    thunk_emit(hc, &a, hi);
    hc->thunk_used = hc_off(hc, a.p);
    return t->code;
}

/*
 * Invalid operation, overflow and underflow, when unmasked, suppress a store and
 * stay pending (SDM vol 1, 8.5). Nothing was pending before, or it would have trapped.
 */
static bool x87_store_suppressed(const void *image, uint16_t fsw_before)
{
    uint16_t cw_sw[2];
    memcpy(cw_sw, image, sizeof(cw_sw));
    return !(fsw_before & 0x80) && (cw_sw[1] & ~cw_sw[0] & 0x19);
}

/* ---- the same on the target's vector registers ---- */

#define IMAGE_MXCSR 24
#define IMAGE_XMM 160

static char *vector_register(TcgVcpu *v, unsigned n)
{
    const TcgTarget *t = v->target;
    uint32_t off = n < t->n_vec ? t->vec_offset + n * t->vec_stride : t->vtmp_offset + (n - t->n_vec) * t->vtmp_stride;
    return (char *)tcg_env(v) + off;
}

/* One register of the instruction is to be host register `as`; 16 bytes from it, or to it. */
static void vector_operand(TcgVcpu *v, char *image, unsigned n, unsigned as, bool in, bool out)
{
    if (in) {
        memcpy(image + IMAGE_XMM + 16 * as, vector_register(v, n), 16);
    }
    if (out) {
        memcpy(vector_register(v, n), image + IMAGE_XMM + 16 * as, 16);
    }
}

/*
 * The instruction with its registers renamed to XMM0, 1 and 2 of an FXSAVE image (so there are few different thunks),
 * the registers to the image, or from it.
 */
static IrHostInsn vector_insn(TcgVcpu *v, const IrHostInsn *hi, char *image, bool after)
{
    IrHostInsn k = *hi;
    unsigned how = hi->vec;
    if (hi->reg_kind == HR_XMM) {
        k.reg = 0;
        vector_operand(v, image, hi->reg, 0, !after && (how & HV_REG_R), after && (how & HV_REG_W));
    }
    if (how & (HV_VVVV_R | HV_VVVV_W)) {
        k.vvvv = 1;
        vector_operand(v, image, hi->vvvv, 1, !after && (how & HV_VVVV_R), after && (how & HV_VVVV_W));
    }
    if (hi->rm_kind == HR_XMM && !hi->mem) {
        k.rm = 2;
        vector_operand(v, image, hi->rm, 2, !after, false);
    }
    uint32_t *mxcsr = (uint32_t *)(void *)((char *)tcg_env(v) + v->target->mxcsr_offset);
    memcpy(after ? (char *)mxcsr : image + IMAGE_MXCSR, after ? image + IMAGE_MXCSR : (char *)mxcsr, 4);
    return k;
}

HostRun host_run_insn(HostCode *hc, TcgVcpu *v, const IrHostInsn *hi, uint64_t *dst, uint64_t rm,
                   void *mem, uint64_t *flags)
{
    char *env = tcg_env(v);
    char image[512] __attribute__((aligned(16)));
    uint16_t fsw = 0;
    /* MOVD r, xmm and its like write the register of the rm field; MOVD xmm, r has no dst. */
    bool dst_rm = !hi->mem && hi->rm_kind == HR_GPR && hi->reg_kind != HR_GPR && !hi->imp;
    ThunkCall c = {
        .ax = *dst,
        .cx = *dst,
        .dx = rm,
        .flags = (*flags & CC_EFLAGS_MASK) | 2,
        .mem = mem,
        .image = env + hc->target->fpu_offset,
        .fpu = hi->fpu,
        .ymmh = env + hc->target->ymmh_offset,
    };
    IrHostInsn on_image;
    const IrHostInsn *vec = hi->vec ? hi : NULL;
    if (hi->fpu) {
        host_fpu_save(v);
    }
    if (vec) {
        memset(image, 0, sizeof(image));
        on_image = vector_insn(v, vec, image, false);
        hi = &on_image;
        c.image = image;
    } else if (hi->fpu) {
        fpu_image_sanitize(c.image);
        host_x87_keep(v, c.image);
        memcpy(&fsw, (char *)c.image + 2, sizeof(fsw));
    }
    g_mutex_lock(&hc->thunk_lock);
    uint32_t code = thunk_for(hc, hi);
    ((void (*)(ThunkCall *))host_code_ptr(hc, code))(&c);
    g_mutex_unlock(&hc->thunk_lock);
    if (hi->fpu && !vec && hc->x87_notes) {
        host_x87_kept(v, c.image);
    }
    if (c.fault) {
        host_note_trap(v, (unsigned)v->scratch[0]);
        return HOST_RUN_TRAP;
    }
    host_x87_in_thunk(v, hi);
    if (vec) {
        vector_insn(v, vec, image, true);
    }
    *dst = hi->imp & 2 ? c.cx : dst_rm ? c.dx : c.ax;
    *flags = (*flags & ~(uint64_t)CC_EFLAGS_MASK) | (c.flags & CC_EFLAGS_MASK);
    return hi->fpu && !vec && x87_store_suppressed(c.image, fsw) ? HOST_RUN_NO_STORE : HOST_RUN_DONE;
}
