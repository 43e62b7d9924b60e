/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See fake_target.h. */
#include "tests/ir/fake_target.h"
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

static FakeEnv *fenv(void *env)
{
    return env;
}

/* The harness keeps itself where the machine's translator would be. */
static Fake *fake_of(TcgVcpu *v)
{
    return (Fake *)(void *)v->tm;
}

/* ---- target ---- */

static uint64_t helper_mix(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t x = a * 0x9e3779b97f4a7c15ull ^ (b << 17 | b >> 47) ^ c * 0xc2b2ae3d27d4eb4full;
    return x ^ x >> 29;
}

static uint64_t helper_scratch(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t old = fenv(env)->scratch[a & 7];
    fenv(env)->scratch[a & 7] = b;
    return old ^ c;
}

static uint64_t helper_full(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    FakeEnv *e = env;
    uint64_t x = 0;
    for (int i = 0; i < 16; i++) {
        x = helper_mix(env, x, e->regs[i], (uint64_t)i);
    }
    x = helper_mix(env, x, e->cc & CC_EFLAGS_MASK, e->pc);
    e->regs[(a ^ 1) & 15 & ~2] ^= x;
    e->regs[8 + (b & 3)] += c;
    e->cc = x & CC_EFLAGS_MASK;
    if (tcg_vcpu(env)->target->vec_offset) {
        e->vec[b % FAKE_VECS][a & 15] ^= (uint8_t)x;
        e->mxcsr ^= 0x6000; /* another rounding mode */
    }
    return x >> 7;
}

static uint64_t helper_vec(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t x, y;
    memcpy(&x, fenv(env)->vec[a % FAKE_VECS], 8);
    memcpy(&y, fenv(env)->vec[b % FAKE_VECS] + 8, 8);
    x = helper_mix(env, x, y, c);
    memcpy(fenv(env)->vec[(a ^ b) % FAKE_VECS] + 4, &x, 8);
    return x;
}

static uint64_t helper_load(void *env, uint64_t a, uint64_t b, uint64_t c)
{
    return tcg_load(env, a, 8, 1) + b;
}

static const TcgHelper helpers[FAKE_H_COUNT] = {
    [FAKE_H_MIX] = {"mix", helper_mix, HELPER_PURE},
    [FAKE_H_SCRATCH] = {"scratch", helper_scratch, HELPER_ENV},
    [FAKE_H_FULL] = {"full", helper_full, HELPER_FULL},
    [FAKE_H_LOAD] = {"load", helper_load, HELPER_FULL},
    [FAKE_H_VEC] = {"vec", helper_vec, HELPER_ENV | HELPER_VEC},
};

#define REG(n, i) {n, offsetof(FakeEnv, regs) + 8 * (i)}
static const IrGlobalDesc globals[16] = {
    REG("rax", 0), REG("rcx", 1), REG("rdx", 2),  REG("rbx", 3),  REG("rsp", 4),  REG("rbp", 5),
    REG("rsi", 6), REG("rdi", 7), REG("r8", 8),   REG("r9", 9),   REG("r10", 10), REG("r11", 11),
    REG("r12", 12), REG("r13", 13), REG("r14", 14), REG("r15", 15),
};
/* As the x86 target asks: guest rsp in the host's r13; guest r13-r15 stay in memory. */
static const int8_t pins[16] = {0, 1, 2, 3, -1, 5, 6, 7, 8, 9, 10, 11, 12, 4, -1, -1};

static void note(void *env, FakeStop what, uint64_t va, int access)
{
    fenv(env)->fault = what;
    fenv(env)->fault_va = va;
    fenv(env)->fault_access = access;
}

static void note_divide(void *env)
{
    note(env, FAKE_DIVIDE, 0, 0);
}

static void note_simd_fp(void *env)
{
    note(env, FAKE_SIMD, 0, 0);
}

static void note_align(void *env, uint64_t va)
{
    note(env, FAKE_ALIGN, va, 0);
}

static uint64_t fake_mode(void *env)
{
    return 0;
}

