/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs inside a guest: what several processors must agree on (SDM vol 3, chapter 9; the memory
 * model x86-TSO). torture SECONDS [THREADS [TEST]]: each test in turn for its share of the time, or
 * that one; prints a line for each and "TORTURE PASS", or the first wrong result and "TORTURE FAIL".
 *
 * Everything shared is accessed by inline assembly or volatile, so that the compiler neither orders
 * nor fences for us.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MAX_THREADS 64
#define LINE __attribute__((aligned(64)))
#define BARRIER() asm volatile("" ::: "memory")
#define PAUSE() asm volatile("pause" ::: "memory")
#define MFENCE() asm volatile("mfence" ::: "memory")

static int threads = 8;
static volatile int stop;
static volatile int failed;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *fmt, ...)
{
    va_list ap;

    if (__atomic_exchange_n(&failed, 1, __ATOMIC_SEQ_CST)) {
        return;
    }
    va_start(ap, fmt);
    printf("FAIL ");
    vprintf(fmt, ap);
    printf("\n");
    fflush(stdout);
    va_end(ap);
    stop = 1;
}

/* Waits by pausing, and lets others run if it takes long: there may be fewer processors than threads. */
static void relax(unsigned *spins)
{
    PAUSE();
    if (++*spins % 1000 == 0) {
        sched_yield();
    }
}

/* ---- locks and atomics on one counter ---- */

static LINE volatile uint32_t spin_word;
static LINE volatile uint32_t ticket_next, ticket_now;
static LINE volatile uint64_t guarded[2]; /* plain, under a lock: equal at all times outside */
typedef uint32_t __attribute__((may_alias)) Word;
typedef uint64_t __attribute__((may_alias)) Pair;
typedef __int128 __attribute__((may_alias)) WidePair;
static LINE volatile uint64_t sums[8];
static LINE uint64_t per_thread[MAX_THREADS][8];

static void under_lock(const char *what)
{
    uint64_t a = guarded[0], b = guarded[1];

    if (a != b) {
        fail("%s: %llu and %llu under the lock", what, (unsigned long long)a, (unsigned long long)b);
    }
    guarded[0] = a + 1;
    BARRIER();
    guarded[1] = b + 1;
}

static void run_spinlock(int me)
{
    unsigned spins = 0;
    uint32_t v = 1;

    for (;;) {
        asm volatile("xchgl %0, %1" : "+r"(v), "+m"(spin_word)::"memory");
        if (!v) {
            break;
        }
        relax(&spins);
    }
    under_lock("spinlock");
    BARRIER();
    spin_word = 0; /* a plain store releases */
    per_thread[me][0]++;
}

static void run_ticket(int me)
{
    unsigned spins = 0;
    uint32_t mine = 1;

    asm volatile("lock xaddl %0, %1" : "+r"(mine), "+m"(ticket_next)::"memory");
    while (ticket_now != mine) {
        relax(&spins);
    }
    under_lock("ticket lock");
    BARRIER();
    ticket_now = mine + 1;
    per_thread[me][0]++;
}

static void end_guarded(const char *what)
{
    uint64_t total = 0;

    for (int i = 0; i < threads; i++) {
        total += per_thread[i][0];
    }
    if (guarded[0] != total || guarded[1] != total) {
        fail("%s: counted %llu of %llu", what, (unsigned long long)guarded[0],
             (unsigned long long)total);
    }
}

static void end_spinlock(void)
{
    end_guarded("spinlock");
}

static void end_ticket(void)
{
    end_guarded("ticket lock");
}

/* Crosses a line, and a page. */
static char *crossing_line, *crossing_page;

static void add_through(volatile void *p, uint64_t v)
{
    asm volatile("lock addq %1, %0" : "+m"(*(volatile uint64_t *)p) : "r"(v) : "memory");
}

