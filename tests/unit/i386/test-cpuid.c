/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU models, the text of -cpu, CPUID, the state list.
 */
#include "target/i386/models.h"
#include "tests/unit/i386/fake.h"

static void cpuid(const X86CpuConfig *c, uint32_t leaf, uint32_t sub, uint32_t out[4])
{
    X86CpuidLive live = {.apic_enabled = true};

    x86_cpuid(c, &live, leaf, sub, out);
}

static X86CpuConfig parse(const char *text)
{
    X86CpuConfig c = {0};
    Error *err = NULL;

    if (!x86_config_parse(&c, text, NULL, true, &err)) {
        g_error("%s: %s", text, error_message(err));
    }
    return c;
}

static void test_qemu64(void)
{
    X86CpuConfig c = parse("qemu64");
    uint32_t r[4];

    cpuid(&c, 0, 0, r);
    g_assert_cmpmem(&r[CPUID_EBX], 4, "Auth", 4);
    g_assert_cmpint(r[CPUID_EAX], ==, 0xd);
    cpuid(&c, 1, 0, r);
    g_assert_cmphex(r[CPUID_EAX], ==, 0x60fb1);
    g_assert_cmphex(r[CPUID_EDX], ==, 0x078bfbfd);
    g_assert_cmphex(r[CPUID_ECX], ==, 0x80002001);
    cpuid(&c, 0x80000001, 0, r);
    g_assert_true(r[CPUID_EDX] >> 29 & 1);
    g_assert_true(r[CPUID_ECX] >> 2 & 1);  /* SVM */
    cpuid(&c, 0x8000000a, 0, r);
    g_assert_true(r[CPUID_EAX] == 1 && r[CPUID_EBX] == 16 && r[CPUID_EDX] == 0);
    cpuid(&c, 0x80000002, 0, r);
    g_assert_cmpmem(r, 16, "QEMU Virtual CPU", 16);
    cpuid(&c, 0x80000008, 0, r);
    g_assert_cmphex(r[CPUID_EAX], ==, 0x3028);
    cpuid(&c, 0x40000000, 0, r);
    g_assert_cmpmem(&r[CPUID_EBX], 12, "TCGTCGTCGTCG", 12);
    cpuid(&c, 0x1234, 0, r);
    g_assert_cmphex(r[0] | r[1] | r[2] | r[3], ==, 0);
}

static void test_live_bits(void)
{
    X86CpuConfig c = parse("qemu64,+xsave");
    X86CpuidLive live = {.cr4 = CR4_OSXSAVE, .xcr0 = 3};
    uint32_t r[4];

    x86_cpuid(&c, &live, 1, 0, r);
    g_assert_true(r[CPUID_ECX] >> 27 & 1);
    g_assert_false(r[CPUID_EDX] >> 9 & 1);
    live.cr4 = 0;
    live.apic_enabled = true;
    x86_cpuid(&c, &live, 1, 0, r);
    g_assert_false(r[CPUID_ECX] >> 27 & 1);
    g_assert_true(r[CPUID_EDX] >> 9 & 1);
}

/* Leaf 0xd: sizes follow XCR0, in both formats. */
static void test_xsave(void)
{
    X86CpuConfig c = parse("qemu64,+xsave,+xsavec,+pku");
    X86CpuidLive live = {.cr4 = CR4_OSXSAVE | CR4_PKE, .xcr0 = XSTATE_X87 | XSTATE_SSE | XSTATE_PKRU};
    uint32_t r[4];

    c.xcr0_valid |= XSTATE_YMM; /* whatever this host has */
    x86_cpuid(&c, &live, 0xd, 0, r);
    g_assert_cmphex(r[CPUID_EAX], ==, 0x207);
    g_assert_cmpint(r[CPUID_EBX], ==, 2696);
    g_assert_cmpint(r[CPUID_ECX], ==, 2696);
    x86_cpuid(&c, &live, 0xd, 1, r);
    g_assert_cmpint(r[CPUID_EBX], ==, 576 + 8);
    live.xcr0 |= XSTATE_YMM;
    x86_cpuid(&c, &live, 0xd, 1, r);
    g_assert_cmpint(r[CPUID_EBX], ==, 576 + 256 + 8);
    x86_cpuid(&c, &live, 0xd, 2, r);
    g_assert_cmpint(r[CPUID_EAX], ==, 256);
    g_assert_cmpint(r[CPUID_EBX], ==, 576);
    x86_cpuid(&c, &live, 0xd, 9, r);
    g_assert_cmpint(r[CPUID_EAX], ==, 8);
    g_assert_cmpint(r[CPUID_EBX], ==, 2688);
    x86_cpuid(&c, &live, 0xd, 3, r);
    g_assert_cmphex(r[0] | r[1] | r[2] | r[3], ==, 0);
    x86_cpuid(&c, &live, 7, 0, r);
    g_assert_cmphex(r[CPUID_ECX] >> 3 & 3, ==, 3); /* PKU, OSPKE */
    live.cr4 = CR4_OSXSAVE;
    x86_cpuid(&c, &live, 7, 0, r);
    g_assert_cmphex(r[CPUID_ECX] >> 3 & 3, ==, 1);
}

