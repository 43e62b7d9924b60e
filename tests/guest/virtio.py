#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""virtio.py BINARY: Linux reads and writes disks over virtio-blk in its forms, draws entropy, and
gives memory back."""
import glob
import hashlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guest import HERE, Guest, Skip, fetch, run_tap, slowness  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
TMP = tempfile.mkdtemp(prefix="rhea-virtio-")
INITRD = f"{TMP}/initrd.gz"
MIB = 1 << 20
MODULES = ("virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci",
           "virtio_mmio", "virtio_blk", "rng-core", "virtio-rng", "virtio_balloon")


def make_initrd():
    """The usual one, with a second archive of modules behind it."""
    subprocess.run([f"{HERE}/mkinitrd", INITRD], check=True)
    root = os.path.dirname(os.path.dirname(fetch("kernel")))
    os.makedirs(f"{TMP}/x/m")
    with open(f"{TMP}/x/m/load", "w") as f:
        f.write("cd /m\n")
        for name in MODULES:
            for path in glob.glob(f"{root}/lib/modules/*/kernel/**/{name}.ko", recursive=True):
                shutil.copy(path, f"{TMP}/x/m/{name}.ko")
                f.write(f"insmod {name}.ko\n")
    archive = subprocess.run("find . | cpio -o -H newc -R 0:0 --quiet | gzip -1", shell=True, cwd=f"{TMP}/x",
                             capture_output=True, check=True).stdout
    with open(INITRD, "ab") as f:
        f.write(archive)


def machine(*args):
    return [BINARY, "-m", "256", "-nographic", "-no-reboot", "-kernel", fetch("kernel"), "-initrd",
            INITRD, "-append", "console=ttyS0 quiet", *args]


def ready(g):
    g.expect("RHEA-GUEST-READY", 120 * SLOW)
    g.expect("# ", 20 * SLOW)
    g.send("sh /m/load; echo loaded\n")
    g.expect(r"\nloaded", 30 * SLOW)


def disk(*args):
    def test():
        if "microvm" in args and "microvm" not in subprocess.run(
                [BINARY, "-M", "help"], capture_output=True, text=True).stdout:
            raise Skip("there is no microvm board")
        path = f"{TMP}/disk.raw"
        before = random.Random(1).randbytes(16 * MIB)
        with open(path, "wb") as f:
            f.write(before)
        with Guest(machine("-drive", f"file={path},format=raw,if=none,id=d", *args)) as g:
            ready(g)
            g.send("md5sum /dev/vda\n")
            g.expect(hashlib.md5(before).hexdigest(), 60 * SLOW)
            # Four writers at once, each copying a part of the disk to another place.
            g.send("for i in 0 1 2 3; do dd if=/dev/vda of=/dev/vda bs=4k count=256 skip=$((i*256)) "
                   "seek=$((2048+i*300)) conv=notrunc 2>/dev/null & done; wait; sync; "
                   "echo 3 >/proc/sys/vm/drop_caches; md5sum /dev/vda; echo written\n")
            g.expect(r"\nwritten", 60 * SLOW)
            after = bytearray(before)
            for i in range(4):
                at = (2048 + i * 300) * 4096
                after[at:at + MIB] = before[i * MIB:(i + 1) * MIB]
            want = hashlib.md5(after).hexdigest()
            if want not in g.log.decode("latin1"):
                raise AssertionError(f"the guest reads something else back than it wrote:\n{g.tail(5)}")
            g.send("dmesg | grep -iE 'I/O error|BUG|WARNING'; poweroff -f\n")
            if g.wait(60 * SLOW) != 0:
                raise AssertionError(f"no clean end:\n{g.tail()}")
            if b"I/O error, dev" in g.log:
                raise AssertionError(f"errors:\n{g.tail()}")
        with open(path, "rb") as f:
            if hashlib.md5(f.read()).hexdigest() != want:
                raise AssertionError("the file has not what the guest wrote")
    return test


def balloon():
    sock = f"{TMP}/qmp"
    with Guest(machine("-M", "q35", "-qmp", f"unix:{sock},server=on,wait=off", "-object",
                       "rng-random,id=r,filename=/dev/urandom", "-device",
                       "virtio-rng-pci,rng=r,max-bytes=4096,period=1000", "-device",
                       "virtio-balloon-pci,free-page-reporting=on")) as g:
        ready(g)
        g.send("dd if=/dev/hwrng bs=1k count=2 2>/dev/null | wc -c\n")
        g.expect(r"\n2048", 30 * SLOW)
        s = socket.socket(socket.AF_UNIX)
        s.connect(sock)
        f = s.makefile("rw")
        f.readline()

        def cmd(name, **args):
            f.write(json.dumps({"execute": name, "arguments": args}) + "\n")
            f.flush()
            while True:
                reply = json.loads(f.readline())
                if "return" in reply:
                    return reply["return"]
                if "error" in reply:
                    raise AssertionError(f"{name}: {reply['error']}")

        def resident():
            with open(f"/proc/{g.p.pid}/status") as status:
                return next(int(x.split()[1]) for x in status if x.startswith("RssShmem"))

        def become(mib):
            cmd("balloon", value=mib * MIB)
            end = time.monotonic() + 30 * SLOW
            while cmd("query-balloon")["actual"] != mib * MIB:
                if time.monotonic() > end:
                    raise AssertionError(f"the guest has {cmd('query-balloon')} instead of {mib} MiB")
                time.sleep(0.1)
        cmd("qmp_capabilities")
        become(128)
        small = resident()
        if small > 128 * 1024 + 20000:
            raise AssertionError(f"{small} kB are still there with a guest of 128 MiB")
        become(256)
        g.send("poweroff -f\n")
        if g.wait(60 * SLOW) != 0:
            raise AssertionError(f"no clean end:\n{g.tail()}")
        return f"{small} kB resident with a guest of 128 MiB"


if __name__ == "__main__":
    make_initrd()
    tests = [
        ("pci, modern, two queues", disk("-M", "q35", "-smp", "2", "-device", "virtio-blk-pci,drive=d")),
        ("pci, packed rings, two queues on an I/O thread",
         disk("-M", "q35", "-smp", "2", "-object", "iothread,id=t", "-device",
              "virtio-blk-pci,drive=d,packed=on,iothread=t,num-queues=2")),
        ("pci, legacy", disk("-M", "pc", "-device", "virtio-blk-pci,drive=d,disable-modern=on,vectors=0")),
        ("mmio", disk("-M", "microvm", "-device", "virtio-blk-device,drive=d")),
        ("entropy and balloon", balloon),
    ]
    status = run_tap(tests[1:2] if SLOW > 1 else tests)
    shutil.rmtree(TMP)
    sys.exit(status)
