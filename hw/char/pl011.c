/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PrimeCell UART (PL011), revision r1p4.
 *
 * Arm DDI 0183G: 2.4.1 FIFOs, 2.4.2 "system and diagnostic loopback testing", 2.8 interrupts, chapter 3 registers.
 *
 * The line has no speed: a byte written is sent at once, or as soon as the host side has room. The baud rate times
 * only the receive time-out. The transmit interrupt follows each byte that leaves, as if the FIFO had passed its level.
 * Sends and receives also while UARTCR says that the UART is off, which programs written for emulators count on.
 * Left out: DMA requests, IrDA, parity and framing errors (the host side has none).
 *
 * outputs: 0 = UARTINTR, the combined interrupt.  home: the machine's lock domain; the character port calls on the main
 * loop, without the lock.
 */
#include "hw/char/pl011.h"

#include "base/bits.h"
#include "base/log.h"
#include "chardev/char.h"
#include "core/machine.h"

#define FIFO    16
#define CLOCK   24000000 /* Hz, UARTCLK of the boards */
#define ID_REGS 0xfe0

enum {
    R_DR = 0x00,
    R_RSR = 0x04,
    R_FR = 0x18,
    R_ILPR = 0x20,
    R_IBRD = 0x24,
    R_FBRD = 0x28,
    R_LCR_H = 0x2c,
    R_CR = 0x30,
    R_IFLS = 0x34,
    R_IMSC = 0x38,
    R_RIS = 0x3c,
    R_MIS = 0x40,
    R_ICR = 0x44,
    R_DMACR = 0x48,
};
#define DR_BE    BIT32(10)
#define DR_OE    BIT32(11)
#define FR_CTS   BIT32(0)
#define FR_DSR   BIT32(1)
#define FR_DCD   BIT32(2)
#define FR_BUSY  BIT32(3)
#define FR_RXFE  BIT32(4)
#define FR_TXFF  BIT32(5)
#define FR_RXFF  BIT32(6)
#define FR_TXFE  BIT32(7)
#define FR_RI    BIT32(8)
#define LCR_BRK  BIT32(0)
#define LCR_FEN  BIT32(4)
#define CR_LBE   BIT32(7)
#define CR_TXE   BIT32(8)
#define CR_RXE   BIT32(9)
#define CR_DTR   BIT32(10)
#define CR_RTS   BIT32(11)
#define CR_OUT1  BIT32(12)
#define CR_OUT2  BIT32(13)
#define INT_RI   BIT32(0)
#define INT_CTS  BIT32(1)
#define INT_DCD  BIT32(2)
#define INT_DSR  BIT32(3)
#define INT_RX   BIT32(4)
#define INT_TX   BIT32(5)
#define INT_RT   BIT32(6)
#define INT_BE   BIT32(9)
#define INT_OE   BIT32(10)
#define INT_ALL  0x7ff

typedef struct Pl011 {
    Device dev;
    CharPort *port; /* property */
    uint64_t base;  /* property */
    uint32_t rsr, ilpr, ibrd, fbrd, lcr, cr, ifls, imsc, ris, dmacr;
    uint16_t rx[FIFO]; /* with the error bits of UARTDR */
    uint8_t rx_count;
    uint8_t tx[FIFO];
    uint8_t tx_count;
    bool overrun;  /* the next byte that is received says so */
    Timer timer;   /* receive time-out */
    bool starved;  /* the host side waits for room */
    MemoryRegion *regs;
} Pl011;

static unsigned fifo_size(const Pl011 *s)
{
    return s->lcr & LCR_FEN ? FIFO : 1;
}

static unsigned rx_room(const Pl011 *s)
{
    return s->rx_count >= fifo_size(s) ? 0 : fifo_size(s) - s->rx_count;
}

static void pl011_outputs(Device *d)
{
    const Pl011 *s = (Pl011 *)d;

    irq_set(d->out[0], (s->ris & s->imsc) != 0);
}

/* ---- receiver ---- */

/* UARTIFLS.RXIFLSEL; without FIFOs every byte. */
static unsigned rx_level(const Pl011 *s)
{
    static const uint8_t level[8] = {2, 4, 8, 12, 14, 8, 8, 8};

    return s->lcr & LCR_FEN ? level[s->ifls >> 3 & 7] : 1;
}

