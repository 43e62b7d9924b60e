/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System instructions: checks that the mode word decides are made here, the
 * work is done by helpers (helper.def).
 */
#include "target/i386/translate.h"

static void call0(X86Tr *s, int helper)
{
    tr_call_void(s, helper, IR_NONE, IR_NONE, IR_NONE);
}

static void call1(X86Tr *s, int helper, IrVal a)
{
    tr_call_void(s, helper, a, IR_NONE, IR_NONE);
}

/* 16-bit operand zero-extended. */
static IrVal selector(X86Tr *s, int n)
{
    return tr_zext(s, W16, tr_value(s, n));
}

/* ---- segment registers ---- */

void trans_mov_from_seg(X86Tr *s)
{
    int seg = s->i.reg & 7;
    if (seg > S_GS) {
        tr_raise(s, 6);
        return;
    }
    IrVal v = tr_ldenv(s, W16, ENV_SEG(seg, sel));
    if (tr_is_mem(s, 0)) {
        ir_st(s->b, W16, tr_ea(s, 2, true), v, s->mmu);
    } else {
        ir_mov(s->b, s->i.osz, IR_G(s->i.rm), v);
    }
}

void trans_mov_to_seg(X86Tr *s)
{
    int seg = s->i.reg & 7;
    if (seg > S_GS || seg == S_CS) {
        tr_raise(s, 6);
        return;
    }
    IrVal v = selector(s, 1);
    tr_call_void(s, HELPER_load_seg, tr_const(s, seg), v, tr_const(s, seg == S_SS));
    if (s->bits != 64 || seg == S_SS) {
        x86_tr_end_next(s);
    }
}

/* LES, LDS, LSS, LFS, LGS */
void trans_lds(X86Tr *s)
{
    int seg = s->i.row->arg;
    IrWidth w = s->i.osz;
    IrVal addr = tr_ea(s, (1u << w) + 2, false), off = tr_read(s, w, addr), a2 = tr_temp(s);
    ir_lea(s->b, W64, a2, addr, IR_NONE, 0, 1 << w);
    IrVal sel = tr_read(s, W16, a2);
    tr_call_void(s, HELPER_load_seg, tr_const(s, seg), sel, tr_const(s, seg == S_SS));
    ir_mov(s->b, w, IR_G(s->i.reg), off);
    if (s->bits != 64 || seg == S_SS) {
        x86_tr_end_next(s);
    }
}

void trans_arpl(X86Tr *s)
{
    IrVal addr = IR_NONE, v;
    if (tr_is_mem(s, 0)) {
        addr = tr_ea(s, 2, true);
        v = tr_read(s, W16, addr);
        ir_emit(s->b, OP_probe, W16, IR_NONE, addr, IR_NONE)->aux = (uint8_t)s->mmu;
    } else {
        v = tr_zext(s, W16, IR_G(s->i.rm));
    }
    IrVal r = tr_call(s, HELPER_arpl, v, tr_zext(s, W16, IR_G(s->i.reg)), IR_NONE);
    if (addr) {
        ir_st(s->b, W16, addr, r, s->mmu);
    } else {
        ir_mov(s->b, W16, IR_G(s->i.rm), r);
    }
}

void trans_lar(X86Tr *s)
{
    IrVal v = selector(s, 1), d = IR_G(s->i.reg);
    IrVal old = tr_zext(s, W64, d);
    ir_mov(s->b, s->i.osz, d, tr_call(s, s->i.row->arg, v, old, IR_NONE));
}

void trans_verr(X86Tr *s)
{
    IrVal v = selector(s, 0);
    tr_call_void(s, HELPER_verr, v, tr_const(s, s->i.row->arg), IR_NONE);
}

/* ---- descriptor tables ---- */

static bool umip_blocks(X86Tr *s)
{
    if ((s->mode & MODE_UMIP) && tr_cpl(s) > 0) {
        tr_gp(s);
        return true;
    }
    return false;
}

