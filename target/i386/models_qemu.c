/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Models that no factory made: QEMU's own processors, KVM's common denominators, base and max.
 */
#include "target/i386/models.h"

/* What 64-bit or 686 systems cannot do without. */
#define M_QEMU32 F_FPU, F_DE, F_PSE, F_TSC, F_MSR, F_PAE, F_MCE, F_CX8, F_APIC, F_SEP, F_PGE, \
    F_CMOV, F_PAT, F_MMX, F_FXSR, F_SSE, F_SSE2, F_SSE3
#define M_COMMON M_QEMU32, F_MTRR, F_MCA, F_PSE36, F_CLFSH
#define M_KVM32 M_COMMON, F_VME
#define M_COMMON64 F_CX16, F_SYSCALL, F_NX, F_LM

static const uint16_t features_base[] = {F__COUNT};
static const uint16_t features_qemu32[] = {M_QEMU32, F__COUNT};
static const uint16_t features_qemu64[] = {M_COMMON, M_COMMON64, F_LAHF64, F_SVM, F__COUNT};
static const uint16_t features_kvm32[] = {M_KVM32, F__COUNT};
static const uint16_t features_kvm64[] = {M_KVM32, M_COMMON64, F__COUNT};

const X86Model x86_models_qemu[] = {
    {.name = "qemu64", .version = 1, .vendor = "AuthenticAMD", .family = 15, .model = 107,
     .stepping = 1, .level = 0xd, .xlevel = 0x8000000a,
     .model_id = "QEMU Virtual CPU version 2.5+", .features = features_qemu64},
    {.name = "qemu32", .version = 1, .vendor = "GenuineIntel", .family = 6, .model = 6,
     .stepping = 3, .level = 4, .xlevel = 0x80000004,
     .model_id = "QEMU Virtual CPU version 2.5+", .features = features_qemu32},
    {.name = "kvm64", .version = 1, .vendor = "GenuineIntel", .family = 15, .model = 6,
     .stepping = 1, .level = 0xd, .xlevel = 0x80000008, .model_id = "Common KVM processor",
     .features = features_kvm64},
    {.name = "kvm32", .version = 1, .vendor = "GenuineIntel", .family = 15, .model = 6,
     .stepping = 1, .level = 5, .xlevel = 0x80000008, .model_id = "Common 32-bit KVM processor",
     .features = features_kvm32},
    {.name = "base", .help = "base CPU model type with no features enabled",
     .vendor = "", .features = features_base},
    {.name = "max", .help = "Enables all features supported by the accelerator in the current host",
     .vendor = "AuthenticAMD", .family = 15, .model = 107, .stepping = 1, .level = 0x16,
     .xlevel = 0x80000021, .model_id = "QEMU TCG CPU version 2.5+", .max = true},
    {.name = "host", .help = "processor with all supported host features (KVM only)", .vendor = "",
     .host = true, .max = true},
    {0},
};
