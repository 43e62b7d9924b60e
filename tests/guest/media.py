#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""media.py BINARY [NAME...]: Linux while its media change and its disks come, grow and go.

CD-ROMs on IDE, AHCI and virtio-scsi: media are changed by QMP and by hand, the guest locks the tray
and opens it; floppies with their disk change line; disks that are thrown away (-snapshot), that may
not be written, that are resized, plugged and unplugged while another one is read.

BINARY may be Debian's qemu-system-x86_64: it passes the same tests. NAME: only tests with it in their
names."""
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import asm  # noqa: E402
from guest import Guest, Skip, fetch, run_tap, slowness  # noqa: E402
from linux import Qmp, make_initrd, ready, run  # noqa: E402

BINARY = shutil.which(sys.argv[1])
SLOW = slowness(BINARY)
JUDGE = "QEMU emulator" in subprocess.run([BINARY, "-version"], capture_output=True, text=True).stdout
TMP = tempfile.mkdtemp(prefix="rhea-media-")
MIB = 1 << 20
MODULES = ("virtio_pci", "virtio_blk", "virtio_scsi", "nvme", "ata_piix", "ahci", "sd_mod", "sr_mod",
           "crc32c_generic", "ext4")
# ioctl DEVICE NUMBER: the exit status is the error number.
IOCTL = """
    .intel_syntax noprefix
    .globl _start
_start:
    mov rdi, [rsp + 16]
    mov rbx, [rsp + 24]
    xor r12d, r12d
1:  movzx eax, byte ptr [rbx]
    test eax, eax
    jz 2f
    imul r12, r12, 10
    sub eax, 48
    add r12, rax
    inc rbx
    jmp 1b
2:  mov eax, 2              /* open, O_NONBLOCK */
    mov esi, 0x800
    syscall
    test eax, eax
    js 3f
    mov edi, eax
    mov eax, 16             /* ioctl */
    mov rsi, r12
    xor edx, edx
    syscall
3:  mov edi, eax
    neg edi
    mov eax, 60
    syscall
