#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""rhea-img beside qemu-img: the same images, the same answers. TAP.

Usage: rhea-img.py RHEA_IMG quick|slow

Each image of the corpus is made by one of the two programs; then info, map, check and measure of
both are compared field by field, and contents travel through convert in both directions.
Where the two cannot agree:
  info   "icount" of a snapshot that has none is left out, qemu-img prints what it finds there;
         "actual-size" is the same call of the host, but of another moment
  map    pieces may be cut elsewhere: compared after joining neighbours
  check  "image-end-offset" and fragmentation depend on where clusters were put: compared on the
         same file only, as everything here
  dd     count= is the number of blocks copied, as documented; qemu-img subtracts skip= from it
"""

import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

MIB = 1 << 20


class Tap:
    def __init__(self):
        self.n = self.bad = 0

    def case(self, name, problem=None):
        self.n += 1
        self.bad += problem is not None
        print(f"{'ok' if problem is None else 'not ok'} {self.n} {name}", flush=True)
        for line in str(problem).splitlines()[:20] if problem is not None else ():
            print(f"# {line}")

    def same(self, name, ours, theirs):
        self.case(name, None if ours == theirs else f"ours   {ours}\ntheirs {theirs}")


class Run:
    """One program: run(...) gives (status, stdout, stderr)."""

    def __init__(self, path):
        self.path = path

    def __call__(self, *args, cwd=None):
        r = subprocess.run([self.path] + [str(a) for a in args], capture_output=True, text=True,
                           cwd=cwd, timeout=120, check=False)
        return r.returncode, r.stdout, r.stderr

    def ok(self, *args, cwd=None):
        status, out, err = self(*args, cwd=cwd)
        if status:
            raise RuntimeError(f"{os.path.basename(self.path)} {' '.join(map(str, args))}: "
                               f"status {status}\n{err}")
        return out

    def json(self, *args, cwd=None):
        return json.loads(self.ok(*args, "--output=json", cwd=cwd))


class Corpus:
    """Makes images; the contents of a disk are a function of the seed alone."""

    def __init__(self, rhea, qemu, top):
        self.rhea, self.qemu, self.top = rhea, qemu, top
        self.n = 0

    def raw(self, size, seed, name=None):
        """A raw file with data, runs of zeroes inside data, and holes."""
        path = os.path.join(self.top, name or f"source{seed}-{size}.raw")
        if os.path.exists(path):
            return path
        rnd = random.Random(seed)
        with open(path, "wb") as f:
            f.truncate(size)
            for _ in range(max(2, min(size // 70000, 24))):
                at = rnd.randrange(0, max(1, size - 512)) & ~511
                n = min(rnd.choice((512, 4096, 65536, 70000 & ~511, 200000 & ~511)), size - at)
                f.seek(at)
                kind = rnd.randrange(3)
                f.write(bytes(n) if kind == 0 else bytes([rnd.randrange(1, 256)]) * n if kind == 1
                        else rnd.randbytes(n))
        return path

    def new(self, suffix="qcow2"):
        self.n += 1
        return os.path.join(self.top, f"image{self.n}.{suffix}")

    def write(self, path, seed, size, count=6):
        """Overwrites parts with qemu-io: data, zero clusters, discards."""
        rnd = random.Random(seed)
        commands = []
        for _ in range(count):
            at = rnd.randrange(0, max(1, size - 4096)) & ~4095
            n = min(rnd.choice((4096, 65536, 300000 & ~4095)), size - at)
            what = rnd.choice(("write -P %d" % rnd.randrange(1, 255), "write -P %d" % rnd.randrange(1, 255),
                               "write -z", "write -z -u", "discard"))
            commands += ["-c", f"{what} {at} {n}"]
        subprocess.run(["qemu-io", "-d", "unmap", "-f", "qcow2"] + commands + [path], check=True,
                       stdout=subprocess.DEVNULL)


# ---- what is compared ----

def strip_info(v):
    """Without what differs from moment to moment."""
    if isinstance(v, list):
        return [strip_info(x) for x in v]
    if isinstance(v, dict):
        return {k: strip_info(x) for k, x in v.items()
                if k not in ("actual-size", "icount") and not (k == "bitmaps" and not x)}
    return v


def joined(pieces):
    """map's list with neighbours that say the same joined."""
    out = []
    for p in pieces:
        p = dict(p)
        q = out[-1] if out else None
        if q and all(q.get(k) == p.get(k) for k in ("depth", "zero", "data", "present")) and \
                ("offset" in q) == ("offset" in p) and \
                ("offset" not in q or q["offset"] + q["length"] == p["offset"]):
            q["length"] += p["length"]
        else:
            out.append(p)
    return out


