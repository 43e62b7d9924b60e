/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI and PCI Express as devices and boards see them: configuration space, base address
 * registers, capabilities, interrupts (pins, MSI, MSI-X), bus mastering, bridges, hot plug.
 *
 * PCI Local Bus 3.0, PCI-to-PCI Bridge 1.2, PCI Express Base 4.0.
 *
 * home: the machine's lock domain, but pci_msi_notify/pci_msix_notify and DMA: any thread.
 */
#ifndef HW_PCI_PCI_H
#define HW_PCI_PCI_H

#include "core/device.h"
#include "core/machine.h"

#define PCI_CONFIG_SIZE  256
#define PCIE_CONFIG_SIZE 4096
#define PCI_BARS 7          /* 0..5 and the expansion ROM, 6 */
#define PCI_ROM_BAR 6
#define PCI_DEVFN(slot, fn) ((slot) << 3 | (fn))

typedef struct PciBus PciBus;
typedef struct PciDevice PciDevice;

/* What a function is; given to pci_setup(). */
typedef struct PciIdent {
    uint16_t vendor, device, sub_vendor, sub_device; /* sub 0: QEMU's 1af4:1100 */
    uint32_t class_code;   /* 24 bits: class, subclass, interface */
    uint8_t revision;
    uint8_t pin;           /* 0 none, 1 INTA# ... */
    bool bridge;           /* header type 1 */
    bool express;          /* on an express bus: gets 4 KiB and the PCIe capability */
    uint8_t pcie_type;     /* PCIe capability's device/port type; 0 endpoint, 4 root port ... */
    bool flr;              /* function level reset: device_reset() of it */
    bool no_pm;            /* express, but without the power-management capability */
    uint8_t pcie_at, pm_at; /* where those capabilities go; 0: anywhere */
} PciIdent;
enum { /* PciIdent.pcie_type */
    PCIE_ENDPOINT = 0, PCIE_LEGACY_ENDPOINT = 1, PCIE_ROOT_PORT = 4, PCIE_UPSTREAM = 5,
    PCIE_DOWNSTREAM = 6, PCIE_TO_PCI = 7, PCIE_RC_ENDPOINT = 9, /* what endpoints on a root bus are */
};

typedef struct PciBar {
    MemoryRegion *region;  /* NULL: not there */
    MemoryRegion *window;  /* region in a container, which is what moves about */
    uint64_t size, addr;   /* addr: where it is mapped, UINT64_MAX when it is not */
    bool io, wide, prefetch;
} PciBar;

/* First member of every PCI device's struct. */
struct PciDevice {
    Device dev;
    /* properties (PCI_PROPS) */
    char *addr;            /* "03.1" */
    bool multifunction;
    char *romfile;
    uint32_t rombar;
    /* saved (PCI_STATE) */
    _Alignas(8) uint8_t config[PCIE_CONFIG_SIZE]; /* after realize: what reset brings back */
    uint8_t intx_level;    /* what the function asserts */
    _Alignas(8) uint8_t msix_table[2048 * 16]; /* used as far as the capability says */
    uint8_t msix_pba[2048 / 8];
    /* host-only */
    uint8_t wmask[PCIE_CONFIG_SIZE], w1c[PCIE_CONFIG_SIZE]; /* bits the guest writes, clears */
    uint8_t *initial;      /* config[] at the first reset */
    PciIdent ident;
    PciBus *bus;
    PciBus *secondary;     /* behind a bridge */
    uint8_t devfn;
    uint8_t intx_driven;   /* its wire counts it */
    uint32_t msg_seq;      /* atomic: odd while a message's words change */
    PciBar bar[PCI_BARS];
    uint64_t cap_used;     /* a bit per 32-bit word of the first 256 bytes */
    uint16_t ext_cap_last, ext_cap_end; /* the last extended capability; where the next one goes */
    uint16_t msi_cap, msix_cap, pm_cap, pcie_cap; /* offsets, 0 none */
    uint16_t msix_vectors;
    MemoryRegion *msix_region;
    struct MsixRoute *msix_route; /* msix_route.c; one for each vector, or NULL */
    bool bus_master;       /* atomic: DMA and messages may leave */
    /* Optional, set before or in realize. Called after config[] has its new bytes, with masks
     * applied; old holds the bytes before. */
    void (*config_written)(PciDevice *d, unsigned offset, unsigned size, uint32_t old);
    /* Optional: computed registers, before config[] is read. */
    void (*config_read)(PciDevice *d, unsigned offset, unsigned size);
    /* Optional: vector n was unmasked, masked, or its message changed (irqfd, vector notifiers). */
    void (*msix_changed)(PciDevice *d, unsigned vector, bool masked);
    bool hotplugged;
    bool ejected;          /* the guest let go of it; it is freed soon and shows no more */
    int64_t unplug_until;  /* CLOCK_VIRTUAL: the guest was asked, and has till then; 0: was not */
};

