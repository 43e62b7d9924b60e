#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""firmware.py BINARY: SeaBIOS starts, speaks on its debug port and boots a boot sector.

There are no disks yet, so the sector comes in an option ROM, the way network cards bring theirs:
the firmware finds the ROM, sees its bootstrap entry vector and calls it as a boot device.
Debian's QEMU judges: it must print the same."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import asm  # noqa: E402
from guest import Guest, Skip, run_tap, slowness  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
BARE = ["-display", "none", "-nodefaults", "-no-reboot", "-m", "64"]
DEBUG = ["-chardev", "stdio,id=d", "-device", "isa-debugcon,iobase=0x402,chardev=d"]

# A boot sector: what a boot loader does first, each answer in hexadecimal on the serial port.
SECTOR = asm.BOOT16 + """
        mov si, offset hello
        call text
        mov ax, cs              /* where we are */
        call hex
        int 0x12                /* KiB of low memory */
        call hex
        mov ax, 0xe801          /* memory above 16 MiB in 64 KiB */
        int 0x15
        mov ax, bx
        call hex
        call e820
        mov ah, 0x02            /* the clock is running: BCD hours below 24h */
        int 0x1a
        xor ax, ax
        cmp ch, 0x24
        adc ax, 0
        call hex
        mov cx, [0x46c]         /* timer interrupts arrive */
    1:  hlt
        cmp cx, [0x46c]
        je 1b
        mov si, offset done
        call text
        mov dx, 0xf4
        mov al, 0x21
        out dx, al
    2:  hlt
        jmp 2b

    e820:                       /* base and length of the largest RAM below 4 GiB */
        xor ebx, ebx
    1:  mov eax, 0xe820
        mov edx, 0x534d4150
        mov ecx, 20
        mov di, 0x600
        int 0x15
        jc 2f
        cmp dword ptr [0x600], 0x100000
        je 3f
        test ebx, ebx
        jnz 1b
    2:  mov si, offset bad
        jmp text
    3:  mov ax, [0x600 + 16]
        jmp hex

""" + asm.PRINT16 + """    hello:
        .asciz "boot sector: "
    bad:
        .asciz "no e820 "
    done:
        .asciz "ticks"
        .org 510
        .byte 0x55, 0xaa
"""

def sector_rom():
    sector = asm.assemble(SECTOR, 0x7c00)
    assert len(sector) == 512
    return asm.option_rom(asm.ROM_LOADER + ".byte " + ",".join(str(b) for b in sector))


def banner(args):
    def test():
        with Guest([BINARY, *BARE, *args]) as g:
            g.expect(r"SeaBIOS \(version ", 20 * SLOW)
            g.expect("Found QEMU fw_cfg", 20 * SLOW)
            g.expect("DMA interface supported", 20 * SLOW)
            g.expect(r"e820: addr 0x0000000000000000 len 0x0000000004000000 \[RAM\]", 20 * SLOW)
            g.expect("All threads complete", 20 * SLOW)
            g.expect("No bootable device", 60 * SLOW)
    return test


def processors():
    """The firmware starts the other processors by INIT and start-up IPI."""
    with Guest([BINARY, *BARE, "-smp", "3", *DEBUG]) as g:
        g.expect(r"Found 3 cpu\(s\) max supported 3 cpu\(s\)", 40 * SLOW)


def run_sector(program, machine):
    with tempfile.TemporaryDirectory(prefix="rhea-firmware-") as d:
        rom = asm.write(d, "sector.rom", sector_rom())
        argv = [program, *machine, *BARE, "-serial", "stdio", "-fw_cfg", f"name=genroms/sector.rom,file={rom}",
                "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        r = subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, check=False,
                           timeout=60 * SLOW)
        if r.returncode != 0x43:
            raise AssertionError(f"{program}: status {r.returncode}\n{r.stdout!r}\n{r.stderr.decode()}")
        return r.stdout[r.stdout.index(b"boot sector"):]


def boots_sector():
    if not asm.has_assembler():
        raise Skip("no assembler")
    got = run_sector(BINARY, [])
    # 64 MiB less the page at the end that holds the ACPI tables.
    if got != b"boot sector: 0000 027F 02FF 0001 0001 ticks":
        raise AssertionError(f"the sector says {got!r}")
    return got.decode()


def as_qemu():
    judge = shutil.which("qemu-system-x86_64")
    if not judge or not asm.has_assembler():
        raise Skip("no qemu-system-x86_64 or no assembler")
    for machine in "pc,acpi=off", "q35,acpi=off":
        want = run_sector(judge, ["-M", machine])
        got = run_sector(BINARY, ["-M", machine])
        if got != want:
            raise AssertionError(f"{machine}: Debian's QEMU prints {want!r}, we {got!r}")


if __name__ == "__main__":
    sys.exit(run_tap([
        ("banner on the debug port, -device isa-debugcon", banner(DEBUG)),
        ("banner on the debug port, -debugcon", banner(
            ["-debugcon", "stdio", "-global", "isa-debugcon.iobase=0x402"])),
        ("three processors", processors),
        ("boot sector", boots_sector),
        ("boot sector, as Debian's QEMU", as_qemu),
    ]))
