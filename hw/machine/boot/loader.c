/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generic loader: `-device loader` puts a number or a file into guest memory at every reset, or says
 * where a processor begins.
 *
 * Options as in QEMU's "Generic Loader" (docs/system/generic-loader). A file is ELF (its program
 * segments, to their physical addresses), Intel HEX, or raw bytes to addr=. With cpu-num= a file's
 * entry, or addr=, is where that processor begins after a reset. Left out: U-Boot images.
 *
 * It comes last in a reset: after firmware and -kernel are in their places. Waking from S3, which
 * keeps the memory, loads nothing.
 *
 * home: main loop; at reset with the machine locked.
 */
#include "hw/machine/boot/internal.h"

#include <inttypes.h>
#include <string.h>

#include "base/bits.h"

#define NO_CPU       UINT32_MAX
#define MAX_DATA     8
#define UIMAGE_MAGIC 0x27051956u

typedef struct Loader {
    Device dev;
    /* properties */
    uint64_t addr, data;
    uint8_t data_len;
    bool data_be, force_raw;
    char *file;
    uint32_t cpu_num;
    /* what a reset does */
    BootPlan *plan;
    uint64_t pc;
    Cpu *starts; /* begins at pc; NULL: none */
} Loader;

/* ---- options ---- */

static bool bad_options(Error **errp, const char *what, const char *hint)
{
    error_set(errp, ERR_INVALID_PARAMETER, "loader: %s", what);
    error_hint(errp, "%s", hint);
    return false;
}

static bool is_data(const Loader *s)
{
    return s->data || s->data_len || s->data_be;
}

static bool check_options(const Loader *s, Error **errp)
{
    if (is_data(s) && s->file) {
        return bad_options(errp, "a file cannot be given together with data=, data-len= or data-be=",
                           "use two loaders");
    }
    if (s->force_raw && !s->file) {
        return bad_options(errp, "force-raw= is about a file, and there is none", "give file= too");
    }
    if (is_data(s) && !s->data_len) {
        return bad_options(errp, "both data= and data-len= must be given", "data-len is in bytes, 1 to 8");
    }
    if (s->data_len > MAX_DATA) {
        return bad_options(errp, "data-len cannot be greater than 8 bytes", "a file has no such limit");
    }
    if (is_data(s) || s->file) {
        return true;
    }
    if (!s->addr) {
        return bad_options(errp, "nothing to do",
                           "give file=, or data= and data-len=, or addr= and cpu-num=");
    }
    return s->cpu_num != NO_CPU ||
           bad_options(errp, "addr= alone does nothing",
                       "cpu-num= says which processor begins there, file= or data= what is put there");
}

static bool find_cpu(const Loader *s, Cpu **cpu, Error **errp)
{
    Machine *m = s->dev.machine;

    *cpu = s->cpu_num <= INT32_MAX ? machine_cpu(m, (int)s->cpu_num) : NULL;
    if (s->cpu_num != NO_CPU && !*cpu) {
        error_set(errp, ERR_INVALID_PARAMETER, "loader: cpu-num=%" PRIu32 ": there is no such processor",
                  s->cpu_num);
        error_hint(errp, "the machine has %d of them, counted from 0", machine_cpu_count(m));
        return false;
    }
    return true;
}

/* ---- contents ---- */

static void plan_data(Loader *s)
{
    uint8_t bytes[MAX_DATA];

    for (int i = 0; i < s->data_len; i++) {
        bytes[s->data_be ? s->data_len - 1 - i : i] = s->data >> 8 * i;
    }
    boot_add_copy(s->plan, s->addr, bytes, s->data_len);
}

/* s->pc: the entry point of a format that has one. */
static bool plan_contents(Loader *s, BootContext *c, Error **errp)
{
    BootFile *f = &c->kernel;
    BootElf elf;

    if (!s->force_raw && boot_elf_is(f)) {
        if (!boot_elf_load(c, &elf, errp)) {
            return false;
        }
        s->pc = elf.entry;
        return true;
    }
    if (!s->force_raw && boot_hex_is(f)) {
        return boot_hex_load(f, s->plan, &s->pc, errp);
    }
    if (!s->force_raw && f->len >= 64 && ld_be32(f->data) == UIMAGE_MAGIC) {
        error_set(errp, ERR_UNSUPPORTED, "loader: '%s' is a U-Boot image", f->path);
        error_hint(errp, "unpack it first; with force-raw=on it is loaded as it is");
        return false;
    }
    boot_add_copy(s->plan, s->addr, f->data, f->len);
    return true;
}