static int fake_code_mmu(void *env)
{
    return 0;
}

static bool fake_halted(void *env)
{
    return false;
}

/* What the two targets share. */
#define COMMON \
    .env_size = sizeof(FakeEnv), \
    .cc_offset = offsetof(FakeEnv, cc), \
    .pc_offset = offsetof(FakeEnv, pc), \
    .globals = globals, \
    .n_globals = 16, \
    .helpers = helpers, \
    .n_helpers = FAKE_H_COUNT, \
    .n_mmu = 2, \
    .x86_64_pin = pins, \
    .mode = fake_mode, \
    .code_mmu = fake_code_mmu, \
    .note_divide = note_divide, \
    .note_simd_fp = note_simd_fp, \
    .note_x87_fp = note_simd_fp, \
    .note_align = note_align, \
    .halted = fake_halted

const TcgTarget fake_target = {
    .name = "fake",
    .fpu_offset = offsetof(FakeEnv, fx),
    COMMON,
};

/* A third of the registers, and half of the temporaries, stay in env. */
static const int8_t xmm_pins[32] = {
    0, 1, 2, 3, 4, 5, 17, 16, 15, -1, 14, FAKE_VECS, FAKE_VECS + 1, -1, -1, -1,
    6, 7, 8, -1, FAKE_VECS + 2, -1, -1, -1, -1, -1, -1, -1, -1, -1, 9, 10};

const TcgTarget fake_vec_target = {
    .name = "fake-vec",
    .vec_offset = offsetof(FakeEnv, vec),
    .vec_stride = FAKE_VEC_STRIDE,
    .n_vec = FAKE_VECS,
    .vtmp_offset = offsetof(FakeEnv, vtmp),
    .vtmp_stride = 16,
    .n_vtmp = 4,
    .mxcsr_offset = offsetof(FakeEnv, mxcsr),
    .x86_64_pin_xmm = xmm_pins,
    COMMON,
};

/* ---- guest memory ---- */

static int page_of(uint64_t va)
{
    uint64_t off = va - FAKE_RAM_BASE;
    return off < FAKE_RAM_SIZE ? (int)(off >> 12) : -1;
}

static bool byte_ok(uint64_t va, int access)
{
    int p = page_of(va);
    return p >= 0 && p != FAKE_PAGE_NONE && !(p == FAKE_PAGE_RO && access == MMU_WRITE);
}

static void check(void *env, uint64_t va, size_t len, int access)
{
    for (size_t i = 0; i < len; i++) {
        if (!byte_ok(va + i, access)) {
            note(env, FAKE_FAULT, va + i, access);
            tcg_raise(env);
        }
    }
}

static uint8_t *host_of(TcgVcpu *v, uint64_t va)
{
    return fake_of(v)->ram + (va - FAKE_RAM_BASE);
}

static void tlb_set(TcgVcpu *v, int mmu, int write, uint64_t page_va, bool present)
{
    TlbEntry *e = &v->tlb[mmu][write][page_va >> 12 & (TLB_SIZE - 1)];
    e->page = present ? page_va : TLB_EMPTY(page_va >> 12 & (TLB_SIZE - 1));
    e->host = present ? (uint64_t)(uintptr_t)host_of(v, page_va) : 0;
}

static void fill_tlb(TcgVcpu *v)
{
    for (int mmu = 0; mmu < TCG_MMU_MODES; mmu++) {
        for (int w = 0; w < 2; w++) {
            for (unsigned i = 0; i < TLB_SIZE; i++) {
                v->tlb[mmu][w][i].page = TLB_EMPTY(i);
            }
            for (int p = 0; p < FAKE_PAGES; p++) {
                bool fast = p != FAKE_PAGE_LAZY && p != FAKE_PAGE_IO && p != FAKE_PAGE_NONE &&
                            !(p == FAKE_PAGE_RO && w);
                tlb_set(v, mmu, w, FAKE_RAM_BASE + p * 4096ull, fast);
            }
        }
    }
}

