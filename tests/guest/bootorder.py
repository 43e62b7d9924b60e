#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""bootorder.py BINARY: what -boot, bootindex, -rtc and max-ram-below-4g tell SeaBIOS.

Each disk of a machine has a boot sector that says its own name on the serial port and then ends the
machine, or resets it. What is said must be what is expected, and what Debian's QEMU says."""
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import asm  # noqa: E402
from guest import Guest, Skip, run_tap, slowness  # noqa: E402
from linux import Qmp  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
JUDGE = shutil.which("qemu-system-x86_64")
EXIT = ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
BARE = ["-display", "none", "-nodefaults", "-m", "64", "-serial", "stdio", *EXIT]
FAILS = "strict=on,reboot-timeout=10"  # with -no-reboot that is the end
END, RESET = "mov dx, 0xf4; mov al, 0x21; out dx, al", "mov dx, 0xcf9; mov al, 6; out dx, al"

# The kinds of disk: how the command line names one, with @ for the file and extra for properties.
KINDS = {
    "floppy": "-drive if=none,id=floppy,format=raw,file=@ -device floppy,drive=floppy",
    "ide": "-drive if=none,id=ide,format=raw,file=@ -device ide-hd,bus=ide.0,drive=ide",
    "cd": "-drive if=none,id=cd,format=raw,media=cdrom,readonly=on,file=@ -device ide-cd,bus=ide.1,drive=cd",
    "virtio": "-drive if=none,id=virtio,format=raw,file=@ -device virtio-blk-pci,drive=virtio",
    "scsi": "-drive if=none,id=scsi,format=raw,file=@ -device virtio-scsi-pci -device scsi-hd,drive=scsi",
    "scsicd": "-drive if=none,id=scsicd,format=raw,media=cdrom,readonly=on,file=@ -device virtio-scsi-pci"
              " -device scsi-cd,drive=scsicd",
    "nvme": "-drive if=none,id=nvme,format=raw,file=@ -device nvme,serial=a,drive=nvme",
}


def sector(body, text=""):
    """A boot sector: stack and segments, body, then routines and a text."""
    code = asm.assemble(asm.BOOT16 + body + "\n2: hlt\n jmp 2b\n" + asm.PRINT16 +
                        f'\nname:\n .ascii "{text}"\n .byte 13, 10, 0\n .org 510\n .byte 0x55, 0xaa\n', 0x7c00)
    assert len(code) == 512
    return code


def named(name, last):
    return sector("mov si, offset name\n call text\n" + last, "boot " + name)


def cdrom(code):
    """An image that is nothing but an El Torito boot record, catalog and a sector without emulation."""
    def lba(n, data):
        image[2048 * n:2048 * n + len(data)] = data
    image = bytearray(24 * 2048)
    lba(16, b"\1CD001\1")
    lba(17, b"\0CD001\1EL TORITO SPECIFICATION".ljust(71, b"\0") + (19).to_bytes(4, "little"))
    lba(18, b"\xffCD001\1")
    check = bytes([1]) + bytes(27) + b"\xaa\x55\x55\xaa"
    lba(19, check + bytes([0x88, 0, 0, 0, 0, 0, 4, 0]) + (20).to_bytes(4, "little"))
    lba(20, code)
    return bytes(image)


def image(kind, name, last=END):
    """The disk of that kind whose sector says name; last = None: one without a boot sector."""
    code = named(name, last) if last else bytes(512)
    if kind.endswith("cd"):
        return cdrom(code) if last else bytes(24 * 2048)
    return code.ljust(1440 << 10 if kind == "floppy" else 8 << 20, b"\0")


def machine_args(directory, disks):
    """disks: (kind, properties, last) each."""
    args = []
    for kind, props, last in disks:
        path = asm.write(directory, kind, image(kind, kind, last))
        words = KINDS[kind].replace("@", path).split(" ")
        if kind == "floppy":  # whose place in the order is a property of the controller
            args += ["-global", props[1:].replace("bootindex", "isa-fdc.bootindexA")] if props else []
        else:
            words[-1] += props
        args += words
    return args


