#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""netboot.py BINARY: Debian's installer starts from its netboot kernel and initrd.

Unmodified, it asks its first question on the serial console. With a second archive behind the
initrd, as its documentation tells (a preseed file, and the disk drivers of its kernel, which the
installer would otherwise take from udebs), it reads and writes disks, serves the CD-ROM on the
loopback interface and goes on unattended to its look for network hardware. What follows would need
udebs, which not every mirror keeps.

BINARY may be qemu-system-x86_64, which tests the test."""
import glob
import gzip
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from debian import SUITE, make_iso  # noqa: E402
from disk import no_complaints  # noqa: E402
from guest import Guest, fetch, run_tap, slowness  # noqa: E402

BINARY = sys.argv[1]
SLOW = 4 * slowness(shutil.which(BINARY) or BINARY)  # the host may be busy
PACKAGE = "debian-installer-12-netboot-amd64"
IMAGES = "/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64/"
# In an order they can be loaded in; others they need are in the initrd.
MODULES = ["libata", "libahci", "ahci", "ata_piix", "cdrom", "sr_mod", "isofs", "virtio_blk"]
DISK_SIZE = 8 << 20

PRESEED = """
d-i debian-installer/locale string C
d-i keyboard-configuration/xkb-keymap select us
d-i hw-detect/load_firmware boolean false
d-i netcfg/enable boolean false
d-i netcfg/get_hostname string rhea-guest
d-i debian-installer/allow_unauthenticated boolean true
d-i mirror/country string manual
d-i mirror/protocol string http
d-i mirror/http/hostname string 127.0.0.1
d-i mirror/http/directory string /debian
d-i mirror/http/proxy string
d-i mirror/suite string @SUITE@
d-i mirror/udeb/suite string @SUITE@
d-i preseed/early_command string sh /rhea/early
"""

EARLY = """exec >/dev/console 2>&1
for m in sd_mod virtio_pci; do modprobe $m; done
for m in @MODULES@; do insmod /rhea/$m.ko; done
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ -b /dev/sda ] && [ -b /dev/vda ] && [ -b /dev/sr0 ] && break
    sleep 1
done
cat /proc/partitions
mkdir /rhea/cd && mount -t iso9660 -o ro /dev/sr0 /rhea/cd && echo "CD-ROM: $(cat /rhea/cd/hello)"
echo "first disk: $(sha256sum </dev/sda)"
dd if=/dev/sda of=/dev/vda bs=64k && sync
echo "second disk: $(sha256sum </dev/vda)"
# The installer waits for whoever holds its descriptors.
ip link set lo up && httpd -p 127.0.0.1:80 -h /rhea/cd 3>&- 4>&- 5>&- 6>&- </dev/null && echo "the CD-ROM is a mirror"
"""


def image(name):
    return fetch(PACKAGE, IMAGES + name)


def command(machine, initrd, append, *more):
    return [BINARY, "-M", machine, "-m", "1G", "-nographic", "-no-reboot", "-kernel", image("linux"), "-initrd",
            initrd, "-append", f"console=ttyS0 DEBIAN_FRONTEND=text TERM=dumb {append}", *more]


def first_question(machine):
    def test():
        with Guest(command(machine, image("initrd.gz"), "")) as g:
            g.expect("Starting system log daemon", 120 * SLOW)
            g.expect("Select a language", 120 * SLOW)
            g.expect(r"English", 30 * SLOW)
            g.expect(r"Prompt: .*> ", 30 * SLOW)
            no_complaints(g)
    return test


def kernel_release():
    """What the installer's kernel calls itself (boot protocol 2.00, field kernel_version)."""
    with open(image("linux"), "rb") as f:
        data = f.read(65536)
    at = 512 + int.from_bytes(data[0x20e:0x210], "little")
    return data[at:data.index(b" ", at)].decode()


