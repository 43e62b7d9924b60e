/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the Arm files of accel/kvm share, beside kvm.h. The GIC, the timers, PSCI and waiting are the kernel's.
 */
#ifndef ACCEL_KVM_KVM_ARM_H
#define ACCEL_KVM_KVM_ARM_H

#include "accel/kvm/kvm.h"
#include "target/arm/state.h"

typedef struct KvmArm {
    KvmMachine km;               /* first: kvm_of() */
    struct kvm_vcpu_init init;   /* the kind of processor that the host has for guests */
    int gic_fd, its_fd;          /* -1: none */
    AccelArmGic gic;             /* as the board placed it */
    uint64_t count;              /* the virtual counter when the machine stopped */
    bool count_saved;
    bool away;                   /* another accelerator runs the machine */
} KvmArm;

typedef struct KvmArmVcpu {
    KvmVcpu v;                   /* first: kvm_vcpu(); its x86 members are not used */
    struct kvm_vcpu_init init;   /* what KVM_ARM_VCPU_INIT is told */
    bool sve;                    /* the vector registers are Z registers */
    struct kvm_reg_list *list;   /* registers that this kernel has */
    ArmState known;              /* valid: v.known_valid */
} KvmArmVcpu;

static inline KvmArm *kvm_arm_of(Machine *m)
{
    return (KvmArm *)kvm_of(m);
}
static inline KvmArmVcpu *kvm_arm_vcpu(const Cpu *cpu)
{
    return (KvmArmVcpu *)kvm_vcpu(cpu);
}

extern const KvmNeed kvm_arm_needs[];

/* arm_host.c */
/* A machine of the most address bits that the host has; -1: the reason is in errp. */
int kvm_arm_create_vm(int dev, unsigned *pa_bits, Error **errp);
/* The host's kind of processor with PSCI, for KVM_ARM_VCPU_INIT. */
bool kvm_arm_preferred(int vm, struct kvm_vcpu_init *init, Error **errp);
/* A vCPU is what c says of it: KVM_ARM_VCPU_INIT, vectors' lengths, KVM_ARM_VCPU_FINALIZE. Once; init is what was told. */
bool kvm_arm_vcpu_init(int vcpu, const ArmCpuConfig *c, struct kvm_vcpu_init *init, Error **errp);
/* Numbers of the registers of an initialized vCPU; g_free. */
struct kvm_reg_list *kvm_arm_reg_list(int vcpu, Error **errp);
AccelArmHost *kvm_arm_host(Error **errp);

/* arm_vcpu.c */
bool kvm_arm_vcpu_open(Cpu *cpu, Error **errp);
void kvm_arm_vcpu_close(Cpu *cpu);
Exit kvm_arm_run(Cpu *cpu);

/* arm_state.c */
void kvm_arm_pull(Cpu *cpu);
void kvm_arm_push(Cpu *cpu);
/* The kernel resets the vCPU; its system registers' values become the state's. */
void kvm_arm_reset(Cpu *cpu);
uint64_t kvm_arm_pc(KvmVcpu *v);
/* KVM_GET_ONE_REG and KVM_SET_ONE_REG */
bool kvm_arm_reg(int vcpu, uint64_t id, void *val, bool write);

/* arm_gic.c */
unsigned kvm_arm_gic_versions(Machine *m);
bool kvm_arm_gic_open(Machine *m, const AccelArmGic *g, Error **errp);
void kvm_arm_gic_line(Machine *m, unsigned intid, bool level);
bool kvm_arm_gic_access(Machine *m, AccelGicRegs kind, unsigned cpu, uint32_t reg, uint64_t *val, bool write);
void kvm_arm_its_reset(Machine *m);
bool kvm_arm_its_access(Machine *m, uint32_t reg, uint64_t *val, bool write);
bool kvm_arm_its_tables(Machine *m, bool restore);
bool kvm_arm_lpis_to_memory(Machine *m);
void kvm_arm_its_message(Machine *m, uint16_t requester, uint64_t addr, uint32_t data);

#endif
