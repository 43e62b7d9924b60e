/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accesses of the guest to device memory (the API, KVM_EXIT_MMIO).
 *
 * home: the vCPU's thread.
 */
#include "accel/kvm/kvm.h"
#include "base/bits.h"

/* What is read where nobody answers. Arm processors would take an abort there, which KVM gives no means for. */
#ifdef __x86_64__
#define NOBODY UINT64_MAX
#else
#define NOBODY 0ull
#endif

static bool natural(unsigned n)
{
    return n == 1 || n == 2 || n == 4 || n == 8;
}

void kvm_store(KvmVcpu *v, AddressSpace *as, hwaddr addr, const uint8_t *data, unsigned n)
{
    if (natural(n)) {
        address_space_store(as, addr, kvm_attrs(v), n, ld_le_n(data, n));
    } else {
        address_space_write(as, addr, kvm_attrs(v), data, n);
    }
}

void kvm_memory_io(KvmVcpu *v)
{
    struct kvm_run *run = v->run;
    AddressSpace *mem = v->cpu->mem;
    hwaddr addr = run->mmio.phys_addr;
    unsigned n = MIN(run->mmio.len, sizeof(run->mmio.data));
    uint64_t val = NOBODY;

    if (run->mmio.is_write) {
        kvm_store(v, mem, addr, run->mmio.data, n);
    } else if (!natural(n)) {
        address_space_read(mem, addr, kvm_attrs(v), run->mmio.data, n);
    } else {
        if (address_space_load(mem, addr, kvm_attrs(v), n, &val) == MEM_DECODE_ERROR) {
            val = NOBODY;
        }
        st_le_n(run->mmio.data, n, val);
    }
    v->io_pending = true;
}
