/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code shared by all blocks: the way in and out, and the bridges to C. Generated
 * code runs with the stack pointer 16-aligned, so a called stub finds it 8 off.
 */
#include "accel/tcg/host/x86_64/emit.h"

typedef struct Stubs {
    Asm *a;
    HostCode *hc;
    uint8_t *park, *unpark;
} Stubs;

static Rm home(const Stubs *s, int reg)
{
    return rm_gs(V_ENV(s->hc->goff[(int)s->hc->pin[reg]]));
}
static Rm env_pc(const Stubs *s)
{
    return rm_gs(V_ENV(s->hc->target->pc_offset));
}
static Rm image(const Stubs *s, uint32_t off)
{
    return rm_gs(V_ENV(s->hc->target->fpu_offset + off));
}

static void save(const Stubs *s, unsigned regs)
{
    for (unsigned m = s->hc->pinned & regs; m; m &= m - 1) {
        int r = __builtin_ctz(m);
        a_store(s->a, W64, home(s, r), (unsigned)r);
    }
}
static void load(const Stubs *s, unsigned regs)
{
    for (unsigned m = s->hc->pinned & regs; m; m &= m - 1) {
        int r = __builtin_ctz(m);
        a_mov(s->a, W64, (unsigned)r, home(s, r));
    }
}
static void push(const Stubs *s, int reg)
{
    if (reg >= 8) {
        e8(s->a, 0x41);
    }
    e8(s->a, 0x50 | (reg & 7));
}
static void pop(const Stubs *s, int reg)
{
    if (reg >= 8) {
        e8(s->a, 0x41);
    }
    e8(s->a, 0x58 | (reg & 7));
}
static void ret(const Stubs *s)
{
    e8(s->a, 0xc3);
}
static void call_rax(const Stubs *s)
{
    ins(s->a, 0xff, W32, 2, rm_r(RAX));
}
static void add_rsp(const Stubs *s, int n)
{
    a_lea(s->a, W64, RSP, rm_m(RSP, -1, 0, n));
}
static void fx(const Stubs *s, unsigned w, unsigned digit, Rm m)
{
    ins(s->a, O_0F | 0xae, w, digit, m); /* 0 fxsave 1 fxrstor 2 ldmxcsr 3 stmxcsr */
}
static void set_fpu_live(const Stubs *s, int v)
{
    a_storei(s->a, W8, rm_gs(V_OFF(fpu_live)), v);
}
static uint8_t *if_fpu(const Stubs *s, int state, unsigned cc)
{
    a_alu_i(s->a, 7, W8, rm_gs(V_OFF(fpu_live)), state, 0);
    return a_jcc(s->a, cc);
}
static void begin(const Stubs *s, Stub which)
{
    a_nops(s->a, (unsigned)-(uintptr_t)s->a->p & 15);
    s->hc->stub[which] = hc_off(s->hc, s->a->p);
}

/* ---- floating point ---- */

void ymm_upper(Asm *a, bool load, Rm at, unsigned n)
{
    at.disp += (int32_t)(16 * n);
    if (load) { /* vinsertf128 */
        ins_vex(a, O_66 | O_0F3A | 0x18, false, true, n, n, at);
    } else { /* vextractf128 */
        ins_vex(a, O_66 | O_0F3A | 0x19, false, true, n, 0, at);
    }
    e8(a, 1);
}

void ymm_uppers(Asm *a, bool load, Rm at)
{
    for (unsigned n = 0; n < 16; n++) {
        ymm_upper(a, load, at, n);
    }
    if (!load) {
        e8(a, 0xc5); /* vzeroupper */
        e8(a, 0xf8);
        e8(a, 0x77);
    }
}

