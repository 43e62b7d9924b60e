#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Helpers that generated code calls while host vector registers hold the guest's (HELPER_PURE and HELPER_ENV without
HELPER_VEC) must not touch vector registers, nor may what they call. Read out of the built program.

usage: light-helpers.py RHEA HELPER_DEF...
"""
import re
import subprocess
import sys

ROW = re.compile(r"^H\((\w+),\s*([A-Z_ |]+),", re.M)
FUNCTION = re.compile(r"^([0-9a-f]+) <([^>+]+)>:$")
CALL = re.compile(r"\b(?:call|jmp)\s+([0-9a-f]+) <[^>+]+>")


def light(path):
    with open(path, encoding="ascii") as f:
        for name, flags in ROW.findall(f.read()):
            if "HELPER_FULL" not in flags and "HELPER_VEC" not in flags:
                yield "helper_" + name


class Function:
    def __init__(self, name):
        self.name, self.vector, self.calls = name, False, set()


def functions(program):
    """address -> Function; static ones may share a name."""
    out, now = {}, None
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", program], check=True, capture_output=True, text=True)
    for line in text.stdout.splitlines():
        m = FUNCTION.match(line)
        if m:
            now = out[int(m[1], 16)] = Function(m[2])
        elif now:
            now.vector |= "mm" in line and re.search(r"%[xyz]mm\d", line) is not None
            m = CALL.search(line)
            if m:
                now.calls.add(int(m[1], 16))
    return out


def offender(found, at, seen):
    """The function that this one leads to and that uses vector registers or is not ours; None."""
    if at in seen:
        return None
    seen.add(at)
    f = found.get(at)
    if f is None or f.name.endswith("@plt") or f.vector:
        return f.name if f else hex(at)
    for callee in f.calls:
        bad = offender(found, callee, seen)
        if bad:
            return bad
    return None


def main():
    found = functions(sys.argv[1])
    names = sorted(n for path in sys.argv[2:] for n in light(path))
    print(f"1..{len(names)}")
    for i, n in enumerate(names, 1):
        at = [a for a, f in found.items() if f.name == n]
        bad = offender(found, at[0], set()) if at else n
        print(f"{'not ok' if bad else 'ok'} {i} - {n}" + (f": {bad} uses vector registers or is foreign" if bad else ""))
    if not names:
        print("Bail out! no helpers found")


main()
