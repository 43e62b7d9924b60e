#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""systems.py BINARY [--long]: what people run besides Debian's cloud kernel starts and works.

Its kernel with drivers for everything, its 32-bit kernel with PAE and a 32-bit user space, and Xen
with a Linux domain 0. With --long, instead: a whole pass of memtest86+ over 64 MiB in 32 and 64
bits.

BINARY may be qemu-system-x86_64, which tests the tests."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guest import HERE, Guest, fetch, run_tap, slowness  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(shutil.which(BINARY) or BINARY)
TMP = tempfile.mkdtemp(prefix="rhea-systems-")
COMMON = ["-nographic", "-no-reboot"]


def initrd(name, busybox=None):
    """Made once, when a test asks for it."""
    path = f"{TMP}/{name}.gz"
    if not os.path.exists(path):
        env = dict(os.environ, **({"BUSYBOX": busybox} if busybox else {}))
        subprocess.run([f"{HERE}/mkinitrd", path], check=True, env=env)
    return path


def work_and_end(g, cpus):
    """Every processor computes the same; then the machine is switched off."""
    want = subprocess.run("seq 1 20000 | sha256sum", shell=True, capture_output=True, text=True,
                          check=True).stdout.split()[0]
    for c in range(cpus):
        g.send(f"taskset {1 << c:x} seq 1 20000 | taskset {1 << c:x} sha256sum\n")
        got = g.expect(r"\b[0-9a-f]{64}\b", 60 * SLOW).group(0).decode()
        if got != want:
            raise AssertionError(f"sha256sum on processor {c} is {got}, not {want}")
    g.send("poweroff -f\n")
    status = g.wait(60 * SLOW)
    if status != 0:
        raise AssertionError(f"exit status {status} after poweroff:\n{g.tail()}")
    if re.search(rb"\] (Oops|BUG: |WARNING: CPU)", g.log):
        raise AssertionError(f"the kernel complains:\n{g.tail(40)}")


def linux(kernel, cpus, machine, ramdisk, *extra):
    def test():
        with Guest([BINARY, "-M", machine, "-m", "1G", "-smp", str(cpus), *COMMON, "-kernel", fetch(kernel),
                    "-initrd", ramdisk(), "-append", "console=ttyS0", *extra]) as g:
            m = g.expect(rb"RHEA-GUEST-READY after ([\d.]+)s, (\d+) processor", 180 * SLOW)
            if int(m.group(2)) != cpus:
                raise AssertionError(f"the guest sees {m.group(2)} processors, not {cpus}")
            work_and_end(g, cpus)
            return f"guest uptime at the marker {m.group(1).decode()} s"
    return test


def i386():
    return initrd("i386", fetch("busybox-i386"))


def xen(cpus, machine, cpu):
    """The hypervisor is a multiboot kernel that goes through real mode; Linux runs in ring 3 under it."""
    def test():
        with Guest([BINARY, "-M", machine, "-cpu", cpu, "-m", "1G", "-smp", str(cpus), *COMMON, "-kernel", fetch("xen"),
                    "-initrd", f"{fetch('kernel-full')} console=hvc0,{initrd('amd64')}",
                    "-append", "com1=115200,8n1 console=com1 loglvl=all"]) as g:
            if cpus > 1:    # Xen alone says nothing of one
                g.expect(f"Brought up {cpus} CPUs", 60 * SLOW)
            m = g.expect(rb"RHEA-GUEST-READY after ([\d.]+)s, (\d+) processor", 180 * SLOW)
            if int(m.group(2)) != cpus:
                raise AssertionError(f"domain 0 sees {m.group(2)} processors, not {cpus}")
            g.send("cat /sys/hypervisor/type\n")
            g.expect(r"\nxen\r", 20 * SLOW)
            work_and_end(g, cpus)
            if b"FAULT" in g.log or b"crashed" in g.log:
                raise AssertionError(f"Xen complains:\n{g.tail(60)}")
            return f"uptime of domain 0 at the marker {m.group(1).decode()} s"
    return test


def memtest(image, cpus):
    """A whole pass; memtest86+ says so itself, and counts errors."""
    def test():
        with Guest([BINARY, "-display", "none", "-nodefaults", "-no-reboot", "-m", "64", "-smp", str(cpus), "-cpu", "max",
                    "-serial", "stdio", "-kernel", fetch(image), "-append", "console=ttyS0,115200"]) as g:
            g.expect(r"\x1b\[2J", 60 * SLOW)
            for _ in range(60):     # it waits a while for somebody who wants other settings
                g.send("\n")
                if g.appears("Memtest86", 1):
                    break
            g.expect("Pass: +1 ", 1800 * SLOW)
            errors = re.findall(rb"Errors: *(\d+)", g.log)
            if not errors or int(errors[-1]):
                raise AssertionError(f"memtest86+ counts {errors[-1:]} errors")
    return test


if __name__ == "__main__":
    tests = [("linux-image-amd64 on q35, 2 processors", linux("kernel-full", 2, "q35", lambda: initrd("amd64"), "-cpu", "max")),
             ("linux-image-686-pae on pc, 1 processor", linux("kernel-i386", 1, "pc", i386)),
             ("linux-image-686-pae on q35, 2 processors", linux("kernel-i386", 2, "q35", i386, "-cpu", "max")),
             # QEMU 7.2's -cpu max has SMAP on which Xen's domain 0 stumbles there; its default has not.
             ("Xen and domain 0 on pc, 1 processor", xen(1, "pc", "qemu64")),
             ("Xen and domain 0 on q35, 4 processors", xen(4, "q35", "qemu64" if "qemu" in BINARY else "max"))]
    if "--long" in sys.argv:
        tests = [(f"a pass of {i}, {n} processor(s)", memtest(i, n)) for i in ("memtest", "memtest-ia32") for n in (1, 4)]
    try:
        status = run_tap(tests[:1] if SLOW > 1 else tests)
    finally:
        shutil.rmtree(TMP)
    sys.exit(status)
