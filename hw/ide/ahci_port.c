/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port of AHCI: command list, received FISes, errors, resets.
 *
 * Serial ATA AHCI 1.3.1: 3.3 port registers, 4.2 memory structures, 5 data transfer, 6.2 errors,
 * 9.3 and 10.4 resets. Serial ATA 2.6: 10.3 FIS types.
 *
 * A command is one AtaTask whose data phase gets all of the PRD table at once; PIO differs from
 * DMA only by its FIS. Commands under way are marked in `running`: a loaded machine reads their
 * headers again, which the driver may not change before they end.
 *
 * Left out: port multipliers, FIS-based switching, DMA setup with auto-activate, enclosure
 * management, power management of the link, BIST.
 *
 * home: the machine's lock domain.
 */
#include <string.h>

#include "base/log.h"
#include "base/trace.h"
#include "hw/ide/ahci.h"

TRACE_EVENT(ahci_issue, "port %u slot %u command 0x%02x prdtl %u");
TRACE_EVENT(ahci_complete, "port %u slot %u status 0x%02x error 0x%02x bytes %llu");

enum { /* registers */
       CLB = 0x00,
       CLBU = 0x04,
       FB = 0x08,
       FBU = 0x0c,
       IS = 0x10,
       IE = 0x14,
       CMD = 0x18,
       TFD = 0x20,
       SIG = 0x24,
       SSTS = 0x28,
       SCTL = 0x2c,
       SERR = 0x30,
       SACT = 0x34,
       CI = 0x38,
       SNTF = 0x3c,
};
/* CMD */
#define ST     (1u << 0)
#define SUD    (1u << 1)
#define POD    (1u << 2)
#define CLO    (1u << 3)
#define FRE    (1u << 4)
#define CCS    (0x1fu << 8)
#define FR     (1u << 14)
#define CR     (1u << 15)
#define ATAPI  (1u << 24)
#define CMD_RW (ST | FRE | ATAPI | 1u << 25 | 0xf0000000u)
/* IS */
#define DHRS    (1u << 0)
#define PSS     (1u << 1)
#define SDBS    (1u << 3)
#define PCS     (1u << 6)
#define PRCS    (1u << 22)
#define OFS     (1u << 24)
#define HBFS    (1u << 29)
#define TFES    (1u << 30)
#define IS_RO   (PCS | PRCS)
#define IS_MASK 0xfdc000ffu
#define SERR_X  (1u << 26)
/* Command header */
#define H_ATAPI (1u << 5)
#define H_WRITE (1u << 6)
#define H_RESET (1u << 8)
#define H_CLEAR (1u << 10)

#define PRD_CHUNK 64 /* descriptors read at a time */

static IdeDrive *drive(const AhciPort *p)
{
    return p->bus.drive[0];
}

static uint64_t list_base(const AhciPort *p)
{
    return ((uint64_t)p->clbu << 32 | p->clb) & ~0x3ffull;
}

static uint64_t fis_base(const AhciPort *p)
{
    return ((uint64_t)p->fbu << 32 | p->fb) & ~0xffull;
}

static void post(AhciPort *p, uint32_t bits)
{
    p->is |= bits;
    ahci_update(p->hba);
}

/* ---- FISes to the host ---- */

static void receive(AhciPort *p, unsigned at, const uint8_t *fis, unsigned len)
{
    if (p->cmd & FR) {
        pci_dma_write(&p->hba->pci, fis_base(p) + at, fis, len);
    }
}

/* Bytes 2 to 13, which the register and the PIO FIS share. */
static void put_registers(uint8_t *f, const AtaRegs *r)
{
    f[2] = r->status;
    f[3] = r->error;
    f[4] = r->lbal[0];
    f[5] = r->lbam[0];
    f[6] = r->lbah[0];
    f[7] = r->device;
    f[8] = r->lbal[1];
    f[9] = r->lbam[1];
    f[10] = r->lbah[1];
    f[12] = r->count[0];
    f[13] = r->count[1];
}

static void send_register_fis(AhciPort *p, const AtaRegs *r, bool interrupt)
{
    uint8_t f[20] = {0x34, interrupt ? 0x40 : 0};

    put_registers(f, r);
    receive(p, 0x40, f, sizeof(f));
    p->tfd = r->error << 8 | r->status;
    post(p, (interrupt ? DHRS : 0) | (r->status & ATA_ERR ? TFES : 0));
}

