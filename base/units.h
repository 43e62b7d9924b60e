/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sizes and numbers as users write them.
 */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define KiB ((uint64_t)1 << 10)
#define MiB ((uint64_t)1 << 20)
#define GiB ((uint64_t)1 << 30)
#define TiB ((uint64_t)1 << 40)

/*
 * Parses a size: a decimal number, possibly with a fraction ("1.5G"), or a hexadecimal one
 * ("0x1000", no fraction), and a suffix B, K, M, G, T, P or E of either case (powers of 1024).
 * Without a suffix the unit is @default_suffix. The result is rounded down to a byte.
 */
bool parse_size(const char *s, char default_suffix, uint64_t *out, Error **errp);

/* Parses an unsigned number, decimal, 0x hexadecimal or 0 octal, that takes the whole string. */
bool parse_u64(const char *s, uint64_t *out, Error **errp);
/* The same with an optional minus. */
bool parse_i64(const char *s, int64_t *out, Error **errp);
/* on, yes, true, y / off, no, false, n. */
bool parse_bool(const char *s, bool *out, Error **errp);

/*
 * Parses a set of numbers below @max: numbers and ranges with colons between ("0-3:8"), or the same as
 * a JSON list ("[0,1]"). Sets their bits in @bits, which has room for @max; the caller cleared it.
 */
bool parse_ranges(const char *s, unsigned max, unsigned long *bits, Error **errp);

/* "512 MiB", "1.5 GiB": for humans. Free with g_free. */
char *format_size(uint64_t bytes);

#endif
