#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""devices.py BINARY: small devices as guests meet them, with Debian's QEMU as the judge.

vmgenid: the table leads to the number, whoever placed it. loader: what is in memory, a guest that
starts from it. pvpanic: what happens to the machine. pc-testdev: its registers."""
import base64
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import asm  # noqa: E402
from boards import BARE, BINARY, INITRD, OVMF, SLOW, TMP, guest_runs  # noqa: E402
from guest import HERE, Guest, GuestError, Skip, fetch, run_tap  # noqa: E402
from linux import Qmp  # noqa: E402

GUID = "324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87"
GUID_BYTES = bytes.fromhex("af6e4e32d1d1f64bbf41b9bb6c91fb87")
JUDGE = shutil.which("qemu-system-x86_64")


def qmp_args():
    qmp_args.n += 1
    path = f"{TMP}/{qmp_args.n}.qmp"
    return path, ["-qmp", f"unix:{path},server=on,wait=off"]


qmp_args.n = 0


def hmp(q, line):
    return q.cmd("human-monitor-command", **{"command-line": line})


def memory(q, addr, n):
    """Bytes of guest-physical memory."""
    return bytes(int(b, 16) for line in hmp(q, f"xp /{n}xb {addr:#x}").splitlines()
                 for b in line.split(":")[1].split())


# ---- vmgenid ----

def evaluate_addr(table, name):
    """What the method ADDR returns, by ACPICA's interpreter; the table must be clean for iasl."""
    path = f"{TMP}/{name}.aml"
    with open(path, "wb") as f:
        f.write(table)
    r = subprocess.run(["iasl", "-d", path], capture_output=True, text=True, check=False)
    if r.returncode or re.search(r"Error|Invalid", r.stdout + r.stderr):
        raise GuestError(r.stdout + r.stderr)
    with open(path[:-3] + "dsl", encoding="latin1") as f:
        text = f.read()
    with open(path[:-3] + "dsl", "w", encoding="latin1") as f:
        f.write(text.replace("QEMUVGID", "QEMU0003"))  # iasl wants digits in it
    r = subprocess.run(["iasl", "-tc", path[:-3] + "dsl"], capture_output=True, text=True, check=False)
    if "0 Errors, 0 Warnings" not in r.stdout:
        raise GuestError(r.stdout + r.stderr + text[:3000])
    for want in ('_CID, "VM_Gen_Counter"', '_DDN, "VM_Gen_Counter"', "Device (VGEN)"):
        if want not in text:
            raise GuestError(f"no {want} in\n{text}")
    r = subprocess.run(["acpiexec", "-b", "evaluate \\_SB.VGEN.ADDR; evaluate \\_SB.VGEN._STA", path],
                       capture_output=True, text=True, check=False)
    low, high, status = (int(x, 16) for x in re.findall(r"\[Integer\] = ([0-9A-F]+)", r.stdout))
    if status != 0x0f:
        raise GuestError(f"_STA is {status:#x}")
    return high << 32 | low


def vmgenid(program, machine, extra=()):
    def test():
        if not program:
            raise Skip("no qemu-system-x86_64")
        if not shutil.which("iasl") or not shutil.which("acpiexec"):
            raise Skip("no acpica-tools")
        if extra and not all(os.path.exists(f) for f in OVMF):
            raise Skip("no ovmf")
        path, args = qmp_args()
        argv = [program, "-M", machine, "-accel", "tcg", *BARE, "-m", "256", "-serial", "stdio", "-kernel",
                fetch("kernel"), "-initrd", INITRD, "-device", f"vmgenid,guid={GUID}", *extra, *args,
                "-append", 'console=ttyS0 quiet rhea.cmd="echo BEGIN; base64 '
                '/sys/firmware/acpi/tables/SSDT; echo END; sleep 1000"']
        with Guest(argv) as g:
            q = Qmp(path, timeout=20 * SLOW)
            g.expect("RHEA-GUEST-READY", 180 * SLOW)
            table = base64.b64decode(g.expect(rb"BEGIN\r?\n([A-Za-z0-9+/=\r\n]+?)END", 60 * SLOW).group(1))
            at = evaluate_addr(table, f"vmgenid{qmp_args.n}")
            if at % 4096 != 40:
                raise GuestError(f"the number is at {at:#x}")
            if memory(q, at - 40, 64) != bytes(40) + GUID_BYTES + bytes(8):
                raise GuestError(f"at {at:#x} is {memory(q, at - 40, 64).hex()}")
            if q.cmd("query-vm-generation-id") != {"guid": GUID}:
                raise GuestError("query-vm-generation-id tells another number")
            if program == BINARY and f"placed at {at - 40:#x}\n" not in hmp(q, "info qtree"):
                raise GuestError(f"firmware did not tell the address {at - 40:#x}")
            q.cmd("quit")
            return f"at {at:#x}"
    return test


