/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See gen.h. */
#include "tests/insn/gen.h"
#include "accel/tcg/ir.h"

typedef struct Out {
    uint8_t *p;
    unsigned n;
} Out;

static void put(Out *o, unsigned byte)
{
    o->p[o->n++] = (uint8_t)byte;
}

static bool chance(GRand *r, int percent)
{
    return g_rand_int_range(r, 0, 100) < percent;
}

static int pick_prefix_class(GRand *r, const X86Row *row)
{
    if (row->prefixes == 15) {
        return 0;
    }
    int c;
    do {
        c = g_rand_int_range(r, 0, 4);
    } while (!(row->prefixes >> c & 1));
    return c;
}

/* Does the operand size show in some operand? */
static bool sized(const X86Row *row)
{
    for (int n = 0; n < row->n_ops; n++) {
        if (row->op[n].sz == SZ_V || row->op[n].sz == SZ_Z || row->op[n].sz == SZ_Y) {
            return true;
        }
    }
    return row->n_ops == 0 && row->map == 0;
}

static void put_prefixes(GRand *r, const X86Row *row, const GenOpts *o, Out *out)
{
    static const uint8_t bytes[4] = {0, 0x66, 0xf3, 0xf2};
    int c = pick_prefix_class(r, row);
    if (c == 0 && (row->prefixes == 15 || (row->prefixes & 2)) && sized(row) && chance(r, 20)) {
        put(out, 0x66);
    } else if (c) {
        if ((row->bits & ROW_R66) && chance(r, 20)) {
            put(out, 0x66);
        }
        put(out, bytes[c]);
    }
    if (row->trans == X86T_string && chance(r, 50)) {
        put(out, chance(r, 50) ? 0xf2 : 0xf3);
    }
    if ((row->bits & ROW_LOCK) && chance(r, 10)) {
        put(out, 0xf0);
    }
    if (o->bits == 64 && chance(r, sized(row) ? 60 : 30)) {
        put(out, 0x40 | g_rand_int_range(r, 0, 16));
    }
}

static void put_random(GRand *r, Out *o, unsigned n)
{
    while (n--) {
        put(o, chance(r, 20) ? (chance(r, 50) ? 0 : 0xff) : (unsigned)g_rand_int_range(r, 0, 256));
    }
}

/* Memory through RDI (or R15 when REX.B is set): [base + disp32 < 2048]. */
static void put_clean_mem(GRand *r, Out *o, unsigned reg)
{
    unsigned disp = (unsigned)g_rand_int_range(r, 0, 2040);
    if (chance(r, 60)) {
        disp &= ~15u;
    }
    put(o, 0x80 | reg << 3 | 7);
    put(o, disp & 255);
    put(o, disp >> 8);
    put(o, 0);
    put(o, 0);
}

/* [RDI or R15 + vector index * scale + disp]; registers 5 and 13 hold small numbers (insn_random_state). */
static void put_vsib(GRand *r, const GenOpts *g, Out *o, unsigned reg)
{
    unsigned index = chance(r, 60) ? 5 : (unsigned)g_rand_int_range(r, 0, 8);
    unsigned base = g->clean_bases ? 7 : (unsigned)g_rand_int_range(r, 0, 8);
    put(o, 0x80 | reg << 3 | 4);
    put(o, (unsigned)g_rand_int_range(r, 0, 4) << 6 | index << 3 | base);
    put(o, g_rand_int_range(r, 0, 256));
    put(o, g_rand_int_range(r, 0, 4));
    put(o, 0);
    put(o, 0);
}

static void put_mem(GRand *r, const GenOpts *g, Out *o, unsigned reg)
{
    if (g->clean_bases) {
        put_clean_mem(r, o, reg);
        return;
    }
    unsigned mod = (unsigned)g_rand_int_range(r, 0, 3), rm = (unsigned)g_rand_int_range(r, 0, 8);
    put(o, mod << 6 | reg << 3 | rm);
    if (g->bits == 16) {
        put_random(r, o, mod == 0 ? (rm == 6 ? 2 : 0) : mod);
        return;
    }
    if (rm == 4) {
        unsigned sib = (unsigned)g_rand_int_range(r, 0, 256);
        put(o, sib);
        rm = sib & 7;
    }
    put_random(r, o, mod == 0 ? (rm == 5 ? 4 : 0) : mod == 1 ? 1 : 4);
}

