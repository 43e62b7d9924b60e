#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""judged.py BINARY [name...]: hostile guests whose end is determined.

Each is a few lines of assembly (cases/*.s) that provoke one corner and report on the debug port.
The translator, the interpreter and Debian's QEMU get the same image; all three must print the
same and end with the same status. A first line `/* x64 ...` chooses the prelude; words after it:
  reboot    resets are allowed (otherwise -no-reboot)
  pc        judged by QEMU's board pc (isapc has RAM where the BIOS is)
  noqemu    not judged: QEMU is known to differ (the file says why) and `expect` has the output
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "guest"))
sys.path.insert(0, HERE)
import asm  # noqa: E402
from guest import Skip, run_tap, slowness  # noqa: E402
from preludes import svm64, x32, x64  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
JUDGE = shutil.which("qemu-system-x86_64")
BARE = ["-display", "none", "-nodefaults", "-m", "16"]


def run(argv, seconds):
    try:
        r = subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, check=False,
                           timeout=seconds)
    except subprocess.TimeoutExpired as e:
        raise AssertionError(f"still runs after {seconds} s: {' '.join(argv)}\n{e.stdout}") from e
    if b"Sanitizer" in r.stderr or b"runtime error" in r.stderr or r.returncode < 0 or r.returncode == 1:
        raise AssertionError(f"status {r.returncode}\n{r.stdout!r}\n{r.stderr.decode()[-6000:]}")
    return r.returncode, r.stdout


def read_case(path):
    """The source, with `include "name"` lines replaced by that file of the same folder."""
    with open(path, encoding="ascii") as f:
        text = f.read()
    return re.sub(r'^ *include "(\S+)"$', lambda m: read_case(os.path.join(os.path.dirname(path), m.group(1))), text,
                  flags=re.M)


def make_image(source):
    head = source[:source.index("*/")]
    mode = re.match(r"/\* (\w+)", head).group(1)
    if mode == "bios":
        return "-bios", asm.bios(source)
    prelude = {"x64": x64, "x32": x32, "svm": svm64}[mode]()
    return "-kernel", asm.multiboot(prelude + source)


def expectation(head):
    m = re.search(r'expect (\w+) "([^"]*)"', head)
    return (int(m.group(1), 0), m.group(2).encode().decode("unicode_escape").encode("latin1")) if m else None


def compare(name, got, want, who):
    if got != want:
        raise AssertionError(f"{name}: status {got[0]:#x}, {got[1]!r}\n{who}: status {want[0]:#x}, {want[1]!r}")


def judge(option, path, extra, machine):
    status, out = run([JUDGE, "-M", machine, "-cpu", "qemu64", *extra, option, path], 60)
    return status, out[out.rindex(b"\x01"):] if b"\x01" in out else out


def case(path):
    def test():
        if not asm.has_assembler():
            raise Skip("no assembler")
        source = read_case(path)
        head = source[:source.index("*/")]
        option, image = make_image(source)
        extra = BARE + asm.REPORT_ARGS + ([] if " reboot" in head else ["-no-reboot"])
        extra += re.findall(r"arg (\S+)", head)
        with tempfile.TemporaryDirectory(prefix="rhea-hostile-") as d:
            file = asm.write(d, "image", image)
            got = run([BINARY, *extra, option, file], 20 * SLOW)
            interp = run([BINARY, *extra, "-accel", "tcg,engine=interp", option, file], 40 * SLOW)
            compare("translator", got, interp, "interpreter")
            want = expectation(head)
            if want:
                compare("we", got, want, "expected")
            elif JUDGE:
                compare("we", got, judge(option, file, extra, "pc" if " pc:" in head else "isapc"), "Debian's QEMU")
            return f"status {got[0]:#x}, {got[1].decode('latin1')!r}"
    return test


def main():
    names = sys.argv[2:]
    files = sorted(f for f in os.listdir(f"{HERE}/cases") if f.endswith(".s"))
    files = [f for f in files if not names or f[:-2] in names]
    sys.exit(run_tap([(f[:-2], case(f"{HERE}/cases/{f}")) for f in files]))


if __name__ == "__main__":
    main()
