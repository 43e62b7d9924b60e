/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * info: what an image is, and its backing files if asked.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tools/rhea-img.h"

/* ---- one image as JSON: QAPI's ImageInfo ---- */

static json_t *snapshot_json(const BlockSnapshot *sn)
{
    json_t *o = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "id", sn->id, "name", sn->name,
                          "vm-state-size", (json_int_t)sn->vm_state_size, "date-sec",
                          (json_int_t)sn->date_sec, "date-nsec", (json_int_t)sn->date_nsec,
                          "vm-clock-sec", (json_int_t)(sn->vm_clock_nsec / 1000000000), "vm-clock-nsec",
                          (json_int_t)(sn->vm_clock_nsec % 1000000000));

    if (sn->icount >= 0) {
        json_object_set_new(o, "icount", json_integer(sn->icount));
    }
    return o;
}

static void add_snapshots(json_t *o, BlockNode *n)
{
    g_autoptr(GPtrArray) list = n->drv->snapshot_list ? n->drv->snapshot_list(n) : NULL;

    if (!list || !list->len) {
        return;
    }
    json_t *all = json_array();
    for (guint i = 0; i < list->len; i++) {
        json_array_append_new(all, snapshot_json(list->pdata[i]));
    }
    json_object_set_new(o, "snapshots", all);
}

static json_t *info_json(BlockNode *n)
{
    json_t *o = json_pack("{s:I, s:s, s:s}", "virtual-size", (json_int_t)n->size, "filename",
                          n->filename ? n->filename : "", "format", n->drv->name);
    int64_t actual = n->drv->allocated ? n->drv->allocated(n) : -1;
    uint64_t cluster = n->drv->cluster_size ? n->drv->cluster_size(n) : 0;
    json_t *specific = n->drv->specific_info ? n->drv->specific_info(n) : NULL;

    if (actual >= 0) {
        json_object_set_new(o, "actual-size", json_integer(actual));
    }
    if (cluster) {
        json_object_set_new(o, "cluster-size", json_integer((json_int_t)cluster));
    }
    if (n->backing_file) {
        g_autofree char *full = block_backing_path(n->filename, n->backing_file);
        json_object_set_new(o, "backing-filename", json_string(n->backing_file));
        json_object_set_new(o, "full-backing-filename", json_string(full));
    }
    if (n->backing_file && n->backing_format) {
        json_object_set_new(o, "backing-filename-format", json_string(n->backing_format));
    }
    add_snapshots(o, n);
    if (specific) {
        json_object_set_new(o, "format-specific", specific);
    }
    json_object_set_new(o, "dirty-flag", json_boolean(n->drv->is_dirty && n->drv->is_dirty(n)));
    return o;
}

/* ---- for people ---- */

static void print_specific(const json_t *v, int depth);

static void print_item(const char *key, const json_t *v, int depth)
{
    printf("%*s%s:", depth * 4, "", key);
    if (json_is_object(v) || json_is_array(v)) {
        printf("\n");
        print_specific(v, depth + 1);
    } else {
        printf(" ");
        print_specific(v, depth);
        printf("\n");
    }
}

/* Keys with blanks for dashes, nested by indentation. */
static void print_specific(const json_t *v, int depth)
{
    const char *key;
    json_t *item;
    size_t i;

    if (json_is_object(v)) {
        json_object_foreach((json_t *)v, key, item)
        {
            g_autofree char *text = g_strdelimit(g_strdup(key), "-", ' ');
            print_item(text, item, depth);
        }
    } else if (json_is_array(v)) {
        json_array_foreach(v, i, item)
        {
            g_autofree char *text = g_strdup_printf("[%zu]", i);
            print_item(text, item, depth);
        }
    } else if (json_is_string(v)) {
        printf("%s", json_string_value(v));
    } else {
        char *text = json_to_line(v);
        printf("%s", text);
        free(text);
    }
}

static void print_backing(const json_t *o)
{
    const char *name = json_string_value(json_object_get(o, "backing-filename"));
    const char *full = json_string_value(json_object_get(o, "full-backing-filename"));
    const char *format = json_string_value(json_object_get(o, "backing-filename-format"));

    if (!name) {
        return;
    }
    printf("backing file: %s", name);
    if (full && strcmp(full, name)) {
        printf(" (actual path: %s)", full);
    }
    printf("\n");
    if (format) {
        printf("backing file format: %s\n", format);
    }
}

