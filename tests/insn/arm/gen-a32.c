/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See gen-a32.h. What is UNPREDICTABLE says gen-a32-rules.c. */
#include "tests/insn/arm/gen-a32.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "tests/insn/arm/gen-a32-rules.h"

#define RANDOM_INSNS 6

typedef struct Set {
    const ArmRow *rows;
    unsigned n, n_usable, width;
    unsigned n_pick; /* of the usable ones, for anywhere */
    unsigned *usable;
    uint64_t *seen;
} Set;
enum { SET_A32, SET_T32, SET_T16, SETS };
static Set sets[SETS];
static bool single; /* one instruction a slot: for looking at some */

/* ---- rows ---- */

static const ArmField *find(const ArmRow *row, const char *name)
{
    for (const ArmField *f = row->fields; f->name; f++) {
        if (!strcmp(f->name, name)) {
            return f;
        }
    }
    return NULL;
}

unsigned a32_field(const ArmRow *row, uint32_t word, const char *name)
{
    const ArmField *f = find(row, name);
    return f ? word >> f->at & ((1u << f->bits) - 1) : 0;
}

/* Sets a field, if there is one and it is wide enough. */
static void put(const ArmRow *row, uint32_t *word, const char *name, uint32_t v)
{
    const ArmField *f = find(row, name);
    if (f && v < 1u << f->bits) {
        *word = (*word & ~(((1u << f->bits) - 1) << f->at)) | v << f->at;
    }
}

bool a32_is(const ArmRow *row, const char *table, const char *trans)
{
    return !strcmp(row->table, table) && !strcmp(row->trans, trans);
}

static const ArmRow *describes(const Set *s, uint32_t word)
{
    for (unsigned k = 0; k < s->n; k++) { /* the more specific ones come first */
        if ((word & s->rows[k].mask) == s->rows[k].value && s->rows[k].holds(word)) {
            return &s->rows[k];
        }
    }
    return NULL;
}

const ArmRow *a32_row(uint32_t word, bool thumb, bool wide)
{
    return describes(&sets[!thumb ? SET_A32 : wide ? SET_T32 : SET_T16], word);
}

static const ArmRow *it_row(void)
{
    for (unsigned k = 0; k < t16_n_rows; k++) {
        if (!strcmp(t16_rows[k].trans, "it")) {
            return &t16_rows[k];
        }
    }
    return NULL;
}

bool a32_gen_init(const char *only)
{
    const ArmRow *rows[SETS] = {a32_rows, t32_rows, t16_rows};
    const unsigned n[SETS] = {a32_n_rows, t32_n_rows, t16_n_rows};
    bool any = false;
    single = only && !strstr(only, ".tbl");
    for (int i = 0; i < SETS; i++) {
        Set *s = &sets[i];
        *s = (Set){.rows = rows[i], .n = n[i], .width = i == SET_T16 ? 16 : 32};
        s->usable = g_new(unsigned, n[i]);
        s->seen = g_new0(uint64_t, n[i]);
        for (unsigned k = 0; k < n[i]; k++) {
            const ArmRow *r = &rows[i][k];
            bool wanted = !only || !strcmp(r->table, only) || strstr(r->mnemonic, only) || !strcmp(r->trans, only);
            if (wanted && !a32_not_run(r)) {
                s->usable[s->n_usable++] = k;
            }
        }
        s->n_pick = s->n_usable;
        for (unsigned k = 0; k < s->n_pick; k++) { /* IT has its own place */
            if (&rows[i][s->usable[k]] == it_row()) {
                unsigned it = s->usable[k];
                s->usable[k] = s->usable[--s->n_pick];
                s->usable[s->n_pick] = it;
            }
        }
        any |= s->n_pick > 0;
    }
    return any;
}

void a32_gen_report(uint64_t cases_of_slot)
{
    static const char *const names[SETS] = {"A32", "T32", "T16"};
    for (int i = 0; i < SETS; i++) {
        Set *s = &sets[i];
        unsigned never = 0;
        uint64_t total = 0;
        for (unsigned k = 0; k < s->n_usable; k++) {
            total += s->seen[s->usable[k]] * cases_of_slot;
            if (!s->seen[s->usable[k]]) {
                printf("# never: %s %s\n", names[i], s->rows[s->usable[k]].mnemonic);
                never++;
            }
        }
        for (unsigned k = 0; k < s->n; k++) {
            if (a32_not_run(&s->rows[k])) {
                printf("# not run: %s %s: %s\n", names[i], s->rows[k].mnemonic, a32_not_run(&s->rows[k]));
            }
        }
        printf("# %s: %u of %u rows, %u of them never, %" PRIu64 " instructions\n", names[i], s->n_usable, s->n, never, total);
    }
}

