/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * convert: one or more images, one after the other, into a new one (or with -n into one that is
 * there). Ranges that are holes or zeroes in the source are never read, and zeroes in data become
 * holes again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "tools/rhea-img.h"

#define BUFFER       (2 * MiB)
#define MAX_SPARSE   (16 * MiB)
#define MAX_WORKERS  16
#define DEF_WORKERS  8
#define DEF_SPARSE   4096

typedef struct Source {
    BlockNode *node;
    uint64_t start, end; /* in the target */
    int fd;              /* copy offloading; -1: none */
} Source;

typedef struct Convert {
    ImgArgs *args;
    GArray *sources;    /* Source */
    BlockNode *target;
    const char *target_name;
    ImgCache target_cache, source_cache;
    uint64_t sparse;    /* shortest run of zeroes to look for; 0: write them all */
    uint64_t cluster;   /* of the target */
    bool compress, target_zero, target_has_backing, salvage;
    int target_fd;      /* copy offloading; -1: none */
    int no_offload;     /* atomic: the host cannot */
} Convert;

static void convert_clear(Convert *k)
{
    for (guint i = 0; k->sources && i < k->sources->len; i++) {
        Source *s = &g_array_index(k->sources, Source, i);
        node_unref(s->node);
        if (s->fd >= 0) {
            close(s->fd);
        }
    }
    if (k->sources) {
        g_array_unref(k->sources);
    }
    if (k->target_fd >= 0) {
        close(k->target_fd);
    }
    node_unref(k->target);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Convert, convert_clear)

static Source *source_at(Convert *k, uint64_t offset)
{
    guint i = 0;

    while (offset >= g_array_index(k->sources, Source, i).end) {
        i++;
    }
    return &g_array_index(k->sources, Source, i);
}

/* ---- the steps of the copy ---- */

/* Compression is by whole clusters: what is a part of one is data. */
static void plan_clusters(Convert *k, uint64_t total, uint64_t offset, uint64_t *bytes, CopyKind *kind)
{
    if (*kind != COPY_DATA && offset + *bytes < total) {
        *bytes = *bytes / k->cluster * k->cluster;
    }
    if (*kind == COPY_DATA || !*bytes) {
        *kind = COPY_DATA;
        *bytes = MIN(k->cluster, total - offset);
    }
}

static int plan(Copy *c, uint64_t offset, uint64_t *bytes, CopyKind *kind, Error **errp)
{
    Convert *k = c->opaque;
    Source *s = source_at(k, offset);
    uint64_t at = offset - s->start, want = MIN(*bytes, s->end - offset), got;
    /* On top of the same backing file only what the image itself has is copied. */
    BlockNode *base = k->target_has_backing ? s->node->backing : NULL;
    int st = node_block_status_above(s->node, base, at, MIN(want, GiB), &got, NULL, NULL);

    if (st < 0 && k->salvage) {
        *bytes = MIN(want, BUFFER);
        *kind = COPY_DATA;
        return 0;
    }
    if (st < 0) {
        error_set_errno(errp, -st, "error while reading block status at offset %" G_GUINT64_FORMAT,
                        offset);
        return st;
    }
    *bytes = got ? got : want;
    if (st & STATUS_ZERO) {
        *kind = COPY_ZERO;
    } else if (st & STATUS_DATA || !k->target_has_backing || k->target->backing->size <= at) {
        *kind = st & STATUS_DATA ? COPY_DATA : COPY_ZERO;
    } else {
        *kind = COPY_SKIP;
    }
    if (k->compress) {
        plan_clusters(k, c->total, offset, bytes, kind);
        return 0;
    }
    if (*kind == COPY_ZERO && !k->sparse) {
        *bytes = MIN(*bytes, c->chunk);
    }
    /* Requests begin and end with whole clusters where they can: no cluster is filled up twice. */
    uint64_t end = offset + MIN(*bytes, *kind == COPY_DATA ? c->chunk : *bytes);
    uint64_t whole = end / k->cluster * k->cluster;
    if (end < offset + *bytes && whole > offset) {
        *bytes = whole - offset;
    }
    return 0;
}

/* What cannot be read is zeroes, sector by sector. */
static void read_salvaging(Convert *k, Source *s, uint64_t at, uint8_t *buf, uint64_t bytes)
{
    for (uint64_t done = 0; done < bytes; done += BLOCK_SECTOR) {
        uint64_t n = MIN(BLOCK_SECTOR, bytes - done);
        int ret = node_pread(s->node, at + done, buf + done, n);
        if (ret < 0) {
            memset(buf + done, 0, n);
            if (!k->args->quiet) {
                warn_report("error while reading offset %" G_GUINT64_FORMAT ": %s",
                            s->start + at + done, g_strerror(-ret));
            }
        }
    }
}

