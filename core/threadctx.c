/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See threadctx.h. New threads inherit the processors of the thread that makes them (sched_setaffinity(2)).
 *
 * home: main loop, but for the thread itself; guarded by: lock (job, quit, thread_id).
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "base/os/thread.h"
#include "base/units.h"
#include "core/internal.h"
#include "core/threadctx.h"

#define NODES_MAX 64

typedef struct Job {
    unsigned n;
    void (*fn)(unsigned i, void *opaque);
    void *opaque;
    bool ok, done;
} Job;

struct ThreadContext {
    Object obj;
    char *cpu_affinity, *node_affinity; /* as given: "0-3:8" */
    GThread *thread;
    GMutex lock;
    GCond changed;
    Job *job;
    pid_t thread_id;
    bool quit;
};

/* ---- running ---- */

typedef struct Part {
    const Job *job;
    unsigned i;
} Part;

static gpointer run_part(gpointer opaque)
{
    Part *p = opaque;

    p->job->fn(p->i, p->job->opaque);
    return NULL;
}

static bool run_job(const Job *job)
{
    g_autofree Part *parts = g_new(Part, job->n);
    g_autofree GThread **threads = g_new(GThread *, job->n);
    unsigned made = 0;

    for (; made < job->n; made++) {
        parts[made] = (Part){job, made};
        threads[made] = g_thread_try_new("prealloc", run_part, &parts[made], NULL);
        if (!threads[made]) {
            break;
        }
    }
    for (unsigned i = 0; i < made; i++) {
        g_thread_join(threads[i]);
    }
    return made == job->n;
}

static gpointer context_main(gpointer opaque)
{
    ThreadContext *t = opaque;
    g_autofree char *name = g_strdup_printf("TC %s", t->obj.id);

    os_thread_set_name(name);
    g_mutex_lock(&t->lock);
    t->thread_id = gettid();
    g_cond_broadcast(&t->changed);
    while (!t->quit) {
        if (t->job && !t->job->done) {
            t->job->ok = run_job(t->job); /* with the lock: who asked waits anyway */
            t->job->done = true;
            g_cond_broadcast(&t->changed);
        } else {
            g_cond_wait(&t->changed, &t->lock);
        }
    }
    g_mutex_unlock(&t->lock);
    return NULL;
}

bool thread_context_run(ThreadContext *t, unsigned n, void (*fn)(unsigned i, void *opaque), void *opaque,
                        Error **errp)
{
    Job job = {.n = n, .fn = fn, .opaque = opaque};

    if (!t) {
        job.ok = run_job(&job);
    } else {
        g_mutex_lock(&t->lock);
        t->job = &job;
        g_cond_broadcast(&t->changed);
        while (!job.done) {
            g_cond_wait(&t->changed, &t->lock);
        }
        t->job = NULL;
        g_mutex_unlock(&t->lock);
    }
    if (!job.ok) {
        error_set(errp, ERR_GENERIC, "cannot make %u threads", n);
        error_hint(errp, "ulimit -u, or pids.max of the control group, may be too low");
    }
    return job.ok;
}

/* ---- processors ---- */

static bool set_cpus(ThreadContext *t, const cpu_set_t *set, Error **errp)
{
    if (sched_setaffinity(t->thread_id, sizeof(*set), set)) {
        error_set(errp, ERR_INVALID_PARAMETER, "Setting CPU affinity failed: %s", strerror(errno));
        error_hint(errp, "/sys/devices/system/cpu/online lists the host's processors");
        return false;
    }
    return true;
}

static bool parse_cpus(const char *text, cpu_set_t *set, Error **errp)
{
    unsigned long bits[CPU_SETSIZE / (8 * sizeof(long))] = {0};

    if (!parse_ranges(text, CPU_SETSIZE, bits, errp)) {
        return false;
    }
    CPU_ZERO(set);
    for (unsigned i = 0; i < CPU_SETSIZE; i++) {
        if (bits[i / (8 * sizeof(long))] >> i % (8 * sizeof(long)) & 1) {
            CPU_SET(i, set);
        }
    }
    return true;
}

/* The processors of the host's nodes in @text; a node that is not there has none. */
static bool parse_nodes(const char *text, cpu_set_t *set, Error **errp)
{
    unsigned long nodes[NODES_MAX / (8 * sizeof(long))] = {0};

    if (!parse_ranges(text, NODES_MAX, nodes, errp)) {
        return false;
    }
    CPU_ZERO(set);
    for (unsigned i = 0; i < NODES_MAX; i++) {
        g_autofree char *path = g_strdup_printf("/sys/devices/system/node/node%u/cpulist", i);
        g_autofree char *list = NULL;
        cpu_set_t some;
        if ((nodes[i / (8 * sizeof(long))] >> i % (8 * sizeof(long)) & 1) &&
            g_file_get_contents(path, &list, NULL, NULL) && *g_strdelimit(g_strstrip(list), ",", ':')) {
            if (!parse_cpus(list, &some, errp)) {
                return false;
            }
            CPU_OR(set, set, &some);
        }
    }
    if (!CPU_COUNT(set)) {
        error_set(errp, ERR_INVALID_PARAMETER, "The nodes select no CPUs");
        return false;
    }
    return true;
}

