/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * calc-dirty-rate, query-dirty-rate and their forms of the human monitor.
 */
#include "core/dirtyrate.h"
#include "monitor/session.h"
#include "schema/commands.h"

static const char *const modes[] = {
    [DIRTY_RATE_SAMPLING] = "page-sampling", [DIRTY_RATE_RING] = "dirty-ring", [DIRTY_RATE_BITMAP] = "dirty-bitmap"};
static const char *const states[] = {
    [DIRTY_RATE_UNSTARTED] = "unstarted", [DIRTY_RATE_MEASURING] = "measuring", [DIRTY_RATE_MEASURED] = "measured"};

bool cmd_calc_dirty_rate(CmdContext *ctx, const CmdCalcDirtyRateArgs *args, Error **errp)
{
    static const DirtyRateMode mode[] = {
        [SCHEMA_DIRTY_RATE_MEASURE_MODE_PAGE_SAMPLING] = DIRTY_RATE_SAMPLING,
        [SCHEMA_DIRTY_RATE_MEASURE_MODE_DIRTY_RING] = DIRTY_RATE_RING,
        [SCHEMA_DIRTY_RATE_MEASURE_MODE_DIRTY_BITMAP] = DIRTY_RATE_BITMAP,
    };

    if (args->has_sample_pages && args->sample_pages <= 0) {
        return machine_measure_dirty_rate(ctx->machine, mode[args->mode], args->calc_time, -1, errp);
    }
    return machine_measure_dirty_rate(ctx->machine, mode[args->mode], args->calc_time,
                                      args->has_sample_pages ? args->sample_pages : 0, errp);
}

static json_t *cpu_rates(const DirtyRate *r)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < r->n_cpus; i++) {
        json_array_append_new(list, json_pack("{s:i, s:I}", "id", (int)i, "dirty-rate", (json_int_t)r->cpu_rate[i]));
    }
    return list;
}

json_t *cmd_query_dirty_rate(CmdContext *ctx, Error **errp)
{
    const DirtyRate *r = machine_dirty_rate(ctx->machine);
    json_t *o = json_pack("{s:s, s:i, s:s, s:I, s:i}", "status", states[r->status], "sample-pages", (int)r->sample_pages, "mode",
                          modes[r->mode], "start-time", (json_int_t)r->start_time, "calc-time", (int)r->seconds);

    if (r->status == DIRTY_RATE_MEASURED) {
        json_object_set_new(o, "dirty-rate", json_integer((json_int_t)r->rate));
        if (r->n_cpus) {
            json_object_set_new(o, "vcpu-dirty-rate", cpu_rates(r));
        }
    }
    return o;
}

bool hmp_calc_dirty_rate(CmdContext *ctx, const HmpCalcDirtyRateArgs *args, GString *out, Error **errp)
{
    DirtyRateMode mode = args->ring ? DIRTY_RATE_RING : args->bitmap ? DIRTY_RATE_BITMAP : DIRTY_RATE_SAMPLING;

    if (args->ring && args->bitmap) {
        error_set(errp, ERR_GENERIC, "Either dirty ring or dirty bitmap can be specified!");
        return false;
    }
    if (!machine_measure_dirty_rate(ctx->machine, mode, args->second, args->has_samples ? args->samples : 0, errp)) {
        return false;
    }
    g_string_append_printf(out, "Starting dirty rate measurement with period %" G_GINT64_FORMAT " seconds\n",
                           (gint64)args->second);
    g_string_append(out, "[Please use 'info dirty_rate' to check results]\n");
    return true;
}

bool hmp_info_dirty_rate(CmdContext *ctx, GString *out, Error **errp)
{
    const DirtyRate *r = machine_dirty_rate(ctx->machine);

    g_string_append_printf(out, "Status: %s\nStart Time: %" G_GINT64_FORMAT " (ms)\nSample Pages: %u (per GB)\n", /* sic */
                           states[r->status], (gint64)r->start_time, r->sample_pages);
    g_string_append_printf(out, "Period: %u (sec)\nMode: %s\n", r->seconds, modes[r->mode]);
    if (r->status != DIRTY_RATE_MEASURED) {
        g_string_append(out, "Dirty rate: (not ready)\n");
        return true;
    }
    g_string_append_printf(out, "Dirty rate: %" G_GUINT64_FORMAT " (MB/s)\n", (guint64)r->rate);
    for (unsigned i = 0; i < r->n_cpus; i++) {
        g_string_append_printf(out, "vcpu[%u], Dirty rate: %" G_GUINT64_FORMAT " (MB/s)\n", i, (guint64)r->cpu_rate[i]);
    }
    return true;
}