static void run_atomics(int me)
{
    uint64_t one = 1, old, new;
    uint8_t bit;

    asm volatile("lock xaddq %0, %1" : "+r"(one), "+m"(sums[0])::"memory");
    asm volatile("lock incq %0" : "+m"(sums[1])::"memory");
    asm volatile("lock subq %1, %0" : "+m"(sums[2]) : "r"((uint64_t)-3) : "memory");
    do {
        old = sums[3];
        new = old * 3 + 1;
        asm volatile("lock cmpxchgq %3, %1; sete %2"
                     : "+a"(old), "+m"(sums[3]), "=q"(bit)
                     : "r"(new)
                     : "memory", "cc");
    } while (!bit);
    /* Bit me of word 4 is this thread's alone; the word is everybody's. */
    asm volatile("lock btsl %2, %0; setc %1"
                 : "+m"(*(volatile Word *)&sums[4]), "=q"(bit)
                 : "r"(me & 31)
                 : "memory", "cc");
    if (bit && threads <= 32) {
        fail("bts: bit %d was set already", me);
    }
    asm volatile("lock btrl %2, %0; setc %1"
                 : "+m"(*(volatile Word *)&sums[4]), "=q"(bit)
                 : "r"(me & 31)
                 : "memory", "cc");
    if (!bit && threads <= 32) {
        fail("btr: bit %d was lost", me);
    }
    asm volatile("lock incb %0" : "+m"(((volatile uint8_t *)&sums[5])[me & 7])::"memory");
    if (per_thread[me][0]++ % 512 == 0) { /* rarely: hosts make these slow on purpose */
        add_through(crossing_line, 0x100000001ull);
        add_through(crossing_page, 0x100000001ull);
        per_thread[me][1]++;
    }
}

static void check_sum(const char *what, uint64_t got, uint64_t want)
{
    if (got != want) {
        fail("%s: %#llx instead of %#llx", what, (unsigned long long)got, (unsigned long long)want);
    }
}

static void end_atomics(void)
{
    uint64_t n = 0, crossed = 0, chain = 0, v;
    uint8_t bytes[8] = {0};

    for (int i = 0; i < threads; i++) {
        n += per_thread[i][0];
        crossed += per_thread[i][1];
        bytes[i & 7] += per_thread[i][0];
    }
    for (uint64_t i = 0; i < n; i++) {
        chain = chain * 3 + 1;
    }
    check_sum("lock xadd", sums[0], n);
    check_sum("lock inc", sums[1], n);
    check_sum("lock sub", sums[2], 3 * n);
    check_sum("lock cmpxchg", sums[3], chain);
    check_sum("lock bts, btr", sums[4], 0);
    memcpy(&v, bytes, 8);
    check_sum("lock inc of neighbouring bytes", sums[5], v);
    memcpy(&v, crossing_line, 8);
    check_sum("lock add across lines", v, crossed * 0x100000001ull);
    memcpy(&v, crossing_page, 8);
    check_sum("lock add across pages", v, crossed * 0x100000001ull);
}

/* ---- pairs: a value and its complement, changed together ---- */

static __attribute__((aligned(16))) volatile uint64_t pair16[2];
static __attribute__((aligned(16))) volatile uint32_t pair8[2];

static void run_pairs(int me)
{
    uint64_t lo = pair16[0], hi = pair16[1];
    uint32_t lo4 = pair8[0], hi4 = pair8[1];
    uint8_t done;

    for (;;) { /* what the first try read may be torn; what the instruction returns is not */
        asm volatile("lock cmpxchg16b %2; sete %3"
                     : "+a"(lo), "+d"(hi), "+m"(*(volatile WidePair *)pair16), "=q"(done)
                     : "b"(lo + 1), "c"(~(lo + 1))
                     : "memory", "cc");
        if (hi != ~lo) {
            fail("cmpxchg16b: %#llx and %#llx", (unsigned long long)lo, (unsigned long long)hi);
        }
        if (done || failed) {
            break;
        }
    }
    for (;;) {
        asm volatile("lock cmpxchg8b %2; sete %3"
                     : "+a"(lo4), "+d"(hi4), "+m"(*(volatile Pair *)pair8), "=q"(done)
                     : "b"(lo4 + 1), "c"(~(lo4 + 1))
                     : "memory", "cc");
        if (hi4 != ~lo4) {
            fail("cmpxchg8b: %#x and %#x", lo4, hi4);
        }
        if (done || failed) {
            break;
        }
    }
    per_thread[me][0]++;
}

