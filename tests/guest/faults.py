#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""faults.py BINARY [--guests N] [--img RHEA_IMG]: Linux on disks that fail.

Each guest has disks on every bus, over qcow2 and raw, and each disk fails otherwise: at its n-th
read, write, flush or any request, with EIO or ENOSPC, once or several times, and either tells the
guest (report) or stops the machine (stop, enospc). The guest writes blocks and reads them back:
  report  what it was told to be written is there, in the guest and afterwards in the image
  stop    BLOCK_IO_ERROR, STOP, query-status and query-block say what happened; after "cont" as
          often as it takes everything is written and the guest has not heard of anything
The images are consistent afterwards. N guests go through different combinations.

Another one fills a real file system; space is made, and it goes on."""
import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guest import Guest, Skip, fetch, run_tap, slowness  # noqa: E402
from linux import Qmp, make_initrd, ready, run  # noqa: E402

MODULES = ("virtio_pci", "virtio_blk", "virtio_scsi", "sd_mod", "ata_piix", "ahci", "nvme")
BLOCKS, BLOCK, STEP = 12, 4096, 65536  # one block in each cluster
PATTERN = random.Random(7).randbytes(BLOCKS * BLOCK)
# Each disk is found by its size. All at once; one line per disk.
SCRIPT = b"""
one() {
    w= r= i=0
    while [ $i -lt 12 ]; do
        if dd if=/m/p$i of=/dev/$1 seek=$((i*16)) bs=4k count=1 oflag=direct conv=notrunc,fsync 2>/dev/null
        then w=$w.; else w=${w}X; fi
        i=$((i+1))
    done
    i=0
    while [ $i -lt 12 ]; do
        if dd if=/dev/$1 of=/tmp/$1 skip=$((i*16)) bs=4k count=1 iflag=direct 2>/dev/null
        then cmp -s /tmp/$1 /m/p$i && r=$r. || r=${r}D; else r=${r}X; fi
        i=$((i+1))
    done
    echo "DISK $(cat /sys/block/$1/size) $w $r $1"
}
for d in $(ls /sys/block | grep -E '^(vd|sd|nvme)'); do one $d & done
wait
"""
BUSES = {"virtio-blk": 6, "virtio-scsi": 6, "ahci": 6, "ide": 4, "nvme": 3}
RETRIES = ("virtio-scsi", "ahci", "ide", "nvme")  # Linux tries again before it tells anybody


class Disk:
    """Number n of all, i-th on its bus."""

    def __init__(self, bus, i, n, rand, tmp):
        self.bus, self.i, self.id = bus, i, f"d{n}"
        self.size = (4 << 20) + n * STEP
        self.path = f"{tmp}/{self.id}.img"
        self.format = rand.choice(("qcow2", "qcow2", "raw"))
        self.policy = rand.choice(("report", "stop", "enospc"))
        self.errno = "ENOSPC" if self.policy == "enospc" else rand.choice(("EIO", "ENOSPC"))
        self.kind = rand.choice(("write", "write", "flush", "any" if self.policy != "enospc" else "write",
                                 "read" if self.policy != "enospc" else "flush"))
        self.nth = rand.randint(1, 12 if self.kind != "any" else 40)
        self.count = rand.choice((1, 1, 2, 7))
        # Below the format its own reads and writes fail too; but then it may not even open.
        self.above = self.kind in ("read", "any") or rand.random() < 0.3
        self.errors = self.stops = 0

    def __str__(self):
        return f"{self.id}: {self.bus} {'above' if self.above else 'below'} {self.format} {self.policy} {self.errno} {self.kind} {self.nth}+{self.count}"

    def argv(self):
        fault = f"driver=fault,kind={self.kind},nth={self.nth},count={self.count},errno={self.errno}"
        over, under = (fault, f"driver={self.format}") if self.above else (f"driver={self.format}", fault)
        under = ",".join("file." + o for o in under.split(","))
        policy = f"drive={self.id},id=dev-{self.id},werror={self.policy}"
        policy += ",rerror=" + ("stop" if self.policy == "stop" else "report")
        device = {
            "virtio-blk": f"virtio-blk-pci,{policy}", "nvme": f"nvme,serial={self.id},{policy}",
            "virtio-scsi": f"scsi-hd,bus=scsi.0,{policy}", "ahci": f"ide-hd,bus=sata.{self.i},{policy}",
            "ide": f"ide-hd,bus=ide.{self.i // 2},unit={self.i % 2},{policy}"}[self.bus]
        return ["-blockdev", f"node-name={self.id},{over},{under},file.file.driver=file,"
                f"file.file.filename={self.path}", "-device", device]

    def check(self, wrote, read, img):
        """What the guest saw and what the image has."""
        subprocess.run([img, "convert", "-f", self.format, "-O", "raw", self.path, self.path + ".raw"], check=True)
        with open(self.path + ".raw", "rb") as f:
            data = f.read()
        os.unlink(self.path + ".raw")
        for i in range(BLOCKS):
            got, want = data[i * STEP:i * STEP + BLOCK], PATTERN[i * BLOCK:(i + 1) * BLOCK]
            if got != want and (wrote[i] == "." or got != bytes(BLOCK)):
                return f"block {i} is not in the image"
            if read[i] == "D" and wrote[i] == ".":
                return f"block {i} reads differently in the guest"
        heard = (wrote + read).count("X")
        if self.policy != "report" and heard:
            return "the guest heard of an error"
        # Whatever stops the machine flushes all disks, metadata too: that may meet the fault, unheard.
        if self.policy != "report" and self.stops == 0 and self.kind == "write" and self.format == "raw":
            return "the machine has not stopped"
        if self.policy == "report" and self.stops:
            return "the machine has stopped"
        if self.policy == "report" and self.errors and not heard and self.kind in ("write", "flush") and \
                self.bus not in RETRIES:
            return "the guest has not heard of the error"
        return None


class Watch:
    """Answers stops with "cont", and looks at what the monitor says meanwhile."""

    def __init__(self, disks):
        self.disks, self.problems = {f"dev-{d.id}": d for d in disks}, []
        self.nodes = {d.id: d for d in disks}
        self.failed, self.cond, self.qmp, self.over = [], threading.Condition(), None, False
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.stopped = False

    def event(self, name, data):
        with self.cond:
            if name == "BLOCK_IO_ERROR":
                self.io_error(data)
            if name == "RESUME":  # what failed after the last stop, meanwhile, goes on as well
                self.failed = []
            if name == "STOP":
                self.stopped = True
            self.cond.notify_all()

    def io_error(self, data):
        disk = self.nodes.get(data["node-name"])
        if not disk:
            self.problems.append(f"whose is {data}?")
            return
        disk.errors += 1
        reason = "No space left on device" if disk.errno == "ENOSPC" else "Input/output error"
        if data["reason"] != reason or data["nospace"] != (disk.errno == "ENOSPC") or data["device"] != "" or \
                data["action"] != ("report" if disk.policy == "report" else "stop"):
            self.problems.append(f"{disk}: {data}")
        if data["action"] == "stop":
            disk.stops += 1
            self.failed.append(disk)

    def serve(self):
        try:
            while True:
                with self.cond:
                    self.cond.wait_for(lambda: self.stopped or self.over)
                    if self.over:
                        return
                    self.stopped, failed = False, self.failed
                    self.failed = []
                self.look(failed)
                self.qmp.cmd("cont")
        except AssertionError as e:
            if not self.over:
                self.problems.append(str(e))

    def look(self, failed):
        status = self.qmp.cmd("query-status")
        if status["status"] != "io-error" or status["running"]:
            self.problems.append(f"{failed[0] if failed else '?'}: status is {status}")
        asked = self.qmp.cmd("query-block")
        for d in failed:
            info = [b for b in asked if b.get("qdev", "").split("/")[-1] in (f"dev-{d.id}",) or
                    b.get("inserted", {}).get("node-name") == d.id]
            want = "nospace" if d.errno == "ENOSPC" else "failed"
            if len(info) != 1 or info[0].get("io-status") != want:
                self.problems.append(f"{d}: query-block says {info}")


class Env:
    def __init__(self, args):
        self.binary, self.slow = args.binary, slowness(args.binary)
        self.img = args.img or os.path.dirname(os.path.abspath(args.binary)) + "/rhea-img"
        self.tmp = tempfile.mkdtemp(prefix="rhea-faults-")
        self.kernel, self.initrd = fetch("kernel-full"), f"{self.tmp}/initrd.gz"
        make_initrd(self.initrd, self.kernel, MODULES, {
            "go": SCRIPT, **{f"p{i}": PATTERN[i * BLOCK:(i + 1) * BLOCK] for i in range(BLOCKS)}})

    def argv(self, *more):
        return [self.binary, "-M", "pc", "-m", "256", "-display", "none", "-nodefaults", "-serial", "stdio",
                "-no-reboot", "-kernel", self.kernel, "-initrd", self.initrd,
                "-append", "console=ttyS0 quiet", "-qmp", f"unix:{self.tmp}/qmp,server=on,wait=off", *more]

    def check(self, path, repaired):
        """Both programs find no corruption, and leaks only if `repaired`, which repairs them."""
        for tool in filter(shutil.which, (self.img, "qemu-img")):
            r = subprocess.run([tool, "check", path], capture_output=True, text=True, check=False)
            if r.returncode not in ((0, 3) if repaired else (0,)):
                return f"{tool} check: {r.returncode} {r.stdout}{r.stderr}"
        if repaired:
            for argv in ([self.img, "check", "-r", "all", path], [self.img, "check", path]):
                r = subprocess.run(argv, capture_output=True, text=True, check=False)
            if r.returncode:
                return f"after the repair: {r.stdout}{r.stderr}"
        return None


def faulty(env, number):
    def test():
        rand, disks = random.Random(number), []
        for bus, n in BUSES.items():
            for i in range(n):
                disks.append(Disk(bus, i, len(disks), rand, env.tmp))
        for d in disks:
            if os.path.exists(d.path):
                os.unlink(d.path)
            subprocess.run([env.img, "create", "-q", "-f", d.format, d.path, str(d.size)], check=True)
        argv = env.argv("-device", "virtio-scsi-pci,id=scsi", "-device", "ahci,id=sata",
                        *[a for d in disks for a in d.argv()])
        watch = Watch(disks)
        with Guest(argv) as g:
            while not os.path.exists(f"{env.tmp}/qmp"):  # or it complains, and ends
                g.appears("no such text", 0.2)
            watch.qmp = Qmp(f"{env.tmp}/qmp", watch.event, 60 * env.slow)
            watch.thread.start()
            ready(g, env.slow)
            # Disks are found in the background.
            run(g, f"n=0; while [ $n -lt 100 ] && [ $(ls /sys/block | grep -cE '^(vd|sd|nvme)') -lt {len(disks)} ]; "
                "do sleep 0.1; n=$((n+1)); done", 60 * env.slow)
            out = run(g, "sh /m/go", 300 * env.slow)[1]
            g.send("poweroff -f\n")
            watch.over = g.wait(60 * env.slow) == 0
        if not watch.over:
            raise AssertionError(f"no clean end:\n{g.tail()}")
        verdict(env, disks, watch, out)
        return (f"{len(disks)} disks, {sum(d.errors for d in disks)} errors, "
                f"{sum(d.stops for d in disks)} of them stopped the machine")
    return test


def verdict(env, disks, watch, out):
    seen = {int(f[1]) * 512: f[2:4] for f in map(str.split, out.splitlines()) if f[:1] == ["DISK"] and len(f) == 5}
    problems = watch.problems
    for d in disks:
        if d.size not in seen:
            # Reading the size or the partition table may fail for good.
            if d.policy != "report":
                problems.append(f"{d}: not in the guest")
        else:
            bad = d.check(*seen[d.size], env.img)
            if bad:
                problems.append(f"{d}: {bad}; it saw {seen[d.size]}, {d.errors} errors, {d.stops} stops")
        bad = env.check(d.path, d.policy == "report") if d.format == "qcow2" else None
        if bad:
            problems.append(f"{d}: {bad}")
    if problems:
        raise AssertionError("\n".join(problems))


def full(env):
    """A file system without space; more of it; the guest notices nothing."""
    where = f"{env.tmp}/full"
    os.makedirs(where)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", where], capture_output=True,
                      check=False).returncode:
        raise Skip("mounting needs root")
    try:
        path = f"{where}/disk.qcow2"
        subprocess.run([env.img, "create", "-q", "-f", "qcow2", path, "16M"], check=True)
        with Guest(env.argv("-drive", f"file={path},format=qcow2,if=virtio")) as g:
            q = Qmp(f"{env.tmp}/qmp", None, 60 * env.slow)
            ready(g, env.slow)
            g.send("cat /m/p* >/tmp/p; for i in 0 1 2 3 4 5 6 7; do cat /tmp/p /tmp/p /tmp/p /tmp/p; done >/tmp/all; "
                   "dd if=/tmp/all of=/dev/vda bs=64k oflag=direct conv=fsync; md5sum </tmp/all\n")
            data = q.event("BLOCK_IO_ERROR")
            if data["operation"] != "write" or data["action"] != "stop" or not data["nospace"]:
                raise AssertionError(f"the event is {data}")
            q.event("STOP")
            for _ in range(2):  # nothing has changed: it stops again
                if q.cmd("query-status")["status"] != "io-error" or \
                        q.cmd("query-block")[0]["io-status"] != "nospace":
                    raise AssertionError(f"{q.cmd('query-status')} {q.cmd('query-block')}")
                before = len(q.events)
                q.cmd("cont")
                q.event("STOP", before)
            subprocess.run(["mount", "-o", "remount,size=16M", where], check=True)
            q.cmd("cont")
            g.expect(r"records out", 60 * env.slow)
            want = g.expect(r"([0-9a-f]{32})  -", 60 * env.slow).group(1)
            blocks = 8 * 4 * BLOCKS * BLOCK // 65536
            got = run(g, f"dd if=/dev/vda bs=64k iflag=direct count={blocks} 2>/dev/null | md5sum", 60 * env.slow)[1]
            if want.decode() not in got:
                raise AssertionError(f"the guest reads {got}, not {want}")
            if q.cmd("query-block")[0]["io-status"] != "ok":
                raise AssertionError(q.cmd("query-block"))
            g.send("dmesg | grep -c 'I/O error'; poweroff -f\n")
            if g.wait(60 * env.slow) != 0:
                raise AssertionError(f"no clean end:\n{g.tail()}")
        if b"I/O error, dev" in g.log:
            raise AssertionError(f"errors:\n{g.tail()}")
        bad = env.check(path, False)
        if bad:
            raise AssertionError(bad)
    finally:
        subprocess.run(["umount", where], check=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("binary")
    ap.add_argument("--guests", type=int, default=1)
    ap.add_argument("--first", type=int, default=0, help="combination to begin with")
    ap.add_argument("--no-full", action="store_true", help="without the full file system")
    ap.add_argument("--img", help="rhea-img, if it is not beside the binary")
    args = ap.parse_args()
    env = Env(args)
    try:
        tests = [(f"combination {n}", faulty(env, n)) for n in range(args.first, args.first + args.guests)]
        return run_tap(tests + ([] if args.no_full else [("a full file system", lambda: full(env))]))
    finally:
        shutil.rmtree(env.tmp, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
