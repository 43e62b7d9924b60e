/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Machine: birth, the parts it is put together from, death; and its lock domain.
 *
 * home: main loop; the lock from any thread.
 */
#include <string.h>

#include "base/loop.h"
#include "base/suggest.h"
#include "core/dirtyrate.h"
#include "core/internal.h"
#include "core/semihost.h"

#define PORT_SPACE 65536

/* ---- registries ---- */

/* names: what could have been meant. */
static void not_found(Error **errp, const char *kind, const char *wrong, GPtrArray *names)
{
    g_ptr_array_add(names, NULL);
    const char *near = suggest_name(wrong, (const char *const *)names->pdata);
    error_set(errp, ERR_INVALID_PARAMETER, "there is no %s '%s'", kind, wrong);
    if (near) {
        error_hint(errp, "did you mean '%s'?", near);
    } else if (names->len > 1) {
        g_autofree char *all = g_strjoinv(", ", (char **)names->pdata);
        error_hint(errp, "there is %s", all);
    }
}

const AccelOps *accel_find(const char *name, Error **errp)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    REGISTRY_FOREACH(AccelOps, it) {
        if (strcmp((*it)->name, name) == 0) {
            return *it;
        }
        g_ptr_array_add(names, (void *)(*it)->name);
    }
    not_found(errp, "accelerator", name, names);
    return NULL;
}

const TargetOps *target_find(const char *arch, Error **errp)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    REGISTRY_FOREACH(TargetOps, it) {
        if (strcmp((*it)->name, arch) == 0) {
            return *it;
        }
        g_ptr_array_add(names, (void *)(*it)->name);
    }
    not_found(errp, "architecture", arch, names);
    return NULL;
}

const BoardType *board_find(const char *name, const char *arch, Error **errp)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    REGISTRY_FOREACH(BoardType, it) {
        const BoardType *b = *it;
        if (*b->arch && arch && *arch && strcmp(b->arch, arch) != 0) {
            continue;
        }
        if (strcmp(b->name, name) == 0 || (b->alias && strcmp(b->alias, name) == 0)) {
            return b;
        }
        g_ptr_array_add(names, (void *)b->name);
    }
    not_found(errp, "machine type", name, names);
    return NULL;
}

/* ---- birth ---- */

static void own(Machine *m, const char **s)
{
    if (*s) {
        char *copy = g_strdup(*s);
        g_ptr_array_add(m->strings, copy);
        *s = copy;
    }
}

static void own_config(Machine *m)
{
    MachineConfig *c = &m->cfg;
    const char **all[] = {&c->boot_order, &c->boot_once, &c->boot_splash,
                          &c->board,  &c->accel,  &c->other_accel,  &c->cpu_model, &c->firmware, &c->firmware_dirs,
                          &c->kernel, &c->initrd, &c->append,    &c->name,   &c->memory_backend};

    m->strings = g_ptr_array_new_with_free_func(g_free);
    m->globals = g_strdupv((char **)c->globals);
    c->globals = (const char *const *)m->globals;
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
        own(m, all[i]);
    }
}

Machine *machine_new(const MachineConfig *cfg, GMainContext *loop)
{
    Machine *m = g_new0(Machine, 1);

    m->cfg = *cfg;
    own_config(m);
    m->loop = g_main_context_ref(loop ? loop : g_main_context_default());
    m->state = RUN_STATE_PRELAUNCH;
    m->cpus = g_ptr_array_new();
    m->accels = g_ptr_array_new();
    pthread_mutex_init(&m->accel_lock, NULL);
    m->buses = g_ptr_array_new();
    m->objects = g_ptr_array_new();
    m->unplugged = g_ptr_array_new();
    m->state_listeners = g_array_new(FALSE, FALSE, sizeof(Listener));
    m->event_listeners = g_array_new(FALSE, FALSE, sizeof(Listener));
    m->reset_listeners = g_array_new(FALSE, FALSE, sizeof(Listener));
    m->lent_chips = g_ptr_array_new();
    m->debug_points = g_array_new(FALSE, FALSE, sizeof(DebugPoint));
    pthread_mutex_init(&m->lock, NULL);
    pthread_mutex_init(&m->cpu_lock, NULL);
    pthread_cond_init(&m->cpu_cond, NULL);
    requests_init(m);
    clock_init(m, &m->birth_error);
    mem_init(m);
    m->mem_root = region_new_container("system", UINT64_MAX);
    m->port_root = region_new_container("io", PORT_SPACE);
    m->memory = address_space_new(m, "memory", m->mem_root);
    m->ports = address_space_new(m, "I/O", m->port_root);
    return m;
}

/* "name,rest" -> name; *rest points behind the comma or is "". */
static char *first_word(const char *s, const char **rest)
{
    const char *comma = strchr(s, ',');

    *rest = comma ? comma + 1 : "";
    return comma ? g_strndup(s, comma - s) : g_strdup(s);
}

