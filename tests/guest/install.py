#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""install.py BINARY [--img RHEA_IMG] [--keep DIR]: Debian is installed in a guest, and boots.

A running Debian (the image of build-image, its writes thrown away) installs another one to an empty
qcow2 disk, unattended and with Debian's tools: the packages are on a CD-ROM, a piece of the archive
in its own layout. apt takes debootstrap and sfdisk from there; then come the partition, the file
system, debootstrap, and grub-install in a chroot. The new disk alone then starts by its own boot
sector on other machines and buses, and in Debian's QEMU.

debian-installer does not do this here because not every mirror keeps its components (udebs)."""
import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from debian import Apt, SUITE, make_iso, run  # noqa: E402
from disk import QEMU, QEMU_IMG, Shell, no_complaints  # noqa: E402
from guest import HERE, Guest, Skip, run_tap, slowness  # noqa: E402

TOOLS = ["debootstrap", "fdisk"]
SYSTEM = ["systemd-sysv", "udev", "dbus", "kmod", "e2fsprogs", "zstd", "initramfs-tools", "linux-image-cloud-amd64",
          "grub-pc-bin", "grub2-common"]
BOOTSTRAP = ["usr-is-merged"]  # debootstrap takes it in the place of usrmerge
PART_AT = 1 << 20
SIZE = "4G"

# What an administrator does by hand, one step after the other: (what, seconds, commands).
STEPS = [
    ("the CD-ROM is there", 60, "mkdir -p /mnt/cdrom /target && mount -o ro /dev/sr0 /mnt/cdrom"),
    ("apt reads the CD-ROM", 120, "echo 'deb [trusted=yes] file:/mnt/cdrom @SUITE@ main' >/etc/apt/sources.list && "
     "apt-get -q update"),
    ("apt installs from it", 180, "DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install @TOOLS@"),
    ("a partition", 60, "printf 'label: dos\\nstart=2048, type=83, bootable\\n' | sfdisk -q /dev/vdb && udevadm settle"),
    ("a file system", 120, "mkfs.ext4 -q /dev/vdb1 && udevadm settle && mount /dev/vdb1 /target"),
    ("debootstrap", 1500, "debootstrap --variant=minbase --no-check-gpg --include=@SYSTEM@ @SUITE@ /target "
     "file:///mnt/cdrom || { tail -n 30 /target/debootstrap/debootstrap.log; false; }"),
    ("settings", 60, "echo \"UUID=$(blkid -s UUID -o value /dev/vdb1) / ext4 errors=remount-ro 0 1\" >/target/etc/fstab && "
     "echo rhea-guest >/target/etc/hostname && echo '127.0.1.1 rhea-guest' >>/target/etc/hosts && "
     "echo root:rhea | chroot /target chpasswd && printf '%s\\n' GRUB_TIMEOUT=1 "
     "'GRUB_CMDLINE_LINUX=\"console=tty0 console=ttyS0,115200\"' 'GRUB_TERMINAL=\"serial console\"' "
     "GRUB_DISABLE_OS_PROBER=true >/target/etc/default/grub"),
    ("GRUB", 240, "for d in dev proc sys; do mount --bind /$d /target/$d; done && "
     "chroot /target grub-install /dev/vdb && chroot /target update-grub"),
    ("all is written", 120, "test -z \"$(dpkg --root=/target --audit)\" && umount /target/dev /target/proc /target/sys /target"),
]


def make_cdrom(out, tmp):
    """The packages and what they depend on, as Debian's archive has them, in an ISO image."""
    apt = Apt("amd64")
    apt.refresh(86400)
    names = [l.split()[0] for l in apt.versions(TOOLS + SYSTEM + BOOTSTRAP)]
    # apt keeps verified packages in its cache, and fetches only what is not there yet.
    run("apt-get", "-qq", "-y", "--download-only", "install", *names, env=apt.env)
    index, tree, packages = apt.index("main/binary-amd64"), f"{tmp}/cdrom", ""
    for name in names:
        fields = dict(re.findall(r"^(Architecture|Version|Filename): (.*)$", index[name], re.M))
        version = fields["Version"].replace(":", "%3a")
        target = f"{tree}/{fields['Filename']}"
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(f"{apt.dir}/archives/{name}_{version}_{fields['Architecture']}.deb", target)
        packages += index[name] + "\n\n"
    top = f"{tree}/dists/{SUITE}"
    os.makedirs(f"{top}/main/binary-amd64")
    sums = ""
    for name, data in (("Packages", packages.encode()), ("Packages.gz", gzip.compress(packages.encode(), mtime=0))):
        with open(f"{top}/main/binary-amd64/{name}", "wb") as f:
            f.write(data)
        sums += f" {hashlib.sha256(data).hexdigest()} {len(data)} main/binary-amd64/{name}\n"
    with open(f"{top}/Release", "w") as f:
        f.write(f"Origin: Debian\nLabel: Debian\nSuite: {SUITE}\nCodename: {SUITE}\nVersion: 12\n"
                f"Date: Tue, 14 Nov 2023 22:13:20 UTC\nArchitectures: amd64\nComponents: main\nSHA256:\n{sums}")
    make_iso(tree, out, "DEBIAN")
    shutil.rmtree(tree)