static void refill(TcgVcpu *v, uint64_t va, int mmu, int write)
{
    if (page_of(va) == FAKE_PAGE_LAZY) {
        tlb_set(v, mmu, write, va & ~0xfffull, true);
    }
}

uint64_t tcg_load(void *env, uint64_t va, unsigned size, int mmu)
{
    uint64_t val = 0;
    check(env, va, size, MMU_READ);
    memcpy(&val, host_of(tcg_vcpu(env), va), size);
    return val;
}

/* No code of a fake block lies in its memory. */
void tcg_check_own_code(TcgVcpu *v, const TcgBlock *tb, uint64_t va, unsigned size, int mmu)
{
}

void tcg_store(void *env, uint64_t va, uint64_t val, unsigned size, int mmu)
{
    check(env, va, size, MMU_WRITE);
    memcpy(host_of(tcg_vcpu(env), va), &val, size);
}

void tcg_read(void *env, uint64_t va, void *buf, size_t len, int mmu)
{
    check(env, va, len, MMU_READ);
    memcpy(buf, host_of(tcg_vcpu(env), va), len);
}

void tcg_write(void *env, uint64_t va, const void *buf, size_t len, int mmu)
{
    check(env, va, len, MMU_WRITE);
    memcpy(host_of(tcg_vcpu(env), va), buf, len);
}

void tcg_probe(void *env, uint64_t va, size_t len, int access, int mmu)
{
    check(env, va, len, access);
}

void *tcg_host(void *env, uint64_t va, size_t *len, int access, int mmu)
{
    *len = MIN(*len, 4096 - (va & 0xfff));
    check(env, va, *len, access);
    return page_of(va) == FAKE_PAGE_IO ? NULL : host_of(tcg_vcpu(env), va);
}

/* One thread only, so nothing to be atomic against. */
bool tcg_cmpxchg(void *env, uint64_t va, unsigned size, void *old, const void *val, int mmu)
{
    uint8_t cur[16];
    tcg_probe(env, va, size, MMU_WRITE, mmu);
    tcg_read(env, va, cur, size, mmu);
    bool same = !memcmp(cur, old, size);
    if (same) {
        tcg_write(env, va, val, size, mmu);
    }
    memcpy(old, cur, size);
    return same;
}

uint64_t tcg_slow_load(TcgVcpu *v, uint64_t va, uint32_t size_mmu)
{
    uint64_t val;
    fenv(tcg_env(v))->pc = v->exit_block->pc + v->exit_insn;
    val = tcg_load(tcg_env(v), va, size_mmu & 0xff, (int)(size_mmu >> 8 & 0x7f));
    refill(v, va, (int)(size_mmu >> 8 & 0x7f), 0);
    return val;
}

void tcg_slow_store(TcgVcpu *v, uint64_t va, uint64_t val, uint32_t size_mmu)
{
    fenv(tcg_env(v))->pc = v->exit_block->pc + v->exit_insn;
    tcg_store(tcg_env(v), va, val, size_mmu & 0xff, (int)(size_mmu >> 8 & 0x7f));
    refill(v, va, (int)(size_mmu >> 8 & 0x7f), 1);
}

bool tcg_slow_operand(TcgVcpu *v, uint64_t va, uint32_t size_mmu, uint32_t write)
{
    unsigned size = size_mmu & 0xff;
    int mmu = (int)(size_mmu >> 8 & 0x7f);
    fenv(tcg_env(v))->pc = v->exit_block->pc + v->exit_insn;
    v->scratch[0] = 0;
    check(tcg_env(v), va, size, write ? MMU_WRITE : MMU_READ);
    refill(v, va, mmu, (int)write);
    TlbEntry *e = &v->tlb[mmu][write != 0][va >> 12 & (TLB_SIZE - 1)];
    if (va - e->page <= 4096 - size) {
        return true;
    }
    if (!(size_mmu & TCG_BOUNCE)) {
        return false;
    }
    if (!write) {
        tcg_read(tcg_env(v), va, v->bounce, size, mmu);
    }
    v->bounce_va = va;
    v->scratch[0] = (uintptr_t)v->bounce;
    return true;
}

