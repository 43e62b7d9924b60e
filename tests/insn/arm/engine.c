/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See engine.h. The tcg_* functions here stand in for guest memory and the execution loop. */
#include "tests/insn/arm/engine.h"
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include "accel/tcg/tcg.h"
#include "target/arm/exception.h"
#include "target/arm/regs.h"
#include "target/arm/sysreg_set.h"
#include "target/arm/system.h"
#include "target/arm/translate_vec.h"

#define MAX_BLOCKS 1000 /* of one case */

static struct {
    TcgVcpu *v;
    ArmEnv *env;
    HostCode *hc;
    IrBlock ir;
    ArmCpuConfig config;
    uint64_t fault, fault_va;
    bool guarded;
    bool again; /* the instruction is to be done again, in the mode that is set */
    struct sigaction old_fpe;
} g;

/* ---- helpers: those of instructions are the real ones, those of the system stand-ins ---- */

static void fault(uint64_t what) G_GNUC_NORETURN;
static void fault(uint64_t what)
{
    g.fault = what;
    tcg_raise(g.env);
}

/* What needs a system: the outcome says that it came to that. */
static uint64_t h_none(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    fault(A64_FAULT_SYSTEM);
}

static uint64_t h_undef(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    fault(A64_FAULT_UNDEF);
}

static uint64_t h_exception(void *env, uint64_t syndrome, uint64_t b, uint64_t c)
{
    ArmEc ec = (ArmEc)(syndrome >> ARM_EC_SHIFT);
    fault(ec == EC_BRK || ec == EC_BKPT32 ? A64_FAULT_TRAP : ec == EC_PC_ALIGN ? A64_FAULT_ALIGN : A64_FAULT_UNDEF);
}

static uint64_t h_align(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    fault(A64_FAULT_ALIGN);
}

/* Barriers and hints: on to the next instruction. */
static uint64_t h_next(void *opaque, uint64_t next, uint64_t b, uint64_t c)
{
    arm_done(g.env, next);
    return 0;
}

static uint64_t h_nothing(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    return 0;
}

static uint64_t h_sysreg_read(void *opaque, uint64_t key, uint64_t b, uint64_t c)
{
    if (arm_is_a32(g.env)) {
        return helper_sysreg_read(opaque, key, b, c);
    }
    switch (key) {
    case A64_SYSREG(3, 3, 4, 4, 0):
        return g.env->s.fpcr;
    case A64_SYSREG(3, 3, 4, 4, 1):
        return arm_fpsr(g.env);
    default:
        fault(A64_FAULT_UNDEF);
    }
}

static uint64_t h_sysreg_write(void *opaque, uint64_t key, uint64_t v, uint64_t c)
{
    if (arm_is_a32(g.env)) {
        return helper_sysreg_write(opaque, key, v, c);
    }
    switch (key) {
    case A64_SYSREG(3, 3, 4, 4, 0):
        arm_set_fpcr(g.env, (uint32_t)v);
        return 0;
    case A64_SYSREG(3, 3, 4, 4, 1):
        arm_set_fpsr(g.env, (uint32_t)v);
        return 0;
    default:
        fault(A64_FAULT_UNDEF);
    }
}

/* Blocks of the size that the judge's has. */
static uint64_t h_dc_zva(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    static const uint8_t zero[512];
    tcg_write(env, a & ~511ull, zero, 512, 0);
    return 0;
}

static TcgHelper helpers[HELPER__COUNT] = {
#define H(name, flags, help) [HELPER_##name] = {#name, helper_##name, flags},
#include "target/arm/helper_a64.def"
#include "target/arm/helper_fp.def"
#include "target/arm/helper_simd.def"
#include "target/arm/helper_crypto.def"
#include "target/arm/helper_sve.def"
#include "target/arm/helper_a32.def"
#undef H
#define H(name, flags, help) [HELPER_##name] = {#name, h_none, flags},
#include "target/arm/helper_sys.def"
#include "target/arm/helper_mte.def"
#undef H
};

