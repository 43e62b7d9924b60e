/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See gen-a32-rules.h. */
#include "tests/insn/arm/gen-a32-rules.h"
#include <string.h>

#define A32 "a32.tbl"
#define T32 "t32.tbl"
#define T16 "t16.tbl"
#define VFP "a32_vfp.tbl"
#define NEON "a32_neon.tbl"

static unsigned get(uint32_t w, unsigned at, unsigned bits)
{
    return w >> at & ((1u << bits) - 1);
}

static bool of(const ArmRow *r, const char *table)
{
    return !strcmp(r->table, table);
}

static bool is(const ArmRow *r, const char *trans)
{
    return !strcmp(r->trans, trans);
}

static bool is_any(const ArmRow *r, const char *const *list, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (is(r, list[i])) {
            return true;
        }
    }
    return false;
}
#define IS_ANY(r, ...) is_any(r, (const char *const[]){__VA_ARGS__}, G_N_ELEMENTS(((const char *const[]){__VA_ARGS__})))

/* Rows of tables that both sets have: of T32? */
static bool is_t32(const ArmRow *r)
{
    return r >= t32_rows && r < t32_rows + t32_n_rows;
}

/* ---- kinds ---- */

const char *a32_not_run(const ArmRow *r)
{
    static const struct {
        const char *trans, *why;
    } rows[] = {
        {"none", "not implemented: UNDEFINED"},
        {"svc", "a system call"},
        {"ldc", "a system register"},
        {"srs", "UNPREDICTABLE in User mode (F5.1.209)"},
        {"rfe", "UNPREDICTABLE in User mode (F5.1.147)"},
        {"eret", "UNPREDICTABLE in User mode (F5.1.60)"},
        {"subs_pc", "UNPREDICTABLE in User mode (F5.1.235)"},
        {"mrs_banked", "UNPREDICTABLE in User mode (F5.1.118)"},
        {"msr_banked", "UNPREDICTABLE in User mode (F5.1.120)"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (is(r, rows[i].trans)) {
            return rows[i].why;
        }
    }
    return NULL;
}

bool a32_is_exclusive(const ArmRow *r)
{
    return IS_ANY(r, "ldrex", "strex", "ldrex_sz", "strex_sz");
}

bool a32_is_memory(const ArmRow *r)
{
    return a32_is_exclusive(r) || IS_ANY(r, "ldst_imm", "ldst_reg", "ldst_extra_imm", "ldst_extra_reg", "ldm", "swp", "lda", "stl") ||
           IS_ANY(r, "ldrd", "ldrd_post", "tbb", "ldst_imm12", "ldst_imm8", "ldr_lit", "ldst_half", "ldst_sp", "push", "vldm") ||
           a32_is_structure(r);
}

bool a32_is_structure(const ArmRow *r)
{
    return IS_ANY(r, "nldst_multi", "nldst_one", "nld_all");
}

bool a32_is_indirect(const ArmRow *r)
{
    return IS_ANY(r, "bx", "blx_reg", "bxj") || a32_is(r, T16, "blx");
}

/* ---- R15 ---- */

static const struct {
    const char *table, *trans, *fields;
} pc_allowed[] = {
    {A32, "dp_reg", "Rd Rn Rm"}, {A32, "dp_reg2", "Rd Rn Rm"}, {A32, "cmp_reg", "Rn Rm"}, {A32, "dp_imm", "Rd Rn"},
    {A32, "dp_imm2", "Rd Rn"}, {A32, "cmp_imm", "Rn"}, {A32, "smlad", "Ra"}, {A32, "smmla", "Ra"}, {A32, "usada8", "Ra"},
    {A32, "extend", "Rn"}, {A32, "bfi", "Rn"}, {A32, "ldst_imm", "Rn Rt"}, {A32, "ldst_reg", "Rn Rt"},
    {A32, "ldst_extra_imm", "Rn"}, {A32, "ldst_extra_reg", "Rn"}, {A32, "bx", "Rm"},
    {T32, "dp_reg", "Rd Rn"}, {T32, "dp_imm", "Rd Rn"}, {T32, "addw", "Rn"}, {T32, "ldst_imm12", "Rt"},
    {T32, "ldst_imm8", "Rt"}, {T32, "ldst_reg", "Rt"}, {T32, "ldr_lit", "Rt"}, {T32, "ldrd", "Rn"}, {T32, "tbb", "Rn"},
    {T32, "extend", "Rn"}, {T32, "mla", "Ra"}, {T32, "smlaxy", "Ra"}, {T32, "smlaw", "Ra"}, {T32, "smlad", "Ra"},
    {T32, "smmla", "Ra"}, {T32, "usada8", "Ra"}, {T32, "bfi", "Rn"}, {T32, "strex_sz", "Rt2"}, {T32, "ldrex_sz", "Rt2"},
    {T16, "bx", "Rm"}, {T16, "special", "Rm"}, {VFP, "vldm", "Rn"}, {VFP, "vmrs", "Rt"},
    {NEON, "nldst_multi", "Rm"}, {NEON, "nldst_one", "Rm"}, {NEON, "nld_all", "Rm"},
};

bool a32_pc_allowed(const ArmRow *r, const char *field)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(pc_allowed); i++) {
        if (a32_is(r, pc_allowed[i].table, pc_allowed[i].trans)) {
            return strstr(pc_allowed[i].fields, field) && strcmp(field, "R");
        }
    }
    return false;
}

