/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * i8259: the two cascaded interrupt controllers of a PC/AT.
 *
 * Intel 8259A data sheet (order 231468): initialization command words, operation
 * command words, "Fully Nested Mode", "Automatic Rotation", "Special Mask Mode",
 * "Poll Command", "Edge and Level Triggered Modes", "Special Fully Nested Mode".
 * Edge/level control registers 4d0/4d1: 82371SB (PIIX3) data sheet, 2.5.
 *
 * A request latched by an edge stays in the IRR when its line falls before the
 * acknowledge; the data sheet would answer with IR7. Timers of a virtual
 * machine are late more often than a bus is noisy. MCS-80 mode (ICW4.uPM = 0) is
 * treated as 8086 mode.
 *
 * outputs: 0 = INT of the master.  home: the machine's lock domain.
 */
#include "hw/intc/i8259.h"
#include "base/bits.h"
#include "core/machine.h"
#include "core/pcchips.h"

enum { MASTER, SLAVE };
#define CASCADE 2
#define LTIM    0x08 /* ICW1: level triggered */

typedef struct Pic {
    Device dev;
    /* one byte per chip */
    uint8_t level[2]; /* input pins */
    uint8_t irr[2];   /* latched by edges; level inputs are added when read */
    uint8_t isr[2];
    uint8_t imr[2];
    uint8_t elcr[2];
    uint8_t base[2]; /* ICW2 */
    uint8_t icw1[2];
    uint8_t icw4[2];
    uint8_t init[2];   /* initialization word awaited: 0 (none), 2, 3, 4 */
    uint8_t lowest[2]; /* input of lowest priority */
    uint8_t read_isr[2];
    uint8_t poll[2];
    uint8_t special_mask[2];
    uint8_t rotate_aeoi[2];
    LentChip lent; /* the host has all but `level` and knows the wires */
    uint64_t rises[PIC_PINS]; /* of the inputs, for `info irq` */
} Pic;

#define ICW1_IC4  0x01
#define ICW4_AEOI 0x02
#define ICW4_SFNM 0x10

/* ---- priorities ---- */

/* Position below the top of the rotating priority order, 8 = none. */
static int rank(const Pic *s, int c, uint8_t bits)
{
    for (int r = 0; r < 8; r++) {
        if (bits & 1 << ((s->lowest[c] + 1 + r) & 7)) {
            return r;
        }
    }
    return 8;
}

static int input_of_rank(const Pic *s, int c, int r)
{
    return (s->lowest[c] + 1 + r) & 7;
}

static bool slave_wants(const Pic *s);

static uint8_t requests(const Pic *s, int c)
{
    uint8_t level_mode = s->icw1[c] & LTIM ? 0xff : s->elcr[c];
    uint8_t irr = s->irr[c] | (s->level[c] & level_mode);

    /* The slave's INT is a pulse train in reality; to the master it is a level. */
    if (c == MASTER) {
        irr &= ~(1 << CASCADE);
        irr |= slave_wants(s) << CASCADE;
    }
    return irr;
}

/* The input that INT is raised for, -1 = none. */
static int winner(const Pic *s, int c)
{
    uint8_t isr = s->isr[c];
    int want = rank(s, c, requests(s, c) & ~s->imr[c]);

    if (s->special_mask[c]) {
        isr &= ~s->imr[c]; /* a masked level in service holds nobody back */
    }
    if (c == MASTER && (s->icw4[c] & ICW4_SFNM)) {
        isr &= ~(1 << CASCADE); /* the slave may nest in itself */
    }
    int busy = rank(s, c, isr);
    return want < busy ? input_of_rank(s, c, want) : -1;
}

static bool slave_wants(const Pic *s)
{
    return winner(s, SLAVE) >= 0;
}

static void pic_outputs(Device *d)
{
    const Pic *s = (const Pic *)d;

    irq_set(d->out[0], !s->lent.host && winner(s, MASTER) >= 0);
}

/* ---- while an accelerator has it (core/pcchips.h) ---- */