static Rm ymmh(const Stubs *s)
{
    return rm_gs(V_ENV(s->hc->target->ymmh_offset));
}
static void set_ymm_live(const Stubs *s, int v)
{
    a_storei(s->a, W8, rm_gs(V_OFF(ymm_live)), v);
}
/* Upper halves to env if they are live. */
static void ymm_park(const Stubs *s)
{
    if (s->hc->ymm) {
        a_alu_i(s->a, 7, W8, rm_gs(V_OFF(ymm_live)), 0, 0);
        uint8_t *none = a_jcc(s->a, CC_E);
        ymm_uppers(s->a, false, ymmh(s));
        a_patch(none, s->a->p);
    }
}

/* ---- vector registers of a target that has no FXSAVE image ---- */

Rm vec_home(const HostCode *hc, unsigned n)
{
    const TcgTarget *t = hc->target;
    uint32_t off = n < t->n_vec ? t->vec_offset + n * t->vec_stride : t->vtmp_offset + (n - t->n_vec) * t->vtmp_stride;
    return rm_gs(V_ENV(off));
}

void xmm_move(Asm *a, bool load, unsigned xmm, Rm m)
{
    unsigned opc = O_0F | (load ? 0x28 : 0x29); /* vmovaps */
    if (xmm >= XMM_FAR || m.reg >= XMM_FAR) {
        ins_evex128(a, opc, xmm, m);
    } else {
        ins_vex(a, opc, false, false, xmm, 0, m);
    }
}

static void vec_all(const Stubs *s, bool load)
{
    for (unsigned r = 0; r < XMM_COUNT; r++) {
        int n = s->hc->vpin[r];
        if (n >= 0) {
            xmm_move(s->a, load, r, vec_home(s->hc, (unsigned)n));
        }
    }
}

static void vec_stubs(Stubs *s)
{
    Asm *a = s->a;
    Rm mxcsr = rm_gs(V_ENV(s->hc->target->mxcsr_offset));
    begin(s, STUB_FPU_LOAD);
    uint8_t *load = a->p;
    vec_all(s, true);
    fx(s, W32, 3, rm_gs(V_OFF(host_mxcsr)));
    fx(s, W32, 2, mxcsr);
    set_fpu_live(s, FPU_IN_HOST);
    ret(s);

    s->park = a->p;
    vec_all(s, false);
    fx(s, W32, 3, mxcsr);
    fx(s, W32, 2, rm_gs(V_OFF(host_mxcsr)));
    set_fpu_live(s, FPU_SPLIT);
    ret(s);

    s->unpark = load; /* C may have saved it, or not: it is in env */
}

static void ymm_load(Stubs *s)
{
    Asm *a = s->a;
    begin(s, STUB_YMM_LOAD);
    if (s->hc->ymm) {
        uint8_t *have = if_fpu(s, FPU_IN_HOST, CC_E);
        a_call_to(a, hc_stub(s->hc, STUB_FPU_LOAD));
        a_patch(have, a->p);
        ymm_uppers(a, true, ymmh(s));
        set_ymm_live(s, 1);
    }
    ret(s);

    begin(s, STUB_RUN_YMM);
    ymm_uppers(a, true, rm_m(RAX, -1, 0, 0));
    ret(s);
}

/* By way of XMM0. */
static void move_16(const Stubs *s, Rm to, Rm from)
{
    ins(s->a, O_0F | 0x10, W32, 0, from); /* movups */
    ins(s->a, O_0F | 0x11, W32, 0, to);
}

/* host_x87_kept(), after FXSAVE. */
static void x87_kept(const Stubs *s)
{
    Asm *a = s->a;
    ins(a, 0xf6, W8, 0, image(s, 2)); /* test: an exception is pending */
    e8(a, 0x80);
    uint8_t *pending = a_jcc(a, CC_NE);
    move_16(s, image(s, 8), rm_gs(V_OFF(x87_kept) + 8));
    push(s, RCX);
    a_mov(a, W16, RCX, rm_gs(V_OFF(x87_kept) + 6));
    a_store(a, W16, image(s, 6), RCX);
    pop(s, RCX);
    a_patch(pending, a->p);
}

