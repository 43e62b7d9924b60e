/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sources of entropy: objects "rng-builtin" and "rng-random".
 */
#ifndef HW_VIRTIO_RNG_H
#define HW_VIRTIO_RNG_H

#include "core/object.h"

/* First member of every "rng-*" object. */
typedef struct RngSource {
    Object obj;
    int fd; /* -1: the kernel's generator */
    char *filename;
} RngSource;

/* Up to len bytes; 0: none right now, the fd tells when there are; -errno. */
ssize_t rng_read(RngSource *r, void *buf, size_t len);

#endif
