/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Bit fields, rounding, counting, and loads and stores of fixed byte order.
 *
 * Field functions take (value, start bit, length); start + length beyond the word is a caller's
 * bug. The unaligned accessors compile to single moves.
 */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define BIT32(n) ((uint32_t)1 << (n))
#define BIT64(n) ((uint64_t)1 << (n))

/* A mask of @len ones at bit @start; len 1..64. */
#define MASK64(start, len) ((~(uint64_t)0 >> (64 - (len))) << (start))
#define MASK32(start, len) ((~(uint32_t)0 >> (32 - (len))) << (start))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

static inline uint32_t extract32(uint32_t v, unsigned start, unsigned len)
{
    return (v >> start) & (~(uint32_t)0 >> (32 - len));
}

static inline uint64_t extract64(uint64_t v, unsigned start, unsigned len)
{
    return (v >> start) & (~(uint64_t)0 >> (64 - len));
}

/* The field as a signed number. */
static inline int32_t sextract32(uint32_t v, unsigned start, unsigned len)
{
    return (int32_t)(v << (32 - len - start)) >> (32 - len);
}

static inline int64_t sextract64(uint64_t v, unsigned start, unsigned len)
{
    return (int64_t)(v << (64 - len - start)) >> (64 - len);
}

/* @v with the field replaced by the low bits of @field. */
static inline uint32_t deposit32(uint32_t v, unsigned start, unsigned len, uint32_t field)
{
    uint32_t mask = MASK32(start, len);
    return (v & ~mask) | ((field << start) & mask);
}

static inline uint64_t deposit64(uint64_t v, unsigned start, unsigned len, uint64_t field)
{
    uint64_t mask = MASK64(start, len);
    return (v & ~mask) | ((field << start) & mask);
}

/* The low @len (1..64) bits of @v as a signed number. */
static inline int64_t sign_extend64(uint64_t v, unsigned len)
{
    return sextract64(v, 0, len);
}

static inline bool is_pow2(uint64_t v)
{
    return v && !(v & (v - 1));
}

/* @align is a power of two; round_up of a value near 2^64 wraps to 0. */
static inline uint64_t round_down(uint64_t v, uint64_t align)
{
    return v & ~(align - 1);
}

static inline uint64_t round_up(uint64_t v, uint64_t align)
{
    return (v + align - 1) & ~(align - 1);
}

/* The smallest power of two >= @v; 0 if it does not fit. */
static inline uint64_t pow2_ceil(uint64_t v)
{
    if (v <= 1) {
        return 1;
    }
    int shift = 64 - __builtin_clzll(v - 1);
    return shift == 64 ? 0 : (uint64_t)1 << shift;
}

/* Counts; of zero the width, as hardware with a defined answer gives. */
static inline int ctz32(uint32_t v)
{
    return v ? __builtin_ctz(v) : 32;
}

static inline int ctz64(uint64_t v)
{
    return v ? __builtin_ctzll(v) : 64;
}

static inline int clz32(uint32_t v)
{
    return v ? __builtin_clz(v) : 32;
}

static inline int clz64(uint64_t v)
{
    return v ? __builtin_clzll(v) : 64;
}

static inline int popcount64(uint64_t v)
{
    return __builtin_popcountll(v);
}

static inline uint32_t rol32(uint32_t v, unsigned n)
{
    return (v << (n & 31)) | (v >> (-n & 31));
}

static inline uint32_t ror32(uint32_t v, unsigned n)
{
    return (v >> (n & 31)) | (v << (-n & 31));
}

static inline uint64_t rol64(uint64_t v, unsigned n)
{
    return (v << (n & 63)) | (v >> (-n & 63));
}

static inline uint64_t ror64(uint64_t v, unsigned n)
{
    return (v >> (n & 63)) | (v << (-n & 63));
}

static inline uint16_t bswap16(uint16_t v)
{
    return __builtin_bswap16(v);
}

static inline uint32_t bswap32(uint32_t v)
{
    return __builtin_bswap32(v);
}

static inline uint64_t bswap64(uint64_t v)
{
    return __builtin_bswap64(v);
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BITS_LE(bits, v) (v)
#define BITS_BE(bits, v) (__builtin_bswap##bits(v))
#else
#define BITS_LE(bits, v) (__builtin_bswap##bits(v))
#define BITS_BE(bits, v) (v)
#endif

/* ld_le16(p) ... st_be64(p, v): unaligned, of the named byte order. */
#define BITS_ACCESSORS(bits)                                  \
    static inline uint##bits##_t ld_le##bits(const void *p)   \
    {                                                         \
        uint##bits##_t v;                                     \
        memcpy(&v, p, sizeof(v));                             \
        return BITS_LE(bits, v);                              \
    }                                                         \
    static inline uint##bits##_t ld_be##bits(const void *p)   \
    {                                                         \
        uint##bits##_t v;                                     \
        memcpy(&v, p, sizeof(v));                             \
        return BITS_BE(bits, v);                              \
    }                                                         \
    static inline void st_le##bits(void *p, uint##bits##_t v) \
    {                                                         \
        v = BITS_LE(bits, v);                                 \
        memcpy(p, &v, sizeof(v));                             \
    }                                                         \
    static inline void st_be##bits(void *p, uint##bits##_t v) \
    {                                                         \
        v = BITS_BE(bits, v);                                 \
        memcpy(p, &v, sizeof(v));                             \
    }
BITS_ACCESSORS(16)
BITS_ACCESSORS(32)
BITS_ACCESSORS(64)
#undef BITS_ACCESSORS

/* Little-endian access of @size 1, 2, 4 or 8 bytes chosen at run time. */
static inline uint64_t ld_le_n(const void *p, unsigned size)
{
    switch (size) {
    case 1:
        return *(const uint8_t *)p;
    case 2:
        return ld_le16(p);
    case 4:
        return ld_le32(p);
    default:
        return ld_le64(p);
    }
}

static inline void st_le_n(void *p, unsigned size, uint64_t v)
{
    switch (size) {
    case 1:
        *(uint8_t *)p = (uint8_t)v;
        break;
    case 2:
        st_le16(p, (uint16_t)v);
        break;
    case 4:
        st_le32(p, (uint32_t)v);
        break;
    default:
        st_le64(p, v);
        break;
    }
}

#endif
