/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System management mode in the kernel (the API: KVM_CAP_X86_SMM, KVM_SMI, kvm_vcpu_events.smi, KVM_RUN_X86_SMM), where it
 * has that; where not, the translator executes it (assist.c), and only SMIs that come to us are known.
 *
 * Both write the save area of AMD's 64-bit form, or of the P6's for processors without long mode, at the same places
 * (target/i386/smm.c), so a processor may enter the mode under one of them and leave it under the other. What one saves and
 * the other does not: the kernel an interrupt shadow; the translator that the processor was in HLT, to which its RSM goes
 * back (the kernel's goes on behind it).
 *
 * home: the vCPU's thread, or any while it is parked.
 */
#include <errno.h>
#include <string.h>

#include "accel/kvm/kvm.h"
#include "target/i386/state.h"

#define SPACES 2 /* of KVM_CAP_MULTI_ADDRESS_SPACE that this needs */

void kvm_smm_init(KvmMachine *km)
{
    km->smm = kvm_has(km->fd, KVM_CAP_X86_SMM) && kvm_has(km->fd, KVM_CAP_MULTI_ADDRESS_SPACE) >= SPACES;
}

/* Local APICs in a kernel that knows no SMIs drop those that processors send each other. */
bool kvm_smm_usable(Machine *m, Error **errp)
{
    const KvmMachine *km = kvm_of(m);

    if (km->smm || km->irqchip == KVM_IRQCHIP_OFF) {
        return true;
    }
    error_set(errp, ERR_UNSUPPORTED, "-machine smm=on: the kernel's KVM lacks KVM_CAP_X86_SMM, and with kernel-irqchip=%s it "
              "drops SMIs that processors send each other", kvm_irqchip_name(km));
    error_hint(errp, "kernel-irqchip=off has all of it, executed by the translator; or smm=off");
    return false;
}

void kvm_smm_view(KvmVcpu *v)
{
    if (v->km->smm) {
        cpu_use_secure_memory(v->cpu, v->run->flags & KVM_RUN_X86_SMM);
    }
}

void kvm_smm_inject(KvmVcpu *v)
{
    cpu_unrequest(v->cpu, CPU_REQ_SMI);
    if (kvm_ioctl(v->fd, KVM_SMI, NULL) < 0) {
        warn_report("KVM_SMI of processor %d: %s", v->cpu->index, g_strerror(errno)); /* it is lost */
    }
}

/* ---- state ---- */

void kvm_pull_smm(const KvmVcpu *v, const struct kvm_vcpu_events *ev, X86State *s)
{
    if (v->km->smm) {
        s->smm = ev->smi.smm ? SMM_ACTIVE | (ev->smi.smm_inside_nmi ? SMM_NMI_MASKED : 0) : 0;
        cpu_use_secure_memory(v->cpu, s->smm);
    }
}

static bool get_events(KvmVcpu *v, struct kvm_vcpu_events *ev)
{
    memset(ev, 0, sizeof(*ev));
    return v->km->smm && kvm_ioctl(v->fd, KVM_GET_VCPU_EVENTS, ev) == 0;
}

static void set_events(KvmVcpu *v, struct kvm_vcpu_events *ev)
{
    ev->flags |= KVM_VCPUEVENT_VALID_SMM;
    if (kvm_ioctl(v->fd, KVM_SET_VCPU_EVENTS, ev) < 0) {
        warn_report("KVM_SET_VCPU_EVENTS of processor %d: %s", v->cpu->index, g_strerror(errno));
    }
    v->synced = false;
}

/* The kernel takes all of smi or nothing: it is left alone where the mode is right, and what waits goes back as it was. */
void kvm_push_smm(KvmVcpu *v, const X86State *s, struct kvm_vcpu_events *ev)
{
    struct kvm_vcpu_events now;

    cpu_use_secure_memory(v->cpu, s->smm);
    if (!get_events(v, &now) || (now.smi.smm == !!s->smm && now.smi.smm_inside_nmi == !!(s->smm & SMM_NMI_MASKED))) {
        return;
    }
    ev->smi = now.smi;
    ev->smi.smm = !!s->smm;
    ev->smi.smm_inside_nmi = !!(s->smm & SMM_NMI_MASKED);
    ev->flags |= KVM_VCPUEVENT_VALID_SMM;
}

/* ---- what waits ---- */

void kvm_smm_take(KvmVcpu *v)
{
    struct kvm_vcpu_events ev;

    if (!get_events(v, &ev) || (!ev.smi.pending && !ev.smi.latched_init)) {
        return;
    }
    cpu_request(v->cpu, (ev.smi.pending ? CPU_REQ_SMI : 0) | (ev.smi.latched_init ? CPU_REQ_INIT : 0));
    ev.smi.pending = ev.smi.latched_init = 0;
    set_events(v, &ev);
}

void kvm_smm_give(KvmVcpu *v)
{
    const X86State *s = v->cpu->state;
    struct kvm_vcpu_events ev;

    if (v->cpu->state_dirty || !v->km->lent || !s->smm || !(cpu_requests(v->cpu) & CPU_REQ_INIT) || !get_events(v, &ev)) {
        return; /* the translator goes with it through the rest of the mode */
    }
    cpu_unrequest(v->cpu, CPU_REQ_INIT);
    ev.smi.latched_init = 1;
    set_events(v, &ev);
}

void kvm_smm_reset(KvmVcpu *v)
{
    struct kvm_vcpu_events ev;

    if (get_events(v, &ev) && (ev.smi.smm || ev.smi.pending || ev.smi.latched_init)) {
        memset(&ev.smi, 0, sizeof(ev.smi));
        set_events(v, &ev);
    }
}
