/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of -cpu: models by name and their properties, named as QEMU names them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/bits.h"
#include "base/suggest.h"
#include "target/arm/cpu_text.h"
#include "target/arm/env.h"

/* ---- models ---- */

static bool model_implemented(const ArmModel *m)
{
    return m->aarch64 || arm_feature_implemented(ARM_FEAT_AA32_EL1);
}

const ArmModel *arm_model_at(int i)
{
    for (const ArmModel *m = arm_models_a64; m->name; m++) {
        if (i-- == 0) {
            return m;
        }
    }
    for (const ArmModel *m = arm_models_a32; m->name; m++) {
        if (model_implemented(m) && i-- == 0) {
            return m;
        }
    }
    return NULL;
}

const ArmModel *arm_model_find(const char *name, Error **errp)
{
    const char *all[64];
    const ArmModel *m;
    int n = 0;

    for (int i = 0; (m = arm_model_at(i)); i++) {
        if (!strcmp(m->name, name)) {
            return m;
        }
        all[n++] = m->name;
    }
    all[n] = NULL;
    for (m = arm_models_a32; m->name; m++) {
        if (!strcmp(m->name, name)) {
            error_set(errp, ERR_UNSUPPORTED, "CPU model '%s' needs AArch32, which is not implemented", name);
            return NULL;
        }
    }
    const char *near = suggest_name(name, all);
    error_set(errp, ERR_INVALID_PARAMETER, "unable to find CPU model '%s'", name);
    if (near) {
        error_hint(errp, "did you mean '%s'?", near);
    } else if (!strcmp(name, "host")) {
        error_hint(errp, "that is what guests under -accel kvm have; '-cpu help' lists the models of the translator");
    } else {
        error_hint(errp, "'-cpu help' lists the models");
    }
    return NULL;
}

/* What Armv8 with AArch32 has of the older architectures. */
static const uint16_t v8_a32[] = {
    ARM_FEAT_V6,   ARM_FEAT_V6K,      ARM_FEAT_V7,       ARM_FEAT_V7VE, ARM_FEAT_LPAE, ARM_FEAT_THUMB, ARM_FEAT_THUMB2,
    ARM_FEAT_DSP,  ARM_FEAT_IDIV_A32, ARM_FEAT_IDIV_T32, ARM_FEAT_MP,   ARM_FEAT_VFP2, ARM_FEAT_VFP3,  ARM_FEAT_VFP4,
    ARM_FEAT_D32,  ARM_FEAT_NEON,
};

static void take_model(ArmCpuConfig *c, const ArmModel *m)
{
    c->aarch64 = m->aarch64;
    c->midr = m->midr;
    c->compatible = m->compatible;
    c->reset_sctlr = m->reset_sctlr;
    c->reset_fpsid = m->fpsid;
    c->sve_vq_map = m->sve_vq_map;
    for (const ArmIdValue *v = m->ids; v->reg != ARM_ID__COUNT; v++) {
        c->id[v->reg] = v->value;
    }
    for (const uint16_t *f = m->features; f && *f != ARM_FEAT__COUNT; f++) {
        arm_feature_put(c, *f, true);
    }
    if (m->max) {
        for (int f = 0; f < ARM_FEAT__COUNT; f++) {
            arm_feature_put(c, (ArmFeature)f, arm_feature_implemented((ArmFeature)f));
        }
        /* The algorithms of pointer authentication exclude each other; which: settle_pauth(). */
        arm_feature_put(c, ARM_FEAT_JAZELLE, false);
    } else {
        arm_features_from_ids(c);
    }
    if (m->aarch64) {
        arm_feature_put(c, ARM_FEAT_V8, true);
        arm_feature_put(c, ARM_FEAT_GTIMER, true);
        arm_feature_put(c, ARM_FEAT_GICv3_SR, true);
        for (size_t i = 0; i < ARRAY_LEN(v8_a32); i++) {
            arm_feature_put(c, v8_a32[i], arm_has(c, ARM_FEAT_AA32));
        }
    }
}

/* ---- properties ---- */

