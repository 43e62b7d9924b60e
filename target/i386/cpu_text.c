/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of -cpu: "model,+feat,-feat,feat=on|off,option=value". Names, defaults and the order in
 * which things count are QEMU's: +feat and -feat come after all feat=value, -feat last.
 */
#include <stdlib.h>
#include <string.h>
#include "base/os/hostcpu.h"
#include "base/suggest.h"
#include "target/i386/cpu_text.h"
#include "target/i386/system.h"

/* ---- the options ---- */

typedef enum OptKind { OPT_BOOL, OPT_NUMBER, OPT_TEXT } OptKind;
typedef struct CpuOption {
    const char *name;
    OptKind kind;
    uint16_t offset; /* in X86CpuOptions */
    uint64_t min, max;
} CpuOption;
#define BOOL(text, field) {text, OPT_BOOL, offsetof(X86CpuOptions, field), 0, 1}
#define NUMBER(text, field, lo, hi) {text, OPT_NUMBER, offsetof(X86CpuOptions, field), lo, hi}

static const CpuOption options[] = {
    BOOL("check", check),
    BOOL("enforce", enforce), BOOL("x-force-features", force),
    BOOL("full-cpuid-auto-level", auto_level),
    BOOL("host-phys-bits", host_phys_bits),
    BOOL("l3-cache", l3_cache),
    BOOL("legacy-cache", legacy_cache),
    BOOL("host-cache-info", host_cache_info),
    BOOL("cpuid-0xb", cpuid_0xb),
    BOOL("tcg-cpuid", tcg_cpuid),
    BOOL("kvm", kvm),
    BOOL("pmu", pmu),
    BOOL("migratable", migratable),
    NUMBER("family", family, 0, 0xff + 0xf),
    NUMBER("model", model, 0, 0xff),
    NUMBER("stepping", stepping, 0, 0xf),
    NUMBER("level", level, 0, 0xffffffff),
    NUMBER("xlevel", xlevel, 0, 0xffffffff),
    NUMBER("min-level", min_level, 0, 0xffffffff),
    NUMBER("min-xlevel", min_xlevel, 0, 0xffffffff),
    NUMBER("level-func7", level_func7, 0, 0xffffffff),
    NUMBER("phys-bits", phys_bits, 0, 0xffffffff),
    NUMBER("host-phys-bits-limit", host_phys_bits_limit, 0, 0xff),
    NUMBER("ucode-rev", ucode_rev, 0, UINT64_MAX),
    NUMBER("tsc-frequency", tsc_frequency, 0, INT64_MAX),
    NUMBER("hv-spinlocks", hv_spinlocks, 0, UINT32_MAX), BOOL("hv-enforce-cpuid", hv_enforce),
    BOOL("hv-passthrough", hv_passthrough),
    {"hv-vendor-id", OPT_TEXT, offsetof(X86CpuOptions, hv_vendor), 0, 12},
    {"vendor", OPT_TEXT, offsetof(X86CpuOptions, vendor), 12, 12},
    {"model-id", OPT_TEXT, offsetof(X86CpuOptions, model_id), 0, 48},
};

static const CpuOption *option_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (!strcmp(options[i].name, name)) {
            return &options[i];
        }
    }
    return NULL;
}

bool x86_option_exists(const char *name, bool *is_bool)
{
    const CpuOption *opt = option_find(name);

    if (opt) {
        *is_bool = opt->kind == OPT_BOOL;
    }
    return opt;
}

static uint64_t *option_value(X86CpuRequest *r, const CpuOption *opt)
{
    return (uint64_t *)((char *)&r->o + opt->offset);
}

void x86_options_to_json(const X86CpuRequest *r, json_t *props)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        const CpuOption *opt = &options[i];
        const void *at = (const char *)&r->o + opt->offset;
        json_t *v = opt->kind == OPT_TEXT   ? json_string(at)
                    : opt->kind == OPT_BOOL ? json_boolean(*(const uint64_t *)at)
                                            : json_integer(*(const uint64_t *)at);
        if (!strcmp(opt->name, "migratable") && !r->m->max) {
            json_decref(v);
            continue;
        }
        json_object_set_new(props, opt->name, v);
    }
}

/* ---- one item ---- */

