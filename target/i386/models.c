/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU models, and the text of -cpu: "model,+feat,-feat,feat=on|off,option=value".
 * Names and defaults are QEMU's.
 */
#include <stdlib.h>
#include <string.h>
#include "base/suggest.h"
#include "target/i386/system.h"

/* ---- the models ---- */

#define PENTIUM_PRO                                                                                \
    F_FPU, F_DE, F_PSE, F_TSC, F_MSR, F_MCE, F_CX8, F_PGE, F_CMOV, F_PAT, F_FXSR, F_MMX, F_SSE,    \
        F_SSE2, F_PAE, F_SEP, F_APIC
#define PC_BASICS PENTIUM_PRO, F_MTRR, F_CLFSH, F_MCA, F_PSE36

static const uint16_t qemu64_features[] = {
    PC_BASICS, F_SSE3, F_CX16, F_LM, F_SYSCALL, F_NX, F_LAHF64, F_SVM, F_HYPERVISOR, F__COUNT,
};
static const uint16_t qemu32_features[] = {PENTIUM_PRO, F_SSE3, F_HYPERVISOR, F__COUNT};
static const uint16_t kvm64_features[] = {
    PC_BASICS, F_VME, F_SSE3, F_CX16, F_LM, F_SYSCALL, F_NX, F_HYPERVISOR, F__COUNT,
};
static const uint16_t kvm32_features[] = {PC_BASICS, F_VME, F_SSE3, F_HYPERVISOR, F__COUNT};
static const uint16_t base_features[] = {F_HYPERVISOR, F__COUNT};

static const X86Model data_qemu64 = {
    .vendor = X86_VENDOR_AMD, .family = 15, .model = 107, .stepping = 1, .level = 0xd,
    .xlevel = 0x8000000a, .model_id = "QEMU Virtual CPU version 2.5+", .features = qemu64_features,
};
static const X86Model data_qemu32 = {
    .vendor = X86_VENDOR_INTEL, .family = 6, .model = 6, .stepping = 3, .level = 4,
    .xlevel = 0x80000004, .model_id = "QEMU Virtual CPU version 2.5+", .features = qemu32_features,
};
static const X86Model data_kvm64 = {
    .vendor = X86_VENDOR_INTEL, .family = 15, .model = 6, .stepping = 1, .level = 0xd,
    .xlevel = 0x80000008, .model_id = "Common KVM processor", .features = kvm64_features,
};
static const X86Model data_kvm32 = {
    .vendor = X86_VENDOR_INTEL, .family = 15, .model = 6, .stepping = 1, .level = 5,
    .xlevel = 0x80000008, .model_id = "Common 32-bit KVM processor", .features = kvm32_features,
};
static const X86Model data_base = {
    .vendor = X86_VENDOR_AMD, .family = 6, .model = 6, .stepping = 3, .level = 1,
    .xlevel = 0x80000004, .model_id = "", .features = base_features,
};
static const X86Model data_max = {
    .vendor = X86_VENDOR_AMD, .family = 15, .model = 107, .stepping = 1, .level = 0x16,
    .xlevel = 0x80000021, .model_id = "QEMU TCG CPU version 2.5+",
};

static const CpuModel qemu64 = {"qemu64", "QEMU's default 64-bit processor", &data_qemu64};
static const CpuModel qemu32 = {"qemu32", "QEMU's default 32-bit processor", &data_qemu32};
static const CpuModel kvm64 = {"kvm64", "common denominator of KVM hosts", &data_kvm64};
static const CpuModel kvm32 = {"kvm32", "the same without long mode", &data_kvm32};
static const CpuModel base = {"base", "no features: add them one by one", &data_base};
static const CpuModel max = {"max", "everything that the accelerator supports", &data_max};

const CpuModel *const x86_models[] = {&qemu64, &qemu32, &kvm64, &kvm32, &base, &max, NULL};

static const char *const vendor_names[] = {
    [X86_VENDOR_OTHER] = "", [X86_VENDOR_INTEL] = "GenuineIntel", [X86_VENDOR_AMD] = "AuthenticAMD",
};

/* ---- derived values ---- */