static void send_pio_fis(AhciPort *p, const AtaRegs *r, uint32_t bytes, bool to_host)
{
    uint8_t f[20] = {0x5f, 0x40 | (to_host ? 0x20 : 0)};

    put_registers(f, r);
    f[2] = r->status | ATA_DRQ;
    f[15] = r->status; /* after the transfer */
    st_le16(f + 16, bytes);
    receive(p, 0x20, f, sizeof(f));
    p->tfd = r->error << 8 | r->status;
    post(p, PSS);
}

static void send_set_bits_fis(AhciPort *p, uint8_t status, uint8_t error, uint32_t finished)
{
    uint8_t f[8] = {0xa1, 0x40, status & 0x77, error};

    st_le32(f + 4, finished);
    receive(p, 0x58, f, sizeof(f));
    p->tfd = error << 8 | (status & 0x77) | (p->tfd & 0x88);
    p->sact &= ~finished;
    post(p, SDBS | (status & ATA_ERR ? TFES : 0));
}

/* The first FIS after a reset: who is there. Kept until the host wants to have FISes. */
static void send_signature(AhciPort *p)
{
    const AtaRegs *r = &p->sig_regs;

    if (!p->sig_pending || !(p->cmd & FR)) {
        return;
    }
    p->sig_pending = 0;
    p->sig = r->count[0] | r->lbal[0] << 8 | r->lbam[0] << 16 | (uint32_t)r->lbah[0] << 24;
    send_register_fis(p, r, false);
}

static void reset_device(AhciPort *p, bool hard)
{
    IdeDrive *d = drive(p);

    if (!d) {
        return;
    }
    ata_reset(d, hard);
    ata_signature(d, &p->sig_regs);
    p->sig_pending = 1;
    send_signature(p);
}

/* ---- commands ---- */

static void free_slot(AhciSlot *s)
{
    s->port->slot[s->slot] = NULL;
    scsi_task_clear(&s->t.s);
    ide_sg_fini(&s->sg);
    g_free(s);
}

void ahci_port_cancel(AhciPort *p)
{
    bool any = false;

    /* Not by `running`, which a reset or a load may have changed already. */
    for (int i = 0; i < AHCI_SLOTS; i++) {
        any |= p->slot[i] != NULL;
    }
    if (any && drive(p)) {
        scsi_lu_cancel(&drive(p)->lu);
    }
    for (int i = 0; i < AHCI_SLOTS && any; i++) {
        if (p->slot[i]) {
            free_slot(p->slot[i]);
        }
    }
}

/* Nothing goes on after an error before the driver cleared ST. */
static void halt(AhciPort *p, unsigned slot)
{
    ahci_port_cancel(p);
    p->running = p->queued = 0;
    p->halted = 1;
    p->cmd = (p->cmd & ~CCS) | slot << 8;
}

static void issue(AhciPort *p);

static void bus_error(AhciPort *p, unsigned slot, uint32_t bit)
{
    log_mask(LOG_GUEST_ERROR, "ahci: port %u, slot %u: bad memory structure\n", p->n, slot);
    halt(p, slot);
    post(p, bit);
}

static void end_queued(AhciSlot *s)
{
    AhciPort *p = s->port;
    unsigned n = s->slot;
    AtaRegs r = s->t.regs;

    if (r.status & ATA_ERR) {
        ata_log_ncq_error(drive(p), n, &r);
        halt(p, n); /* frees s */
        send_set_bits_fis(p, r.status, r.error, 0);
        return;
    }
    free_slot(s);
    p->running &= ~(1u << n);
    p->queued &= ~(1u << n);
    send_set_bits_fis(p, r.status, 0, 1u << n);
    issue(p);
}