static bool unknown_name(const X86CpuRequest *r, const char *name, Error **errp)
{
    const char *all[F__COUNT + ARRAY_LEN(options) + 1];
    const char *near;

    for (int f = 0; f < F__COUNT; f++) {
        all[f] = x86_feature_name(f);
    }
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        all[F__COUNT + i] = options[i].name;
    }
    all[F__COUNT + ARRAY_LEN(options)] = NULL;
    error_set(errp, ERR_INVALID_PARAMETER, "Property '%s-x86_64-cpu.%s' not found", r->name, name);
    if (g_str_has_prefix(name, "hv-") || g_str_has_prefix(name, "hv_")) {
        error_hint(errp, "of Hyper-V's enlightenments there are, under KVM, hv-relaxed, hv-vapic, hv-spinlocks, hv-vpindex, "
                         "hv-runtime, hv-time, hv-synic, hv-stimer, hv-stimer-direct, hv-reset, hv-frequencies, "
                         "hv-reenlightenment, hv-crash, hv-tlbflush, hv-ipi, hv-passthrough");
    } else if (g_str_has_prefix(name, "vmx-")) {
        error_hint(errp, "the translator has no VMX; AMD's SVM is the one for nested guests");
    } else if ((near = suggest_name(name, all))) {
        error_hint(errp, "did you mean '%s'?", near);
    } else {
        error_hint(errp, "'-cpu help' lists the features");
    }
    return false;
}

static bool parse_bool(const X86CpuRequest *r, const char *name, const char *value, bool *v,
                       Error **errp)
{
    if (!strcmp(value, "on") || !strcmp(value, "yes") || !strcmp(value, "true") ||
        !strcmp(value, "y")) {
        *v = true;
    } else if (!strcmp(value, "off") || !strcmp(value, "no") || !strcmp(value, "false") ||
               !strcmp(value, "n")) {
        *v = false;
    } else {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "can't apply global %s-x86_64-cpu.%s=%s: Parameter '%s' expects 'on' or 'off'",
                  r->name, name, value, name);
        return false;
    }
    return true;
}

static bool set_number(X86CpuRequest *r, const CpuOption *opt, const char *value, Error **errp)
{
    char *end;
    uint64_t v = g_ascii_strtoull(value, &end, 0);

    if (!g_ascii_isdigit(*value) || *end) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "can't apply global %s-x86_64-cpu.%s=%s: Parameter '%s' expects a number", r->name,
                  opt->name, value, opt->name);
        return false;
    }
    if (v < opt->min || v > opt->max) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "Property '%s-x86_64-cpu.%s' doesn't take value %s (minimum: %" G_GUINT64_FORMAT
                  ", maximum: %" G_GUINT64_FORMAT ")", r->name, opt->name, value,
                  (guint64)opt->min, (guint64)opt->max);
        return false;
    }
    *option_value(r, opt) = v;
    return true;
}

static bool set_text(X86CpuRequest *r, const CpuOption *opt, const char *value, Error **errp)
{
    size_t n = strlen(value);

    if (n < opt->min) {
        error_set(errp, ERR_INVALID_PARAMETER, "Property '%s-x86_64-cpu.%s' doesn't take value '%s'",
                  r->name, opt->name, value);
        error_hint(errp, "it has %d characters", (int)opt->min);
        return false;
    }
    if (n > opt->max && opt->min == opt->max) {
        return set_text(r, opt, "", errp);
    }
    char *at = (char *)option_value(r, opt);
    memset(at, 0, opt->max + 1);
    memcpy(at, value, MIN(n, opt->max)); /* a longer brand string is cut, as QEMU does */
    return true;
}

static bool set_option(X86CpuRequest *r, const char *name, const char *value, Error **errp)
{
    g_autofree char *key = g_strdelimit(g_strdup(name), "_", '-');
    const CpuOption *opt = option_find(key);
    bool on;

    if (!opt || (!strcmp(key, "migratable") && !r->m->max)) {
        return unknown_name(r, name, errp);
    }
    switch (opt->kind) {
    case OPT_NUMBER:
        return set_number(r, opt, value, errp);
    case OPT_TEXT:
        return set_text(r, opt, value, errp);
    default:
        if (!parse_bool(r, name, value, &on, errp)) {
            return false;
        }
        *option_value(r, opt) = on;
        return true;
    }
}

typedef struct PlusMinus {
    X86FeatureSet plus, minus;
} PlusMinus;

