/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The emitter's own state and the pieces its files share. See README.md.
 *
 * home: HostCode is guarded by the owner of the code cache (one emitter at a
 * time); the thunks of host_run_insn() have their own lock.
 */
#ifndef ACCEL_TCG_HOST_X86_64_EMIT_H
#define ACCEL_TCG_HOST_X86_64_EMIT_H

#include <stddef.h>

#include "accel/tcg/host/x86_64/asm.h"
#include "accel/tcg/tcg.h"
#include "base/os/memory.h"

/* ---- the per-vCPU block as seen from gs ---- */
#define V_OFF(field) ((int32_t)offsetof(TcgVcpu, field))
#define V_SCRATCH(n) (V_OFF(scratch) + 8 * (n))
#define V_SPILL(n)   (V_OFF(spill) + 8 * (n))
#define V_ENV(off)   ((int32_t)(TCG_ENV_OFFSET + (off)))

/* Registers the C calling convention lets a callee change. */
#define REGS_CALLER_SAVED                                                                          \
    (1u << RAX | 1u << RCX | 1u << RDX | 1u << RSI | 1u << RDI | 1u << R8 | 1u << R9 | 1u << R10 | \
     1u << R11)

/* Shared code, emitted once per cache. */
typedef enum Stub {
    STUB_ENTER,     /* C: void (void *code) */
    STUB_EXIT,      /* registers saved: restore C's and return */
    STUB_SAVE_ALL,  /* pinned registers -> env */
    STUB_SAVE_CS,   /* only those that C may change */
    STUB_POLL,      /* from a block header */
    STUB_KILL,      /* from a block header */
    STUB_EDGE,      /* called; the edge's address follows */
    STUB_LOOKUP,    /* env pc set: leave with TCG_EXIT_LOOKUP */
    STUB_JC_MISS,   /* env pc set: look up, jump or leave */
    STUB_LOAD,      /* called; va in scratch 0, record follows; value to scratch 0 */
    STUB_STORE,     /* called; va, value in scratch 0, 1 */
    STUB_OPERAND_R, /* called; returns when the retry will hit */
    STUB_OPERAND_W,
    STUB_BOUNCE,     /* called behind STUB_OPERAND_W when that gave a buffer */
    STUB_INTERP,     /* called; record follows */
    STUB_CALL_LIGHT, /* call rax, reload what C may change, result to scratch 0 */
    STUB_CALL_VEC,   /* the same with vector registers in env */
    STUB_CALL_FULL,  /* the same with everything reloaded and FP state kept */
    STUB_CALL_FPU,   /* the same with FP state handed over in env */
    STUB_FPU_LOAD,   /* env's FP image -> host */
    STUB_YMM_LOAD,   /* the same with the upper halves of YMM registers */
    STUB_TRAP,       /* a host trap continues here: raise what scratch 0 says */
    STUB_RUN_YMM,    /* upper halves at rax -> host, for a host_run_insn() thunk */
    STUB_RUN_OK,     /* its ends */
    STUB_RUN_FAULT,
    STUB__COUNT,
} Stub;

/* Vector registers of the target may be in host registers below XMM_SCRATCH, and with AVX-512 from XMM_FAR on. */
enum { XMM_SCRATCH = 13, XMM_FAR = 16, XMM_COUNT = 32 };

/* Bytes before entry_poll: block pointer, size of the block's code, poll exit, kill exit. */
#define BLOCK_HEADER   32
#define HEADER_SIZE_AT (-24) /* from entry_poll */
#define HEADER_POLL_AT (-16)
#define HEADER_KILL_AT (-8)
#define BLOCK_POLL     12 /* bytes from entry_poll to entry */
#define THUNK_SPACE    (16u << 10)

typedef enum SlowKind {
    SLOW_LOAD,
    SLOW_STORE,
    SLOW_OPERAND, /* then retry */
    SLOW_INTERP,
    SLOW_FPU,
    SLOW_EDGE,
    SLOW_JC_MISS,
    SLOW_HALVES, /* ldp, stp that is not aligned */
} SlowKind;

/*
 * How the flags can be computed again: by comparing a with b, testing a and b, or from the result
 * (in a) of an operation with b. a and b are globals, or b is the immediate.
 */
