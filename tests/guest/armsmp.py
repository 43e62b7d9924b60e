#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""armsmp.py BINARY: two Arm processors share memory: accesses that FEAT_LSE2 makes atomic, broadcast TLB maintenance, code
that the other one wrote. Debian's QEMU, which does not have FEAT_LSE2, runs the rest of the program as a check of it."""
import os
import re
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bare  # noqa: E402
from guest import HERE, Guest, GuestError, Skip, run_tap, slowness  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
JUDGE = "qemu-system-aarch64"
TMP = tempfile.mkdtemp(prefix="rhea-armsmp-")
ELF = os.path.join(TMP, "armsmp.elf")


def build():
    bare.program(ELF, ["armsmp/start.S", "armsmp/main.c"], *bare.A64, "-march=armv8-a", "-mno-outline-atomics")


def rows():
    """How many atomic accesses there are."""
    with open(f"{HERE}/armsmp/main.c", encoding="ascii") as f:
        return len(re.findall(r"^    A\(", f.read(), re.M))


def run(binary, cpu, *options, atomics=True):
    build()
    if not shutil.which(binary):
        raise Skip(f"no {binary}")
    args = [binary, "-M", "virt", "-cpu", cpu, "-smp", "2", "-m", "64", "-display", "none", "-monitor", "none", "-serial", "stdio",
            "-kernel", ELF, *options]
    with Guest(args) as g:
        g.expect(r"(?m)^END\r?$", 60 * SLOW)
        lines = [line.strip() for line in g.log.decode("ascii").splitlines()]
    good = [line for line in lines if line.startswith("ok ")]
    if len(good) != len(lines) - 1 or len(good) != 8 + (rows() if atomics else 0):
        raise GuestError(f"{' '.join(options)}: " + "; ".join(line for line in lines if not line.startswith("ok ")))


if __name__ == "__main__":
    try:
        sys.exit(run_tap([("max", lambda: run(BINARY, "max")),
                          ("neoverse-v1 by the interpreter", lambda: run(BINARY, "neoverse-v1", "-accel", "tcg,engine=interp")),
                          ("cortex-a57, which has no FEAT_LSE2", lambda: run(BINARY, "cortex-a57", atomics=False)),
                          ("the same by QEMU", lambda: run(JUDGE, "cortex-a57", atomics=False))]))
    finally:
        shutil.rmtree(TMP, ignore_errors=True)
