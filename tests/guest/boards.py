#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""boards.py BINARY: the boards pc, q35 and microvm with their firmware and a Debian kernel.

PCI functions, slots of cards and buses of disks are those of Debian's QEMU for the same command
line; iasl finds nothing wrong in the ACPI tables; the machine sleeps in memory and wakes, by itself
too; its button works; a microvm keeps its clock; OVMF reaches its shell and keeps its variables."""
import base64
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guest import Guest, GuestError, Skip, fetch, run_tap, slowness  # noqa: E402
from linux import Qmp, make_initrd  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
TMP = tempfile.mkdtemp(prefix="rhea-boards-")
INITRD = f"{TMP}/initrd.gz"
BARE = ["-nodefaults", "-display", "none", "-no-reboot"]
OVMF_SMM = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"
OVMF = "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd", "/usr/share/ovmf/OVMF.fd"
COMPLAINTS = rb"ACPI (BIOS )?(Error|Warning)|\] (Oops|BUG: |WARNING: CPU)|irq \d+: nobody cared"


def guest_runs(program, machine, command, extra=(), accel=("-accel", "tcg")):
    """What the command prints in a guest that then powers off."""
    argv = [program, "-M", machine, *accel, *BARE, "-m", "256", "-serial", "stdio", "-kernel",
            fetch("kernel"), "-initrd", INITRD, *extra,
            "-append", f'console=ttyS0 quiet rhea.cmd="echo BEGIN; {command}; echo END"']
    with Guest(argv) as g:
        g.expect("RHEA-GUEST-READY", 120 * SLOW)
        m = g.expect(rb"BEGIN\r?\n((?s:.*?))END\r?\n", 60 * SLOW)
        if g.wait(60 * SLOW) != 0:
            raise GuestError("no clean end:\n" + g.tail())
        bad = re.search(COMPLAINTS, g.log)
        if bad:
            raise GuestError(f"the kernel complains: {bad.group(0)!r}\n{g.tail(30)}")
        return m.group(1).decode("latin1").replace("\r", "")


LSPCI = "cd /sys/bus/pci/devices; for d in *; do echo $d $(cat $d/vendor $d/device $d/class); done"


def functions(program, machine, extra=()):
    return guest_runs(program, machine, LSPCI, extra).split("\n")


def pci(machine):
    def test():
        ours = functions(BINARY, machine)
        judge = shutil.which("qemu-system-x86_64")
        if not judge:
            raise Skip("no qemu-system-x86_64")
        theirs = functions(judge, machine)
        if ours != theirs:
            raise GuestError(f"we have {ours}, Debian's QEMU {theirs}")
        return f"{len(ours) - 1} functions"
    return test


CARDS = ["-drive", "if=virtio,file.driver=null-co", "-device", "virtio-rng-pci", "-device", "virtio-scsi-pci"]
DEFAULTS = [["-nodefaults"], [], ["-nographic", "-monitor", "none"], ["-vga", "none"], ["-nic", "none"], ["-net", "none"],
            ["-vga", "none", "-nic", "none"]]


def slots(program, machine, options):
    """Where the cards of CARDS are, as (class, slot)."""
    path = f"{TMP}/slots.qmp"
    argv = [program, "-M", machine, "-S", "-display", "none", "-serial", "null", "-qmp",
            f"unix:{path},server=on,wait=off", *options, *CARDS]
    with Guest(argv) as g:
        q = Qmp(path)
        found = [(d["id"]["device"], d["slot"]) for d in q.cmd("query-pci")[0]["devices"]
                 if d["id"]["vendor"] == 0x1af4]
        q.cmd("quit")
        g.wait(20 * SLOW)
    return found


def cards(machine):
    def test():
        judge = shutil.which("qemu-system-x86_64")
        if not judge:
            raise Skip("no qemu-system-x86_64")
        for options in DEFAULTS:
            ours, theirs = slots(BINARY, machine, options), slots(judge, machine, options)
            if ours != theirs or len(ours) != 3:
                raise GuestError(f"{machine} {' '.join(options)}: cards in {ours}, with Debian's QEMU in {theirs}")
    return test


HBAS = ["-device", "virtio-scsi-pci,id=a", "-device", "virtio-scsi-pci,id=b", "-device", "ahci,id=c"]
DISKS = {"scsi-hd": 2, "ide-hd": 1, "floppy": 1, "virtio-blk-pci": 1}
MMIO_DISKS = {"virtio-blk-device": 3}


def buses(program, machine, extra, disks):
    """The bus that each disk of -device without bus= is on."""
    path = f"{TMP}/buses.qmp"
    argv = [program, "-M", machine, "-S", "-nodefaults", "-display", "none", "-qmp",
            f"unix:{path},server=on,wait=off", *extra]
    for driver, count in disks.items():
        for n in range(count):
            argv += ["-drive", f"if=none,id=d-{driver}{n},file.driver=null-co,format=raw",
                     "-device", f"{driver},drive=d-{driver}{n},id={driver}{n}"]
    with Guest(argv) as g:
        q = Qmp(path)
        tree = q.cmd("human-monitor-command", **{"command-line": "info qtree"})
        q.cmd("quit")
        g.wait(20 * SLOW)
    found, above = {}, {}
    for line in tree.splitlines():
        depth = len(line) - len(line.lstrip())
        m = re.match(r' *(bus: (\S+)|dev: ([\w-]+), id "([\w-]+)")', line)
        if m and m.group(2):
            above[depth] = m.group(2)
        elif m and m.group(3) in disks:
            found[m.group(4)] = above[max(d for d in above if d < depth)]
    return found


def chosen_buses(machine, extra, disks):
    def test():
        judge = shutil.which("qemu-system-x86_64")
        if not judge:
            raise Skip("no qemu-system-x86_64")
        ours, theirs = (buses(p, machine, extra, disks) for p in (BINARY, judge))
        if ours != theirs or len(ours) != sum(disks.values()):
            raise GuestError(f"disks are on {ours}, with Debian's QEMU on {theirs}")
    return test


def firmware_boots(machine):
    def test():
        guest_runs(BINARY, machine, "true", ["-bios", "bios-256k.bin", "-smp", "2"])
    return test


def seabios(machine):
    def test():
        argv = [BINARY, "-M", machine, *BARE, "-m", "64", "-debugcon", "stdio", "-global",
                "isa-debugcon.iobase=0x402", "-boot", "menu=off"]
        with Guest(argv) as g:
            g.expect(r"SeaBIOS \(version ", 30 * SLOW)
            g.expect("All threads complete", 60 * SLOW)
            g.expect("No bootable device", 90 * SLOW)
    return test


def tables(machine, names, extra=()):
    def test():
        if not shutil.which("iasl"):
            raise Skip("no iasl")
        text = guest_runs(BINARY, machine, "cd /sys/firmware/acpi/tables; for t in * ; do test -f $t && "
                          "{ echo TABLE $t; base64 $t; }; done; true", extra)
        found = dict(re.findall(r"TABLE (\w+)\n([A-Za-z0-9+/=\n]+?)(?=TABLE|\Z)", text))
        if set(found) != set(names):
            raise GuestError(f"the tables are {sorted(found)}")
        for name, data in found.items():
            path = f"{TMP}/{machine}-{name}"
            with open(path + ".aml", "wb") as f:
                f.write(base64.b64decode(data))
            r = subprocess.run(["iasl", "-d", path + ".aml"], capture_output=True, text=True, check=False)
            if r.returncode or re.search(r"(Error|Invalid|Incorrect)", r.stdout + r.stderr):
                raise GuestError(f"{name}: {r.stdout}\n{r.stderr}")
        r = subprocess.run(["iasl", "-tc", f"{TMP}/{machine}-DSDT.dsl"], capture_output=True, text=True,
                           check=False)
        if not re.search(r"0 Errors, 0 Warnings", r.stdout):
            raise GuestError(f"DSDT: {r.stdout}\n{r.stderr}")
    return test


NODES = ["-smp", "2", "-object", "memory-backend-ram,id=m0,size=128M", "-object",
         "memory-backend-ram,id=m1,size=128M", "-numa", "node,memdev=m0", "-numa", "node,memdev=m1",
         "-numa", "dist,src=0,dst=1,val=21"]
FIRMWARE = ["-bios", "bios-256k.bin"]


def with_qmp(machine, command, talk):
    """A guest that runs command, while talk(guest, qmp) does the rest. It powers itself off."""
    path = f"{TMP}/{machine}-{time.monotonic_ns()}.qmp"
    argv = [BINARY, "-M", machine, *BARE, "-m", "256", "-smp", "2", "-serial", "stdio", *FIRMWARE,
            "-qmp", f"unix:{path},server=on,wait=off", "-kernel", fetch("kernel"), "-initrd", INITRD,
            "-append", f'console=ttyS0 rhea.cmd="{command}"']
    with Guest(argv) as g:
        talk(g, Qmp(path, timeout=120 * SLOW))
        if g.wait(60 * SLOW) != 0:
            raise GuestError("no clean end:\n" + g.tail())


def sleeps(machine):
    """Woken by system_wakeup."""
    def talk(g, q):
        q.event("SUSPEND")
        if q.cmd("query-status")["status"] != "suspended":
            raise GuestError("not suspended")
        q.cmd("system_wakeup")
        q.event("WAKEUP")
        g.expect("AWAKE 0 2", 60 * SLOW)
    return lambda: with_qmp(machine, "sleep 2; echo mem >/sys/power/state; echo AWAKE $? $(nproc)", talk)


def alarm_wakes(machine):
    """Woken by the alarm of its own clock, some seconds later and not before."""
    def talk(g, q):
        q.event("SUSPEND")
        t0 = time.monotonic()
        q.event("WAKEUP")
        if time.monotonic() - t0 < 2:
            raise GuestError("it woke at once")
        g.expect(r"AWAKE 0 alarm=\r", 60 * SLOW)
    return lambda: with_qmp(machine, "echo +8 >/sys/class/rtc/rtc0/wakealarm; echo mem >/sys/power/state; "
                            "echo AWAKE $? alarm=$(cat /sys/class/rtc/rtc0/wakealarm)", talk)


def power_button(machine):
    """Each system_powerdown is one event of the ACPI button."""
    def talk(g, q):
        for n in range(3):
            g.expect(f"COUNT {n}\r", 120 * SLOW)
            q.cmd("system_powerdown")
            q.event("POWERDOWN", since=n)
        g.expect("COUNT 3\r", 60 * SLOW)
    command = ("sh /m/load; f=/sys/firmware/acpi/interrupts/ff_pwr_btn; old=; while [ _$old != _3 ]; do "
               "read n rest <$f; [ _$n = _$old ] || echo COUNT $n; old=$n; done")
    return lambda: with_qmp(machine, command, talk)


def resets(machine):
    """The guest reboots: a second start, from the same reset vector."""
    argv = [BINARY, "-M", machine, "-nodefaults", "-display", "none", "-m", "256", "-serial", "stdio",
            "-kernel", fetch("kernel"), "-initrd", INITRD, "-append",
            'console=ttyS0 rhea.cmd="echo HERE; reboot -f"']
    with Guest(argv) as g:
        g.expect("HERE", 120 * SLOW)
        g.expect("HERE", 120 * SLOW)


def keeps_its_clock(machine):
    """A kernel whose emulator was stopped for a while, many times, still reads the time stamp counter."""
    def test():
        argv = [BINARY, "-M", machine, *BARE, "-m", "256", "-serial", "stdio", "-kernel", fetch("kernel"),
                "-initrd", INITRD, "-append", "console=ttyS0 reboot=t"]
        with Guest(argv) as g:
            g.expect("RHEA-GUEST-READY", 120 * SLOW)
            g.expect("# ", 20 * SLOW)
            for _ in range(12):
                time.sleep(0.3)
                os.kill(g.p.pid, signal.SIGSTOP)
                time.sleep(0.35)
                os.kill(g.p.pid, signal.SIGCONT)
            g.send("cat /sys/devices/system/clocksource/clocksource0/current_clocksource\n")
            source = g.expect(r"\n(tsc|\S+jiffies|jiffies|hpet|acpi_pm)\r", 30 * SLOW).group(1).decode()
            if source != "tsc" or b"unstable" in g.log:
                raise GuestError(f"the kernel's clock is {source}:\n{g.tail(30)}")
    return test


def ovmf(machine, flash, code=OVMF[0], more=()):
    def test():
        if not all(os.path.exists(f) for f in OVMF):
            raise Skip("no ovmf")
        variables = f"{TMP}/vars.fd"
        shutil.copy(OVMF[1], variables)
        image = ["-bios", OVMF[2]]
        if flash:
            image = ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
                     "-drive", f"if=pflash,unit=1,format=raw,file={variables}"]
        argv = [BINARY, "-M", machine, *BARE, "-m", "256", "-serial", "stdio", *image, *more]
        for run in range(2 if flash else 1):
            with Guest(argv) as g:
                g.expect("UEFI Interactive Shell", 120 * SLOW)
                g.send("\r")
                g.expect("Shell>", 60 * SLOW)
                g.send("setvar RheaTest\r" if run else
                       "setvar RheaTest -guid 11111111-2222-3333-4444-555555555555 -nv -bs =0x2a5b\r")
                g.expect("Shell>", 60 * SLOW)
                if run:
                    g.send("setvar RheaTest -guid 11111111-2222-3333-4444-555555555555\r")
                    g.expect("5B 2A", 60 * SLOW)
                g.send("reset -s\r")
                g.wait(60 * SLOW)
    return test


def kernel_by_flash(machine):
    """OVMF in flash finds the kernel that -kernel names, and starts it."""
    def test():
        if not os.path.exists(OVMF[0]):
            raise Skip("no ovmf")
        said = guest_runs(BINARY, machine, "dmesg | grep 'efi: EFI v'", ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF[0]}"])
        if "by EDK II" not in said:
            raise GuestError(f"the kernel says of EFI: {said!r}")
    return test


if __name__ == "__main__":
    make_initrd(INITRD, fetch("kernel"), ["button"])
    common = {"FACP", "FACS", "DSDT", "APIC", "HPET", "WAET"}
    TESTS = [(f"SeaBIOS on {m}", seabios(m)) for m in ("pc", "q35")]
    TESTS += [(f"PCI functions of {m}, as Debian's QEMU", pci(m)) for m in ("pc", "q35")]
    TESTS += [(f"slots of cards on {m}, as Debian's QEMU", cards(m)) for m in ("pc", "q35")]
    PORT = ["-device", "pcie-root-port,id=rp"]
    TESTS += [("buses of disks on pc, as Debian's QEMU", chosen_buses("pc", HBAS, DISKS)),
              ("buses of disks on pc without more controllers", chosen_buses("pc", [], {"ide-hd": 2, "floppy": 2})),
              ("buses of disks on q35", chosen_buses("q35", PORT, {"ide-hd": 1, "virtio-blk-pci": 2})),
              ("buses of disks on microvm", chosen_buses("microvm", [], MMIO_DISKS))]
    TESTS += [
        ("ACPI tables of pc", tables("pc", common)),
        ("ACPI tables of q35", tables("q35", common | {"MCFG"})),
        ("ACPI tables of q35 with nodes", tables("q35", common | {"MCFG", "SRAT", "SLIT"}, NODES)),
        ("kernel through SeaBIOS on q35, two processors", firmware_boots("q35")),
        ("sleep in memory on q35", sleeps("q35")),
        ("sleep in memory on pc", sleeps("pc")),
        *[(f"the clock's alarm wakes {m}", alarm_wakes(m)) for m in ("pc", "q35")],
        *[(f"power button of {m}", power_button(m)) for m in ("pc", "q35")],
        *[(f"time on {m}", keeps_its_clock(m)) for m in ("microvm", "microvm,acpi=off")],
        ("reboot on q35", lambda: resets("q35")),
        ("OVMF on q35, two flash images", ovmf("q35", True)),
        ("OVMF on q35, -bios", ovmf("q35", False)),
        # Its variables live behind SMM, on both processors.
        ("OVMF with SMM on q35", ovmf("q35", True, OVMF_SMM, ["-smp", "2"])),
        ("OVMF on pc, two flash images", ovmf("pc", True)),
        ("kernel through OVMF in flash on q35", kernel_by_flash("q35")),
    ]
    if len(sys.argv) > 2:
        TESTS = [t for t in TESTS if sys.argv[2] in t[0]]
    if SLOW > 1:
        TESTS = TESTS[:3]
    status = run_tap(TESTS)
    shutil.rmtree(TMP)
    sys.exit(status)