static void test_topology(void)
{
    X86CpuConfig c = {.sockets = 1, .dies = 1, .cores = 3, .threads = 2, .apic_id = 5};
    uint32_t r[4];

    g_assert_true(x86_config_parse(&c, "kvm64", NULL, true, NULL));
    cpuid(&c, 0xb, 0, r);
    g_assert_cmpint(r[CPUID_EAX], ==, 1);
    g_assert_cmpint(r[CPUID_EBX], ==, 2);
    cpuid(&c, 0xb, 1, r);
    g_assert_cmpint(r[CPUID_EAX], ==, 3);
    g_assert_cmpint(r[CPUID_EBX], ==, 6);
    g_assert_cmpint(r[CPUID_EDX], ==, 5);
    cpuid(&c, 1, 0, r);
    g_assert_cmphex(r[CPUID_EBX], ==, 5u << 24 | 6 << 16 | 8 << 8);
    g_assert_true(r[CPUID_EDX] >> 28 & 1);
}

static void test_text(void)
{
    X86CpuConfig c = parse("qemu64,+smep,-sse3,lahf_lm=off,family=6,model=0x2a,vendor=GenuineIntel");

    g_assert_true(x86_has(&c, F_SMEP));
    g_assert_false(x86_has(&c, F_SSE3));
    g_assert_false(x86_has(&c, F_LAHF64));
    g_assert_cmpint(c.vendor, ==, X86_VENDOR_INTEL);
    g_assert_cmpint(c.model, ==, 0x2a);
    g_assert_true(c.cr4_valid & CR4_SMEP);
    c = parse("max");
    for (int i = 0; i < F__COUNT; i++) {
        g_assert_true(!x86_has(&c, i) || x86_feature_supported(i));
    }
    g_assert_true(x86_has(&c, F_SMAP) && x86_has(&c, F_LM) && x86_has(&c, F_SSE2));
}

/* Every row: words that mean something, versions that differ, names that lead back to it. */
static void test_rows(void)
{
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const X86Model *m, *before = NULL;
    int n = 0;

    for (; (m = x86_model_at(n)); n++, before = m) {
        char *full = x86_model_full_name(m);
        X86FeatureSet a, b;
        g_assert_true(x86_model_find(full, NULL) == m);
        g_assert_true(g_hash_table_add(names, full));
        g_assert_true(!m->alias || x86_model_find(m->alias, NULL) == m);
        g_assert_true(!m->alias || g_hash_table_add(names, g_strdup(m->alias)));
        if (m->version == 1) {
            g_assert_true(x86_model_find(m->name, NULL) == m);
        }
        if (m->version > 1) {
            g_assert_cmpstr(before->name, ==, m->name);
            g_assert_cmpint(before->version, ==, m->version - 1);
        }
        x86_model_features(m, NULL, &a);
        for (const uint16_t *f = m->minus; f && *f != F__COUNT; f++) {
            g_assert_false(x86_set_has(&a, *f));
        }
        b = a;
        x86_feature_drop_orphans(&b);
        g_assert_cmpmem(&a, sizeof(a), &b, sizeof(b));
        if (!m->host) {
            parse(full);
        }
    }
    g_assert_cmpint(n, >, 70);
    g_assert_null(x86_model_find("Haswell-v9", NULL));
    g_assert_null(x86_model_find("base-v1", NULL));
}

