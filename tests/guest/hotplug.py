#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""hotplug.py BINARY: a Debian kernel gets a PCI card while it runs, reads a register of it, and
lets go of it again: by ACPI on pc, by the root port's own controller on q35."""
import json
import os
import socket
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guest import HERE, Guest, fetch, run_tap, slowness  # noqa: E402
import subprocess  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
TMP = tempfile.mkdtemp(prefix="rhea-hotplug-")
INITRD = f"{TMP}/initrd.gz"
# What the guest does when asked: finds edu, switches it on, reads its identity.
LOOK = ("for d in /sys/bus/pci/devices/*; do grep -q 0x11e8 $d/device && { echo 1 >$d/enable; "
        "read a b c <$d/resource; echo found-$(devmem $a); }; done; echo looked\n")


class Qmp:
    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(path)
        self.s.settimeout(60 * SLOW)
        self.f = self.s.makefile("rw")
        self.f.readline()
        self.cmd("qmp_capabilities")

    def cmd(self, name, **args):
        self.f.write(json.dumps({"execute": name, "arguments": args}) + "\n")
        self.f.flush()
        while True:
            r = json.loads(self.f.readline())
            if "error" in r:
                raise AssertionError(f"{name}: {r['error']}")
            if "return" in r:
                return r["return"]

    def event(self, name):
        while True:
            r = json.loads(self.f.readline())
            if r.get("event") == name:
                return r["data"]


def look(g, tries):
    """Until the guest shows the card, or tries are over."""
    for _ in range(tries):
        g.send(LOOK)
        m = g.expect(r"found-(\S+)\r|\nlooked\r", 30 * SLOW)
        if m.group(1):
            g.expect("\nlooked\r", 30 * SLOW)
            return m.group(1).decode()
        time.sleep(1)
    return None


def hotplug(machine, bus, extra=()):
    def test():
        path = f"{TMP}/{machine}.qmp"
        argv = [BINARY, "-M", machine, "-m", "256", "-display", "none", "-nodefaults", "-serial", "stdio",
                "-qmp", f"unix:{path},server=on,wait=off", "-no-reboot", "-kernel", fetch("kernel"),
                "-initrd", INITRD, "-append", "console=ttyS0 quiet", *extra]
        with Guest(argv) as g:
            g.expect("RHEA-GUEST-READY", 120 * SLOW)
            g.expect("# ", 20 * SLOW)
            q = Qmp(path)
            for i in range(2):
                q.cmd("device_add", driver="edu", id=f"card{i}", bus=bus)
                if look(g, 15 * SLOW) != "0x010000ED":
                    raise AssertionError(f"the guest does not find the card:\n{g.tail()}")
                q.cmd("device_del", id=f"card{i}")
                gone = q.event("DEVICE_DELETED")
                if gone["device"] != f"card{i}":
                    raise AssertionError(f"gone is {gone}")
                if look(g, 1):
                    raise AssertionError("the guest still finds the card")
            g.send("poweroff -f\n")
            status = g.wait(60 * SLOW)
            if status != 0:
                raise AssertionError(f"exit status {status} after poweroff:\n{g.tail()}")
    return test


subprocess.run([f"{HERE}/mkinitrd", INITRD], check=True)
sys.exit(run_tap([
    ("pc: by ACPI", hotplug("pc", "pci.0")),
    ("q35: by the root port", hotplug("q35", "r1", ("-device", "pcie-root-port,id=r1,slot=1"))),
    ("q35: below a switch", hotplug("q35", "d1", (
        "-device", "pcie-root-port,id=r1,slot=1", "-device", "x3130-upstream,id=u,bus=r1",
        "-device", "xio3130-downstream,id=d1,bus=u,slot=2"))),
]))