/* 32 bit periods without traffic while bytes wait (2.8.4). */
static void restart_timeout(Pl011 *s)
{
    uint64_t divisor = (uint64_t)s->ibrd << 6 | s->fbrd; /* in 64ths */

    if (s->rx_count) {
        int64_t bit = muldiv64(NS_PER_SEC / 4, MAX(divisor, 64), CLOCK); /* 16 * divisor / 64 clocks */
        timer_arm(&s->timer, clock_ns(s->dev.machine, CLOCK_VIRTUAL) + 32 * bit);
    } else {
        timer_disarm(&s->timer);
    }
}

static void rx_timeout(void *opaque)
{
    Pl011 *s = opaque;

    if (s->rx_count) {
        s->ris |= INT_RT;
    }
    device_update(&s->dev);
}

static void rx_push(Pl011 *s, uint16_t entry)
{
    if (!rx_room(s)) {
        s->overrun = true;
        s->ris |= INT_OE;
        return;
    }
    s->rx[s->rx_count++] = entry | (s->overrun ? DR_OE : 0);
    s->overrun = false;
    if (s->rx_count >= rx_level(s)) {
        s->ris |= INT_RX;
    }
    if (entry & DR_BE) {
        s->ris |= INT_BE;
    }
    restart_timeout(s);
}

static void feed(Pl011 *s)
{
    if (s->starved && s->port) {
        s->starved = false;
        char_accept_input(s->port);
    }
}

static uint32_t rx_pop(Pl011 *s)
{
    uint32_t v = s->rx[0];

    if (!s->rx_count) {
        return 0;
    }
    s->rx_count = MIN(s->rx_count, FIFO) - 1;
    memmove(s->rx, s->rx + 1, s->rx_count * sizeof(s->rx[0]));
    s->rsr = v >> 8;
    if (s->rx_count < rx_level(s)) {
        s->ris &= ~INT_RX;
    }
    if (!s->rx_count) {
        s->ris &= ~INT_RT;
    }
    restart_timeout(s);
    feed(s);
    return v;
}

static size_t pl011_can_receive(void *opaque)
{
    Pl011 *s = opaque;

    machine_lock(s->dev.machine);
    size_t room = s->cr & CR_LBE ? 0 : rx_room(s);
    s->starved = room == 0;
    machine_unlock(s->dev.machine);
    return room;
}

static void pl011_receive(void *opaque, const uint8_t *buf, size_t len)
{
    Pl011 *s = opaque;

    machine_lock(s->dev.machine);
    for (size_t i = 0; i < len; i++) {
        rx_push(s, buf[i]);
    }
    device_update(&s->dev);
    machine_unlock(s->dev.machine);
}

static void pl011_event(void *opaque, CharEvent ev)
{
    Pl011 *s = opaque;

    if (ev == CHAR_EVENT_BREAK) {
        machine_lock(s->dev.machine);
        rx_push(s, DR_BE);
        device_update(&s->dev);
        machine_unlock(s->dev.machine);
    }
}

static void pl011_gone(void *opaque)
{
    Pl011 *s = opaque;

    machine_lock(s->dev.machine);
    s->port = NULL;
    machine_unlock(s->dev.machine);
}

/* ---- transmitter ---- */

static void tx_flush(Pl011 *s)
{
    size_t n = MIN(s->tx_count, FIFO);

    if (s->cr & CR_LBE) {
        for (size_t i = 0; i < n; i++) {
            rx_push(s, s->tx[i]);
        }
    } else if (s->port) {
        n = char_write(s->port, s->tx, n);
    }
    s->tx_count -= n;
    memmove(s->tx, s->tx + n, s->tx_count);
    if (n && !s->tx_count) {
        s->ris |= INT_TX;
    }
}

static void pl011_writable(void *opaque)
{
    Pl011 *s = opaque;

    machine_lock(s->dev.machine);
    if (s->tx_count) {
        tx_flush(s);
        device_update(&s->dev);
    }
    machine_unlock(s->dev.machine);
}