static void end_command(AhciSlot *s)
{
    AhciPort *p = s->port;
    unsigned n = s->slot;
    AtaRegs r = s->t.regs;
    AtaTask *t = &s->t;
    bool pio = t->proto == ATA_PIO_IN || t->proto == ATA_PIO_OUT ||
               (t->proto == ATA_PACKET && !t->packet_dma);
    uint64_t moved = t->s.moved;
    uint8_t count[4];

    st_le32(count, moved);
    pci_dma_write(&p->hba->pci, s->header + 4, count, sizeof(count));
    if (r.status & ATA_ERR) {
        halt(p, n);
        send_register_fis(p, &r, true);
        return;
    }
    bool pio_in = pio && t->proto == ATA_PIO_IN && moved;
    bool reset = t->proto == ATA_RESET;
    if (pio && moved) {
        send_pio_fis(p, &r, moved, t->proto != ATA_PIO_OUT);
    }
    free_slot(s);
    p->running &= ~(1u << n);
    p->ci &= ~(1u << n);
    if (!pio_in) { /* PIO data-in ends with its data */
        send_register_fis(p, &r, !reset);
    } else {
        ahci_update(p->hba);
    }
    issue(p);
}

static void on_done(AtaTask *t)
{
    AhciSlot *s = (AhciSlot *)t;
    AhciPort *p = s->port;

    trace(ahci_complete, p->n, s->slot, t->regs.status, t->regs.error,
          (unsigned long long)t->s.moved);
    if (s->sg.iov) {
        ide_sg_done(&s->sg, &p->hba->pci, t->s.moved);
    }
    if (p->queued & 1u << s->slot) {
        end_queued(s);
    } else {
        end_command(s);
    }
}

/* The PRD table had less than the device wanted. */
static void on_moved(AtaTask *t)
{
    AhciSlot *s = (AhciSlot *)t;
    AhciPort *p = s->port;

    ide_sg_done(&s->sg, &p->hba->pci, t->s.moved);
    bus_error(p, s->slot, OFS);
}

static bool gather(AhciSlot *s, uint64_t table, unsigned entries)
{
    PciDevice *pci = &s->port->hba->pci;
    uint8_t prd[PRD_CHUNK * 16];
    uint64_t want = s->t.s.len;

    ide_sg_init(&s->sg, s->t.s.dir == SCSI_IN);
    for (unsigned i = 0; i < entries && s->sg.bytes < want; i += PRD_CHUNK) {
        unsigned n = MIN(PRD_CHUNK, entries - i);
        if (pci_dma_read(pci, table + 16ull * i, prd, 16 * n) != MEM_OK) {
            return false;
        }
        for (unsigned k = 0; k < n && s->sg.bytes < want; k++) {
            uint64_t len = (ld_le32(prd + 16 * k + 12) & 0x3fffff) + 1;
            if (!ide_sg_add(&s->sg, pci, ld_le64(prd + 16 * k) & ~1ull,
                            MIN(len, want - s->sg.bytes))) {
                return false;
            }
        }
    }
    return true;
}

/* Register FIS from the host, 20 bytes. */
static void take_registers(const uint8_t *f, AtaRegs *r)
{
    *r = (AtaRegs){
        .feature = {f[3], f[11]},
        .count = {f[12], f[13]},
        .lbal = {f[4], f[8]},
        .lbam = {f[5], f[9]},
        .lbah = {f[6], f[10]},
        .device = f[7],
        .command = f[2],
    };
}

/* C=0: the device control register. SRST, set and cleared, is a reset. */
static void control_fis(AhciPort *p, unsigned slot, const uint8_t *f)
{
    p->ci &= ~(1u << slot);
    p->running &= ~(1u << slot);
    if (f[15] & ATA_SRST) {
        p->in_reset = 1;
    } else if (p->in_reset) {
        p->in_reset = 0;
        p->tfd = ATA_BSY;
        reset_device(p, false);
    }
}

static void data_phase(AhciSlot *s, uint64_t table, unsigned entries)
{
    AhciPort *p = s->port;

    if (!gather(s, table, entries)) {
        bus_error(p, s->slot, HBFS);
        return;
    }
    scsi_task_move(&s->t.s, (struct iovec *)s->sg.iov->data, s->sg.iov->len);
}

