/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reset, saving and comparing of the state table (state.def).
 *
 * Saved form, per field: length of the name (1 byte), name, length of the data
 * (4 bytes), data: the elements little endian, without padding.
 */
#include "target/i386/state.h"
#include "target/i386/system.h"

#define COUNT_0 1
#define COUNT_4 4
#define COUNT_5 5
#define COUNT_6 6
#define COUNT_8 8
#define COUNT_11 11
#define COUNT_16 16
#define COUNT_32 32
#define COUNT_40 40
#define COUNT_64 64
#define COUNT_128 128
#define COUNT_1024 1024
#define KIND(t) _Generic((t){0}, X86Seg: X86_FIELD_SEG, X86Fxsave: X86_FIELD_FX, default: X86_FIELD_INT)

const X86StateField x86_state_fields[] = {
#define S(t, n, c, r, g, v, h)                                                                     \
    {.name = #n, .gdb = g, .help = h, .kind = KIND(t), .width = (uint8_t)sizeof(t),                \
     .count = COUNT_##c, .since = v, .offset = offsetof(X86State, n), .reset = r},
#include "target/i386/state.def"
#undef S
};

int x86_state_field_count(void)
{
    return ARRAY_LEN(x86_state_fields);
}

#define SEG_BYTES 18
#define FX_BYTES sizeof(X86Fxsave)

static size_t saved_width(const X86StateField *f)
{
    return f->kind == X86_FIELD_SEG ? SEG_BYTES : f->kind == X86_FIELD_FX ? FX_BYTES : f->width;
}

/* Distance of elements in the struct; .width is too small for the FP image, which is never an array. */
static size_t stride(const X86StateField *f)
{
    return f->kind == X86_FIELD_FX ? FX_BYTES : f->width;
}

static void put_element(const X86StateField *f, const uint8_t *p, uint8_t *out)
{
    if (f->kind == X86_FIELD_SEG) {
        const X86Seg *seg = (const void *)p;
        st_le16(out, seg->sel);
        st_le32(out + 2, seg->attr);
        st_le32(out + 6, seg->limit);
        st_le64(out + 10, seg->base);
    } else if (f->kind == X86_FIELD_FX) {
        memcpy(out, p, FX_BYTES);
    } else {
        uint64_t v = 0;
        memcpy(&v, p, f->width);
        st_le_n(out, f->width, v);
    }
}

static void get_element(const X86StateField *f, const uint8_t *in, uint8_t *p)
{
    if (f->kind == X86_FIELD_SEG) {
        X86Seg seg = {.sel = ld_le16(in), .attr = ld_le32(in + 2), .limit = ld_le32(in + 6),
                      .base = ld_le64(in + 10)};
        memcpy(p, &seg, sizeof(seg));
    } else if (f->kind == X86_FIELD_FX) {
        memcpy(p, in, FX_BYTES);
    } else {
        uint64_t v = ld_le_n(in, f->width);
        memcpy(p, &v, f->width);
    }
}

/* ---- reset ---- */

static void reset_segments(X86State *s)
{
    for (int i = 0; i < S_COUNT; i++) {
        s->seg[i] = (X86Seg){.attr = SEG_P | SEG_S | 3, .limit = 0xffff};
    }
    s->seg[S_CS] = (X86Seg){.sel = 0xf000, .attr = SEG_P | SEG_S | 0xb, .limit = 0xffff,
                            .base = 0xffff0000};
    s->ldt = (X86Seg){.attr = SEG_P | 2, .limit = 0xffff};
    s->tr = (X86Seg){.attr = SEG_P | 0xb, .limit = 0xffff};
}

static void reset_debug(X86State *s)
{
    memset(s->dr, 0, sizeof(s->dr));
    s->dr[6] = DR6_RESET;
    s->dr[7] = DR7_RESET;
}

void x86_state_reset(X86State *s)
{
    memset(s, 0, sizeof(*s));
    for (size_t i = 0; i < ARRAY_LEN(x86_state_fields); i++) {
        const X86StateField *f = &x86_state_fields[i];
        for (int n = 0; f->kind == X86_FIELD_INT && n < f->count; n++) {
            memcpy((uint8_t *)s + f->offset + n * f->width, &f->reset, f->width);
        }
    }
    reset_segments(s);
    reset_debug(s);
    for (size_t i = 0; i < ARRAY_LEN(s->mc_bank); i += 4) {
        s->mc_bank[i] = UINT64_MAX; /* all reporting is on, as QEMU has it */
    }
    s->fx.fcw = 0x37f; /* as FNINIT: firmware need not run it */
    s->fx.mxcsr = 0x1f80;
}

/* A guest is gone, without a #VMEXIT; the VM_* registers and TSC_RATIO stay. */
static void init_svm(X86State *s, const X86State *fresh)
{
    s->gif = fresh->gif;
    s->svm_guest = s->svm_npt = s->svm_virt_vmload = 0;
    s->svm_int_ctl = 0;
    s->svm_tsc_offset = 0;
    memset(s->svm_icpt, 0, sizeof(s->svm_icpt));
}

void x86_state_init(X86State *s)
{
    X86State *fresh = g_new0(X86State, 1);

    x86_state_reset(fresh);
    fresh->cr0 |= s->cr0 & (CR0_CD | CR0_NW);
    fresh->cr0 &= ~(uint64_t)(CR0_CD | CR0_NW) | s->cr0;
    memcpy(s->gpr, fresh->gpr, sizeof(s->gpr));
    memcpy(s->seg, fresh->seg, sizeof(s->seg));
    s->rip = fresh->rip;
    s->rflags = fresh->rflags;
    s->ldt = fresh->ldt;
    s->tr = fresh->tr;
    s->gdt_base = s->idt_base = 0;
    s->gdt_limit = s->idt_limit = 0xffff;
    s->cr0 = fresh->cr0;
    s->cr2 = s->cr3 = s->cr4 = 0;
    memset(s->pdpte, 0, sizeof(s->pdpte));
    s->efer = 0;
    reset_debug(s);
    s->halted = s->wait_sipi = s->int_shadow = 0;
    s->nmi_masked = s->nmi_pending = s->smm = 0;
    s->exc_pending = s->trap_pending = s->int_injected = 0;
    init_svm(s, fresh);
    g_free(fresh);
}

/* ---- save, load ---- */

void x86_state_save(const X86State *s, GByteArray *out)
{
    for (size_t i = 0; i < ARRAY_LEN(x86_state_fields); i++) {
        const X86StateField *f = &x86_state_fields[i];
        size_t w = saved_width(f);
        uint8_t name_len = strlen(f->name), head[4], buf[FX_BYTES];

        st_le32(head, w * f->count);
        g_byte_array_append(out, &name_len, 1);
        g_byte_array_append(out, (const uint8_t *)f->name, name_len);
        g_byte_array_append(out, head, 4);
        for (int n = 0; n < f->count; n++) {
            put_element(f, (const uint8_t *)s + f->offset + n * stride(f), buf);
            g_byte_array_append(out, buf, w);
        }
    }
}

static const X86StateField *field_by_name(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(x86_state_fields); i++) {
        const X86StateField *f = &x86_state_fields[i];
        if (strlen(f->name) == len && !memcmp(f->name, name, len)) {
            return f;
        }
    }
    return NULL;
}

