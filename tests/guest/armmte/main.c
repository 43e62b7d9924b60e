/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory tagging, instruction by instruction: random tags, addresses, controls (SCTLR_EL1.TCF, TCF0, TCR_EL1.TBI0, TCMA0,
 * PSTATE.TCO, GCR_EL1), random loads and stores of all kinds. A line says what each came to: registers, syndrome and
 * address of a fault, TFSR_EL1 and TFSRE0_EL1, RGSR_EL1. Compared with another emulator by armmte.py.
 *
 * The same memory is mapped three times: as tagged, as ordinary memory, and as tagged memory of EL0 (for LDTR). QEMU 7.2
 * has for all granules of a page with the same bit 4 one tag, so only the first two of each page are used here; and
 * it checks tags before the alignment, so ordered and atomic accesses are aligned.
 */
typedef unsigned long u64;
typedef unsigned u32;

#define GB 0x40000000ul
#define BUFFER 0x200000ul /* in each mapping */
#define BUFFER_SIZE 8192
#ifndef EVERY
#define EVERY 0
#endif
#define STEPS 12000

u64 note[2];
void main(void);

static u64 table[512] __attribute__((aligned(4096)));
static u64 seed = 88172645463325252;

static u64 rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void put(char c)
{
    *(volatile u32 *)0x09000000 = c;
}

static void hex(u64 v)
{
    int digits = 1;
    while (digits < 16 && v >> 4 * digits) {
        digits++;
    }
    while (digits--) {
        put("0123456789abcdef"[v >> 4 * digits & 15]);
    }
    put(' ');
}

#define GET(reg) ({ u64 v_; __asm__ volatile("mrs %0, " reg : "=r"(v_)); v_; })
#define SET(reg, v) __asm__ volatile("msr " reg ", %0\n isb" : : "r"((u64)(v)) : "memory")
#define SCTLR "S3_0_C1_C0_0"
#define RGSR "S3_0_C1_C0_5"
#define GCR "S3_0_C1_C0_6"
#define TFSR "S3_0_C5_C6_0"
#define TFSRE0 "S3_0_C5_C6_1"
#define TCO "S3_3_C4_C2_7"

static void mmu_on(void)
{
    table[0] = 0x0000000000000401;                           /* devices */
    table[1] = GB | 0x0000000000000401 | 1 << 2 | 3 << 8;    /* tagged */
    table[2] = GB | 0x0060000000000401 | 2 << 2 | 3 << 8;    /* not tagged */
    table[3] = GB | 0x0060000000000441 | 1 << 2 | 3 << 8;    /* tagged, EL0 */
    SET("mair_el1", 0xfff000);
    SET("ttbr0_el1", table);
}

/* New controls, random. */
static void controls(void)
{
    u64 r = rnd();
    u64 tcr = 25 | 1 << 23 | 2ul << 32 | 3 << 12 | 1 << 10 | 1 << 8;
    tcr |= (r & 7 ? 1ul << 37 : 0) | (r & 8 ? 1ul << 57 : 0); /* TBI0, TCMA0 */
    u64 sctlr = 0x30d00801 | 1 << 2 | 1 << 12;
    sctlr |= (r >> 4 & 3) << 40 | (r >> 6 & 3) << 38;         /* TCF, TCF0 */
    sctlr |= (r >> 8 & 7 ? 1ul << 43 : 0) | (r >> 11 & 7 ? 1ul << 42 : 0); /* ATA, ATA0 */
    __asm__ volatile("tlbi vmalle1\n dsb sy\n isb" : : : "memory");
    SET("tcr_el1", tcr);
    SET(SCTLR, sctlr);
    __asm__ volatile("tlbi vmalle1\n dsb sy\n isb" : : : "memory");
    SET(TCO, r >> 14 & 7 ? 0 : 1 << 25);
    SET(GCR, r & 1 << 18 ? 0 : (r >> 20 & 0xffff));
    put('#');
    put(' ');
    hex(tcr);
    hex(sctlr);
    hex(GET(TCO));
    hex(GET(GCR));
    put('\n');
}

static u64 regs[4];

#define ASM(code)                                                                                   \
    __asm__ volatile(".arch armv8.5-a+memtag+lse+sve\n"                                             \
                     "ldp x0, x1, [%0]\n ldp x2, x3, [%0, #16]\n" code "\n"                         \
                     "stp x0, x1, [%0]\n stp x2, x3, [%0, #16]\n"                                   \
                     : : "r"(regs) : "x0", "x1", "x2", "x3", "x4", "x5", "x9", "cc", "memory")