static uint64_t cr4_valid(const X86CpuConfig *c)
{
    static const struct {
        uint16_t feature;
        uint32_t bits;
    } rows[] = {
        {F_VME, CR4_VME | CR4_PVI}, {F_TSC, CR4_TSD}, {F_DE, CR4_DE}, {F_PSE, CR4_PSE},
        {F_PAE, CR4_PAE}, {F_MCE, CR4_MCE}, {F_PGE, CR4_PGE}, {F_FXSR, CR4_OSFXSR},
        {F_SSE, CR4_OSXMMEXCPT}, {F_UMIP, CR4_UMIP}, {F_LA57, CR4_LA57},
        {F_FSGSBASE, CR4_FSGSBASE}, {F_PCID, CR4_PCIDE}, {F_XSAVE, CR4_OSXSAVE},
        {F_SMEP, CR4_SMEP}, {F_SMAP, CR4_SMAP}, {F_PKU, CR4_PKE},
    };
    uint64_t v = CR4_PCE;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        v |= x86_has(c, rows[i].feature) ? rows[i].bits : 0;
    }
    return v;
}

static uint64_t efer_valid(const X86CpuConfig *c)
{
    uint64_t v = 0;

    v |= x86_has(c, F_SYSCALL) ? EFER_SCE : 0;
    v |= x86_has(c, F_LM) ? EFER_LME : 0;
    v |= x86_has(c, F_NX) ? EFER_NXE : 0;
    v |= x86_has(c, F_SVM) ? EFER_SVME : 0;
    v |= x86_has(c, F_FXSR_OPT) ? EFER_FFXSR : 0;
    v |= x86_has(c, F_AUTOIBRS) ? EFER_AIBRSE : 0;
    return v;
}

void x86_config_finish(X86CpuConfig *c)
{
    c->virt_bits = x86_has(c, F_LM) ? 48 : 32;
    c->pa_reserved = MASK64(0, 52) & ~MASK64(0, c->phys_bits);
    c->cr4_valid = cr4_valid(c);
    c->efer_valid = efer_valid(c);
    c->xcr0_valid = x86_has(c, F_XSAVE) ? (x86_has(c, F_AVX) ? 7 : 3) : 1;
    c->xcr0_valid |= x86_has(c, F_XSAVE) && x86_has(c, F_PKU) ? XSTATE_PKRU : 0;
    c->mxcsr_mask = 0xffff;
    /* What no translated code can leak: RDCL, SSB, MDS, PSCHANGE, TAA, SBDR, FBSDP, PSDP, BHI,
     * PBRSB, GDS, RFDS; L1D flush at VM entry not needed. */
    c->arch_capabilities = 1 << 0 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 8 | 7 << 13 |
                           1 << 20 | 1 << 24 | 1 << 26 | 1 << 27;
    if (c->vendor == X86_VENDOR_INTEL && x86_has(c, F_SPEC_CTRL)) {
        c->arch_capabilities |= 1 << 1; /* IBRS_ALL: no retpolines */
    }
    c->sockets = MAX(c->sockets, 1);
    c->dies = MAX(c->dies, 1);
    c->cores = MAX(c->cores, 1);
    c->threads = MAX(c->threads, 1);
}

static void config_of_model(X86CpuConfig *c, const X86Model *m)
{
    c->vendor = m->vendor;
    c->family = m->family;
    c->model = m->model;
    c->stepping = m->stepping;
    c->level = m->level;
    c->xlevel = m->xlevel;
    c->phys_bits = 40;
    g_strlcpy(c->vendor_id, vendor_names[m->vendor], sizeof(c->vendor_id));
    memset(c->model_id, 0, sizeof(c->model_id));
    g_strlcpy(c->model_id, m->model_id, sizeof(c->model_id));
    for (int f = 0; !m->features && f < F__COUNT; f++) {
        x86_set_put(&c->features, f, x86_feature_in_max(f));
    }
    for (const uint16_t *f = m->features; f && *f != F__COUNT; f++) {
        x86_set_put(&c->features, *f, true);
    }
}

/* ---- the text ---- */

typedef struct CpuText {
    X86CpuConfig *c;
    X86FeatureSet asked; /* by name */
    bool check, enforce, quiet;
} CpuText;

