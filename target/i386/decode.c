/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instruction decoder (SDM vol 2, chapters 2 and appendix A). One table lookup
 * an opcode; everything else is arithmetic on the bytes at hand.
 */
#include "target/i386/decode.h"
#include <string.h>
#include "accel/tcg/ir.h"

typedef struct Reader {
    const uint8_t *p;
    unsigned at, n;
    bool short_; /* ran out of bytes */
} Reader;

static inline uint64_t take(Reader *r, unsigned bytes)
{
    uint64_t v = 0;
    if (r->at + bytes > r->n) {
        r->short_ = true;
        r->at += bytes;
        return 0;
    }
    memcpy(&v, r->p + r->at, bytes);
    r->at += bytes;
    return v;
}

static inline int64_t take_signed(Reader *r, unsigned bytes)
{
    uint64_t v = take(r, bytes);
    unsigned shift = 64 - 8 * bytes;
    return (int64_t)(v << shift) >> shift;
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

/* Prefixes and opcode bytes; returns the last opcode byte and its map. */
static uint8_t take_opcode(Reader *r, X86Insn *i, int bits, int *map)
{
    uint8_t b = (uint8_t)take(r, 1);
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
        if (r->short_ || r->at > 15) {
            break;
        }
        b = (uint8_t)take(r, 1);
    }
    *map = 0;
    if (b == 0x0f) {
        b = (uint8_t)take(r, 1);
        *map = 1;
        if (b == 0x38 || b == 0x3a) {
            *map = b == 0x38 ? 2 : 3;
            b = (uint8_t)take(r, 1);
        }
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
        uint8_t sib = (uint8_t)take(r, 1);
        rm = sib & 7;
        i->base = rm | (i->rex & 1) << 3;
        i->index = (sib >> 3 & 7) | (i->rex & 2) << 2;
        i->scale = sib >> 6;
        if (i->index == 4) {
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
    uint8_t m = (uint8_t)take(r, 1);
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

X86Decode x86_decode(X86Insn *i, const uint8_t *p, unsigned n, int bits)
{
    Reader r = {.p = p, .n = n < 15 ? n : 15};
    memset(i, 0, sizeof(*i));
    i->seg = -1;
    int map;
    i->opcode = take_opcode(&r, i, bits, &map);
    const X86OpEntry *e = &x86_opcodes[map][i->opcode];
    uint8_t modrm = 0;
    if (e->kind & 16) {
        if (r.at < r.n) {
            modrm = p[r.at];
        } else {
            r.short_ = true;
        }
    }
    if (r.short_) {
        return n >= 15 ? X86_TOO_LONG : X86_MORE;
    }
    i->mand = i->rep ? (i->rep == 0xf3 ? 2 : 3) : i->p66;
    i->row = find_row(i, e, modrm, bits);
    if (i->row == x86_rows || (bits == 64 ? i->row->bits & ROW_I64 : i->row->bits & ROW_O64)) {
        return X86_UD;
    }
    if (i->row->prefixes == 15) {
        i->mand = 0; /* 66 is the operand size, F2/F3 repeat */
    } else if (i->mand == 1 && (i->row->prefixes & 1)) {
        i->mand = 0; /* n66 */
    }
    operand_sizes(i, bits);
    i->zreg = (i->opcode & 7) | (i->rex & 1) << 3;
    if (i->row->bits & ROW_MODRM) {
        take_modrm(&r, i, bits);
    } else {
        i->mod = 3;
    }
    take_immediate(&r, i);
    if (r.short_) {
        return n >= 15 ? X86_TOO_LONG : X86_MORE;
    }
    i->len = (uint8_t)r.at;
    return i->lock && !lock_allowed(i) ? X86_UD : X86_OK;
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
        return 16;
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
