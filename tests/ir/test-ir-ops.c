/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every arithmetic and memory op of ops.def against the instruction of this (x86-64)
 * processor with the same meaning: results, memory, and all flags that x86 defines,
 * on the interpreter and on the host emitter. Rows are in hw_cases.h.
 *
 *   test-ir-ops [--count N] [--seed N] [--only ID]
 */
#include "tests/ir/fake_target.h"
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct HwRegs {
    uint64_t a, c, d, f;
    uint64_t mem;
} HwRegs;

#define SETF "pushq %[f]; popfq; "
#define HW_FN(id, op, w, form, arg, text)                                                          \
    static void hw_##id(HwRegs *r)                                                                 \
    {                                                                                              \
        __asm__ volatile("leaq -128(%%rsp), %%rsp; " SETF text "; pushfq; popq %[f];"              \
                         "leaq 128(%%rsp), %%rsp"                                                  \
                         : "+a"(r->a), "+c"(r->c), "+d"(r->d), [f] "+&r"(r->f), "+m"(r->mem)       \
                         : "S"(&r->mem)                                                            \
                         : "cc", "memory");                                                        \
    }
#include "tests/ir/hw_cases.h"
HW_CASES(HW_FN)

/* How the operands of the op lie on A, C, D and memory. */
typedef enum Form {
    BIN,     /* A = A op C */
    TST,     /* flags of A op C */
    UN,      /* A = op A */
    DBL,     /* A = op A, D, count C */
    MUL2,    /* D:A = A * C */
    DIV,     /* D:A / C */
    SCAN,    /* A = op C, or A */
    COUNT,   /* A = op C */
    ANDN,    /* D = ~A & C */
    FROM_C,  /* A = op C */
    LEA,     /* D = A + (C << arg) + 0x1234 */
    NONE,
    LD,      /* A = mem */
    ST,      /* mem = C */
    RMW,     /* mem = mem op C */
    RMWUN,   /* mem = op mem */
    RMWBIT,
    XCHG,    /* C <-> mem */
    CMPXCHG, /* A against mem, C */
    CMOV,    /* A = cc ? C : A */
    SETCC,   /* A = cc */
} Form;

typedef struct HwCase {
    const char *id;
    IrOpcode op;
    IrWidth w;
    Form form;
    unsigned arg;
    void (*run)(HwRegs *);
} HwCase;
#define HW_ROW(id, op, w, form, arg, text) {#id, OP_##op, w, form, arg, hw_##id},
static const HwCase cases[] = {HW_CASES(HW_ROW)};

/* Where A, C, D live: pinned where they are on the host, pinned elsewhere, in memory, mixed, in temps. */
static const uint8_t places[][3] = {{0, 1, 2}, {8, 9, 10}, {14, 15, 13}, {1, 0, 15}, {2, 14, 1},
                                    {7, 8, 11}};
#define TEMPS_PLACE 5 /* this one goes through temps */

typedef struct Run {
    const HwCase *k;
    int place;
    bool imm;        /* second operand as an immediate */
    uint8_t fw;
    uint8_t undef;
    IrBlock block;
    HwRegs in, hw;
    bool hw_fault;
} Run;

static unsigned n_blocks, n_runs, n_host, n_undef_differ;

static uint64_t random64(GRand *r)
{
    uint64_t v = (uint64_t)g_rand_int(r) << 32 | g_rand_int(r);
    switch (g_rand_int_range(r, 0, 9)) {
    case 0:
        return v & 0xff;
    case 1:
        return (uint64_t)-(int64_t)(v & 0xff);
    case 2:
        return 1ull << (v & 63);
    case 3:
        return (1ull << (v & 63)) - 1;
    case 4:
        return 0x8000000080008080ull;
    case 5:
        return 0x7fffffff7fff7f7full + (v & 1);
    case 6:
        return 0;
    default:
        return v;
    }
}

/* ---- the hardware ---- */

static sigjmp_buf trap;
static void on_trap(int sig)
{
    siglongjmp(trap, 1);
}

