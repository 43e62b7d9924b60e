#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""smp.py BINARY [--seconds N]: locks, atomics, memory ordering, changing code and mappings between
processors (torture.c, in a Debian kernel with eight virtual ones); many processors boot."""
import argparse
import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guest import HERE, Guest, GuestError, Skip, fetch, run_tap, slowness  # noqa: E402

ARGS = argparse.ArgumentParser()
ARGS.add_argument("binary")
ARGS.add_argument("--seconds", type=int, default=10)
ARGS = ARGS.parse_args()
SLOW = slowness(ARGS.binary)
TMP = tempfile.mkdtemp(prefix="rhea-smp-")
INITRD = f"{TMP}/initrd.gz"


def make_initrd():
    """The usual one with /torture."""
    subprocess.run([f"{HERE}/mkinitrd", INITRD], check=True)
    r = subprocess.run(["gcc", "-O2", "-Wall", "-Werror", "-static", "-pthread", "-o", f"{TMP}/torture",
                        f"{HERE}/torture.c"], capture_output=True, text=True, check=False)
    if r.returncode:
        raise Skip(f"torture.c cannot be linked statically: {r.stderr.splitlines()[-1]}")
    r = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], input=b"torture\n", cwd=TMP, check=True,
                       stdout=subprocess.PIPE)
    with open(INITRD, "ab") as f:
        f.write(gzip.compress(r.stdout))


def guest(processors, command, timeout, extra=()):
    """The console of a guest that runs the command and powers off."""
    if not os.path.exists(INITRD):
        make_initrd()
    argv = [ARGS.binary, "-M", "q35", "-accel", "tcg", "-cpu", "max", "-smp", str(processors), "-m", "512",
            "-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio", "-kernel", fetch("kernel"),
            "-initrd", INITRD, "-append", f'console=ttyS0 quiet no_timer_check rhea.cmd="{command}"', *extra]
    with Guest(argv) as g:
        g.expect(f"RHEA-GUEST-READY.* {processors} processor", (120 + 5 * processors) * SLOW)
        if g.wait(timeout * SLOW) != 0:
            raise GuestError("no clean end:\n" + g.tail())
        return g.log.decode("latin1").replace("\r", "")


def lost(out):
    """The share of increments without a lock that got lost: two processors ran at the same time."""
    m = re.search(r"LOST (\d+) of (\d+)", out)
    return int(m[1]) / int(m[2])


def host_overlaps():
    """Whether this host, now, runs threads of one process at the same time, and not only once in a while."""
    out = subprocess.run([f"{TMP}/torture", "2", "8", "unlocked"], capture_output=True, text=True, check=True).stdout
    return lost(out) > 0.01


def one_at_a_time(extra):
    """Judges a guest that lost nothing; the host has the last word, as the guest can do no better."""
    if host_overlaps() and not lost(guest(8, f"/torture {ARGS.seconds} 8 unlocked", ARGS.seconds * 4 + 120, extra)) \
            and host_overlaps():
        raise GuestError("no increment without a lock got lost, though on the host they do: nothing ran at the same time")
    return "; nothing ran at the same time, which is the host's doing"


def torture(engine):
    extra = ["-accel", f"tcg,engine={engine}"] if engine else []

    def test():
        out = guest(8, f"/torture {ARGS.seconds}", ARGS.seconds * 4 + 120, extra)
        wrong = re.findall(r"^(?:WRONG|FAIL) .*", out, re.M)
        right = re.findall(r"^RIGHT (\S+) (\d+)$", out, re.M)
        if wrong or "TORTURE PASS threads=8" not in out:
            raise GuestError("\n".join(wrong) or out[-3000:])
        note = f"; lost {lost(out):.2%}" if lost(out) else one_at_a_time(extra)
        return ", ".join(f"{name} {n}" for name, n in right) + "; " + re.search(r"WEAK \d+", out)[0] + note
    return test


def many():
    """All are there and do work; a shoot-down reaches all."""
    out = guest(64, "for i in $(seq 64); do taskset $(printf %x $((1 << i % 62))) true & done; wait;"
                    "echo ONLINE $(cat /sys/devices/system/cpu/online); /torture 3 16 | grep -E 'FAIL|WRONG|TORTURE'", 600)
    if "ONLINE 0-63" not in out or "TORTURE PASS" not in out:
        raise GuestError(out[-3000:])


if __name__ == "__main__":
    try:
        tests = [(f"eight processors, {ARGS.seconds} s", torture(None)), ("sixty-four processors", many)]
        if ARGS.seconds >= 60:
            tests.append((f"eight processors, interpreter, {ARGS.seconds} s", torture("interp")))
        sys.exit(run_tap(tests))
    finally:
        shutil.rmtree(TMP, ignore_errors=True)
