#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""kvmswitch.py BINARY [--times N]: a Debian guest moves from KVM to the translator and back while it computes.

Its host is a machine as in kvm.py, in our translator. Two processors compute checksums without end, in general and in
vector registers, and read a disk; every sum must be right. At each move the machine is stopped, and what `info registers`
and `info qtree` (interrupt controllers) tell must be the same before and after, bit for bit. The monitor's way out is a
second serial port."""
import concurrent.futures
import hashlib
import os
import re
import sys
import tempfile

sys.argv[1] = os.path.abspath(sys.argv[1])
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kvm  # noqa: E402
import linux  # noqa: E402
from guest import Guest, fetch, run_tap  # noqa: E402

TIMES = int(sys.argv[sys.argv.index("--times") + 1]) if "--times" in sys.argv else 10
BYTES = 400000
SUMS = {name: hashlib.new(name, b"y\n" * (BYTES // 2)).hexdigest() for name in ("md5", "sha256")}
DISK = hashlib.sha1(kvm.DISK).hexdigest()
kvm.COMMAND = ("sh /m/load; dmesg -n 1; "
               f"(while :; do echo md5=$(yes | head -c {BYTES} | md5sum); done) & "
               f"while :; do echo sha256=$(yes | head -c {BYTES} | sha256sum); "
               f"echo disk=$(dd if=/dev/vda bs=4096 iflag=direct 2>/dev/null | head -c {len(kvm.DISK)} | sha1sum); "
               "dmesg | grep -E 'BUG|Oops|WARNING|stuck|unstable'; done")


def state(qmp):
    """Everything that the processors hold, as text; the machine is stopped."""
    return [qmp.cmd("human-monitor-command", **{"command-line": c}) for c in ("info registers -a", "info qtree")]


def progress(g):
    """Until a sum of each kind is printed once more; all of them are right."""
    for kind, want in (("md5", SUMS["md5"]), ("sha256", SUMS["sha256"]), ("disk", DISK)):
        got = g.expect(rf"{kind}=([0-9a-f]*) -", 300).group(1).decode()
        if got != want:
            raise AssertionError(f"{kind} is {got}, not {want}")


def check_all(g):
    text = g.log.decode("latin1")
    wrong = [l for l in re.findall(r"(?:md5|sha256|disk)=[0-9a-f]{32,64}\b", text)
             if l.split("=")[1] not in (*SUMS.values(), DISK)]
    bad = re.findall(r".*(?:BUG|Oops|WARNING|stuck|unstable).*", text)
    if wrong or bad:
        raise AssertionError("\n".join((wrong + bad)[:10]))
    return len(re.findall(r"(?:md5|sha256|disk)=[0-9a-f]{32,64}\b", text))


def moves(board, cpu, options=""):
    def test():
        with tempfile.TemporaryDirectory(prefix="rhea-kvmswitch-") as d:
            argv = kvm.host_argv(d, fetch("kernel"), kvm.BINARY)
            argv += ["-serial", "mon:stdio", "-serial", f"unix:{d}/serial,server=on,wait=off"]
            with concurrent.futures.ThreadPoolExecutor(1) as pool, Guest(argv) as g:
                linux.ready(g, 2)
                command = kvm.RUN.format(board=board, cpu=cpu, device=kvm.DEVICE[board], firmware="",
                                         options=options)
                command = command.replace("-serial stdio", "-serial file:/dev/ttyS0 -qmp stdio")
                waiting = pool.submit(linux.Qmp, f"{d}/serial", timeout=300)  # from before the greeting is sent
                g.send("stty -F /dev/ttyS1 raw -echo; "
                       + command.replace("</dev/null", "</dev/ttyS1 >/dev/ttyS1 &") + "\n")
                qmp = waiting.result(300)
                progress(g)
                for i in range(TIMES):
                    qmp.cmd("stop")
                    before = state(qmp)
                    qmp.cmd("accel-switch", accel=("tcg", "kvm")[i % 2])
                    after = state(qmp)
                    if before != after:
                        raise AssertionError(f"move {i} changed the state:\n{before}\n{after}")
                    qmp.cmd("cont")
                    progress(g)
                n = check_all(g)
        return f"{TIMES} moves, {n} sums"
    return test


def main():
    machines = [("q35", "host", "")]
    if TIMES > 10:
        machines += [("microvm", "max", ""), ("q35", "host", ",kernel-irqchip=on")]
    return run_tap([(f"{board}{options}, two processors", moves(board, cpu, options)) for board, cpu, options in machines])


if __name__ == "__main__":
    sys.exit(main())
