/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x86-64 instruction encoder: inline functions that append bytes at a pointer.
 * Intel SDM volume 2, chapter 2. Knows nothing of guests or the IR but its widths.
 */
#ifndef ACCEL_TCG_HOST_X86_64_ASM_H
#define ACCEL_TCG_HOST_X86_64_ASM_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "accel/tcg/ir.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

/* The output pointer; the first member of whatever emits. */
typedef struct Asm {
    uint8_t *p;
} Asm;

/* A ModRM operand: a register, or memory, optionally relative to gs. */
typedef struct Rm {
    int8_t reg;         /* >= 0: a register */
    int8_t base, index; /* -1: none */
    uint8_t scale;      /* log2 */
    bool gs;
    int32_t disp;
} Rm;

static inline Rm rm_r(int reg)
{
    return (Rm){.reg = (int8_t)reg, .base = -1, .index = -1};
}
static inline Rm rm_m(int base, int index, int scale, int32_t disp)
{
    return (Rm){.reg = -1,
                .base = (int8_t)base,
                .index = (int8_t)index,
                .scale = (uint8_t)scale,
                .disp = disp};
}
static inline Rm rm_gs(int32_t disp)
{
    return (Rm){.reg = -1, .base = -1, .index = -1, .gs = true, .disp = disp};
}
static inline Rm rm_gsb(int base, int32_t disp)
{
    return (Rm){.reg = -1, .base = (int8_t)base, .index = -1, .gs = true, .disp = disp};
}

/* Opcode words: the byte, its map, a mandatory prefix, and two encoding hints. */
enum {
    O_0F = 0x100,
    O_0F38 = 0x200,
    O_0F3A = 0x300,
    O_66 = 0x1000,
    O_F2 = 0x2000,
    O_F3 = 0x4000,
    O_LOCK = 0x8000,
    O_RM8 = 0x10000,  /* rm is a byte register although w is wider (movzx, movsx) */
    O_NOREX = 0x20000 /* high byte registers: never add an empty REX */
};

static inline void e8(Asm *s, unsigned v)
{
    *s->p++ = (uint8_t)v;
}
static inline void e16(Asm *s, unsigned v)
{
    uint16_t x = (uint16_t)v;
    memcpy(s->p, &x, 2);
    s->p += 2;
}
static inline void e32(Asm *s, uint32_t v)
{
    memcpy(s->p, &v, 4);
    s->p += 4;
}
static inline void e64(Asm *s, uint64_t v)
{
    memcpy(s->p, &v, 8);
    s->p += 8;
}

static inline uint8_t *asm_mem(uint8_t *p, unsigned reg, Rm m)
{
    unsigned r = (reg & 7) << 3;
    if (m.base < 0) {
        *p++ = (uint8_t)(r | 4);
        *p++ = (uint8_t)(m.scale << 6 | (m.index < 0 ? 4 : m.index & 7) << 3 | 5);
        memcpy(p, &m.disp, 4);
        return p + 4;
    }
    unsigned b = m.base & 7u;
    unsigned mod = m.disp == 0 && b != 5 ? 0 : m.disp == (int8_t)m.disp ? 0x40 : 0x80;
    if (m.index >= 0 || b == 4) {
        *p++ = (uint8_t)(mod | r | 4);
        *p++ = (uint8_t)(m.scale << 6 | (m.index < 0 ? 4 : m.index & 7) << 3 | b);
    } else {
        *p++ = (uint8_t)(mod | r | b);
    }
    if (mod == 0x40) {
        *p++ = (uint8_t)m.disp;
    } else if (mod) {
        memcpy(p, &m.disp, 4);
        p += 4;
    }
    return p;
}

/* Byte operations whose reg field is part of the opcode. */
static inline bool asm_is_group(unsigned opc)
{
    unsigned o = opc & 0x3ff;
    return o == 0x80 || o == 0xc0 || o == 0xd2 || o == 0xf6 || o == 0xfe;
}

static inline unsigned asm_rex(unsigned opc, unsigned w, unsigned reg, Rm m)
{
    unsigned rex = (w == W64) << 3 | (reg >> 3 & 1) << 2;
    if (m.reg >= 0) {
        rex |= m.reg >> 3 & 1;
        if ((w == W8 || (opc & O_RM8)) && m.reg >= 4) {
            rex |= 0x40;
        }
    } else {
        rex |= (m.index >= 8) << 1 | (m.base >= 8);
    }
    if (w == W8 && reg >= 4 && !asm_is_group(opc)) {
        rex |= 0x40;
    }
    return opc & O_NOREX ? rex & ~0x40u : rex;
}

