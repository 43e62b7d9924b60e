/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Semihosting (Arm's specification, version 2.0): HLT 0xf000 (A64, A32), HLT 0x3c (T32), SVC 0x123456 (A32), SVC 0xab (T32).
 * The operation's number is in R0, R1 has the address of its arguments: a block of words of the state's size. What the
 * host does is core/semihost.h; where the specification leaves something to the host it is as QEMU has it.
 *
 * Guest addresses are translated as the current level's accesses; one that cannot be made fails the operation (EFAULT).
 *
 * Thread: the vCPU's own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "core/machine.h"
#include "core/semihost.h"
#include "target/arm/mmu.h"

#define APPLICATION_EXIT 0x20026 /* ADP_Stopped_ApplicationExit */
#define NAME_MAX_BYTES 4096
#define CHUNK 65536
#define TRANSFER_MAX (16u << 20) /* the rest is reported as not transferred */
#define STRING_MAX (1u << 20)
#define WAIT_NS 1000000

enum {
    SYS_OPEN = 0x01, SYS_CLOSE, SYS_WRITEC, SYS_WRITE0, SYS_WRITE, SYS_READ, SYS_READC, SYS_ISERROR, SYS_ISTTY, SYS_SEEK,
    SYS_FLEN = 0x0c, SYS_TMPNAM, SYS_REMOVE, SYS_RENAME, SYS_CLOCK, SYS_TIME, SYS_SYSTEM, SYS_ERRNO,
    SYS_GET_CMDLINE = 0x15, SYS_HEAPINFO, SYS_EXIT = 0x18, SYS_EXIT_EXTENDED = 0x20, SYS_ELAPSED = 0x30, SYS_TICKFREQ,
};

typedef struct Call {
    ArmEnv *env;
    Semihost *host;
    uint64_t block;   /* R1 */
    unsigned word;    /* bytes of an argument */
    int error;        /* errno of this call, 0 */
    bool again;       /* nothing to read yet: the instruction is done once more */
} Call;

/* ---- guest memory ---- */

static bool transfer(Call *c, uint64_t va, void *buf, size_t len, bool write)
{
    ArmEnv *env = c->env;
    uint8_t *p = buf;

    while (len) {
        ArmWalk w;
        MmuResult r;
        size_t n = MIN(len, MEM_PAGE_SIZE - (va & (MEM_PAGE_SIZE - 1)));
        arm_walk_init(&w, env, va, write ? MMU_WRITE : MMU_READ, arm_mode_mmu(env->mode));
        bool ok = arm_walk(&w, &r);
        hwaddr pa = r.paddr | (va & (MEM_PAGE_SIZE - 1));
        ok = ok && (write ? address_space_write(env->cpu->mem, pa, MEM_ATTRS_NONE, p, n)
                          : address_space_read(env->cpu->mem, pa, MEM_ATTRS_NONE, p, n)) == MEM_OK;
        if (!ok) {
            c->error = EFAULT;
            return false;
        }
        p += n;
        va += n;
        len -= n;
    }
    return true;
}

static uint64_t in_order(const Call *c, uint64_t v)
{
    if (!(c->env->mode & MODE_BE)) {
        return v;
    }
    return c->word == 8 ? __builtin_bswap64(v) : __builtin_bswap32((uint32_t)v);
}

/* Argument n of the block; false: it cannot be read. */
static bool arg(Call *c, unsigned n, uint64_t *v)
{
    *v = 0;
    bool ok = transfer(c, c->block + n * c->word, v, c->word, false);
    *v = in_order(c, *v);
    return ok;
}

static bool args(Call *c, unsigned n, uint64_t *v)
{
    for (unsigned i = 0; i < n; i++) {
        if (!arg(c, i, &v[i])) {
            return false;
        }
    }
    return true;
}

static bool put_word(Call *c, uint64_t va, uint64_t v)
{
    v = in_order(c, v);
    return transfer(c, va, &v, c->word, true);
}

/* A name of len bytes, to be freed; NULL: it cannot be read or is too long. */
static char *name_at(Call *c, uint64_t va, uint64_t len)
{
    if (len >= NAME_MAX_BYTES) {
        c->error = ENAMETOOLONG;
        return NULL;
    }
    g_autofree char *s = g_malloc0(len + 1);
    return transfer(c, va, s, len, false) ? g_steal_pointer(&s) : NULL;
}

/* What the host said: -1 and the error, or its value. */
static int64_t said(Call *c, int64_t v)
{
    if (v < 0) {
        c->error = (int)-v;
        return -1;
    }
    return v;
}

/* ---- operations ---- */

static int64_t op_open(Call *c)
{
    uint64_t a[3];
    g_autofree char *name = args(c, 3, a) ? name_at(c, a[0], a[2]) : NULL;

    return name ? said(c, semihost_open(c->host, name, (unsigned)MIN(a[1], 12u))) : -1;
}

/* The bytes that were not written. */
static int64_t op_write(Call *c)
{
    uint64_t a[3], done = 0, len;
    g_autofree uint8_t *buf = g_malloc(CHUNK);

    if (!args(c, 3, a)) {
        return -1;
    }
    len = MIN(a[2], TRANSFER_MAX);
    while (done < len) {
        size_t n = MIN(len - done, CHUNK);
        int64_t got = transfer(c, a[1] + done, buf, n, false) ? said(c, semihost_write(c->host, (int64_t)a[0], buf, n)) : -1;
        done += got > 0 ? (uint64_t)got : 0;
        if (got < (int64_t)n) {
            break;
        }
    }
    return (int64_t)(a[2] - done);
}

/* The bytes that were not read. */
static int64_t op_read(Call *c)
{
    uint64_t a[3], done = 0, len;
    g_autofree uint8_t *buf = g_malloc(CHUNK);

    if (!args(c, 3, a)) {
        return -1;
    }
    len = MIN(a[2], TRANSFER_MAX);
    while (done < len) {
        size_t n = MIN(len - done, CHUNK);
        int64_t got = semihost_read(c->host, (int64_t)a[0], buf, n);
        if (got == -EAGAIN) {
            c->again = done == 0;
            break;
        }
        if (said(c, got) <= 0 || !transfer(c, a[1] + done, buf, (size_t)got, true)) {
            break;
        }
        done += (uint64_t)got;
        if (got < (int64_t)n) {
            break;
        }
    }
    return (int64_t)(a[2] - done);
}

static int64_t op_readc(Call *c)
{
    uint8_t byte;
    int64_t n = semihost_console_read(c->host, &byte);

    c->again = n == -EAGAIN;
    return n == 1 ? byte : -1;
}

static int64_t op_write0(Call *c)
{
    char text[256];

    for (uint64_t at = c->block; at - c->block < STRING_MAX;) {
        size_t n = MIN(sizeof(text), MEM_PAGE_SIZE - (at & (MEM_PAGE_SIZE - 1)));
        if (!transfer(c, at, text, n, false)) {
            break;
        }
        size_t len = strnlen(text, n);
        semihost_console_write(c->host, text, len);
        if (len < n) {
            break;
        }
        at += n;
    }
    return 0xdeadbeef; /* R0 is corrupted, says the specification */
}

static int64_t op_writec(Call *c)
{
    char ch;

    if (transfer(c, c->block, &ch, 1, false)) {
        semihost_console_write(c->host, &ch, 1);
    }
    return 0xdeadbeef;
}

static int64_t op_tmpnam(Call *c)
{
    uint64_t a[3];

    if (!args(c, 3, a)) {
        return -1;
    }
    g_autofree char *name = g_strdup_printf("%s/rhea-%x%02x", g_get_tmp_dir(), (unsigned)getpid(), (unsigned)a[1] & 0xff);
    size_t len = strlen(name) + 1;
    if (len > a[2]) {
        return said(c, -ENAMETOOLONG);
    }
    return transfer(c, a[0], name, len, true) ? 0 : -1;
}

static int64_t op_remove(Call *c)
{
    uint64_t a[2];
    g_autofree char *name = args(c, 2, a) ? name_at(c, a[0], a[1]) : NULL;

    return name ? said(c, remove(name) < 0 ? -errno : 0) : -1;
}

static int64_t op_rename(Call *c)
{
    uint64_t a[4];
    bool ok = args(c, 4, a);
    g_autofree char *from = ok ? name_at(c, a[0], a[1]) : NULL;
    g_autofree char *to = from ? name_at(c, a[2], a[3]) : NULL;

    return to ? said(c, rename(from, to) < 0 ? -errno : 0) : -1;
}

static int64_t op_system(Call *c)
{
    uint64_t a[2];
    g_autofree char *command = args(c, 2, a) ? name_at(c, a[0], a[1]) : NULL;

    return command ? said(c, system(command)) : -1;
}

static int64_t op_cmdline(Call *c)
{
    uint64_t a[2];
    const char *text = semihost_cmdline(c->host);
    size_t len = strlen(text);

    if (!args(c, 2, a)) {
        return -1;
    }
    if (len + 1 > a[1]) {
        return said(c, -E2BIG);
    }
    return transfer(c, a[0], (void *)text, len + 1, true) && put_word(c, c->block + c->word, len) ? 0 : -1;
}

/* Heap and stack: the upper half of the memory that the block is in. */
static int64_t op_heapinfo(Call *c)
{
    ArmEnv *env = c->env;
    uint64_t at;
    ArmWalk w;
    MmuResult r;

    if (!arg(c, 0, &at)) {
        return -1;
    }
    arm_walk_init(&w, env, at, MMU_WRITE, arm_mode_mmu(env->mode));
    const MemSection *s = arm_walk(&w, &r) ? address_space_find(env->cpu->mem, r.paddr) : NULL;
    if (!s) {
        return said(c, -EFAULT);
    }
    uint64_t middle = s->base + s->size / 2, end = s->base + s->size;
    const uint64_t info[4] = {middle, end, end, middle}; /* heap base, limit; stack base, limit */
    for (unsigned i = 0; i < 4; i++) {
        if (!put_word(c, at + i * c->word, info[i])) {
            return -1;
        }
    }
    return 0;
}

static int64_t op_exit(Call *c, bool extended)
{
    uint64_t a[2] = {c->block, 0};

    if ((extended || c->word == 8) && !args(c, 2, a)) {
        return -1;
    }
    machine_request_exit(c->env->cpu->machine, a[0] == APPLICATION_EXIT ? (int)a[1] & 0xff : 1);
    return (int64_t)a[0];
}

/* 64 bits, in two words of AArch32 the lower one first. */
static int64_t op_elapsed(Call *c)
{
    uint64_t ns = (uint64_t)semihost_elapsed_ns(c->host);

    if (!put_word(c, c->block, ns)) {
        return -1;
    }
    return c->word == 8 || put_word(c, c->block + 4, ns >> 32) ? 0 : -1;
}

/* Those with one argument, a handle or a number. */
static int64_t with_handle(Call *c, unsigned op)
{
    uint64_t a[2];
    bool two = op == SYS_SEEK;

    if (!args(c, two ? 2 : 1, a)) {
        return -1;
    }
    int64_t handle = c->word == 8 ? (int64_t)a[0] : (int32_t)a[0];
    switch (op) {
    case SYS_CLOSE:
        return said(c, semihost_close(c->host, handle));
    case SYS_ISTTY:
        return said(c, semihost_is_tty(c->host, handle));
    case SYS_SEEK:
        return said(c, semihost_seek(c->host, handle, a[1]));
    case SYS_FLEN:
        return said(c, semihost_length(c->host, handle));
    default: /* SYS_ISERROR */
        return handle < 0;
    }
}

static int64_t run(Call *c, unsigned op)
{
    switch (op) {
    case SYS_OPEN:
        return op_open(c);
    case SYS_CLOSE:
    case SYS_ISERROR:
    case SYS_ISTTY:
    case SYS_SEEK:
    case SYS_FLEN:
        return with_handle(c, op);
    case SYS_WRITEC:
        return op_writec(c);
    case SYS_WRITE0:
        return op_write0(c);
    case SYS_WRITE:
        return op_write(c);
    case SYS_READ:
        return op_read(c);
    case SYS_READC:
        return op_readc(c);
    case SYS_TMPNAM:
        return op_tmpnam(c);
    case SYS_REMOVE:
        return op_remove(c);
    case SYS_RENAME:
        return op_rename(c);
    case SYS_CLOCK:
        return semihost_elapsed_ns(c->host) / 10000000;
    case SYS_TIME:
        return time(NULL);
    case SYS_SYSTEM:
        return op_system(c);
    case SYS_ERRNO:
        return c->env->priv->semihost_errno;
    case SYS_GET_CMDLINE:
        return op_cmdline(c);
    case SYS_HEAPINFO:
        return op_heapinfo(c);
    case SYS_EXIT:
    case SYS_EXIT_EXTENDED:
        return op_exit(c, op == SYS_EXIT_EXTENDED);
    case SYS_ELAPSED:
        return op_elapsed(c);
    case SYS_TICKFREQ:
        return 1000000000;
    default:
        return said(c, -ENOSYS);
    }
}

uint64_t helper_semihost(void *opaque, uint64_t next, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    bool a32 = arm_is_a32(env);
    Call call = {
        .env = env,
        .host = machine_semihost(env->cpu->machine),
        .block = a32 ? (uint32_t)env->s.x[1] : env->s.x[1],
        .word = a32 ? 4 : 8,
    };
    int64_t v = run(&call, (uint32_t)env->s.x[0]);

    if (call.again) {
        const struct timespec t = {.tv_nsec = WAIT_NS};
        nanosleep(&t, NULL); /* the pc stays: once more, when interrupts have had their turn */
        return 0;
    }
    if (call.error) {
        env->priv->semihost_errno = call.error;
    }
    env->s.x[0] = a32 ? (uint32_t)v : (uint64_t)v;
    env->s.pc = next;
    return 0;
}
