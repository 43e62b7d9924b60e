#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""kvm64.py BINARY BUILD [--qemu]: -accel kvm of an arm64 host.

The host is a machine too: BINARY with EL2, or with --qemu Debian's qemu-system-aarch64, runs Debian's arm64 kernel with an
initrd that carries Rhea built for arm64 (tests/cross/build-arm64, in BUILD). That boots the same kernel under -accel kvm,
which must find KVM's services, compute something, and power off. Or it reads a disk whose messages the kernel's ITS
takes, and its monitor stops it, looks at it, and resets it. Or a program asks KVM for the state of a processor itself."""
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guest import HERE, Guest, GuestError, Skip, fetch, run_tap  # noqa: E402
from nested64 import BINARY, SLOW, make_initrd, nested  # noqa: E402

BUILD = os.path.abspath(sys.argv[2])
QEMU = "--qemu" in sys.argv
# The machine is stopped, and its clock with it, and then reset.
MONITOR = """#!/bin/busybox sh
export PATH=/bin:/sbin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev
cd /m
booted() {{ until [ "$(grep -c GUEST-READY /log)" = "$1" ]; do sleep 1; done; }}
ticks() {{ until [ "$(grep -cE '^[0-9]+.?$' /log)" -ge "$1" ]; do sleep 1; done; }}
touch /log
(booted 1; ticks 2; echo stop; echo info registers -a; sleep 20; echo info kvm; echo cont; ticks 5; echo system_reset
 booted 2; echo info status; echo quit) |
LD_LIBRARY_PATH=/m ./ld-linux-aarch64.so.1 {program} -accel kvm -M virt,gic-version=host -cpu host -smp {smp} \\
    -m 256 -nodefaults -display none -monitor stdio -serial file:/log -drive if=none,id=d,file=Image,format=raw -device nvme,drive=d,serial=1 -kernel Image -initrd inner.gz \\
    -append 'console=ttyAMA0 panic=-1 quiet rhea.cmd="dd if=/dev/nvme0n1 bs=4096 count=64 | md5sum; grep nvme /proc/interrupts; while sleep 1; do cut -d. -f1 /proc/uptime; done"'
cat /log
echo "inner emulator ended: $?."
poweroff -f
"""


STATE = """#!/bin/busybox sh
export PATH=/bin:/sbin
/bin/busybox --install -s /bin
mount -t devtmpfs devtmpfs /dev
cd /m
LD_LIBRARY_PATH=/m ./ld-linux-aarch64.so.1 {program}
echo "the program ended: $?."
poweroff -f
"""


def built(target, name, start):
    """A program of this repository for arm64, as nested64.make_initrd() takes it."""
    p = subprocess.run([f"{HERE}/../cross/build-arm64", BUILD, target], capture_output=True, text=True)
    if p.returncode == 77:
        raise Skip(p.stdout.strip())
    if p.returncode:
        raise GuestError(f"it cannot be built: {p.stderr[-3000:]}")
    program = f"{BUILD}/{name}"
    subprocess.run(["aarch64-linux-gnu-strip", "-o", program, f"{BUILD}/tree/{target}"], check=True)
    return p.stdout.strip(), program, start


def rhea():
    return built("rhea", "rhea-system-aarch64", "--argv0 rhea-system-aarch64 ./rhea-system-aarch64")


def host():
    program = shutil.which("qemu-system-aarch64") if QEMU else BINARY
    if not program:
        raise Skip("no qemu-system-aarch64 to be the host")
    return [program, "-accel", "tcg"]


def case(cpu, machine, smp, says):
    return lambda: nested(cpu, machine, smp, says, host(), rhea)()


def uptimes(text):
    return [int(n) for n in re.findall(r"^(\d+)\r*$", text, re.M)]


def inside(kernel, program, init, end):
    """What is said until the end by an arm64 host that does that with the program."""
    with tempfile.TemporaryDirectory(prefix="rhea-kvm64-") as d:
        argv = [*host(), "-M", "virt,gic-version=3,virtualization=on", "-cpu", "max", "-smp", "2", "-m", "1200",
                "-nographic", "-no-reboot", "-kernel", kernel, "-initrd", make_initrd(d, kernel, 2, *program, init),
                "-append", "console=ttyAMA0 quiet"]
        with Guest(argv) as g:
            g.expect(end, 600 * SLOW)
            return g.log.decode("latin1")


def state():
    program = built("tests/test-kvm-arm-state", "test-kvm-arm-state", "./test-kvm-arm-state")
    said = inside(fetch("kernel-arm64"), program, STATE, r"the program ended: \d+\.")
    lengths = re.findall(r"vectors of (\d+) bits", said)
    if "the program ended: 0." not in said or re.search("^(not ok|Bail|.*# SKIP)", said, re.M) or not lengths:
        raise GuestError(said)
    return f"SVE of {', '.join(lengths)} bits"


def monitor():
    kernel = fetch("kernel-arm64")
    said = inside(kernel, rhea(), MONITOR, "inner emulator ended")
    with open(kernel, "rb") as f:
        disk = hashlib.md5(f.read(64 * 4096)).hexdigest()
    for what in [disk, r"[1-9]\d* .*ITS-MSI.*nvme", "kernel-irqchip: on", "exits: device memory", "VM status: running", r"PC=ffff\w+ X00=",
                 r"FFR=[0-9a-f]{16}", r"Z00(\[[0-9a-f]-[0-9a-f]\])?=[0-9a-f:]{60,}"]:
        if not re.search(what, said):
            raise GuestError(f"no '{what}' in:\n{said}")
    if said.count("GUEST-READY") != 2:
        raise GuestError(f"the guest did not boot twice:\n{said}")
    first = uptimes(said.split("GUEST-READY")[1])
    jumps = [b - a for a, b in zip(first, first[1:])]
    if len(jumps) < 4 or max(jumps) > 12:
        raise GuestError(f"the guest's clock went on while it was stopped: {first}")


if __name__ == "__main__":
    sys.exit(run_tap([
        ("state of a processor, SVE", state),
        ("VHE, GICv3, two processors", case("max", "virt,gic-version=3,virtualization=on", 2, "VHE mode initialized")),
        ("stopped, looked at, reset", monitor),
        ("without VHE, GICv2, one processor",
         case("cortex-a72", "virt,gic-version=2,virtualization=on", 1, "Hyp mode initialized")),
    ]))
