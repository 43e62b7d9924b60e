/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * disk-replay LOG IMAGE ENTRIES SEED: makes of IMAGE, which is as it was before LOG (of a
 * "blklogwrites") began, what a disk may hold when the power fails after so many entries.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "block/writelog.h"

int main(int argc, char **argv)
{
    g_autoptr(Error) err = NULL;

    if (argc != 5) {
        fprintf(stderr, "usage: disk-replay LOG IMAGE ENTRIES SEED\n");
        return 2;
    }
    WriteLog *log = writelog_load(argv[1], &err);
    if (!log) {
        fprintf(stderr, "disk-replay: %s\n", error_message(err));
        return 1;
    }
    int fd = open(argv[2], O_RDWR | O_CLOEXEC);
    GRand *rand = g_rand_new_with_seed((guint32)strtoul(argv[4], NULL, 10));
    bool ok = fd >= 0 && writelog_replay(log, (unsigned)strtoul(argv[3], NULL, 10), rand, fd, &err);
    if (!ok) {
        fprintf(stderr, "disk-replay: %s: %s\n", argv[2], err ? error_message(err) : "cannot be opened");
    }
    g_rand_free(rand);
    writelog_free(log);
    return ok && close(fd) == 0 ? 0 : 1;
}
