#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""kvm.py BINARY [--long]: -accel kvm with an unmodified Linux guest, on a real KVM.

The host of the guest is a machine too: Debian's qemu-system-x86_64 (TCG), or BINARY with its translator, runs a
Debian kernel with kvm-amd and an initrd that carries BINARY with its libraries. There BINARY boots the same kernel
under -accel kvm, two processors, with a virtio disk; that guest must say that it runs on KVM, compute a checksum,
and read the disk. Boards q35 and microvm; without firmware, with SeaBIOS, and with OVMF. `--long`: all of
it inside QEMU, too. Moving between KVM and the translator: kvmswitch.py."""
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import linux  # noqa: E402
import nested  # noqa: E402
from guest import Guest, Skip, fetch, run_tap  # noqa: E402

BINARY, QEMU = os.path.abspath(sys.argv[1]), "qemu-system-x86_64"
BYTES = 4000000
DISK = b"Rhea under KVM" * 40000
MODULES = {"q35": ["virtio_pci", "virtio_blk"], "microvm": ["virtio_mmio", "virtio_blk"]}
COMMAND = ("sh /m/load; sleep 1; dmesg | grep Hypervisor; "
           f"yes | head -c {BYTES} | md5sum; dd if=/dev/vda bs=4096 2>/dev/null | head -c {len(DISK)} | md5sum")
# Without KVM's own leaves Linux takes what Hyper-V's offer: clock, interrupts, TLBs; with them it takes KVM's.
HYPERV = ("hv-relaxed,hv-vapic,hv-spinlocks=0x1fff,hv-vpindex,hv-runtime,hv-time,hv-frequencies,hv-tlbflush,hv-ipi,"
          "hv-reset,hv-synic,hv-stimer,hv-stimer-direct")
PARAVIRTUAL = "host," + ",".join(f"+kvm-{f}" for f in ("pv-ipi", "pv-unhalt", "pv-tlb-flush", "pv-sched-yield", "asyncpf",
                                                       "asyncpf-int"))
# QEMU 7.2's SVM aborts ("tcg_handle_interrupt: assertion failed") when a guest that does not come out for it writes CR8 while
# an interrupt of the hypervisor waits for its window, as OVMF's handlers do. KVM lets that come out where the local APIC is not
# in the kernel.
OVMF_THERE = ",kernel-irqchip=off"
DEVICE = {"q35": "virtio-blk-pci", "microvm": "virtio-blk-device"}
# Where the machine's own end is a reset, the registers at that moment say more than its silence.
RUN = ("cd /m; chmod +x ld-linux* rhea*; LD_LIBRARY_PATH=/m ./ld-linux-x86-64.so.2 --argv0 rhea-system-x86_64 "
       "./rhea-system-x86_64 -L /m -accel kvm -M {board}{options} -cpu {cpu} -smp 2 -m 256 -nodefaults -display none -no-reboot "
       "-d cpu_reset -serial stdio {firmware} -kernel vmlinuz -initrd inner-{board}.gz "
       "-drive if=none,id=d,file=disk,format=raw -device {device},drive=d "
       "-append 'console=ttyS0 panic=-1 quiet rhea.cmd=\"sh /m/test\"' </dev/null")
FIRMWARE = {"": None, "SeaBIOS": ("seabios", "/usr/share/seabios/bios-256k.bin"),
            "OVMF": ("ovmf", "/usr/share/ovmf/OVMF.fd")}


def program(directory):
    """BINARY and its libraries: name -> contents."""
    stripped = f"{directory}/rhea-system-x86_64"
    if not shutil.which("strip"):
        raise Skip("no strip")
    subprocess.run(["strip", "-o", stripped, BINARY], check=True)
    return {os.path.basename(path): nested.read(path) for path in (stripped, *nested.libraries(BINARY))}


def program_files(kernel, directory):
    """What the host needs: name -> contents."""
    files = {"disk": DISK.ljust((len(DISK) + 4095) // 4096 * 4096, b"\0")}
    for board, modules in MODULES.items():
        inner = f"{directory}/inner-{board}.gz"
        linux.make_initrd(inner, kernel, modules, {"test": COMMAND.encode()})
        files[os.path.basename(inner)] = nested.read(inner)
    files.update(program(directory))
    for path in (fetch(*f) for f in FIRMWARE.values() if f):
        files[os.path.basename(path)] = nested.read(path)
    files["vmlinuz"] = nested.read(kernel)
    return files


def host_argv(directory, kernel, host):
    outer = f"{directory}/outer.gz"
    if not os.path.exists(outer):
        linux.make_initrd(outer, kernel, ["kvm-amd"], program_files(kernel, directory))
    if not shutil.which(host):
        raise Skip(f"no {host} to be the host")
    return [host, "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "1400", "-nographic", "-no-reboot",
            "-kernel", kernel, "-initrd", outer, "-append", "console=ttyS0 panic=-1 quiet"]


def boot(g, board, cpu, firmware="", options="", hypervisor="KVM"):
    """One boot inside, where the guest finds that hypervisor; what is told of it."""
    file = FIRMWARE[firmware] and os.path.basename(FIRMWARE[firmware][1])
    status, out = linux.run(g, RUN.format(board=board, cpu=cpu, device=DEVICE[board], options=options,
                                          firmware=f"-bios {file}" if file else ""), 900)
    if status:
        raise AssertionError(f"it ended with status {status}:\n{out[-3000:]}")
    m = re.search(r"RHEA-GUEST-READY after (\S+), 2 processor", out)
    sums = [hashlib.md5(b"y\n" * (BYTES // 2)).hexdigest(), hashlib.md5(DISK).hexdigest()]
    if not m or f"Hypervisor detected: {hypervisor}" not in out or not all(s in out for s in sums):
        raise AssertionError(f"the guest said:\n{out[-3000:]}")
    return f"{board}{options} {firmware}{' ' if firmware else ''}at its shell after {m.group(1)}"


def boot_again(g, machine):
    """boot(); once more where the guest was reset without a word.

    That was seen once in about a hundred boots inside Debian's QEMU 7.2, and never in 120 inside our translator;
    why is not known. What it said, its registers among it, is told."""
    try:
        return boot(g, *machine)
    except AssertionError as e:
        if "READY" in str(e) or "panic" in str(e) or "status" in str(e):
            raise
        lost = "\n".join(f"# {l}" for l in str(e).splitlines())
        return f"{boot(g, *machine)} at the second try; at the first\n{lost}"


def boots(directory, host, *machines):
    def test():
        kernel = fetch("kernel")
        with Guest(host_argv(directory, kernel, host)) as g:
            linux.ready(g, 2)
            return ", ".join(boot_again(g, m) if host == QEMU else boot(g, *m) for m in machines)
    return test


def main():
    with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d:
        tests = [
            ("inside Debian's QEMU: q35, -cpu host", boots(d, QEMU, ("q35", "host"))),
            ("inside our translator: q35 and microvm", boots(d, BINARY, ("q35", "host"), ("microvm", "max"))),
            ("inside our translator: all controllers in the kernel",
             boots(d, BINARY, ("q35", "host", "SeaBIOS", ",kernel-irqchip=on"))),
            ("inside our translator: Hyper-V's enlightenments",
             boots(d, BINARY, ("q35", f"host,kvm=off,{HYPERV}", "", "", "Microsoft Hyper-V"))),
            ("inside our translator: SeaBIOS and OVMF",
             boots(d, BINARY, ("q35", "host", "SeaBIOS"), ("q35", "max", "OVMF"))),
        ]
        if "--long" in sys.argv:
            tests.append(("inside Debian's QEMU: microvm, firmware", boots(
                d, QEMU, ("microvm", "max"), ("q35", "host", "SeaBIOS"), ("q35", "max", "OVMF", OVMF_THERE))))
            tests.append(("inside our translator: what only KVM can do", boots(d, BINARY, ("q35", PARAVIRTUAL))))
            tests.append(("inside our translator: microvm with the kernel's chips, with Hyper-V's leaves", boots(
                d, BINARY, ("microvm", "max", "", ",kernel-irqchip=on"),
                ("microvm", f"max,hv-enforce-cpuid=on,{HYPERV}"))))
        return run_tap(tests)


if __name__ == "__main__":
    sys.exit(main())
