#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`rhea doctor` on made-up hosts (directories with their /proc, /sys, /dev) and on the real one.
Usage: test-doctor.py BUILD_DIR; prints TAP."""

import gzip
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../guest"))
from guest import run_tap  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
RHEA = os.path.join(BUILD, "rhea")
RELEASE = "6.1.0-28-amd64"
CASES = []


def case(fn):
    CASES.append(fn)
    return fn


def rhea(*args, **kw):
    return subprocess.run([RHEA, *args], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                          check=False, **kw)


HAVE_ACCEL = "kvm " in rhea("-accel", "help").stdout

X86 = """processor\t: {n}
vendor_id\t: {vendor}
model name\t: {model}
flags\t\t: fpu vme de pse tsc msr lm {flags}
vmx flags\t: {vmx}

"""
ARM = "processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU architecture: 8\n\n"
STATUS = "Name:\trhea\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\nGid:\t{gid}\t{gid}\t{gid}\t{gid}\nGroups:\t{groups} \n"
LIMITS = """Limit                     Soft Limit           Hard Limit           Units
Max open files            {nofile:<20} 524288               files
Max locked memory         {memlock:<20} 8388608              bytes
Max address space         {space:<20} unlimited            bytes
"""


def intel(flags="vmx ept", vmx="ept unrestricted_guest", cpus=2):
    return "".join(X86.format(n=n, vendor="GenuineIntel", model="Made-up Core", flags=flags, vmx=vmx)
                   for n in range(cpus))


def amd(flags="svm npt"):
    return X86.format(n=0, vendor="AuthenticAMD", model="Made-up Ryzen", flags=flags, vmx="")


def healthy():
    """Files of an Intel host on which everything is well, for user 1000 in group kvm, whose number is ours."""
    kvm = os.getgid() or os.getegid()
    return {
        "/proc/cpuinfo": intel(),
        "/proc/sys/kernel/osrelease": RELEASE + "\n",
        "/proc/cmdline": "BOOT_IMAGE=/vmlinuz root=/dev/sda1 quiet\n",
        "/proc/misc": "232 kvm\n 60 fuse\n",
        "/proc/meminfo": "MemTotal:       16000000 kB\nMemAvailable:   12000000 kB\n",
        "/proc/self/status": STATUS.format(uid=1000, gid=1000, groups=f"27 {kvm}"),
        "/proc/self/limits": LIMITS.format(nofile=65536, memlock="unlimited", space="unlimited"),
        "/proc/self/cgroup": "0::/user.slice\n",
        "/proc/sys/vm/overcommit_memory": "0\n",
        "/etc/passwd": "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n",
        "/etc/group": f"root:x:999999:\nkvm:x:{kvm}:ann\n",
        "/dev/kvm": ("", 0o660),
        "/sys/module/kvm/parameters/x": "1\n",
        "/sys/module/kvm_intel/parameters/nested": "Y\n",
        "/sys/module/kvm_intel/parameters/ept": "Y\n",
        "/sys/module/kvm_intel/parameters/unrestricted_guest": "Y\n",
        f"/lib/modules/{RELEASE}/modules.dep": "kernel/arch/x86/kvm/kvm-intel.ko.xz: kernel/arch/x86/kvm/kvm.ko.xz\n"
                                               "kernel/arch/x86/kvm/kvm-amd.ko.xz: kernel/arch/x86/kvm/kvm.ko.xz\n",
        "/sys/kernel/mm/transparent_hugepage/shmem_enabled": "always within_size [advise] never deny force\n",
        "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "512\n",
        "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages": "500\n",
        "/sys/kernel/mm/ksm/run": "1\n",
        "/sys/kernel/mm/ksm/pages_sharing": "77\n",
        "/sys/kernel/iommu_groups/0/type": "DMA\n",
        "/sys/devices/system/cpu/vulnerabilities/l1tf": "Not affected\n",
        "/sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
        "/sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc hpet acpi_pm\n",
    }


def without(files, *prefixes):
    return {p: v for p, v in files.items() if not p.startswith(prefixes)}


NO_DRIVER = ("/proc/misc", "/dev/kvm", "/sys/module/")


def make(top, files):
    for path, value in files.items():
        full = top + path
        os.makedirs(os.path.dirname(full), exist_ok=True)
        text, mode = value if isinstance(value, tuple) else (value, 0o644)
        if callable(text):
            text(full)
            continue
        with open(full, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(full, mode)


def sparse(offset, data):
    """A file as /dev/cpu/0/msr: data at an offset."""
    def write(path):
        with open(path, "wb") as f:
            f.seek(offset)
            f.write(data)
    return write


def examine(files, *args):
    with tempfile.TemporaryDirectory() as top:
        make(top, files)
        r = rhea("doctor", "--json", "--root", top, *args)
    assert r.stderr == "", r.stderr
    report = json.loads(r.stdout)
    found = {}
    for f in report["findings"]:
        assert f["what"] not in found, f"{f['what']} is told twice"
        assert f["status"] in ("ok", "warning", "error") and f["text"] and not f["text"].endswith("."), f
        found[f["what"]] = f
    errors = [f["what"] for f in report["findings"] if f["status"] == "error"]
    assert report["errors"] == len(errors) and report["usable"] == (not errors), report
    assert r.returncode == (1 if errors else r.returncode), (errors, r.returncode)
    assert r.returncode in (0, 1, 3)
    found["status"] = r.returncode
    found["errors"] = [e for e in errors if e != "build"]
    found["warnings"] = [f["what"] for f in report["findings"] if f["status"] == "warning"]
    return found


def expect(files, what, status, *texts, fix=""):
    """One finding of a host, and what it says."""
    f = examine(files).get(what)
    assert f, f"nothing is said of {what}"
    assert f["status"] == status, f
    for t in texts:
        assert t in f["text"], f"{f['text']!r} lacks {t!r}"
    assert fix in f.get("fix", ""), f"{f.get('fix')!r} lacks {fix!r}"


@case
def healthy_host():
    """A host without faults has no error and no warning, and the status says so."""
    f = examine(healthy())
    assert f["errors"] == [] and f["warnings"] == [], f
    assert f["status"] == (0 if HAVE_ACCEL else 1), f
    for what in ("cpu", "firmware", "module", "device", "nested", "kernel", "iommu", "hugepages", "thp", "ksm",
                 "memory", "nofile", "memlock", "clock", "mitigations"):
        assert what in f, what
    assert f["build"]["status"] == ("ok" if HAVE_ACCEL else "error")


@case
def processors():
    """VT-x and AMD-V, there, hidden, on some cores only."""
    h = healthy()
    expect(h, "cpu", "ok", "Made-up Core", "VT-x")
    a = without(h, "/sys/module/kvm_intel") | {"/proc/cpuinfo": amd(), "/sys/module/kvm_amd/parameters/nested": "1\n"}
    expect(a, "cpu", "ok", "Made-up Ryzen", "AMD-V")
    expect(a, "nested", "ok", "kvm_amd nested=1")
    bad = without(h, *NO_DRIVER) | {"/proc/cpuinfo": intel("")}
    expect(bad, "cpu", "error", "no VT-x", fix="Intel Virtualization Technology")
    expect(bad | {"/proc/cpuinfo": amd("")}, "cpu", "error", "no AMD-V", fix="SVM Mode")
    expect(bad | {"/proc/cpuinfo": intel("hypervisor")}, "cpu", "error", "virtual machine", fix="kvm_intel nested=1")
    expect(h | {"/proc/cpuinfo": intel() + intel("", cpus=1)}, "cpu", "warning", "2 of 3")
    expect(h | {"/proc/cpuinfo": intel("hypervisor"), "/sys/module/kvm_pvm/x": ""}, "cpu", "ok", "kvm_pvm")
    # vmx as part of another word is not the flag
    expect(bad | {"/proc/cpuinfo": intel("avmx vmxx")}, "cpu", "error", "no VT-x")
    expect(h | {"/proc/cpuinfo": "cpu\t\t: POWER9\n"}, "cpu", "error", "neither")
    expect(without(h, "/proc/cpuinfo"), "cpu", "error", "cannot be read", fix="mount -t proc")


@case
def paging():
    """Nested page tables missing or switched off."""
    h = healthy()
    expect(h | {"/sys/module/kvm_intel/parameters/ept": "N\n"}, "cpu-paging", "warning", "ept", fix="kvm_intel ept=1")
    expect(h | {"/proc/cpuinfo": intel(vmx="vnmi")}, "cpu-paging", "warning", "no nested page tables")
    expect(h | {"/proc/cpuinfo": amd("svm")}, "cpu-paging", "warning", "npt")
    expect(h | {"/sys/module/kvm_intel/parameters/unrestricted_guest": "N\n"}, "cpu-real-mode", "warning")


@case
def firmware():
    """What firmware switched off: by MSR, by CPUID, by the kernel's messages."""
    h = healthy()
    off = without(h, *NO_DRIVER)
    msr = "/dev/cpu/0/msr"

    def control(value):
        return {msr: (sparse(0x3A, struct.pack("<Q", value)), 0)}
    expect(h, "firmware", "ok", "VT-x")
    expect(off | control(1), "firmware", "error", "VT-x off", fix="power the machine off")
    expect(off | control(0), "firmware", "ok")       # not locked: the kernel switches it on
    expect(off | control(5), "firmware", "ok")
    expect(off | {msr: (sparse(0x10, b"12"), 0)}, "firmware", "ok")     # too short to be read
    a = off | {"/proc/cpuinfo": amd()}
    expect(a, "firmware", "warning", "without privileges", fix="modprobe msr")
    expect(a | {msr: (sparse(0xC0010114, struct.pack("<Q", 1 << 4)), 0)}, "firmware", "error", fix="SVM Mode")
    expect(a | {msr: (sparse(0xC0010114, struct.pack("<Q", 1 << 3)), 0)}, "firmware", "ok")
    expect(a | {"/dev/kmsg": "6,1,2,-;kvm: disabled by bios\n"}, "firmware", "error")
    hidden = off | {"/proc/cpuinfo": intel("")}
    assert "firmware" not in examine(hidden)
    expect(hidden | {"/var/log/dmesg": "x86/cpu: VMX (outside TXT) disabled by BIOS\n"}, "firmware", "error")
    leaf = {"/dev/cpu/0/cpuid": (sparse(1, struct.pack("<4I", 0, 0, 1 << 5, 0)), 0)}
    expect(hidden | leaf, "firmware", "error")
    expect(hidden | leaf, "cpu", "error", "the kernel may not use it")


