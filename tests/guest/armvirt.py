#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""armvirt.py BINARY: the board "virt" as its guests find it.

Its device tree has the nodes, properties and values of Debian's QEMU; UEFI comes to its shell, keeps variables in flash, and
starts GRUB from a disk, and that a kernel; Debian's installer asks its first question.

BINARY may be qemu-system-aarch64, which tests the test."""
import base64
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fdt import properties  # noqa: E402
import bare  # noqa: E402
from guest import Guest, Skip, fetch, run_tap, slowness  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
BINARY = sys.argv[1]
SLOW = 4 * slowness(shutil.which(BINARY) or BINARY)  # the host may be busy
JUDGE = "qemu-system-aarch64"
UEFI = "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd"
AAVMF = "/usr/share/AAVMF/AAVMF_%s.fd"
INSTALLER = "/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64/"
CPU = ["-cpu", "cortex-a72"]

# ---- the device tree ----

TREES = [
    [],
    ["-smp", "3"],
    ["-cpu", "cortex-a57"],
    ["-cpu", "cortex-a57", "-smp", "4", "-m", "1G"],
    ["-cpu", "cortex-a57", "-smp", "8,sockets=2,cores=2,threads=2"],
    ["-cpu", "max", "-smp", "20", "-M", "virt,gic-version=3"],
    ["-cpu", "cortex-a72", "-M", "virt,virtualization=on"],
    ["-cpu", "cortex-a72", "-M", "virt,secure=on"],
    ["-cpu", "cortex-a72", "-smp", "2", "-M", "virt,secure=on,virtualization=on,gic-version=3"],
    ["-cpu", "cortex-a53", "-M", "virt,highmem=off"],
    ["-cpu", "cortex-a53", "-m", "3G", "-M", "virt,highmem=off,gic-version=3,its=off"],
    ["-cpu", "neoverse-n1", "-smp", "2", "-M", "virt,gic-version=max", "-m", "600M"],
    ["-cpu", "cortex-a72", "-smp", "4", "-m", "512M", "-object", "memory-backend-ram,id=a,size=256M",
     "-object", "memory-backend-ram,id=b,size=256M", "-numa", "node,memdev=a,cpus=0-1", "-numa", "node,memdev=b,cpus=2-3",
     "-numa", "dist,src=0,dst=1,val=30"],
]
SEEDS = ("kaslr-seed", "rng-seed")


def tree_of(binary, args, directory):
    path = os.path.join(directory, os.path.basename(binary) + ".dtb")
    r = subprocess.run([binary, "-M", f"virt,dumpdtb={path}", *args, "-display", "none", "-nodefaults"], check=False,
                       capture_output=True, text=True, timeout=120)
    if "is not implemented" in r.stderr:
        raise Skip(r.stderr.strip())
    if r.returncode or not os.path.exists(path):
        raise AssertionError(f"{binary}: no tree: {r.stderr}")
    with open(path, "rb") as f:
        return properties(f.read())


def has_pmu():
    """Processors without a PMU have no such property, and machines no such node."""
    r = subprocess.run([BINARY, "-M", "virt", "-cpu", "cortex-a57,pmu=on", "-S", "-display",
                        "none", "-nodefaults", "-pidfile", "/no/such/directory/pid"], check=False, capture_output=True,
                       text=True, timeout=120)
    return "pmu" not in r.stderr


def differences(ours, theirs):
    for path in sorted(set(ours) | set(theirs)):
        if path not in ours or path not in theirs:
            yield f"{path}: only {'QEMU' if path in theirs else 'Rhea'} has it"
            continue
        for name in sorted(set(ours[path]) | set(theirs[path])):
            a, b = ours[path].get(name), theirs[path].get(name)
            if name in SEEDS and a and b and len(a) == len(b) and any(a):
                continue
            if a != b:
                yield f"{path}: {name} is {a!r}, QEMU's {b!r}"


def tree(args):
    def test():
        if not shutil.which(JUDGE):
            raise Skip(f"no {JUDGE} to compare with")
        with tempfile.TemporaryDirectory(prefix="rhea-virt-") as tmp:
            ours, theirs = tree_of(BINARY, args, tmp), tree_of(JUDGE, args, tmp)
        note = ""
        if not has_pmu() and theirs.pop("/pmu", None) is not None:
            note = "without /pmu: the processors have no PMU yet"
        wrong = list(differences(ours, theirs))
        if wrong:
            raise AssertionError("\n".join(wrong[:20]))
        return note
    return test


# ---- UEFI ----

def uefi(*more):
    if not os.path.exists(UEFI):
        raise Skip("install qemu-efi-aarch64")
    return Guest([BINARY, "-M", "virt", *CPU, "-m", "512", "-nographic", "-no-reboot", *more])


def to_shell(g):
    g.expect("UEFI Interactive Shell", 60 * SLOW)
    g.expect("any other key to continue", 30 * SLOW)
    g.send("\r")
    g.expect("Shell> ", 30 * SLOW)


def uefi_shell():
    with uefi("-bios", UEFI) as g:
        to_shell(g)
        g.send("pci\r")
        g.expect("Vendor 1B36 Device 0008", 30 * SLOW)
        g.send("reset -s\r")
        if g.wait(30 * SLOW):
            raise AssertionError("the shell's 'reset -s' does not end the machine orderly")


def flashes(tmp):
    args = []
    for name in ("CODE", "VARS"):
        shutil.copy(AAVMF % name, tmp)
        args += ["-drive", f"if=pflash,format=raw,file={tmp}/AAVMF_{name}.fd" + (",readonly=on" if name == "CODE" else "")]
    return args


GUID = "6a1ec2f5-0000-4000-8000-000000000001"


def uefi_variables():
    """What one run writes to the second flash, another finds there."""
    if not os.path.exists(AAVMF % "CODE"):
        raise Skip("install qemu-efi-aarch64")
    with tempfile.TemporaryDirectory(prefix="rhea-virt-") as tmp:
        args = flashes(tmp)
        with uefi(*args) as g:
            to_shell(g)
            g.send(f"setvar rhea -guid {GUID} -nv -bs =0x5a17\r")
            g.expect("Shell> ", 30 * SLOW)
            g.send("reset -s\r")
            g.wait(30 * SLOW)
        with uefi(*args) as g:
            to_shell(g)
            g.send(f"setvar rhea -guid {GUID}\r")
            g.expect(r"17 5A|5A 17", 30 * SLOW)


GRUB_CFG = """
serial
set timeout=0
menuentry "one" {
    echo "GRUB reads its menu"
    linux /Image console=ttyAMA0
    initrd /initrd
}
"""


def esp(image, tmp):
    """A disk that is one FAT file system with GRUB, a kernel and an initrd."""
    busybox, initrd, cfg = fetch("busybox-arm64"), f"{tmp}/initrd", f"{tmp}/grub.cfg"
    subprocess.run([f"{HERE}/mkinitrd", initrd], check=True, env={**os.environ, "BUSYBOX": busybox})
    with open(cfg, "w", encoding="ascii") as f:
        f.write(GRUB_CFG)
    with open(image, "wb") as f:
        f.truncate(96 << 20)
    subprocess.run(["mformat", "-i", image, "-F", "::"], check=True)
    for d in ("EFI", "EFI/BOOT", "EFI/debian"):
        subprocess.run(["mmd", "-i", image, f"::{d}"], check=True)
    for file, to in ((fetch("grub-arm64"), "EFI/BOOT/BOOTAA64.EFI"), (cfg, "EFI/debian/grub.cfg"),
                     (fetch("kernel-arm64"), "Image"), (initrd, "initrd")):
        subprocess.run(["mcopy", "-i", image, file, f"::{to}"], check=True)


def power_button(g, event):
    """The monitor presses it, the interrupt's handler counts."""
    count = f"grep -c . /proc/interrupts; grep '{event}' /proc/interrupts | tr -s ' ' | cut -d' ' -f3\n"
    g.send(count)
    g.expect(r"\n0\r", 30 * SLOW)
    g.send("\x01c")
    g.expect(r"\(\w+\) ", 30 * SLOW)
    g.send("system_powerdown\n\x01c")
    g.expect("system_powerdown", 30 * SLOW)
    g.send("sleep 1\n" + count)
    g.expect(r"\n[12]\r", 30 * SLOW)