/* ---- operands ---- */

static uint32_t pointer(GRand *r)
{
    static const uint8_t regs[] = {4, 5, 6, 7, 12, 13};
    return regs[g_rand_int_range(r, 0, 6)];
}

static bool one_in(GRand *r, int n)
{
    return g_rand_int_range(r, 0, n) == 0;
}

/* Addresses that mostly hit the data area. */
static void tame_address(GRand *r, const ArmRow *row, uint32_t *w)
{
    const ArmField *rn = find(row, "Rn");
    bool pc = a32_pc_allowed(row, "Rn") && one_in(r, 8);
    if (!one_in(r, 24)) {
        put(row, w, "Rn", pc ? 15 : rn && rn->bits == 3 ? (uint32_t)g_rand_int_range(r, 4, 8) : pointer(r));
        put(row, w, "Rm", rn && rn->bits == 3 ? 3 : 9 + (g_rand_int(r) & 1));
    }
    if (!one_in(r, 16)) {
        put(row, w, "imm12", g_rand_int(r) & 0x1ff);
        put(row, w, "imm8", g_rand_int(r) & 0x3f);
        put(row, w, "imm5", a32_field(row, *w, "type") ? a32_field(row, *w, "imm5") : g_rand_int(r) & 7);
    }
}

/* Registers of a multiple load or store: few, and R15 not often. */
static void tame_list(GRand *r, const ArmRow *row, uint32_t *w)
{
    put(row, w, "list", a32_field(row, *w, "list") & (one_in(r, 4) ? 0xffff : g_rand_int(r) & 0x7fff));
}

/* The registers of Q forms are even, mostly; the address's increment. */
static void tame_simd(GRand *r, const ArmRow *row, uint32_t *w)
{
    static const char *const regs[] = {"Vd", "Vn", "Vm"};
    static const uint8_t increments[] = {15, 15, 13, 9, 10};
    for (unsigned i = 0; i < G_N_ELEMENTS(regs) && !one_in(r, 8); i++) {
        put(row, w, regs[i], a32_field(row, *w, regs[i]) & ~(a32_field(row, *w, "Q") || g_rand_boolean(r) ? 1u : 0u));
    }
    if (a32_is_structure(row)) {
        put(row, w, "Rm", increments[g_rand_int_range(r, 0, G_N_ELEMENTS(increments))]);
        put(row, w, "align", one_in(r, 4) ? a32_field(row, *w, "align") : 0);
        put(row, w, "a", one_in(r, 4));
    }
}

/* MCR and MRC, often of what User mode has: barriers, TPIDRURW. */
static void tame_coprocessor(GRand *r, const ArmRow *row, uint32_t *w)
{
    static const struct {
        uint8_t crn, crm, opc2;
    } regs[] = {{7, 5, 4}, {7, 10, 4}, {7, 10, 5}, {13, 0, 2}};
    unsigned k = (unsigned)g_rand_int_range(r, 0, G_N_ELEMENTS(regs));
    put(row, w, "cp", 1);
    if (!strcmp(row->trans, "mcr") && !one_in(r, 4)) {
        put(row, w, "opc1", 0);
        put(row, w, "CRn", regs[k].crn);
        put(row, w, "CRm", regs[k].crm);
        put(row, w, "opc2", regs[k].opc2);
    }
}

static void tame(GRand *r, const ArmRow *row, uint32_t *w)
{
    static const char *const regs[] = {"Rd", "Rt", "Rm", "Rs", "Ra"};
    if (a32_is_memory(row)) {
        tame_address(r, row, w);
        tame_list(r, row, w);
    } else if (!strcmp(row->trans, "vmrs") && !a32_field(row, *w, "L")) {
        put(row, w, "Rt", 11);
    } else if (a32_is_indirect(row)) {
        put(row, w, "Rm", one_in(r, 2) ? 8 : 14);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(regs); i++) { /* where it is allowed it is rare */
        if (a32_field(row, *w, regs[i]) == 15 && !one_in(r, 3)) {
            put(row, w, regs[i], (uint32_t)g_rand_int_range(r, 0, 13));
        }
    }
    if (!strncmp(row->trans, "mcr", 3)) {
        tame_coprocessor(r, row, w);
    }
    if (!strcmp(row->table, "a32_neon.tbl")) {
        tame_simd(r, row, w);
    }
    a32_fixed_bits(row, w);
}