static bool apply(ThreadContext *t, Error **errp)
{
    cpu_set_t set;

    if (t->cpu_affinity && t->node_affinity) {
        error_set(errp, ERR_INVALID_PARAMETER, "Mixing CPU and node affinity not supported");
        return false;
    }
    return t->cpu_affinity    ? parse_cpus(t->cpu_affinity, &set, errp) && set_cpus(t, &set, errp)
           : t->node_affinity ? parse_nodes(t->node_affinity, &set, errp) && set_cpus(t, &set, errp)
                              : true;
}

/* ---- the object ---- */

static void stop(ThreadContext *t)
{
    g_mutex_lock(&t->lock);
    t->quit = true;
    g_cond_broadcast(&t->changed);
    g_mutex_unlock(&t->lock);
    g_thread_join(t->thread);
    g_mutex_clear(&t->lock);
    g_cond_clear(&t->changed);
}

static bool thread_context_complete(Object *o, Error **errp)
{
    ThreadContext *t = (ThreadContext *)o;
    g_autoptr(GError) gerr = NULL;

    g_mutex_init(&t->lock);
    g_cond_init(&t->changed);
    t->thread = g_thread_try_new("TC", context_main, t, &gerr);
    if (!t->thread) {
        error_set(errp, ERR_GENERIC, "thread-context '%s': %s", o->id, gerr->message);
        g_mutex_clear(&t->lock);
        g_cond_clear(&t->changed);
        return false;
    }
    g_mutex_lock(&t->lock);
    while (!t->thread_id) {
        g_cond_wait(&t->changed, &t->lock);
    }
    g_mutex_unlock(&t->lock);
    if (!apply(t, errp)) {
        stop(t);
        return false;
    }
    return true;
}

static void thread_context_fini(Object *o)
{
    stop((ThreadContext *)o);
}

/* thread-id, and where the thread may run now, whoever chose that. */
static json_t *thread_context_get(Object *o, const char *name, Error **errp)
{
    ThreadContext *t = (ThreadContext *)o;
    cpu_set_t set;

    if (!strcmp(name, "thread-id")) {
        return json_integer(t->thread_id);
    }
    if (!strcmp(name, "node-affinity")) {
        error_set(errp, ERR_GENERIC, "Property 'thread-context.node-affinity' is not readable");
        return NULL;
    }
    if (strcmp(name, "cpu-affinity")) {
        return NULL;
    }
    if (sched_getaffinity(t->thread_id, sizeof(set), &set)) {
        error_set(errp, ERR_GENERIC, "Getting CPU affinity failed: %s", strerror(errno));
        return NULL;
    }
    json_t *list = json_array();
    for (int i = 0; i < CPU_SETSIZE; i++) {
        if (CPU_ISSET(i, &set)) {
            json_array_append_new(list, json_integer(i));
        }
    }
    return list;
}

static bool thread_context_set(Object *o, const char *name, const char *value, Error **errp)
{
    ThreadContext *t = (ThreadContext *)o;
    cpu_set_t set;

    if (!strcmp(name, "thread-id")) {
        error_set(errp, ERR_GENERIC, "Property 'thread-context.thread-id' is not writable");
        return false;
    }
    bool nodes = !strcmp(name, "node-affinity");
    return (nodes ? parse_nodes(value, &set, errp) : parse_cpus(value, &set, errp)) && set_cpus(t, &set, errp);
}

static const Property thread_context_props[] = {
    PROP_STR(ThreadContext, cpu_affinity, "cpu-affinity", NULL, "processors of the host: 0, 0-3; may be given several times"),
    PROP_STR(ThreadContext, node_affinity, "node-affinity", NULL, "nodes of the host, for all of their processors"),
    {0},
};

static const char *const thread_context_lists[] = {"cpu-affinity", "node-affinity", NULL};
static const char *const thread_context_extra[] = {"thread-id", NULL};

static const ObjectType thread_context_type = {
    .name = "thread-context",
    .help = "a thread that makes threads on chosen processors",
    .size = sizeof(ThreadContext),
    .props = thread_context_props,
    .lists = thread_context_lists,
    .extra = thread_context_extra,
    .complete = thread_context_complete,
    .fini = thread_context_fini,
    .get = thread_context_get,
    .set = thread_context_set,
};
OBJECT_TYPE(thread_context_type);