def uefi_grub(*more, tables="ACPI: RSDP", event="ACPI:Ged"):
    def test():
        if not shutil.which("mformat"):
            raise Skip("install mtools")
        with tempfile.TemporaryDirectory(prefix="rhea-virt-") as tmp:
            esp(f"{tmp}/esp.raw", tmp)
            with uefi("-bios", UEFI, "-drive", f"file={tmp}/esp.raw,format=raw", *more) as g:
                g.expect("GRUB reads its menu", 90 * SLOW)
                g.expect("EFI stub", 60 * SLOW)
                g.expect(tables, 60 * SLOW)
                g.expect("RHEA-GUEST-READY", 120 * SLOW)
                g.send("cat /sys/firmware/efi/systab /sys/class/dmi/id/product_name; ls /sys/bus/pci/devices\n")
                g.expect("SMBIOS3=0x", 30 * SLOW)
                g.expect("QEMU Virtual Machine", 30 * SLOW)
                g.expect("0000:00:02.0", 30 * SLOW)
                if event:
                    power_button(g, event)
                g.send("poweroff -f\n")
                if g.wait(60 * SLOW):
                    raise AssertionError("the guest's power off does not end the machine orderly")
                for wrong in (b"ACPI Error", b"ACPI BIOS Error", b"ACPI Warning", b"Oops", b"WARNING:"):
                    if wrong in g.log:
                        raise AssertionError(f"the kernel says: {wrong.decode()}")
    return test