static void from_host(Device *d)
{
    Pic *s = (Pic *)d;
    PicImage img[2];

    s->lent.host->load_pic(d->machine, img);
    for (int c = 0; c < 2; c++) {
        s->irr[c] = c == MASTER ? img[c].irr & ~(1 << CASCADE) : img[c].irr;
        s->isr[c] = img[c].isr;
        s->imr[c] = img[c].imr;
        s->elcr[c] = img[c].elcr;
        s->base[c] = img[c].base;
        s->icw1[c] = (s->icw1[c] & ~ICW1_IC4) | img[c].icw4;
        s->icw4[c] = (s->icw4[c] & ~(ICW4_AEOI | ICW4_SFNM)) | (img[c].aeoi ? ICW4_AEOI : 0) | (img[c].nested ? ICW4_SFNM : 0);
        s->init[c] = img[c].init;
        s->lowest[c] = img[c].lowest;
        s->read_isr[c] = img[c].read_isr;
        s->poll[c] = img[c].poll;
        s->special_mask[c] = img[c].special_mask;
        s->rotate_aeoi[c] = img[c].rotate_aeoi;
    }
}

static void to_host(Device *d)
{
    const Pic *s = (const Pic *)d;
    PicImage img[2];

    for (int c = 0; c < 2; c++) {
        img[c] = (PicImage){
            .level = s->level[c], .irr = requests(s, c), .isr = s->isr[c], .imr = s->imr[c], .elcr = s->elcr[c],
            .base = s->base[c], .init = s->init[c], .lowest = s->lowest[c], .read_isr = s->read_isr[c], .poll = s->poll[c],
            .special_mask = s->special_mask[c], .rotate_aeoi = s->rotate_aeoi[c],
            .aeoi = (s->icw4[c] & ICW4_AEOI) != 0, .nested = (s->icw4[c] & ICW4_SFNM) != 0,
            .icw4 = (s->icw1[c] & ICW1_IC4) != 0,
        };
    }
    s->lent.host->store_pic(s->dev.machine, img);
}

static const LentChipOps lent_ops = {.fetch = from_host, .store = to_host};

/* ---- inputs and acknowledge ---- */

static void pic_set_input(void *opaque, int n, int level)
{
    Pic *s = opaque;
    int c = n >> 3;
    uint8_t bit = 1 << (n & 7);

    s->rises[n] += level && !(s->level[c] & bit);
    if (s->lent.host) {
        s->lent.host->pic_line(s->dev.machine, n, level);
    } else if (level && !(s->level[c] & bit)) {
        s->irr[c] |= bit;
    } else if (!level && ((s->icw1[c] & LTIM) || (s->elcr[c] & bit))) {
        s->irr[c] &= ~bit;
    }
    s->level[c] = level ? s->level[c] | bit : s->level[c] & ~bit;
    device_update(&s->dev);
}

Irq i8259_input(Device *pic, int n)
{
    return (Irq){.handler = pic_set_input, .opaque = pic, .n = n};
}

static void take(Pic *s, int c, int n)
{
    uint8_t bit = 1 << n;

    s->irr[c] &= ~bit;
    if (s->icw4[c] & ICW4_AEOI) {
        if (s->rotate_aeoi[c]) {
            s->lowest[c] = n;
        }
    } else {
        s->isr[c] |= bit;
    }
}

/* One INTA (or poll) on one chip: the input served, 7 when nothing is left. */
static int take_winner(Pic *s, int c)
{
    int n = winner(s, c);

    if (n < 0) {
        return 7;
    }
    take(s, c, n);
    return n;
}

int i8259_acknowledge(Device *pic)
{
    Pic *s = (Pic *)pic;
    int n, vector;

    lent_chip_borrow(&s->lent);
    n = winner(s, MASTER);
    if (n == CASCADE) {
        int m = take_winner(s, SLAVE);
        take(s, MASTER, CASCADE);
        vector = s->base[SLAVE] + m;
    } else {
        vector = s->base[MASTER] + take_winner(s, MASTER);
    }
    lent_chip_give_back(&s->lent);
    device_update(pic);
    return vector;
}

/* ---- command words ---- */