static bool plan_file(Loader *s, Error **errp)
{
    BootContext c = {.plan = s->plan};

    if (!boot_read_file(&c.kernel, "file", s->file, errp)) {
        return false;
    }
    bool ok = plan_contents(s, &c, errp);
    boot_file_clear(&c.kernel);
    return ok;
}

/* All of it is RAM or ROM. */
static bool is_memory(AddressSpace *as, hwaddr addr, uint64_t len)
{
    while (len) {
        const MemSection *sec = address_space_find(as, addr);
        if (!sec || sec->kind != MEM_RAM) {
            return false;
        }
        uint64_t n = MIN(len, sec->base + sec->size - addr);
        addr += n;
        len -= n;
        if (len && !addr) {
            return false; /* around the end */
        }
    }
    return true;
}

static bool check_places(const Loader *s, Error **errp)
{
    for (guint i = 0; i < s->plan->pieces->len; i++) {
        const BootPiece *p = &g_array_index(s->plan->pieces, BootPiece, i);
        if (!is_memory(machine_memory(s->dev.machine), p->addr, p->size)) {
            error_set(errp, ERR_INVALID_PARAMETER,
                      "loader: %s%s%s0x%" PRIx64 " bytes at 0x%" PRIx64 " are not all memory",
                      s->file ? "'" : "", s->file ? s->file : "", s->file ? "': " : "", p->size,
                      p->addr);
            error_hint(errp, "the monitor's 'info mtree' shows where memory is");
            return false;
        }
    }
    return true;
}

/* ---- type ---- */

static void at_reset(void *opaque, Machine *m)
{
    Loader *s = opaque;

    if (machine_waking(m)) {
        return;
    }
    boot_place(s->plan, m);
    if (s->starts) {
        s->starts->target->start_at(s->starts, s->pc, NULL);
    }
}

static bool loader_prepare(Loader *s, Error **errp)
{
    Cpu *cpu;

    if (!check_options(s, errp) || !find_cpu(s, &cpu, errp)) {
        return false;
    }
    s->pc = s->addr;
    if (is_data(s)) {
        plan_data(s);
    } else if (s->file && !plan_file(s, errp)) {
        return false;
    }
    if (!check_places(s, errp)) {
        return false;
    }
    if (cpu && !is_data(s)) {
        s->starts = cpu;
        if (!cpu->target->start_at) {
            error_set(errp, ERR_UNSUPPORTED, "loader: a processor of this kind cannot begin elsewhere");
            return false;
        }
        return cpu->target->start_at(cpu, s->pc, errp);
    }
    return true;
}

static bool loader_realize(Device *d, Error **errp)
{
    Loader *s = (Loader *)d;

    s->plan = boot_plan_new();
    if (!loader_prepare(s, errp)) {
        g_clear_pointer(&s->plan, boot_plan_free);
        return false;
    }
    boot_place(s->plan, d->machine); /* the reset at power-on was before */
    machine_add_reset_notifier(d->machine, at_reset, s);
    return true;
}

static void loader_unrealize(Device *d)
{
    Loader *s = (Loader *)d;

    machine_remove_reset_notifier(d->machine, at_reset, s);
    g_clear_pointer(&s->plan, boot_plan_free);
}

static const Property loader_props[] = {
    PROP(Loader, PROP_U64, addr, "addr", 0, "address; without file and data the processor's first"),
    PROP(Loader, PROP_U64, data, "data", 0, "number to put there"),
    PROP(Loader, PROP_U8, data_len, "data-len", 0, "bytes of it, 1 to 8"),
    PROP(Loader, PROP_BOOL, data_be, "data-be", false, "most significant byte first"),
    PROP_STR(Loader, file, "file", NULL, "file to put there: ELF, Intel HEX or raw"),
    PROP(Loader, PROP_BOOL, force_raw, "force-raw", false, "raw, whatever the file looks like"),
    PROP(Loader, PROP_U32, cpu_num, "cpu-num", NO_CPU,
         "processor that begins at the file's entry point, or at addr"),
    {0},
};

static const StateField loader_state[] = {
    HOST_ONLY(Loader, plan),
    HOST_ONLY(Loader, pc),
    HOST_ONLY(Loader, starts),
    {0},
};

static const DeviceType loader_type = {
    .name = "loader",
    .help = "puts a file or a number into memory, says where a processor begins",
    .bus = "sysbus",
    .size = sizeof(Loader),
    .version = 1,
    .user_creatable = true,
    .needs = "something to load",
    .props = loader_props,
    .state = loader_state,
    .realize = loader_realize,
    .unrealize = loader_unrealize,
};
DEVICE_TYPE(loader_type);
