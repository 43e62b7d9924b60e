/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench: a number of requests of one size, so and so many at the same time, and how long they take.
 *
 * Requests go through a port, the way a device's do: the short cuts of the fast path are part of
 * what is measured.
 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "tools/rhea-img.h"

typedef struct Bench {
    ImgArgs *args;
    BlockNode *node;
    BlockPort *port;
    uint64_t count, depth, size, step, offset, flush_interval, pattern;
    bool write, drain, fua;
    uint8_t *buf;       /* depth buffers */
    struct iovec *iov;  /* of each slot */
    GArray *free_slots; /* unsigned */
    uint64_t left;      /* to be submitted */
    uint64_t in_flight;
    bool flush_due, flushing, submitting;
    int ret;
} Bench;

typedef struct Slot {
    Bench *b;
    unsigned index;
} Slot;

static void submit_more(Bench *b);

static void finished(Bench *b, int ret)
{
    b->in_flight--;
    if (ret < 0 && !b->ret) {
        b->ret = ret;
    }
    if (!b->submitting) {
        submit_more(b);
    }
}

static void request_done(void *opaque, int ret)
{
    const Slot *s = opaque;

    g_array_append_val(s->b->free_slots, s->index);
    finished(s->b, ret);
}

static void flush_done(void *opaque, int ret)
{
    Bench *b = opaque;

    b->flushing = false;
    finished(b, ret);
}

static void submit_flush(Bench *b)
{
    b->flush_due = false;
    b->flushing = b->drain;
    b->in_flight++;
    block_flush(b->port, BLOCK_REQ_INLINE, flush_done, b);
}

static void submit_one(Bench *b, Slot *slots)
{
    unsigned slot = g_array_index(b->free_slots, unsigned, b->free_slots->len - 1);
    unsigned flags = BLOCK_REQ_INLINE | (b->fua ? BLOCK_REQ_FUA : 0);
    uint64_t at = b->offset;

    g_array_set_size(b->free_slots, b->free_slots->len - 1);
    b->offset += b->step;
    if (b->offset + b->size > b->node->size) {
        b->offset = 0;
    }
    b->left--;
    b->in_flight++;
    b->flush_due = b->flush_interval && b->left % b->flush_interval == 0;
    if (b->write) {
        block_write(b->port, at, &b->iov[slot], 1, flags, request_done, &slots[slot]);
    } else {
        block_read(b->port, at, &b->iov[slot], 1, flags, request_done, &slots[slot]);
    }
}

static void submit_more(Bench *b)
{
    Slot *slots = (Slot *)(b->iov + b->depth);

    /* A request may be done before its submission returns: that is a turn of this loop. */
    b->submitting = true;
    while (!b->ret && !b->flushing) {
        if (b->flush_due) {
            if (b->drain && b->in_flight) {
                break;
            }
            submit_flush(b);
        } else if (b->left && b->free_slots->len) {
            submit_one(b, slots);
        } else {
            break;
        }
    }
    b->submitting = false;
}

static int run_requests(Bench *b)
{
    static const BlockFrontOps ops = {0};
    const BlockFrontend fe = {.name = "bench", .ops = &ops, .opaque = b, .writable = b->write,
                              .share_write = true};
    Error *err = NULL;

    b->port = blockset_claim(b->args->set, b->node->name, &err);
    if (!b->port || !block_attach(b->port, &fe, &err)) {
        return img_failed(1, err);
    }
    block_port_set_loop(b->port, g_main_context_default());
    int64_t start = g_get_monotonic_time();
    submit_more(b);
    while (b->in_flight) {
        g_main_context_iteration(NULL, true);
    }
    int64_t end = g_get_monotonic_time();
    block_port_set_loop(b->port, NULL);
    block_detach(b->port);
    if (b->ret < 0) {
        return img_fail(1, "Failed request: %s", g_strerror(-b->ret));
    }
    printf("Run completed in %3.3f seconds.\n", (double)(end - start) / 1e6);
    return 0;
}

static void prepare(Bench *b)
{
    b->buf = node_alloc_buffer(b->node, b->depth * b->size);
    memset(b->buf, (int)b->pattern, b->depth * b->size);
    b->iov = g_malloc0(b->depth * (sizeof(struct iovec) + sizeof(Slot)));
    b->free_slots = g_array_new(false, false, sizeof(unsigned));
    Slot *slots = (Slot *)(b->iov + b->depth);
    for (unsigned i = 0; i < b->depth; i++) {
        b->iov[i] = (struct iovec){b->buf + i * b->size, b->size};
        slots[i] = (Slot){b, i};
        g_array_append_val(b->free_slots, i);
    }
    b->left = b->count;
}

static int bench(Bench *b)
{
    if (b->offset + b->size > b->node->size) {
        return img_fail(1, "a request of %" G_GUINT64_FORMAT " bytes at offset %" G_GUINT64_FORMAT
                           " is not inside the image (%" G_GUINT64_FORMAT " bytes)",
                        b->size, b->offset, b->node->size);
    }
    printf("Sending %" G_GUINT64_FORMAT " %s requests, %" G_GUINT64_FORMAT " bytes each, %"
           G_GUINT64_FORMAT " in parallel (starting at offset %" G_GUINT64_FORMAT ", step size %"
           G_GUINT64_FORMAT ")\n", b->count, b->write ? "write" : "read", b->size, b->depth,
           b->offset, b->step);
    if (b->flush_interval) {
        printf("Sending flush every %" G_GUINT64_FORMAT " requests\n", b->flush_interval);
    }
    fflush(stdout);
    prepare(b);
    int status = run_requests(b);
    node_free_buffer(b->buf);
    g_free(b->iov);
    g_array_unref(b->free_slots);
    return status;
}

