/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 16550A UART on the ISA bus.
 *
 * National Semiconductor PC16550D data sheet (TL/C/8652): 8.1 line control to
 * 8.8 scratchpad, 8.4 FIFO control, 8.5 interrupt identification, "FIFO
 * interrupt mode operation".
 *
 * The line has no speed: a byte written is sent at once, or as soon as the host
 * side has room; THRE says so, hence nothing is lost. The divisor times only the
 * receiver's time-out. Left out: parity and framing errors (the host side has
 * none), the PC's gating of IRQ by OUT2.
 *
 * outputs: 0 = INTR.  home: the machine's lock domain; the character port calls
 * on the main loop, without the lock.
 */
#include "hw/char/isa_serial.h"
#include "base/bits.h"
#include "chardev/char.h"
#include "core/machine.h"
#include "hw/isa/isa.h"

#define FIFO 16

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR };
#define IER_RX         0x01
#define IER_TX         0x02
#define IER_LINE       0x04
#define IER_MODEM      0x08
#define IIR_NONE       0x01
#define IIR_TX         0x02
#define IIR_RX         0x04
#define IIR_LINE       0x06
#define IIR_TIMEOUT    0x0c
#define FCR_ENABLE     0x01
#define FCR_CLEAR_RX   0x02
#define FCR_CLEAR_TX   0x04
#define LCR_DLAB       0x80
#define MCR_DTR        0x01
#define MCR_RTS        0x02
#define MCR_OUT1       0x04
#define MCR_OUT2       0x08
#define MCR_LOOP       0x10
#define LSR_DR         0x01
#define LSR_OE         0x02
#define LSR_BI         0x10
#define LSR_THRE       0x20
#define LSR_TEMT       0x40
#define LSR_FIFO_ERROR 0x80
#define MSR_CTS        0x10
#define MSR_DSR        0x20
#define MSR_RI         0x40
#define MSR_DCD        0x80

typedef struct Uart {
    Device dev;
    CharPort *port; /* property */
    uint32_t index, iobase, irq;
    uint8_t ier, fcr, lcr, mcr, scr;
    uint8_t msr_delta;  /* low half of MSR */
    uint8_t overrun;    /* LSR.OE */
    uint8_t tx_pending; /* THR became empty and nobody was told */
    uint8_t timeout;    /* receiver time-out */
    uint16_t divisor;
    uint8_t rx[FIFO], rx_break[FIFO];
    uint8_t rx_count;
    uint8_t tx[FIFO];
    uint8_t tx_count;
    Timer timer;  /* receiver time-out */
    bool starved; /* the host side waits for room */
    Irq line;
} Uart;

static const struct {
    uint16_t iobase;
    uint8_t irq;
} com[4] = {{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}};

static bool fifo_on(const Uart *s)
{
    return s->fcr & FCR_ENABLE;
}

static unsigned rx_room(const Uart *s)
{
    unsigned size = fifo_on(s) ? FIFO : 1;

    return s->rx_count >= size ? 0 : size - s->rx_count;
}

/* ---- interrupts: purely from state ---- */

static uint8_t line_status(const Uart *s)
{
    uint8_t v = s->overrun ? LSR_OE : 0;

    if (s->rx_count) {
        v |= LSR_DR | (s->rx_break[0] ? LSR_BI : 0);
    }
    for (unsigned i = 0; fifo_on(s) && i < MIN(s->rx_count, FIFO); i++) {
        v |= s->rx_break[i] ? LSR_FIFO_ERROR : 0;
    }
    return v | (s->tx_count ? 0 : LSR_THRE | LSR_TEMT);
}

static unsigned trigger_level(const Uart *s)
{
    static const uint8_t level[4] = {1, 4, 8, 14};

    return fifo_on(s) ? level[s->fcr >> 6] : 1;
}

static uint8_t interrupt_id(const Uart *s)
{
    if ((s->ier & IER_LINE) && (line_status(s) & (LSR_OE | LSR_BI))) {
        return IIR_LINE;
    }
    if ((s->ier & IER_RX) && s->rx_count >= trigger_level(s)) {
        return IIR_RX;
    }
    if ((s->ier & IER_RX) && s->timeout && s->rx_count) {
        return IIR_TIMEOUT;
    }
    if ((s->ier & IER_TX) && s->tx_pending) {
        return IIR_TX;
    }
    if ((s->ier & IER_MODEM) && s->msr_delta) {
        return 0;
    }
    return IIR_NONE;
}