/* In every PCI device's property and state tables. T's first member is a PciDevice called pci. */
#define PCI_PROPS(T)                                                                               \
    PROP_STR(T, pci.addr, "addr", NULL, "slot[.function] on the bus, in hexadecimal"),             \
    PROP(T, PROP_BOOL, pci.multifunction, "multifunction", false, "the slot has more functions"),  \
    PROP_STR(T, pci.romfile, "romfile", NULL, "expansion ROM image; empty: none"),                 \
    PROP(T, PROP_U32, pci.rombar, "rombar", 1, "0 hides the expansion ROM")
#define PCI_STATE(T)                                                                               \
    STATE_RAW_KEEP(T, pci.config), STATE(T, STATE_U8, pci.intx_level, 0),                          \
    STATE_RAW(T, pci.msix_table), STATE_RAW(T, pci.msix_pba),                                      \
    HOST_ONLY(T, pci.wmask), HOST_ONLY(T, pci.w1c), HOST_ONLY(T, pci.initial),                     \
    HOST_ONLY(T, pci.ident), HOST_ONLY(T, pci.bus), HOST_ONLY(T, pci.secondary),                   \
    HOST_ONLY(T, pci.devfn), HOST_ONLY(T, pci.intx_driven), HOST_ONLY(T, pci.msg_seq),             \
    HOST_ONLY(T, pci.bar), HOST_ONLY(T, pci.cap_used), HOST_ONLY(T, pci.ext_cap_last),             \
    HOST_ONLY(T, pci.ext_cap_end), HOST_ONLY(T, pci.msi_cap), HOST_ONLY(T, pci.msix_cap),          \
    HOST_ONLY(T, pci.pm_cap), HOST_ONLY(T, pci.pcie_cap), HOST_ONLY(T, pci.msix_vectors),          \
    HOST_ONLY(T, pci.msix_region), HOST_ONLY(T, pci.msix_route), HOST_ONLY(T, pci.bus_master),     \
    HOST_ONLY(T, pci.config_written),                                                              \
    HOST_ONLY(T, pci.config_read), HOST_ONLY(T, pci.msix_changed), HOST_ONLY(T, pci.hotplugged),   \
    HOST_ONLY(T, pci.ejected), HOST_ONLY(T, pci.unplug_until)

/* ---- functions: in the type's realize ---- */
/*
 * First thing in realize: fills the header, and (ident.express) the PCIe and power-management
 * capabilities on an express bus. The bus gave the address when it attached the device.
 */
bool pci_setup(PciDevice *d, const PciIdent *id, Error **errp);
/* Last thing in unrealize, or nothing: the bus does it when the device leaves. */
void pci_teardown(PciDevice *d);
/*
 * In reset_hold, first: all of config[] as it was after realize (so that command register, BARs and
 * capabilities are as after RST#), interrupts off. What else changes config[] by itself follows.
 */
