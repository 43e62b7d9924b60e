/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address translation (SDM vol 3, chapter 4): none, 32-bit, PAE, 4-level and
 * 5-level paging, with the checks and error codes of page faults.
 *
 * One walk serves the translator's TLB (accessed and dirty bits are set, with
 * atomic updates) and the debugger (no side effect). Entries of upper levels
 * are read each time: a cache of them, keyed by CR3, would hang at
 * env->host_only.
 *
 * Nested paging (APM vol 2, 15.25): in such a guest of SVM every physical address of
 * the walk, and the one it ends at, goes through a second walk, of the
 * nested tables, by the paging mode of the host. Its faults leave the guest.
 *
 * Line A20 is the board's business (a window in its memory map).
 * Left out: the check of #SS instead of #GP for stack
 * references to non-canonical addresses.
 */
#include "target/i386/svm.h"

#define PTE_P (1ull << 0)
#define PTE_W (1ull << 1)
#define PTE_U (1ull << 2)
#define PTE_PCD (1ull << 4)
#define PTE_A (1ull << 5)
#define PTE_D (1ull << 6)
#define PTE_PS (1ull << 7)
#define PTE_G (1ull << 8)
#define PTE_NX (1ull << 63)
#define PTE_ADDR 0x000ffffffffff000ull

typedef struct Walk {
    X86Env *env;         /* NULL: the debugger walks */
    bool peek;           /* no side effects */
    Cpu *cpu;
    const X86State *s;
    const X86CpuConfig *config;
    uint64_t cr0, cr3, cr4, efer; /* that the walk goes by: the current ones, or those of nested paging */
    bool pdpte_cached;   /* PAE: s->pdpte was loaded with CR3 */
    bool npt;            /* addresses are the guest's: nested tables translate them */
    uint64_t va;
    int access;
    bool user;           /* user-mode access */
    bool smap;           /* supervisor access that SMAP stops at user pages */
    /* gathered on the way down */
    bool w, u, nx;
    unsigned fault;      /* error code bits of a failed walk */
    uint64_t npf_info, npf_addr; /* nested page fault: EXITINFO1 and 2; info 0: none */
    /* the leaf */
    hwaddr pte_pa;
    uint64_t pte;
    unsigned pte_size, page_bits;
    hwaddr base;
} Walk;

static bool pte_read(Walk *k, hwaddr pa, unsigned size, uint64_t *pte)
{
    if (k->env) {
        *pte = tcg_phys_load(k->env, pa, size);
        return true;
    }
    *pte = 0;
    return address_space_peek(k->cpu->mem, pa, pte, size);
}

/* Set bits in an entry; false: it changed meanwhile, *pte is the new value. */
static bool pte_set(Walk *k, hwaddr pa, unsigned size, uint64_t *pte, uint64_t bits)
{
    uint64_t want = *pte | bits;

    if (k->peek || want == *pte) {
        return true;
    }
    if (tcg_phys_cmpxchg(k->env, pa, size, *pte, want)) {
        *pte = want;
        return true;
    }
    *pte = tcg_phys_load(k->env, pa, size);
    return false;
}

static bool nested(Walk *k, hwaddr *pa, int access, uint64_t where, MmuResult *res);

/* Common to all levels: present, reserved bits, accessed bit of a table entry, rights. */
typedef enum Step { STEP_FAULT, STEP_TABLE, STEP_LEAF } Step;

static Step walk_entry(Walk *k, hwaddr pa, unsigned size, uint64_t rsvd_table, uint64_t rsvd_leaf,
                       bool may_be_leaf, bool must_be_leaf, uint64_t *pte)
{
    MmuResult res;

    /* Guest tables are accessed as by user-mode writes (APM vol 2, 15.25.5). */
    if ((k->npt && !nested(k, &pa, MMU_WRITE, NPF_TABLE, &res)) || !pte_read(k, pa, size, pte)) {
        return STEP_FAULT;
    }
    for (;;) {
        bool leaf = must_be_leaf || (may_be_leaf && (*pte & PTE_PS));

        if (!(*pte & PTE_P)) {
            return STEP_FAULT;
        }
        if (*pte & (leaf ? rsvd_leaf : rsvd_table)) {
            k->fault = PF_P | PF_RSVD;
            return STEP_FAULT;
        }
        if (leaf) {
            k->pte_pa = pa;
            k->pte_size = size;
            return STEP_LEAF;
        }
        if (pte_set(k, pa, size, pte, PTE_A)) {
            return STEP_TABLE;
        }
    }
}

static void walk_rights(Walk *k, uint64_t pte)
{
    k->w &= (pte & PTE_W) != 0;
    k->u &= (pte & PTE_U) != 0;
    k->nx |= (pte & PTE_NX) != 0;
}