static void system_helpers(void)
{
    helpers[HELPER_undef].fn = h_undef;
    helpers[HELPER_exception].fn = h_exception;
    helpers[HELPER_stage_fault].fn = h_align;
    helpers[HELPER_sp_alignment].fn = h_align;
    helpers[HELPER_yield].fn = h_next;
    helpers[HELPER_wfe].fn = h_next;
    helpers[HELPER_wfi].fn = h_next;
    helpers[HELPER_sev].fn = h_nothing;
    helpers[HELPER_cpsr_write].fn = helper_cpsr_write;
    helpers[HELPER_dsb].fn = h_next;
    helpers[HELPER_isb].fn = helper_isb;
    helpers[HELPER_sysreg_read].fn = h_sysreg_read;
    helpers[HELPER_sysreg_write].fn = h_sysreg_write;
    helpers[HELPER_msr_pstate].fn = helper_msr_pstate;
    helpers[HELPER_mte_add].fn = helper_mte_add; /* with tags off, as Linux has them at first: tag 0 */
    helpers[HELPER_mte_irg].fn = helper_mte_irg;
    helpers[HELPER_dc_zva].fn = h_dc_zva;
}

void arm_raise(ArmEnv *env, ArmFaultKind kind, uint32_t syndrome, unsigned target_el, uint64_t far)
{
    fault(syndrome >> ARM_EC_SHIFT == EC_SP_ALIGN ? A64_FAULT_ALIGN : A64_FAULT_UNDEF);
}

uint64_t arm_debug_mode(const ArmEnv *env)
{
    return 0;
}

void arm_poll_interrupts(ArmEnv *env)
{
}

/* ---- target ---- */

#define X(n) {"x" #n, (uint32_t)offsetof(ArmEnv, s.x[n])}
static const IrGlobalDesc globals[32] = {
    X(0),  X(1),  X(2),  X(3),  X(4),  X(5),  X(6),  X(7),  X(8),  X(9),  X(10),
    X(11), X(12), X(13), X(14), X(15), X(16), X(17), X(18), X(19), X(20), X(21),
    X(22), X(23), X(24), X(25), X(26), X(27), X(28), X(29), X(30),
    {"sp", (uint32_t)offsetof(ArmEnv, s.sp)},
};
static const int8_t xmm_pins[32] = {
    0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, VEC_T0, VEC_T1, -1, -1, -1,
    8, 9, 10, 11, 12, 13, 14, 15, 19, 20, 21, 22, 23, 24, VEC_T2, VEC_T3};
static const int8_t pins[16] = {0, 1, 2, 3, -1, 4, 5, 8, 19, 20, 29, 30, 31, -1, -1, -1};

static void t_none(void *env)
{
    g_error("a trap that A64 code can not cause");
}

static void t_simd_fp(void *env)
{
    g.again = true;
}

static uint64_t t_mode(void *env)
{
    return g.env->mode;
}

static int t_mmu(void *env)
{
    return ARM_MMU_E10_0;
}

static const TcgTarget target = {
    .name = "A64 test",
    .env_size = sizeof(ArmEnv),
    .cc_offset = offsetof(ArmEnv, cc),
    .pc_offset = offsetof(ArmEnv, s.pc),
    .globals = globals,
    .n_globals = 32,
    .helpers = helpers,
    .n_helpers = HELPER__COUNT,
    .n_mmu = ARM_MMU__COUNT,
    .x86_64_pin = pins,
    .vec_offset = offsetof(ArmEnv, s.z),
    .vec_stride = sizeof(ArmVec),
    .n_vec = 32,
    .vtmp_offset = offsetof(ArmEnv, vtmp),
    .vtmp_stride = sizeof(ArmVec),
    .n_vtmp = ARM_N_VTMP,
    .mxcsr_offset = offsetof(ArmEnv, mxcsr),
    .x86_64_pin_xmm = xmm_pins,
    .translate = arm_translate,
    .mode = t_mode,
    .code_mmu = t_mmu,
    .note_divide = t_none,
    .note_simd_fp = t_simd_fp,
    .note_x87_fp = t_none,
};

/* ---- guest memory: data, and the code behind it for reading. Addresses have a tag (TBI) ---- */

static uint8_t *check(uint64_t va, size_t len, bool write)
{
    uint64_t a = va << 8 >> 8, size = A64_DATA_SIZE + (write ? 0 : A64_CODE_SIZE);
    g.fault_va = a;
    if ((va & 1ull << 55) || a - A64_DATA >= size || len > A64_DATA + size - a) {
        fault(A64_FAULT_MEMORY);
    }
    return (uint8_t *)(uintptr_t)a;
}

