/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x87 errors with CR0.NE clear (SDM vol 1, 8.7.2 and appendix D.2).
 *
 * The host traps where #MF would be due. What is due with NE clear is FERR#, which the board makes
 * IRQ 13 of, and then: without IGNNE# the processor stands still in front of the instruction until
 * an interrupt comes (its handler returns there); with it the instruction runs all the same, which
 * the host does when it sees no error in the status word.
 *
 * While FERR# is asserted (MODE_FERR) helper_x87_error ends every x87 instruction, and so notices
 * when there is no error any more.
 */
#include "core/machine.h"
#include "target/i386/fpu.h"
#include "target/i386/svm.h"

#define FSW_ERROR 0x80ffu /* exceptions, stack fault, error summary, busy */

static void set_ferr(X86Env *env, bool on)
{
    Cpu *cpu = env->cpu;

    env->s.ferr = on;
    if (irq_connected(cpu->ferr)) {
        machine_lock(cpu->machine);
        irq_set(cpu->ferr, on);
        machine_unlock(cpu->machine);
    }
    x86_update_mode(env);
}

void x86_fpu_error(X86Env *env)
{
    X86State *s = &env->s;

    tcg_fpu_settle(env);
    s->exc_pending = 0;
    s->trap_pending = 0; /* of the instruction, which did not complete */
    if (!s->ferr) {
        log_mask(LOG_INT, "FERR# at IP=%04x:%016" G_GINT64_MODIFIER "x\n", s->seg[S_CS].sel, (guint64)s->rip);
        set_ferr(env, true);
    }
    if (__atomic_load_n(&env->cpu->ignne, __ATOMIC_ACQUIRE)) {
        s->x87_held = s->fx.fsw & FSW_ERROR;
        s->fx.fsw &= (uint16_t)~FSW_ERROR;
    } else if (!svm_event_exits(env, SVM_EXIT_FERR_FREEZE, 0)) {
        s->halted = 1;
        x86_publish_wait(env);
    }
}

void x86_fpu_show_error(X86Env *env)
{
    X86Fxsave *fx = &env->s.fx;

    if (env->s.x87_held) {
        fx->fsw |= env->s.x87_held;
        env->s.x87_held = 0;
        if (!(fx->fsw & ~fx->fcw & 0x3f)) {
            fx->fsw &= 0x7f7f; /* all are masked by now: no summary */
        }
    }
}

uint64_t helper_x87_error(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;

    x86_fpu_show_error(env);
    if (!(env->s.fx.fsw & 0x80)) {
        set_ferr(env, false);
    }
    return 0;
}
