#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""garbage.py BINARY [--long] [--seed N] [--seconds S] [--mode M] [--program N]: guests that run random bytes.

A kernel image carries some hundred random programs: pure noise, random instructions of the kinds
that touch the machine, stores and port accesses to random places, with random registers, in ring
0 or 3, on two processors in every third guest. Another kind (pokes) accesses ports and MMIO only. The guest runs one
after the other; exceptions, a timer's NMI, resets and the monitor's system_reset lead to the next one. Which one, is kept in CMOS RAM, so it goes on after a reset.

Whatever the guest does to itself, the emulator must not crash, hang or report to a sanitizer:
it must still obey `quit` at the end. A failure names the seed and the last program.
"""
import argparse
import os
import random
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "guest"))
sys.path.insert(0, HERE)
import asm  # noqa: E402
from guest import Skip, run_tap, slowness  # noqa: E402
from preludes import WATCHDOG, x32, x64  # noqa: E402

PROGRAMS = 1024         # per image
SIZE = 256              # bytes of code
POKES = "pokes"         # as a mode: see MAIN_POKES
REGS = 16               # values beside it
SLOT = SIZE + REGS * 8
AREA = 0x400ff0         # where code runs: across a page edge soon

# Addresses worth having in a register: code, page tables, IDT, devices, ROM, holes, edges.
PLACES = [AREA, AREA + 64, 0x401000, 0x200000, 0x201000, 0x202000, 0x206000, 0x100000, 0x90000, 0x8fff0,
          0, 0x400, 0x9fffc, 0xa0000, 0xb8000, 0xc0000, 0xf0000, 0xfffff, 0x7fffff, 0x800000,
          0x3ffffffe, 0xe0000000, 0xfec00000, 0xfec00010, 0xfed00000, 0xfee00000, 0xfee00020,
          0xfee00080, 0xfee000b0, 0xfee000f0, 0xfee00300, 0xfee00310, 0xfee00320, 0xfee00350,
          0xfee00380, 0xfee003e0, 0xfffc0000, 0xfffffff0, 0xffffffff, 0x100000000,
          0x7fffffffffff, 0x800000000000, 0xffff800000000000, 0xffffffffffffffff]
PORTS = [0x20, 0x21, 0xa0, 0xa1, 0x40, 0x41, 0x42, 0x43, 0x60, 0x61, 0x64, 0x70, 0x71, 0x92, 0xb2,
         0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x402, 0x510, 0x511, 0x514, 0x518, 0x600, 0x604, 0x608,
         0xcf8, 0xcf9, 0xcfc, 0x4d0, 0x4d1, 0x80, 0xf0]
MSRS = [0x10, 0x1b, 0x8b, 0xfe, 0x174, 0x175, 0x176, 0x179, 0x17a, 0x1a0, 0x1d9, 0x200, 0x201, 0x250,
        0x277, 0x2ff, 0x800, 0x802, 0x808, 0x80b, 0x80f, 0x830, 0x832, 0x838, 0x83f, 0xc0000080,
        0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102,
        0xc0000103, 0xc0010114, 0xc0010117, 0x4b564d00]

# Assembled once per mode; what does not exist in a mode is left out there.
INSNS = """
cli|sti|hlt|nop|pause|cld|std|clc|stc|cmc|lahf|sahf|pushf|popf|iret|iretd|iretq|int3|int 0x80
int 0x40|int 2|int 8|int 14|into|ud2|icebp|leave|enter 16, 0|enter 64, 31|ret|ret 8|retf|retf 4
syscall|sysret|sysretq|sysenter|sysexit|swapgs|rdtsc|rdtscp|rdpmc|cpuid|wbinvd|invd|clts|rsm
rdmsr|wrmsr|xgetbv|xsetbv|monitor|mwait|vmrun|vmload|vmsave|vmmcall|stgi|clgi|invlpga|lgdt [rdi]|lidt [rdi]|sgdt [rdi]|sidt [rdi]|lldt ax|ltr ax
lldt [rdi]|ltr [rdi]|str ax|sldt ax|verr ax|verw ax|lar eax, ax|lsl eax, ax|smsw ax|lmsw ax
invlpg [rdi]|invlpg [rsi]|mov cr0, rax|mov cr3, rax|mov cr4, rax|mov cr2, rax|mov cr8, rax
mov rax, cr0|mov rax, cr3|mov rax, cr4|mov rax, cr8|mov dr0, rax|mov dr7, rax|mov dr6, rax
mov rax, dr7|mov ds, ax|mov es, ax|mov ss, ax|mov fs, ax|mov gs, ax|push fs|pop gs|pop ds|pop ss
push ds|lds eax, [rdi]|lss eax, [rdi]|lfs eax, [rdi]|lgs eax, [rdi]|mov ax, ds|mov [rdi], cs
jmp rdi|jmp [rdi]|call rdi|call [rdi]|jmp fword ptr [rdi]|call fword ptr [rsi]|push rax|pop rdi
push rdi|pop rax|pusha|popa|push [rdi]|pop [rdi]|mov rsp, rdi|xchg rsp, rax|mov sp, ax
in al, dx|in ax, dx|in eax, dx|out dx, al|out dx, ax|out dx, eax|insb|insw|insd|outsb|outsd
rep insb|rep insd|rep outsb|rep outsd|rep stosb|rep stosd|rep stosq|rep movsb|rep movsq|repe cmpsb
repne scasb|lodsb|stosb|stosd|movsb|movsd|scasd|cmpsw|xlatb|bound eax, [rdi]|arpl ax, bx
mov [rdi], al|mov [rdi], ax|mov [rdi], eax|mov [rdi], rax|mov al, [rdi]|mov eax, [rdi]
mov rax, [rdi]|mov rbx, [rsi]|add [rdi], eax|adc [rdi], rax|lock add [rdi], al|lock xadd [rdi], eax
lock cmpxchg [rdi], ebx|lock cmpxchg8b [rdi]|lock cmpxchg16b [rdi]|xchg [rdi], rax|xchg [rsi], al
lock bts [rdi], eax|lock not dword ptr [rdi]|bt [rdi], rax|btc [rdi], eax|shld [rdi], eax, cl
shl dword ptr [rdi], cl|rcr qword ptr [rdi], 3|ror word ptr [rdi], cl|neg byte ptr [rdi]
div ecx|idiv rcx|div byte ptr [rdi]|mul rdx|imul rax, [rdi], 7|aam 0|aad|daa|das|aaa
fninit|fld1|fldpi|fld tbyte ptr [rdi]|fstp tbyte ptr [rdi]|fnsave [rdi]|frstor [rdi]|fnstenv [rdi]
fldenv [rdi]|fldcw [rdi]|fnstcw [rdi]|fadd st, st(3)|fdiv qword ptr [rdi]|fsqrt|fptan|fbstp [rdi]
fwait|fnclex|fxsave [rdi]|fxrstor [rdi]|ldmxcsr [rdi]|stmxcsr [rdi]|xsave [rdi]|xrstor [rdi]|emms
movups xmm0, [rdi]|movaps [rdi], xmm1|movups [rdi], xmm2|movntdq [rdi], xmm0|divps xmm0, xmm1
sqrtsd xmm0, [rdi]|cvttsd2si rax, xmm0|pshufb xmm0, [rdi]|maskmovdqu xmm0, xmm1|movq mm0, [rdi]
paddb mm1, [rdi]|movnti [rdi], eax|pcmpestri xmm0, [rdi], 3|crc32 eax, byte ptr [rdi]|popcnt eax, [rdi]
mov fs:[rdi], eax|mov gs:[rsi], eax|mov eax, fs:[rdi]|mov ax, -1|xor eax, eax|mov cl, 1|inc edx
inc rdi|add rdi, 4096|sub rdi, 8|lea rsi, [rdi + rcx * 8]|mov rdi, rsp|mov byte ptr [rip], 0x90
mov [rip + 3], al|inc dword ptr [rip + 1]|prefetchnta [rdi]|clflush [rdi]|mfence|lfence|sfence
movbe eax, [rdi]|rdrand eax|rdfsbase rax|wrfsbase rax|wrgsbase rdi|lzcnt eax, [rdi]|adcx eax, ebx
jmp . + 2|jmp .|loop .|jecxz . + 4|jz . + 3|jc . - 5|call . + 5|bswap rax|cmpxchg8b [rsi]
"""


def for_mode(insn, mode):
    """The instruction with the registers that the mode has."""
    if mode == 64:
        return insn
    table = [("rip + ", ""), ("rip", "0x400ff4" if mode == 32 else "0x7c00")]
    table += [(f"r{n}", f"e{n}") for n in ("ax", "bx", "cx", "dx", "si", "di", "sp")]
    for a, b in table:
        insn = insn.replace(a, b)
    return insn


def encodings(mode):
    """Bytes of each instruction of INSNS that the assembler has in this mode."""
    names = [for_mode(i, mode) for i in INSNS.replace("\n", "|").split("|") if i]
    with tempfile.TemporaryDirectory(prefix="rhea-garbage-") as d:
        good = names
        for _ in range(3):      # as names each line that it does not know
            with open(f"{d}/a.s", "w", encoding="ascii") as f:
                f.write(f".intel_syntax noprefix\n.code{mode}\n")
                f.writelines(f"{n}\n.byte 0xcc,0x0f,0x0b,0x0b,0xcc,0x0f,0x0b\n" for n in good)
            r = subprocess.run(["as", "--64", "-o", f"{d}/a.o", f"{d}/a.s"], capture_output=True, text=True,
                               check=False)
            if r.returncode == 0:
                break
            bad = {int(l.split(":")[1]) for l in r.stderr.splitlines() if "Error" in l}
            good = [n for i, n in enumerate(good) if 3 + 2 * i not in bad]
        subprocess.run(["objcopy", "-O", "binary", "-j", ".text", f"{d}/a.o", f"{d}/a.bin"], check=True)
        with open(f"{d}/a.bin", "rb") as f:
            return f.read().split(bytes([0xcc, 0x0f, 0x0b, 0x0b, 0xcc, 0x0f, 0x0b]))[:-1]


# ---- programs ----

def load(rng, mode, reg, value):
    """mov reg, value; the registers' numbers are ax, cx, dx, bx, sp, bp, si, di."""
    if mode == 64 and value >> 32:
        return bytes([0x48, 0xb8 + reg]) + value.to_bytes(8, "little")
    return (b"\x66" if mode == 16 else b"") + bytes([0xb8 + reg]) + (value & 0xffffffff).to_bytes(4, "little")