"""
CDROMEJECT, CDROMCLOSETRAY = 0x5309, 0x5319


def guest_tool():
    """The program above, or None."""
    if not asm.has_assembler() or not shutil.which("ld"):
        return None
    with open(f"{TMP}/ioctl.s", "w") as f:
        f.write(IOCTL)
    subprocess.run(["as", "--64", "-o", f"{TMP}/ioctl.o", f"{TMP}/ioctl.s"], check=True)
    subprocess.run(["ld", "-static", "-o", f"{TMP}/ioctl", f"{TMP}/ioctl.o"], check=True)
    with open(f"{TMP}/ioctl", "rb") as f:
        return f.read()


def initrd(kind, modules=()):
    path = f"{TMP}/{kind}.gz"
    if not os.path.exists(path):
        tool = guest_tool()
        make_initrd(path, fetch("kernel-full"), modules or MODULES, {"ioctl": tool} if tool else {})
    return path


def image(name, size, seed):
    """A file of random contents; its path and them."""
    data = random.Random(seed).randbytes(size)
    path = f"{TMP}/{name}"
    with open(path, "wb") as f:
        f.write(data)
    return path, data


def contents(path):
    with open(path, "rb") as f:
        return f.read()


class Linux:
    """A guest with a shell, and its monitor."""
    count = 0

    def __init__(self, *args, kind="disks", modules=()):
        Linux.count += 1
        sock = f"{TMP}/qmp{Linux.count}"
        self.guest = Guest([BINARY, "-m", "256", "-display", "none", "-nodefaults", "-serial", "stdio", "-no-reboot",
                            "-qmp", f"unix:{sock},server=on,wait=off", "-kernel", fetch("kernel-full"),
                            "-initrd", initrd(kind, modules), "-append", "console=ttyS0 quiet", *args])
        self.sock = sock

    def __enter__(self):
        self.guest.__enter__()
        self.qmp = Qmp(self.sock, timeout=60 * SLOW)
        ready(self.guest, SLOW)
        self.sh("chmod 755 /m/*; mkdir -p /mnt", check=False)
        return self

    def __exit__(self, *exc):
        self.guest.__exit__(*exc)

    def sh(self, command, check=True):
        try:
            status, out = run(self.guest, command, 120 * SLOW)
        except Exception as e:
            where = "" if JUDGE else self.hmp("info registers -a") + self.hmp("info qtree")
            raise AssertionError(f"{command}: {e}\n{where}") from e
        if check and status:
            raise AssertionError(f"{command}: status {status}: {out}")
        return out.strip() if check else status

    def hmp(self, line):
        return self.qmp.cmd("human-monitor-command", **{"command-line": line}).strip()

    def refused(self, words, name, **args):
        error = self.qmp.raw(name, **args).get("error")
        if not error or words not in error["desc"]:
            raise AssertionError(f"{name} {args}: {error} instead of '{words}'")

    def holds(self, dev, data, what):
        """The guest reads this from the device; it may need a moment to see it."""
        want = hashlib.md5(data).hexdigest()
        self.until(f"dd if={dev} bs=64k 2>/dev/null | md5sum", want, what)

    def until(self, command, want, what, seconds=15):
        end = time.monotonic() + seconds * SLOW
        while True:
            got = self.sh(command + "; true")
            if want in got:
                return
            if time.monotonic() > end:
                raise AssertionError(f"{what}: {command} says '{got}' instead of '{want}'\n"
                                     + self.sh("dmesg | tail -5"))
            time.sleep(0.3)

    def fails(self, command, what):
        if self.sh(command + " 2>/dev/null", check=False) == 0:
            raise AssertionError(f"{what}: {command} succeeds")

    def off(self):
        self.guest.send("poweroff -f\n")
        if self.guest.wait(60 * SLOW) != 0:
            raise AssertionError(f"no clean end:\n{self.guest.tail()}")


# ---- CD-ROM ----

def filesystem(name):
    """A medium to mount; /f on it has the returned text."""
    if not shutil.which("mke2fs", path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
        raise Skip("no mke2fs")
    os.makedirs(f"{TMP}/fs", exist_ok=True)
    with open(f"{TMP}/fs/f", "w") as f:
        f.write("on the medium")
    path = f"{TMP}/{name}"
    env = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext2", "-b", "2048", "-d", f"{TMP}/fs", path, "1000"], check=True, env=env,
                   stdout=subprocess.DEVNULL)
    return path


class Trays:
    """What DEVICE_TRAY_MOVED has said since it was asked last."""

    def __init__(self, qmp):
        self.qmp, self.seen = qmp, 0

    def moved(self, *want):
        """The last of them; earlier ones may have come after the reply to insert()'s command."""
        end = time.monotonic() + 15 * SLOW
        while True:
            events = [e["data"] for e in self.qmp.events[self.seen:] if e["event"] == "DEVICE_TRAY_MOVED"]
            got = tuple(e["tray-open"] for e in events)
            if got[len(got) - len(want):] == want and (want or not got):
                break
            if time.monotonic() > end or not want:
                raise AssertionError(f"tray: {events} instead of {want}")
            time.sleep(0.05)
        self.seen = len(self.qmp.events)
        if any((e["device"], e["id"]) != ("cd", "dev") for e in events):
            raise AssertionError(f"tray: {events} of another drive")

    def insert(self, node):
        """Whether the guest has closed the tray meanwhile (it does when it opens the drive) or not."""
        self.qmp.cmd("blockdev-open-tray", id="dev")
        self.qmp.cmd("blockdev-insert-medium", id="dev", **{"node-name": node})
        expect_drive(self.qmp, False, True, True)
        self.qmp.cmd("blockdev-close-tray", id="dev")
        expect_drive(self.qmp, False, False, True)
        self.seen = len(self.qmp.events)


