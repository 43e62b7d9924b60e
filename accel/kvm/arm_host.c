/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host's Arm processor gives to guests: a small machine is made, and its one vCPU asked.
 *
 * home: main loop.
 */
#include <errno.h>
#include <unistd.h>

#include "accel/kvm/kvm_arm.h"
#include "target/arm/sysreg.h"

#define DEFAULT_PA_BITS 40 /* of machines of type 0 (the API, KVM_CREATE_VM) */
#define KEY_MASK 0xffffull

int kvm_arm_create_vm(int dev, unsigned *pa_bits, Error **errp)
{
    unsigned bits = kvm_has(dev, KVM_CAP_ARM_VM_IPA_SIZE);

    *pa_bits = bits ? bits : DEFAULT_PA_BITS;
    return kvm_create_vm(dev, bits ? KVM_VM_TYPE_ARM_IPA_SIZE(bits) : 0, errp);
}

static void want(struct kvm_vcpu_init *init, unsigned feature)
{
    init->features[feature / 32] |= 1u << (feature % 32);
}

bool kvm_arm_preferred(int vm, struct kvm_vcpu_init *init, Error **errp)
{
    *init = (struct kvm_vcpu_init){0};
    if (kvm_ioctl(vm, KVM_ARM_PREFERRED_TARGET, init) < 0) {
        error_set_errno(errp, errno, "KVM does not say what processor guests have");
        return false;
    }
    want(init, KVM_ARM_VCPU_PSCI_0_2);
    return true;
}

/* Before a vCPU is finalized, the kernel says which lengths there can be, and is told which there are (the API, SVE_VLS). */
static bool sve_lengths(int vcpu, uint16_t *map, bool write)
{
    uint64_t vls[KVM_ARM64_SVE_VLS_WORDS] = {*map};
    bool ok = kvm_arm_reg(vcpu, KVM_REG_ARM64_SVE_VLS, vls, write);

    *map = (uint16_t)vls[0]; /* ZREG() has room for 16 quadwords, and so has our state */
    return ok;
}

static bool finalize_sve(int vcpu, Error **errp)
{
    int what = KVM_ARM_VCPU_SVE;

    if (kvm_ioctl(vcpu, KVM_ARM_VCPU_FINALIZE, &what) < 0) {
        error_set_errno(errp, errno, "KVM_ARM_VCPU_FINALIZE");
        return false;
    }
    return true;
}

static bool begin(int vcpu, const struct kvm_vcpu_init *init, Error **errp)
{
    if (kvm_ioctl(vcpu, KVM_ARM_VCPU_INIT, (void *)init) < 0) {
        error_set_errno(errp, errno, "KVM_ARM_VCPU_INIT");
        return false;
    }
    return true;
}

bool kvm_arm_vcpu_init(int vcpu, const ArmCpuConfig *c, struct kvm_vcpu_init *init, Error **errp)
{
    uint16_t map = c->sve_vq_map;

    if (c->host_pauth) {
        want(init, KVM_ARM_VCPU_PTRAUTH_ADDRESS);
        want(init, KVM_ARM_VCPU_PTRAUTH_GENERIC);
    }
    if (map) {
        want(init, KVM_ARM_VCPU_SVE);
    }
    if (!begin(vcpu, init, errp)) {
        return false;
    }
    if (map && !sve_lengths(vcpu, &map, true)) {
        error_set_errno(errp, errno, "KVM does not take SVE vectors of up to %d bits", 128 * c->sve_vq_max);
        return false;
    }
    return !map || finalize_sve(vcpu, errp);
}

/* ID registers have op0 = 3, CRn = 0: what this vCPU has of those. */
static bool is_id(uint64_t reg)
{
    uint64_t fixed = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG;

    return (reg & ~KEY_MASK) == fixed && (reg & KVM_REG_ARM64_SYSREG_OP0_MASK) == KVM_REG_ARM64_SYSREG_OP0_MASK &&
           !(reg & KVM_REG_ARM64_SYSREG_CRN_MASK);
}

struct kvm_reg_list *kvm_arm_reg_list(int vcpu, Error **errp)
{
    struct kvm_reg_list probe = {0}, *list;