static void tx_write(Pl011 *s, uint8_t v)
{
    if (s->tx_count < fifo_size(s)) {
        s->tx[s->tx_count++] = v;
    }
    if (s->tx_count == fifo_size(s)) {
        s->ris &= ~INT_TX;
    }
    tx_flush(s);
}

/* ---- registers ---- */

/* The inputs are not connected, but for loopback, where the outputs come back. */
static uint32_t modem_lines(const Pl011 *s)
{
    if (!(s->cr & CR_LBE)) {
        return 0;
    }
    return (s->cr & CR_RTS ? FR_CTS : 0) | (s->cr & CR_DTR ? FR_DSR : 0) | (s->cr & CR_OUT1 ? FR_DCD : 0) |
           (s->cr & CR_OUT2 ? FR_RI : 0);
}

static uint32_t read_fr(const Pl011 *s)
{
    return modem_lines(s) | (s->tx_count ? FR_BUSY : FR_TXFE) | (s->tx_count >= fifo_size(s) ? FR_TXFF : 0) |
           (s->rx_count ? 0 : FR_RXFE) | (rx_room(s) ? 0 : FR_RXFF);
}

static void write_cr(Pl011 *s, uint32_t v)
{
    static const struct {
        uint32_t line, interrupt;
    } modem[] = {{FR_RI, INT_RI}, {FR_CTS, INT_CTS}, {FR_DCD, INT_DCD}, {FR_DSR, INT_DSR}};
    uint32_t before = modem_lines(s);

    s->cr = v & 0xff87;
    uint32_t changed = before ^ modem_lines(s);
    for (size_t i = 0; i < ARRAY_LEN(modem); i++) {
        s->ris |= changed & modem[i].line ? modem[i].interrupt : 0;
    }
    if (!(s->cr & CR_LBE)) {
        feed(s);
    }
}

/* Enabling or disabling the FIFOs empties them (3.3.7). */
static void write_lcr(Pl011 *s, uint32_t v)
{
    if ((v ^ s->lcr) & LCR_FEN) {
        s->rx_count = s->tx_count = 0;
        s->ris &= ~(INT_RX | INT_RT);
        restart_timeout(s);
    }
    if ((v & ~s->lcr & LCR_BRK) && (s->cr & CR_LBE)) {
        rx_push(s, DR_BE);
    }
    s->lcr = v & 0xff;
    feed(s);
}

static uint64_t pl011_read(void *opaque, hwaddr offset, unsigned size)
{
    static const uint8_t id[8] = {0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    Pl011 *s = opaque;
    uint64_t v;

    switch (offset) {
    case R_DR:
        v = rx_pop(s);
        device_update(&s->dev);
        return v;
    case R_RSR:
        return s->rsr;
    case R_FR:
        return read_fr(s);
    case R_ILPR:
        return s->ilpr;
    case R_IBRD:
        return s->ibrd;
    case R_FBRD:
        return s->fbrd;
    case R_LCR_H:
        return s->lcr;
    case R_CR:
        return s->cr;
    case R_IFLS:
        return s->ifls;
    case R_IMSC:
        return s->imsc;
    case R_RIS:
        return s->ris;
    case R_MIS:
        return s->ris & s->imsc;
    case R_DMACR:
        return s->dmacr;
    }
    if (offset >= ID_REGS && !(offset & 3)) {
        return id[(offset - ID_REGS) >> 2];
    }
    log_mask(LOG_GUEST_ERROR, "pl011: a read at 0x%x, where no register is\n", (unsigned)offset);
    return 0;
}

static void pl011_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    Pl011 *s = opaque;

    switch (offset) {
    case R_DR:
        tx_write(s, v);
        break;
    case R_RSR: /* UARTECR: any write clears the errors */
        s->rsr = 0;
        break;
    case R_ILPR:
        s->ilpr = v & 0xff;
        break;
    case R_IBRD:
        s->ibrd = v & 0xffff;
        break;
    case R_FBRD:
        s->fbrd = v & 0x3f;
        break;
    case R_LCR_H:
        write_lcr(s, v);
        break;
    case R_CR:
        write_cr(s, v);
        break;
    case R_IFLS:
        s->ifls = v & 0x3f;
        break;
    case R_IMSC:
        s->imsc = v & INT_ALL;
        break;
    case R_ICR:
        s->ris &= ~v;
        break;
    case R_DMACR:
        s->dmacr = v & 7;
        break;
    default:
        log_mask(LOG_GUEST_ERROR, "pl011: a write at 0x%x, where nothing can be written\n", (unsigned)offset);
    }
    device_update(&s->dev);
}