typedef enum RecipeKind {
    RECIPE_RESULT,
    RECIPE_TEST,
    RECIPE_CMP,
    RECIPE_ADD,
    RECIPE_SUB
} RecipeKind;
/* What comes behind it: the carry was set, cleared or inverted since. */
typedef enum RecipeCarry { RECIPE_CARRY, RECIPE_STC, RECIPE_CLC, RECIPE_CMC } RecipeCarry;
typedef struct Recipe {
    uint8_t kind, w, carry;
    IrVal a, b;
    int32_t imm;
} Recipe;

/* Out-of-line code to be emitted at the block's end. */
typedef struct Slow {
    uint8_t kind, w, aux2, size, mmu, write;
    bool sign, save_flags, val_is_imm;
    bool recompute; /* flags, by this recipe, before C sees them */
    Recipe recipe;
    int8_t s1, s2, dst, dst2;
    Rm val, val2;
    uint8_t rotated; /* s2 was, to the right, by so many bits */
    int64_t imm;
    uint32_t insn;
    const IrHostInsn *hi; /* SLOW_OPERAND: may go through a buffer */
    uint8_t *hit, *done;  /* where it goes on with s1 + s2 at the operand; behind the instruction */
    uint8_t *from; /* rel32 that leads here */
    uint8_t *back;
    TcgEdge *edge;
} Slow;

typedef struct Fixup {
    uint8_t *field;
    int label;
} Fixup;

typedef struct Thunk {
    IrHostInsn key;
    uint32_t code;
} Thunk;

struct HostCode {
    DualMap map;
    const TcgTarget *target;
    uint32_t stub[STUB__COUNT];
    uint32_t start, used; /* first byte for blocks, next free byte */
    uint32_t thunk_start, thunk_used;
    int n_thunks;
    Thunk thunks[64];
    GMutex thunk_lock;
    int8_t greg[IR_MAX_GLOBALS]; /* global -> host register, -1 memory */
    int8_t pin[16];              /* host register -> global, -1 */
    uint32_t goff[IR_MAX_GLOBALS];
    uint32_t *first;  /* by 64 KiB of code: header of the first block there, 0 none */
    unsigned scratch; /* mask of registers for temps */
    unsigned pinned;
    bool bmi2, lzcnt, bmi1, fsgsbase;
    bool ymm;                    /* the host has AVX and the target YMM registers */
    bool vec;                    /* the target has vector registers and the host AVX */
    int8_t vreg[64];             /* vector register or temporary -> host register, -1 memory */
    int8_t vpin[XMM_COUNT];      /* host register -> vector register, -1 */
    bool single_vcpu;            /* host_code_single_vcpu() */
    bool x87_notes;              /* the host does not say where the last x87 instruction was: generated code does */
    bool line_atomic;            /* accesses of up to 8 bytes are atomic wherever they lie in a cache line */
    struct Emit *emit;
};

typedef struct Emit {
    Asm a;
    HostCode *hc;
    const IrBlock *ir;
    TcgBlock *tb;
    uint8_t *limit;
    uint8_t *entry;
    /* registers */
    int8_t greg[IR_MAX_GLOBALS];
    unsigned scratch, busy;
    unsigned lock, hold; /* for this op: not to be allocated; those that stay so to its end */
    unsigned borrowed;   /* pinned registers whose globals are in env for this op */
    uint16_t reg_temp[16];
    uint64_t slots; /* spill slots in use */
    /* flags: which are valid in host flags, in env->cc */
    uint8_t H, M, R; /* R: all or none, by recipe */
    Recipe recipe;
    unsigned n_recipes;
    bool merge;
    uint8_t fpu_ok; /* IR_FPU_*: what is known to be live */
    bool fpu_lost;
    bool vec_fields; /* ldenv or stenv of a vector register that has a host register */
    bool unreachable; /* after an op that always leaves, until the next label */
    uint64_t insn_pc;
    bool pc_set; /* this instruction may have written env's pc */
    int i;       /* index of the current op */
    int n_slow, cap_slow, n_fix, cap_fix;
    Slow *slow;
    Fixup *fix;
    uint8_t *label[IR_MAX_LABELS];
    uint8_t label_live[IR_MAX_LABELS]; /* flags wanted there */
    /* temps: register, spill slot (-1 none), slot is up to date, last op that names it */
    int8_t treg[IR_MAX_TEMPS];
    int8_t tslot[IR_MAX_TEMPS];
    bool tclean[IR_MAX_TEMPS];
    int32_t tlast[IR_MAX_TEMPS];
} Emit;