/* Reserved bits of 64-bit entries. level 1 = PTE, 2 = PDE, 3 = PDPTE, 4 = PML4E, 5 = PML5E. */
static uint64_t rsvd64(const Walk *k, bool pae, int level, bool leaf)
{
    uint64_t r = k->config->pa_reserved;

    r |= k->efer & EFER_NXE ? 0 : PTE_NX;
    r |= pae ? 0x7ff0000000000000ull : 0;
    if (level >= 4) {
        r |= PTE_PS;
    } else if (level == 3) {
        r |= !x86_has(k->config, F_PDPE1GB) ? PTE_PS : leaf ? 0x3fffe000ull : 0;
    } else if (level == 2) {
        r |= leaf ? 0x1fe000ull : 0;
    }
    return r;
}

/* The part that long mode and PAE share: from the table at `table`, of `level`. */
static bool walk64(Walk *k, hwaddr table, int level, bool pae)
{
    for (;; level--) {
        unsigned shift = 12 + 9 * (level - 1);
        uint64_t pte;
        bool big = level == 2 || (level == 3 && !pae && x86_has(k->config, F_PDPE1GB));
        Step step = walk_entry(k, table + (k->va >> shift & 511) * 8, 8, rsvd64(k, pae, level, false),
                               rsvd64(k, pae, level, true), big, level == 1, &pte);

        if (step == STEP_FAULT) {
            return false;
        }
        walk_rights(k, pte);
        if (step == STEP_LEAF) {
            k->pte = pte;
            k->page_bits = shift;
            k->base = pte & PTE_ADDR & ~((1ull << shift) - 1);
            return true;
        }
        table = pte & PTE_ADDR;
    }
}

static bool walk_long(Walk *k)
{
    return walk64(k, k->cr3 & PTE_ADDR, k->cr4 & CR4_LA57 ? 5 : 4, false);
}

static uint64_t pdpte_reserved(const X86CpuConfig *c)
{
    return 0x1e6 | ~(uint64_t)(PTE_ADDR | 0xfff) | c->pa_reserved;
}

static bool walk_pae(Walk *k)
{
    unsigned n = k->va >> 30 & 3;
    uint64_t pdpte = k->s->pdpte[n];
    hwaddr at = (k->cr3 & 0xffffffe0) + n * 8;
    MmuResult res;

    /* With nested paging, neither level has these entries in registers (15.25.10). */
    if (!k->pdpte_cached &&
        ((k->npt && !nested(k, &at, MMU_WRITE, NPF_TABLE, &res)) || !pte_read(k, at, 8, &pdpte))) {
        return false;
    }
    if (!(pdpte & PTE_P)) {
        return false;
    }
    if (pdpte & pdpte_reserved(k->config)) {
        k->fault = PF_P | PF_RSVD;
        return false;
    }
    return walk64(k, pdpte & PTE_ADDR, 2, true);
}

static bool walk32(Walk *k)
{
    bool pse = k->cr4 & CR4_PSE;
    uint64_t pde, pte;
    /* PSE-36: physical bits 39:32 in 20:13, bit 21 reserved. */
    uint64_t rsvd_big = x86_has(k->config, F_PSE36) ? 1ull << 21 : 0x3fe000;

    switch (walk_entry(k, (k->cr3 & 0xfffff000) + (k->va >> 22 & 1023) * 4, 4, 0, rsvd_big, pse,
                       false, &pde)) {
    case STEP_FAULT:
        return false;
    case STEP_LEAF:
        walk_rights(k, pde);
        k->pte = pde;
        k->page_bits = 22;
        k->base = (pde & 0xffc00000) | (pde & 0x1fe000) << 19;
        return true;
    case STEP_TABLE:
        break;
    }
    walk_rights(k, pde);
    if (walk_entry(k, (pde & 0xfffff000) + (k->va >> 12 & 1023) * 4, 4, 0, 0, false, true, &pte) ==
        STEP_FAULT) {
        return false;
    }
    walk_rights(k, pte);
    k->pte = pte;
    k->page_bits = 12;
    k->base = pte & 0xfffff000;
    return true;
}

/* Protection keys (4.6.2): rights that PKRU takes from data accesses to a user page, as PF_W and PF_U. */
static unsigned key_denies(const Walk *k)
{
    if (!(k->cr4 & CR4_PKE) || !(k->efer & EFER_LMA) || !k->u) {
        return 0;
    }
    unsigned rights = k->s->pkru >> 2 * (k->pte >> 59 & 15) & 3;
    bool write = (rights & 2) && (k->user || (k->cr0 & CR0_WP));
    return rights & 1 ? PF_U | PF_W : write ? PF_W : 0;
}

