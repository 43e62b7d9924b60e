/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vectors of buffers (struct iovec): sizes, copies, sub-ranges. Offsets and lengths are bytes.
 */
#ifndef BASE_IOV_H
#define BASE_IOV_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

static inline size_t iov_size(const struct iovec *iov, int n)
{
    size_t sum = 0;

    for (int i = 0; i < n; i++) {
        sum += iov[i].iov_len;
    }
    return sum;
}

/*
 * The part [offset, offset + len) of a vector as a new one: at most max entries are written to
 * @out. Returns their number; what does not exist in @iov is left out.
 */
static inline int iov_slice(const struct iovec *iov, int n, size_t offset, size_t len,
                            struct iovec *out, int max)
{
    int k = 0;

    for (int i = 0; i < n && len && k < max; i++) {
        if (offset >= iov[i].iov_len) {
            offset -= iov[i].iov_len;
            continue;
        }
        size_t part = iov[i].iov_len - offset;
        part = part < len ? part : len;
        out[k++] = (struct iovec){(char *)iov[i].iov_base + offset, part};
        len -= part;
        offset = 0;
    }
    return k;
}

/* Copies to or from [offset, ...) of the vector; returns the bytes there was room for. */
static inline size_t iov_copy_(const struct iovec *iov, int n, size_t offset, char *buf, size_t len,
                               int to_iov)
{
    size_t done = 0;

    for (int i = 0; i < n && done < len; i++) {
        if (offset >= iov[i].iov_len) {
            offset -= iov[i].iov_len;
            continue;
        }
        size_t part = iov[i].iov_len - offset;
        part = part < len - done ? part : len - done;
        char *at = (char *)iov[i].iov_base + offset;
        memcpy(to_iov ? at : buf + done, to_iov ? buf + done : at, part);
        done += part;
        offset = 0;
    }
    return done;
}

static inline size_t iov_from_buf(const struct iovec *iov, int n, size_t offset, const void *buf,
                                  size_t len)
{
    return iov_copy_(iov, n, offset, (char *)buf, len, 1);
}

static inline size_t iov_to_buf(const struct iovec *iov, int n, size_t offset, void *buf, size_t len)
{
    return iov_copy_(iov, n, offset, buf, len, 0);
}

static inline size_t iov_memset(const struct iovec *iov, int n, size_t offset, int byte, size_t len)
{
    size_t done = 0;

    for (int i = 0; i < n && done < len; i++) {
        if (offset >= iov[i].iov_len) {
            offset -= iov[i].iov_len;
            continue;
        }
        size_t part = iov[i].iov_len - offset;
        part = part < len - done ? part : len - done;
        memset((char *)iov[i].iov_base + offset, byte, part);
        done += part;
        offset = 0;
    }
    return done;
}

#endif
