#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""kill.py RHEA_IMG DISK_WRITER KILLS: a program that writes to a qcow2 image is killed. TAP.

Usage: kill.py RHEA_IMG DISK_WRITER KILLS

The writer says what it does (see disk-writer.c). After each kill -9 both checkers find no
corruption, the contents are what it was told was flushed (written, with writethrough) or something
later, and a repair leaves nothing. The same image goes on, over all cache modes and both kinds of
aio. What flush means with cache=unsafe is only that the program has nothing left to write."""

import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

BLOCK, BLOCKS = 4096, 4096
MODES = [(c, a) for c in ("writeback", "none", "writethrough", "directsync", "unsafe")
         for a in ("threads", "io_uring")]
FORMATS = ("", "cluster_size=4k", "refcount_bits=1", "extended_l2=on,cluster_size=128k", "compat=0.10")


class Model:
    """Which versions each block may have: 0 is zeroes."""

    def __init__(self):
        self.may = [[0] for _ in range(BLOCKS)]
        self.version = 0

    def follow(self, lines, through):
        """Every line the writer got out."""
        ops, done, flushing, acknowledged = {}, [], {}, 0
        for line in lines:
            f = line.split()
            n = int(f[1])
            if f[0] == "S":
                ops[n] = (f[2], int(f[3]), int(f[4]))
                self.version = n
                for b in range(ops[n][1], ops[n][1] + ops[n][2]):
                    self.may[b].append(n if f[2] == "W" else -n)
            elif f[0] == "C":
                done.append(n)
                if through:
                    self.settle(ops[n], n)
            elif f[0] == "F":
                flushing[n] = len(done)
            else:
                acknowledged += 1
                for v in done[:flushing[n]]:
                    self.settle(ops[v], v)
        return acknowledged

    def settle(self, op, n):
        """Version n is on the disk; a discard promises nothing."""
        kind, first, count = op
        if kind == "D":
            return
        v = n if kind == "W" else -n
        for b in range(first, first + count):
            m = self.may[b]
            if v in m:
                del m[:m.index(v)]

    def look(self, path, unit=BLOCK):
        """What a block has that it must not have; otherwise what is there is the beginning of the next run.
        A write that was not flushed may be there in units of so many bytes."""
        with open(path, "rb") as f:
            for b in range(BLOCKS):
                data = f.read(BLOCK)
                allowed = {max(x, 0) for x in self.may[b]}
                for i in range(0, BLOCK, unit):
                    v, at = struct.unpack_from("<II", data, i)
                    if v not in allowed or data[i:i + unit] != (struct.pack("<II", v, b) if v else bytes(8)) * (unit // 8):
                        return f"block {b} has version {v} of block {at}, not one of {sorted(allowed)}"
                self.may[b] = [v]
        return None


class Test:
    unit = BLOCK  # what is written whole or not at all

    def __init__(self, img, writer, tmp):
        self.img, self.writer, self.tmp = img, writer, tmp
        self.disk = f"{tmp}/disk.qcow2"
        self.rand = random.Random(1)
        self.flushes = self.requests = self.leaks = 0

    def new(self, options):
        if os.path.exists(self.disk):
            os.unlink(self.disk)
        more = ["-o", options] if options else []
        subprocess.run([self.img, "create", "-q", "-f", "qcow2", *more, self.disk, str(BLOCK * BLOCKS)], check=True)
        self.model = Model()

    def kill_once(self, cache, aio):
        drive = f"file={self.disk},format=qcow2,if=none,id=d,cache={cache},aio={aio},discard=unmap"
        with open(f"{self.tmp}/log", "wb+") as log, open(f"{self.tmp}/err", "w+") as err:
            p = subprocess.Popen([self.writer, drive, str(self.model.version), str(self.rand.randrange(1 << 30))],
                                 stdout=log, stderr=err)
            while not log.tell() and p.poll() is None and not os.fstat(log.fileno()).st_size:
                time.sleep(0.002)
            time.sleep(self.rand.random() ** 2 * 0.4)
            if p.poll() is not None:
                err.seek(0)
                raise RuntimeError(f"the writer ended: {err.read()}")
            p.kill()
            p.wait()
            self.wait_unlocked()
            log.seek(0)
            lines = log.read().decode().split("\n")[:-1]
        self.requests += sum(l[0] == "C" for l in lines)
        self.flushes += self.model.follow(lines, cache in ("writethrough", "directsync"))

    def wait_unlocked(self):
        """The kernel closes the files of an io_uring some time after the process is gone."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            r = subprocess.run([self.img, "info", self.disk], capture_output=True, text=True, check=False)
            if r.returncode == 0 or "lock" not in r.stderr:
                return
            time.sleep(0.02)

    def check(self):
        for tool in filter(shutil.which, (self.img, "qemu-img")):
            r = subprocess.run([tool, "check", self.disk], capture_output=True, text=True, check=False)
            if r.returncode not in (0, 3):
                return f"{tool} check: {r.returncode}\n{r.stdout}{r.stderr}"
        self.leaks += r.returncode == 3
        raw = f"{self.tmp}/raw"
        subprocess.run([self.img, "convert", "-f", "qcow2", "-O", "raw", self.disk, raw], check=True)
        bad = self.model.look(raw, self.unit)
        os.unlink(raw)
        if bad:
            return bad
        if r.returncode:
            subprocess.run([self.img, "check", "-q", "-r", "leaks", self.disk], capture_output=True, check=False)
            r = subprocess.run([self.img, "check", self.disk], capture_output=True, text=True, check=False)
            if r.returncode:
                return f"after the repair: {r.returncode}\n{r.stdout}{r.stderr}"
        return None


def main():
    img, writer, kills = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), int(sys.argv[3])
    tmp = tempfile.mkdtemp(prefix="rhea-kill-", dir=os.environ.get("TMPDIR", "/var/tmp"))
    failed = 0
    try:
        t = Test(img, writer, tmp)
        print(f"1..{len(MODES)}", flush=True)
        for n, (cache, aio) in enumerate(MODES):
            before, bad = t.flushes, None
            for k in range(max(1, kills // len(MODES))):
                if k % 5 == 0:
                    t.new(FORMATS[(n + k // 5) % len(FORMATS)])
                try:
                    t.kill_once(cache, aio)
                    bad = t.check()
                except (RuntimeError, subprocess.CalledProcessError) as e:
                    bad = str(e)
                if bad:
                    break
            failed += bad is not None
            print(f"{'not ok' if bad else 'ok'} {n + 1} - cache={cache},aio={aio}")
            for line in (bad or f"{t.flushes - before} flushes acknowledged").splitlines()[:12]:
                print(f"# {line}", flush=True)
        print(f"# {t.requests} requests done, {t.flushes} flushes, {t.leaks} images with leaks")
    finally:
        shutil.rmtree(tmp)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
