/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's FP state between env's FXSAVE image and the host's registers, and
 * what happens when a guest instruction traps in the host (SIGFPE).
 */
#include <signal.h>
#include <ucontext.h>

#include "accel/tcg/host/x86_64/emit.h"

#define MXCSR_AT 24 /* in the image; reserved bits fault when loaded */
#define XMM_AT   160
#define FPU_HEAD 24 /* control, status, tags, opcode, pointers */
#define X87_AT   32
#define FSW_AT   2
#define FOP_AT   6
#define FIP_AT   8

void fpu_image_sanitize(void *image)
{
    uint32_t mxcsr;
    memcpy(&mxcsr, (char *)image + MXCSR_AT, 4);
    mxcsr &= 0xffff;
    memcpy((char *)image + MXCSR_AT, &mxcsr, 4);
}

static void host_defaults(const TcgVcpu *v)
{
    __asm__ volatile("fninit\n\tldmxcsr %0" : : "m"(v->host_mxcsr));
}

/* Leaves the upper halves zero: what follows is SSE code. */
static void save_ymmh(const TcgVcpu *v)
{
#define SAVE(n) "vextractf128 $1, %%ymm" #n ", 16*" #n "(%0)\n\t"
    __asm__ volatile(SAVE(0) SAVE(1) SAVE(2) SAVE(3) SAVE(4) SAVE(5) SAVE(6) SAVE(7) SAVE(8) SAVE(9)
                     SAVE(10) SAVE(11) SAVE(12) SAVE(13) SAVE(14) SAVE(15) "vzeroupper"
                     : : "r"((char *)tcg_env((TcgVcpu *)v) + v->target->ymmh_offset) : "memory");
#undef SAVE
}

/*
 * AMD's processors have the pointers to the last x87 instruction in images only while an exception is pending (APM 2,
 * 11.4.4): FXSAVE writes zeros, FXRSTOR leaves them alone.
 */
bool host_keeps_x87_pointers(void)
{
    char before[512] __attribute__((aligned(16))), image[512] __attribute__((aligned(16)));
    uint64_t fip = 0x12345678, got;

    __asm__ volatile("fxsave64 %0" : "=m"(before));
    memcpy(image, before, sizeof(image));
    memcpy(image + FIP_AT, &fip, sizeof(fip));
    __asm__ volatile("fxrstor64 %0\n\tfxsave64 %0\n\tfxrstor64 %1" : "+m"(image) : "m"(before));
    memcpy(&got, image + FIP_AT, sizeof(got));
    return got == fip;
}

/* An exception is pending: every host has the pointers then. */
static bool x87_pending(const char *image)
{
    return image[FSW_AT] & 0x80;
}

void host_x87_keep(TcgVcpu *v, const char *image)
{
    memcpy(v->x87_kept, image, sizeof(v->x87_kept));
}

void host_x87_kept(const TcgVcpu *v, char *image)
{
    if (!x87_pending(image)) {
        memcpy(image + FOP_AT, v->x87_kept + FOP_AT, FPU_HEAD - FOP_AT);
    }
}

void host_fpu_save(TcgVcpu *v)
{
    bool notes = v->fpu_live && v->hc && v->hc->x87_notes;

    char *image = (char *)tcg_env(v) + v->target->fpu_offset;

    if (v->target->vec_offset) { /* vector registers: the stubs have put them into env */
        g_assert(v->fpu_live != FPU_IN_HOST);
        v->fpu_live = FPU_IN_ENV;
        return;
    }
    if (v->ymm_live && v->fpu_live == FPU_IN_HOST) {
        save_ymmh(v);
    }
    v->ymm_live = 0;
    if (v->fpu_live == FPU_IN_HOST) {
        __asm__ volatile("fxsave64 (%0)" : : "r"(image) : "memory");
        host_defaults(v);
    } else if (v->fpu_live == FPU_SPLIT) {
        char now[512] __attribute__((aligned(16)));
        __asm__ volatile("fxsave64 (%0)" : : "r"(now) : "memory");
        memcpy(image, now, FPU_HEAD);
        memcpy(image + X87_AT, now + X87_AT, XMM_AT - X87_AT);
        host_defaults(v);
    }
    if (notes) {
        host_x87_kept(v, image);
    }
    v->fpu_live = FPU_IN_ENV;
}

