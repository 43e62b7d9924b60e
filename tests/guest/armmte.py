#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""armmte.py BINARY: memory tagging (-M virt,mte=on), against Debian's QEMU; and in a Linux guest.

The programs of armmte/ execute thousands of random instructions on tagged memory and print what each came to: main.c at
EL1 without a system; user.c under Linux, where the judge is qemu-aarch64-static."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bare  # noqa: E402
from guest import HERE, Guest, GuestError, Skip, fetch, run_tap, slowness  # noqa: E402
from linux import make_initrd  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
JUDGE = "qemu-system-aarch64"
USER_JUDGE = "qemu-aarch64-static"
TMP = tempfile.mkdtemp(prefix="rhea-armmte-")
ELF = os.path.join(TMP, "armmte.elf")
# One vector length, which programs show.
CPU = "max,sve128=on,sve256=off,sve512=off"


def compiler():
    found = shutil.which("aarch64-linux-gnu-gcc")
    if not found:
        raise Skip("no aarch64-linux-gnu-gcc: install gcc-aarch64-linux-gnu")
    return found


def build():
    bare.program(ELF, ["armmte/start.S", "armmte/main.c"], "-mgeneral-regs-only")


def lines(binary, *extra):
    """What the program prints."""
    args = [binary, "-M", "virt,mte=on", "-cpu", CPU, "-m", "128", "-display", "none", "-monitor", "none",
            "-serial", "stdio", "-kernel", ELF, *extra]
    with Guest(args) as g:
        g.expect(r"(?m)^END\r?$", 60 * SLOW)
        return [line.strip() for line in g.log.decode("ascii").splitlines()]


def compare(*extra):
    build()
    if not shutil.which(JUDGE):
        raise Skip(f"no {JUDGE}")
    same(lines(JUDGE), lines(BINARY, *extra), 12000)


def same(theirs, ours, least):
    wrong = [f"line {n}: theirs '{a}', ours '{b}'" for n, (a, b) in enumerate(zip(theirs, ours), 1) if a != b]
    if wrong:
        raise GuestError("\n".join([f"{len(wrong)} differences", *wrong[:8]]))
    if len(theirs) < least or len(theirs) != len(ours):
        raise GuestError(f"{len(theirs)} lines of theirs, {len(ours)} of ours")


def linux():
    """A program with PROT_MTE memory and SIGSEGV handlers."""
    if not shutil.which(USER_JUDGE):
        raise Skip(f"no {USER_JUDGE}: install qemu-user-static")
    program, initrd, kernel = os.path.join(TMP, "user"), os.path.join(TMP, "initrd"), fetch("kernel-arm64")
    subprocess.run([compiler(), "-O1", "-Wall", "-static", "-march=armv8.5-a+memtag", "-o", program, f"{HERE}/armmte/user.c"],
                   check=True)
    theirs = subprocess.run([USER_JUDGE, "-cpu", CPU, program], stdout=subprocess.PIPE, text=True, check=True).stdout
    os.environ["BUSYBOX"] = fetch("busybox-arm64")
    with open(program, "rb") as f:
        make_initrd(initrd, kernel, [], {"user": f.read()})
    args = [BINARY, "-M", "virt,mte=on", "-cpu", CPU, "-m", "512", "-nographic", "-no-reboot", "-kernel", kernel,
            "-initrd", initrd, "-append", "console=ttyAMA0 quiet"]
    with Guest(args) as g:
        g.expect("RHEA-GUEST-READY", 120 * SLOW)
        g.send("chmod +x /m/user; echo MTE''-BEGIN; /m/user\n")
        start = g.expect("MTE-BEGIN\r\n", 20 * SLOW).end()
        end = g.expect("MTE-END", 120 * SLOW).end()
        if g.expect(r"(\d+) wrong by DC", 20 * SLOW).group(1) != b"0":
            raise GuestError(f"DC GVA, GZVA, ZVA:\n{g.tail()}")
        ours = g.log[start:end].decode("ascii").replace("\r", "")
    theirs = theirs[:theirs.index("MTE-END") + 7]
    same(theirs.splitlines(), ours.splitlines(), 6000)


if __name__ == "__main__":
    try:
        sys.exit(run_tap([("random instructions on tagged memory as QEMU's", compare),
                          ("and by the interpreter", lambda: compare("-accel", "tcg,engine=interp")),
                          ("a Linux program as under QEMU's emulation of Linux", linux)]))
    finally:
        shutil.rmtree(TMP, ignore_errors=True)
