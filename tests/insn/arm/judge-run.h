/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A judge: a program under another emulator that runs batches in a file of memory (judge.c, judge32.c).
 */
#ifndef TESTS_INSN_ARM_JUDGE_RUN_H
#define TESTS_INSN_ARM_JUDGE_RUN_H

#include <stdbool.h>
#include <sys/types.h>

typedef struct Judge {
    int to, from;
    pid_t pid;
} Judge;

/* program (NULL: none was built) under `qemu -cpu cpu`, the batch in file fd. False: one of them is not there. */
bool judge_start(Judge *j, const char *qemu, const char *cpu, const char *program, int fd);
/* The batch's cases. False: the judge died. */
bool judge_batch(const Judge *j);
void judge_end(Judge *j);

#endif
