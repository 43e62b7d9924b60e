/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random blocks on the interpreter and on the host emitter; every outcome must be
 * the same: registers, flags, pc, memory, FP state, faults. Where there is no
 * emitter, the blocks are still verified, printed, parsed and interpreted.
 *
 *   test-ir-engines [--seed N] [--count N] [--what MASK] [--shrink] [--vec] [--aligned]
 *
 * --aligned: code for a host whose unaligned accesses are not atomic.
 * --vec: for a target whose vector registers are in env (IrHostInsn.vec) in place of one with x86's FP state.
 * A failing case prints its seed, its block and the differences; --seed with
 * --count 1 --what MASK repeats it, --shrink removes ops as long as it fails.
 */
#include "tests/ir/gen.h"
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Case {
    IrBlock block;
    GenInfo info;
    FakeState in, interp, host;
    unsigned stops[5];
} Case;

static Case c, back; /* large */

static void print_block(const IrBlock *b, const char *title)
{
    g_autoptr(GString) s = g_string_new(NULL);
    ir_print(b, s);
    printf("# %s\n", title);
    for (char *line = strtok(s->str, "\n"); line; line = strtok(NULL, "\n")) {
        printf("# %s\n", line);
    }
}

static bool same_ops(const IrBlock *a, const IrBlock *b)
{
    return a->n_ops == b->n_ops && !memcmp(a->ops, b->ops, sizeof(IrOp) * a->n_ops) &&
           a->n_host == b->n_host && !memcmp(a->host, b->host, sizeof(IrHostInsn) * a->n_host) &&
           a->pc == b->pc && a->mode == b->mode && a->n_temps == b->n_temps &&
           a->n_labels == b->n_labels && a->n_insns == b->n_insns &&
           a->guest_bytes == b->guest_bytes && a->uses_fpu == b->uses_fpu;
}

/* Print and parse give the same block back. */
static bool round_trip(const IrBlock *b, GString *why)
{
    g_autoptr(GString) text = g_string_new(NULL);
    ir_print(b, text);
    if (!ir_parse(&back.block, text->str, why)) {
        return false;
    }
    if (!same_ops(b, &back.block)) {
        g_string_append(why, "printing and parsing changes the block\n");
        return false;
    }
    return true;
}

/* Flag liveness by the letter of ir.h, against what the pass found (it takes short cuts). */
static bool liveness_ok(const IrBlock *b, GString *why)
{
    static uint8_t at_label[IR_MAX_LABELS][2];
    uint8_t live = 0, exc = 0;
    for (int i = b->n_ops - 1; i >= 0; i--) {
        const IrOp *op = &b->ops[i];
        if (op->flive != live || op->fexc != (exc & ~live)) {
            g_string_append_printf(why, "op %d: flags live %02x exc %02x, should be %02x %02x\n", i,
                                   op->flive, op->fexc, live, exc & ~live);
            return false;
        }
        bool branch = op->op == OP_br || op->op == OP_brz || op->op == OP_brnz || op->op == OP_brcc;
        if (op->op == OP_label) {
            at_label[op->imm][0] = live;
            at_label[op->imm][1] = exc;
        } else if (branch || op->op == OP_jmp || op->op == OP_jmpind || op->op == OP_exit) {
            bool falls = branch && op->op != OP_br;
            live = (falls ? live : 0) | (branch ? at_label[op->imm][0] : 0);
            exc = (falls ? exc : 0) | (branch ? at_label[op->imm][1] : 0);
        }
        uint8_t keep = ~ir_flags_written(b, op) | ir_flags_kept(op);
        live = (live & keep) | ir_flags_read(b, op);
        exc = (exc & keep) | (ir_may_fault(b, op) ? FL_ALL : 0);
    }
    return true;
}

static bool run_both(Fake *f, GString *why)
{
    fake_run_interp(f, &c.block, &c.in, &c.interp);
    c.stops[c.interp.stop]++;
    if (f->hc == NULL) {
        return true;
    }
    if (!fake_run_host(f, &c.block, &c.in, &c.host)) {
        g_string_append(why, "host_emit_block() refused the block\n");
        return false;
    }
    return fake_same(&c.interp, &c.host, gen_undef_at(&c.info, c.interp.pc), why);
}

static void make_case(uint32_t seed, unsigned what)
{
    g_autoptr(GRand) r = g_rand_new_with_seed(seed);
    gen_block(r, &c.block, what, &c.info);
    fake_random_state(r, &c.in);
}

static bool run_case(Fake *f, uint32_t seed, unsigned what, GString *why)
{
    make_case(seed, what);
    if (!ir_verify(&c.block, why)) {
        return false;
    }
    ir_flag_liveness(&c.block);
    ir_temp_liveness(&c.block);
    return liveness_ok(&c.block, why) && round_trip(&c.block, why) && run_both(f, why);
}