typedef enum PropKind { PROP_BOOL, PROP_U64 } PropKind;
typedef enum PropOf { OF_ALL, OF_A64, OF_FP, OF_SVE, OF_PAUTH, OF_MAX, OF_EL2, OF_EL3, OF_PMU } PropOf;
typedef struct Prop {
    const char *name;
    PropKind kind;
    PropOf of;
    uint16_t offset;
    int16_t flag;    /* offset of the bool that says that it was given, -1: none */
    bool told;       /* by query-cpu-model-expansion */
    bool host;       /* -cpu host has it */
} Prop;
#define BOOL(text, field, of, told) {text, PROP_BOOL, of, offsetof(ArmCpuRequest, field), -1, told, false}
#define HOST_BOOL(text, field, of) {text, PROP_BOOL, of, offsetof(ArmCpuRequest, field), -1, true, true}
#define U64(text, field, of) {text, PROP_U64, of, offsetof(ArmCpuRequest, field), -1, false, false}
#define U64_SET(text, field, flag) \
    {text, PROP_U64, OF_ALL, offsetof(ArmCpuRequest, field), offsetof(ArmCpuRequest, flag), false, false}

static const Prop props[] = {
    HOST_BOOL("aarch64", aarch64, OF_A64),
    BOOL("pmu", pmu, OF_PMU, true),
    HOST_BOOL("sve", sve, OF_SVE),
    HOST_BOOL("pauth", pauth, OF_PAUTH),
    BOOL("pauth-impdef", pauth_impdef, OF_PAUTH, true),
    BOOL("has_el2", el2, OF_EL2, false),
    BOOL("has_el3", el3, OF_EL3, false),
    BOOL("neon", neon, OF_FP, false),
    BOOL("vfp", vfp, OF_FP, false),
    BOOL("lpa2", lpa2, OF_MAX, false),
    BOOL("cfgend", cfgend, OF_ALL, false),
    U64("sve-max-vq", sve_max_vq, OF_SVE),
    U64("rvbar", rvbar, OF_A64),
    U64("cntfrq", cntfrq, OF_ALL),
    U64_SET("midr", midr, has_midr),
    U64_SET("mp-affinity", mp_affinity, has_affinity),
};

static bool prop_exists(const ArmModel *m, const ArmCpuConfig *c, const Prop *p)
{
    if (m->host) {
        return p->host;
    }
    switch (p->of) {
    case OF_A64:
        return m->aarch64;
    case OF_FP:
        return arm_has(c, ARM_FEAT_FP) || arm_has(c, ARM_FEAT_VFP2);
    case OF_SVE:
        return arm_has(c, ARM_FEAT_SVE) && (strcmp(p->name, "sve-max-vq") || m->max);
    case OF_PAUTH:
        return arm_has(c, ARM_FEAT_PAuth) || arm_has(c, ARM_FEAT_PAuth_IMPDEF);
    case OF_MAX:
        return m->max;
    case OF_EL2:
        return arm_has(c, ARM_FEAT_EL2);
    case OF_EL3:
        return arm_has(c, ARM_FEAT_EL3);
    case OF_PMU:
        return arm_has(c, ARM_FEAT_PMUv3);
    default:
        return true;
    }
}

static bool refuse(const ArmCpuRequest *r, const char *name, const char *value, const char *why, Error **errp)
{
    error_set(errp, ERR_INVALID_PARAMETER, "can't apply global %s-arm-cpu.%s=%s: %s", r->m->name, name, value, why);
    return false;
}

static bool unknown(const ArmCpuRequest *r, const char *name, const char *value, Error **errp)
{
    const char *all[ARRAY_LEN(props) + 1];
    g_autofree char *why = g_strdup_printf("Property '%s-arm-cpu.%s' not found", r->m->name, name);
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(props); i++) {
        if (prop_exists(r->m, r->c, &props[i])) {
            all[n++] = props[i].name;
        }
    }
    all[n] = NULL;
    refuse(r, name, value, why, errp);
    const char *near = suggest_name(name, all);
    if (near) {
        error_hint(errp, "did you mean '%s'?", near);
    }
    return false;
}