/* Division faults for real. */
static void run_hardware(Run *t)
{
    struct sigaction sa = {.sa_handler = on_trap, .sa_flags = SA_NODEFER}, old;
    t->hw = t->in;
    t->hw_fault = false;
    if (t->k->form != DIV) {
        t->k->run(&t->hw);
        return;
    }
    sigaction(SIGFPE, &sa, &old);
    if (sigsetjmp(trap, 1) == 0) {
        t->k->run(&t->hw);
    } else {
        t->hw = t->in;
        t->hw_fault = true;
    }
    sigaction(SIGFPE, &old, NULL);
}

/* ---- the block ---- */

static bool takes_imm(const HwCase *k)
{
    switch (k->form) {
    case BIN:
    case TST:
    case DBL:
    case ST:
    case RMW:
    case RMWBIT:
        return true;
    case FROM_C:
        return k->op == OP_mov;
    default:
        return false;
    }
}

static void operand_or_imm(const Run *t, IrOp *o, IrVal *field, IrVal v)
{
    *field = v;
    if (t->imm) {
        *field = t->k->form == DBL ? IR_NONE : IR_IMM;
        o->imm = (int64_t)t->in.c;
    }
}

static void place_memory_operands(const Run *t, IrOp *o, IrVal a, IrVal c, IrVal addr)
{
    const HwCase *k = t->k;
    o->a = addr;
    o->aux2 = k->form == LD ? (uint8_t)k->arg : k->arg & 0x100 && o->op != OP_xchgm ? 0x80 : 0;
    switch (k->form) {
    case LD:
        o->dst = a;
        break;
    case XCHG:
        o->dst = o->b = c;
        break;
    case CMPXCHG:
        o->dst = a;
        o->b = c;
        break;
    default:
        o->sub = o->op == OP_rmw ? (uint8_t)k->arg : 0;
        if (k->form != RMWUN) {
            operand_or_imm(t, o, &o->b, c);
        }
        break;
    }
}

static void place_operands(const Run *t, IrOp *o, IrVal a, IrVal c, IrVal d)
{
    switch (t->k->form) {
    case BIN:
    case SCAN:
        o->dst = o->a = a;
        operand_or_imm(t, o, &o->b, c);
        break;
    case TST:
        o->a = a;
        operand_or_imm(t, o, &o->b, c);
        break;
    case UN:
        o->dst = o->a = a;
        break;
    case DBL:
        o->dst = o->a = a;
        o->b = d;
        operand_or_imm(t, o, &o->c, c);
        break;
    case MUL2:
    case DIV:
        o->dst = a;
        o->a = t->k->form == MUL2 ? a : IR_NONE;
        o->b = c;
        o->c = o->w == W8 ? IR_NONE : d;
        break;
    case ANDN:
    case LEA:
        o->dst = d;
        o->a = a;
        o->b = c;
        o->aux = (uint8_t)t->k->arg;
        o->imm = t->k->form == LEA ? 0x1234 : 0;
        break;
    case COUNT:
        o->dst = a;
        o->a = c;
        break;
    case FROM_C:
        o->dst = a;
        o->aux = (uint8_t)t->k->arg;
        operand_or_imm(t, o, &o->a, c);
        break;
    case CMOV:
    case SETCC:
        o->cc = (uint8_t)t->k->arg;
        o->dst = a;
        o->a = t->k->form == CMOV ? a : IR_NONE;
        o->b = t->k->form == CMOV ? c : IR_NONE;
        break;
    default:
        break;
    }
}

static bool is_memory(Form form)
{
    return form >= LD && form <= CMPXCHG;
}

static void make_block(Run *t)
{
    IrBlock *b = &t->block;
    const uint8_t *p = places[t->place];
    IrVal v[3];
    ir_block_reset(b, 0x1000, 0);
    ir_insn(b, 0x1000);
    for (int i = 0; i < 3; i++) {
        v[i] = IR_G(p[i]);
        if (t->place == TEMPS_PLACE) {
            v[i] = ir_temp_new(b);
            ir_mov(b, W64, v[i], IR_G(p[i]));
        }
    }
    IrOp *o = ir_emit(b, t->k->op, t->k->w, IR_NONE, IR_NONE, IR_NONE);
    if (is_memory(t->k->form)) {
        place_memory_operands(t, o, v[0], v[1], IR_G(FAKE_RSI));
    } else {
        place_operands(t, o, v[0], v[1], v[2]);
    }
    o->fw = t->fw;
    t->undef = ir_flags_undefined(o);
    for (int i = 0; i < 3 && t->place == TEMPS_PLACE; i++) {
        ir_mov(b, W64, IR_G(p[i]), v[i]);
    }
    ir_emit(b, OP_jmp, W8, IR_NONE, IR_NONE, IR_NONE)->imm = 0x1004;
    b->guest_bytes = 4;
}

