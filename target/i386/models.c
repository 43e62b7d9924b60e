/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Models by name, their features, and what follows from those.
 */
#include <stdlib.h>
#include <string.h>
#include "base/suggest.h"
#include "target/i386/models.h"
#include "target/i386/system.h"

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
    c->xcr0_valid |= (c->xcr0_valid & XSTATE_YMM) && x86_has(c, F_AVX512F) ? XSTATE_AVX512 : 0;
    c->xcr0_valid |= x86_has(c, F_XSAVE) && x86_has(c, F_AMX_TILE) ? XSTATE_AMX : 0;
    c->mxcsr_mask = 0xffff;
    c->arch_capabilities = x86_feature_word(&c->features, 0x10a, FEATURE_MSR, CPUID_EAX);
    c->sockets = MAX(c->sockets, 1);
    c->dies = MAX(c->dies, 1);
    c->cores = MAX(c->cores, 1);
    c->threads = MAX(c->threads, 1);
}

/* ---- by name ---- */

const X86Model *x86_model_at(int i)
{
    static const X86Model *const tables[] = {x86_models_qemu, x86_models_intel, x86_models_amd};

    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        for (const X86Model *m = tables[t]; m->name; m++) {
            if (!i--) {
                return m;
            }
        }
    }
    return NULL;
}

char *x86_model_full_name(const X86Model *m)
{
    return m->version ? g_strdup_printf("%s-v%d", m->name, m->version) : g_strdup(m->name);
}

static bool goes_by(const X86Model *m, const char *name)
{
    g_autofree char *full = x86_model_full_name(m);

    return !strcmp(full, name) || (m->version == 1 && !strcmp(m->name, name)) ||
           (m->alias && !strcmp(m->alias, name));
}

static const char *nearest_name(const char *name)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const X86Model *m;

    for (int i = 0; (m = x86_model_at(i)); i++) {
        if (m->version <= 1) {
            g_ptr_array_add(names, (char *)m->name);
        }
        if (m->alias) {
            g_ptr_array_add(names, (char *)m->alias);
        }
    }
    g_ptr_array_add(names, NULL);
    return suggest_name(name, (const char *const *)names->pdata);
}

const X86Model *x86_model_find(const char *name, Error **errp)
{
    const X86Model *m;
    const char *near;

    for (int i = 0; (m = x86_model_at(i)); i++) {
        if (goes_by(m, name)) {
            return m;
        }
    }
    error_set(errp, ERR_INVALID_PARAMETER, "unable to find CPU model '%s'", name);
    near = nearest_name(name);
    if (near) {
        error_hint(errp, "did you mean '%s'?", near);
    } else {
        error_hint(errp, "'-cpu help' lists them");
    }
    return NULL;
}

static void put_list(X86FeatureSet *s, const uint16_t *list, bool on)
{
    for (; list && *list != F__COUNT; list++) {
        x86_set_put(s, *list, on);
    }
}

/* What guests on KVM get and lose whatever their model, as QEMU has it. */
static void defaults_on_host(const AccelX86 *caps, X86FeatureSet *out)
{
    static const uint16_t off[] = {F_ACPI, F_MONITOR, F_SVM};

    x86_set_put(out, F_X2APIC, true);
    for (size_t i = 0; i < X86_KVM_DEFAULTS; i++) {
        x86_set_put(out, x86_kvm_defaults[i], x86_feature_in_caps(x86_kvm_defaults[i], caps));
    }
    for (size_t i = 0; i < ARRAY_LEN(off); i++) {
        x86_set_put(out, off[i], false);
    }
}

void x86_model_features(const X86Model *m, const AccelX86 *caps, X86FeatureSet *out)
{
    *out = (X86FeatureSet){0};
    for (int f = 0; m->max && f < F__COUNT; f++) {
        x86_set_put(out, f, caps ? x86_feature_in_caps(f, caps) && !x86_feature_of_kvm_alone(f) : x86_feature_in_max(f));
    }
    put_list(out, m->features, true);
    put_list(out, m->plus, true);
    put_list(out, m->minus, false);
    x86_set_put(out, F_HYPERVISOR, m->version || m->max); /* base has nothing at all */
    if (caps && (m->version || m->max)) {
        defaults_on_host(caps, out);
        x86_set_put(out, F_MONITOR, m->max && x86_feature_in_caps(F_MONITOR, caps)); /* of guests that wait by themselves */
    }
}
