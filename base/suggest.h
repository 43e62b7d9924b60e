/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * "Did you mean": the candidate nearest to a misspelt name.
 */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

/*
 * The name in the NULL-terminated list @candidates that is nearest to @wrong, or NULL if none is
 * near enough to be a plausible slip. Neighbouring letters swapped count as one slip; case does
 * not count.
 */
const char *suggest_name(const char *wrong, const char *const *candidates);

#endif
