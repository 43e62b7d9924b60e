#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""nested64.py BINARY: virtual machines inside an arm64 guest, on KVM and our EL2.

The guest is Debian's arm64 kernel with an initrd that carries Debian's qemu-system-aarch64 with its libraries, and the same
kernel once more. `-accel kvm` boots that one; it must find KVM's services, compute something, and power off."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guest import HERE, Guest, GuestError, fetch, run_tap, slowness  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
INNER = "dmesg | grep hypervisor; seq 1 20000 | sha256sum"
INIT = """#!/bin/busybox sh
export PATH=/bin:/sbin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev
dmesg | grep 'kvm \\['
cd /m
LD_LIBRARY_PATH=/m ./ld-linux-aarch64.so.1 {program} -accel kvm -M virt,gic-version=host -cpu host -smp {smp} \\
    -m 256 -nodefaults -display none -no-reboot -serial stdio -kernel Image -initrd inner.gz \\
    -append 'console=ttyAMA0 panic=-1 quiet rhea.cmd="{command}"' </dev/null
echo "inner emulator ended: $?."
poweroff -f
"""


def libraries(tree, program):
    """Files of the shared libraries that a program of that tree needs, by the names it asks for."""
    there = {}
    for directory, _, names in os.walk(tree):
        for n in names:
            if ".so" in n:
                there.setdefault(n, os.path.join(directory, n))
    found, todo = {}, [program]
    while todo:
        out = subprocess.run(["readelf", "-d", todo.pop()], capture_output=True, text=True, check=True).stdout
        for name in re.findall(r"NEEDED.*\[(.*?)\]", out):
            if name not in found:
                found[name] = os.path.realpath(there[name])
                todo.append(found[name])
    return found


def make_initrd(directory, kernel, smp, tree, program, start, init=INIT):
    """An initrd with the program, its libraries out of the tree, and what it boots; start: how init starts it in /m."""
    busybox = fetch("busybox-arm64")
    root, inner, out = f"{directory}/root", f"{directory}/inner.gz", f"{directory}/outer.gz"
    for d in ["m", "bin", "dev", "proc"]:
        os.makedirs(f"{root}/{d}", exist_ok=True)
    subprocess.run([f"{HERE}/mkinitrd", inner], check=True, env={**os.environ, "BUSYBOX": busybox})
    files = {"bin/busybox": busybox, f"m/{os.path.basename(program)}": program, "m/Image": kernel, "m/inner.gz": inner,
             **{f"m/{name}": path for name, path in libraries(tree, program).items()}}
    files.setdefault("m/ld-linux-aarch64.so.1", f"{tree}/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1")
    for name, path in files.items():
        shutil.copy(path, f"{root}/{name}")
        os.chmod(f"{root}/{name}", 0o755)
    with open(f"{root}/init", "w", encoding="ascii") as f:
        f.write(init.format(smp=smp, command=INNER, program=start))
    os.chmod(f"{root}/init", 0o755)
    subprocess.run(f"find . | cpio -o -H newc -R 0:0 --quiet | gzip -1 >{out}", shell=True, cwd=root, check=True)
    return out


def qemu():
    """What Debian's QEMU for arm64 needs: for make_initrd()."""
    tree = fetch("tree", "arm64", "qemu-system-arm")
    return tree, f"{tree}/usr/bin/qemu-system-aarch64", "./qemu-system-aarch64"


def nested(cpu, machine, smp, says, host=(BINARY,), inner=qemu):
    """The test of a machine whose guest runs a virtual machine on KVM, in the program that inner() tells of."""
    def test():
        kernel = fetch("kernel-arm64")
        want = subprocess.run("seq 1 20000 | sha256sum", shell=True, capture_output=True, text=True).stdout.split()[0]
        with tempfile.TemporaryDirectory(prefix="rhea-nested64-") as d:
            argv = [*host, "-M", machine, "-cpu", cpu, "-smp", str(smp), "-m", "1200", "-nographic", "-no-reboot",
                    "-kernel", kernel, "-initrd", make_initrd(d, kernel, smp, *inner()), "-append", "console=ttyAMA0 quiet"]
            with Guest(argv) as g:
                g.expect(says, 120 * SLOW)
                m = g.expect(rb"RHEA-GUEST-READY after (\S+), (\d+) processor", 240 * SLOW)
                if int(m.group(2)) != smp:
                    raise GuestError(f"the inner guest sees {m.group(2)} processors")
                g.expect("KVM: hypervisor services detected", 60 * SLOW)
                got = g.expect(r"([0-9a-f]{64})  -", 120 * SLOW).group(1).decode()
                if got != want:
                    raise GuestError(f"computed wrongly: {got}")
                g.expect(r"inner emulator ended: 0\.", 60 * SLOW)
                if g.wait(60 * SLOW) != 0:
                    raise GuestError(f"the guest did not power off:\n{g.tail()}")
                return f"the inner kernel was at its init after {m.group(1).decode()}"
    return test


if __name__ == "__main__":
    sys.exit(run_tap([
        ("VHE, one processor", nested("max", "virt,gic-version=3,virtualization=on", 1, "VHE mode initialized")),
        ("VHE, two processors", nested("max", "virt,gic-version=3,virtualization=on", 2, "VHE mode initialized")),
        ("without VHE, GICv2, one processor",
         nested("cortex-a72", "virt,gic-version=2,virtualization=on", 1, "Hyp mode initialized")),
    ]))