/* ---- comparing ---- */

static void expected_state(const Run *t, FakeEnv *e)
{
    const uint8_t *p = places[t->place];
    uint64_t m = ir_flags_to_eflags(t->fw);
    e->regs[p[0]] = t->hw.a;
    e->regs[p[1]] = t->k->form == RMWBIT || t->imm ? t->in.c : t->hw.c;
    e->regs[p[2]] = t->hw.d;
    e->cc = (t->in.f & ~m & CC_EFLAGS_MASK) | (t->hw.f & m);
    e->pc = t->hw_fault ? 0x1000 : 0x1004;
    e->fault = t->hw_fault ? FAKE_DIVIDE : FAKE_LEFT;
    if (t->hw_fault) {
        e->cc = t->in.f & CC_EFLAGS_MASK;
    }
}

static bool outcome_ok(const Run *t, Fake *f, const FakeEnv *want, uint64_t mem, GString *why)
{
    const FakeEnv *e = f->env;
    uint64_t undef = ir_flags_to_eflags(t->undef), got;
    bool flags_ok = ((e->cc ^ want->cc) & CC_EFLAGS_MASK & ~undef) == 0;
    memcpy(&got, f->ram + 0x2000, 8);
    n_undef_differ += flags_ok && ((e->cc ^ want->cc) & CC_EFLAGS_MASK);
    if (flags_ok && !memcmp(e->regs, want->regs, sizeof(e->regs)) && e->pc == want->pc &&
        e->fault == want->fault && got == mem) {
        return true;
    }
    g_string_append_printf(why, "A %" PRIx64 " C %" PRIx64 " D %" PRIx64 " mem %" PRIx64
                           " flags %03" PRIx64 " fw %02x undefined %03" PRIx64 "\n",
                           t->in.a, t->in.c, t->in.d, t->in.mem, t->in.f & CC_EFLAGS_MASK, t->fw,
                           undef);
    for (int i = 0; i < 16; i++) {
        if (e->regs[i] != want->regs[i]) {
            g_string_append_printf(why, "reg %d: %" PRIx64 ", should be %" PRIx64 "\n", i,
                                   e->regs[i], want->regs[i]);
        }
    }
    g_string_append_printf(why, "flags %03" PRIx64 ", should be %03" PRIx64 "; mem %" PRIx64
                           ", should be %" PRIx64 "; pc %" PRIx64 ", fault %d, should be %" PRIx64
                           ", %d\n", e->cc, want->cc, got, mem, e->pc, e->fault, want->pc,
                           want->fault);
    return false;
}

static bool run_engine(Run *t, Fake *f, TcgBlock *tb, GString *why)
{
    const uint8_t *p = places[t->place];
    static FakeEnv want;
    uint64_t mem = is_memory(t->k->form) ? t->hw.mem : t->in.mem;
    for (int i = 0; i < 16; i++) {
        f->env->regs[i] = 0x1111111111111111ull * (unsigned)i;
    }
    f->env->regs[p[0]] = t->in.a;
    f->env->regs[p[1]] = t->in.c;
    f->env->regs[p[2]] = t->in.d;
    f->env->regs[FAKE_RSI] = FAKE_RAM_BASE + 0x2000;
    f->env->cc = t->in.f & CC_EFLAGS_MASK;
    f->env->fault = FAKE_LEFT;
    memcpy(f->ram + 0x2000, &t->in.mem, 8);
    want = *f->env;
    expected_state(t, &want);
    fake_exec(f, &t->block, tb);
    n_runs++;
    n_host += tb != NULL;
    if (!outcome_ok(t, f, &want, mem, why)) {
        g_string_append(why, tb ? "(host emitter)\n" : "(interpreter)\n");
        return false;
    }
    return true;
}