static bool parse_item(X86CpuRequest *r, PlusMinus *pm, const char *item, Error **errp)
{
    bool sign = *item == '+' || *item == '-', on = true;
    const char *eq = sign ? NULL : strchr(item, '=');
    g_autofree char *name = eq ? g_strndup(item, eq - item) : g_strdup(item + sign);
    int f = x86_feature_by_name(name);

    if (f < 0) {
        return sign ? unknown_name(r, name, errp) : set_option(r, name, eq ? eq + 1 : "on", errp);
    }
    if (sign) {
        x86_set_put(*item == '+' ? &pm->plus : &pm->minus, f, true);
    } else if (eq && !parse_bool(r, name, eq + 1, &on, errp)) {
        return false;
    } else {
        x86_set_put(&r->c->features, f, on);
    }
    x86_set_put(&r->user, f, true);
    return true;
}

/* ---- the whole ---- */

static void options_of_model(X86CpuRequest *r)
{
    const X86Model *m = r->m;

    r->o = (X86CpuOptions){
        .check = true, .family = m->family, .model = m->model, .stepping = m->stepping,
        .level = X86_AUTO, .xlevel = X86_AUTO, .min_level = m->level, .min_xlevel = m->xlevel,
        .level_func7 = X86_AUTO, .auto_level = true, .l3_cache = true,
        .legacy_cache = !m->caches, .cpuid_0xb = true, .tcg_cpuid = true, .kvm = true,
        .migratable = true, .hv_spinlocks = HYPERV_NO_SPINLOCKS,
    };
    memcpy(r->o.vendor, m->vendor, strnlen(m->vendor, 12));
    g_strlcpy(r->o.model_id, m->model_id ? m->model_id : "", sizeof(r->o.model_id));
}

/* A leaf of four registers as text. */
static void host_text(uint32_t leaf, const uint8_t *order, int n, char *at)
{
    uint32_t out[4];

    for (int i = 0; os_host_cpuid(leaf, 0, out) && i < n; i++) {
        memcpy(at + i * 4, &out[order[i]], 4);
    }
}

/* Models that are the host's own processor. */
static void options_of_host(X86CpuRequest *r)
{
    static const uint8_t vendor[] = {CPUID_EBX, CPUID_EDX, CPUID_ECX};
    static const uint8_t brand[] = {CPUID_EAX, CPUID_EBX, CPUID_ECX, CPUID_EDX};
    const AccelCpuid *base = x86_caps_leaf(r->caps, 0, 0), *ext = x86_caps_leaf(r->caps, 0x80000000, 0);
    X86CpuOptions *o = &r->o;
    uint32_t out[4];

    memset(o->vendor, 0, sizeof(o->vendor));
    memset(o->model_id, 0, sizeof(o->model_id));
    host_text(0, vendor, 3, o->vendor);
    for (int i = 0; i < 3; i++) {
        host_text(0x80000002 + i, brand, 4, o->model_id + i * 16);
    }
    if (os_host_cpuid(1, 0, out)) {
        uint32_t v = out[CPUID_EAX], family = v >> 8 & 15;
        o->family = family == 15 ? 15 + (v >> 20 & 0xff) : family;
        o->model = (v >> 4 & 15) | (family == 15 || family == 6 ? v >> 12 & 0xf0 : 0);
        o->stepping = v & 15;
    }
    o->min_level = base ? MIN(base->reg[CPUID_EAX], 0x1f) : 0;
    o->min_xlevel = ext ? MIN(ext->reg[CPUID_EAX], 0x80000021) : 0;
    o->host_phys_bits = true;
    o->host_cache_info = true;
}

/* Options that ask for what is not there. */
static bool check_options(const X86CpuRequest *r, Error **errp)
{
    const X86CpuOptions *o = &r->o;

    if (o->pmu) {
        error_set(errp, ERR_UNSUPPORTED, "-cpu pmu=on: there are no performance counters");
        return false;
    }
    if (o->tsc_frequency && (o->tsc_frequency < X86_TSC_HZ_MIN || o->tsc_frequency > X86_TSC_HZ_MAX)) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "-cpu tsc-frequency=%" G_GUINT64_FORMAT ": a time stamp counter runs at 1 MHz to 100 GHz",
                  (guint64)o->tsc_frequency);
        return false;
    }
    if (!o->legacy_cache && !r->m->caches) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "CPU model '%s' doesn't support legacy-cache=off", r->m->name);
        return false;
    }
    return true;
}