static int read_source(Copy *c, uint64_t offset, void *buf, uint64_t bytes, Error **errp)
{
    Convert *k = c->opaque;

    /* A cluster may have the end of one source and the start of the next. */
    for (uint64_t done = 0, n; done < bytes; done += n) {
        Source *s = source_at(k, offset + done);
        uint64_t at = offset + done - s->start;
        n = MIN(bytes - done, s->end - offset - done);
        int ret = node_pread(s->node, at, (uint8_t *)buf + done, n);
        if (ret < 0 && k->salvage) {
            read_salvaging(k, s, at, (uint8_t *)buf + done, n);
        } else if (ret < 0) {
            error_set_errno(errp, -ret, "error while reading at byte %" G_GUINT64_FORMAT,
                            offset + done);
            return ret;
        }
    }
    return 0;
}

static int write_zeroes(Convert *k, uint64_t offset, uint64_t bytes, unsigned flags)
{
    if (k->target_zero && !k->target_has_backing) {
        return 0;
    }
    return node_pwrite_zeroes(k->target, offset, bytes, flags | NODE_REQ_UNMAP);
}

static int write_cluster(Convert *k, uint64_t offset, const uint8_t *buf, uint64_t bytes)
{
    if (k->sparse && img_is_zero(buf, bytes)) {
        return write_zeroes(k, offset, bytes, 0);
    }
    return k->target->drv->pwrite_compressed(k->target, offset, bytes, buf);
}

static int write_compressed(Convert *k, uint64_t offset, const uint8_t *buf, uint64_t bytes)
{
    int ret = 0;

    for (uint64_t done = 0; done < bytes && ret == 0; done += k->cluster) {
        ret = write_cluster(k, offset + done, buf + done, MIN(k->cluster, bytes - done));
    }
    return ret;
}

/*
 * Data with runs of zeroes taken out. A run that is shorter than the wanted length, or than what
 * the target can leave out, is written along.
 */
static int write_sparse(Convert *k, uint64_t offset, uint8_t *buf, uint64_t bytes, unsigned flags)
{
    const uint64_t end = offset + bytes;
    uint64_t start = offset; /* data that is not written yet begins there */

    for (uint64_t n, pos = offset; pos < end; pos += n) {
        bool zero;
        n = img_zero_run(buf + (pos - offset), end - pos, k->sparse, &zero);
        uint64_t from = (pos + k->cluster - 1) / k->cluster * k->cluster;
        uint64_t to = pos + n == end ? end : (pos + n) / k->cluster * k->cluster;
        if (!zero || from >= to) {
            continue;
        }
        int ret = from > start ? node_pwrite(k->target, start, buf + (start - offset), from - start, flags) : 0;
        ret = ret ? ret : write_zeroes(k, from, to - from, flags);
        if (ret < 0) {
            return ret;
        }
        start = to;
    }
    return start < end ? node_pwrite(k->target, start, buf + (start - offset), end - start, flags) : 0;
}

static int write_target(Copy *c, uint64_t offset, void *buf, uint64_t bytes, CopyKind kind,
                        Error **errp)
{
    Convert *k = c->opaque;
    unsigned flags = k->target_cache.writethrough ? NODE_REQ_FUA : 0;
    int ret;

    if (kind == COPY_ZERO && k->sparse) {
        ret = write_zeroes(k, offset, bytes, flags);
    } else {
        if (kind == COPY_ZERO) {
            memset(buf, 0, bytes);
        }
        ret = k->compress ? write_compressed(k, offset, buf, bytes)
              : k->sparse ? write_sparse(k, offset, buf, bytes, flags)
                          : node_pwrite(k->target, offset, buf, bytes, flags);
    }
    if (ret < 0) {
        error_set_errno(errp, -ret, "error while writing at byte %" G_GUINT64_FORMAT, offset);
    }
    return ret;
}

/* ---- copy offloading ---- */

static int open_for_offload(BlockNode *n, int flags)
{
    BlockNode *file = n && !strcmp(n->drv->name, "raw") ? n->file : n;

    return file && file->drv->kind == DRIVER_PROTOCOL && !strcmp(file->drv->name, "file")
               ? open(file->filename, flags | O_CLOEXEC)
               : -1;
}

