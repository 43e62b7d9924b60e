/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Compare and exchange of operands anywhere within 16 bytes, alone and against another thread.
 */
#include <glib.h>
#include <string.h>

#include "accel/tcg/cas.h"

#define ROUNDS 2000000 /* long enough that the threads meet */

static void one(unsigned at, unsigned size)
{
    _Alignas(16) uint8_t mem[16], want[16];
    uint8_t old[16], val[16];

    for (unsigned i = 0; i < 16; i++) {
        mem[i] = want[i] = i;
        val[i] = 0xa0 + i;
    }
    memcpy(old, mem + at, size);
    old[size - 1] ^= 1;
    g_assert_false(cas_in_16(mem + at, size, old, val));
    g_assert_cmpmem(old, size, want + at, size);
    g_assert_cmpmem(mem, 16, want, 16);
    memcpy(want + at, val, size);
    g_assert_true(cas_in_16(mem + at, size, old, val));
    g_assert_cmpint(old[0], ==, at);
    g_assert_cmpmem(mem, 16, want, 16);
}

static void test_places(void)
{
    for (unsigned size = 1; size <= 16; size *= 2) {
        for (unsigned at = 0; at + size <= 16; at++) {
            one(at, size);
        }
    }
}

/* Two counters share the block; each thread adds to both in turn. */
static _Alignas(16) uint8_t shared[16];

static void add(unsigned at, unsigned size)
{
    uint64_t old = 0, next;

    memcpy(&old, shared + at, size);
    do {
        next = old + 1;
    } while (!cas_in_16(shared + at, size, &old, &next));
}

static void *adder(void *unused)
{
    for (int i = 0; i < ROUNDS; i++) {
        add(1, 8);
        add(9, 4);
    }
    return NULL;
}

static void test_threads(void)
{
    uint64_t a = 0;
    uint32_t b;
    GThread *t[2];

    for (int i = 0; i < 2; i++) {
        t[i] = g_thread_new("adder", adder, NULL);
    }
    for (int i = 0; i < 2; i++) {
        g_thread_join(t[i]);
    }
    memcpy(&a, shared + 1, 8);
    memcpy(&b, shared + 9, 4);
    g_assert_cmpuint(a, ==, 2 * ROUNDS);
    g_assert_cmpuint(b, ==, 2 * ROUNDS);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tcg/cas/places", test_places);
    g_test_add_func("/tcg/cas/threads", test_threads);
    return g_test_run();
}