void pci_reset(PciDevice *d);
/* In post_load: maps BARs and bridge windows as config[] now says. */
void pci_loaded(PciDevice *d);
/* BAR n is this region (size a power of two; the device keeps its reference). wide: 64 bits. */
void pci_bar(PciDevice *d, unsigned n, MemoryRegion *r, bool io, bool wide, bool prefetch);
/* A capability of size bytes (with its two-byte header); at 0: anywhere. Its offset. */
unsigned pci_add_cap(PciDevice *d, uint8_t id, unsigned size, unsigned at);
unsigned pcie_add_ext_cap(PciDevice *d, uint16_t id, uint8_t version, unsigned size, unsigned at);
/* Power management, D0 and D3hot, for a device that has it on a conventional bus too. */
void pci_add_pm(PciDevice *d, unsigned at);
bool pci_in_d3(const PciDevice *d);
/* A serial number, as capability (express only). */
void pcie_add_serial(PciDevice *d, uint64_t serial, unsigned at);
/* The expansion ROM from romfile, or default_file from the firmware directories (NULL: none). */
bool pci_add_rom(PciDevice *d, const char *default_file, Error **errp);

/* ---- interrupts ---- */
void pci_set_irq(PciDevice *d, int level); /* the pin; in outputs() */
void pci_add_msi(PciDevice *d, unsigned vectors, bool wide, bool maskable, unsigned at);
bool pci_msi_enabled(const PciDevice *d);
void pci_msi_notify(PciDevice *d, unsigned vector);
/*
 * Table and pending bits inside BAR bar at these offsets (added to its region as subregions). A BAR
 * that is not there yet is made for them (32 bits).
 */
void pci_add_msix(PciDevice *d, unsigned vectors, unsigned bar, uint32_t table, uint32_t pba,
                  unsigned cap_at);
/* Messages are sent by I/O threads: by a short way where the accelerator has one. In realize, after pci_add_msix(). */
void pci_msix_use_routes(PciDevice *d);
bool pci_msix_enabled(const PciDevice *d);
bool pci_msix_masked(const PciDevice *d, unsigned vector);
void pci_msix_notify(PciDevice *d, unsigned vector); /* sends, or sets pending while masked */

/* ---- DMA: through the bus-master bit and the bus's address space ---- */
MemResult pci_dma_read(PciDevice *d, uint64_t addr, void *buf, uint64_t len);
MemResult pci_dma_write(PciDevice *d, uint64_t addr, const void *buf, uint64_t len);
/* As address_space_map(); after writing, pci_dma_written(). NULL when bus mastering is off. */
void *pci_dma_map(PciDevice *d, uint64_t addr, uint64_t *len, bool write);
void pci_dma_written(PciDevice *d, uint64_t addr, uint64_t len);
AddressSpace *pci_dma_space(PciDevice *d);
uint16_t pci_requester_id(const PciDevice *d);

/* ---- buses: host bridges and bridges ---- */
/* A message reaches the root; requester: pci_requester_id() of the sender. Any thread. */
typedef void PciMsiFn(void *opaque, uint16_t requester, uint64_t addr, uint32_t data);

/*
 * Who tells the guest that cards come and go on a bus. Main loop, machine not locked. Without
 * plugged and unplug they only come before the start.
 */
typedef struct PciHotplugOps {
    bool (*plugged)(void *opaque, PciDevice *d, Error **errp);
    /* Asks the guest; when it agrees: pci_ejected(). */
    bool (*unplug)(void *opaque, PciDevice *d, Error **errp);
    void (*cold_plugged)(void *opaque, PciDevice *d); /* optional; by -device */
} PciHotplugOps;

/* A window of a bridge: [base, base + size) of the secondary bus shows on the primary one. */
typedef struct PciWindow {
    MemoryRegion *alias;   /* NULL: closed */
    uint64_t base, size;
} PciWindow;

