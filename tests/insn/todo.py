#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""todo.py GEN-INSNS TABLE: the list of instructions that are not implemented (gen-insns.py --todo) is empty up
to x86-64-v3, and it would show one that were missing."""
import re
import subprocess
import sys
import tempfile

GEN, TABLE = sys.argv[1:]
TEXT = open(TABLE, encoding="ascii").read()


def todo(text, *level):
    with tempfile.NamedTemporaryFile("w", suffix=".tbl") as f:
        f.write(text)
        f.flush()
        run = subprocess.run([sys.executable, GEN, f.name, "--todo", *level], capture_output=True, text=True)
    if run.returncode:
        raise AssertionError(run.stderr)
    return run.stdout.splitlines()


def without(mnemonic):
    """The table with that instruction's translator taken away."""
    text, n = re.subn(rf"^(\S+ +{mnemonic} +\S+ +)\S+", r"\1none", TEXT, flags=re.M)
    if not n:
        raise AssertionError(f"no row of {mnemonic}")
    return text


def check(number, name, ok, detail=()):
    for line in detail:
        print(f"# {line}")
    print(f"{'' if ok else 'not '}ok {number} - {name}")
    return ok


def main():
    print("1..3")
    missing = todo(TEXT, "v3")
    good = check(1, "nothing is missing up to x86-64-v3", not missing, missing)
    shown = {m: todo(without(m), "v3") for m in ("AAD", "HADDPS", "VPERMD", "VFMADD213PS", "MOVBE")}
    good &= check(2, "what were missing would be shown", all(shown.values()),
                  [m for m, lines in shown.items() if not lines])
    below = todo(without("VPERMD"), "v2")
    good &= check(3, "lower levels do not ask for more", not below, below)
    rest = todo(TEXT)
    print(f"# outside of the levels: {len(rest)} rows")
    return 0 if good else 1


sys.exit(main())
