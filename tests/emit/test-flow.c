/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ways out of a block and between blocks: edges, linking, unlinking, killing,
 * the poll, the jump cache, and where the flags are at each.
 */
#include "tests/ir/fake_target.h"

#define PC_A   0x401000ull
#define PC_B   0x401100ull
#define PC_FAR 0x777000ull

typedef struct Pair {
    Fake *f;
    IrBlock ir_a, ir_b;
    TcgBlock a, b;
} Pair;

static void begin(IrBlock *b, uint64_t pc)
{
    ir_block_init(b, &fake_target);
    ir_block_reset(b, pc, 0);
    ir_insn(b, pc);
    b->n_insns = 1;
    b->guest_bytes = 4;
}

static void jump(IrBlock *b, uint64_t pc)
{
    ir_emit(b, OP_jmp, W64, IR_NONE, IR_NONE, IR_NONE)->imm = (int64_t)pc;
}

/* A: cmp rax, 5; jump to B. B: rcx = (rax below 5), or flags overwritten first; jump back to A. */
static Pair *pair_new(bool dead_in)
{
    Pair *p = g_new0(Pair, 1);
    p->f = fake_new(true);
    begin(&p->ir_a, PC_A);
    ir_alui(&p->ir_a, OP_cmp, W64, IR_NONE, IR_G(FAKE_RAX), 5, FL_ALL);
    jump(&p->ir_a, PC_B);
    begin(&p->ir_b, PC_B);
    if (dead_in) {
        ir_alui(&p->ir_b, OP_sub, W64, IR_G(FAKE_RAX), IR_G(FAKE_RAX), 1, FL_ALL);
    }
    ir_emit(&p->ir_b, OP_setcc, W8, IR_G(FAKE_RCX), IR_NONE, IR_NONE)->cc = CC_B;
    jump(&p->ir_b, PC_A);
    g_assert_true(fake_emit(p->f, &p->ir_a, &p->a));
    g_assert_true(fake_emit(p->f, &p->ir_b, &p->b));
    fake_reset_memory(p->f);
    return p;
}

static void pair_free(Pair *p)
{
    g_free(p->a.sites);
    g_free(p->b.sites);
    ir_block_fini(&p->ir_a);
    ir_block_fini(&p->ir_b);
    fake_free(p->f);
    g_free(p);
}

static void run(Pair *p, uint64_t rax)
{
    p->f->env->regs[FAKE_RAX] = rax;
    p->f->env->regs[FAKE_RCX] = 0x1100;
    p->f->env->cc = CC_EFLAGS_MASK;
    p->f->v->exit_edge = NULL;
    fake_exec(p->f, &p->ir_a, &p->a);
}

static void assert_edge(Pair *p, TcgEdge *e)
{
    g_assert_cmpint(p->f->v->exit_reason, ==, TCG_EXIT_EDGE);
    g_assert_true(p->f->v->exit_edge == e);
    g_assert_cmphex(p->f->env->pc, ==, e->pc);
}

/* Unlinked, linked, unlinked again; the flags of A's comparison are right at B. */
static void test_link(void)
{
    Pair *p = pair_new(false);
    g_assert_cmpint(p->a.n_edges, ==, 1);
    g_assert_true(p->a.edges[0].flags_in_host);
    g_assert_cmpuint(p->a.edges[0].jump % 4, ==, 0);
    g_assert_cmpuint(p->a.edges[0].stub_jump % 4, ==, 0);
    for (int round = 0; round < 2; round++) {
        run(p, 3);
        assert_edge(p, &p->a.edges[0]);
        g_assert_cmphex(p->f->env->cc & 1, ==, 1);
        host_link_edge(p->f->hc, &p->a.edges[0], &p->b);
        for (uint64_t rax = 3; rax < 8; rax++) {
            run(p, rax);
            assert_edge(p, &p->b.edges[0]);
            g_assert_cmphex(p->f->env->regs[FAKE_RCX], ==, 0x1100 + (rax < 5));
            g_assert_cmphex(p->f->env->cc & 1, ==, rax < 5);
        }
        host_unlink_edge(p->f->hc, &p->a.edges[0]);
    }
    pair_free(p);
}

