/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intercepts and #VMEXIT: from a guest back to its host (APM vol 2, 15.6 to 15.14).
 *
 * An exit is noted like an exception, and made by x86_deliver() when the engine has left the
 * instruction; so a nested page fault may come from anywhere in a walk. Exits between
 * instructions (interrupts) are made at once.
 */
#include <inttypes.h>
#include "target/i386/decode.h"
#include "target/i386/fpu.h"
#include "target/i386/svm.h"

/* ---- noting ---- */

void svm_note_exit(X86Env *env, uint64_t code, uint64_t info1, uint64_t info2, uint64_t nrip)
{
    env->s.exc_pending = 0;
    env->exit_noted = true;
    env->exit_code = code;
    env->exit_info[0] = info1;
    env->exit_info[1] = info2;
    env->exit_nrip = nrip;
}

void svm_exit(X86Env *env, uint64_t code, uint64_t info1, uint64_t info2, uint64_t nrip)
{
    svm_note_exit(env, code, info1, info2, nrip);
    tcg_raise(env);
}

uint64_t svm_next_rip(X86Env *env)
{
    uint8_t code[16];
    size_t n = x86_peek_code(env, code, 15);
    int bits = env->mode & MODE_CS64 ? 64 : env->mode & MODE_CS32 ? 32 : 16;
    X86Insn i;

    if (x86_decode(&i, code, n, bits) != X86_OK) {
        return 0;
    }
    return bits == 64 ? env->s.rip + i.len : (uint32_t)(env->s.rip + i.len);
}

void svm_check_insn(X86Env *env, unsigned code, uint64_t info1)
{
    if (svm_intercepts(&env->s, code)) {
        svm_exit(env, code, info1, 0, svm_next_rip(env));
    }
}

/* ---- exceptions (APM vol 2, 15.12) ---- */

/* nRIP is given for what software makes happen (15.7.1). */
static uint64_t exception_nrip(X86Env *env)
{
    if (env->s.exc_soft) {
        return env->s.exc_next_ip;
    }
    return env->s.exc_vector == EXC_BR ? svm_next_rip(env) : 0;
}

bool svm_exception_exits(X86Env *env)
{
    const X86State *s = &env->s;
    unsigned v = s->exc_vector;

    /* INT n and INT1 have intercepts of their own, vector 2 has the NMI's. */
    if (v >= 32 || v == EXC_NMI || s->exc_soft == 1 || s->exc_soft == 3 ||
        !svm_intercepts(s, SVM_EXIT_EXCP0 + v)) {
        return false;
    }
    if (v == EXC_DB) {
        x86_exception_registers(env);
    }
    svm_note_exit(env, SVM_EXIT_EXCP0 + v, s->exc_has_err ? s->exc_err : 0,
                  v == EXC_PF ? s->exc_addr : 0, exception_nrip(env));
    return true;
}

bool svm_event_exits(X86Env *env, unsigned code, uint64_t info1)
{
    if (!svm_intercepts(&env->s, code)) {
        return false;
    }
    svm_note_exit(env, code, info1, 0, 0);
    svm_vmexit(env);
    return true;
}

/* ---- the guest's state into its VMCB ---- */

static void save_guest(X86Env *env, const Vmcb *v)
{
    const X86State *s = &env->s;

    svm_save_world(env, v, s->rip);
    vmcb_put(v, VMCB_CPL, 1, env->cpl);
    vmcb_put(v, VMCB_CR2, 8, s->cr2);
    vmcb_put(v, VMCB_DR6, 8, s->dr[6]);
    vmcb_put(v, VMCB_DR7, 8, s->dr[7]);
    if (s->svm_npt) {
        vmcb_put(v, VMCB_G_PAT, 8, s->pat);
    }
    vmcb_put(v, VMCB_INT_CTL, 4,
             (vmcb_get(v, VMCB_INT_CTL, 4) & ~(V_TPR | V_IRQ | V_GIF)) |
                 (s->svm_int_ctl & (V_TPR | V_IRQ | V_GIF)));
    vmcb_put(v, VMCB_INT_STATE, 4,
             (s->int_shadow ? INT_STATE_SHADOW : 0) | (x86_rflags(env) & FLAG_IF ? INT_STATE_IF : 0));
}

/* Instruction bytes for who emulates the access of a data page fault (15.8.4). */
static void save_insn_bytes(X86Env *env, const Vmcb *v)
{
    uint64_t code = env->exit_code;
    uint8_t bytes[16];
    size_t n = 0;

    if (!x86_has(env->config, F_DECODEASSISTS)) {
        return;
    }
    if ((code == SVM_EXIT_NPF || code == SVM_EXIT_EXCP0 + EXC_PF) && !(env->exit_info[0] & PF_I)) {
        n = x86_peek_code(env, bytes, 15);
    }
    vmcb_put(v, VMCB_INSN_LEN, 1, n);
    for (size_t i = 0; i < n; i++) {
        vmcb_put(v, VMCB_INSN + i, 1, bytes[i]);
    }
}

