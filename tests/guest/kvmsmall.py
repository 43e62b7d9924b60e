#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""kvmsmall.py BINARY [--long]: small guests on a real KVM: what Linux guests do not show, and what the KVM of a nested host may lack.

A Debian kernel with kvm-amd under BINARY's translator is the host, as in kvm.py; with --long also under Debian's QEMU."""
import os
import re
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "hostile")]
import asm  # noqa: E402
import linux  # noqa: E402
from guest import Guest, fetch, run_tap  # noqa: E402
from kvm import BINARY, QEMU, program  # noqa: E402
from preludes import x64  # noqa: E402

# Hyper-V's registers, before anything is written and after; then the crash.
HYPERV = """
    main:
        call tell
        mov ecx, 0x40000000             /* the guest's name: hypercalls and the like begin with it */
        mov eax, 1
        xor edx, edx
        wrmsr
        .irp n, 0, 1, 2, 3, 4
        mov ecx, 0x40000100 + \\n
        mov eax, 0x1000 + \\n
        mov edx, \\n
        wrmsr
        .endr
        mov ecx, 0x40000106             /* reenlightenment: vector 50h, on, processor 0 */
        mov eax, 0x10050
        xor edx, edx
        wrmsr
        call tell
        mov ecx, 0x40000105
        xor eax, eax
        mov edx, 0x80000000
        wrmsr
    1:  jmp 1b
    tell:                               /* P1, P4, CRASH_CTL, REENLIGHTENMENT_CONTROL */
        .irp n, 0x40000101, 0x40000104, 0x40000105, 0x40000106
        mov ecx, \\n
        rdmsr
        push rax
        mov eax, edx
        call hex8
        pop rax
        call hex8
        call space
        .endr
        mov al, 10
        call c8
        ret
"""
FRESH = "0000000000000000 0000000000000000 8000000000000000 0000000000000000"
WRITTEN = "0000000100001001 0000000400001004 8000000000000000 0000000000010050"
INFO = ('"info": {"type": "hyper-v", "arg1": 4096, "arg2": 4294971393, "arg3": 8589938690, "arg4": 12884905987, '
        '"arg5": 17179873284}')
# Processor 0 halts until the 8254 wakes it: 100 times; then it tells whether it has MWAIT, and its leaf 5.
WAITING = """
    main:
        interrupt 0x20, tick
        .irp byte, 0x1120, 0x2021, 0x0421, 0x0121, 0xfe21, 0xffa1, 0x3443, 0x5240, 0x0940
        mov eax, \\byte
        mov dl, al
        movzx dx, dl
        mov al, ah
        out dx, al
        .endr
        mov ebx, 100
    1:  sti
        hlt
        cli
        dec ebx
        jnz 1b
        mov eax, 1
        cpuid
        mov eax, ecx
        shr eax, 3
        and eax, 1
        call hex2
        call space
        mov eax, 5
        cpuid
        call hex8
        mov al, 10
        call c8
    1:  hlt
        jmp 1b
    tick:
        push rax
        mov al, 0x20
        out 0x20, al
        pop rax
        iretq
"""
# What rhea is told is in `script`: say() sends a line, until_is() waits for so many lines of a file that match.
TALK = """#!/bin/sh
cd /m; chmod +x ld-linux* rhea*; rm -f q out said; mkfifo q; : > said
LD_LIBRARY_PATH=/m ./ld-linux-x86-64.so.2 --argv0 rhea-system-x86_64 ./rhea-system-x86_64 -L /m -m 32 -nodefaults \\
    -display none -chardev file,id=d,path=said -device isa-debugcon,iobase=0x402,chardev=d -qmp stdio "$@" <q >out 2>&1 &
exec 3>q
say() { echo "$1" >&3; }
until_is() { n=0; while [ $(grep -c "$2" $1) -lt $3 ] && [ $n -lt 600 ]; do n=$((n+1)); usleep 100000; done; }
say '{"execute": "qmp_capabilities"}'
. ./script
say '{"execute": "quit"}'
wait
cat out said
"""
CRASH = """until_is out GUEST_PANICKED 1
say '{"execute": "system_reset"}'
say '{"execute": "cont"}'
until_is out GUEST_PANICKED 2
"""
WAITED = """until_is said " " 1
say '{"execute": "human-monitor-command", "arguments": {"command-line": "info kvm"}}'
until_is out "kvm support" 1
"""


def host(directory, program_of_host):
    kernel, outer = fetch("kernel"), f"{directory}/outer.gz"
    files = program(directory)
    files.update({"hyperv": asm.multiboot(x64() + HYPERV), "waiting": asm.multiboot(x64() + WAITING), "talk": TALK.encode(),
                  "crash": CRASH.encode(), "waited": WAITED.encode()})
    linux.make_initrd(outer, kernel, ["kvm-amd"], files)
    return [program_of_host, "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "1000", "-nographic", "-no-reboot",
            "-kernel", kernel, "-initrd", outer, "-append", "console=ttyS0 panic=-1 quiet"]


def talk(g, script, argv):
    status, out = linux.run(g, f"cd /m; cp {script} script; sh talk {argv}", 200)
    if status:
        raise AssertionError(f"status {status}:\n{out[-3000:]}")
    return out


def crash(g):
    """The registers, their saved state (a reset clears them in the kernel), and the event."""
    for cpu in ("hv-crash,hv-reenlightenment", "hv-passthrough"):
        out = talk(g, "crash", f"-accel kvm -cpu host,{cpu} -action panic=pause -kernel hyperv")
        if [l.strip() for l in out.splitlines() if re.match(r"[0-9a-f]{16} ", l)] != [FRESH, WRITTEN] * 2 or out.count(INFO) != 2:
            raise AssertionError(f"{cpu}:\n{out[-3000:]}")


def waiting(g):
    """HLT comes out of the guest with our local APICs; with cpu-pm=on it does not, and there is MWAIT if the kernel leaves it."""
    for options, often in (("", True), ("-overcommit cpu-pm=on", False)):
        out = talk(g, "waited", f"-accel kvm,kernel-irqchip=off,halt-poll-ns=70000 -cpu host {options} -kernel waiting")
        m = re.search(r"exits: halt: (\d+)", out)
        n = int(m.group(1)) if m else 0
        mwait = re.search(r"waiting in the guest: [^\\]*MWAIT", out)
        leaf = re.search(r"(?m)^(0[01]) ([0-9a-f]{8})\r?$", out)
        if "halt polling: up to 70000 ns" not in out or (n > 50) != often or (not often and n) or (leaf.group(1) == "01", int(leaf.group(2), 16) > 0) != (bool(mwait),) * 2:
            raise AssertionError(f"{options}: {n} exits:\n{out[-3000:]}")


def inside(program_of_host, *tests):
    def test():
        with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d, Guest(host(d, program_of_host)) as g:
            linux.ready(g, 2)
            for t in tests:
                t(g)
    return test


if __name__ == "__main__":
    hosts = [("our translator", BINARY)] + ([("Debian's QEMU", QEMU)] if "--long" in sys.argv else [])
    sys.exit(run_tap([(f"inside {name}: Hyper-V's crash and reenlightenment, waiting in the guest", inside(p, crash, waiting))
                      for name, p in hosts]))
