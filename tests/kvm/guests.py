#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""guests.py BINARY [name...]: guests under -accel kvm, judged by the translator.

Small guests (cases/*.s here, and those of ../hostile that this kernel's own emulation gets right)
run under both; what they print and how they end must be the same. Then instructions that the
kernel does not emulate, found by executing many; being called out of the guest at any moment;
firmware; and what is said where KVM is not used. Without a usable /dev/kvm all are skipped."""
import json
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "guest"), os.path.join(HERE, "..", "hostile"), HERE]
import asm  # noqa: E402
import insns  # noqa: E402
import judged  # noqa: E402
from guest import Guest, Skip, run_tap, slowness  # noqa: E402
from preludes import x64  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
BARE = ["-display", "none", "-nodefaults", "-m", "16"]
HOSTILE = ["alignment", "apic-storm", "code-in-rom", "ferr", "fwcfg-dma", "high-bytes16", "null-ltr",
           "page-fault-nesting", "rom", "self-map", "smc", "smm", "smm32", "timer-storm", "triple-fault",
           "triple-fault-reset"]


def need_kvm():
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise Skip("no usable /dev/kvm")


def run(accel, extra, seconds):
    return judged.run([BINARY, *BARE, "-accel", accel, *extra], seconds * SLOW)


def same(path):
    def test():
        need_kvm()
        source = judged.read_case(path)
        head = source[:source.index("*/")]
        option, image = judged.make_image(source)
        extra = asm.REPORT_ARGS + ([] if " reboot" in head else ["-no-reboot"]) + re.findall(r"arg (\S+)", head)
        with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d:
            file = asm.write(d, "image", image)
            got = run("kvm", [*extra, option, file], 60)
            judged.compare("KVM", got, run("tcg", [*extra, option, file], 30), "translator")
        return f"status {got[0]:#x}, {len(got[1])} bytes"
    return test


# ---- rescue ----

def results(out):
    return dict(line.split(b" ", 1) for line in out.split(b"\n") if b" " in line)


def rescue():
    """Every instruction has the translator's result, whoever executed it, and the log says who did."""
    need_kvm()
    names = [i for i, _ in insns.items()]
    with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d:
        file, log = asm.write(d, "image", asm.multiboot(x64() + insns.source())), f"{d}/log"
        extra = ["-no-reboot", *asm.REPORT_ARGS, "-kernel", file]
        want = run("tcg", extra, 30)
        got = run("kvm", [*extra, "-d", "unimp", "-D", log], 60)
        with open(log, encoding="utf-8") as f:
            failed = set(re.findall(r"KVM does not emulate the instruction at (0x[0-9a-f]+)", f.read()))
        ours, theirs = results(got[1]), results(want[1])
        wrong = [f"{names[int(n, 16)]}: {ours.get(n)} instead of {v}" for n, v in theirs.items() if ours.get(n) != v]
        if wrong or len(theirs) != len(names) or got[0] != want[0]:
            raise AssertionError(f"{len(theirs)} of {len(names)} results, status {got[0]} and {want[0]}\n" + "\n".join(wrong))
    return f"{len(names)} instructions, the kernel failed at {len(failed)} addresses"


def rescue_off():
    """Without rescue the machine stops at the first one and says so."""
    need_kvm()
    with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d:
        file = asm.write(d, "image", asm.multiboot(x64() + insns.source()))
        with Guest([BINARY, *BARE, "-accel", "kvm,rescue=off", "-monitor", "stdio", "-kernel", file]) as g:
            if not g.appears("KVM internal error. Suberror: 1", 20 * SLOW):
                raise Skip("this kernel emulates everything")
            for _ in range(100):
                time.sleep(0.05 * SLOW)
                g.send("info status\n")
                if b"internal-error" in g.expect("VM status: ([^\r\n]*)", 10 * SLOW).group(1):
                    break
            else:
                raise AssertionError("the machine goes on")
            g.send("quit\n")
            if g.wait(10 * SLOW):
                raise AssertionError("status after quit")


# ---- called out ----

SPIN = """
    main:
        put 1
    1:  inc dword ptr [0x300000]
        pause
        jmp 1b
"""
HALT = """
    main:
        put 1
        cli
    1:  hlt
        jmp 1b
"""


class Qmp(Guest):
    def __init__(self, argv):
        super().__init__([BINARY, *BARE, *argv, "-qmp", "stdio"])
        self.expect("QMP", 10 * SLOW)
        self.do("qmp_capabilities")

    def do(self, command, **arguments):
        self.send(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        m = self.expect(r'\{"(return|error)": (.*)\}\r?\n', 20 * SLOW)
        if m.group(1) == b"error":
            raise AssertionError(f"{command}: {m.group(2)}")
        return m.group(2)


def kicks(source):
    """Stop, registers, reset, go on, again and again, and quit in whatever state."""
    def test():
        need_kvm()
        with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d:
            file = asm.write(d, "image", asm.multiboot(x64() + source))
            with Qmp(["-accel", "kvm", "-smp", "2", "-kernel", file]) as g:
                fds = len(os.listdir(f"/proc/{g.p.pid}/fd"))
                for i in range(120):
                    g.do("stop")
                    g.do("human-monitor-command", **{"command-line": "info registers"})
                    if i % 8 == 3:
                        g.do("system_reset")
                    g.do("cont")
                    g.do("human-monitor-command", **{"command-line": "info registers"})
                if len(os.listdir(f"/proc/{g.p.pid}/fd")) != fds:
                    raise AssertionError("file descriptors leak")
                g.do("quit")
                if g.wait(10 * SLOW):
                    raise AssertionError("status after quit")
    return test


def counts_on():
    """What a guest counted stands still while it is stopped, and goes on from there."""
    need_kvm()
    with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d:
        file = asm.write(d, "image", asm.multiboot(x64() + SPIN))
        with Qmp(["-accel", "kvm", "-kernel", file]) as g:
            def count():
                text = g.do("human-monitor-command", **{"command-line": "xp /1wx 0x300000"})
                return int(re.search(rb": 0x([0-9a-f]+)", text).group(1), 16)
            seen = 0
            for _ in range(20):
                g.do("stop")
                a, b = count(), count()
                if a != b or a < seen:
                    raise AssertionError(f"{seen}, {a}, {b}")
                seen = a
                g.do("cont")
            while count() == seen:
                pass
            g.do("quit")


# ---- firmware, and the command line ----

def seabios(board):
    def test():
        need_kvm()
        argv = [BINARY, "-display", "none", "-nodefaults", "-m", "64", "-no-reboot", "-M", board, "-accel", "kvm",
                "-chardev", "stdio,id=d", "-device", "isa-debugcon,iobase=0x402,chardev=d"]
        with Guest(argv) as g:
            g.expect("SeaBIOS", 60 * SLOW)
            g.expect("No bootable device", 120 * SLOW)
    return test


def says(argv, status, text, binary=BINARY):
    def test():
        need_kvm()
        r = subprocess.run([binary, *BARE, *argv], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
                           timeout=30 * SLOW)
        if r.returncode != status or not re.search(text, r.stderr):
            raise AssertionError(f"{argv}: status {r.returncode}, {r.stderr!r}")
    return test


def arm(argv, text, status=1):
    return says(argv, status, text, os.path.join(os.path.dirname(os.path.abspath(BINARY)), "rhea-system-aarch64"))


def alternatives():
    """-accel kvm -accel tcg, -machine accel=kvm:tcg and -enable-kvm choose KVM where it is."""
    need_kvm()
    for argv in (["-accel", "kvm", "-accel", "tcg"], ["-machine", "pc,accel=kvm:tcg"], ["-enable-kvm"]):
        with Qmp(["-S", *argv]) as g:
            if b'"enabled": true' not in g.do("query-kvm"):
                raise AssertionError(f"{argv}: KVM is not used")
            text = g.do("human-monitor-command", **{"command-line": "info kvm"})
            if b"kernel-irqchip: off" not in text or b"memory slots: " not in text:
                raise AssertionError(text)
            g.do("quit")


def main():
    tests = [(f, same(f"{HERE}/cases/{f}.s")) for f in ("io", "smp", "ring3")]
    tests += [(f"hostile: {f}", same(f"{HERE}/../hostile/cases/{f}.s")) for f in HOSTILE]
    tests += [
        ("rescue", rescue), ("rescue=off", rescue_off), ("stop and go while it spins", kicks(SPIN)),
        ("stop and go while it sleeps", kicks(HALT)), ("the count goes on", counts_on),
        ("SeaBIOS on pc", seabios("pc")), ("SeaBIOS on q35", seabios("q35")), ("which accelerator", alternatives),
        ("controllers in the kernel are refused", says(["-accel", "kvm,kernel-irqchip=on"], 1, "not used yet")),
        ("unknown option", says(["-accel", "kvm,rescu=on"], 1, "option 'rescu=on' is not known")),
        ("-cpu host elsewhere", says(["-accel", "tcg", "-cpu", "host"], 1, "'host' requires KVM")),
        ("another architecture", arm(["-M", "virt", "-accel", "kvm"], "KVM runs x86_64 guests")),
    ]
    names = sys.argv[2:]
    sys.exit(run_tap([t for t in tests if not names or t[0] in names]))


if __name__ == "__main__":
    main()
