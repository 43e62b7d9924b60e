/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands about interrupt controllers: `info lapic`, `info pic`, `info irq`. The controllers themselves write their lines.
 */
#include <inttypes.h>

#include "core/device.h"
#include "monitor/session.h"
#include "schema/commands.h"

/* ---- of processors ---- */

static Cpu *by_apic_id(Machine *m, int64_t id)
{
    for (int i = 0; i < machine_cpu_count(m); i++) {
        if ((int64_t)machine_cpu(m, i)->arch_id == id) {
            return machine_cpu(m, i);
        }
    }
    return NULL;
}

static void dump_controller(Cpu *cpu, void *opaque)
{
    cpu->intc->dump(cpu->intc_opaque, opaque);
}

bool hmp_info_lapic(CmdContext *ctx, const HmpInfoLapicArgs *args, GString *out, Error **errp)
{
    Cpu *cpu = args->has_apic_id ? by_apic_id(ctx->machine, args->apic_id) : session_cpu(ctx, errp);

    if (!cpu && !args->has_apic_id) {
        return false;
    }
    if (!cpu) {
        g_string_append(out, "No CPU available\n");
        return true;
    }
    if (!cpu->intc || !cpu->intc->dump) {
        error_set(errp, ERR_UNSUPPORTED, "this machine's processors have no local APICs");
        return false;
    }
    cpu_run_on(cpu, dump_controller, out);
    return true;
}

/* ---- others ---- */

typedef struct Walk {
    GHashTable *seen; /* of a DeviceType: how many there were */
    GString *out;
} Walk;

static void pic_of(Device *d, void *opaque)
{
    Walk *w = opaque;

    if (d->realized && d->type->pic_info) {
        gpointer key = (gpointer)d->type;
        int index = GPOINTER_TO_INT(g_hash_table_lookup(w->seen, key));
        d->type->pic_info(d, index, w->out);
        g_hash_table_insert(w->seen, key, GINT_TO_POINTER(index + 1));
    }
}

bool hmp_info_pic(CmdContext *ctx, GString *out, Error **errp)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    Walk w = {seen, out};

    machine_lock(ctx->machine);
    device_foreach(ctx->machine, pic_of, &w);
    machine_unlock(ctx->machine);
    return true;
}

static void counts_of(Device *d, void *opaque)
{
    GString *out = opaque;
    unsigned n = 0;
    const uint64_t *counts = d->realized && d->type->irq_counts ? d->type->irq_counts(d, &n) : NULL;

    if (n) {
        g_string_append_printf(out, "IRQ statistics for %s:\n", d->type->name);
    }
    for (unsigned i = 0; i < n; i++) {
        if (counts[i]) {
            g_string_append_printf(out, "%2u: %" PRIu64 "\n", i, counts[i]);
        }
    }
}

bool hmp_info_irq(CmdContext *ctx, GString *out, Error **errp)
{
    machine_lock(ctx->machine);
    device_foreach(ctx->machine, counts_of, out);
    machine_unlock(ctx->machine);
    return true;
}
