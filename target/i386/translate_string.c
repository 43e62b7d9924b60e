/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * String instructions. With a REP prefix the helper does all of them page-wise;
 * a single step is IR.
 */
#include "target/i386/translate.h"

enum { MOVS, CMPS, STOS, LODS, SCAS, INS, OUTS };

static IrVal index_register(X86Tr *s, int reg)
{
    return s->i.asz == W64 ? IR_G(reg) : tr_zext(s, s->i.asz, IR_G(reg));
}

static IrVal source(X86Tr *s, IrWidth w)
{
    int seg = s->i.seg >= 0 ? s->i.seg : S_DS;
    return tr_read(s, w, tr_linear(s, seg, index_register(s, R_SI), 1u << w, false));
}

static IrVal destination(X86Tr *s, IrWidth w, bool write)
{
    return tr_linear(s, S_ES, index_register(s, R_DI), 1u << w, write);
}

/* +-bytes of one element by the direction flag */
static IrVal step(X86Tr *s, IrWidth w)
{
    IrVal d = tr_ldenv(s, W8, ENV(df8)), v = tr_temp(s);
    ir_emit(s->b, OP_sext, W8, v, d, IR_NONE)->aux = W64;
    return w == W8 ? v : (tr_alu(s, OP_shl, W64, v, v, (Src){IR_IMM, (int)w}, 0), v);
}

static void advance(X86Tr *s, int reg, IrVal by)
{
    ir_lea(s->b, s->i.asz, IR_G(reg), IR_G(reg), by, 0, 0);
}

static void one_step(X86Tr *s, int kind, IrWidth w)
{
    IrVal by, v, d;
    switch (kind) {
    case MOVS:
        v = source(s, w);
        ir_st(s->b, w, destination(s, w, true), v, s->mmu);
        by = step(s, w);
        advance(s, R_SI, by);
        advance(s, R_DI, by);
        break;
    case STOS:
        ir_st(s->b, w, destination(s, w, true), IR_G(R_AX), s->mmu);
        advance(s, R_DI, step(s, w));
        break;
    case LODS:
        v = source(s, w);
        by = step(s, w);
        advance(s, R_SI, by);
        ir_mov(s->b, w, IR_G(R_AX), v);
        break;
    case SCAS:
        v = tr_read(s, w, destination(s, w, false));
        advance(s, R_DI, step(s, w));
        ir_alu(s->b, OP_cmp, w, IR_NONE, IR_G(R_AX), v, FL_ALL);
        break;
    case CMPS:
        v = source(s, w);
        d = tr_read(s, w, destination(s, w, false));
        by = step(s, w);
        advance(s, R_SI, by);
        advance(s, R_DI, by);
        ir_alu(s->b, OP_cmp, w, IR_NONE, v, d, FL_ALL);
        break;
    }
}

static void string_helper(X86Tr *s, int kind, IrWidth w, int rep)
{
    int seg = s->i.seg >= 0 ? s->i.seg : S_DS;
    int64_t a = kind | w << 4 | rep << 8 | (int64_t)s->i.asz << 12 | (int64_t)seg << 16;
    tr_call_void(s, HELPER_string, tr_const(s, a), tr_const(s, (int64_t)s->next), IR_NONE);
    tr_end_helper(s);
}

void trans_string(X86Tr *s)
{
    int kind = s->i.row->arg;
    IrWidth w = s->i.opcode & 1 ? s->i.osz : W8;
    if (s->i.rep) {
        bool compares = kind == CMPS || kind == SCAS;
        string_helper(s, kind, w, compares && s->i.rep == 0xf2 ? 2 : 1);
    } else {
        one_step(s, kind, w);
    }
}

void trans_iostring(X86Tr *s)
{
    IrWidth w = !(s->i.opcode & 1) ? W8 : s->i.osz == W16 ? W16 : W32;
    string_helper(s, s->i.row->arg, w, s->i.rep ? 1 : 0);
}
