/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compressed clusters of qcow2: raw deflate streams with a window of 4 KiB, or zstd frames; packed
 * at byte granularity. Reading stops when a cluster of data has come out; the compressed length in
 * the entry is rounded up to sectors.
 *
 * home: block workers; compressing and decompressing happen without a lock.
 */
#include <errno.h>
#include <zlib.h>
#include <zstd.h>

#include "base/iov.h"
#include "block/qcow2.h"

#define WINDOW_BITS (-12)

bool qcow2_compression_supported(unsigned type)
{
    return type == QCOW2_ZLIB || type == QCOW2_ZSTD;
}

/* ---- out ---- */

static int inflate_cluster(uint8_t *out, size_t n, const uint8_t *in, size_t len)
{
    z_stream z = {.next_in = (Bytef *)in, .avail_in = (uInt)len, .next_out = out, .avail_out = (uInt)n};
    int ret;

    if (inflateInit2(&z, WINDOW_BITS) != Z_OK) {
        return -ENOMEM;
    }
    ret = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    return z.avail_out == 0 && (ret == Z_STREAM_END || ret == Z_BUF_ERROR || ret == Z_OK) ? 0 : -EIO;
}

static int unzstd_cluster(uint8_t *out, size_t n, const uint8_t *in, size_t len)
{
    ZSTD_DCtx *d = ZSTD_createDCtx();
    ZSTD_outBuffer o = {out, n, 0};
    ZSTD_inBuffer i = {in, len, 0};
    int ret = 0;

    if (!d) {
        return -ENOMEM;
    }
    while (o.pos < o.size && ret == 0) {
        size_t oldo = o.pos, oldi = i.pos;
        if (ZSTD_isError(ZSTD_decompressStream(d, &o, &i)) || (o.pos == oldo && i.pos == oldi)) {
            ret = -EIO;
        }
    }
    ZSTD_freeDCtx(d);
    return ret;
}

static int load_cluster(Qcow2 *s, uint64_t desc, uint8_t *out)
{
    uint64_t at, bytes;
    int ret;

    qcow2_zip_range(s, desc, &at, &bytes);
    uint8_t *in = node_alloc_buffer(s->file, bytes);
    ret = node_pread(s->file, at, in, bytes);
    if (ret == 0) {
        ret = s->compression == QCOW2_ZSTD ? unzstd_cluster(out, s->cluster_size, in, bytes)
                                           : inflate_cluster(out, s->cluster_size, in, bytes);
    }
    node_free_buffer(in);
    return ret;
}

/* A few clusters are kept: small requests come one after the other. */
static bool take_kept(Qcow2 *s, uint64_t desc, uint32_t skip, uint32_t len, const struct iovec *iov,
                      int niov, size_t at)
{
    bool found = false;

    g_mutex_lock(&s->zip_lock);
    for (unsigned i = 0; i < QCOW2_UNZIPPED && !found; i++) {
        Qcow2Unzipped *u = &s->unzipped[i];
        if (u->data && u->desc == desc) {
            iov_from_buf(iov, niov, at, u->data + skip, len);
            u->stamp = ++s->zip_stamp;
            found = true;
        }
    }
    g_mutex_unlock(&s->zip_lock);
    return found;
}

static void keep(Qcow2 *s, uint64_t desc, uint8_t *data)
{
    Qcow2Unzipped *oldest = &s->unzipped[0];

    g_mutex_lock(&s->zip_lock);
    for (unsigned i = 1; i < QCOW2_UNZIPPED; i++) {
        if (s->unzipped[i].stamp < oldest->stamp) {
            oldest = &s->unzipped[i];
        }
    }
    g_free(oldest->data);
    *oldest = (Qcow2Unzipped){.desc = desc, .data = data, .stamp = ++s->zip_stamp};
    g_mutex_unlock(&s->zip_lock);
}

void qcow2_unzip_forget(Qcow2 *s)
{
    g_mutex_lock(&s->zip_lock);
    for (unsigned i = 0; i < QCOW2_UNZIPPED; i++) {
        g_free(s->unzipped[i].data);
        s->unzipped[i] = (Qcow2Unzipped){0};
    }
    g_mutex_unlock(&s->zip_lock);
}

int qcow2_unzip(Qcow2 *s, uint64_t desc, uint32_t skip, uint32_t len, const struct iovec *iov, int niov,
                size_t at)
{
    int ret;

    if (take_kept(s, desc, skip, len, iov, niov, at)) {
        return 0;
    }
    uint8_t *out = g_malloc(s->cluster_size);
    ret = load_cluster(s, desc, out);
    if (ret < 0) {
        g_free(out);
        return ret;
    }
    iov_from_buf(iov, niov, at, out + skip, len);
    if (len == s->cluster_size) {
        g_free(out); /* nobody comes back for more of it */
    } else {
        keep(s, desc, out);
    }
    return 0;
}

/* ---- in ---- */

/* Are all byte values so equally frequent that coding them saves no 1/64? n * 320 is the noise. */
static bool flat(const uint8_t *p, size_t n)
{
    uint32_t count[4][256] = {0}; /* four, so that equal bytes do not wait for each other */
    uint64_t sum = 0;

    for (size_t i = 0; i + 4 <= n; i += 4) {
        for (unsigned k = 0; k < 4; k++) {
            count[k][p[i + k]]++;
        }
    }
    for (unsigned v = 0; v < 256; v++) {
        uint64_t c = (uint64_t)count[0][v] + count[1][v] + count[2][v] + count[3][v];
        sum += c * c;
    }
    return sum * 256 <= (uint64_t)n * n + (uint64_t)n * n / 64 + (uint64_t)n * 320;
}