struct PciBus {
    Bus bus;               /* core/device.h; kind "pci" */
    PciDevice *bridge;     /* NULL: root */
    bool express;
    PciDevice *slot[256];  /* by devfn */
    uint8_t slot_min, slot_max; /* root ports have slot 0 only */
    uint32_t reserved_slots;    /* bit per slot: never chosen, only taken by addr= */
    uint8_t number;             /* of a root */
    PciWindow window[3];        /* of the bridge: memory, prefetchable memory, I/O */
    bool off;                   /* its slot has no power */
    bool zero_address;          /* of a root: a BAR may be at 0 (on PCs it is taken for one without an address) */
    const PciHotplugOps *hotplug; /* NULL: none */
    void *hotplug_opaque;
    MemoryRegion *mem, *io;     /* where BARs appear */
    AddressSpace *dma;
    /* Pin (0..3) of a slot to one of the bus's wires, and the wires, n_wires of them (roots). */
    int (*map_irq)(PciBus *b, PciDevice *d, int pin);
    Irq *wire;
    int n_wires;
    uint32_t *wire_count;  /* functions that assert it */
    PciMsiFn *msi;         /* root only */
    void *msi_opaque;
};
/* A root bus "pci.0"/"pcie.0" of a host bridge; mem, io, dma: the board's. */
void pci_bus_init_root(PciBus *b, Device *owner, const char *name, bool express, MemoryRegion *mem,
                       MemoryRegion *io, AddressSpace *dma);
void pci_bus_init_secondary(PciBus *b, PciDevice *bridge, const char *name, bool express);
void pci_bus_fini(PciBus *b);
/* Before machine_start(), by the board or a port. */
void pci_bus_set_hotplug(PciBus *b, const PciHotplugOps *ops, void *opaque);
/* The guest let go of this function: it is freed soon. */
void pci_ejected(PciDevice *d);
/* In PciHotplugOps.unplug: remembers that the guest is asked; an error if it was, just now. */
bool pci_unplug_ask(PciDevice *d, Error **errp);
/* The bus, if b is one of this kind. */
PciBus *pci_bus_of(Bus *b);
void pci_bus_set_irqs(PciBus *b, int (*map)(PciBus *, PciDevice *, int pin), Irq *wires, int n);
void pci_bus_set_msi(PciBus *root, PciMsiFn *fn, void *opaque);
uint8_t pci_bus_number(const PciBus *b);
PciBus *pci_bus_root(PciBus *b);
PciDevice *pci_find(PciBus *root, uint8_t bus, uint8_t devfn);
/* A configuration access by bus/devfn/register; what is not there reads as ones. Locked. */
uint32_t pci_config_read(PciBus *root, uint8_t bus, uint8_t devfn, unsigned reg, unsigned size);
void pci_config_write(PciBus *root, uint8_t bus, uint8_t devfn, unsigned reg, uint32_t v, unsigned size);
/* Functions and what they decode, of a whole tree (info pci, query-pci). */
void pci_foreach(PciBus *root, void (*fn)(PciDevice *d, void *opaque), void *opaque);

/* Words for a class and subclass ("SATA controller"), and firmware's name; NULL: none. */
const char *pci_class_desc(uint16_t class);
const char *pci_class_firmware(uint16_t class);
/* By the board: leave the slot that the next card would get to who asks for it by addr=. */
void pci_bus_keep_slot(PciBus *b);
/* By the board: make a function at a fixed place. */
Device *pci_new(PciBus *b, uint8_t devfn, const DeviceType *type, const char *id);

#define PCI_CAP_ID_PM 0x01
#define PCI_CAP_ID_MSI 0x05
#define PCI_CAP_ID_VENDOR 0x09
#define PCI_CAP_ID_EXP 0x10
#define PCI_CAP_ID_MSIX 0x11
#define PCI_CAP_ID_SATA 0x12

#endif
