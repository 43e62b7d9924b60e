/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State of devices by their type's table: reset values, saving and loading.
 *
 * The saved form, little endian, names as a length byte and text:
 *   u32 magic, name of the type, u16 version, u16 number of fields,
 *   per field: name, u8 kind, u32 count, u32 bytes per element, the elements.
 * It may come from anywhere: loading parses and checks the whole of it first. A field that the
 * saving version did not have yet (since) gets its reset value; everything else must match.
 *
 * home: the device's lock domain.
 */
#include <string.h>

#include "base/bits.h"
#include "core/internal.h"

#define STATE_MAGIC 0x56454452u
#define MAX_FIELDS 1024

size_t state_elem_size(const StateField *f)
{
    switch (f->kind) {
    case STATE_BOOL:
    case STATE_U8:
    case STATE_BLOB:
        return 1;
    case STATE_U16:
        return 2;
    case STATE_U32:
        return 4;
    case STATE_U64:
    case STATE_I64:
    case STATE_TIMER:
        return 8;
    case STATE_BYTES:
        return f->size ? f->size : 1;
    default:
        return 0;
    }
}

static GByteArray **blob(Device *d, const StateField *f)
{
    return (GByteArray **)((char *)d + f->offset);
}

static void blob_set(Device *d, const StateField *f, const uint8_t *data, size_t len)
{
    g_clear_pointer(blob(d, f), g_byte_array_unref);
    if (len) {
        *blob(d, f) = g_byte_array_append(g_byte_array_new(), data, len);
    }
}

void device_blobs_free(Device *d)
{
    for (const StateField *f = d->type->state; f && f->kind != STATE_END; f++) {
        if (f->kind == STATE_BLOB) {
            blob_set(d, f, NULL, 0);
        }
    }
}

static size_t field_bytes(const StateField *f)
{
    return state_elem_size(f) * f->count;
}

/* Element i in the struct. */
static void *elem(Device *d, const StateField *f, uint32_t i)
{
    size_t step = f->kind == STATE_TIMER ? sizeof(Timer) : state_elem_size(f);

    return (char *)d + f->offset + i * step;
}

/* ---- reset ---- */

static void put_timer(Timer *t, int64_t deadline)
{
    if (t->machine) {
        timer_arm(t, deadline);
    } else {
        t->deadline = TIMER_NEVER;
        t->heap_index = -1;
    }
}

static void put_elem(Device *d, const StateField *f, uint32_t i, uint64_t v)
{
    void *at = elem(d, f, i);

    switch (f->kind) {
    case STATE_BOOL:
        *(bool *)at = v != 0;
        break;
    case STATE_U8:
        *(uint8_t *)at = v;
        break;
    case STATE_U16:
        *(uint16_t *)at = v;
        break;
    case STATE_U32:
        *(uint32_t *)at = v;
        break;
    case STATE_U64:
    case STATE_I64:
        *(uint64_t *)at = v;
        break;
    case STATE_TIMER:
        put_timer(at, (int64_t)v);
        break;
    default:
        g_assert_not_reached();
    }
}

static void reset_field(Device *d, const StateField *f)
{
    if (f->kind == STATE_BLOB) {
        blob_set(d, f, NULL, 0);
        return;
    }
    if (f->kind == STATE_BYTES) {
        memset((char *)d + f->offset, (int)f->reset, field_bytes(f));
        return;
    }
    for (uint32_t i = 0; i < f->count; i++) {
        put_elem(d, f, i, f->kind == STATE_TIMER ? (uint64_t)TIMER_NEVER : f->reset);
    }
}

void device_state_reset(Device *d)
{
    for (const StateField *f = d->type->state; f && f->kind != STATE_END; f++) {
        if (f->kind != STATE_HOST && !f->keep) {
            reset_field(d, f);
        }
    }
}

void device_timers_fini(Device *d)
{
    for (const StateField *f = d->type->state; f && f->kind != STATE_END; f++) {
        for (uint32_t i = 0; f->kind == STATE_TIMER && i < f->count; i++) {
            timer_fini(elem(d, f, i));
        }
    }
}

/* ---- save ---- */

static void put_le(GByteArray *out, uint64_t v, unsigned size)
{
    uint8_t b[8];

    st_le64(b, v);
    g_byte_array_append(out, b, size);
}

