/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See gen.h. A guest instruction is generated in two halves, as translators do:
 * first what may fault (into temps, no flags), then at most one op that may fault and
 * also writes registers or flags, then what can not fault and writes anything.
 */
#include "tests/ir/gen.h"
#include <string.h>

#define MAX_LIVE 96

typedef struct Gen {
    GRand *r;
    IrBlock *b;
    GenInfo *info;
    unsigned what;
    IrVal temps[MAX_LIVE];   /* written in this guest instruction on every path to here */
    int n_temps;
    uint8_t undef;           /* flags that are undefined now */
    bool commit;             /* in the half that may write globals and flags */
    bool repeatable;         /* the first half must be repeatable: the op after it may restart */
    int exits;
    int pending;             /* label of a branch to a later instruction, -1 none */
    uint8_t pending_undef;
    uint64_t pc;
} Gen;

static int rnd(Gen *g, int n)
{
    return g_rand_int_range(g->r, 0, n);
}

static bool chance(Gen *g, int percent)
{
    return rnd(g, 100) < percent;
}

static int64_t rnd_imm(Gen *g)
{
    uint64_t v = (uint64_t)g_rand_int(g->r) << 32 | g_rand_int(g->r);
    switch (rnd(g, 6)) {
    case 0:
        return (int8_t)v;
    case 1:
        return (int32_t)v;
    case 2:
        return (int64_t)v;
    case 3:
        return 1ll << (v & 63);
    case 4:
        return (int64_t)(uint32_t)v;
    default:
        return rnd(g, 5) - 2;
    }
}

static void note_pc(Gen *g, uint64_t pc)
{
    GenInfo *i = g->info;
    g_assert(i->n < (int)G_N_ELEMENTS(i->at));
    i->at[i->n].pc = pc;
    i->at[i->n++].undef = g->undef;
}

uint8_t gen_undef_at(const GenInfo *info, uint64_t pc)
{
    for (int i = 0; i < info->n; i++) {
        if (info->at[i].pc == pc) {
            return info->at[i].undef;
        }
    }
    return info->undef_end;
}

/* ---- operands ---- */

static IrVal any_global(Gen *g)
{
    return IR_G(rnd(g, 16));
}

/* Mostly spares those that hold pointers. */
static IrVal target_global(Gen *g)
{
    static const uint8_t common[] = {0, 1, 2, 7, 8, 9, 10, 11, 12, 14, 15};
    return chance(g, 4) ? any_global(g) : IR_G(common[rnd(g, G_N_ELEMENTS(common))]);
}

static IrVal source(Gen *g)
{
    if (g->n_temps && chance(g, 55)) {
        return g->temps[rnd(g, g->n_temps)];
    }
    return any_global(g);
}

static IrVal fresh_temp(Gen *g)
{
    return ir_temp_new(g->b);
}

static void temp_written(Gen *g, IrVal v)
{
    if (!ir_is_temp(v)) {
        return;
    }
    for (int i = 0; i < g->n_temps; i++) {
        if (g->temps[i] == v) {
            return;
        }
    }
    if (g->n_temps == MAX_LIVE) {
        g->temps[rnd(g, MAX_LIVE)] = v;
    } else {
        g->temps[g->n_temps++] = v;
    }
}

/* Where a result may go now. A temp not written yet only if the op does not read its dst. */
static IrVal result(Gen *g, bool reads_dst)
{
    if (g->commit && chance(g, 65)) {
        return target_global(g);
    }
    if (g->n_temps && (reads_dst || chance(g, 25))) {
        return g->temps[rnd(g, g->n_temps)];
    }
    if (reads_dst) {
        IrVal t = fresh_temp(g);
        ir_mov(g->b, W64, t, any_global(g));
        temp_written(g, t);
        return t;
    }
    return fresh_temp(g);
}

/* ---- flags ---- */

static void define_flags(Gen *g)
{
    IrOp *o = ir_emit(g->b, OP_setf, W64, IR_NONE, IR_IMM, IR_NONE);
    o->imm = g_rand_int(g->r) & CC_EFLAGS_MASK;
    o->fw = FL_ALL;
    g->undef = 0;
}

/* May these flags be read here? Defines them if it is allowed to. */
static bool flags_usable(Gen *g, uint8_t mask)
{
    if (!(g->undef & mask)) {
        return true;
    }
    if (!g->commit) {
        return false;
    }
    define_flags(g);
    return true;
}

/* Called once the op is complete. */
static void flags_after(Gen *g, const IrOp *op)
{
    uint8_t w = ir_flags_written(g->b, op) & ~ir_flags_kept(op);
    g->undef = (uint8_t)((g->undef & ~w) | ir_flags_undefined(op));
    temp_written(g, op->dst);
    if (ir_op_info[op->op].shape & IRS_D2) {
        temp_written(g, op->c);
    }
}

static uint8_t flags_wanted(Gen *g, unsigned natural)
{
    return g->commit && chance(g, 60) ? (uint8_t)natural : 0;
}