void tcg_slow_bounce(TcgVcpu *v, uint64_t unused, uint32_t size_mmu)
{
    tcg_write(tcg_env(v), v->bounce_va, v->bounce, size_mmu & 0xff, (int)(size_mmu >> 8 & 0x7f));
}

void *tcg_slow_lookup(TcgVcpu *v, uint64_t pc)
{
    return NULL;
}

/* ---- leaving ---- */

void tcg_raise(void *env)
{
    __builtin_longjmp(tcg_vcpu(env)->jmp, 1);
}

void tcg_exit_loop(void *env)
{
    fenv(env)->fault = FAKE_LEFT;
    __builtin_longjmp(tcg_vcpu(env)->jmp, 1);
}

void tcg_exit(void *env, Exit why)
{
    tcg_exit_loop(env);
}

Cpu *tcg_cpu(void *env)
{
    return NULL;
}

/* ---- running ---- */

static Fake *running; /* for the signal handler; tests have one thread */

static void on_sigfpe(int sig, siginfo_t *info, void *uc)
{
    if (running && running->hc && host_trap(running->hc, running->v, info, uc)) {
        return;
    }
    signal(sig, SIG_DFL);
    raise(sig);
}

Fake *fake_new(bool with_host)
{
    return fake_new_for(&fake_target, with_host);
}

Fake *fake_new_for(const TcgTarget *t, bool with_host)
{
    Fake *f = g_new0(Fake, 1);
    f->target = t;
    f->map_size = TCG_ENV_OFFSET + ((sizeof(FakeEnv) + 4095) & ~(size_t)4095);
    f->v = mmap(NULL, f->map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    f->ram = mmap(NULL, FAKE_RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert(f->v != MAP_FAILED && f->ram != MAP_FAILED);
    f->v->self = f->v;
    f->v->target = t;
    f->v->jc_key = 0x5aull << 48; /* no pc matches an empty jump cache entry */
    f->v->tm = (struct TcgMachine *)(void *)f;
    memset(f->v->jc, 0xff, sizeof(f->v->jc)); /* empty */
    f->env = tcg_env(f->v);
    if (with_host) {
        Error *err = NULL;
        f->hc = host_code_new(t, 16 << 20, &err);
        f->v->hc = f->hc;
        struct sigaction sa = {.sa_sigaction = on_sigfpe, .sa_flags = SA_SIGINFO | SA_NODEFER};
        sigaction(SIGFPE, &sa, NULL);
    }
    return f;
}

void fake_free(Fake *f)
{
    if (f->hc) {
        host_code_free(f->hc);
    }
    munmap(f->ram, FAKE_RAM_SIZE);
    munmap(f->v, f->map_size);
    g_free(f);
}

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
    case 4:
        return v & 1 ? 0x8000000080008080ull : 0x7fffffff7fff7f7full;
    default:
        return v;
    }
}

void fake_random_state(GRand *r, FakeState *s)
{
    static const uint8_t pointers[] = {3, 4, 5, 6, 13};
    memset(s, 0, sizeof(*s));
    for (int i = 0; i < 16; i++) {
        s->regs[i] = random64(r);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(pointers); i++) {
        s->regs[pointers[i]] = FAKE_RAM_BASE + 4096 + (g_rand_int(r) % (9 * 4096) & ~7u);
    }
    for (int i = 0; i < 8; i++) {
        s->scratch[i] = random64(r);
    }
    s->cc = g_rand_int(r) & CC_EFLAGS_MASK;
    uint64_t x = random64(r) | 1; /* xorshift, as GRand would take most of the test's time here */
    for (unsigned i = 0; i < FAKE_RAM_SIZE; i += 8) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        memcpy(s->ram + i, &x, 8);
    }
    /* an x87 image after FNINIT, default MXCSR, random XMM0-15 */
    s->fx[0] = 0x7f;
    s->fx[1] = 0x03;
    s->fx[24] = 0x80;
    s->fx[25] = 0x1f;
    for (int i = 160; i < 416; i++) {
        s->fx[i] = (uint8_t)g_rand_int(r);
    }
    memcpy(s->vec, s->ram, sizeof(s->vec));
    s->mxcsr = 0x1f00; /* Invalid Operation traps */
}

