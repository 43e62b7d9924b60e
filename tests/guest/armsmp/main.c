/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two processors: accesses that FEAT_LSE2 makes atomic are never seen in part, TLB maintenance that is broadcast and code
 * that the other one wrote are there when the barriers are through. Prints a line a test, "ok" or what went wrong, and END.
 */
#include <stdint.h>

#define UART (*(volatile uint32_t *)0x09000000)
#define LOOK 0x80000000ul /* a page that is mapped now here, now there */
#define ROUNDS 100
#define CHANGES 100 /* so many values of the writer the reader has to see */

uint64_t level1[512] __attribute__((aligned(4096)));
static uint64_t level2[512] __attribute__((aligned(4096))), level3[512] __attribute__((aligned(4096)));
static uint64_t page[2][512] __attribute__((aligned(4096)));
static uint32_t code[1024] __attribute__((aligned(4096)));
static uint8_t shared[64] __attribute__((aligned(64)));

/* What the second processor is to do: a number that is never 0, then its answer. */
static volatile uint64_t asked, answered, answer, stop;
static void (*volatile job)(void);

static void put(const char *s)
{
    while (*s) {
        UART = (uint8_t)*s++;
    }
}

static void put_hex(uint64_t v)
{
    for (int i = 60; i >= 0; i -= 4) {
        UART = (uint8_t)"0123456789abcdef"[v >> i & 15];
    }
}

void fault(uint64_t esr, uint64_t elr)
{
    put("fault ");
    put_hex(esr);
    put(" ");
    put_hex(elr);
    put("\nEND\n");
    for (;;) {
        __asm__ volatile("wfi");
    }
}

static void say(const char *what, int good)
{
    put(good ? "ok " : "not ok ");
    put(what);
    put("\n");
}

void tables(void)
{
    level1[0] = 0x405;              /* a device: AF, attribute 1, block */
    level1[1] = 0x40000701;         /* memory: AF, inner shareable */
    level1[2] = (uint64_t)level2 | 3;
    level2[0] = (uint64_t)level3 | 3;
}

/* The second processor. */
void work(void)
{
    for (uint64_t last = 0;;) {
        while (__atomic_load_n(&asked, __ATOMIC_ACQUIRE) == last) {
        }
        last = asked;
        job();
        __atomic_store_n(&answered, last, __ATOMIC_RELEASE);
    }
}

static void start(void (*f)(void))
{
    job = f;
    __atomic_store_n(&asked, asked + 1, __ATOMIC_RELEASE);
}

static void wait(void)
{
    while (__atomic_load_n(&answered, __ATOMIC_ACQUIRE) != asked) {
    }
}

/* ---- single-copy atomicity ---- */

/*
 * Every byte of what is stored is the same. One row: the writer's access of the value in x (and d0), the reader's into v
 * (and w), offset from a multiple of 16 bytes and bytes accessed.
 */
#define ACCESSES \
    A(ldp_x, "stp %0, %0, [%1]", "ldp %0, %1, [%2]", 0) \
    A(ldnp_x, "stnp %0, %0, [%1]", "ldnp %0, %1, [%2]", 0) \
    A(ldp_w, "stp %w0, %w0, [%1]", "ldp %w0, %w1, [%2]", 5) \
    A(ldpsw, "stp %w0, %w0, [%1]", "ldpsw %0, %1, [%2]", 3) \
    A(ldr_x, "str %0, [%1]", "ldr %0, [%2]\n mov %1, %0", 3) \
    A(ldr_w, "str %w0, [%1]", "ldr %w0, [%2]\n mov %1, %0", 6) \
    A(ldrsw, "str %w0, [%1]", "ldrsw %0, [%2]\n mov %1, %0", 5) \
    A(ldrh, "strh %w0, [%1]", "ldrh %w0, [%2]\n mov %1, %0", 7) \
    A(ldar_x, "stlr %0, [%1]", "ldar %0, [%2]\n mov %1, %0", 1) \
    A(ldapr_w, "stlr %w0, [%1]", "ldapr %w0, [%2]\n mov %1, %0", 7) \
    A(ldr_d, "fmov d0, %0\n str d0, [%1]", "ldr d1, [%2]\n fmov %0, d1\n mov %1, %0", 7) \
    A(ldr_s, "fmov s0, %w0\n str s0, [%1]", "ldr s1, [%2]\n fmov %w0, s1\n mov %1, %0", 6) \
    A(swp_x, "swp %0, %0, [%1]", "ldr %0, [%2]\n mov %1, %0", 5) \
    A(ldadd, "str %0, [%1]", "ldadd xzr, %0, [%2]\n mov %1, %0", 2)

#define A(name, store, load, offset) \
    static void name##_writer(void) \
    { \
        for (uint64_t n = 1; !stop; n = n % 255 + 1) { \
            uint64_t x = n * 0x0101010101010101; \
            __asm__ volatile(store : "+r"(x) : "r"(shared + offset) : "memory", "v0"); \
        } \
    } \
    static void name##_reader(uint64_t *v, uint64_t *w) \
    { \
        __asm__ volatile(load : "=&r"(*v), "=&r"(*w) : "r"(shared + offset) : "memory", "v1"); \
    }
