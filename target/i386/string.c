/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * String instructions (SDM vol 2: MOVS, CMPS, STOS, LODS, SCAS, INS, OUTS, REP).
 *
 * A repeated instruction works through host pointers, a run of elements inside
 * one page of each operand at a time; what has no host pointer (devices,
 * watched pages), goes backwards or crosses a page is done element by element.
 * RCX, RSI and RDI advance after each run, so that a fault or an interrupt
 * finds them exact and RIP still at the instruction.
 */
#include "target/i386/system.h"

enum { STR_MOVS, STR_CMPS, STR_STOS, STR_LODS, STR_SCAS, STR_INS, STR_OUTS };
enum { REP_NONE, REP_E, REP_NE };

typedef struct StrOp {
    X86Env *env;
    int kind, rep, seg, mmu;
    unsigned size;      /* of an element */
    uint64_t amask;     /* address-size mask */
    unsigned asize;     /* bytes of an address */
    bool back;          /* DF */
    bool flat_src, flat_dst;
    uint64_t si, di, count; /* as they stand after the elements done so far */
    bool stop;          /* REPE/REPNE condition met */
} StrOp;

/* ---- addresses ---- */

static uint64_t src_linear(StrOp *o, unsigned len)
{
    X86Env *env = o->env;

    if (o->flat_src) {
        return o->si;
    }
    return helper_seg_check(env, o->seg, o->si, len);
}

static uint64_t dst_linear(StrOp *o, unsigned len, bool write)
{
    if (o->flat_dst) {
        return o->di;
    }
    return helper_seg_check(o->env, S_ES, o->di, len | (write ? 1 << 8 : 0));
}

static uint64_t advance(const StrOp *o, uint64_t reg, uint64_t n)
{
    uint64_t delta = n * o->size;

    return (o->back ? reg - delta : reg + delta) & o->amask;
}

static bool uses_src(const StrOp *o)
{
    return o->kind == STR_MOVS || o->kind == STR_CMPS || o->kind == STR_LODS ||
           o->kind == STR_OUTS;
}

static bool uses_dst(const StrOp *o)
{
    return o->kind != STR_LODS && o->kind != STR_OUTS;
}

/* n elements are done: show it in the registers. */
static void done(StrOp *o, uint64_t n)
{
    X86State *s = &o->env->s;

    if (uses_src(o)) {
        o->si = advance(o, o->si, n);
        s->gpr[R_SI] = x86_merge(s->gpr[R_SI], o->si, o->asize);
    }
    if (uses_dst(o)) {
        o->di = advance(o, o->di, n);
        s->gpr[R_DI] = x86_merge(s->gpr[R_DI], o->di, o->asize);
    }
    o->count -= n;
    if (o->rep != REP_NONE) {
        s->gpr[R_CX] = x86_merge(s->gpr[R_CX], o->count, o->asize);
    }
}

/* ---- comparison ---- */

static uint64_t cmp_flags(uint64_t a, uint64_t b, unsigned size)
{
    unsigned top = size * 8 - 1;
    uint64_t mask = width_mask(size), r;
    uint64_t f;

    a &= mask;
    b &= mask;
    r = (a - b) & mask;
    f = a < b ? FLAG_CF : 0;
    f |= __builtin_parity((unsigned)r & 0xff) ? 0 : FLAG_PF;
    f |= (a ^ b ^ r) & FLAG_AF;
    f |= r ? 0 : FLAG_ZF;
    f |= r >> top & 1 ? FLAG_SF : 0;
    f |= ((a ^ b) & (a ^ r)) >> top & 1 ? FLAG_OF : 0;
    return f;
}

static void compare(StrOp *o, uint64_t a, uint64_t b)
{
    bool equal = ((a ^ b) & width_mask(o->size)) == 0;

    o->env->cc = cmp_flags(a, b, o->size);
    o->stop = (o->rep == REP_E && !equal) || (o->rep == REP_NE && equal);
}

/* ---- one element ---- */

static void one_io(StrOp *o)
{
    X86Env *env = o->env;
    uint16_t port = (uint16_t)env->s.gpr[R_DX];
    uint64_t va;

    if (o->kind == STR_INS) {
        va = dst_linear(o, o->size, true);
        tcg_probe(env, va, o->size, MMU_WRITE, o->mmu);
        tcg_store(env, va, x86_port_in(env, port, o->size), o->size, o->mmu);
    } else {
        va = src_linear(o, o->size);
        x86_port_out(env, port, tcg_load(env, va, o->size, o->mmu), o->size);
    }
}

