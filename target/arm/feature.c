/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Features and the ID registers that show them, in both directions, by idfields.def.
 */
#include <string.h>
#include "base/bits.h"
#include "target/arm/feature.h"

static const char *const names[ARM_FEAT__COUNT] = {
#define F(name, help) #name,
#include "target/arm/features.def"
#undef F
};

static const bool implemented[ARM_FEAT__COUNT] = {
#define F(name, help) [ARM_FEAT_##name] = true,
#define F_LATER(name, help)
#include "target/arm/features.def"
#undef F
};

const char *arm_feature_name(ArmFeature f)
{
    return names[f];
}

int arm_feature_by_name(const char *name)
{
    for (int f = 0; f < ARM_FEAT__COUNT; f++) {
        if (!strcmp(names[f], name)) {
            return f;
        }
    }
    return -1;
}

bool arm_feature_implemented(ArmFeature f)
{
    return implemented[f];
}

void arm_feature_put(ArmCpuConfig *c, ArmFeature f, bool on)
{
    uint64_t bit = 1ull << f % 64;

    c->features[f / 64] = on ? c->features[f / 64] | bit : c->features[f / 64] & ~bit;
}

/* ---- fields ---- */

typedef struct Field {
    uint16_t reg, feature;
    uint8_t lsb, value;
    bool from_minus_one;
} Field;

static const Field fields[] = {
#define X(reg, lsb, value, feature) {ARM_ID_##reg, ARM_FEAT_##feature, lsb, value, false},
#define XS(reg, lsb, value, feature) {ARM_ID_##reg, ARM_FEAT_##feature, lsb, value, true},
#define KEEP(reg, mask)
#include "target/arm/idfields.def"
#undef X
#undef XS
#undef KEEP
};

static const uint64_t keep[ARM_ID__COUNT] = {
#define X(reg, lsb, value, feature)
#define XS(reg, lsb, value, feature)
#define KEEP(reg, mask) [ARM_ID_##reg] = mask,
#include "target/arm/idfields.def"
#undef X
#undef XS
#undef KEEP
};

static unsigned field_get(const ArmCpuConfig *c, const Field *f)
{
    return ((unsigned)(c->id[f->reg] >> f->lsb) + f->from_minus_one) & 15;
}

static void field_put(ArmCpuConfig *c, const Field *f, unsigned value)
{
    c->id[f->reg] = deposit64(c->id[f->reg], f->lsb, 4, (value - f->from_minus_one) & 15);
}

/* Registers of AArch64 say nothing of a processor without it, nor those of AArch32 of one without that. */
static bool reg_counts(const ArmCpuConfig *c, unsigned reg)
{
    bool a64 = reg >= ARM_ID_ID_AA64PFR0_EL1 && reg <= ARM_ID_ID_AA64MMFR2_EL1;

    return a64 ? c->aarch64 : !c->aarch64 || reg > ARM_ID_ID_AA64MMFR2_EL1;
}

static bool is_a32_id(unsigned reg)
{
    return reg < ARM_ID_ID_AA64PFR0_EL1;
}

/* Pointer authentication: the level is the same in both fields, whichever algorithm it is. */
static void pauth_from_ids(ArmCpuConfig *c)
{
    unsigned level = MAX(c->id[ARM_ID_ID_AA64ISAR1_EL1] >> 4 & 15, c->id[ARM_ID_ID_AA64ISAR1_EL1] >> 8 & 15);

    arm_feature_put(c, ARM_FEAT_PAuth, level >= 1);
    arm_feature_put(c, ARM_FEAT_PAuth2, level >= 3);
    arm_feature_put(c, ARM_FEAT_FPAC, level >= 4);
}

