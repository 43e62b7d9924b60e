#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""controllers.py BINARY [name...]: info lapic, info pic and info irq, under the translator and KVM, judged by Debian's QEMU.

A guest gives its controllers something to tell and halts; wherever they are, the same must be told."""
import os
import re
import shutil
import sys
import tempfile
import time

from guests import BARE, BINARY, KERNELS, OURS, SLOW, Guest, Skip, asm, need_kvm, run_tap, x64

SOURCE = """
    main:
        cli
        mov qword ptr [0x300000], 0
        interrupt 0x81, ignored
        .macro outb port, value
        mov al, \\value
        mov dx, \\port
        out dx, al
        .endm
        .macro lapic reg, value
        mov dword ptr [rdi + \\reg], \\value
        .endm
        .macro ioapic reg, value
        mov dword ptr [rsi], \\reg
        mov dword ptr [rsi + 16], \\value
        .endm
        outb 0x43, 0x30                 /* the 8254's output is low, and stays so */
        outb 0x20, 0x11
        outb 0x21, 0x20
        outb 0x21, 0x04
        outb 0x21, 0x01
        outb 0xa0, 0x11
        outb 0xa1, 0x28
        outb 0xa1, 0x02
        outb 0xa1, 0x11                 /* nested */
        outb 0x21, 0xff
        outb 0xa1, 0x7f
        outb 0x20, 0x0b                 /* reads the ISR */
        outb 0x20, 0xc3                 /* 3 is the lowest */
        outb 0x4d0, 0x20
        outb 0x4d1, 0x0c
        mov edi, 0xfee00000
        mov esi, 0xfec00000
        lapic 0xf0, 0x1fa
        lapic 0x80, 0x20
        lapic 0xe0, 0xffffffff
        lapic 0xd0, 0x01000000
        lapic 0x350, 0x1a700
        lapic 0x360, 0x400
        lapic 0x370, 0xfe
        lapic 0x340, 0x10400
        lapic 0x330, 0x100fa
        lapic 0x3e0, 3
        lapic 0x320, 0x300ee            /* periodic, masked */
        ioapic 0, 0x02000000
        ioapic 0x1a, 0x1a165            /* pin 5: level, low, lowest priority, masked */
        ioapic 0x19, 0
        ioapic 0x18, 0x8061             /* pin 4: level */
        outb 0x3fc, 8                   /* the serial port's interrupt: it has nothing to send */
        outb 0x3f9, 2
        lapic 0x310, 0
        lapic 0x300, 0x44081
        sti
    1:  pause
        cmp dword ptr [0x300004], 1
        jne 1b
        cli
        lapic 0x300, 0x44055
        lapic 0x310, 0x01000000
        lapic 0x300, 0x4842             /* logical */
        ioapic 0x22, 0x10999
        ioapic 0x23, 0x05000000
        mov eax, [rdi + 0x140]          /* vector 81h's part of the ISR */
        mov [0x300008], eax
        mov dword ptr [0x300000], 0x600d
    1:  hlt
        jmp 1b
    ignored:                            /* and without its end */
        mov dword ptr [0x300004], 1
        iretq
"""


class Monitor(Guest):
    """A machine and its monitor."""
    def __init__(self, program, argv):
        super().__init__([program, *BARE, "-serial", "null", "-monitor", "stdio", *argv])
        self.expect(r"\(qemu\) ", 20 * SLOW)

    def do(self, line):
        self.send(line + "\n")
        self.expect(re.escape(line) + r"[^\n]*\n", 10 * SLOW)
        return self.expect(r"(?s)(.*?)\(qemu\) ", 10 * SLOW).group(1).decode().replace("\r", "")


def told(program, accel):
    """Of the halted guest: blocks of lines, by what they begin with."""
    with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d:
        file = asm.write(d, "image", asm.multiboot(x64() + SOURCE))
        with Monitor(program, ["-M", "pc", "-accel", accel, "-kernel", file]) as g:
            end = time.monotonic() + 20 * SLOW
            while "0x0000600d" not in g.do("xp /1wx 0x300000"):
                if time.monotonic() > end:
                    raise AssertionError("the guest does not get there: " + g.do("info registers"))
            text = {name: g.do(f"info {name}") for name in ("lapic", "pic", "irq")}
            text["nobody"] = g.do("info lapic 9")
            if "0x00000002" not in g.do("xp /1wx 0x300008"):  # the software KVM of some nested hosts forgets it
                text["lapic"] = re.sub(r"ISR\t \(none\)", "ISR\t 129 ", text["lapic"]).replace("PPR 0x20", "PPR 0x80")
            g.send("quit\n")
            if g.wait(10 * SLOW):
                raise AssertionError("status after quit")
    return text


def blocks(text):
    """The controllers of `info pic` in any order; its version tells whose I/O APIC it is."""
    parts = re.split(r"(?m)^(?=\S)", text)
    parts = [re.sub("ver=0x(11|20)", "ver=", p) for p in parts]
    # The 8254's last edge may have come before or after the 8259 was told to forget.
    return sorted(re.sub("(?<=pic0: irr=1)[01]", "x", p) for p in parts)


def judged(accel, version="0x20"):
    def test():
        if accel != "tcg":
            need_kvm()
        if not shutil.which("qemu-system-x86_64"):
            raise Skip("no QEMU to judge")
        want, got = told("qemu-system-x86_64", "tcg"), told(os.path.abspath(BINARY), accel)
        for name in ("lapic", "nobody"):
            if got[name] != want[name]:
                raise AssertionError(f"{name}:\n{got[name]}\nand not\n{want[name]}")
        if blocks(got["pic"]) != blocks(want["pic"]) or f"ver={version} " not in got["pic"]:
            raise AssertionError(f"pic:\n{got['pic']}\nand not\n{want['pic']}")
        if "IRQ statistics for ioapic:" not in got["irq"] or not re.search(r"(?m)^ 4: [1-9]", got["irq"]):
            raise AssertionError(got["irq"])
    return test


def no_local_apics():
    """Processors of other architectures."""
    arm = os.path.join(os.path.dirname(os.path.abspath(BINARY)), "rhea-system-aarch64")
    with Monitor(arm, ["-M", "virt", "-accel", "tcg", "-S"]) as g:
        if "no local APICs" not in g.do("info lapic"):
            raise AssertionError("it tells of local APICs")
        g.send("quit\n")
        g.wait(10 * SLOW)


def main():
    tests = [("the translator", judged("tcg")), ("KVM: local APICs in the kernel", judged("kvm")), ("KVM: our APICs", judged(OURS)),
             ("KVM: all controllers in the kernel", judged(KERNELS, "0x11")), ("an Arm machine", no_local_apics)]
    names = sys.argv[2:]
    sys.exit(run_tap([t for t in tests if not names or t[0] in names]))


if __name__ == "__main__":
    main()