# ---- loader ----

# At 30h, 20000h (by a segment) and 20004h (linear).
HEX = ":0300300002337A1E\n:020000022000DC\n:040000006162636472\n:020000040002F8\n:0200040065662F\n" \
      ":00000001FF\n"


def loader_memory(program):
    """Memory before the first instruction, for one of each kind."""
    raw = asm.write(TMP, "raw", b"raw bytes")
    text = asm.write(TMP, "a.hex", HEX.encode())
    elf = asm.write(TMP, "a.elf", asm.assemble(".globl start\nstart: .ascii \"text\"", 0x30000, raw=False))
    path, args = qmp_args()
    places = {0x10000: "data=0x1122334455667788,data-len=8", 0x10010: "data=0x11223344,data-len=2",
              0x10030: "data=0x1122,data-len=8,data-be=on",
              0x10040: f"file={raw}", 0x10050: f"file={elf},force-raw=on", 0x20000: f"file={text}",
              0x30000: f"file={elf}", 0x30: None}
    argv = [program, "-M", "pc", "-accel", "tcg", *BARE, "-S", *args]
    for at, what in places.items():
        argv += ["-device", f"loader,addr={at:#x},{what}"] if what else []
    with Guest(argv):
        q = Qmp(path, timeout=20 * SLOW)
        found = {at: memory(q, at, 16) for at in places}
        q.cmd("quit")
    return found


def loader_judge():
    if not asm.has_assembler():
        raise Skip("no binutils")
    ours = loader_memory(BINARY)
    if ours[0x10040][:10] != b"raw bytes\0" or ours[0x20000][:7] != b"abcdef\0" or \
            ours[0x30000][:4] != b"text" or ours[0x10000] != bytes.fromhex("8877665544332211") + bytes(8):
        raise GuestError(f"memory is {ours}")
    if not JUDGE:
        return "without judge"
    theirs = loader_memory(JUDGE)
    if ours != theirs:
        raise GuestError(f"we have {ours}, Debian's QEMU {theirs}")
    return f"{len(ours)} places"


# Says what is in memory and changes it; resets the machine once (CMOS byte 50h keeps that in mind).
STARTS = """
    .code16
    .globl start
        .ascii "not here"
    start:
        call 1f
    1:  pop si
        mov al, cs:[si + flag - 1b]
        mov ah, al
        mov byte ptr cs:[si + flag - 1b], 0x31
        put ah
        mov al, 0x50
        out 0x70, al
        in al, 0x71
        test al, al
        jnz 2f
        mov al, 0x50
        out 0x70, al
        mov al, 1
        out 0x71, al
        mov dx, 0xcf9
        mov al, 6
        out dx, al
    3:  hlt
        jmp 3b
    2:  exit 5
    flag: .byte 0x30
"""


def starts(what, org, extra=()):
    """A processor begins in what was loaded, at each reset."""
    def test():
        if not asm.has_assembler():
            raise Skip("no binutils")
        if what == "elf":
            image = asm.write(TMP, "s.elf", asm.assemble(STARTS, org, raw=False))
            loader = f"loader,file={image},cpu-num=0"
        else:
            image = asm.write(TMP, "s.bin", asm.assemble(STARTS, 0)[8:])
            loader = f"loader,file={image},addr={org:#x},cpu-num=0"
        argv = [BINARY, "-M", "pc", "-nodefaults", "-display", "none", "-m", "64", *asm.REPORT_ARGS,
                "-device", loader, *extra]
        with Guest(argv) as g:
            status = g.wait(60 * SLOW)
            if status != 11 or g.log != b"00":
                raise GuestError(f"status {status}, report {g.log}")
    return test


# ---- pvpanic ----

PANIC = {
    "pvpanic": """
        mov dx, 0x505
        in al, dx
        add al, 0x30
        mov bl, al
        put bl
        mov dx, 0x505
        mov al, {value}
        out dx, al
    """,
    "pvpanic-pci,addr=5": """
        .macro conf reg val
            mov dx, 0xcf8
            mov eax, 0x80002800 + \\\\reg
            out dx, eax
            mov dx, 0xcfc
            mov eax, \\\\val
            out dx, eax
        .endm
        conf 0x10 0xfeb00000
        conf 4 2
        mov bl, ds:[0xfeb00000]
        add bl, 0x30
        put bl
        mov byte ptr ds:[0xfeb00000], {value}
    """,
}


