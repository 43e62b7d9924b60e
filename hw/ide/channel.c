/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The taskfile: registers, PIO, packets, reset and interrupts of two drives on a cable.
 *
 * ATA/ATAPI-7 volume 2: 5.2 registers, 9 protocols (9.3 software reset, 9.5 PIO in, 9.6 PIO out,
 * 9.7 DMA, 9.8 PACKET).
 *
 * What a command does while the host waits (BSY) are tasks of ata.c. Their progress stands in the
 * drive's state, so that a loaded machine starts the same task again and skips what was moved.
 *
 * home: the machine's lock domain.
 */
#include <string.h>

#include "base/log.h"
#include "base/trace.h"
#include "hw/ide/channel.h"

TRACE_EVENT(ide_command, "%s unit %u command 0x%02x");

enum { DATA, ERROR_FEATURE, COUNT, LBAL, LBAM, LBAH, DEVICE, STATUS_COMMAND };

static IdeDrive *selected(const IdeChannel *c)
{
    return c->bus.drive[c->select & ATA_DEV ? 1 : 0];
}

static void raise_irq(IdeChannel *c, IdeDrive *d)
{
    d->intrq = 1;
    if (d == selected(c)) {
        c->ops->intrq(c);
    }
    device_update(c->owner);
}

bool ide_channel_irq(const IdeChannel *c)
{
    const IdeDrive *d = selected(c);

    return d && d->intrq && !(c->control & ATA_NIEN);
}

static bool is_packet(const IdeDrive *d)
{
    return d->cmd.command == 0xa0;
}

/* ---- tasks ---- */

static void forget_task(IdeDrive *d)
{
    AtaTask *t = g_steal_pointer(&d->task);

    if (t) {
        scsi_task_clear(&t->s);
        g_free(t);
    }
}

static void take_results(IdeDrive *d, const AtaTask *t)
{
    const AtaRegs *r = &t->regs;

    memcpy(d->regs.count, r->count, 2);
    memcpy(d->regs.lbal, r->lbal, 2);
    memcpy(d->regs.lbam, r->lbam, 2);
    memcpy(d->regs.lbah, r->lbah, 2);
    d->regs.device = r->device;
}

/* The command is over. */
static void complete(IdeChannel *c, IdeDrive *d, uint8_t status, uint8_t error)
{
    bool quiet = d->cmd.command == 0x08; /* DEVICE RESET */

    d->phase = IDE_IDLE;
    d->done = d->len = 0;
    d->pio_pos = d->pio_len = 0;
    d->finished = 0;
    d->regs.status = status;
    d->regs.error = error;
    forget_task(d);
    if (!quiet) {
        raise_irq(c, d);
    }
}

/* Bytes of the next DRQ block. ATAPI: the host's limit stands in cmd (even, unless it is the rest).
 */
static uint32_t next_block(const IdeDrive *d)
{
    uint64_t left = d->len - d->done;
    uint32_t block;

    if (is_packet(d)) {
        block = d->cmd.lbam[0] | d->cmd.lbah[0] << 8;
        block = block ? block : 0xfffe;
        block = left > block ? MAX(block & ~1u, 2) : block;
    } else {
        block = d->task->drq;
    }
    return MIN(MIN(block, left), IDE_PIO_MAX);
}

static void packet_registers(IdeDrive *d, uint8_t reason, uint32_t bytes)
{
    if (is_packet(d)) {
        d->regs.count[0] = reason;
        d->regs.lbam[0] = bytes;
        d->regs.lbah[0] = bytes >> 8;
    }
}

static void fetch(IdeDrive *d)
{
    d->phase = IDE_FETCH;
    d->regs.status = ATA_BSY;
    d->pio_pos = 0;
    d->pio_len = next_block(d);
    d->pio_iov = (struct iovec){d->pio, d->pio_len};
    scsi_task_move(&d->task->s, &d->pio_iov, 1);
}

/* A block is in the buffer for the host. */
static void offer(IdeChannel *c, IdeDrive *d)
{
    d->phase = IDE_PIO_IN;
    d->regs.status = ATA_DRDY | ATA_DSC | ATA_DRQ;
    packet_registers(d, 2, d->pio_len);
    raise_irq(c, d);
}

static void expect(IdeChannel *c, IdeDrive *d, bool irq)
{
    d->phase = IDE_PIO_OUT;
    d->pio_pos = 0;
    d->pio_len = next_block(d);
    d->regs.status = ATA_DRDY | ATA_DSC | ATA_DRQ;
    packet_registers(d, 0, d->pio_len);
    if (irq || is_packet(d)) {
        raise_irq(c, d);
    }
}

