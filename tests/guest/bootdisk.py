#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""bootdisk.py BINARY: SeaBIOS boots a sector from each kind of disk, and the sector reads and
writes its disk through the firmware: the drivers in SeaBIOS are small and unforgiving.

Debian's QEMU judges: it must print the same from the same image and leave the same image."""
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import asm  # noqa: E402
from guest import Skip, run_tap, slowness  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
FLOPPY_SIZE = 1440 << 10

SECTOR = asm.BOOT16 + """
        mov [drive], dl
        mov si, offset hello
        call text
        mov ax, 0x0210          /* 16 sectors from the second on */
        mov bx, 0x8000
        mov cx, 2
        call disk
        call sum
        mov si, 0x8000          /* inverted, the first of them is the 18th */
        mov di, 0xa000
        mov cx, 256
    1:  lodsw
        not ax
        stosw
        loop 1b
        mov ax, 0x0301
        mov bx, 0xa000
        mov cx, 18
        call disk
        mov ax, 0x0201
        mov bx, 0xc000
        mov cx, 18
        call disk
        mov si, 0xa000
        mov di, 0xc000
        mov cx, 256
        repe cmpsw
        mov ax, cx
        call hex
        mov si, offset done
        call text
        mov dx, 0xf4
        mov al, 0x21
        out dx, al
    2:  hlt
        jmp 2b

    disk:                       /* head 0 of the boot drive; the status is printed */
        mov dh, 0
        mov dl, [drive]
        int 0x13
        mov al, 0
        adc al, 0
        jmp hex

    sum:
        mov si, 0x8000
        mov cx, 16 * 256
        xor dx, dx
    1:  lodsw
        add dx, ax
        loop 1b
        mov ax, dx
        jmp hex

""" + asm.PRINT16 + """    drive:
        .byte 0
    hello:
        .asciz "from disk: "
    done:
        .asciz "end"
        .org 510
        .byte 0x55, 0xaa
"""


def image(size):
    sector = asm.assemble(SECTOR, 0x7c00)
    assert len(sector) == 512
    rnd = random.Random(7)
    body = rnd.randbytes(17 * 512)
    return (sector + body).ljust(size, b"\0")


def run(program, disk_args, machine, size):
    with tempfile.TemporaryDirectory(prefix="rhea-bootdisk-") as d:
        path = asm.write(d, "disk.img", image(size))
        argv = [program, "-M", machine, "-m", "64", "-display", "none", "-nodefaults", "-no-reboot",
                "-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
                *[a.replace("@", path) for a in disk_args]]
        r = subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, check=False,
                           timeout=60 * SLOW)
        if r.returncode != 0x43:
            raise AssertionError(f"{program}: status {r.returncode}\n{r.stdout!r}\n{r.stderr.decode()}")
        with open(path, "rb") as f:
            after = hashlib.sha256(f.read()).hexdigest()
        return r.stdout[r.stdout.index(b"from disk"):].strip(), after


KINDS = {
    "floppy": (["-drive", "if=floppy,format=raw,file=@"], ["pc"], FLOPPY_SIZE),
    "IDE": (["-drive", "if=ide,format=raw,file=@"], ["pc"], 8 << 20),
    "AHCI": (["-drive", "if=ide,format=raw,file=@"], ["q35"], 8 << 20),
    "virtio-blk": (["-drive", "if=virtio,format=raw,file=@"], ["pc", "q35"], 8 << 20),
    "virtio-scsi": (["-drive", "if=none,id=d,format=raw,file=@", "-device", "virtio-scsi-pci",
                     "-device", "scsi-hd,drive=d"], ["pc", "q35"], 8 << 20),
    "NVMe": (["-drive", "if=none,id=d,format=raw,file=@", "-device", "nvme,serial=a,drive=d"],
             ["pc", "q35"], 8 << 20),
}


def boots(kind, machine):
    def test():
        if not asm.has_assembler():
            raise Skip("no assembler")
        args, _, size = KINDS[kind]
        got = run(BINARY, args, machine, size)
        judge = shutil.which("qemu-system-x86_64")
        if not judge:
            raise Skip("no qemu-system-x86_64")
        want = run(judge, args, machine, size)
        if got != want:
            raise AssertionError(f"Debian's QEMU gives {want!r}, we {got!r}")
        return got[0].decode()
    return test


if __name__ == "__main__":
    sys.exit(run_tap([(f"{kind} on {m}", boots(kind, m))
                      for kind, (_, machines, _) in KINDS.items() for m in machines]))
