/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI fixed hardware as part of a chip: PM1 event and control registers, PM timer, GPE0 block.
 * The chip embeds an AcpiRegs, places its regions in its power management window, and calls
 * acpi_regs_outputs() in its own outputs().
 *
 * home: the machine's lock domain.
 */
#ifndef HW_CHIPSET_ACPI_REGS_H
#define HW_CHIPSET_ACPI_REGS_H

#include "core/device.h"
#include "core/machine.h"

#define ACPI_SCI_IRQ  9
#define ACPI_GPE_MAX  8 /* bytes of status, and as many of enable */

typedef struct AcpiRegs {
    /* set by the chip before acpi_regs_init() */
    Device *owner;
    uint8_t gpe_bytes;   /* of status; the block has twice as many */
    void (*apm)(Device *owner); /* the control port was written; may be NULL */
    /* properties */
    bool no_s3, no_s4;
    uint8_t s4_type;     /* SLP_TYP of S4 */
    /* saved */
    uint8_t apm_control, apm_status;
    uint16_t status, enable, control;
    uint8_t gpe_status[ACPI_GPE_MAX], gpe_enable[ACPI_GPE_MAX];
    int64_t tmr_seen;    /* half periods of the timer already reported in TMR_STS */
    Timer timer;
    uint8_t wake_status; /* what the next wake-up reports, STS_* >> 8 */
    uint8_t rtc_level;
} AcpiRegs;

#define ACPI_REGS_STATE(T, a)                                                                      \
    HOST_ONLY(T, a.owner), HOST_ONLY(T, a.gpe_bytes), HOST_ONLY(T, a.apm), HOST_ONLY(T, a.no_s3), HOST_ONLY(T, a.no_s4), \
    HOST_ONLY(T, a.s4_type), STATE(T, STATE_U8, a.apm_control, 0),                                 \
    STATE(T, STATE_U8, a.apm_status, 0), STATE(T, STATE_U16, a.status, 0),                         \
    STATE(T, STATE_U16, a.enable, 0), STATE(T, STATE_U16, a.control, 0),                           \
    STATE_RAW(T, a.gpe_status), STATE_RAW(T, a.gpe_enable), STATE(T, STATE_I64, a.tmr_seen, 0),    \
    STATE(T, STATE_TIMER, a.timer, 0), STATE_KEEP(T, STATE_U8, a.wake_status, 1),                  \
    STATE_KEEP(T, STATE_U8, a.rtc_level, 1)

/* Properties of a chip T that embeds an AcpiRegs a. */
#define ACPI_REGS_PROPS(T, a)                                                                      \
    PROP(T, PROP_BOOL, a.no_s3, "disable_s3", false, "suspend to RAM is refused"),                 \
    PROP(T, PROP_BOOL, a.no_s4, "disable_s4", false, "suspend to disk is refused"),                \
    PROP(T, PROP_U8, a.s4_type, "s4_val", 2, "sleep type of suspend to disk")

/*
 * In realize: puts the blocks into windows: event 4 bytes, control 2, timer 4; GPE0 2 * gpe_bytes.
 * Also maps the APM ports B2h and B3h.
 */
void acpi_regs_init(AcpiRegs *a, MemoryRegion *window, uint16_t event, uint16_t control,
                    uint16_t timer);
void acpi_regs_gpe0(AcpiRegs *a, MemoryRegion *window, uint16_t at);
void acpi_regs_fini(AcpiRegs *a);
void acpi_regs_reset(AcpiRegs *a); /* in reset_hold */
bool acpi_regs_sci(const AcpiRegs *a); /* does it ask for the SCI? */

/* An SMI for the processor whose access caused it, or the first. */
void acpi_regs_smi(Machine *m);

void acpi_regs_power_button(AcpiRegs *a);
/* An event of GPE0: the status bit is set. */
void acpi_regs_gpe(AcpiRegs *a, unsigned bit);
/* The wire of the RTC's alarm: its rise is a status bit and, with RTC_EN, the SCI or the end of S3. */
void acpi_regs_rtc_alarm(AcpiRegs *a, bool level);
/* After the reset that ends S3. */
void acpi_regs_woken(AcpiRegs *a);

/*
 * A chip's I/O window whose place the guest programs: moved, opened and closed in the port space.
 */
typedef struct PortWindow {
    MemoryRegion *region;
    bool open;
    uint16_t at;
} PortWindow;
void port_window_init(PortWindow *w, const char *name, uint64_t size);
void port_window_move(PortWindow *w, Machine *m, bool open, uint16_t at);
void port_window_fini(PortWindow *w, Machine *m);

#endif
