/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loops over lanes of vec_ops.def: for integers one a width, for floating point one.
 */
#include "target/arm/vec_kernels.h"

#define LOOP(name, bits, lane_t, wide_t, expr) \
    static void lanes_##name##_##bits(VecK *k) \
    { \
        enum { B = bits }; \
        const int64_t imm = k->imm; \
        for (unsigned i = 0; i < k->len / (B / 8); i++) { \
            const wide_t n = ((const lane_t *)k->n)[i], m = ((const lane_t *)k->m)[i], a = ((const lane_t *)k->a)[i]; \
            (void)m, (void)a, (void)imm; \
            ((lane_t *)k->d)[i] = (lane_t)(expr); \
        } \
    }
#define S(name, expr) \
    LOOP(name, 8, int8_t, int64_t, expr) LOOP(name, 16, int16_t, int64_t, expr) \
    LOOP(name, 32, int32_t, int64_t, expr) LOOP(name, 64, int64_t, int64_t, expr)
#define U(name, expr) \
    LOOP(name, 8, uint8_t, uint64_t, expr) LOOP(name, 16, uint16_t, uint64_t, expr) \
    LOOP(name, 32, uint32_t, uint64_t, expr) LOOP(name, 64, uint64_t, uint64_t, expr)
/* An inactive lane must not raise flags; what it is set to nobody looks at. */
#define F(name, expr) \
    static void lanes_##name(VecK *k) \
    { \
        const FpFmt f = (FpFmt)k->esz; \
        const int64_t imm = k->imm; \
        FpStatus status = vec_fp_begin(k), *st = &status; \
        (void)imm; \
        for (unsigned i = 0; i < k->len >> f; i++) { \
            if (!vec_active(k->pg, i << f)) { \
                continue; \
            } \
            const uint64_t n = vec_get(k->n, f, i), m = vec_get(k->m, f, i), a = vec_get(k->a, f, i); \
            (void)m, (void)a; \
            vec_set(k->d, f, i, expr); \
        } \
        fp_end(st, &k->env->s.fpsr); \
    }
#define X(name, fn)
#include "target/arm/vec_ops.def"
#undef S
#undef U
#undef F
#undef X

#define S(name, expr) [VEC_##name] = {lanes_##name##_8, lanes_##name##_16, lanes_##name##_32, lanes_##name##_64},
#define U(name, expr) S(name, expr)
#define F(name, expr) [VEC_##name] = {NULL, lanes_##name, lanes_##name, lanes_##name},
#define X(name, fn) [VEC_##name] = {fn, fn, fn, fn},
VecFn *const vec_fn[VEC__COUNT][4] = {
#include "target/arm/vec_ops.def"
};
