/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The jump cache: guest pc -> generated code, probed by generated code for
 * every indirect jump, return and jump to another page.
 *
 * Entries are told apart by a key: the pc xor-ed with a random word, which stands
 * for a context (mode word, state of the mappings). So a change of mode or of the address space switches to
 * other entries, and a flush of some mappings just takes a new word.
 *
 * home: the vCPU's thread.
 */
#include <string.h>

#include "accel/tcg/tlb.h"

#define MAX_KEYS 0x7fffu /* then all entries go, so that chance never has long to match two keys */

static void jc_wipe(TcgVcpu *v)
{
    memset(v->jc, 0xff, sizeof(v->jc));
    v->loop->n_jc_ctx = 0;
    v->loop->jc_cur = NULL;
    v->loop->jc_next = 0;
}

/*
 * All 64 bits of a key are secret: a guest chooses all bits of a pc, and with two keys that
 * differ in a known way it could jump to a non-canonical pc that matches an entry of another
 * mode, or an empty one.
 */
static void new_key(TcgVcpu *v, JcContext *c)
{
    TcgLoop *l = v->loop;
    if (l->jc_seed == 0) {
        l->jc_seed = (uint64_t)g_random_int() << 32 | g_random_int() | 1;
    }
    l->jc_next++;
    uint64_t x = l->jc_seed += 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    c->key = x ^ x >> 31;
    c->nonglobal = false;
    memset(c->fetched, 0, sizeof(c->fetched));
}

/* Are its entries good under the mappings that there are now? */
static bool fits(TcgVcpu *v, const JcContext *c)
{
    return !c->nonglobal || c->gen == tlb2(v)->gen[c->mmu][0];
}

static JcContext *find(TcgVcpu *v, uint64_t mode)
{
    TcgLoop *l = v->loop;
    for (int i = 0; i < l->n_jc_ctx; i++) {
        if (l->jc_ctx[i].mode == mode && fits(v, &l->jc_ctx[i])) {
            return &l->jc_ctx[i];
        }
    }
    return NULL;
}

/* A free one, or the one that was not chosen for the longest time. */
static JcContext *take(TcgVcpu *v)
{
    TcgLoop *l = v->loop;
    if (l->n_jc_ctx < JC_CONTEXTS) {
        return &l->jc_ctx[l->n_jc_ctx++];
    }
    JcContext *oldest = &l->jc_ctx[0];
    for (int i = 1; i < JC_CONTEXTS; i++) {
        if (l->jc_ctx[i].used < oldest->used) {
            oldest = &l->jc_ctx[i];
        }
    }
    return oldest;
}

void jc_set_mode(TcgVcpu *v, uint64_t mode)
{
    TcgLoop *l = v->loop;
    if (l->jc_cur && l->mode == mode) {
        return;
    }
    l->mode = mode;
    l->jc_cur = find(v, mode);
    if (!l->jc_cur) {
        if (l->jc_next >= MAX_KEYS - JC_CONTEXTS) {
            jc_wipe(v);
        }
        l->jc_cur = take(v);
        l->jc_cur->mode = mode;
        l->jc_cur->mmu = (uint8_t)v->target->code_mmu(tcg_env(v));
        new_key(v, l->jc_cur);
    }
    l->jc_cur->used = ++l->jc_clock;
    v->jc_key = l->jc_cur->key;
}

static bool in_space(const JcContext *c, uint32_t space)
{
    return space >> c->mmu & 1;
}

/* After contexts got new keys (or the numbers ran out), or other mappings are current. */
static void choose_again(TcgVcpu *v)
{
    TcgLoop *l = v->loop;
    if (l->jc_next >= MAX_KEYS - JC_CONTEXTS) {
        jc_wipe(v);
    }
    if (!l->jc_cur || !fits(v, l->jc_cur)) {
        l->jc_cur = NULL;
        jc_set_mode(v, l->mode);
    }
    v->jc_key = l->jc_cur->key;
}

void jc_flush_all(TcgVcpu *v, uint32_t space)
{
    for (int i = 0; i < v->loop->n_jc_ctx; i++) {
        if (in_space(&v->loop->jc_ctx[i], space)) {
            new_key(v, &v->loop->jc_ctx[i]);
        }
    }
    choose_again(v);
}

/* The generation is another one now, so that contexts with non-global mappings do not fit any more. */
void jc_flush_nonglobal(TcgVcpu *v, uint32_t space)
{
    choose_again(v);
}

static uint64_t *filter_word(JcContext *c, uint64_t va, uint64_t *bit)
{
    uint64_t page = va >> 12;
    unsigned h = (page ^ page >> 12 ^ page >> 24) & 4095;
    *bit = 1ull << (h & 63);
    return &c->fetched[h >> 6];
}

static void filter_add(JcContext *c, uint64_t va)
{
    uint64_t bit, *word = filter_word(c, va, &bit);
    *word |= bit;
}

void jc_flush_page(TcgVcpu *v, uint32_t space, uint64_t va)
{
    for (int i = 0; i < v->loop->n_jc_ctx; i++) {
        JcContext *c = &v->loop->jc_ctx[i];
        uint64_t bit, *word = filter_word(c, va, &bit);
        if (in_space(c, space) && (*word & bit)) {
            new_key(v, c);
        }
    }
    choose_again(v);
}

void jc_insert(TcgVcpu *v, const TcgBlock *tb, bool global)
{
    uint64_t va = tcg_code_va(v, tb->mode, tb->pc);
    JcContext *c = v->loop->jc_cur;

    if (!global && !c->nonglobal) {
        c->nonglobal = true;
        c->gen = tlb2(v)->gen[c->mmu][0];
    }
    filter_add(c, va);
    if (tb->page2 != ~0ull) {
        filter_add(c, va + MEM_PAGE_SIZE);
    }
    JumpCacheEntry *e = &v->jc[(tb->pc ^ tb->pc >> 12) & (JC_SIZE - 1)];
    e->key = tb->pc ^ c->key;
    e->code = host_code_ptr(v->tm->code, tb->entry_poll);
}
