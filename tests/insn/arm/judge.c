/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judge's side of the A64 instruction tests: an arm64 Linux program, run by Debian's qemu-aarch64-static (or on an
 * Arm machine). For each byte on standard input it runs the batch in the file mapped from descriptor 3, and answers
 * with a byte.
 */
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include "judge.h"

void judge_run(const A64Regs *in, void *entry);
void judge_done(void);
extern const char judge_exit[], judge_exit_end[];
A64Regs judge_out;
uint64_t judge_saved[24];

/*
 * judge_run: saves what C wants back, loads all registers and goes to entry by X30. judge_exit is copied to A64_EXIT:
 * it stores all registers, with TPIDR_EL0 as its only scratch.
 */
__asm__(
    ".text\n.arch armv8-a+sve\n"
    ".global judge_run, judge_exit, judge_exit_end, judge_done\n"
    "judge_run:\n"
    "  adrp x2, judge_saved\n  add x2, x2, :lo12:judge_saved\n"
    "  stp x19, x20, [x2]\n  stp x21, x22, [x2, 16]\n  stp x23, x24, [x2, 32]\n  stp x25, x26, [x2, 48]\n"
    "  stp x27, x28, [x2, 64]\n  stp x29, x30, [x2, 80]\n  mov x3, sp\n  mrs x4, tpidr_el0\n  stp x3, x4, [x2, 96]\n"
    "  stp d8, d9, [x2, 112]\n  stp d10, d11, [x2, 128]\n  stp d12, d13, [x2, 144]\n  stp d14, d15, [x2, 160]\n"
    "  clrex\n  mov x30, x1\n"
    "  ldr x2, [x0, 248]\n  mov sp, x2\n  ldr x2, [x0, 264]\n  msr nzcv, x2\n"
    "  ldr x2, [x0, 272]\n  msr fpcr, x2\n  ldr x2, [x0, 280]\n  msr fpsr, x2\n"
    "  add x2, x0, 304\n"
    "  ldp q0, q1, [x2]\n  ldp q2, q3, [x2, 32]\n  ldp q4, q5, [x2, 64]\n  ldp q6, q7, [x2, 96]\n"
    "  ldp q8, q9, [x2, 128]\n  ldp q10, q11, [x2, 160]\n  ldp q12, q13, [x2, 192]\n  ldp q14, q15, [x2, 224]\n"
    "  ldp q16, q17, [x2, 256]\n  ldp q18, q19, [x2, 288]\n  ldp q20, q21, [x2, 320]\n  ldp q22, q23, [x2, 352]\n"
    "  ldp q24, q25, [x2, 384]\n  ldp q26, q27, [x2, 416]\n  ldp q28, q29, [x2, 448]\n  ldp q30, q31, [x2, 480]\n"
    "  add x2, x0, 816\n  ldr p0, [x2, 16, mul vl]\n  wrffr p0.b\n"
    "  ldr p0, [x2, 0, mul vl]\n  ldr p1, [x2, 1, mul vl]\n  ldr p2, [x2, 2, mul vl]\n  ldr p3, [x2, 3, mul vl]\n"
    "  ldr p4, [x2, 4, mul vl]\n  ldr p5, [x2, 5, mul vl]\n  ldr p6, [x2, 6, mul vl]\n  ldr p7, [x2, 7, mul vl]\n"
    "  ldr p8, [x2, 8, mul vl]\n  ldr p9, [x2, 9, mul vl]\n  ldr p10, [x2, 10, mul vl]\n  ldr p11, [x2, 11, mul vl]\n"
    "  ldr p12, [x2, 12, mul vl]\n  ldr p13, [x2, 13, mul vl]\n  ldr p14, [x2, 14, mul vl]\n  ldr p15, [x2, 15, mul vl]\n"
    "  ldp x1, x2, [x0, 8]\n  ldp x3, x4, [x0, 24]\n  ldp x5, x6, [x0, 40]\n  ldp x7, x8, [x0, 56]\n"
    "  ldp x9, x10, [x0, 72]\n  ldp x11, x12, [x0, 88]\n  ldp x13, x14, [x0, 104]\n  ldp x15, x16, [x0, 120]\n"
    "  ldp x17, x18, [x0, 136]\n  ldp x19, x20, [x0, 152]\n  ldp x21, x22, [x0, 168]\n  ldp x23, x24, [x0, 184]\n"
    "  ldp x25, x26, [x0, 200]\n  ldp x27, x28, [x0, 216]\n  ldr x29, [x0, 232]\n  ldr x0, [x0]\n"
    "  br x30\n"
    "judge_exit:\n"
    "  msr tpidr_el0, x30\n  ldr x30, 1f\n"
    "  stp x0, x1, [x30]\n  stp x2, x3, [x30, 16]\n  stp x4, x5, [x30, 32]\n  stp x6, x7, [x30, 48]\n"
    "  stp x8, x9, [x30, 64]\n  stp x10, x11, [x30, 80]\n  stp x12, x13, [x30, 96]\n  stp x14, x15, [x30, 112]\n"
    "  stp x16, x17, [x30, 128]\n  stp x18, x19, [x30, 144]\n  stp x20, x21, [x30, 160]\n  stp x22, x23, [x30, 176]\n"
    "  stp x24, x25, [x30, 192]\n  stp x26, x27, [x30, 208]\n  stp x28, x29, [x30, 224]\n"
    "  mrs x0, tpidr_el0\n  mov x1, sp\n  stp x0, x1, [x30, 240]\n  mrs x0, nzcv\n  str x0, [x30, 264]\n"
    "  mrs x0, fpcr\n  mrs x1, fpsr\n  stp x0, x1, [x30, 272]\n  add x0, x30, 304\n"
    "  stp q0, q1, [x0]\n  stp q2, q3, [x0, 32]\n  stp q4, q5, [x0, 64]\n  stp q6, q7, [x0, 96]\n"
    "  stp q8, q9, [x0, 128]\n  stp q10, q11, [x0, 160]\n  stp q12, q13, [x0, 192]\n  stp q14, q15, [x0, 224]\n"
    "  stp q16, q17, [x0, 256]\n  stp q18, q19, [x0, 288]\n  stp q20, q21, [x0, 320]\n  stp q22, q23, [x0, 352]\n"
    "  stp q24, q25, [x0, 384]\n  stp q26, q27, [x0, 416]\n  stp q28, q29, [x0, 448]\n  stp q30, q31, [x0, 480]\n"
    "  ldr x0, 1f\n  add x0, x0, 816\n"
    "  str p0, [x0, 0, mul vl]\n  str p1, [x0, 1, mul vl]\n  str p2, [x0, 2, mul vl]\n  str p3, [x0, 3, mul vl]\n"
    "  str p4, [x0, 4, mul vl]\n  str p5, [x0, 5, mul vl]\n  str p6, [x0, 6, mul vl]\n  str p7, [x0, 7, mul vl]\n"
    "  str p8, [x0, 8, mul vl]\n  str p9, [x0, 9, mul vl]\n  str p10, [x0, 10, mul vl]\n  str p11, [x0, 11, mul vl]\n"
    "  str p12, [x0, 12, mul vl]\n  str p13, [x0, 13, mul vl]\n  str p14, [x0, 14, mul vl]\n  str p15, [x0, 15, mul vl]\n"
    "  rdffr p0.b\n  str p0, [x0, 16, mul vl]\n"
    "  ldr x0, 2f\n  br x0\n"
    "  .balign 8\n1: .quad judge_out\n2: .quad judge_done\n"
    "judge_exit_end:\n"
    "judge_done:\n"
    "  adrp x2, judge_saved\n  add x2, x2, :lo12:judge_saved\n"
    "  ldp x19, x20, [x2]\n  ldp x21, x22, [x2, 16]\n  ldp x23, x24, [x2, 32]\n  ldp x25, x26, [x2, 48]\n"
    "  ldp x27, x28, [x2, 64]\n  ldp x29, x30, [x2, 80]\n  ldp x3, x4, [x2, 96]\n  mov sp, x3\n  msr tpidr_el0, x4\n"
    "  ldp d8, d9, [x2, 112]\n  ldp d10, d11, [x2, 128]\n  ldp d12, d13, [x2, 144]\n  ldp d14, d15, [x2, 160]\n"
    "  msr fpcr, xzr\n  ret\n");