@case
def modules():
    """Loaded, loadable, forbidden, not installed, not built."""
    h = healthy()
    off = without(h, *NO_DRIVER)
    expect(h, "module", "ok", "kvm, kvm_intel")
    expect(off, "module", "error", "not loaded", fix="sudo modprobe kvm_intel")
    expect(off | {"/proc/cpuinfo": amd()}, "module", "error", fix="sudo modprobe kvm_amd")
    root = {"/proc/self/status": STATUS.format(uid=0, gid=0, groups="")}
    assert examine(off | root)["module"]["fix"] == "modprobe kvm_intel"
    expect(off | {"/etc/modprobe.d/no-kvm.conf": "# why\nblacklist kvm-intel\n"}, "module", "error",
           "/etc/modprobe.d/no-kvm.conf", fix="/etc/modprobe.d/no-kvm.conf")
    expect(off | {"/etc/modprobe.d/a.conf": "install kvm_intel /bin/false\n"}, "module", "error", "a.conf")
    expect(off | {"/etc/modprobe.d/a.conf": "blacklist kvm_intel_x\n"}, "module", "error", "not loaded", fix="modprobe")
    expect(off | {"/proc/sys/kernel/modules_disabled": "1\n"}, "module", "error", "no more modules", fix="reboot")
    expect(without(off, "/lib/modules"), "module", "error", "not installed", fix="reboot")
    none = off | {f"/lib/modules/{RELEASE}/modules.dep": "kernel/fs/ext4.ko:\n"}
    expect(none, "module", "error", "do not have kvm_intel", fix="linux-modules-extra-" + RELEASE)
    config = "CONFIG_X86=y\n# CONFIG_KVM_INTEL is not set\n"
    expect(none | {f"/boot/config-{RELEASE}": config}, "module", "error", "built without KVM", "CONFIG_KVM_INTEL")
    expect(none | {"/proc/config.gz": gzip.compress(config.encode())}, "module", "error", "built without KVM")
    builtin = none | {f"/lib/modules/{RELEASE}/modules.builtin": "kernel/arch/x86/kvm/kvm-intel.ko\n"}
    expect(builtin, "module", "error", "nothing that it can drive", fix="dmesg")


