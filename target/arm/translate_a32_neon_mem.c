/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A32 and T32 Advanced SIMD loads and stores of elements and structures: VLD1..VLD4, VST1..VST4 of multiple structures, of
 * one, and to all lanes (Arm ARM F4.1.22, F6.1). What goes beyond D31 is UNPREDICTABLE, as is R15 as base: UNDEFINED here.
 */
#include "target/arm/translate_a32_neon.h"

/* A transfer: registers d, d + step ...; elements of 1 << size bytes; align: of the address, 1: as SCTLR.A says. */
typedef struct Access {
    bool load;
    unsigned d, regs, step, size, align;
    unsigned rn, rm;
} Access;

static IrVal offset(ArmTr *s, IrVal base, unsigned bytes)
{
    IrVal t = tr_temp(s);
    ir_lea(s->b, W32, t, base, IR_NONE, 0, bytes);
    return t;
}

/* Allowed, and the address; IR_NONE: the exception has been made. */
static IrVal begin(ArmTr *s, const Access *x)
{
    if (!neon_need(s, x->rn != 15 && x->d + (x->regs - 1) * x->step < 32) || !aa32_simd_enabled(s)) {
        return IR_NONE;
    }
    bool aligned = x->align > 1;
    return tr_address(s, IR_G(x->rn), aligned ? x->align : 1u << x->size, !x->load, aligned ? ALIGN_ATOMIC : ALIGN_ANY, true);
}

/* Rm is 15: the base stays; 13: behind what was accessed; else plus Rm. */
static void end(ArmTr *s, const Access *x, unsigned bytes)
{
    if (x->rm == 13) {
        ir_lea(s->b, W32, IR_G(x->rn), IR_G(x->rn), IR_NONE, 0, bytes);
    } else if (x->rm != 15) {
        ir_alu(s->b, OP_add, W32, IR_G(x->rn), IR_G(x->rn), IR_G(x->rm), 0);
    }
}

/* ---- multiple structures ---- */

/* Whole Q registers: at most two. The second first, and a loaded one apart: a fault must find the registers as they were. */
static void quadwords(ArmTr *s, const Access *x, IrVal addr)
{
    unsigned v = x->d / 2;
    bool two = x->regs == 4;
    if (x->load) {
        if (two) {
            vec_load(s, 16, VEC_T0, offset(s, addr, 16), s->mmu);
        }
        vec_load(s, 16, v, addr, s->mmu);
        if (two) {
            vec_move(s, 16, v + 1, VEC_T0);
        }
        return;
    }
    if (two) {
        vec_store(s, 16, v + 1, offset(s, addr, 16), s->mmu);
    }
    vec_store(s, 16, v, addr, s->mmu);
}

/* VLD1, VST1: registers one after the other. */
static void consecutive(ArmTr *s, const Access *x, IrVal addr)
{
    IrVal v[4];
    if (!((x->d | x->regs) & 1) && vec_host_access(s, 16)) {
        quadwords(s, x, addr);
        return;
    }
    for (unsigned i = 0; i < x->regs; i++) {
        IrVal at = offset(s, addr, 8 * i);
        if (x->load) {
            v[i] = tr_load(s, W64, at, s->mmu);
        } else {
            tr_store(s, W64, at, tr_ldenv(s, W64, neon_env(x->d + i)), s->mmu);
        }
    }
    for (unsigned i = 0; x->load && i < x->regs; i++) {
        tr_stenv(s, W64, neon_env(x->d + i), v[i]);
    }
}

/* By the field type: registers, elements of a structure, step between its registers. */
static const struct {
    uint8_t regs, elements, step;
} types[11] = {{4, 4, 1}, {4, 4, 2}, {4, 1, 1}, {4, 2, 2}, {3, 3, 1}, {3, 3, 2}, {3, 1, 1}, {1, 1, 1}, {2, 2, 1},
               {2, 2, 2}, {2, 1, 1}};

/* Alignments of 16 and 32 bytes are there for so many registers. */
static bool alignment_allowed(unsigned regs, unsigned align)
{
    return align < 2 || (align == 2 && regs % 2 == 0) || regs == 4;
}

