/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See judge-run.h. */
#include "tests/insn/arm/judge-run.h"
#include <glib.h>
#include <sys/wait.h>
#include <unistd.h>

bool judge_start(Judge *j, const char *qemu, const char *cpu, const char *program, int fd)
{
    g_autofree char *path = g_find_program_in_path(qemu);
    int in[2], out[2];
    if (!program || !path || pipe(in) < 0 || pipe(out) < 0) {
        return false;
    }
    j->pid = fork();
    if (j->pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        dup2(fd, 3);
        for (int i = 4; i < 64; i++) {
            close(i);
        }
        execl(path, path, "-cpu", cpu, program, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    j->to = in[1];
    j->from = out[0];
    return j->pid > 0;
}

bool judge_batch(const Judge *j)
{
    char byte = 'x';
    return write(j->to, &byte, 1) == 1 && read(j->from, &byte, 1) == 1;
}

void judge_end(Judge *j)
{
    close(j->to);
    close(j->from);
    waitpid(j->pid, NULL, 0);
}
