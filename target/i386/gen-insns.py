#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes C tables from insns.tbl: rows, opcode lookup, translator functions, list of what is missing.

usage: gen-insns.py insns.tbl --c out.c --h out.h | --todo [LEVEL]

--todo prints the instructions that are not implemented; with a level (x86-64, v2, v3: the x86-64 psABI's)
only those that belong to it or a lower one, or to every processor.

Every (map, opcode) becomes one cell or a small matrix over the dimensions its rows tell apart:
mandatory prefix (4), 64-bit mode (2), VEX.L (2), VEX.W (2), ModRM.mod==3 and digit (16) or the ModRM
byte (72: 8 memory digits, then c0..ff). The most specific row of a cell wins; two equally specific rows in a cell, or a
row that wins nowhere, are errors.
"""
import re
import sys

MAPS = {"": 0, "0f": 1, "0f38": 2, "0f3a": 3}
VEX_MAPS = 3  # maps 4..6 are VEX 0F, 0F38, 0F3A
PREFIXES = {"": (0, 1, 2, 3), "np": (0,), "66": (1,), "f3": (2,), "f2": (3,), "n66": (0, 1)}
CC = "O NO B AE E NE BE A S NS P NP L GE LE G".split()
AM = "E M R G Z I J O A S C D V W U P Q N T B H L".split()
SIZES = {"b": "B", "w": "W", "d": "D", "q": "Q", "x": "X", "v": "V", "z": "Z", "y": "Y", "p": "P", "a": "A",
         "h": "H", "f": "F", "e": "E"}
FIXED = {"AL": ("FIX", "B", 0), "rAX": ("FIX", "V", 0), "eAX": ("FIX", "Z", 0), "AX": ("FIX", "W", 0),
         "CL": ("FIX", "B", 1), "DX": ("FIX", "W", 2), "1": ("ONE", "B", 1),
         "ES": ("SEG", "W", 0), "CS": ("SEG", "W", 1), "SS": ("SEG", "W", 2), "DS": ("SEG", "W", 3),
         "FS": ("SEG", "W", 4), "GS": ("SEG", "W", 5)}
ALIGN_X = 255  # ROW_ALIGN_X
FLAGS = {"c": "0x1", "p": "0x4", "a": "0x10", "z": "0x40", "s": "0x80", "d": "0x400", "o": "0x800", "i": "0x200"}
BITS = ["i64", "o64", "d64", "f64", "cpl0", "pe", "lock", "sse", "mmx", "x87", "x87nw", "env", "nogen",
        "r66", "count", "vex", "novvvv", "avx", "vsib", "x87c"]
OPCODE = re.compile(r"^(?:(v[01xi]?)\.)?(?:(np|66|f3|f2|n66)\.)?(?:(0f38|0f3a|0f)\.)?([0-9a-f]{2})(\+r|\+cc)?"
                    r"(?:/([0-7]))?(?::([mr]))?(?:=([0-9a-f]{2}))?$")


# Features of the psABI's levels that have instructions; none: of every processor.
LEVELS = {
    "x86-64": "CMOV CX8 FPU FXSR MMX SSE SSE2 SYSCALL MSR TSC SEP CLFSH",
    "v2": "CX16 LAHF64 POPCNT SSE3 SSE41 SSE42 SSSE3",
    "v3": "AVX AVX2 BMI1 BMI2 F16C FMA LZCNT MOVBE XSAVE OSXSAVE",
}


def level_features(level):
    if level not in LEVELS:
        sys.exit(f"gen-insns.py: no level '{level}': " + ", ".join(LEVELS))
    names = list(LEVELS)
    return {f for n in names[:names.index(level) + 1] for f in LEVELS[n].split()} | {None}


class Row:
    pass


def fail(line, text):
    sys.exit(f"insns.tbl:{line}: {text}")


def operand(text, line):
    """-> (addressing, size, extra) as C enumerator tails."""
    if text in FIXED:
        am, size, extra = FIXED[text]
        return am, size, extra
    signed = text.startswith("s") and len(text) > 1
    if signed:
        text = text[1:]
    am, size = text[0], text[1:]
    if am not in AM:
        fail(line, f"unknown operand {text}")
    if size.isdigit():
        return am, "N", int(size)
    if size == "":
        return am, "NONE", 0
    if size not in SIZES:
        fail(line, f"unknown size in {text}")
    return am, SIZES[size], 0


def parse_row(text, line):
    f = text.split()
    if len(f) < 4:
        fail(line, "wants opcode, mnemonic, operands, translator")
    m = OPCODE.match(f[0])
    if not m:
        fail(line, f"bad opcode {f[0]}")
    r = Row()
    r.line, r.text = line, f[0]
    vex, prefix, mp, byte, plus, digit, mod, exact = m.groups()
    r.prefixes = PREFIXES[prefix or ""]
    r.map, r.opcode, r.plus = MAPS[mp or ""] + (VEX_MAPS if vex else 0), int(byte, 16), plus
    r.digit = int(digit) if digit else None
    r.mod, r.exact = mod, int(exact, 16) if exact else None
    r.mnemonic = f[1]
    r.ops = [operand(o, line) for o in f[2].split(",")] if f[2] != "-" else []
    r.trans, _, r.arg = f[3].partition("=")
    r.attrs, r.feature, r.w, r.u, r.rd = set(), None, 0, 0, 0
    r.align, r.imp, r.rm, r.mask = None, 0, None, 0
    r.vl = {None: None, "v": 0, "v0": 0, "v1": 1, "vx": "x", "vi": None}[vex]
    r.vw = None
    for a in f[4:]:
        k, eq, v = a.partition("=")
        if k == "f" and eq:
            r.feature = v
        elif k in ("w", "u", "r") and eq:
            mask = 0
            for c in v:
                mask |= int(FLAGS[c], 16)
            setattr(r, {"w": "w", "u": "u", "r": "rd"}[k], mask)
        elif k == "rm":
            r.rm = v
        elif k == "al":
            r.align = ALIGN_X if v == "x" else int(v)
        elif k == "mask":
            r.mask = int(v)
        elif a in ("w0", "w1"):
            r.vw = int(a[1])
        elif k == "imp":
            r.imp = int(v)
        elif a in BITS:
            r.attrs.add(a)
        else:
            fail(line, f"unknown attribute {a}")
    if vex:
        r.attrs.add("vex")
        if not any(o[0] in "BH" for o in r.ops):
            r.attrs.add("novvvv")
    finish_row(r)
    return r


def finish_row(r):
    ams = [o[0] for o in r.ops]
    r.modrm = (any(a in "EMRGSCDVWUPQNTBH" and len(a) == 1 for a in ams)
               or r.digit is not None or r.mod or r.exact is not None)
    r.mod3 = any(a in ("C", "D") for a in ams)
    if r.mod is None and "M" in ams:
        r.mod = "m"
    if r.mod is None and r.exact is None and not r.mod3 and any(a in ("R", "U", "N", "T") for a in ams):
        r.mod = "r"
    if r.align is None:
        x = any(o[0] in "WM" and o[1] == "X" for o in r.ops)
        r.align = 16 if x and "sse" in r.attrs else 1
    imm = [o for o in r.ops if o[0] in ("I", "J", "O", "A", "L")]
    kinds = "".join(o[0] + o[1] for o in imm)
    names = {"": "NONE", "IB": "B", "IW": "W", "IZ": "Z", "IV": "V", "JB": "B", "JZ": "JZ", "OB": "O",
             "OV": "O", "AP": "AP", "IWIB": "WB", "LX": "B"}
    if kinds not in names:
        fail(r.line, f"immediate combination {kinds}")
    r.imm = names[kinds]


def by_length(rows):
    """Rows of vx become one for each vector length."""
    out = []
    for r in rows:
        features = (r.feature or "").split("/")
        for n in (0, 1) if r.vl == "x" else (r.vl,):
            e = Row()
            e.__dict__.update(r.__dict__)
            e.vl, e.feature = n, features[n or 0 if len(features) > 1 else 0] or None
            out.append(e)
    return out


def expand(rows):
    """Rows of +r and +cc become the opcodes they cover."""
    out = []
    for r in by_length(rows):
        n = {"+r": 8, "+cc": 16}.get(r.plus, 1)
        if r.opcode % n:
            fail(r.line, f"opcode not a multiple of {n}")
        for i in range(n):
            e = Row()
            e.__dict__.update(r.__dict__)
            e.opcode = r.opcode + i
            if r.plus == "+cc":
                e.mnemonic = r.mnemonic + CC[i]
            e.variant = i
            out.append(e)
    return out


def cells(r, dims):
    """The coordinates that a row covers, given which dimensions its opcode uses."""
    p = r.prefixes if "p" in dims else (0,)
    m = (0, 1)
    if "i64" in r.attrs:
        m = (0,)
    if "o64" in r.attrs:
        m = (1,)
    m = m if "m" in dims else (0,)
    vl = (0,) if "l" not in dims else (0, 1) if r.vl is None else (r.vl,)
    vw = (0,) if "w" not in dims else (0, 1) if r.vw is None else (r.vw,)
    m = [(a * len_of(dims, "l") + b) * len_of(dims, "w") + c for a in m for b in vl for c in vw]
    if "b" in dims:
        if r.exact is not None:
            d = [8 + r.exact - 0xc0]
        else:
            digits = range(8) if r.digit is None else [r.digit]
            d = []
            if r.mod != "r":
                d += list(digits)
            if r.mod != "m":
                d += [8 + g * 8 + k for g in digits for k in range(8)]
    elif "d" in dims:
        digits = range(8) if r.digit is None else [r.digit]
        d = []
        if r.mod != "r":
            d += list(digits)
        if r.mod != "m":
            d += [8 + g for g in digits]
    else:
        d = [0]
    return [(a, b, c) for a in p for b in m for c in d]


def len_of(dims, d):
    return 2 if d in dims else 1


def weight(r):
    """How many of all cells a row covers: fewer is more specific."""
    return len(cells(r, "pmlwb")) * (8 if r.plus else 1)


def dimensions(group):
    dims = ""
    if any(len(r.prefixes) < 4 for r in group):
        dims += "p"
    if any("i64" in r.attrs for r in group) and any("i64" not in r.attrs for r in group) \
            or any("o64" in r.attrs for r in group):
        dims += "m"
    if any(r.vl is not None for r in group):
        dims += "l"
    if any(r.vw is not None for r in group):
        dims += "w"
    if any(r.exact is not None for r in group):
        dims += "b"
    elif any(r.digit is not None or r.mod for r in group):
        dims += "d"
    return dims


def build(rows):
    """-> lookup entries [4][256] of (kind, base), flat cell array of row numbers."""
    entries = [[(0, 0)] * 256 for _ in range(7)]
    flat, seen, used = [0], {}, set()
    groups = {}
    for r in rows:
        groups.setdefault((r.map, r.opcode), []).append(r)
    for (mp, op), group in sorted(groups.items()):
        dims = dimensions(group)
        size = (4 if "p" in dims else 1,
                len_of(dims, "m") * len_of(dims, "l") * len_of(dims, "w"),
                72 if "b" in dims else 16 if "d" in dims else 1)
        table = {}
        for r in group:
            for c in cells(r, dims):
                table.setdefault(c, []).append(r)
        values = []
        for a in range(size[0]):
            for b in range(size[1]):
                for c in range(size[2]):
                    values.append(winner(table.get((a, b, c), []), used))
        key = tuple(values)
        if key not in seen:
            seen[key] = len(flat)
            flat += values
        kind = (1 if "p" in dims else 0) | (2 if "m" in dims else 0) | \
               (8 if "b" in dims else 4 if "d" in dims else 0) | \
               (32 if "l" in dims else 0) | (64 if "w" in dims else 0)
        if any(r.modrm for r in group):
            kind |= 16
        entries[mp][op] = (kind, seen[key])
    for r in rows:
        if r.index not in used and not r.plus:
            fail(r.line, f"row {r.text} {r.mnemonic} is shadowed by others")
    return entries, flat


def winner(cands, used):
    if not cands:
        return 0
    cands.sort(key=weight)
    if len(cands) > 1 and weight(cands[0]) == weight(cands[1]):
        fail(cands[1].line, f"conflicts with line {cands[0].line}")
    used.add(cands[0].index)
    return cands[0].index


def c_row(r):
    ops = [f"{{AM_{o[0]}, SZ_{o[1]}, {o[2]}}}" for o in r.ops]
    bits = [f"ROW_{a.upper()}" for a in BITS if a in r.attrs]
    if r.modrm:
        bits.append("ROW_MODRM")
    if r.mod3:
        bits.append("ROW_MOD3")
    bits.append({None: "ROW_MR", "r": "ROW_MR", "w": "ROW_MW", "rw": "ROW_MR | ROW_MW"}[r.rm])
    feature = f"F_{r.feature} + 1" if r.feature else "0"
    return (f'    {{"{r.mnemonic}", X86T_{r.trans}, {r.arg or 0}, {feature}, {" | ".join(bits)}, '
            f'{r.w:#x}, {r.u:#x}, {r.rd:#x}, {r.map}, {r.opcode:#x}, '
            f'{sum(1 << p for p in r.prefixes)}, {"-1" if r.digit is None else r.digit}, '
            f'{r.exact or 0:#x}, {"0" if not r.mod else 1 if r.mod == "m" else 2}, IMM_{r.imm}, {r.align}, {r.imp}, '
            f'{-1 if r.vl is None else r.vl}, {-1 if r.vw is None else r.vw}, {r.mask}, '
            f'{len(r.ops)}, {{{", ".join(ops)}}}}},')


def main():
    rows = []
    with open(sys.argv[1], encoding="ascii") as f:
        for n, line in enumerate(f, 1):
            if line.strip() and not line.startswith("#"):
                rows.append(parse_row(line, n))
    if "--todo" in sys.argv:
        level = sys.argv[sys.argv.index("--todo") + 1:]
        wanted = level_features(level[0]) if level else None
        for r in rows:
            if r.trans == "none" and (not wanted or r.feature in wanted):
                print(f"{r.text:18} {r.mnemonic:12} {r.feature or ''}")
        return
    rows = expand(rows)
    for i, r in enumerate(rows):
        r.index = i + 1
    entries, flat = build(rows)
    trans = sorted({r.trans for r in rows} - {"none"})
    note = "/* SPDX-License-Identifier: GPL-2.0-or-later */\n/* Generated from insns.tbl by gen-insns.py. */\n"
    with open(sys.argv[sys.argv.index("--h") + 1], "w", encoding="ascii") as f:
        f.write(note + "#ifndef TARGET_I386_INSNS_H\n#define TARGET_I386_INSNS_H\n")
        f.write("enum X86TransId {\n    X86T_none,\n" + "".join(f"    X86T_{t},\n" for t in trans)
                + "    X86T__COUNT,\n};\n")
        f.write("#define X86_TRANS_LIST(T) \\\n" + " \\\n".join(f"    T({t})" for t in trans) + "\n")
        f.write(f"#define X86_N_ROWS {len(rows) + 1}\n#endif\n")
    with open(sys.argv[sys.argv.index("--c") + 1], "w", encoding="ascii") as f:
        f.write(note + '#include "target/i386/decode.h"\n#include "target/i386/translate.h"\n\n')
        f.write("const X86Row x86_rows[X86_N_ROWS] = {\n    {\"(bad)\"},\n")
        f.write("\n".join(c_row(r) for r in rows) + "\n};\n\n")
        f.write("const X86OpEntry x86_opcodes[7][256] = {\n")
        for mp in entries:
            f.write("    {\n")
            for i in range(0, 256, 8):
                f.write("        " + ", ".join(f"{{{b}, {k}}}" for k, b in mp[i:i + 8]) + ",\n")
            f.write("    },\n")
        f.write(f"}};\n\nconst uint16_t x86_cells[{len(flat)}] = {{\n")
        for i in range(0, len(flat), 16):
            f.write("    " + ", ".join(map(str, flat[i:i + 16])) + ",\n")
        f.write("};\n")


if __name__ == "__main__":
    main()