static bool forbidden_pc(const ArmRow *r, uint32_t w)
{
    for (const ArmField *f = r->fields; f->name; f++) {
        if (f->name[0] == 'R' && f->bits == 4 && get(w, f->at, 4) == 15 && !a32_pc_allowed(r, f->name)) {
            return true;
        }
    }
    return false;
}

/* ---- rules by table ---- */

/* Writeback into a register that is loaded or stored, or into the PC; registers of a pair. */
static bool bad_a32_single(const ArmRow *r, uint32_t w)
{
    bool p = get(w, 24, 1), wb = !p || get(w, 21, 1), unpriv = !p && get(w, 21, 1), load = get(w, 20, 1);
    unsigned n = get(w, 16, 4), t = get(w, 12, 4), m = get(w, 0, 4), op = get(w, 5, 2);
    bool extra = strstr(r->trans, "extra"), by_reg = strstr(r->trans, "_reg"), dual = extra && !load && op != 1;
    bool dual_load = dual && op == 2;
    if (wb && (n == 15 || n == t)) {
        return true;
    }
    if (!extra) {
        return t == 15 && (get(w, 22, 1) || unpriv); /* byte */
    }
    if (t == 15 || (dual && ((t & 1) || t == 14 || unpriv || (wb && n == t + 1)))) {
        return true;
    }
    return by_reg && dual_load && (m == t || m == t + 1);
}

static bool bad_multiple(uint32_t list, bool load, bool wb, unsigned n)
{
    bool base = list >> n & 1, lowest = !(list & ((1u << n) - 1));
    return !list || n == 15 || (wb && base && (load || !lowest));
}

static bool bad_a32_multiply(const ArmRow *r, uint32_t w)
{
    bool is_long = IS_ANY(r, "mull", "umaal", "smlalxy", "smlald");
    return is_long && get(w, 16, 4) == get(w, 12, 4);
}

static bool bad_a32_exclusive(const ArmRow *r, uint32_t w)
{
    bool load = get(w, 20, 1), pair = get(w, 21, 2) == 1;
    unsigned n = get(w, 16, 4), d = get(w, 12, 4), t = load ? d : get(w, 0, 4);
    if (pair && ((t & 1) || t == 14)) {
        return true;
    }
    return !load && (d == n || d == t || (pair && d == t + 1));
}

static bool bad_a32(const ArmRow *r, uint32_t w)
{
    bool writes_rd = IS_ANY(r, "dp_reg", "dp_reg2", "dp_imm", "dp_imm2");
    if (writes_rd && get(w, 12, 4) == 15 && get(w, 20, 1)) {
        return true; /* exception return */
    }
    if (a32_is_exclusive(r)) {
        return bad_a32_exclusive(r, w);
    }
    if (IS_ANY(r, "ldst_imm", "ldst_reg", "ldst_extra_imm", "ldst_extra_reg")) {
        return bad_a32_single(r, w);
    }
    if (is(r, "ldm")) {
        return get(w, 22, 1) || bad_multiple(get(w, 0, 16), get(w, 20, 1), get(w, 21, 1), get(w, 16, 4));
    }
    if (is(r, "swp")) {
        return get(w, 16, 4) == get(w, 12, 4) || get(w, 16, 4) == get(w, 0, 4);
    }
    if (IS_ANY(r, "sbfx", "ubfx")) {
        return get(w, 7, 5) + get(w, 16, 5) > 31;
    }
    if (is(r, "bfi")) {
        return get(w, 16, 5) < get(w, 7, 5);
    }
    if (IS_ANY(r, "crc32", "bkpt", "hlt", "hvc")) {
        return w >> 28 != 14;
    }
    if (IS_ANY(r, "mrs", "msr_reg", "msr_imm")) {
        return get(w, 22, 1) || (!is(r, "mrs") && !get(w, 16, 4));
    }
    return bad_a32_multiply(r, w);
}

