/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processors that came from an accelerator on the host's own, and have AVX-512 or AMX, which the translator has not: what
 * one of its steps must not do to them.
 *
 * An instruction of theirs has no translation, and #UD would be a lie. One that AVX has writes a whole ZMM register there:
 * bits 511:256 become 0 (SDM vol 1, 15.5), of which the translator knows nothing.
 *
 * home: the vCPU's thread.
 */
#include <string.h>

#include "target/i386/decode.h"
#include "target/i386/state.h"
#include "target/i386/system.h"

#define MAX_INSN 15
#define ZMM_WORDS 4 /* of an upper half */

static unsigned fetch(Cpu *cpu, uint8_t *buf)
{
    const X86State *s = cpu->state;
    bool long64 = (s->efer & EFER_LMA) && (s->seg[S_CS].attr & SEG_L);
    uint64_t at = long64 ? s->rip : (uint32_t)(s->rip + s->seg[S_CS].base);
    unsigned n = MIN(MAX_INSN, 4096 - (unsigned)(at & 4095));

    if (!cpu_peek(cpu, at, buf, n)) {
        return 0;
    }
    return n < MAX_INSN && cpu_peek(cpu, at + n, buf + n, MAX_INSN - n) ? MAX_INSN : n;
}

static int code_bits(const X86State *s)
{
    return (s->efer & EFER_LMA) && (s->seg[S_CS].attr & SEG_L) ? 64 : s->seg[S_CS].attr & SEG_DB ? 32 : 16;
}

static bool in_list(const uint8_t *list, size_t n, uint8_t v)
{
    return memchr(list, v, n) != NULL;
}

/* Instructions on opmasks and tiles: VEX, by map and opcode. */
static bool vex_beyond(int map, uint8_t opcode)
{
    static const uint8_t masks[] = {0x41, 0x42, 0x44, 0x45, 0x46, 0x47, 0x4a, 0x4b, 0x90, 0x91, 0x92, 0x93, 0x98, 0x99};
    static const uint8_t tiles[] = {0x49, 0x4b, 0x5c, 0x5e, 0x6c}, shifts[] = {0x30, 0x31, 0x32, 0x33};

    return map == 1   ? in_list(masks, sizeof(masks), opcode)
           : map == 2 ? in_list(tiles, sizeof(tiles), opcode)
                      : map == 3 && in_list(shifts, sizeof(shifts), opcode);
}

/* Behind prefixes: EVEX, or VEX of what is not AVX (SDM vol 2, 2.3 and 2.7). */
static bool beyond(const uint8_t *p, unsigned n, int bits)
{
    static const uint8_t prefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x67};

    while (n && in_list(prefixes, sizeof(prefixes), *p)) {
        p++, n--;
    }
    if (n < 4 || (bits != 64 && (p[1] & 0xc0) != 0xc0)) {
        return false; /* BOUND, LDS, LES */
    }
    return *p == 0x62 || (*p == 0xc5 && vex_beyond(1, p[2])) || (*p == 0xc4 && vex_beyond(p[1] & 31, p[3]));
}

/* Which vector registers are written, of an instruction that AVX has; not those of memory or flags alone. */
static uint16_t written(const X86Insn *i)
{
    const X86Row *r = i->row;

    if (!(r->bits & ROW_AVX) || !strcmp(r->name, "VMASKMOVDQU")) {
        return 0;
    }
    if (!strcmp(r->name, "VZEROUPPER") || !strcmp(r->name, "VZEROALL")) {
        return UINT16_MAX;
    }
    if (r->w) {
        return g_str_has_suffix(r->name, "STRM") ? 1 : 0;
    }
    uint16_t gather = r->bits & ROW_VSIB ? 1u << (i->vvvv & 15) : 0;
    switch (r->n_ops ? r->op[0].am : AM_NONE) {
    case AM_V:
        return gather | 1u << (i->reg & 15);
    case AM_H:
        return 1u << (i->vvvv & 15);
    case AM_W:
    case AM_U:
        return i->mod == 3 ? 1u << (i->rm & 15) : 0;
    default:
        return 0;
    }
}

bool x86_step_begin(Cpu *cpu, X86Step *step, Error **errp)
{
    const X86State *s = cpu->state;
    uint8_t buf[MAX_INSN];
    X86Insn i;

    *step = (X86Step){0};
    if (!(s->xcr0 & (XSTATE_AVX512 | XSTATE_AMX))) {
        return true;
    }
    unsigned n = fetch(cpu, buf);
    int bits = code_bits(s);
    if (beyond(buf, n, bits)) {
        error_set(errp, ERR_UNSUPPORTED, "the instruction of processor %d at 0x%llx is of AVX-512 or AMX, which neither KVM "
                  "emulates nor the translator has", cpu->index, (unsigned long long)s->rip);
        error_hint(errp, "start the machine with -cpu MODEL,-avx512f,-amx-tile");
        return false;
    }
    if (x86_decode(&i, buf, n, bits) == X86_OK) {
        step->zmm = written(&i);
        step->next = bits == 64 ? s->rip + i.len : (uint32_t)(s->rip + i.len);
    }
    return true;
}

void x86_step_end(Cpu *cpu, const X86Step *step)
{
    X86State *s = cpu->state;

    for (int r = 0; step->zmm && s->rip == step->next && r < 16; r++) {
        if (step->zmm >> r & 1) {
            memset(&s->zmmh[r * ZMM_WORDS], 0, ZMM_WORDS * sizeof(s->zmmh[0]));
        }
    }
}
