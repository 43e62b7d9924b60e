/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU models: features and ID registers agree in both directions, properties, errors, what QMP tells.
 */
#include <string.h>
#include <glib.h>
#include "base/bits.h"
#include "target/arm/cpu_text.h"

static bool parse(ArmCpuConfig *c, const char *text)
{
    *c = (ArmCpuConfig){.mpidr = 0x80000203};
    return arm_config_parse(c, text, NULL);
}

#define assert_refused(text, message)                                                                                  \
    do {                                                                                                               \
        ArmCpuConfig c_ = {0};                                                                                         \
        Error *e_ = NULL;                                                                                              \
        g_assert_false(arm_config_parse(&c_, text, &e_));                                                              \
        g_assert_cmpstr(error_message(e_), ==, message);                                                               \
        error_free(e_);                                                                                                \
    } while (0)

/* Features out of the ID registers are the features that the ID registers were made of. */
static void test_round_trip(void)
{
    const ArmModel *m;

    for (int i = 0; (m = arm_model_at(i)); i++) {
        ArmCpuConfig c, back = {0};
        g_assert_true(parse(&c, m->name));
        back.aarch64 = c.aarch64;
        memcpy(back.id, c.id, sizeof(c.id));
        arm_features_from_ids(&back);
        for (int f = 0; f < ARM_FEAT__COUNT; f++) {
            if (arm_has(&back, (ArmFeature)f)) {
                g_test_message("%s %s", m->name, arm_feature_name((ArmFeature)f));
                g_assert_true(arm_has(&c, (ArmFeature)f));
            }
            g_assert_true(!arm_has(&c, (ArmFeature)f) || arm_feature_implemented((ArmFeature)f));
        }
        uint64_t ids[ARM_ID__COUNT];
        memcpy(ids, c.id, sizeof(ids));
        arm_ids_from_features(&c);
        g_assert_true(!memcmp(ids, c.id, sizeof(ids)));
    }
    g_assert_nonnull(arm_model_at(10));
}

/* A field by field look at one model, from its manual (DDI 100798). */
static void test_a76(void)
{
    ArmCpuConfig c;

    g_assert_true(parse(&c, "cortex-a76"));
    g_assert_cmphex(c.midr, ==, 0x414fd0b1);
    g_assert_cmpstr(c.compatible, ==, "arm,cortex-a76");
    g_assert_cmpint(c.pa_bits, ==, 40);
    g_assert_true(c.aarch64 && arm_has(&c, ARM_FEAT_LSE) && arm_has(&c, ARM_FEAT_DPB) && arm_has(&c, ARM_FEAT_FP16));
    g_assert_false(arm_has(&c, ARM_FEAT_DPB2) || arm_has(&c, ARM_FEAT_JSCVT) || arm_has(&c, ARM_FEAT_SVE));
    g_assert_cmphex(c.id[ARM_ID_ID_AA64ISAR0_EL1] & 0xffffffffffff0000, ==, 0x100010210000);
    g_assert_cmphex(c.id[ARM_ID_ID_AA64PFR0_EL1] & 0xff00000000ff0000, ==, 0x1100000000110000);
    g_assert_cmphex(c.id[ARM_ID_CTR_EL0], ==, 0x8444c004);
    g_assert_cmpint(c.cnt_freq, ==, 62500000);
    g_assert_cmphex(c.mpidr, ==, 0x80000203);
}

