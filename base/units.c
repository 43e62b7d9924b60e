/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

static const char suffixes[] = "BKMGTPE";

/* The power of 1024 of a suffix, or -1. */
static int suffix_power(char c)
{
    const char *p = c ? strchr(suffixes, g_ascii_toupper(c)) : NULL;
    return p ? p - suffixes : -1;
}

/* @whole.@frac (frac is NULL, or decimal digits) times 1024^@power; false on overflow. */
static bool scale(uint64_t whole, const char *frac, size_t frac_len, int power, uint64_t *out)
{
    uint64_t unit = (uint64_t)1 << (10 * power);
    uint64_t bytes, part = 0, ten = 1;

    if (__builtin_mul_overflow(whole, unit, &bytes)) {
        return false;
    }
    /* Digits beyond the 18th cannot change a byte in sizes anyone has. */
    for (size_t i = 0; i < MIN(frac_len, 18); i++) {
        part = part * 10 + (frac[i] - '0');
        ten *= 10;
    }
    uint64_t extra = (uint64_t)((unsigned __int128)part * unit / ten);
    return !__builtin_add_overflow(bytes, extra, out);
}

bool parse_size(const char *s, char default_suffix, uint64_t *out, Error **errp)
{
    bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
    const char *frac = NULL;
    size_t frac_len = 0;
    char *end;

    if (!g_ascii_isdigit(s[0])) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' is not a size", s);
        goto hint;
    }
    errno = 0;
    uint64_t whole = strtoull(s, &end, hex ? 16 : 10);
    bool range = errno == ERANGE;
    if (!hex && *end == '.') {
        frac = end + 1;
        frac_len = strspn(frac, "0123456789");
        end += 1 + frac_len;
    }
    char suffix = *end ? *end : default_suffix;
    int power = suffix_power(suffix);
    if (power < 0 || (*end && end[1])) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' has an unknown size suffix '%s'", s, end);
        goto hint;
    }
    if (range || !scale(whole, frac, frac_len, power, out)) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' is too large", s);
        error_hint(errp, "sizes go up to 16 EiB - 1");
        return false;
    }
    return true;
hint:
    error_hint(errp, "write a number with one of B, K, M, G, T, P, E, for example 512M or 1.5G");
    return false;
}

bool parse_u64(const char *s, uint64_t *out, Error **errp)
{
    char *end;

    errno = 0;
    uint64_t v = strtoull(s, &end, 0);
    if (!g_ascii_isdigit(s[0]) || *end) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' is not a number", s);
        error_hint(errp, "write a decimal number, or a hexadecimal one with 0x");
        return false;
    }
    if (errno == ERANGE) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' does not fit 64 bits", s);
        return false;
    }
    *out = v;
    return true;
}

bool parse_i64(const char *s, int64_t *out, Error **errp)
{
    bool negative = s[0] == '-';
    uint64_t v;

    if (!parse_u64(s + negative, &v, errp)) {
        return false;
    }
    if (v > (uint64_t)INT64_MAX + negative) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' does not fit 64 bits", s);
        return false;
    }
    *out = (int64_t)(negative ? -v : v);
    return true;
}

bool parse_bool(const char *s, bool *out, Error **errp)
{
    static const char *const yes[] = {"on", "yes", "true", "y", NULL};
    static const char *const no[] = {"off", "no", "false", "n", NULL};

    if (g_strv_contains(yes, s)) {
        *out = true;
        return true;
    }
    if (g_strv_contains(no, s)) {
        *out = false;
        return true;
    }
    error_set(errp, ERR_INVALID_PARAMETER, "'%s' is neither on nor off", s);
    return false;
}

bool parse_ranges(const char *s, unsigned max, unsigned long *bits, Error **errp)
{
    const unsigned width = 8 * sizeof(*bits);
    size_t len = strlen(s);
    bool list = len > 2 && s[0] == '[' && s[len - 1] == ']';
    g_autofree char *text = list ? g_strndup(s + 1, len - 2) : g_strdup(s);
    g_auto(GStrv) items = g_strsplit(text, list ? "," : ":", -1);

    for (char **i = items; *i; i++) {
        char *end = *i;
        uint64_t first = 0, last = 0;
        bool ok = g_ascii_isdigit(**i);
        if (ok) {
            first = last = g_ascii_strtoull(*i, &end, 10);
        }
        if (ok && *end == '-' && g_ascii_isdigit(end[1])) {
            last = g_ascii_strtoull(end + 1, &end, 10);
        }
        if (!ok || *end || first > last || last >= max) {
            error_set(errp, ERR_INVALID_PARAMETER, "'%s' is no number or range of numbers from 0 to %u", *i, max - 1);
            return false;
        }
        for (uint64_t n = first; n <= last; n++) {
            bits[n / width] |= 1ul << n % width;
        }
    }
    if (!*items) {
        error_set(errp, ERR_INVALID_PARAMETER, "an empty set of numbers");
        return false;
    }
    return true;
}

char *format_size(uint64_t bytes)
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    int power = 0;

    while (power < 6 && bytes >> (10 * (power + 1))) {
        power++;
    }
    g_autofree char *text = g_strdup_printf("%.2f", (double)bytes / ((uint64_t)1 << (10 * power)));
    /* 1.50 -> 1.5, 512.00 -> 512 */
    size_t len = strlen(text);
    while (text[len - 1] == '0') {
        text[--len] = 0;
    }
    if (text[len - 1] == '.') {
        text[--len] = 0;
    }
    return g_strdup_printf("%s %s", text, names[power]);
}
