/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sources of entropy for virtio-rng: the host kernel's generator, or a file or device that one
 * names.
 *
 * home: main loop; rng_read() with the machine's lock.
 */
#include "hw/virtio/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

ssize_t rng_read(RngSource *r, void *buf, size_t len)
{
    ssize_t n = r->fd < 0 ? getrandom(buf, len, 0) : read(r->fd, buf, len);

    if (n == 0 && len) {
        return -ENODATA; /* the end of a file */
    }
    return n >= 0 ? n : errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static bool builtin_complete(Object *o, Error **errp)
{
    ((RngSource *)o)->fd = -1;
    return true;
}

static bool random_complete(Object *o, Error **errp)
{
    RngSource *r = (RngSource *)o;

    r->fd = open(r->filename, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (r->fd < 0) {
        error_set_errno(errp, errno, "Could not open '%s'", r->filename);
        return false;
    }
    return true;
}

static void random_fini(Object *o)
{
    close(((RngSource *)o)->fd);
}

static const Property builtin_props[] = {{0}};
static const Property random_props[] = {
    PROP_STR(RngSource, filename, "filename", "/dev/urandom", "what to read from"),
    {0},
};

static const ObjectType rng_builtin = {
    .name = "rng-builtin",
    .help = "entropy from the host kernel's generator",
    .size = sizeof(RngSource),
    .props = builtin_props,
    .complete = builtin_complete,
};
OBJECT_TYPE(rng_builtin);

static const ObjectType rng_random = {
    .name = "rng-random",
    .help = "entropy from a file or device",
    .size = sizeof(RngSource),
    .props = random_props,
    .complete = random_complete,
    .fini = random_fini,
};
OBJECT_TYPE(rng_random);