static void save_reason(X86Env *env, const Vmcb *v)
{
    vmcb_put(v, VMCB_EXITCODE, 8, env->exit_code);
    vmcb_put(v, VMCB_EXITINFO1, 8, env->exit_info[0]);
    vmcb_put(v, VMCB_EXITINFO2, 8, env->exit_info[1]);
    vmcb_put(v, VMCB_EXITINTINFO, 8, env->delivering >= 0 ? env->delivering_info : 0);
    if (x86_has(env->config, F_NRIP_SAVE)) {
        vmcb_put(v, VMCB_NRIP, 8, env->exit_nrip);
    }
    vmcb_put(v, VMCB_EVENTINJ, 8, 0);
}

/* ---- the host's state back ---- */

static void leave_guest_mode(X86State *s)
{
    if (s->svm_npt) {
        s->pat = s->svm_hpat;
    }
    memset(s->svm_icpt, 0, sizeof(s->svm_icpt));
    s->svm_int_ctl = 0;
    s->svm_tsc_offset = 0;
    s->svm_npt = s->svm_virt_vmload = 0;
    s->svm_guest = s->gif = 0;
    s->int_shadow = s->halted = s->trap_pending = 0;
}

/* False: the save area holds no state that a host can be in. */
static bool load_host(X86Env *env)
{
    X86State *s = &env->s;
    Vmcb page = vmcb_open(env, s->vm_hsave, false), *v = &page;
    SvmPaging p = {
        .cr0 = vmcb_get(v, VMCB_CR0, 8) | CR0_PE,
        .cr3 = vmcb_get(v, VMCB_CR3, 8),
        .cr4 = vmcb_get(v, VMCB_CR4, 8),
        .efer = vmcb_get(v, VMCB_EFER, 8),
    };

    svm_load_seg(v, VMCB_CS, &p.cs);
    if (!svm_paging_valid(env->config, &p, false)) {
        return false;
    }
    svm_load_paging(s, p.cr0, p.cr3, p.cr4, p.efer);
    s->seg[S_CS] = p.cs;
    svm_load_seg(v, VMCB_ES, &s->seg[S_ES]);
    svm_load_seg(v, VMCB_SS, &s->seg[S_SS]);
    svm_load_seg(v, VMCB_DS, &s->seg[S_DS]);
    s->seg[S_SS].attr &= ~(3u << SEG_DPL_SHIFT); /* CPL 0 */
    s->gdt_limit = vmcb_get(v, VMCB_GDTR + 4, 4);
    s->gdt_base = vmcb_get(v, VMCB_GDTR + 8, 8);
    s->idt_limit = vmcb_get(v, VMCB_IDTR + 4, 4);
    s->idt_base = vmcb_get(v, VMCB_IDTR + 8, 8);
    s->rip = vmcb_get(v, VMCB_RIP, 8);
    s->gpr[R_SP] = vmcb_get(v, VMCB_RSP, 8);
    s->gpr[R_AX] = vmcb_get(v, VMCB_RAX, 8);
    s->dr[7] = DR7_RESET;
    x86_put_rflags(env, vmcb_get(v, VMCB_RFLAGS, 8) & ~(uint64_t)(FLAG_VM | FLAG_RF));
    return x86_try_load_pdptes(env, s->cr0, s->cr4, s->cr3);
}

void svm_vmexit(X86Env *env)
{
    Vmcb vmcb = vmcb_open(env, env->s.svm_vmcb, true);

    log_mask(LOG_INT, "#VMEXIT %" PRIx64 " info %" PRIx64 " %" PRIx64 " cpl=%d IP=%04x:%016" PRIx64 "\n",
             env->exit_code, env->exit_info[0], env->exit_info[1], env->cpl, env->s.seg[S_CS].sel,
             env->s.rip);
    env->exit_noted = false;
    x86_fpu_show_error(env);
    if (env->exit_code != SVM_EXIT_INVALID) {
        save_insn_bytes(env, &vmcb);
        save_guest(env, &vmcb);
    }
    save_reason(env, &vmcb);
    vmcb_written(&vmcb);
    env->delivering = -1;
    env->s.exc_pending = 0;
    leave_guest_mode(&env->s);
    if (!load_host(env)) {
        log_mask(LOG_GUEST_ERROR, "#VMEXIT to an invalid host state: shutdown\n");
        x86_update_mode(env);
        tcg_exit(env, EXIT_SHUTDOWN);
    }
    env->s.trap_pending = env->s.rflags & FLAG_TF ? TRAP_STEP : 0; /* VMRUN was one instruction */
    x86_debug_changed(env);
    tcg_poll(env);
}