bool x86_state_load(X86State *s, const uint8_t *p, size_t len, Error **errp)
{
    const uint8_t *end = p + len;

    x86_state_reset(s);
    while (p < end) {
        size_t name_len = *p, w, n;
        const X86StateField *f;

        if ((size_t)(end - p) < 1 + name_len + 4) {
            error_set(errp, ERR_GENERIC, "x86 state: image is cut off");
            return false;
        }
        f = field_by_name((const char *)p + 1, name_len);
        n = ld_le32(p + 1 + name_len);
        if (!f || n != saved_width(f) * f->count) {
            error_set(errp, ERR_GENERIC, "x86 state: field '%.*s' is %s", (int)name_len, p + 1,
                      f ? "of another size" : "not known");
            return false;
        }
        p += 1 + name_len + 4;
        if ((size_t)(end - p) < n) {
            error_set(errp, ERR_GENERIC, "x86 state: image is cut off in '%s'", f->name);
            return false;
        }
        w = saved_width(f);
        for (int i = 0; i < f->count; i++, p += w) {
            get_element(f, p, (uint8_t *)s + f->offset + i * stride(f));
        }
    }
    return true;
}

bool x86_state_equal(const X86State *a, const X86State *b, GString *why)
{
    bool equal = true;

    for (size_t i = 0; i < ARRAY_LEN(x86_state_fields); i++) {
        const X86StateField *f = &x86_state_fields[i];
        for (int n = 0; n < f->count; n++) {
            uint8_t x[FX_BYTES], y[FX_BYTES];
            size_t at = f->offset + n * stride(f), w = saved_width(f);

            put_element(f, (const uint8_t *)a + at, x);
            put_element(f, (const uint8_t *)b + at, y);
            if (!memcmp(x, y, w)) {
                continue;
            }
            equal = false;
            if (why && f->kind == X86_FIELD_INT) {
                g_string_append_printf(why, "%s[%d]: %" G_GINT64_MODIFIER "x, %" G_GINT64_MODIFIER
                                       "x\n", f->name, n, (guint64)ld_le_n(x, f->width),
                                       (guint64)ld_le_n(y, f->width));
            } else if (why) {
                g_string_append_printf(why, "%s[%d] differs\n", f->name, n);
            }
        }
    }
    return equal;
}
