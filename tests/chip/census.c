/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Census: what every registered device must do, tried on all of them.
 *
 *  - tables: every type and property has help; fields have names of their own; the property, state
 *    and host-only lists cover the struct; registers are backed by fields of their size.
 *  - life: realize and unrealize leave nothing behind, twice.
 *  - reset gives the same state whenever it is repeated.
 *  - accesses of any size anywhere in its windows end without a crash, also in a state that a
 *    hostile stream brought; and the state reached moves to another instance bit by bit.
 *
 * A device that needs others gets them: the bus it names as parent, one of each type it links to,
 * a processor. One that still cannot be realized alone says so in DeviceType.needs.
 */
#include <string.h>

#include "base/bits.h"
#include "core/internal.h"
#include "harness.h"
#include "pci.h"

#define ACCESSES 3000
#define RANDOM_STATES 40

/* ---- tables ---- */

static size_t prop_size(const Property *p)
{
    switch (p->kind) {
    case PROP_BOOL:
    case PROP_U8:
        return 1;
    case PROP_U16:
        return 2;
    case PROP_U32:
    case PROP_I32:
    case PROP_ENUM:
        return 4;
    default:
        return 8;
    }
}

static size_t state_size(const StateField *f)
{
    return f->kind == STATE_HOST    ? f->size
           : f->kind == STATE_TIMER ? f->count * sizeof(Timer)
           : f->kind == STATE_BLOB  ? sizeof(GByteArray *)
                                    : f->count * state_elem_size(f);
}

static void check_text(const DeviceType *t)
{
    g_assert_nonnull(t->help);
    g_assert_cmpuint(strlen(t->help), >, 0);
    g_assert_nonnull(t->bus);
    for (const Property *p = t->props; p && p->kind != PROP_END; p++) {
        if (!p->help || !*p->help) {
            g_error("%s: property '%s' has no help", t->name, p->name);
        }
        g_assert_true(p->kind != PROP_ENUM || p->enum_names);
        for (const Property *q = t->props; q < p; q++) {
            g_assert_cmpstr(p->name, !=, q->name);
        }
    }
    for (const StateField *f = t->state; f && f->kind != STATE_END; f++) {
        g_assert_cmpuint(f->count, >, 0);
        g_assert_cmpuint(f->since, <=, t->version);
        for (const StateField *g = t->state; g < f; g++) {
            g_assert_cmpstr(f->name, !=, g->name);
        }
    }
}

static void cover(uint8_t *map, const DeviceType *t, const char *name, size_t offset, size_t size)
{
    if (offset < sizeof(Device) || offset + size > t->size) {
        g_error("%s: '%s' lies outside of the struct", t->name, name);
    }
    memset(map + offset, 1, size);
}

/* Bytes of the struct in no list: padding of up to 7 between members is all right. */
static void check_coverage(const DeviceType *t)
{
    g_autofree uint8_t *map = g_malloc0(t->size + 1);

    map[t->size] = 1;
    for (const Property *p = t->props; p && p->kind != PROP_END; p++) {
        cover(map, t, p->name, p->offset, prop_size(p));
    }
    for (const StateField *f = t->state; f && f->kind != STATE_END; f++) {
        cover(map, t, f->name, f->offset, state_size(f));
    }
    for (size_t i = sizeof(Device), gap = 0; i <= t->size; i++) {
        if (!map[i]) {
            gap++;
            continue;
        }
        if (gap > 7) {
            g_error("%s: %zu bytes before offset %zu are in no list (STATE or HOST_ONLY)", t->name, gap,
                    i);
        }
        gap = 0;
    }
}

static bool has_field(const DeviceType *t, size_t offset, unsigned size)
{
    for (const StateField *f = t->state; f && f->kind != STATE_END; f++) {
        size_t elem = state_elem_size(f);
        if (f->kind != STATE_HOST && f->kind != STATE_TIMER && elem == size && offset >= f->offset &&
            offset < f->offset + elem * f->count && (offset - f->offset) % elem == 0) {
            return true;
        }
    }
    return false;
}

static void check_registers(const DeviceType *t)
{
    for (const Register *r = t->regs; r && r->name; r++) {
        if (!is_pow2(r->size) || r->size > 8) {
            g_error("%s: register %s has size %u", t->name, r->name, r->size);
        }
        if (r->field != SIZE_MAX && !has_field(t, r->field, r->size)) {
            g_error("%s: register %s is backed by no state field of its size", t->name, r->name);
        }
        for (const Register *q = t->regs; q < r; q++) {
            if (r->offset < q->offset + q->size && q->offset < r->offset + r->size) {
                g_error("%s: registers %s and %s overlap", t->name, q->name, r->name);
            }
        }
    }
}