@case
def device():
    """The node: missing, of another kind, not for us, in containers."""
    h = healthy()
    expect(h, "device", "ok", "user ann may")
    expect(without(h, "/dev/kvm"), "device", "error", "no /dev/kvm", fix="mknod -m 660 /dev/kvm c 10 232")
    expect(h | {"/dev/kvm": (os.mkdir, 0)}, "device", "error", "not a character device")
    expect(h | {"/dev/kvm": (os.mkfifo, 0)}, "device", "error", "not a character device")
    expect(without(h, "/proc/misc"), "device", "error", "no driver", fix="modprobe kvm_intel")
    alone = {"/proc/self/status": STATUS.format(uid=1000, gid=1000, groups="27")}
    expect(h | alone, "device", "error", "mode 0660", fix="newgrp kvm")
    gid = os.getgid() or os.getegid()
    expect(h | alone | {"/etc/group": f"kvm:x:{gid}:bob\n"}, "device", "error", ":kvm",
           fix="sudo usermod -aG kvm ann")
    expect(h | alone | {"/dev/kvm": ("", 0o600)}, "device", "error", "mode 0600", fix="MODE=\"0660\"")
    expect(h | alone | {"/etc/group": "root:x:54321:\n"}, "device", "error", fix="setfacl -m u:ann:rw")
    expect(h | alone | {"/dev/kvm": ("", 0o666)}, "device", "ok")
    expect(h | {"/dev/kvm": ("", 0o640)}, "device", "error")
    for marker, fix in (({"/.dockerenv": ""}, "--device /dev/kvm"), ({"/run/.containerenv": ""}, "--device /dev/kvm"),
                        ({"/run/systemd/container": "lxc\n"}, "lxc config device add"),
                        ({"/proc/self/cgroup": "0::/kubepods/pod1\n"}, "devices.kubevirt.io/kvm"),
                        ({"/run/systemd/container": "systemd-nspawn\n"}, "--bind=/dev/kvm")):
        expect(without(h, "/dev/kvm") | marker, "device", "error", "container", fix=fix)
    expect(without(h, *NO_DRIVER) | {"/.dockerenv": ""}, "module", "error", fix="on the host of this container: ")