static IrWidth width(Gen *g, IrWidth min)
{
    static const uint8_t usual[] = {W8, W16, W32, W32, W64, W64};
    IrWidth w = usual[rnd(g, G_N_ELEMENTS(usual))];
    return w < min ? (chance(g, 50) ? W32 : W64) : w;
}

/* ---- kinds of ops ---- */

static bool has_vec(const Gen *g)
{
    return g->b->target->vec_offset;
}

static void gen_move(Gen *g)
{
    static const uint8_t ops[] = {OP_mov, OP_mov, OP_zext, OP_sext, OP_bswap, OP_exth, OP_insh,
                                  OP_lea, OP_lea, OP_movnz, OP_ldenv, OP_stenv};
    unsigned op = ops[rnd(g, g->commit ? G_N_ELEMENTS(ops) : G_N_ELEMENTS(ops) - 1)];
    IrWidth w = width(g, op == OP_bswap ? W32 : op == OP_lea ? W16 : W8);
    unsigned to = op == OP_sext ? (unsigned)g_rand_int_range(g->r, W16, W64 + 1) : 0;
    IrOp *o;
    if (op == OP_sext && to <= w) {
        w = to - 1;
    }
    bool partial = op == OP_insh || ((op == OP_mov || op == OP_lea || op == OP_movnz) && w < W32) ||
                   (op == OP_sext && to < W32);
    IrVal dst = op == OP_stenv ? IR_NONE : result(g, partial);
    IrVal a = op == OP_ldenv ? IR_NONE : source(g);
    o = ir_emit(g->b, op, w, dst, a, IR_NONE);
    switch (op) {
    case OP_mov:
        if (chance(g, 30)) {
            o->a = IR_IMM;
            o->imm = rnd_imm(g);
        }
        break;
    case OP_sext:
        o->aux = (uint8_t)to;
        break;
    case OP_lea:
        o->a = chance(g, 85) ? a : IR_NONE;
        o->b = chance(g, 60) ? source(g) : IR_NONE;
        o->aux = (uint8_t)rnd(g, 4);
        o->imm = chance(g, 50) ? (int32_t)rnd_imm(g) : 0;
        break;
    case OP_movnz:
        o->b = source(g);
        o->c = source(g);
        break;
    case OP_ldenv:
    case OP_stenv:
        o->imm = (int64_t)offsetof(FakeEnv, scratch) + rnd(g, 7) * 8 + (chance(g, 30) ? rnd(g, 8) : 0);
        if (has_vec(g) && chance(g, 60)) { /* an element of a vector register */
            o->imm = (int64_t)offsetof(FakeEnv, vec) + rnd(g, FAKE_VECS) * FAKE_VEC_STRIDE + (rnd(g, 16) >> w << w);
        }
        break;
    }
    flags_after(g, o);
}

static void gen_alu(Gen *g)
{
    static const uint8_t ops[] = {
        OP_add, OP_add, OP_adc, OP_sub, OP_sub, OP_sbb, OP_and, OP_or, OP_xor, OP_cmp, OP_cmp,
        OP_test, OP_test, OP_inc, OP_dec, OP_neg, OP_not, OP_imul, OP_bt, OP_bts, OP_btr, OP_btc,
        OP_bsf, OP_bsr, OP_tzcnt, OP_lzcnt, OP_popcnt, OP_andn,
    };
    unsigned op = ops[rnd(g, G_N_ELEMENTS(ops))];
    IrWidth min = op == OP_andn ? W32 : op >= OP_imul ? W16 : W8;
    IrWidth w = width(g, min);
    unsigned sh = ir_op_info[op].shape;
    if (((op == OP_adc || op == OP_sbb) && !flags_usable(g, FL_C)) ||
        (!(sh & IRS_D) && !g->commit)) {
        return;
    }
    IrVal a = source(g), b = sh & IRS_B ? source(g) : IR_NONE;
    IrVal dst = sh & IRS_D ? (chance(g, 40) && ir_is_temp(a) ? a : result(g, w < W32)) : IR_NONE;
    if (g->commit && (sh & IRS_D) && ir_is_global(a) && chance(g, 40) && a != IR_G(FAKE_RSP)) {
        dst = a; /* two-operand form, the most common */
    }
    bool imm_ok = op <= OP_test || op == OP_imul || (op >= OP_bt && op <= OP_btc);
    IrOp *o = ir_emit(g->b, op, w, dst, a, b);
    if (b && imm_ok && chance(g, 35)) {
        o->b = IR_IMM;
        o->imm = rnd_imm(g);
    }
    o->fw = flags_wanted(g, ir_op_info[op].flags);
    flags_after(g, o);
}

