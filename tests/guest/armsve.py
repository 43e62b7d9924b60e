#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""armsve.py BINARY: `info registers` of an Arm guest that uses SVE, for several lengths of vectors, as Debian's
qemu-system-aarch64 shows it."""
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bare import program  # noqa: E402
from guest import GuestError, Skip, run_tap, slowness  # noqa: E402

BINARY = sys.argv[1]


def registers(emulator, guest, vq, seconds):
    """What stands behind P00=, once the guest is in its circle."""
    p = subprocess.Popen([emulator, "-accel", "tcg", "-M", "virt", "-cpu", f"max,sve-max-vq={vq}", "-display", "none",
                          "-serial", "none", "-monitor", "stdio", "-kernel", guest],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        time.sleep(seconds)
        out, _ = p.communicate("info registers\nquit\n", timeout=60)
    finally:
        p.kill()
    return out[out.find("P00="):].split("(qemu)")[0].strip().replace("\r", "")


def same(vq):
    def test():
        judge = shutil.which("qemu-system-aarch64")
        if not judge:
            raise Skip("no qemu-system-aarch64 to compare with")
        with tempfile.TemporaryDirectory(prefix="rhea-armsve-") as d:
            guest = program(f"{d}/guest", ["armsve.S"])
            for seconds in [0.5, 2, 10 * slowness(BINARY)]:  # as fast as the host happens to be
                got, want = (registers(e, guest, vq, seconds) for e in [BINARY, judge])
                if got == want and "Z31" in got and "FFR=" in got:
                    return
        raise GuestError(f"{got}\nQEMU:\n{want}")
    return test


if __name__ == "__main__":
    sys.exit(run_tap([(f"vectors of {128 * vq} bits", same(vq)) for vq in [1, 2, 7, 16]]))
