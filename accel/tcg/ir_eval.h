/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arithmetic of the IR as pure functions of numbers: the meaning of the ops
 * that neither touch memory nor control flow. Used by the interpreter.
 */
#ifndef ACCEL_TCG_IR_EVAL_H
#define ACCEL_TCG_IR_EVAL_H

#include "accel/tcg/ir.h"

static inline uint64_t ir_mask(unsigned w)
{
    return w == W64 ? ~0ull : (1ull << (8u << w)) - 1;
}
static inline int64_t ir_sign_extend(uint64_t v, unsigned w)
{
    unsigned sh = 64 - (8u << w);
    return (int64_t)(v << sh) >> sh;
}
/* The 64-bit register value after writing val to it at width w. */
static inline uint64_t ir_merge(uint64_t old, uint64_t val, unsigned w)
{
    uint64_t m = ir_mask(w);
    return w >= W32 ? val & m : (old & ~m) | (val & m);
}

/* Is the condition true in these flags (EFLAGS layout)? */
bool ir_cond_holds(IrCond cc, uint64_t eflags);

/*
 * Result of the arithmetic opcode op at width w, reduced to the width (bsf/bsr
 * of zero: all of a). a, b, c as in ops.def, immediates already put in.
 * *eflags: arithmetic flags before, and those after as the opcode naturally
 * writes them (the caller keeps what op->fw does not name). Flags that x86 leaves
 * undefined are those of current Intel processors.
 */
uint64_t ir_eval(unsigned op, unsigned w, uint64_t a, uint64_t b, uint64_t c, uint64_t *eflags);

/* mulu2/muls2: *hi gets the high half (W8: 0, the 16-bit product is returned). */
uint64_t ir_eval_mul2(bool is_signed, unsigned w, uint64_t a, uint64_t b, uint64_t *hi,
                      uint64_t *eflags);
/*
 * divu/divs of *hi:*lo (W8: of the 16 bits of *lo) by d: quotient to *lo and remainder to *hi
 * (W8: both in *lo). False: division by zero or overflow, nothing changed.
 */
bool ir_eval_div(bool is_signed, unsigned w, uint64_t *lo, uint64_t *hi, uint64_t d);

#endif