static void store_narrow(X86Tr *s, IrVal v)
{
    if (tr_is_mem(s, 0)) {
        ir_st(s->b, W16, tr_ea(s, 2, true), v, s->mmu);
    } else {
        ir_mov(s->b, s->i.osz, IR_G(s->i.rm), v);
    }
}

void trans_store_sel(X86Tr *s)
{
    if (!umip_blocks(s)) {
        store_narrow(s, tr_call(s, HELPER_store_dt, tr_const(s, s->i.row->arg), IR_NONE, IR_NONE));
    }
}

void trans_smsw(X86Tr *s)
{
    if (!umip_blocks(s)) {
        store_narrow(s, tr_call(s, HELPER_smsw, IR_NONE, IR_NONE, IR_NONE));
    }
}

void trans_store_dt(X86Tr *s)
{
    if (umip_blocks(s)) {
        return;
    }
    IrWidth w = s->bits == 64 ? W64 : (IrWidth)s->i.osz;
    IrVal addr = tr_ea(s, s->bits == 64 ? 10 : 6, true);
    tr_call_void(s, HELPER_store_dt, tr_const(s, s->i.row->arg), addr, tr_const(s, w));
}

void trans_load_dt(X86Tr *s)
{
    IrVal addr = tr_ea(s, s->bits == 64 ? 10 : 6, false), limit = tr_read(s, W16, addr);
    IrVal a2 = tr_temp(s);
    ir_lea(s->b, W64, a2, addr, IR_NONE, 0, 2);
    IrVal base = tr_read(s, s->bits == 64 ? W64 : W32, a2);
    if (s->bits != 64 && s->i.osz == W16) {
        tr_alu(s, OP_and, W32, base, base, (Src){IR_IMM, 0xffffff}, 0);
    }
    tr_call_void(s, s->i.row->arg, base, limit, IR_NONE);
}

void trans_load_sel(X86Tr *s)
{
    call1(s, s->i.row->arg, selector(s, 0));
}

void trans_lmsw(X86Tr *s)
{
    call1(s, HELPER_lmsw, selector(s, 0));
    x86_tr_end_next(s);
}

void trans_invlpg(X86Tr *s)
{
    call1(s, HELPER_invlpg, tr_linear(s, tr_seg(s), tr_offset(s), 1, false));
    x86_tr_end_next(s);
}

void trans_invpcid(X86Tr *s)
{
    IrVal addr = tr_ea(s, 16, false);
    IrVal type = tr_zext(s, s->bits == 64 ? W64 : W32, IR_G(s->i.reg));
    tr_call_void(s, HELPER_invpcid, type, addr, IR_NONE);
    x86_tr_end_next(s);
}

/* ---- control and debug registers ---- */

static IrWidth native_width(const X86Tr *s)
{
    return s->bits == 64 ? W64 : W32;
}

static int cr_number(const X86Tr *s)
{
    int n = s->i.reg;
    if (n == 0 && s->i.lock) {
        n = 8;
    }
    return n;
}

static bool bad_cr(X86Tr *s)
{
    int n = cr_number(s);
    if (n == 0 || n == 2 || n == 3 || n == 4 || n == 8) {
        return false;
    }
    tr_raise(s, 6);
    return true;
}

void trans_mov_from_cr(X86Tr *s)
{
    if (!bad_cr(s)) {
        IrVal v = tr_call(s, HELPER_read_cr, tr_const(s, cr_number(s)), IR_NONE, IR_NONE);
        ir_mov(s->b, native_width(s), IR_G(s->i.rm), v);
    }
}

void trans_mov_to_cr(X86Tr *s)
{
    if (!bad_cr(s)) {
        IrVal v = tr_zext(s, native_width(s), IR_G(s->i.rm));
        tr_call_void(s, HELPER_write_cr, tr_const(s, cr_number(s) | s->i.rm << 8), v,
                     tr_const(s, (int64_t)s->next));
        tr_end_helper(s);
    }
}

