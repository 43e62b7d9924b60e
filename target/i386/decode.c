/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instruction decoder (SDM vol 2, chapters 2 and appendix A). One table lookup
 * an opcode; everything else is arithmetic on the bytes at hand.
 */
#include "target/i386/decode.h"
#include <string.h>
#include "accel/tcg/ir.h"

/* Every read is of 8 bytes: SLACK bytes behind the longest instruction may be read. */
#define MAX_LEN 15u
#define SLACK 8u

typedef struct Reader {
    const uint8_t *p;
    unsigned at;
} Reader;

static inline uint64_t peek64(const Reader *r)
{
    uint64_t v;
    memcpy(&v, r->p + r->at, 8);
    return v;
}

static inline uint8_t take8(Reader *r)
{
    return r->p[r->at++];
}

static inline uint64_t take(Reader *r, unsigned bytes)
{
    uint64_t v = peek64(r) & (~0ull >> (64 - 8 * bytes));
    r->at += bytes;
    return v;
}

static inline int64_t take_signed(Reader *r, unsigned bytes)
{
    unsigned shift = 64 - 8 * bytes;
    int64_t v = (int64_t)(peek64(r) << shift) >> shift;
    r->at += bytes;
    return v;
}

/* 1 + what the byte means as a prefix; 0: no prefix. */
enum { PF_NONE, PF_66, PF_67, PF_F2, PF_F3, PF_LOCK, PF_SEG, PF_REX };
static const uint8_t prefix_kind[256] = {
    [0x66] = PF_66,  [0x67] = PF_67,  [0xf2] = PF_F2,  [0xf3] = PF_F3,  [0xf0] = PF_LOCK,
    [0x26] = PF_SEG, [0x2e] = PF_SEG, [0x36] = PF_SEG, [0x3e] = PF_SEG, [0x64] = PF_SEG,
    [0x65] = PF_SEG, [0x40 ... 0x4f] = PF_REX,
};

static void one_prefix(X86Insn *i, uint8_t byte, int bits)
{
    switch (prefix_kind[byte]) {
    case PF_66:
        i->p66 = true;
        break;
    case PF_67:
        i->p67 = true;
        break;
    case PF_F2:
    case PF_F3:
        i->rep = byte;
        break;
    case PF_LOCK:
        i->lock = true;
        break;
    case PF_SEG:
        if (byte >= 0x64) {
            i->seg = (int8_t)(byte - 0x60); /* FS, GS */
        } else if (bits != 64) {
            i->seg = (byte >> 3) & 3;
        }
        break;
    }
}

/*
 * VEX, behind its first byte (SDM vol 2, 2.3.5): REX bits inverted, map, vvvv,
 * length and mandatory prefix. Returns the map, -1 for #UD.
 */
static int take_vex(Reader *r, X86Insn *i, bool three, int bits)
{
    static const uint8_t rep[4] = {0, 0, 0xf3, 0xf2};
    uint8_t b = take8(r), map = 1;
    if (i->p66 || i->rep || i->lock || i->rex) {
        return -1;
    }
    i->rex = 0x40 | (b & 0x80 ? 0 : 4);
    if (three) {
        i->rex |= (b & 0x40 ? 0 : 2) | (b & 0x20 ? 0 : 1);
        map = b & 0x1f;
        b = take8(r);
        i->rex |= b & 0x80 ? 8 : 0;
    }
    i->vvvv = ~b >> 3 & 15;
    i->vex_l = b >> 2 & 1;
    i->vex_w = three && (b & 0x80);
    i->p66 = (b & 3) == 1;
    i->rep = rep[b & 3];
    if (bits != 64) {
        i->rex = 0x40;
    }
    return map >= 1 && map <= 3 ? 3 + map : -1;
}

/* Prefixes and opcode bytes; returns the last opcode byte and its map. */
static uint8_t take_opcode(Reader *r, X86Insn *i, int bits, int *map)
{
    uint8_t b = take8(r);
    while (prefix_kind[b]) {
        if (prefix_kind[b] == PF_REX) {
            if (bits != 64) {
                break;
            }
            i->rex = b;
        } else {
            i->rex = 0; /* REX counts only right before the opcode */
            one_prefix(i, b, bits);
        }
        if (r->at >= MAX_LEN) {
            r->at = MAX_LEN + 1;
            return b;
        }
        b = take8(r);
    }
    *map = 0;
    if (b == 0x0f) {
        b = take8(r);
        *map = 1;
        if (b == 0x38 || b == 0x3a) {
            *map = b == 0x38 ? 2 : 3;
            b = take8(r);
        }
    } else if ((b & 0xfe) == 0xc4 && (bits == 64 || r->p[r->at] >= 0xc0)) {
        *map = take_vex(r, i, b == 0xc4, bits);
        b = take8(r);
    }
    return b;
}