static bool bad_t32_dp(const ArmRow *r, uint32_t w)
{
    unsigned op = get(w, 21, 4), d = get(w, 8, 4), n = get(w, 16, 4);
    bool set = get(w, 20, 1), compare = set && (op == 0 || op == 4 || op == 8 || op == 13);
    unsigned imm12 = get(w, 26, 1) << 11 | get(w, 12, 3) << 8 | get(w, 0, 8);
    if ((d == 15 && !compare) || (n == 15 && op != 2 && op != 3)) {
        return true;
    }
    return is(r, "dp_imm") && imm12 >> 10 == 0 && imm12 >> 8 && !(imm12 & 0xff);
}

static bool bad_t32_single(const ArmRow *r, uint32_t w)
{
    unsigned n = get(w, 16, 4), t = get(w, 12, 4), sz = get(w, 21, 2);
    bool load = get(w, 20, 1), imm8 = is(r, "ldst_imm8"), p = get(w, 10, 1), u = get(w, 9, 1), wb = imm8 && get(w, 8, 1);
    bool hint = !imm8 || (p && !u && !wb), simd = get(w, 24, 1) && !load; /* elements and structures */
    if (simd || (wb && (n == t || n == 15)) || (t == 15 && !load)) {
        return true;
    }
    return t == 15 && sz < 2 ? !hint : t == 15 && imm8 && p && u && !wb;
}

static bool bad_t32_multiple(uint32_t w)
{
    uint32_t list = get(w, 0, 16);
    bool load = get(w, 20, 1), wb = get(w, 21, 1);
    unsigned n = get(w, 16, 4);
    if (__builtin_popcount(list) < 2 || (list & 0x2000) || (load ? list >> 14 == 3 : list >> 15)) {
        return true;
    }
    return n == 15 || (wb && (list >> n & 1));
}

static bool bad_t32_dual(uint32_t w)
{
    unsigned n = get(w, 16, 4), t = get(w, 12, 4), t2 = get(w, 8, 4);
    bool load = get(w, 20, 1), wb = get(w, 21, 1);
    return (load && t == t2) || (wb && (n == t || n == t2 || n == 15)) || (!load && n == 15);
}

static bool bad_t32_exclusive(const ArmRow *r, uint32_t w)
{
    bool load = get(w, 20, 1), pair = strstr(r->trans, "_sz") && get(w, 4, 2) == 3;
    unsigned n = get(w, 16, 4), t = get(w, 12, 4), t2 = get(w, 8, 4), d = strstr(r->trans, "_sz") ? get(w, 0, 4) : t2;
    if (pair && (t2 == 15 || (load && t == t2))) {
        return true;
    }
    return !load && (d == 15 || d == n || d == t || (pair && d == t2));
}

static bool bad_t32(const ArmRow *r, uint32_t w)
{
    if (a32_is_exclusive(r)) {
        return bad_t32_exclusive(r, w);
    }
    if (IS_ANY(r, "dp_reg", "dp_imm")) {
        return bad_t32_dp(r, w);
    }
    if (IS_ANY(r, "ldst_imm12", "ldst_imm8", "ldst_reg", "ldr_lit")) {
        return bad_t32_single(r, w);
    }
    if (is(r, "ldm")) {
        return bad_t32_multiple(w);
    }
    if (IS_ANY(r, "ldrd", "ldrd_post")) {
        return bad_t32_dual(w);
    }
    if (IS_ANY(r, "sbfx", "ubfx")) {
        return (get(w, 12, 3) << 2 | get(w, 6, 2)) + get(w, 0, 5) > 31;
    }
    if (is(r, "bfi")) {
        return get(w, 0, 5) < (get(w, 12, 3) << 2 | get(w, 6, 2));
    }
    if (IS_ANY(r, "mrs", "msr")) {
        return get(w, 20, 1) || (is(r, "msr") && !get(w, 8, 4));
    }
    if (is(r, "smmla")) {
        return get(w, 21, 2) == 3 && get(w, 12, 4) == 15; /* SMMLS */
    }
    return IS_ANY(r, "mull", "umaal", "smlalxy", "smlald") && get(w, 12, 4) == get(w, 8, 4);
}