static void store(IdeDrive *d)
{
    d->phase = IDE_STORE;
    d->regs.status = ATA_BSY;
    d->pio_iov = (struct iovec){d->pio, d->pio_len};
    scsi_task_move(&d->task->s, &d->pio_iov, 1);
}

static void on_moved(AtaTask *t)
{
    IdeDrive *d = t->drive;
    IdeChannel *c = t->hba;

    switch (d->phase) {
    case IDE_FETCH:
        offer(c, d);
        break;
    case IDE_STORE:
        d->done += d->pio_len;
        expect(c, d, true);
        break;
    case IDE_DMA: /* the host's list is too short: no interrupt, it will time out */
        c->ops->dma_end(c, t->s.moved, true);
        d->phase = IDE_IDLE;
        d->regs.status = ATA_DRDY | ATA_DSC;
        forget_task(d);
        break;
    }
}

static void on_done(AtaTask *t)
{
    IdeDrive *d = t->drive;
    IdeChannel *c = t->hba;
    uint8_t status = t->regs.status, error = t->regs.error;
    uint8_t phase = d->phase;

    take_results(d, t);
    if (phase == IDE_DMA) {
        c->ops->dma_end(c, t->s.moved, false);
    }
    if (phase == IDE_FETCH && !(status & ATA_ERR)) {
        d->finished = 1;
        d->end_status = status;
        d->end_error = error;
        forget_task(d);
        offer(c, d);
        return;
    }
    complete(c, d, status, error);
}

static AtaTask *new_task(IdeChannel *c, IdeDrive *d)
{
    AtaTask *t = g_new(AtaTask, 1);

    ata_task_init(t, d, &d->cmd);
    t->on_moved = on_moved;
    t->on_done = on_done;
    t->hba = c;
    d->task = t;
    return t;
}

/* ---- beginning a command ---- */

static void wait_for_dma(IdeChannel *c, IdeDrive *d)
{
    d->phase = IDE_DMA_WAIT;
    d->regs.status = ATA_DRDY | ATA_DSC | ATA_DRQ;
    if (d == selected(c)) {
        c->ops->dma_ready(c);
    }
}

static void data_phase(IdeChannel *c, IdeDrive *d)
{
    AtaTask *t = d->task;

    d->len = t->s.len;
    if (t->proto == ATA_DMA || (t->proto == ATA_PACKET && t->packet_dma)) {
        wait_for_dma(c, d);
    } else if (t->s.dir == SCSI_IN) {
        fetch(d);
    } else {
        expect(c, d, false);
    }
}

static void await_packet(IdeDrive *d)
{
    d->phase = IDE_CDB;
    d->pio_pos = 0;
    d->pio_len = ATAPI_CDB;
    d->regs.status = ATA_DRDY | ATA_DSC | ATA_DRQ;
    d->regs.count[0] = 1; /* C/D */
}

static void begin(IdeChannel *c, IdeDrive *d)
{
    if (d->task) { /* the host gave up on it: a task whose data it never took */
        scsi_lu_cancel(&d->lu);
        forget_task(d);
    }
    d->cmd = d->regs;
    d->phase = IDE_BUSY;
    d->intrq = 0;
    d->finished = 0;
    d->done = d->len = 0;
    d->regs.status = ATA_BSY;
    d->regs.error = 0;
    AtaTask *t = new_task(c, d);
    if (ata_start(t)) {
        if (t->proto == ATA_PACKET) {
            await_packet(d);
        } else {
            data_phase(c, d);
        }
    }
}

static void abandon(IdeDrive *d)
{
    scsi_lu_cancel(&d->lu);
    forget_task(d);
    d->phase = IDE_IDLE;
    d->done = d->len = 0;
    d->pio_pos = d->pio_len = 0;
    d->finished = 0;
}

/* Signature and status, as after a reset or a diagnostic. */
static void show_signature(IdeDrive *d, uint8_t device)
{
    ata_signature(d, &d->regs);
    d->regs.device = device;
    d->intrq = 0;
}

static void diagnostic(IdeChannel *c)
{
    for (int i = 0; i < 2; i++) {
        IdeDrive *d = c->bus.drive[i];
        if (d) {
            abandon(d);
            show_signature(d, 0);
        }
    }
    c->select &= ~ATA_DEV;
    if (c->bus.drive[0]) {
        raise_irq(c, c->bus.drive[0]);
    }
}