static bool apply_phys_bits(X86CpuRequest *r, Error **errp)
{
    X86CpuConfig *c = r->c;
    uint64_t bits = r->o.phys_bits;
    uint32_t out[4];

    if (!x86_has(c, F_LM)) {
        if (bits) {
            error_set(errp, ERR_INVALID_PARAMETER, "phys-bits is not user-configurable in 32 bit");
            return false;
        }
        c->phys_bits = x86_has(c, F_PSE36) ? 36 : 32;
        return true;
    }
    if (r->o.host_phys_bits && os_host_cpuid(0x80000008, 0, out)) {
        bits = out[CPUID_EAX] & 0xff;
        if (r->o.host_phys_bits_limit) {
            bits = MIN(bits, r->o.host_phys_bits_limit);
        }
    }
    if (bits && (bits < 32 || bits > 52)) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "phys-bits should be between 32 and 52  (but is %" G_GUINT64_FORMAT ")",
                  (guint64)bits);
        return false;
    }
    c->phys_bits = bits ? bits : 40;
    return true;
}

static void apply_levels(X86CpuRequest *r)
{
    const X86CpuOptions *o = &r->o;
    uint32_t level = o->min_level, xlevel = o->min_xlevel;

    if (o->auto_level) {
        x86_feature_levels(&r->c->features, &level, &xlevel);
    }
    if (x86_has(r->c, F_AMX_TILE) && o->auto_level) {
        level = MAX(level, 0x1e);
    }
    if (r->c->dies > 1 && o->auto_level && r->c->vendor == X86_VENDOR_INTEL) {
        level = MAX(level, 0x1f); /* only there are dies told */
    }
    r->c->level = o->level == X86_AUTO ? level : o->level;
    r->c->xlevel = o->xlevel == X86_AUTO ? xlevel : o->xlevel;
    r->o.level = r->c->level;
    r->o.xlevel = r->c->xlevel;
    if (o->level_func7 == X86_AUTO) {
        r->o.level_func7 = x86_feature_word(&r->c->features, 7, 1, CPUID_EAX) != 0;
    }
    r->c->level_func7 = r->o.level_func7;
}

/* What caps say beside features. */
static void apply_caps(X86CpuRequest *r)
{
    r->c->tcg_leaf = false;
    r->c->kvm_leaf = r->o.kvm;
    const AccelCpuid *five = r->m->max ? x86_caps_leaf(r->caps, 5, 0) : NULL;
    if (five) {
        memcpy(r->c->mwait, five->reg, sizeof(r->c->mwait));
    }
    for (unsigned i = 2; i < ARRAY_LEN(r->c->xstate_offset); i++) {
        const AccelCpuid *c = x86_caps_leaf(r->caps, 0xd, i);
        r->c->xstate_offset[i] = c ? c->reg[CPUID_EBX] : 0;
    }
}

static bool wants_hyperv(const X86CpuRequest *r)
{
    bool any = r->o.hv_spinlocks != HYPERV_NO_SPINLOCKS || r->o.hv_passthrough;

    for (int f = 0; f < F__COUNT; f++) {
        any |= x86_feature_of_hyperv(f) && x86_has(r->c, f);
    }
    return any;
}

static void apply_options(X86CpuRequest *r)
{
    const X86CpuOptions *o = &r->o;
    X86CpuConfig *c = r->c;

    memcpy(c->vendor_id, o->vendor, sizeof(c->vendor_id));
    memcpy(c->model_id, o->model_id, sizeof(c->model_id));
    c->vendor = !strcmp(o->vendor, "GenuineIntel")   ? X86_VENDOR_INTEL
                : !strcmp(o->vendor, "AuthenticAMD") ? X86_VENDOR_AMD
                                                     : X86_VENDOR_OTHER;
    c->family = o->family;
    c->model = o->model;
    c->stepping = o->stepping;
    c->caches = o->legacy_cache ? NULL : r->m->caches;
    c->l3_cache = o->l3_cache;
    c->host_caches = o->host_cache_info;
    c->topology_leaf = o->cpuid_0xb;
    c->tcg_leaf = o->tcg_cpuid;
    c->ucode_rev = o->ucode_rev                   ? o->ucode_rev
                   : c->vendor == X86_VENDOR_AMD ? 0x01000065
                                                 : 0x100000000ull;
    c->tsc_hz = o->tsc_frequency || r->caps ? o->tsc_frequency : X86_TSC_HZ;
    if (r->caps) {
        apply_caps(r);
    }
    c->hv_spinlocks = (uint32_t)o->hv_spinlocks;
    c->hv_enforce = o->hv_enforce;
    memcpy(c->hv_vendor, o->hv_vendor, sizeof(c->hv_vendor));
    c->hyperv = r->caps && wants_hyperv(r);
}