void fake_reset_memory(Fake *f)
{
    note(f->env, FAKE_LEFT, 0, 0);
    fill_tlb(f->v);
}

static void enter_state(Fake *f, const FakeState *in)
{
    FakeEnv *e = f->env;
    memcpy(e->regs, in->regs, sizeof(e->regs));
    memcpy(e->scratch, in->scratch, sizeof(e->scratch));
    memcpy(e->fx, in->fx, sizeof(e->fx));
    for (int i = 0; i < FAKE_VECS + 4; i++) {
        memcpy(i < FAKE_VECS ? e->vec[i] : e->vtmp[i - FAKE_VECS], in->vec[i], 16);
    }
    e->mxcsr = in->mxcsr;
    memcpy(f->ram, in->ram, FAKE_RAM_SIZE);
    e->cc = in->cc;
    fake_reset_memory(f);
}

static void leave_state(Fake *f, FakeState *out)
{
    const FakeEnv *e = f->env;
    out->stop = (FakeStop)e->fault;
    memcpy(out->regs, e->regs, sizeof(e->regs));
    memcpy(out->scratch, e->scratch, sizeof(e->scratch));
    memcpy(out->fx, e->fx, sizeof(e->fx));
    for (int i = 0; i < FAKE_VECS + 4; i++) {
        memcpy(out->vec[i], i < FAKE_VECS ? e->vec[i] : e->vtmp[i - FAKE_VECS], 16);
    }
    out->mxcsr = e->mxcsr;
    memcpy(out->ram, f->ram, FAKE_RAM_SIZE);
    out->cc = e->cc & CC_EFLAGS_MASK;
    out->pc = e->pc;
    out->fault_va = e->fault_va;
    out->fault_access = e->fault_access;
}

/* A tcg_raise() inside fn comes back here. */
static __attribute__((noinline)) void guarded(Fake *f, void (*fn)(Fake *, void *), void *arg)
{
    running = f;
    if (__builtin_setjmp(f->v->jmp) == 0) {
        fn(f, arg);
    }
    if (f->hc) {
        host_fpu_save(f->v);
    }
    f->v->in_code = 0;
}

/* The block from the guest instruction at pc on. Shares the arrays: not to be freed. */
static IrBlock rest_of_block(const IrBlock *b, uint64_t pc)
{
    IrBlock r = *b;
    int i = 0;
    while (!(b->ops[i].op == OP_insn && (uint64_t)b->ops[i].imm == pc)) {
        i++;
        g_assert(i < b->n_ops);
    }
    r.ops += i;
    r.n_ops -= i;
    return r;
}

typedef struct Run {
    const IrBlock *block;
    TcgBlock *tb;
} Run;

static void do_run(Fake *f, void *arg)
{
    Run *run = arg;
    if (run->tb == NULL) {
        f->runs_interp++;
        interp_block(f->v, run->block);
        return;
    }
    f->runs_host++;
    f->v->exit_block = run->tb;
    host_enter(f->hc, f->v, run->tb->entry);
    if (f->v->exit_reason == TCG_EXIT_INTERP) {
        host_fpu_save(f->v);
        f->host_to_interp++;
        IrBlock rest = rest_of_block(run->block, f->env->pc);
        interp_block(f->v, &rest);
    }
}

void fake_exec(Fake *f, const IrBlock *b, TcgBlock *tb)
{
    Run run = {b, tb};
    f->env->pc = 0xbad;
    f->v->poll = 0;
    guarded(f, do_run, &run);
}

