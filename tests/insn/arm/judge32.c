/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judge's side of the A32 and T32 instruction tests: an armhf Linux program, run by Debian's qemu-arm-static (or on
 * an Arm machine). For each byte on standard input it runs the batch in the file mapped from descriptor 3, and answers
 * with a byte.
 */
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include "judge32.h"

#define OUT ((A32Regs *)A32_OUT)
#define CPSR_T 0x20u
#define CPSR_E 0x200u
#define CPSR_IT 0x0600fc00u

void judge_run(const A32Regs *in);
void judge_done(void);
extern const char judge_exit[], judge_exit_end[];
uint32_t judge_sp;

/*
 * judge_run: saves what C wants back, loads all registers and goes to in->r[15]. judge_exit is copied to A32_EXIT: without
 * a scratch register it reaches the page behind it by the pc. CPSR.E may have been set: R0 is stored in that order.
 */
__asm__(
    ".text\n.arch armv7-a\n.fpu neon\n.arm\n.balign 4\n"
    ".global judge_run, judge_exit, judge_exit_end, judge_done\n"
    "judge_run:\n"
    "  push {r4-r11, lr}\n  vpush {d8-d15}\n  ldr r1, =judge_sp\n  str sp, [r1]\n  clrex\n  mov r1, #0\n  mcr p15, 0, r1, c13, c0, 2\n"
    "  add r1, r0, #80\n  vldm r1!, {d0-d15}\n  vldm r1, {d16-d31}\n"
    "  ldr r1, [r0, #68]\n  vmsr fpscr, r1\n  ldr r1, [r0, #64]\n  msr APSR_nzcvqg, r1\n"
    "  .inst 0xe890ffff\n" /* LDM R0, {R0-R15} */
    ".ltorg\n"
    "judge_exit:\n"
    "  str r0, [pc, #0xff8]\n  mrs r0, cpsr\n  setend le\n  b 1f\n"
    "  .space 0xf0\n" /* A32_EXIT_T32: */
    "  .inst 0x46c04778\n" /* BX PC; MOV R8, R8 */
    "  str r0, [pc, #0xef4]\n  mrs r0, cpsr\n  setend le\n  orr r0, r0, #0x20\n"
    "1: str r0, [pc, #0xf24]\n"
    "  ldr r0, 2f\n  add r0, r0, #4\n  .inst 0xe8807ffe\n  sub r0, r0, #4\n" /* STM R0, {R1-R14} */
    "  add r1, r0, #80\n  vstm r1!, {d0-d15}\n  vstm r1, {d16-d31}\n"
    "  vmrs r1, fpscr\n  str r1, [r0, #68]\n  ldr pc, 3f\n"
    "2: .word 0x31401000\n3: .word judge_done\n"
    "judge_exit_end:\n"
    "judge_done:\n"
    "  ldr r1, =judge_sp\n  ldr sp, [r1]\n  mov r0, #0\n  vmsr fpscr, r0\n  vpop {d8-d15}\n  pop {r4-r11, pc}\n"
    ".ltorg\n");
_Static_assert(offsetof(A32Regs, cpsr) == 64 && offsetof(A32Regs, fpscr) == 68 && offsetof(A32Regs, d) == 80 &&
               A32_OUT == 0x31401000, "as the code above has it");

/* What Linux puts into uc_regspace: VFP registers. */
typedef struct VfpFrame {
    uint32_t magic, size;
    uint64_t d[32];
    uint32_t fpscr;
} VfpFrame;

/* The code faulted: its registers are the result. */
static void on_fault(int sig, siginfo_t *info, void *opaque)
{
    ucontext_t *uc = opaque;
    mcontext_t *m = &uc->uc_mcontext;
    const VfpFrame *fp = (const VfpFrame *)uc->uc_regspace;
    memcpy(OUT->r, &m->arm_r0, sizeof(OUT->r));
    OUT->cpsr = m->arm_cpsr;
    memcpy(OUT->d, fp->d, sizeof(OUT->d));
    OUT->fpscr = fp->fpscr;
    OUT->fault = sig == SIGILL    ? A64_FAULT_UNDEF
                 : sig == SIGTRAP ? A64_FAULT_TRAP
                 : sig == SIGBUS  ? A64_FAULT_ALIGN
                 : sig == SIGALRM ? A64_FAULT_LOOP
                                  : A64_FAULT_MEMORY;
    m->arm_pc = (uintptr_t)judge_done;
    m->arm_cpsr &= ~(CPSR_T | CPSR_E | CPSR_IT);
}

static void run_case(A32Case *c)
{
    memcpy((void *)(uintptr_t)A64_DATA, c->mem_in, A64_DATA_SIZE);
    OUT->fault = A64_FAULT_NONE;
    judge_run(&c->in);
    if (OUT->fault == A64_FAULT_NONE) {
        OUT->r[15] = OUT->cpsr & CPSR_T ? A32_EXIT_T32 : A32_EXIT;
        OUT->r[0] = OUT->cpsr & CPSR_E ? __builtin_bswap32(OUT->r[0]) : OUT->r[0];
    }
    c->out = *OUT;
    memcpy(c->mem_out, (void *)(uintptr_t)A64_DATA, A64_DATA_SIZE);
}

static void *map(uintptr_t at, size_t size)
{
    return mmap((void *)at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

int main(void)
{
    static char stack[65536];
    stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    const int signals[] = {SIGILL, SIGTRAP, SIGBUS, SIGSEGV, SIGFPE, SIGALRM};
    A32Batch *b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0);
    void *code = map(A64_CODE, A64_CODE_SIZE), *data = map(A64_DATA, A64_DATA_SIZE), *out = map(A32_EXIT, 8192);
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
            if (!b->c[i].skip) {
                alarm(20);
                run_case(&b->c[i]);
            }
        }
        alarm(0);
        if (write(1, &byte, 1) != 1) {
            return 1;
        }
    }
    return 0;
}