static void operand_sizes(X86Insn *i, int bits)
{
    uint32_t f = i->row->bits;
    if (bits == 64) {
        i->asz = i->p67 ? W32 : W64;
        if ((f & ROW_F64) || (i->rex & 8)) {
            i->osz = W64;
        } else if (i->p66 && i->mand != 1) {
            i->osz = W16;
        } else {
            i->osz = f & ROW_D64 ? W64 : W32;
        }
        return;
    }
    bool p66 = i->p66 && i->mand != 1;
    i->osz = (bits == 32) != p66 ? W32 : W16;
    i->asz = (bits == 32) != i->p67 ? W32 : W16;
}

static void mem16(Reader *r, X86Insn *i, uint8_t rm)
{
    static const uint8_t base[8] = {3, 3, 5, 5, 6, 7, 5, 3};
    static const uint8_t index[8] = {6,            7,            6,            7,
                                     X86_REG_NONE, X86_REG_NONE, X86_REG_NONE, X86_REG_NONE};
    i->base = base[rm];
    i->index = index[rm];
    if (i->mod == 0 && rm == 6) {
        i->base = X86_REG_NONE;
        i->disp = (int64_t)take(r, 2);
    } else if (i->mod == 1) {
        i->disp = take_signed(r, 1);
    } else if (i->mod == 2) {
        i->disp = take_signed(r, 2);
    }
}

static void mem32(Reader *r, X86Insn *i, uint8_t rm, int bits)
{
    i->base = rm | (i->rex & 1) << 3;
    if (rm == 4) {
        uint8_t sib = take8(r);
        rm = sib & 7;
        i->base = rm | (i->rex & 1) << 3;
        i->index = (sib >> 3 & 7) | (i->rex & 2) << 2;
        i->scale = sib >> 6;
        if (i->index == 4 && !(i->row->bits & ROW_VSIB)) {
            i->index = X86_REG_NONE;
        }
        if (rm == 5 && i->mod == 0) {
            i->base = X86_REG_NONE;
            i->disp = take_signed(r, 4);
        }
    } else if (rm == 5 && i->mod == 0) {
        i->base = bits == 64 ? X86_REG_RIP : X86_REG_NONE;
        i->disp = take_signed(r, 4);
    }
    if (i->mod == 1) {
        i->disp = take_signed(r, 1);
    } else if (i->mod == 2) {
        i->disp = take_signed(r, 4);
    }
}

static void take_modrm(Reader *r, X86Insn *i, int bits)
{
    uint8_t m = take8(r);
    i->modrm = m;
    i->mod = i->row->bits & ROW_MOD3 ? 3 : m >> 6;
    i->reg = (m >> 3 & 7) | (i->rex & 4) << 1;
    i->rm = (m & 7) | (i->rex & 1) << 3;
    if (i->mod == 3) {
        return;
    }
    i->index = X86_REG_NONE;
    if (bits == 64 ? false : (bits == 16) != i->p67) {
        mem16(r, i, m & 7);
    } else {
        mem32(r, i, m & 7, bits);
    }
}

static void take_immediate(Reader *r, X86Insn *i)
{
    switch (i->row->imm) {
    case IMM_B:
        i->imm = take_signed(r, 1);
        break;
    case IMM_W:
        i->imm = (int64_t)take(r, 2);
        break;
    case IMM_Z:
    case IMM_JZ:
        i->imm = take_signed(r, i->osz == W16 ? 2 : 4);
        break;
    case IMM_V:
        i->imm = take_signed(r, 1u << i->osz);
        break;
    case IMM_O:
        i->imm = (int64_t)take(r, 1u << i->asz);
        break;
    case IMM_AP:
        i->imm = (int64_t)take(r, i->osz == W16 ? 2 : 4);
        i->imm2 = (uint16_t)take(r, 2);
        break;
    case IMM_WB:
        i->imm = (int64_t)take(r, 2);
        i->imm2 = (uint16_t)take(r, 1);
        break;
    }
}

