#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""inside.py BINARY: protocol.py's breakpoints, steps, watchpoints and memory on a real KVM.

The host is a machine of BINARY's translator with Debian's kernel and kvm-amd, in which BINARY runs protocol.py's guest under
-accel kvm; its gdb stub is on the machine's second serial port."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "guest"), os.path.join(HERE, "..", "hostile")]
import asm  # noqa: E402
import linux  # noqa: E402
import nested  # noqa: E402
import protocol  # noqa: E402
from guest import Guest, fetch, run_tap, slowness  # noqa: E402
from preludes import x64  # noqa: E402
from rsp import Rsp  # noqa: E402

BINARY = os.path.abspath(sys.argv[1])
SLOW = slowness(BINARY)
RUN = ("cd /m; chmod +x ld-linux* rhea*; (exec 3<>/dev/ttyS1; stty -F /dev/ttyS1 raw -echo 115200; echo RE''ADY; LD_LIBRARY_PATH=/m ./ld-linux-x86-64.so.2 --argv0 "
       "rhea-system-x86_64 ./rhea-system-x86_64 -L /m -accel kvm -cpu host -m 16 -nodefaults -display none -S -kernel flat -gdb stdio "
       "<&3 >&3; echo EN''DED)\n")


class Inside(protocol.Debugged):
    host, path = None, None

    def __init__(self, accel, *options):
        self.host.send(RUN)
        self.host.expect("READY", 60 * SLOW)
        self.r = Rsp(self.path, 60 * SLOW)
        self.r.cmd("?")

    def __exit__(self, *exc):
        self.r.send("k")
        self.host.expect("ENDED", 60 * SLOW)
        self.r.close()


def host_files(directory, kernel):
    stripped = f"{directory}/rhea-system-x86_64"
    subprocess.run(["strip", "-o", stripped, BINARY], check=True)
    files = {os.path.basename(p): nested.read(p) for p in [stripped, *nested.libraries(BINARY)]}
    files["flat"] = asm.multiboot(x64() + protocol.PROGRAM)
    return files


def main():
    kernel = fetch("kernel")
    with tempfile.TemporaryDirectory(prefix="rhea-inside-") as d:
        outer = f"{d}/outer.gz"
        linux.make_initrd(outer, kernel, ["kvm-amd"], host_files(d, kernel))
        Inside.path = f"{d}/gdb"
        with Guest([BINARY, "-accel", "tcg", "-cpu", "max", "-m", "700", "-display", "none", "-monitor", "none", "-no-reboot",
                    "-serial", "stdio", "-serial", f"unix:{Inside.path},server=on,wait=off", "-kernel", kernel, "-initrd", outer,
                    "-append", "console=ttyS0 panic=-1 quiet"]) as g:
            linux.ready(g, SLOW)
            Inside.host = g
            protocol.Debugged = Inside
            tests = [protocol.one(t, "kvm") for t in
                     (protocol.breakpoints, protocol.steps, protocol.watchpoints, protocol.memory)]
            return run_tap([(name, lambda t=t: inside(g, t)) for name, t in tests])


def inside(g, test):
    try:
        test()
    except Exception as e:
        raise AssertionError(f"{e}\n{g.tail()}") from e


if __name__ == "__main__":
    sys.exit(main())
