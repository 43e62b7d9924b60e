/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Storing flags before each instruction that destroys the host's costs more than
 * making them again. When the operation that made them can be repeated from
 * registers that are still as they were, memory accesses and operations without
 * flags leave them behind; who reads them, or the slow path of an access before C
 * code looks at them, repeats the operation.
 */
#include "accel/tcg/host/x86_64/emit.h"

static bool stable(IrVal v)
{
    return ir_is_global(v);
}

static bool set(Emit *e, const IrOp *op, RecipeKind kind, IrVal a, IrVal b)
{
    if (!stable(a) || !(b == IR_IMM ? op->imm == (int32_t)op->imm : b == IR_NONE || stable(b))) {
        return false;
    }
    e->recipe = (Recipe){.kind = (uint8_t)kind, .w = op->w, .a = a, .b = b, .imm = (int32_t)op->imm};
    return true;
}

static bool recipe_of(Emit *e, const IrOp *op)
{
    switch (op->op) {
    case OP_and:
    case OP_or:
    case OP_xor:
        return set(e, op, RECIPE_RESULT, op->dst, IR_NONE);
    case OP_test:
        return set(e, op, RECIPE_TEST, op->a, op->b);
    case OP_cmp:
        return set(e, op, RECIPE_CMP, op->a, op->b);
    case OP_sub:
        return op->b != op->dst && set(e, op, RECIPE_SUB, op->dst, op->b);
    case OP_add:
        if (op->b == op->dst) {
            return op->a != op->dst && set(e, op, RECIPE_ADD, op->dst, op->a);
        }
        return set(e, op, RECIPE_ADD, op->dst, op->b);
    default:
        return false;
    }
}

void recipe_note(Emit *e, const IrOp *op)
{
    if (op->fw == FL_ALL && flags_live(op) && recipe_of(e, op)) {
        e->R = FL_ALL;
        e->n_recipes++;
    }
}

static bool names(const Recipe *r, IrVal v)
{
    return v >= 2 && (r->a == v || r->b == v);
}

/* Does op write a register that the recipe needs? */
static bool writes(const Recipe *r, const IrOp *op)
{
    return names(r, op->dst) || ((ir_op_info[op->op].shape & IRS_D2) && names(r, op->c));
}

static bool overwrites_all(const Emit *e, const IrOp *op)
{
    return ir_flags_written(e->ir, op) == FL_ALL && !ir_flags_kept(op) &&
           !ir_flags_read(e->ir, op) && !ir_may_fault(e->ir, op);
}

/*
 * Called before an op while there is a recipe. If the op writes what the recipe needs and the flags
 * are nowhere else, they go to env->cc now, unless only this op's own fault wants them.
 */
bool recipe_before(Emit *e, const IrOp *op)
{
    if (!writes(&e->recipe, op)) {
        return false;
    }
    bool elsewhere = e->M == FL_ALL || e->H == FL_ALL;
    if (!elsewhere && !overwrites_all(e, op) && flags_live(op)) {
        flags_save(e, FL_ALL);
    }
    return true;
}

bool recipe_survives(const Emit *e, const IrOp *op)
{
    return e->R && !op->fw && !writes(&e->recipe, op);
}

void recipe_carry(Emit *e, RecipeCarry how)
{
    static const uint8_t inverted[] = {RECIPE_CMC, RECIPE_CLC, RECIPE_STC, RECIPE_CARRY};
    e->recipe.carry = how == RECIPE_CMC ? inverted[e->recipe.carry] : (uint8_t)how;
}

/* Can this access leave the flags before it to the recipe? */
static bool leaves_to_recipe(const Emit *e, const IrOp *op)
{
    switch (op->op) {
    case OP_ld:
    case OP_lds:
    case OP_ldp:
        return !flags_live(op) || !writes(&e->recipe, op);
    case OP_st:
    case OP_stp:
        return true;
    case OP_rmw:
        return op->fw == 0 || (op->fw == FL_ALL && op->sub != OP_adc && op->sub != OP_sbb &&
               !(op->sub >= OP_shl && op->sub <= OP_rcr));
    default:
        return false;
    }
}

void flags_defer(Emit *e, const IrOp *op, bool *deferred)
{
    *deferred = e->M != FL_ALL && e->R && leaves_to_recipe(e, op);
    if (*deferred) {
        e->H = 0;
    } else {
        flags_clobber(e, FL_ALL);
    }
}

/* op s, b by digit */
static void with_b(Emit *e, const Recipe *r, unsigned digit, int s)
{
    if (r->b == IR_IMM) {
        a_alu_i(&e->a, digit, r->w, rm_r(s), r->imm, 0);
    } else {
        a_alu_rm(&e->a, digit, r->w, (unsigned)s, val_rm(e, r->b));
    }
}

static void test_b(Emit *e, const Recipe *r, int s)
{
    Asm *a = &e->a;
    if (r->b != IR_IMM) {
        Rm m = val_rm(e, r->b);
        ins(a, r->w == W8 ? 0x84 : 0x85, r->w, (unsigned)s, m);
        return;
    }
    ins(a, r->w == W8 ? 0xf6 : 0xf7, r->w, 0, rm_r(s));
    if (r->w == W8) {
        e8(a, (unsigned)r->imm);
    } else if (r->w == W16) {
        e16(a, (unsigned)r->imm);
    } else {
        e32(a, (uint32_t)r->imm);
    }
}

bool recipe_direct(const Emit *e, const Recipe *r)
{
    return r->kind <= RECIPE_CMP && e->greg[ir_global(r->a)] >= 0;
}

void flags_recompute(Emit *e, const Recipe *r, int s)
{
    Asm *a = &e->a;
    if (recipe_direct(e, r)) {
        s = e->greg[ir_global(r->a)];
    } else {
        a_mov(a, r->w < W32 ? W32 : r->w, (unsigned)s, val_rm(e, r->a));
    }
    switch (r->kind) {
    case RECIPE_RESULT:
        ins(a, r->w == W8 ? 0x84 : 0x85, r->w, (unsigned)s, rm_r(s));
        break;
    case RECIPE_TEST:
        test_b(e, r, s);
        break;
    case RECIPE_CMP:
        with_b(e, r, 7, s);
        break;
    case RECIPE_ADD:
        with_b(e, r, 5, s);
        with_b(e, r, 0, s);
        break;
    case RECIPE_SUB:
        with_b(e, r, 0, s);
        with_b(e, r, 7, s);
        break;
    }
    if (r->carry != RECIPE_CARRY) {
        e8(a, r->carry == RECIPE_STC ? 0xf9 : r->carry == RECIPE_CLC ? 0xf8 : 0xf5);
    }
}