static void test_properties(void)
{
    ArmCpuConfig c;

    g_assert_true(parse(&c, "max,has_el2=off,has_el3=off,rvbar=0x1000,cntfrq=1000000,midr=0x123,mp-affinity=0x10002"));
    g_assert_false(arm_has(&c, ARM_FEAT_EL2) || arm_has(&c, ARM_FEAT_EL3) || arm_has(&c, ARM_FEAT_SEL2));
    g_assert_cmphex(c.id[ARM_ID_ID_AA64PFR0_EL1] & 0xff00, ==, 0);
    g_assert_cmphex(c.reset_pc, ==, 0x1000);
    g_assert_cmpint(c.cnt_freq, ==, 1000000);
    g_assert_cmphex(c.midr, ==, 0x123);
    g_assert_cmphex(c.mpidr, ==, 0x80010002);
    g_assert_true(parse(&c, "max"));
    g_assert_cmpint(c.pa_bits, ==, 52);
    g_assert_cmphex(c.id[ARM_ID_ID_AA64MMFR0_EL1] >> 20 & 0xf, ==, 2);
    g_assert_true(parse(&c, "max,lpa2=off"));
    g_assert_cmphex(c.id[ARM_ID_ID_AA64MMFR0_EL1] & 0xfffffffffff, ==, 0x22200101126);
    g_assert_true(parse(&c, "max,vfp=off"));
    g_assert_cmphex(c.id[ARM_ID_ID_AA64PFR0_EL1] >> 16 & 0xff, ==, 0xff);
    g_assert_false(arm_has(&c, ARM_FEAT_ASIMD) || arm_has(&c, ARM_FEAT_DotProd));
    g_assert_true(parse(&c, "neoverse-n1,neon=off"));
    g_assert_cmphex(c.id[ARM_ID_ID_AA64PFR0_EL1] >> 16 & 0xff, ==, 0xf0);
    g_assert_true(parse(&c, "max,cfgend=on"));
    g_assert_true(c.reset_sctlr >> 25 & 1);
    /* What boards leave out. */
    g_assert_true(parse(&c, "cortex-a72"));
    arm_config_board(&c, false, true, false);
    g_assert_true(!arm_has(&c, ARM_FEAT_EL2) && arm_has(&c, ARM_FEAT_EL3));
    g_assert_cmphex(c.id[ARM_ID_ID_AA64PFR0_EL1] >> 8 & 0xf, ==, 0);
}

static void test_errors(void)
{
    assert_refused("cortex-a73", "unable to find CPU model 'cortex-a73'");
    assert_refused("max,foo=on", "can't apply global max-arm-cpu.foo=on: Property 'max-arm-cpu.foo' not found");
    assert_refused("max,sve", "Expected key=value format, found sve.");
    assert_refused("max,has_el2=3", "can't apply global max-arm-cpu.has_el2=3: Parameter 'has_el2' expects 'on' or 'off'");
    assert_refused("max,rvbar=0x123456789abcdef01",
                   "can't apply global max-arm-cpu.rvbar=0x123456789abcdef01: Parameter 'rvbar' expects uint64");
    assert_refused("cortex-a72,lpa2=on",
                   "can't apply global cortex-a72-arm-cpu.lpa2=on: Property 'cortex-a72-arm-cpu.lpa2' not found");
    assert_refused("max,cntfrq=0", "Invalid CNTFRQ: 0Hz");
    assert_refused("", "-cpu option cannot be empty");
}

/* Vector lengths, where there is SVE. */
static void test_sve(void)
{
    ArmCpuConfig c;

    if (!arm_feature_implemented(ARM_FEAT_SVE)) {
        assert_refused("max,sve=on", "can't apply global max-arm-cpu.sve=on: Property 'max-arm-cpu.sve' not found");
        return;
    }
    g_assert_true(parse(&c, "max"));
    g_assert_true(c.sve_vq_max == 16 && c.sve_vq_map == 0xffff);
    g_assert_true(parse(&c, "max,sve-max-vq=3"));
    g_assert_true(c.sve_vq_max == 3 && c.sve_vq_map == 7);
    g_assert_true(parse(&c, "max,sve512=on"));
    g_assert_true(c.sve_vq_max == 4 && c.sve_vq_map == 0xb);
    g_assert_true(parse(&c, "max,sve256=off"));
    g_assert_true(c.sve_vq_max == 1 && c.sve_vq_map == 1);
    g_assert_true(parse(&c, "max,sve=off"));
    g_assert_true(c.sve_vq_max == 0 && !arm_has(&c, ARM_FEAT_SVE) && !arm_has(&c, ARM_FEAT_SVE2));
    g_assert_true(parse(&c, "neoverse-v1"));
    g_assert_true(c.sve_vq_max == 2 && c.sve_vq_map == 3);
    assert_refused("max,sve128=off", "cannot disable sve128");
    assert_refused("max,sve-max-vq=2,sve512=on", "cannot enable sve512");
    assert_refused("max,sve512=on,sve256=off", "cannot disable sve256");
    assert_refused("max,sve=off,sve256=on", "cannot enable sve256");
    assert_refused("max,sve-max-vq=17", "unsupported SVE vector length");
    assert_refused("neoverse-n2,sve256=on", "cannot enable sve256");
}