ACPI_TABLES = ("DSDT", "FACP", "APIC", "GTDT", "MCFG", "SPCR", "DBG2", "IORT")


def acpi_tables():
    """The tables that a guest reads, by iasl: it understands each, and compiles the definition block again."""
    if not shutil.which("iasl") or not shutil.which("mformat"):
        raise Skip("install acpica-tools and mtools")
    with tempfile.TemporaryDirectory(prefix="rhea-virt-") as tmp:
        esp(f"{tmp}/esp.raw", tmp)
        with uefi("-bios", UEFI, "-M", "virt,gic-version=3", "-smp", "2", "-drive", f"file={tmp}/esp.raw,format=raw") as g:
            g.expect("RHEA-GUEST-READY", 240 * SLOW)
            for t in ACPI_TABLES:
                g.send(f"echo BEGIN{t}; base64 /sys/firmware/acpi/tables/{t}; echo END{t}\n")
                text = g.expect(rf"\nBEGIN{t}\r\n([A-Za-z0-9+/=\r\n]*)END{t}\r", 60 * SLOW).group(1)
                with open(f"{tmp}/{t}.dat", "wb") as f:
                    f.write(base64.b64decode(text))
        for t in ACPI_TABLES:
            r = subprocess.run(["iasl", "-p", f"{tmp}/{t}", "-d", f"{tmp}/{t}.dat"], check=False, capture_output=True, text=True)
            with open(f"{tmp}/{t}.dsl", encoding="latin1") as f:
                said = r.stdout + r.stderr + f.read()
            if r.returncode or re.search("unknown|invalid|truncated|incorrect checksum", said, re.I):
                raise AssertionError(f"{t}: iasl says:\n{said[-2000:]}")
        r = subprocess.run(["iasl", "-p", f"{tmp}/again", f"{tmp}/DSDT.dsl"], check=False, capture_output=True, text=True)
        if "0 Errors, 0 Warnings" not in r.stdout:
            raise AssertionError(f"DSDT: iasl says:\n{(r.stdout + r.stderr)[-2000:]}")


# ---- accesses to nothing ----

def aborts():
    """A program's syndromes of loads, stores and fetches where nothing is."""
    if not shutil.which(JUDGE):
        raise Skip(f"no {JUDGE}")
    with tempfile.TemporaryDirectory(prefix="rhea-virt-") as tmp:
        bare.program(f"{tmp}/abort.elf", ["armabort.S"])
        said = [subprocess.run([binary, "-M", "virt", "-cpu", "cortex-a57", "-m", "128", "-display", "none", "-monitor", "none",
                                "-serial", "stdio", "-kernel", f"{tmp}/abort.elf", *more], stdin=subprocess.DEVNULL,
                               capture_output=True, text=True, timeout=30 * SLOW, check=True).stdout
                for binary, more in ((JUDGE, []), (BINARY, []), (BINARY, ["-accel", "tcg,engine=interp"]))]
    if said[0].count("\n") < 25 or said[0] != said[1] or said[0] != said[2]:
        raise AssertionError("theirs:\n{}\nours:\n{}\nthe interpreter:\n{}".format(*said))


# ---- kernels ----

def installer():
    kernel, initrd = (fetch("debian-installer-12-netboot-arm64", INSTALLER + f) for f in ("linux", "initrd.gz"))
    with Guest([BINARY, "-M", "virt", *CPU, "-m", "1G", "-nographic", "-no-reboot", "-kernel", kernel, "-initrd", initrd,
                "-append", "console=ttyAMA0 DEBIAN_FRONTEND=text TERM=dumb"]) as g:
        g.expect("Starting system log daemon", 120 * SLOW)
        g.expect("Select a language", 120 * SLOW)
        g.expect("English", 30 * SLOW)
        g.expect(r"Prompt: .*> ", 30 * SLOW)


TESTS = [(f"device tree: {' '.join(a) or 'defaults'}", tree(a)) for a in TREES] + [
    ("UEFI comes to its shell", uefi_shell),
    ("UEFI keeps variables in flash", uefi_variables),
    ("UEFI, GRUB, a kernel with ACPI", uefi_grub()),
    ("UEFI, GRUB, a kernel with a device tree", uefi_grub("-M", "virt,acpi=off", tables="EFI stub|Machine model", event=None)),
    ("accesses to nothing", aborts),
    ("ACPI tables by iasl", acpi_tables),
    ("the installer's first question", installer),
]

if __name__ == "__main__":
    sys.exit(run_tap(TESTS))