/* Memory accesses stay in two granules (see step()): ALIGNED ones begin at a multiple of 16, SP ones use the stack pointer. */
#define OPS(X) \
    X("irg x1, x0, x2") X("irg x1, x0") X("addg x1, x0, #32, #5") X("subg x1, x0, #1008, #15") \
    X("gmi x1, x0, x2") X("subp x1, x0, x2") X("subps x1, x0, x2\n mrs x3, nzcv") X("ldg x1, [x0]") \
    X("ldg x1, [x0, #16]") X("stg x0, [x0]") X("stg x2, [x0, #16]") X("stg x1, [x0], #32") \
    X("stzg x1, [x0, #16]!") X("st2g x2, [x0]") X("stz2g x1, [x0]") X("stgp x1, x2, [x0]") \
    X("stgp x1, x2, [x0, #16]!") X("dc cigdvac, x0") X("ldrb w1, [x0]") X("ldrh w1, [x0]") \
    X("ldrsw x1, [x0]") X("ldr x1, [x0]") X("ldr x1, [x0, #8]!") X("strb w1, [x0]") X("strh w1, [x0]") \
    X("str w1, [x0]") X("str x1, [x0]") X("str x1, [x0], #16") X("ldp x1, x2, [x0]") \
    X("ldp w1, w2, [x0, #8]") X("stp x1, x2, [x0]") X("stp w1, w2, [x0, #8]!") X("ldur x1, [x0, #3]") \
    X("ldr q0, [x0]\n umov x1, v0.d[0]\n umov x2, v0.d[1]") X("str q0, [x0]") \
    X("ldr d3, [x0]\n fmov x3, d3") ALIGNED("ldp q0, q1, [x0]\n umov x1, v1.d[0]") \
    ALIGNED("stp q0, q1, [x0]") ALIGNED("ld1 {v0.16b, v1.16b}, [x0]\n umov x1, v1.d[1]") \
    ALIGNED("st1 {v0.2d, v1.2d}, [x0]") ALIGNED("ld2 {v0.4s, v1.4s}, [x0]\n umov x1, v1.d[1]") \
    ALIGNED("st3 {v0.8b-v2.8b}, [x0]") X("ld1 {v0.h}[3], [x0]\n umov x1, v0.d[0]") \
    X("st4 {v0.s, v1.s, v2.s, v3.s}[1], [x0]") ALIGNED("ldar w1, [x0]") ALIGNED("stlr w1, [x0]") \
    ALIGNED("ldxr x1, [x0]\n stxr w2, x3, [x0]") ALIGNED("ldaxp x1, x2, [x0]\n stlxp w3, x2, x1, [x0]") \
    ALIGNED("ldadd w1, w2, [x0]") ALIGNED("stset x1, [x0]") ALIGNED("swpal x1, x2, [x0]") \
    X("ldtr x1, [x0]") \
    X("sttr x1, [x0]") X("ldtrb w1, [x0]") SP("ldr x1, [sp, #8]") SP("str x1, [sp, #16]!") \
    SP("ldadd x1, x2, [sp]") SP("ldtr x1, [sp, #8]") \
    X("ptrue p0.d\n ld1d z0.d, p0/z, [x0]\n umov x1, v0.d[1]") X("ptrue p0.s, vl3\n st1w z0.s, p0, [x0]") \
    ALIGNED("ptrue p0.d\n mov z1.d, #16\n ld1d z0.d, p0/z, [x0, z1.d]\n umov x1, v0.d[0]") \
    X("ldr z0, [x0]\n umov x1, v0.d[0]") \
    X("ldr p1, [x0]")
#define ALIGNED(code) X("and x0, x0, #~15\n " code)
#define SP(code) X("mov x9, sp\n and x4, x0, #~15\n mov sp, x4\n " code "\n mov sp, x9")

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

static void step(unsigned n)
{
    unsigned op = rnd() % N_OPS;
    u64 r = rnd(), where = BUFFER + (r & 1) * 4096 + (r >> 1 & 15);
    u64 mapping = (r >> 16 & 7) < 5 ? 1 : (r >> 16 & 7) - 4;
    /* Few tags, so that many are right. */
    regs[0] = mapping * GB | (r & 0x300 ? where & ~15ul : where) | (r >> 20 & 3) << 56 | (r >> 22 & 31 ? 0 : 0xful << 56);
    regs[1] = rnd() & ~(0xcul << 56);
    regs[2] = rnd() & (r & 1 << 30 ? ~0ul : 0x030000000000ffff);
    regs[3] = rnd();
    note[0] = note[1] = 0;
    run(op);
    hex(n);
    hex(op);
    for (int i = 0; i < 4; i++) {
        hex(regs[i]);
    }
    hex(note[0]);
    hex(note[1]);
    hex(GET(TFSR));
    hex(GET(TFSRE0));
    hex(GET(RGSR));
    put('\n');
    if (n % 32 == 31) {
        SET(TFSR, 0);
        SET(TFSRE0, 0);
    }
}

/* All data and tags of the buffer as one number. */
static void sum(void)
{
    u64 h = 0;
    u64 sctlr = GET(SCTLR), tco = GET(TCO);
    SET(SCTLR, sctlr | 1ul << 43);
    SET(TCO, 1 << 25);
    for (u64 at = GB + BUFFER; at < GB + BUFFER + BUFFER_SIZE; at += 8) {
        u64 v = *(u64 *)at, tag = 0;
        if (!(at & 0xfef)) {
            __asm__ volatile(".arch armv8.5-a+memtag\n ldg %0, [%1]" : "+r"(tag) : "r"(at));
        }
        h = (h ^ v ^ tag >> 56) * 0x9e3779b97f4a7c15;
        h ^= h >> 29;
    }
    SET(SCTLR, sctlr);
    SET(TCO, tco);
    put('=');
    put(' ');
    hex(h);
    put('\n');
}

void main(void)
{
    mmu_on();
    SET(RGSR, 0x123400);
    for (unsigned n = 0; n < STEPS; n++) {
        if (n % 16 == 0) {
            controls();
        }
        step(n);
        if (n % 64 == 63 || EVERY) {
            sum();
        }
    }
    put('E');
    put('N');
    put('D');
    put('\n');
}
