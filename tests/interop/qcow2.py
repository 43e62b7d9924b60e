#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qcow2 images between rhea-img and QEMU's qemu-img, as TAP.

Images with each feature are written by either program and read by the other: contents, map, info
and check have to agree, also after the other one changed the image.

Usage: tests/interop/qcow2.py RHEA_IMG [SEED]
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

FEATURES = (
    "", "cluster_size=512", "cluster_size=4k", "cluster_size=2M", "compat=0.10",
    "refcount_bits=1", "refcount_bits=2,cluster_size=1k", "refcount_bits=4", "refcount_bits=8,cluster_size=512",
    "refcount_bits=32", "refcount_bits=64,cluster_size=512", "lazy_refcounts=on", "extended_l2=on",
    "extended_l2=on,cluster_size=16k", "data_file=NAME.data", "data_file=NAME.data,data_file_raw=on",
    "preallocation=metadata", "preallocation=full", "compression_type=zstd",
)
COMPRESSED = ("", "cluster_size=512", "cluster_size=2M", "compression_type=zstd", "extended_l2=on",
              "compat=0.10", "refcount_bits=64")
SIZE = 3 * 1024 * 1024 + 512


def run(*args, ok=True):
    r = subprocess.run(args, capture_output=True, text=True, check=False)
    if ok and r.returncode:
        raise AssertionError(f"{' '.join(args)}: exit {r.returncode}: {r.stdout[-300:]}{r.stderr[-300:]}")
    return r


class Suite:
    """The two programs, and what they must agree on."""

    def __init__(self, rhea, seed):
        self.rhea, self.qemu = rhea, shutil.which("qemu-img")
        self.random = random.Random(seed)
        self.count = 0
        self.failed = False

    def raw(self, path):
        """A disk with data, holes, zeroes and repetition."""
        with open(path, "wb") as f:
            f.truncate(SIZE)
            for _ in range(25):
                f.seek(self.random.randrange(0, SIZE - 70000) // 512 * 512)
                n = self.random.choice((512, 3000, 4096, 65536))
                f.write(self.random.choice((self.random.randbytes(n), bytes([7]) * n, bytes(n))))

    def same(self, path, raw, fmt="qcow2"):
        """Both programs read the same from it, and see the same in it."""
        run(self.qemu, "compare", "-f", "raw", "-F", fmt, raw, path)
        out = path + ".out"
        run(self.rhea, "convert", "--force", "-f", fmt, "-O", "raw", path, out)
        with open(raw, "rb") as a, open(out, "rb") as b:
            assert a.read() == b.read(), "contents differ"
        os.unlink(out)
        for what in ("map", "info", "check"):
            args = (what, "--output=json", "-f", fmt, path)
            q, r = run(self.qemu, *args, ok=what != "check"), run(self.rhea, *args, ok=what != "check")
            jq, jr = json.loads(q.stdout), json.loads(r.stdout)
            assert jq == jr, f"{what}: qemu-img {jq}, rhea-img {jr}"
            assert q.returncode == r.returncode, f"{what}: exit {q.returncode} and {r.returncode}"
            assert what != "check" or q.returncode == 0, f"check: {jq}"

    def snapshots(self, path, raw, writer, other):
        """Snapshots made by one, listed, applied and deleted by the other."""
        run(writer, "snapshot", "-c", "first", path)
        self.scribble(path)
        run(other, "snapshot", "-c", "second", path)
        lists = [[l.split()[:2] for l in run(p, "snapshot", "-l", path).stdout.splitlines()[2:]]
                 for p in (writer, other)]
        assert lists[0] == lists[1] and len(lists[0]) == 2, f"lists {lists}"
        for p in (writer, other):
            run(p, "convert", "-l", "first", "-f", "qcow2", "-O", "raw", path, path + "." + os.path.basename(p))
            run(self.qemu, "compare", "-f", "raw", "-F", "raw", raw, path + "." + os.path.basename(p))
        run(other, "snapshot", "-a", "first", path)
        self.same(path, raw)
        run(writer, "snapshot", "-d", "second", path)
        run(other, "snapshot", "-d", "first", path)
        self.same(path, raw)

    def scribble(self, path):
        """Writes by qemu-io."""
        cmds = []
        for _ in range(6):
            off = self.random.randrange(0, SIZE - 70000) // 512 * 512
            cmds += ["-c", f"write -P {self.random.randrange(256)} {off} {self.random.randrange(1, 100) * 512}"]
        cmds += ["-c", f"write -z {self.random.randrange(0, 30) * 65536} 64k", "-c", "discard 128k 256k"]
        run("qemu-io", "-f", "qcow2", *cmds, path)

    def image(self, opts, compressed, writer):
        d = tempfile.mkdtemp(prefix="rhea-qcow2-")
        try:
            raw, path = os.path.join(d, "raw"), os.path.join(d, "image")
            opts = opts.replace("NAME", path)
            self.raw(raw)
            run(writer, "convert", "-f", "raw", "-O", "qcow2", *(["-c"] if compressed else []),
                *(["-o", opts] if opts else []), raw, path)
            self.same(path, raw)
            self.scribble(path)
            run(self.qemu, "convert", "-f", "qcow2", "-O", "raw", path, raw)
            self.same(path, raw)
            if "data_file" not in opts and "refcount_bits=1" not in opts and "refcount_bits=2," not in opts:
                self.snapshots(path, raw, writer, self.rhea if writer == self.qemu else self.qemu)
            if "raw" not in opts:
                self.resized(path, raw, writer)
        finally:
            shutil.rmtree(d)

    def resized(self, path, raw, writer):
        run(writer, "resize", "-f", "qcow2", path, "+1M")
        os.truncate(raw, SIZE + 1024 * 1024)
        self.same(path, raw)
        run(writer, "resize", "-f", "qcow2", "--shrink", path, "1M")
        os.truncate(raw, 1024 * 1024)
        self.same(path, raw)

    def backing(self, writer):
        d = tempfile.mkdtemp(prefix="rhea-qcow2-")
        try:
            raw, base, top = (os.path.join(d, n) for n in ("raw", "base", "top"))
            self.raw(raw)
            run(writer, "convert", "-f", "raw", "-O", "qcow2", raw, base)
            run(writer, "create", "-q", "-f", "qcow2", "-b", "base", "-F", "qcow2", top)
            self.same(top, raw)
            self.scribble(top)
            run(self.qemu, "convert", "-f", "qcow2", "-O", "raw", top, raw)
            self.same(top, raw)
            run(writer, "commit", "-q", "-f", "qcow2", top)
            self.same(base, raw)
        finally:
            shutil.rmtree(d)

    def bitmaps(self):
        """Bitmaps stay, and those that are enabled are not believed after we wrote."""
        d = tempfile.mkdtemp(prefix="rhea-qcow2-")
        try:
            path = os.path.join(d, "image")
            run(self.qemu, "create", "-q", "-f", "qcow2", path, "4M")
            run(self.qemu, "bitmap", "--add", path, "on")
            run(self.qemu, "bitmap", "--add", "--disable", path, "off")
            info = [json.loads(run(p, "info", "--output=json", path).stdout) for p in (self.qemu, self.rhea)]
            assert info[0] == info[1], info
            run(self.rhea, "bench", "-w", "-c", "10", "-f", "qcow2", path)
            maps = [{b["name"]: sorted(b["flags"]) for b in
                     json.loads(run(p, "info", "--output=json", path).stdout)["format-specific"]["data"]["bitmaps"]}
                    for p in (self.qemu, self.rhea)]
            assert maps[0] == maps[1] == {"on": ["auto", "in-use"], "off": []}, maps
            run(self.qemu, "check", path)
            run(self.rhea, "check", path)
        finally:
            shutil.rmtree(d)

    def test(self, name, fn, *args):
        self.count += 1
        try:
            fn(*args)
            print(f"ok {self.count} {name}", flush=True)
        except (AssertionError, ValueError, KeyError) as e:
            self.failed = True
            print(f"not ok {self.count} {name}\n# " + str(e).replace("\n", "\n# "), flush=True)

    def all(self):
        for writer in (self.rhea, self.qemu):
            who = os.path.basename(writer)
            for opts in FEATURES:
                self.test(f"{who} {opts or 'default'}", self.image, opts, False, writer)
            for opts in COMPRESSED:
                self.test(f"{who} compressed {opts or 'default'}", self.image, opts, True, writer)
            self.test(f"{who} backing file", self.backing, writer)
        self.test("bitmaps", self.bitmaps)
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if not shutil.which("qemu-img") or not shutil.which("qemu-io"):
        print("1..0 # SKIP qemu-utils is not installed")
        return 0
    return Suite(os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1).all()


if __name__ == "__main__":
    sys.exit(main())