def place(rng):
    at = rng.choice(PLACES) + rng.choice([0, 0, 0, 1, 4, 8, 0xffc, -1, -8, rng.randrange(0x1000)])
    return at & (1 << 64) - 1


def piece(rng, mode, table):
    k = rng.randrange(20)
    if k < 3:
        return rng.randbytes(rng.randrange(1, 12))
    if k == 3:
        return load(rng, mode, 2, rng.choice(PORTS) if rng.randrange(3) else rng.randrange(0x10000))
    if k == 4:
        return load(rng, mode, rng.choice([6, 7]), place(rng))
    if k == 5:
        return load(rng, mode, 0, rng.choice([rng.getrandbits(32), rng.randrange(256), 1 << rng.randrange(32)]))
    if k == 6:
        return load(rng, mode, 1, rng.choice(MSRS + [rng.randrange(0x2000), 0, 1, 3, 100]))
    return rng.choice(table)


def program(rng, mode, table):
    if rng.randrange(8) == 0:
        return rng.randbytes(SIZE)
    code = b""
    while len(code) < SIZE:
        code += piece(rng, mode, table)
    return code[:SIZE]


def registers(rng):
    vals = [rng.choice([place(rng), place(rng), rng.getrandbits(64), rng.randrange(64), rng.choice(PORTS)])
            for _ in range(REGS)]
    vals[15] = rng.choice([0x8f000, 0x8f000, 0x8f000, 0x401000, place(rng)])   # the stack
    vals[14] = rng.choice([0, 0, 1, 2, 3])      # bit 0: ring 3, bit 1: interrupts on
    return b"".join(v.to_bytes(8, "little") for v in vals)


def programs(seed, mode, only=None):
    rng = random.Random(f"{seed}-{mode}")
    table = encodings(mode)
    out = b""
    for _ in range(PROGRAMS):
        code = program(rng, mode, table)
        out += code + registers(rng)
    if only is not None:
        out = out[only * SLOT:(only + 1) * SLOT] * PROGRAMS
    return out


# ---- the guest around them ----

# The number of the next program: a word of CMOS RAM, told on the debug port. To EBX.
NEXT = f"""
        mov al, 0x50
        out 0x70, al
        in al, 0x71
        mov bl, al
        mov al, 0x51
        out 0x70, al
        in al, 0x71
        mov bh, al
        inc bx
        mov al, bh
        out 0x71, al
        mov al, 0x50
        out 0x70, al
        mov al, bl
        out 0x71, al
        mov dx, 0x402
        out dx, al
        mov al, bh
        out dx, al
        and ebx, {PROGRAMS - 1}
        imul ebx, ebx, {SLOT}
"""

# Both processors come here, each with its own stack (the local APIC's id tells which).
HANDLER64 = """
    common:
        cli
        mov eax, 16
        mov ds, eax
        mov es, eax
        mov ss, eax
        mov ebx, 0xfee00020
        mov ebx, [rbx]
        shr ebx, 24
        and ebx, 3
        shl ebx, 14
        neg rbx
        lea rsp, [rbx + STACK]
        lgdt [gdt_ptr]
        lidt [idt_ptr]
        mov dword ptr [PML4], PDPT + 7          /* what gets lost most */
        mov eax, PML4
        mov cr3, rax
        mov rax, rsp
        push 16
        push rax
        push 2
        push 8
        push offset main
        iretq
"""