static void icw1(Pic *s, int c, uint8_t v)
{
    s->irr[c] = s->isr[c] = s->imr[c] = 0;
    s->lowest[c] = 7;
    s->read_isr[c] = s->poll[c] = s->special_mask[c] = s->rotate_aeoi[c] = 0;
    s->icw1[c] = v;
    s->icw4[c] = 0;
    s->init[c] = 2;
}

static void eoi(Pic *s, int c, uint8_t v)
{
    uint8_t isr = s->isr[c];
    int n;

    if (v & 0x40) {
        n = v & 7; /* specific */
    } else {
        if (s->special_mask[c]) {
            isr &= ~s->imr[c]; /* masked levels are not cleared by a non-specific EOI */
        }
        int r = rank(s, c, isr);
        if (r == 8) {
            return;
        }
        n = input_of_rank(s, c, r);
    }
    s->isr[c] &= ~(1 << n);
    if (v & 0x80) {
        s->lowest[c] = n;
    }
}

static void ocw2(Pic *s, int c, uint8_t v)
{
    switch (v >> 5) {
    case 0: /* rotate in AEOI: clear */
    case 4: /* set */
        s->rotate_aeoi[c] = v >> 7;
        break;
    case 1: /* non-specific EOI */
    case 3: /* specific */
    case 5: /* and rotate */
    case 7:
        eoi(s, c, v);
        break;
    case 6: /* set priority */
        s->lowest[c] = v & 7;
        break;
    }
}

static void ocw3(Pic *s, int c, uint8_t v)
{
    if (v & 0x02) {
        s->read_isr[c] = v & 1;
    }
    s->poll[c] = (v >> 2) & 1;
    if (v & 0x40) {
        s->special_mask[c] = (v >> 5) & 1;
    }
}

static void write_data(Pic *s, int c, uint8_t v)
{
    switch (s->init[c]) {
    case 2:
        s->base[c] = v & 0xf8;
        s->init[c] = s->icw1[c] & 0x02 ? (s->icw1[c] & 0x01 ? 4 : 0) : 3;
        break;
    case 3: /* ICW3: which inputs have slaves is wired, not programmed, on a PC */
        s->init[c] = s->icw1[c] & 0x01 ? 4 : 0;
        break;
    case 4:
        s->icw4[c] = v & 0x1f;
        s->init[c] = 0;
        break;
    default:
        s->imr[c] = v;
        break;
    }
}

static void pic_write(Pic *s, int c, hwaddr offset, uint8_t v)
{
    lent_chip_borrow(&s->lent);
    if (offset) {
        write_data(s, c, v);
    } else if (v & 0x10) {
        icw1(s, c, v);
    } else if (v & 0x08) {
        ocw3(s, c, v);
    } else {
        ocw2(s, c, v);
    }
    lent_chip_give_back(&s->lent);
    device_update(&s->dev);
}

static uint8_t read_chip(Pic *s, int c, hwaddr offset)
{
    if (s->poll[c]) {
        int n = winner(s, c);

        s->poll[c] = 0;
        if (n < 0) {
            return 0;
        }
        take(s, c, n);
        device_update(&s->dev);
        return 0x80 | n;
    }
    if (offset) {
        return s->imr[c];
    }
    return s->read_isr[c] ? s->isr[c] : requests(s, c);
}

static uint8_t pic_read(Pic *s, int c, hwaddr offset)
{
    lent_chip_borrow(&s->lent);
    uint8_t v = read_chip(s, c, offset);
    lent_chip_give_back(&s->lent);
    return v;
}

static uint64_t master_read(void *opaque, hwaddr offset, unsigned size)
{
    return pic_read(opaque, MASTER, offset);
}

static void master_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    pic_write(opaque, MASTER, offset, v);
}

static uint64_t slave_read(void *opaque, hwaddr offset, unsigned size)
{
    return pic_read(opaque, SLAVE, offset);
}

static void slave_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    pic_write(opaque, SLAVE, offset, v);
}

static uint64_t elcr_read(void *opaque, hwaddr offset, unsigned size)
{
    Pic *s = opaque;

    lent_chip_borrow(&s->lent);
    lent_chip_give_back(&s->lent);
    return s->elcr[offset];
}

