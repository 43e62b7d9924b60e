#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""disk.py BINARY [--all] [--only EXPRESSION] [-j N] [--img RHEA_IMG]: Debian lives on a disk image.

Each scenario starts the image of build-image from firmware on one kind of machine and bus, logs in,
writes files, installs a package from a CD-ROM or a second disk, reboots, finds all of it again and
powers off. Then the host looks: the image's own check with both programs, fsck of the root file
system, the file's contents. Then the same image goes on in Debian's QEMU, and what was written there
is found again here.

BINARY may be qemu-system-x86_64, which tests the scenarios."""
import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from debian import run  # noqa: E402
from guest import HERE, Guest, GuestError, Skip, fetch, run_tap, slowness  # noqa: E402

QEMU, QEMU_IMG = "qemu-system-x86_64", "qemu-img"
ROOT_AT = 16 << 20  # where build-image puts the root file system
ROOT_UUID = "72686561-0000-4000-8000-000000000001"
MONITOR = "\x01c"

# How a disk (number n, node or drive "dN") is attached, per bus. The first one is booted from.
BUSES = {
    "ide": lambda n, f, opts: ["-drive", f"file={f},if=ide,index={n}{opts}"],
    "hda": lambda n, f, opts: [f"-hd{'ab'[n]}", f],
    "virtio": lambda n, f, opts: ["-drive", f"file={f},if=virtio,index={n}{opts}"],
    "virtio-iothread": lambda n, f, opts: [
        "-object", f"iothread,id=t{n}", "-drive", f"file={f},if=none,id=d{n}{opts}",
        "-device", f"virtio-blk-pci,drive=d{n},iothread=t{n},bootindex={n}"],
    "virtio-packed": lambda n, f, opts: [
        "-drive", f"file={f},if=none,id=d{n}{opts}",
        "-device", f"virtio-blk-pci,drive=d{n},packed=on,num-queues=2,bootindex={n}"],
    "virtio-scsi": lambda n, f, opts: (["-device", "virtio-scsi-pci,id=scsi"] if n == 0 else []) + [
        "-drive", f"file={f},if=none,id=d{n}{opts}", "-device", f"scsi-hd,bus=scsi.0,drive=d{n},bootindex={n}"],
    "nvme": lambda n, f, opts: ["-drive", f"file={f},if=none,id=d{n}{opts}",
                                "-device", f"nvme,drive=d{n},serial=disk{n},bootindex={n}"],
    "ahci": lambda n, f, opts: (["-device", "ahci,id=sata"] if n == 0 else []) + [
        "-drive", f"file={f},if=none,id=d{n}{opts}", "-device", f"ide-hd,bus=sata.{n},drive=d{n},bootindex={n}"],
    "mmio": lambda n, f, opts: ["-drive", f"file={f},if=none,id=d{n}{opts}",
                                "-device", f"virtio-blk-device,drive=d{n}"],
    "mmio-iothread": lambda n, f, opts: [
        "-object", f"iothread,id=t{n}", "-drive", f"file={f},if=none,id=d{n}{opts}",
        "-device", f"virtio-blk-device,drive=d{n},iothread=t{n}"],
    "mmio-scsi": lambda n, f, opts: (["-device", "virtio-scsi-device,id=scsi"] if n == 0 else []) + [
        "-drive", f"file={f},if=none,id=d{n}{opts}", "-device", f"scsi-hd,bus=scsi.0,drive=d{n}"],
}


class Scenario:
    def __init__(self, machine, bus, firmware="seabios", repo="disk", smp=1, off="poweroff", opts=""):
        self.machine, self.bus, self.firmware, self.repo = machine, bus, firmware, repo
        self.smp, self.off, self.opts = smp, off, opts

    @property
    def name(self):
        more = [f"-smp {self.smp}"] if self.smp > 1 else []
        more += [self.opts.lstrip(",")] if self.opts else []
        more += ["power button"] if self.off == "button" else []
        return " ".join([self.machine, self.bus, self.firmware, f"repository on {self.repo}", *more])

    def argv(self, binary, place):
        """The command line; files that firmware needs are made in the place."""
        argv, bus = [binary], self.bus
        if bus == "mmio-iothread" and "qemu" in os.path.basename(binary):
            bus = "mmio"  # without KVM it has no I/O threads there
        if self.bus != "hda":
            argv += ["-M", self.machine]
        argv += ["-m", "1G", *(["-smp", str(self.smp)] if self.smp > 1 else [])]
        argv += place.firmware(self, binary)
        argv += BUSES[bus](0, place.disk, self.opts)
        if self.repo == "disk":
            # ATA disks and NVMe know no write protection; the guest mounts it read-only in any case.
            readonly = ",readonly=on" if self.bus.startswith(("virtio", "mmio")) else ""
            argv += BUSES[bus](1, place.repo_img, f",format=raw{readonly}")
        elif self.bus in ("virtio-scsi", "mmio-scsi"):
            argv += ["-drive", f"file={place.repo_iso},if=none,id=cd,media=cdrom,readonly=on", "-device",
                     "scsi-cd,bus=scsi.0,drive=cd"]
        else:
            argv += ["-cdrom", place.repo_iso]
        return argv + ["-nographic"]


QUICK = [Scenario("pc", "hda", repo="cdrom")]
ALL = [
    Scenario("pc", "hda", repo="cdrom"),
    Scenario("pc", "ide", smp=2, off="button"),
    Scenario("pc", "virtio", repo="cdrom"),
    Scenario("pc", "virtio-iothread", smp=2),
    Scenario("pc", "virtio-scsi", repo="cdrom"),
    Scenario("pc", "nvme"),
    Scenario("pc", "ahci"),
    Scenario("pc", "ide", "ovmf-bios"),
    Scenario("pc", "virtio", "ovmf-pflash"),
    Scenario("q35", "ide", repo="cdrom"),
    Scenario("q35", "ide", opts=",cache=none", smp=2, off="button"),
    Scenario("q35", "virtio", opts=",cache=none,aio=io_uring"),
    Scenario("q35", "virtio", opts=",cache=writethrough"),
    Scenario("q35", "virtio", opts=",aio=io_uring,discard=unmap,detect-zeroes=unmap"),
    Scenario("q35", "virtio-iothread", smp=2),
    Scenario("q35", "virtio-packed", smp=2),
    Scenario("q35", "virtio-scsi", smp=2),
    Scenario("q35", "nvme", smp=2, repo="cdrom"),
    Scenario("q35", "ide", "ovmf-pflash"),
    Scenario("q35", "virtio", "ovmf-pflash", repo="cdrom", off="button"),
    Scenario("q35", "virtio-scsi", "ovmf-pflash"),
    Scenario("q35", "nvme", "ovmf-pflash"),
    Scenario("q35", "virtio", "ovmf-bios"),
    Scenario("microvm", "mmio", "kernel"),
    Scenario("microvm", "mmio-iothread", "kernel", smp=2),
    Scenario("microvm", "mmio-scsi", "kernel", repo="cdrom"),
]


class Environment:
    """Images and programs that all scenarios share; what is in `tmp` is only read."""

    def __init__(self, args):
        self.binary = os.path.abspath(shutil.which(args.binary) or args.binary)  # guests run elsewhere
        self.is_qemu = "qemu" in os.path.basename(args.binary)
        self.slow = 4 * slowness(shutil.which(args.binary) or args.binary)  # the host may be busy
        beside = os.path.join(os.path.dirname(os.path.abspath(args.binary)), "rhea-img")
        self.img = args.img or (QEMU_IMG if self.is_qemu else beside)
        self.exchange = not args.no_exchange and shutil.which(QEMU)
        self.tmp = tempfile.mkdtemp(prefix="rhea-disk-")
        self.lock, self.ready = threading.Lock(), False

    def prepare(self):
        """Makes the images; the first scenario pays for it."""
        with self.lock:
            if self.ready:
                return
            if not shutil.which(self.img):
                raise AssertionError(f"{self.img} is missing")
            t0 = time.monotonic()
            self.base, self.repo_iso, self.repo_img, self.kernel, self.initrd = (
                f"{self.tmp}/{n}" for n in ("debian.qcow2", "repo.iso", "repo.img", "vmlinuz", "initrd"))
            raw = run(f"{HERE}/build-image", "--img", self.img, "amd64").split()[-1]
            run(self.img, "convert", "-f", "raw", "-O", "qcow2", raw, self.base)
            run(f"{HERE}/build-repo", self.repo_iso, self.repo_img)
            self.take_boot_files(raw)
            self.ready = True
            print(f"# images ready after {time.monotonic() - t0:.1f} s", flush=True)

    def take_boot_files(self, raw):
        """Kernel and initrd out of the image."""
        root = f"{raw}?offset={ROOT_AT}"
        names = debugfs(root, "ls -p /boot").decode().split("/")
        for prefix, out in (("vmlinuz-", self.kernel), ("initrd.img-", self.initrd)):
            debugfs(root, f"dump /boot/{[n for n in names if n.startswith(prefix)][0]} {out}")

    def cleanup(self):
        shutil.rmtree(self.tmp, ignore_errors=True)


class Place:
    """What belongs to one scenario alone: its disks and the variables of its firmware."""

    def __init__(self, env, number):
        self.env, self.tmp = env, f"{env.tmp}/{number}"
        os.mkdir(self.tmp)
        self.disk, self.repo_iso, self.repo_img = f"{self.tmp}/disk.qcow2", env.repo_iso, f"{self.tmp}/repo.img"
        shutil.copy(env.repo_img, self.repo_img)  # its guest has it for itself
        run(env.img, "create", "-q", "-f", "qcow2", "-b", env.base, "-F", "qcow2", self.disk)

    def firmware(self, scenario, binary):
        """Options that start the scenario's firmware, or the image's kernel itself."""
        if scenario.firmware == "ovmf-bios":
            return ["-bios", fetch("ovmf", "/usr/share/ovmf/OVMF.fd")]
        if scenario.firmware == "ovmf-pflash":
            code = fetch("ovmf", "/usr/share/OVMF/OVMF_CODE_4M.fd")
            variables = f"{self.tmp}/vars.fd"
            if not os.path.exists(variables):
                shutil.copy(fetch("ovmf", "/usr/share/OVMF/OVMF_VARS_4M.fd"), variables)
            return ["-drive", f"if=pflash,format=raw,readonly=on,file={code}",
                    "-drive", f"if=pflash,format=raw,file={variables}"]
        if scenario.firmware == "kernel":
            return ["-kernel", self.env.kernel, "-initrd", self.env.initrd, "-append",
                    f"root=UUID={ROOT_UUID} ro console=ttyS0 reboot=t" + clock_hint(binary)]
        return []

    def root(self):
        """The root file system of the disk, for debugfs and e2fsck."""
        raw = f"{self.tmp}/all.raw"
        run(QEMU_IMG, "convert", "-O", "raw", self.disk, raw)
        with open(raw, "rb") as f:
            f.seek(ROOT_AT + 1080)
            assert f.read(2) == b"\x53\xef", "no ext4 file system where the root partition should be"
        return raw, f"{raw}?offset={ROOT_AT}"

    def drop(self):
        shutil.rmtree(self.tmp, ignore_errors=True)


def clock_hint(binary):
    """QEMU's microvm has no timer to measure the time stamp counter with, which is the host's; ours says so itself."""
    if "qemu" not in os.path.basename(binary):
        return ""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
        mhz = re.search(r"^cpu MHz\s*: ([\d.]+)", f.read(), re.M)
    return f" tsc_early_khz={int(float(mhz.group(1)) * 1000)}" if mhz else ""


def debugfs(image, request):
    return subprocess.run(["/sbin/debugfs", "-R", request, image], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


class Shell:
    """A root shell on a guest's serial port."""

    def __init__(self, guest, slow):
        self.g, self.slow = guest, slow

    def login(self, timeout):
        self.g.expect(r"rhea-guest login: ", timeout * self.slow)
        self.g.send("root\n")
        self.g.expect("assword: ", 30 * self.slow)
        self.g.send("rhea\n")
        self.g.expect(r"root@rhea-guest:~# ", 60 * self.slow)
        # A shell that neither echoes nor edits, a kernel that keeps its notes: what comes back is what was printed.
        self.g.send("exec env TERM=dumb PS1= PS2= sh\n")
        self.g.send("dmesg -n 1; stty -echo; echo REA''DY\n")
        self.g.expect("READY\r\n", 30 * self.slow)

    def run(self, command, timeout=60):
        """Runs a command; its output. Fails when it does."""
        self.g.send(f"{{ {command}\n}} 2>&1; echo \"STATUS=$?\"\n")
        start = self.g.seen
        m = self.g.expect(rb"STATUS=(\d+)\r\n", timeout * self.slow)
        out = self.g.log[start:m.start()].decode("latin1").replace("\r", "")
        if m.group(1) != b"0":
            raise AssertionError(f"in the guest, '{command}' failed with status {int(m.group(1))}:\n{out}")
        return out