uint64_t tcg_load(void *env, uint64_t va, unsigned size, int mmu)
{
    uint64_t v = 0;
    memcpy(&v, check(va, size, false), size);
    return v;
}

void tcg_store(void *env, uint64_t va, uint64_t val, unsigned size, int mmu)
{
    memcpy(check(va, size, true), &val, size);
}

void tcg_read(void *env, uint64_t va, void *buf, size_t len, int mmu)
{
    memcpy(buf, check(va, len, false), len);
}

void tcg_write(void *env, uint64_t va, const void *buf, size_t len, int mmu)
{
    memcpy(check(va, len, true), buf, len);
}

/* First-fault loads ask. */
bool arm_mmu_walk(void *env, uint64_t va, int access, int mmu, MmuResult *res)
{
    uint64_t a = va << 8 >> 8;
    res->r = !(va & 1ull << 55) && a - A64_DATA < A64_DATA_SIZE + A64_CODE_SIZE;
    return res->r;
}

void tcg_probe(void *env, uint64_t va, size_t len, int access, int mmu)
{
    check(va, len, access == MMU_WRITE);
}

void *tcg_host(void *env, uint64_t va, size_t *len, int access, int mmu)
{
    *len = MIN(*len, 4096 - (va & 0xfff));
    return check(va, *len, access == MMU_WRITE);
}

bool tcg_cmpxchg(void *env, uint64_t va, unsigned size, void *old, const void *val, int mmu)
{
    uint8_t *p = check(va, size, true), cur[16];
    memcpy(cur, p, size);
    bool same = !memcmp(cur, old, size);
    if (same) {
        memcpy(p, val, size);
    }
    memcpy(old, cur, size);
    return same;
}

/* The blocks here are not in the cache. */
void tcg_check_own_code(TcgVcpu *v, const TcgBlock *tb, uint64_t va, unsigned size, int mmu)
{
}

static void slow_pc(TcgVcpu *v)
{
    g.env->s.pc = v->exit_block->pc + v->exit_insn;
}

uint64_t tcg_slow_load(TcgVcpu *v, uint64_t va, uint32_t size_mmu)
{
    slow_pc(v);
    return tcg_load(g.env, va, size_mmu & 0xff, 0);
}

void tcg_slow_store(TcgVcpu *v, uint64_t va, uint64_t val, uint32_t size_mmu)
{
    slow_pc(v);
    tcg_store(g.env, va, val, size_mmu & 0xff, 0);
}

bool tcg_slow_operand(TcgVcpu *v, uint64_t va, uint32_t size_mmu, uint32_t write)
{
    unsigned size = size_mmu & 0xff;
    slow_pc(v);
    check(va, size, write);
    v->scratch[0] = 0;
    if ((va & 4095) + size <= 4096 && va >> 56 == 0) {
        return true;
    }
    if (size_mmu & TCG_BOUNCE) {
        if (!write) {
            tcg_read(g.env, va, v->bounce, size, 0);
        }
        v->bounce_va = va;
        v->scratch[0] = (uintptr_t)v->bounce;
        return true;
    }
    return false;
}

void tcg_slow_bounce(TcgVcpu *v, uint64_t unused, uint32_t size_mmu)
{
    tcg_write(g.env, v->bounce_va, v->bounce, size_mmu & 0xff, 0);
}

void *tcg_slow_lookup(TcgVcpu *v, uint64_t pc)
{
    return NULL;
}

bool tcg_code_bytes(TcgTranslate *t, uint64_t pc, uint8_t *buf, unsigned n)
{
    tcg_read(t->env, pc, buf, n, 0);
    return true;
}

void tcg_fpu_settle(void *env)
{
    host_fpu_settle(g.v);
}

bool tcg_polled(void *env)
{
    return false;
}

void tcg_raise(void *env)
{
    __builtin_longjmp(g.v->jmp, 1);
}

void tcg_exit_loop(void *env)
{
    __builtin_longjmp(g.v->jmp, 1);
}

void tcg_exit(void *env, Exit why)
{
    __builtin_longjmp(g.v->jmp, 1);
}

Cpu *tcg_cpu(void *env)
{
    return NULL;
}

/* ---- running ---- */

static void on_fpe(int sig, siginfo_t *info, void *uc)
{
    if (g.hc && host_trap(g.hc, g.v, info, uc)) {
        return;
    }
    g.old_fpe.sa_sigaction(sig, info, uc);
}