def differences(a, b, path=""):
    """What is different, one line each."""
    if isinstance(a, dict) and isinstance(b, dict):
        return [d for k in sorted(set(a) | set(b))
                for d in differences(a.get(k), b.get(k), f"{path}.{k}")]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [d for i, (x, y) in enumerate(zip(a, b)) for d in differences(x, y, f"{path}[{i}]")]
    return [] if a == b else [f"{path}: ours {a!r}, theirs {b!r}"]


def compare_answers(tap, rhea, qemu, name, path, human=True):
    """info, map, check of one image by both programs."""
    problems = []
    try:
        problems += differences(strip_info(rhea.json("info", "--backing-chain", path)),
                                strip_info(qemu.json("info", "--backing-chain", path)), "info")
        problems += differences(joined(rhea.json("map", path)), joined(qemu.json("map", path)), "map")
        ours, theirs = rhea("check", "--output=json", path), qemu("check", "--output=json", path)
        problems += differences(ours[0], theirs[0], "check status")
        if ours[1] or theirs[1]:
            problems += differences(json.loads(ours[1] or "{}"), json.loads(theirs[1] or "{}"), "check")
        if human:
            problems += differences(rhea("check", path)[1], qemu("check", path)[1], "check text")
            problems += differences(rhea("map", path)[:2], qemu("map", path)[:2], "map text")
            mine = [l for l in rhea.ok("info", path).splitlines() if "disk size" not in l]
            other = [l for l in qemu.ok("info", path).splitlines() if "disk size" not in l]
            if not any(l.startswith("Snapshot list") for l in other):
                problems += differences(mine, other, "info text")
    except (RuntimeError, ValueError) as e:
        problems.append(str(e))
    tap.case(name, "\n".join(problems) if problems else None)


def same_bytes(a, b):
    return subprocess.run(["cmp", "-s", a, b], check=False).returncode == 0


# ---- the corpus ----

def features():
    """Options of create, one dict each."""
    yield {}
    yield {"cluster_size": 4096}
    yield {"compat": "0.10"}
    yield {"compat": "1.1", "lazy_refcounts": "on"}
    for bits in (1, 8, 32, 64):
        yield {"refcount_bits": bits}
    for size in (512, 2 * MIB):
        yield {"cluster_size": size}
    yield {"extended_l2": "on", "cluster_size": 131072}
    yield {"compression_type": "zstd"}
    for mode in ("metadata", "falloc", "full"):
        yield {"preallocation": mode}


def text_of(options):
    return ",".join(f"{k}={v}" for k, v in options.items())


def test_formats(tap, c):
    """Every feature, made by either, filled by convert of either."""
    sizes = (3 * MIB + 512, 65536)
    for options, size in itertools.product(features(), sizes):
        source = c.raw(size, 1)
        for maker, name in ((c.rhea, "rhea"), (c.qemu, "qemu")):
            empty, full, back = c.new(), c.new(), c.new("raw")
            o = ("-o", text_of(options)) if options else ()
            label = f"{name}-img {text_of(options) or 'defaults'} {size}"
            try:
                made = maker.ok("create", "-f", "qcow2", *o, empty, size)
                if maker is c.rhea:
                    os.rename(empty, empty + ".ours")
                    tap.same(f"{label}: create's text", made,
                             c.qemu.ok("create", "-f", "qcow2", *o, empty, size))
                    os.replace(empty + ".ours", empty)
                maker.ok("convert", "-f", "raw", "-O", "qcow2", *o, source, full)
                compare_answers(tap, c.rhea, c.qemu, f"{label}: empty", empty)
                compare_answers(tap, c.rhea, c.qemu, f"{label}: full", full)
                other = c.qemu if maker is c.rhea else c.rhea
                other.ok("convert", "-O", "raw", full, back)
                tap.case(f"{label}: contents", None if same_bytes(source, back) else "differ")
                tap.same(f"{label}: compare", c.rhea("compare", source, full)[:2],
                         (0, "Images are identical.\n"))
            except RuntimeError as e:
                tap.case(label, e)