def check_system(sh, scenario):
    state = sh.run("systemctl is-system-running --wait || systemctl --failed --no-legend", 120).strip()
    if state != "running":
        raise AssertionError(f"systemd is not content: {state}\n{sh.run('systemctl status --no-pager | head -60')}")
    cpus = int(sh.run("nproc"))
    if cpus != scenario.smp:
        raise AssertionError(f"the guest sees {cpus} processors, not {scenario.smp}")


def write_files(sh, name):
    """Files with their checksums on the disk; returns the checksum of the big one."""
    sh.run(f"dd if=/dev/urandom of=/root/{name} bs=1M count=16 status=none && cd /root && sha256sum {name} >{name}.sum"
           f" && mkdir -p {name}.d && for i in $(seq 200); do echo $i >{name}.d/$i; done && sync", 120)
    out = sh.run(f"cut -c-64 /root/{name}.sum")
    # A message of the kernel may stand beside it.
    m = re.search(r"\b[0-9a-f]{64}\b", out)
    if not m:
        raise AssertionError(f"no checksum in {out!r}")
    return m.group()


def check_files(sh, name):
    sh.run(f"cd /root && sha256sum -c {name}.sum && test $(cat {name}.d/* | sort -n | tail -n 1) = 200", 120)


def install_package(sh):
    sh.run("mount -o ro /dev/disk/by-label/REPOSITORY /mnt")
    sh.run("echo 'deb [trusted=yes] file:/mnt ./' >/etc/apt/sources.list && apt-get -q update", 120)
    sh.run("DEBIAN_FRONTEND=noninteractive apt-get -q -y install hello && umount /mnt", 180)


