#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""armboot.py BINARY: what -boot and bootindex tell firmware on the board virt: the file "bootorder" as Debian's QEMU has it
(the program of armboot/ prints it), and that AAVMF takes the disk that comes first."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bare  # noqa: E402
from guest import Guest, GuestError, Skip, fetch, run_tap, slowness  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
JUDGE = "qemu-system-aarch64"
UEFI = "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd"
TMP = tempfile.mkdtemp(prefix="rhea-armboot-")
DRIVES = [w for n in "abcde" for w in ("-drive", f"if=none,id={n},file={TMP}/disk-{n},format=raw")]
MACHINES = {
    "no index": "-device virtio-blk-pci,drive=a -boot strict=on",
    "PCI, SCSI, virtio-mmio, NVMe": "-boot menu=on,strict=on -device virtio-blk-pci,drive=a,bootindex=3 -device virtio-scsi-pci"
                                    " -device scsi-hd,drive=b,bootindex=1 -device virtio-blk-device,drive=c,bootindex=2"
                                    " -device nvme,serial=x,drive=e,bootindex=0",
    "AHCI, behind a bridge, no card": "-nic none -device ich9-ahci,id=s -device ide-hd,bus=s.2,drive=a,bootindex=7"
                                      " -device pcie-root-port,id=p,chassis=1 -device virtio-blk-pci,bus=p,drive=b,bootindex=4",
    "two on virtio-mmio": "-device virtio-blk-device,drive=c,bootindex=2 -device virtio-blk-device,drive=d,bootindex=1",
}


def told(binary, options):
    args = [binary, "-M", "virt", "-cpu", "cortex-a57", "-m", "128", "-display", "none", "-monitor", "none", "-serial", "stdio",
            "-kernel", f"{TMP}/armboot.elf", *DRIVES, *options.split()]
    with Guest(args) as g:
        g.expect(r"(?m)^END\r?$", 30 * SLOW)
        return g.log.decode("latin1").replace("\r", "").strip()


def file_of(options):
    def test():
        if not shutil.which(JUDGE):
            raise Skip(f"no {JUDGE}")
        for n in "abcde":
            with open(f"{TMP}/disk-{n}", "wb") as f:
                f.truncate(1 << 20)
        bare.program(f"{TMP}/armboot.elf", ["armsemi/start.S", "armboot/main.c"], *bare.A64)
        theirs, ours = told(JUDGE, options), told(BINARY, options)
        if theirs != ours:
            raise GuestError(f"theirs:\n{theirs}\nours:\n{ours}")
    return test


def make_disk(path, name):
    """One FAT file system with GRUB, which says the disk's name."""
    with open(f"{TMP}/grub.cfg", "w", encoding="ascii") as f:
        f.write(f'terminal_output console\necho "GRUB of disk {name}"\nsleep 100\n')
    with open(path, "wb") as f:
        f.truncate(48 << 20)
    subprocess.run(["mformat", "-i", path, "-F", "::"], check=True)
    for d in ("EFI", "EFI/BOOT", "EFI/debian"):
        subprocess.run(["mmd", "-i", path, f"::{d}"], check=True)
    for file, to in ((fetch("grub-arm64"), "EFI/BOOT/BOOTAA64.EFI"), (f"{TMP}/grub.cfg", "EFI/debian/grub.cfg")):
        subprocess.run(["mcopy", "-o", "-i", path, file, f"::{to}"], check=True)


def aavmf(first):
    """Two disks; that of the lower index is started, whichever comes first on the bus."""
    def test():
        if not os.path.exists(UEFI) or not shutil.which("mformat"):
            raise Skip("install qemu-efi-aarch64 and mtools")
        args = [BINARY, "-M", "virt", "-cpu", "cortex-a72", "-m", "512", "-nographic", "-bios", UEFI]
        for name in ("one", "two"):
            make_disk(f"{TMP}/{name}", name)
            args += ["-drive", f"if=none,id={name},file={TMP}/{name},format=raw",
                     "-device", f"virtio-blk-pci,drive={name},bootindex={0 if name == first else 1}"]
        with Guest(args) as g:
            g.expect(f"GRUB of disk {first}", 90 * SLOW)
    return test


if __name__ == "__main__":
    try:
        sys.exit(run_tap([*((f"bootorder: {n}", file_of(o)) for n, o in MACHINES.items()),
                          ("AAVMF: the first of two disks", aavmf("one")), ("AAVMF: the second", aavmf("two"))]))
    finally:
        shutil.rmtree(TMP, ignore_errors=True)
