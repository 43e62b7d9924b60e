/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Findings of the doctor, as text for people and as JSON for programs.
 */
#ifndef DOCTOR_REPORT_H
#define DOCTOR_REPORT_H

#include <stdbool.h>
#include <stdio.h>
#include <glib.h>

typedef enum Finding {
    FINDING_OK,
    FINDING_WARNING, /* works, but slower, weaker or not for every guest */
    FINDING_ERROR,   /* hardware acceleration does not work */
} Finding;

typedef struct Report Report;

Report *report_new(void);
void report_free(Report *r);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Report, report_free)

/* Adds a finding: @what is its stable name, the text one sentence without a period. */
void report_add(Report *r, Finding f, const char *what, const char *fmt, ...) G_GNUC_PRINTF(4, 5);
/* The command (or, where there is none, the action) that mends the last finding, or changes what it says. */
void report_fix(Report *r, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

int report_count(const Report *r, Finding f);
/* Is there an error among the findings up to now? */
bool report_usable(const Report *r);

void report_print_text(const Report *r, FILE *out, bool quiet);
/* One object; docs/doctor.md describes it. */
void report_print_json(const Report *r, FILE *out);

#endif
