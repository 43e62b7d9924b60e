/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See semihosting.h. */
#include "main/semihosting.h"

#include "core/semihost.h"

struct Semihosting {
    SemihostConfig config;
    char *cmdline;
    CharPort *port;
    Semihost *host; /* once connected */
};

static void write_port(void *opaque, const void *buf, size_t len)
{
    char_write_all(((Semihosting *)opaque)->port, buf, len);
}

static void taken(void *opaque)
{
    char_accept_input(((Semihosting *)opaque)->port);
}

static size_t can_receive(void *opaque)
{
    return semihost_input_room(((Semihosting *)opaque)->host);
}

static void receive(void *opaque, const uint8_t *buf, size_t len)
{
    semihost_input(((Semihosting *)opaque)->host, buf, len);
}

static const CharFrontOps port_ops = {.can_receive = can_receive, .receive = receive};

Semihosting *semihosting_new(const Config *c, CharPort *port, MachineConfig *mc)
{
    if (!c->semihosting) {
        return NULL;
    }
    Semihosting *s = g_new0(Semihosting, 1);
    s->port = port;
    s->cmdline = c->semihosting_args ? g_strdup(c->semihosting_args->str)
                 : c->kernel         ? g_strjoin(c->append ? " " : "", c->kernel, c->append, NULL)
                                     : NULL;
    s->config = (SemihostConfig){.userspace = c->semihosting_userspace, .cmdline = s->cmdline, .opaque = s};
    if (port) {
        s->config.write = write_port;
        s->config.taken = taken;
    }
    mc->semihost = &s->config;
    return s;
}

void semihosting_connect(Semihosting *s, Machine *m)
{
    if (s && s->port) {
        s->host = machine_semihost(m);
        char_attach(s->port, &port_ops, s);
    }
}

void semihosting_disconnect(Semihosting *s)
{
    if (s && s->host) {
        char_detach(s->port);
    }
}

void semihosting_free(Semihosting *s)
{
    if (s) {
        g_free(s->cmdline);
        g_free(s);
    }
}
