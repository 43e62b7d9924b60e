/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See devtree.h. */
#include "hw/machine/devtree.h"

#include <errno.h>
#include <libfdt.h>
#include <string.h>
#include <sys/random.h>

#include "base/bits.h"

#define ROOM     (1 << 20) /* what kernels map of a tree at least is 2 MiB */
#define PHANDLES 0x8000    /* above those of trees made by hand */

static int check(DevTree *t, int result)
{
    if (result < 0 && !t->error) {
        t->error = result;
    }
    return result;
}

/* ---- life ---- */

static DevTree *tree_new(int size)
{
    DevTree *t = g_new0(DevTree, 1);

    t->blob = g_malloc0(size);
    t->size = size;
    t->phandles = PHANDLES;
    return t;
}

DevTree *dt_new(void)
{
    DevTree *t = tree_new(ROOM);

    check(t, fdt_create_empty_tree(t->blob, t->size));
    return t;
}

DevTree *dt_load(const char *path, Error **errp)
{
    g_autofree char *data = NULL;
    g_autoptr(GError) gerr = NULL;
    gsize len;

    if (!g_file_get_contents(path, &data, &len, &gerr)) {
        error_set(errp, ERR_IO, "cannot read the device tree: %s", gerr->message);
        return NULL;
    }
    if (len < FDT_V17_SIZE || len > ROOM / 2 || fdt_check_header(data) || fdt_totalsize(data) > len ||
        fdt_check_full(data, len)) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' is not a device tree blob", path);
        error_hint(errp, "the device tree compiler makes one: dtc -I dts -O dtb");
        return NULL;
    }
    DevTree *t = tree_new(ROOM);
    check(t, fdt_open_into(data, t->blob, t->size));
    t->phandles = MAX(PHANDLES, fdt_get_max_phandle(t->blob) + 1);
    return t;
}

void dt_free(DevTree *t)
{
    if (t) {
        g_free(t->blob);
        g_free(t);
    }
}

uint32_t dt_finish(DevTree *t, Error **errp)
{
    check(t, fdt_pack(t->blob));
    if (t->error) {
        error_set(errp, ERR_GENERIC, "the device tree cannot be completed: %s", fdt_strerror(t->error));
        return 0;
    }
    return fdt_totalsize(t->blob);
}

uint32_t dt_phandle(DevTree *t)
{
    return t->phandles++;
}

/* ---- nodes ---- */

bool dt_has(const DevTree *t, const char *path)
{
    return fdt_path_offset(t->blob, path) >= 0;
}

void dt_node(DevTree *t, const char *path)
{
    const char *name = strrchr(path, '/');
    g_autofree char *parent = name == path ? g_strdup("/") : g_strndup(path, name - path);

    if (!dt_has(t, path)) {
        int at = check(t, fdt_path_offset(t->blob, parent));
        if (at >= 0) {
            check(t, fdt_add_subnode(t->blob, at, name + 1));
        }
    }
}

void dt_remove(DevTree *t, const char *path)
{
    int at = fdt_path_offset(t->blob, path);

    if (at >= 0) {
        check(t, fdt_del_node(t->blob, at));
    }
}

void dt_remove_all(DevTree *t, const char *name)
{
    size_t len = strlen(name);
    int at = fdt_first_subnode(t->blob, 0);

    while (at >= 0) {
        const char *is = fdt_get_name(t->blob, at, NULL);
        if (is && !strncmp(is, name, len) && (is[len] == '@' || !is[len])) {
            check(t, fdt_del_node(t->blob, at));
            at = fdt_first_subnode(t->blob, 0);
        } else {
            at = fdt_next_subnode(t->blob, at);
        }
    }
}

/* ---- properties ---- */

void dt_bytes(DevTree *t, const char *path, const char *prop, const void *data, int len)
{
    int at = check(t, fdt_path_offset(t->blob, path));

    if (at >= 0) {
        check(t, fdt_setprop(t->blob, at, prop, data, len));
    }
}

void dt_empty(DevTree *t, const char *path, const char *prop)
{
    dt_bytes(t, path, prop, "", 0);
}

void dt_string(DevTree *t, const char *path, const char *prop, const char *s)
{
    dt_bytes(t, path, prop, s, strlen(s) + 1);
}

void dt_cells(DevTree *t, const char *path, const char *prop, const uint32_t *cells, int n)
{
    g_autofree uint8_t *bytes = g_malloc(4 * n);

    for (int i = 0; i < n; i++) {
        st_be32(bytes + 4 * i, cells[i]);
    }
    dt_bytes(t, path, prop, bytes, 4 * n);
}

void dt_u32(DevTree *t, const char *path, const char *prop, uint32_t v)
{
    dt_cells(t, path, prop, &v, 1);
}

void dt_u64(DevTree *t, const char *path, const char *prop, uint64_t v)
{
    dt_list(t, path, prop, DT_U64(v));
}

void dt_reg(DevTree *t, const char *path, const uint64_t *pairs, int n)
{
    g_autofree uint32_t *cells = g_new(uint32_t, 4 * n);

    for (int i = 0; i < 2 * n; i++) {
        cells[2 * i] = pairs[i] >> 32;
        cells[2 * i + 1] = (uint32_t)pairs[i];
    }
    dt_cells(t, path, "reg", cells, 4 * n);
}

void dt_randomize(DevTree *t, const char *path, const char *prop)
{
    int len, at = fdt_path_offset(t->blob, path);
    void *p = at < 0 ? NULL : fdt_getprop_w(t->blob, at, prop, &len);

    for (int done = 0; p && done < len;) {
        ssize_t n = getrandom((char *)p + done, len - done, 0);
        if (n < 0 && errno != EINTR) {
            return; /* the seed of the last time is better than none */
        }
        done += n > 0 ? n : 0;
    }
}
