/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floppy disk controller: registers, reset, properties, saved state.
 *
 * Intel 82078 data sheet (64-pin), sections 2 (registers) and 4 (reset). Low-power details are left
 * out.
 *
 * home: the machine's lock domain.
 */
#include "hw/floppy/fdc_internal.h"
#include "hw/isa/isa.h"

enum { MSR_BUSY = 1 << 4, MSR_NO_DMA = 1 << 5, MSR_DIO = 1 << 6, MSR_RQM = 1 << 7 };

static void fdc_outputs(Device *d)
{
    Fdc *s = (Fdc *)d;

    irq_set(s->line, s->irq_pending && s->dor & DOR_DMA);
}

/* ---- registers ---- */

static uint8_t main_status(const Fdc *s)
{
    uint8_t v = 0;

    if (!(s->dor & DOR_NRESET)) {
        return 0;
    }
    if (s->phase == PHASE_DATA) {
        v = MSR_BUSY;
        if (fdc_by_fifo(s)) {
            v |= MSR_NO_DMA;
            v |= s->stage == STAGE_TO_HOST ? MSR_RQM | MSR_DIO : 0;
            v |= s->stage == STAGE_FROM_HOST ? MSR_RQM : 0;
        }
        return v;
    }
    v = MSR_RQM;
    if (s->phase == PHASE_RESULT) {
        v |= MSR_DIO | MSR_BUSY;
    } else if (s->count) {
        v |= MSR_BUSY;
    }
    return v;
}

static void cancel(Fdc *s)
{
    for (int i = 0; i < FDC_DRIVES; i++) {
        if (s->drive[i] && s->drive[i]->port) {
            block_cancel_all(s->drive[i]->port);
        }
    }
}

static void fdc_soft_reset(Fdc *s, bool interrupt)
{
    cancel(s);
    if (!s->locked) { /* EIS and POLL stay in any case (5.2.9) */
        s->config = (s->config & (CONFIG_IMPLIED_SEEK | CONFIG_NO_POLL)) | CONFIG_NO_FIFO;
        s->precomp = 0;
    }
    s->perpendicular &= 0x3c; /* GAP and WGATE (5.2.8) */
    s->seek_sense = 0;
    s->sector = 0;
    fdc_command_phase(s);
    s->irq_pending = interrupt;
    s->reset_sense = interrupt ? 4 : 0;
}

static void write_dor(Fdc *s, uint8_t v)
{
    bool was = s->dor & DOR_NRESET, now = v & DOR_NRESET;

    s->dor = v;
    if (was && !now) {
        fdc_soft_reset(s, false);
    } else if (!was && now) {
        fdc_soft_reset(s, true);
    }
}

static uint8_t read_dir(Fdc *s)
{
    unsigned n = s->dor & 3;
    bool motor = s->dor >> (4 + n) & 1;

    return motor && n < FDC_DRIVES && s->drive[n] &&
                   (s->unit[n].changed || !fdc_medium(s->drive[n]))
               ? 0x80
               : 0;
}

static uint8_t read_fifo(Fdc *s)
{
    if (s->phase == PHASE_DATA) {
        return fdc_data_read(s);
    }
    if (s->phase != PHASE_RESULT) {
        return 0;
    }
    uint8_t v = s->bytes[s->count++];
    s->irq_pending = s->seek_sense != 0;
    if (s->count >= s->want) {
        fdc_command_phase(s);
    }
    return v;
}

static void write_fifo(Fdc *s, uint8_t v)
{
    if (s->phase == PHASE_COMMAND) {
        fdc_command_byte(s, v);
    } else if (s->phase == PHASE_DATA) {
        fdc_data_write(s, v);
    }
}

static uint64_t fdc_read(void *opaque, hwaddr offset, unsigned size)
{
    Fdc *s = opaque;

    switch (offset) {
    case 0: /* SRA: interrupt pending */
        return s->irq_pending << 7;
    case 1: /* SRB: motors */
        return 0xc0 | (s->dor >> 4 & 3);
    case 2:
        return s->dor;
    case 3:
        return s->tdr;
    case 4:
        return main_status(s);
    case 5: {
        uint8_t v = s->dor & DOR_NRESET ? read_fifo(s) : 0;
        device_update(&s->dev);
        return v;
    }
    case 7:
        return read_dir(s);
    default:
        return 0xff;
    }
}

static void fdc_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    Fdc *s = opaque;
    uint8_t v = (uint8_t)value;

    switch (offset) {
    case 2:
        write_dor(s, v);
        break;
    case 3:
        if (s->dor & DOR_NRESET) {
            s->tdr = v & 3;
        }
        break;
    case 4:
        s->dsr = v & 0x7f;
        if (v & 0x80 && s->dor & DOR_NRESET) { /* a reset that clears itself */
            fdc_soft_reset(s, true);
        }
        break;
    case 5:
        if (s->dor & DOR_NRESET) {
            write_fifo(s, v);
        }
        break;
    case 7: /* CCR: the data rate */
        s->dsr = (s->dsr & ~3) | (v & 3);
        break;
    }
}

static const IoOps fdc_ops = {fdc_read, fdc_write, .max_size = 1};

/* ---- life ---- */

static bool fdc_realize(Device *d, Error **errp)
{
    Fdc *s = (Fdc *)d;

    if (s->iobase > 0xfff8) {
        error_set(errp, ERR_INVALID_PARAMETER, "iobase 0x%x is no I/O port", s->iobase);
        return false;
    }
    if (!isa_irq_claim(d, s->irq, &s->line, errp)) {
        return false;
    }
    if (!isa_dma_claim(d, s->dma, fdc_dma_ready, s, errp)) {
        isa_irq_release(s->line);
        return false;
    }
    device_map_ports(d, (uint16_t)s->iobase, 6, &fdc_ops, "fdc");
    MemoryRegion *high = device_io_region(d, "fdc-dir", &fdc_ops, 8);
    MemoryRegion *port7 = region_new_alias("fdc-dir", high, 7, 1);
    region_add(machine_ports_root(d->machine), s->iobase + 7, port7, 0);
    g_ptr_array_add(d->regions, port7);
    bus_init(&s->bus, &fdc_bus_ops, d, "floppy-bus.0");
    return true;
}

