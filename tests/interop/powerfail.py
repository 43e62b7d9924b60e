#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""powerfail.py RHEA_IMG DISK_WRITER DISK_REPLAY STATES: the power fails under a qcow2 image. TAP.

A program writes random blocks and says what it does (see disk-writer.c); "blklogwrites" below the
image records every write. Then STATES moments are chosen, and for each one what a disk may hold
whose power failed then: all that was flushed and, of the rest, nothing, all, a part or single
sectors of 512 bytes. Both checkers find no corruption there, the contents are what the program was
told was flushed (written, with writethrough) by then or something later, and a repair leaves nothing."""

import os
import shutil
import struct
import subprocess
import sys
import tempfile

from kill import BLOCK, BLOCKS, FORMATS, Model, Test

RUNS = [(c, a, f) for f in FORMATS for c, a in (("writeback", "threads"), ("none", "io_uring"),
                                                ("writethrough", "io_uring"), ("directsync", "threads"))]
REQUESTS = 400


def entry_ends(path):
    """Where in the log of blklogwrites each entry ends (dm-log-writes: a sector of its own, then its data)."""
    ends, at = [], 512
    with open(path, "rb") as f:
        count = struct.unpack("<QQQ", f.read(24))[2]
        for _ in range(count):
            f.seek(at)
            at += 512 + struct.unpack("<QQQQ", f.read(32))[3]
            ends.append(at)
    return ends


class PowerFail(Test):
    unit = 512

    def __init__(self, img, writer, replay, tmp):
        super().__init__(img, writer, tmp)
        self.replay, self.log, self.empty = replay, f"{tmp}/writes", f"{tmp}/empty.qcow2"

    def record(self, cache, aio, options):
        """A run on a new image: its lines with the length that the log had at each, the log's entries."""
        self.new(options)
        os.replace(self.disk, self.empty)
        shutil.copy(self.empty, self.disk)
        open(self.log, "wb").close()
        # The log itself goes through the page cache, where its length is exact.
        drive = (f"driver=qcow2,if=none,id=d,cache={cache},discard=unmap,file.driver=blklogwrites,"
                 f"file.file.driver=file,file.file.filename={self.disk},file.file.aio={aio},file.log.driver=file,"
                 f"file.log.filename={self.log},file.log.cache.direct=off,file.log.aio=threads")
        seed = str(self.rand.randrange(1 << 30))
        r = subprocess.run([self.writer, drive, "0", seed, str(REQUESTS), self.log], capture_output=True, text=True,
                           check=False)
        if r.returncode:
            raise RuntimeError(f"the writer ended: {r.stderr}")
        lines = [l.rsplit(" ", 1) for l in r.stdout.splitlines()]
        return [(text, int(length)) for text, length in lines], entry_ends(self.log)

    def fail(self, through, lines, ends):
        """One state; what is wrong with it."""
        entries, seed = self.rand.randrange(len(ends) + 1), self.rand.randrange(1 << 30)
        shutil.copy(self.empty, self.disk)
        subprocess.run([self.replay, self.log, self.disk, str(entries), str(seed)], check=True)
        length = ends[entries - 1] if entries else 512
        self.model = Model()
        self.flushes += self.model.follow([text for text, at in lines if at <= length], through)
        bad = self.check()
        return bad and f"{entries} of {len(ends)} entries, seed {seed}: {bad}"


def main():
    programs, states = [os.path.abspath(p) for p in sys.argv[1:4]], int(sys.argv[4])
    tmp = tempfile.mkdtemp(prefix="rhea-powerfail-", dir=os.environ.get("TMPDIR", "/var/tmp"))
    failed = 0
    try:
        t = PowerFail(*programs, tmp)
        print(f"1..{len(RUNS)}", flush=True)
        for n, (cache, aio, options) in enumerate(RUNS):
            before, bad = t.flushes, None
            try:
                lines, ends = t.record(cache, aio, options)
                for _ in range(max(1, states // len(RUNS))):
                    bad = bad or t.fail(cache in ("writethrough", "directsync"), lines, ends)
            except (RuntimeError, subprocess.CalledProcessError) as e:
                bad = str(e)
            failed += bad is not None
            print(f"{'not ok' if bad else 'ok'} {n + 1} - cache={cache},aio={aio} {options}")
            for line in (bad or f"{len(ends)} writes and flushes, {t.flushes - before} flushes acknowledged "
                         "before the states").splitlines()[:12]:
                print(f"# {line}", flush=True)
        print(f"# disks of {BLOCK * BLOCKS >> 20} MiB, {t.leaks} states with leaks")
    finally:
        shutil.rmtree(tmp)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