def second_archive(initrd, tmp):
    """Debian's initrd with an archive of ours behind it."""
    release, tree = kernel_release(), f"{tmp}/more"
    kernel = fetch(f"linux-image-{release}", f"/boot/vmlinuz-{release}")
    modules = f"{os.path.dirname(os.path.dirname(kernel))}/lib/modules/{release}/kernel"
    os.makedirs(f"{tree}/rhea")
    for m in MODULES:
        shutil.copy(glob.glob(f"{modules}/**/{m}.ko", recursive=True)[0], f"{tree}/rhea/")
    for name, text in (("preseed.cfg", PRESEED.replace("@SUITE@", SUITE)),
                       ("rhea/early", EARLY.replace("@MODULES@", " ".join(MODULES)))):
        with open(f"{tree}/{name}", "w") as f:
            f.write(text)
    more = subprocess.run("find . | cpio -o -H newc -R 0:0 --quiet", shell=True, cwd=tree, check=True,
                          stdout=subprocess.PIPE).stdout
    with open(initrd, "wb") as f:
        with open(image("initrd.gz"), "rb") as g:
            shutil.copyfileobj(g, f)
        f.write(gzip.compress(more, 1))


def make_mirror(iso, tmp):
    """A mirror without packages."""
    top, sums = f"{tmp}/cdrom/debian/dists/{SUITE}", ""
    for component in ("main/binary-amd64", "main/debian-installer/binary-amd64"):
        os.makedirs(f"{top}/{component}")
        for name, data in (("Packages", b""), ("Packages.gz", gzip.compress(b"", mtime=0))):
            with open(f"{top}/{component}/{name}", "wb") as f:
                f.write(data)
            sums += f" {hashlib.sha256(data).hexdigest()} {len(data)} {component}/{name}\n"
    with open(f"{top}/Release", "w") as f:
        f.write(f"Origin: Debian\nLabel: Debian\nSuite: oldstable\nCodename: {SUITE}\nVersion: 12\n"
                "Date: Tue, 14 Nov 2023 22:13:20 UTC\nArchitectures: amd64\n"
                f"Components: main\nSHA256:\n{sums}")
    with open(f"{tmp}/cdrom/hello", "w") as f:
        f.write("read by the installer\n")
    make_iso(f"{tmp}/cdrom", iso, "MIRROR")


def unattended(machine):
    def test():
        with tempfile.TemporaryDirectory(prefix="rhea-netboot-") as tmp:
            first, second, iso, initrd = (f"{tmp}/{n}" for n in ("first.raw", "second.raw", "mirror.iso", "initrd.gz"))
            data = random.Random(3).randbytes(DISK_SIZE)
            for name, content in ((first, data), (second, b"\0" * DISK_SIZE)):
                with open(name, "wb") as f:
                    f.write(content)
            make_mirror(iso, tmp)
            second_archive(initrd, tmp)
            with Guest(command(machine, initrd, "auto=true priority=critical", "-drive",
                               f"file={first},format=raw,if=ide,index=0", "-drive",
                               f"file={second},format=raw,if=virtio", "-cdrom", iso)) as g:
                follow(g, hashlib.sha256(data).hexdigest())
                no_complaints(g)
            with open(second, "rb") as f:
                if f.read() != data:
                    raise AssertionError("the host finds other data on the second disk than the installer wrote")
    return test


def follow(g, digest):
    g.expect(r"\b8192 sda\r", 180 * SLOW)
    g.expect("CD-ROM: read by the installer", 60 * SLOW)
    g.expect(f"first disk: {digest}", 60 * SLOW)
    g.expect(f"second disk: {digest}", 60 * SLOW)
    g.expect("the CD-ROM is a mirror", 30 * SLOW)
    g.expect(r"Detecting network hardware.*100%", 180 * SLOW)


if __name__ == "__main__":
    sys.exit(run_tap([(f"{what} on {m}", make(m)) for m in ("q35", "pc")
                      for what, make in (("the installer's first question", first_question),
                                         ("the installer, unattended,", unattended))]))
