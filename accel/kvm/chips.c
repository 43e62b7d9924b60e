/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel-irqchip=on: 8259s, I/O APIC and 8254 in the kernel while vCPUs run (the API: KVM_CREATE_IRQCHIP,
 * KVM_GET_IRQCHIP, KVM_CREATE_PIT2, KVM_GET_PIT2, KVM_IRQ_LINE). Their state to and fro, as core/pcchips.h has it.
 *
 * Each input of a chip has a GSI of its own, and GSI 0 is where the kernel's 8254 is wired to: input 0 of the 8259s and
 * pin 2 of the I/O APIC.
 *
 * What the kernel does not tell: since when counter 0 counts. It begins a period when the machine stops.
 *
 * home: as core/pcchips.h says.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "accel/kvm/kvm.h"
#include "base/bits.h"
#include "core/pcchips.h"

#define GSI_IOAPIC 1 /* + pin; GSI 0 is the 8254's */
#define GSI_PIC (GSI_IOAPIC + IOAPIC_IMAGE_PINS)
#define TIMER_PIN 2 /* of the I/O APIC */
#define CASCADE 2
#define MODE_NONE 0xff /* the kernel's for a counter that was never programmed */
/* From the kernel's definitions, which older headers lack (the API, KVM_CREATE_PIT2, KVM_GET_PIT2). */
#ifndef KVM_PIT_SPEAKER_DUMMY
#define KVM_PIT_SPEAKER_DUMMY 1
#endif
#ifndef KVM_PIT_FLAGS_SPEAKER_DATA_ON
#define KVM_PIT_FLAGS_SPEAKER_DATA_ON 2
#endif
enum { BYTE_LOW = 1, BYTE_HIGH, WORD_LOW, WORD_HIGH }; /* kvm_pit_channel_state: read_state, write_state, count_latched */

static bool vm_ioctl(Machine *m, unsigned long request, void *arg, const char *name)
{
    if (kvm_ioctl(kvm_of(m)->fd, request, arg) < 0) {
        warn_report("%s: %s", name, g_strerror(errno));
        return false;
    }
    return true;
}
#define VM(m, request, arg) vm_ioctl(m, request, arg, #request)

/* ---- inputs ---- */

unsigned kvm_chip_routes(struct kvm_irq_routing_entry *out)
{
    unsigned n = 0;

#define ROUTE(gsi_, chip, pin_)                                                                                       \
    out[n++] = (struct kvm_irq_routing_entry){.gsi = (gsi_), .type = KVM_IRQ_ROUTING_IRQCHIP,                          \
                                              .u.irqchip = {.irqchip = (chip), .pin = (pin_)}}
    for (unsigned p = 0; p < IOAPIC_IMAGE_PINS; p++) {
        ROUTE(GSI_IOAPIC + p, KVM_IRQCHIP_IOAPIC, p);
    }
    for (unsigned p = 0; p < PIC_PINS; p++) {
        ROUTE(GSI_PIC + p, p < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE, p & 7);
    }
    ROUTE(0, KVM_IRQCHIP_PIC_MASTER, 0); /* last: the kernel looks here for ends of the 8254's interrupts */
    ROUTE(0, KVM_IRQCHIP_IOAPIC, TIMER_PIN);
#undef ROUTE
    return n;
}

static void line(Machine *m, unsigned gsi, int level)
{
    struct kvm_irq_level l = {.irq = gsi, .level = level != 0};

    kvm_ioctl(kvm_of(m)->fd, KVM_IRQ_LINE, &l);
}

static void pic_line(Machine *m, int pin, int level)
{
    if (pin != CASCADE) {
        line(m, GSI_PIC + pin, level);
    }
}

static void ioapic_line(Machine *m, int pin, int level)
{
    line(m, GSI_IOAPIC + pin, level);
}

/* ---- 8259s ---- */

static void load_pic(Machine *m, PicImage out[2])
{
    memset(out, 0, 2 * sizeof(*out));
    for (unsigned c = 0; c < 2; c++) {
        struct kvm_irqchip chip = {.chip_id = c ? KVM_IRQCHIP_PIC_SLAVE : KVM_IRQCHIP_PIC_MASTER};
        const struct kvm_pic_state *k = &chip.chip.pic;
        if (!VM(m, KVM_GET_IRQCHIP, &chip)) {
            continue;
        }
        out[c] = (PicImage){
            .level = k->last_irr, .irr = k->irr, .isr = k->isr, .imr = k->imr, .elcr = k->elcr, .base = k->irq_base,
            .init = k->init_state ? k->init_state + 1 : 0, .lowest = (k->priority_add + 7) & 7,
            .read_isr = k->read_reg_select, .poll = k->poll, .special_mask = k->special_mask,
            .rotate_aeoi = k->rotate_on_auto_eoi, .aeoi = k->auto_eoi, .nested = k->special_fully_nested_mode,
            .icw4 = k->init4,
        };
    }
}

/* The slave first: with what it was before, the kernel would latch a request of it in the master, for a spurious IRQ 15. */
static void store_pic(Machine *m, const PicImage in[2])
{
    for (int c = 1; c >= 0; c--) {
        const PicImage *p = &in[c];
        struct kvm_irqchip chip = {.chip_id = c ? KVM_IRQCHIP_PIC_SLAVE : KVM_IRQCHIP_PIC_MASTER};
        chip.chip.pic = (struct kvm_pic_state){
            .last_irr = p->level, .irr = p->irr, .isr = p->isr, .imr = p->imr, .elcr = p->elcr, .irq_base = p->base,
            .init_state = p->init ? p->init - 1 : 0, .priority_add = (p->lowest + 1) & 7, .read_reg_select = p->read_isr,
            .poll = p->poll, .special_mask = p->special_mask, .rotate_on_auto_eoi = p->rotate_aeoi, .auto_eoi = p->aeoi,
            .special_fully_nested_mode = p->nested, .init4 = p->icw4, .elcr_mask = c ? 0xde : 0xf8,
        };
        VM(m, KVM_SET_IRQCHIP, &chip);
    }
    for (int pin = 0; pin < PIC_PINS; pin++) { /* what the kernel remembers of the wires beside that */
        pic_line(m, pin, in[pin >> 3].level >> (pin & 7) & 1);
    }
}

/* ---- I/O APIC ---- */

static void load_ioapic(Machine *m, IoApicImage *out)
{
    struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};
    const struct kvm_ioapic_state *k = &chip.chip.ioapic;

    memset(out, 0, sizeof(*out));
    VM(m, KVM_GET_IRQCHIP, &chip);
    out->base = k->base_address;
    out->id = (uint8_t)k->id;
    out->select = (uint8_t)k->ioregsel;
    out->level = k->irr;
    for (int n = 0; n < IOAPIC_IMAGE_PINS; n++) {
        out->entry[n] = k->redirtbl[n].bits;
    }
}

static void store_ioapic(Machine *m, const IoApicImage *in)
{
    struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};
    struct kvm_ioapic_state *k = &chip.chip.ioapic;

    k->base_address = in->base;
    k->id = in->id;
    k->ioregsel = in->select;
    k->irr = in->level;
    for (int n = 0; n < IOAPIC_IMAGE_PINS; n++) {
        k->redirtbl[n].bits = in->entry[n];
    }
    VM(m, KVM_SET_IRQCHIP, &chip);
}

/* ---- 8254 ---- */

/* The kernel's moments are of CLOCK_MONOTONIC. Of counter 0 it keeps none. */
static int64_t since(int c, const struct kvm_pit_channel_state *k)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ns = now.tv_sec * NS_PER_SEC + now.tv_nsec - k->count_load_time;
    return c == 0 ? -1 : MAX(ns, 0);
}

static PitCounter from_channel(int c, const struct kvm_pit_channel_state *k)
{
    return (PitCounter){
        .programmed = k->mode != MODE_NONE, .count = k->count ? k->count : 0x10000, .elapsed = since(c, k),
        .rw = k->rw_mode & 3, .mode = k->mode & 7, .bcd = k->bcd & 1, .gate = k->gate & 1,
        .read_msb = k->read_state == WORD_HIGH, .write_msb = k->write_state == WORD_HIGH, .write_lsb = k->write_latch,
        .latch = k->latched_count, .latched = k->count_latched == WORD_LOW ? 2 : k->count_latched != 0,
        .status = k->status, .status_latched = k->status_latched,
    };
}