static const char *const option_names[] = {
    "check", "enforce", "phys-bits", "family", "model", "stepping", "level", "xlevel", "vendor",
    "model-id", "migratable", "pmu", "kvm", NULL,
};

/* Spellings with '_' are the old ones; "i64" and the like are synonyms. */
static int feature_by_name(const char *name)
{
    static const char *const synonym[][2] = {
        {"sse3", "pni"}, {"lzcnt", "abm"}, {"i64", "lm"}, {"xd", "nx"}, {"ffxsr", "fxsr-opt"},
        {"sse4-1", "sse4.1"}, {"sse4-2", "sse4.2"}, {"pclmuldq", "pclmulqdq"},
    };
    g_autofree char *key = g_strdelimit(g_ascii_strdown(name, -1), "_", '-');

    for (size_t i = 0; i < ARRAY_LEN(synonym); i++) {
        if (!strcmp(key, synonym[i][0])) {
            return feature_by_name(synonym[i][1]);
        }
    }
    for (int f = 0; f < F__COUNT; f++) {
        if (!strcmp(key, x86_feature_name(f))) {
            return f;
        }
    }
    return -1;
}

static bool unknown_name(const char *name, Error **errp)
{
    const char *all[F__COUNT + ARRAY_LEN(option_names)];
    const char *near;

    for (int f = 0; f < F__COUNT; f++) {
        all[f] = x86_feature_name(f);
    }
    memcpy(all + F__COUNT, option_names, sizeof(option_names));
    error_set(errp, ERR_INVALID_PARAMETER, "CPU feature '%s' is not known", name);
    near = suggest_name(name, all);
    if (near) {
        error_hint(errp, "did you mean '%s'?", near);
    }
    return false;
}

static bool parse_bool(const char *name, const char *value, bool *v, Error **errp)
{
    if (!strcmp(value, "on") || !strcmp(value, "yes") || !strcmp(value, "true")) {
        *v = true;
    } else if (!strcmp(value, "off") || !strcmp(value, "no") || !strcmp(value, "false")) {
        *v = false;
    } else {
        error_set(errp, ERR_INVALID_PARAMETER, "CPU option '%s=%s': expected 'on' or 'off'", name,
                  value);
        return false;
    }
    return true;
}

static bool parse_number(const char *name, const char *value, uint64_t min, uint64_t max_v,
                         uint64_t *v, Error **errp)
{
    char *end;

    *v = strtoull(value, &end, 0);
    if (!*value || *end || *v < min || *v > max_v) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "CPU option '%s=%s': expected a number from %" G_GUINT64_FORMAT
                  " to %" G_GUINT64_FORMAT, name, value, (guint64)min, (guint64)max_v);
        return false;
    }
    return true;
}

static bool set_vendor(X86CpuConfig *c, const char *value, Error **errp)
{
    if (strlen(value) != 12) {
        error_set(errp, ERR_INVALID_PARAMETER, "CPU option 'vendor=%s': expected 12 characters",
                  value);
        return false;
    }
    g_strlcpy(c->vendor_id, value, sizeof(c->vendor_id));
    c->vendor = !strcmp(value, vendor_names[X86_VENDOR_INTEL]) ? X86_VENDOR_INTEL
                : !strcmp(value, vendor_names[X86_VENDOR_AMD]) ? X86_VENDOR_AMD
                                                               : X86_VENDOR_OTHER;
    return true;
}

static bool set_number(X86CpuConfig *c, const char *name, const char *value, Error **errp)
{
    static const struct {
        const char *name;
        uint64_t min, max;
    } rows[] = {
        {"phys-bits", 32, 52}, {"family", 0, 270}, {"model", 0, 255}, {"stepping", 0, 15},
        {"level", 0, 0x3fffffff}, {"xlevel", 0x80000000u, 0xffffffffu},
    };
    uint64_t v;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(name, rows[i].name)) {
            continue;
        }
        if (!parse_number(name, value, rows[i].min, rows[i].max, &v, errp)) {
            return false;
        }
        switch (i) {
        case 0:
            c->phys_bits = v;
            break;
        case 1:
            c->family = v;
            break;
        case 2:
            c->model = v;
            break;
        case 3:
            c->stepping = v;
            break;
        case 4:
            c->level = v;
            break;
        default:
            c->xlevel = v;
            break;
        }
        return true;
    }
    return unknown_name(name, errp);
}