static inline uint8_t *hc_rw(HostCode *hc, uint32_t off)
{
    return hc->map.rw + off;
}
static inline uint32_t hc_off(const HostCode *hc, const uint8_t *rw)
{
    return (uint32_t)(rw - hc->map.rw);
}
static inline uint8_t *hc_stub(HostCode *hc, Stub s)
{
    return hc->map.rw + hc->stub[s];
}

/* ---- emit.c: values, registers ---- */
Rm val_rm(Emit *e, IrVal v);   /* where v is now: register, or memory at its home */
int val_reg(Emit *e, IrVal v); /* v in a (locked) register, not to be changed */
int val_reg_imm(Emit *e, IrVal v, int64_t imm); /* the same; v may be IR_IMM */
int reg_alloc(Emit *e);                         /* a free scratch register, locked for this op */
int val_copy(Emit *e, IrVal v, int64_t imm);    /* v in a register that may be changed */
int dst_reg(Emit *e, IrVal dst, bool keep);     /* where to compute dst; keep: with its old value */
void dst_done(Emit *e, IrVal dst, int reg, IrWidth w); /* reg holds the new value */
void dst_set(Emit *e, IrVal dst, int reg,
             IrWidth w);                  /* the same for a register that is not dst_reg()'s */
void temps_spill(Emit *e, unsigned regs); /* write back; keeps the registers valid */
void temps_forget(Emit *e, unsigned regs);
void reg_borrow(Emit *e, int reg); /* reg is free for this op; its global is in env */
void regs_return(Emit *e);
static inline bool val_dead(const Emit *e, IrVal v)
{
    return ir_is_temp(v) && e->tlast[ir_temp(v)] == e->i;
}
static inline bool val_in_mem(Emit *e, IrVal v)
{
    return ir_is_global(v) && e->greg[ir_global(v)] < 0;
}
static inline Rm global_home(const Emit *e, unsigned g)
{
    return rm_gs(V_ENV(e->hc->goff[g]));
}
static inline bool imm_fits(IrWidth w, int64_t v)
{
    return w != W64 || v == (int32_t)v;
}

/* ---- emit_flags.c ---- */
static inline unsigned flags_live(const IrOp *op)
{
    return op->flive | op->fexc;
}
void flags_save(Emit *e, unsigned need);    /* need valid in env->cc; host flags stay */
void flags_clobber(Emit *e, unsigned need); /* the same, and host flags are lost */
void flags_load(Emit *e, unsigned need);    /* need valid in host flags */
unsigned flags_cond(Emit *e, unsigned cc);  /* make cc testable; returns the host condition */
void flags_begin(Emit *e, const IrOp *op, unsigned clobber);
void flags_end(Emit *e, const IrOp *op, unsigned clobber);
/* Nobody wants this op's flags, but the host flags that it would destroy are worth keeping. */
void flags_defer(Emit *e, const IrOp *op, bool *deferred);   /* before a TLB check */
void flags_recompute(Emit *e, const Recipe *r, int scratch); /* into host flags */
void flags_spill(Emit *e,
                 int reg); /* host flags to env->cc, by a register that may change, or -1 */
void recipe_note(Emit *e, const IrOp *op);   /* the op has written all flags */
bool recipe_survives(const Emit *e, const IrOp *op); /* op leaves the flags alone, and what they are computed from */
bool recipe_direct(const Emit *e, const Recipe *r);  /* flags_recompute() needs no scratch register */
void recipe_carry(Emit *e, RecipeCarry how);
bool recipe_before(Emit *e, const IrOp *op); /* op may write what the recipe needs: true */
bool flags_avoid(const Emit *e, const IrOp *op, unsigned clobber);

/* ---- by kind of op ---- */
typedef void EmitFn(Emit *e, const IrOp *op);
EmitFn emit_mov, emit_extend, emit_lea, emit_bswap, emit_exth, emit_insh, emit_cmov, emit_setcc,
    emit_movnz, emit_ldenv, emit_stenv;                             /* emit_move.c */
