/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A main() for fuzz targets in builds without libFuzzer: random inputs from a seed, or files.
 *
 *   fuzz-x [-runs=N] [-seed=S] [-max_len=L] [FILE...]
 *
 * Inputs are random bytes, or an earlier input with some bytes changed, cut, doubled or joined;
 * without coverage to guide it that is enough to keep a target compiling and to catch the coarse
 * errors. A build with -Dfuzz=true (clang) links libFuzzer instead.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define POOL 64

static void run_file(const char *path)
{
    g_autofree char *data = NULL;
    gsize len = 0;

    if (!g_file_get_contents(path, &data, &len, NULL)) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(1);
    }
    LLVMFuzzerTestOneInput((uint8_t *)data, len);
    printf("# %s: done\n", path);
}

static GBytes *fresh(GRand *r, size_t max)
{
    size_t len = (size_t)g_rand_int_range(r, 1, (gint32)max);
    uint8_t *b = g_malloc(len);

    for (size_t i = 0; i < len; i++) {
        b[i] = (uint8_t)(g_rand_int(r) >> 7);
        if (g_rand_int_range(r, 0, 3) == 0) { /* small numbers are what headers are made of */
            b[i] &= 15;
        }
    }
    return g_bytes_new_take(b, len);
}

static GBytes *mutated(GRand *r, GBytes *from, GBytes *other, size_t max)
{
    gsize len, other_len;
    const uint8_t *src = g_bytes_get_data(from, &len), *more = g_bytes_get_data(other, &other_len);
    g_autoptr(GByteArray) b = g_byte_array_new();

    g_byte_array_append(b, src, (guint)len);
    for (int n = g_rand_int_range(r, 1, 8); n && b->len; n--) {
        guint at = (guint)g_rand_int_range(r, 0, (gint32)b->len);
        switch (g_rand_int_range(r, 0, 6)) {
        case 0:
            b->data[at] ^= (uint8_t)(1u << g_rand_int_range(r, 0, 8));
            break;
        case 1:
            b->data[at] = (uint8_t)g_rand_int(r);
            break;
        case 2:
            b->data[at] = g_rand_boolean(r) ? 0xff : 0;
            break;
        case 3:
            g_byte_array_remove_index(b, at);
            break;
        case 4:
            g_byte_array_append(b, more, (guint)other_len);
            break;
        default:
            g_byte_array_set_size(b, MAX(at, 1));
        }
    }
    return g_bytes_new(b->data, MIN(b->len, max));
}

int main(int argc, char **argv)
{
    unsigned runs = 1000, seed = 1;
    size_t max = 2048;
    int files = 0;

    for (int i = 1; i < argc; i++) {
        if (!sscanf(argv[i], "-runs=%u", &runs) && !sscanf(argv[i], "-seed=%u", &seed) &&
            !sscanf(argv[i], "-max_len=%zu", &max)) {
            run_file(argv[i]);
            files++;
        }
    }
    if (files) {
        return 0;
    }
    GRand *r = g_rand_new_with_seed(seed);
    GBytes *pool[POOL] = {NULL};
    for (unsigned n = 0; n < runs; n++) {
        unsigned slot = (unsigned)g_rand_int_range(r, 0, POOL);
        GBytes *from = pool[g_rand_int_range(r, 0, POOL)], *other = pool[slot];
        GBytes *input = from && other && n % 4 ? mutated(r, from, other, max) : fresh(r, max);
        gsize len;
        const uint8_t *data = g_bytes_get_data(input, &len);
        LLVMFuzzerTestOneInput(data, len);
        if (pool[slot]) {
            g_bytes_unref(pool[slot]);
        }
        pool[slot] = input;
    }
    for (int i = 0; i < POOL; i++) {
        g_clear_pointer(&pool[i], g_bytes_unref);
    }
    g_rand_free(r);
    g_autofree char *name = g_path_get_basename(argv[0]);
    printf("1..1\nok 1 - %s: %u inputs\n", name, runs);
    return 0;
}