void trans_mov_from_dr(X86Tr *s)
{
    if (s->i.reg > 7) {
        tr_raise(s, 6);
        return;
    }
    IrVal v = tr_call(s, HELPER_read_dr, tr_const(s, s->i.reg | s->i.rm << 8), IR_NONE, IR_NONE);
    ir_mov(s->b, native_width(s), IR_G(s->i.rm), v);
}

void trans_mov_to_dr(X86Tr *s)
{
    if (s->i.reg > 7) {
        tr_raise(s, 6);
        return;
    }
    IrVal v = tr_zext(s, native_width(s), IR_G(s->i.rm));
    tr_call_void(s, HELPER_write_dr, tr_const(s, s->i.reg | s->i.rm << 8), v, tr_const(s, (int64_t)s->next));
    tr_end_helper(s);
}

void trans_clts(X86Tr *s)
{
    call0(s, HELPER_clts);
    x86_tr_end_next(s);
}

/* ---- model-specific registers, time, identification ---- */

void trans_rdmsr(X86Tr *s)
{
    call0(s, HELPER_rdmsr);
}

void trans_wrmsr(X86Tr *s)
{
    call1(s, HELPER_wrmsr, tr_const(s, (int64_t)s->next));
    tr_end_helper(s);
}

static bool tsc_blocked(X86Tr *s)
{
    if ((s->mode & MODE_TSD) && tr_cpl(s) > 0) {
        tr_gp(s);
        return true;
    }
    return false;
}

static void put_edx_eax(X86Tr *s, IrVal v)
{
    ir_mov(s->b, W32, IR_G(R_AX), v);
    tr_alu(s, OP_shr, W64, v, v, (Src){IR_IMM, 32}, 0);
    ir_mov(s->b, W32, IR_G(R_DX), v);
}

void trans_rdtsc(X86Tr *s)
{
    if (!tsc_blocked(s)) {
        put_edx_eax(s, tr_call(s, HELPER_rdtsc, IR_NONE, IR_NONE, IR_NONE));
    }
}

void trans_rdtscp(X86Tr *s)
{
    if (!tsc_blocked(s)) {
        put_edx_eax(s, tr_call(s, HELPER_rdtsc, IR_NONE, IR_NONE, IR_NONE));
        ir_mov(s->b, W32, IR_G(R_CX), tr_ldenv(s, W32, ENV(s.tsc_aux)));
    }
}

void trans_rdpid(X86Tr *s)
{
    ir_mov(s->b, W64, IR_G(s->i.rm), tr_ldenv(s, W32, ENV(s.tsc_aux)));
}

void trans_rdpmc(X86Tr *s)
{
    call0(s, HELPER_rdpmc);
}

void trans_cpuid(X86Tr *s)
{
    call0(s, HELPER_cpuid);
}

void trans_rdrand(X86Tr *s)
{
    IrWidth w = s->i.osz;
    IrVal v = tr_call(s, HELPER_rdrand, tr_const(s, w), IR_NONE, IR_NONE);
    ir_mov(s->b, w, IR_G(s->i.rm), v);
}

static bool no_osxsave(X86Tr *s)
{
    if (s->mode & MODE_OSXSAVE) {
        return false;
    }
    tr_raise(s, 6);
    return true;
}

void trans_xgetbv(X86Tr *s)
{
    if (!no_osxsave(s)) {
        call0(s, HELPER_xgetbv);
    }
}

void trans_xsetbv(X86Tr *s)
{
    if (!no_osxsave(s)) {
        call1(s, HELPER_xsetbv, tr_const(s, (int64_t)s->next));
        tr_end_helper(s);
    }
}

void trans_rdpkru(X86Tr *s)
{
    call0(s, HELPER_rdpkru);
}

void trans_wrpkru(X86Tr *s)
{
    call0(s, HELPER_wrpkru);
}

/* ---- bases, system calls ---- */