/* ---- traps ---- */

void host_note_trap(TcgVcpu *v, unsigned kind)
{
    void *env = tcg_env(v);
    if (kind == TRAP_DIVIDE) {
        v->target->note_divide(env);
    } else if (kind == TRAP_SIMD) {
        v->target->note_simd_fp(env);
    } else {
        v->target->note_x87_fp(env);
    }
}

void host_raise_trap(TcgVcpu *v)
{
    host_note_trap(v, (unsigned)v->scratch[0]);
    tcg_raise(tcg_env(v));
}

uint32_t host_insn_mask(TcgVcpu *v, const IrHostInsn *hi)
{
    const char *env = tcg_env(v);
    const char *half[2] = {env + v->target->fpu_offset + XMM_AT + 16 * hi->vvvv,
                           env + v->target->ymmh_offset + 16 * hi->vvvv};
    uint32_t bits = 0;
    for (unsigned at = hi->mask - 1u, n = 0; at < hi->size; at += hi->mask, n++) {
        bits |= (uint32_t)((uint8_t)half[at / 16][at % 16] >> 7) << n;
    }
    return bits;
}

/* The block around a code offset: from the first one in its 64 KiB, or an earlier one. */
static const TcgBlock *block_at(HostCode *hc, uint32_t off)
{
    int region = (int)(off >> 16);
    while (region >= 0 && (hc->first[region] == 0 || hc->first[region] > off)) {
        region--;
    }
    if (region < 0) {
        return NULL;
    }
    for (uint32_t at = hc->first[region]; at <= off && at < hc->used;) {
        TcgBlock *tb;
        uint32_t size;
        memcpy(&tb, hc_rw(hc, at), sizeof(tb));
        memcpy(&size, hc_rw(hc, at + BLOCK_HEADER + HEADER_SIZE_AT), sizeof(size));
        if (off < at + size) {
            return tb;
        }
        at = (at + size + 15) & ~15u;
    }
    return NULL;
}

static const TcgSite *site_at(const TcgBlock *tb, uint32_t off)
{
    uint32_t lo = 0, hi = tb->n_sites;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (tb->sites[mid].host < off) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < tb->n_sites && tb->sites[lo].host == off ? &tb->sites[lo] : NULL;
}

static bool in_thunks(const HostCode *hc, uint32_t off)
{
    return off >= hc->thunk_start && off < hc->thunk_start + THUNK_SPACE;
}

/* Is the last x87 instruction one of generated code? Its offset there. */
static bool last_x87(const TcgVcpu *v, const char *image, uint32_t *off)
{
    uint64_t fip;
    memcpy(&fip, image + FIP_AT, sizeof(fip));
    return v->hc && host_code_contains(v->hc, fip, off);
}

/*
 * Did the host instruction at off, the last one in the image, leave an error pending? There is one, and the host has
 * its opcode (SDM vol 1, 8.1.9), which an FLDCW that unmasks an old error does not change.
 */
static bool x87_raised(HostCode *hc, const char *image, uint32_t off)
{
    const uint8_t *insn = host_code_ptr(hc, off);
    uint16_t fsw, fop;
    memcpy(&fsw, image + FSW_AT, sizeof(fsw));
    memcpy(&fop, image + FOP_AT, sizeof(fop));
    insn += (*insn & 0xf0) == 0x40; /* REX */
    return (fsw & 0x80) && (fop & HF_OPCODE) == ((insn[0] & 7) << 8 | insn[1]);
}