/* Where a range lies in a plain file, if all of it lies in one piece in the given one. */
static bool find_in_file(BlockNode *n, uint64_t offset, uint64_t bytes, uint64_t *at)
{
    uint64_t got;
    BlockNode *file;

    for (uint64_t done = 0; done < bytes; done += got) {
        uint64_t map;
        int st = node_block_status(n, offset + done, bytes - done, &got, &map, &file);
        if (st < 0 || !(st & STATUS_OFFSET) || !file || !got || file->drv->kind != DRIVER_PROTOCOL ||
            (done && map != *at + done)) {
            return false;
        }
        *at = done ? *at : map;
    }
    return true;
}

static int offload(Copy *c, uint64_t offset, uint64_t bytes, Error **errp)
{
    Convert *k = c->opaque;
    Source *s = source_at(k, offset);
    uint64_t from, to;

    if (s->fd < 0 || __atomic_load_n(&k->no_offload, __ATOMIC_RELAXED) ||
        !find_in_file(s->node, offset - s->start, bytes, &from) ||
        !find_in_file(k->target, offset, bytes, &to)) {
        return -ENOTSUP;
    }
    off_t in = (off_t)from, out = (off_t)to;
    for (uint64_t left = bytes; left;) {
        ssize_t n = copy_file_range(s->fd, &in, k->target_fd, &out, left, 0);
        if (n <= 0 && !(n < 0 && errno == EINTR)) { /* the ordinary way says what is wrong */
            __atomic_store_n(&k->no_offload, 1, __ATOMIC_RELAXED);
            return -ENOTSUP;
        }
        left -= n > 0 ? (uint64_t)n : 0;
    }
    return 0;
}

static void prepare_offload(Convert *k)
{
    k->target_fd = open_for_offload(k->target, O_RDWR);
    for (guint i = 0; k->target_fd >= 0 && i < k->sources->len; i++) {
        Source *s = &g_array_index(k->sources, Source, i);
        s->fd = open_for_offload(s->node, O_RDONLY);
    }
}

/* ---- sources and target ---- */

static bool open_sources(Convert *k, Error **errp)
{
    ImgArgs *a = k->args;
    uint64_t end = 0;

    for (guint i = 0; i + 1 < a->files->len; i++) {
        Source s = {.start = end, .fd = -1};
        s.node = img_open(a, img_file(a, i), img_arg(a, 'f'), k->source_cache.flags,
                          img_has(a, IMG_IMAGE_OPTS), errp);
        if (!s.node) {
            return false;
        }
        end += (s.node->size + BLOCK_SECTOR - 1) / BLOCK_SECTOR * BLOCK_SECTOR;
        s.end = end;
        g_array_append_val(k->sources, s);
        if (!img_load_snapshot(s.node, img_arg(a, 'l'), errp)) {
            return false;
        }
        if (img_has(a, 'l')) { /* it may have another size */
            Source *p = &g_array_index(k->sources, Source, i);
            end = p->end = p->start + s.node->size;
        }
    }
    return true;
}

static uint64_t total_of(Convert *k)
{
    return g_array_index(k->sources, Source, k->sources->len - 1).end;
}

static bool set_backing(Convert *k, json_t *opts, Error **errp)
{
    ImgArgs *a = k->args;
    const char *b = img_arg(a, 'B'), *f = img_arg(a, 'F');

    if (b) {
        json_object_set_new(opts, "backing_file", json_string(b));
    }
    if (f) {
        json_object_set_new(opts, "backing_fmt", json_string(f));
    }
    const char *backing = img_opt_str(opts, "backing_file");
    if (!backing) {
        return true;
    }
    if (k->sources->len > 1) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "Having a backing file for the target makes no sense when concatenating multiple "
                  "input images");
        return false;
    }
    if (!img_opt_str(opts, "backing_fmt")) {
        error_set(errp, ERR_INVALID_PARAMETER, "Use of backing file requires explicit backing format");
        error_hint(errp, "-F says it");
        return false;
    }
    return true;
}

static bool create_target(Convert *k, const BlockDriver *drv, Error **errp)
{
    ImgArgs *a = k->args;
    g_autofree char *text = img_arg_joined(a, 'o');
    g_autoptr(json_t) opts = img_parse_options(text, errp);
    uint64_t total = total_of(k), size;

    if (!opts || !set_backing(k, opts, errp) || !img_may_overwrite(a, k->target_name, errp)) {
        return false;
    }
    const char *given = img_opt_str(opts, "size");
    if (given && (!parse_size(given, 'B', &size, errp) || size < total)) {
        error_propagate(errp, NULL);
        if (!errp || !*errp) {
            error_set(errp, ERR_INVALID_PARAMETER, "output file is smaller than input file");
        }
        return false;
    }
    if (!given) {
        json_object_set_new(opts, "size", json_integer((json_int_t)total));
    }
    k->target_zero = true;
    if (block_image_create(a->set, drv->name, k->target_name, opts, errp)) {
        return true;
    }
    error_prepend(errp, "%s: error while converting %s: ", k->target_name, drv->name);
    return false;
}

