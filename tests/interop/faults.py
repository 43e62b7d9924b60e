#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""faults.py RHEA_IMG [STEP]: commit, rebase, resize and snapshots of rhea-img while requests fail. TAP.

The n-th request to a file fails (EIO), or it and the three behind it (ENOSPC), for each STEP-th n until
none is reached any more. After each: the tool says so or the work is done; qemu-img's check finds nothing
but leaks, and nothing after a repair; the image shows what it showed before or what it was to become; and
the same command works when nothing fails."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

SIZE, CLUSTER = 256 << 10, 4096


class Bench:
    def __init__(self, img, d):
        self.img, self.d = img, d

    def at(self, name):
        return os.path.join(self.d, name)

    def run(self, *args, ok=(0,)):
        r = subprocess.run([self.img, *args], capture_output=True, text=True, check=False)
        if ok is not None and r.returncode not in ok:
            raise RuntimeError(f"rhea-img {' '.join(args)}: {r.returncode}: {r.stderr}")
        return r

    def faulty(self, name, nth, errno):
        return "json:" + json.dumps({"driver": "qcow2", "file": {
            "driver": "fault", "nth": nth, "errno": errno, "count": 4 if errno == "ENOSPC" else 1,
            "file": {"driver": "file", "filename": self.at(name)}}})

    def contents(self, name):
        self.run("convert", "--force", "-O", "raw", self.at(name), self.at("raw"))
        with open(self.at("raw"), "rb") as f:
            return f.read()

    def make(self):
        """other <- base <- top, and what they look like."""
        for name, byte, first in (("other", 0x11, 0), ("base", 0x22, 5), ("top", 0x33, 9)):
            raw = self.at(name + ".raw")
            data = bytearray(SIZE)
            for c in range(first, SIZE // CLUSTER, first + 2):
                data[c * CLUSTER:(c + 1) * CLUSTER] = bytes([byte]) * CLUSTER
            with open(raw, "wb") as f:
                f.write(data)
            self.run("convert", "-O", "qcow2", "-o", f"cluster_size={CLUSTER}", raw, self.at(name + ".tmp"))
        os.rename(self.at("other.tmp"), self.at("other"))
        for name, below in (("base", "other"), ("top", "base")):
            os.rename(self.at(name + ".tmp"), self.at(name))
            self.run("rebase", "-u", "-f", "qcow2", "-b", self.at(below), "-F", "qcow2", self.at(name))
        for name in ("other", "base", "top"):
            shutil.copy(self.at(name), self.at(name + ".saved"))

    def restore(self):
        for name in ("other", "base", "top"):
            shutil.copy(self.at(name + ".saved"), self.at(name))


def operations(b):
    """Name, the file that fails, the command with @ for the top image."""
    other = b.at("other")
    return (
        ("commit, top fails", "top", ("commit", "-f", "qcow2", "@")),
        ("commit, base fails", "base", ("commit", "-f", "qcow2", "@")),
        ("rebase, top fails", "top", ("rebase", "-f", "qcow2", "-b", other, "-F", "qcow2", "@")),
        ("rebase to nothing, top fails", "top", ("rebase", "-f", "qcow2", "-b", "", "@")),
        ("rebase, base fails", "base", ("rebase", "-f", "qcow2", "-b", other, "-F", "qcow2", "@")),
        ("resize", "top", ("resize", "-f", "qcow2", "@", "1M")),
        ("snapshot", "top", ("snapshot", "-c", "s", "@")),
        ("amend", "top", ("amend", "-f", "qcow2", "-o", "compat=0.10", "@")),
    )


def only_unmarked(b, name, text):
    """A snapshot operation could not be ended: the dirty bit is set, and what is wrong costs a copy at most."""
    info = json.loads(b.run("info", "-f", "qcow2", "--output=json", b.at(name)).stdout)
    errors = [line for line in text.splitlines() if line.startswith("ERROR")]
    return info["dirty-flag"] and all("OFLAG_COPIED" in e and e.endswith("refcount=1") for e in errors)


def check(b, name):
    leaks = False
    for tool in filter(None, (b.img, shutil.which("qemu-img"))):
        r = subprocess.run([tool, "check", "-f", "qcow2", b.at(name)], capture_output=True, text=True, check=False)
        leaks |= r.returncode != 0
        if r.returncode not in (0, 3) and not (r.returncode == 2 and only_unmarked(b, name, r.stdout + r.stderr)):
            return f"check of {name} with {os.path.basename(tool)}: {r.returncode} {r.stdout}{r.stderr}"
    if leaks:
        shutil.copy(b.at(name), b.at("fixed"))
        b.run("check", "-q", "-f", "qcow2", "-r", "all", b.at("fixed"), ok=None)
        b.run("check", "-q", "-f", "qcow2", b.at("fixed"))
    return None


def one(b, what, which, command, nth, errno, before):
    """(did anything fail, what is wrong)."""
    b.restore()
    args = list(command)
    if which == "base":  # its name in top leads through the fault
        b.run("rebase", "-u", "-f", "qcow2", "-b", b.faulty("base", nth, errno), "-F", "qcow2", b.at("top"))
        args = [a.replace("@", b.at("top")) for a in args]
    else:
        args = [a.replace("@", b.faulty("top", nth, errno)) for a in args]
        args = [a for i, a in enumerate(args) if not (a == "-f" or (i and args[i - 1] == "-f"))]
    r = b.run(*args, ok=None)
    if r.returncode not in (0, 1):
        return True, f"exit {r.returncode}: {r.stderr}"
    if r.returncode and not r.stderr:
        return True, "no message"
    hit = r.returncode != 0 or r.stderr
    if which == "base" and (r.returncode or what.startswith("commit")):
        b.run("rebase", "-u", "-f", "qcow2", "-b", b.at("base"), "-F", "qcow2", b.at("top"))
    for k in range(2):
        for name in ("top", "base"):
            bad = check(b, name)
            if bad:
                return hit, bad
        if b.contents("top")[:SIZE] != before:
            return hit, "the contents are different" + (" after doing it again" if k else "")
        if k == 0 and r.returncode:
            again = b.run(*(a.replace("@", b.at("top")) for a in command), ok=None)
            if again.returncode and "amend" not in what:
                return hit, f"again: {again.stderr}"
    return hit, None


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    step = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    failed = 0
    with tempfile.TemporaryDirectory(prefix="rhea-faults-") as d:
        b = Bench(os.path.abspath(sys.argv[1]), d)
        b.make()
        before = b.contents("top")
        ops = operations(b)
        print(f"1..{len(ops)}", flush=True)
        for i, (what, which, command) in enumerate(ops):
            errors, bad = 0, None
            for errno in ("EIO", "ENOSPC"):
                nth, quiet = 1, 0
                while quiet < 20 and not bad:
                    hit, bad = one(b, what, which, command, nth, errno, before)
                    bad = bad and f"{errno} at request {nth}: {bad}"
                    quiet = 0 if hit else quiet + step
                    errors += bool(hit)
                    nth += step
            failed += bad is not None or not errors
            print(f"{'not ok' if bad or not errors else 'ok'} {i + 1} - {what}")
            for line in (bad or f"{errors} errors").splitlines()[:12]:
                print(f"# {line}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