static bool parse_bool(const char *text, bool *v)
{
    static const char *const on[] = {"on", "yes", "true", "y"}, *const off[] = {"off", "no", "false", "n"};

    for (size_t i = 0; i < ARRAY_LEN(on); i++) {
        if (!strcmp(text, on[i]) || !strcmp(text, off[i])) {
            *v = !strcmp(text, on[i]);
            return true;
        }
    }
    return false;
}

static bool set_bool(ArmCpuRequest *r, const char *name, const char *value, bool *v, Error **errp)
{
    g_autofree char *why = g_strdup_printf("Parameter '%s' expects 'on' or 'off'", name);

    return parse_bool(value, v) || refuse(r, name, value, why, errp);
}

static bool set_prop(ArmCpuRequest *r, const Prop *p, const char *value, Error **errp)
{
    char *field = (char *)r + p->offset, *end;
    bool on;

    if (p->kind == PROP_BOOL) {
        if (!set_bool(r, p->name, value, &on, errp)) {
            return false;
        }
        *(int *)field = on;
        g_autofree char *why = on && r->host ? arm_host_lacks(r->host, p->name) : NULL;
        return !why || refuse(r, p->name, value, why, errp);
    }
    errno = 0;
    uint64_t n = g_ascii_strtoull(value, &end, 0);
    if (errno || end == value || *end || *value == '-') {
        g_autofree char *why = g_strdup_printf("Parameter '%s' expects uint64", p->name);
        return refuse(r, p->name, value, why, errp);
    }
    *(uint64_t *)field = n;
    if (p->flag >= 0) {
        *((bool *)r + p->flag) = true;
    }
    return true;
}

static bool item(ArmCpuRequest *r, const char *text, Error **errp)
{
    const char *eq = strchr(text, '=');
    bool on;

    if (!eq) {
        error_set(errp, ERR_INVALID_PARAMETER, "Expected key=value format, found %s.", text);
        return false;
    }
    g_autofree char *name = g_strndup(text, (gsize)(eq - text));
    int length = r->host || arm_has(r->c, ARM_FEAT_SVE) ? arm_sve_length(name) : -1;
    if (length >= 0) {
        if (!set_bool(r, name, eq + 1, &on, errp)) {
            return false;
        }
        r->sve_on = (r->sve_on & ~(1u << length)) | (uint32_t)on << length;
        r->sve_off = (r->sve_off & ~(1u << length)) | (uint32_t)!on << length;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(props); i++) {
        if (!strcmp(props[i].name, name) && prop_exists(r->m, r->c, &props[i])) {
            return set_prop(r, &props[i], eq + 1, errp);
        }
    }
    return unknown(r, name, eq + 1, errp);
}

/* ---- what comes of it ---- */

static bool settle_pauth(ArmCpuRequest *r, Error **errp)
{
    ArmCpuConfig *c = r->c;
    bool on = r->pauth != 0, impdef = r->pauth_impdef == 1;

    if (r->host) {
        c->host = true;
        c->host_pauth = on && r->host->pauth;
    }
    if (!arm_has(c, ARM_FEAT_PAuth) || (r->host && on)) {
        return true; /* the host's algorithm is what it is */
    }
    if (!on && impdef) {
        error_set(errp, ERR_INVALID_PARAMETER, "cannot enable pauth-impdef without pauth");
        error_hint(errp, "add pauth=on");
        return false;
    }
    arm_feature_put(c, ARM_FEAT_PAuth, on);
    arm_feature_put(c, ARM_FEAT_PAuth_QARMA5, on && !impdef);
    arm_feature_put(c, ARM_FEAT_PAuth_IMPDEF, on && impdef);
    return true;
}

static void drop_if(ArmCpuConfig *c, int said, ArmFeature f)
{
    if (said == 0) {
        arm_feature_put(c, f, false);
    }
}

static bool settle_width(ArmCpuRequest *r, Error **errp)
{
    ArmCpuConfig *c = r->c;

    if (r->aarch64 != 0) {
        return true;
    }
    if (!arm_has(c, ARM_FEAT_AA32_EL1)) {
        error_set(errp, ERR_UNSUPPORTED, "'aarch64' cannot be disabled: there is no 32-bit EL1");
        return false;
    }
    c->aarch64 = false;
    arm_feature_put(c, ARM_FEAT_AA64, false);
    return true;
}