MAIN64 = f"""
    main:
        watchdog
        cmp dword ptr [booted], 0
        jne 1f
        inc dword ptr [booted]
        mov qword ptr [second_entry], offset common
        call start_second
    1:
        {NEXT}
        lea rsi, [rbx + pool]
        mov edi, {AREA:#x}
        mov ecx, {SIZE // 8}
        rep movsq
        mov r15, rsi
        mov rax, [r15 + 14 * 8]
        mov ecx, 16
        mov edx, 8
        mov ebx, eax
        test al, 1
        jz 1f
        mov ecx, 0x23
        mov edx, 0x2b
    1:  and ebx, 2
        shl ebx, 8
        or ebx, 2
        push rcx
        push [r15 + 15 * 8]
        push rbx
        push rdx
        push {AREA:#x}
        mov rax, [r15]
        mov rcx, [r15 + 8]
        mov rdx, [r15 + 16]
        mov rbx, [r15 + 24]
        mov rsi, [r15 + 32]
        mov rdi, [r15 + 40]
        mov rbp, [r15 + 48]
        mov r8, [r15 + 56]
        iretq
    booted:
        .long 0
        .balign 16
    pool:
"""

HANDLER32 = """
    common:
        cli
        mov eax, 16
        mov ds, eax
        mov es, eax
        mov ss, eax
        mov esp, STACK
        lgdt [gdt_ptr]
        lidt [idt_ptr]
        mov eax, 0x33
        mov cr0, eax
        push 2
        push 8
        push offset main
        iretd
"""

MAIN32 = f"""
    main:
        watchdog
        {NEXT}
        lea esi, [ebx + pool]
        mov edi, {AREA:#x}
        mov ecx, {SIZE // 4}
        rep movsd
        mov ebp, esi
        mov eax, [ebp + 14 * 8]
        mov ebx, eax
        and ebx, 2
        shl ebx, 8
        or ebx, 2
        mov edx, 8
        test al, 1
        jz 1f
        push 0x23
        push [ebp + 15 * 8]
        mov edx, 0x1b
    1:  push ebx
        push edx
        push {AREA:#x}
        mov eax, [ebp]
        mov ecx, [ebp + 8]
        mov edx, [ebp + 16]
        mov ebx, [ebp + 24]
        mov esi, [ebp + 32]
        mov edi, [ebp + 40]
        iretd
        .balign 16
    pool:
"""

