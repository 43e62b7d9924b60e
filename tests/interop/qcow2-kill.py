#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""kill -9 during random writes to qcow2 images, as TAP: no corruption, nothing flushed is lost.

Usage: tests/interop/qcow2-kill.py WRITER RHEA_IMG [KILLS [SEED]]
"""

import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

MODES = ("b", "d", "w", "dw")  # writeback, cache=none, writethrough, directsync
IMAGES = ("", "cluster_size=4k", "cluster_size=512,refcount_bits=64", "extended_l2=on", "lazy_refcounts=on",
          "compat=0.10")
SECTORS = 16384


def operations(seed):
    """(number, first sector, sectors, zero) as the writer computes them."""
    x, n = seed, 0

    def step():
        nonlocal x
        x = (x * 6364136223846793005 + 1442695040888963407) & (1 << 64) - 1
        return x >> 33
    while True:
        n += 1
        sectors, at, kind = step() % 256 + 1, step() % (SECTORS - 256), step() % 8
        yield n, at, sectors, kind == 0


def judge(image, raw, rhea, seed, flushed):
    run = lambda *a: subprocess.run(a, capture_output=True, text=True, check=False)
    before = [run(p, "check", "-f", "qcow2", image) for p in ("qemu-img", rhea)]
    lazy = "lazy" in image
    for r in before:
        if r.returncode not in ((0, 2, 3) if lazy else (0, 3)):
            return f"check: exit {r.returncode}: {r.stdout}{r.stderr}"
    r = run(rhea, "convert", "--force", "-f", "qcow2", "-O", "raw", image, raw)
    if r.returncode:
        return r.stderr
    with open(raw, "rb") as f:
        data = f.read()
    sure, perhaps = [0] * SECTORS, [set() for _ in range(SECTORS)]
    for n, at, sectors, zero in operations(seed):
        if n > flushed + 16:
            break
        for s in range(at, at + sectors):
            if n <= flushed:
                sure[s] = 0 if zero else n
            else:
                perhaps[s].add(0 if zero else n)
    for s in range(SECTORS):
        got = struct.unpack("<64Q", data[s * 512:s * 512 + 512])
        if any(v != got[0] for v in got) or got[0] != sure[s] and got[0] not in perhaps[s]:
            return f"sector {s} is {got[0]}, not {sure[s]} or {perhaps[s]} (flushed: {flushed})"
    for fix in ("leaks", "all"):
        run(rhea, "check", "-f", "qcow2", "-r", fix, image)
    for p in ("qemu-img", rhea):
        r = run(p, "check", "-f", "qcow2", image)
        if r.returncode:
            return f"after repair: {r.stdout}{r.stderr}"
    return None


def one(writer, rhea, rnd, opts, mode, d):
    image, raw = os.path.join(d, "image-" + opts.split("=")[0]), os.path.join(d, "raw")
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *(["-o", opts] if opts else []), image,
                    str(SECTORS * 512)], check=True)
    seed = rnd.randrange(1 << 40)
    with subprocess.Popen([writer, image, str(seed), mode], stdout=subprocess.PIPE) as p:
        time.sleep(rnd.uniform(0.02, 0.4))
        p.kill()
        lines = p.stdout.read().split(b"\n")[:-1]
    flushed = int(lines[-1]) if lines else 0
    why = judge(image, raw, rhea, seed, flushed)
    os.unlink(image)
    return why, flushed


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    if not shutil.which("qemu-img"):
        print("1..0 # SKIP qemu-utils is not installed")
        return 0
    writer, rhea = (os.path.abspath(a) for a in sys.argv[1:3])
    kills, seed = (int(sys.argv[i]) if len(sys.argv) > i else v for i, v in ((3, 24), (4, 1)))
    rnd, failed, acked = random.Random(seed), 0, 0
    with tempfile.TemporaryDirectory(prefix="rhea-kill-") as d:
        for k in range(kills):
            opts, mode = IMAGES[k % len(IMAGES)], MODES[k // len(IMAGES) % len(MODES)]
            why, flushed = one(writer, rhea, rnd, opts, mode, d)
            acked += flushed
            if why:
                failed += 1
                print(f"# kill {k}, {opts or 'default'}, {mode}: {why}")
    print(f"# {kills} kills, {acked} operations had been flushed")
    print(f"{'not ok' if failed else 'ok'} 1 nothing is lost and nothing is corrupt\n1..1")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