static bool still_fails(Fake *f)
{
    g_autoptr(GString) why = g_string_new(NULL);
    if (!ir_verify(&c.block, why)) {
        return false;
    }
    return !run_both(f, why);
}

/* Drop ops one by one as long as the block stays valid and fails. */
static void shrink(Fake *f, GString *why)
{
    bool again = true;
    while (again) {
        again = false;
        for (int i = c.block.n_ops - 2; i > 0; i--) {
            IrOp gone = c.block.ops[i];
            size_t rest = sizeof(IrOp) * (c.block.n_ops - i - 1);
            memmove(&c.block.ops[i], &c.block.ops[i + 1], rest);
            c.block.n_ops--;
            c.block.n_insns -= gone.op == OP_insn;
            if (still_fails(f)) {
                again = true;
                continue;
            }
            memmove(&c.block.ops[i + 1], &c.block.ops[i], rest);
            c.block.ops[i] = gone;
            c.block.n_ops++;
            c.block.n_insns += gone.op == OP_insn;
        }
    }
    g_string_truncate(why, 0);
    run_both(f, why);
}

static void report(uint32_t seed, unsigned what, const GString *why)
{
    printf("# --seed %u --count 1 --what 0x%x\n", seed, what);
    print_block(&c.block, "block:");
    printf("# interpreter against host:\n");
    g_auto(GStrv) lines = g_strsplit(why->str, "\n", -1);
    for (int i = 0; lines[i]; i++) {
        printf("#   %s\n", lines[i]);
    }
}

static uint32_t now_seed;
static unsigned now_what;

/* A crash in an engine: say which case it was. */
static void on_crash(int sig)
{
    signal(sig, SIG_DFL);
    printf("# signal %d with --seed %u --count 1 --what 0x%x\n", sig, now_seed, now_what);
    print_block(&c.block, "block:");
    fflush(stdout);
    raise(sig);
}

int main(int argc, char **argv)
{
    static const unsigned kinds[] = {0, GEN_EXITS, GEN_LABELS | GEN_EXITS, GEN_MEMORY,
                                     GEN_MEMORY | GEN_FAULTY, GEN_DIV, GEN_CALLS,
                                     GEN_SPILL, GEN_HOSTOP, GEN_HOSTOP | GEN_MEMORY | GEN_FAULTY,
                                     GEN_ALL, GEN_ALL & ~GEN_HOSTOP};
    uint32_t seed = 1, count = 6000;
    int what = -1;
    bool want_shrink = false, aligned = false;
    const TcgTarget *target = &fake_target;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--shrink")) {
            want_shrink = true;
        } else if (!strcmp(argv[i], "--aligned")) {
            aligned = true;
        } else if (!strcmp(argv[i], "--vec")) {
            target = &fake_vec_target;
        } else if (i + 1 < argc && !strcmp(argv[i], "--seed")) {
            seed = (uint32_t)strtoul(argv[++i], NULL, 0);
        } else if (i + 1 < argc && !strcmp(argv[i], "--count")) {
            count = (uint32_t)strtoul(argv[++i], NULL, 0);
        } else if (i + 1 < argc && !strcmp(argv[i], "--what")) {
            what = (int)strtoul(argv[++i], NULL, 0);
        } else {
            fprintf(stderr, "unknown argument %s\n", argv[i]);
            return 1;
        }
    }

    signal(SIGABRT, on_crash);
    signal(SIGSEGV, on_crash);
    signal(SIGILL, on_crash);
    Fake *f = fake_new_for(target, true);
    if (aligned && f->hc) {
        host_code_only_aligned(f->hc);
    }
    ir_block_init(&c.block, target);
    ir_block_init(&back.block, target);
    bool all_ok = true;
    printf("1..1\n");
    if (f->hc == NULL) {
        printf("# no host emitter: interpreter only\n");
    }
    for (uint32_t i = 0; i < count && all_ok; i++) {
        g_autoptr(GString) why = g_string_new(NULL);
        unsigned kind = what >= 0 ? (unsigned)what : kinds[(seed + i) % G_N_ELEMENTS(kinds)];
        if (f->hc == NULL) {
            kind &= ~(unsigned)GEN_HOSTOP;
        }
        now_seed = seed + i;
        now_what = kind;
        if (!run_case(f, seed + i, kind, why)) {
            all_ok = false;
            if (want_shrink && f->hc) {
                shrink(f, why);
            }
            report(seed + i, kind, why);
        }
    }
    printf("# %u blocks interpreted, %u on the host, %u of these finished by the interpreter\n",
           f->runs_interp, f->runs_host, f->host_to_interp);
    printf("# ends: %u left, %u memory faults, %u divide, %u SIMD, %u alignment\n", c.stops[0],
           c.stops[1], c.stops[2], c.stops[3], c.stops[4]);
    printf("%s 1 - random blocks\n", all_ok ? "ok" : "not ok");
    ir_block_fini(&c.block);
    ir_block_fini(&back.block);
    fake_free(f);
    return all_ok ? 0 : 1;
}
