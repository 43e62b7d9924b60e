/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Neutral vCPUs: creation, reset, state hand-over with the accelerator, debugger reads.
 *
 * home: main loop; cpu_sync and cpu_state_changed also on the vCPU's own thread.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "core/internal.h"

#define STATE_ALIGN 64

static __thread Cpu *current_cpu;

Cpu *cpu_current(void)
{
    return current_cpu;
}

void cpu_set_current(Cpu *cpu)
{
    current_cpu = cpu;
}

Cpu *machine_cpu(Machine *m, int index)
{
    return index >= 0 && index < (int)m->cpus->len ? m->cpus->pdata[index] : NULL;
}

int machine_cpu_count(Machine *m)
{
    return m->cpus->len;
}

bool cpu_create(Machine *m, int index, uint32_t arch_id, const char *model, Error **errp)
{
    g_assert(m->target && !m->started && index == (int)m->cpus->len);
    Cpu *cpu = g_new0(Cpu, 1);
    size_t size = round_up(MAX(m->target->state_size, 1), STATE_ALIGN);

    cpu->machine = m;
    cpu->target = m->target;
    cpu->index = index;
    cpu->arch_id = arch_id;
    cpu->mem = cpu->plain_mem = m->memory;
    cpu->ports = m->ports;
    cpu->mem_epoch = UINT64_MAX;
    cpu->state = aligned_alloc(STATE_ALIGN, size);
    memset(cpu->state, 0, size);
    g_queue_init(&cpu->work);
    cpu->debug = g_new0(CpuDebug, 1);
    cpu_host_init(cpu);
    if (!m->target->init(cpu, model, errp)) {
        cpu_host_fini(cpu);
        g_free(cpu->debug);
        free(cpu->state);
        g_free(cpu);
        return false;
    }
    if (m->target->reset) {
        m->target->reset(cpu);
    }
    if (!m->accel->vcpu_open(cpu, errp)) {
        if (m->target->fini) {
            m->target->fini(cpu);
        }
        cpu_host_fini(cpu);
        g_free(cpu->debug);
        free(cpu->state);
        g_free(cpu);
        return false;
    }
    cpu->state_dirty = true;
    g_ptr_array_add(m->cpus, cpu);
    return true;
}

void cpu_free(Cpu *cpu)
{
    g_assert(!cpu->created || cpu->exited);
    accels_close_cpu(cpu);
    if (cpu->target->fini) {
        cpu->target->fini(cpu);
    }
    cpu_host_fini(cpu);
    g_free(cpu->debug);
    free(cpu->state);
    g_free(cpu);
}

static void log_reset(Cpu *cpu)
{
    g_autoptr(GString) s = g_string_new(NULL);
    if (cpu->target->dump) {
        cpu->target->dump(cpu, s);
    }
    log_printf("CPU %d is reset; it was\n%s", cpu->index, s->str);
}

void cpu_reset_now(Cpu *cpu)
{
    if (log_on(LOG_CPU_RESET)) {
        log_reset(cpu);
    }
    cpu_unrequest(cpu, CPU_REQ_NMI | CPU_REQ_SMI | CPU_REQ_INIT | CPU_REQ_SIPI | CPU_REQ_RESET);
    cpu->power_off = false;
    if (cpu->target->reset) {
        cpu->target->reset(cpu);
    }
    if (cpu->machine->accel->vcpu_reset) {
        cpu->machine->accel->vcpu_reset(cpu);
    }
    cpu_state_changed(cpu);
}

void cpu_sync(Cpu *cpu)
{
    if (!cpu->state_dirty && cpu->machine->accel->pull) {
        cpu->machine->accel->pull(cpu);
    }
}

void cpu_state_changed(Cpu *cpu)
{
    cpu->state_dirty = true;
}

/* Where the page of vaddr is; *n is shortened to it. */
static bool debug_page(Cpu *cpu, uint64_t vaddr, hwaddr *paddr, uint64_t *n)
{
    *n = MIN(*n, MEM_PAGE_SIZE - (vaddr & (MEM_PAGE_SIZE - 1)));
    return cpu->target->translate && cpu->target->translate(cpu, vaddr, paddr);
}

static bool debug_copy(Cpu *cpu, uint64_t vaddr, uint8_t *p, size_t len, bool poke)
{
    while (len) {
        hwaddr paddr;
        uint64_t n = len;
        if (!debug_page(cpu, vaddr, &paddr, &n) ||
            !(poke ? address_space_poke(cpu->mem, paddr, p, n) : address_space_peek(cpu->mem, paddr, p, n))) {
            return false;
        }
        p += n;
        len -= n;
        vaddr += n;
    }
    return true;
}

bool cpu_peek(Cpu *cpu, uint64_t vaddr, void *buf, size_t len)
{
    return debug_copy(cpu, vaddr, buf, len, false);
}

bool cpu_poke(Cpu *cpu, uint64_t vaddr, const void *buf, size_t len)
{
    return debug_copy(cpu, vaddr, (uint8_t *)buf, len, true);
}