def said(program, args, seconds=15):
    r = subprocess.run([program, *BARE, *args], capture_output=True, stdin=subprocess.DEVNULL, check=False,
                       timeout=seconds * SLOW)
    if r.returncode not in (0, 0x43):
        raise AssertionError(f"{program}: status {r.returncode}\n{r.stdout!r}\n{r.stderr.decode()}")
    return r.stdout.decode("latin1").replace("\r", "").split("\n")[:-1]


def same(args, want):
    """Ours says want, and so does the judge."""
    got = said(BINARY, args)
    if got != want:
        raise AssertionError(f"it says {got}, not {want}")
    if JUDGE:
        theirs = said(JUDGE, args)
        if got != theirs:
            raise AssertionError(f"Debian's QEMU says {theirs}, we {got}")
    return ", ".join(got)


def order(machine, disks, boot, want):
    """The disks' names in the order they boot; none: the firmware gives up and resets."""
    def test():
        with tempfile.TemporaryDirectory(prefix="rhea-bootorder-") as d:
            more = ["-boot", *boot.split(" ")] if boot else []
            more += [] if want else ["-no-reboot"]
            return same(["-M", machine, *more, *machine_args(d, disks)], [f"boot {n}" for n in want])
    return test


def microvm(disks, boot, want):
    """Debian's firmware for microvm finds the disks in virtio-mmio slots. No judge: in Debian's QEMU
    this firmware stays silent without KVM."""
    def test():
        with tempfile.TemporaryDirectory(prefix="rhea-bootorder-") as d:
            args = ["-M", "microvm"]
            for name, props in disks:
                path = asm.write(d, name, named(name, END).ljust(8 << 20, b"\0"))
                args += ["-drive", f"if=none,id={name},format=raw,file={path}", "-device",
                         f"virtio-blk-device,drive={name}{props}"]
            got = said(BINARY, args + boot)
            if got != [f"boot {want}"]:
                raise AssertionError(f"it says {got}, not {want}")
    return test


def option_rom(boot, want):
    """A ROM with a bootstrap entry vector is what a network card has: n."""
    def test():
        with tempfile.TemporaryDirectory(prefix="rhea-bootorder-") as d:
            code = named("rom", END)
            rom = asm.write(d, "rom", asm.option_rom(asm.ROM_LOADER + ".byte " + ",".join(str(b) for b in code)))
            return same(["-boot", boot, "-fw_cfg", f"name=genroms/test.rom,file={rom}",
                         *machine_args(d, [("ide", "", END)])], [f"boot {want}"])
    return test


def menu(program, more, keys):
    """What the menu lists and what then boots; the firmware's console is the serial port."""
    with tempfile.TemporaryDirectory(prefix="rhea-bootorder-") as d:
        argv = [program, "-nographic", "-monitor", "none", "-serial", "stdio", "-nodefaults", "-m", "64",
                "-boot", "menu=on,splash-time=20000", *EXIT, *more,
                *machine_args(d, [("ide", "", END), ("virtio", "", END)])]
        with Guest(argv) as g:
            g.expect("Press ESC for boot menu", 30 * SLOW)
            g.send("\x1b")
            g.expect("Select boot device:", 20 * SLOW)
            start = g.seen
            g.expect(r"2\. [^\r\n]*[\r\n]", 20 * SLOW)
            time.sleep(0.5)
            listed = g.log[start:g.seen].decode("latin1")
            g.send(keys)
            booted = g.expect(r"boot (\w+)\r", 20 * SLOW).group(1).decode()
            g.wait(20 * SLOW)
        return [l.strip() for l in listed.splitlines() if l.strip()[:1].isdigit()], booted


def menu_choice():
    ours = [menu(BINARY, [], k) for k in "12"]
    if {b for _, b in ours} != {"ide", "virtio"}:
        raise AssertionError(f"{ours}")
    if JUDGE:
        theirs = [menu(JUDGE, [], k) for k in "12"]
        if ours != theirs:
            raise AssertionError(f"Debian's QEMU has {theirs}, we {ours}")
    return str(ours)


