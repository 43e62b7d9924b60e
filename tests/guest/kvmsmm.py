#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""kvmsmm.py BINARY [--long]: system management mode under -accel kvm where the kernel has it, on a real KVM.

The host is a machine as in kvm.py, in our translator. A guest of two processors (../kvm/cases/smm.s) moves SMBASE, and counts
in SMRAM what SMIs by port and by IPI bring: it must say under KVM, with every kernel-irqchip, what it says under the
translator. Another one does so without end while it is stopped and moves to the translator and back, in the mode and out of
it; it checks its counts itself. A third one finds its local APIC as INIT leaves it after an INIT that waited for the end of the
mode, wherever it began to wait and wherever the mode ended. `--long`: OVMF whose variables are behind SMM keeps one over a restart; and all inside
Debian's QEMU, too."""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.argv[1] = os.path.abspath(sys.argv[1])
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "hostile")]
import asm  # noqa: E402
import judged  # noqa: E402
import linux  # noqa: E402
import nested  # noqa: E402
from guest import HERE, Guest, Skip, fetch, run_tap  # noqa: E402
from preludes import x64  # noqa: E402

BINARY, QEMU = sys.argv[1], "qemu-system-x86_64"
LONG = "--long" in sys.argv
OVMF = ("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd")
PROGRAM = "LD_LIBRARY_PATH=/m ./ld-linux-x86-64.so.2 --argv0 rhea-system-x86_64 ./rhea-system-x86_64"
MACHINE = "-display none -nodefaults -m 16 -smp 2"
REPORT = "-chardev file,path=said,id=r -device isa-debugcon,iobase=0x402,chardev=r -device isa-debug-exit,iobase=0xf4,iosize=4"
ACCELS = ("kvm", "kvm,kernel-irqchip=on", "kvm,kernel-irqchip=off")
ENDLESS = "\n.set ROUNDS, 0x7fffffff\n.set DELAY, 200000\n"
LATCH = "\n.set LATCH, 1\n"
ROUNDS = (0x300010, 0x300050)
HELD = 0x300080
# What happens while an INIT waits; the machine begins under KVM.
SWITCHES = [(), ("tcg",), (), ("kvm",), ("tcg", "kvm"), ("tcg",), ("kvm", "tcg")]
MOVES = 40 if LONG else 8


def files(directory):
    """What the host needs: name -> contents."""
    source = judged.read_case(f"{HERE}/../kvm/cases/smm.s")
    out = {"smm": judged.make_image(source)[1], "endless": asm.multiboot(x64() + ENDLESS + source),
           "latch": asm.multiboot(x64() + LATCH + source)}
    stripped = f"{directory}/rhea-system-x86_64"
    subprocess.run(["strip", "-o", stripped, BINARY], check=True)
    for path in [stripped, *nested.libraries(BINARY), *(OVMF if LONG else ())]:
        out[os.path.basename(path)] = nested.read(path)
    return out


def host_argv(directory, host):
    kernel, outer = fetch("kernel"), f"{directory}/outer.gz"
    if not all(shutil.which(p) for p in ("strip", host)) or (LONG and not all(os.path.exists(f) for f in OVMF)):
        raise Skip(f"no strip, {host} or ovmf")
    if not os.path.exists(outer):
        linux.make_initrd(outer, kernel, ["kvm-amd"], files(directory))
    return [host, "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "1000", "-nographic", "-no-reboot",
            "-kernel", kernel, "-initrd", outer, "-append", "console=ttyS0 panic=-1 quiet"]


def ready(g):
    linux.ready(g, 3)
    linux.run(g, "cd /m; chmod +x ld-linux* rhea*", 20)


def said(g, accel):
    """How the counting guest ends under that accelerator, and what it says."""
    return linux.run(g, f"{PROGRAM} {MACHINE} -no-reboot -accel {accel} {REPORT} -kernel smm </dev/null; s=$?; cat said; (exit $s)", 120)


def same(directory, host):
    def test():
        with Guest(host_argv(directory, host)) as g:
            ready(g)
            want = said(g, "tcg")
            if want[0] != 33 or not want[1].endswith("0000003c "):
                raise AssertionError(f"the translator: {want}")
            for accel in ACCELS:
                got = said(g, accel)
                if got != want:
                    raise AssertionError(f"{accel}: {got}, not {want}")
            _, text = linux.run(g, f"printf 'info kvm\\nquit\\n' | {PROGRAM} {MACHINE} -S -accel kvm -monitor stdio -kernel smm", 60)
            if "system management mode: executed by the kernel" not in text:
                raise AssertionError(text)
        return want[1].strip("\x01")
    return test


def machine_command(qmp, line):
    return qmp.cmd("human-monitor-command", **{"command-line": line})


def word(qmp, address):
    return int(re.search(r": 0x([0-9a-f]+)", machine_command(qmp, f"xp /1wx {address:#x}")).group(1), 16)


def rounds(qmp):
    """How far the two processors are."""
    return [word(qmp, a) for a in ROUNDS]


def further(qmp, since):
    """Both processors go on, and are where this says; each round's counts were right, otherwise the guest ends."""
    for _ in range(2000):
        now = rounds(qmp)
        if all(a < b for a, b in zip(since, now)):
            return now
    raise AssertionError(f"it stands still at {now}")