static void put_name(GByteArray *out, const char *s)
{
    size_t n = strlen(s);

    g_assert(n <= 255);
    put_le(out, n, 1);
    g_byte_array_append(out, (const uint8_t *)s, n);
}

static uint64_t get_elem(Device *d, const StateField *f, uint32_t i)
{
    void *at = elem(d, f, i);

    switch (f->kind) {
    case STATE_BOOL:
        return *(bool *)at;
    case STATE_U8:
        return *(uint8_t *)at;
    case STATE_U16:
        return *(uint16_t *)at;
    case STATE_U32:
        return *(uint32_t *)at;
    case STATE_TIMER:
        return (uint64_t)((Timer *)at)->deadline;
    default:
        return *(uint64_t *)at;
    }
}

static void save_field(Device *d, const StateField *f, GByteArray *out)
{
    put_name(out, f->name);
    put_le(out, f->kind, 1);
    if (f->kind == STATE_BLOB) {
        GByteArray *b = *blob(d, f);
        put_le(out, b ? b->len : 0, 4);
        put_le(out, 1, 4);
        g_byte_array_append(out, b ? b->data : NULL, b ? b->len : 0);
        return;
    }
    put_le(out, f->count, 4);
    put_le(out, state_elem_size(f), 4);
    if (f->kind == STATE_BYTES) {
        g_byte_array_append(out, (uint8_t *)d + f->offset, field_bytes(f));
        return;
    }
    for (uint32_t i = 0; i < f->count; i++) {
        put_le(out, get_elem(d, f, i), state_elem_size(f));
    }
}

static void save_raw(Device *d, GByteArray *out)
{
    uint16_t n = 0;

    for (const StateField *f = d->type->state; f && f->kind != STATE_END; f++) {
        n += f->kind != STATE_HOST;
    }
    put_le(out, STATE_MAGIC, 4);
    put_name(out, d->type->name);
    put_le(out, d->type->version, 2);
    put_le(out, n, 2);
    for (const StateField *f = d->type->state; f && f->kind != STATE_END; f++) {
        if (f->kind != STATE_HOST) {
            save_field(d, f, out);
        }
    }
}

bool device_try_save(Device *d, GByteArray *out, Error **errp)
{
    bool lock = !machine_locked(d->machine), ok = true;

    if (lock) {
        machine_lock(d->machine);
    }
    if (d->type->pre_save) {
        ok = d->type->pre_save(d, errp);
    }
    if (ok) {
        save_raw(d, out);
        device_blobs_free(d);
    }
    if (lock) {
        machine_unlock(d->machine);
    }
    return ok;
}

void device_save(Device *d, GByteArray *out)
{
    device_try_save(d, out, NULL);
}

/* ---- load ---- */

typedef struct Reader {
    const uint8_t *p, *end;
    bool bad; /* read past the end */
} Reader;

static const uint8_t *take(Reader *r, uint64_t n)
{
    const uint8_t *p = r->p;

    if (r->bad || n > (uint64_t)(r->end - r->p)) {
        r->bad = true;
        return NULL;
    }
    r->p += n;
    return p;
}

static uint64_t take_le(Reader *r, unsigned size)
{
    const uint8_t *p = take(r, size);

    return p ? ld_le_n(p, size) : 0;
}

/* Text as long as the buffer lives; not terminated. */
static const char *take_name(Reader *r, size_t *len)
{
    *len = take_le(r, 1);
    return (const char *)take(r, *len);
}

static bool name_is(const char *text, size_t len, const char *name)
{
    return strlen(name) == len && memcmp(text, name, len) == 0;
}

static bool load_error(Device *d, Error **errp, const char *what)
{
    error_set(errp, ERR_GENERIC, "saved state of '%s': %s", d->type->name, what);
    return false;
}

static bool elems_valid(const StateField *f, const uint8_t *data)
{
    if (f->kind == STATE_BLOB) {
        return true; /* the device's matter */
    }
    for (uint32_t i = 0; i < f->count; i++) {
        if ((f->kind == STATE_BOOL && data[i] > 1) ||
            (f->kind == STATE_TIMER && (int64_t)ld_le64(data + 8 * i) < 0)) {
            return false;
        }
    }
    return true;
}