static void test_order(void)
{
    X86CpuConfig c = parse("qemu64,+smep,smep=off,-nx,+nx,arat=on");

    g_assert_true(x86_has(&c, F_SMEP));
    g_assert_false(x86_has(&c, F_NX));
    g_assert_true(x86_has(&c, F_ARAT));
    c = parse("pentium,+smep");
    g_assert_cmpint(c.level, ==, 7);
    c = parse("pentium,+smep,full-cpuid-auto-level=off");
    g_assert_cmpint(c.level, ==, 1);
    c = parse("pentium,+smep,level=3");
    g_assert_cmpint(c.level, ==, 3);
    c = parse("Cascadelake-Server-v2,-arch-capabilities");
    g_assert_false(x86_has(&c, F_RDCTL_NO));
    g_assert_cmphex(c.arch_capabilities, ==, 0);
    c = parse("Cascadelake-Server-v2");
    g_assert_cmphex(c.arch_capabilities, ==, 0x2b);
}

static void test_caches(void)
{
    X86CpuConfig c = parse("EPYC-Rome");
    uint32_t r[4];

    cpuid(&c, 0x80000006, 0, r);
    g_assert_cmphex(r[CPUID_EDX], ==, 0x808140);
    c = parse("EPYC-Rome,l3-cache=off");
    cpuid(&c, 0x80000006, 0, r);
    g_assert_cmphex(r[CPUID_EDX], ==, 0);
    cpuid(&c, 0x8000001d, 3, r);
    g_assert_cmphex(r[CPUID_EAX], ==, 0);
    c = parse("EPYC-Rome,legacy-cache=on");
    cpuid(&c, 0x80000005, 0, r);
    g_assert_cmphex(r[CPUID_ECX], ==, 0x40020140);
    c = parse("Nehalem,tcg-cpuid=off,cpuid-0xb=off,model-id=" /* too long: cut off */
              "0123456789012345678901234567890123456789012345678901234567890");
    cpuid(&c, 0xb, 0, r);
    g_assert_cmphex(r[CPUID_EBX], ==, 0);
    cpuid(&c, 0x40000000, 0, r);
    g_assert_cmphex(r[CPUID_EBX], ==, 0);
    cpuid(&c, 0x80000004, 0, r);
    g_assert_cmpmem(&r[CPUID_EDX], 4, "4567", 4);
}

/* AVX-512 and AMX are given where the kernel has their registers. */
static void test_wide(const AccelX86 *narrow)
{
    static const AccelCpuid more[] = {
        {.leaf = 1, .reg = {0, 0, 1u << 26 | 1u << 28, 0x078bfbff}}, /* xsave, avx */
        {.leaf = 7, .reg = {0, 1u << 16 | 1u << 31, 0, 1u << 24}},   /* avx512f, avx512vl, amx-tile */
        {.leaf = 0xd, .subleaf = 0, .reg = {0x602e7}},
        {.leaf = 0xd, .subleaf = 5, .reg = {64, 832}},
    };
    g_autofree AccelX86 *caps = g_malloc0(sizeof(*caps) + sizeof(more) + narrow->n * sizeof(more[0]));
    X86CpuConfig c = {0};
    uint32_t r[4];

    memcpy(caps->cpuid, more, sizeof(more)); /* the first of a leaf counts */
    memcpy(caps->cpuid + ARRAY_LEN(more), narrow->cpuid, narrow->n * sizeof(more[0]));
    caps->n = ARRAY_LEN(more) + narrow->n;
    g_assert_true(x86_config_parse(&c, "host", caps, true, NULL));
    g_assert_true(x86_has(&c, F_AVX512VL) && x86_has(&c, F_AMX_TILE));
    g_assert_cmphex(c.xcr0_valid, ==, 0x600e7); /* no pku in it */
    g_assert_cmpuint(c.xstate_offset[5], ==, 832);
    cpuid(&c, 0xd, 18, r);
    g_assert_cmpuint(r[CPUID_EAX], ==, 8192);
    g_assert_cmphex(r[CPUID_ECX], ==, 2);
    cpuid(&c, 0x1d, 1, r);
    g_assert_cmphex(r[CPUID_EAX], ==, 0x04002000);
    c = (X86CpuConfig){0};
    g_assert_true(x86_config_parse(&c, "host,-avx512f,-amx-tile", caps, true, NULL));
    g_assert_false(x86_has(&c, F_AVX512VL) || x86_has(&c, F_AMX_TILE));
    g_assert_cmphex(c.xcr0_valid, ==, 7);
    cpuid(&c, 0x1d, 1, r);
    g_assert_cmphex(r[CPUID_EAX], ==, 0);
    g_assert_cmpuint(x86_xsave_size(0x60007, true), ==, 576 + 256 + 64 + 8192); /* 18 begins at a multiple of 64 as it is */
}