def settled(q):
    """The machine ended, stopped, or goes on."""
    return q.closed or any(e["event"] in ("STOP", "GUEST_CRASHLOADED") or
                           e["event"] == "GUEST_PANICKED" and e["data"]["action"] == "run" for e in q.events)


def panics(program, device, value, extra):
    """The events, the last state and the exit status."""
    source = PANIC[device].format(value=value).replace("\\\\", "\\")
    kernel = asm.write(TMP, "panic", asm.multiboot(source + "\n put 'W'\n 9: cli\n hlt\n jmp 9b"))
    path, args = qmp_args()
    argv = [program, "-M", "pc", "-accel", "tcg", "-nodefaults", "-display", "none", "-m", "64", "-S",
            "-kernel", kernel, "-device", device, *asm.REPORT_ARGS, *args, *extra]
    state = None
    with Guest(argv) as g:
        q = Qmp(path, timeout=20 * SLOW)
        q.cmd("cont")
        with q.cond:
            if not q.cond.wait_for(lambda: settled(q), 60 * SLOW):
                raise GuestError("no event")
        if not q.closed:
            state = q.cmd("query-status")["status"]
            q.cmd("quit")
        with q.cond:
            q.cond.wait_for(lambda: q.closed, 20 * SLOW)
        events = [(e["event"], e.get("data")) for e in q.events if e["event"] not in ("RESUME", "STOP")]
        status = g.wait(30 * SLOW)
        if not re.search(rb"(^|\n)3W?$", g.log):  # after the judge's firmware
            raise GuestError(f"the register reads as {g.log}")
    return events, state, status


def pvpanic(device):
    """Every -action, on us and the judge."""
    def test():
        if not asm.has_assembler():
            raise Skip("no binutils")
        cases = [(1, []), (2, []), (1, ["-no-shutdown"])]
        cases += [(1, ["-action", a]) for a in ("panic=pause", "panic=shutdown", "panic=exit-failure",
                                                "panic=none", "panic=exit-failure,shutdown=pause")]
        ours = panics(BINARY, device, 1, [])
        if ours != ([("GUEST_PANICKED", {"action": "poweroff"}),
                     ("SHUTDOWN", {"guest": True, "reason": "guest-panic"})], None, 0):
            raise GuestError(f"{ours}")
        for value, extra in cases if JUDGE else []:
            ours, theirs = (panics(p, device, value, extra) for p in (BINARY, JUDGE))
            if ours != theirs:
                raise GuestError(f"{value} {extra}: we have {ours}, Debian's QEMU {theirs}")
        return f"{len(cases)} cases" if JUDGE else "without judge"
    return test


def microvm_pvpanic():
    """The port is described where there is no ISA bridge, and nowhere without the device."""
    show = "cat /sys/bus/acpi/devices/QEMU0001:00/status; true"
    for extra, want in ((["-device", "pvpanic,ioport=0x508"], "15"), ([], "")):
        got = guest_runs(BINARY, "microvm", show, extra).strip()
        if (got if want else re.sub(".*No such file.*", "", got)) != want:
            raise GuestError(f"{extra}: {got}")


# ---- pc-testdev ----