EmitFn emit_binary, emit_compare, emit_unary, emit_imul, emit_andn; /* emit_alu.c */
EmitFn emit_bittest, emit_bitscan, emit_count;
EmitFn emit_shift, emit_double_shift, emit_mul2, emit_div; /* emit_shift.c */
EmitFn emit_getf, emit_setf, emit_cmc;                     /* emit_flags.c */
EmitFn emit_ld, emit_st, emit_probe_op, emit_fence;        /* emit_mem.c */
EmitFn emit_ldp, emit_stp;                                 /* emit_pair.c */
EmitFn emit_rmw, emit_xchgm, emit_xaddm, emit_cmpxchgm;    /* emit_atomic.c */
/* Z: the jump cache has pc at entry `at` (index times entry size). Changes at and tmp. */
void jump_cache_probe(Asm *a, unsigned at, unsigned pc, unsigned tmp);
EmitFn emit_insn, emit_label, emit_branch, emit_jcc, emit_jmp, emit_jmpind,
    emit_exit;                 /* emit_flow.c */
EmitFn emit_call, emit_hostop; /* emit_call.c, emit_host.c */
void emit_vecop(Emit *e, const IrOp *op); /* emit_vec.c */
bool vec_ldenv(Emit *e, const IrOp *op);  /* false: the field is not in a host register */
bool vec_stenv(Emit *e, const IrOp *op);
bool vec_field_pinned(const HostCode *hc, const IrOp *op);
void vec_bounce_store(Emit *e, const IrHostInsn *hi, int at); /* out of line: to the buffer at register `at` */
Rm memory_operand(Emit *e, const IrOp *op, const IrHostInsn *hi, Slow **slow);
int dst_operand(Emit *e, const IrOp *op, const IrHostInsn *hi);
void encode_at_site(Emit *e, const IrOp *op, const IrHostInsn *hi, unsigned reg, Rm rm);
/* Does the host have the pointers to the last x87 instruction in its images, and take them from there? */
bool host_keeps_x87_pointers(void);
/* Around FXSAVE of a state that was loaded from the image, where HostCode.x87_notes: the guest's pointers stay in it. */
void host_x87_keep(TcgVcpu *v, const char *image);
void host_x87_kept(const TcgVcpu *v, char *image);
/* The interpreter's thunk has run hi, the image is env's: what host_fpu_settle() will want to know. */
void host_x87_in_thunk(TcgVcpu *v, const IrHostInsn *hi);
void encode_host_insn(Asm *a, const IrHostInsn *hi, unsigned reg, Rm rm);
void emit_fpu_check(Emit *e, unsigned fpu); /* make it live */
void emit_set_pc(Emit *e, int reg); /* env pc = the current instruction; reg may be destroyed */

/* Two-operand form: returns the register to work in, holding a; *b is the other source. */
typedef struct Two {
    IrVal a, b;
    int r;
} Two;
void two_begin(Emit *e, const IrOp *op, Two *t, bool commutes);
void two_end(Emit *e, const IrOp *op, const Two *t);

/* The TLB check; on a hit the access is at [s1 + s2] (see README.md). */
typedef struct Probe {
    int s1, s2;
    Slow *slow;
} Probe;
/* Must the op be atomic in a way that the host's plain accesses are only when they are aligned? */
bool only_aligned(const Emit *e, const IrOp *op);
void slow_halves(Emit *e, Slow s);
Probe emit_probe(Emit *e, const IrOp *op, SlowKind kind, unsigned size, bool write, unsigned align);
int probe_pointer(Emit *e,
                  Probe *p); /* [s1 + s2] in one register; s2 is free to use, still locked */
void load_extended(Emit *e, IrWidth w, int to, int reg,
                   Rm m); /* to: signed to that width; -1: unsigned */
Slow *slow_new(Emit *e, SlowKind kind, uint8_t *from);
void emit_slow_paths(Emit *e);
void site_add(Emit *e, unsigned flags);

/* ---- stubs.c, cache.c ---- */
void stubs_emit(HostCode *hc, Asm *a);
void thunk_ends(Asm *a, uint8_t **ok, uint8_t **fault);
void xmm_move(Asm *a, bool load, unsigned xmm, Rm m); /* 16 bytes, aligned */
Rm vec_home(const HostCode *hc, unsigned n);
void ymm_upper(Asm *a, bool load, Rm at, unsigned n); /* upper half of register n from or to memory */
void ymm_uppers(Asm *a, bool load, Rm at);            /* of all; at: of register 0. Stored ones become 0 */
void fpu_image_sanitize(void *image);
void host_raise_trap(TcgVcpu *v) G_GNUC_NORETURN; /* scratch[0]: TrapKind */
enum { TRAP_DIVIDE, TRAP_SIMD, TRAP_X87 };
void host_note_trap(TcgVcpu *v, unsigned kind);

#endif