/* The device takes the command. again: it had it already, before a load. */
static void run_command(AhciSlot *s, const uint8_t *head, const uint8_t *table, bool again)
{
    AhciPort *p = s->port;
    unsigned entries = ld_le16(head + 2);
    uint64_t prdt = (ld_le64(head + 8) & ~0x7full) + 0x80;
    uint8_t op = s->t.regs.command;
    bool queued = op == 0x60 || op == 0x61;

    trace(ahci_issue, p->n, s->slot, op, entries);
    p->tfd |= queued ? 0 : ATA_BSY;
    if (queued) {
        s->t.regs.count[0] = s->t.regs.count[0] >> 3;
        if (s->t.regs.count[0] != s->slot || !(p->sact & 1u << s->slot)) {
            p->tfd &= ~ATA_BSY;
            ata_abort(&s->t, ATA_ABRT);
            return;
        }
        p->queued |= 1u << s->slot;
        if (!again) { /* released: the driver sees it in SACT */
            AtaRegs released = {.status = ATA_DRDY | ATA_DSC};
            p->ci &= ~(1u << s->slot);
            send_register_fis(p, &released, false);
        }
    }
    if (!ata_start(&s->t)) {
        return;
    }
    if (s->t.proto != ATA_PACKET || ata_packet(&s->t, table + 0x40)) {
        data_phase(s, prdt, entries);
    }
}

static void start_slot(AhciPort *p, unsigned n, bool again)
{
    PciDevice *pci = &p->hba->pci;
    uint64_t header = list_base(p) + 32 * n;
    uint8_t head[32], table[0x60];
    AtaRegs regs;

    if (pci_dma_read(pci, header, head, sizeof(head)) != MEM_OK ||
        pci_dma_read(pci, ld_le64(head + 8) & ~0x7full, table, sizeof(table)) != MEM_OK) {
        bus_error(p, n, HBFS);
        return;
    }
    if ((head[0] & 0x1f) < 2 || table[0] != 0x27) {
        bus_error(p, n, HBFS);
        return;
    }
    p->running |= 1u << n;
    p->cmd = (p->cmd & ~CCS) | n << 8;
    if (!(table[1] & 0x80)) {
        control_fis(p, n, table);
        return;
    }
    take_registers(table, &regs);
    AhciSlot *s = g_new0(AhciSlot, 1);
    ata_task_init(&s->t, drive(p), &regs);
    s->t.on_moved = on_moved;
    s->t.on_done = on_done;
    s->port = p;
    s->slot = n;
    s->header = header;
    s->flags = ld_le16(head);
    p->slot[n] = s;
    run_command(s, head, table, again);
}

/* May the device take slot n now? Queued commands run together, the others alone. */
static bool may_start(const AhciPort *p)
{
    return (p->cmd & ST) && !p->halted && drive(p) && !(p->running & ~p->queued);
}

static bool is_queued(AhciPort *p, unsigned n)
{
    PciDevice *pci = &p->hba->pci;
    uint8_t head[16], fis[4];

    return pci_dma_read(pci, list_base(p) + 32 * n, head, sizeof(head)) == MEM_OK &&
           pci_dma_read(pci, ld_le64(head + 8) & ~0x7full, fis, sizeof(fis)) == MEM_OK &&
           fis[0] == 0x27 && (fis[1] & 0x80) && (fis[2] == 0x60 || fis[2] == 0x61);
}

/* Starts what can be started; ends of commands come back here. */
static void issue(AhciPort *p)
{
    if (p->issuing) {
        return;
    }
    p->issuing = true;
    for (bool more = true; more;) {
        more = false;
        for (unsigned n = 0; n < AHCI_SLOTS && may_start(p); n++) {
            if (!(p->ci & ~p->running & 1u << n) || (p->running && !is_queued(p, n))) {
                continue;
            }
            start_slot(p, n, false);
            /* What ended at once may have let others in; each turn takes a bit out of CI. */
            more = !p->running && (p->ci & ~p->running);
        }
    }
    p->issuing = false;
}

void ahci_port_restart(AhciPort *p)
{
    uint32_t again = p->running;

    if (!drive(p) || p->halted || !(p->cmd & ST)) {
        p->running = p->queued = 0;
        return;
    }
    p->issuing = true;
    for (unsigned n = 0; n < AHCI_SLOTS; n++) {
        if ((again & 1u << n) && !p->slot[n] && !p->halted) {
            start_slot(p, n, true);
        }
    }
    p->issuing = false;
    issue(p);
}

/* ---- registers ---- */

