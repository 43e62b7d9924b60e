/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <glib.h>

#include "base/bits.h"

static void test_fields(void)
{
    g_assert_cmphex(extract32(0x12345678, 8, 8), ==, 0x56);
    g_assert_cmphex(extract32(0x12345678, 0, 32), ==, 0x12345678);
    g_assert_cmphex(extract64(0x123456789abcdef0, 60, 4), ==, 1);
    g_assert_cmpint(sextract32(0x80, 0, 8), ==, -128);
    g_assert_cmpint(sextract64(0x7f00, 8, 8), ==, 127);
    g_assert_cmpint(sign_extend64(0xffffffff, 32), ==, -1);
    g_assert_cmphex(deposit32(0xffffffff, 8, 8, 0x100), ==, 0xffff00ff);
    g_assert_cmphex(deposit64(0, 0, 64, 0x1122334455667788), ==, 0x1122334455667788);
    g_assert_cmphex(MASK64(0, 64), ==, UINT64_MAX);
    g_assert_cmphex(MASK64(4, 8), ==, 0xff0);
}

static void test_rounding(void)
{
    g_assert_cmphex(round_up(0x1001, 0x1000), ==, 0x2000);
    g_assert_cmphex(round_up(0x1000, 0x1000), ==, 0x1000);
    g_assert_cmphex(round_down(0x1fff, 0x1000), ==, 0x1000);
    g_assert_true(is_pow2(1) && is_pow2(BIT64(63)) && !is_pow2(0) && !is_pow2(3));
    g_assert_cmphex(pow2_ceil(0), ==, 1);
    g_assert_cmphex(pow2_ceil(5), ==, 8);
    g_assert_cmphex(pow2_ceil(8), ==, 8);
    g_assert_cmphex(pow2_ceil(UINT64_MAX), ==, 0);
}

static void test_counts(void)
{
    g_assert_cmpint(ctz32(0), ==, 32);
    g_assert_cmpint(ctz64(BIT64(40)), ==, 40);
    g_assert_cmpint(clz32(1), ==, 31);
    g_assert_cmpint(clz64(0), ==, 64);
    g_assert_cmpint(popcount64(0xff00), ==, 8);
    g_assert_cmphex(rol32(0x80000001, 1), ==, 3);
    g_assert_cmphex(ror32(1, 0), ==, 1);
    g_assert_cmphex(ror64(1, 4), ==, BIT64(60));
}

static void test_memory(void)
{
    uint8_t buf[16];

    st_le32(buf + 1, 0x11223344);
    g_assert_cmphex(buf[1], ==, 0x44);
    g_assert_cmphex(ld_be32(buf + 1), ==, 0x44332211);
    st_be16(buf + 3, 0xabcd);
    g_assert_cmphex(ld_le16(buf + 3), ==, 0xcdab);
    for (unsigned size = 1; size <= 8; size *= 2) {
        st_le_n(buf + 3, size, 0x8877665544332211);
        g_assert_cmphex(ld_le_n(buf + 3, size), ==, extract64(0x8877665544332211, 0, size * 8));
    }
    st_be64(buf, 1);
    g_assert_cmphex(buf[7], ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/bits/fields", test_fields);
    g_test_add_func("/base/bits/rounding", test_rounding);
    g_test_add_func("/base/bits/counts", test_counts);
    g_test_add_func("/base/bits/memory", test_memory);
    return g_test_run();
}