static void gen_shift(Gen *g)
{
    static const uint8_t ops[] = {OP_shl, OP_shr, OP_sar, OP_shl, OP_shr, OP_sar, OP_rol,
                                  OP_ror, OP_rcl, OP_rcr, OP_shld, OP_shrd};
    unsigned op = ops[rnd(g, G_N_ELEMENTS(ops))];
    bool dbl = op == OP_shld || op == OP_shrd;
    IrWidth w = width(g, dbl ? W16 : W8);
    bool imm = chance(g, 60);
    int64_t n = chance(g, 30) ? 1 : rnd(g, 70);
    IrVal a = source(g), b = source(g), c = IR_NONE;
    if ((op == OP_rcl || op == OP_rcr) && !flags_usable(g, FL_C)) {
        return;
    }
    if (dbl && w == W16) {
        imm = true; /* beyond 16 the result is undefined */
        n = rnd(g, 17);
    }
    if (!imm) {
        *(dbl ? &c : &b) = chance(g, 50) ? IR_G(FAKE_RCX) : source(g);
    }
    IrVal dst = ir_is_temp(a) && chance(g, 50) ? a : result(g, w < W32);
    IrOp *o = ir_emit(g->b, op, w, dst, a, b);
    o->c = c;
    if (imm) {
        o->imm = n;
        o->b = dbl ? b : IR_IMM;
    }
    o->fw = flags_wanted(g, ir_op_info[op].flags);
    flags_after(g, o);
}

static void gen_mul(Gen *g)
{
    IrWidth w = width(g, W8);
    IrVal dst = chance(g, 60) && g->commit ? IR_G(FAKE_RAX) : result(g, w < W32);
    IrVal hi = IR_NONE;
    if (w != W8) {
        hi = chance(g, 60) && g->commit ? IR_G(FAKE_RDX) : result(g, w < W32);
        if (hi == dst) {
            return;
        }
    }
    IrVal a = chance(g, 50) ? dst : source(g);
    if (ir_is_temp(a) && a == dst && w >= W32) {
        a = source(g);
    }
    IrOp *o = ir_emit(g->b, chance(g, 50) ? OP_mulu2 : OP_muls2, w, dst, a, source(g));
    o->c = hi;
    o->fw = flags_wanted(g, FL_ALL);
    flags_after(g, o);
}

static void gen_flagop(Gen *g)
{
    IrOp *o;
    IrCond cc = (IrCond)rnd(g, 16);
    switch (rnd(g, 6)) {
    case 0:
        if (flags_usable(g, FL_ALL)) {
            o = ir_emit(g->b, OP_getf, W64, result(g, false), IR_NONE, IR_NONE);
            flags_after(g, o);
        }
        break;
    case 1:
        if (g->commit && chance(g, 50)) {
            IrVal a = source(g);
            o = ir_emit(g->b, OP_setf, W64, IR_NONE, a, IR_NONE);
            o->fw = chance(g, 40) ? FL_ALL : chance(g, 50) ? FL_ALL & ~FL_O : (uint8_t)rnd(g, 64);
            flags_after(g, o);
        }
        break;
    case 2:
        if (g->commit && flags_usable(g, FL_C)) {
            o = ir_emit(g->b, OP_cmc, W64, IR_NONE, IR_NONE, IR_NONE);
            o->fw = FL_C;
            flags_after(g, o);
        }
        break;
    case 3:
        if (flags_usable(g, ir_cond_flags(cc))) {
            o = ir_emit(g->b, OP_setcc, W8, result(g, true), IR_NONE, IR_NONE);
            o->cc = cc;
            flags_after(g, o);
        }
        break;
    default:
        if (flags_usable(g, ir_cond_flags(cc))) {
            IrWidth w = width(g, W16);
            IrVal a = source(g), b = source(g);
            IrVal dst = chance(g, 50) && g->commit && ir_is_global(a) ? a : result(g, w < W32);
            o = ir_emit(g->b, OP_cmov, w, dst, a, b);
            o->cc = cc;
            flags_after(g, o);
        }
        break;
    }
}

/* ---- memory ---- */

/* An address in a temp or global; mostly in plain RAM. */
static IrVal address(Gen *g)
{
    static const uint8_t pointers[] = {3, 4, 5, 6, 13};
    IrVal p = IR_G(pointers[rnd(g, G_N_ELEMENTS(pointers))]), t;
    if (chance(g, 30)) {
        return p;
    }
    t = fresh_temp(g);
    if (chance(g, 50)) {
        ir_lea(g->b, W64, t, p, IR_NONE, 0, rnd(g, 512) - 256);
        temp_written(g, t);
        return t;
    }
    int page = (g->what & GEN_FAULTY) && chance(g, 30) ? rnd(g, FAKE_PAGES + 1) : rnd(g, 10);
    IrVal idx = fresh_temp(g);
    ir_alui(g->b, OP_and, W32, idx, any_global(g), chance(g, 50) ? 0xff8 : 0xfff, 0);
    ir_lea(g->b, W64, t, idx, IR_NONE, 0, (int64_t)FAKE_RAM_BASE + page * 4096);
    temp_written(g, idx);
    temp_written(g, t);
    return t;
}

static uint8_t atomic(Gen *g)
{
    return chance(g, 50) ? IR_ATOMIC : 0;
}

/* In so many percent of the cases with these bits alone. */
static IrVal masked_address(Gen *g, int percent, int64_t mask)
{
    IrVal addr = address(g), t = addr;
    if (chance(g, percent)) {
        t = fresh_temp(g);
        ir_alui(g->b, OP_and, W64, t, addr, mask, 0);
        temp_written(g, t);
    }
    return t;
}