def move(qmp):
    """Stopped, looked at and moved at moments that are mostly in the mode, and reset; how many processors were in it."""
    inside, at = 0, [0, 0]
    for i in range(MOVES):
        at = further(qmp, at)
        qmp.cmd("stop")
        before = machine_command(qmp, "info registers -a")
        qmp.cmd("accel-switch", accel=("tcg", "kvm")[i % 2])
        after = machine_command(qmp, "info registers -a")
        if before != after:
            raise AssertionError(f"move {i} changed the state:\n{before}\n{after}")
        inside += before.count("SMM=1")
        seen = ": 0x0000" in machine_command(qmp, "x /1wx 0xa7f00")
        if seen != ("SMM=1" in before[:before.index("CPU#1")]):
            raise AssertionError(f"SMRAM is {'' if seen else 'not '}seen:\n{before}")
        qmp.cmd("cont")
    at = further(qmp, [max(100, n) for n in at])
    if any(e["event"] == "RESET" for e in qmp.events):
        raise AssertionError("it reset itself")
    if not inside:
        raise AssertionError("no processor was in the mode when it moved")
    qmp.cmd("system_reset")
    while rounds(qmp)[0] >= at[0]:
        pass
    further(qmp, [0, 0])
    qmp.cmd("quit")
    return f"{MOVES} moves, {inside} of a processor that was in the mode"


def becomes(qmp, address, value):
    for _ in range(2000):
        if word(qmp, address) == value:
            return
    raise AssertionError(f"{address:#x} is {word(qmp, address)}, not {value}:\n{machine_command(qmp, 'info registers -a')}")


def latched(qmp):
    """INITs that wait for the end of the mode while the machine moves; the guest looks what its local APIC is after them."""
    for n, switches in enumerate(SWITCHES, 1):
        becomes(qmp, HELD, 2)
        qmp.cmd("stop")
        registers = machine_command(qmp, "info registers -a")
        if "SMM=1" not in registers[registers.index("CPU#1"):]:
            raise AssertionError(f"it is not in the mode:\n{registers}")
        for accel in switches:
            qmp.cmd("accel-switch", accel=accel)
        qmp.cmd("cont")
        qmp.cmd("system_powerdown")
        becomes(qmp, ROUNDS[1], n + 1)
    qmp.cmd("quit")
    return f"{len(SWITCHES)} INITs"


def watched(directory, accel, image, talk):
    """A guest without end whose monitor talk() speaks with."""
    def test():
        argv = host_argv(directory, BINARY) + ["-serial", "mon:stdio", "-serial", f"unix:{directory}/serial,server=on,wait=off"]
        with concurrent.futures.ThreadPoolExecutor(1) as pool, Guest(argv) as g:
            ready(g)
            waiting = pool.submit(linux.Qmp, f"{directory}/serial", timeout=120)  # from before the greeting is sent
            g.send(f"stty -F /dev/ttyS1 raw -echo; ({PROGRAM} {MACHINE} -accel {accel} {REPORT} -kernel {image} -qmp stdio "
                   "</dev/ttyS1 >/dev/ttyS1; echo it ended with $?; cat said) &\n")
            qmp = waiting.result(120)
            try:
                said = talk(qmp)
            except (AssertionError, OSError) as e:
                raise AssertionError(f"{e}\n{linux.run(g, 'cat said', 20)[1]}\n{g.tail(20)}") from e
        os.unlink(f"{directory}/serial")
        return said
    return test


def moves(directory, accel):
    return watched(directory, accel, "endless", move)


def latches(directory, accel):
    return watched(directory, accel, "latch", latched)


def ovmf(directory, host, accel):
    """OVMF's shell, twice: the first one stores a variable, the second one finds it."""
    def test():
        drives = " ".join(f"-drive if=pflash,unit={n},format=raw,file={os.path.basename(f)}" for n, f in enumerate(OVMF))
        command = (f"{PROGRAM} -L /m -M q35 -accel {accel} -cpu max -display none -nodefaults -m 128 -smp 2 -serial stdio {drives}; echo EN''DED\n")
        with Guest(host_argv(directory, host)) as g:
            ready(g)
            for line, answer in (("-nv -bs =0x2a5b", "Shell>"), ("", "5B 2A")):
                g.send(command)
                g.expect("UEFI Interactive Shell", 600)
                g.send("\r")
                g.expect("Shell>", 120)
                g.send(f"setvar RheaTest -guid 11111111-2222-3333-4444-555555555555 {line}\r")
                g.expect(answer, 120)
                g.send("reset -s\r")
                g.expect("ENDED", 120)
    return test


def main():
    with tempfile.TemporaryDirectory(prefix="rhea-kvmsmm-") as d:
        tests = [("counts as under the translator", same(d, BINARY)), ("moves in the mode", moves(d, "kvm")),
                 ("an INIT that waits", latches(d, "kvm"))]
        if LONG:
            tests += [("moves in the mode, kernel's chips", moves(d, "kvm,kernel-irqchip=on")),
                      ("moves in the mode, our APICs", moves(d, "kvm,kernel-irqchip=off")),
                      ("an INIT that waits, kernel's chips", latches(d, "kvm,kernel-irqchip=on")),
                      ("an INIT that waits, our APICs", latches(d, "kvm,kernel-irqchip=off")),
                      ("OVMF with SMM", ovmf(d, BINARY, "kvm")),
                      ("inside Debian's QEMU: counts as under the translator", same(d, QEMU)),
                      # kvm.py, OVMF_THERE: otherwise QEMU aborts
                      ("inside Debian's QEMU: OVMF with SMM", ovmf(d, QEMU, "kvm,kernel-irqchip=off"))]
        return run_tap(tests)


if __name__ == "__main__":
    sys.exit(main())
