/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `info jit`: the translator's counters, summed over vCPUs. They are always on;
 * what is not seen is not made fast.
 */
#include <inttypes.h>
#include <string.h>

#include "accel/tcg/internal.h"

static void add_stats(TcgStats *sum, const TcgStats *s)
{
    const uint64_t *from = (const uint64_t *)s;
    uint64_t *to = (uint64_t *)sum;
    for (size_t i = 0; i < sizeof(*s) / sizeof(uint64_t); i++) {
        to[i] += from[i];
    }
}

static double per(uint64_t a, uint64_t b)
{
    return b ? (double)a / b : 0;
}

#define LINE(name, fmt, ...) g_string_append_printf(out, "%-28s" fmt "\n", name, __VA_ARGS__)

static void info_translation(TcgMachine *tm, const TcgStats *s, GString *out)
{
    LINE("engine", "%s", tm->interp ? "interp" : "jit");
    LINE("code cache used", "%zu KiB in %u blocks", host_code_used(tm->code) >> 10, tm->n_blocks);
    LINE("translated", "%" PRIu64 " blocks, %" PRIu64 " instructions, %.2f ms", s->blocks, s->insns,
         s->translate_ns / 1e6);
    LINE("translation speed", "%.0f ns/instruction", per(s->translate_ns, s->insns));
    LINE("instructions per block", "%.1f", per(s->insns, s->blocks));
    LINE("code expansion", "%.1f host bytes per guest byte", per(s->host_bytes, s->guest_bytes));
    LINE("cache flushes", "%" PRIu64, tm->full_flushes);
    LINE("pages invalidated by writes", "%" PRIu64, tm->code_invalidations);
}

static void info_run(const TcgStats *s, GString *out)
{
    static const char *const why[] = { "look-up", "edge", "poll", "interpret", "fpu", "divide", "simd fp" };
    for (unsigned i = 0; i < G_N_ELEMENTS(why); i++) {
        g_autofree char *name = g_strdup_printf("exits: %s", why[i]);
        LINE(name, "%" PRIu64, s->exits[i]);
    }
    LINE("block look-ups", "%" PRIu64 " (%" PRIu64 " from jump cache misses)", s->lookups, s->jc_miss);
    LINE("edges linked", "%" PRIu64, s->links);
    LINE("interpreted instructions", "%" PRIu64, s->interp_insns);
    LINE("exceptions, interrupts", "%" PRIu64 ", %" PRIu64, s->exceptions, s->interrupts);
}

static void info_memory(const TcgStats *s, GString *out)
{
    LINE("TLB refills", "%" PRIu64 " loads, %" PRIu64 " stores (slow path)", s->slow_load, s->slow_store);
    LINE("page walks", "%" PRIu64 " read, %" PRIu64 " write, %" PRIu64 " fetch", s->tlb_fill[MMU_READ],
         s->tlb_fill[MMU_WRITE], s->tlb_fill[MMU_EXEC]);
    LINE("TLB flushes", "%" PRIu64 " whole, %" PRIu64 " single pages", s->tlb_flush, s->tlb_flush_page);
    LINE("device accesses", "%" PRIu64, s->mmio);
}

void tcg_info(Machine *m, GString *out)
{
    TcgMachine *tm = *machine_accel_priv(m, ACCEL_SLOT_TCG);
    TcgStats sum = { 0 };
    for (int i = 0; i < tm->n_vcpus; i++) {
        add_stats(&sum, &tm->vcpus[i]->stats);
    }
    info_translation(tm, &sum, out);
    info_run(&sum, out);
    info_memory(&sum, out);
}

void tcg_reset_stats(Machine *m)
{
    TcgMachine *tm = *machine_accel_priv(m, ACCEL_SLOT_TCG);
    for (int i = 0; i < tm->n_vcpus; i++) {
        memset(&tm->vcpus[i]->stats, 0, sizeof(TcgStats));
    }
}
