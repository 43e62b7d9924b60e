#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""nested.py BINARY: a virtual machine inside the guest, on kvm-amd and our SVM.

The guest is a Debian kernel with an initrd that carries kvm-amd, a second kernel with its own
initrd, and the qemu-system-x86_64 of this host with its libraries and firmware. `-accel kvm` boots the
second kernel; it must say that it runs on KVM, compute something, and power off.
With Debian's QEMU as BINARY the same passes, which shows that the test is right."""
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import linux  # noqa: E402
from guest import HERE, Guest, Skip, fetch, run_tap, slowness  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
FIRMWARE = ["/usr/share/seabios/bios-256k.bin", "/usr/share/qemu/linuxboot_dma.bin",
            "/usr/share/qemu/kvmvapic.bin"]
BYTES = 4000000
INNER = f"dmesg | grep Hypervisor; yes | head -c {BYTES} | md5sum"
RUN = ("cd /m; chmod +x ld-linux* qemu*; LD_LIBRARY_PATH=/m ./ld-linux-x86-64.so.2 ./qemu-system-x86_64 "
       "-L /m -accel kvm -M pc -cpu {cpu} -smp {smp} -m 192 -nodefaults -display none -no-reboot "
       "-serial stdio -kernel vmlinuz -initrd inner.gz "
       "-append 'console=ttyS0 panic=-1 quiet rhea.cmd=\"{command}\"' </dev/null")


def read(path):
    with open(path, "rb") as f:
        return f.read()


def libraries(program):
    """Paths of the shared libraries of a program, and of their loader."""
    out = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    paths = re.findall(r"(/\S+) \(0x", out)
    if not any(os.path.basename(p).startswith("ld-linux-x86-64") for p in paths):
        raise Skip(f"{program} is not a program for this guest")
    return paths


def inner_files(kernel, directory):
    """What the guest needs to run a virtual machine: name -> contents."""
    qemu = shutil.which("qemu-system-x86_64")
    if not qemu or not all(os.path.exists(f) for f in FIRMWARE):
        raise Skip("no qemu-system-x86_64 with firmware to run inside")
    paths = [qemu, *FIRMWARE, *libraries(qemu)]
    inner = f"{directory}/inner.gz"
    subprocess.run([f"{HERE}/mkinitrd", inner], check=True)
    files = {}
    for p in [*paths, inner, kernel]:
        files["vmlinuz" if p == kernel else os.path.basename(p)] = read(p)
    return files


def outer_initrd(kernel, directory):
    path = f"{directory}/outer.gz"
    if not os.path.exists(path):
        tree = os.path.dirname(os.path.dirname(kernel))
        if not glob.glob(f"{tree}/lib/modules/*/kernel/arch/x86/kvm/kvm-amd.ko"):
            raise Skip("the kernel package has no kvm-amd")
        linux.make_initrd(path, kernel, ["kvm-amd"], inner_files(kernel, directory))
    return path


def nested(directory, cpu, smp, inner_cpu, paging):
    def test():
        kernel = fetch("kernel")
        argv = [BINARY, "-accel", "tcg", "-cpu", cpu, "-smp", str(smp), "-m", "1200", "-nographic",
                "-no-reboot", "-kernel", kernel, "-initrd", outer_initrd(kernel, directory),
                "-append", "console=ttyS0 panic=-1 quiet"]
        with Guest(argv) as g:
            linux.ready(g, SLOW)
            _, said = linux.run(g, "dmesg | grep -i nested", 20 * SLOW)
            if f"Nested Paging {paging}" not in said:
                raise AssertionError(f"kvm-amd says {said!r}")
            status, out = linux.run(g, RUN.format(cpu=inner_cpu, smp=smp, command=INNER), 300 * SLOW)
            if status:
                raise AssertionError(f"the inner emulator ended with status {status}:\n{out}")
        m = re.search(r"RHEA-GUEST-READY after (\S+), (\d+) processor", out)
        if not m or int(m.group(2)) != smp or "Hypervisor detected: KVM" not in out:
            raise AssertionError(f"inside:\n{out}")
        if hashlib.md5(b"y\n" * (BYTES // 2)).hexdigest() not in out:
            raise AssertionError(f"computed wrongly:\n{out}")
        return f"the inner kernel was at its shell after {m.group(1)}"
    return test


def main():
    with tempfile.TemporaryDirectory(prefix="rhea-nested-") as d:
        return run_tap([
            ("nested paging, one processor", nested(d, "max", 1, "host", "enabled")),
            ("nested paging, two processors", nested(d, "max", 2, "host", "enabled")),
            ("shadow paging, -cpu qemu64 inside", nested(d, "max,npt=off", 1, "qemu64", "disabled")),
        ])


if __name__ == "__main__":
    sys.exit(main())
