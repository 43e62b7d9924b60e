/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The linker-section registry: complete, without gaps under AddressSanitizer, and empty if empty.
 */
#include <glib.h>

#include "base/registry.h"

typedef struct Fruit {
    const char *name;
    int pad[7];
} Fruit;

typedef struct Nothing {
    int x;
} Nothing;

static const Fruit apple = {.name = "apple"};
static const Fruit pear = {.name = "pear"};
static const Fruit plum = {.name = "plum"};
REGISTER(Fruit, apple);
REGISTER(Fruit, pear);
REGISTER(Fruit, plum);

static void test_walk(void)
{
    int n = 0, seen = 0;

    REGISTRY_FOREACH (Fruit, it) {
        n++;
        seen += (*it == &apple) + (*it == &pear) + (*it == &plum);
    }
    g_assert_cmpint(n, ==, 3);
    g_assert_cmpint(seen, ==, 3);
}

static void test_empty(void)
{
    REGISTRY_FOREACH (Nothing, it) {
        g_assert_not_reached();
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/registry/walk", test_walk);
    g_test_add_func("/base/registry/empty", test_empty);
    return g_test_run();
}
