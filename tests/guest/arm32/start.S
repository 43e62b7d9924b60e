/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vectors and start of main.c's program, for processors from Armv5 on. The vectors are at address 0 once the MMU is on: RAM is
 * somewhere else on some boards. Exceptions leave what happened in R0 and go on behind the instruction, a fetch that aborted at
 * the address in R4.
 */
        .arch armv5te
        .section .vectors, "ax"
        .globl _start
_start: b       start           /* entered here; a reset does not come again */
        b       undef
        b       .
        b       pabort
        b       dabort
        b       .
        b       .
        b       .

undef:  ldr     r0, =0xdead0000
        movs    pc, lr
dabort: mrc     p15, 0, r0, c5, c0, 0
        ldr     sp, =0x40f
        and     r0, r0, sp
        orr     r0, r0, #0xda000000
        subs    pc, lr, #4
pabort: mrc     p15, 0, r0, c5, c0, 1
        ldr     sp, =0x40f
        and     r0, r0, sp
        orr     r0, r0, #0xfa000000
        movs    pc, r4

start:  ldr     sp, =stack_top
        bl      main
        mov     r0, #0x18       /* SYS_EXIT, ApplicationExit */
        ldr     r1, =0x20026
        svc     #0x123456
        b       .
        .ltorg

        .bss
        .balign 8
        .space  4096
stack_top:
