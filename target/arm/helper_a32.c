/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Helpers of A32 and T32: media arithmetic, PSRs, user-mode registers, exception returns.
 */
#include <string.h>
#include "target/arm/exception.h"
#include "target/arm/system.h"

/* ---- arithmetic ---- */

uint64_t helper_a32_sdiv(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    int32_t n = (int32_t)a, d = (int32_t)b;

    return d == 0 ? 0 : d == -1 ? (uint32_t)-(uint32_t)n : (uint32_t)(n / d);
}

uint64_t helper_a32_udiv(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    return (uint32_t)b ? (uint32_t)a / (uint32_t)b : 0;
}

static void set_q(ArmEnv *env)
{
    env->s.pstate |= CPSR_Q;
}

uint64_t helper_a32_q_if_not_s32(void *opaque, uint64_t v, uint64_t b, uint64_t c)
{
    if ((int64_t)v != (int32_t)v) {
        set_q(opaque);
    }
    return 0;
}

static int64_t saturate(ArmEnv *env, int64_t v, int64_t low, int64_t high)
{
    if (v < low || v > high) {
        set_q(env);
        return v < low ? low : high;
    }
    return v;
}

/* op: 0 QADD, 1 QSUB, 2 QDADD, 3 QDSUB: a + b, a - b, with b doubled and saturated first. */
uint64_t helper_a32_qadd(void *opaque, uint64_t a, uint64_t b, uint64_t op)
{
    int64_t x = (int32_t)a, y = (int32_t)b;

    if (op & 2) {
        y = saturate(opaque, 2 * y, INT32_MIN, INT32_MAX);
    }
    return (uint32_t)saturate(opaque, op & 1 ? x - y : x + y, INT32_MIN, INT32_MAX);
}

static void limits(uint64_t bits, uint64_t is_unsigned, int64_t *low, int64_t *high)
{
    *low = is_unsigned ? 0 : -(1ll << (bits - 1));
    *high = is_unsigned ? (1ll << bits) - 1 : (1ll << (bits - 1)) - 1;
}

uint64_t helper_a32_sat(void *opaque, uint64_t v, uint64_t bits, uint64_t is_unsigned)
{
    int64_t low, high;

    limits(bits, is_unsigned, &low, &high);
    return (uint32_t)saturate(opaque, (int32_t)v, low, high);
}

uint64_t helper_a32_sat16(void *opaque, uint64_t v, uint64_t bits, uint64_t is_unsigned)
{
    int64_t low, high;

    limits(bits, is_unsigned, &low, &high);
    uint32_t l = (uint16_t)saturate(opaque, (int16_t)v, low, high);
    return l | (uint32_t)saturate(opaque, (int16_t)(v >> 16), low, high) << 16;
}

uint64_t helper_a32_usad8(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    uint32_t sum = 0;

    for (int i = 0; i < 32; i += 8) {
        int d = (int)(a >> i & 0xff) - (int)(b >> i & 0xff);
        sum += (uint32_t)(d < 0 ? -d : d);
    }
    return sum;
}

uint64_t helper_a32_extend16(void *opaque, uint64_t v, uint64_t n, uint64_t is_unsigned)
{
    uint32_t low = is_unsigned ? (uint8_t)v : (uint32_t)(int8_t)v;
    uint32_t high = is_unsigned ? (uint8_t)(v >> 16) : (uint32_t)(int8_t)(v >> 16);

    return (uint16_t)(n + low) | (uint32_t)((n >> 16) + high) << 16;
}

uint64_t helper_a32_sel(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    const ArmEnv *env = opaque;
    uint32_t v = 0;

    for (unsigned i = 0; i < 4; i++) {
        bool ge = env->s.pstate >> (CPSR_GE_SHIFT + i) & 1;
        v |= (uint32_t)((ge ? a : b) >> 8 * i & 0xff) << 8 * i;
    }
    return v;
}

/* One lane of a parallel operation. kind: 1 S, 2 Q, 3 SH, 5 U, 6 UQ, 7 UH. */
static uint32_t lane(unsigned kind, unsigned bits, int32_t v, bool sub, bool *ge)
{
    int32_t low = 0, high = (int32_t)((1u << bits) - 1);

    switch (kind) {
    case 1:
        *ge = v >= 0;
        break;
    case 5:
        *ge = sub ? v >= 0 : v > high;
        break;
    case 2:
        low = -(1 << (bits - 1));
        high = (1 << (bits - 1)) - 1;
        /* fallthrough */
    case 6:
        v = v < low ? low : v > high ? high : v;
        break;
    default:
        v >>= 1;
        break;
    }
    return (uint32_t)v & ((1u << bits) - 1);
}

static int32_t lane_in(unsigned kind, unsigned bits, uint64_t v, unsigned at)
{
    uint32_t u = (uint32_t)(v >> at) & ((1u << bits) - 1);

    return kind < 4 ? (int32_t)(u << (32 - bits)) >> (32 - bits) : (int32_t)u;
}

/* desc: kind << 4 | op (0 ADD16, 1 ASX, 2 SAX, 3 SUB16, 4 ADD8, 7 SUB8). */
uint64_t helper_a32_parallel(void *opaque, uint64_t a, uint64_t b, uint64_t desc)
{
    ArmEnv *env = opaque;
    unsigned kind = desc >> 4, op = desc & 15, bits = op >= 4 ? 8 : 16, ge = 0;
    bool cross = op == 1 || op == 2;
    uint32_t result = 0;

    for (unsigned at = 0; at < 32; at += bits) {
        /* ASX: the low lane subtracts, the high one adds; SAX the other way. */
        bool sub = op == 3 || op == 7 || (op == 1 && at == 0) || (op == 2 && at != 0), g = false;
        int32_t x = lane_in(kind, bits, a, at), y = lane_in(kind, bits, b, cross ? 16 - at : at);
        result |= lane(kind, bits, sub ? x - y : x + y, sub, &g) << at;
        ge |= g ? (bits == 8 ? 1u << at / 8 : 3u << at / 8) : 0;
    }
    if (kind == 1 || kind == 5) {
        env->s.pstate = (env->s.pstate & ~(15u << CPSR_GE_SHIFT)) | ge << CPSR_GE_SHIFT;
    }
    return result;
}

/* ---- mode word, instruction set, byte order ---- */

uint64_t helper_a32_mode_word(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    arm_update_mode(opaque);
    return 0;
}

uint64_t helper_a32_set_thumb(void *opaque, uint64_t thumb, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;

    env->s.pstate = thumb ? env->s.pstate | CPSR_T : env->s.pstate & ~CPSR_T;
    arm_update_mode(env);
    return 0;
}

uint64_t helper_a32_setend(void *opaque, uint64_t big, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;

    env->s.pstate = big ? env->s.pstate | CPSR_E : env->s.pstate & ~CPSR_E;
    arm_update_mode(env);
    return 0;
}

/* ---- PSRs ---- */

/* IT, J, T and the like read as zero of CPSR (G8.2.33). */
uint64_t helper_a32_mrs(void *opaque, uint64_t spsr, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    const uint32_t hidden = 3u << CPSR_IT_LO_SHIFT | 0x3fu << CPSR_IT_HI_SHIFT | CPSR_J | CPSR_T | CPSR_IL;

    if (spsr) {
        return arm_pstate_to_cpsr(arm_a32_spsr(env, env->s.pstate & CPSR_M));
    }
    uint32_t v = arm_pstate_to_cpsr(arm_pstate(env)) & ~hidden;
    return arm_el(env) == 0 ? v & ~(CPSR_A | CPSR_I | CPSR_F) : v;
}

uint64_t helper_a32_spsr_write(void *opaque, uint64_t v, uint64_t mask, uint64_t c)
{
    ArmEnv *env = opaque;
    unsigned mode = env->s.pstate & CPSR_M;
    uint32_t now = arm_pstate_to_cpsr(arm_a32_spsr(env, mode));

    arm_a32_set_spsr(env, mode, arm_cpsr_to_pstate((now & ~(uint32_t)mask) | ((uint32_t)v & (uint32_t)mask)));
    return 0;
}

/* ---- exception returns ---- */

uint64_t helper_a32_spsr_return(void *opaque, uint64_t pc, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;

    return helper_a32_exc_return(env, pc, arm_a32_spsr(env, env->s.pstate & CPSR_M), 0);
}

/* LDM with the PC and S: registers of the current mode from vtmp, the base by what bits 31 and 19:16; then as above. */
uint64_t helper_a32_ldm_return(void *opaque, uint64_t pc, uint64_t what, uint64_t base)
{
    ArmEnv *env = opaque;
    unsigned m = env->s.pstate & CPSR_M;

    if (m == ARM_MODE_USR || m == ARM_MODE_SYS || m == ARM_MODE_HYP) {
        arm_raise_undef(env);
    }
    if (what >> 31 & 1) {
        env->s.x[what >> 16 & 15] = base;
    }
    for (unsigned r = 0; r < 15; r++) {
        if (what >> r & 1) {
            uint32_t v;
            memcpy(&v, (const uint8_t *)env->vtmp + 4 * r, sizeof(v));
            env->s.x[r] = v;
        }
    }
    return helper_a32_spsr_return(env, pc, 0, 0);
}

