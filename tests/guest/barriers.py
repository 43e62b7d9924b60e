#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""barriers.py BINARY: what a driver orders its memory accesses with is a barrier on the host, too.

Devices' threads look at memory while the guest runs: a store of the driver must be seen there before its next load is made,
or both believe that the other one will go on, and a request is never served. With one processor the translator leaves the
locks of other instructions out; these must have kept them. The host's instructions are told by -d out_asm."""
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "hostile")]
import asm  # noqa: E402
from guest import Skip, run_tap, slowness  # noqa: E402
from preludes import x64  # noqa: E402

BINARY = sys.argv[1]
PROGRAM = """
main:
    mov rcx, 1000           /* it is translated, whatever runs first */
1:  mov [rsp - 64], rcx
    {}
    mov rax, [rsp - 128]
    dec rcx
    jnz 1b
    exit 0x10
"""
BARRIERS = {  # what the guest has: what the host must have
    "lock add dword ptr [rsp - 8], 0": r"\block add\b.*, 0\b", "lock or qword ptr [rsp - 8], 0": r"\block or\b",
    "lock or dword ptr [rsp - 8], edx": r"\block or\b", "lock and dword ptr [rsp - 8], -1": r"\block and\b",
    "xchg [rsp - 8], rdx": r"\bxchg\b.*gs:|\bxchg\b.*\[", "mfence": r"\bmfence\b",
}


def has(insn, pattern):
    def test():
        with tempfile.TemporaryDirectory(prefix="rhea-barriers-") as d:
            file = asm.write(d, "image", asm.multiboot(x64() + PROGRAM.format(insn)))
            p = subprocess.run([BINARY, "-display", "none", "-nodefaults", "-m", "16", "-smp", "1", "-no-reboot", *asm.REPORT_ARGS,
                                "-d", "out_asm", "-D", f"{d}/log", "-kernel", file], stdin=subprocess.DEVNULL,
                               capture_output=True, text=True, timeout=60 * slowness(BINARY), check=False)
            with open(f"{d}/log", encoding="latin1") as f:
                log = f.read()
        if p.returncode != 0x21:
            raise AssertionError(f"status {p.returncode}: {p.stderr}")
        if not re.search(r"\bmov\b", log):
            raise Skip("this build does not show the host's instructions")
        if not re.search(pattern, log):
            raise AssertionError(f"{insn}: no {pattern} in\n{log[-6000:]}")
    return test


if __name__ == "__main__":
    sys.exit(run_tap([(insn, has(insn, pattern)) for insn, pattern in BARRIERS.items()]))
