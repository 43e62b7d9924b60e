#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""build-rom.py SOURCE OUT.c SYMBOL: assembles an option ROM with GNU as, sets its checksum, and
writes it as a C array."""
import os
import subprocess
import sys
import tempfile


def main():
    source, out, symbol = sys.argv[1:]
    with tempfile.TemporaryDirectory() as d:
        subprocess.run(["as", "--32", "-o", f"{d}/rom.o", source], check=True)
        subprocess.run(["ld", "-m", "elf_i386", "-Ttext", "0", "-e", "start", "--oformat", "binary", "-o",
                        f"{d}/rom", f"{d}/rom.o"], check=True)
        with open(f"{d}/rom", "rb") as f:
            rom = bytearray(f.read())
    if len(rom) != rom[2] * 512:
        sys.exit(f"{os.path.basename(source)}: {len(rom)} bytes, but its header says {rom[2] * 512}")
    rom[-1] = -sum(rom[:-1]) & 0xff
    rows = [", ".join(f"0x{b:02x}" for b in rom[i:i + 16]) for i in range(0, len(rom), 16)]
    with open(out, "w", encoding="ascii") as f:
        f.write("/* SPDX-License-Identifier: GPL-2.0-or-later */\n"
                f"/* Generated from {os.path.basename(source)} by build-rom.py. */\n"
                "#include \"hw/machine/boot/linuxrom.h\"\n\n"
                f"const uint8_t {symbol}[{symbol.upper()}_SIZE] = {{\n    " + ",\n    ".join(rows) + ",\n};\n")


if __name__ == "__main__":
    main()