def splash_time():
    """Without a key it goes on after that many milliseconds."""
    took = []
    with tempfile.TemporaryDirectory(prefix="rhea-bootorder-") as d:
        disk = machine_args(d, [("ide", "", END)])
        for ms in (100, 4100):
            t0 = time.monotonic()
            if said(BINARY, ["-boot", f"menu=on,splash-time={ms}", *disk]) != ["boot ide"]:
                raise AssertionError("it did not boot")
            took.append(time.monotonic() - t0)
    if took[1] - took[0] < 3:
        raise AssertionError(f"100 ms and 4100 ms took {took} s")


def machine_says(body, options):
    """The lines of a sector that is alone on a disk."""
    def with_disk(program, run):
        with tempfile.TemporaryDirectory(prefix="rhea-bootorder-") as d:
            disk = asm.write(d, "disk", sector(body + END).ljust(8 << 20, b"\0"))
            return run(program, [*options, "-drive", f"if=ide,format=raw,file={disk}"])
    return with_disk


CLOCK = """
        mov ah, 4               /* century and year, month and day, hours and minutes, seconds */
        int 0x1a
        push dx
        mov ax, cx
        call hex
        pop ax
        call hex
        mov ah, 2
        int 0x1a
        push dx
        mov ax, cx
        call hex
        pop ax
        mov al, ah
        mov ah, 0
        call hex
        mov si, offset name
        call text
"""

E820 = """
        xor ebx, ebx
    1:  mov eax, 0xe820
        mov edx, 0x534d4150
        mov ecx, 20
        mov di, 0x600
        int 0x15
        push ebx
        mov bx, 9
    3:  mov ax, [0x600 + 2 * ebx]
        push bx
        call hex
        pop bx
        dec bx
        jns 3b
        mov si, offset name
        call text
        pop ebx
        test ebx, ebx
        jnz 1b
"""


def clock(options, want):
    def test():
        run = machine_says(CLOCK, ["-rtc", options])
        for program in [BINARY, *([JUDGE] if JUDGE else [])]:
            got = run(program, said)[0]
            if got[:14] != want[:14] or not 0 <= seconds_of(got) - seconds_of(want) <= 60 * SLOW:
                raise AssertionError(f"{program}: the clock says {got}, not {want} or a little later")
        return got
    return test


def seconds_of(line):
    hm, s = line.split()[2:4]
    return int(hm[:2]) * 3600 + int(hm[2:]) * 60 + int(s)


def paused(which):
    """Ten seconds before it starts: they count on the host's clock, not on the machine's."""
    def test():
        def run(program, args):
            sock = tempfile.mktemp(prefix="rhea-rtc-")
            with Guest([program, *BARE, "-S", "-qmp", f"unix:{sock},server=on,wait=off", *args]) as g:
                q = Qmp(sock)
                time.sleep(10)
                t0 = time.monotonic()
                q.cmd("cont")
                line = g.expect(r"\d{4} \d{4} \d{4} \d{4} ", 60 * SLOW).group(0).decode()
                took = time.monotonic() - t0
                g.wait(20 * SLOW)
                os.unlink(sock) if os.path.exists(sock) else None
                return seconds_of(line) - (16 * 3600 + 81) - took
        machine = machine_says(CLOCK, ["-rtc", f"base=2006-06-17T16:01:21,clock={which}"])
        for program in [BINARY, *([JUDGE] if JUDGE else [])]:
            ahead = machine(program, run)
            if abs(ahead - (0 if which == "vm" else 10)) > 3:
                raise AssertionError(f"{program}: clock={which} is {ahead:.1f} s ahead of the running time")
    return test


HYPERTRANSPORT = "0000 0002 0000 0003 0000 0000 0000 00FD 0000 0000 "


def memory(machine, size):
    def test():
        def run(_, args):
            ours = said(BINARY, args)
            # Newer boards of QEMU also reserve AMD's HyperTransport space.
            theirs = [l for l in said(JUDGE, args) if l != HYPERTRANSPORT] if JUDGE else ours
            if ours != theirs:
                raise AssertionError(f"Debian's QEMU has {theirs}, we {ours}")
        return machine_says(E820, ["-M", machine, "-m", size])(BINARY, run)
    return test


F, I, C = ("floppy", "", END), ("ide", "", END), ("cd", "", END)
ALL = ["floppy", "ide", "cd", "virtio", "scsi", "nvme"]