static bool open_target(Convert *k, const char *format, Error **errp)
{
    ImgArgs *a = k->args;
    bool by_options = img_has(a, IMG_TARGET_IMAGE_OPTS);
    unsigned flags = BLOCK_RDWR | k->target_cache.flags | (k->sparse ? BLOCK_UNMAP : 0);

    /* -U is about the sources. */
    ImgArgs own = *a;
    g_autoptr(GArray) none = g_array_new(false, false, 1);
    own.seen = none;
    k->target = img_open(&own, k->target_name, by_options ? NULL : format, flags, by_options, errp);
    if (!k->target) {
        return false;
    }
    if (k->target->file && k->target->file->drv->kind == DRIVER_PROTOCOL &&
        strcmp(k->target->file->drv->name, "file")) {
        k->target_zero = false; /* a device has what was on it */
    }
    k->target_zero |= img_has(a, IMG_TARGET_IS_ZERO);
    k->target_has_backing = k->target->backing != NULL;
    k->cluster = k->target->drv->cluster_size ? k->target->drv->cluster_size(k->target) : 1;
    k->cluster = k->cluster ? k->cluster : 1;
    if (k->target->size < total_of(k)) {
        error_set(errp, ERR_GENERIC, "output file is smaller than input file");
        return false;
    }
    if (k->target_has_backing && img_has(a, IMG_TARGET_IS_ZERO)) {
        error_set(errp, ERR_GENERIC, "Cannot use --target-is-zero with a backing file");
        return false;
    }
    return true;
}

static bool copy_all(Convert *k, uint64_t workers, uint64_t rate, Error **errp)
{
    Copy c = {
        .args = k->args,
        .total = total_of(k),
        .chunk = MAX(BUFFER, k->cluster),
        .workers = (unsigned)workers,
        /* Compressing takes longer than anything else, so it is not waited for in turn. */
        .ordered = !img_has(k->args, 'W') && !k->compress,
        .rate = rate,
        .plan = plan,
        .read = read_source,
        .write = write_target,
        .offload = k->target_fd >= 0 ? offload : NULL,
        .opaque = k,
    };

    if (k->compress) {
        c.chunk = k->cluster;
    }
    if (!img_copy(&c, errp)) {
        return false;
    }
    int ret = node_flush(k->target);
    if (ret < 0) {
        error_set_errno(errp, -ret, "error while flushing the target");
    }
    return ret == 0;
}

static bool check_format(Convert *k, const BlockDriver *drv, Error **errp)
{
    k->compress = img_has(k->args, 'c');
    if (k->compress && !drv->pwrite_compressed) {
        error_set(errp, ERR_UNSUPPORTED, "Compression not supported for this file format");
        return false;
    }
    return true;
}

static bool convert(Convert *k, const BlockDriver *drv, uint64_t workers, uint64_t rate,
                    Error **errp)
{
    bool create = !img_has(k->args, 'n');

    if (!open_sources(k, errp) || (drv && !check_format(k, drv, errp)) ||
        (create && !create_target(k, drv, errp)) ||
        !open_target(k, drv ? drv->name : NULL, errp) || !check_format(k, k->target->drv, errp)) {
        return false;
    }
    if (img_has(k->args, 'C')) {
        prepare_offload(k);
    }
    img_progress_start(k->args, img_has(k->args, 'p'));
    bool ok = copy_all(k, workers, rate, errp);
    if (ok) {
        img_progress(k->args, 1);
    }
    img_progress_end(k->args);
    return ok;
}

/* Combinations that make no sense; prints what is wrong. */
static bool check_combination(const ImgArgs *a)
{
    const char *wrong = NULL;

    if (img_has(a, 'C') && img_has(a, 'S')) {
        wrong = "Cannot enable copy offloading when -S is used";
    } else if (img_has(a, 'C') && img_has(a, 'c')) {
        wrong = "Cannot enable copy offloading when -c is used";
    } else if (img_has(a, IMG_TARGET_IMAGE_OPTS) && !img_has(a, 'n')) {
        wrong = "--target-image-opts requires use of -n flag";
    } else if (img_has(a, IMG_TARGET_IMAGE_OPTS) && img_has(a, 'O')) {
        wrong = "-O and --target-image-opts are mutually exclusive";
    } else if (img_has(a, IMG_TARGET_IS_ZERO) && !img_has(a, 'n')) {
        wrong = "--target-is-zero requires use of -n flag";
    } else if (img_has(a, 'n') && img_has(a, 'B')) {
        wrong = "-B makes no sense with -n: the target says what its backing file is";
    } else if (img_has(a, 'n') && img_has(a, 'o')) {
        warn_report("-o has no effect when skipping image creation");
    }
    if (wrong) {
        error_report_text("%s", wrong);
    }
    return !wrong;
}

