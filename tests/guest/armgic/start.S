/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Start, vectors and changes of level of the program of main.c. Each level has a stack of its own; synchronous exceptions
 * are noted (the instruction is skipped), interrupts that reach EL3 are noted and no longer routed there.
 */
#define NOTE 0x40010000 /* ESR of the last exception with the level in bits 43:40; then which interrupt EL3 took */

        .globl _start
_start:
        ldr     x0, =0x40080000
        mov     sp, x0
        adr     x0, vectors
        msr     vbar_el3, x0
        msr     vbar_el2, x0
        msr     vbar_el1, x0
        mov     x0, #(1 << 31) /* HCR_EL2.RW */
        msr     hcr_el2, x0
        msr     cptr_el3, xzr
        isb
        bl      main
        ldr     w0, =0x84000008
        smc     #0
1:      wfi
        b       1b

        .balign 2048
vectors:
        .rept   9
        .balign 128
        b       sync
        .endr
        .balign 128
        b       irq
        .balign 128
        b       fiq
        .rept   5
        .balign 128
        b       sync
        .endr

irq:    stp     x0, x1, [sp, #-16]!
        mov     x0, #1
        b       taken
fiq:    stp     x0, x1, [sp, #-16]!
        mov     x0, #2
taken:  ldr     x1, =NOTE
        str     x0, [x1, #8]
        mrs     x0, scr_el3
        bic     x0, x0, #6
        msr     scr_el3, x0
        ldp     x0, x1, [sp], #16
        eret

sync:   stp     x0, x1, [sp, #-16]!
        stp     x2, x3, [sp, #-16]!
        mrs     x0, CurrentEL
        cmp     x0, #8
        b.hi    3f
        b.eq    2f
        mrs     x1, esr_el1
        mrs     x2, elr_el1
        add     x2, x2, #4
        msr     elr_el1, x2
        b       4f
2:      mrs     x1, esr_el2
        mrs     x2, elr_el2
        add     x2, x2, #4
        msr     elr_el2, x2
        b       4f
3:      mrs     x1, esr_el3
        mrs     x2, elr_el3
        lsr     x3, x1, #26
        cmp     x3, #0x17
        b.eq    back
        add     x2, x2, #4
        msr     elr_el3, x2
4:      ldr     x3, =NOTE
        lsl     x2, x0, #38
        orr     x2, x2, x1
        str     x2, [x3]
        ldp     x2, x3, [sp], #16
        ldp     x0, x1, [sp], #16
        eret
back:   ldp     x2, x3, [sp], #16 /* SMC: the caller of up() goes on at EL3 */
        ldp     x0, x1, [sp], #16
        add     sp, sp, #0x8000
        mov     x0, #0x3cd
        msr     spsr_el3, x0
        msr     elr_el3, x30
        eret

/* void down(uint64_t scr, uint64_t spsr): from EL3 to EL1 or EL2, on the same stack; the other levels' are moved away. */
        .globl  down
down:   mov     x2, sp
        sub     sp, sp, #0x8000
        msr     scr_el3, x0
        msr     spsr_el3, x1
        msr     elr_el3, x30
        and     x3, x1, #15
        cmp     x3, #9
        b.eq    1f
        msr     sp_el1, x2
        sub     x2, x2, #0x4000
1:      msr     sp_el2, x2
        eret

/* void up(void): back to EL3. */
        .globl  up
up:     smc     #0
        ret