# Reads and writes of all sizes at random ports and at random places in MMIO, ROM and holes, with the
# interrupts that come of it. Each 4096 count as a program. EBP is the random number.
MAIN_POKES = f"""
    main:
        watchdog
        {NEXT}
        mov ebp, [pool]
        add [pool], ebx
        or ebp, 1
        mov dword ptr [left], 4096
        sti
    again:
        dec dword ptr [left]
        js main
        call random
        mov edx, ebp                            /* the port: any, or a low one */
        test ebp, 0x30000
        jz 1f
        and edx, 0x7ff
    1:  lea eax, [edx - 0x600]                  /* not the one that switches off */
        cmp eax, 6
        ja 1f
        mov edx, 0x608
    1:  mov ecx, ebp
        shr ecx, 20
        and ecx, 7
        call random
        mov eax, ebp
        call [actions + ecx * 4]
        call random
        mov ecx, ebp
        shr ecx, 24
        and ecx, 7
        mov edi, [bases + ecx * 4]
        mov ecx, ebp
        shr ecx, 16
        and ecx, 0xff
        and ebp, 0xfff
        test ecx, 3
        jnz 1f
        and ebp, 0x3f0
    1:  add edi, ebp
        and ecx, 15
        call random
        mov eax, ebp
        call [stores + ecx * 4]
        jmp again
    random:
        xorshift ebp, ebx
        ret
        .irp i, b, w, d
    in_\\i:
        .ifc \\i, b
        in al, dx
        .endif
        .ifc \\i, w
        in ax, dx
        .endif
        .ifc \\i, d
        in eax, dx
        .endif
        ret
    out_\\i:
        .ifc \\i, b
        out dx, al
        .endif
        .ifc \\i, w
        out dx, ax
        .endif
        .ifc \\i, d
        out dx, eax
        .endif
        ret
        .endr
    ins_d:
        mov edi, 0x300000
        mov ecx, 3
        rep insd
        ret
    outs_w:
        mov esi, 0x300000
        mov ecx, 5
        rep outsw
        ret
    s0: mov [edi], al
        ret
    s1: mov [edi], ax
        ret
    s2: mov [edi], eax
        ret
    s3: movq [edi], mm0
        ret
    s4: movups [edi], xmm0
        ret
    s5: mov al, [edi]
        ret
    s6: mov ax, [edi]
        ret
    s7: mov eax, [edi]
        ret
    s8: movups xmm0, [edi]
        ret
    s9: lock xadd [edi], eax
        ret
    s10:
        xchg [edi], al
        ret
    s11:
        lock cmpxchg8b [edi]
        ret
    s12:
        mov ecx, 5
        rep stosb
        ret
    s13:
        fnstenv [edi]
        ret
    s14:
        or dword ptr [edi], 1
        ret
    s15:
        push [edi]
        pop eax
        ret
        .balign 4
    actions:
        .long in_b, in_w, in_d, out_b, out_w, out_d, ins_d, outs_w
    stores:
        .long s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15
    bases:
        .long 0xfec00000, 0xfee00000, 0xfee00000, 0xfed00000, 0xfffc0000, 0xa0000, 0x1000000, 0xf0000000
    left:
        .long 0
        .balign 16
    pool:
"""

# Real mode from the loader's protected mode; every vector leads to a reset by port 92h.
MAIN16 = f"""
        {WATCHDOG}
        cld
        lgdt [gdt_ptr]
        mov esp, 0x7000
        watchdog
        {NEXT}
        lea esi, [ebx + pool]
        mov edi, 0x7c00
        mov ecx, {SLOT}
        rep movsb
        mov esi, offset low
        mov edi, 0x6000
        mov ecx, low_end - low
        rep movsb
        xor edi, edi
        mov ecx, 256
        mov eax, 0x6000 + over - low
        rep stosd
        ljmp 8, 0x6000
        .balign 8
    gdt:
        .quad 0, 0x00009b000000ffff, 0x000093000000ffff
    gdt_ptr:
        .word 23
        .long gdt
        .code16
    low:
        mov ax, 16
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov fs, ax
        mov gs, ax
        lidt [0x6000 + ivt - low]
        mov eax, 0x10
        mov cr0, eax
        ljmp 0, 0x6000 + real - low
    real:
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov bp, 0x7c00 + {SIZE}
        mov eax, [bp]
        mov ecx, [bp + 8]
        mov edx, [bp + 16]
        mov ebx, [bp + 24]
        mov esi, [bp + 32]
        mov edi, [bp + 40]
        mov es, [bp + 58]
        push word ptr [bp + 14 * 8 + 1]
        popf
        mov ebp, [bp + 48]
        ljmp 0, 0x7c00
    over:
        mov al, 1
        out 0x92, al
    1:  hlt
        jmp 1b
    ivt:
        .word 0x3ff
        .long 0
    low_end:
        .balign 16
        .code32
    pool:
"""