_Static_assert(offsetof(A64Regs, sp) == 248 && offsetof(A64Regs, nzcv) == 264 && offsetof(A64Regs, fpcr) == 272 &&
               offsetof(A64Regs, v) == 304 && offsetof(A64Regs, p) == 816, "as the code above has it");

/* The code faulted: its registers are the result. */
static void on_fault(int sig, siginfo_t *info, void *opaque)
{
    ucontext_t *uc = opaque;
    mcontext_t *m = &uc->uc_mcontext;
    struct fpsimd_context *fp = (struct fpsimd_context *)m->__reserved;
    memcpy(judge_out.x, m->regs, sizeof(judge_out.x));
    judge_out.sp = m->sp;
    judge_out.pc = m->pc;
    judge_out.nzcv = m->pstate & 0xf0000000;
    judge_out.fpcr = fp->fpcr;
    judge_out.fpsr = fp->fpsr;
    memcpy(judge_out.v, fp->vregs, sizeof(judge_out.v));
    memset(judge_out.p, 0, sizeof(judge_out.p));
    judge_out.fault = sig == SIGILL    ? A64_FAULT_UNDEF
                      : sig == SIGTRAP ? A64_FAULT_TRAP
                      : sig == SIGBUS  ? A64_FAULT_ALIGN
                                       : A64_FAULT_MEMORY;
    m->pc = (uintptr_t)judge_done;
}