static void start_pairs(void)
{
    pair16[0] = 0;
    pair16[1] = ~0ull;
    pair8[0] = 0;
    pair8[1] = ~0u;
}

static void end_pairs(void)
{
    uint64_t n = 0;

    for (int i = 0; i < threads; i++) {
        n += per_thread[i][0];
    }
    check_sum("cmpxchg16b", pair16[0], n);
    check_sum("cmpxchg8b", pair8[0], (uint32_t)n);
}

/* ---- Dekker's entry by stores, a fence and loads: two threads a lock ---- */

typedef struct Dekker {
    LINE volatile int wants[2];
    LINE volatile int turn;
    LINE volatile uint64_t inside;
    uint64_t entered[2];
} Dekker;
static Dekker dekkers[MAX_THREADS / 2];

static void dekker_enter(Dekker *d, int side)
{
    unsigned spins = 0;

    d->wants[side] = 1;
    MFENCE();
    while (d->wants[!side] && !stop) {
        if (d->turn != side) {
            d->wants[side] = 0;
            while (d->turn != side && !stop) {
                relax(&spins);
            }
            d->wants[side] = 1;
            MFENCE();
        }
        relax(&spins);
    }
}

static void run_dekker(int me)
{
    Dekker *d = &dekkers[me / 2];
    int side = me & 1;

    if (me == threads - 1 && !side) {
        return; /* alone */
    }
    dekker_enter(d, side);
    if (!stop) {
        d->inside = d->inside + 1;
        d->entered[side]++;
        per_thread[me][0]++;
    }
    BARRIER();
    d->turn = !side;
    BARRIER();
    d->wants[side] = 0;
}

static void end_dekker(void)
{
    for (int i = 0; i < threads / 2; i++) {
        check_sum("Dekker", dekkers[i].inside, dekkers[i].entered[0] + dekkers[i].entered[1]);
    }
}

/* ---- litmus tests: many instances at once, in groups of two or four threads ---- */

#define SLOTS 512
typedef struct Slot {
    LINE volatile uint64_t x;
    LINE volatile uint64_t y;
} Slot;
typedef struct Group {
    Slot slots[SLOTS];
    uint64_t seen[4][SLOTS][2]; /* by thread */
    LINE volatile uint32_t arrived, round;
} Group;
static Group groups[MAX_THREADS / 2];
static uint64_t weak; /* store buffering without a fence: allowed, shows that the test can see it */

static bool meet(Group *g, int size)
{
    uint32_t round = g->round;
    unsigned spins = 0;

    if (__atomic_add_fetch(&g->arrived, 1, __ATOMIC_SEQ_CST) == (uint32_t)size) {
        g->arrived = 0;
        __atomic_store_n(&g->round, round + 1, __ATOMIC_SEQ_CST);
        return true;
    }
    while (g->round == round && !failed) {
        relax(&spins);
    }
    return false;
}

/* stop is looked at by one thread of a group, so that all leave in the same round. */
typedef void LitmusThread(Slot *s, int role, uint64_t *seen);
typedef const char *LitmusCheck(uint64_t (*seen)[SLOTS][2], int i);
static volatile int leave[MAX_THREADS / 2];

static void litmus(int me, int size, LitmusThread *act, LitmusCheck *check)
{
    Group *g = &groups[me / size];
    int role = me % size;

    if (me / size * size + size > threads) {
        return; /* not enough of us for another group */
    }
    for (;;) {
        if (role == 0) {
            leave[me / size] = stop;
            for (int i = 0; i < SLOTS; i++) {
                g->slots[i].x = g->slots[i].y = 0;
            }
        }
        meet(g, size);
        if (leave[me / size] || failed) {
            return;
        }
        for (int i = 0; i < SLOTS; i++) {
            act(&g->slots[i], role, g->seen[role][i]);
        }
        meet(g, size);
        for (int i = 0; role == 0 && i < SLOTS; i++) {
            const char *wrong = check(g->seen, i);
            if (wrong) {
                fail("%s in slot %d", wrong, i);
            }
        }
        per_thread[me][0] += SLOTS;
    }
}

