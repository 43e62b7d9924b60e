/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reset, saving and comparing of the state tables (state.def, sysreg.def).
 *
 * Saved form, per field: length of the name (1 byte), name, length of the data (4 bytes), data: the elements little
 * endian, without padding. System registers are fields of their own, so that the tables can grow.
 */
#include "target/arm/state.h"
#include "base/bits.h"

#define COUNT_0 1
#define COUNT_2 2
#define COUNT_4 4
#define COUNT_5 5
#define COUNT_8 8
#define COUNT_17 17
#define COUNT_31 31
#define COUNT_32 32
#define COUNT_ARM_SR 0 /* one field each, below */
#define KIND(t) _Generic(*(t *)NULL, ArmVec: ARM_FIELD_BYTES, ArmPred: ARM_FIELD_BYTES, default: ARM_FIELD_INT)

const ArmStateField arm_state_fields[] = {
#define S(t, n, c, r, v, h)                                                                                            \
    {.name = #n, .help = h, .kind = KIND(t), .width = (uint16_t)sizeof(t), .count = COUNT_##c, .since = v,            \
     .offset = offsetof(ArmState, n), .reset = r},
#include "target/arm/state.def"
#undef S
#define R(n, op0, op1, crn, crm, op2, r, h)                                                                            \
    {.name = #n, .help = h, .kind = ARM_FIELD_INT, .width = 8, .count = 1, .since = 1,                                \
     .offset = offsetof(ArmState, sr[ARM_SR_##n]), .reset = r},
#include "target/arm/sysreg.def"
#undef R
};

int arm_state_field_count(void)
{
    return ARRAY_LEN(arm_state_fields);
}

static uint8_t *element(const ArmStateField *f, const ArmState *s, int n)
{
    return (uint8_t *)s + f->offset + (size_t)n * f->width;
}

static void put_element(const ArmStateField *f, const uint8_t *p, uint8_t *out)
{
    uint64_t v = 0;

    if (f->kind == ARM_FIELD_BYTES) {
        memcpy(out, p, f->width);
        return;
    }
    memcpy(&v, p, f->width);
    st_le_n(out, f->width, v);
}

static void get_element(const ArmStateField *f, const uint8_t *in, uint8_t *p)
{
    if (f->kind == ARM_FIELD_BYTES) {
        memcpy(p, in, f->width);
        return;
    }
    uint64_t v = ld_le_n(in, f->width);
    memcpy(p, &v, f->width);
}

void arm_state_reset(ArmState *s)
{
    memset(s, 0, sizeof(*s));
    for (size_t i = 0; i < ARRAY_LEN(arm_state_fields); i++) {
        const ArmStateField *f = &arm_state_fields[i];
        for (int n = 0; f->kind == ARM_FIELD_INT && n < f->count; n++) {
            memcpy(element(f, s, n), &f->reset, f->width);
        }
    }
}

/* ---- save, load ---- */

void arm_state_save(const ArmState *s, GByteArray *out)
{
    for (size_t i = 0; i < ARRAY_LEN(arm_state_fields); i++) {
        const ArmStateField *f = &arm_state_fields[i];
        uint8_t name_len = strlen(f->name), head[4], buf[sizeof(ArmVec)];

        if (!f->count) {
            continue;
        }
        st_le32(head, (uint32_t)f->width * f->count);
        g_byte_array_append(out, &name_len, 1);
        g_byte_array_append(out, (const uint8_t *)f->name, name_len);
        g_byte_array_append(out, head, 4);
        for (int n = 0; n < f->count; n++) {
            put_element(f, element(f, s, n), buf);
            g_byte_array_append(out, buf, f->width);
        }
    }
}

static const ArmStateField *field_by_name(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(arm_state_fields); i++) {
        const ArmStateField *f = &arm_state_fields[i];
        if (f->count && strlen(f->name) == len && !memcmp(f->name, name, len)) {
            return f;
        }
    }
    return NULL;
}

bool arm_state_load(ArmState *s, const uint8_t *p, size_t len, Error **errp)
{
    const uint8_t *end = p + len;

    arm_state_reset(s);
    while (p < end) {
        size_t name_len = *p, n;
        const ArmStateField *f;

        if ((size_t)(end - p) < 1 + name_len + 4) {
            error_set(errp, ERR_GENERIC, "Arm state: image is cut off");
            return false;
        }
        f = field_by_name((const char *)p + 1, name_len);
        n = ld_le32(p + 1 + name_len);
        if (!f || n != (size_t)f->width * f->count) {
            error_set(errp, ERR_GENERIC, "Arm state: field '%.*s' is %s", (int)name_len, p + 1,
                      f ? "of another size" : "not known");
            return false;
        }
        p += 1 + name_len + 4;
        if ((size_t)(end - p) < n) {
            error_set(errp, ERR_GENERIC, "Arm state: image is cut off in '%s'", f->name);
            return false;
        }
        for (int i = 0; i < f->count; i++, p += f->width) {
            get_element(f, p, element(f, s, i));
        }
    }
    return true;
}

static void tell_difference(const ArmStateField *f, int n, const uint8_t *x, const uint8_t *y, GString *why)
{
    if (f->kind == ARM_FIELD_BYTES) {
        g_string_append_printf(why, "%s[%d] differs\n", f->name, n);
        return;
    }
    g_string_append_printf(why, "%s[%d]: %" G_GINT64_MODIFIER "x, %" G_GINT64_MODIFIER "x\n", f->name, n,
                           (guint64)ld_le_n(x, f->width), (guint64)ld_le_n(y, f->width));
}

bool arm_state_equal(const ArmState *a, const ArmState *b, GString *why)
{
    bool equal = true;

    for (size_t i = 0; i < ARRAY_LEN(arm_state_fields); i++) {
        const ArmStateField *f = &arm_state_fields[i];
        for (int n = 0; n < f->count; n++) {
            uint8_t x[sizeof(ArmVec)], y[sizeof(ArmVec)];

            put_element(f, element(f, a, n), x);
            put_element(f, element(f, b, n), y);
            if (memcmp(x, y, f->width)) {
                equal = false;
                if (why) {
                    tell_difference(f, n, x, y, why);
                }
            }
        }
    }
    return equal;
}