static void uart_outputs(Device *d)
{
    irq_set(d->out[0], interrupt_id((Uart *)d) != IIR_NONE);
}

/* ---- receiver ---- */

/* Four character times without traffic, if bytes wait below the trigger level. */
static void restart_timeout(Uart *s)
{
    s->timeout = 0;
    if (fifo_on(s) && s->rx_count) {
        int64_t bit = NS_PER_SEC * MAX(s->divisor, 1) / 115200;
        timer_arm(&s->timer, clock_ns(s->dev.machine, CLOCK_VIRTUAL) + 40 * bit);
    } else {
        timer_disarm(&s->timer);
    }
}

static void rx_timeout(void *opaque)
{
    Uart *s = opaque;

    s->timeout = 1;
    device_update(&s->dev);
}

static void rx_push(Uart *s, uint8_t byte, bool is_break)
{
    if (!rx_room(s)) {
        s->overrun = 1;
        return;
    }
    s->rx[s->rx_count] = byte;
    s->rx_break[s->rx_count] = is_break;
    s->rx_count++;
    restart_timeout(s);
}

static uint8_t rx_pop(Uart *s)
{
    if (!s->rx_count) {
        return 0;
    }
    uint8_t v = s->rx[0];
    unsigned rest = MIN(s->rx_count, FIFO) - 1;
    memmove(s->rx, s->rx + 1, rest);
    memmove(s->rx_break, s->rx_break + 1, rest);
    s->rx_count = rest;
    restart_timeout(s);
    if (s->starved && s->port) {
        s->starved = false;
        char_accept_input(s->port);
    }
    return v;
}

static size_t uart_can_receive(void *opaque)
{
    Uart *s = opaque;

    machine_lock(s->dev.machine);
    size_t room = s->mcr & MCR_LOOP ? 0 : rx_room(s);
    s->starved = room == 0;
    machine_unlock(s->dev.machine);
    return room;
}

static void uart_receive(void *opaque, const uint8_t *buf, size_t len)
{
    Uart *s = opaque;

    machine_lock(s->dev.machine);
    for (size_t i = 0; i < len; i++) {
        rx_push(s, buf[i], false);
    }
    device_update(&s->dev);
    machine_unlock(s->dev.machine);
}

static void uart_event(void *opaque, CharEvent ev)
{
    Uart *s = opaque;

    if (ev == CHAR_EVENT_BREAK) {
        machine_lock(s->dev.machine);
        rx_push(s, 0, true);
        device_update(&s->dev);
        machine_unlock(s->dev.machine);
    }
}

static void uart_gone(void *opaque)
{
    Uart *s = opaque;

    machine_lock(s->dev.machine);
    s->port = NULL;
    machine_unlock(s->dev.machine);
}

/* ---- transmitter ---- */

static void tx_flush(Uart *s)
{
    size_t n = MIN(s->tx_count, FIFO);

    if (s->mcr & MCR_LOOP) {
        for (size_t i = 0; i < n; i++) {
            rx_push(s, s->tx[i], false);
        }
    } else if (s->port) {
        n = char_write(s->port, s->tx, n);
    }
    s->tx_count -= n;
    memmove(s->tx, s->tx + n, s->tx_count);
    if (n && !s->tx_count) {
        s->tx_pending = 1;
    }
}

static void uart_writable(void *opaque)
{
    Uart *s = opaque;

    machine_lock(s->dev.machine);
    if (s->tx_count) {
        tx_flush(s);
        device_update(&s->dev);
    }
    machine_unlock(s->dev.machine);
}

static void tx_write(Uart *s, uint8_t v)
{
    s->tx_pending = 0;
    if (s->tx_count < FIFO) {
        s->tx[s->tx_count++] = v;
    }
    tx_flush(s);
}

/* ---- modem lines ---- */

static uint8_t modem_lines(const Uart *s)
{
    if (!(s->mcr & MCR_LOOP)) {
        return MSR_CTS | MSR_DSR | MSR_DCD;
    }
    return (s->mcr & MCR_DTR ? MSR_DSR : 0) | (s->mcr & MCR_RTS ? MSR_CTS : 0) |
           (s->mcr & MCR_OUT1 ? MSR_RI : 0) | (s->mcr & MCR_OUT2 ? MSR_DCD : 0);
}