static void test_pauth(void)
{
    ArmCpuConfig c;

    if (!arm_feature_implemented(ARM_FEAT_PAuth)) {
        return;
    }
    g_assert_true(parse(&c, "max"));
    g_assert_true(arm_has(&c, ARM_FEAT_PAuth_QARMA5) && !arm_has(&c, ARM_FEAT_PAuth_IMPDEF));
    g_assert_cmphex(c.id[ARM_ID_ID_AA64ISAR1_EL1] & 0xf00, ==, 0);
    g_assert_cmphex(c.id[ARM_ID_ID_AA64ISAR1_EL1] & 0xf0, !=, 0);
    g_assert_true(parse(&c, "max,pauth-impdef=on"));
    g_assert_true(!arm_has(&c, ARM_FEAT_PAuth_QARMA5) && arm_has(&c, ARM_FEAT_PAuth_IMPDEF));
    g_assert_true(parse(&c, "max,pauth=off"));
    g_assert_cmphex(c.id[ARM_ID_ID_AA64ISAR1_EL1] & 0xff000ff0, ==, 0);
    assert_refused("max,pauth=off,pauth-impdef=on", "cannot enable pauth-impdef without pauth");
}

static void test_told(void)
{
    g_autoptr(GString) help = g_string_new(NULL);
    json_t *list = arm_model_definitions(), *props = json_pack("{s:b}", "aarch64", 1), *e;

    arm_list_models(help);
    g_assert_true(g_str_has_prefix(help->str, "Available CPUs:\n"));
    g_assert_nonnull(strstr(help->str, "\n  cortex-a72\n"));
    g_assert_nonnull(strstr(help->str, "\n  max\n"));
    g_assert_cmpstr(json_string_value(json_object_get(json_array_get(list, 0), "typename")), ==, "cortex-a35-arm-cpu");
    g_assert_true(!strstr(help->str, "cortex-a15") == !arm_feature_implemented(ARM_FEAT_AA32_EL1));
    json_decref(list);
    e = arm_expand_model("cortex-a72", props, NULL);
    g_assert_true(json_is_true(json_object_get(e, "aarch64")));
    g_assert_null(json_object_get(e, "sve"));
    json_decref(e);
    json_object_set_new(props, "has_el2", json_true());
    g_assert_null(arm_expand_model("cortex-a72", props, NULL)); /* not one that is told */
    json_decref(props);
}

/* ---- the host's processor ---- */

#define KEY(op0, op1, crn, crm, op2) ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

static uint16_t test_lengths; /* of the host's SVE vectors; 0: it has neither SVE nor pointer authentication */

/* A Cortex-A72 with 16 KiB granules and half precision, whose kernel has 44 bits for guests. */
static AccelArmHost *host_of_test(Error **errp)
{
    static const AccelArmReg regs[] = {
        {KEY(3, 0, 0, 0, 0), 0x410fd083}, {KEY(3, 0, 0, 4, 0), 0x11112222}, {KEY(3, 0, 0, 5, 0), 0x10305106},
        {KEY(3, 0, 0, 6, 0), 0x11120},    {KEY(3, 0, 0, 7, 0), 0x101125},   {KEY(3, 3, 0, 0, 1), 0x8444c004},
    };
    AccelArmHost *h = g_malloc0(sizeof(*h) + sizeof(regs));
    AccelArmReg *pfr0 = h->id;

    h->pa_bits = 44;
    h->sve_vq_map = test_lengths;
    h->pauth = test_lengths;
    h->cnt_freq = 54000000;
    h->n = G_N_ELEMENTS(regs);
    memcpy(h->id, regs, sizeof(regs));
    while (test_lengths && pfr0->key != KEY(3, 0, 0, 4, 0)) {
        pfr0++;
    }
    if (test_lengths) {
        pfr0->value |= 1ull << 32 | 1 << 16 | 1 << 20; /* SVE, and half precision for it */
    }
    return h;
}

