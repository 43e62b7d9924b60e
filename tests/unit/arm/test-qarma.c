/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pointer authentication's cipher: the designer's test vector (Avanzi, "The QARMA block cipher family", 2016, appendix:
 * QARMA5-64-sigma2), and the host's byte shuffles against cells one by one.
 */
#include <glib.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include "target/arm/qarma.h"

static int number, failed;

static void ok(bool good, const char *what)
{
    printf("%sok %d - %s\n", good ? "" : "not ", ++number, what);
    failed += !good;
}

static uint64_t any(GRand *r)
{
    return (uint64_t)g_rand_int(r) << 32 | g_rand_int(r);
}

int main(void)
{
    const uint64_t p = 0xfb623599da6e8127, t = 0x477d469dec0b8762, w = 0x84be85ce9804e94b, k = 0xec2802d4e0a488e9;
    g_autoptr(GRand) r = g_rand_new_with_seed(1);
    int differ = 0;
    printf("1..3\n");
    ok(arm_qarma5_portable(p, t, w, k) == 0xc003b93999b33765, "test vector, cell by cell");
    ok(arm_qarma5(p, t, w, k) == 0xc003b93999b33765, "test vector, with the host's shuffles");
    for (int i = 0; i < 100000; i++) {
        uint64_t a = any(r), b = any(r), c = any(r), d = any(r);
        differ += arm_qarma5(a, b, c, d) != arm_qarma5_portable(a, b, c, d);
    }
    ok(differ == 0, "both agree on 100000 random inputs");
    return failed != 0;
}
