/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SVM: its instructions, and the intercepts of a guest's instructions. Outside of a guest
 * (MODE_GUEST clear) nothing of this is in the code. In one, an instruction that can be
 * intercepted is preceded by a test of its bit, as far as the mode word and the instruction's bytes
 * decide what comes before the intercept (APM vol 2, table 15-7); what needs values is
 * tested by the helper that has them (svm_check_insn()).
 */
#include "target/i386/svm.h"
#include "target/i386/translate.h"

/* Leave the guest before this instruction if exit code `code` is intercepted. */
static void check(X86Tr *s, unsigned code, IrVal info1)
{
    IrVal bits = tr_ldenv(s, W32, ENV(s.svm_icpt) + (code / 32) * 4);
    int l = ir_label_new(s->b);

    tr_alu(s, OP_and, W32, bits, bits, (Src){IR_IMM, (int32_t)(1u << (code & 31))}, 0);
    ir_branch(s->b, OP_brz, W32, bits, l);
    tr_call_void(s, HELPER_svm_exit, tr_const(s, code), info1, tr_const(s, (int64_t)s->next));
    ir_label(s->b, l);
}

static void check_plain(X86Tr *s, unsigned code)
{
    check(s, code, tr_const(s, 0));
}

static bool umip_faults(const X86Tr *s)
{
    return (s->mode & MODE_UMIP) && tr_cpl(s) > 0;
}

/* SGDT, SIDT, SLDT, STR by row argument 0..3. */
static void check_store(X86Tr *s)
{
    static const uint8_t code[] = {SVM_EXIT_READ_GDTR, SVM_EXIT_READ_IDTR, SVM_EXIT_READ_LDTR,
                                   SVM_EXIT_READ_TR};
    if (!umip_faults(s)) {
        check_plain(s, code[s->i.row->arg & 3]);
    }
}

static void check_load(X86Tr *s)
{
    switch (s->i.row->arg) {
    case HELPER_lgdt:
        check_plain(s, SVM_EXIT_WRITE_GDTR);
        break;
    case HELPER_lidt:
        check_plain(s, SVM_EXIT_WRITE_IDTR);
        break;
    case HELPER_lldt:
        check_plain(s, SVM_EXIT_WRITE_LDTR);
        break;
    case HELPER_ltr:
        check_plain(s, SVM_EXIT_WRITE_TR);
        break;
    }
}

static void check_int(X86Tr *s)
{
    if (s->i.row->arg == 0) {
        check(s, SVM_EXIT_SWINT, tr_const(s, s->i.imm & 255));
    } else if (s->i.row->arg == 3) {
        check_plain(s, SVM_EXIT_ICEBP);
    }
}

/* Reads of CR0, 2, 3, 4, 8; others are #UD. */
static void check_read_cr(X86Tr *s)
{
    int n = s->i.reg == 0 && s->i.lock ? 8 : s->i.reg;

    if (n == 0 || n == 2 || n == 3 || n == 4 || n == 8) {
        check(s, SVM_EXIT_READ_CR0 + n, tr_const(s, (int64_t)(1ull << 63 | s->i.rm)));
    }
}

/* The instruction's part of EXITINFO1, and the test in the maps. */
static void check_io(X86Tr *s, IrVal port, unsigned size, uint64_t info)
{
    info |= size << SVM_IO_SIZE_SHIFT;
    info |= (s->i.asz == W16 ? 1u : s->i.asz == W32 ? 2u : 4u) << SVM_IO_ASIZE_SHIFT;
    tr_call_void(s, HELPER_svm_io, port, tr_const(s, (int64_t)info), tr_const(s, (int64_t)s->next));
}

static void check_in_out(X86Tr *s)
{
    bool in = s->i.row->trans == X86T_in;
    const X86OpSpec *op = &s->i.row->op[in ? 1 : 0];
    IrVal port = op->am == AM_I ? tr_const(s, s->i.imm & 255) : tr_zext(s, W16, IR_G(R_DX));

    check_io(s, port, 1u << tr_width(s, in ? 0 : 1), in ? SVM_IO_IN : 0);
}

/* INS stores through ES (0); OUTS loads through DS or an override. */
static void check_string_io(X86Tr *s)
{
    bool in = !(s->i.opcode & 2); /* 6C, 6D: INS; 6E, 6F: OUTS */
    unsigned size = !(s->i.opcode & 1) ? 1 : s->i.osz == W16 ? 2 : 4;
    uint64_t info = SVM_IO_STRING | (s->i.rep ? SVM_IO_REP : 0);

    info |= in ? SVM_IO_IN : (uint64_t)(s->i.seg >= 0 ? s->i.seg : S_DS) << SVM_IO_SEG_SHIFT;
    check_io(s, tr_zext(s, W16, IR_G(R_DX)), size, info);
}