bool x86_request_parse(X86CpuRequest *r, char **items, Error **errp)
{
    PlusMinus pm = {0};

    r->name = items[0];
    r->m = x86_model_find(items[0], errp);
    if (!r->m) {
        return false;
    }
    if (r->m->host && !r->caps) {
        error_set(errp, ERR_UNSUPPORTED, "CPU model 'host' requires KVM");
        error_hint(errp, "the translator's best is '-cpu max'");
        return false;
    }
    options_of_model(r);
    if (r->m->max && r->caps) {
        options_of_host(r);
    }
    x86_model_features(r->m, r->caps, &r->c->features);
    for (char **i = items + 1; *i; i++) {
        if (**i && !parse_item(r, &pm, *i, errp)) {
            return false;
        }
    }
    for (int w = 0; w < F_WORDS; w++) {
        r->c->features.w[w] = (r->c->features.w[w] | pm.plus.w[w]) & ~pm.minus.w[w];
    }
    if (r->o.hv_passthrough && r->caps) {
        x86_hyperv_all(r->c, r->caps, &r->user, r->o.hv_vendor, &r->o.hv_spinlocks);
    }
    apply_options(r);
    if (!check_options(r, errp) || !apply_phys_bits(r, errp)) {
        return false;
    }
    apply_levels(r);
    return true;
}

/* What hangs on a feature that is not there goes too; it is worth a word only if it was named. */
static void drop_orphans(X86CpuRequest *r, bool quiet)
{
    X86FeatureSet before = r->c->features;

    x86_feature_drop_orphans(&r->c->features);
    for (int f = 0; f < F__COUNT && !quiet; f++) {
        if (x86_set_has(&before, f) && !x86_has(r->c, f) && x86_set_has(&r->user, f)) {
            g_autofree char *what = x86_feature_describe(f);
            warn_report("This feature depends on other features that were not requested: %s", what);
        }
    }
}

bool x86_request_filter(X86CpuRequest *r, bool quiet, Error **errp)
{
    GString *names = g_string_new(NULL);
    const char *who = r->caps ? "host" : "TCG";

    quiet |= !r->o.check && !r->o.enforce;
    drop_orphans(r, quiet);
    if (!r->caps && !quiet && !r->o.enforce && wants_hyperv(r)) {
        warn_report("Hyper-V's enlightenments (hv-*) need KVM and are left out");
    }
    for (int f = 0; f < F__COUNT; f++) {
        if (!x86_has(r->c, f) || (r->caps ? x86_feature_in_caps(f, r->caps) : x86_feature_supported(f))) {
            continue;
        }
        x86_set_put(&r->lacking, f, true);
        if (!r->caps || !r->o.force) { /* what the kernel does not list may work all the same; the translator's cannot */
            x86_set_put(&r->c->features, f, false);
        }
        g_string_append_printf(names, "%s%s", names->len ? ", " : "", x86_feature_name(f));
        if ((!quiet || r->o.enforce) && !x86_feature_of_hyperv(f)) {
            g_autofree char *what = x86_feature_describe(f);
            warn_report("%s doesn't support requested feature: %s", who, what);
        }
    }
    x86_feature_drop_orphans(&r->c->features);
    if (r->caps && !x86_hyperv_check(r->c, &r->lacking, r->caps, errp)) {
        g_string_free(names, TRUE);
        return false;
    }
    g_autofree char *list = g_string_free(names, FALSE);
    if (*list && r->o.enforce) {
        error_set(errp, ERR_UNSUPPORTED, "%s doesn't support requested features", who);
        error_hint(errp, "they are %s", list);
        return false;
    }
    return true;
}

bool x86_config_parse(X86CpuConfig *c, const char *text, const AccelX86 *caps, bool quiet, Error **errp)
{
    g_auto(GStrv) items = g_strsplit(text && *text ? text : "qemu64", ",", -1);
    X86CpuRequest r = {.c = c, .caps = caps};

    if (!x86_request_parse(&r, items, errp) || !x86_request_filter(&r, quiet, errp)) {
        return false;
    }
    x86_config_finish(c);
    return true;
}