static bool bad_t16(const ArmRow *r, uint32_t w)
{
    if (is(r, "special")) {
        unsigned op = get(w, 8, 2), d = get(w, 7, 1) << 3 | get(w, 0, 3), m = get(w, 3, 4);
        return op == 1 ? (d < 8 && m < 8) || d == 15 || m == 15 : op == 0 && d == 15 && m == 15;
    }
    if (is(r, "ldm")) {
        unsigned list = get(w, 0, 8), n = get(w, 8, 3);
        return !list || (!get(w, 11, 1) && bad_multiple(list, false, true, n));
    }
    if (is(r, "push")) {
        return !get(w, 0, 9);
    }
    return is(r, "it") && (get(w, 4, 4) == 15 || (get(w, 4, 4) == 14 && (get(w, 0, 4) & (get(w, 0, 4) - 1))));
}

/* VLDM, VSTM: registers that exist. */
static bool bad_vldm(const ArmRow *r, uint32_t w, bool t)
{
    unsigned size = get(w, 8, 2), n = get(w, 16, 4), regs = size == 3 ? get(w, 0, 8) / 2 : get(w, 0, 8);
    unsigned d = size == 3 ? get(w, 22, 1) << 4 | get(w, 12, 4) : get(w, 12, 4) << 1 | get(w, 22, 1);
    bool single = get(w, 24, 1) && !get(w, 21, 1), load = get(w, 20, 1);
    if (single) {
        return n == 15 && !load && t;
    }
    return !regs || d + regs > 32 || (size == 3 && (regs > 16 || (get(w, 0, 1) && d + regs > 16))) ||
           (n == 15 && (get(w, 21, 1) || t));
}

static bool bad_vfp(const ArmRow *r, uint32_t w, bool t)
{
    bool half = strstr(r->features, "FP16") || (a32_field(r, w, "size") == 1 && !is(r, "vldm"));
    if (half && w >> 28 < 14) {
        return true;
    }
    if (is(r, "vldm")) {
        return bad_vldm(r, w, t) || (get(w, 8, 2) == 1 && w >> 28 < 14);
    }
    if (IS_ANY(r, "vmov_2s", "vmov_d")) {
        bool last = is(r, "vmov_2s") && get(w, 0, 4) == 15 && get(w, 5, 1);
        return last || (get(w, 20, 1) && get(w, 12, 4) == get(w, 16, 4));
    }
    if (is(r, "vcvt_fixed")) {
        return !get(w, 7, 1) && (get(w, 0, 4) << 1 | get(w, 5, 1)) > 16; /* more fraction bits than bits */
    }
    return is(r, "vmrs") && get(w, 12, 4) == 15 && (!get(w, 20, 1) || get(w, 16, 4) != 1);
}

static unsigned d_register(const ArmRow *r, uint32_t w, const char *v, const char *x)
{
    return a32_field(r, w, x) << 4 | a32_field(r, w, v);
}

/* Registers of VLD1..VLD4 and VST1..VST4 that exist. */
static bool bad_structure(const ArmRow *r, uint32_t w)
{
    static const uint8_t regs[11] = {4, 4, 4, 4, 3, 3, 3, 1, 2, 2, 2}, steps[11] = {1, 2, 1, 1, 1, 2, 1, 1, 1, 2, 1};
    unsigned d = d_register(r, w, "Vd", "D"), n = get(w, 8, 2) + 1, step = 1;
    if (is(r, "nldst_multi")) {
        return d + (regs[get(w, 8, 4)] - 1) * steps[get(w, 8, 4)] > 31;
    }
    if (is(r, "nld_all")) {
        step = get(w, 5, 1) + 1;
        return d + (n == 1 ? step - 1 : (n - 1) * step) > 31;
    }
    unsigned size = get(w, 10, 2);
    step = size == 1 ? get(w, 5, 1) + 1 : size == 2 ? get(w, 6, 1) + 1 : 1;
    return d + (n - 1) * step > 31;
}