static void run_case(A64Case *c)
{
    memcpy((void *)A64_DATA, c->mem_in, A64_DATA_SIZE);
    judge_out.fault = A64_FAULT_NONE;
    judge_out.pc = A64_EXIT;
    judge_run(&c->in, (void *)(A64_CODE + c->slot * A64_SLOT));
    c->out = judge_out;
    memcpy(c->mem_out, (void *)A64_DATA, A64_DATA_SIZE);
}

int main(void)
{
    static char stack[65536];
    stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    const int signals[] = {SIGILL, SIGTRAP, SIGBUS, SIGSEGV, SIGFPE};
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    A64Batch *b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0);
    void *code = mmap((void *)A64_CODE, A64_CODE_SIZE, PROT_READ | PROT_WRITE, flags, -1, 0);
    void *data = mmap((void *)A64_DATA, A64_DATA_SIZE, PROT_READ | PROT_WRITE, flags, -1, 0);
    void *out = mmap((void *)A64_EXIT, 4096, PROT_READ | PROT_WRITE, flags, -1, 0);
    char byte;
    if (b == MAP_FAILED || code == MAP_FAILED || data == MAP_FAILED || out == MAP_FAILED) {
        return 1;
    }
    sigaltstack(&ss, NULL);
    for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        sigaction(signals[i], &sa, NULL);
    }
    memcpy(out, judge_exit, (size_t)(judge_exit_end - judge_exit));
    mprotect(out, 4096, PROT_READ | PROT_EXEC);
    while (read(0, &byte, 1) == 1) {
        /* Taking the right to write and giving it back drops translations of the old code. */
        mprotect(code, A64_CODE_SIZE, PROT_READ | PROT_WRITE);
        memcpy(code, b->code, A64_CODE_SIZE);
        mprotect(code, A64_CODE_SIZE, PROT_READ | PROT_EXEC);
        __builtin___clear_cache(code, (char *)code + A64_CODE_SIZE);
        for (uint64_t i = 0; i < b->cases; i++) {
            run_case(&b->c[i]);
        }
        if (write(1, &byte, 1) != 1) {
            return 1;
        }
    }
    return 0;
}