static void one_element(StrOp *o)
{
    X86Env *env = o->env;
    X86State *s = &env->s;
    unsigned size = o->size;
    uint64_t v, va;

    switch (o->kind) {
    case STR_MOVS:
        va = src_linear(o, size);
        v = tcg_load(env, va, size, o->mmu);
        tcg_store(env, dst_linear(o, size, true), v, size, o->mmu);
        break;
    case STR_CMPS:
        va = src_linear(o, size);
        v = tcg_load(env, va, size, o->mmu);
        compare(o, v, tcg_load(env, dst_linear(o, size, false), size, o->mmu));
        break;
    case STR_STOS:
        tcg_store(env, dst_linear(o, size, true), s->gpr[R_AX], size, o->mmu);
        break;
    case STR_LODS:
        v = tcg_load(env, src_linear(o, size), size, o->mmu);
        s->gpr[R_AX] = x86_merge(s->gpr[R_AX], v, size);
        break;
    case STR_SCAS:
        compare(o, s->gpr[R_AX], tcg_load(env, dst_linear(o, size, false), size, o->mmu));
        break;
    default:
        one_io(o);
        break;
    }
    done(o, 1);
}

/* ---- runs on host memory ---- */

/* MOVS forward: bytes propagate when the destination starts inside the source. */
static void copy_forward(uint8_t *d, const uint8_t *s, size_t len, unsigned size)
{
    if (d <= s || d >= s + len) {
        memmove(d, s, len);
        return;
    }
    for (size_t i = 0; i < len; i += size) {
        uint64_t v;
        memcpy(&v, s + i, size); /* an element overlapping itself is read whole first */
        memcpy(d + i, &v, size);
    }
}

static void fill(uint8_t *d, uint64_t v, size_t n, unsigned size)
{
    uint64_t byte = v & 0xff;

    if (size == 1 || (v & width_mask(size)) == (byte * 0x0101010101010101ull & width_mask(size))) {
        memset(d, (int)byte, n * size);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(d + i * size, &v, size);
    }
}

/* Elements until the condition stops, counting the last one; flags of that one. */
static size_t scan(StrOp *o, const uint8_t *d, size_t n)
{
    uint64_t ax = o->env->s.gpr[R_AX];
    size_t i;

    if (o->size == 1 && o->rep == REP_NE) {
        const uint8_t *hit = memchr(d, (int)(ax & 0xff), n);
        i = hit ? (size_t)(hit - d) : n - 1;
    } else {
        uint64_t mask = width_mask(o->size);
        for (i = 0; i < n - 1; i++) {
            bool equal = ((ld_le_n(d + i * o->size, o->size) ^ ax) & mask) == 0;
            if (equal == (o->rep == REP_NE)) {
                break;
            }
        }
    }
    compare(o, ax, ld_le_n(d + i * o->size, o->size));
    return i + 1;
}

static size_t match(StrOp *o, const uint8_t *s, const uint8_t *d, size_t n)
{
    size_t i = 0;

    if (o->rep == REP_E && memcmp(s, d, (n - 1) * o->size) == 0) {
        i = n - 1;
    }
    for (; i < n - 1; i++) {
        bool equal = memcmp(s + i * o->size, d + i * o->size, o->size) == 0;
        if (equal == (o->rep == REP_NE)) {
            break;
        }
    }
    compare(o, ld_le_n(s + i * o->size, o->size), ld_le_n(d + i * o->size, o->size));
    return i + 1;
}

/* How many elements fit before the end of the page, and before the address register wraps. */
static uint64_t room(const StrOp *o, uint64_t reg, uint64_t va, uint64_t limit)
{
    uint64_t bytes = MEM_PAGE_SIZE - (va & (MEM_PAGE_SIZE - 1));
    uint64_t n = MIN(limit, bytes / o->size);

    if (o->amask != ~0ull) {
        uint64_t wrap = (o->amask - reg + 1) / o->size;
        n = MIN(n, wrap);
    }
    return n;
}

/* A segment's limit ends runs too: what lies beyond is left to the checks of single elements. */
static uint64_t segment_room(const StrOp *o, int reg, bool flat, uint64_t off, uint64_t n)
{
    const X86Seg *seg = &o->env->s.seg[reg];

    if (flat || n == 0 || x86_code64(o->env)) {
        return n;
    }
    if ((seg->attr & 0xc) == 4 || off > seg->limit) {
        return 0;
    }
    return MIN(n, ((uint64_t)seg->limit - off + 1) / o->size);
}