def test_one_image(tap, c):
    source, path, back = c.raw(3 * MIB + 512, 1), c.new(), c.new("raw")
    try:
        c.rhea.ok("convert", "-O", "qcow2", source, path)
        compare_answers(tap, c.rhea, c.qemu, "qcow2", path)
        c.rhea.ok("convert", path, back)
        tap.case("qcow2 and back", None if same_bytes(source, back) else "differ")
    except RuntimeError as e:
        tap.case("qcow2", e)


def test_compressed(tap, c):
    source = c.raw(3 * MIB + 512, 2)
    for kind in ("zlib", "zstd"):
        for maker, reader, name in ((c.rhea, c.qemu, "rhea"), (c.qemu, c.rhea, "qemu")):
            path, back = c.new(), c.new("raw")
            try:
                maker.ok("convert", "-c", "-O", "qcow2", "-o", f"compression_type={kind}", source, path)
                reader.ok("convert", path, back)
                tap.case(f"{name}-img convert -c {kind}", None if same_bytes(source, back) else "differ")
                compare_answers(tap, c.rhea, c.qemu, f"{name}-img convert -c {kind}: answers", path)
            except RuntimeError as e:
                tap.case(f"{name}-img convert -c {kind}", e)


def make_chain(c, maker, depth, seed):
    """[base, ..., top], written at each level."""
    size = 4 * MIB
    chain = [c.new()]
    maker.ok("convert", "-O", "qcow2", c.raw(size, seed), chain[0])
    for i in range(1, depth):
        path = c.new()
        more = MIB * i      # each larger than what is below
        maker.ok("create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", os.path.basename(chain[-1]), path,
                 size + more)
        c.write(path, seed + i, size + more)
        chain.append(path)
    return chain


def test_chains(tap, c):
    for maker, name in ((c.rhea, "rhea"), (c.qemu, "qemu")):
        for depth in (2, 3, 4):
            try:
                chain = make_chain(c, maker, depth, 10 * depth)
                compare_answers(tap, c.rhea, c.qemu, f"chain of {depth} by {name}-img", chain[-1])
                ours, theirs = c.new("raw"), c.new("raw")
                c.rhea.ok("convert", chain[-1], ours)
                c.qemu.ok("convert", chain[-1], theirs)
                tap.case(f"chain of {depth} by {name}-img: contents",
                         None if same_bytes(ours, theirs) else "differ")
                copy_on_base(tap, c, chain, theirs, f"chain of {depth} by {name}-img")
            except RuntimeError as e:
                tap.case(f"chain of {depth} by {name}-img", e)


def copy_on_base(tap, c, chain, flat, label):
    """convert -B, rebase in both modes, commit in both forms: the contents stay."""
    copy = c.new()
    c.rhea.ok("convert", "-O", "qcow2", "-B", chain[-2], "-F", "qcow2", chain[-1], copy)
    tap.same(f"{label}: convert -B", c.qemu("compare", copy, flat)[0], 0)
    c.rhea.ok("rebase", "-b", chain[0], "-F", "qcow2", copy)
    tap.same(f"{label}: rebase", c.qemu("compare", copy, flat)[0], 0)
    c.rhea.ok("rebase", "-b", "", copy)
    tap.same(f"{label}: rebase to nothing", (c.qemu("compare", copy, flat)[0], "backing-filename" in
                                             c.qemu.json("info", copy)), (0, False))
    c.rhea.ok("rebase", "-u", "-b", chain[0], "-F", "qcow2", copy)
    tap.same(f"{label}: rebase -u", c.qemu.json("info", copy)["backing-filename"], chain[0])
    if len(chain) > 2:
        status, out, err = c.rhea("commit", "-b", chain[0], chain[-1])
        tap.same(f"{label}: commit -b", (status, out, err), (0, "Image committed.\n", ""))
        tap.same(f"{label}: commit -b: the base", c.qemu("compare", chain[0], flat)[0], 0)
    else:
        c.rhea.ok("commit", chain[-1])
        tap.same(f"{label}: commit: the base", c.qemu("compare", chain[0], flat)[0], 0)
        tap.same(f"{label}: commit: the top", c.qemu("compare", chain[-1], flat)[0], 0)
        tap.same(f"{label}: commit: the top is empty",
                 c.qemu.json("check", chain[-1]).get("allocated-clusters", 0), 0)
    for path in (chain[0], copy):
        tap.same(f"{label}: {os.path.basename(path)} is good", c.qemu("check", path)[0], 0)


