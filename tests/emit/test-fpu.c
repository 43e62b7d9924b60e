/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest FP state across C code: slow paths, helpers, traps; the host's own
 * MXCSR while C runs.
 */
#include "tests/ir/fake_target.h"

#define PC         0x401000ull
#define MXCSR(fx)  (*(uint32_t *)(void *)((fx) + 24))
#define XMM(fx, n) ((fx) + 160 + 16 * (n))

static FakeState in, out; /* large */

static IrHostInsn *sse(IrBlock *b, uint8_t opcode, int reg, int rm)
{
    IrHostInsn *h = ir_hostop(b, IR_NONE, IR_NONE, IR_NONE);
    h->map = 1;
    h->opcode = opcode;
    h->reg_kind = h->rm_kind = HR_XMM;
    h->reg = (uint8_t)reg;
    h->rm = (uint8_t)rm;
    h->fpu = 1;
    b->uses_fpu = IR_FPU_SSE;
    return h;
}

static void begin(IrBlock *b)
{
    ir_block_init(b, &fake_target);
    ir_block_reset(b, PC, 0);
    ir_insn(b, PC);
    b->n_insns = 1;
}

static void prepare(void)
{
    g_autoptr(GRand) r = g_rand_new_with_seed(7);
    fake_random_state(r, &in);
    MXCSR(in.fx) = 0x7f80; /* round to zero, all masked */
    for (int i = 0; i < 4; i++) {
        float one = 1, three = 3;
        memcpy(XMM(in.fx, 0) + 4 * i, &one, 4);
        memcpy(XMM(in.fx, 1) + 4 * i, &three, 4);
    }
}

static uint32_t host_mxcsr(void)
{
    return __builtin_ia32_stmxcsr();
}

static void leave(IrBlock *b)
{
    ir_emit(b, OP_jmp, W64, IR_NONE, IR_NONE, IR_NONE)->imm = PC + 64;
}

/* xmm0 = 1/3 rounded towards zero, with a page's first access and a helper between. */
static void test_kept(void)
{
    Fake *f = fake_new(true);
    IrBlock b;
    begin(&b);
    IrVal addr = ir_temp_new(&b);
    ir_movi(&b, W64, addr, FAKE_RAM_BASE + 4096 * FAKE_PAGE_LAZY);
    ir_ld(&b, W64, IR_G(FAKE_RBX), addr, 0);
    ir_call(&b, FAKE_H_LOAD, IR_G(FAKE_RCX), addr, IR_NONE, IR_NONE);
    sse(&b, 0x5e, 0, 1); /* divps */
    leave(&b);
    prepare();
    uint32_t before = host_mxcsr();
    g_assert_true(fake_run_host(f, &b, &in, &out));
    g_assert_cmphex(host_mxcsr() & 0xffc0, ==, before & 0xffc0);
    g_assert_cmpint(f->v->fpu_live, ==, FPU_IN_ENV);
    uint32_t third;
    memcpy(&third, XMM(out.fx, 0), 4);
    g_assert_cmphex(third, ==, 0x3eaaaaaa);
    g_assert_cmphex(MXCSR(out.fx), ==, 0x7f80 | 0x20); /* inexact */
    g_assert_cmpmem(XMM(in.fx, 2), 16 * 14, XMM(out.fx, 2), 16 * 14);
    ir_block_fini(&b);
    fake_free(f);
}

/* An unmasked exception: noted at the instruction, its flag set, the operand kept. */
static void test_trap(void)
{
    Fake *f = fake_new(true);
    IrBlock b;
    begin(&b);
    ir_alui(&b, OP_cmp, W64, IR_NONE, IR_G(FAKE_RAX), 5, FL_ALL);
    ir_insn(&b, PC + 4);
    sse(&b, 0x5e, 0, 1);
    leave(&b);
    prepare();
    in.regs[FAKE_RAX] = 4;
    MXCSR(in.fx) = 0x0f80; /* inexact unmasked */
    g_assert_true(fake_run_host(f, &b, &in, &out));
    g_assert_cmpint(out.stop, ==, FAKE_SIMD);
    g_assert_cmphex(out.pc, ==, PC + 4);
    g_assert_cmphex(out.cc & 1, ==, 1); /* the flags were in the host's */
    g_assert_cmphex(MXCSR(out.fx), ==, 0x0f80 | 0x20);
    g_assert_cmpmem(XMM(in.fx, 0), 16, XMM(out.fx, 0), 16);
    FakeState *want = g_new0(FakeState, 1);
    fake_run_interp(f, &b, &in, want);
    g_autoptr(GString) why = g_string_new(NULL);
    g_assert_true(fake_same(want, &out, 0, why));
    g_free(want);
    ir_block_fini(&b);
    fake_free(f);
}

/* A fault in a slow path while FP state is half parked: all of it reaches env. */
static void test_fault(void)
{
    Fake *f = fake_new(true);
    IrBlock b;
    begin(&b);
    sse(&b, 0x5e, 0, 1);
    ir_insn(&b, PC + 4);
    IrVal addr = ir_temp_new(&b);
    ir_movi(&b, W64, addr, FAKE_RAM_BASE + 4096 * FAKE_PAGE_NONE);
    ir_ld(&b, W64, IR_G(FAKE_RBX), addr, 0);
    leave(&b);
    prepare();
    g_assert_true(fake_run_host(f, &b, &in, &out));
    g_assert_cmpint(out.stop, ==, FAKE_FAULT);
    uint32_t third;
    memcpy(&third, XMM(out.fx, 0), 4);
    g_assert_cmphex(third, ==, 0x3eaaaaaa);
    g_assert_cmphex(MXCSR(out.fx), ==, 0x7f80 | 0x20);
    ir_block_fini(&b);
    fake_free(f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/emit/fpu/kept", test_kept);
    g_test_add_func("/emit/fpu/trap", test_trap);
    g_test_add_func("/emit/fpu/fault", test_fault);
    return g_test_run();
}
