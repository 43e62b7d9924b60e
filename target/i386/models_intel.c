/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel's processors as models. A model's features are those of its forerunner and what came new;
 * versions after the first say what they have more and less than that. Names, numbers and features
 * are those of QEMU's models, which took them from the processors.
 */
#include "target/i386/models.h"

#define M_486 F_FPU, F_VME, F_PSE
#define M_PENTIUM M_486, F_DE, F_TSC, F_MSR, F_MCE, F_CX8, F_APIC, F_MMX
#define M_PENTIUM2 M_PENTIUM, F_PAE, F_SEP, F_MTRR, F_PGE, F_MCA, F_CMOV, F_PAT, F_PSE36, F_FXSR
#define M_PENTIUM3 M_PENTIUM2, F_SSE
#define M_P6 F_FPU, F_DE, F_PSE, F_TSC, F_MSR, F_PAE, F_MCE, F_CX8, F_APIC, F_SEP, F_PGE, F_CMOV, \
    F_PAT, F_MMX, F_FXSR, F_SSE, F_SSE2, F_SSE3
#define M_COREDUO M_P6, F_VME, F_MTRR, F_MCA, F_CLFSH, F_ACPI, F_SS, F_MONITOR, F_NX
#define M_N270 M_COREDUO, F_SSSE3, F_MOVBE, F_LAHF64
#define M_CORE2 M_P6, F_VME, F_MTRR, F_MCA, F_PSE36, F_CLFSH, F_SSSE3, F_SYSCALL, F_NX, F_LM, \
    F_LAHF64
#define M_CORE2DUO M_CORE2, F_ACPI, F_SS, F_MONITOR, F_CX16
#define M_CONROE M_CORE2
#define M_PENRYN M_CONROE, F_CX16, F_SSE41
#define M_NEHALEM M_PENRYN, F_SSE42, F_POPCNT
#define M_WESTMERE M_NEHALEM, F_PCLMUL, F_AES, F_ARAT
#define M_SANDYBRIDGE M_WESTMERE, F_X2APIC, F_TSC_DEADLINE, F_XSAVE, F_AVX, F_XSAVEOPT, F_RDTSCP
#define M_IVYBRIDGE M_SANDYBRIDGE, F_F16C, F_RDRAND, F_FSGSBASE, F_SMEP, F_ERMS
#define M_HASWELL M_IVYBRIDGE, F_FMA, F_PCID, F_MOVBE, F_BMI1, F_HLE, F_AVX2, F_BMI2, F_INVPCID, \
    F_RTM, F_LZCNT
#define M_BROADWELL M_HASWELL, F_RDSEED, F_ADX, F_SMAP, F_PREFETCHW
#define M_SKYLAKE_CLIENT M_BROADWELL, F_XSAVEC, F_XGETBV1
#define M_SKYLAKE_SERVER M_SKYLAKE_CLIENT, F_AVX512F, F_AVX512DQ, F_CLFLUSHOPT, F_CLWB, \
    F_AVX512CD, F_AVX512BW, F_AVX512VL, F_PKU, F_PDPE1GB
#define M_CASCADELAKE_SERVER M_SKYLAKE_SERVER, F_AVX512VNNI, F_SPEC_CTRL, F_SSBD
#define M_COOPERLAKE M_CASCADELAKE_SERVER, F_STIBP, F_ARCH_CAPABILITIES, F_AVX512_BF16, \
    F_RDCTL_NO, F_IBRS_ALL, F_SKIP_L1DFL_VMENTRY, F_MDS_NO, F_PSCHANGE_MC_NO, F_TAA_NO
#define M_ICELAKE_SERVER M_CASCADELAKE_SERVER, F_AVX512VBMI, F_UMIP, F_AVX512VBMI2, F_GFNI, \
    F_VAES, F_VPCLMULQDQ, F_AVX512BITALG, F_AVX512VPOPCNTDQ, F_LA57, F_WBNOINVD
#define M_SAPPHIRERAPIDS M_ICELAKE_SERVER, F_AVX512IFMA, F_SHA, F_RDPID, F_BUS_LOCK_DETECT, \
    F_FSRM, F_SERIALIZE, F_TSX_LDTRK, F_AMX_BF16, F_AVX512_FP16, F_AMX_TILE, F_AMX_INT8, \
    F_ARCH_CAPABILITIES, F_AVX_VNNI, F_AVX512_BF16, F_FZRM, F_FSRS, F_FSRC, F_XSAVES, F_XFD, \
    F_RDCTL_NO, F_IBRS_ALL, F_SKIP_L1DFL_VMENTRY, F_MDS_NO, F_PSCHANGE_MC_NO, F_TAA_NO