static void write_mcr(Uart *s, uint8_t v)
{
    uint8_t before = modem_lines(s);

    s->mcr = v & 0x1f;
    uint8_t now = modem_lines(s);
    s->msr_delta |= (before ^ now) >> 4 & (MSR_CTS | MSR_DSR | MSR_DCD) >> 4;
    if (before & ~now & MSR_RI) {
        s->msr_delta |= MSR_RI >> 4; /* trailing edge only */
    }
    if (s->port && !(s->mcr & MCR_LOOP) && s->starved) {
        s->starved = false;
        char_accept_input(s->port);
    }
}

static void write_fcr(Uart *s, uint8_t v)
{
    if ((s->fcr ^ v) & FCR_ENABLE) {
        v |= FCR_CLEAR_RX | FCR_CLEAR_TX;
    }
    s->fcr = v & FCR_ENABLE ? v & 0xc9 : 0;
    if (v & FCR_CLEAR_RX) {
        s->rx_count = 0;
        restart_timeout(s);
        if (s->starved && s->port) {
            s->starved = false;
            char_accept_input(s->port);
        }
    }
    if (v & FCR_CLEAR_TX && s->tx_count) {
        s->tx_count = 0;
        s->tx_pending = 1;
    }
}

/* ---- registers ---- */

static uint8_t read_iir(Uart *s)
{
    uint8_t id = interrupt_id(s);

    if (id == IIR_TX) {
        s->tx_pending = 0;
    }
    return id | (fifo_on(s) ? 0xc0 : 0);
}

static uint8_t read_lsr(Uart *s)
{
    uint8_t v = line_status(s);

    s->overrun = 0;
    s->rx_break[0] = 0;
    return v;
}

static uint64_t uart_read(void *opaque, hwaddr offset, unsigned size)
{
    Uart *s = opaque;
    uint8_t v = 0xff;

    switch (offset) {
    case DATA:
        v = s->lcr & LCR_DLAB ? s->divisor : rx_pop(s);
        break;
    case IER:
        v = s->lcr & LCR_DLAB ? s->divisor >> 8 : s->ier;
        break;
    case IIR:
        v = read_iir(s);
        break;
    case LCR:
        v = s->lcr;
        break;
    case MCR:
        v = s->mcr;
        break;
    case LSR:
        v = read_lsr(s);
        break;
    case MSR:
        v = modem_lines(s) | s->msr_delta;
        s->msr_delta = 0;
        break;
    case SCR:
        v = s->scr;
        break;
    }
    device_update(&s->dev);
    return v;
}

static void write_ier(Uart *s, uint8_t v)
{
    if ((v & ~s->ier & IER_TX) && !s->tx_count) {
        s->tx_pending = 1; /* enabling it reports an empty THR at once */
    }
    s->ier = v & 0x0f;
}

static void uart_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    Uart *s = opaque;

    switch (offset) {
    case DATA:
        if (s->lcr & LCR_DLAB) {
            s->divisor = (s->divisor & 0xff00) | (uint8_t)v;
        } else {
            tx_write(s, v);
        }
        break;
    case IER:
        if (s->lcr & LCR_DLAB) {
            s->divisor = (s->divisor & 0xff) | (uint8_t)v << 8;
        } else {
            write_ier(s, v);
        }
        break;
    case IIR:
        write_fcr(s, v);
        break;
    case LCR:
        s->lcr = v;
        break;
    case MCR:
        write_mcr(s, v);
        break;
    case SCR:
        s->scr = v;
        break;
    }
    device_update(&s->dev);
}

static const IoOps uart_ops = {uart_read, uart_write, .max_size = 1};
static const CharFrontOps uart_char_ops = {
    .can_receive = uart_can_receive,
    .receive = uart_receive,
    .event = uart_event,
    .gone = uart_gone,
};

/* ---- type ---- */

static void count_uart(Device *d, void *opaque)
{
    uint32_t *n = opaque;

    if (d->type == &isa_serial_type && d->realized) {
        (*n)++;
    }
}