/* What the gathered rights allow this kind of access. */
static void walk_permissions(const Walk *k, bool *r, bool *w, bool *x)
{
    *x = !(k->nx && (k->efer & EFER_NXE));
    if (k->user) {
        *r = k->u;
        *w = k->u && k->w;
        *x &= k->u;
        return;
    }
    *r = !(k->u && k->smap);
    *w = *r && (k->w || !(k->cr0 & CR0_WP));
    *x &= !(k->u && (k->cr4 & CR4_SMEP));
}

static bool walk_tables(Walk *k)
{
    k->w = k->u = true;
    k->nx = false;
    k->fault = 0;
    if (k->efer & EFER_LMA) {
        return walk_long(k);
    }
    return k->cr4 & CR4_PAE ? walk_pae(k) : walk32(k);
}

/* The nested walk of the page that a guest's walk has ended at, or of the address without one. */
static bool nested_final(Walk *k, MmuResult *res)
{
    hwaddr pa = res->paddr | (k->va & 0xfff);
    MmuResult n;

    if (!nested(k, &pa, k->access, NPF_FINAL, &n)) {
        return false;
    }
    res->r &= n.r;
    res->w &= n.w;
    res->x &= n.x;
    res->uncached |= n.uncached;
    res->flush_bits = res->page_bits;
    res->page_bits = MIN(res->page_bits, n.page_bits);
    res->paddr = pa & ~0xfffull;
    return true;
}

/* Walk, check, and set accessed and dirty bits; the leaf may change under our hands. */
static bool walk(Walk *k, MmuResult *res)
{
    for (;;) {
        bool r, w, x, allowed;
        uint64_t bits = PTE_A | (k->access == MMU_WRITE ? PTE_D : 0);

        if (!walk_tables(k)) {
            return false;
        }
        unsigned denied = key_denies(k);
        walk_permissions(k, &r, &w, &x);
        r = r && !(denied & PF_U);
        w = w && !(denied & PF_W);
        allowed = k->access == MMU_READ ? r : k->access == MMU_WRITE ? w : x;
        if (!allowed) {
            bool key = k->access == MMU_READ ? denied & PF_U : k->access == MMU_WRITE && denied;
            k->fault = PF_P | (key ? PF_PK : 0);
            return false;
        }
        if (!pte_set(k, k->pte_pa, k->pte_size, &k->pte, bits)) {
            continue;
        }
        res->r = r;
        res->w = w && (k->pte & PTE_D);
        res->x = x;
        res->global = (k->pte & PTE_G) && (k->cr4 & CR4_PGE);
        res->uncached = k->pte & PTE_PCD;
        res->page_bits = k->page_bits;
        res->paddr = (k->base | (k->va & ((1ull << k->page_bits) - 1))) & ~0xfffull;
        return !k->npt || nested_final(k, res);
    }
}

static bool untranslated(Walk *k, MmuResult *res)
{
    *res = (MmuResult){
        .paddr = k->va & 0xfffff000,
        .page_bits = 12,
        .r = true,
        .w = true,
        .x = true,
    };
    return !k->npt || nested_final(k, res);
}

static void walk_init(Walk *k, Cpu *cpu, const X86State *s, uint64_t va)
{
    *k = (Walk){
        .cpu = cpu,
        .peek = true,
        .s = s,
        .config = &x86_cpu(cpu)->config,
        .cr0 = s->cr0,
        .cr3 = s->cr3,
        .cr4 = s->cr4,
        .efer = s->efer,
        .pdpte_cached = !s->svm_npt,
        .npt = s->svm_npt,
        .va = s->efer & EFER_LMA ? va : (uint32_t)va,
    };
}

/*
 * Guest-physical *pa to the machine's, by the nested tables. On a fault it is noted in k
 * as #VMEXIT will report it; where: NPF_FINAL or NPF_TABLE.
 */
static bool nested(Walk *k, hwaddr *pa, int access, uint64_t where, MmuResult *res)
{
    const X86State *s = k->s;
    unsigned bits = !(s->svm_hefer & EFER_LMA) ? 32 : s->svm_hcr4 & CR4_LA57 ? 57 : 48;
    Walk n = {
        .env = k->env,
        .cpu = k->cpu,
        .peek = k->peek,
        .s = s,
        .config = k->config,
        .cr0 = CR0_PG | CR0_WP,
        .cr3 = s->svm_ncr3,
        .cr4 = s->svm_hcr4 & ~(uint64_t)CR4_PKE, /* keys are of linear addresses */
        .efer = s->svm_hefer,
        .va = *pa,
        .access = access,
        .user = true,
    };

    if (!(*pa >> bits) && walk(&n, res)) {
        *pa = res->paddr | (*pa & 0xfff);
        return true;
    }
    k->npf_info = where | n.fault | PF_U | (access == MMU_WRITE ? PF_W : access == MMU_EXEC ? PF_I : 0);
    k->npf_addr = *pa;
    return false;
}

