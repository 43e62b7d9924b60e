/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parts of far transfers that IRET shares with RETF.
 */
#ifndef TARGET_I386_TRANSFER_H
#define TARGET_I386_TRANSFER_H

#include "target/i386/system.h"

/* #GP(0) unless ip is inside the segment (or canonical in 64-bit code). */
void x86_check_target_ip(X86Env *env, const X86Desc *cs, uint64_t ip);
/* CS and RIP; the caller updates the mode. */
void x86_enter_code(X86Env *env, X86Desc *cs, uint16_t sel, int cpl, uint64_t ip);
/* Real-address and v86 mode: limit check, CS, RIP, mode. */
void x86_real_jump(X86Env *env, uint16_t sel, uint64_t ip);
/* Check the code selector that a return takes from the stack. */
void x86_return_code(X86Env *env, uint16_t sel, X86Desc *cs);
/* The same for the stack selector of a return to level rpl. */
void x86_return_stack(X86Env *env, uint16_t sel, int rpl, const X86Desc *cs, X86Seg *ss);
void x86_outer_rsp(X86Env *env, const X86Desc *cs, const X86Seg *ss, uint64_t rsp);
/* After a return outward: data segments that the new level may not use become null. */
void x86_drop_inner_segments(X86Env *env);

#endif