static AccelArmHost *no_host(Error **errp)
{
    error_set(errp, ERR_UNSUPPORTED, "no processor");
    return NULL;
}

static void refused_under(const AccelOps *accel, const char *text, const char *message)
{
    ArmCpuConfig c = {0};
    Error *err = NULL;

    g_assert_false(arm_config_parse_under(&c, text, accel, &err));
    g_assert_cmpstr(error_message(err), ==, message);
    error_free(err);
}

static void test_host(void)
{
    const AccelArmOps there = {.host = host_of_test}, not_there = {.host = no_host};
    const AccelOps kvm = {.arm = &there}, none = {.arm = &not_there};
    const char *const names[] = {"host", "max"};

    for (int i = 0; i < 2; i++) {
        ArmCpuConfig c = {.mpidr = 1};
        g_assert_true(arm_config_parse_under(&c, names[i], &kvm, NULL));
        g_assert_cmphex(c.midr, ==, 0x410fd083);
        g_assert_cmpint(c.pa_bits, ==, 44);
        g_assert_cmpint(c.cnt_freq, ==, 54000000);
        g_assert_true(c.aarch64 && arm_has(&c, ARM_FEAT_AES) && arm_has(&c, ARM_FEAT_FP));
        g_assert_false(arm_has(&c, ARM_FEAT_EL2) || arm_has(&c, ARM_FEAT_EL3) || arm_has(&c, ARM_FEAT_PMUv3));
    }
    refused_under(&kvm, "cortex-a57", "-cpu cortex-a57: guests under this accelerator have the host's processor");
    refused_under(&kvm, "host,pmu=off", "can't apply global host-arm-cpu.pmu=off: Property 'host-arm-cpu.pmu' not found");
    refused_under(&none, "host", "no processor");
    refused_under(NULL, "host", "unable to find CPU model 'host'");
}

/* The longest vector of "host" with these properties, and all that there are: as test_lengths below it. */
static void host_vectors(const AccelOps *kvm, const char *text, int longest, bool pauth)
{
    ArmCpuConfig c = {0};

    g_assert_true(arm_config_parse_under(&c, text, kvm, NULL));
    g_assert_cmpint(c.sve_vq_max, ==, longest);
    g_assert_cmphex(c.sve_vq_map, ==, test_lengths & ((1u << longest) - 1));
    g_assert_cmpint(arm_has(&c, ARM_FEAT_SVE), ==, longest > 0);
    g_assert_cmpint(c.host_pauth, ==, pauth);
}

static void test_host_sve(void)
{
    const AccelArmOps there = {.host = host_of_test};
    const AccelOps kvm = {.arm = &there};

    host_vectors(&kvm, "host,sve=off,sve256=off,pauth=off", 0, false);
    refused_under(&kvm, "host,sve=on", "can't apply global host-arm-cpu.sve=on: 'sve' feature not supported by KVM on this host");
    refused_under(&kvm, "host,pauth=on",
                  "can't apply global host-arm-cpu.pauth=on: 'pauth' feature not supported by KVM on this host");
    refused_under(&kvm, "host,sve128=on", "cannot enable sve128");
    test_lengths = 0x2b; /* 128, 256, 512 and 768 bits */
    host_vectors(&kvm, "host", 6, true);
    host_vectors(&kvm, "max,sve=on", 6, true);
    host_vectors(&kvm, "host,sve=off", 0, true);
    host_vectors(&kvm, "host,pauth=off", 6, false);
    host_vectors(&kvm, "host,sve768=off", 4, true);
    host_vectors(&kvm, "host,sve512=off", 2, true);
    host_vectors(&kvm, "host,sve512=on", 4, true);
    host_vectors(&kvm, "host,sve384=off", 6, true);
    refused_under(&kvm, "host,sve384=on", "cannot enable sve384");
    refused_under(&kvm, "host,sve2048=on", "cannot enable sve2048");
    refused_under(&kvm, "host,sve128=off", "cannot disable sve128");
    refused_under(&kvm, "host,sve512=on,sve256=off", "cannot disable sve256");
    refused_under(&kvm, "host,sve=off,sve256=on", "cannot enable sve256");
    refused_under(&kvm, "host,sve-max-vq=2",
                  "can't apply global host-arm-cpu.sve-max-vq=2: Property 'host-arm-cpu.sve-max-vq' not found");
    refused_under(&kvm, "host,sve=2", "can't apply global host-arm-cpu.sve=2: Parameter 'sve' expects 'on' or 'off'");
    test_lengths = 0;
}

