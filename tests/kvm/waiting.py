#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""waiting.py BINARY [name...]: guests that wait without coming out of the host's processor (-overcommit cpu-pm=on): moved,
stopped and reset while they do. That they do not come out: ../guest/kvmsmall.py; this may be a KVM that only says so.

Without a usable /dev/kvm, or where the kernel leaves no waiting to guests, they are skipped."""
import sys

from guests import OURS, Skip, run_tap, says
from watched import Watched, moves

PM = ["-overcommit", "cpu-pm=on"]
# Each processor halts until its APIC's timer comes, and counts.
SOURCE = """
        .macro halts counter
        mov edi, 0xfee00000
        mov dword ptr [rdi + 0xf0], 0x1ff
        mov dword ptr [rdi + 0x80], 0
        mov dword ptr [rdi + 0xb0], 0           /* after a reset none is in service */
        apic_periodic 0x40, 2000000
    1:  sti
        hlt
        cli
        inc dword ptr [\\counter]
        jmp 1b
        .endm
    main:
        put 1
        mov edi, 0x300000
        mov ecx, 128
        xor eax, eax
        rep stosd
        interrupt 0x40, tick
        mask_8259s
        mov qword ptr [second_entry], offset other
        call start_second
        halts 0x300040
    other:
        mov esp, STACK - 0x2000
        halts 0x300080
    tick:
        end_of_interrupt
"""


def halting(directory, *argv):
    g = Watched(directory, SOURCE, *argv, *PM)
    if "waiting in the guest: " not in g.monitor("info kvm"):
        g.quit()
        raise Skip("this kernel leaves no waiting to guests")
    return g


def main():
    tests = [("accelerators and resets", moves(halting, "kvm", 2, 16)),
             ("accelerators and resets, our APICs", moves(halting, OURS, 2, 16)),
             ("the translator does not mind", says([*PM, "-accel", "tcg", "-monitor", "stdio", "-S"], 0, r"\A\Z", text_in="quit\n"))]
    names = sys.argv[2:]
    sys.exit(run_tap([t for t in tests if not names or t[0] in names]))


if __name__ == "__main__":
    main()
