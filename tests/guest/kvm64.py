#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""kvm64.py BINARY BUILD [--qemu]: -accel kvm of an arm64 host.

The host is a machine too: BINARY with EL2, or with --qemu Debian's qemu-system-aarch64, runs Debian's arm64 kernel with an
initrd that carries Rhea built for arm64 (tests/cross/build-arm64, in BUILD). That boots the same kernel under -accel kvm,
which must find KVM's services, compute something, and power off. Or it reads a disk whose messages the kernel's ITS
takes, and its monitor stops it, looks at it, and resets it; or moves it to the translator and back while it reads, its
state the same bit for bit. Or a program asks KVM for the state of a processor itself."""
import difflib
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
MOVES = 8
BEGIN = """#!/bin/busybox sh
export PATH=/bin:/sbin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev
cd /m
"""
# With a disk whose messages reach the kernel's controller; what the guest says is in /log.
RUN = """LD_LIBRARY_PATH=/m ./ld-linux-aarch64.so.1 {program} -accel kvm -M virt,gic-version=host -cpu host -smp {smp} -m 256 \\
    -nodefaults -display none -monitor stdio -serial file:/log -drive if=none,id=d,file=Image,format=raw \\
    -device nvme,drive=d,serial=1 -kernel Image -initrd inner.gz """
# The machine is stopped, and its clock with it, and then reset.
MONITOR = BEGIN + """
booted() {{ until [ "$(grep -c GUEST-READY /log)" = "$1" ]; do sleep 1; done; }}
ticks() {{ until [ "$(grep -cE '^[0-9]+.?$' /log)" -ge "$1" ]; do sleep 1; done; }}
touch /log
(booted 1; ticks 2; echo stop; echo info registers -a; sleep 20; echo info kvm; echo cont; ticks 5; echo system_reset
 booted 2; echo info status; echo quit) |
""" + RUN + """\\
    -append 'console=ttyAMA0 panic=-1 quiet rhea.cmd="dd if=/dev/nvme0n1 bs=4096 count=64 | md5sum; grep nvme /proc/interrupts; while sleep 1; do cut -d. -f1 /proc/uptime; done"'
cat /log
echo "inner emulator ended: $?."
poweroff -f
"""


# At each move: the state, where to, the state; then the guest must go on. Where it does not, its state is told. At the end
# it moves while it runs.
SWITCH = BEGIN + """
booted() {{ until grep -q GUEST-READY /log; do sleep 1; done; }}
lost() {{ echo info registers -a; echo info qtree; sleep 3; echo quit; }}
lines() {{ wc -l </log; }}
goes_on() {{
    n=$(($(lines) + 12)); t=0
    until [ $(lines) -ge $n ]; do sleep 1; t=$((t + 1)); [ $t -lt 200 ] || {{ lost; exit; }}; done
}}
state() {{ echo print $1; echo info registers -a; echo info qtree; }}
touch /log
(booted; goes_on
 for i in $(seq """ + str(MOVES // 2) + """); do for to in tcg kvm; do
     echo stop; state 1; echo accel-switch $to; state 2; echo print 3; echo cont; goes_on
 done; done
 for to in tcg kvm; do echo accel-switch $to; goes_on; done
 echo info kvm; echo quit) |
""" + RUN + """\\
    -append 'console=ttyAMA0 panic=-1 quiet rhea.cmd="while sleep 0.1; do dd if=/dev/nvme0n1 bs=4096 count=16 iflag=direct 2>/dev/null | md5sum; grep nvme /proc/interrupts; cut -d. -f1 /proc/uptime; dmesg | grep -E [s]tall\\|[B]UG\\|[O]ops; done"'
cat /log
echo "inner emulator ended: $?."
poweroff -f
"""
STATE = BEGIN + """
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


def inside(kernel, program, init, end, cpu="max", gic=3):
    """What is said until the end by an arm64 host that does that with the program."""
    with tempfile.TemporaryDirectory(prefix="rhea-kvm64-") as d:
        argv = [*host(), "-M", f"virt,gic-version={gic},virtualization=on", "-cpu", cpu, "-smp", "2", "-m", "1200",
                "-nographic", "-no-reboot", "-kernel", kernel, "-initrd", make_initrd(d, kernel, 2, *program, init),
                "-append", "console=ttyAMA0 quiet"]
        with Guest(argv) as g:
            g.expect(end, 1200 * SLOW)
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


def kept(text):
    """What `info` tells of a state, without what is worked out from it: pending wires are the accelerator's, and the kernel
    does not take the active state of its timers' interrupts back (bits 27 and 30)."""
    text = re.sub(r"(highest|wires|prio|pending) [0-9a-f]+", "", text)
    return re.sub(r"^( *(?:cpu .*|0:.*) active )([0-9a-f]{8})", lambda m: f"{m[1]}{int(m[2], 16) & ~0x48000000:08x}", text, flags=re.M)


def moves(cpu, gic):
    def test():
        kernel = fetch("kernel-arm64")
        said = inside(kernel, rhea(), SWITCH, r"inner emulator ended: \d+\.", cpu, gic).replace("\r", "")
        with open(kernel, "rb") as f:
            disk = hashlib.md5(f.read(16 * 4096)).hexdigest()
        parts = re.split(r"^\(qemu\) print ([123])\n\1\n", said, flags=re.M)
        at = [kept(p.split("(qemu) accel-switch")[0]) for kind, p in zip(parts[1::2], parts[2::2]) if kind != "3"]
        if len(at) != 2 * MOVES or "inner emulator ended: 0." not in said or "kernel-irqchip: on" not in said:
            raise GuestError(f"it did not move {MOVES} times:\n{said[-6000:]}")
        for n in range(MOVES):
            if at[2 * n] != at[2 * n + 1]:
                diff = difflib.unified_diff(at[2 * n].splitlines(), at[2 * n + 1].splitlines(), lineterm="", n=0)
                raise GuestError(f"move {n} changed the state:\n" + "\n".join(diff))
        log = said.split("GUEST-READY")[1]
        sums, times = re.findall(r"^([0-9a-f]{32})  -$", log, re.M), uptimes(log)
        if set(sums) != {disk} or re.search("stall|BUG|Oops", log) or times != sorted(times):
            raise GuestError(f"the guest is not well:\n{log}")
        return f"{MOVES} moves, {len(sums)} sums in {times[-1] - times[0]} s of the guest"
    return test


if __name__ == "__main__":
    sys.exit(run_tap([
        ("state of a processor, SVE", state),
        ("VHE, GICv3, two processors", case("max", "virt,gic-version=3,virtualization=on", 2, "VHE mode initialized")),
        ("stopped, looked at, reset", monitor),
        ("moves to the translator and back, GICv3 with ITS", moves("max", 3)),
        ("moves to the translator and back, GICv2", moves("cortex-a72", 2)),
        ("without VHE, GICv2, one processor",
         case("cortex-a72", "virt,gic-version=2,virtualization=on", 1, "Hyp mode initialized")),
    ]))