/* An address that is often, but not always a multiple of 16. */
static IrVal pair_address(Gen *g)
{
    return masked_address(g, 60, -16);
}

/* Locked accesses across cache lines are rare: kernels that detect them make the thread sleep for some ms. */
static IrVal locked_address(Gen *g, bool locked)
{
    return locked ? masked_address(g, 97, ~0x38) : address(g); /* 8 bytes at the beginning of a line */
}

static void gen_load_pair(Gen *g)
{
    IrVal addr = pair_address(g), first = result(g, false), second = result(g, false);
    if (first != second) {
        IrOp *o = ir_emit(g->b, OP_ldp, W64, first, addr, IR_NONE);
        o->c = second;
        o->aux = (uint8_t)rnd(g, 2);
        o->aux2 = atomic(g);
        temp_written(g, second);
    } else {
        ir_ld(g->b, W64, first, addr, 0);
    }
    temp_written(g, first);
}

static void gen_load(Gen *g)
{
    if (g->repeatable && chance(g, 15)) { /* it may give up, and all be done again */
        gen_load_pair(g);
        return;
    }
    IrVal addr = address(g), dst;
    IrWidth w = width(g, W8);
    if (chance(g, 70)) {
        dst = result(g, false);
        ir_ld(g->b, w, dst, addr, rnd(g, 2));
        g->b->ops[g->b->n_ops - 1].aux2 = atomic(g);
    } else {
        IrWidth to = w == W64 ? W64 : (IrWidth)g_rand_int_range(g->r, w + 1, W64 + 1);
        dst = result(g, to < W32);
        ir_lds(g->b, w, to, dst, addr, rnd(g, 2));
        g->b->ops[g->b->n_ops - 1].aux2 |= atomic(g);
    }
    temp_written(g, dst);
}

static void gen_store_pair(Gen *g)
{
    IrVal addr = pair_address(g), a = source(g), b = source(g);
    IrOp *o = ir_emit(g->b, OP_stp, W64, IR_NONE, addr, a);
    o->c = b;
    o->aux = (uint8_t)rnd(g, 2);
    o->aux2 = atomic(g);
}

static void gen_store(Gen *g)
{
    uint8_t whole = atomic(g);
    IrVal addr = locked_address(g, whole != 0);
    if (chance(g, 25)) {
        ir_sti(g->b, width(g, W8), addr, rnd_imm(g), rnd(g, 2));
    } else if (chance(g, 90)) {
        ir_st(g->b, width(g, W8), addr, source(g), rnd(g, 2));
        g->b->ops[g->b->n_ops - 1].aux2 = whole;
    } else {
        IrOp *o = ir_emit(g->b, OP_probe, width(g, W8), IR_NONE, addr, IR_NONE);
        o->aux2 = (uint8_t)rnd(g, 2);
        o->aux = (uint8_t)rnd(g, 2);
    }
}

/* Faulting ops with results: between the halves. */
static void gen_rmw(Gen *g)
{
    static const uint8_t subs[] = {OP_add, OP_adc, OP_sub, OP_sbb, OP_and, OP_or,  OP_xor,
                                   OP_inc, OP_dec, OP_neg, OP_not, OP_shl, OP_shr, OP_sar,
                                   OP_rol, OP_ror, OP_rcl, OP_rcr, OP_bts, OP_btr, OP_btc};
    unsigned sub = subs[rnd(g, G_N_ELEMENTS(subs))];
    bool reads_c = sub == OP_adc || sub == OP_sbb || sub == OP_rcl || sub == OP_rcr;
    if (reads_c && (g->undef & FL_C)) {
        return;
    }
    bool lock = chance(g, 40);
    IrVal addr = locked_address(g, lock);
    IrWidth w = width(g, sub >= OP_bts ? W16 : W8);
    bool unary = sub == OP_inc || sub == OP_dec || sub == OP_neg || sub == OP_not;
    IrOp *o = ir_rmw(g->b, sub, w, addr, unary ? IR_NONE : source(g), rnd(g, 2), lock,
                     chance(g, 70) ? ir_op_info[sub].flags : 0);
    if (!unary && chance(g, 40)) {
        o->b = IR_IMM;
        o->imm = sub >= OP_shl && sub <= OP_rcr ? rnd(g, 66) : rnd_imm(g);
    }
    flags_after(g, o);
}

static void gen_exchange(Gen *g)
{
    static const uint8_t ops[] = {OP_xchgm, OP_xaddm, OP_cmpxchgm};
    unsigned op = ops[rnd(g, 3)];
    IrVal addr = locked_address(g, true), b = source(g);
    IrWidth w = width(g, W8);
    IrVal dst = op == OP_cmpxchgm && chance(g, 60) ? IR_G(FAKE_RAX) : target_global(g);
    if (op == OP_cmpxchgm && chance(g, 50)) { /* make it succeed */
        IrVal t = fresh_temp(g);
        ir_ld(g->b, w, t, addr, 0);
        temp_written(g, t);
        dst = t;
    } else if (op != OP_cmpxchgm && chance(g, 60) && ir_is_global(b)) {
        dst = b;
    }
    IrOp *o = ir_emit(g->b, op, w, dst, addr, b);
    o->aux = (uint8_t)rnd(g, 2);
    o->aux2 = chance(g, 50) && op != OP_xchgm ? 0x80 : 0;
    o->fw = op != OP_xchgm && chance(g, 80) ? FL_ALL : 0;
    flags_after(g, o);
}

