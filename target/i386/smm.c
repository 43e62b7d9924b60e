/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System management mode (APM vol 2, chapter 10; SDM vol 3, chapter 35): SMI, the state-save area
 * at SMBASE + FE00h in AMD's 64-bit form or, for processors without long mode, SMBASE + FE00h in
 * the 32-bit form of the P6 family, and RSM.
 *
 * The processor sees memory through its second view meanwhile (cpu_use_secure_memory), where the
 * chip set shows what it hides from everybody else.
 */
#include "target/i386/fpu.h"
#include "target/i386/system.h"

#define SAVE_AREA    0xfe00u
#define SAVE_SIZE    0x200u
#define REVISION_64  0x00020064u /* bit 17: SMBASE can be moved */
#define REVISION_32  0x00020000u
#define SMI_ENTRY    0x8000u

/* Offsets in the save area, 64-bit form (APM vol 2, table 10-1, less FE00h). */
enum {
    A_SEG = 0x00, A_GDTR = 0x60, A_LDTR = 0x70, A_IDTR = 0x80, A_TR = 0x90, A_HALT = 0xc9, A_EFER = 0xd0,
    A_REVISION = 0xfc, A_SMBASE = 0x100, A_CR4 = 0x148, A_CR3 = 0x150, A_CR0 = 0x158, A_DR7 = 0x160,
    A_DR6 = 0x168, A_RFLAGS = 0x170, A_RIP = 0x178, A_R15 = 0x180,
};
/* 32-bit form. */
enum {
    P_REVISION = 0xfc, P_SMBASE = 0xf8, P_HALT = 0x102, P_CR4 = 0x114, P_SEG_HIGH = 0x12c, P_IDTR = 0x154, P_TR = 0x15c,
    P_GDTR = 0x170, P_LDTR = 0x178, P_SEG_LOW = 0x184, P_SELECTORS = 0x1a8, P_LDTR_SEL = 0x1c0,
    P_TR_SEL = 0x1c4, P_DR7 = 0x1c8, P_DR6 = 0x1cc, P_GPRS = 0x1d0, P_EIP = 0x1f0, P_EFLAGS = 0x1f4,
    P_CR3 = 0x1f8, P_CR0 = 0x1fc,
};

/* ---- 64-bit form ---- */

/* Upwards from A_R15. */
static const uint8_t gpr_order[16] = {15, 14, 13, 12, 11, 10, 9, 8, R_DI, R_SI, R_BP, R_SP, R_BX, R_DX, R_CX, R_AX};

static void seg_out(uint8_t *p, const X86Seg *s)
{
    st_le16(p, s->sel);
    st_le16(p + 2, s->attr & 0xf0ff);
    st_le32(p + 4, s->limit);
    st_le64(p + 8, s->base);
}

static uint32_t attr_in(uint32_t attr)
{
    return (attr & 0xf0ff) | (attr & SEG_P ? 0 : SEG_UNUSABLE);
}

static void seg_in(const uint8_t *p, X86Seg *s)
{
    *s = (X86Seg){.sel = ld_le16(p), .attr = attr_in(ld_le16(p + 2)), .limit = ld_le32(p + 4), .base = ld_le64(p + 8)};
}

static void save64(const X86State *s, uint64_t rflags, uint8_t *a)
{
    for (int i = 0; i < S_COUNT; i++) {
        seg_out(a + A_SEG + 16 * i, &s->seg[i]);
    }
    seg_out(a + A_LDTR, &s->ldt);
    seg_out(a + A_TR, &s->tr);
    st_le32(a + A_GDTR + 4, s->gdt_limit);
    st_le64(a + A_GDTR + 8, s->gdt_base);
    st_le32(a + A_IDTR + 4, s->idt_limit);
    st_le64(a + A_IDTR + 8, s->idt_base);
    a[A_HALT] = s->halted;
    st_le64(a + A_EFER, s->efer);
    st_le32(a + A_REVISION, REVISION_64);
    st_le32(a + A_SMBASE, s->smbase);
    st_le64(a + A_CR4, s->cr4);
    st_le64(a + A_CR3, s->cr3);
    st_le64(a + A_CR0, s->cr0);
    st_le64(a + A_DR7, s->dr[7]);
    st_le64(a + A_DR6, s->dr[6]);
    st_le64(a + A_RFLAGS, rflags);
    st_le64(a + A_RIP, s->rip);
    for (int i = 0; i < 16; i++) {
        st_le64(a + A_R15 + 8 * i, s->gpr[gpr_order[i]]);
    }
}

