/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instruction decoder: bytes -> table row and operand fields. Knows nothing of
 * CPU state but the code size (16, 32, 64); the table is insns.tbl.
 */
#ifndef TARGET_I386_DECODE_H
#define TARGET_I386_DECODE_H

#include <stdbool.h>
#include <stdint.h>
#include "target/i386/insns.h"

/* Addressing letters of insns.tbl (FIX: fixed general register, ONE: the constant 1, SEG: fixed segment). */
enum {
    AM_NONE, AM_E, AM_M, AM_R, AM_G, AM_Z, AM_I, AM_J, AM_O, AM_A, AM_S, AM_C, AM_D, AM_V, AM_W,
    AM_U, AM_P, AM_Q, AM_N, AM_T, AM_B, AM_H, AM_L, AM_FIX, AM_ONE, AM_SEG,
};
/* Size letters; N: bytes in .n; H, F, E: a half, a fourth, an eighth of X */
enum { SZ_NONE, SZ_B, SZ_W, SZ_D, SZ_Q, SZ_X, SZ_H, SZ_F, SZ_E, SZ_V, SZ_Z, SZ_Y, SZ_P, SZ_A, SZ_N };
enum { IMM_NONE, IMM_B, IMM_W, IMM_Z, IMM_V, IMM_JZ, IMM_O, IMM_AP, IMM_WB };
enum {
    ROW_I64 = 1 << 0, ROW_O64 = 1 << 1, ROW_D64 = 1 << 2, ROW_F64 = 1 << 3, ROW_CPL0 = 1 << 4,
    ROW_PE = 1 << 5, ROW_LOCK = 1 << 6, ROW_SSE = 1 << 7, ROW_MMX = 1 << 8, ROW_X87 = 1 << 9,
    ROW_X87NW = 1 << 10, ROW_ENV = 1 << 11, ROW_NOGEN = 1 << 12, ROW_R66 = 1 << 13,
    ROW_COUNT = 1 << 14, /* flags depend on the count: unchanged when it is 0 */
    ROW_MODRM = 1 << 15, ROW_MOD3 = 1 << 16,
    ROW_VEX = 1 << 19, ROW_NOVVVV = 1 << 20, /* VEX.vvvv must be 1111 */
    ROW_MR = 1 << 17, ROW_MW = 1 << 18, /* memory operand read, written (pass-through rows) */
    ROW_AVX = 1 << 21, ROW_VSIB = 1 << 22, ROW_X87C = 1 << 23,
};
#define ROW_ALIGN_X 255 /* X86Row.align: the vector's length */

typedef struct X86OpSpec {
    uint8_t am, sz;
    uint16_t n;
} X86OpSpec;

typedef struct X86Row {
    const char *name;
    uint8_t trans;     /* X86T_ */
    uint16_t arg;
    uint16_t feature;  /* F_ + 1, 0 none */
    uint32_t bits;     /* ROW_ */
    uint16_t w, u, r;  /* EFLAGS written, undefined, read */
    uint8_t map, opcode;
    uint8_t prefixes;  /* bit n: none, 66, F3, F2 */
    int8_t digit;      /* ModRM.reg, -1 any */
    uint8_t exact;     /* whole ModRM, 0 any */
    uint8_t mod;       /* 0 any, 1 memory, 2 register */
    uint8_t imm, align, imp;
    int8_t vl, vw;     /* VEX.L and VEX.W: 0, 1, -1 ignored (vw: or the operand size) */
    uint8_t mask;      /* bytes of elements that VEX.vvvv masks, 0 none */
    uint8_t n_ops;
    X86OpSpec op[4];
} X86Row;

typedef struct X86OpEntry {
    uint16_t base;
    uint8_t kind; /* dimensions of the cell matrix: 1 prefix, 2 mode, 4 digit, 8 ModRM, 32 VEX.L, 64 VEX.W;
                   * 16 = ModRM follows */
} X86OpEntry;

extern const X86Row x86_rows[X86_N_ROWS];
extern const X86OpEntry x86_opcodes[7][256]; /* 0..3 legacy maps, 4..6 VEX 0F, 0F38, 0F3A */
extern const uint16_t x86_cells[];

#define X86_REG_NONE 0x80
#define X86_REG_RIP 0x81

typedef struct X86Insn {
    const X86Row *row;
    uint64_t pc;
    uint8_t len;
    uint8_t opcode, modrm, mod;
    uint8_t reg, rm;       /* ModRM fields with REX.R and REX.B */
    uint8_t zreg;          /* register in the opcode's low bits, with REX.B */
    uint8_t rex;           /* 0 or 0x40..0x4f; of VEX the same bits */
    uint8_t vvvv, vex_l, vex_w;
    uint8_t mand;          /* mandatory prefix class: 0 none, 1 66, 2 F3, 3 F2 */
    bool p66, p67, lock;
    uint8_t rep;           /* 0, 0xf2, 0xf3: the last of them */
    int8_t seg;            /* override, -1 none */
    uint8_t osz, asz;      /* IrWidth of operands and addresses */
    /* memory operand, when mod != 3 */
    uint8_t base, index, scale; /* register, X86_REG_NONE, X86_REG_RIP */
    int64_t disp;
    int64_t imm;           /* sign-extended by its own size; branch offset; moffs; far offset */
    uint16_t imm2;         /* far selector; ENTER's level */
} X86Insn;

typedef enum X86Decode {
    X86_OK,
    X86_UD,        /* no such instruction */
    X86_MORE,      /* more bytes are needed than given */
    X86_TOO_LONG,  /* over 15 bytes: #GP */
} X86Decode;

/*
 * Decode at p, of which n bytes may be read (with 23 or more nothing is copied). bits: 16, 32, 64.
 * pc is left to the caller.
 */
X86Decode x86_decode(X86Insn *i, const uint8_t *p, unsigned n, int bits);
/* Bytes of the memory operand, 0 when it has none or the size is not of the row's making. */
unsigned x86_operand_bytes(const X86Insn *i, const X86OpSpec *o);

#endif