def drive(qmp):
    """query-block's drive: locked, tray open, a medium in it."""
    d = next(x for x in qmp.cmd("query-block") if x["device"] == "cd")
    return d["locked"], d["tray_open"], "inserted" in d


def expect_drive(qmp, *want):
    if drive(qmp) != want:
        raise AssertionError(f"locked, open, inserted are {drive(qmp)} instead of {want}")


def cdrom(*args):
    def test():
        first = filesystem("first.iso")
        second, second_data = image("second.iso", 3 * MIB, 2)
        third, third_data = image("third.iso", MIB, 3)
        with Linux("-drive", f"if=none,id=cd,media=cdrom,format=raw,file={first}", *args) as l:
            q, trays = l.qmp, Trays(l.qmp)
            l.holds("/dev/sr0", contents(first), "the first medium")
            expect_drive(q, False, False, True)
            # Mounted, it is locked: nothing moves but by force.
            l.sh("echo 200 >/sys/block/sr0/events_poll_msecs; uevent sh -c 'env >>/tmp/uevents' & "
                 "mount -t ext2 -o ro /dev/sr0 /mnt && cat /mnt/f")
            expect_drive(q, True, False, True)
            l.refused("is locked", "eject", device="cd")
            l.refused("is locked", "blockdev-change-medium", id="dev", filename=second)
            q.cmd("blockdev-open-tray", id="dev")  # asks the guest, no more
            if "is locked" not in l.hmp(f"change cd {second}"):
                raise AssertionError("a locked drive changes its medium")
            trays.moved()
            l.until("cat /tmp/uevents", "DISK_EJECT_REQUEST=1", "the request to eject")
            l.sh("umount /mnt")
            # Changed by QMP and by hand.
            q.cmd("blockdev-change-medium", id="dev", filename=second)
            trays.moved(True, False)
            l.holds("/dev/sr0", second_data, "the second medium")
            l.until("cat /sys/block/sr0/size", str(3 * MIB // 512), "its size")
            if l.hmp(f"change cd {third} raw"):
                raise AssertionError("change says something")
            trays.moved(True, False)
            l.holds("/dev/sr0", third_data, "the third medium")
            # Out, and in again.
            if l.hmp("eject cd"):
                raise AssertionError("eject says something")
            trays.moved(True)
            expect_drive(q, False, True, False)
            l.fails("dd if=/dev/sr0 of=/dev/null bs=2k count=1", "an empty drive")
            q.cmd("blockdev-add", **{"driver": "raw", "node-name": "n", "read-only": True,
                                     "file": {"driver": "file", "filename": first}})
            trays.insert("n")
            l.holds("/dev/sr0", contents(first), "the first medium again")
            # By force, under a mounted file system.
            l.sh("mount -t ext2 -o ro /dev/sr0 /mnt; echo 3 >/proc/sys/vm/drop_caches")
            q.cmd("eject", device="cd", force=True)
            trays.moved(True)
            if drive(q)[2]:
                raise AssertionError("the medium is still there")
            l.fails("cat /mnt/f", "a medium that is gone")
            l.sh("umount /mnt")
            trays.insert("n")
            l.holds("/dev/sr0", contents(first), "the first medium after all")
            # The guest moves the tray; the medium stays in it.
            if asm.has_assembler():
                l.sh(f"/m/ioctl /dev/sr0 {CDROMEJECT}")
                trays.moved(True)
                expect_drive(q, False, True, True)
                l.sh(f"/m/ioctl /dev/sr0 {CDROMCLOSETRAY}")
                trays.moved(False)
                l.holds("/dev/sr0", contents(first), "the medium that went out and in")
            q.cmd("eject", device="cd")
            q.cmd("blockdev-del", **{"node-name": "n"})
            l.off()
    return test


# ---- floppies ----

def floppy():
    small = 720 << 10
    first, first_data = image("a.img", 1440 << 10, 11)
    second, second_data = image("b.img", 1440 << 10, 12)
    third, third_data = image("c.img", small, 13)
    with Linux("-M", "pc", "-drive", f"if=floppy,format=raw,file={first}", kind="floppy", modules=("floppy",)) as l:
        l.holds("/dev/fd0", first_data, "the first disk")
        if l.hmp(f"change floppy0 {second} raw"):
            raise AssertionError("change says something")
        l.holds("/dev/fd0", second_data, "the second disk")
        l.sh("dd if=/dev/zero of=/dev/fd0 bs=512 seek=77 count=40 conv=notrunc,fsync 2>/dev/null")
        l.qmp.cmd("blockdev-change-medium", device="floppy0", filename=third, format="raw")
        second_data = second_data[:77 * 512] + bytes(40 * 512) + second_data[117 * 512:]
        if contents(second) != second_data:
            raise AssertionError("the disk has not what the guest wrote")
        l.holds("/dev/fd0", third_data, "the third disk, of 720 KB")
        l.qmp.cmd("eject", device="floppy0")
        l.fails("dd if=/dev/fd0 of=/dev/null bs=512 count=1", "an empty drive")
        if l.hmp(f"change floppy0 {first} raw read-only"):
            raise AssertionError("change says something")
        l.holds("/dev/fd0", first_data, "the first disk again")
        l.fails("dd if=/dev/zero of=/dev/fd0 bs=512 count=1 conv=notrunc,fsync", "a protected disk")
        l.off()
    if contents(first) != first_data:
        raise AssertionError("a protected disk was written")


# ---- disks that are not written ----

DISKS = {"virtio-blk": ("vda", "virtio-blk-pci,drive=d0"), "scsi-hd": ("sda", "scsi-hd,drive=d1"),
         "nvme": ("nvme0n1", "nvme,serial=x,drive=d2")}


def disk_args(extra="", only=DISKS):
    """One disk on each bus, with the files' paths and contents."""
    args, files = ["-device", "virtio-scsi-pci"], {}
    for i, (bus, (dev, device)) in enumerate(DISKS.items()):
        if bus in only:
            files[dev] = image(f"disk{i}.img", 4 * MIB, 20 + i)
            args += ["-drive", f"if=none,id=d{i},format=raw,file={files[dev][0]}{extra}", "-device", device]
    return args, files


def snapshot():
    args, files = disk_args()
    with Linux("-snapshot", *args) as l:
        for dev, (path, data) in files.items():
            l.holds(f"/dev/{dev}", data, dev)
            l.sh(f"dd if=/dev/zero of=/dev/{dev} bs=64k seek=3 count=9 oflag=direct conv=notrunc,fsync 2>/dev/null")
            changed = data[:3 << 16] + bytes(9 << 16) + data[12 << 16:]
            l.sh("echo 3 >/proc/sys/vm/drop_caches")
            l.holds(f"/dev/{dev}", changed, f"{dev} after writing")
        l.off()
    for dev, (path, data) in files.items():
        if contents(path) != data:
            raise AssertionError(f"{dev}: -snapshot wrote to the image")


def commit():
    """What was written is in the images after `commit all`; what is written later is not."""
    args, files = disk_args()
    zero = "dd if=/dev/zero of=/dev/{} bs=64k seek={} count=9 oflag=direct conv=notrunc,fsync 2>/dev/null"
    with Linux("-snapshot", *args) as l:
        for dev in files:
            l.sh(zero.format(dev, 3))
        said = l.hmp("commit all")
        if "rror" in said:
            raise AssertionError(said)
        for dev, (path, data) in files.items():
            l.sh(zero.format(dev, 20))
            l.sh("echo 3 >/proc/sys/vm/drop_caches")
            l.holds(f"/dev/{dev}", data[:3 << 16] + bytes(9 << 16) + data[12 << 16:20 << 16] + bytes(9 << 16) +
                    data[29 << 16:], f"{dev} after commit")
        l.off()
    for dev, (path, data) in files.items():
        if contents(path) != data[:3 << 16] + bytes(9 << 16) + data[12 << 16:]:
            raise AssertionError(f"{dev}: the image is not what was committed")


def readonly():
    args, files = disk_args(",readonly=on")
    with Linux(*args) as l:
        for dev, (path, data) in files.items():
            said = not (JUDGE and dev.startswith("nvme"))  # QEMU's only fails the writes
            if said and l.sh(f"cat /sys/block/{dev}/ro") != "1":
                raise AssertionError(f"{dev} is not read-only in the guest")
            l.holds(f"/dev/{dev}", data, dev)
            l.fails(f"dd if=/dev/zero of=/dev/{dev} bs=4k count=1 conv=notrunc,fsync", f"writing to {dev}")
        l.off()
    for dev, (path, data) in files.items():
        if contents(path) != data:
            raise AssertionError(f"{dev}: an image with readonly=on was written")
    path, _ = image("ro.img", MIB, 30)
    r = subprocess.run([BINARY, "-display", "none", "-nodefaults", "-S", "-drive",
                        f"if=none,id=d,format=raw,readonly=on,file={path}", "-device", "ide-hd,drive=d"],
                       capture_output=True, text=True, timeout=60 * SLOW, stdin=subprocess.DEVNULL)
    if r.returncode == 0 or "read-only" not in r.stderr:  # an ATA disk cannot say that it is
        raise AssertionError(f"ide-hd: {r.returncode} {r.stderr}")


def resize():
    args, files = disk_args(only=("virtio-blk", "scsi-hd"))
    with Linux(*args) as l:
        for i, (dev, (path, data)) in enumerate(files.items()):
            for size, by_hand in ((9 * MIB, False), (6 * MIB, True), (12 * MIB, False)):
                if by_hand:
                    l.hmp(f"block_resize d{i} {size >> 20}M")
                else:
                    l.qmp.cmd("block_resize", device=f"d{i}", size=size)
                l.until(f"cat /sys/block/{dev}/size", str(size // 512), f"{dev}'s new size")
            l.sh(f"echo grown | dd of=/dev/{dev} bs=512 seek={12 * MIB // 512 - 1} conv=sync,notrunc,fsync 2>/dev/null")
            l.holds(f"/dev/{dev}", data + bytes(8 * MIB - 512) + b"grown\n".ljust(512, b"\0"), dev)
        l.off()


# ---- disks that come and go ----

READ = ("while [ ! -e /tmp/enough ]; do dd if=/dev/vda bs=64k iflag=direct 2>/dev/null | md5sum >>/tmp/sums; done & "
        "echo $! >/tmp/reader")


def still_reading(l, data):
    """The disk that was read all the time gave the same each time."""
    l.sh("touch /tmp/enough; wait $(cat /tmp/reader)", check=False)
    sums = l.sh("sort /tmp/sums | uniq -c").split()
    if len(sums) != 3 or sums[1] != hashlib.md5(data).hexdigest() or int(sums[0]) < 3:
        raise AssertionError(f"the other disk was read as {sums}")
    return f"read {sums[0]} times meanwhile"


def gone(l, since, name):
    end = time.monotonic() + 30 * SLOW
    while not any(e["event"] == "DEVICE_DELETED" and e["data"].get("device") == name for e in l.qmp.events[since:]):
        if time.monotonic() > end:
            raise AssertionError(f"{name} does not go")
        time.sleep(0.1)


def hotplug(machine, dev, device, *args, rounds=4):
    def test():
        disk, data = image("all-the-time.img", 2 * MIB, 40)
        with Linux("-M", machine, "-drive", f"if=none,id=d,format=raw,file={disk}", "-device",
                   "virtio-blk-pci,drive=d", *args) as l:
            l.sh(READ)
            for i in range(rounds):
                path, plugged = image("plugged.img", (3 + i) * MIB, 50 + i)
                l.qmp.cmd("blockdev-add", **{"driver": "file", "node-name": "f", "filename": path})
                l.qmp.cmd("blockdev-add", **{"driver": "raw", "node-name": "n", "file": "f"})
                l.refused("nowhere", "device_add", **dict(device, bus="nowhere"), id="hp", drive="n")
                l.qmp.cmd("device_add", **device, id="hp", drive="n")
                l.until(f"test -b /dev/{dev} && echo there", "there", "the plugged disk")
                l.holds(f"/dev/{dev}", plugged, "the plugged disk")
                l.sh(f"echo round {i} | dd of=/dev/{dev} bs=512 conv=sync,notrunc,fsync 2>/dev/null")
                l.refused("in use", "blockdev-del", **{"node-name": "n"})
                since = len(l.qmp.events)
                l.qmp.cmd("device_del", id="hp")
                gone(l, since, "hp")
                l.until(f"ls /sys/block/{dev} || echo none", "none", "the unplugged disk")
                l.qmp.cmd("blockdev-del", **{"node-name": "n"})
                l.qmp.cmd("blockdev-del", **{"node-name": "f"})
                if not contents(path).startswith(f"round {i}\n".encode()):
                    raise AssertionError("the plugged disk has not what the guest wrote")
            note = still_reading(l, data)
            l.off()
        return note
    return test


def drive_del():
    disk, data = image("all-the-time.img", 2 * MIB, 40)
    path, lost = image("lost.img", 4 * MIB, 60)
    with Linux("-M", "pc", "-drive", f"if=none,id=d,format=raw,file={disk}", "-device", "virtio-blk-pci,drive=d") as l:
        l.sh(READ)
        for _ in range(2):
            if l.hmp(f"drive_add 0 if=none,id=x,format=raw,file={path}") != "OK":
                raise AssertionError("drive_add does not say OK")
            if l.hmp("device_add virtio-blk-pci,drive=x,id=hp"):
                raise AssertionError("device_add says something")
            l.until("ls /dev/vdb", "/dev/vdb", "the plugged disk")
            l.holds("/dev/vdb", lost, "the plugged disk")
            # No child of the shell: one that ends while busybox reads the console can end it, too.
            l.sh("((while dd if=/dev/vdb of=/dev/null bs=4k iflag=direct 2>/dev/null; do :; done; echo over >/tmp/over) &)")
            time.sleep(0.5)
            if l.hmp("drive_del x"):
                raise AssertionError("drive_del says something")
            l.until("cat /tmp/over 2>&1", "over", "the reader of a drive that is gone")
            since = len(l.qmp.events)
            l.hmp("device_del hp")
            gone(l, since, "hp")
            l.until("ls /sys/block/vdb || echo none", "none", "the unplugged disk")
            l.sh("rm /tmp/over")
        note = still_reading(l, data)
        l.off()
    return note


TESTS = [
    ("CD-ROM on IDE", cdrom("-M", "pc", "-device", "ide-cd,drive=cd,id=dev")),
    ("CD-ROM on AHCI", cdrom("-M", "q35", "-device", "ide-cd,drive=cd,id=dev")),
    ("CD-ROM on virtio-scsi", cdrom("-device", "virtio-scsi-pci", "-device", "scsi-cd,drive=cd,id=dev")),
    ("floppy", floppy),
    ("snapshot", snapshot),
    ("commit", commit),
    ("readonly", readonly),
    ("resize", resize),
    ("hot plug of virtio-blk", hotplug("pc", "vdb", {"driver": "virtio-blk-pci"})),
    ("hot plug of scsi-hd", hotplug("pc", "sda", {"driver": "scsi-hd", "bus": "s.0"}, "-device", "virtio-scsi-pci,id=s")),
    ("hot plug of nvme on q35", hotplug("q35", "nvme0n1", {"driver": "nvme", "serial": "x", "bus": "r1"},
                                        "-device", "pcie-root-port,id=r1,slot=1", rounds=1)),
    ("drive_del under a reader", drive_del),
]

if __name__ == "__main__":
    tests = [t for t in TESTS if not sys.argv[2:] or any(n in t[0] for n in sys.argv[2:])]
    status = run_tap(tests)
    shutil.rmtree(TMP)
    sys.exit(status)
