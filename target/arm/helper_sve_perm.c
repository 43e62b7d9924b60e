/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Helpers of SVE's permutations. Lanes up to 16 bytes wide.
 */
#include "target/arm/helper.h"
#include "target/arm/sve.h"
#include "target/arm/sve_pred.h"

static void copy_lane(uint8_t *out, unsigned to, const uint8_t *in, unsigned from, unsigned esz)
{
    memcpy(out + (to << esz), in + (from << esz), (size_t)1 << esz);
}

/* ZIP, UZP, TRN of whatever number of lanes; an odd last one of UZP on 128 bits is zero. */
static void interleave(uint8_t *out, const uint8_t *n, const uint8_t *m, VecDesc x, unsigned op, unsigned part)
{
    unsigned esz = x.esz, half = x.len >> esz >> 1;
    memset(out, 0, x.len);
    for (unsigned i = 0; i < half; i++) {
        if (op == SVE_PERM_ZIP) {
            copy_lane(out, 2 * i, n, part * half + i, esz);
            copy_lane(out, 2 * i + 1, m, part * half + i, esz);
        } else if (op == SVE_PERM_UZP) {
            copy_lane(out, i, n, 2 * i + part, esz);
            copy_lane(out, half + i, m, 2 * i + part, esz);
        } else {
            copy_lane(out, 2 * i, n, 2 * i + part, esz);
            copy_lane(out, 2 * i + 1, m, 2 * i + part, esz);
        }
    }
}

static void table(ArmEnv *env, VecDesc x, unsigned op, uint8_t *out)
{
    unsigned lanes = x.len >> x.esz, all = op == SVE_PERM_TBL2 ? 2 * lanes : lanes;
    for (unsigned i = 0; i < lanes; i++) {
        uint64_t at = vec_get(env->s.z[x.m].b, x.esz, i);
        if (at < all) {
            copy_lane(out, i, env->s.z[(x.n + at / lanes) % 32].b, (unsigned)(at % lanes), x.esz);
        } else if (op == SVE_PERM_TBX) {
            copy_lane(out, i, env->s.z[x.d].b, i, x.esz);
        } else {
            vec_set(out, x.esz, i, 0);
        }
    }
}

static void splice(uint8_t *out, const uint8_t *n, const uint8_t *m, const uint8_t *pg, VecDesc x)
{
    unsigned lanes = x.len >> x.esz, to = 0;
    int last = sve_pred_last(pg, x.esz, x.len);
    bool on = false;
    for (unsigned i = 0; last >= 0 && i <= (unsigned)last >> x.esz; i++) {
        on = on || vec_active(pg, i << x.esz);
        if (on) {
            copy_lane(out, to++, n, i, x.esz);
        }
    }
    for (unsigned i = 0; to < lanes; i++) {
        copy_lane(out, to++, m, i, x.esz);
    }
}

static void compact(uint8_t *out, const uint8_t *n, const uint8_t *pg, VecDesc x)
{
    unsigned to = 0;
    memset(out, 0, x.len);
    for (unsigned i = 0; i < x.len >> x.esz; i++) {
        if (vec_active(pg, i << x.esz)) {
            copy_lane(out, to++, n, i, x.esz);
        }
    }
}

/* Lane of the last active element (before: itself, else the one behind it, wrapping); -1: none is active. */
static int last_lane(const uint8_t *pg, VecDesc x, bool itself)
{
    int last = sve_pred_last(pg, x.esz, x.len);
    if (last < 0) {
        return -1;
    }
    last >>= x.esz;
    return itself ? last : (last + 1) % (int)(x.len >> x.esz);
}

static void unpack(uint8_t *out, const uint8_t *n, VecDesc x, unsigned imm)
{
    vec_extend(out, n, x.len, x.esz - 1, SEL_EXT | (imm & 1 ? SEL_HI : SEL_LO) | (imm & 2 ? 0 : SEL_SIGNED));
}

uint64_t helper_sve_perm(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    VecDesc x = {.word = a};
    const uint8_t *n = env->s.z[x.n].b, *m = env->s.z[x.m].b, *pg = env->s.p[c & 15].b;
    unsigned op = b & 0xff, imm = (unsigned)(b >> 8), lanes = x.len >> x.esz;
    int lane;
    ArmVec out;
    switch (op) {
    case SVE_PERM_EXT:
        imm = imm >= x.len ? 0 : imm;
        memcpy(out.b, n + imm, x.len - imm);
        memcpy(out.b + x.len - imm, m, imm);
        break;
    case SVE_PERM_TBL:
    case SVE_PERM_TBL2:
    case SVE_PERM_TBX:
        table(env, x, op, out.b);
        break;
    case SVE_PERM_REV:
        for (unsigned i = 0; i < lanes; i++) {
            copy_lane(out.b, i, n, lanes - 1 - i, x.esz);
        }
        break;
    case SVE_PERM_UNPK:
        unpack(out.b, n, x, imm);
        break;
    case SVE_PERM_COMPACT:
        compact(out.b, n, pg, x);
        break;
    case SVE_PERM_SPLICE:
        splice(out.b, n, m, pg, x);
        break;
    case SVE_PERM_CLAST:
        lane = last_lane(pg, x, imm);
        for (unsigned i = 0; i < lanes; i++) {
            copy_lane(out.b, i, lane < 0 ? n : m, lane < 0 ? i : (unsigned)lane, x.esz);
        }
        break;
    case SVE_PERM_SEL:
        for (unsigned i = 0; i < lanes; i++) {
            copy_lane(out.b, i, vec_active(pg, i << x.esz) ? n : m, i, x.esz);
        }
        break;
    case SVE_PERM_DUP_ELEM:
        for (unsigned i = 0; i < lanes; i++) {
            if (imm < lanes) {
                copy_lane(out.b, i, n, imm, x.esz);
            } else {
                memset(out.b + (i << x.esz), 0, (size_t)1 << x.esz);
            }
        }
        if (x.esz == 4 && x.len % 16) {
            memset(out.b, 0, x.len);
        }
        break;
    default:
        interleave(out.b, n, m, x, op, imm);
        break;
    }
    memcpy(env->s.z[x.d].b, out.b, x.len);
    return 0;
}

uint64_t helper_sve_insr(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    VecDesc x = {.word = a};
    uint8_t *d = env->s.z[x.d].b;
    (void)c;
    memmove(d + (1u << x.esz), d, x.len - (1u << x.esz));
    vec_set(d, x.esz, 0, b);
    return 0;
}

uint64_t helper_sve_last(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    VecDesc x = {.word = a};
    int lane = last_lane(env->s.p[c].b, x, b & 1);
    if (lane < 0) {
        if (b & 2) {
            return env->scratch[0];
        }
        lane = b & 1 ? (int)(x.len >> x.esz) - 1 : 0;
    }
    return vec_get(env->s.z[x.n].b, x.esz, (unsigned)lane);
}