void trans_a32_nldst_multi(ArmTr *s, const a32_nldst_multi *a)
{
    unsigned regs = types[a->type].regs, elements = types[a->type].elements, step = types[a->type].step;
    Access x = {.load = a->L, .d = NEON_D(a), .regs = regs, .step = 1, .size = a->size,
                .align = a->align ? 4u << a->align : 1, .rn = a->Rn, .rm = a->Rm};
    /* The last register: VLD2 with four has two structures, of d and d + 2, then of d + 1 and d + 3. */
    if (elements == regs) {
        x.step = step;
    }
    if (!neon_need(s, alignment_allowed(regs, a->align) && (a->size < 3 || elements == 1))) {
        return;
    }
    IrVal addr = begin(s, &x);
    if (addr == IR_NONE) {
        return;
    }
    if (elements == 1 && !(s->mode & MODE_BE)) {
        consecutive(s, &x, addr);
    } else {
        bool be = s->mode & MODE_BE;
        unsigned desc = x.d | regs << 5 | elements << 8 | a->size << 12 | (unsigned)be << 15 | 1u << 16 | step << 17;
        tr_call_void(s, x.load ? HELPER_ld_struct : HELPER_st_struct, addr, tr_const(s, desc), tr_const(s, s->mmu));
    }
    end(s, &x, 8 * regs);
}

/* ---- one structure ---- */

/* Index, step and alignment by index_align; false: UNDEFINED. */
static bool decode_one(Access *x, unsigned ia, unsigned *index)
{
    unsigned bytes = x->regs << x->size, a = x->size == 2 ? ia & 3 : ia & 1;
    *index = ia >> (x->size + 1);
    x->step = x->regs > 1 && x->size && ia & (1u << x->size) ? 2 : 1;
    switch (x->regs) {
    case 1:
        x->align = a ? 1u << x->size : 1;
        return x->size == 0 ? a == 0 : x->size == 1 ? !(ia & 2) : !(ia & 4) && (a == 0 || a == 3);
    case 2:
        x->align = a ? bytes : 1;
        return a < 2;
    case 3:
        x->align = 1;
        return a == 0;
    default:
        x->align = a == 0 ? 1 : x->size == 2 ? 4u << a : bytes;
        return a < 3;
    }
}

void trans_a32_nldst_one(ArmTr *s, const a32_nldst_one *a)
{
    Access x = {.load = a->L, .d = NEON_D(a), .regs = a->nn + 1, .size = a->size, .rn = a->Rn, .rm = a->Rm};
    unsigned index;
    IrVal v[4];
    IrWidth w = (IrWidth)a->size;
    if (!neon_need(s, decode_one(&x, a->ia, &index))) {
        return;
    }
    IrVal addr = begin(s, &x);
    if (addr == IR_NONE) {
        return;
    }
    for (unsigned i = 0; i < x.regs; i++) {
        IrVal at = offset(s, addr, i << x.size);
        if (x.load) {
            v[i] = tr_load(s, w, at, s->mmu);
        } else {
            tr_store(s, w, at, tr_ldenv(s, w, neon_env(x.d + i * x.step) + (int64_t)(index << x.size)), s->mmu);
        }
    }
    for (unsigned i = 0; x.load && i < x.regs; i++) {
        tr_stenv(s, w, neon_env(x.d + i * x.step) + (int64_t)(index << x.size), v[i]);
    }
    end(s, &x, x.regs << x.size);
}

/* ---- to all lanes ---- */

/* Size 3 is of VLD4 alone: words, aligned to 16. */
static bool decode_all(Access *x, unsigned size, unsigned a)
{
    x->size = size == 3 ? 2 : size;
    switch (x->regs) {
    case 1:
        x->align = a ? 1u << size : 1;
        return size < 3 && !(size == 0 && a);
    case 2:
        x->align = a ? 2u << size : 1;
        return size < 3;
    case 3:
        x->align = 1;
        return size < 3 && !a;
    default:
        x->align = size == 3 ? 16 : !a ? 1 : size == 2 ? 8 : 4u << size;
        return size < 3 || a;
    }
}

void trans_a32_nld_all(ArmTr *s, const a32_nld_all *a)
{
    Access x = {.load = true, .d = NEON_D(a), .regs = a->nn + 1, .step = a->T + 1, .rn = a->Rn, .rm = a->Rm};
    unsigned copies = a->nn == 0 ? a->T + 1 : 1; /* VLD1 to one or two registers */
    IrVal v[4];
    if (!neon_need(s, decode_all(&x, a->size, a->a)) || !neon_need(s, x.d + copies <= 32)) {
        return;
    }
    IrVal addr = begin(s, &x);
    if (addr == IR_NONE) {
        return;
    }
    for (unsigned i = 0; i < x.regs; i++) {
        v[i] = tr_load(s, (IrWidth)x.size, offset(s, addr, i << x.size), s->mmu);
    }
    for (unsigned i = 0; i < x.regs; i++) {
        IrVal all = vec_replicate(s, v[i], x.size);
        for (unsigned k = 0; k < copies; k++) {
            tr_stenv(s, W64, neon_env(x.d + i * x.step + k), all);
        }
    }
    end(s, &x, x.regs << x.size);
}
