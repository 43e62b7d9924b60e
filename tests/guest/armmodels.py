#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""armmodels.py BINARY: the ID registers of every Arm CPU model, against Debian's QEMU; what QMP tells of them.

A program of a few instructions prints the registers by PL011 and ends the machine by PSCI. What a model shows less than
QEMU's has to be a feature that target/arm/features.def says to come later; "max" may show more."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guest import GuestError, Skip, run_tap, slowness  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
JUDGE = "qemu-system-aarch64"
TMP = tempfile.mkdtemp(prefix="rhea-armmodels-")
ARM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "target", "arm")
BOARDS = ["virt,gic-version=3", "virt,gic-version=3,virtualization=on", "virt,secure=on"]

# Differences that are meant, of `max`, by masks: there is no SME; AArch32 tells of debug of v8.2.
MAX_SKIP = {"ID_DFR0_EL1": 0xff, "ID_AA64SMFR0_EL1": ~0, "ID_AA64PFR1_EL1": 0xff000000}


def rows(name, pattern):
    with open(os.path.join(ARM, name), encoding="ascii") as f:
        return re.findall(pattern, f.read(), re.M)


def registers():
    """[(name, encoding)] of the ID registers that can be read at EL1 of any processor."""
    found = [(m[0], tuple(map(int, m[1:]))) for m in
             rows("idregs.def", r"^I\((\w+),\s*(\d), (\d), (\d+), (\d+), (\d)\)") if m[1] != "0"]
    return [r for r in found if r[0] != "GMID_EL1"] + [("MIDR_EL1", (3, 0, 0, 0, 0)), ("MPIDR_EL1", (3, 0, 0, 0, 5))]


CACHES = [("CCSIDR_L1D", 0), ("CCSIDR_L1I", 1), ("CCSIDR_L2", 2)]

OUT = """
    hex:
        mov x2, #60
    1:  lsr x3, x0, x2
        and x3, x3, #15
        add x4, x3, #'0'
        add x5, x3, #'a' - 10
        cmp x3, #10
        csel x4, x4, x5, lo
        strb w4, [x20]
        subs x2, x2, #4
        b.ge 1b
        mov w4, #10
        strb w4, [x20]
        ret
"""


def program():
    """An ELF file that prints all registers."""
    lines = [".globl _start", "_start:", "ldr x20, =0x09000000"]
    for _, code in registers():
        lines += ["mrs x0, S{}_{}_C{}_C{}_{}".format(*code), "bl hex"]
    for _, select in CACHES:
        lines += [f"mov x1, #{select}", "msr CSSELR_EL1, x1", "isb", "mrs x0, CCSIDR_EL1", "bl hex"]
    # PSCI's SYSTEM_OFF by the way in that the board has: HVC below EL2, else SMC (at EL3 neither: the reader ends it).
    lines += ["ldr w0, =0x84000008", "mrs x1, CurrentEL", "cmp x1, #8", "b.hs 2f", "hvc #0", "2: smc #0", "3: wfi", "b 3b"]
    source, target = os.path.join(TMP, "id.s"), os.path.join(TMP, "id.elf")
    with open(source, "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n" + OUT)
    subprocess.run(["aarch64-linux-gnu-as", "-march=armv8.2-a", "-o", f"{TMP}/id.o", source], check=True)
    subprocess.run(["aarch64-linux-gnu-ld", "-Ttext=0x40080000", "-o", target, f"{TMP}/id.o"], check=True)
    return target


def dump(binary, board, cpu):
    """{register: value}."""
    names = [n for n, _ in registers()] + [n for n, _ in CACHES]
    args = [binary, "-M", board, "-accel", "tcg", "-cpu", cpu, "-m", "128", "-display", "none", "-monitor", "none",
            "-serial", "stdio", "-kernel", os.path.join(TMP, "id.elf")]
    with subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True) as p:
        lines = []
        for line in p.stdout:
            lines.append(line.strip())
            if len(lines) == len(names):
                break
        p.kill()
    if len(lines) != len(names) or not all(re.fullmatch("[0-9a-f]{16}", v) for v in lines):
        raise GuestError(f"{' '.join(args)}: {lines[-1:]}")
    return dict(zip(names, (int(v, 16) for v in lines)))


def later():
    return set(rows("features.def", r"^F_LATER\((\w+),"))


def fields():
    """{(register, lsb): ([(value, feature)], counted from -1)} and {register: mask kept}."""
    table, keep = {}, {}
    for kind, reg, lsb, value, feature in rows("idfields.def", r"^(XS?)\((\w+), (\d+), (\d+), (\w+)\)"):
        table.setdefault((reg, int(lsb)), ([], kind == "XS"))[0].append((int(value), feature))
    for reg, mask in rows("idfields.def", r"^KEEP\((\w+), ([^)]+)\)"):
        keep[reg] = -1 if "~0" in mask else int(mask, 0)
    return table, keep


def expected(reg, theirs):
    """What we show of a register of that value: what is implemented of it."""
    table, keep = fields()
    missing = later()
    if reg in ("MIDR_EL1", "MPIDR_EL1"):
        return theirs
    value = theirs & (keep.get(reg, 0) & 0xffffffffffffffff)
    if re.match(r"ID_(?!AA64)|MVFR", reg) and "AA32" in missing:
        return 0
    for (r, lsb), (levels, signed) in table.items():
        if r != reg:
            continue
        have = ((theirs >> lsb) + signed) & 15
        can = 0
        for level, feature in levels:
            if feature in missing:
                break
            can = level
        value &= ~(15 << lsb)
        value |= ((min(have, can) - signed) & 15) << lsb
    # Without Advanced SIMD in AArch32 its registers do not speak of it.
    without = {"ID_ISAR5_EL1": 0xf000f, "ID_ISAR6_EL1": 0xff000, "MVFR1_EL1": 0xf0000ff, "MVFR2_EL1": 0xf0}
    return value & without.get(reg, ~0) if "NEON" in missing else value