static void note_page_fault(X86Env *env, const Walk *k)
{
    uint32_t err = k->fault;

    if (k->npf_info) {
        svm_note_exit(env, SVM_EXIT_NPF, k->npf_info, k->npf_addr, 0);
        return;
    }
    err |= k->access == MMU_WRITE ? PF_W : 0;
    err |= k->user ? PF_U : 0;
    if (k->access == MMU_EXEC) {
        bool nxe = (env->s.efer & EFER_NXE) && (env->s.cr4 & CR4_PAE);
        err |= nxe || (env->s.cr4 & CR4_SMEP) ? PF_I : 0;
    }
    x86_note(env, EXC_PF, true, err, k->va);
}

bool x86_mmu_walk(void *opaque, uint64_t va, int access, int mmu, MmuResult *res)
{
    X86Env *env = opaque;
    Walk k;

    walk_init(&k, env->cpu, &env->s, va);
    k.env = env;
    k.peek = false;
    k.access = access;
    k.user = mmu % X86_MMU_KINDS == X86_MMU_USER;
    k.smap = mmu % X86_MMU_KINDS == X86_MMU_KERNEL && (env->s.cr4 & CR4_SMAP);
    if (!(env->s.cr0 & CR0_PG)) {
        if (!untranslated(&k, res)) {
            note_page_fault(env, &k);
            return false;
        }
        return true;
    }
    if ((env->s.efer & EFER_LMA) && !x86_canonical(env, va)) {
        x86_note(env, EXC_GP, true, 0, access == MMU_EXEC ? 0 : va); /* or #SS: x86_deliver() finds out */
        return false;
    }
    if (!walk(&k, res)) {
        note_page_fault(env, &k);
        return false;
    }
    return true;
}

/* Without side effects, as the kernel would read. env: NULL in the debugger. */
static bool peek_translate(Cpu *cpu, X86Env *env, const X86State *s, uint64_t vaddr, hwaddr *paddr)
{
    MmuResult res;
    Walk k;

    walk_init(&k, cpu, s, vaddr);
    k.env = env;
    k.access = MMU_READ;
    if (!(s->cr0 & CR0_PG ? walk(&k, &res) : untranslated(&k, &res))) {
        return false;
    }
    *paddr = res.paddr | (vaddr & 0xfff);
    return true;
}

/* Debugger's view, on the synced state. */
bool x86_debug_translate(Cpu *cpu, uint64_t vaddr, hwaddr *paddr)
{
    return peek_translate(cpu, NULL, cpu->state, vaddr, paddr);
}

size_t x86_peek_code(X86Env *env, uint8_t *buf, size_t max)
{
    const X86State *s = &env->s;
    size_t done = 0;

    while (done < max) {
        uint64_t ip = s->rip + done;
        uint64_t va = x86_code64(env) ? ip : (uint32_t)(ip + s->seg[S_CS].base);
        size_t n = MIN(max - done, MEM_PAGE_SIZE - (va & (MEM_PAGE_SIZE - 1)));
        hwaddr pa;

        if (!peek_translate(env->cpu, env, s, va, &pa) || !address_space_peek(env->cpu->mem, pa, buf + done, n)) {
            break;
        }
        done += n;
    }
    return done;
}

hwaddr x86_guest_physical(X86Env *env, hwaddr pa, int access)
{
    MmuResult res;
    Walk k;

    walk_init(&k, env->cpu, &env->s, 0);
    k.env = env;
    k.peek = false;
    if (k.npt && !nested(&k, &pa, access, NPF_FINAL, &res)) {
        note_page_fault(env, &k);
        tcg_raise(env);
    }
    return pa;
}

bool x86_try_load_pdptes(X86Env *env, uint64_t cr0, uint64_t cr4, uint64_t cr3)
{
    uint64_t pdpte[4];

    if (!(cr0 & CR0_PG) || !(cr4 & CR4_PAE) || (env->s.efer & EFER_LME) || env->s.svm_npt) {
        return true;
    }
    for (int i = 0; i < 4; i++) {
        pdpte[i] = tcg_phys_load(env, (cr3 & 0xffffffe0) + i * 8, 8);
        if ((pdpte[i] & PTE_P) && (pdpte[i] & pdpte_reserved(env->config))) {
            return false;
        }
    }
    memcpy(env->s.pdpte, pdpte, sizeof(pdpte));
    return true;
}

void x86_load_pdptes(X86Env *env, uint64_t cr0, uint64_t cr4, uint64_t cr3)
{
    if (!x86_try_load_pdptes(env, cr0, cr4, cr3)) {
        x86_gp(env, 0);
    }
}