TESTDEV = """
        .macro show             /* al in hexadecimal */
            call hex
        .endm
        .macro outb port val
            mov dx, \\port
            mov al, \\val
            out dx, al
        .endm
        .macro irr              /* what both 8259s have pending, but for the timer */
            outb 0x20 0x0a
            in al, dx
            and al, 0xfe
            show
            outb 0xa0 0x0a
            in al, dx
            show
        .endm
        mov dx, 0xe0            /* the word, in all sizes */
        mov eax, 0x12345678
        out dx, eax
        mov dx, 0xe1
        in al, dx
        show
        mov dx, 0xe2
        in ax, dx
        show
        mov al, ah
        show
        mov ax, 0xabcd
        out dx, ax
        mov dx, 0xe0
        in eax, dx
        call hex4
        mov dx, 0xe8            /* the same, by bytes */
        in eax, dx
        call hex4
        outb 0xea 0x55
        mov dx, 0xe0
        in eax, dx
        call hex4
        mov dx, 0xe4            /* the page may go for a moment */
        mov eax, offset page
        and eax, 0xfffff000
        out dx, eax
        mov al, ds:[page]
        show
        outb 0x20 0x11          /* lines, with everything masked */
        outb 0x21 0x20
        outb 0x21 4
        outb 0x21 1
        outb 0x21 0xff
        outb 0xa0 0x11
        outb 0xa1 0x28
        outb 0xa1 2
        outb 0xa1 1
        outb 0xa1 0xff
        irr
        outb 0x2005 1
        irr
        outb 0x200c 0x80
        irr
        outb 0x2005 0
        outb 0x200c 0
        irr
        mov dword ptr ds:[0xff000000], 0x11223344
        mov word ptr ds:[0xff000002], 0x5566
        mov byte ptr ds:[0xff000007], 0x99
        mov eax, ds:[0xff000000]
        call hex4
        mov eax, ds:[0xff000004]
        call hex4
        mov eax, ds:[0xff00fffc]
        call hex4
        exit 7
    page: .byte 0x77
    hex4:
        mov ecx, 4
    1:  push eax
        push ecx
        call hex
        pop ecx
        pop eax
        shr eax, 8
        loop 1b
        ret
    hex:
        push eax
        mov bl, al
        shr bl, 4
        call digit
        pop eax
        push eax
        mov bl, al
        and bl, 15
        call digit
        pop eax
        ret
    digit:
        push eax
        push edx
        add bl, 0x30
        cmp bl, 0x3a
        jb 2f
        add bl, 7
    2:  put bl
        pop edx
        pop eax
        ret
"""


def testdev_report(program):
    kernel = asm.write(TMP, "testdev", asm.multiboot(" mov esp, 0x180000\n" + TESTDEV))
    argv = [program, "-M", "pc", "-accel", "tcg", *BARE, "-m", "64", "-kernel", kernel, "-device",
            "pc-testdev", *asm.REPORT_ARGS]
    with Guest(argv) as g:
        status = g.wait(60 * SLOW)
        if status != 15:
            raise GuestError(f"status {status}\n{g.tail()}")
        return g.log.decode("latin1").split("\n")[-1]  # after the judge's firmware


def testdev():
    if not asm.has_assembler():
        raise Skip("no binutils")
    ours = testdev_report(BINARY)
    want = "56" "3412" "7856CDAB" "7856CDAB" "785655AB" "77" "0000" "2000" "2010" "2010" \
           "44336655" "00000099" "00000000"
    if ours != want:
        raise GuestError(f"the report is {ours}, not {want}")
    theirs = testdev_report(JUDGE) if JUDGE else ours
    if theirs != ours:
        raise GuestError(f"we have {ours}, Debian's QEMU {theirs}")
    return "" if JUDGE else "without judge"


if __name__ == "__main__":
    subprocess.run([f"{HERE}/mkinitrd", INITRD], check=True)
    SEABIOS = ["-bios", "bios-256k.bin"]
    TESTS = [
        ("generation ID on pc", vmgenid(BINARY, "pc")),
        ("generation ID on microvm", vmgenid(BINARY, "microvm")),
        ("generation ID on pc, SeaBIOS", vmgenid(BINARY, "pc", SEABIOS)),
        ("generation ID on q35, SeaBIOS", vmgenid(BINARY, "q35", SEABIOS)),
        ("generation ID on q35, OVMF", vmgenid(BINARY, "q35", ["-bios", OVMF[2]])),
        ("generation ID in Debian's QEMU: the same checks", vmgenid(JUDGE, "q35")),
        ("loader: memory, as Debian's QEMU", loader_judge),
        ("loader: a processor starts in a raw file", starts("raw", 0x7c00)),
        ("loader: a processor starts in an ELF file", starts("elf", 0x9000)),
        ("loader: a processor starts above 1 MiB", starts("raw", 0x123450)),
        ("pvpanic, as Debian's QEMU", pvpanic("pvpanic")),
        ("pvpanic-pci, as Debian's QEMU", pvpanic("pvpanic-pci,addr=5")),
        ("pvpanic in microvm's ACPI", microvm_pvpanic),
        ("pc-testdev, as Debian's QEMU", testdev),
    ]
    if SLOW > 1:
        TESTS = [t for t in TESTS if not t[0].startswith("generation")]
    status = run_tap(TESTS)
    shutil.rmtree(TMP)
    sys.exit(status)
