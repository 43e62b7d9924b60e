#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""numa.py BINARY: -numa, -object memory-backend-*, -smp's topology: what Linux, the monitor and the
mistakes' messages say, here and in Debian's QEMU."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guest import HERE, Guest, GuestError, Skip, fetch, run_tap, slowness  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
JUDGE = "qemu-system-x86_64"
TMP = tempfile.mkdtemp(prefix="rhea-numa-")
INITRD = f"{TMP}/initrd.gz"
BARE = ["-nodefaults", "-display", "none", "-no-reboot", "-accel", "tcg"]

SHOW = ("cd /sys/devices/system/cpu; for c in cpu[0-9]*; do echo $c; cat $c/topology/physical_package_id "
        "$c/topology/die_id $c/topology/core_id $c/topology/thread_siblings_list $c/topology/core_siblings_list; "
        "for i in $c/cache/index*; do echo $(cat $i/level $i/type $i/size $i/shared_cpu_list); done; done; "
        "cd ../node; for n in node*; do echo $n $(cat $n/cpulist) : $(cat $n/distance); "
        "grep -E 'MemTotal' $n/meminfo; done")


def backends(*sizes):
    argv = []
    for n, size in enumerate(sizes):
        argv += ["-object", f"memory-backend-ram,id=m{n},size={size}M"]
    return argv


def nodes(*more):
    argv = []
    for n, text in enumerate(more):
        argv += ["-numa", f"node,memdev=m{n}{text}"]
    return argv


def need_judge():
    if not shutil.which(JUDGE):
        raise Skip(f"no {JUDGE}")


def linux(program, machine, args):
    """What SHOW prints, as lines; sizes of memory to the nearest 16 MiB (the kernel is not the same size).

    nokaslr: the kernel (32 MiB) lies in node 0, not in either by chance.
    """
    argv = [program, "-M", machine, *BARE, "-serial", "stdio", "-kernel", fetch("kernel"), "-initrd", INITRD,
            *args, "-append", f'console=ttyS0 quiet nokaslr no_timer_check rhea.cmd="echo BEGIN; {SHOW}; echo END"']
    with Guest(argv) as g:
        g.expect("RHEA-GUEST-READY", 240 * SLOW)
        m = g.expect(rb"BEGIN\r?\n((?s:.*?))END\r?\n", 120 * SLOW)
        if g.wait(60 * SLOW) != 0:
            raise GuestError("no clean end:\n" + g.tail())
    text = m.group(1).decode("latin1").replace("\r", "")
    return re.sub(r"(\d+) kB", lambda k: f"{(int(k[1]) + 8192) // 16384 * 16} MB", text).splitlines()


def in_linux(machine, args, smt_differs=False):
    def test():
        need_judge()
        ours, theirs = linux(BINARY, machine, args), linux(JUDGE, machine, args)
        for a, b in zip(ours, theirs):
            # Threads share the first level, as on processors; QEMU 7.2 gives each its own.
            if a != b and not (smt_differs and re.match(r"1 \w+ 32K", a) and a.split()[:3] == b.split()[:3]):
                raise GuestError(f"'{a}', QEMU '{b}'\n" + "\n".join(ours))
        if len(ours) != len(theirs):
            raise GuestError("\n".join(ours) + "\nQEMU:\n" + "\n".join(theirs))
        return next((n for n in ours if n.startswith("node0")), "")
    return test


def qmp(program, args, *commands):
    lines = [{"execute": "qmp_capabilities"}, *commands, {"execute": "quit"}]
    r = subprocess.run([program, "-M", "q35", *BARE, "-S", "-qmp", "stdio", *args], text=True, check=False,
                       input="".join(json.dumps(n) + "\n" for n in lines), capture_output=True,
                       timeout=60 * SLOW)
    answers = [json.loads(n) for n in r.stdout.splitlines()]
    answers = [n for n in answers if "return" in n or "error" in n]
    if len(answers) != len(lines):
        raise GuestError(f"{program}: {r.stdout}{r.stderr}")
    return [n.get("return", n.get("error")) for n in answers[1:-1]]


def normal(answer):
    """Without the order of a list, and the line ends of the human monitor."""
    if isinstance(answer, str):
        return answer.replace("\r", "")
    return sorted(answer, key=lambda k: json.dumps(k, sort_keys=True))


def monitor():
    """query-memdev, query-hotpluggable-cpus, query-cpus-fast, info numa."""
    need_judge()
    hmp = {"execute": "human-monitor-command", "arguments": {"command-line": "info numa"}}
    ask = [{"execute": n} for n in ("query-memdev", "query-hotpluggable-cpus", "query-cpus-fast")] + [hmp]
    for args in (["-m", "96", "-smp", "6,sockets=3,cores=1,threads=2", *backends(64, 32),
                  *nodes(",cpus=0-1,cpus=4", ",cpus=2-3,cpus=5"), "-numa", "dist,src=0,dst=1,val=33"],
                 ["-m", "64", "-smp", "2,maxcpus=8,sockets=2,dies=2,cores=2", "-object",
                  "memory-backend-ram,id=x,size=64M,share=on,prealloc=on,merge=off,dump=off,policy=bind,host-nodes=0",
                  "-machine", "memory-backend=x"],
                 ["-m", "64", "-smp", "4,sockets=2,cores=2", *backends(64), *nodes(""), "-numa", "node"]):
        ours, theirs = qmp(BINARY, args, *ask), qmp(JUDGE, args, *ask)
        for name, a, b in zip(ask, ours, theirs):
            for one in (*a, *b) if isinstance(a, list) else ():
                for key in ("reserve", "thread-id", "qom-path"):
                    one.pop(key, None)
            a, b = normal(a), normal(b)
            if a != b:
                raise GuestError(f"{' '.join(args)}\n{name['execute']}: {a}\nQEMU: {b}")