static void fill_tlb(void)
{
    for (int m = 0; m < TCG_MMU_MODES; m++) {
        for (int w = 0; w < 2; w++) {
            uint64_t end = A64_DATA + A64_DATA_SIZE + (w ? 0 : A64_CODE_SIZE);
            for (unsigned i = 0; i < TLB_SIZE; i++) {
                g.v->tlb[m][w][i].page = TLB_EMPTY(i);
            }
            for (uint64_t p = A64_DATA; p < end; p += 4096) {
                g.v->tlb[m][w][p >> 12 & (TLB_SIZE - 1)] = (TlbEntry){p, p};
            }
        }
    }
}

struct ArmEnv *a64_env(void)
{
    return g.env;
}

void a64_guarded(bool on)
{
    g.env->guarded = g.guarded = on;
}

bool arm_page_guarded(ArmEnv *env, uint64_t va)
{
    return g.guarded;
}

void tcg_mode_changed(void *env)
{
}

bool a64_fault_is_judges(void)
{
    return g.fault == A64_FAULT_MEMORY && g.fault_va - A64_JUDGE_BASE < A64_JUDGE_SIZE;
}

bool a32_fault_is_judges(void)
{
    bool program = g.fault_va >= A32_JUDGE_BASE && g.fault_va < A32_JUDGE_END;
    return g.fault == A64_FAULT_MEMORY && (program || g.fault_va >= A32_JUDGE_TOP);
}

void a64_feature(int feature, bool on)
{
    uint64_t bit = 1ull << (feature % 64);
    uint64_t *p = &g.config.features[feature / 64];
    *p = on ? *p | bit : *p & ~bit;
}

static void configure(void)
{
    memset(&g.config.features, 0xff, sizeof(g.config.features));
    g.config.aarch64 = true;
    a64_feature(ARM_FEAT_EL2, false);
    a64_feature(ARM_FEAT_EL3, false);
    g.config.sve_vq_max = 1; /* vectors of 16 bytes */
    g.config.sve_vq_map = 1;
    g.env->config = &g.config;
    g.env->s.pstate = 0;
    g.env->s.sr[ARM_SR_CPACR_EL1] = 3u << CPACR_FPEN_SHIFT | 3u << CPACR_ZEN_SHIFT;
    g.env->s.sr[ARM_SR_SCTLR_EL1] = 0x30d00800 | SCTLR_DZE | SCTLR_UCT | SCTLR_UCI | SCTLR_nTWI | SCTLR_nTWE;
    g.env->s.sr[ARM_SR_SCTLR_EL1] &= ~(uint64_t)SCTLR_TSCXT; /* with these three nothing of EL0 is trapped */
    g.env->s.sr[ARM_SR_TCR_EL1] = 16 | 16 << 16 | 1ull << 37; /* as Linux has it: 48 bits, TBI of the lower half */
}

