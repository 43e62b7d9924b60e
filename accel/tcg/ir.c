/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IR's tables (from ops.def) and block storage. Blocks grow and are reused:
 * after the first few translations building one allocates nothing.
 */
#include "accel/tcg/ir.h"
#include "accel/tcg/target.h"
#include <inttypes.h>

/* Shape column of ops.def. */
enum {
    SHAPE_n = 0,
    SHAPE_d = IRS_D,
    SHAPE_a = IRS_A,
    SHAPE_da = IRS_D | IRS_A,
    SHAPE_ab = IRS_A | IRS_B,
    SHAPE_dab = IRS_D | IRS_A | IRS_B,
    SHAPE_dabc = IRS_D | IRS_A | IRS_B | IRS_C,
    SHAPE_abc = IRS_A | IRS_B | IRS_C,
    SHAPE_dd2a = IRS_D | IRS_A | IRS_C | IRS_D2,
    SHAPE_dd2ab = IRS_D | IRS_A | IRS_B | IRS_C | IRS_D2,
};
/* Property column: letters, or-ed. */
#define F IRP_F
#define E IRP_E
#define G IRP_G
#define X IRP_X
#define L IRP_L
const IrOpInfo ir_op_info[OP__COUNT] = {
#define OP(n, sh, pr, fl, h)                                                                       \
    [OP_##n] = {.name = #n, .help = h, .props = pr, .shape = SHAPE_##sh, .flags = fl},
#include "accel/tcg/ops.def"
#undef OP
};
#undef F
#undef E
#undef G
#undef X
#undef L

G_STATIC_ASSERT(sizeof(IrOp) == 32);
G_STATIC_ASSERT(OP__COUNT <= 256);

void ir_block_init(IrBlock *b, const TcgTarget *t)
{
    *b = (IrBlock){.target = t};
    b->cap_ops = 256;
    b->ops = g_new(IrOp, b->cap_ops);
    b->cap_host = 16;
    b->host = g_new(IrHostInsn, b->cap_host);
}

void ir_block_reset(IrBlock *b, uint64_t pc, uint64_t mode)
{
    b->pc = pc;
    b->mode = mode;
    b->n_insns = 0;
    b->guest_bytes = 0;
    b->n_ops = 0;
    b->n_temps = 0;
    b->n_labels = 0;
    b->n_host = 0;
    b->uses_fpu = IR_FPU_NONE;
}

void ir_block_fini(IrBlock *b)
{
    g_free(b->ops);
    g_free(b->host);
    *b = (IrBlock){0};
}

void ir_grow_ops(IrBlock *b)
{
    b->cap_ops = b->cap_ops ? b->cap_ops * 2 : 256;
    b->ops = g_renew(IrOp, b->ops, b->cap_ops);
}

/* A translator that heeds ir_block_full() never gets here. */
void ir_limit_reached(const IrBlock *b, const char *what)
{
    g_error("IR block at 0x%" PRIx64 " has too many %s", b->pc, what);
}

void ir_lea(IrBlock *b, IrWidth w, IrVal dst, IrVal base, IrVal index, int scale, int64_t disp)
{
    IrOp *o = ir_emit(b, OP_lea, w, dst, base, index);
    o->aux = (uint8_t)scale;
    o->imm = disp;
}

void ir_ld(IrBlock *b, IrWidth w, IrVal dst, IrVal addr, int mmu)
{
    ir_emit(b, OP_ld, w, dst, addr, IR_NONE)->aux = (uint8_t)mmu;
}

void ir_lds(IrBlock *b, IrWidth w, IrWidth dst_w, IrVal dst, IrVal addr, int mmu)
{
    IrOp *o = ir_emit(b, OP_lds, w, dst, addr, IR_NONE);
    o->aux = (uint8_t)mmu;
    o->aux2 = (uint8_t)dst_w;
}

void ir_st(IrBlock *b, IrWidth w, IrVal addr, IrVal val, int mmu)
{
    ir_emit(b, OP_st, w, IR_NONE, addr, val)->aux = (uint8_t)mmu;
}

void ir_sti(IrBlock *b, IrWidth w, IrVal addr, int64_t imm, int mmu)
{
    IrOp *o = ir_emit(b, OP_st, w, IR_NONE, addr, IR_IMM);
    o->aux = (uint8_t)mmu;
    o->imm = imm;
}

void ir_insn(IrBlock *b, uint64_t pc)
{
    ir_emit(b, OP_insn, W8, IR_NONE, IR_NONE, IR_NONE)->imm = (int64_t)pc;
    b->n_insns++;
}

IrOp *ir_call(IrBlock *b, int helper, IrVal dst, IrVal a, IrVal bv, IrVal c)
{
    IrOp *o = ir_emit(b, OP_call, W64, dst, a, bv);
    o->c = c;
    o->imm = helper;
    return o;
}

IrHostInsn *ir_hostop(IrBlock *b, IrVal dst, IrVal addr, IrVal rm)
{
    if (b->n_host == b->cap_host) {
        b->cap_host = b->cap_host ? b->cap_host * 2 : 16;
        b->host = g_renew(IrHostInsn, b->host, b->cap_host);
    }
    ir_emit(b, OP_hostop, W64, dst, addr, rm)->imm = b->n_host;
    IrHostInsn *hi = &b->host[b->n_host++];
    *hi = (IrHostInsn){0};
    return hi;
}

bool ir_may_fault(const IrBlock *b, const IrOp *op)
{
    if (op->op == OP_call) {
        return b->target->helpers[op->imm].flags & HELPER_FULL;
    }
    if (op->op == OP_hostop) { /* on vector registers alone it has nothing to fault on */
        const IrHostInsn *hi = &b->host[op->imm];
        return !hi->vec || hi->mem || (hi->vec & HV_TRAP);
    }
    return ir_op_info[op->op].props & IRP_F;
}

bool ir_reads_dst(const IrBlock *b, const IrOp *op)
{
    switch (op->op) {
    case OP_insh:
    case OP_setcc:
    case OP_divu:
    case OP_divs:
    case OP_cmpxchgm:
        return true;
    case OP_hostop: {
        const IrHostInsn *hi = &b->host[op->imm];
        return op->dst != IR_NONE && (hi->dst_rw || hi->dst_w < W32);
    }
    case OP_mulu2:
    case OP_muls2: /* W8 writes 16 bits */
        return op->w < W32;
    case OP_sext:
        return op->aux < W32;
    case OP_lds:
        return ir_lds_to(op) < W32;
    case OP_zext:
    case OP_exth:
    case OP_ld:
    case OP_ldenv:
    case OP_getf:
    case OP_movnz:
    case OP_call:
        return false;
    default:
        return op->w < W32 && (ir_op_info[op->op].shape & IRS_D);
    }
}

/* ---- flags ---- */

uint8_t ir_cond_flags(IrCond cc)
{
    static const uint8_t f[8] = {FL_O, FL_C, FL_Z, FL_C | FL_Z, FL_S, FL_P, FL_S | FL_O,
                                 FL_S | FL_O | FL_Z};
    return f[cc >> 1 & 7];
}

/* Constant part of ir_flags_read; 0x80: depends on the op. */
#define READ_VARIES 0x80
static const uint8_t flag_reads[OP__COUNT] = {
    [OP_adc] = FL_C,          [OP_sbb] = FL_C,          [OP_rcl] = FL_C,
    [OP_rcr] = FL_C,          [OP_cmc] = FL_C,          [OP_getf] = FL_ALL,
    [OP_jcc] = FL_ALL,        [OP_jmp] = FL_ALL,        [OP_jmpind] = FL_ALL,
    [OP_exit] = FL_ALL,       [OP_cmov] = READ_VARIES,  [OP_setcc] = READ_VARIES,
    [OP_brcc] = READ_VARIES,  [OP_rmw] = READ_VARIES,   [OP_hostop] = READ_VARIES,
    [OP_call] = READ_VARIES,
};

uint8_t ir_flags_read(const IrBlock *b, const IrOp *op)
{
    uint8_t r = flag_reads[op->op];
    if (G_LIKELY(r != READ_VARIES)) {
        return r;
    }
    switch (op->op) {
    case OP_rmw:
        return flag_reads[op->sub];
    case OP_hostop:
        return b->host[op->imm].fr;
    case OP_call:
        return b->target->helpers[op->imm].flags & HELPER_FULL ? FL_ALL : 0;
    default:
        return ir_cond_flags(op->cc);
    }
}

uint8_t ir_flags_written(const IrBlock *b, const IrOp *op)
{
    if (op->op == OP_hostop) {
        return b->host[op->imm].fw;
    }
    if (op->op == OP_call) {
        return b->target->helpers[op->imm].flags & HELPER_FULL ? FL_ALL : 0;
    }
    return op->fw;
}

static bool is_shift(unsigned op)
{
    return (op >= OP_shl && op <= OP_shrd);
}

/* The count operand of a shift: its value or -1 when known only at run time. */
static int shift_count(const IrOp *op)
{
    bool dbl = op->op == OP_shld || op->op == OP_shrd;
    bool known = dbl ? op->c == IR_NONE || op->c == IR_IMM : op->b == IR_IMM;
    return known ? (int)(op->imm & (op->w == W64 ? 0x3f : 0x1f)) : -1;
}

uint8_t ir_flags_kept(const IrOp *op)
{
    unsigned o = op->op == OP_rmw ? op->sub : op->op;
    if (!is_shift(o)) {
        return 0;
    }
    return shift_count(op) <= 0 ? op->fw : 0;
}

static uint8_t undefined_after_shift(unsigned o, const IrOp *op)
{
    int n = shift_count(op);
    unsigned bits = 8u << op->w;
    uint8_t u = ir_op_info[o].flags == FL_ALL ? FL_A : 0;
    if (n == 0) {
        return 0;
    }
    if (n != 1) {
        u |= FL_O;
    }
    if ((o == OP_shl || o == OP_shr) && bits < 32 && (n < 0 || n >= (int)bits)) {
        u |= FL_C;
    }
    if ((o == OP_shld || o == OP_shrd) && bits < 32 && (n < 0 || n > (int)bits)) {
        u = FL_ALL;
    }
    return u;
}

uint8_t ir_flags_undefined(const IrOp *op)
{
    unsigned o = op->op == OP_rmw ? op->sub : op->op;
    uint8_t u = 0;
    if (is_shift(o)) {
        u = undefined_after_shift(o, op);
    } else {
        switch (o) {
        case OP_and:
        case OP_or:
        case OP_xor:
        case OP_test:
            u = FL_A;
            break;
        case OP_andn:
            u = FL_A | FL_P;
            break;
        case OP_imul:
        case OP_mulu2:
        case OP_muls2:
            u = FL_P | FL_A | FL_Z | FL_S;
            break;
        case OP_bsf:
        case OP_bsr:
            u = FL_ALL & ~FL_Z;
            break;
        case OP_tzcnt:
        case OP_lzcnt:
            u = FL_ALL & ~(FL_Z | FL_C);
            break;
        }
    }
    return u & op->fw;
}
