/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running test code on this processor: all registers, flags and FP state are
 * loaded from one page at a fixed low address (absolute addressing needs no
 * register), the code runs, a jump behind it brings it back. Faults arrive as
 * signals on an alternate stack; their context is the outcome.
 */
#include <signal.h>
#include <setjmp.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "tests/insn/engine.h"

#define AREA 0x32000000ull
#define GATE 0x33000000ull /* back from 32-bit code: a jump in 64-bit mode to native_exit */

/* Offsets are known to the assembly below. */
typedef struct Area {
    uint64_t gpr[16];      /* 0x000 */
    uint64_t flags;        /* 0x080 */
    uint64_t host_rsp;     /* 0x088 */
    uint64_t exit;         /* 0x090 */
    uint64_t code;         /* 0x098: where it stopped */
    uint32_t start;        /* 0x0a0: far pointer to the code */
    uint16_t start_cs;     /* 0x0a4 */
    uint8_t pad[0x5a];
    uint8_t fx[512];       /* 0x100 */
    uint8_t host_fx[512];  /* 0x300 */
    uint8_t stack[0x800];  /* 0x500 .. 0xd00: for pushf/popf */
    uint64_t ymmh[32];     /* 0xd00 .. 0xe00 */
    uint64_t has_ymm;      /* 0xe00 */
} Area;
static Area *const area = (Area *)AREA;
/* jmp *area->exit; ljmp $0x33, $GATE */
static const uint8_t jump64[7] = {0xff, 0x24, 0x25, 0x90, 0x00, 0x00, 0x32};
static const uint8_t jump32[7] = {0xea, 0x00, 0x00, 0x00, 0x33, 0x33, 0x00};
static bool keeps_pointers;
static sigjmp_buf out_of_signal;
static volatile int inside;

void native_enter(void);
void native_exit(void);
__asm__(".text\n"
        ".globl native_enter\n"
        "native_enter:\n"
        "  push %rbx\n  push %rbp\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n"
        "  mov %rsp, 0x32000088\n"
        "  mov $0x2b, %eax\n  mov %eax, %ds\n  mov %eax, %es\n" /* null will not do in 32-bit mode */
        "  fxsave64 0x32000300\n"
        "  fxrstor64 0x32000100\n"
        "  cmpl $0, 0x32000e00\n"
        "  je 1f\n"
        "  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "  vinsertf128 $1, 0x32000d00 + 16*\\n, %ymm\\n, %ymm\\n\n"
        "  .endr\n"
        "1:\n"
        "  mov $0x32000cf0, %esp\n"
        "  pushq 0x32000080\n"
        "  popfq\n"
        "  mov 0x32000000, %rax\n  mov 0x32000008, %rcx\n  mov 0x32000010, %rdx\n"
        "  mov 0x32000018, %rbx\n  mov 0x32000020, %rsp\n  mov 0x32000028, %rbp\n"
        "  mov 0x32000030, %rsi\n  mov 0x32000038, %rdi\n  mov 0x32000040, %r8\n"
        "  mov 0x32000048, %r9\n  mov 0x32000050, %r10\n  mov 0x32000058, %r11\n"
        "  mov 0x32000060, %r12\n  mov 0x32000068, %r13\n  mov 0x32000070, %r14\n"
        "  mov 0x32000078, %r15\n"
        "  ljmpl *0x320000a0\n"
        ".globl native_exit\n"
        "native_exit:\n"
        "  mov %rax, 0x32000000\n  mov %rcx, 0x32000008\n  mov %rdx, 0x32000010\n"
        "  mov %rbx, 0x32000018\n  mov %rsp, 0x32000020\n  mov %rbp, 0x32000028\n"
        "  mov %rsi, 0x32000030\n  mov %rdi, 0x32000038\n  mov %r8, 0x32000040\n"
        "  mov %r9, 0x32000048\n  mov %r10, 0x32000050\n  mov %r11, 0x32000058\n"
        "  mov %r12, 0x32000060\n  mov %r13, 0x32000068\n  mov %r14, 0x32000070\n"
        "  mov %r15, 0x32000078\n"
        "  mov $0x32000cf0, %esp\n"
        "  pushfq\n"
        "  popq 0x32000080\n"
        "  fxsave64 0x32000100\n"
        "  cmpl $0, 0x32000e00\n"
        "  je 1f\n"
        "  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "  vextractf128 $1, %ymm\\n, 0x32000d00 + 16*\\n\n"
        "  .endr\n"
        "  vzeroupper\n"
        "1:\n"
        "  fxrstor64 0x32000300\n"
        "  cld\n"
        "  mov 0x32000088, %rsp\n"
        "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbp\n  pop %rbx\n"
        "  ret\n");