def with_index(first):
    """Every kind with a boot index, `first` before the others."""
    return [(k, f",bootindex={0 if k == first else 10 + n}", END) for n, k in enumerate(ALL)]


if __name__ == "__main__":
    if not asm.has_assembler():
        print("1..0 # SKIP no assembler")
        sys.exit(0)
    FIC = [F, I, C]
    NOT = ("ide", ",bootindex=0", None)  # SeaBIOS tries one hard disk, then other kinds
    TESTS = [
        ("no -boot: the disk", order("pc", FIC, None, ["ide"])),
        ("order=a", order("pc", FIC, "order=a", ["floppy"])),
        ("order=b", order("pc", FIC, "order=b", ["floppy"])),
        ("order=d", order("pc", FIC, "d", ["cd"])),
        ("order=dc on q35", order("q35", [I, C], "order=dc", ["cd"])),
        ("order=nc: no network card", order("pc", FIC, "order=nc", ["ide"])),
        ("order=ad: no floppy in it", order("pc", [("floppy", "", None), I, C], "order=ad", ["cd"])),
        ("once=d", order("pc", [F, I, ("cd", "", RESET)], "once=d", ["cd", "ide"])),
        ("once=d,order=ac", order("pc", [F, I, ("cd", "", RESET)], "once=d,order=ac", ["cd", "floppy"])),
        ("once=c,order=d on q35", order("q35", [("ide", "", RESET), C], "once=c,order=d", ["ide", "cd"])),
        *[(f"bootindex: {k} before five others", order("pc", with_index(k), None, [k])) for k in ALL],
        ("bootindex before order", order("pc", [F, I, ("cd", ",bootindex=1", END)], "order=a", ["cd"])),
        ("bootindex: the next one if the first is not bootable",
         order("q35", [NOT, ("scsicd", ",bootindex=1", END), ("virtio", ",bootindex=2", END)], None, ["scsicd"])),
        ("bootindex: SCSI CD-ROM", order("q35", [I, ("scsicd", ",bootindex=1", END)], None, ["scsicd"])),
        ("strict=on: a CD-ROM without bootindex is not tried",
         order("pc", [NOT, C], FAILS, [])),
        ("strict=off: it is", order("pc", [NOT, C], "strict=off", ["cd"])),
        ("strict=on without any bootindex", order("pc", FIC, "strict=on", ["ide"])),
        ("two -boot options add up", order("pc", [NOT, C], f"{FAILS} -boot order=d", [])),
        ("option ROM: order=n", option_rom("order=n", "rom")),
        ("option ROM: order=c", option_rom("order=c", "ide")),
        ("microvm: a virtio-mmio disk", microvm([("only", "")], [], "only")),
        ("microvm: bootindex 2, 1", microvm([("a", ",bootindex=2"), ("b", ",bootindex=1")], [], "b")),
        ("microvm: bootindex 1, 2", microvm([("a", ",bootindex=1"), ("b", ",bootindex=2")], [], "a")),
        ("microvm: without RTC and 8254", microvm([("a", ""), ("b", ",bootindex=0")],
                                                  ["-M", "microvm,rtc=off,pit=off"], "b")),
        ("menu=on", menu_choice),
        ("splash-time=", splash_time),
        ("-rtc base=", clock("base=2006-06-17T16:01:21", "2006 0617 1601 0021 ")),
        ("-rtc base=,clock=vm", clock("base=1999-12-31T23:00:00,clock=vm", "1999 1231 2300 0000 ")),
        ("-rtc clock=vm stands still while paused", paused("vm")),
        ("-rtc clock=host does not", paused("host")),
        *[(f"memory map of {m}, -m {s}", memory(m, s)) for m, s in (
            ("pc,acpi=off", "256"), ("pc,acpi=off,max-ram-below-4g=128M", "256"),
            ("q35,acpi=off,max-ram-below-4g=64M", "200"), ("pc,acpi=off,max-ram-below-4g=1G", "256"),
            ("pc,acpi=off", "4G"), ("q35,acpi=off", "3G"))],
    ]
    if len(sys.argv) > 2:
        TESTS = [t for t in TESTS if sys.argv[2] in t[0]]
    if SLOW > 1:
        TESTS = TESTS[:3]
    sys.exit(run_tap(TESTS))