static bool open_accel(Machine *m, Error **errp)
{
    const char *options;
    const char *text = m->cfg.accel ? m->cfg.accel : m->target ? "tcg" : "null";
    g_autofree char *name = first_word(text, &options);

    m->accel = accel_find(name, errp);
    if (!m->accel) {
        return false;
    }
    if (m->accel->probe && !m->accel->probe(m->target, errp)) {
        return false;
    }
    if (m->accel->vm_open && !m->accel->vm_open(m, errp)) {
        return false;
    }
    g_ptr_array_add(m->accels, (void *)m->accel);
    m->accel_open = true;
    return true;
}

/* What the user left open is the board's to say. */
static bool complete_config(Machine *m, Error **errp)
{
    MachineConfig *c = &m->cfg;

    c->ram_size = c->ram_size ? c->ram_size : m->board->default_ram;
    c->cpu_model = c->cpu_model ? c->cpu_model : m->board->default_cpu;
    c->cpus = MAX(c->cpus, 1);
    c->max_cpus = MAX(c->max_cpus, c->cpus);
    if (m->board->max_cpus && c->max_cpus > m->board->max_cpus) {
        error_set(errp, ERR_INVALID_PARAMETER, "machine '%s' cannot have %d CPUs", m->board->name,
                  c->max_cpus);
        error_hint(errp, "it has room for %d", m->board->max_cpus);
        return false;
    }
    return true;
}

static void make_board_device(Machine *m)
{
    DeviceType *t = g_new0(DeviceType, 1);

    t->name = m->board->name;
    t->help = m->board->help;
    t->bus = "machine";
    t->size = MAX(m->board->size, sizeof(Device));
    t->internal = true;
    t->props = m->board->props;
    m->board_type = t;
    m->board_dev = device_new_board(m, t);
}

bool machine_config_check(const MachineConfig *cfg, const char *arch, Error **errp)
{
    const char *options;
    g_autofree char *name = first_word(cfg->board ? cfg->board : "none", &options);
    const BoardType *b = board_find(name, arch, errp);

    return b && (!b->check || b->check(cfg, errp));
}

bool machine_build(Machine *m, const char *arch, Error **errp)
{
    const char *options;
    g_autofree char *name = first_word(m->cfg.board ? m->cfg.board : "none", &options);

    if (m->birth_error) {
        error_propagate(errp, g_steal_pointer(&m->birth_error));
        return false;
    }
    if (arch && *arch && !(m->target = target_find(arch, errp))) {
        return false;
    }
    m->board = board_find(name, arch, errp);
    if (!m->board || !complete_config(m, errp)) {
        return false;
    }
    if (m->cfg.semihost) {
        m->semihost = semihost_new(m->cfg.semihost);
    }
    make_board_device(m);
    if (!device_props_set_list(m->board_dev, options, errp) || !open_accel(m, errp)) {
        return false;
    }
    m->board_dev->realized = true;
    if (!m->board->build(m, m->board_dev, errp)) {
        return false;
    }
    m->built = true;
    machine_power_on_reset(m);
    return !m->cfg.other_accel || machine_prepare_accel(m, m->cfg.other_accel, errp);
}

void machine_start(Machine *m)
{
    Error *err = NULL;

    g_assert(m->built && !m->started);
    m->started = true;
    for (guint i = 0; i < m->cpus->len; i++) {
        if (!cpu_thread_start(m->cpus->pdata[i], &err)) {
            error_report(err);
            error_free(err);
            run_state_set(m, RUN_STATE_INTERNAL_ERROR);
            return;
        }
    }
    if (!m->cfg.start_paused) {
        machine_cont(m, NULL);
    }
}

bool machine_started(Machine *m)
{
    return m->started;
}

/* ---- death ---- */

static void free_parts(Machine *m)
{
    loop_remove(m->unplug_source);
    m->unplug_source = NULL;
    for (guint i = 0; i < m->cpus->len; i++) {
        cpu_thread_end(m->cpus->pdata[i]);
    }
    m->started = false;
    device_free(m->board_dev);
    m->board_dev = NULL;
    while (m->cpus->len) {
        cpu_free(g_ptr_array_remove_index(m->cpus, m->cpus->len - 1));
    }
    if (m->accel_open) {
        m->accel_open = false;
        accels_close(m);
    }
}