def test_snapshots(tap, c):
    for maker, other, name in ((c.rhea, c.qemu, "rhea"), (c.qemu, c.rhea, "qemu")):
        try:
            path, before, after = c.new(), c.raw(4 * MIB, 30), c.new("raw")
            maker.ok("convert", "-O", "qcow2", before, path)
            maker.ok("snapshot", "-c", "one", path)
            c.write(path, 31, 4 * MIB)
            maker.ok("snapshot", "-c", "second_with_a_long_name", path)
            compare_answers(tap, c.rhea, c.qemu, f"snapshots by {name}-img", path)
            other.ok("convert", "-l", "one", path, after)
            tap.case(f"snapshots by {name}-img: convert -l",
                     None if same_bytes(before, after) else "differ")
            os.unlink(after)
            other.ok("convert", "-l", "snapshot.name=one", path, after)
            tap.case(f"snapshots by {name}-img: convert -l snapshot.name=",
                     None if same_bytes(before, after) else "differ")
            other.ok("snapshot", "-a", "1", path)
            tap.same(f"snapshots by {name}-img: -a", c.qemu("compare", path, before)[0], 0)
            other.ok("snapshot", "-d", "second_with_a_long_name", path)
            other.ok("snapshot", "-d", "one", path)
            tap.same(f"snapshots by {name}-img: none left, image good",
                     (maker.ok("snapshot", "-l", path), c.qemu("check", path)[0]), ("", 0))
        except RuntimeError as e:
            tap.case(f"snapshots by {name}-img", e)


def damage(path, leak):
    """Changes refcounts behind the format's back; False if the layout is not the usual one."""
    with open(path, "r+b") as f:
        f.seek(48)
        table = int.from_bytes(f.read(8), "big")
        f.seek(table)
        block = int.from_bytes(f.read(8), "big")
        f.seek(0, os.SEEK_END)
        clusters = f.tell() // 65536
        if leak:
            f.truncate((clusters + 1) * 65536)
        at = block + 2 * (clusters if leak else clusters - 1)
        f.seek(at)
        f.write((1 if leak else 0).to_bytes(2, "big"))


def test_check(tap, c):
    """Leaks and corruption: the same counts and status, and both are content after a repair."""
    for leak in (True, False):
        for fix in ("leaks", "all"):
            label = f"check -r {fix} of {'a leak' if leak else 'a missing refcount'}"
            path = c.new()
            try:
                c.qemu.ok("convert", "-O", "qcow2", c.raw(4 * MIB, 40), path)
                damage(path, leak)
                ours, theirs = c.rhea("check", path), c.qemu("check", path)
                tap.same(f"{label}: found", ours[:2], theirs[:2])
                tap.same(f"{label}: reported", ours[2].splitlines(), theirs[2].splitlines())
                copy = c.new()
                shutil.copy(path, copy)
                ours, theirs = c.rhea("check", "-r", fix, path), c.qemu("check", "-r", fix, copy)
                # qemu-img gives up with 1 where leaks are not all that is wrong; we say what is: 2
                tap.same(f"{label}: status", ours[0], 2 if (leak, fix) == (False, "leaks") else theirs[0])
                tap.same(f"{label}: qemu-img agrees", c.qemu("check", path)[0], c.qemu("check", copy)[0])
            except (RuntimeError, OSError) as e:
                tap.case(label, e)