static struct kvm_pit_channel_state to_channel(const PitCounter *p)
{
    uint8_t latched = p->latched == 2 ? WORD_LOW : !p->latched ? 0 : p->rw == BYTE_LOW ? BYTE_LOW : BYTE_HIGH;

    return (struct kvm_pit_channel_state){
        .count = p->count, .latched_count = p->latch, .count_latched = latched, .status_latched = p->status_latched,
        .status = p->status, .read_state = p->rw == WORD_LOW && p->read_msb ? WORD_HIGH : p->rw,
        .write_state = p->rw == WORD_LOW && p->write_msb ? WORD_HIGH : p->rw, .write_latch = p->write_lsb,
        .rw_mode = p->rw, .mode = p->programmed ? p->mode : MODE_NONE, .bcd = p->bcd, .gate = p->gate,
    };
}

static void load_pit(Machine *m, PitImage *out)
{
    struct kvm_pit_state2 s = {0};

    memset(out, 0, sizeof(*out));
    VM(m, KVM_GET_PIT2, &s);
    for (int c = 0; c < 3; c++) {
        out->counter[c] = from_channel(c, &s.channels[c]);
    }
    out->speaker = (s.flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON) != 0;
    out->overridden = (s.flags & KVM_PIT_FLAGS_HPET_LEGACY) != 0;
}

/* The board may have none, so it is made when its state comes. */
static void store_pit(Machine *m, const PitImage *in)
{
    KvmMachine *km = kvm_of(m);
    struct kvm_pit_config config = {.flags = KVM_PIT_SPEAKER_DUMMY};
    struct kvm_pit_state2 s = {.flags = (in->overridden ? KVM_PIT_FLAGS_HPET_LEGACY : 0) |
                                        (in->speaker ? KVM_PIT_FLAGS_SPEAKER_DATA_ON : 0)};

    if (!km->pit_made && !VM(m, KVM_CREATE_PIT2, &config)) {
        return;
    }
    km->pit_made = true;
    for (int c = 0; c < 3; c++) {
        s.channels[c] = to_channel(&in->counter[c]);
    }
    VM(m, KVM_SET_PIT2, &s);
}

/* ---- the whole ---- */

static void hold(Machine *m)
{
    kvm_hold(kvm_of(m));
}

static void release(Machine *m)
{
    kvm_release(kvm_of(m));
}

static const PcChipHost host = {
    .load_pic = load_pic, .store_pic = store_pic, .load_ioapic = load_ioapic, .store_ioapic = store_ioapic,
    .load_pit = load_pit, .store_pit = store_pit, .pic_line = pic_line, .ioapic_line = ioapic_line,
    .hold = hold, .release = release,
};

bool kvm_chips_create(KvmMachine *km, Error **errp)
{
    static const KvmNeed needed[] = {
        {KVM_CAP_IRQCHIP, "IRQCHIP"}, {KVM_CAP_PIT2, "PIT2"}, {KVM_CAP_PIT_STATE2, "PIT_STATE2"}, {0},
    };

    for (const KvmNeed *n = needed; n->name; n++) {
        if (!kvm_has(km->fd, n->cap)) {
            error_set(errp, ERR_UNSUPPORTED, "-accel kvm,kernel-irqchip=on: the kernel's KVM lacks KVM_CAP_%s", n->name);
            error_hint(errp, "kernel-irqchip=split or off");
            return false;
        }
    }
    if (kvm_ioctl(km->fd, KVM_CREATE_IRQCHIP, NULL) < 0) {
        error_set_errno(errp, errno, "KVM cannot have interrupt controllers (KVM_CREATE_IRQCHIP)");
        return false;
    }
    machine_set_chip_host(km->machine, &host);
    return true;
}