@case
def arm():
    """64-bit Arm hosts: EL2, protected KVM, none."""
    h = {**without(healthy(), "/sys/module/"), "/proc/cpuinfo": ARM}
    assert examine(h)["errors"] == []
    expect(h, "cpu", "ok", "EL2")
    expect(h | {"/dev/kmsg": "6,1,1,-;kvm [1]: VHE mode initialized successfully\n"}, "cpu", "ok", "VHE")
    expect(h | {"/proc/cmdline": "kvm-arm.mode=protected\n"}, "cpu-mode", "warning")
    off = without(h, "/proc/misc", "/dev/kvm")
    expect(off | {"/proc/cmdline": "quiet kvm-arm.mode=none\n"}, "cpu", "error", "kvm-arm.mode=none", fix="reboot")
    expect(off | {"/dev/kmsg": "6,1,1,-;kvm [1]: HYP mode not available\n"}, "cpu", "error", "EL1")
    expect(off | {"/sys/class/dmi/id/sys_vendor": "QEMU\n"}, "cpu", "error", "virtual machine",
           fix="virtualization=on")
    expect(off | {f"/boot/config-{RELEASE}": "CONFIG_ARM64=y\n"}, "module", "error", "CONFIG_KVM")
    expect(off | {f"/boot/config-{RELEASE}": "\nCONFIG_KVM=y\n"}, "module", "ok", "did not start")
    # a 32-bit processor has no KVM any more
    expect(off | {"/proc/cpuinfo": ARM.replace(": 8", ": 7")}, "cpu", "error", "neither")