def test_raw(tap, c):
    source = c.raw(3 * MIB + 512, 50)
    compare_answers(tap, c.rhea, c.qemu, "raw", source)
    for options in ((), ("-S", "0"), ("-S", "64k"), ("-m", "1"), ("-W",), ("-C",), ("-t", "none"),
                    ("-T", "none"), ("-t", "writethrough"), ("-p",), ("--salvage",)):
        back = c.new("raw")
        status, _, err = c.rhea("convert", *options, source, back)
        tap.case(f"convert {' '.join(options)} raw to raw",
                 None if status == 0 and same_bytes(source, back) else err or "differ")
    two, theirs = c.new("raw"), c.new("raw")
    c.rhea.ok("convert", source, source, two)
    c.qemu.ok("convert", source, source, theirs)
    tap.case("convert of two sources", None if same_bytes(two, theirs) else "differ")
    for args in (("bs=4k", "count=3"), ("bs=1M", "skip=1"), ("bs=1M",), ("bs=512", "skip=6000"), ("skip=99999",)):
        ours, theirs = c.new("raw"), c.new("raw")
        a = c.rhea("dd", f"if={source}", f"of={ours}", *args)[0]
        b = c.qemu("dd", f"if={source}", f"of={theirs}", *args)[0]
        tap.case(f"dd {' '.join(args)}", None if a == b and same_bytes(ours, theirs) else f"{a} {b}")


def test_resize(tap, c):
    for suffix in ("raw", "qcow2"):
        path = c.new(suffix)
        c.rhea.ok("create", "-q", "-f", suffix, path, "4M")
        for args, status, size in ((["+1M"], 0, 5 * MIB), (["2M"], 1, 5 * MIB),
                                   (["--shrink", "2M"], 0, 2 * MIB), (["--shrink", "-1M"], 0, MIB),
                                   (["--shrink", "-1M"], 1, MIB), (["3x"], 1, MIB),
                                   (["--preallocation=full", "+1M"], 0, 2 * MIB),
                                   (["--preallocation=nope", "+1M"], 1, 2 * MIB)):
            got, out, _ = c.rhea("resize", "-f", suffix, *[a for a in args if a[:2] == "--"], path,
                                 args[-1])
            tap.same(f"resize {suffix} {' '.join(args)}",
                     (got, out, c.qemu.json("info", "-f", suffix, path)["virtual-size"]),
                     (status, "" if status else "Image resized.\n", size))


def test_measure(tap, c):
    images = [c.raw(3 * MIB + 512, 60)]
    for target in (["-O", "raw"], ["-O", "qcow2"], ["-O", "qcow2", "-o", "cluster_size=4k"],
                   ["-O", "qcow2", "-o", "preallocation=full"]):
        for what in [["--size", "1G"], ["--size", "0"], ["--size", "10T"]] + [["-f", "raw", i] for i in images]:
            args = ["measure"] + target + what
            tap.same(" ".join(map(os.path.basename, args)), c.rhea(*args)[:2], c.qemu(*args)[:2])