__asm__(".arch armv8.4-a");
ACCESSES
#undef A

/* All bytes of a value the same, or of its lower 32 or 16 bits. */
static int whole(uint64_t v)
{
    uint64_t b = v & 0xff;
    return v == b * 0x0101010101010101 || (uint32_t)v == b * 0x01010101 || v == b * 0x0101;
}

/* The virtual counter, in seconds. */
static uint64_t seconds(void)
{
    uint64_t count, frequency;
    __asm__ volatile("mrs %0, cntvct_el0\n mrs %1, cntfrq_el0" : "=r"(count), "=r"(frequency));
    return count / frequency;
}

static void atomic(const char *name, void (*writer)(void), void (*reader)(uint64_t *, uint64_t *))
{
    uint64_t v, w, torn = 0, seen = 0, last = 0, end = seconds() + 60; /* the writer may have to wait for a host processor */
    for (int i = 0; i < 64; i++) {
        shared[i] = 0;
    }
    stop = 0;
    start(writer);
    for (uint64_t n = 0; n < 20000 || (seen < CHANGES && (n % 65536 || seconds() < end)); n++) {
        reader(&v, &w);
        torn += !whole(v) || v != w;
        seen += v != last;
        last = v;
    }
    stop = 1;
    wait();
    if (torn) {
        say("torn", 0);
    }
    say(name, torn == 0 && seen >= CHANGES);
}

/* ---- translations ---- */

static void look(void)
{
    answer = *(volatile uint64_t *)LOOK;
}

static void map(uint64_t *to)
{
    level3[0] = (uint64_t)to | 0xf03; /* not global, as ASIDE1 wants it */
    __asm__ volatile("dsb ish\n isb" ::: "memory");
}

static void unmap(void)
{
    level3[0] = 0;
    __asm__ volatile("dsb ishst" ::: "memory");
}

#define TLBI(name, insn) \
    static void name(void) \
    { \
        __asm__ volatile(insn "\n dsb ish\n isb" :: "r"(LOOK >> 12) : "memory"); \
    }
TLBI(vae1is, "tlbi vae1is, %0")
TLBI(vaae1is, "tlbi vaae1is, %0")
TLBI(vale1is, "tlbi vale1is, %0")
TLBI(vaale1is, "tlbi vaale1is, %0")
TLBI(aside1is, "tlbi aside1is, xzr")
TLBI(vmalle1is, "tlbi vmalle1is")

static void broadcast(const char *name, void (*invalidate)(void))
{
    int good = 1;
    page[0][0] = 100;
    page[1][0] = 101;
    for (int i = 0; i < ROUNDS; i++) {
        unmap();
        invalidate();
        map(page[i & 1]);
        start(look);
        wait();
        good &= answer == 100 + (i & 1);
    }
    say(name, good);
}

/* ---- code ---- */

static void call(void)
{
    __asm__ volatile("isb");
    answer = ((uint64_t (*)(void))(uintptr_t)code)();
}

/* The instructions at code's address; `to` is where they are written, perhaps another address of the same page. */
static void written_by_the_other(const char *name, volatile uint32_t *to)
{
    int good = 1;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        to[0] = 0xd2800000 | i << 5; /* mov x0, #i */
        to[1] = 0xd65f03c0;
        __asm__ volatile("dc cvau, %0\n dsb ish\n ic ivau, %1\n dsb ish" :: "r"(to), "r"(code) : "memory");
        start(call);
        wait();
        good &= answer == i;
    }
    say(name, good);
}

/* ---- */

static int has_lse2(void)
{
    uint64_t v;
    __asm__("mrs %0, S3_0_C0_C7_2" : "=r"(v)); /* ID_AA64MMFR2_EL1.AT */
    return v >> 32 & 15;
}

static void cpu_on(void)
{
    extern void second(void);
    register uint64_t x0 __asm__("x0") = 0xc4000003, x1 __asm__("x1") = 1, x2 __asm__("x2") = (uint64_t)second;
    __asm__ volatile("hvc #0" : "+r"(x0) : "r"(x1), "r"(x2) : "x3", "memory");
}

void main(void)
{
    cpu_on();
    if (has_lse2()) {
#define A(name, store, load, offset) atomic(#name, name##_writer, name##_reader);
        ACCESSES
#undef A
    }
#define T(name) broadcast(#name, name)
    T(vae1is);
    T(vaae1is);
    T(vale1is);
    T(vaale1is);
    T(aside1is);
    T(vmalle1is);
    written_by_the_other("code", code);
    unmap();
    vmalle1is();
    map((uint64_t *)(uintptr_t)code);
    written_by_the_other("code by another address", (volatile uint32_t *)LOOK);
    put("END\n");
}