static unsigned pa_bits(const ArmCpuConfig *c)
{
    static const uint8_t bits[8] = {32, 36, 40, 42, 44, 48, 52, 52};
    unsigned n = c->id[ARM_ID_ID_AA64MMFR0_EL1] & 15;

    if (!c->aarch64) {
        return arm_has(c, ARM_FEAT_LPAE) ? 40 : 32;
    }
    return bits[n & 7];
}

/* A physical address of 52 bits needs descriptors that have them (D17.2.65, PARange). */
static void limit_pa(ArmCpuConfig *c)
{
    uint64_t *mmfr0 = &c->id[ARM_ID_ID_AA64MMFR0_EL1];

    if ((*mmfr0 & 15) >= 6 && !arm_has(c, ARM_FEAT_LPA)) {
        *mmfr0 = (*mmfr0 & ~15ull) | 5;
    }
}

static bool settle(ArmCpuRequest *r, Error **errp)
{
    ArmCpuConfig *c = r->c;

    drop_if(c, r->el2, ARM_FEAT_EL2);
    drop_if(c, r->el3, ARM_FEAT_EL3);
    drop_if(c, r->pmu, ARM_FEAT_PMUv3);
    drop_if(c, r->sve, ARM_FEAT_SVE);
    drop_if(c, r->neon, ARM_FEAT_ASIMD);
    drop_if(c, r->neon, ARM_FEAT_NEON);
    drop_if(c, r->vfp, ARM_FEAT_FP);
    drop_if(c, r->vfp, ARM_FEAT_VFP2);
    drop_if(c, r->lpa2, ARM_FEAT_LPA2);
    if (!settle_width(r, errp) || !settle_pauth(r, errp)) {
        return false;
    }
    arm_features_settle(c);
    if (!arm_settle_sve(r, errp)) {
        return false;
    }
    limit_pa(c);
    arm_ids_from_features(c);
    c->pa_bits = (uint8_t)pa_bits(c);
    c->reset_pc = r->rvbar;
    c->cnt_freq = (uint32_t)r->cntfrq;
    c->midr = r->has_midr ? r->midr : c->midr;
    if (arm_has(c, ARM_FEAT_V8) || arm_has(c, ARM_FEAT_MP)) {
        c->mpidr |= 1u << 31; /* the format of the multiprocessing extensions */
    }
    if (r->has_affinity) {
        c->mpidr = (c->mpidr & ~0xff00ffffffull) | (r->mp_affinity & 0xff00ffffffull);
    }
    if (r->cfgend == 1) {
        c->reset_sctlr |= 1u << 25; /* EE */
    }
    return true;
}

static bool find_model(ArmCpuRequest *r, char **items, Error **errp)
{
    if (!r->host) {
        r->m = arm_model_find(items[0], errp);
        return r->m != NULL;
    }
    if (strcmp(items[0], "host") && strcmp(items[0], "max")) {
        error_set(errp, ERR_UNSUPPORTED, "-cpu %s: guests under this accelerator have the host's processor", items[0]);
        error_hint(errp, "-cpu host");
        return false;
    }
    r->m = arm_host_model(r);
    return true;
}

bool arm_request_parse(ArmCpuRequest *r, char **items, Error **errp)
{
    ArmCpuConfig *c = r->c;

    r->aarch64 = r->el2 = r->el3 = r->pmu = r->neon = r->vfp = r->sve = -1;
    r->pauth = r->pauth_impdef = r->lpa2 = r->cfgend = -1;
    r->cntfrq = r->host ? r->host->cnt_freq : 62500000;
    if (!find_model(r, items, errp)) {
        return false;
    }
    take_model(c, r->m);
    if (r->host) {
        arm_without_host_levels(c);
    }
    /* Properties of what is not implemented do not exist. */
    for (int f = 0; f < ARM_FEAT__COUNT; f++) {
        if (!arm_feature_implemented((ArmFeature)f)) {
            arm_feature_put(c, (ArmFeature)f, false);
        }
    }
    for (int i = 1; items[i]; i++) {
        if (*items[i] && !item(r, items[i], errp)) {
            return false;
        }
    }
    if (r->cntfrq == 0 || r->cntfrq > 1000000000) {
        error_set(errp, ERR_INVALID_PARAMETER, "Invalid CNTFRQ: %" G_GUINT64_FORMAT "Hz", (guint64)r->cntfrq);
        error_hint(errp, "possible: 1 to 1000000000");
        return false;
    }
    if (!settle(r, errp)) {
        return false;
    }
    c->pa_bits = r->host ? (uint8_t)MIN(c->pa_bits, r->host->pa_bits) : c->pa_bits;
    return true;
}