static bool set_option(CpuText *t, const char *name, const char *value, Error **errp)
{
    bool ignored;

    if (!strcmp(name, "check")) {
        return parse_bool(name, value, &t->check, errp);
    }
    if (!strcmp(name, "enforce")) {
        return parse_bool(name, value, &t->enforce, errp);
    }
    if (!strcmp(name, "migratable") || !strcmp(name, "pmu") || !strcmp(name, "kvm")) {
        return parse_bool(name, value, &ignored, errp);
    }
    if (!strcmp(name, "vendor")) {
        return set_vendor(t->c, value, errp);
    }
    if (!strcmp(name, "model-id")) {
        memset(t->c->model_id, 0, sizeof(t->c->model_id));
        g_strlcpy(t->c->model_id, value, sizeof(t->c->model_id));
        return true;
    }
    return set_number(t->c, name, value, errp);
}

static bool set_feature(CpuText *t, const char *name, bool on, Error **errp)
{
    int f = feature_by_name(name);

    if (f < 0) {
        return unknown_name(name, errp);
    }
    x86_set_put(&t->asked, f, on);
    x86_set_put(&t->c->features, f, on);
    return true;
}

static bool parse_item(CpuText *t, char *item, Error **errp)
{
    char *eq = strchr(item, '=');
    bool on;

    if (*item == '+' || *item == '-') {
        return set_feature(t, item + 1, *item == '+', errp);
    }
    if (eq) {
        *eq++ = 0;
    }
    if (feature_by_name(item) < 0) {
        return set_option(t, item, eq ? eq : "on", errp);
    }
    return parse_bool(item, eq ? eq : "on", &on, errp) && set_feature(t, item, on, errp);
}

/* Take away what the translator lacks; say so when it was asked for. */
static bool filter_features(CpuText *t, Error **errp)
{
    for (int f = 0; f < F__COUNT; f++) {
        bool asked = x86_set_has(&t->asked, f);

        if (!x86_has(t->c, f) || x86_feature_supported(f)) {
            continue;
        }
        if (t->enforce) {
            error_set(errp, ERR_UNSUPPORTED, "CPU feature '%s' is not supported by the translator",
                      x86_feature_name(f));
            error_hint(errp, "take '-%s', or leave out 'enforce'", x86_feature_name(f));
            return false;
        }
        if ((asked || t->check) && !t->quiet) {
            warn_report("CPU feature '%s' is not supported by the translator: not shown to the guest",
                        x86_feature_name(f));
        }
        x86_set_put(&t->c->features, f, false);
    }
    return true;
}

static const X86Model *model_by_name(const char *name, Error **errp)
{
    const char *names[ARRAY_LEN(x86_models)];
    const char *near;

    for (size_t i = 0; i < ARRAY_LEN(x86_models); i++) {
        names[i] = x86_models[i] ? x86_models[i]->name : NULL;
        if (names[i] && !strcmp(names[i], name)) {
            return x86_models[i]->data;
        }
    }
    if (!strcmp(name, "host")) {
        error_set(errp, ERR_UNSUPPORTED, "CPU model 'host' needs KVM");
        error_hint(errp, "the translator's best is '-cpu max'");
        return NULL;
    }
    error_set(errp, ERR_INVALID_PARAMETER, "CPU model '%s' is not known", name);
    near = suggest_name(name, names);
    error_hint(errp, near ? "did you mean '%s'?" : "see '-cpu help'", near);
    return NULL;
}

bool x86_config_parse(X86CpuConfig *c, const char *text, bool quiet, Error **errp)
{
    g_auto(GStrv) items = g_strsplit(text && *text ? text : "qemu64", ",", -1);
    const X86Model *m = model_by_name(items[0], errp);
    CpuText t = {.c = c, .quiet = quiet};

    if (!m) {
        return false;
    }
    config_of_model(c, m);
    for (char **i = items + 1; *i; i++) {
        if (**i && !parse_item(&t, *i, errp)) {
            return false;
        }
    }
    if (!filter_features(&t, errp)) {
        return false;
    }
    x86_config_finish(c);
    return true;
}
