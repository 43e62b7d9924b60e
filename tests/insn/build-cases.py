#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Assembles cases/*.s into a C table: build-cases.py out.c case.s...

A file is a list of cases:

    == name [32]
    in  rax=1 rcx=0x10 flags=1 mem0=0x1122334455667788
    out rax=2 flags=0
        add $1, %rax

`in` and `out` may repeat; registers not named in `in` are 0 (rdi: the data area, rsp: its stack);
only what `out` names is compared. memN is the 8 bytes at rdi+N, xmmN= two comma-separated
quadwords (low first), st0 a raw 80-bit hex number, fault the exception vector, flags the six
arithmetic flags (an optional /mask follows).
"""
import os
import re
import subprocess
import sys
import tempfile

REGS = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split()


def assemble(text, bits):
    with tempfile.TemporaryDirectory() as d:
        src, obj, raw = (os.path.join(d, n) for n in ("a.s", "a.o", "a.bin"))
        with open(src, "w", encoding="ascii") as f:
            f.write(".text\n" + text)
        subprocess.run(["as", f"--{bits}", "-o", obj, src], check=True)
        subprocess.run(["objcopy", "-O", "binary", "-j", ".text", obj, raw], check=True)
        with open(raw, "rb") as f:
            return f.read()


def setting(word, where):
    """-> C initialiser {kind, index, value0, value1}"""
    key, _, value = word.partition("=")
    if key in REGS:
        return f"{{SET_GPR, {REGS.index(key)}, {int(value, 0) & (1 << 64) - 1:#x}ull}}"
    if key == "flags":
        v, _, mask = value.partition("/")
        return f"{{SET_FLAGS, 0, {int(v, 0):#x}, {int(mask or '0x8d5', 0):#x}}}"
    if key == "fault":
        return f"{{SET_FAULT, 0, {int(value)}}}"
    m = re.match(r"(mem|xmm|st)(\d+)$", key)
    if not m:
        sys.exit(f"{where}: {word}")
    n = int(m.group(2))
    if m.group(1) == "mem":
        return f"{{SET_MEM, {n}, {int(value, 0) & (1 << 64) - 1:#x}ull}}"
    if m.group(1) == "xmm":
        lo, hi = (int(v, 0) for v in value.split(","))
        return f"{{SET_XMM, {n}, {lo:#x}ull, {hi:#x}ull}}"
    v = int(value, 0)
    return f"{{SET_ST, {n}, {v & (1 << 64) - 1:#x}ull, {v >> 64:#x}}}"


def parse(path):
    cases, cur = [], None
    with open(path, encoding="ascii") as f:
        for n, line in enumerate(f, 1):
            word = line.split()
            if line.startswith("#") or not word:
                continue
            if word[0] == "==":
                cur = {"name": word[1], "bits": int(word[2]) if len(word) > 2 else 64, "in": [],
                       "out": [], "text": "", "n": 0}
                cases.append(cur)
            elif word[0] in ("in", "out"):
                cur[word[0]] += [setting(w, f"{path}:{n}") for w in word[1:]]
            else:
                cur["text"] += line
                cur["n"] += not line.strip().endswith(":")
    return cases


def main():
    out = ['/* SPDX-License-Identifier: GPL-2.0-or-later */', '#include "tests/insn/cases.h"']
    rows = []
    for path in sys.argv[2:]:
        for c in parse(path):
            code = assemble(c["text"], c["bits"])
            k = len(rows)
            for part in ("in", "out"):
                out.append(f"static const CaseSet {part}{k}[] = {{{', '.join(c[part] + ['{SET_END}'])}}};")
            out.append(f"static const uint8_t code{k}[] = {{{', '.join(map(hex, code))}}};")
            rows.append(f'    {{"{os.path.basename(path)[:-2]}/{c["name"]}", {c["bits"]}, code{k}, '
                        f'sizeof(code{k}), {c["n"]}, in{k}, out{k}}},')
    out += ["const InsnCase insn_cases[] = {"] + rows + ["    {0},", "};"]
    with open(sys.argv[1], "w", encoding="ascii") as f:
        f.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