/* B overwrites all flags: the link is direct, and its own flags are what comes out. */
static void test_link_dead(void)
{
    Pair *p = pair_new(true);
    g_assert_true(p->b.flags_dead_in);
    host_link_edge(p->f->hc, &p->a.edges[0], &p->b);
    run(p, 0);
    assert_edge(p, &p->b.edges[0]);
    g_assert_cmphex(p->f->env->regs[FAKE_RCX], ==, 0x1101);
    run(p, 9);
    g_assert_cmphex(p->f->env->regs[FAKE_RCX], ==, 0x1100);
    host_unlink_edge(p->f->hc, &p->a.edges[0]);
    run(p, 9);
    assert_edge(p, &p->a.edges[0]);
    pair_free(p);
}

static void test_kill(void)
{
    Pair *p = pair_new(false);
    host_link_edge(p->f->hc, &p->a.edges[0], &p->b);
    host_kill_block(p->f->hc, &p->b);
    run(p, 3);
    g_assert_cmpint(p->f->v->exit_reason, ==, TCG_EXIT_LOOKUP);
    g_assert_true(p->f->v->exit_block == &p->b);
    g_assert_cmphex(p->f->env->pc, ==, PC_B);
    g_assert_cmphex(p->f->env->regs[FAKE_RCX], ==, 0x1100);
    host_unlink_edge(p->f->hc, &p->a.edges[0]);
    run(p, 3);
    assert_edge(p, &p->a.edges[0]);
    pair_free(p);
}

/* Only a backward link polls. */
static void test_poll(void)
{
    Pair *p = pair_new(false);
    g_assert_true(!p->a.edges[0].backward && p->b.edges[0].backward);
    host_link_edge(p->f->hc, &p->a.edges[0], &p->b);
    host_link_edge(p->f->hc, &p->b.edges[0], &p->a);
    p->f->env->regs[FAKE_RAX] = 3;
    p->f->env->pc = 0;
    p->f->v->poll = 1;
    host_enter(p->f->hc, p->f->v, p->a.entry); /* without the poll would never end */
    g_assert_cmpint(p->f->v->exit_reason, ==, TCG_EXIT_POLL);
    g_assert_true(p->f->v->exit_block == &p->a);
    g_assert_cmphex(p->f->env->pc, ==, PC_A);
    g_assert_cmphex(p->f->env->cc & 1, ==, 1);
    p->f->v->poll = 0;
    pair_free(p);
}

/* An indirect jump: a miss leaves, a hit goes on, another key misses again. */
static void test_jump_cache(void)
{
    Pair *p = pair_new(false);
    IrBlock ir;
    TcgBlock tb;
    begin(&ir, PC_FAR);
    ir_alui(&ir, OP_cmp, W64, IR_NONE, IR_G(FAKE_RAX), 5, FL_ALL);
    ir_emit(&ir, OP_jmpind, W64, IR_NONE, IR_G(FAKE_RBX), IR_NONE);
    g_assert_true(fake_emit(p->f, &ir, &tb));
    TcgVcpu *v = p->f->v;
    JumpCacheEntry *e = &v->jc[(PC_B ^ PC_B >> 12) & (JC_SIZE - 1)];
    for (int hit = 0; hit < 3; hit++) {
        *e = (JumpCacheEntry){.key = PC_B ^ v->jc_key,
                              .code = host_code_ptr(p->f->hc, p->b.entry_poll)};
        if (hit != 1) {
            v->jc_key += 1ull << 48;
        }
        p->f->env->regs[FAKE_RAX] = 1;
        p->f->env->regs[FAKE_RBX] = PC_B;
        fake_exec(p->f, &ir, &tb);
        g_assert_cmpint(v->exit_reason, ==, hit == 1 ? TCG_EXIT_EDGE : TCG_EXIT_LOOKUP);
        g_assert_cmphex(p->f->env->pc, ==, hit == 1 ? PC_A : PC_B);
        g_assert_cmphex(p->f->env->cc & 1, ==, 1);
    }
    g_free(tb.sites);
    ir_block_fini(&ir);
    pair_free(p);
}

