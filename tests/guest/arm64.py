#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""arm64.py BINARY: Debian's arm64 kernels boot on the board virt to a shell, by model, number of processors and interrupt
controller; each processor computes a sum that a wrong translation would not give; PSCI powers the machine off."""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guest import HERE, Guest, GuestError, fetch, run_tap, slowness  # noqa: E402
from linux import check_dmesg  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
TMP = tempfile.mkdtemp(prefix="rhea-arm64-")
INITRD = f"{TMP}/initrd.gz"
WORK = "for c in $(seq 0 {last}); do taskset $(printf %x $((1 << c))) seq 1 20000 | sha256sum | sed s/^/cpu$c:/; done\n"


def boot(kernel, cpu, cpus, machine, wants=(), cmdline=""):
    """wants: what /proc/cpuinfo, /proc/interrupts or dmesg must have, as regular expressions."""
    def test():
        argv = [BINARY, "-M", machine, "-cpu", cpu, "-m", "512", "-smp", str(cpus), "-nographic", "-no-reboot",
                "-kernel", fetch(kernel), "-initrd", INITRD, "-append", f"console=ttyAMA0 {cmdline}"]
        with Guest(argv) as g:
            g.expect(r"Linux version 6\.", 60 * SLOW)
            m = g.expect(rb"RHEA-GUEST-READY after ([\d.]+)s, (\d+) processor", 180 * SLOW)
            if int(m.group(2)) != cpus:
                raise GuestError(f"the guest sees {m.group(2)} processors, not {cpus}")
            g.expect("# ", 20 * SLOW)
            g.send(WORK.format(last=cpus - 1))
            for c in range(cpus):
                got = g.expect(rf"cpu{c}:([0-9a-f]{{64}})", 60 * SLOW).group(1).decode()
                if got != WANT:
                    raise GuestError(f"sha256sum on processor {c} is wrong: {got}")
            g.send("cat /proc/cpuinfo /proc/interrupts; echo shown''-all\n")
            g.expect("shown-all\r", 20 * SLOW)
            for want in wants:
                if not re.search(want.encode(), g.log):
                    raise GuestError(f"no '{want}' in what the guest shows:\n{g.tail(40)}")
            check_dmesg(g, SLOW)
            g.send("poweroff -f\n")
            status = g.wait(60 * SLOW)
            if status != 0:
                raise GuestError(f"exit status {status} after poweroff:\n{g.tail()}")
            return f"guest uptime at the marker {m.group(1).decode()} s"
    return test


def cases():
    """Each model once with each interrupt controller and number of processors in all, not in all combinations."""
    gic2, gic3 = [r"(GIC-0|GICv2) +\d+ +Level +arch_timer"], [r"GICv3 +\d+ +Level +arch_timer"]
    return [
        ("max, one processor, GICv3", boot("kernel-arm64", "max", 1, "virt,gic-version=3", gic3)),
        ("max, four processors, GICv3", boot("kernel-arm64", "max", 4, "virt,gic-version=3", gic3)),
        ("max, four processors, GICv2", boot("kernel-arm64", "max", 4, "virt,gic-version=2", gic2)),
        ("cortex-a72, one processor, GICv2",
         boot("kernel-arm64", "cortex-a72", 1, "virt,gic-version=2", [*gic2, "CPU part\t: 0xd08"])),
        ("cortex-a72, four processors, GICv3", boot("kernel-arm64", "cortex-a72", 4, "virt,gic-version=3", gic3)),
        ("neoverse-n1, four processors, GICv3",
         boot("kernel-arm64", "neoverse-n1", 4, "virt,gic-version=3", [*gic3, "CPU part\t: 0xd0c"])),
        ("neoverse-n1, one processor, GICv2", boot("kernel-arm64", "neoverse-n1", 1, "virt,gic-version=2", gic2)),
        ("max with EL2, two processors",
         boot("kernel-arm64", "max", 2, "virt,gic-version=3,virtualization=on",
              [*gic3, r"All CPU\(s\) started at EL2", "VHE mode initialized successfully"])),
        ("cortex-a72 with EL2, GICv2, two processors",
         boot("kernel-arm64", "cortex-a72", 2, "virt,gic-version=2,virtualization=on",
              [*gic2, r"All CPU\(s\) started at EL2", "Hyp mode initialized successfully"])),
        ("cortex-a72 with EL3, GICv3, two processors",
         boot("kernel-arm64", "cortex-a72", 2, "virt,gic-version=3,secure=on", gic3)),
        ("linux-image-arm64, max, four processors", boot("kernel-arm64-full", "max", 4, "virt,gic-version=3", gic3)),
    ]


if __name__ == "__main__":
    env = {**os.environ, "BUSYBOX": fetch("busybox-arm64")}
    subprocess.run([f"{HERE}/mkinitrd", INITRD], check=True, env=env)
    WANT = subprocess.run("seq 1 20000 | sha256sum", shell=True, capture_output=True, text=True).stdout.split()[0]
    tests = cases()
    status = run_tap(tests[:1] if SLOW > 1 else tests)
    os.unlink(INITRD)
    os.rmdir(TMP)
    sys.exit(status)
