/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest benchmark programs, one binary: `programs NAME N` does N units of work
 * and prints "@@ NAME nanoseconds checksum". Each stands for a class (int, mem,
 * ctl, fp, simd, sys, jit); the checksum does not depend on the machine.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t seed = 0x243f6a8885a308d3ull;
static uint64_t rnd(void)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return seed >> 11;
}

/* int: sieve, and a bit-mixing hash */
static uint64_t sieve(long n)
{
    static uint8_t composite[1 << 16];
    uint64_t count = 0;
    while (n--) {
        memset(composite, 0, sizeof(composite));
        for (unsigned i = 2; i < sizeof(composite); i++) {
            if (!composite[i]) {
                count++;
                for (unsigned j = 2 * i; j < sizeof(composite); j += i) {
                    composite[j] = 1;
                }
            }
        }
    }
    return count;
}

static uint64_t hash(long n)
{
    uint64_t a = 1, b = 2, c = 3, d = 4;
    for (long i = 0; i < n * 1000; i++) {
        a += b ^ i;
        d = (d ^ a) << 32 | (d ^ a) >> 32;
        c += d;
        b = (b ^ c) << 40 | (b ^ c) >> 24;
        a += b * 0x9e3779b97f4a7c15ull;
        c ^= a >> 29;
    }
    return a ^ b ^ c ^ d;
}

/* mem: dependent loads over 4 MiB, and copies */
static uint64_t chase(long n)
{
    enum { N = 1 << 19 };
    static uint64_t next[N];
    uint64_t at = 0;
    if (!next[0]) {
        for (int i = 0; i < N; i++) {
            next[i] = i;
        }
        for (int i = N - 1; i > 0; i--) { /* one cycle through all */
            int j = rnd() % i;
            uint64_t t = next[i];
            next[i] = next[j];
            next[j] = t;
        }
    }
    for (long i = 0; i < n * 1000; i++) {
        at = next[at];
    }
    return at;
}

static uint64_t sum(long n)
{
    static uint32_t a[1 << 14], b[1 << 14];
    uint64_t s = 1;
    while (n--) {
        for (unsigned i = 0; i < 1 << 14; i++) {
            a[i] += b[i] + (uint32_t)s;
            b[(i * 7) & ((1 << 14) - 1)] ^= a[i];
            s += a[i] >> 3;
        }
    }
    return s;
}

/* ctl: recursion, a byte-code interpreter, indirect calls */
static uint64_t __attribute__((noinline)) fib(unsigned n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}
static uint64_t recurse(long n)
{
    uint64_t s = 0;
    while (n--) {
        s += fib(18);
    }
    return s;
}

static uint64_t bytecode(long n)
{
    static const uint8_t code[] = { 0, 3, 1, 2, 4, 1, 0, 5, 2, 3, 1, 6 };
    uint64_t acc = 1, x = 7;
    for (long i = 0; i < n * 100; i++) {
        for (unsigned pc = 0;; pc++) {
            switch (code[pc]) {
            case 0: acc += x; continue;
            case 1: x ^= acc >> 3; continue;
            case 2: acc *= 3; continue;
            case 3: x += pc; continue;
            case 4: if (acc & 1) { pc++; } continue;
            case 5: acc = acc << 7 | acc >> 57; continue;
            default: break;
            }
            break;
        }
    }
    return acc ^ x;
}

static uint64_t f0(uint64_t v) { return v + 1; }
static uint64_t f1(uint64_t v) { return v * 3; }
static uint64_t f2(uint64_t v) { return v ^ v >> 7; }
static uint64_t f3(uint64_t v) { return v - 11; }
static uint64_t calls(long n)
{
    static uint64_t (*volatile const f[4])(uint64_t) = { f0, f1, f2, f3 };
    uint64_t v = 1;
    for (long i = 0; i < n * 1000; i++) {
        v = f[(i ^ i >> 3) & 3](v);
    }
    return v;
}

