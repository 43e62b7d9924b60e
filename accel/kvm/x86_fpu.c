/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x87, SSE and AVX registers and PKRU: the XSAVE area of a vCPU in its standard format (the API, KVM_GET_XSAVE2; SDM
 * vol 1, 13.4). Where components lie behind the header is the host processor's, and was told by CPUID.
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
#define YMM 2
#define PKRU 9

static uint8_t *component(KvmVcpu *v, int n, size_t size)
{
    uint32_t at = x86_cpu_config(v->cpu)->xstate_offset[n];

    return at && at + size <= (size_t)v->km->xsave_size ? (uint8_t *)v->xsave + at : NULL;
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
    const uint8_t *ymm = component(v, YMM, sizeof(s->ymmh)), *pkru = component(v, PKRU, 4);
    memcpy(&s->fx, area, LEGACY_BYTES);
    memset(s->ymmh, 0, sizeof(s->ymmh));
    if (ymm && (bv & XSTATE_YMM)) {
        memcpy(s->ymmh, ymm, sizeof(s->ymmh));
    }
    s->pkru = pkru && (bv & XSTATE_PKRU) ? ld_le32(pkru) : 0;
}

void kvm_push_fpu(KvmVcpu *v, const X86State *s)
{
    uint8_t *area = (uint8_t *)v->xsave;
    uint64_t bv = XSTATE_X87 | XSTATE_SSE, valid = x86_cpu_config(v->cpu)->xcr0_valid;

    memset(area, 0, v->km->xsave_size);
    memcpy(area, &s->fx, LEGACY_BYTES);
    uint8_t *ymm = component(v, YMM, sizeof(s->ymmh)), *pkru = component(v, PKRU, 4);
    if (ymm && (valid & XSTATE_YMM)) {
        memcpy(ymm, s->ymmh, sizeof(s->ymmh));
        bv |= XSTATE_YMM;
    }
    if (pkru && (valid & XSTATE_PKRU)) {
        st_le32(pkru, s->pkru);
        bv |= XSTATE_PKRU;
    }
    st_le64(area + XSTATE_BV, bv);
    if (kvm_ioctl(v->fd, KVM_SET_XSAVE, v->xsave) < 0) {
        warn_report("KVM_SET_XSAVE of processor %d: %s", v->cpu->index, g_strerror(errno));
    }
}
