#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""boot.py BINARY: unmodified Debian kernels boot to a shell under the translator,
run commands on every processor, and power off with status 0."""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guest import HERE, Guest, fetch, run_tap, slowness  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
TMP = tempfile.mkdtemp(prefix="rhea-boot-")
INITRD = f"{TMP}/initrd.gz"


def boot(kernel, cpus, extra=()):
    def test():
        path = fetch(kernel)
        argv = [BINARY, "-m", "512", "-smp", str(cpus), "-nographic", "-no-reboot", "-kernel", path,
                "-initrd", INITRD, "-append", "console=ttyS0", *extra]
        with Guest(argv) as g:
            g.expect(r"Linux version 6\.", 60 * SLOW)
            m = g.expect(rb"RHEA-GUEST-READY after ([\d.]+)s, (\d+) processor", 120 * SLOW)
            if int(m.group(2)) != cpus:
                raise AssertionError(f"the guest sees {m.group(2)} processors, not {cpus}")
            g.expect("# ", 20 * SLOW)
            # Work on each processor, with a result that a wrong translation would not give.
            for c in range(cpus):
                g.send(f"echo 'x{c}'; taskset {1 << c:x} seq 1 20000 | taskset {1 << c:x} sha256sum\n")
                g.expect("[0-9a-f]{64}", 60 * SLOW)
                if want not in g.log[-400:].decode("latin1"):
                    raise AssertionError(f"sha256sum on processor {c} is wrong:\n{g.tail(3)}")
            g.send("grep -c ^processor /proc/cpuinfo; dmesg | grep -iE 'BUG|Oops|WARNING' | head -n 5; poweroff -f\n")
            status = g.wait(60 * SLOW)
            if status != 0:
                raise AssertionError(f"exit status {status} after poweroff:\n{g.tail()}")
            if re.search(rb"\] (Oops|BUG: |WARNING: CPU)", g.log):
                raise AssertionError(f"the kernel complains:\n{g.tail(40)}")
            return f"guest uptime at the marker {m.group(1).decode()} s"
    return test


if __name__ == "__main__":
    subprocess.run([f"{HERE}/mkinitrd", INITRD], check=True)
    want = subprocess.run("seq 1 20000 | sha256sum", shell=True, capture_output=True,
                          text=True).stdout.split()[0]
    tests = [("linux 6.1, one processor", boot("kernel", 1)),
             ("linux 6.1, two processors", boot("kernel", 2)),
             ("linux 6.12, one processor, -cpu max", boot("kernel-bpo", 1, ["-cpu", "max"])),
             ("linux 6.12, two processors, -cpu max", boot("kernel-bpo", 2, ["-cpu", "max"])),
             ("linux 6.1 booted by SeaBIOS, two processors", boot("kernel", 2, ["-bios", "bios-256k.bin"]))]
    if SLOW > 1:
        tests = tests[:1]
    status = run_tap(tests)
    os.unlink(INITRD)
    os.rmdir(TMP)
    sys.exit(status)