def no_complaints(g):
    """Neither from the kernel nor, the last one, from GLib about the emulator."""
    for text in (b"I/O error", b"EXT4-fs error", b"EXT4-fs warning", b"Buffer I/O", b"rcu_sched self-detected",
                 b"] Oops", b"] BUG: ", b"] WARNING: CPU", b"frozen", b"hard resetting link", b": timeout",
                 b"-CRITICAL **"):
        if text in g.log:
            at = g.log.index(text)
            raise AssertionError("a complaint:\n" + g.log[max(0, at - 600):at + 1500].decode("latin1"))


def power_off(sh, scenario):
    if scenario.off == "button":
        sh.g.send(MONITOR)
        sh.g.expect(r"\((rhea|qemu)\) ", 20 * sh.slow)
        sh.g.send("system_powerdown\n")
    else:
        sh.g.send("poweroff\n")
    status = sh.g.wait(120 * sh.slow)
    if status != 0:
        raise AssertionError(f"exit status {status} after power off:\n{sh.g.tail()}")
    if b"reboot: Power down" not in sh.g.log:
        raise AssertionError(f"the guest did not power off by itself:\n{sh.g.tail()}")


def live_on(env, scenario, place):
    """First boot to last; returns the checksum of the big file and the times to the login prompt."""
    times = []
    with Guest(scenario.argv(env.binary, place), cwd=place.tmp) as g:
        t0 = time.monotonic()
        sh = Shell(g, env.slow)
        sh.login(180)
        times.append(time.monotonic() - t0)
        check_system(sh, scenario)
        digest = write_files(sh, "first")
        install_package(sh)
        g.send("reboot\n")
        t0 = time.monotonic()
        g.expect("reboot: Restarting system", 120 * env.slow)
        sh.login(180)
        times.append(time.monotonic() - t0)
        check_files(sh, "first")
        hello = sh.run("hello")
        if "Hello, world!" not in hello:
            raise AssertionError(f"the installed program says '{hello}'")
        power_off(sh, scenario)
        no_complaints(g)
    return digest, times


