#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""hostmem.py BINARY: memory backends, thread contexts, thread names and ids, -mem-path, -mem-prealloc, -overcommit,
as the host sees them in /proc; words and answers against Debian's QEMU."""
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guest import GuestError, Skip, run_tap, slowness  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
JUDGE = "qemu-system-x86_64"
BARE = ["-M", "q35", "-nodefaults", "-display", "none", "-accel", "tcg", "-S"]
RAM = 64 << 20
USE = ["-machine", "memory-backend=m"]
F_GET_SEALS, SEAL_SHRINK_GROW = 1034, 2 | 4


def need_judge():
    if not shutil.which(JUDGE):
        raise Skip(f"no {JUDGE}")


class Vm:
    """A stopped machine with a QMP monitor, and its files in /proc."""

    def __init__(self, program, *args):
        self.p = subprocess.Popen([program, *BARE, "-m", "64", "-qmp", "stdio", *args], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        greeting = self.p.stdout.readline()
        if "QMP" not in greeting:
            raise GuestError(f"{program} {' '.join(args)}: {greeting}{self.p.communicate()[1]}")
        self.ask("qmp_capabilities")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.p.kill()
        self.p.communicate()

    def ask(self, command, **arguments):
        self.p.stdin.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.p.stdin.flush()
        while True:
            line = self.p.stdout.readline()
            if not line:
                raise GuestError(f"{command}: no answer: {self.p.communicate()[1]}")
            answer = json.loads(line)
            if "return" in answer or "error" in answer:
                return answer.get("return", answer.get("error"))

    def quit(self):
        self.ask("quit")
        if self.p.wait(60 * SLOW) != 0:
            raise GuestError(f"status {self.p.returncode}: {self.p.stderr.read()}")

    def proc(self, name):
        with open(f"/proc/{self.p.pid}/{name}", encoding="ascii", errors="replace") as f:
            return f.read()

    def status(self, key):
        return int(re.search(rf"^{key}:\s+(\d+) kB", self.proc("status"), re.M)[1]) * 1024

    def mapping(self, name):
        """(start, end, smaps fields) of the largest mapping whose file has @name in its path."""
        best = None
        for head, body in re.findall(r"^([0-9a-f]+-[0-9a-f]+ .*)\n((?:\w+:.*\n)+)", self.proc("smaps"), re.M):
            start, end = (int(x, 16) for x in head.split()[0].split("-"))
            if name in head and (not best or end - start > best[1] - best[0]):
                best = start, end, dict(re.findall(r"^(\w+):\s+(.*)$", body, re.M))
        if not best:
            raise GuestError(f"no mapping of {name}")
        return best

    def threads(self):
        return {int(t): self.proc(f"task/{t}/comm").strip() for t in os.listdir(f"/proc/{self.p.pid}/task")}


def backend(kind, *more):
    return ["-object", ",".join([f"memory-backend-{kind},id=m,size=64M", *more])]


# ---- words ----

MISTAKES = [
    ["-object", "thread-context,id=t,cpu-affinity=0,node-affinity=0"],
    ["-object", "thread-context,id=t,cpu-affinity=1000"],
    ["-object", "thread-context,id=t,node-affinity=60"],
    backend("ram", "prealloc-threads=0"),
    backend("memfd", "hugetlb=on", "hugetlbsize=3M"),
    backend("file", "mem-path=/dev/shm/rhea-never", "align=3"),
    ["-mem-path", "/nonexistent/x/y"],
    ["-mem-path", "/dev/shm", *backend("ram"), *USE],
]


def first_error(program, args):
    r = subprocess.run([program, *BARE, "-m", "64", *args], capture_output=True, text=True, timeout=60 * SLOW,
                       stdin=subprocess.DEVNULL, check=False)
    if r.returncode != 1:
        raise GuestError(f"{program} {' '.join(args)}: status {r.returncode} {r.stderr}")
    return r.stderr.splitlines()[0]


def mistakes():
    """QEMU's words, perhaps with a hint behind."""
    need_judge()
    for args in MISTAKES:
        want, ours = first_error(JUDGE, args).split(": ", 1)[1], first_error(BINARY, args)
        if want not in ours:
            raise GuestError(f"{' '.join(args)}\n{ours}\nQEMU: {want}")
    for args, text in (([*backend("ram"), "-object", "memory-backend-ram,id=x,size=1M,prealloc-context=m"],
                        "prealloc-context"),
                       (backend("ram", "host-nodes=0-", "policy=bind"), "'0-' is no number"),
                       (backend("file", "mem-path=/dev/shm/rhea-never", "align=12K"), "power of two"),
                       (["-overcommit", "mem-lok=on"], "mem-lock"),
                       (["-mem-path", "/dev/shm", *backend("ram"), "-numa", "node,memdev=m"], "-numa memdev")):
        if text not in (ours := first_error(BINARY, args)):
            raise GuestError(f"{' '.join(args)}: {ours}")
    if os.path.exists("/dev/shm/rhea-never"):
        raise GuestError("a mistake left a file")


QOM = [("qom-get", {"path": "/objects/t", "property": "cpu-affinity"}),
       ("qom-get", {"path": "/objects/t", "property": "thread-id"}),
       ("qom-get", {"path": "t", "property": "node-affinity"}),
       ("qom-set", {"path": "/objects/t", "property": "cpu-affinity", "value": [0]}),
       ("qom-get", {"path": "t", "property": "cpu-affinity"}),
       ("qom-set", {"path": "/objects/t", "property": "node-affinity", "value": [0]}),
       ("qom-set", {"path": "/objects/t", "property": "cpu-affinity", "value": [1000]}),
       ("qom-set", {"path": "/objects/t", "property": "thread-id", "value": 1}),
       ("qom-get", {"path": "/objects/m", "property": "size"}),
       ("qom-get", {"path": "/objects/m", "property": "share"}),
       ("qom-get", {"path": "/objects/m", "property": "host-nodes"}),
       ("qom-get", {"path": "/objects/m", "property": "policy"}),
       ("qom-get", {"path": "/objects/m", "property": "prealloc-context"}),
       ("qom-get", {"path": "/objects/m", "property": "prealloc-threads"}),
       ("qom-get", {"path": "/objects/m", "property": "nope"}),
       ("qom-set", {"path": "/objects/m", "property": "nope", "value": 1}),
       ("qom-get", {"path": "/objects/no", "property": "size"}),
       ("qom-get", {"path": "/objects/m", "property": "type"}),
       ("query-memdev", {})]


def qom():
    """qom-get, qom-set, query-memdev: QEMU's answers."""
    need_judge()
    args = ["-object", "thread-context,id=t,cpu-affinity=0", *backend("ram", "prealloc=on", "prealloc-threads=2",
            "prealloc-context=t", "policy=bind", "host-nodes=0", "host-nodes=54-55"), *USE]
    with Vm(BINARY, *args) as ours, Vm(JUDGE, *args) as theirs:
        for command, arguments in QOM:
            a, b = ours.ask(command, **arguments), theirs.ask(command, **arguments)
            if arguments.get("property") == "thread-id" and command == "qom-get":
                if ours.threads().get(a) != "TC t":
                    raise GuestError(f"thread-id {a}: {ours.threads()}")
                continue
            if isinstance(a, dict) and "desc" in a:
                a["desc"] = a["desc"].split("; ")[0]    # without the hint
                b["desc"] = b["desc"].strip()
            if a != b:
                raise GuestError(f"{command} {arguments}: {a}\nQEMU: {b}")
        if "in use" not in ours.ask("object-del", id="t").get("desc", ""):
            raise GuestError("a thread context that a backend names goes")
        names = {n["name"] for n in ours.ask("qom-list", path="/objects")}
        if not {"m", "t"} <= names or not {"thread-id", "cpu-affinity"} <= {
                n["name"] for n in ours.ask("qom-list", path="t")}:
            raise GuestError(f"qom-list: {names}")
    return f"{len(QOM)} questions"


# ---- threads ----

def threads():
    """Names of threads, and the ids that QMP tells, are the kernel's; QEMU's are the same."""
    args = ["-smp", "2", "-name", "x,debug-threads=on", "-object", "iothread,id=io1", "-object",
            "thread-context,id=t,cpu-affinity=0"]
    for program in (BINARY, JUDGE):
        if not shutil.which(program):
            continue
        with Vm(program, *args) as vm:
            seen = vm.threads()
            told = {c["thread-id"]: f"CPU {c['cpu-index']}/TCG" for c in vm.ask("query-cpus-fast")}
            told |= {t["thread-id"]: f"IO {t['id']}" for t in vm.ask("query-iothreads")}
            tc = vm.ask("qom-get", path="/objects/t", property="thread-id")
            told[tc] = "TC t"
            if len(told) != 4 or any(seen.get(t) != n for t, n in told.items()):
                raise GuestError(f"{program}: told {told}, there are {seen}")
            where = re.search(r"Cpus_allowed_list:\s+(\S+)", vm.proc(f"task/{tc}/status"))[1]
            if where != "0":
                raise GuestError(f"{program}: cpu-affinity=0 is {where}")


# ---- memory ----

def taken(vm):
    return vm.status("RssShmem") + vm.status("RssFile") + vm.status("RssAnon")


def prealloc():
    """prealloc=on, by any number of threads, takes all memory at once; without, none."""
    with Vm(BINARY, *backend("ram"), *USE) as vm:
        base = taken(vm)
    if base > RAM:
        raise GuestError(f"{base} bytes without prealloc")
    tc = ["-object", "thread-context,id=t,cpu-affinity=0"]
    for args in (["-mem-prealloc"], [*backend("ram"), *USE, "-mem-prealloc"], [*backend("memfd", "prealloc=on"), *USE],
                 [*backend("ram", "prealloc=on", "prealloc-threads=3"), *USE],
                 [*tc, *backend("memfd", "prealloc=on", "prealloc-threads=7", "prealloc-context=t"), *USE],
                 [*backend("ram", "prealloc=on", "prealloc-context=t"), *tc, *USE]):
        with Vm(BINARY, *args) as vm:
            if taken(vm) < base + RAM * 9 // 10:
                raise GuestError(f"{' '.join(args)}: {taken(vm)} bytes, {base} without")
            vm.quit()
    with Vm(BINARY, *backend("ram", "prealloc=off"), *USE, "-mem-prealloc") as vm:
        if taken(vm) > base + RAM // 2:
            raise GuestError("-mem-prealloc overrules prealloc=off")


def in_files():
    """-mem-path: a file without a name in a directory, or a file; discard-data; align."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as d:
        with Vm(BINARY, "-mem-path", d, "-mem-prealloc") as vm:
            start, end, _ = vm.mapping(d)
            if end - start != RAM or os.listdir(d):
                raise GuestError(f"{end - start} bytes mapped; the directory has {os.listdir(d)}")
            vm.quit()
        path = f"{d}/file"
        for more, kept in (("discard-data=off", True), ("discard-data=on", False)):
            with open(path, "wb") as f:
                f.write(b"\xff" * (1 << 20))
                f.truncate(RAM)
            with Vm(BINARY, *backend("file", f"mem-path={path}", "share=on", "align=1G", more), *USE) as vm:
                start = vm.mapping(path)[0]
                if start % (1 << 30):
                    raise GuestError(f"align=1G: mapped at {start:#x}")
                vm.quit()
            with open(path, "rb") as f:
                if (b"\xff" in f.read()) != kept:
                    raise GuestError(f"{more}: wrong contents")


def flags():
    """merge and dump reach the mapping (smaps: mg mergeable, dd not dumped); memfd is sealed."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as d:
        for merge, dump in (("on", "off"), ("off", "on")):
            with Vm(BINARY, *backend("file", f"mem-path={d}/f", f"merge={merge}", f"dump={dump}"), *USE) as vm:
                have = vm.mapping(f"{d}/f")[2]["VmFlags"].split()
                if ("mg" in have) != (merge == "on" and os.path.exists("/sys/kernel/mm/ksm")) or \
                        ("dd" in have) != (dump == "off"):
                    raise GuestError(f"merge={merge},dump={dump}: {have}")
    for more, want in (("seal=on", SEAL_SHRINK_GROW), ("seal=off", 0)):
        with Vm(BINARY, *backend("memfd", more), *USE) as vm:
            fds = [n for n in os.listdir(f"/proc/{vm.p.pid}/fd")
                   if "memfd:m " in os.readlink(f"/proc/{vm.p.pid}/fd/{n}")]
            with open(f"/proc/{vm.p.pid}/fd/{fds[0]}", "rb") as f:
                got = fcntl.fcntl(f, F_GET_SEALS)
        if got & SEAL_SHRINK_GROW != want:
            raise GuestError(f"{more}: seals {got:#x}")


def huge_pages():
    """hugetlb=on: memory of huge pages, or how many are missing and the command that gives them."""
    pool = "/sys/kernel/mm/hugepages/hugepages-2048kB"
    if not os.path.exists(pool):
        raise Skip("no pool of 2 MiB pages")
    left = []
    for name in ("nr_hugepages", "free_hugepages", "resv_hugepages"):
        with open(f"{pool}/{name}", encoding="ascii") as f:
            left.append(int(f.read()))
    args = [*backend("memfd", "hugetlb=on", "hugetlbsize=2M"), *USE]
    if left[1] - left[2] >= RAM >> 21:
        with Vm(BINARY, *args) as vm:
            fields = vm.mapping("memfd:m")[2]
            if fields["KernelPageSize"] != "2048 kB":
                raise GuestError(str(fields))
            vm.quit()
        return "in huge pages"
    error, need = first_error(BINARY, args), (RAM >> 21) - (left[1] - left[2])
    if "32 huge pages are needed" not in error or f"echo {left[0] + need} > {pool}/nr_hugepages" not in error:
        raise GuestError(error)
    error = first_error(BINARY, ["-object", "memory-backend-memfd,id=m,size=3M,hugetlb=on"])
    if "multiple" not in error:
        raise GuestError(error)
    return "none here: the error tells how many"


def locked():
    """-overcommit mem-lock=on locks everything, or says which limit forbids it."""
    with Vm(BINARY) as vm:
        if vm.status("VmLck"):
            raise GuestError("memory is locked without being asked")
        if vm.status("VmSize") > 1 << 40:
            raise Skip("the sanitizer's run time ignores mlockall")
    error = subprocess.run(["prlimit", "--memlock=65536:65536", "setpriv", "--reuid=65534", "--clear-groups", BINARY,
                            *BARE, "-overcommit", "mem-lock=on"], capture_output=True, text=True, check=False,
                           timeout=60 * SLOW, stdin=subprocess.DEVNULL) if os.getuid() == 0 else None
    if error and (error.returncode != 1 or "ulimit -l" not in error.stderr):
        raise GuestError(f"{error.returncode} {error.stderr}")
    if os.getuid():
        raise Skip("not root: memory cannot be locked")
    with Vm(BINARY, "-overcommit", "mem-lock=on") as vm:
        if vm.status("VmLck") < RAM or taken(vm) < RAM:
            raise GuestError(f"{vm.status('VmLck')} bytes are locked")
        vm.quit()


if __name__ == "__main__":
    sys.exit(run_tap([("mistakes: QEMU's words", mistakes), ("qom-get, qom-set: QEMU's answers", qom),
                      ("names and ids of threads", threads), ("prealloc", prealloc), ("memory in files", in_files),
                      ("merge, dump, seal", flags), ("huge pages", huge_pages), ("locked memory", locked)]))
