#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An independent judge for the ISA chips: random accesses to ours and to Debian's QEMU.

Both start from reset with their clocks standing still and get the same sequence of port accesses;
every read must give the same. Where the two are known to differ on purpose, the generator stays away
and says why.
Prints TAP; skips without qemu-system-x86_64. Usage: judge.py PORTSERVER [SEED]
"""

import random
import re
import shutil
import subprocess
import sys

ROUNDS = 12
STEPS = 250


class Peer:
    def __init__(self, argv):
        self.p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True, bufsize=1)

    def say(self, line):
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()
        while True:
            answer = self.p.stdout.readline()
            if not answer:
                raise RuntimeError("no answer to " + line)
            if answer.startswith(("OK", "FAIL", "ERR")):
                m = re.match(r"OK 0x([0-9a-fA-F]+)", answer)
                return int(m.group(1), 16) if m and line.startswith("in") else None

    def close(self):
        self.p.stdin.close()
        self.p.terminate()
        self.p.wait()


# Each generator yields commands; the name says which chip.

def pic(r):
    """ICWs, OCWs, polls; interrupts come from the keyboard controller (IRQ 1).

    Nothing on the slave: QEMU's master keeps an edge of the slave's INT although it fell again (data
    sheet: IR2 must stay high until INTA), and its poll of IR2 serves the slave too.
    """
    for base, icw2, icw3 in ((0x20, 0x08, 4), (0xa0, 0x70, 2)):
        yield f"outb {base} 0x11"
        yield f"outb {base + 1} {icw2}"
        yield f"outb {base + 1} {icw3}"
        yield f"outb {base + 1} {r.choice([1, 1, 3])}"
    for _ in range(STEPS):
        port = r.choice([0x20, 0xa0])
        k = r.randrange(10)
        if k < 3:
            # No special mask mode: there, QEMU's non-specific EOI clears masked levels (data sheet: not).
            v = r.choice([0x0a, 0x0b, 0x0c, 0x48, 0x08])
            yield f"outb {port} {v}"
            yield f"inb {port}"
        elif k < 5:
            # rotate in AEOI mode (0x00, 0x80) and priority commands
            yield f"outb {port} {r.choice([0x20, 0x60, 0xa0, 0xe0, 0xc0, 0x00, 0x80]) | r.randrange(8)}"
        elif k < 7:
            yield f"outb {port + 1} {r.choice([0, 0xff, r.randrange(256)])}"
        elif k < 8:
            yield f"inb {port + 1}"
        else:
            yield f"outb 0x64 {0xd2}"  # a byte as if from the keyboard
            yield f"outb 0x60 {r.randrange(256)}"
            yield f"inb 0x60"
        yield "inb 0x20"
        yield "inb 0xa0"


def pit(r):
    """Latched counts and status of all channels, binary, in the modes without surprises."""
    mode = {}
    for c in range(3):
        # A new count in modes 2 and 3 waits for the end of the period in ours; so give it once.
        mode[c] = r.choice([0, 2, 3, 4]) if c < 2 else r.choice([0, 2, 4])
        yield f"outb 0x43 {c << 6 | 0x30 | mode[c] << 1}"
        count = r.randrange(2, 65536) & ~1
        yield f"outb {0x40 + c} {count & 255}"
        yield f"outb {0x40 + c} {count >> 8}"
    yield "outb 0x61 1"
    for c in range(3):                   # again, the gate of counter 2 restarts its period
        yield f"outb 0x43 {c << 6 | 0x30 | mode[c] << 1}"
        count = r.randrange(2, 65536) & ~1
        yield f"outb {0x40 + c} {count & 255}"
        yield f"outb {0x40 + c} {count >> 8}"
    for _ in range(STEPS):
        c = r.randrange(3)
        k = r.randrange(4)
        if k == 0:
            yield f"inb {0x40 + c}"
            yield f"inb {0x40 + c}"
        elif k == 1:
            yield f"outb 0x43 {c << 6}"
            yield f"inb {0x40 + c}"
            yield f"inb {0x40 + c}"
        elif k == 2:
            yield f"outb 0x43 {0xe0 | 2 << c}"
            yield f"inb {0x40 + c} &0x3f"
        else:
            yield "inb 0x61 &0x0f"


def rtc(r):
    """RAM, index, register B and alarm bytes; the time itself is each one's own host's."""
    yield "outb 0x70 0x0b"
    yield "outb 0x71 0x82"
    for reg in (1, 3, 5, *range(0x36, 0x80)):  # QEMU's board has put its memory sizes there
        yield f"outb 0x70 {reg}"
        yield f"outb 0x71 {reg}"
    for _ in range(STEPS):
        k = r.randrange(3)
        reg = r.choice([1, 3, 5, 0x0d, r.randrange(0x36, 0x80)])
        yield f"outb 0x70 {reg}"
        if k == 0 and reg != 0x0d:
            yield f"outb 0x71 {r.randrange(256)}"
        else:
            yield "inb 0x71"


def uart(r):
    """Registers in loopback mode. QEMU has no delta bits when the loop changes a modem line."""
    yield "outb 0x3f9 0"
    yield "inb 0x3fa"
    yield "outb 0x3fc 0x10"
    yield "inb 0x3fe &0xf0"
    for _ in range(STEPS):
        k = r.randrange(8)
        if k == 0:
            yield f"outb 0x3f9 {r.randrange(16) & ~10}"
        elif k == 1:
            yield f"outb 0x3fb {r.randrange(128)}"
        elif k == 2:
            yield f"outb 0x3fc {r.randrange(16) | 0x10}"
            yield "inb 0x3fe &0xf0"
        elif k == 3:
            yield "outb 0x3fb 0x83"
            yield f"outb 0x3f8 {r.randrange(1, 256)}"
            yield f"outb 0x3f9 {r.randrange(4)}"
            yield "inb 0x3f8"
            yield "inb 0x3f9"
            yield "outb 0x3fb 0x03"
        elif k == 4:
            yield f"outb 0x3ff {r.randrange(256)}"
            yield "inb 0x3ff"
        elif k == 5:
            yield f"outb 0x3fc {r.randrange(16)}"
            yield "inb 0x3fe &0xf0"
            yield "inb 0x3fe &0xf0"
        else:
            yield f"inb {r.choice([0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd])}"


def i8042(r):
    """Controller commands and the devices' answers."""
    yield "outb 0x64 0xaa"
    yield "inb 0x60"
    yield "outb 0x64 0xae"
    yield "outb 0x64 0xa8"
    for cmd in (0xf2, 0xed, 0x02, 0xf3, 0x20, 0xf4, 0xee, 0xf5, 0xf6, 0xff):
        yield f"outb 0x60 {cmd}"
        for _ in range(3):
            yield "inb 0x64 &0x21"
            yield "inb 0x60"
    for cmd in (0xff, 0xf2, 0xf3, 200, 0xf3, 100, 0xf3, 80, 0xf2, 0xe8, 3, 0xe9, 0xf4, 0xf5, 0xe6, 0xe7):
        yield "outb 0x64 0xd4"
        yield f"outb 0x60 {cmd}"
        for _ in range(4):
            yield "inb 0x64 &0x21"
            yield "inb 0x60"
    for _ in range(40):
        yield f"outb 0x64 {r.choice([0xa9, 0xab, 0xad, 0xae, 0xa7, 0xa8])}"
        yield "inb 0x64 &0x21"
        yield "inb 0x60"