def visit(binary, scenario, place, slow, check, leave):
    """Starts the disk once more, looks for the files `check`, writes those of `leave`."""
    with Guest(scenario.argv(binary, place), cwd=place.tmp) as g:
        sh = Shell(g, slow)
        sh.login(240)
        for name in check:
            check_files(sh, name)
        sh.run("hello")
        if leave:
            write_files(sh, leave)
        g.send("poweroff\n")
        status = g.wait(120 * slow)
        if status != 0:
            raise AssertionError(f"{binary}: exit status {status}:\n{g.tail()}")
        no_complaints(g)


def host_checks(env, place, digest):
    for tool in sorted({QEMU_IMG, env.img}):
        p = subprocess.run([tool, "check", place.disk], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if p.returncode:
            raise AssertionError(f"{tool} check says (status {p.returncode}):\n{p.stdout}")
    raw, root = place.root()
    try:
        p = subprocess.run(["/sbin/e2fsck", "-fn", root], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if p.returncode or "orphan" in p.stdout or "recovering journal" in p.stdout:
            raise AssertionError(f"e2fsck says (status {p.returncode}):\n{p.stdout}")
        found = hashlib.sha256(debugfs(root, "cat /root/first")).hexdigest()
        if found != digest:
            raise AssertionError(f"the file reads differently on the host: {found}, in the guest {digest!r}")
    finally:
        os.unlink(raw)


def exchange(env, scenario, place, digest):
    """The disk goes on in Debian's QEMU, and comes back."""
    visit(QEMU, scenario, place, 4, ["first"], "second")
    visit(env.binary, scenario, place, env.slow, ["first", "second"], None)
    host_checks(env, place, digest)


def scenario_test(env, scenario, number):
    def test():
        if env.is_qemu and scenario.opts and "io_uring" in scenario.opts:
            raise Skip("only for our own program")
        env.prepare()
        place = Place(env, number)
        try:
            t0 = time.monotonic()
            digest, times = live_on(env, scenario, place)
            host_checks(env, place, digest)
            t1 = time.monotonic()
            note = f"login after {' and '.join(f'{t:.1f} s' for t in times)}, all {t1 - t0:.0f} s"
            if not env.exchange:
                return note + ", no exchange"
            exchange(env, scenario, place, digest)
            return f"{note}, exchange {time.monotonic() - t1:.0f} s"
        finally:
            place.drop()
    return test


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("binary")
    ap.add_argument("--all", action="store_true", help="every machine, bus and firmware")
    ap.add_argument("--no-exchange", action="store_true", help="without going on in Debian's QEMU")
    ap.add_argument("--only", default="", help="only scenarios whose name matches this expression")
    ap.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    ap.add_argument("--img", help="rhea-img, if it is not beside the binary")
    args = ap.parse_args()
    env = Environment(args)
    try:
        chosen = [s for s in (ALL if args.all else QUICK) if re.search(args.only, s.name)]
        return run_tap([(s.name, scenario_test(env, s, n)) for n, s in enumerate(chosen)], args.jobs)
    finally:
        env.cleanup()


if __name__ == "__main__":
    sys.exit(main())
