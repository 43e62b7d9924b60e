/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check: consistency of an image's metadata, and repair.
 *
 * Exit status: 0 good, 1 the check did not work, 2 corrupt, 3 leaked clusters only, 63 the format
 * has no check.
 */
#include <stdio.h>
#include <string.h>

#include "tools/rhea-img.h"

enum { CHECK_GOOD = 0, CHECK_FAILED = 1, CHECK_CORRUPT = 2, CHECK_LEAKS = 3, CHECK_UNSUPPORTED = 63 };

static void print_line(void *opaque, const char *line)
{
    const ImgArgs *a = opaque;

    if (!a->quiet) {
        fprintf(stderr, "%s\n", line);
    }
}

static void show_progress(void *opaque, double fraction)
{
    img_progress(opaque, fraction);
}

static bool check_once(ImgArgs *a, BlockNode *n, unsigned fix, BlockCheck *r, Error **errp)
{
    *r = (BlockCheck){.report = print_line, .progress = show_progress, .opaque = a};
    img_progress_start(a, false);
    bool ok = n->drv->check(n, r, fix, errp);
    img_progress_end(a);
    return ok;
}

static void print_human(const BlockCheck *r)
{
    if (!r->corruptions && !r->leaks && !r->check_errors) {
        printf("No errors were found on the image.\n");
    }
    if (r->corruptions) {
        printf("\n%" G_GUINT64_FORMAT " errors were found on the image.\n"
               "Data may be corrupted, or further writes to the image may corrupt it.\n",
               r->corruptions);
    }
    if (r->leaks) {
        printf("\n%" G_GUINT64_FORMAT " leaked clusters were found on the image.\n"
               "This means waste of disk space, but no harm to data.\n", r->leaks);
    }
    if (r->check_errors) {
        printf("\n%" G_GUINT64_FORMAT " internal errors have occurred during the check.\n",
               r->check_errors);
    }
    if (r->total_clusters && r->allocated_clusters) {
        double allocated = (double)r->allocated_clusters;
        printf("%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT " = %0.2f%% allocated, %0.2f%% fragmented, "
               "%0.2f%% compressed clusters\n", r->allocated_clusters, r->total_clusters,
               allocated * 100 / (double)r->total_clusters,
               (double)r->fragmented_clusters * 100 / allocated,
               (double)r->compressed_clusters * 100 / allocated);
    }
    if (r->image_end_offset) {
        printf("Image end offset: %" G_GUINT64_FORMAT "\n", r->image_end_offset);
    }
}

static void put(json_t *o, const char *key, uint64_t value, bool always)
{
    if (value || always) {
        json_object_set_new(o, key, json_integer((json_int_t)value));
    }
}

static void print_as_json(const BlockCheck *r, const char *filename, const char *format)
{
    g_autoptr(json_t) o = json_pack("{s:s, s:s}", "filename", filename, "format", format);

    put(o, "check-errors", r->check_errors, true);
    put(o, "image-end-offset", r->image_end_offset, false);
    put(o, "corruptions", r->corruptions, false);
    put(o, "leaks", r->leaks, false);
    put(o, "corruptions-fixed", r->corruptions_fixed, false);
    put(o, "leaks-fixed", r->leaks_fixed, false);
    put(o, "total-clusters", r->total_clusters, false);
    put(o, "allocated-clusters", r->allocated_clusters, false);
    put(o, "fragmented-clusters", r->fragmented_clusters, false);
    put(o, "compressed-clusters", r->compressed_clusters, false);
    img_print_json(o);
}

/* Repairs, says what, and looks again. */
static bool check_image(ImgArgs *a, BlockNode *n, unsigned fix, bool json, BlockCheck *r, Error **errp)
{
    if (!check_once(a, n, fix, r, errp)) {
        return false;
    }
    uint64_t corruptions = r->corruptions_fixed, leaks = r->leaks_fixed;
    if (!corruptions && !leaks) {
        return true;
    }
    if (!json) {
        img_say(a, "The following inconsistencies were found and repaired:\n\n"
                   "    %" G_GUINT64_FORMAT " leaked clusters\n    %" G_GUINT64_FORMAT " corruptions\n\n"
                   "Double checking the fixed image now...\n", leaks, corruptions);
        fflush(stdout);
    }
    bool ok = check_once(a, n, 0, r, errp);
    r->corruptions_fixed = corruptions;
    r->leaks_fixed = leaks;
    return ok;
}

static int verdict(const BlockCheck *r)
{
    if (r->check_errors) {
        return img_fail(CHECK_FAILED, "Check failed");
    }
    return r->corruptions ? CHECK_CORRUPT : r->leaks ? CHECK_LEAKS : CHECK_GOOD;
}

static bool parse_fix(const char *text, unsigned *fix)
{
    *fix = 0;
    if (text && !strcmp(text, "leaks")) {
        *fix = CHECK_FIX_LEAKS;
    } else if (text && !strcmp(text, "all")) {
        *fix = CHECK_FIX_LEAKS | CHECK_FIX_ERRORS;
    } else if (text) {
        error_report_text("Unknown option value for -r (expecting 'leaks' or 'all'): %s", text);
        return false;
    }
    return true;
}

static int run_check(ImgArgs *a)
{
    ImgCache cache;
    unsigned fix;
    bool json;

    if (!parse_fix(img_arg(a, 'r'), &fix) || !img_output(a, &json) ||
        !img_operands(a, 1, 1, "Expecting one image file name") ||
        !img_cache(a, 'T', "source cache", "writeback", &cache)) {
        return CHECK_FAILED;
    }
    BlockNode *n = img_open_main(a, img_file(a, 0), BLOCK_CHECK | BLOCK_UNMAP | BLOCK_NO_BACKING |
                                                        cache.flags | (fix ? BLOCK_RDWR : 0));
    if (!n) {
        return CHECK_FAILED;
    }
    BlockCheck r;
    Error *err = NULL;
    int status;
    if (!n->drv->check) {
        status = img_fail(CHECK_UNSUPPORTED, "This image format does not support checks");
    } else if (!check_image(a, n, fix, json, &r, &err)) {
        error_prepend(&err, "Check failed: ");
        status = img_failed(CHECK_FAILED, err);
    } else {
        if (!a->quiet && json) {
            print_as_json(&r, img_file(a, 0), n->drv->name);
        } else if (!a->quiet) {
            print_human(&r);
        }
        status = verdict(&r);
    }
    node_unref(n);
    return status;
}

static const ImgOpt check_opts[] = {
    IMG_OPT_FORMAT,
    {'r', "repair", "leaks|all", "repair leaked clusters, or everything"},
    IMG_OPT_OUTPUT,
    IMG_OPT_SRC_CACHE,
    IMG_OPT_SHARE,
    IMG_OPT_QUIET,
    IMG_OPT_IMAGE_OPTS,
    IMG_OPT_HELP,
    IMG_OPT_END,
};

static const ImgCommand check_command = {
    .name = "check",
    .operands = "FILE",
    .help = "check an image for damage, and repair it",
    .opts = check_opts,
    .run = run_check,
};
IMG_COMMAND(check_command);
