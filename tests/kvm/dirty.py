#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""dirty.py BINARY [name...]: calc-dirty-rate under -accel kvm, by bitmap and by ring, and under the translator.

Two processors write to each page of 64 MiB each, once, and sleep. So it is known how much was written, and a page that is
not told is missing. Without a usable /dev/kvm those under KVM are skipped."""
import re
import sys
import tempfile
import time

from guests import BINARY, SLOW, Qmp, asm, json, need_kvm, run_tap, x64

PAGES = """
        .set DONE, 0x300000
        .set FIRST, 0x1000000
        .set SIZE, 0x4000000
    main:
        mov dword ptr [DONE], 0
        mov qword ptr [second_entry], offset other
        call start_second
        mov edi, FIRST
        jmp pages
    other:
        mov edi, FIRST + SIZE
    pages:
        mov ecx, SIZE / 4096
        rdtsc                           /* not what is there already */
        or eax, 1
    1:  mov [rdi], eax
        add rdi, 4096
        loop 1b
        lock inc dword ptr [DONE]
        cli
    1:  hlt
        jmp 1b
"""
MIB = 128


class Machine(Qmp):
    def __init__(self, directory, accel):
        image = asm.write(directory, "image", asm.multiboot(x64() + PAGES))
        super().__init__(["-m", "160", "-smp", "2", "-S", "-accel", accel, "-kernel", image])

    def monitor(self, line):
        return self.do("human-monitor-command", **{"command-line": line}).decode()

    def written(self):
        """Until both processors have done it."""
        end = time.monotonic() + 20 * SLOW
        while ": 0x00000002" not in self.monitor("xp /1wx 0x300000"):
            if time.monotonic() > end:
                    raise AssertionError("the guest writes still\n" + self.monitor("info kvm") + self.monitor("info registers -a"))
            time.sleep(0.01)

    def result(self):
        while True:
            r = json.loads(self.do("query-dirty-rate"))
            if r["status"] == "measured":
                return r
            time.sleep(0.05)

    def end(self):
        self.do("quit")
        if self.wait(10 * SLOW):
            raise AssertionError("status after quit")


def measure(accel, mode, moves=(), least=MIB, most=MIB + 3, **more):
    """What is told of the known writes; moves: accelerators meanwhile, after the guest wrote."""
    if accel.startswith("kvm"):
        need_kvm()
    with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d, Machine(d, accel) as g:
        began = time.monotonic()
        g.do("calc-dirty-rate", **{"calc-time": 1, "mode": mode, **more})
        g.do("cont")
        g.written()
        took = time.monotonic() - began
        for to in moves:
            g.do("accel-switch", accel=to)
        r, full = g.result(), g.monitor("info kvm")
        latest = time.monotonic() - began
        rate = r["dirty-rate"]
        # all of it, in the time it took; and what the machine needs beside, which is little
        if took < 1 and not least / latest * 0.98 - 1 <= rate <= most:
            raise AssertionError(f"{r}, of {MIB} MiB in {latest:.2f} s")
        g.end()
    return r, full


def bitmap(accel, moves=()):
    def test():
        r, _ = measure(accel, "dirty-bitmap", moves)
        return f"{r['dirty-rate']} MiB/s"
    return test


def sampling():
    """2560 of 40960 pages: 1.3 MiB is the deviation to be expected, and five times that is let pass."""
    r, _ = measure("tcg", "page-sampling", least=MIB - 7, most=MIB + 9, **{"sample-pages": 16384})
    return f"{r['dirty-rate']} MiB/s"


def ring():
    """Each processor wrote a half."""
    r, _ = measure("kvm,dirty-ring-size=65536", "dirty-ring")
    each = [v["dirty-rate"] for v in r["vcpu-dirty-rate"]]
    if len(each) != 2 or any(abs(2 * v - r["dirty-rate"]) > 8 for v in each):
        raise AssertionError(f"{r}")
    return f"{r['dirty-rate']} MiB/s, {each}"


def small_ring():
    """Rings of 1024 entries are full again and again. (Where the kernel lets them overflow, more is told than was written.)"""
    r, info = measure("kvm,dirty-ring-size=1024", "dirty-ring", most=160)
    full = re.search(r"exits: dirty ring full: (\d+)", info)
    if not full or int(full.group(1)) < 4:
        raise AssertionError(info)
    return f"{r['dirty-rate']} MiB/s, full {full.group(1)} times, " + re.search(r"\d+ overflows", info).group(0)


def refused():
    """What cannot be, and what is going on."""
    need_kvm()
    for accel, what in (("kvm", "dirty-ring"), ("kvm,dirty-ring-size=1024", "dirty-bitmap"), ("tcg", "dirty-ring")):
        with Qmp(["-S", "-accel", accel]) as g:
            for args, text in (({"calc-time": 1, "mode": what}, f"mode {what} is not enabled"), ({"calc-time": 0}, "out of range"),
                               ({"calc-time": 1, "sample-pages": 5}, "sample-pages is out of range"),
                               ({"calc-time": 1, "sample-pages": 500, "mode": "dirty-ring"}, "either sample-pages or")):
                try:
                    g.do("calc-dirty-rate", **args)
                except AssertionError as e:
                    if text not in str(e):
                        raise
                else:
                    raise AssertionError(f"{args}: no error")
            g.do("human-monitor-command", **{"command-line": "calc_dirty_rate 1"})
            try:
                g.do("calc-dirty-rate", **{"calc-time": 1})
            except AssertionError as e:
                if "goes on still" not in str(e):
                    raise
            g.do("quit")


def main():
    tests = [("bitmap", bitmap("kvm")), ("ring", ring), ("small ring", small_ring), ("the translator", bitmap("tcg")), ("page sampling", sampling),
             ("bitmap, then the translator", bitmap("kvm", ("tcg",))),
             ("bitmap, then the translator and back", bitmap("kvm", ("tcg", "kvm"))), ("refused", refused)]
    names = sys.argv[2:]
    sys.exit(run_tap([t for t in tests if not names or t[0] in names]))


if __name__ == "__main__":
    main()