static void command(IdeChannel *c, uint8_t op)
{
    IdeDrive *d = selected(c);

    if (op == 0x90 && (c->bus.drive[0] || c->bus.drive[1])) {
        diagnostic(c);
        return;
    }
    if (!d) {
        return;
    }
    trace(ide_command, c->bus.bus.name, d->unit, op);
    if (op == 0x08 && d->cd) {
        abandon(d);
        show_signature(d, d->regs.device & ATA_DEV);
        return;
    }
    if (d->regs.status & (ATA_BSY | ATA_DRQ)) {
        log_mask(LOG_GUEST_ERROR, "ide: command 0x%02x while another one is under way\n", op);
        return;
    }
    d->regs.command = op;
    begin(c, d);
}

/* ---- the data port ---- */

static void drained(IdeChannel *c, IdeDrive *d)
{
    d->done += d->pio_len;
    d->pio_pos = d->pio_len = 0;
    if (d->done < d->len) {
        if (d->task) {
            fetch(d);
        } else {
            complete(c, d, ATA_DRDY | ATA_ERR, ATA_ABRT); /* loaded, not restarted yet */
        }
        return;
    }
    if (is_packet(d)) {
        d->regs.count[0] = 3;
        complete(c, d, d->end_status, d->end_error);
        return;
    }
    d->phase = IDE_IDLE;
    d->done = d->len = 0;
    d->finished = 0;
    d->regs.status = d->end_status;
    d->regs.error = d->end_error;
}

static uint32_t data_read(IdeChannel *c, IdeDrive *d, unsigned size)
{
    uint8_t b[4] = {0};

    if (!d || d->phase != IDE_PIO_IN) {
        return UINT32_MAX;
    }
    unsigned n = MIN(size, d->pio_len - d->pio_pos);
    memcpy(b, d->pio + d->pio_pos, n);
    d->pio_pos += n;
    if (d->pio_pos >= d->pio_len) {
        drained(c, d);
    }
    return ld_le32(b);
}

static void filled(IdeChannel *c, IdeDrive *d)
{
    if (!d->task) {
        return; /* loaded, and restarts soon */
    }
    if (d->phase == IDE_PIO_OUT) {
        store(d);
        return;
    }
    memcpy(d->cdb, d->pio, ATAPI_CDB);
    d->phase = IDE_BUSY;
    d->pio_pos = d->pio_len = 0;
    d->regs.status = ATA_BSY;
    if (ata_packet(d->task, d->cdb)) {
        data_phase(c, d);
    }
}

static void data_write(IdeChannel *c, IdeDrive *d, uint32_t v, unsigned size)
{
    uint8_t b[4];

    if (!d || (d->phase != IDE_PIO_OUT && d->phase != IDE_CDB) || d->pio_pos >= d->pio_len) {
        return;
    }
    unsigned n = MIN(size, d->pio_len - d->pio_pos);
    st_le32(b, v);
    memcpy(d->pio + d->pio_pos, b, n);
    d->pio_pos += n;
    if (d->pio_pos >= d->pio_len) {
        filled(c, d);
    }
}

/* ---- the other registers ---- */

static uint8_t register_read(IdeChannel *c, IdeDrive *d, unsigned reg)
{
    unsigned hob = c->control & ATA_HOB ? 1 : 0;

    if (!d) {
        return 0;
    }
    switch (reg) {
    case ERROR_FEATURE:
        return d->regs.error;
    case COUNT:
        return d->regs.count[hob];
    case LBAL:
        return d->regs.lbal[hob];
    case LBAM:
        return d->regs.lbam[hob];
    case LBAH:
        return d->regs.lbah[hob];
    case DEVICE:
        return d->regs.device | 0xa0;
    default:
        d->intrq = 0;
        device_update(c->owner);
        return d->regs.status;
    }
}

static void push(uint8_t *fifo, uint8_t v)
{
    fifo[1] = fifo[0];
    fifo[0] = v;
}

static void register_write(IdeChannel *c, unsigned reg, uint8_t v)
{
    if (reg == STATUS_COMMAND) {
        command(c, v);
        return;
    }
    if (reg == DEVICE) {
        c->select = v & ATA_DEV;
    }
    c->control &= ~ATA_HOB;
    for (int i = 0; i < 2; i++) {
        IdeDrive *d = c->bus.drive[i];
        if (!d || (d->regs.status & (ATA_BSY | ATA_DRQ))) {
            continue;
        }
        switch (reg) {
        case ERROR_FEATURE:
            push(d->regs.feature, v);
            break;
        case COUNT:
            push(d->regs.count, v);
            break;
        case LBAL:
            push(d->regs.lbal, v);
            break;
        case LBAM:
            push(d->regs.lbam, v);
            break;
        case LBAH:
            push(d->regs.lbah, v);
            break;
        case DEVICE:
            d->regs.device = v;
            break;
        }
    }
}