void ahci_port_reset(AhciPort *p)
{
    ahci_port_cancel(p);
    p->clb = p->clbu = p->fb = p->fbu = p->is = p->ie = 0;
    p->cmd = SUD | POD;
    p->sctl = p->serr = p->sact = p->ci = 0;
    p->running = p->queued = 0;
    p->in_reset = p->halted = p->sig_pending = 0;
    p->tfd = 0x7f;
    p->sig = 0xffffffff;
    p->ssts = 0;
    memset(&p->sig_regs, 0, sizeof(p->sig_regs));
    if (drive(p)) {
        p->ssts = 0x113; /* there, first generation, active */
        reset_device(p, true);
    }
}

/* COMRESET: DET goes to 1 and back to 0. */
static void write_sctl(AhciPort *p, uint32_t v)
{
    unsigned was = p->sctl & 0xf, is = v & 0xf;

    p->sctl = v & 0xfff;
    if (is == 1 && was != 1) {
        ahci_port_cancel(p);
        p->running = p->queued = 0;
        p->in_reset = 0;
        p->ssts = drive(p) ? 1 : 0;
        p->tfd = 0x7f;
        p->sig = 0xffffffff;
    } else if (is == 4 && was != 4) {
        ahci_port_cancel(p);
        p->running = p->queued = 0;
        p->ssts = 4; /* offline */
        p->tfd = 0x7f;
    } else if (is == 0 && was != 0 && drive(p)) {
        p->ssts = 0x113;
        p->serr |= SERR_X;
        p->tfd = ATA_BSY;
        reset_device(p, true);
        ahci_update(p->hba);
    }
}

static void stop(AhciPort *p)
{
    ahci_port_cancel(p);
    p->running = p->queued = 0;
    p->ci = p->sact = 0;
    p->halted = 0;
    p->cmd &= ~(CR | CCS);
    if (!(p->tfd & ATA_ERR)) {
        p->tfd &= ~(ATA_BSY | ATA_DRQ);
    }
}

static void write_cmd(AhciPort *p, uint32_t v)
{
    uint32_t old = p->cmd;

    p->cmd = (old & ~CMD_RW) | (v & CMD_RW & 0x0fffffff); /* ICC is done at once */
    if ((v & CLO) && !(old & ST)) {
        p->tfd &= ~(ATA_BSY | ATA_DRQ);
    }
    if ((old & ST) && !(v & ST)) {
        stop(p);
    }
    p->cmd = v & FRE ? p->cmd | FR : p->cmd & ~FR;
    p->cmd = v & ST ? p->cmd | CR : p->cmd & ~CR;
    send_signature(p);
    issue(p);
}

uint32_t ahci_port_read(AhciPort *p, unsigned reg)
{
    switch (reg) {
    case CLB:
        return p->clb;
    case CLBU:
        return p->clbu;
    case FB:
        return p->fb;
    case FBU:
        return p->fbu;
    case IS:
        return p->is | (p->serr & SERR_X ? PCS : 0) | (p->serr & 1u << 16 ? PRCS : 0);
    case IE:
        return p->ie;
    case CMD:
        return p->cmd;
    case TFD:
        return p->tfd;
    case SIG:
        return p->sig;
    case SSTS:
        return p->ssts;
    case SCTL:
        return p->sctl;
    case SERR:
        return p->serr;
    case SACT:
        return p->sact;
    case CI:
        return p->ci;
    default:
        return 0;
    }
}

void ahci_port_write(AhciPort *p, unsigned reg, uint32_t v)
{
    switch (reg) {
    case CLB:
        p->clb = v & ~0x3ffu;
        break;
    case CLBU:
        p->clbu = v;
        break;
    case FB:
        p->fb = v & ~0xffu;
        break;
    case FBU:
        p->fbu = v;
        break;
    case IS:
        p->is &= ~(v & ~IS_RO);
        break;
    case IE:
        p->ie = v & IS_MASK;
        break;
    case CMD:
        write_cmd(p, v);
        break;
    case SCTL:
        write_sctl(p, v);
        break;
    case SERR:
        p->serr &= ~v;
        break;
    case SACT:
        p->sact |= p->cmd & ST ? v : 0;
        break;
    case CI:
        p->ci |= p->cmd & ST ? v : 0;
        issue(p);
        break;
    }
}

bool ahci_port_valid(const AhciPort *p)
{
    return !(p->queued & ~p->running) && !(p->clb & 0x3ff) && !(p->fb & 0xff) && p->in_reset <= 1 &&
           p->halted <= 1 && p->sig_pending <= 1 && !(p->ie & ~IS_MASK);
}
