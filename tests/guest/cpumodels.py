#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""cpumodels.py BINARY: every CPU model's CPUID, and the topology's, against Debian's QEMU.

A firmware image of a few hundred bytes prints the leaves. QEMU is asked to show features that its
translator lacks (x-force-features); those that ours lacks, and says so in query-cpu-definitions, are
taken out of what is expected. The differences that are meant stand in expected_word() and SKIP."""
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import asm  # noqa: E402
from guest import GuestError, Skip, run_tap, slowness  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
JUDGE = "qemu-system-x86_64"
TMP = tempfile.mkdtemp(prefix="rhea-cpumodels-")
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
REGS = ["EAX", "EBX", "ECX", "EDX"]

LEAVES = ([(n, 0) for n in range(0x20)] + [(4, n) for n in range(1, 5)] + [(7, 1), (0xd, 1)] +
          [(0xb, n) for n in range(1, 3)] + [(0x1f, n) for n in range(1, 4)] +
          [(0x40000000, 0), (0x40000001, 0)] + [(0x80000000 + n, 0) for n in range(0x22)] +
          [(0x8000001d, n) for n in range(1, 5)])
TOPOLOGY_LEAVES = ([(0, 0), (0x80000000, 0), (1, 0)] + [(4, n) for n in range(4)] + [(0xb, n) for n in range(3)] +
                   [(0x1f, n) for n in range(4)] + [(0x80000001, 0), (0x80000008, 0)] +
                   [(0x8000001d, n) for n in range(4)] + [(0x8000001e, 0)])

# 0x15, 0x16: ours tell the frequency. 0xd: sizes follow from what is implemented, see the XSAVE tests.
# 5: the line's size is told with MONITOR. 0x12 and up to 0x1c: only features that none has.
SKIP = {5, 0xd, 0x14, 0x15, 0x16, 0x12, 0x18, 0x19, 0x1a, 0x1b, 0x1c}

# Each processor in turn, by a lock at 0x600: its leaves. The count of those that are done is at 0x604.
DUMP = """
    cli
    mov ax, 0x1000
    mov ss, ax
    mov esp, 0x8000
    lgdt cs:[gdtr]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    mov bx, 8
    mov ds, bx                  /* 4 GiB limit stays */
    and al, 0xfe
    mov cr0, eax
    xor bx, bx
    mov ds, bx
    mov dword ptr [0x600], 0
    mov dword ptr [0x604], 0
    call dump
    cmp dword ptr cs:[cpus], 1
    je 9f
    mov edi, 0xfee00000
    mov dword ptr [edi + 0xf0], 0x1ff
    mov word ptr [0x7000], 0xea90       /* 0x7000: nop; jmp f000:ap */
    mov word ptr [0x7002], offset ap
    mov word ptr [0x7004], 0xf000
    mov dword ptr [edi + 0x300], 0xc4500
    mov ecx, 20000
1:  pause
    loopd 1b
    mov dword ptr [edi + 0x300], 0xc4607
2:  pause
    mov eax, cs:[cpus]
    cmp [0x604], eax
    jb 2b
9:  exit 0

ap: cli
    xor ax, ax
    mov ds, ax
1:  pause
    mov eax, 1
    xchg [0x600], eax
    test eax, eax
    jnz 1b
    mov ax, 0x1000
    mov ss, ax
    mov esp, 0x8000 - 0x1000
    call dump
    mov dword ptr [0x600], 0
1:  hlt
    jmp 1b

dump:
    mov si, offset table
1:  mov eax, cs:[si]
    mov ecx, cs:[si + 4]
    cmp eax, -1
    je 2f
    cpuid
    push edx
    push ecx
    push ebx
    push eax
    mov dx, 0x402
    .rept 4
    pop eax
    .rept 4
    out dx, al
    shr eax, 8
    .endr
    .endr
    add si, 8
    jmp 1b
2:  inc dword ptr [0x604]
    ret
    .balign 8
gdt:.quad 0, 0x00cf93000000ffff
gdtr: .word 15
    .long 0xf0000 + gdt
