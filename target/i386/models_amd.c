/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AMD's processors, and Hygon's, as models. See models_intel.c for how the tables are written.
 */
#include "target/i386/models.h"

static const X86Caches zen1_caches = {
    .l1d = {32, 8, true, 1}, .l1i = {64, 4, true, 1}, .l2 = {512, 8, false, 0},
    .l3 = {8192, 16, true, 6},
};
static const X86Caches zen2_caches = {
    .l1d = {32, 8, true, 1}, .l1i = {32, 8, true, 1}, .l2 = {512, 8, false, 0},
    .l3 = {16384, 16, true, 6},
};
static const X86Caches zen3_caches = {
    .l1d = {32, 8, true, 1}, .l1i = {32, 8, true, 1}, .l2 = {512, 8, false, 0},
    .l3 = {32768, 16, true, 6},
};
static const X86Caches zen4_caches = {
    .l1d = {32, 8, true, 1}, .l1i = {32, 8, true, 1}, .l2 = {1024, 8, false, 0},
    .l3 = {32768, 16, true, 6},
};

#define M_K7 F_FPU, F_VME, F_DE, F_PSE, F_TSC, F_MSR, F_PAE, F_MCE, F_CX8, F_APIC, F_SEP, F_MTRR, \
    F_PGE, F_MCA, F_CMOV, F_PAT, F_PSE36, F_MMX, F_FXSR, F_SSE, F_SSE2
#define M_ATHLON M_K7, F_MMXEXT, F_AMD3DNOWEXT, F_AMD3DNOW
#define M_OPTERON_G1 M_K7, F_CLFSH, F_SSE3, F_SYSCALL, F_NX, F_LM
#define M_OPTERON_G2 M_OPTERON_G1, F_CX16, F_LAHF64, F_SVM
#define M_K10 M_OPTERON_G2, F_POPCNT, F_RDTSCP, F_LZCNT, F_SSE4A
#define M_OPTERON_G3 M_K10, F_MONITOR, F_MISALIGNSSE
#define M_PHENOM M_K10, F_MONITOR, F_MMXEXT, F_FXSR_OPT, F_PDPE1GB, F_AMD3DNOWEXT, F_AMD3DNOW, \
    F_NPT
#define M_OPTERON_G4 M_K10, F_PCLMUL, F_SSSE3, F_SSE41, F_SSE42, F_AES, F_XSAVE, F_AVX, \
    F_PDPE1GB, F_MISALIGNSSE, F_PREFETCHW, F_XOP, F_FMA4, F_NPT, F_NRIP_SAVE
#define M_OPTERON_G5 M_OPTERON_G4, F_FMA, F_F16C, F_TBM
#define M_ZEN M_OPTERON_G3, F_SSSE3, F_FMA, F_SSE41, F_SSE42, F_MOVBE, F_XSAVE, F_AVX, F_F16C, \
    F_RDRAND, F_FSGSBASE, F_BMI1, F_AVX2, F_SMEP, F_BMI2, F_RDSEED, F_ADX, F_SMAP, F_CLFLUSHOPT, \
    F_XSAVEOPT, F_XSAVEC, F_XGETBV1, F_MMXEXT, F_FXSR_OPT, F_PDPE1GB, F_CR8LEGACY, F_PREFETCHW, \
    F_OSVW, F_TOPOEXT, F_NPT, F_NRIP_SAVE, F_ARAT
#define M_EPYC M_ZEN, F_PCLMUL, F_AES, F_SHA
#define M_EPYC_ROME M_EPYC, F_CLWB, F_UMIP, F_RDPID, F_XSAVES, F_PERFCTR_CORE, F_CLZERO, \
    F_XSAVEERPTR, F_WBNOINVD, F_IBPB, F_AMD_STIBP
#define M_EPYC_MILAN M_EPYC_ROME, F_PCID, F_ERMS, F_INVPCID, F_PKU, F_FSRM, F_IBRS, F_AMD_SSBD, \
    F_SVME_ADDR_CHK
#define M_EPYC_GENOA M_EPYC_MILAN, F_AVX512F, F_AVX512DQ, F_AVX512IFMA, F_AVX512CD, F_AVX512BW, \
    F_AVX512VL, F_AVX512VBMI, F_AVX512VBMI2, F_GFNI, F_VAES, F_VPCLMULQDQ, F_AVX512VNNI, \
    F_AVX512BITALG, F_AVX512VPOPCNTDQ, F_LA57, F_AVX512_BF16, F_STIBP_ALWAYS_ON, F_AMD_PSFD, \
    F_VNMI, F_NO_NESTED_DATA_BP, F_LFENCE_RDTSC, F_NULL_SEL, F_AUTOIBRS
#define M_DHYANA M_ZEN, F_IBPB

static const uint16_t features_athlon[] = {M_ATHLON, F__COUNT};
static const uint16_t features_opteron_g1[] = {M_OPTERON_G1, F__COUNT};
static const uint16_t features_opteron_g2[] = {M_OPTERON_G2, F__COUNT};
static const uint16_t features_opteron_g3[] = {M_OPTERON_G3, F__COUNT};
static const uint16_t features_phenom[] = {M_PHENOM, F__COUNT};
static const uint16_t features_opteron_g4[] = {M_OPTERON_G4, F__COUNT};
static const uint16_t features_opteron_g5[] = {M_OPTERON_G5, F__COUNT};
static const uint16_t features_epyc[] = {M_EPYC, F__COUNT};
static const uint16_t features_epyc_rome[] = {M_EPYC_ROME, F__COUNT};
static const uint16_t features_epyc_milan[] = {M_EPYC_MILAN, F__COUNT};
static const uint16_t features_epyc_genoa[] = {M_EPYC_GENOA, F__COUNT};
static const uint16_t features_dhyana[] = {M_DHYANA, F__COUNT};

