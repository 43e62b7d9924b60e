# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs for guests without an operating system, compiled from the sources beside their tests."""
import os
import shutil
import subprocess

from guest import HERE, Skip

A64 = ("-mgeneral-regs-only", "-mstrict-align")
RAM = 0x40100000  # where `virt` has RAM, behind what it leaves there


def program(out, sources, *options, prefix="aarch64-linux-gnu", at=RAM):
    """Compiles sources (names below tests/guest) to the ELF file out, unless it is there; its code begins at `at`."""
    compiler = shutil.which(f"{prefix}-gcc")
    if not compiler:
        raise Skip(f"no {prefix}-gcc: install gcc-{prefix}")
    if not os.path.exists(out):
        subprocess.run([compiler, *options, "-O1", "-Wall", "-Wno-main", "-ffreestanding", "-fno-pic", "-no-pie", "-static",
                        "-nostdlib", "-Wl,-z,noexecstack", "-Wl,--no-warn-rwx-segments", "-Wl,--build-id=none",
                        f"-Wl,-Ttext={at:#x}", "-o", out, *(f"{HERE}/{s}" for s in sources)], check=True)
    return out