"""


def image(leaves, cpus):
    table = "".join(f".long {leaf:#x}, {sub}\n" for leaf, sub in leaves)
    return asm.write(TMP, f"dump-{len(leaves)}-{cpus}.bin",
                     asm.bios(f"{DUMP}cpus: .long {cpus}\ntable:\n{table}.long -1, -1\n"))


def dump(program, cpu, leaves=None, cpus=1, extra=()):
    """{(leaf, subleaf): registers} of each processor, by APIC id of leaf 1."""
    leaves = leaves or LEAVES
    r = subprocess.run([program, "-M", "pc", "-accel", "tcg", "-nodefaults", "-display", "none", "-m",
                        "16", "-bios", image(leaves, cpus), "-cpu", cpu, *asm.REPORT_ARGS, *extra],
                       capture_output=True, timeout=60 * SLOW, stdin=subprocess.DEVNULL, check=False)
    size = 16 * len(leaves)
    if len(r.stdout) != size * cpus:
        raise GuestError(f"{program} -cpu {cpu}: {len(r.stdout)} bytes instead of {size * cpus}\n"
                         f"{r.stderr.decode()}")
    found = {}
    for n in range(cpus):
        one = {k: struct.unpack_from("<4I", r.stdout, n * size + i * 16) for i, k in enumerate(leaves)}
        found[one[1, 0][1] >> 24] = one
    return found


def qmp(program, *commands):
    """The answers to the commands; a command is its name or (name, arguments)."""
    lines = [{"execute": "qmp_capabilities"}]
    for c in commands + ("quit",):
        name, args = (c, {}) if isinstance(c, str) else c
        lines.append({"execute": name, "arguments": args})
    r = subprocess.run([program, "-M", "pc", "-accel", "tcg", "-nodefaults", "-display", "none", "-S",
                        "-qmp", "stdio"], input="".join(json.dumps(n) + "\n" for n in lines),
                       capture_output=True, text=True, timeout=60 * SLOW, check=False)
    answers = [json.loads(n) for n in r.stdout.splitlines()]
    answers = [n for n in answers if "return" in n or "error" in n]
    if len(answers) < len(commands) + 1:
        raise GuestError(f"{program}: {r.stdout}{r.stderr}")
    return answers[1:len(commands) + 1]


def features():
    """{name: (leaf, subleaf, register number, bit)} of features.def."""
    found = {}
    with open(f"{ROOT}/target/i386/features.def", encoding="ascii") as f:
        for m in re.finditer(r'^FEATURE\(\w+, (\w+), (\w+), (\w+), (\d+), "(.*)"\)', f.read(), re.M):
            if m[2] != "FEATURE_MSR":
                found[m[5]] = (int(m[1], 0), int(m[2], 0), REGS.index(m[3]), int(m[4]))
    return found


def expected_word(theirs, lacking, leaf, sub, reg):
    v = theirs
    for name, (f_leaf, f_sub, f_reg, bit) in FEATURES.items():
        if (f_leaf, f_sub, f_reg) == (leaf, sub, reg) and name in lacking:
            v &= ~(1 << bit)
    return v


def last_leaf(leaves, leaf):
    """What is beyond is answered by QEMU's AMD processors, too, as Intel's do: not by ours."""
    return {0: leaves[0, 0][0], 1: 0x40000001, 2: leaves.get((0x80000000, 0), [0x8000001f])[0]}[leaf >> 30]


def compare_model(name, lacking):
    ours = dump(BINARY, f"{name},check=off")[0]
    theirs = dump(JUDGE, f"{name},x-force-features=on,check=off")[0]
    words = {k[:3] for k in FEATURES.values()}
    bad = []
    for (leaf, sub), want in theirs.items():
        if leaf in SKIP and (leaf, sub) != (0xd, 1) or leaf > last_leaf(theirs, leaf):
            continue
        if (leaf, sub) == (0x8000001d, 3) and "l3-cache=off" in name:
            continue                    # QEMU takes it out of all leaves but this one
        for reg in range(4):
            got, w = ours[leaf, sub][reg], want[reg]
            if (leaf, sub) == (0xd, 1) and reg != 0:
                continue
            if leaf == 0x8000000a and "svm" in lacking:
                w = 0
            if (leaf, sub, reg) in words:
                w = expected_word(w, lacking, leaf, sub, reg)
            if (leaf, reg) == (1, 3):
                w |= got & 2            # VME: QEMU's translator lacks it, and its models lose it
            if (leaf, reg) == (0x80000001, 3):
                w |= got & 2 & ours[1, 0][3]
            if got != w:
                bad.append(f"{leaf:#x}.{sub} {REGS[reg]}: {got:#x}, QEMU {w:#x}, differ in {got ^ w:#x}")
    if bad:
        raise GuestError(f"{name}:\n" + "\n".join(bad))


def models():
    """[(name, features that ours lacks)] of all models of QEMU that are no alias."""
    ours = {d["name"]: d for d in qmp(BINARY, "query-cpu-definitions")[0]["return"]}
    theirs = {d["name"]: d for d in qmp(JUDGE, "query-cpu-definitions")[0]["return"]}
    for name, d in theirs.items():
        if name == "host":
            continue
        if name not in ours:
            raise GuestError(f"there is no model {name}")
        for key in ("alias-of", "static", "migration-safe", "deprecated", "typename"):
            if d.get(key) != ours[name].get(key):
                raise GuestError(f"{name}: {key} is {ours[name].get(key)}, QEMU {d.get(key)}")
    return [(n, set(ours[n]["unavailable-features"])) for n, d in theirs.items()
            if "alias-of" not in d and n not in ("host", "max")]


def need_judge():
    if not shutil.which(JUDGE):
        raise Skip(f"no {JUDGE}")
    if not asm.has_assembler():
        raise Skip("no GNU assembler")


def all_models():
    need_judge()
    found = models()
    errors = []
    for name, lacking in found:
        try:
            compare_model(name, lacking)
        except GuestError as e:
            errors.append(str(e))
    if errors:
        raise GuestError("\n".join(errors))
    return f"{len(found)} models, {len(LEAVES)} leaves each"


def options():
    need_judge()
    for cpu in ("Nehalem,l3-cache=off", "EPYC,l3-cache=off", "EPYC,legacy-cache=on", "Nehalem,cpuid-0xb=off",
                "Nehalem,level=7", "Nehalem,xlevel=0x80000004", "pentium,level=4", "pentium2,+smep,+lm",
                "Haswell,family=21,model=77,stepping=9", "Haswell,family=270,model=255",
                "Nehalem,vendor=AuthenticAMD", "Opteron_G3,vendor=GenuineIntel", "Nehalem,vendor=MeMeMeMeMeMe",
                "Conroe,model-id=My own processor", "Nehalem,tcg-cpuid=off", "Nehalem,-hypervisor",
                "Nehalem,+nx,-nx,smep=on,-sse4.2,+sse4_1", "kvm64,full-cpuid-auto-level=off,+arat",
                "Nehalem,min-level=12", "Haswell,enforce=off,kvm=off,pmu=off"):
        lacking = {n for n, v in qmp_features(cpu).items() if not v}
        compare_model(cpu, lacking)


def qmp_features(cpu):
    """What ours makes of a model and its options: {feature: shown}."""
    name, *items = cpu.split(",")
    props = {}
    for i in items:
        if i[0] in "+-":
            props[i[1:]] = i[0] == "+"
        else:
            k, v = i.split("=")
            props[k] = {"on": True, "off": False}.get(v, int(v, 0) if v[0].isdigit() else v)
    a = qmp(BINARY, ("query-cpu-model-expansion", {"type": "full", "model": {"name": name, "props": props}}))
    return {k: v for k, v in a[0]["return"]["model"]["props"].items() if k in FEATURES}


def topology():
    """Leaves of every processor in arrangements that are no powers of two as well."""
    need_judge()
    bad = []
    for smp, cpus in (("2", 2), ("4,sockets=2,cores=1,threads=2", 4), ("6,cores=3,threads=2,sockets=1", 6),
                      ("6,sockets=2,cores=3", 6), ("8,sockets=1,dies=2,cores=2,threads=2", 8),
                      ("5,sockets=5", 5), ("3,maxcpus=12,sockets=2,dies=2,cores=3,threads=1", 3),
                      ("12,sockets=2,dies=3,cores=1,threads=2", 12)):
        for cpu in ("Nehalem", "EPYC", "Opteron_G3", "Dhyana"):
            args = ["-smp", smp]
            ours = dump(BINARY, f"{cpu},check=off", TOPOLOGY_LEAVES, cpus, args)
            theirs = dump(JUDGE, f"{cpu},check=off,+topoext,x-force-features=on" if cpu in ("EPYC", "Dhyana")
                          else f"{cpu},check=off", TOPOLOGY_LEAVES, cpus, args)
            if ours.keys() != theirs.keys():
                bad.append(f"{cpu} -smp {smp}: APIC ids {sorted(ours)}, QEMU {sorted(theirs)}")
                continue
            for apic_id, leaves in theirs.items():
                bad += differences(f"{cpu} -smp {smp} APIC id {apic_id}", leaves, ours[apic_id])
    if bad:
        raise GuestError("\n".join(bad[:60]))


# Registers that hold features only, compared above.
PACKAGE_COUNT = {(1, 0, 1): 0xff0000, (0xb, 1, 1): 0xffff, (0x80000008, 0, 2): 0xff}
NOT_TOPOLOGY = {(1, 2), (0x80000001, 3), (0x80000008, 1)}


def differences(what, theirs, ours):
    for (leaf, sub), want in theirs.items():
        for reg in range(4):
            got, w = ours[leaf, sub][reg], want[reg]
            if leaf > last_leaf(theirs, leaf):
                continue
            if (leaf, reg) in NOT_TOPOLOGY:
                continue
            if (leaf, reg) == (4, 0) and sub < 2:
                # Threads share the first level, as on processors; QEMU 7.2 gives each its own.
                got, w = got & ~0x03ffc000, w & ~0x03ffc000
            if "dies=1" not in what and "dies" in what:
                # The package's threads, by definition; QEMU 7.2 counts one die's.
                mask = PACKAGE_COUNT.get((leaf, sub, reg), 0)
                got, w = got & ~mask, w & ~mask
            if (leaf, reg) == (1, 3):
                got, w = got & 1 << 28, w & 1 << 28
            if (leaf, reg) == (0x80000001, 2):
                got, w = got & 2, w & 2
            if got != w:
                yield f"{what}: {leaf:#x}.{sub} {REGS[reg]}: {got:#x}, QEMU {w:#x}"


def warnings():
    """The same words for the same feature, when neither has it; enforce; what is refused."""
    need_judge()
    args = ["-M", "none", "-nodefaults", "-display", "none", "-S"]
    text = "TCG doesn't support requested feature: "
    for cpu in ("Skylake-Server-v5,+xop,+kvm-pv-unhalt,+xcrypt,+sgx,+ssb-no", "Snowridge,enforce"):
        found = []
        for program in (JUDGE, BINARY):
            with subprocess.Popen([program, "-M", "pc", *args[2:], "-cpu", cpu, "-qmp", "stdio"], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as p:
                _, err = p.communicate('{"execute":"qmp_capabilities"}\n{"execute":"quit"}\n', 60 * SLOW)
            found.append((p.returncode, {n.split(text)[1] for n in err.splitlines() if text in n}, err))
        (their_status, theirs, _), (status, ours, err) = found
        if status != their_status:
            raise GuestError(f"-cpu {cpu}: status {status}, QEMU {their_status}\n{err}")
        names = [{re.search(r"[.:]([^.: ]+(\.\d)?) \[", n)[1] for n in texts} for texts in (ours, theirs)]
        if {n for n in ours ^ theirs if re.search(r"[.:]([^.: ]+(\.\d)?) \[", n)[1] in names[0] & names[1]}:
            raise GuestError(f"-cpu {cpu}: {ours ^ theirs}")
        if not ours & theirs:
            raise GuestError(f"-cpu {cpu}: no warnings in common\n{err}")
        if "enforce" in cpu and "TCG doesn't support requested features" not in err:
            raise GuestError(f"-cpu {cpu}: {err}")


FEATURES = features()

if __name__ == "__main__":
    try:
        sys.exit(run_tap([
            ("all models: CPUID", all_models),
            ("options: CPUID", options),
            ("topology: CPUID of every processor", topology),
            ("features that are lacking: warnings, enforce", warnings),
        ]))
    finally:
        shutil.rmtree(TMP, ignore_errors=True)