void img_print_snapshots(BlockNode *n, const char *indent)
{
    g_autoptr(GPtrArray) list = n->drv->snapshot_list ? n->drv->snapshot_list(n) : NULL;

    if (!list || !list->len) {
        return;
    }
    printf("Snapshot list:\n%-10s%-17s%8s%20s%13s%11s\n", "ID", "TAG", "VM SIZE", "DATE",
           "VM CLOCK", "ICOUNT");
    for (guint i = 0; i < list->len; i++) {
        const BlockSnapshot *sn = list->pdata[i];
        time_t when = (time_t)sn->date_sec;
        struct tm tm;
        char date[32] = "", clock[64], icount[32] = "";
        uint64_t s = sn->vm_clock_nsec / 1000000000;
        if (localtime_r(&when, &tm)) {
            strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
        }
        snprintf(clock, sizeof(clock), "%02d:%02d:%02d.%03d", (int)(s / 3600), (int)(s / 60 % 60),
                 (int)(s % 60), (int)(sn->vm_clock_nsec / 1000000 % 1000));
        if (sn->icount >= 0) {
            snprintf(icount, sizeof(icount), "%" G_GINT64_FORMAT, sn->icount);
        }
        g_autofree char *size = img_human_size(sn->vm_state_size);
        printf("%-9s %-16s %8s%20s%13s%11s\n", sn->id, sn->name, size, date, clock, icount);
    }
}

static void print_info(BlockNode *n, const json_t *o)
{
    json_t *actual = json_object_get(o, "actual-size"), *cluster = json_object_get(o, "cluster-size");
    json_t *specific = json_object_get(json_object_get(o, "format-specific"), "data");
    g_autofree char *size = img_human_size(n->size);
    g_autofree char *disk = actual ? img_human_size((uint64_t)json_integer_value(actual))
                                   : g_strdup("unavailable");

    printf("image: %s\nfile format: %s\nvirtual size: %s (%" G_GUINT64_FORMAT " bytes)\n"
           "disk size: %s\n", n->filename ? n->filename : "", n->drv->name, size, n->size, disk);
    if (cluster) {
        printf("cluster_size: %" JSON_INTEGER_FORMAT "\n", json_integer_value(cluster));
    }
    if (json_is_true(json_object_get(o, "dirty-flag"))) {
        printf("cleanly shut down: no\n");
    }
    print_backing(o);
    img_print_snapshots(n, "");
    if (json_object_size(specific)) {
        printf("Format specific information:\n");
        print_specific(specific, 1);
    }
}

/* ---- the command ---- */

/* Each of the chain is opened by itself: the one below may be missing, or damaged. */
static int show_chain(ImgArgs *a, BlockNode *n, bool chain, bool as_json, json_t *all)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (bool first = true; n; first = false) {
        Error *err = NULL;
        json_t *o = info_json(n);
        json_array_append_new(all, o);
        if (!as_json) {
            printf("%s", first ? "" : "\n");
            print_info(n, o);
        }
        g_autofree char *next = chain && n->backing_file && *n->backing_file
                                    ? block_backing_path(n->filename, n->backing_file) : NULL;
        g_autofree char *format = g_strdup(n->backing_format);
        g_hash_table_add(seen, g_strdup(n->filename ? n->filename : ""));
        node_unref(n);
        if (!next) {
            return 0;
        }
        if (g_hash_table_contains(seen, next)) {
            return img_fail(1, "Backing file '%s' creates an infinite loop.", next);
        }
        n = img_open(a, next, format, BLOCK_NO_BACKING | BLOCK_NO_IO, false, &err);
        if (!n) {
            return img_failed(1, err);
        }
    }
    return 0;
}

static int run_info(ImgArgs *a)
{
    bool as_json, chain = img_has(a, IMG_BACKING_CHAIN);
    g_autoptr(json_t) all = json_array();

    if (!img_operands(a, 1, 1, "Expecting one image file name") || !img_output(a, &as_json)) {
        return 1;
    }
    BlockNode *n = img_open_main(a, img_file(a, 0), BLOCK_NO_BACKING | BLOCK_NO_IO);
    if (!n) {
        return 1;
    }
    int status = show_chain(a, n, chain, as_json, all);
    if (as_json && status == 0) {
        img_print_json(chain ? all : json_array_get(all, 0));
    }
    return status;
}

static const ImgOpt info_opts[] = {
    IMG_OPT_FORMAT,
    {IMG_BACKING_CHAIN, "backing-chain", NULL, "also all backing files below it"},
    IMG_OPT_OUTPUT,
    IMG_OPT_SHARE,
    IMG_OPT_IMAGE_OPTS,
    IMG_OPT_HELP,
    IMG_OPT_END,
};

static const ImgCommand info_command = {
    .name = "info",
    .operands = "FILE",
    .help = "show what an image is",
    .opts = info_opts,
    .run = run_info,
};
IMG_COMMAND(info_command);
