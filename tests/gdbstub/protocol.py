#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""protocol.py BINARY: the gdb stub packet by packet, under every accelerator that this host has.

One guest in long mode counts at a known address; what a breakpoint, a watchpoint, a step and a write do to it is known
exactly. Then what a debugger should not send."""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "guest"), os.path.join(HERE, "..", "hostile")]
import asm  # noqa: E402
from guest import Skip, run_tap, slowness  # noqa: E402
from linux import Qmp  # noqa: E402
from preludes import x64  # noqa: E402
from rsp import Rsp, framed  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
LOOP, STORE, LOAD, AFTER, JUMP = 0x104000, 0x104003, 0x10400b, 0x104013, 0x104014
COUNT, OTHER = 0x105000, 0x105008
RCX, RIP = 2, 16
PROGRAM = """
main:
    xor ecx, ecx
    jmp counting
    .org image + 0x4000, 0x90
counting:
    inc rcx
    mov [0x105000], rcx
    mov rax, [0x105008]
    nop
    jmp counting
    .org image + 0x5000, 0x90
    .quad 0, 0x1122334455667788
"""

# Asleep nearly always: the local APIC's timer wakes it, and it counts.
SLEEPER = """
main:
    mask_8259s
    interrupt 0x40, woken
    apic_periodic 0x40, 20000000
    jmp sleep
    .org image + 0x4000, 0x90
sleep:
    sti
    hlt
    inc qword ptr [0x105000]
    jmp sleep
woken:
    end_of_interrupt
    .org image + 0x5000, 0x90
    .quad 0
"""


class Debugged:
    """A machine with such a guest, stopped before its first instruction, and a debugger."""

    def __init__(self, accel, *options, binary=BINARY, program=PROGRAM):
        self.dir = tempfile.TemporaryDirectory(prefix="rhea-gdbstub-")
        d = self.dir.name
        image = asm.write(d, "image", asm.multiboot(x64() + program))
        self.gdb, self.qmp_path = f"{d}/gdb", f"{d}/qmp"
        self.p = subprocess.Popen(
            [binary, "-display", "none", "-nodefaults", "-m", "16", "-accel", accel, "-kernel", image, "-S", "-gdb",
             f"unix:{self.gdb},server=on,wait=off", "-qmp", f"unix:{self.qmp_path},server=on,wait=off", *options],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.r = self.connect()

    def connect(self):
        return Rsp(self.gdb, 30 * SLOW)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.p.poll() is None:
            self.p.kill()
        self.p.communicate()
        self.dir.cleanup()

    def at_loop(self):
        """Stopped at the loop's beginning by a breakpoint, which is gone again."""
        r = self.r
        r.cmd("qSupported:swbreak+;hwbreak+")
        r.ok(f"Z0,{LOOP:x},1")
        same(r.go(), "T05thread:01;swbreak:;")
        r.ok(f"z0,{LOOP:x},1")
        return r

    def ended(self):
        err = self.p.communicate(timeout=30 * SLOW)[1].decode()
        return self.p.returncode, err


def same(got, want):
    if got != want:
        raise AssertionError(f"{got!r}, not {want!r}")


def le64(data):
    return int.from_bytes(data, "little")


# ---- what a debugger does ----