void trans_swapgs(X86Tr *s)
{
    IrVal gs = tr_ldenv(s, W64, ENV_SEG(S_GS, base));
    IrVal kernel = tr_ldenv(s, W64, ENV(s.kernel_gs_base));
    tr_stenv(s, W64, ENV_SEG(S_GS, base), kernel);
    tr_stenv(s, W64, ENV(s.kernel_gs_base), gs);
}

void trans_rdbase(X86Tr *s)
{
    if (!(s->mode & MODE_FSGSBASE)) {
        tr_raise(s, 6);
        return;
    }
    ir_mov(s->b, tr_width(s, 0), IR_G(s->i.rm), tr_ldenv(s, W64, ENV_SEG(s->i.row->arg, base)));
}

void trans_wrbase(X86Tr *s)
{
    if (!(s->mode & MODE_FSGSBASE)) {
        tr_raise(s, 6);
        return;
    }
    IrVal v = tr_zext(s, tr_width(s, 0), IR_G(s->i.rm));
    tr_call_void(s, HELPER_wrbase, tr_const(s, s->i.row->arg), v, IR_NONE);
}

void trans_syscall(X86Tr *s)
{
    call1(s, HELPER_syscall, tr_const(s, (int64_t)s->next));
    tr_end_helper(s);
}

void trans_sysret(X86Tr *s)
{
    call1(s, HELPER_sysret, tr_const(s, s->i.osz == W64));
    tr_end_helper(s);
}

void trans_sysenter(X86Tr *s)
{
    call1(s, HELPER_sysenter, tr_const(s, (int64_t)s->next));
    tr_end_helper(s);
}

void trans_sysexit(X86Tr *s)
{
    call1(s, HELPER_sysexit, tr_const(s, s->i.osz == W64));
    tr_end_helper(s);
}

void trans_rsm(X86Tr *s)
{
    if (!(s->mode & MODE_SMM)) {
        tr_raise(s, 6);
        return;
    }
    call0(s, HELPER_rsm);
    tr_end_helper(s);
}

/* ---- waiting ---- */

void trans_hlt(X86Tr *s)
{
    call1(s, HELPER_hlt, tr_const(s, (int64_t)s->next));
    tr_end_helper(s);
}

void trans_mwait(X86Tr *s)
{
    call1(s, HELPER_mwait, tr_const(s, (int64_t)s->next));
    x86_tr_end_next(s);
}

void trans_monitor(X86Tr *s)
{
    IrVal v = tr_zext(s, s->i.asz, IR_G(R_AX));
    call1(s, HELPER_monitor, tr_linear(s, s->i.seg >= 0 ? s->i.seg : S_DS, v, 1, false));
}

void trans_pause(X86Tr *s)
{
    call1(s, HELPER_pause, tr_const(s, (int64_t)s->next));
}

/* ---- flags ---- */

/* May CLI and STI change IF itself here, with nothing else to look at? */
static bool owns_if(const X86Tr *s)
{
    return !(s->mode & MODE_PE) || (!(s->mode & MODE_VM86) && tr_cpl(s) <= tr_iopl(s));
}

static void clear_rflags(X86Tr *s, int32_t bits)
{
    IrVal v = tr_ldenv(s, W32, ENV(s.rflags));
    tr_alu(s, OP_and, W32, v, v, (Src){IR_IMM, ~bits}, 0);
    tr_stenv(s, W32, ENV(s.rflags), v);
}

void trans_cli(X86Tr *s)
{
    if (owns_if(s)) {
        clear_rflags(s, 0x200);
    } else {
        call0(s, HELPER_cli);
    }
}

/*
 * Interrupts are taken between blocks only, so STI and the instruction in its
 * shadow go into one block which then leaves to the loop. When the block has to
 * end right after STI (x86_translate()), the shadow becomes state.
 */