static uint64_t load(volatile uint64_t *p)
{
    uint64_t v;

    asm volatile("movq %1, %0" : "=r"(v) : "m"(*p) : "memory");
    return v;
}

static void store1(volatile uint64_t *p)
{
    asm volatile("movq $1, %0" : "=m"(*p)::"memory");
}

static void act_sb(Slot *s, int role, uint64_t *seen)
{
    store1(role ? &s->y : &s->x);
    MFENCE();
    seen[0] = load(role ? &s->x : &s->y);
}

static void act_sb_locked(Slot *s, int role, uint64_t *seen)
{
    uint64_t one = 1;

    asm volatile("xchgq %0, %1" : "+r"(one), "+m"(*(role ? &s->y : &s->x))::"memory");
    seen[0] = load(role ? &s->x : &s->y);
}

static void act_sb_weak(Slot *s, int role, uint64_t *seen)
{
    store1(role ? &s->y : &s->x);
    seen[0] = load(role ? &s->x : &s->y);
}

static const char *check_sb(uint64_t (*seen)[SLOTS][2], int i)
{
    return !seen[0][i][0] && !seen[1][i][0] ? "SB: both loads passed the stores" : NULL;
}

static const char *count_sb(uint64_t (*seen)[SLOTS][2], int i)
{
    if (check_sb(seen, i)) {
        __atomic_add_fetch(&weak, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void act_mp(Slot *s, int role, uint64_t *seen)
{
    if (role == 0) {
        store1(&s->x);
        store1(&s->y);
    } else {
        seen[0] = load(&s->y);
        seen[1] = load(&s->x);
    }
}

static const char *check_mp(uint64_t (*seen)[SLOTS][2], int i)
{
    return seen[1][i][0] && !seen[1][i][1] ? "MP: the flag without the message" : NULL;
}

static void act_lb(Slot *s, int role, uint64_t *seen)
{
    seen[0] = load(role ? &s->y : &s->x);
    store1(role ? &s->x : &s->y);
}

static const char *check_lb(uint64_t (*seen)[SLOTS][2], int i)
{
    return seen[0][i][0] && seen[1][i][0] ? "LB: a load saw a later store" : NULL;
}

static void act_iriw(Slot *s, int role, uint64_t *seen)
{
    if (role < 2) {
        store1(role ? &s->y : &s->x);
    } else {
        seen[0] = load(role == 2 ? &s->x : &s->y);
        seen[1] = load(role == 2 ? &s->y : &s->x);
    }
}

static const char *check_iriw(uint64_t (*seen)[SLOTS][2], int i)
{
    return seen[2][i][0] && !seen[2][i][1] && seen[3][i][0] && !seen[3][i][1]
               ? "IRIW: two readers saw two stores in different orders"
               : NULL;
}

static void run_sb(int me) { litmus(me, 2, act_sb, check_sb); }
static void run_sb_locked(int me) { litmus(me, 2, act_sb_locked, check_sb); }
static void run_sb_weak(int me) { litmus(me, 2, act_sb_weak, count_sb); }
static void run_mp(int me) { litmus(me, 2, act_mp, check_mp); }
static void run_lb(int me) { litmus(me, 2, act_lb, check_lb); }
static void run_iriw(int me) { litmus(me, 4, act_iriw, check_iriw); }

/* ---- code changed by another processor ---- */

static uint8_t *code; /* a page for each pair: mov eax, imm32; ret */
typedef struct Handshake {
    LINE volatile uint32_t written;
    LINE volatile uint32_t called;
} Handshake;
static Handshake hands[MAX_THREADS / 2];

static void serialise(void)
{
    uint32_t a = 0, b, c = 0, d;

    asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d)::"memory");
}

/* SDM vol 3, 9.1.3: the writer stores and says so; the other waits, serialises, and executes. */
static void run_code(int me)
{
    int pair = me / 2;
    uint8_t *page = code + pair * 8192 + (pair & 1 ? 4090 : 0); /* some cross a page */
    unsigned spins = 0;

    if (pair * 2 + 1 >= threads) {
        return;
    }
    if (me & 1) {
        uint32_t want = hands[pair].called + 1;
        while (hands[pair].written != want) {
            if (stop) {
                return;
            }
            relax(&spins);
        }
        serialise();
        uint32_t got = ((uint32_t(*)(void))page)();
        if (got != want * 2654435761u) {
            fail("code: returned %#x instead of %#x", got, want * 2654435761u);
        }
        hands[pair].called = want;
    } else {
        uint32_t next = hands[pair].written + 1, value = next * 2654435761u;
        while (hands[pair].called != next - 1) {
            if (stop) {
                return;
            }
            relax(&spins);
        }
        page[0] = 0xb8;
        for (int i = 0; i < 4; i++) { /* by bytes: stores into the middle of an instruction */
            ((volatile uint8_t *)page)[1 + i] = value >> i * 8;
        }
        page[5] = 0xc3;
        BARRIER();
        hands[pair].written = next;
    }
    per_thread[me][0]++;
}

/* ---- mappings changed by another processor ---- */

static char *window; /* one page of a file of two, or protected and not */
static int window_fd;
static LINE volatile uint32_t window_seq;
static LINE volatile uint64_t *protected_word;
static __thread sigjmp_buf fault_return;
static __thread volatile int fault_expected;

static void on_fault(int sig)
{
    if (fault_expected) {
        siglongjmp(fault_return, 1);
    }
    _exit(99);
}

static void run_remap(int me)
{
    if (me == 0) {
        uint32_t seq = window_seq + 1;
        window_seq = seq;
        BARRIER();
        if (mmap(window, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, window_fd,
                 (seq + 1) / 2 % 2 * 4096) != window) {
            fail("mmap");
        }
        BARRIER();
        window_seq = seq + 1;
        for (int i = 0; i < 2000; i++) {
            PAUSE();
        }
    } else {
        for (int i = 0; i < 1000; i++) {
            uint32_t before = window_seq;
            BARRIER();
            uint64_t v = load((volatile uint64_t *)window);
            BARRIER();
            if (before == window_seq && !(before & 1) && v != before / 2 % 2 + 1) {
                fail("remap: page %llu is seen, after %u changes", (unsigned long long)v, before / 2);
            }
        }
    }
    per_thread[me][0]++;
}

static void run_protect(int me)
{
    if (me == 0) {
        if (mprotect((void *)protected_word, 4096, PROT_READ)) {
            fail("mprotect");
        }
        uint64_t v = *protected_word;
        for (int i = 0; i < 2000; i++) {
            PAUSE();
            if (*protected_word != v) {
                fail("mprotect: a store after it");
            }
        }
        mprotect((void *)protected_word, 4096, PROT_READ | PROT_WRITE);
        sched_yield();
    } else if (!sigsetjmp(fault_return, 1)) {
        fault_expected = 1;
        for (int i = 0; i < 1000; i++) {
            asm volatile("lock incq %0" : "+m"(*protected_word)::"memory");
        }
    }
    fault_expected = 0;
    per_thread[me][0]++;
}

/* ---- increments without a lock: some must get lost, or nothing here runs at the same time ---- */

static LINE volatile uint64_t unlocked;

static void run_unlocked(int me)
{
    for (int i = 0; i < 1000; i++) {
        asm volatile("incq %0" : "+m"(unlocked)::"memory");
    }
    per_thread[me][0] += 1000;
}

static void end_unlocked(void)
{
    uint64_t n = 0;

    for (int i = 0; i < threads; i++) {
        n += per_thread[i][0];
    }
    printf("LOST %llu of %llu\n", (unsigned long long)(n - unlocked), (unsigned long long)n);
}

/* ---- the frame ---- */

static const struct Test {
    const char *name;
    void (*start)(void);
    void (*run)(int me); /* once; again until time is up */
    void (*end)(void);
} tests[] = {
    {"spinlock", NULL, run_spinlock, end_spinlock},
    {"ticket-lock", NULL, run_ticket, end_ticket},
    {"atomics", NULL, run_atomics, end_atomics},
    {"cmpxchg8b-16b", start_pairs, run_pairs, end_pairs},
    {"dekker", NULL, run_dekker, end_dekker},
    {"SB+mfence", NULL, run_sb, NULL},
    {"SB+xchg", NULL, run_sb_locked, NULL},
    {"SB-plain", NULL, run_sb_weak, NULL},
    {"MP", NULL, run_mp, NULL},
    {"LB", NULL, run_lb, NULL},
    {"IRIW", NULL, run_iriw, NULL},
    {"code", NULL, run_code, NULL},
    {"remap", NULL, run_remap, NULL},
    {"mprotect", NULL, run_protect, NULL},
    {"unlocked", NULL, run_unlocked, end_unlocked},
};
#define N_TESTS (int)(sizeof(tests) / sizeof(tests[0]))
static const struct Test *current;
static LINE volatile uint32_t ready;

static void *thread_main(void *arg)
{
    int me = (int)(intptr_t)arg;
    unsigned spins = 0;

    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    while (ready < (uint32_t)threads) {
        relax(&spins);
    }
    while (!stop) {
        current->run(me);
    }
    return NULL;
}

static uint64_t done_so_far(void)
{
    uint64_t n = 0;

    for (int i = 0; i < threads; i++) {
        n += ((volatile uint64_t *)per_thread[i])[0];
    }
    return n;
}

/* For its time, and longer if the host is so busy that nothing was done until then. */
static void run_test(const struct Test *t, double seconds)
{
    pthread_t id[MAX_THREADS];
    double begin = now();

    current = t;
    stop = ready = 0;
    guarded[0] = guarded[1] = 0;
    memset(per_thread, 0, sizeof(per_thread));
    memset((void *)leave, 0, sizeof(leave));
    if (t->start) {
        t->start();
    }
    for (int i = 0; i < threads; i++) {
        if (pthread_create(&id[i], NULL, thread_main, (void *)(intptr_t)i)) {
            fail("pthread_create");
            exit(1);
        }
    }
    while (!stop && (now() - begin < seconds || (!done_so_far() && now() - begin < 60))) {
        usleep(10000);
    }
    stop = 1;
    for (int i = 0; i < threads; i++) {
        pthread_join(id[i], NULL);
    }
    if (t->end && !failed) {
        t->end();
    }
    if (!failed && !done_so_far()) {
        fail("%s: nothing was done", t->name);
    }
    printf("%s %s %llu\n", failed ? "WRONG" : "RIGHT", t->name,
           (unsigned long long)done_so_far());
    fflush(stdout);
}

static void *pages(int n, int prot)
{
    void *p = mmap(NULL, n * 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return p;
}

static void set_up(void)
{
    struct sigaction sa = {.sa_handler = on_fault};
    uint64_t mark;

    crossing_line = (char *)pages(2, PROT_READ | PROT_WRITE);
    crossing_page = crossing_line + 4092;
    crossing_line += 60;
    code = pages(MAX_THREADS, PROT_READ | PROT_WRITE | PROT_EXEC);
    protected_word = pages(1, PROT_READ | PROT_WRITE);
    window_fd = memfd_create("window", 0);
    for (mark = 1; mark <= 2; mark++) {
        if (pwrite(window_fd, &mark, 8, (mark - 1) * 4096) != 8) {
            perror("memfd");
            exit(1);
        }
    }
    ftruncate(window_fd, 8192) ? exit(1) : (void)0;
    window = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, window_fd, 0);
    sigaction(SIGSEGV, &sa, NULL);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 10, begin = now();
    const char *only = argc > 3 ? argv[3] : NULL;

    threads = argc > 2 ? atoi(argv[2]) : (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (threads < 2 || threads > MAX_THREADS) {
        printf("FAIL %d threads\n", threads);
        return 1;
    }
    set_up();
    for (int i = 0; i < N_TESTS && !failed; i++) {
        if (!only) {
            run_test(&tests[i], seconds / N_TESTS);
        } else if (!strcmp(only, tests[i].name)) {
            run_test(&tests[i], seconds);
        }
    }
    printf("WEAK %llu\n", (unsigned long long)weak);
    printf("TORTURE %s threads=%d seconds=%.1f\n", failed ? "FAIL" : "PASS", threads, now() - begin);
    return failed;
}