/* A word of the set for this place: never UNPREDICTABLE, best described by the row that it was made of. */
static A32Insn random_insn(GRand *r, Set *s, bool in_it, bool last_in_it)
{
    for (;;) {
        unsigned k = s->usable[g_rand_int_range(r, 0, (int)s->n_pick)];
        const ArmRow *row = &s->rows[k];
        uint32_t m = s->width == 16 ? 0xffff & ~row->mask : ~row->mask, w = row->value | (g_rand_int(r) & m);
        tame(r, row, &w);
        w = (w & ~(row->mask | row->should_mask)) | row->value | row->should_value;
        if (!row->holds(w) || describes(s, w) != row || a32_unpredictable(row, w) || a32_judge_errs(row, w)) {
            continue;
        }
        if (in_it && (a32_not_in_it(row, w) || (!last_in_it && a32_writes_pc(row, w)))) {
            continue;
        }
        s->seen[k]++;
        return (A32Insn){row, w, 0, s->width == 32};
    }
}

/* ---- slots ---- */

static Set *random_set(GRand *r, bool thumb)
{
    if (!thumb) {
        return &sets[SET_A32];
    }
    bool wide = sets[SET_T16].n_pick == 0 || (sets[SET_T32].n_pick && g_rand_boolean(r));
    return &sets[wide ? SET_T32 : SET_T16];
}

/* IT, and how many instructions follow under it. */
static A32Insn random_it(GRand *r, unsigned *n)
{
    uint32_t cond = (uint32_t)g_rand_int_range(r, 0, 15), mask = (uint32_t)g_rand_int_range(r, 1, 16);
    const ArmRow *row = it_row();
    if (cond == 14) {
        mask &= -mask;
    }
    *n = 4 - (unsigned)__builtin_ctz(mask);
    sets[SET_T16].seen[row - t16_rows]++;
    return (A32Insn){row, 0xbf00 | cond << 4 | mask, 0, false};
}

/* The store that belongs to a load-exclusive, of R0 (and R1), its status in R11. */
static A32Insn store_exclusive(const A32Insn *load, bool thumb)
{
    uint32_t w = load->word & ~(1u << 20);
    if (!thumb) {
        w = (w & ~0xf00fu) | 11u << 12;
    } else if (a32_is(load->row, "t32.tbl", "ldrex")) {
        w = (w & ~0xff00u) | 11u << 8;
    } else {
        w = (w & ~0xf00fu) | 11u;
        w = a32_field(load->row, load->word, "sz") == 3 ? (w & ~0xf00u) | 1u << 8 : w;
    }
    return (A32Insn){a32_row(w, thumb, true), w, 0, true};
}

static void fill(GRand *r, A32Slot *slot)
{
    unsigned want = single ? 1 : (unsigned)g_rand_int_range(r, 1, RANDOM_INSNS + 1), under = 0;
    bool monitor = false, js = false, fpscr = false;
    slot->n = 0;
    while (slot->n < want || under) {
        if (slot->thumb && !under && slot->n + 6 < A32_MAX_INSNS && one_in(r, 4)) {
            slot->insns[slot->n++] = random_it(r, &under);
            continue;
        }
        A32Insn i = random_insn(r, random_set(r, slot->thumb), under, under == 1);
        bool exclusive = a32_is_exclusive(i.row), load = exclusive && (i.word >> 20 & 1);
        bool alone = a32_is(i.row, "a32.tbl", "swp");
        if ((exclusive && monitor) || (alone && slot->n)) {
            continue; /* a store of another size than the load */
        }
        js |= !strcmp(i.row->trans, "vjcvt");
        fpscr |= !strcmp(i.row->trans, "vmrs") && !a32_field(i.row, i.word, "L");
        if (js && fpscr) { /* FPSCR.FZ must stay off: test-a32.c */
            js = fpscr = false;
            slot->n = under = 0;
            continue;
        }
        slot->insns[slot->n++] = i;
        under -= under ? 1 : 0;
        monitor |= load;
        if (load && !under && slot->n < want && g_rand_boolean(r)) {
            slot->insns[slot->n] = store_exclusive(&i, slot->thumb);
            slot->n += slot->insns[slot->n].row && !a32_unpredictable(slot->insns[slot->n].row, slot->insns[slot->n].word);
        }
        if (alone) {
            slot->no_v8 = true;
            break;
        }
    }
}

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static uint32_t t32_branch(uint32_t from, uint32_t to, uint32_t base)
{
    uint32_t off = to - (from + 4), sign = off >> 31, j1 = !(off >> 23 & 1) ^ sign, j2 = !(off >> 22 & 1) ^ sign;
    return base | sign << 26 | (off >> 12 & 0x3ff) << 16 | j1 << 13 | j2 << 11 | (off >> 1 & 0x7ff);
}

