#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""clean-helpers.py SOURCE LIBRARY...: helpers of the Arm target that generated code calls without parking the guest's vector
registers (neither HELPER_FULL nor HELPER_VEC), and all that they call, use no vector register of the host.

Reads the disassembly (objdump) of the libraries. A call of something that is not in them, memcpy() above all, counts as
a use. Calls through pointers are followed to every function whose address the caller takes.
"""
import glob
import re
import shutil
import subprocess
import sys

SOURCE, LIBRARIES = sys.argv[1], sys.argv[2:]
FUNCTION = re.compile(r"^[0-9a-f]+ <([^>]+)>:$")
RELOCATION = re.compile(r"R_X86_64_(?:PLT32|PC32|GOTPCRELX|REX_GOTPCRELX|32S?|64)\s+([^\s+-]+)")
DATA = re.compile(r"^\.|^str|^__func__|^__PRETTY")
NEVER_BACK = ("abort", "g_assertion_message", "__assert", "__stack_chk_fail", "__ubsan", "__asan", "longjmp")


def helpers():
    """Names of the helpers that must be clean."""
    names = []
    for path in sorted(glob.glob(f"{SOURCE}/target/arm/helper_*.def")):
        with open(path, encoding="ascii") as f:
            for name, flags in re.findall(r"^H\((\w+),\s*([^,]+),", f.read(), re.M):
                if "HELPER_FULL" not in flags and "HELPER_VEC" not in flags:
                    names.append("helper_" + name)
    return names


def data_symbols(library):
    out = subprocess.run(["nm", library], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^[0-9a-f]+ [bBdDrRvV] (\S+)$", out, re.M))


def read(library, functions):
    """functions[object][name] = {vector: instruction, callees}"""
    out = subprocess.run(["objdump", "-dr", "--no-show-raw-insn", library], capture_output=True, text=True, check=True).stdout
    here, at = None, None
    for line in out.splitlines():
        m = re.match(r"^(\S+):\s+file format", line)
        if m:
            here, at = functions.setdefault(f"{library}:{m[1]}", {}), None
            continue
        m = FUNCTION.match(line)
        if m:
            at = here.setdefault(m[1], {"vector": "", "callees": set()})
            continue
        if at is None:
            continue
        if re.search(r"%[xyz]mm\d", line):
            at["vector"] = line.strip()
        m = RELOCATION.search(line)
        if m and not DATA.match(m[1]):
            at["callees"].add(m[1])
        else:
            m = re.search(r"\b(?:call|j\w+)\s+[0-9a-f]+ <([^>+]+)>", line)
            if m:
                at["callees"].add(m[1])


def find(name, where, functions):
    """The object that has the function: the caller's own, or the one that exports it."""
    if where and name in functions[where]:
        return where
    return next((o for o, there in functions.items() if name in there), None)


def why_dirty(name, where, functions, data, seen):
    """The way to a use of a vector register, or None."""
    where = find(name, where, functions)
    if (name, where) in seen or name in data:
        return None
    seen.add((name, where))
    if where is None:
        return None if name.startswith(NEVER_BACK) else f"{name} is not in the libraries"
    f = functions[where][name]
    if f["vector"]:
        return f"{name}: {f['vector']}"
    for callee in sorted(f["callees"]):
        way = why_dirty(callee, where, functions, data, seen)
        if way:
            return f"{name} -> {way}"
    return None


def main():
    if not shutil.which("objdump") or not shutil.which("nm"):
        print("1..0 # SKIP no objdump")
        return 0
    functions, data, failed = {}, set(), 0
    for library in LIBRARIES:
        read(library, functions)
        data |= data_symbols(library)
    names = helpers()
    print(f"1..{len(names)}")
    for n, name in enumerate(names, 1):
        way = why_dirty(name, None, functions, data, set())
        failed += way is not None
        print(f"{'not ok' if way else 'ok'} {n} - {name}")
        if way:
            print(f"# {way}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