/* fp: scalar doubles; simd: vectors of floats and bytes */
static uint64_t orbit(long n)
{
    double x = 1, y = 0, vx = 0, vy = 1;
    for (long i = 0; i < n * 1000; i++) {
        double r2 = x * x + y * y, k = 0.001 / (r2 * sqrt(r2));
        vx -= x * k;
        vy -= y * k;
        x += vx * 0.001;
        y += vy * 0.001;
    }
    uint64_t u;
    double s = x + y;
    memcpy(&u, &s, 8);
    return u;
}

typedef float v4f __attribute__((vector_size(16)));
typedef uint8_t v16b __attribute__((vector_size(16)));
static uint64_t vectors(long n)
{
    v4f a = { 1, 2, 3, 4 }, b = { 0.5f, 0.25f, 0.125f, 1 };
    v16b c = { 1, 2, 3 }, d = { 9, 8, 7 };
    for (long i = 0; i < n * 1000; i++) {
        a = a * b + b;
        c = (c + d) ^ (c > d);
        d = d - (c & 3);
        b = b * 0.999f + 0.001f;
    }
    uint64_t u[2], w[2];
    memcpy(u, &a, 16);
    memcpy(w, &c, 16);
    return u[0] ^ u[1] ^ w[0] ^ w[1];
}

/* sys: system calls, page faults, processes */
static uint64_t syscalls(long n)
{
    uint64_t s = 0;
    for (long i = 0; i < n * 100; i++) {
        s += syscall(SYS_getppid) >= 0;
    }
    return s;
}

static uint64_t faults(long n)
{
    uint64_t s = 0;
    while (n--) {
        uint8_t *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (int i = 0; i < 1 << 20; i += 4096) {
            s += p[i]++ + 1;
        }
        munmap(p, 1 << 20);
    }
    return s;
}

static uint64_t forks(long n)
{
    uint64_t s = 0;
    while (n--) {
        int st;
        pid_t p = fork();
        if (!p) {
            _exit(3);
        }
        waitpid(p, &st, 0);
        s += WEXITSTATUS(st);
    }
    return s;
}

/* jit: code that is written, run twice and thrown away */
static uint64_t fresh(long n)
{
    enum { SIZE = 1 << 18 };
    uint64_t s = 0;
    while (n--) {
        uint8_t *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (int f = 0; f < SIZE; f += 64) {
            uint8_t *q = p + f;
            *q++ = 0x89, *q++ = 0xf8; /* mov eax, edi */
            for (int i = 0; i < 8; i++) {
                *q++ = 0x05; /* add eax, imm32 */
                uint32_t k = (uint32_t)rnd();
                memcpy(q, &k, 4);
                q += 4;
            }
            *q = 0xc3;
        }
        for (int r = 0; r < 2; r++) {
            for (int f = 0; f < SIZE; f += 64) {
                s += ((uint32_t (*)(uint32_t))(void *)(p + f))((uint32_t)f);
            }
        }
        munmap(p, SIZE);
    }
    return s;
}

static const struct {
    const char *name;
    uint64_t (*fn)(long);
} table[] = {
    { "sieve", sieve }, { "hash", hash }, { "chase", chase }, { "sum", sum }, { "recurse", recurse },
    { "bytecode", bytecode }, { "calls", calls }, { "orbit", orbit }, { "vectors", vectors },
    { "syscalls", syscalls }, { "faults", faults }, { "forks", forks }, { "fresh", fresh },
};

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

int main(int argc, char **argv)
{
    for (unsigned i = 0; argc == 3 && i < sizeof(table) / sizeof(*table); i++) {
        if (!strcmp(argv[1], table[i].name)) {
            table[i].fn(1); /* set-up and first touch are not measured */
            uint64_t t0 = now(), s = table[i].fn(atol(argv[2]));
            printf("@@ %s %llu %016llx\n", argv[1], (unsigned long long)(now() - t0), (unsigned long long)s);
            return 0;
        }
    }
    fprintf(stderr, "usage: programs NAME N\n");
    return 1;
}