void host_x87_in_thunk(TcgVcpu *v, const IrHostInsn *hi)
{
    const char *image = (char *)tcg_env(v) + v->target->fpu_offset;
    uint32_t off;
    if (v->hc->x87_notes) {
        if (hi->fop) {
            v->thunk_pc = v->interp_pc;
            v->thunk_fop = hi->fop;
            v->thunk_raised = x87_pending(image);
            v->x87_last = X87_THUNK;
        }
        return;
    }
    if (hi->fop && last_x87(v, image, &off) && in_thunks(v->hc, off)) {
        v->thunk_pc = v->interp_pc;
        v->thunk_fop = hi->fop;
        v->thunk_raised = x87_raised(v->hc, image, off);
    }
}

/* Is there a last x87 instruction that is not settled? Its offset. */
static bool unsettled(TcgVcpu *v, const char *image, uint32_t *off)
{
    if (v->hc && v->hc->x87_notes && !x87_pending(image)) {
        *off = v->x87_last == X87_THUNK ? v->hc->thunk_start : v->x87_last;
        bool any = v->x87_last != X87_NONE;
        v->x87_last = X87_NONE;
        return any;
    }
    v->x87_last = X87_NONE;
    return last_x87(v, image, off);
}

void host_fpu_settle(TcgVcpu *v)
{
    char *image = (char *)tcg_env(v) + v->target->fpu_offset;
    uint32_t off;
    if (!v->target->fpu_offset || !unsettled(v, image, &off)) {
        return;
    }
    uint64_t pc = v->thunk_pc;
    unsigned fop = v->thunk_fop;
    bool raised = v->thunk_raised;
    if (!in_thunks(v->hc, off)) {
        const TcgBlock *tb = block_at(v->hc, off);
        const TcgSite *site = tb ? site_at(tb, off) : NULL;
        pc = site ? tb->pc + site->insn : 0;
        fop = site ? site->fop : 0;
        raised = x87_raised(v->hc, image, off);
    }
    memcpy(image + FIP_AT, &pc, sizeof(pc));
    if (v->target->x87_ran) {
        v->target->x87_ran(tcg_env(v), pc, fop, raised);
    }
}

static uint64_t *env_field(TcgVcpu *v, uint32_t off)
{
    return (uint64_t *)(void *)((char *)tcg_env(v) + off);
}

static void restore_pin(HostCode *hc, TcgVcpu *v, int reg, greg_t *to)
{
    if (hc->pin[reg] >= 0) {
        *to = (greg_t)*env_field(v, hc->goff[(int)hc->pin[reg]]);
    }
}

/* #MF and #XM are both SIGFPE with the same codes; the vector tells. */
static unsigned trap_kind(const siginfo_t *info, greg_t vector)
{
    return info->si_code == FPE_INTDIV ? TRAP_DIVIDE : vector == 16 ? TRAP_X87 : TRAP_SIMD;
}

bool host_trap(HostCode *hc, TcgVcpu *v, void *siginfo, void *ucontext)
{
    greg_t *r = ((ucontext_t *)ucontext)->uc_mcontext.gregs;
    uint32_t off;
    if (!hc || !host_code_contains(hc, (uintptr_t)r[REG_RIP], &off)) {
        return false;
    }
    unsigned kind = trap_kind(siginfo, r[REG_TRAPNO]);
    if (in_thunks(hc, off)) {
        v->scratch[0] = kind;
        r[REG_RIP] = (greg_t)(uintptr_t)host_code_ptr(hc, hc->stub[STUB_RUN_FAULT]);
        return true;
    }
    const TcgBlock *tb = block_at(hc, off);
    const TcgSite *site = tb ? site_at(tb, off) : NULL;
    if (!site) {
        return false;
    }
    if (site->flags & SITE_FLAGS_HOST) {
        *env_field(v, hc->target->cc_offset) = (uint64_t)r[REG_EFL] & CC_EFLAGS_MASK;
    }
    if (site->flags & SITE_AX_DX_HOME) {
        restore_pin(hc, v, RAX, &r[REG_RAX]);
        restore_pin(hc, v, RDX, &r[REG_RDX]);
    }
    *env_field(v, hc->target->pc_offset) = tb->pc + site->insn;
    v->scratch[0] = kind;
    r[REG_RIP] = (greg_t)(uintptr_t)host_code_ptr(hc, hc->stub[STUB_TRAP]);
    return true;
}