static void test_tables(gconstpointer data)
{
    const DeviceType *t = data;

    check_text(t);
    check_coverage(t);
    check_registers(t);
}

/* ---- making one ---- */

static const DeviceType *find_type(const char *name)
{
    REGISTRY_FOREACH(DeviceType, it) {
        if (strcmp((*it)->name, name) == 0) {
            return *it;
        }
    }
    return NULL;
}

/* The device that a bus name means: "isa" -> type "isa-bus" or "isa". */
static Device *make_parent(Machine *m, const DeviceType *t)
{
    g_autofree char *name = g_strdup_printf("%s-bus", t->bus);
    const DeviceType *bus = find_type(name);

    bus = bus ? bus : find_type(t->bus);
    if (!bus || bus == t) {
        return NULL;
    }
    Device *d = device_new(m, bus, NULL, NULL);
    return device_realize(d, NULL) ? d : NULL;
}

static void make_links(Machine *m, Device *d)
{
    for (const Property *p = d->type->props; p && p->kind != PROP_END; p++) {
        const DeviceType *to = p->kind == PROP_LINK && p->link_type ? find_type(p->link_type) : NULL;
        if (to && to != d->type) {
            Device *other = device_new(m, to, NULL, NULL);
            make_links(m, other);
            if (device_realize(other, NULL)) {
                device_set_ptr(d, p->name, other);
            }
        }
    }
}

/* Realized, in a machine of its own with a processor; NULL: it cannot live alone. */
static Device *make(const DeviceType *t, Error **errp)
{
    Machine *m = bench_new(1);
    Device *parent = make_parent(m, t);
    Device *d = device_new(m, t, parent, "subject");

    make_links(m, d);
    if (!device_realize(d, errp)) {
        bench_free(m);
        return NULL;
    }
    return d;
}

static Device *make_or_skip(const DeviceType *t)
{
    Error *err = NULL;
    Device *d = make(t, &err);

    if (!d) {
        if (!t->needs) {
            g_error("%s: %s (if it cannot live alone, say why in .needs)", t->name, error_message(err));
        }
        g_test_skip(t->needs);
        error_free(err);
    }
    return d;
}

/* ---- life and reset ---- */

static GByteArray *saved(Device *d)
{
    GByteArray *b = g_byte_array_new();
    Error *err = NULL;

    if (!device_try_save(d, b, &err)) {
        g_error("%s", error_message(err));
    }
    return b;
}

static bool equal(const GByteArray *a, const GByteArray *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static guint sections(Machine *m)
{
    guint n = 0;

    for (guint i = 0; i < m->mem.spaces->len; i++) {
        n += ((AddressSpace *)m->mem.spaces->pdata[i])->view->n;
    }
    return n;
}

static void test_life(gconstpointer data)
{
    Device *d = make_or_skip(data);

    if (!d) {
        return;
    }
    Machine *m = d->machine;
    GString *text = g_string_new(NULL);
    device_dump_tree(m, text);
    g_string_free(text, TRUE);
    device_free(d);
    guint before = sections(m);
    for (int i = 0; i < 2; i++) { /* again, where the first one was */
        d = device_new(m, data, make_parent(m, data), "again");
        make_links(m, d);
        Error *err = NULL;
        if (!device_realize(d, &err)) {
            g_error("%s: second life: %s", ((const DeviceType *)data)->name, error_message(err));
        }
        bench_step(m, NS_PER_MS);
        Device *parent = d->parent == m->board_dev ? NULL : d->parent;
        device_free(d);
        device_free(parent);
    }
    g_assert_cmpuint(sections(m), <=, before + 1);
    bench_free(m);
}

static void poke_around(Machine *m, int n);

static void test_reset(gconstpointer data)
{
    Device *d = make_or_skip(data);

    if (!d) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        machine_reset_devices(d->machine);
        g_autoptr(GByteArray) a = saved(d);
        machine_reset_devices(d->machine);
        g_autoptr(GByteArray) b = saved(d);
        if (!equal(a, b)) {
            g_error("%s: resetting twice gives another state", d->type->name);
        }
        poke_around(d->machine, ACCESSES);
    }
    bench_free(d->machine);
}

/* ---- random accesses ---- */

typedef struct Window {
    AddressSpace *as;
    hwaddr base;
    uint64_t size;
} Window;

static GArray *windows(Machine *m)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(Window));

    for (guint i = 0; i < m->mem.spaces->len; i++) {
        AddressSpace *as = m->mem.spaces->pdata[i];
        for (uint32_t k = 0; k < as->view->n; k++) {
            const MemSection *s = &as->view->sections[k];
            if (s->kind == MEM_IO) {
                Window w = {as, s->base, s->size};
                g_array_append_val(all, w);
            }
        }
    }
    return all;
}