static void pauth_to_ids(ArmCpuConfig *c)
{
    unsigned level = arm_has(c, ARM_FEAT_FPAC) ? 4 : arm_has(c, ARM_FEAT_PAuth2) ? 3 : arm_has(c, ARM_FEAT_PAuth);
    uint64_t *isar1 = &c->id[ARM_ID_ID_AA64ISAR1_EL1];

    *isar1 = deposit64(*isar1, 4, 4, arm_has(c, ARM_FEAT_PAuth_QARMA5) ? level : 0);
    *isar1 = deposit64(*isar1, 8, 4, arm_has(c, ARM_FEAT_PAuth_IMPDEF) ? level : 0);
}

void arm_features_from_ids(ArmCpuConfig *c)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const Field *f = &fields[i];
        if (reg_counts(c, f->reg) && field_get(c, f) >= f->value) {
            arm_feature_put(c, f->feature, true);
        }
    }
    if (c->aarch64) {
        pauth_from_ids(c);
    }
}

/* Granules of stage 2 (D17.2.65, TGran4_2 and others): 0: as of stage 1, 2: there, 3: with 52 bits. */
static void granules_of_stage2(ArmCpuConfig *c)
{
    uint64_t *mmfr0 = &c->id[ARM_ID_ID_AA64MMFR0_EL1];

    for (unsigned lsb = 32; lsb < 44; lsb += 4) {
        if ((*mmfr0 >> lsb & 15) == 3 && !arm_has(c, ARM_FEAT_LPA2)) {
            *mmfr0 = deposit64(*mmfr0, lsb, 4, 2);
        }
    }
}

/* What AArch32 shows of Advanced SIMD, which AArch64's features speak of too. */
static void without_neon(ArmCpuConfig *c)
{
    c->id[ARM_ID_ID_ISAR5_EL1] &= 0x000f000f; /* SEVL, CRC32 */
    c->id[ARM_ID_ID_ISAR6_EL1] &= 0x000ff000; /* SB, SPECRES */
    c->id[ARM_ID_MVFR1_EL1] &= 0x0f0000ff;    /* FP: half precision, NaN, flush to zero */
    c->id[ARM_ID_MVFR2_EL1] &= 0xf0;
}

/* Before Armv8 a PMU is of a version that no feature stands for: the model's own (DDI 0406C, B4.1.82). */
static unsigned pmu_version_a32(const ArmCpuConfig *c)
{
    return arm_has(c, ARM_FEAT_PMUv3) ? c->id[ARM_ID_ID_DFR0_EL1] >> 24 & 15 : 0;
}

void arm_ids_from_features(ArmCpuConfig *c)
{
    unsigned pmu_version = pmu_version_a32(c);

    for (unsigned r = 0; r < ARM_ID__COUNT; r++) {
        c->id[r] &= keep[r];
    }
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const Field *f = &fields[i];
        if (i == 0 || f->reg != f[-1].reg || f->lsb != f[-1].lsb) {
            field_put(c, f, 0);
        }
        if (arm_has(c, f->feature)) {
            field_put(c, f, f->value);
        }
    }
    pauth_to_ids(c);
    granules_of_stage2(c);
    if (!arm_has(c, ARM_FEAT_NEON)) {
        without_neon(c);
    }
    /* Security and virtualization, and the levels' own width, in AArch32's register (G8.2.107). */
    uint64_t *pfr1 = &c->id[ARM_ID_ID_PFR1_EL1];
    if (!arm_has(c, ARM_FEAT_V8)) {
        c->id[ARM_ID_ID_DFR0_EL1] = deposit64(c->id[ARM_ID_ID_DFR0_EL1], 24, 4, pmu_version);
    }
    c->id[ARM_ID_ID_DFR0_EL1] &= ~(arm_has(c, ARM_FEAT_EL3) ? 0 : 0xf0ull);
    *pfr1 &= ~(arm_has(c, ARM_FEAT_EL3) ? 0 : 0xf000f0ull) & ~(arm_has(c, ARM_FEAT_EL2) ? 0 : 0xf00f000ull);
    for (unsigned r = 0; r < ARM_ID_CTR_EL0; r++) {
        if (is_a32_id(r) ? c->aarch64 && !arm_has(c, ARM_FEAT_AA32) : !c->aarch64) {
            c->id[r] = 0;
        }
    }
}

