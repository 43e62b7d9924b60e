/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory tagging of a Linux program: PROT_MTE memory, random tags, loads and stores of all kinds, first with synchronous
 * tag faults, then with asynchronous ones. A line says what each came to: registers, si_code and si_addr, tags and data.
 * Run by Debian's qemu-aarch64-static and by a kernel in the emulator that is tested (armmte.py). QEMU 7.2 does not check
 * SVE's LD1 and ST1 of a Linux program, and its DC GVA sets other tags, so what these came to is printed after the end of
 * what is compared.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <ucontext.h>
#include <unistd.h>

#define MTE_PROT 0x20 /* PROT_MTE */
#define STEPS 3000

static uint64_t seed = 0x2545f4914f6cdd1d, regs[4];
static volatile uint64_t code, where;
static char *base;

static uint64_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void caught(int sig, siginfo_t *info, void *context)
{
    ucontext_t *c = context;
    code = (uint64_t)sig << 8 | (uint8_t)info->si_code;
    where = (uintptr_t)info->si_addr & 0x00ffffffffffffff;
    if (info->si_code != 8) { /* but for SEGV_MTEAERR, which comes later */
        c->uc_mcontext.pc += 4;
        where -= where ? (uintptr_t)base : 0;
    }
}

#define ASM(code)                                                                                   \
    __asm__ volatile(".arch armv8.5-a+memtag+lse+sve\n"                                             \
                     "ldp x0, x1, [%0]\n ldp x2, x3, [%0, #16]\n" code "\n"                         \
                     "stp x0, x1, [%0]\n stp x2, x3, [%0, #16]\n"                                   \
                     : : "r"(regs) : "x0", "x1", "x2", "x3", "x4", "x5", "x9", "v0", "v1", "v2", "v3", "p0", "p1", "cc", "memory")
#define OPS(X)                                                                                      \
    X("addg x1, x0, #32, #5") X("subg x1, x0, #1008, #15") X("gmi x1, x0, x2") X("subps x1, x0, x2\n mrs x3, nzcv") \
    X("ldg x1, [x0]") X("ldg x1, [x0, #-64]") X("stg x0, [x0]") X("stg x2, [x0, #16]") X("stg x1, [x0], #32") \
    X("stzg x1, [x0, #-16]!") X("st2g x2, [x0]") X("stz2g x1, [x0, #48]") X("stgp x1, x2, [x0]")    \
    X("stgp x1, x2, [x0, #32]!") X("ldrb w1, [x0]") \
    X("ldrh w1, [x0]") X("ldrsw x1, [x0]") X("ldr x1, [x0, #8]!") X("strb w1, [x0]") X("str x1, [x0], #16") \
    X("ldp x1, x2, [x0]") X("ldp w1, w2, [x0, #8]") X("stp x1, x2, [x0]") X("stp w1, w2, [x0, #-8]!") \
    X("ldr q0, [x0]\n umov x1, v0.d[0]\n umov x2, v0.d[1]") X("str q0, [x0]")                       \
    X("ldp q0, q1, [x0]\n umov x1, v1.d[0]") X("stp q0, q1, [x0]")                                  \
    X("ld1 {v0.16b-v3.16b}, [x0]\n umov x1, v3.d[1]") X("st1 {v0.2d-v3.2d}, [x0]")                  \
    X("ld2 {v0.4s, v1.4s}, [x0]\n umov x1, v1.d[1]") X("st3 {v0.8b-v2.8b}, [x0]")                   \
    X("ld1 {v0.h}[3], [x0]\n umov x1, v0.d[0]") X("st4 {v0.s, v1.s, v2.s, v3.s}[1], [x0]")          \
    X("and x0, x0, #~15\n ldar w1, [x0]") X("and x0, x0, #~15\n stlr w1, [x0]")                     \
    X("and x0, x0, #~15\n ldadd w1, w2, [x0]") X("and x0, x0, #~15\n swpal x1, x2, [x0]")           \
    X("and x0, x0, #~15\n mov w1, #0\n cas w1, w2, [x0]") X("ldur x1, [x0, #-3]")                   \
    X("ldr z0, [x0]\n umov x1, v0.d[0]") X("ldr p1, [x0]")

enum {
#define X(code) + 1
    N_OPS = 0 OPS(X)
#undef X
};

static void run(unsigned op)
{
    unsigned n = 0;
#define X(code) if (op == n++) { ASM(code); }
    OPS(X)
#undef X
}