    kvm_ioctl(vcpu, KVM_GET_REG_LIST, &probe); /* it tells how many there are by refusing (the API) */
    list = g_malloc0(sizeof(*list) + probe.n * sizeof(list->reg[0]));
    list->n = probe.n;
    if (kvm_ioctl(vcpu, KVM_GET_REG_LIST, list) < 0) {
        error_set_errno(errp, errno, "KVM does not tell the registers of its processors");
        g_clear_pointer(&list, g_free);
    }
    return list;
}

/* How much DC ZVA zeroes: no register of KVM's list, but guests find the host's, as programs do. */
static void add_zeroing(AccelArmHost *h)
{
    uint64_t val;

    __asm__("mrs %0, dczid_el0" : "=r"(val));
    h->id[h->n++] = (AccelArmReg){A64_SYSREG(3, 3, 0, 0, 7), val};
}

static AccelArmHost *read_ids(int vcpu, unsigned pa_bits, Error **errp)
{
    g_autofree struct kvm_reg_list *list = kvm_arm_reg_list(vcpu, errp);
    AccelArmHost *h;
    uint64_t freq;

    if (!list) {
        return NULL;
    }
    __asm__("mrs %0, cntfrq_el0" : "=r"(freq));
    h = g_malloc0(sizeof(*h) + (list->n + 1) * sizeof(h->id[0]));
    h->pa_bits = pa_bits;
    h->cnt_freq = (uint32_t)freq;
    for (uint64_t i = 0; i < list->n; i++) {
        AccelArmReg *r = &h->id[h->n];
        *r = (AccelArmReg){.key = list->reg[i] & KEY_MASK};
        if (is_id(list->reg[i]) && kvm_arm_reg(vcpu, list->reg[i], &r->value, false)) {
            h->n++;
        }
    }
    add_zeroing(h);
    return h;
}

/* All that guests can have, for identification registers that show it. */
static AccelArmHost *ask_widest(int vm, int vcpu, unsigned pa_bits, Error **errp)
{
    ArmCpuConfig widest = {.host_pauth = kvm_has(vm, KVM_CAP_ARM_PTRAUTH_ADDRESS) &&
                                         kvm_has(vm, KVM_CAP_ARM_PTRAUTH_GENERIC)};
    bool sve = kvm_has(vm, KVM_CAP_ARM_SVE);
    struct kvm_vcpu_init init;

    if (!kvm_arm_preferred(vm, &init, errp)) {
        return NULL;
    }
    if (sve) {
        want(&init, KVM_ARM_VCPU_SVE);
    }
    if (!kvm_arm_vcpu_init(vcpu, &widest, &init, errp)) {
        return NULL;
    }
    if (sve && !sve_lengths(vcpu, &widest.sve_vq_map, false)) {
        error_set_errno(errp, errno, "KVM does not tell the lengths of SVE vectors");
        return NULL;
    }
    if (sve && !finalize_sve(vcpu, errp)) {
        return NULL;
    }
    AccelArmHost *h = read_ids(vcpu, pa_bits, errp);
    if (h) {
        h->sve_vq_map = widest.sve_vq_map;
        h->pauth = widest.host_pauth;
    }
    return h;
}

static AccelArmHost *ask_vcpu(int vm, unsigned pa_bits, Error **errp)
{
    int vcpu = kvm_ioctl(vm, KVM_CREATE_VCPU, NULL);

    if (vcpu < 0) {
        error_set_errno(errp, errno, "KVM cannot make a processor");
        return NULL;
    }
    AccelArmHost *h = ask_widest(vm, vcpu, pa_bits, errp);
    close(vcpu);
    return h;
}

AccelArmHost *kvm_arm_host(Error **errp)
{
    AccelArmHost *h = NULL;
    unsigned pa_bits;
    int dev = kvm_open_device(kvm_arm_needs, errp);
    int vm = dev < 0 ? -1 : kvm_arm_create_vm(dev, &pa_bits, errp);

    if (vm >= 0) {
        h = ask_vcpu(vm, pa_bits, errp);
        close(vm);
    }
    if (dev >= 0) {
        close(dev);
    }
    return h;
}
