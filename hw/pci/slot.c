/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The slot of a root or downstream port, and its native hot plug: presence, attention button,
 * power control, command completed.
 *
 * PCIe Base 4.0 sections 6.7 and 7.5.3.9 to 7.5.3.11. Plugging shows a card and presses the button;
 * unplugging presses it, and the card is gone when the guest has switched power and its indicator
 * off. Indicators are bits. Left out: MRL sensor, power faults.
 *
 * home: the machine's lock domain.
 */
#include "hw/pci/internal.h"
#include "hw/pci/port.h"

enum { /* capabilities */
    CAP_BUTTON = 1 << 0,
    CAP_POWER = 1 << 1,
    CAP_INDICATORS = 3 << 3,
    CAP_SURPRISE = 1 << 5,
    CAP_HOTPLUG = 1 << 6,
    CAP_INTERLOCK = 1 << 17,
    CAP_NUMBER = 19,
};
enum { /* control */
    CTL_EVENTS = 0x19,     /* button, presence, command completed: as in status */
    CTL_HPIE = 1 << 5,
    CTL_ATTENTION = 3 << 6,
    CTL_INDICATOR = 3 << 8,
    CTL_INDICATOR_ON = 1 << 8,
    CTL_INDICATOR_BLINK = 2 << 8,
    CTL_INDICATOR_OFF = 3 << 8,
    CTL_POWER_OFF = 1 << 10,
    CTL_INTERLOCK = 1 << 11,
};
enum { /* status */
    STA_BUTTON = 1 << 0,
    STA_PRESENCE = 1 << 3,
    STA_COMMAND = 1 << 4,
    STA_PRESENT = 1 << 6,
    STA_INTERLOCK = 1 << 7,
};

static uint16_t get(PciePort *p, unsigned at)
{
    return ld_le16(cfg(&p->pci, p->pci.pcie_cap + at));
}

static void put(PciePort *p, unsigned at, uint16_t v)
{
    st_le16(cfg(&p->pci, p->pci.pcie_cap + at), v);
}

static bool occupied(PciePort *p)
{
    return p->sec.slot[0] && !p->sec.slot[0]->ejected && p->sec.slot[0]->dev.realized;
}

/* An interrupt when the first enabled event appears (6.7.3.4); the pin follows in outputs(). */
static void tell(PciePort *p)
{
    uint16_t ctl = get(p, EXP_SLTCTL);
    bool now = (ctl & CTL_HPIE) && (ctl & CTL_EVENTS & get(p, EXP_SLTSTA));
    bool was = p->asserted;

    p->asserted = now;
    if (now && !was) {
        if (pci_msix_enabled(&p->pci)) {
            pci_msix_notify(&p->pci, 0);
        } else {
            pci_msi_notify(&p->pci, 0);
        }
    }
    device_update(&p->pci.dev);
}

static void set_present(PciePort *p, bool present)
{
    uint16_t sta = get(p, EXP_SLTSTA), link = get(p, EXP_LNKSTA);

    put(p, EXP_SLTSTA, present ? sta | STA_PRESENT : sta & ~STA_PRESENT);
    put(p, EXP_LNKSTA, present ? link | LNKSTA_DLLLA : link & ~LNKSTA_DLLLA);
}

static void event(PciePort *p, uint16_t bits)
{
    put(p, EXP_SLTSTA, get(p, EXP_SLTSTA) | bits);
    tell(p);
}

/* ---- power ---- */

static bool power_wanted(PciePort *p)
{
    return !p->power_controller || !(get(p, EXP_SLTCTL) & CTL_POWER_OFF);
}

/* Without power a card forgets everything and does not answer. */
static void power_update(PciePort *p)
{
    bool off = !power_wanted(p);

    if (off && !p->sec.off) {
        for (unsigned i = 0; i < 8; i++) {
            if (p->sec.slot[i] && p->sec.slot[i]->dev.realized) {
                device_reset(&p->sec.slot[i]->dev);
            }
        }
    }
    p->sec.off = off;
}

static void eject_all(PciePort *p)
{
    for (unsigned i = 0; i < 8; i++) {
        if (p->sec.slot[i] && p->sec.slot[i]->dev.realized) {
            pci_ejected(p->sec.slot[i]);
        }
    }
    set_present(p, false);
    event(p, STA_PRESENCE);
}

/* ---- commands of the guest ---- */

static bool says_remove(uint16_t ctl)
{
    return (ctl & CTL_POWER_OFF) && (ctl & CTL_INDICATOR) == CTL_INDICATOR_OFF;
}

static void command(PciePort *p, uint16_t old)
{
    uint16_t now = get(p, EXP_SLTCTL);

    if (now & CTL_INTERLOCK) { /* reads as zero, toggles */
        put(p, EXP_SLTCTL, now & ~CTL_INTERLOCK);
        put(p, EXP_SLTSTA, get(p, EXP_SLTSTA) ^ STA_INTERLOCK);
    }
    if ((get(p, EXP_SLTSTA) & STA_PRESENT) && says_remove(now) && !says_remove(old)) {
        eject_all(p);
    }
    power_update(p);
    event(p, STA_COMMAND);
}