static const IoOps pl011_ops = {pl011_read, pl011_write, .min_size = 4, .max_size = 4};
static const CharFrontOps pl011_char_ops = {
    .can_receive = pl011_can_receive,
    .receive = pl011_receive,
    .event = pl011_event,
    .gone = pl011_gone,
};

/* ---- type ---- */

MemoryRegion *pl011_region(Device *d)
{
    return ((Pl011 *)d)->regs;
}

static bool pl011_realize(Device *d, Error **errp)
{
    Pl011 *s = (Pl011 *)d;

    device_init_out(d, 1);
    timer_init(&s->timer, d->machine, CLOCK_VIRTUAL, rx_timeout, s);
    s->regs = device_io_region(d, "pl011", &pl011_ops, PL011_SIZE);
    if (s->base != UINT64_MAX) {
        region_add(machine_memory_root(d->machine), s->base, s->regs, 0);
    }
    if (s->port) {
        char_attach(s->port, &pl011_char_ops, s);
        char_on_writable(s->port, pl011_writable, s);
    }
    return true;
}

static void pl011_unrealize(Device *d)
{
    Pl011 *s = (Pl011 *)d;

    if (s->port) {
        char_on_writable(s->port, NULL, NULL);
        char_detach(s->port);
    }
}

static void pl011_reset(Device *d)
{
    feed((Pl011 *)d);
}

static bool pl011_post_load(Device *d, int version, Error **errp)
{
    Pl011 *s = (Pl011 *)d;

    if (s->rx_count > FIFO || s->tx_count > FIFO) {
        error_set(errp, ERR_GENERIC, "pl011: FIFO count out of range");
        return false;
    }
    return true;
}

static const Property pl011_props[] = {
    {.name = "chardev",
     .kind = PROP_CHARDEV,
     .offset = offsetof(Pl011, port),
     .help = "character device at the other end of the line"},
    PROP(Pl011, PROP_U64, base, "base", 0x09000000, "guest-physical address"),
    {0},
};

static const StateField pl011_state[] = {
    STATE(Pl011, STATE_U32, rsr, 0),
    STATE(Pl011, STATE_U32, ilpr, 0),
    STATE(Pl011, STATE_U32, ibrd, 0),
    STATE(Pl011, STATE_U32, fbrd, 0),
    STATE(Pl011, STATE_U32, lcr, 0),
    STATE(Pl011, STATE_U32, cr, CR_RXE | CR_TXE),
    STATE(Pl011, STATE_U32, ifls, 0x12),
    STATE(Pl011, STATE_U32, imsc, 0),
    STATE(Pl011, STATE_U32, ris, 0),
    STATE(Pl011, STATE_U32, dmacr, 0),
    STATE_ARRAY(Pl011, STATE_U16, rx, FIFO, 0),
    STATE(Pl011, STATE_U8, rx_count, 0),
    STATE_RAW(Pl011, tx),
    STATE(Pl011, STATE_U8, tx_count, 0),
    STATE(Pl011, STATE_BOOL, overrun, 0),
    STATE(Pl011, STATE_TIMER, timer, 0),
    HOST_ONLY(Pl011, starved),
    HOST_ONLY(Pl011, regs),
    {0},
};

const DeviceType pl011_type = {
    .name = "pl011",
    .help = "PrimeCell UART (PL011)",
    .bus = "sysbus",
    .size = sizeof(Pl011),
    .version = 1,
    .internal = true,
    .props = pl011_props,
    .state = pl011_state,
    .realize = pl011_realize,
    .unrealize = pl011_unrealize,
    .reset_hold = pl011_reset,
    .outputs = pl011_outputs,
    .post_load = pl011_post_load,
};
DEVICE_TYPE(pl011_type);