TWO = ["-m", "64", "-smp", "4,sockets=2,cores=2", *backends(32, 32)]
MISTAKES = [
    ["-m", "64", "-numa", "node,mem=64M"],
    ["-m", "64", "-numa", "node"],
    ["-m", "64", *backends(32), *nodes("")],
    [*TWO, *nodes(",cpus=0-1", ",cpus=2-4")],
    [*TWO, *nodes(",cpus=0-1", ",cpus=1-2")],
    [*TWO, *nodes(",nodeid=1", ",nodeid=1")],
    [*TWO, *nodes(",nodeid=0", ",nodeid=2")],
    [*TWO, *nodes(",nodeid=200", "")],
    [*TWO, "-numa", "node,memdev=m0", "-numa", "node,memdev=m0"],
    [*TWO, *nodes("", ""), "-numa", "dist,src=0,dst=1,val=5"],
    [*TWO, *nodes("", ""), "-numa", "dist,src=0,dst=0,val=20"],
    [*TWO, *nodes("", ""), "-numa", "dist,src=0,dst=3,val=20"],
    [*TWO, *nodes("", ""), "-numa", "node", "-numa", "dist,src=0,dst=1,val=20"],
    [*TWO, *nodes("", ""), "-numa", "cpu,node-id=1,socket-id=5"],
    [*TWO, *nodes("", ""), "-numa", "cpu,node-id=0,socket-id=0", "-numa", "cpu,node-id=1,socket-id=0"],
    [*TWO, *nodes("", ""), "-numa", "cpu,node-id=3,socket-id=0"],
    [*TWO, *nodes("", ""), "-numa", "cpu,socket-id=0"],
    [*TWO, "-numa", "foo"],
    [*TWO, "-machine", "memory-backend=m0"],
    [*TWO, "-machine", "memory-backend=zz"],
    ["-object", "memory-backend-ram,id=m0,size=0"],
    ["-object", "memory-backend-file,id=m0,size=1M"],
    ["-object", "memory-backend-file,id=m0,size=1M,mem-path=/nonexistent/x"],
    ["-object", "memory-backend-ram,id=m0,size=1M,policy=bind"],
    ["-object", "memory-backend-ram,id=m0,size=1M,host-nodes=0"],
    ["-object", "memory-backend-ram,id=m0,size=1M,host-nodes=7,policy=bind"],
]


def mistakes():
    need_judge()
    for args in MISTAKES:
        texts = []
        for program in (JUDGE, BINARY):
            r = subprocess.run([program, "-M", "q35", *BARE, "-S", *args], capture_output=True, text=True,
                               timeout=60 * SLOW, stdin=subprocess.DEVNULL, check=False)
            if r.returncode != 1:
                raise GuestError(f"{program} {' '.join(args)}: status {r.returncode}")
            texts.append(r.stderr)
        # The last sentence of QEMU's first line; ours has it, perhaps with a hint behind.
        want = texts[0].splitlines()[0].split(": ", 1)[1]
        if want.startswith("-"):
            want = want.split(": ", 1)[1]
        if want.rstrip(".") not in texts[1]:
            raise GuestError(f"{' '.join(args)}\n{texts[1]}QEMU: {texts[0]}")
    return f"{len(MISTAKES)} mistakes"


def file_backend():
    """What the guest stores is in the file with share=on, and nowhere else without."""
    fetch("kernel")
    for share, path in (("on", f"{TMP}/shared"), ("off", f"{TMP}/private")):
        with open(path, "wb") as f:
            f.truncate(128 << 20)
        argv = [BINARY, "-M", "pc", *BARE, "-m", "128", "-object",
                f"memory-backend-file,id=f,size=128M,mem-path={path},share={share}", "-machine", "memory-backend=f",
                "-serial", "stdio", "-kernel", fetch("kernel"), "-initrd", INITRD, "-append",
                'console=ttyS0 quiet rhea.cmd="echo DONE-$((6 * 7))"']
        with Guest(argv) as g:
            g.expect("DONE-42", 240 * SLOW)
            if g.wait(60 * SLOW) != 0:
                raise GuestError("no clean end:\n" + g.tail())
        with open(path, "rb") as f:
            written = b"Linux version" in f.read()
        if written != (share == "on"):
            raise GuestError(f"share={share}: the file has {'' if written else 'not '}what the guest wrote")


def main():
    if not os.access("/bin/busybox", os.X_OK):
        print("1..0 # SKIP no busybox-static")
        return 0
    subprocess.run([f"{HERE}/mkinitrd", INITRD], check=True)
    two_nodes = ["-m", "512", *backends(128, 384)]
    return run_tap([
        ("mistakes: QEMU's words", mistakes),
        ("monitor: memdev, cpus, numa", monitor),
        ("linux, pc: two nodes, distances", in_linux("pc", [
            "-smp", "4", *two_nodes, *nodes(",cpus=0,cpus=3", ",cpus=1-2"), "-numa", "dist,src=0,dst=1,val=31"])),
        ("linux, q35: threads, three cores, nodes by socket", in_linux("q35", [
            "-cpu", "Nehalem", "-smp", "12,sockets=2,cores=3,threads=2", *two_nodes, *nodes("", ""),
            "-numa", "cpu,node-id=0,socket-id=1", "-numa", "cpu,node-id=1,socket-id=0"], True)),
        ("linux, q35: 4 GiB hole", in_linux("q35", [
            "-m", "4G", "-smp", "2", *backends(3072, 1024), *nodes("", ",cpus=0-1")])),
        ("memory in a file", file_backend),
    ])


if __name__ == "__main__":
    try:
        sys.exit(main())
    finally:
        shutil.rmtree(TMP, ignore_errors=True)
