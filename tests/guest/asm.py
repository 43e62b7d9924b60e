# SPDX-License-Identifier: GPL-2.0-or-later
"""Small guests assembled at test time with GNU as, and the files that carry them into a machine.

Sources are in Intel syntax. A guest reports by bytes on the debug port and ends by a byte on the
exit port (the emulator's status is twice that plus one); `MACROS` has put and exit for both.
"""
import os
import shutil
import subprocess
import tempfile

DEBUG_PORT = 0x402
EXIT_PORT = 0xf4
# What makes an emulator listen on those ports.
REPORT_ARGS = ["-chardev", "stdio,id=report", "-device",
               f"isa-debugcon,iobase={DEBUG_PORT:#x},chardev=report",
               "-device", f"isa-debug-exit,iobase={EXIT_PORT:#x},iosize=4"]

MACROS = """
    .intel_syntax noprefix
    .macro put c            /* a byte to the debug port; dx and al are lost */
        mov dx, 0x402
        mov al, \\c
        out dx, al
    .endm
    .macro exit n
        mov dx, 0xf4
        mov al, \\n
        out dx, al
1:      hlt
        jmp 1b
    .endm
"""

# Where firmware enters a boot sector: segments and a stack below it. DL, the drive, is kept.
BOOT16 = """
        .code16
        .globl start
    start:
        cli
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 0x7c00
        sti
        cld
"""

# Routines of 16-bit code for the first serial port: text (SI, zero-terminated), hex (AX and a blank).
PRINT16 = """
    text:
        lodsb
        test al, al
        jz 1f
        call byte_out
        jmp text
    1:  ret

    hex:                        /* AX and a blank */
        mov cx, 4
    1:  rol ax, 4
        push ax
        and al, 15
        cmp al, 10
        sbb al, 0x69
        das
        call byte_out
        pop ax
        loop 1b
        mov al, 32
    byte_out:
        push dx
        push ax
        mov dx, 0x3fd
    1:  in al, dx
        test al, 0x20
        jz 1b
        pop ax
        mov dx, 0x3f8
        out dx, al
        pop dx
        ret
"""


# The boot vector of an option ROM: the sector behind it to 0000:7c00, as firmware does with one
# from a disk.
ROM_LOADER = """
    bev:
        cld
        push cs
        pop ds
        xor ax, ax
        mov es, ax
        mov si, offset sector
        mov di, 0x7c00
        mov cx, 256
        rep movsw
        mov dl, 0x80
        ljmp 0, 0x7c00
        .balign 16
    sector:
"""


class AsmError(Exception):
    pass


def has_assembler():
    return bool(shutil.which("as") and shutil.which("ld"))


def _run(argv):
    r = subprocess.run(argv, capture_output=True, text=True, check=False)
    if r.returncode:
        raise AsmError(f"{argv[0]}: {r.stderr}")


def assemble(source, org=0, raw=True, script=None):
    """The linked bytes of source: a flat image from address org, or (raw=False) an ELF64 file."""
    with tempfile.TemporaryDirectory(prefix="rhea-asm-") as d:
        s, o, out = f"{d}/a.s", f"{d}/a.o", f"{d}/a.out"
        with open(s, "w", encoding="ascii") as f:
            f.write(MACROS + source + "\n")
        _run(["as", "--64", "-o", o, s])
        argv = ["ld", "-m", "elf_x86_64", "-n", "--build-id=none", "-e", "start", "-o", out]
        if script:
            with open(f"{d}/a.ld", "w", encoding="ascii") as f:
                f.write(script)
            argv += ["-T", f"{d}/a.ld"]
        else:
            argv += [f"-Ttext={org:#x}"]
        _run(argv + (["--oformat=binary"] if raw else []) + [o])
        with open(out, "rb") as f:
            return f.read()


def multiboot(source):
    """A kernel that starts in 32-bit protected mode at 1 MiB (multiboot, address fields)."""
    return assemble("""
        .code32
        .globl start
    image:
        .long 0x1badb002, 0x00010003, -(0x1badb002 + 0x00010003)
        .long image, image, 0, 0, start
        .balign 16
    start:
    """ + source, 0x100000)


PVH_SCRIPT = """
ENTRY(start)
PHDRS { text PT_LOAD FLAGS(7); note PT_NOTE FLAGS(4); }
SECTIONS {
    . = 0x100000;
    .text : { *(.text) *(.data) } :text
    .note : { *(.note) } :text :note
    /DISCARD/ : { *(*) }
}
"""


def pvh(source):
    """An ELF kernel with the note that names its 32-bit entry (Xen's PHYS32_ENTRY)."""
    return assemble("""
        .section .note, "a", @note
        .long 4, 8, 18
        .asciz "Xen"
        .quad start
        .text
        .code32
        .globl start
    start:
    """ + source, raw=False, script=PVH_SCRIPT)


def bios(source, size=0x10000):
    """A firmware image; source is 16-bit code that the reset vector jumps to (f000:0000)."""
    code = assemble(".code16\n.globl start\nstart:\n" + source, 0)
    assert size == 0x10000 and len(code) <= 0xfff0
    image = bytearray(code.ljust(size, b"\xf4"))
    image[0xfff0:0xfff5] = bytes([0xea, 0x00, 0x00, 0x00, 0xf0])
    return bytes(image)


def option_rom(source):
    """An option ROM with a PnP header; its bootstrap entry vector is the label 'bev'."""
    code = assemble("""
        .code16
        .globl start
    start:
        .byte 0x55, 0xaa, 4         /* 2 KiB */
        mov ax, 0x20                /* initialisation: an IPL device is there */
        lretw
        .org 0x1a
        .word pnp
        .balign 16
    pnp:
        .ascii "$PnP"
        .byte 1, 2
        .word 0
        .byte 0, 0
        .long 0
        .word 0, product
        .byte 2, 0, 0, 0x14
        .word 0, 0, bev, 0, 0
    product:
        .asciz "test ROM"
    """ + source, 0)
    assert len(code) < 2048
    image = bytearray(code.ljust(2048, b"\0"))
    image[2047] = -sum(image) & 0xff
    return bytes(image)


def write(directory, name, data):
    path = os.path.join(directory, name)
    with open(path, "wb") as f:
        f.write(data)
    return path