/* QEMU's defaults: COM1 to COM4 in the order of creation. */
static bool choose_address(Uart *s, Error **errp)
{
    if (s->index == UINT32_MAX) {
        s->index = 0;
        device_foreach(s->dev.machine, count_uart, &s->index);
    }
    if (s->index >= ARRAY_LEN(com) && (s->iobase == UINT32_MAX || s->irq == UINT32_MAX)) {
        error_set(errp, ERR_INVALID_PARAMETER, "isa-serial: no default address for index %u",
                  s->index);
        error_hint(errp, "give iobase= and irq=, or index=0 to %d", (int)ARRAY_LEN(com) - 1);
        return false;
    }
    if (s->iobase == UINT32_MAX) {
        s->iobase = com[s->index].iobase;
    }
    if (s->irq == UINT32_MAX) {
        s->irq = com[s->index].irq;
    }
    if (s->iobase > 0xfff8) {
        error_set(errp, ERR_INVALID_PARAMETER, "isa-serial: iobase 0x%x is not a port", s->iobase);
        return false;
    }
    return true;
}

static bool uart_realize(Device *d, Error **errp)
{
    Uart *s = (Uart *)d;

    if (!choose_address(s, errp)) {
        return false;
    }
    device_init_out(d, 1);
    if (!irq_connected(d->out[0])) {
        if (!isa_irq_claim(d, s->irq, &s->line, errp)) {
            return false;
        }
        device_connect(d, 0, s->line);
    }
    timer_init(&s->timer, d->machine, CLOCK_VIRTUAL, rx_timeout, s);
    device_map_ports(d, s->iobase, 8, &uart_ops, "serial");
    if (s->port) {
        char_attach(s->port, &uart_char_ops, s);
        char_on_writable(s->port, uart_writable, s);
    }
    return true;
}

static void uart_unrealize(Device *d)
{
    Uart *s = (Uart *)d;

    if (s->port) {
        char_on_writable(s->port, NULL, NULL);
        char_detach(s->port);
    }
    isa_irq_release(s->line);
    timer_fini(&s->timer);
}

static void uart_reset_hold(Device *d)
{
    Uart *s = (Uart *)d;

    if (s->starved && s->port) {
        s->starved = false;
        char_accept_input(s->port);
    }
}

static bool uart_post_load(Device *d, int version, Error **errp)
{
    Uart *s = (Uart *)d;

    if (s->rx_count > FIFO || s->tx_count > FIFO) {
        error_set(errp, ERR_GENERIC, "isa-serial: FIFO count out of range");
        return false;
    }
    return true;
}

static const Property uart_props[] = {
    {.name = "chardev",
     .kind = PROP_CHARDEV,
     .offset = offsetof(Uart, port),
     .help = "character device at the other end of the line"},
    PROP(Uart, PROP_U32, index, "index", UINT32_MAX, "0 to 3 for the addresses of COM1 to COM4"),
    PROP(Uart, PROP_U32, iobase, "iobase", UINT32_MAX, "first of eight I/O ports"),
    PROP(Uart, PROP_U32, irq, "irq", UINT32_MAX, "ISA interrupt line"),
    {0},
};

static const StateField uart_state[] = {
    STATE(Uart, STATE_U8, ier, 0),
    STATE(Uart, STATE_U8, fcr, 0),
    STATE(Uart, STATE_U8, lcr, 0),
    STATE(Uart, STATE_U8, mcr, MCR_OUT2),
    STATE(Uart, STATE_U8, scr, 0),
    STATE(Uart, STATE_U8, msr_delta, 0),
    STATE(Uart, STATE_U8, overrun, 0),
    STATE(Uart, STATE_U8, tx_pending, 0),
    STATE(Uart, STATE_U8, timeout, 0),
    STATE(Uart, STATE_U16, divisor, 12),
    STATE_RAW(Uart, rx),
    STATE_RAW(Uart, rx_break),
    STATE(Uart, STATE_U8, rx_count, 0),
    STATE_RAW(Uart, tx),
    STATE(Uart, STATE_U8, tx_count, 0),
    STATE(Uart, STATE_TIMER, timer, 0),
    HOST_ONLY(Uart, starved),
    HOST_ONLY(Uart, line),
    {0},
};

const DeviceType isa_serial_type = {
    .name = "isa-serial",
    .help = "16550A serial port",
    .bus = "isa",
    .size = sizeof(Uart),
    .version = 1,
    .user_creatable = true,
    .needs = "an ISA bus",
    .props = uart_props,
    .state = uart_state,
    .realize = uart_realize,
    .unrealize = uart_unrealize,
    .reset_hold = uart_reset_hold,
    .outputs = uart_outputs,
    .post_load = uart_post_load,
};
DEVICE_TYPE(isa_serial_type);