/* Elements that one run may take, 0 = do a single one; the linear addresses of both operands. */
static uint64_t run_length(StrOp *o, uint64_t *src, uint64_t *dst)
{
    uint64_t n = o->count;

    if (o->back || o->kind == STR_INS || o->kind == STR_OUTS || o->kind == STR_LODS) {
        return 0;
    }
    if (uses_src(o)) {
        *src = src_linear(o, o->size);
        n = segment_room(o, o->seg, o->flat_src, o->si, room(o, o->si, *src, n));
    }
    if (uses_dst(o)) {
        *dst = dst_linear(o, o->size, o->kind != STR_CMPS && o->kind != STR_SCAS);
        n = segment_room(o, S_ES, o->flat_dst, o->di, room(o, o->di, *dst, n));
    }
    return n;
}

static bool run(StrOp *o)
{
    X86Env *env = o->env;
    uint64_t src = 0, dst = 0, n = run_length(o, &src, &dst);
    size_t len = n * o->size;
    const uint8_t *s = NULL;
    uint8_t *d;

    if (n < 2) {
        return false;
    }
    if (uses_src(o)) {
        s = tcg_host(env, src, &len, MMU_READ, o->mmu);
        if (!s) {
            return false;
        }
    }
    d = tcg_host(env, dst, &len, o->kind == STR_MOVS || o->kind == STR_STOS ? MMU_WRITE : MMU_READ,
                 o->mmu);
    n = len / o->size;
    if (!d || n == 0) {
        return false;
    }
    switch (o->kind) {
    case STR_MOVS:
        copy_forward(d, s, n * o->size, o->size);
        break;
    case STR_STOS:
        fill(d, env->s.gpr[R_AX], n, o->size);
        break;
    case STR_SCAS:
        n = scan(o, d, n);
        break;
    default:
        n = match(o, s, d, n);
        break;
    }
    done(o, n);
    return true;
}

/* ---- the instruction ---- */

static void decode(StrOp *o, X86Env *env, uint64_t how)
{
    const X86State *s = &env->s;
    bool flat = env->mode & MODE_FLATDATA;

    *o = (StrOp){
        .env = env,
        .kind = how & 15,
        .size = 1u << (how >> 4 & 15),
        .rep = how >> 8 & 15,
        .asize = 1u << (how >> 12 & 15),
        .seg = how >> 16 & 7,
        .mmu = x86_data_mmu(env),
        .back = s->rflags & FLAG_DF,
    };
    o->amask = width_mask(o->asize);
    o->flat_dst = flat;
    o->flat_src = flat && o->seg != S_FS && o->seg != S_GS && (o->seg != S_CS || x86_code64(env));
    o->si = s->gpr[R_SI] & o->amask;
    o->di = s->gpr[R_DI] & o->amask;
    o->count = o->rep != REP_NONE ? s->gpr[R_CX] & o->amask : 1;
}

static void repeat(StrOp *o)
{
    unsigned singles = 0;

    while (o->count && !o->stop) {
        if (!run(o)) {
            one_element(o);
            if (o->kind < STR_INS && ++singles % 64) {
                continue;
            }
        }
        /* Not only interrupts: another vCPU may wait for this one to be out of its block. */
        if (tcg_polled(o->env) || x86_can_interrupt(o->env)) {
            return;
        }
    }
}

uint64_t helper_string(void *opaque, uint64_t how, uint64_t next, uint64_t c)
{
    X86Env *env = opaque;
    StrOp o;

    decode(&o, env, how);
    if (o.kind >= STR_INS && o.count) {
        x86_check_port(env, (uint16_t)env->s.gpr[R_DX], o.size);
    }
    if (o.rep == REP_NONE) {
        one_element(&o);
        env->s.rip = next;
        return 0;
    }
    if (o.kind != STR_CMPS && o.kind != STR_SCAS) {
        o.rep = REP_E; /* either prefix only counts */
    }
    if ((env->mode & (MODE_TF | MODE_DEBUG)) && o.count) {
        one_element(&o);
    } else {
        repeat(&o);
    }
    if (!o.count || o.stop) {
        env->s.rip = next;
    } else if (env->mode & MODE_DEBUG) {
        env->s.rflags |= FLAG_RF; /* its breakpoint, if any, was met before the first repetition */
    }
    return 0;
}
