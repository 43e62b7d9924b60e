/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * map: which bytes of an image are where, over its backing files.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "tools/rhea-img.h"

typedef struct Piece {
    uint64_t start, length, offset;
    int depth;
    bool data, zero, present, has_offset;
    const char *file;
} Piece;

/* The longest piece at an offset with one answer. */
static int look(BlockNode *n, uint64_t offset, uint64_t bytes, Piece *p)
{
    BlockNode *file;
    int st;

    *p = (Piece){.start = offset, .length = bytes};
    for (;;) {
        uint64_t got;
        st = node_block_status(n, offset, p->length, &got, &p->offset, &file);
        if (st < 0) {
            return st;
        }
        p->length = got ? MIN(got, p->length) : p->length;
        if (st & (STATUS_ZERO | STATUS_DATA) || !n->backing) {
            break;
        }
        n = n->backing;
        p->depth++;
    }
    p->data = st & STATUS_DATA;
    p->zero = st & STATUS_ZERO;
    p->present = st & STATUS_ALLOCATED;
    p->has_offset = st & STATUS_OFFSET;
    p->file = p->has_offset && file ? file->filename : NULL;
    return 0;
}

static bool same_file(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static bool mergeable(const Piece *a, const Piece *b)
{
    return a->length && a->zero == b->zero && a->data == b->data && a->present == b->present &&
           a->depth == b->depth && a->has_offset == b->has_offset && same_file(a->file, b->file) &&
           (!a->has_offset || a->offset + a->length == b->offset);
}

static const char *yes(bool b)
{
    return b ? "true" : "false";
}

/* false: it has no place that could be shown. */
static bool print_piece(const Piece *p, const Piece *next, bool json)
{
    if (json) {
        printf("{ \"start\": %" G_GUINT64_FORMAT ", \"length\": %" G_GUINT64_FORMAT
               ", \"depth\": %d, \"present\": %s, \"zero\": %s, \"data\": %s", p->start, p->length,
               p->depth, yes(p->present), yes(p->zero), yes(p->data));
        if (p->has_offset) {
            printf(", \"offset\": %" G_GUINT64_FORMAT, p->offset);
        }
        printf(next ? "},\n" : "}");
        return true;
    }
    if (p->data && !p->has_offset) {
        img_fail(1, "File contains external, encrypted or compressed clusters.");
        return false;
    }
    if (p->data && !p->zero) {
        printf("%#-16" PRIx64 "%#-16" PRIx64 "%#-16" PRIx64 "%s\n", p->start, p->length, p->offset,
               p->file ? p->file : "");
    }
    return true;
}

static int map(BlockNode *n, uint64_t start, uint64_t end, bool json)
{
    Piece now = {0}, next = {0};

    for (uint64_t at = start; at < end; at = next.start + next.length) {
        int ret = look(n, at, MIN(end - at, GiB), &next);
        if (ret < 0) {
            return img_fail(1, "Failed to read image metadata: %s", g_strerror(-ret));
        }
        if (mergeable(&now, &next)) {
            now.length += next.length;
            continue;
        }
        if (now.length && !print_piece(&now, &next, json)) {
            return 1;
        }
        now = next;
    }
    if (!now.length) {
        now.start = start;
    }
    return print_piece(&now, NULL, json) ? 0 : 1;
}

static int run_map(ImgArgs *a)
{
    uint64_t start = 0, length = INT64_MAX;
    bool json;

    if (!img_operands(a, 1, 1, "Expecting one image file name") || !img_output(a, &json) ||
        !img_size_arg(a, 's', "start offset", &start) ||
        !img_size_arg(a, 'l', "max length", &length)) {
        return 1;
    }
    BlockNode *n = img_open_main(a, img_file(a, 0), 0);
    if (!n) {
        return 1;
    }
    printf(json ? "[" : "%-16s%-16s%-16s%s\n", "Offset", "Length", "Mapped to", "File");
    uint64_t end = start < n->size ? start + MIN(length, n->size - start) : start;
    int status = map(n, start, end, json);
    if (json && status == 0) {
        printf("]\n");
    }
    node_unref(n);
    return status;
}

static const ImgOpt map_opts[] = {
    IMG_OPT_FORMAT,
    IMG_OPT_OUTPUT,
    {'s', "start-offset", "OFFSET", "begin there"},
    {'l', "max-length", "LENGTH", "go that far"},
    IMG_OPT_SHARE,
    IMG_OPT_IMAGE_OPTS,
    IMG_OPT_HELP,
    IMG_OPT_END,
};

static const ImgCommand map_command = {
    .name = "map",
    .operands = "FILE",
    .help = "show where an image's contents are stored",
    .opts = map_opts,
    .run = run_map,
};
IMG_COMMAND(map_command);
