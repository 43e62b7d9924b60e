#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""arm32.py BINARY: processors of Armv5 to Armv7: identity registers, short descriptors, barriers of coprocessor 15, exclusives,
interworking and VFP, against Debian's QEMU.

The program of arm32/ prints what it finds by semihosting, so it runs on every board: here on virt, by the judge on virt or,
where that does not take the processor, on versatilepb."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bare  # noqa: E402
from guest import GuestError, Skip, run_tap, slowness  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
JUDGE = "qemu-system-arm"
TMP = tempfile.mkdtemp(prefix="rhea-arm32-")
RAM = {"virt": 0x40200000, "versatilepb": 0x200000}
BOARD = {"arm926": "versatilepb", "arm1136": "versatilepb", "arm1176": "versatilepb", "cortex-a9": "versatilepb",
         "cortex-a7": "virt", "cortex-a15": "virt"}

# Differences that are meant: line, processors, what counts of the value, ours (None: theirs without the rest).
MEANT = [
    # REVIDR, which QEMU 7.2 has from Armv8 on; of these processors it is zero (DDI 0388, DDI 0464, DDI 0438: c0).
    ("p15 0 c0 c0 6", ("cortex-a9", "cortex-a7", "cortex-a15"), 0, 0),
    # Attributes of memory, which QEMU 7.2 does not tell of short descriptors: strongly ordered (DDI 0406C, B4.1.112).
    ("V2P", ("cortex-a9", "cortex-a7", "cortex-a15"), 0xffffff0f, 0x290),
    # ASEDIS and D32DIS came with Armv7: should be zero before (DDI 0211, DDI 0301: c1, Coprocessor Access Control).
    ("CPACR", ("arm1136", "arm1176"), 0x3fffffff, 0x00f00000),
    # Short vectors and traps of VFP: what is not implemented is not told.
    ("MVFR0", tuple(BOARD), 0xf0ff0fff, None),
]


def build(board):
    return bare.program(os.path.join(TMP, f"{board}.elf"), ["arm32/start.S", "arm32/main.c"], "-marm", "-march=armv5te",
                        "-mfloat-abi=soft", f"-Wl,--section-start=.vectors={RAM[board]:#x}", prefix="arm-linux-gnueabihf",
                        at=RAM[board] + 0x1000)


def results(binary, board, cpu, *options):
    """[(name, value)] of the program's lines."""
    argv = [binary, "-M", board, "-cpu", cpu, "-m", "64", "-display", "none", "-monitor", "none", "-serial", "none",
            "-semihosting", "-kernel", build(board), *options]
    # What it prints is on one of the two, with words of the host's sound system in between.
    r = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30 * SLOW, check=False)
    text = (r.stdout + r.stderr).splitlines()
    if "END" not in text or r.returncode != 0:
        raise GuestError(f"{' '.join(argv)}: {r.returncode} {text[-3:]}")
    found = (line.rsplit(" ", 1) for line in text if len(line) > 9 and line[-9] == " ")
    return [(name, int(value, 16)) for name, value in found if all(c in "0123456789abcdef" for c in value)]


def difference(cpu, name, theirs, ours):
    for line, cpus, mask, value in MEANT:
        if line == name and cpu in cpus:
            want = theirs & mask if value is None else value
            if (theirs ^ ours) & mask or ours != want:
                return f"{name}: theirs {theirs:08x}, ours {ours:08x}, expected {want:08x}"
            return None
    return None if theirs == ours else f"{name}: theirs {theirs:08x}, ours {ours:08x}"


def as_judge(cpu, *options):
    def test():
        if not shutil.which(JUDGE):
            raise Skip(f"no {JUDGE}")
        quiet = ["-audiodev", "none,id=none"]
        theirs, ours = results(JUDGE, BOARD[cpu], cpu, *quiet), results(BINARY, "virt", cpu, *options)
        if [n for n, _ in theirs] != [n for n, _ in ours] or len(ours) < 35:
            raise GuestError(f"{len(theirs)} and {len(ours)} lines")
        wrong = [difference(cpu, n, t, o) for (n, t), (_, o) in zip(theirs, ours)]
        wrong = [w for w in wrong if w]
        if wrong:
            raise GuestError("\n".join(wrong))
    return test


if __name__ == "__main__":
    try:
        sys.exit(run_tap([(cpu, as_judge(cpu)) for cpu in BOARD] +
                         [(f"{cpu} by the interpreter", as_judge(cpu, "-accel", "tcg,engine=interp"))
                          for cpu in ("arm926", "cortex-a9")]))
    finally:
        shutil.rmtree(TMP, ignore_errors=True)