void machine_free(Machine *m)
{
    if (!m) {
        return;
    }
    g_assert(!machine_locked(m));
    dirty_rate_free(m);
    free_parts(m);
    address_space_free(m->memory);
    address_space_free(m->ports);
    region_unref(m->mem_root);
    region_unref(m->port_root);
    requests_fini(m);
    clock_fini(m);
    mem_fini(m);
    g_free(m->board_type);
    g_free(m->panic_info);
    error_free(m->birth_error);
    g_array_free(m->state_listeners, TRUE);
    g_array_free(m->event_listeners, TRUE);
    g_array_free(m->reset_listeners, TRUE);
    g_ptr_array_free(m->lent_chips, TRUE);
    g_array_free(m->debug_points, TRUE);
    g_ptr_array_free(m->cpus, TRUE);
    g_ptr_array_free(m->accels, TRUE);
    pthread_mutex_destroy(&m->accel_lock);
    objects_free(m);
    g_ptr_array_free(m->buses, TRUE);
    g_ptr_array_free(m->unplugged, TRUE);
    semihost_free(m->semihost);
    g_ptr_array_free(m->strings, TRUE);
    g_strfreev(m->globals);
    pthread_cond_destroy(&m->cpu_cond);
    pthread_mutex_destroy(&m->cpu_lock);
    pthread_mutex_destroy(&m->lock);
    g_main_context_unref(m->loop);
    g_free(m);
}

/* ---- parts ---- */

const MachineConfig *machine_config(Machine *m)
{
    return &m->cfg;
}

const BoardType *machine_board(Machine *m)
{
    return m->board;
}

Device *machine_board_device(Machine *m)
{
    return m->board_dev;
}

const TargetOps *machine_target(Machine *m)
{
    return m->target;
}

const AccelOps *machine_accel(Machine *m)
{
    return __atomic_load_n(&m->accel, __ATOMIC_SEQ_CST);
}

void **machine_accel_priv(Machine *m, AccelSlot slot)
{
    return &m->accel_priv[slot];
}

AddressSpace *machine_memory(Machine *m)
{
    return m->memory;
}

MemoryRegion *machine_memory_root(Machine *m)
{
    return m->mem_root;
}

AddressSpace *machine_ports(Machine *m)
{
    return m->ports;
}

MemoryRegion *machine_ports_root(Machine *m)
{
    return m->port_root;
}

GMainContext *machine_loop(Machine *m)
{
    return m->loop;
}

void machine_set_char_lookup(Machine *m, CharLookupFn *fn, void *opaque)
{
    m->char_lookup = fn;
    m->char_lookup_opaque = opaque;
}

BlockPort *machine_find_drive(Machine *m, const char *name, Error **errp)
{
    if (!m->drive_lookup) {
        error_set(errp, ERR_DEVICE_NOT_FOUND, "there is no drive '%s'", name);
        return NULL;
    }
    return m->drive_lookup(m->drive_lookup_opaque, name, errp);
}

void machine_set_drive_lookup(Machine *m, DriveLookupFn *fn, void *opaque)
{
    m->drive_lookup = fn;
    m->drive_lookup_opaque = opaque;
}

bool machine_set_balloon(Machine *m, const BalloonOps *ops, void *opaque)
{
    if (ops && m->balloon) {
        return false;
    }
    m->balloon = ops;
    m->balloon_opaque = opaque;
    return true;
}

const BalloonOps *machine_balloon(Machine *m, void **opaque)
{
    *opaque = m->balloon_opaque;
    return m->balloon;
}

void machine_set_apics(Machine *m, const ApicOps *ops, void *opaque)
{
    m->apics = ops;
    m->apics_opaque = opaque;
}

const ApicOps *machine_apics(Machine *m, void **opaque)
{
    *opaque = m->apics_opaque;
    return m->apics;
}

void machine_set_quiesce(Machine *m, QuiesceFn *fn, void *opaque)
{
    m->quiesce = fn;
    m->quiesce_opaque = opaque;
}

MachineDrive *machine_drive(Machine *m, MachineDriveKind kind, int bus, int unit)
{
    for (size_t i = 0; i < m->cfg.drive_count; i++) {
        MachineDrive *d = &m->cfg.drives[i];
        if (d->kind == kind && d->bus == bus && d->unit == unit) {
            return d;
        }
    }
    return NULL;
}

/* ---- the shared lock domain ---- */

bool machine_locked(Machine *m)
{
    return __atomic_load_n(&m->lock_held, __ATOMIC_ACQUIRE) &&
           pthread_equal(__atomic_load_n(&m->lock_owner, __ATOMIC_RELAXED), pthread_self());
}

void machine_lock(Machine *m)
{
    g_assert(!machine_locked(m));
    pthread_mutex_lock(&m->lock);
    __atomic_store_n(&m->lock_owner, pthread_self(), __ATOMIC_RELAXED);
    __atomic_store_n(&m->lock_held, true, __ATOMIC_RELEASE);
}

void machine_unlock(Machine *m)
{
    g_assert(machine_locked(m));
    __atomic_store_n(&m->lock_held, false, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&m->lock);
}

void machine_settle_stores(Machine *m)
{
    if (m->accel && m->accel->settle_stores) {
        m->accel->settle_stores(m);
    }
}