/* ---- what needs what ---- */

typedef struct Need {
    uint16_t feature, needs;
} Need;

/*
 * In an order in which one pass is enough. What is of use to EL2 alone (VHE, VMID16, XNX ...) is told without it, as QEMU does.
 */
static const Need needs[] = {
#define NEED(a, b) {ARM_FEAT_##a, ARM_FEAT_##b}
    NEED(AA32_EL1, AA32), NEED(AA32_EL2, AA32_EL1), NEED(AA32_EL2, EL2), NEED(AA32_EL3, AA32_EL1), NEED(AA32_EL3, EL3),
    NEED(SEL2, EL2), NEED(SEL2, EL3),
    NEED(EVT, EVT1), NEED(NV, EL2), NEED(ASIMD, FP), NEED(FP16, ASIMD), NEED(AES, ASIMD), NEED(PMULL, AES),
    NEED(SHA1, ASIMD), NEED(SHA256, SHA1), NEED(SHA512, SHA256), NEED(SHA3, ASIMD), NEED(SM3, ASIMD), NEED(SM4, ASIMD),
    NEED(RDM, ASIMD), NEED(DotProd, ASIMD), NEED(I8MM, ASIMD), NEED(BF16, ASIMD), NEED(FCMA, ASIMD), NEED(JSCVT, FP),
    NEED(FHM, FP16), NEED(FRINTTS, FP), NEED(FlagM2, FlagM), NEED(LRCPC2, LRCPC), NEED(DPB2, DPB), NEED(PAN2, PAN),
    NEED(PAN3, PAN2), NEED(HAFDBS, HAF), NEED(HPDS2, HPDS), NEED(TLBIRANGE, TLBIOS), NEED(MTE2, MTE), NEED(MTE3, MTE2),
    NEED(PAuth_QARMA5, PAuth), NEED(PAuth_IMPDEF, PAuth), NEED(PAuth2, PAuth), NEED(FPAC, PAuth2), NEED(SVE, FP16),
    NEED(SVE2, SVE), NEED(SVE_AES, SVE2), NEED(SVE_PMULL128, SVE_AES), NEED(SVE_BitPerm, SVE2), NEED(SVE_SHA3, SVE2),
    NEED(SVE_SM4, SVE2), NEED(SVE_I8MM, SVE), NEED(SVE_F32MM, SVE), NEED(SVE_F64MM, SVE), NEED(SVE_BF16, SVE),
    NEED(PMUv3p1, PMUv3), NEED(PMUv3p4, PMUv3p1), NEED(PMUv3p5, PMUv3p4), NEED(Debugv8p4, Debugv8p2), NEED(CSV2_2, CSV2),
    NEED(DoubleFault, RAS), NEED(IESB, RAS), NEED(SSBS2, SSBS), NEED(LPA2, LVA), NEED(AA32HPD, HPDS),
#undef NEED
};

void arm_features_settle(ArmCpuConfig *c)
{
    for (int f = 0; f < ARM_FEAT__COUNT; f++) {
        if (!implemented[f]) {
            arm_feature_put(c, (ArmFeature)f, false);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(needs); i++) {
        if (!arm_has(c, (ArmFeature)needs[i].needs)) {
            arm_feature_put(c, (ArmFeature)needs[i].feature, false);
        }
    }
    if (!arm_has(c, ARM_FEAT_PAuth_QARMA5) && !arm_has(c, ARM_FEAT_PAuth_IMPDEF)) {
        arm_feature_put(c, ARM_FEAT_PAuth, false);
        arm_feature_put(c, ARM_FEAT_PAuth2, false);
        arm_feature_put(c, ARM_FEAT_FPAC, false);
    }
    if (!arm_has(c, ARM_FEAT_SVE)) {
        c->sve_vq_max = 0;
        c->sve_vq_map = 0;
    }
}
