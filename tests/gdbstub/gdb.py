#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb.py BUILD_DIR: gdb itself on guests of each kind: 16-bit boot code, long mode, Debian's kernel on two processors,
AArch64, AArch32. Without gdb-multiarch all are skipped."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "guest"), os.path.join(HERE, "..", "hostile")]
import asm  # noqa: E402
import bare  # noqa: E402
import linux  # noqa: E402
from guest import Guest, GuestError, Skip, fetch, run_tap, slowness  # noqa: E402
from preludes import x64  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
X86, ARM = f"{BUILD}/rhea-system-x86_64", f"{BUILD}/rhea-system-aarch64"
SLOW = slowness(X86)
TMP = tempfile.mkdtemp(prefix="rhea-gdb-")
COUNTING = """
main:
    mov rbp, 0
    mov rsp, 0x80000
again:
    call outer
    jmp again
outer:
    push rbp
    mov rbp, rsp
    call inner
    pop rbp
    ret
inner:
    push rbp
    mov rbp, rsp
    inc qword ptr [counter]
    mov rax, 0x1234
    pop rbp
    ret
    .globl counter, inner, outer
    .balign 8
counter: .quad 0
"""


def debugger(socket, *commands, file=None):
    """What gdb prints for commands, by the number of each."""
    gdb = shutil.which("gdb-multiarch")
    if not gdb:
        raise Skip("no gdb-multiarch")
    script = os.path.join(TMP, "script")
    lines = ["set pagination off", "set confirm off", "set width 0", f"set remotetimeout {30 * SLOW}", f"set tcp connect-timeout {30 * SLOW}",
             *([f"file {file}"] if file else []), f"target remote {socket}"]
    for n, c in enumerate(commands):
        lines += [f"echo \\n<{n}>\\n", c]
    with open(script, "w", encoding="ascii") as f:
        f.write("\n".join([*lines, f"echo \\n<{len(commands)}>\\n", ""]))
    r = subprocess.run([gdb, "-nx", "-batch", "-x", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       timeout=60 * SLOW, check=False, stdin=subprocess.DEVNULL)
    parts = re.split(r"\n<\d+>\n", r.stdout)
    if len(parts) < len(commands) + 2:
        raise GuestError(f"gdb gave up after {commands[len(parts) - 2] if len(parts) > 1 else 'nothing'}:\n{r.stdout[-2000:]}")
    return parts[1:-1]


def says(parts, *wanted):
    """Each part matches its regular expression (None: whatever)."""
    for part, want in zip(parts, wanted):
        if want is not None and not re.search(want, part):
            raise GuestError(f"no '{want}' in:\n{part}\nof\n{'---'.join(parts)}")


def machine(binary, *options):
    """A stopped machine and where its gdb server is."""
    path = os.path.join(TMP, "gdb")
    if os.path.exists(path):
        os.unlink(path)
    g = Guest([binary, "-display", "none", "-monitor", "none", "-S", "-gdb", f"unix:{path},server=on,wait=off", *options])
    while not os.path.exists(path) and g.p.poll() is None:
        g.appears("^$", 0.1)
    return g, path


def boot_sector():
    """The code that SeaBIOS starts, in real mode."""
    code = asm.assemble(asm.BOOT16 + "counted: .word 0\nagain: inc word ptr [0x7e00]\n mov ax, 0x55aa\n jmp again\n", 0x7c00)
    disk = asm.write(TMP, "disk", (code.ljust(510, b"\0") + b"\x55\xaa").ljust(1 << 20, b"\0"))
    g, path = machine(X86, "-nodefaults", "-m", "16", "-drive", f"file={disk},format=raw,if=ide")
    with g:
        says(debugger(path, "break *0x7c00", "continue", "info registers rip cs", "x/2xb 0x7dfe", "watch *(short *)0x7e00", "continue",
                      "stepi", "p $ax", "set var *(short *)0x7e00 = 7", "continue", "x/1dh 0x7e00", "print $cr0 & 1"),
             "", r"Breakpoint 1, 0x0*7c00", r"rip +0x7c00 .*\ncs +0x0 ", "0x55\t0xaa", "atchpoint 2", "atchpoint 2", None,
             r"= 0x55aa|= 21930", None, "atchpoint 2", r":\t8$", "= 0")


def long_mode(accel):
    def test():
        if accel == "kvm" and not os.access("/dev/kvm", os.R_OK | os.W_OK):
            raise Skip("no usable /dev/kvm")
        flat = asm.write(TMP, "flat", asm.multiboot(x64() + COUNTING))
        head = ".code32\n.globl start\nimage:\n.long 0, 0, 0, 0, 0, 0, 0, 0\n.balign 16\nstart:\n"
        elf = asm.write(TMP, "long.elf", asm.assemble(head + x64() + COUNTING, 0x100000, raw=False))
        g, path = machine(X86, "-nodefaults", "-m", "16", "-accel", accel, "-kernel", flat)
        with g:
            says(debugger(path, "break *inner", "continue", "backtrace", "continue", "print *(long *)&counter", "stepi 3", "x/i $pc",
                          "stepi", "print/x $rax", "set var $rax = 0x77", "p/x $rax", "set var *(long *)&counter = 100", "finish",
                          "continue", "stepi 3", "print *(long *)&counter", "print $xmm0.uint128", "info registers eflags",
                          "monitor info status", "tbreak outer", "continue", "info registers cr3", file=elf),
                 "Breakpoint 1 at", "Breakpoint 1, ", r"#0 .* inner .*\n#1 .* outer .*\n#2 .* again", "Breakpoint 1", "= 1", None,
                 "mov .*0x1234", None, "= 0x1234", None, "= 0x77", None, "outer", "Breakpoint 1", None, "= 101", "= ", "eflags",
                 "paused", "Temporary", "Temporary breakpoint", "cr3")
    return test


def kernel():
    """Debian's kernel: a function by its address, its caller, a variable that changes, both processors, Ctrl-C."""
    image = fetch("kernel")
    initrd = os.path.join(TMP, "initrd")
    linux.make_initrd(initrd, image, [])
    path = os.path.join(TMP, "gdb")
    with Guest([X86, "-M", "q35", "-m", "256", "-smp", "2", "-display", "none", "-monitor", "none", "-serial", "stdio", "-gdb",
                f"unix:{path},server=on,wait=off", "-kernel", image, "-initrd", initrd, "-append",
                "console=ttyS0 nokaslr quiet"]) as g:
        linux.ready(g, SLOW)
        _, text = linux.run(g, "grep -E ' (uptime_proc_show|seq_read_iter|jiffies_64)$' -A1 /proc/kallsyms", 60 * SLOW)
        at = {m[1]: (int(m[0], 16), int(m[2], 16)) for m in
              re.findall(r"^(\w+) \w (uptime_proc_show|seq_read_iter|jiffies_64)\s+(\w+)", text, re.M)}
        show, jiffies = at["uptime_proc_show"][0], at["jiffies_64"][0]
        g.send("sleep 1; cat /proc/uptime; echo go''es\n")
        says(parts := debugger(path, f"break *{show}", "continue", "backtrace 2", "info threads", f"x/i {show}", "delete",
                               f"watch *(unsigned long *){jiffies}", "continue", "delete", "thread 2", "print/x $cr3 != 0",
                               "monitor info registers", "print $_siginfo", "stepi", "stepi", "detach"),
             "Breakpoint 1", f"Breakpoint 1, 0x0*{show:x}", None, r"1 +Thread 1 .*\n.* 2 +Thread 2 ", "=>|:", None, "atchpoint 2",
             r"Old value = (\d+)\nNew value = (\d+)", None, "Switching to thread 2", "= 0x1", "RIP=", None, "0x", "0x")
        low, high = at["seq_read_iter"]
        caller = int(re.search(r"#1 +0x(\w+)", parts[2]).group(1), 16)
        if not low < caller < high:
            raise GuestError(f"{parts[2]} is not in seq_read_iter, {low:x} to {high:x}")
        g.expect("goes", 60 * SLOW)
        linux.run(g, "true", 60 * SLOW)
        parts = debugger(path, "python import threading; threading.Timer(1, lambda: gdb.post_event(lambda: gdb.execute('interrupt'))).start()",
                         "continue", "info registers rip", "kill")
        says(parts, None, "SIGINT", "rip")
        if g.wait(30 * SLOW) != 0:
            raise GuestError("the machine did not end well")


ARM_SOURCE = """
    .globl _start, inner, counter
_start:
    {stack}
again:
    {call} outer
    b again
outer:
    {push}
    {call} inner
    {pop}
inner:
    {body}
    .balign 8
counter: .quad 0
"""
A64 = dict(stack="adr x0, _start\n mov sp, x0\n mov x29, 0\n mov x0, 0x300000\n msr cpacr_el1, x0\n isb", call="bl", push="stp x29, x30, [sp, -16]!\n mov x29, sp",
           pop="ldp x29, x30, [sp], 16\n ret",
           body="adr x1, counter\n ldr x0, [x1]\n add x0, x0, 1\n str x0, [x1]\n fmov d3, 1.0\n movi v7.16b, 3\n ret")
A32 = dict(stack="adr r0, _start\n mov sp, r0\n mov r11, #0\n mrc p15, 0, r0, c1, c0, 2\n orr r0, r0, #0xf00000\n mcr p15, 0, r0, c1, c0, 2\n"
                 " isb\n mov r0, #0x40000000\n vmsr fpexc, r0",
           call="bl", push="push {r11, lr}\n add r11, sp, #4", pop="pop {r11, pc}",
           body="adr r1, counter\n ldr r0, [r1]\n add r0, r0, #1\n str r0, [r1]\n vmov.f64 d3, #1.0\n vmov.i8 q7, #3\n bx lr")


def arm(name, prefix, cpu, words, options, registers, body_insns):
    def test():
        gcc = shutil.which(f"{prefix}-gcc")
        if not gcc:
            raise Skip(f"no {prefix}-gcc")
        source, elf = os.path.join(TMP, f"{name}.S"), os.path.join(TMP, f"{name}.elf")
        with open(source, "w", encoding="ascii") as f:
            f.write(ARM_SOURCE.format(**words))
        subprocess.run([gcc, *options, "-nostdlib", "-static", "-Wl,--build-id=none", f"-Wl,-Ttext={bare.RAM:#x}", "-o", elf, source],
                       check=True)
        g, path = machine(ARM, "-M", "virt", "-cpu", cpu, "-m", "64", "-serial", "none", "-kernel", elf)
        r0, sp = registers
        with g:
            says(debugger(path, "break *inner", "continue", "print $pc", "watch *(int *)&counter", "continue", "print *(int *)&counter",
                          "delete 2", "continue", "stepi 6", "print $d3",
                          "print/x $cpsr", f"set var ${r0} = 0x77", f"print/x ${r0}", "set var *(int *)&counter = 100", "continue",
                          f"stepi {body_insns}", "print *(int *)&counter", f"print/x ${sp}",
                          "print/x $SCTLR_EL1", "monitor info status", file=elf),
                 "Breakpoint 1", "Breakpoint 1", "inner", "atchpoint 2", r"Old value = 0\nNew value = 1", "= 1", None, "Breakpoint 1", None,
                 "= 1|f64 = 1|f = 1", "= 0x", None, "= 0x77", None, "Breakpoint 1", None, "= 101", "= 0x", "= 0x", "paused")
    return test


TESTS = [("16-bit boot code", boot_sector), ("long mode", long_mode("tcg")), ("long mode, KVM", long_mode("kvm")),
         ("Debian's kernel", kernel),
         ("AArch64", arm("a64", "aarch64-linux-gnu", "cortex-a57", A64, [], ("x0", "sp"), 4)),
         ("AArch32", arm("a32", "arm-linux-gnueabihf", "cortex-a15", A32, ["-marm", "-mfpu=neon-vfpv4"], ("r0", "sp"), 4))]

if __name__ == "__main__":
    chosen = [t for t in TESTS if not sys.argv[2:] or t[0] in sys.argv[2:]]
    try:
        sys.exit(run_tap(chosen))
    finally:
        shutil.rmtree(TMP, ignore_errors=True)