/* Hyper-V's leaves come first; what is not there, or needs something else, is an error. */
static void test_hyperv(const AccelX86 *without)
{
    static const AccelCpuid more[] = {
        {.leaf = HYPERV_FEATURES, .reg = {0xa7f}}, {.leaf = HYPERV_ADVICE, .reg = {0xe24}},
    };
    static const struct {
        const char *text, *message;
    } bad[] = {{"host,hv-ipi", "hv-ipi needs hv-vpindex"}, {"host,hv-vpindex,hv-synic,hv-stimer", "hv-stimer needs hv-time"}, {"host,hv-reset,hv-vapic", "Hyper-V's hv-reset: the kernel's KVM"}};
    g_autofree AccelX86 *caps = g_malloc0(sizeof(*caps) + sizeof(more) + without->n * sizeof(more[0]));
    X86CpuConfig c = {0};
    Error *err = NULL;
    uint32_t r[4];

    memcpy(caps->cpuid, more, sizeof(more));
    memcpy(caps->cpuid + ARRAY_LEN(more), without->cpuid, without->n * sizeof(more[0]));
    caps->n = ARRAY_LEN(more) + without->n;
    g_assert_true(x86_config_parse(&c, "host", caps, true, NULL));
    g_assert_false(c.hyperv || x86_has(&c, F_HV_RELAXED)); /* only for who asks */
    c = (X86CpuConfig){0};
    g_assert_true(x86_config_parse(&c, "host,hv_time,hv-vpindex=on,+hv-tlbflush,hv-spinlocks=0x1fff", caps, true, NULL));
    cpuid(&c, 0x40000000, 0, r);
    g_assert_cmphex(r[CPUID_EAX], ==, HYPERV_LAST_LEAF);
    g_assert_cmpmem(&r[CPUID_EBX], 12, "Microsoft Hv", 12);
    cpuid(&c, HYPERV_FEATURES, 0, r);
    g_assert_cmphex(r[CPUID_EAX], ==, 0x262);
    cpuid(&c, HYPERV_ADVICE, 0, r);
    g_assert_cmphex(r[CPUID_EAX], ==, 0x804);
    g_assert_cmphex(r[CPUID_EBX], ==, 0x1fff);
    cpuid(&c, 0x40000100, 0, r);
    g_assert_cmphex(r[CPUID_EAX], ==, 0x40000101);
    g_assert_cmpmem(&r[CPUID_EBX], 4, "KVMK", 4);
    cpuid(&c, 0x40000101, 0, r);
    g_assert_cmphex(r[CPUID_EAX], ==, 0x0100006b);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        c = (X86CpuConfig){0};
        g_assert_false(x86_config_parse(&c, bad[i].text, caps, true, &err));
        g_assert_nonnull(strstr(error_message(err), bad[i].message));
        g_clear_pointer(&err, error_free);
    }
    c = (X86CpuConfig){0};
    g_assert_false(x86_config_parse(&c, "host,hv-spinlocks=1", without, true, &err));
    g_assert_nonnull(strstr(error_hint_text(err), "KVM_CAP_HYPERV"));
    error_free(err);
    c = (X86CpuConfig){0};
    g_assert_true(x86_config_parse(&c, "qemu64,hv-relaxed,hv-spinlocks=1", NULL, true, NULL)); /* left out, and said */
    g_assert_false(c.hyperv || x86_has(&c, F_HV_RELAXED));
}