static bool parse_numbers(Convert *k, uint64_t *workers, uint64_t *rate)
{
    ImgArgs *a = k->args;

    *workers = DEF_WORKERS;
    k->sparse = DEF_SPARSE;
    if (!img_number_arg(a, 'm', "number of coroutines", 1, MAX_WORKERS, workers) ||
        !img_size_arg(a, 'r', "rate limit", rate) ||
        !img_size_arg(a, 'S', "buffer size for sparse output", &k->sparse)) {
        return false;
    }
    if (k->sparse % BLOCK_SECTOR || k->sparse > MAX_SPARSE) {
        error_report_text("Invalid buffer size for sparse output specified. Valid sizes are "
                          "multiples of %u up to %" G_GUINT64_FORMAT ". Select 0 to disable sparse "
                          "detection (fully allocates output).", BLOCK_SECTOR, MAX_SPARSE);
        return false;
    }
    return img_cache(a, 't', "cache", "unsafe", &k->target_cache) &&
           img_cache(a, 'T', "source cache", "writeback", &k->source_cache);
}

static int run_convert(ImgArgs *a)
{
    const char *format = img_arg(a, 'O') ? img_arg(a, 'O') : "raw";
    g_autofree char *text = img_arg_joined(a, 'o');
    g_auto(Convert) k = {.args = a, .target_fd = -1, .salvage = img_has(a, IMG_SALVAGE)};
    uint64_t workers, rate = 0;

    if (img_options_help(format, text, "Supported %s options:\n")) {
        return 0;
    }
    k.sources = g_array_new(false, false, sizeof(Source));
    if (!check_combination(a) || !parse_numbers(&k, &workers, &rate) ||
        !img_operands(a, 2, G_MAXUINT, "Must specify image file name")) {
        return 1;
    }
    k.target_name = img_file(a, a->files->len - 1);
    bool by_options = img_has(a, IMG_TARGET_IMAGE_OPTS);
    const BlockDriver *drv = by_options ? NULL : img_target_driver(format);
    if (!drv && !by_options) {
        return 1;
    }
    Error *err = NULL;
    return convert(&k, drv, workers, rate, &err) ? 0 : img_failed(1, err);
}

static const ImgOpt convert_opts[] = {
    {'f', "format", "FMT", "format of the source; guessed if not given"},
    {'O', "target-format", "FMT", "format of the target (raw)"},
    {'o', "options", "OPTIONS", "options of the target's format; 'help' lists them"},
    {'B', "backing", "FILE", "backing file of the target, with the contents of the source's"},
    {'F', "backing-format", "FMT", "format of that backing file"},
    {'c', "compress", NULL, "compress what is written; with -m 1 in the order of the disk"},
    {'l', "snapshot", "SNAPSHOT", "read this internal snapshot: id, name, or snapshot.id=,snapshot.name="},
    {'n', "no-create", NULL, "write into a target that exists"},
    {IMG_TARGET_IS_ZERO, "target-is-zero", NULL, "with -n: the target reads as zeroes"},
    {'S', "sparse-size", "SIZE", "runs of zeroes this long become holes (4k); 0: write everything"},
    {'C', "copy-range-offloading", NULL, "let the host copy, if it can"},
    {'m', "parallel", "N", "requests in flight, 1 to 16 (8)"},
    {'W', "oob-writes", NULL, "write in any order"},
    {'r', "rate-limit", "RATE", "bytes per second"},
    {IMG_SALVAGE, "salvage", NULL, "zeroes instead of what cannot be read"},
    {IMG_FORCE, "force", NULL, "overwrite a target that exists"},
    IMG_OPT_CACHE,
    IMG_OPT_SRC_CACHE,
    IMG_OPT_IMAGE_OPTS,
    {IMG_TARGET_IMAGE_OPTS, "target-image-opts", NULL, "with -n: the target is options"},
    IMG_OPT_SHARE,
    IMG_OPT_PROGRESS,
    IMG_OPT_QUIET,
    IMG_OPT_HELP,
    IMG_OPT_END,
};

static const ImgCommand convert_command = {
    .name = "convert",
    .operands = "SOURCE... TARGET",
    .help = "copy images into a new one, of another format",
    .opts = convert_opts,
    .run = run_convert,
};
IMG_COMMAND(convert_command);
