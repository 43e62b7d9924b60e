/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest disk requests: `diskio FILE seq|rand BYTES COUNT DEPTH read|write` makes COUNT requests of
 * BYTES each past the page cache, DEPTH at a time, and prints "@@ diskio nanoseconds checksum". The
 * checksum is of what was read; writes write zeroes.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_DEPTH 64

static uint64_t seed = 0x243f6a8885a308d3ull;
static uint64_t blocks, next;
static int random_order;

static uint64_t place(void)
{
    if (!random_order) {
        return next++ % blocks;
    }
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (seed >> 20) % blocks;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t one_by_one(int fd, char *buf, long size, long count, int write)
{
    uint64_t sum = 0;

    while (count--) {
        off_t at = (off_t)(place() * size);
        if ((write ? pwrite(fd, buf, size, at) : pread(fd, buf, size, at)) != size) {
            die("request");
        }
        sum += *(uint64_t *)buf;
    }
    return sum;
}

static uint64_t many(int fd, char *buf, long size, long count, int depth, int write)
{
    aio_context_t ctx = 0;
    struct iocb cb[MAX_DEPTH], *idle[MAX_DEPTH];
    struct io_event ev[MAX_DEPTH];
    int n_idle = depth;
    uint64_t sum = 0;

    if (syscall(SYS_io_setup, depth, &ctx) < 0) {
        die("io_setup");
    }
    for (int i = 0; i < depth; i++) {
        idle[i] = &cb[i];
    }
    for (long left = count, busy = 0; left || busy;) {
        int n = 0;
        for (; n < n_idle && left; n++, left--) {
            struct iocb *c = idle[n];
            memset(c, 0, sizeof(*c));
            c->aio_fildes = (uint32_t)fd;
            c->aio_lio_opcode = write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
            c->aio_buf = (uint64_t)(buf + (c - cb) * size);
            c->aio_nbytes = (uint64_t)size;
            c->aio_offset = (int64_t)(place() * size);
        }
        if (n && syscall(SYS_io_submit, ctx, n, idle) != n) {
            die("io_submit");
        }
        busy += n;
        n_idle -= n;
        memmove(idle, idle + n, n_idle * sizeof(*idle));
        long got = syscall(SYS_io_getevents, ctx, 1, depth, ev, NULL);
        for (long i = 0; i < got; i++) {
            struct iocb *c = (struct iocb *)ev[i].obj;
            if (ev[i].res != size) {
                die("event");
            }
            sum += *(uint64_t *)c->aio_buf;
            idle[n_idle++] = c;
        }
        busy -= got;
    }
    return sum;
}

int main(int argc, char **argv)
{
    struct timespec a, b;
    char *buf;

    if (argc != 7) {
        return 2;
    }
    random_order = !strcmp(argv[2], "rand");
    long size = atol(argv[3]), count = atol(argv[4]);
    int depth = atoi(argv[5]), write = !strcmp(argv[6], "write");
    int fd = open(argv[1], (write ? O_RDWR : O_RDONLY) | O_DIRECT);
    if (fd < 0 || depth < 1 || depth > MAX_DEPTH || posix_memalign((void **)&buf, 4096, size * depth)) {
        die(argv[1]);
    }
    blocks = (uint64_t)lseek(fd, 0, SEEK_END) / size;
    memset(buf, 0, size * depth);
    clock_gettime(CLOCK_MONOTONIC, &a);
    uint64_t sum = depth > 1 ? many(fd, buf, size, count, depth, write)
                             : one_by_one(fd, buf, size, count, write);
    clock_gettime(CLOCK_MONOTONIC, &b);
    printf("@@ diskio %lld %016llx\n",
           (long long)(b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec,
           (unsigned long long)sum);
    return 0;
}
