#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""kernels.py BINARY: -kernel starts what is not Linux: memtest86+, multiboot and PVH kernels."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import asm  # noqa: E402
from guest import Guest, Skip, fetch, run_tap, slowness  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
JUDGE = shutil.which("qemu-system-x86_64")
BARE = ["-display", "none", "-nodefaults", "-no-reboot"]


def memtest():
    """It draws its screen on the serial console and gets some way through its first test."""
    with Guest([BINARY, *BARE, "-m", "16", "-serial", "stdio", "-kernel", fetch("memtest"),
                "-append", "console=ttyS0,115200"]) as g:
        g.expect(r"\x1b\[2J", 60)
        for _ in range(60):     # it waits a while for somebody who wants other settings
            g.send("\n")
            if g.appears("Memtest86", 1):
                break
        m = g.expect(r"#0 +\[[^\]]*\]", 60 * SLOW)
        # A later one. The screen is drawn once in a while, and a fast machine skips some.
        g.expect(r"#([2-9]|10) +\[[^\]]*\]", 120 * SLOW)
        g.expect(r"Errors: 0 ", 20 * SLOW)
        return m.group(0).decode()


# Printed by both kinds: text through esi, and a number in hexadecimal.
REPORT = """
    text:
        mov dx, 0x402
    1:  lodsb
        test al, al
        jz 2f
        out dx, al
        jmp 1b
    2:  ret
    hex:                        /* EAX and a blank */
        mov ecx, 8
        mov dx, 0x402
    1:  rol eax, 4
        push eax
        and al, 15
        add al, 48
        cmp al, 58
        jb 2f
        add al, 39
    2:  out dx, al
        pop eax
        loop 1b
        mov al, 32
        out dx, al
        ret
        .balign 16
    stack_end = . + 1024
"""

MULTIBOOT = """
        mov esp, offset stack_end
        mov ebp, ebx
        call hex                /* 2badb002 */
        mov eax, [ebp]          /* flags we rely on: memory, command line, modules, map */
        and eax, 0x4d
        call hex
        mov eax, [ebp + 4]      /* KiB of low memory */
        call hex
        mov eax, [ebp + 8]
        call hex
        mov eax, cr0            /* PE, no PG */
        and eax, 0x80000001
        call hex
        mov eax, [ebp + 20]     /* modules */
        call hex
        mov ebx, [ebp + 24]
        mov esi, [ebx]          /* contents of the first */
        call text
        mov esi, [ebx + 8]      /* its command line */
        call text
        mov esi, [ebp + 16]     /* ours */
        call text
        exit 0x10
""" + REPORT

PVH = """
        mov esp, offset stack_end
        mov ebp, ebx
        mov eax, [ebp]          /* 336ec578, "xEn3" */
        call hex
        mov eax, cr0
        and eax, 0x80000001
        call hex
        mov eax, [ebp + 12]     /* modules */
        call hex
        mov ebx, [ebp + 16]
        mov esi, [ebx]
        call text
        mov esi, [ebp + 24]     /* command line */
        call text
        mov ebx, [ebp + 40]     /* memory map: the first entry's base and length */
        mov eax, [ebx]
        call hex
        mov eax, [ebx + 8]
        call hex
        exit 0x10
""" + REPORT


def run_kernel(program, machine, image):
    with tempfile.TemporaryDirectory(prefix="rhea-kernels-") as d:
        kernel, module = asm.write(d, "kernel", image), asm.write(d, "module", b"module\n\0")
        argv = [program, *machine, *BARE, "-m", "32", *asm.REPORT_ARGS, "-kernel", kernel,
                "-initrd", module, "-append", "one two"]
        r = subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, check=False,
                           timeout=20 * SLOW)
        if r.returncode != 0x21:
            raise AssertionError(f"{program}: status {r.returncode}\n{r.stdout!r}\n{r.stderr.decode()}")
        # Its own path comes first in a multiboot command line; SeaBIOS may have spoken before.
        return r.stdout.replace(d.encode(), b"D")


def kernel(make, source, want):
    def test():
        if not asm.has_assembler():
            raise Skip("no assembler")
        image = make(source)
        got = run_kernel(BINARY, ["-M", "pc,acpi=off"], image)
        if got != want:
            raise AssertionError(f"the kernel says {got!r}, not {want!r}")
        if JUDGE:
            judged = run_kernel(JUDGE, ["-M", "isapc", "-cpu", "qemu64"], image)
            if not judged.endswith(got):
                raise AssertionError(f"Debian's QEMU prints {judged!r}, we {got!r}")
            return "as Debian's QEMU"
        return None
    return test


if __name__ == "__main__":
    sys.exit(run_tap([
        ("memtest86+", memtest),
        ("multiboot", kernel(asm.multiboot, MULTIBOOT,
                             b"2badb002 0000004d 0000027f 00007c00 00000001 00000001 "
                             b"module\nD/moduleD/kernel one two")),
        ("PVH", kernel(asm.pvh, PVH,
                       b"336ec578 00000001 00000001 module\none two00000000 0009fc00 ")),
    ]))
