#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""moments.py BINARY [--times N] [--seed N]: a machine under -accel kvm is called out at random moments.

A guest of two processors that spin, sleep, take a timer's interrupts or talk to a port is stopped, reset, moved to the
translator and back, asked for its registers; then it is told to quit, sent SIGTERM, SIGINT or SIGKILL, or its monitor's
connection ends. It must always end in time, and however long it lives it has no more threads or file descriptors
than at first. Without a usable /dev/kvm all are skipped."""
import argparse
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "guest"), os.path.join(HERE, "..", "hostile")]
import asm  # noqa: E402
from guest import Skip, run_tap, slowness  # noqa: E402
from linux import Qmp  # noqa: E402
from preludes import x64  # noqa: E402

# A timer's interrupt on the first processor; both spin, sleep and read a port in turn.
LOOP = """
    main:
        mask_8259s
        interrupt 0x30, tick
        mov qword ptr [second_entry], offset other
        call start_second
        apic_periodic 0x30, 200000
    1:  sti
        hlt
        cli
        call busy
        jmp 1b
    other:
        mov esp, STACK - 0x2000
    1:  call busy
        jmp 1b
    busy:
        mov ecx, 3000
    1:  inc rax
        pause
        loop 1b
        in al, 0x80
        lock inc dword ptr [0x300000]
        ret
    tick:
        end_of_interrupt
"""
ENDS = ("quit", "SIGTERM", "SIGINT", "SIGKILL", "hang up")


class Life:
    """One process, from its start to one of ENDS."""

    def __init__(self, binary, image, directory, slow):
        self.slow, path = slow, f"{directory}/qmp"
        if os.path.exists(path):
            os.unlink(path)
        self.p = subprocess.Popen(
            [binary, "-display", "none", "-nodefaults", "-m", "16", "-smp", "2", "-accel", "kvm", "-kernel", image,
             "-qmp", f"unix:{path},server=on,wait=off"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.qmp = Qmp(path, timeout=20 * slow)
        self.accel = "kvm"

    def counts(self):
        return [len(os.listdir(f"/proc/{self.p.pid}/{d}")) for d in ("fd", "task")]

    def deed(self, rng):
        what = rng.choice(("stop", "reset", "registers", "move"))
        if what == "stop":
            self.qmp.cmd("stop")
            time.sleep(rng.uniform(0, 0.002))
            self.qmp.cmd("cont")
        elif what == "reset":
            self.qmp.cmd("system_reset")
        elif what == "registers":
            self.qmp.cmd("human-monitor-command", **{"command-line": "info registers -a"})
        else:
            self.accel = "tcg" if self.accel == "kvm" else "kvm"
            self.qmp.cmd("accel-switch", accel=self.accel)

    def end(self, how):
        if how == "quit":
            self.qmp.cmd("quit")
        elif how == "hang up":
            self.qmp.s.shutdown(socket.SHUT_RDWR)
            time.sleep(0.001)
            self.p.terminate()
        else:
            self.p.send_signal(getattr(signal, how))
        status = self.p.wait(20 * self.slow)
        if status != (-signal.SIGKILL if how == "SIGKILL" else 0):
            raise AssertionError(f"status {status} after {how}: {self.p.stderr.read()}")


def in_guest(args, job):
    """job(life, rng) for as many lives as it wants; what went wrong is told with the seed."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise Skip("no usable /dev/kvm")
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory(prefix="rhea-moments-") as d:
        image = asm.write(d, "image", asm.multiboot(x64() + LOOP))
        for i in itertools.count():
            life = Life(args.binary, image, d, slowness(args.binary))
            try:
                if not job(life, rng, i):
                    return
            except (AssertionError, OSError, subprocess.TimeoutExpired, json.JSONDecodeError) as e:
                raise AssertionError(f"life {i} of seed {args.seed}: {e}") from e
            finally:
                life.p.kill()
                life.p.wait()
                life.p.stderr.close()


def lives(args):
    """Many that end soon."""
    def one(life, rng, number):
        for _ in range(rng.randint(0, 8)):
            time.sleep(rng.uniform(0, 0.004))
            life.deed(rng)
        time.sleep(rng.uniform(0, 0.004))
        life.end(rng.choice(ENDS))
        return number + 1 < args.times

    def test():
        in_guest(args, one)
        return f"{args.times} lives, seed {args.seed}"
    return test


def long_life(args):
    """One with many deeds; what its first round opened (the translator, say) is all there ever is."""
    def one(life, rng, _):
        for accel in ("tcg", "kvm"):
            life.qmp.cmd("accel-switch", accel=accel)
            life.qmp.cmd("system_reset")
        before = life.counts()
        for _ in range(4 * args.times):
            life.deed(rng)
        if life.counts() != before:
            raise AssertionError(f"descriptors and threads: {before}, then {life.counts()}")
        life.end("quit")

    def test():
        in_guest(args, one)
        return f"{4 * args.times} deeds, seed {args.seed}"
    return test


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("binary")
    ap.add_argument("--times", type=int, default=60)
    ap.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    args = ap.parse_args()
    return run_tap([("random moments", lives(args)), ("descriptors and threads", long_life(args))])


if __name__ == "__main__":
    sys.exit(main())
