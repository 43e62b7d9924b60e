#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""coalesced.py BINARY [name...]: stores that do not leave the guest (cases/coalesced.s).

Without a usable /dev/kvm, or where the kernel does not coalesce stores to ports, all are skipped."""
import sys
import tempfile

from guests import HERE, KERNELS, OURS, Skip, need_kvm, run_tap, same
from watched import Watched, moves

CASE = f"{HERE}/cases/coalesced.s"
# Indices without data, which nothing else brings out of the guest.
INDICES = """
        .set ROUNDS, 0x300040
    main:
        put 1
        mov al, 0x60
        out 0x70, al
        mov al, 0x11
        out 0x71, al                    /* comes out */
        mov al, 0x61
        out 0x70, al
        mov al, 0x22
        out 0x71, al
        mov al, 0x60
        out 0x70, al
        mov dword ptr [ROUNDS], 1
    1:  pause
        jmp 1b
"""


def pairs(directory, *argv):
    """The case without an end."""
    with open(CASE, encoding="ascii") as f:
        g = Watched(directory, "        .set FOREVER, 1\n" + f.read(), *argv)
    if "coalesced ports: yes" not in g.monitor("info kvm"):
        g.quit()
        raise Skip("this kernel does not coalesce stores to ports")
    return g


def counted(accel):
    """In a round are two accesses to data, and 50 stores of indices or, in one of 16, 602, for which the ring is too small."""
    def test():
        need_kvm()
        with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d, pairs(d, "-accel", accel) as g:
            def now():
                g.q.do("stop")
                n = sum(g.rounds()), g.told(r"exits: port: (\d+)"), g.told(r"coalesced stores: (\d+), to 1 place")
                g.q.do("cont")
                return n

            g.progress()
            before = now()
            g.progress(64)
            rounds, exits, stores = (a - b for a, b in zip(now(), before))
            g.quit()
        if not rounds * 2 - 2 <= exits <= rounds * 3 or not rounds * 60 <= stores <= rounds * 100:
            raise AssertionError(f"{exits} exits and {stores} coalesced stores in {rounds} rounds")
        return f"{exits} exits and {stores} coalesced stores in {rounds} rounds"
    return test


def monitor_sees():
    """The monitor's accesses come behind what the guest stored before them."""
    need_kvm()
    with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d, Watched(d, INDICES, "-accel", "kvm") as g:
        if "coalesced ports: yes" not in g.monitor("info kvm"):
            raise Skip("this kernel does not coalesce stores to ports")
        while g.word(0x300040) != 1:
            pass
        before = g.told(r"coalesced stores: (\d+)")
        for port, answer in (("0x71", "0x11"), ("0x70.0x61", "0x22"), ("0x71", "0x22")):
            said = g.monitor(f"i /b {port}")
            if answer not in said:
                raise AssertionError(f"i /b {port}: {said}, not {answer}")
        if g.told(r"coalesced stores: (\d+)") != before + 1:
            raise AssertionError("the last index did not wait")
        g.quit()


def main():
    tests = [("as under the translator", same(CASE)), ("as under the translator, our APICs", same(CASE, OURS)),
             ("indices do not leave the guest", counted("kvm")), ("all controllers in the kernel", counted(KERNELS)),
             ("the monitor sees what waits", monitor_sees),
             ("accelerators and resets", moves(pairs, "kvm", 2, 16)),
             ("accelerators and resets, our APICs", moves(pairs, OURS, 2, 16))]
    names = sys.argv[2:]
    sys.exit(run_tap([t for t in tests if not names or t[0] in names]))


if __name__ == "__main__":
    main()