/* IRQ 0, 1, 2, 8 and 13 are edge triggered for ever. */
static void elcr_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    Pic *s = opaque;

    lent_chip_borrow(&s->lent);
    s->elcr[offset] = v & (offset == MASTER ? 0xf8 : 0xde);
    lent_chip_give_back(&s->lent);
    device_update(&s->dev);
}

static const IoOps master_ops = {master_read, master_write, .max_size = 1};
static const IoOps slave_ops = {slave_read, slave_write, .max_size = 1};
static const IoOps elcr_ops = {elcr_read, elcr_write, .max_size = 1};

/* ---- type ---- */

static bool pic_realize(Device *d, Error **errp)
{
    device_init_out(d, 1);
    device_map_ports(d, 0x20, 2, &master_ops, "pic-master");
    device_map_ports(d, 0xa0, 2, &slave_ops, "pic-slave");
    device_map_ports(d, 0x4d0, 2, &elcr_ops, "elcr");
    device_add_lent_chip(d, &((Pic *)d)->lent, &lent_ops);
    return true;
}

static void pic_info(Device *d, GString *out)
{
    Pic *s = (Pic *)d;

    lent_chip_refresh(&s->lent);
    for (int c = 0; c < 2; c++) {
        g_string_append_printf(out, "pic%d: irr=%02x imr=%02x isr=%02x elcr=%02x base=%02x\n", c,
                               requests(s, c), s->imr[c], s->isr[c], s->elcr[c], s->base[c]);
    }
}

/* The slave first. */
static void pic_pic_info(Device *d, int index, GString *out)
{
    Pic *s = (Pic *)d;

    lent_chip_refresh(&s->lent);
    for (int c = SLAVE; c >= MASTER; c--) {
        g_string_append_printf(out, "pic%d: irr=%02x imr=%02x isr=%02x hprio=%d irq_base=%02x rr_sel=%d elcr=%02x fnm=%d\n", c,
                               requests(s, c), s->imr[c], s->isr[c], (s->lowest[c] + 1) & 7, s->base[c], s->read_isr[c],
                               s->elcr[c], (s->icw4[c] & ICW4_SFNM) != 0);
    }
}

static const uint64_t *pic_irq_counts(Device *d, unsigned *n)
{
    *n = PIC_PINS;
    return ((Pic *)d)->rises;
}

static const StateField pic_state[] = {
    STATE_KEEP(Pic, STATE_U8, level, 2),
    STATE_ARRAY(Pic, STATE_U8, irr, 2, 0),
    STATE_ARRAY(Pic, STATE_U8, isr, 2, 0),
    STATE_ARRAY(Pic, STATE_U8, imr, 2, 0),
    STATE_ARRAY(Pic, STATE_U8, elcr, 2, 0),
    STATE_ARRAY(Pic, STATE_U8, base, 2, 0),
    STATE_ARRAY(Pic, STATE_U8, icw1, 2, 0),
    STATE_ARRAY(Pic, STATE_U8, icw4, 2, 0),
    STATE_ARRAY(Pic, STATE_U8, init, 2, 0),
    STATE_ARRAY(Pic, STATE_U8, lowest, 2, 7),
    STATE_ARRAY(Pic, STATE_U8, read_isr, 2, 0),
    STATE_ARRAY(Pic, STATE_U8, poll, 2, 0),
    STATE_ARRAY(Pic, STATE_U8, special_mask, 2, 0),
    STATE_ARRAY(Pic, STATE_U8, rotate_aeoi, 2, 0),
    HOST_ONLY(Pic, lent),
    HOST_ONLY(Pic, rises),
    {0},
};

const DeviceType i8259_type = {
    .name = "i8259",
    .help = "pair of 8259A interrupt controllers of a PC",
    .bus = "isa",
    .size = sizeof(Pic),
    .version = 1,
    .internal = true,
    .state = pic_state,
    .realize = pic_realize,
    .outputs = pic_outputs,
    .info = pic_info,
    .pic_info = pic_pic_info,
    .irq_counts = pic_irq_counts,
};
DEVICE_TYPE(i8259_type);