static void fpu_load(Stubs *s)
{
    begin(s, STUB_FPU_LOAD);
    if (s->hc->target->fpu_offset) {
        fx(s, W32, 3, rm_gs(V_OFF(host_mxcsr)));
        a_alu_i(s->a, 4, W32, image(s, 24), 0xffff, 0); /* reserved bits would fault */
        if (s->hc->x87_notes) {
            move_16(s, rm_gs(V_OFF(x87_kept)), image(s, 0));
            move_16(s, rm_gs(V_OFF(x87_kept) + 8), image(s, 8));
        }
        fx(s, W64, 1, image(s, 0));
        set_fpu_live(s, FPU_IN_HOST);
    }
    ret(s);
}

/* XMM and MXCSR to env and back; general registers are untouched. */
static void fpu_park(Stubs *s)
{
    Asm *a = s->a;
    s->park = a->p;
    ymm_park(s);
    for (unsigned i = 0; i < 16; i++) {
        ins(a, O_0F | 0x29, W32, i, image(s, 160 + 16 * i)); /* movaps */
    }
    fx(s, W32, 3, image(s, 24));
    fx(s, W32, 2, rm_gs(V_OFF(host_mxcsr)));
    set_fpu_live(s, FPU_SPLIT);
    ret(s);

    s->unpark = a->p;
    uint8_t *whole = if_fpu(s, FPU_SPLIT, CC_NE);
    for (unsigned i = 0; i < 16; i++) {
        ins(a, O_0F | 0x28, W32, i, image(s, 160 + 16 * i));
    }
    if (s->hc->ymm) {
        a_alu_i(a, 7, W8, rm_gs(V_OFF(ymm_live)), 0, 0);
        uint8_t *none = a_jcc(a, CC_E);
        ymm_uppers(a, true, ymmh(s));
        a_patch(none, a->p);
    }
    fx(s, W32, 2, image(s, 24));
    set_fpu_live(s, FPU_IN_HOST);
    ret(s);
    /* C has saved it: load all of it again. The block may rely on the upper halves, too. */
    a_patch(whole, hc_stub(s->hc, s->hc->ymm ? STUB_YMM_LOAD : STUB_FPU_LOAD));
}

/* call rax, a C function; guest FP state is kept. */
static void call_keeping_fpu(const Stubs *s)
{
    Asm *a = s->a;
    if (!s->hc->target->fpu_offset && !s->hc->vec) {
        call_rax(s);
        return;
    }
    uint8_t *live = if_fpu(s, FPU_IN_ENV, CC_NE);
    call_rax(s);
    uint8_t *done = a_jmp(a);
    a_patch(live, a->p);
    a_call_to(a, s->park);
    call_rax(s);
    a_call_to(a, s->unpark);
    a_patch(done, a->p);
}

/* ---- in and out ---- */

static const uint8_t callee_saved[] = {RBX, RBP, R12, R13, R14, R15};

static void enter_and_exit(Stubs *s)
{
    Asm *a = s->a;
    begin(s, STUB_ENTER);
    for (int i = 0; i < 6; i++) {
        push(s, callee_saved[i]);
    }
    add_rsp(s, -24);
    a_store(a, W64, rm_gs(V_OFF(host_rsp)), RSP);
    a_store(a, W64, rm_gs(V_SCRATCH(0)), RDI);
    load(s, ~0u);
    ins(a, 0xff, W32, 4, rm_gs(V_SCRATCH(0)));

    begin(s, STUB_EXIT);
    a_mov(a, W64, RSP, rm_gs(V_OFF(host_rsp)));
    uint8_t *no_fpu = if_fpu(s, FPU_IN_ENV, CC_E);
    if (s->hc->vec) {
        a_call_to(a, s->park);
        set_fpu_live(s, FPU_IN_ENV);
    } else {
        a_mov(a, W64, RDI, rm_gs(V_OFF(self)));
        a_movi(a, RAX, (uintptr_t)host_fpu_save);
        call_rax(s);
    }
    a_patch(no_fpu, a->p);
    add_rsp(s, 24);
    for (int i = 5; i >= 0; i--) {
        pop(s, callee_saved[i]);
    }
    ret(s);
}