void pcie_slot_written(PciePort *p, unsigned reg, unsigned size, uint32_t old)
{
    unsigned at = p->pci.pcie_cap + EXP_SLTCTL;
    uint16_t before = get(p, EXP_SLTCTL);
    bool ctl = false;

    for (unsigned i = 0; i < 2; i++) {
        if (at + i >= reg && at + i < reg + size) {
            uint8_t byte = old >> (8 * (at + i - reg));
            before = (before & ~(0xff << (8 * i))) | byte << (8 * i);
            ctl = true;
        }
    }
    if (ctl) {
        command(p, before);
    } else if (reg < at + 4 && reg + size > at + 2) {
        tell(p);
    }
}

/* ---- commands of the user ---- */

static bool slot_plugged(void *opaque, PciDevice *d, Error **errp)
{
    PciePort *p = opaque;

    if (d->devfn & 7) {
        return true; /* shows with function 0 */
    }
    machine_lock(d->dev.machine);
    set_present(p, true);
    event(p, STA_PRESENCE | STA_BUTTON);
    machine_unlock(d->dev.machine);
    return true;
}

static bool slot_unplug(void *opaque, PciDevice *d, Error **errp)
{
    PciePort *p = opaque;
    Machine *m = d->dev.machine;

    machine_lock(m);
    uint16_t ctl = get(p, EXP_SLTCTL);
    bool ok = true;
    if (p->power_controller && says_remove(ctl)) {
        eject_all(p);
    } else if ((ctl & CTL_INDICATOR) == CTL_INDICATOR_BLINK) {
        error_set(errp, ERR_STATE, "Hot-unplug failed: guest is busy (power indicator blinking)");
        ok = false;
    } else {
        ok = pci_unplug_ask(d, errp);
        if (ok) {
            event(p, STA_BUTTON);
        }
    }
    machine_unlock(m);
    return ok;
}

static void slot_cold_plugged(void *opaque, PciDevice *d)
{
    machine_lock(d->dev.machine);
    pcie_slot_reset(opaque);
    machine_unlock(d->dev.machine);
}

static const PciHotplugOps slot_hotplug = {slot_plugged, slot_unplug, slot_cold_plugged};
static const PciHotplugOps slot_fixed = {.cold_plugged = slot_cold_plugged};

/* ---- life ---- */

void pcie_slot_init(PciePort *p)
{
    PciDevice *d = &p->pci;
    unsigned at = d->pcie_cap;
    uint32_t cap = (uint32_t)p->slot << CAP_NUMBER | CAP_INDICATORS | CAP_BUTTON | CAP_INTERLOCK;
    uint16_t writable = CTL_EVENTS | CTL_HPIE | CTL_ATTENTION | CTL_INDICATOR | CTL_INTERLOCK;

    if (p->hotplug) {
        cap |= CAP_HOTPLUG | CAP_SURPRISE;
    }
    pci_bus_set_hotplug(&p->sec, p->hotplug ? &slot_hotplug : &slot_fixed, p);
    if (p->power_controller) {
        cap |= CAP_POWER;
        writable |= CTL_POWER_OFF;
    }
    put(p, EXP_FLAGS, get(p, EXP_FLAGS) | FLAGS_SLOT);
    st_le32(cfg(d, at + EXP_SLTCAP), cap);
    st_le32(cfg(d, at + EXP_LNKCAP), ld_le32(cfg(d, at + EXP_LNKCAP)) | LNKCAP_DLLLARC);
    st_le16(d->wmask + at + EXP_SLTCTL, writable);
    st_le16(d->w1c + at + EXP_SLTSTA, CTL_EVENTS);
}

void pcie_slot_reset(PciePort *p)
{
    bool full = occupied(p);
    uint16_t ctl = CTL_ATTENTION | (full ? CTL_INDICATOR_ON : CTL_INDICATOR_OFF);

    if (p->power_controller && !full) {
        ctl |= CTL_POWER_OFF;
    }
    put(p, EXP_SLTCTL, ctl);
    set_present(p, full);
    p->sec.off = !power_wanted(p);
    p->asserted = 0;
    for (unsigned i = 0; i < 8; i++) {
        if (p->sec.slot[i]) {
            p->sec.slot[i]->unplug_until = 0;
        }
    }
}

/* Who is plugged in is the machine's to say, not the stream's. */
void pcie_slot_loaded(PciePort *p)
{
    set_present(p, occupied(p));
    put(p, EXP_SLTCTL, get(p, EXP_SLTCTL) & ~CTL_INTERLOCK);
    p->asserted = p->asserted != 0;
    p->sec.off = !power_wanted(p);
}
