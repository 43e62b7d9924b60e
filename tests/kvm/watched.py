# SPDX-License-Identifier: GPL-2.0-or-later
"""A small guest on two processors that goes on for ever and checks itself, and what is asked of it meanwhile.

It counts its processors' rounds at 300040h and 300080h; where something is wrong, the word at 300000h is not 0."""
import re
import tempfile
import time

from guests import SLOW, Qmp, asm, need_kvm, x64

COUNTERS = (0x300040, 0x300080)


class Watched:
    def __init__(self, directory, source, *argv):
        image = asm.write(directory, "image", asm.multiboot(x64() + source))
        self.q = Qmp(["-smp", "2", *argv, "-kernel", image])

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.q.__exit__(*what)

    def monitor(self, line):
        return self.q.do("human-monitor-command", **{"command-line": line}).decode()

    def word(self, addr):
        return int(re.search(r": 0x([0-9a-f]+)", self.monitor(f"xp /1wx {addr:#x}")).group(1), 16)

    def rounds(self):
        return [self.word(a) for a in COUNTERS]

    def progress(self, rounds=1):
        """Until each processor did so many rounds more."""
        before, end = self.rounds(), time.monotonic() + 20 * SLOW
        while time.monotonic() < end:
            now = self.rounds()
            if self.word(0x300000):
                raise AssertionError(f"wrong: {self.word(0x300000)} after {now}")
            before = [min(pair) for pair in zip(now, before)]  # it was reset, and has just begun
            if all(a - b >= rounds for a, b in zip(now, before)):
                return now
        said = self.monitor("info registers -a") + self.monitor("info qtree")
        raise AssertionError(f"stands still: {before}, {now}\n" + said.replace("\\n", "\n"))

    def told(self, pattern):
        m = re.search(pattern, self.monitor("info kvm"))
        return int(m.group(1)) if m else 0

    def quit(self):
        self.q.do("quit")
        if self.q.wait(10 * SLOW):
            raise AssertionError("status after quit")


def moves(make, accel, rounds=20, times=40):
    """To the translator and back, stopped, reset: nothing is lost. make: of a directory and the arguments, a Watched."""
    def test():
        need_kvm()
        with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d, make(d, "-accel", accel) as g:
            for i in range(times):
                g.q.do("accel-switch", accel=("tcg", "kvm")[i % 2])
                if i % 8 == 5:
                    g.q.do("system_reset")
                if i % 4 == 1:
                    g.q.do("stop")
                    g.q.do("cont")
                g.progress(rounds)
            g.quit()
    return test