/* One field of the buffer: found[index in the table] = its elements. */
static bool parse_field(Device *d, Reader *r, const uint8_t **found, Error **errp)
{
    size_t len;
    const char *name = take_name(r, &len);
    unsigned kind = take_le(r, 1);
    uint64_t count = take_le(r, 4), size = take_le(r, 4);
    const uint8_t *data = take(r, count * size);
    const StateField *f = d->type->state;
    int at = 0;

    if (r->bad) {
        return load_error(d, errp, "it ends too early");
    }
    while (f && f->kind != STATE_END && !(f->kind != STATE_HOST && name_is(name, len, f->name))) {
        f++;
        at++;
    }
    if (!f || f->kind == STATE_END) {
        return load_error(d, errp, "it has a field which this device does not have");
    }
    if (found[at]) {
        return load_error(d, errp, "it has a field twice");
    }
    if (kind != f->kind || (count != f->count && kind != STATE_BLOB) || size != state_elem_size(f)) {
        return load_error(d, errp, "a field has another type or length");
    }
    if (!elems_valid(f, data)) {
        return load_error(d, errp, "a field has an impossible value");
    }
    found[at] = data;
    return true;
}

static bool check_missing(Device *d, const uint8_t **found, unsigned version, Error **errp)
{
    int at = 0;

    for (const StateField *f = d->type->state; f && f->kind != STATE_END; f++, at++) {
        if (f->kind != STATE_HOST && !found[at] && f->since <= version) {
            return load_error(d, errp, "a field is missing");
        }
    }
    return true;
}

static bool parse(Device *d, const uint8_t *buf, size_t len, const uint8_t **found, unsigned *version,
                  Error **errp)
{
    Reader r = {buf, buf + len, false};
    uint64_t magic = take_le(&r, 4);
    size_t name_len;
    const char *name = take_name(&r, &name_len);

    *version = take_le(&r, 2);
    unsigned n = take_le(&r, 2);
    if (r.bad || magic != STATE_MAGIC) {
        return load_error(d, errp, "it is not the state of a device");
    }
    if (!name_is(name, name_len, d->type->name)) {
        return load_error(d, errp, "it belongs to another type of device");
    }
    if (*version > d->type->version) {
        return load_error(d, errp, "a newer version wrote it");
    }
    for (unsigned i = 0; i < n; i++) {
        if (!parse_field(d, &r, found, errp)) {
            return false;
        }
    }
    if (r.p != r.end) {
        return load_error(d, errp, "something follows its end");
    }
    return check_missing(d, found, *version, errp);
}

static void apply(Device *d, const uint8_t **found)
{
    int at = 0;

    for (const StateField *f = d->type->state; f && f->kind != STATE_END; f++, at++) {
        size_t size = state_elem_size(f);
        if (f->kind == STATE_HOST) {
            continue;
        }
        if (!found[at]) {
            reset_field(d, f);
        } else if (f->kind == STATE_BLOB) {
            blob_set(d, f, found[at], ld_le32(found[at] - 8)); /* its count stands before it */
        } else if (f->kind == STATE_BYTES) {
            memcpy((char *)d + f->offset, found[at], field_bytes(f));
        } else {
            for (uint32_t i = 0; i < f->count; i++) {
                put_elem(d, f, i, ld_le_n(found[at] + i * size, size));
            }
        }
    }
}

static bool load_locked(Device *d, const uint8_t *buf, size_t len, Error **errp)
{
    const uint8_t *found[MAX_FIELDS] = {0};
    g_autoptr(GByteArray) before = g_byte_array_new();
    unsigned version;

    if (!parse(d, buf, len, found, &version, errp)) {
        return false;
    }
    save_raw(d, before);
    apply(d, found);
    bool ok = !d->type->post_load || d->type->post_load(d, version, errp);
    if (!ok) {
        memset(found, 0, sizeof(found));
        if (parse(d, before->data, before->len, found, &version, NULL)) {
            apply(d, found);
        }
    }
    device_blobs_free(d);
    device_update(d);
    return ok;
}

bool device_load(Device *d, const uint8_t *buf, size_t len, Error **errp)
{
    bool lock = !machine_locked(d->machine);

    if (!d->realized) {
        error_set(errp, ERR_STATE, "'%s' is not realized", d->type->name);
        return false;
    }
    if (lock) {
        machine_lock(d->machine);
    }
    bool ok = load_locked(d, buf, len, errp);
    if (lock) {
        machine_unlock(d->machine);
    }
    return ok;
}