bool arm_config_parse(ArmCpuConfig *c, const char *model, Error **errp)
{
    return arm_config_parse_under(c, model, NULL, errp);
}

bool arm_config_parse_under(ArmCpuConfig *c, const char *model, const AccelOps *accel, Error **errp)
{
    g_auto(GStrv) items = g_strsplit(model, ",", -1);
    g_autofree AccelArmHost *host = NULL;
    ArmCpuRequest r = {.c = c};

    if (accel && accel->arm && !(r.host = host = accel->arm->host(errp))) {
        return false;
    }
    if (!items[0]) {
        error_set(errp, ERR_INVALID_PARAMETER, "-cpu option cannot be empty");
        return false;
    }
    return arm_request_parse(&r, items, errp);
}

const char *arm_config_compatible(const ArmCpuConfig *c)
{
    return c->compatible;
}

void arm_config_board(ArmCpuConfig *c, bool el2, bool el3, bool mte)
{
    drop_if(c, el2, ARM_FEAT_EL2);
    drop_if(c, el3, ARM_FEAT_EL3);
    drop_if(c, mte, ARM_FEAT_MTE); /* with it MTE2, MTE3 */
    arm_features_settle(c);
    arm_ids_from_features(c);
}

/* ---- as JSON ---- */

static bool told_value(const ArmCpuRequest *r, const Prop *p)
{
    const ArmCpuConfig *c = r->c;

    switch (p->offset) {
    case offsetof(ArmCpuRequest, aarch64):
        return c->aarch64;
    case offsetof(ArmCpuRequest, pmu):
        return arm_has(c, ARM_FEAT_PMUv3);
    case offsetof(ArmCpuRequest, sve):
        return arm_has(c, ARM_FEAT_SVE);
    case offsetof(ArmCpuRequest, pauth):
        return arm_has(c, ARM_FEAT_PAuth);
    default:
        return arm_has(c, ARM_FEAT_PAuth_IMPDEF);
    }
}

/* The model's features before any property, which say what properties there are. */
static void plain_model(ArmCpuConfig *c, const ArmModel *m)
{
    take_model(c, m);
    for (int f = 0; f < ARM_FEAT__COUNT; f++) {
        if (!arm_feature_implemented((ArmFeature)f)) {
            arm_feature_put(c, (ArmFeature)f, false);
        }
    }
}

bool arm_property_told(const ArmModel *m, const char *name)
{
    ArmCpuConfig c = {0};

    plain_model(&c, m);
    if (arm_has(&c, ARM_FEAT_SVE) && arm_sve_length(name) >= 0) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(props); i++) {
        if (props[i].told && !strcmp(props[i].name, name)) {
            return prop_exists(m, &c, &props[i]);
        }
    }
    return false;
}

void arm_request_to_json(const ArmCpuRequest *r, json_t *out)
{
    ArmCpuConfig c = {0};

    plain_model(&c, r->m);
    for (size_t i = 0; i < ARRAY_LEN(props); i++) {
        if (props[i].told && prop_exists(r->m, &c, &props[i])) {
            json_object_set_new(out, props[i].name, json_boolean(told_value(r, &props[i])));
        }
    }
    for (int n = 0; arm_has(&c, ARM_FEAT_SVE) && n < ARM_MAX_VQ; n++) {
        g_autofree char *name = g_strdup_printf("sve%d", 128 * (n + 1));
        json_object_set_new(out, name, json_boolean(arm_has(r->c, ARM_FEAT_SVE) && (r->c->sve_vq_map >> n & 1)));
    }
}