/* A processor with these properties on the host of the test, one of whose registers has that value, too; NULL: it fits. */
static char *why_not(const char *text, uint32_t key, uint64_t value)
{
    const AccelArmOps there = {.host = host_of_test};
    const AccelOps kvm = {.arm = &there};
    g_autofree AccelArmHost *host = host_of_test(NULL);
    ArmCpuConfig c = {0};
    Error *err = NULL;
    char *said = NULL;

    g_assert_true(arm_config_parse_under(&c, text, &kvm, NULL));
    host = g_realloc(host, sizeof(*host) + (host->n + 1) * sizeof(host->id[0]));
    for (unsigned i = 0; i < host->n && key; i++) {
        if (host->id[i].key == key) {
            host->id[i].value |= value;
            key = 0;
        }
    }
    if (key) {
        host->id[host->n++] = (AccelArmReg){key, value};
    }
    if (!arm_fits_translator(&c, 2, host, &err)) {
        said = g_strdup(error_message(err));
        error_free(err);
    }
    return said;
}

static void fits(const char *text, uint32_t key, uint64_t value, const char *want)
{
    g_autofree char *said = why_not(text, key, value);

    g_assert_cmpstr(said, ==, want);
}

/* What guests saw of the host's processor, and the translator has not, keeps a machine from moving. */
static void test_host_moves(void)
{
    const uint32_t pfr0 = KEY(3, 0, 0, 4, 0), isar1 = KEY(3, 0, 0, 6, 1), isar2 = KEY(3, 0, 0, 6, 2);

    fits("host", 0, 0, NULL);
    fits("host", isar2, 1 << 16, "processor 2 has what ID_AA64ISAR2_EL1[19:16] = 1 stands for, and the translator has not");
    fits("host", KEY(3, 0, 0, 6, 0), 3ull << 20,
         "processor 2 has what ID_AA64ISAR0_EL1[23:20] = 3 stands for, and the translator has not");
    fits("host", isar2, 1 << 12, NULL); /* APA3, which KVM does not give there */
    fits("host", pfr0, 2ull << 56, NULL); /* speculation, */
    fits("host", pfr0, 1ull << 40, NULL); /* EL2's, */
    fits("host", KEY(3, 0, 0, 5, 0), 1ull << 32, NULL); /* profiling: not for guests */
    test_lengths = 3;
    fits("host", 0, 0, NULL);
    fits("host", isar2, 1 << 12, "processor 2 has what ID_AA64ISAR2_EL1[15:12] = 1 stands for, and the translator has not");
    fits("host,pauth=off", isar2, 1 << 12, NULL);
    fits("host", isar1, 1 << 8, "processor 2 signs pointers by the host's own algorithm, which the translator does not know");
    fits("host,pauth=off", isar1, 1 << 8, NULL);
    fits("host", KEY(3, 0, 0, 4, 4), 3, "processor 2 has what ID_AA64ZFR0_EL1[3:0] = 3 stands for, and the translator has not");
    fits("host,sve=off", KEY(3, 0, 0, 4, 4), 3, NULL);
    test_lengths = 0;
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/arm/models/round-trip", test_round_trip);
    g_test_add_func("/arm/models/cortex-a76", test_a76);
    g_test_add_func("/arm/models/properties", test_properties);
    g_test_add_func("/arm/models/errors", test_errors);
    g_test_add_func("/arm/models/sve", test_sve);
    g_test_add_func("/arm/models/pauth", test_pauth);
    g_test_add_func("/arm/models/told", test_told);
    g_test_add_func("/arm/models/host", test_host);
    g_test_add_func("/arm/models/host/sve", test_host_sve);
    g_test_add_func("/arm/models/host/moves", test_host_moves);
    return g_test_run();
}