#define M_KNIGHTSMILL M_IVYBRIDGE, F_SS, F_FMA, F_MOVBE, F_BMI1, F_AVX2, F_BMI2, F_AVX512F, \
    F_RDSEED, F_ADX, F_AVX512PF, F_AVX512ER, F_AVX512CD, F_AVX512VPOPCNTDQ, F_AVX512_4VNNIW, \
    F_AVX512_4FMAPS, F_PDPE1GB, F_LZCNT, F_PREFETCHW
#define M_ATOM M_WESTMERE, F_MONITOR, F_X2APIC, F_MOVBE, F_TSC_DEADLINE, F_XSAVE, F_RDRAND, \
    F_FSGSBASE, F_SMEP, F_ERMS, F_MPX, F_RDSEED, F_SMAP, F_CLFLUSHOPT, F_SHA, F_SPEC_CTRL, \
    F_ARCH_CAPABILITIES, F_SSBD, F_XSAVEOPT, F_XSAVEC, F_XGETBV1, F_PDPE1GB, F_RDTSCP, \
    F_PREFETCHW
#define M_DENVERTON M_ATOM, F_RDCTL_NO, F_SKIP_L1DFL_VMENTRY
#define M_SNOWRIDGE M_ATOM, F_CLWB, F_UMIP, F_GFNI, F_CLDEMOTE, F_MOVDIRI, F_MOVDIR64B, \
    F_CORE_CAPABILITY, F_SPLIT_LOCK_DETECT

static const uint16_t features_i486[] = {M_486, F__COUNT};
static const uint16_t features_pentium[] = {M_PENTIUM, F__COUNT};
static const uint16_t features_pentium2[] = {M_PENTIUM2, F__COUNT};
static const uint16_t features_pentium3[] = {M_PENTIUM3, F__COUNT};
static const uint16_t features_coreduo[] = {M_COREDUO, F__COUNT};
static const uint16_t features_n270[] = {M_N270, F__COUNT};
static const uint16_t features_core2duo[] = {M_CORE2DUO, F__COUNT};
static const uint16_t features_conroe[] = {M_CONROE, F__COUNT};
static const uint16_t features_penryn[] = {M_PENRYN, F__COUNT};
static const uint16_t features_nehalem[] = {M_NEHALEM, F__COUNT};
static const uint16_t features_westmere[] = {M_WESTMERE, F__COUNT};
static const uint16_t features_sandybridge[] = {M_SANDYBRIDGE, F__COUNT};
static const uint16_t features_ivybridge[] = {M_IVYBRIDGE, F__COUNT};
static const uint16_t features_haswell[] = {M_HASWELL, F__COUNT};
static const uint16_t features_broadwell[] = {M_BROADWELL, F__COUNT};
static const uint16_t features_skylake_client[] = {M_SKYLAKE_CLIENT, F__COUNT};
static const uint16_t features_skylake_server[] = {M_SKYLAKE_SERVER, F__COUNT};
static const uint16_t features_cascadelake_server[] = {M_CASCADELAKE_SERVER, F__COUNT};
static const uint16_t features_cooperlake[] = {M_COOPERLAKE, F__COUNT};
static const uint16_t features_icelake_server[] = {M_ICELAKE_SERVER, F__COUNT};
static const uint16_t features_sapphirerapids[] = {M_SAPPHIRERAPIDS, F__COUNT};
static const uint16_t features_knightsmill[] = {M_KNIGHTSMILL, F__COUNT};
static const uint16_t features_denverton[] = {M_DENVERTON, F__COUNT};
static const uint16_t features_snowridge[] = {M_SNOWRIDGE, F__COUNT};