static void gen_div(Gen *g)
{
    IrWidth w = width(g, W8);
    IrVal lo = chance(g, 70) ? IR_G(FAKE_RAX) : target_global(g);
    IrVal hi = w == W8 ? IR_NONE : chance(g, 70) ? IR_G(FAKE_RDX) : target_global(g);
    IrVal d = fresh_temp(g), n = lo;
    if (lo == hi) {
        return;
    }
    ir_alui(g->b, OP_or, W64, d, source(g), chance(g, 90) ? 0x40404040 : 0, 0);
    temp_written(g, d);
    if (hi && chance(g, 90)) { /* a small high half, in temps: mostly no fault */
        n = fresh_temp(g);
        IrVal h = fresh_temp(g);
        ir_mov(g->b, W64, n, lo);
        ir_alui(g->b, OP_and, W64, h, any_global(g), 0x3f, 0);
        temp_written(g, n);
        temp_written(g, h);
        hi = h;
    }
    IrOp *o = ir_emit(g->b, chance(g, 50) ? OP_divu : OP_divs, w, n, IR_NONE, d);
    o->c = hi;
    flags_after(g, o);
}

static void gen_call(Gen *g)
{
    IrOp *o;
    if (!g->commit && chance(g, 50) && (g->what & GEN_MEMORY) && !g->undef) {
        IrVal addr = address(g);
        o = ir_call(g->b, FAKE_H_LOAD, result(g, false), addr, source(g), IR_NONE);
    } else if (g->commit && chance(g, 30) && has_vec(g)) {
        o = ir_call(g->b, FAKE_H_VEC, result(g, false), source(g), source(g), source(g));
    } else if (g->commit && chance(g, 50)) {
        o = ir_call(g->b, FAKE_H_SCRATCH, result(g, false), source(g), source(g), IR_NONE);
    } else {
        o = ir_call(g->b, FAKE_H_MIX, result(g, false), source(g), source(g), source(g));
    }
    flags_after(g, o);
}

/* The one that changes everything. May fault by its nature, so not after a write. */
static void gen_full_call(Gen *g)
{
    if (g->undef == 0) {
        IrVal dst = chance(g, 50) ? result(g, false) : IR_NONE;
        flags_after(g, ir_call(g->b, FAKE_H_FULL, dst, source(g), source(g), source(g)));
    }
}

/* ---- host instructions ---- */

enum { USE_DST = 1, USE_B = 2, USE_MEM = 4, USE_FLAGS = 8 };
static const struct {
    IrHostInsn hi;
    uint8_t use;
} host_table[] = {
    /* paddd, xorps, addps on registers and memory; movdqu store; movd, pmovmskb, crc32, comisd */
    {{.prefix = 0x66, .map = 1, .opcode = 0xfe, .reg_kind = HR_XMM, .rm_kind = HR_XMM, .fpu = 1}, 0},
    {{.map = 1, .opcode = 0x57, .reg_kind = HR_XMM, .rm_kind = HR_XMM, .fpu = 1}, 0},
    {{.prefix = 0x66, .map = 1, .opcode = 0xfe, .reg_kind = HR_XMM, .mem = 1, .size = 16,
      .align = 16, .fpu = 1}, USE_MEM},
    {{.prefix = 0xf3, .map = 1, .opcode = 0x6f, .reg_kind = HR_XMM, .mem = 1, .size = 16,
      .fpu = 1}, USE_MEM},
    {{.prefix = 0xf3, .map = 1, .opcode = 0x7f, .reg_kind = HR_XMM, .mem = 2, .size = 16,
      .fpu = 1}, USE_MEM},
    {{.prefix = 0x66, .map = 1, .opcode = 0x7e, .reg_kind = HR_XMM, .mem = 2, .size = 4,
      .fpu = 1}, USE_MEM},
    {{.prefix = 0x66, .map = 1, .opcode = 0x6e, .reg_kind = HR_XMM, .rm_kind = HR_GPR, .fpu = 1},
     USE_B},
    {{.prefix = 0x66, .map = 1, .opcode = 0x6e, .rexw = 1, .reg_kind = HR_XMM, .rm_kind = HR_GPR,
      .fpu = 1}, USE_B},
    {{.prefix = 0x66, .map = 1, .opcode = 0x7e, .rexw = 1, .reg_kind = HR_XMM, .rm_kind = HR_GPR,
      .dst_w = W64, .fpu = 1}, USE_DST},
    {{.prefix = 0x66, .map = 1, .opcode = 0xd7, .reg_kind = HR_GPR, .rm_kind = HR_XMM,
      .dst_w = W32, .fpu = 1}, USE_DST},
    {{.prefix = 0xf2, .map = 2, .opcode = 0xf1, .reg_kind = HR_GPR, .rm_kind = HR_GPR,
      .dst_w = W32, .dst_rw = 1}, USE_DST | USE_B},
    {{.prefix = 0x66, .map = 2, .opcode = 0x17, .reg_kind = HR_XMM, .rm_kind = HR_XMM, .fpu = 1,
      .fw = FL_ALL}, USE_FLAGS},
};

