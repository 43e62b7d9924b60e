#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""armgic.py BINARY: the system registers of a GICv3 at all Exception levels, against Debian's QEMU.

The program of armgic/ prints what it reads, which accesses trap where with which syndrome, and how interrupts of each
group are signalled; both must say the same."""
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bare  # noqa: E402
from guest import Guest, GuestError, Skip, run_tap, slowness  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
JUDGE = "qemu-system-aarch64"
TMP = tempfile.mkdtemp(prefix="rhea-armgic-")
ELF = os.path.join(TMP, "armgic.elf")


def build():
    bare.program(ELF, ["armgic/start.S", "armgic/main.c"], *bare.A64)


def lines(binary, *extra):
    """What the program prints, up to its end."""
    args = [binary, "-M", "virt,secure=on,virtualization=on,gic-version=3", "-cpu", "cortex-a57", "-m", "128",
            "-display", "none", "-monitor", "none", "-serial", "stdio", "-kernel", ELF, *extra]
    with Guest(args) as g:
        g.expect(r"(?m)^END\r?$", 30 * SLOW)
        return [line.strip() for line in g.log.decode("ascii").splitlines()]


def compare(*extra):
    build()
    if not shutil.which(JUDGE):
        raise Skip(f"no {JUDGE}")
    theirs, ours = lines(JUDGE), lines(BINARY, *extra)
    if len(theirs) < 300 or len(theirs) != len(ours):
        raise GuestError(f"{len(theirs)} lines of theirs, {len(ours)} of ours")
    wrong = [f"line {n}: theirs '{a}', ours '{b}'" for n, (a, b) in enumerate(zip(theirs, ours), 1) if a != b]
    if wrong:
        raise GuestError("; ".join(wrong[:8]))


if __name__ == "__main__":
    try:
        sys.exit(run_tap([("system registers of a GICv3 as QEMU's", compare),
                          ("and by the interpreter", lambda: compare("-accel", "tcg,engine=interp"))]))
    finally:
        shutil.rmtree(TMP, ignore_errors=True)
