#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""virtio.py BINARY [name...]: kicks and interrupts of virtio devices under -accel kvm (virtio.s).

One disk is served on the main loop, the other on an I/O thread. A kick or an interrupt that is lost stops a processor.
Without a usable /dev/kvm all are skipped."""
import re
import sys
import tempfile
import time

from guests import HERE, SLOW, asm, need_kvm, run_tap
from watched import Watched, moves

DISKS = ["-object", "iothread,id=t0",
         "-device", "virtio-blk-pci,drive=a,id=first,addr=4,num-queues=1{0}",
         "-device", "virtio-blk-pci,drive=b,id=second,addr=5,num-queues=1,iothread=t0"]


class Driver(Watched):
    """The machine with its two disks."""

    def __init__(self, directory, *argv, options=""):
        with open(f"{HERE}/virtio.s", encoding="ascii") as f:
            source = f.read()
        disk = asm.write(directory, "disk", b"Rhea" + bytes(1 << 16))
        for node in "ab":
            argv += ("-blockdev", f"driver=raw,node-name={node},file.driver=file,file.filename={disk},read-only=on")
        argv += tuple(a.format(options) for a in DISKS)
        super().__init__(directory, source, *argv)

    def exits(self):
        return self.told(r"exits: device memory: (\d+)") + self.told(r"exits: port: (\d+)")


def counted(options, accel="kvm"):
    """Exits and rounds, while it does some thousand."""
    need_kvm()
    with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d, Driver(d, "-accel", accel, options=options) as g:
        g.progress(100)
        g.q.do("stop")
        routed = g.told(r"message routes: \d+, used (\d+) times")
        exits, before = g.exits(), g.rounds()
        g.q.do("cont")
        g.progress(2000)
        g.q.do("stop")
        rounds = [a - b for a, b in zip(g.rounds(), before)]
        routed = g.told(r"message routes: \d+, used (\d+) times") - routed
        exits = g.exits() - exits
        bells = g.told(r"doorbells: (\d+) by the kernel, 0 refused")
        g.quit()
    return exits, rounds, bells, routed


def no_exits(accel, others):
    """Kicks leave the guest no more; others: what comes out in each round."""
    def test():
        exits, rounds, bells, routed = counted("", accel)
        if bells != 4 or exits > sum(rounds) * (others + 0.25):
            raise AssertionError(f"{exits} exits in {rounds} rounds, {bells} doorbells")
        if not others and not rounds[1] * 15 // 16 <= routed <= rounds[1] + 1 or others and routed:
            raise AssertionError(f"{routed} messages by routes in {rounds} rounds")
        return f"{exits} exits in {rounds} rounds, {routed} messages by routes"
    return test


def ioeventfd_off():
    """The first disk's do with ioeventfd=off, the second one's do not."""
    exits, rounds, bells, _ = counted(",ioeventfd=off")
    if bells != 2 or not rounds[0] < exits < rounds[0] + sum(rounds) // 4:
        raise AssertionError(f"{exits} exits in {rounds} rounds, {bells} doorbells")
    return f"{exits} exits in {rounds} rounds"


def unplug():
    """A device that goes takes its doorbells and routes along, while the other one is at work."""
    need_kvm()
    with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d, Driver(d, "-accel", "kvm") as g:
        g.progress(100)
        for device, bells in (("second", 2), ("first", 0)):
            g.q.do("device_del", id=device)
            end = time.monotonic() + 20 * SLOW
            while not re.search(rf"doorbells: {bells} by the kernel.*message routes: 0\b", g.monitor("info kvm")):
                if time.monotonic() > end:
                    raise AssertionError(g.monitor("info kvm"))
                time.sleep(0.02)
        g.quit()


def main():
    tests = [("kicks do not leave the guest", no_exits("kvm", 0)), ("the same, our APICs (they are told of the end)", no_exits("kvm,kernel-irqchip=off", 1)),
             ("all controllers in the kernel", no_exits("kvm,kernel-irqchip=on", 0)),
             ("ioeventfd=off", ioeventfd_off), ("unplugged", unplug), ("accelerators and resets", moves(Driver, "kvm")),
             ("accelerators and resets, all controllers in the kernel", moves(Driver, "kvm,kernel-irqchip=on"))]
    names = sys.argv[2:]
    sys.exit(run_tap([t for t in tests if not names or t[0] in names]))


if __name__ == "__main__":
    main()