def fw_cfg(r):
    """The signature, and what an absent item reads as."""
    for key in (0, 1, 0x3000, 0x8f00):
        yield f"outw 0x510 {key}"
        for _ in range(6):
            yield "inb 0x511"
    yield "inl 0x514"
    yield "inl 0x518"


def run(server, make, seed):
    r = random.Random(seed)
    ours = Peer([server])
    theirs = Peer(["qemu-system-x86_64", "-M", "isapc", "-nodefaults", "-display", "none", "-serial",
                   "null", "-S", "-qtest", "stdio", "-qtest-log", "none"])
    log = []
    try:
        for step in make(r):
            cmd, _, rest = step.partition(" &")
            a, b = ours.say(cmd), theirs.say(cmd)
            log.append((step, a, b))
            if a is not None:
                mask = int(rest, 16) if rest else 0xffffffff
                if a & mask != b & mask:
                    return log
        return None
    finally:
        ours.close()
        theirs.close()


def main():
    server = sys.argv[1]
    if not shutil.which("qemu-system-x86_64"):
        print("1..0 # SKIP no qemu-system-x86_64")
        return 0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    makers = [pic, pit, rtc, uart, i8042, fw_cfg]
    print(f"1..{len(makers)}")
    failed = 0
    for n, make in enumerate(makers, 1):
        bad = None
        for k in range(ROUNDS if make not in (i8042, fw_cfg) else 2):
            bad = run(server, make, seed * 1000 + k)
            if bad:
                break
        print(f"{'not ' if bad else ''}ok {n} judge/{make.__name__}")
        if bad:
            failed = 1
            print(f"# seed {seed * 1000 + k}; the last accesses (ours, QEMU's):")
            for step, a, b in bad[-25:]:
                print(f"#   {step}" + ("" if a is None else f" -> {a:#x} {b:#x}"))
        sys.stdout.flush()
    return failed


if __name__ == "__main__":
    sys.exit(main())