uint32_t ide_channel_read(IdeChannel *c, unsigned reg, unsigned size)
{
    IdeDrive *d = selected(c);
    uint32_t v = 0;

    if (reg == DATA) {
        return data_read(c, d, size);
    }
    for (unsigned i = 0; i < size && reg + i < 8; i++) {
        v |= (uint32_t)register_read(c, d, reg + i) << (8 * i);
    }
    return v;
}

void ide_channel_write(IdeChannel *c, unsigned reg, uint32_t v, unsigned size)
{
    if (reg == DATA) {
        data_write(c, selected(c), v, size);
        return;
    }
    for (unsigned i = 0; i < size && reg + i < 8; i++) {
        register_write(c, reg + i, v >> (8 * i));
    }
}

uint8_t ide_channel_alt_status(IdeChannel *c)
{
    IdeDrive *d = selected(c);

    return d ? d->regs.status : 0;
}

/* Device control. SRST: both drives are busy while it is set and show their signature after it. */
void ide_channel_control(IdeChannel *c, uint8_t v)
{
    uint8_t old = c->control;

    c->control = v & (ATA_NIEN | ATA_SRST | ATA_HOB);
    if (!((old ^ v) & ATA_SRST)) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        IdeDrive *d = c->bus.drive[i];
        if (!d) {
            continue;
        }
        if (v & ATA_SRST) {
            abandon(d);
            d->intrq = 0;
            d->regs.status = ATA_BSY;
        } else {
            ata_reset(d, false);
            show_signature(d, 0);
        }
    }
    if (!(v & ATA_SRST)) {
        c->select = 0;
    }
}

/* ---- the bus master's side ---- */

AtaTask *ide_channel_dma_task(IdeChannel *c)
{
    IdeDrive *d = selected(c);

    return d && d->phase == IDE_DMA_WAIT ? d->task : NULL;
}

void ide_channel_dma(IdeChannel *c, const struct iovec *iov, int niov)
{
    IdeDrive *d = selected(c);

    d->phase = IDE_DMA;
    d->regs.status = ATA_BSY;
    scsi_task_move(&d->task->s, iov, niov);
}

void ide_channel_dma_abort(IdeChannel *c, bool error)
{
    for (int i = 0; i < 2; i++) {
        IdeDrive *d = c->bus.drive[i];
        if (!d || (d->phase != IDE_DMA && !(error && d->phase == IDE_DMA_WAIT))) {
            continue;
        }
        abandon(d);
        d->regs.status = ATA_DRDY | ATA_DSC | ATA_ERR;
        d->regs.error = ATA_ABRT;
        if (error) {
            raise_irq(c, d);
        }
    }
}

/* ---- reset and load ---- */

void ide_channel_cancel(IdeChannel *c)
{
    for (int i = 0; i < 2; i++) {
        if (c->bus.drive[i]) {
            scsi_lu_cancel(&c->bus.drive[i]->lu);
            forget_task(c->bus.drive[i]);
        }
    }
}

static void restart(IdeChannel *c, IdeDrive *d)
{
    uint64_t moved = d->phase == IDE_PIO_IN ? d->done + d->pio_len
                     : d->phase == IDE_DMA  ? 0
                                            : d->done;

    if (d->phase == IDE_IDLE || d->finished || d->task) {
        return;
    }
    AtaTask *t = new_task(c, d);
    if (!ata_start(t)) {
        return;
    }
    if (d->phase != IDE_CDB && t->proto == ATA_PACKET && !ata_packet(t, d->cdb)) {
        return;
    }
    if (d->phase == IDE_CDB) {
        if (t->proto != ATA_PACKET || d->pio_len != ATAPI_CDB) {
            complete(c, d, ATA_DRDY | ATA_ERR, ATA_ABRT);
        } else if (d->pio_pos >= d->pio_len) {
            filled(c, d);
        }
        return;
    }
    /* Parameters in pieces cannot be had again. */
    if (d->len != t->s.len || moved >= d->len || (t->s.exec && moved) || d->phase == IDE_BUSY) {
        complete(c, d, ATA_DRDY | ATA_ERR, ATA_ABRT);
        return;
    }
    scsi_task_skip(&t->s, moved);
    switch (d->phase) {
    case IDE_FETCH:
        fetch(d);
        break;
    case IDE_STORE:
        store(d);
        break;
    case IDE_PIO_OUT:
        if (d->pio_pos >= d->pio_len) {
            filled(c, d);
        }
        break;
    case IDE_DMA:
    case IDE_DMA_WAIT:
        wait_for_dma(c, d);
        break;
    }
}

void ide_channel_restart(IdeChannel *c)
{
    for (int i = 0; i < 2; i++) {
        if (c->bus.drive[i]) {
            restart(c, c->bus.drive[i]);
        }
    }
}