class Environment:
    def __init__(self, args):
        self.binary, self.tmp = args.binary, args.keep or tempfile.mkdtemp(prefix="rhea-install-")
        self.keep = args.keep
        is_qemu = "qemu" in os.path.basename(args.binary)
        self.slow = 4 * slowness(shutil.which(args.binary) or args.binary)  # the host may be busy
        self.img = args.img or (QEMU_IMG if is_qemu else os.path.join(os.path.dirname(os.path.abspath(args.binary)),
                                                                      "rhea-img"))
        self.disk, self.installed = f"{self.tmp}/installed.qcow2", False
        os.makedirs(self.tmp, exist_ok=True)

    def drop(self):
        if not self.keep:
            shutil.rmtree(self.tmp, ignore_errors=True)


def power_off(env, g):
    g.send("poweroff\n")
    status = g.wait(120 * env.slow)
    if status != 0 or b"reboot: Power down" not in g.log:
        raise AssertionError(f"exit status {status} after power off:\n{g.tail()}")
    no_complaints(g)


def install(env):
    """Fills an empty disk; says how long each step took."""
    iso = f"{env.tmp}/debian.iso"
    base = run(f"{HERE}/build-image", "amd64").split()[-1]
    make_cdrom(iso, env.tmp)
    run(env.img, "create", "-q", "-f", "qcow2", env.disk, SIZE)
    words = {"@SUITE@": SUITE, "@TOOLS@": " ".join(TOOLS), "@SYSTEM@": ",".join(SYSTEM)}
    times, start = [], time.monotonic()
    with Guest([env.binary, "-M", "q35", "-m", "1G", "-nographic", "-drive",
                f"file={base},format=raw,if=virtio,index=0,snapshot=on", "-drive", f"file={env.disk},if=virtio,index=1",
                "-cdrom", iso]) as g:
        sh = Shell(g, env.slow)
        sh.login(180)
        for what, seconds, command in STEPS:
            t0 = time.monotonic()
            for word, text in words.items():
                command = command.replace(word, text)
            try:
                sh.run(command, seconds)
            except AssertionError as e:
                raise AssertionError(f"{what}: {e}") from e
            times.append(f"{what} {time.monotonic() - t0:.0f} s")
        power_off(env, g)
    check(env)
    env.installed = True
    return f"in all {time.monotonic() - start:.0f} s on a CD-ROM of {os.path.getsize(iso) >> 20} MiB: {', '.join(times)}"


def check(env):
    """The image and the file system on it are in order, by the tools of others too."""
    for tool in sorted({QEMU_IMG, env.img}):
        p = subprocess.run([tool, "check", env.disk], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if p.returncode:
            raise AssertionError(f"{tool} check says (status {p.returncode}):\n{p.stdout}")
    raw = f"{env.tmp}/raw"
    try:
        run(QEMU_IMG, "convert", "-O", "raw", env.disk, raw)
        p = subprocess.run(["/sbin/e2fsck", "-fn", f"{raw}?offset={PART_AT}"], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True)
        if p.returncode or "orphan" in p.stdout or "recovering journal" in p.stdout:
            raise AssertionError(f"e2fsck says (status {p.returncode}):\n{p.stdout}")
    finally:
        os.unlink(raw)


def boots(env, binary, machine, interface):
    """The new disk alone, from its boot sector to a login, and down again."""
    def test():
        if not env.installed:
            raise Skip("nothing was installed")
        t0 = time.monotonic()
        with Guest([binary, "-M", machine, "-m", "512", "-nographic", "-drive",
                    f"file={env.disk},if={interface}"]) as g:
            sh = Shell(g, env.slow)
            g.expect("GNU GRUB", 60 * env.slow)
            sh.login(180)
            seconds = time.monotonic() - t0
            state = sh.run("systemctl is-system-running --wait || systemctl --failed --no-legend", 120).strip()
            if state != "running":
                raise AssertionError(f"systemd is not content: {state}")
            sh.run("grep -q '^12' /etc/debian_version && test -z \"$(dpkg --audit)\" && "
                   "findmnt -n -o SOURCE / | grep -q 'da1$'")
            sh.run("date >>/root/was-here && sync")
            power_off(env, g)
        check(env)
        return f"login after {seconds:.1f} s"
    return test


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("binary")
    ap.add_argument("--img", help="rhea-img, if it is not beside the binary")
    ap.add_argument("--keep", metavar="DIR", help="work in DIR and leave everything there")
    env = Environment(ap.parse_args())
    tests = [("Debian installs from a CD-ROM to an empty disk", lambda: install(env)),
             ("the new disk boots on pc, IDE", boots(env, env.binary, "pc", "ide")),
             ("the new disk boots on q35, virtio", boots(env, env.binary, "q35", "virtio"))]
    if shutil.which(QEMU) and env.binary != QEMU:
        tests.append(("Debian's QEMU boots it too", boots(env, QEMU, "pc", "virtio")))
    try:
        return run_tap(tests)
    finally:
        env.drop()


if __name__ == "__main__":
    sys.exit(main())