def test_errors(tap, c):
    """Status, and a word of the message that says what was wrong."""
    raw, q = c.raw(MIB, 70), c.new()
    c.qemu.ok("create", "-q", "-f", "qcow2", q, "1M")
    for args, status, word in (
            (["create", "-f", "qcow2", q, "1M"], 1, "--force"),
            (["convert", "-O", "qcow2", raw, q], 1, "--force"),
            (["create", "-f", "qcow2", q + "x"], 1, "size"),
            (["create", "-f", "qcow", q + "x", "1M"], 1, "qcow2"),
            (["create", "-f", "qcow2", "-b", q, q + "x"], 1, "-F qcow2"),
            (["create", "-f", "qcow2", "-b", q + "nope", "-F", "qcow2", q + "x"], 1, "nope"),
            (["create", "-f", "qcow2", "-o", "cluster_sise=4k", q + "x", "1M"], 1, "cluster_sise"),
            (["create", "-f", "qcow2", "-o", "cluster_size=3", q + "x", "1M"], 1, "luster"),
            (["create", "-f", "raw", "-b", q, "-F", "qcow2", q + "x", "1M"], 1, "not supported"),
            (["info", raw + "nope"], 1, "No such file"), (["info", "--output=xml", raw], 1, "json"),
            (["frob"], 1, "frob"), (["inof", raw], 1, "info"), ([], 1, "--help"),
            (["check", raw], 63, "does not support"), (["check", "-r", "some", q], 1, "leaks"),
            (["compare", raw, q], 1, None), (["compare", raw, raw + "nope"], 2, "nope"),
            (["compare", "-s", raw, raw], 0, None), (["commit", q], 1, "backing"),
            (["rebase", q], 1, "-b"), (["rebase", "-b", raw, q], 1, "format"),
            (["snapshot", "-a", "nope", q], 1, "nope"), (["snapshot", "-c", "x", "-f", "raw", raw], 1, "raw"),
            (["snapshot", "-c", "x", "-l", q], 1, "mix"),
            (["convert", "-c", raw, raw + "y"], 1, "ompress"), (["convert", raw], 1, "image"),
            (["convert", "--bitmaps", raw, raw + "y"], 1, "--bitmaps"),
            (["convert", "--object", "secret", raw, raw + "y"], 1, "--object"),
            (["convert", "-m", "17", raw, raw + "y"], 1, "16"),
            (["convert", "-S", "3", raw, raw + "y"], 1, "512"),
            (["convert", "-l", "nope", "-O", "qcow2", q, q + "y"], 1, "nope"),
            (["convert", "-t", "fast", raw, raw + "y"], 1, "writeback"),
            (["bench", "--flush-interval", "64", raw], 1, "write"),
            (["amend", "-o", "help", "-f", "raw"], 1, "amend"), (["bitmap", q], 1, "bitmap"),
            (["dd", f"if={raw}"], 1, "output"), (["dd", f"if={raw}", "of=x", "sip=1"], 1, "skip"),
            (["map", "-U", "-x", raw], 1, "-x"), (["create", "--help"], 0, None)):
        got, _, err = c.rhea(*args)
        good = got == status and (not word or word in err)
        tap.case("error: " + " ".join(map(os.path.basename, args)),
                 None if good else f"status {got}, wanted {status} and '{word}' in: {err}")
    tap.case("error: nothing was made", None if not os.path.exists(raw + "y") and
             not os.path.exists(q + "x") else "a file was left")


def test_locks(tap, c):
    """Somebody writes to it: refused with the holder's number, read with -U."""
    path = c.new()
    c.qemu.ok("create", "-q", "-f", "qcow2", path, "1M")
    holder = subprocess.Popen(["qemu-io", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        holder.stdin.write(b"read 0 512\n")
        holder.stdin.flush()
        holder.stdout.readline()
        for args in (["info", path], ["check", path], ["resize", path, "2M"],
                     ["create", "--force", "-f", "qcow2", path, "1M"]):
            status, _, err = c.rhea(*args)
            good = status == 1 and str(holder.pid) in err
            tap.case(f"lock: {args[0]}", None if good else f"{status} {err}")
        tap.same("lock: info -U", c.rhea("info", "-U", path)[0], 0)
    finally:
        holder.stdin.close()
        holder.wait()
    tap.same("lock: afterwards", c.rhea("check", path)[0], 0)


def main():
    rhea_img, speed = sys.argv[1], sys.argv[2]
    if not shutil.which("qemu-img"):
        print("1..0 # SKIP qemu-img is not installed")
        return 0
    tap = Tap()
    slow = speed == "slow"
    with tempfile.TemporaryDirectory(prefix="rhea-img-") as top:
        c = Corpus(Run(rhea_img), Run("qemu-img"), top)
        if slow:
            test_formats(tap, c)
            test_compressed(tap, c)
            test_chains(tap, c)
            test_snapshots(tap, c)
            test_check(tap, c)
            test_resize(tap, c)
            test_measure(tap, c)
        else:
            test_raw(tap, c)
            test_one_image(tap, c)
            test_errors(tap, c)
            test_locks(tap, c)
    print(f"1..{tap.n}")
    return 1 if tap.bad else 0


if __name__ == "__main__":
    sys.exit(main())
