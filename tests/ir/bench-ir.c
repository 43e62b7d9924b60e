/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What building a block and the passes cost, in ns per guest instruction. Run by `meson test --benchmark`. */
#include "tests/ir/fake_target.h"
#include <stdio.h>
#include <time.h>

#define INSNS 16

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The usual mix: loads and stores with displacement, arithmetic with flags, compare and branch. */
static void build(IrBlock *b)
{
    ir_block_reset(b, 0x1000, 0);
    for (unsigned i = 0; i < INSNS; i++) {
        ir_insn(b, 0x1000 + 4 * i);
        IrVal a = IR_G(i & 15), c = IR_G((i + 5) & 15), t;
        switch (i & 3) {
        case 0:
            t = ir_temp_new(b);
            ir_lea(b, W64, t, a, IR_NONE, 0, 16);
            ir_ld(b, W64, c, t, 1);
            break;
        case 1:
            ir_alu(b, OP_add, W64, c, c, a, FL_ALL);
            break;
        case 2:
            t = ir_temp_new(b);
            ir_lea(b, W64, t, a, c, 3, 0);
            ir_st(b, W32, t, c, 1);
            break;
        default:
            ir_alui(b, OP_cmp, W32, IR_NONE, a, 7, FL_ALL);
            break;
        }
    }
    ir_emit(b, OP_jmp, W8, IR_NONE, IR_NONE, IR_NONE)->imm = 0x1000;
}

int main(void)
{
    enum { ROUNDS = 200000 };
    IrBlock b;
    uint64_t t0, t1, t2, t3;
    ir_block_init(&b, &fake_target);
    t0 = now_ns();
    for (int i = 0; i < ROUNDS; i++) {
        build(&b);
    }
    t1 = now_ns();
    for (int i = 0; i < ROUNDS; i++) {
        ir_flag_liveness(&b);
    }
    t2 = now_ns();
    for (int i = 0; i < ROUNDS; i++) {
        ir_temp_liveness(&b);
    }
    t3 = now_ns();
    double per = (double)ROUNDS * INSNS;
    printf("%d ops for %d guest instructions; ns per guest instruction: build %.1f, flag liveness %.1f, "
           "temp liveness %.1f\n", b.n_ops, INSNS, (double)(t1 - t0) / per, (double)(t2 - t1) / per,
           (double)(t3 - t2) / per);

    Fake *f = fake_new(false);
    fake_reset_memory(f);
    for (int i = 0; i < 16; i++) {
        f->env->regs[i] = FAKE_RAM_BASE + 4096;
    }
    b.n_ops = 0; /* interpreter: arithmetic only, so that no address goes astray */
    ir_block_reset(&b, 0x1000, 0);
    for (unsigned i = 0; i < INSNS; i++) {
        ir_insn(&b, 0x1000 + i);
        ir_alu(&b, OP_add, W64, IR_G(i), IR_G(i), IR_G((i + 1) & 15), FL_ALL);
    }
    ir_emit(&b, OP_jmp, W8, IR_NONE, IR_NONE, IR_NONE)->imm = 0x1000;
    t0 = now_ns();
    for (int i = 0; i < ROUNDS; i++) {
        fake_exec(f, &b, NULL);
    }
    t1 = now_ns();
    printf("interpreter: %.1f ns per guest instruction (add with flags)\n", (double)(t1 - t0) / per);
    ir_block_fini(&b);
    fake_free(f);
    return 0;
}
