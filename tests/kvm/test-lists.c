/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists that a kernel keeps (accel/kvm/lists.c): whatever is wanted, it is told what changed, and that only. */
#include "accel/kvm/kvm.h"

#define ADDRESSES 24 /* entries are made of so many */
#define ROOM 8       /* of the kernel */
#define TIMES 2000

typedef struct Entry {
    unsigned addr;
    unsigned handle; /* completed when it is given: no part of what it is */
} Entry;

static unsigned kernel[ADDRESSES]; /* the handle, 0: it has none */
static unsigned kernel_has, calls, next_handle;

static bool same(const void *a, const void *b)
{
    return ((const Entry *)a)->addr == ((const Entry *)b)->addr;
}

static bool set(KvmMachine *km, void *entry, bool on)
{
    Entry *e = entry;

    calls++;
    g_assert_cmpuint(e->addr, <, ADDRESSES);
    if (!on) {
        g_assert_cmpuint(kernel[e->addr], ==, e->handle); /* as it was given */
        g_assert_cmpuint(e->handle, !=, 0);
        kernel[e->addr] = 0;
        kernel_has--;
        return true;
    }
    g_assert_cmpuint(kernel[e->addr], ==, 0);
    if (kernel_has == ROOM) {
        return false;
    }
    kernel[e->addr] = e->handle = ++next_handle;
    kernel_has++;
    return true;
}

static GArray *some(void)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(Entry));
    unsigned odds = g_test_rand_int_range(1, 8);

    for (unsigned a = 0; a < ADDRESSES; a++) {
        Entry e = {.addr = a};
        if (!g_test_rand_int_range(0, odds)) {
            g_array_append_val(list, e);
        }
    }
    return list;
}

static void check(const GArray *had, const GArray *wanted, unsigned refused)
{
    g_assert_cmpuint(had->len, ==, kernel_has);
    g_assert_cmpuint(had->len + refused, ==, wanted->len);
    g_assert_cmpuint(had->len, ==, MIN(wanted->len, ROOM)); /* what went made room first */
    for (guint i = 0; i < had->len; i++) {
        const Entry *e = &g_array_index(had, Entry, i);
        bool there = false;
        g_assert_cmpuint(kernel[e->addr], ==, e->handle);
        for (guint k = 0; k < wanted->len; k++) {
            there |= same(e, &g_array_index(wanted, Entry, k));
        }
        g_assert_true(there);
    }
}

static void test_become(void)
{
    g_autoptr(GArray) had = g_array_new(FALSE, FALSE, sizeof(Entry));

    for (int i = 0; i < TIMES; i++) {
        g_autoptr(GArray) wanted = some();
        check(had, wanted, kvm_list_become(NULL, had, wanted, same, set));
        unsigned before = calls, refused = kvm_list_become(NULL, had, wanted, same, set);
        check(had, wanted, refused);
        g_assert_cmpuint(calls - before, ==, refused); /* they are tried again, and nothing else */
    }
    g_autoptr(GArray) none = g_array_new(FALSE, FALSE, sizeof(Entry));
    g_assert_cmpuint(kvm_list_become(NULL, had, none, same, set), ==, 0);
    g_assert_cmpuint(kernel_has + had->len, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kvm/lists", test_become);
    return g_test_run();
}