static bool bad_neon(const ArmRow *r, uint32_t w)
{
    if (a32_is_structure(r)) {
        return bad_structure(r, w);
    }
    if (IS_ANY(r, "nswp", "nperm2")) { /* of one register: UNKNOWN */
        return d_register(r, w, "Vd", "D") == d_register(r, w, "Vm", "M");
    }
    return is(r, "ntbl") && d_register(r, w, "Vn", "N") + get(w, 8, 2) > 31;
}

bool a32_unpredictable(const ArmRow *r, uint32_t w)
{
    if (forbidden_pc(r, w)) {
        return true;
    }
    if (of(r, NEON)) {
        return bad_neon(r, w);
    }
    return of(r, A32) ? bad_a32(r, w) : of(r, T32) ? bad_t32(r, w) : of(r, T16) ? bad_t16(r, w) : bad_vfp(r, w, is_t32(r));
}

void a32_fixed_bits(const ArmRow *r, uint32_t *w)
{
    if (a32_is(r, T32, "rev") || a32_is(r, T32, "clz")) {
        *w = (*w & ~(15u << 16)) | (*w & 15) << 16; /* Rm twice */
    } else if (a32_is(r, T32, "barrier") && (get(*w, 4, 4) == 2 || get(*w, 4, 4) == 7)) {
        *w = (*w & ~15u) | (get(*w, 4, 4) == 2 ? 15 : 0); /* CLREX, SB */
    } else if (IS_ANY(r, "strex_sz", "ldrex_sz") && get(*w, 4, 2) != 3) {
        *w |= 0xf00;
    } else if (of(r, A32) && IS_ANY(r, "dp_reg2", "dp_rsr2", "dp_imm2") && get(*w, 21, 1)) {
        *w &= ~(15u << 16); /* MOV, MVN: no Rn */
    } else if (of(r, A32) && IS_ANY(r, "crc32", "bkpt", "hlt", "hvc")) {
        *w = (*w & 0x0fffffff) | 0xe0000000;
    }
}

/* ---- IT blocks ---- */

bool a32_not_in_it(const ArmRow *r, uint32_t w)
{
    bool half = strstr(r->features, "FP16") || (of(r, VFP) && a32_field(r, w, "size") == 1);
    return half || IS_ANY(r, "b_cond", "cbz", "it", "setend", "cps", "setpan", "hlt", "crc32", "hvc") ||
           (of(r, VFP) && w >> 28 == 15);
}

bool a32_writes_pc(const ArmRow *r, uint32_t w)
{
    if (IS_ANY(r, "b", "bl", "blx", "bx", "bxj", "tbb")) {
        return true;
    }
    if (of(r, T16)) {
        bool rd = is(r, "special") && get(w, 7, 1) && get(w, 0, 3) == 7;
        return rd || (is(r, "push") && get(w, 11, 1) && get(w, 8, 1));
    }
    bool single = IS_ANY(r, "ldst_imm12", "ldst_imm8", "ldst_reg", "ldr_lit");
    return (single && get(w, 12, 4) == 15) || (is(r, "ldm") && get(w, 15, 1));
}

/* ---- the judge ---- */

/*
 * Semihosting calls and breakpoints that Linux has for debuggers: UDF #16 of A32 and UDF #1 of T16.
 */
bool a32_judge_errs(const ArmRow *r, uint32_t w)
{
    /* system registers whose values are the judge's own: debug, timers, TPIDRURO */
    bool c14 = !get(w, 8, 1) || (is(r, "mcr") ? get(w, 16, 4) : get(w, 0, 4)) == 14;
    if (IS_ANY(r, "mcr", "mcrr") && (c14 || (is(r, "mcr") && get(w, 16, 4) == 13 && get(w, 0, 4) == 0 && get(w, 5, 3) == 3))) {
        return true;
    }
    bool breakpoint = (w & 0x0fffffff) == 0x07f001f0 || w == 0xde01 || w == 0xf7f0a000;
    bool semihosting = is(r, "hlt") && (of(r, T16) ? get(w, 0, 6) == 0x3c : (get(w, 8, 12) == 0xf00 && get(w, 0, 4) == 0));
    return breakpoint || semihosting;
}
