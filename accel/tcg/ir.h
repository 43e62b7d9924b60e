/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The translator's block IR. A block is a short straight run of guest
 * instructions (forward labels inside allowed). Guest registers are named
 * globals that stay symbolic: an emitter may pin them to host registers across
 * blocks. The guest's arithmetic flags are one implicit value in x86 EFLAGS
 * form, which an emitter may keep in the host's own flags.
 *
 * Rules a block must keep (ir_verify() checks them):
 *  - every guest instruction starts with `insn`;
 *  - inside one guest instruction no op that may fault comes after a write to a
 *    global or to the flags (so that the state at a fault is that of the
 *    instruction's start); an op that itself faults writes its dst after;
 *  - at rmw, xchgm, xaddm, cmpxchgm, divu, divs and hostop generated code may give up
 *    and have the whole guest instruction interpreted (TCG_EXIT_INTERP): what comes
 *    before them in the instruction must bear repetition (not checked);
 *  - temps are written before they are read, on every path;
 *  - labels are forward only; the last op leaves the block.
 *
 * home: a block is built and consumed by one vCPU thread.
 */
#ifndef ACCEL_TCG_IR_H
#define ACCEL_TCG_IR_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Guest arithmetic flags as mask bits in the IR. */
enum {
    FL_C = 1, FL_P = 2, FL_A = 4, FL_Z = 8, FL_S = 16, FL_O = 32,
    FL_ALL = 63, FL_NOC = 62, FL_CO = 33,
};
#define CC_EFLAGS_MASK 0x8d5u /* C P A Z S O in EFLAGS layout */

typedef enum IrWidth { W8, W16, W32, W64 } IrWidth; /* log2 of bytes */

/* x86 condition encodings: the low bit negates. */
typedef enum IrCond {
    CC_O, CC_NO, CC_B, CC_AE, CC_E, CC_NE, CC_BE, CC_A,
    CC_S, CC_NS, CC_P, CC_NP, CC_L, CC_GE, CC_LE, CC_G,
} IrCond;
uint8_t ir_cond_flags(IrCond cc); /* which flags it reads */

typedef uint16_t IrVal;
#define IR_NONE 0u
#define IR_IMM 1u          /* the operand is op->imm */
#define IR_G(n) ((IrVal)(2 + (n)))   /* global n, n < IR_MAX_GLOBALS */
#define IR_MAX_GLOBALS 62
#define IR_TEMP0 64u
#define IR_T(n) ((IrVal)(IR_TEMP0 + (n)))
#define IR_MAX_TEMPS 4096
#define IR_MAX_LABELS 512
static inline bool ir_is_global(IrVal v) { return v >= 2 && v < IR_TEMP0; }
static inline bool ir_is_temp(IrVal v) { return v >= IR_TEMP0; }
static inline unsigned ir_global(IrVal v) { return v - 2; }
static inline unsigned ir_temp(IrVal v) { return v - IR_TEMP0; }

typedef enum IrOpcode {
#define OP(name, shape, props, flags, help) OP_##name,
#include "accel/tcg/ops.def"
#undef OP
    OP__COUNT,
} IrOpcode;

typedef struct IrOp {
    uint8_t op;    /* IrOpcode */
    uint8_t w;     /* IrWidth */
    uint8_t cc;    /* IrCond */
    uint8_t aux;   /* mmu index of memory ops; scale of lea; width of sext; kind of jmpind */
    uint8_t aux2;  /* lds: result width; rmw/xaddm/cmpxchgm, ld/lds/st/ldp/stp, hostop on memory: bit 7 = locked, atomic
                    * (IR_ATOMIC); probe: log2 count */
    uint8_t sub;   /* rmw: arithmetic opcode */
    uint8_t fw;    /* flags this op writes (guest semantics) */
    uint8_t flive; /* filled by ir_flag_liveness(): flags live after this op because something reads them */
    uint8_t fexc;  /* flags live after this op only because a later fault would show them */
    uint8_t tdead; /* filled by ir_temp_liveness(): bit 0/1/2: temp in a/b/c is not read after this op;
                    * bit 3: temp in dst is never read */
    IrVal dst, a, b, c;
    int64_t imm;
} IrOp;

/*
 * IrOp.aux2 of ld, lds, st, and of hostop with a memory operand of up to 8 bytes: one atomic access if its bytes lie in one
 * multiple of 16, aligned or not. Of ldp and stp: if the address is a multiple of 16, and each half like ld and st.
 */
#define IR_ATOMIC 0x80
/* The width that lds extends to. */
static inline unsigned ir_lds_to(const IrOp *op)
{
    return op->aux2 & ~IR_ATOMIC;
}

/* One host instruction to pass through (x86 host: SSE, x87, MMX, BMI ...). */
typedef enum IrHostReg { HR_NONE, HR_GPR, HR_XMM, HR_MMX, HR_X87 } IrHostReg;
typedef struct IrHostInsn {
    uint8_t prefix;   /* 0, 0x66, 0xf2, 0xf3: mandatory or operand-size prefix */
    uint8_t map;      /* 0: one byte, 1: 0F, 2: 0F38, 3: 0F3A */
    uint8_t opcode;
    uint8_t vex;      /* 0 legacy; 1 VEX.128, 2 VEX.256 (vvvv below) */
    uint8_t rexw;     /* REX.W / VEX.W */
    uint8_t has_imm;  /* 1: an imm8 follows */
    uint8_t imm8;
    uint8_t reg_kind; /* IrHostReg of ModRM.reg: HR_GPR means operand dst (or a fixed digit in reg when HR_NONE) */
    uint8_t reg;      /* number for XMM/MMX/opcode digit */
    uint8_t rm_kind;  /* IrHostReg of ModRM.rm when it is a register; HR_GPR means operand b, or operand dst when
                       * b is IR_NONE (MOVD r, xmm; PEXTR); HR_X87: st(i) in rm */
    uint8_t rm;
    uint8_t vvvv;     /* VEX second source, XMM number */
    uint8_t mem;      /* 0: rm is a register; else memory at address a: bit 0 read, bit 1 written */
    uint16_t size;    /* bytes of the memory operand (1..512) */
    uint8_t align;    /* required alignment of the guest address, 0/1 = none; else TcgTarget.note_align */
    uint8_t dst_w;    /* HR_GPR dst: IrWidth written (W32 zero-extends); b operand is read at full width */
    uint8_t fpu;      /* IR_FPU_*: what guest FP state must be live in the host */
    uint8_t fw, fr;   /* guest flags it writes / reads (comis, ptest, adcx) */
    uint8_t dst_rw;   /* dst GPR is also read */
    uint8_t imp;      /* implicit GPRs: dst is AX (1: FNSTSW AX) or CX (2: PCMPxSTRI) though no field encodes it;
                       * bit 2: also reads EAX = operand a and EDX = operand b (PCMPESTRx on registers) */
    uint8_t mask;     /* 4 or 8: the memory operand's elements of so many bytes are accessed only where the sign bit
                       * of that element of register vvvv is set (VMASKMOV); 0: all of it */
    uint8_t vec;      /* HV_*: HR_XMM numbers (reg, rm, vvvv) name vector registers of TcgTarget.vec_offset, which are
                       * in env or wherever the emitter keeps them; 0: the host's own, that hold the guest's x86 state */
    uint16_t fop;     /* x87 instructions that leave their address in the FP state: HF_*, with the guest's opcode */
} IrHostInsn;
/* IrHostInsn.fop: 11 bits of opcode as the FXSAVE image has them (low three of the first byte, ModRM), with these. */
enum { HF_OPCODE = 0x7ff, HF_MEMORY = 0x4000, HF_POINTERS = 0x8000 };
/* IrHostInsn.vec: what is read and written, as a whole register. */
enum {
    HV_REG_R = 1, HV_REG_W = 2,
    HV_VVVV_R = 4, HV_VVVV_W = 8, /* shifts by an immediate write vvvv */
    HV_RM_R = 16,
    HV_RM_REG = 32, /* rm must be a register: with memory it is another instruction, or none (shifts by an immediate) */
    HV_TRAP = 64,   /* floating point: may raise an unmasked exception, TcgTarget.note_simd_fp */
    HV = 128,       /* always set */
};
/* FP state that a passed-through instruction touches: none; x87, MMX, SSE; upper halves of YMM registers too. */
enum { IR_FPU_NONE, IR_FPU_SSE, IR_FPU_AVX };

typedef struct IrBlock {
    uint64_t pc;        /* guest virtual address of the first instruction */
    uint64_t mode;      /* target's mode word it was translated under */
    uint32_t n_insns;
    uint32_t guest_bytes; /* from pc, contiguous virtual */
    int n_ops, cap_ops;
    IrOp *ops;
    int n_temps, n_labels;
    IrHostInsn *host;
    int n_host, cap_host;
    uint8_t uses_fpu;   /* the highest .fpu of the hostops */
    const struct TcgTarget *target;
} IrBlock;

void ir_block_init(IrBlock *b, const struct TcgTarget *t);
void ir_block_reset(IrBlock *b, uint64_t pc, uint64_t mode); /* keeps the arrays */
void ir_block_fini(IrBlock *b);

/* ---- builder ---- */
void ir_grow_ops(IrBlock *b);
void ir_limit_reached(const IrBlock *b, const char *what) G_GNUC_NORETURN;
/*
 * Appends an op; returns it for rare fields. The pointer is good until the
 * next op is appended.
 */
static inline IrOp *ir_emit(IrBlock *b, IrOpcode op, IrWidth w, IrVal dst, IrVal a, IrVal bv)
{
    if (G_UNLIKELY(b->n_ops == b->cap_ops)) {
        ir_grow_ops(b);
    }
    IrOp *o = &b->ops[b->n_ops++];
    *o = (IrOp){.op = (uint8_t)op, .w = (uint8_t)w, .dst = dst, .a = a, .b = bv};
    return o;
}
static inline IrVal ir_temp_new(IrBlock *b)
{
    if (G_UNLIKELY(b->n_temps >= IR_MAX_TEMPS)) {
        ir_limit_reached(b, "temps");
    }
    return IR_T(b->n_temps++);
}
static inline int ir_label_new(IrBlock *b)
{
    if (G_UNLIKELY(b->n_labels >= IR_MAX_LABELS)) {
        ir_limit_reached(b, "labels");
    }
    return b->n_labels++;
}
/* Asked by a translator before each instruction: true = end the block here, the limits are near. */
static inline bool ir_block_full(const IrBlock *b)
{
    return b->n_temps > IR_MAX_TEMPS - 256 || b->n_labels > IR_MAX_LABELS - 32 || b->n_ops > 8192;
}
/* dst = a op b with flags written per fw (0 = none wanted by guest semantics). */
static inline IrOp *ir_alu(IrBlock *b, IrOpcode op, IrWidth w, IrVal dst, IrVal a, IrVal bv, uint8_t fw)
{
    IrOp *o = ir_emit(b, op, w, dst, a, bv);
    o->fw = fw;
    return o;
}
static inline IrOp *ir_alui(IrBlock *b, IrOpcode op, IrWidth w, IrVal dst, IrVal a, int64_t imm, uint8_t fw)
{
    IrOp *o = ir_emit(b, op, w, dst, a, IR_IMM);
    o->fw = fw;
    o->imm = imm;
    return o;
}
static inline void ir_mov(IrBlock *b, IrWidth w, IrVal dst, IrVal a)
{
    ir_emit(b, OP_mov, w, dst, a, IR_NONE);
}
static inline void ir_movi(IrBlock *b, IrWidth w, IrVal dst, int64_t imm)
{
    ir_emit(b, OP_mov, w, dst, IR_IMM, IR_NONE)->imm = imm;
}
void ir_lea(IrBlock *b, IrWidth w, IrVal dst, IrVal base, IrVal index, int scale, int64_t disp);
void ir_ld(IrBlock *b, IrWidth w, IrVal dst, IrVal addr, int mmu);
void ir_lds(IrBlock *b, IrWidth w, IrWidth dst_w, IrVal dst, IrVal addr, int mmu);
void ir_st(IrBlock *b, IrWidth w, IrVal addr, IrVal val, int mmu);
void ir_sti(IrBlock *b, IrWidth w, IrVal addr, int64_t imm, int mmu);
void ir_insn(IrBlock *b, uint64_t pc);
IrOp *ir_call(IrBlock *b, int helper, IrVal dst, IrVal a, IrVal bv, IrVal c);
IrHostInsn *ir_hostop(IrBlock *b, IrVal dst, IrVal addr, IrVal rm); /* zeroed; fill in */

/* Labels and branches: br, brz/brnz (tested value a), brcc (condition cc). */
static inline void ir_label(IrBlock *b, int label)
{
    ir_emit(b, OP_label, W8, IR_NONE, IR_NONE, IR_NONE)->imm = label;
}
static inline IrOp *ir_branch(IrBlock *b, IrOpcode op, IrWidth w, IrVal a, int label)
{
    IrOp *o = ir_emit(b, op, w, IR_NONE, a, IR_NONE);
    o->imm = label;
    return o;
}
/* Memory read-modify-write: mem[addr] = mem[addr] sub val. */
static inline IrOp *ir_rmw(IrBlock *b, IrOpcode sub, IrWidth w, IrVal addr, IrVal val, int mmu,
                           bool locked, uint8_t fw)
{
    IrOp *o = ir_emit(b, OP_rmw, w, IR_NONE, addr, val);
    o->sub = (uint8_t)sub;
    o->aux = (uint8_t)mmu;
    o->aux2 = locked ? 0x80 : 0;
    o->fw = fw;
    return o;
}

/* ---- what is known of an opcode ---- */
enum { IRP_F = 1, IRP_E = 2, IRP_G = 4, IRP_X = 8, IRP_L = 16 };
/* Operands of a shape, bits of IrOpInfo.shape. D2: c is a second destination. */
enum { IRS_D = 1, IRS_A = 2, IRS_B = 4, IRS_C = 8, IRS_D2 = 16 };
typedef struct IrOpInfo {
    const char *name, *help;
    uint8_t props;   /* IRP_ */
    uint8_t shape;   /* IRS_ */
    uint8_t flags;   /* natural flags */
} IrOpInfo;
extern const IrOpInfo ir_op_info[OP__COUNT];
static inline const char *ir_op_name(IrOpcode op)
{
    return op < OP__COUNT ? ir_op_info[op].name : "?";
}
static inline const char *ir_op_help(IrOpcode op)
{
    return op < OP__COUNT ? ir_op_info[op].help : "";
}
static inline unsigned ir_op_props(IrOpcode op)
{
    return ir_op_info[op].props;
}
/* May this op fault? IRP_F, but a call only when its helper is FULL. */
bool ir_may_fault(const IrBlock *b, const IrOp *op);
/* Does the op read its dst (partial write, dividend, accumulator, inserted byte, conditional index)? */
bool ir_reads_dst(const IrBlock *b, const IrOp *op);

/*
 * Flags. For an op, with live = flags wanted after it:
 *   ir_flags_read     values it computes with (adc: C; jcc: its condition; block ends, getf and
 *                     FULL helpers: all six)
 *   ir_flags_written  what it may change: op->fw; hostop: host[].fw; FULL helper: all
 *   ir_flags_kept     of those written, the ones that may keep their old value at run time:
 *                     shifts and rotates whose count is not an immediate (the count may be 0)
 * so the flags wanted before it are
 *   read | (live & ~(written & ~kept)).
 * An emitter must have valid old values of exactly these in place when it starts the op. inc, dec
 * and the bit tests write a subset and so preserve the other flags by themselves: that is no read.
 *   ir_flags_undefined  of those written, what x86 leaves undefined: engines may differ here, and a
 *                     test must not look.
 */
uint8_t ir_flags_read(const IrBlock *b, const IrOp *op);
uint8_t ir_flags_written(const IrBlock *b, const IrOp *op);
uint8_t ir_flags_kept(const IrOp *op);
uint8_t ir_flags_undefined(const IrOp *op);
/* FL_ mask <-> EFLAGS bits. */
static inline uint64_t ir_flags_to_eflags(uint8_t fl)
{
    return (fl & 1) | (fl & 2) << 1 | (fl & 4) << 2 | (fl & 24) << 3 | (uint64_t)(fl & 32) << 6;
}
static inline uint8_t ir_flags_from_eflags(uint64_t e)
{
    return (uint8_t)((e & 1) | (e >> 1 & 2) | (e >> 2 & 4) | (e >> 3 & 24) | (e >> 6 & 32));
}

/* ---- checks, text, passes ---- */
bool ir_verify(const IrBlock *b, GString *why);       /* false: why says what and where */
void ir_print(const IrBlock *b, GString *out);        /* one op per line */
bool ir_parse(IrBlock *b, const char *text, GString *why); /* inverse of ir_print */
void ir_flag_liveness(IrBlock *b);  /* fills flive and fexc, backwards */
void ir_temp_liveness(IrBlock *b);  /* fills tdead */
/*
 * After ir_flag_liveness(): does the block overwrite all six flags before it reads them, may fault
 * or leaves? (TcgBlock.flags_dead_in)
 */
bool ir_flags_dead_in(const IrBlock *b);

#endif
