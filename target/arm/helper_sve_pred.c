/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Helpers of SVE's predicate instructions (Arm ARM C8.2, "predicates").
 */
#include "target/arm/helper.h"
#include "target/arm/sve.h"
#include "target/arm/sve_pred.h"

#define EFLAGS_C 0x001u
#define EFLAGS_Z 0x040u
#define EFLAGS_S 0x080u

uint64_t sve_pred_test(const uint8_t *mask, const uint8_t *result, unsigned esz, unsigned len)
{
    bool first = true, last = false;
    uint64_t flags = EFLAGS_Z;
    for (unsigned at = 0; at < len; at += 1u << esz) {
        if (!vec_active(mask, at)) {
            continue;
        }
        last = vec_active(result, at);
        flags &= last ? ~(uint64_t)EFLAGS_Z : ~0ull;
        flags |= first && last ? EFLAGS_S : 0;
        first = false;
    }
    /* Arm's C says that the last active lane is not true; the IR's is its complement. */
    return flags | (last ? EFLAGS_C : 0);
}

static bool logic(unsigned op, bool n, bool m)
{
    switch (op) {
    case SVE_PRED_AND: return n && m;
    case SVE_PRED_BIC: return n && !m;
    case SVE_PRED_EOR: return n != m;
    case SVE_PRED_ORR: return n || m;
    case SVE_PRED_ORN: return n || !m;
    case SVE_PRED_NOR: return !(n || m);
    default: return !(n && m);
    }
}

static void interleave(SvePred x, const uint8_t *n, const uint8_t *m, uint8_t *r)
{
    unsigned step = 1u << x.esz, half = x.len / 2;
    for (unsigned i = 0; i < x.len; i++) { /* every bit moves with its lane */
        unsigned lane = i >> x.esz, in = i & (step - 1), to = 0;
        const uint8_t *src = n;
        switch (x.op) {
        case SVE_PRED_ZIP:
            src = lane & 1 ? m : n;
            to = x.imm * half + (lane / 2 << x.esz) + in;
            break;
        case SVE_PRED_UZP:
            src = i < half ? n : m;
            to = (2 * ((i < half ? i : i - half) >> x.esz) << x.esz) + x.imm * step + in;
            break;
        case SVE_PRED_TRN:
            src = lane & 1 ? m : n;
            to = ((lane & ~1u) + x.imm) * step + in;
            break;
        default: /* REV */
            to = x.len - step - (lane << x.esz) + in;
            break;
        }
        sve_pred_set(r, i, vec_active(src, to));
    }
}

static void breaks(SvePred x, const ArmPred *p, uint8_t *r)
{
    const uint8_t *g = p[x.g].b, *n = p[x.n].b, *m = p[x.m].b, *d = p[x.d].b;
    bool before = x.imm & 1, merging = x.imm & 2, stop = false;
    if (x.op == SVE_PRED_BRKN) {
        int last = sve_pred_last(g, 0, x.len);
        if (last >= 0 && vec_active(n, (unsigned)last)) {
            memcpy(r, d, sizeof(ArmPred));
        }
        return;
    }
    if (x.op == SVE_PRED_BRKP) {
        int last = sve_pred_last(g, 0, x.len);
        stop = last < 0 || !vec_active(n, (unsigned)last);
        n = m;
    }
    for (unsigned i = 0; i < x.len; i++) {
        if (!vec_active(g, i)) {
            sve_pred_set(r, i, merging && vec_active(d, i));
            continue;
        }
        if (before) {
            stop |= vec_active(n, i);
            sve_pred_set(r, i, !stop);
        } else {
            sve_pred_set(r, i, !stop);
            stop |= vec_active(n, i);
        }
    }
}

/* PFIRST: the first active lane becomes true; PNEXT: the next active one behind the last true one, alone. */
static void first_next(SvePred x, const ArmPred *p, uint8_t *r)
{
    const uint8_t *g = p[x.g].b, *d = p[x.d].b;
    unsigned from = 0;
    if (x.op == SVE_PRED_FIRST) {
        memcpy(r, d, sizeof(ArmPred));
    } else {
        int last = sve_pred_last(d, x.esz, x.len);
        from = last < 0 ? 0 : (unsigned)last + (1u << x.esz);
    }
    for (unsigned at = from; at < x.len; at += 1u << x.esz) {
        if (vec_active(g, at)) {
            sve_pred_set(r, at, true);
            return;
        }
    }
}

static void unpack(SvePred x, const uint8_t *n, uint8_t *r)
{
    for (unsigned i = 0; i < x.len / 2; i++) {
        sve_pred_set(r, 2 * i, vec_active(n, x.imm * (x.len / 2) + i));
    }
}

uint64_t helper_sve_pred(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    ArmPred *p = env->s.p, r, g;
    SvePred x = {.word = a};
    unsigned esz = x.esz;
    (void)b, (void)c;
    memset(&r, 0, sizeof(r));
    g = p[x.g];
    switch (x.op) {
    case SVE_PRED_ZIP:
    case SVE_PRED_UZP:
    case SVE_PRED_TRN:
    case SVE_PRED_REV:
        interleave(x, p[x.n].b, p[x.m].b, r.b);
        break;
    case SVE_PRED_UNPK:
        unpack(x, p[x.n].b, r.b);
        break;
    case SVE_PRED_BRKP:
    case SVE_PRED_BRK:
    case SVE_PRED_BRKN:
        breaks(x, p, r.b);
        break;
    case SVE_PRED_FIRST:
    case SVE_PRED_NEXT:
        first_next(x, p, r.b);
        break;
    case SVE_PRED_TEST:
        return sve_pred_test(g.b, p[x.n].b, esz, x.len);
    case SVE_PRED_SEL:
        for (unsigned i = 0; i < x.len; i++) {
            sve_pred_set(r.b, i, vec_active(vec_active(g.b, i) ? p[x.n].b : p[x.m].b, i));
        }
        break;
    case SVE_PRED_RDFFR:
        for (unsigned i = 0; i < x.len / 8; i++) {
            r.b[i] = p[16].b[i] & g.b[i];
        }
        break;
    default:
        for (unsigned i = 0; i < x.len; i++) {
            sve_pred_set(r.b, i, vec_active(g.b, i) && logic(x.op, vec_active(p[x.n].b, i), vec_active(p[x.m].b, i)));
        }
        break;
    }
    p[x.d] = r;
    if (x.op == SVE_PRED_BRKN) { /* flags: of the whole result, every bit active */
        memset(&g, 0xff, sizeof(g));
    }
    return sve_pred_test(g.b, r.b, esz, x.len);
}

uint64_t helper_sve_whilewr(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    SvePred x = {.word = a};
    ArmPred r, all;
    uint64_t distance = c > b ? c - b : x.imm ? b - c : 0, lanes = distance >> x.esz;
    memset(&r, 0, sizeof(r));
    memset(&all, 0xff, sizeof(all));
    for (unsigned i = 0; i < (unsigned)x.len >> x.esz; i++) {
        sve_pred_set(r.b, i << x.esz, lanes == 0 || i < lanes);
    }
    env->s.p[x.d] = r;
    return sve_pred_test(all.b, r.b, x.esz, x.len);
}
