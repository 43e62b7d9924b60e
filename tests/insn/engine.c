/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See engine.h. The tcg_* functions here stand in for guest memory and the execution loop. */
#include "tests/insn/engine.h"
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include "base/os/hostcpu.h"
#include "target/i386/fpu.h"
#include "target/i386/helper.h"
#include "target/i386/system.h"
#include "target/i386/translate.h"

const char *const insn_engine_name[ENGINE_COUNT] = {"host processor", "interpreter", "JIT"};

static struct {
    TcgVcpu *v;
    X86Env *env;
    HostCode *hc;
    IrBlock ir;
    unsigned len;
    int n, bits;
    uint64_t fault_va;
    struct sigaction old_fpe;
} g;

#define USER64 (3 | MODE_LMA | MODE_CS64 | MODE_PE | MODE_PG | MODE_FLATDATA | MODE_FLATCODE | \
                MODE_OSFXSR | MODE_SS32 | MODE_OSXSAVE | MODE_AVX)

#define USER32 (3 | MODE_LMA | MODE_CS32 | MODE_PE | MODE_PG | MODE_FLATDATA | MODE_FLATCODE | \
                MODE_OSFXSR | MODE_SS32 | MODE_OSXSAVE | MODE_AVX)

static X86CpuConfig every_feature = {.mxcsr_mask = 0xffff};

static uint64_t mode_now(void)
{
    return g.bits == 64 ? USER64 : USER32;
}

static void note(X86Env *env, int vector)
{
    env->s.exc_pending = 1;
    env->s.exc_vector = (uint8_t)vector;
}

/* ---- helpers: those of integer and string instructions are the real ones ---- */

static uint64_t h_none(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    g_error("helper without a test form");
    return 0;
}

/* What helper_int.c and string.c want of the rest of the target, which is not here. */
void x86_raise(X86Env *env, int vector)
{
    note(env, vector);
    tcg_raise(env);
}

void x86_raise_err(X86Env *env, int vector, uint32_t err)
{
    x86_raise(env, vector);
}

bool x86_can_interrupt(const X86Env *env)
{
    return false;
}

void x86_check_port(X86Env *env, uint16_t port, unsigned size)
{
    x86_raise(env, 13);
}

uint64_t x86_port_in(X86Env *env, uint16_t port, unsigned size)
{
    return 0;
}

void x86_port_out(X86Env *env, uint16_t port, uint64_t v, unsigned size)
{
}

void stack_init_current(X86Env *env, X86Stack *st)
{
    bool wide = g.bits == 64;
    *st = (X86Stack){.env = env, .sp = env->s.gpr[R_SP], .mask = wide ? ~0ull : 0xffffffff,
                     .limit = 0xffffffff, .wide = wide, .mmu = X86_MMU_USER};
}

void stack_push(X86Stack *st, uint64_t v, unsigned size)
{
    st->sp -= size;
    tcg_store(st->env, st->sp & st->mask, v, size, 1);
}

uint64_t stack_pop(X86Stack *st, unsigned size)
{
    uint64_t v = tcg_load(st->env, st->sp & st->mask, size, 1);
    st->sp += size;
    return v;
}

uint64_t helper_seg_check(void *env, uint64_t seg, uint64_t off, uint64_t c)
{
    return off;
}

uint64_t helper_setdf(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;
    env->df8 = a ? 0xff : 1;
    env->s.rflags = (env->s.rflags & ~0x400ull) | a << 10;
    return 0;
}

uint64_t helper_raise(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    x86_raise(env, (int)a);
}

static TcgHelper helpers[HELPER__COUNT] = {
#define H(name, flags, help) {#name, h_none, flags},
#include "target/i386/helper.def"
#undef H
};

/* ---- target ---- */

#define REG(n, i) {n, (uint32_t)(offsetof(X86Env, s.gpr) + 8 * (i))}
static const IrGlobalDesc globals[16] = {
    REG("rax", 0),  REG("rcx", 1),  REG("rdx", 2),  REG("rbx", 3), REG("rsp", 4),  REG("rbp", 5),
    REG("rsi", 6),  REG("rdi", 7),  REG("r8", 8),   REG("r9", 9),  REG("r10", 10), REG("r11", 11),
    REG("r12", 12), REG("r13", 13), REG("r14", 14), REG("r15", 15),
};
static const int8_t pins[16] = {0, 1, 2, 3, -1, 5, 6, 7, 8, 9, 10, 11, 12, 4, -1, -1};