/* A far edge asks the jump cache: a hit goes on, with the flags of A's comparison; a miss looks up. */
static void test_far_edge(void)
{
    Pair *p = pair_new(false);
    TcgVcpu *v = p->f->v;
    JumpCacheEntry *e = &v->jc[(PC_B ^ PC_B >> 12) & (JC_SIZE - 1)];
    p->a.edges[0].far = true;
    for (int hit = 0; hit < 2; hit++) {
        *e = (JumpCacheEntry){.key = PC_B ^ v->jc_key ^ !hit,
                              .code = host_code_ptr(p->f->hc, p->b.entry_poll)};
        for (uint64_t rax = 3; rax < 8; rax++) {
            run(p, rax);
            if (hit) {
                assert_edge(p, &p->b.edges[0]);
            } else {
                g_assert_cmpint(v->exit_reason, ==, TCG_EXIT_LOOKUP);
                g_assert_cmphex(p->f->env->pc, ==, PC_B);
            }
            g_assert_cmphex(p->f->env->regs[FAKE_RAX], ==, rax);
            g_assert_cmphex(p->f->env->regs[FAKE_RCX], ==, 0x1100 + (hit && rax < 5));
            g_assert_cmphex(p->f->env->cc & 1, ==, rax < 5);
        }
    }
    pair_free(p);
}

/* No address hits an empty TLB entry, whatever it looks like: all indexes, non-canonical ones too.
 */
static void test_tlb_empty(void)
{
    Fake *f = fake_new(true);
    IrBlock ir;
    TcgBlock tb;
    begin(&ir, PC_A);
    ir_ld(&ir, W8, IR_G(FAKE_RAX), IR_G(FAKE_RBX), 0);
    jump(&ir, PC_B);
    g_assert_true(fake_emit(f, &ir, &tb));
    static const uint64_t high[] = {0, 0xdeadbeef0ull << 12, 1ull << 63, ~0xfffffffull};
    for (unsigned i = 0; i < TLB_SIZE * 4; i++) {
        for (unsigned h = 0; h < G_N_ELEMENTS(high); h++) {
            uint64_t va = (high[h] + ((uint64_t)i << 10)) | (i & 1 ? 1 : 0);
            if (va - FAKE_RAM_BASE < FAKE_RAM_SIZE) {
                continue;
            }
            fake_reset_memory(f);
            f->env->regs[FAKE_RBX] = va;
            fake_exec(f, &ir, &tb);
            g_assert_cmpint(f->env->fault, ==, FAKE_FAULT);
            g_assert_cmphex(f->env->fault_va, ==, va);
        }
    }
    g_free(tb.sites);
    ir_block_fini(&ir);
    fake_free(f);
}

/* A cache that is full says so and works again after a reset. */
static void test_full(void)
{
    Pair *p = pair_new(false);
    TcgBlock tb = {.pc = PC_A};
    TcgSite sites[8];
    unsigned n = 0;
    tb.sites = sites;
    while (host_emit_block(p->f->hc, &p->ir_a, &tb)) {
        n++;
        tb = (TcgBlock){.pc = PC_A, .sites = sites};
    }
    g_assert_cmpuint(n, >, 10000);
    host_code_reset(p->f->hc);
    tb = (TcgBlock){.pc = PC_A, .sites = sites};
    g_assert_true(host_emit_block(p->f->hc, &p->ir_a, &tb));
    fake_exec(p->f, &p->ir_a, &tb);
    g_assert_cmpint(p->f->v->exit_reason, ==, TCG_EXIT_EDGE);
    pair_free(p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/emit/link", test_link);
    g_test_add_func("/emit/link-dead-flags", test_link_dead);
    g_test_add_func("/emit/kill", test_kill);
    g_test_add_func("/emit/poll", test_poll);
    g_test_add_func("/emit/jump-cache", test_jump_cache);
    g_test_add_func("/emit/far-edge", test_far_edge);
    g_test_add_func("/emit/tlb-empty", test_tlb_empty);
    g_test_add_func("/emit/full", test_full);
    return g_test_run();
}