/* What RSM takes from the area besides CR0, CR3, CR4 and EFER. */
static uint64_t load64(X86State *s, const uint8_t *a)
{
    for (int i = 0; i < S_COUNT; i++) {
        seg_in(a + A_SEG + 16 * i, &s->seg[i]);
    }
    seg_in(a + A_LDTR, &s->ldt);
    seg_in(a + A_TR, &s->tr);
    s->gdt_limit = ld_le32(a + A_GDTR + 4);
    s->gdt_base = ld_le64(a + A_GDTR + 8);
    s->idt_limit = ld_le32(a + A_IDTR + 4);
    s->idt_base = ld_le64(a + A_IDTR + 8);
    s->halted = a[A_HALT] & 1;
    s->smbase = ld_le32(a + A_SMBASE);
    s->dr[7] = (uint32_t)ld_le64(a + A_DR7);
    s->dr[6] = (uint32_t)ld_le64(a + A_DR6);
    s->rip = ld_le64(a + A_RIP);
    for (int i = 0; i < 16; i++) {
        s->gpr[gpr_order[i]] = ld_le64(a + A_R15 + 8 * i);
    }
    return ld_le64(a + A_RFLAGS);
}

/* ---- 32-bit form ---- */

/* attributes, limit, base: each 32 bits, the first as in a descriptor's high half */
static void hidden_out(uint8_t *p, const X86Seg *s)
{
    st_le32(p, (s->attr & 0xf0ff) << 8);
    st_le32(p + 4, s->limit);
    st_le32(p + 8, s->base);
}

static void hidden_in(const uint8_t *p, X86Seg *s, uint32_t sel)
{
    *s = (X86Seg){.sel = sel, .attr = attr_in(ld_le32(p) >> 8), .limit = ld_le32(p + 4), .base = ld_le32(p + 8)};
}

static unsigned hidden_at(int seg)
{
    return seg < 3 ? P_SEG_LOW + 12 * seg : P_SEG_HIGH + 12 * (seg - 3);
}

static void save32(const X86State *s, uint64_t rflags, uint8_t *a)
{
    for (int i = 0; i < S_COUNT; i++) {
        st_le32(a + P_SELECTORS + 4 * i, s->seg[i].sel);
        hidden_out(a + hidden_at(i), &s->seg[i]);
    }
    st_le32(a + P_LDTR_SEL, s->ldt.sel);
    hidden_out(a + P_LDTR, &s->ldt);
    st_le32(a + P_TR_SEL, s->tr.sel);
    hidden_out(a + P_TR, &s->tr);
    st_le32(a + P_GDTR, s->gdt_limit);
    st_le32(a + P_GDTR + 4, s->gdt_base);
    st_le32(a + P_IDTR, s->idt_limit);
    st_le32(a + P_IDTR + 4, s->idt_base);
    a[P_HALT] = s->halted;
    st_le32(a + P_REVISION, REVISION_32);
    st_le32(a + P_SMBASE, s->smbase);
    st_le32(a + P_CR4, s->cr4);
    st_le32(a + P_CR3, s->cr3);
    st_le32(a + P_CR0, s->cr0);
    st_le32(a + P_DR7, s->dr[7]);
    st_le32(a + P_DR6, s->dr[6]);
    st_le32(a + P_EFLAGS, rflags);
    st_le32(a + P_EIP, s->rip);
    for (int i = 0; i < 8; i++) {
        st_le32(a + P_GPRS + 4 * i, s->gpr[i]);
    }
}

static uint64_t load32(X86State *s, const uint8_t *a)
{
    for (int i = 0; i < S_COUNT; i++) {
        hidden_in(a + hidden_at(i), &s->seg[i], ld_le32(a + P_SELECTORS + 4 * i));
    }
    hidden_in(a + P_LDTR, &s->ldt, ld_le32(a + P_LDTR_SEL));
    hidden_in(a + P_TR, &s->tr, ld_le32(a + P_TR_SEL));
    s->gdt_limit = ld_le32(a + P_GDTR);
    s->gdt_base = ld_le32(a + P_GDTR + 4);
    s->idt_limit = ld_le32(a + P_IDTR);
    s->idt_base = ld_le32(a + P_IDTR + 4);
    s->halted = a[P_HALT] & 1;
    s->smbase = ld_le32(a + P_SMBASE);
    s->dr[7] = ld_le32(a + P_DR7);
    s->dr[6] = ld_le32(a + P_DR6);
    s->rip = ld_le32(a + P_EIP);
    for (int i = 0; i < 8; i++) {
        s->gpr[i] = ld_le32(a + P_GPRS + 4 * i);
    }
    return ld_le32(a + P_EFLAGS);
}

/* ---- in ---- */

/* The control registers at once, without the checks and side effects of MOV to them. */
static void set_controls(X86Env *env, uint64_t cr0, uint64_t cr3, uint64_t cr4, uint64_t efer)
{
    env->s.cr0 = cr0;
    env->s.cr3 = cr3;
    env->s.cr4 = cr4;
    env->s.efer = efer;
    tcg_tlb_flush(env);
}