static void leave(const Stubs *s, TcgExit why)
{
    a_storei(s->a, W8, rm_gs(V_OFF(exit_reason)), why);
    a_jmp_to(s->a, hc_stub(s->hc, STUB_EXIT));
}

/* From a block's header: the block's address lies before the call. */
static void from_header(Stubs *s, Stub which, int call_at, TcgExit why)
{
    Asm *a = s->a;
    begin(s, which);
    save(s, ~0u);
    pop(s, RAX);
    a_mov(a, W64, RCX, rm_m(RAX, -1, 0, -BLOCK_HEADER - (call_at + 5)));
    a_store(a, W64, rm_gs(V_OFF(exit_block)), RCX);
    a_mov(a, W64, RCX, rm_m(RCX, -1, 0, (int32_t)offsetof(TcgBlock, pc)));
    a_store(a, W64, env_pc(s), RCX);
    leave(s, why);
}

/* The edge's pc by the jump cache; only scratch registers change. */
static void far_edge(Stubs *s, unsigned edge, unsigned r1, unsigned r2)
{
    Asm *a = s->a;
    a_mov(a, W64, r1, rm_m((int)edge, -1, 0, (int32_t)offsetof(TcgEdge, pc)));
    jump_cache_probe(a, edge, r1, r2);
    uint8_t *miss = a_jcc(a, CC_NE);
    ins(a, 0xff, W32, 4, rm_gsb((int)edge, V_OFF(jc) + (int32_t)offsetof(JumpCacheEntry, code)));
    a_patch(miss, a->p);
    a_store(a, W64, env_pc(s), r1);
    a_jmp_to(a, hc_stub(s->hc, STUB_JC_MISS));
}

/* Flags are in env->cc. */
static void edge_and_lookup(Stubs *s)
{
    Asm *a = s->a;
    unsigned free = s->hc->scratch, r[3];
    for (int i = 0; i < 3; i++, free &= free - 1) {
        r[i] = (unsigned)__builtin_ctz(free);
    }
    begin(s, STUB_LOOKUP);
    save(s, ~0u);
    leave(s, TCG_EXIT_LOOKUP);

    begin(s, STUB_JC_MISS);
    save(s, ~0u);
    a_mov(a, W64, RDI, rm_gs(V_OFF(self)));
    a_mov(a, W64, RSI, env_pc(s));
    a_movi(a, RAX, (uintptr_t)tcg_slow_lookup);
    call_keeping_fpu(s);
    ins(a, 0x85, W64, RAX, rm_r(RAX));
    uint8_t *none = a_jcc(a, CC_E);
    a_store(a, W64, rm_gs(V_SCRATCH(0)), RAX);
    load(s, ~0u);
    ins(a, 0xff, W32, 4, rm_gs(V_SCRATCH(0)));
    a_patch(none, a->p);
    leave(s, TCG_EXIT_LOOKUP);

    begin(s, STUB_EDGE);
    pop(s, r[0]);
    a_mov(a, W64, r[0], rm_m((int)r[0], -1, 0, 0));
    a_alu_i(a, 7, W8, rm_m((int)r[0], -1, 0, (int32_t)offsetof(TcgEdge, far)), 0, 0);
    uint8_t *far = a_jcc(a, CC_NE);
    a_store(a, W64, rm_gs(V_OFF(exit_edge)), r[0]);
    save(s, ~0u);
    a_mov(a, W64, RCX, rm_gs(V_OFF(exit_edge)));
    a_mov(a, W64, RCX, rm_m(RCX, -1, 0, (int32_t)offsetof(TcgEdge, pc)));
    a_store(a, W64, env_pc(s), RCX);
    leave(s, TCG_EXIT_EDGE);
    a_patch(far, a->p);
    far_edge(s, r[0], r[1], r[2]);
}