static void fdc_unrealize(Device *d)
{
    Fdc *s = (Fdc *)d;

    bus_fini(&s->bus);
    isa_dma_release(d, s->dma);
    isa_irq_release(s->line);
}

static void fdc_reset(Device *d)
{
    Fdc *s = (Fdc *)d;

    s->locked = 0;
    s->dsr = 2; /* 250 kb/s */
    s->dor = DOR_NRESET | DOR_DMA;
    fdc_soft_reset(s, false);
    s->config = CONFIG_NO_FIFO;
    s->perpendicular = s->power = 0;
    for (int i = 0; i < FDC_UNITS; i++) {
        s->unit[i] = (FdcUnit){.changed = 1};
    }
}

static bool state_valid(const Fdc *s)
{
    bool moving = s->stage == STAGE_TO_HOST || s->stage == STAGE_FROM_HOST;

    if (s->phase > PHASE_RESULT || s->stage > STAGE_FROM_HOST || s->count > FDC_BYTES ||
        s->want > FDC_BYTES || s->drive_no >= FDC_UNITS || s->reset_sense > FDC_UNITS ||
        s->seek_sense >> FDC_UNITS || s->perpendicular > 0x3f || s->locked > 1) {
        return false;
    }
    if (s->phase != PHASE_DATA && s->count && s->count >= s->want) {
        return false;
    }
    if (s->phase == PHASE_RESULT && !s->want) {
        return false;
    }
    return (s->phase == PHASE_DATA) == (s->stage != STAGE_IDLE) &&
           (!moving || s->data_pos < fdc_stage_bytes(s));
}

static bool fdc_post_load(Device *d, int version, Error **errp)
{
    Fdc *s = (Fdc *)d;

    if (!state_valid(s)) {
        error_set(errp, ERR_INVALID_PARAMETER, "fdc: the saved state is not valid");
        return false;
    }
    cancel(s); /* what was here before */
    fdc_resume(s);
    return true;
}

static const Property fdc_props[] = {
    PROP(Fdc, PROP_U32, iobase, "iobase", 0x3f0, "first I/O port"),
    PROP(Fdc, PROP_U32, irq, "irq", 6, "ISA interrupt"),
    PROP(Fdc, PROP_U32, dma, "dma", 2, "ISA DMA channel"),
    PROP(Fdc, PROP_I32, bootindex[0], "bootindexA", (uint64_t)-1, "place of drive A in the boot order"),
    PROP(Fdc, PROP_I32, bootindex[1], "bootindexB", (uint64_t)-1, "place of drive B in the boot order"),
    {0},
};

static const StateField fdc_state[] = {
    HOST_ONLY(Fdc, bus),
    HOST_ONLY(Fdc, drive),
    HOST_ONLY(Fdc, line),
    STATE(Fdc, STATE_U8, dor, DOR_NRESET | DOR_DMA),
    STATE(Fdc, STATE_U8, tdr, 0),
    STATE(Fdc, STATE_U8, dsr, 2),
    STATE(Fdc, STATE_U8, config, CONFIG_NO_FIFO),
    STATE(Fdc, STATE_U8, precomp, 0),
    STATE(Fdc, STATE_U8, locked, 0),
    STATE(Fdc, STATE_U8, perpendicular, 0),
    STATE_ARRAY(Fdc, STATE_U8, specify, 2, 0),
    STATE(Fdc, STATE_U8, power, 0),
    STATE(Fdc, STATE_U8, irq_pending, 0),
    STATE(Fdc, STATE_U8, reset_sense, 0),
    STATE(Fdc, STATE_U8, seek_sense, 0),
    STATE(Fdc, STATE_U8, phase, 0),
    STATE(Fdc, STATE_U8, stage, 0),
    STATE_ARRAY(Fdc, STATE_U8, bytes, FDC_BYTES, 0),
    STATE(Fdc, STATE_U8, count, 0),
    STATE(Fdc, STATE_U8, want, 0),
    STATE(Fdc, STATE_U8, cyl, 0),
    STATE(Fdc, STATE_U8, head, 0),
    STATE(Fdc, STATE_U8, sector, 0),
    STATE(Fdc, STATE_U8, eot, 0),
    STATE(Fdc, STATE_U8, drive_no, 0),
    STATE(Fdc, STATE_U8, opcode, 0),
    STATE_RAW(Fdc, data),
    STATE(Fdc, STATE_U16, data_pos, 0),
    STATE(Fdc, STATE_U8, terminal, 0),
    STATE(Fdc, STATE_U16, sectors_left, 0),
    STATE_RAW(Fdc, unit),
    HOST_ONLY(Fdc, scan),
    HOST_ONLY(Fdc, iov),
    {0},
};

const DeviceType isa_fdc_type = {
    .name = "isa-fdc",
    .help = "floppy disk controller (82078)",
    .bus = "isa",
    .size = sizeof(Fdc),
    .version = 1,
    .user_creatable = true,
    .needs = "an ISA bus with DMA",
    .props = fdc_props,
    .state = fdc_state,
    .realize = fdc_realize,
    .unrealize = fdc_unrealize,
    .reset_hold = fdc_reset,
    .outputs = fdc_outputs,
    .post_load = fdc_post_load,
};
DEVICE_TYPE(isa_fdc_type);