#define VEX(p, m, o) .prefix = p, .map = m, .opcode = o, .vex = 1, .fpu = 1
#define DNM HV | HV_REG_W | HV_VVVV_R | HV_RM_R
#define DM HV | HV_REG_W | HV_RM_R
static const struct {
    IrHostInsn hi;
    uint8_t use;
} vec_table[] = {
    /* that may fault: vaddps, vdivsd, vsqrtps, vfmadd231ps, vucomisd, vcvttsd2si; loads, stores, an operand in memory */
    {{VEX(0, 1, 0x58), .reg_kind = HR_XMM, .rm_kind = HR_XMM, .vec = DNM | HV_TRAP}, 0},
    {{VEX(0xf2, 1, 0x5e), .reg_kind = HR_XMM, .rm_kind = HR_XMM, .vec = DNM | HV_TRAP}, 0},
    {{VEX(0, 1, 0x51), .reg_kind = HR_XMM, .rm_kind = HR_XMM, .vec = DM | HV_TRAP}, 0},
    {{VEX(0x66, 2, 0xb8), .reg_kind = HR_XMM, .rm_kind = HR_XMM, .vec = DNM | HV_REG_R | HV_TRAP}, 0},
    {{VEX(0x66, 1, 0x2e), .reg_kind = HR_XMM, .rm_kind = HR_XMM, .vec = HV | HV_REG_R | HV_RM_R | HV_TRAP,
      .fw = FL_ALL}, USE_FLAGS},
    {{VEX(0xf2, 1, 0x2c), .rexw = 1, .reg_kind = HR_GPR, .rm_kind = HR_XMM, .dst_w = W64,
      .vec = HV | HV_RM_R | HV_TRAP}, USE_DST},
    {{VEX(0, 1, 0x10), .reg_kind = HR_XMM, .mem = 1, .size = 16, .vec = HV | HV_REG_W}, USE_MEM},
    {{VEX(0xf3, 1, 0x7e), .reg_kind = HR_XMM, .mem = 1, .size = 8, .vec = HV | HV_REG_W}, USE_MEM},
    {{VEX(0, 1, 0x11), .reg_kind = HR_XMM, .mem = 2, .size = 16, .vec = HV | HV_REG_R}, USE_MEM},
    {{VEX(0x66, 1, 0x7e), .reg_kind = HR_XMM, .mem = 2, .size = 4, .vec = HV | HV_REG_R}, USE_MEM},
    {{VEX(0x66, 1, 0xfe), .reg_kind = HR_XMM, .mem = 1, .size = 16, .vec = HV | HV_REG_W | HV_VVVV_R}, USE_MEM},
    /* VEC_PLAIN of them: vpaddd, vpshufb, vpmovsxbw, vmovq both ways, vpinsrw, vpslld, vmovhlps, vpblendvb in two */
    {{VEX(0x66, 1, 0xfe), .reg_kind = HR_XMM, .rm_kind = HR_XMM, .vec = DNM}, 0},
    {{VEX(0x66, 2, 0x00), .reg_kind = HR_XMM, .rm_kind = HR_XMM, .vec = DNM}, 0},
    {{VEX(0x66, 2, 0x20), .reg_kind = HR_XMM, .rm_kind = HR_XMM, .vec = DM}, 0},
    {{VEX(0x66, 1, 0x6e), .rexw = 1, .reg_kind = HR_XMM, .rm_kind = HR_GPR, .vec = HV | HV_REG_W}, USE_B},
    {{VEX(0x66, 1, 0x7e), .rexw = 1, .reg_kind = HR_XMM, .rm_kind = HR_GPR, .dst_w = W64, .vec = HV | HV_REG_R},
     USE_DST},
    {{VEX(0x66, 1, 0xc4), .has_imm = 1, .imm8 = 5, .reg_kind = HR_XMM, .rm_kind = HR_GPR,
      .vec = HV | HV_REG_W | HV_VVVV_R}, USE_B},
    {{VEX(0x66, 1, 0x72), .has_imm = 1, .imm8 = 7, .reg = 6, .rm_kind = HR_XMM, .vec = HV | HV_VVVV_W | HV_RM_R | HV_RM_REG}, 0},
    {{VEX(0, 1, 0x12), .reg_kind = HR_XMM, .rm_kind = HR_XMM, .vec = DNM | HV_RM_REG}, 0},
    {{VEX(0x66, 2, 0x17), .reg_kind = HR_XMM, .rm_kind = HR_XMM, .vec = HV | HV_REG_R | HV_RM_R, .fw = FL_ALL},
     USE_FLAGS},
};
#define VEC_PLAIN 9