def description(accel):
    with Debugged(accel, "-cpu", "max") as d:
        r = d.r
        root = ElementTree.fromstring(re.sub(r"<!DOCTYPE[^>]*>", "", r.description()))
        same(root.findtext("architecture"), "i386:x86-64")
        names = [f.get("name") for f in root.iter("feature")]
        for feature in ("core", "sse", "segments", *(["avx"] if accel == "tcg" else [])):
            assert f"org.gnu.gdb.i386.{feature}" in names, names
        regs = [(x.get("name"), int(x.get("bitsize"))) for x in root.iter("reg")]
        same(len(set(n for n, _ in regs)), len(regs))
        core = [int(x.get("bitsize")) for x in root.find("feature").iter("reg")]
        same(len(r.cmd("g")), sum(core) // 4)
        for n, (name, bits) in enumerate(regs):
            value = r.cmd(f"p{n:x}")
            same((name, len(value)), (name, bits // 4))
            same((name, r.cmd(f"P{n:x}={value}")), (name, "OK"))  # what it has it can be given
        same(r.cmd(f"p{len(regs):x}"), "E22")
        same(r.cmd(f"P{len(regs):x}=00"), "E22")
        number = {name: n for n, (name, _) in enumerate(regs)}
        same(r.reg(number["cr0"]) & 1, 1)
        for name, value in (("xmm3", "00112233445566778899aabbccddeeff"), ("ymm15h" if accel == "tcg" else "xmm15", "ff" * 16), ("r15", "8877665544332211"),
                            ("fs_base", "0010000000000000"), ("st2", "01020304050607800a40"), ("fctrl", "7f020000")):
            r.ok(f"P{number[name]:x}={value}")
            same(r.cmd(f"p{number[name]:x}"), value)
        r.ok(f"P{number['mxcsr']:x}=ffffffff")  # bits that would fault are not taken
        same(r.cmd(f"p{number['mxcsr']:x}"), "ffff0000")
        same(r.cmd(f"P{number['cr3']:x}=0000000000000000"), "OK" if r.reg(number["cr3"]) == 0 else "E22")
        all_of = r.cmd("g")
        r.ok(f"G{all_of}")
        same(r.cmd("g"), all_of)
        same(r.cmd(f"G{all_of[2:]}"), "E22")


def breakpoints(accel):
    with Debugged(accel) as d:
        r = d.at_loop()
        same((r.reg(RIP), r.reg(RCX)), (LOOP, 0))
        code = r.read(LOOP, 22)
        for kind in (0, 1):
            if r.cmd(f"Z{kind},{AFTER:x},1") != "OK":
                assert kind and accel == "kvm"  # the kernel need not have debug registers
                continue
            before = r.reg(RCX)
            same(r.read(LOOP, 22), code)  # breakpoints are not to be seen
            for turn in (1, 2):
                same(r.go(), f"T05thread:01;{('swbreak', 'hwbreak')[kind]}:;")
                same((r.reg(RIP), r.reg(RCX)), (AFTER, before + turn))
                r.ok(f"z{kind},{AFTER:x},1")
                same(r.go("vCont;s:1"), "T05thread:01;")
                same(r.reg(RIP), JUMP)
                r.ok(f"Z{kind},{AFTER:x},1")
            r.ok(f"z{kind},{AFTER:x},1")
        same(r.cmd(f"z0,{AFTER:x},1")[:2], "E.")
        same(r.cmd(f"Z9,{AFTER:x},1"), "")


def steps(accel):
    with Debugged(accel) as d:
        r = d.at_loop()
        for turn in range(3):
            for at in (STORE, LOAD, AFTER, JUMP, LOOP):
                same(r.go("s"), "T05thread:01;")
                same((r.reg(RIP), r.reg(RCX)), (at, turn + 1))
        same(r.go(f"s{LOAD:x}"), "T05thread:01;")
        same(r.reg(RIP), AFTER)
        same(r.cmd("qqemu.sstepbits"), "ENABLE=1,NOIRQ=2,NOTIMER=4")
        same(r.cmd("qqemu.sstep"), "0x7")
        r.ok("Qqemu.sstep=1")
        same(r.cmd("qqemu.sstep"), "0x1")
        same(r.go("s"), "T05thread:01;")
        same(r.cmd("Qqemu.sstep=8"), "E22")


def watchpoints(accel):
    with Debugged(accel) as d:
        r = d.at_loop()
        for kind, name, addr, at in ((2, "watch", COUNT, LOAD), (3, "rwatch", OTHER, AFTER), (4, "awatch", COUNT, LOAD),
                                     (4, "awatch", OTHER, AFTER)):
            answer = r.cmd(f"Z{kind},{addr:x},8")
            if answer != "OK":
                assert accel == "kvm" and answer.startswith("E."), answer
                continue
            for _ in range(2):
                before = r.reg(RCX)
                same(r.go(), f"T05thread:01;{name}:{addr:x};")
                same(r.reg(RIP), at)
                assert r.reg(RCX) - before <= 1
            r.ok(f"z{kind},{addr:x},8")
        if r.cmd(f"Z2,{COUNT + 7:x},1") == "OK":  # part of what is written
            same(r.go(), f"T05thread:01;watch:{COUNT + 7:x};")
            r.ok(f"z2,{COUNT + 7:x},1")
        if accel == "tcg":
            r.ok(f"Z2,{OTHER:x},8")  # is only read
            r.send("c")
            r.quiet(0.3)
            same(r.interrupt(), "T02thread:01;")


def memory(accel):
    with Debugged(accel) as d:
        r = d.at_loop()
        same(le64(r.read(OTHER, 8)), 0x1122334455667788)
        r.ok(f"M{OTHER:x},4:01020304")
        r.ok(f"X{OTHER + 4:x},4:".encode() + b"#$}*")
        same(r.read(OTHER, 8), b"\x01\x02\x03\x04#$}*")
        r.ok(f"X{OTHER:x},0:")
        r.ok(f"Z0,{AFTER:x},1")
        same(r.go(), "T05thread:01;swbreak:;")
        r.ok(f"M{AFTER:x},1:f4")  # hlt in place of nop, below the breakpoint
        same(r.read(AFTER, 1), b"\xf4")
        same(r.read(AFTER - 1, 3)[1:2], b"\xf4")
        r.ok(f"M{AFTER:x},1:90")
        r.ok(f"M{LOOP:x},3:48ffc9")  # dec rcx
        before = r.reg(RCX)
        same(r.go("s"), "T05thread:01;")
        same(r.go(), "T05thread:01;swbreak:;")
        same(r.reg(RCX), before - 1)
        r.ok(f"z0,{AFTER:x},1")
        assert r.read(0x7fffffff0000, 4) is None
        same(r.cmd("M7fffffff0000,1:00"), "E14")
        rom = r.read(0xffff0, 1)
        r.ok("Qqemu.PhyMemMode:1")
        same(r.cmd("qqemu.PhyMemMode"), "1")
        same(r.read(0xffff0, 1), rom)
        r.ok(f"Mffff0,1:{rom[0] ^ 0xff:02x}")  # a debugger writes to ROM
        same(r.read(0xffff0, 1)[0], rom[0] ^ 0xff)


def running(accel):
    """Ctrl-C, the monitor's stop, cont and reset, threads, output of monitor commands."""
    with Debugged(accel, "-smp", "2") as d:
        r = d.at_loop()
        qmp = Qmp(d.qmp_path)
        same((r.cmd("qfThreadInfo"), r.cmd("qsThreadInfo")), ("m01,02", "l"))
        same(bytes.fromhex(r.cmd("qThreadExtraInfo,2"))[:5], b"CPU#1")
        same((r.cmd("T1"), r.cmd("T2"), r.cmd("T3")), ("OK", "OK", "E22"))
        r.ok("Hg2")
        same(r.reg(RCX), 0)
        r.ok("Hg1")
        r.send("vCont;c")
        r.quiet(0.1)
        same(qmp.cmd("query-status")["status"], "running")
        same(r.interrupt(), "T02thread:01;")
        assert LOOP <= r.reg(RIP) <= JUMP and r.reg(RCX) > 0
        r.send("c")
        r.quiet(0.1)
        qmp.cmd("stop")
        same(r.reply(), b"T02thread:01;")
        qmp.cmd("cont")
        before = r.reg(RCX)  # it stops for that
        same(qmp.cmd("query-status")["status"], "paused")
        same(r.reg(RCX), before)
        r.ok(f"Z0,{LOOP:x},1")
        r.ok("z0,%x,1" % LOOP)
        r.ok(f"Z1,{LOOP:x},1") if accel == "tcg" else r.ok(f"Z0,{LOOP:x},1")
        r.send("vCont;c:2")  # the other one stays where it is
        r.quiet(0.2)
        same(r.interrupt(), "T02thread:01;")
        same(r.reg(RCX), before)
        qmp.cmd("system_reset")
        same(r.go()[:12], "T05thread:01")  # and the breakpoint is still there
        same((r.reg(RIP), r.reg(RCX)), (LOOP, 0))
        assert "RIP=0000000000104000" in r.monitor("info registers")
        r.monitor("cpu 1")
        assert "RIP=0000000000104000" not in r.monitor("info registers")
        assert "unknown command" in r.monitor("nonsense")
        assert "own connection" in r.monitor("gdbserver none")


def connections(accel):
    """One debugger after the other; a detached guest runs on without breakpoints; -gdb by the monitor."""
    with Debugged(accel) as d:
        r = d.at_loop()
        r.ok(f"Z0,{AFTER:x},1")
        r.close()  # without a word
        r = d.r = d.connect()
        same(r.cmd("?"), "T05thread:01;")
        r.send("c")
        r.quiet(0.3)
        same(r.interrupt(), "T02thread:01;")
        qmp = Qmp(d.qmp_path)
        r.ok(f"Z0,{JUMP + 0x20:x},1")  # nobody comes there
        r.send("c")
        qmp.event("RESUME")
        seen = len(qmp.events)
        r.close()  # while it runs: its breakpoints are taken while nothing runs
        qmp.event("RESUME", seen)
        same(qmp.cmd("query-status")["status"], "running")
        r = d.r = d.connect()
        same(r.cmd(f"z0,{JUMP + 0x20:x},1")[:2], "E.")
        r.ok(f"Z0,{AFTER:x},1")
        same(r.go()[:5], "T05th")
        r.ok("D")
        same(qmp.cmd("query-status")["status"], "running")
        r.close()
        r = d.r = d.connect()
        same(r.cmd("?"), "T05thread:01;")
        before = r.reg(RCX)
        assert before > 1
        say = qmp.cmd("human-monitor-command", **{"command-line": f"gdbserver unix:{d.gdb}2,server=on,wait=off"})
        same(say, f"Waiting for gdb connection on device 'unix:{d.gdb}2,server=on,wait=off'\n")
        other = Rsp(d.gdb + "2", 30 * SLOW)
        same(other.reg(RCX), before)
        say = qmp.cmd("human-monitor-command", **{"command-line": "gdbserver"})
        assert "'tcp:127.0.0.1:1234'" in say, say  # not for other hosts; if it is in use the error names it
        say = qmp.cmd("human-monitor-command", **{"command-line": "gdbserver none"})
        same(say, "Disabled gdbserver\n")
        same(other.reply(), b"W00")
        qmp.cmd("quit")
        same(d.ended(), (0, ""))


def endings(accel):
    with Debugged(accel) as d:
        d.at_loop()
        d.r.send("k")
        status, err = d.ended()
        same(status, 0)
        assert "debugger" in err, err
    with Debugged(accel) as d:
        r = d.at_loop()
        same(r.cmd("vKill;1"), "OK")
        same(d.ended()[0], 0)
    with Debugged(accel) as d:
        r = d.at_loop()
        r.send("c")
        r.quiet(0.1)
        Qmp(d.qmp_path).cmd("quit")
        same(r.reply(), b"W00")


def moves(accel):
    """A machine that goes on under the other accelerator keeps its breakpoints."""
    with Debugged(accel, "-cpu", "qemu64") as d:
        r = d.at_loop()
        qmp = Qmp(d.qmp_path)
        r.ok(f"Z0,{AFTER:x},1")
        code = r.read(LOOP, 22)
        for to in ("tcg", "kvm", "tcg") if accel == "kvm" else ("tcg",):
            qmp.cmd("accel-switch", accel=to)
            same(r.go(), "T05thread:01;swbreak:;")
            same(r.reg(RIP), AFTER)
            same(r.read(LOOP, 22), code)
            r.ok(f"z0,{AFTER:x},1")
            same(r.go("s"), "T05thread:01;")
            same(r.reg(RIP), JUMP)
            r.ok(f"Z0,{AFTER:x},1")
        if accel == "kvm":  # a watchpoint that the translator alone has
            r.ok(f"Z3,{OTHER:x},8")
            answer = qmp.raw("accel-switch", accel="kvm")
            assert "watchpoints" in answer["error"]["desc"], answer
            same(r.go()[:5], "T05th")


def count(qmp):
    return int(qmp.cmd("human-monitor-command", **{"command-line": f"xp /1gx {COUNT:#x}"}).split()[1], 16)


def shadow(accel):
    """The interrupt shadow of STI that one accelerator was stopped in ends under the other one, and does not come back."""
    if accel != "kvm":
        raise Skip("there is nothing to move to")
    with Debugged(accel, "-cpu", "qemu64", program=SLEEPER) as d:
        r, qmp = d.at_loop(), Qmp(d.qmp_path)
        same(r.go("s"), "T05thread:01;")
        same(r.reg(RIP), LOOP + 1)
        assert "II=1" in r.monitor("info registers")
        qmp.cmd("accel-switch", accel="tcg")
        r.send("c")
        for to in ("kvm", "tcg", "kvm"):
            time.sleep(0.1)
            qmp.cmd("accel-switch", accel=to)  # most likely asleep
            before, end = count(qmp), time.monotonic() + 10 * SLOW
            while count(qmp) < before + 2:
                assert time.monotonic() < end, f"asleep for ever under {to}"
        r.interrupt()


def as_qemu(accel):
    """The same packets to Debian's QEMU have the same answers."""
    judge = shutil.which("qemu-system-x86_64")
    if not judge:
        raise Skip("no qemu-system-x86_64")
    answers = []
    for binary in (judge, BINARY):
        with Debugged(accel, "-smp", "2", binary=binary) as d:
            r = d.r
            r.cmd("qSupported:xmlRegisters=i386")
            r.cmd("qXfer:features:read:target.xml:0,100")  # it answers `p` to those who asked
            said = [r.cmd(p) for p in (
                "?", "qC", "T1", "T2", "T3", "Hg1", "Hc0", "Hg9", "qAttached", "vCont?", "vMustReplyEmpty",
                "qqemu.sstepbits", f"m{OTHER:x},0", "m", "Z0", f"Z0,{LOOP:x},1",
                "c", f"m{LOOP:x},16", f"M{OTHER:x},2:abcd", f"m{OTHER:x},8", f"z0,{LOOP:x},1", "p10", "p2", "vCont;s:1", "p10", "s", "p10", f"Z2,{COUNT:x},8", "c", f"z2,{COUNT:x},8", "p10",
                f"Z4,{OTHER:x},4", "c", f"z4,{OTHER:x},4", "p10", "P2=0700000000000000", "p2", f"Z1,{LOOP:x},1", "vCont;c", "p2",
                "vCont;x", "qNothing", "m7fffffff0000,4")]
            r.ok(f"z1,{LOOP:x},1")
            r.send("c")
            time.sleep(0.05)
            answers.append([re.sub("watch:0*", "watch:", s) for s in [*said, r.interrupt()]])
    same(answers[1], answers[0])


# ---- what a debugger does not ----

def framing(accel):
    with Debugged(accel) as d:
        r = d.r
        r.raw(b"$?#00")
        same(r.byte(), b"-")
        r.raw(b"$?#zz")
        same(r.byte(), b"-")
        r.raw(b"garbage+++" + framed(b"qC"))
        same(r.reply(), b"QC01")
        r.raw(b"-")
        same(r.reply(), b"QC01")
        r.raw(b"$" + b"m" * 100000 + b"#%02x" % (100000 * ord("m") & 0xff))
        same(r.reply(), b"E22")
        r.ok("QStartNoAckMode")
        r.acks = False
        r.raw(framed(b"qC") * 50)
        for _ in range(50):
            same(r.reply(), b"QC01")
        for packet in ("m", "m1", "m1,", "m,1", "m1,2,3", "M0,2:00", "M0,1:0000", "Mx", "X0,2:1", "p", "pzz", "P", "P1", "P1=", "P1=0",
                       "G", "G00", "Gzz", "H", "Hx1", "Hg", "Hg9", "Hgffffffffffffffffff", "T", "T0", "Z", "Z0", "Z0,", "Z0,1",
                       "Z2,ffffffffffffffff,2", "Z2,0,0", "z0,0,1", "C", "Cx", "cx", "vCont;", "vCont;c:9", "vCont;c:x",
                       "qXfer:features:read:target.xml:", "qXfer:features:read:target.xml:ffffffffffffffff,1",
                       "qXfer:features:read:none:0,1", "qThreadExtraInfo,", "qThreadExtraInfo,9", "qRcmd,0", "qRcmd,zz",
                       "qRcmd,00", "Qqemu.sstep=", "Qqemu.PhyMemMode:2"):
            same((packet, r.cmd(packet)[:1]), (packet, "E"))
        for packet in ("", "\0", "R00", "!", "qNothing", "QNothing", "vMustReplyEmpty", "vFile:open:", "Z7,0,1", "j", "vCont;x"):
            same((packet, r.cmd(packet)), (packet, ""))
        same(len(r.read(LOOP, 0x100000)), 2048)  # as much as a packet has
        same(r.cmd("qC"), "QC01")


def garbage(accel):
    """Random packets, and packets changed at random: whatever they do, the stub answers afterwards."""
    rng = random.Random(7)
    seeds = [b"g", b"G" + b"0" * 552, b"m100000,40", b"M105000,4:00112233", b"X105000,4:abcd", b"p10", b"P2=0000000000000000",
             b"Hg1", b"Hc1", b"T1", b"Z0,104000,1", b"z0,104000,1", b"Z2,105000,8", b"z2,105000,8", b"vCont?", b"qC", b"?",
             b"qXfer:features:read:target.xml:0,200", b"qfThreadInfo", b"qRcmd,696e666f20737461747573", b"qSupported:x", b"s",
             b"vCont;s:1;c", b"qqemu.sstep=3"]
    with Debugged(accel) as d:
        r = d.r
        r.ok("QStartNoAckMode")
        for _ in range(1500):
            p = bytearray(rng.choice(seeds))
            for _ in range(rng.randrange(4)):
                p[rng.randrange(len(p)) if p else 0:] = bytes(rng.randrange(256) for _ in range(rng.randrange(4))) + p[1:]
                p = p or bytearray(b"?")
            if bytes(p[:1]) in b"kDcC" or p[:5] in (b"vKill", b"vCont"):
                continue
            r.raw(framed(bytes(p)) if rng.random() < 0.9 else bytes(p))
            if rng.random() < 0.1:
                r.raw(b"\x03")
            r.s.settimeout(0.001)
            try:
                r.s.recv(1 << 20)
            except TimeoutError:
                pass
        r.close()
        r = d.r = d.connect()
        same(r.cmd("?"), "T05thread:01;")
        same(len(r.cmd("g")), 552)


def options(accel):
    """What is refused, and in which words."""
    for extra, text in ((["-gdb", "nonsense:x"], "-gdb nonsense:x"), (["-M", "none", "-s"], "without any CPU"),
                        (["-gdb"], "needs a value")):
        p = subprocess.run([BINARY, "-display", "none", "-nodefaults", *extra], stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, timeout=60 * SLOW, check=False)
        same((p.returncode, text in p.stderr), (1, True))
    # The protocol on standard input and output; the guest runs until the debugger says something.
    p = subprocess.Popen([BINARY, "-display", "none", "-nodefaults", "-gdb", "stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL)
    time.sleep(0.1)
    p.stdin.write(framed(b"qC") + framed(b"k"))
    p.stdin.flush()
    same(p.wait(60 * SLOW), 0)
    assert framed(b"QC01") in p.stdout.read()


ALL = [description, breakpoints, steps, watchpoints, memory, running, connections, endings, moves, shadow]
ONCE = [as_qemu, framing, garbage, options]


def one(test, accel):
    def run():
        if accel == "kvm" and not os.access("/dev/kvm", os.R_OK | os.W_OK):
            raise Skip("no usable /dev/kvm")
        test(accel)
    return (f"{test.__name__.replace('_', ' ')}, {accel}", run)


if __name__ == "__main__":
    accels = sys.argv[2:] or ["tcg", "kvm"]
    tests = [one(t, a) for a in accels for t in ALL] + [one(t, "tcg") for t in ONCE]
    sys.exit(run_tap(tests))