/* ---- guest memory ---- */

/* RAX: return address. Decodes the record behind the call; EDX = size | mmu << 8. */
static void read_record(const Stubs *s)
{
    Asm *a = s->a;
    a_mov(a, W32, RDX, rm_m(RAX, -1, 0, 3));
    a_mov(a, W32, RCX, rm_m(RAX, -1, 0, 10));
    a_alu_rm(a, 5, W64, RAX, rm_r(RCX)); /* the block's entry_poll */
    a_mov(a, W64, RCX, rm_m(RAX, -1, 0, -BLOCK_HEADER));
    a_store(a, W64, rm_gs(V_OFF(exit_block)), RCX);
    ins(a, O_0F | 0xb7, W32, RCX, rm_r(RDX));
    a_store(a, W32, rm_gs(V_OFF(exit_insn)), RCX);
    ins(a, 0xc1, W32, 5, rm_r(RDX));
    e8(a, 16);
}

/* Leave to interpret the instruction that exit_block and exit_insn name. */
static void leave_to_interpret(const Stubs *s)
{
    Asm *a = s->a;
    a_mov(a, W64, RAX, rm_gs(V_OFF(exit_block)));
    a_mov(a, W32, RCX, rm_gs(V_OFF(exit_insn)));
    a_alu_rm(a, 0, W64, RCX, rm_m(RAX, -1, 0, (int32_t)offsetof(TcgBlock, pc)));
    a_store(a, W64, env_pc(s), RCX);
    leave(s, TCG_EXIT_INTERP);
}

/* Everything saved, scratch registers that C may change pushed, the stack aligned. */
static int slow_begin(Stubs *s, Stub which)
{
    unsigned keep = s->hc->scratch & REGS_CALLER_SAVED;
    int n = 0;
    begin(s, which);
    save(s, ~0u);
    for (unsigned m = keep; m; m &= m - 1, n++) {
        push(s, __builtin_ctz(m));
    }
    if (n % 2 == 0) {
        add_rsp(s, -8);
        n++;
    }
    a_mov(s->a, W64, RAX, rm_m(RSP, -1, 0, 8 * n));
    read_record(s);
    a_mov(s->a, W64, RDI, rm_gs(V_OFF(self)));
    a_mov(s->a, W64, RSI, rm_gs(V_SCRATCH(0)));
    return n;
}

static void slow_end(Stubs *s)
{
    unsigned keep = s->hc->scratch & REGS_CALLER_SAVED;
    if (__builtin_popcount(keep) % 2 == 0) {
        add_rsp(s, 8);
    }
    for (int r = 15; r >= 0; r--) {
        if (keep >> r & 1) {
            pop(s, r);
        }
    }
    load(s, REGS_CALLER_SAVED);
    ret(s);
}

static void memory(Stubs *s)
{
    Asm *a = s->a;
    slow_begin(s, STUB_LOAD);
    a_movi(a, RAX, (uintptr_t)tcg_slow_load);
    call_keeping_fpu(s);
    a_store(a, W64, rm_gs(V_SCRATCH(0)), RAX);
    slow_end(s);

    slow_begin(s, STUB_STORE);
    a_movrr(a, W32, RCX, RDX);
    a_mov(a, W64, RDX, rm_gs(V_SCRATCH(1)));
    a_movi(a, RAX, (uintptr_t)tcg_slow_store);
    call_keeping_fpu(s);
    slow_end(s);

    for (int write = 0; write < 2; write++) {
        slow_begin(s, write ? STUB_OPERAND_W : STUB_OPERAND_R);
        a_movi(a, RCX, (unsigned)write);
        a_movi(a, RAX, (uintptr_t)tcg_slow_operand);
        call_keeping_fpu(s);
        ins(a, 0x84, W8, RAX, rm_r(RAX));
        uint8_t *no = a_jcc(a, CC_E);
        slow_end(s);
        a_patch(no, a->p);
        leave_to_interpret(s);
    }

    slow_begin(s, STUB_BOUNCE);
    a_movi(a, RAX, (uintptr_t)tcg_slow_bounce);
    call_keeping_fpu(s);
    slow_end(s);

    begin(s, STUB_INTERP);
    save(s, ~0u);
    pop(s, RAX);
    read_record(s);
    leave_to_interpret(s);
}

