/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x87, SSE, AVX, AVX-512 and AMX registers and PKRU: the XSAVE area of a vCPU in its standard format (the API,
 * KVM_GET_XSAVE2; SDM vol 1, 13.4). Where components lie behind the header is the host processor's, and was told by CPUID.
 *
 * home: the vCPU's thread, or any while it is parked.
 */
#include <errno.h>
#include <string.h>

#include "accel/kvm/kvm.h"
#include "base/bits.h"
#include "target/i386/state.h"

#define LEGACY_BYTES 416 /* up to the last XMM register */
#define XSTATE_BV 512

/* Components, and which fields they are. */
#define PART(n, field) {n, sizeof(((X86State *)0)->field), offsetof(X86State, field)}
static const struct {
    uint8_t bit;
    uint16_t size, at;
} parts[] = {
    PART(2, ymmh), PART(5, opmask), PART(6, zmmh), PART(7, zmm16), PART(9, pkru), PART(17, tilecfg), PART(18, tiledata),
};

size_t kvm_state_bytes(const X86CpuConfig *c)
{
    return c->xcr0_valid & XSTATE_AMX      ? sizeof(X86State)
           : c->xcr0_valid & XSTATE_AVX512 ? offsetof(X86State, tilecfg)
                                           : offsetof(X86State, opmask);
}

/* NULL: the processor has no such component. */
static uint8_t *component(KvmVcpu *v, size_t part)
{
    const X86CpuConfig *c = x86_cpu_config(v->cpu);
    uint32_t at = c->xstate_offset[parts[part].bit];

    if (!(c->xcr0_valid >> parts[part].bit & 1) || !at || at + parts[part].size > (size_t)v->km->xsave_size) {
        return NULL;
    }
    return (uint8_t *)v->xsave + at;
}

void kvm_pull_fpu(KvmVcpu *v, X86State *s)
{
    unsigned long get = v->km->xsave_size > (int)sizeof(struct kvm_xsave) ? KVM_GET_XSAVE2 : KVM_GET_XSAVE;
    const uint8_t *area = (const uint8_t *)v->xsave;

    if (kvm_ioctl(v->fd, get, v->xsave) < 0) {
        warn_report("KVM_GET_XSAVE of processor %d: %s", v->cpu->index, g_strerror(errno));
        return;
    }
    uint64_t bv = ld_le64(area + XSTATE_BV);
    memcpy(&s->fx, area, LEGACY_BYTES);
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        const uint8_t *p = component(v, i);
        uint8_t *field = (uint8_t *)s + parts[i].at;
        if (p && (bv >> parts[i].bit & 1)) {
            memcpy(field, p, parts[i].size);
        } else if (p) {
            memset(field, 0, parts[i].size); /* its initial state, of all of them */
        }
    }
}

void kvm_push_fpu(KvmVcpu *v, const X86State *s)
{
    uint8_t *area = (uint8_t *)v->xsave;
    uint64_t bv = XSTATE_X87 | XSTATE_SSE;

    memset(area, 0, v->km->xsave_size);
    memcpy(area, &s->fx, LEGACY_BYTES);
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        uint8_t *p = component(v, i);
        const uint8_t *field = (const uint8_t *)s + parts[i].at;
        if (p) {
            memcpy(p, field, parts[i].size);
            /* Tiles that are not in use must not be made so: the guest may have forbidden it (IA32_XFD). */
            bool zero = *field == 0 && !memcmp(field, field + 1, parts[i].size - 1);
            bv |= zero ? 0 : 1ull << parts[i].bit;
        }
    }
    st_le64(area + XSTATE_BV, bv);
    if (kvm_ioctl(v->fd, KVM_SET_XSAVE, v->xsave) < 0) {
        warn_report("KVM_SET_XSAVE of processor %d: %s", v->cpu->index, g_strerror(errno));
    }
}
