/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Optimal string alignment distance (Levenshtein plus swaps of neighbours) over short names.
 */
#include <glib.h>
#include <string.h>

#include "base/suggest.h"

#define MAX_NAME 64

static unsigned distance(const char *a, const char *b)
{
    unsigned row[3][MAX_NAME + 1];
    size_t la = strlen(a), lb = strlen(b);

    if (la > MAX_NAME || lb > MAX_NAME) {
        return G_MAXUINT;
    }
    for (size_t j = 0; j <= lb; j++) {
        row[0][j] = j;
    }
    for (size_t i = 1; i <= la; i++) {
        unsigned *cur = row[i % 3], *prev = row[(i + 2) % 3], *prev2 = row[(i + 1) % 3];
        cur[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            char ca = g_ascii_tolower(a[i - 1]), cb = g_ascii_tolower(b[j - 1]);
            unsigned best = prev[j - 1] + (ca != cb);
            best = MIN(best, prev[j] + 1);
            best = MIN(best, cur[j - 1] + 1);
            if (i > 1 && j > 1 && ca == g_ascii_tolower(b[j - 2]) &&
                cb == g_ascii_tolower(a[i - 2])) {
                best = MIN(best, prev2[j - 2] + 1);
            }
            cur[j] = best;
        }
    }
    return row[la % 3][lb];
}

const char *suggest_name(const char *wrong, const char *const *candidates)
{
    size_t len = strlen(wrong);
    /* One slip in three letters, at most three: more is another word. */
    unsigned limit = MIN(3, (len + 2) / 3);
    const char *best = NULL;
    unsigned best_distance = limit + 1;

    for (; *candidates; candidates++) {
        unsigned d = distance(wrong, *candidates);
        if (d < best_distance && d < strlen(*candidates)) {
            best_distance = d;
            best = *candidates;
        }
    }
    return best;
}