static bool parse(Bench *b)
{
    ImgArgs *a = b->args;

    *b = (Bench){.args = a, .count = 75000, .depth = 64, .size = 4096,
                 .write = img_has(a, 'w'), .drain = !img_has(a, IMG_NO_DRAIN)};
    if (!img_number_arg(a, 'c', "request count", 1, INT32_MAX, &b->count) ||
        !img_number_arg(a, 'd', "queue depth", 1, 4096, &b->depth) ||
        !img_number_arg(a, IMG_FLUSH_INTERVAL, "flush interval", 0, INT32_MAX, &b->flush_interval) ||
        !img_number_arg(a, IMG_PATTERN, "pattern byte", 0, 255, &b->pattern) ||
        !img_size_arg(a, 's', "buffer size", &b->size) ||
        !img_size_arg(a, 'o', "offset", &b->offset)) {
        return false;
    }
    b->step = b->size;
    if (!img_size_arg(a, 'S', "step size", &b->step)) {
        return false;
    }
    const char *wrong = NULL;
    if (!b->size || b->size > GiB || b->size * b->depth > 2 * GiB) {
        wrong = "Invalid buffer size specified: all requests together may have 2 GiB";
    } else if (!b->write && b->flush_interval) {
        wrong = "--flush-interval is only available in write tests";
    } else if (b->flush_interval && b->flush_interval < b->depth && b->drain) {
        wrong = "Flush interval can't be smaller than depth";
    }
    if (wrong) {
        error_report_text("%s", wrong);
    }
    return !wrong;
}

/* io_uring is what stands for the kernel's asynchronous I/O, by any of its names. */
static bool aio_of(const ImgArgs *a, const char **aio)
{
    const char *text = img_has(a, 'n') ? "native" : img_arg(a, 'i');

    *aio = text && strcmp(text, "threads") ? "io_uring" : "threads";
    if (!text || !strcmp(text, "threads") || !strcmp(text, "native") || !strcmp(text, "io_uring")) {
        return true;
    }
    error_report_text("Invalid aio option: %s; it is one of threads, native, io_uring", text);
    return false;
}

static BlockNode *open_node(ImgArgs *a, const char *aio, unsigned flags)
{
    Error *err = NULL;

    if (!strcmp(aio, "threads") || img_has(a, IMG_IMAGE_OPTS)) {
        return img_open_main(a, img_file(a, 0), flags);
    }
    g_autoptr(json_t) opts = json_pack(
        "{s:{s:s, s:s}, s:{s:b, s:b}, s:b, s:b}", "file", "filename", img_file(a, 0), "aio", aio,
        "cache", "direct", !!(flags & BLOCK_NOCACHE), "no-flush", !!(flags & BLOCK_NO_FLUSH),
        "read-only", !(flags & BLOCK_RDWR), "force-share", img_has(a, 'U'));
    if (img_arg(a, 'f')) {
        json_object_set_new(opts, "driver", json_string(img_arg(a, 'f')));
    }
    BlockNode *n = node_open(a->set, opts, &err);
    if (!n) {
        error_prepend(&err, "Could not open '%s': ", img_file(a, 0));
        img_failed(1, err);
    }
    return n;
}

static int run_bench(ImgArgs *a)
{
    Bench b = {.args = a};
    ImgCache cache;
    const char *aio;

    if (!img_operands(a, 1, 1, "Expecting one image file name") || !parse(&b) || !aio_of(a, &aio) ||
        !img_cache(a, 't', "cache", "writeback", &cache)) {
        return 1;
    }
    b.fua = b.write && cache.writethrough;
    b.node = open_node(a, aio, cache.flags | (b.write ? BLOCK_RDWR : 0));
    if (!b.node) {
        return 1;
    }
    int status = bench(&b);
    node_unref(b.node);
    return status;
}

static const ImgOpt bench_opts[] = {
    IMG_OPT_FORMAT,
    {'w', "write", NULL, "write instead of reading"},
    {'c', "count", "N", "number of requests (75000)"},
    {'d', "depth", "N", "requests at the same time (64)"},
    {'s', "buffer-size", "SIZE", "bytes of each (4k)"},
    {'S', "step-size", "SIZE", "from one to the next (the size)"},
    {'o', "offset", "OFFSET", "of the first (0)"},
    {IMG_PATTERN, "pattern", "BYTE", "what is written (0)"},
    {IMG_FLUSH_INTERVAL, "flush-interval", "N", "flush after so many writes"},
    {IMG_NO_DRAIN, "no-drain", NULL, "do not wait for the others before a flush"},
    {'i', "aio", "AIO", "threads, io_uring, or native, which is io_uring here"},
    {'n', "native", NULL, "-i native"},
    IMG_OPT_CACHE,
    IMG_OPT_SHARE,
    IMG_OPT_QUIET,
    IMG_OPT_IMAGE_OPTS,
    IMG_OPT_HELP,
    IMG_OPT_END,
};

static const ImgCommand bench_command = {
    .name = "bench",
    .operands = "FILE",
    .help = "measure how long requests take",
    .opts = bench_opts,
    .run = run_bench,
};
IMG_COMMAND(bench_command);