/* RFE: base register and writeback in c (bit 4), the new base in scratch[0]. */
uint64_t helper_a32_rfe(void *opaque, uint64_t pc, uint64_t cpsr, uint64_t base)
{
    ArmEnv *env = opaque;

    if (base >> 4) {
        env->s.x[base & 15] = env->scratch[0];
    }
    return helper_a32_exc_return(env, pc, arm_cpsr_to_pstate((uint32_t)cpsr), 0);
}

/* ---- registers of other modes ---- */

/* R<n> of User mode while the current mode is another one. */
static uint64_t user_get(ArmEnv *env, unsigned n)
{
    bool fiq = (env->s.pstate & CPSR_M) == ARM_MODE_FIQ;

    if (n >= 8 && n <= 12 && fiq) {
        return env->s.fiq_r8[n - 8];
    }
    return n == 13 ? *arm_bank_r13(env, ARM_MODE_USR) : n == 14 ? *arm_bank_r14(env, ARM_MODE_USR) : env->s.x[n];
}

static void user_set(ArmEnv *env, unsigned n, uint32_t v)
{
    bool fiq = (env->s.pstate & CPSR_M) == ARM_MODE_FIQ;

    if (n >= 8 && n <= 12 && fiq) {
        env->s.fiq_r8[n - 8] = v;
    } else if (n == 13) {
        *arm_bank_r13(env, ARM_MODE_USR) = v;
    } else if (n == 14) {
        *arm_bank_r14(env, ARM_MODE_USR) = v;
    } else {
        env->s.x[n] = v;
    }
}

static uint32_t in_order(uint32_t v, uint64_t what)
{
    return what >> 24 & 1 ? __builtin_bswap32(v) : v;
}

/* what: list, mmu index << 16, big endian << 24. */
uint64_t helper_a32_ldm_user(void *opaque, uint64_t addr, uint64_t what, uint64_t c)
{
    ArmEnv *env = opaque;
    uint32_t v[16];
    unsigned n = 0;

    for (unsigned r = 0; r < 15; r++) {
        if (what >> r & 1) {
            v[r] = in_order((uint32_t)tcg_load(env, (uint32_t)(addr + 4 * n++), 4, what >> 16 & 15), what);
        }
    }
    for (unsigned r = 0; r < 15; r++) {
        if (what >> r & 1) {
            user_set(env, r, v[r]);
        }
    }
    return 0;
}

uint64_t helper_a32_stm_user(void *opaque, uint64_t addr, uint64_t what, uint64_t pc)
{
    ArmEnv *env = opaque;
    unsigned n = 0;

    for (unsigned r = 0; r < 16; r++) {
        if (what >> r & 1) {
            uint32_t v = (uint32_t)(r == 15 ? pc : user_get(env, r));
            tcg_store(env, (uint32_t)(addr + 4 * n++), in_order(v, what), 4, what >> 16 & 15);
        }
    }
    return 0;
}

/* what: mode, writeback << 5, before << 6, up << 7, mmu << 8. */
uint64_t helper_a32_srs(void *opaque, uint64_t what, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    unsigned mode = what & 31, now = env->s.pstate & CPSR_M;
    bool before = what >> 6 & 1, up = what >> 7 & 1;
    int mmu = (int)(what >> 8 & 15);
    uint64_t swap = (uint64_t)!!(env->s.pstate & CPSR_E) << 24;

    if (!arm_a32_may_enter(env, mode) || mode == ARM_MODE_HYP) {
        arm_raise_undef(env);
    }
    uint32_t *sp = mode == now ? NULL : arm_bank_r13(env, mode);
    uint32_t base = sp ? *sp : (uint32_t)env->s.x[13];
    uint32_t addr = base + (up ? (before ? 4 : 0) : (before ? -8u : -4u));
    if (addr & 3) {
        helper_stage_fault(env, addr, 1, 0);
    }
    tcg_store(env, addr, in_order((uint32_t)env->s.x[14], swap), 4, mmu);
    tcg_store(env, addr + 4, in_order(arm_pstate_to_cpsr(arm_a32_spsr(env, now)), swap), 4, mmu);
    if (what >> 5 & 1) {
        base += up ? 8 : -8u;
        if (sp) {
            *sp = base;
        } else {
            env->s.x[13] = base;
        }
    }
    return 0;
}