static void t_divide(void *env)
{
    note(env, 0);
}

static void t_simd(void *env)
{
    note(env, 19);
}

static void t_x87(void *env)
{
    note(env, 16);
}

static void t_align(void *env, uint64_t va)
{
    note(env, 13);
}

static uint64_t t_mode(void *env)
{
    return mode_now();
}

static int t_mmu(void *env)
{
    return X86_MMU_USER;
}

static const TcgTarget target = {
    .name = "x86 test",
    .env_size = sizeof(X86Env),
    .cc_offset = offsetof(X86Env, cc),
    .pc_offset = offsetof(X86Env, s.rip),
    .fpu_offset = offsetof(X86Env, s.fx),
    .ymmh_offset = offsetof(X86Env, s.ymmh),
    .globals = globals,
    .n_globals = 16,
    .helpers = helpers,
    .n_helpers = HELPER__COUNT,
    .n_mmu = 3,
    .x86_64_pin = pins,
    .translate = x86_translate,
    .mode = t_mode,
    .code_mmu = t_mmu,
    .note_divide = t_divide,
    .note_simd_fp = t_simd,
    .note_x87_fp = t_x87,
    .x87_ran = x86_x87_ran,
    .note_align = t_align,
};

/* ---- guest memory ---- */

static void check(void *env, uint64_t va, size_t len)
{
    g.fault_va = va;
    if (va - DATA_BASE >= DATA_SIZE || len > DATA_BASE + DATA_SIZE - va) {
        int64_t top = (int64_t)va >> 47, last = (int64_t)(va + len - 1) >> 47;
        bool canonical = (top == 0 || top == -1) && (last == 0 || last == -1);
        note(env, canonical ? 14 : 13);
        tcg_raise(env);
    }
}

uint64_t tcg_load(void *env, uint64_t va, unsigned size, int mmu)
{
    uint64_t v = 0;
    check(env, va, size);
    memcpy(&v, (void *)(uintptr_t)va, size);
    return v;
}

/* The blocks here are not in the cache. */
void tcg_check_own_code(TcgVcpu *v, const TcgBlock *tb, uint64_t va, unsigned size, int mmu)
{
}

void tcg_store(void *env, uint64_t va, uint64_t val, unsigned size, int mmu)
{
    check(env, va, size);
    memcpy((void *)(uintptr_t)va, &val, size);
}

void tcg_read(void *env, uint64_t va, void *buf, size_t len, int mmu)
{
    check(env, va, len);
    memcpy(buf, (void *)(uintptr_t)va, len);
}

void tcg_write(void *env, uint64_t va, const void *buf, size_t len, int mmu)
{
    check(env, va, len);
    memcpy((void *)(uintptr_t)va, buf, len);
}

void tcg_probe(void *env, uint64_t va, size_t len, int access, int mmu)
{
    check(env, va, len);
}

void *tcg_host(void *env, uint64_t va, size_t *len, int access, int mmu)
{
    *len = MIN(*len, 4096 - (va & 0xfff));
    check(env, va, *len);
    return (void *)(uintptr_t)va;
}

bool tcg_cmpxchg(void *env, uint64_t va, unsigned size, void *old, const void *val, int mmu)
{
    check(env, va, size);
    bool same = !memcmp((void *)(uintptr_t)va, old, size);
    uint8_t cur[16];
    memcpy(cur, (void *)(uintptr_t)va, size);
    if (same) {
        memcpy((void *)(uintptr_t)va, val, size);
    }
    memcpy(old, cur, size);
    return same;
}

static void slow_pc(TcgVcpu *v)
{
    g.env->s.rip = v->exit_block->pc + v->exit_insn;
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
    slow_pc(v);
    check(g.env, va, size_mmu & 0xff);
    v->scratch[0] = 0;
    if ((va & 4095) + (size_mmu & 0xff) <= 4096) {
        return true;
    }
    if (size_mmu & TCG_BOUNCE) {
        if (!write) {
            memcpy(v->bounce, (void *)(uintptr_t)va, size_mmu & 0xff);
        }
        v->bounce_va = va;
        v->scratch[0] = (uintptr_t)v->bounce;
        return true;
    }
    return false;
}

void tcg_slow_bounce(TcgVcpu *v, uint64_t unused, uint32_t size_mmu)
{
    memcpy((void *)(uintptr_t)v->bounce_va, v->bounce, size_mmu & 0xff);
}

void *tcg_slow_lookup(TcgVcpu *v, uint64_t pc)
{
    return NULL;
}