/* One instruction with a ModRM byte; w gives the 66 prefix and REX.W. */
static inline void ins(Asm *s, unsigned opc, unsigned w, unsigned reg, Rm m)
{
    uint8_t *p = s->p;
    if (opc & O_LOCK) {
        *p++ = 0xf0;
    }
    if (m.gs) {
        *p++ = 0x65;
    }
    if (w == W16 || (opc & O_66)) {
        *p++ = 0x66;
    }
    if (opc & (O_F2 | O_F3)) {
        *p++ = opc & O_F2 ? 0xf2 : 0xf3;
    }
    unsigned rex = asm_rex(opc, w, reg, m);
    if (rex) {
        *p++ = (uint8_t)(0x40 | rex);
    }
    unsigned map = opc >> 8 & 3;
    if (map) {
        *p++ = 0x0f;
        if (map > 1) {
            *p++ = map == 2 ? 0x38 : 0x3a;
        }
    }
    *p++ = (uint8_t)opc;
    if (m.reg >= 0) {
        *p++ = (uint8_t)(0xc0 | (reg & 7) << 3 | (m.reg & 7));
    } else {
        p = asm_mem(p, reg, m);
    }
    s->p = p;
}

/* VEX-encoded: map and pp from the opcode word. */
static inline void ins_vex(Asm *s, unsigned opc, bool w64, bool l256, unsigned reg, unsigned vvvv,
                           Rm m)
{
    uint8_t *p = s->p;
    unsigned x = 0, b = 0;
    if (m.reg >= 0) {
        b = m.reg >> 3 & 1;
    } else {
        x = m.index >= 8;
        b = m.base >= 8;
        if (m.gs) {
            *p++ = 0x65;
        }
    }
    unsigned pp = opc & O_66 ? 1 : opc & O_F3 ? 2 : opc & O_F2 ? 3 : 0;
    *p++ = 0xc4;
    *p++ = (uint8_t)((reg < 8) << 7 | !x << 6 | !b << 5 | (opc >> 8 & 3));
    *p++ = (uint8_t)(w64 << 7 | (~vvvv & 15) << 3 | l256 << 2 | pp);
    *p++ = (uint8_t)opc;
    if (m.reg >= 0) {
        *p++ = (uint8_t)(0xc0 | (reg & 7) << 3 | (m.reg & 7));
    } else {
        p = asm_mem(p, reg, m);
    }
    s->p = p;
}

/*
 * EVEX-encoded, 128 bits, W0, no mask, no vvvv: registers 16..31 can be named. Memory has no base register (its 8-bit
 * displacements would be scaled).
 */
static inline void ins_evex128(Asm *s, unsigned opc, unsigned reg, Rm m)
{
    uint8_t *p = s->p;
    unsigned x = 0, b = 0;
    if (m.reg >= 0) {
        x = m.reg >> 4 & 1;
        b = m.reg >> 3 & 1;
    } else if (m.gs) {
        *p++ = 0x65;
    }
    unsigned pp = opc & O_66 ? 1 : opc & O_F3 ? 2 : opc & O_F2 ? 3 : 0;
    *p++ = 0x62;
    *p++ = (uint8_t)(!(reg & 8) << 7 | !x << 6 | !b << 5 | !(reg & 16) << 4 | (opc >> 8 & 3));
    *p++ = (uint8_t)(0x7c | pp);
    *p++ = 0x08;
    *p++ = (uint8_t)opc;
    if (m.reg >= 0) {
        *p++ = (uint8_t)(0xc0 | (reg & 7) << 3 | (m.reg & 7));
    } else {
        p = asm_mem(p, reg, m);
    }
    s->p = p;
}

