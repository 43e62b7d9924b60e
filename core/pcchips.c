/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chips that an accelerator has for a while (pcchips.h).
 *
 * home: the machine's lock domain.
 */
#include "core/internal.h"
#include "core/pcchips.h"

void machine_set_chip_host(Machine *m, const PcChipHost *host)
{
    m->chip_host = host;
}

const PcChipHost *machine_chip_host(Machine *m)
{
    return m->chip_host;
}

void device_add_lent_chip(Device *d, LentChip *c, const LentChipOps *ops)
{
    *c = (LentChip){.dev = d, .ops = ops};
    g_ptr_array_add(d->machine->lent_chips, c);
}

static void changed(LentChip *c, const PcChipHost *host)
{
    c->host = host;
    if (c->ops->changed) {
        c->ops->changed(c->dev);
    }
    device_update(c->dev);
}

static void lend(LentChip *c, const PcChipHost *to)
{
    Machine *m = c->dev->machine;
    bool lock = !machine_locked(m); /* a command has it that moves the machine to another accelerator */

    if (lock) {
        machine_lock(m);
    }
    if (to) {
        changed(c, to);
        c->ops->store(c->dev);
    } else if (c->host) {
        c->ops->fetch(c->dev);
        changed(c, NULL);
    }
    if (lock) {
        machine_unlock(m);
    }
}

void machine_lend_chips(Machine *m)
{
    for (guint i = 0; i < m->lent_chips->len; i++) {
        lend(g_ptr_array_index(m->lent_chips, i), m->chip_host);
    }
}

void machine_take_chips(Machine *m)
{
    for (guint i = m->lent_chips->len; i > 0; i--) {
        lend(g_ptr_array_index(m->lent_chips, i - 1), NULL);
    }
}

void lent_chip_borrow(LentChip *c)
{
    if (c->host) {
        c->host->hold(c->dev->machine);
        c->ops->fetch(c->dev);
    }
}

void lent_chip_give_back(LentChip *c)
{
    if (c->host) {
        c->ops->store(c->dev);
        c->host->release(c->dev->machine);
    }
}

void lent_chip_refresh(LentChip *c)
{
    if (c->host) {
        c->ops->fetch(c->dev);
    }
}
