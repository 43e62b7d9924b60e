/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sizes, numbers, suggestions and errors as users meet them.
 */
#include <errno.h>
#include <string.h>

#include "base/suggest.h"
#include "base/units.h"

static void check_size(const char *s, char suffix, uint64_t expected)
{
    g_autoptr(Error) err = NULL;
    uint64_t v = 0;

    g_assert_true(parse_size(s, suffix, &v, &err));
    g_assert_null(err);
    g_assert_cmpuint(v, ==, expected);
}

static void test_sizes(void)
{
    check_size("0", 'B', 0);
    check_size("512", 'M', 512 * MiB);
    check_size("512", 'B', 512);
    check_size("1.5G", 'M', 3 * GiB / 2);
    check_size("4k", 'M', 4 * KiB);
    check_size("0x1000", 'B', 0x1000);
    check_size("0x10M", 'B', 16 * MiB);
    check_size("7E", 'B', 7 * (TiB << 20));
    check_size("18446744073709551615", 'B', UINT64_MAX);
    check_size("1.", 'K', KiB);
    check_size("0.5", 'B', 0);
}

static void test_bad_sizes(void)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"512Q", "suffix"},   {"12MB", "suffix"},    {"", "not a size"},
        {"-1", "not a size"}, {"M", "not a size"},   {"16E", "too large"},
        {"1 G", "suffix"},    {"nan", "not a size"}, {"18446744073709551616", "too large"},
        {"0x1.8", "suffix"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) err = NULL;
        uint64_t v;
        g_assert_false(parse_size(cases[i].text, 'M', &v, &err));
        g_assert_nonnull(err);
        g_assert_nonnull(strstr(error_message(err), cases[i].message));
        g_assert_nonnull(error_hint_text(err));
    }
}

static void test_numbers(void)
{
    uint64_t u;
    int64_t i;
    bool b;

    g_assert_true(parse_u64("0x10", &u, NULL));
    g_assert_cmpuint(u, ==, 16);
    g_assert_false(parse_u64("-1", &u, NULL));
    g_assert_false(parse_u64(" 1", &u, NULL));
    g_assert_false(parse_u64("1x", &u, NULL));
    g_assert_false(parse_u64("99999999999999999999", &u, NULL));
    g_assert_true(parse_i64("-9223372036854775808", &i, NULL));
    g_assert_cmpint(i, ==, INT64_MIN);
    g_assert_false(parse_i64("9223372036854775808", &i, NULL));
    g_assert_true(parse_bool("on", &b, NULL) && b);
    g_assert_true(parse_bool("no", &b, NULL) && !b);
    g_assert_false(parse_bool("maybe", &b, NULL));
}

static void test_format(void)
{
    g_autofree char *a = format_size(512 * MiB), *b = format_size(3 * GiB / 2), *c = format_size(0);

    g_assert_cmpstr(a, ==, "512 MiB");
    g_assert_cmpstr(b, ==, "1.5 GiB");
    g_assert_cmpstr(c, ==, "0 B");
}

static void test_suggest(void)
{
    static const char *const names[] = {"kernel", "initrd", "serial", "smp", "m", NULL};

    g_assert_cmpstr(suggest_name("kernal", names), ==, "kernel");
    g_assert_cmpstr(suggest_name("Kernel", names), ==, "kernel");
    g_assert_cmpstr(suggest_name("intird", names), ==, "initrd");
    g_assert_cmpstr(suggest_name("spm", names), ==, "smp");
    g_assert_null(suggest_name("telephone", names));
    g_assert_null(suggest_name("", names));
    g_autofree char *longish = g_strnfill(1000, 'k');
    g_assert_null(suggest_name(longish, names));
}

static void test_error(void)
{
    g_autoptr(Error) err = NULL;

    error_set(NULL, ERR_GENERIC, "nobody %s", "cares");
    error_set(&err, ERR_DEVICE_NOT_FOUND, "no device '%s'", "x");
    error_hint(&err, "try %d", 1);
    error_hint(&err, "or %d", 2);
    error_prepend(&err, "-device: ");
    g_autofree char *text = error_describe(err);
    g_assert_cmpstr(text, ==, "-device: no device 'x'; try 1; or 2");
    g_assert_cmpint(error_code(err), ==, ERR_DEVICE_NOT_FOUND);
    g_assert_cmpstr(error_code_name(ERR_INVALID_PARAMETER), ==, "InvalidParameter");
    g_assert_cmpstr(error_class_name(ERR_INVALID_PARAMETER), ==, "GenericError");
    g_assert_cmpstr(error_class_name(ERR_DEVICE_NOT_FOUND), ==, "DeviceNotFound");
    for (int c = 0; c < ERR_CODE__MAX; c++) {
        g_assert_nonnull(error_code_name(c));
    }
}

static void test_error_propagate(void)
{
    Error *a = NULL, *b = NULL, *kept = NULL;

    error_set(&a, ERR_GENERIC, "first");
    error_set_errno(&b, ENOENT, "second");
    g_assert_nonnull(strstr(error_message(b), "second: "));
    error_propagate(&kept, a);
    error_propagate(&kept, b);
    g_assert_cmpstr(error_message(kept), ==, "first");
    error_propagate(NULL, kept);
    error_propagate(NULL, NULL);
}

static void test_ranges(void)
{
    static const struct {
        const char *text;
        uint64_t bits;
    } good[] = {{"0", 1}, {"3", 8}, {"0-2", 7}, {"0-1:5", 0x23}, {"63", 1ull << 63}, {"[0,2]", 5}, {"[7]", 0x80},
                {"2:2:1-2", 6}};
    static const char *const bad[] = {"", "64", "-1", "3-1", "1-", "1,2", "a", "0-64", "[]", "[1", "1::2", "[-1]",
                                      "18446744073709551616", " 1"};

    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        unsigned long bits[64 / (8 * sizeof(long))] = {0};
        g_assert_true(parse_ranges(good[i].text, 64, bits, NULL));
        g_assert_cmphex(bits[0], ==, (unsigned long)good[i].bits);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        unsigned long bits[64 / (8 * sizeof(long))] = {0};
        g_autoptr(Error) err = NULL;
        g_assert_false(parse_ranges(bad[i], 64, bits, &err));
        g_assert_nonnull(err);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/units/ranges", test_ranges);
    g_test_add_func("/base/units/sizes", test_sizes);
    g_test_add_func("/base/units/bad-sizes", test_bad_sizes);
    g_test_add_func("/base/units/numbers", test_numbers);
    g_test_add_func("/base/units/format", test_format);
    g_test_add_func("/base/suggest", test_suggest);
    g_test_add_func("/base/error/text", test_error);
    g_test_add_func("/base/error/propagate", test_error_propagate);
    return g_test_run();
}
