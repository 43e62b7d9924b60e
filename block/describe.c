/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an image is: QAPI's ImageInfo, and the same for people. For query-block, "info block -v" and
 * the tools' info.
 *
 * home: main loop; tools: the one thread.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/bits.h"
#include "block/blockdev.h"

/* ---- as JSON ---- */

static int64_t allocated(BlockNode *n)
{
    return n->drv->allocated ? n->drv->allocated(n) : n->file ? allocated(n->file) : -1;
}

static json_t *snapshot_info(const BlockSnapshot *sn)
{
    uint64_t clock = sn->vm_clock_nsec;
    json_t *j = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "id", sn->id, "name", sn->name,
                          "vm-state-size", (json_int_t)sn->vm_state_size, "date-sec",
                          (json_int_t)sn->date_sec, "date-nsec", (json_int_t)sn->date_nsec,
                          "vm-clock-sec", (json_int_t)(clock / 1000000000), "vm-clock-nsec",
                          (json_int_t)(clock % 1000000000));

    if (j && sn->icount >= 0) {
        json_object_set_new(j, "icount", json_integer(sn->icount));
    }
    return j;
}

json_t *block_snapshots_info(BlockNode *n)
{
    g_autoptr(GPtrArray) list = n->drv->snapshot_list ? n->drv->snapshot_list(n) : NULL;
    json_t *out = json_array();

    for (guint i = 0; list && i < list->len; i++) {
        json_array_append_new(out, snapshot_info(list->pdata[i]));
    }
    return out;
}

static void add_backing(const BlockNode *n, json_t *j)
{
    if (!n->backing_file) {
        return;
    }
    g_autofree char *full = block_backing_path(n->filename, n->backing_file);
    json_object_set_new(j, "backing-filename", json_string(n->backing_file));
    json_object_set_new(j, "full-backing-filename", json_string(full));
    if (n->backing_format) {
        json_object_set_new(j, "backing-filename-format", json_string(n->backing_format));
    }
}

json_t *block_image_info(BlockNode *n)
{
    /* Sizes are whole sectors, as QEMU counts them. */
    uint64_t size = round_up(n->size, BLOCK_SECTOR);
    json_t *j = json_pack("{s:I, s:s, s:s}", "virtual-size", (json_int_t)size, "filename",
                          n->filename ? n->filename : "", "format", n->drv->name);
    json_t *specific = n->drv->specific_info ? n->drv->specific_info(n) : NULL;
    json_t *snapshots = block_snapshots_info(n);
    uint64_t cluster = n->drv->cluster_size ? n->drv->cluster_size(n) : 0;
    int64_t bytes = allocated(n);

    if (bytes >= 0) {
        json_object_set_new(j, "actual-size", json_integer(bytes));
    }
    if (cluster) {
        json_object_set_new(j, "cluster-size", json_integer((json_int_t)cluster));
    }
    add_backing(n, j);
    if (json_array_size(snapshots)) {
        json_object_set(j, "snapshots", snapshots);
    }
    json_decref(snapshots);
    if (specific) {
        json_object_set_new(j, "format-specific", specific);
    }
    json_object_set_new(j, "dirty-flag", json_boolean(n->drv->is_dirty && n->drv->is_dirty(n)));
    return j;
}

/* ---- for people ---- */

char *block_size_text(uint64_t bytes)
{
    static const char *const units[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    int e = 0;

    /* Three digits: 1000 and more are a fraction of the next unit. */
    frexp((double)bytes / (1000.0 / 1024.0), &e);
    int i = e < 1 ? 0 : (e - 1) / 10;
    return g_strdup_printf("%0.3g %sB", (double)bytes / (double)(1ull << (10 * i)), units[i]);
}

static uint64_t number(const json_t *j, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(j, key));
}

static const char *text(const json_t *j, const char *key)
{
    return json_string_value(json_object_get(j, key));
}

static void specific_text(GString *out, const json_t *v, int depth);

static void item_text(GString *out, const char *key, const json_t *v, int depth)
{
    bool nested = json_is_object(v) || json_is_array(v);

    g_string_append_printf(out, "%*s%s:%s", depth * 4, "", key, nested ? "\n" : " ");
    specific_text(out, v, depth + nested);
    g_string_append(out, nested ? "" : "\n");
}