def image(seed, mode, only=None):
    if mode == POKES:
        return asm.multiboot(x32(HANDLER32) + MAIN_POKES) + random.Random(seed).randbytes(16)
    code = {64: lambda: x64(HANDLER64) + MAIN64, 32: lambda: x32(HANDLER32) + MAIN32,
            16: lambda: MAIN16}[mode]()
    head = asm.multiboot(code)
    return head + programs(seed, mode, only)


# ---- running ----

def fail(why, seed, mode, done, out):
    last = int.from_bytes(done[-2:], "little")
    raise AssertionError(f"{why}: seed {seed}, mode {mode}, program {last & PROGRAMS - 1} "
                         f"({len(done) // 2} done)\n{out.decode('latin1')[-8000:]}")


def run(binary, seed, mode, seconds, patience, only=None):
    """One emulator for some seconds; the number of programs done."""
    extra = ["-smp", "2"] if seed % 3 == 1 else []
    extra += ["-accel", "tcg,engine=interp"] if seed % 4 == 3 else []
    extra += ["-cpu", "max"] if seed % 2 else []
    with tempfile.TemporaryDirectory(prefix="rhea-garbage-") as d:
        kernel = asm.write(d, "kernel", image(seed, mode, only))
        argv = [binary, "-display", "none", "-nodefaults", "-m", "16", "-kernel", kernel, "-monitor", "stdio",
                "-serial", "null", "-chardev", f"file,id=d,path={d}/done", "-device",
                "isa-debugcon,iobase=0x402,chardev=d", *extra]
        with open(f"{d}/out", "wb") as log:
            p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=log, stderr=log)
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end and p.poll() is None:
                time.sleep(0.3)
                p.stdin.write(b"system_reset\n")
                p.stdin.flush()
            p.stdin.write(b"quit\n")
            p.stdin.flush()
        except BrokenPipeError:
            pass
        return finish(p, d, seed, mode, patience)


def finish(p, d, seed, mode, patience):
    hung = False
    try:
        p.wait(patience)
    except subprocess.TimeoutExpired:
        hung = True
        p.kill()
        p.wait()
    try:
        p.stdin.close()
    except BrokenPipeError:
        pass
    with open(f"{d}/out", "rb") as f:
        out = f.read()
    with open(f"{d}/done", "rb") as f:
        done = f.read()
    if hung:
        fail(f"does not end within {patience} s", seed, mode, done, out)
    if p.returncode or b"Sanitizer" in out or b"runtime error" in out:
        fail(f"status {p.returncode}", seed, mode, done, out)
    return len(done) // 2


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("binary")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--seconds", type=float, default=12, help="for each mode")
    ap.add_argument("--mode", choices=["16", "32", "64", POKES])
    ap.add_argument("--program", type=int, help="only this program of the seed, again and again")
    ap.add_argument("--long", action="store_true", help="ten minutes for each mode, other seeds each time")
    args = ap.parse_args()
    seconds = 600 if args.long else args.seconds
    first = int(time.time()) if args.long else args.seed
    slow = slowness(args.binary)

    def test(mode):
        def body():
            if not asm.has_assembler():
                raise Skip("no assembler")
            end, n, seed = time.monotonic() + seconds, 0, first
            while time.monotonic() < end:
                n += run(args.binary, seed, mode, min(3, max(0.5, end - time.monotonic())), 20 * slow,
                         args.program)
                seed += args.program is None
            if not n:
                raise AssertionError("no program has run")
            return f"{n} programs, seeds {first} to {seed - 1}"
        return body
    modes = [m for m in [16, 32, 64, POKES] if args.mode in (None, str(m))]
    sys.exit(run_tap([(f"garbage, {m}{'' if m == POKES else ' bits'}", test(m)) for m in modes]))


if __name__ == "__main__":
    main()
