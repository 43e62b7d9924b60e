/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory, and breakpoints and watchpoints in it. Addresses are virtual ones of the processor that Hg chose, through the
 * guest's own tables but whatever they permit. Devices are read and written as the processor would: that may have
 * effects, but a debugger asks for nothing that its user did not.
 */
#include <string.h>

#include "gdbstub/internal.h"

#define ERRNO_FAULT 14 /* as QEMU's */

typedef struct Transfer {
    GdbStub *g;
    uint64_t addr;
    uint8_t *buf;
    size_t len;
    bool write, ok;
} Transfer;

static bool transfer_piece(AddressSpace *as, hwaddr pa, uint8_t *buf, size_t n, bool write)
{
    if (write ? address_space_poke(as, pa, buf, n) : address_space_peek(as, pa, buf, n)) {
        return true;
    }
    return (write ? address_space_write(as, pa, MEM_ATTRS_NONE, buf, n)
                  : address_space_read(as, pa, MEM_ATTRS_NONE, buf, n)) == MEM_OK;
}

static void transfer_on(Cpu *cpu, void *opaque)
{
    Transfer *t = opaque;

    t->ok = true;
    for (size_t done = 0; t->ok && done < t->len;) {
        uint64_t va = t->addr + done;
        size_t n = MIN(t->len - done, MEM_PAGE_SIZE - (va & (MEM_PAGE_SIZE - 1)));
        hwaddr pa = va;
        t->ok = (t->g->physical || (cpu->target->translate && cpu->target->translate(cpu, va, &pa))) &&
                transfer_piece(cpu->mem, pa, t->buf + done, n, t->write);
        done += n;
    }
}

void gdb_read_memory(GdbStub *g, const char *p)
{
    uint64_t addr, len;
    uint8_t buf[GDB_PACKET_MAX / 2];

    if (!gdb_number_to(&p, ',', &addr) || !gdb_number_to(&p, 0, &len)) {
        gdb_error(g, 22);
        return;
    }
    Transfer t = {.g = g, .addr = addr, .buf = buf, .len = MIN(len, sizeof(buf))}; /* less is a valid reply */
    cpu_run_synced(g->general, transfer_on, &t);
    if (!t.ok) {
        gdb_error(g, ERRNO_FAULT);
        return;
    }
    g_autoptr(GString) out = g_string_new(NULL);
    gdb_hex(out, buf, t.len);
    gdb_put(g, out->str, out->len);
}

void gdb_write_memory(GdbStub *g, const char *p, size_t packet_len, bool binary)
{
    const char *end = p + packet_len;
    uint64_t addr, len;
    uint8_t buf[GDB_PACKET_MAX];

    if (!gdb_number_to(&p, ',', &addr) || !gdb_number_to(&p, ':', &len) || len > sizeof(buf)) {
        gdb_error(g, 22);
        return;
    }
    size_t given = (size_t)(end - p);
    if (binary ? given != len : !gdb_unhex(p, given, buf, len)) {
        gdb_error(g, 22);
        return;
    }
    if (binary) {
        memcpy(buf, p, len);
    }
    Transfer t = {.g = g, .addr = addr, .buf = buf, .len = len, .write = true};
    cpu_run_synced(g->general, transfer_on, &t);
    if (t.ok) {
        gdb_ok(g);
    } else {
        gdb_error(g, ERRNO_FAULT);
    }
}

void gdb_breakpoint(GdbStub *g, const char *p, bool insert)
{
    uint64_t kind, addr, len;
    Error *err = NULL;

    if (!gdb_number_to(&p, ',', &kind) || !gdb_number_to(&p, ',', &addr) || !gdb_number(&p, &len) ||
        (*p && *p != ';')) {
        gdb_error(g, 22);
        return;
    }
    if (kind >= DEBUG_KINDS) {
        gdb_puts(g, ""); /* not known */
        return;
    }
    DebugPoint point = {(DebugKind)kind, addr, len};
    if (insert ? machine_debug_insert(g->m, &point, &err) : machine_debug_remove(g->m, &point, &err)) {
        gdb_ok(g);
    } else {
        gdb_error_text(g, err);
    }
}