/* Do strings of four bytes come back within the window at less than 1 of 128 places? */
static bool no_repeats(const uint8_t *p, size_t n)
{
    uint32_t last[1 << 12] = {0}; /* by hash: place + 1 */
    size_t found = 0;

    for (size_t i = 0; i + 4 <= n && found <= n / 128; i++) {
        uint32_t v = ld_le32(p + i), *at = &last[v * 2654435761u >> 20];
        found += *at && i + 1 - *at < 1u << -WINDOW_BITS && ld_le32(p + *at - 1) == v;
        *at = (uint32_t)i + 1;
    }
    return found <= n / 128;
}

/*
 * deflate takes longest for what it cannot make smaller, which is a good part of most disks: what
 * is compressed or encrypted already. Most of the rest is known by its first 4 KiB.
 */
static bool looks_random(const uint8_t *p, size_t n)
{
    return flat(p, MIN(n, 4096)) && flat(p, n) && no_repeats(p, n);
}

/* The compressed length; 0: it does not become smaller. */
static size_t deflate_cluster(uint8_t *out, size_t room, const uint8_t *in, size_t n)
{
    z_stream z = {.next_in = (Bytef *)in, .avail_in = (uInt)n, .next_out = out, .avail_out = (uInt)room};
    int ret;

    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS, 9, Z_DEFAULT_STRATEGY) != Z_OK) {
        return 0;
    }
    ret = deflate(&z, Z_FINISH);
    deflateEnd(&z);
    return ret == Z_STREAM_END ? room - z.avail_out : 0;
}

static size_t compress_cluster(Qcow2 *s, uint8_t *out, const uint8_t *in)
{
    size_t room = s->cluster_size - 1, n;

    if (s->compression == QCOW2_ZSTD) {
        n = ZSTD_compress(out, room, in, s->cluster_size, ZSTD_CLEVEL_DEFAULT);
        return ZSTD_isError(n) ? 0 : n;
    }
    return looks_random(in, s->cluster_size) ? 0 : deflate_cluster(out, room, in, s->cluster_size);
}

/* Locked. */
static int link_zipped(Qcow2 *s, uint64_t offset, uint64_t host, size_t len)
{
    uint64_t sectors = (host + len - 1) / 512 - host / 512, old;
    uint8_t *slice;
    unsigned index;
    int ret = qcow2_l2_for_write(s, offset, &slice, &index);

    if (ret < 0) {
        return ret;
    }
    old = qcow2_entry(s, slice, index);
    qcow2_set_entry(s, slice, index, host | QCOW2_COMPRESSED | sectors << s->csize_shift, 0);
    if (old & (QCOW2_L2_OFFSET | QCOW2_COMPRESSED)) {
        qcow2_free_entry(s, old, QCOW2_DISCARD_OTHER);
    }
    s->unflushed = true;
    return 0;
}

static int store_zipped(Qcow2 *s, uint64_t offset, const uint8_t *data, size_t len)
{
    Qcow2Alloc a;
    uint64_t host, start = qcow2_cluster_start(s, offset);
    int ret;

    g_mutex_lock(&s->lock);
    qcow2_wait_allocs(s, start, start + s->cluster_size);
    ret = qcow2_prepare(s);
    ret = ret < 0 ? ret : qcow2_alloc_bytes(s, (uint32_t)len, &host);
    if (ret == 0 && host + len > s->coffset_mask) {
        qcow2_refcount_add(s, host, len, -1, QCOW2_DISCARD_NEVER);
        ret = -EFBIG;
    }
    if (ret == 0) {
        qcow2_alloc_begin(s, &a, start, start + s->cluster_size);
        g_mutex_unlock(&s->lock);
        ret = node_pwrite(s->file, host, data, len, 0);
        g_mutex_lock(&s->lock);
        ret = ret < 0 ? ret : link_zipped(s, start, host, len);
        if (ret < 0) {
            qcow2_refcount_add(s, host, len, -1, QCOW2_DISCARD_NEVER);
        }
        qcow2_alloc_end(s, &a);
    }
    g_mutex_unlock(&s->lock);
    return ret;
}

int qcow2_pwrite_compressed(BlockNode *n, uint64_t offset, uint64_t bytes, const void *buf)
{
    Qcow2 *s = n->priv;
    g_autofree uint8_t *whole = NULL, *out = g_malloc(s->cluster_size);
    struct iovec iov = {(void *)buf, bytes};
    size_t len;

    if (qcow2_has_data_file(s)) {
        return -ENOTSUP;
    }
    if ((offset & (s->cluster_size - 1)) || bytes > s->cluster_size || offset + bytes > s->size) {
        return -EINVAL;
    }
    if (bytes < s->cluster_size) { /* the rest of it stays */
        whole = g_malloc0(s->cluster_size);
        memcpy(whole, buf, bytes);
        struct iovec rest = {whole + bytes, MIN(s->cluster_size - bytes, s->size - offset - bytes)};
        int ret = rest.iov_len ? qcow2_read_at(s, offset + bytes, rest.iov_len, &rest, 1) : 0;
        if (ret < 0) {
            return ret;
        }
    }
    len = compress_cluster(s, out, whole ? whole : buf);
    return len ? store_zipped(s, offset, out, len) : qcow2_write_at(s, offset, bytes, &iov, 1);
}