bool tcg_code_bytes(TcgTranslate *t, uint64_t pc, uint8_t *buf, unsigned n)
{
    memcpy(buf, (void *)(uintptr_t)pc, n);
    return true;
}

void tcg_tlb_flush(void *env)
{
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
            for (unsigned i = 0; i < TLB_SIZE; i++) {
                g.v->tlb[m][w][i].page = TLB_EMPTY(i);
            }
            for (uint64_t p = DATA_BASE; p < DATA_BASE + DATA_SIZE; p += 4096) {
                g.v->tlb[m][w][p >> 12 & (TLB_SIZE - 1)] = (TlbEntry){p, p};
            }
        }
    }
}

void insn_init(bool with_jit)
{
    size_t size = TCG_ENV_OFFSET + ((sizeof(X86Env) + 4095) & ~(size_t)4095);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    g.v = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    mmap((void *)DATA_BASE, DATA_SIZE, PROT_READ | PROT_WRITE, flags | MAP_FIXED_NOREPLACE, -1, 0);
    mmap((void *)CODE_BASE, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, flags | MAP_FIXED_NOREPLACE,
         -1, 0);
    g.v->self = g.v;
    g.v->target = &target;
    g.env = tcg_env(g.v);
#define REAL(n) helpers[HELPER_##n].fn = helper_##n
    REAL(raise);
    REAL(setdf);
    REAL(crc32_acc);
    REAL(string);
    REAL(daa);
    REAL(aam);
    REAL(bound);
    REAL(pdep);
    REAL(pext);
    REAL(enter);
    REAL(cmpxchg8b);
    REAL(seg_check);
    REAL(gather);
    REAL(fxsave);
    REAL(fxrstor);
    REAL(xsave);
    REAL(xrstor);
    REAL(fstenv);
    REAL(x87_loaded);
    REAL(x87_settle);
#undef REAL
    memset(&every_feature.features, 0xff, sizeof(every_feature.features));
    ir_block_init(&g.ir, &target);
    fill_tlb();
    native_init();
    every_feature.mxcsr_mask = native_mxcsr_mask();
    if (with_jit) {
        Error *err = NULL;
        g.hc = host_code_new(&target, 16 << 20, &err);
        g.v->hc = g.hc;
        struct sigaction sa = {.sa_sigaction = on_fpe,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
        sigaction(SIGFPE, &sa, &g.old_fpe);
    }
}

bool insn_fault_is_mapped(void)
{
    return msync((void *)(uintptr_t)(g.fault_va & ~4095ull), 4096, MS_ASYNC) == 0;
}

bool insn_has_ymm(void)
{
    return (os_host_xcr0() & 6) == 6;
}

bool insn_has_host(void)
{
    return g.hc != NULL;
}

void insn_code(const uint8_t *code, unsigned len, int n, int bits)
{
    g.bits = bits;
    memset((void *)CODE_BASE, 0xcc, 512);
    memcpy((void *)CODE_BASE, code, len);
    g.len = len;
    g.n = n;
}

static void translate_as(uint64_t pc, int n, uint64_t mode)
{
    TcgTranslate t = {
        .ir = &g.ir, .env = g.env, .pc = pc, .mode = mode, .max_insns = n,
        .page = {(const uint8_t *)CODE_BASE, NULL}, .page_va = CODE_BASE,
    };
    ir_block_reset(&g.ir, pc, mode);
    x86_translate(&t);
}

static void translate_at(uint64_t pc, int n)
{
    translate_as(pc, n, mode_now());
}

bool insn_verify(GString *why)
{
    translate_at(CODE_BASE, g.n);
    return ir_verify(&g.ir, why);
}

void insn_print(GString *out)
{
    translate_at(CODE_BASE, g.n);
    ir_print(&g.ir, out);
}

const IrBlock *insn_translate(uint64_t pc)
{
    translate_at(pc, 64);
    return &g.ir;
}

const IrBlock *insn_translate_mode(uint64_t pc, uint64_t mode)
{
    translate_as(pc, 0, mode);
    return &g.ir;
}

static void run_jit_block(void)
{
    static TcgBlock tb; /* the code's header points to it */
    tb = (TcgBlock){.pc = g.ir.pc, .mode = g.ir.mode, .guest_bytes = g.ir.guest_bytes,
                   .n_insns = (uint16_t)g.ir.n_insns, .valid = true};
    ir_flag_liveness(&g.ir);
    ir_temp_liveness(&g.ir);
    static TcgSite sites[4096];
    tb.sites = sites;
    tb.flags_dead_in = ir_flags_dead_in(&g.ir);
    if (!host_emit_block(g.hc, &g.ir, &tb)) {
        host_code_reset(g.hc);
        g_assert(host_emit_block(g.hc, &g.ir, &tb));
    }
    g.v->exit_block = &tb;
    host_enter(g.hc, g.v, tb.entry);
    host_fpu_save(g.v);
    host_fpu_settle(g.v); /* while there is the block */
    if (g.v->exit_reason == TCG_EXIT_INTERP) {
        translate_at(g.env->s.rip, 1);
        interp_block(g.v, &g.ir);
    }
}

/* Until the end of the code or a fault. */
static __attribute__((noinline)) void loop(InsnEngine e)
{
    if (__builtin_setjmp(g.v->jmp) == 0) {
        while (g.env->s.rip != CODE_BASE + g.len) {
            translate_at(g.env->s.rip, g.env->s.rip == CODE_BASE ? g.n : 1);
            if (e == ENGINE_JIT) {
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

bool insn_run(InsnEngine e, const InsnState *in, InsnState *out)
{
    if (e == ENGINE_JIT && !g.hc) {
        return false;
    }
    memcpy((void *)DATA_BASE, in->mem, DATA_SIZE);
    if (e == ENGINE_HOST_CPU) {
        native_run(in, out, g.len, g.bits);
    } else {
        X86Env *env = g.env;
        out->no_pointers = false;
        memcpy(env->s.gpr, in->gpr, sizeof(in->gpr));
        env->s.fx = in->fx;
        memcpy(env->s.ymmh, in->ymmh, sizeof(in->ymmh));
        env->s.efer = EFER_LMA;
        env->s.cr4 = CR4_OSXSAVE;
        env->s.cr0 = CR0_PE;
        env->s.xcr0 = XSTATE_X87 | XSTATE_SSE | XSTATE_YMM;
        env->config = &every_feature;
        env->s.seg[S_CS].attr = g.bits == 64 ? SEG_L : SEG_DB;
        env->cc = in->flags & CC_EFLAGS_MASK;
        env->s.rflags = in->flags & 0x400;
        env->df8 = in->flags & 0x400 ? 0xff : 1;
        env->s.rip = CODE_BASE;
        env->s.x87_fop = in->fx.fop;
        env->s.x87_fdp = env->s.x87_ea = in->fx.fdp;
        env->s.exc_pending = 0;
        env->mode = mode_now();
        g.v->poll = 0;
        g.v->fpu_live = g.v->ymm_live = 0;
        loop(e);
        tcg_fpu_settle(env);
        memcpy(out->gpr, env->s.gpr, sizeof(out->gpr));
        out->fx = env->s.fx;
        memcpy(out->ymmh, env->s.ymmh, sizeof(out->ymmh));
        out->flags = (env->cc & CC_EFLAGS_MASK) | (env->s.rflags & 0x400);
        out->rip = env->s.rip;
        out->fault = env->s.exc_pending ? env->s.exc_vector : -1;
    }
    for (int i = 0; i < 16 && g.bits == 32; i++) { /* upper halves do not exist there */
        out->gpr[i] = i < 8 ? (uint32_t)out->gpr[i] : 0;
    }
    memcpy(out->mem, (void *)DATA_BASE, DATA_SIZE);
    return true;
}

/* ---- states ---- */

static uint64_t random64(GRand *r)
{
    uint64_t v = (uint64_t)g_rand_int(r) << 32 | g_rand_int(r);
    switch (g_rand_int_range(r, 0, 8)) {
    case 0:
        return v & 0xff;
    case 1:
        return (uint64_t)(int64_t)(int8_t)v;
    case 2:
        return 1ull << (v & 63);
    case 3:
        return (1ull << (v & 63)) - 1;
    default:
        return v;
    }
}

static uint64_t random_fp(GRand *r)
{
    static const double nice[] = {0.0, -0.0, 1.0, -1.0, 0.5, 1e300, -1e-310, 3.25, 1e10};
    static const uint64_t odd[] = {0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000,
                                   0x7ff4000000000001, 0x3f8000007f800000, 0x7fc000007f800001};
    uint64_t v;
    switch (g_rand_int_range(r, 0, 4)) {
    case 0:
        memcpy(&v, &nice[g_rand_int_range(r, 0, G_N_ELEMENTS(nice))], 8);
        return v;
    case 1:
        return odd[g_rand_int_range(r, 0, G_N_ELEMENTS(odd))];
    default:
        return random64(r);
    }
}

/* Mostly the defaults; else any rounding, precision, DAZ, FTZ, masks and sticky flags. */
static void random_control(GRand *r, X86Fxsave *fx)
{
    static const uint16_t precision[] = {0x000, 0x200, 0x300, 0x300};
    uint32_t v = g_rand_int(r);
    fx->fcw = 0x37f;
    fx->mxcsr = 0x1f80;
    fx->mxcsr_mask = 0xffff;
    if (v & 1) {
        fx->mxcsr = 0x1f80 | (v & 0xe07e);
    }
    if ((v & 0x30000) == 0) { /* some exceptions unmasked, none pending */
        fx->mxcsr &= ~((g_rand_int(r) & 0x3f) << 7 | 0x3fu);
    }
    if (v & 0x80000) {
        fx->fcw = (uint16_t)(precision[v >> 20 & 3] | (v >> 22 & 3) << 10 | 0x7f);
    }
    if ((v & 0x3000000) == 0) {
        fx->fcw &= (uint16_t)~(g_rand_int(r) & 0x3f);
    }
}

/* Pointers to an x87 instruction long ago; the upper halves of addresses make no valid ones for anybody. */
static void random_pointers(GRand *r, X86Fxsave *fx)
{
    fx->fop = (uint16_t)g_rand_int_range(r, 0, 0x800);
    fx->fip = g_rand_int(r);
    fx->fdp = g_rand_boolean(r) ? g_rand_int(r) : 0;
}

/* An 80-bit number: mostly an ordinary one; zeros, infinities, NaNs, denormals, and what no arithmetic makes. */
static void random_x87(GRand *r, uint64_t *man, uint16_t *exp)
{
    static const uint16_t odd[] = {0, 0, 0x7fff, 0x7fff, 0x7ffe, 1};
    *man = random64(r) | 1ull << 63;
    *exp = (uint16_t)(0x3fff + g_rand_int_range(r, -40, 40));
    switch (g_rand_int_range(r, 0, 8)) {
    case 0:
        *exp = odd[g_rand_int_range(r, 0, G_N_ELEMENTS(odd))];
        *man = g_rand_boolean(r) ? *man << 1 >> 1 : *man;
        break;
    case 1:
        *man = g_rand_boolean(r) ? 0 : 1ull << 63;
        *exp = odd[g_rand_int_range(r, 0, G_N_ELEMENTS(odd))];
        break;
    case 2:
        *exp = (uint16_t)(g_rand_int(r) & 0x7fff);
        break;
    }
    *exp |= g_rand_boolean(r) ? 0x8000 : 0;
}

/* Memory is cut out of a pool of numbers: making 2048 of them each time would be most of a test's run time. */
#define POOL (1u << 16)

static void random_memory(GRand *r, uint8_t *mem)
{
    static uint64_t pool[POOL];
    if (!pool[0]) {
        GRand *own = g_rand_new_with_seed(1);
        for (unsigned i = 0; i < POOL; i++) {
            pool[i] = random_fp(own);
        }
        pool[0] |= 1;
        g_rand_free(own);
    }
    unsigned from = (unsigned)g_rand_int(r) % (POOL - DATA_SIZE / 8);
    memcpy(mem, pool + from, DATA_SIZE);
}

void insn_random_state(GRand *r, InsnState *s)
{
    uint32_t vary = g_rand_int(r);
    memset(s, 0, offsetof(InsnState, mem));
    for (int i = 0; i < 16; i++) {
        s->gpr[i] = random64(r);
    }
    s->gpr[R_DI] = DATA_BASE + 0x1000;
    s->gpr[15] = DATA_BASE + 0x1800; /* ModRM base 7 with REX.B */
    switch (g_rand_int_range(r, 0, 10)) { /* misaligned, or reaching past the end */
    case 0:
        s->gpr[R_DI] += g_rand_int(r) & 0xfff;
        break;
    case 1:
        s->gpr[R_DI] = DATA_BASE + DATA_SIZE - (g_rand_int(r) & 0x7ff);
        break;
    case 2:
        s->gpr[15] = 1ull << 47 | g_rand_int(r);
        break;
    }
    s->gpr[R_SI] = DATA_BASE + (g_rand_int(r) & 0xff8);
    s->gpr[R_SP] = DATA_BASE + 0x3000;
    s->flags = (g_rand_int(r) & CC_EFLAGS_MASK) | 2;
    random_memory(r, s->mem);
    random_control(r, &s->fx);
    random_pointers(r, &s->fx);
    for (int i = 0; i < 16; i++) {
        for (int n = 0; n < 4; n++) {
            uint64_t x = i % 8 == 5 && !(vary & 3) ? (uint64_t)g_rand_int_range(r, -256, 256) : random_fp(r);
            memcpy(n < 2 ? s->fx.xmm[i] + 8 * n : (uint8_t *)&s->ymmh[2 * i + n - 2], &x, 8);
        }
    }
    int depth = g_rand_int_range(r, 0, 9);
    s->fx.fsw = (uint16_t)((8 - depth) & 7) << 11;
    for (int i = 0; i < 8; i++) {
        uint64_t man;
        uint16_t exp;
        random_x87(r, &man, &exp);
        memcpy(s->fx.st[i], &man, 8);
        memcpy(s->fx.st[i] + 8, &exp, 2);
        s->fx.ftw |= (uint8_t)((i >= 8 - depth) << i);
    }
}

/* ---- comparing ---- */

void insn_compare(const InsnState *a, const InsnState *b, uint64_t mask, bool x87, GString *why)
{
    for (int i = 0; i < 16; i++) {
        if (a->gpr[i] != b->gpr[i]) {
            g_string_append_printf(why, "%s: 0x%" PRIx64 ", 0x%" PRIx64 "\n", globals[i].name,
                                   a->gpr[i], b->gpr[i]);
        }
    }
    if ((a->flags ^ b->flags) & mask & (CC_EFLAGS_MASK | 0x400)) {
        g_string_append_printf(why, "flags: 0x%" PRIx64 ", 0x%" PRIx64 " (mask 0x%" PRIx64 ")\n",
                               a->flags & mask, b->flags & mask, mask);
    }
    /* A non-canonical stack address is #SS on a processor, #GP here: both are SIGSEGV to a program. */
    bool same_fault = a->fault == b->fault || (a->fault == 12 && b->fault == 13);
    /* What goes beyond 4 GiB in 32-bit code breaks the segment's limit, or wraps: up to the processor (SDM 3A, 5.3). */
    same_fault |= g.bits == 32 && (a->fault == 12 || a->fault == 13) && b->fault == 14;
    if (a->rip != b->rip || !same_fault) {
        g_string_append_printf(why, "rip: +%" PRId64 ", +%" PRId64 " fault %d, %d\n",
                               (int64_t)(a->rip - CODE_BASE), (int64_t)(b->rip - CODE_BASE), a->fault, b->fault);
    }
    bool same = memcmp(a->mem, b->mem, DATA_SIZE) == 0;
    for (unsigned i = 0; i < DATA_SIZE && !same; i++) {
        if (a->mem[i] != b->mem[i]) {
            g_string_append_printf(why, "memory +0x%x: %02x, %02x\n", i, a->mem[i], b->mem[i]);
            break;
        }
    }
    if (x87 && !a->no_pointers && !b->no_pointers && (a->fx.fop != b->fx.fop || a->fx.fip != b->fx.fip || a->fx.fdp != b->fx.fdp)) {
        g_string_append_printf(why, "x87 pointers: %03x %" PRIx64 " %" PRIx64 ", %03x %" PRIx64 " %" PRIx64 "\n", a->fx.fop,
                               a->fx.fip, a->fx.fdp, b->fx.fop, b->fx.fip, b->fx.fdp);
    }
    const uint8_t *x = (const uint8_t *)&a->fx, *y = (const uint8_t *)&b->fx;
    for (unsigned i = x87 ? 0 : 160, n = 0; i < 416 && n < 6; i++) {
        bool pointers = i >= 6 && i < 24; /* compared above */
        bool pad = i >= 32 && i < 160 && (i & 15) >= 10;
        if (x[i] != y[i] && !pointers && !pad && !(i >= 28 && i < 32)) {
            g_string_append_printf(why, "fp state +%u: %02x, %02x\n", i, x[i], y[i]);
            n++;
        }
    }
    for (int i = 0; i < 32; i++) {
        if (a->ymmh[i] != b->ymmh[i]) {
            g_string_append_printf(why, "ymm%d[%d]: 0x%" PRIx64 ", 0x%" PRIx64 "\n", i / 2, 2 + i % 2,
                                   a->ymmh[i], b->ymmh[i]);
        }
    }
}
