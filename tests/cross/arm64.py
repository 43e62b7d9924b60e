#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""arm64.py BUILD [--programs]: Rhea for arm64 hosts, made by Debian's cross compiler.

Without --programs only the rooms that know the host are compiled. With it, all is built in BUILD, and the programs start
here with qemu-user."""
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../guest")
from guest import GuestError, Skip, run_tap  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
ROOMS = r"librhea.a.p/(accel|base|core|doctor)_.*\.o"


def build(targets, options="", directory=BUILD):
    """Makes them; the directory with their libraries."""
    p = subprocess.run([f"{HERE}/build-arm64", directory, *targets], capture_output=True, text=True,
                       env={**os.environ, "MESON_OPTIONS": options})
    if p.returncode == 77:
        raise Skip(p.stdout.strip())
    if p.returncode:
        raise GuestError(f"status {p.returncode}\n{p.stdout}{p.stderr}")
    return p.stdout.strip()


def compiles():
    build([ROOMS], "-Doptimization=0 -Ddebug=false", f"{BUILD}/objects")


def links():
    build(["rhea", "rhea-img", "tests/test-tcg-cas"])


def runs(program, args, says, status=0):
    """The program ends with that status and prints that."""
    def test():
        if not shutil.which("qemu-aarch64-static"):
            raise Skip("no qemu-aarch64-static")
        root = build(["rhea", "rhea-img", "tests/test-tcg-cas"])
        p = subprocess.run(["qemu-aarch64-static", "-L", root, f"{BUILD}/tree/{program}", *args], capture_output=True,
                           text=True, timeout=300)
        if p.returncode != status or says not in p.stdout + p.stderr:
            raise GuestError(f"status {p.returncode}: {p.stdout}{p.stderr}")
    return test


def main():
    if "--programs" not in sys.argv:
        return run_tap([("the rooms that know the host compile without a warning", compiles)])
    return run_tap([
        ("everything compiles and links without a warning", links),
        ("rhea starts", runs("rhea", ["-version"], "Rhea version")),
        ("it has its boards", runs("rhea", ["-M", "help"], "q35")),
        ("KVM runs guests of the host's architecture only",
         runs("rhea", ["-accel", "kvm", "-M", "q35", "-display", "none"], "KVM runs aarch64 guests on this host, not x86_64", 1)),
        ("rhea-img starts", runs("rhea-img", ["--version"], "rhea-img version")),
        ("compare and exchange of misaligned operands", runs("tests/test-tcg-cas", [], "ok 2")),
    ])


if __name__ == "__main__":
    sys.exit(main())
