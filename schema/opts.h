/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Option strings: "tcg,thread=multi", "id=a,path=x,,y" or JSON. One parser for every spelling.
 */
#ifndef SCHEMA_OPTS_H
#define SCHEMA_OPTS_H

#include "base/json.h"

/*
 * Parses @text into an object of strings, or, if it starts with '{', of any JSON values.
 * "key" alone means "key=on"; alone in first place it is the value of @implied, if that is not
 * NULL. ",," is a comma inside a value. Of a key given twice the last counts.
 * A new reference, or NULL with an error.
 */
json_t *opts_parse(const char *text, const char *implied, Error **errp);

/* Of the values that @key has in @text (in its key=value form), joined by colons, makes the value of @key in @opts. */
void opts_join(json_t *opts, const char *text, const char *key);

/* The string value of a key, or NULL. */
const char *opts_get(json_t *opts, const char *key);

/* Takes a key out: its string value (g_free), or NULL. A value that is no string is printed. */
char *opts_take(json_t *opts, const char *key);

#endif