bool fake_emit(Fake *f, IrBlock *b, TcgBlock *tb)
{
    if (f->hc == NULL) {
        return false;
    }
    ir_flag_liveness(b);
    ir_temp_liveness(b);
    *tb = (TcgBlock){
        .pc = b->pc,
        .mode = b->mode,
        .guest_bytes = b->guest_bytes,
        .n_insns = (uint16_t)b->n_insns,
        .flags_dead_in = ir_flags_dead_in(b),
        .valid = true,
        .sites = g_new0(TcgSite, b->n_ops),
    };
    TcgSite *sites = tb->sites;
    if (host_emit_block(f->hc, b, tb)) {
        return true;
    }
    host_code_reset(f->hc);
    if (host_emit_block(f->hc, b, tb)) {
        return true;
    }
    g_free(sites);
    return false;
}

void fake_drop(Fake *f, TcgBlock *tb)
{
    g_free(tb->sites);
    host_code_reset(f->hc);
}

void fake_run_interp(Fake *f, const IrBlock *b, const FakeState *in, FakeState *out)
{
    enter_state(f, in);
    fake_exec(f, b, NULL);
    leave_state(f, out);
}

bool fake_run_host(Fake *f, IrBlock *b, const FakeState *in, FakeState *out)
{
    TcgBlock tb;
    if (!fake_emit(f, b, &tb)) {
        return false;
    }
    enter_state(f, in);
    fake_exec(f, b, &tb);
    leave_state(f, out);
    fake_drop(f, &tb);
    return true;
}

/* ---- comparing ---- */

static void differ(GString *why, const char *what, uint64_t a, uint64_t b)
{
    g_string_append_printf(why, "%s: 0x%" PRIx64 " against 0x%" PRIx64 "\n", what, a, b);
}

static void compare_bytes(GString *why, const char *what, const uint8_t *a, const uint8_t *b,
                          unsigned from, unsigned to)
{
    if (!memcmp(a + from, b + from, to - from)) {
        return;
    }
    for (unsigned i = from; i < to; i++) {
        if (a[i] != b[i]) {
            g_string_append_printf(why, "%s+0x%x: %02x against %02x\n", what, i, a[i], b[i]);
            return;
        }
    }
}

bool fake_same(const FakeState *a, const FakeState *b, uint8_t undef, GString *why)
{
    gsize before = why->len;
    uint64_t m = CC_EFLAGS_MASK & ~ir_flags_to_eflags(undef);
    if (a->stop != b->stop) {
        differ(why, "kind of stop", a->stop, b->stop);
    }
    if (a->pc != b->pc) {
        differ(why, "pc", a->pc, b->pc);
    }
    for (int i = 0; i < 16; i++) {
        if (a->regs[i] != b->regs[i]) {
            differ(why, globals[i].name, a->regs[i], b->regs[i]);
        }
    }
    if ((a->cc ^ b->cc) & m) {
        differ(why, "flags", a->cc & m, b->cc & m);
    }
    for (int i = 0; i < 8; i++) {
        if (a->scratch[i] != b->scratch[i]) {
            differ(why, "scratch", a->scratch[i], b->scratch[i]);
        }
    }
    if (a->fault_va != b->fault_va || a->fault_access != b->fault_access) {
        differ(why, "fault address", a->fault_va, b->fault_va);
        differ(why, "fault access", a->fault_access, b->fault_access);
    }
    compare_bytes(why, "mem", a->ram, b->ram, 0, FAKE_RAM_SIZE);
    compare_bytes(why, "vec", a->vec[0], b->vec[0], 0, sizeof(a->vec));
    if (a->stop != FAKE_SIMD && a->mxcsr != b->mxcsr) { /* what a trapped instruction leaves there is nobody's */
        differ(why, "mxcsr", a->mxcsr, b->mxcsr);
    }
    compare_bytes(why, "fxsave", a->fx, b->fx, 0, 6);
    compare_bytes(why, "fxsave", a->fx, b->fx, 24, 28);
    compare_bytes(why, "fxsave", a->fx, b->fx, 32, 416);
    return why->len == before;
}