/* ---- helpers and traps ---- */

static void calls(Stubs *s)
{
    Asm *a = s->a;
    begin(s, STUB_SAVE_ALL);
    save(s, ~0u);
    ret(s);

    begin(s, STUB_SAVE_CS);
    save(s, REGS_CALLER_SAVED);
    ret(s);

    begin(s, STUB_CALL_LIGHT);
    add_rsp(s, -8);
    call_rax(s);
    a_store(a, W64, rm_gs(V_SCRATCH(0)), RAX);
    load(s, REGS_CALLER_SAVED);
    add_rsp(s, 8);
    ret(s);

    begin(s, STUB_CALL_VEC);
    add_rsp(s, -8);
    call_keeping_fpu(s);
    a_store(a, W64, rm_gs(V_SCRATCH(0)), RAX);
    load(s, REGS_CALLER_SAVED);
    add_rsp(s, 8);
    ret(s);

    for (int fpu = 0; fpu < 2; fpu++) {
        begin(s, fpu ? STUB_CALL_FPU : STUB_CALL_FULL);
        add_rsp(s, -8);
        if (fpu && s->hc->target->fpu_offset) {
            uint8_t *in_env = if_fpu(s, FPU_IN_ENV, CC_E);
            ymm_park(s);
            set_ymm_live(s, 0);
            fx(s, W64, 0, image(s, 0));
            if (s->hc->x87_notes) {
                x87_kept(s);
            }
            fx(s, W32, 2, rm_gs(V_OFF(host_mxcsr)));
            e16(a, 0xe3db); /* fninit */
            set_fpu_live(s, FPU_IN_ENV);
            a_patch(in_env, a->p);
            call_rax(s);
        } else {
            call_keeping_fpu(s);
        }
        a_store(a, W64, rm_gs(V_SCRATCH(0)), RAX);
        load(s, ~0u);
        add_rsp(s, 8);
        ret(s);
    }

    begin(s, STUB_TRAP);
    save(s, ~0u);
    a_mov(a, W64, RDI, rm_gs(V_OFF(self)));
    a_movi(a, RAX, (uintptr_t)host_raise_trap);
    call_keeping_fpu(s);
    e16(a, 0x0b0f); /* ud2: it does not return */
}

static void thunks(Stubs *s)
{
    uint8_t *ok, *fault;
    thunk_ends(s->a, &ok, &fault);
    s->hc->stub[STUB_RUN_OK] = hc_off(s->hc, ok);
    s->hc->stub[STUB_RUN_FAULT] = hc_off(s->hc, fault);
}

void stubs_emit(HostCode *hc, Asm *a)
{
    Stubs s = {.a = a, .hc = hc};
    if (hc->vec) {
        vec_stubs(&s);
    } else {
        fpu_load(&s);
        ymm_load(&s);
        fpu_park(&s);
    }
    enter_and_exit(&s);
    from_header(&s, STUB_POLL, HEADER_POLL_AT, TCG_EXIT_POLL);
    from_header(&s, STUB_KILL, HEADER_KILL_AT, TCG_EXIT_LOOKUP);
    edge_and_lookup(&s);
    memory(&s);
    calls(&s);
    thunks(&s);
}