/* An accelerator whose kernel supports what is listed: models lose the rest, `host` is it. */
static void test_caps(void)
{
    static const AccelCpuid list[] = {
        {.leaf = 0, .reg = {0xd}},
        {.leaf = 1, .reg = {0, 0, 1u << 0 | 1u << 5 | 1u << 24 | 1u << 26, 0x078bfbff}},
        {.leaf = 7, .reg = {0, 1u << 7 | 1u << 16}},           /* smep, avx512f */
        {.leaf = 0xd, .subleaf = 9, .reg = {8, 2432}},
        {.leaf = 0x40000001, .reg = {0x0100007b}},
        {.leaf = 0x80000000, .reg = {0x80000008}},
        {.leaf = 0x80000001, .reg = {0, 0, 1u << 2, 0x20100800}}, /* svm; syscall, nx, lm */
    };
    g_autofree AccelX86 *caps = g_malloc0(sizeof(*caps) + sizeof(list));
    uint32_t r[4];

    caps->n = ARRAY_LEN(list);
    memcpy(caps->cpuid, list, sizeof(list));
    X86CpuConfig c = {0};
    g_assert_true(x86_config_parse(&c, "host,tsc-frequency=2000000000", caps, true, NULL));
    g_assert_true(x86_has(&c, F_SMEP) && x86_has(&c, F_LM) && x86_has(&c, F_SSE3) && x86_has(&c, F_XSAVE));
    g_assert_true(x86_has(&c, F_TSC_DEADLINE)); /* the accelerator lists it only where the APIC is the kernel's */
    g_assert_true(x86_has(&c, F_X2APIC) && x86_has(&c, F_HYPERVISOR)); /* ours */
    /* not given whatever the kernel has, and not there */
    g_assert_false(x86_has(&c, F_SVM) || x86_has(&c, F_VMX) || x86_has(&c, F_AVX512F));
    g_assert_false(x86_has(&c, F_SMAP));
    g_assert_cmpuint(c.tsc_hz, ==, 2000000000);
    g_assert_cmpuint(c.xstate_offset[9], ==, 2432);
    cpuid(&c, 0x40000000, 0, r);
    g_assert_cmpmem(&r[CPUID_EBX], 4, "KVMK", 4);
    cpuid(&c, 0x40000001, 0, r);
    g_assert_cmphex(r[CPUID_EAX], ==, 0x0100006b); /* the clock, no delays, stolen time, ends of interrupts, of what there is */
    c = (X86CpuConfig){0};
    g_assert_true(x86_config_parse(&c, "qemu64,-kvmclock,kvm-pv-eoi=off", caps, true, NULL));
    cpuid(&c, 0x40000001, 0, r);
    g_assert_cmphex(r[CPUID_EAX], ==, 0x01000022);
    c = (X86CpuConfig){0};
    g_assert_true(x86_config_parse(&c, "host,+kvm-asyncpf,+kvm-pv-ipi", caps, true, NULL)); /* the second is not there */
    g_assert_true(x86_has(&c, F_KVM_ASYNCPF) && !x86_has(&c, F_KVM_PV_IPI));
    test_wide(caps);
    test_hyperv(caps);
    c = (X86CpuConfig){0};
    g_assert_true(x86_config_parse(&c, "Haswell,-kvm", caps, true, NULL) == false);
    c = (X86CpuConfig){0};
    g_assert_true(x86_config_parse(&c, "Haswell,kvm=off", caps, true, NULL));
    g_assert_false(x86_has(&c, F_AVX) || x86_has(&c, F_SMAP));
    g_assert_true(x86_has(&c, F_SMEP));
    cpuid(&c, 0x40000000, 0, r);
    g_assert_cmphex(r[CPUID_EAX], ==, 0);
}

/* A counter that does not tick once a nanosecond is told in leaves 15h and 16h. */
static void test_tsc_leaf(void)
{
    X86CpuConfig c = parse("max");
    uint32_t r[4];

    cpuid(&c, 0x15, 0, r);
    g_assert_cmpuint((uint64_t)r[CPUID_ECX] * r[CPUID_EBX] / r[CPUID_EAX], ==, 1000000000);
    c = parse("max,tsc-frequency=2400000000");
    cpuid(&c, 0x15, 0, r);
    g_assert_cmpuint((uint64_t)r[CPUID_ECX] * r[CPUID_EBX] / r[CPUID_EAX], ==, 2400000000);
    cpuid(&c, 0x16, 0, r);
    g_assert_cmpuint(r[CPUID_EAX], ==, 2400);
}

static void expect_error(const char *text, const char *message, const char *hint)
{
    X86CpuConfig c = {0};
    Error *err = NULL;

    g_assert_false(x86_config_parse(&c, text, NULL, true, &err));
    g_assert_nonnull(strstr(error_message(err), message));
    if (hint) {
        g_assert_nonnull(strstr(error_hint_text(err), hint));
    }
    error_free(err);
}