void a64_init(bool with_jit)
{
    size_t size = TCG_ENV_OFFSET + ((sizeof(ArmEnv) + 4095) & ~(size_t)4095);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    g.v = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    mmap((void *)A64_DATA, A64_DATA_SIZE + A64_CODE_SIZE, PROT_READ | PROT_WRITE, flags | MAP_FIXED_NOREPLACE, -1, 0);
    g.v->self = g.v;
    g.v->jc_key = 0x5a17c0de5a17c0dd; /* no entry of the empty jump cache matches a pc */
    g.v->target = &target;
    g.env = tcg_env(g.v);
    configure();
    system_helpers();
    ir_block_init(&g.ir, &target);
    fill_tlb();
    if (with_jit) {
        Error *err = NULL;
        g.hc = host_code_new(&target, 16 << 20, &err);
        g.v->hc = g.hc;
        struct sigaction sa = {.sa_sigaction = on_fpe, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
        sigaction(SIGFPE, &sa, &g.old_fpe);
    }
}

void a64_code(const uint32_t *code)
{
    memcpy((void *)A64_CODE, code, A64_CODE_SIZE);
}

static void translate_at(uint64_t pc, int n)
{
    TcgTranslate t = {
        .ir = &g.ir, .env = g.env, .pc = pc, .mode = g.env->mode, .max_insns = n,
        .page = {(const uint8_t *)(uintptr_t)(pc & ~4095ull), NULL}, .page_va = pc & ~4095ull,
    };
    g.fault_va = pc;
    if (pc - A64_CODE >= A64_CODE_SIZE) {
        fault(A64_FAULT_MEMORY);
    }
    ir_block_reset(&g.ir, pc, g.env->mode);
    arm_translate(&t);
}

bool a64_verify(uint64_t pc, int n, GString *why)
{
    arm_update_mode(g.env);
    translate_at(pc, n);
    return ir_verify(&g.ir, why);
}

void a32_registers(void)
{
    g.config.sysregs = arm_sysreg_set_new(&g.config);
    g.env->s.sr[ARM_SR_SCTLR_EL1] |= SCTLR_CP15BEN;
}

bool a32_verify(uint32_t pc, bool thumb, int n, GString *why)
{
    g.env->s.pstate = ARM_MODE_USR | (thumb ? CPSR_T : 0);
    return a64_verify(pc, n, why);
}

void a64_print(uint64_t pc, int n, GString *out)
{
    arm_update_mode(g.env);
    translate_at(pc, n);
    ir_print(&g.ir, out);
}

static void run_jit_block(void)
{
    static TcgSite sites[4096];
    static TcgBlock keep;
    TcgBlock tb = {.pc = g.ir.pc, .mode = g.ir.mode, .guest_bytes = g.ir.guest_bytes,
                   .n_insns = (uint16_t)g.ir.n_insns, .valid = true, .sites = sites};
    ir_flag_liveness(&g.ir);
    ir_temp_liveness(&g.ir);
    tb.flags_dead_in = ir_flags_dead_in(&g.ir);
    if (!host_emit_block(g.hc, &g.ir, &tb)) {
        host_code_reset(g.hc);
        g_assert(host_emit_block(g.hc, &g.ir, &tb));
    }
    keep = tb;
    g.v->exit_block = &keep;
    host_enter(g.hc, g.v, tb.entry);
    if (g.v->exit_reason == TCG_EXIT_INTERP) {
        host_fpu_save(g.v);
        translate_at(g.env->s.pc, 1);
        interp_block(g.v, &g.ir);
    }
}

static bool left(void)
{
    uint64_t pc = g.env->s.pc;
    return arm_is_a32(g.env) ? pc == (g.env->s.pstate & CPSR_T ? A32_EXIT_T32 : A32_EXIT) : pc == A64_EXIT;
}

/* Until the exit or a fault. Slots have forward branches only, but an indirect one may go anywhere. */
static __attribute__((noinline)) void run(A64Engine e)
{
    int insn_size = arm_is_a32(g.env) ? 2 : 4;
    if (__builtin_setjmp(g.v->jmp) == 0) {
        for (int blocks = 0; !left(); blocks++) {
            uint64_t slot_end = (g.env->s.pc | (A64_SLOT - 1)) + 1;
            if (blocks == MAX_BLOCKS) {
                fault(A64_FAULT_LOOP);
            }
            translate_at(g.env->s.pc, (int)(slot_end - g.env->s.pc) / insn_size);
            if (e == A64_JIT) {
                run_jit_block();
            } else {
                interp_block(g.v, &g.ir);
            }
        }
    }
    if (g.hc) {
        host_fpu_save(g.v);
    }
    g.v->in_code = 0;
}

static void loop(A64Engine e)
{
    g.again = false;
    run(e);
    while (g.again) { /* as arm_deliver() */
        g.again = false;
        arm_fp_again(g.env);
        run(e);
    }
}

/* The state is in env, but for what all have in common. */
static void run_state(A64Engine e, const uint8_t *mem_in, uint8_t *mem_out)
{
    memcpy((void *)A64_DATA, mem_in, A64_DATA_SIZE);
    g.env->s.excl_valid = 0;
    arm_fp_constants(g.env);
    arm_fp_enter(g.env);
    arm_update_mode(g.env);
    g.fault = A64_FAULT_NONE;
    g.v->poll = 0;
    g.v->fpu_live = g.v->ymm_live = 0;
    loop(e);
    arm_fp_leave(g.env);
    memcpy(mem_out, (void *)A64_DATA, A64_DATA_SIZE);
}

bool a64_run(A64Engine e, const A64Regs *in, uint64_t slot, const uint8_t *mem_in, A64Regs *out, uint8_t *mem_out)
{
    ArmEnv *env = g.env;
    if (e == A64_JIT && !g.hc) {
        return false;
    }
    memcpy(env->s.x, in->x, sizeof(in->x));
    for (int i = 0; i < 32; i++) {
        memcpy(env->s.z[i].b, in->v[i], 16);
    }
    for (int i = 0; i < 17; i++) {
        memset(env->s.p[i].b, 0, sizeof(env->s.p[i].b));
        memcpy(env->s.p[i].b, &in->p[i], 2);
    }
    env->s.sp = in->sp;
    env->cc = arm_cc_from_nzcv((uint32_t)in->nzcv);
    env->s.fpcr = (uint32_t)in->fpcr;
    env->s.fpsr = (uint32_t)in->fpsr;
    env->s.pc = A64_CODE + slot * A64_SLOT + 4;
    run_state(e, mem_in, mem_out);
    memset(out, 0, sizeof(*out));
    memcpy(out->x, env->s.x, sizeof(out->x));
    for (int i = 0; i < 32; i++) {
        memcpy(out->v[i], env->s.z[i].b, 16);
    }
    for (int i = 0; i < 17 && g.fault == A64_FAULT_NONE; i++) {
        memcpy(&out->p[i], env->s.p[i].b, 2);
    }
    out->sp = env->s.sp;
    out->pc = env->s.pc;
    out->nzcv = arm_nzcv_from_cc(env->cc);
    out->fpcr = env->s.fpcr;
    out->fpsr = env->s.fpsr;
    out->fault = g.fault;
    return true;
}

bool a32_run(A64Engine e, const A32Regs *in, const uint8_t *mem_in, A32Regs *out, uint8_t *mem_out)
{
    const uint32_t fpsr = PSTATE_NZCV | FPSR_QC | FPSR_IDC | FPSR_IXC | FPSR_UFC | FPSR_OFC | FPSR_DZC | FPSR_IOC;
    ArmEnv *env = g.env;
    if (e == A64_JIT && !g.hc) {
        return false;
    }
    for (int i = 0; i < 15; i++) {
        env->s.x[i] = in->r[i];
    }
    for (int i = 0; i < 32; i++) {
        memcpy(env->s.z[i / 2].b + 8 * (i % 2), &in->d[i], 8);
    }
    env->s.pstate = ARM_MODE_USR | (in->r[15] & 1 ? CPSR_T : 0) | (in->cpsr & (CPSR_Q | 15u << CPSR_GE_SHIFT));
    env->cc = arm_cc_from_nzcv(in->cpsr);
    env->s.fpcr = in->fpscr & ~fpsr;
    env->s.fpsr = in->fpscr & fpsr;
    env->s.pc = in->r[15] & ~1u;
    env->s.sr[ARM_SR_TPIDR_EL0] = 0;
    run_state(e, mem_in, mem_out);
    memset(out, 0, sizeof(*out));
    for (int i = 0; i < 15; i++) {
        out->r[i] = (uint32_t)env->s.x[i];
    }
    for (int i = 0; i < 32; i++) {
        memcpy(&out->d[i], env->s.z[i / 2].b + 8 * (i % 2), 8);
    }
    out->r[15] = (uint32_t)env->s.pc;
    out->cpsr = arm_cpsr(env);
    out->fpscr = env->s.fpsr | env->s.fpcr;
    out->fault = (uint32_t)g.fault;
    return true;
}

/* ---- operands ---- */

static uint64_t one_on_the_verge(GRand *r, unsigned bits, unsigned exp_bits)
{
    unsigned frac = bits - 1 - exp_bits;
    uint64_t sign = (uint64_t)g_rand_int_range(r, 0, 2) << (bits - 1), few = g_rand_int_range(r, 0, 5) ? 1 : (uint64_t)g_rand_int_range(r, 0, 4);
    uint64_t half = ((1ull << (exp_bits - 1)) - 1) / 2, m = (1ull << frac) - 1;
    switch (g_rand_int_range(r, 0, bits == 64 ? 4 : 3)) {
    case 0:
        return sign | (half + 1) << frac | few;
    case 1:
        return sign | half << frac | (m - few);
    case 2:
        return sign;
    default:
        return sign | (uint64_t)(1023 - 127) << frac | (m - (few << 20) - few);
    }
}

uint64_t fp_on_the_verge(GRand *r, bool singles)
{
    uint64_t v = one_on_the_verge(r, singles ? 32 : 64, singles ? 8 : 11);
    return singles ? v << 32 | one_on_the_verge(r, 32, 8) : v;
}