/* plain: one that can not fault. */
static void gen_vecop(Gen *g, bool plain)
{
    int faulting = G_N_ELEMENTS(vec_table) - VEC_PLAIN;
    int k = plain ? faulting + rnd(g, VEC_PLAIN) : rnd(g, faulting);
    unsigned use = vec_table[k].use;
    if ((use & USE_MEM) && !(g->what & GEN_MEMORY)) {
        return;
    }
    IrVal addr = use & USE_MEM ? address(g) : IR_NONE;
    IrVal b = use & USE_B ? source(g) : IR_NONE, dst = use & USE_DST ? result(g, false) : IR_NONE;
    IrHostInsn *hi = ir_hostop(g->b, dst, addr, b);
    *hi = vec_table[k].hi;
    if (hi->reg_kind == HR_XMM) {
        hi->reg = (uint8_t)rnd(g, FAKE_VECS + 4);
    }
    if (hi->rm_kind == HR_XMM) {
        hi->rm = (uint8_t)rnd(g, FAKE_VECS + 4);
    }
    if (hi->vec & (HV_VVVV_R | HV_VVVV_W)) {
        hi->vvvv = (uint8_t)rnd(g, FAKE_VECS + 4);
    }
    g->b->uses_fpu |= hi->fpu;
    flags_after(g, &g->b->ops[g->b->n_ops - 1]);
}

static void gen_hostop(Gen *g)
{
    if (has_vec(g)) {
        gen_vecop(g, false);
        return;
    }
    int k = rnd(g, G_N_ELEMENTS(host_table));
    unsigned use = host_table[k].use;
    IrVal addr = use & USE_MEM ? address(g) : IR_NONE;
    IrVal dst = IR_NONE, b = use & USE_B ? source(g) : IR_NONE;
    if (use & USE_DST) {
        dst = chance(g, 50) || host_table[k].hi.dst_rw ? target_global(g) : fresh_temp(g);
    }
    IrHostInsn *hi = ir_hostop(g->b, dst, addr, b);
    *hi = host_table[k].hi;
    if (hi->reg_kind == HR_XMM) {
        hi->reg = (uint8_t)rnd(g, 16);
    }
    if (hi->rm_kind == HR_XMM) {
        hi->rm = (uint8_t)rnd(g, 16);
    }
    g->b->uses_fpu |= hi->fpu;
    flags_after(g, &g->b->ops[g->b->n_ops - 1]);
}

/* ---- instructions ---- */

static void gen_plain(Gen *g)
{
    int k = rnd(g, 100);
    if (g->commit && has_vec(g) && (g->what & GEN_HOSTOP) && chance(g, 40)) {
        gen_vecop(g, true);
    } else if (k < 30) {
        gen_move(g);
    } else if (k < 65) {
        gen_alu(g);
    } else if (k < 80) {
        gen_shift(g);
    } else if (k < 85) {
        gen_mul(g);
    } else if (k < 97 || !(g->what & GEN_CALLS)) {
        gen_flagop(g);
    } else {
        gen_call(g);
    }
}

static void gen_faulting(Gen *g)
{
    int k = rnd(g, 100);
    if (!(g->what & GEN_MEMORY) || k < 30) {
        gen_plain(g);
    } else if (k < 65 || g->repeatable) {
        gen_load(g);
    } else {
        gen_store(g);
    }
}

/* A few ops that a branch may skip. What they write into temps is not known to be written after. */
static void gen_skipped(Gen *g, void (*body)(Gen *))
{
    IrCond cc = (IrCond)rnd(g, 16);
    bool on_flags = chance(g, 50) && flags_usable(g, ir_cond_flags(cc));
    int l = ir_label_new(g->b);
    IrOp *o = ir_branch(g->b, on_flags ? OP_brcc : chance(g, 50) ? OP_brz : OP_brnz, width(g, W8),
                        IR_NONE, l);
    if (on_flags) {
        o->cc = cc;
    } else {
        o->a = source(g);
    }
    IrVal temps[MAX_LIVE];
    int n = g->n_temps;
    uint8_t undef = g->undef;
    memcpy(temps, g->temps, sizeof(temps));
    for (int i = rnd(g, 4); i >= 0; i--) {
        body(g);
    }
    if (chance(g, 25)) { /* if-else */
        int end = ir_label_new(g->b);
        uint8_t u = g->undef;
        ir_branch(g->b, OP_br, W8, IR_NONE, end);
        ir_label(g->b, l);
        memcpy(g->temps, temps, sizeof(temps));
        g->n_temps = n;
        g->undef = undef;
        body(g);
        ir_label(g->b, end);
        g->undef |= u;
    } else {
        ir_label(g->b, l);
        g->undef |= undef;
    }
    memcpy(g->temps, temps, sizeof(temps));
    g->n_temps = n;
}

static void gen_ops(Gen *g, void (*body)(Gen *), int n)
{
    for (int i = 0; i < n; i++) {
        if ((g->what & GEN_LABELS) && chance(g, 10)) {
            gen_skipped(g, body);
        } else {
            body(g);
        }
    }
}