static void test_errors(void)
{
    expect_error("qemu46", "'qemu46'", "qemu64");
    expect_error("host", "KVM", "max");
    expect_error("qemu64,+smpe", "Property 'qemu64-x86_64-cpu.smpe' not found", "smep");
    expect_error("Haswel", "'Haswel'", "Haswell");
    expect_error("qemu64,hv-evmcs=on", "hv-evmcs", "KVM");
    expect_error("qemu64,+vmx-ept", "vmx-ept", "SVM");
    expect_error("qemu64,migratable=on", "migratable", NULL);
    expect_error("qemu64,pmu=on", "pmu", NULL);
    expect_error("qemu64,family=300", "300", NULL);
    expect_error("qemu64,family=x", "family", NULL);
    expect_error("qemu64,level=-1", "level", NULL);
    expect_error("qemu64,legacy-cache=off", "legacy-cache", NULL);
    expect_error("qemu64,tsc-frequency=2000", "1 MHz", NULL);
    expect_error("kvm32,phys-bits=40", "phys-bits", NULL);
    expect_error("qemu64,smep=maybe", "maybe", NULL);
    expect_error("qemu64,+avx512f,enforce", "TCG doesn't support requested features", "avx512f");
    expect_error("qemu64,+lbrv,enforce", "TCG doesn't support requested features", "lbrv");
    expect_error("qemu64,phys-bits=99", "52", NULL);
    expect_error("qemu64,vendor=me", "'me'", "12");
    expect_error("qemu64,vendor=MeMeMeMeMeMeMe", "vendor", "12");
}

static void test_state(void)
{
    g_autofree X86State *a = g_new0(X86State, 1), *b = g_new0(X86State, 1);
    g_autoptr(GByteArray) image = g_byte_array_new();
    g_autoptr(GString) why = g_string_new(NULL);

    x86_state_reset(a);
    for (int i = 0; i < x86_state_field_count(); i++) {
        const X86StateField *d = &x86_state_fields[i];
        for (int n = 0; d->kind == X86_FIELD_INT && n < d->count * d->width; n++) {
            ((uint8_t *)a)[d->offset + n] = g_test_rand_int();
        }
    }
    for (int i = 0; i < S_COUNT; i++) {
        a->seg[i] = (X86Seg){g_test_rand_int(), g_test_rand_int(), g_test_rand_int(), ~0ull << i};
    }
    for (size_t i = 0; i < sizeof(a->fx); i++) {
        ((uint8_t *)&a->fx)[i] = g_test_rand_int();
    }
    x86_state_save(a, image);
    g_assert_true(x86_state_load(b, image->data, image->len, NULL));
    g_assert_true(x86_state_equal(a, b, NULL));
    b->mtrr_mask[3] ^= 1;
    b->seg[2].base++;
    g_assert_false(x86_state_equal(a, b, why));
    g_assert_nonnull(strstr(why->str, "mtrr_mask[3]"));
    g_assert_nonnull(strstr(why->str, "seg[2]"));
    for (guint n = 0; n < image->len; n += 97) { /* cut off anywhere: an error or fewer fields */
        Error *err = NULL;
        if (!x86_state_load(b, image->data, n, &err)) {
            g_assert_nonnull(err);
        }
        g_clear_pointer(&err, error_free);
    }
    image->data[1] ^= 0x20;
    g_assert_false(x86_state_load(b, image->data, image->len, NULL));
}

static void test_dump(void)
{
    Fake *f = fake_new("max");
    g_autoptr(GString) text = g_string_new(NULL);

    fake_long(f);
    f->state = f->env.s;
    f->cpu.target->dump(&f->cpu, text);
    g_assert_nonnull(strstr(text->str, "RAX=0000000000000000 RBX="));
    g_assert_nonnull(strstr(text->str, "RIP=0000000000010000 RFL=00000002 [-------] CPL=0"));
    g_assert_nonnull(strstr(text->str, "CS =0038 0000000000000000 ffffffff 00af9b00 DPL=0 CS64 [-RA]"));
    g_assert_nonnull(strstr(text->str, "CR0=80010031 CR2="));
    g_string_truncate(text, 0);
    f->cpu.target->disas(&f->cpu, 0x1000, (const uint8_t *)"\x48\x89\xd8", 3, text);
    g_assert_nonnull(strstr(text->str, "48 89 d8"));
    fake_free(f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/i386/cpuid/qemu64", test_qemu64);
    g_test_add_func("/i386/cpuid/live-bits", test_live_bits);
    g_test_add_func("/i386/cpuid/topology", test_topology);
    g_test_add_func("/i386/cpuid/xsave", test_xsave);
    g_test_add_func("/i386/models/rows", test_rows);
    g_test_add_func("/i386/models/order", test_order);
    g_test_add_func("/i386/cpuid/caches", test_caches);
    g_test_add_func("/i386/models/text", test_text);
    g_test_add_func("/i386/models/errors", test_errors);
    g_test_add_func("/i386/cpuid/caps", test_caps);
    g_test_add_func("/i386/cpuid/tsc", test_tsc_leaf);
    g_test_add_func("/i386/state/save-load", test_state);
    g_test_add_func("/i386/state/dump", test_dump);
    return g_test_run();
}
