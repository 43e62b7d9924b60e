#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""guests.py BINARY [name...]: guests under -accel kvm, judged by the translator.

Small guests (cases/*.s here, and those of ../hostile that this kernel's own emulation gets right)
run under both; what they print and how they end must be the same. Then instructions that the
kernel does not emulate, found by executing many; being called out of the guest at any moment;
firmware; and what is said where KVM is not used. Without a usable /dev/kvm all are skipped.

Local APICs are in the kernel unless a name ends in ", our APICs"; 8259s, I/O APIC and 8254 only where it ends in
", kernel's chips"."""
import json
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "guest"), os.path.join(HERE, "..", "hostile"), HERE]
import asm  # noqa: E402
import avx512  # noqa: E402
import failing  # noqa: E402
import insns  # noqa: E402
import judged  # noqa: E402
from guest import Guest, Skip, run_tap, slowness  # noqa: E402
from preludes import x64  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
BARE = ["-display", "none", "-nodefaults", "-m", "16"]
HOSTILE = ["alignment", "apic-storm", "code-in-rom", "ferr", "fwcfg-dma", "high-bytes16", "null-ltr",
           "page-fault-nesting", "rom", "self-map", "smc", "smm", "smm32", "timer-storm", "triple-fault",
           "triple-fault-reset"]
# What a KVM need not know (beside modes.s, where the kernel takes the last one of several start-up IPIs): SMIs by IPI where
# it has no system management mode; how many of 500 interrupts to oneself come before the next instruction (the software
# KVM of some nested hosts is late, with other emulators, too).
OURS_ONLY = ["apic-storm", "smm", "smm32"]
BOTH = ["ferr", "triple-fault-reset"]
OURS = "kvm,kernel-irqchip=off"
KERNELS = "kvm,kernel-irqchip=on"


def need_kvm():
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise Skip("no usable /dev/kvm")


def run(accel, extra, seconds):
    return judged.run([BINARY, *BARE, "-accel", accel, *extra], seconds * SLOW)


def same(path, accel="kvm"):
    def test():
        need_kvm()
        source = judged.read_case(path)
        head = source[:source.index("*/")]
        if " intel:" in head and "GenuineIntel" not in open("/proc/cpuinfo", encoding="utf-8").read():
            raise Skip("an Intel processor's answers are expected, and the host has another one")
        option, image = judged.make_image(source)
        extra = asm.REPORT_ARGS + ([] if " reboot" in head else ["-no-reboot"]) + re.findall(r"arg (\S+)", head)
        with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d:
            file = asm.write(d, "image", image)
            got = run(accel, [*extra, option, file], 60)
            judged.compare("KVM", got, run("tcg", [*extra, option, file], 30), "translator")
        return f"status {got[0]:#x}, {len(got[1])} bytes"
    return test


# ---- rescue ----

def results(out):
    return dict(line.split(b" ", 1) for line in out.split(b"\n") if b" " in line)


def rescue():
    """Every instruction has the translator's result, whoever executed it, and the log says who did."""
    need_kvm()
    names = [i for i, _ in insns.items()]
    with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d:
        file, log = asm.write(d, "image", asm.multiboot(x64() + insns.source())), f"{d}/log"
        extra = ["-no-reboot", *asm.REPORT_ARGS, "-kernel", file]
        want = run("tcg", extra, 30)
        got = run("kvm", [*extra, "-d", "unimp", "-D", log], 60)
        with open(log, encoding="utf-8") as f:
            failed = set(re.findall(r"KVM does not emulate the instruction at (0x[0-9a-f]+)", f.read()))
        ours, theirs = results(got[1]), results(want[1])
        wrong = [f"{names[int(n, 16)]}: {ours.get(n)} instead of {v}" for n, v in theirs.items() if ours.get(n) != v]
        if wrong or len(theirs) != len(names) or got[0] != want[0]:
            raise AssertionError(f"{len(theirs)} of {len(names)} results, status {got[0]} and {want[0]}\n" + "\n".join(wrong))
    return f"{len(names)} instructions, the kernel failed at {len(failed)} addresses"


def rescue_off():
    """Without rescue the machine stops at the first one and says so."""
    need_kvm()
    with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d:
        file = asm.write(d, "image", asm.multiboot(x64() + insns.source()))
        with Guest([BINARY, *BARE, "-accel", "kvm,rescue=off", "-monitor", "stdio", "-kernel", file]) as g:
            if not g.appears("KVM internal error. Suberror: 1", 20 * SLOW):
                raise Skip("this kernel emulates everything")
            for _ in range(100):
                time.sleep(0.05 * SLOW)
                g.send("info status\n")
                if b"internal-error" in g.expect("VM status: ([^\r\n]*)", 10 * SLOW).group(1):
                    break
            else:
                raise AssertionError("the machine goes on")
            g.send("quit\n")
            if g.wait(10 * SLOW):
                raise AssertionError("status after quit")


# ---- called out ----

SPIN = """
    main:
        put 1
    1:  inc dword ptr [0x300000]
        pause
        jmp 1b
"""
HALT = """
    main:
        put 1
        cli
    1:  hlt
        jmp 1b
"""


class Qmp(Guest):
    def __init__(self, argv):
        super().__init__([BINARY, *BARE, *argv, "-qmp", "stdio"])
        self.expect("QMP", 10 * SLOW)
        self.do("qmp_capabilities")

    def do(self, command, **arguments):
        self.send(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        m = self.expect(r'\{"(return|error)": (.*)\}\r?\n', 20 * SLOW)
        if m.group(1) == b"error":
            raise AssertionError(f"{command}: {m.group(2)}")
        return m.group(2)


def kicks(source, accel="kvm"):
    """Stop, registers, reset, go on, again and again, and quit in whatever state."""
    def test():
        need_kvm()
        with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d:
            file = asm.write(d, "image", asm.multiboot(x64() + source))
            with Qmp(["-accel", accel, "-smp", "2", "-kernel", file]) as g:
                fds = len(os.listdir(f"/proc/{g.p.pid}/fd"))
                for i in range(120):
                    g.do("stop")
                    g.do("human-monitor-command", **{"command-line": "info registers"})
                    if i % 8 == 3:
                        g.do("system_reset")
                    g.do("cont")
                    g.do("human-monitor-command", **{"command-line": "info registers"})
                if len(os.listdir(f"/proc/{g.p.pid}/fd")) != fds:
                    raise AssertionError("file descriptors leak")
                g.do("quit")
                if g.wait(10 * SLOW):
                    raise AssertionError("status after quit")
    return test


def counts_on():
    """What a guest counted stands still while it is stopped, and goes on from there."""
    need_kvm()
    with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d:
        file = asm.write(d, "image", asm.multiboot(x64() + SPIN))
        with Qmp(["-accel", "kvm", "-kernel", file]) as g:
            def count():
                text = g.do("human-monitor-command", **{"command-line": "xp /1wx 0x300000"})
                return int(re.search(rb": 0x([0-9a-f]+)", text).group(1), 16)
            seen = 0
            for _ in range(20):
                g.do("stop")
                a, b = count(), count()
                if a != b or a < seen:
                    raise AssertionError(f"{seen}, {a}, {b}")
                seen = a
                g.do("cont")
            while count() == seen:
                pass
            g.do("quit")


# ---- from one accelerator to another ----

# Two sums that must agree, in general and in vector registers, on two processors; time never goes back (where the kernel
# gives guests a counter of their own). A one-shot timer calls the other processor, which calls back, which arms the timer:
# one interrupt that is lost stops all. Registers of the APIC stay what they were.
# Bad: the word at 300000h is not 0. Rounds are counted at 300040h and 300080h, interrupts at 3000c0h and 300100h.
CHECKS = """
        .set BAD, 0x300000
        .set ROUNDS, 0x300040
        .set TICKS, 0x3000c0
        .set CALLS, 0x300100
        .set READY, 0x300140
    main:
        mov edi, BAD
        mov ecx, 128
        xor eax, eax
        rep stosd
        mask_8259s
        interrupt 0x30, tick
        interrupt 0x31, called
        interrupt 0x32, answered
        mov qword ptr [second_entry], offset other
        call start_second
        mov edi, 0xfee00000
        mov dword ptr [rdi + 0xf0], 0x1ff
        mov dword ptr [rdi + 0xd0], 0x1000000
        mov dword ptr [rdi + 0x370], 0xfe
        mov dword ptr [rdi + 0x3e0], 0xb
        mov dword ptr [rdi + 0x320], 0x30
    1:  pause
        cmp dword ptr [READY], 0
        je 1b
        mov dword ptr [rdi + 0x380], 3000000
        sti
        mov ebx, ROUNDS
        jmp checks
    other:
        mov esp, STACK - 0x2000
        mov ebx, ROUNDS + 64
        mov edi, 0xfee00000
        mov dword ptr [rdi + 0xf0], 0x1ff
        sti
        mov dword ptr [READY], 1
    checks:
        xor r8d, r8d
        xor r9d, r9d
        pxor xmm5, xmm5
        rdtsc                       /* a KVM in software may show the host's counter as it is */
        shr edx, 5                  /* but this machine is no minute old: 2^37 ticks */
        mov r12d, edx
        xor r11d, r11d
    1:  inc r8
        add r9, r8
        movq xmm4, r8
        paddq xmm5, xmm4
        test r8d, 255
        jnz 1b
        lea rax, [r8 + 1]
        imul rax, r8
        shr rax, 1
        cmp rax, r9
        jne bad
        movq rcx, xmm5
        cmp rax, rcx
        jne bad
        test r12d, r12d
        jnz 2f
        rdtsc
        shl rdx, 32
        or rax, rdx
        cmp rax, r11
        jb bad
        mov r11, rax
    2:  inc qword ptr [rbx]
        jmp 1b
    bad:
        mov dword ptr [BAD], 1
        cli
        hlt
    .macro same_still r, val
        cmp dword ptr [rdi + \\r], \\val
        jne bad
    .endm
    .macro call_other apic, vector
        mov dword ptr [rdi + 0x310], \\apic << 24
        mov dword ptr [rdi + 0x300], 0x4000 + \\vector
        mov dword ptr [rdi + 0xb0], 0
        pop rdi
        iretq
    .endm
    tick:                           /* timer, other processor, back here, timer */
        push rdi
        inc dword ptr [TICKS]
        mov edi, 0xfee00000
        same_still 0xd0, 0x1000000
        same_still 0xf0, 0x1ff
        same_still 0x320, 0x30
        same_still 0x370, 0xfe
        same_still 0x3e0, 0xb
        call_other 1, 0x31
    called:
        push rdi
        inc dword ptr [CALLS]
        mov edi, 0xfee00000
        call_other 0, 0x32
    answered:
        push rdi
        mov edi, 0xfee00000
        mov dword ptr [rdi + 0x380], 1000000
        mov dword ptr [rdi + 0xb0], 0
        pop rdi
        iretq
"""


# The 8254 by the 8259s and by the I/O APIC, the RTC by the second 8259; what is written to the chips stays there.
CHIPS = """
        .set BAD, 0x300000
        .set PIC_TICKS, 0x300040
        .set APIC_TICKS, 0x300080
        .set RTC_TICKS, 0x3000c0
        .set ROUNDS, 0x300100
    .macro outb port, val
        mov al, \\val
        out \\port, al
    .endm
    main:
        mov edi, BAD
        mov ecx, 128
        xor eax, eax
        rep stosd
        interrupt 0x20, tick
        interrupt 0x28, rtc
        interrupt 0x33, apic_tick
        outb 0x20, 0x11
        outb 0x21, 0x20
        outb 0x21, 4
        outb 0x21, 1
        outb 0xa0, 0x11
        outb 0xa1, 0x28
        outb 0xa1, 2
        outb 0xa1, 1
        outb 0x21, 0xfa
        outb 0xa1, 0xfe
        mov edx, 0x4d1
        outb dx, 0x0c
        mov edi, 0xfee00000
        mov dword ptr [rdi + 0xf0], 0x1ff
        mov dword ptr [rdi + 0x350], 0x700
        mov edi, 0xfec00000
        mov dword ptr [rdi], 0x15
        mov dword ptr [rdi + 0x10], 0
        mov dword ptr [rdi], 0x14
        mov dword ptr [rdi + 0x10], 0x33
        outb 0x70, 0x0a
        outb 0x71, 0x26
        outb 0x70, 0x0b
        outb 0x71, 0x42
        outb 0x70, 0x0c
        in al, 0x71
        outb 0x43, 0x34
        outb 0x40, 0xa9
        outb 0x40, 0x04
        outb 0x43, 0xb6
        outb 0x42, 0x34
        outb 0x42, 0x12
        outb 0x61, 1
        sti
    1:  hlt
        inc dword ptr [ROUNDS]
        .irp p, 0x21, 0xa1
        in al, \\p
        mov ah, al
        in al, \\p
        cmp al, ah
        jne bad
        .endr
        in al, 0x21
        cmp al, 0xfa
        jne bad
        in al, 0xa1
        cmp al, 0xfe
        jne bad
        mov edx, 0x4d1
        in al, dx
        cmp al, 0x0c
        jne bad
        mov edx, 0x4d0
        in al, dx
        cmp al, 0
        jne bad
        in al, 0x61
        and al, 3
        cmp al, 1
        jne bad
        cli
        outb 0x43, 0xe8                 /* status of counter 2: written in two bytes, mode 3 */
        in al, 0x42
        and al, 0x3f
        cmp al, 0x36
        jne bad
        outb 0x43, 0xe2                 /* of counter 0: mode 2 */
        in al, 0x40
        and al, 0x3f
        cmp al, 0x34
        jne bad
        outb 0x43, 0                    /* its count is below what was loaded */
        in al, 0x40
        mov bl, al
        in al, 0x40
        mov bh, al
        cmp bx, 0x4a9
        ja bad
        mov edi, 0xfec00000
        mov dword ptr [rdi], 0x14
        mov eax, [rdi + 0x10]
        and eax, 0x1afff
        cmp eax, 0x33
        jne bad
        sti
        jmp 1b
    bad:
        mov dword ptr [BAD], 1
        cli
        hlt
    tick:
        push rax
        inc dword ptr [PIC_TICKS]
        outb 0x20, 0x20
        pop rax
        iretq
    rtc:
        push rax
        inc dword ptr [RTC_TICKS]
        outb 0x70, 0x0c
        in al, 0x71
        outb 0xa0, 0x20
        outb 0x20, 0x20
        pop rax
        iretq
    apic_tick:
        push rdi
        inc dword ptr [APIC_TICKS]
        mov edi, 0xfee00000
        mov dword ptr [rdi + 0xb0], 0
        pop rdi
        iretq
"""
COUNTERS = (0x300040, 0x300080, 0x3000c0, 0x300100)


def switching(accel="kvm", source=CHECKS):
    """100 times while the guest checks itself."""
    need_kvm()
    with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d:
        file = asm.write(d, "image", asm.multiboot(x64() + source))
        with Qmp(["-accel", accel, "-smp", "2", "-kernel", file]) as g:
            def monitor(line):
                return g.do("human-monitor-command", **{"command-line": line})

            def word(addr):
                return int(re.search(rb": 0x([0-9a-f]+)", monitor(f"xp /1wx {addr:#x}")).group(1), 16)

            def progress():
                """Until each processor did something more, or ten seconds; the counters."""
                before, end = [word(a) for a in COUNTERS], time.monotonic() + 10 * SLOW
                while time.monotonic() < end:
                    now = [word(a) for a in COUNTERS]
                    if all(a != b for a, b in zip(now, before)):
                        return now
                raise AssertionError(f"stands still: {before}, {now}")

            progress()
            for i in range(100):
                to = ("tcg", "kvm")[i % 2]
                if i % 5 == 0:
                    g.do("stop")
                    g.do("accel-switch", accel=to)
                    g.do("cont")
                else:
                    g.do("accel-switch", accel=to)
                if i % 10 == 9:
                    progress()
                if word(0x300000):
                    raise AssertionError(f"wrong after switch {i}:" + monitor("info registers -a").decode().replace("\\n", "\n"))
            counts = progress()
            g.do("system_reset")
            progress()
            g.do("quit")
            if g.wait(10 * SLOW):
                raise AssertionError("status after quit")
    return f"rounds and interrupts: {counts}"


# Something in every register that `info registers` shows, and then nothing changes any more.
STILL = """
    main:
        cli
        .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        mov rax, 0x0123456789abcdef * (\\n + 3)
        movq xmm\\n, rax
        pshufd xmm\\n, xmm\\n, 0x1b + \\n
        .endr
        fldpi
        fld1
        fldl2e
        mov eax, 0x123000
        mov dr0, rax
        mov dr1, rax
        mov dr2, rax
        mov dr3, rax
        .irp r, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
        mov \\r, 0x1122334455667788
        rol \\r, 3
        add \\r, [rsp - 8]
        push \\r
        .endr
        std
        mov dword ptr [0x300000], 1
    1:  jmp 1b
"""


def still():
    """What one accelerator made of a state is what the other one tells of it, bit for bit."""
    need_kvm()
    with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d:
        file = asm.write(d, "image", asm.multiboot(x64() + STILL))
        with Qmp(["-accel", "kvm", "-kernel", file]) as g:
            def monitor(line):
                return g.do("human-monitor-command", **{"command-line": line})
            while b": 0x00000001" not in monitor("xp /1wx 0x300000"):
                pass
            want = monitor("info registers")
            for i in range(20):
                g.do("accel-switch", accel=("tcg", "kvm")[i % 2])
                for _ in range(5):
                    got = monitor("info registers")
                    if got != want:
                        raise AssertionError(f"switch {i}:\n{want.decode()}\n{got.decode()}".replace("\\n", "\n"))
            g.do("quit")


def switching_refused():
    """What the other one does not have, or does not take over."""
    need_kvm()
    with Qmp(["-S", "-accel", "tcg"]) as g:
        for accel, text in (("null", "cannot move"), ("kmv", "did you mean 'kvm'"), ("kvm", "which accelerator 'kvm'")):
            g.send(json.dumps({"execute": "accel-switch", "arguments": {"accel": accel}}) + "\n")
            said = g.expect(r'\{"error": (.*)\}\r?\n', 20 * SLOW).group(1).decode()
            if text not in said:
                raise AssertionError(f"{accel}: {said}")
        g.do("quit")


def other_accel():
    """x-accel=: whether a machine can move is known before it runs."""
    need_kvm()
    for accel, text in (("kvm,x-accel=kvm", "what the machine begins under"), ("tcg,x-accel=kmv", "did you mean 'kvm'"),
                        ("tcg,x-accel=kvm", "which accelerator 'kvm' does not have; .*-cpu MODEL,")):
        says(["-accel", accel], 1, text)()
    with Qmp(["-accel", "kvm,x-accel=tcg,rescue=on", "-cpu", "qemu64,-pni,-svm"]) as g:
        for accel in ("tcg", "kvm"):
            g.do("accel-switch", accel=accel)
        g.do("quit")


def halt_polling():
    need_kvm()
    usual = info_kvm("-accel", "kvm")
    if not re.search(r"\\nhalt polling: (up to \d+ ns, )?as the kernel does", usual):
        raise AssertionError(usual)
    argv = ["-accel", "kvm,halt-poll-ns=70000"]
    r = subprocess.run([BINARY, *BARE, *argv, "-S", "-monitor", "stdio"], capture_output=True, text=True, input="info kvm\nquit\n",
                       check=False, timeout=30 * SLOW)
    if "halt polling: up to 70000 ns" not in r.stdout and "lacks KVM_CAP_HALT_POLL" not in r.stderr:
        raise AssertionError(f"{r.stdout}{r.stderr}")


# ---- AVX-512, AMX ----

class Wide(Qmp):
    """A guest of avx512.py."""
    def __init__(self, d, source, *argv):
        with open("/proc/cpuinfo", encoding="ascii") as f:
            if " avx512f " not in f.read():
                raise Skip("this processor has no AVX-512")
        file = asm.write(d, "image", asm.multiboot(x64() + source))
        super().__init__(["-no-reboot", "-accel", "kvm", "-cpu", "host,x-force-features=on,+xsave,+avx,+avx2,+avx512f,+avx512bw,+avx512vl", *argv, "-kernel", file])

    def word(self, addr):
        text = self.do("human-monitor-command", **{"command-line": f"xp /1wx {addr:#x}"})
        return int(re.search(rb": 0x([0-9a-f]+)", text).group(1), 16)

    def refused(self, accel):
        self.send(json.dumps({"execute": "accel-switch", "arguments": {"accel": accel}}) + "\n")
        return self.expect(r'\{"(?:return|error)": (.*)\}\r?\n', 20 * SLOW).group(1).decode()


def wide_registers():
    """They are kept while it is stopped, moved about by the translator's help, and asked for."""
    need_kvm()
    with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d:
        with Wide(d, avx512.RESCUED, "-chardev", f"file,path={d}/said,id=d", "-device",
                  "isa-debugcon,iobase=0xe9,chardev=d", "-device", "isa-debug-exit") as g:
            end, seen = time.monotonic() + 5 * SLOW, 0
            while seen < 60 and time.monotonic() < end:
                g.do("stop")
                g.do("human-monitor-command", **{"command-line": "info registers"})
                g.do("cont")
                seen = g.word(0x300000)
            tiles = g.word(0x300010)
            said = g.refused("tcg")
            for text in ("'avx512f'", "'avx512vl'", ",-avx512f", *(["'amx-tile'", ",-amx-tile"] if tiles else [])):
                if text not in said:
                    raise AssertionError(f"{text} is not in {said}")
            kvm = g.do("human-monitor-command", **{"command-line": "info kvm"})
            g.do("human-monitor-command", **{"command-line": "stop"})
            g.do("quit")
        with open(f"{d}/said", "rb") as f:
            if f.read() or not seen:
                raise AssertionError(f"wrong after {seen} rounds")
    n = re.search(rb"rescued instructions: (\d+)", kvm).group(1).decode()
    return f"{seen} rounds, {n} steps of the translator{', tiles' if tiles else ''}"


def wide_rescue():
    """An instruction of AVX-512 that KVM does not emulate ends with an error, and not with #UD."""
    need_kvm()
    with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d:
        with Wide(d, avx512.NOBODY) as g:
            if not g.appears("is of AVX-512 or AMX, which neither KVM emulates nor the translator has", 20 * SLOW):
                raise Skip("this kernel emulates it")
            g.do("quit")


def wide_without():
    """Without them a processor of the host's kind moves."""
    need_kvm()
    with tempfile.TemporaryDirectory(prefix="rhea-kvm-") as d:
        with Wide(d, SPIN, "-cpu", "host,-avx512f,-amx-tile") as g:
            said = g.refused("tcg")
            if "avx512" in said or "amx" in said:
                raise AssertionError(said)
            g.do("quit")


# ---- firmware, and the command line ----

def seabios(board, accel="kvm"):
    def test():
        need_kvm()
        argv = [BINARY, "-display", "none", "-nodefaults", "-m", "64", "-no-reboot", "-M", board, "-accel", accel,
                "-chardev", "stdio,id=d", "-device", "isa-debugcon,iobase=0x402,chardev=d"]
        with Guest(argv) as g:
            g.expect("SeaBIOS", 60 * SLOW)
            g.expect("No bootable device", 120 * SLOW)
    return test


def says(argv, status, text, binary=BINARY, text_in=""):
    def test():
        need_kvm()
        r = subprocess.run([binary, *BARE, *argv], capture_output=True, text=True, input=text_in, check=False,
                           timeout=30 * SLOW)
        if r.returncode != status or not re.search(text, r.stderr):
            raise AssertionError(f"{argv}: status {r.returncode}, {r.stderr!r}")
    return test


def arm(argv, text, status=1):
    return says(argv, status, text, os.path.join(os.path.dirname(os.path.abspath(BINARY)), "rhea-system-aarch64"))


def alternatives():
    """-accel kvm -accel tcg, -machine accel=kvm:tcg and -enable-kvm choose KVM where it is."""
    need_kvm()
    for argv in (["-accel", "kvm", "-accel", "tcg"], ["-machine", "pc,accel=kvm:tcg"], ["-enable-kvm"]):
        with Qmp(["-S", *argv]) as g:
            if b'"enabled": true' not in g.do("query-kvm"):
                raise AssertionError(f"{argv}: KVM is not used")
            text = g.do("human-monitor-command", **{"command-line": "info kvm"})
            if not re.search(rb"kernel-irqchip: (split|off)", text) or b"memory slots: " not in text \
                    or b"MSRs that are not saved: none" not in text:
                raise AssertionError(text)
            g.do("quit")


def irqchip(argv, mode):
    """The mode that `info kvm` tells; split needs a kernel that can."""
    def test():
        need_kvm()
        with Qmp(["-S", *argv]) as g:
            text = g.do("human-monitor-command", **{"command-line": "info kvm"})
            if mode == "split" and b"split interrupt controllers: yes" not in text:
                raise Skip("this kernel has no local APICs of its own")
            if f"kernel-irqchip: {mode}\\n".encode() not in text:
                raise AssertionError(text)
            g.do("quit")
    return test


def info_kvm(*argv, move=False):
    """What it says of such a machine; move: of one that began under the translator."""
    with Qmp(["-S", *argv]) as g:
        if move:
            g.do("accel-switch", accel="kvm")
        text = g.do("human-monitor-command", **{"command-line": "info kvm"}).decode()
        g.do("quit")
    return text


def info_moved(*argv):
    cpu = "qemu64,-pni,-svm" # what software KVMs have
    try:
        return info_kvm(*argv, "-cpu", cpu, move=True)
    except AssertionError as e:
        hz = re.search(r"counter runs at (\d+) Hz", str(e))
        if not hz:
            raise
        return info_kvm(*argv, "-cpu", f"{cpu},tsc-frequency={hz.group(1)}", move=True)


def smm():
    """A kernel without system management mode: who has it all the same, and what is said where SMIs would be lost."""
    need_kvm()
    usual = info_kvm("-M", "q35", "-accel", "kvm")
    if "capability: system management mode: yes" in usual or "kernel-irqchip: off" in usual:
        raise Skip("nothing is lost here")
    for text, want in ((usual, "none"), (info_kvm("-M", "q35,smm=on", "-accel", OURS), "executed by the translator"),
                       (info_kvm("-M", "q35,smm=off", "-accel", OURS), "none"),
                       (info_moved("-M", "q35", "-accel", "tcg"), "executed by the translator"),
                       (info_moved("-M", "q35,smm=off", "-accel", "tcg"), "none")):
        if f"\\nsystem management mode: {want}" not in text.replace("\\r", ""):
            raise AssertionError(f"not {want!r}: {text}")
    for accel, mode in (("kvm", "split"), (KERNELS, "on")):
        says(["-M", "pc,smm=on", "-accel", accel], 1, f"smm=on: .* lacks KVM_CAP_X86_SMM, .* kernel-irqchip={mode} .*"
             "kernel-irqchip=off .* smm=off")()


def no_machines(argv, status, text):
    """A KVM that opens, but makes no virtual machines."""
    def test():
        need_kvm()
        r = subprocess.run([BINARY, *BARE, *argv], capture_output=True, text=True, input="quit\n", check=False,
                           timeout=60 * SLOW, preexec_fn=failing.create_vm)
        said = [line for line in r.stderr.splitlines() if "KVM" in line]
        if r.returncode != status or len(said) != 1 or text not in said[0]:
            raise AssertionError(f"{argv}: status {r.returncode}, {r.stderr!r}")
    return test


def main():
    tests = [(f, same(f"{HERE}/cases/{f}.s")) for f in ("io", "smp", "ring3")]
    tests += [(f"hostile: {f}", same(f"{HERE}/../hostile/cases/{f}.s")) for f in HOSTILE if f not in OURS_ONLY]
    tests += [(f"hostile: {f}, our APICs", same(f"{HERE}/../hostile/cases/{f}.s", OURS)) for f in OURS_ONLY + BOTH]
    tests += [
        ("rescue", rescue), ("rescue=off", rescue_off), ("stop and go while it spins", kicks(SPIN)),
        ("stop and go while it sleeps", kicks(HALT)), ("the count goes on", counts_on),
        ("smp, kernel's chips", same(f"{HERE}/cases/smp.s", KERNELS)),
        *((f"{f}, our APICs", same(f"{HERE}/cases/{f}.s", OURS)) for f in ("smp", "modes", "smm")),
        ("stop and go while it sleeps, our APICs", kicks(HALT, OURS)),
        ("switching accelerators", switching), ("switching accelerators, our APICs", lambda: switching(OURS)),
        ("stop and go while it sleeps, kernel's chips", kicks(HALT, KERNELS)),
        ("switching accelerators, kernel's chips", lambda: switching(KERNELS)),
        ("timers while switching, kernel's chips", lambda: switching(KERNELS, CHIPS)),
        ("a state that stands still", still),
        ("switching that is refused", switching_refused), ("x-accel", other_accel), ("halt polling", halt_polling),
        ("halt polling for ever", says(["-accel", "kvm,halt-poll-ns=9999999999"], 1, "is no number of nanoseconds")),
        ("AVX-512 and AMX", wide_registers), ("AVX-512 that nobody executes", wide_rescue),
        ("the host's processor without AVX-512", wide_without),
        ("SeaBIOS on pc", seabios("pc")), ("SeaBIOS on q35", seabios("q35")),
        ("SeaBIOS on q35, kernel's chips", seabios("q35", KERNELS)), ("which accelerator", alternatives),
        ("kernel-irqchip=split", irqchip(["-accel", "kvm,kernel-irqchip=split"], "split")),
        ("kernel-irqchip=off", irqchip(["-M", "q35", "-accel", "kvm,kernel-irqchip=off"], "off")),
        ("-machine kernel-irqchip", irqchip(["-M", "pc,accel=kvm,kernel-irqchip=off"], "off")),
        ("-accel says more", irqchip(["-M", "pc,kernel_irqchip=split", "-accel", "kvm,kernel-irqchip=off"], "off")),
        ("kernel-irqchip=on", irqchip(["-M", "microvm", "-accel", KERNELS], "on")),
        ("one I/O APIC in the kernel", says(["-M", "microvm,ioapic2=on", "-accel", KERNELS], 1, "there is one I/O APIC")),
        ("8259s in the kernel", says(["-M", "microvm,pic=off", "-accel", KERNELS], 1, "there are 8259s")),
        ("system management mode that the kernel has not", smm),
        ("unknown controllers", says(["-accel", "kvm,kernel-irqchip=maybe"], 1, "cannot be 'maybe'")),
        ("unknown controllers of -machine", says(["-M", "pc,kernel-irqchip=maybe"], 1, "cannot be 'maybe'")),
        ("no virtual machine", no_machines(["-accel", "kvm"], 1, "cannot make a virtual machine")),
        ("no virtual machine, then the translator", no_machines(
            ["-accel", "kvm", "-accel", "tcg", "-monitor", "stdio"], 0, "cannot make a virtual machine")),
        ("unknown option", says(["-accel", "kvm,rescu=on"], 1, "option 'rescu=on' is not known")),
        ("-cpu host elsewhere", says(["-accel", "tcg", "-cpu", "host"], 1, "'host' requires KVM")),
        ("Hyper-V without KVM", says(["-accel", "tcg", "-cpu", "qemu64,hv-time,hv-spinlocks=1", "-monitor", "stdio", "-S"], 0,
                                     "warning: Hyper-V's enlightenments .* need KVM and are left out", text_in="quit\n")),
        ("Hyper-V that there is not", says(["-accel", "kvm", "-cpu", "host,hv-evmcs"], 1, "there are, under KVM, hv-relaxed")),
        ("another architecture", arm(["-M", "virt", "-accel", "kvm"], "KVM runs x86_64 guests")),
    ]
    names = sys.argv[2:]
    sys.exit(run_tap([t for t in tests if not names or t[0] in names]))


if __name__ == "__main__":
    main()