/* Upper halves out of the signal frame's XSAVE image (sigcontext.h); not saved means zero. */
static void fault_ymmh(const uint8_t *image)
{
    uint32_t magic;
    uint64_t bv;
    memcpy(&magic, image + 464, 4);
    memset(area->ymmh, 0, sizeof(area->ymmh));
    if (magic == FP_XSTATE_MAGIC1) {
        memcpy(&bv, image + 512, 8);
        if (bv & 4) {
            memcpy(area->ymmh, image + 576, sizeof(area->ymmh));
        }
    }
}

static void on_fault(int sig, siginfo_t *info, void *opaque)
{
    static const int reg[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI,
                                REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13,
                                REG_R14, REG_R15};
    ucontext_t *uc = opaque;
    if (!inside) {
        signal(sig, SIG_DFL);
        return;
    }
    for (int i = 0; i < 16; i++) {
        area->gpr[i] = (uint64_t)uc->uc_mcontext.gregs[reg[i]];
    }
    area->flags = (uint64_t)uc->uc_mcontext.gregs[REG_EFL];
    memcpy(area->fx, uc->uc_mcontext.fpregs, 512);
    fault_ymmh((const uint8_t *)uc->uc_mcontext.fpregs);
    area->code = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
    inside = (int)uc->uc_mcontext.gregs[REG_TRAPNO] + 2;
    siglongjmp(out_of_signal, 1);
}

/* AMD's processors have them in images only while an x87 exception is pending (APM 2, 11.4.4). */
static bool pointers_last(void)
{
    static X86Fxsave fx __attribute__((aligned(16))), before __attribute__((aligned(16)));

    __asm__ volatile("fxsave64 %0" : "=m"(before));
    fx = before;
    fx.fop = 0x123;
    fx.fip = fx.fdp = 0x12345678;
    __asm__ volatile("fxrstor64 %0\n\tfxsave64 %0\n\tfxrstor64 %1" : "+m"(fx) : "m"(before));
    return fx.fop == 0x123 && fx.fip == 0x12345678 && fx.fdp == 0x12345678;
}

uint32_t native_mxcsr_mask(void)
{
    static X86Fxsave fx __attribute__((aligned(16)));

    __asm__ volatile("fxsave64 %0" : "=m"(fx));
    return fx.mxcsr_mask;
}

void native_init(void)
{
    static const int sigs[] = {SIGSEGV, SIGFPE, SIGILL, SIGBUS, SIGTRAP};
    stack_t ss = {.ss_size = 1 << 16};
    ss.ss_sp = mmap(NULL, ss.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaltstack(&ss, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(sigs); i++) {
        struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
        sigaction(sigs[i], &sa, NULL);
    }
    void *p = mmap((void *)AREA, 4096, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    g_assert(p == (void *)AREA);
    p = mmap((void *)GATE, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    g_assert(p == (void *)GATE);
    memcpy(p, jump64, sizeof(jump64));
    G_STATIC_ASSERT(offsetof(Area, fx) == 0x100 && offsetof(Area, stack) == 0x500 &&
                    offsetof(Area, ymmh) == 0xd00 && offsetof(Area, has_ymm) == 0xe00);
    area->has_ymm = insn_has_ymm();
    keeps_pointers = pointers_last();
}

void native_run(const InsnState *in, InsnState *out, unsigned code_len, int bits)
{
    uint8_t *end = (uint8_t *)(uintptr_t)(CODE_BASE + code_len);
    uint8_t save[8];
    memcpy(save, end, 8);
    memcpy(end, bits == 64 ? jump64 : jump32, 7);
    memcpy(area->gpr, in->gpr, sizeof(area->gpr));
    memcpy(area->fx, &in->fx, 512);
    memcpy(area->ymmh, in->ymmh, sizeof(area->ymmh));
    area->flags = in->flags | 0x202;
    area->exit = (uint64_t)(uintptr_t)native_exit;
    area->start = CODE_BASE;
    area->start_cs = bits == 64 ? 0x33 : 0x23; /* Linux's user code segments */
    out->fault = -1;
    if (sigsetjmp(out_of_signal, 0) == 0) {
        inside = 1;
        native_enter();
        area->code = CODE_BASE + code_len;
    } else {
        out->fault = inside - 2;
        __asm__ volatile("cld; fxrstor64 0x32000300");
        if (area->has_ymm) {
            __asm__ volatile("vzeroupper");
        }
    }
    inside = 0;
    memcpy(out->gpr, area->gpr, sizeof(out->gpr));
    memcpy(&out->fx, area->fx, 512);
    memcpy(out->ymmh, area->ymmh, sizeof(out->ymmh));
    out->flags = area->flags;
    out->rip = area->code;
    out->no_pointers = !keeps_pointers;
    memcpy(end, save, 8);
}