void trans_sti(X86Tr *s)
{
    if (owns_if(s)) {
        call0(s, HELPER_sti_now);
        s->after_sti = true;
        s->to_loop = true;
        return;
    }
    call1(s, HELPER_sti, tr_const(s, (int64_t)s->next));
    tr_end_to_loop(s);
}

void trans_setac(X86Tr *s)
{
    tr_call_void(s, HELPER_setac, tr_const(s, s->i.row->arg), tr_const(s, (int64_t)s->next),
                 IR_NONE);
    tr_end_helper(s);
}

void trans_setdf(X86Tr *s)
{
    if (s->i.row->arg == 0) {
        clear_rflags(s, 0x400);
        tr_stenv(s, W8, ENV(df8), tr_const(s, 1));
        return;
    }
    call1(s, HELPER_setdf, tr_const(s, s->i.row->arg));
}

/* ---- ports ---- */

static IrVal port(X86Tr *s, int n)
{
    if (s->i.row->op[n].am == AM_I) {
        return tr_const(s, s->i.imm & 255);
    }
    return tr_zext(s, W16, IR_G(R_DX));
}

void trans_in(X86Tr *s)
{
    IrWidth w = tr_width(s, 0);
    IrVal v = tr_call(s, HELPER_in, port(s, 1), tr_const(s, w), IR_NONE);
    ir_mov(s->b, w, IR_G(R_AX), v);
}

void trans_out(X86Tr *s)
{
    IrWidth w = tr_width(s, 1);
    IrVal v = tr_temp(s);
    ir_emit(s->b, OP_or, W64, v, tr_zext(s, w, IR_G(R_AX)), tr_const(s, (int64_t)w << 32));
    tr_call_void(s, HELPER_out, port(s, 0), v, tr_const(s, (int64_t)s->next));
}

/* ---- caches and order ---- */

void trans_wbinvd(X86Tr *s)
{
    call0(s, HELPER_wbinvd);
}

void trans_clflush(X86Tr *s)
{
    tr_read(s, W8, tr_ea(s, 1, false)); /* faults as a load */
}

void trans_fence(X86Tr *s)
{
    if ((s->i.modrm >> 3 & 7) == 6) {
        ir_emit(s->b, OP_fence, W64, IR_NONE, IR_NONE, IR_NONE);
    }
}

void trans_serialize(X86Tr *s)
{
    x86_tr_end_next(s);
}

/* ---- state in memory, wide exchange ---- */

void trans_cmpxchg8b(X86Tr *s)
{
    bool wide = s->i.rex & 8;
    if (wide && !tr_has(s, F_CX16)) {
        tr_raise(s, 6);
        return;
    }
    IrVal addr = tr_ea(s, wide ? 16 : 8, true);
    tr_call_void(s, HELPER_cmpxchg8b, addr, tr_const(s, wide ? 4 : 3), IR_NONE);
}

void trans_fxsave(X86Tr *s)
{
    IrVal addr = tr_ea(s, 512, s->i.row->arg == HELPER_fxsave);
    tr_call_void(s, s->i.row->arg, addr, tr_const(s, (s->i.rex & 8) != 0), IR_NONE);
}

static bool xsave_blocked(X86Tr *s)
{
    if (no_osxsave(s)) {
        return true;
    }
    if (s->mode & MODE_TS) {
        tr_raise(s, 7);
        return true;
    }
    return false;
}

void trans_xsave(X86Tr *s)
{
    if (!xsave_blocked(s)) {
        IrVal addr = tr_ea(s, 576, true);
        tr_call_void(s, HELPER_xsave, addr, tr_const(s, (s->i.rex & 8) != 0),
                     tr_const(s, s->i.row->arg));
    }
}

void trans_xrstor(X86Tr *s)
{
    if (!xsave_blocked(s)) {
        IrVal addr = tr_ea(s, 576, false);
        tr_call_void(s, HELPER_xrstor, addr, tr_const(s, (s->i.rex & 8) != 0),
                     tr_const(s, s->i.row->arg));
    }
}