static inline const X86Row *find_row(const X86Insn *i, const X86OpEntry *e, uint8_t modrm, int bits)
{
    unsigned at = 0;
    if (e->kind & 1) {
        at = i->mand;
    }
    if (e->kind & 2) {
        at = at * 2 + (bits == 64);
    }
    if (e->kind & 32) {
        at = at * 2 + i->vex_l;
    }
    if (e->kind & 64) {
        at = at * 2 + i->vex_w;
    }
    if (e->kind & 4) {
        at = at * 16 + ((modrm >= 0xc0) << 3) + (modrm >> 3 & 7);
    } else if (e->kind & 8) {
        at = at * 72 + (modrm >= 0xc0 ? modrm - 0xc0 + 8 : modrm >> 3 & 7);
    }
    return &x86_rows[x86_cells[e->base + at]];
}

static bool lock_allowed(const X86Insn *i)
{
    return (i->row->bits & ROW_LOCK) && i->mod != 3;
}

static X86Decode decode(X86Insn *i, Reader *r, unsigned limit, int bits)
{
    int map = 0;
    i->opcode = take_opcode(r, i, bits, &map);
    if (map < 0) { /* perhaps only because bytes of the prefix are missing */
        return r->at > limit ? X86_MORE : X86_UD;
    }
    const X86OpEntry *e = &x86_opcodes[map][i->opcode];
    if (r->at + (e->kind >> 4 & 1) > limit) {
        return X86_MORE;
    }
    i->mand = i->rep ? (i->rep == 0xf3 ? 2 : 3) : i->p66;
    const X86Row *row = find_row(i, e, r->p[r->at], bits);
    i->row = row;
    if (row == x86_rows || (row->bits & (bits == 64 ? ROW_I64 : ROW_O64))) {
        return X86_UD;
    }
    if (row->prefixes == 15 || (i->mand == 1 && (row->prefixes & 1))) {
        i->mand = 0; /* 66 is the operand size, F2/F3 repeat */
    }
    if ((row->bits & ROW_NOVVVV) && i->vvvv) {
        return X86_UD;
    }
    i->vvvv &= bits == 64 ? 15 : 7;
    operand_sizes(i, bits);
    i->zreg = (i->opcode & 7) | (i->rex & 1) << 3;
    i->mod = 3;
    if (row->bits & ROW_MODRM) {
        take_modrm(r, i, bits);
    }
    if ((row->bits & ROW_VSIB) && ((i->modrm & 7) != 4 || i->asz == W16)) {
        return X86_UD;
    }
    if (row->imm) {
        take_immediate(r, i);
    }
    if (r->at > limit) {
        return X86_MORE;
    }
    i->len = (uint8_t)r->at;
    return i->lock && !lock_allowed(i) ? X86_UD : X86_OK;
}

X86Decode x86_decode(X86Insn *i, const uint8_t *p, unsigned n, int bits)
{
    uint8_t copy[MAX_LEN + 2 * SLACK];
    Reader r = {.p = p};
    unsigned limit = n < MAX_LEN ? n : MAX_LEN;
    memset(i, 0, sizeof(*i));
    i->seg = -1;
    if (n < MAX_LEN + SLACK) {
        memset(copy, 0, sizeof(copy));
        memcpy(copy, p, limit);
        r.p = copy;
    }
    X86Decode d = decode(i, &r, limit, bits);
    return d == X86_MORE && limit == MAX_LEN ? X86_TOO_LONG : d;
}

unsigned x86_operand_bytes(const X86Insn *i, const X86OpSpec *o)
{
    switch (o->sz) {
    case SZ_B:
        return 1;
    case SZ_W:
        return 2;
    case SZ_D:
        return 4;
    case SZ_Q:
        return o->am == AM_V || o->am == AM_U ? 16 : 8;
    case SZ_X:
        return 16u << i->vex_l;
    case SZ_H:
        return 8u << i->vex_l;
    case SZ_F:
        return 4u << i->vex_l;
    case SZ_E:
        return 2u << i->vex_l;
    case SZ_V:
        return 1u << i->osz;
    case SZ_Z:
        return i->osz == W16 ? 2 : 4;
    case SZ_Y:
        return i->osz == W64 ? 8 : 4;
    case SZ_N:
        return o->n;
    default:
        return 0;
    }
}