def differs(reg, theirs, ours, is_max):
    """Text of a difference, None."""
    want = expected(reg, theirs)
    if reg in ("ID_AA64PFR0_EL1", "ID_PFR1_EL1"):  # GIC: the board's
        mask = 15 << (24 if reg.startswith("ID_AA64") else 28)
        want, ours = want & ~mask, ours & ~mask
    if is_max:
        skip = MAX_SKIP.get(reg, 0)
        table, keep = fields()
        bad = []
        for (r, lsb), (_, signed) in table.items():
            if r == reg and not (skip >> lsb) & 1:
                w, o = ((want >> lsb) + signed) & 15, ((ours >> lsb) + signed) & 15
                if o < w:
                    bad.append(f"{lsb}")
        kept = keep.get(reg, 0) & ~skip & 0xffffffffffffffff
        if not bad and (want ^ ours) & kept == 0:
            return None
    elif want == ours:
        return None
    return f"{reg}: theirs {theirs:016x}, expected {want:016x}, ours {ours:016x}"


def judge_models():
    text = subprocess.run([JUDGE, "-cpu", "help"], capture_output=True, text=True, check=True).stdout
    return set(text.split()) - {"Available", "CPUs:"}


def our_models():
    text = subprocess.run([BINARY, "-cpu", "help"], capture_output=True, text=True, check=True).stdout
    if not text.startswith("Available CPUs:\n"):
        raise GuestError(text)
    return [m for m in text.split()[2:] if not m.startswith("arm9") and not m.startswith("arm11")]


def need_tools():
    for tool in (JUDGE, "aarch64-linux-gnu-as", "aarch64-linux-gnu-ld"):
        if not shutil.which(tool):
            raise Skip(f"no {tool}")
    if not os.path.exists(os.path.join(TMP, "id.elf")):
        program()


def sixty_four_bit(model):
    return model == "max" or not re.fullmatch(r"cortex-a(7|8|9|15)", model)


def identification():
    need_tools()
    both = [m for m in our_models() if m in judge_models() and sixty_four_bit(m)]
    if len(both) < 7:
        raise GuestError(f"only {both}")
    problems = []
    for board in BOARDS:
        for model in both if board == BOARDS[0] else ["cortex-a57", "max"]:
            theirs, ours = dump(JUDGE, board, model), dump(BINARY, board, model)
            for reg, value in theirs.items():
                text = differs(reg, value, ours[reg], model == "max")
                if text:
                    problems.append(f"{board} {model} {text}")
    if problems:
        raise GuestError("\n".join(problems))


def others():
    """Models that the judge does not have: they begin, and say who they are."""
    need_tools()
    midr = {"cortex-a55": 0x412fd050, "cortex-a710": 0x412fd471, "neoverse-n2": 0x410fd493, "neoverse-v1": 0x411fd402}
    for model, value in midr.items():
        if dump(BINARY, BOARDS[0], model)["MIDR_EL1"] != value:
            raise GuestError(model)


def qmp(binary, *commands):
    text = "".join(json.dumps(c) for c in ({"execute": "qmp_capabilities"}, *commands, {"execute": "quit"}))
    r = subprocess.run([binary, "-M", "virt", "-cpu", "max", "-accel", "tcg", "-S", "-display", "none", "-qmp", "stdio"], input=text,
                       capture_output=True, text=True, timeout=60 * SLOW, check=False)
    answers = [json.loads(x) for x in r.stdout.splitlines()]
    return [a for a in answers if "return" in a or "error" in a][1:len(commands) + 1]


def monitor():
    if not shutil.which(JUDGE):
        raise Skip(f"no {JUDGE}")
    expand = [{"execute": "query-cpu-model-expansion",
               "arguments": {"type": kind, "model": {"name": name, "props": props}}}
              for kind, name, props in (("full", "cortex-a72", {}), ("full", "cortex-a99", {}),
                                        ("static", "cortex-a72", {}), ("full", "cortex-a72", {"pmu": 3}),
                                        ("full", "cortex-a72", {"nonsense": True}))]
    commands = [{"execute": "query-cpu-definitions"}, *expand]
    theirs, ours = qmp(JUDGE, *commands), qmp(BINARY, *commands)
    known = {m["name"]: m for m in theirs[0]["return"]}
    for m in ours[0]["return"]:
        if m["name"] in known and m != known[m["name"]]:
            raise GuestError(f"{m} / {known[m['name']]}")
    props = theirs[1]["return"]["model"]["props"]
    if "PMUv3" in later():
        props.pop("pmu")
    if ours[1]["return"]["model"] != {"name": "cortex-a72", "props": props}:
        raise GuestError(f"{ours[1]}")
    for t, o in zip(theirs[2:], ours[2:]):
        if ("error" in t) != ("error" in o):
            raise GuestError(f"{t} / {o}")
    if theirs[2]["error"]["desc"] != ours[2]["error"]["desc"]:
        raise GuestError(f"{ours[2]}")


if __name__ == "__main__":
    try:
        sys.exit(run_tap([("ID registers of the models as QEMU's", identification),
                          ("models that QEMU does not have", others),
                          ("models and their properties by QMP", monitor)]))
    finally:
        shutil.rmtree(TMP, ignore_errors=True)
