#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""armsemi.py BINARY: semihosting in A64, A32 and T32 against Debian's QEMU; refused without the option."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bare  # noqa: E402
from guest import Guest, GuestError, Skip, run_tap, slowness  # noqa: E402

BINARY = os.path.abspath(sys.argv[1])
SLOW = slowness(BINARY)
JUDGE = "qemu-system-aarch64"
TMP = tempfile.mkdtemp(prefix="rhea-armsemi-")
CONFIG = ["-semihosting-config", "enable=on,target=native,arg=program,arg=two words,arg=three"]
# Name: the compiler's prefix, its options, processor.
STATES = {"A64": ("aarch64-linux-gnu", bare.A64, "cortex-a57"),
          "A32": ("arm-linux-gnueabihf", ["-marm", "-march=armv8-a", "-mfloat-abi=soft"], "cortex-a15"),
          "T32": ("arm-linux-gnueabihf", ["-mthumb", "-march=armv8-a", "-mfloat-abi=soft"], "cortex-a15")}


def build(state):
    prefix, options, _ = STATES[state]
    return bare.program(os.path.join(TMP, f"{state}.elf"), ["armsemi/start.S", "armsemi/main.c"], *options, prefix=prefix)


def output(binary, state, *options):
    """Serial port and console, exit status, files left behind."""
    elf = build(state)
    with tempfile.TemporaryDirectory(prefix="rhea-armsemi-") as d:
        with open(f"{d}/there", "w", encoding="ascii") as f:
            f.write("0123456789")
        argv = [binary, "-M", "virt", "-cpu", STATES[state][2], "-m", "128", "-display", "none", "-monitor", "none", "-serial",
                "stdio", "-kernel", elf, *options]
        with Guest(argv, cwd=d) as g:
            status = g.wait(30 * SLOW)
        return g.log.decode("latin1").replace("\r", ""), status, sorted(os.listdir(d))


def as_judge(state, *options):
    def test():
        if not shutil.which(JUDGE):
            raise Skip(f"no {JUDGE}")
        theirs, ours = output(JUDGE, state, *CONFIG), output(BINARY, state, *CONFIG, *options)
        wrong = [f"theirs '{a}', ours '{b}'" for a, b in zip(theirs[0].split("\n"), ours[0].split("\n")) if a != b]
        if wrong or theirs[1:] != ours[1:] or "END\n" not in ours[0] or ours[1] != 42:
            raise GuestError("\n".join([*wrong[:10], f"{theirs[1:]} / {ours[1:]}", ours[0][-300:]]))
    return test


def refused(*options):
    """The instructions are UNDEFINED: the program's vectors say so."""
    def test():
        text, status, left = output(BINARY, "A64", *options)
        if text != "U\n" or status != 0 or left != ["there"]:
            raise GuestError(f"{text!r} {status} {left}")
    return test


def words():
    x86 = BINARY.replace("aarch64", "x86_64")
    for binary, options, wanted in ((x86, ["-semihosting"], "Option not supported for this target"),
                                    (BINARY, ["-semihosting-config", "target=gdb"], "unsupported semihosting-config gdb"),
                                    (BINARY, ["-semihosting-config", "target=no"], "invalid semihosting-config no"),
                                    (BINARY, ["-semihosting-config", "args=no"], "Invalid parameter 'args'"),
                                    (BINARY, ["-semihosting-config", "chardev=no"], "'no'")):
        r = subprocess.run([binary, "-M", "none", "-display", "none", *options], capture_output=True, text=True, timeout=60 * SLOW,
                           check=False, stdin=subprocess.DEVNULL)
        if r.returncode != 1 or wanted not in r.stderr:
            raise GuestError(f"{options}: {r.returncode} {r.stderr}")


def small(name, text):
    """A program of a few instructions."""
    compiler = STATES["A64"][0]
    if not shutil.which(compiler):
        raise Skip(f"no {compiler}")
    source, elf = f"{TMP}/{name}.S", f"{TMP}/{name}.elf"
    with open(source, "w", encoding="ascii") as f:
        f.write(f".globl _start\n_start:\n{text}")
    subprocess.run([compiler, "-nostdlib", "-static", "-Wl,-Ttext=0x40100000", "-Wl,--build-id=none", "-o", elf, source], check=True)
    return elf


def userspace():
    """SYS_EXIT at EL0, status 7; where that is UNDEFINED the vectors do it with status 9."""
    elf = small("user", """
        adr x0, vectors
        msr vbar_el1, x0
        adr x0, user
        msr elr_el1, x0
        msr spsr_el1, xzr
        eret
    user:
        mov w2, #7
    leave:
        adr x1, block
        str x2, [x1, #8]
        mov w0, #0x18
        hlt #0xf000
    1:  b 1b
        .balign 2048
    vectors:
        .rept 16
        .balign 128
        mov w2, #9
        b leave
        .endr
        .balign 8
    block:
        .quad 0x20026, 0
""")
    for option, wanted in (("userspace=on", 7), ("userspace=off", 9), ("enable=on", 9)):
        argv = [BINARY, "-M", "virt", "-cpu", "cortex-a57", "-m", "128", "-nographic", "-semihosting-config", option, "-kernel", elf]
        with Guest(argv) as g:
            if g.wait(30 * SLOW) != wanted:
                raise GuestError(f"{option}: status {g.p.returncode}")


def chardev():
    """The console of a character device, and input from it: SYS_READC."""
    elf = small("echo", "adr x19, 1f\n0: mov w0, #7\n hlt #0xf000\n strb w0, [x19]\n mov x1, x19\n"
                " mov w0, #3\n hlt #0xf000\n b 0b\n.balign 16\n1: .quad 0\n")
    argv = [BINARY, "-M", "virt", "-cpu", "cortex-a57", "-m", "128", "-display", "none", "-monitor", "none", "-serial", "none",
            "-chardev", "stdio,id=con", "-semihosting-config", "chardev=con", "-kernel", elf]
    with Guest(argv) as g:
        for text in ("hello", "again"):
            g.send(text)
            g.expect(text, 20 * SLOW)


if __name__ == "__main__":
    try:
        sys.exit(run_tap([*((f"{s}: all operations as QEMU's", as_judge(s)) for s in STATES),
                          ("T32, by the interpreter", as_judge("T32", "-accel", "tcg,engine=interp")),
                          ("without the option", refused()), ("with enable=off", refused("-semihosting-config", "enable=off")),
                          ("userspace=", userspace), ("a character device as its console", chardev), ("words of mistakes", words)]))
    finally:
        shutil.rmtree(TMP, ignore_errors=True)