static void random_operands(Run *t, GRand *r)
{
    t->in = (HwRegs){random64(r), random64(r), random64(r), g_rand_int(r) & CC_EFLAGS_MASK,
                     random64(r)};
    if (t->k->form == CMPXCHG && g_rand_boolean(r)) {
        t->in.mem = t->in.a;
    }
    if (t->k->form == DIV && g_rand_int_range(r, 0, 3)) { /* mostly no fault */
        t->in.d &= 0xf;
        t->in.a &= t->k->w == W8 ? 0x7fff : ~0ull;
    }
    if (t->k->op == OP_shld || t->k->op == OP_shrd) {
        t->in.c &= t->k->w == W16 ? 0x0f : ~0ull; /* beyond, the result is undefined */
    }
    t->in.f |= 2;
}

/* One shape of the op: a block per immediate, or one block for all operands. */
static bool run_shape(Run *t, Fake *f, GRand *r, int count, GString *why)
{
    TcgBlock tb;
    bool emitted = false, ok = true;
    for (int i = 0; ok && i < count; i++) {
        random_operands(t, r);
        if (i == 0 || t->imm) {
            if (emitted) {
                fake_drop(f, &tb);
            }
            make_block(t);
            n_blocks++;
            if (!ir_verify(&t->block, why)) {
                return false;
            }
            emitted = fake_emit(f, &t->block, &tb);
        }
        run_hardware(t);
        ok = run_engine(t, f, NULL, why) && (!emitted || run_engine(t, f, &tb, why));
    }
    if (emitted) {
        fake_drop(f, &tb);
    }
    return ok;
}

static bool run_hw_case(Run *t, Fake *f, GRand *r, int count, GString *why)
{
    uint8_t natural = ir_op_info[t->k->op == OP_rmw ? t->k->arg & 0xff : t->k->op].flags;
    for (t->place = 0; t->place < (int)G_N_ELEMENTS(places); t->place++) {
        for (int imm = 0; imm <= takes_imm(t->k); imm++) {
            for (int fl = 0; fl <= (natural != 0); fl++) {
                t->imm = imm;
                t->fw = fl ? natural : 0;
                if (t->k->op == OP_cmc && !fl) {
                    continue; /* that would be no operation */
                }
                if (!run_shape(t, f, r, imm ? count / 4 + 1 : count, why)) {
                    return false;
                }
            }
        }
    }
    return true;
}

static bool host_has(const HwCase *k)
{
    __builtin_cpu_init();
    return (k->op != OP_andn && k->op != OP_tzcnt && k->op != OP_lzcnt) ||
           __builtin_cpu_supports("bmi");
}

int main(int argc, char **argv)
{
    int count = 60;
    uint32_t seed = 1;
    const char *only = NULL;
    bool all_ok = true;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--count")) {
            count = atoi(argv[i + 1]);
        } else if (!strcmp(argv[i], "--seed")) {
            seed = (uint32_t)strtoul(argv[i + 1], NULL, 0);
        } else {
            only = argv[i + 1];
        }
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* should an engine crash, the last line says where */
    g_autoptr(GRand) r = g_rand_new_with_seed(seed);
    Fake *f = fake_new(true);
    static Run t;
    fake_reset_memory(f);
    ir_block_init(&t.block, &fake_target);
    printf("1..%d\n", (int)G_N_ELEMENTS(cases));
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) why = g_string_new(NULL);
        t.k = &cases[i];
        if ((only && strcmp(only, t.k->id)) || !host_has(t.k)) {
            printf("ok %d - %s # SKIP\n", (int)i + 1, t.k->id);
            continue;
        }
        bool ok = run_hw_case(&t, f, r, count, why);
        all_ok &= ok;
        printf("%s %d - %s\n", ok ? "ok" : "not ok", (int)i + 1, t.k->id);
        if (!ok) {
            g_autoptr(GString) text = g_string_new(NULL);
            ir_print(&t.block, text);
            g_string_append(text, why->str);
            g_auto(GStrv) lines = g_strsplit(text->str, "\n", -1);
            for (int k = 0; lines[k]; k++) {
                printf("# %s\n", lines[k]);
            }
        }
    }
    printf("# %u blocks, %u runs, %u of them on the host emitter; undefined flags differed from "
           "this processor in %u\n", n_blocks, n_runs, n_host, n_undef_differ);
    ir_block_fini(&t.block);
    fake_free(f);
    return all_ok ? 0 : 1;
}