static void check_invlpg(X86Tr *s)
{
    check(s, SVM_EXIT_INVLPG, tr_linear(s, tr_seg(s), tr_offset(s), 1, false));
}

static void check_msr(X86Tr *s, bool write)
{
    tr_call_void(s, HELPER_svm_msr, tr_const(s, write), tr_const(s, (int64_t)s->next), IR_NONE);
}

void tr_svm_intercept(X86Tr *s)
{
    bool tsc_faults = (s->mode & MODE_TSD) && tr_cpl(s) > 0;

    switch (s->i.row->trans) {
    case X86T_cpuid:
        check_plain(s, SVM_EXIT_CPUID);
        break;
    case X86T_rdtsc:
    case X86T_rdtscp:
        if (!tsc_faults) {
            check_plain(s, s->i.row->trans == X86T_rdtsc ? SVM_EXIT_RDTSC : SVM_EXIT_RDTSCP);
        }
        break;
    case X86T_pushf:
        check_plain(s, SVM_EXIT_PUSHF);
        break;
    case X86T_popf:
        check_plain(s, SVM_EXIT_POPF);
        break;
    case X86T_iret:
        check_plain(s, SVM_EXIT_IRET);
        break;
    case X86T_rsm:
        check_plain(s, SVM_EXIT_RSM);
        break;
    case X86T_int:
        check_int(s);
        break;
    case X86T_vmmcall:
        check_plain(s, SVM_EXIT_VMMCALL);
        break;
    case X86T_hlt:
        check_plain(s, SVM_EXIT_HLT);
        break;
    case X86T_pause:
        tr_call_void(s, HELPER_svm_pause, tr_const(s, (int64_t)s->next), IR_NONE, IR_NONE);
        break;
    case X86T_wbinvd:
        check_plain(s, s->i.opcode == 0x08 ? SVM_EXIT_INVD : SVM_EXIT_WBINVD);
        break;
    case X86T_invlpg:
        check_invlpg(s);
        break;
    case X86T_invpcid:
        check_plain(s, SVM_EXIT_INVPCID);
        break;
    case X86T_xsetbv:
        if (s->mode & MODE_OSXSAVE) {
            check_plain(s, SVM_EXIT_XSETBV);
        }
        break;
    case X86T_clts:
        check_plain(s, SVM_EXIT_WRITE_CR0);
        break;
    case X86T_lmsw:
        check_plain(s, SVM_EXIT_WRITE_CR0);
        check_plain(s, SVM_EXIT_CR0_SEL_WRITE);
        break;
    case X86T_smsw:
        if (!umip_faults(s)) {
            check_plain(s, SVM_EXIT_READ_CR0);
        }
        break;
    case X86T_mov_from_cr:
        check_read_cr(s);
        break;
    case X86T_store_dt:
    case X86T_store_sel:
        check_store(s);
        break;
    case X86T_load_dt:
    case X86T_load_sel:
        check_load(s);
        break;
    case X86T_rdmsr:
    case X86T_wrmsr:
        check_msr(s, s->i.row->trans == X86T_wrmsr);
        break;
    case X86T_in:
    case X86T_out:
        check_in_out(s);
        break;
    case X86T_iostring:
        check_string_io(s);
        break;
    default:
        break;
    }
}

/* ---- the instructions ---- */

static IrVal address_width(X86Tr *s)
{
    return tr_const(s, s->i.asz);
}

/* The next instruction is the guest's; a single-step trap is due when it has left (svm_vmexit()). */
void trans_vmrun(X86Tr *s)
{
    tr_call_void(s, HELPER_vmrun, address_width(s), tr_const(s, (int64_t)s->next), IR_NONE);
    ir_emit(s->b, OP_exit, W64, IR_NONE, IR_NONE, IR_NONE);
    s->ended = true;
}

void trans_vmload(X86Tr *s)
{
    tr_call_void(s, s->i.row->arg, address_width(s), IR_NONE, IR_NONE);
}

/* GIF is set from the next instruction on: interrupts are looked at there. */
void trans_stgi(X86Tr *s)
{
    tr_call_void(s, s->i.row->arg, IR_NONE, IR_NONE, IR_NONE);
    x86_tr_end_next(s);
}

void trans_vmmcall(X86Tr *s)
{
    tr_call_void(s, HELPER_vmmcall, IR_NONE, IR_NONE, IR_NONE);
    x86_tr_end_next(s);
}

void trans_invlpga(X86Tr *s)
{
    tr_call_void(s, HELPER_invlpga, address_width(s), IR_NONE, IR_NONE);
    x86_tr_end_next(s);
}