void x86_select_memory(X86Env *env)
{
    cpu_use_secure_memory(env->cpu, env->s.smm);
}

void x86_take_smi(X86Env *env)
{
    X86State *s = &env->s;
    uint8_t area[SAVE_SIZE] = {0};
    uint64_t rflags = x86_rflags(env);
    bool wide = x86_has(env->config, F_LM);

    log_mask(LOG_INT, "SMI: SMBASE=%08x IP=%04x:%016" G_GINT64_MODIFIER "x\n", (unsigned)s->smbase,
             s->seg[S_CS].sel, (guint64)s->rip);
    (wide ? save64 : save32)(s, rflags, area);
    x86_fpu_show_error(env);
    s->smm = SMM_ACTIVE | (s->nmi_masked ? SMM_NMI_MASKED : 0) | (s->svm_guest ? SMM_GUEST : 0) |
             (s->svm_npt ? SMM_NPT : 0);
    s->svm_guest = s->svm_npt = 0; /* the rest of a guest's state waits where it is */
    s->nmi_masked = 1;
    s->halted = 0;
    s->int_shadow = 0;
    s->trap_pending = 0;
    x86_select_memory(env);
    address_space_write(env->cpu->mem, s->smbase + SAVE_AREA, MEM_ATTRS_NONE, area, sizeof(area));

    set_controls(env, s->cr0 & ~(uint64_t)(CR0_PE | CR0_EM | CR0_TS | CR0_PG), s->cr3, 0, 0);
    x86_put_rflags(env, 2);
    s->dr[7] = DR7_RESET;
    for (int i = 0; i < S_COUNT; i++) {
        s->seg[i] = (X86Seg){.attr = SEG_G | SEG_P | SEG_S | 3, .limit = 0xffffffff};
    }
    s->seg[S_CS].sel = s->smbase >> 4;
    s->seg[S_CS].base = s->smbase;
    s->rip = SMI_ENTRY;
    x86_update_mode(env);
    x86_publish_wait(env);
}

/* ---- out ---- */

/* SDM vol 3, 35.4.1.1: what leads to shutdown. */
static bool controls_valid(const X86Env *env, uint64_t cr0, uint64_t cr4, uint64_t efer)
{
    return !((cr0 & CR0_PG) && !(cr0 & CR0_PE)) && !((cr0 & CR0_NW) && !(cr0 & CR0_CD)) && !(cr0 >> 32) &&
           !(cr4 & ~env->config->cr4_valid) && !(efer & ~(env->config->efer_valid | EFER_LMA)) &&
           !((efer & EFER_LMA) && (!(cr0 & CR0_PG) || !(cr4 & CR4_PAE) || !(efer & EFER_LME)));
}

uint64_t helper_rsm(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    X86State *s = &env->s;
    uint8_t area[SAVE_SIZE] = {0};
    bool wide = x86_has(env->config, F_LM);
    uint64_t cr0, cr3, cr4, efer, rflags;
    uint32_t smbase = s->smbase;

    address_space_read(env->cpu->mem, smbase + SAVE_AREA, MEM_ATTRS_NONE, area, sizeof(area));
    cr0 = wide ? ld_le64(area + A_CR0) : ld_le32(area + P_CR0);
    cr3 = wide ? ld_le64(area + A_CR3) : ld_le32(area + P_CR3);
    cr4 = wide ? ld_le64(area + A_CR4) : ld_le32(area + P_CR4);
    efer = wide ? ld_le64(area + A_EFER) : 0;
    if (!controls_valid(env, cr0, cr4, efer)) {
        log_mask(LOG_GUEST_ERROR, "RSM: the saved control registers are not valid\n");
        tcg_exit(env, EXIT_SHUTDOWN);
    }
    rflags = (wide ? load64 : load32)(s, area);
    if (!(ld_le32(area + A_REVISION) & 1u << 17)) {
        s->smbase = smbase;
    }
    s->nmi_masked = !!(s->smm & SMM_NMI_MASKED);
    s->svm_guest = !!(s->smm & SMM_GUEST);
    s->svm_npt = !!(s->smm & SMM_NPT);
    s->smm = 0;
    x86_select_memory(env);
    set_controls(env, cr0 | CR0_ET, cr3, cr4, efer);
    x86_put_rflags(env, rflags);
    x86_update_mode(env);
    x86_load_pdptes(env, cr0, cr4, cr3);
    x86_publish_wait(env);
    if (s->halted) {
        tcg_exit(env, EXIT_HALT); /* it was in HLT, and its handler did not end that */
    }
    tcg_poll(env); /* what SMM held off */
    return 0;
}
