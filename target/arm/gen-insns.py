#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes a C decoder from tables of bit pictures (a64.tbl, a32.tbl, t32.tbl, t16.tbl).

usage: gen-insns.py SET --c out.c --h out.h TABLE...     decoder of instruction set SET (a64, a32, t32, t16)
       gen-insns.py SET --todo TABLE...                  what is not implemented (translator "none")
       gen-insns.py SET --json TABLE...                  all rows, for generators of random instructions

A row:   PICTURE ; MNEMONIC ; TRANSLATOR [arg=N] ; FEATURE ; SECTION

PICTURE  from the top bit down: groups of 0, 1 and - (don't care), in parentheses bits that should be so but are not
         looked at (the manual's (0) and (1)), fields `name:width` (`name` is one bit), and at the
         end constraints `name!=value`, `name<value`, `name>=value`, `name==value`. A field may come in pieces
         (imm:1 ... imm:11): they are joined in the order written, the first is the highest.
MNEMONIC the manual's name of the instruction or class
TRANSLATOR `foo`: trans_SET_foo(ArmTr *s, const a64_foo *a) is called, with the fields of all its rows as members of
         the struct, and `arg` from arg=N (an expression of C); `none`: known and not implemented; `undef`: UNDEFINED
FEATURE  feature names of features.def joined by + (all needed), or - for always
SECTION  of the Arm ARM

The most specific row wins (fixed bits, then constraints); two rows of which neither is more specific and that
meet, or a row that can not win, are errors.
"""
import json
import os
import re
import sys

WIDTH = {"a64": 32, "a32": 32, "t32": 32, "t16": 16}
# Bits that index the first-level table, highest first.
INDEX = {"a64": [30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 15, 11, 10],
         "a32": [27, 26, 25, 24, 23, 22, 21, 20, 7, 6, 5, 4],
         "t32": [28, 27, 26, 25, 24, 23, 22, 21, 20, 15, 7, 6],
         "t16": [15, 14, 13, 12, 11, 10, 9, 8, 7, 6]}
CONSTRAINT = re.compile(r"^(\w+)(!=|==|<=|>=|<|>)(0x[0-9a-fA-F]+|\d+)$")
FIELD = re.compile(r"^([A-Za-z]\w*?)(?::(\d+))?$")


class Row:
    pass


def fail(where, text):
    sys.exit(f"{where}: {text}")


def fixed_bits(r, token, at):
    """A group of 0, 1, - and (01) whose highest bit is below `at`; returns what its lowest is."""
    should = False
    for c in token:
        if c in "()":
            should = c == "("
            continue
        at -= 1
        if should:
            r.should_mask |= 1 << at
            r.should_value |= (c == "1") << at
        elif c != "-":
            r.mask |= 1 << at
            r.value |= (c == "1") << at
    return at


def parse_row(text, where, st):
    width = WIDTH[st]
    parts = [p.strip() for p in text.split(";")]
    if len(parts) < 4:
        fail(where, "wants picture ; mnemonic ; translator ; feature [; section]")
    r = Row()
    r.where, r.mnemonic = where, parts[1]
    r.section = parts[4] if len(parts) > 4 else ""
    t = parts[2].split()
    r.trans = t[0]
    r.arg = next((a[4:] for a in t[1:] if a.startswith("arg=")), "0")
    r.features = [] if parts[3] == "-" else parts[3].split("+")
    r.mask = r.value = r.should_mask = r.should_value = 0
    r.fields, r.constraints = {}, []
    at = width
    for token in parts[0].split():
        m = CONSTRAINT.match(token)
        if m:
            r.constraints.append((m[1], m[2], int(m[3], 0)))
            continue
        if re.match(r"^([01-]|\([01]+\))+$", token):
            at = fixed_bits(r, token, at)
            continue
        m = FIELD.match(token)
        if not m:
            fail(where, f"cannot read {token}")
        n = int(m[2] or 1)
        at -= n
        r.fields.setdefault(m[1], []).append((at, n))
    if at != 0:
        fail(where, f"the picture has {width - at} bits, not {width}")
    for name, _, _ in r.constraints:
        if name not in r.fields:
            fail(where, f"no field {name}")
    r.set = None
    if st == "a32" and "cond" in r.fields: # 1111 is the space of unconditional instructions
        r.constraints.append(("cond", "!=", 15))
    return r


def as_t32(r):
    """A row of A32's floating-point and SIMD tables as T32 has it: the same but for the top byte (F3.1.9 and following)."""
    r.set = "a32"
    if "cond" in r.fields:
        del r.fields["cond"]
        r.constraints = [c for c in r.constraints if c[0] != "cond"]
        r.mask |= 0xf << 28
        r.value |= 0xe << 28
    elif r.value >> 25 == 0x79:  # 1111001U: U goes to bit 28
        u_mask, u = r.mask >> 24 & 1, r.value >> 24 & 1
        r.mask = r.mask & 0xffffff | 0xef << 24 | u_mask << 28
        r.value = r.value & 0xffffff | 0xef << 24 | u << 28
        for name, pieces in r.fields.items():
            r.fields[name] = [(28 if at == 24 and n == 1 else at, n) for at, n in pieces]
    elif r.value >> 24 == 0xf4:
        r.value = r.value & 0xffffff | 0xf9 << 24
    return r


def field_value(r, name, insn):
    v = 0
    for at, n in r.fields[name]:
        v = v << n | (insn >> at & (1 << n) - 1)
    return v


def weight(r):
    return bin(r.mask).count("1"), len(r.constraints)


def meet(a, b):
    """Is there a word that both match, as far as their fixed bits tell?"""
    return (a.value ^ b.value) & a.mask & b.mask == 0


def more_specific(a, b):
    return a.mask | b.mask == a.mask and (a.mask != b.mask or len(a.constraints) > len(b.constraints))


def exclude_each_other(a, b):
    """Constraints or fixed bits of the other that can not both hold: tried over the fields' bits when few."""
    bits = set()
    for r in (a, b):
        for name, _, _ in r.constraints:
            bits |= {p + i for p, n in r.fields[name] for i in range(n)}
    free = [p for p in bits if not (a.mask | b.mask) >> p & 1]
    if len(free) > 14:
        return False
    base = a.value | b.value
    for k in range(1 << len(free)):
        insn = base
        for i, p in enumerate(free):
            insn |= (k >> i & 1) << p
        if holds(a, insn) and holds(b, insn):
            return False
    return True


def holds(r, insn):
    for name, op, want in r.constraints:
        v = field_value(r, name, insn)
        if not {"!=": v != want, "==": v == want, "<": v < want, ">": v > want, "<=": v <= want, ">=": v >= want}[op]:
            return False
    return True


def check(rows):
    for i, a in enumerate(rows):
        for b in rows[i + 1:]:
            if meet(a, b) and not more_specific(a, b) and not more_specific(b, a) and not exclude_each_other(a, b):
                fail(b.where, f"{b.mnemonic} conflicts with {a.where} {a.mnemonic}")


def order(rows):
    """More specific rows first."""
    return sorted(rows, key=lambda r: tuple(-w for w in weight(r)))


def index_of(positions, insn):
    v = 0
    for p in positions:
        v = v << 1 | (insn >> p & 1)
    return v


def buckets(rows, positions):
    out = [[] for _ in range(1 << len(positions))]
    n = len(positions)
    for k, r in enumerate(rows):
        fixed = index_of(positions, r.value)
        free = [i for i in range(n) if not r.mask >> positions[n - 1 - i] & 1]
        for m in range(1 << len(free)):
            v = fixed
            for j, i in enumerate(free):
                v |= (m >> j & 1) << i
            out[v].append(k)
    return out


def extract(pieces):
    """C expression of a field of `i`."""
    text = ""
    for at, n in pieces:
        piece = f"(i >> {at} & {(1 << n) - 1:#x}u)"
        text = f"({text} << {n} | {piece})" if text else piece
    return text


def structs(rows, st):
    """translator -> its fields with their greatest widths."""
    out = {}
    for r in rows:
        if r.trans in ("none", "undef") or r.set:
            continue
        fields = out.setdefault(r.trans, {})
        for name, pieces in r.fields.items():
            fields[name] = max(fields.get(name, 0), sum(n for _, n in pieces))
    return out


def write_h(path, rows, st):
    up = st.upper()
    with open(path, "w", encoding="ascii") as f:
        f.write(f"/* SPDX-License-Identifier: GPL-2.0-or-later */\n/* Generated by gen-insns.py. */\n"
                f"#ifndef TARGET_ARM_{up}_INSNS_H\n#define TARGET_ARM_{up}_INSNS_H\n#include <stdint.h>\n"
                "struct ArmTr;\n")
        for name, fields in sorted(structs(rows, st).items()):
            members = "".join(f" uint32_t {x};" for x in fields)
            f.write(f"typedef struct {st}_{name} {{ int32_t arg;{members} }} {st}_{name};\n"
                    f"void trans_{st}_{name}(struct ArmTr *s, const {st}_{name} *a);\n")
        f.write("#endif\n")


def condition(r):
    return " && ".join(f"{extract(r.fields[n])} {op} {v}u" for n, op, v in r.constraints)


def write_c(path, rows, st):
    positions = INDEX[st]
    with open(path, "w", encoding="ascii") as f:
        f.write("/* SPDX-License-Identifier: GPL-2.0-or-later */\n/* Generated by gen-insns.py. */\n"
                f'#include "target/arm/fp_ops.h"\n#include "target/arm/translate.h"\n#include "target/arm/{st}_insns.h"\n')
        if any(r.set for r in rows):
            f.write('#include "target/arm/a32_insns.h"\n')
        f.write("\n")
        for k, r in enumerate(rows):
            f.write(f"/* {r.mnemonic} {r.section} */\nstatic bool row_{k}(ArmTr *s, uint32_t i)\n{{\n")
            if r.constraints:
                f.write(f"    if (!({condition(r)})) {{\n        return false;\n    }}\n")
            for feature in r.features:
                f.write(f"    if (!arm_has(s->config, ARM_FEAT_{feature})) {{\n        tr_undef(s);\n"
                        "        return true;\n    }\n")
            if r.trans in ("none", "undef"):
                f.write("    tr_undef(s);\n")
            else:
                members = "".join(f", .{n} = {extract(p)}" for n, p in r.fields.items())
                own = r.set or st
                f.write(f"    trans_{own}_{r.trans}(s, &({own}_{r.trans}){{.arg = {r.arg}{members}}});\n")
            f.write("    return true;\n}\n")
        f.write(f"\nconst ArmInsnRow arm_{st}_rows[] = {{\n")
        for k, r in enumerate(rows):
            f.write(f'    {{"{r.mnemonic}", {r.mask:#010x}, {r.value:#010x}, row_{k}}},\n')
        flat, first, seen = [], [], {}
        for b in buckets(rows, positions):
            key = tuple(b)
            if key not in seen:
                seen[key] = len(flat)
                flat += list(b) + [0xffff]
            first.append(seen[key])
        f.write("    {NULL, 0, 0, NULL},\n")
        f.write(f"}};\nconst unsigned arm_{st}_n_rows = {len(rows)};\n\nstatic const uint16_t lists[] = {{\n")
        for i in range(0, len(flat), 16):
            f.write("    " + ", ".join(map(str, flat[i:i + 16])) + ",\n")
        f.write("};\nstatic const uint32_t first[] = {\n")
        for i in range(0, len(first), 16):
            f.write("    " + ", ".join(map(str, first[i:i + 16])) + ",\n")
        n = len(positions)
        runs = index_runs(positions)
        text = " | ".join(f"(i >> {lo} & {(1 << w) - 1:#x}u) << {shift}" for lo, w, shift in runs)
        assert n <= 13
        f.write(f"}};\n\nvoid arm_{st}_decode(ArmTr *s, uint32_t i)\n{{\n"
                f"    for (const uint16_t *k = &lists[first[{text}]]; *k != 0xffff; k++) {{\n"
                f"        const ArmInsnRow *r = &arm_{st}_rows[*k];\n"
                "        if ((i & r->mask) == r->value && r->run(s, i)) {\n            return;\n        }\n    }\n"
                "    tr_undef(s);\n}\n")


def index_runs(positions):
    """Neighbouring bits taken at once: (lowest bit, width, place in the index)."""
    runs, n = [], len(positions)
    i = 0
    while i < n:
        j = i
        while j + 1 < n and positions[j + 1] == positions[j] - 1:
            j += 1
        runs.append((positions[j], j - i + 1, n - 1 - j))
        i = j + 1
    return runs


def main():
    st = sys.argv[1]
    args = sys.argv[2:]
    out = {}
    while args and args[0].startswith("--"):
        key = args.pop(0)
        out[key] = args.pop(0) if key in ("--c", "--h") else True
    rows = []
    for path in args:
        with open(path, encoding="ascii") as f:
            text = ""
            for n, line in enumerate(f, 1):
                line = line.split("#")[0].rstrip()
                if line.endswith("\\"):
                    text += line[:-1]
                    continue
                text += line
                if text.strip():
                    shared = st == "t32" and "a32" in os.path.basename(path)
                    row = parse_row(text, f"{path}:{n}", "a32" if shared else st)
                    rows.append(as_t32(row) if shared else row)
                text = ""
    check(rows)
    rows = order(rows)
    if "--todo" in out:
        for r in rows:
            if r.trans == "none":
                print(f"{r.mnemonic:40} {'+'.join(r.features) or '-'} {r.section}")
    elif "--json" in out:
        print(json.dumps([{"mnemonic": r.mnemonic, "mask": r.mask, "value": r.value, "trans": r.trans,
                           "should_mask": r.should_mask, "should_value": r.should_value,
                           "features": r.features, "fields": r.fields, "constraints": r.constraints}
                          for r in rows], indent=0))
    else:
        write_c(out["--c"], rows, st)
        write_h(out["--h"], rows, st)


if __name__ == "__main__":
    main()
