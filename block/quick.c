/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * May a cached write be made on the submitter's thread?
 *
 * Where the kernel cannot be told not to wait (ext4 has no RWF_NOWAIT for buffered writes), a write
 * of whole pages inside a file is a copy into the page cache, and costs less than the way to a
 * worker and back. It can wait all the same: for memory when too much is dirty, for the journal. So
 * every such write is timed, and one that took long because it slept (not because others wanted the
 * processor too) sends its successors to the workers for a while, twice as long each time. A host
 * that always waits is asked every ten seconds.
 *
 * Only on file systems of this machine: a server that is gone would keep a processor for good.
 *
 * home: any thread; the fields are atomic, and what races there costs a detour at most.
 */
#include <sys/resource.h>
#include <sys/vfs.h>

#include "block/file.h"

#define PAGE       4096u
#define SLOW_US    2000
#define PAUSE_US   (100 * 1000)
#define MAX_PAUSE  (10 * G_USEC_PER_SEC)
#define FORGET_US  (60 * G_USEC_PER_SEC)

static bool is_local(int fd)
{
    static const uint32_t types[] = {
        0xef53 /* ext2, 3, 4 */, 0x58465342 /* XFS */, 0x9123683e /* btrfs */, 0x01021994 /* tmpfs */,
        0x794c7630 /* overlay */, 0xf2f52010 /* F2FS */,
    };
    struct statfs fs;

    if (fstatfs(fd, &fs) == 0) {
        for (unsigned i = 0; i < G_N_ELEMENTS(types); i++) {
            if ((uint32_t)fs.f_type == types[i]) {
                return true;
            }
        }
    }
    return false;
}

void quick_init(QuickWrites *q, int fd)
{
    *q = (QuickWrites){.able = is_local(fd)};
}

/* How often this thread went to sleep by itself. */
static long sleeps(void)
{
    struct rusage u;

    return getrusage(RUSAGE_THREAD, &u) == 0 ? u.ru_nvcsw : 0;
}

bool quick_begin(const QuickWrites *q, uint64_t offset, uint64_t bytes, QuickWrite *w)
{
    if (!q->able || ((offset | bytes) & (PAGE - 1))) {
        return false;
    }
    w->start = g_get_monotonic_time();
    if (w->start < __atomic_load_n(&q->not_before, __ATOMIC_RELAXED)) {
        return false;
    }
    w->sleeps = sleeps();
    return true;
}

void quick_end(QuickWrites *q, const QuickWrite *w)
{
    int64_t now = g_get_monotonic_time();

    if (now - w->start >= SLOW_US && sleeps() != w->sleeps) {
        quick_slow(q, w->start, now);
    }
}

void quick_slow(QuickWrites *q, int64_t start, int64_t end)
{
    int64_t pause = __atomic_load_n(&q->pause, __ATOMIC_RELAXED);
    int64_t before = __atomic_load_n(&q->not_before, __ATOMIC_RELAXED);

    pause = !pause || start - before > FORGET_US ? PAUSE_US : MIN(2 * pause, MAX_PAUSE);
    __atomic_store_n(&q->pause, pause, __ATOMIC_RELAXED);
    __atomic_store_n(&q->not_before, end + pause, __ATOMIC_RELAXED);
}