@case
def surroundings():
    """Kernel version, IOMMU, defences, clock, other hypervisors."""
    h = healthy()
    release = "/proc/sys/kernel/osrelease"
    expect(h | {release: "4.12.9\n"}, "kernel", "error", "too old")
    expect(h | {release: "4.19.0\n"}, "kernel", "warning", "5.10")
    expect(h | {release: "gnu\n"}, "kernel", "warning", "not known")
    expect(h | {release: "7.0-rc1\n"}, "kernel", "ok", "7.0-rc1")
    expect(h, "iommu", "ok", "1 groups")
    dark = without(h, "/sys/kernel/iommu_groups")
    expect(dark | {"/sys/firmware/acpi/tables/DMAR": "x"}, "iommu", "ok", "not in use", fix="intel_iommu=on")
    expect(dark, "iommu", "ok", "no IOMMU")
    bugs = "/sys/devices/system/cpu/vulnerabilities/"
    expect(h | {bugs + "mds": "Vulnerable: Clear CPU buffers attempted, no microcode\n"}, "mitigations", "warning", "mds",
           fix="microcode")
    expect(h | {bugs + "retbleed": "Vulnerable\n", "/proc/cmdline": "mitigations=off\n"}, "mitigations", "warning",
           "retbleed", fix="take mitigations=off")
    expect(h | {bugs + "itlb_multihit": "KVM: Vulnerable\n"}, "mitigations", "warning", "stop the host")
    expect(h | {bugs + "l1tf": "Mitigation: PTE Inversion; VMX: conditional cache flushes, SMT vulnerable\n"},
           "mitigations", "warning", "threads of a core")
    expect(h | {bugs + "mds": "Mitigation: Clear CPU buffers\n"}, "mitigations", "ok")
    clock = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
    expect(h | {clock: "hpet\n"}, "clock", "warning", "hpet", fix="echo tsc | sudo tee /sys/devices")
    expect(without(h, os.path.dirname(clock)) | {clock: "acpi_pm\n"}, "clock", "warning", fix="dmesg")
    expect(h | {"/sys/module/vboxdrv/x": ""}, "rivals", "warning", "VirtualBox", fix="modprobe -r vboxdrv")
    expect(h | {"/sys/hypervisor/type": "xen\n", "/sys/class/dmi/id/sys_vendor": "QEMU\n"}, "virtual", "warning", "QEMU")
    expect(h | {"/sys/module/kvm_intel/parameters/nested": "N\n"}, "nested", "ok", "cannot", fix="nested=1")