const X86Model x86_models_amd[] = {
    {.name = "athlon", .version = 1, .vendor = "AuthenticAMD", .family = 6, .model = 2,
     .stepping = 3, .level = 0x2, .xlevel = 0x80000008,
     .model_id = "QEMU Virtual CPU version 2.5+", .features = features_athlon},
    {.name = "Opteron_G1", .version = 1, .vendor = "AuthenticAMD", .family = 15, .model = 6,
     .stepping = 1, .level = 0x5, .xlevel = 0x80000008,
     .model_id = "AMD Opteron 240 (Gen 1 Class Opteron)", .features = features_opteron_g1},
    {.name = "Opteron_G2", .version = 1, .vendor = "AuthenticAMD", .family = 15, .model = 6,
     .stepping = 1, .level = 0x5, .xlevel = 0x8000000a,
     .model_id = "AMD Opteron 22xx (Gen 2 Class Opteron)", .features = features_opteron_g2},
    {.name = "Opteron_G3", .version = 1, .vendor = "AuthenticAMD", .family = 16, .model = 2,
     .stepping = 3, .level = 0x5, .xlevel = 0x8000000a,
     .model_id = "AMD Opteron 23xx (Gen 3 Class Opteron)", .features = features_opteron_g3},
    {.name = "phenom", .version = 1, .vendor = "AuthenticAMD", .family = 16, .model = 2,
     .stepping = 3, .level = 0x5, .xlevel = 0x8000001a,
     .model_id = "AMD Phenom(tm) 9550 Quad-Core Processor", .features = features_phenom},
    {.name = "Opteron_G4", .version = 1, .vendor = "AuthenticAMD", .family = 21, .model = 1,
     .stepping = 2, .level = 0xd, .xlevel = 0x8000001a, .model_id = "AMD Opteron 62xx class CPU",
     .features = features_opteron_g4},
    {.name = "Opteron_G5", .version = 1, .vendor = "AuthenticAMD", .family = 21, .model = 2,
     .stepping = 0, .level = 0xd, .xlevel = 0x8000001a, .model_id = "AMD Opteron 63xx class CPU",
     .features = features_opteron_g5},
    {.name = "EPYC", .version = 1, .vendor = "AuthenticAMD", .family = 23, .model = 1,
     .stepping = 2, .level = 0xd, .xlevel = 0x8000001e, .model_id = "AMD EPYC Processor",
     .caches = &zen1_caches, .features = features_epyc},
    {.name = "EPYC", .version = 2, .alias = "EPYC-IBPB", .vendor = "AuthenticAMD", .family = 23,
     .model = 1, .stepping = 2, .level = 0xd, .xlevel = 0x8000001e,
     .model_id = "AMD EPYC Processor (with IBPB)", .caches = &zen1_caches,
     .features = features_epyc, .plus = LIST(F_IBPB)},
    {.name = "EPYC", .version = 3, .vendor = "AuthenticAMD", .family = 23, .model = 1,
     .stepping = 2, .level = 0xd, .xlevel = 0x8000001e, .model_id = "AMD EPYC Processor",
     .caches = &zen1_caches, .features = features_epyc,
     .plus = LIST(F_XSAVES, F_PERFCTR_CORE, F_CLZERO, F_XSAVEERPTR, F_IBPB)},
    {.name = "EPYC-Rome", .version = 1, .vendor = "AuthenticAMD", .family = 23, .model = 49,
     .stepping = 0, .level = 0xd, .xlevel = 0x8000001e, .model_id = "AMD EPYC-Rome Processor",
     .caches = &zen2_caches, .features = features_epyc_rome},
    {.name = "EPYC-Rome", .version = 2, .vendor = "AuthenticAMD", .family = 23, .model = 49,
     .stepping = 0, .level = 0xd, .xlevel = 0x8000001e, .model_id = "AMD EPYC-Rome Processor",
     .caches = &zen2_caches, .features = features_epyc_rome, .plus = LIST(F_IBRS, F_AMD_SSBD)},
    {.name = "EPYC-Milan", .version = 1, .vendor = "AuthenticAMD", .family = 25, .model = 1,
     .stepping = 1, .level = 0xd, .xlevel = 0x8000001e, .model_id = "AMD EPYC-Milan Processor",
     .caches = &zen3_caches, .features = features_epyc_milan},
    {.name = "EPYC-Genoa", .version = 1, .vendor = "AuthenticAMD", .family = 25, .model = 17,
     .stepping = 0, .level = 0xd, .xlevel = 0x80000022, .model_id = "AMD EPYC-Genoa Processor",
     .caches = &zen4_caches, .features = features_epyc_genoa},
    {.name = "Dhyana", .version = 1, .vendor = "HygonGenuine", .family = 24, .model = 0,
     .stepping = 1, .level = 0xd, .xlevel = 0x8000001e, .model_id = "Hygon Dhyana Processor",
     .caches = &zen1_caches, .features = features_dhyana},
    {.name = "Dhyana", .version = 2, .note = "XSAVES", .vendor = "HygonGenuine", .family = 24,
     .model = 0, .stepping = 1, .level = 0xd, .xlevel = 0x8000001e,
     .model_id = "Hygon Dhyana Processor", .caches = &zen1_caches, .features = features_dhyana,
     .plus = LIST(F_XSAVES)},
    {0},
};