static uint64_t random_value(void)
{
    uint64_t v = (uint64_t)(uint32_t)g_test_rand_int() << 32 | (uint32_t)g_test_rand_int();

    switch (g_test_rand_int_range(0, 4)) {
    case 0:
        return v;
    case 1:
        return v & 0xff;
    case 2:
        return 1ull << (v & 63);
    default:
        return v & 1 ? 0 : UINT64_MAX;
    }
}

static void poke_around(Machine *m, int n)
{
    bench_pci_configure(m);
    GArray *all = windows(m);

    for (int i = 0; i < n && all->len; i++) {
        Window *w = &g_array_index(all, Window, g_test_rand_int_range(0, all->len));
        unsigned size = 1u << g_test_rand_int_range(0, 4);
        uint64_t offset = random_value() % MIN(w->size, i & 1 ? 64 : w->size);
        uint64_t v = random_value();
        if (g_test_rand_bit()) {
            address_space_load(w->as, w->base + offset, MEM_ATTRS_NONE, size, &v);
        } else {
            address_space_store(w->as, w->base + offset, MEM_ATTRS_NONE, size, v);
        }
        if (i % 64 == 0) {
            bench_step(m, g_test_rand_int_range(0, 200000));
        }
    }
    g_array_free(all, TRUE);
}

/* ---- state ---- */

/* The bytes of d's state moved into another instance are the same bytes. */
static void check_moves(Device *d)
{
    Device *other = make(d->type, NULL);
    Error *err = NULL;

    clock_set_virtual(other->machine, clock_ns(d->machine, CLOCK_VIRTUAL));
    g_autoptr(GByteArray) a = saved(d);
    if (!device_load(other, a->data, a->len, &err)) {
        g_error("%s: refuses a state it can be in: %s", d->type->name, error_message(err));
    }
    g_autoptr(GByteArray) b = saved(other);
    if (!equal(a, b)) {
        g_error("%s: state changes on the way to another instance", d->type->name);
    }
    bench_free(other->machine);
}

static void test_accesses(gconstpointer data)
{
    Device *d = make_or_skip(data);

    if (!d) {
        return;
    }
    check_moves(d);
    for (int i = 0; i < 3; i++) {
        poke_around(d->machine, ACCESSES);
        check_moves(d);
    }
    bench_free(d->machine);
}

/* A saved state with random values of the right form; walks the format of device_state.c. */
static void randomise(const DeviceType *t, GByteArray *b, bool gently)
{
    uint8_t *p = b->data + 4;

    p += 1 + p[0] + 4;
    while (p < b->data + b->len) {
        p += 1 + p[0];
        unsigned kind = p[0];
        uint64_t n = (uint64_t)ld_le32(p + 1) * ld_le32(p + 5);
        p += 9;
        for (uint64_t i = 0; i < n; i++) {
            if (!gently || g_test_rand_int_range(0, 64) == 0) {
                p[i] = kind == STATE_BOOL ? g_test_rand_bit() : g_test_rand_int();
            }
            if (kind == STATE_TIMER && i % 8 == 7) {
                p[i] &= 0x7f;
            }
        }
        p += n;
    }
}

static void test_random_state(gconstpointer data)
{
    const DeviceType *t = data;
    Device *d = make_or_skip(t);
    int accepted = 0;

    if (!d) {
        return;
    }
    for (int i = 0; i < RANDOM_STATES; i++) {
        g_autoptr(GByteArray) x = saved(d);
        randomise(t, x, i & 1);
        Error *err = NULL;
        if (!device_load(d, x->data, x->len, &err)) {
            g_assert_nonnull(err);
            error_free(err);
            continue;
        }
        accepted++;
        g_autoptr(GByteArray) y = saved(d);
        if (!device_load(d, y->data, y->len, NULL)) {
            g_error("%s: refuses what it saved", t->name);
        }
        g_autoptr(GByteArray) z = saved(d);
        if (!equal(y, z)) {
            g_error("%s: state changes between load and save", t->name);
        }
        poke_around(d->machine, 100);
        machine_reset_devices(d->machine);
    }
    g_test_message("%s: %d of %d random states accepted", t->name, accepted, RANDOM_STATES);
    bench_free(d->machine);
}

/* ---- */

static void add(const DeviceType *t, const char *what, GTestDataFunc fn)
{
    g_autofree char *path = g_strdup_printf("/census/%s/%s", t->name, what);

    g_test_add_data_func(path, t, fn);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    REGISTRY_FOREACH(DeviceType, it) {
        add(*it, "tables", test_tables);
        add(*it, "life", test_life);
        add(*it, "reset", test_reset);
        add(*it, "accesses", test_accesses);
        add(*it, "random-state", test_random_state);
    }
    return g_test_run();
}