static void gen_pivot(Gen *g)
{
    int k = g->repeatable ? rnd(g, 8) : 3;
    g->commit = true;
    if (k < 2 && (g->what & GEN_MEMORY)) {
        gen_rmw(g);
    } else if (k < 3 && (g->what & GEN_MEMORY)) {
        gen_exchange(g);
    } else if (k < 4 && (g->what & GEN_MEMORY)) {
        if (g->repeatable && chance(g, 50)) {
            gen_store_pair(g);
        } else {
            gen_load(g);
        }
    } else if (k < 5 && (g->what & GEN_DIV)) {
        gen_div(g);
    } else if (k < 7 && (g->what & GEN_HOSTOP)) {
        gen_hostop(g);
    } else if ((g->what & GEN_CALLS) && chance(g, 30)) {
        gen_full_call(g);
    }
}

static void gen_side_exit(Gen *g)
{
    IrCond cc = (IrCond)rnd(g, 16);
    if (g->exits >= TCG_MAX_EDGES - 1 || !flags_usable(g, ir_cond_flags(cc))) {
        return;
    }
    uint64_t to = chance(g, 50) ? g->pc + 0x1000 : g->pc - 0x2000;
    IrOp *o = ir_emit(g->b, OP_jcc, W8, IR_NONE, IR_NONE, IR_NONE);
    o->cc = cc;
    o->imm = (int64_t)to;
    g->exits++;
    note_pc(g, to);
}

/* A branch over whole guest instructions. */
static void gen_skip_insns(Gen *g)
{
    IrCond cc = (IrCond)rnd(g, 16);
    if (g->pending >= 0 || !flags_usable(g, ir_cond_flags(cc))) {
        return;
    }
    g->pending = ir_label_new(g->b);
    g->pending_undef = g->undef;
    if (chance(g, 50)) {
        ir_branch(g->b, OP_brcc, W8, IR_NONE, g->pending)->cc = cc;
    } else {
        ir_branch(g->b, OP_brnz, W64, source(g), g->pending);
    }
}

static void place_pending(Gen *g)
{
    ir_label(g->b, g->pending);
    g->undef |= g->pending_undef;
    g->pending = -1;
}

static void gen_insn(Gen *g)
{
    if (g->pending >= 0 && chance(g, 40)) {
        place_pending(g);
    }
    g->n_temps = 0;
    g->commit = false;
    g->repeatable = chance(g, 60);
    note_pc(g, g->pc);
    ir_insn(g->b, g->pc);
    if ((g->what & GEN_SPILL) && chance(g, 15)) {
        for (int i = 0; i < 40; i++) {
            IrVal t = fresh_temp(g);
            ir_alui(g->b, OP_add, W64, t, any_global(g), i, 0);
            temp_written(g, t);
        }
    }
    gen_ops(g, gen_faulting, rnd(g, 4));
    gen_pivot(g);
    gen_ops(g, gen_plain, rnd(g, 5));
    if ((g->what & GEN_EXITS) && chance(g, 15)) {
        gen_side_exit(g);
    }
    if ((g->what & GEN_LABELS) && chance(g, 15)) {
        gen_skip_insns(g);
    }
    g->pc += (uint64_t)rnd(g, 9) + 1;
}

static void gen_end(Gen *g)
{
    IrVal t;
    if (g->pending >= 0) {
        place_pending(g);
        note_pc(g, g->pc);
        ir_insn(g->b, g->pc++);
        g->n_temps = 0;
    }
    if (chance(g, 60)) {
        uint64_t to = chance(g, 50) ? g->pc : 0x7777777700000000ull;
        IrOp *o = ir_emit(g->b, OP_jmp, W8, IR_NONE, IR_NONE, IR_NONE);
        o->imm = (int64_t)to;
        note_pc(g, to);
    } else if (chance(g, 70)) {
        IrVal a = source(g);
        ir_emit(g->b, OP_jmpind, W64, IR_NONE, a, IR_NONE)->aux = (uint8_t)rnd(g, 3);
    } else {
        t = fresh_temp(g);
        ir_movi(g->b, W64, t, 0x123456789);
        ir_emit(g->b, OP_stenv, W64, IR_NONE, t, IR_NONE)->imm = offsetof(FakeEnv, pc);
        ir_emit(g->b, OP_exit, W8, IR_NONE, IR_NONE, IR_NONE)->aux = (uint8_t)rnd(g, 2);
        note_pc(g, 0x123456789);
    }
    g->info->undef_end = g->undef;
}

void gen_block(GRand *r, IrBlock *b, unsigned what, GenInfo *info)
{
    Gen g = {.r = r, .b = b, .info = info, .what = what, .pending = -1,
             .pc = 0xffffffff80001000ull};
    memset(info, 0, sizeof(*info));
    ir_block_reset(b, g.pc, 0);
    for (int i = g_rand_int_range(r, 1, 13); i > 0; i--) {
        gen_insn(&g);
    }
    b->guest_bytes = (uint32_t)(g.pc - b->pc);
    gen_end(&g);
}
