/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the generated source offers to this room alone.
 */
#ifndef SCHEMA_TABLE_H
#define SCHEMA_TABLE_H

#include "schema/schema.h"

/* Whether this program has the command's handler. */
bool schema_command_bound(const SchemaCommand *cmd);

#endif
