#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""logitems.py BINARY: every item of -d that belongs to running a guest writes what it says, and so do
trace points.

SeaBIOS is the guest: a few hundred milliseconds of it touch everything."""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guest import run_tap  # noqa: E402

BINARY = sys.argv[1]
ITEMS = {
    "in_asm": rb"IN: CPU 0, block 0xfff0,.*\n.*\bl?jmp\b",
    "op": rb"(?s)block pc=0x.* insn pc=",
    "out_asm": rb"(?s)OUT: block 0x.*\bcmp byte ptr gs:",
    "int": rb"interrupt v=08|interrupt v=",
    "exec": rb"exec: CPU 0 0xfff0 mode",
    "mmu": rb"mmu: CPU 0 drops",
    "cpu_reset": rb"(?s)CPU 0 is reset; it was\n.*(EAX|RAX)=",
    "page": rb"page: map \d+ of memory\n  0000000000000000-",
}
TRACES = {
    "fw_cfg_*": rb"fw_cfg_dma descriptor at 0x",
    "device_write": rb"device_write rtc offset 0x0 size 1",
    "device_reset": rb"device_reset mc146818rtc",
    "apic_*": rb"apic_acknowledge CPU 0 vector 0x08",
    "timer_fire": rb"timer_fire clock 0 deadline \d+ ns",
}


def item(option, name, pattern):
    def test():
        with tempfile.TemporaryDirectory() as d:
            log = f"{d}/log"
            # The machine runs until the log has enough, or the time is up.
            p = subprocess.Popen([BINARY, "-display", "none", "-m", "16", "-serial", "null", "-monitor", "none",
                                  option, name, "-D", log], stdin=subprocess.DEVNULL)
            try:
                for _ in range(300):
                    try:
                        p.wait(0.2)
                    except subprocess.TimeoutExpired:
                        pass
                    text = open(log, "rb").read(1 << 22) if os.path.exists(log) else b""
                    if re.search(pattern, text):
                        return f"{len(text)} bytes"
            finally:
                p.kill()
                p.wait()
            raise AssertionError(f"{option} {name} never wrote {pattern}; it starts:\n{text[:500].decode('latin1')}")
    return test


if __name__ == "__main__":
    sys.exit(run_tap([(f"-d {n}", item("-d", n, p)) for n, p in ITEMS.items()] +
                     [(f"-trace {n}", item("-trace", n, p)) for n, p in TRACES.items()]))