static uint32_t a32_branch(uint32_t from, uint32_t to)
{
    return (to - (from + 8)) >> 2 & 0xffffff;
}

/* A direct branch to an instruction ahead, or out. */
static void aim(A32Insn *i, uint32_t to)
{
    const ArmRow *row = i->row;
    uint32_t off = to - (i->pc + 4);
    if (a32_is(row, "a32.tbl", "b") || a32_is(row, "a32.tbl", "bl")) {
        put(row, &i->word, "imm24", a32_branch(i->pc, to));
    } else if (a32_is(row, "a32.tbl", "blx_imm")) {
        put(row, &i->word, "H", 0);
        put(row, &i->word, "imm24", a32_branch(i->pc, A32_EXIT_T32));
    } else if (a32_is(row, "t32.tbl", "b") || a32_is(row, "t32.tbl", "bl")) {
        i->word = t32_branch(i->pc, to, row->value);
    } else if (a32_is(row, "t32.tbl", "blx")) {
        i->word = t32_branch(i->pc & ~3u, A32_EXIT, row->value);
    } else if (a32_is(row, "t32.tbl", "b_cond")) {
        uint32_t c = a32_field(row, i->word, "c"), sign = off >> 20 & 1;
        i->word = row->value | c << 22 | sign << 26 | (off >> 12 & 0x3f) << 16 | (off >> 18 & 1) << 13 |
                  (off >> 19 & 1) << 11 | (off >> 1 & 0x7ff);
    } else if (a32_is(row, "t16.tbl", "b_cond")) {
        put(row, &i->word, "imm8", off >> 1 & 0xff);
    } else if (a32_is(row, "t16.tbl", "b")) {
        put(row, &i->word, "imm11", off >> 1 & 0x7ff);
    } else if (a32_is(row, "t16.tbl", "cbz")) {
        i->word = (i->word & ~0x2f8u) | (off >> 6 & 1) << 9 | (off >> 1 & 31) << 3;
    }
}

/* Branches lead to an instruction ahead or to the end; none into an IT block, and CBZ reaches nothing nearer than four bytes. */
static void aim_branches(GRand *r, A32Slot *slot, uint32_t end)
{
    unsigned under = 0;
    bool inside[A32_MAX_INSNS] = {false};
    for (unsigned k = 0; k < slot->n; k++) {
        inside[k] = under;
        under -= under ? 1 : 0;
        if (!inside[k] && slot->insns[k].row == it_row()) {
            under = 4 - (unsigned)__builtin_ctz(slot->insns[k].word & 15);
        }
    }
    for (unsigned k = 0; k < slot->n; k++) {
        uint32_t to = end;
        for (unsigned j = k + 1; j < slot->n; j++) {
            if (!inside[j] && slot->insns[j].pc >= slot->insns[k].pc + 4 && one_in(r, 2)) {
                to = slot->insns[j].pc;
                break;
            }
        }
        aim(&slot->insns[k], to);
    }
}

void a32_gen_slot(GRand *r, A32Slot *slot, uint8_t *code, uint32_t pc)
{
    bool a32 = sets[SET_A32].n_pick, t32 = sets[SET_T32].n_pick || sets[SET_T16].n_pick;
    memset(code, 0, A64_SLOT);
    slot->thumb = !a32 || (t32 && g_rand_boolean(r));
    slot->no_v8 = false;
    fill(r, slot);
    uint32_t at = pc;
    for (unsigned k = 0; k < slot->n; k++) {
        slot->insns[k].pc = at;
        at += slot->insns[k].wide ? 4 : 2;
    }
    uint32_t end = slot->thumb ? at + 2 : at;
    aim_branches(r, slot, end);
    for (unsigned k = 0; k < slot->n; k++) {
        uint8_t *p = code + (slot->insns[k].pc - pc);
        uint32_t w = slot->insns[k].word;
        if (!slot->thumb) {
            memcpy(p, &w, 4);
        } else {
            put16(p, slot->insns[k].wide ? w >> 16 : w);
            put16(slot->insns[k].wide ? p + 2 : p, w);
        }
    }
    if (slot->thumb) {
        uint32_t w = t32_branch(end, A32_EXIT_T32, 0xf0009000);
        put16(code + (at - pc), 0xbf00);
        put16(code + (end - pc), w >> 16);
        put16(code + (end - pc) + 2, w);
    } else {
        uint32_t w = 0xea000000 | a32_branch(end, A32_EXIT);
        memcpy(code + (end - pc), &w, 4);
    }
}
