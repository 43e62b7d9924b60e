/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dd: a part of an image into a new one.
 */
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
#include "base/units.h"
#include "tools/rhea-img.h"

typedef struct Dd {
    const char *in, *out;
    uint64_t bs, count, skip;
    bool has_count;
    BlockNode *source, *target;
} Dd;

static bool take_operand(Dd *d, const char *text)
{
    static const char *const names[] = {"bs", "count", "if", "of", "skip", NULL};
    size_t len = strcspn(text, "=");
    const char *value = text[len] ? text + len + 1 : "";
    g_autofree char *name = g_strndup(text, len);

    if (!strcmp(name, "if") || !strcmp(name, "of")) {
        *(name[0] == 'i' ? &d->in : &d->out) = value;
        return true;
    }
    if (!strcmp(name, "bs")) {
        if (!parse_size(value, 'B', &d->bs, NULL) || !d->bs || d->bs > INT32_MAX) {
            error_report_text("Invalid bs specified. Must be between 1 and 2147483647.");
            return false;
        }
        return true;
    }
    if (!strcmp(name, "count")) {
        d->has_count = true;
        return img_size(value, "count", &d->count);
    }
    if (!strcmp(name, "skip")) {
        return img_size(value, "skip", &d->skip);
    }
    const char *near = suggest_name(name, names);
    error_report_text("unrecognized operand %s%s%s%s", name, near ? "; did you mean '" : "",
                      near ? near : "", near ? "'?" : "");
    return false;
}

/* What is copied: [*start, *end) of the source. */
static void range(const Dd *d, uint64_t *start, uint64_t *end)
{
    uint64_t bytes;

    if (__builtin_mul_overflow(d->skip, d->bs, start) || *start > d->source->size) {
        *start = d->source->size;
    }
    *end = d->source->size;
    if (d->has_count && !__builtin_mul_overflow(d->count, d->bs, &bytes)) {
        *end = MIN(*end, *start + MIN(bytes, *end - *start));
    }
}

static bool copy(Dd *d, uint64_t start, uint64_t end, Error **errp)
{
    uint64_t chunk = MAX(d->bs, MiB);
    uint8_t *buf = node_alloc_buffer(d->source, chunk);
    int ret = 0;

    for (uint64_t n, at = start; at < end && ret == 0; at += n) {
        uint64_t got;
        int st = node_block_status_above(d->source, NULL, at, end - at, &got, NULL, NULL);
        n = got ? got : MIN(chunk, end - at);
        if (st >= 0 && st & STATUS_ZERO) {
            continue; /* the target is new */
        }
        n = MIN(n, chunk);
        ret = node_pread(d->source, at, buf, n);
        if (ret < 0) {
            error_set_errno(errp, -ret, "error while reading from input image file");
            break;
        }
        ret = node_pwrite(d->target, at - start, buf, n, 0);
        if (ret < 0) {
            error_set_errno(errp, -ret, "error while writing to output image file");
        }
    }
    node_free_buffer(buf);
    return ret == 0;
}

static bool run(ImgArgs *a, Dd *d, const char *format, Error **errp)
{
    uint64_t start, end;

    d->source = img_open(a, d->in, img_arg(a, 'f'), 0, img_has(a, IMG_IMAGE_OPTS), errp);
    if (!d->source || !img_may_overwrite(a, d->out, errp)) {
        return false;
    }
    range(d, &start, &end);
    if (d->skip && start == d->source->size) {
        error_report_text("%s: cannot skip to specified offset", d->in);
    }
    g_autoptr(json_t) opts = json_pack("{s:I}", "size", (json_int_t)(end - start));
    if (!block_image_create(a->set, format, d->out, opts, errp)) {
        error_prepend(errp, "%s: error while creating output image of type '%s': ", d->out, format);
        return false;
    }
    d->target = node_open_file(a->set, d->out, format, BLOCK_RDWR | BLOCK_UNMAP, NULL, errp);
    return d->target && copy(d, start, end, errp);
}

static int run_dd(ImgArgs *a)
{
    const char *format = img_arg(a, 'O') ? img_arg(a, 'O') : "raw";
    Dd d = {.bs = BLOCK_SECTOR};

    for (guint i = 0; i < a->files->len; i++) {
        if (!take_operand(&d, img_file(a, i))) {
            return 1;
        }
    }
    if (!d.in || !d.out) {
        return img_fail(1, "Must specify both input and output files");
    }
    if (!img_target_driver(format)) {
        return 1;
    }
    Error *err = NULL;
    bool ok = run(a, &d, format, &err);
    node_unref(d.source);
    node_unref(d.target);
    return ok ? 0 : img_failed(1, err);
}

static const ImgOpt dd_opts[] = {
    {'f', "format", "FMT", "format of the source; guessed if not given"},
    {'O', "target-format", "FMT", "format of the target (raw)"},
    {IMG_FORCE, "force", NULL, "overwrite a target that exists"},
    IMG_OPT_SHARE,
    IMG_OPT_IMAGE_OPTS,
    IMG_OPT_HELP,
    IMG_OPT_END,
};

static const ImgCommand dd_command = {
    .name = "dd",
    .operands = "if=FILE of=FILE [bs=SIZE] [count=BLOCKS] [skip=BLOCKS]",
    .help = "copy a part of an image into a new one",
    .opts = dd_opts,
    .run = run_dd,
};
IMG_COMMAND(dd_command);
