/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps of SHA-1, SHA-256 and SHA-512 (FIPS 180-4) as the Arm ARM's C7.2 defines them. One vector of 16 bytes.
 */
#include "target/arm/vec_kernels.h"

static uint32_t choose(uint32_t x, uint32_t y, uint32_t z)
{
    return ((y ^ z) & x) ^ z;
}
static uint32_t majority(uint32_t x, uint32_t y, uint32_t z)
{
    return (x & y) | ((x | y) & z);
}
static uint32_t parity(uint32_t x, uint32_t y, uint32_t z)
{
    return x ^ y ^ z;
}

/* Four rounds: a is A..D, the first word of n is E, m the words. */
static void sha1(VecK *k, uint32_t (*f)(uint32_t, uint32_t, uint32_t))
{
    const uint32_t *w = (const uint32_t *)k->m;
    uint32_t x[4], y = (uint32_t)vec_get(k->n, 2, 0);
    memcpy(x, k->a, 16);
    for (unsigned i = 0; i < 4; i++) {
        uint32_t t = y + rol32(x[0], 5) + f(x[1], x[2], x[3]) + w[i];
        y = x[3];
        x[3] = x[2];
        x[2] = rol32(x[1], 30);
        x[1] = x[0];
        x[0] = t;
    }
    memcpy(k->d, x, 16);
}
void vec_sha1c(VecK *k)
{
    sha1(k, choose);
}
void vec_sha1p(VecK *k)
{
    sha1(k, parity);
}
void vec_sha1m(VecK *k)
{
    sha1(k, majority);
}

void vec_sha1su0(VecK *k)
{
    const uint64_t *a = (const uint64_t *)k->a, *n = (const uint64_t *)k->n, *m = (const uint64_t *)k->m;
    uint64_t r[2] = {a[1] ^ a[0] ^ m[0], n[0] ^ a[1] ^ m[1]};
    memcpy(k->d, r, 16);
}

void vec_sha1su1(VecK *k)
{
    const uint32_t *a = (const uint32_t *)k->a, *n = (const uint32_t *)k->n;
    uint32_t r[4];
    for (unsigned i = 0; i < 4; i++) {
        r[i] = rol32(a[i] ^ (i < 3 ? n[i + 1] : 0), 1);
    }
    r[3] ^= rol32(r[0], 1);
    memcpy(k->d, r, 16);
}

/* Four rounds: x is A..D, y is E..H; which of them is wanted. */
static void sha256(VecK *k, const uint8_t *abcd, const uint8_t *efgh, bool want_abcd)
{
    const uint32_t *w = (const uint32_t *)k->m;
    uint32_t x[4], y[4];
    memcpy(x, abcd, 16);
    memcpy(y, efgh, 16);
    for (unsigned i = 0; i < 4; i++) {
        uint32_t t = y[3] + (ror32(y[0], 6) ^ ror32(y[0], 11) ^ ror32(y[0], 25)) + choose(y[0], y[1], y[2]) + w[i];
        uint32_t u = (ror32(x[0], 2) ^ ror32(x[0], 13) ^ ror32(x[0], 22)) + majority(x[0], x[1], x[2]);
        y[3] = y[2], y[2] = y[1], y[1] = y[0];
        y[0] = x[3] + t;
        x[3] = x[2], x[2] = x[1], x[1] = x[0];
        x[0] = t + u;
    }
    memcpy(k->d, want_abcd ? x : y, 16);
}
void vec_sha256h(VecK *k)
{
    sha256(k, k->a, k->n, true);
}
void vec_sha256h2(VecK *k)
{
    sha256(k, k->n, k->a, false);
}

void vec_sha256su0(VecK *k)
{
    const uint32_t *a = (const uint32_t *)k->a, *n = (const uint32_t *)k->n;
    uint32_t r[4];
    for (unsigned i = 0; i < 4; i++) {
        uint32_t t = i < 3 ? a[i + 1] : n[0];
        r[i] = a[i] + (ror32(t, 7) ^ ror32(t, 18) ^ t >> 3);
    }
    memcpy(k->d, r, 16);
}

void vec_sha256su1(VecK *k)
{
    const uint32_t *a = (const uint32_t *)k->a, *n = (const uint32_t *)k->n, *m = (const uint32_t *)k->m;
    uint32_t r[4];
    for (unsigned i = 0; i < 4; i++) {
        uint32_t t = i < 2 ? m[i + 2] : r[i - 2];
        r[i] = a[i] + (i < 3 ? n[i + 1] : m[0]) + (ror32(t, 17) ^ ror32(t, 19) ^ t >> 10);
    }
    memcpy(k->d, r, 16);
}

void vec_sha512h(VecK *k)
{
    const uint64_t *w = (const uint64_t *)k->a, *x = (const uint64_t *)k->n, *y = (const uint64_t *)k->m;
    uint64_t hi = ((y[1] & x[0]) ^ (~y[1] & x[1])) + (ror64(y[1], 14) ^ ror64(y[1], 18) ^ ror64(y[1], 41)) + w[1];
    uint64_t t = hi + y[0];
    uint64_t lo = ((t & y[1]) ^ (~t & x[0])) + (ror64(t, 14) ^ ror64(t, 18) ^ ror64(t, 41)) + w[0];
    memcpy(k->d, &lo, 8);
    memcpy(k->d + 8, &hi, 8);
}

static uint64_t sha512_sum0(uint64_t x)
{
    return ror64(x, 28) ^ ror64(x, 34) ^ ror64(x, 39);
}
static uint64_t majority64(uint64_t x, uint64_t y, uint64_t z)
{
    return (x & y) ^ (x & z) ^ (y & z);
}
void vec_sha512h2(VecK *k)
{
    const uint64_t *w = (const uint64_t *)k->a, *x = (const uint64_t *)k->n, *y = (const uint64_t *)k->m;
    uint64_t hi = majority64(x[0], y[1], y[0]) + sha512_sum0(y[0]) + w[1];
    uint64_t lo = majority64(hi, y[0], y[1]) + sha512_sum0(hi) + w[0];
    memcpy(k->d, &lo, 8);
    memcpy(k->d + 8, &hi, 8);
}

static uint64_t sha512_sigma0(uint64_t x)
{
    return ror64(x, 1) ^ ror64(x, 8) ^ x >> 7;
}
static uint64_t sha512_sigma1(uint64_t x)
{
    return ror64(x, 19) ^ ror64(x, 61) ^ x >> 6;
}
void vec_sha512su0(VecK *k)
{
    const uint64_t *w = (const uint64_t *)k->a, *x = (const uint64_t *)k->n;
    uint64_t r[2] = {w[0] + sha512_sigma0(w[1]), w[1] + sha512_sigma0(x[0])};
    memcpy(k->d, r, 16);
}
void vec_sha512su1(VecK *k)
{
    const uint64_t *w = (const uint64_t *)k->a, *x = (const uint64_t *)k->n, *y = (const uint64_t *)k->m;
    uint64_t r[2] = {w[0] + sha512_sigma1(x[0]) + y[0], w[1] + sha512_sigma1(x[1]) + y[1]};
    memcpy(k->d, r, 16);
}