static void put_modrm(GRand *r, const X86Row *row, const GenOpts *g, Out *o)
{
    if (row->exact) {
        put(o, row->exact);
        return;
    }
    unsigned reg = row->digit >= 0 ? (unsigned)row->digit : (unsigned)g_rand_int_range(r, 0, 8);
    bool mem = row->mod == 1 || (row->mod == 0 && !(row->bits & ROW_MOD3) && chance(r, 45));
    if (mem && (row->bits & ROW_VSIB)) {
        put_vsib(r, g, o, reg);
    } else if (mem) {
        put_mem(r, g, o, reg);
    } else {
        put(o, 0xc0 | reg << 3 | (unsigned)g_rand_int_range(r, 0, 8));
    }
}

static void put_immediate(GRand *r, const X86Row *row, const GenOpts *g, Out *o)
{
    X86Insn i;
    uint8_t probe[32] = {0};
    memcpy(probe, o->p, o->n);
    unsigned have = o->n;
    if (x86_decode(&i, probe, 15, g->bits) == X86_OK && i.len > have) {
        put_random(r, o, i.len - have);
    }
    (void)row;
}

/*
 * Three bytes, or two where those can say it. With g->odd_vex, L, W, vvvv and
 * the prefixes before it need not be what the row wants.
 */
static void put_vex(GRand *r, const X86Row *row, const GenOpts *g, Out *o)
{
    static const uint8_t before[] = {0x66, 0xf2, 0xf3, 0xf0, 0x48, 0x3e};
    bool odd = g->odd_vex && chance(r, 30);
    unsigned rxb = g->bits == 64 ? (unsigned)g_rand_int_range(r, 0, 8) : 7;
    unsigned w = row->vw >= 0 && !odd ? (unsigned)row->vw : (unsigned)g_rand_int_range(r, 0, 2);
    unsigned l = row->vl >= 0 && !odd ? (unsigned)row->vl : (unsigned)g_rand_int_range(r, 0, 2);
    unsigned vvvv = (unsigned)g_rand_int_range(r, 0, 16);
    unsigned pp = (unsigned)__builtin_ctz(row->prefixes);
    if ((row->bits & ROW_NOVVVV) && !odd) {
        vvvv = 15;
    }
    if (odd && chance(r, 10)) {
        put(o, before[g_rand_int_range(r, 0, G_N_ELEMENTS(before))]);
    }
    if (row->map == 4 && (rxb & 3) == 3 && !w && (g->bits == 64 || vvvv >= 8) && chance(r, 70)) {
        put(o, 0xc5);
        put(o, (rxb & 4) << 5 | vvvv << 3 | l << 2 | pp);
    } else {
        put(o, 0xc4);
        put(o, rxb << 5 | (row->map - 3u));
        put(o, w << 7 | vvvv << 3 | l << 2 | pp);
    }
    put(o, row->opcode);
    if (row->bits & ROW_MODRM) {
        put_modrm(r, row, g, o);
    }
    if (row->imm != IMM_NONE) {
        put_immediate(r, row, g, o);
    }
}

unsigned gen_insn(GRand *r, const X86Row *row, const GenOpts *g, uint8_t *out)
{
    Out o = {out, 0};
    if (g->bits == 64 ? row->bits & ROW_I64 : row->bits & ROW_O64) {
        return 0;
    }
    if (row->bits & ROW_VEX) {
        if (g->bits == 16) {
            return 0;
        }
        put_vex(r, row, g, &o);
        return o.n;
    }
    put_prefixes(r, row, g, &o);
    if (row->map) {
        put(&o, 0x0f);
    }
    if (row->map >= 2) {
        put(&o, row->map == 2 ? 0x38 : 0x3a);
    }
    put(&o, row->opcode);
    if (row->bits & ROW_MODRM) {
        put_modrm(r, row, g, &o);
    }
    if (row->imm != IMM_NONE) {
        put_immediate(r, row, g, &o);
    }
    return o.n;
}

const X86Row *gen_row(GRand *r)
{
    const X86Row *row;
    do {
        row = &x86_rows[g_rand_int_range(r, 1, X86_N_ROWS)];
    } while (row->map == 0 && row->opcode >= 0xd8 && row->opcode < 0xe0 && chance(r, 60));
    return row;
}