static uint64_t sum(void)
{
    uint64_t h = 0;
    for (unsigned i = 0; i < 3 * 4096; i += 8) {
        uint64_t tag = 0, v;
        char *p = base + i;
        __asm__(".arch armv8.5-a+memtag\n ldg %0, [%1]" : "+r"(tag) : "r"(p));
        memcpy(&v, p + tag, 8);
        h = (h ^ v ^ tag >> 56) * 0x9e3779b97f4a7c15;
        h ^= h >> 29;
    }
    return h;
}

static unsigned tag_at(char *p)
{
    uint64_t tag = 0;
    __asm__ volatile(".arch armv8.5-a+memtag\n ldg %0, [%1]" : "+r"(tag) : "r"(p));
    return tag >> 56 & 15;
}

/* DC GVA sets the tags of a block, DC ZVA its data, DC GZVA both. */
static int blocks(void)
{
    uint64_t size;
    int bad = 0;
    __asm__("mrs %0, dczid_el0" : "=r"(size));
    size = 4ul << (size & 15);
    for (unsigned kind = 0; kind < 3; kind++) {
        char *p = base + 2048 + ((uint64_t)(kind + 4) << 56);
        for (unsigned i = 0; i < 4096; i += 16) {
            __asm__ volatile(".arch armv8.5-a+memtag\n stg %0, [%0]" : : "r"(p + i) : "memory");
        }
        memset(p, 0x55, 4096);
        char *at = p + 2 * size + 24, *want = (char *)((uintptr_t)at & ~(size - 1));
        uint64_t tagged = ((uintptr_t)at & ~(15ul << 56)) | 9ul << 56;
        if (kind == 0) {
            __asm__ volatile(".arch armv8.5-a+memtag\n dc gva, %0" : : "r"(tagged) : "memory");
        } else if (kind == 1) {
            __asm__ volatile(".arch armv8.5-a+memtag\n dc gzva, %0" : : "r"(tagged) : "memory");
        } else {
            __asm__ volatile("dc zva, %0" : : "r"(at) : "memory");
        }
        for (unsigned i = 0; i < 4096; i++) {
            int inside = (uint64_t)(p + i - want) < size;
            unsigned tag = tag_at(p + i), expected = inside && kind < 2 ? 9 : kind + 4;
            char v = *(char *)(((uintptr_t)(p + i) & ~(15ul << 56)) | (uint64_t)tag << 56);
            bad += tag != expected || v != (inside && kind ? 0 : 0x55);
        }
    }
    return bad;
}

static void steps(int sync)
{
    for (unsigned n = 0; n < STEPS; n++) {
        unsigned op = rnd() % N_OPS;
        uint64_t r = rnd(), at = (r & 1 ? 4096 - 128 : 512) + (r >> 1 & 0xff);
        regs[0] = (r & 0x3000 ? at & ~15ul : at) | (r >> 20 & 3) << 56;
        regs[0] += (uintptr_t)base;
        regs[1] = rnd() & ~(0xcul << 56);
        regs[2] = rnd() & 0x0300000000000fff;
        regs[3] = rnd();
        code = where = 0;
        run(op);
        getppid();
        printf("%u %u", n, op);
        for (int i = 0; i < 4; i++) {
            uint64_t v = regs[i];
            v -= (v & 0x00ffffffffffffff) - (uintptr_t)base < 8 * 4096 ? (uintptr_t)base : 0;
            printf(" %lx", v);
        }
        printf(" %lx %lx", code, sync ? where : 0);
        if (n % 64 == 0) {
            printf(" = %lx", sum());
        }
        printf("\n");
    }
}

int main(void)
{
    struct sigaction a = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_NODEFER};
    base = mmap((void *)0x60000000, 3 * 4096, PROT_READ | PROT_WRITE | MTE_PROT, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (base == MAP_FAILED) {
        printf("no MTE\n");
        return 1;
    }
    sigaction(SIGSEGV, &a, NULL);
    sigaction(SIGBUS, &a, NULL);
    for (int sync = 1; sync >= 0; sync--) {
        unsigned long mode = PR_TAGGED_ADDR_ENABLE | (sync ? 2 : 4) | 0xffful << 3;
        if (prctl(PR_SET_TAGGED_ADDR_CTRL, mode, 0, 0, 0)) {
            printf("no tag checks\n");
            return 1;
        }
        steps(sync);
    }
    printf("MTE-END\n");
    printf("%d wrong by DC\n", blocks());
    return 0;
}