const X86Model x86_models_intel[] = {
    {.name = "486", .version = 1, .vendor = "GenuineIntel", .family = 4, .model = 8,
     .stepping = 0, .level = 0x1, .xlevel = 0, .features = features_i486},
    {.name = "pentium", .version = 1, .vendor = "GenuineIntel", .family = 5, .model = 4,
     .stepping = 3, .level = 0x1, .xlevel = 0, .features = features_pentium},
    {.name = "pentium2", .version = 1, .vendor = "GenuineIntel", .family = 6, .model = 5,
     .stepping = 2, .level = 0x2, .xlevel = 0, .features = features_pentium2},
    {.name = "pentium3", .version = 1, .vendor = "GenuineIntel", .family = 6, .model = 7,
     .stepping = 3, .level = 0x3, .xlevel = 0, .features = features_pentium3},
    {.name = "coreduo", .version = 1, .vendor = "GenuineIntel", .family = 6, .model = 14,
     .stepping = 8, .level = 0xa, .xlevel = 0x80000008,
     .model_id = "Genuine Intel(R) CPU           T2600  @ 2.16GHz", .features = features_coreduo},
    {.name = "n270", .version = 1, .vendor = "GenuineIntel", .family = 6, .model = 28,
     .stepping = 2, .level = 0xa, .xlevel = 0x80000008,
     .model_id = "Intel(R) Atom(TM) CPU N270   @ 1.60GHz", .features = features_n270},
    {.name = "core2duo", .version = 1, .vendor = "GenuineIntel", .family = 6, .model = 15,
     .stepping = 11, .level = 0xa, .xlevel = 0x80000008,
     .model_id = "Intel(R) Core(TM)2 Duo CPU     T7700  @ 2.40GHz",
     .features = features_core2duo},
    {.name = "Conroe", .version = 1, .vendor = "GenuineIntel", .family = 6, .model = 15,
     .stepping = 3, .level = 0xa, .xlevel = 0x80000008,
     .model_id = "Intel Celeron_4x0 (Conroe/Merom Class Core 2)", .features = features_conroe},
    {.name = "Penryn", .version = 1, .vendor = "GenuineIntel", .family = 6, .model = 23,
     .stepping = 3, .level = 0xa, .xlevel = 0x80000008,
     .model_id = "Intel Core 2 Duo P9xxx (Penryn Class Core 2)", .features = features_penryn},
    {.name = "Nehalem", .version = 1, .vendor = "GenuineIntel", .family = 6, .model = 26,
     .stepping = 3, .level = 0xb, .xlevel = 0x80000008,
     .model_id = "Intel Core i7 9xx (Nehalem Class Core i7)", .features = features_nehalem},
    {.name = "Nehalem", .version = 2, .alias = "Nehalem-IBRS", .vendor = "GenuineIntel",
     .family = 6, .model = 26, .stepping = 3, .level = 0xb, .xlevel = 0x80000008,
     .model_id = "Intel Core i7 9xx (Nehalem Core i7, IBRS update)",
     .features = features_nehalem, .plus = LIST(F_SPEC_CTRL)},
    {.name = "Westmere", .version = 1, .vendor = "GenuineIntel", .family = 6, .model = 44,
     .stepping = 1, .level = 0xb, .xlevel = 0x80000008,
     .model_id = "Westmere E56xx/L56xx/X56xx (Nehalem-C)", .features = features_westmere},
    {.name = "Westmere", .version = 2, .alias = "Westmere-IBRS", .vendor = "GenuineIntel",
     .family = 6, .model = 44, .stepping = 1, .level = 0xb, .xlevel = 0x80000008,
     .model_id = "Westmere E56xx/L56xx/X56xx (IBRS update)", .features = features_westmere,
     .plus = LIST(F_SPEC_CTRL)},
    {.name = "SandyBridge", .version = 1, .vendor = "GenuineIntel", .family = 6, .model = 42,
     .stepping = 1, .level = 0xd, .xlevel = 0x80000008,
     .model_id = "Intel Xeon E312xx (Sandy Bridge)", .features = features_sandybridge},
    {.name = "SandyBridge", .version = 2, .alias = "SandyBridge-IBRS", .vendor = "GenuineIntel",
     .family = 6, .model = 42, .stepping = 1, .level = 0xd, .xlevel = 0x80000008,
     .model_id = "Intel Xeon E312xx (Sandy Bridge, IBRS update)",
     .features = features_sandybridge, .plus = LIST(F_SPEC_CTRL)},
    {.name = "IvyBridge", .version = 1, .vendor = "GenuineIntel", .family = 6, .model = 58,
     .stepping = 9, .level = 0xd, .xlevel = 0x80000008,
     .model_id = "Intel Xeon E3-12xx v2 (Ivy Bridge)", .features = features_ivybridge},
    {.name = "IvyBridge", .version = 2, .alias = "IvyBridge-IBRS", .vendor = "GenuineIntel",
     .family = 6, .model = 58, .stepping = 9, .level = 0xd, .xlevel = 0x80000008,
     .model_id = "Intel Xeon E3-12xx v2 (Ivy Bridge, IBRS)", .features = features_ivybridge,
     .plus = LIST(F_SPEC_CTRL)},
    {.name = "Haswell", .version = 1, .vendor = "GenuineIntel", .family = 6, .model = 60,
     .stepping = 4, .level = 0xd, .xlevel = 0x80000008,
     .model_id = "Intel Core Processor (Haswell)", .features = features_haswell},
    {.name = "Haswell", .version = 2, .alias = "Haswell-noTSX", .vendor = "GenuineIntel",
     .family = 6, .model = 60, .stepping = 1, .level = 0xd, .xlevel = 0x80000008,
     .model_id = "Intel Core Processor (Haswell, no TSX)", .features = features_haswell,
     .minus = LIST(F_HLE, F_RTM)},
    {.name = "Haswell", .version = 3, .alias = "Haswell-IBRS", .vendor = "GenuineIntel",
     .family = 6, .model = 60, .stepping = 4, .level = 0xd, .xlevel = 0x80000008,
     .model_id = "Intel Core Processor (Haswell, IBRS)", .features = features_haswell,
     .plus = LIST(F_SPEC_CTRL)},
    {.name = "Haswell", .version = 4, .alias = "Haswell-noTSX-IBRS", .vendor = "GenuineIntel",
     .family = 6, .model = 60, .stepping = 1, .level = 0xd, .xlevel = 0x80000008,
     .model_id = "Intel Core Processor (Haswell, no TSX, IBRS)", .features = features_haswell,
     .plus = LIST(F_SPEC_CTRL), .minus = LIST(F_HLE, F_RTM)},
    {.name = "Broadwell", .version = 1, .vendor = "GenuineIntel", .family = 6, .model = 61,
     .stepping = 2, .level = 0xd, .xlevel = 0x80000008,
     .model_id = "Intel Core Processor (Broadwell)", .features = features_broadwell},
    {.name = "Broadwell", .version = 2, .alias = "Broadwell-noTSX", .vendor = "GenuineIntel",
     .family = 6, .model = 61, .stepping = 2, .level = 0xd, .xlevel = 0x80000008,
     .model_id = "Intel Core Processor (Broadwell, no TSX)", .features = features_broadwell,
     .minus = LIST(F_HLE, F_RTM)},
    {.name = "Broadwell", .version = 3, .alias = "Broadwell-IBRS", .vendor = "GenuineIntel",
     .family = 6, .model = 61, .stepping = 2, .level = 0xd, .xlevel = 0x80000008,
     .model_id = "Intel Core Processor (Broadwell, IBRS)", .features = features_broadwell,
     .plus = LIST(F_SPEC_CTRL)},
    {.name = "Broadwell", .version = 4, .alias = "Broadwell-noTSX-IBRS",
     .vendor = "GenuineIntel", .family = 6, .model = 61, .stepping = 2, .level = 0xd,
     .xlevel = 0x80000008, .model_id = "Intel Core Processor (Broadwell, no TSX, IBRS)",
     .features = features_broadwell, .plus = LIST(F_SPEC_CTRL), .minus = LIST(F_HLE, F_RTM)},
    {.name = "Skylake-Client", .version = 1, .vendor = "GenuineIntel", .family = 6, .model = 94,
     .stepping = 3, .level = 0xd, .xlevel = 0x80000008,
     .model_id = "Intel Core Processor (Skylake)", .features = features_skylake_client},
    {.name = "Skylake-Client", .version = 2, .alias = "Skylake-Client-IBRS",
     .vendor = "GenuineIntel", .family = 6, .model = 94, .stepping = 3, .level = 0xd,
     .xlevel = 0x80000008, .model_id = "Intel Core Processor (Skylake, IBRS)",
     .features = features_skylake_client, .plus = LIST(F_SPEC_CTRL)},
    {.name = "Skylake-Client", .version = 3, .alias = "Skylake-Client-noTSX-IBRS",
     .vendor = "GenuineIntel", .family = 6, .model = 94, .stepping = 3, .level = 0xd,
     .xlevel = 0x80000008, .model_id = "Intel Core Processor (Skylake, IBRS, no TSX)",
     .features = features_skylake_client, .plus = LIST(F_SPEC_CTRL), .minus = LIST(F_HLE, F_RTM)},
    {.name = "Skylake-Client", .version = 4, .note = "IBRS, XSAVES, no TSX",
     .vendor = "GenuineIntel", .family = 6, .model = 94, .stepping = 3, .level = 0xd,
     .xlevel = 0x80000008, .model_id = "Intel Core Processor (Skylake, IBRS, no TSX)",
     .features = features_skylake_client, .plus = LIST(F_SPEC_CTRL, F_XSAVES),
     .minus = LIST(F_HLE, F_RTM)},
    {.name = "Skylake-Server", .version = 1, .vendor = "GenuineIntel", .family = 6, .model = 85,
     .stepping = 4, .level = 0xd, .xlevel = 0x80000008,
     .model_id = "Intel Xeon Processor (Skylake)", .features = features_skylake_server},
    {.name = "Skylake-Server", .version = 2, .alias = "Skylake-Server-IBRS",
     .vendor = "GenuineIntel", .family = 6, .model = 85, .stepping = 4, .level = 0xd,
     .xlevel = 0x80000008, .model_id = "Intel Xeon Processor (Skylake, IBRS)",
     .features = features_skylake_server, .plus = LIST(F_SPEC_CTRL), .minus = LIST(F_CLFLUSHOPT)},
    {.name = "Skylake-Server", .version = 3, .alias = "Skylake-Server-noTSX-IBRS",
     .vendor = "GenuineIntel", .family = 6, .model = 85, .stepping = 4, .level = 0xd,
     .xlevel = 0x80000008, .model_id = "Intel Xeon Processor (Skylake, IBRS, no TSX)",
     .features = features_skylake_server, .plus = LIST(F_SPEC_CTRL),
     .minus = LIST(F_HLE, F_RTM, F_CLFLUSHOPT)},
    {.name = "Skylake-Server", .version = 4, .note = "IBRS, EPT switching, no TSX",
     .vendor = "GenuineIntel", .family = 6, .model = 85, .stepping = 4, .level = 0xd,
     .xlevel = 0x80000008, .model_id = "Intel Xeon Processor (Skylake, IBRS, no TSX)",
     .features = features_skylake_server, .plus = LIST(F_SPEC_CTRL),
     .minus = LIST(F_HLE, F_RTM, F_CLFLUSHOPT)},
    {.name = "Skylake-Server", .version = 5, .note = "IBRS, XSAVES, EPT switching, no TSX",
     .vendor = "GenuineIntel", .family = 6, .model = 85, .stepping = 4, .level = 0xd,
     .xlevel = 0x80000008, .model_id = "Intel Xeon Processor (Skylake, IBRS, no TSX)",
     .features = features_skylake_server, .plus = LIST(F_SPEC_CTRL, F_XSAVES),
     .minus = LIST(F_HLE, F_RTM, F_CLFLUSHOPT)},
    {.name = "Cascadelake-Server", .version = 1, .vendor = "GenuineIntel", .family = 6,
     .model = 85, .stepping = 6, .level = 0xd, .xlevel = 0x80000008,
     .model_id = "Intel Xeon Processor (Cascadelake)", .features = features_cascadelake_server},
    {.name = "Cascadelake-Server", .version = 2, .note = "ARCH_CAPABILITIES",
     .vendor = "GenuineIntel", .family = 6, .model = 85, .stepping = 6, .level = 0xd,
     .xlevel = 0x80000008, .model_id = "Intel Xeon Processor (Cascadelake)",
     .features = features_cascadelake_server,
     .plus = LIST(F_ARCH_CAPABILITIES, F_RDCTL_NO, F_IBRS_ALL, F_SKIP_L1DFL_VMENTRY, F_MDS_NO)},
    {.name = "Cascadelake-Server", .version = 3, .alias = "Cascadelake-Server-noTSX",
     .note = "ARCH_CAPABILITIES, no TSX",
     .vendor = "GenuineIntel", .family = 6, .model = 85, .stepping = 6, .level = 0xd,
     .xlevel = 0x80000008, .model_id = "Intel Xeon Processor (Cascadelake)",
     .features = features_cascadelake_server,
     .plus = LIST(F_ARCH_CAPABILITIES, F_RDCTL_NO, F_IBRS_ALL, F_SKIP_L1DFL_VMENTRY, F_MDS_NO),
     .minus = LIST(F_HLE, F_RTM)},
    {.name = "Cascadelake-Server", .version = 4,
     .note = "ARCH_CAPABILITIES, EPT switching, no TSX",
     .vendor = "GenuineIntel", .family = 6, .model = 85, .stepping = 6, .level = 0xd,
     .xlevel = 0x80000008, .model_id = "Intel Xeon Processor (Cascadelake)",
     .features = features_cascadelake_server,
     .plus = LIST(F_ARCH_CAPABILITIES, F_RDCTL_NO, F_IBRS_ALL, F_SKIP_L1DFL_VMENTRY, F_MDS_NO),
     .minus = LIST(F_HLE, F_RTM)},
    {.name = "Cascadelake-Server", .version = 5,
     .note = "ARCH_CAPABILITIES, EPT switching, XSAVES, no TSX",
     .vendor = "GenuineIntel", .family = 6, .model = 85, .stepping = 6, .level = 0xd,
     .xlevel = 0x80000008, .model_id = "Intel Xeon Processor (Cascadelake)",
     .features = features_cascadelake_server,
     .plus = LIST(F_ARCH_CAPABILITIES, F_XSAVES, F_RDCTL_NO, F_IBRS_ALL, F_SKIP_L1DFL_VMENTRY,
         F_MDS_NO),
     .minus = LIST(F_HLE, F_RTM)},
    {.name = "Cooperlake", .version = 1, .vendor = "GenuineIntel", .family = 6, .model = 85,
     .stepping = 10, .level = 0xd, .xlevel = 0x80000008,
     .model_id = "Intel Xeon Processor (Cooperlake)", .features = features_cooperlake},
    {.name = "Cooperlake", .version = 2, .note = "XSAVES", .vendor = "GenuineIntel", .family = 6,
     .model = 85, .stepping = 10, .level = 0xd, .xlevel = 0x80000008,
     .model_id = "Intel Xeon Processor (Cooperlake)", .features = features_cooperlake,
     .plus = LIST(F_XSAVES)},
    {.name = "Icelake-Server", .version = 1, .vendor = "GenuineIntel", .family = 6, .model = 134,
     .stepping = 0, .level = 0xd, .xlevel = 0x80000008,
     .model_id = "Intel Xeon Processor (Icelake)", .features = features_icelake_server},
    {.name = "Icelake-Server", .version = 2, .alias = "Icelake-Server-noTSX", .note = "no TSX",
     .vendor = "GenuineIntel", .family = 6, .model = 134, .stepping = 0, .level = 0xd,
     .xlevel = 0x80000008, .model_id = "Intel Xeon Processor (Icelake)",
     .features = features_icelake_server, .minus = LIST(F_HLE, F_RTM)},
    {.name = "Icelake-Server", .version = 3, .vendor = "GenuineIntel", .family = 6, .model = 134,
     .stepping = 0, .level = 0xd, .xlevel = 0x80000008,
     .model_id = "Intel Xeon Processor (Icelake)", .features = features_icelake_server,
     .plus = LIST(F_ARCH_CAPABILITIES, F_RDCTL_NO, F_IBRS_ALL, F_SKIP_L1DFL_VMENTRY, F_MDS_NO,
         F_PSCHANGE_MC_NO, F_TAA_NO),
     .minus = LIST(F_HLE, F_RTM)},
    {.name = "Icelake-Server", .version = 4, .vendor = "GenuineIntel", .family = 6, .model = 106,
     .stepping = 0, .level = 0xd, .xlevel = 0x80000008,
     .model_id = "Intel Xeon Processor (Icelake)", .features = features_icelake_server,
     .plus = LIST(F_AVX512IFMA, F_SHA, F_RDPID, F_FSRM, F_ARCH_CAPABILITIES, F_RDCTL_NO,
         F_IBRS_ALL, F_SKIP_L1DFL_VMENTRY, F_MDS_NO, F_PSCHANGE_MC_NO, F_TAA_NO),
     .minus = LIST(F_HLE, F_RTM)},
    {.name = "Icelake-Server", .version = 5, .note = "XSAVES", .vendor = "GenuineIntel",
     .family = 6, .model = 106, .stepping = 0, .level = 0xd, .xlevel = 0x80000008,
     .model_id = "Intel Xeon Processor (Icelake)", .features = features_icelake_server,
     .plus = LIST(F_AVX512IFMA, F_SHA, F_RDPID, F_FSRM, F_ARCH_CAPABILITIES, F_XSAVES,
         F_RDCTL_NO, F_IBRS_ALL, F_SKIP_L1DFL_VMENTRY, F_MDS_NO, F_PSCHANGE_MC_NO, F_TAA_NO),
     .minus = LIST(F_HLE, F_RTM)},
    {.name = "Icelake-Server", .version = 6, .note = "5-level EPT", .vendor = "GenuineIntel",
     .family = 6, .model = 106, .stepping = 0, .level = 0xd, .xlevel = 0x80000008,
     .model_id = "Intel Xeon Processor (Icelake)", .features = features_icelake_server,
     .plus = LIST(F_AVX512IFMA, F_SHA, F_RDPID, F_FSRM, F_ARCH_CAPABILITIES, F_XSAVES,
         F_RDCTL_NO, F_IBRS_ALL, F_SKIP_L1DFL_VMENTRY, F_MDS_NO, F_PSCHANGE_MC_NO, F_TAA_NO),
     .minus = LIST(F_HLE, F_RTM)},
    {.name = "SapphireRapids", .version = 1, .vendor = "GenuineIntel", .family = 6, .model = 143,
     .stepping = 4, .level = 0x20, .xlevel = 0x80000008,
     .model_id = "Intel Xeon Processor (SapphireRapids)", .features = features_sapphirerapids},
    {.name = "KnightsMill", .version = 1, .vendor = "GenuineIntel", .family = 6, .model = 133,
     .stepping = 0, .level = 0xd, .xlevel = 0x80000008,
     .model_id = "Intel Xeon Phi Processor (Knights Mill)", .features = features_knightsmill},
    {.name = "Denverton", .version = 1, .vendor = "GenuineIntel", .family = 6, .model = 95,
     .stepping = 1, .level = 0x15, .xlevel = 0x80000008,
     .model_id = "Intel Atom Processor (Denverton)", .features = features_denverton},
    {.name = "Denverton", .version = 2, .note = "no MPX, no MONITOR", .vendor = "GenuineIntel",
     .family = 6, .model = 95, .stepping = 1, .level = 0x15, .xlevel = 0x80000008,
     .model_id = "Intel Atom Processor (Denverton)", .features = features_denverton,
     .minus = LIST(F_MONITOR, F_MPX)},
    {.name = "Denverton", .version = 3, .note = "XSAVES, no MPX, no MONITOR",
     .vendor = "GenuineIntel", .family = 6, .model = 95, .stepping = 1, .level = 0x15,
     .xlevel = 0x80000008, .model_id = "Intel Atom Processor (Denverton)",
     .features = features_denverton, .plus = LIST(F_XSAVES), .minus = LIST(F_MONITOR, F_MPX)},
    {.name = "Snowridge", .version = 1, .vendor = "GenuineIntel", .family = 6, .model = 134,
     .stepping = 1, .level = 0x1b, .xlevel = 0x80000008,
     .model_id = "Intel Atom Processor (SnowRidge)", .features = features_snowridge},
    {.name = "Snowridge", .version = 2, .vendor = "GenuineIntel", .family = 6, .model = 134,
     .stepping = 1, .level = 0x1b, .xlevel = 0x80000008,
     .model_id = "Intel Atom Processor (Snowridge, no MPX)", .features = features_snowridge,
     .minus = LIST(F_MPX)},
    {.name = "Snowridge", .version = 3, .note = "XSAVES, no MPX", .vendor = "GenuineIntel",
     .family = 6, .model = 134, .stepping = 1, .level = 0x1b, .xlevel = 0x80000008,
     .model_id = "Intel Atom Processor (Snowridge, no MPX)", .features = features_snowridge,
     .plus = LIST(F_XSAVES), .minus = LIST(F_MPX)},
    {.name = "Snowridge", .version = 4, .note = "no split lock detect, no core-capability",
     .vendor = "GenuineIntel", .family = 6, .model = 134, .stepping = 1, .level = 0x1b,
     .xlevel = 0x80000008, .model_id = "Intel Atom Processor (Snowridge, no MPX)",
     .features = features_snowridge, .plus = LIST(F_XSAVES),
     .minus = LIST(F_MPX, F_CORE_CAPABILITY, F_SPLIT_LOCK_DETECT)},
    {0},
};