/* Keys with blanks for dashes, nested by indentation. */
static void specific_text(GString *out, const json_t *v, int depth)
{
    const char *key;
    json_t *item;
    size_t i;

    if (json_is_object(v)) {
        json_object_foreach((json_t *)v, key, item)
        {
            g_autofree char *name = g_strdelimit(g_strdup(key), "-", ' ');
            item_text(out, name, item, depth);
        }
    } else if (json_is_array(v)) {
        json_array_foreach(v, i, item)
        {
            g_autofree char *name = g_strdup_printf("[%zu]", i);
            item_text(out, name, item, depth);
        }
    } else if (json_is_string(v)) {
        g_string_append(out, json_string_value(v));
    } else {
        char *line = json_to_line(v);
        g_string_append(out, line);
        free(line);
    }
}

static void backing_text(GString *out, const json_t *j)
{
    const char *name = text(j, "backing-filename"), *full = text(j, "full-backing-filename");
    const char *format = text(j, "backing-filename-format");

    if (!name) {
        return;
    }
    g_string_append_printf(out, "backing file: %s", name);
    if (full && strcmp(full, name)) {
        g_string_append_printf(out, " (actual path: %s)", full);
    }
    g_string_append_c(out, '\n');
    if (format) {
        g_string_append_printf(out, "backing file format: %s\n", format);
    }
}

static void snapshot_text(GString *out, const json_t *sn)
{
    time_t when = (time_t)number(sn, "date-sec");
    uint64_t s = number(sn, "vm-clock-sec");
    g_autofree char *size = block_size_text(number(sn, "vm-state-size"));
    char date[32] = "", clock[64], icount[32] = "";
    struct tm tm;

    if (localtime_r(&when, &tm)) {
        strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
    }
    snprintf(clock, sizeof(clock), "%02d:%02d:%02d.%03d", (int)(s / 3600), (int)(s / 60 % 60),
             (int)(s % 60), (int)(number(sn, "vm-clock-nsec") / 1000000));
    if (json_object_get(sn, "icount")) {
        snprintf(icount, sizeof(icount), "%" G_GUINT64_FORMAT, number(sn, "icount"));
    }
    g_string_append_printf(out, "%-9s %-16s %8s%20s%13s%11s\n", text(sn, "id"), text(sn, "name"), size,
                           date, clock, icount);
}

void block_snapshots_text(GString *out, const json_t *list)
{
    json_t *sn;
    size_t i;

    if (!json_array_size(list)) {
        return;
    }
    g_string_append_printf(out, "Snapshot list:\n%-10s%-17s%8s%20s%13s%11s\n", "ID", "TAG", "VM SIZE",
                           "DATE", "VM CLOCK", "ICOUNT");
    json_array_foreach(list, i, sn)
    {
        snapshot_text(out, sn);
    }
}

void block_image_text(GString *out, const json_t *j)
{
    const json_t *actual = json_object_get(j, "actual-size");
    const json_t *specific = json_object_get(json_object_get(j, "format-specific"), "data");
    g_autofree char *size = block_size_text(number(j, "virtual-size"));
    g_autofree char *disk = actual ? block_size_text(number(j, "actual-size")) : g_strdup("unavailable");

    g_string_append_printf(out, "image: %s\nfile format: %s\nvirtual size: %s (%" G_GUINT64_FORMAT
                           " bytes)\ndisk size: %s\n", text(j, "filename"), text(j, "format"), size,
                           number(j, "virtual-size"), disk);
    if (json_object_get(j, "cluster-size")) {
        g_string_append_printf(out, "cluster_size: %" G_GUINT64_FORMAT "\n", number(j, "cluster-size"));
    }
    if (json_is_true(json_object_get(j, "dirty-flag"))) {
        g_string_append(out, "cleanly shut down: no\n");
    }
    backing_text(out, j);
    block_snapshots_text(out, json_object_get(j, "snapshots"));
    if (json_object_size(specific)) {
        g_string_append(out, "Format specific information:\n");
        specific_text(out, specific, 1);
    }
}