/* ---- common instructions ---- */
static inline void a_mov(Asm *s, unsigned w, unsigned dst, Rm src)
{
    ins(s, w == W8 ? 0x8a : 0x8b, w, dst, src);
}
static inline void a_store(Asm *s, unsigned w, Rm dst, unsigned src)
{
    ins(s, w == W8 ? 0x88 : 0x89, w, src, dst);
}
static inline void a_movrr(Asm *s, unsigned w, int dst, int src)
{
    ins(s, w == W8 ? 0x8a : 0x8b, w, (unsigned)dst, rm_r(src));
}
/* Full 64-bit register = v, by the shortest flag-free form. */
static inline void a_movi(Asm *s, int dst, uint64_t v)
{
    if (v == (uint32_t)v) {
        if (dst >= 8) {
            e8(s, 0x41);
        }
        e8(s, 0xb8 | (dst & 7));
        e32(s, (uint32_t)v);
    } else if ((int64_t)v == (int32_t)v) {
        ins(s, 0xc7, W64, 0, rm_r(dst));
        e32(s, (uint32_t)v);
    } else {
        e8(s, 0x48 | dst >> 3);
        e8(s, 0xb8 | (dst & 7));
        e64(s, v);
    }
}
/* mov m, imm: sign-extended from 32 bits. */
static inline void a_storei(Asm *s, unsigned w, Rm dst, int64_t v)
{
    ins(s, w == W8 ? 0xc6 : 0xc7, w, 0, dst);
    if (w == W8) {
        e8(s, (unsigned)v);
    } else if (w == W16) {
        e16(s, (unsigned)v);
    } else {
        e32(s, (uint32_t)v);
    }
}
/* The eight classic operations by digit: 0 add 1 or 2 adc 3 sbb 4 and 5 sub 6 xor 7 cmp. */
static inline void a_alu_rm(Asm *s, unsigned n, unsigned w, unsigned dst, Rm src)
{
    ins(s, n << 3 | (w == W8 ? 2 : 3), w, dst, src);
}
static inline void a_alu_mr(Asm *s, unsigned n, unsigned w, Rm dst, unsigned src, unsigned lock)
{
    ins(s, (n << 3 | (w != W8)) | lock, w, src, dst);
}
static inline void a_alu_i(Asm *s, unsigned n, unsigned w, Rm dst, int64_t v, unsigned lock)
{
    if (w == W8) {
        ins(s, 0x80 | lock, w, n, dst);
        e8(s, (unsigned)v);
    } else if (w == W16 ? (int16_t)v == (int8_t)v : (int32_t)v == (int8_t)v) {
        ins(s, 0x83 | lock, w, n, dst);
        e8(s, (unsigned)v);
    } else {
        ins(s, 0x81 | lock, w, n, dst);
        if (w == W16) {
            e16(s, (unsigned)v);
        } else {
            e32(s, (uint32_t)v);
        }
    }
}
static inline void a_lea(Asm *s, unsigned w, int dst, Rm m)
{
    ins(s, 0x8d, w, (unsigned)dst, m);
}

/* ---- jumps: return the rel32 field ---- */
static inline uint8_t *a_jcc(Asm *s, unsigned cc)
{
    e8(s, 0x0f);
    e8(s, 0x80 | cc);
    e32(s, 0);
    return s->p - 4;
}
static inline uint8_t *a_jmp(Asm *s)
{
    e8(s, 0xe9);
    e32(s, 0);
    return s->p - 4;
}
static inline void a_patch(uint8_t *field, const uint8_t *target)
{
    int32_t d = (int32_t)(target - (field + 4));
    memcpy(field, &d, 4);
}
static inline void a_call_to(Asm *s, const uint8_t *target)
{
    e8(s, 0xe8);
    e32(s, 0);
    a_patch(s->p - 4, target);
}
static inline void a_jmp_to(Asm *s, const uint8_t *target)
{
    a_patch(a_jmp(s), target);
}

/* n bytes of no operation, in few instructions. */
static inline void a_nops(Asm *s, unsigned n)
{
    static const uint8_t nop[9][9] = {
        {0x90},
        {0x66, 0x90},
        {0x0f, 0x1f, 0x00},
        {0x0f, 0x1f, 0x40, 0},
        {0x0f, 0x1f, 0x44, 0, 0},
        {0x66, 0x0f, 0x1f, 0x44, 0, 0},
        {0x0f, 0x1f, 0x80, 0, 0, 0, 0},
        {0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0},
        {0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0},
    };
    while (n) {
        unsigned k = n > 9 ? 9 : n;
        memcpy(s->p, nop[k - 1], k);
        s->p += k;
        n -= k;
    }
}
/* A nop that carries 32 bits of data: 3 bytes, then the data. */
static inline void a_nop_data(Asm *s, uint32_t data)
{
    e8(s, 0x0f);
    e8(s, 0x1f);
    e8(s, 0x80);
    e32(s, data);
}

#endif
