/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists that the kernel has entry by entry, and that are to be what the machine's views show now (events.c, coalesced.c).
 *
 * home: any thread; the list's owner locks it.
 */
#include "accel/kvm/kvm.h"

static void *entry(const GArray *list, guint i)
{
    return list->data + (size_t)i * g_array_get_element_size((GArray *)list);
}

static bool contains(const GArray *list, const void *e, KvmSameFn *same)
{
    for (guint i = 0; i < list->len; i++) {
        if (same(entry(list, i), e)) {
            return true;
        }
    }
    return false;
}

unsigned kvm_list_become(KvmMachine *km, GArray *had, const GArray *wanted, KvmSameFn *same, KvmSetFn *set)
{
    unsigned refused = 0;

    for (guint i = had->len; i-- > 0;) { /* what goes first makes room for what comes to its place */
        if (!contains(wanted, entry(had, i), same)) {
            set(km, entry(had, i), false);
            g_array_remove_index_fast(had, i);
        }
    }
    for (guint i = 0; i < wanted->len; i++) {
        void *e = entry(wanted, i);
        if (contains(had, e, same)) {
            continue;
        }
        if (set(km, e, true)) {
            g_array_append_vals(had, e, 1);
        } else {
            refused++;
        }
    }
    return refused;
}