@case
def memory():
    """Huge pages, merging, limits, control groups of both versions."""
    h = healthy()
    expect(h, "hugepages", "ok", "500 of 512 pages of 2 MiB")
    expect(h | {"/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "0\n"}, "hugepages", "ok", "no huge pages",
           fix="sysctl vm.nr_hugepages")
    thp = "/sys/kernel/mm/transparent_hugepage/shmem_enabled"
    expect(h | {thp: "always within_size advise [never] deny force\n"}, "thp", "warning", "never", fix=thp)
    expect(without(h, thp), "thp", "ok", "has no transparent")
    expect(h, "ksm", "ok", "77")
    expect(h | {"/sys/kernel/mm/ksm/run": "0\n"}, "ksm", "ok", "not merged", fix="tee /sys/kernel/mm/ksm/run")
    expect(without(h, "/sys/kernel/mm/ksm"), "ksm", "ok", "cannot merge")
    expect(h | {"/proc/meminfo": "MemTotal: 4000000 kB\nMemAvailable: 1000 kB\n"}, "memory", "warning", "1000 KiB")
    expect(h | {"/proc/sys/vm/overcommit_memory": "2\n"}, "overcommit", "warning", fix="vm.overcommit_memory=0")

    def limits(**kw):
        return h | {"/proc/self/limits": LIMITS.format(**{"nofile": 65536, "memlock": "unlimited",
                                                          "space": "unlimited"} | kw)}
    expect(limits(nofile=1024), "nofile", "warning", "1024", fix="ulimit -n")
    expect(limits(memlock=8388608), "memlock", "ok", "8 MiB", fix="ulimit -l")
    expect(limits(space=1 << 30), "address-space", "warning", "1 GiB", fix="ulimit -v")
    v2 = {"/proc/self/cgroup": "0::/a/b\n"}
    expect(h | v2 | {"/sys/fs/cgroup/a/memory.max": "1073741824\n", "/sys/fs/cgroup/a/b/memory.max": "max\n"},
           "cgroup-memory", "warning", "1 GiB", fix="MemoryMax")
    expect(h | v2 | {"/sys/fs/cgroup/a/b/cpu.max": "150000 100000\n"}, "cgroup-cpu", "warning", "1.5 processors")
    assert "cgroup-cpu" not in examine(h | v2 | {"/sys/fs/cgroup/a/b/cpu.max": "max 100000\n"})
    v1 = {"/proc/self/cgroup": "4:memory:/x\n2:cpu,cpuacct:/x\n"}
    expect(h | v1 | {"/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "2147483648\n"}, "cgroup-memory", "warning",
           "2 GiB")
    assert "cgroup-memory" not in examine(
        h | v1 | {"/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "9223372036854771712\n"})
    expect(h | v1 | {"/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": "50000\n",
                     "/sys/fs/cgroup/cpu/x/cpu.cfs_period_us": "100000\n"}, "cgroup-cpu", "warning", "0.5")
    assert "cgroup-cpu" not in examine(h | v1 | {"/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": "-1\n",
                                                 "/sys/fs/cgroup/cpu/x/cpu.cfs_period_us": "100000\n"})


@case
def odd_files():
    """Any file missing, empty, binary, huge, a directory, a FIFO, a dead link: an answer, never more than 20 s."""
    h = healthy()
    assert examine({})["errors"]
    odd = {"missing": None, "empty": "", "binary": bytes(range(256)) * 64, "numbers": "9" * 40 + "\n",
           "minus": "-1\n", "directory": (os.mkdir, 0), "fifo": (os.mkfifo, 0),
           "link": (lambda p: os.symlink(p, p), 0), "format": "%s%n%d : [%s\n"}
    for path in h:
        for kind, value in odd.items():
            files = without(h, path) if value is None else h | {path: value}
            try:
                examine(files)
            except Exception as e:
                raise AssertionError(f"{path} {kind}: {e}") from e
    examine(h | {"/proc/cpuinfo": intel(cpus=20000)})
    examine(h | {"/proc/self/cgroup": "0::" + "/x" * 2000 + "\n"})
    # what files say cannot steer a terminal
    with tempfile.TemporaryDirectory() as top:
        make(top, h | {"/proc/cpuinfo": intel().replace("Core", "\x1b[2J\x07Core")})
        out = rhea("doctor", "--root", top).stdout
    assert "Core" in out and "\x1b" not in out and "\x07" not in out, out


@case
def arguments():
    """Text, quiet, strict, help, mistakes, and the name under which there is no such command."""
    with tempfile.TemporaryDirectory() as top:
        make(top, healthy())
        r = rhea("doctor", "--root=" + top)
        assert r.returncode == (0 if HAVE_ACCEL else 1) and "\nok       cpu " in "\n" + r.stdout, r.stdout
        assert ("KVM works here: 0 errors, 0 warnings" in r.stdout) == HAVE_ACCEL
        q = rhea("doctor", "-q", "--root", top)
        assert "ok  " not in q.stdout and (q.stdout == "") == HAVE_ACCEL, q.stdout
        make(top, {"/sys/module/vboxdrv/x": ""})
        assert rhea("doctor", "--root", top).returncode == (0 if HAVE_ACCEL else 1)
        assert rhea("doctor", "--strict", "--root", top).returncode == (3 if HAVE_ACCEL else 1)
        assert "VirtualBox" in rhea("doctor", "-q", "--root", top).stdout
        os.chdir(top)
        r = subprocess.run([os.path.join(BUILD, "rhea-system-x86_64"), "doctor"], capture_output=True, text=True,
                           timeout=60, check=False)
        assert r.returncode == 1 and "Could not open 'doctor'" in r.stderr, r.stderr
        os.chdir("/")
    h = rhea("doctor", "--help")
    assert h.returncode == 0 and "Exit status" in h.stdout and "doctor" in rhea("-help").stdout
    for args, text in ((["--rot", "x"], "unknown argument '--rot'"), (["--root"], "needs a directory"),
                       (["--root", "/no/such"], "not a directory"), (["x"], "unknown argument 'x'")):
        r = rhea("doctor", *args)
        assert r.returncode == 2 and r.stdout == "" and r.stderr.count("\n") == 1 and text in r.stderr, r.stderr
    with open("/dev/full", "w", encoding="ascii") as full:
        r = subprocess.run([RHEA, "doctor"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert r.returncode == 2 and "cannot write" in r.stderr, r


@case
def real_host():
    """Here: what is said of /dev/kvm is what opening it says, with privileges and without."""
    def look(prefix):
        r = subprocess.run(prefix + [RHEA, "doctor", "--json"], capture_output=True, text=True, timeout=60,
                           check=False)
        return {f["what"]: f for f in json.loads(r.stdout)["findings"]}, r.returncode
    found, status = look([])
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC))
        opens = True
    except OSError:
        opens = False
    assert (found["device"]["status"] == "ok") == opens, found["device"]
    assert ("api" in found) == opens
    assert status == (1 if any(f["status"] == "error" for f in found.values()) else 0)
    if os.getuid() == 0 and shutil.which("setpriv") and opens and not os.stat("/dev/kvm").st_mode & 6:
        found, status = look(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
        assert found["device"]["status"] == "error" and status == 1, found["device"]
        assert "may not open" in found["device"]["text"] and found["device"]["fix"]


def main():
    return run_tap([(fn.__name__, fn) for fn in CASES])


if __name__ == "__main__":
    sys.exit(main())
