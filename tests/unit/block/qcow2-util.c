/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "disk.h"
#include "qcow2-util.h"

uint64_t test_param(const char *name, uint64_t def)
{
    const char *v = g_getenv(name);

    return v ? g_ascii_strtoull(v, NULL, 0) : def;
}

static void must(bool ok, Error *err)
{
    if (!ok) {
        g_test_message("%s", err ? error_message(err) : "?");
        g_printerr("# %s\n", err ? error_message(err) : "?");
    }
    g_assert_true(ok);
}

/* create wants its options in their own types. */
static json_t *typed(const BlockDriver *drv, const char *opts, uint64_t size)
{
    json_t *o = opts && *opts ? test_opts("%s", opts) : json_object();

    json_object_set_new(o, "size", json_integer((json_int_t)size));
    for (const BlockOpt *t = drv->create_opts; t->name; t++) {
        json_t *v = json_object_get(o, t->name);
        const char *text = v && json_is_string(v) ? json_string_value(v) : NULL;
        if (!text) {
            continue;
        }
        if (t->kind == BLOCK_OPT_BOOL) {
            json_object_set_new(o, t->name, json_boolean(!strcmp(text, "on")));
        } else if (t->kind == BLOCK_OPT_SIZE || t->kind == BLOCK_OPT_INT) {
            json_object_set_new(o, t->name, json_integer(g_ascii_strtoll(text, NULL, 0)));
        }
    }
    return o;
}

void q2_create(unsigned n, uint64_t size, const char *opts)
{
    BlockSet *set = blockset_new(NULL);
    g_autofree char *name = g_strdup_printf("memdisk:%u", n);
    const BlockDriver *drv = block_driver_find("qcow2", NULL);
    Error *err = NULL;

    memdisk_clear(n);
    BlockNode *file = node_open_file(set, name, "memdisk", BLOCK_RDWR, NULL, &err);
    must(file, err);
    g_autoptr(json_t) o = typed(drv, opts, size);
    must(drv->create(set, file, name, o, &err), err);
    node_unref(file);
    blockset_free(set);
}

BlockNode *q2_open_opts(BlockSet *set, unsigned n, unsigned flags, const char *json, Error **errp)
{
    g_autofree char *name = g_strdup_printf("memdisk:%u", n);
    g_autoptr(json_t) o = json ? json_loads(json, 0, NULL) : NULL;
    Error *err = NULL;
    BlockNode *node = node_open_file(set, name, "qcow2", flags, o, errp ? errp : &err);

    if (!errp) {
        must(node, err);
    }
    return node;
}

BlockNode *q2_open(BlockSet *set, unsigned n, unsigned flags, Error **errp)
{
    return q2_open_opts(set, n, flags, NULL, errp);
}

static void show_line(void *opaque, const char *line)
{
    g_printerr("# check: %s\n", line);
}

void q2_check(unsigned n, unsigned fix, BlockCheck *r, bool show)
{
    BlockSet *set = blockset_new(NULL);
    BlockNode *node = q2_open(set, n, BLOCK_CHECK | BLOCK_NO_BACKING | (fix ? BLOCK_RDWR : 0), NULL);
    Error *err = NULL;

    *r = (BlockCheck){.report = show ? show_line : NULL};
    must(node->drv->check(node, r, fix, &err), err);
    node_unref(node);
    blockset_free(set);
}

void q2_check_clean(unsigned n)
{
    BlockCheck r;

    q2_check(n, 0, &r, true);
    g_assert_cmpuint(r.corruptions, ==, 0);
    g_assert_cmpuint(r.check_errors, ==, 0);
    g_assert_cmpuint(r.leaks, ==, 0);
}

static void count_harm(void *opaque, const char *line)
{
    bool unmarked = strstr(line, "OFLAG_COPIED") && g_str_has_suffix(line, "refcount=1");

    if (g_str_has_prefix(line, "ERROR") && !unmarked) {
        ++*(unsigned *)opaque;
    }
}

unsigned q2_harm(unsigned n, uint64_t *unmarked)
{
    BlockSet *set = blockset_new(NULL);
    BlockNode *node = q2_open(set, n, BLOCK_CHECK | BLOCK_NO_BACKING, NULL);
    unsigned harm = 0;
    BlockCheck r = {.report = count_harm, .opaque = &harm};
    Error *err = NULL;

    g_assert_true(node->drv->check(node, &r, 0, &err));
    *unmarked = r.corruptions - MIN(r.corruptions, harm);
    harm += (unsigned)r.check_errors;
    node_unref(node);
    blockset_free(set);
    return harm;
}
